"""The capacity ladder: conservation, the ramp-up curve against quadrature, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from karvan.base.errors import InputError
from karvan.facilities.ladder import RUNGS, Shares, capacity_ladder, ramp_up, utilisation

shares_of_one = st.floats(0.0, 1.0)


class TestLadder:
    @settings(max_examples=30, deadline=None)
    @given(
        nameplate=st.floats(0.0, 1e6),
        straight=st.floats(0.0, 2.0),
        overtime=st.floats(0.5, 1.5),
        losses=st.tuples(shares_of_one, shares_of_one, shares_of_one, shares_of_one),
        ramp=shares_of_one,
        demand=st.floats(0.0, 2e6),
    )
    def test_cars_are_conserved(
        self,
        nameplate: float,
        straight: float,
        overtime: float,
        losses: tuple[float, float, float, float],
        ramp: float,
        demand: float,
    ) -> None:
        ladder = capacity_ladder(nameplate, Shares(straight, overtime, *losses), ramp)
        assert float(ladder.nameplate - sum(ladder.lost.values())) == pytest.approx(
            float(ladder.effective), abs=1e-9 * max(nameplate, 1.0)
        )
        made = ladder.with_demand(demand)
        assert float(made.output + made.lost) == pytest.approx(float(ladder.effective), rel=1e-12)
        assert float(made.output + made.unmet) == pytest.approx(demand, rel=1e-12)
        assert min(float(made.lost), float(made.unmet)) == 0.0

    def test_rungs_by_hand(self) -> None:
        # 10,000 announced for two shifts, one staffed, 10 % overtime, then four losses
        ladder = capacity_ladder(10_000.0, Shares(0.5, 1.1, 0.9, 0.95, 0.98, 0.99), 0.5)
        expected = [10_000, 5_000, 5_500, 4_950, 4_702.5, 4_608.45, 4_562.3655, 2_281.18275]
        assert [float(ladder.rungs[name]) for name in RUNGS] == pytest.approx(expected)
        assert float(ladder.lost["overtime"]) == pytest.approx(-500.0)  # gained, not lost

    def test_broadcasts_draws_years_and_plants(self) -> None:
        draws = np.linspace(0.8, 0.9, 5)[:, None, None]
        years = ramp_up(np.arange(4.0)[:, None] - [0.0, 1.0, 2.0], 6.0, 15.0)
        ladder = capacity_ladder([1_000.0, 2_000.0, 3_000.0], Shares(breakdowns=draws), years)
        assert ladder.effective.shape == (5, 4, 3)
        assert all(rung.shape == (5, 4, 3) for rung in ladder.rungs.values())
        assert ladder.effective[2, 3, 1] == pytest.approx(2_000.0 * 0.85 * years[3, 1])

    @pytest.mark.parametrize(
        ("shares", "message"),
        [
            ({"breakdowns": 1.2}, "breakdowns is 1.2; expected a share between 0 and 1"),
            ({"overtime": -0.1}, "overtime is -0.1"),
            ({"kits": [0.9, np.nan]}, "kits is nan"),
            ({"straight_time": np.inf}, "straight_time is inf"),
        ],
    )
    def test_refuses_shares_that_are_none(self, shares: dict[str, float], message: str) -> None:
        with pytest.raises(InputError, match=message):
            Shares(**shares)

    def test_refuses_bad_nameplate_ramp_and_demand(self) -> None:
        with pytest.raises(InputError, match="nameplate -5 found"):
            capacity_ladder([10.0, -5.0], Shares(), 1.0)
        with pytest.raises(InputError, match=r"ramp 1.5 found"):
            capacity_ladder(10.0, Shares(), 1.5)
        with pytest.raises(InputError, match="demand -1 found"):
            capacity_ladder(10.0, Shares(), 1.0).with_demand(-1.0)


class TestRampUp:
    @pytest.mark.parametrize("age", [-0.9, -0.25, 0.0, 0.4, 1.0, 3.0])
    @pytest.mark.parametrize(("half", "most"), [(3.0, 6.0), (6.0, 15.0), (0.0, 1.0)])
    def test_equals_quadrature_of_the_logistic(self, age: float, half: float, most: float) -> None:
        scale = (most - half) / np.log(9.0)
        area, _ = quad(lambda t: 1.0 / (1.0 + np.exp(-(t - half) / scale)), 12 * max(age, 0.0), 12 * (age + 1))
        assert float(ramp_up(age, half, most)) == pytest.approx(area / 12.0, rel=1e-8)

    def test_closed_all_year_makes_nothing(self) -> None:
        assert (ramp_up([-1.0, -1.5, -np.inf], 6.0, 15.0) == 0.0).all()
        assert float(ramp_up(np.inf, 6.0, 15.0)) == 1.0

    @settings(max_examples=30, deadline=None)
    @given(age=st.floats(-2.0, 30.0), step=st.floats(0.0, 1.0), half=st.floats(0.0, 36.0), gap=st.floats(0.1, 36.0))
    def test_never_falls_with_age(self, age: float, step: float, half: float, gap: float) -> None:
        young, old = ramp_up([age, age + step], half, half + gap)
        assert 0.0 <= young <= old + 1e-12 <= 1.0 + 1e-12

    def test_passes_50_and_90_percent_at_its_two_months(self) -> None:
        ages = np.array([2.0, 9.0]) / 12.0  # both before the first birthday, so only one end of the year moves
        step = 1e-5  # the year's mean of a curve is the difference quotient of its integral
        gain = ramp_up(ages - 1 + step, 2.0, 9.0) - ramp_up(ages - 1, 2.0, 9.0)
        assert (gain / step) == pytest.approx([0.5, 0.9], abs=1e-4)

    def test_refuses_months_out_of_order(self) -> None:
        with pytest.raises(InputError, match="0 <= months_to_50 < months_to_90"):
            ramp_up(1.0, 15.0, 6.0)


def test_utilisation_of_no_capacity_is_zero() -> None:
    assert utilisation([[5.0, 3.0]], [10.0, 0.0]).tolist() == [[0.5, 0.0]]

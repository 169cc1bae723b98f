"""Rivals answer: laws of the three rules, and the price index they rest on found another way."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karvan.base.errors import InputError
from karvan.market import DoubleCES, capacity_price, expand, price_response
from karvan.market.rivals import LARGEST_SHARE, SHADOW_MOST

SHARE = st.floats(0.0, 0.9)
RHO = st.floats(0.0, 1.0)


def answer(share: float, base: float, rho: float, eta: float = 4.0, most: float = 0.5) -> float:
    return float(price_response([[share]], [[base]], eta=eta, response=rho, most=most)[0, 0])


class TestPriceResponse:
    """``ln p_hat = rho ln P_hat``, bounded by the margin."""

    def test_index_is_that_of_the_two_level_market(self) -> None:
        """An entrant is let in; the cost of one brand that gives incumbents together what they had is the index."""
        ces = DoubleCES.calibrate([[70.0], [30.0], [0.0]], brand=[0, 1, 2], product=[0, 0, 0])
        eta, e = 3.9, 0.4
        shares = ces.shares(np.ones((3, 1)), theta=7.0, eta=eta, entrant_share=np.array([[0.0], [0.0], [e]]))
        entered = float(shares[2, 0])
        # Weights are cost ** -eta: incumbents as cheap as this together would weigh what all three weigh.
        index = (1.0 + e) ** (-1.0 / eta)
        assert answer(entered, 0.0, 1.0, eta) == pytest.approx(index, rel=1e-12)

    @given(SHARE, SHARE, RHO)
    @settings(max_examples=60, deadline=None)
    def test_laws(self, share: float, base: float, rho: float) -> None:
        hat = answer(share, base, rho, most=0.1)
        assert 0.9 - 1e-12 <= hat <= 1 / 0.9 + 1e-12
        assert answer(base, base, rho) == 1.0
        assert answer(share, base, 0.0) == 1.0
        assert (hat <= 1.0) if share >= base else (hat >= 1.0)
        assert hat * answer(base, share, rho, most=0.1) == pytest.approx(1.0)

    def test_a_monopoly_is_no_infinite_answer(self) -> None:
        assert answer(1.0, 0.0, 1.0, most=0.9) == answer(LARGEST_SHARE, 0.0, 1.0, most=0.9) > 0

    @pytest.mark.parametrize(
        ("bad", "words"),
        [
            ({"share": [[1.5]]}, "share: found 1.5"),
            ({"share_base": [[-0.1]]}, "share_base: found -0.1"),
            ({"eta": 0.0}, "eta: found 0"),
            ({"response": 1.5}, "response: found 1.5"),
            ({"most": 1.0}, "most: found 1"),
        ],
    )
    def test_refused(self, bad: dict[str, object], words: str) -> None:
        given_: dict[str, object] = {"share": [[0.2]], "share_base": [[0.1]], "eta": 4.0, "response": 0.4, "most": 0.1}
        with pytest.raises(InputError, match=words):
            price_response(**{**given_, **bad})  # type: ignore[arg-type]


class TestCapacityPrice:
    """One Newton step a year towards the price at which sales meet capacity."""

    @given(st.floats(1.5, 6.0), st.floats(1.5, 12.0), st.floats(0.3, 1.8))
    @settings(max_examples=40, deadline=None)
    def test_settles_where_the_plant_is_just_full(self, e: float, more: float, over: float) -> None:
        """Against buyers of constant elasticity ``e``, looked for with a step for a larger one."""
        x = np.zeros(1)
        for _ in range(400):
            x = capacity_price(x, 100.0 * over * np.exp(-e * x), 100.0, elasticity=e * max(more / e, 1.0))
        expected = min(max(np.log(over) / e, 0.0), SHADOW_MOST)
        assert float(x[0]) == pytest.approx(expected, abs=1e-6)

    def test_room_or_no_limit_or_no_sales_is_no_price(self) -> None:
        found = capacity_price([0.0, 0.0, 0.2], [50.0, 500.0, 0.0], [100.0, np.inf, 100.0], elasticity=4.0)
        assert found.tolist() == [0.0, 0.0, 0.0]

    def test_refused(self) -> None:
        with pytest.raises(InputError, match="capacity: found 0"):
            capacity_price([0.0], [1.0], [0.0], elasticity=4.0)
        with pytest.raises(InputError, match="log_price: found -1"):
            capacity_price([-1.0], [1.0], [1.0], elasticity=4.0)


class TestExpand:
    """A full maker builds, an idle one does not."""

    @given(st.floats(0.0, 3.0), st.floats(0.5, 1.0), st.floats(1.0, 10.0), st.floats(0.0, 0.5))
    @settings(max_examples=60, deadline=None)
    def test_laws(self, use: float, trigger: float, years: float, most: float) -> None:
        grown = float(expand(100.0, [100.0 * use], trigger=trigger, years=years, most=most)[0])
        assert 100.0 <= grown <= 100.0 * (1 + most) * (1 + 1e-12)
        if use <= trigger:
            assert grown == 100.0
        if use > 1.01 * trigger and most > 0.01:
            assert grown > 100.0

    def test_steady_demand_is_met_at_the_trigger(self) -> None:
        """Demand jumps by a half and stays: capacity ends where it is just as full as makers like."""
        capacity = np.array([100.0])
        for _ in range(60):
            capacity = expand(capacity, [120.0], trigger=0.8, years=2.0)
        assert float(capacity[0]) == pytest.approx(150.0, rel=1e-6)

    def test_half_of_the_way_in_logs_in_a_year_at_a_lag_of_two(self) -> None:
        assert float(expand(100.0, [90.0], trigger=0.8, years=2.0)[0]) == pytest.approx(100.0 * (0.9 / 0.8) ** 0.5)

    def test_no_limit_stays_none(self) -> None:
        assert np.isposinf(expand([np.inf], [5.0], trigger=0.8, years=2.0))

    def test_refused(self) -> None:
        with pytest.raises(InputError, match="trigger: found 0"):
            expand(1.0, [1.0], trigger=0.0, years=2.0)
        with pytest.raises(InputError, match=r"years: found 0\.5"):
            expand(1.0, [1.0], trigger=0.8, years=0.5)

"""Learning: half-lives and doublings by hand, the published defect curve, the year's mean against quadrature."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from karvan.base.errors import InputError
from karvan.partnerships import (
    defect_rate,
    first_time_right,
    hours_per_car,
    hours_with_rework,
    local_share_path,
    progress_at_constant_volume,
    ramp_up,
    scale_ratio,
    supplier_experience,
    supplier_parity,
    supplier_price_ratio,
)

unit = st.floats(0.0, 1.0)


class TestLocalShare:
    @given(unit, unit, st.floats(0.0, 30.0), st.floats(0.2, 20.0))
    def test_between_start_and_target(self, start: float, target: float, years: float, half: float) -> None:
        share = local_share_path(start, target, years, half)
        assert min(start, target) - 1e-12 <= share <= max(start, target) + 1e-12

    @given(unit, unit, st.floats(0.0, 30.0), st.floats(0.2, 20.0))
    def test_half_of_the_rest_each_half_life(self, start: float, target: float, years: float, half: float) -> None:
        now = local_share_path(start, target, years, half)
        later = local_share_path(start, target, years + half, half)
        assert target - later == pytest.approx(0.5 * (target - now), abs=1e-12)


class TestHours:
    @given(st.floats(5.0, 60.0), st.floats(0.0, 1e6), st.floats(0.7, 1.0), unit)
    def test_a_doubling_leaves_the_ratio_of_what_can_be_learnt(
        self, first: float, made: float, ratio: float, floor_share: float
    ) -> None:
        floor = first * floor_share
        options = {"output_start": 500.0, "progress_ratio": ratio, "hours_floor": floor}
        now = hours_per_car(first, 500.0 + made, **options)
        doubled = hours_per_car(first, 2 * (500.0 + made), **options)
        assert doubled - floor == pytest.approx(ratio * (now - floor), abs=1e-9)
        assert floor - 1e-9 <= doubled <= now <= first + 1e-9

    def test_nothing_to_learn_below_the_floor(self) -> None:
        assert hours_per_car(10.0, 1e6, output_start=100, progress_ratio=0.8, hours_floor=15.0) == 10.0

    def test_saturates(self) -> None:
        h = hours_per_car(40.0, 1e12, output_start=100, progress_ratio=0.8, hours_floor=15.0)
        assert h == pytest.approx(15.0, abs=0.05)


class TestDefects:
    """Levitt, List and Syverson (2013): the defect rate halves for each tenfold output, 18.8 % a doubling."""

    def test_tenfold_halves(self) -> None:
        assert defect_rate(80.0, 10_000, output_start=1000) == pytest.approx(40.0, rel=1e-3)

    def test_doubling(self) -> None:
        assert 1.0 - defect_rate(1.0, 2000, output_start=1000) == pytest.approx(0.188, abs=5e-4)


class TestRampUp:
    @given(st.integers(0, 12), unit, st.floats(0.1, 5.0))
    def test_mean_of_the_year(self, years: int, first: float, half: float) -> None:
        mean, _ = quad(lambda t: 1.0 - (1.0 - first) * 0.5 ** (t / half), years, years + 1)
        assert ramp_up(years, first=first, half_life=half) == pytest.approx(mean, abs=1e-9)

    def test_closed_before_it_opens(self) -> None:
        np.testing.assert_array_equal(ramp_up([-2, -1], first=0.5, half_life=1.0), [0.0, 0.0])

    def test_tangier(self) -> None:
        """Renault Tangier: 50,000 in its first (eleven-month) year, 100,000 in the second, of a line of 150,000 to
        170,000. A half-life of about a year from a standing start gives both within a tenth of capacity.
        """
        made = ramp_up([0, 1], first=0.0, half_life=1.05) * 160_000
        np.testing.assert_allclose(made, [50_000, 100_000], atol=16_000)

    def test_half_life_above_zero(self) -> None:
        with pytest.raises(InputError, match="half_life: found 0"):
            ramp_up(1, first=0.5, half_life=0.0)


class TestTraining:
    @given(unit, unit, st.floats(0.0, 2000.0), st.floats(10.0, 400.0))
    def test_half_of_the_rest(self, start: float, ceiling: float, hours: float, half: float) -> None:
        now = first_time_right(start, ceiling, hours, training_half=half)
        later = first_time_right(start, ceiling, hours + half, training_half=half)
        assert ceiling - later == pytest.approx(0.5 * (ceiling - now), abs=1e-12)

    def test_rework_costs_hours(self) -> None:
        """Four in five cars right: one in five takes 6 hours more, 1.2 on average."""
        assert hours_with_rework(20.0, 0.8, 6.0) == pytest.approx(21.2)
        assert hours_with_rework(20.0, 1.0, 6.0) == 20.0


class TestSuppliers:
    """Argote, Beckman and Epple (1990): knowledge is kept in part from period to period and fed by output."""

    def run(self, years_with: int, years_after: int, retained: float) -> list[float]:
        known, path = np.asarray(0.0), []
        for year in range(years_with + years_after):
            output = 1000.0 if year < years_with else 0.0
            known = supplier_experience(known, output, retained=retained)
            path.append(float(known))
        return path

    def test_outlasts_the_partner_and_fades(self) -> None:
        path = self.run(5, 5, 0.8)
        assert path[4] == pytest.approx(1000 * (1 - 0.8**5) / 0.2)
        np.testing.assert_allclose(path[5:], path[4] * 0.8 ** np.arange(1, 6))

    def test_nothing_is_lost_if_all_is_retained(self) -> None:
        assert self.run(5, 5, 1.0)[-1] == 5000.0

    def test_price_after_an_exit_is_below_that_of_a_beginner(self) -> None:
        def price(known: float) -> float:
            return float(supplier_price_ratio(1.4, known, experience_start=500.0, progress_ratio=0.85, ratio_floor=0.9))

        path = self.run(5, 5, 0.8)
        assert price(path[4]) < price(path[-1]) < price(0.0) == 1.4
        assert price(1e15) == pytest.approx(0.9, abs=0.01)


class TestScaleOfSuppliers:
    """Learning and scale on one price: each alone, both together, and neither counted twice."""

    @given(
        st.floats(0.5, 2.0), unit, st.floats(0.0, 1.5), st.floats(0.5, 1.0), st.floats(0.0, 0.5), st.floats(0.0, 1e6),
        st.floats(0.0, 1e6), st.floats(1.0, 1e6),
    )  # fmt: skip
    def test_between_the_start_and_the_floor(
        self, start: float, floor: float, known: float, p: float, e: float, q: float, more: float, mes: float
    ) -> None:
        def price(volume: float) -> float:
            saved = scale_ratio(volume, mes, e, reference=4e3)
            learnt = {"experience_start": 1e3, "progress_ratio": p, "ratio_floor": floor}
            return float(supplier_price_ratio(start, known * 1e3, **learnt, scale=saved))

        assert min(floor, start) <= price(q + more) <= price(q) <= start * (1 + 1e-12)

    def test_scale_without_learning(self) -> None:
        """Ten times the volume at an elasticity of 0.1: a fifth cheaper, whatever was made before."""
        saved = scale_ratio(4e4, 4e5, 0.1, reference=4e3)
        kept = {"experience_start": 1.0, "progress_ratio": 1.0, "ratio_floor": 0.5}
        for known in (0.0, 1e6):
            assert float(supplier_price_ratio(1.2, known, **kept, scale=saved)) == pytest.approx(1.2 * 10**-0.1)
        assert float(supplier_price_ratio(1.2, 1e6, **kept)) == 1.2

    @given(st.floats(0.7, 1.0), st.floats(0.0, 0.3))
    def test_a_growing_record_has_both_in_it(self, p: float, e: float) -> None:
        """Output doubles each year from minus infinity: what has been made is twice the year's. A curve fitted to such
        costs has the slope of both; taken apart and put together they give the costs again."""
        year = np.arange(12.0)
        output, made = 2.0**year, 2.0 ** (year + 1)
        fitted = made ** np.log2(p)
        apart = float(progress_at_constant_volume(p, e))
        again = made ** np.log2(apart) * output**-e
        if apart < 1.0:
            np.testing.assert_allclose(again / again[0], fitted / fitted[0], rtol=1e-9)
        else:
            assert np.all(again / again[0] <= fitted / fitted[0] * (1 + 1e-9))

    @given(
        st.floats(0.8, 2.0), st.floats(0.6, 1.2), st.floats(0.7, 1.0), st.floats(0.0, 0.3), st.floats(1.0, 1e6),
        st.sampled_from([1.0, 1.12]),
    )  # fmt: skip
    def test_parity(self, start: float, floor: float, p: float, e: float, mes: float, landed: float) -> None:
        """At the volume no dearer than the kit's part, at 1 % less dearer; inf only where even much is too dear."""
        known = 4e3
        q = float(
            supplier_parity(
                start,
                reference=known,
                progress_ratio=p,
                ratio_floor=floor,
                minimum_efficient_scale=mes,
                elasticity=e,
                landed=landed,
            )
        )

        def price(volume: float) -> float:
            saved = scale_ratio(volume, mes, e, reference=known)
            curve = {"experience_start": known, "progress_ratio": p, "ratio_floor": floor}
            return float(supplier_price_ratio(start, volume, **curve, scale=saved))

        if q == 0.0:
            assert start <= landed
        elif np.isinf(q):
            assert price(1e7) > landed
        else:
            assert price(q) <= landed < price(0.99 * q)

"""A fleet carried through a record: cars conserved, the record reproduced, the life behind it found again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karvan.base.axes import Array
from karvan.base.errors import InputError
from karvan.demand import (
    carry_forward,
    fit_life,
    fleet_from_age_classes,
    steady_fleet,
    survival,
    used_age_profile,
    weibull_scale,
)

AGES = 60
BOUNDS = (0, 2, 5, 10, 20)


def life(years: float) -> Array:
    return survival(weibull_scale(years, 3.0), 3.0, AGES)


class TestCarry:
    @given(st.integers(0, 2**32 - 1), st.booleans())
    @settings(max_examples=30)
    def test_cars_are_conserved_and_stock_is_kept(self, seed: int, by_age: bool) -> None:
        rng = np.random.default_rng(seed)
        fleet = rng.uniform(0, 1e4, (3, AGES))
        stock = fleet.sum(axis=-1).mean() * np.cumprod(rng.uniform(0.97, 1.06, 6))
        sold = stock * rng.uniform(0.0, 0.15, 6)
        exports = used_age_profile(6.0, 3.0, AGES) if by_age else None
        run = carry_forward(fleet, life(18.0), stock, sold, used_age_profile(8.0, 4.0, AGES), export_ages=exports)
        assert run.fleet.shape == (3, 6, AGES)
        totals = np.concatenate([fleet.sum(axis=-1)[:, None], run.fleet.sum(axis=-1)], axis=1)
        new = np.diff(totals, axis=1) + run.scrapped + run.used_exports - run.used_imports
        if not by_age:  # with ages, exports can run out of cars of those ages
            np.testing.assert_allclose(new, np.broadcast_to(sold, new.shape), rtol=1e-9, atol=1e-6)
        np.testing.assert_allclose(run.fleet[..., 0], new, rtol=1e-9, atol=1e-6)
        need = stock - (totals[:, :-1] - run.scrapped)
        np.testing.assert_allclose(run.used_imports[need >= sold], (need - sold)[need >= sold], rtol=1e-9, atol=1e-6)

    def test_sales_of_a_settled_fleet_need_no_used_cars(self) -> None:
        p = life(18.0)
        fleet = steady_fleet(1000.0, p)
        run = carry_forward(fleet, p, np.full(4, 1000.0), np.full(4, fleet[0]), used_age_profile(8.0, 4.0, AGES))
        np.testing.assert_allclose(run.fleet, np.broadcast_to(fleet, (4, AGES)), rtol=1e-9)
        np.testing.assert_allclose(run.used_imports, 0.0, atol=1e-9)
        np.testing.assert_allclose(run.used_exports, 0.0, atol=1e-9)

    def test_more_sales_than_need_push_cars_out(self) -> None:
        p = life(18.0)
        fleet = steady_fleet(1000.0, p)
        run = carry_forward(fleet, p, [1000.0], [fleet[0] + 30.0], used_age_profile(8.0, 4.0, AGES))
        assert run.used_exports[0] == pytest.approx(30.0)
        assert run.fleet.sum() == pytest.approx(1000.0)

    def test_one_row_of_years(self) -> None:
        with pytest.raises(InputError, match="expected one row of years each"):
            carry_forward(np.ones(AGES), life(18.0), [1.0, 2.0], [1.0], used_age_profile(8.0, 4.0, AGES))


class TestFitLife:
    def record(self, years: float, used_mean: float, used_share: float) -> tuple[Array, Array, Array]:
        """Eight years of a fleet that buys a changing number of new cars."""
        p = life(years)
        start = fleet_from_age_classes(np.array([90.0, 120.0, 200.0, 390.0, 200.0]), AGES, survival=p)
        rng = np.random.default_rng(1)
        stock: Array = 1000.0 * np.asarray(1.02 ** np.arange(9), dtype=np.float64)
        need = 1000.0 / years + 20.0
        sold: Array = need * (1 - used_share) * rng.uniform(0.6, 1.4, 9)
        run = carry_forward(start, p, stock[1:], sold[1:], used_age_profile(used_mean, 4.0, AGES))
        tables = np.concatenate([start[None], run.fleet])
        return np.add.reduceat(tables, BOUNDS, axis=-1), stock, sold

    @pytest.mark.parametrize(("years", "used_mean"), [(14.0, 7.0), (22.0, 9.0), (30.0, 5.0)])
    def test_finds_the_truth(self, years: float, used_mean: float) -> None:
        classes, stock, sold = self.record(years, used_mean, 0.5)
        fit = fit_life(classes, stock, sold, shape=3.0)
        assert fit.mean_life == pytest.approx(years, rel=0.02)
        assert fit.used_mean_age == pytest.approx(used_mean, abs=0.3)
        assert fit.class_error < 0.001 < fit.flat_error
        assert not fit.at_edge
        assert fit.years == 8

    def test_two_tables_are_enough(self) -> None:
        classes, stock, sold = self.record(22.0, 9.0, 0.5)
        classes[1:-1] = np.nan
        fit = fit_life(classes, stock, sold, shape=3.0)
        assert fit.years == 1
        assert fit.mean_life == pytest.approx(22.0, rel=0.02)

    def test_classes_that_fall_short_of_the_stock(self) -> None:
        """Only the movement of the stock counts: the same record with a tenth of the cars missing in the classes."""
        classes, stock, sold = self.record(22.0, 9.0, 0.5)
        whole = fit_life(classes, stock, sold, shape=3.0)
        short = fit_life(0.9 * classes, stock, sold, shape=3.0)
        assert short.mean_life == pytest.approx(whole.mean_life, rel=1e-9)

    def test_no_table_to_compare(self) -> None:
        classes, stock, sold = self.record(22.0, 9.0, 0.5)
        classes[1:] = np.nan
        with pytest.raises(InputError, match="none later"):
            fit_life(classes, stock, sold, shape=3.0)

    def test_shapes(self) -> None:
        with pytest.raises(InputError, match="classes: found shape"):
            fit_life(np.ones((3, 4)), np.ones(3), np.ones(3), shape=3.0)

"""The fleet by age against the shared arithmetic vector, and cars that are neither made nor lost on the way."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karvan.base.axes import Array
from karvan.base.errors import InputError
from karvan.demand import FleetStep, fleet_from_age_classes, fleet_step, steady_fleet, survival, weibull_scale

REFERENCE = Path(__file__).parents[2].parent / "shared" / "reference" / "trade"


def only_new(ages: int, markets: int = 1) -> Array:
    """No used imports: their ages do not matter."""
    profile = np.zeros((markets, ages))
    profile[:, 0] = 1.0
    return profile


class TestArithmeticVector:
    """Weibull survival with k 4.79 and scale 14.46 (the default of VEIN); a car sold in a year counts fully in that
    year's stock. Sales, stock at the end of the year, scrapped during the year.
    """

    ROWS = (
        (65.59108123501284, 65.59108123501284, None),
        (87.52318481629676, 153.11408423281196, 0.00018181849762299862),
        (47.207980635981684, 200.31697421535392, 0.005090653439708603),
        (87.43247235686219, 287.7128066559783, 0.03663991623784568),
        (55.59157260052427, 343.1566230200846, 0.14775623641793345),
        (61.16632244862878, 403.89103905278955, 0.4319064159238337),
    )

    def check(self, rows: list[tuple[float, float, float | None]], ages: int) -> None:
        """Run the years and compare: sales are put in by asking for the stock that they lead to."""
        p = survival([14.46], 4.79, ages)
        fleet = np.zeros((1, ages))
        for sales, stock, scrapped in rows:
            survivors = (fleet * p).sum()
            step = fleet_step(fleet, p, [survivors + sales], 1.0, only_new(ages))
            fleet = step.fleet
            np.testing.assert_allclose(fleet.sum(), stock, rtol=1e-10)
            np.testing.assert_allclose(step.new_cars, sales, rtol=1e-10)
            if scrapped is not None:
                np.testing.assert_allclose(step.scrapped, scrapped, rtol=1e-10)

    def test_years_in_this_file(self) -> None:
        self.check(list(self.ROWS), 40)

    def test_all_years(self) -> None:
        file = REFERENCE / "weibull_vector_k4.79_l14.46.csv"
        if not file.is_file():
            pytest.skip(f"the whole vector is not here: {file}")
        with file.open(encoding="utf-8") as handle:
            rows = [
                (float(r["sales"]), float(r["stock_end"]), float(r["scrapped"]) if r["scrapped"] else None)
                for r in csv.DictReader(handle)
            ]
        assert len(rows) == 25
        self.check(rows, 40)

    def test_mean_life(self) -> None:
        file = REFERENCE / "vector_parameters.json"
        mean = json.loads(file.read_text())["weibull"]["mean_life"] if file.is_file() else 13.243757402498801
        np.testing.assert_allclose(weibull_scale(mean, 4.79), 14.46, rtol=1e-12)


class TestSurvival:
    @given(st.floats(8.0, 35.0), st.floats(1.2, 6.0), st.integers(3, 50))
    def test_product_is_weibull(self, scale: float, k: float, ages: int) -> None:
        p = survival(scale, k, ages)
        assert p.shape == (ages,)
        assert np.all((p >= 0) & (p <= 1))
        np.testing.assert_allclose(np.prod(p[:-1]), math.exp(-(((ages - 1) / scale) ** k)), rtol=1e-9, atol=1e-300)

    @given(st.floats(8.0, 35.0), st.floats(1.5, 6.0), st.integers(4, 50))
    @settings(max_examples=40)
    def test_few_ages_hold_the_same_steady_stock(self, mean: float, k: float, ages: int) -> None:
        """A fleet fed with one car a year holds sum S(a) cars, however few ages are told apart."""
        scale = float(weibull_scale(mean, k))
        p = survival(scale, k, ages)
        profile = steady_fleet(1.0, p)
        per_entry = 1.0 / profile[0]
        assert per_entry == pytest.approx(sum(math.exp(-((a / scale) ** k)) for a in range(600)), rel=1e-8)

    def test_constant_hazard(self) -> None:
        """With shape 1 every age survives alike, the open last one too."""
        np.testing.assert_allclose(survival(10.0, 1.0, 5), math.exp(-0.1), rtol=1e-6)

    def test_leading_axes(self) -> None:
        assert survival(np.full((3, 2), 14.0), 4.0, 12).shape == (3, 2, 12)

    def test_two_ages_at_least(self) -> None:
        with pytest.raises(InputError, match="ages: found 1"):
            survival(14.0, 4.0, 1)


def conserved(before: Array, step: FleetStep) -> None:
    """Cars after = cars before - scrapped - exported + added; added = new + used."""
    total = before.sum(axis=-1)
    after = total - step.scrapped - step.used_exports + step.additions
    np.testing.assert_allclose(step.fleet.sum(axis=-1), after, rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(step.new_cars + step.used_imports, step.additions, rtol=1e-12)


class TestStep:
    @given(
        seed=st.integers(0, 2**32 - 1),
        scale=st.floats(8.0, 35.0),
        growth=st.floats(-0.5, 0.5),
        export=st.floats(0.0, 2.0),
        by_age=st.booleans(),
    )
    @settings(max_examples=60)
    def test_cars_are_conserved(self, seed: int, scale: float, growth: float, export: float, by_age: bool) -> None:
        rng = np.random.default_rng(seed)
        draws, markets, ages = 3, 2, 12
        fleet = rng.uniform(0, 1e5, (draws, markets, ages))
        used = rng.dirichlet(np.ones(ages), markets)
        step = fleet_step(
            fleet,
            survival(np.full((draws, markets), scale), 4.0, ages),
            fleet.sum(axis=-1) * (1 + growth),
            rng.uniform(0, 1, (draws, markets)),
            used,
            export * rng.uniform(0, 1e5, (draws, markets)),
            export_ages=used[::-1] if by_age else None,
        )
        conserved(fleet, step)
        assert np.all(step.fleet >= 0)
        assert np.all(step.additions >= 0)

    def test_target_is_reached_when_it_can_be(self) -> None:
        p = survival([14.46], 4.79, 30)
        fleet = steady_fleet([1000.0], p)
        assert fleet_step(fleet, p, [1200.0], 0.3, only_new(30)).fleet.sum() == pytest.approx(1200.0)

    def test_a_fleet_too_large_is_not_cut(self) -> None:
        p = survival([14.46], 4.79, 30)
        fleet = steady_fleet([1000.0], p)
        step = fleet_step(fleet, p, [10.0], 0.3, only_new(30))
        assert step.additions == 0.0
        assert step.fleet.sum() == pytest.approx(1000.0 - step.scrapped[0])
        assert fleet_step(fleet, p, [10.0], 0.3, only_new(30), minimum=7.0).additions == 7.0

    def test_new_cars_enter_young_and_used_ones_old(self) -> None:
        p = survival([14.46], 4.79, 10)
        used = np.zeros((1, 10))
        used[0, 7] = 1.0
        fleet = fleet_step(np.zeros((1, 10)), p, [100.0], 0.25, used).fleet
        assert fleet[0, 0] == 25.0
        assert fleet[0, 7] == 75.0

    def test_exports_raise_purchases_one_for_one(self) -> None:
        p = survival([14.46], 4.79, 30)
        fleet = steady_fleet([1000.0], p)
        without = fleet_step(fleet, p, [1000.0], 0.5, only_new(30))
        with_ = fleet_step(fleet, p, [1000.0], 0.5, only_new(30), [40.0])
        assert with_.additions[0] - without.additions[0] == pytest.approx(40.0)

    def test_no_more_cars_leave_than_there_are(self) -> None:
        p = survival([14.46], 4.79, 10)
        profile = np.zeros((1, 10))
        profile[0, 3] = 1.0
        fleet = np.full((1, 10), 10.0)
        step = fleet_step(fleet, p, [0.0], 0.5, only_new(10), [500.0], export_ages=profile)
        assert step.used_exports[0] == pytest.approx(10.0 * p[0, 2])

    def test_each_draw_is_its_own(self) -> None:
        """A draw alone gives the same bytes as the same draw in company."""
        rng = np.random.default_rng(5)
        fleet = rng.uniform(0, 1e4, (8, 3, 20))
        p = survival(rng.uniform(10, 30, (8, 3)), 4.0, 20)
        target = rng.uniform(1e4, 3e5, (8, 3))
        used = rng.dirichlet(np.ones(20), 3)
        exports = rng.uniform(0, 100, (8, 3))
        together = fleet_step(fleet, p, target, 0.4, used, exports).fleet
        alone = fleet_step(fleet[5:6], p[5:6], target[5:6], 0.4, used, exports[5:6]).fleet
        assert together[5:6].tobytes() == alone.tobytes()

    def test_the_input_is_not_changed(self) -> None:
        p = survival([14.46], 4.79, 10)
        fleet = np.full((1, 10), 10.0)
        fleet_step(fleet, p, [500.0], 0.5, only_new(10), [5.0])
        assert np.all(fleet == 10.0)

    def test_ages_must_agree(self) -> None:
        with pytest.raises(InputError, match="ages: found 10 in fleet, 12 in survival"):
            fleet_step(np.ones((1, 10)), survival([14.46], 4.0, 12), [10.0], 0.5, only_new(10))

    def test_used_ages_must_sum_to_one(self) -> None:
        with pytest.raises(InputError, match=r"used_ages: the shares sum to 0\.5"):
            fleet_step(np.ones((1, 10)), survival([14.46], 4.0, 10), [10.0], 0.5, np.full((1, 10), 0.05))


class TestSteadyFleet:
    @given(st.floats(8.0, 35.0), st.floats(-0.02, 0.06), st.floats(0.0, 1.0))
    @settings(max_examples=40)
    def test_keeps_its_shape(self, scale: float, growth: float, new: float) -> None:
        ages = 45
        p = survival([scale], 4.0, ages)
        used = np.zeros((1, ages))
        used[0, 4:10] = 1 / 6
        entry = used * (1 - new)
        entry[0, 0] += new
        fleet = steady_fleet([1e6], p, entry_ages=entry, growth=growth)
        step = fleet_step(fleet, p, [1e6 * (1 + growth)], new, used)
        np.testing.assert_allclose(step.fleet, fleet * (1 + growth), rtol=1e-9, atol=1e-3)

    def test_adds_up(self) -> None:
        p = survival(np.full((4, 2), 18.0), 3.0, 30)
        np.testing.assert_allclose(steady_fleet(np.full((4, 2), 77.0), p).sum(axis=-1), 77.0)

    def test_shrinking_too_fast(self) -> None:
        with pytest.raises(InputError, match="shrinks faster"):
            steady_fleet([100.0], survival([30.0], 1.0, 10), growth=-0.5)


class TestAgeClasses:
    """Azerbaijan, end of 2019, UNECE: 20,451 of 1,214,093 cars are under two years old."""

    def test_classes_keep_their_counts(self) -> None:
        counts = np.array([[20451.0, 90000.0, 250000.0, 500000.0, 353642.0]])
        for p in (None, survival([25.0], 3.0, 40)):
            fleet = fleet_from_age_classes(counts, 40, survival=p)
            for k, (low, high) in enumerate([(0, 2), (2, 5), (5, 10), (10, 20), (20, 40)]):
                assert fleet[0, low:high].sum() == pytest.approx(counts[0, k])

    def test_falls_off_inside_a_class_with_survival(self) -> None:
        fleet = fleet_from_age_classes([0.0, 0.0, 0.0, 0.0, 100.0], 40, survival=survival(15.0, 4.0, 40))
        assert np.all(np.diff(fleet[20:39]) < 0)

    def test_class_nobody_survives_to(self) -> None:
        fleet = fleet_from_age_classes([0.0, 0.0, 0.0, 0.0, 100.0], 40, survival=survival(2.0, 8.0, 40))
        assert fleet.sum() == pytest.approx(100.0)

    def test_number_of_classes(self) -> None:
        with pytest.raises(InputError, match="counts: found 3 classes; expected 5"):
            fleet_from_age_classes([1.0, 2.0, 3.0])

    def test_other_bounds(self) -> None:
        fleet = fleet_from_age_classes([40.0, 100.0], 14, bounds=(0, 4))
        np.testing.assert_allclose(fleet, 10.0)
        with pytest.raises(InputError, match="bounds"):
            fleet_from_age_classes([1.0, 2.0], 14, bounds=(0, 0))

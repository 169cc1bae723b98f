"""Life and share bought new, from settled fleets of known truth and from the records of three countries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karvan.base.axes import Array
from karvan.base.errors import InputError
from karvan.demand import fleet_step, steady_fleet, survival, weibull_scale
from karvan.demand.ageing import AgeingFit, fit_ageing, used_age_profile

AGES = 60
USED = used_age_profile(8.0, 4.0, AGES)
BOUNDS = (0, 2, 5, 10, 20)


def record(life: float, new: float, growth: float) -> tuple[Array, float]:
    """Class shares and new cars per car in use of a fleet run forward for 150 years, not taken from the fit's model."""
    p = survival(weibull_scale([life], 3.0), 3.0, AGES)
    fleet = np.full((1, AGES), 1.0)
    for _ in range(150):
        step = fleet_step(fleet, p, fleet.sum(axis=-1) * (1 + growth), new, USED[None, :], minimum=1e-9)
        fleet = step.fleet
    return np.add.reduceat(fleet[0], BOUNDS) / fleet.sum(), float(step.new_cars[0] / fleet.sum())


class TestKnownTruth:
    @pytest.mark.parametrize(
        ("life", "new", "growth"), [(12.0, 1.0, 0.0), (18.0, 0.6, 0.02), (25.0, 0.05, 0.03), (35.0, 0.3, 0.01)]
    )
    def test_finds_both(self, life: float, new: float, growth: float) -> None:
        classes, sales = record(life, new, growth)
        fit = fit_ageing(classes[None], [sales], [growth], shape=3.0, used_ages=USED)
        assert fit.mean_life[0] == pytest.approx(life, rel=0.03)
        assert fit.new_share[0] == pytest.approx(new, rel=0.05)
        assert fit.class_error[0] < 0.003
        assert fit.sales_ratio[0] == pytest.approx(1.0, abs=0.03)
        assert not fit.at_edge[0]

    def test_countries_do_not_disturb_each_other(self) -> None:
        a, b = record(15.0, 0.8, 0.01), record(25.0, 0.1, 0.03)
        both = fit_ageing(np.stack([a[0], b[0]]), [a[1], b[1]], [0.01, 0.03], shape=3.0, used_ages=USED)
        alone = fit_ageing(b[0][None], [b[1]], [0.03], shape=3.0, used_ages=USED)
        assert both.mean_life[1] == alone.mean_life[0]


class TestThreeCountries:
    """UNECE, passenger cars in use by age: Azerbaijan 2019 20,451 / 30,719 / 223,890 / 939,033 (over ten years all in
    one class); Germany 2019 6,495,949 / 8,989,597 / 12,303,603 / 16,075,510 / 3,851,283; Poland 2019 1,412,619 /
    1,323,901 / 2,631,518 / 9,762,461 / 9,229,667. New cars sold 2019 (OICA): 6,046, 3,607,258 and 555,598.
    """

    def fit(self, counts: list[float], sold: float, growth: float) -> AgeingFit:
        cars = np.array(counts)
        return fit_ageing(
            (cars / cars.sum())[None],
            [sold / cars.sum()],
            [growth],
            shape=3.0,
            used_ages=USED,
            bounds=BOUNDS[: len(counts)],
        )

    def test_azerbaijan_is_a_market_of_used_cars(self) -> None:
        fit = self.fit([20_451, 30_719, 223_890, 939_033], 6_046, 0.02)
        assert fit.new_share[0] < 0.08
        assert 15 < fit.mean_life[0] < 35
        assert fit.class_error[0] < 0.02

    def test_germany_buys_new(self) -> None:
        fit = self.fit([6_495_949, 8_989_597, 12_303_603, 16_075_510, 3_851_283], 3_607_258, 0.012)
        assert fit.new_share[0] > 0.7
        assert 12 < fit.mean_life[0] < 20  # Held et al. (2021): mean of Western Europe 18.1 years

    def test_poland_takes_old_cars_and_keeps_them(self) -> None:
        fit = self.fit([1_412_619, 1_323_901, 2_631_518, 9_762_461, 9_229_667], 555_598, 0.035)
        assert 0.2 < fit.new_share[0] < 0.6
        assert fit.mean_life[0] > 25  # mean of Eastern Europe 28.4 years


class TestUsedAges:
    @given(st.floats(0.0, 30.0), st.floats(0.3, 10.0), st.integers(3, 60), st.floats(1.0, 50.0))
    @settings(max_examples=40)
    def test_profile(self, mean: float, sd: float, ages: int, oldest: float) -> None:
        profile = used_age_profile(mean, sd, ages, oldest=oldest)
        assert profile.shape == (ages,)
        assert profile.sum() == pytest.approx(1.0)
        assert profile[0] == 0.0
        assert np.all(profile[np.arange(ages) > oldest] == 0.0)

    def test_an_age_limit_makes_imports_younger(self) -> None:
        age = np.arange(AGES)
        assert (used_age_profile(8.0, 4.0, AGES, oldest=10) * age).sum() < (USED * age).sum()

    def test_limit_below_a_year(self) -> None:
        with pytest.raises(InputError, match=r"oldest: found 0\.5"):
            used_age_profile(8.0, 4.0, AGES, oldest=0.5)


class TestRefusals:
    def test_classes_and_bounds(self) -> None:
        with pytest.raises(InputError, match="class_shares: found shape"):
            fit_ageing([[0.5, 0.5]], [0.05], [0.0], shape=3.0, used_ages=USED)

    def test_new_cars_are_not_used(self) -> None:
        profile = steady_fleet(1.0, survival(10.0, 3.0, AGES))
        with pytest.raises(InputError, match="used imports of age 0"):
            fit_ageing([[0.1, 0.2, 0.3, 0.3, 0.1]], [0.05], [0.0], shape=3.0, used_ages=profile)

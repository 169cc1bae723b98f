"""Nowcast: the monthly series meets every claim about sums of it, and is what the linear Gaussian model says."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from karvan.base.errors import InputError
from karvan.commands.nowcast import command
from karvan.futures import nowcast as module
from karvan.futures.nowcast import Nowcast, nowcast, revenue_per_car
from karvan.futures.nowcast_year import current_year, targets
from karvan.study.load import Study, load


@pytest.fixture(scope="module")
def azerbaijan() -> Study:
    return load("azerbaijan")


@pytest.fixture(scope="module")
def cast(azerbaijan: Study) -> Nowcast:
    return nowcast(azerbaijan, draws=40)


class TestAzerbaijan:
    """The claims of the evidence, met by the series within their errors."""

    @pytest.mark.parametrize(("year", "cars"), [(2013, 424), (2019, 2360), (2021, 2043), (2022, 2049), (2024, 5998)])
    def test_years_on_record(self, cast: Nowcast, year: int, cars: float) -> None:
        assert np.median(cast.year(year).sum(axis=1)) == pytest.approx(cars, rel=0.05)

    def test_districts_of_2023(self, cast: Nowcast) -> None:
        made = dict(zip(cast.plants, np.median(cast.year(2023), axis=0), strict=True))
        assert made["hajigabul_azermash_cp"] == pytest.approx(3139, rel=0.05)
        assert made["neftchala_khazar"] == pytest.approx(563, rel=0.05)

    def test_the_stop_of_2020(self, cast: Nowcast) -> None:
        months = cast.months
        stopped = cast.cars[:, :, [months.index("2020-04"), months.index("2020-05")]].sum(axis=1)
        assert np.quantile(stopped, 0.95) < 20

    def test_nothing_before_a_plant_opens_or_after_it_stops(self, cast: Nowcast) -> None:
        months = cast.months
        assert not cast.cars[:, cast.plants.index("neftchala_khazar"), : months.index("2018-03")].any()
        assert not cast.cars[:, cast.plants.index("hajigabul_azermash_cp"), : months.index("2021-09")].any()
        assert not cast.cars[:, cast.plants.index("nakhchivan_naz"), months.index("2018-01") :].any()
        assert (cast.cars >= 0).all()

    def test_most_claims_are_met(self, cast: Nowcast) -> None:
        mean = cast.cars.mean(axis=0)
        off = []
        for item in cast.used:
            span = slice(item.first - cast.first, item.last - cast.first + 1)
            told = sum(w * mean[cast.plants.index(p), span].sum() for p, w in item.weight.items())
            off.append(abs(told - item.value) / item.sd)
        assert np.mean(np.array(off) < 2.0) > 0.9

    def test_repeats_of_a_statistic_count_once(self, cast: Nowcast) -> None:
        keys = [(item.subject, item.first, item.last, item.unit) for item in cast.used]
        assert len(keys) == len(set(keys))

    def test_what_cannot_be_is_passed_over_with_its_reason(self, cast: Nowcast) -> None:
        why = dict(cast.passed)
        assert "more than the country made" in why["out-2019-03m-car-neftchala_khazar-1"]
        assert "trucks" in why["out-2023-12m-car-industrial_zones-1"]

    def test_revenue_per_car_of_early_2025(self, azerbaijan: Study) -> None:
        """59.0 million AZN / 1,928 cars and 16.6 million / 1,165."""
        found = {item.subject: item.per_car for item in revenue_per_car(azerbaijan)}
        assert round(found["hajigabul_park"], -2) == 30600
        assert round(found["neftchala_khazar"], -2) == 14200
        assert len(found) == len(revenue_per_car(azerbaijan))

    def test_the_current_year(self, azerbaijan: Study, cast: Nowcast) -> None:
        now = current_year(azerbaijan, cast)
        assert now.year == 2025
        assert now.record is not None and now.output.low <= now.record.value <= now.output.high
        assert sum(row.output.middle for row in now.plants) == pytest.approx(now.output.middle, rel=0.05)
        assert now.value.middle < now.everything.middle < now.new.middle < 1
        with pytest.raises(InputError, match="1999 is not in the series"):
            cast.year(1999)

    def test_targets_beside_their_outcome(self, azerbaijan: Study) -> None:
        found = {(t.year, t.target): t for t in targets(azerbaijan, draws=20)}
        first = found[2019, 600.0]
        assert first.outcome is not None and first.outcome.value == 2360 and first.met
        last = found[2023, 7000.0]
        assert last.met is False and last.odds is not None and 0 <= last.odds <= 1


def test_without_the_bound_draws_are_the_posterior() -> None:
    """Two months with prior and their sum told: mean and covariance by Bayes' formula."""
    open_ = np.ones((1, 2), dtype=bool)
    scale = np.full((1, 2), 100.0)
    A, y, sd = np.array([[1.0, 1.0]]), np.array([300.0]), np.array([10.0])
    drawn = module._sample(A, y, sd, open_, scale, 0.1, 4000, 3)
    precision, mean = module._walk(open_, scale, 0.1)
    Q = np.linalg.inv(precision)
    gain = Q @ A.T @ np.linalg.inv(A @ Q @ A.T + np.diag(sd**2))
    assert drawn.mean(axis=0) == pytest.approx(mean + gain @ (y - A @ mean), abs=0.8)
    assert np.cov(drawn.T) == pytest.approx(Q - gain @ A @ Q, rel=0.15, abs=12)


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 12), st.integers(0, 10**6))
def test_the_bounded_solver_is_nonnegative_least_squares(size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    A, b = rng.standard_normal((size + 3, size)), rng.standard_normal(size + 3)
    ours = module._bounded(A.T @ A, A.T @ b)
    theirs, _ = nnls(A, b)
    assert np.allclose(ours, theirs, atol=1e-6)


def test_same_seed_same_series(azerbaijan: Study, cast: Nowcast) -> None:
    again = nowcast(azerbaijan, draws=40)
    assert (again.cars == cast.cars).all()


def test_no_draws_is_refused(azerbaijan: Study) -> None:
    with pytest.raises(InputError, match="draws is 0"):
        nowcast(azerbaijan, draws=0)


def test_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("karvan.futures.nowcast_year.targets", lambda *_args, **_kwargs: [])
    result = CliRunner().invoke(command, ["azerbaijan", "--draws", "5", "--json"])
    assert result.exit_code == 0, result.output
    data = json.loads(result.output)
    assert data["year"] == 2025 and len(data["plants"]) == 3
    assert {row["plant"] for row in data["months"]} >= {"total", "neftchala_khazar"}

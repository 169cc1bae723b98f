"""Drift and spread of other countries' output: what is chosen, what the choice may see, how wide the range is."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from karvan.base.axes import Array
from karvan.futures.drift import (
    TRUST,
    Rolling,
    Spread,
    _of_one_country,
    damped,
    fit_drift,
    fit_spread,
    make_panel,
    quantile,
    quantiles,
)
from karvan.futures.record import TRAITS, Record, traits

YEARS = range(2000, 2011)
COUNTRIES = [f"C{i:02d}" for i in range(40)]


def made_up(by_income: float, noise: float, seed: int = 3) -> Record:
    """Forty countries whose output grows by income and chance; all that is not income is alike."""
    rng = np.random.default_rng(seed)
    made, income, gdp = {}, {}, {}
    for i, code in enumerate(COUNTRIES):
        ln_income = 8.0 + 3.0 * i / (len(COUNTRIES) - 1)
        steps = -by_income * (ln_income - 9.5) + noise * rng.standard_normal(len(YEARS))
        made[code] = {y: float(np.exp(12.5 + s)) for y, s in zip(YEARS, np.cumsum(steps), strict=True)}
        income[code] = {y: float(np.exp(ln_income)) for y in YEARS}
        gdp[code] = dict.fromkeys(YEARS, 100000000000.0)
    return Record("2012-12-31", "total", made, {}, income, gdp, dict.fromkeys(COUNTRIES, 1e6))


def change(fit_to: Record, ln_income: float) -> Array:
    """What the fit says of a country of some income that is otherwise like the others."""
    known = np.array([ln_income, np.log(1e6), np.nan, 0.0, 0.0])
    return fit_drift(fit_to).drift.change(known, 3e5, np.array([5.0]))


def test_growth_by_income_is_found() -> None:
    record = made_up(by_income=0.05, noise=0.1)
    assert fit_drift(record).drift.columns >= 2
    poor, rich = change(record, 8.0)[0], change(record, 11.0)[0]
    # 0.05 x 1.5 a year for 5 years, as the damping has it, is 0.31; ridge draws it towards nought.
    assert 0.1 < poor < 0.45 and -0.45 < rich < -0.1


def test_chance_alone_stays_with_the_last_figure() -> None:
    record = made_up(by_income=0.0, noise=0.3)
    assert abs(change(record, 8.0)[0]) < 0.12 and abs(change(record, 11.0)[0]) < 0.12


def test_without_a_rolling_origin_it_stays_with_the_last_figure() -> None:
    """Two lists of makers: nothing could be tried on anything."""
    record = made_up(by_income=0.05, noise=0.1)
    two = {code: {y: v for y, v in made.items() if y in (2000, 2005)} for code, made in record.made.items()}
    fit = fit_drift(replace(record, made=two))
    assert fit.origins == () and fit.drift.columns == 0
    assert fit.drift.change(np.full(5, np.nan), 3e5, np.array([5.0]))[0] == 0.0


def test_the_chosen_is_the_best_trial() -> None:
    fit = fit_drift(made_up(by_income=0.05, noise=0.1))
    best = min(fit.trials, key=lambda trial: trial.error)
    assert (best.columns, best.ridge) == (fit.drift.columns, fit.drift.ridge)
    assert {trial.columns for trial in fit.trials} == {0, 1, 2, 3, 4, 6}
    last = next(trial for trial in fit.trials if trial.columns == 0)
    assert best.error < last.error


class TestRollingOrigins:
    """A forecast at an origin sees neither later outcomes nor any outcome of the countries it is for."""

    def test_later_outcomes_are_not_seen(self) -> None:
        panel = make_panel(made_up(0.05, 0.1))
        spread = fit_spread(panel.r, panel.size, panel.h, panel.weight)
        later = replace(panel, r=np.where(panel.u > 2005, 9.0, panel.r))
        one, two = (Rolling(p, spread).predicted(2005, [(3, 2.0)])[0] for p in (panel, later))
        assert (one == two).all()
        assert (Rolling(later, spread).predicted(2006, [(3, 2.0)])[0] != one).any()

    def test_own_outcomes_are_not_seen(self) -> None:
        panel = make_panel(made_up(0.05, 0.1))
        spread = fit_spread(panel.r, panel.size, panel.h, panel.weight)
        mine = panel.country == 7
        other = replace(panel, r=np.where(mine, 9.0, panel.r))
        one, two = (Rolling(p, spread).predicted(2010, [(3, 2.0)])[0] for p in (panel, other))
        assert (one[mine] == two[mine]).all() and (one != two).any()


def test_each_size_group_takes_its_own_part() -> None:
    """The larger makers grow with low income and the few small ones the other way round: little of it is theirs."""
    large, small = made_up(0.06, 0.05), made_up(-0.03, 0.05, seed=4)
    made = dict(large.made) | {
        f"S{code}": {y: v / 20 for y, v in rows.items()} for code, rows in [*small.made.items()][::4]
    }
    income = dict(large.income) | {f"S{code}": rows for code, rows in small.income.items()}
    both = replace(large, made=made, income=income, gdp=dict.fromkeys(made, dict.fromkeys(YEARS, 1e11)))
    found = fit_drift(both).drift.shares
    assert found[1] == 1.0 and found[0] <= 0.25


def test_damped_growth_is_a_sum() -> None:
    h = np.arange(0.0, 12.0)
    assert damped(h) == pytest.approx([sum(0.9**k for k in range(int(n))) for n in h])


def test_spread_is_found_again() -> None:
    """Changes drawn with a known law: scale 0.3 at 300,000 and one year, a quarter less a log step, root of years."""
    rng = np.random.default_rng(5)
    n = 40_000
    size, h = np.exp(rng.uniform(np.log(1e4), np.log(5e6), n)), rng.integers(1, 10, n).astype(float)
    r = 0.3 * (size / 3e5) ** -0.25 * np.sqrt(h) * rng.standard_t(5, n)
    found = fit_spread(r, size, h, np.ones(n))
    assert np.exp(found.scale) == pytest.approx(0.3, rel=0.1)
    assert found.by_size == pytest.approx(-0.25, abs=0.04) and found.by_years == pytest.approx(0.5, abs=0.06)
    assert 3.0 <= found.df <= 10.0
    inside = np.abs(r) <= found.at(size, h) * 2.015 * (found.df == 5.0) + found.at(size, h) * 1.9 * (found.df != 5.0)
    assert inside.mean() == pytest.approx(0.9, abs=0.03)


def test_factors_act_on_their_own_size_group() -> None:
    plain = Spread(-1.0, -0.2, 0.5, 5.0, (1e3, 1e7))
    wide = replace(plain, factors=(2.0, 1.0, 0.5))
    sizes = np.array([1e5, 5e5, 2e6])
    assert wide.at(sizes, np.ones(3)) / plain.at(sizes, np.ones(3)) == pytest.approx([2.0, 1.0, 0.5])


def test_too_narrow_a_past_widens() -> None:
    """Calm years first, wild ones after: what rolling origins missed is in the factor."""
    record = made_up(0.0, 0.05)
    made = {
        code: {y: v * float(np.exp((y - 2005) * (0.5 if i % 2 else -0.5))) if y > 2005 else v for y, v in years.items()}
        for i, (code, years) in enumerate(record.made.items())
    }
    assert max(fit_drift(replace(record, made=made)).spread.factors) > 1.2


class TestUnsureScale:
    """Few countries say how far output strays, so the range is wider than their scale alone would make it."""

    def test_law_of_an_unsure_scale(self) -> None:
        rng = np.random.default_rng(6)
        drawn = rng.standard_t(4, 400_000) * np.exp(0.5 * rng.standard_normal(400_000))
        p = np.array([0.05, 0.25, 0.5, 0.9, 0.99])
        assert quantiles(4.0, 0.5, p) == pytest.approx(np.quantile(drawn, p), rel=0.03, abs=0.01)
        assert quantiles(4.0, 0.0, p) == pytest.approx(stats.t.ppf(p, 4), rel=1e-3, abs=1e-9)

    @pytest.mark.parametrize("df", [2.0, 5.0, 30.0])
    def test_error_of_a_scale_from_two_quantiles(self, df: float) -> None:
        """The formula against scales estimated again and again from 200 countries."""
        rng = np.random.default_rng(7)
        draws = np.abs(rng.standard_t(df, (4000, 200)))
        asked = 0.5 * np.log(np.quantile(draws, [0.5, 0.9], axis=1)).sum(axis=0)
        assert asked.std() * 200**0.5 == pytest.approx(_of_one_country(df), rel=0.08)

    def test_more_countries_make_it_surer(self) -> None:
        many = made_up(by_income=0.0, noise=0.3)
        few = replace(many, made=dict(list(many.made.items())[::2]))
        assert sum(fit_drift(many).spread.unsure) < sum(fit_drift(few).spread.unsure)

    def test_without_a_rolling_origin_it_is_as_unsure_as_beforehand(self) -> None:
        record = made_up(by_income=0.0, noise=0.3)
        two = {code: {y: v for y, v in made.items() if y in (2000, 2005)} for code, made in record.made.items()}
        spread = fit_drift(replace(record, made=two)).spread
        assert spread.unsure == pytest.approx((_of_one_country(spread.df) / TRUST**0.5,) * 3)


def test_quantile_by_weight() -> None:
    values, weights = np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 8.0])
    assert quantile(values, weights, 0.5) == 2.0 and quantile(values, weights, 0.05) == 1.0


def test_traits() -> None:
    made = {2003: 200_000.0, 2006: 100_000.0, 2007: 150_000.0, 2010: 9e9}
    record = Record("2008-12-31", "total", {"AAA": made}, {}, {"AAA": {2006: 5e3}}, {"AAA": {2006: 1e11}}, {"AAA": 2e6})
    found = dict(zip(TRAITS, traits(record, "AAA", made, 2007), strict=True))
    assert found["income"] == pytest.approx(np.log(5e3)) and found["access"] == pytest.approx(np.log(2e6))
    assert found["output_per_gdp"] == pytest.approx(np.log(1.5e5 / 1e11))
    assert found["below_peak"] == pytest.approx(np.log(2e5 / 1.5e5))
    assert found["momentum"] == pytest.approx(np.log(1.5e5 / 2e5) / 4)
    unknown = traits(record, "BBB", {2007: 1e5}, 2007)
    assert np.isnan(unknown[[0, 1, 2, 4]]).all()

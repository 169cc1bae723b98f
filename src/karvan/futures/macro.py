"""How income, population and exchange rates may move, fitted to what was on record before the futures start.

Population grows by a process fitted to each country of the world tables (:mod:`karvan.demand.growth`). The real
exchange rate of the home country - its GDP in dollars over its real GDP, what buyers of imports feel - comes back to
its level with a memory fitted to the study's macro table, and falls by jumps fitted to its exchange rate
(:mod:`karvan.demand.currency`). Both are pulled towards the ranges of the register by their errors. Other markets have
no such series: what their currencies do to purchases is in the noise of their registrations, which is on record.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from karvan.base.axes import Array, BoolArray
from karvan.demand.currency import JUMP, DevaluationProcess, fit_devaluations, fit_reversion
from karvan.demand.growth import GrowthProcess, fit_growth, mend_breaks, shrink_growth
from karvan.demand.shrinkage import shrink
from karvan.futures.series import series_of
from karvan.study.cells import Cell, quantile
from karvan.study.load import Study

INCOME_YEARS: Final = 15
"""Years of income on record that the growth processes are fitted to: long enough for a fit, short enough for today."""
POPULATION_YEARS: Final = 15
"""Years of population on record that growth is fitted to."""
OWN: Final = 0.5
"""Weight of a country's own variance of population growth, the rest is the median one's: ``assumed``, 0.3 to 0.8."""
SPREAD: Final = 2.0
"""By how much disturbances of population growth are widened: with it nine in ten countries lay in their 90 % band
5, 10 and 15 years after 2005, 2009 and 2014; without it and the pooling six in ten (scripts/fit_world.py)."""
LEAST_CHANGES: Final = 8
"""Yearly changes of an exchange rate on record below which its jumps are not fitted."""
HIGHEST_MEMORY: Final = 0.98
LEAST_NOISE: Final = 1 / 3
"""Part of the spread of a home market's purchases that its currency never explains: ``assumed``, 0.2 to 0.6."""
Z95: Final = 1.6448536269514722


def population_process(income: pl.DataFrame, markets: Sequence[str], base: int) -> GrowthProcess:
    """Growth of population of each market, fitted to the years up to ``base`` in all countries of the table.

    Steps that are changes of territory are mended, drifts are pulled towards each other, and each country's variance is
    averaged with the median country's and widened by :data:`SPREAD` squared. A market without five yearly changes on
    record takes the median of everything.

    Parameters
    ----------
    income : the world table ``income``, or its rows known on a date.

    Returns
    -------
    GrowthProcess of fields (M,).
    """
    rows = income.filter(pl.col("year").is_between(base - POPULATION_YEARS, base) & (pl.col("population") > 0))
    names = sorted(set(rows["country"].to_list()))
    place = {name: index for index, name in enumerate(names)}
    logs = np.full((POPULATION_YEARS + 1, len(names)), np.nan)
    column = [place[name] for name in rows["country"].to_list()]
    logs[rows["year"].to_numpy() - (base - POPULATION_YEARS), column] = np.log(rows["population"].to_numpy())
    enough = np.flatnonzero(np.isfinite(np.diff(logs, axis=0)).sum(axis=0) >= 5)
    if enough.size < 3:
        count = np.ones(len(markets))
        return GrowthProcess(0.01 * count, 0.01 * count, 0.005 * count, 0.8 * count, 0.01 * count, 0.0 * count)
    fitted = shrink_growth(fit_growth(mend_breaks(logs[:, enough])))
    variance = OWN * np.square(fitted.sd) + (1.0 - OWN) * np.median(fitted.sd) ** 2
    sd = SPREAD * np.sqrt(variance)
    error = np.maximum(fitted.drift_se, sd / ((1.0 - fitted.rho) * np.sqrt(fitted.count)))
    at = {names[column]: index for index, column in enumerate(enough)}

    def pick(values: Array) -> Array:
        middle = float(np.median(values))
        return np.array([values[at[market]] if market in at else middle for market in markets])

    return GrowthProcess(*(pick(v) for v in (fitted.drift, error, sd, fitted.rho, fitted.last, fitted.count)))


def income_process(series: Sequence[Mapping[int, float]], base: int) -> GrowthProcess:
    """Growth of income in each market, fitted to the years up to ``base``; short records take the median process.

    Drifts are pulled towards the common one, at most 2.5 % a year, and held between 0 and 4 % (``assumed``).

    Parameters
    ----------
    series : real income per head by year, one a market.

    Returns
    -------
    GrowthProcess of fields (M,).
    """
    years = list(range(base - INCOME_YEARS, base + 1))
    logs = np.array([[np.log(s[year]) if year in s else np.nan for s in series] for year in years])
    enough = np.array([np.isfinite(np.diff(logs[:, i])).sum() >= 5 for i in range(logs.shape[1])])
    if not enough.any():
        count = len(series)
        ones = np.ones(count)
        return GrowthProcess(0.02 * ones, 0.01 * ones, 0.04 * ones, 0.2 * ones, 0.02 * ones, 0.0 * ones)
    fitted = fit_growth(logs[:, enough])

    def spread(values: Array) -> Array:
        out = np.full(len(series), float(np.median(values)))
        out[enough] = values
        return out

    # Steady growth of the past decade cannot go on for ever: drifts are drawn towards the common one.
    drift = spread(fitted.drift)
    middle = float(np.median(fitted.drift))
    error = spread(fitted.drift_se)
    weight = 0.02**2 / (0.02**2 + error**2)
    shrunk = np.clip(weight * drift + (1 - weight) * min(middle, 0.025), 0.0, 0.04)
    return GrowthProcess(
        shrunk,
        np.sqrt(weight) * error,
        spread(fitted.sd),
        spread(fitted.rho),
        spread(fitted.last),
        spread(fitted.count),
    )


@dataclass(frozen=True)
class Currency:
    """What the record says of the home currency, and of what buyers do when incomes do not tell."""

    cells: Mapping[str, Cell]
    """Uncertain numbers by name that were fitted; they take the place of the register's."""
    jumps: DevaluationProcess
    """Spread of the size from jump to jump; mean size and chance are drawn from the cells."""


def currency_of(study: Study, income: Mapping[int, float], people: Mapping[int, float], base: int) -> Currency:
    """Memory, swings and jumps of the home currency, from the macro table up to ``base``; none from too short a one.

    Parameters
    ----------
    income, people : real income per head and population of the home country by year, as far as known.

    A row of the study for one of these numbers beats the fit: for the home market in ``markets.csv``, in
    ``assumptions.csv`` for the others.
    """
    found: dict[str, Cell] = {}
    years = range(1990, base + 1)
    rate = np.array([_get(_rates(study), year) for year in years])
    changes = np.diff(rate, prepend=np.nan)
    jumped = np.nan_to_num(changes, nan=0.0) > JUMP
    jumps = DevaluationProcess(0.0, 1.0, 0.0, 0.0)
    if int(np.isfinite(changes).sum()) >= LEAST_CHANGES:
        jumps, cells = _jumps(study, rate)
        found.update((cell.name, cell) for cell in cells)
    money = _macro(study, "gdp_usd")
    level = np.array(
        [
            np.log(money[y] / (income[y] * people[y])) if y in money and y in income and y in people else np.nan
            for y in years
        ]
    )
    pairs = np.isfinite(level[1:]) & np.isfinite(level[:-1]) & ~jumped[1:]
    if int(pairs.sum()) >= 10:
        found.update((cell.name, cell) for cell in _reversion(study, level, jumped))
    own = set(study.table("assumptions")["parameter"].to_list())
    market = {f"markets.{row['attribute']}.{row['market']}" for row in study.table("markets").iter_rows(named=True)}
    kept = {name: cell for name, cell in found.items() if name.split(".")[0] not in own and name not in market}
    return Currency(kept, jumps)


def purchase_noise(
    study: Study,
    sales: pl.DataFrame,
    income: Sequence[Mapping[int, float]],
    markets: Sequence[str],
    base: int,
    currency: Mapping[str, Cell],
) -> dict[str, Cell]:
    """What income does not explain of the yearly changes of registrations, by market, pulled towards the register.

    ``sd(d ln sales - e d ln income)`` over the changes on record up to ``base``, ``e`` the study's middle elasticity.
    Abroad that is the noise, currencies and all. At home the currency moves purchases by itself, so its part is taken
    out: ``noise^2 = sd^2 - (e s)^2``, ``s`` the yearly swing of the real rate. A market with fewer than
    :data:`LEAST_CHANGES` changes has none here, nor one to which the study gives a row.

    Parameters
    ----------
    sales : the world table, as far as known. income : real income per head by year of each of ``markets``.
    currency : what was fitted of the home currency.
    """
    rows = study.table("assumptions").filter(pl.col("parameter") == "demand_noise")
    given = set(rows["key"].fill_null("*").to_list())
    elasticity = study.parameter("purchase_income_elasticity").mid
    found: dict[str, Cell] = {}
    for market, by_year in zip(markets, income, strict=True):
        if given & {market, "*"}:
            continue
        cars = {y: n for y, n in series_of(sales, market, "passenger_cars").items() if y <= base and n > 0}
        both = [year for year in cars if {year, year - 1} <= cars.keys() & by_year.keys()]
        if len(both) < LEAST_CHANGES:
            continue
        changes = np.array(
            [np.log(cars[y] / cars[y - 1]) - elasticity * np.log(by_year[y] / by_year[y - 1]) for y in both]
        )
        sd = float(changes.std(ddof=1))
        what = f"{len(both)} yearly changes of registrations less {elasticity:g} times those of income"
        if market == study.settings.home:
            name = f"markets.real_exchange_rate_sd.{market}"
            swing = currency.get(name) or study.parameter("real_exchange_rate_sd", market)
            sd = max(float(np.sqrt(max(sd**2 - (elasticity * swing.mid) ** 2, 0.0))), LEAST_NOISE * sd)
            what += ", the currency's part taken out"
        prior = study.parameter("demand_noise", market)
        error = 1.0 / np.sqrt(2.0 * (len(both) - 1))
        ends = np.exp(_pulled(float(np.log(max(sd, 1e-3))), float(error), np.log(_sample(prior))))
        note = f"{what}: {sd:.2f}, pulled towards the register's range"
        full = f"demand_noise.{market}"
        found[full] = _cell(prior, ends, note, full, tables=("the world tables sales.csv and income.csv", "sales.csv"))
    return found


def _jumps(study: Study, rate: Array) -> tuple[DevaluationProcess, Iterator[Cell]]:
    prior = study.parameter("devaluation_size")
    before = _sample(prior)
    process = fit_devaluations(rate, prior_size=float(before.mean()), prior_sd=0.0)
    what = f"{process.events:.0f} jumps in {process.years:.0f} yearly changes of the exchange rate on record"

    def cells() -> Iterator[Cell]:
        p = 1.0 - np.exp(-process.hazard([0.05, 0.5, 0.95]))
        yield _cell(study.parameter("devaluation_hazard"), p, f"{what}; Gamma, Jeffreys' prior: 5, 50 and 95 % points")
        if process.events >= 2:
            error = process.size_sd / np.sqrt(process.events)
            pulled = shrink(
                [process.size], [max(error, 1e-3)], prior_mean=float(before.mean()), prior_sd=float(before.std())
            )
            mean, sd = float(pulled.mean[0]), float(pulled.sd[0])
            ends = np.array([max(mean - Z95 * sd, 0.01), mean, mean + Z95 * sd])
            yield _cell(prior, ends, f"{what}; mean {process.size:.2f}, pulled towards the register's range")

    return process, cells()


def _reversion(study: Study, level: Array, jumped: BoolArray) -> Iterator[Cell]:
    home = study.settings.home
    fit = fit_reversion(level, leave_out=jumped)
    what = f"{fit.pairs} pairs of years of ln(GDP in dollars / real GDP), years of a jump left out"
    for name, x, error, log in (
        ("real_exchange_rate_persistence", fit.rho, fit.rho_se, False),
        ("real_exchange_rate_sd", fit.sd, fit.sd_se, True),
    ):
        prior = study.parameter(name, "*")
        before = _sample(prior)
        if log:
            x, error, before = float(np.log(x)), error / x, np.log(before)
        ends = _pulled(x, error, before)
        if log:
            ends = np.exp(ends)
            yield _cell(
                prior, ends, f"{what}: {np.exp(x):.3f}, pulled towards the register's range", f"markets.{name}.{home}"
            )
        else:
            ends = np.minimum(ends, HIGHEST_MEMORY)
            note = f"{what}: {x:.2f}, pulled towards the register's range"
            yield _cell(prior, ends, note, f"{name}.{home}", "triangular")


def _sample(prior: Cell) -> Array:
    """(200,), evenly spaced quantiles of a cell."""
    return quantile(prior.distribution, prior.low, prior.mid, prior.high, (np.arange(200) + 0.5) / 200)


def _pulled(estimate: float, error: float, prior: Array) -> Array:
    """(3,), 5, 50 and 95 % points of an estimate averaged with a prior sample."""
    found = shrink([estimate], [error], prior_mean=float(prior.mean()), prior_sd=float(prior.std()))
    return float(found.mean[0]) + Z95 * float(found.sd[0]) * np.array([-1.0, 0.0, 1.0])


def _cell(
    prior: Cell,
    ends: Array,
    note: str,
    name: str = "",
    shape: str = "lognormal",
    tables: tuple[str, str] = ("macro.csv", "macro.csv"),
) -> Cell:
    """A fitted number in place of ``prior``; ``tables`` are what it was fitted to, in words, and its place."""
    low, mid, high = (float(v) for v in ends)
    words, place = tables
    source = f"derived: fitted to {words} (karvan.futures.macro)"
    return Cell(name or prior.name, low, mid, high, shape, prior.unit, source, note, place, prior.group)


def _rates(study: Study) -> dict[int, float]:
    """Home money per dollar by year: on record, else GDP at home prices over GDP in dollars."""
    local, dollars = _macro(study, "gdp_local"), _macro(study, "gdp_usd")
    implied = {year: local[year] / dollars[year] for year in sorted(set(local) & set(dollars)) if dollars[year] > 0}
    return implied | _macro(study, "exchange_rate")


def _macro(study: Study, variable: str) -> dict[int, float]:
    rows = study.table("macro").filter((pl.col("country") == study.settings.home) & (pl.col("variable") == variable))
    return {
        year: value for year, value in zip(rows["year"].to_list(), rows["value"].to_list(), strict=True) if value > 0
    }


def _get(series: Mapping[int, float], year: int) -> float:
    return float(np.log(series[year])) if series.get(year, 0.0) > 0.0 else float("nan")

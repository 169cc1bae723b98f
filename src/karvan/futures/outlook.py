"""How many cars a country will own and buy: the demand stage for any country of the world tables, without a study.

Ownership follows the curve fitted to the country's own record, with the error that such curves showed when asked for
years that were held out; the fleet loses what dies and gains what is wanted; a part of what is bought is new. With a
study, its own numbers and its year loop answer instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from karvan.base.axes import Array
from karvan.base.errors import InputError, UnknownName, nearest
from karvan.base.streams import BLOCK, latin_hypercube, stream
from karvan.demand.ageing import used_age_profile
from karvan.demand.fitting import fit_ownership
from karvan.demand.fleet import fleet_from_age_classes, fleet_step, steady_fleet, survival, weibull_scale
from karvan.demand.growth import GrowthProcess, fit_growth, shrink_growth, simulate_growth
from karvan.demand.ownership import OwnershipParameters, adjust, fit_beta, gompertz
from karvan.futures.costs import Range, range_of
from karvan.futures.density import saturation_ratio
from karvan.futures.ensemble import pieces_of, worker_of
from karvan.futures.macro import population_process
from karvan.futures.yearloop import Sight, run_block
from karvan.study.cells import quantile
from karvan.study.load import Study
from karvan.study.register import parameters
from karvan.study.world import world_table

AGES: Final = 36
FIRST: Final = 2000
"""First year of record that curves are fitted to."""
HELD_OUT: Final = 5
"""Years left out of a fit and then asked for."""
MISS: Final = 0.11
"""Standard deviation of ln(owned / curve) five years ahead, income known: the held-out misses of the world fit
(docs/demand.md: half of them within 7 %)."""
LASTS: Final = 0.7
"""Part of an error of yearly growth of ownership that lasts into the next year: ``assumed``, range 0.4 to 0.9."""
DRIFT: Final = (0.02, 0.015)
"""Mean and standard deviation of long-run growth of income per head between countries: ``assumed``; growth of the past
regresses to the mean of the world (Pritchett and Summers 2014)."""
USED_AGE: Final = (8.0, 4.0)
"""Mean and spread of the age of used imports, years: ``assumed``, mean 4 to 12."""
CAR_SHARE: Final = (0.7, 0.95)
"""Share of passenger cars in all vehicles where no record tells: ``assumed``."""
LEAST: Final = 0.25
"""Least purchases, share of what replaces the fleet: ``assumed``; the year loop has the same floor."""
OLD: Final = 8
"""Years after which a record of sales or ages says nothing of today."""
BOUNDS: Final = {"0-2": 0, "2-5": 2, "5-10": 5, "10-20": 10, "20+": 20}


@dataclass(frozen=True)
class Fit:
    """How well the ownership curve meets the record. Shares of 1."""

    measure: str
    """What the record counts: ``passenger cars`` or ``all vehicles``; empty if there is none."""
    years: int
    first: int
    last: int
    miss: float
    """Mean size of the error over what was owned; nan where nothing could be fitted."""
    r_squared: float
    at_edge: bool
    """Whether the record does not say which curve."""
    held_out: float
    """Curve over record less 1, five years after the last year it was fitted to; nan if the record is too short."""


@dataclass(frozen=True)
class Outlook:
    """What a country will own and buy. Every path is (D, Y)."""

    country: str
    name: str
    years: tuple[int, ...]
    source: str
    """``world tables`` or the study's name."""
    owned: Array
    """Cars per 1,000 people."""
    stock: Array
    """Cars in use."""
    new: Array
    """New cars bought; nan where no sales are on record."""
    used: Array
    """Used cars that came in; nan where no sales are on record."""
    bought: Array
    """New and used together: what the fleet asks for, where the two are not known apart."""
    fit: Fit | None
    """None where the study's own numbers answer."""
    notes: tuple[str, ...] = ()

    def at(self, name: str, year: int) -> Range:
        """The range of ``owned``, ``stock``, ``new``, ``used`` or ``bought`` in a year."""
        if year not in self.years:
            raise InputError(f"year is {year}; expected {self.years[0]} to {self.years[-1]}")
        return range_of(np.asarray(getattr(self, name))[:, self.years.index(year)])


def outlook(
    countries: Sequence[str], *, until: int = 2040, study: Study | None = None, draws: int = 500, seed: int = 1
) -> list[Outlook]:
    """Cars owned and bought, country by country.

    Parameters
    ----------
    countries : ISO3 codes of the world tables.
    until : last year; later than the last year of income on record.
    study : answers for its own markets; the world tables for the rest.

    Errors: :class:`UnknownName` for a country that the tables do not know; :class:`InputError` for one without income
    or cars on record, and for a year that is past.
    """
    known = world_table("countries")
    names = dict(zip(known["country"].to_list(), known["name"].to_list(), strict=True))
    for code in countries:
        if code not in names:
            raise UnknownName(
                f"the world tables know no country '{code}'; {nearest(code, names) or 'use an ISO3 code'}"
            )
    if draws < 1:
        raise InputError(f"draws is {draws}; expected 1 or more")
    own = [code for code in countries if study is not None and code in study.settings.markets]
    found = _from_study(study, own, names, until, draws, seed) if study is not None and own else {}
    return [found.get(code) or _from_world(code, names[code], until, draws, seed) for code in countries]


def _from_study(
    study: Study, codes: Sequence[str], names: dict[str, str], until: int, draws: int, seed: int
) -> dict[str, Outlook]:
    worker = worker_of(study, "baseline", until=until, seed=seed)
    prepared = worker.prepare("baseline")
    blocks: list[list[Array]] = []

    def look(sight: Sight) -> None:
        blocks[-1].append(np.stack([sight.stock, sight.wanted.sum(axis=1), sight.now.used, sight.population]))

    for piece in pieces_of("baseline", draws):
        blocks.append([])
        run_block(prepared, seed, piece.number, piece.size, worker.task.sampling, look=look)
    stock, new, used, people = np.concatenate([np.stack(block, axis=2) for block in blocks], axis=1)  # (D, Y, M) each
    out = {}
    for code in codes:
        m = prepared.layout.markets.index(code)
        out[code] = Outlook(
            country=code,
            name=names[code],
            years=prepared.layout.years,
            source=f"study {study.name}",
            owned=1000.0 * stock[:, :, m] / people[:, :, m],
            stock=stock[:, :, m],
            new=new[:, :, m],
            used=used[:, :, m],
            bought=new[:, :, m] + used[:, :, m],
            fit=None,
        )
    return out


def _from_world(code: str, name: str, until: int, draws: int, seed: int) -> Outlook:
    income, people = _series("income", code, "gdp_per_head_ppp"), _series("income", code, "population")
    if len(income) < 6 or not people:
        raise InputError(f"{code}: the world tables have {len(income)} years of income; expected at least 6")
    base = max(income)
    if until <= base:
        raise InputError(f"until is {until}; expected a year after {base}, the last of income on record")
    years = tuple(range(base + 1, until + 1))
    drawn = _Drawn(code, draws, seed)
    measure, owned = _ownership(code, people, base)
    if not owned:
        raise InputError(
            f"{code}: the world tables have no cars in use; give a study whose markets.csv has a row 'stock'"
        )
    last = max(owned)
    notes: list[str] = []
    cars = _car_share(code, measure, drawn, notes)
    ratio = float(saturation_ratio(world_table("income"), [code], base)[0])
    gamma = np.maximum(drawn.of("saturation") * ratio / cars, 1.15 * max(owned.values()))
    beta, fit = _curve(income, owned, measure, gamma, drawn)

    # From the last record to the years asked for: income known up to the base, drawn after it.
    path = _income_paths(income, base, years, drawn)
    shared = OwnershipParameters()
    error = _model_error(until - last, drawn)
    level = np.full(draws, owned[last])
    curve = level
    before = np.full(draws, income[min(income, key=lambda y: abs(y - last))] / 1000.0)
    per_1000 = [level] if last == base else []
    for step, year in enumerate(range(last + 1, until + 1)):
        now = path[:, year - years[0]] if year >= years[0] else np.full(draws, _nearest(income, year) / 1000.0)
        goal = gompertz(now, saturation=gamma, alpha=shared.alpha, beta=beta)
        curve = adjust(
            curve,
            goal,
            speed_rising=shared.speed_rising,
            speed_falling=shared.speed_falling,
            income_rises=now >= before,
        )
        level = np.minimum(curve * np.exp(error[:, step]), gamma)
        before = now
        if year >= base:
            per_1000.append(level)
    persons = _people(code, people, base, years, drawn)
    stock = np.stack(per_1000, axis=1) * persons / 1000.0 * cars[:, None]

    new_record = _recent(_series("sales", code, "passenger_cars"), base)
    stock, new, used, bought = _purchases(code, stock, _growth(owned, people), new_record, base, drawn, notes)
    return Outlook(
        country=code,
        name=name,
        years=years,
        source="world tables",
        owned=1000.0 * stock / persons[:, 1:],
        stock=stock,
        new=new,
        used=used,
        bought=bought,
        fit=fit,
        notes=tuple(notes),
    )


class _Drawn:
    """Uncertain numbers of one country, by the register's ranges."""

    def __init__(self, code: str, draws: int, seed: int) -> None:
        self.code, self.draws, self.seed = code, draws, seed
        self.blocks = range((draws + BLOCK - 1) // BLOCK)

    def uniform(self, name: str) -> Array:
        """(D,), a Latin hypercube column."""
        parts = [latin_hypercube(self.seed, f"{name}.{self.code}", block, BLOCK) for block in self.blocks]
        return np.concatenate(parts)[: self.draws]

    def of(self, name: str) -> Array:
        """(D,), a parameter of the register."""
        row = parameters()[name]
        return quantile(row.distribution, row.low, row.mid, row.high, self.uniform(name))

    def normal(self, name: str, years: int = 1) -> Array:
        """(D, Y), standard normal."""
        parts = []
        for block in self.blocks:
            z = stream(self.seed, f"{name}.{self.code}", block).standard_normal((years, BLOCK))
            parts.append(z.T)  # years outermost: a later horizon only adds
        return np.concatenate(parts)[: self.draws]


def _curve(
    income: dict[int, float], owned: dict[int, float], measure: str, gamma: Array, drawn: _Drawn
) -> tuple[Array, Fit]:
    """(D,), beta of each draw by its own saturation, and how good the fit is in the middle."""
    years = range(min(owned), max(owned) + 1)
    x = np.array([income.get(year, np.nan) for year in years]) / 1000.0
    v = np.array([owned.get(year, np.nan) for year in years])
    count = int(np.isfinite(v).sum())
    alpha = OwnershipParameters().alpha
    least = gamma * np.exp(alpha) * 1.05
    x_last = _nearest(income, max(owned)) / 1000.0
    point = fit_beta(x_last, np.maximum(owned[max(owned)], least), gamma, alpha)
    none = Fit(measure, count, min(owned), max(owned), np.nan, np.nan, False, np.nan)
    if count < 4:
        return point, none

    middle = np.array([float(np.median(gamma))])
    shown = fit_ownership(x[:, None], v[:, None], saturation=middle)
    if not shown.fitted[0]:
        return point, none
    asked = max(y for y in years if y in owned)
    early = np.where(np.array(list(years)) <= asked - HELD_OUT, v, np.nan)
    held = np.nan
    if np.isfinite(early).sum() >= 4:
        path = fit_ownership(x[:, None], early[:, None], saturation=middle).path[:, 0]
        held = float(path[asked - years[0]] / owned[asked] - 1.0)
    each = fit_ownership(
        np.repeat(x[:, None], gamma.size, axis=1), np.repeat(v[:, None], gamma.size, axis=1), saturation=gamma
    )
    z = drawn.normal("beta")[:, 0]
    usable = np.isfinite(each.beta) & np.isfinite(each.log_beta_se) & ~each.at_edge
    error = np.where(usable, np.minimum(each.log_beta_se, 0.3), 0.0)
    beta = np.where(usable, each.beta * np.exp(error * z), point)
    fit = Fit(
        measure,
        count,
        min(owned),
        max(owned),
        float(shown.error_relative[0]),
        float(shown.r_squared[0]),
        bool(shown.at_edge[0]),
        held,
    )
    return beta, fit


def _model_error(years: int, drawn: _Drawn) -> Array:
    """(D, years), ln of ownership over the curve: yearly growth errors that last, :data:`MISS` after five years."""
    lags = np.arange(1, HELD_OUT)
    variance = MISS**2 / (HELD_OUT + 2.0 * ((HELD_OUT - lags) * LASTS**lags).sum())
    z = drawn.normal("ownership_error", max(years, 1))
    growth = np.empty_like(z)
    level = np.sqrt(variance) * z[:, 0]
    for year in range(z.shape[1]):
        if year:
            level = LASTS * level + np.sqrt(variance * (1.0 - LASTS**2)) * z[:, year]
        growth[:, year] = level
    return np.cumsum(growth, axis=1)


def _income_paths(income: dict[int, float], base: int, years: tuple[int, ...], drawn: _Drawn) -> Array:
    """(D, Y), thousands per head."""
    span = range(base - 15, base + 1)
    logs = np.array([[np.log(income[year])] if year in income else [np.nan] for year in span])
    changes = int(np.isfinite(np.diff(logs[:, 0])).sum())
    process = (
        fit_growth(logs)
        if changes >= 5
        else GrowthProcess(*(np.array([value]) for value in (DRIFT[0], DRIFT[1], 0.04, 0.2, DRIFT[0], float(changes))))
    )
    process = shrink_growth(process, prior_drift=DRIFT[0], prior_sd=DRIFT[1])
    z = drawn.normal("income", len(years))[:, :, None]
    paths = simulate_growth(process, z, drift_normals=drawn.normal("income_drift"))
    return np.asarray(np.exp(paths[:, :, 0]) * income[base] / 1000.0)


def _people(code: str, people: dict[int, float], base: int, years: tuple[int, ...], drawn: _Drawn) -> Array:
    """(D, Y + 1), persons from the base year on."""
    process = population_process(world_table("income"), [code], base)
    z = drawn.normal("population", len(years))[:, :, None]
    paths = simulate_growth(process, z, drift_normals=drawn.normal("population_drift"))[:, :, 0]
    return np.asarray(_continued(people, base) * np.exp(np.concatenate([np.zeros((paths.shape[0], 1)), paths], axis=1)))


def _purchases(
    code: str, stock: Array, growth: float, new_record: float, base: int, drawn: _Drawn, notes: list[str]
) -> tuple[Array, Array, Array, Array]:
    """(D, Y) each: cars in use, and new, used and all cars bought so that the stock wanted is met."""
    draws, count = stock.shape[0], stock.shape[1] - 1
    life, shape = drawn.of("mean_life"), drawn.of("life_shape")
    alive = survival(weibull_scale(life, shape), shape, AGES)
    used_ages = used_age_profile(*USED_AGE, AGES)
    known = np.isfinite(new_record)
    share = np.clip(new_record / (stock[:, 0] / life), 0.02, 1.0) if known else np.full(draws, 0.5)
    fleet = first = _first_fleet(code, base, alive, share, used_ages, stock[:, 0], growth)
    asked = []
    for y in range(min(3, count)):  # what the first years ask for sets the part that new cars on record are
        step = fleet_step(first, alive, stock[:, y + 1], share, used_ages)
        first = step.fleet
        asked.append(step.additions)
    usual = np.maximum(np.mean(asked, axis=0), LEAST * stock[:, 0] / life)
    part = new_record / usual if known else np.full(draws, np.nan)
    if not known:
        notes.append("no recent sales on record: new and used cars are not told apart")
    elif float(np.median(part)) > 1.0:
        notes.append("more new cars are sold than the fleet needs: cars leave used, or live shorter than assumed")
    bought, there = [], []
    for y in range(count):
        entering = np.minimum(part, 1.0) if known else share
        step = fleet_step(fleet, alive, stock[:, y + 1], entering, used_ages, minimum=LEAST * usual)
        fleet = step.fleet
        bought.append(step.additions)
        there.append(fleet.sum(axis=-1))
    together = np.stack(bought, axis=1)
    new = together * part[:, None]
    return np.stack(there, axis=1), new, np.maximum(together - new, 0.0), together


def _first_fleet(
    code: str, base: int, alive: Array, share: Array, used_ages: Array, stock: Array, growth: float
) -> Array:
    """(D, A), the fleet by age: from classes on record, else one that has long been steady."""
    frame = world_table("fleet_ages").filter(
        (pl.col("country") == code) & (pl.col("year") > base - OLD) & pl.col("age_class").is_in(list(BOUNDS))
    )
    by_year: dict[int, dict[int, float]] = {}
    for row in frame.iter_rows(named=True):
        if row["cars"] is not None:
            by_year.setdefault(row["year"], {})[BOUNDS[row["age_class"]]] = row["cars"]
    for year in sorted(by_year, reverse=True):
        cars = by_year[year]
        if {0, 2, 5, 10} <= set(cars):
            order = tuple(sorted(cars))
            counts = np.broadcast_to(np.array([cars[bound] for bound in order]), (stock.size, len(order)))
            fleet = fleet_from_age_classes(counts, AGES, bounds=order, survival=alive)
            return np.asarray(fleet * (stock / fleet.sum(axis=-1))[:, None])
    entry = (1.0 - share[:, None]) * used_ages
    entry[:, 0] += share
    return steady_fleet(stock, alive, entry_ages=entry, growth=growth)


def _ownership(code: str, people: dict[int, float], base: int) -> tuple[str, dict[int, float]]:
    """What the record counts, and vehicles per 1,000 people by year: passenger cars if four years are on record."""
    ages = world_table("fleet_ages").filter((pl.col("country") == code) & (pl.col("age_class") == "all"))
    counts = dict(zip(ages["year"].to_list(), ages["cars"].to_list(), strict=True)) | _measure(code, "passenger_cars")

    def per_head(numbers: dict[int, float]) -> dict[int, float]:
        return {
            y: 1000.0 * n / people[y] for y, n in sorted(numbers.items()) if n and y in people and FIRST <= y <= base
        }

    cars, vehicles = per_head(counts), per_head(_measure(code, "all_motor_vehicles"))
    if not cars and not vehicles:
        row = (pl.col("country") == code) & (pl.col("measure") == "passenger_cars_per_1000") & (pl.col("year") <= base)
        each = world_table("stock").filter(row)
        cars = dict(zip(each["year"].to_list(), each["per_1000"].to_list(), strict=True))
    if len(cars) >= 4 or (len(vehicles) < 4 and cars):
        return "passenger cars", cars
    return ("all vehicles", vehicles) if vehicles else ("", {})


def _measure(code: str, name: str) -> dict[int, float]:
    rows = world_table("stock").filter(
        (pl.col("country") == code) & (pl.col("measure") == name) & pl.col("stock").is_not_null()
    )
    return dict(zip(rows["year"].to_list(), rows["stock"].to_list(), strict=True))


def _car_share(code: str, measure: str, drawn: _Drawn, notes: list[str]) -> Array:
    """(D,), passenger cars over what the record counts."""
    if measure == "passenger cars":
        return np.ones(drawn.draws)
    cars, vehicles = _measure(code, "passenger_cars"), _measure(code, "all_motor_vehicles")
    both = sorted(set(cars) & set(vehicles))
    if both:
        return np.full(drawn.draws, min(cars[both[-1]] / vehicles[both[-1]], 1.0))
    notes.append("the record counts all vehicles; the share of passenger cars is assumed (70 to 95 %)")
    return CAR_SHARE[0] + (CAR_SHARE[1] - CAR_SHARE[0]) * drawn.uniform("car_share")


def _growth(owned: dict[int, float], people: dict[int, float]) -> float:
    """Yearly growth of the stock over the last ten years on record, share of 1."""
    recent = [year for year in sorted(owned) if year > max(owned) - 10 and year in people]
    if len(recent) < 3:
        return 0.0
    logs = np.log([owned[year] * people[year] for year in recent])
    return float(np.clip(np.polyfit(np.array(recent, dtype=np.float64), logs, 1)[0], -0.02, 0.12))


def _recent(series: dict[int, float], base: int) -> float:
    """Mean of the latest three years of a record that is not too old; nan else."""
    latest = [series[year] for year in sorted(series) if base - OLD < year <= base][-3:]
    return float(np.mean(latest)) if latest else float("nan")


def _series(table: str, code: str, column: str) -> dict[int, float]:
    rows = world_table(table).filter((pl.col("country") == code) & pl.col(column).is_not_null())
    return dict(zip(rows["year"].to_list(), rows[column].to_list(), strict=True))


def _nearest(series: dict[int, float], year: int) -> float:
    return series[min(series, key=lambda known: (abs(known - year), known))]


def _continued(series: dict[int, float], year: int) -> float:
    """A level in a year: known, or continued at the mean growth of the last ten years on record."""
    if year in series:
        return series[year]
    last = max(series)
    first = max(min(series), last - 10)
    growth = (series[last] / series[first]) ** (1 / max(last - first, 1)) - 1 if last > first else 0.0
    return float(series[last] * (1 + growth) ** (year - last))

"""The demand stage for one country of the world tables: the curve of its own record, its fleet, its purchases."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from karvan.base.axes import Array
from karvan.base.errors import InputError
from karvan.base.streams import BLOCK, latin_hypercube, stream
from karvan.demand.ageing import used_age_profile
from karvan.demand.fitting import fit_ownership
from karvan.demand.fleet import fleet_from_age_classes, fleet_step, steady_fleet, survival, weibull_scale
from karvan.demand.growth import GrowthProcess, fit_growth, mend_breaks, shrink_growth, simulate_growth
from karvan.demand.ownership import OwnershipParameters, adjust, fit_beta, gompertz
from karvan.demand.segments import SEGMENTS
from karvan.futures.costs import Range, range_of
from karvan.futures.density import saturation_ratio
from karvan.futures.macro import population_process
from karvan.futures.outlook_ages import OLD, USED_AGE, Ages, ages_of, classes_of, life_draws
from karvan.futures.series import continued, nearest_year, series_of
from karvan.futures.vehicles import commercial_of, commercial_paths, crossed, segment_paths
from karvan.study.cells import Cell, quantile
from karvan.study.register import parameters
from karvan.study.world import world_table

AGES: Final = 36
LATEST: Final = 2100
"""Last year that may be asked for: no curve of two decades says anything of a century."""
FIRST: Final = 2000
"""First year of record that curves are fitted to."""
HELD_OUT: Final = 5
"""Years left out of a fit and then asked for."""
MISS: Final = (0.68, 0.04, 0.3)
"""Standard deviation of ln(owned / curve) five years ahead, income known: ``0.68 sqrt(e)``, ``e`` the mean relative
error of the fit, from 0.04 to 0.3; 68 % points of 324 held-out misses by quarters of ``e`` (docs/demand.md)."""
MISS_UNKNOWN: Final = 0.11
"""The same where nothing was fitted: the middle of all."""
STEP: Final = 0.06
"""Step of the record that counts as a change of what is counted, ln: ``assumed``, range 0.04 to 0.1."""
LATER: Final = 8
"""Years on record that are kept where earlier ones follow another curve: ``assumed``, range 6 to 10."""
BADLY: Final = 0.1
"""Mean error of a fit above which the record is said not to follow one curve."""
SALES_MISS: Final = ((20_000.0, 0.36, 0.4), (np.inf, 0.24, 0.3))
"""How far sales stray from the mean of three years: up to how many cars a year, ``a`` and ``b`` of ``a k^b`` after
``k`` years; 68 % points of 7,900 such moves of 1 to 7 years in 142 countries, 2005 to 2023."""
LASTS: Final = 0.7
"""Part of an error of yearly growth of ownership that lasts into the next year: ``assumed``, range 0.4 to 0.9."""
DRIFT: Final = (0.02, 0.015)
"""Mean and standard deviation of long-run growth of income per head between countries: ``assumed``; growth of the past
regresses to the mean of the world (Pritchett and Summers 2014)."""
CAR_SHARE: Final = (0.7, 0.95)
"""Share of passenger cars in all vehicles where no record tells: ``assumed``."""
LEAST: Final = 0.25
"""Least purchases, share of what replaces the fleet: ``assumed``; the year loop has the same floor."""
PER_1000: Final = ("all_motor_vehicles_per_1000_wdi", "all_motor_vehicles_per_1000_oica2020")
"""Measures of all vehicles that are on record as a ratio only."""
STALE: Final = 3
"""Years since the last record of sales that a reader is told of."""
ELECTRIFIED: Final = {"ceiling": (0.45, 0.75, 0.95), "midpoint": (2028, 2033, 2038), "speed": (0.15, 0.28, 0.45)}
"""Share of hybrids and electric cars among new ones in the long run, year of half of it, and speed per year:
``assumed``, as for a market without a row of its own in the study of Azerbaijan."""


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
    whole: float = float("nan")
    """Mean size of the error over all years on record, where only the later ones were taken; nan elsewhere."""

    @property
    def spread(self) -> float:
        """Standard deviation of ln(owned / curve) five years ahead that such a fit goes with."""
        if not np.isfinite(self.miss):
            return MISS_UNKNOWN
        factor, low, high = MISS
        # Where years were left out, what they missed by counts as well: the next change of policy is not foreseen.
        miss = np.sqrt(self.miss * self.whole) if np.isfinite(self.whole) else self.miss
        return float(np.clip(factor * np.sqrt(miss), low, high))


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
    kinds: Mapping[str, Array]
    """New cars by segment, by drive (``electrified``: hybrids and electric cars) and by both, and new commercial
    vehicles, which are not among the cars; (D, Y) each. Cars are nan where no sales are on record."""
    notes: tuple[str, ...] = ()
    ages: Ages | None = None
    """What the ages on record say; None without a record, or where a study answers."""

    def at(self, name: str, year: int) -> Range:
        """The range of ``owned``, ``stock``, ``new``, ``used``, ``bought`` or one of the kinds in a year."""
        if year not in self.years:
            raise InputError(f"year is {year}; expected {self.years[0]} to {self.years[-1]}")
        path = self.kinds[name] if name in self.kinds else getattr(self, name)
        return range_of(np.asarray(path)[:, self.years.index(year)])


def from_world(code: str, name: str, until: int, draws: int, seed: int) -> Outlook:
    table = world_table("income")
    income, people = (series_of(table, code, column) for column in ("gdp_per_head_ppp", "population"))
    if len(income) < 6 or not people:
        raise InputError(f"{code}: the world tables have {len(income)} years of income; expected at least 6")
    base = max(income)
    if not base < until <= LATEST:
        raise InputError(f"until is {until}; expected a year after {base}, the last of income on record, to {LATEST}")
    years = tuple(range(base + 1, until + 1))
    drawn = _Drawn(code, draws, seed)
    records = _ownership(code, people, base)
    if not records:
        raise InputError(
            f"{code}: the world tables have no cars in use; give a study whose markets.csv has a row 'stock'"
        )
    found = _read(code, income, *records[0], base, drawn)
    for other in records[1:]:
        if found.fit.miss > BADLY:
            instead = _read(code, income, *other, base, drawn)
            if instead.fit.miss < 0.5 * found.fit.miss:
                found = instead
                found.notes.append(
                    f"{records[0][0]} on record follow no curve: {other[0]} and the share of cars instead"
                )
    owned, fit, beta, gamma, cars, notes = found.owned, found.fit, found.beta, found.gamma, found.cars, found.notes
    last = max(owned)
    if last <= base - OLD:
        notes.append(f"cars in use were last on record in {last}: the curve has gone on alone since")
    # From the last record to the years asked for: income known up to the base, drawn after it.
    path = _income_paths(income, base, years, drawn)
    shared = OwnershipParameters()
    error = _model_error(until - last, fit.spread, drawn)
    if fit.miss > BADLY:
        notes.append("the record does not follow one curve: the range is widened to match")
    level = np.full(draws, owned[last])
    curve = level
    before = np.full(draws, income[min(income, key=lambda y: abs(y - last))] / 1000.0)
    per_1000 = [level] if last == base else []
    for step, year in enumerate(range(last + 1, until + 1)):
        now = path[:, year - years[0]] if year >= years[0] else np.full(draws, nearest_year(income, year) / 1000.0)
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

    new_record = _sales_level(series_of(world_table("sales"), code, "passenger_cars"), base, drawn, notes)
    growth = _growth(owned, people)
    ages = ages_of(code, base, growth, series_of(world_table("sales"), code, "passenger_cars"))
    life = life_draws(ages, drawn.uniform("mean_life"))
    stock, new, used, bought = _purchases(code, stock, growth, new_record, base, life, drawn, notes)
    weights = np.stack([drawn.of(f"segment_{segment}") for segment in SEGMENTS], axis=-1)
    kinds = kinds_of(new, weights, _electrified(years, drawn))
    commercial = commercial_of(code, income, people, base)
    kinds |= commercial_paths(
        commercial,
        drawn.cell,
        1000.0 * path * persons[:, 1:],
        drawn.of("commercial_elasticity"),
        drawn.normal("commercial", len(years)) * drawn.of("commercial_noise")[:, None],
    )
    if commercial.note:
        notes.append(commercial.note)
    bought_then = new_record[0] if np.isfinite(new_record[0]) else np.inf
    if commercial.level.mid > bought_then:
        notes.append("more commercial vehicles than cars are registered: pick-ups and SUVs count as commercial there")
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
        kinds=kinds,
        notes=tuple(notes),
        ages=ages,
    )


@dataclass(frozen=True)
class _Record:
    """One record of ownership and the curves through it."""

    owned: dict[int, float]
    fit: Fit
    beta: Array
    gamma: Array
    """(D,), saturation of what the record counts."""
    cars: Array
    """(D,), passenger cars over what the record counts."""
    notes: list[str]


def _read(
    code: str, income: dict[int, float], measure: str, owned: dict[int, float], base: int, drawn: "_Drawn"
) -> _Record:
    notes: list[str] = []
    owned = _mended(owned, notes)
    cars = _car_share(code, measure, drawn, notes)
    ratio = float(saturation_ratio(world_table("income"), [code], base)[0])
    most = 1.15 * max(owned.values())
    gamma = np.maximum(drawn.of("saturation") * ratio / cars, most)
    share = float(cars[0]) if np.all(cars == cars[0]) else float(np.mean(CAR_SHARE))
    middle = max(parameters()["saturation"].mid * ratio / share, most)
    beta, fit = _curve(income, owned, measure, gamma, middle, drawn)
    for first in sorted(owned)[1 : 1 - LATER]:
        if not fit.miss > BADLY:
            break
        later = {year: value for year, value in owned.items() if year >= first}
        other, cut = _curve(income, later, measure, gamma, middle, drawn)
        if cut.miss < min(0.5 * fit.miss, BADLY):
            notes.append(
                f"years before {first} follow another curve ({fit.miss:.0%} missed with them) and are left out"
            )
            beta, fit = other, replace(cut, whole=fit.miss)
    return _Record(owned, fit, beta, gamma, cars, notes)


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

    def cell(self, cell: Cell) -> Array:
        """(D,), a cell that is not in the register."""
        return cell.draw(self.uniform(cell.name))

    def normal(self, name: str, years: int = 1) -> Array:
        """(D, Y), standard normal."""
        parts = []
        for block in self.blocks:
            z = stream(self.seed, f"{name}.{self.code}", block).standard_normal((years, BLOCK))
            parts.append(z.T)  # years outermost: a later horizon only adds
        return np.concatenate(parts)[: self.draws]


def kinds_of(new: Array, weights: Array, electrified: Array) -> dict[str, Array]:
    """New cars by segment, by drive and by both, (D, Y) each."""
    known = np.where(np.isfinite(new), new, 0.0)
    found = {
        **segment_paths(known, weights),
        "electrified": known * electrified,
        **crossed(known, weights, electrified),
    }
    return {name: np.where(np.isfinite(new), path, np.nan) for name, path in found.items()}


def _electrified(years: tuple[int, ...], drawn: _Drawn) -> Array:
    """(D, Y), share of hybrids and electric cars among new cars: a logistic curve, all of it assumed."""
    ceiling, midpoint, pace = (
        quantile("triangular", *ends, drawn.uniform(f"electrified_{name}"))[:, None]
        for name, ends in ELECTRIFIED.items()
    )
    time = np.asarray(years, dtype=np.float64)
    return np.asarray(ceiling * 0.5 * (1.0 + np.tanh(0.5 * pace * (time - midpoint))))


def _curve(
    income: dict[int, float], owned: dict[int, float], measure: str, gamma: Array, mid: float, drawn: _Drawn
) -> tuple[Array, Fit]:
    """(D,), beta of each draw by its own saturation, and how good the fit is in the middle."""
    years = range(min(owned), max(owned) + 1)
    x = np.array([income.get(year, np.nan) for year in years]) / 1000.0
    v = np.array([owned.get(year, np.nan) for year in years])
    count = int(np.isfinite(v).sum())
    alpha = OwnershipParameters().alpha
    least = gamma * np.exp(alpha) * 1.05
    x_last = nearest_year(income, max(owned)) / 1000.0
    point = fit_beta(x_last, np.maximum(owned[max(owned)], least), gamma, alpha)
    none = Fit(measure, count, min(owned), max(owned), np.nan, np.nan, False, np.nan)
    if count < 4:
        return point, none

    middle = np.array([mid])
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


def _mended(owned: dict[int, float], notes: list[str]) -> dict[int, float]:
    """A record without steps of what is counted, at the level of its last year."""
    if not owned:
        return owned
    years = list(range(min(owned), max(owned) + 1))
    logs = np.log([owned.get(year, np.nan) for year in years])
    mended = mend_breaks(logs, size=STEP)
    step = np.diff(logs) - np.diff(mended)
    for year, size in zip(years[1:], step, strict=True):
        if abs(size) > STEP:
            notes.append(f"a step of {np.expm1(size):+.0%} in {year} is taken for a change of what is counted")
    level = np.exp(mended - mended[-1] + logs[-1])
    return {year: float(value) for year, value in zip(years, level, strict=True) if np.isfinite(value)}


def _model_error(years: int, spread: float, drawn: _Drawn) -> Array:
    """(D, years), ln of ownership over the curve: yearly growth errors that last, ``spread`` after five years."""
    lags = np.arange(1, HELD_OUT)
    variance = spread**2 / (HELD_OUT + 2.0 * ((HELD_OUT - lags) * LASTS**lags).sum())
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
    return np.asarray(continued(people, base) * np.exp(np.concatenate([np.zeros((paths.shape[0], 1)), paths], axis=1)))


def _sales_level(sales: dict[int, float], base: int, drawn: _Drawn, notes: list[str]) -> Array:
    """(D,), new cars a year around the base: the record, and how far sales stray from one in the years since."""
    record = _recent(sales, base)
    if not np.isfinite(record):
        return np.full(drawn.draws, np.nan)
    last = max(year for year in sales if year <= base)
    a, b = next((a, b) for most, a, b in SALES_MISS if record < most)
    age = base - last
    if age > STALE:
        notes.append(f"new cars were last on record in {last} ({sales[last]:,.0f}); the range is widened to match")
    return np.asarray(record * np.exp(a * max(age, 1) ** b * drawn.normal("sales_level")[:, 0]))


def _purchases(
    code: str, stock: Array, growth: float, new_record: Array, base: int, life: Array, drawn: _Drawn, notes: list[str]
) -> tuple[Array, Array, Array, Array]:
    """(D, Y) each: cars in use, and new, used and all cars bought so that the stock wanted is met."""
    draws, count = stock.shape[0], stock.shape[1] - 1
    shape = drawn.of("life_shape")
    alive = survival(weibull_scale(life, shape), shape, AGES)
    used_ages = used_age_profile(*USED_AGE, AGES)
    known = bool(np.isfinite(new_record).all())
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
    # What is sold beyond what the fleet needs leaves the country used: a flow of its own that does not grow with needs.
    beyond = np.maximum(part - 1.0, 0.0) * usual
    new = together * np.minimum(part, 1.0)[:, None] + beyond[:, None]
    return np.stack(there, axis=1), new, np.maximum(together - new, 0.0), together


def _first_fleet(
    code: str, base: int, alive: Array, share: Array, used_ages: Array, stock: Array, growth: float
) -> Array:
    """(D, A), the fleet by age: from classes on record, else one that has long been steady."""
    found = classes_of(code, base)
    if found is not None:
        order = tuple(sorted(found[1]))
        counts = np.broadcast_to(np.array([found[1][bound] for bound in order]), (stock.size, len(order)))
        fleet = fleet_from_age_classes(counts, AGES, bounds=order, survival=alive)
        return np.asarray(fleet * (stock / fleet.sum(axis=-1))[:, None])
    entry = (1.0 - share[:, None]) * used_ages
    entry[:, 0] += share
    return steady_fleet(stock, alive, entry_ages=entry, growth=growth)


def _ownership(code: str, people: dict[int, float], base: int) -> list[tuple[str, dict[int, float]]]:
    """What a record counts, and vehicles per 1,000 people by year; passenger cars first if four years are on record."""
    ages = world_table("fleet_ages").filter((pl.col("country") == code) & (pl.col("age_class") == "all"))
    counts = dict(zip(ages["year"].to_list(), ages["cars"].to_list(), strict=True)) | _measure(code, "passenger_cars")

    def per_head(numbers: dict[int, float]) -> dict[int, float]:
        return {
            y: 1000.0 * n / people[y] for y, n in sorted(numbers.items()) if n and y in people and FIRST <= y <= base
        }

    cars, vehicles = per_head(counts), per_head(_measure(code, "all_motor_vehicles"))
    if not cars and not vehicles:
        cars = _per_1000(code, ("passenger_cars_per_1000",), base)
        vehicles = _per_1000(code, PER_1000, base)
    both = [("passenger cars", cars), ("all vehicles", vehicles)]
    long = [pair for pair in both if len(pair[1]) >= 4]
    return long or [pair for pair in both if pair[1]][:1]


def _per_1000(code: str, measures: tuple[str, ...], base: int) -> dict[int, float]:
    """Vehicles per 1,000 people by year, where only the ratio is on record; later measures beat earlier ones."""
    rows = world_table("stock").filter(
        (pl.col("country") == code) & pl.col("year").is_between(FIRST, base) & (pl.col("per_1000") > 0)
    )
    found: dict[int, float] = {}
    for measure in measures:
        each = rows.filter(pl.col("measure") == measure)
        found |= dict(zip(each["year"].to_list(), each["per_1000"].to_list(), strict=True))
    return dict(sorted(found.items()))


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

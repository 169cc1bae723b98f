"""The model put into the past: a country's study as of a date, simulated by the year loop, and laid beside what came.

The study is a starter study made inside :func:`karvan.study.world.as_known`, so nothing later can be read; Azerbaijan,
which has plant rows, takes its own study as of the date. What the world tables cannot give (how far output strays, how
often makers stop, how often plants come that nobody announced) comes from other countries' records up to the date
(:mod:`karvan.futures.others`), which refuse to speak of a country they have seen.
"""

import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl

from karvan.base.axes import Array
from karvan.base.errors import InputError, UnknownName, nearest
from karvan.base.streams import stream
from karvan.futures.ensemble import Futures, simulate
from karvan.futures.inputs import KIND
from karvan.futures.others import FLOOR, OthersFit, Record, fit_others, level_of, read_record
from karvan.futures.starter import _write, make_starter
from karvan.futures.starter_flows import car_share, find_country, read_world
from karvan.futures.starter_tables import FULL_PLANT
from karvan.study.evidence import YearValue, year_value
from karvan.study.load import Study, load
from karvan.study.register import parameters
from karvan.study.tables import FILE, LINE, parse_date
from karvan.study.world import as_known, world_table

AHEAD = 9
"""Years scored after the year of the date."""
DRAWS = 500
QUANTILES = (0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99)
CARS_RECORD = 3
"""Years of passenger cars on record from which a country is forecast in cars; with fewer, in all vehicles."""
OWN_STUDIES = {"AZE": "azerbaijan"}
"""Countries with plant rows in a built-in study."""
HUB_OUTPUT, HUB_RATIO = 100_000.0, 1.2
"""``hub_volume``: least three-year mean output, and least ratio to mean new sales at home."""


@dataclass(frozen=True)
class Forecast:
    """Output of one country as forecast on a date."""

    country: str
    as_of: str
    kind: str
    """``passenger_cars``, or ``total`` (all vehicles) where too few years of cars were on record."""
    last_year: int | None
    """Last year on record; None where the country had none."""
    last: float
    """Output in it, units per year; 0 without a record."""
    years: tuple[int, ...]
    """The year of the date and the years after it."""
    units: Array
    """(D, Y), output, units per year."""
    hub: Array
    """(Y,), chance of ``hub_volume``; nan in years whose three-year mean begins before the record."""
    method: str
    """``loop``: the year loop; ``record``: the record alone, for a country without income in the world tables."""
    reference: Array
    """(D, Y), the last figure with the spread that other countries had: what the loop must beat."""

    @property
    def targets(self) -> tuple[int, ...]:
        """The years scored."""
        return self.years[1:]

    def quantiles(self) -> Array:
        """(9, Y), units per year, at :data:`QUANTILES`."""
        return np.asarray(np.quantile(self.units, QUANTILES, axis=0))


def date_of(as_of: str) -> str:
    """A date as YYYY-MM-DD; a year means its last day."""
    text = f"{as_of}-12-31" if len(as_of) == 4 else as_of
    parsed = parse_date(text)
    if parsed is None or len(text) != 10 or not 2000 <= parsed[0] <= 2100:
        raise InputError(
            f"as-of is '{as_of}'; expected a year such as 2010, or a date such as 2010-12-31, from 2000 on"
        )
    return text


def countries() -> list[str]:
    """All countries of the world table of production."""
    return sorted(world_table("production")["country"].unique().to_list())


@lru_cache(maxsize=16)
def _record(as_of: str, kind: str) -> Record:
    return read_record(as_of, kind)


def backcast(country: str, as_of: str, *, draws: int = DRAWS, seed: int = 1) -> Forecast:
    """Forecast a country's output with what was known on a date.

    Parameters
    ----------
    country : ISO3 code. as_of : a year (its last day) or a date YYYY-MM-DD.

    Errors: :class:`InputError` for a date that is none or lies before 2000; :class:`UnknownName` for a country without
    a place in the world tables.
    """
    date = date_of(as_of)
    if draws < 1:
        raise InputError(f"draws is {draws}; expected 1 or more")
    code = country.upper()
    known = countries()
    if code not in known and code not in set(world_table("countries")["country"]):
        raise UnknownName(f"no country '{country}' in the world tables; {nearest(code, known)}")
    cars = _record(date, "passenger_cars").made.get(code, {})
    total = _record(date, "total").made.get(code, {})
    own_study = code in OWN_STUDIES
    kind = "passenger_cars" if own_study or len(cars) >= CARS_RECORD or not total else "total"
    made = dict(cars if kind == "passenger_cars" else total)
    so_far: YearValue | None = None
    record = _record(date, kind).without(code)
    fit = fit_others(record)
    year = int(date[:4])
    years = tuple(range(year, year + AHEAD + 1))
    if own_study:
        made, so_far = _claimed(date, year)
    last_year = max(made) if made else None
    last = made[last_year] if last_year is not None else 0.0
    level = level_of(made, last_year, fit.level_weight) if last_year is not None and last > 0 else None
    with as_known(date):
        run: Futures | None
        if own_study:
            begin = years[1:] if so_far is not None else years
            run, share = _own_run(code, date, begin, draws, seed), 1.0
        else:
            run, share = _run(code, date, made, kind, fit, years, draws, seed)
    units = _structural(run, level, share, years, draws, own_study)
    if so_far is not None:
        units = np.concatenate([_drawn(so_far, code, seed, draws)[:, None], units], axis=1)
    ahead = np.array(years, dtype=np.float64) - (year - 1 if last_year is None else last_year)
    sigma = np.where(ahead > 0, fit.spread(code, last, ahead), 0.0)  # a year on record is as sure as its claim
    noise = _tails(code, seed, draws, years, fit.tails(code))
    if level is None:
        reference = np.zeros_like(units)
    else:
        reference = np.exp(np.log(max(last, FLOOR)) + sigma * noise)
        units = _widened(units, sigma, noise, shrink=not own_study)
    hub = _hub(run, units * (share if kind == "total" else 1.0), code, date, years)
    return Forecast(code, date, kind, last_year, last, years, units, hub, "loop" if run else "record", reference)


def _claimed(date: str, year: int) -> tuple[dict[int, float], YearValue | None]:
    """Azerbaijan's output by year from its evidence as known on the date, and the year of the date if half is known."""
    study = load(OWN_STUDIES["AZE"], as_of=date)
    found = {y: year_value(study, "country", "output", KIND, y) for y in range(2000, year + 1)}
    now = found.pop(year)
    if now is not None and (now.basis == "ruled" or (now.basis == "range" and now.low < now.value / 2)):
        now = None  # rules of the running year are hindsight; and less than half of a year says too little
    made = {y: value.value for y, value in found.items() if value is not None}
    return made | ({year: now.value} if now is not None else {}), now


def _drawn(value: YearValue, code: str, seed: int, draws: int) -> Array:
    """(D,), cars in the year of the date: what was made so far and the rest at its range."""
    sd = max(value.error * value.value, (value.high - value.low) / 3.29)
    normal = stream(seed, f"backcast.year.{code}", 0).standard_normal(draws)
    return np.asarray(np.clip(value.value + sd * normal, value.low, None))


def _own_run(code: str, date: str, years: Sequence[int], draws: int, seed: int) -> Futures:
    """A built-in study as of the date: its plants, deals and claims known by then; dated frictions that had begun."""
    study = load(OWN_STUDIES[code], as_of=date)
    tables = dict(study.tables)
    tables["frictions"] = tables["frictions"].filter(pl.col("year_from") <= int(date[:4]))
    return simulate(replace(study, tables=tables), start=years[0], until=years[-1], draws=draws, seed=seed, workers=1)


def _run(
    code: str, date: str, made: dict[int, float], kind: str, fit: OthersFit, years: Sequence[int], draws: int, seed: int
) -> tuple[Futures | None, float]:
    """The year loop on a starter study of the date, and cars over units of the record's kind."""
    world = read_world()
    share = car_share(code) if kind == "total" else 1.0
    try:
        home = find_country(world, code)
    except UnknownName:
        return None, share
    with tempfile.TemporaryDirectory() as folder:
        starter = make_starter(world, home)
        _write(Path(folder), starter, home)
        study = load(folder)
    # The folder is gone; the study stays.
    study = replace(study, as_of=date)
    sales = _record(date, kind).sold.get(code, {})
    recent = [sales[y] for y in sorted(sales)[-3:]]
    peak = max((made[y] for y in sorted(made)[-5:]), default=0.0)
    size = made[max(made)] if made else 0.0
    rate = fit.arrival_rate(
        code, float(np.mean(recent)) if recent else FLOOR, _record(date, kind).access.get(code, 1e6)
    )
    added = fit.added(code, peak)
    given: dict[tuple[str, str | None], tuple[float, ...]] = {
        ("arrival_rate", None): (rate / 2, rate, rate * 2),
        ("arrival_nameplate", None): tuple(share * value / 0.8 for value in added),
    }
    for slot in ("unannounced_1", "unannounced_2"):
        given |= {(name, slot): ends for name, ends in FULL_PLANT.items() if name != "interruption_hazard"}
    if starter.own:
        given[("interruption_hazard", starter.own)] = fit.stop_rate(code, size)
    study = _with(study, given)
    return simulate(study, start=years[0], until=years[-1], draws=draws, seed=seed, workers=1), share


def _with(study: Study, given: dict[tuple[str, str | None], tuple[float, ...]]) -> Study:
    """The study with values fitted to other countries in the place of its general ones."""
    table = study.table("assumptions")
    rows = []
    for (name, key), (low, mid, high) in given.items():
        rows.append({"parameter": name, "key": key, "low": low, "mid": mid, "high": high, "distribution": "triangular",
                     "unit": parameters()[name].unit, "source": "derived: other countries' records up to the date",
                     "note": "", FILE: "backcast", LINE: 0})  # fmt: skip
    new = pl.DataFrame(rows, schema=table.schema)
    kept = table.join(new.select("parameter", "key"), on=["parameter", "key"], how="anti", nulls_equal=True)
    return replace(study, tables={**study.tables, "assumptions": pl.concat([new, kept])})


def _structural(
    run: Futures | None, level: float | None, share: float, years: Sequence[int], draws: int, as_is: bool
) -> Array:
    """(D, Y), output as the loop has it, its makers on record set to the level of the record.

    A starter study puts all output of a country into its home market and a few others; the level of a large exporter is
    not reproduced by that. So the loop gives the *change* of known makers, and what newcomers add.
    """
    if run is None:
        return np.full((draws, len(years)), level or 0.0)
    if as_is:
        return run.figures["output"]
    by_plant = run.plants["output"]
    slots = list(run.layout.slots)
    known = [p for p in range(run.layout.own) if p not in slots]
    arrived = by_plant[:, :, slots].sum(axis=-1) / share
    if level is None or not known:
        return np.asarray(arrived + by_plant[:, :, known].sum(axis=-1) / share)
    stands = by_plant[:, :, known].sum(axis=-1)
    # Sales, not output: the first year also sells off the stock that a larger record left behind.
    sold = (run.figures["sales_home"] + run.figures["exports"])[:, :1] - by_plant[:, :1, slots].sum(axis=-1)
    first = np.maximum(sold, 0.1 * np.median(sold) + 1e-9)
    return np.asarray(level * stands / first + arrived)


def _tails(code: str, seed: int, draws: int, years: Sequence[int], df: float) -> Array:
    """(D, Y), Student-t numbers of scale 1 that wander from year to year as a random walk does."""
    rng = stream(seed, f"backcast.{code}", 0)
    steps = np.cumsum(rng.standard_normal((draws, len(years))), axis=1) / np.sqrt(np.arange(1, len(years) + 1))
    return np.asarray(steps / np.sqrt(rng.chisquare(df, draws) / df)[:, None])


def _widened(units: Array, sigma: Array, noise: Array, *, shrink: bool) -> Array:
    """Futures whose spread in each year is the one that other countries' records had at that size and distance.

    The spread of the loop itself was never measured: what it has less is added as Student-t noise, what it has more is
    taken back around its median. So the loop says where the middle lies, the record how far to trust it. A study with
    its own plants keeps its own spread (``shrink`` false) and is only ever widened.
    """
    logs = np.log(np.maximum(units, 0.3 * FLOOR))
    low, middle, high = np.quantile(logs, (0.16, 0.5, 0.84), axis=0)
    own = np.maximum((high - low) / 2.0, 1e-6)
    kept = np.minimum(1.0, sigma / own) if shrink else np.ones_like(sigma)
    extra = np.sqrt(np.maximum(sigma**2 - (kept * own) ** 2, 0.0))
    if not shrink:
        return np.asarray(units * np.exp(extra * noise))
    return np.asarray(np.exp(middle + kept * (logs - middle) + extra * noise))


def _hub(run: Futures | None, cars: Array, code: str, date: str, years: Sequence[int]) -> Array:
    """(Y,), chance that three-year means meet ``hub_volume``; nan where the three years begin before the date."""
    out = np.full(len(years), np.nan)
    record = _record(date, "passenger_cars")
    sold = record.sold.get(code, {})
    if run is None or not sold:
        return out
    home = run.figures["sales_new_home"]
    last = float(np.mean([sold[y] for y in sorted(sold)[-3:]]))
    home = last * home / np.maximum(np.median(home[:, :1]), 1.0)
    if home.shape[1] < len(years):
        home = np.concatenate([np.full((len(home), 1), last), home], axis=1)
    for i in range(2, len(years)):
        mean_made, mean_sold = cars[:, i - 2 : i + 1].mean(axis=1), home[:, i - 2 : i + 1].mean(axis=1)
        out[i] = float(np.mean((mean_made >= HUB_OUTPUT) & (mean_made >= HUB_RATIO * mean_sold)))
    return out


def backcast_all(
    as_of: Iterable[str], codes: Iterable[str] | None = None, *, draws: int = DRAWS, seed: int = 1, workers: int = 2
) -> list[Forecast]:
    """Forecasts of all countries of the production table as of each date, in the order of dates and countries."""
    dates = [date_of(text) for text in as_of]
    tasks = [(code, date, draws, seed) for date in dates for code in (countries() if codes is None else codes)]
    if workers <= 1 or len(tasks) < 4:
        return [_task(task) for task in tasks]
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        return list(pool.map(_task, tasks, chunksize=2))


def _task(task: tuple[str, str, int, int]) -> Forecast:
    code, date, draws, seed = task
    return backcast(code, date, draws=draws, seed=seed)

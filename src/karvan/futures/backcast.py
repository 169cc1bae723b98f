"""The model put into the past: a country's study as of a date, simulated by the year loop, and laid beside what came.

The study is made inside :func:`karvan.study.world.as_known`, so nothing later can be read
(:mod:`karvan.futures.backcast_loop`). Where the middle of the forecast lies is a mean of two: the drift of other
countries' records (:mod:`karvan.futures.drift`) and the change that the loop foresees, weighed by what the loop's word
was worth for others on an earlier date. How far output strays, how often makers stop, how often plants come that nobody
announced, is from other countries' records too (:mod:`karvan.futures.others`), which refuse to speak of a country they
have seen.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TypeVar

import numpy as np

from karvan.base.axes import Array
from karvan.base.errors import InputError, UnknownName, nearest
from karvan.base.streams import stream
from karvan.futures.backcast_loop import (
    EARLIER,
    OWN_STUDIES,
    LoopRun,
    claimed,
    drawn,
    loop_change,
    own_run,
    starter_run,
)
from karvan.futures.drift import group_of
from karvan.futures.others import LoopChange, OthersFit, fit_others
from karvan.futures.processes import crew
from karvan.futures.record import FLOOR, level_of, read_record, traits
from karvan.study.evidence import YearValue
from karvan.study.tables import parse_date
from karvan.study.world import world_table

AHEAD = 9
"""Years scored after the year of the date."""
DRAWS = 500
QUANTILES = (0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99)
CARS_RECORD = 3
"""Years of passenger cars on record from which a country is forecast in cars; with fewer, in all vehicles."""
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
    """``loop``: the year loop and the record; ``record``: the record alone, for a country without income on record."""
    reference: Array
    """(D, Y), the last figure with the spread that other countries had: what the model must beat."""
    loop: Array
    """(D, Y), the year loop's own middle with the same spread as ``units``."""
    loop_weight: float
    """Weight of the loop in the middle of ``units``; 1 in a country without output, whose plants are the loop's."""
    columns: int = 0
    """How many columns of the drift rolling origins chose; 0 is the last figure, or a country without output."""
    part: float = 0.0
    """Part of the drift that they chose for makers of its size."""

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
    if parsed is None or len(text) != 10 or not 2001 <= parsed[0] <= 2100:
        raise InputError(
            f"as-of is '{as_of}'; expected a year such as 2010, or a date such as 2010-12-31, from 2001 on"
        )
    return text


def countries() -> list[str]:
    """All countries of the world table of production."""
    return sorted(world_table("production")["country"].unique().to_list())


def backcast(
    country: str, as_of: str, *, draws: int = DRAWS, seed: int = 1, loops: Sequence[LoopChange] | None = None
) -> Forecast:
    """Forecast a country's output with what was known on a date.

    Parameters
    ----------
    country : ISO3 code. as_of : a year (its last day) or a date YYYY-MM-DD.
    loops : what the loop foresaw for countries on an earlier date (:func:`earlier_loops`); made here if left out. Those
        of the country itself are dropped. None at all: the loop has no weight where there is a record.

    Errors: :class:`InputError` for a date that is none or lies before 2001; :class:`UnknownName` for a country without
    a place in the world tables.
    """
    date = date_of(as_of)
    if draws < 1:
        raise InputError(f"draws is {draws}; expected 1 or more")
    code = country.upper()
    known = countries()
    if code not in known and code not in set(world_table("countries")["country"]):
        hint = nearest(code, known) or "expected a code of three letters, such as MAR"
        raise UnknownName(f"no country '{country}' in the world tables; {hint}")
    total = read_record(date, "total")
    cars = read_record(date, "passenger_cars").made.get(code, {})
    own_study = code in OWN_STUDIES
    kind = "passenger_cars" if own_study or len(cars) >= CARS_RECORD else "total"
    made = dict(cars if kind == "passenger_cars" else total.made.get(code, {}))
    so_far: YearValue | None = None
    loops = earlier_loops(date) if loops is None else loops
    fit = fit_others(total.without(code), [item for item in loops if item.country != code])
    year = int(date[:4])
    years = tuple(range(year, year + AHEAD + 1))
    if own_study:
        made, so_far = claimed(date, year)
    last_year = max(made) if made else None
    last = made[last_year] if last_year is not None else 0.0
    run: LoopRun | None
    if own_study:
        run = own_run(code, date, years[1:] if so_far is not None else years, draws, seed)
    else:
        run = starter_run(code, date, made, kind, fit, years, draws, seed)
    share = run.share if run is not None and kind == "total" else 1.0
    at_home = _home(fit, code, date, last, seed, draws, years)
    if last_year is None or last < FLOOR:
        units = run.units(last) if run is not None else np.full((draws, len(years)), last)
        hub = _hub(units * share, at_home(units))
        plain = np.full_like(units, last)
        return Forecast(code, date, kind, last_year, last, years, units, hub, _method(run), plain, units, 1.0)
    begin = len(years) - (run.arrived.shape[1] if run is not None else len(years))
    ahead = np.array(years[begin:], dtype=np.float64) - last_year
    level = level_of(made, last_year, fit.level_weight) or FLOOR
    middle = np.log(level) + fit.drift(code, traits(total, code, made, last_year), last, ahead)
    sigma, chance = fit.spread(code, last, ahead), _wander(stream(seed, f"backcast.{code}", 0), draws, len(ahead))
    law = partial(fit.law, code, last)
    reach = sigma * law(np.array(0.84))
    weight, order, alone = 0.0, chance, middle
    if run is not None:
        weight, foreseen, own = fit.loop_weight(code), run.middle(level), run.units(level)
        middle = (1.0 - weight) * middle + weight * foreseen
        order, alone = _order(own, reach, chance), np.median(_logs(own), axis=0)
    units, loop = (np.exp(to + sigma * law(_places(order))) for to in (middle, alone))
    if run is not None and own_study:
        loop = _widened(run.units(level), sigma, reach, law(_places(chance)))
    reference = np.exp(np.log(last) + fit.last_figure(code, last, ahead, _places(chance)))
    if so_far is not None:
        now = drawn(so_far, code, seed, draws)[:, None]
        units, loop, reference = (np.concatenate([now, part], axis=1) for part in (units, loop, reference))
    hub = _hub(units * share, at_home(units))
    columns, part = fit.chosen.columns, fit.chosen.shares[int(group_of(last))]
    return Forecast(
        code, date, kind, last_year, last, years, units, hub, _method(run), reference, loop, weight, columns, part
    )


def _method(run: LoopRun | None) -> str:
    return "record" if run is None else "loop"


@lru_cache(maxsize=8)
def earlier_loops(date: str, workers: int = 2) -> tuple[LoopChange, ...]:
    """What the loop foresaw three years before a date for the makers whose output since then is known by now."""
    return tuple(_found(_mapped(_earlier, _earlier_tasks(date), workers)))


def _earlier_tasks(date: str) -> list[tuple[str, str, int]]:
    before = f"{int(date[:4]) - EARLIER}-12-31"
    made, then = read_record(date, "total").made, read_record(before, "total").made
    until = max((max(years) for years in made.values()), default=0)
    told = [code for code in sorted(then) if any(y >= int(before[:4]) for y in made[code])]
    return [(code, before, until) for code in told if then[code][max(then[code])] >= FLOOR]


def _earlier(task: tuple[str, str, int]) -> LoopChange | None:
    return loop_change(*task)


def _found(items: Iterable[LoopChange | None]) -> list[LoopChange]:
    return [item for item in items if item is not None]


def _wander(rng: np.random.Generator, draws: int, years: int) -> Array:
    """(D, Y), standard normal numbers that wander from year to year as a random walk does."""
    return np.asarray(np.cumsum(rng.standard_normal((draws, years)), axis=1) / np.sqrt(np.arange(1, years + 1)))


def _tails(code: str, seed: int, draws: int, years: int, df: float) -> Array:
    """(D, Y), Student-t numbers of scale 1 that wander."""
    rng = stream(seed, f"backcast.{code}", 0)
    return np.asarray(_wander(rng, draws, years) / np.sqrt(rng.chisquare(df, draws) / df)[:, None])


def _places(order: Array) -> Array:
    """(D, Y), the place of each future among those of its year, as a probability.

    >>> _places(np.array([[3.0], [1.0], [2.0]])).round(3).ravel().tolist()
    [0.833, 0.167, 0.5]
    """
    return np.asarray((np.argsort(np.argsort(order, axis=0, kind="stable"), axis=0) + 0.5) / len(order))


def _logs(units: Array) -> Array:
    return np.asarray(np.log(np.maximum(units, 0.3 * FLOOR)))


def _order(units: Array, reach: Array, chance: Array) -> Array:
    """(D, Y), what puts the futures of a year in order: the loop's own as far as they stray, chance for the rest.

    How wide a forecast is, and how heavy its tails, is what the rolling origins of the record were asked about. The
    spread of the loop itself was never measured: it says which future is high and which is low, not how far apart.
    reach: (Y,), half of the range that the middle 68 % of the forecast will have.
    """
    logs = _logs(units)
    low, middle, high = np.quantile(logs, (0.16, 0.5, 0.84), axis=0)
    own = np.maximum((high - low) / 2.0, 1e-6)
    kept = np.minimum(1.0, reach / own)
    # A trace of chance sets futures apart that the loop has at the same figure, such as at nothing.
    extra = np.maximum(np.sqrt(np.maximum(reach**2 - (kept * own) ** 2, 0.0)), 1e-6)
    return np.asarray(kept * (logs - middle) + extra * chance)


def _widened(units: Array, sigma: Array, reach: Array, noise: Array) -> Array:
    """(D, Y), futures of a study with plants of its own: they keep their shape, widened to others' records."""
    low, high = np.quantile(_logs(units), (0.16, 0.84), axis=0)
    missing = np.sqrt(np.maximum(1.0 - ((high - low) / 2.0 / reach) ** 2, 0.0))
    return np.asarray(units * np.exp(missing * sigma * noise))


def _home(
    fit: OthersFit, code: str, date: str, last: float, seed: int, draws: int, years: Sequence[int]
) -> Callable[[Array], Array | None]:
    """What gives (D, Y) new registrations at home to (D, Y) futures of output; None without sales on record.

    Registrations move with output as they did in other countries: were they the loop's own and output the record's, the
    ratio of ``hub_volume`` would compare two growths of different making.
    """
    sold = read_record(date, "passenger_cars").sold.get(code, {})
    if not sold:
        return lambda units: None
    last_year = max(sold)
    size = max(sold[last_year], FLOOR)
    elasticity, scale, df = fit.home_sales(code, size, np.array(years, dtype=np.float64) - last_year)
    own = _tails(f"{code}.sales", seed, draws, len(years), df)
    # A country without output has no change of it: its registrations stray by themselves.
    begin = max(last, FLOOR)
    slope = elasticity if last >= FLOOR else 0.0
    return lambda units: np.asarray(size * (np.maximum(units, 0.3 * FLOOR) / begin) ** slope * np.exp(scale * own))


def _hub(cars: Array, home: Array | None) -> Array:
    """(Y,), chance that three-year means meet ``hub_volume``; nan where the three years begin before the date."""
    out = np.full(cars.shape[1], np.nan)
    if home is None:
        return out
    for i in range(2, cars.shape[1]):
        mean_made, mean_sold = cars[:, i - 2 : i + 1].mean(axis=1), home[:, i - 2 : i + 1].mean(axis=1)
        out[i] = float(np.mean((mean_made >= HUB_OUTPUT) & (mean_made >= HUB_RATIO * mean_sold)))
    return out


def backcast_all(
    as_of: Iterable[str],
    codes: Iterable[str] | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 1,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> list[Forecast]:
    """Forecasts of all countries of the production table as of each date, in the order of dates and countries.

    progress : called with the runs of the loop done and to do: earlier ones of all makers, then the forecasts.
    """
    dates = [date_of(text) for text in as_of]
    chosen = countries() if codes is None else list(codes)
    # What the loop foresaw before is asked of every country alike, so it is made once a date for all.
    asked = [task for date in dates for task in _earlier_tasks(date)]
    done = _Counter(len(asked) + len(dates) * len(chosen), progress)
    answers = dict(zip(asked, _mapped(_earlier, asked, workers, done), strict=True))
    loops = {date: tuple(_found(answers[task] for task in _earlier_tasks(date))) for date in dates}
    tasks = [(code, date, draws, seed, loops[date]) for date in dates for code in chosen]
    return _mapped(_task, tasks, workers, done)


class _Counter:
    """Tells how much of a whole is done, a step at a time."""

    def __init__(self, whole: int, progress: Callable[[int, int], None] | None) -> None:
        self.whole, self.progress, self.done = whole, progress, 0

    def __call__(self) -> None:
        self.done += 1
        if self.progress:
            self.progress(self.done, self.whole)


T = TypeVar("T")
R = TypeVar("R")


def _mapped(
    work: Callable[[T], R], tasks: Sequence[T], workers: int, step: Callable[[], None] = lambda: None
) -> list[R]:
    """Results in the order of tasks, by processes where it pays; ``step`` is called after each."""
    out = []
    with ExitStack() as stack:
        results: Iterable[R] = map(work, tasks)
        if workers > 1 and len(tasks) >= 4:
            others = stack.enter_context(crew(workers))
            results = others.executor.map(work, tasks, chunksize=2)
        for result in results:
            out.append(result)
            step()
    return out


def _task(task: tuple[str, str, int, int, tuple[LoopChange, ...]]) -> Forecast:
    code, date, draws, seed, loops = task
    return backcast(code, date, draws=draws, seed=seed, loops=loops)

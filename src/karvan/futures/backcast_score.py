"""Scores of backcasts: how far off, how honest about it, and what a ruler would have done instead.

Errors are on the logarithm of max(units, 1,000). Beside the model stand the last figure, the last figure with the
spread that other countries had, the trend of five years and half of it, and two that know the future of something else:
the growth of the world's output and of the country's own GDP as they came.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np

from karvan.base.axes import Array
from karvan.base.errors import UnknownName, nearest
from karvan.futures.around import outside_view
from karvan.futures.backcast import HUB_OUTPUT, HUB_RATIO, QUANTILES, Forecast
from karvan.futures.backcast_loop import OWN_STUDIES
from karvan.futures.inputs import KIND
from karvan.futures.record import FLOOR, Record, read_record
from karvan.study.evidence import claims, year_value
from karvan.study.load import load
from karvan.study.world import world_table

SHOCKS = (2009, 2020, 2021)
"""Target years scored apart."""
SIZES: tuple[tuple[str, float, float], ...] = (
    ("no record", -1.0, 0.0),
    ("under 200,000", 0.0, 2e5),
    ("200,000 to 1 million", 2e5, 1e6),
    ("over 1 million", 1e6, np.inf),
)
"""Groups by the last output known."""
RULERS = ("last", "last_spread", "loop", "trend", "half_trend", "world", "gdp", "targets")
"""What the model is laid beside; ``loop`` is the year loop without the record's middle, ``world`` and ``gdp``
know growth as it came, ``targets`` are the government's."""
RESAMPLES = 2000
NEWEST = "2100-12-31"


@dataclass(frozen=True)
class Row:
    """One country and target year: outcome, forecast and the rulers."""

    country: str
    as_of: str
    kind: str
    year: int
    last: float
    outcome: float
    median: float
    error: float
    crps: float
    inside_50: bool
    inside_90: bool
    rulers: Mapping[str, tuple[float, float]]
    """|ln error| and CRPS; of a single figure they are the same."""


def ln_floor(units: Array | float) -> Array:
    """Logarithm on which errors are measured: ``ln max(units, 1,000)``."""
    return np.asarray(np.log(np.maximum(units, FLOOR)))


def crps(sample: Array, outcome: float) -> float:
    """Continuous ranked probability score of a sample, exactly ``E|X - y| - E|X - X'| / 2`` (Gneiting, Raftery 2007).

    >>> crps(np.array([0.0, 2.0]), 1.0)
    0.5
    """
    ordered = np.sort(sample)
    n = ordered.size
    apart = 2.0 * float(np.sum((2 * np.arange(1, n + 1) - n - 1) * ordered)) / n**2
    return float(np.abs(ordered - outcome).mean()) - 0.5 * apart


@lru_cache(maxsize=4)
def _outcomes(kind: str) -> Record:
    return read_record(NEWEST, kind)


@lru_cache(maxsize=2)
def _azerbaijan(first: int, last: int) -> dict[int, float]:
    study = load(OWN_STUDIES["AZE"])
    found = {y: year_value(study, "country", "output", KIND, y) for y in range(first, last + 1)}
    return {y: value.value for y, value in found.items() if value is not None}


def outcome_of(country: str, kind: str) -> Mapping[int, float]:
    """What came, by year: the world tables, for Azerbaijan its evidence."""
    if country in OWN_STUDIES:
        return _azerbaijan(2000, 2030)
    return _outcomes(kind).made.get(country, {})


def score(forecast: Forecast) -> list[Row]:
    """The target years of a forecast for which the outcome is known."""
    came = outcome_of(forecast.country, forecast.kind)
    rows = []
    for i, year in enumerate(forecast.years):
        if i == 0 or year not in came:
            continue
        sample, y = ln_floor(forecast.units[:, i]), float(ln_floor(came[year]))
        q = np.quantile(sample, (0.05, 0.25, 0.5, 0.75, 0.95))
        rulers = {name: (abs(float(ln_floor(value)) - y),) * 2 for name, value in _rulers(forecast, year).items()}
        if forecast.last_year is not None and forecast.last > 0:
            reference = ln_floor(forecast.reference[:, i])
            rulers["last_spread"] = (abs(float(np.median(reference)) - y), crps(reference, y))
        alone = ln_floor(forecast.loop[:, i])
        rulers["loop"] = (abs(float(np.median(alone)) - y), crps(alone, y))
        rows.append(
            Row(
                forecast.country, forecast.as_of, forecast.kind, year, forecast.last, came[year],
                float(np.median(forecast.units[:, i])), abs(float(q[2]) - y), crps(sample, y),
                bool(q[1] <= y <= q[3]), bool(q[0] <= y <= q[4]), rulers,
            )
        )  # fmt: skip
    return rows


def _rulers(forecast: Forecast, year: int) -> dict[str, float]:
    last, known = forecast.last, forecast.last_year
    out = {"last": last}
    targets = _targets(forecast, year)
    if targets is not None:
        out["targets"] = targets
    if known is None or last <= 0:
        return out
    made = {y: v for y, v in outcome_of(forecast.country, forecast.kind).items() if y <= known and v > 0}
    first = min((y for y in made if y >= known - 5), default=known)
    rate = np.log(last / made[first]) / (known - first) if known - first >= 2 else 0.0
    out["trend"], out["half_trend"] = (
        float(last * np.exp(np.clip(w * rate * (year - known), -10, 5))) for w in (1.0, 0.5)
    )
    world = _world_growth(forecast.country, forecast.kind, known, year)
    gdp = _gdp_growth(forecast.country, known, year)
    if world is not None:
        out["world"] = last * world
    if gdp is not None:
        out["gdp"] = last * gdp
    return out


@lru_cache(maxsize=4096)
def _world_growth(country: str, kind: str, first: int, last: int) -> float | None:
    """Growth of the output of all other countries that have both years."""
    made = [v for c, v in _outcomes(kind).made.items() if c != country and first in v and last in v]
    return sum(v[last] for v in made) / sum(v[first] for v in made) if made else None


@lru_cache(maxsize=4096)
def _gdp_growth(country: str, first: int, last: int) -> float | None:
    rows = world_table("income").filter(country=country).drop_nulls(["population", "gdp_per_head"])
    gdp = {r["year"]: r["population"] * r["gdp_per_head"] for r in rows.iter_rows(named=True)}
    return gdp[last] / gdp[first] if first in gdp and last in gdp else None


def _targets(forecast: Forecast, year: int) -> float | None:
    """The government's own target for a year, the latest that was known on the date; Azerbaijan only."""
    if forecast.country not in OWN_STUDIES:
        return None
    study = load(OWN_STUDIES[forecast.country], as_of=forecast.as_of)
    found = claims(study, subject="country", attribute="target_output", kind=KIND)
    fitting = [c for c in found if c.period_start[:4] == str(year) and c.number is not None]
    return max(fitting, key=lambda c: c.known_on).number if fitting else None


@dataclass(frozen=True)
class Skill:
    """Scores of a group of forecasts: means are over countries first, so that no country counts for its many years."""

    as_of: str
    group: str
    forecasts: int
    countries: int
    error_mean: float
    error_median: float
    crps: float
    covered_50: float
    covered_90: float
    rulers: Mapping[str, Mapping[str, float]]
    """By ruler: error_mean, error_median, crps, and the model's on the same forecasts; the number of these."""
    better_error: tuple[float, float, float]
    """Model less last figure, mean |ln error|: 5 %, mean, 95 % over resampled countries; below 0 it is better."""
    better_crps: tuple[float, float, float]
    """The same of the CRPS, against the last figure with the spread of others."""


def summarise(rows: Sequence[Row], as_of: str, group: str) -> Skill:
    """Scores of some rows."""
    by = _by_country(rows)
    errors = np.array([row.error for row in rows])
    rulers: dict[str, dict[str, float]] = {}
    for name in RULERS:
        have = [row for row in rows if name in row.rulers]
        if have:
            rulers[name] = {
                "forecasts": float(len(have)),
                "error_mean": _mean(have, lambda row, name=name: row.rulers[name][0]),  # type: ignore[misc]
                "error_median": float(np.median([row.rulers[name][0] for row in have])),
                "crps": _mean(have, lambda row, name=name: row.rulers[name][1]),  # type: ignore[misc]
                "model_error_mean": _mean(have, lambda row: row.error),
                "model_error_median": float(np.median([row.error for row in have])),
                "model_crps": _mean(have, lambda row: row.crps),
            }
    return Skill(
        as_of, group, len(rows), len(by), _mean(rows, lambda row: row.error), float(np.median(errors)),
        _mean(rows, lambda row: row.crps), _mean(rows, lambda row: float(row.inside_50)),
        _mean(rows, lambda row: float(row.inside_90)), rulers,
        _paired(rows, lambda row: row.error - row.rulers["last"][0] if "last" in row.rulers else None),
        _paired(rows, lambda row: row.crps - row.rulers["last_spread"][1] if "last_spread" in row.rulers else None),
    )  # fmt: skip


def _by_country(rows: Iterable[Row]) -> dict[str, list[Row]]:
    out: dict[str, list[Row]] = {}
    for row in rows:
        out.setdefault(row.country, []).append(row)
    return out


def _mean(rows: Sequence[Row], of: Callable[[Row], float]) -> float:
    return float(np.mean([np.mean([of(row) for row in group]) for group in _by_country(rows).values()]))


def _paired(rows: Sequence[Row], of: Callable[[Row], float | None]) -> tuple[float, float, float]:
    """Paired bootstrap over countries of a difference."""
    means = []
    for group in _by_country(rows).values():
        found = [value for row in group if (value := of(row)) is not None]
        if found:
            means.append(float(np.mean(found)))
    if not means:
        return (float("nan"),) * 3
    values = np.array(means)
    rng = np.random.default_rng(20240101)
    again = values[rng.integers(0, values.size, (RESAMPLES, values.size))].mean(axis=1)
    return float(np.quantile(again, 0.05)), float(values.mean()), float(np.quantile(again, 0.95))


def tables(forecasts: Sequence[Forecast]) -> list[Skill]:
    """By date: all countries with a record, by size, shock years apart, countries without a record."""
    out = []
    for date in sorted({forecast.as_of for forecast in forecasts}):
        rows = [row for forecast in forecasts if forecast.as_of == date for row in score(forecast)]
        calm = [row for row in rows if row.year not in SHOCKS]
        groups: list[tuple[str, list[Row]]] = [("all", [row for row in calm if row.last > 0])]
        groups += [(name, [r for r in calm if low < r.last <= high]) for name, low, high in SIZES]
        groups.append(("shock years", [row for row in rows if row.year in SHOCKS and row.last > 0]))
        out += [summarise(chosen, date, name) for name, chosen in groups if chosen]
    return out


@dataclass(frozen=True)
class HubScore:
    """Brier scores of ``hub_volume``: mean squared difference of chance and outcome, 0 is best."""

    as_of: str
    forecasts: int
    outcomes: int
    """Country-years in which it held."""
    model: float
    base_rate: float
    """The rate at which outsiders came in until the date; insiders stay."""
    persistence: float


def hub_scores(forecasts: Sequence[Forecast]) -> list[HubScore]:
    """Brier score of ``hub_volume`` by date, for the target years whose state is known."""
    record = _outcomes("passenger_cars")
    out = []
    for date in sorted({forecast.as_of for forecast in forecasts}):
        rate = outside_view(date)
        rows = []
        for forecast in (f for f in forecasts if f.as_of == date):
            made, sold = record.made.get(forecast.country, {}), record.sold.get(forecast.country, {})
            before = _state(made, sold, (forecast.last_year or 0))
            for i, year in enumerate(forecast.years):
                state = _state(made, sold, year)
                if i and state is not None and before is not None and np.isfinite(forecast.hub[i]):
                    base = 1.0 if before else rate.within(year - (forecast.last_year or year))[1]
                    rows.append((float(state), forecast.hub[i], base, float(before)))
        if rows:
            table = np.array(rows)
            brier = [float(np.mean((table[:, k] - table[:, 0]) ** 2)) for k in (1, 2, 3)]
            out.append(HubScore(date, len(rows), int(table[:, 0].sum()), *brier))
    return out


def _state(made: Mapping[int, float], sold: Mapping[int, float], year: int) -> bool | None:
    span = range(year - 2, year + 1)
    if any(y not in made or y not in sold for y in span):
        return None
    a, b = np.mean([made[y] for y in span]), np.mean([sold[y] for y in span])
    return bool(a >= HUB_OUTPUT and a >= HUB_RATIO * b)


def as_data(forecasts: Sequence[Forecast]) -> list[dict[str, object]]:
    """Forecast quantiles by country and target year, outcomes known or not, for programs."""
    out: list[dict[str, object]] = []
    for f in forecasts:
        q, came = f.quantiles(), outcome_of(f.country, f.kind)
        targets = {
            str(year): {
                "quantiles": {f"{p:g}": round(float(value), 1) for p, value in zip(QUANTILES, q[:, i], strict=True)},
                "hub_volume": None if np.isnan(f.hub[i]) else round(float(f.hub[i]), 4),
                "outcome": came.get(year),
            }
            for i, year in enumerate(f.years)
            if i
        }
        out.append({"country": f.country, "as_of": f.as_of, "kind": f.kind, "method": f.method,
                    "last_year": f.last_year, "last": f.last, "targets": targets})  # fmt: skip
    return out


@dataclass(frozen=True)
class Choice:
    """What the code chose for the makers of a size as of a date: medians over them, each fitted without itself."""

    as_of: str
    group: str
    countries: int
    columns: float
    """Columns of the drift: 0 the last figure, 1 growth alike, 2 and on with traits."""
    part: float
    """Part of the drift taken."""
    loop_weight: float


def choices(forecasts: Sequence[Forecast]) -> list[Choice]:
    """Choices by date and size of the last output."""
    out = []
    for date in sorted({forecast.as_of for forecast in forecasts}):
        for name, low, high in SIZES[1:]:
            found = [f for f in forecasts if f.as_of == date and low < f.last <= high and f.last >= FLOOR]
            if found:
                picked = np.median([(f.columns, f.part, f.loop_weight) for f in found], axis=0)
                out.append(Choice(date, name, len(found), *picked.tolist()))
    return out


def published(
    skills: Sequence[Skill],
    hubs: Sequence[HubScore],
    command: str,
    chosen: Sequence[Choice] = (),
    own: Sequence[Skill] = (),
) -> dict[str, object]:
    """What is kept in the package for reports to quote; ``own`` are the scores of countries with a built-in study."""
    return {
        "command": command,
        "skill": [_rounded(asdict(skill)) for skill in skills],
        "hub_volume": [_rounded(asdict(hub)) for hub in hubs],
        "choices": [_rounded(asdict(choice)) for choice in chosen],
        "own": [_rounded(asdict(skill)) for skill in own],
    }


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return (None if not np.isfinite(value) else round(value, 4)) if isinstance(value, float) else value


@lru_cache(maxsize=1)
def _kept() -> dict[str, object]:
    text = resources.files("karvan.futures").joinpath("backcast_result.json").read_text(encoding="utf-8")
    data: dict[str, object] = json.loads(text)
    return data


def skill(size: float | None = None, as_of: str = "2010") -> Skill:
    """The published past skill of the model: of all countries, or of those of a size.

    Parameters
    ----------
    size : output, cars per year; chooses the group (0: countries without a record). Left out: all with a record.
    as_of : year of the backcast.

    Errors: :class:`UnknownName` for a date or a group that was not published.

    >>> skill().group
    'all'
    """
    group = "all" if size is None else next(name for name, low, high in SIZES if low < size <= high)
    rows = kept_skills()
    for row in rows:
        if row.group == group and row.as_of.startswith(as_of):
            return row
    known = sorted({row.as_of[:4] for row in rows})
    raise UnknownName(
        f"no backcast of '{group}' as of '{as_of}' is published; {nearest(as_of, known) or ', '.join(known)}"
    )


def command() -> str:
    """The command that makes the published result."""
    return str(_kept()["command"])


def markdown(skills: Sequence[Skill]) -> list[str]:
    """The published table, a row a group, as Markdown."""
    head = (
        "| as of | countries by last output | forecasts (countries) | model: mean, median | last figure: mean, median "
        "| CRPS: model, last figure with others' spread | inside 50 % | inside 90 % |"
    )
    rows = [head, "|---|---|---:|---:|---:|---:|---:|---:|"]
    for s in skills:
        last, spread = s.rulers.get("last"), s.rulers.get("last_spread")
        plain = f"{last['error_mean']:.2f}, {last['error_median']:.2f}" if last else "-"
        wide = f"{spread['crps']:.3f}" if spread else "-"
        rows.append(
            f"| {s.as_of[:4]} | {s.group} | {s.forecasts} ({s.countries}) | {s.error_mean:.2f}, {s.error_median:.2f} "
            f"| {plain} | {s.crps:.3f}, {wide} | {s.covered_50:.0%} | {s.covered_90:.0%} |"
        )
    return rows


def kept_skills() -> list[Skill]:
    """Every group of the published result."""
    return [_skill(row) for row in _rows("skill")]


def _rows(name: str) -> list[dict[str, Any]]:
    """A list of the published result; empty in one that was saved without it."""
    rows = _kept().get(name, [])
    assert isinstance(rows, list)
    return rows


def _skill(row: Mapping[str, Any]) -> Skill:
    pairs = {name: tuple(np.nan if v is None else v for v in row[name]) for name in ("better_error", "better_crps")}
    return Skill(**{**row, **pairs})


def block() -> str:
    """The published result in words and tables, as Markdown: what the docs page shows."""
    lines = [f"Made by `{command()}`.", "", *markdown(kept_skills()), ""]
    for found in (s for s in kept_skills() if s.group == "all"):
        low, middle, high = found.better_error
        low_c, middle_c, high_c = found.better_crps
        told = [name for name in found.rulers if name not in ("last_spread", "targets")]
        loop = found.rulers["loop"]
        rulers = "; ".join(f"{name} {found.rulers[name]['error_mean']:.2f}" for name in told)
        lines += [
            f"- As of {found.as_of[:4]}, model less last figure, mean error: {middle:+.3f} (5-95 % over resampled "
            f"countries {low:+.3f} to {high:+.3f});",
            f"  CRPS, model less last figure with others' spread: {middle_c:+.3f} ({low_c:+.3f} to {high_c:+.3f}). "
            "Below 0 the model is better.",
            f"  Mean error: model {found.error_mean:.2f}; {rulers}. CRPS of the loop alone: {loop['crps']:.3f}.",
        ]
    for hub in _rows("hub_volume"):
        lines.append(
            f"- As of {hub['as_of'][:4]}, Brier score of `hub_volume`: model {hub['model']:.3f}, base rate "
            f"{hub['base_rate']:.3f}, persistence {hub['persistence']:.3f} ({hub['forecasts']} forecasts, it held in "
            f"{hub['outcomes']})."
        )
    for row in _rows("choices"):
        lines.append(
            f"- As of {row['as_of'][:4]}, makers of {row['group']} ({row['countries']}), medians of what was chosen: "
            f"{row['columns']:.0f} columns of the drift, {row['part']:.2f} of it, weight of the loop "
            f"{row['loop_weight']:.2f}."
        )
    for own in map(_skill, _rows("own")):
        rulers = "; ".join(
            f"{name} {own.rulers[name]['error_mean']:.2f}" for name in ("last", "loop", "targets") if name in own.rulers
        )
        lines.append(
            f"- {own.group} as of {own.as_of[:4]}, {own.forecasts} years: mean error {own.error_mean:.2f}; {rulers}. "
            f"Inside 50 %: {own.covered_50:.0%}, inside 90 %: {own.covered_90:.0%}."
        )
    return "\n".join([*lines, ""])

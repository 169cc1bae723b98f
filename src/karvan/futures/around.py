"""Numbers around a run that are no draws: the thresholds of the verdict, the outside view, counts of what is known."""

from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache

import numpy as np

from karvan.base.axes import Array
from karvan.base.errors import UnknownName, nearest
from karvan.base.streams import BLOCK, stream
from karvan.futures.ensemble import Futures
from karvan.futures.inputs import KIND
from karvan.futures.plant_study import quick_study
from karvan.hub.prior import BaseRate, base_rate
from karvan.hub.verdict import Thresholds
from karvan.study.evidence import YearValue, claim, claims, contradictions, stale, year_value
from karvan.study.kinds import CAR
from karvan.study.load import Study
from karvan.study.world import known_by, world_table

KINDS = ("threshold", "base_rate", "count", "shops", "past")
"""Kinds of quantities that :func:`value` answers."""
THRESHOLD_UNITS: Mapping[str, str] = {
    "output": "cars per year",
    "export_share": "share of 1",
    "destination_share": "share of 1",
    "destinations": "destinations",
    "local_content": "share of 1",
    "npv": "money",
    "probability": "share of 1",
    "idle_output": "cars per year",
}


def value(
    name: str, kind: str, keys: tuple[str, ...], year: int, study: Study, run: Futures
) -> tuple[float, float, float, str]:
    """Low, value, high and unit (empty: the register's) of a quantity that is no draw.

    Errors: :class:`UnknownName` for a threshold that does not exist.
    """
    if kind == "threshold":
        known = [field.name for field in fields(Thresholds)]
        key = keys[0] if keys else ""
        if key not in known:
            raise UnknownName(f"no threshold '{key}'; {nearest(key, known) or 'known: ' + ', '.join(known)}")
        number = float(getattr(run.verdict.thresholds, key))
        return number, number, number, THRESHOLD_UNITS[key]
    if kind == "base_rate":
        rate = outside_view(study.as_of)
        if name == "hub_base_rate":
            low, mean, high = rate.within(max(year - run.years[0] + 1, 0))
            return low, mean, high, ""
        found = {"hub_base_entries": rate.entries, "hub_base_exposure": rate.exposure}[name]
        return float(found), float(found), float(found), ""
    if kind == "past":
        past = past_skill(name, keys[0] if keys else "", str(year), study)
        return past, past, past, ""
    if kind == "shops":
        return _by_shops(name, keys[0] if keys else "", year, study)
    counted = float(_count(name, study, run))
    return counted, counted, counted, ""


def past_skill(name: str, forecaster: str, as_of: str, study: Study) -> float:
    """A score of the published backcast for makers of the country's size.

    Errors: :class:`UnknownName` for a date or a size that was not published, or a forecaster that was not scored.
    """
    from karvan.futures.backcast_score import skill  # it reads this module

    years = [year_value(study, "country", "output", KIND, y) for y in range(study.settings.base_year + 9, 1999, -1)]
    found = skill(next((year.value for year in years if year is not None), 0.0), as_of)
    if name == "past_inside":
        return found.covered_90
    if name == "past_countries":
        return float(found.countries)
    scored = {"combined": found.error_mean, **{ruler: row["error_mean"] for ruler, row in found.rulers.items()}}
    if forecaster not in scored:
        raise UnknownName(
            f"no forecaster '{forecaster}'; {nearest(forecaster, scored) or 'known: ' + ', '.join(scored)}"
        )
    return scored[forecaster]


def _by_shops(name: str, plant: str, year: int, study: Study) -> tuple[float, float, float, str]:
    """Low, value, high and unit of what a plant's own shops say: buses at a bus plant, never cars."""
    found = quick_study(study, plant, year)
    if found.report is None:
        raise UnknownName(found.missing)
    if name == "shops_reach":
        return found.calendar_reach, found.calendar_reach, found.calendar_reach, ""
    unit = "" if found.vehicle_kind == CAR else f"{found.words[1]} per year"
    effective, bottleneck = found.report.effective, found.report.bottleneck
    if name == "shops_capacity":
        return effective.p5, effective.p50, effective.p95, unit
    if name == "shops_bottleneck":
        at = bottleneck.candidates[0]
        gain, error = float(bottleneck.speed[at]), 1.645 * float(bottleneck.speed_error[at])
        return gain - error, gain, gain + error, unit
    spread = effective.luck_sd if name == "shops_luck" else effective.ignorance_sd
    return spread, spread, spread, unit


def _count(name: str, study: Study, run: Futures) -> int:
    if name == "count_futures":
        return run.draws
    if name == "count_cells":
        return len(run.cells)
    if name == "count_cells_assumed":
        return sum(cell.assumed for cell in run.cells.values())
    if name == "count_claims":
        return len(claims(study))
    if name == "count_contradictions":
        return len(contradictions(study))
    return len(stale(study))


@lru_cache(maxsize=4)
def outside_view(as_of: str | None = None) -> BaseRate:
    """How often countries have become exporters in volume, from all years of output and sales in the world tables."""
    _, _, made, sold = _world_cars(as_of)
    return base_rate(made, sold)


def entries(as_of: str | None = None) -> list[tuple[str, int]]:
    """The countries that came in, with the year, in the order of years."""
    countries, years, _, _ = _world_cars(as_of)
    rows, columns = np.nonzero(outside_view(as_of).entered)
    found = [(countries[row], years[column]) for row, column in zip(rows.tolist(), columns.tolist(), strict=True)]
    return sorted(found, key=lambda item: (item[1], item[0]))


def exporter_in(country: str, as_of: str | None = None) -> int | None:
    """The last year known of a country that is an exporter in volume by then; None if it is not, or unknown."""
    countries, years, _, _ = _world_cars(as_of)
    if country not in countries:
        return None
    view, row = outside_view(as_of), countries.index(country)
    known = np.flatnonzero(view.known[row])
    return years[int(known[-1])] if known.size and bool(view.state[row, known[-1]]) else None


@lru_cache(maxsize=4)
def _world_cars(as_of: str | None) -> tuple[list[str], list[int], Array, Array]:
    """Countries, years, cars made and cars sold (C, Y), nan where unknown."""
    made = known_by(world_table("production"), as_of)
    sold = known_by(world_table("sales"), as_of)
    seen = [*made["year"].to_list(), *sold["year"].to_list()]
    years = list(range(min(seen), max(seen) + 1)) if seen else []
    countries = sorted({*made["country"].to_list()} & {*sold["country"].to_list()})
    place = {country: row for row, country in enumerate(countries)}
    grids = []
    for frame in (made, sold):
        grid = np.full((len(countries), len(years)), np.nan)
        for row in frame.iter_rows(named=True):
            if row["country"] in place and row["passenger_cars"] is not None:
                grid[place[row["country"]], row["year"] - years[0]] = row["passenger_cars"]
        grids.append(grid)
    return countries, years, grids[0], grids[1]


def donor_draws(name: str, donor: str, run: Futures, y: int) -> Array:
    """Indirect and induced effects in the futures that use one donor's input-output table."""
    if donor not in run.donors:
        raise UnknownName(f"no donor '{donor}'; {nearest(donor, run.donors) or 'known: ' + ', '.join(run.donors)}")
    blocks = range((run.draws + BLOCK - 1) // BLOCK)
    uniform = np.concatenate([stream(run.seed, "donor", block).random((BLOCK,)) for block in blocks])[: run.draws]
    which = np.minimum((uniform * len(run.donors)).astype(np.int64), len(run.donors) - 1)
    stem = "jobs" if name.startswith("jobs") else "gdp"
    total = run.figures[f"{stem}_indirect"][:, y] + run.figures[f"{stem}_induced"][:, y]
    chosen: Array = total[which == run.donors.index(donor)]
    return chosen if chosen.size else np.full(1, np.nan)


def difference(keys: tuple[str, ...], year: str, study: Study) -> YearValue:
    """The first of two claims less the second."""
    found = [claim(study, key) for key in keys]
    if len(keys) != 2 or any(item is None or item.number is None for item in found):
        raise UnknownName(f"claims_difference needs two claims with numbers, found '{'.'.join(keys)}'")
    used = tuple(item for item in found if item is not None)
    number = (used[0].number or 0.0) - (used[1].number or 0.0)
    one = used[0]
    rule = f"{one.claim} less {used[1].claim}"
    return YearValue(one.subject, one.attribute, one.kind, year, number, number, number, "summed", rule, used, (), 0.0)

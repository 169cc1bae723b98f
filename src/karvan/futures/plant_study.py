"""A plant of the study as an engineer would model it: its shops simulated, with the ladder, the bottleneck, what-ifs.

The ensemble needs a plant in microseconds and takes it from a formula and from the record (``nameplate_reach``). Here
one plant is taken apart instead: :class:`karvan.facilities.Plant` is built from the study's own rows, every row with
its range, and simulated car by car. Both answers are shown side by side. They differ where the hours that a study
assumes would give more cars than the plant ever made: the ladder here says what shops and shifts allow, the futures
what the plant has shown it reaches.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import floor
from typing import Any

import numpy as np

from karvan.base.errors import UnknownName, nearest
from karvan.facilities import RUNGS, PlantReport
from karvan.futures.ensemble import Futures
from karvan.futures.layout import decimal_year
from karvan.futures.plant_aggregate import Aggregate, aggregate
from karvan.futures.plant_model import Model, made_words
from karvan.futures.surrogate import Cells, shop_cells
from karvan.study.cells import Cell
from karvan.study.evidence import claims
from karvan.study.kinds import CAR
from karvan.study.load import Study

LEAST = 10
"""Futures in which a plant works, below which nothing is said of them."""
NOT_YET = ("announced", "building")
AT_REST = ("idle", "closed")


@dataclass(frozen=True)
class PlantStudy:
    """Everything that is said about one plant of a study. Money is in USD."""

    plant: str
    title: str
    state: str
    vehicle_kind: str
    year: int
    """The year the ladder stands for."""
    nameplate: float | None
    missing: str
    """Why there is no ladder; empty where there is one."""
    conditions: tuple[str, ...]
    """What must hold for the ladder to hold: that an announced plant opens, that an idle one works again."""
    report: PlantReport | None = None
    why: Mapping[str, str] = field(default_factory=dict)
    """Rung -> why cars are lost there."""
    costs: Mapping[str, str] = field(default_factory=dict)
    """What-if -> what its cost is made of."""
    reach: Cell | None = None
    """``nameplate_reach``: what the futures take for straight time."""
    calendar_reach: float = float("nan")
    """What the shops' own hours and rates make of the nameplate: straight time with overtime / nameplate."""
    futures: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    """Rung, demand or output -> 5, 50 and 95 % in those futures of the same year in which the plant works at all."""
    chance: float | None = None
    """Share of futures in which the plant operates at the end of that year."""
    cells: tuple[Cell, ...] = ()
    """Every number the plant was built from."""
    words: tuple[str, str] = ("car", "cars")
    """One and many of what it makes; counts of a plant of another kind are of its own vehicles, never of cars."""
    people: tuple[float, float, float] | None = None
    """Persons at full volume, by the low, likeliest and high ends of the rows; none where they are not known."""
    cost_ranges: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    """Part of the cost of one vehicle -> 5, 50 and 95 % at the capacity of the ladder; and the whole, ``in all``."""
    no_money: str = ""
    """Why no cost is told; empty where it is."""
    aggregate: Aggregate | None = None
    """The ladder of a rival, from the record: it has no shops."""

    @property
    def assumed(self) -> tuple[Cell, ...]:
        """The numbers that nobody measured."""
        return tuple(cell for cell in self.cells if cell.assumed)


def own_plants(study: Study) -> list[str]:
    """Plants of the study's own country, as its table orders them."""
    rows = study.table("plants")
    return [row["plant"] for row in rows.iter_rows(named=True) if row["role"] == "own"]


def known_plant(study: Study, plant: str) -> dict[str, Any]:
    """A plant's row. Errors: :class:`UnknownName` with the nearest names."""
    rows = {row["plant"]: row for row in study.table("plants").iter_rows(named=True)}
    if plant not in rows:
        known = own_plants(study)
        hint = nearest(plant, known) or f"its plants: {', '.join(known)}"
        raise UnknownName(f"study {study.name} has no plant '{plant}'; {hint}")
    return rows[plant]


def in_futures(study: Study, plant: str) -> bool:
    """Whether the futures tell of a plant: one of the study's own that makes cars."""
    row = known_plant(study, plant)
    return bool(row["role"] == "own" and row["vehicle_kind"] == CAR)


def study_plant(
    study: Study,
    plant: str,
    *,
    run: Futures | None = None,
    year: int | None = None,
    replications: int = 40,
    draws: int = 200,
    seed: int = 1,
    quick: bool = False,
) -> PlantStudy:
    """Take one plant of a study apart.

    Parameters
    ----------
    run : futures of the study, for cars wanted and to set their ladder beside this one.
    year : the ladder's year; the first of the futures, or the year of opening where that is later.
    replications, draws : years simulated for luck, draws of the inputs for ignorance.
    quick : without what-ifs, with the kits rung by its closed form alone, and shorter runs.

    Errors: :class:`UnknownName` for a plant that the study does not have, with the nearest names.
    """
    row = known_plant(study, plant)
    date = decimal_year(row["opened"])
    opened = None if np.isnan(date) else date
    first = year if year is not None else (run.years[0] if run is not None else study.settings.start_year)
    if row["state"] in NOT_YET and opened is not None and year is None:
        first = max(first, floor(opened))
    shops = shop_cells(study, plant)
    words = made_words(study, plant, shops)
    base = PlantStudy(
        plant,
        str(row["name"]),
        str(row["state"]),
        str(row["vehicle_kind"]),
        first,
        _nameplate(study, row, words[1]),
        "",
        tuple(_conditions(study, row, words[1])),
        words=words,
    )
    missing = _missing(row, shops)
    if missing:
        return replace(base, missing=missing, aggregate=aggregate(study, row) if row["role"] == "rival" else None)
    age = None if opened is None or row["state"] in AT_REST else float(first) - opened
    model = Model(study, plant, shops, base.nameplate, age)
    numbers = _of_futures(run, plant, first)
    demand = numbers["demand"][1] if "demand" in numbers else None
    built = replace(model.plant, demand=demand, kits=None if quick else model.plant.kits)
    inputs = model.draws(seed, draws)
    if quick:
        inputs = replace(inputs, factor=inputs.factor * model.kits_share)
    report = built.report(
        replications=replications,
        draws=draws,
        seed=seed,
        what_ifs=() if quick else lambda bottleneck: model.what_ifs(built, bottleneck),
        inputs=inputs,
        effort=0.1 if quick else 1.0,
        runs=64 if quick else 128,
    )
    report = model.unbatched(report)
    straight = built.straight_time * (1.0 + built.overtime) * model.batch
    return replace(
        base,
        report=report,
        why=model.why(report),
        costs={option.name: model.basis.get(option.kind, "") for option in model.options(built, report.bottleneck)},
        reach=study.parameter("nameplate_reach", plant) if row["vehicle_kind"] == CAR else None,
        calendar_reach=straight / base.nameplate if base.nameplate else float("nan"),
        futures=numbers,
        chance=_chance(run, plant, first),
        cells=model.cells,
        people=model.people,
        cost_ranges=model.cost_ranges(float(report.ladder.effective), seed),
        no_money=model.no_money,
    )


def quick_study(study: Study, plant: str, year: int) -> PlantStudy:
    """A plant taken apart with few runs, once for each study: for figures and the report. Errors as above."""
    kept: dict[tuple[str, int], PlantStudy] = study._memo.setdefault("plant_study", {})
    if (plant, year) not in kept:
        replications, draws = (8, 100) if in_futures(study, plant) else (3, 40)
        kept[plant, year] = study_plant(study, plant, year=year, replications=replications, draws=draws, quick=True)
    return kept[plant, year]


def first_study(study: Study, plant: str, year: int) -> PlantStudy:
    """The same for the year of a ladder: ``year``, or that of opening for a plant that is not there yet."""
    row = known_plant(study, plant)
    opened = decimal_year(row["opened"])
    later = row["state"] in NOT_YET and not np.isnan(opened)
    return quick_study(study, plant, max(year, floor(opened)) if later else year)


def with_shops(study: Study) -> list[str]:
    """The own plants that can be taken apart."""
    return [plant for plant in own_plants(study) if not missing_shops(study, plant)]


def missing_shops(study: Study, plant: str) -> str:
    """Why a plant cannot be taken apart; empty where it can."""
    return _missing(known_plant(study, plant), shop_cells(study, plant))


def _nameplate(study: Study, row: Mapping[str, Any], many: str) -> float | None:
    """What was announced, a year: of vehicles by the table, of anything else by the claim that counts it."""
    if row["nameplate"] is not None:
        return float(row["nameplate"])
    found = [
        one.number
        for one in claims(study)
        if (one.subject, one.attribute, one.kind, one.unit) == (row["plant"], "nameplate", "", f"{many} per year")
    ]
    return found[0] if found else None


def _record(study: Study, row: Mapping[str, Any], many: str) -> list[str]:
    """What was ever made in a year, to hold against the ladder: by the plant, and by the whole country."""
    kind, made = str(row["vehicle_kind"]), claims(study, attribute="output")
    own = [
        (one.number, one.period_start or one.source_date)
        for one in made
        if one.subject == row["plant"] and one.kind.startswith(kind) and one.unit == "units per year"
    ]
    whole = [
        (one.number, one.period_start)
        for one in made
        if one.subject == "country"
        and one.kind == kind
        and one.period_start[4:] == "-01-01"
        and one.period_end == f"{one.period_start[:4]}-12-31"
    ]
    said = []
    for found, words in ((own, "at the plant"), (whole, "in the whole country")):
        numbers = [(number, when) for number, when in found if number is not None]
        if numbers and row["country"] == study.settings.country:
            number, when = max(numbers)
            said.append(f"{number:,.0f} a year {words} ({when[:4]})")
    return [f"most {many} on record in claims of whole years: {'; '.join(said)}"] if said else []


def _conditions(study: Study, row: Mapping[str, Any], many: str) -> list[str]:
    """What must hold for the ladder to hold, and how far it may be trusted."""
    state, plant = str(row["state"]), str(row["plant"])
    lines = []
    if state in NOT_YET:
        chance, delay = study.parameter("open_probability", plant), study.parameter("open_delay", plant)
        when = f"opening planned for {row['opened']}" if row["opened"] else "no date of opening"
        words = "being built" if state == "building" else "announced only"
        lines.append(
            f"{words}, {when}: the chance that it ever opens is {100 * chance.mid:.0f} % "
            f"({100 * chance.low:.0f} to {100 * chance.high:.0f}), with a mean delay of {delay.mid:g} years "
            f"({delay.low:g} to {delay.high:g}); the ladder is that of a plant that opens on its date"
        )
    if state in AT_REST:
        since = f" since {row['closed']}" if row["closed"] else ""
        lines.append(f"{state}{since}: the ladder says what it could make if it worked again as it is")
    if row["role"] != "rival" and _nameplate(study, row, many) is None:
        lines.append("no capacity was announced: its size is assumed, and the nameplate is its slowest shop x 8,760 h")
    if row["replaces"]:
        lines.append(f"takes over the cars of {row['replaces']}: the two are not to be added")
    if row["vehicle_kind"] != CAR:
        lines.append(f"makes {many}, which are never added to cars and stay out of the futures")
        lines += _record(study, row, many)
    return lines


def _missing(row: Mapping[str, Any], shops: Cells) -> str:
    """Why a plant has no ladder; empty where it has."""
    if any("rate_per_hour" in shop for shop in shops.values()):
        return ""
    if row["role"] == "rival":
        return (
            f"{row['name']} stands for makers of {row['country']} as a whole: there are no shops of one plant to take "
            "apart, so its ladder is that of an aggregate, and its capacity does not bind in the futures"
        )
    word = "worked out from the record" if str(row["source"]).startswith("derived") else "announced"
    said = "no capacity is on record" if row["nameplate"] is None else f"{word}: {row['nameplate']:,.0f} a year"
    return (
        f"shops.csv has no rate for {row['plant']}: nobody has described its shops; {said}. "
        "Rows in shops.csv would give it a ladder"
    )


def _of_futures(run: Futures | None, plant: str, year: int) -> dict[str, tuple[float, float, float]]:
    if run is None or plant not in run.own_plants or year not in run.years:
        return {}
    y, p = run.years.index(year), run.own_plants.index(plant)
    names = {**{rung: f"rung_{rung}" for rung in RUNGS}, "demand": "demand", "output": "output"}
    runs = run.plants["rung_ramp_up"][:, y, p] > 0.0
    if runs.sum() < LEAST:
        return {}
    found = {}
    for name, kept in names.items():
        low, middle, high = (float(v) for v in np.quantile(run.plants[kept][runs, y, p], (0.05, 0.5, 0.95)))
        found[name] = (low, middle, high)
    return found


def _chance(run: Futures | None, plant: str, year: int) -> float | None:
    if run is None or plant not in run.own_plants or year not in run.years:
        return None
    return float(run.plants["operating"][:, run.years.index(year), run.own_plants.index(plant)].mean())

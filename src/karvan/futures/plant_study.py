"""A plant of the study as an engineer would model it: its shops simulated, with the ladder, the bottleneck, what-ifs.

The ensemble needs a plant in microseconds and takes it from a formula and from the record (``nameplate_reach``). Here
one plant is taken apart instead: :class:`karvan.facilities.Plant` is built from the study's own rows, every row with
its range, and simulated car by car. Both answers are shown side by side. They differ where the hours that a study
assumes would give more cars than the plant ever made: the ladder here says what shops and shifts allow, the futures
what the plant has shown it reaches.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import ceil, floor
from typing import Any

import numpy as np

from karvan.base.axes import Array
from karvan.base.errors import UnknownName, nearest
from karvan.base.streams import latin_hypercube
from karvan.facilities import (
    RUNGS,
    Bottleneck,
    InputDraws,
    KitSupply,
    Money,
    Plant,
    PlantReport,
    Shop,
    WhatIf,
    kits_at_hand,
    line_efficiency,
    ramp_up,
)
from karvan.futures.ensemble import Futures
from karvan.futures.inputs import exchange_rate
from karvan.futures.layout import decimal_year
from karvan.futures.surrogate import KITS, TOGETHER, luck_of
from karvan.study.cells import Cell
from karvan.study.load import Study, cell_of_row

KINDS = {
    "light_commercial": "vans",
    "truck": "trucks",
    "bus": "buses",
    "tractor": "tractors",
    "military": "military vehicles",
    "other": "no vehicles",
}
LEAST = 10
"""Futures in which a plant works, below which nothing is said of them."""
NOT_YET = ("announced", "building")
AT_REST = ("idle", "closed")
Cells = dict[str, dict[str, Cell]]
"""Shop -> attribute -> cell, in the order of the flow."""


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
    base = PlantStudy(
        plant,
        str(row["name"]),
        str(row["state"]),
        str(row["vehicle_kind"]),
        first,
        None if row["nameplate"] is None else float(row["nameplate"]),
        "",
        tuple(_conditions(study, row)),
    )
    shops = shop_cells(study, plant)
    missing = _missing(row, shops)
    if missing:
        return replace(base, missing=missing)
    age = None if opened is None or row["state"] in AT_REST else float(first) - opened
    model = _Model(study, plant, shops, base.nameplate, age)
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
    )
    straight = built.straight_time * (1.0 + built.overtime)
    return replace(
        base,
        report=report,
        why=model.why(report),
        costs={option.name: model.basis[option.kind] for option in built.usual_what_ifs(report.bottleneck)},
        reach=study.parameter("nameplate_reach", plant),
        calendar_reach=straight / base.nameplate if base.nameplate else float("nan"),
        futures=numbers,
        chance=_chance(run, plant, first),
        cells=model.cells,
    )


def quick_study(study: Study, plant: str, year: int) -> PlantStudy:
    """A plant taken apart with few runs, once for each study: for figures and the report. Errors as above."""
    kept: dict[tuple[str, int], PlantStudy] = study._memo.setdefault("plant_study", {})
    if (plant, year) not in kept:
        kept[plant, year] = study_plant(study, plant, year=year, replications=8, draws=100, quick=True)
    return kept[plant, year]


def first_study(study: Study, plant: str, year: int) -> PlantStudy:
    """The same for the year of a ladder: ``year``, or that of opening for a plant that is not there yet."""
    row = known_plant(study, plant)
    opened = decimal_year(row["opened"])
    later = row["state"] in NOT_YET and not np.isnan(opened)
    return quick_study(study, plant, max(year, floor(opened)) if later else year)


def take_apart(study: Study, year: int) -> None:
    """Take every own plant apart that can be, so that figures and the report find it done."""
    for plant in own_plants(study):
        if not missing_shops(study, plant):
            first_study(study, plant, year)


def missing_shops(study: Study, plant: str) -> str:
    """Why a plant cannot be taken apart; empty where it can."""
    return _missing(known_plant(study, plant), shop_cells(study, plant))


def shop_cells(study: Study, plant: str) -> Cells:
    """The shops of a plant as uncertain cells, in the order of the flow."""
    rows = study.table("shops").filter(plant=plant).sort("position", maintain_order=True)
    shops: Cells = {}
    for row in rows.iter_rows(named=True):
        name = f"shops.{row['attribute']}.{plant}.{row['shop']}"
        shops.setdefault(row["shop"], {})[row["attribute"]] = cell_of_row(name, row, "plants")
    return shops


class _Model:
    """A plant of the study on its way to :class:`karvan.facilities.Plant`: the middle of every range, and the draws."""

    def __init__(self, study: Study, plant: str, shops: Cells, nameplate: float | None, age: float | None) -> None:
        self.study, self.name, self.shops = study, plant, {s: a for s, a in shops.items() if "rate_per_hour" in a}
        self.used: dict[str, Cell] = {cell.name: cell for shop in self.shops.values() for cell in shop.values()}
        names = list(self.shops)
        rate = {s: self._mid(s, "rate_per_hour", 1.0) for s in names}
        staffed = {s: self._mid(s, "shifts", 2.0) for s in names}
        whole = {s: max(1, floor(staffed[s] + 1e-9)) for s in names}
        self.slowest = min(names, key=lambda s: rate[s] * staffed[s])
        hours = self._mid(self.slowest, "hours_per_shift", 8.0)
        days = self._mid(self.slowest, "days_per_year", 240.0)
        week = next(count for count in (5, 6, 7) if days / count <= 53.0 or count == 7)
        shifts = whole[self.slowest]
        # Part of a shift: 1.1 shifts are one shift and a tenth of its hours more.
        overtime = min(rate[s] * staffed[s] for s in names) / min(rate[s] * whole[s] for s in names) - 1.0
        ramp = (self._parameter("ramp_50"), self._parameter("ramp_90")) if age is not None else None
        self.age, self.ramp = age, ramp
        bare = Plant(
            plant,
            [self._shop(s, whole[s] if whole[s] != shifts else None) for s in names],
            shifts=shifts,
            hours_per_shift=hours,
            days_per_week=week,
            weeks_per_year=min(days / week, 53.0),
            overtime=float(np.clip(overtime, 0.0, 1.0)),
            nameplate=nameplate,
            age_years=age,
            ramp_months=ramp,
        )
        self.kit = self._parameter("kit_price") + self._parameter("kit_freight")
        self.kit *= 1.0 + self._parameter("kit_duty")
        self.wage = self._parameter("wage_month", keyed=False) * 12.0 / exchange_rate(study, study.settings.start_year)
        a_shift = bare.straight_time / shifts
        self.interest = self._parameter("discount_rate", keyed=False)
        self.investment = self._parameter("investment_per_unit", keyed=False)
        money = Money(
            capex=0.0,  # `overhead` holds the annuity of what was invested
            people_fixed=self._parameter("people_fixed"),
            people_per_shift=self._parameter("people_per_1000") * a_shift / 1000.0,
            wage_per_year=self.wage,
            overhead_per_year=self._parameter("overhead"),
            variable_per_car=self.kit,
            interest=self.interest,
        )
        self.plant = replace(bare, money=money, kits=self._kits(bare))
        life = money.life_years
        self.annuity = self.interest / (1.0 - (1.0 + self.interest) ** -life) if self.interest else 1.0 / life
        self.basis = {
            "shift": f"{money.people_per_shift:,.0f} people at {self.wage:,.0f} USD a year",
            "speed": f"capacity added x {self.investment:,.0f} USD (a whole plant's, so at most this), "
            f"over {life:g} years at {100 * self.interest:g} %",
            "repair": "one more fitter on each shift (assumed)",
            "places": f"interest on the kits in the places ({self.kit:,.0f} USD each), no floor space",
            "kits": f"interest on the stock ({self.kit:,.0f} USD a kit), no store",
        }

    @property
    def kits_share(self) -> float:
        """Share of the year for which kits are at hand, by the closed form, at the middle of the ranges."""
        return float(kits_at_hand(*(self._parameter(name) for name in KITS)))

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Every cell the plant was built from."""
        return tuple(self.used.values())

    def _mid(self, shop: str, attribute: str, default: float) -> float:
        cell = self.shops[shop].get(attribute)
        return default if cell is None else cell.mid

    def _parameter(self, name: str, *, keyed: bool = True) -> float:
        cell = self.study.parameter(name, self.name if keyed else "")
        self.used[cell.name] = cell
        return cell.mid

    def _shop(self, name: str, shifts: int | None) -> Shop:
        given = {a: cell.mid for a, cell in self.shops[name].items()}
        buffer = given.get("buffer_after")
        return Shop(
            name,
            given["rate_per_hour"],
            availability=given.get("availability"),
            mttr_min=given.get("mttr_min"),
            first_time_right=given.get("first_time_right"),
            buffer_after=None if buffer is None else float(round(buffer)),
            shifts=shifts,
        )

    def _kits(self, plant: Plant) -> KitSupply:
        """One lot a week, as large as what the line makes in it."""
        lead, sd, stock = (self._parameter(name) for name in KITS)
        known = plant.known()
        cycle = np.array([shop.cycle_s / shop.first_time_right for shop in known])
        up = np.array([shop.mtbf_min or 1e9 for shop in known])
        down = np.array([shop.mttr_min or 1.0 for shop in known])
        opened = np.array([plant.shop_hours(shop) for shop in plant.shops])
        slowed = cycle * opened.max() / opened
        rate = float(line_efficiency(slowed, up, down, [s.buffer_after for s in known[:-1]])) * 3600.0 / slowed.max()
        weekly = rate * float(opened.max()) / plant.weeks_per_year
        lot = max(ceil(weekly), 1)
        return KitSupply(lot, 168.0 * lot / weekly, 24.0 * lead, 24.0 * sd, round(stock * weekly / 7.0))

    def draws(self, seed: int, count: int) -> InputDraws:
        """The inputs over the ranges of the study's rows; the shops of a plant go together in rate and hours."""
        lucks = dict[str, Array]()

        def uniform(name: str) -> Array:
            if name not in lucks:
                lucks[name] = latin_hypercube(seed, name, 0, count)
            return lucks[name]

        def of(shop: str, attribute: str, default: float) -> Array:
            cell = self.shops[shop].get(attribute)
            if cell is None:
                return np.full(count, default)
            name = luck_of(attribute, self.name, cell).name if attribute in TOGETHER else cell.name
            return cell.draw(uniform(name))

        def parameter(name: str) -> Array:
            cell = self.study.parameter(name, self.name)
            return cell.draw(uniform(cell.name))

        known, names = self.plant.known(), list(self.shops)
        cycle, up, down, places = (np.empty((count, len(names))) for _ in range(4))
        for i, (name, shop) in enumerate(zip(names, known, strict=True)):
            right = np.clip(of(name, "first_time_right", shop.first_time_right), 0.05, 1.0)
            # A pass that fails is done again: the line sees it as a slower shop.
            cycle[:, i] = 3600.0 / of(name, "rate_per_hour", 3600.0 / shop.cycle_s) * shop.first_time_right / right
            alone = np.clip(of(name, "availability", shop.availability), 0.05, 0.9999)
            down[:, i] = of(name, "mttr_min", shop.mttr_min or 10.0)
            up[:, i] = down[:, i] * alone / (1.0 - alone)
            places[:, i] = of(name, "buffer_after", shop.buffer_after)
        at_centre = np.array([shop.buffer_after for shop in known])
        room = line_efficiency(cycle, up, down, places[:, :-1]) / line_efficiency(cycle, up, down, at_centre[:-1])
        factor = np.asarray(room, dtype=np.float64)
        for attribute, default in (("shifts", 2.0), ("hours_per_shift", 8.0), ("days_per_year", 240.0)):
            middle = self._mid(self.slowest, attribute, default)
            factor = factor * of(self.slowest, attribute, default) / middle
        lead, sd, stock = (parameter(name) for name in KITS)
        factor = factor * kits_at_hand(lead, sd, stock) / self.kits_share
        if self.age is not None and self.ramp is not None:
            half = parameter("ramp_50")
            most = np.maximum(parameter("ramp_90"), half + 0.5)
            middle = float(ramp_up(self.age, *self.ramp))
            factor = factor * ramp_up(self.age, half, most) / middle if middle > 0.0 else factor
        return InputDraws(cycle, up, down, factor)

    def what_ifs(self, plant: Plant, bottleneck: Bottleneck) -> tuple[WhatIf, ...]:
        """The usual ones, each with what it would cost a year."""
        hours = plant.hours_per_year * (1.0 + plant.overtime)
        each = {  # USD a year for one unit of what is added
            "speed": hours * self.investment * self.annuity,
            "places": self.kit * self.interest,
            "kits": self.kit * self.interest,
        }

        def cost(option: WhatIf) -> float | None:
            if option.kind == "repair":
                return plant.shifts * self.wage
            return each[option.kind] * option.size if option.kind in each else option.yearly_cost

        return tuple(replace(option, yearly_cost=cost(option)) for option in plant.usual_what_ifs(bottleneck))

    def why(self, report: PlantReport) -> dict[str, str]:
        """Rung -> why, in an engineer's words."""
        plant, known = self.plant, self.plant.known()
        slowest = next(shop for shop in plant.shops if shop.name == self.slowest)
        hours = [shop.rate_per_hour * plant.shop_hours(shop) for shop in plant.shops]
        worst = min(range(len(known)), key=lambda i: hours[i] * known[i].availability)
        shop = known[worst]
        down = f"MTBF {shop.mtbf_min:,.0f} min, MTTR {shop.mttr_min:,.0f} min" if shop.mtbf_min else "never"
        places = ", ".join(f"{s.buffer_after:g} after {s.name}" for s in known[:-1])
        again = ", ".join(
            f"{100 * (1 - s.first_time_right):.1f} % at {s.name}" for s in known if s.first_time_right < 1
        )
        shifts = self._mid(self.slowest, "shifts", 2.0)
        lead, sd, stock = (self.study.parameter(name, self.name).mid for name in KITS)
        ramp = "at full rate" if self.age is None else f"{max(self.age, 0.0):.1f} years after opening"
        if self.ramp is not None:
            ramp += f"; {self.ramp[0]:g} months to 50 %, {self.ramp[1]:g} to 90 %"
        rate = f"{slowest.rate_per_hour:g} cars an hour at {slowest.name}"
        days = plant.days_per_week * plant.weeks_per_year
        return {
            "nameplate": "as announced" if plant.nameplate is not None else "slowest shop x 8,760 h, none announced",
            "straight_time": f"{rate} x {plant.shifts} x {plant.hours_per_shift:g} h x {days:g} days",
            "overtime": f"{shifts:g} shifts are staffed" if plant.overtime else "none",
            "breakdowns": f"worst shop: {shop.name}, {100 * (1 - shop.availability):.1f} % ({down})",
            "blocking_starving": f"shops wait for each other; places {places}" if len(known) > 1 else "a single shop",
            "rework": f"done again: {again}" if again else "none counted",
            "kits": f"a lot a week, {lead:g} ± {sd:g} days under way, {stock:g} days in stock",
            "ramp_up": ramp,
        }


def _conditions(study: Study, row: Mapping[str, Any]) -> list[str]:
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
    if row["replaces"]:
        lines.append(f"takes over the cars of {row['replaces']}: the two are not to be added")
    if row["vehicle_kind"] != "passenger_car":
        lines.append(f"makes {KINDS.get(row['vehicle_kind'], 'other vehicles')}, which are never added to cars")
    return lines


def _missing(row: Mapping[str, Any], shops: Cells) -> str:
    """Why a plant has no ladder; empty where it has."""
    if any("rate_per_hour" in shop for shop in shops.values()):
        return ""
    if row["role"] == "rival":
        return (
            f"{row['name']} stands for makers of {row['country']} as a whole: there are no shops of one plant to take "
            "apart, and its capacity does not bind in the futures"
        )
    kind = KINDS.get(row["vehicle_kind"])
    what = f"it makes {kind}, and only car plants are taken apart" if kind else "nobody has described its shops"
    said = "no capacity is on record" if row["nameplate"] is None else f"announced: {row['nameplate']:,.0f} a year"
    return f"shops.csv has no rate for {row['plant']}: {what}; {said}. Rows in shops.csv would give it a ladder"


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

"""From a plant's rows in a study to :class:`karvan.facilities.Plant`: the middle of every range, and the draws.

Every kind of vehicle is built the same way, from its own shops; what it costs comes from rows of its own kind
(:meth:`karvan.study.load.Study.parameter`), never from those of cars. Where nothing is known of a plant's money it has
none, and :attr:`Model.no_money` says why.
"""

from dataclasses import replace
from math import ceil, floor

import numpy as np

from karvan.base.axes import Array
from karvan.base.errors import UnknownName
from karvan.base.streams import latin_hypercube
from karvan.facilities import (
    Bottleneck,
    Effective,
    InputDraws,
    KitSupply,
    Ladder,
    Money,
    Plant,
    PlantReport,
    Shop,
    WhatIf,
    kits_at_hand,
    line_efficiency,
    ramp_up,
)
from karvan.futures.inputs import exchange_rate
from karvan.futures.surrogate import KITS, TOGETHER, Cells, luck_of
from karvan.study.cells import Cell
from karvan.study.kinds import CAR, WORDS, of_rate
from karvan.study.load import Study

PRICES = ("kit_price", "kit_freight", "kit_duty")
PEOPLE = ("people_fixed", "people_per_1000")
FAST = 60.0
"""Units an hour above which they are simulated by the batch: a year of a tyre plant is three million of them."""
BATCH_RATE = 10.0
"""Batches an hour then: six minutes each, short beside buffers of hours."""
SPREAD = 400
"""Draws behind the range of cost per vehicle."""


def made_words(study: Study, plant: str, shops: Cells) -> tuple[str, str]:
    """One and many of what a plant makes: by its kind, or by the unit of its rates where the kind names nothing."""
    kind = str(study.table("plants").filter(plant=plant)["vehicle_kind"][0])
    rates = [cell["rate_per_hour"].unit for cell in shops.values() if "rate_per_hour" in cell]
    return (of_rate(rates[0]) if kind == "other" and rates else None) or WORDS[kind]


class Model:
    """A plant of the study on its way to :class:`karvan.facilities.Plant`: the middle of every range, and the draws."""

    def __init__(self, study: Study, plant: str, shops: Cells, nameplate: float | None, age: float | None) -> None:
        self.study, self.name, self.shops = study, plant, {s: a for s, a in shops.items() if "rate_per_hour" in a}
        self.used: dict[str, Cell] = {cell.name: cell for shop in self.shops.values() for cell in shop.values()}
        names = list(self.shops)
        fastest = min(self._mid(s, "rate_per_hour", 1.0) for s in names)
        self.batch = round(fastest / BATCH_RATE) if fastest > FAST else 1
        """Units that go through the line as one; 1 for vehicles."""
        rate = {s: self._mid(s, "rate_per_hour", 1.0) / self.batch for s in names}
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
            nameplate=None if nameplate is None else nameplate / self.batch,
            age_years=age,
            ramp_months=ramp,
        )
        self.row = study.table("plants").filter(plant=plant).row(0, named=True)
        self.one, self.many = made_words(study, plant, shops)
        self.no_money = ""
        self.basis: dict[str, str] = {}
        self.plant = replace(bare, kits=self._kits(bare))
        money = self._money(bare)
        if money is not None:
            self.plant = replace(self.plant, money=money)

    def _money(self, bare: Plant) -> Money | None:
        """What the plant costs, in USD; none where wages or costs of its kind are not known, and then why."""
        study = self.study
        if self.row["country"] != study.settings.country:
            self.no_money = f"wages and duties are those of {self.row['country']}, which this study does not hold"
            return None
        try:
            self.kit = (self._parameter("kit_price") + self._parameter("kit_freight")) * (
                1.0 + self._parameter("kit_duty")
            )
            people = [self._parameter(name) for name in PEOPLE]
            overhead = self._parameter("overhead")
            self.investment = self._parameter("investment_per_unit", keyed=self.row["vehicle_kind"] != CAR)
        except UnknownName as error:
            self.no_money = str(error)
            return None
        self.wage = self._parameter("wage_month", keyed=False) * 12.0 / self._exchange
        self.interest = self._parameter("discount_rate", keyed=False)
        money = Money(
            capex=0.0,  # `overhead` holds the annuity of what was invested
            people_fixed=people[0],
            people_per_shift=people[1] * bare.straight_time * self.batch / bare.shifts / 1000.0,
            wage_per_year=self.wage,
            overhead_per_year=overhead,
            variable_per_car=self.kit * self.batch,
            interest=self.interest,
        )
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
        return money

    @property
    def _exchange(self) -> float:
        return exchange_rate(self.study, self.study.settings.start_year)

    @property
    def people(self) -> tuple[float, float, float] | None:
        """Persons at full volume: low ends, likeliest, high ends of the rows; none where they are not known."""
        if self.plant.money is None:
            return None
        cells = [self.study.parameter(name, self.name) for name in PEOPLE]
        volume = self.plant.straight_time * self.batch / 1000.0
        low, mid, high = (
            float(getattr(cells[0], end) + getattr(cells[1], end) * volume) for end in ("low", "mid", "high")
        )
        return low, mid, high

    def cost_ranges(self, vehicles: float, seed: int) -> dict[str, tuple[float, float, float]]:
        """Part of the cost of one vehicle at ``vehicles`` a year -> 5, 50 and 95 % over the ranges of prices, people
        and overhead, USD; and of the whole. Empty where the plant has no money or makes nothing."""
        if self.plant.money is None or vehicles <= 0.0:
            return {}

        def of(name: str, key: str | None = None) -> Array:
            cell = self.study.parameter(name, self.name if key is None else key)
            return cell.draw(latin_hypercube(seed, cell.name, 0, SPREAD))

        price, freight, duty = (of(name) for name in PRICES)
        staff = of("people_fixed") + of("people_per_1000") * self.plant.straight_time * self.batch / 1000.0
        parts = {
            "kit": price,
            "freight and duty": freight * (1.0 + duty) + price * duty,
            "people": staff * of("wage_month", "") * 12.0 / self._exchange / vehicles,
            "overhead": of("overhead") / vehicles,
        }
        parts["in all"] = np.sum(list(parts.values()), axis=0)
        found = {}
        for name, values in parts.items():
            low, middle, high = (float(v) for v in np.quantile(values, (0.05, 0.5, 0.95)))
            found[name] = (low, middle, high)
        return found

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
            given["rate_per_hour"] / self.batch,
            availability=given.get("availability"),
            mttr_min=given.get("mttr_min"),
            first_time_right=given.get("first_time_right"),
            buffer_after=None if buffer is None else float(round(buffer / self.batch)),
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
            cycle[:, i] = (
                3600.0 / of(name, "rate_per_hour", 3600.0 / shop.cycle_s) * self.batch * shop.first_time_right / right
            )
            alone = np.clip(of(name, "availability", shop.availability), 0.05, 0.9999)
            down[:, i] = of(name, "mttr_min", shop.mttr_min or 10.0)
            up[:, i] = down[:, i] * alone / (1.0 - alone)
            places[:, i] = of(name, "buffer_after", shop.buffer_after * self.batch) / self.batch
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
        if plant.money is None:
            return self.options(plant, bottleneck)
        hours = plant.hours_per_year * (1.0 + plant.overtime)
        each = {  # USD a year for one unit of what is added
            "speed": hours * self.investment * self.annuity * self.batch,
            "places": self.kit * self.interest * self.batch,
            "kits": self.kit * self.interest * self.batch,
        }

        def cost(option: WhatIf) -> float | None:
            if option.kind == "repair":
                return plant.shifts * self.wage
            return each[option.kind] * option.size if option.kind in each else option.yearly_cost

        return tuple(replace(option, yearly_cost=cost(option)) for option in self.options(plant, bottleneck))

    def options(self, plant: Plant, bottleneck: Bottleneck) -> tuple[WhatIf, ...]:
        """The usual what-ifs; places counted in units, where batches are simulated."""
        usual = plant.usual_what_ifs(bottleneck)
        if self.batch == 1:
            return usual

        def named(option: WhatIf) -> str:
            if option.kind != "places":
                return option.name
            return option.name.replace(f"{option.size:g}", f"{option.size * self.batch:,.0f}", 1)

        return tuple(replace(option, name=named(option)) for option in usual)

    def unbatched(self, report: PlantReport) -> PlantReport:
        """A report in units again, where batches were simulated. Ten more places are of units, by their share."""
        size = self.batch
        if size == 1:
            return report
        e = report.effective
        b = report.bottleneck  # its gain by ten places, of a batch each, is by a batch's worth for each unit
        return replace(
            report,
            ladder=Ladder({name: rung * size for name, rung in report.ladder.rungs.items()}),
            ladder_error=report.ladder_error * size,
            effective=Effective(
                e.p5 * size,
                e.p50 * size,
                e.p95 * size,
                (e.luck[0] * size, e.luck[1] * size),
                (e.ignorance[0] * size, e.ignorance[1] * size),
                e.luck_sd * size,
                e.ignorance_sd * size,
            ),
            bottleneck=replace(
                b,
                speed=b.speed * size,
                speed_error=b.speed_error * size,
                repair=b.repair * size,
                repair_error=b.repair_error * size,  # ten batches' places hold `size` times ten units, so those stay
            ),
            what_ifs=tuple(
                replace(
                    item,
                    cars=item.cars * size,
                    error=item.error * size,
                    cost_per_extra_car=None if item.cost_per_extra_car is None else item.cost_per_extra_car / size,
                )
                for item in report.what_ifs
            ),
            cost_per_car={name: value / size for name, value in report.cost_per_car.items()},
        )

    def why(self, report: PlantReport) -> dict[str, str]:
        """Rung -> why, in an engineer's words."""
        plant, known = self.plant, self.plant.known()
        slowest = next(shop for shop in plant.shops if shop.name == self.slowest)
        hours = [shop.rate_per_hour * plant.shop_hours(shop) for shop in plant.shops]
        worst = min(range(len(known)), key=lambda i: hours[i] * known[i].availability)
        shop = known[worst]
        down = f"MTBF {shop.mtbf_min:,.0f} min, MTTR {shop.mttr_min:,.0f} min" if shop.mtbf_min else "never"
        places = ", ".join(f"{s.buffer_after * self.batch:,.0f} after {s.name}" for s in known[:-1])
        again = ", ".join(
            f"{100 * (1 - s.first_time_right):.1f} % at {s.name}" for s in known if s.first_time_right < 1
        )
        shifts = self._mid(self.slowest, "shifts", 2.0)
        lead, sd, stock = (self.study.parameter(name, self.name).mid for name in KITS)
        ramp = "at full rate" if self.age is None else f"{max(self.age, 0.0):.1f} years after opening"
        if self.ramp is not None:
            ramp += f"; {self.ramp[0]:g} months to 50 %, {self.ramp[1]:g} to 90 %"
        rate = f"{slowest.rate_per_hour * self.batch:g} {self.many} an hour at {slowest.name}"
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

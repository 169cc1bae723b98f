"""A car plant as three to six shops in a row: what it can really make in a year, what holds it back, and at what cost.

The plant puts the pieces together: shops (:mod:`~karvan.facilities.shops`) become a line
(:mod:`~karvan.facilities.line`), the line's losses become the capacity ladder (:mod:`~karvan.facilities.ladder`), and
repeated runs tell *luck* (breakdowns fall as they fall) from *ignorance* (nobody knows the MTBF to better than some 10
%). Only the first shrinks with more replications; the second is usually the larger.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from karvan.base.axes import Array
from karvan.base.errors import InputError
from karvan.base.streams import latin_hypercube
from karvan.facilities.calendars import Calendar, KitSupply
from karvan.facilities.ladder import Ladder, LadderWithDemand, Shares, capacity_ladder, ramp_up
from karvan.facilities.line import Bottleneck, Line, Mix, Station, StationShares
from karvan.facilities.shops import Known, Shop, complete

HOURS_OF_A_YEAR: Final = 8760.0
RAMP_MONTHS_EXISTING: Final = (3.0, 6.0)
"""Months to 50 and 90 % of full rate of a new model in a plant that works; ``assumed`` (range 1 to 6)."""
RAMP_MONTHS_NEW: Final = (6.0, 15.0)
"""The same for a new plant; ``assumed`` (range 9 to 24 to full rate)."""


@dataclass(frozen=True)
class Money:
    """What the plant costs, in one currency. Errors: a negative amount; a life of 0 or less."""

    capex: float
    """Investment, money."""
    people_fixed: float
    """People who are there whatever the shifts."""
    people_per_shift: float
    """People for each shift."""
    wage_per_year: float
    """Cost of one person for a year, money."""
    overhead_per_year: float = 0.0
    """Other fixed cost, money a year."""
    variable_per_car: float = 0.0
    """Kit, parts, energy and the like, money per car."""
    life_years: float = 10.0
    """Years over which the investment is paid back; ``assumed`` (range 8 to 20)."""
    interest: float = 0.10
    """Yearly rate; ``assumed`` (range 0.05 to 0.18)."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0.0 <= value < np.inf:
                raise InputError(f"money: {name} is {value:g}; expected 0 or more, and finite")
        if self.life_years == 0.0:
            raise InputError("money: life_years is 0; expected more than 0")

    def fixed(self, shifts: int) -> float:
        """Annuity + people + overhead, money a year: ``capex i / (1 - (1 + i)^-n) + wage (fixed + shifts per shift) +
        overhead``."""
        i, n = self.interest, self.life_years
        annuity = self.capex / n if i == 0.0 else self.capex * i / (1.0 - (1.0 + i) ** -n)
        return (
            annuity + self.wage_per_year * (self.people_fixed + shifts * self.people_per_shift) + self.overhead_per_year
        )

    def per_car(self, cars: float, shifts: int) -> float:
        """Money per car at ``cars`` a year; infinite at none."""
        return self.fixed(shifts) / cars + self.variable_per_car if cars > 0.0 else float("inf")


@dataclass(frozen=True)
class WhatIf:
    """A change of the plant that somebody considers."""

    name: str
    plant: "Plant"
    """The plant after the change."""
    yearly_cost: float | None = None
    """What the change costs a year, money; none if not known."""
    kind: str = ""
    """What is changed: shift, speed, repair, places or kits among the usual ones."""
    size: float = 0.0
    """How much of it: cars per hour, minutes of repair, places or kits."""


@dataclass(frozen=True)
class InputDraws:
    """What the inputs may be, for *ignorance*: a row a draw. Made by whoever knows the ranges.

    ``factor`` (D,) holds what the line does not see: hours, ramp-up, kits, relative to the centre. The others are
    (D, S), seconds and minutes; a shop that never fails ignores its own.
    """

    cycle_s: Array
    mtbf_min: Array
    mttr_min: Array
    factor: Array


@dataclass(frozen=True)
class WhatIfResult:
    """What a change brings."""

    name: str
    cars: float
    """Extra cars a year."""
    error: float
    """Standard error of it, with common random numbers."""
    yearly_cost: float | None
    cost_per_extra_car: float | None
    """Money; none where the cost is not known or no car is gained."""


@dataclass(frozen=True)
class Effective:
    """Cars a year the plant can make, before demand, and why that is uncertain."""

    p5: float
    p50: float
    p95: float
    luck: tuple[float, float]
    """5 and 95 % if every input were exactly right: breakdowns alone."""
    ignorance: tuple[float, float]
    """5 and 95 % of the long-run rate over what the inputs may be."""
    luck_sd: float
    ignorance_sd: float


@dataclass(frozen=True)
class PlantReport:
    """Everything that is said about a plant; :meth:`Plant.report` makes it."""

    name: str
    shares: Shares
    ladder: Ladder
    """Shape (), at the central inputs."""
    ladder_error: float
    """Standard error of the effective rung, cars a year."""
    with_demand: LadderWithDemand | None
    effective: Effective
    bottleneck: Bottleneck
    """In cars a year."""
    stations: StationShares
    shop_names: tuple[str, ...]
    what_ifs: tuple[WhatIfResult, ...]
    cost_per_car: dict[str, float]
    """At ``p5``, ``p50``, ``p95`` of effective capacity, and at ``demand`` where that is lower than p50; money."""
    assumed: tuple[str, ...]
    """What nobody gave and karvan filled in, with its range."""


@dataclass(frozen=True)
class Plant:
    """Shops in the order a car passes them.

    Nameplate is as announced for the shifts stated with it; without one, the slowest shop's design rate x 8,760 hours.

    Errors: no shop; an OEE counted in line together with buffers (waiting would be counted twice); shifts that do not
    fit a day; numbers out of range, each named.
    """

    name: str
    shops: Sequence[Shop]
    shifts: int = 2
    hours_per_shift: float = 8.0
    days_per_week: int = 5
    weeks_per_year: float = 48.0
    """48 weeks of 5 days are the usual 240 days."""
    overtime: float = 0.0
    """Overtime / straight time, share of 1."""
    nameplate: float | None = None
    """Cars a year as announced."""
    age_years: float | None = None
    """Years since opening at the start of the year; none for a plant at full rate."""
    ramp_months: tuple[float, float] | None = None
    """Months to 50 and to 90 % of full rate."""
    kits: KitSupply | None = None
    """Clock hours, not open ones. None: kits are always at hand."""
    money: Money | None = None
    demand: float | None = None
    """Cars a year asked for; none if not known."""
    failures: Literal["working", "clock"] = "working"
    mix: Mix | None = None
    """Models that share the shops: the share of each, and its work at each shop / that of the design rate."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "shops", tuple(self.shops))
        if not self.shops:
            raise InputError(f"plant {self.name!r}: no shop found; expected at least one")
        if self.mix is not None and any(len(row) != len(self.shops) for row in self.mix.factors):
            raise InputError(
                f"plant {self.name!r}: the mix has {[len(row) for row in self.mix.factors]} factors by model; "
                f"expected {len(self.shops)} each, one a shop"
            )
        most = max([self.shifts, *(shop.shifts or 0 for shop in self.shops)])
        if self.shifts < 1 or not self.hours_per_shift > 0.0 or most * self.hours_per_shift > 24.0:
            raise InputError(
                f"plant {self.name!r}: {most} shifts of {self.hours_per_shift:g} h found; expected 1 or more, in 24 h"
            )
        if not 1 <= self.days_per_week <= 7 or not 0.0 < self.weeks_per_year <= 53.0:
            raise InputError(
                f"plant {self.name!r}: {self.days_per_week} days a week, {self.weeks_per_year:g} weeks found; "
                "expected 1 to 7, and up to 53"
            )
        if not 0.0 <= self.overtime <= 1.0:
            raise InputError(f"plant {self.name!r}: overtime {self.overtime:g} found; expected a share from 0 to 1")
        for field in ("nameplate", "demand"):
            value = getattr(self, field)
            if value is not None and not 0.0 <= value < np.inf:
                raise InputError(f"plant {self.name!r}: {field} {value:g} found; expected 0 or more cars a year")
        in_line = [shop.name for shop in self.shops if shop.oee is not None and shop.oee_counts == "in_line"]
        buffers = [shop.name for shop in self.shops[:-1] if shop.buffer_after]
        if in_line and buffers:
            raise InputError(
                f"plant {self.name!r}: shop {in_line[0]!r} gives an OEE counted in line and {buffers[0]!r} a buffer; "
                "an in-line OEE holds the waiting that buffers cause, so both together would count it twice. "
                "Give the OEE of the shop alone (oee_counts='alone') with buffers, or leave the buffers out"
            )

    @property
    def assumed(self) -> tuple[str, ...]:
        """What was not given and is assumed, one line each."""
        lines = [line for shop in self._completed() for line in shop[1]]
        if self.nameplate is None:
            lines.append("nameplate: design rate of the slowest shop x 8,760 h (none announced)")
        if self.age_years is not None and self.ramp_months is None:
            half, most = RAMP_MONTHS_NEW
            lines.append(f"ramp-up: {half:g} months to 50 % and {most:g} to 90 % (judgement for a new plant)")
        if (self.shifts, self.hours_per_shift, self.days_per_week, self.weeks_per_year) == (2, 8.0, 5, 48.0):
            lines.append("calendar: 2 x 8 h on 240 days (usual; assumed unless it was given so)")
        if self.money is not None and (self.money.life_years, self.money.interest) == (10.0, 0.10):
            lines.append("money: 10 years at 10 % (assumed unless given so; 8 to 20 years, 5 to 18 %)")
        if self.kits is None:
            lines.append("kits: always at hand (no supply given)")
        return tuple(lines)

    @property
    def hours_per_year(self) -> float:
        """Straight-time hours of the plant's shifts in a year."""
        return self.shifts * self.hours_per_shift * self.days_per_week * self.weeks_per_year

    @property
    def straight_time(self) -> float:
        """Cars a year at design rates, in straight time: the smallest shop rate (of the mix) x its hours."""
        return min(rate * self.shop_hours(shop) for rate, shop in zip(self.rates, self.shops, strict=True))

    @property
    def rates(self) -> tuple[float, ...]:
        """Cars of the mix an hour at each shop when nothing goes wrong: the design rate / mean work on a car,
        ``1 / sum_m share_m factor_m``: a heavier model lowers it by the weighted mean, not by its own weight."""
        return tuple(
            shop.rate_per_hour / mean for shop, mean in zip(self.shops, self._mean_factors.tolist(), strict=True)
        )

    def known(self) -> tuple[Known, ...]:
        """The shops with every blank filled in."""
        return tuple(shop for shop, _ in self._completed())

    def line(self, *, rework: bool = True, kits: bool = True, spread: bool = False) -> Line:
        """The plant as a line. Its hours are open hours, or clock hours where shops keep different shifts.

        ``spread`` gives every car the mean of its repeated passes instead of some cars several: a quarter of the time,
        and a rate that is 0.0 to 0.4 % higher on the lines tried. Enough for how ranges compare, not for what-ifs.
        """
        shops, mixed = self.known(), self._mixed
        stations = [
            Station(
                shop.cycle_s / (shop.first_time_right if rework and spread else 1.0),
                shop.mtbf_min,
                shop.mttr_min,
                first_time_right=shop.first_time_right if rework and not spread else 1.0,
                calendar=self._calendar(given) if mixed else None,
                name=shop.name,
            )
            for shop, given in zip(shops, self.shops, strict=True)
        ]
        supply = self.kits if kits else None
        if supply is not None and not mixed:  # from clock hours to open hours
            opened = self.shifts * self.hours_per_shift * self.days_per_week / 168.0
            supply = replace(
                supply,
                cadence_hours=supply.cadence_hours * opened,
                lead_mean_hours=supply.lead_mean_hours * opened,
                lead_sd_hours=supply.lead_sd_hours * opened,
            )
        buffers = [np.inf if any_in_line(self.shops) else shop.buffer_after for shop in shops[:-1]]
        return Line(stations, buffers, failures=self.failures, mix=self.mix, kits=supply)

    def report(
        self,
        *,
        replications: int = 40,
        draws: int = 200,
        seed: int = 1,
        what_ifs: Sequence[WhatIf] | Callable[[Bottleneck], Sequence[WhatIf]] | None = None,
        inputs: InputDraws | None = None,
        effort: float = 1.0,
        runs: int = 128,
    ) -> PlantReport:
        """The capacity ladder, effective capacity with its uncertainty, the bottleneck, what-ifs and cost per car.

        Parameters: replications of a whole year for *luck*, 2 or more; draws of the inputs for *ignorance*, 10 or more;
        what-ifs, or what makes them from the bottleneck, or none for the usual ones (:meth:`usual_what_ifs`); draws of
        the inputs from their own ranges, instead of those below; effort, hours of the runs for bottleneck and
        ignorance relative to the usual, 0.1 to 10; runs, of each change tried for the bottleneck. The same seed gives
        the same report.

        *Luck* is the spread of a year's output at the central inputs; *ignorance* the spread of the rate over lognormal
        MTBF and MTTR (mean as given, :attr:`Shop.spread`), all draws meeting the same luck. The two are independent,
        and the total is their product, all pairs.
        """
        if replications < 2 or draws < 10:
            raise InputError(f"report: {replications} replications and {draws} draws found; expected at least 2 and 10")
        if not 0.1 <= effort <= 10.0:
            raise InputError(f"report: effort {effort:g} found; expected 0.1 to 10")
        year = self.line_hours
        warm = self._warmup
        full = self.line()
        lucky = full.simulate(year, replications, seed, warm)
        shares, error = self._shares(lucky.throughput_per_hour * year, replications, seed, warm)
        top = self.nameplate if self.nameplate is not None else self._fastest * HOURS_OF_A_YEAR
        ladder = capacity_ladder(top, shares, self._ramp)
        central = float(ladder.effective)
        drawn = self._input_draws(draws, seed) if inputs is None else inputs
        effective = self._effective(central, lucky.throughput_per_hour, drawn, seed, effort)
        per_year = year * (1.0 + self.overtime) * self._ramp
        bottleneck = _times(
            self.line(kits=False).bottleneck(600.0 * effort * self.stretch, runs, seed, 100.0), per_year
        )
        made_from = self.usual_what_ifs if what_ifs is None else what_ifs
        options = made_from(bottleneck) if callable(made_from) else made_from
        made = ladder.with_demand(self.demand) if self.demand is not None else None
        return PlantReport(
            name=self.name,
            shares=shares,
            ladder=ladder,
            ladder_error=error * central,
            with_demand=made,
            effective=effective,
            bottleneck=bottleneck,
            stations=lucky.shares if lucky.shares is not None else _nothing(),
            shop_names=tuple(shop.name for shop in self.shops),
            what_ifs=self.compare(*options, seed=seed),
            cost_per_car=self._costs(effective),
            assumed=self.assumed,
        )

    def central_shares(self, *, replications: int = 40, seed: int = 1) -> tuple[Shares, float]:
        """The factors of the rungs at the central inputs, and *luck*: the standard deviation of a year / its mean."""
        warm = self._warmup
        cars = self.line().simulate(self.line_hours, replications, seed, warm, shares=False).throughput_per_hour
        shares, error = self._shares(cars * self.line_hours, replications, seed, warm)
        return shares, error * float(np.sqrt(replications))

    def usual_what_ifs(self, bottleneck: Bottleneck) -> tuple[WhatIf, ...]:
        """One more shift; 3 % more speed at the bottleneck, and at paint; 20 % less repair time at the bottleneck; 20
        places (or those of eight hours, where fewer) where they help most; 5 days of kits.

        Overtime hours stay as they are beside a new shift. Only a shift has a known cost (its people); the others need
        a :class:`WhatIf` with ``yearly_cost``.
        """
        options: list[WhatIf] = []
        money = self.money
        if (
            max([self.shifts, *(s.shifts or 0 for s in self.shops)]) < 3
            and (self.shifts + 1) * self.hours_per_shift <= 24
        ):
            cost = money.people_per_shift * money.wage_per_year if money is not None else None
            shops = [replace(s, shifts=s.shifts + 1 if s.shifts else None) for s in self.shops]
            overtime = self.overtime * self.shifts / (self.shifts + 1)
            longer = replace(self, shifts=self.shifts + 1, shops=shops, overtime=overtime)
            options.append(WhatIf("one more shift", longer, cost, "shift", 1.0))
        at = bottleneck.candidates[0]
        for i, shop in enumerate(self.shops):
            if i == at or shop.what == "paint":
                faster = replace(shop, rate_per_hour=shop.rate_per_hour * 1.03)
                more_speed = self._with_shop(i, faster)
                options.append(
                    WhatIf(f"{shop.name} 3 % faster", more_speed, kind="speed", size=0.03 * shop.rate_per_hour)
                )
        shop, known = self.shops[at], self.known()[at]
        if known.mttr_min is not None and shop.oee is None:
            shorter = replace(shop, availability=None, mtbf_min=known.mtbf_min, mttr_min=known.mttr_min * 0.8)
            options.append(
                WhatIf(
                    f"{shop.name} repairs 20 % shorter",
                    self._with_shop(at, shorter),
                    kind="repair",
                    size=0.2 * known.mttr_min,
                )
            )
        if len(self.shops) > 1 and not any_in_line(self.shops):
            behind = int(np.nanargmax(bottleneck.places))
            # A shift of the slowest shop, 20 at most: nobody builds 20 places for a line of 100 trucks a year.
            places = float(np.clip(round(8.0 * self._fastest), 1.0, 20.0))
            more = replace(self.shops[behind], buffer_after=self.known()[behind].buffer_after + places)
            words = f"{places:g} more place{'s' if places > 1.0 else ''} after {more.name}"
            options.append(WhatIf(words, self._with_shop(behind, more), kind="places", size=places))
        if self.kits is not None:
            days = max(round(5.0 * self.straight_time / (self.days_per_week * self.weeks_per_year)), 1)
            stock = replace(self.kits, safety_stock=self.kits.safety_stock + days)
            options.append(
                WhatIf("5 days more safety stock of kits", replace(self, kits=stock), kind="kits", size=float(days))
            )
        return tuple(options)

    def compare(self, *options: WhatIf, replications: int = 128, seed: int = 1) -> tuple[WhatIfResult, ...]:
        """Extra cars a year of each change, all plants meeting the same luck; what it costs for each of them.

        Parameters: replications, 2 or more (40 whole years where the supply of kits is what changes); seed. A change
        that leaves the supply alone is compared without it: kits are ordered for the plan.
        """
        if replications < 2:
            raise InputError(f"compare: {replications} replications found; expected 2 or more, to know the error")
        before: dict[bool, Array] = {}
        results = []
        for option in options:
            # Kits need whole years; without them many short runs say more in the same time.
            whole = self.kits != option.plant.kits
            count = 40 if whole else replications
            if whole not in before:
                before[whole] = self._cars(count, seed, whole=whole)
            gain = option.plant._cars(count, seed, whole=whole) - before[whole]
            cars, error = float(gain.mean()), float(gain.std(ddof=1) / np.sqrt(count))
            each = option.yearly_cost / cars if option.yearly_cost is not None and cars > 0.0 else None
            results.append(WhatIfResult(option.name, cars, error, option.yearly_cost, each))
        return tuple(results)

    def _cars(self, replications: int, seed: int, *, whole: bool) -> Array:
        """Cars a year, one for each replication; ``whole`` years with kits, or short runs without."""
        hours, warm = (self.line_hours, self._warmup) if whole else (600.0 * self.stretch, 100.0 * self.stretch)
        line = self.line(kits=whole)
        rate = line.simulate(hours, replications, seed, warm, shares=False).throughput_per_hour
        return np.asarray(rate * self.line_hours * (1.0 + self.overtime) * self._ramp)

    def _shares(self, cars: Array, replications: int, seed: int, warm: float) -> tuple[Shares, float]:
        """The factors of the rungs, and the relative error of the last."""
        shops = self.known()
        straight = self.straight_time
        worst = min(
            rate * self.shop_hours(s) * k.availability for rate, s, k in zip(self.rates, self.shops, shops, strict=True)
        )
        year = self.line_hours

        def mean(*, rework: bool, kits: bool) -> float:
            line = self.line(rework=rework, kits=kits)
            return float(line.simulate(year, replications, seed, warm, shares=False).throughput_per_hour.mean()) * year

        final = float(cars.mean())
        reworked = any(shop.first_time_right < 1.0 for shop in shops)
        before_kits = final if self.kits is None else mean(rework=True, kits=False)
        clean = before_kits if not reworked else mean(rework=False, kits=False)
        top = self.nameplate if self.nameplate is not None else self._fastest * HOURS_OF_A_YEAR
        shares = Shares(
            straight_time=straight / top if top > 0.0 else 0.0,
            overtime=1.0 + self.overtime,
            breakdowns=worst / straight,
            blocking_starving=min(clean / worst, 1.0),  # luck of the runs may put an endless buffer above 1
            rework=min(before_kits / clean, 1.0),
            kits=min(final / before_kits, 1.0),
        )
        return shares, float(cars.std(ddof=1)) / float(np.sqrt(len(cars))) / final

    def _input_draws(self, draws: int, seed: int) -> InputDraws:
        """Lognormal MTBF and MTTR, mean as given, as wide as :attr:`Shop.spread`; speeds at the centre."""
        from scipy.special import ndtri  # slow to load, and only reports need it

        shops = self.known()
        spread = np.array([shop.spread for shop in shops])

        def factors(what: str) -> Array:
            uniforms = [latin_hypercube(seed, f"plant.{i}.{what}", 0, draws) for i in range(len(shops))]
            return np.asarray(np.exp(spread * ndtri(np.stack(uniforms, axis=1)) - spread**2 / 2.0))

        cycle, up, down = self._central()
        return InputDraws(
            np.tile(cycle, (draws, 1)), up * factors("mtbf"), down * factors("mttr"), np.ones(draws, dtype=np.float64)
        )

    def _central(self) -> tuple[Array, Array, Array]:
        """Cycle, MTBF and MTTR of each shop; 1 where nothing fails."""
        shops = self.known()
        return (
            np.array([shop.cycle_s for shop in shops]),
            np.array([shop.mtbf_min or 1.0 for shop in shops]),
            np.array([shop.mttr_min or 1.0 for shop in shops]),
        )

    def _effective(self, central: float, luck: Array, drawn: InputDraws, seed: int, effort: float) -> Effective:
        # The first draw is the centre: the others are told relative to it, with the same luck.
        cycle, up, down = (
            np.concatenate([middle[None], each])
            for middle, each in zip(self._central(), (drawn.cycle_s, drawn.mtbf_min, drawn.mttr_min), strict=True)
        )
        cycle = cycle / np.array([shop.first_time_right for shop in self.known()])
        rate = self.line(kits=False, spread=True).simulate_draws(
            1500.0 * effort * self.stretch,
            cycle_s=cycle,
            mtbf_min=up,
            mttr_min=down,
            seed=seed,
            warmup_hours=100.0 * self.stretch,
        )
        inputs = central * rate[1:] / rate[0] * drawn.factor
        years = central * luck / luck.mean()
        both = np.multiply.outer(inputs, years / central).ravel()
        p5, p50, p95 = (float(v) for v in np.quantile(both, [0.05, 0.5, 0.95]))
        lucky, ignorant = (np.quantile(v, [0.05, 0.95]) for v in (years, inputs))
        return Effective(
            p5,
            p50,
            p95,
            (float(lucky[0]), float(lucky[1])),
            (float(ignorant[0]), float(ignorant[1])),
            float(years.std(ddof=1)),
            float(inputs.std(ddof=1)),
        )

    def _costs(self, effective: Effective) -> dict[str, float]:
        if self.money is None:
            return {}
        costs = {name: self.money.per_car(getattr(effective, name), self.shifts) for name in ("p5", "p50", "p95")}
        if self.demand is not None and self.demand < effective.p50:
            costs["demand"] = self.money.per_car(self.demand, self.shifts)
        return costs

    def _completed(self) -> list[tuple[Known, tuple[str, ...]]]:
        last = len(self.shops) - 1
        return [complete(shop, last=i == last) for i, shop in enumerate(self.shops)]

    def _with_shop(self, index: int, shop: Shop) -> "Plant":
        return replace(self, shops=[*self.shops[:index], shop, *self.shops[index + 1 :]])

    def shop_hours(self, shop: Shop) -> float:
        """Straight-time hours of a shop in a year."""
        if shop.calendar is not None:
            return shop.calendar.open_hours / shop.calendar.period_hours * 168.0 * self.weeks_per_year
        return (shop.shifts or self.shifts) * self.hours_per_shift * self.days_per_week * self.weeks_per_year

    def _calendar(self, shop: Shop) -> Calendar:
        return shop.calendar or Calendar.weekly(shop.shifts or self.shifts, self.hours_per_shift, self.days_per_week)

    @property
    def _mixed(self) -> bool:
        """Whether shops keep different hours, so that the line must know the clock."""
        own = any(shop.calendar is not None for shop in self.shops)
        return own or len({shop.shifts or self.shifts for shop in self.shops}) > 1

    @property
    def line_hours(self) -> float:
        """Hours of the line in a year: open ones, or clock hours of the working weeks."""
        return self.weeks_per_year * 168.0 if self._mixed else self.hours_per_year

    @property
    def _warmup(self) -> float:
        """Hours before a whole year is counted. With kits a year starts with the stock, which runs down, so only the
        line itself fills: a year of 50 trucks would lose some of them to an empty line."""
        if self.kits is None:
            return 100.0
        clock = self.line_hours / self.hours_per_year
        return 2.0 * clock * sum(1.0 / rate for rate in self.rates)

    @property
    def stretch(self) -> float:
        """Longer runs for slower lines and for the clock: some 30,000 cars' worth at 60 an hour, fewer at less.

        Below one an hour hours grow with the takt, up to 8 times, so that a line for 100 trucks a year still runs some
        hundreds of them.
        """
        clock = self.line_hours / self.hours_per_year
        rate = self._fastest
        return clock * float(np.clip(20.0 / rate, 1.0, np.clip(4.0 / rate, 4.0, 8.0)))

    @property
    def _fastest(self) -> float:
        """Design rate of the slowest shop: what the plant as a whole can do in an hour."""
        return min(self.rates)

    @property
    def _mean_factors(self) -> Array:
        return np.ones(len(self.shops)) if self.mix is None else self.mix.means

    @property
    def _ramp(self) -> float:
        if self.age_years is None:
            return 1.0
        return float(ramp_up(self.age_years, *(self.ramp_months or RAMP_MONTHS_NEW)))


def any_in_line(shops: Sequence[Shop]) -> bool:
    """Whether some shop's OEE holds its waiting already, so that no buffer may be simulated."""
    return any(shop.oee is not None and shop.oee_counts == "in_line" for shop in shops)


def _times(bottleneck: Bottleneck, factor: float) -> Bottleneck:
    names = ("speed", "speed_error", "repair", "repair_error", "places", "places_error")
    return replace(bottleneck, **{name: getattr(bottleneck, name) * factor for name in names})


def _nothing() -> StationShares:
    empty = np.zeros(0)
    return StationShares(empty, empty, empty, empty)

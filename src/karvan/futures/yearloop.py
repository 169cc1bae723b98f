"""The year loop: one block of draws through all stages, year by year.

Demand sets how many new cars each market buys; hazards move the plants; facilities and partners set what they can
make; costs, duties and fees set what a car costs where; the market stage shares sales out under those limits; the
economy stage counts jobs, value added, taxes and imports; the hub stage judges the result. Last year's volume feeds
this year's cost per car.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from karvan.base.axes import Array, IntArray, abreast
from karvan.demand.fleet import fleet_step
from karvan.demand.ownership import adjust, gompertz
from karvan.facilities.ladder import RUNGS, Ladder, capacity_ladder, ramp_up, utilisation
from karvan.futures.absorb import PassThrough
from karvan.futures.accounts import Accountant, Year, economic_value
from karvan.futures.blocks import (
    Demand,
    Economy,
    FlowAppeal,
    Plants,
    base_shares,
    cost_inputs,
    demand_inputs,
    economy_inputs,
    made_before,
    market_inputs,
    plant_inputs,
    vehicle_figures,
)
from karvan.futures.hazards import OPERATING, PlantStates
from karvan.futures.inputs import Draws, Prepared
from karvan.futures.know_how import KnowHow
from karvan.futures.processes import keep_memory
from karvan.futures.rivals import Rivals
from karvan.futures.sample import LHS, Sampling
from karvan.futures.trade import Trade
from karvan.futures.used import UsedCars
from karvan.hub.appraisal import npv
from karvan.market.origin import OriginResult
from karvan.market.shares import clear
from karvan.partnerships.learning import local_share_path
from karvan.partnerships.sourcing import ExWorks, ex_works, local_content_of_costs, local_parts_cost

BOUND = ("state", "demand", "capacity", "partner_supply")
"""What can bound a plant's output in a year, by code."""
LAST = ".last"
"""Added to the names of what offers cost in the last year."""
ITERATIONS = 10
HOME_RAMP = 3.0
"""How many times faster home buyers take to a new home-made car than buyers abroad: ``assumed``, range 2 to 5; the cars
of Neftchala reached 30 and 39 percent of new registrations in their first two years."""
PLANNED_USE = 0.5
"""Share of the staffed line at which a plant sets its price in a bad year: ``assumed``, range 0.3 to 0.8. Whoever put a
bad year's fixed costs on the few cars of that year would sell none the next; the loss shows in the profit instead."""
LEAST_ENTRANT = 0.5
"""Least price of an entrant over that of its peers that still counts as a lower price for the same thing: ``assumed``,
range 0.4 to 0.7."""
FLOOR = 0.25
"""Least purchases of cars in a year, share of the base year's."""


@dataclass(frozen=True)
class Block:
    """What one block of draws leaves behind. Every array starts with (D, Y)."""

    figures: dict[str, Array]
    """National quantities, (D, Y)."""
    plants: dict[str, Array]
    """By own plant, (D, Y, P)."""
    markets: dict[str, Array]
    """By market, (D, Y, M)."""
    offers: dict[str, Array]
    """Delivered price in the first and last year, (D, V, M); of the first block the middle of its steps too, (V, M)."""
    sectors: dict[str, Array]
    """By industry, (D, Y, S)."""
    flows: dict[str, Array] = field(default_factory=dict)
    """What the ministry's measures are made from, (D, Y), million local currency."""


@dataclass(frozen=True)
class Sight:
    """What one year of one block looks like from close by: more than a run keeps."""

    now: Year
    price: Array
    """(D, V, M), dollars that buyers see, other obstacles and incentives in them."""
    whole: Array
    """(D, V, M), the same if every cost were passed on, rivals did not answer and nobody got an incentive."""
    origin: OriginResult
    """States of own offers, (D, V_own, M)."""
    wanted: Array
    """(D, K, M), new cars that buyers want."""
    stock: Array
    """(D, M), cars in use at the end of the year."""
    population: Array
    """(D, M), persons."""
    draws: Draws
    plants: Plants
    demand: Demand


Look = Callable[[Sight], None]
"""Called once a year with what there is to see."""


def run_block(
    prepared: Prepared,
    seed: int,
    block: int,
    size: int,
    sampling: Sampling = LHS,
    swap: frozenset[str] = frozenset(),
    look: Look | None = None,
) -> Block:
    """Run one block of ``size`` draws; ``swap`` names what is taken from the second sample of a Saltelli design.

    ``look`` is shown every year from close by.
    """
    draws = Draws(seed, block, size, sampling=sampling, swap=swap)
    out = run_draws(prepared, draws, look)
    prepared.drawn.update(draws.drawn)
    prepared.streams.update(draws.streams)
    return out


def run_draws(prepared: Prepared, draws: Draws, look: Look | None = None) -> Block:
    """Run the draws of one block. The process keeps its memory for the next (:func:`keep_memory`)."""
    keep_memory()
    return _Run(prepared, draws, look).run()


class _Run:
    """The state of one block while its years go by."""

    def __init__(self, prepared: Prepared, draws: Draws, look: Look | None = None) -> None:
        self.prepared, self.draws, self.look = prepared, draws, look
        self.layout = prepared.layout
        self.demand: Demand = demand_inputs(prepared, draws)
        self.plants: Plants = plant_inputs(prepared, draws, self.demand.real_rate)
        self.market = market_inputs(prepared, draws, self.demand)
        self.economy: Economy = economy_inputs(prepared, draws)
        self.trade = Trade(prepared, draws, self.market)
        self.flow_appeal = FlowAppeal(self.market.ces, self.market.appeal)
        self.passing = PassThrough(prepared, draws)
        made = made_before(prepared, self.market.record)
        self.know_how = KnowHow(prepared, draws, self.plants, made)
        self.rivals = Rivals(prepared, draws, self.market, self.demand, self.flow_appeal)
        self.states = PlantStates(self.plants.state0.copy(), self.plants.opened0.copy())
        self.fleet = self.demand.fleet0
        self.cars = self.fleet.sum(axis=-1)
        self.used_cars = UsedCars(prepared, draws, self.demand)
        self.additions_offset: Array | None = None
        size, own = draws.size, self.layout.own
        offers = self.layout.own_offers
        self.stock = self.plants.stock_cover[:, None] * made
        self.volume = made
        partner = np.array([self.layout.partner_country[p] for p in self.layout.offer_plant[offers]])
        self.partner_market = partner[:, None] == np.array(self.layout.markets)
        self.takes_over = self._takes_over()
        self.price_ratio = np.ones((size, len(self.layout.markets)))
        self.out: dict[str, dict[str, list[Array]]] = {
            kind: {} for kind in ("figures", "plants", "markets", "sectors", "flows")
        }
        self.zero = np.zeros((size, own))
        self.books = Accountant(prepared, self.economy, self.plants, self.market, self.trade.own)
        rows = prepared.study.table("components")
        self.value_share = np.array(rows["share_mid"].to_list(), dtype=np.float64)

    def run(self) -> Block:
        start = self.layout.years[0]
        base_costs, base_content = self._costs(start - 1, -1, self._plants_unmoved())
        base_price, _ = self.trade.prices(self._ex_works(base_costs, -1), base_content, start - 1, 0, levers=False)
        self.passing.begin(base_price, self.trade.friction("barrier", start - 1, levers=False))
        reference, present = self.trade.references(base_price)
        self.base_price = np.where(self._entrant_cells(), reference, base_price)
        self.basket = self._basket()
        self.present = present
        # A car at less than half the price of those it is compared with is another kind of car, not a bargain.
        self.least_hat = np.where(self._entrant_cells(), LEAST_ENTRANT, 0.1)
        base = base_shares(self.prepared)
        self.peer_share, self.sibling = base.peers, base.sibling
        for index, year in enumerate(self.layout.years):
            self._year(year, index)
        cash = np.stack(self.out["figures"].pop("cash"), axis=1)
        stacked = {
            kind: {name: np.stack(values, axis=1) for name, values in group.items()} for kind, group in self.out.items()
        }
        new = stacked["figures"]["sales_new_home"]
        stacked["figures"].update(vehicle_figures(self.prepared, self.draws, self.demand, new))
        worth = npv(cash, self.economy.discount) * self.prepared.exchange_rate / 1e6
        whole = {"npv": worth, **economic_value(stacked["flows"], self.economy)}
        for name, values in whole.items():
            stacked["figures"][name] = np.repeat(values[:, None], len(self.layout.years), axis=1)
        return Block(**stacked, offers=self.offers)

    def _keep(self, kind: str, **values: Array) -> None:
        for name, value in values.items():
            self.out[kind].setdefault(name, []).append(value)

    def _at(self, values: Array, index: int) -> Array:
        """A path (D, Y or 1, ...) in one year; the year before the start takes the first."""
        return values[:, min(max(index, 0), values.shape[1] - 1)]

    def _entrant_cells(self) -> Array:
        """(V, M), own offers without base sales."""
        ces = self.market.ces
        nest = ces.brand * ces.products + ces.product
        base = ces.plant_share * ces.brand_share[nest]
        return np.asarray(self.trade.own[:, None] & (base <= 0.0))

    def _plants_unmoved(self) -> Plants:
        """The plants with the costs they had before any lever: what prices are compared with."""
        if not self.prepared.book.scenario.levers:
            return self.plants
        moved = self.prepared.book.path("exchange_rate", np.ones(self.draws.size))
        rate = self.demand.real_rate / moved
        return replace(self.plants, **cost_inputs(self.prepared.unmoved(), self.draws, rate))

    def _costs(self, year: int, index: int, plants: Plants) -> tuple[ExWorks, Array]:
        """Price of a car at each own plant's gate, and its local content."""
        at = self._at
        years = float(max(index + 1, 0))
        drift = 1.0 if index < 0 else self._at(plants.drift, index)[:, None]
        local = local_share_path(plants.local_now, plants.local_target, years, plants.half_life)
        wage = at(plants.wage, index)[:, None]
        people = at(plants.people_fixed, index)
        planned = PLANNED_USE * at(plants.nameplate, index) * np.asarray(plants.shares.straight_time)
        volume = np.maximum(self.volume, planned)
        kit = at(plants.kit_price, index) * drift
        price_ratio = self.know_how.price_ratio()
        costs = ex_works(
            kit_price=kit,
            kit_duty_rate=at(plants.kit_duty, index),
            local_share=local,
            value_share=self.value_share,
            local_price_ratio=price_ratio,
            hours_per_car=self.know_how.people(at(plants.people_per_1000, index)) / 1000.0,
            wage_per_hour=wage,
            overhead_fixed=at(plants.overhead, index) + people * wage,
            volume=volume,
            freight_kit=at(plants.kit_freight, index),
            margin_rate=at(plants.margin, index)[:, None],
        )
        self.local_parts = local_parts_cost(kit, self.value_share, local, price_ratio)
        content = local_content_of_costs(
            costs,
            self.local_parts,
            plants.domestic_content,
            overhead_domestic=self.economy.overhead_local[:, None],
        )
        return costs, np.clip(content, 0.0, 1.0)

    def _ex_works(self, costs: ExWorks, index: int) -> Array:
        """(D, V), dollars per car."""
        layout = self.layout
        drift = 1.0 if index < 0 else self._at(self.market.rival_drift, index)[:, None]
        price = self.market.rival_price * drift
        own = layout.own_offers
        price[:, own] = costs.total[:, layout.offer_plant[own]] * self.plants.price_factor
        return np.asarray(price)

    def _buyers(self, index: int) -> tuple[Array, Array, Array]:
        """New cars wanted by product and market (D, K, M), used imports (D, M), cars in use (D, M)."""
        demand, layout = self.demand, self.layout
        people = demand.population[:, index]
        income = demand.income[:, index]
        before = demand.income[:, index - 1] if index else np.broadcast_to(demand.income0, income.shape)
        owned = 1000.0 * self.cars / people
        goal = gompertz(income, saturation=demand.saturation, alpha=demand.alpha, beta=demand.beta)
        next_owned = adjust(
            owned,
            goal,
            speed_rising=demand.speed_rising,
            speed_falling=demand.speed_falling,
            income_rises=income >= before,
        )
        alive = (self.fleet * demand.survival).sum(axis=-1)
        base = demand.new_base + demand.used_base
        wanted = next_owned * people / 1000.0 - alive
        if self.additions_offset is None:
            # The fleet model is set to the purchases of the base year by a flow of cars that it cannot account for
            # (scrapping, stock and re-exports are known badly). As a factor it would amplify what follows.
            self.additions_offset = base - wanted
        wanted = np.maximum(wanted + self.additions_offset, FLOOR * base)
        chosen = self.used_cars.choose(layout.years[index], index, self.price_ratio)
        additions = wanted * demand.cycle[:, index] * chosen.bought
        share = np.clip(chosen.new * self._at(demand.new_factor, index), 0.0, 1.0)
        self.used_duty = chosen.duty[:, layout.home]
        step = fleet_step(self.fleet, demand.survival, alive + additions, share, chosen.ages, checked=False)
        self.fleet, self.cars = step.fleet, step.fleet.sum(axis=-1)
        electrified = demand.electrified[:, index] if demand.electrified.shape[1] > 1 else demand.electrified[:, 0]
        by_product = np.where(layout.electrified[:, None], electrified[:, None, :], 1.0 - electrified[:, None, :])
        count = np.where(layout.electrified, layout.electrified.sum(), (~layout.electrified).sum())
        return step.new_cars[:, None, :] * by_product / count[:, None], step.used_imports, self.cars

    def _takes_over(self) -> tuple[IntArray, IntArray]:
        """First offers of plants that replace another, and those of the plants they replace."""
        layout, offers = self.layout, self.layout.own_offers
        active = offers[layout.offer_active[offers]]
        plants, first = np.unique(layout.offer_plant[active], return_index=True)
        new = np.flatnonzero((layout.replaces >= 0) & np.isin(np.arange(layout.own), plants))
        new = new[np.isin(layout.replaces[new], plants)]
        of = dict(zip(plants.tolist(), active[first].tolist(), strict=True))
        pairs = np.array([(of[p], of[old]) for p, old in zip(new.tolist(), layout.replaces[new].tolist(), strict=True)])
        ours, theirs = pairs.reshape(-1, 2).astype(np.int64).T
        return ours, theirs

    def _entrants(self, year: int, index: int) -> Array:
        """(D, V, M), as-if weight of own offers where they have no base sales."""
        layout, market = self.layout, self.market
        own = layout.own_offers
        plant = layout.offer_plant[own]
        drawn = self.plants.electrified_year[:, plant] <= year
        active = layout.offer_active[own] | (layout.electrified[layout.offer_product[own]] & drawn)
        for lever in self.prepared.book.of("electrified_line"):
            if lever.year_from <= year <= lever.year_to:
                reached = np.array([lever.key in ("*", layout.plants[p]) for p in plant])
                active = active | (layout.electrified[layout.offer_product[own]] & reached)
        out = np.moveaxis(np.zeros((len(layout.offers), len(layout.markets), self.draws.size)), -1, 0)
        years = np.where(np.isfinite(self.states.opened[:, plant]), year + 0.5 - self.states.opened[:, plant], 0.0)
        age = np.clip(years / market.appeal_ramp[:, None], 0.0, 1.0)
        at_home = np.clip(HOME_RAMP * years / market.appeal_ramp[:, None], 0.0, 1.0)
        size = np.where(self.present[own], 1.0, self.peer_share[own])
        weight = market.entrant[:, own] * age * active
        reach = self._at(market.export_reach, index)[:, own]
        # Nobody buys his own kits back as cars: the partner's home market stays the partner's.
        out[:, own] = abreast(weight * reach)[:, :, None] * np.where(self.partner_market, 0.0, size)
        # At home a plant that turns to another product starts from its own record, a newcomer from that of newcomers.
        known = weight * self.sibling[own]
        out[:, own, layout.home] = np.where(
            self.sibling[own] > 0, known, market.home_entrant[:, own] * at_home * active
        )
        # The plant that takes over a line takes over its buyers too, as far as its own draw allows.
        ours, theirs = self.takes_over
        inherited = market.ces.plant_share[theirs, layout.home] * market.appeal[:, theirs, layout.home]
        open_ = np.isfinite(self.states.opened[:, layout.offer_plant[ours]])
        out[:, ours, layout.home] = np.where(open_, inherited * market.entrant[:, ours], 0.0)
        return out

    def _appeal(self, index: int) -> tuple[Array, Array]:
        """Of offers (D, V, M) and brands (D, B*K, M): error of the flows, the year's luck, rivals' new plants."""
        luck = np.ascontiguousarray(self.market.noise[:, index].T)
        own = self.layout.own_offers
        rivals, grown = self.rivals.moved(index)
        moved = np.concatenate([luck[self.layout.offer_plant[own]], grown])
        return self.flow_appeal.of(np.concatenate([own, rivals]), moved)

    def _basket(self) -> Array:
        """(V, M), share of each offer in the base year's cars of a market."""
        ces = self.market.ces
        base = ces.plant_share * ces.brand_share[ces.brand * ces.products + ces.product]
        return np.asarray(base / np.maximum(base.sum(axis=0), 1e-9))

    def _cost_hat(self, price: Array) -> tuple[Array, Array]:
        """Prices over those of the base, (D, V, M), and the same for the base year's basket of new cars, (D, M)."""
        prices, before = np.moveaxis(price, 0, -1), np.moveaxis(self.base_price, 0, -1)
        out = prices / before
        np.maximum(out, self.least_hat[..., None], out=out)
        np.minimum(out, 10.0, out=out)
        bought = np.flatnonzero(self.basket.any(axis=1))
        basket = np.add.reduce(np.minimum(out[bought], 5.0) * self.basket[bought][..., None], axis=0)
        return np.moveaxis(out, -1, 0), np.ascontiguousarray(basket.T)

    def _year(self, year: int, index: int) -> None:
        layout, plants, market = self.layout, self.plants, self.market
        home_base = np.maximum(self.demand.new_base[:, layout.home], 1.0)
        last = self.out["figures"].get("sales_new_home", [home_base])[-1]
        rate = self._at(plants.arrival_rate, index) * (np.maximum(last, 1.0) / home_base) ** plants.arrival_elasticity
        self.states.step(year, index, plants.chances, rate)
        wanted, used, stock = self._buyers(index)

        costs, content = self._costs(year, index, self.plants)
        ends = index in (0, len(layout.years) - 1)
        steps = ends and self.draws.shows_steps
        full = steps or self.look is not None
        works = self._ex_works(costs, index)
        ladder, price, origin = self.trade.delivered(works, content, year, index, full=full)
        whole = price.copy() if self.look is not None else price
        price = self.passing.price(price, self.trade.friction("barrier", year), index)
        price = self._incentive(self.rivals.price(price, index), year)
        # Used cars keep their price; new ones move as the base year's basket does.
        cost_hat, self.price_ratio = self._cost_hat(price)

        capacity = self._capacity(year, index)
        supply = self._at(plants.partner_supply, index) * self._at(plants.nameplate, index) * self.states.running
        limit = np.minimum(capacity.effective, supply)
        room = np.full((self.draws.size, len(layout.plants)), np.inf)
        room[:, : layout.own] = limit + np.where(self.states.running > 0, self.stock, 0.0)
        appeal, brand_appeal = self._appeal(index)
        cleared = clear(
            market.ces,
            cost_hat,
            wanted,
            room,
            layout.offer_plant,
            theta=market.theta,
            eta=market.eta,
            entrant_share=self._entrants(year, index),
            appeal=appeal,
            brand_appeal=brand_appeal,
            iterations=ITERATIONS,
        )
        self.rivals.learn(cleared.quantities, wanted, index)

        own_cars = np.moveaxis(cleared.quantities, 0, -1)[layout.own_offers]
        sales = np.ascontiguousarray(np.moveaxis(layout.by_plant.sum(own_cars), -1, 0))
        sold = sales.sum(axis=-1)
        output = np.clip(sold + plants.stock_cover[:, None] * sold - self.stock, 0.0, limit)
        self.stock = np.maximum(self.stock + output - sold, 0.0)
        self.volume = output
        if index == 0:
            self.offers = {"wanted": cleared.wanted}
        if ends:
            when = "" if index == 0 else LAST
            self.offers[f"delivered{when}"] = price
        if steps:
            for field in (
                "ex_works",
                "freight",
                "insurance",
                "duty",
                "excise",
                "fee",
                "certification",
                "vat",
                "margin",
                "compliance",
            ):
                self.offers[f"step.{field}{when}"] = _middle(getattr(ladder, field))
        asked = cleared.wanted[:, : layout.own]
        bound = self._bound(asked, capacity.effective, supply)
        self._record_output(
            index, output, sales, cleared.quantities, wanted, used, stock, limit, capacity, bound, asked
        )
        now = Year(
            year=year,
            index=index,
            output=output,
            sales=sales,
            costs=costs,
            content=content,
            local_parts=self.local_parts,
            ladder=ladder,
            home_column=layout.home if full else 0,
            quantities=cleared.quantities,
            used=used,
            running=self.states.running,
            opened=self.states.opened,
            incentive=self.incentive,
            people_per_1000=self.know_how.people(self._at(plants.people_per_1000, index)),
            absorbed=self.passing.absorbed(cleared.quantities),
            used_duty=self.used_duty,
            home=layout.home,
        )
        if self.look is not None:
            self.look(
                Sight(
                    now,
                    price,
                    whole,
                    origin,
                    wanted,
                    stock,
                    self.demand.population[:, index],
                    self.draws,
                    plants,
                    self.demand,
                )
            )
        self.know_how.learn(output, self.states.running, index)
        books = self.books.year(now)
        self._keep("figures", **books.figures)
        self._keep("plants", **books.plants)
        self._keep("sectors", **books.sectors)
        self._keep("flows", **books.flows)

    def _incentive(self, price: Array, year: int) -> Array:
        """Buyers of home-made cars get an incentive at home, as far as they use it."""
        per_car = np.zeros(self.draws.size)
        for lever in self.prepared.book.of("buyer_incentive"):
            if lever.year_from <= year <= lever.year_to:
                per_car += lever.value * self.economy.incentive_use
        self.incentive = per_car
        if not per_car.any():
            return price
        out = price.copy()
        own, home = self.layout.own_offers, self.layout.home
        out[:, own, home] = np.maximum(out[:, own, home] - per_car[:, None], 0.1 * out[:, own, home])
        return out

    def _capacity(self, year: int, index: int) -> Ladder:
        plants = self.plants
        age = np.where(np.isfinite(self.states.opened), year - self.states.opened, -2.0)
        ramp = ramp_up(age, plants.ramp_50, plants.ramp_90)
        # Part-year opening is inside the ramp; idle months are in `running`.
        opened_now = (age > -1.0) & (age < 0.0)
        running = np.where(opened_now, np.where(self.states.running > 0, 1.0, 0.0), self.states.running)
        return capacity_ladder(self._at(plants.nameplate, index), self.know_how.shares(), ramp * running)

    def _bound(self, asked: Array, effective: Array, supply: Array) -> IntArray:
        """(D, P), code of what bound the output, as in :data:`BOUND`."""
        closed = self.states.running <= 0.0
        free = asked <= np.minimum(effective, supply) * (1 + 1e-6)
        return np.select([closed, free, effective <= supply], [0, 1, 2], 3).astype(np.int64)

    def _record_output(
        self,
        index: int,
        output: Array,
        sales: Array,
        quantities: Array,
        wanted: Array,
        used: Array,
        stock: Array,
        limit: Array,
        capacity: Ladder,
        bound: IntArray,
        asked: Array,
    ) -> None:
        _layout, home = self.layout, self.layout.home
        own_by_market = sales.sum(axis=1)
        made, at_home = output.sum(axis=-1), own_by_market[:, home]
        exports = own_by_market.copy()
        exports[:, home] = 0.0
        exported = exports.sum(axis=-1)
        new_home = np.ascontiguousarray(quantities[:, :, home]).sum(axis=-1)
        imported_new = new_home - at_home
        self._keep(
            "figures",
            output=made,
            sales_home=at_home,
            exports=exported,
            # Cars sold from last year's stock can outnumber those made: the share is of the larger.
            export_share=_share(exported, np.maximum(made, exported)),
            sales_new_home=new_home,
            imports_new=imported_new,
            imports_used=used[:, home],
            stock_cars=stock[:, home],
            self_sufficiency_new=_share(at_home, new_home),
            self_sufficiency_all=_share(at_home, at_home + imported_new + used[:, home]),
            capacity_effective=limit.sum(axis=-1),
            utilisation=utilisation(made, limit.sum(axis=-1)),
            plants_operating=(self.states.state == OPERATING).sum(axis=-1).astype(np.float64),
            stock_finished=self.stock.sum(axis=-1),
        )
        rungs = {f"rung_{name}": capacity.rungs[name] for name in RUNGS}
        self._keep(
            "plants",
            output=output,
            capacity_nameplate=np.broadcast_to(self._at(self.plants.nameplate, index), output.shape),
            capacity_effective=capacity.effective,
            partner_supply=self._at(self.plants.partner_supply, index)
            * self._at(self.plants.nameplate, index)
            * self.states.running,
            demand=asked,
            exports=sales.sum(axis=-1) - sales[:, :, home],
            utilisation=utilisation(output, capacity.effective),
            operating=(self.states.state == OPERATING).astype(np.float64),
            bound=bound.astype(np.float64),
            **rungs,
        )
        self._keep("markets", exports=exports, sales_new=wanted.sum(axis=1), sales_own=own_by_market)


def _share(part: Array, whole: Array) -> Array:
    """part / whole, 0 where there is nothing."""
    return np.asarray(
        np.divide(part, whole, out=np.zeros(np.broadcast_shapes(part.shape, whole.shape)), where=whole > 0)
    )


def _middle(values: Array) -> Array:
    """(V, M), median over the draws of (D, V, M); looked for only where draws or markets differ."""
    if values.strides[0] == 0:
        return np.asarray(values[0])
    if values.strides[-1] == 0 and values.shape[-1] > 1:
        return np.broadcast_to(_middle(values[..., :1]), values.shape[1:])
    out = values.min(axis=0)
    differ = out < values.max(axis=0)
    rows = np.moveaxis(values, 0, -1)[differ]
    out[differ] = np.median(rows, axis=-1)
    return np.asarray(out)

"""What a car costs in each market in one year, and how much buyers like a plant they do not know yet."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from karvan.base.axes import Array, BoolArray, IntArray, abreast
from karvan.futures.blocks import Market, markets_of
from karvan.futures.frictions import KINDS, table_rows
from karvan.futures.inputs import Draws, Prepared
from karvan.futures.levers import LaneLever, apply
from karvan.market.cost import DeliveredCost, delivered_cost
from karvan.market.origin import COMPLIES_AT_COST, FREE, MFN, OriginResult, origin_state
from karvan.study.cells import cell_of_range
from karvan.study.scenario import Lever


@dataclass(frozen=True)
class Rules:
    """The origin rules that own cars meet in one year, by market. ``nan`` in ``value`` and ``points``: no agreement."""

    value: Array
    """(D, M), least local value share."""
    points: Array
    """(M,), operations asked."""
    preferential: Array
    """(M,), duty under the agreement, share of c.i.f."""


@dataclass(frozen=True)
class _Standing:
    """What of a year's prices does not move with the price at the gate: ``price = (g + duty) factor + rest``.

    ``g`` is the price at the gate with freight and ``duty = max(rate g, floor)``. Each is (V, M, D or 1).
    """

    freight: Array
    rate: Array
    """Rivals under agreements of their own in it; own offers pay what their origin makes of it. 0 at home."""
    floor: Array
    """Dollars a car; 0 at home."""
    factor: Array
    rest: Array


class Trade:
    """Frictions, origin rules and delivered cost of one block of draws, year by year.

    Arrays by offer, market and draw lie in memory with the draws side by side, however their axes are ordered: inner
    loops are as long as there are draws, and the market stage works on such rows.
    """

    def __init__(self, prepared: Prepared, draws: Draws, market: Market) -> None:
        self.prepared, self.draws, self.market = prepared, draws, market
        layout = prepared.layout
        self.origins = [layout.country[plant] for plant in layout.offer_plant]
        self.home = np.array([[origin == name for name in layout.markets] for origin in self.origins])
        self.own = layout.offer_plant < layout.own
        self.own_rows = np.flatnonzero(self.own)
        self.cc = layout.engine_cc[layout.offer_product]
        self._kept: dict[tuple[object, ...], Array] = {}
        self._standing: dict[tuple[object, ...], _Standing] = {}
        self._held: dict[tuple[int, bool], tuple[object, ...]] = {}
        self._rules: dict[tuple[object, ...], Rules] = {}
        self._preferences: dict[tuple[object, ...], Array] = {}
        operations = layout.operations
        self.operations_done = np.array(
            [float(len(operations[plant])) if plant < layout.own else 9.0 for plant in layout.offer_plant]
        )
        self.agreements = [
            row
            for row in table_rows(prepared.study, "agreements")
            if row["covers_cars"] == "yes" and row["market"] in layout.markets
        ]

    def _signature(self, kind: str, year: int, levers: bool) -> tuple[object, ...]:
        """What a kind of friction depends on in a year: equal signatures, equal frictions."""
        return kind, self.prepared.frictions.epoch(kind, year), *(self._moving(kind, year) if levers else ())

    def _moving(self, kind: str, year: int) -> list[Lever]:
        """The levers on a kind of friction that hold in a year."""
        return [lever for lever in self.prepared.book.of(kind) if lever.year_from <= year <= lever.year_to]

    def friction(self, kind: str, year: int, *, levers: bool = True) -> Array:
        """(D or 1, V, M), one kind of friction in one year."""
        draws = self.draws
        signature = self._signature(kind, year, levers)
        if signature not in self._kept:
            grid = self.prepared.friction_grid(kind, year)
            out = np.array(grid.certain[..., None])
            if grid.drawn:
                out = np.repeat(out, draws.size, axis=-1)
                for cell, at in grid.drawn:
                    out[at] = draws.of(cell)
            moving = self._moving(kind, year) if levers else []
            if out.shape[-1] == 1 and any(isinstance(lever, LaneLever) for lever in moving):
                out = np.repeat(out, draws.size, axis=-1)
            for lever in moving:
                reached = self._reached(lever, kind)
                out[reached] = apply(lever, out[reached].T).T
            self._kept[signature] = np.moveaxis(np.maximum(out, 0.0), -1, 0)
        return self._kept[signature]

    def _reached(self, lever: Lever, kind: str) -> BoolArray:
        """(V, M), which offers a lever moves in which markets. One on a border reaches no car that crosses none."""
        layout = self.prepared.layout
        origins, markets = np.array(self.origins), np.array(layout.markets)
        products = np.array(layout.products)[layout.offer_product]
        offers = np.ones(origins.size, dtype=bool)
        for wanted, have in ((lever.origin, origins), (lever.product, products)):
            if wanted not in ("", "*"):
                offers &= have == wanted
        here = np.ones(markets.size, dtype=bool) if lever.market in ("", "*") else markets == lever.market
        out: BoolArray = offers[:, None] & here
        return out if kind in ("excise", "fee") else out & (origins[:, None] != markets)

    def _in_force(self, year: int, levers: bool) -> tuple[object, ...]:
        """Which agreements, and which levers on agreements, hold in a year."""
        if (year, levers) not in self._held:
            self._held[year, levers] = self._holding(year, levers)
        return self._held[year, levers]

    def _holding(self, year: int, levers: bool) -> tuple[object, ...]:
        rows = (i for i, row in enumerate(self.agreements) if row["year_from"] <= year <= (row["year_to"] or 9999))
        moved = (lever for lever in self.prepared.book.of("agreement") if levers)
        return *rows, *(lever for lever in moved if lever.year_from <= year <= lever.year_to)

    def rules(self, year: int, *, levers: bool = True) -> Rules:
        """The agreements that own cars can use in a year."""
        in_force = self._in_force(year, levers)
        if in_force not in self._rules:
            self._rules[in_force] = self._rules_of(in_force)
        return self._rules[in_force]

    def _rules_of(self, in_force: tuple[object, ...]) -> Rules:
        layout, home = self.prepared.layout, self.prepared.study.settings.home
        count = len(layout.markets)
        value = np.full((self.draws.size, count), np.nan)
        points, preferential = np.full(count, np.nan), np.zeros(count)
        for held in in_force:
            if not isinstance(held, int):
                lever: Any = held
                names = np.array(layout.markets)
                reached = (names != home) & ((names == lever.market) | (lever.market == "*"))
                value[:, reached] = 0.0 if lever.rule_value is None else lever.rule_value
                points[reached], preferential[reached] = 0.0, lever.value
                continue
            row = self.agreements[held]
            if row["origin"] != home:
                continue
            m = layout.markets.index(row["market"])
            name = f"agreements.rule_value.{row['agreement']}.{row['market']}"
            cell = cell_of_range(name, row, "rule_value_low", "rule_value", "rule_value_high", "share of 1", "policy")
            if cell is not None:
                self.prepared.cells[cell.name] = cell
                value[:, m] = self.draws.of(cell)
            else:
                value[:, m] = 0.0
            points[m] = float(len([part for part in str(row["rule_operations"] or "").split(";") if part.strip()]))
            preferential[m] = row["preferential_rate"]
        return Rules(value, points, preferential)

    def rival_preference(self, year: int) -> Array:
        """(V, M), duty of rivals under agreements of their own, share of c.i.f.; nan for none. They comply."""
        in_force = self._in_force(year, False)
        if in_force not in self._preferences:
            self._preferences[in_force] = self._rival_preference(in_force)
        return self._preferences[in_force]

    def _rival_preference(self, in_force: tuple[object, ...]) -> Array:
        layout = self.prepared.layout
        out = np.full((len(self.origins), len(layout.markets)), np.nan)
        for row in (self.agreements[held] for held in in_force if isinstance(held, int)):
            if row["origin"] == self.prepared.study.settings.home:
                continue
            m = layout.markets.index(row["market"])
            out[(np.array(self.origins) == row["origin"]) & ~self.own, m] = row["preferential_rate"]
        return out

    def standing(self, year: int, index: int, *, levers: bool = True) -> _Standing:
        """What of a year's prices does not move with the price at the gate; kept as long as nothing of it changes."""
        rates = {name: self._rate(name, index, levers) for name in ("vat_rate", "margin_rate")}
        key = (
            *(self._signature(kind, year, levers) for kind in KINDS),
            self._in_force(year, False),
            *(at for at, _ in rates.values()),
        )
        if key not in self._standing:
            self._standing.clear()  # years come in order: one set of steps is alive at a time
            parts = {kind: np.moveaxis(self.friction(kind, year, levers=levers), 0, -1) for kind in KINDS}
            preference = self.rival_preference(year)[..., None]
            has = np.isfinite(preference)
            rate = np.where(has, np.fmin(parts["duty_rate"], preference), parts["duty_rate"])
            floor = np.where(has, 0.0, parts["duty_per_cc"] * self.cc[:, None, None])
            rate[self.home], floor[self.home] = 0.0, 0.0  # no duty is due at home
            vat, margin = (np.ascontiguousarray(value.T) for _, value in rates.values())
            over = 1.0 + parts["barrier"]
            factor = (1.0 + margin + vat) * over
            rest = (parts["excise"] + parts["fee"]) * factor + parts["certification"] * (1.0 + margin) * over
            self._standing[key] = _Standing(parts["freight"], rate, floor, factor, rest)
        return self._standing[key]

    def origin(self, ex_works: Array, content: Array, year: int, index: int, *, levers: bool = True) -> OriginResult:
        """States of own offers, the duty they pay and what complying costs, (D, V_own, M). As for :meth:`delivered`.

        What complying spares is the full duty, the sum for each cc included where that is more.
        """
        layout, own = self.prepared.layout, self.own_rows
        rule = self.rules(year, levers=levers)
        under = np.flatnonzero(~np.isnan(rule.points))
        mfn = self.friction("duty_rate", year, levers=levers)[:, own]
        shape = (own.size, len(layout.markets), self.draws.size)
        state = np.moveaxis(np.full(shape, MFN, dtype=np.int64), -1, 0)
        rate, cost = np.moveaxis(np.empty(shape), -1, 0), np.moveaxis(np.zeros(shape), -1, 0)
        rate[...] = mfn
        if under.size:
            held = self.standing(year, index, levers=levers)
            landed = ex_works.T[own][:, None] + held.freight[own][:, under]
            full = np.maximum(mfn[:, :, under], np.moveaxis(held.floor[own][:, under] / landed, -1, 0))
            # Local value counts for originating parts; the stage's local content is used for every value test.
            found = origin_state(
                abreast(content)[:, layout.offer_plant[own]],
                self.operations_done[own],
                abreast(rule.value[:, None, under]),
                rule.points[None, under],
                compliance_cost_rate=lambda gap: gap * self.market.compliance[:, None, None],
                mfn_rate=full,
                preferential_rate=rule.preferential[None, under],
            )
            state[:, :, under] = found.state
            rate[:, :, under] = found.duty_rate
            cost[:, :, under] = found.compliance_cost_rate
        return OriginResult(state, rate, cost)

    def delivered(
        self, ex_works: Array, content: Array, year: int, index: int, *, levers: bool = True, full: bool = True
    ) -> tuple[DeliveredCost, Array, OriginResult]:
        """The delivered cost of every offer in every market.

        Parameters
        ----------
        ex_works : (D, V), dollars per car. content : (D, P), local content of own plants.
        index : place of the year in the run, for taxes that levers move.
        full : whether the ladder is wanted in every market; else it has one column, the home market.

        Returns
        -------
        The ladder, the price that buyers see with other obstacles on top (D, V, M), and the origin states of own offers
        (D, V_own, M).
        """
        price, origin = self.prices(ex_works, content, year, index, levers=levers)
        return self._ladder(ex_works, origin, year, index, levers, full), price, origin

    def prices(
        self, ex_works: Array, content: Array, year: int, index: int, *, levers: bool = True
    ) -> tuple[Array, OriginResult]:
        """The price and the origin states of :meth:`delivered`, without the ladder."""
        origin = self.origin(ex_works, content, year, index, levers=levers)
        held = self.standing(year, index, levers=levers)
        paid, extra = (np.moveaxis(array, 0, -1) for array in (origin.duty_rate, origin.compliance_cost_rate))
        under = np.flatnonzero(~np.isnan(self.rules(year, levers=levers).points))
        passed = np.moveaxis((origin.state == FREE) | (origin.state == COMPLIES_AT_COST), 0, -1)
        works = np.ascontiguousarray(ex_works.T)
        own = self.own_rows.size  # own plants come first, so their offers do
        # The steps of delivered_price, those that the gate does not move taken together.
        price = works[:, None] + held.freight
        price[:own, under] += works[:own, None] * extra[:, under]
        duty = np.empty_like(price)
        np.multiply(held.rate[own:], price[own:], out=duty[own:])
        np.maximum(duty[own:], held.floor[own:], out=duty[own:])
        np.multiply(paid, price[:own], out=duty[:own])
        # Who has passed the rule pays no duty by engine size either.
        np.maximum(duty[:own], np.where(passed, 0.0, held.floor[:own]), out=duty[:own])
        duty[:own][self.home[:own]] = 0.0
        price += duty
        price *= held.factor
        price += held.rest
        return np.moveaxis(price, -1, 0), origin

    def _ladder(
        self, ex_works: Array, origin: OriginResult, year: int, index: int, levers: bool, full: bool
    ) -> DeliveredCost:
        """The steps, in every market or at home alone."""
        layout, own = self.prepared.layout, self.own_rows
        shown = slice(None) if full else slice(layout.home, layout.home + 1)
        parts = {kind: self.friction(kind, year, levers=levers)[..., shown] for kind in KINDS if kind != "barrier"}
        markets = parts["freight"].shape[-1]

        def by_draw(values: Array) -> Array:
            """A copy of (D or 1, V, M) for every draw, with the draws side by side."""
            out = np.empty((len(self.origins), markets, self.draws.size))
            out[...] = np.moveaxis(values, 0, -1)
            return np.moveaxis(out, -1, 0)

        duty, per_cc = by_draw(parts["duty_rate"]), by_draw(parts["duty_per_cc"])
        compliance = by_draw(np.zeros((1, 1, 1)))
        preference = self.rival_preference(year)[:, shown]
        has = np.isfinite(preference)
        duty[:, has] = np.minimum(duty[:, has], preference[has])
        per_cc[:, has] = 0.0
        state = origin.state[..., shown]
        duty[:, own] = origin.duty_rate[..., shown]
        per_cc[:, own] = np.where((state == FREE) | (state == COMPLIES_AT_COST), 0.0, per_cc[:, own])
        compliance[:, own] = origin.compliance_cost_rate[..., shown]
        return delivered_cost(
            np.ascontiguousarray(ex_works.T).T,
            freight=parts["freight"],
            duty_rate=duty,
            duty_per_cc=per_cc,
            engine_cc=self.cc,
            excise=parts["excise"],
            fee=parts["fee"],
            certification=parts["certification"],
            vat_rate=self._rate("vat_rate", index, levers)[1][..., shown],
            margin_rate=self._rate("margin_rate", index, levers)[1][:, None, shown],
            compliance_cost_rate=compliance,
            home=self.home[:, shown],
        )

    def _rate(self, name: str, index: int, levers: bool) -> tuple[object, Array]:
        """A tax or margin in one year (D, M), as it stood before any lever if levers are off, and a key to it."""
        if not levers and any(True for _ in self.prepared.book.of(name)):
            return (name, "unmoved"), markets_of(self.prepared.unmoved(), self.draws, name)[:, 0]
        rates = self.market.vat if name == "vat_rate" else self.market.dealer
        at = min(index, rates.shape[1] - 1)
        return (name, at), rates[:, at]

    def references(self, base: Array) -> tuple[Array, BoolArray]:
        """What an entrant is compared with, in each market: the base price of its brand there, else of its peers.

        Parameters
        ----------
        base : (D, V, M), delivered price of every offer in the base year.

        Returns
        -------
        (D, V, M), price at which the entrant's as-if share is stated, and (V, M), whether its brand sells there.
        """
        ces, layout = self.market.ces, self.prepared.layout
        nest = ces.brand * ces.products + ces.product
        weight = ces.plant_share * ces.brand_share[nest]
        present = (ces.brand_share[nest] > 0) & self.own[:, None]
        rows = np.ascontiguousarray(np.moveaxis(base, 0, -1))
        out = rows.copy()
        means: dict[tuple[int, ...], tuple[Array, Array]] = {}

        def mean(group: IntArray) -> tuple[Array, Array]:
            """(M, D), mean price of a group by base sales, added offer by offer; (M,), the sales."""
            key = tuple(group.tolist())
            if key not in means:
                top, total = np.zeros(rows.shape[1:]), np.zeros(rows.shape[1])
                for v in key:
                    top += rows[v] * weight[v][:, None]
                    total += weight[v]
                means[key] = top / np.where(total > 0, total, 1.0)[:, None], total
            return means[key]

        for v in self.own_rows:
            mates = np.flatnonzero(nest == nest[v])
            alike = np.flatnonzero((ces.product == ces.product[v]) & np.isin(ces.brand, layout.peers[v]))
            everyone = np.flatnonzero((ces.product == ces.product[v]) & ~self.own)
            known = np.zeros(rows.shape[1], dtype=bool)
            for place, group in enumerate((mates, alike, everyone)):
                price, total = mean(group)
                here = ~known & (total > 0)
                if place:  # at home a newcomer's share is stated at its own price: its record was sold at such prices
                    here[layout.home] = False
                out[v, here] = price[here]
                known |= here
        return np.moveaxis(out, -1, 0), present

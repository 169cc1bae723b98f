"""What a car costs in each market in one year, and how much buyers like a plant they do not know yet."""

from dataclasses import dataclass

import numpy as np

from karvan.base.axes import Array, BoolArray
from karvan.futures.blocks import Market, markets_of
from karvan.futures.frictions import KINDS
from karvan.futures.inputs import Draws, Prepared
from karvan.market.cost import DeliveredCost, delivered_cost, delivered_price
from karvan.market.origin import OriginResult, origin_state
from karvan.study.cells import Cell, cell_of_range


@dataclass(frozen=True)
class Rules:
    """The origin rules that own cars meet in one year, by market. ``nan`` in ``value`` and ``points``: no agreement."""

    value: Array
    """(D, M), least local value share."""
    points: Array
    """(M,), operations asked."""
    preferential: Array
    """(M,), duty under the agreement, share of c.i.f."""


class Trade:
    """Frictions, origin rules and delivered cost of one block of draws, year by year."""

    def __init__(self, prepared: Prepared, draws: Draws, market: Market) -> None:
        self.prepared, self.draws, self.market = prepared, draws, market
        layout = prepared.layout
        self.origins = [layout.country[plant] for plant in layout.offer_plant]
        self.home = np.array([[origin == name for name in layout.markets] for origin in self.origins])
        self.own = layout.offer_plant < layout.own
        self.cc = layout.engine_cc[layout.offer_product]
        self._kept: dict[tuple[object, ...], Array] = {}
        operations = layout.operations
        self.operations_done = np.array(
            [float(len(operations[plant])) if plant < layout.own else 9.0 for plant in layout.offer_plant]
        )

    def friction(self, kind: str, year: int, *, levers: bool = True) -> Array:
        """(D or 1, V, M), one kind of friction in one year."""
        layout, draws = self.prepared.layout, self.draws
        moved = levers and any(True for _ in self.prepared.book.of(kind))
        signature = (kind, self.prepared.frictions.epoch(kind, year), year if moved else None)
        if signature not in self._kept:
            cells: list[list[Cell | None]] = []
            for v, origin in enumerate(self.origins):
                product = layout.products[layout.offer_product[v]]
                cells.append([self.prepared.friction(kind, origin, name, product, year) for name in layout.markets])
            certain = all(c is None or c.certain for row in cells for c in row)
            out = np.zeros((1 if certain else draws.size, len(self.origins), len(layout.markets)))
            for v, row in enumerate(cells):
                for m, cell in enumerate(row):
                    if cell is not None:
                        out[:, v, m] = cell.mid if cell.certain else draws.of(cell)
            if moved:
                for v, origin in enumerate(self.origins):
                    product = layout.products[layout.offer_product[v]]
                    for m, name in enumerate(layout.markets):
                        if kind != "excise" and origin == name and kind != "fee":
                            continue  # a border lever does not reach cars that cross no border
                        keys = {"origin": origin, "market": name, "product": product}
                        out[:, v, m] = self.prepared.book.value_in(kind, out[:, v, m], year, **keys)
            self._kept[signature] = np.maximum(out, 0.0)
        return self._kept[signature]

    def rules(self, year: int, *, levers: bool = True) -> Rules:
        """The agreements that own cars can use in a year."""
        layout, study = self.prepared.layout, self.prepared.study
        count = len(layout.markets)
        value = np.full((self.draws.size, count), np.nan)
        points, preferential = np.full(count, np.nan), np.zeros(count)
        for row in study.table("agreements").iter_rows(named=True):
            in_force = row["year_from"] <= year <= (row["year_to"] or 9999)
            if row["origin"] != study.settings.home or not in_force or row["covers_cars"] != "yes":
                continue
            if row["market"] not in layout.markets:
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
        if levers:
            for lever in self.prepared.book.of("agreement"):
                if not lever.year_from <= year <= lever.year_to:
                    continue
                for m, name in enumerate(layout.markets):
                    if name != study.settings.home and lever.market in ("*", name):
                        value[:, m] = 0.0 if lever.rule_value is None else lever.rule_value
                        points[m] = 0.0
                        preferential[m] = lever.value
        return Rules(value, points, preferential)

    def rival_preference(self, year: int) -> Array:
        """(V, M), duty of rivals under agreements of their own, share of c.i.f.; nan for none. They comply."""
        layout, study = self.prepared.layout, self.prepared.study
        out = np.full((len(self.origins), len(layout.markets)), np.nan)
        for row in study.table("agreements").iter_rows(named=True):
            if (
                row["origin"] == study.settings.home
                or row["covers_cars"] != "yes"
                or row["market"] not in layout.markets
            ):
                continue
            if row["year_from"] <= year <= (row["year_to"] or 9999):
                m = layout.markets.index(row["market"])
                for v, origin in enumerate(self.origins):
                    if origin == row["origin"] and not self.own[v]:
                        out[v, m] = row["preferential_rate"]
        return out

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
        layout = self.prepared.layout
        parts = {kind: self.friction(kind, year, levers=levers) for kind in KINDS}
        rule = self.rules(year, levers=levers)
        own = np.flatnonzero(self.own)
        mfn = parts["duty_rate"][:, own]
        # Local value counts for originating parts; what the stage calls local content is used for every value test.
        gap_cost = self.market.compliance[:, None, None]
        origin = origin_state(
            content[:, layout.offer_plant[own]],
            self.operations_done[own],
            np.broadcast_to(rule.value[:, None, :], (self.draws.size, own.size, len(layout.markets))),
            np.broadcast_to(rule.points, (own.size, len(layout.markets))),
            compliance_cost_rate=lambda gap: gap * gap_cost,
            mfn_rate=mfn,
            preferential_rate=np.broadcast_to(rule.preferential, (own.size, len(layout.markets))),
        )
        duty = np.broadcast_to(parts["duty_rate"], (self.draws.size, *parts["duty_rate"].shape[1:])).copy()
        per_cc = np.broadcast_to(parts["duty_per_cc"], duty.shape).copy()
        preference = self.rival_preference(year)
        has = np.isfinite(preference)
        duty[:, has] = np.minimum(duty[:, has], preference[has])
        per_cc[:, has] = 0.0
        duty[:, own] = origin.duty_rate
        per_cc[:, own] = np.where((origin.state == 1) | (origin.state == 2), 0.0, per_cc[:, own])
        vat = self._rate("vat_rate", self.market.vat, index, levers)
        dealer = self._rate("margin_rate", self.market.dealer, index, levers)
        compliance = np.zeros_like(duty)
        compliance[:, own] = origin.compliance_cost_rate
        price = delivered_price(
            ex_works,
            freight=parts["freight"],
            duty_rate=duty,
            duty_per_cc=per_cc,
            engine_cc=self.cc,
            excise=parts["excise"],
            fee=parts["fee"],
            certification=parts["certification"],
            vat_rate=vat,
            margin_rate=dealer,
            compliance_cost_rate=compliance,
            home=self.home,
        )
        price *= 1.0 + parts["barrier"]
        shown = slice(None) if full else slice(layout.home, layout.home + 1)
        ladder = delivered_cost(
            ex_works,
            freight=parts["freight"][..., shown],
            duty_rate=duty[..., shown],
            duty_per_cc=per_cc[..., shown],
            engine_cc=self.cc,
            excise=parts["excise"][..., shown],
            fee=parts["fee"][..., shown],
            certification=parts["certification"][..., shown],
            vat_rate=vat[..., shown],
            margin_rate=dealer[..., shown][:, None, :],
            compliance_cost_rate=compliance[..., shown],
            home=self.home[:, shown],
        )
        return ladder, price, origin

    def _rate(self, name: str, rates: Array, index: int, levers: bool) -> Array:
        """(D, M), a tax or margin in one year; as it stood before any lever if levers are off."""
        if not levers and any(True for _ in self.prepared.book.of(name)):
            return markets_of(self.prepared.unmoved(), self.draws, name)[:, 0]
        return rates[:, min(index, rates.shape[1] - 1)]

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
        out = base.copy()
        present = np.zeros(weight.shape, dtype=bool)
        for v in np.flatnonzero(self.own):
            mates = np.flatnonzero(nest == nest[v])
            alike = np.flatnonzero((ces.product == ces.product[v]) & np.isin(ces.brand, layout.peers[v]))
            everyone = np.flatnonzero((ces.product == ces.product[v]) & ~self.own)
            for m in range(weight.shape[1]):
                present[v, m] = ces.brand_share[nest[v], m] > 0
                # At home a newcomer's share is stated at its own price: the record behind it was sold at such prices.
                groups = (mates,) if m == layout.home else (mates, alike, everyone)
                for group in groups:
                    total = weight[group, m].sum()
                    if total > 0:
                        out[:, v, m] = (base[:, group, m] * weight[group, m]).sum(axis=1) / total
                        break
        return out, present

    def sibling_odds(self) -> Array:
        """(V,), odds at home of the plant's offer on record, for its offers of other products; 0 where it has none.

        A plant that turns to another product keeps its dealers and its name: its share there is that of its record,
        as far as its own draw allows.
        """
        ces, layout = self.market.ces, self.prepared.layout
        nest = ces.brand * ces.products + ces.product
        share = (ces.plant_share * ces.brand_share[nest])[:, layout.home]
        out = np.zeros(len(self.origins))
        for v in np.flatnonzero(self.own):
            mates = np.flatnonzero((layout.offer_plant == layout.offer_plant[v]) & (share > 0))
            if mates.size and share[v] <= 0:
                best = min(float(share[mates].max()), 0.9)
                out[v] = best / (1.0 - best)
        return out

    def peer_share(self) -> Array:
        """(V, M), median share of the peer brands of an own offer in its product and market; of all without peers."""
        ces, layout = self.market.ces, self.prepared.layout
        out = np.zeros((len(self.origins), len(layout.markets)))
        for v in np.flatnonzero(self.own):
            brands = layout.peers[v] or tuple(range(len(layout.brands)))
            nests = np.array([brand * ces.products + ces.product[v] for brand in brands])
            for m in range(out.shape[1]):
                shares = ces.brand_share[nests, m]
                if not (shares > 0).any():  # none of its peers is known there: the middle of all brands stands in
                    shares = ces.brand_share[np.arange(len(layout.brands)) * ces.products + ces.product[v], m]
                shares = shares[shares > 0]
                out[v, m] = float(np.median(shares)) if shares.size else 1.0 / max(len(layout.brands), 1)
        return out

"""What rivals do in the year loop: answer in price, build when they are full, and come to build in the region.

The rules are those of :mod:`karvan.market.rivals`; all costs behind them are ``assumed``, because no rival publishes
its own. Three levers at 0 (``rival_response``, ``rival_use``, ``rival_entry_rate``) leave rivals that never move.
"""

import numpy as np

from karvan.base.axes import Array, abreast
from karvan.futures.block_demand import Demand
from karvan.futures.block_market import FlowAppeal, Market
from karvan.futures.inputs import Draws, Prepared, parameter, steady
from karvan.market.rivals import capacity_price, expand, price_response

DOUBLED = 1.0
"""Largest rise of a country's appeal by new plants, share of 1: ``assumed``, range 0.5 to 3. Beyond it the plants would
be another country's in all but name."""


class Rivals:
    """The state of the rivals of one block of draws."""

    def __init__(self, prepared: Prepared, draws: Draws, market: Market, demand: Demand) -> None:
        layout, ces = prepared.layout, market.ces
        self.layout, self.market = layout, market
        # Offers are in the order of their plants, own plants first.
        self.first = int((layout.offer_plant < layout.own).sum())
        self.product = layout.offer_product[self.first :]
        plant = layout.offer_plant[self.first :] - layout.own
        self.count = len(layout.plants) - layout.own
        self.member = (plant[:, None] == np.arange(self.count)).astype(np.float64)
        """(V_rival, P_rival), whose offer it is."""
        self.of_plant = plant
        self.response = parameter(prepared, draws, "rival_response")
        self.margin = steady(prepared, draws, "rival_margin")
        self.trigger = steady(prepared, draws, "rival_expansion_use")
        self.years = np.maximum(steady(prepared, draws, "rival_expansion_years"), 1.0)
        self.use = steady(prepared, draws, "rival_use")
        home = layout.markets[layout.home]
        self.region = sorted(set(layout.country[layout.own :]) & set(layout.markets) - {home})
        # Makers elsewhere sell little of what they make here: they can send more from other markets.
        self.near = np.array([layout.country[layout.own + p] in self.region for p in range(self.count)])
        self.limited = np.flatnonzero(self.near)
        """Rivals that can be short, (n,); the arrays of what they make are (D, n)."""

        appeal, brand_appeal = FlowAppeal(ces, market.appeal).of({})
        shares = ces.shares(
            np.ones((1, *ces.plant_share.shape)),
            theta=market.theta,
            eta=market.eta,
            appeal=appeal,
            brand_appeal=brand_appeal,
        )
        self.share_base = self._own_share(shares, np.ones((1, 1, 1)))
        electrified = demand.electrified[:, 0]
        part = np.where(layout.electrified[:, None], electrified[:, None, :], 1.0 - electrified[:, None, :])
        alike = np.where(layout.electrified, layout.electrified.sum(), (~layout.electrified).sum())
        cars = demand.new_base[:, None, :] * part / alike[:, None]
        sold = np.einsum("dvm,dvm->dv", shares[:, self.first :], cars[:, self.product])
        self.sales_base = sold @ self.member
        self.capacity: Array | None = None
        self.log_price = np.zeros((draws.size, self.limited.size))
        self.share = self.share_base
        self.grown = self._arrivals(prepared, draws)
        self.still = not (self.response.any() or self.use.any())

    def _own_share(self, sold: Array, wanted: Array) -> Array:
        """(D, K, M), share of own cars in what is bought."""
        rows = np.moveaxis(sold, 0, -1)
        products = np.zeros((len(self.layout.products), *rows.shape[1:]))
        for v in range(self.first):
            products[self.layout.offer_product[v]] += rows[v]
        ours = np.moveaxis(products, -1, 0)
        return np.asarray(np.clip(np.divide(ours, wanted, out=np.zeros_like(ours), where=wanted > 0), 0.0, 1.0))

    def _arrivals(self, prepared: Prepared, draws: Draws) -> Array | None:
        """(D, Y, P_rival), appeal of rivals of the region over the base as new plants come and grow; None for none."""
        layout = prepared.layout
        rate = parameter(prepared, draws, "rival_entry_rate")
        if not self.region or not rate.any():
            return None
        size = steady(prepared, draws, "rival_entry_size")
        years = len(layout.years)
        came = draws.uniform("rivals.entry", years, len(self.region)) < -np.expm1(-rate[:, :, None])
        age = np.arange(years)[None, :, None] - np.arange(years)[None, None, :] + 0.5
        ramp = np.clip(age / self.market.appeal_ramp[:, None, None], 0.0, 1.0)
        plants = np.matmul(ramp, came.astype(np.float64))
        out = np.ones((draws.size, years, self.count))
        for c, country in enumerate(self.region):
            mine = [p for p in range(self.count) if layout.country[layout.own + p] == country]
            base = np.maximum(self.sales_base[:, mine].sum(axis=1), 1.0)
            rise = np.minimum(plants[:, :, c] * (size / base)[:, None], DOUBLED)
            out[:, :, mine] = 1.0 + rise[:, :, None]
        return out

    def moved(self, index: int) -> dict[int, Array]:
        """Offer -> (D,), appeal with the new plants of the year in it over that of the base; only those that move."""
        if self.grown is None:
            return {}
        grown = np.ascontiguousarray(self.grown[:, index].T)
        return {self.first + v: grown[plant] for v, plant in enumerate(self.of_plant.tolist()) if self.near[plant]}

    def price(self, price: Array, index: int) -> Array:
        """What buyers see once rivals have answered last year's market; changed in place."""
        if self.still:
            return price
        answer = price_response(
            self.share,
            self.share_base,
            eta=self.market.eta,
            response=self.response[:, min(index, self.response.shape[1] - 1)],
            most=self.margin,
        )
        answers = abreast(answer)
        scarcity = dict(zip(self.limited.tolist(), np.exp(self.log_price).T.copy(), strict=True))
        for v, (product, plant) in enumerate(zip(self.product.tolist(), self.of_plant.tolist(), strict=True)):
            price[:, self.first + v] *= answers[:, product]
            if plant in scarcity:
                price[:, self.first + v] *= scarcity[plant][:, None]
        return price

    def learn(self, sold: Array, wanted: Array, index: int) -> None:
        """Take in the year: own share of each market, who is short. sold: (D, V, M), wanted: (D, K, M), cars."""
        if self.still:
            return
        self.share = self._own_share(sold, wanted)
        sales = self._sales(sold)
        if self.grown is not None:  # new plants bring capacity of their own
            sales = sales / self.grown[:, min(index + 1, self.grown.shape[1] - 1), self.limited]
        if self.capacity is None:
            with np.errstate(divide="ignore"):
                self.capacity = np.maximum(sales, 1.0) / self.use[:, None]
        self.log_price = capacity_price(self.log_price, sales, self.capacity, elasticity=self.market.theta)
        self.capacity = expand(self.capacity, sales, trigger=self.trigger, years=self.years)

    def _sales(self, sold: Array) -> Array:
        """(D, n), cars of the rivals that can be short, market by market and offer by offer."""
        offers = np.flatnonzero(self.near[self.of_plant])
        rows = np.moveaxis(sold, 0, -1)[self.first + offers]
        each = np.zeros((offers.size, rows.shape[-1]))
        for m in range(rows.shape[1]):
            each += rows[:, m]
        out = np.zeros((self.count, rows.shape[-1]))
        for cars, plant in zip(each, self.of_plant[offers].tolist(), strict=True):
            out[plant] += cars
        return out[self.limited].T

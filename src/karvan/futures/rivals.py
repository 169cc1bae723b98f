"""What rivals do in the year loop: answer in price, build when they are full, and come to build in the region.

The rules are those of :mod:`karvan.market.rivals`; all costs behind them are ``assumed``, because no rival publishes
its own. Three levers at 0 (``rival_response``, ``rival_use``, ``rival_entry_rate``) leave rivals that never move.
"""

import numpy as np

from karvan.base.axes import Array, IntArray, abreast
from karvan.base.sums import Groups, over_markets
from karvan.futures.block_demand import Demand
from karvan.futures.block_market import FlowAppeal, Market
from karvan.futures.inputs import Draws, Prepared, parameter, steady
from karvan.market.rivals import capacity_price, expand, price_response

DOUBLED = 1.0
"""Largest rise of a country's appeal by new plants, share of 1: ``assumed``, range 0.5 to 3. Beyond it the plants would
be another country's in all but name."""


class Rivals:
    """The state of the rivals of one block of draws."""

    def __init__(
        self, prepared: Prepared, draws: Draws, market: Market, demand: Demand, flow_appeal: FlowAppeal
    ) -> None:
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
        self.in_products = Groups.of(layout.offer_product[: self.first], len(layout.products))
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
        self.theirs = np.flatnonzero(self.near[plant])
        """Their offers, among those of rivals."""
        self.of_limited = np.searchsorted(self.limited, plant[self.theirs])
        self.in_limited = Groups.of(self.of_limited, self.limited.size)

        appeal, brand_appeal = flow_appeal.now()
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
        products = self.in_products.sum(np.moveaxis(sold, 0, -1)[: self.first])
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

    def moved(self, index: int) -> tuple[IntArray, Array]:
        """Offers that move (n,), and their appeal with the new plants of the year over that of the base, (n, D)."""
        if self.grown is None:
            return self.theirs[:0], np.empty((0, self.share.shape[0]))
        return self.first + self.theirs, np.ascontiguousarray(self.grown[:, index].T)[self.of_plant[self.theirs]]

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
        rows = np.moveaxis(price, 0, -1)[self.first :]
        rows *= np.moveaxis(abreast(answer), 0, -1)[self.product]
        rows[self.theirs] *= np.exp(self.log_price).T[self.of_limited][:, None]
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
        return self.in_limited.sum(over_markets(np.moveaxis(sold, 0, -1)[self.first + self.theirs])).T

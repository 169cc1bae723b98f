"""Incomplete pass-through in the year loop: buyers see a part of what a car comes to cost, sellers bear the rest.

Off unless a study or a scenario sets ``pass_through`` below 1 in some market. The elasticities of the share model are
those of sales to *costs*: what sellers absorb is in them already, and a rate below 1 on top would count it twice.
Whoever has elasticities to *prices* sets both.
"""

import numpy as np

from karvan.base.axes import Array
from karvan.futures.inputs import Draws, Prepared, parameter, steady
from karvan.market.cost import price_change


class PassThrough:
    """Prices that follow costs in part, and what own makers pay for it."""

    def __init__(self, prepared: Prepared, draws: Draws) -> None:
        layout = prepared.layout
        self.first = int((layout.offer_plant < layout.own).sum())
        self.member = (layout.offer_plant[: self.first, None] == np.arange(layout.own)).astype(np.float64)
        rate = parameter(prepared, draws, "pass_through", layout.markets)
        self.active = bool((rate < 1.0).any())
        self.rate = np.clip(rate, 0.0, 1.0)
        self.maker = np.clip(steady(prepared, draws, "absorbed_by_maker"), 0.0, 1.0) if self.active else None
        self.base: Array | None = None
        self.per_car: Array | None = None

    def begin(self, price: Array, barrier: Array) -> None:
        """Take in the price of every offer before the first year, (D, V, M), with other obstacles as factors on it."""
        if self.active:
            self.base = price / (1.0 + barrier)

    def price(self, price: Array, barrier: Array, index: int) -> Array:
        """What buyers see: ``(1 + barrier) c_0 (c / c_0)^phi``, ``c`` the price without other obstacles.

        An obstacle is no cost that a seller could bear, so it is passed on whole.
        """
        if not self.active or self.base is None:
            return price
        cost = price / (1.0 + barrier)
        rate = self.rate[:, min(index, self.rate.shape[1] - 1)]
        seen = self.base * price_change(cost / self.base, rate[:, None, :])
        self.per_car = (cost - seen)[:, : self.first]
        return np.asarray(seen * (1.0 + barrier))

    def absorbed(self, quantities: Array) -> Array | float:
        """(D, P), dollars a year that own makers bear for prices that lag cost; below 0 where cost fell.

        The rest is the importers'. Taxes are not moved: makers pay importers after the border.
        """
        if self.per_car is None or self.maker is None:
            return 0.0
        by_offer = (self.per_car * quantities[:, : self.first]).sum(axis=-1)
        return np.asarray(self.maker[:, None] * (by_offer @ self.member))

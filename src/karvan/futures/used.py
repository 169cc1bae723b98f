"""New, used up to three years, or older: what buyers choose when used cars are taxed by age or barred.

The upper choice of the demand stage (:func:`karvan.demand.segments.upper_choice`), set to the base year's purchases:
with nothing moved it gives the shares and ages of the base year. Older cars can be taxed (lever ``used_duty``) or
barred (lever ``used_age_limit``); the tax on all used cars is the parameter ``used_tax`` and moves the choice too.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from karvan.base.axes import Array
from karvan.demand.segments import UPPER_CHOICE, entry_of_choice, upper_choice
from karvan.futures.blocks import Demand
from karvan.futures.inputs import Draws, Prepared, parameter, steady

YOUNG: Final = 3
"""Years up to which a used car is nearly new."""


@dataclass(frozen=True)
class Chosen:
    """The upper choice of one year."""

    new: Array
    """(D, M), share bought new."""
    ages: Array
    """(D, M, A), ages of the used cars as shares."""
    bought: Array
    """(D, M), part of the purchases wanted that is made: below 1 where those whose car is barred keep the old one."""
    duty: Array
    """(D, M), extra duty per used car, dollars, on average over young and older ones."""


class UsedCars:
    """The choice between new and used cars of one block of draws."""

    def __init__(self, prepared: Prepared, draws: Draws, demand: Demand) -> None:
        self.prepared, self.demand = prepared, demand
        profile = np.asarray(demand.used_ages, dtype=np.float64)
        self.profile = profile
        self.is_young = np.arange(profile.shape[-1]) <= YOUNG
        self.part = profile[:, self.is_young].sum(axis=-1)
        # Used cars cost abroad what they cost at home: no study has prices of used cars by market (assumed).
        self.price = steady(prepared, draws, "used_price")
        self.tax = parameter(prepared, draws, "used_tax")
        self.tax_before = parameter(prepared.unmoved(), draws, "used_tax")[:, 0]
        self.wait = steady(prepared, draws, "barred_wait")

    def choose(self, year: int, index: int, price_ratio: Array) -> Chosen:
        """The choice of a year; ``price_ratio`` (D, M) is the price of new cars over that of the base year."""
        demand, layout = self.demand, self.prepared.layout
        base = demand.new_base + demand.used_base
        new = np.divide(demand.new_base, base, out=np.ones_like(base), where=base > 0)
        shares = np.stack([new, (1 - new) * self.part, (1 - new) * (1 - self.part)], axis=-1)
        duty, limit = self._levers(year)
        ratio = np.ones(shares.shape)
        ratio[..., 0] = np.clip(price_ratio, 0.2, 5.0)
        before = (self.price + self.tax_before)[:, None]
        tax = np.zeros_like(base)
        tax[:, layout.home] = self.tax[:, min(index, self.tax.shape[1] - 1)] - self.tax_before
        for kind, extra in ((1, tax), (2, tax + duty)):
            ratio[..., kind] = np.clip((before + extra) / before, 0.2, 5.0)
        inside = np.where(np.arange(self.profile.shape[-1]) <= limit[:, None], self.profile, 0.0)
        young, old = inside * self.is_young, inside * ~self.is_young
        of_all = np.stack([self.part, 1 - self.part], axis=-1)
        left = np.stack([young.sum(axis=-1), old.sum(axis=-1)], axis=-1)
        allowed = np.ones((len(layout.markets), len(UPPER_CHOICE)))
        allowed[:, 1:] = np.clip(np.divide(left, of_all, out=np.ones_like(left), where=of_all > 0), 0.0, 1.0)
        elasticity = np.broadcast_to(demand.price_elasticity, base.shape)
        choice = upper_choice(shares, ratio, elasticity, allowed=allowed)
        new_share, ages = entry_of_choice(choice, _whole(young, self.profile), _whole(old, self.profile))
        barred = (shares * (1 - allowed)).sum(axis=-1)
        used = choice[..., 1] + choice[..., 2]
        older = np.divide(choice[..., 2], used, out=np.zeros_like(used), where=used > 0)
        return Chosen(new_share, ages, 1.0 - self.wait[:, None] * barred, duty * older)

    def _levers(self, year: int) -> tuple[Array, Array]:
        """(M,) each: extra duty on older used cars, dollars, and the greatest age that may come in, years."""
        markets = np.array(self.prepared.layout.markets)
        duty, limit = np.zeros(markets.size), np.full(markets.size, np.inf)
        for kind, of_kind in (("used_duty", duty), ("used_age_limit", limit)):
            for lever in self.prepared.book.of(kind):
                if lever.year_from <= year <= lever.year_to:
                    of_kind[(lever.market == "*") | (markets == lever.market)] = lever.value
        return duty, limit


def _whole(ages: Array, instead: Array) -> Array:
    """(M, A), ages as shares that sum to 1; where none is left, others that carry no cars."""
    total = ages.sum(axis=-1, keepdims=True)
    return np.asarray(np.where(total > 0, ages / np.where(total > 0, total, 1.0), instead))

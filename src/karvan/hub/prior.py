"""How often countries become exporters of cars in volume at all: the outside view, before any one country's story."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array, BoolArray
from karvan.base.errors import InputError

WINDOW: Final = 3
"""Years in a mean."""


@dataclass(frozen=True, eq=False)
class BaseRate:
    """Entries into ``hub_volume`` per country-year at risk; the rate is ``Beta(e + 1/2, n - e + 1/2)`` (Jeffreys)."""

    state: BoolArray
    """(C, Y), whether the three-year means that end in the year meet ``hub_volume``; false where not known."""
    known: BoolArray
    """(C, Y), whether three years of both figures are known."""
    entered: BoolArray
    """(C, Y), whether the country enters in the year."""
    entries: int
    """``e``: times that a country outside came in."""
    exposure: int
    """``n``: country-years that began outside and whose end is known."""
    mean: float
    """Posterior mean, entries per country-year."""
    low: float
    """Lower end of the interval."""
    high: float
    """Upper end of the interval."""

    def within(self, years: int) -> tuple[float, float, float]:
        """Probability (low, mean, high) that a country outside enters within so many years, one year like another.

        The mean is that of ``1 - (1 - rate)^years`` under the posterior, not of the mean rate.
        """
        if years < 0:
            raise InputError(f"years is {years}; expected 0 or more")
        a, b = self.entries + 0.5, self.exposure - self.entries + 0.5
        stays = float(np.prod((b + np.arange(years)) / (a + b + np.arange(years))))
        return 1 - (1 - self.low) ** years, 1 - stays, 1 - (1 - self.high) ** years


def base_rate(
    production: ArrayLike,
    home_sales: ArrayLike,
    *,
    output: float = 100_000,
    ratio: float = 1.2,
    interval: float = 0.9,
) -> BaseRate:
    """Rate at which countries enter ``hub_volume``.

    ``hub_volume``: mean output over three years at least ``output`` and at least ``ratio`` times mean new sales at
    home. A country-year is at risk if the state is known in it and in the year before, and was false then. The rate has
    the Jeffreys prior ``Beta(1/2, 1/2)``: with no entry seen it is small, not zero. Countries that entered and left
    are at risk again.

    Parameters
    ----------
    production, home_sales : (C, Y), cars per year, consecutive years; nan where unknown.
    interval : probability inside ``low`` to ``high``, above 0 and below 1.

    >>> made = [[50e3, 90e3, 150e3, 200e3, 240e3], [10e3] * 5]
    >>> sold = [[60e3] * 5, [20e3] * 5]
    >>> rate = base_rate(made, sold)
    >>> rate.entries, rate.exposure, rate.entered[0].tolist()
    (1, 3, [False, False, False, True, False])
    """
    from scipy.special import betaincinv  # only needed here, and slow to load

    made, sold = np.asarray(production, dtype=float), np.asarray(home_sales, dtype=float)
    if made.ndim != 2 or made.shape != sold.shape:
        raise InputError(f"production {made.shape} and home_sales {sold.shape} must both be (countries, years)")
    if not 0 < interval < 1:
        raise InputError(f"interval is {interval}; expected a probability between 0 and 1")
    if np.any(made < 0) or np.any(sold < 0):
        raise InputError("production or home_sales is below 0; expected cars per year, nan where unknown")
    made_mean, sold_mean = _three_year_mean(made), _three_year_mean(sold)
    known = ~(np.isnan(made_mean) | np.isnan(sold_mean))
    state = (
        known & (np.nan_to_num(made_mean) >= output) & (np.nan_to_num(made_mean) >= ratio * np.nan_to_num(sold_mean))
    )
    at_risk = np.zeros_like(known)
    at_risk[:, 1:] = known[:, :-1] & ~state[:, :-1] & known[:, 1:]
    entered = at_risk & state
    entries, exposure = int(entered.sum()), int(at_risk.sum())
    a, b = entries + 0.5, exposure - entries + 0.5
    tail = (1 - interval) / 2
    return BaseRate(
        state=state,
        known=known,
        entered=entered,
        entries=entries,
        exposure=exposure,
        mean=a / (a + b),
        low=float(betaincinv(a, b, tail)),
        high=float(betaincinv(a, b, 1 - tail)),
    )


def _three_year_mean(x: Array) -> Array:
    """Mean of the year and the two before it; nan where any is unknown."""
    mean = np.full_like(x, np.nan)
    if x.shape[1] >= WINDOW:
        mean[:, WINDOW - 1 :] = np.lib.stride_tricks.sliding_window_view(x, WINDOW, axis=1).mean(axis=-1)
    return mean

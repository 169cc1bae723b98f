"""What would change with another partner: cost, localness, jobs, markets and dependence, side by side.

The counterfactual replaces one partner and leaves everything else, so the two cases must come from the same draws. The
functions here only compare; making the second case (another kit price, duty, local share, origin) is the caller's.

Letters: ``P`` plants, ``M`` markets, ``C`` countries that supply kits.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array, BoolArray, IntArray
from karvan.base.checks import number, shares
from karvan.base.errors import InputError


@dataclass(frozen=True)
class PartnerCase:
    """The plants under one set of partners."""

    cost: Array
    """(..., P), ex-works price, money per car, above 0."""
    local_content: Array
    """(..., P), share of 1."""
    hours_per_car: Array
    """(..., P), hours of labour per car, 0 or more."""
    volume: Array
    """(..., P), cars per year, 0 or more."""
    market_open: BoolArray
    """(..., P, M), whether the plant's cars enter the market on terms on which any can be sold."""
    supplier: Array
    """(P, C) or (..., P, C), share of the plant's kits that each country supplies; sums to 1."""

    def __post_init__(self) -> None:
        number("cost", self.cost, "money per car, above 0", low=0.0, open_low=True)
        number("local_content", self.local_content, "a share of 1, from 0 to 1", low=0.0, high=1.0)
        number("hours_per_car", self.hours_per_car, "hours per car, 0 or more", low=0.0)
        number("volume", self.volume, "cars per year, 0 or more", low=0.0)
        shares("supplier", self.supplier)
        if np.asarray(self.market_open).dtype != np.bool_:
            raise InputError("market_open: found numbers; expected true or false for each plant and market")


@dataclass(frozen=True)
class PartnerChange:
    """The second case against the first: positive is more of it."""

    cost: Array
    """(..., P), money per car."""
    cost_relative: Array
    """(..., P), share of the first case's cost."""
    local_content: Array
    """(..., P), share of 1."""
    jobs: Array
    """(..., P), people employed in the plant."""
    markets_opened: BoolArray
    """(..., P, M), closed before and open now."""
    markets_closed: BoolArray
    """(..., P, M), open before and closed now."""
    dependence: Array
    """(...), change of the share of national output that hangs on the one country that supplies most."""


@dataclass(frozen=True)
class Dependence:
    """How much of the country's output hangs on each supplying country."""

    share: Array
    """(..., C), share of output; sums to 1 (all 0 where nothing is made)."""
    largest: Array
    """(...), share of the largest."""
    country: IntArray
    """(...), index of the largest along ``C``."""
    concentration: Array
    """(...), Herfindahl index, sum of the squared shares: 1 = one supplier, 1 / n = n equal ones."""


def dependence(volume: ArrayLike, supplier: ArrayLike) -> Dependence:
    """The share of national output that each kit-supplying country could stop.

    ``s_c = sum_p q_p W_pc / sum_p q_p``.

    Parameters
    ----------
    volume : (..., P), cars per year, 0 or more.
    supplier : (P, C) or (..., P, C), share of the plant's kits from each country; sums to 1 over ``C``.

    Returns
    -------
    Dependence

    >>> dependence([3000.0, 1000.0], [[1.0, 0.0], [0.0, 1.0]]).share
    array([0.75, 0.25])
    """
    cars = number("volume", volume, "cars per year, 0 or more", low=0.0)
    weights = shares("supplier", supplier)
    by_country = (cars[..., None] * weights).sum(axis=-2)
    total = cars.sum(axis=-1)[..., None]
    share = np.divide(by_country, total, out=np.zeros_like(by_country), where=total > 0.0)
    return Dependence(
        share=share,
        largest=np.asarray(share.max(axis=-1)),
        country=np.asarray(share.argmax(axis=-1), dtype=np.int64),
        concentration=np.asarray(np.square(share).sum(axis=-1)),
    )


def plant_jobs(volume: ArrayLike, hours_per_car: ArrayLike, hours_per_job: ArrayLike) -> Array:
    """People employed for a volume: hours needed over the hours one person works.

    Parameters
    ----------
    volume : (..., P), cars per year, 0 or more.
    hours_per_car : (..., P), hours per car, 0 or more; those of everybody on the site, or direct ones, as meant.
    hours_per_job : (..., P) or scalar, hours one person works in a year, above 0.

    Returns
    -------
    (..., P), people.
    """
    cars = number("volume", volume, "cars per year, 0 or more", low=0.0)
    hours = number("hours_per_car", hours_per_car, "hours per car, 0 or more", low=0.0)
    year = number("hours_per_job", hours_per_job, "hours per person and year, above 0", low=0.0, open_low=True)
    return np.asarray(cars * hours / year)


def replace_partner(now: PartnerCase, instead: PartnerCase, *, hours_per_job: ArrayLike) -> PartnerChange:
    """Cost, local content, jobs, markets and dependence with another partner, less those with the present one.

    Parameters
    ----------
    now, instead : :class:`PartnerCase` from the same draws.
    hours_per_job : (..., P) or scalar, hours one person works in a year, above 0.

    Returns
    -------
    PartnerChange
    """
    before, after = dependence(now.volume, now.supplier), dependence(instead.volume, instead.supplier)
    jobs_now = plant_jobs(now.volume, now.hours_per_car, hours_per_job)
    return PartnerChange(
        cost=np.asarray(instead.cost - now.cost),
        cost_relative=np.asarray(instead.cost / now.cost - 1.0),
        local_content=np.asarray(instead.local_content - now.local_content),
        jobs=plant_jobs(instead.volume, instead.hours_per_car, hours_per_job) - jobs_now,
        markets_opened=np.asarray(instead.market_open & ~now.market_open),
        markets_closed=np.asarray(now.market_open & ~instead.market_open),
        dependence=np.asarray(after.largest - before.largest),
    )

"""What kind of car is bought: new or used, and with which drive.

The upper choice comes first, because in the Caucasus and Central Asia the market *is* used cars: a new car, one used
up to three years, or an older one. Duties, fees and age limits change their prices or forbid them, and buyers shift by
a logit. Every choice here is calibrated to the shares of a base year: with the base year's prices it returns them
exactly.

Letters: ``K`` kinds of car (powertrains, or the three of the upper choice), last axis.
"""

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.base.checks import number, shares
from karvan.base.errors import InputError

SEGMENTS: tuple[str, ...] = ("small", "medium", "suv")
"""Segments of passenger cars: small (A and B), medium and larger saloons and estates (C and above), and SUVs."""
UPPER_CHOICE: tuple[str, ...] = ("new", "used_to_3", "used_older")
"""The three ways to add a car to the fleet: new, used up to three years old, used and older."""


def new_share(base_share: ArrayLike, price_ratio_new_to_used: ArrayLike, elasticity: ArrayLike) -> Array:
    """The share of new cars among the cars bought, when new cars become dearer or cheaper against used ones.

    ``s / (1 - s) = s0 / (1 - s0) r^e``: a logit in the logarithm of the price. Exactly ``s0`` at ``r = 1``.

    Parameters
    ----------
    base_share : (...), share of 1, from 0 to 1, at the base year's prices. 0 and 1 stay what they are.
    price_ratio_new_to_used : (...), price of new over price of used, divided by the same ratio in the base year;
        above 0, 1 = as in the base year.
    elasticity : (...), per cent change of the odds for one per cent change of the ratio, 0 or below.

    Returns
    -------
    (...), share of 1.

    >>> new_share(0.2, np.array([1.0, 1.25]), -2.0).round(4)
    array([0.2   , 0.1379])
    """
    base = number("base_share", base_share, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    ratio = number("price_ratio_new_to_used", price_ratio_new_to_used, "a ratio above 0", low=0.0, open_low=True)
    e = number("elasticity", elasticity, "0 or below", high=0.0)
    odds = base * ratio**e
    return np.asarray(odds / (1.0 - base + odds))


def upper_choice(
    base_shares: ArrayLike,
    price_ratio: ArrayLike,
    elasticity: ArrayLike,
    *,
    allowed: ArrayLike = 1.0,
    taste: ArrayLike = 0.0,
) -> Array:
    """The shares of new, nearly new and older used cars, when their prices change or one of them is forbidden.

    ``s_k = w_k / sum w``, ``w_k = s0_k allowed_k r_k^e exp(taste_k)``: multinomial logit in log prices (McFadden,
    1974), its constants calibrated to the base shares. Whoever gives up one kind goes to the others in proportion to
    their shares; for a used-car ban that is a bold assumption, so ranges belong on ``taste``.

    Parameters
    ----------
    base_shares : (..., K), share of 1, sum 1, at the base year's prices; K as in :data:`UPPER_CHOICE`.
    price_ratio : (..., K), price now over price in the base year, above 0.
    elasticity : (...), effect of the log price on the log odds, 0 or below.
    allowed : (..., K), share of the base year's supply of that kind that may still come, from 0 (an age limit forbids
        it) to 1.
    taste : (..., K), shift of the log odds, 0 = as in the base year.

    Returns
    -------
    (..., K), share of 1, sum 1.

    Raises
    ------
    InputError
        If nothing that anybody bought in the base year is allowed.

    >>> upper_choice([0.1, 0.3, 0.6], [1.0, 1.0, 1.5], -2.0).round(3)
    array([0.15, 0.45, 0.4 ])
    """
    base = shares("base_shares", base_shares)
    ratio = number("price_ratio", price_ratio, "a ratio above 0", low=0.0, open_low=True)
    e = number("elasticity", elasticity, "0 or below", high=0.0)
    may = number("allowed", allowed, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    shift = number("taste", taste, "a number, 0 = as in the base year")
    weight = base * may * ratio ** e[..., None] * np.exp(shift)
    total = weight.sum(axis=-1, keepdims=True)
    if np.any(total <= 0.0):
        raise InputError(
            "allowed: found a market in which no kind of car that was bought in the base year may come; "
            "expected at least one; allow new cars"
        )
    return np.asarray(weight / total)


def powertrain_shares(
    year: ArrayLike, *, ceiling: ArrayLike, midpoint: ArrayLike, speed: ArrayLike, base: ArrayLike
) -> Array:
    """The shares of petrol, hybrid, electric and other drives in the cars sold, as newcomers spread.

    A newcomer follows a logistic curve from its base share to its ceiling,
    ``n_k = base_k + (ceiling_k - base_k) / (1 + exp(-speed_k (year - midpoint_k)))`` (Fisher and Pry, 1971); the
    incumbents, marked by a ceiling of nan, share what is left in proportion to their base shares. Newcomers that
    together claim more than all are cut in proportion; without incumbents the curves are scaled to sum to 1.

    Parameters
    ----------
    year : (...), calendar year.
    ceiling : (..., K), share of 1 that the powertrain approaches, from 0 to 1; nan for an incumbent.
    midpoint : (..., K), calendar year in which half the way is gone; not read for an incumbent.
    speed : (..., K), per year, 0 or more: from 10 % to 90 % of the way takes ``4.39 / speed`` years; not read for an
        incumbent.
    base : (..., K), share of 1 long before the midpoint, sum 1.

    Returns
    -------
    (..., K), share of 1, sum 1.

    >>> powertrain_shares([2020, 2030, 2060], ceiling=[np.nan, 0.6], midpoint=2030, speed=0.5, base=[1.0, 0.0]).round(3)
    array([[0.996, 0.004],
           [0.7  , 0.3  ],
           [0.4  , 0.6  ]])
    """
    start = shares("base", base)
    top = np.asarray(ceiling, dtype=np.float64)
    incumbent = np.isnan(top)
    goal = number("ceiling", np.where(incumbent, 0.0, top), "a share of 1, from 0 to 1, or nan", low=0.0, high=1.0)
    middle = np.where(incumbent, 0.0, np.asarray(midpoint, dtype=np.float64))
    pace = np.where(incumbent, 0.0, np.asarray(speed, dtype=np.float64))
    number("midpoint", middle, "a calendar year")
    number("speed", pace, "per year, 0 or more", low=0.0)
    time = number("year", year, "a calendar year")[..., None]
    # tanh is the logistic without the overflow of exp far from the midpoint.
    gone = 0.5 * (1.0 + np.tanh(0.5 * pace * (time - middle)))
    shape = np.broadcast_shapes(gone.shape, start.shape, goal.shape)
    incumbent = np.broadcast_to(incumbent, shape)
    newcomer = np.where(incumbent, 0.0, start + (goal - start) * gone)
    claimed = newcomer.sum(axis=-1, keepdims=True)
    pool = np.where(incumbent, start, 0.0)
    pooled = pool.sum(axis=-1, keepdims=True)
    # Nobody to take what is left: the newcomers share the whole market among themselves.
    scale = np.where((claimed > 1.0) | (pooled <= 0.0), claimed, 1.0)
    if np.any(scale <= 0.0):
        raise InputError("ceiling: found a market in which every powertrain dies out; expected one that stays")
    newcomer = newcomer / scale
    left = np.maximum(1.0 - newcomer.sum(axis=-1, keepdims=True), 0.0)
    rest = np.divide(pool * left, pooled, out=np.zeros(shape), where=pooled > 0.0)
    return np.asarray(newcomer + rest)


def split(total: ArrayLike, kind_shares: ArrayLike) -> Array:
    """A total shared out over segments or powertrains; the parts add up to the total.

    Parameters
    ----------
    total : (...), cars, 0 or more.
    kind_shares : (..., K), share of 1, sum 1 over ``K``.

    Returns
    -------
    (..., K), cars.
    """
    whole = number("total", total, "cars, 0 or more", low=0.0)
    return np.asarray(whole[..., None] * shares("kind_shares", kind_shares))


def weights_to_shares(weights: ArrayLike) -> Array:
    """Shares of kinds from weights drawn one by one: each over their sum.

    Parameters
    ----------
    weights : (..., K), 0 or more, not all 0.

    Returns
    -------
    (..., K), share of 1, sum 1.

    >>> weights_to_shares([0.3, 0.3, 0.6])
    array([0.25, 0.25, 0.5 ])
    """
    w = number("weights", weights, "0 or more", low=0.0)
    total = w.sum(axis=-1, keepdims=True)
    if np.any(total <= 0.0):
        raise InputError("weights: found none above 0; expected at least one")
    return np.asarray(w / total)


def split_twice(total: ArrayLike, segments: ArrayLike, powertrains: ArrayLike) -> Array:
    """A total shared out over segments and powertrains, the two taken as independent of each other.

    ``n_sk = n g_s p_k``. Where electric cars are mostly small, or mostly SUVs, that is wrong; no statistic at hand
    says which.

    Parameters
    ----------
    total : (...), cars, 0 or more.
    segments : (..., S), share of 1, sum 1.
    powertrains : (..., K), share of 1, sum 1.

    Returns
    -------
    (..., S, K), cars; sums to the total.
    """
    return np.asarray(split(total, segments)[..., None] * shares("powertrains", powertrains)[..., None, :])


def entry_of_choice(choice: ArrayLike, young: ArrayLike, old: ArrayLike) -> tuple[Array, Array]:
    """The share bought new and the ages of the used cars, from the upper choice: what a step of the fleet takes.

    Parameters
    ----------
    choice : (..., 3), share of 1, sum 1, in the order of :data:`UPPER_CHOICE`.
    young : (A,) or (..., A), ages of the cars used up to three years, sums to 1.
    old : (A,) or (..., A), ages of the older ones, sums to 1.

    Returns
    -------
    ``new_share`` (...) and ``used_ages`` (..., A), for :func:`karvan.demand.fleet.fleet_step`. Where no used car comes
    the ages are those of ``old`` and carry no cars.
    """
    taken = shares("choice", choice)
    if taken.shape[-1] != len(UPPER_CHOICE):
        raise InputError(f"choice: found {taken.shape[-1]} kinds; expected {', '.join(UPPER_CHOICE)}")
    nearly_new, older = shares("young", young), shares("old", old)
    used = taken[..., 1] + taken[..., 2]
    part = np.divide(taken[..., 1], used, out=np.zeros_like(used), where=used > 0.0)[..., None]
    return np.asarray(taken[..., 0]), np.asarray(part * nearly_new + (1.0 - part) * older)

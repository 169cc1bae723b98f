"""How many cars per 1,000 people a country owns, given its income: the S-curve of car ownership.

Ownership follows income along a Gompertz curve: slowly while people are poor, fast in the middle, levelling off at a
saturation that is lower where people live close together. Ownership moves towards the curve by a part of the gap each
year, a little faster when incomes rise than when they fall. The model is that of Dargay, Gately and Sommer (2007),
Energy Journal 28(4), called DGS below.

Letters: ``V`` ownership, ``V*`` ownership in the long run (the target), ``gamma`` saturation, all in cars per 1,000
people; ``x`` income in thousands per head; ``alpha`` and ``beta`` the two shape parameters; ``theta`` the yearly speed.

``beta`` belongs to one unit of income. The published betas are per thousand dollars of 1995 at purchasing power
parity; with any other unit of income fit it anew (:func:`fit_beta`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array, BoolArray
from karvan.base.checks import number
from karvan.base.errors import InputError


@dataclass(frozen=True)
class OwnershipParameters:
    """The parameters that DGS (2007) share between countries.

    Every default is ``assumed``: recalled from the paper and not checked against it. A study should draw them from
    the ranges given here, which are ``assumed`` too.
    """

    gamma_max: float = 852.0
    """Saturation of the United States, vehicles per 1,000 people; range 750 to 900."""
    alpha: float = -5.897
    """Shape, no unit, below 0: ``exp(alpha)`` is the share of saturation owned at no income; range -7 to -5."""
    lambda_: float = -0.388
    """Vehicles per 1,000 people lost for each person per square km above the United States; range -0.6 to -0.2."""
    phi: float = -7.765
    """Vehicles per 1,000 people lost for each percentage point of urban share above the United States; -12 to -4."""
    speed_rising: float = 0.095
    """Part of the gap closed in a year in which income rises; range 0.06 to 0.15."""
    speed_falling: float = 0.084
    """Part of the gap closed in a year in which income falls; range 0.05 to 0.13."""

    def __post_init__(self) -> None:
        number("gamma_max", self.gamma_max, "cars per 1,000 people, above 0", low=0.0, open_low=True)
        number("alpha", self.alpha, "a number below 0", high=0.0, open_high=True)
        number("lambda_", self.lambda_, "0 or below", high=0.0)
        number("phi", self.phi, "0 or below", high=0.0)
        number("speed_rising", self.speed_rising, "a share of 1, from 0 to 1", low=0.0, high=1.0)
        number("speed_falling", self.speed_falling, "a share of 1, from 0 to 1", low=0.0, high=1.0)


def gompertz(income: ArrayLike, *, saturation: ArrayLike, alpha: ArrayLike, beta: ArrayLike) -> Array:
    """Cars per 1,000 people in the long run at an income.

    ``V* = gamma exp(alpha exp(beta x))``; DGS (2007), equation 1.

    Parameters
    ----------
    income : (...), THOUSANDS of the income unit per head and year, 0 or more: 8.4 means 8,400 dollars.
    saturation : (...), cars per 1,000 people, above 0.
    alpha : (...), no unit, below 0.
    beta : (...), per thousand of the same income unit, below 0.

    Returns
    -------
    (...), cars per 1,000 people, between 0 and ``saturation``.

    >>> round(float(gompertz(8.0, saturation=852.0, alpha=-5.897, beta=-0.14)), 3)
    124.402
    """
    x = number("income", income, "thousands per head, 0 or more", low=0.0)
    gamma = number("saturation", saturation, "cars per 1,000 people, above 0", low=0.0, open_low=True)
    a = number("alpha", alpha, "a number below 0", high=0.0, open_high=True)
    b = number("beta", beta, "a number below 0, per thousand of income", high=0.0, open_high=True)
    return np.asarray(gamma * np.exp(a * np.exp(b * x)))


def gompertz_inverse(ownership: ArrayLike, *, saturation: ArrayLike, alpha: ArrayLike, beta: ArrayLike) -> Array:
    """The income at which a country would in the long run own that many cars.

    ``x = ln(ln(V / gamma) / alpha) / beta``: :func:`gompertz` solved for income. Below 0 where ownership is less than
    the curve allows at no income.

    Parameters
    ----------
    ownership : (...), cars per 1,000 people, above 0 and below ``saturation``.
    saturation, alpha, beta : as in :func:`gompertz`.

    Returns
    -------
    (...), thousands of the income unit per head.
    """
    z = _double_log(ownership, saturation, alpha)
    b = number("beta", beta, "a number below 0, per thousand of income", high=0.0, open_high=True)
    return np.asarray(z / b)


def fit_beta(income: ArrayLike, ownership: ArrayLike, saturation: ArrayLike, alpha: ArrayLike) -> Array:
    """The ``beta`` that puts the Gompertz curve through one point, country by country and draw by draw.

    ``beta = ln(ln(V / gamma) / alpha) / x``: :func:`gompertz` solved for ``beta``. It takes what is owned for the
    long run; give :func:`implied_target` instead of ownership where the gap matters. To fit a series of years use
    :func:`karvan.demand.fitting.fit_ownership`.

    Parameters
    ----------
    income : (...), thousands of the income unit per head, above 0.
    ownership : (...), cars per 1,000 people, above ``saturation * exp(alpha)`` (what the curve gives at no income)
        and below ``saturation``.
    saturation, alpha : as in :func:`gompertz`.

    Returns
    -------
    (...), per thousand of the income unit, below 0.

    Raises
    ------
    InputError
        If ownership lies outside what a falling ``beta`` can reach.
    """
    x = number("income", income, "thousands per head, above 0", low=0.0, open_low=True)
    z = _double_log(ownership, saturation, alpha)
    if np.any(z >= 0.0):  # a beta of 0 or more would make the rich own fewer cars
        raise InputError(
            "ownership: found a value at or below what the curve gives at no income (saturation * exp(alpha)); "
            "expected more cars; lower alpha or leave the country out"
        )
    return np.asarray(z / x)


def curvature(income: ArrayLike, *, saturation: ArrayLike, alpha: ArrayLike, beta: ArrayLike) -> Array:
    """How fast the slope of the ownership curve changes: above 0 ownership still gathers pace, below 0 it slows.

    ``d2V*/dx2 = V* alpha beta^2 exp(beta x) (1 + alpha exp(beta x))``. It is 0 at the turning point, where
    ``V* = gamma / e``.

    Parameters
    ----------
    income, saturation, alpha, beta : as in :func:`gompertz`.

    Returns
    -------
    (...), cars per 1,000 people per (thousand of income) squared.
    """
    level = gompertz(income, saturation=saturation, alpha=alpha, beta=beta)
    b = np.asarray(beta, dtype=np.float64)
    bend = np.asarray(alpha, dtype=np.float64) * np.exp(b * np.asarray(income, dtype=np.float64))
    return np.asarray(level * b * b * bend * (1.0 + bend))


def income_elasticity(income: ArrayLike, *, alpha: ArrayLike, beta: ArrayLike) -> Array:
    """Per cent more cars in the long run for one per cent more income.

    ``eta = alpha beta x exp(beta x)``; DGS (2007), equation 2. Largest at ``x = -1 / beta``.

    Parameters
    ----------
    income, alpha, beta : as in :func:`gompertz`.

    Returns
    -------
    (...), ratio, 0 or more.
    """
    x = number("income", income, "thousands per head, 0 or more", low=0.0)
    a = number("alpha", alpha, "a number below 0", high=0.0, open_high=True)
    b = number("beta", beta, "a number below 0, per thousand of income", high=0.0, open_high=True)
    return np.asarray(a * b * x * np.exp(b * x))


def saturation(
    gamma_max: ArrayLike,
    density_excess: ArrayLike,
    urban_excess: ArrayLike,
    lambda_: ArrayLike,
    phi: ArrayLike,
    *,
    minimum: float = 50.0,
) -> Array:
    """The ownership a country would reach however rich: lower where people live closer together than in the USA.

    ``gamma = gamma_max + lambda max(D, 0) + phi max(U, 0)``; DGS (2007), equation 3.

    Parameters
    ----------
    gamma_max : (...), cars per 1,000 people, saturation of the United States, above 0.
    density_excess : (...), people per square km above the United States; below 0 counts as 0.
    urban_excess : (...), percentage points of urban share above the United States; below 0 counts as 0.
    lambda_ : (...), cars per 1,000 people for each person per square km, 0 or below.
    phi : (...), cars per 1,000 people for each percentage point, 0 or below.
    minimum : cars per 1,000 people. The line falls below 0 for city states; the floor is ``assumed``
        (range 50 to 150: what the densest places own).

    Returns
    -------
    (...), cars per 1,000 people, from ``minimum`` to ``gamma_max``.
    """
    top = number("gamma_max", gamma_max, "cars per 1,000 people, above 0", low=0.0, open_low=True)
    density = number("density_excess", density_excess, "people per square km above the United States")
    urban = number("urban_excess", urban_excess, "percentage points above the United States", low=-100.0, high=100.0)
    per_density = number("lambda_", lambda_, "0 or below", high=0.0)
    per_urban = number("phi", phi, "0 or below", high=0.0)
    gamma = top + per_density * np.maximum(density, 0.0) + per_urban * np.maximum(urban, 0.0)
    return np.asarray(np.maximum(gamma, np.minimum(minimum, top)))


def adjust(
    ownership: ArrayLike,
    target: ArrayLike,
    *,
    speed_rising: ArrayLike,
    speed_falling: ArrayLike,
    income_rises: ArrayLike | BoolArray,
) -> Array:
    """Ownership a year later: it closes a part of its gap to the long run.

    ``V_t = V_{t-1} + theta (V*_t - V_{t-1})``, ``theta = speed_rising`` if income rose since the year before, else
    ``speed_falling``; DGS (2007), equation 4.

    Parameters
    ----------
    ownership : (...), cars per 1,000 people a year ago, 0 or more.
    target : (...), cars per 1,000 people in the long run at this year's income, 0 or more.
    speed_rising, speed_falling : (...), share of the gap closed in a year, from 0 to 1.
    income_rises : (...), true where income rose.

    Returns
    -------
    (...), cars per 1,000 people, between ``ownership`` and ``target``.

    >>> round(float(adjust(110.0, 132.409, speed_rising=0.095, speed_falling=0.084, income_rises=True)), 3)
    112.129
    """
    before = number("ownership", ownership, "cars per 1,000 people, 0 or more", low=0.0)
    goal = number("target", target, "cars per 1,000 people, 0 or more", low=0.0)
    rising = number("speed_rising", speed_rising, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    falling = number("speed_falling", speed_falling, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    theta = np.where(income_rises, rising, falling)
    return np.asarray(before + theta * (goal - before))


def implied_target(ownership_before: ArrayLike, ownership: ArrayLike, speed: ArrayLike) -> Array:
    """The long-run ownership that one year's movement points to: :func:`adjust` solved for the target.

    ``V* = V_{t-1} + (V_t - V_{t-1}) / theta``. A yearly figure is noisy and the division magnifies it: average the
    movement over several years first.

    Parameters
    ----------
    ownership_before, ownership : (...), cars per 1,000 people, a year ago and now, 0 or more.
    speed : (...), share of the gap closed in a year, above 0 and at most 1.

    Returns
    -------
    (...), cars per 1,000 people.
    """
    before = number("ownership_before", ownership_before, "cars per 1,000 people, 0 or more", low=0.0)
    now = number("ownership", ownership, "cars per 1,000 people, 0 or more", low=0.0)
    theta = number("speed", speed, "a share of 1, above 0", low=0.0, high=1.0, open_low=True)
    return np.asarray(before + (now - before) / theta)


def _double_log(ownership: ArrayLike, saturation: ArrayLike, alpha: ArrayLike) -> Array:
    """``ln(ln(V / gamma) / alpha)``, which is ``beta x`` on the curve."""
    v = number("ownership", ownership, "cars per 1,000 people, above 0", low=0.0, open_low=True)
    gamma = number("saturation", saturation, "cars per 1,000 people, above 0", low=0.0, open_low=True)
    a = number("alpha", alpha, "a number below 0", high=0.0, open_high=True)
    if np.any(v >= gamma):  # the logarithm below would be nan
        raise InputError(
            "ownership: found a value at or above saturation; expected less; raise saturation or leave the country out"
        )
    return np.asarray(np.log(np.log(v / gamma) / a))

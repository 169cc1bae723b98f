"""The investor's case: net present value, internal rate of return, payback, for all futures at once.

Cash flows are at the end of consecutive years, the first of them today (not discounted), in money of one price base
with a real rate, or in current money with a nominal one.
"""

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array, BoolArray
from karvan.base.errors import InputError

_RATE_LOW, _RATE_HIGH = -0.95, 20.0  # where a rate of return is looked for: -95 % to 2,000 % a year
_GRID = 200
_HALVINGS = 60


def npv(cash: ArrayLike, rate: ArrayLike) -> Array:
    """Net present value: ``sum_t cash_t / (1 + rate)^t``, ``t`` from 0.

    Parameters
    ----------
    cash : (..., Y), money per year.
    rate : scalar or (...), share of 1 per year, above -1.

    Returns
    -------
    (...), money.

    >>> npv([-1000.0, 500.0, 400.0, 300.0, 100.0], 0.10).round(2)
    np.float64(78.82)
    """
    flows, discount = np.asarray(cash, dtype=float), np.asarray(rate, dtype=float)
    if not np.all(discount > -1):
        raise InputError("rate is -1 or below, or missing; expected a share per year above -1")
    factor = (1 / (1 + discount))[..., None] ** np.arange(flows.shape[-1])
    return np.asarray((flows * factor).sum(axis=-1))


def irr(cash: ArrayLike) -> Array:
    """Internal rate of return: the rate at which the net present value is 0.

    Looked for from -95 % to 2,000 % a year, on a grid and then by halving. nan where there is none, and where
    there are several: such a project has no single rate of return, and its net present value should be read instead.

    Parameters
    ----------
    cash : (..., Y), money per year.

    Returns
    -------
    (...), share of 1 per year.

    >>> irr([[-1000.0, 500.0, 400.0, 300.0, 100.0], [-1.0, 0.2, 0.2, 0.2, 0.2], [1.0, 1.0, 1.0, 1.0, 1.0]]).round(4)
    array([ 0.1449, -0.0836,     nan])
    """
    flows = np.asarray(cash, dtype=float)
    rows = flows.reshape(-1, flows.shape[-1])
    rates = np.expm1(np.linspace(np.log1p(_RATE_LOW), np.log1p(_RATE_HIGH), _GRID))
    years = np.arange(rows.shape[-1])
    values = rows @ (1 / (1 + rates)[:, None] ** years).T
    sign: BoolArray = values > 0
    change = sign[:, 1:] != sign[:, :-1]
    single = (change.sum(axis=1) == 1) & np.all(np.isfinite(rows), axis=1)
    at = np.argmax(change, axis=1)
    low, high = np.log1p(rates[at]), np.log1p(rates[at + 1])
    below = sign[np.arange(len(rows)), at]
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        same = ((rows * np.exp(-middle[:, None] * years)).sum(axis=1) > 0) == below
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    found = np.where(single, np.expm1((low + high) / 2), np.nan)
    return found.reshape(flows.shape[:-1])


def payback(cash: ArrayLike, rate: ArrayLike = 0.0) -> Array:
    """Years until the (discounted) cash flows have paid for themselves and stay paid.

    The last crossing of the running sum from below 0 is taken, on a straight line within the year.

    Parameters
    ----------
    cash : (..., Y), money per year.
    rate : scalar or (...), share of 1 per year; 0 for the undiscounted payback.

    Returns
    -------
    (...), years from today; 0 if the sum is never below 0, nan if it is not paid by the last year.

    >>> payback([[-100.0, 40.0, 40.0, 40.0], [-100.0, 40.0, 40.0, 10.0]])
    array([2.5, nan])
    """
    flows, discount = np.asarray(cash, dtype=float), np.asarray(rate, dtype=float)
    if not np.all(discount > -1):
        raise InputError("rate is -1 or below, or missing; expected a share per year above -1")
    years = flows.shape[-1]
    running = np.cumsum(flows * (1 / (1 + discount))[..., None] ** np.arange(years), axis=-1)
    behind = running < 0
    last = np.where(behind.any(axis=-1), years - 1 - np.argmax(behind[..., ::-1], axis=-1), -1)
    here = np.take_along_axis(running, np.clip(last, 0, years - 1)[..., None], axis=-1)[..., 0]
    after = np.take_along_axis(running, np.clip(last + 1, 0, years - 1)[..., None], axis=-1)[..., 0]
    step = np.where(after > here, after - here, 1.0)
    within = np.where(last < 0, 0.0, last - here / step)
    return np.asarray(np.where(last == years - 1, np.nan, within))


def annuity(value: ArrayLike, rate: ArrayLike, years: ArrayLike) -> Array:
    """Level payment at the end of each year that repays a value with interest.

    ``value rate / (1 - (1 + rate)^-years)``; ``value / years`` at rate 0.

    Parameters
    ----------
    value : money; ``rate`` : share of 1 per year, above -1; ``years`` : above 0. Any shapes that broadcast.

    Returns
    -------
    Money per year.

    >>> annuity(1000.0, 0.10, 10).round(2)
    np.float64(162.75)
    """
    worth, interest, life = (np.asarray(x, dtype=float) for x in (value, rate, years))
    if not np.all(interest > -1):
        raise InputError("rate is -1 or below, or missing; expected a share per year above -1")
    if not np.all(life > 0):
        raise InputError("years is 0, negative or missing; expected a number above 0")
    safe = np.where(interest == 0, 1.0, interest)
    factor = np.where(interest == 0, 1 / life, safe / -np.expm1(-life * np.log1p(safe)))
    return np.asarray(worth * factor)

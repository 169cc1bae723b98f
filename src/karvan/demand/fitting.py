"""The ownership curve of each country, fitted to what it owned: the one parameter that differs between countries.

DGS (2007) give all countries one ``alpha`` and one pair of speeds, each country its saturation from density and
urbanisation, and its own ``beta``. Here ``beta`` and the ownership at the start are fitted by least squares to the
years on record, through the recursion itself, so that a country that is still catching up is not taken for one that
has arrived. How good the fit is comes with it, country by country.

Letters: ``T`` years (one row each, no year left out), ``M`` countries; ``x`` income, ``V`` ownership.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array, BoolArray, IntArray
from karvan.base.checks import number
from karvan.base.errors import InputError
from karvan.demand.ownership import OwnershipParameters

_STEEPNESS = (0.05, 12.0)
"""Range searched for ``-beta`` times the median income: from a curve that is flat there to one long saturated."""

_GRID = 97
_GOLDEN_STEPS = 45
_LEAST = 4
"""Years on record below which nothing is fitted: two things are estimated, and their error from what is left."""


@dataclass(frozen=True)
class OwnershipFit:
    """Fitted curves and how good they are; every field is (M,) except ``path``. nan where a country was not fitted."""

    beta: Array
    """Per thousand of the income unit, below 0."""
    beta_se: Array
    """Its standard error."""
    log_beta_se: Array
    """Standard error of ``ln(-beta)``: what :func:`karvan.demand.shrinkage.shrink` takes."""
    start: Array
    """Fitted ownership in the first year on record, cars per 1,000 people."""
    path: Array
    """(T, M), fitted ownership from the first year on record on; nan before it."""
    error: Array
    """Root mean square error, cars per 1,000 people."""
    error_relative: Array
    """Mean of the absolute errors over what was owned, share of 1."""
    r_squared: Array
    """Share of the variance over the years that the curve explains; below 0 if it does worse than a flat line."""
    count: IntArray
    """Years on record."""
    fitted: BoolArray
    """Whether the country had four years on record and its income in all years between them."""
    at_edge: BoolArray
    """Whether ``beta`` lies at an end of the range searched: the record does not say which curve."""


def fit_ownership(
    income: ArrayLike,
    ownership: ArrayLike,
    *,
    saturation: ArrayLike,
    parameters: OwnershipParameters | None = None,
) -> OwnershipFit:
    """``beta`` of each country by least squares through the yearly adjustment.

    ``V_t = V_{t-1} + theta_t (gamma exp(alpha exp(beta x_t)) - V_{t-1})`` from a fitted ``V_0``, which enters linearly
    and is solved for exactly; ``beta`` by a grid and then golden-section search with a fixed number of steps.

    Parameters
    ----------
    income : (T, M), thousands of the income unit per head, above 0; nan where not known.
    ownership : (T, M), cars per 1,000 people, above 0; nan where not known.
    saturation : (M,) or (T, M), cars per 1,000 people, above 0.
    parameters : what all countries share; left out, the ``assumed`` defaults.

    Returns
    -------
    OwnershipFit
    """
    shared = OwnershipParameters() if parameters is None else parameters
    x = np.asarray(income, dtype=np.float64)
    v = np.asarray(ownership, dtype=np.float64)
    if x.ndim != 2 or x.shape != v.shape:
        raise InputError(
            f"income, ownership: found shapes {x.shape} and {v.shape}; expected the same (years, countries)"
        )
    number("income", x[~np.isnan(x)], "thousands per head, above 0", low=0.0, open_low=True)
    number("ownership", v[~np.isnan(v)], "cars per 1,000 people, above 0", low=0.0, open_low=True)
    gamma = np.broadcast_to(number("saturation", saturation, "above 0", low=0.0, open_low=True), x.shape)

    seen = ~np.isnan(v)
    count = seen.sum(axis=0)
    first = np.argmax(seen, axis=0)
    last = x.shape[0] - 1 - np.argmax(seen[::-1], axis=0)
    year = np.arange(x.shape[0])[:, None]
    inside = (year >= first) & (year <= last)
    fitted = (count >= _LEAST) & ~(np.isnan(x) & inside).any(axis=0)
    seen = seen & fitted

    record = _Record(
        income=np.where(np.isnan(x), 1.0, x),
        ownership=np.where(seen, v, 0.0),
        seen=seen,
        gamma=gamma,
        alpha=shared.alpha,
        theta=_theta(x, year > first, shared),
    )
    middle = np.array([np.median(row[~np.isnan(row)]) if (~np.isnan(row)).any() else 1.0 for row in x.T])
    grid = np.geomspace(*_STEEPNESS, _GRID)
    misses = np.stack([record.fit(-steep / middle).squares for steep in grid])
    best = np.argmin(misses, axis=0)
    low = np.log(grid[np.maximum(best - 1, 0)])
    high = np.log(grid[np.minimum(best + 1, _GRID - 1)])
    low, high = _golden(lambda z: record.fit(-np.exp(z) / middle).squares, low, high)
    beta = -np.exp(0.5 * (low + high)) / middle

    final = record.fit(beta)
    step = 1e-5
    slope = (record.fit(beta * np.exp(step)).path - record.fit(beta * np.exp(-step)).path) / (2.0 * step)
    # slope is already d path / d ln(-beta) with the start re-fitted: the variance of ln(-beta) needs no more.
    information = np.where(seen, np.square(slope), 0.0).sum(axis=0)
    spread = final.squares / np.maximum(count - 2, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_se = np.sqrt(spread / information)
        mean = np.where(seen, v, 0.0).sum(axis=0) / count
        total = np.where(seen, np.square(v - mean), 0.0).sum(axis=0)
        r_squared = 1.0 - final.squares / total
        relative = np.where(seen, np.abs(final.path - v) / v, 0.0).sum(axis=0) / count

    def known(values: Array) -> Array:
        return np.where(fitted, values, np.nan)

    return OwnershipFit(
        beta=known(beta),
        beta_se=known(-beta * log_se),
        log_beta_se=known(log_se),
        start=known(final.start),
        path=np.where(fitted & (year >= first) & ~np.isnan(x), final.path, np.nan),
        error=known(np.sqrt(final.squares / np.maximum(count, 1))),
        error_relative=known(relative),
        r_squared=known(r_squared),
        count=count,
        fitted=fitted,
        at_edge=fitted & ((best == 0) | (best == _GRID - 1)),
    )


@dataclass(frozen=True)
class _Fit:
    start: Array
    path: Array
    squares: Array


@dataclass(frozen=True)
class _Record:
    """What was owned and what drives it, without gaps; the recursion at any ``beta``."""

    income: Array
    ownership: Array
    seen: BoolArray
    gamma: Array
    alpha: float
    theta: Array

    def fit(self, beta: Array) -> _Fit:
        """The path at ``beta`` (M,) from the start that fits best: ``V_t = c_t V_0 + b_t`` is linear in ``V_0``."""
        goal = self.gamma * np.exp(self.alpha * np.exp(beta * self.income))
        c, b = np.empty_like(goal), np.empty_like(goal)
        weight, from_goal = np.ones(goal.shape[1]), np.zeros(goal.shape[1])
        for year in range(goal.shape[0]):
            weight = weight * (1.0 - self.theta[year])
            from_goal = from_goal + self.theta[year] * (goal[year] - from_goal)
            c[year], b[year] = weight, from_goal
        gap = np.where(self.seen, self.ownership - b, 0.0)
        used = np.where(self.seen, c, 0.0)
        below = np.square(used).sum(axis=0)
        start = np.divide((used * gap).sum(axis=0), below, out=np.zeros_like(below), where=below > 0.0)
        start = np.maximum(start, 0.0)
        path = c * start + b
        squares = np.where(self.seen, np.square(path - self.ownership), 0.0).sum(axis=0)
        return _Fit(start=start, path=path, squares=squares)


def _theta(income: Array, after_first: BoolArray, shared: OwnershipParameters) -> Array:
    """Speed of each year: 0 up to the first year on record, where the path starts."""
    rises = np.zeros(income.shape, dtype=np.bool_)
    with np.errstate(invalid="ignore"):
        rises[1:] = income[1:] > income[:-1]
    known = after_first & ~np.isnan(income)
    return np.where(known, np.where(rises, shared.speed_rising, shared.speed_falling), 0.0)


def _golden(function: Callable[[Array], Array], low: Array, high: Array) -> tuple[Array, Array]:
    """Golden-section search of a minimum in each column, a fixed number of steps."""
    ratio = (np.sqrt(5.0) - 1.0) / 2.0
    for _ in range(_GOLDEN_STEPS):
        width = ratio * (high - low)
        left, right = high - width, low + width
        keep_left = function(left) < function(right)
        high = np.where(keep_left, right, high)
        low = np.where(keep_left, low, left)
    return low, high

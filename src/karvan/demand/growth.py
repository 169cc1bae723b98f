"""How income, population and the exchange rate may move: growth fitted to the record, with its uncertainty.

Growth from year to year is a steady drift and a disturbance that lasts a while (an autoregression of order one). Both
the drift and the disturbances are uncertain, and over fifteen years the drift matters more: each future draws its own.
Currencies move otherwise: :mod:`karvan.demand.currency`.

Letters: ``T`` years on record, ``D`` draws, ``Y`` years ahead; ``g`` growth of the logarithm, share of 1 a year.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.base.checks import number
from karvan.base.errors import InputError
from karvan.demand.shrinkage import shrink

_LEAST = 5
"""Yearly changes below which nothing is fitted: three things are estimated from them."""

_RHO_RANGE = (-0.5, 0.9)
"""Where the autocorrelation may lie. ``assumed``: nearer 1 the drift is not defined, and yearly growth that swings
back by more than half is an error of measurement."""


@dataclass(frozen=True)
class GrowthProcess:
    """How the logarithm of a quantity grows; every field is (...), one value per series."""

    drift: Array
    """Growth in the long run, share of 1 a year."""
    drift_se: Array
    """Standard error of the drift."""
    sd: Array
    """Standard deviation of a year's disturbance."""
    rho: Array
    """Part of a deviation from the drift that lasts into the next year, above -1 and below 1."""
    last: Array
    """Growth in the last year on record: where the future starts."""
    count: Array
    """Yearly changes it was fitted to."""


def fit_growth(log_series: ArrayLike) -> GrowthProcess:
    """Drift, disturbance and persistence of growth, from a record with or without gaps.

    ``g_t = mu + rho (g_{t-1} - mu) + sigma eps_t``, ``g`` the yearly change of the logarithm. ``mu`` is the mean of
    the changes; ``rho`` is least squares with the correction ``(1 + 3 rho) / n`` for its bias in short series (Kendall,
    1954; Marriott and Pope, 1954); ``sigma`` is that of the residuals with two degrees of freedom spent; the standard
    error of ``mu`` is ``sigma / ((1 - rho) sqrt n)``.

    Parameters
    ----------
    log_series : (T, ...), natural logarithm of the level, one row a year; nan where the year is not known. At least
        five changes between years that follow each other, in every series.

    Returns
    -------
    GrowthProcess, every field (...).
    """
    level = np.asarray(log_series, dtype=np.float64)
    if level.ndim == 0 or np.isinf(level).any():
        raise InputError("log_series: found a single number or an infinite one; expected logarithms, one row a year")
    g = np.diff(level, axis=0)
    known = ~np.isnan(g)
    count = known.sum(axis=0)
    if np.any(count < _LEAST):
        raise InputError(
            f"log_series: found a series with {int(np.min(count))} yearly changes; expected at least {_LEAST}; "
            "leave it out and shrink to the others"
        )
    mean = np.where(known, g, 0.0).sum(axis=0) / count
    deviation = np.where(known, g - mean, 0.0)
    paired = known[1:] & known[:-1]
    pairs = np.maximum(paired.sum(axis=0), 1)
    before, after = np.where(paired, deviation[:-1], 0.0), np.where(paired, deviation[1:], 0.0)
    square = np.square(before).sum(axis=0)
    raw = np.divide((before * after).sum(axis=0), square, out=np.zeros_like(mean), where=square > 0.0)
    rho = np.clip(raw + (1.0 + 3.0 * raw) / pairs, *_RHO_RANGE)
    sd = np.sqrt(np.square(after - rho * before).sum(axis=0) / np.maximum(pairs - 2, 1))
    index = np.where(known, np.arange(g.shape[0]).reshape(-1, *(1,) * (g.ndim - 1)), -1).max(axis=0)
    last = np.take_along_axis(g, index[None, ...], axis=0)[0]
    return GrowthProcess(
        drift=mean, drift_se=sd / ((1.0 - rho) * np.sqrt(count)), sd=sd, rho=rho, last=last, count=count
    )


def mend_breaks(log_series: ArrayLike, *, size: float = 0.01) -> Array:
    """A record without the steps that are changes of what is counted: another territory, a census, a new register.

    A yearly change that lies more than ``size`` from the mean of those before and after it, while these two lie within
    half of ``size`` of each other, is replaced by their mean; what follows is moved with it. War and flight, which last
    more than a year, stay.

    Parameters
    ----------
    log_series : (T, ...), natural logarithm of the level, one row a year; nan where the year is not known.
    size : share of 1 a year, above 0; 0.01 suits populations (``assumed``, range 0.005 to 0.02).

    Returns
    -------
    (T, ...), logarithm; equal to the record up to the first break.

    >>> mend_breaks([0.0, 0.01, 0.02, 0.06, 0.07]).round(3)
    array([0.  , 0.01, 0.02, 0.03, 0.04])
    """
    level = np.asarray(log_series, dtype=np.float64)
    bound = float(number("size", size, "above 0", low=0.0, open_low=True))
    if level.ndim == 0 or level.shape[0] < 4:
        return level.copy()
    change = np.diff(level, axis=0)
    before, after = change[:-2], change[2:]
    usual = 0.5 * (before + after)
    step = change[1:-1] - usual
    # A year that is not known gives nan, and no comparison with nan is true.
    broken = (np.abs(step) > bound) & (np.abs(before - after) < 0.5 * bound)
    shift = np.zeros_like(level)
    shift[2:-1] = np.cumsum(np.where(broken, step, 0.0), axis=0)
    shift[-1:] = shift[-2:-1]
    return np.asarray(level - shift)


def shrink_growth(
    process: GrowthProcess, *, prior_drift: float | None = None, prior_sd: float | None = None
) -> GrowthProcess:
    """The same processes with their drifts pulled towards a prior, or towards each other.

    By :func:`karvan.demand.shrinkage.shrink`. Growth of the past decade is a poor guide to the next: regression to the
    mean of the world is its most robust feature (Pritchett and Summers, 2014), so shrink before you look ahead.

    Parameters
    ----------
    process : from :func:`fit_growth`; without a prior, of at least three series.
    prior_drift, prior_sd : share of 1 a year, both or neither.

    Returns
    -------
    GrowthProcess
    """
    number("drift_se", process.drift_se, "a standard error, 0 or more", low=0.0)
    pulled = shrink(process.drift, np.maximum(process.drift_se, 1e-9), prior_mean=prior_drift, prior_sd=prior_sd)
    return replace(process, drift=pulled.mean, drift_se=pulled.sd)


def simulate_growth(process: GrowthProcess, normals: ArrayLike, *, drift_normals: ArrayLike = 0.0) -> Array:
    """Paths of the logarithm of a quantity, relative to its last year on record.

    ``mu_d = drift + drift_se z_d``, ``g_t = mu_d + rho (g_{t-1} - mu_d) + sd z_t`` from ``g_0 = last``; the path is
    the sum of the growths.

    Parameters
    ----------
    process : :class:`GrowthProcess` of fields (...).
    normals : (D, Y, ...), standard normal numbers.
    drift_normals : (D, ...), standard normal numbers, one per draw and series; 0 keeps the drift at its estimate.

    Returns
    -------
    (D, Y, ...), log of the level over that of the last year on record; ``exp`` of it multiplies the level.
    """
    z = number("normals", normals, "standard normal numbers")
    if z.ndim < 2:
        raise InputError(f"normals: found shape {z.shape}; expected (draws, years) and the axes of the process")
    mu = process.drift + process.drift_se * number("drift_normals", drift_normals, "standard normal numbers")
    growth = np.empty(z.shape)
    deviation = process.last - mu
    for year in range(z.shape[1]):
        deviation = process.rho * deviation + process.sd * z[:, year]
        growth[:, year] = mu + deviation
    return np.cumsum(growth, axis=1)


def common_factor(normals: ArrayLike, common: ArrayLike, share: ArrayLike) -> Array:
    """Standard normal numbers that rise and fall together: good years are good for neighbours too.

    ``z = sqrt(s) common + sqrt(1 - s) own``; any two series then correlate by ``s``.

    Parameters
    ----------
    normals : (D, Y, M), each series' own.
    common : (D, Y), shared by all.
    share : scalar or (M,), correlation, from 0 to 1.

    Returns
    -------
    (D, Y, M), standard normal.
    """
    s = number("share", share, "a correlation from 0 to 1", low=0.0, high=1.0)
    both = number("common", common, "standard normal numbers")
    own = number("normals", normals, "standard normal numbers")
    return np.asarray(np.sqrt(s) * both[..., None] + np.sqrt(1.0 - s) * own)

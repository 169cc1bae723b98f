"""How income, population and the exchange rate may move: growth fitted to the record, with its uncertainty.

Growth from year to year is a steady drift and a disturbance that lasts a while (an autoregression of order one). Both
the drift and the disturbances are uncertain, and over fifteen years the drift matters more: each future draws its own.
A currency that is held to another moves otherwise, not at all for years and then by a jump; that is a process of its
own.

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


@dataclass(frozen=True)
class DevaluationProcess:
    """How a currency that is held to another lets go: rarely, and by a jump."""

    events: float
    """Jumps on record."""
    years: float
    """Years on record."""
    size: float
    """Mean of the logarithm of how much more home money the foreign money costs after a jump."""
    size_sd: float
    """Standard deviation of that logarithm from jump to jump."""

    def hazard(self, probability: ArrayLike) -> Array:
        """Jumps per year: quantile of Gamma(events + 1/2, years), Jeffreys' prior; uniform numbers in, draws out."""
        from scipy.special import gammaincinv  # slow to import; only drawing needs it

        p = number("probability", probability, "a probability from 0 to below 1", low=0.0, high=1.0, open_high=True)
        return np.asarray(gammaincinv(self.events + 0.5, p) / self.years, dtype=np.float64)


def fit_devaluations(
    log_rate: ArrayLike, *, threshold: float = 0.1, prior_size: float | None = None, prior_sd: float | None = None
) -> DevaluationProcess:
    """Jumps of a held currency, from a yearly record of its rate.

    A year in which the logarithm of the rate rises by more than ``threshold`` is a jump.

    Parameters
    ----------
    log_rate : (T,), logarithm of home money per foreign money at the end of each year, no gaps.
    threshold : log change that counts as a jump, above 0; 0.1 (some 10 %) is ``assumed``, range 0.05 to 0.2.
    prior_size, prior_sd : mean and standard deviation of the log jump for a currency with fewer than two on record,
        where neither can be estimated; then both must be given.

    Returns
    -------
    DevaluationProcess
    """
    rate = number("log_rate", log_rate, "logarithms without gaps")
    if rate.ndim != 1 or rate.size < 2:
        raise InputError(f"log_rate: found shape {rate.shape}; expected one series of two years or more")
    change = np.diff(rate)
    jumps = change[change > float(number("threshold", threshold, "above 0", low=0.0, open_low=True))]
    if jumps.size >= 2:
        size, size_sd = float(jumps.mean()), float(jumps.std(ddof=1))
    elif prior_size is not None and prior_sd is not None:
        size, size_sd = prior_size, prior_sd
    else:
        raise InputError(
            f"log_rate: found {jumps.size} jumps above {threshold:g}; expected at least 2 to know their size; "
            "give prior_size and prior_sd"
        )
    return DevaluationProcess(events=float(jumps.size), years=float(change.size), size=size, size_sd=size_sd)


def simulate_devaluations(
    process: DevaluationProcess, uniforms: ArrayLike, normals: ArrayLike, *, hazard: ArrayLike | None = None
) -> Array:
    """Paths of a held currency: the logarithm of what the foreign money costs over what it costs now.

    In each year a jump happens with probability ``1 - exp(-h)``; its logarithm is normal and never below 0.

    Parameters
    ----------
    process : :class:`DevaluationProcess`.
    uniforms : (D, Y), from 0 to 1: whether it jumps.
    normals : (D, Y), standard normal: by how much.
    hazard : (D,) or scalar, jumps per year, from :meth:`DevaluationProcess.hazard`; left out, the mean of its Gamma.

    Returns
    -------
    (D, Y), logarithm, 0 or more, never falling.
    """
    u = number("uniforms", uniforms, "numbers from 0 to 1", low=0.0, high=1.0)
    z = number("normals", normals, "standard normal numbers")
    expected = (process.events + 0.5) / process.years
    h = number("hazard", expected if hazard is None else hazard, "jumps per year, 0 or more", low=0.0)
    jumps = u < -np.expm1(-h)[..., None]
    size = np.maximum(process.size + process.size_sd * z, 0.0)
    return np.cumsum(np.where(jumps, size, 0.0), axis=1)

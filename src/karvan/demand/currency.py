"""How an exchange rate may move: swings that come back, and the jumps of a currency that is held to another.

The real value of a currency (home prices in foreign money) wanders and comes back half way in years, not months; that
is a level with a memory (autoregression of order one). A currency that is held to another moves otherwise, not at all
for years and then by a jump; that is a process of its own.

Letters: ``T`` years on record, ``D`` draws, ``Y`` years ahead.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.base.checks import number
from karvan.base.errors import InputError

_LEAST = 8
"""Pairs of years below which no memory is fitted: three things are estimated from them."""

_RHO_RANGE = (0.0, 0.98)
"""Where the memory may lie. ``assumed``: a real rate that never comes back has no level to come back to."""


JUMP = 0.1
"""Change of the logarithm in a year that counts as a jump, some 10 %: ``assumed``, range 0.05 to 0.2."""


@dataclass(frozen=True)
class Reversion:
    """How the logarithm of a level strays from its mean and comes back."""

    mean: float
    """Level it comes back to, logarithm."""
    rho: float
    """Part of a deviation that is left after a year; half of it is gone after ``ln 0.5 / ln rho`` years."""
    rho_se: float
    sd: float
    """Standard deviation of a year's disturbance."""
    sd_se: float
    pairs: int
    """Pairs of years it was fitted to."""


def fit_reversion(log_level: ArrayLike, *, leave_out: ArrayLike = False) -> Reversion:
    """Memory and disturbance of a level that comes back to its mean.

    ``r_t = m + rho (r_{t-1} - m) + sigma eps_t``, least squares; ``rho`` is corrected by ``(1 + 3 rho) / n`` for its
    bias in short series (Kendall, 1954; Marriott and Pope, 1954) and held below 0.98; standard errors are those of the
    regression and ``sigma / sqrt(2 (n - 2))``.

    Parameters
    ----------
    log_level : (T,), natural logarithm, one row a year; nan where the year is not known.
    leave_out : (T,), true for years whose change is explained otherwise, by a jump: no pair with the year before.

    Returns
    -------
    Reversion

    Raises
    ------
    InputError
        With fewer than eight pairs of years, or a level that never moves.
    """
    level = np.asarray(log_level, dtype=np.float64)
    if level.ndim != 1 or np.isinf(level).any():
        raise InputError(f"log_level: found shape {level.shape}; expected one series of finite logarithms")
    out = np.broadcast_to(np.asarray(leave_out, dtype=bool), level.shape)
    paired = np.isfinite(level[1:]) & np.isfinite(level[:-1]) & ~out[1:]
    before, after = level[:-1][paired], level[1:][paired]
    n = before.size
    if n < _LEAST:
        raise InputError(f"log_level: found {n} pairs of years that follow each other; expected at least {_LEAST}")
    centred = before - before.mean()
    square = float(np.square(centred).sum())
    if square <= 0.0:
        raise InputError("log_level: found a level that never moves; expected one with a disturbance")
    raw = float((centred * after).sum()) / square
    rho = float(np.clip(raw + (1.0 + 3.0 * raw) / n, *_RHO_RANGE))
    residual = after - after.mean() - raw * centred
    sd = float(np.sqrt(np.square(residual).sum() / (n - 2)))
    return Reversion(
        mean=float((after.mean() - rho * before.mean()) / (1.0 - rho)),
        rho=rho,
        rho_se=sd / float(np.sqrt(square)),
        sd=sd,
        sd_se=sd / float(np.sqrt(2.0 * (n - 2))),
        pairs=n,
    )


def simulate_reversion(rho: ArrayLike, shocks: ArrayLike) -> Array:
    """Paths of a level around its mean, from 0: ``r_t = rho r_{t-1} + u_t``.

    Parameters
    ----------
    rho : (D, ...) or what broadcasts to it, from 0 to below 1.
    shocks : (D, Y, ...), the disturbances, jumps among them; logarithm.

    Returns
    -------
    (D, Y, ...), logarithm of the level over the one it comes back to.

    >>> simulate_reversion(0.5, [[1.0, 0.0, 0.0]])
    array([[1.  , 0.5 , 0.25]])
    """
    memory = number("rho", rho, "from 0 to below 1", low=0.0, high=1.0, open_high=True)
    u = number("shocks", shocks, "logarithms")
    if u.ndim < 2:
        raise InputError(f"shocks: found shape {u.shape}; expected (draws, years) and the axes of the process")
    out = np.empty(u.shape)
    level = np.zeros(u.shape[:1] + u.shape[2:])
    for year in range(u.shape[1]):
        level = memory * level + u[:, year]
        out[:, year] = level
    return out


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
    log_rate: ArrayLike, *, threshold: float = JUMP, prior_size: float | None = None, prior_sd: float | None = None
) -> DevaluationProcess:
    """Jumps of a held currency, from a yearly record of its rate.

    A year in which the logarithm of the rate rises by more than ``threshold`` is a jump. Only changes between years
    that follow each other count, as jumps and as years.

    Parameters
    ----------
    log_rate : (T,), logarithm of home money per foreign money, one row a year; nan where the year is not known.
    threshold : log change that counts as a jump, above 0; the default is ``assumed``.
    prior_size, prior_sd : mean and standard deviation of the log jump for a currency with fewer than two on record,
        where neither can be estimated; then both must be given.

    Returns
    -------
    DevaluationProcess
    """
    rate = np.asarray(log_rate, dtype=np.float64)
    if rate.ndim != 1 or np.isinf(rate).any():
        raise InputError(f"log_rate: found shape {rate.shape}; expected one series of finite logarithms")
    change = np.diff(rate)
    change = change[np.isfinite(change)]
    if not change.size:
        raise InputError("log_rate: found no two years that follow each other; expected at least one change")
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
    process: DevaluationProcess,
    uniforms: ArrayLike,
    normals: ArrayLike,
    *,
    hazard: ArrayLike | None = None,
    size: ArrayLike | None = None,
) -> Array:
    """Paths of a held currency: the logarithm of what the foreign money costs over what it costs now.

    In each year a jump happens with probability ``1 - exp(-h)``; its logarithm is normal and never below 0.

    Parameters
    ----------
    process : :class:`DevaluationProcess`.
    uniforms : (D, Y), from 0 to 1: whether it jumps.
    normals : (D, Y), standard normal: by how much.
    hazard : (D,), (D, Y) or scalar, jumps per year, from :meth:`DevaluationProcess.hazard`; left out, the mean of its
        Gamma.
    size : (D,) or scalar, mean of the log jump in each draw; left out, that of the process.

    Returns
    -------
    (D, Y), logarithm, 0 or more, never falling.
    """
    u = number("uniforms", uniforms, "numbers from 0 to 1", low=0.0, high=1.0)
    z = number("normals", normals, "standard normal numbers")
    expected = (process.events + 0.5) / process.years
    h = number("hazard", expected if hazard is None else hazard, "jumps per year, 0 or more", low=0.0)
    jumps = u < -np.expm1(-(h if h.ndim == u.ndim else h[..., None]))
    mean = number("size", process.size if size is None else size, "logarithms")[..., None]
    return np.cumsum(np.where(jumps, np.maximum(mean + process.size_sd * z, 0.0), 0.0), axis=1)

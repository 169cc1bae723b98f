"""Many short series, each weak alone: pull every estimate towards what all of them say together.

A country's growth or ownership curve rests on ten or twenty years. Its estimate is averaged with a prior, each weighted
by how precise it is; the prior comes from the literature, or from the spread between the countries themselves
(empirical Bayes). A country with a long, quiet record keeps its own figure; one with a short, noisy record takes mostly
that of the others.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.base.checks import number
from karvan.base.errors import InputError


@dataclass(frozen=True)
class Shrunk:
    """Estimates after they were pulled together. ``mean``, ``sd`` and ``weight`` are (...)."""

    mean: Array
    """Posterior mean, in the unit of the estimate."""
    sd: Array
    """Posterior standard deviation."""
    weight: Array
    """Weight of the country's own record, share of 1."""
    prior_mean: float
    """What the prior, or all countries together, say."""
    prior_sd: float
    """How far countries truly differ, their errors of measurement taken out."""


def shrink(
    estimate: ArrayLike, error: ArrayLike, *, prior_mean: float | None = None, prior_sd: float | None = None
) -> Shrunk:
    """Estimates averaged with a prior, each weighted by its precision.

    ``w = sd^2 / (sd^2 + e^2)``, mean ``w x + (1 - w) m``, variance ``w e^2``. Without a prior, ``sd^2`` is the variance
    between countries by moments (DerSimonian and Laird, 1986, equation 8) and ``m`` the mean weighted with it.

    Parameters
    ----------
    estimate : (...), in any unit; nan where there is none: it gets the prior.
    error : (...), standard error of the estimate, above 0, same unit; not read where the estimate is nan.
    prior_mean, prior_sd : both or neither, same unit, ``prior_sd`` above 0.

    Returns
    -------
    Shrunk
    """
    x, e = np.broadcast_arrays(np.asarray(estimate, dtype=np.float64), np.asarray(error, dtype=np.float64))
    known = ~np.isnan(x)
    number("error", e[known], "a standard error above 0", low=0.0, open_low=True)
    if (prior_mean is None) != (prior_sd is None):
        raise InputError("prior: found only one of prior_mean and prior_sd; expected both, or neither")
    if prior_mean is None or prior_sd is None:
        if known.sum() < 3:
            raise InputError(f"estimate: found {known.sum()} known; expected at least 3; give prior_mean and prior_sd")
        prior_mean, prior_sd = _between(x[known], e[known])
    number("prior_sd", prior_sd, "0 or more", low=0.0)
    own = np.where(known, np.square(np.where(known, e, 1.0)), np.inf)
    weight = np.where(known, prior_sd**2 / (prior_sd**2 + own), 0.0)
    mean = np.where(known, weight * np.where(known, x, 0.0) + (1.0 - weight) * prior_mean, prior_mean)
    sd = np.where(known, np.sqrt(weight * np.where(known, own, 0.0)), prior_sd)
    return Shrunk(mean=mean, sd=sd, weight=weight, prior_mean=float(prior_mean), prior_sd=float(prior_sd))


def _between(x: Array, e: Array) -> tuple[float, float]:
    """Mean of the countries and the true spread between them."""
    w = 1.0 / np.square(e)
    fixed = float((w * x).sum() / w.sum())
    q = float((w * np.square(x - fixed)).sum())
    scale = float(w.sum() - np.square(w).sum() / w.sum())
    variance = max((q - (x.size - 1)) / scale, 0.0) if scale > 0.0 else 0.0
    w = 1.0 / (np.square(e) + variance)
    return float((w * x).sum() / w.sum()), float(np.sqrt(variance))

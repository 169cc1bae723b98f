"""Days lost for want of kits, in closed form: for thousands of draws, where :class:`~karvan.facilities.KitSupply` would
be run lot by lot.

One lot a week, each exactly a week's need: a line that has waited never catches up, so a year loses the longest delay
of any lot, less the safety stock. The rule is fitted to simulations of that; the fit's own error is stated.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.base.errors import InputError

WEEK: Final = 7.0
"""Days between lots, for which the rule is fitted."""
YEAR: Final = 364.0
"""Days of the simulated year: 52 lots."""
KITS_ERROR_RMS: Final = 0.0004
"""Root-mean-square error of :func:`kits_at_hand`, share of the year, over lead times of 10 to 55 days, standard
deviations of 1 to 12 days (at most 0.6 of the mean) and stocks of 0 to 5 standard deviations."""
KITS_ERROR_MAX: Final = 0.0020
"""The largest error there; it lies at standard deviations of 12 days without stock."""
_LONGEST: Final = (1.589, -0.587, -0.048, 0.211, -0.219)
_WIDTH: Final = (-1.615, -0.044, 0.104, 0.542, 0.547)


def kits_at_hand(lead_mean_days: ArrayLike, lead_sd_days: ArrayLike, safety_days: ArrayLike) -> Array:
    """Share of the year for which kits are at hand: the factor of the rung ``kits``.

    ``1 - sd w ln(1 + exp((m - k) / w)) / 364`` with ``k = safety / sd`` and ``m`` (the longest delay of a year, in
    standard deviations) and ``ln w`` of the form ``a0 + a1 s + a2 s^2 + a3 v + a4 v s``, ``s = ln(sd / 7)``,
    ``v = sd / mean``. Fitted by least squares to 735 settings of :class:`~karvan.facilities.KitSupply` (gamma lead
    times, one lot a week, 6,000 years each); errors: :data:`KITS_ERROR_RMS`, :data:`KITS_ERROR_MAX`.

    Parameters
    ----------
    lead_mean_days, lead_sd_days, safety_days : (...), days; mean above 0, the others 0 or more. Outside the fitted
        range the nearest standard deviation and ratio are taken for the shape.

    Returns
    -------
    (...), share of 1.

    >>> kits_at_hand(24, 4, [0, 5, 10]).round(3)       # simulated: 0.978, 0.992, 0.9997
    array([0.978, 0.992, 1.   ])
    """
    mean, sd, stock = np.broadcast_arrays(
        *(np.asarray(value, dtype=np.float64) for value in (lead_mean_days, lead_sd_days, safety_days))
    )
    if not ((mean > 0.0) & (sd >= 0.0) & (stock >= 0.0) & np.isfinite(mean + sd + stock)).all():
        raise InputError("kits: expected days of lead time above 0, spread and safety stock of 0 or more, all finite")
    spread = np.maximum(sd, 1e-9)
    size = np.log(np.clip(spread, 1.0, 12.0) / WEEK)
    ratio = np.clip(spread / mean, 0.0, 0.6)
    terms = np.stack([np.ones_like(size), size, size**2, ratio, ratio * size], axis=-1)
    longest, width = terms @ np.array(_LONGEST), np.exp(terms @ np.array(_WIDTH))
    days = spread * width * np.logaddexp(0.0, (longest - stock / spread) / width)
    return np.asarray(np.clip(1.0 - days / YEAR, 0.0, 1.0))

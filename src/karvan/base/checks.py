"""Refusing numbers that would give a silent wrong answer, in one sentence each."""

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.base.errors import InputError


def number(
    name: str,
    values: ArrayLike,
    expected: str,
    *,
    low: float = -np.inf,
    high: float = np.inf,
    open_low: bool = False,
    open_high: bool = False,
) -> Array:
    """``values`` as floats, each between ``low`` and ``high`` and none missing; else :class:`InputError`."""
    array = np.asarray(values, dtype=np.float64)
    # The ends say it for all, and a missing number is both of them.
    least, most = float(array.min(initial=np.inf)), float(array.max(initial=-np.inf))
    inside = (low < least if open_low else low <= least) and (most < high if open_high else most <= high)
    if array.size == 0 or (inside and -np.inf < least and most < np.inf):
        return array
    above = array > low if open_low else array >= low
    below = array < high if open_high else array <= high
    good = above & below & np.isfinite(array)
    if not good.all():
        offender = array[~good].flat[0]
        raise InputError(f"{name}: found {offender:g}; expected {expected}; correct the number or leave the case out")
    return array


def shares(name: str, values: ArrayLike, *, tolerance: float = 1e-9) -> Array:
    """``values`` as shares that sum to 1 over the last axis, none below 0; else :class:`InputError`."""
    array = number(name, values, "a share of 1, from 0 to 1", low=0.0, high=1.0 + tolerance)
    sums = array.sum(axis=-1)
    good = np.abs(sums - 1.0) <= tolerance
    if not np.all(good):
        offender = np.asarray(sums)[~np.asarray(good)].flat[0]
        raise InputError(f"{name}: the shares sum to {offender:.9g}; expected 1; divide them by their sum")
    return array

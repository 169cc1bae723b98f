"""Uncertain cells: a number with its range, its shape and its source, and the way to draw from it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from karvan.base.axes import Array
from karvan.base.errors import InputError


@dataclass(frozen=True)
class Cell:
    """One uncertain number of a study. ``place`` is file:line, or the register a default comes from."""

    name: str
    """Full name, such as ``theta`` or ``kit_price.hajigabul_azermash_cp``: the key of its random stream."""
    low: float
    mid: float
    high: float
    distribution: str
    unit: str
    source: str
    note: str
    place: str
    group: str

    @property
    def assumed(self) -> bool:
        """Whether nobody measured it."""
        return self.source.startswith("assumed")

    @property
    def certain(self) -> bool:
        """Whether every draw gives the same value."""
        return self.distribution in ("fixed", "") or self.low == self.high

    def draw(self, uniform: Array) -> Array:
        """Values at the quantiles ``uniform``: (D,) in (0, 1) -> (D,), in the cell's unit."""
        if self.certain:
            return np.full(uniform.shape, self.mid)
        return quantile(self.distribution, self.low, self.mid, self.high, uniform)


def common_place(name: str, source: str, note: str, place: str, group: str) -> Cell:
    """Where several ranges stand together between their low and their high ends: one draw for all of them.

    Its quantiles go into :meth:`Cell.draw` of each. ``place`` is the file of those ranges.
    """
    return Cell(name, 0.0, 0.5, 1.0, "uniform", "share of 1", source, note, place, group)


def quantile(distribution: str, low: float, mid: float, high: float, p: Array) -> Array:
    """Inverse distribution function of an uncertain cell.

    ``triangular``: least ``low``, likeliest ``mid``, greatest ``high``. ``uniform``: from ``low`` to ``high``; ``mid``
    is not used. ``normal`` and ``lognormal``: 5, 50 and 95 % points; the two halves may differ in width (split
    normal, on the logarithm for lognormal), so that all three points are met.

    Parameters
    ----------
    p : any shape, in (0, 1).

    Returns
    -------
    Same shape. Errors: a lognormal whose low is not above 0; an unknown shape.
    """
    if distribution == "triangular":
        width = high - low
        cut = (mid - low) / width
        left = low + np.sqrt(p * width * (mid - low))
        right = high - np.sqrt((1.0 - p) * width * (high - mid))
        return np.where(p < cut, left, right)
    if distribution == "uniform":
        return low + p * (high - low)
    if distribution in ("normal", "lognormal"):
        from scipy.special import ndtri  # scipy is slow to import; only drawing needs it

        if distribution == "lognormal":
            if low <= 0.0:
                raise InputError(f"a lognormal range needs a low above 0, found {low:g}; use triangular or uniform")
            low, mid, high = math.log(low), math.log(mid), math.log(high)
        z = ndtri(p)
        z95 = 1.6448536269514722
        value = mid + np.where(z < 0.0, (mid - low) / z95, (high - mid) / z95) * z
        return np.asarray(np.exp(value) if distribution == "lognormal" else value, dtype=np.float64)
    raise InputError(f"unknown distribution {distribution!r}; known: triangular, uniform, normal, lognormal, fixed")


def cell_of_range(
    name: str, row: Mapping[str, Any], low: str, mid: str, high: str, unit: str, group: str
) -> Cell | None:
    """An uncertain cell from three columns of a row; None where the middle is empty."""
    if row[mid] is None:
        return None
    middle = float(row[mid])
    ends = (middle if row[low] is None else float(row[low]), middle if row[high] is None else float(row[high]))
    shape = "fixed" if ends[0] == ends[1] else "triangular"
    place = f"{row['_file']}:{row['_line']}"
    return Cell(name, ends[0], middle, ends[1], shape, unit, str(row["source"]), str(row["note"] or ""), place, group)

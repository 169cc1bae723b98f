"""Light commercial vehicles, buses and trucks: what the economy buys, beside the cars that people own.

Their sales follow the size of the economy with an elasticity, and stray from that for some years. They are lines of
their own, never added to cars.

Letters: ``T`` years, ``N`` countries, ``D`` draws, ``Y`` years ahead, ``K`` kinds of vehicle.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array, BoolArray
from karvan.base.checks import number
from karvan.base.errors import InputError

KINDS: Final[tuple[str, ...]] = ("light_commercial", "bus", "truck")
"""Kinds of commercial vehicle: vans, buses, and lorries with road tractors."""
_ROUNDS = 200
_SETTLED = 1e-10


@dataclass(frozen=True)
class PanelFit:
    """What one series does when another moves by one per cent, within countries and apart from years good for all."""

    elasticity: float
    se: float
    """Standard error, by countries (clustered)."""
    sd: float
    """Standard deviation of the disturbance of one year, logarithm."""
    rho: float
    """Part of a country's deviation that is left a year later."""
    countries: int
    count: int


def fit_panel(log_y: ArrayLike, log_x: ArrayLike) -> PanelFit:
    """Elasticity of ``y`` to ``x`` with effects of countries and of years.

    ``ln y = a_n + b_t + e ln x + u``, least squares after both means are taken out by turns (the within estimator);
    standard error clustered by country (Arellano, 1987). ``u`` has memory ``rho`` by least squares; ``sd`` is that of
    ``u_t - rho u_{t-1}``.

    Parameters
    ----------
    log_y, log_x : (T, N), natural logarithms; nan where not known. A pair counts where both are known.

    Raises
    ------
    InputError
        With fewer than five countries of five pairs, or an ``x`` that never moves.
    """
    y, x = np.asarray(log_y, dtype=np.float64), np.asarray(log_x, dtype=np.float64)
    if y.ndim != 2 or y.shape != x.shape:
        raise InputError(f"log_y, log_x: found shapes {y.shape} and {x.shape}; expected the same (years, countries)")
    known = np.isfinite(y) & np.isfinite(x)
    known &= (known.sum(axis=0) >= 5)[None, :]
    countries = int(known.any(axis=0).sum())
    if countries < 5:
        raise InputError(f"log_y: found {countries} countries with five years; expected at least 5")
    across, within = _within(y, known), _within(x, known)
    square = float(np.square(within).sum())
    if square <= 0.0:
        raise InputError("log_x: found a series that moves alike everywhere; expected one that tells countries apart")
    elasticity = float((within * across).sum()) / square
    u = np.where(known, across - elasticity * within, 0.0)
    score = (within * u).sum(axis=0)
    se = float(np.sqrt(np.square(score).sum() * countries / (countries - 1))) / square
    paired = known[1:] & known[:-1]
    before, after = u[:-1][paired], u[1:][paired]
    rho = float(np.clip((before * after).sum() / max(float(np.square(before).sum()), 1e-300), 0.0, 0.98))
    sd = float(np.sqrt(np.square(after - rho * before).mean()))
    return PanelFit(elasticity, se, sd, rho, countries, int(known.sum()))


def _within(values: Array, known: BoolArray) -> Array:
    """Values less the means of their country and year, 0 where not known."""
    out = np.where(known, values, 0.0)
    by_country, by_year = known.sum(axis=0), known.sum(axis=1)
    for _ in range(_ROUNDS):
        out = np.where(known, out - out.sum(axis=0) / np.maximum(by_country, 1), 0.0)
        mean = out.sum(axis=1) / np.maximum(by_year, 1)
        out = np.where(known, out - mean[:, None], 0.0)
        if np.abs(mean).max() < _SETTLED:
            break
    return out


def commercial_sales(level: ArrayLike, economy: ArrayLike, elasticity: ArrayLike, deviation: ArrayLike) -> Array:
    """New commercial vehicles bought each year.

    ``s_t = s_0 (GDP_t / GDP_0)^e exp(u_t)``.

    Parameters
    ----------
    level : (D,), vehicles a year on record, 0 or more.
    economy : (D, Y), real GDP over that of the record, above 0.
    elasticity : (D,), per cent for one per cent.
    deviation : (D, Y), logarithm, such as a path of :func:`karvan.demand.currency.simulate_reversion`.

    Returns
    -------
    (D, Y), vehicles a year.

    >>> commercial_sales([1000.0], [[1.0, 1.1]], [1.2], [[0.0, 0.0]]).round(0)
    array([[1000., 1121.]])
    """
    start = number("level", level, "vehicles a year, 0 or more", low=0.0)
    size = number("economy", economy, "a ratio above 0", low=0.0, open_low=True)
    e = number("elasticity", elasticity, "a number")
    stray = number("deviation", deviation, "logarithms")
    return np.asarray(start[..., None] * size ** e[..., None] * np.exp(stray))

"""Making an old table meet new totals: RAS, and GRAS where cells may be negative.

Letters: ``Z0`` the old matrix, ``u`` wanted row totals, ``v`` wanted column totals, ``r`` and ``s`` the multipliers of
rows and columns. RAS keeps signs and zeros and moves the shares of the old matrix as little as possible (in the sense
of relative entropy); GRAS does the same with the negative cells moving the other way.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array, BoolArray
from karvan.base.errors import InputError
from karvan.economy.faults import MarginsInfeasible, NotConverged


@dataclass(frozen=True, eq=False)
class BalanceResult:
    """A balanced matrix, and how it was reached."""

    matrix: Array
    """(I, J), in the unit of the old matrix, with the totals wanted."""
    r: Array
    """(I,), row multipliers. ``r k`` and ``s / k`` give the same matrix for any ``k``."""
    s: Array
    """(J,), column multipliers."""
    iterations: int
    """Rounds (rows, then columns) until the tolerance was met."""
    residual: float
    """Largest gap between a total reached and one wanted, relative to the largest total (share of 1)."""


def ras(
    Z0: ArrayLike,
    row_totals: ArrayLike,
    column_totals: ArrayLike,
    *,
    tolerance: float = 1e-12,
    max_iterations: int = 10_000,
) -> BalanceResult:
    """The matrix ``diag(r) Z0 diag(s)`` with the row and column totals wanted.

    ``r_i = u_i / sum_j Z0_ij s_j`` and ``s_j = v_j / sum_i r_i Z0_ij``, in turn, until both hold; Stone (1961), Miller
    and Blair (2009), section 7.4.

    Parameters
    ----------
    Z0 : (I, J), 0 or more.
    row_totals : (I,), 0 or more, same unit. column_totals : (J,), 0 or more, with the same sum.
    tolerance : largest gap allowed between a total and what was wanted, share of 1 of the largest total.
    max_iterations : rounds allowed.

    Raises
    ------
    InputError : shapes that do not fit, values that are not numbers, negative cells (use :func:`gras`) or negative
        totals, row and column totals with different sums.
    MarginsInfeasible : a total wanted from a row or column of zeros, or totals that the zeros of ``Z0`` rule out.
    NotConverged : not done in the rounds allowed.

    >>> A0 = np.array([[.120, .100, .049], [.210, .247, .265], [.026, .249, .145]])    # Miller and Blair, 7.4.2
    >>> x = np.array([421., 284, 283])
    >>> (ras(A0 * x, [245, 136, 159], [251, 107, 182]).matrix / x).round(4)
    array([[0.3924, 0.1219, 0.1596],
           [0.1509, 0.0661, 0.1897],
           [0.0529, 0.1887, 0.2938]])
    """
    Z, u, v = _checked(Z0, row_totals, column_totals, "ras")
    if Z.min(initial=0) < 0:
        i, j = (int(k) for k in np.argwhere(Z < 0)[0])
        raise InputError(f"ras: cell ({i}, {j}) is {Z[i, j]:.6g}; expected 0 or more: use gras for negative cells")
    for word, totals in (("row", u), ("column", v)):
        if totals.min(initial=0) < 0:
            k = int(np.argmin(totals))
            raise InputError(f"ras: {word} total {k} is {totals[k]:.6g}; expected 0 or more: use gras")
    _refuse_empty(Z > 0, u, v, "ras")
    scale = max(float(u.max(initial=0)), float(v.max(initial=0)), np.finfo(float).tiny)
    r, s = np.ones(len(u)), np.ones(len(v))
    residual = np.inf
    for iteration in range(1, max_iterations + 1):
        r = _divide(u, Z @ s)
        s = _divide(v, r @ Z)
        residual = float(np.abs(r * (Z @ s) - u).max(initial=0)) / scale
        if residual <= tolerance:
            return BalanceResult(r[:, None] * Z * s, r, s, iteration, residual)
    raise _gave_up("ras", Z > 0, u, v, residual, max_iterations, negative=False)


def gras(
    Z0: ArrayLike,
    row_totals: ArrayLike,
    column_totals: ArrayLike,
    *,
    tolerance: float = 1e-12,
    max_iterations: int = 10_000,
) -> BalanceResult:
    """RAS for matrices with negative cells: ``Z_ij = r_i P_ij s_j - N_ij / (r_i s_j)``, ``Z0 = P - N``.

    ``r_i = (u_i + sqrt(u_i^2 + 4 p_i n_i)) / (2 p_i)`` with ``p_i = sum_j P_ij s_j`` and ``n_i = sum_j N_ij / s_j``
    (``r_i = -n_i / u_i`` where ``p_i`` is 0), columns alike, in turn. Junius and Oosterhaven (2003) in the corrected
    form of Lenzen, Wood and Gallego (2007); rows without positive cells as in Temurshoev, Miller and Bouwmeester
    (2013).

    Parameters, returns and errors as in :func:`ras`, cells and totals of any sign.

    >>> old = [[7, 3, 5, -3], [2, 9, 8, 1], [-2, 0, 2, 1]]                  # Junius and Oosterhaven (2003), Table 1
    >>> gras(old, [15, 26, -1], [9, 16, 17, -2]).matrix.round(4) + 0.0
    array([[ 8.9764,  3.7432,  5.7217, -3.4413],
           [ 2.7993, 12.2568,  9.9923,  0.9515],
           [-2.7758,  0.    ,  1.286 ,  0.4898]])
    """
    Z, u, v = _checked(Z0, row_totals, column_totals, "gras")
    P, N = np.maximum(Z, 0), np.maximum(-Z, 0)
    _refuse_empty(Z != 0, u, v, "gras")
    for word, totals, axis in (("row", u, 1), ("column", v, 0)):
        wrong = ((totals > 0) & (P.sum(axis=axis) == 0)) | ((totals < 0) & (N.sum(axis=axis) == 0))
        wrong |= (totals == 0) & ((P.sum(axis=axis) == 0) != (N.sum(axis=axis) == 0))
        if wrong.any():
            k = int(np.argmax(wrong))
            raise MarginsInfeasible(
                f"gras: {word} {k} has a total of {totals[k]:.6g} wanted and no cells of the sign that could reach it; "
                "change the total or put a cell there"
            )
    scale = max(float(np.abs(u).max(initial=0)), float(np.abs(v).max(initial=0)), np.finfo(float).tiny)
    r, s = np.ones(len(u)), np.ones(len(v))
    residual = np.inf
    for iteration in range(1, max_iterations + 1):
        r = _root(u, P @ s, N @ (1 / s))
        s = _root(v, r @ P, (1 / r) @ N)
        matrix = r[:, None] * P * s - N / (r[:, None] * s)
        residual = float(np.abs(matrix.sum(axis=1) - u).max(initial=0)) / scale
        if residual <= tolerance:
            return BalanceResult(matrix, r, s, iteration, residual)
        if not np.isfinite(residual):
            break
    raise _gave_up("gras", Z != 0, u, v, residual, max_iterations, negative=True)


def _checked(Z0: ArrayLike, row_totals: ArrayLike, column_totals: ArrayLike, who: str) -> tuple[Array, Array, Array]:
    Z, u, v = (np.array(values, dtype=np.float64) for values in (Z0, row_totals, column_totals))
    if Z.ndim != 2 or u.shape != (Z.shape[0],) or v.shape != (Z.shape[1],):
        raise InputError(
            f"{who}: matrix {Z.shape} with {u.shape} row and {v.shape} column totals; expected (I, J), (I,) and (J,)"
        )
    for word, values in (("matrix", Z), ("row totals", u), ("column totals", v)):
        if not np.isfinite(values).all():
            raise InputError(f"{who}: the {word} hold values that are not numbers")
    size = max(float(np.abs(u).sum()), float(np.abs(v).sum()))
    if abs(float(u.sum() - v.sum())) > 1e-9 * size:
        raise InputError(
            f"{who}: row totals sum to {u.sum():.10g} and column totals to {v.sum():.10g}; expected the same sum: "
            "scale one of them first, and say so"
        )
    # What rounding leaves between the two sums is spread over the columns: else the last digits could never settle.
    if v.sum() != 0:
        v = v * (u.sum() / v.sum())
    return Z, u, v


def _refuse_empty(pattern: BoolArray, u: Array, v: Array, who: str) -> None:
    for word, totals, axis in (("row", u, 1), ("column", v, 0)):
        empty = ~pattern.any(axis=axis) & (totals != 0)
        if empty.any():
            k = int(np.argmax(empty))
            raise MarginsInfeasible(
                f"{who}: {word} {k} is all zeros and {totals[k]:.6g} is wanted; zeros stay zeros: put something there"
            )


def _divide(wanted: Array, have: Array) -> Array:
    answer: Array = np.divide(wanted, have, out=np.ones_like(wanted), where=have > 0)
    return answer


def _root(total: Array, p: Array, n: Array) -> Array:
    root = np.sqrt(total * total + 4 * p * n)
    # For a negative total the plain form subtracts two nearly equal numbers; its twin does not.
    twin = np.divide(2 * n, root - total, out=np.ones_like(p), where=(root - total) > 0)
    plain = np.divide(total + root, 2 * p, out=np.ones_like(p), where=p > 0)
    answer: Array = np.where((total < 0) | (p == 0), twin, plain)
    return answer


def _gave_up(
    who: str, pattern: BoolArray, u: Array, v: Array, residual: float, iterations: int, *, negative: bool
) -> InputError:
    """What to say: that the zeros rule the totals out (a linear programme proves it), or that it takes longer."""
    if not negative and u.sum() > 0:
        reach = _reachable(pattern, u, v)
        if reach < (1 - 1e-9) * u.sum():
            return MarginsInfeasible(
                f"{who}: the zeros of the matrix rule these totals out: at most {reach:.6g} of {u.sum():.6g} can be "
                "placed; put cells where there are zeros, or change the totals"
            )
    return NotConverged(
        f"{who}: after {iterations} rounds a total is still off by {residual:.2e} of the largest; expected within the "
        "tolerance: allow more rounds, or look for totals that the zeros nearly rule out"
    )


def _reachable(pattern: BoolArray, u: Array, v: Array) -> float:
    """The most that cells of the pattern can hold within the totals (a transport problem)."""
    from scipy.optimize import linprog
    from scipy.sparse import coo_array

    i, j = np.nonzero(pattern)
    cell = np.arange(len(i))
    rows = np.concatenate([i, len(u) + j])
    limits = coo_array((np.ones(2 * len(i)), (rows, np.concatenate([cell, cell]))), shape=(len(u) + len(v), len(i)))
    answer = linprog(-np.ones(len(i)), A_ub=limits.tocsr(), b_ub=np.concatenate([u, v]), method="highs")
    return float(-answer.fun)

"""Thousands of variants of one question for the price of a few solves.

Many demands, one table: solve the transposed system once (:func:`demand_totals`). One demand, many tables that differ
in what one industry buys and sells (local content, another powertrain): :class:`SectorVariation`, the rank-2 update of
Sherman, Morrison and Woodbury. Letters: ``k`` the industry, ``dC`` the change of its column of ``A``, ``d`` the
relative change of its row, ``a_k.`` its row, ``U = [dC, d e_k]``, ``W = [e_k, a_k.]``, so that ``dA = U W'``.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.base.errors import InputError
from karvan.economy.closure import Closure
from karvan.economy.faults import NotProductive
from karvan.economy.table import InputOutputTable, per_unit


def demand_totals(
    table: InputOutputTable,
    demands: ArrayLike,
    account: str,
    *,
    type: str = "I",
    closure: Closure | None = None,
) -> Array:
    """The total of an account for each of many final demands: one transposed solve, then dot products.

    ``total_m = e . f_m`` with ``e`` the effects; the adjoint of ``v' L f``.

    Parameters
    ----------
    demands : (..., S), money at the table's prices.

    Returns
    -------
    (...,), money, or persons for ``employment``.
    """
    f = np.asarray(demands, dtype=np.float64)
    if f.ndim < 1 or f.shape[-1] != table.size:
        raise InputError(f"demands have shape {f.shape}; expected (..., {table.size}), one value a sector")
    answer: Array = f @ table.effects(account, type=type, closure=closure).values
    return answer


class SectorVariation:
    """One table and one demand, solved once, ready for any change of one industry's purchases and sales.

    Parameters
    ----------
    sector : the industry whose column and row change.
    demand : (S,), or amounts by label, money; without it the table's own final demand.
    """

    def __init__(
        self, table: InputOutputTable, sector: str, demand: Mapping[str, float] | ArrayLike | None = None
    ) -> None:
        self._table = table
        self._k = k = table.position(sector)
        f = table.final_demand if demand is None else table.vector(demand, "demand")
        unit = np.zeros(table.size)
        unit[k] = 1.0
        self._row = table.Z[k] * per_unit(table.output)
        forward = table.solver.forward(np.column_stack([f, unit]))
        self._x, self._reach = forward[:, 0].copy(), forward[:, 1].copy()
        backward = table.solver.adjoint(np.column_stack([unit, self._row]))
        self._to_k, self._to_row = backward[:, 0].copy(), backward[:, 1].copy()

    @property
    def base(self) -> Array:
        """(S,), output before any change, money."""
        return self._x

    def totals(
        self, account: str, column_changes: ArrayLike, row_scale: ArrayLike = 0.0, own_change: ArrayLike = 0.0
    ) -> Array:
        """The total of an account in each member: ``v x0 + (v L U) S^-1 W' x0``, ``S = I - W' L U``.

        Parameters
        ----------
        column_changes : (M, S), what is added to the industry's column of ``A``, share of 1 of its output.
        row_scale : (M,) or scalar, relative change of all it sells to industries (-1: nothing any more).
        own_change : (M,) or scalar, what is added to the industry's own direct coefficient of the account.

        Returns
        -------
        (M,), money, or persons for ``employment``.

        Raises
        ------
        InputError : shapes that do not fit.
        NotProductive : a member cannot meet any demand.
        """
        dC, d = self._changes(column_changes, row_scale)
        effects = self._table.effects(account).values
        in_k, in_row = self._inner(dC, d)
        base = float(self._table.coefficients(account) @ self._x)
        answer: Array = base + in_k * (dC @ effects) + d * in_row * effects[self._k] + np.asarray(own_change) * in_k
        return answer

    def outputs(self, column_changes: ArrayLike, row_scale: ArrayLike = 0.0) -> Array:
        """Output of every industry in each member, (M, S), money. Parameters and errors as in :meth:`totals`."""
        dC, d = self._changes(column_changes, row_scale)
        in_k, in_row = self._inner(dC, d)
        return self._spread(dC, d, in_k, in_row)

    def _spread(self, dC: Array, d: Array, in_k: Array, in_row: Array) -> Array:
        through = self._table.solver.forward(np.ascontiguousarray(dC.T)).T
        answer: Array = self._x + in_k[:, None] * through + (d * in_row)[:, None] * self._reach
        return answer

    def _changes(self, column_changes: ArrayLike, row_scale: ArrayLike) -> tuple[Array, Array]:
        dC = np.atleast_2d(np.asarray(column_changes, dtype=np.float64))
        if dC.ndim != 2 or dC.shape[1] != self._table.size:
            raise InputError(f"column_changes have shape {dC.shape}; expected (M, {self._table.size})")
        try:
            d = np.broadcast_to(np.asarray(row_scale, dtype=np.float64), dC.shape[:1])
        except ValueError:
            raise InputError(
                f"row_scale has shape {np.shape(row_scale)}; expected {dC.shape[:1]} or one number"
            ) from None
        return dC, d

    def _inner(self, dC: Array, d: Array) -> tuple[Array, Array]:
        """``y = S^-1 W' x0``: output of the industry, and its sales to industries at the old row, in each member."""
        # Two products with one vector: BLAS would repack the members for a product with two.
        s11, s21 = 1.0 - dC @ self._to_k, -(dC @ self._to_row)
        s12, s22 = -d * self._reach[self._k], 1.0 - d * float(self._row @ self._reach)
        determinant = s11 * s22 - s12 * s21
        if (determinant <= 0).any():
            worst = int(np.argmin(determinant))
            raise NotProductive(
                f"member {worst} cannot meet any demand: with its changes {self._table.sectors[self._k]!r} needs more "
                "of its own output than it makes; expected smaller changes"
            )
        w1, w2 = self._x[self._k], float(self._row @ self._x)
        return (s22 * w1 - s12 * w2) / determinant, (s11 * w2 - s21 * w1) / determinant

"""Solving ``x = A x + f`` and its transpose without an inverse, for ten industries or ten thousand.

``A = Z diag(x)^-1`` is never formed: ``A y = Z (y / x)`` and ``A' y = (Z' y) / x``, so a large table is held once.
Small tables are factorised once (LU, LAPACK). Large ones are solved by BiCGSTAB (van der Vorst 1992, SIAM J. Sci. Stat.
Comput. 13(2)), preconditioned by the inverses of diagonal blocks (in an inter-country table: the domestic blocks), and
stopped when every industry, not only the norm, is exact to the tolerance.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from karvan.base.axes import Array, BoolArray
from karvan.base.errors import InputError
from karvan.economy.faults import NotConverged, NotProductive

DENSE_LIMIT = 1500
"""Industries up to which the factorisation is used. Above, a few passes over the table are cheaper than one LU."""


@dataclass(frozen=True)
class SolverOptions:
    """How a large table is solved."""

    tolerance: float = 1e-12
    """Largest residual of an industry, relative to that industry's own solution (share of 1)."""
    max_iterations: int = 200
    """Steps allowed; each step passes twice over the table."""
    block: int = 200
    """Industries in a diagonal block of the preconditioner: the industries of a country where countries are stacked."""
    dense_limit: int = DENSE_LIMIT
    """Industries up to which LU is used instead."""

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1e-3:
            raise InputError(
                f"tolerance is {self.tolerance}; expected between 0 and 1e-3: looser stops leave small industries wrong"
            )
        if self.max_iterations < 1 or self.block < 1 or self.dense_limit < 0:
            raise InputError("max_iterations and block must be at least 1, dense_limit at least 0")


class LeontiefSolver:
    """Solutions of ``(I - A) x = f`` and ``(I - A)' y = v`` for one table.

    Parameters
    ----------
    Z : (S, S), flows between industries, money. Read, never copied.
    x : (S,), output, money. An industry without output buys nothing.
    """

    def __init__(self, Z: Array, x: Array, options: SolverOptions | None = None) -> None:
        self._Z = Z
        self._per_output = np.divide(1.0, x, out=np.zeros_like(x), where=x != 0)
        self._options = options if options is not None else SolverOptions()
        self._lu: Any = None
        self._blocks: list[Array] | None = None
        self.passes = 0
        """Passes over the table made so far (a pass serves all right-hand sides)."""

    @property
    def size(self) -> int:
        """Industries in the table."""
        return int(self._Z.shape[0])

    def forward(self, f: Array) -> Array:
        """Output needed for final demand ``f``: ``x = (I - A)^-1 f``. ``f`` is (S,) or (S, R); so is the answer."""
        return self._solve(f, transposed=False)

    def adjoint(self, v: Array) -> Array:
        """Content per unit of final demand of a row ``v``: ``y = (I - A')^-1 v``. Shapes as in :meth:`forward`."""
        return self._solve(v, transposed=True)

    def _solve(self, rhs: Array, *, transposed: bool) -> Array:
        if self.size <= self._options.dense_limit:
            from scipy.linalg import lu_factor, lu_solve  # slow to import; only needed once a question is asked

            with _one_thread("scipy"):
                if self._lu is None:
                    self._lu = lu_factor(np.eye(self.size) - self._Z * self._per_output, check_finite=False)
                answer: Array = lu_solve(self._lu, rhs, trans=1 if transposed else 0, check_finite=False)
            return answer
        columns = rhs[:, None] if rhs.ndim == 1 else rhs
        with _one_thread("numpy"):
            solved = self._bicgstab(np.ascontiguousarray(columns.T), transposed=transposed).T
        return solved[:, 0].copy() if rhs.ndim == 1 else np.ascontiguousarray(solved)

    def _apply(self, y: Array, *, transposed: bool) -> Array:
        """``A y`` (or ``A' y``) for rows of ``y`` (R, S): every block of the table is read once for all of them."""
        self.passes += 1
        Z, per = self._Z, self._per_output
        source = y if transposed else y * per
        result = np.zeros_like(source) if transposed else np.empty_like(source)
        # Two products with one vector on a block that is still in the cache beat one product with two vectors, for
        # which BLAS repacks the whole table.
        step = max(1, (1 << 22) // (8 * self.size))
        for start in range(0, self.size, step):
            part = Z[start : start + step]
            for row in range(source.shape[0]):
                if transposed:
                    result[row] += source[row, start : start + step] @ part
                else:
                    result[row, start : start + step] = part @ source[row]
        return result * per if transposed else result

    def _precondition(self, y: Array, *, transposed: bool) -> Array:
        """``M^-1 y`` for rows of ``y``, ``M`` the diagonal blocks of ``I - A``."""
        if self._blocks is None:
            step = self._options.block
            self._blocks = []
            for start in range(0, self.size, step):
                stop = min(start + step, self.size)
                A = self._Z[start:stop, start:stop] * self._per_output[start:stop]
                self._blocks.append(np.asarray(np.linalg.inv(np.eye(stop - start) - A), dtype=np.float64))
        result = np.empty_like(y)
        start = 0
        for inverse in self._blocks:
            stop = start + inverse.shape[0]
            result[:, start:stop] = y[:, start:stop] @ (inverse if transposed else inverse.T)
            start = stop
        return result

    def _bicgstab(self, b: Array, *, transposed: bool) -> Array:
        """Rows of ``b`` (R, S) solved side by side, each with its own recurrence, frozen when it is exact."""

        def operator(y: Array) -> Array:
            return y - self._apply(y, transposed=transposed)

        def closer(y: Array) -> Array:
            return self._precondition(y, transposed=transposed)

        return _bicgstab(operator, closer, b, self._options)


def _one_thread(package: str) -> AbstractContextManager[Any]:
    """One BLAS thread for the time of a ``with``.

    Small tables are solved in less time than threads need to find each other, passes over large ones wait for memory;
    and threads that wait for each other cost tenfold as soon as anything else runs. It keeps the bytes the same too.
    """
    limit: AbstractContextManager[Any] = _libraries(package).limit(limits=1, user_api="blas")
    return limit


@lru_cache(maxsize=2)
def _libraries(package: str) -> Any:
    """The numerical libraries of this process, looked for once: that takes longer than a small table.

    ``package`` is the one whose own library must be loaded by then, or it would not be found.
    """
    from importlib import import_module

    from threadpoolctl import ThreadpoolController

    import_module(f"{package}.linalg")
    return ThreadpoolController()


def _bicgstab(
    operator: Callable[[Array], Array], closer: Callable[[Array], Array], b: Array, options: SolverOptions
) -> Array:
    """BiCGSTAB with right preconditioning until the largest residual is small, then sweeps until every entry is exact.

    BiCGSTAB mixes large and small industries, and rounding of the large ones drowns the small. A sweep
    ``x + M^-1 (b - A x)`` adds up what reaches each industry, all of one sign, so each keeps its own digits.
    """
    x = closer(b)
    r = b - operator(x)
    shadow = r.copy()
    rho = alpha = omega = np.ones(b.shape[0])
    v = p = np.zeros_like(b)
    done = _small(r, x, options.tolerance)
    steps = 0
    while not done.all() and steps < options.max_iterations:
        steps += 1
        rho_new = np.einsum("rs,rs->r", shadow, r)
        beta = _ratio(rho_new * alpha, rho * omega)
        p = r + beta[:, None] * (p - omega[:, None] * v)
        p_close = closer(p)
        v = operator(p_close)
        alpha = _ratio(rho_new, np.einsum("rs,rs->r", shadow, v))
        s = r - alpha[:, None] * v
        s_close = closer(s)
        t = operator(s_close)
        omega = _ratio(np.einsum("rs,rs->r", t, s), np.einsum("rs,rs->r", t, t))
        active = ~done[:, None]
        x = np.where(active, x + alpha[:, None] * p_close + omega[:, None] * s_close, x)
        r = np.where(active, s - omega[:, None] * t, r)
        rho = rho_new
        done |= _small(r, x, options.tolerance)
    for _ in range(options.max_iterations - steps + 1):
        r = b - operator(x)  # the true residual: that of the recurrence drifts away from it
        exact = _exact(r, x, options.tolerance)
        if exact.all():
            return x
        x = np.where(exact[:, None], x, x + closer(r))
    floor = _floor(x)
    worst = float((np.abs(r) / np.maximum(np.abs(x), floor)).max())
    raise NotConverged(
        f"the table was not solved to {options.tolerance:g} in {options.max_iterations} steps: the worst industry is "
        f"off by {worst:.1e} of its output; check the table for industries whose inputs cost nearly all of their "
        "output, or allow more steps"
    )


def _floor(x: Array) -> Array:
    """(R, 1), the size below which an industry counts as not reached at all."""
    scale: Array = np.abs(x).max(axis=1, keepdims=True)
    return np.where(scale > 0, scale, 1.0) * 1e-30


def _small(r: Array, x: Array, tolerance: float) -> BoolArray:
    """(R,), whether the largest residual of a row is small against its largest entry."""
    return np.asarray(np.abs(r).max(axis=1) <= tolerance * np.abs(x).max(axis=1))


def _exact(r: Array, x: Array, tolerance: float) -> BoolArray:
    """(R,), whether every entry of a row is exact to the tolerance, relative to itself."""
    return np.asarray((np.abs(r) <= tolerance * np.maximum(np.abs(x), _floor(x))).all(axis=1))


def _ratio(top: Array, bottom: Array) -> Array:
    """``top / bottom``, 0 where the bottom is 0: a solved right-hand side has nothing left to do."""
    answer: Array = np.divide(top, bottom, out=np.zeros_like(top), where=bottom != 0)
    return answer


def spectral_radius(Z: Array, x: Array) -> float:
    """The largest eigenvalue of ``|A|``, below 1 for a table that can meet any demand (share of 1).

    Power iteration on the matrix of absolute values, whose dominant eigenvalue is real (Perron and Frobenius); Miller
    and Blair (2009), section 2.4. A matrix with negative cells is judged by its absolute values, on the safe side.
    """
    per = np.divide(1.0, x, out=np.zeros_like(x), where=x != 0)
    size = Z.shape[0]
    if size <= 400:
        return float(np.abs(np.linalg.eigvals(np.abs(Z) * np.abs(per))).max()) if size else 0.0
    vector = np.ones(size)
    radius = 0.0
    step = max(1, (1 << 25) // (8 * size))
    for _ in range(200):
        scaled = vector * np.abs(per)
        image = np.concatenate([np.abs(Z[start : start + step]) @ scaled for start in range(0, size, step)])
        before, radius = radius, float(image.max() / vector.max()) if vector.max() > 0 else 0.0
        if radius == 0 or abs(radius - before) < 1e-9:
            return radius
        vector = image / radius
    return radius


def refuse_unproductive(Z: Array, x: Array, labels: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a table whose inputs outgrow its output; return the doubts about single industries.

    Raises
    ------
    NotProductive : the spectral radius of ``A`` is 1 or more.
    """
    costs = np.divide(Z.sum(axis=0), x, out=np.zeros_like(x), where=x != 0)
    if (costs < 1).all() and Z.min(initial=0.0) >= 0:
        return ()
    worst = int(np.argmax(costs))
    radius = spectral_radius(Z, x)
    if radius >= 1 and not (Z.min(initial=0.0) < 0 and (costs < 1).all()):
        raise NotProductive(
            f"the table cannot meet any demand: spectral radius {radius:.4g}, expected below 1; inputs cost most in "
            f"{labels[worst]!r}, {costs[worst]:.4g} of its output; check for rows and columns exchanged, total rows "
            "left in, or another money unit in part of the table"
        )
    return tuple(
        f"inputs of {labels[k]!r} cost {costs[k]:.4g} of its output: expected below 1"
        for k in np.flatnonzero(costs >= 1)
    )

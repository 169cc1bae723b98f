"""A regional (or small country's) table from a national (or donor's) one by location quotients.

Letters: ``x_r`` regional and ``x_n`` national output (or jobs) by industry, ``SLQ_i`` the simple quotient. An input
coefficient is cut where the region makes less of the input than the nation does, on the belief that the rest comes
from outside. ``SLQ`` overstates effects (by 13 % on Scotland); ``FLQ`` corrects for the region's size.
"""

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.base.errors import InputError


def slq(regional: ArrayLike, national: ArrayLike) -> Array:
    """Simple location quotient ``(x_r_i / x_r) / (x_n_i / x_n)``; Miller and Blair (2009), section 8.2.

    Parameters
    ----------
    regional, national : (S,), output (or employment) by industry, same unit, 0 or more; regional at most national.

    Returns
    -------
    (S,), ratio; 0 where the nation has nothing of the industry.

    >>> slq([150, 120, 60, 70], [1000, 2000, 1500, 500])
    array([1.875, 0.75 , 0.5  , 1.75 ])
    """
    r, n = _pair(regional, national)
    share = np.divide(n, n.sum(), out=np.zeros_like(n), where=n > 0)
    answer: Array = np.divide(r / r.sum(), share, out=np.zeros_like(r), where=share > 0)
    return answer


def cilq(regional: ArrayLike, national: ArrayLike) -> Array:
    """Cross-industry location quotient ``SLQ_i / SLQ_j`` (seller over buyer), with ``SLQ_i`` on the diagonal.

    Parameters as in :func:`slq`; returns (S, S), 0 where the buyer does not exist in the region.
    """
    simple = slq(regional, national)
    quotient: Array = np.divide(
        simple[:, None], simple[None, :], out=np.zeros((simple.size, simple.size)), where=simple[None, :] > 0
    )
    np.fill_diagonal(quotient, simple)
    return quotient


def flq(regional: ArrayLike, national: ArrayLike, *, delta: float) -> Array:
    """Flegg's location quotient ``CILQ_ij lambda``, ``lambda = log2(1 + x_r / x_n)^delta``.

    Flegg, Webber and Elliott (1995), Regional Studies 29(6); the diagonal uses ``SLQ_i`` (Flegg and Webber 1997).

    Parameters
    ----------
    delta : at least 0 and below 1; 0.20 to 0.30 fits most tables that could be checked. 0 gives :func:`cilq`.
    """
    if not 0 <= delta < 1:
        raise InputError(f"delta is {delta}; expected at least 0 and below 1")
    r, n = _pair(regional, national)
    size = float(np.log2(1 + r.sum() / n.sum())) ** delta
    answer: Array = cilq(r, n) * size
    return answer


def aflq(regional: ArrayLike, national: ArrayLike, *, delta: float) -> Array:
    """Augmented FLQ: ``FLQ_ij log2(1 + SLQ_j)`` where the buying industry is specialised (``SLQ_j > 1``), else FLQ.

    Flegg and Webber (2000), Regional Studies 34(6): a strong industry draws its suppliers near. Parameters and returns
    as in :func:`flq`.
    """
    augment = augmentation(regional, national)
    answer: Array = flq(regional, national, delta=delta) * augment
    return answer


def augmentation(regional: ArrayLike, national: ArrayLike) -> Array:
    """``log2(1 + SLQ_j)`` where ``SLQ_j > 1``, else 1: the buyer's own factor in AFLQ, (S,)."""
    simple = slq(regional, national)
    return np.where(simple > 1, np.log2(1 + simple), 1.0)


def regional_coefficients(A: ArrayLike, quotient: ArrayLike, *, augment: ArrayLike = 1.0) -> Array:
    """Regional input coefficients: the national ones times the quotient, which cuts and never adds: ``a min(q, 1)``.

    Parameters
    ----------
    A : (S, S), national coefficients of domestic flows.
    quotient : (S,) for :func:`slq`, applied to the selling row; or (S, S).
    augment : (S,), :func:`augmentation` of the buyers, for AFLQ: give the quotient of :func:`flq` with it. It works
        after the cut, so the coefficients of a specialised industry may exceed the national ones.

    Returns
    -------
    (S, S), unit of input per unit of output. What is cut comes from outside the region.
    """
    a, q = np.asarray(A, dtype=np.float64), np.asarray(quotient, dtype=np.float64)
    if a.ndim != 2 or a.shape[0] != a.shape[1] or q.shape not in ((a.shape[0],), a.shape):
        raise InputError(f"A has shape {a.shape} and the quotient {q.shape}; expected (S, S) with (S,) or (S, S)")
    rows = q[:, None] if q.ndim == 1 else q
    answer: Array = a * np.minimum(rows, 1.0) * np.asarray(augment, dtype=np.float64)
    return answer


def _pair(regional: ArrayLike, national: ArrayLike) -> tuple[Array, Array]:
    r, n = np.asarray(regional, dtype=np.float64), np.asarray(national, dtype=np.float64)
    if r.shape != n.shape or r.ndim != 1 or r.size == 0:
        raise InputError(f"regional has shape {r.shape} and national {n.shape}; expected the same (S,)")
    if (r < 0).any() or not r.sum() > 0 or not n.sum() > 0:
        raise InputError("location quotients need output of 0 or more, and some of it")
    if (r > n * (1 + 1e-9)).any():
        k = int(np.argmax(r - n))
        raise InputError(f"industry {k} is larger in the region ({r[k]:.6g}) than in the nation ({n[k]:.6g}); swapped?")
    return r, n

"""What a country could plausibly make next: comparative advantage, proximity of products, density, complexity.

Letters of the field: ``x[c, p]`` exports of product ``p`` by country ``c``, ``M`` 1 where the country has a revealed
advantage. Screens, not verdicts: on raw data tiny territories rank first, so clean the table before use.
"""

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.base.errors import InputError


def revealed_advantage(exports: ArrayLike) -> Array:
    """Revealed comparative advantage: ``(x_cp / x_c) / (x_p / x)`` (Balassa 1965).

    Parameters
    ----------
    exports : (C, N), money, 0 or more.

    Returns
    -------
    (C, N); 1 is the world average. 0 for a country or product without exports.

    >>> revealed_advantage([[80.0, 20.0], [20.0, 80.0]])
    array([[1.6, 0.4],
           [0.4, 1.6]])
    """
    x = np.asarray(exports, dtype=float)
    if x.ndim != 2:
        raise InputError(f"exports is {x.shape}; expected countries x products")
    if not np.all(x >= 0):
        raise InputError("exports has a number that is negative or missing; expected 0 or more")
    expected = x.sum(axis=1, keepdims=True) * x.sum(axis=0) / max(x.sum(), 1e-300)
    return _ratio(x, expected)


def proximity(advantage: ArrayLike) -> Array:
    """Proximity of products: the lesser of the two conditional probabilities of being made together.

    ``phi_pq = min(P(M_p | M_q), P(M_q | M_p))`` (Hidalgo et al. 2007, Science 317).

    Parameters
    ----------
    advantage : (C, N), 0 or 1; usually ``revealed_advantage(x) >= 1``.

    Returns
    -------
    (N, N), share of 1; 0 for products that nobody has.
    """
    M = _binary(advantage)
    together = M.T @ M
    ubiquity = M.sum(axis=0)
    most = np.maximum(ubiquity[:, None], ubiquity)
    return _ratio(together, most)


def density(advantage: ArrayLike, nearness: ArrayLike | None = None) -> Array:
    """How much of what is near a product a country makes already: ``omega_cp = sum_q M_cq phi_qp / sum_q phi_qp``.

    Hausmann and Klinger (2007). The product itself is among the ``q``.

    Parameters
    ----------
    advantage : (C, N), 0 or 1.
    nearness : (N, N); :func:`proximity` of ``advantage`` if left out.

    Returns
    -------
    (C, N), share of 1.
    """
    M = _binary(advantage)
    phi = proximity(M) if nearness is None else np.asarray(nearness, dtype=float)
    if phi.shape != (M.shape[1], M.shape[1]):
        raise InputError(f"nearness is {phi.shape}; expected {M.shape[1]} x {M.shape[1]}")
    whole = np.broadcast_to(phi.sum(axis=0), M.shape)
    return _ratio(M @ phi, whole)


def complexity_index(advantage: ArrayLike) -> tuple[Array, Array]:
    """Economic complexity index of countries and product complexity index.

    The second eigenvector of ``Mt_cd = sum_p M_cp M_dp / (k_c k_p)`` (Hidalgo and Hausmann 2009), as deviations from
    its mean in standard deviations (over the countries that have any product), signed so that it rises with the number
    of products. A product's index is the mean of its countries', standardised in the same way.

    Parameters
    ----------
    advantage : (C, N), 0 or 1.

    Returns
    -------
    (C,) and (N,); nan for countries with no product and products of no country.

    Raises
    ------
    InputError
        Fewer than three countries with products.
    """
    M = _binary(advantage)
    diversity, ubiquity = M.sum(axis=1), M.sum(axis=0)
    here, made = diversity > 0, ubiquity > 0
    if here.sum() < 3:
        raise InputError(f"{int(here.sum())} countries have a product with advantage; expected 3 or more")
    sub, k, u = M[np.ix_(here, made)], diversity[here], ubiquity[made]
    # Mt is similar to a symmetric matrix, whose eigenvectors are found accurately.
    half = sub / np.sqrt(k)[:, None] / np.sqrt(u)
    _, vectors = np.linalg.eigh(half @ half.T)
    second = vectors[:, -2] / np.sqrt(k)
    spread = k - k.mean()
    second = second * (1.0 if second @ spread >= 0 else -1.0)
    of_product = sub.T @ second / u
    eci, pci = np.full(len(here), np.nan), np.full(len(made), np.nan)
    eci[here] = (second - second.mean()) / second.std()
    pci[made] = (of_product - of_product.mean()) / of_product.std()
    return eci, pci


def _ratio(top: Array, bottom: Array) -> Array:
    """``top / bottom``, 0 where there is nothing to divide by."""
    share: Array = np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)
    return share


def _binary(advantage: ArrayLike) -> Array:
    """0 or 1 as floats, checked."""
    M = np.asarray(advantage, dtype=float)
    if M.ndim != 2 or not np.all((M == 0) | (M == 1)):
        raise InputError("advantage must be countries x products of 0 or 1, e.g. revealed_advantage(x) >= 1")
    return M

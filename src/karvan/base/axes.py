"""Array types and the letters of the axes.

``D`` draws, ``Y`` years, ``P`` plants, ``K`` products, ``M`` markets, ``B`` brands, ``V`` offers (a brand's product
from one plant: the pairs of plant and product that exist), ``G`` component groups, ``S`` sectors, ``A`` vehicle ages.
Arrays are in the order ``(D, Y, P | V, K, M)``, missing axes left out. A leading ``...`` in a docstring means any
leading axes, broadcast as NumPy does.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
AnyArray = NDArray[Any]

AXES: dict[str, str] = {
    "D": "draws",
    "Y": "years",
    "P": "plants",
    "V": "offers",
    "K": "products",
    "M": "markets",
    "B": "brands",
    "G": "component groups",
    "S": "sectors",
    "A": "vehicle ages",
}
"""The letters used in docstrings, and what they count."""


def abreast(array: AnyArray) -> AnyArray:
    """(D, ...) with the same axes and the draws side by side in memory: the inner loop of what follows is over draws.

    A copy, unless they lie so already.
    """
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 0, -1)), -1, 0)

"""Who sells how many cars where: two levels of constant elasticity, brands first, then the plants of a brand.

``theta`` is the elasticity between the plants that make a brand's product, ``eta`` the elasticity between brands. Base
shares come from observed sales, so a base year is reproduced exactly and only *changes* of cost matter (exact-hat
algebra; Head and Mayer 2019, "Brands in Motion", American Economic Review 109(9)). An offer ``v`` is a brand's product
from one plant; a *nest* is a brand's product, with index ``brand * K + product``.

Shares count cars, not money: the exponents are ``-theta`` and ``-eta``. ``measure="value"`` gives shares of
spending, whose upper exponent is ``1 - eta``.

Plants have limits. :func:`clear` finds for each full plant the shadow price of its capacity, a factor on its cost in
all its markets, and then rations what rounding is left, so that nobody sells more than can be made.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array, IntArray
from karvan.base.errors import InputError
from karvan.market._batch import Batch, Layout, Measure
from karvan.market._clearing import Cleared, clear
from karvan.market._tight import SHADOW_LIMIT

__all__ = ["SHADOW_LIMIT", "Cleared", "DoubleCES", "Measure", "clear"]


@dataclass(frozen=True, eq=False)
class DoubleCES:
    """Base shares of a two-level market, and the demand they imply when costs change.

    Make one with :meth:`calibrate`.
    """

    brand: IntArray
    """(V,), brand of each offer, from 0."""
    product: IntArray
    """(V,), product of each offer, from 0."""
    brand_share: Array
    """(B*K, M), share of a brand in its product's cars in a market, at index ``brand * K + product``."""
    plant_share: Array
    """(V, M), share of an offer in its brand's cars of the product in a market."""
    products: int
    """``K``, the number of products."""

    @classmethod
    def calibrate(
        cls,
        quantities: ArrayLike,
        brand: ArrayLike,
        product: ArrayLike,
        *,
        brands: int | None = None,
        products: int | None = None,
    ) -> "DoubleCES":
        """Base shares from observed sales; with unchanged costs they are given back exactly.

        Parameters
        ----------
        quantities : (V, M), cars per year (or money, for ``measure="value"``), 0 or more.
        brand, product : (V,), whole numbers from 0.
        brands, products : how many there are, where more than the largest number used plus one.

        Raises
        ------
        InputError
            Shapes that do not fit, a negative or missing quantity, an index out of range.

        >>> ces = DoubleCES.calibrate([[30.0], [20.0], [50.0]], brand=[0, 0, 1], product=[0, 0, 0])
        >>> ces.shares(np.ones((3, 1)), theta=7.7, eta=3.87)[:, 0]
        array([0.3, 0.2, 0.5])
        """
        sold = np.asarray(quantities, dtype=float)
        of_brand = np.asarray(brand, dtype=np.int64)
        of_product = np.asarray(product, dtype=np.int64)
        if sold.ndim != 2 or of_brand.shape != sold.shape[:1] or of_product.shape != sold.shape[:1]:
            raise InputError(
                f"quantities {sold.shape}, brand {of_brand.shape} and product {of_product.shape} do not fit; "
                "expected (V, M), (V,) and (V,)"
            )
        if not np.all(sold >= 0) or not np.all(np.isfinite(sold)):
            raise InputError("quantities has a number that is negative or missing; expected 0 or more")
        count_b = int(of_brand.max()) + 1 if brands is None else brands
        count_k = int(of_product.max()) + 1 if products is None else products
        for name, index, count in (("brand", of_brand, count_b), ("product", of_product, count_k)):
            if index.min() < 0 or index.max() >= count:
                raise InputError(f"{name} runs from {index.min()} to {index.max()}; expected 0 to {count - 1}")
        nest = of_brand * count_k + of_product
        nests = np.zeros((count_b * count_k, sold.shape[1]))
        np.add.at(nests, nest, sold)
        totals = np.zeros((count_k, sold.shape[1]))
        np.add.at(totals, of_product, sold)
        in_nest, in_product = nests[nest], np.tile(totals, (count_b, 1))
        return cls(
            brand=of_brand,
            product=of_product,
            brand_share=np.divide(nests, in_product, out=np.zeros_like(nests), where=in_product > 0),
            plant_share=np.divide(sold, in_nest, out=np.zeros_like(sold), where=in_nest > 0),
            products=count_k,
        )

    def shares(
        self,
        cost_hat: ArrayLike,
        *,
        theta: ArrayLike,
        eta: ArrayLike,
        entrant_share: ArrayLike | None = None,
        appeal: ArrayLike | None = None,
        brand_appeal: ArrayLike | None = None,
        measure: Measure = "units",
    ) -> Array:
        """Share of each offer in the cars of its product in each market.

        ::

            x_v     = w_v a_v cost_hat_v^-theta                     the offer's weight in its nest g
            C_hat_g = (sum_{v in g} x_v)^(-1/theta)                 the brand's cost index, new over old
            share_v = (x_v / sum_{u in g} x_u) * (W_g A_g C_hat_g^-eta / sum_h W_h A_h C_hat_h^-eta)

        ``w`` are base shares within the nest, ``W`` base shares of nests. **Entrants**: an offer that sold nothing in
        the base year has no base share, and exact-hat algebra would give it nothing for ever. ``entrant_share`` is put
        in the empty place, as a weight beside incumbents that weigh one together: ``e`` stands for a share
        ``e / (1 + e)`` at unchanged cost. If its brand already sells the product in that market, the place is within
        the brand, and the weights are scaled back to one, so that a second plant splits the brand's sales and
        raises them only by being cheaper. If not, the nest as a whole is new and the place is among brands, with the
        sum of its offers' weights. Where an incumbent has base sales, ``entrant_share`` is not read. Whoever has not
        yet arrived is given 0.

        Parameters
        ----------
        cost_hat : (..., V, M), delivered cost over its base-year value, above 0; ``inf`` takes an incumbent away. For
            an entrant: over the cost that its ``entrant_share`` was stated for.
        theta, eta : scalar or (...), above 0. Head and Mayer estimate 7.7 and 3.87 for cars (recalled, not checked):
            assumed, ranges 4 to 12 and 2 to 6.
        entrant_share : (..., V, M), weight, 0 or more.
        appeal : (..., V, M), multiplier on an offer's weight, 0 or more: as a cost lower by ``a^(1/theta)``.
        brand_appeal : (..., B*K, M), multiplier on a nest's share weight, 0 or more.
        measure : ``"units"``, or ``"value"`` for shares of spending.

        Returns
        -------
        (..., V, M), share of 1; sums to 1 over the offers of a product wherever any of them can sell, else 0.
        """
        batch = Batch.make(self, cost_hat, theta, eta, entrant_share, appeal, brand_appeal, measure)
        return batch.back(batch.offer_shares(last=True))

    def price_index(
        self,
        cost_hat: ArrayLike,
        *,
        theta: ArrayLike,
        eta: ArrayLike,
        entrant_share: ArrayLike | None = None,
        brand_appeal: ArrayLike | None = None,
    ) -> Array:
        """Change of the price index of each product in each market, from shares calibrated on spending.

        ``P_hat_k = [sum_g W_g A_g C_hat_g^(1-eta) / sum_g W_g]^(1/(1-eta))``; ``eta`` other than 1. The arrival of a
        brand at unchanged cost does not move the index: variety for its own sake is not counted.

        Returns
        -------
        (..., K, M), new over old; nan where nothing is sold.
        """
        elasticity = np.asarray(eta, dtype=float)
        if np.any(elasticity == 1):
            raise InputError("eta is 1; the price index needs an elasticity other than 1")
        batch = Batch.make(self, cost_hat, theta, eta, entrant_share, None, brand_appeal, "value")
        _, weight = batch.nest_weights(batch.x)
        top = batch.product_sum(weight)
        bottom = batch.product_sum(np.broadcast_to(batch.W, weight.shape))
        ratio = np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0)
        known = np.full((self.products, *ratio.shape[1:]), np.nan)
        known[self.layout.products_present] = ratio ** (1 / (1 - batch.eta))
        return batch.back(known, sorted_offers=False)

    @cached_property
    def layout(self) -> Layout:
        """Where the nests and products lie once offers are sorted by them."""
        return Layout.make(self.brand, self.product, self.products)

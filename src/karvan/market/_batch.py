"""The arithmetic of a two-level market for many draws at once (see :mod:`karvan.market.shares`)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array, BoolArray, IntArray
from karvan.base.errors import InputError

if TYPE_CHECKING:
    from karvan.market.shares import DoubleCES

Measure = Literal["units", "value"]

_LONG_ROW = 4_000  # cells in a row from which one call a run costs less than one call a place in the run


@dataclass(frozen=True, eq=False)
class Layout:
    """Offers sorted by product and brand, so that sums over nests and products are sums over runs of rows."""

    order: IntArray
    """(V,), offers in sorted order."""
    inverse: IntArray
    """(V,), where each offer went."""
    nest_start: IntArray
    """First sorted row of each nest that has offers."""
    nest_of: IntArray
    """(V,), run of each sorted row."""
    nest_index: IntArray
    """``brand * K + product`` of each run."""
    product_start: IntArray
    """First run of each product that has offers."""
    product_of: IntArray
    """Position in ``products_present`` of each run."""
    products_present: IntArray
    """Products that have offers."""

    @classmethod
    def make(cls, brand: IntArray, product: IntArray, products: int) -> "Layout":
        """Sort by product, then brand."""
        order = np.lexsort((brand, product))
        key = product[order] * (int(brand.max()) + 1) + brand[order]
        first = np.r_[True, key[1:] != key[:-1]]
        nest_start = np.flatnonzero(first)
        nest_product = product[order][nest_start]
        present, product_start, product_of = np.unique(nest_product, return_index=True, return_inverse=True)
        return cls(
            order=order,
            inverse=np.argsort(order),
            nest_start=nest_start,
            nest_of=np.cumsum(first) - 1,
            nest_index=brand[order][nest_start] * products + nest_product,
            product_start=product_start,
            product_of=product_of,
            products_present=present,
        )


@dataclass(frozen=True, eq=False)
class Batch:
    """One evaluation for many draws. Inside, arrays are (rows, M, D): the longest axis last is the fastest."""

    layout: Layout
    lead: tuple[int, ...]
    x: Array
    """(V, M, D), weight of each sorted offer in its nest, costs included."""
    W: Array
    """(nests, M, D or 1), weight of each nest in its product, appeal included."""
    theta: Array
    """(D or 1,)"""
    eta: Array
    """(D or 1,); the exponent of the upper level is ``-eta`` (less one for value)."""
    power: Array
    """(D or 1,), the exponent that turns the sum of a nest's weights into its sales weight."""

    @classmethod
    def make(
        cls,
        ces: "DoubleCES",
        cost_hat: ArrayLike,
        theta: ArrayLike,
        eta: ArrayLike,
        entrant_share: ArrayLike | None,
        appeal: ArrayLike | None,
        brand_appeal: ArrayLike | None,
        measure: Measure,
        lead: tuple[int, ...] = (),
        present: BoolArray | None = None,
    ) -> "Batch":
        """Check, sort and weigh. ``present`` (..., V) false keeps an entrant out; ``lead`` are further leading axes."""
        if measure not in ("units", "value"):
            raise InputError(f"measure is {measure!r}; expected 'units' or 'value'")
        offers, markets = ces.plant_share.shape
        cost = _last_two("cost_hat", cost_hat, offers, markets)
        if not np.all(cost > 0):
            raise InputError(
                "cost_hat has a number that is 0, negative or missing; expected new cost over old, above 0"
            )
        theta_, eta_ = np.asarray(theta, dtype=float), np.asarray(eta, dtype=float)
        if not (np.all(theta_ > 0) and np.all(eta_ > 0)):
            raise InputError("theta and eta must be above 0")
        entrant = None if entrant_share is None else _last_two("entrant_share", entrant_share, offers, markets)
        shift = None if appeal is None else _last_two("appeal", appeal, offers, markets)
        lift = None if brand_appeal is None else _last_two("brand_appeal", brand_appeal, len(ces.brand_share), markets)
        for name, array in (("entrant_share", entrant), ("appeal", shift), ("brand_appeal", lift)):
            if array is not None and not np.all(array >= 0):
                raise InputError(f"{name} has a number that is negative or missing; expected 0 or more")
        arrays = [a.shape[:-2] for a in (cost, entrant, shift, lift) if a is not None]
        lead = np.broadcast_shapes(lead, theta_.shape, eta_.shape, *arrays)
        where = ces.layout

        def inside(array: Array, order: IntArray) -> Array:
            """(..., rows, M) as (rows, M, D or 1), rows in sorted order."""
            if array.ndim > 2:
                array = np.broadcast_to(array, lead + array.shape[-2:])
            flat = array.reshape(-1, *array.shape[-2:])[:, order]
            return np.ascontiguousarray(np.moveaxis(flat, 0, -1))

        def per_draw(array: Array) -> Array:
            return np.broadcast_to(array, lead).reshape(-1) if array.ndim else array.reshape(1)

        nests = where.nest_start
        base = inside(ces.plant_share, where.order)
        top = inside(ces.brand_share, where.nest_index)
        if entrant is None:
            w, W = base, top
        else:
            prior = np.where(base > 0, 0.0, inside(entrant, where.order))
            if present is not None:
                prior = (
                    prior
                    * np.moveaxis(np.broadcast_to(present, (*lead, offers)).reshape(-1, offers), 0, -1)[
                        where.order, None, :
                    ]
                )
            new = run_sum(prior, nests)
            W = np.where(top > 0, top, new)
            w = base + prior
            # An incumbent nest weighs 1 + new, a new one weighs new: both are scaled back to 1.
            total = np.where(top > 0, 1 + new, new)[where.nest_of]
            w = np.divide(w, total, out=np.zeros_like(w), where=total > 0)
        theta_d, eta_d = per_draw(theta_), per_draw(eta_)
        x = np.log(inside(cost, where.order))
        x = np.exp(-theta_d * x)
        x = x * w if shift is None else x * w * inside(shift, where.order)
        draws = int(np.prod(lead))
        if x.shape[-1] != draws:
            x = np.broadcast_to(x, (*x.shape[:-1], draws))
        if lift is not None:
            W = W * inside(lift, where.nest_index)
        exponent = eta_d if measure == "units" else eta_d - 1
        return cls(where, lead, x, W, theta_d, eta_d, exponent / theta_d)

    def nest_weights(self, x: Array) -> tuple[Array, Array]:
        """Sum of weights in each nest, and the nest's weight in its product: both (nests, M, D)."""
        total = run_sum(x, self.layout.nest_start)
        # A nest that nobody can serve has total 0; a negative power (value, eta < 1) must not make it infinite.
        raised = np.power(total, self.power, out=np.zeros_like(total), where=total > 0)
        return total, raised * self.W

    def product_sum(self, nests: Array) -> Array:
        """(nests, M, D) summed over the nests of each product that has offers."""
        return run_sum(nests, self.layout.product_start)

    def offer_shares(self) -> Array:
        """(V, M, D) in sorted order."""
        where = self.layout
        total, weight = self.nest_weights(self.x)
        factor = ratio(ratio(weight, self.product_sum(weight)[where.product_of]), total)
        shares: Array = self.x * factor[where.nest_of]
        return shares

    def back(self, array: Array, *, sorted_offers: bool = True) -> Array:
        """(rows, M, D) as (..., rows, M), rows in the caller's order."""
        rows = array[self.layout.inverse] if sorted_offers else array
        out = np.ascontiguousarray(np.moveaxis(rows, -1, 0))
        return out.reshape(self.lead + out.shape[1:])


def run_sum(rows: Array, start: IntArray) -> Array:
    """Sums over runs of rows, ``start`` the first row of each.

    As ``np.add.reduceat`` on axis 0, but always added in the order of the rows (reduceat adds in pairs), so that sums
    do not depend on how many draws stand side by side, and several times faster for long rows.
    """
    stop = np.append(start[1:], len(rows))
    longest = int((stop - start).max())
    if rows[0].size >= _LONG_ROW or len(start) <= longest:
        out = np.empty((len(start), *rows.shape[1:]))
        for run, (first, last) in enumerate(zip(start.tolist(), stop.tolist(), strict=True)):
            np.add.reduce(rows[first:last], axis=0, out=out[run])
        return out
    out = rows[start]
    for place in range(1, longest):
        runs = np.flatnonzero(stop - start > place)
        out[runs] += rows[start[runs] + place]
    return out


def ratio(top: Array, bottom: Array) -> Array:
    """``top / bottom``, and 0 where nothing is there to share."""
    return np.divide(top, bottom, out=np.zeros(np.broadcast_shapes(top.shape, bottom.shape)), where=bottom > 0)


def _last_two(name: str, value: ArrayLike, rows: int, markets: int) -> Array:
    """The value as floats, its last two axes checked (1 is allowed and broadcast)."""
    array = np.asarray(value, dtype=float)
    if array.ndim < 2:
        array = np.atleast_2d(array)
    if array.shape[-2] not in (1, rows) or array.shape[-1] not in (1, markets):
        raise InputError(f"{name} is {array.shape}; expected (..., {rows}, {markets})")
    return np.broadcast_to(array, (*array.shape[:-2], rows, markets))

"""The arithmetic of a two-level market for many draws at once (see :mod:`karvan.market.shares`)."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array, BoolArray, IntArray
from karvan.base.errors import InputError
from karvan.base.sums import Groups, positions

if TYPE_CHECKING:
    from karvan.market.shares import DoubleCES

Measure = Literal["units", "value"]

Runs = tuple[IntArray, IntArray]
_LONG_ROW = 256  # cells in a row from which one call a run costs less than one call a place in the run


@dataclass(frozen=True, eq=False)
class Layout:
    """Offers sorted by product and brand, so that sums over nests and products are sums over runs of rows."""

    order: IntArray
    """(V,), offers in sorted order."""
    inverse: IntArray
    """(V,), where each offer went."""
    in_order: bool
    """Whether offers came sorted."""
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

    @cached_property
    def shared(self) -> BoolArray:
        """(V,), sorted rows that share their nest with others."""
        return np.asarray(np.bincount(self.nest_of)[self.nest_of] > 1)

    @cached_property
    def several(self) -> BoolArray:
        """(nests,), nests of several offers."""
        return np.asarray(np.bincount(self.nest_of) > 1)

    @cached_property
    def nest_place(self) -> IntArray:
        """(nests,), number of each nest of several offers among them; -1 for an offer alone."""
        return positions(self.several)

    @cached_property
    def place(self) -> IntArray:
        """(V,), number of each row that shares its nest among them; -1 for one alone."""
        return positions(self.shared)

    @cached_property
    def in_several(self) -> Groups:
        """Rows that share their nest, by that nest."""
        return Groups.of(self.nest_place[self.nest_of[self.shared]], int(self.several.sum()))

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
            in_order=bool(np.all(order == np.arange(len(order)))),
            nest_start=nest_start,
            nest_of=np.cumsum(first) - 1,
            nest_index=brand[order][nest_start] * products + nest_product,
            product_start=product_start,
            product_of=product_of,
            products_present=present,
        )


@dataclass(frozen=True, eq=False)
class Inputs:
    """What an evaluation is given, checked. Arrays end in (rows, M), rows in the caller's order."""

    cost: Array
    theta: Array
    eta: Array
    entrant: Array | None
    appeal: Array | None
    brand_appeal: Array | None
    lead: tuple[int, ...]
    """The axes before them, broadcast."""

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
        lead: tuple[int, ...] = (),
    ) -> "Inputs":
        """Check; ``lead`` are further leading axes."""
        offers, markets = ces.plant_share.shape
        cost = _last_two("cost_hat", cost_hat, offers, markets)
        if not _least(cost) > 0:
            raise InputError(
                "cost_hat has a number that is 0, negative or missing; expected new cost over old, above 0"
            )
        theta_, eta_ = np.asarray(theta, dtype=float), np.asarray(eta, dtype=float)
        if not (_least(theta_) > 0 and _least(eta_) > 0):
            raise InputError("theta and eta must be above 0")
        entrant = None if entrant_share is None else _last_two("entrant_share", entrant_share, offers, markets)
        shift = None if appeal is None else _last_two("appeal", appeal, offers, markets)
        lift = None if brand_appeal is None else _last_two("brand_appeal", brand_appeal, len(ces.brand_share), markets)
        for name, array in (("entrant_share", entrant), ("appeal", shift), ("brand_appeal", lift)):
            if array is not None and not _least(array) >= 0:
                raise InputError(f"{name} has a number that is negative or missing; expected 0 or more")
        arrays = [a.shape[:-2] for a in (cost, entrant, shift, lift) if a is not None]
        return cls(
            cost, theta_, eta_, entrant, shift, lift, np.broadcast_shapes(lead, theta_.shape, eta_.shape, *arrays)
        )


@dataclass(frozen=True, eq=False)
class Batch:
    """Shares of many draws at once. Rows lead, because sums run over rows; behind them come (D, M), so that rows are
    moved whole on the way in and out, which is cheaper than to turn the array about.
    """

    layout: Layout
    lead: tuple[int, ...]
    x: Array
    """(V, D, M), weight of each sorted offer in its nest, costs included."""
    W: Array
    """(nests, D or 1, M), weight of each nest in its product, appeal included."""
    theta: Array
    """(D or 1, 1); so too ``eta`` and ``power``."""
    eta: Array
    """The exponent of the upper level is ``-eta`` (one more for value)."""
    power: Array
    """The exponent that turns the sum of a nest's weights into its sales weight."""

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
    ) -> "Batch":
        """Check, sort and weigh."""
        if measure not in ("units", "value"):
            raise InputError(f"measure is {measure!r}; expected 'units' or 'value'")
        given = Inputs.make(ces, cost_hat, theta, eta, entrant_share, appeal, brand_appeal)
        offers, markets = ces.plant_share.shape
        where, lead, entrant = ces.layout, given.lead, given.entrant

        def inside(array: Array, order: IntArray) -> Array:
            """(..., rows, M) as a new (rows, D or 1, M), rows in sorted order."""
            if array.ndim > 2:
                array = np.broadcast_to(array, lead + array.shape[-2:])
            flat = array.reshape(-1, *array.shape[-2:])
            return np.asarray(flat.swapaxes(0, 1)[order])

        def per_draw(array: Array) -> Array:
            return (np.broadcast_to(array, lead).reshape(-1) if array.ndim else array.reshape(1))[:, None]

        base = inside(ces.plant_share, where.order)
        W = inside(ces.brand_share, where.nest_index)
        theta_d, eta_d = per_draw(given.theta), per_draw(given.eta)
        x = inside(given.cost, where.order)
        np.log(x, out=x)
        x = _times(x, -theta_d)
        np.exp(x, out=x)
        if entrant is None:
            x = _times(x, base)
        else:
            rows, nests = newcomers(ces, entrant)
            prior = np.where(base[rows] > 0, 0.0, inside(entrant, where.order[rows]))
            w, W = with_entrants(base[rows], prior, W, where.nest_of[rows], nests)
            served = x[rows] * w
            if served.shape[1:] != x.shape[1:]:
                x = np.array(np.broadcast_to(x, (offers, *served.shape[1:])))
            x = _times(x, base)
            x[rows] = served
        if given.appeal is not None:
            x = _times(x, inside(given.appeal, where.order))
        shape = (offers, int(np.prod(lead)), markets)
        if x.shape != shape:
            x = np.broadcast_to(x, shape)
        if given.brand_appeal is not None:
            W = W * inside(given.brand_appeal, where.nest_index)
        exponent = eta_d if measure == "units" else eta_d - 1
        return cls(where, lead, x, W, theta_d, eta_d, exponent / theta_d)

    def nest_weights(self, x: Array) -> tuple[Array, Array]:
        """Sum of weights in each nest, and the nest's weight in its product: both (nests, D, M)."""
        total = run_sum(x, self.layout.nest_start)
        if np.all(self.power > 0):
            raised = np.power(total, self.power)
        else:  # value with eta below 1: a nest that nobody can serve, total 0, must not become infinite
            raised = np.power(total, self.power, out=np.zeros_like(total), where=total > 0)
        raised *= self.W
        return total, raised

    def product_sum(self, nests: Array) -> Array:
        """(nests, D, M) summed over the nests of each product that has offers."""
        return run_sum(nests, self.layout.product_start)

    def offer_shares(self, *, last: bool = False) -> Array:
        """(V, D, M) in sorted order. ``last``: the weights are not needed any more, their memory may be used."""
        where = self.layout
        total, weight = self.nest_weights(self.x)
        whole = self.product_sum(weight)
        whole[whole == 0] = 1.0  # nobody can sell: all weights are 0
        factor = weight / whole[where.product_of]
        total[total == 0] = 1.0
        factor /= total
        return run_multiply(self.x, factor, where, self.x if last and self.x.flags.writeable else None)

    def back(self, array: Array, *, sorted_offers: bool = True) -> Array:
        """(rows, D, M) as (..., rows, M), rows in the caller's order."""
        rows = array[self.layout.inverse] if sorted_offers and not self.layout.in_order else array
        out = rows.swapaxes(0, 1)
        return out.reshape(self.lead + out.shape[1:])  # it may stay a view: no copy is made


def runs(group: IntArray) -> Runs:
    """Groups of rows that come sorted by them, and the first row of each: what :func:`run_sum` adds."""
    some, start = np.unique(group, return_index=True)
    return some, start


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


def newcomers(ces: "DoubleCES", entrant: Array) -> tuple[IntArray, IntArray]:
    """Nests in which an offer without base sales arrives in some draw, and their sorted rows; others keep base shares.

    Returns
    -------
    Rows and nests, both rising.
    """
    where = ces.layout
    empty = ces.plant_share == 0
    some = np.flatnonzero(empty.any(axis=1))
    empty[some] &= np.moveaxis(entrant.reshape(-1, *entrant.shape[-2:]), 0, -1)[some].max(axis=-1, initial=0.0) > 0
    nests = np.unique(where.nest_of[empty.any(axis=1)[where.order]])
    return np.flatnonzero(np.isin(where.nest_of, nests)), nests


def with_entrants(base: Array, prior: Array, top: Array, nest_of: IntArray, nests: IntArray) -> tuple[Array, Array]:
    """Weights of offers in nests that have newcomers, and of all nests; see :meth:`DoubleCES.shares`."""
    if not len(nests):
        return base, top
    place = np.asarray(np.searchsorted(nests, nest_of))
    new = Groups.of(place, len(nests)).sum(prior)
    known = top[nests] > 0
    # An incumbent nest weighs 1 + new, a new one weighs new: both are scaled back to 1.
    total = np.where(known, 1 + new, new)[place]
    w = ratio(base + prior, total)
    if known.all():
        return w, top
    W = np.array(np.broadcast_to(top, (len(top), *new.shape[1:])))
    W[nests] = np.where(known, top[nests], new)
    return w, W


def run_multiply(rows: Array, factor: Array, layout: Layout, out: Array | None = None) -> Array:
    """Each row times the factor of its nest: ``rows * factor[nest_of]``, without the copy where rows are long."""
    if rows[0].size < _LONG_ROW:
        return np.asarray(np.multiply(rows, factor[layout.nest_of], out=out))
    out = np.empty(rows.shape) if out is None else out
    stop = [*layout.nest_start[1:].tolist(), len(rows)]
    for run, (first, last) in enumerate(zip(layout.nest_start.tolist(), stop, strict=True)):
        np.multiply(rows[first:last], factor[run], out=out[first:last])
    return out


def _times(x: Array, factor: Array) -> Array:
    """The product, in place unless it grows: fresh memory costs more than the multiplication."""
    grows = x.shape != np.broadcast_shapes(x.shape, factor.shape)
    # In C order: NumPy would lay the result of a broadcast product out in an order of its own.
    return np.asarray(np.multiply(x, factor, order="C") if grows else np.multiply(x, factor, out=x))


def ratio(top: Array, bottom: Array) -> Array:
    """``top / bottom``, and 0 where nothing is there to share."""
    return np.divide(top, bottom, out=np.zeros(np.broadcast_shapes(top.shape, bottom.shape)), where=bottom > 0)


def _least(array: Array) -> float:
    """The least number; nan if any is missing, infinite if there is none."""
    return float(array.min(initial=np.inf))


def _last_two(name: str, value: ArrayLike, rows: int, markets: int) -> Array:
    """The value as floats, its last two axes checked (1 is allowed and broadcast)."""
    array = np.asarray(value, dtype=float)
    if array.ndim < 2:
        array = np.atleast_2d(array)
    if array.shape[-2] not in (1, rows) or array.shape[-1] not in (1, markets):
        raise InputError(f"{name} is {array.shape}; expected (..., {rows}, {markets})")
    return np.broadcast_to(array, (*array.shape[:-2], rows, markets))

"""Demand against limited plants: shadow prices, then exact rationing (public in :mod:`karvan.market.shares`)."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array, BoolArray, IntArray
from karvan.base.errors import InputError
from karvan.base.sums import Groups, over_markets
from karvan.market._batch import Inputs, Layout, ratio, run_sum
from karvan.market._tight import LEFT, SHADOW_LIMIT, Tight
from karvan.market._weights import Weights, draws_last

if TYPE_CHECKING:
    from karvan.market.shares import DoubleCES


@dataclass(frozen=True, eq=False)
class Cleared:
    """A market in which nobody sells more than can be made."""

    quantities: Array
    """(..., V, M), cars per year sold."""
    shadow: Array
    """(..., P), shadow price of capacity as a factor on cost, 1 to ``SHADOW_LIMIT``: 1 where there is room."""
    wanted: Array
    """(..., P), cars per year that buyers would take if no plant had a limit."""
    demand: Array
    """(..., K, M), cars per year asked for."""
    product: IntArray
    """(V,), product of each offer."""

    @cached_property
    def unserved(self) -> Array:
        """(..., K, M), cars per year that nobody can make; worked out when it is asked for."""
        by_product = Groups.of(self.product, self.demand.shape[-2])
        sold = np.moveaxis(by_product.sum(np.moveaxis(self.quantities, -2, 0)), 0, -2)
        left = self.demand - sold
        return np.asarray(np.where(left > LEFT * self.demand, left, 0.0))  # without the dust of rounding


def clear(
    ces: "DoubleCES",
    cost_hat: ArrayLike,
    demand: ArrayLike,
    capacity: ArrayLike,
    plant: ArrayLike,
    *,
    theta: ArrayLike,
    eta: ArrayLike,
    entrant_share: ArrayLike | None = None,
    appeal: ArrayLike | None = None,
    brand_appeal: ArrayLike | None = None,
    iterations: int = 10,
) -> Cleared:
    """Cars sold by each offer in each market when plants have limits.

    A plant that is asked for more than it can make raises its price everywhere by a factor ``lambda >= 1``, as if its
    cost were ``lambda cost_hat``, until buyers want no more than ``capacity``; whoever has room keeps ``lambda = 1``.
    Per draw, Newton steps in ``ln lambda`` of the plants that are full or have a price, with the slopes ::

        -dQ_p / d ln lambda_r = theta Q_p [p = r] - (theta - eta) sum q_v s_u - eta sum Q_pkm Q_rkm / demand_km

    (first sum: offers ``v`` of ``p`` and ``u`` of ``r`` in one nest, ``s`` the share in it; second: products and
    markets), at most ``iterations`` of them; a draw that has converged stays as it is, so results do not depend on the
    draws beside it. What is then still above capacity is cut in the same proportion in all markets of the plant, and
    goes to offers of the same product and market that have room, in proportion to their sales, until it is placed or
    nobody has room.

    Parameters
    ----------
    ces : base shares, counted in cars.
    cost_hat, theta, eta, entrant_share, appeal, brand_appeal : as for :meth:`DoubleCES.shares`. An entrant whose
        plant has capacity 0 has not entered: its ``entrant_share`` is read as 0 in that draw.
    demand : (..., K, M), cars per year, 0 or more.
    capacity : (..., P), cars per year, 0 or more; ``inf`` for no limit. A plant with 0 sells nothing; its
        ``shadow`` is ``SHADOW_LIMIT`` if anybody wanted its cars.
    plant : (V,), plant of each offer, 0 to P - 1.
    iterations : steps, 1 or more.

    Returns
    -------
    Cleared. Sold and unserved cars add up to demand; a plant's cars add up to capacity at most.

    Raises
    ------
    InputError
        Shapes that do not fit, or a negative or missing number.

    >>> from karvan.market import DoubleCES
    >>> ces = DoubleCES.calibrate([[60.0], [40.0]], brand=[0, 1], product=[0, 0])
    >>> held = clear(ces, np.ones((2, 1)), [[100.0]], [50.0, np.inf], [0, 1], theta=7.7, eta=4.0)
    >>> held.quantities[:, 0], held.shadow.round(4)          # 1.5 ** (1 / 4): odds fall from 60:40 to 50:50
    (array([50., 50.]), array([1.1067, 1.    ]))
    """
    offers, markets = ces.plant_share.shape
    of_plant = np.asarray(plant, dtype=np.int64)
    limit = np.atleast_1d(np.asarray(capacity, dtype=float))
    asked = np.asarray(demand, dtype=float)
    plants = limit.shape[-1]
    if of_plant.shape != (offers,) or of_plant.min() < 0 or of_plant.max() >= plants:
        raise InputError(f"plant is {of_plant.shape}; expected ({offers},) whole numbers from 0 to {plants - 1}")
    if asked.ndim < 2 or asked.shape[-2:] != (ces.products, markets):
        raise InputError(f"demand is {asked.shape}; expected (..., {ces.products}, {markets})")
    if not np.all(asked >= 0) or not np.all(np.isfinite(asked)):
        raise InputError("demand has a number that is negative or missing; expected cars per year, 0 or more")
    if not np.all(limit >= 0):
        raise InputError("capacity has a number that is negative or missing; expected cars per year, 0 or more")
    if iterations < 1:
        raise InputError(f"iterations is {iterations}; expected 1 or more")

    given = Inputs.make(
        ces,
        cost_hat,
        theta,
        eta,
        entrant_share,
        appeal,
        brand_appeal,
        lead=np.broadcast_shapes(asked.shape[:-2], limit.shape[:-1]),
    )
    weights = Weights.make(ces, given, limit[..., of_plant] > 0)
    where, lead = weights.layout, weights.lead
    draws = int(np.prod(lead))
    asked = np.ascontiguousarray(draws_last(np.broadcast_to(asked, (*lead, *asked.shape[-2:])), lead))
    limit = np.ascontiguousarray(np.broadcast_to(limit, (*lead, plants)).reshape(draws, plants).T)
    of_row = of_plant[where.order]
    groups = Groups.of(of_row, plants)
    present = where.products_present
    wished = asked[present]

    sold, whole = weights.cars(wished)
    wanted = groups.sum(over_markets(sold))
    shadow = np.ones((plants, draws))

    tight = np.any(wanted > limit, axis=0)
    if tight.any():
        index = _at_least_two(np.flatnonzero(tight))
        some = Tight.make(weights, wished, whole, limit, of_row, index)
        log_shadow = some.shadow_prices(iterations)
        shadow[some.limited[:, None], index] = np.exp(log_shadow)
        shadow[(limit == 0) & (wanted > 0)] = SHADOW_LIMIT
        going = some.settle(log_shadow, sold, whole)
        if going.any():
            index = _at_least_two(index[going])
            left = _Rationing(where, of_row, groups, limit[:, index], wished[..., index])
            sold[..., index] = left.placed(np.ascontiguousarray(sold[..., index]))

    back = np.empty_like(sold) if not where.in_order else sold
    if not where.in_order:
        back[where.order] = sold
    return Cleared(
        quantities=np.moveaxis(back, -1, 0).reshape(*lead, *back.shape[:-1]),
        shadow=shadow.T.reshape(*lead, plants),
        wanted=wanted.T.reshape(*lead, plants),
        demand=np.moveaxis(asked, -1, 0).reshape(*lead, *asked.shape[:-1]),
        product=ces.product,
    )


@dataclass(frozen=True, eq=False)
class _Rationing:
    """Draws in which the cars cut from plants that are full are still to be placed with those that have room."""

    layout: Layout
    of: IntArray
    """(V,), plant of each sorted row."""
    plants: Groups
    limit: Array
    """(P, d)"""
    asked: Array
    """(products that have offers, M, d)"""

    def placed(self, sold: Array) -> Array:
        """(V, M, d), what is not served yet handed to offers with room, in proportion to their sales."""
        where, plants, asked = self.layout, self.plants, self.asked
        scale = asked.sum(axis=(0, 1))
        going: BoolArray = np.ones(sold.shape[-1], dtype=bool)
        for _ in range(plants.count + 1):  # each round places everything or fills a plant
            room = np.maximum(self.limit - plants.sum(over_markets(sold)), 0.0)
            room[room <= LEFT * np.where(np.isfinite(self.limit), self.limit, 0.0)] = 0.0
            left = np.maximum(asked - self._by_product(sold), 0.0)
            going = going & (left.sum(axis=(0, 1)) > LEFT * scale)
            if not going.any():
                break
            offered = sold * ((room > 0) & going)[self.of][:, None, :]
            more = offered * ratio(left, self._by_product(offered))[where.product_of][where.nest_of]
            load = plants.sum(over_markets(more))
            tight = load > room
            more *= np.where(tight, room / np.where(tight, load, 1.0), 1.0)[self.of][:, None, :]
            sold = sold + more
            going = going & np.any(load > 0, axis=0)
        return sold

    def _by_product(self, rows: Array) -> Array:
        """(V, M, d) summed to (products that have offers, M, d)."""
        where = self.layout
        return run_sum(run_sum(rows, where.nest_start), where.product_start)


def _at_least_two(index: IntArray) -> IntArray:
    """A lone draw taken twice: NumPy would sum over its markets in another order than it does beside other draws."""
    return np.repeat(index, 2) if len(index) == 1 else index

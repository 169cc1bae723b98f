"""Demand against limited plants: shadow prices, then exact rationing (public in :mod:`karvan.market.shares`)."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array, BoolArray, IntArray
from karvan.base.errors import InputError
from karvan.market._batch import Batch, Layout, ratio, run_sum

if TYPE_CHECKING:
    from karvan.market.shares import DoubleCES

SHADOW_LIMIT: Final = 16.0
"""Highest shadow price looked for. Where all plants together are short no price clears the market: a queue does."""

_STEP_LIMIT: Final = float(np.log(2.0))  # a plant doubles its price at most in one step: Newton far out overshoots
_CONVERGED: Final = 1e-7  # of ln price, per draw
_REGULAR: Final = 1e-7  # of a plant's sales, added to the slopes
_COMPACT: Final = 0.6  # share of draws still moving below which the others are set aside
_LEFT: Final = 1e-12  # share of a draw's demand below which nothing is left to hand out


@dataclass(frozen=True, eq=False)
class Cleared:
    """A market in which nobody sells more than can be made."""

    quantities: Array
    """(..., V, M), cars per year sold."""
    shadow: Array
    """(..., P), shadow price of capacity as a factor on cost, 1 to ``SHADOW_LIMIT``: 1 where there is room."""
    wanted: Array
    """(..., P), cars per year that buyers would take if no plant had a limit."""
    unserved: Array
    """(..., K, M), cars per year that nobody can make."""


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

    batch = Batch.make(
        ces,
        cost_hat,
        theta,
        eta,
        entrant_share,
        appeal,
        brand_appeal,
        "units",
        lead=np.broadcast_shapes(asked.shape[:-2], limit.shape[:-1]),
        present=limit[..., of_plant] > 0,
    )
    where, lead = batch.layout, batch.lead
    draws = int(np.prod(lead))
    asked = np.broadcast_to(asked, (*lead, *asked.shape[-2:])).reshape(draws, *asked.shape[-2:])
    asked = np.ascontiguousarray(np.moveaxis(asked, 0, -1))
    limit = np.ascontiguousarray(np.broadcast_to(limit, (*lead, plants)).reshape(draws, plants).T)
    groups = _Plants.make(of_plant[where.order], plants)

    sold = batch.offer_shares()
    sold *= asked[where.products_present][where.product_of][where.nest_of]
    wanted = groups.total(sold)
    shadow = np.ones((plants, draws))

    tight = np.any(wanted > limit, axis=0)
    if tight.any():
        index = _at_least_two(np.flatnonzero(tight))
        some = _Draws.make(batch, asked, limit, groups, index)
        log_shadow = some.reachable().shadow_prices(iterations)
        sold[:, :, index] = some.ration(some.sales(log_shadow)[0])
        shadow[:, index] = np.exp(log_shadow)
        shadow[(limit == 0) & (wanted > 0)] = SHADOW_LIMIT

    unserved = asked.copy()
    present = where.products_present
    left = asked[present] - run_sum(run_sum(sold, where.nest_start), where.product_start)
    unserved[present] = np.where(left > _LEFT * asked[present], left, 0.0)  # without the dust of rounding
    return Cleared(
        quantities=batch.back(sold),
        shadow=shadow.T.reshape(*lead, plants),
        wanted=wanted.T.reshape(*lead, plants),
        unserved=batch.back(unserved, sorted_offers=False),
    )


@dataclass(frozen=True, eq=False)
class _Plants:
    """Sums over the offers of each plant."""

    of: IntArray
    order: IntArray
    start: IntArray
    present: IntArray
    count: int

    @classmethod
    def make(cls, of: IntArray, count: int) -> "_Plants":
        order = np.argsort(of, kind="stable")
        present, start = np.unique(of[order], return_index=True)
        return cls(of, order, start, present, count)

    def total(self, rows: Array) -> Array:
        """(V, M, D) or (V, D) summed to (P, D)."""
        by_offer = rows.sum(axis=1) if rows.ndim == 3 else rows
        out = np.zeros((self.count, by_offer.shape[-1]))
        out[self.present] = np.add.reduceat(by_offer[self.order], self.start, axis=0)
        return out


@dataclass(frozen=True, eq=False)
class _Draws:
    """The draws in which some plant is asked for too much. Axes: rows, M, d."""

    layout: Layout
    x: Array
    asked: Array
    """(nests, M, d), demand for the nest's product."""
    limit: Array
    """(P, d)"""
    plants: _Plants
    theta: Array
    eta: Array
    W: Array
    power: Array
    rest: Array
    """(products, M, d), weight of the nests left out because no limit can reach them."""

    @classmethod
    def make(cls, batch: Batch, asked: Array, limit: Array, plants: _Plants, index: IntArray) -> "_Draws":
        whole = np.array_equal(index, np.arange(limit.shape[-1]))

        def chosen(array: Array) -> Array:
            if whole or array.shape[-1] == 1 < limit.shape[-1]:  # all draws, or one number for all of them
                return array
            return np.ascontiguousarray(array[..., index])

        where = batch.layout
        by_product = chosen(asked)[where.products_present]
        return cls(
            layout=where,
            x=chosen(batch.x) * (chosen(limit) > 0)[plants.of][:, None, :],
            asked=by_product[where.product_of],
            limit=chosen(limit),
            plants=plants,
            theta=chosen(batch.theta),
            eta=chosen(batch.eta),
            W=chosen(batch.W),
            power=chosen(batch.power),
            rest=np.zeros_like(by_product),
        )

    def reachable(self) -> "_Draws":
        """Only the nests in which some plant has a limit: the others keep their weight, whatever prices do."""
        where = self.layout
        finite = np.any(np.isfinite(self.limit), axis=1)
        inside = np.zeros(len(where.nest_start), dtype=bool)
        inside[where.nest_of[finite[self.plants.of]]] = True
        if inside.all():
            return self
        outside = ~inside[where.nest_of]
        x_out = self.x[outside]
        out_nests = np.flatnonzero(~inside)
        weight = np.power(run_sum(x_out, _starts(where.nest_of[outside])), self.power) * self.W[out_nests]
        rest = self.rest.copy()
        rest[np.unique(where.product_of[out_nests])] += run_sum(weight, _starts(where.product_of[out_nests]))
        rows, nests = ~outside, np.flatnonzero(inside)
        products = np.unique(where.product_of[nests])
        return replace(
            self,
            layout=replace(
                where,
                nest_start=_starts(where.nest_of[rows]),
                nest_of=np.unique(where.nest_of[rows], return_inverse=True)[1],
                product_start=_starts(where.product_of[nests]),
                product_of=np.unique(where.product_of[nests], return_inverse=True)[1],
            ),
            x=self.x[rows],
            asked=self.asked[nests],
            W=self.W[nests],
            plants=_Plants.make(self.plants.of[rows], self.plants.count),
            rest=rest[products],
        )

    def subset(self, keep: IntArray) -> "_Draws":
        """Some of these draws, for steps that others no longer need."""

        def chosen(array: Array) -> Array:
            return array if array.shape[-1] == 1 else np.ascontiguousarray(array[..., keep])

        return replace(
            self,
            x=chosen(self.x),
            asked=chosen(self.asked),
            limit=chosen(self.limit),
            theta=chosen(self.theta),
            eta=chosen(self.eta),
            W=chosen(self.W),
            power=chosen(self.power),
            rest=chosen(self.rest),
        )

    def sales(self, log_shadow: Array) -> tuple[Array, Array, Array]:
        """Cars by offer; shares in the nest; shares of nests: (V, M, d), (V, M, d), (nests, M, d)."""
        where = self.layout
        x = self.x * np.exp(-self.theta * log_shadow)[self.plants.of][:, None, :]
        total = run_sum(x, where.nest_start)
        raised = np.power(total, self.power)  # counted in cars, so the power is above 0
        raised *= self.W
        whole = run_sum(raised, where.product_start) + self.rest
        sigma = raised / np.where(whole > 0, whole, 1.0)[where.product_of]
        within = x
        within /= np.where(total > 0, total, 1.0)[where.nest_of]
        return within * (sigma * self.asked)[where.nest_of], within, sigma

    def shadow_prices(self, iterations: int) -> Array:
        """ln of the shadow price of each plant, (P, d); see :func:`clear`."""
        result = np.zeros_like(self.limit)
        top = np.log(SHADOW_LIMIT)
        now, place, price = self, np.arange(result.shape[-1]), np.zeros_like(result)
        live: BoolArray = np.ones(len(place), dtype=bool)
        pairs = _Pairs.make(self)
        for _ in range(iterations):
            new = np.clip(price + now.newton_step(price, pairs), 0.0, top)
            new = np.where(live, new, price)  # a draw that has converged stays as it is, whatever its neighbours do
            live = live & np.any(np.abs(new - price) > _CONVERGED, axis=0)
            price = new
            if not live.any():
                break
            if live.sum() < _COMPACT * len(live):
                result[:, place] = price
                keep = np.flatnonzero(live)
                keep = _at_least_two(keep)
                now, place, price, live = now.subset(keep), place[keep], price[:, keep], live[keep]
        result[:, place] = price
        return result

    def newton_step(self, price: Array, pairs: "_Pairs") -> Array:
        """Step in ln of the shadow price of each plant, (P, d); plants with room and without a price stay put."""
        sold, within, _ = self.sales(price)
        amount, limit = self.plants.total(sold)[pairs.limited], self.limit[pairs.limited]
        bound = (amount > 0) & np.isfinite(limit) & (limit > 0)
        excess = np.log(np.where(bound, amount / np.where(bound, limit, 1.0), 1.0))
        active = bound & ((excess > 0) | (price[pairs.limited] > 0))
        slope = pairs.slopes(sold, within, self.asked[self.layout.nest_of], self.theta, self.eta)
        slope *= active[:, None] & active
        n = np.arange(len(pairs.limited))
        # With all plants of a product short, no price clears the market and the slopes are singular: a little is added,
        # so that prices rise together to their limit.
        slope[n, n] += amount * (self.theta * active + _REGULAR) + ~active
        step = np.zeros_like(price)
        step[pairs.limited] = _solve(slope, excess * amount * active)
        return np.clip(step, -_STEP_LIMIT, _STEP_LIMIT)

    def ration(self, sold: Array) -> Array:
        """Cut what is above capacity and hand it to offers with room, (V, M, d)."""
        where, plants = self.layout, self.plants
        amount = plants.total(sold)
        over = amount > self.limit
        cut = np.where(over, self.limit / np.where(over, amount, 1.0), 1.0)
        sold = sold * cut[plants.of][:, None, :]
        asked = self.asked[where.product_start]
        scale = asked.sum(axis=(0, 1))
        going: BoolArray = np.ones(sold.shape[-1], dtype=bool)
        for _ in range(plants.count + 1):  # each round places everything or fills a plant
            room = np.maximum(self.limit - plants.total(sold), 0.0)
            room[room <= _LEFT * np.where(np.isfinite(self.limit), self.limit, 0.0)] = 0.0
            left = np.maximum(asked - self._by_product(sold), 0.0)
            going = going & (left.sum(axis=(0, 1)) > _LEFT * scale)
            if not going.any():
                break
            offered = sold * ((room > 0) & going)[plants.of][:, None, :]
            more = offered * ratio(left, self._by_product(offered))[where.product_of][where.nest_of]
            load = plants.total(more)
            tight = load > room
            more *= np.where(tight, room / np.where(tight, load, 1.0), 1.0)[plants.of][:, None, :]
            sold = sold + more
            going = going & np.any(load > 0, axis=0)
        return sold

    def _by_product(self, rows: Array) -> Array:
        """(V, M, d) summed to (products that have offers, M, d)."""
        where = self.layout
        return run_sum(run_sum(rows, where.nest_start), where.product_start)


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Which offers of limited plants meet in a nest or a product: where one plant's price moves another's sales."""

    limited: IntArray
    """(n,), plants that have a limit in some draw."""
    first: IntArray
    second: IntArray
    """Rows of the offers of each pair in a nest, an offer with itself included; sorted by their plants."""
    start: IntArray
    cell: tuple[IntArray, IntArray]
    """Runs of pairs of the same two plants, and these plants."""
    rows: IntArray
    runs: IntArray
    run_plant: IntArray
    run_product: IntArray
    """Rows of limited plants by product and plant; runs of the same; plant and product of each run."""

    @classmethod
    def make(cls, draws: _Draws) -> "_Pairs":
        where, of = draws.layout, draws.plants.of
        limited = np.flatnonzero(np.any(np.isfinite(draws.limit), axis=1))
        local = np.full(draws.plants.count, -1)
        local[limited] = np.arange(len(limited))
        rows = np.flatnonzero(local[of] >= 0)
        nest, plant = where.nest_of[rows], local[of[rows]]
        one, two = np.nonzero(nest[:, None] == nest)
        order = np.lexsort((plant[two], plant[one]))
        one, two = one[order], two[order]
        start = _starts(plant[one] * len(limited) + plant[two])
        product = where.product_of[nest]
        sort = np.lexsort((plant, product))
        runs = _starts(product[sort] * len(limited) + plant[sort])
        return cls(
            limited=limited,
            first=rows[one],
            second=rows[two],
            start=start,
            cell=(plant[one][start], plant[two][start]),
            rows=rows[sort],
            runs=runs,
            run_plant=plant[sort][runs],
            run_product=product[sort][runs],
        )

    def slopes(self, sold: Array, within: Array, asked: Array, theta: Array, eta: Array) -> Array:
        """``-dQ_p / d ln lambda_r``, (n, n, d), less the term ``theta Q_p`` on the diagonal.

        ``(eta - theta) sum_(v of p, u of r, one nest) q_v s_u - eta sum_(products, markets) Q_p Q_r / demand``
        """
        n = len(self.limited)
        out = np.zeros((n, n, sold.shape[-1]))
        if len(self.first):
            shared = (sold[self.first] * within[self.second]).sum(axis=1)
            out[self.cell] = (eta - theta) * np.add.reduceat(shared, self.start, axis=0)
            by_plant = run_sum(sold[self.rows], self.runs)
            demand = asked[self.rows[self.runs]]
            share = by_plant / np.where(demand > 0, demand, 1.0)
            for product in np.unique(self.run_product):
                here = np.flatnonzero(self.run_product == product)
                at = self.run_plant[here]
                out[at[:, None], at] -= eta * np.einsum("pmd,rmd->prd", by_plant[here], share[here])
        return out


def _solve(A: Array, b: Array) -> Array:
    """Solution of ``A x = b`` in each draw, (n, d); ``A`` (n, n, d) positive definite: elimination without pivoting.

    Element by element over draws, so that a draw's solution does not depend on the draws beside it.
    """
    A, x = A.copy(), b.copy()
    n = len(x)
    for i in range(n - 1):
        factor = A[i + 1 :, i] / A[i, i]
        A[i + 1 :, i + 1 :] -= factor[:, None] * A[i, i + 1 :]
        x[i + 1 :] -= factor * x[i]
    for i in range(n - 1, -1, -1):
        x[i] = (x[i] - (A[i, i + 1 :] * x[i + 1 :]).sum(axis=0)) / A[i, i]
    return x


def _starts(of: IntArray) -> IntArray:
    """First row of each run of equal numbers."""
    return np.flatnonzero(np.r_[True, of[1:] != of[:-1]])


def _at_least_two(index: IntArray) -> IntArray:
    """A lone draw taken twice: NumPy would sum over its markets in another order than it does beside other draws."""
    return np.repeat(index, 2) if len(index) == 1 else index

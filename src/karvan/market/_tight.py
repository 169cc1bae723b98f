"""Shadow prices of plants that are asked for more than they can make, by Newton steps per draw.

Only nests in which some plant has a limit take part: the others keep their weight, whatever prices do, and count as one
number per product and market. A nest all of whose offers come from one plant weighs ``lambda^-eta`` times what it does
without a price, so it needs no power of its own; only nests that several plants share are summed up again.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np

from karvan.base.axes import Array, BoolArray, IntArray
from karvan.base.sums import Groups, over_markets
from karvan.market._batch import Layout, Runs, ratio, run_sum, runs
from karvan.market._weights import Weights

SHADOW_LIMIT: Final = 16.0
"""Highest shadow price looked for. Where all plants together are short no price clears the market: a queue does."""
LEFT: Final = 1e-12
"""Share of a draw's demand below which nothing is left to hand out."""

_STEP_LIMIT: Final = float(np.log(2.0))  # a plant doubles its price at most in one step: Newton far out overshoots
_CONVERGED: Final = 1e-7  # of ln price, per draw
_REGULAR: Final = 1e-7  # of a plant's sales, added to the slopes
_COMPACT: Final = 0.6  # share of draws still moving below which the others are set aside


@dataclass(frozen=True, eq=False)
class _Nests:
    """Which nests take part and which plants meet there: ``n`` plants with a limit, and place ``n`` for all others.

    A pure nest is a part, and so is each plant in each mixed nest. Parts of pure nests come first, all in order.
    """

    pure: IntArray
    """Nests of one plant."""
    mixed: IntArray
    """Nests that several plants share."""
    others: IntArray
    """Nests that no limit can reach."""
    plant: IntArray
    """(parts,), plant of each."""
    product: IntArray
    """(parts,), product of each, by its place among those that have offers."""
    runs: tuple[Runs, Runs, Runs]
    """Products of pure, mixed and other nests, and the first nest of each."""
    mixed_product: IntArray
    """Product of each mixed nest."""
    part_nest: IntArray
    """Place in ``mixed`` of each part of a mixed nest."""
    part_of: IntArray
    """(V,), part of each sorted row; -1 for one that takes no part."""
    rows: IntArray
    """Sorted rows that take part in mixed nests."""
    in_parts: Groups
    """Those rows by part of a mixed nest."""
    in_mixed: Groups
    """Parts of mixed nests by nest."""
    in_plants: Groups
    """Parts by limited plant."""
    alone: Groups
    """Pure nests by plant."""
    in_products: Groups
    """Parts by product."""
    pairs: tuple[IntArray, IntArray, Groups]
    """Two parts of a mixed nest, of limited plants both, as in ``part_nest``, and pairs by those plants, (n * n)."""
    by_product: tuple[tuple[int, IntArray, IntArray, Groups | None], ...]
    """Product, parts of limited plants in it in order of plant, those plants, and parts by plant if one has several."""

    def whole(self, rest: Array, pure: Array, mixed: Array) -> Array:
        """Weight of each product: the nests that no limit reaches, and the others by their weights."""
        out = rest.copy()
        for (products, start), rows in zip(self.runs, (pure, mixed), strict=False):
            if len(rows):
                out[products] += run_sum(rows, start)
        return out


@lru_cache(maxsize=64)
def _nests(where: Layout, of: bytes, count: int) -> _Nests:
    """The nests that hold a row of a plant below ``count``; ``of`` are the plants of sorted rows, as 64-bit numbers.

    They are the same in nearly all years of all blocks.
    """
    plants = np.frombuffer(of, dtype=np.int64)
    low, high = (extreme.reduceat(plants, where.nest_start) for extreme in (np.minimum, np.maximum))
    reached = low < count
    pure, mixed = np.flatnonzero(reached & (low == high)), np.flatnonzero(reached & (low < high))
    rows = np.flatnonzero(np.isin(where.nest_of, mixed))
    key, part = np.unique(where.nest_of[rows] * (count + 1) + plants[rows], return_inverse=True)
    nest, owner = np.divmod(key, count + 1)
    part_nest = np.asarray(np.searchsorted(mixed, nest))
    plant = np.concatenate([low[pure], owner])
    product = np.concatenate([where.product_of[pure], where.product_of[nest]])
    of_nest = np.full(len(where.nest_start), -1)
    of_nest[pure] = np.arange(len(pure))
    part_of = of_nest[where.nest_of]
    part_of[rows] = len(pure) + part
    first, second = np.nonzero((part_nest[:, None] == part_nest) & (owner[:, None] < count) & (owner < count))
    by_product: list[tuple[int, IntArray, IntArray, Groups | None]] = []
    for k in np.unique(product).tolist():
        found = np.flatnonzero((product == k) & (plant < count))
        found = found[np.argsort(plant[found], kind="stable")]
        if found.size:
            theirs, of_part = np.unique(plant[found], return_inverse=True)
            several = Groups.of(of_part, len(theirs)) if len(theirs) < len(found) else None
            by_product.append((k, found, theirs, several))
    others = np.flatnonzero(~reached)
    return _Nests(
        pure=pure,
        mixed=mixed,
        others=others,
        runs=(runs(where.product_of[pure]), runs(where.product_of[mixed]), runs(where.product_of[others])),
        mixed_product=where.product_of[mixed],
        plant=plant,
        product=product,
        part_nest=part_nest,
        part_of=part_of,
        rows=rows,
        in_parts=Groups.of(part, len(key)),
        in_mixed=Groups.of(part_nest, len(mixed)),
        in_plants=Groups.of(plant, count),
        alone=Groups.of(low[pure], count),
        in_products=Groups.of(product, len(where.products_present)),
        pairs=(first, second, Groups.of(owner[first] * count + owner[second], count * count)),
        by_product=tuple(by_product),
    )


@dataclass(frozen=True, eq=False)
class Tight:
    """The draws in which some plant is asked for too much. Axes: rows, M, d."""

    weights: Weights
    nests: _Nests
    index: IntArray
    """(d,), which draws these are."""
    limited: IntArray
    """(n,), plants that have a limit in some draw."""
    limit: Array
    """(n, d), cars per year."""
    asked: Array
    """(products, M, d), cars per year."""
    rest: Array
    """(products, M, d), weight of the nests that no limit can reach."""
    pure: Array
    """(pure nests, M, d), their weight at no shadow price; 0 for a plant that makes nothing."""
    part: Array
    """(parts of mixed nests, M, d), sum of the weights of a plant's offers in a nest, as ``pure``."""
    W: Array
    """(mixed nests, M, d or 1)."""
    theta: Array
    eta: Array
    power: Array

    @classmethod
    def make(cls, weights: Weights, asked: Array, whole: Array, limit: Array, of: IntArray, index: IntArray) -> "Tight":
        """The draws ``index``; ``of`` is the plant of each sorted row, ``whole`` the weight of each product."""
        limited = np.flatnonzero(np.any(np.isfinite(limit), axis=1))
        local = np.full(len(limit), len(limited))
        local[limited] = np.arange(len(limited))
        nests = _nests(weights.layout, local[of].astype(np.int64).tobytes(), len(limited))
        all_of_them = np.array_equal(index, np.arange(limit.shape[-1]))

        def chosen(array: Array) -> Array:
            same = all_of_them or array.shape[-1] == 1 < limit.shape[-1]  # all draws, or one number for all of them
            return array if same else np.ascontiguousarray(array[..., index])

        some = chosen(limit[limited])
        makes = np.concatenate([some > 0, np.ones((1, len(index)), dtype=bool)])
        count, where = len(nests.pure), weights.layout
        part = nests.in_parts.sum(chosen(weights.x[where.place[nests.rows]]))
        part *= makes[nests.plant[count:]][:, None]
        rest = np.zeros((*whole.shape[:-1], len(index)))
        if len(nests.others):
            products, start = nests.runs[2]
            rest[products] = run_sum(chosen(weights.raised[nests.others]), start)
        return cls(
            weights=weights,
            nests=nests,
            index=index,
            limited=limited,
            limit=some,
            asked=chosen(asked),
            rest=rest,
            pure=chosen(weights.raised[nests.pure]) * makes[nests.plant[:count]][:, None],
            part=part,
            W=chosen(weights.W[nests.mixed]),
            theta=chosen(weights.theta),
            eta=chosen(weights.eta),
            power=chosen(weights.power),
        )

    def subset(self, keep: IntArray) -> "Tight":
        """Some of these draws, for steps that others no longer need."""

        def chosen(array: Array) -> Array:
            return array if array.shape[-1] == 1 else np.ascontiguousarray(array[..., keep])

        return replace(
            self,
            index=self.index[keep],
            limit=chosen(self.limit),
            asked=chosen(self.asked),
            rest=chosen(self.rest),
            pure=chosen(self.pure),
            part=chosen(self.part),
            W=chosen(self.W),
            theta=chosen(self.theta),
            eta=chosen(self.eta),
            power=chosen(self.power),
        )

    def sales(self, log_shadow: Array) -> tuple[Array, Array, Array]:
        """Cars by part; share of each part of a mixed nest in it; weight of each product: (parts, M, d), .., .."""
        nests, count = self.nests, len(self.nests.pure)
        cars = np.empty((len(nests.plant), *self.rest.shape[1:]))
        np.multiply(self.pure, np.exp(-self.eta * log_shadow)[nests.plant[:count]][:, None], out=cars[:count])
        within, mixed = cars[count:], np.empty((len(nests.mixed), *self.rest.shape[1:]))
        if len(nests.mixed):
            down = np.concatenate([np.exp(-self.theta * log_shadow), np.ones((1, log_shadow.shape[-1]))])
            within = self.part * down[nests.plant[count:]][:, None]
            total = nests.in_mixed.sum(within)
            np.power(total, self.power, out=mixed)  # counted in cars, so the power is above 0
            mixed *= self.W
            within /= np.where(total > 0, total, 1.0)[nests.part_nest]
        whole = nests.whole(self.rest, cars[:count], mixed)
        each = self.asked / np.where(whole > 0, whole, 1.0)
        cars[:count] *= each[nests.product[:count]]
        if len(nests.mixed):
            mixed *= each[nests.mixed_product]
            np.multiply(mixed[nests.part_nest], within, out=cars[count:])
        return cars, within, whole

    def amounts(self, cars: Array) -> Array:
        """(n, d), cars of each limited plant."""
        return self.nests.in_plants.sum(over_markets(cars))

    def shadow_prices(self, iterations: int) -> Array:
        """ln of the shadow price of each limited plant, (n, d); see :func:`karvan.market.clear`."""
        result = np.zeros_like(self.limit)
        top = np.log(SHADOW_LIMIT)
        now, place, price = self, np.arange(result.shape[-1]), np.zeros_like(result)
        live: BoolArray = np.ones(len(place), dtype=bool)
        for _ in range(iterations):
            new = np.clip(price + now.newton_step(price), 0.0, top)
            new = np.where(live, new, price)  # a draw that has converged stays as it is, whatever its neighbours do
            live = live & np.any(np.abs(new - price) > _CONVERGED, axis=0)
            price = new
            if not live.any():
                break
            if live.sum() < _COMPACT * len(live):
                result[:, place] = price
                keep = np.flatnonzero(live)
                keep = np.repeat(keep, 2) if len(keep) == 1 else keep  # else NumPy sums in another order
                now, place, price, live = now.subset(keep), place[keep], price[:, keep], live[keep]
        result[:, place] = price
        return result

    def newton_step(self, price: Array) -> Array:
        """Step in ln of the shadow price of each plant, (n, d); plants with room and without a price stay put."""
        cars, within, _ = self.sales(price)
        amount, limit = self.amounts(cars), self.limit
        bound = (amount > 0) & np.isfinite(limit) & (limit > 0)
        excess = np.log(np.where(bound, amount / np.where(bound, limit, 1.0), 1.0))
        active = bound & ((excess > 0) | (price > 0))
        slope = self.slopes(cars, within)
        slope *= active[:, None] & active
        n = np.arange(len(limit))
        # With all plants of a product short, no price clears the market and the slopes are singular: a little is added,
        # so that prices rise together to their limit.
        slope[n, n] += amount * (self.theta * active + _REGULAR) + ~active
        return np.clip(_solve(slope, excess * amount * active), -_STEP_LIMIT, _STEP_LIMIT)

    def slopes(self, cars: Array, within: Array) -> Array:
        """``-dQ_p / d ln lambda_r``, (n, n, d), less the term ``theta Q_p`` on the diagonal.

        ``(eta - theta) sum_(v of p, u of r, one nest) q_v s_u - eta sum_(products, markets) Q_p Q_r / demand``
        """
        nests, n, count = self.nests, len(self.limited), len(self.nests.pure)
        first, second, meet = nests.pairs
        out = meet.sum(np.einsum("pmd,pmd->pd", cars[count + first], within[second]))
        out[:: n + 1] += nests.alone.sum(over_markets(cars[:count]))  # its share in a nest of its own is 1
        out = out.reshape(n, n, -1)
        out *= self.eta - self.theta
        for product, parts, plants, of_plant in nests.by_product:
            demand = self.asked[product]
            sold = cars[parts] if of_plant is None else of_plant.sum(cars[parts])
            share = sold / np.where(demand > 0, demand, 1.0)
            out[plants[:, None], plants] -= self.eta * np.einsum("pmd,rmd->prd", sold, share)
        return out

    def settle(self, log_shadow: Array, sold: Array, whole: Array) -> BoolArray:
        """Write the sales at these prices into ``sold`` (V, M, D), cut to the limits.

        ``whole`` (products, M, D) is the weight of each product that ``sold`` was worked out with.

        Returns
        -------
        (d,), where cars that were cut are still to be placed.
        """
        nests, count, weights = self.nests, len(self.nests.pure), self.weights
        where, place = weights.layout, weights.layout.place
        cars, _, now = self.sales(log_shadow)
        amount = self.amounts(cars)
        over = amount > self.limit
        cut = np.where(over, self.limit / np.where(over, amount, 1.0), 1.0)
        cut = np.concatenate([cut, np.ones((1, cut.shape[-1]))])[nests.plant][:, None]
        gone = nests.in_products.sum(cars * (1.0 - cut))
        cars *= cut

        moved = np.ones_like(whole)
        before = whole[..., self.index]
        moved[..., self.index] = np.divide(before, now, out=np.ones_like(now), where=now > 0)
        free = np.flatnonzero(nests.part_of < 0)
        sold[free] *= moved[where.product_of[where.nest_of[free]]]
        rows = np.flatnonzero(nests.part_of >= 0)
        part = nests.part_of[rows]
        new = cars[part]
        several = np.flatnonzero((part < count) & (place[rows] >= 0))  # offers of one plant that share a nest
        theirs = where.nest_place[where.nest_of[rows[several]]]
        new[several] *= ratio(weights.x[place[rows[several]]], weights.total[theirs])[..., self.index]
        met = np.flatnonzero(part >= count)  # 1 for the only offer of its plant in the nest
        new[met] *= ratio(weights.x[place[rows[met]]][..., self.index], self.part[part[met] - count])
        sold[rows[:, None], :, self.index] = np.moveaxis(new, -1, 1)
        return np.asarray(gone.sum(axis=(0, 1)) > LEFT * self.asked.sum(axis=(0, 1)))


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

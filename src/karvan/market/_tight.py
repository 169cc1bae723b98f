"""Shadow prices of plants that are asked for more than they can make, by Newton steps per draw.

Only nests in which some plant has a limit take part: the others keep their weight, whatever prices do, and count as one
number per product and market. A nest all of whose offers come from one plant weighs ``lambda^-eta`` times what it does
without a price, so it needs no power of its own; only nests that several plants share are summed up again.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from karvan.base.axes import Array, BoolArray, IntArray
from karvan.market._batch import Layout, ratio
from karvan.market._weights import Weights, over_markets

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
    """Which nests take part and which plants meet there: ``n`` plants with a limit, and place ``n`` for all others."""

    layout: Layout
    of: IntArray
    """(V,), plant of each sorted row: its place among the limited ones."""
    pure: IntArray
    """Nests of one plant."""
    mixed: IntArray
    """Nests that several plants share."""
    plant: IntArray
    """Plant of each part: each pure nest is a part, and each plant in each mixed nest."""
    product: IntArray
    """Product of each part, by its place among those that have offers."""
    part_nest: IntArray
    """Place in ``mixed`` of each part of a mixed nest."""
    part_rows: tuple[IntArray, ...]
    """Sorted rows of each part of a mixed nest."""
    pairs: tuple[tuple[int, int, int, int], ...]
    """Two parts of a mixed nest, of limited plants both, and their plants; parts as in ``part_nest``."""
    by_product: tuple[tuple[int, IntArray, IntArray, IntArray], ...]
    """Product, parts of limited plants in it in order of plant, those plants, and the place of each part among them."""

    @classmethod
    def make(cls, where: Layout, of: IntArray, count: int) -> "_Nests":
        """Nests that hold a row of a plant below ``count``."""
        pure: list[int] = []
        mixed: list[int] = []
        plants: list[int] = []
        products: list[int] = []
        parts: list[tuple[int, int, int, IntArray]] = []
        stop = np.append(where.nest_start[1:], len(of))
        for nest, (first, last) in enumerate(zip(where.nest_start.tolist(), stop.tolist(), strict=True)):
            here = of[first:last]
            if here.min() >= count:
                continue
            if here.min() == here.max():
                pure.append(nest)
                plants.append(int(here[0]))
                products.append(int(where.product_of[nest]))
                continue
            k = int(where.product_of[nest])
            parts.extend((len(mixed), int(p), k, first + np.flatnonzero(here == p)) for p in np.unique(here))
            mixed.append(nest)
        plant = np.array([*plants, *(part[1] for part in parts)], dtype=np.int64)
        product = np.array([*products, *(part[2] for part in parts)], dtype=np.int64)
        by_product = []
        for k in np.unique(product).tolist():
            found = np.flatnonzero((product == k) & (plant < count))
            found = found[np.argsort(plant[found], kind="stable")]
            if found.size:
                by_product.append((k, found, *np.unique(plant[found], return_inverse=True)))
        nest_of = [part[0] for part in parts]
        owners = [part[1] for part in parts]
        pairs = [
            (i, j, owners[i], owners[j])
            for i in range(len(parts))
            for j in range(len(parts))
            if nest_of[i] == nest_of[j] and max(owners[i], owners[j]) < count
        ]
        return cls(
            where,
            of,
            np.array(pure, dtype=np.int64),
            np.array(mixed, dtype=np.int64),
            plant,
            product,
            np.array(nest_of, dtype=np.int64),
            tuple(part[3] for part in parts),
            tuple(pairs),
            tuple(by_product),
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
        nests = _Nests.make(weights.layout, local[of], len(limited))
        all_of_them = np.array_equal(index, np.arange(limit.shape[-1]))

        def chosen(array: Array) -> Array:
            same = all_of_them or array.shape[-1] == 1 < limit.shape[-1]  # all draws, or one number for all of them
            return array if same else np.ascontiguousarray(array[..., index])

        some = chosen(limit[limited])
        makes = np.concatenate([some > 0, np.ones((1, len(index)), dtype=bool)])
        count = len(nests.pure)
        part = np.empty((len(nests.part_rows), *whole.shape[1:-1], len(index)))
        for out, rows, plant in zip(part, nests.part_rows, nests.plant[count:], strict=True):
            out[...] = chosen(weights.x[weights.place[rows[0]]])
            for row in rows[1:]:
                out += chosen(weights.x[weights.place[row]])
            out *= makes[plant]
        inside = np.zeros(len(weights.raised), dtype=bool)
        inside[nests.pure], inside[nests.mixed] = True, True
        rest = np.zeros((*whole.shape[:-1], len(index)))
        for nest in np.flatnonzero(~inside):
            rest[weights.layout.product_of[nest]] += chosen(weights.raised[nest])
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
        whole = self.rest.copy()
        for raised, product in zip(cars[:count], nests.product, strict=False):
            whole[product] += raised
        within, mixed = cars[count:], np.empty((len(nests.mixed), *self.rest.shape[1:]))
        if len(nests.mixed):
            down = np.concatenate([np.exp(-self.theta * log_shadow), np.ones((1, log_shadow.shape[-1]))])
            within = self.part * down[nests.plant[count:]][:, None]
            total = np.zeros_like(mixed)
            for nest, x in zip(nests.part_nest, within, strict=True):
                total[nest] += x
            np.power(total, self.power, out=mixed)  # counted in cars, so the power is above 0
            mixed *= self.W
            for raised, nest in zip(mixed, nests.mixed, strict=True):
                whole[nests.layout.product_of[nest]] += raised
            within /= np.where(total > 0, total, 1.0)[nests.part_nest]
        each = self.asked / np.where(whole > 0, whole, 1.0)
        for sold, product in zip(cars[:count], nests.product, strict=False):
            sold *= each[product]
        for i, (nest, product) in enumerate(zip(nests.part_nest, nests.product[count:], strict=True)):
            np.multiply(mixed[nest] * each[product], within[i], out=cars[count + i])
        return cars, within, whole

    def amounts(self, cars: Array) -> Array:
        """(n, d), cars of each limited plant."""
        out = np.zeros((len(self.limited) + 1, cars.shape[-1]))
        for plant, sold in zip(self.nests.plant, over_markets(cars), strict=True):
            out[plant] += sold
        return out[:-1]

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
        out = np.zeros((n, n, cars.shape[-1]))
        alone = over_markets(cars[:count]) if count else cars[:0, 0]
        for plant, sold in zip(nests.plant, alone, strict=False):
            out[plant, plant] += sold  # its share in a nest of its own is 1
        for i, j, p, r in nests.pairs:
            out[p, r] += np.einsum("md,md->d", cars[count + i], within[j])
        out *= self.eta - self.theta
        for product, parts, plants, place in nests.by_product:
            demand = self.asked[product]
            sold = cars[parts]
            if len(plants) < len(parts):  # a plant in several nests of a product
                each, sold = sold, np.zeros((len(plants), *sold.shape[1:]))
                for row, to in zip(each, place, strict=True):
                    sold[to] += row
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
        nests, count, where = self.nests, len(self.nests.pure), self.nests.layout
        cars, _, now = self.sales(log_shadow)
        amount = self.amounts(cars)
        over = amount > self.limit
        cut = np.where(over, self.limit / np.where(over, amount, 1.0), 1.0)
        cut = np.concatenate([cut, np.ones((1, cut.shape[-1]))])
        gone = np.zeros_like(self.asked)
        for part, plant, product in zip(cars, nests.plant, nests.product, strict=True):
            if plant < len(self.limited):
                gone[product] += part * (1.0 - cut[plant])
                part *= cut[plant]

        moved = np.ones_like(whole)
        before = whole[..., self.index]
        moved[..., self.index] = np.divide(before, now, out=np.ones_like(now), where=now > 0)
        of_nest = np.full(len(where.nest_start), -1)
        of_nest[nests.pure] = np.arange(count)
        part_of = of_nest[where.nest_of]
        for i, rows in enumerate(nests.part_rows):
            part_of[rows] = count + i
        weights, place = self.weights, self.weights.place
        for v, i in enumerate(part_of.tolist()):
            nest = where.nest_of[v]
            if i < 0:
                sold[v] *= moved[where.product_of[nest]]
                continue
            new = cars[i]
            if i < count and place[v] >= 0:
                new = new * ratio(weights.x[place[v]], weights.total[weights.nest_place[nest]])[..., self.index]
            elif i >= count and len(nests.part_rows[i - count]) > 1:
                new = new * ratio(weights.x[place[v]][..., self.index], self.part[i - count])
            sold[v][:, self.index] = new
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

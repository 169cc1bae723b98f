"""What every offer weighs in its nest and every nest in its product, for many draws: the start of a clearing market.

Rows lead and (M, D) follow, so that inner loops are as long as there are draws; each row is worked while it is near the
processor. Powers are dear, so few are taken. An offer alone in its nest needs none: the nest weighs ``W c^-eta``, from
the logarithm of ``c`` at hand. Only nests with several offers raise a sum to the power ``eta / theta``.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from karvan.base.axes import Array, BoolArray, IntArray
from karvan.market._batch import Inputs, Layout, newcomers, run_sum, with_entrants

if TYPE_CHECKING:
    from karvan.market.shares import DoubleCES


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights for many draws, offers in sorted order."""

    layout: Layout
    lead: tuple[int, ...]
    theta: Array
    """(D,); so too ``eta`` and ``power``, which is ``eta / theta``."""
    eta: Array
    power: Array
    W: Array
    """(nests, M, D or 1), weight of each nest in its product before costs, appeal included."""
    x: Array
    """(n, M, D), weight in its nest of each offer that shares one, costs included."""
    total: Array
    """(nests that have several offers, M, D), sum of ``x`` over each."""
    raised: Array
    """(nests, M, D), weight of each nest in its product, costs included."""
    place: IntArray
    """(V,), row of each offer in ``x``; -1 for one alone in its nest."""
    nest_place: IntArray
    """(nests,), row of each nest in ``total``; -1 for an offer alone."""

    @classmethod
    def make(cls, ces: "DoubleCES", given: Inputs, present: BoolArray) -> "Weights":
        """Weigh; ``present`` (..., V) false keeps an entrant out."""
        where, lead, markets = ces.layout, given.lead, ces.plant_share.shape[1]
        draws, offers = int(np.prod(lead)), len(where.order)
        theta, eta = (np.ascontiguousarray(np.broadcast_to(a, lead)).reshape(-1) for a in (given.theta, given.eta))
        power = eta / theta
        base = ces.plant_share[where.order][..., None]
        W = ces.brand_share[where.nest_index][..., None]
        inside: dict[int, Array] = {}
        several = np.diff(np.append(where.nest_start, offers)) > 1
        if given.entrant is not None:
            rows, nests = newcomers(ces, given.entrant)
            prior = draws_last(given.entrant, lead)[where.order[rows]]
            prior = prior * draws_last(present[..., None].astype(float), lead)[where.order[rows]]
            prior = np.where(base[rows] > 0, 0.0, prior)
            shared = several[where.nest_of[rows]]
            w, W = with_entrants(
                base[rows[shared]], prior[shared], W, where.nest_of[rows[shared]], nests[several[nests]]
            )
            inside = dict(zip(rows[shared].tolist(), w, strict=True))
            W = np.array(np.broadcast_to(W, (*W.shape[:2], draws)))
            for nest, new in zip(nests[~several[nests]].tolist(), prior[~shared], strict=True):
                np.add(W[nest], new, out=W[nest], where=W[nest] <= 0)  # an offer alone, where it is new
        if given.brand_appeal is not None:
            lift = draws_last(given.brand_appeal, lead)
            if W.shape[-1] < draws:
                W = W * lift[where.nest_index]
            else:
                for nest, row in enumerate(where.nest_index.tolist()):
                    W[nest] *= lift[row]

        cost = draws_last(given.cost, lead)
        appeal = None if given.appeal is None else draws_last(given.appeal, lead)
        stop = np.append(where.nest_start[1:], offers)
        x = np.empty((int(several[where.nest_of].sum()), markets, draws))
        total = np.empty((int(several.sum()), markets, draws))
        raised = np.empty((len(several), markets, draws))
        place, nest_place = _positions(several[where.nest_of]), _positions(several)
        ln = np.empty(cost.shape[1:])
        for nest, (first, last) in enumerate(zip(where.nest_start.tolist(), stop.tolist(), strict=True)):
            out = raised[nest]
            for v in range(first, last):
                np.log(cost[where.order[v]], out=ln)
                liked = None if appeal is None else appeal[where.order[v]]
                if last - first == 1:
                    # Alone, it weighs 1 inside wherever it is sold at all; where it is not, the nest weighs 0.
                    np.multiply(ln, -eta, out=out)
                    for factor in (np.where(base[v] > 0, base[v], 1.0), liked):
                        if factor is not None and not np.all(factor == 1.0):
                            with np.errstate(divide="ignore"):  # an appeal of 0 takes the offer away
                                out += power * np.log(factor)
                    np.exp(out, out=out)
                    continue
                here = np.multiply(ln, -theta, out=x[place[v]])
                np.exp(here, out=here)
                here *= inside.get(v, base[v])
                if liked is not None:
                    here *= liked
                if v == first:
                    total[nest_place[nest]] = here
                else:
                    total[nest_place[nest]] += here
            if last - first > 1:
                np.power(total[nest_place[nest]], power, out=out)  # counted in cars, so the power is above 0
            out *= W[nest]
        return cls(where, lead, theta, eta, power, W, x, total, raised, place, nest_place)

    def cars(self, asked: Array) -> tuple[Array, Array]:
        """Cars by offer (V, M, D) and the sums of weights by product (products that have offers, M, D).

        ``asked`` is (products that have offers, M, D).
        """
        where = self.layout
        whole = run_sum(self.raised, where.product_start)
        each = asked / np.where(whole > 0, whole, 1.0)  # nobody can sell: all weights are 0
        sold = np.empty((len(where.order), *whole.shape[1:]))
        for v, nest in enumerate(where.nest_of.tolist()):
            weight = self.raised[nest]
            if self.place[v] < 0:
                np.multiply(weight, each[where.product_of[nest]], out=sold[v])
                continue
            if v == where.nest_start[nest]:
                sum_ = self.total[self.nest_place[nest]]
                factor = weight * each[where.product_of[nest]] / np.where(sum_ > 0, sum_, 1.0)
            np.multiply(self.x[self.place[v]], factor, out=sold[v])
        return sold, whole


def draws_last(array: Array, lead: tuple[int, ...]) -> Array:
    """(..., rows, M) as (rows, M, D or 1); a view if it can be."""
    if array.ndim == 2:
        return array[..., None]
    flat = np.broadcast_to(array, lead + array.shape[-2:]).reshape(-1, *array.shape[-2:])
    return np.moveaxis(flat, 0, -1)


def over_markets(rows: Array) -> Array:
    """(rows, M, D) summed to (rows, D), market by market, so that a lone draw is summed as it is among others."""
    out = rows[:, 0].copy()
    for m in range(1, rows.shape[1]):
        out += rows[:, m]
    return out


def _positions(chosen: BoolArray) -> IntArray:
    """Number of each chosen one among the chosen; -1 for the others."""
    return np.where(chosen, np.cumsum(chosen) - 1, -1)

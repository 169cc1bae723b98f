"""What every offer weighs in its nest and every nest in its product, for many draws: the start of a clearing market.

Rows lead and (M, D) follow, so that inner loops are as long as there are draws. Powers are dear, so few are taken. An
offer alone in its nest needs none: the nest weighs ``W c^-eta``, from the logarithm of ``c`` at hand. Only nests with
several offers raise a sum to the power ``eta / theta``.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from karvan.base.axes import Array, BoolArray
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

    @classmethod
    def make(cls, ces: "DoubleCES", given: Inputs, present: BoolArray) -> "Weights":
        """Weigh; ``present`` (..., V) false keeps an entrant out."""
        where, lead, markets = ces.layout, given.lead, ces.plant_share.shape[1]
        draws = int(np.prod(lead))
        theta, eta = (np.ascontiguousarray(np.broadcast_to(a, lead)).reshape(-1) for a in (given.theta, given.eta))
        power = eta / theta
        base = ces.plant_share[where.order][..., None]
        W = ces.brand_share[where.nest_index][..., None]
        several, shared = where.several, where.shared
        inside = base[shared]
        served, weight = np.empty(0, dtype=np.int64), inside[:0]
        if given.entrant is not None:
            rows, nests = newcomers(ces, given.entrant)
            prior = draws_last(given.entrant, lead)[where.order[rows]]
            prior = prior * draws_last(present[..., None].astype(float), lead)[where.order[rows]]
            prior = np.where(base[rows] > 0, 0.0, prior)
            some, alone = shared[rows], nests[~several[nests]]
            weight, W = with_entrants(
                base[rows[some]], prior[some], W, where.nest_of[rows[some]], nests[several[nests]]
            )
            served = where.place[rows[some]]
            inside = np.where(np.isin(np.arange(len(inside)), served)[:, None, None], 1.0, inside)
            W = np.array(np.broadcast_to(W, (*W.shape[:2], draws)))
            W[alone] += np.where(W[alone] <= 0, prior[~some], 0.0)  # an offer alone, where it is new
        if given.brand_appeal is not None:
            lift = draws_last(given.brand_appeal, lead)[where.nest_index]
            W = W * lift if W.shape[-1] < draws else np.multiply(W, lift, out=W)

        ln = np.log(draws_last(given.cost, lead))
        liked = None if given.appeal is None else draws_last(given.appeal, lead)
        raised = np.empty((len(several), markets, draws))

        # Alone in its nest an offer weighs 1 inside wherever it is sold at all; where it is not, the nest weighs 0.
        alone = np.flatnonzero(~shared)
        out = ln[where.order[alone]] * -eta
        shifts = [np.where(base[alone] > 0, base[alone], 1.0)]
        if liked is not None:
            shifts.append(liked[where.order[alone]])
        for shift in shifts:
            moved = np.flatnonzero(np.any(shift != 1.0, axis=(1, 2)))
            with np.errstate(divide="ignore"):  # an appeal of 0 takes the offer away
                out[moved] += power * np.log(shift[moved])
        raised[~several] = np.exp(out, out=out)

        x = ln[where.order[shared]] * -theta
        np.exp(x, out=x)
        x *= inside
        x[served] *= weight
        if liked is not None:
            x *= liked[where.order[shared]]
        total = where.in_several.sum(x)
        raised[several] = np.power(total, power)  # counted in cars, so the power is above 0
        raised *= W
        return cls(where, lead, theta, eta, power, W, x, total, raised)

    def cars(self, asked: Array) -> tuple[Array, Array]:
        """Cars by offer (V, M, D) and the sums of weights by product (products that have offers, M, D).

        ``asked`` is (products that have offers, M, D).
        """
        where, shared = self.layout, self.layout.shared
        whole = run_sum(self.raised, where.product_start)
        each = asked / np.where(whole > 0, whole, 1.0)  # nobody can sell: all weights are 0
        nests = self.raised * each[where.product_of]
        sold = np.empty((len(where.order), *whole.shape[1:]))
        sold[~shared] = nests[where.nest_of[~shared]]
        factor = nests[where.several] / np.where(self.total > 0, self.total, 1.0)
        sold[shared] = self.x * factor[where.nest_place[where.nest_of[shared]]]
        return sold, whole


def draws_last(array: Array, lead: tuple[int, ...]) -> Array:
    """(..., rows, M) as (rows, M, D or 1); a view if it can be."""
    if array.ndim == 2:
        return array[..., None]
    flat = np.broadcast_to(array, lead + array.shape[-2:]).reshape(-1, *array.shape[-2:])
    return np.moveaxis(flat, 0, -1)

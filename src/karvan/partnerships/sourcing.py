"""Where a car's parts come from, what the car costs at the plant gate, and how much of it is made at home.

A car is assembled from a kit bought from the partner. Component groups (body, engine, seats, wiring, ...) can be taken
out of the kit and bought at home instead; the partner takes their price off the kit, wholly or in part. What is left of
the kit pays freight and duty. The same structure answers how local the car is, by three tests that are not the same:
domestic value over ex-works price (:func:`local_content`), the value rule of a trade agreement
(:func:`regional_value_content`), and points for operations (:func:`points_for_operations`).

Letters: ``P`` plants, ``G`` component groups, ``S`` sectors, ``O`` operations. Money is in any one currency and year.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array, BoolArray
from karvan.base.checks import number, shares
from karvan.base.errors import InputError

VOLUME_MINIMUM = 100.0
"""Cars a year below which the fixed cost is not spread any thinner. ``assumed``, range 50 to 500: a plant that makes
fewer is idle, and no price is set on its cost per car."""


@dataclass(frozen=True)
class KitCost:
    """What the kit of one car costs at the plant; each (..., P), money per car."""

    kit: Array
    """Price of the kit at the partner's gate, after the parts taken out."""
    freight: Array
    """Carriage and insurance of what is left of the kit."""
    duty: Array
    """Import duty on the kit with its freight."""

    @property
    def total(self) -> Array:
        """Kit, freight and duty together."""
        return self.kit + self.freight + self.duty


@dataclass(frozen=True)
class ExWorks:
    """The price of one car at the plant gate, part by part; each broadcasts to (..., P), money per car."""

    kit: Array
    kit_freight: Array
    kit_duty: Array
    local_parts: Array
    labour: Array
    overhead: Array
    margin: Array

    @property
    def total(self) -> Array:
        """The ex-works price: the sum of the parts."""
        return (
            self.kit + self.kit_freight + self.kit_duty + self.local_parts + self.labour + self.overhead + self.margin
        )


def kit_cost(
    kit_price: ArrayLike,
    value_share: ArrayLike,
    local_share: ArrayLike,
    *,
    kit_duty_rate: ArrayLike,
    freight_kit: ArrayLike,
    deletion_allowance: ArrayLike = 1.0,
) -> KitCost:
    """What the partner's kit costs landed and cleared, once the parts bought at home are taken out of it.

    ``kit = k (1 - a sum_g v_g l_g)``, ``freight = f (1 - sum_g v_g l_g)``, ``duty = t (kit + freight)``: duty is laid
    on the value at the border with freight and insurance in it, as the WTO valuation agreement permits and the
    countries of the region do.

    Parameters
    ----------
    kit_price : (..., P), money per complete kit, 0 or more.
    value_share : (G,), (..., 1, G) or (..., P, G), share of each group in the price of a complete kit, sum at most 1.
    local_share : (..., P, G), share of the group bought at home, from 0 to 1.
    kit_duty_rate : (..., P) or scalar, share of 1, 0 or more.
    freight_kit : (..., P) or scalar, money per complete kit, 0 or more.
    deletion_allowance : (..., P) or scalar, share of a part's price that the partner takes off when it is left out of
        the kit, from 0 to 1. Nobody publishes it: 1 is ``assumed``, range 0.6 to 1.

    Returns
    -------
    KitCost
    """
    k = number("kit_price", kit_price, "money per car, 0 or more", low=0.0)
    rate = number("kit_duty_rate", kit_duty_rate, "a share of 1, 0 or more", low=0.0)
    carriage = number("freight_kit", freight_kit, "money per car, 0 or more", low=0.0)
    allowance = number("deletion_allowance", deletion_allowance, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    taken_out = (_value_share(value_share) * _local_share(local_share)).sum(axis=-1)
    kit = np.asarray(k * (1.0 - allowance * taken_out))
    freight = np.asarray(carriage * (1.0 - taken_out))
    return KitCost(kit=kit, freight=freight, duty=np.asarray(rate * (kit + freight)))


def local_parts_cost(
    kit_price: ArrayLike, value_share: ArrayLike, local_share: ArrayLike, local_price_ratio: ArrayLike
) -> Array:
    """What the parts bought at home cost per car, by component group.

    ``b_g = k v_g l_g r_g``.

    Parameters
    ----------
    kit_price, value_share, local_share : as in :func:`kit_cost`.
    local_price_ratio : (..., P, G), price of a local part over the price of the same part in the kit, 0 or more.

    Returns
    -------
    (..., P, G), money per car. Times volume it is what :func:`purchases_by_sector` takes.
    """
    k = number("kit_price", kit_price, "money per car, 0 or more", low=0.0)
    ratio = number("local_price_ratio", local_price_ratio, "a ratio, 0 or more", low=0.0)
    return np.asarray(k[..., None] * _value_share(value_share) * _local_share(local_share) * ratio)


def ex_works(
    *,
    kit_price: ArrayLike,
    kit_duty_rate: ArrayLike,
    local_share: ArrayLike,
    value_share: ArrayLike,
    local_price_ratio: ArrayLike,
    hours_per_car: ArrayLike,
    wage_per_hour: ArrayLike,
    overhead_fixed: ArrayLike,
    volume: ArrayLike,
    freight_kit: ArrayLike,
    margin_rate: ArrayLike,
    deletion_allowance: ArrayLike = 1.0,
    volume_minimum: float = VOLUME_MINIMUM,
) -> ExWorks:
    """The price of a car at the plant gate, built up from kit, duty, local parts, labour, overhead and margin.

    ``labour = h w``, ``overhead = F / max(q, q_min)``, ``margin = m (all the rest)``; kit by :func:`kit_cost`, local
    parts by :func:`local_parts_cost`.

    Parameters
    ----------
    kit_price, kit_duty_rate, local_share, value_share, freight_kit, deletion_allowance : as in :func:`kit_cost`.
    local_price_ratio : as in :func:`local_parts_cost`; the :func:`scale_penalty` of a small supplier belongs in it.
    hours_per_car : (..., P), hours of labour, 0 or more.
    wage_per_hour : (..., P) or scalar, money per hour with all that the employer pays, 0 or more.
    overhead_fixed : (..., P), money per year that does not depend on volume, 0 or more.
    volume : (..., P), cars per year, 0 or more.
    margin_rate : (..., P) or scalar, share of cost, 0 or more.
    volume_minimum : cars per year, above 0; see :data:`VOLUME_MINIMUM`.

    Returns
    -------
    ExWorks
    """
    hours = number("hours_per_car", hours_per_car, "hours per car, 0 or more", low=0.0)
    wage = number("wage_per_hour", wage_per_hour, "money per hour, 0 or more", low=0.0)
    fixed = number("overhead_fixed", overhead_fixed, "money per year, 0 or more", low=0.0)
    cars = number("volume", volume, "cars per year, 0 or more", low=0.0)
    margin = number("margin_rate", margin_rate, "a share of cost, 0 or more", low=0.0)
    number("volume_minimum", volume_minimum, "cars per year, above 0", low=0.0, open_low=True)
    landed = kit_cost(
        kit_price,
        value_share,
        local_share,
        kit_duty_rate=kit_duty_rate,
        freight_kit=freight_kit,
        deletion_allowance=deletion_allowance,
    )
    local = local_parts_cost(kit_price, value_share, local_share, local_price_ratio).sum(axis=-1)
    labour = hours * wage
    overhead = fixed / np.maximum(cars, volume_minimum)
    cost = landed.total + local + labour + overhead
    return ExWorks(
        kit=landed.kit,
        kit_freight=landed.freight,
        kit_duty=landed.duty,
        local_parts=np.asarray(local),
        labour=np.asarray(labour),
        overhead=np.asarray(overhead),
        margin=np.asarray(margin * cost),
    )


def local_content(
    value_share: ArrayLike, local_share: ArrayLike, domestic_content: ArrayLike, assembly_value_share: ArrayLike
) -> Array:
    """The share of the ex-works price that is value added at home, kits and transitive imports taken out.

    ``c = z + (1 - z) sum_g v_g l_g d_g``.

    Parameters
    ----------
    value_share : (G,), (..., 1, G) or (..., P, G), share of each group in the value of all parts, sum at most 1.
    local_share : (..., P, G), share of the group bought at home, from 0 to 1.
    domestic_content : (G,), (..., 1, G) or (..., P, G), share of a local part's price that is value added at home and
        not the import inside it, from 0 to 1.
    assembly_value_share : (..., P), share of the ex-works price that assembly adds at home (labour, overhead,
        margin), from 0 to 1.

    Returns
    -------
    (..., P), share of 1.

    >>> local_content([0.6, 0.4], [[0.0, 0.5]], [0.5, 0.8], [0.1])   # 0.1 + 0.9 * 0.4 * 0.5 * 0.8
    array([0.244])
    """
    z = number("assembly_value_share", assembly_value_share, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    d = number("domestic_content", domestic_content, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    inside = (_value_share(value_share) * _local_share(local_share) * d).sum(axis=-1)
    return np.asarray(z + (1.0 - z) * inside)


def local_content_of_costs(
    costs: ExWorks,
    local_parts: ArrayLike,
    domestic_content: ArrayLike,
    *,
    overhead_domestic: ArrayLike = 1.0,
    margin_domestic: ArrayLike = 1.0,
) -> Array:
    """The same share from money: domestic value over ex-works price, as a plant's books would show it.

    ``c = (sum_g b_g d_g + labour + overhead o + margin m) / price``. Kit, its freight and its duty are not value
    added at home; the duty is a tax on an import.

    Parameters
    ----------
    costs : :class:`ExWorks`.
    local_parts : (..., P, G), money per car, from :func:`local_parts_cost`.
    domestic_content : (G,), (..., 1, G) or (..., P, G), as in :func:`local_content`.
    overhead_domestic, margin_domestic : (..., P) or scalar, share of the overhead and of the margin that stays at
        home, from 0 to 1. 1 is ``assumed``; a partner's licence fee and dividend leave (range 0.5 to 1).

    Returns
    -------
    (..., P), share of 1.
    """
    parts = number("local_parts", local_parts, "money per car, 0 or more", low=0.0)
    d = number("domestic_content", domestic_content, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    o = number("overhead_domestic", overhead_domestic, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    m = number("margin_domestic", margin_domestic, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    domestic = (parts * d).sum(axis=-1) + costs.labour + costs.overhead * o + costs.margin * m
    price = costs.total
    none = np.zeros(np.broadcast_shapes(domestic.shape, price.shape))
    return np.asarray(np.divide(domestic, price, out=none, where=price > 0.0))


def regional_value_content(
    value_share: ArrayLike,
    local_share: ArrayLike,
    assembly_value_share: ArrayLike,
    *,
    originating: ArrayLike = 1.0,
    cumulated: ArrayLike = 0.0,
) -> Array:
    """The content that a value rule of a trade agreement counts: price less materials that do not originate.

    ``RVC = (price - non-originating) / price = z + (1 - z) sum_g v_g (l_g o_g + (1 - l_g) u_g)`` (build-down method).
    It differs from :func:`local_content` twice. A part that itself originates counts whole, imports inside it too
    (roll-up). A part from a partner of the same agreement counts as if made at home (cumulation).

    Parameters
    ----------
    value_share, local_share, assembly_value_share : as in :func:`local_content`.
    originating : (G,), (..., 1, G) or (..., P, G), share of the local parts of the group that pass their own rule.
    cumulated : (G,), (..., 1, G) or (..., P, G), share of the imported parts of the group that originate in a country
        with which the agreement cumulates.

    Returns
    -------
    (..., P), share of 1.
    """
    z = number("assembly_value_share", assembly_value_share, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    o = number("originating", originating, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    u = number("cumulated", cumulated, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    share = _local_share(local_share)
    inside = (_value_share(value_share) * (share * o + (1.0 - share) * u)).sum(axis=-1)
    return np.asarray(z + (1.0 - z) * inside)


@dataclass(frozen=True)
class Points:
    """The result of a test that gives points for operations; both (..., P)."""

    points: Array
    """Points reached."""
    passes: BoolArray
    """Whether the points reach the threshold and every operation that is obligatory is done."""


def points_for_operations(
    operations: ArrayLike, points: ArrayLike, threshold: ArrayLike, *, obligatory: ArrayLike | None = None
) -> Points:
    """Whether enough is *done* in the country, whatever it is worth: the test of the Eurasian fee and purchase rules.

    ``points = sum_o done_o points_o``; passes if ``points >= threshold`` and every obligatory operation is done in
    full. Russia's decree 719 counts 400 for welding and 500 for painting (2019 draft) and asks 3,200 for public
    purchase (2023); decision 72 of 2014 of the Eurasian Union makes welding and painting obligatory.

    Parameters
    ----------
    operations : (..., P, O), share of the operation done in the country, from 0 to 1.
    points : (O,) or (..., 1, O), points for the whole operation, 0 or more.
    threshold : (..., P) or scalar, points, 0 or more.
    obligatory : (O,), true where the operation must be done in full; left out, none must.

    Returns
    -------
    Points
    """
    done = number("operations", operations, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    worth = number("points", points, "points, 0 or more", low=0.0)
    need = number("threshold", threshold, "points, 0 or more", low=0.0)
    reached = np.asarray((done * worth).sum(axis=-1))
    passes = reached >= need - 1e-9  # a sum of shares may fall short by rounding alone
    if obligatory is not None:
        must = np.asarray(obligatory, dtype=np.bool_)
        passes = passes & np.all((done >= 1.0 - 1e-12) | ~must, axis=-1)
    return Points(points=reached, passes=np.asarray(passes))


def purchases_by_sector(local_parts_spend: ArrayLike, sector_of_group: ArrayLike) -> Array:
    """What the plants spend on local parts, by the sector of the supplier: the way into the input-output table.

    ``y_s = sum_p sum_g b_pg W_gs``. Nothing is lost: ``sum y = sum b``.

    Parameters
    ----------
    local_parts_spend : (..., P, G), money per year, 0 or more.
    sector_of_group : (G, S), share of the group's spending that goes to each sector, each row sums to 1.

    Returns
    -------
    (..., S), money per year.
    """
    spend = number("local_parts_spend", local_parts_spend, "money per year, 0 or more", low=0.0)
    weights = shares("sector_of_group", sector_of_group)
    if spend.shape[-1] != weights.shape[0]:
        raise InputError(
            f"sector_of_group: found {weights.shape[0]} rows; expected {spend.shape[-1]}, one for each component group"
        )
    return np.asarray(spend.sum(axis=-2) @ weights)


def scale_penalty(volume: ArrayLike, minimum_efficient_scale: ArrayLike, elasticity: ArrayLike) -> Array:
    """How many times dearer a unit is because it is made in small numbers.

    ``max(1, (q_min / q)^e)``: average cost falls with volume up to the minimum efficient scale and no further. Fitted
    to the penalties that Husan (1997, tables II and III) reports, ``e`` is 0.06 to 0.09 on White's figures and 0.13
    to 0.15 on those of Waverman and Murphy.

    Parameters
    ----------
    volume : (...), units per year, 0 or more; below 1 counts as 1.
    minimum_efficient_scale : (...), units per year, above 0.
    elasticity : (...), 0 or more.

    Returns
    -------
    (...), ratio, 1 or more.

    >>> scale_penalty([50_000, 200_000, 800_000], 400_000, 0.09).round(3)
    array([1.206, 1.064, 1.   ])
    """
    units = number("volume", volume, "units per year, 0 or more", low=0.0)
    least = number("minimum_efficient_scale", minimum_efficient_scale, "units per year, above 0", low=0, open_low=True)
    e = number("elasticity", elasticity, "0 or more", low=0.0)
    return np.asarray(np.maximum((least / np.maximum(units, 1.0)) ** e, 1.0))


def scale_ratio(
    volume: ArrayLike, minimum_efficient_scale: ArrayLike, elasticity: ArrayLike, *, reference: ArrayLike
) -> Array:
    """What a unit costs at a volume, over what it costs at the volume for which a price is known.

    ``scale_penalty(max(q, q_0)) / scale_penalty(q_0)``, the penalties being those of :func:`scale_penalty`: below
    ``q_0`` a supplier prices as if ``q_0`` were made, and past the minimum efficient scale nothing more is saved.

    Parameters
    ----------
    volume : (...), units per year, 0 or more.
    minimum_efficient_scale : (...), units per year, above 0.
    elasticity : (...), 0 or more.
    reference : (...), units per year at which the known price holds, 0 or more; below 1 counts as 1.

    Returns
    -------
    (...), ratio, above 0 and at most 1.

    >>> scale_ratio([1_000, 4_000, 40_000, 400_000, 800_000], 400_000, 0.09, reference=4_000).round(3)
    array([1.   , 1.   , 0.813, 0.661, 0.661])
    """
    units = number("volume", volume, "units per year, 0 or more", low=0.0)
    least = number("minimum_efficient_scale", minimum_efficient_scale, "units per year, above 0", low=0, open_low=True)
    e = number("elasticity", elasticity, "0 or more", low=0.0)
    known = np.maximum(number("reference", reference, "units per year, 0 or more", low=0.0), 1.0)
    # Both penalties in one power: what counts of a volume is what lies below the efficient scale.
    return np.asarray((np.minimum(known, least) / np.minimum(np.maximum(units, known), least)) ** e)


def ratio_by_group(
    ratio: ArrayLike,
    reference: ArrayLike,
    minimum_efficient_scale: ArrayLike,
    elasticity: ArrayLike,
    value_share: ArrayLike,
) -> Array:
    """The price of a local part over the kit's, group by group, from that of all parts together.

    ``r_g = r P_g / (sum_h v_h P_h / sum_h v_h)``, ``P`` the :func:`scale_penalty` at the reference volume: kits are
    made at full scale, so what loses most by small numbers is dearest at home; the mean by value stays as it is known.

    Parameters
    ----------
    ratio : (...), price of all local parts together over the same parts in the kit, 0 or more.
    reference : (..., G), sets a year at which it holds, 0 or more.
    minimum_efficient_scale : (..., G), sets a year, above 0.
    elasticity : (..., G), 0 or more.
    value_share : (..., G), share of 1, at most 1 in sum and above 0.

    Returns
    -------
    (..., G), ratio.

    >>> ratio_by_group(1.2, [4e3, 4e3], [4e5, 3e4], [0.09, 0.02], [0.5, 0.5]).round(3)
    array([1.407, 0.993])
    """
    known = number("ratio", ratio, "a ratio, 0 or more", low=0.0)
    value = _value_share(value_share)
    dear = scale_penalty(reference, minimum_efficient_scale, elasticity)
    mean = (dear * value).sum(axis=-1, keepdims=True) / value.sum(axis=-1, keepdims=True)
    return np.asarray(known[..., None] * dear / mean)


def _value_share(values: ArrayLike) -> Array:
    """Value shares: none below 0, their sum at most 1 (what is missing has no group and is never local)."""
    array = number("value_share", values, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    if np.any(array.sum(axis=-1) > 1.0 + 1e-9):
        raise InputError(
            f"value_share: the shares sum to {array.sum(axis=-1).max():.9g}; expected at most 1; divide by their sum"
        )
    return array


def _local_share(values: ArrayLike) -> Array:
    return number("local_share", values, "a share of 1, from 0 to 1", low=0.0, high=1.0)

"""Which duty a car pays: by agreement and origin, with the cost of passing the rule made explicit.

A reduced tariff is not a switch at a threshold of local content. A maker short of the rule either buys more local parts
than it would choose, and pays for that, or pays the full duty instead (Head, Mayer and Melitz 2024). Two kinds of test
are kept apart, because passing one says nothing about the other: a *share of value* (the CIS certificate CT-1, most
free trade areas) decides the duty; *points for operations* (welding, painting, engine, ...) decide refunds and public
purchase in Russia, and industrial-assembly status elsewhere. An agreement may ask for either or for both.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array, BoolArray, IntArray
from karvan.base.errors import InputError

MFN: Final = 0
"""No agreement covers the sale: the most-favoured-nation duty is due."""
FREE: Final = 1
"""The car passes the origin rule as it is made: the preferential duty, no extra cost."""
COMPLIES_AT_COST: Final = 2
"""The car passes because the maker buys more local parts than it would choose: preferential duty, dearer parts."""
PAYS_INSTEAD: Final = 3
"""An agreement exists, but passing its rule costs more than it saves (or cannot be done): full duty."""

STATES: tuple[str, ...] = ("mfn", "free", "complies_at_cost", "pays_instead")
"""Names of the states, by code."""


@dataclass(frozen=True, eq=False)
class OriginResult:
    """State of each offer in each market and what follows from it; every field ``(..., V, M)``."""

    state: IntArray
    """0 ``MFN``, 1 ``FREE``, 2 ``COMPLIES_AT_COST``, 3 ``PAYS_INSTEAD``."""
    duty_rate: Array
    """Ad valorem duty that is paid, share of the customs value."""
    compliance_cost_rate: Array
    """Extra cost of complying, share of the ex-works price; 0 unless the state is ``COMPLIES_AT_COST``."""


def origin_state(
    local_content: ArrayLike,
    operations_points: ArrayLike,
    rule_value_share: ArrayLike,
    rule_points: ArrayLike,
    *,
    compliance_cost_rate: ArrayLike | Callable[[Array], Array],
    mfn_rate: ArrayLike,
    preferential_rate: ArrayLike = 0.0,
) -> OriginResult:
    """State of origin of each offer in each market: no agreement, free, complies at a cost, pays instead.

    With rule ``R``, local content ``x``, cost of complying ``k``, full duty ``t`` and preferential duty ``t0``, the
    three regimes of Head, Mayer and Melitz (2024, Journal of International Economics 150)::

        free               x >= R and points >= the points asked
        complies at cost   points >= the points asked and (1 + k)(1 + t0) < 1 + t
        pays instead       otherwise

    Operations cannot be bought car by car, so a car short of *points* pays; a shortfall of *value* can be cured. The
    comparison is in ex-works terms: freight and insurance, taxed alike in both cases, are left out of it. Where the
    preferential duty is above the full one, the full one is paid.

    Parameters
    ----------
    local_content : (..., V), share of the ex-works price that counts as originating, 0 to 1. Use the measure that the
        agreement names, not the model's own ``local_content``, where the two differ.
    operations_points : (V,) or (..., V), points, 0 or more.
    rule_value_share : (V, M), share of 1; nan where no such test is set.
    rule_points : (V, M), points; nan where no such test is set. No test of either kind means no agreement.
    compliance_cost_rate : (..., V, M), share of the ex-works price, or a function that gives it from the gap
        ``max(R - x, 0)`` of the same shape; see :func:`compliance_premium`. May be infinite.
    mfn_rate, preferential_rate : broadcast to (..., V, M), share of the customs value, 0 or more.

    Returns
    -------
    OriginResult, every field (..., V, M).

    >>> result = origin_state([0.6, 0.4, 0.1], [0, 0, 0], [[0.5], [0.5], [0.5]], [[np.nan]] * 3,
    ...                       compliance_cost_rate=lambda gap: gap * 0.5, mfn_rate=0.15)
    >>> [STATES[code] for code in result.state[:, 0]]
    ['free', 'complies_at_cost', 'pays_instead']
    """
    content = np.asarray(local_content, dtype=float)[..., None]
    points = np.asarray(operations_points, dtype=float)[..., None]
    if not np.all((content >= 0) & (content <= 1)):
        raise InputError("local_content has a number outside 0 to 1; expected a share of the ex-works price")
    if not np.all(points >= 0):
        raise InputError("operations_points has a number below 0 or missing; expected points of 0 or more")
    rule_value = np.asarray(rule_value_share, dtype=float)
    rule_operations = np.asarray(rule_points, dtype=float)
    full = np.asarray(mfn_rate, dtype=float)
    reduced = np.minimum(np.asarray(preferential_rate, dtype=float), full)
    if not np.all(reduced >= 0):
        raise InputError("mfn_rate or preferential_rate is below 0 or missing; expected a share of 0 or more")

    agreement = ~(np.isnan(rule_value) & np.isnan(rule_operations))
    gap = np.maximum(np.nan_to_num(rule_value) - content, 0.0)
    operations = points >= np.nan_to_num(rule_operations)
    cost = np.asarray(
        compliance_cost_rate(gap) if callable(compliance_cost_rate) else compliance_cost_rate, dtype=float
    )
    if not np.all(cost >= 0):
        raise InputError("compliance_cost_rate is below 0 or missing; expected a share of the ex-works price")
    shape = np.broadcast_shapes(gap.shape, operations.shape, agreement.shape, cost.shape, full.shape, reduced.shape)

    free = agreement & operations & (gap == 0)
    complies = agreement & operations & (gap > 0) & ((1 + cost) * (1 + reduced) < 1 + full)
    state = np.where(free, FREE, np.where(complies, COMPLIES_AT_COST, np.where(agreement, PAYS_INSTEAD, MFN)))
    preferred = free | complies
    return OriginResult(
        state=np.asarray(np.broadcast_to(state, shape), dtype=np.int64),
        duty_rate=np.asarray(np.broadcast_to(np.where(preferred, reduced, full), shape)),
        compliance_cost_rate=np.asarray(np.broadcast_to(np.where(complies, cost, 0.0), shape)),
    )


def compliance_premium(
    local_content: ArrayLike, rule_value_share: ArrayLike, *, theta: float, parts_share: float = 1.0
) -> Array:
    """Extra cost of raising the local share of parts from what the maker would choose up to the rule.

    ::

        k = parts_share (C - 1),   C = [(R / x)^R ((1 - R) / (1 - x))^(1 - R)]^(1 / theta)   for x < R, else 0

    ``x`` is the freely chosen local share and ``R`` the rule. Parts enter Cobb-Douglas, and the cost of each part
    from each source is Weibull-distributed with shape ``theta``; the cheapest set of parts that meets the rule then
    costs ``C`` times the free choice. That is the mechanism of Head, Mayer and Melitz (2024); the closed form is
    derived in ``docs/market.md``. A car with no local part cannot comply: infinite.

    Parameters
    ----------
    local_content : (..., V) or (..., V, M), share of 1; the first gets a market axis.
    rule_value_share : (..., V, M), share of 1; nan where there is no rule gives 0.
    theta : above 0: the higher, the more alike local and foreign parts. No value for this region: assumed, 2 to 8.
    parts_share : share of bought parts in the ex-works price, 0 to 1.

    Returns
    -------
    (..., V, M), share of the ex-works price.

    >>> compliance_premium([[0.3]], [[0.5]], theta=4.0).round(4)
    array([[0.022]])
    """
    if not theta > 0:
        raise InputError(f"theta is {theta}; expected a number above 0")
    if not 0 <= parts_share <= 1:
        raise InputError(f"parts_share is {parts_share}; expected a share from 0 to 1")
    rule = np.asarray(rule_value_share, dtype=float)
    content = np.asarray(local_content, dtype=float)
    if content.ndim < rule.ndim:
        content = content[..., None]
    if np.any((rule < 0) | (rule > 1)) or not np.all((content >= 0) & (content <= 1)):
        raise InputError("local_content or rule_value_share is outside 0 to 1; expected shares")
    rule, content = np.broadcast_arrays(rule, content)
    short = content < rule  # false where the rule is nan
    asked = np.where(short, rule, 0.5)
    chosen = np.where(short, content, 0.5)
    with np.errstate(divide="ignore"):  # no local part at all: the premium is infinite, as it should be
        first = asked * (np.log(asked) - np.log(chosen))
    rest = 1 - asked
    second = np.where(rest > 0, rest * (np.log(np.where(rest > 0, rest, 1.0)) - np.log1p(-chosen)), 0.0)
    return np.where(short, parts_share * np.expm1((first + second) / theta), 0.0)


def points_test(operations_points: ArrayLike, rule_points: ArrayLike) -> BoolArray:
    """Whether a car has the operations that a market asks for a fee refund or public purchase.

    A test of its own: it is neither implied by, nor implies, origin by share of value.

    Parameters
    ----------
    operations_points : (..., V), points.
    rule_points : (V, M), points; nan where the market grants nothing.

    Returns
    -------
    (..., V, M) of bool.

    >>> points_test([3_200.0, 1_000.0], [[2_000.0], [2_000.0]])[:, 0]
    array([ True, False])
    """
    passed: BoolArray = np.asarray(operations_points, dtype=float)[..., None] >= np.asarray(rule_points, dtype=float)
    return passed

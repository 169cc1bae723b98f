"""Where the cars go, at what delivered cost and against whom: costs, origin, shares, trade structure."""

from karvan.market.cost import DeliveredCost, delivered_cost, excise_bands, price_change
from karvan.market.origin import (
    COMPLIES_AT_COST,
    FREE,
    MFN,
    PAYS_INSTEAD,
    STATES,
    OriginResult,
    compliance_premium,
    origin_state,
    points_test,
)
from karvan.market.shares import SHADOW_LIMIT, Cleared, DoubleCES, clear

__all__ = [
    "COMPLIES_AT_COST",
    "FREE",
    "MFN",
    "PAYS_INSTEAD",
    "SHADOW_LIMIT",
    "STATES",
    "Cleared",
    "DeliveredCost",
    "DoubleCES",
    "OriginResult",
    "clear",
    "compliance_premium",
    "delivered_cost",
    "excise_bands",
    "origin_state",
    "points_test",
    "price_change",
]

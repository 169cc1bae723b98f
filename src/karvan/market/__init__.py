"""Where the cars go, at what delivered cost and against whom: costs, origin, shares, trade structure."""

from karvan.market.complexity import complexity_index, density, proximity, revealed_advantage
from karvan.market.cost import DeliveredCost, delivered_cost, delivered_price, excise_bands, price_change
from karvan.market.flows import BalancedFlows, balance_flows, gravity_seed
from karvan.market.gravity import GravityEstimate, MissingExtra, gravity
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
from karvan.market.rivals import capacity_price, expand, price_response
from karvan.market.shares import SHADOW_LIMIT, Cleared, DoubleCES, clear
from karvan.market.structural import (
    ExactHat,
    NotConverged,
    exact_hat,
    market_access,
    market_potential,
    multilateral_resistance,
)

__all__ = [
    "COMPLIES_AT_COST",
    "FREE",
    "MFN",
    "PAYS_INSTEAD",
    "SHADOW_LIMIT",
    "STATES",
    "BalancedFlows",
    "Cleared",
    "DeliveredCost",
    "DoubleCES",
    "ExactHat",
    "GravityEstimate",
    "MissingExtra",
    "NotConverged",
    "OriginResult",
    "balance_flows",
    "capacity_price",
    "clear",
    "complexity_index",
    "compliance_premium",
    "delivered_cost",
    "delivered_price",
    "density",
    "exact_hat",
    "excise_bands",
    "expand",
    "gravity",
    "gravity_seed",
    "market_access",
    "market_potential",
    "multilateral_resistance",
    "origin_state",
    "points_test",
    "price_change",
    "price_response",
    "proximity",
    "revealed_advantage",
]

"""What each foreign partner brings and takes: parts and their origin, cost, learning, and the record of deals."""

from karvan.partnerships.deals import (
    BetaPrior,
    DealOutcomes,
    DealStats,
    GammaPosterior,
    PartnerBalance,
    beta_prior,
    exit_hazard,
    partner_balance,
)
from karvan.partnerships.learning import defect_rate, hours_per_car, local_share_path, ramp_up
from karvan.partnerships.sourcing import (
    ExWorks,
    KitCost,
    Points,
    ex_works,
    kit_cost,
    local_content,
    local_content_of_costs,
    local_parts_cost,
    points_for_operations,
    purchases_by_sector,
    regional_value_content,
    scale_penalty,
)

__all__ = [
    "BetaPrior",
    "DealOutcomes",
    "DealStats",
    "ExWorks",
    "GammaPosterior",
    "KitCost",
    "PartnerBalance",
    "Points",
    "beta_prior",
    "defect_rate",
    "ex_works",
    "exit_hazard",
    "hours_per_car",
    "kit_cost",
    "local_content",
    "local_content_of_costs",
    "local_parts_cost",
    "local_share_path",
    "partner_balance",
    "points_for_operations",
    "purchases_by_sector",
    "ramp_up",
    "regional_value_content",
    "scale_penalty",
]

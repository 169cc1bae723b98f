"""How many cars a country wants, of what age and kind: ownership, the fleet by age, and the choice of car."""

from karvan.demand.fleet import (
    FleetStep,
    fleet_from_age_classes,
    fleet_step,
    steady_fleet,
    survival,
    weibull_scale,
)
from karvan.demand.ownership import (
    OwnershipParameters,
    adjust,
    curvature,
    fit_beta,
    gompertz,
    gompertz_inverse,
    implied_target,
    income_elasticity,
    saturation,
)
from karvan.demand.segments import UPPER_CHOICE, new_share, powertrain_shares, split, upper_choice

__all__ = [
    "UPPER_CHOICE",
    "FleetStep",
    "OwnershipParameters",
    "adjust",
    "curvature",
    "fit_beta",
    "fleet_from_age_classes",
    "fleet_step",
    "gompertz",
    "gompertz_inverse",
    "implied_target",
    "income_elasticity",
    "new_share",
    "powertrain_shares",
    "saturation",
    "split",
    "steady_fleet",
    "survival",
    "upper_choice",
    "weibull_scale",
]

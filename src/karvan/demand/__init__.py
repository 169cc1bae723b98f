"""How many cars a country wants, of what age and kind: ownership, the fleet by age, and the choice of car."""

from karvan.demand.ageing import AgeingFit, fit_ageing, used_age_profile
from karvan.demand.cohorts import Carried, LifeFit, carry_forward, fit_life
from karvan.demand.currency import (
    DevaluationProcess,
    Reversion,
    fit_devaluations,
    fit_reversion,
    simulate_devaluations,
    simulate_reversion,
)
from karvan.demand.fitting import OwnershipFit, fit_ownership
from karvan.demand.fleet import (
    FleetStep,
    fleet_from_age_classes,
    fleet_step,
    steady_fleet,
    survival,
    weibull_scale,
)
from karvan.demand.growth import (
    GrowthProcess,
    common_factor,
    fit_growth,
    mend_breaks,
    shrink_growth,
    simulate_growth,
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
from karvan.demand.segments import UPPER_CHOICE, entry_of_choice, new_share, powertrain_shares, split, upper_choice
from karvan.demand.shrinkage import Shrunk, shrink

__all__ = [
    "UPPER_CHOICE",
    "AgeingFit",
    "Carried",
    "DevaluationProcess",
    "FleetStep",
    "GrowthProcess",
    "LifeFit",
    "OwnershipFit",
    "OwnershipParameters",
    "Reversion",
    "Shrunk",
    "adjust",
    "carry_forward",
    "common_factor",
    "curvature",
    "entry_of_choice",
    "fit_ageing",
    "fit_beta",
    "fit_devaluations",
    "fit_growth",
    "fit_life",
    "fit_ownership",
    "fit_reversion",
    "fleet_from_age_classes",
    "fleet_step",
    "gompertz",
    "gompertz_inverse",
    "implied_target",
    "income_elasticity",
    "mend_breaks",
    "new_share",
    "powertrain_shares",
    "saturation",
    "shrink",
    "shrink_growth",
    "simulate_devaluations",
    "simulate_growth",
    "simulate_reversion",
    "split",
    "steady_fleet",
    "survival",
    "upper_choice",
    "used_age_profile",
    "weibull_scale",
]

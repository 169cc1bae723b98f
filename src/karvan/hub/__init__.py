"""Does it become a regional hub, where would an entrant build, and does it pay: the verdict and its parts."""

from karvan.hub.appraisal import annuity, irr, npv, payback
from karvan.hub.location import MOST_SITES, Location, NoPlan, SitePlan, check_locations, locate, plan_sites
from karvan.hub.prior import BaseRate, base_rate
from karvan.hub.verdict import (
    ALTERNATIVES,
    CONDITIONS,
    NOTHING_BINDS,
    Sensitivity,
    Thresholds,
    Verdict,
    hub_verdict,
    threshold_sensitivity,
)

__all__ = [
    "ALTERNATIVES",
    "CONDITIONS",
    "MOST_SITES",
    "NOTHING_BINDS",
    "BaseRate",
    "Location",
    "NoPlan",
    "Sensitivity",
    "SitePlan",
    "Thresholds",
    "Verdict",
    "annuity",
    "base_rate",
    "check_locations",
    "hub_verdict",
    "irr",
    "locate",
    "npv",
    "payback",
    "plan_sites",
    "threshold_sensitivity",
]

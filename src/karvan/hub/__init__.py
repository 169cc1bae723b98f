"""Does it become a regional hub, where would an entrant build, and does it pay: the verdict and its parts."""

from karvan.hub.appraisal import annuity, irr, npv, payback
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
    "NOTHING_BINDS",
    "BaseRate",
    "Sensitivity",
    "Thresholds",
    "Verdict",
    "annuity",
    "base_rate",
    "hub_verdict",
    "irr",
    "npv",
    "payback",
    "threshold_sensitivity",
]

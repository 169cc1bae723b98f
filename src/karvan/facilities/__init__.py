"""What a plant can really make: the line, the plant, the capacity ladder, and closed forms to check them."""

from karvan.facilities.ladder import (
    RUNGS,
    Ladder,
    LadderWithDemand,
    Shares,
    capacity_ladder,
    ramp_up,
    utilisation,
)

__all__ = [
    "RUNGS",
    "Ladder",
    "LadderWithDemand",
    "Shares",
    "capacity_ladder",
    "ramp_up",
    "utilisation",
]

"""What a plant can really make: the line, the plant, the capacity ladder, and closed forms to check them."""

from karvan.facilities.analytic import (
    LongLine,
    Rate,
    TwoMachines,
    bernoulli_line,
    ddx,
    infinite_buffer,
    two_machine_fluid,
    two_machine_slotted,
    two_stage_transfer,
    zero_buffer,
)
from karvan.facilities.calendars import ALWAYS, Calendar, KitSupply
from karvan.facilities.chains import (
    ChainResult,
    bernoulli_chain,
    exponential_line,
    exponential_unreliable,
    slotted_line,
)
from karvan.facilities.ensemble import PlantSurrogate, plant_surrogate
from karvan.facilities.kits import KITS_ERROR_MAX, KITS_ERROR_RMS, kits_at_hand
from karvan.facilities.labour import people_per_thousand, stations, takt_minutes, workers
from karvan.facilities.ladder import (
    RUNGS,
    Ladder,
    LadderWithDemand,
    Shares,
    capacity_ladder,
    ramp_up,
    utilisation,
)
from karvan.facilities.line import Bottleneck, Controlled, Line, LineResult, Mix, Station, StationShares, merge
from karvan.facilities.plant import Effective, InputDraws, Money, Plant, PlantReport, WhatIf, WhatIfResult
from karvan.facilities.shops import AVAILABILITY, Shop
from karvan.facilities.surrogate import Surrogate, fit_surrogate, line_efficiency

__all__ = [
    "ALWAYS",
    "AVAILABILITY",
    "KITS_ERROR_MAX",
    "KITS_ERROR_RMS",
    "RUNGS",
    "Bottleneck",
    "Calendar",
    "ChainResult",
    "Controlled",
    "Effective",
    "InputDraws",
    "KitSupply",
    "Ladder",
    "LadderWithDemand",
    "Line",
    "LineResult",
    "LongLine",
    "Mix",
    "Money",
    "Plant",
    "PlantReport",
    "PlantSurrogate",
    "Rate",
    "Shares",
    "Shop",
    "Station",
    "StationShares",
    "Surrogate",
    "TwoMachines",
    "WhatIf",
    "WhatIfResult",
    "bernoulli_chain",
    "bernoulli_line",
    "capacity_ladder",
    "ddx",
    "exponential_line",
    "exponential_unreliable",
    "fit_surrogate",
    "infinite_buffer",
    "kits_at_hand",
    "line_efficiency",
    "merge",
    "people_per_thousand",
    "plant_surrogate",
    "ramp_up",
    "slotted_line",
    "stations",
    "takt_minutes",
    "two_machine_fluid",
    "two_machine_slotted",
    "two_stage_transfer",
    "utilisation",
    "workers",
    "zero_buffer",
]

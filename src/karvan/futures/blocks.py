"""One block of draws, stage by stage: everything that is fixed before the years begin.

The modules ``block_demand``, ``block_plants``, ``block_market`` and ``block_economy`` make it; this one gathers their
names.
"""

from karvan.futures.block_common import markets_of
from karvan.futures.block_demand import CYCLE, HABIT, USED_MEAN_AGE, Demand, demand_inputs, vehicle_figures
from karvan.futures.block_economy import Economy, economy_inputs
from karvan.futures.block_market import (
    HIGHEST_SHARE,
    NOISE_MEMORY,
    FlowAppeal,
    Market,
    base_shares,
    home_record,
    made_before,
    market_inputs,
)
from karvan.futures.block_plants import Plants, cost_inputs, plant_inputs

__all__ = [
    "CYCLE",
    "HABIT",
    "HIGHEST_SHARE",
    "NOISE_MEMORY",
    "USED_MEAN_AGE",
    "Demand",
    "Economy",
    "FlowAppeal",
    "Market",
    "Plants",
    "base_shares",
    "cost_inputs",
    "demand_inputs",
    "economy_inputs",
    "home_record",
    "made_before",
    "market_inputs",
    "markets_of",
    "plant_inputs",
    "vehicle_figures",
]

"""Jobs and growth: input-output analysis, from one table to the effects of a plant on the whole economy."""

from karvan.economy.aggregation import aggregate
from karvan.economy.balance import BalanceResult, gras, ras
from karvan.economy.bridge import BridgedDemand, PriceBridge
from karvan.economy.closure import Closure, HouseholdColumn
from karvan.economy.decompose import Decomposition, concentration_hhi, concentration_theil, sda
from karvan.economy.ensemble import SectorVariation, demand_totals
from karvan.economy.extraction import VARIANTS, Contribution, Extraction, contribution, extract
from karvan.economy.faults import (
    ClosureMissing,
    MarginsInfeasible,
    MissingAccount,
    NotConverged,
    NotProductive,
    TableFault,
)
from karvan.economy.impact import Identity, Impact
from karvan.economy.linkages import Linkages, price_effect
from karvan.economy.ministry import (
    EconomicValue,
    domestic_resource_cost,
    economic_npv,
    effective_rate_of_protection,
    per_unit_forgone,
    value_added_at_world_prices,
)
from karvan.economy.parts import PARTS, ImpactEffects, PartsImpact, impact_by_parts
from karvan.economy.regional import aflq, augmentation, cilq, flq, regional_coefficients, slq
from karvan.economy.solve import LeontiefSolver, SolverOptions
from karvan.economy.table import ACCOUNTS, InputOutputTable, LabelledVector
from karvan.economy.tax import TAXES, TaxHoliday, TaxReport, occupations, tax_report

__all__ = [
    "ACCOUNTS",
    "PARTS",
    "TAXES",
    "VARIANTS",
    "BalanceResult",
    "BridgedDemand",
    "Closure",
    "ClosureMissing",
    "Contribution",
    "Decomposition",
    "EconomicValue",
    "Extraction",
    "HouseholdColumn",
    "Identity",
    "Impact",
    "ImpactEffects",
    "InputOutputTable",
    "LabelledVector",
    "LeontiefSolver",
    "Linkages",
    "MarginsInfeasible",
    "MissingAccount",
    "NotConverged",
    "NotProductive",
    "PartsImpact",
    "PriceBridge",
    "SectorVariation",
    "SolverOptions",
    "TableFault",
    "TaxHoliday",
    "TaxReport",
    "aflq",
    "aggregate",
    "augmentation",
    "cilq",
    "concentration_hhi",
    "concentration_theil",
    "contribution",
    "demand_totals",
    "domestic_resource_cost",
    "economic_npv",
    "effective_rate_of_protection",
    "extract",
    "flq",
    "gras",
    "impact_by_parts",
    "occupations",
    "per_unit_forgone",
    "price_effect",
    "ras",
    "regional_coefficients",
    "sda",
    "slq",
    "tax_report",
    "value_added_at_world_prices",
]

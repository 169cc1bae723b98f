"""Jobs and growth: input-output analysis, from one table to the effects of a plant on the whole economy."""

from karvan.economy.balance import BalanceResult, gras, ras
from karvan.economy.closure import Closure
from karvan.economy.parts import PARTS, ImpactEffects, PartsImpact, impact_by_parts
from karvan.economy.table import ACCOUNTS, InputOutputTable, LabelledVector

__all__ = [
    "ACCOUNTS",
    "PARTS",
    "BalanceResult",
    "Closure",
    "ImpactEffects",
    "InputOutputTable",
    "LabelledVector",
    "PartsImpact",
    "gras",
    "impact_by_parts",
    "ras",
]

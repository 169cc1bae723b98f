"""What a change of final demand, or a plant's own spending, causes in the whole economy."""

from karvan.economy.parts import PARTS, ImpactEffects, PartsImpact, impact_by_parts

__all__ = ["PARTS", "ImpactEffects", "PartsImpact", "impact_by_parts"]

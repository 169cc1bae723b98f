"""The parameter register: every number an assumptions table may give, with the default where none is given."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources


@dataclass(frozen=True)
class Default:
    """A general default: low, likeliest and high, and what it leans on."""

    low: float
    mid: float
    high: float
    basis: str


@dataclass(frozen=True)
class Parameter:
    """One parameter of the stages, as described in ``parameters.toml``."""

    name: str
    title: str
    unit: str
    group: str
    keys: str
    """What a value may be keyed by: nothing, ``plant`` or ``market``."""
    low: float
    mid: float
    high: float
    distribution: str
    range: tuple[float, float]
    basis: str
    kinds: Mapping[str, Default] = field(default_factory=dict)
    """Kind of vehicle -> default where a number of cars would be wrong; empty where all kinds share one."""


@lru_cache(maxsize=1)
def parameters() -> dict[str, Parameter]:
    """All parameters by name, in the order of the register."""
    text = resources.files("karvan.study").joinpath("parameters.toml").read_text(encoding="utf-8")
    return {
        name: Parameter(
            name=name,
            title=row["title"],
            unit=row["unit"],
            group=row["group"],
            keys=row.get("keys", ""),
            low=float(row["low"]),
            mid=float(row["mid"]),
            high=float(row["high"]),
            distribution=row["distribution"],
            range=(float(row["range"][0]), float(row["range"][1])),
            basis=row["basis"],
            kinds={kind: Default(**given) for kind, given in row.get("kinds", {}).items()},
        )
        for name, row in tomllib.loads(text).items()
    }

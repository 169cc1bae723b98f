"""The parameter register: every number an assumptions table may give, with the default where none is given."""

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources


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
        )
        for name, row in tomllib.loads(text).items()
    }

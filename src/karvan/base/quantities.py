"""The register of quantities: every quantity a person can meet, described once, as data (``quantities.toml``)."""

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources


@dataclass(frozen=True)
class Quantity:
    """One quantity: what it is called, what it means, how it comes about."""

    name: str
    title: str
    unit: str
    """Unit; ``{money}`` stands for the study's money."""
    kind: str
    """Where its values are kept or made: figures, keyed (figures with parts), plants, markets, sectors, rungs, offers,
    hub, bound, net, ministry, occupations, suppliers (component groups), shops (a plant taken apart) or record."""
    by: tuple[str, ...]
    """Further keys that an address of it may have: plant, market, ..."""
    decimals: int
    low: float | None
    high: float | None
    description: str
    formula: str
    source: str
    inputs: tuple[str, ...]
    """Quantities it is made from."""
    parameters: tuple[str, ...]
    """Parameters and cells it rests on, by name or the beginning of a name."""


@lru_cache(maxsize=1)
def quantities() -> dict[str, Quantity]:
    """All quantities by name, in the order of the register."""
    text = resources.files("karvan.base").joinpath("quantities.toml").read_text(encoding="utf-8")
    return {
        name: Quantity(
            name=name,
            title=row["title"],
            unit=row["unit"],
            kind=row["kind"],
            by=tuple(row["by"]),
            decimals=row["decimals"],
            low=row.get("low"),
            high=row.get("high"),
            description=row["description"],
            formula=row["formula"],
            source=row["source"],
            inputs=tuple(row["inputs"]),
            parameters=tuple(row["parameters"]),
        )
        for name, row in tomllib.loads(text).items()
    }

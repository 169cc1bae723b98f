"""A rival of a study: an aggregate of makers, with a ladder from the record and no shops.

A rival row stands for all plants of a brand, or of all brands, in one country. There is no line to simulate. What can
be told honestly is how its capacity was found (output of its best year over the load that a full plant runs at), what
was made since, and how full that leaves it. No shop can be named as its bottleneck, and the text says why.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from karvan.study.load import Study
from karvan.study.world import known_by, world_table

LOAD: Final = (0.6, 0.8, 1.0)
"""Output of the best year over capacity, where no capacity is on record: low, likeliest, high; ``assumed``, as for the
makers of a starter study."""
WINDOW: Final = 5
"""Years among which the best is sought, the last of them :data:`LAG` years before the study's base year."""
LAG: Final = 2
NO_SHOP: Final = "none can be named: all plants of its makers stand behind one row, and no shop of theirs is on record"
ENOUGH: Final = 0.97
"""Part of a region's best year whose makers must be on record in another year for the two to be compared."""
EUR, ROW = "EUR", "ROW"
"""Codes of the European Union with the United Kingdom, and of the countries that no other row names."""


@dataclass(frozen=True)
class Aggregate:
    """A rival's ladder. Cars a year; country figures are of HS 8703."""

    capacity: tuple[float, float, float]
    """Low, likeliest, high: best year / :data:`LOAD`, turned round."""
    best: float
    """Cars of its best year: the entered capacity x the likeliest load."""
    best_year: int | None
    """Year of the country's best output; none where the world table does not hold the country by itself."""
    latest: float | None
    """Cars of the latest year on record: the country's x the rival's share of it."""
    latest_year: int | None
    share: float | None
    """The rival's share of its country's output, by the best year; kept for the latest."""
    verdict: str
    """Why no bottleneck can be named, and what the record says instead."""

    @property
    def utilisation(self) -> tuple[float, float, float] | None:
        """Latest year / capacity: low, likeliest, high; share of 1."""
        if self.latest is None:
            return None
        low, middle, high = self.capacity
        return self.latest / high, self.latest / middle, self.latest / low

    @property
    def rungs(self) -> list[tuple[str, float, str]]:
        """Name, cars a year and why, from the top: capacity, best year, latest year."""
        low, _, high = self.capacity
        found = [
            (
                "nameplate",
                self.capacity[1],
                f"best year / {LOAD[1]:g}; {low:,.0f} to {high:,.0f} at loads of {LOAD[2]:g} to {LOAD[0]:g} (assumed)",
            ),
            ("best year", self.best, "made" + (f" in {self.best_year}" if self.best_year else " in its best year")),
        ]
        if self.latest is not None:
            found.append(("latest year", self.latest, f"made in {self.latest_year}, at its share of the country"))
        return found


def aggregate(study: Study, row: Mapping[str, Any]) -> Aggregate | None:
    """The ladder of a rival's row of ``plants.csv``; none where no capacity was entered."""
    if not row["nameplate"]:
        return None
    best = float(row["nameplate"]) * LOAD[1]
    capacity = (best / LOAD[2], best / LOAD[1], best / LOAD[0])
    last = study.settings.base_year - LAG
    years = range(last - WINDOW + 1, last + 1)
    made = _made(study, str(row["country"]), years)
    window = [year for year in made if year in years]
    if not window:
        verdict = f"{NO_SHOP}. What they made in their best year bounds their capacity from below"
        return Aggregate(capacity, best, None, None, None, None, verdict)
    latest_year = max(made)
    best_year = max(window, key=lambda year: made[year])
    share = min(best / made[best_year], 1.0)
    latest = share * made[latest_year]
    low, middle, high = (latest / value for value in reversed(capacity))
    used = f"In {latest_year} it ran at {100 * middle:.0f} % of that capacity ({100 * low:.0f} to {100 * high:.0f})"
    if latest_year == best_year:
        why = f"{used}: that year is the record itself, so it tells nothing of what would hold back more"
    else:
        why = (
            f"{used}, after {best:,.0f} cars in {best_year}: buyers, parts or permits held it back, not shops, unless "
            "plants have closed since"
        )
    verdict = (
        f"none can be named: all plants of its makers stand behind one row, and no shop of theirs is on record. {why}"
    )
    return Aggregate(capacity, best, best_year, latest, latest_year, share, verdict)


def _made(study: Study, code: str, window: range) -> dict[int, float]:
    """Passenger cars made by year behind a rival's country code.

    Where only a total is on record, it is taken times the share of cars in the latest year that has both. ``EUR`` and
    ``ROW`` are sums, over the years in which makers of :data:`ENOUGH` of the best year's cars are on record.
    """
    table = known_by(world_table("production"), study.as_of).filter(pl.col("year") <= study.settings.base_year)
    if code not in (EUR, ROW):
        return _country(table, code)
    world = world_table("countries")
    union = {*world.filter(pl.col("eu_since").str.len_chars() > 0)["country"].to_list(), "GBR"}
    named = set(study.table("plants")["country"].to_list()) - {EUR, ROW}
    every = set(table["country"].to_list())
    members = (union & every) if code == EUR else every - union - named
    each = {country: _country(table, country) for country in sorted(members)}
    years = sorted({year for made in each.values() for year in made})
    total = {year: sum(made.get(year, 0.0) for made in each.values()) for year in years}
    best = max((year for year in years if year in window), key=lambda year: total[year], default=None)
    if best is None:
        return {}

    def covered(year: int) -> float:
        return sum(made.get(best, 0.0) for made in each.values() if year in made) / total[best]

    return {year: total[year] for year in years if covered(year) >= ENOUGH}


def _country(table: pl.DataFrame, code: str) -> dict[int, float]:
    rows = table.filter(pl.col("country") == code).sort("year").to_dicts()
    both = [row["passenger_cars"] / row["total"] for row in rows if row["passenger_cars"] and row["total"]]
    share = float(min(both[-1], 1.0)) if both else None
    found = {}
    for row in rows:
        if row["passenger_cars"]:
            found[int(row["year"])] = float(row["passenger_cars"])
        elif row["total"] and share is not None:
            found[int(row["year"])] = float(row["total"]) * share
    return found

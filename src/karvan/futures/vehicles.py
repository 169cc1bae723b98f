"""New cars by segment and drive, and commercial vehicles by kind, of one country.

Segments split the new cars that were chosen, by shares drawn for each future; no statistic of them is at hand, so they
are ``assumed``. Light commercial vehicles, buses and trucks are lines of their own: registrations on record, moved by
the size of the economy, split by the vehicles in use where those are counted apart.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from karvan.base.axes import Array
from karvan.demand.commercial import KINDS, commercial_sales
from karvan.demand.currency import simulate_reversion
from karvan.demand.segments import SEGMENTS, split, split_twice, weights_to_shares
from karvan.study.cells import Cell
from karvan.study.register import parameters
from karvan.study.world import known_by, world_table

KEYS: Final = ("commercial_light", "commercial_bus", "commercial_truck")
"""Parameters that weigh the kinds, in the order of :data:`~karvan.demand.commercial.KINDS`."""
POWERTRAINS: Final = ("combustion", "electrified")
MEMORY: Final = 0.63
"""Part of a deviation of commercial sales left a year later: measured on 131 countries (scripts/fit_world.py)."""
RECORD: Final = 3
"""Years of registrations on record that set the level."""
LEVEL: Final = (0.75, 1.0, 1.35)
"""Range of the level of registrations around the record: ``assumed``; many national figures are rounded."""
SHARE: Final = (0.6, 1.0, 1.6)
"""Range of a kind's share of sales around its share of the vehicles in use: ``assumed``; vans live shorter."""
LEAST_LIGHT: Final = 0.15
"""Share of light vehicles below which a register is taken to count vans as lorries: ``assumed``, range 0.1 to 0.3."""
BY_INCOME: Final = (-20.80, 1.414, 0.97)
"""ln(commercial vehicles bought per head) = a + b ln(GDP per head at purchasing power), and its standard deviation:
131 countries, 2005 to 2023 (scripts/fit_world.py); for a country without a record."""
Z95: Final = 1.6448536269514722


@dataclass(frozen=True)
class Commercial:
    """What is known of the commercial vehicles of one country. Cells are drawn by their names."""

    level: Cell
    """Vehicles registered a year at the economy of the record."""
    economy: float
    """Real GDP of the record, dollars at purchasing power."""
    shares: tuple[Cell, ...]
    """Weights of the kinds, in the order of :data:`~karvan.demand.commercial.KINDS`."""
    note: str
    """What a reader must know; empty for nothing."""

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All of them."""
        return (self.level, *self.shares)


def commercial_of(
    country: str,
    income: Mapping[int, float],
    people: Mapping[int, float],
    base: int,
    *,
    as_of: str | None = None,
    given: Callable[[str], Cell] | None = None,
) -> Commercial:
    """Level and kinds of a country's commercial vehicles, from the world tables up to ``base``.

    Parameters
    ----------
    income, people : real income per head and population by year, as far as known.
    as_of : only rows known on that date are read.
    given : a study's cell for a parameter of the register; left out, the register's.
    """
    size = {year: income[year] * people[year] for year in income if year in people}
    sales = known_by(world_table("sales"), as_of).filter(
        (pl.col("country") == country) & (pl.col("year") <= base) & (pl.col("commercial_vehicles") > 0)
    )
    bought = dict(zip(sales["year"].to_list(), sales["commercial_vehicles"].to_list(), strict=True))
    years = [year for year in sorted(bought) if year in size][-RECORD:]
    note = ""
    if years:
        ends = float(np.mean([bought[year] for year in years])) * np.array(LEVEL)
        economy = float(np.mean([size[year] for year in years]))
        source = "derived: world table sales.csv, mean of the latest three years before the start"
        level = _cell(f"commercial_sales.{country}", ends, "lognormal", "vehicles per year", source, "range assumed")
        if years[-1] < base - 8:
            note = f"commercial vehicles were last on record in {years[-1]}"
    else:
        near = min(size, key=lambda year: (abs(year - base), year))
        a, b, sd = BY_INCOME
        middle = people[near] * np.exp(a + b * np.log(income[near]))
        ends = middle * np.exp(Z95 * sd * np.array([-1.0, 0.0, 1.0]))
        economy = size[near]
        source = "estimated: what countries of that income buy (karvan.futures.vehicles)"
        level = _cell(f"commercial_sales.{country}", ends, "lognormal", "vehicles per year", source, "no record")
        note = (
            "no registrations of commercial vehicles on record: what countries of that income buy, within a factor of 5"
        )
    cells = tuple((given or _register)(name) for name in KEYS)
    if all(cell.assumed and cell.place == "parameters.toml" for cell in cells):
        cells = _counted(country, base, as_of) or cells
    return Commercial(level, economy, cells, note)


def _counted(country: str, base: int, as_of: str | None) -> tuple[Cell, ...] | None:
    """Kinds as shares of the vehicles in use; None where light and heavy ones are not counted apart."""
    rows = known_by(world_table("fleet_commercial"), as_of).filter(
        (pl.col("country") == country) & pl.col("year").is_between(base - 15, base)
    )
    rows = rows.drop_nulls(["light_goods", "lorries", "buses"]).filter(pl.col("light_goods") != pl.col("lorries"))
    if not rows.height:
        return None
    row = rows.sort("year").row(-1, named=True)
    counts = np.array([row["light_goods"], row["buses"], row["lorries"] + (row["road_tractors"] or 0.0)])
    if counts[0] < LEAST_LIGHT * counts.sum():  # vans stand as lorries there
        return None
    source = f"derived: world table fleet_commercial.csv, {row['year']}"
    return tuple(
        _cell(
            f"commercial_{kind}.{country}", share * np.array(SHARE), "lognormal", "share of 1", source, "range assumed"
        )
        for kind, share in zip(("light", "bus", "truck"), np.maximum(counts / counts.sum(), 1e-4), strict=True)
    )


def commercial_paths(
    known: Commercial, draw: Callable[[Cell], Array], economy: Array, elasticity: Array, noise: Array
) -> dict[str, Array]:
    """New vehicles of each kind, (D, Y), by kind.

    Parameters
    ----------
    draw : (D,), the draws of a cell.
    economy : (D, Y), real GDP, dollars at purchasing power.
    elasticity : (D,).
    noise : (D, Y), yearly disturbances, logarithm.
    """
    deviation = simulate_reversion(MEMORY, noise)
    total = commercial_sales(draw(known.level), economy / known.economy, elasticity, deviation)
    kinds = weights_to_shares(np.stack([draw(cell) for cell in known.shares], axis=-1))
    parts = split(total, kinds[:, None, :])
    return {kind: parts[..., index] for index, kind in enumerate(KINDS)}


def segment_paths(new: Array, weights: Array) -> dict[str, Array]:
    """New cars of each segment, (D, Y); ``new`` (D, Y), ``weights`` (D, S)."""
    parts = split(new, weights_to_shares(weights)[:, None, :])
    return {name: parts[..., index] for index, name in enumerate(SEGMENTS)}


def crossed(new: Array, weights: Array, electrified: Array) -> dict[str, Array]:
    """New cars by segment and drive, (D, Y), under names such as ``small_electrified``; ``electrified`` (D, Y)."""
    drives = np.stack([1.0 - electrified, electrified], axis=-1)
    parts = split_twice(new, weights_to_shares(weights)[:, None, :], drives)
    return {
        f"{segment}_{drive}": parts[..., s, k]
        for s, segment in enumerate(SEGMENTS)
        for k, drive in enumerate(POWERTRAINS)
    }


def _register(name: str) -> Cell:
    row = parameters()[name]
    return Cell(
        name, row.low, row.mid, row.high, row.distribution, row.unit, "assumed", row.basis, "parameters.toml", row.group
    )


def _cell(name: str, ends: Array, shape: str, unit: str, source: str, note: str) -> Cell:
    low, mid, high = (float(v) for v in ends)
    return Cell(name, low, mid, high, shape, unit, source, note, "world", "demand")

"""Duties, excises, fees, freight and other obstacles between a plant's country and a market, resolved to cells.

A row that names origin, market and product beats one that names fewer; ``*`` serves where nothing better is known.
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

from karvan.base.axes import Array, IntArray
from karvan.study.cells import Cell
from karvan.study.load import Study, cell_of_row

KINDS = ("duty_rate", "duty_per_cc", "excise", "fee", "certification", "freight", "barrier")
_NOTHING = "no row of frictions.csv fits: taken as nothing"
_RANK = ("origin", "market", "product")


@dataclass(frozen=True)
class Row:
    """One row of the frictions table as a cell with its reach."""

    friction: str
    origin: str
    market: str
    product: str
    first: int
    last: int
    cell: Cell

    def fits(self, origin: str, market: str, product: str, year: int) -> bool:
        """Whether the row speaks of this case."""
        return (
            self.origin in ("*", origin)
            and self.market in ("*", market)
            and self.product in ("*", product)
            and self.first <= year <= self.last
        )

    @property
    def rank(self) -> tuple[int, int]:
        """How particular the row is; the later start wins among equals."""
        particular = (self.origin != "*") + (self.market != "*") + (self.product != "*")
        return particular, self.first


@dataclass(frozen=True)
class Grid:
    """One kind of friction for all offers and markets, over the years in which no row of it begins or ends."""

    certain: Array
    """(V, M), what is known for sure; 0 where nothing fits or where it is drawn."""
    drawn: tuple[tuple[Cell, tuple[IntArray, IntArray]], ...]
    """Uncertain cells and the offers and markets that each holds for."""


class Frictions:
    """The frictions table, resolved."""

    def __init__(self, study: Study) -> None:
        self.rows: list[Row] = []
        for row in study.table("frictions").iter_rows(named=True):
            name = f"frictions.{row['friction']}.{row['origin']}.{row['market']}.{row['product']}.{row['year_from']}"
            self.rows.append(
                Row(
                    row["friction"],
                    row["origin"],
                    row["market"],
                    row["product"],
                    row["year_from"],
                    9999 if row["year_to"] is None else row["year_to"],
                    cell_of_row(name, row, "policy" if row["friction"] != "freight" else "costs"),
                )
            )
        self._by_kind = {kind: [row for row in self.rows if row.friction == kind] for kind in KINDS}
        self._breaks = {
            kind: sorted({row.first for row in rows} | {row.last + 1 for row in rows})
            for kind, rows in self._by_kind.items()
        }
        self.grids: dict[tuple[str, int], Grid] = {}
        """By kind and epoch; filled by whoever knows the offers."""
        self._found: dict[tuple[str, str, str, str, int], Cell | None] = {}

    def epoch(self, kind: str, year: int) -> int:
        """Number of the span of years within which no row of a kind begins or ends."""
        return bisect_right(self._breaks[kind], year)

    def cell(self, kind: str, origin: str, market: str, product: str, year: int) -> Cell | None:
        """The cell that holds, or None where no row fits (taken as nothing)."""
        key = (kind, origin, market, product, self.epoch(kind, year))
        if key not in self._found:
            self._found[key] = self._find(kind, origin, market, product, year)
        return self._found[key]

    def _find(self, kind: str, origin: str, market: str, product: str, year: int) -> Cell | None:
        if origin == market and kind in ("duty_rate", "duty_per_cc", "freight", "barrier", "certification"):
            own = [r for r in self._by_kind[kind] if r.origin == origin and r.fits(origin, market, product, year)]
            return max(own, key=lambda row: row.rank).cell if own else None
        found = [row for row in self._by_kind[kind] if row.fits(origin, market, product, year)]
        return max(found, key=lambda row: row.rank).cell if found else None


def market_cell(study: Study, attribute: str, market: str, fallback: Cell | None = None) -> Cell | None:
    """A market's attribute: its own row, else the row for ``*``, else the fallback."""
    rows = market_rows(study)
    row = rows.get((attribute, market)) or rows.get((attribute, "*"))
    return fallback if row is None else cell_of_row(f"markets.{attribute}.{market}", row, "demand")


def market_rows(study: Study) -> dict[tuple[str, str], dict[str, Any]]:
    """The rows of the markets table by attribute and market, read once; the first of equals holds."""
    memo: dict[str, Any] = study._memo
    if __name__ not in memo:
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for row in study.table("markets").iter_rows(named=True):
            found.setdefault((row["attribute"], row["market"]), row)
        memo[__name__] = found
    rows: dict[tuple[str, str], dict[str, Any]] = memo[__name__]
    return rows


def table_rows(study: Study, table: str) -> list[dict[str, Any]]:
    """The rows of a table, read once: blocks ask for them again and again."""
    memo: dict[str, Any] = study._memo
    key = f"{__name__}.{table}"
    if key not in memo:
        memo[key] = list(study.table(table).iter_rows(named=True))
    rows: list[dict[str, Any]] = memo[key]
    return rows

"""One block of draws as the bytes of its files: made where the block was computed, written elsewhere."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from karvan.base.axes import Array
from karvan.base.streams import BLOCK
from karvan.futures.engines import Piece
from karvan.futures.inputs import Prepared
from karvan.futures.layout import Layout
from karvan.futures.yearloop import Block

QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
KEEP = ("figures", "full")
"""What is kept of each draw: the figures, or every cell of the results."""
DETAIL = "detail"
"""Folder of the market detail of a run that is not finished."""
FULL = ("markets", "sectors", "offers")
"""Tables of draws that a run kept in full has besides the figures."""


def chunk_names(table: str, draws: int) -> list[str]:
    """Files of a table of draws."""
    return [f"{table}-{block:05d}.parquet" for block in range((draws + BLOCK - 1) // BLOCK)]


@dataclass(frozen=True)
class Encoded:
    """One block as the bytes of its files, by name; the last one marks the block as done."""

    number: int
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class Encode:
    """Turns a block into the bytes of its files, where the block was computed."""

    keep: str = "figures"

    def __call__(self, prepared: Prepared, piece: Piece, block: Block) -> Encoded:
        """The files of a block."""
        return self.encode(piece.number, piece.size, prepared.layout, block)

    def encode(self, number: int, size: int, layout: Layout, block: Block) -> Encoded:
        """The files of the block that has this number."""
        first = number * BLOCK
        own = layout.plants[: layout.own]
        files = {f"{DETAIL}/{number:05d}": detail_bytes(block.markets)}
        if self.keep == "full":
            tables = {"markets": ("market", layout.markets), "sectors": ("industry", layout.industries)}
            for table, (column, labels) in tables.items():
                frame = _long(getattr(block, table), layout.years, first, size, column, labels)
                files[chunk_name(table, number)] = parquet(frame)
            files[chunk_name("offers", number)] = parquet(_offers(block.offers, layout, first, size))
        by_plant = {name for name in block.plants if self.keep == "full" or not name.startswith("rung_")}
        names = sorted({*block.figures, *by_plant})
        frame = _figures(block.figures, block.plants, names, layout.years, own, first, size)
        files[chunk_name("figures", number)] = parquet(frame)
        return Encoded(number, files)


def chunk_name(table: str, number: int) -> str:
    """File of one block of a table."""
    return f"{table}-{number:05d}.parquet"


def parquet(frame: pl.DataFrame) -> bytes:
    """A frame as the bytes of a Parquet file."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", statistics=True)
    return buffer.getvalue()


def detail_bytes(markets: Mapping[str, Array]) -> bytes:
    """Market detail of a block: a line that names the quantities, then (cells, D) numbers.

    Cells are quantity by year by market; one row a cell, so that a cell of a long run is read in one go.
    """
    names = sorted(markets)
    parts = [np.moveaxis(markets[name], 0, -1).reshape(-1, markets[name].shape[0]) for name in names]
    values = np.ascontiguousarray(np.concatenate(parts), dtype="<f8")
    return f"{json.dumps([values.shape[1], *names])}\n".encode() + values.tobytes()


@dataclass(frozen=True)
class Detail:
    """A block's market detail on disk."""

    path: Path
    size: int
    names: list[str]
    offset: int

    @classmethod
    def open(cls, path: Path) -> "Detail":
        """Read the line that names the quantities."""
        with path.open("rb") as handle:
            head = handle.readline()
        size, *names = json.loads(head)
        return cls(path, size, names, len(head))

    def rows(self, start: int, count: int) -> Array:
        """(count, D), the cells from ``start`` on."""
        with self.path.open("rb") as handle:
            handle.seek(self.offset + start * self.size * 8)
            data = handle.read(count * self.size * 8)
        return np.frombuffer(data, dtype="<f8").reshape(-1, self.size)


def quantile_frame(names: list[str], years: list[int], markets: list[str], values: Array) -> pl.DataFrame:
    """``values`` (quantity, quantile, year, market) as a tidy frame: year, market, quantity, quantile, value."""
    index = np.indices(values.shape).reshape(4, -1)
    return pl.DataFrame(
        {
            "year": np.asarray(years)[index[2]],
            "market": np.asarray(markets)[index[3]],
            "quantity": np.asarray(names)[index[0]],
            "quantile": np.asarray(QUANTILES)[index[1]],
            "value": values.reshape(-1),
        }
    )


def _keys(years: tuple[int, ...], first: int, size: int) -> pl.DataFrame:
    data = {"draw": np.repeat(np.arange(first, first + size), len(years)), "year": np.tile(np.asarray(years), size)}
    return pl.DataFrame(data)


def _figures(
    figures: Mapping[str, Array],
    plants: Mapping[str, Array],
    names: list[str],
    years: tuple[int, ...],
    own: tuple[str, ...],
    first: int,
    size: int,
) -> pl.DataFrame:
    """Draw, year, plant, and a column a quantity (null where it is not given by plant)."""
    keys = _keys(years, first, size)
    parts = []
    for place, label in enumerate(("total", *own)):
        columns: list[Any] = [pl.lit(label).alias("plant")]
        for name in names:
            array = figures.get(name) if place == 0 else plants.get(name)
            if array is None:
                columns.append(pl.lit(None, dtype=pl.Float64).alias(name))
            else:
                columns.append(
                    pl.Series(name, np.ascontiguousarray(array if place == 0 else array[:, :, place - 1]).reshape(-1))
                )
        parts.append(keys.with_columns(columns))
    return pl.concat(parts)


def _long(
    group: Mapping[str, Array], years: tuple[int, ...], first: int, size: int, column: str, labels: tuple[str, ...]
) -> pl.DataFrame:
    keys = _keys(years, first, size)
    parts = []
    for place, label in enumerate(labels):
        values = [pl.Series(name, np.ascontiguousarray(group[name][:, :, place]).reshape(-1)) for name in sorted(group)]
        parts.append(keys.with_columns(pl.lit(label).alias(column), *values))
    return pl.concat(parts)


def _offers(offers: Mapping[str, Array], layout: Layout, first: int, size: int) -> pl.DataFrame:
    """Delivered prices in the first year: draw, offer, market."""
    count, markets = len(layout.offers), len(layout.markets)
    data: dict[str, Any] = {
        "draw": np.repeat(np.arange(first, first + size), count * markets),
        "offer": np.tile(np.repeat(np.asarray(layout.offers), markets), size),
        "market": np.tile(np.asarray(layout.markets), size * count),
    }
    for name in sorted(offers):
        if offers[name].shape == (size, count, markets):  # steps are the middle of the draws, others go by plant
            data[name] = np.ascontiguousarray(offers[name]).reshape(-1)
    return pl.DataFrame(data)

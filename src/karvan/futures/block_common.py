"""What the blocks of the stages share.

Letters: ``D`` draws, ``Y`` years, ``P`` own plants, ``V`` offers, ``K`` products, ``M`` markets, ``G`` component
groups. Money is in dollars of the year before the start, unless a name says local.
"""

import numpy as np

from karvan.base.axes import Array
from karvan.futures.inputs import Draws, Prepared
from karvan.futures.levers import apply
from karvan.study.cells import Cell


def markets_of(prepared: Prepared, draws: Draws, attribute: str) -> Array:
    """A market attribute over the years: (D, Y or 1, M), moved by levers of the same name."""
    columns = []
    for market in prepared.layout.markets:
        value = draws.of(prepared.market(attribute, market))[:, None]
        for lever in prepared.book.of(attribute):
            if lever.market in ("", "*", market):
                value = np.where(prepared.book.when(lever)[None, :], apply(lever, value), value)
        columns.append(value)
    width = max(column.shape[1] for column in columns)
    return np.stack([np.broadcast_to(column, (draws.size, width)) for column in columns], axis=-1)


def _ranged(
    prepared: Prepared,
    draws: Draws,
    name: str,
    ends: Array,
    unit: str,
    source: str,
    note: str,
    place: str,
    group: str,
) -> Array:
    """(D,), triangular from low over mid to high; the cell is remembered, so that the run knows what it used."""
    low, mid, high = (float(end) for end in ends)
    shape = "triangular" if high > low else "fixed"
    cell = Cell(name, low, mid, high, shape, unit, source, note, place, group)
    prepared.cells[name] = cell
    return draws.of(cell)

"""What would be missing without an industry: hypothetical extraction, and the contribution of an existing industry.

The five usual variants give five different numbers, so each has its name. Adding up the effects of all industries
counts most of the economy twice; extraction does not, and the attribution by final demand sums to the whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from karvan.base.axes import Array
from karvan.base.errors import UnknownName, nearest
from karvan.economy.table import InputOutputTable, LabelledVector, per_unit

VARIANTS: Final = ("complete", "backward", "forward", "forward_ghosh", "off_diagonal")
"""What is taken out of the coefficients: see :func:`extract`."""


@dataclass(frozen=True, eq=False)
class Extraction:
    """What is lost when an industry's links are cut."""

    sector: str
    """The industry taken out."""
    variant: str
    """Which links were cut, and whether its final demand went too."""
    final_demand_kept: bool
    """Whether its own final demand is still met by somebody at home."""
    loss: Mapping[str, Array]
    """By account: (S,), what each industry loses, money (persons for ``employment``)."""
    sectors: tuple[str, ...]
    """The S industries."""

    def total(self, account: str = "output") -> float:
        """Loss of all industries."""
        return float(self.loss[account].sum())

    def by_sector(self, account: str = "output") -> LabelledVector:
        """Loss of each industry."""
        return LabelledVector(self.loss[account], self.sectors)


@dataclass(frozen=True, eq=False)
class Contribution:
    """What an existing industry holds up, without counting anything twice."""

    sector: str
    """The industry."""
    own: Mapping[str, float]
    """By account: in the industry itself."""
    upstream: Mapping[str, float]
    """By account: in its suppliers, because of it."""
    share: Mapping[str, float]
    """By account: own and upstream together, share of 1 of the economy. Not to be added up over industries."""
    share_by_final_demand: Mapping[str, float]
    """By account: what the final demand for its products holds up, share of 1. These sum to 1 over industries."""


def extract(
    table: InputOutputTable, sector: str, *, variant: str = "complete", keep_final_demand: bool | None = None
) -> Extraction:
    """Output, value added, jobs and the rest that disappear with an industry's links.

    ``loss = v (x - x_cut)``. Variants: ``complete`` cuts row and column of ``A``; ``backward`` its purchases (column);
    ``forward`` its sales (row of ``A``); ``forward_ghosh`` its sales (row of ``B``, value added given);
    ``off_diagonal`` row and column but for what it buys from itself. Miller and Blair (2009), section 12.2.6;
    Dietzenbacher and van der Linden (1997), J. Regional Science 37(2).

    Parameters
    ----------
    keep_final_demand : whether its own final demand stays; by default it goes with the ``complete`` variant and stays
        with the others. ``forward_ghosh`` has no final demand to take.

    Raises
    ------
    UnknownName : no such sector or variant.
    """
    k = table.position(sector)
    if variant not in VARIANTS:
        raise UnknownName(f"no variant {variant!r}; {nearest(variant, VARIANTS)} The variants: {', '.join(VARIANTS)}")
    keep = variant != "complete" if keep_final_demand is None else keep_final_demand
    before = table.final_demand
    if variant == "forward_ghosh":
        x0, x1 = _ghosh_cut(table, k)
    else:
        # Rows are taken at the model's own output for the table's final demand, so that rounding is nobody's loss.
        f = before.copy()
        if not keep:
            f[k] = 0.0
        x0 = table.solver.forward(before)
        x1 = _leontief_cut(table, k, f, variant)
    loss = {account: table.coefficients(account) * (x0 - x1) for account in table.accounts}
    return Extraction(sector, variant, keep, loss, table.sectors)


def contribution(table: InputOutputTable, sector: str) -> Contribution:
    """What an industry and its suppliers, because of it, contribute to the economy today.

    The industry's output is held at what it is and its suppliers' follows: ``x_k L_.k / L_kk``, which equals complete
    extraction with its final demand. The share by final demand is ``(v L)_k f_k / v x``: it sums to 1 over industries.

    Raises
    ------
    UnknownName : no such sector.
    """
    k = table.position(sector)
    unit = np.zeros(table.size)
    unit[k] = 1.0
    reach = table.solver.forward(unit)
    held = reach * (table.output[k] / reach[k])
    own: dict[str, float] = {}
    upstream: dict[str, float] = {}
    share: dict[str, float] = {}
    attributed: dict[str, float] = {}
    x = table.solver.forward(table.final_demand)
    for account in table.accounts:
        v = table.coefficients(account)
        own[account] = float(v[k] * held[k])
        upstream[account] = float(v @ held) - own[account]
        whole = float(v @ x)
        share[account] = (own[account] + upstream[account]) / whole if whole else 0.0
        effect = float(table.effects(account).values[k])
        attributed[account] = effect * float(table.final_demand[k]) / whole if whole else 0.0
    return Contribution(sector, own, upstream, share, attributed)


def _leontief_cut(table: InputOutputTable, k: int, f: Array, variant: str) -> Array:
    """``(I - A_cut)^-1 f``: a rank-2 change, so no second factorisation."""
    per = per_unit(table.output)
    row, column = table.Z[k] * per, table.Z[:, k] * per[k]
    cut_column = column.copy()
    cut_row = row.copy()
    if variant == "backward":
        cut_row[:] = 0.0
    elif variant == "forward":
        cut_column[:] = 0.0
    else:
        cut_row[k] = 0.0  # the corner is in the column already
    if variant == "off_diagonal":
        cut_column[k] = 0.0
    unit = np.zeros(table.size)
    unit[k] = 1.0
    # A_cut = A - cut_column e_k' - e_k cut_row' = A - U W', U = [cut_column, e_k], W = [e_k, cut_row].
    solved = table.solver.forward(np.column_stack([f, cut_column, unit]))
    through = solved[:, 1:]
    W = np.vstack([unit, cut_row])
    answer: Array = solved[:, 0] - through @ np.linalg.solve(np.eye(2) + W @ through, W @ solved[:, 0])
    return answer


def _ghosh_cut(table: InputOutputTable, k: int) -> tuple[Array, Array]:
    """Outputs before and after the row ``k`` of ``B`` is cut, with primary inputs given: ``x' = v' (I - B)^-1``."""
    primary = table.output - table.Z.sum(axis=0)
    B = table.B
    cut = B.copy()
    cut[k] = 0.0
    eye = np.eye(table.size)
    before: Array = np.linalg.solve((eye - B).T, primary)
    after: Array = np.linalg.solve((eye - cut).T, primary)
    return before, after

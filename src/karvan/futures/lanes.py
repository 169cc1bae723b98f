"""Several sets of levers tried at once: each in a lane of a block's draws, all lanes meeting the same draws.

A year of the loop costs some thousand calls of NumPy whether a block holds 50 draws or 500. What a lever would have to
be is asked many times with few draws, so the tries stand side by side in one block: lane ``i`` holds the draws
``i n`` to ``(i + 1) n - 1``, with the same uncertain numbers and the same luck as every other lane, and its own levers.
No draw sees another, so a lane is what a run of its own would have given.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from karvan.base.axes import Array
from karvan.base.errors import InputError
from karvan.futures.engines import Piece
from karvan.futures.frictions import KINDS
from karvan.futures.inputs import Draws, Prepared
from karvan.futures.levers import LaneLever, LeverBook
from karvan.futures.sample import LHS, Sampling
from karvan.futures.yearloop import run_draws
from karvan.hub.verdict import Verdict, hub_verdict
from karvan.study.cells import Cell
from karvan.study.register import parameters
from karvan.study.scenario import Lever

TOGETHER = 640
"""Draws that stand in one block at most: beyond, arrays outgrow the processor's caches."""
LEVERS = frozenset((*KINDS, "nameplate", "plant_opens", "exchange_rate", "income", "vat_rate", "local_share_target"))
"""Levers that can differ from draw to draw, besides all parameters of the register."""


@dataclass(frozen=True)
class LaneDraws(Draws):
    """The draws of one block, met by every lane."""

    lanes: int = 1

    @property
    def shows_steps(self) -> bool:
        """Never: a lane is asked for its verdict."""
        return False

    @property
    def _one(self) -> int:
        return self.size // self.lanes

    def of(self, cell: Cell) -> Array:
        """(D,), the same values in every lane."""
        if cell.name not in self.values:
            one = self._single().of(cell)
            self.values[cell.name] = np.tile(one, self.lanes)
        return self.values[cell.name]

    def normal(self, name: str, *shape: int) -> Array:
        """(D, *shape), the same numbers in every lane."""
        return self._tiled(self._single().normal(name, *shape))

    def uniform(self, name: str, *shape: int) -> Array:
        """(D, *shape), the same numbers in every lane."""
        return self._tiled(self._single().uniform(name, *shape))

    def _single(self) -> Draws:
        return Draws(self.seed, self.block, self._one, sampling=self.sampling)

    def _tiled(self, one: Array) -> Array:
        return np.tile(one, (self.lanes, *(1,) * (one.ndim - 1)))


def try_lanes(
    prepared: Prepared, lanes: Sequence[Sequence[Lever]], pieces: Sequence[Piece], seed: int, sampling: Sampling = LHS
) -> list[Verdict]:
    """The hub verdict of the last year under each set of levers, on top of the prepared scenario.

    Parameters
    ----------
    lanes : sets of levers; an empty one is the scenario itself.
    pieces : the blocks of draws that every lane meets.

    Errors: :class:`InputError` for a lever that cannot differ from draw to draw.
    """
    from threadpoolctl import threadpool_limits

    for lever in (lever for lane in lanes for lever in lane):
        if lever.lever not in LEVERS and lever.lever not in parameters():
            raise InputError(f"lever {lever.lever} cannot be tried in lanes; run a scenario of its own")
    found: list[list[tuple[Array, ...]]] = [[] for _ in lanes]
    for piece in pieces:
        together = max(TOGETHER // piece.size, 1)
        for start in range(0, len(lanes), together):
            some = lanes[start : start + together]
            with threadpool_limits(limits=1):
                block = run_draws(
                    _moved(prepared, some, piece.size),
                    LaneDraws(seed, piece.number, piece.size * len(some), sampling=sampling, lanes=len(some)),
                )
            figures = block.figures
            parts = (figures["output"], block.markets["exports"], figures["local_content"], figures["npv"])
            for i in range(len(some)):
                rows = slice(i * piece.size, (i + 1) * piece.size)
                found[start + i].append(tuple(part[rows, -1:] for part in parts))
    out = []
    for blocks in found:
        output, exports, content, worth = (np.concatenate(part) for part in zip(*blocks, strict=True))
        out.append(hub_verdict(output, exports, prepared.layout.home, content, worth))
    return out


def _moved(prepared: Prepared, lanes: Sequence[Sequence[Lever]], draws: int) -> Prepared:
    """The scenario with each lane's levers in that lane's draws."""
    size = draws * len(lanes)
    levers = [
        LaneLever(**lever.model_dump(), first=i * draws, stop=(i + 1) * draws, size=size)
        for i, lane in enumerate(lanes)
        for lever in lane
    ]
    scenario = prepared.book.scenario
    changed = scenario.model_copy(update={"levers": (*scenario.levers, *levers)})
    book = LeverBook(changed, prepared.book.years)
    return replace(prepared, book=book, cells={}, drawn={}, streams=set())

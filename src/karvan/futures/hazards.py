"""Plants are born, starve and die: states drawn by hazards, year by year.

A plant is announced, building, operating, idle or closed. An announced plant opens with a chance and a delay; an
operating one is interrupted by a yearly hazard, after which it closes for good or comes back; plants nobody has
announced arrive at a rate that follows the market. Every chance is drawn from uniform numbers made beforehand, so
that scenarios share them.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from karvan.base.axes import Array, BoolArray, IntArray

ANNOUNCED, BUILDING, OPERATING, IDLE, CLOSED = range(5)
CODES = {"announced": ANNOUNCED, "building": BUILDING, "operating": OPERATING, "idle": IDLE, "closed": CLOSED}


@dataclass(frozen=True)
class Chances:
    """What the hazards need. ``P`` own plants (unannounced slots last), ``D`` draws, ``Y`` years."""

    opens: Array
    """(D, P), calendar time (fractions of a year) at which a plant not yet open opens; inf for never."""
    closes: Array
    """(Y, P) of 0 or 1: closed by decision in that year."""
    interruption: Array
    """(D, Y, P) or (D, 1, P), yearly chance that an operating plant is interrupted."""
    exit_share: Array
    """(D, P), share of interruptions that end in closure."""
    recovery: Array
    """(D, P), yearly chance that an idle plant comes back."""
    arrival: BoolArray
    """(P,), slots of unannounced plants."""
    replaces: IntArray
    """(P,), the plant whose production moves here when it opens; -1 for none."""
    uniforms: Array
    """(D, Y, P, 3), uniform numbers: interruption or recovery, exit, arrival."""


@dataclass
class PlantStates:
    """The states of all plants in one block of draws, moved one year at a time by :meth:`step`."""

    state: IntArray
    """(D, P)."""
    opened: Array
    """(D, P), calendar time of opening; inf for not yet."""
    running: Array = field(init=False)
    """(D, P), share of the year just stepped during which the plant could run."""

    def __post_init__(self) -> None:
        self.running = np.zeros_like(self.opened)

    def step(self, year: int, index: int, chances: Chances, arrival_rate: Array) -> None:
        """Move every plant through one year.

        Parameters
        ----------
        year : calendar year; ``index`` its place in the run.
        arrival_rate : (D,), unannounced plants per year, shared evenly among the free slots.
        """
        draw = chances.uniforms[:, index]
        hazard = chances.interruption[:, min(index, chances.interruption.shape[1] - 1)]
        waiting = (self.state == ANNOUNCED) | (self.state == BUILDING)
        announced = waiting & ~chances.arrival
        opening = announced & (chances.opens < year + 1)
        slots = waiting & chances.arrival
        count = np.maximum(slots.sum(axis=1, keepdims=True), 1)
        arriving = slots & (draw[..., 2] < -np.expm1(-arrival_rate[:, None] / count))
        when = np.where(announced, np.maximum(chances.opens, year), year + 0.5)
        self.opened = np.where(opening | arriving, when, self.opened)

        struck = (self.state == OPERATING) & (draw[..., 0] < hazard)
        gone = struck & (draw[..., 1] < chances.exit_share)
        back = (self.state == IDLE) & (draw[..., 0] < chances.recovery)
        self.running = np.select(
            [opening | arriving, struck, back, self.state == OPERATING],
            # A plant struck during the year has worked half of it on average; one that comes back likewise.
            [
                np.clip(year + 1 - self.opened, 0.0, 1.0),
                np.full_like(self.opened, 0.5),
                np.full_like(self.opened, 0.5),
                1.0,
            ],
            default=0.0,
        )
        self.state = np.select(
            [opening | arriving, gone, struck, back], [OPERATING, CLOSED, IDLE, OPERATING], self.state
        )
        new = np.flatnonzero(chances.replaces >= 0)
        old = chances.replaces[new]
        moved = (self.state[:, new] == OPERATING) & (self.state[:, old] != CLOSED)
        place: Any = (slice(None), old)
        taken, left = np.zeros(self.state.shape, dtype=bool), np.ones(self.state.shape)
        np.logical_or.at(taken, place, moved)
        # The old line works until the new one opens.
        np.minimum.at(left, place, np.where(moved, np.clip(self.opened[:, new] - year, 0.0, 1.0), 1.0))
        self.state[taken] = CLOSED
        self.running *= left
        shut = chances.closes[index] > 0
        self.state = np.where(shut, CLOSED, self.state)
        self.running = np.where(shut, 0.0, self.running)

"""When a shop is open, and when kits arrive: the two clocks that a line does not set itself.

A calendar repeats after a period (a week, unless told otherwise). ``open_before`` and ``clock_at`` turn clock time into
open time and back; in a shop's own open time its recursion is the ordinary one, which is why a line needs no event
calendar to mix a three-shift paint shop with a two-shift assembly.
"""

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.base.errors import InputError


@dataclass(frozen=True)
class Calendar:
    """Opening hours that repeat. Work cut by a closing goes on at the next opening, where it stopped.

    ``opening`` holds (from, to) pairs, hours since the start of the period, in order and not overlapping. Errors: no
    opening at all; a pair out of order, overlapping or beyond the period.

    >>> two_shifts = Calendar.weekly(shifts=2, hours_per_shift=8, days=5)
    >>> two_shifts.open_hours, two_shifts.hours_per_year
    (80.0, 4171.428571428572)
    """

    opening: tuple[tuple[float, float], ...]
    """(from, to), hours since the start of the period."""
    period_hours: float = 168.0
    """Hours after which the calendar repeats; 168 is a week."""

    def __post_init__(self) -> None:
        pairs = tuple((float(start), float(end)) for start, end in self.opening)
        if not self.period_hours > 0.0:
            raise InputError(f"calendar: period {self.period_hours:g} h found; expected more than 0")
        before = 0.0
        for start, end in pairs:
            if not (before <= start < end <= self.period_hours):
                raise InputError(
                    f"calendar: opening {start:g} to {end:g} h found; expected hours in order, not overlapping, "
                    f"between {before:g} and {self.period_hours:g}"
                )
            before = end
        if not pairs:
            raise InputError("calendar: it never opens; expected at least one opening of more than 0 hours")
        object.__setattr__(self, "opening", pairs)

    @classmethod
    def weekly(
        cls,
        shifts: int = 2,
        hours_per_shift: float = 8.0,
        days: int = 5,
        *,
        break_minutes: float = 0.0,
        start_hour: float = 6.0,
    ) -> "Calendar":
        """A week of ``days`` days, each of ``shifts`` shifts one after the other, each with one unpaid break inside.

        Parameters: shifts, 1 or more, and hours per shift, with at most 24 hours a day; days, 1 to 7; the break in
        minutes, in the middle of each shift; the hour the first shift starts. A last shift that passes midnight runs
        into the next day, and on the last day of the week into the first of the next.
        """
        length = shifts * hours_per_shift
        if not (1 <= days <= 7 and shifts >= 1 and 0.0 < length <= 24.0):
            raise InputError(
                f"calendar: {shifts} shifts of {hours_per_shift:g} h on {days} days found; "
                "expected 1 or more shifts, more than 0 and at most 24 hours a day, 1 to 7 days"
            )
        if not 0.0 <= break_minutes < 60.0 * hours_per_shift:
            raise InputError(f"calendar: break of {break_minutes:g} min found; expected 0 to less than the shift")
        if not 0.0 <= start_hour < 24.0:
            raise InputError(f"calendar: start hour {start_hour:g} found; expected 0 to 24")
        pause = break_minutes / 60.0
        work = (hours_per_shift - pause) / 2.0
        pieces: list[tuple[float, float]] = []
        for day in range(days):
            for shift in range(shifts):
                begin = 24.0 * day + start_hour + shift * hours_per_shift
                pieces += [(begin, begin + work), (begin + work + pause, begin + hours_per_shift)]
        wrapped: list[tuple[float, float]] = []
        for begin, end in pieces:
            if begin >= 168.0:
                wrapped.append((begin - 168.0, end - 168.0))
            elif end > 168.0:
                wrapped += [(begin, 168.0), (0.0, end - 168.0)]
            else:
                wrapped.append((begin, end))
        joined: list[tuple[float, float]] = []
        for begin, end in sorted(wrapped):
            if joined and begin <= joined[-1][1] + 1e-9:  # shifts that touch are one opening
                joined[-1] = (joined[-1][0], max(joined[-1][1], end))
            else:
                joined.append((begin, end))
        return cls(tuple(joined))

    @property
    def open_hours(self) -> float:
        """Hours open in one period."""
        return sum(end - start for start, end in self.opening)

    @property
    def hours_per_year(self) -> float:
        """Hours open in a year of 8,760 hours, holidays not taken out."""
        return self.open_hours / self.period_hours * 8760.0

    def open_before(self, clock: ArrayLike) -> Array:
        """Hours open between 0 and ``clock`` (...), hours; the shop's own time. Infinite stays infinite."""
        times = np.asarray(clock, dtype=np.float64)
        finite = np.where(np.isfinite(times), times, 0.0)
        whole = np.floor(finite / self.period_hours)
        edges, opened = self._knots()
        inside = np.interp(finite - whole * self.period_hours, edges, opened)
        return np.where(np.isfinite(times), whole * self.open_hours + inside, times)

    def clock_at(self, opened: ArrayLike) -> Array:
        """The first clock hour by which the shop has been open ``opened`` (...) hours: the inverse of open_before."""
        times = np.asarray(opened, dtype=np.float64)
        edges, have = self._knots()
        # An opening's end, not the next one's start: work that is just finished has left before the night.
        whole = np.maximum(np.ceil(times / self.open_hours) - 1.0, 0.0)
        rest = times - whole * self.open_hours
        piece = np.clip(np.searchsorted(have[1::2], rest - 1e-12), 0, len(self.opening) - 1)
        start, before = edges[0::2][piece], have[0::2][piece]
        return np.asarray(whole * self.period_hours + start + (rest - before), dtype=np.float64)

    def closings(self, until: float) -> tuple[Array, Array]:
        """Starts and ends of every closed spell from 0 until past ``until`` hours, (n,) each."""
        edges, _ = self._knots()
        periods = np.arange(ceil(until / self.period_hours) + 1, dtype=np.float64)[:, None] * self.period_hours
        starts = np.concatenate([[0.0], (periods + edges[1::2]).ravel()])
        ends = np.concatenate([(periods + edges[0::2]).ravel(), [(len(periods) * self.period_hours) + edges[0]]])
        real = ends > starts
        return starts[real], ends[real]

    def _knots(self) -> tuple[Array, Array]:
        """Edges of the openings, hours of the period, and the open hours before each: alternating start, end."""
        edges = np.asarray(self.opening, dtype=np.float64).ravel()
        lengths = edges[1::2] - edges[0::2]
        before = np.concatenate([[0.0], np.cumsum(lengths)])
        return edges, np.stack([before[:-1], before[1:]], axis=1).ravel()


ALWAYS = Calendar(((0.0, 168.0),))
"""Open all the time."""


@dataclass(frozen=True)
class KitSupply:
    """Kits that arrive by the lot: a train every so often, each with its own delay, and a stock against delay.

    Lot ``m`` (0, 1, ...) is planned for hour ``m cadence`` and arrives at ``m cadence + (lead - lead mean)``, the lead
    time gamma distributed (``assumed``: positive and skewed to the late side). Lots that overtake each other are used
    in the order they arrive. ``safety_stock`` cars are at hand at the start. A lot that covers exactly one cadence of
    production never lets the line catch up: the days lost stay lost.

    Errors: a lot, cadence or lead time of 0 or less; a spread or a stock below 0.
    """

    lot: int
    """Cars in one lot."""
    cadence_hours: float
    """Hours between planned arrivals, on the clock of the line."""
    lead_mean_hours: float
    """Mean lead time, hours."""
    lead_sd_hours: float = 0.0
    """Standard deviation of the lead time, hours."""
    safety_stock: int = 0
    """Cars in stock at the start, on top of the first lot."""

    def __post_init__(self) -> None:
        for name in ("lot", "cadence_hours", "lead_mean_hours"):
            if not 0.0 < getattr(self, name) < np.inf:
                raise InputError(f"kits: {name} is {getattr(self, name):g}; expected more than 0, and finite")
        for name in ("lead_sd_hours", "safety_stock"):
            if not 0.0 <= getattr(self, name) < np.inf:
                raise InputError(f"kits: {name} is {getattr(self, name):g}; expected 0 or more, and finite")

    def arrivals(self, lots: int, replications: int, generator: np.random.Generator) -> Array:
        """(replications, lots), hours at which the lots come, in order of arrival; drawn row by row."""
        planned = np.arange(lots) * self.cadence_hours
        if self.lead_sd_hours == 0.0:
            return np.broadcast_to(planned, (replications, lots)).copy()
        shape = (self.lead_mean_hours / self.lead_sd_hours) ** 2
        lead = generator.standard_gamma(shape, size=(lots, replications)).T * (self.lead_mean_hours / shape)
        return np.sort(np.maximum(planned + lead - self.lead_mean_hours, 0.0), axis=1)

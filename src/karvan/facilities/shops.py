"""What a shop of a car plant is known by, and what is assumed where nobody measured.

A shop is one machine: a design rate, opening hours, breakdowns, first-time-right, and a buffer after it. People know
different halves of these, so any two of availability, MTBF and MTTR will do, or an OEE that says what it counts.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from karvan.base.errors import InputError, nearest
from karvan.facilities.calendars import Calendar

Kind = Literal["press", "body", "paint", "trim", "final", "other"]

AVAILABILITY: Final[dict[str, tuple[float, float, float]]] = {
    "press": (0.45, 0.575, 0.70),
    "body": (0.80, 0.86, 0.92),
    "paint": (0.92, 0.945, 0.97),
    "trim": (0.95, 0.965, 0.98),
    "final": (0.95, 0.965, 0.98),
    "other": (0.95, 0.965, 0.98),
}
"""Availability of a shop alone by kind: low, mid, high. ``assumed``: judgement, nothing citable was found; for a press
shop the OEE stands in, changeovers and all."""

REPAIR_MINUTES: Final[dict[str, float]] = {"paint": 15.0}
"""Mean time to repair by kind, minutes; ``assumed`` (range: half to twice)."""
REPAIR_MINUTES_ELSE: Final = 10.0
"""Mean time to repair of the other kinds, minutes; ``assumed`` (range: half to twice)."""
BUFFER_MINUTES: Final = 30.0
"""Buffer after a shop whose size is not known, minutes of production; ``assumed`` (range 15 to 120)."""
SPREAD_KNOWN: Final = 0.10
"""How well a given MTBF or MTTR is known: standard deviation of its logarithm. Course notes on Li and Meerkov say
that they are rarely known better than 5 to 10 %."""
SPREAD_ASSUMED: Final = 0.30
"""The same where availability is assumed: the ranges of :data:`AVAILABILITY` read as 5 to 95 % of MTTR / MTBF are 0.29
to 0.32 wide in logarithms."""
_WORDS: Final[dict[Kind, tuple[str, ...]]] = {
    "press": ("press", "stamp"),
    "body": ("body", "weld"),
    "paint": ("paint", "coat"),
    "trim": ("trim", "chassis"),
    "final": ("final", "assembl", "repair", "inspection"),
}


@dataclass(frozen=True)
class Shop:
    """One shop of a plant. Everything but the name and the rate may be left out; what is assumed is listed by the
    plant.

    Errors: a rate of 0 or less; availability outside (0, 1]; three of availability, MTBF and MTTR that disagree; MTTR
    or MTBF alone next to nothing else is completed by the assumed availability; OEE together with availability or MTBF.
    """

    name: str
    rate_per_hour: float
    """Design rate, cars per hour (gross JPH): what it makes when nothing goes wrong."""
    availability: float | None = None
    """Up time / (up time + repair time) of the shop alone, share of 1."""
    mtbf_min: float | None = None
    """Mean time between failures, minutes of work."""
    mttr_min: float | None = None
    """Mean time to repair, minutes."""
    first_time_right: float | None = None
    """Share of cars that pass at once. Assumed 1 if not given, and said."""
    rework: Literal["in_line", "off_line"] = "in_line"
    """In line, a failed car takes the shop again; off line it is mended elsewhere and costs the line nothing."""
    buffer_after: float | None = None
    """Places for cars between this shop and the next. Not read for the last shop."""
    shifts: int | None = None
    """Shifts of this shop, where they differ from the plant's."""
    calendar: Calendar | None = None
    """Opening hours of this shop, where more than the shifts differ: hours, days, breaks. Instead of ``shifts``."""
    oee: float | None = None
    """Overall equipment effectiveness instead of availability, share of 1."""
    oee_counts: Literal["alone", "in_line"] = "alone"
    """``alone``: waiting for neighbours is not in the OEE. ``in_line``: it is, and then buffers may not be given as
    well."""
    kind: Kind | None = None
    """What is assumed follows from it; guessed from the name where not given."""
    spread: float | None = None
    """How well MTBF and MTTR are known: standard deviation of their logarithms, about the relative error."""

    def __post_init__(self) -> None:
        def fault(what: str) -> InputError:
            return InputError(f"shop {self.name!r}: {what}")

        if not 0.0 < self.rate_per_hour < np.inf:
            raise fault(f"rate_per_hour is {self.rate_per_hour:g}; expected cars per hour, more than 0")
        for field in ("availability", "first_time_right", "oee"):
            value = getattr(self, field)
            if value is not None and not 0.0 < value <= 1.0:
                raise fault(f"{field} is {value:g}; expected a share above 0 and at most 1")
        for field in ("mtbf_min", "mttr_min"):
            value = getattr(self, field)
            if value is not None and not 0.0 < value < np.inf:
                raise fault(f"{field} is {value:g}; expected minutes, more than 0")
        if self.buffer_after is not None and not self.buffer_after >= 0.0:
            raise fault(f"buffer_after is {self.buffer_after:g}; expected 0 or more places")
        if self.spread is not None and not 0.0 <= self.spread <= 1.0:
            raise fault(f"spread is {self.spread:g}; expected 0 to 1, 0.1 for 10 %")
        if self.shifts is not None and not 1 <= self.shifts <= 3:
            raise fault(f"shifts is {self.shifts}; expected 1, 2 or 3")
        if self.rework not in ("in_line", "off_line") or self.oee_counts not in ("alone", "in_line"):
            raise fault("rework must be 'in_line' or 'off_line', oee_counts 'alone' or 'in_line'")
        if self.kind is not None and self.kind not in AVAILABILITY:
            raise fault(f"kind {self.kind!r} is unknown; {nearest(self.kind, AVAILABILITY) or sorted(AVAILABILITY)}")
        if self.oee is not None and (self.availability is not None or self.mtbf_min is not None):
            raise fault("oee stands beside availability or mtbf_min; give one of them, OEE holds availability already")
        if self.availability is not None and self.mtbf_min is not None and self.mttr_min is not None:
            implied = self.mtbf_min / (self.mtbf_min + self.mttr_min)
            if abs(implied - self.availability) > 0.005:
                raise fault(
                    f"availability {self.availability:g} but MTBF and MTTR make {implied:.4g}; give two of the three"
                )
        if self.shifts is not None and self.calendar is not None:
            raise fault("shifts stand beside a calendar; give one of them")
        if self.availability == 1.0 and self.mttr_min is not None:
            raise fault("availability is 1 but mttr_min is given; a shop that never fails has no repairs")

    @property
    def what(self) -> Kind:
        """The kind given, or guessed from the name."""
        if self.kind is not None:
            return self.kind
        lower = self.name.lower()
        return next((kind for kind, words in _WORDS.items() if any(word in lower for word in words)), "other")


@dataclass(frozen=True)
class Known:
    """A shop with every blank filled in."""

    name: str
    cycle_s: float
    mtbf_min: float | None
    mttr_min: float | None
    first_time_right: float
    """For the line: 1 where cars are mended off line."""
    buffer_after: float
    spread: float

    @property
    def availability(self) -> float:
        """Share of 1, of the shop alone."""
        if self.mtbf_min is None or self.mttr_min is None:
            return 1.0
        return self.mtbf_min / (self.mtbf_min + self.mttr_min)


def complete(shop: Shop, *, last: bool) -> tuple[Known, tuple[str, ...]]:
    """The shop with its blanks filled, and a line for each thing assumed.

    ``MTBF = MTTR A / (1 - A)``. An OEE becomes availability by taking first-time-right out: ``A = OEE / q`` (speed
    losses stay in it). An OEE counted in line is taken as it is: :class:`~karvan.facilities.Plant` sees to it that no
    buffers are given with it.
    """
    assumed: list[str] = []
    kind = shop.what
    right = shop.first_time_right
    if right is None:
        right = 1.0
        assumed.append(f"{shop.name}: first-time-right 1 (not given, so no rework is counted)")
    availability, mtbf, mttr = shop.availability, shop.mtbf_min, shop.mttr_min
    spread = SPREAD_KNOWN if shop.spread is None else shop.spread
    if shop.oee is not None:
        availability = shop.oee / right
        if availability > 1.0:
            raise InputError(
                f"shop {shop.name!r}: oee {shop.oee:g} is above first_time_right {right:g}; expected at most that, "
                "OEE holds quality"
            )
    if availability is None and (mtbf is None or mttr is None):
        low, availability, high = AVAILABILITY[kind]
        assumed.append(f"{shop.name}: availability {availability:g} (judgement for {kind}, {low:g} to {high:g})")
        spread = SPREAD_ASSUMED if shop.spread is None else shop.spread
    if availability is not None and availability < 1.0:
        if mttr is None and mtbf is not None:
            mttr = mtbf * (1.0 - availability) / availability
        elif mttr is None:
            mttr = REPAIR_MINUTES.get(kind, REPAIR_MINUTES_ELSE)
            assumed.append(f"{shop.name}: MTTR {mttr:g} min (judgement, half to twice)")
        if mtbf is None and mttr is not None:
            mtbf = mttr * availability / (1.0 - availability)
    elif availability == 1.0:
        mtbf = mttr = None
    buffer = shop.buffer_after
    if buffer is None:
        buffer = 0.0 if last else float(max(round(shop.rate_per_hour * BUFFER_MINUTES / 60.0), 1))
        if not last and shop.oee_counts == "alone":
            assumed.append(f"{shop.name}: buffer of {buffer:g} places after it ({BUFFER_MINUTES:g} min of production)")
    if shop.oee is not None and shop.oee_counts == "in_line":
        buffer = np.inf  # its waiting is inside the OEE already
    kept = right if shop.rework == "in_line" else 1.0
    return Known(shop.name, 3600.0 / shop.rate_per_hour, mtbf, mttr, kept, buffer, spread), tuple(assumed)

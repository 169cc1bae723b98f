"""The capacity ladder: from the cars a plant announces to the cars it can make, one named rung at a time.

Each rung multiplies the one above by a factor, so the cars lost at a rung are a plain difference and the losses add up
to nameplate minus effective capacity, exactly. Letters: ``c0`` nameplate, ``f_k`` the factor of rung ``k``, ``g`` the
ramp-up share; the leading axes are usually ``D`` draws and ``Y`` years, the last is ``P`` plants.

How the announced figure and the engineer's figure meet
-------------------------------------------------------
A study knows the *announced* cars per year; a plant model (:class:`karvan.facilities.Plant`) knows a design rate in
cars per hour and a calendar. The announced figure is read as **design rate x the hours of the shifts stated with it**
(straight time, no overtime, no losses): the usual base of the trade (highest line rate x shifts x normal working days).
So ``design rate = nameplate / nameplate hours`` and ``straight_time = staffed hours / nameplate hours``: 1 for a plant
that works the shifts it announced, 0.5 for one that announced two shifts and works one. Where nothing was announced,
:class:`~karvan.facilities.Plant` takes the whole year (8,760 hours) as the nameplate hours, and says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from math import log
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.base.errors import InputError

RUNGS: Final[tuple[str, ...]] = (
    "nameplate",
    "straight_time",
    "overtime",
    "breakdowns",
    "blocking_starving",
    "rework",
    "kits",
    "ramp_up",
)
"""The rungs from top to bottom. ``demand`` follows, by :meth:`Ladder.with_demand`."""

_SHARES_OF_ONE: Final = ("breakdowns", "blocking_starving", "rework", "kits")


@dataclass(frozen=True)
class Shares:
    """The factor applied at each rung between nameplate and ramp-up, each ``(..., P)``, share of 1.

    Any of them may be a single number: they broadcast against the nameplate. Errors: a factor that is negative or not
    finite; ``breakdowns``, ``blocking_starving``, ``rework`` or ``kits`` above 1.
    """

    straight_time: ArrayLike = 1.0
    """Staffed hours / hours of the nameplate. Above 1 where a plant works more shifts than it announced."""
    overtime: ArrayLike = 1.0
    """(Straight time + overtime) / straight time. 1 is no overtime; 0.9 is short time."""
    breakdowns: ArrayLike = 1.0
    """Rate of the worst shop alone, after its breakdowns / design rate."""
    blocking_starving: ArrayLike = 1.0
    """Rate of the line / rate of the worst shop alone: what the shops cost each other through the buffers."""
    rework: ArrayLike = 1.0
    """Good cars / cars that the line could make if every one were right the first time."""
    kits: ArrayLike = 1.0
    """Share of the working time for which kits are at hand."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = np.asarray(getattr(self, field.name), dtype=np.float64)
            limit = 1.0 if field.name in _SHARES_OF_ONE else np.inf
            # One pass that also catches nan: a nan share would turn a plant's output into nan many stages later.
            right = (value >= 0.0) & (value <= limit + 1e-12) & (value < np.inf)
            if not right.all():
                worst = float(value[~right].flat[0])
                expected = "between 0 and 1" if limit == 1.0 else "0 or more, and finite"
                raise InputError(f"shares: {field.name} is {worst:g}; expected a share {expected} at every plant")
            object.__setattr__(self, field.name, value)


@dataclass(frozen=True)
class LadderWithDemand:
    """A ladder down to its last rung, demand. All ``(..., P)``, cars per year."""

    ladder: "Ladder"
    demand: Array
    """Cars wanted from the plant."""
    output: Array
    """Cars made: the smaller of effective capacity and demand."""
    lost: Array
    """Capacity that nobody asks for: effective - output."""
    unmet: Array
    """Cars wanted that the plant cannot make: demand - output."""


@dataclass(frozen=True)
class Ladder:
    """Cars per year after each rung, and the cars lost at each. Made by :func:`capacity_ladder`.

    ``nameplate - sum(lost) = effective``, at every draw, year and plant. A rung whose factor is above 1 (overtime, an
    extra shift) has a negative loss: cars gained.
    """

    rungs: Mapping[str, Array]
    """Name of the rung -> (..., P), cars per year after it, in the order of :data:`RUNGS`."""

    @property
    def nameplate(self) -> Array:
        """(..., P), cars per year as announced."""
        return self.rungs["nameplate"]

    @property
    def effective(self) -> Array:
        """(..., P), cars per year the plant can make, before demand: the last rung."""
        return self.rungs[RUNGS[-1]]

    @property
    def lost(self) -> dict[str, Array]:
        """Name of the rung -> (..., P), cars per year lost at it; ``nameplate`` loses nothing."""
        lost = {RUNGS[0]: np.zeros_like(self.nameplate)}
        for above, here in pairwise(RUNGS):
            lost[here] = self.rungs[above] - self.rungs[here]
        return lost

    def with_demand(self, demand: ArrayLike) -> LadderWithDemand:
        """The last rung: what is made when ``demand`` (..., P), cars per year and not negative, is asked for.

        >>> ladder = capacity_ladder(1000.0, Shares(breakdowns=0.9), 1.0)
        >>> made = ladder.with_demand(600.0)
        >>> float(made.output), float(made.lost), float(made.unmet)
        (600.0, 300.0, 0.0)
        """
        wanted = np.asarray(demand, dtype=np.float64)
        if not (wanted >= 0.0).all():
            raise InputError(f"ladder: demand {np.nanmin(wanted):g} found; expected 0 or more cars per year")
        effective, wanted = np.broadcast_arrays(self.effective, wanted)
        output = np.minimum(effective, wanted)
        return LadderWithDemand(self, wanted, output, effective - output, wanted - output)


def capacity_ladder(nameplate: ArrayLike, shares: Shares, ramp: ArrayLike) -> Ladder:
    """Cars per year after each cause of loss, from the announced figure to effective capacity.

    ``c_k = c_{k-1} f_k`` down the rungs of :data:`RUNGS`, the last factor being the ramp-up share ``g``.

    Parameters
    ----------
    nameplate : (..., P), cars per year as announced, for the shifts stated with it; 0 or more.
    shares : the factors of the rungs between, each broadcast against the nameplate.
    ramp : (..., P), mean share of full rate over the year, 0 to 1; see :func:`ramp_up`.

    Returns
    -------
    :class:`Ladder`; every rung has the broadcast shape of all the inputs.

    Errors: a negative or infinite nameplate; a ramp outside 0 to 1.

    >>> shares = Shares(straight_time=0.5, overtime=1.1, breakdowns=0.9, rework=0.95)
    >>> ladder = capacity_ladder([10_000, 5_000], shares, ramp=[1.0, 0.5])
    >>> ladder.effective.round(2)
    array([4702.5 , 1175.62])
    >>> float((ladder.nameplate - sum(ladder.lost.values()) - ladder.effective).sum())
    0.0
    """
    start = np.asarray(nameplate, dtype=np.float64)
    growth = np.asarray(ramp, dtype=np.float64)
    if not ((start >= 0.0) & (start < np.inf)).all():
        raise InputError(f"ladder: nameplate {_odd(start, 0.0, np.inf)} found; expected 0 or more cars a year, finite")
    if not ((growth >= 0.0) & (growth <= 1.0)).all():
        raise InputError(f"ladder: ramp {_odd(growth, 0.0, 1.0)} found; expected a share between 0 and 1 (see ramp_up)")
    factors: list[Array] = [np.asarray(getattr(shares, name), dtype=np.float64) for name in RUNGS[1:-1]]
    factors.append(growth)
    shape = np.broadcast_shapes(start.shape, *(factor.shape for factor in factors))
    here = np.broadcast_to(start, shape)
    rungs = {RUNGS[0]: here}
    for name, factor in zip(RUNGS[1:], factors, strict=True):
        here = here * factor
        rungs[name] = here
    return Ladder(rungs)


def ramp_up(age_years: ArrayLike, months_to_50: ArrayLike, months_to_90: ArrayLike) -> Array:
    """Mean share of full rate over the year ``[age, age + 1)`` of a plant that starts along a logistic curve.

    ``g(t) = 1 / (1 + exp(-(t - m50) / s))`` with ``t`` months since opening and ``s = (m90 - m50) / ln 9``, so that
    ``g(m50) = 0.5`` and ``g(m90) = 0.9``. Its integral is ``s ln(1 + exp((t - m50) / s))``, so the mean of a year needs
    no steps. A plant that opens during the year counts for the part of it that is left: with ``-1 < age < 0`` the
    result is the integral over ``[0, age + 1)``, per year. That launches follow an S is common; the two months are
    ``assumed``: no citable source was found (3 and 6 in an existing plant, 6 and 15 in a new one; range 1-6 and 9-24).

    Parameters
    ----------
    age_years : (...), years since opening at the start of the year; negative before, -1 or less is closed all year.
    months_to_50, months_to_90 : (...), months from opening to 50 % and 90 % of full rate; ``0 <= m50 < m90``.

    Returns
    -------
    (...), share of 1, smooth and rising with age, 0 to 1.

    >>> ramp_up([-1, -0.5, 0, 1, 10], months_to_50=6, months_to_90=15).round(3)
    array([0.   , 0.166, 0.5  , 0.933, 1.   ])
    """
    half = np.asarray(months_to_50, dtype=np.float64)
    most = np.asarray(months_to_90, dtype=np.float64)
    if not ((half >= 0.0) & (most > half) & (most < np.inf)).all():
        raise InputError(
            "ramp-up: expected 0 <= months_to_50 < months_to_90; "
            f"found months_to_50 up to {np.max(half):g} and months_to_90 from {np.min(most):g}"
        )
    # Nothing is left to learn after 500 years; the clip keeps plants that never open (-inf) or always were (inf) exact.
    age = np.clip(np.asarray(age_years, dtype=np.float64), -1.0, 500.0)
    scale = (most - half) / log(9.0)
    start = (12.0 * np.maximum(age, 0.0) - half) / scale
    end = (12.0 * (age + 1.0) - half) / scale
    share = scale / 12.0 * (np.logaddexp(0.0, end) - np.logaddexp(0.0, start))
    return np.asarray(np.clip(share, 0.0, 1.0), dtype=np.float64)


def utilisation(output: ArrayLike, effective: ArrayLike) -> Array:
    """Output / effective capacity, (..., P), share of 1; 0 where there is no capacity.

    >>> utilisation([50.0, 0.0], [200.0, 0.0])
    array([0.25, 0.  ])
    """
    made, can = np.broadcast_arrays(np.asarray(output, dtype=np.float64), np.asarray(effective, dtype=np.float64))
    share: Array = np.divide(made, can, out=np.zeros(can.shape), where=can > 0.0)
    return share


def _odd(values: Array, low: float, high: float) -> str:
    """The first value outside the range, for a message."""
    wrong = ~((values >= low) & (values <= high) & np.isfinite(values))
    return f"{float(values[wrong].flat[0]):g}"

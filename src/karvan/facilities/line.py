"""A production line: stations in series, a buffer between each two, breakdowns, and what comes out at the end.

Conventions. They change the answer by 1 to 4 points, so they are fixed here and nowhere else:

- Blocking **after** service: a station starts whenever it has a car, and keeps the finished car until there is a place.
- ``buffers[i]`` counts the places between stations ``i`` and ``i + 1``, **not** the car in service.
- ``failures="working"``: a machine ages only while it works on a car. ``"clock"``: it ages and fails whenever its
  shop is open, empty or blocked too.
- A broken station keeps its car and goes on where it stopped. Up times and repairs are exponential.
- The last station is never blocked; the first is never starved, unless kits are given.
- Closed hours stop work, ageing and repair alike; a finished car may still move on into a free place.

The recursion and how it is run: :mod:`karvan.facilities._recursion`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array, IntArray
from karvan.base.errors import InputError
from karvan.base.streams import stream
from karvan.facilities._recursion import Failures, StationPlan, Tally, march, padded
from karvan.facilities.calendars import Calendar, KitSupply

_NAMES = ("cycle_s", "mtbf_min", "mttr_min")
ERRORS_APART = 1.96
"""Two stations tie when their gains differ by less than this many standard errors of the difference."""


@dataclass(frozen=True)
class Station:
    """One machine of a line, or one shop of a plant seen as a machine.

    Errors: a cycle, MTBF or MTTR of 0 or less, or not finite; MTBF without MTTR or the other way round;
    first-time-right outside (0, 1].
    """

    cycle_s: float
    """Seconds of work on one car; the mean where the line's service is exponential."""
    mtbf_min: float | None = None
    """Mean time between failures (up time), minutes; none means it never fails."""
    mttr_min: float | None = None
    """Mean time to repair, minutes."""
    first_time_right: float = 1.0
    """Share of passes after which the car may go on; the others are done again, at the station's own cost in time."""
    calendar: Calendar | None = None
    """Opening hours; none means open whenever the line runs."""
    name: str = ""

    def __post_init__(self) -> None:
        for field in ("cycle_s", "mtbf_min", "mttr_min"):
            value = getattr(self, field)
            if value is not None and not 0.0 < value < np.inf:
                raise InputError(f"station {self.name or '?'}: {field} is {value:g}; expected more than 0, and finite")
        if (self.mtbf_min is None) != (self.mttr_min is None):
            given, missing = ("mttr_min", "mtbf_min") if self.mtbf_min is None else ("mtbf_min", "mttr_min")
            raise InputError(
                f"station {self.name or '?'}: {given} without {missing}; give both, or neither (no failures)"
            )
        if not 0.0 < self.first_time_right <= 1.0:
            raise InputError(
                f"station {self.name or '?'}: first_time_right is {self.first_time_right:g}; "
                "expected more than 0, at most 1"
            )

    @property
    def availability(self) -> float:
        """``MTBF / (MTBF + MTTR)``, share of 1: the station's own, with nobody starving or blocking it."""
        return (
            1.0 if self.mtbf_min is None or self.mttr_min is None else self.mtbf_min / (self.mtbf_min + self.mttr_min)
        )


@dataclass(frozen=True)
class Mix:
    """Models that share the line, in a levelled sequence: the same for every replication and what-if.

    Car ``j`` is the model whose slice of (0, 1) holds the fractional part of ``(j + 1/2) (sqrt(5) - 1) / 2``, so every
    model comes at its share and as evenly as can be. Errors: shares that are negative or do not add up to 1; factors
    that are not more than 0, or not a row a model.
    """

    shares: tuple[float, ...]
    """Share of each model, adding up to 1."""
    factors: tuple[tuple[float, ...], ...]
    """(models, stations): work on the model at the station / the station's ``cycle_s``."""

    def __post_init__(self) -> None:
        if not self.shares or min(self.shares) < 0.0 or abs(sum(self.shares) - 1.0) > 1e-9:
            raise InputError(f"mix: shares {self.shares} found; expected shares of 0 or more that add up to 1")
        if len(self.factors) != len(self.shares) or any(min(row, default=0.0) <= 0.0 for row in self.factors):
            raise InputError("mix: expected a row of factors above 0 for each model, one factor a station")

    @property
    def means(self) -> Array:
        """(stations,), mean work on a car of the mix at each station / its ``cycle_s``: shares times factors."""
        means: Array = np.asarray(self.shares) @ np.asarray(self.factors)
        return means

    def models(self, first: int, cars: int) -> IntArray:
        """(cars,), the model of each car from ``first`` on."""
        place = ((np.arange(first, first + cars) + 0.5) * ((5.0**0.5 - 1.0) / 2.0)) % 1.0
        model: IntArray = np.searchsorted(np.cumsum(self.shares), place, side="right")
        return np.minimum(model, len(self.shares) - 1)


@dataclass(frozen=True)
class StationShares:
    """How each station spends its open time, (stations,) each, shares of 1 that add up to 1."""

    working: Array
    down: Array
    """Broken with a car in it (a broken empty machine is starved, one with a finished car blocked)."""
    blocked: Array
    starved: Array

    def arrows(self) -> tuple[str, ...]:
        """Where the bottleneck lies of each buffer: ``right`` where blocked upstream exceeds starved downstream.

        The arrow rule of Li and Meerkov (2009), *Production Systems Engineering*: a station that no arrow leaves is a
        candidate. Cheap, and only a cross-check of :meth:`Line.bottleneck`.
        """
        return tuple("right" if b > s else "left" for b, s in zip(self.blocked[:-1], self.starved[1:], strict=True))


@dataclass(frozen=True)
class Controlled:
    """An efficiency from which the luck of the runs has been taken out; made by :attr:`LineResult.controlled`."""

    efficiency: float
    """Share of 1, as :attr:`LineResult.efficiency`."""
    standard_error: float
    """Of the same, after what the controls explain."""


@dataclass(frozen=True)
class LineResult:
    """What a line makes, over replications."""

    throughput_per_hour: Array
    """(replications,), cars out of the last station per hour of the run, after warm-up."""
    nominal_per_hour: float
    """Cars per hour of the slowest station without breakdowns, blocking or starving."""
    shares: StationShares | None
    """How stations spend their time, means over replications; none if not asked for."""
    controls: Array | None = None
    """(replications, stations that fail), mean 0: time down beyond what was due, share of the run; none without
    :attr:`shares`, or where failures on the clock meet a calendar."""

    @property
    def controlled(self) -> Controlled:
        """Efficiency and its standard error by control variates: 2 to 60 times fewer runs for an equal error.

        A station that fails on working time is due ``MTTR / MTBF`` seconds of repair for each second at work, so time
        down less what was due is a martingale, of mean 0 whatever the buffers; on the clock it is down the share
        ``1 - A``. Throughput is regressed on these, and read at 0: ``y = a + b c + e``, ``a`` the estimate (Lavenberg
        and Welch 1981, *Management Science* 27, 322-335). It takes most out of short lines and small buffers.

        Errors: no controls; fewer than 10 replications more than controls.
        """
        if self.controls is None:
            raise InputError('line: no controls; simulate with shares, and without calendars where failures="clock"')
        count, width = self.controls.shape
        if count < width + 10:
            raise InputError(f"line: {count} replications for {width} controls found; expected {width + 10} or more")
        design = np.column_stack([np.ones(count), self.controls])
        rates = self.throughput_per_hour / self.nominal_per_hour
        weights = np.linalg.lstsq(design, rates, rcond=None)[0]
        rest = rates - design @ weights
        variance = float(rest @ rest) / (count - width - 1) * np.linalg.inv(design.T @ design)[0, 0]
        return Controlled(float(weights[0]), float(np.sqrt(variance)))

    @property
    def efficiency(self) -> float:
        """Mean rate / (3600 / slowest cycle), share of 1; breakdowns are not taken out of the denominator."""
        return float(self.throughput_per_hour.mean()) / self.nominal_per_hour

    @property
    def standard_error(self) -> float:
        """Standard error of :attr:`efficiency`, from the spread of the replications; nan for a single one."""
        count = len(self.throughput_per_hour)
        if count < 2:
            return float("nan")
        return float(self.throughput_per_hour.std(ddof=1)) / float(np.sqrt(count)) / self.nominal_per_hour


@dataclass(frozen=True)
class Bottleneck:
    """Which station holds the line back: extra cars per hour for a small improvement at each. See Line.bottleneck."""

    speed: Array
    """(stations,), cars per hour for 1 % more speed."""
    speed_error: Array
    """(stations,), standard error of it."""
    repair: Array
    """(stations,), cars per hour for 10 % less repair time; 0 where nothing fails."""
    repair_error: Array
    places: Array
    """(stations,), cars per hour for 10 more places after the station; nan after the last."""
    places_error: Array
    candidates: tuple[int, ...]
    """Stations whose speed gain is within error of the largest, the largest first."""
    names: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """The name of the bottleneck, or ``tie: a, b`` when it cannot be told apart."""
        named = [self.names[i] for i in self.candidates]
        return named[0] if len(named) == 1 else "tie: " + ", ".join(named)


@dataclass(frozen=True)
class Line:
    """Stations in series with buffers between them. The conventions stand at the top of the module.

    ``S[i,j] = max(D[i-1,j], D[i,j-1])``, ``F = S + work and repair``, ``D[i,j] = max(F[i,j], D[i+1,j-b_i-1])`` for car
    ``j`` at station ``i`` with ``b_i`` places after it (the max-plus recursion of serial lines).

    Errors: no station; buffers not one fewer than stations, or negative; unknown words; a mix of the wrong width.

    >>> line = Line([Station(60, mtbf_min=240, mttr_min=10)] * 2, buffers=[10])
    >>> result = line.simulate(hours=2000, replications=20, seed=1)
    >>> abs(result.efficiency - 0.9354) < 4 * result.standard_error     # fluid line of the same size: 0.93540
    True
    """

    stations: Sequence[Station]
    buffers: Sequence[float]
    """Places between stations ``i`` and ``i + 1``, 0 or more; infinite allowed."""
    failures: Literal["working", "clock"] = "working"
    service: Literal["fixed", "exponential"] = "fixed"
    mix: Mix | None = None
    kits: KitSupply | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "stations", tuple(self.stations))
        object.__setattr__(self, "buffers", tuple(float(places) for places in self.buffers))
        if not self.stations:
            raise InputError("line: no station found; expected at least one")
        if len(self.buffers) != len(self.stations) - 1:
            raise InputError(
                f"line: {len(self.buffers)} buffers for {len(self.stations)} stations found; "
                f"expected {len(self.stations) - 1}, one between each two stations"
            )
        if not all(places >= 0.0 and (places == np.inf or places == int(places)) for places in self.buffers):
            raise InputError(f"line: buffers {list(self.buffers)} found; expected whole numbers of places, 0 or more")
        if self.failures not in ("working", "clock"):
            raise InputError(f"line: failures {self.failures!r} found; expected 'working' or 'clock'")
        if self.service not in ("fixed", "exponential"):
            raise InputError(f"line: service {self.service!r} found; expected 'fixed' or 'exponential'")
        if self.mix is not None and any(len(row) != len(self.stations) for row in self.mix.factors):
            raise InputError(f"line: the mix needs {len(self.stations)} factors a model, one a station")

    @property
    def nominal_per_hour(self) -> float:
        """Cars per hour of the slowest station: mean work over the mix and its open hours, without any loss."""
        rates = []
        for factor, station in zip(self.mean_factors.tolist(), self.stations, strict=True):
            calendar = station.calendar
            opened = calendar.open_hours / calendar.period_hours if calendar else 1.0
            rates.append(3600.0 * opened / (station.cycle_s * factor))
        return float(min(rates))

    @property
    def mean_factors(self) -> Array:
        """(stations,), mean work on a car / ``cycle_s``: those of the mix, or 1."""
        return np.ones(len(self.stations)) if self.mix is None else self.mix.means

    def simulate(
        self, hours: float, replications: int = 30, seed: int = 1, warmup_hours: float = 100.0, *, shares: bool = True
    ) -> LineResult:
        """Run the line ``replications`` times for ``hours`` after a warm-up, each from an empty line.

        Parameters: hours, more than 0, and warm-up, 0 or more: hours in which the line is open, or clock hours where
        stations have calendars; seed, any whole number. The same seed gives every station the same luck whatever the
        speeds, repair times and buffers (common random numbers). ``shares=False`` skips how stations spend their time.
        """
        if not 0.0 < hours < np.inf or not 0.0 <= warmup_hours < np.inf:
            raise InputError(f"line: {hours:g} hours after {warmup_hours:g} found; expected more than 0, and 0 or more")
        if replications < 1:
            raise InputError(f"line: {replications} replications found; expected 1 or more")
        start, end = warmup_hours * 3600.0, (warmup_hours + hours) * 3600.0
        count = padded(replications)
        plans = [self._plan(i, count, seed, end, _Known.of(station)) for i, station in enumerate(self.stations)]
        come = self._arrivals(count, seed, end)
        tally = march(
            plans, self.buffers, replications=replications, start=start, end=end, arrivals=come, shares=shares
        )
        rate = tally.left[-1, :replications] / hours
        if not shares:
            return LineResult(rate, self.nominal_per_hour, None)
        controls = self._controls(plans, tally, replications, start, end)
        return LineResult(rate, self.nominal_per_hour, self._shares(tally, replications, start, end), controls)

    def simulate_draws(
        self,
        hours: float,
        *,
        cycle_s: ArrayLike | None = None,
        mtbf_min: ArrayLike | None = None,
        mttr_min: ArrayLike | None = None,
        seed: int = 1,
        warmup_hours: float = 100.0,
        same_luck: bool = True,
    ) -> Array:
        """Cars per hour of many lines at once, alike but for their speeds and breakdowns: one for each draw of the
        inputs.

        Parameters: ``cycle_s``, ``mtbf_min``, ``mttr_min`` (D, stations), seconds and minutes, more than 0, each
        broadcast; what is not given is the station's own, and a station that never fails stays so. ``same_luck``: every
        draw meets the same random numbers, so differences come from the inputs alone; otherwise each has its own.

        Returns
        -------
        (D,), cars per hour.

        >>> line = Line([Station(60, 240, 10)] * 2, buffers=[10])
        >>> slow, fast = line.simulate_draws(500, cycle_s=[[60, 60], [60, 59.4]])
        >>> bool(slow < fast)
        True
        """
        if not 0.0 < hours < np.inf or not 0.0 <= warmup_hours < np.inf:
            raise InputError(f"line: {hours:g} hours after {warmup_hours:g} found; expected more than 0, and 0 or more")
        given = {"cycle_s": cycle_s, "mtbf_min": mtbf_min, "mttr_min": mttr_min}
        arrays = {name: np.atleast_2d(np.asarray(v, dtype=np.float64)) for name, v in given.items() if v is not None}
        draws = np.broadcast_shapes((1, len(self.stations)), *(array.shape for array in arrays.values()))[0]
        for name, array in arrays.items():
            if not ((array > 0.0) & np.isfinite(array)).all():
                raise InputError(
                    f"line: {name} has a value of 0 or less, or not finite; expected more than 0 everywhere"
                )
        wide = {name: np.broadcast_to(array, (draws, len(self.stations))) for name, array in arrays.items()}
        return self._lanes(hours, warmup_hours, seed, draws, wide, luck=1 if same_luck else padded(draws))

    def _lanes(
        self, hours: float, warmup_hours: float, seed: int, draws: int, given: Mapping[str, Array], luck: int
    ) -> Array:
        """Cars per hour of ``draws`` lines; line ``n`` meets luck number ``n mod luck``."""
        start, end, count = warmup_hours * 3600.0, (warmup_hours + hours) * 3600.0, padded(draws)
        plans = []
        for i, station in enumerate(self.stations):
            values = {}
            for name in _NAMES:
                column = getattr(station, name)
                if name in given and column is not None:
                    column = np.concatenate([given[name][:, i], np.repeat(given[name][-1:, i], count - draws)])
                values[name] = column
            plans.append(self._plan(i, count, seed, end, _Known(**values), luck=luck))
        come = self._arrivals(luck, seed, end)
        if come is not None:
            come = come[np.arange(count) % luck]
        tally = march(plans, self.buffers, replications=draws, start=start, end=end, arrivals=come, shares=False)
        return np.asarray(tally.left[-1, :draws] / hours)

    def bottleneck(
        self, hours: float, replications: int = 30, seed: int = 1, warmup_hours: float = 100.0
    ) -> Bottleneck:
        """Cars per hour gained by each station's improvement, with standard errors of paired differences.

        Finite differences with common random numbers: 1 % more speed, 10 % less repair time, 10 more places behind.
        The bottleneck is the station with the largest speed gain; ``tie`` when another is within
        :data:`ERRORS_APART` standard errors of it. Utilisation is not used: it does not find the bottleneck.
        Parameters as in :meth:`simulate`, with at least 2 replications.
        """
        if replications < 2:
            raise InputError(f"bottleneck: {replications} replications found; expected 2 or more, to know the error")

        count, luck = len(self.stations), padded(replications)
        # The line as it is, each station faster, each station's repairs shorter: all at once, side by side.
        own = {name: np.array([getattr(s, name) or np.nan for s in self.stations], dtype=np.float64) for name in _NAMES}
        trials = {name: np.tile(column, (1 + 2 * count, 1)) for name, column in own.items()}
        each = np.arange(count)
        trials["cycle_s"][1 + each, each] /= 1.01
        trials["mttr_min"][1 + count + each, each] *= 0.9
        wide = {name: np.repeat(table, luck, axis=0) for name, table in trials.items()}
        draws = (1 + 2 * count) * luck
        rates = self._lanes(hours, warmup_hours, seed, draws, wide, luck).reshape(1 + 2 * count, luck)[:, :replications]
        gains = np.full((3, count, replications), np.nan)
        gains[:2] = (rates[1:] - rates[0]).reshape(2, count, replications)
        for i in range(count - 1):
            roomier = replace(self, buffers=[*self.buffers[:i], self.buffers[i] + 10, *self.buffers[i + 1 :]])
            after = roomier.simulate(hours, replications, seed, warmup_hours, shares=False).throughput_per_hour
            gains[2, i] = after - rates[0]
        means, errors = gains.mean(axis=2), gains.std(axis=2, ddof=1) / replications**0.5
        best = int(means[0].argmax())
        behind = gains[0, best] - gains[0]
        near = behind.mean(axis=1) <= ERRORS_APART * behind.std(axis=1, ddof=1) / replications**0.5
        order = sorted(np.flatnonzero(near).tolist(), key=lambda i: (i != best, -means[0, i]))
        names = tuple(station.name or f"station {i + 1}" for i, station in enumerate(self.stations))
        return Bottleneck(means[0], errors[0], means[1], errors[1], means[2], errors[2], tuple(order), names)

    def _plan(
        self, index: int, replications: int, seed: int, end: float, known: "_Known", *, luck: int | None = None
    ) -> StationPlan:
        station = self.stations[index]
        cycle = np.broadcast_to(np.asarray(known.cycle_s, dtype=np.float64), (replications,))
        breakdowns = None
        if known.mtbf_min is not None and known.mttr_min is not None:
            gaps, fixes = stream(seed, f"line.{index}.gaps"), stream(seed, f"line.{index}.repairs")
            times = np.asarray(known.mtbf_min) * 60.0, np.asarray(known.mttr_min) * 60.0
            breakdowns = Failures(*times, replications, gaps, fixes, luck=luck)
        stops = None
        if self.failures == "clock" and breakdowns is not None:
            stops = _clock_failures(breakdowns, station.calendar, end)
            breakdowns = None
        if station.calendar is not None:
            stops = _with_closings(stops, station.calendar, replications, end)
        factors = np.array([row[index] for row in self.mix.factors]) if self.mix else None
        if factors is not None and (factors == factors[0]).all():
            cycle, factors = cycle * float(factors[0]), None
        if self.service == "exponential" or station.first_time_right < 1.0 or factors is not None:
            mix = self.mix if factors is not None else None
            generators = stream(seed, f"line.{index}.work"), stream(seed, f"line.{index}.passes")
            exponential = self.service == "exponential"
            work = _Varying(
                cycle, station.first_time_right, exponential, mix, factors, breakdowns, *generators, luck=luck
            )
            quickest = cycle if mix is None or factors is None else cycle * float(factors.min())
            return StationPlan(quickest, work=work, stops=stops, calendar=station.calendar)
        return StationPlan(cycle, failures=breakdowns, stops=stops, calendar=station.calendar)

    def _arrivals(self, replications: int, seed: int, end: float) -> Array | None:
        if self.kits is None:
            return None
        lots = int(end / 3600.0 / self.kits.cadence_hours) + 2
        come = self.kits.arrivals(lots, replications, stream(seed, "line.kits")) * 3600.0
        stock = np.zeros((replications, self.kits.safety_stock))
        return np.concatenate([stock, np.repeat(come, self.kits.lot, axis=1)], axis=1)

    def _controls(
        self, plans: Sequence[StationPlan], tally: Tally, replications: int, start: float, end: float
    ) -> Array | None:
        """(replications, failing stations): time down less time due to be down, share of the run; mean 0."""
        columns = []
        for i, (station, plan) in enumerate(zip(self.stations, plans, strict=True)):
            if station.mtbf_min is None or station.mttr_min is None:
                continue
            up, fix = station.mtbf_min * 60.0, station.mttr_min * 60.0
            if self.failures == "working":
                due = tally.working[i, :replications] * fix / up
                columns.append(tally.down[i, :replications] - due)
                continue
            if station.calendar is not None or plan.stops is None:
                return None  # its stops are closing hours too
            down = np.clip(np.minimum(plan.stops[1], end) - np.maximum(plan.stops[0], start), 0.0, None).sum(axis=1)
            # All start up: the share that is down comes up to 1 - A at the rate 1/MTBF + 1/MTTR.
            pace = 1.0 / up + 1.0 / fix
            late = (np.exp(-pace * start) - np.exp(-pace * end)) / pace
            columns.append(down[:replications] - (1.0 - station.availability) * (end - start - late))
        return np.stack(columns, axis=1) / (end - start) if columns else np.zeros((replications, 0))

    def _shares(self, tally: Tally, replications: int, start: float, end: float) -> StationShares:
        opened = np.array(
            [
                end - start
                if station.calendar is None
                else float(np.diff(station.calendar.open_before(np.array([start, end]) / 3600.0))[0]) * 3600.0
                for station in self.stations
            ]
        )
        working, down, blocked = (
            part[:, :replications].mean(axis=1) / opened for part in (tally.working, tally.down, tally.blocked)
        )
        down = np.maximum(down, 0.0)  # rounding of large sums
        # A car is counted whole when it leaves: the one under way at the start can bring a station past all its time.
        total = np.maximum(working + down + blocked, 1.0)
        working, down, blocked = working / total, down / total, blocked / total
        return StationShares(working, down, blocked, np.maximum(1.0 - working - down - blocked, 0.0))


@dataclass(frozen=True)
class _Known:
    """A station's numbers, one each or one for each draw."""

    cycle_s: float | Array
    mtbf_min: float | Array | None
    mttr_min: float | Array | None

    @classmethod
    def of(cls, station: Station) -> "_Known":
        return cls(station.cycle_s, station.mtbf_min, station.mttr_min)


class _Varying:
    """Work that differs from car to car: exponential times, models, repeated passes; failures on working time."""

    def __init__(
        self,
        cycle: Array,
        first_time_right: float,
        exponential: bool,
        mix: Mix | None,
        factors: Array | None,
        failures: Failures | None,
        works: np.random.Generator,
        passes: np.random.Generator,
        *,
        luck: int | None,
    ) -> None:
        self.cycle, self.right, self.exponential, self.mix, self.factors = (
            cycle,
            first_time_right,
            exponential,
            mix,
            factors,
        )
        self.failures, self.replications, self.works, self.passes = failures, len(cycle), works, passes
        self.columns = len(cycle) if luck is None else luck
        self.car, self.worked = 0, np.zeros(len(cycle))

    def block(self, cars: int) -> tuple[Array, Array]:
        """Work and repair of the next cars, (cars, replications), seconds."""
        # Work is luck (base) times the line's cycle, so sums over cars are taken once for each luck, not for each line.
        base = np.ones((cars, self.columns))
        if self.mix is not None and self.factors is not None:
            base *= self.factors[self.mix.models(self.car, cars)][:, None]
        rounds = self.passes.geometric(self.right, size=base.shape) if self.right < 1.0 else None
        if self.exponential:
            base *= self.works.standard_exponential(base.shape) if rounds is None else self.works.standard_gamma(rounds)
        elif rounds is not None:
            base *= rounds
        work = self._lines(base)
        self.car += cars
        down = np.zeros_like(work)
        if self.failures is not None:
            before, done = self.worked, np.cumsum(base, axis=0)
            self.worked = before + self._lines(done[-1:])[0]
            who, when, repairs = self.failures.take(self.worked)
            # All lucks in one sorted row, each moved past the one before: one search for all breakdowns.
            apart, luck = float(done[-1].max()) + 1.0, who % self.columns
            row = (done + apart * np.arange(self.columns)).T.ravel()
            at = (when - before[who]) / self.cycle[who] + apart * luck
            car = np.searchsorted(row, at, side="right") - luck * cars
            np.add.at(down, (np.clip(car, 0, cars - 1), who), repairs)
        return work, down

    def _lines(self, base: Array) -> Array:
        """(cars, replications) from (cars, luck): the line's cycle times the luck that it meets."""
        cars, groups = len(base), self.replications // self.columns
        if groups * self.columns != self.replications:
            return base[:, np.arange(self.replications) % self.columns] * self.cycle
        return (base[:, None, :] * self.cycle.reshape(groups, self.columns)).reshape(cars, self.replications)


def _clock_failures(failures: Failures, calendar: Calendar | None, end: float) -> tuple[Array, Array]:
    """Down windows of a machine that fails on the clock of its shop, up and repair times by turns; (replications,
    n)."""
    failures.draw_until(np.full(len(failures.starts), end))
    ends = failures.starts + np.cumsum(failures.repairs, axis=1)
    starts = ends - failures.repairs
    if calendar is not None:
        starts, ends = calendar.clock_at(starts / 3600.0) * 3600.0, calendar.clock_at(ends / 3600.0) * 3600.0
    return starts, ends


def _with_closings(
    stops: tuple[Array, Array] | None, calendar: Calendar, replications: int, end: float
) -> tuple[Array, Array]:
    """Closing hours of the shop, together with its failures on the clock, in order of start."""
    closed = tuple(np.tile(edge * 3600.0, (replications, 1)) for edge in calendar.closings(end / 3600.0))
    if stops is None:
        return closed[0], closed[1]
    starts, ends = (np.concatenate([a, b], axis=1) for a, b in zip(stops, closed, strict=True))
    order = np.argsort(starts, axis=1, kind="stable")
    return np.take_along_axis(starts, order, axis=1), np.take_along_axis(ends, order, axis=1)


def merge(stations: Sequence[Station]) -> Station:
    """One station that stands for several with no place between them, as in a paced shop that stops together.

    The cycle is the slowest; failures per car add, ``sum(c_i / MTBF_i)``; the repair time is their mean, weighted by
    how often each fails. Right to first order in MTTR / MTBF: it assumes that the others stop at once and do not fail
    while stopped (Buzacott 1967, *Int. J. Prod. Res.* 5, 183-200). :class:`Line` itself needs no merging, it takes
    buffers of 0.

    >>> both = merge([Station(60, 240, 10), Station(58, 480, 20)])
    >>> both.cycle_s, round(both.mtbf_min, 3), round(both.mttr_min, 3)      # 1 / (1/240 + 58/60/480)
    (60, 161.798, 13.258)
    """
    if not stations:
        raise InputError("merge: no station found; expected at least one")
    if any(s.calendar != stations[0].calendar or s.first_time_right < 1.0 for s in stations):
        raise InputError("merge: expected stations with one calendar and first_time_right 1; keep the others apart")
    cycle = max(station.cycle_s for station in stations)
    failing = [
        (s.cycle_s / s.mtbf_min, s.mttr_min) for s in stations if s.mtbf_min is not None and s.mttr_min is not None
    ]
    rate = sum(per_car for per_car, _ in failing)
    name = " + ".join(station.name for station in stations if station.name)
    if rate == 0.0:
        return Station(cycle, calendar=stations[0].calendar, name=name)
    mttr = sum(per_car * repair for per_car, repair in failing) / rate
    return Station(cycle, cycle / rate, mttr, calendar=stations[0].calendar, name=name)

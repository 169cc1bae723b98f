"""The engine of the line: departures of every car from every station, as rows of a wavefront.

With ``S`` start, ``F`` finish, ``D`` departure of car ``j`` at station ``i``, ``s`` its time in work (breakdowns
included) and ``b_i`` the places after station ``i``::

    S[i,j] = max(D[i-1,j], D[i,j-1])     F[i,j] = S[i,j] + s[i,j]     D[i,j] = max(F[i,j], D[i+1,j-b_i-1])

Row ``t`` holds ``D[i,j]`` for ``t = q j + i + k``. Everything a row needs then stands in earlier rows, so all stations
and all replications of a row are two ``max`` and one ``+`` on one flat array, whatever their number. With a place in
every buffer ``q`` is 1. Where some buffer has none, a car needs two rows, ``q = 2``: every other cell of a row would be
idle, so those cells carry a second, independent set of replications (``k = 1``), and no work is wasted.

Cells before the first car are ``-inf`` and stay so: ``max`` and ``+`` keep them there without a test. Stops on the
clock (closing hours, failures that do not wait for work) are windows; only the few cells that meet one are touched
again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from karvan.base.axes import Array, IntArray
from karvan.facilities.calendars import Calendar

TILE = 192
"""Rows worked on together: enough to hide the bookkeeping, few enough to stay in the cache."""
SEGMENT_EVENTS = 400_000
"""Breakdowns held at a time."""


class Failures:
    """Breakdowns of one station in its own time: gaps and repairs, exponential, one row of draws per replication.

    Gaps and repairs come from two streams in batches of fixed size, so the n-th breakdown of a replication is the same
    whatever the speed, the buffers or the length of the run: what-ifs share their luck.
    """

    BATCH = 64

    def __init__(
        self,
        mtbf: Array,
        mttr: Array,
        replications: int,
        gaps: np.random.Generator,
        fixes: np.random.Generator,
        *,
        luck: int | None = None,
    ) -> None:
        # (replications,) each, seconds. Replication n meets luck number n mod luck; each has its own where not said.
        self.mtbf, self.mttr = (np.broadcast_to(each, (replications,))[:, None] for each in (mtbf, mttr))
        self._gaps, self._fixes, self._luck = gaps, fixes, replications if luck is None else luck
        self._whose = np.arange(replications) % self._luck
        self.starts: Array = np.zeros((replications, 0))
        self.repairs: Array = np.zeros((replications, 0))
        self._last: Array = np.zeros((replications, 1))

    def draw_until(self, until: Array) -> None:
        """Draw on until the last known breakdown of every replication is past ``until`` (replications,)."""
        starts, repairs = [self.starts], [self.repairs]
        while (self._last[:, 0] <= until).any():
            gaps = self._gaps.standard_exponential((self._luck, self.BATCH))[self._whose]
            times = self._last + np.cumsum(gaps, axis=1) * self.mtbf
            starts.append(times)
            repairs.append(self._fixes.standard_exponential((self._luck, self.BATCH))[self._whose] * self.mttr)
            self._last = times[:, -1:]
        if len(starts) > 1:
            self.starts, self.repairs = np.concatenate(starts, axis=1), np.concatenate(repairs, axis=1)

    def take(self, until: Array) -> tuple[IntArray, Array, Array]:
        """Replication, start and repair of every breakdown before ``until``, and forget them."""
        self.draw_until(until)
        due = self.starts < until[:, None]
        who, which = np.nonzero(due)
        found = who, self.starts[who, which], self.repairs[who, which]
        self.starts = np.where(due, np.inf, self.starts)
        spent = int(due.all(axis=0).sum())  # leading columns that every replication has used up
        self.starts, self.repairs = self.starts[:, spent:], self.repairs[:, spent:]
        return found


class Work(Protocol):
    """Where a station's times in work come from, when they differ from car to car."""

    def block(self, cars: int) -> tuple[Array, Array]:
        """Work and breakdown time of the next ``cars`` cars, (cars, replications) each, seconds."""


@dataclass
class StationPlan:
    """What the engine needs of one station. Times in seconds."""

    cycle: Array
    """(replications,), the same for all or one each."""
    failures: Failures | None = None
    """On working time, for a station whose cars all take ``cycle``."""
    work: Work | None = None
    """For a station whose times differ; its breakdowns are inside."""
    stops: tuple[Array, Array] | None = None
    """Starts and ends of stops on the clock, (replications, n) each, sorted by start; they may overlap."""
    calendar: Calendar | None = None


@dataclass
class Tally:
    """What the engine counts between warm-up and end, (stations, replications), seconds of open time and cars."""

    left: Array
    """Cars that left the station; the last row is the output of the line."""
    working: Array
    down: Array
    blocked: Array


def padded(replications: int) -> int:
    """Replications rounded up to an even number, so that both kinds of wavefront share the same draws."""
    return replications + replications % 2


class _Grid:
    """Which cell of which row is which car, station and replication."""

    def __init__(
        self, stations: Sequence[StationPlan], buffers: Sequence[float], replications: int, end: float
    ) -> None:
        self.count = len(stations)
        self.q = q = 1 if all(places >= 1 for places in buffers) else 2
        self.all = padded(replications)
        self.lanes = self.all // q
        self.width = self.count * self.lanes
        slowest = max(float(plan.cycle.min()) for plan in stations)
        # A buffer that holds every car of the run never fills: look back 0 rows, at "always room".
        varying = any(plan.work is not None for plan in stations)  # then there may be more cars than cycles
        most = end / slowest * (2.0 if varying else 1.0) + 100.0
        self.back = [q * (int(b) + 1) - 1 if b < most else 0 for b in buffers]
        self.history = max([q, *self.back])
        short = q * (int(end / slowest) + self.count + 2)  # a run of few cars needs no whole tile
        self.rows = -(-max(min(TILE, short), self.history) // q) * q
        self.chunk = min(_Dense.CHUNK, int(1.1 * end / slowest) + self.rows)
        self.class_of = (np.arange(q)[:, None] - np.arange(self.count)) % q  # (phase of the row, station)

    def runs(self) -> list[tuple[int, int, int]]:
        """Neighbouring stations that look back equally far for a free place: (first cell, end cell, rows back).

        The last station always has room: its right neighbour is a column of ``-inf``, so it joins any run.
        """
        if self.count == 1:
            return [(0, self.width, 0)]
        runs, first = [], 0
        for i in range(1, self.count - 1):
            if self.back[i] != self.back[first]:
                runs.append((first * self.lanes, i * self.lanes, self.back[first]))
                first = i
        runs.append((first * self.lanes, self.width, self.back[first]))
        return runs

    def first_car(self, from_row: int, station: int, kind: int) -> tuple[int, int]:
        """The first car of a station and class in a tile, and the row of the tile where it stands."""
        car = -((station + kind - from_row) // self.q)
        return car, self.q * car + station + kind - from_row

    def spread(self, values: Array) -> Array:
        """From (station, replication) to the cells of q rows, (phase, width)."""
        who = self.class_of[:, :, None] * self.lanes + np.arange(self.lanes)
        return np.asarray(np.take_along_axis(values[None], who, axis=2).reshape(self.q, self.width))

    def gather(self, by_phase: Array) -> Array:
        """From (phase, station, lane) to (station, replication)."""
        into = np.zeros((self.count, self.all))
        for phase in range(self.q):
            for i in range(self.count):
                at = self.class_of[phase, i] * self.lanes
                into[i, at : at + self.lanes] += by_phase[phase, i]
        return into

    def by_phase(self, tile: Array) -> Array:
        """Sum of a tile (rows, width) over the rows of each phase: (phase, station, lane)."""
        return np.asarray(tile.reshape(-1, self.q, self.count, self.lanes).sum(axis=0))


class _Events:
    """Breakdowns of the stations with one cycle time, in the order of the rows they fall in."""

    def __init__(self, stations: Sequence[StationPlan], grid: _Grid) -> None:
        self.grid = grid
        self.sources = [
            (i, p.cycle, p.failures) for i, p in enumerate(stations) if p.failures is not None and not p.work
        ]
        rate = sum(float((cycle / failures.mtbf[:, 0]).sum()) for _, cycle, failures in self.sources)
        self.segment = int(np.clip(SEGMENT_EVENTS / rate, 2 * grid.rows, 1 << 22)) if rate > 0.0 else 1 << 40
        self.cars = 0
        self.keys: IntArray = np.zeros(0, dtype=np.int64)
        self.amounts: Array = np.zeros(0)

    def next(self, from_row: int) -> tuple[IntArray, Array]:
        """Cells of the tile that starts at ``from_row`` (flat), and the seconds of repair to add there."""
        grid, last = self.grid, from_row + self.grid.rows
        while grid.q * self.cars < last:
            self._draw()
        cut = int(np.searchsorted(self.keys, last * grid.width))
        found = self.keys[:cut] - from_row * grid.width, self.amounts[:cut]
        self.keys, self.amounts = self.keys[cut:], self.amounts[cut:]
        return found

    def _draw(self) -> None:
        grid = self.grid
        self.cars += self.segment
        keys, amounts = [self.keys], [self.amounts]
        for i, cycle, failures in self.sources:
            who, starts, repairs = failures.take(self.cars * cycle)
            car = np.minimum((starts / cycle[who]).astype(np.int64), self.cars - 1)
            kind, lane = np.divmod(who, grid.lanes)
            keys.append((grid.q * car + i + kind) * grid.width + i * grid.lanes + lane)
            amounts.append(repairs)
        joined = np.concatenate(keys)
        order = np.argsort(joined, kind="stable")
        self.keys, self.amounts = joined[order], np.concatenate(amounts)[order]


class _Dense:
    """Times of a station that differ from car to car, put into the tile."""

    CHUNK = 1024

    def __init__(self, station: int, plan: StationPlan, grid: _Grid) -> None:
        assert plan.work is not None
        self.station, self.source, self.grid, self.base = station, plan.work, grid, 0
        self.work: Array = np.zeros((0, grid.all))
        self.down: Array = np.zeros((0, grid.all))

    def fill(self, time: Array, work: Array, from_row: int) -> None:
        """Write the times of the tile that starts at ``from_row`` into (rows, station, lane)."""
        grid, i = self.grid, self.station
        cars = grid.rows // grid.q
        firsts = [grid.first_car(from_row, i, kind) for kind in range(grid.q)]
        while self.base + len(self.work) < max(car for car, _ in firsts) + cars:
            more, broken = self.source.block(grid.chunk)
            self.work, self.down = np.concatenate([self.work, more]), np.concatenate([self.down, broken])
        for kind, (car, row) in enumerate(firsts):
            mine = slice(kind * grid.lanes, (kind + 1) * grid.lanes)
            early = max(-car, 0)  # cells before the first car: any finite time will do
            known = slice(max(car, 0) - self.base, car + cars - self.base)
            rows = slice(row + early * grid.q, None, grid.q)
            work[rows, i] = self.work[known, mine]
            time[rows, i] = self.work[known, mine] + self.down[known, mine]
        spent = max(min(car for car, _ in firsts) + cars - 1 - self.base, 0)
        self.work, self.down, self.base = self.work[spent:], self.down[spent:], self.base + spent


class _Stops:
    """Stops on the clock: the next one of every cell, and what it costs the car that meets it."""

    def __init__(self, stations: Sequence[StationPlan], grid: _Grid) -> None:
        pairs = [plan.stops for plan in stations]
        most = max(pair[0].shape[1] for pair in pairs if pair is not None) + 1
        starts = np.full((grid.count, grid.all, most), np.inf)
        ends = np.full((grid.count, grid.all, most), np.inf)
        for i, pair in enumerate(pairs):
            if pair is not None:
                starts[i, :, : pair[0].shape[1]], ends[i, :, : pair[1].shape[1]] = pair
        self.starts, self.ends = starts.reshape(-1), ends.reshape(-1)
        self.at, self.next, self.past = [], [], []
        lane = np.arange(grid.lanes)
        for phase in range(grid.q):
            who = grid.class_of[phase][:, None] * grid.lanes + lane  # (station, lane) -> replication
            at = ((np.arange(grid.count)[:, None] * grid.all + who) * most).reshape(-1)
            self.at.append(at)
            self.next.append(self.starts[at])
            self.past.append(np.full(grid.width, -np.inf))

    def delay(self, phase: int, begun: Array, made: Array) -> None:
        """Put off ``made`` by every stop that falls between ``begun`` and it; stops while no car is in work cost
        nothing."""
        upcoming = self.next[phase]
        hit = np.flatnonzero(upcoming < made)
        at, past = self.at[phase], self.past[phase]
        while hit.size:
            where = at[hit]
            ends = self.ends[where]
            free = np.maximum(np.maximum(upcoming[hit], begun[hit]), past[hit])
            made[hit] += np.maximum(ends - free, 0.0)
            past[hit] = np.maximum(past[hit], ends)  # stops may overlap: a moment is lost once
            at[hit] = where + 1
            upcoming[hit] = self.starts[where + 1]
            hit = hit[upcoming[hit] < made[hit]]


def march(
    stations: Sequence[StationPlan],
    buffers: Sequence[float],
    *,
    replications: int,
    start: float,
    end: float,
    arrivals: Array | None = None,
    shares: bool = True,
) -> Tally:
    """Run the line to ``end`` and count what happens after ``start`` (seconds), for :func:`padded` replications.

    ``arrivals`` (padded replications, cars), seconds: when each car's kit comes; none means always at hand.
    """
    grid = _Grid(stations, buffers, replications, end)
    q, rows, width, lanes, history = grid.q, grid.rows, grid.width, grid.lanes, grid.history
    # Departures, with a column of kit arrivals on the left and one of "always room" on the right.
    depart = np.full((history + rows, width + 2 * lanes), -np.inf)
    always = np.full(width, -np.inf)
    finish = np.zeros((rows, width))
    plain = grid.spread(np.stack([plan.cycle for plan in stations]))
    time = np.tile(plain, (rows // q, 1))
    steps = []
    for row in range(rows):
        at = history + row
        up, own, out = depart[at - 1, :width], depart[at - q, lanes:-lanes], depart[at, lanes:-lanes]
        room = [
            (finish[row, a:z], depart[at - b, a + 2 * lanes : z + 2 * lanes] if b else always[a:z], out[a:z])
            for a, z, b in grid.runs()
        ]
        steps.append((up, own, finish[row], time[row], room))
    left = depart[history:, lanes:-lanes]

    events = _Events(stations, grid)
    dense = [_Dense(i, plan, grid) for i, plan in enumerate(stations) if plan.work is not None]
    stops = _Stops(stations, grid) if any(plan.stops is not None for plan in stations) else None
    tally = Tally(*(np.zeros((q, grid.count, lanes)) for _ in range(4)))
    work = time.copy() if dense else None
    from_row, done = 0, False
    maximum, add = np.maximum, np.add
    while not done:
        _kits(depart[history - 1 : -1, :lanes], from_row, grid, arrivals)
        where, repairs = events.next(from_row)
        np.add.at(time.reshape(-1), where, repairs)
        for source in dense:
            assert work is not None
            shape = (rows, grid.count, lanes)
            source.fill(time.reshape(shape), work.reshape(shape), from_row)
        if stops is None:
            for up, own, made, spent, room in steps:
                maximum(up, own, out=made)
                add(made, spent, out=made)
                for ready, freed, out in room:
                    maximum(ready, freed, out=out)
        else:
            for row, (up, own, made, spent, room) in enumerate(steps):
                begun = maximum(up, own)
                add(begun, spent, out=made)
                stops.delay((from_row + row) % q, begun, made)
                for ready, freed, out in room:
                    maximum(ready, freed, out=out)
        if shares:
            begun = maximum(depart[history - 1 : -1, :width], depart[history - q : -q, lanes:-lanes])
            _account(tally, stations, grid, (begun, finish, left, work, plain), start, end)
        else:
            _count(tally, grid, left, start, end)
        done = bool((left[-q:, -lanes:] > end).all())
        time.reshape(-1)[where] = plain.reshape(-1)[where % plain.size]
        depart[:history] = depart[rows:]
        from_row += rows
    return Tally(*(grid.gather(part) for part in (tally.left, tally.working, tally.down, tally.blocked)))


def _kits(column: Array, from_row: int, grid: _Grid, arrivals: Array | None) -> None:
    """When the first station's cars of a tile can start: (rows, lanes)."""
    if arrivals is None:
        column[:] = 0.0
        return
    for kind in range(grid.q):
        car, row = grid.first_car(from_row, 0, kind)
        who = slice(kind * grid.lanes, (kind + 1) * grid.lanes)
        wanted = np.arange(car, car + grid.rows // grid.q)
        known = np.clip(wanted, 0, arrivals.shape[1] - 1)
        column[row :: grid.q] = np.where(wanted[:, None] < arrivals.shape[1], arrivals[who, :][:, known].T, np.inf)


def _count(tally: Tally, grid: _Grid, left: Array, start: float, end: float) -> None:
    """Count the cars out of the last station."""
    gone = left[:, -grid.lanes :]
    inside = (gone > start) & (gone <= end)
    tally.left[:, -1] += inside.reshape(-1, grid.q, grid.lanes).sum(axis=0)


def _account(
    tally: Tally,
    stations: Sequence[StationPlan],
    grid: _Grid,
    tiles: tuple[Array, Array, Array, Array | None, Array],
    start: float,
    end: float,
) -> None:
    """Count cars and the seconds at work, down and blocked, for cars that leave a station inside the window."""
    begun, finish, left, work, plain = tiles
    q, lanes = grid.q, grid.lanes
    whole = bool((left[:q] > start).all() and (left[-q:] <= end).all())  # departures rise, so the edges say it all
    calendars = [(i, plan.calendar) for i, plan in enumerate(stations) if plan.calendar is not None]
    if calendars:  # a shop's own time: hours it is shut are neither starved nor blocked
        begun, finish, left_open = begun.copy(), finish.copy(), left.copy()
        for i, calendar in calendars:
            at = slice(i * lanes, (i + 1) * lanes)
            for tile in (begun, finish, left_open):
                tile[:, at] = calendar.open_before(tile[:, at] / 3600.0) * 3600.0
    else:
        left_open = left
    if whole:
        cars: Array | float = float(grid.rows // q)
        ended = grid.by_phase(finish)
        busy, stuck = ended - grid.by_phase(begun), grid.by_phase(left_open) - ended
        did = plain.reshape(q, grid.count, lanes) * cars if work is None else grid.by_phase(work)
    else:
        inside = (left > start) & (left <= end)
        with np.errstate(invalid="ignore"):  # cells before the first car and after the last kit are infinite
            busy = grid.by_phase(np.where(inside, finish - begun, 0.0))
            stuck = grid.by_phase(np.where(inside, left_open - finish, 0.0))
        cars = grid.by_phase(inside.astype(np.float64))
        each = np.tile(plain, (grid.rows // q, 1)) if work is None else work
        did = grid.by_phase(np.where(inside, each, 0.0))
    tally.left += cars
    tally.working += did
    tally.down += busy - did
    tally.blocked += stuck

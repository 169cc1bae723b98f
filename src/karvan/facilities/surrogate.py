"""Fast stand-ins for the line, for ensembles: thousands of draws of the inputs in milliseconds, with a known error.

Two of them. :func:`line_efficiency` is a formula in closed steps (flow decomposition), for any speeds, breakdowns and
buffers, right to a few per cent. :func:`fit_surrogate` is made for one line: it simulates the line at some hundred
draws, bends the formula to them, and measures itself at draws it has not seen.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array, IntArray
from karvan.base.errors import InputError
from karvan.base.streams import latin_hypercube
from karvan.facilities.analytic import _fluid
from karvan.facilities.line import Line

_NAMES = ("cycle_s", "mtbf_min", "mttr_min")
CHECKS, LUCKS = 16, 32
"""Draws at which a fitted stand-in is checked, and replications of each."""
PASSES, SETTLED = 40, 1e-12
"""Most sweeps of the decomposition, and the change of the rate, as a share of it, below which a line has settled."""


def line_efficiency(cycle_s: ArrayLike, mtbf_min: ArrayLike, mttr_min: ArrayLike, buffers: ArrayLike) -> Array:
    """Rate of a line / rate of its slowest station without breakdowns, for many lines at once.

    Dallery, David and Xie (1989), *IEEE Trans. Automatic Control* 34, 943-953: a line in continuous flow as two-machine
    lines with pseudo machines. Stations faster than the slowest are slowed to it and made more available, so that each
    keeps its own rate ``e_i / c_i`` and its repair time ("homogenisation"); a station too fast for that never fails.
    That, and the decomposition, make it optimistic: how much is measured in ``docs/facilities.md``.

    Parameters: seconds and minutes, (..., S) each, more than 0; places (..., S-1), more than 0 (0 counts as half a
    place).

    Returns
    -------
    (...), share of 1.

    >>> float(line_efficiency([60, 60], [240, 240], [10, 10], [10]).round(5))       # simulated: 0.93539
    0.9354
    """
    cycle, up, down = (
        np.asarray(a, dtype=np.float64)
        for a in np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (cycle_s, mtbf_min, mttr_min)))
    )
    count = cycle.shape[-1]
    places = np.asarray(buffers, dtype=np.float64)
    if places.shape[-1:] != (count - 1,) and count > 1:
        raise InputError(f"efficiency: {places.shape[-1:]} buffers for {count} stations found; expected one fewer")
    if not ((cycle > 0) & (up > 0) & (down > 0)).all() or not (places >= 0).all():
        raise InputError("efficiency: expected cycle, MTBF and MTTR above 0, and buffers of 0 or more, everywhere")
    shape = np.broadcast_shapes(cycle.shape[:-1], places.shape[:-1])
    slowest = cycle.max(axis=-1, keepdims=True)
    alone = np.minimum(up / (up + down) * slowest / cycle, 1.0 - 1e-7)
    if count == 1:
        return np.asarray(np.broadcast_to(alone, (*shape, 1))[..., 0])

    def by_station(array: Array, stations: int) -> Array:
        """(S, lines): a station's numbers side by side."""
        wide = np.moveaxis(np.broadcast_to(array, (*shape, stations)), -1, 0)
        return np.ascontiguousarray(wide).reshape(stations, -1)

    # Time in takts of the slowest station: a buffer of b places is b takts of flow.
    repair, alone = by_station(slowest / 60.0 / down, count), by_station(alone, count)
    size = by_station(np.clip(places, 0.5, 1e6), count - 1)
    rate = np.empty_like(size)
    left, pairs = np.arange(size.shape[1]), _Pairs.begin(repair, alone, size)
    for _ in range(PASSES if count > 2 else 0):
        before = pairs.rate.copy()
        pairs.sweep()
        # A line that has settled is done, so that its result does not depend on those beside it.
        moves = np.flatnonzero(np.any(np.abs(pairs.rate - before) > SETTLED * before, axis=0))
        rate[:, left] = pairs.rate
        left, pairs = left[moves], pairs.some(moves)
        if not left.size:
            break
    rate[:, left] = pairs.rate
    mean = np.add.accumulate(rate, axis=0)[-1] / (count - 1)
    return np.asarray(np.clip(mean, 0.0, alone.min(axis=0)).reshape(shape))


@dataclass
class _Pairs:
    """The two-machine lines of a decomposition: one pseudo machine before each buffer and one behind it."""

    repair: Array
    """(S, lines), as ``needed``: repair rates of the stations, and one over what each does alone."""
    needed: Array
    size: Array
    """(S - 1, lines), as all that follow."""
    first_fail: Array
    first_repair: Array
    last_fail: Array
    last_repair: Array
    rate: Array
    starved: Array
    blocked: Array

    @classmethod
    def begin(cls, repair: Array, alone: Array, size: Array) -> "_Pairs":
        """Pseudo machines as the stations beside each buffer are by themselves."""
        fail = repair * (1.0 / alone - 1.0)
        ends = (fail[:-1].copy(), repair[:-1].copy(), fail[1:].copy(), repair[1:].copy())
        out = cls(repair, 1.0 / alone, size, *ends, *(np.empty_like(size) for _ in range(3)))
        for i in range(len(size)):
            out.solve(i)
        return out

    def some(self, lines: IntArray) -> "_Pairs":
        """Some of the lines."""
        if lines.size == self.size.shape[1]:
            return self
        return _Pairs(*(np.ascontiguousarray(getattr(self, part.name)[:, lines]) for part in fields(self)))

    def solve(self, i: int) -> None:
        """The line around buffer ``i``."""
        ends = self.first_fail[i], self.first_repair[i], self.last_fail[i], self.last_repair[i]
        flow = _fluid(*ends, self.size[i], leveled=False)
        self.starved[i], self.blocked[i] = flow.starved, flow.blocked
        self.rate[i] = (1.0 - flow.starved) / (1.0 + self.last_fail[i] / self.last_repair[i])

    def sweep(self) -> None:
        """Once forth and back: what each buffer sees of the line before it, then of the line behind it."""
        rate, needed, repair = self.rate, self.needed, self.repair
        for i in range(1, len(rate)):
            idle = 1 / rate[i - 1] + needed[i] - 2 - self.last_fail[i - 1] / self.last_repair[i - 1]
            idle = np.maximum(idle, 1e-9)
            share = np.minimum(self.starved[i - 1] / (idle * rate[i - 1]), 1.0)
            self.first_repair[i] = self.first_repair[i - 1] * share + repair[i] * (1 - share)
            self.first_fail[i] = idle * self.first_repair[i]
            self.solve(i)
        for i in range(len(rate) - 2, -1, -1):
            idle = 1 / rate[i + 1] + needed[i + 1] - 2 - self.first_fail[i + 1] / self.first_repair[i + 1]
            idle = np.maximum(idle, 1e-9)
            share = np.minimum(self.blocked[i + 1] / (idle * rate[i + 1]), 1.0)
            self.last_repair[i] = self.last_repair[i + 1] * share + repair[i + 1] * (1 - share)
            self.last_fail[i] = idle * self.last_repair[i]
            self.solve(i)


@dataclass(frozen=True)
class Surrogate:
    """The formula of one line, bent to what the line does when simulated. Made by :func:`fit_surrogate`.

    ``rate = nominal x line_efficiency x exp(w0 + w . x)``, with ``x`` the logarithms of speed, MTTR / MTBF and MTTR of
    each station relative to the centre. The formula knows the shape, the fit takes out its optimism. Beyond the range
    of the fit the bend stops growing and the formula goes on alone.
    """

    line: Line
    centre: Array
    """(n,), logarithms at the centre."""
    reach: float
    """Largest distance in logarithms from the centre that was simulated."""
    weights: Array
    """(1 + n,), of the bend: its height at the centre and its slopes."""
    failing: tuple[int, ...]
    """Stations that fail at all."""
    error_rms: float
    """Relative error at draws not used in the fit, root mean square, the luck of the check included."""
    error_max: float
    """The same, largest."""

    def rate(self, cycle_s: ArrayLike, mtbf_min: ArrayLike, mttr_min: ArrayLike) -> Array:
        """Cars per hour, (...), for inputs (..., S) in seconds and minutes. A station that never fails ignores its
        own."""
        cycle, up, down = (
            np.array(each, dtype=np.float64)
            for each in np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (cycle_s, mtbf_min, mttr_min)))
        )
        if cycle.shape[-1] != len(self.line.stations):
            raise InputError(f"surrogate: {cycle.shape[-1]} stations found; expected {len(self.line.stations)}")
        x = np.clip(_logs(cycle, up, down, self.failing) - self.centre, -self.reach, self.reach)
        return np.asarray(_formula(self.line, cycle, up, down, self.failing) * np.exp(_terms(x) @ self.weights))


def fit_surrogate(
    line: Line,
    *,
    spread: float = 0.3,
    hours: float = 1000.0,
    draws: int = 256,
    seed: int = 1,
    warmup_hours: float = 100.0,
) -> Surrogate:
    """Simulate a line at many draws of its inputs, bend the formula to them, and measure it at draws of another luck.

    Parameters: ``spread``, how far inputs may be from the centre, as a share (0.3: from 1/1.3 to 1.3 times; speeds a
    tenth of that); hours and warm-up of each run; draws, at least 4 times the terms of the bend; seed.

    Errors: a line without a station that fails (nothing to fit), too few draws.
    """
    stations = line.stations
    failing = tuple(i for i, s in enumerate(stations) if s.mtbf_min is not None)
    if not failing:
        raise InputError("surrogate: no station of the line ever fails; its rate is line.nominal_per_hour")
    count, fails = len(stations), list(failing)
    width = count + 2 * len(failing)
    if draws < 4 * (1 + width):
        raise InputError(f"surrogate: {draws} draws for {1 + width} terms found; expected at least {4 * (1 + width)}")
    reach = float(np.log1p(spread))
    own = [np.array([getattr(s, name) or 1.0 for s in stations], dtype=np.float64) for name in _NAMES]
    centre = _logs(own[0], own[1], own[2], failing)

    def inputs(name: str, size: int) -> tuple[Array, Array, Array, Array]:
        uniforms = [latin_hypercube(seed, f"surrogate.{name}.{i}", 0, size) for i in range(width)]
        x = (2.0 * np.stack(uniforms, axis=1) - 1.0) * reach
        x[:, :count] *= 0.1  # speeds are known far better than breakdowns
        cycle, up, down = (np.tile(each, (size, 1)) for each in own)
        cycle *= np.exp(-x[:, :count])
        down[:, fails] *= np.exp(x[:, count + len(fails) :])
        up[:, fails] = down[:, fails] * (own[1] / own[2])[fails] / np.exp(x[:, count : count + len(fails)])
        return x, cycle, up, down

    def simulated(cycle: Array, up: Array, down: Array, which: int) -> Array:
        return line.simulate_draws(
            hours, cycle_s=cycle, mtbf_min=up, mttr_min=down, seed=which, warmup_hours=warmup_hours, same_luck=False
        )

    x, cycle, up, down = inputs("fit", draws)
    bend = np.log(simulated(cycle, up, down, seed) / _formula(line, cycle, up, down, failing))
    weights = np.asarray(np.linalg.lstsq(_terms(x), bend, rcond=None)[0])
    # The check: few draws, each simulated with many lucks, none of them those of the fit.
    x, cycle, up, down = inputs("check", CHECKS)
    many = [np.repeat(each, LUCKS, axis=0) for each in (cycle, up, down)]
    truth = simulated(many[0], many[1], many[2], seed + 1).reshape(CHECKS, LUCKS).mean(axis=1)
    error = _formula(line, cycle, up, down, failing) * np.exp(_terms(x) @ weights) / truth - 1.0
    rms, most = float(np.sqrt((error**2).mean())), float(np.abs(error).max())
    return Surrogate(line, centre, reach, weights, failing, rms, most)


def _formula(line: Line, cycle: Array, up: Array, down: Array, failing: tuple[int, ...]) -> Array:
    """Cars per hour by the formula: stations that never fail made so, part-time ones slowed to their mean."""
    fails = np.isin(np.arange(cycle.shape[-1]), failing)
    calendars = [station.calendar for station in line.stations]
    opened = np.array([c.open_hours / c.period_hours if c is not None else 1.0 for c in calendars])
    slowed = cycle * line.mean_factors / opened  # a mix is its mean: what its spread costs is left to the fit
    share = line_efficiency(slowed, np.where(fails, up, 1e9), np.where(fails, down, 1.0), np.array(line.buffers))
    return np.asarray(share * 3600.0 / slowed.max(axis=-1))


def _logs(cycle: Array, up: Array, down: Array, failing: tuple[int, ...]) -> Array:
    fails = list(failing)
    ratio = np.log(down[..., fails] / up[..., fails])
    return np.concatenate([-np.log(cycle), ratio, np.log(down[..., fails])], axis=-1)


def _terms(x: Array) -> Array:
    return np.concatenate([np.ones((*x.shape[:-1], 1)), x], axis=-1)

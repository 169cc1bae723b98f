"""Fast stand-ins for the line, for ensembles: thousands of draws of the inputs in milliseconds, with a known error.

Two of them. :func:`line_efficiency` is a formula in closed steps (flow decomposition), for any speeds, breakdowns and
buffers, right to a few per cent. :func:`fit_surrogate` is made for one line: it runs the line at some hundred draws
that all meet the same luck, fits a surface through them, and measures itself on draws it has not seen.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.base.errors import InputError
from karvan.base.streams import latin_hypercube
from karvan.facilities.analytic import _fluid
from karvan.facilities.line import Line

PASSES = 40
"""Sweeps of the decomposition: a fixed number, so that a draw's result does not depend on its neighbours."""


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
    # Time in takts of the slowest station: a buffer of b places is b takts of flow.
    repair = np.broadcast_to(slowest / 60.0 / down, (*shape, count)).copy()
    alone = np.broadcast_to(alone, (*shape, count))
    if count == 1:
        return np.asarray(alone[..., 0])
    size = np.broadcast_to(np.clip(places, 0.5, 1e6), (*shape, count - 1))
    fail = repair * (1.0 / alone - 1.0)
    first_fail, first_repair = fail[..., :-1].copy(), repair[..., :-1].copy()
    last_fail, last_repair = fail[..., 1:].copy(), repair[..., 1:].copy()
    rate, starved, blocked = (np.empty((*shape, count - 1)) for _ in range(3))

    def solve(i: int) -> None:
        flow = _fluid(first_fail[..., i], first_repair[..., i], last_fail[..., i], last_repair[..., i], size[..., i])
        starved[..., i], blocked[..., i] = flow.starved, flow.blocked
        ratio = last_fail[..., i] / last_repair[..., i]
        rate[..., i] = (1.0 - flow.starved) / (1.0 + ratio)

    for i in range(count - 1):
        solve(i)
    for _ in range(PASSES if count > 2 else 0):
        for i in range(1, count - 1):
            idle = 1 / rate[..., i - 1] + 1 / alone[..., i] - 2 - last_fail[..., i - 1] / last_repair[..., i - 1]
            idle = np.maximum(idle, 1e-9)
            share = np.clip(starved[..., i - 1] / (idle * rate[..., i - 1]), 0.0, 1.0)
            first_repair[..., i] = first_repair[..., i - 1] * share + repair[..., i] * (1 - share)
            first_fail[..., i] = idle * first_repair[..., i]
            solve(i)
        for i in range(count - 3, -1, -1):
            idle = 1 / rate[..., i + 1] + 1 / alone[..., i + 1] - 2 - first_fail[..., i + 1] / first_repair[..., i + 1]
            idle = np.maximum(idle, 1e-9)
            share = np.clip(blocked[..., i + 1] / (idle * rate[..., i + 1]), 0.0, 1.0)
            last_repair[..., i] = last_repair[..., i + 1] * share + repair[..., i + 1] * (1 - share)
            last_fail[..., i] = idle * last_repair[..., i]
            solve(i)
    return np.asarray(np.clip(rate.mean(axis=-1), 0.0, alone.min(axis=-1)))


@dataclass(frozen=True)
class Surrogate:
    """A surface through simulated rates of one line. Made by :func:`fit_surrogate`.

    ``ln rate = quadratic in x``, with ``x`` the logarithms of speed, MTTR / MTBF and MTTR of each station relative to
    the centre. Not for use beyond the range it was made on: inputs outside are pulled to its edge.
    """

    centre: Array
    """(n,), logarithms at the centre."""
    reach: float
    """Largest distance in logarithms from the centre that was simulated."""
    weights: Array
    """(terms,), of the quadratic."""
    stations: int
    failing: tuple[int, ...]
    """Stations that fail at all."""
    error_rms: float
    """Relative error on draws not used in the fit, root mean square."""
    error_max: float
    """The same, largest."""

    def rate(self, cycle_s: ArrayLike, mtbf_min: ArrayLike, mttr_min: ArrayLike) -> Array:
        """Cars per hour, (...), for inputs (..., S) in seconds and minutes. A station that never fails ignores its own.

        About 1 microsecond a draw.
        """
        x = np.clip(self._logs(cycle_s, mtbf_min, mttr_min) - self.centre, -self.reach, self.reach)
        return np.asarray(np.exp(_terms(x) @ self.weights))

    def _logs(self, cycle_s: ArrayLike, mtbf_min: ArrayLike, mttr_min: ArrayLike) -> Array:
        cycle, up, down = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (cycle_s, mtbf_min, mttr_min)))
        fails = list(self.failing)
        return np.concatenate(
            [-np.log(cycle), np.log(down[..., fails] / up[..., fails]), np.log(down[..., fails])], axis=-1
        )


def fit_surrogate(
    line: Line,
    *,
    spread: float = 0.3,
    hours: float = 2000.0,
    draws: int = 400,
    seed: int = 1,
    warmup_hours: float = 100.0,
) -> Surrogate:
    """Simulate a line at many draws with the same luck, fit a quadratic surface, and measure it on a quarter held back.

    Parameters: ``spread``, how far inputs may be from the centre, as a share (0.3: from 1/1.3 to 1.3 times; speeds a
    tenth of that); hours and warm-up of each run; draws, at least 3 times the terms of the quadratic; seed.

    Errors: a line without a station that fails (nothing to fit), too few draws.
    """
    stations = line.stations
    failing = tuple(i for i, s in enumerate(stations) if s.mtbf_min is not None)
    if not failing:
        raise InputError("surrogate: no station of the line ever fails; its rate is line.nominal_per_hour")
    count, fails = len(stations), list(failing)
    width = count + 2 * len(failing)
    terms = 1 + width + width * (width + 1) // 2
    if draws < 3 * terms:
        raise InputError(f"surrogate: {draws} draws for {terms} terms found; expected at least {3 * terms}")
    reach = float(np.log1p(spread))
    uniforms = np.stack([latin_hypercube(seed, f"surrogate.{i}", 0, draws) for i in range(width)], axis=1)
    x = (2.0 * uniforms - 1.0) * reach
    x[:, :count] *= 0.1  # speeds are known far better than breakdowns
    centre_cycle = np.array([s.cycle_s for s in stations], dtype=np.float64)
    up = np.array([float(s.mtbf_min or 1.0) for s in stations])
    down = np.array([float(s.mttr_min or 1.0) for s in stations])
    cycle = centre_cycle * np.exp(-x[:, :count])
    mtbf, mttr = np.tile(up, (draws, 1)), np.tile(down, (draws, 1))
    mttr[:, fails] *= np.exp(x[:, count + len(fails) :])
    mtbf[:, fails] = mttr[:, fails] / (down[fails] / up[fails] * np.exp(x[:, count : count + len(fails)]))
    rate = line.simulate_draws(
        hours, cycle_s=cycle, mtbf_min=mtbf, mttr_min=mttr, seed=seed, warmup_hours=warmup_hours, same_luck=True
    )
    kept = np.arange(draws) % 4 != 3
    design = _terms(x)
    weights = np.linalg.lstsq(design[kept], np.log(rate[kept]), rcond=None)[0]
    error = np.exp(design[~kept] @ weights) / rate[~kept] - 1.0
    # All draws met one luck, so the surface is high or low as a whole: hang it on the mean of many lucks at the centre.
    anchor = line.simulate(hours, 64, seed, warmup_hours, shares=False).throughput_per_hour.mean()
    weights[0] = np.log(anchor)
    centre = np.concatenate([-np.log(centre_cycle), np.log(down[fails] / up[fails]), np.log(down[fails])])
    return Surrogate(
        centre,
        reach,
        np.asarray(weights),
        count,
        failing,
        float(np.sqrt((error**2).mean())),
        float(np.abs(error).max()),
    )


def _terms(x: Array) -> Array:
    """1, each x, and each product of two, (..., terms)."""
    first, second = np.triu_indices(x.shape[-1])
    return np.concatenate([np.ones((*x.shape[:-1], 1)), x, x[..., first] * x[..., second]], axis=-1)

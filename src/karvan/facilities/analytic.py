"""Closed forms and decompositions of production lines: independent checks of the simulation, and fast enough to search.

Letters: ``p`` (slots) or ``lambda`` (flow) the failure rate while working, ``r`` or ``mu`` the repair rate, ``e =
r/(r+p)`` the availability alone, ``N`` the size of a buffer. Each model counts its buffer in its own way, said in its
docstring; the simulation (:class:`karvan.facilities.Line`) counts places between stations without the car in service.
Exact Markov chains of small lines are in :mod:`karvan.facilities.chains`.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.base.errors import InputError


@dataclass(frozen=True)
class TwoMachines:
    """A line of two machines and one buffer, in the long run."""

    throughput: float
    """Cars per slot, or per unit of time."""
    level: float
    """Mean content of the buffer, in the model's own count."""
    blocked: float
    """Probability that the first machine is up and the buffer full."""
    starved: float
    """Probability that the second machine is up and the buffer empty."""


@dataclass(frozen=True)
class LongLine:
    """A line of K machines, in the long run, by decomposition or aggregation."""

    throughput: float
    """Cars per slot."""
    levels: Array
    """(K-1,), mean content of the buffers; nan where the method does not give it."""
    blocked: Array
    """(K,), probability that machine i is up and blocked; the last is 0."""
    starved: Array
    """(K,), probability that machine i is up and starved; the first is 0."""
    iterations: int


@dataclass(frozen=True)
class Rate:
    """A throughput that comes without anything else."""

    throughput: float
    """Share of the rate of the slowest machine, unless the function says otherwise."""


def two_machine_slotted(p1: float, r1: float, p2: float, r2: float, N: int) -> TwoMachines:
    """Two machines in slots, one car a slot, failures only while working: the exact solution.

    ``P(n, a1, a2) = X^n Y1^a1 Y2^a2`` inside, with boundary terms; Gershwin (1987), *Operations Research* 35, 291-305,
    after Buzacott. Machines change state first, then cars move; ``N`` is Gershwin's count: it includes the car in the
    second machine. The two ways to the rate, ``e1 (1 - blocked) = e2 (1 - starved)``, are held to agree.

    Parameters: failure and repair probabilities per slot, each in (0, 1); ``N``, 4 or more.

    >>> result = two_machine_slotted(0.01, 0.1, 0.01, 0.1, 10)
    >>> round(result.throughput, 8), round(result.level, 6)
    (0.85617493, 5.0)
    """
    for name, value in (("p1", p1), ("r1", r1), ("p2", p2), ("r2", r2)):
        if not 0.0 < value < 1.0:
            raise InputError(f"two machines: {name} is {value:g}; expected a probability per slot between 0 and 1")
    if N < 4:
        raise InputError(f"two machines: N is {N}; the closed form needs 4 or more")
    a = r1 + r2 - r1 * r2 - r1 * p2
    b = r1 + r2 - r1 * r2 - p1 * r2
    c = p1 + p2 - p1 * p2 - r1 * p2
    d = p1 + p2 - p1 * p2 - p1 * r2
    y1, y2 = a / d, b / c
    x = y2 / y1
    # Powers relative to X^(N-1) where X > 1, so that a large buffer does not overflow.
    shift = float(N - 1) if x > 1.0 else 0.0

    def power(n: float) -> float:
        return float(x ** (n - shift))

    inside = np.arange(2, N - 1, dtype=np.float64)
    weights = x ** (inside - shift) * (1.0 + y1) * (1.0 + y2)
    empty = power(1.0) * a / (r1 * p2)  # P(0,0,1)
    one = power(1.0) * (1.0 + y2 + a / (c * p2))  # P(1,0,0) + P(1,0,1) + P(1,1,1)
    last = power(N - 1.0) * (1.0 + y1 + b / (d * p1))  # P(N-1,0,0) + P(N-1,1,0) + P(N-1,1,1)
    full = power(N - 1.0) * b / (p1 * r2)  # P(N,1,0)
    total = float(weights.sum()) + empty + one + last + full
    level = (float((inside * weights).sum()) + one + (N - 1) * last + N * full) / total
    starved, blocked = empty / total, full / total
    return TwoMachines(_agreed(r1 / (r1 + p1) * (1 - blocked), r2 / (r2 + p2) * (1 - starved)), level, blocked, starved)


def two_machine_fluid(
    lambda1: float, mu1: float, lambda2: float, mu2: float, N: float, *, speed: float = 1.0
) -> TwoMachines:
    """Two machines of equal speed in continuous flow, exponential up and repair times, failures only while working.

    Gershwin and Schick (1980), LIDS, MIT: an exponential density between two walls of mass. With a fixed takt and
    blocking after service, a line with ``b`` places between behaves as ``N = b``.

    Parameters: rates per unit of time, more than 0; ``N``, content of the buffer, more than 0; speed, cars per unit of
    time.

    >>> round(two_machine_fluid(1 / 240, 1 / 10, 1 / 240, 1 / 10, 10).throughput, 6)    # takt 1, MTBF 240, MTTR 10
    0.935398
    """
    for name, value in (("lambda1", lambda1), ("mu1", mu1), ("lambda2", lambda2), ("mu2", mu2), ("speed", speed)):
        if not 0.0 < value < np.inf:
            raise InputError(f"two machines: {name} is {value:g}; expected a rate above 0, and finite")
    if not 0.0 < N < np.inf:
        raise InputError(f"two machines: N is {N:g}; expected a buffer of more than 0, and finite")
    result = _fluid(*(np.asarray(v, dtype=np.float64) for v in (lambda1, mu1, lambda2, mu2, N / speed)))
    e1, e2 = mu1 / (mu1 + lambda1), mu2 / (mu2 + lambda2)
    blocked, starved = float(result.blocked), float(result.starved)
    rate = _agreed(e1 * (1 - blocked), e2 * (1 - starved)) * speed
    return TwoMachines(rate, float(result.level) * speed, blocked, starved)


@dataclass(frozen=True)
class _Flow:
    level: Array
    blocked: Array
    starved: Array


def _fluid(l1: Array, m1: Array, l2: Array, m2: Array, size: Array, *, leveled: bool = True) -> _Flow:
    """Two-machine flow at speed 1, elementwise over arrays of one shape; ``size`` in units of time.

    Without ``leveled`` the level is left out (nan): a decomposition asks for the rest a hundred times.
    """
    s, t = m1 + m2, l1 + l2
    y = s / t
    g = (m1 * l2 - m2 * l1) * (1.0 / t + 1.0 / s)
    # Everything relative to e^{gN} where that is large.
    exponent = g * size
    far = np.abs(exponent)
    lower, rises = np.exp(-far), exponent > 0.0
    low_wall, high_wall = np.where(rises, lower, 1.0), np.where(rises, 1.0, lower)
    small = far < 1e-6
    safe = np.where(small, 1.0, g)
    mass = np.where(small, size, (high_wall - low_wall) / safe)
    inside = (1.0 + y) ** 2
    empty, empty_working = low_wall * s / (m1 * l2), low_wall * y / l2
    full, full_working = high_wall * s / (l1 * m2), high_wall * y / l1
    total = inside * mass + empty + empty_working + full + full_working
    if not leveled:
        return _Flow(np.full_like(total, np.nan), full / total, empty / total)
    moment = np.where(small, size**2 / 2.0, (size * high_wall) / safe - (high_wall - low_wall) / safe**2)
    level = (inside * moment + size * (full + full_working)) / total
    return _Flow(level, full / total, empty / total)


def _agreed(first: float, second: float) -> float:
    """The rate seen from both machines; a difference means numbers too extreme for the formula."""
    if not abs(first - second) <= 1e-6 * max(first, second):
        raise InputError(
            f"two machines: the rate is {first:.9g} seen from the first and {second:.9g} from the second; "
            "the numbers are too extreme for the closed form, expected rates within about 1e6 of each other"
        )
    return 0.5 * (first + second)


def ddx(p: ArrayLike, r: ArrayLike, N: ArrayLike, *, tolerance: float = 1e-10, max_iterations: int = 2000) -> LongLine:
    """A long line in slots by decomposition into two-machine lines with pseudo machines.

    Dallery, David and Xie (1988), *IIE Transactions* 20, 280-283, on Gershwin's equations: forward and backward passes
    until all pairs make the same rate. Optimistic: against exact chains +0.04 to +0.08 % at three machines, more on
    longer lines; good for search, not for the answer.

    Parameters: ``p``, ``r`` (K,), probabilities per slot, K of 2 or more; ``N`` (K-1,), Gershwin's count, 4 or more.

    >>> round(ddx([0.01] * 3, [0.1] * 3, [10, 10]).throughput, 8)       # the exact chain gives 0.81913708
    0.81982949
    """
    fail, repair = np.asarray(p, dtype=np.float64), np.asarray(r, dtype=np.float64)
    sizes = np.asarray(N, dtype=np.int64)
    count = len(fail)
    if count < 2 or repair.shape != (count,) or sizes.shape != (count - 1,):
        raise InputError(
            f"ddx: {count} failure and {repair.size} repair probabilities and {sizes.size} buffers found; "
            "expected K, K and K - 1, with K of 2 or more"
        )
    if not ((fail > 0) & (fail < 1) & (repair > 0) & (repair < 1)).all():
        raise InputError("ddx: expected failure and repair probabilities between 0 and 1")
    e = repair / (repair + fail)
    pu, ru, pd, rd = fail[:-1].copy(), repair[:-1].copy(), fail[1:].copy(), repair[1:].copy()
    pairs = [two_machine_slotted(pu[i], ru[i], pd[i], rd[i], int(sizes[i])) for i in range(count - 1)]

    def solve(i: int) -> None:
        pairs[i] = two_machine_slotted(pu[i], ru[i], pd[i], rd[i], int(sizes[i]))

    passes = 0
    for passes in range(1, max_iterations + 1):  # noqa: B007 - the count is part of the result
        for i in range(1, count - 1):
            ratio = 1 / pairs[i - 1].throughput + 1 / e[i] - 2 - pd[i - 1] / rd[i - 1]
            x = pairs[i - 1].starved / (ratio * pairs[i - 1].throughput)
            ru[i] = ru[i - 1] * x + repair[i] * (1 - x)
            pu[i] = ratio * ru[i]
            solve(i)
        for i in range(count - 3, -1, -1):
            ratio = 1 / pairs[i + 1].throughput + 1 / e[i + 1] - 2 - pu[i + 1] / ru[i + 1]
            y = pairs[i + 1].blocked / (ratio * pairs[i + 1].throughput)
            rd[i] = rd[i + 1] * y + repair[i + 1] * (1 - y)
            pd[i] = ratio * rd[i]
            solve(i)
        rates = [pair.throughput for pair in pairs]
        if max(rates) - min(rates) <= tolerance:
            break
    else:
        raise InputError(
            f"ddx: pairs differ by {max(rates) - min(rates):.2g} after {max_iterations} passes; simulate it"
        )
    return LongLine(
        float(np.mean(rates)),
        np.array([pair.level for pair in pairs]),
        np.array([*(pair.blocked for pair in pairs), 0.0]),
        np.array([0.0, *(pair.starved for pair in pairs)]),
        passes,
    )


def bernoulli_line(p: ArrayLike, N: ArrayLike, *, iterations: int = 2000) -> LongLine:
    """A line of machines that are up in a slot with probability ``p``, by recursive aggregation.

    ``Q(x, y, N) = (1-x)(1-a) / (1 - (x/y) a^N)``, ``a = x(1-y) / (y(1-x))``; backward ``pb_i = p_i (1 - Q(pb_{i+1},
    pf_i, N_i))``, forward ``pf_i = p_i (1 - Q(pf_{i-1}, pb_i, N_{i-1}))``; the rate is ``pf_M = pb_1``. Li and Meerkov
    (2009), *Production Systems Engineering*, ch. 4. Blocked before service; exact for two machines.

    Parameters: ``p`` (M,), probability of being up in a slot, in (0, 1); ``N`` (M-1,), places, 1 or more.

    >>> round(bernoulli_line([0.9, 0.9, 0.9], [2, 2]).throughput, 8)
    0.8320155
    """
    up, sizes = np.asarray(p, dtype=np.float64), np.asarray(N, dtype=np.float64)
    count = len(up)
    if count < 2 or sizes.shape != (count - 1,):
        raise InputError(
            f"bernoulli: {count} machines and {sizes.size} buffers found; expected M and M - 1, M at least 2"
        )
    if not ((up > 0) & (up < 1)).all() or not (sizes >= 1).all():
        raise InputError("bernoulli: expected probabilities between 0 and 1, and buffers of 1 or more")

    def q(x: float, y: float, n: float) -> float:
        if abs(x - y) < 1e-12:
            return (1 - x) / (n + 1 - x)
        a = x * (1 - y) / (y * (1 - x))
        return float((1 - x) * (1 - a) / (1 - (x / y) * a**n))

    back, front = up.copy(), up.copy()
    step = 0
    for step in range(1, iterations + 1):  # noqa: B007 - the count is part of the result
        for i in range(count - 2, -1, -1):
            back[i] = up[i] * (1 - q(back[i + 1], front[i], sizes[i]))
        for i in range(1, count):
            front[i] = up[i] * (1 - q(front[i - 1], back[i], sizes[i - 1]))
        if abs(front[-1] - back[0]) < 1e-13:
            break
    starved = np.array([0.0, *(up[i] * q(front[i - 1], back[i], sizes[i - 1]) for i in range(1, count))])
    blocked = np.array([*(up[i] * q(back[i + 1], front[i], sizes[i]) for i in range(count - 1)), 0.0])
    return LongLine(float(front[-1]), np.full(count - 1, np.nan), blocked, starved, step)


def zero_buffer(mtbf: ArrayLike, mttr: ArrayLike, failures: Literal["working", "clock"] = "working") -> Rate:
    """A paced line with no places between its stations, that stops as a whole.

    Failures while working: ``1 / (1 + sum MTTR_i / MTBF_i)``; Buzacott (1967), *Int. J. Prod. Res.* 5, 183-200. On
    clock time: ``prod MTBF_i / (MTBF_i + MTTR_i)``. The lower bound of every line with buffers.

    Parameters: mean times between failures and to repair (K,), in one unit, more than 0.

    >>> round(zero_buffer([200] * 20, [10.5] * 20).throughput, 3)
    0.488
    """
    up, down = _times(mtbf, mttr)
    if failures == "working":
        return Rate(float(1.0 / (1.0 + (down / up).sum())))
    return Rate(float(np.prod(up / (up + down))))


def infinite_buffer(mtbf: ArrayLike, mttr: ArrayLike, cycle: ArrayLike = 1.0) -> Rate:
    """A line whose buffers never fill: ``min e_i / c_i``, cars per unit of time. The upper bound of every line.

    >>> round(infinite_buffer([240, 300], [10, 15]).throughput, 4)
    0.9524
    """
    up, down = _times(mtbf, mttr)
    return Rate(float((up / (up + down) / np.asarray(cycle, dtype=np.float64)).min()))


def two_stage_transfer(
    cycle: float,
    failures_per_cycle: float,
    repair: float,
    places: int,
    kind: Literal["constant", "geometric"] = "constant",
) -> Rate:
    """A transfer line of two like stages with a buffer between: share of time it makes cars.

    ``E = E0 + D1 h(b) E2`` with ``E0 = Tc/(Tc + 2 F Td)``, ``D1 = F Td/(Tc + 2 F Td)``, ``E2 = Tc/(Tc + F Td)``.
    Constant repair: ``b = B Td/Tc + L``, ``h = B/(B+1) + L (Tc/Td) / ((B+1)(B+2))``; geometric: ``h = (b Tc/Td) / (2 +
    (b-1) Tc/Td)``. Buzacott, as in Groover, *Automation, Production Systems and Computer-Integrated Manufacturing*, ch.
    16. Stages that fail at different rates are not covered: use :class:`karvan.facilities.Line`.

    >>> round(two_stage_transfer(1.2, 0.05, 8.0, 10).throughput, 4)
    0.6875
    """
    if not (cycle > 0 and failures_per_cycle > 0 and repair > 0 and places >= 0):
        raise InputError("two stages: expected cycle, failures per cycle and repair above 0, and 0 or more places")
    lost = failures_per_cycle * repair
    whole = cycle + 2 * lost
    ratio = cycle / repair
    if kind == "constant":
        number, rest = divmod(places * ratio, 1.0)
        rest /= ratio  # back to places
        share = number / (number + 1) + rest * ratio / ((number + 1) * (number + 2))
    else:
        share = places * ratio / (2 + (places - 1) * ratio)
    return Rate(cycle / whole + lost / whole * share * cycle / (cycle + lost))


def _times(mtbf: ArrayLike, mttr: ArrayLike) -> tuple[Array, Array]:
    up, down = np.broadcast_arrays(np.asarray(mtbf, dtype=np.float64), np.asarray(mttr, dtype=np.float64))
    if up.size == 0 or not ((up > 0) & (down > 0) & np.isfinite(down)).all():
        raise InputError("line: expected an MTBF and an MTTR above 0 for every station")
    return up, down

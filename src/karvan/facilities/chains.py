"""Small lines solved exactly as Markov chains: the judge of every approximation, and of the simulation.

Each model lists its states by walking from an empty line, and solves ``pi P = pi`` (slots) or ``pi Q = 0`` (time) as
one dense linear system. The number of states grows with the product of the buffers: meant for two to five stations.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product

import numpy as np

from karvan.base.axes import Array
from karvan.base.errors import InputError

LIMIT = 4000
"""States a chain may have; beyond, memory and time grow too fast, and simulation is the better tool."""

State = tuple[int, ...]
Moves = Callable[[State], Iterable[tuple[State, float]]]


@dataclass(frozen=True)
class ChainResult:
    """A line in the long run, exactly."""

    throughput: float
    """Cars per slot, or per unit of time."""
    levels: Array
    """(K-1,), mean content of the buffers, in the model's own count."""
    states: int


def _solve(first: State, moves: Moves, *, time: bool) -> tuple[list[State], Array]:
    """States that recur and their probabilities."""
    index: dict[State, int] = {first: 0}
    order = [first]
    rows: list[int] = []
    columns: list[int] = []
    rates: list[float] = []
    for state in order:  # grows while it is walked
        here = index[state]
        for after, rate in moves(state):
            if rate > 0.0:
                if after not in index:
                    index[after] = len(order)
                    order.append(after)
                    if len(order) > LIMIT:
                        raise InputError(f"chain: more than {LIMIT} states; expected a smaller line, or simulate it")
                rows.append(here)
                columns.append(index[after])
                rates.append(rate)
    size = len(order)
    matrix = np.zeros((size, size))
    np.add.at(matrix, (columns, rows), rates)
    if time:
        matrix[np.diag_indices(size)] -= matrix.sum(axis=0)
    else:
        matrix[np.diag_indices(size)] -= 1.0
    matrix[-1] = 1.0  # one balance equation is spare; the probabilities add up to 1
    right = np.zeros(size)
    right[-1] = 1.0
    return order, np.asarray(np.linalg.solve(matrix, right))


def _check(name: str, count: int, sizes: list[int], *, least: int, **rates: list[float]) -> None:
    if count < 2 or len(sizes) != count - 1 or any(len(values) != count for values in rates.values()):
        raise InputError(
            f"{name}: {count} stations and {len(sizes)} buffers found; expected K and K - 1, with K at least 2"
        )
    if min(sizes) < least:
        raise InputError(f"{name}: buffer {min(sizes)} found; expected {least} or more")
    for what, values in rates.items():
        if not all(0.0 < value < np.inf for value in values):
            raise InputError(f"{name}: {what} {values} found; expected more than 0, and finite")


def exponential_line(rates: list[float], buffers: list[int]) -> ChainResult:
    """Exponential stations that never fail, blocking after service, endless supply (Hunt 1956, *Oper. Res.* 4,
    674-683).

    Parameters: service rates (K,), per unit of time; places (K-1,) between stations, not counting the car in service.
    Levels count the cars in those places.

    >>> round(exponential_line([1, 1, 1], [0, 0]).throughput * 39, 9)       # 22/39
    22.0
    """
    count = len(rates)
    _check("exponential line", count, buffers, least=0, rates=rates)
    # State: cars waiting in the K-1 buffers, then what each station does: 0 empty, 1 working, 2 blocked with its car.
    gaps = count - 1
    empty, working, blocked = 0, 1, 2

    def settle(waiting: list[int], doing: list[int]) -> State:
        moved = True
        while moved:  # a car that moves on may free the one behind it
            moved = False
            if doing[0] == empty:
                doing[0], moved = working, True
            for i in range(gaps):
                if doing[i + 1] == empty and waiting[i] > 0:
                    waiting[i], doing[i + 1], moved = waiting[i] - 1, working, True
                elif doing[i + 1] == empty and doing[i] == blocked:
                    doing[i], doing[i + 1], moved = empty, working, True
                elif doing[i] == blocked and waiting[i] < buffers[i]:
                    waiting[i], doing[i], moved = waiting[i] + 1, empty, True
        return (*waiting, *doing)

    def moves(state: State) -> Iterable[tuple[State, float]]:
        for i in range(count):
            if state[gaps + i] == working:
                doing = list(state[gaps:])
                doing[i] = blocked if i < gaps else empty
                yield settle(list(state[:gaps]), doing), rates[i]

    states, chance = _solve(settle([0] * gaps, [empty] * count), moves, time=True)
    busy = sum(float(c) for s, c in zip(states, chance, strict=True) if s[-1] == working)
    return ChainResult(busy * rates[-1], _levels(states, chance, gaps), len(states))


def exponential_unreliable(rates: list[float], failure: list[float], repair: list[float], N: list[int]) -> ChainResult:
    """Exponential stations that fail only while working, blocked before service (Gershwin and Berman 1981, *AIIE* 13,
    2-11).

    Parameters: service, failure and repair rates (K,); ``N`` (K-1,), places counting the car in service downstream.

    >>> round(exponential_unreliable([1, 1], [0.01, 0.01], [0.1, 0.1], [10]).throughput, 8)
    0.78592114
    """
    count, gaps = len(rates), len(rates) - 1
    _check("unreliable line", count, N, least=1, rates=rates, failure=failure, repair=repair)

    def free(state: State, i: int) -> bool:
        return (i == 0 or state[i - 1] > 0) and (i == gaps or state[i] < N[i])

    def moves(state: State) -> Iterable[tuple[State, float]]:
        for i in range(count):
            new = list(state)
            if not state[gaps + i]:
                new[gaps + i] = 1
                yield tuple(new), repair[i]
            elif free(state, i):
                new[gaps + i] = 0
                yield tuple(new), failure[i]
                new = list(state)
                if i > 0:
                    new[i - 1] -= 1
                if i < gaps:
                    new[i] += 1
                yield tuple(new), rates[i]

    states, chance = _solve((0,) * gaps + (1,) * count, moves, time=True)
    busy = (float(c) for s, c in zip(states, chance, strict=True) if s[-1] and free(s, gaps))
    return ChainResult(sum(busy) * rates[-1], _levels(states, chance, gaps), len(states))


def slotted_line(p: list[float], r: list[float], N: list[int]) -> ChainResult:
    """One car a slot, failures only while working: the model of :func:`~karvan.facilities.two_machine_slotted`, any
    length.

    Machines change state first, then cars move; starved and blocked are judged at the start of the slot. ``N`` (K-1,)
    in Gershwin's count (1987, *Oper. Res.* 35, 291-305).

    >>> round(slotted_line([0.01, 0.01], [0.1, 0.1], [10]).throughput, 8)
    0.85617493
    """
    count, gaps = len(p), len(p) - 1
    _check("slotted line", count, N, least=1, p=p, r=r)

    def free(state: State, i: int) -> bool:
        return (i == 0 or state[i - 1] > 0) and (i == gaps or state[i] < N[i])

    def moves(state: State) -> Iterable[tuple[State, float]]:
        can = [free(state, i) for i in range(count)]
        up = [1.0 - p[i] * can[i] if state[gaps + i] else r[i] for i in range(count)]
        for after in product((0, 1), repeat=count):
            chance = 1.0
            for i, a in enumerate(after):
                chance *= up[i] if a else 1.0 - up[i]
            if chance > 0.0:
                done = [after[i] and can[i] for i in range(count)]
                yield (*(state[i] + done[i] - done[i + 1] for i in range(gaps)), *after), chance

    states, chance = _solve((0,) * gaps + (1,) * count, moves, time=False)
    made = 0.0
    for state, c in zip(states, chance, strict=True):
        if free(state, gaps):
            made += float(c) * (1.0 - p[-1] if state[-1] else r[-1])
    return ChainResult(made, _levels(states, chance, gaps), len(states))


def bernoulli_chain(p: list[float], N: list[int]) -> ChainResult:
    """Machines up in a slot with probability ``p`` whatever happened before: the model of bernoulli_line, exactly.

    Blocked before service: machine ``i`` waits if buffer ``i`` is full at the start of the slot and machine ``i + 1``
    takes no car (Li and Meerkov 2009, *Production Systems Engineering*, ch. 4). ``N`` (M-1,), places.

    >>> round(bernoulli_chain([0.9, 0.9, 0.9], [2, 2]).throughput, 8)
    0.83188727
    """
    count, gaps = len(p), len(p) - 1
    _check("bernoulli chain", count, N, least=1, p=p)
    if max(p) >= 1.0:
        raise InputError("bernoulli chain: expected probabilities between 0 and 1")

    def moves(state: State) -> Iterable[tuple[State, float]]:
        for up in product((0, 1), repeat=count):
            chance = 1.0
            for i, a in enumerate(up):
                chance *= p[i] if a else 1.0 - p[i]
            takes = [0] * count
            for i in range(gaps, -1, -1):
                room = i == gaps or state[i] < N[i] or takes[i + 1]
                takes[i] = int(bool(up[i]) and (i == 0 or state[i - 1] > 0) and bool(room))
            yield tuple(state[i] + takes[i] - takes[i + 1] for i in range(gaps)), chance

    states, chance = _solve((0,) * gaps, moves, time=False)
    made = sum(float(c) for s, c in zip(states, chance, strict=True) if s[-1] > 0) * p[-1]
    return ChainResult(made, _levels(states, chance, gaps), len(states))


def _levels(states: list[State], chance: Array, gaps: int) -> Array:
    return np.asarray(np.array([state[:gaps] for state in states], dtype=np.float64).T @ chance)

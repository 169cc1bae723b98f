"""Who computes the blocks: this process, other processes, or a Dask cluster. One code path over ``concurrent.futures``.

A piece of work is one block of draws of one scenario. Pieces are computed in any order by anybody and handed over in
their own order, so that engine, number of workers and order of completion leave no trace in the results. Only a few
pieces are under way at a time: memory does not grow with the number of draws.
"""

import os
import pickle
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Lock
from typing import Any, TypeVar

from karvan._version import __version__
from karvan.base.errors import InputError, KarvanError
from karvan.futures.inputs import Prepared, prepare
from karvan.futures.parcels import pack, unpack
from karvan.futures.processes import Crew, crew, crew_waits
from karvan.futures.sample import LHS, Sampling
from karvan.futures.yearloop import Block, run_block
from karvan.study.load import Study

HERE, PROCESSES = "here", "processes"
IN_PROCESS = 2
"""Pieces up to which a run stays in this process: starting others costs more than it saves."""

T = TypeVar("T")


class EngineFault(KarvanError):
    """The engine cannot be reached or has lost a worker; the text says which and what to do."""


@dataclass(frozen=True)
class Task:
    """What all pieces of a run have in common."""

    study: Study
    first: int
    last: int
    seed: int
    income_as_of: str | None = "study"
    sampling: Sampling = LHS


@dataclass(frozen=True)
class Piece:
    """One block of draws of one scenario."""

    scenario: str
    number: int
    size: int
    swap: frozenset[str] = frozenset()
    """Names taken from the second sample of a Saltelli design."""


Finish = Callable[[Prepared, Piece, Block], T]
"""What is made of a block where it is computed, so that only what is wanted travels. Must be importable by others."""


@dataclass
class Worker:
    """A task together with what was prepared for its scenarios."""

    task: Task
    prepared: dict[str, Prepared] = field(default_factory=dict)

    def prepare(self, scenario: str) -> Prepared:
        """What does not depend on the draws; made once."""
        if scenario not in self.prepared:
            from threadpoolctl import threadpool_limits

            task = self.task
            with threadpool_limits(limits=1):
                self.prepared[scenario] = prepare(
                    task.study, scenario, task.first, task.last, income_as_of=task.income_as_of
                )
        return self.prepared[scenario]

    def run(self, piece: Piece, finish: Finish[T]) -> T:
        """Compute a piece."""
        prepared = self.prepare(piece.scenario)
        task = self.task
        block = run_block(prepared, task.seed, piece.number, piece.size, task.sampling, piece.swap)
        return finish(prepared, piece, block)

    def pilot(self, scenario: str) -> Prepared:
        """What was prepared, after two draws: then it knows which cells and streams its run asks for."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(limits=1):
            self.run(Piece(scenario, 0, 2), whole)
        return self.prepared[scenario]


def whole(prepared: Prepared, piece: Piece, block: Block) -> Block:
    """The block as it is."""
    return block


def run_pieces(
    worker: Worker,
    pieces: Iterable[Piece],
    finish: Finish[T],
    *,
    engine: str = PROCESSES,
    workers: int | None = None,
    executor: Executor | None = None,
) -> Iterator[T]:
    """What ``finish`` makes of every piece, in the order of the pieces.

    Parameters
    ----------
    engine : ``here`` (this process), ``processes`` (others on this machine), or the address of a Dask scheduler.
    workers : processes; left out, as many as there are processors, and for two pieces or fewer none but those that wait
        (:mod:`karvan.futures.processes`).
    executor : one that is at hand already; then ``engine`` is not used.

    Errors: :class:`InputError` for an unknown engine; :class:`EngineFault` if a cluster cannot be reached, runs other
    versions, or a worker dies.
    """
    listed = list(pieces)
    if executor is None and "://" not in engine and engine not in (HERE, PROCESSES):
        raise InputError(
            f"unknown engine '{engine}'; expected {HERE}, {PROCESSES} or a Dask address such as tcp://host:8786"
        )
    count = min(workers if workers is not None else os.cpu_count() or 1, len(listed))
    few = workers is None and len(listed) <= IN_PROCESS and not crew_waits(count - 1)
    local = engine == PROCESSES and (count <= 1 or few)
    if executor is None and (engine == HERE or local):
        yield from _here(worker, listed, finish)
        return
    with ExitStack() as stack:
        others = None
        if executor is None and engine == PROCESSES:
            # This process is one of the workers: another in its place would cost a start, and every result a journey.
            # Those that have to start do so while the scenarios are prepared here.
            others = stack.enter_context(crew(count - 1))
        payload, digest = _packed(worker, listed)
        if others is not None:
            yield from _shared(others, payload, digest, worker, listed, finish, count - 1)
            return
        handle: Any = payload
        if executor is None:
            executor, handle, count = _cluster(stack, engine, payload)
        yield from _ordered(executor, handle, digest, listed, finish, 2 * max(count, 1))


def _packed(worker: Worker, pieces: list[Piece]) -> tuple[bytes, str]:
    """The worker with the scenarios of its pieces prepared, so that others need not, as bytes; a digest of them."""
    for scenario in sorted({piece.scenario for piece in pieces}):
        worker.prepare(scenario)
    payload = pickle.dumps(worker)
    return payload, sha256(payload).hexdigest()


def _here(worker: Worker, pieces: list[Piece], finish: Finish[T]) -> Iterator[T]:
    """One BLAS thread, as everywhere: more would change the last digits."""
    from threadpoolctl import threadpool_limits

    for piece in pieces:
        with threadpool_limits(limits=1):
            result = worker.run(piece, finish)
        yield result


def _shared(
    helpers: Crew,
    handle: bytes,
    digest: str,
    worker: Worker,
    pieces: list[Piece],
    finish: Finish[T],
    others: int,
) -> Iterator[T]:
    """Results in the order of the pieces, some computed by other processes and some by this one.

    At most two pieces a worker are under way or waiting for those before them. The task travels with every piece, which
    is soon done; handed to a process at its start, it would hold this one up until the other has begun to read.
    """
    waiting: deque[Future[T]] = deque()
    asked: list[Future[T]] = []
    coming, warm = deque(pieces), helpers.begun.done()
    try:
        while coming or waiting:
            mine: tuple[Piece, Future[T]] | None = None
            if coming and len(waiting) < 2 * (others + 1):
                mine = coming.popleft(), Future()
                waiting.append(mine[1])
            warm = warm or any(future.done() for future in asked)
            asked = [future for future in asked if not future.done()]
            # One in hand and one to go on with. As long as the others are starting up, the last ones wait here for
            # whoever is free first; later that is the others, who are in the middle of theirs when this one begins.
            ahead = others * (1 + (warm or len(coming) > others))
            while coming and len(asked) < ahead and len(waiting) < 2 * (others + 1):
                asked.append(helpers.executor.submit(_run, handle, digest, coming.popleft(), finish, helpers.folder))
                waiting.append(asked[-1])
            if mine is not None:
                mine[1].set_result(next(_here(worker, [mine[0]], finish)))
            else:
                yield unpack(waiting.popleft().result())
            while waiting and waiting[0].done():
                yield unpack(waiting.popleft().result())
    except BrokenProcessPool as error:
        raise _lost() from error
    finally:
        for future in waiting:
            future.cancel()


def _lost() -> EngineFault:
    return EngineFault(
        "a worker process ended before its block was done (killed, or out of memory); use fewer --workers"
    )


def _ordered(
    executor: Executor, handle: Any, digest: str, pieces: list[Piece], finish: Finish[T], ahead: int
) -> Iterator[T]:
    """Results in the order of the pieces, with at most ``ahead`` of them under way."""
    waiting: deque[Future[T]] = deque()
    coming = iter(pieces)
    try:
        for piece in coming:
            waiting.append(executor.submit(_run, handle, digest, piece, finish))
            if len(waiting) >= ahead:
                break
        while waiting:
            result = waiting.popleft().result()
            following = next(coming, None)
            if following is not None:
                waiting.append(executor.submit(_run, handle, digest, following, finish))
            yield result
    except BrokenProcessPool as error:
        raise _lost() from error
    finally:
        for future in waiting:
            future.cancel()


_KEPT: dict[str, Worker] = {}
_LOCK = Lock()
"""A cluster's worker may run several threads; what is prepared belongs to one at a time."""


def _remember(digest: str, payload: bytes) -> None:
    """Keep a task in a worker; the one before is forgotten."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=1)
    _KEPT.clear()
    _KEPT[digest] = pickle.loads(payload)


def _run(handle: bytes | None, digest: str, piece: Piece, finish: Finish[T], folder: str | None = None) -> Any:
    with _LOCK:
        if digest not in _KEPT:
            if handle is None:
                raise EngineFault("a worker does not know the task it is asked for")
            _remember(digest, handle)
        result = _KEPT[digest].run(piece, finish)
    return pack(result, folder)


def _versions() -> tuple[str, str]:
    """What the bytes of a result depend on besides the study."""
    import numpy

    return __version__, numpy.__version__


def _probe(address: str) -> None:
    """Refuse an address at which nothing listens: a Dask client would try for long and leave threads behind."""
    scheme, _, place = address.partition("://")
    host, _, port = place.rpartition(":")
    if scheme not in ("tcp", "tls", "ws", "wss", "ucx") or not host or not port.isdigit():
        raise InputError(f"'{address}' is no address of a Dask scheduler; expected one such as tcp://host:8786")
    if scheme != "ucx":
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
        except OSError as error:
            raise EngineFault(f"{address}: no Dask scheduler answers ({error.strerror or error})") from error


def _cluster(stack: ExitStack, address: str, payload: bytes) -> tuple[Executor, Any, int]:
    """An executor of a Dask cluster, the task scattered to its workers, and the number of them."""
    try:
        from distributed import Client
    except ImportError:
        raise EngineFault(f"{address}: Dask is not installed; install karvan[cluster]") from None
    _probe(address)
    try:
        connect: Any = Client
        client = stack.enter_context(connect(address, timeout="10s", set_as_default=False))
    except (OSError, TimeoutError, ValueError) as error:
        raise EngineFault(f"{address}: no Dask scheduler answers ({error or type(error).__name__})") from error
    if not client.scheduler_info(n_workers=-1)["workers"]:
        raise EngineFault(f"{address}: the Dask scheduler has no workers; start some with `dask worker {address}`")
    try:
        found = client.run(_versions)
    except Exception as error:  # whatever the far side raises: karvan is missing or cannot be imported there
        raise EngineFault(f"{address}: the workers cannot run karvan ({error}); install it there") from error
    for place, versions in sorted(found.items()):
        if tuple(versions) != _versions():
            mine, theirs = " and NumPy ".join(_versions()), " and NumPy ".join(versions)
            raise EngineFault(f"{address}: worker {place} runs karvan {theirs}, this is {mine}; make them the same")
    handle = client.scatter(payload, broadcast=True)
    return client.get_executor(pure=False), handle, len(found)

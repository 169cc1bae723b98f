"""The same bytes from any engine, any number of workers, in any order of completion."""

import importlib.util
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from karvan.base.errors import InputError
from karvan.futures.engines import EngineFault, Piece, Worker, run_pieces, whole
from karvan.futures.ensemble import pieces_of, worker_of
from karvan.futures.inputs import Prepared
from karvan.futures.yearloop import Block
from karvan.study.load import Study

PIECES = [Piece("baseline", number, 30) for number in range(4)]
"""The first draws of four blocks."""


def digests(blocks: Iterable[Block]) -> list[str]:
    """A digest of all that is in each block."""
    out = []
    for block in blocks:
        found = sha256()
        for group in (block.figures, block.plants, block.markets, block.offers, block.sectors):
            for name in sorted(group):
                found.update(name.encode())
                found.update(np.ascontiguousarray(group[name]).tobytes())
        out.append(found.hexdigest())
    return out


@pytest.fixture(scope="module")
def worker(azerbaijan: Study) -> Worker:
    return worker_of(azerbaijan, "baseline", until=2026, seed=1)


@pytest.fixture(scope="module")
def expected(worker: Worker) -> list[str]:
    return digests(run_pieces(worker, PIECES, whole, engine="here"))


class AnyOrder(Executor):
    """Completes what it is given in an order of its own."""

    def __init__(self, seed: int) -> None:
        self.order = random.Random(seed)
        self.waiting: list[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = []
        self.most = 0
        self.completed: list[int] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = _Asked(self)
        self.waiting.append((future, fn, args))
        self.most = max(self.most, len(self.waiting))
        return future

    def complete(self, wanted: Future[Any]) -> None:
        """Work off what waits, in any order, until the wanted one is done."""
        while not wanted.done():
            future, fn, args = self.waiting.pop(self.order.randrange(len(self.waiting)))
            self.completed.append(args[2].number)
            future.set_result(fn(*args))


class _Asked(Future[Any]):
    def __init__(self, owner: AnyOrder) -> None:
        super().__init__()
        self.owner = owner

    def result(self, timeout: float | None = None) -> Any:
        self.owner.complete(self)
        return super().result(timeout)


class TestSameBytes:
    """docs/futures.md: from any engine, any number of workers, in any order of completion."""

    def test_blocks_differ(self, expected: list[str]) -> None:
        assert len(set(expected)) == len(PIECES)

    def test_two_processes(self, worker: Worker, expected: list[str]) -> None:
        assert digests(run_pieces(worker, PIECES, whole, workers=2)) == expected

    def test_any_order_of_completion(self, worker: Worker, expected: list[str]) -> None:
        orders = set()
        for seed in range(2):
            executor = AnyOrder(seed)
            found = digests(run_pieces(worker, PIECES, whole, executor=executor, workers=2))
            assert found == expected
            orders.add(tuple(executor.completed))
        assert any(order != (0, 1, 2, 3) for order in orders), "the test never left the natural order"

    @pytest.mark.filterwarnings("ignore")  # of the cluster's own libraries
    @pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="Dask is not installed (extra cluster)")
    def test_dask_on_loopback(self, worker: Worker, expected: list[str]) -> None:
        from distributed import LocalCluster

        make: Any = LocalCluster
        with make(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as cluster:
            address = cluster.scheduler_address
            assert address.startswith("tcp://127.0.0.1:")
            found = digests(run_pieces(worker, PIECES, whole, engine=address))
        assert found == expected


class TestBounded:
    """Only a few pieces are under way at a time: memory does not grow with the number of draws."""

    def test_pieces_under_way(self, worker: Worker) -> None:
        executor = AnyOrder(1)

        def counted(prepared: Prepared, piece: Piece, block: Block) -> int:
            return piece.number

        pieces = [Piece("baseline", number, 2) for number in range(9)]
        results: Iterator[int] = run_pieces(worker, pieces, counted, executor=executor, workers=2)
        assert list(results) == list(range(9))
        assert executor.most <= 4


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal's Ctrl-C is sent to a process group")
def test_ctrl_c_is_answered_by_one(tmp_path: Path) -> None:
    """It reaches every process; the one that was started says what is kept, the others say nothing."""
    folder = tmp_path / "run"
    words = ["run", "azerbaijan", "--draws", "40000", "--until", "2026", "--workers", "2", "-o", str(folder)]
    run = subprocess.Popen(
        [sys.executable, "-m", "karvan.cli", *words],
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    end = time.monotonic() + 60
    while not (folder / "figures-00003.parquet").exists():  # by now the other process has sent a block
        assert run.poll() is None and time.monotonic() < end
        time.sleep(0.02)
    os.killpg(run.pid, signal.SIGINT)
    told, _ = run.communicate(timeout=60)
    assert run.returncode == 1
    assert f"finish it with: karvan resume {folder}" in told
    assert "Traceback" not in told


class TestMessages:
    """What the engine refuses, and what it says."""

    def test_unknown(self, worker: Worker) -> None:
        with pytest.raises(InputError, match="unknown engine 'cloud'; expected here, processes or a Dask address"):
            list(run_pieces(worker, pieces_of("baseline", 3), whole, engine="cloud"))

    def test_nothing_listens(self, worker: Worker) -> None:
        with pytest.raises(EngineFault, match=r"tcp://127.0.0.1:9: no Dask scheduler answers"):
            list(run_pieces(worker, pieces_of("baseline", 3), whole, engine="tcp://127.0.0.1:9"))

    def test_no_address(self, worker: Worker) -> None:
        with pytest.raises(InputError, match="expected one such as tcp://host:8786"):
            list(run_pieces(worker, pieces_of("baseline", 3), whole, engine="tcp://somewhere"))

    def test_worker_dies(self, worker: Worker) -> None:
        results = run_pieces(worker, [Piece("baseline", number, 2) for number in range(12)], whole, workers=2)
        next(results)
        for child in multiprocessing.active_children():
            child.kill()
        with pytest.raises(EngineFault, match="a worker process ended before its block was done"):
            list(results)

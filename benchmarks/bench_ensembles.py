"""How fast many futures are, how well two processes share them, and PySD and EMA workbench beside where installed.

``python benchmarks/bench_ensembles.py [DRAWS]`` runs the built-in study to 2040, all stages, baseline: best of three on
two processes, one process beside it, and the memory of a run that is kept. PySD and EMA workbench get a model with the
arrays of the year loop (``same_size.py``): one that both can express, checked against the same equations in blocks.
``--peers`` runs only that part. ``--stand-in [BLOCKS]`` writes, finishes and reads runs of a quarter, half and all of
so many blocks of random numbers over a short horizon, in a process each: what is paid per block is to stay level.
"""

import importlib.util
import io
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import redirect_stderr
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import same_size
from threadpoolctl import threadpool_limits

from karvan.base.axes import Array
from karvan.base.streams import BLOCK
from karvan.futures.chunks import Encode
from karvan.futures.engines import HERE, PROCESSES, Piece, run_pieces, whole
from karvan.futures.ensemble import pieces_of, simulate, worker_of
from karvan.futures.processes import end_crews
from karvan.futures.runs import HEADLINES, convergence
from karvan.futures.sobol import Take
from karvan.futures.store import Writer, manifest_of, read
from karvan.futures.yearloop import Block as LoopBlock
from karvan.study.load import load


def many(draws: int) -> None:
    """Futures on two processes, best of three; one process; efficiency."""
    study = load("azerbaijan")
    times = []
    for _ in range(3):
        end_crews()  # each starts its other process anew
        start = time.perf_counter()
        simulate(study, draws=draws, workers=2)
        times.append(time.perf_counter() - start)
    best = min(times)
    print(f"{draws:,} futures, two processes, all in memory    {best:7.2f} s  {draws / best:8,.0f} a second  best of 3")

    worker = worker_of(study, "baseline")
    take = Take("output.2035")
    pieces = pieces_of("baseline", draws)
    seconds: dict[str, float] = {}
    end_crews()
    ways = (("one process", HERE, 1), ("two, the other started", PROCESSES, 2), ("two, the other there", PROCESSES, 2))
    for name, engine, workers in ways:
        runs = []
        for _ in range(3):
            if name.endswith("started"):
                end_crews()
            started = time.perf_counter()
            for _ in run_pieces(worker, pieces, take, engine=engine, workers=workers):
                pass
            runs.append(time.perf_counter() - started)
        seconds[name] = min(runs)
        rate = seconds[name] / len(pieces)
        print(f"{draws:,} futures, {name:<22} one figure taken  {seconds[name]:7.2f} s  {rate:6.3f} s a block")
    for name, _, workers in ways[1:]:
        share = seconds["one process"] / seconds[name] / workers
        print(f"efficiency: {name:<50}{share:7.0%}")


def kept(draws: int) -> None:
    """Time, memory and disk of a run that is kept, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        code = (
            "import resource, sys; from pathlib import Path\n"
            "from karvan.study.load import load; from karvan.futures.runs import keep_run\n"
            "if __name__ == '__main__':\n"
            f"    keep_run(load('azerbaijan'), Path({folder!r}) / 'run', draws={draws})\n"
            "    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
            "    print(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        )
        script = Path(folder) / "kept.py"
        script.write_text(code)
        start = time.perf_counter()
        out = subprocess.run([sys.executable, str(script)], check=True, capture_output=True, text=True).stdout
        took = time.perf_counter() - start
        own, children = (int(number) / 1024 for number in out.split())
        size = sum(path.stat().st_size for path in (Path(folder) / "run").rglob("*")) / 1e6
    print(
        f"{draws:,} futures kept in a folder {took:19.2f} s  {draws / took:8,.0f} a second  "
        f"{own:,.0f} MB here, {children:,.0f} MB a worker, {size:,.0f} MB on disk"
    )


def encoding() -> None:
    """Processor time of a block, and of turning it into the bytes of its files."""
    worker = worker_of(load("azerbaijan"), "baseline")
    piece = Piece("baseline", 0, BLOCK)
    worker.pilot("baseline")
    start = time.process_time()
    block = worker.run(piece, whole)
    middle = time.process_time()
    files = Encode()(worker.prepare("baseline"), piece, block).files
    end = time.process_time()
    size = sum(map(len, files.values())) / 1e6
    print(f"a block of {BLOCK}: {middle - start:.2f} s of processor; its files {end - middle:.2f} s, {size:.1f} MB")


def peers(runs: int = 20) -> None:
    """PySD and EMA workbench on a model with the arrays of the year loop; the same model in blocks beside."""
    model = same_size.sizes()
    draws = same_size.sample(BLOCK)
    print(f"one model in three forms, equal to 1e-6: {model.cells:,} numbers a year, {same_size.YEARS} years")
    seconds = []
    for _ in range(3):
        start = time.process_time()
        with threadpool_limits(limits=1):
            made, jobs = same_size.simulate(model, draws)
        seconds.append(time.process_time() - start)
    line("karvan's way, blocks of arrays", BLOCK, min(seconds))
    names = list(same_size.PARAMETERS)
    if importlib.util.find_spec("pysd"):
        import pysd

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "same_size.mdl"
            path.write_text(same_size.vensim(model))
            translated = pysd.read_vensim(str(path))
            start = time.process_time()
            for number in range(runs):
                params = dict(zip(names, draws[number].tolist(), strict=True))
                found = translated.run(params=params, return_columns=["made", "jobs"])
                equal(found["made"].to_numpy(), made[number])
                equal(found["jobs"].to_numpy(), jobs[number])
            line(f"PySD {version('pysd')}", runs, time.process_time() - start)
    else:
        print("PySD is not installed: skipped")
    if importlib.util.find_spec("ema_workbench"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says which of its own extras are missing
            from ema_workbench import Model, RealParameter, TimeSeriesOutcome, perform_experiments

        def one(**given: float) -> dict[str, object]:
            """One future; EMA workbench passes names without spaces."""
            drawn = np.array([[given[name.replace(" ", "_")] for name in names]])
            made, jobs = same_size.simulate(model, drawn)
            return {"made": made[0], "jobs": jobs[0]}

        peer = Model("same", function=one)
        ranges = same_size.PARAMETERS.items()
        peer.uncertainties = [RealParameter(name.replace(" ", "_"), low, high) for name, (low, high) in ranges]
        peer.outcomes = [TimeSeriesOutcome("made"), TimeSeriesOutcome("jobs")]
        start = time.process_time()
        with threadpool_limits(limits=1), redirect_stderr(io.StringIO()):  # no progress bar among the figures
            experiments, outcomes = perform_experiments(peer, scenarios=10 * runs)
        took = time.process_time() - start
        tried = experiments[[name.replace(" ", "_") for name in names]].to_numpy(dtype=float)
        equal(outcomes["made"], same_size.simulate(model, tried)[0])
        line(f"EMA workbench {version('ema_workbench')}, the function on one future at a time", 10 * runs, took)
    else:
        print("EMA workbench is not installed: skipped")
    worker = worker_of(load("azerbaijan"), "baseline")
    worker.pilot("baseline")
    start = time.process_time()
    with threadpool_limits(limits=1):
        worker.run(Piece("baseline", 0, BLOCK), whole)
    line("karvan's whole year loop, for comparison", BLOCK, time.process_time() - start)


def line(name: str, futures: int, seconds: float) -> None:
    """Futures a second of one process."""
    print(f"  {name:<66} {futures / seconds:10,.1f} futures a second", flush=True)


def equal(found: Array, wanted: Array) -> None:
    """Refuse to time a peer that computes something else."""
    if not np.allclose(found, wanted, rtol=1e-6):
        raise AssertionError("the forms of the model disagree")


def stand_in(blocks: int) -> None:
    """Write, finish and read a run of many blocks whose numbers are random: cost and memory by the number of blocks."""
    worker = worker_of(load("azerbaijan"), "baseline", until=2027)
    prepared = worker.prepare("baseline")
    generator = np.random.default_rng(1)
    years, markets = len(prepared.layout.years), len(prepared.layout.markets)
    encode = Encode()
    with tempfile.TemporaryDirectory() as folder:
        told = manifest_of(prepared, "baseline", 1, blocks * BLOCK, "lhs", "figures")
        writer = Writer(Path(folder) / "run", told, told)
        writer.begin()
        seconds = [time.perf_counter()]
        for number in range(blocks):
            figures = {name: generator.random((BLOCK, years)) for name in HEADLINES}
            detail = {name: generator.random((BLOCK, years, markets)) for name in ("exports", "sales_new", "sales_own")}
            writer.block(encode.encode(number, BLOCK, prepared.layout, LoopBlock(figures, {}, detail, {}, {})))
        seconds.append(time.perf_counter())
        writer.finish()
        seconds.append(time.perf_counter())
        convergence(read(Path(folder) / "run"), prepared.layout.years)
        seconds.append(time.perf_counter())
    each = [1e3 * float(step) / blocks for step in np.diff(seconds)]
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{blocks:6,} blocks: written {each[0]:6.2f} ms a block, finished {each[1]:6.2f}, read {each[2]:6.2f}; "
        f"{most:,.0f} MB",
        flush=True,
    )


def main() -> None:
    """Print all."""
    if sys.argv[1:2] == ["--stand-in"]:
        most = int(sys.argv[2]) if len(sys.argv) > 2 else 2_000
        for blocks in (most // 4, most // 2, most):
            process = get_context("spawn").Process(target=stand_in, args=(blocks,))
            process.start()
            process.join()
        return
    print(f"Python {platform.python_version()}, NumPy {version('numpy')}, {os.cpu_count()} CPUs")
    if sys.argv[1:] == ["--peers"]:
        peers()
        return
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    encoding()
    many(draws)
    kept(draws)
    peers()
    print(f"most memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


if __name__ == "__main__":
    main()

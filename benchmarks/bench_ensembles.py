"""How fast many futures are, how well two processes share them, and PySD and EMA workbench beside where installed.

``python benchmarks/bench_ensembles.py [DRAWS]`` runs the built-in study to 2040, all stages, baseline: best of three on
two processes, one process beside it, and the memory of a run that is kept. The peers get a model of their own size: a
stock of cars with two flows (PySD), and the same recurrence as a Python function (EMA workbench), because neither has a
model of this one's size at hand; futures per second are printed with the number of equations, not as a race.
"""

import importlib.util
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from karvan.base.streams import BLOCK
from karvan.futures.chunks import Encode
from karvan.futures.engines import HERE, PROCESSES, Piece, run_pieces, whole
from karvan.futures.ensemble import pieces_of, simulate, worker_of
from karvan.futures.sobol import Take
from karvan.study.load import load

PYSD_MODEL = """{UTF-8}
cars = INTEG(bought - scrapped, 1500000) ~~|
bought = INTEG(bought * growth, 60000) ~~|
scrapped = cars / life ~~|
growth = 0.02 ~~|
life = 18 ~~|
INITIAL TIME = 2026 ~~|
FINAL TIME = 2040 ~~|
TIME STEP = 1 ~~|
SAVEPER = TIME STEP ~~|
"""


def many(draws: int) -> None:
    """Futures on two processes, best of three; one process; efficiency."""
    study = load("azerbaijan")
    times = []
    for _ in range(3):
        start = time.perf_counter()
        simulate(study, draws=draws, workers=2)
        times.append(time.perf_counter() - start)
    best = min(times)
    print(f"{draws:,} futures, two processes, all in memory    {best:7.2f} s  {draws / best:8,.0f} a second  best of 3")

    worker = worker_of(study, "baseline")
    take = Take("output.2035")
    few = pieces_of("baseline", min(draws, 8 * BLOCK))
    seconds: dict[str, float] = {}
    for name, engine, workers in (("one process", HERE, 1), ("two processes", PROCESSES, 2)):
        started = time.perf_counter()
        for _ in run_pieces(worker, few, take, engine=engine, workers=workers):
            pass
        seconds[name] = time.perf_counter() - started
        rate = seconds[name] / len(few)
        print(
            f"{len(few) * BLOCK:,} futures, {name:<14} one figure taken  {seconds[name]:7.2f} s  {rate:6.3f} s a block"
        )
    share = seconds["one process"] / seconds["two processes"] / 2
    print(f"efficiency of two processes, start-up included          {share:7.0%}")


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


def peers(runs: int = 200) -> None:
    """PySD and EMA workbench on small models of their own."""
    if importlib.util.find_spec("pysd"):
        import pysd

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "cars.mdl"
            path.write_text(PYSD_MODEL)
            model = pysd.read_vensim(str(path))
            start = time.perf_counter()
            for number in range(runs):
                model.run(params={"growth": number / runs / 10}, return_columns=["cars"])
            took = time.perf_counter() - start
        print(f"PySD {version('pysd')}: {runs / took:,.0f} futures a second, 3 equations")
    else:
        print("PySD is not installed: skipped")
    if importlib.util.find_spec("ema_workbench"):
        from ema_workbench import Model, RealParameter, ScalarOutcome, perform_experiments

        model = Model("cars", function=_cars)
        model.uncertainties = [RealParameter("growth", 0.0, 0.1), RealParameter("life", 12, 24)]
        model.outcomes = [ScalarOutcome("cars")]
        start = time.perf_counter()
        perform_experiments(model, scenarios=runs * 10)
        took = time.perf_counter() - start
        print(f"EMA workbench {version('ema_workbench')}: {runs * 10 / took:,.0f} futures a second, 3 equations")
    else:
        print("EMA workbench is not installed: skipped")


def _cars(growth: float = 0.02, life: float = 18.0) -> dict[str, float]:
    cars, bought = 1_500_000.0, 60_000.0
    for _ in range(15):
        cars += bought - cars / life
        bought *= 1.0 + growth
    return {"cars": cars}


def main() -> None:
    """Print all."""
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    print(f"Python {platform.python_version()}, NumPy {version('numpy')}, {os.cpu_count()} CPUs")
    encoding()
    many(draws)
    kept(draws)
    peers()
    print(f"most memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


if __name__ == "__main__":
    main()

"""How fast the futures are: a year loop, an ensemble, a report, and where the time goes.

``python benchmarks/bench_futures.py`` prints the best of three of each; ``--quick`` measures once, with fewer draws.
The first lines say on what machine, since no number means anything without it. Run it while nothing else runs.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import polars as pl
import scipy
from threadpoolctl import threadpool_limits

from karvan.futures import yearloop
from karvan.futures.accounts import Accountant
from karvan.futures.ensemble import simulate
from karvan.futures.hazards import PlantStates
from karvan.futures.inputs import Prepared, prepare
from karvan.futures.processes import end_crews
from karvan.futures.rivals import Rivals
from karvan.futures.trade import Trade
from karvan.futures.yearloop import run_block
from karvan.study.load import Study, load

BLOCK = 500
STAGES: dict[str, tuple[tuple[Any, str], ...]] = {
    "demand": ((yearloop._Run, "_buyers"), (yearloop, "demand_inputs")),
    "plants": (
        (yearloop._Run, "_capacity"),
        (yearloop._Run, "_costs"),
        (yearloop, "plant_inputs"),
        (PlantStates, "step"),
    ),
    "trade and cost": ((Trade, "delivered"), (Trade, "references")),
    "market shares under limits": (
        (yearloop, "clear"),
        (yearloop, "market_inputs"),
        (yearloop._Run, "_entrants"),
        (yearloop._Run, "_appeal"),
        (yearloop._Run, "_cost_hat"),
        (yearloop, "FlowAppeal"),
    ),
    "rivals": ((Rivals, "price"), (Rivals, "learn"), (yearloop, "Rivals")),
    "economy": ((Accountant, "year"), (yearloop, "economy_inputs"), (yearloop, "economic_value"), (yearloop, "npv")),
}
"""Functions of the year loop by the stage whose time they take. Time in an inner one is not counted in an outer one."""


class Shares:
    """Seconds by stage, each moment counted once."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.stack: list[str] = []
        self.since = 0.0

    def switch(self) -> None:
        """Book the time since the last switch on whoever runs now."""
        now = time.perf_counter()
        name = self.stack[-1] if self.stack else "the rest"
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self.since
        self.since = now

    def wrapped(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with its time booked on the stage."""

        def timed(*args: Any, **options: Any) -> Any:
            self.switch()
            self.stack.append(stage)
            try:
                return function(*args, **options)
            finally:
                self.switch()
                self.stack.pop()

        return timed

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Book everything that runs inside."""
        with ExitStack() as stack:
            for stage, functions in STAGES.items():
                for owner, name in functions:
                    stack.enter_context(patch.object(owner, name, self.wrapped(stage, getattr(owner, name))))
            self.since = time.perf_counter()
            yield
            self.switch()


WAYS = (("one process", 1, False), ("two, the other started anew", 2, True), ("two, the other there already", 2, False))
"""Name, processes, and whether the other one has to start."""


def best(call: Callable[[], object], times: int, anew: bool = False) -> float:
    """Least seconds of a few calls; ``anew`` with no process at hand that an earlier call has started."""
    found = []
    for _ in range(times):
        if anew:
            end_crews()
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return min(found)


def show(name: str, seconds: float, note: str = "") -> None:
    """One line of the table."""
    shown = f"{seconds * 1e3:8.0f} ms" if seconds < 1 else f"{seconds:8.2f} s "
    print(f"{name:<58}{shown}  {note}".rstrip(), flush=True)


def process(*words: str, folder: str) -> Callable[[], object]:
    """A whole process of the command line, start-up included."""
    command = [sys.executable, "-m", "karvan.cli", *words]
    return lambda: subprocess.run(command, check=True, capture_output=True, cwd=folder)


def machine() -> None:
    """What the numbers were measured on."""
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    print(
        f"Python {platform.python_version()}, NumPy {np.__version__}, SciPy {scipy.__version__}, "
        f"Polars {pl.__version__}\n"
    )


def starts(folder: str, times: int) -> None:
    """What a person waits for before anything is simulated."""
    show("karvan --help, whole process", best(process("--help", folder=folder), times), "bar 0.3 s")
    show("load('azerbaijan')", best(lambda: load("azerbaijan"), times), "bar 0.3 s")


def loops(study: Study, times: int, blocks: int) -> None:
    """Futures on one process and on two."""
    first, last = study.settings.start_year, study.settings.horizon
    show("prepare(), once a run", best(lambda: prepare(study, "baseline", first, last), times), "bar 0.15 s")
    prepared: Prepared = prepare(study, "baseline", first, last)
    with threadpool_limits(limits=1):
        run_block(prepared, 1, 0, 2)
        block = best(lambda: run_block(prepared, 1, 0, BLOCK), times)
    show(f"a block of {BLOCK} futures, {first} to {last}", block, f"{BLOCK / block:,.0f} futures a second")
    count = blocks * BLOCK
    for name, workers, anew in WAYS:
        seconds = best(lambda workers=workers: simulate(study, draws=count, workers=workers), times, anew)  # type: ignore[misc]
        note = f"{count / seconds:,.0f} futures a second" + ("; bar 3 s" if count == 1000 and workers == 1 else "")
        show(f"{count:,} futures to {last}, {name}", seconds, note)


def stages(study: Study, times: int) -> None:
    """Share of the time per stage."""
    prepared = prepare(study, "baseline", study.settings.start_year, study.settings.horizon)
    runs = []
    with threadpool_limits(limits=1):
        for _ in range(times):
            shares = Shares()
            with shares.watching():
                run_block(prepared, 1, 0, BLOCK)
            runs.append(shares.seconds)
    chosen = min(runs, key=lambda seconds: sum(seconds.values()))
    total = sum(chosen.values())
    print(f"\nshare of time of a block of {BLOCK} futures")
    for name in [*STAGES, "the rest"]:
        seconds = chosen.get(name, 0.0)
        show(f"  {name}", seconds, f"{100 * seconds / total:.0f} %")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="measure once, with fewer draws")
    quick: bool = parser.parse_args().quick
    times = 1 if quick else 3
    machine()
    study = load("azerbaijan")
    with tempfile.TemporaryDirectory() as folder:
        starts(folder, times)
        loops(study, times, 2)
        if not quick:
            loops_of_many(study, times)
        draws = ("--draws", "100") if quick else ()
        words = ("report", "azerbaijan", "-o", str(Path(folder) / "report.html"), *draws)
        show(
            f"karvan {' '.join(words[:2])} {' '.join(draws)}".rstrip(),
            best(process(*words, folder=folder), times),
            "bar 15 s",
        )
    stages(study, times)


def loops_of_many(study: Study, times: int) -> None:
    """10,000 futures: starting processes costs less of it."""
    for name, workers, anew in WAYS:
        seconds = best(lambda workers=workers: simulate(study, draws=10_000, workers=workers), times, anew)  # type: ignore[misc]
        bar = "; bar 10 s" if workers > 1 else ""
        show(f"10,000 futures, {name}", seconds, f"{10_000 / seconds:,.0f} futures a second{bar}")


if __name__ == "__main__":
    main()

"""Other processes: kept for the next run, replaced when one has died, gone after an error and at the end."""

import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from karvan.futures import processes
from karvan.futures.engines import Piece, run_pieces, whole
from karvan.futures.ensemble import worker_of
from karvan.futures.processes import crew, crew_waits, end_crews
from karvan.study.load import Study


@pytest.fixture(autouse=True)
def _nobody_waits() -> Iterator[None]:
    end_crews()
    yield
    end_crews()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _pid() -> int:
    with crew(1) as others:
        return others.executor.submit(os.getpid).result()


class TestCrew:
    """Who works for whom, and how long."""

    def test_it_waits_for_the_next_run(self) -> None:
        assert not crew_waits(1)
        first = _pid()
        assert first != os.getpid()
        assert crew_waits(1)
        assert _pid() == first

    def test_it_ends(self) -> None:
        with crew(1) as others:
            pid = others.executor.submit(os.getpid).result()
            folder = Path(others.folder)
            assert folder.is_dir()
        end_crews()
        assert not _alive(pid)
        assert not folder.exists()
        assert not crew_waits(1)

    def test_after_an_error_nobody_waits(self) -> None:
        with pytest.raises(KeyError), crew(1) as others:
            pid = others.executor.submit(os.getpid).result()
            raise KeyError
        assert not crew_waits(1)
        assert not _alive(pid)

    def test_one_that_died_is_replaced(self) -> None:
        """Killed while it waited: by the system, or by a Ctrl-C that reached every process of the terminal."""
        first = _pid()
        os.kill(first, signal.SIGTERM)
        end = time.monotonic() + 30
        while processes._IDLE[1].alive():
            assert time.monotonic() < end
            time.sleep(0.01)
        second = _pid()
        assert second != first
        assert _alive(second)

    def test_two_at_once(self) -> None:
        """Two callers never share a crew; one of the two is kept."""
        with crew(1) as mine, crew(1) as theirs:
            pids = [others.executor.submit(os.getpid).result() for others in (mine, theirs)]
        assert pids[0] != pids[1]
        assert sum(map(_alive, pids)) == 1

    def test_nothing_stays_behind(self, tmp_path: Path) -> None:
        """A program ends without a word and without waiting for the processes it started."""
        script = tmp_path / "run.py"
        script.write_text(PROGRAM)
        run = subprocess.run([sys.executable, str(script)], check=True, capture_output=True, text=True, timeout=60)
        pid, folder = run.stdout.split()
        assert run.stderr == ""
        assert not _alive(int(pid))
        assert not Path(folder).exists()


PROGRAM = """
import os
from karvan.futures.processes import crew
if __name__ == "__main__":
    with crew(1) as others:
        print(others.executor.submit(os.getpid).result(), others.folder)
"""


def test_a_short_run_uses_those_that_wait(azerbaijan: Study) -> None:
    """Two blocks are not worth a start, but worth a process that is there; the bytes are the same."""
    worker = worker_of(azerbaijan, "baseline", until=2026)
    pieces = [Piece("baseline", number, 20) for number in range(2)]
    alone = list(run_pieces(worker, pieces, whole))
    assert not crew_waits(1)
    _pid()
    with_other = list(run_pieces(worker, pieces, whole, workers=None))
    for mine, theirs in zip(alone, with_other, strict=True):
        assert all((mine.figures[name] == theirs.figures[name]).all() for name in mine.figures)


PAGES = """
import resource, sys
import numpy as np
from karvan.futures.processes import keep_memory
if sys.argv[1] == "keep":
    keep_memory()
for _ in range(40):
    arrays = [np.ones(250_000) for _ in range(20)]  # 2 MB each, all of them freed before the next round
    del arrays
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told to keep memory")
def test_memory_is_kept_for_the_next_block() -> None:
    """Pages that the system clears anew, over forty rounds: a small part of those without."""
    faults = [
        int(subprocess.run([sys.executable, "-c", PAGES, word], check=True, capture_output=True, text=True).stdout)
        for word in ("keep", "leave")
    ]
    assert faults[0] < 0.5 * faults[1]

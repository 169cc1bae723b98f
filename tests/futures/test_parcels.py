"""Large results between processes: what comes out is what went in, and nothing stays behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from karvan.futures import parcels
from karvan.futures.engines import Piece, run_pieces, whole
from karvan.futures.ensemble import worker_of
from karvan.futures.parcels import Parcel, pack, parcel_folder, unpack
from karvan.study.load import Study

ARRAYS = {
    "rows": np.arange(200_000.0).reshape(400, 500),
    "columns": np.asfortranarray(np.arange(60_000.0).reshape(200, 300)),
    "odd": np.arange(13, dtype=np.int8),
    "strided": np.arange(1000.0)[::3],
    "none": np.empty((0, 4)),
}


class TestPack:
    """There and back."""

    def test_the_same(self, tmp_path: Path) -> None:
        sent = pack({"arrays": ARRAYS, "name": "block"}, str(tmp_path))
        assert isinstance(sent, Parcel)
        assert len(list(tmp_path.iterdir())) == 1
        back = unpack(sent)
        assert back["name"] == "block"
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(back["arrays"][name], array)
            assert back["arrays"][name].dtype == array.dtype
        assert list(tmp_path.iterdir()) == []

    def test_small_ones_go_as_they_are(self, tmp_path: Path) -> None:
        small = {"figure": np.ones(10)}
        assert pack(small, str(tmp_path)) is small
        assert unpack(small) is small
        assert list(tmp_path.iterdir()) == []

    def test_no_room(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A full disk, or a folder that is gone: the result takes the other way, and no half file stays."""
        assert pack(ARRAYS, str(tmp_path / "gone")) is ARRAYS

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(parcels, "_write", full)
        assert pack(ARRAYS, str(tmp_path)) is ARRAYS
        assert list(tmp_path.iterdir()) == []

    def test_the_folder_is_gone_at_the_end(self) -> None:
        with parcel_folder() as folder:
            pack(ARRAYS, folder)
            assert list(Path(folder).iterdir())
        assert not Path(folder).exists()


@pytest.mark.skipif(sys.platform != "linux", reason="parcels have a folder in memory on Linux alone")
def test_what_killed_runs_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the next run, as far as nobody uses it; folders of other programs stay."""
    monkeypatch.setattr(parcels, "SHARED", str(tmp_path))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    names = (f"karvan-{ended.pid}-abc", f"karvan-{os.getpid()}-abc", "karvan-notes", "other-1-abc")
    hour_ago = time.time() - 3600
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "block").write_text("numbers")
        os.utime(tmp_path / name, (hour_ago, hour_ago))
    (tmp_path / f"karvan-{ended.pid}-new").mkdir()
    with parcel_folder() as folder:
        left = {path.name for path in tmp_path.iterdir()} - {Path(folder).name}
    assert left == {*names[1:], f"karvan-{ended.pid}-new"}


def test_whole_blocks_of_other_processes(azerbaijan: Study) -> None:
    """Blocks too large for the pipe are those of one process."""
    worker = worker_of(azerbaijan, "baseline", until=2026)
    pieces = [Piece("baseline", number, 500) for number in range(3)]
    here = list(run_pieces(worker, pieces, whole, engine="here"))
    there = list(run_pieces(worker, pieces, whole, workers=2))
    for mine, theirs in zip(here, there, strict=True):
        for group in ("figures", "plants", "markets", "offers", "sectors", "flows"):
            assert getattr(mine, group).keys() == getattr(theirs, group).keys()
            for name, array in getattr(mine, group).items():
                np.testing.assert_array_equal(getattr(theirs, group)[name], array)
    read_only = [not block.plants["output"].flags.writeable for block in there]
    assert any(read_only), "none of the blocks came in a parcel"


KILLED = """
import sys
from karvan.futures import parcels
from karvan.futures.ensemble import simulate
from karvan.study.load import load
if __name__ == "__main__":
    parcels.SHARED = sys.argv[1]
    simulate(load("azerbaijan"), draws=50_000, until=2026, workers=2)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="parcels have a folder in memory on Linux alone")
def test_a_killed_run_leaves_nothing(tmp_path: Path) -> None:
    """The processes it had started see that it is gone, and clean up."""
    script, shared = tmp_path / "run.py", tmp_path / "shared"
    script.write_text(KILLED)
    shared.mkdir()
    run = subprocess.Popen([sys.executable, str(script), str(shared)])
    try:
        _until(lambda: any(shared.rglob("*/*")), "no parcel was sent")
    finally:
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
    _until(lambda: not any(shared.iterdir()), "the folder of the parcels is still there")


def _until(true: Callable[[], bool], otherwise: str, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, otherwise
        time.sleep(0.01)

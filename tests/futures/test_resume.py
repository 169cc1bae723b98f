"""A killed run loses no finished block and leaves nothing half-read; resumed, it ends with the same bytes."""

import errno
import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

import karvan.futures.runs as runs_module
from karvan.commands.common import refuse
from karvan.futures.chunks import Encode, Encoded
from karvan.futures.engines import Piece, Worker, run_pieces
from karvan.futures.ensemble import Futures, simulate, worker_of
from karvan.futures.query import query
from karvan.futures.runs import converge, convergence, keep_run, list_runs, resume
from karvan.futures.store import MANIFEST, PLAN, RunFault, Writer, market_quantiles, read, save
from karvan.study.load import Study

DRAWS = 503
"""Two blocks, the second of three draws."""


class Killed(BaseException):
    """Stands for the end of the process: nothing after it runs."""


class StopAt:
    """Ends the writer at its n-th step."""

    def __init__(self, step: int | None = None) -> None:
        self.step, self.seen = step, 0
        self.events: list[str] = []

    def __call__(self, event: str, path: Path) -> None:
        self.events.append(f"{event} {path.name}")
        if self.seen == self.step:
            raise Killed(f"{event} {path}")
        self.seen += 1


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def ready(azerbaijan: Study) -> Iterator[dict[str, dict[int, Encoded]]]:
    """Two blocks, computed once; what is asked of the engine is answered from here and written down."""
    worker = worker_of(azerbaijan, "baseline", until=2026, seed=1)
    pieces = [Piece("baseline", 0, 500), Piece("baseline", 1, 3)]
    ready = {
        keep: {found.number: found for found in run_pieces(worker, pieces, Encode(keep), engine="here")}
        for keep in ("figures", "full")
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs_module, "worker_of", lambda *_, **__: worker)
        yield ready


@pytest.fixture
def computed(ready: dict[str, dict[int, Encoded]], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of the blocks that were computed."""
    asked: list[int] = []

    def answer(worker: Worker, pieces: list[Piece], finish: Encode, **options: object) -> Iterator[Encoded]:
        for piece in pieces:
            asked.append(piece.number)
            yield ready[finish.keep][piece.number]

    monkeypatch.setattr(runs_module, "run_pieces", answer)
    return asked


@pytest.fixture
def undisturbed(azerbaijan: Study, tmp_path: Path, computed: list[int]) -> dict[str, bytes]:
    folder = keep_run(azerbaijan, tmp_path / "undisturbed", draws=DRAWS, until=2026)
    computed.clear()
    return contents(folder)


class TestStoppedAnywhere:
    """The hook stops the writer before, during and after each write, and before and after each rename and removal."""

    @pytest.mark.parametrize("keep", ["figures", "full"])
    def test_every_step(self, azerbaijan: Study, tmp_path: Path, computed: list[int], keep: str) -> None:
        watch = StopAt()
        whole = contents(keep_run(azerbaijan, tmp_path / "whole", draws=DRAWS, until=2026, keep=keep, watch=watch))
        steps = len(watch.events)
        # plan, then two blocks of a detail and one or four tables, quantiles, manifest: five steps each; then removals.
        assert steps == 5 * (1 + 2 * (2 if keep == "figures" else 5) + 2) + 3
        for step in range(0, steps, 1 if keep == "figures" else 3):
            folder = tmp_path / f"run-{step}"
            with pytest.raises(Killed):
                keep_run(azerbaijan, folder, draws=DRAWS, until=2026, keep=keep, watch=StopAt(step))
            finished = [n for n in range(2) if _done(folder, n)]
            if (folder / MANIFEST).is_file():
                assert read(folder).figures.height == DRAWS * 1 * 8
            else:
                with pytest.raises(RunFault):
                    read(folder)
            computed.clear()
            if (folder / PLAN).is_file() or (folder / MANIFEST).is_file():
                resume(folder, study=azerbaijan)
            else:  # stopped before it could say what it was: begin again
                assert finished == []
                keep_run(azerbaijan, folder, draws=DRAWS, until=2026, keep=keep)
            assert not set(computed) & set(finished), f"step {step}: a finished block was computed again"
            assert contents(folder) == whole, f"step {step}: {watch.events[step]}"
            shutil.rmtree(folder)

    def test_two_stops(
        self, azerbaijan: Study, tmp_path: Path, computed: list[int], undisturbed: dict[str, bytes]
    ) -> None:
        folder = tmp_path / "run"
        for step in (17, 3):
            with pytest.raises(Killed):
                keep_run(azerbaijan, folder, draws=DRAWS, until=2026, watch=StopAt(step))
        assert keep_run(azerbaijan, folder, draws=DRAWS, until=2026) == folder
        assert contents(folder) == undisturbed
        assert computed.count(0) == 1

    def test_a_whole_run_is_left_alone(
        self, azerbaijan: Study, tmp_path: Path, computed: list[int], undisturbed: dict[str, bytes]
    ) -> None:
        folder = tmp_path / "undisturbed"
        keep_run(azerbaijan, folder, draws=DRAWS, until=2026)
        resume(folder)
        assert computed == []
        assert contents(folder) == undisturbed


def _done(folder: Path, number: int) -> bool:
    try:
        figures = pl.read_parquet(folder / f"figures-{number:05d}.parquet")
    except FileNotFoundError:
        return False
    return figures.height > 0 and ((folder / MANIFEST).is_file() or (folder / "detail" / f"{number:05d}").is_file())


class TestSameBytes:
    """A run kept block by block, one kept from memory, and one computed by others are the same folder."""

    def test_from_memory(self, azerbaijan: Study, tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
        run = simulate(azerbaijan, draws=DRAWS, until=2026, workers=1)
        assert contents(save(run, tmp_path / "memory")) == undisturbed
        assert read(tmp_path / "memory").markets.equals(market_quantiles(run))

    def test_quantiles_in_pieces(
        self, azerbaijan: Study, tmp_path: Path, undisturbed: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("karvan.futures.store.AT_ONCE", DRAWS * 8 * 5)  # five cells at a time
        assert contents(keep_run(azerbaijan, tmp_path / "run", draws=DRAWS, until=2026)) == undisturbed

    def test_full(self, azerbaijan: Study, tmp_path: Path, computed: list[int], baseline: Futures) -> None:
        run = read(keep_run(azerbaijan, tmp_path / "run", draws=DRAWS, until=2026, keep="full"))
        exports = run.scan("markets").filter(pl.col("market") == "RUS").select("draw", "exports").collect()
        assert exports.height == DRAWS
        assert np.array_equal(exports["exports"].to_numpy()[:60], baseline.markets["exports"][:, 0, 3])
        assert (run.scan("offers").collect()["delivered"].to_numpy() > 0).all()


class TestKilled:
    """Real processes, killed at random moments."""

    @pytest.mark.slow
    def test_random_kills(self, tmp_path: Path) -> None:
        command = [sys.executable, "-m", "karvan.cli", "run", "azerbaijan", "--draws", "1003", "--until", "2026"]
        command += ["--workers", "1", "-o"]
        whole, folder = tmp_path / "whole", tmp_path / "run"
        began = time.monotonic()
        subprocess.run([*command, str(whole)], check=True, capture_output=True)
        lasts = time.monotonic() - began
        order = random.Random(5)
        for _ in range(2):
            process = subprocess.Popen([*command, str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(order.uniform(0.2, 1.0) * lasts)
            process.kill()
            process.wait()
            if (folder / MANIFEST).is_file():
                assert read(folder).figures["draw"].n_unique() == 1003
            elif folder.exists():
                with pytest.raises(RunFault):
                    read(folder)
        if not (folder / MANIFEST).is_file() and (folder / PLAN).is_file():
            resume(folder, workers=1)
        else:
            subprocess.run([*command, str(folder)], check=True, capture_output=True)
        assert contents(folder) == contents(whole)

    @pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="processes are looked up in /proc")
    def test_workers_end_with_the_one_that_started_them(self, tmp_path: Path) -> None:
        command = [sys.executable, "-m", "karvan.cli", "run", "azerbaijan", "--draws", "50000", "--workers", "3", "-o"]
        process = subprocess.Popen(
            [*command, str(tmp_path / "run")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        started: list[str] = []
        for _ in range(300):
            found = [child for child in children.read_text().split() if "spawn_main" in _line(child)]
            if len(found) > len(started):
                started = found
            if len(started) == 2:
                break
            time.sleep(0.1)
        time.sleep(0.3)
        process.kill()
        process.wait()
        assert len(started) == 2
        for _ in range(300):
            if not any("spawn_main" in _line(child) for child in started):
                break
            time.sleep(0.1)
        assert not any("spawn_main" in _line(child) for child in started)


def _line(process: str) -> str:
    """The command line of a process; empty for one that has ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


class TestMessages:
    """Each thing that can be in the way has a clear message."""

    def begun(self, azerbaijan: Study, folder: Path) -> Path:
        """A run stopped after its first block."""
        with pytest.raises(Killed):
            keep_run(azerbaijan, folder, draws=DRAWS, until=2026, watch=StopAt(15))
        return folder

    def test_unfinished(self, azerbaijan: Study, tmp_path: Path, computed: list[int]) -> None:
        folder = self.begun(azerbaijan, tmp_path / "run")
        with pytest.raises(RunFault, match=r"not finished \(1 of 2 blocks are kept\); finish it with: karvan resume"):
            read(folder)

    def test_disk_full(
        self, azerbaijan: Study, tmp_path: Path, computed: list[int], undisturbed: dict[str, bytes]
    ) -> None:
        def full(event: str, path: Path) -> None:
            if event == "during write" and path.name == ".figures-00001.parquet.part":
                raise OSError(errno.ENOSPC, "No space left on device")

        folder = tmp_path / "run"
        message = r"the disk is full; 1 of 2 blocks are kept; free some space, then: karvan resume"
        with pytest.raises(RunFault, match=message):
            keep_run(azerbaijan, folder, draws=DRAWS, until=2026, watch=full)
        assert not list(folder.glob(".*")), "a piece of a file was left on a full disk"
        assert contents(resume(folder, study=azerbaijan)) == undisturbed

    def test_a_file_in_the_folders_place(self, azerbaijan: Study, tmp_path: Path, computed: list[int]) -> None:
        (tmp_path / "run").write_text("mine")
        with pytest.raises(RunFault, match="a file is in the run folder's place; move it or choose another name"):
            keep_run(azerbaijan, tmp_path / "run", draws=DRAWS, until=2026)
        with pytest.raises(RunFault, match="a file is in a folder's place"):
            keep_run(azerbaijan, tmp_path / "run" / "below", draws=DRAWS, until=2026)
        assert (tmp_path / "run").read_text() == "mine"

    def test_something_else_there(self, azerbaijan: Study, tmp_path: Path, computed: list[int]) -> None:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "thesis.txt").write_text("mine")
        with pytest.raises(RunFault, match="a folder of other files is in its place; move it or choose another name"):
            keep_run(azerbaijan, tmp_path / "run", draws=DRAWS, until=2026)
        assert [path.name for path in (tmp_path / "run").iterdir()] == ["thesis.txt"]

    def test_another_run_there(
        self, azerbaijan: Study, tmp_path: Path, computed: list[int], undisturbed: dict[str, bytes]
    ) -> None:
        with pytest.raises(RunFault, match="another run is kept there"):
            keep_run(azerbaijan, tmp_path / "undisturbed", draws=DRAWS, until=2026, seed=2)
        folder = self.begun(azerbaijan, tmp_path / "run")
        with pytest.raises(RunFault, match="an unfinished run with another seed is kept there"):
            keep_run(azerbaijan, folder, draws=DRAWS, until=2026, seed=2)

    def test_a_changed_study(
        self, azerbaijan: Study, tmp_path: Path, computed: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = self.begun(azerbaijan, tmp_path / "run")
        products = azerbaijan.table("products").with_columns(pl.col("engine_cc") + 1)
        changed = replace(azerbaijan, tables={**azerbaijan.tables, "products": products})
        with pytest.raises(RunFault, match="has changed since this run was begun"):
            resume(folder, study=changed)
        monkeypatch.setattr(runs_module, "worker_of", worker_of)  # not the one of the unchanged study
        with pytest.raises(RunFault, match="an unfinished run of the study as it was before it changed is kept there"):
            keep_run(changed, folder, draws=DRAWS, until=2026)

    def test_stopped_by_hand(
        self, azerbaijan: Study, tmp_path: Path, computed: list[int], undisturbed: dict[str, bytes]
    ) -> None:
        def stop(event: str, path: Path) -> None:
            if event == "before write" and path.name == ".figures-00001.parquet.part":
                raise KeyboardInterrupt

        folder = tmp_path / "run"
        with pytest.raises(KeyboardInterrupt) as stopped:
            keep_run(azerbaijan, folder, draws=DRAWS, until=2026, watch=stop)
        note = f"stopped; 1 of 2 blocks are kept; finish it with: karvan resume {folder}"
        assert stopped.value.__notes__ == [f"{folder}: {note}"]

        @refuse
        def shown() -> None:
            raise stopped.value

        told = CliRunner().invoke(click.command()(shown), [])
        assert note in told.output and told.exit_code == 1
        assert contents(resume(folder, study=azerbaijan)) == undisturbed

    def test_another_version(self, azerbaijan: Study, tmp_path: Path, computed: list[int]) -> None:
        folder = self.begun(azerbaijan, tmp_path / "run")
        plan = json.loads((folder / PLAN).read_text())
        (folder / PLAN).write_text(json.dumps({**plan, "karvan": "0.0.1"}))
        with pytest.raises(RunFault, match=r"begun by karvan 0\.0\.1"):
            resume(folder, study=azerbaijan)

    @pytest.mark.parametrize("name", [MANIFEST, PLAN])
    def test_a_newer_format(self, azerbaijan: Study, tmp_path: Path, computed: list[int], name: str) -> None:
        folder = self.begun(azerbaijan, tmp_path / "run")
        plan = json.loads((folder / PLAN).read_text())
        (folder / name).write_text(json.dumps({**plan, "format": 2}))
        with pytest.raises(RunFault, match="format 2 found; this karvan reads format 1; update karvan"):
            read(folder)

    def test_unreadable(self, tmp_path: Path) -> None:
        (tmp_path / MANIFEST).write_text("{")
        with pytest.raises(RunFault, match="unreadable"):
            read(tmp_path)

    def test_a_lost_chunk(self, tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
        (tmp_path / "undisturbed" / "figures-00001.parquet").unlink()
        with pytest.raises(RunFault, match=r"figures-00001.parquet: the file is missing"):
            read(tmp_path / "undisturbed")

    def test_a_second_writer(self, azerbaijan: Study, tmp_path: Path, computed: list[int]) -> None:
        pytest.importorskip("fcntl", reason="this system has no such locks")
        folder = tmp_path / "run"

        def second(event: str, path: Path) -> None:
            if event == "before rename" and path.name == "figures-00001.parquet":
                keep_run(azerbaijan, folder, draws=DRAWS, until=2026)

        with pytest.raises(RunFault, match="another process is writing this run"):
            keep_run(azerbaijan, folder, draws=DRAWS, until=2026, watch=second)

    def test_no_run(self, tmp_path: Path) -> None:
        with pytest.raises(RunFault, match="no such run folder"):
            read(tmp_path / "none")
        with pytest.raises(RunFault, match="this is no run folder"):
            resume(tmp_path)


class TestList:
    """karvan runs."""

    def test_the_run_itself(self, tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
        (one,) = list_runs(tmp_path / "undisturbed")
        assert one.folder == str(tmp_path / "undisturbed") and one.state == "whole"

    def test_states(self, azerbaijan: Study, tmp_path: Path, computed: list[int]) -> None:
        keep_run(azerbaijan, tmp_path / "a", draws=DRAWS, until=2026)
        TestMessages().begun(azerbaijan, tmp_path / "b")
        (tmp_path / "c").mkdir()
        (tmp_path / "c" / MANIFEST).write_text('{"format": 9}')
        (tmp_path / "notes").mkdir()
        found = list_runs(tmp_path)
        assert [(Path(item.folder).name, item.blocks, item.state[:10]) for item in found] == [
            ("a", "2/2", "whole"),
            ("b", "1/2", "unfinished"),
            ("c", "", f"{tmp_path / 'c'}"[:10]),
        ]
        assert list_runs(tmp_path / "nowhere") == []


class TestQuery:
    """karvan query: SELECT over a run, and nothing but."""

    def test_median(self, tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
        folder = tmp_path / "undisturbed"
        found = query(folder, "select year, median(output) as made from figures where plant = 'total' group by year")
        assert found.columns == ["year", "made"]
        assert found["made"][0] == pytest.approx(np.median(read(folder).draws_of("output", 2026)), rel=1e-12)
        markets = query(folder, "select count(distinct market) as n from markets")
        assert markets["n"].to_list() == [12]

    def test_full(self, azerbaijan: Study, tmp_path: Path, computed: list[int]) -> None:
        folder = keep_run(azerbaijan, tmp_path / "run", draws=DRAWS, until=2026, keep="full")
        sums = query(folder, "select sum(exports) as x from market_draws where market <> 'AZE'")
        total = query(folder, "select sum(exports) as x from figures where plant = 'total'")
        assert sums["x"][0] == pytest.approx(total["x"][0], rel=1e-9)

    @pytest.mark.parametrize(
        ("sql", "message"),
        [
            ("select outpt from figures", "did you mean 'output'"),
            ("select * from figure", "did you mean 'figures'"),
            ("select * from output", r"output is a column: select year, median\(output\) from figures"),
            ("select * from xyz", "tables: figures, markets"),
            ("selec 1", r"near \"selec\"$"),
            ("copy figures to 'x.csv'", "is not one SELECT"),
            ("select 1; select 2", "is not one SELECT"),
            ("drop view figures", "is not one SELECT"),
            ("select * from read_csv('/etc/hostname')", "cannot be answered: Permission Error"),
            ("selekt", "cannot be answered: Parser Error"),
        ],
    )
    def test_refused(self, tmp_path: Path, undisturbed: dict[str, bytes], sql: str, message: str) -> None:
        with pytest.raises(RunFault, match=message):
            query(tmp_path / "undisturbed", sql)
        assert contents(tmp_path / "undisturbed") == undisturbed


class TestConvergence:
    """How many draws are enough."""

    def test_against_theory(self) -> None:
        """The standard error of the median of n normal numbers is sqrt(pi / 2 / n) standard deviations."""
        values = np.random.default_rng(1).standard_normal(50_000)
        found = converge("x", values)
        assert found.draws == (100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000)
        for draws, error in list(zip(found.draws, found.errors, strict=True))[3:]:
            assert error == pytest.approx(np.sqrt(np.pi / 2 / draws), rel=0.25)
        # One per cent of 3.29 standard deviations: (1.2533 / 0.0329)^2 = 1,451 draws.
        assert found.enough == pytest.approx(1451, rel=0.4)

    def test_a_figure_that_does_not_vary(self) -> None:
        assert converge("x", np.ones(1000)).enough == 1

    def test_of_a_run(self, tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
        found = convergence(tmp_path / "undisturbed")
        assert found[0].figure == "output.2026"
        assert found[0].draws[-1] == DRAWS
        values = read(tmp_path / "undisturbed").draws_of("output", 2026)
        assert found[0].medians[-1] == np.median(values)


def test_a_writer_forgets_the_pieces_of_one_that_was_killed(tmp_path: Path) -> None:
    """Files begun and not renamed are removed when the run is taken up again."""
    manifest = {"draws": 1}
    (tmp_path / "detail").mkdir()
    (tmp_path / "detail" / ".00000.part").write_bytes(b"half")
    (tmp_path / ".figures-00000.parquet.part").write_bytes(b"half")
    Writer(tmp_path, manifest, manifest).begin()
    assert sorted(contents(tmp_path)) == [PLAN]

"""Runs kept as folders: whole or not at all, the same bytes for the same run."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from karvan.base.axes import Array
from karvan.base.streams import BLOCK
from karvan.futures import store
from karvan.futures.chunks import DETAIL, Detail, detail_bytes
from karvan.futures.ensemble import Futures, simulate
from karvan.futures.store import RunFault, Writer, fingerprint, manifest, read, read_manifest, save
from karvan.study.load import Study, load


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def folder(baseline: Futures, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was kept."""
    return save(baseline, tmp_path_factory.mktemp("runs") / "deep" / "run")


class TestManyBlocks:
    """Quantiles over all draws when the detail does not fit in memory: the same numbers, each block read once."""

    def test_sorted_by_cell_on_disk(self, tmp_path: Path, baseline: Futures, monkeypatch: pytest.MonkeyPatch) -> None:
        generator = np.random.default_rng(3)
        markets, sizes = len(baseline.layout.markets), (BLOCK, BLOCK, 7)
        blocks = [{name: generator.random((size, 5, markets)) for name in ("exports", "sales_new")} for size in sizes]
        told = manifest(baseline) | {"draws": sum(sizes)}
        writer = Writer(tmp_path, told, told)
        writer.begin()
        for number, block in enumerate(blocks):
            writer.place(f"{DETAIL}/{number:05d}", detail_bytes(block))
        at_once = writer.quantiles()
        monkeypatch.setattr(store, "AT_ONCE", 8 * sum(sizes) * 11)  # eleven cells at a time: the last slice is shorter
        reads: list[int] = []
        rows = Detail.rows

        def counted(self: Detail, start: int, count: int) -> Array:
            reads.append(start)
            return rows(self, start, count)

        monkeypatch.setattr(Detail, "rows", counted)
        assert writer.quantiles().equals(at_once)
        assert len(reads) == len(sizes)
        assert sorted(path.name for path in (tmp_path / DETAIL).iterdir()) == ["00000", "00001", "00002"]
        whole = np.concatenate([block["exports"] for block in blocks])
        shown = at_once.filter((pl.col("quantity") == "exports") & (pl.col("quantile") == 0.9))
        assert np.array_equal(shown["value"].to_numpy(), np.quantile(whole, 0.9, axis=0).reshape(-1))


class TestRoundTrip:
    """What is written can be read."""

    def test_files(self, folder: Path) -> None:
        assert sorted(bytes_of(folder)) == ["figures-00000.parquet", "manifest.json", "markets.parquet"]
        assert not list(folder.parent.glob(".*"))

    def test_every_draw_of_the_figures(self, folder: Path, baseline: Futures) -> None:
        kept = read(folder).figures
        total = kept.filter(pl.col("plant") == "total").sort("draw", "year")
        for name, values in baseline.figures.items():
            assert np.array_equal(total[name].to_numpy().reshape(values.shape), values), name
        for p, plant in enumerate(baseline.own_plants):
            rows = kept.filter(pl.col("plant") == plant).sort("draw", "year")
            assert np.array_equal(rows["output"].to_numpy().reshape(60, 5), baseline.plants["output"][:, :, p])
            assert rows["gdp"].null_count() == rows.height  # not given by plant

    def test_market_quantiles(self, folder: Path, baseline: Futures) -> None:
        kept = read(folder).markets
        assert {0.05, 0.5, 0.95} <= set(kept["quantile"])
        m = baseline.layout.markets.index("RUS")
        one = kept.filter(
            (pl.col("market") == "RUS")
            & (pl.col("year") == 2028)
            & (pl.col("quantity") == "exports")
            & (pl.col("quantile") == 0.95)
        )
        assert one["value"].to_list() == [np.quantile(baseline.markets["exports"][:, 2, m], 0.95)]

    def test_manifest(self, folder: Path, baseline: Futures) -> None:
        told = read(folder).manifest
        assert told == json.loads(json.dumps(manifest(baseline)))
        assert (told["draws"], told["seed"], told["years"], told["block"]) == (60, 1, [2026, 2030], 500)

    def test_chunks_of_a_block(self, azerbaijan: Study, tmp_path: Path) -> None:
        run = simulate(azerbaijan, draws=510, until=2026, workers=1)
        folder = save(run, tmp_path / "run")
        assert len(list(folder.glob("figures-*.parquet"))) == 2
        assert read(folder).figures["draw"].n_unique() == 510


class TestSameBytes:
    """No clock and no chance in the bytes."""

    def test_twice(self, azerbaijan: Study, baseline: Futures, tmp_path: Path) -> None:
        again = simulate(azerbaijan, draws=60, until=2030, seed=1, workers=1)
        one, two = save(baseline, tmp_path / "one"), save(again, tmp_path / "two")
        assert bytes_of(one) == bytes_of(two)

    def test_saving_the_same_run_again_changes_nothing(self, baseline: Futures, tmp_path: Path) -> None:
        folder = save(baseline, tmp_path / "run")
        before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
        assert save(baseline, folder) == folder
        assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before

    def test_fingerprint_knows_every_part_of_a_study(self, azerbaijan: Study) -> None:
        own = fingerprint(azerbaijan)
        assert own == fingerprint(load("azerbaijan"))
        macro = azerbaijan.table("macro").with_columns(pl.col("value") * 2)
        assert own != fingerprint(replace(azerbaijan, tables={**azerbaijan.tables, "macro": macro}))
        fewer = {name: scenario for name, scenario in azerbaijan.scenarios.items() if name != "hub"}
        assert own != fingerprint(replace(azerbaijan, scenarios=fewer))


class TestInTheWay:
    """What is in the folder's place is left alone."""

    def test_a_file(self, baseline: Futures, tmp_path: Path) -> None:
        place = tmp_path / "run"
        place.write_text("mine")
        with pytest.raises(RunFault, match="a file is in the run folder's place"):
            save(baseline, place)
        assert place.read_text() == "mine"

    def test_another_run(self, baseline: Futures, hub: Futures, tmp_path: Path) -> None:
        folder = save(baseline, tmp_path / "run")
        before = bytes_of(folder)
        with pytest.raises(RunFault, match="another run is kept there; choose another name with -o"):
            save(hub, folder)
        assert bytes_of(folder) == before

    def test_a_folder_of_something_else(self, baseline: Futures, tmp_path: Path) -> None:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "notes.txt").write_text("mine")
        with pytest.raises(RunFault, match="a folder of other files is in its place; move it or choose another name"):
            save(baseline, tmp_path / "run")

    def test_an_empty_folder_is_taken(self, baseline: Futures, tmp_path: Path) -> None:
        (tmp_path / "run").mkdir()
        assert read_manifest(save(baseline, tmp_path / "run"))["seed"] == 1

    def test_leftovers_of_a_run_that_was_stopped(self, baseline: Futures, tmp_path: Path) -> None:
        """The next run finishes what a stopped one left aside."""
        stopped = tmp_path / ".run.part"
        stopped.mkdir()
        (stopped / "figures-00000.part").write_bytes(b"half")
        folder = save(baseline, tmp_path / "run")
        assert "figures-00000.parquet" in bytes_of(folder)
        assert not any(name.endswith(".part") for name in bytes_of(folder))
        assert not stopped.exists()


class TestRenamedIntoPlace:
    """A run folder appears whole or not at all."""

    def test_a_full_disk(self, baseline: Futures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(writer: Writer) -> pl.DataFrame:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Writer, "quantiles", full)
        with pytest.raises(RunFault, match=r"cannot be written \(No space left on device\)"):
            save(baseline, tmp_path / "run")
        assert not (tmp_path / "run").exists()
        monkeypatch.undo()
        assert read_manifest(save(baseline, tmp_path / "run"))["draws"] == 60  # there is room again

    def test_nothing_is_in_its_place_while_files_are_written(
        self, baseline: Futures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place, seen = Writer.place, []

        def watched(writer: Writer, name: str, data: bytes) -> None:
            place(writer, name, data)
            seen.append(name)
            assert not (tmp_path / "run").exists()

        monkeypatch.setattr(Writer, "place", watched)
        save(baseline, tmp_path / "run")
        assert seen[-1] == "manifest.json"
        assert (tmp_path / "run").is_dir()

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_no_right_to_write(self, baseline: Futures, tmp_path: Path) -> None:
        tmp_path.chmod(0o500)
        try:
            with pytest.raises(RunFault, match="cannot be written"):
                save(baseline, tmp_path / "run")
        finally:
            tmp_path.chmod(0o700)


class TestReading:
    """What cannot be read says why."""

    def test_no_run(self, tmp_path: Path) -> None:
        with pytest.raises(RunFault, match=r"no manifest\.json"):
            read(tmp_path)

    def test_broken_manifest(self, tmp_path: Path) -> None:
        (tmp_path / "manifest.json").write_text("{")
        with pytest.raises(RunFault, match="unreadable"):
            read(tmp_path)

    def test_newer_format(self, baseline: Futures, tmp_path: Path) -> None:
        folder = save(baseline, tmp_path / "run")
        path = folder / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
        with pytest.raises(RunFault, match="format 99 found; this karvan reads format 1; update karvan"):
            read(folder)

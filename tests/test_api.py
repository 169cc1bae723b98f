"""The public face in Python: what a notebook needs, and nothing heavy until it is used."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import karvan as kv
from karvan.study.load import load


@pytest.fixture(scope="module")
def futures() -> kv.Futures:
    """A few futures, made as the README makes them."""
    study = kv.load("azerbaijan")
    return kv.simulate(study, scenario="baseline", draws=40, until=2030, seed=1)


class TestPublicList:
    """The list is short, complete, and every name on it can be imported."""

    @pytest.mark.parametrize("name", kv.__all__)
    def test_importable(self, name: str) -> None:
        value = getattr(kv, name)
        assert value is not None
        assert name == "__version__" or value.__doc__

    def test_complete(self) -> None:
        """Whatever is exported is on the list, and the list is what completion shows."""
        assert set(kv._WHERE) | {"__version__"} == set(kv.__all__)
        assert dir(kv) == sorted(kv.__all__)
        assert kv.__all__ == sorted(kv.__all__)

    def test_unknown(self) -> None:
        with pytest.raises(AttributeError, match="module 'karvan' has no attribute 'simulat'"):
            _ = kv.simulat

    def test_functions_are_not_hidden_by_packages(self) -> None:
        """``kv.report`` stays a function even when its package has been imported."""
        import karvan.reporting.report
        import karvan.study.load  # noqa: F401

        assert all(callable(getattr(kv, name)) for name in ("load", "simulate", "report", "compare", "explain"))

    def test_importing_loads_nothing_heavy(self) -> None:
        heavy = ("numpy", "polars", "scipy", "pydantic", "altair", "click", "rich")
        code = f"import sys, karvan; print([name for name in {heavy!r} if name in sys.modules])"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout.strip() == "[]"


class TestNotebook:
    """The five lines of the README."""

    def test_tidy_frame(self, futures: kv.Futures) -> None:
        frame = futures.output
        assert isinstance(frame, pl.DataFrame)
        assert frame.columns == ["draw", "year", "plant", "value"]
        assert frame.schema["value"] == pl.Float64
        assert frame["draw"].n_unique() == 40
        assert frame["year"].unique().sort().to_list() == [2026, 2027, 2028, 2029, 2030]
        assert frame.null_count().sum_horizontal().item() == 0
        assert frame.select("draw", "year", "plant").is_duplicated().sum() == 0
        plants = frame.filter(pl.col("plant") != "total").group_by("draw", "year").agg(pl.col("value").sum())
        both = plants.join(frame.filter(pl.col("plant") == "total"), on=["draw", "year"])
        assert (both["value"] - both["value_right"]).abs().max() == pytest.approx(0, abs=1e-6)

    def test_report(self, futures: kv.Futures, tmp_path: Path) -> None:
        path = kv.report(futures, tmp_path / "report.html")
        assert path == tmp_path / "report.html"
        text = path.read_text(encoding="utf-8")
        assert text.lower().startswith("<!doctype html>")
        assert 'data-figure="output.' in text

    def test_compare(self, futures: kv.Futures) -> None:
        hub = kv.simulate(futures.study, scenario="hub", draws=40, until=2030, seed=1)
        found = kv.compare({"baseline": futures, "hub": hub}, ["output", "jobs_net"], 2030)
        assert found.columns == ["quantity", "scenario", "low", "median", "high", "unit"]
        assert found["scenario"].to_list() == ["baseline", "hub"] * 2
        assert (found["low"] <= found["median"]).all()
        assert (found["median"] <= found["high"]).all()

    def test_explain(self, futures: kv.Futures) -> None:
        forecast = kv.explain(futures, "output.2030")
        assert forecast.figure.kind == "forecast"
        assert forecast.cells
        record = kv.explain(futures.study, "output.2019")
        assert record.figure.value == 2360
        assert record.claims
        net = kv.explain(futures.study, "jobs_net.2026@hub", draws=10)
        assert net.figure.kind == "forecast"

    def test_refusals_are_karvan_errors(self) -> None:
        with pytest.raises(kv.KarvanError, match="did you mean 'azerbaijan'"):
            kv.load("azerbajan")
        with pytest.raises(kv.KarvanError, match="did you mean 'hub'"):
            kv.simulate(load("azerbaijan"), scenario="hubb")

    def test_faults_of_a_study(self, tiny: Path) -> None:
        (tiny / "plant.csv").write_text("plant\n")
        with pytest.raises(kv.StudyFaults) as caught:
            kv.load(tiny)
        assert [fault.file for fault in caught.value.faults] == ["plant.csv"]

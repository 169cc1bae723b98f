"""The base-year car flows: the method on a matrix that is known, and the packaged estimate."""

import csv
import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from karvan.base.axes import Array
from karvan.market.flows import balance_flows, gravity_seed
from karvan.market.rebuild import great_circle, rebuild_error
from karvan.study import schema

ROOT = Path(__file__).parents[2]
FACTS = ROOT.parent / "shared" / "facts" / "world"
WORLD = Path(schema.__file__).parent / "world"
FLOWS = Path(schema.__file__).parent / "studies" / "azerbaijan" / "flows.csv"

needs_facts = pytest.mark.skipif(not FACTS.is_dir(), reason="the fact files (1993 car matrix, WIOD) are not at hand")


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


class TestFiveCountriesOf1993:
    """Caliendo and Parro (2015), sector Auto, 1993, million USD without duty, home sales on the diagonal: five of 31
    regions; tariffs of 1993 in percent. The elasticities are those of the whole matrix (``docs/flows.md``)."""

    countries = ("DEU", "FRA", "JPN", "KOR", "USA")
    true = np.array(
        [
            [79098.3, 6673.84, 3241.2, 199.317, 7119.96],
            [4898.98, 41678.3, 128.327, 14.9268, 773.59],
            [4998.4, 814.909, 290346.0, 781.893, 33600.0],
            [284.817, 82.7489, 80.0558, 26867.3, 932.78],
            [1157.93, 372.698, 1679.05, 262.602, 271582.0],
        ]
    )
    duty = np.array(
        [
            [0.0, 0.0, 0.0, 0.1195, 0.0229],
            [0.0, 0.0, 0.0, 0.1118, 0.0206],
            [0.0958, 0.0958, 0.0, 0.1096, 0.0256],
            [0.0627, 0.0627, 0.0, 0.0, 0.0235],
            [0.0852, 0.0852, 0.0, 0.1162, 0.0],
        ]
    )
    home = np.eye(5, dtype=bool)

    def rebuilt(self) -> Array:
        at = {row["country"]: row for row in read(WORLD / "countries.csv")}
        latitude, longitude = (
            np.array([float(at[c][field]) for c in self.countries]) for field in ("latitude", "longitude")
        )
        km = np.where(self.home, 1.0, great_circle(latitude, longitude, latitude, longitude))
        border = np.zeros((5, 5))
        border[0, 1] = border[1, 0] = 1
        rows, columns = self.true.sum(axis=1), self.true.sum(axis=0)
        seed = gravity_seed(
            rows, columns, km, border, np.exp(-3.175), distance_elasticity=-0.840, contiguity_effect=1.141
        )
        return balance_flows(seed * (1 + self.duty) ** -5.723, rows, columns).flows

    def test_margins_are_met(self) -> None:
        rebuilt = self.rebuilt()
        assert rebuilt.sum(axis=0) == pytest.approx(self.true.sum(axis=0), rel=1e-9)
        assert rebuilt.sum(axis=1) == pytest.approx(self.true.sum(axis=1), rel=1e-9)

    def test_rebuilds_better_than_the_margins_alone(self) -> None:
        """Most value stands in the right cell; without the seed three tenths or more would not."""
        edges = np.array([0.0, 1.01])
        method = rebuild_error(self.true, self.rebuilt(), self.home, edges)
        margins = self.true.sum(axis=1)[:, None] * self.true.sum(axis=0) / self.true.sum()
        alone = rebuild_error(self.true, margins, self.home, edges)
        assert method.misplaced < 0.05
        assert alone.misplaced > 0.3
        assert method.correlation_abroad > 0.8


@pytest.fixture(scope="module")
def script() -> Any:
    sys.path.insert(0, str(ROOT))
    try:
        return importlib.import_module("scripts.build_flows")
    finally:
        sys.path.remove(str(ROOT))


@pytest.fixture(scope="module")
def proof(script: Any) -> Any:
    places = script.Places({row["country"]: row for row in read(WORLD / "countries.csv")})
    return script.proof(FACTS, places, script.world_sales(2005))


@needs_facts
class TestCarMatrixOf1993:
    """The 31-region car matrix rebuilt from its own margins: the numbers of ``docs/flows.md``."""

    def test_elasticities(self, proof: Any) -> None:
        assert proof.fit.coefficients.round(2) == pytest.approx([-0.84, 1.14, -3.18, -5.72], abs=0.006)
        assert proof.fit.standard_errors.round(2) == pytest.approx([0.09, 0.22, 0.75, 1.08], abs=0.006)

    def test_the_rebuilt_matrix_is_the_fit(self, proof: Any) -> None:
        """Two ways to the same flows: balancing the seed, and the fitted values with effects of both sides."""
        assert proof.rebuilt == pytest.approx(proof.fit.fitted, rel=1e-6)

    def test_misplaced_value(self, proof: Any) -> None:
        assert proof.error.misplaced == pytest.approx(0.096, abs=5e-4)
        assert proof.error.misplaced_abroad == pytest.approx(0.284, abs=5e-4)

    def test_correlations(self, proof: Any) -> None:
        found = (proof.error.correlation, proof.error.correlation_abroad, proof.error.correlation_log)
        assert found == pytest.approx((0.997, 0.914, 0.809), abs=5e-4)

    def test_log_errors(self, proof: Any) -> None:
        assert proof.error.log_rmse == pytest.approx(2.96, abs=5e-3)
        assert proof.error.log_rmse_large == pytest.approx(0.69, abs=5e-3)
        assert proof.error.class_log_error == pytest.approx([1.52, 0.99, 0.85, 0.69, 0.49, 0.40], abs=5e-3)

    def test_larger_cells_have_smaller_errors(self, proof: Any) -> None:
        assert np.all(np.diff(proof.error.class_log_error) < 0)

    def test_few_cells_lie_above_the_band(self, script: Any, proof: Any) -> None:
        below, inside, above = script.coverage(proof.true, proof.rebuilt, proof.home, proof.error)
        assert (below, inside, above) == pytest.approx((0.12, 0.85, 0.02), abs=6e-3)

    def test_another_matrix(self, script: Any, proof: Any) -> None:
        """WIOD transport equipment 2011, 40 countries, with the elasticities of 1993."""
        places = script.Places({row["country"]: row for row in read(WORLD / "countries.csv")})
        error, (_, inside, above) = script.second_matrix(FACTS, places, 2011, proof)
        assert (error.misplaced, error.misplaced_abroad) == pytest.approx((0.150, 0.320), abs=6e-4)
        assert (inside, above) == pytest.approx((0.78, 0.06), abs=6e-3)

    def test_the_packaged_flows_are_what_the_script_makes(self, script: Any, proof: Any) -> None:
        places = script.Places({row["country"]: row for row in read(WORLD / "countries.csv")})
        table, _ = script.estimate(places, proof)
        for made, kept in zip(table, read(FLOWS), strict=True):
            assert {**made, "units": ""} == {**kept, "units": ""}
            assert float(made["units"]) == pytest.approx(float(kept["units"]), abs=0.11, rel=1e-6)


class TestPackagedFlows:
    rows = read(FLOWS) if FLOWS.exists() else []

    def units(self, exporter: str, importer: str) -> float:
        return next(float(r["units"]) for r in self.rows if (r["exporter"], r["importer"]) == (exporter, importer))

    def sales(self, country: str) -> float:
        years = {"2017", "2018", "2019"}
        found = [r for r in read(WORLD / "sales.csv") if r["country"] == country and r["year"] in years]
        return sum(float(r["passenger_cars"]) for r in found) / 3

    def test_every_pair_once(self) -> None:
        assert len({(r["exporter"], r["importer"]) for r in self.rows}) == len(self.rows) == 15 * 13

    def test_every_row_says_estimated(self) -> None:
        assert all(r["source"].startswith("estimated: scripts/build_flows.py") for r in self.rows)

    @pytest.mark.parametrize("market", ["AZE", "GEO", "TUR", "RUS", "KAZ", "TKM", "KGZ", "UKR", "BLR", "IRQ"])
    def test_columns_are_the_sales_on_record(self, market: str) -> None:
        column = sum(float(r["units"]) for r in self.rows if r["importer"] == market)
        assert column == pytest.approx(self.sales(market), abs=1)

    @pytest.mark.parametrize("market", ["UZB", "IRN"])
    def test_where_sales_are_contradicted_they_are_replaced_and_said_to_be(self, market: str) -> None:
        column = sum(float(r["units"]) for r in self.rows if r["importer"] == market)
        assert column > 1.05 * self.sales(market)
        free = [r for r in self.rows if r["importer"] == market and "gravity seed" in r["source"]]
        assert free
        assert all("sales replaced" in r["note"] for r in free)

    def test_azerbaijan_sells_at_home_what_it_made(self) -> None:
        assert self.units("AZE", "AZE") == pytest.approx((30 + 969 + 2360) / 3, abs=0.05)
        assert sum(self.units("AZE", r["importer"]) for r in self.rows if r["exporter"] == "AZE") == pytest.approx(
            (30 + 969 + 2360) / 3, abs=0.05
        )

    def test_cells_on_record(self) -> None:
        """Avtostat: 3,800 Russian cars to Ukraine and 3,100 to Uzbekistan in January-November 2018."""
        assert self.units("RUS", "UKR") == pytest.approx(3800 * 12 / 11, abs=0.1)
        assert self.units("RUS", "UZB") == pytest.approx(3100 * 12 / 11, abs=0.1)

    def test_free_cells_have_the_error_of_their_class_or_more(self) -> None:
        free = [float(r["log_error"]) for r in self.rows if "gravity seed" in r["source"]]
        assert min(free) >= 1.25 * 0.40 - 0.01

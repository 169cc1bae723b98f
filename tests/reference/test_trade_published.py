"""Published results of the trade literature, at the publisher's rounding.

The data of Yotov, Piermartini, Monteiro and Larch (2016), *An Advanced Guide to Trade Policy Analysis*, and of the
other tables are too large for this repository; where their folder is not beside it, these tests are skipped, saying so.
"""

import csv
import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from karvan.base.axes import Array
from karvan.market import (
    ExactHat,
    complexity_index,
    exact_hat,
    gravity,
    multilateral_resistance,
    revealed_advantage,
)

SHARED = Path(__file__).parents[2].parent / "shared" / "reference" / "trade"

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the reference folder is not beside the repository")


def rows_of(name: str) -> list[dict[str, str]]:
    """Rows of a reference table."""
    path = SHARED / name
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as stream:
        return list(csv.DictReader(stream))


def square(rows: list[dict[str, str]], column: str) -> tuple[list[str], Array]:
    """A column as exporter x importer, countries in alphabetical order."""
    names = sorted({row["exporter"] for row in rows})
    at = {name: i for i, name in enumerate(names)}
    matrix = np.zeros((len(names), len(names)))
    for row in rows:
        matrix[at[row["exporter"]], at[row["importer"]]] = float(row[column])
    return names, matrix


class TestEuEnlargement:
    """Enlargement of the European Union, 44 countries, 2000; theta 4; the effect on trade is ln t_hat^-theta."""

    @pytest.fixture(scope="class")
    @classmethod
    def case(cls) -> tuple[list[str], Array, Array]:
        rows = rows_of("trade_2000_44_countries.csv.gz")
        names, flows = square(rows, "trade")
        effect = square(rows, "eu_effect")[1]
        np.fill_diagonal(effect, 0.0)
        return names, flows, np.exp(-effect / 4.0)

    def test_equilibrium_to_ten_digits(self, case: tuple[list[str], Array, Array]) -> None:
        """The equations hold, written out once more, pair by pair."""
        _, flows, cost = case
        new = exact_hat(flows, cost, 4.0)
        Y, E = flows.sum(axis=1), flows.sum(axis=0)
        spending = Y * new.wages + (E - Y)
        for j in range(len(Y)):
            weights = flows[:, j] * (new.wages * cost[:, j]) ** -4.0
            np.testing.assert_allclose(new.flows[:, j], weights / weights.sum() * spending[j], rtol=1e-10)
            assert new.price_index[j] == pytest.approx((weights.sum() / E[j]) ** -0.25, rel=1e-10)
        np.testing.assert_allclose(new.flows.sum(axis=1), Y * new.wages, rtol=1e-10)
        np.testing.assert_allclose(new.welfare, spending / E / new.price_index, rtol=1e-12)
        home = np.diag(new.flows) / spending / (np.diag(flows) / E)
        np.testing.assert_allclose(new.real_wages, home**-0.25, rtol=1e-10)

    def test_who_gains(self, case: tuple[list[str], Array, Array]) -> None:
        """Every newcomer gains more than every old member, who gains; every outsider loses a little."""
        _, flows, cost = case
        welfare = exact_hat(flows, cost, 4.0).welfare
        new_pairs = (cost < 1).sum(axis=1)
        newcomer, member = new_pairs == new_pairs.max(), (new_pairs > 0) & (new_pairs < new_pairs.max())
        assert (newcomer.sum(), member.sum()) == (13, 16)
        assert welfare[newcomer].min() > welfare[member].max() > welfare[member].min() > 1
        assert 0.999 < welfare[new_pairs == 0].min() < welfare[new_pairs == 0].max() < 1


class TestTradeWithoutBorders:
    """Advanced Guide, chapter 2, application 1: no border effect, 69 countries, 2006, sigma 7.

    Flows are those fitted by PPML with the published coefficients. The published loop stops before it has converged:
    2 % relative; the converged values: 0.1 percentage points.
    """

    @pytest.fixture(scope="class")
    @classmethod
    def world(cls) -> tuple[list[str], Array, ExactHat]:
        rows = [row for row in rows_of("agtpa_applications.csv.gz") if row["year"] == "2006"]
        names, flows = square(rows, "trade")
        published = {row["variable"]: float(row["coef"]) for row in rows_of("agtpa_ch2_ppml_borders.csv")}
        border = 1 - np.eye(len(names))
        log_phi = (
            published["ln_DIST"] * np.log(square(rows, "DIST")[1])
            + published["CNTG"] * square(rows, "CNTG")[1]
            + published["INTL_BRDR"] * border
        )
        Y, E = flows.sum(axis=1), flows.sum(axis=0)
        outward, inward = multilateral_resistance(Y, E, np.exp(log_phi))
        fitted = np.outer(Y, E) / Y.sum() * np.exp(log_phi) / np.outer(outward, inward)
        cost = np.exp(published["INTL_BRDR"] * border / 6.0)
        return names, fitted, exact_hat(fitted, cost, 6.0, "multiplicative")

    @pytest.mark.parametrize(
        "row", rows_of("agtpa_ge_trade_without_borders_10countries.csv") if SHARED.is_dir() else []
    )
    def test_country(self, world: tuple[list[str], Array, ExactHat], row: dict[str, str]) -> None:
        names, fitted, new = world
        at, germany = names.index(row["country"]), names.index("DEU")
        numeraire = new.price_index[germany]
        found = {
            "price": new.wages[at] / numeraire,
            "IMR": new.price_index[at] / numeraire,
            "rGDP": new.real_wages[at],
            "Xi": (new.flows[at].sum() - new.flows[at, at]) / (fitted[at].sum() - fitted[at, at]) / numeraire,
        }
        for name, value in found.items():
            assert 100 * (value - 1) == pytest.approx(float(row[f"exacthat_{name}"]), abs=0.1), name
            assert value == pytest.approx(1 + float(row[f"change_{name}_FULL"]) / 100, rel=0.02), name


class TestComplexity:
    """Exports by SITC4 product, mean of 1998 to 2000: the index of 13 countries."""

    def test_index(self) -> None:
        rows = rows_of("world_trade_avg_1998_2000_sitc4.csv.gz")
        countries, products = sorted({r["country"] for r in rows}), sorted({r["product"] for r in rows})
        row_at = {name: i for i, name in enumerate(countries)}
        column_at = {name: i for i, name in enumerate(products)}
        exports = np.zeros((len(countries), len(products)))
        for row in rows:
            exports[row_at[row["country"]], column_at[row["product"]]] += float(row["value"])
        eci, _ = complexity_index(revealed_advantage(exports) >= 1)
        for row in rows_of("eci_selected.csv"):
            assert eci[row_at[row["country"]]] == pytest.approx(float(row["eci"]), abs=1e-8), row["country"]


class TestAdvancedGuidePpml:
    """Advanced Guide, chapter 1: tables 1 and 3, to three decimals; every fourth year from 1986 to 2006."""

    @pytest.fixture(scope="class")
    @classmethod
    def data(cls) -> dict[str, Any]:
        pytest.importorskip("pyfixest", reason="the extra karvan[gravity] is not installed")
        years = {"1986", "1990", "1994", "1998", "2002", "2006"}
        rows = [row for row in rows_of("agtpa_applications.csv.gz") if row["year"] in years]
        text = {name: np.array([row[name] for row in rows]) for name in ("exporter", "importer", "year", "pair_id")}
        number = {
            name: np.array([float(row[name]) for row in rows])
            for name in ("trade", "DIST", "CNTG", "LANG", "CLNY", "RTA")
        }
        return text | number

    def estimate(self, data: dict[str, Any], names: str, where: Any, method: str = "ppml", pair: bool = False) -> Any:
        """The equation of one column of a table."""
        columns = {"log_dist": np.log(data["DIST"]), "cntg": data["CNTG"], "lang": data["LANG"], "clny": data["CLNY"]}
        columns["rta"] = data["RTA"]
        return gravity(
            data["trade"][where],
            data["exporter"][where],
            data["importer"][where],
            {name: columns[name][where] for name in names.split()},
            year=data["year"][where],
            pair=data["pair_id"][where] if pair else None,
            cluster=data["pair_id"][where],
            method=method,  # type: ignore[arg-type]
        )

    @pytest.mark.parametrize(("column", "method"), [("3 OLS FE", "ols"), ("4 PPML FE", "ppml")])
    def test_table_1(self, data: dict[str, Any], column: str, method: str) -> None:
        found = self.estimate(data, "log_dist cntg lang clny", data["exporter"] != data["importer"], method)
        published = [row for row in rows_of("agtpa_ch1_table1.csv") if row["column"] == column]
        assert len(published) == 4
        for row in published:
            coefficient, error = found[row["variable"]]
            assert coefficient == pytest.approx(float(row["coef"]), abs=5.5e-4)
            assert error == pytest.approx(float(row["se"]), abs=5.5e-4)
            assert found.observations == int(row["n"])

    def test_table_3_agreements(self, data: dict[str, Any]) -> None:
        """Regional agreements: 0.191 (0.066) abroad only; 0.557 (0.102) with pair effects and sales at home."""
        abroad = self.estimate(data, "log_dist cntg lang clny rta", data["exporter"] != data["importer"])
        assert abroad["rta"] == pytest.approx((0.191, 0.066), abs=5.5e-4)
        paired = self.estimate(data, "rta", np.ones(len(data["trade"]), dtype=bool), pair=True)
        assert paired["rta"] == pytest.approx((0.557, 0.102), abs=5.5e-4)
        assert paired.observations == 28482

    def test_borders(self, data: dict[str, Any]) -> None:
        """Chapter 2: distance -0.791, contiguity 0.674, border -2.474 in 2006."""
        now = data["year"] == "2006"
        found = gravity(
            data["trade"][now],
            data["exporter"][now],
            data["importer"][now],
            {
                "log_dist": np.log(data["DIST"][now]),
                "cntg": data["CNTG"][now],
                "border": (data["exporter"] != data["importer"])[now].astype(float),
            },
        )
        assert found.coefficients.round(3).tolist() == [-0.791, 0.674, -2.474]

"""Miller and Blair (2009), Junius and Oosterhaven (2003): the printed tables, and the exact fractions behind them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from karvan.economy import Closure, InputOutputTable, cilq, extract, flq, gras, price_effect, ras, sda, slq
from karvan.economy.impact import impact

FILE = Path(__file__).parents[2].parent / "shared" / "reference" / "input_output" / "textbook_anchors.json"


@pytest.fixture(scope="module")
def anchors() -> dict[str, Any]:
    if not FILE.is_file():
        pytest.skip("the file of full-precision anchors is not here; the printed digits are tested below")
    loaded: dict[str, Any] = json.loads(FILE.read_text())
    return loaded


def table(Z: Any = ((150, 500), (200, 100)), f: Any = (350, 1700), x: Any = (1000, 2000)) -> InputOutputTable:
    return InputOutputTable(
        Z, f, output=x, sectors=["1", "2"], value_added=[650, 1400], compensation=[300, 500],
        household_consumption=[50, 400], prices="basic", flows="domestic",
    )  # fmt: skip


HOUSEHOLDS = Closure.household_column([0.05, 0.40], own=0.05)
"""The column of their closed model, section 2.5: households buy 0.05, 0.40, and 0.05 of labour."""


class TestMillerBlairChapter2:
    """Miller and Blair (2009), Tables 2.3 to 2.5: Z [[150, 500], [200, 100]], f [350, 1700], x [1000, 2000]."""

    def test_inverse_printed(self) -> None:
        assert table().L.round(3).tolist() == [[1.254, 0.330], [0.264, 1.122]]

    def test_inverse_exact(self) -> None:
        # (I - A)^-1 of a 2 x 2 matrix by hand: the adjugate over the determinant 0.85 * 0.95 - 0.25 * 0.20.
        exact = np.array([[0.95, 0.25], [0.20, 0.85]]) / (0.85 * 0.95 - 0.25 * 0.20)
        assert np.abs(table().L - exact).max() < 1e-12

    def test_ghosh_printed(self) -> None:
        assert table().G.round(4).tolist() == [[1.2541, 0.6601], [0.1320, 1.1221]]

    def test_demand_of_600_and_1500(self) -> None:
        answer = impact(table(), {"1": 600, "2": 1500}, price_basis="basic")
        assert answer.by_sector("output").values.round(1).tolist() == [1247.5, 1841.6]

    def test_closed_model_outputs(self) -> None:
        """Section 2.5: f = [600, 1500, 0] gives x = [1456.94, 2338.51, 1075.48]."""
        answer = impact(table(), {"1": 600, "2": 1500}, price_basis="basic", closure=HOUSEHOLDS)
        assert answer.by_sector("output").values.round(2).tolist() == [1456.94, 2338.51]
        # The third output is household income: what industries pay, and the 0.05 that households pay each other.
        assert round(answer.total("income") / 0.95, 2) == 1075.48

    def test_prices_after_a_wage_rise(self) -> None:
        """Section 2.6: wages of sector 1 up by 30 percent, prices 1.113 and 1.030."""
        rise = price_effect(table(), {"1": 0.30}, account="income").values
        assert (1 + rise).round(3).tolist() == [1.113, 1.030]


class TestMillerBlairChapter6:
    """Multipliers of the same table: output 1.5182, 1.4521; income Type I 1.4741, 1.5182, Type II 1.8995, 1.9562."""

    def test_output_simple(self) -> None:
        assert table().effects("output").values.round(4).tolist() == [1.5182, 1.4521]

    def test_output_truncated_total(self) -> None:
        got = table().effects("output", type="II", closure=HOUSEHOLDS).values
        assert got.round(4).tolist() == [1.8924, 1.7733]

    def test_income_simple_and_total(self) -> None:
        assert table().effects("income").values.round(4).tolist() == [0.4422, 0.3795]
        truncated = table().effects("income", type="II", closure=HOUSEHOLDS).values
        assert truncated.round(4).tolist() == [0.5414, 0.4646]
        assert (truncated / 0.95).round(4).tolist() == [0.5698, 0.4890]

    def test_type_one_and_two(self) -> None:
        assert table().multipliers("income").values.round(4).tolist() == [1.4741, 1.5182]
        two = table().multipliers("income", type="II", closure=HOUSEHOLDS).values / 0.95
        assert two.round(4).tolist() == [1.8995, 1.9562]

    def test_ratio_of_type_two_to_one_is_the_same_everywhere(self) -> None:
        one = table().multipliers("income").values
        two = table().multipliers("income", type="II", closure=HOUSEHOLDS).values / 0.95
        assert (two / one).round(4).tolist() == [1.2885, 1.2885]


class TestRas:
    """Miller and Blair (2009), section 7.4.2."""

    A0 = np.array([[0.120, 0.100, 0.049], [0.210, 0.247, 0.265], [0.026, 0.249, 0.145]])
    X = np.array([421.0, 284.0, 283.0])

    def test_printed(self) -> None:
        got = ras(self.A0 * self.X, [245, 136, 159], [251, 107, 182])
        expected = [[0.3924, 0.1219, 0.1596], [0.1509, 0.0661, 0.1897], [0.0529, 0.1887, 0.2938]]
        assert (got.matrix / self.X).round(4).tolist() == expected

    def test_multipliers_printed(self) -> None:
        got = ras(self.A0 * self.X, [245, 136, 159], [251, 107, 182])
        k = 2.4751 / got.r[0]  # r and s are known up to a factor
        assert np.abs(got.r * k - [2.4751, 0.5439, 1.5393]).max() < 1e-4
        assert np.abs(got.s / k - [1.3212, 0.4924, 1.3162]).max() < 1e-4

    def test_full_precision(self, anchors: dict[str, Any]) -> None:
        case = anchors["ras_miller_blair_7_4_2"]
        got = ras(np.array(case["A0"]) * case["x1"], case["u"], case["v"], tolerance=1e-15)
        assert np.abs(got.matrix - case["Z_ras"]).max() < 1e-10


class TestGras:
    """Junius and Oosterhaven (2003), Economic Systems Research 15(1), Table 1 and its balanced form."""

    M = ((7, 3, 5, -3), (2, 9, 8, 1), (-2, 0, 2, 1))

    def test_printed(self) -> None:
        got = gras(self.M, [15, 26, -1], [9, 16, 17, -2]).matrix
        expected = [
            [8.9764, 3.7432, 5.7217, -3.4413], [2.7993, 12.2568, 9.9923, 0.9515], [-2.7758, 0.0, 1.2860, 0.4898],
        ]  # fmt: skip
        assert np.abs(got - expected).max() < 5.1e-5

    def test_totals(self) -> None:
        got = gras(self.M, [15, 26, -1], [9, 16, 17, -2]).matrix
        assert np.abs(got.sum(axis=1) - [15, 26, -1]).max() < 1e-10
        assert np.abs(got.sum(axis=0) - [9, 16, 17, -2]).max() < 1e-10

    def test_full_precision(self, anchors: dict[str, Any]) -> None:
        case = anchors["gras_junius_oosterhaven"]
        assert np.abs(gras(case["M"], case["u"], case["v"]).matrix - case["X"]).max() < 1e-10


class TestMixedModel:
    """Output of sector 1 up by 100 with the final demand of sector 2 unchanged; Miller and Blair (2009), 13.2."""

    def test_by_hand(self) -> None:
        answer = impact(table(), {}, price_basis="basic", exogenous_output={"1": 100})
        # dx2 = 0.20 * 100 / 0.95; what is left for final use of product 1 = 100 - 0.15 * 100 - 0.25 dx2.
        assert np.abs(answer.by_sector("output").values - [100, 20 / 0.95]).max() < 1e-12
        assert abs(answer.final_demand[0] - (85 - 0.25 * 20 / 0.95)) < 1e-12

    def test_smaller_than_the_final_demand_model(self) -> None:
        naive = impact(table(), {"1": 100}, price_basis="basic").by_sector("output")["1"]
        assert round(naive, 2) == 125.41  # the mistake: a plant that makes 100 would be said to make 125


class TestExtraction:
    """The same table without sector 1 (complete, its final demand gone): 1,700 / 0.95 of 3,000 is left."""

    def test_complete_by_hand(self) -> None:
        assert abs(extract(table(), "1").total() - (3000 - 1700 / 0.95)) < 1e-9

    def test_anchors(self, anchors: dict[str, Any]) -> None:
        case = anchors["hypothetical_extraction_2sector"]
        for sector, variant, key in (
            ("1", "complete", "complete_sector1_total_loss"),
            ("2", "complete", "complete_sector2_total_loss"),
            ("1", "backward", "column_only_sector1"),
            ("1", "forward", "row_only_leontief_sector1"),
            ("1", "forward_ghosh", "row_only_ghosh_sector1"),
        ):
            assert abs(extract(table(), sector, variant=variant).total() - case[key]) < 1e-9, key


class TestDecomposition:
    """Two constructed tables: technology and final demand, mean of the polar forms, sum to the change exactly."""

    A1 = np.array([[0.12, 0.28], [0.22, 0.06]])
    F1 = np.array([500.0, 1900.0])

    def later(self) -> InputOutputTable:
        x = np.linalg.solve(np.eye(2) - self.A1, self.F1)
        return table(self.A1 * x, self.F1, x)

    def test_polar_forms_by_hand(self) -> None:
        got = sda(table(), self.later())
        L0, L1 = np.linalg.inv(np.eye(2) - table().A), np.linalg.inv(np.eye(2) - self.A1)
        f0 = np.array([350.0, 1700.0])
        technology = ((L1 - L0) @ f0 + (L1 - L0) @ self.F1) / 2
        assert np.abs(got.parts["technology"].values - technology).max() < 1e-9

    def test_anchors(self, anchors: dict[str, Any]) -> None:
        got = sda(table(), self.later())
        case = anchors["sda_2sector"]
        assert np.abs(got.parts["technology"].values - case["technology_average_polar"]).max() < 1e-9
        assert np.abs(got.parts["final_demand"].values - case["final_demand_average_polar"]).max() < 1e-9


class TestLocationQuotients:
    """Four industries, a region with 8 percent of the nation; by hand and against the constructed anchors."""

    REGION, NATION = (150, 120, 60, 70), (1000, 2000, 1500, 500)

    def test_simple_by_hand(self) -> None:
        assert slq(self.REGION, self.NATION).tolist() == pytest.approx([1.875, 0.75, 0.5, 1.75])

    def test_flq_by_hand(self) -> None:
        size = np.log2(1 + 400 / 5000) ** 0.3
        got = flq(self.REGION, self.NATION, delta=0.3)
        assert got[0, 1] == pytest.approx(1.875 / 0.75 * size) and got[2, 2] == pytest.approx(0.5 * size)

    def test_anchors(self, anchors: dict[str, Any]) -> None:
        case = anchors["location_quotients"]
        assert np.abs(cilq(self.REGION, self.NATION) - case["CILQ_with_LQ_diagonal"]).max() < 1e-12
        assert np.abs(flq(self.REGION, self.NATION, delta=0.3) - case["FLQ"]).max() < 1e-12


def test_all_textbook_values_at_full_precision(anchors: dict[str, Any]) -> None:
    case, t = anchors["miller_blair_2sector"], table()
    pairs = {
        "L": t.L,
        "G_ghosh": t.G,
        "output_multiplier_simple": t.effects("output").values,
        "output_multiplier_truncated_total": t.effects("output", type="II", closure=HOUSEHOLDS).values,
        "income_multiplier_simple": t.effects("income").values,
        "income_multiplier_total_truncated": t.effects("income", type="II", closure=HOUSEHOLDS).values,
        "income_type1": t.multipliers("income").values,
        "price_after_30pct_wage_rise_in_sector1": 1 + price_effect(t, {"1": 0.3}, account="income").values,
        "x_new": t.solver.forward(np.array(case["f_new"], dtype=float)),
    }
    for name, got in pairs.items():
        assert np.abs(got - case[name]).max() < (1e-10 if name == "x_new" else 1e-12), name

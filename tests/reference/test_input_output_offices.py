"""Tables of statistical offices, and the effects and multipliers they publish with them.

Germany 1995 (Eurostat manual) and the Netherlands 2000 stand here in full. Scotland and the United Kingdom are read
from the folder of reference tables beside the repository, and skipped where it is not.
"""

import csv
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from karvan.base.axes import Array
from karvan.economy import Closure, InputOutputTable, LabelledVector, PriceBridge, contribution, extract

FOLDER = Path(__file__).parents[2].parent / "shared" / "reference" / "input_output"
needs_folder = pytest.mark.skipif(not FOLDER.is_dir(), reason="the folder of reference tables is not here")


class TestGermany1995:
    """Eurostat Manual of Supply, Use and Input-Output Tables (2008), p. 482, Table 15.4: six groups, million EUR."""

    @pytest.fixture
    def germany(self) -> InputOutputTable:
        return self.made_germany()

    @staticmethod
    @cache
    def made_germany() -> InputOutputTable:
        return InputOutputTable(
            [
                [1131, 25480, 1, 607, 710, 762],
                [7930, 304584, 64167, 41082, 11981, 30360],
                [426, 7334, 3875, 5296, 23457, 9155],
                [3559, 72717, 14190, 74399, 10835, 21008],
                [3637, 96115, 31027, 65755, 193176, 34223],
                [1552, 14986, 1747, 11225, 15058, 22070],
            ],
            [15219, 619342, 196063, 343355, 268554, 442280],
            output=[43910, 1079446, 245606, 540063, 692487, 508918],
            sectors=["agriculture", "manufacturing", "construction", "trade", "business", "other"],
            value_added=[21664, 395022, 115624, 311407, 415426, 365017],
            compensation=[9382, 296464, 78819, 214450, 124810, 272975],
            imports=[2927, 156703, 13427, 21943, 13371, 13772],
            product_taxes=[1084, 6505, 1548, 8349, 8473, 12551],
            employment=[1096, 8381, 3236, 9251, 4258, 10206],
            currency="EUR",
            unit="million",
            employment_unit="thousand persons",
            year=1995,
            prices="basic",
            flows="domestic",
        )

    def test_backward_linkages(self, germany: InputOutputTable) -> None:
        assert rounded(germany.linkages().backward, 4) == [1.7048, 1.8413, 1.8136, 1.6035, 1.5951, 1.3782]

    def test_forward_linkages(self, germany: InputOutputTable) -> None:
        """The manual prints 1.6691 for manufacturing: two digits exchanged, as both routes to it show."""
        forward = germany.linkages().forward
        assert rounded(forward, 4) == [2.1126, 1.6910, 1.3558, 1.5848, 2.1037, 1.2106]
        by_hand = np.linalg.inv(np.eye(6) - germany.Z / germany.output[:, None]).sum(axis=1)
        assert np.abs(forward.values - by_hand).max() < 1e-12

    def test_value_added_and_employment(self, germany: InputOutputTable) -> None:
        assert rounded(germany.effects("gva"), 4) == [0.8450, 0.7647, 0.8615, 0.9019, 0.9393, 0.9199]
        assert rounded(germany.effects("employment"), 4) == [0.0326, 0.0162, 0.0207, 0.0237, 0.0112, 0.0242]

    def test_a_coin_ends_as_value_added_import_or_tax(self, germany: InputOutputTable) -> None:
        whole = sum(germany.effects(account).values for account in ("gva", "imports", "product_tax"))
        assert np.abs(np.asarray(whole) - 1).max() < 5e-5  # the table is rounded to millions

    def test_rounding_is_reported_not_refused(self, germany: InputOutputTable) -> None:
        # The manual prints an output of 1,079,446 below the column of manufacturing and 1,079,400 beside its row.
        assert germany.output[germany.position("manufacturing")] == 1079446
        by_row = 7930 + 304584 + 64167 + 41082 + 11981 + 30360 + 619342
        assert germany.residual["manufacturing"] == 1079446 - by_row == 0


class TestNetherlands2000:
    """Dutch table of 2000 in six groups, EUR million, with printed income effects and multipliers."""

    @pytest.fixture
    def netherlands(self) -> InputOutputTable:
        return self.made_netherlands()

    @staticmethod
    @cache
    def made_netherlands() -> InputOutputTable:
        Z = np.array(
            [
                [2731, 3, 8260, 36, 59, 615],
                [4, 282, 2013, 3979, 188, 60],
                [3322, 291, 40218, 480, 8004, 16999],
                [983, 53, 2400, 4395, 85, 3458],
                [121, 70, 565, 135, 14103, 9509],
                [2884, 1078, 28400, 1404, 9339, 106994],
            ],
            dtype=float,
        )
        x = np.array([21863, 12292, 210900, 18249, 60244, 435953], dtype=float)
        return InputOutputTable(
            Z,
            x - Z.sum(axis=1),
            output=x,
            sectors=["agriculture", "mining", "manufacturing", "utilities", "construction", "services"],
            compensation=[2336, 520, 35083, 1629, 14339, 151784],
            currency="EUR",
            unit="million",
            year=2000,
            prices="basic",
            flows="domestic",
        )

    def test_type_one(self, netherlands: InputOutputTable) -> None:
        assert rounded(netherlands.effects("income"), 3) == [0.263, 0.099, 0.306, 0.212, 0.465, 0.493]
        assert rounded(netherlands.multipliers("income"), 3) == [2.466, 2.333, 1.840, 2.372, 1.953, 1.417]

    def test_type_two(self, netherlands: InputOutputTable) -> None:
        """With the household column printed beside it: 0, 0, 0.08, 0.03, 0, 0.59."""
        closure = Closure.household_column([0, 0, 0.08, 0.03, 0, 0.59])
        got = netherlands.multipliers("income", type="II", closure=closure).values
        # The column is printed with two digits: it cannot give more than three of the multiplier.
        assert np.abs(got - [3.6377, 3.4423, 2.7144, 3.4996, 2.8813, 2.0907]).max() < 5e-3
        assert np.ptp(got / netherlands.multipliers("income").values) < 1e-12


@needs_folder
class TestScotland2016:
    """Scottish Government, Input-Output Tables 2016: 98 industries, Type I and Type II, as published."""

    @pytest.fixture
    def scotland(self) -> InputOutputTable:
        return self.made_scotland()

    @staticmethod
    @cache
    def made_scotland() -> InputOutputTable:
        flows, rows, columns, labels = read_table("scotland_2016_ixi.csv", 98)
        with (FOLDER / "scotland_2016_employment_fte.csv").open() as file:
            fte = {row["sic"]: float(row["fte"]) for row in csv.DictReader(file)}
        return InputOutputTable(
            flows,
            columns["total_final_use"],
            output=rows["total_output"],
            sectors=labels,
            value_added=rows["gva"],
            compensation=rows["compensation_of_employees"],
            employment=fte,
            household_consumption=columns["households"],
            currency="GBP",
            unit="million",
            employment_unit="FTE",
            year=2016,
            prices="basic",
            flows="domestic",
        )

    @pytest.fixture
    def closure(self) -> Closure:
        """The published inverse divides the household column by total income of households from all sources."""
        return self.made_closure()

    @staticmethod
    @cache
    def made_closure() -> Closure:
        text = (FOLDER / "scotland_2016_household_income.json").read_text()
        return Closure.total_household_income(json.loads(text)["household_income_denominator_gbp_m"])

    @pytest.mark.parametrize("type_", ["I", "II"])
    @pytest.mark.parametrize(
        ("column", "account", "ratio", "tolerance"),
        [
            ("output_multiplier", "output", False, 1e-8),
            ("income_effect", "income", False, 1e-8),
            ("gva_effect", "gva", False, 1e-8),
            ("employment_effect_fte_per_gbp_m", "employment", False, 1e-7),
            ("income_multiplier", "income", True, 1e-8),
            ("gva_multiplier", "gva", True, 1e-8),
            ("employment_multiplier", "employment", True, 2e-8),
        ],
    )
    def test_published(
        self, scotland: InputOutputTable, closure: Closure, type_: str, column: str, account: str, ratio: bool,
        tolerance: float,
    ) -> None:  # fmt: skip
        with (FOLDER / f"scotland_2016_multipliers_type{len(type_)}.csv").open() as file:
            published = {row["sic"]: float(row[column]) for row in csv.DictReader(file)}
        ask = scotland.multipliers if ratio else scotland.effects
        got = ask(account, type=type_, closure=closure if type_ == "II" else None)
        # Imputed rent has output but no jobs or wages: its multiplier is undefined; the office prints a 0.
        undefined = [label for label, value in got.items() if np.isnan(value)]
        assert undefined == (["68.2IMP"] if ratio and account in ("income", "employment") else [])
        gaps = [abs(got[label] - published[label]) for label in got if label not in undefined]
        assert max(gaps) < tolerance

    def test_an_industry_without_output_gives_zeros(self, scotland: InputOutputTable) -> None:
        k = scotland.position("12")  # tobacco
        assert scotland.output[k] == 0 and not scotland.A[:, k].any()
        assert scotland.effects("employment")["12"] == 0 and scotland.multipliers("employment")["12"] == 0

    def test_attribution_by_final_demand_sums_to_the_economy(self, scotland: InputOutputTable) -> None:
        shares = [contribution(scotland, label).share_by_final_demand for label in scotland.sectors]
        for account in ("output", "gva", "employment"):
            assert abs(sum(share[account] for share in shares) - 1) < 1e-9


@needs_folder
class TestScotland2019:
    """The closure matters: motor vehicles Type I 1.310; Type II 1.475 as published, 1.656 by wages alone."""

    @pytest.fixture
    def scotland(self) -> InputOutputTable:
        return self.made_scotland()

    @staticmethod
    @cache
    def made_scotland() -> InputOutputTable:
        flows, rows, columns, labels = read_table("scotland_2019_ixi.csv", None)
        with (FOLDER / "scotland_2019_employment_fte.csv").open() as file:
            fte = {row["sic"]: float(row["fte"]) for row in csv.DictReader(file)}
        return InputOutputTable(
            flows,
            columns["total_final_use"],
            output=rows["total_output"],
            sectors=labels,
            value_added=rows["gva"],
            compensation=rows["compensation_of_employees"],
            imports=rows["imports_rest_of_uk"] + rows["imports_rest_of_world"],
            product_taxes=rows["taxes_less_subsidies_products"],
            employment=fte,
            household_consumption=columns["households"],
            currency="GBP",
            unit="million",
            year=2019,
            prices="basic",
            flows="domestic",
        )

    def test_motor_vehicles(self, scotland: InputOutputTable) -> None:
        published = Closure.total_household_income(156_241)
        assert round(scotland.effects("output")["29"], 3) == 1.310
        assert round(scotland.effects("output", type="II", closure=published)["29"], 3) == 1.475
        by_wages = scotland.effects("output", type="II", closure=Closure.labour_income())["29"]
        assert round(by_wages, 3) == 1.656

    def test_five_extractions_five_numbers(self, scotland: InputOutputTable) -> None:
        def loss(variant: str, keep: bool | None = None) -> int:
            return round(extract(scotland, "29", variant=variant, keep_final_demand=keep).total())

        found = [loss("complete"), loss("backward"), loss("forward"), loss("off_diagonal"), loss("complete", True)]
        assert found == [853, 202, 43, 229, 232]

    def test_gross_contributions_count_the_economy_more_than_once(self, scotland: InputOutputTable) -> None:
        assert scotland.employment is not None
        gross = float(scotland.effects("employment").values @ scotland.output) / float(scotland.employment.sum())
        assert round(gross, 2) == 1.31

    def test_contribution_is_complete_extraction(self, scotland: InputOutputTable) -> None:
        found = contribution(scotland, "29")
        assert found.own["output"] + found.upstream["output"] == pytest.approx(
            extract(scotland, "29").total(), rel=1e-8
        )


@needs_folder
class TestUnitedKingdom2019:
    """ONS input-output analytical tables 2019, 105 industries: where a pound spent on cars ends."""

    @pytest.fixture
    def kingdom(self) -> InputOutputTable:
        return self.made_kingdom()

    @staticmethod
    @cache
    def made_kingdom() -> InputOutputTable:
        flows, rows, columns, labels = read_table("uk_2019_ixi.csv", None)
        return InputOutputTable(
            flows,
            columns["total_use"] - flows.sum(axis=1),
            output=rows["total_output"],
            sectors=labels,
            value_added=rows["gva"],
            compensation=rows["compensation_of_employees"],
            imports=rows["imports_cif"],
            product_taxes=rows["taxes_less_subsidies_products"],
            household_consumption=columns["households"],
            currency="GBP",
            unit="million",
            year=2019,
            prices="basic",
            flows="domestic",
        )

    def test_identity_everywhere(self, kingdom: InputOutputTable) -> None:
        assert kingdom.imports is not None and kingdom.product_taxes is not None and kingdom.value_added is not None
        whole = sum(kingdom.effects(account).values for account in ("gva", "imports", "product_tax"))
        # The table is stored with twelve digits: its columns miss their output by up to 2e-12, and nothing else is off.
        below = kingdom.imports + kingdom.product_taxes + kingdom.value_added
        short = 1 - (kingdom.Z.sum(axis=0) + below) / kingdom.output
        assert np.abs(np.asarray(whole) - 1).max() < 5e-12
        assert np.abs(np.asarray(whole) - 1 + kingdom.solver.adjoint(short)).max() < 1e-14

    def test_a_pound_of_cars(self, kingdom: InputOutputTable) -> None:
        assert round(kingdom.effects("gva")["C29"], 3) == 0.566
        assert round(kingdom.L[kingdom.position("C29"), kingdom.position("C29")], 3) == 1.029

    def test_cars_do_not_have_the_highest_multiplier(self, kingdom: InputOutputTable) -> None:
        """Motor vehicles rank 52nd of 105."""
        output = kingdom.effects("output")
        assert int((output.values > output["C29"]).sum()) + 1 == 52


@needs_folder
def test_us_cars_at_purchasers_and_producers_prices() -> None:
    """BEA 2017: households paid USD 280.3 bn for cars and light trucks, of which 156.5 bn reached the makers."""
    with (FOLDER / "us_2017_detail_margins_pce_and_auto.csv").open() as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["IndustryCode"] == "F01000" and row["CommodityCode"] in ("336111", "336112")
        ]
    paid = np.array([*(float(row["PurchasersValue"]) for row in rows), 0.0])
    margin = [sum(float(row[kind]) for kind in ("Transportation", "Wholesale", "Retail")) for row in rows]
    # Product taxes stand inside the US producers' prices and retail margins: none apart.
    bridge = PriceBridge(np.array([*margin, 0.0]) / np.where(paid > 0, paid, 1), np.zeros(3), np.zeros(3),
                         np.array([0.0, 0.0, 1.0]))  # fmt: skip
    parts = bridge.to_basic(paid)
    assert round(paid.sum() / 1000, 1) == 280.3
    assert round(parts.domestic[:2].sum() / 1000, 1) == 156.5
    assert parts.domestic.sum() == pytest.approx(paid.sum())


def rounded(vector: LabelledVector, digits: int) -> list[float]:
    return [round(float(value), digits) for value in vector.values]


def read_table(name: str, size: int | None) -> tuple[Array, dict[str, Array], dict[str, Array], list[str]]:
    """Flows, rows below them, columns beside them, labels. The industries are those that stand in rows and columns."""
    with (FOLDER / name).open() as file:
        lines = list(csv.reader(file))
    head = lines[0][1:]
    body = {line[0]: np.array([float(cell or "nan") for cell in line[1:]]) for line in lines[1:]}
    labels = [label for label in head if label in body and not label.startswith("total")]
    assert size is None or len(labels) == size
    place = [head.index(label) for label in labels]
    flows = np.array([body[label][place] for label in labels])
    rows = {label: values[place] for label, values in body.items() if label not in labels}
    columns = {
        label: np.array([body[row][head.index(label)] for row in labels]) for label in head if label not in labels
    }
    return flows, rows, columns, labels

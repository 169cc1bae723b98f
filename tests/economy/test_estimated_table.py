"""The packaged estimate for Azerbaijan: it balances, says that it is one, and holds what car parts are bought from."""

import csv
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from karvan.base.axes import Array
from karvan.economy import Closure, InputOutputTable

ROOT = Path(__file__).parents[2]
STUDY = ROOT / "src" / "karvan" / "study" / "studies" / "azerbaijan"
FINAL = ("household_consumption", "other_final", "exports")
DONORS = ("TUR", "RUS", "ROU")


@cache
def industries() -> tuple[dict[str, str], ...]:
    with (STUDY / "industries.csv").open(encoding="utf-8") as file:
        return tuple(csv.DictReader(file))


@cache
def cells(donor: str) -> dict[tuple[str, str], float]:
    with (STUDY / "input_output.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["donor"] == donor]
    assert {row["basis"] for row in rows} == {"estimated"} and {row["unit"] for row in rows} == {"million AZN"}
    return {(row["row"], row["column"]): float(row["value"]) for row in rows}


def block(donor: str, rows: tuple[str, ...], columns: tuple[str, ...]) -> Array:
    return np.array([[cells(donor)[row, column] for column in columns] for row in rows])


KEYS = tuple(row["industry"] for row in industries())


@cache
def table(donor: str) -> InputOutputTable:
    below = {
        name: block(donor, (name,), KEYS)[0] for name in ("imports", "product_taxes", "compensation", "gross_surplus")
    }
    return InputOutputTable(
        block(donor, KEYS, KEYS), block(donor, KEYS, FINAL), output=block(donor, KEYS, ("output",))[:, 0], sectors=KEYS,
        value_added=below["compensation"] + below["gross_surplus"], compensation=below["compensation"],
        imports=below["imports"], product_taxes=below["product_taxes"],
        employment=[float(row["employment_mid"]) for row in industries()],
        household_consumption=block(donor, KEYS, FINAL[:1])[:, 0],
        household_imports=cells(donor)["imports", FINAL[0]],
        household_product_taxes=cells(donor)["product_taxes", FINAL[0]],
        currency="AZN", unit="million", year=2024, prices="basic", flows="domestic",
    )  # fmt: skip


@pytest.mark.parametrize("donor", DONORS)
class TestEachDonor:
    def test_rows_balance(self, donor: str) -> None:
        assert np.abs(table(donor).residual.values).max() < 0.01  # written with four decimals

    def test_columns_balance(self, donor: str) -> None:
        t = table(donor)
        assert t.imports is not None and t.product_taxes is not None and t.value_added is not None
        below = t.Z.sum(axis=0) + t.imports + t.product_taxes + t.value_added
        assert np.abs(below - t.output).max() < 0.01

    def test_expenditure_is_income(self, donor: str) -> None:
        """GDP from the final uses (with their imports and taxes) less imports = value added + taxes on products."""
        spent = sum(cells(donor)[row, use] for row in (*KEYS, "imports", "product_taxes") for use in FINAL)
        imports = sum(cells(donor)["imports", column] for column in (*KEYS, *FINAL))
        taxes = sum(cells(donor)["product_taxes", column] for column in (*KEYS, *FINAL))
        earned = sum(float(row["gva_mid"]) for row in industries()) + taxes
        assert spent - imports == pytest.approx(earned, abs=2)

    def test_value_added_is_that_of_the_industries(self, donor: str) -> None:
        t = table(donor)
        assert t.value_added is not None
        assert np.abs(t.value_added - [float(row["gva_mid"]) for row in industries()]).max() < 0.1

    def test_nothing_negative_and_nobody_paid_more_than_is_earned(self, donor: str) -> None:
        t = table(donor)
        assert t.Z.min() >= 0 and t.final_uses.min() >= 0
        assert min(cells(donor)["gross_surplus", key] for key in KEYS) > 0

    def test_a_coin_ends_as_value_added_import_or_tax(self, donor: str) -> None:
        whole = sum(table(donor).effects(account).values for account in ("gva", "imports", "product_tax"))
        assert np.abs(np.asarray(whole) - 1).max() < 1e-4

    def test_no_doubts_but_honest_ones(self, donor: str) -> None:
        assert table(donor).doubts == ()

    def test_spending_closure_holds(self, donor: str) -> None:
        one = table(donor).effects("employment")
        two = table(donor).effects("employment", type="II", closure=Closure.spending_share(0.7))
        assert (two.values > one.values).all() and (two.values < 2 * one.values).all()


def test_gdp_shares_of_the_record() -> None:
    """January to November 2024: industry 37.1, agriculture 6.1, trade 10, transport 7.1, construction 6.2 percent."""
    gva = {row["industry"]: float(row["gva_mid"]) for row in industries()}
    taxes = sum(cells("TUR")["product_taxes", column] for column in (*KEYS, *FINAL))
    gdp = sum(gva.values()) + taxes
    made = KEYS[KEYS.index("mining") : KEYS.index("utilities") + 1]
    # The printed shares come from periods of unequal length and sum to 99.9; they were scaled to 100.
    assert sum(gva[key] for key in made) / gdp == pytest.approx(0.371, abs=0.001)
    for key, share in (("agriculture", 0.061), ("trade", 0.10), ("transport", 0.071), ("construction", 0.062)):
        assert gva[key] / gdp == pytest.approx(share, abs=0.0005)


def test_all_employed_persons_are_somewhere() -> None:
    """4,982,800 employed persons in June 2024; 1,740,000 of them hired in April."""
    assert sum(float(row["employment_mid"]) for row in industries()) == pytest.approx(4_982_800, abs=20)
    assert sum(float(row["employment_low"]) for row in industries()) == pytest.approx(1_740_000, abs=20)


def test_ranges_hold_their_middle() -> None:
    for row in industries():
        for what in ("gva", "employment", "wage_month"):
            low, mid, high = (float(row[f"{what}_{end}"]) for end in ("low", "mid", "high"))
            assert low <= mid <= high, (row["industry"], what)


def test_industries_that_parts_come_from() -> None:
    with (STUDY / "components.csv").open(encoding="utf-8") as file:
        bought_from = {row["industry"] for row in csv.DictReader(file)}
    assert bought_from <= set(KEYS)


def test_vehicle_parts_says_that_it_is_a_proxy() -> None:
    row = next(row for row in industries() if row["industry"] == "vehicle_parts")
    assert "proxy" in row["title"] and "proxy" in row["note"] and row["basis"] == "assumed"


def test_script_writes_the_packaged_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = ROOT.parent / "shared" / "facts"
    if not (facts / "world" / "input_output").is_dir():
        pytest.skip("the donors' tables are not here")
    spec = importlib.util.spec_from_file_location("build_input_output", ROOT / "scripts" / "build_input_output.py")
    assert spec is not None and spec.loader is not None
    script: Any = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(__import__("sys").modules, "build_input_output", script)
    spec.loader.exec_module(script)
    monkeypatch.setattr("sys.argv", ["build_input_output.py", "--facts", str(facts), "--target", str(tmp_path)])
    script.main()
    for name in ("input_output.csv", "industries.csv"):
        assert (tmp_path / name).read_bytes() == (STUDY / name).read_bytes(), name

"""``karvan plant``: the ladder on the screen, as data and as a chart; what it refuses."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from karvan.cli import main
from karvan.facilities import RUNGS
from karvan.futures.starter import new_study

PLANT = "hajigabul_azermash_cp"


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["plant", "azerbaijan", *arguments])


@pytest.fixture(scope="module")
def shown() -> str:
    result = call(PLANT, "--draws", "40", "--replications", "4")
    assert result.exit_code == 0, result.output
    return result.output


class TestText:
    def test_every_rung_with_its_reason(self, shown: str) -> None:
        for word in ("nameplate", "straight time", "with overtime", "breakdowns", "blocking", "rework", "kits",
                     "ramp-up", "demand"):  # fmt: skip
            assert f"\n  {word}" in shown
        assert "3.3 cars an hour at trim x 1 x 8 h x 248 days" in shown
        assert "█" in shown

    def test_luck_and_ignorance_apart(self, shown: str) -> None:
        assert "luck" in shown and "ignorance" in shown and "p5 " in shown and "p95 " in shown

    def test_both_readings_of_straight_time_and_which_is_used(self, shown: str) -> None:
        assert "1.44 by the shops' own hours and rates, 1.05 (0.8 to 1.3) in the futures" in shown
        assert "the futures use the second" in shown

    def test_bottleneck_with_errors(self, shown: str) -> None:
        assert "Bottleneck: trim\n" in shown or "Bottleneck: tie: trim" in shown
        assert " ± " in shown

    def test_what_ifs_cost_and_assumed_inputs(self, shown: str) -> None:
        for word in ("one more shift", "3 % faster", "repairs 20 % shorter", "20 more places", "safety stock of kits"):
            assert word in shown
        assert "Cost per car, USD" in shown and "Assumed inputs (34 of 38)" in shown
        assert "kit_lead_sd.hajigabul_azermash_cp" in shown


def test_json_and_chart(tmp_path: Path) -> None:
    chart = tmp_path / "plant.svg"
    result = call("azermash_lada", "--json", "--draws", "30", "--replications", "3", "-o", str(chart))
    assert result.exit_code == 0, result.output
    data = json.loads(result.output)
    assert [row["rung"] for row in data["ladder"]] == list(RUNGS)
    lost = sum(row["lost"] for row in data["ladder"])
    assert data["ladder"][0]["cars"] - lost == pytest.approx(data["ladder"][-1]["cars"])
    assert {"verdict", "shops"} == set(data["bottleneck"])
    assert data["demand"]["output"] <= data["demand"]["wanted"] + 1e-9
    assert all(row["low"] <= row["mid"] <= row["high"] for row in data["inputs"])
    text = chart.read_text(encoding="utf-8")
    assert text.startswith("<svg") and "capacity ladder" in text and "blocking" in text


class TestRefusals:
    def test_nearest_names_for_an_unknown_plant(self) -> None:
        result = call("hajigabul_azermash")
        assert result.exit_code == 2
        assert "has no plant 'hajigabul_azermash'" in result.output and PLANT in result.output

    def test_a_year_outside_the_futures(self) -> None:
        result = call(PLANT, "--year", "1999")
        assert result.exit_code == 2 and "expected 2026 to 2040" in result.output


class TestOtherKinds:
    def test_a_bus_plant_counts_buses(self) -> None:
        result = call("sumgait_byd", "--draws", "10", "--replications", "3")
        assert result.exit_code == 0, result.output
        for word in (
            "buses a year",
            "never added to cars",
            "Cost per bus, USD",
            "assumed: people_fixed",
            "Bottleneck: ",
        ):
            assert word in result.output
        assert " cars a year" not in result.output and "in the futures" not in result.output

    def test_chart_and_data_count_buses_too(self, tmp_path: Path) -> None:
        chart = tmp_path / "plant.svg"
        result = call("sumgait_iveco", "--json", "--draws", "10", "--replications", "2", "-o", str(chart))
        data = json.loads(result.output)
        assert data["counts"] == "trucks" and data["vehicle_kind"] == "truck"
        assert data["people"][0] < 90 < data["people"][2]
        assert data["nameplate_reach"]["in_futures"] is None and data["futures"] == {}
        text = chart.read_text(encoding="utf-8")
        assert "trucks a year" in text and "cars a year" not in text

    def test_no_cost_of_a_plant_abroad(self) -> None:
        result = call("kirikkale_belarus", "--draws", "10", "--replications", "2")
        assert "Cost per tractor: not told, for wages and duties are those of TUR" in result.output


class TestRivals:
    def test_ladder_of_an_aggregate(self) -> None:
        result = call("rus_lada")
        assert result.exit_code == 0, result.output
        assert "Ladder of an aggregate" in result.output and "best year / 0.8" in result.output
        assert "Bottleneck: none can be named" in result.output and "capacity in use" in result.output

    def test_as_data(self) -> None:
        data = json.loads(call("chn_makers", "--json").output)["aggregate"]
        assert [row["rung"] for row in data["ladder"]] == ["nameplate", "best year", "latest year"]
        assert data["bottleneck"]["shops"] == [] and len(data["capacity"]) == 3


def test_list_of_plants() -> None:
    result = call()
    assert result.exit_code == 0
    assert (
        "hajigabul_azermash_cp_full   building" in result.output and "kits, body, paint, trim, final" in result.output
    )


def test_starter_studies(tmp_path: Path) -> None:
    """No plant is said to be so; a capacity that nobody announced is not called announced."""
    none = CliRunner().invoke(main, ["plant", str(new_study("GEO", tmp_path / "geo"))])
    assert none.exit_code == 0 and "knows no plant of its own country" in none.output
    one = CliRunner().invoke(main, ["plant", str(new_study("KAZ", tmp_path / "kaz")), "kaz_makers"])
    assert one.exit_code == 0 and "worked out from the record: 167,500 a year" in one.output

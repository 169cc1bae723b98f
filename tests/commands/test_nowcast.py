"""``karvan nowcast``: the year on the screen, every month as data and as a chart; what it refuses."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from karvan.cli import main


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["nowcast", *arguments])


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """What is printed, and the chart."""
    path = tmp_path_factory.mktemp("nowcast") / "months.svg"
    result = call("azerbaijan", "--draws", "20", "-o", str(path))
    assert result.exit_code == 0, result.output
    return result.output, path.read_text(encoding="utf-8")


class TestText:
    def test_plants_revenue_sufficiency_and_targets(self, drawn: tuple[str, str]) -> None:
        text = drawn[0]
        assert "30,602" in text and "14,249" in text  # 59.0 million / 1,928 and 16.6 million / 1,165
        for words in ("of nameplate", "home-made / new registrations", "value added at home", "odds the model gave"):
            assert words in text

    def test_plants_go_by_their_names(self, drawn: tuple[str, str]) -> None:
        assert "Khazar automobile plant" in drawn[0] and "neftchala_khazar" not in drawn[0]

    def test_says_where_the_chart_is(self, drawn: tuple[str, str]) -> None:
        assert "chart: " in drawn[0]

    def test_chart_has_a_panel_a_plant(self, drawn: tuple[str, str]) -> None:
        svg = drawn[1]
        assert svg.startswith("<svg") and "NaN" not in svg
        for name in ("Khazar automobile plant", "Azermash CP assembly line", "Nakhchivan Automobile Plant"):
            assert name in svg


def test_months_add_up_to_the_year() -> None:
    result = call("azerbaijan", "--draws", "20", "--json", "--year", "2024")
    found = json.loads(result.output)
    months = [row for row in found["months"] if row["month"].startswith("2024") and row["plant"] == "total"]
    assert {row["month"] for row in months} == {f"2024-{m:02}" for m in range(1, 13)}
    assert all(0 <= row["low"] <= row["middle"] <= row["high"] for row in months)
    # Lows of months add up to less than the low of the year, highs to more: months are not all low at once.
    assert sum(row["low"] for row in months) <= found["output"]["low"]
    assert sum(row["high"] for row in months) >= found["output"]["high"]


class TestFaults:
    def test_a_year_outside_the_series(self) -> None:
        result = call("azerbaijan", "--draws", "5", "--year", "1999")
        assert result.exit_code == 2
        assert "1999 is not in the series; it runs from 2013-01" in result.output

    def test_a_folder_that_is_not_there_is_made(self, tmp_path: Path) -> None:
        chart = tmp_path / "none" / "x.svg"
        assert call("azerbaijan", "--draws", "5", "-o", str(chart)).exit_code == 0
        assert chart.read_text().startswith("<svg")

    def test_a_file_in_its_place(self, tmp_path: Path) -> None:
        (tmp_path / "none").write_text("")
        result = call("azerbaijan", "--draws", "5", "-o", str(tmp_path / "none" / "x.svg"))
        assert result.exit_code == 2
        assert "Traceback" not in result.output

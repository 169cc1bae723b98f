"""``karvan learn``: prior and posterior side by side, and what is refused."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from karvan.cli import main
from karvan.futures.learning import LEAST_SIZE
from karvan.futures.starter import new_study


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["learn", "azerbaijan", "--until", "2017", "--draws", "400", *arguments])


@pytest.fixture(scope="module")
def told() -> str:
    result = call("--temper", "--start", "2014")
    assert result.exit_code == 0, result.output
    return result.output


def test_size_power_and_both_sides(told: str) -> None:
    assert "yearly figures of 2014 to 2017 against 400 futures" in told
    assert "effective number of futures: " in told and "range left" in told
    assert "2014, on record 1,861" in told and "other uncertain numbers moved no further" in told


def test_json(told: str) -> None:
    data = json.loads(call("--temper", "--json").output)
    assert data["effective_size"] >= LEAST_SIZE * (1 - 1e-6) and 0 < data["power"] <= 1
    assert set(data["discrepancy"]) == {"output", "imports", "fleet"} and data["figure"]["2017"]["prior"]
    untempered = data["effective_size_untempered"]
    assert (f"without which {untempered:.0f} would carry it" in told) == (data["power"] < 1)


def test_only_what_is_on_record_stands_beside() -> None:
    fleet, money = (
        call("--temper", "--figure", name).output.split("by year")[-1] for name in ("stock_cars", "imports")
    )
    assert "on record" in fleet and "on record" not in money  # recorded are imported cars, the figure is money


def test_too_few_futures_are_refused() -> None:
    result = call("--until", "2025", "--draws", "60")
    assert result.exit_code == 2 and "expected 200 or more" in result.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--start", "2030"), "start is 2030; expected a year from 2001 to 2017"),
        (("--figure", "outptu"), "no figure 'outptu'; did you mean 'output'"),
    ],
)
def test_messages(words: tuple[str, ...], message: str) -> None:
    result = call("--draws", "5", *words)
    assert result.exit_code == 2 and message in result.output


def test_a_study_whose_plants_are_known_only_later_has_no_past(tmp_path: Path) -> None:
    study = new_study("KAZ", tmp_path / "kaz")
    result = CliRunner().invoke(main, ["learn", str(study), "--draws", "10"])
    assert result.exit_code == 2
    assert "has no past to run: 36,268 cars are on record in 2014, but its plants are known only since" in result.output

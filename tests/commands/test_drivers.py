"""``karvan drivers``: the first look and the list of what to find out, as a reader sees them."""

import pytest
from click.testing import CliRunner, Result

from karvan.cli import main
from karvan.commands.drivers import LOOK_DRAWS, shown
from karvan.futures.drivers import BetterData, Driver, Drivers, Question


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["drivers", "azerbaijan", "--until", "2027", *arguments])


def test_first_look(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def look(study: object, wanted: dict[str, int], **options: object) -> dict[str, object]:
        asked.extend(wanted.values())
        return {}

    row = Driver("x.kent", "What it is", 0.2, 1500.0, 6500.0, 1)
    year = Question("y", "When", 0.025, 0.95, "parameters.toml", "", 2027.0, 2045.0, "year")
    monkeypatch.setattr("karvan.futures.ensemble.simulate_many", look)
    monkeypatch.setattr("karvan.futures.drivers.drivers", lambda *_: Drivers("output.2027", (row,), 0.8))
    monkeypatch.setattr("karvan.futures.drivers.better_data", lambda *_: BetterData("output.2027", (year,), 7))
    text = call("--figure", "output.2027").output
    assert asked == [LOOK_DRAWS]
    assert "20.0 %       1,500       6,500  What it is" in text
    assert "1. When: 2027 to 2045 today [parameters.toml]; known, it would take away 2.5 % of the variance" in text


def test_nothing_stands_out() -> None:
    text = call("--figure", "output.2027", "--draws", "20").output
    assert "assumed numbers stands out from chance; try more --draws" in text


def test_sobol_and_break_even_take_fewer_draws_a_run() -> None:
    assert "4,000 if left out, 1,000 a run" in " ".join(call("-h").output.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--discover", "foo", "--draws", "200"), "no outcome 'foo'; known: hub, home_market_assembly"),
        (("--target", "5"), "--break-even needs --target, and --target needs --break-even"),
        (("--figure", "outpt.2027"), "no quantity 'outpt'; did you mean 'output'"),
    ],
)
def test_messages(words: tuple[str, ...], message: str) -> None:
    result = call("--draws", "5", "--figure", "output.2027", *words)
    assert result.exit_code == 2 and message in result.output


def test_numbers() -> None:
    assert (shown(2030.0, "year"), shown(2030.0), shown(0.01234)) == ("2030", "2,030", "0.0123")


@pytest.mark.parametrize("address", ["claim.x", "parameter.theta", "table.plants.x.nameplate"])
def test_what_is_no_forecast_has_no_drivers(address: str) -> None:
    result = CliRunner().invoke(main, ["drivers", "azerbaijan", "--figure", address, "--draws", "10"])
    assert result.exit_code == 2
    assert "is no forecast; expected one such as output.2035" in result.output

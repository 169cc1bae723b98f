"""Scenarios: levers by name, each refused with the place in the file and the nearest name."""

import pytest

from karvan.study.load import Study
from karvan.study.register import parameters
from karvan.study.scenario import LEVERS, known_levers, parse_scenario
from karvan.study.workbook import scenario_text

HEAD = 'format = 1\nname = "x"\ntitle = "X"\n'


def faults(lever: str, head: str = HEAD) -> list[str]:
    """Faults of a scenario with one lever."""
    return [str(fault) for fault in parse_scenario(f"{head}\n[[levers]]\n{lever}\n", "x.toml")[1]]


@pytest.mark.parametrize("name", list(LEVERS))
def test_every_lever_can_be_pulled(name: str) -> None:
    kind = LEVERS[name]
    fields = "".join(f'{need} = "AZE"\n' for need in kind.needs)
    assert faults(f'lever = "{name}"\noperation = "{kind.operations[0]}"\n{fields}') == []
    assert kind.title and kind.unit


@pytest.mark.parametrize("name", list(parameters()))
def test_every_parameter_is_a_lever(name: str) -> None:
    for operation in ("set", "multiply", "add"):
        assert faults(f'lever = "{name}"\noperation = "{operation}"') == []


@pytest.mark.parametrize(
    ("lever", "message"),
    [
        ('lever = "fre"', "x.toml: levers[1].lever: found 'fre'; expected the name of a lever"),
        ('lever = "fee"', "x.toml: levers[1].market: found nothing; expected a market for lever 'fee'"),
        (
            'lever = "plant_opens"\nvalue = 2027',
            "x.toml: levers[1].key: found nothing; expected a key for lever 'plant_opens'",
        ),
        ('lever = "income"\nmarket = "AZE"', "x.toml: levers[1].operation: found 'set'; expected multiply"),
        (
            'lever = "income"\noperation = "double"',
            "x.toml: levers[1].operation: found 'double'; expected 'set', 'multiply' or 'add'",
        ),
        (
            'lever = "fee"\nmarket = "RUS"\nyear_from = 2030\nyear_to = 2027',
            "x.toml: levers[1].year_to: found 2027; expected not before year_from 2030",
        ),
        ('lever = "fee"\nmarkt = "RUS"', "x.toml: levers[1].markt: found an unknown name; expected a name that"),
        (
            'lever = "fee"\nmarket = "RUS"\nvalue = "much"',
            "x.toml: levers[1].value: found 'much'; expected a number",
        ),
    ],
)
def test_faults(lever: str, message: str) -> None:
    assert any(fault.startswith(message) for fault in faults(lever)), faults(lever)


def test_all_faults_of_a_file_at_once() -> None:
    text = (
        HEAD
        + '\n[[levers]]\nlever = "fee"\n\n[[levers]]\nlever = "fef"\n\n[[levers]]\nlever = "income"\nmarket = "AZE"\n'
    )
    assert len(parse_scenario(text, "x.toml")[1]) == 3


def test_format_and_toml() -> None:
    assert "found 2; expected 1" in faults('lever = "fee"', HEAD.replace("1", "2", 1))[0]
    assert parse_scenario("name = ", "x.toml")[1][0].found.startswith("unreadable TOML")


def test_text_of_a_scenario_reads_back(azerbaijan: Study) -> None:
    for scenario in azerbaijan.scenarios.values():
        again, found = parse_scenario(scenario_text(scenario), "again.toml")
        assert found == [] and again == scenario


def test_no_lever_hides_a_parameter() -> None:
    assert len(known_levers()) == len(set(known_levers()))


@pytest.mark.parametrize("name", list(parameters()))
def test_defaults_lie_in_their_range(name: str) -> None:
    one = parameters()[name]
    least, most = one.range
    assert least <= one.low <= one.mid <= one.high <= most
    assert (one.distribution == "fixed") == (one.low == one.high)
    assert one.distribution != "lognormal" or one.low > 0
    assert one.unit and one.title and one.basis and one.keys in ("", "plant", "market")

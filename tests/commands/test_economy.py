"""``karvan economy``: gross beside net, each number a figure of the register, and where the table comes from."""

import json
import re

import pytest
from click.testing import CliRunner, Result

from karvan.cli import main
from karvan.futures.accounts import TAX_BASES
from karvan.futures.ensemble import simulate_many
from karvan.futures.figures import figure
from karvan.study.load import load

DRAWS = 30


def run(*options: str) -> Result:
    """The command on the built-in study."""
    return CliRunner().invoke(main, ["economy", "azerbaijan", "--draws", str(DRAWS), "--workers", "1", *options])


@pytest.fixture(scope="module")
def text() -> str:
    """What a person reads."""
    result = run("--year", "2030")
    assert result.exit_code == 0, result.output
    return result.output


def test_gross_and_net_side_by_side(text: str) -> None:
    assert "gross: hangs on it  net: minus no_industry" in text
    row = next(line for line in text.splitlines() if "Jobs, direct, indirect and induced" in line)
    assert len(re.findall(r"\([\d,.-]+–[\d,.-]+\)", row)) == 2 and row.endswith("persons")


def test_what_is_in_it(text: str) -> None:
    for words in (
        "Job-years of building plants",
        "by industry, gross (the 8 with most jobs",
        "Trade and repair of vehicles",
        "gained, gross  given up by holiday  given up against no_industry",
        "social contributions",
        "Effective rate of protection of assembly",
        "Domestic resource cost",
        "Value for the country",
        "2,064 of 2,064 cells estimated",
        "WIOD release 2013, ROU 2011",
        "closure: each future spends",
        "spread between donors",
    ):
        assert words in text, words


def test_every_industry_if_asked() -> None:
    titles = load("azerbaijan").table("industries")["title"].to_list()
    shown = run("--year", "2026", "--all").output
    assert all(title in shown for title in titles)


def test_json_is_the_figures() -> None:
    found = json.loads(run("--year", "2028", "--scenario", "hub", "--json").output)
    study = load("azerbaijan")
    runs = simulate_many(study, {"hub": DRAWS, "no_industry": DRAWS}, workers=1)
    assert set(found["taxes"]) == set(TAX_BASES) and found["year"] == 2028
    for row in (
        found["gross"]["jobs"],
        found["net"]["jobs"],
        found["taxes"]["vat"],
        found["ministry"]["resource_cost"],
    ):
        assert row["address"].endswith(".2028@hub")
        assert row["value"] == pytest.approx(figure(row["address"], study, runs).value)
    assert set(found["donors"]) == {"ROU", "RUS", "TUR"} and found["provenance"]["cells_estimated"] == 2064


def test_refused() -> None:
    wrong = run("--year", "1990")
    assert wrong.exit_code == 2 and "year is 1990; expected 2026 to 2176" in wrong.output
    nowhere = run("--scenario", "hubb")
    assert nowhere.exit_code == 2 and "hub" in nowhere.output

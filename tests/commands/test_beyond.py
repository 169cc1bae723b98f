"""Years that nobody who made the study looked at: told, on the error stream, whatever the command."""

import json

import pytest
from click.testing import CliRunner

from karvan.cli import main

WORDS = (
    ("economy", "azerbaijan", "--year", "2041", "--draws", "5"),
    ("cost", "azerbaijan", "--year", "2041", "--draws", "5", "--to", "GEO"),
    ("run", "azerbaijan", "--until", "2041", "--draws", "5"),
)


@pytest.mark.parametrize("words", WORDS, ids=lambda words: words[0])
def test_a_year_beyond_the_horizon(words: tuple[str, ...], tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(main, list(words))
    assert told.exit_code == 0, told.output
    assert "2041 lies beyond 2040, the horizon of study azerbaijan" in told.stderr


def test_json_stays_json() -> None:
    words = ["economy", "azerbaijan", "--year", "2041", "--draws", "5", "--json"]
    told = CliRunner().invoke(main, words)
    assert json.loads(told.stdout)["draws"] == 5
    assert "horizon" in told.stderr


def test_nothing_is_said_within_it() -> None:
    told = CliRunner().invoke(main, ["cost", "azerbaijan", "--year", "2040", "--draws", "5", "--to", "GEO"])
    assert told.stderr == ""

"""``karvan backcast``: one country's scores, once, with what they mean."""

from click.testing import CliRunner

from karvan.cli import main


def test_one_country() -> None:
    result = CliRunner().invoke(main, ["backcast", "Serbia", "--as-of", "2015", "--draws", "20", "--workers", "1"])
    assert result.exit_code == 0, result.output
    assert result.output.startswith("SRB as of 2015-12-31")
    assert result.output.count("2015-12-31, scored: ") == 1 and "under 200,000" not in result.output
    assert " of 1 country; " in result.output
    assert "ln(forecast / outcome)" in result.output

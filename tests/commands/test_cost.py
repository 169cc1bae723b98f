"""``karvan cost``: rungs add up to what a run says buyers pay, and the deciding rung is the one that tells most."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from karvan.cli import main
from karvan.futures.costs import MADE, RULES, SOLD, CostLadder, close_up, cost_ladders
from karvan.futures.ensemble import simulate
from karvan.futures.starter import new_study
from karvan.study.load import Study, load

DRAWS = 30


@pytest.fixture(scope="module")
def study() -> Study:
    """The built-in study."""
    return load("azerbaijan")


@pytest.fixture(scope="module")
def ladders(study: Study) -> list[CostLadder]:
    """Ladders of the first year in three markets."""
    return cost_ladders(study, ("AZE", "GEO", "RUS"), draws=DRAWS)


def test_prices_are_those_of_a_run(study: Study, ladders: list[CostLadder]) -> None:
    run = simulate(study, draws=DRAWS, until=study.settings.start_year, workers=1)
    for row in ladders:
        v, m = run.layout.offers.index(row.offer), run.layout.markets.index(row.market)
        assert row.total.mid == pytest.approx(np.median(run.offers["delivered"][:, v, m]))
        assert row.total_rival is not None
        rival = run.offers["delivered"][:, run.layout.offers.index(row.rival), m]
        assert row.total_rival.mid == pytest.approx(np.median(rival))


def test_rungs_add_up_in_one_future(study: Study) -> None:
    for row in cost_ladders(study, ("AZE", "RUS"), year=2029, scenario="eaeu_access", draws=1):
        made = sum(row.ours[name].mid for name in MADE)
        assert made == pytest.approx(row.ours["ex_works"].mid)
        assert made + sum(row.ours[name].mid for name in SOLD) == pytest.approx(row.total.mid)
        assert row.total_rival is not None and row.dearer is not None
        assert row.theirs["ex_works"].mid + sum(row.theirs[name].mid for name in SOLD) == pytest.approx(
            row.total_rival.mid
        )
        assert row.dearer.mid == pytest.approx(row.total.mid - row.total_rival.mid)


def test_what_decides(ladders: list[CostLadder]) -> None:
    for row in ladders:
        taxing = {name: gap for name, gap in row.gaps.items() if name not in ("vat", "dealer")}
        assert row.decides == max(taxing, key=lambda name: taxing[name])
        assert row.rule in ("", *RULES)
        if row.market == "RUS":
            assert row.rule == "fee"  # foreign cars pay some ten thousand dollars from 2026, home-made ones get it back
        assert (sum(row.origin.values()) == pytest.approx(1.0)) == (row.market != "AZE")


def test_the_fee_decides_no_more_once_it_is_refunded(study: Study) -> None:
    before = {row.plant: row for row in cost_ladders(study, ("RUS",), year=2028, draws=DRAWS)}
    after = cost_ladders(study, ("RUS",), year=2028, scenario="eaeu_access", draws=DRAWS)
    assert after
    for row in after:
        if row.plant in before:
            assert row.ours["fee"].mid == pytest.approx(0.1 * before[row.plant].ours["fee"].mid)
            assert row.origin["free"] == 1.0


def test_futures_do_not_depend_on_how_many_are_looked_at(study: Study) -> None:
    def price(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        _, blocks = close_up(study, lambda _, sight: sight.price, year=2027, draws=count)
        return np.concatenate(blocks)

    assert np.array_equal(price(8), price(DRAWS)[:8])


class TestCommand:
    """What a person meets."""

    @pytest.mark.parametrize("country", ["KAZ", "GEO", "MAR"])
    def test_starter_studies(self, country: str, tmp_path: Path) -> None:
        """Georgia makes no cars: there a newcomer's is shown."""
        folder = new_study(country, tmp_path / country)
        result = CliRunner().invoke(main, ["cost", str(folder), "--to", country, "--draws", "10"])
        assert result.exit_code == 0, result.output
        assert f" ({country}), " in result.output and "= what the buyer pays" in result.output
        assert ("newcomer" in result.output) == (country == "GEO")

    def test_table(self) -> None:
        result = CliRunner().invoke(main, ["cost", "azerbaijan", "--to", "geo,RUS", "--draws", "20"])
        assert result.exit_code == 0, result.output
        assert "to Georgia (GEO), 2026" in result.output and "to Russia (RUS), 2026" in result.output
        assert "(KAZ)" not in result.output
        assert "rival there: Hyundai Kia from Russia" in result.output
        assert "furthest behind on recycling and other fees" in result.output
        assert "origin: " in result.output

    def test_json(self) -> None:
        result = CliRunner().invoke(
            main, ["cost", "azerbaijan", "--to", "KAZ", "--year", "2030", "--draws", "20", "--json"]
        )
        assert result.exit_code == 0, result.output
        rows = json.loads(result.output)["ladders"]
        assert {row["market"] for row in rows} == {"KAZ"} and {row["year"] for row in rows} == {2030}
        assert all(row["ours"]["kit"]["mid"] > 0 for row in rows)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["--to", "GEX"], "has no market 'GEX'; did you mean 'GEO'?"),
            (["--to", "BRA,GEX,USA"], "no market 'BRA', 'GEX', 'USA'; did you mean 'GEO'?; its markets: AZE, GEO"),
            (["--to", "BRA"], "karvan new COUNTRY FOLDER --markets LIST` makes a starter study with others"),
            (["--year", "2010"], "year is 2010; expected 2026"),
            (["--scenario", "hubb"], "hub"),
        ],
    )
    def test_refusals(self, options: list[str], message: str) -> None:
        result = CliRunner().invoke(main, ["cost", "azerbaijan", *options])
        assert result.exit_code == 2
        assert message in result.output

"""``karvan hub``: sites by hand, levers that end where they should, an investor's case that is that of the run."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from karvan.base.errors import InputError, UnknownName
from karvan.cli import main
from karvan.commands.hub import _rate, need_lines
from karvan.futures.ensemble import Futures, simulate
from karvan.futures.needs import (
    ALL,
    SINGLE,
    TOGETHER,
    Need,
    _levers,
    best_pairs,
    break_even_lines,
    cash_of,
    investor,
    kind_of,
    levers_needed,
    pair_of,
    way,
)
from karvan.futures.sites import REGION, Sites, candidates, where_to_build
from karvan.hub.appraisal import npv
from karvan.hub.verdict import CONDITIONS
from karvan.study.load import Study, load
from karvan.study.scenario import Scenario

DRAWS = 40


@pytest.fixture(scope="module")
def study() -> Study:
    """The built-in study."""
    return load("azerbaijan")


@pytest.fixture(scope="module")
def found(study: Study) -> Sites:
    """Where a maker would build in 2027."""
    return where_to_build(study, year=2027, draws=DRAWS)


class TestSites:
    """The location model asked of the built-in study."""

    def test_seven_countries(self, study: Study, found: Sites) -> None:
        assert candidates(study) == REGION and found.sets == 127
        assert found.checked == 8 and found.apart < 1e-9  # HiGHS gives the same cost

    def test_shares_and_misses(self, found: Sites) -> None:
        assert sum(found.alone.values()) <= 1.0 + 1e-12
        for site in found.sites:
            assert 0.0 <= found.alone[site] <= found.chosen[site] <= 1.0
            assert found.miss[site].low >= 0.0
            if found.chosen[site] > 0.5:  # chosen in most futures: nothing is missed in the middle one
                assert found.miss[site].mid == 0.0
        assert max(found.chosen.values()) > 0.5

    def test_one_site_is_always_chosen(self, study: Study) -> None:
        alone = where_to_build(study, ("AZE",), year=2026, draws=5)
        assert alone.chosen == {"AZE": 1.0} and alone.miss["AZE"].high == 0.0 and alone.sets == 1

    def test_free_access_helps_the_country_that_gets_it(self, study: Study) -> None:
        """The hub scenario opens the region to cars from Azerbaijan from 2028 on."""
        shut, open_ = (where_to_build(study, year=2028, scenario=s, draws=DRAWS) for s in ("baseline", "hub"))
        assert open_.miss["AZE"].mid < shut.miss["AZE"].mid
        assert open_.chosen["AZE"] >= shut.chosen["AZE"]

    def test_refusals(self, study: Study) -> None:
        with pytest.raises(UnknownName, match="site 'DEU' is no market"):
            where_to_build(study, ("DEU",))
        with pytest.raises(UnknownName, match="no country 'CHM' for the kits to come from; did you mean"):
            where_to_build(study, kits_from="CHM")
        with pytest.raises(InputError, match="13 sites; expected at most 12"):
            extra = study.settings.model_copy(update={"markets": (*study.settings.markets, "XXX")})
            where_to_build(replace(study, settings=extra), extra.markets)

    def test_another_study_takes_its_largest_markets(self, study: Study) -> None:
        settings = study.settings.model_copy(update={"markets": tuple(m for m in study.settings.markets if m != "GEO")})
        chosen = candidates(replace(study, settings=settings))
        assert len(chosen) == 7 and chosen[-1] == "AZE" and {"RUS", "TUR", "IRN"} <= set(chosen)

    def test_a_market_far_away_is_no_place_for_a_plant_that_serves_the_region(self, study: Study) -> None:
        """Germany buys more cars than Iran; a plant for the Caucasus stands in Iran before it stands in Germany."""
        markets = (*[m for m in study.settings.markets if m != "GEO"], "DEU")
        table = study.table("markets")
        germany = table.filter(market="RUS").with_columns(market=pl.lit("DEU"))
        changed = {**study.tables, "markets": pl.concat([table, germany])}
        settings = study.settings.model_copy(update={"markets": markets})
        chosen = candidates(replace(study, settings=settings, tables=changed))
        assert {"RUS", "TUR", "IRN"} <= set(chosen)
        places = [*chosen]
        assert "DEU" not in places or places.index("DEU") > places.index("IRN")


class TestLevers:
    """What each lever would have to be."""

    def test_reach_opens_exports(self, study: Study) -> None:
        (need,) = levers_needed(study, year=2030, draws=DRAWS, names=("reach",))
        value = need.needed["export_share"]
        assert need.at_now["export_share"] < 2 / 3 <= need.at_end["export_share"]
        assert value is not None and 0.0 < value < 1.0
        assert need.needed[ALL] is None and need.at_end[ALL] < 2 / 3  # one lever alone makes no hub

    def test_what_holds_already_needs_nothing(self, study: Study) -> None:
        (need,) = levers_needed(study, scenario="hub", year=2032, draws=DRAWS, names=("fee",))
        assert set(need.needed) == {*CONDITIONS, ALL}
        assert need.needed["export_share"] == need.now

    def test_together_is_every_part_at_once(self, study: Study) -> None:
        """At the end of the way the move is that of its levers given one by one."""
        values = way(TOGETHER, 1.0)
        assert values == {kind.name: kind.end for kind in SINGLE if kind.name not in ("wage", "exchange_rate")}
        assert way(TOGETHER, 0.0) == {name: kind_of(name).now for name in values}
        assert way("freight_and_reach", 0.5) == {"freight": 0.625, "reach": 0.5}
        (need,) = levers_needed(study, year=2029, draws=DRAWS, names=(TOGETHER,))
        levers = [
            lever
            for name, value in values.items()
            for lever in _levers(study, name, value, "hajigabul_azermash_cp_full")
        ]
        scenario = Scenario(format=1, name="by_hand", title="By hand", levers=tuple(levers))
        by_hand = replace(study, scenarios={**study.scenarios, "by_hand": scenario})
        found = simulate(by_hand, scenario="by_hand", draws=DRAWS, until=2029, workers=1).verdict
        expected = dict(zip(CONDITIONS, found.condition_probability[-1].tolist(), strict=True))
        assert need.at_end == {**expected, ALL: float(found.probability[-1])}
        assert need.at_end["export_share"] > need.at_now["export_share"]

    def test_best_pair_beats_both_alone(self, study: Study) -> None:
        found = best_pairs(study, year=2029, draws=DRAWS)
        pairs = {condition: pair for condition, pair in found.items() if pair is not None}
        assert ALL in found and pairs
        assert "export_share" not in found  # reach alone is enough
        for pair in pairs.values():
            assert len(set(pair.levers)) == 2
            assert (pair.part is None) == (pair.at_end < 2 / 3) == (pair.values is None)
            # At so few futures both samples are the same, so the pair is at least as good as either alone or it is no
            # better than the start, and then it is not there.
            assert pair.at_end > pair.at_now
            if pair.part is not None and pair.values is not None:
                assert pair.values == tuple(way("_and_".join(pair.levers), pair.part)[name] for name in pair.levers)

    def test_line_falls_where_both_help(self, study: Study) -> None:
        """More of the one lever asks for no more of the other; the far end of the first alone needs nothing."""
        found = break_even_lines(study, ("reach", "freight"), year=2029, draws=DRAWS, points=3)
        assert set(found) == {*CONDITIONS, ALL}
        points = found["export_share"]
        assert [value for value, _ in points] == [0.0, 0.5, 1.0]
        assert points[-1][1] == 1.0  # freight need not move: reach alone is enough
        assert all(other is None or 0.25 <= other <= 1.0 for _, other in points)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("reach", "'reach' is no pair"),
            ("reach,reach", "is no pair of levers"),
            ("reach,wages", "no lever 'wages'; did you mean 'wage'"),
            ("together,reach", "no lever 'together'"),
            ("reach,wage,fee", "is no pair of levers"),
        ],
    )
    def test_no_pair(self, text: str, words: str) -> None:
        with pytest.raises(UnknownName, match=words):
            pair_of(text)

    def test_unknown_lever(self, study: Study) -> None:
        with pytest.raises(UnknownName, match="no lever 'wages'; did you mean 'wage'"):
            levers_needed(study, names=("wages",))


@pytest.fixture(scope="module")
def run(study: Study) -> Futures:
    """Futures to the end of a plant's first years."""
    return simulate(study, draws=DRAWS, until=2034, workers=1)


class TestInvestor:
    def test_cash_is_what_the_run_discounts(self, run: Futures) -> None:
        """The run's NPV lies between those at the ends of the discount rate's range, whichever way the cash runs."""
        cell = run.study.parameter("discount_rate")
        rates = np.linspace(cell.low, cell.high, 400)
        tried = np.stack([npv(cash_of(run), rate) for rate in rates])
        assert np.abs(tried - run.figures["npv"][:, 0]).min(axis=0).max() < 0.02 * np.abs(tried).max()

    def test_shares(self, run: Futures) -> None:
        case = investor(run)
        assert case.npv.mid == pytest.approx(np.median(run.figures["npv"][:, 0]))
        assert case.gains == pytest.approx((run.verdict.met[:, -1, 4]).mean())
        assert 0.0 <= case.has_irr <= 1.0

    def test_a_plain_project(self, run: Futures) -> None:
        """100 out, 60 a year for three years: 36.3 % and two thirds into the second year, in every future."""
        years = len(run.years)
        cash = np.zeros((DRAWS, years))
        zero = np.zeros_like(cash)
        spent = zero.copy()
        spent[:, 0], cash[:, 1:4] = 100.0, 60.0
        figures = {"profit": cash, "tax_by_base.profit": zero, "investment": spent, "subsidy": zero, "npv": zero}
        case = investor(replace(run, figures=figures))
        assert case.irr.mid == pytest.approx(0.363, abs=5e-4) and case.has_irr == 1.0
        assert case.payback.mid == pytest.approx(5 / 3) and case.paid == 1.0


class TestCommand:
    """What a person meets."""

    def test_text(self) -> None:
        options = ["hub", "azerbaijan", "--scenario", "baseline", "--scenario", "hub", "--until", "2030"]
        result = CliRunner().invoke(main, [*options, "--draws", "20", "--no-levers"])
        assert result.exit_code == 0, result.output
        for words in (
            "Chance that all five conditions hold at once",
            "0% output",
            "hangs on each threshold",
            "net present value",
            "The outside view",
            "127 sets of countries",
            "AZE as a site in the other scenarios",
        ):
            assert words in result.output

    def test_json(self) -> None:
        options = ["hub", "azerbaijan", "--scenario", "hub", "--sites", "aze,geo", "--until", "2028", "--draws", "10"]
        result = CliRunner().invoke(main, [*options, "--no-levers", "--json"])
        assert result.exit_code == 0, result.output
        data = json.loads(result.output)
        assert set(data["sites"]["hub"]["chosen"]) == {"AZE", "GEO"}
        assert [row["year"] for row in data["verdict"]["hub"]] == [2026, 2027, 2028]
        assert 0 <= data["base_rate"]["low"] <= data["base_rate"]["mean"] <= data["base_rate"]["high"] <= 1

    def test_unknown_site(self) -> None:
        result = CliRunner().invoke(
            main, ["hub", "azerbaijan", "--scenario", "baseline", "--sites", "DEU", "--no-levers"]
        )
        assert result.exit_code == 2 and "site 'DEU' is no market" in result.output


def test_the_frictions_of_a_site_are_those_of_its_offers(study: Study) -> None:
    """A site pays the freight that the year loop's cars from there pay: no second table."""
    rows = study.table("frictions").filter(
        (pl.col("friction") == "freight") & (pl.col("origin") == "AZE") & (pl.col("market") == "GEO")
    )
    assert rows.height == 1
    cheap = rows["_line"][0]
    dearer = study.table("frictions").with_columns(
        *[
            pl.when(pl.col("_line") == cheap).then(pl.col(c) * 20).otherwise(pl.col(c)).alias(c)
            for c in ("low", "mid", "high")
        ]
    )
    moved = replace(study, tables={**study.tables, "frictions": dearer})
    one, two = (where_to_build(s, ("AZE", "TUR"), year=2026, draws=DRAWS) for s in (study, moved))
    assert two.miss["AZE"].mid >= one.miss["AZE"].mid


def test_levers_as_a_table() -> None:
    """A value where the condition begins to hold, a word where it does already, a share where it never does."""
    conditions = (*CONDITIONS, ALL)
    needed: dict[str, float | None] = dict(zip(conditions, (1.0, 0.4567, None, None, 1.0, None), strict=True))
    ends = dict(zip(conditions, (0.9, 0.7, 0.25, 0.0, 1.0, 0.02), strict=True))
    need = Need("freight", "freight", "times today's", 1.0, 0.25, ends, ends, needed)
    *_, heads, row = need_lines((need,), "baseline")
    assert heads.split() == ["output", "export", "share", "destinations", "local", "content", "profit", "all", "five"]
    said = "freight of home-made cars abroad 1 to 0.25 times today's holds 0.46 no, 25% no, 0% holds no, 2%"
    assert row.split() == said.split()


@pytest.mark.parametrize(
    ("share", "words"), [(-0.001, "0%"), (-0.07, "-7%"), (0.16, "16%"), (1.0, "100%"), (15.89, "over 100%")]
)
def test_rates_of_next_to_nothing_are_not_spelt_out(share: float, words: str) -> None:
    assert _rate(share) == words

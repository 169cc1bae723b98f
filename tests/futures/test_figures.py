"""Figures and their addresses: every number of a report can be asked for by name."""

from dataclasses import replace

import numpy as np
import pytest

from karvan.base.errors import UnknownName
from karvan.base.quantities import quantities
from karvan.futures.ensemble import BOUND, Futures
from karvan.futures.figures import diversification, draws_of, figure, net_draws, number, parse, unit_of
from karvan.hub.verdict import ALTERNATIVES, CONDITIONS
from karvan.study.load import Study


class TestParse:
    """``quantity[.key...].period[@scenario]``."""

    def test_year(self) -> None:
        found = parse("output.2030")
        assert (found.quantity, found.keys, found.period, found.scenario) == ("output", (), "2030", "baseline")

    def test_keys_and_scenario(self) -> None:
        found = parse("bound.hajigabul_azermash_cp.partner_supply.2035@full_cycle")
        assert found.keys == ("hajigabul_azermash_cp", "partner_supply")
        assert (found.period, found.scenario) == ("2035", "full_cycle")

    def test_month(self) -> None:
        assert parse("output.2020-04").period == "2020-04"

    @pytest.mark.parametrize("kind", ["claim", "parameter", "table"])
    def test_names_with_points_stay_whole(self, kind: str) -> None:
        found = parse(f"{kind}.a-2019.b.c")
        assert (found.quantity, found.keys, found.period) == (kind, ("a-2019.b.c",), "")

    def test_blanks_around(self) -> None:
        assert parse("  output.2030 \n").quantity == "output"

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("outptu.2030", r"no quantity 'outptu'; did you mean 'output'"),
            ("zzzz.2030", r"no quantity 'zzzz'; see the glossary"),
            ("output", r"'output' names no year; expected .* such as output\.2030"),
            ("output.20301", "names no year"),
            ("", "is no address"),
            ("output.2030@", "is no address"),
            ("two words.2030", "is no address"),
        ],
    )
    def test_refused(self, text: str, message: str) -> None:
        with pytest.raises(UnknownName, match=message):
            parse(text)


class TestNumbers:
    """Numbers as people write them."""

    @pytest.mark.parametrize(
        ("value", "decimals", "unit", "expected"),
        [
            (2360.4, 0, "cars per year", "2,360"),
            (5998.0, 0, "cars per year", "5,998"),
            (1234567.891, 2, "", "1,234,567.89"),
            (0.391, 3, "share of 1", "39.1 %"),
            (0.5, 2, "share of 1", "50 %"),
            (1.2, 0, "share of 1", "120 %"),
            (-0.2, 0, "cars per year", "0"),
            (-0.004, 2, "", "0.00"),
            (-0.0001, 3, "share of 1", "0.0 %"),
            (-5.0, 0, "", "-5"),
            (-0.05, 2, "", "-0.05"),
            (-1050.0, 0, "", "-1,050"),
            (-0.05, 3, "share of 1", "-5.0 %"),
        ],
    )
    def test_each(self, value: float, decimals: int, unit: str, expected: str) -> None:
        assert number(value, decimals, unit) == expected


class TestForecasts:
    """The median over futures, with the 5-95 % range and the error of the median."""

    def test_national(self, azerbaijan: Study, runs: dict[str, Futures]) -> None:
        found = figure("output.2030", azerbaijan, runs)
        values = runs["baseline"].figures["output"][:, 4]
        assert found.kind == "forecast"
        assert found.value == np.median(values)
        assert (found.low, found.high) == tuple(np.quantile(values, (0.05, 0.95)))
        assert found.error > 0
        assert found.unit == "cars per year"
        assert found.text() == f"{found.value:,.0f} ({found.low:,.0f}–{found.high:,.0f})"
        assert found.text(spread=False) == f"{found.value:,.0f}"

    def test_a_range_below_zero_has_no_dash_before_its_minus(self, azerbaijan: Study, runs: dict[str, Futures]) -> None:
        found = replace(figure("npv.2030", azerbaijan, runs), value=-2.0, low=-3.0, high=-1.0, decimals=1)
        assert found.text() == "-2.0 (-3.0 to -1.0)"

    def test_by_plant_and_scenario(self, azerbaijan: Study, runs: dict[str, Futures]) -> None:
        found = figure("output.hajigabul_azermash_cp_full.2030@hub", azerbaijan, runs)
        run = runs["hub"]
        p = run.own_plants.index("hajigabul_azermash_cp_full")
        assert found.value == np.median(run.plants["output"][:, 4, p])
        assert found.value != figure("output.hajigabul_azermash_cp_full.2030", azerbaijan, runs).value

    def test_by_market(self, azerbaijan: Study, runs: dict[str, Futures]) -> None:
        run = runs["hub"]
        m = run.layout.markets.index("RUS")
        assert figure("exports.RUS.2030@hub", azerbaijan, runs).value == np.median(run.markets["exports"][:, 4, m])
        shares = [draws_of(parse(f"market_share.{name}.2030@hub"), runs) for name in run.layout.markets]
        assert all(((share >= 0) & (share <= 1)).all() for share in shares)

    def test_ladder(self, azerbaijan: Study, runs: dict[str, Futures]) -> None:
        """What the rungs lose adds up to the difference between the announced and the possible."""
        plant = "neftchala_khazar"
        rungs = [name[5:] for name in runs["baseline"].plants if name.startswith("rung_")]
        lost = sum(draws_of(parse(f"capacity_lost.{rung}.{plant}.2028"), runs) for rung in rungs)
        top, low = (draws_of(parse(f"capacity_{name}.{plant}.2028"), runs) for name in ("nameplate", "effective"))
        assert np.allclose(lost, top - low)

    def test_what_bound_sums_to_one(self, azerbaijan: Study, runs: dict[str, Futures]) -> None:
        parts = [figure(f"bound.azermash_lada.{limit}.2028", azerbaijan, runs) for limit in BOUND]
        assert sum(part.value for part in parts) == pytest.approx(1)
        p = parts[1].value
        assert parts[1].error == pytest.approx(np.sqrt(p * (1 - p) / 60))

    def test_jobs_by_industry_sum_to_the_national_figure(self, runs: dict[str, Futures]) -> None:
        names = runs["baseline"].layout.industries
        total = sum(draws_of(parse(f"jobs_by_industry.{name}.2030"), runs) for name in names)
        whole = sum(draws_of(parse(f"jobs_{part}.2030"), runs) for part in ("indirect", "induced"))
        assert np.allclose(total, whole)

    def test_price_delivered(self, azerbaijan: Study, runs: dict[str, Futures]) -> None:
        offer = runs["baseline"].layout.offers[0]
        assert figure(f"price_delivered.{offer}.RUS.2026", azerbaijan, runs).value > 1000


class TestRecords:
    """A past year or month gives the value used; the scenario plays no part."""

    @pytest.mark.parametrize(
        ("address", "expected"), [("output.2019", 2360), ("output.2018", 969), ("output.2024", 5998)]
    )
    def test_years(self, azerbaijan: Study, address: str, expected: float) -> None:
        found = figure(address, azerbaijan, {})
        assert found.kind == "record"
        assert found.value == expected
        assert found.record is not None
        assert found.record.used

    def test_months_lie_within_their_year(self, azerbaijan: Study) -> None:
        found = figure("output.2019-12", azerbaijan, {})
        assert found.kind == "record"
        assert 0 <= found.value <= 2360

    def test_a_plant_under_the_name_of_its_park(self, azerbaijan: Study) -> None:
        found = figure("output.hajigabul_azermash_cp.2023", azerbaijan, {})
        assert found.value == 3139  # the statistics of the district

    def test_other_quantities_on_record(self, azerbaijan: Study) -> None:
        assert figure("imports_vehicles.2019", azerbaijan, {}).value > 20_000
        with pytest.raises(UnknownName, match=r"the evidence has no .* for 1990"):
            figure("imports_vehicles.1990", azerbaijan, {})

    def test_a_claim(self, azerbaijan: Study) -> None:
        name = azerbaijan.table("claims")["claim"].to_list()[0]
        found = figure(f"claim.{name}", azerbaijan, {})
        assert found.kind == "claim"
        assert found.claim is not None
        assert found.claim.claim == name
        with pytest.raises(UnknownName, match=f"no claim '{name}x'; did you mean"):
            figure(f"claim.{name}x", azerbaijan, {})

    def test_an_assumption(self, azerbaijan: Study, runs: dict[str, Futures]) -> None:
        found = figure("parameter.theta", azerbaijan, runs)
        assert (found.low, found.value, found.high) == (found.low, azerbaijan.parameter("theta").mid, found.high)
        assert found.cell is not None
        with pytest.raises(UnknownName, match="no parameter 'thetta'; did you mean 'theta'"):
            figure("parameter.thetta", azerbaijan, runs)

    def test_a_cell_of_a_table(self, azerbaijan: Study) -> None:
        row = azerbaijan.table("plants").filter(azerbaijan.table("plants")["plant"] == "neftchala_khazar").to_dicts()[0]
        found = figure("table.plants.neftchala_khazar.nameplate", azerbaijan, {})
        assert found.value == row["nameplate"]
        assert found.cell is not None
        assert found.cell.place == f"plants.csv:{row['_line']}"

    @pytest.mark.parametrize(
        ("address", "message"),
        [
            ("table.plans.x.nameplate", r"no table 'plans' with a single key; did you mean 'plants'"),
            ("table.plants.neftchala_khasar.nameplate", r"no plant 'neftchala_khasar'; did you mean"),
            ("table.plants.neftchala_khazar.nameplat", r"no number 'nameplat'; did you mean"),
        ],
    )
    def test_unknown_cells(self, azerbaijan: Study, address: str, message: str) -> None:
        with pytest.raises(UnknownName, match=message):
            figure(address, azerbaijan, {})


class TestUnknownNames:
    """Whatever an address names that is not there is named back, with the nearest."""

    @pytest.mark.parametrize(
        ("address", "message"),
        [
            ("output.2030@hubb", r"no futures of scenario 'hubb' at hand; did you mean 'hub'"),
            ("output.2055", r"no output for 2055: these futures run from 2026 to 2030"),
            ("output.2030-04", r"no output for 2030-04"),
            ("output.neftchala_khasar.2030", r"no 'neftchala_khasar' for output; did you mean 'neftchala_khazar'"),
            ("exports.RUZ.2030", r"no 'RUZ' for exports; did you mean .*'RUS'"),
            ("gdp.neftchala_khazar.2030", r"no 'neftchala_khazar' for gdp"),
            ("operating.2030", r"operating needs a key: plant"),
            ("bound.2030", r"no plant ''; known: neftchala_khazar"),
            ("bound.neftchala_khazar.suply.2030", r"no limit 'suply'; did you mean 'partner_supply'"),
            ("capacity_rung.reworks.neftchala_khazar.2030", r"no rung 'reworks'; did you mean 'rework'"),
            ("hub_condition.outputs.2030", r"no condition 'outputs'; did you mean 'output'"),
            ("jobs_by_industry.steel.2030", r"no industry 'steel'"),
            ("price_delivered.x.RUS.2026", r"no offer 'x'"),
        ],
    )
    def test_each(self, azerbaijan: Study, runs: dict[str, Futures], address: str, message: str) -> None:
        with pytest.raises(UnknownName, match=message):
            figure(address, azerbaijan, runs)


class TestNet:
    """Net effects are a scenario minus ``no_industry`` under the same draws."""

    def test_terms(self, runs: dict[str, Futures]) -> None:
        run, other = runs["baseline"].figures, runs["no_industry"].figures
        expected = run["jobs"] + run["jobs_fiscal"] - other["jobs"] - other["jobs_fiscal"]
        assert np.allclose(net_draws("jobs_net", runs["baseline"], runs), expected)
        expected = run["imports"] - other["imports"]
        assert np.allclose(net_draws("imports_net", runs["baseline"], runs), expected)

    def test_of_nothing_is_nothing(self, runs: dict[str, Futures]) -> None:
        for name in ("jobs_net", "gdp_net", "tax_net", "imports_net"):
            assert (net_draws(name, runs["no_industry"], runs) == 0).all()
        assert np.allclose(diversification(runs["no_industry"]), 0, atol=1e-15)

    def test_draw_by_draw_even_if_one_has_more(self, runs: dict[str, Futures]) -> None:
        run = runs["baseline"]
        short = replace(run, draws=20, figures={k: v[:20] for k, v in run.figures.items()})
        assert np.array_equal(net_draws("tax_net", short, runs), net_draws("tax_net", run, runs)[:20])

    def test_needs_the_counterfactual(self, azerbaijan: Study, baseline: Futures) -> None:
        with pytest.raises(UnknownName, match="needs the futures of scenario 'no_industry'"):
            figure("jobs_net.2030", azerbaijan, {"baseline": baseline})


class TestHub:
    """The verdict is a probability; its alternatives share out the rest."""

    def test_alternatives_sum_to_one(self, azerbaijan: Study, runs: dict[str, Futures]) -> None:
        parts = [figure(f"hub_alternative.{name}.2030@hub", azerbaijan, runs).value for name in ALTERNATIVES]
        assert sum(parts) == pytest.approx(1)
        assert parts[0] == figure("hub_verdict.2030@hub", azerbaijan, runs).value

    def test_verdict_is_the_joint_event(self, azerbaijan: Study, runs: dict[str, Futures]) -> None:
        met = [draws_of(parse(f"hub_condition.{name}.2030@hub"), runs) for name in CONDITIONS]
        joint = np.prod(met, axis=0)
        assert figure("hub_verdict.2030@hub", azerbaijan, runs).value == joint.mean()
        run = runs["hub"].figures
        assert np.array_equal(met[0], run["output"][:, 4] >= 150_000)
        assert np.array_equal(met[1], run["export_share"][:, 4] >= 0.5)
        assert np.array_equal(met[3], run["local_content"][:, 4] >= 0.35)
        assert np.array_equal(met[4], run["npv"][:, 4] > 0)

    def test_thresholds_and_outside_view(self, azerbaijan: Study, runs: dict[str, Futures]) -> None:
        assert figure("hub_threshold.output.2030", azerbaijan, runs).value == 150_000
        assert figure("hub_threshold.export_share.2030", azerbaijan, runs).text() == "50.0 %"
        rate = figure("hub_base_rate.2030", azerbaijan, runs)
        assert 0 < rate.low < rate.value < rate.high < 1
        entries, exposure = (
            figure(f"hub_base_{name}.2030", azerbaijan, runs).value for name in ("entries", "exposure")
        )
        assert 0 < entries < exposure


class TestCounts:
    """What the report counts."""

    def test_each(self, azerbaijan: Study, runs: dict[str, Futures]) -> None:
        run = runs["baseline"]
        assert figure("count_futures.2030", azerbaijan, runs).value == 60
        assert figure("count_cells.2030", azerbaijan, runs).value == len(run.cells)
        assumed = figure("count_cells_assumed.2030", azerbaijan, runs).value
        assert 0 < assumed < len(run.cells)
        assert figure("count_claims.2030", azerbaijan, runs).value == azerbaijan.table("claims").height

    def test_difference_of_two_claims(self, azerbaijan: Study) -> None:
        claims = azerbaijan.table("claims")
        one, two = claims.filter((claims["subject"] == "country") & (claims["attribute"] == "output")).to_dicts()[:2]
        found = figure(f"claims_difference.{one['claim']}.{two['claim']}.2019", azerbaijan, {})
        assert found.value == float(one["value"]) - float(two["value"])
        with pytest.raises(UnknownName, match="needs two claims"):
            figure("claims_difference.nothing.2019", azerbaijan, {})


def test_money_has_a_year(azerbaijan: Study) -> None:
    """Money is that of the year before the start."""
    assert unit_of(quantities()["gdp"], azerbaijan) == "million AZN of 2025"


def test_donors_bracket_the_whole(azerbaijan: Study, runs: dict[str, Futures]) -> None:
    """Each donor's futures are a part of all of them; together they are all."""
    run = runs["baseline"]
    parts = [draws_of(parse(f"jobs_by_donor.{donor}.2030"), runs) for donor in run.donors]
    whole = run.figures["jobs_indirect"][:, 4] + run.figures["jobs_induced"][:, 4]
    assert np.allclose(np.sort(np.concatenate(parts)), np.sort(whole))

"""What a run knows before it draws, and the draws."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from karvan.base.errors import InputError
from karvan.base.streams import BLOCK
from karvan.futures.inputs import Draws, Prepared, parameter, prepare, steady, used_cells
from karvan.study.cells import Cell
from karvan.study.evidence import year_value
from karvan.study.load import Study, load
from karvan.study.world import world_table


def cell(name: str, low: float = 1.0, mid: float = 2.0, high: float = 4.0, shape: str = "triangular") -> Cell:
    """A cell of a name."""
    return Cell(name, low, mid, high, shape, "1", "assumed", "", "", "test")


class TestDraws:
    """The numbers of a cell depend on seed, name and block alone."""

    def test_the_same_whatever_is_asked_first(self) -> None:
        one, two = Draws(1, 0, 60), Draws(1, 0, 60)
        a = one.of(cell("a")), one.of(cell("b")), one.normal("n", 3)
        n, b = two.normal("n", 3), two.of(cell("b"))
        assert np.array_equal(a[0], two.of(cell("a")))
        assert np.array_equal(a[1], b)
        assert np.array_equal(a[2], n)

    def test_fewer_draws_are_the_first_of_more(self) -> None:
        few, many = Draws(1, 0, 20), Draws(1, 0, BLOCK)
        assert np.array_equal(few.of(cell("a")), many.of(cell("a"))[:20])
        assert np.array_equal(few.normal("n", 4, 2), many.normal("n", 4, 2)[:20])
        assert np.array_equal(few.uniform("u", 4), many.uniform("u", 4)[:20])

    def test_seed_name_and_block_each_matter(self) -> None:
        base = Draws(1, 0, 60).of(cell("a"))
        assert not np.array_equal(base, Draws(2, 0, 60).of(cell("a")))
        assert not np.array_equal(base, Draws(1, 1, 60).of(cell("a")))
        assert not np.array_equal(base, Draws(1, 0, 60).of(cell("b")))
        assert not np.array_equal(base, Draws(0, 0, 60).of(cell("a")))

    def test_a_whole_block_is_a_latin_hypercube(self) -> None:
        """One draw in each of 500 equal slices, so that the mean of a uniform is 1/2 to within half a slice."""
        values = Draws(1, 0, BLOCK).of(cell("a", 0.0, 0.5, 1.0, "uniform"))
        assert np.array_equal(np.sort((values * BLOCK).astype(int)), np.arange(BLOCK))

    def test_a_certain_cell_is_the_same_in_every_future(self) -> None:
        assert (Draws(1, 0, 9).of(cell("a", shape="fixed")) == 2.0).all()


class TestRecord:
    """The level of the plants is that of the last three years on record before the start."""

    def test_years(self, prepared: Prepared, azerbaijan: Study) -> None:
        assert [value.period for value in prepared.record] == ["2023", "2024", "2025"]
        for value in prepared.record:
            found = year_value(azerbaijan, "country", "output", "passenger_car", int(value.period))
            assert found is not None
            assert value.value == found.value

    def test_a_past_start_ends_its_record_there(self) -> None:
        early = load("azerbaijan", as_of="2020-12-31")
        then = prepare(early, "baseline", 2020, 2022)
        assert {int(value.period) for value in then.history} <= set(range(2000, 2020))
        assert then.record[-1].period == "2019"
        assert then.record[-1].value == 2360  # the statistics office's figure for 2019
        assert not then.present_start


class TestFlows:
    """Base flows: every market has sellers; own plants come in by their record."""

    def test_split_over_offers(self, prepared: Prepared, azerbaijan: Study) -> None:
        layout = prepared.layout
        units = {(r["exporter"], r["importer"]): r["units"] for r in azerbaijan.table("flows").iter_rows(named=True)}
        rivals = layout.offer_plant >= layout.own
        places = np.array([layout.country[plant] for plant in layout.offer_plant])
        for (exporter, importer), number in units.items():
            own = exporter == azerbaijan.settings.country  # own plants come in by their record
            if exporter not in layout.country or importer not in layout.markets or own:
                continue
            of = rivals & (places == exporter)
            share = layout.share_home if exporter == importer else layout.share_export
            sold = prepared.quantities[of, layout.markets.index(importer)].sum()
            assert sold == pytest.approx(number * share[of].sum(), rel=1e-9)

    def test_no_market_is_empty(self, prepared: Prepared) -> None:
        assert (prepared.quantities.sum(axis=0) > 0).all()
        assert (prepared.quantities[prepared.layout.own_offers] == 0).all()

    def test_a_market_without_flows_takes_the_pattern_of_the_others(self, azerbaijan: Study) -> None:
        flows = azerbaijan.table("flows").filter(pl.col("importer") != "IRQ")
        bare = prepare(replace(azerbaijan, tables={**azerbaijan.tables, "flows": flows}), "baseline", 2026, 2027)
        m = bare.layout.markets.index("IRQ")
        others = np.delete(bare.quantities, m, axis=1).sum(axis=1)
        assert bare.quantities[:, m] / bare.quantities[:, m].sum() == pytest.approx(others / others.sum())

    def test_errors_are_those_of_the_table(self, prepared: Prepared, azerbaijan: Study) -> None:
        row = azerbaijan.table("flows").filter((pl.col("exporter") == "CHN") & (pl.col("importer") == "RUS"))
        c = sorted(set(prepared.layout.country)).index("CHN")
        assert prepared.flow_error[c, prepared.layout.markets.index("RUS")] == row["log_error"].to_list()[0]


class TestIncome:
    """Income is as it was where it is known, and goes on from there."""

    def test_the_base_is_the_year_before_the_start(self) -> None:
        then = prepare(load("azerbaijan"), "baseline", 2015, 2018)
        table = world_table("income").filter((pl.col("country") == "AZE") & (pl.col("year") == 2014))
        home = then.layout.home
        assert then.income[home] * 1000 == pytest.approx(table["gdp_per_head_ppp"].to_list()[0])

    def test_known_years(self) -> None:
        then = prepare(load("azerbaijan"), "baseline", 2015, 2018)
        rows = world_table("income").filter(pl.col("country") == "AZE")
        series = dict(zip(rows["year"].to_list(), rows["gdp_per_head_ppp"].to_list(), strict=True))
        expected = [series[year] / series[2014] for year in range(2015, 2019)]
        assert then.income_known[:, then.layout.home] == pytest.approx(expected)

    def test_as_of_hides_what_came_later(self) -> None:
        early = load("azerbaijan", as_of="2016-12-31")
        hidden = prepare(early, "baseline", 2015, 2020).income_known
        shown = prepare(early, "baseline", 2015, 2020, income_as_of=None).income_known
        assert np.isnan(hidden[-1]).all()
        assert np.isfinite(shown[:, 0]).all()

    def test_population_of_the_base(self, prepared: Prepared) -> None:
        assert prepared.population[prepared.layout.home] == pytest.approx(10.25e6, rel=0.02)


class TestParameters:
    """A parameter over the years: a column if nothing moves it, all years if a lever does."""

    def test_shapes(self, prepared: Prepared, draws: Draws) -> None:
        names = prepared.layout.plants[: prepared.layout.own]
        assert parameter(prepared, draws, "maker_margin").shape == (60, 1)
        assert parameter(prepared, draws, "kit_price", names).shape == (60, 1, len(names))
        assert steady(prepared, draws, "theta").shape == (60,)

    def test_every_cell_asked_for_is_remembered(self, azerbaijan: Study, draws: Draws) -> None:
        fresh = prepare(azerbaijan, "baseline", 2026, 2027)
        assert not fresh.cells
        steady(fresh, draws, "theta")
        steady(fresh, draws, "ramp_50", "neftchala_khazar")
        assert [item.name for item in used_cells(fresh)] == ["ramp_50.neftchala_khazar", "theta"]


class TestEconomy:
    """One set of effects a donor."""

    def test_donors(self, prepared: Prepared) -> None:
        assert prepared.donors == ("ROU", "RUS", "TUR")

    def test_a_study_without_a_table_is_refused(self, azerbaijan: Study) -> None:
        empty = azerbaijan.table("input_output").clear()
        with pytest.raises(InputError, match="no donor"):
            prepare(replace(azerbaijan, tables={**azerbaijan.tables, "input_output": empty}), "baseline", 2026, 2027)

    def test_a_table_without_households_is_refused(self, azerbaijan: Study) -> None:
        flows = azerbaijan.table("input_output").filter(pl.col("column") != "household_consumption")
        with pytest.raises(InputError, match="donor ROU has no household_consumption"):
            prepare(replace(azerbaijan, tables={**azerbaijan.tables, "input_output": flows}), "baseline", 2026, 2027)

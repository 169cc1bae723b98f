"""Population and the home currency: fitted to what was on record, never to what came later."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from karvan.futures.blocks import demand_inputs
from karvan.futures.inputs import Draws, Prepared, prepare
from karvan.futures.macro import SPREAD, Currency, currency_of, population_process, purchase_noise
from karvan.study.load import Study, load
from karvan.study.world import world_table


def series(column: str) -> dict[int, float]:
    rows = world_table("income").filter((pl.col("country") == "AZE") & pl.col(column).is_not_null())
    return dict(zip(rows["year"].to_list(), rows[column].to_list(), strict=True))


def fitted(study: Study, base: int = 2025) -> Currency:
    return currency_of(study, series("gdp_per_head_ppp"), series("population"), base)


class TestPopulation:
    def test_each_country_by_its_own_record(self) -> None:
        """Azerbaijan grew, Georgia shrank; nobody's disturbance is below half the variance of the median country."""
        found = population_process(world_table("income"), ["AZE", "GEO", "UZB", "QQQ"], 2024)
        assert found.drift[0] == pytest.approx(0.009, abs=0.003)
        assert found.drift[1] < 0.0 < found.drift[0] < found.drift[2]
        assert (found.sd > 0.5 * found.sd[3] / np.sqrt(2.0)).all()
        assert found.sd[3] > SPREAD * 1e-4
        assert np.isfinite([found.drift[3], found.drift_se[3], found.rho[3], found.last[3]]).all()

    def test_nothing_later_is_read(self) -> None:
        table = world_table("income")
        late = population_process(table, ["AZE", "TUR"], 2013)
        early = population_process(table.filter(pl.col("year") <= 2013), ["AZE", "TUR"], 2013)
        assert late.drift.tolist() == early.drift.tolist()
        assert late.sd.tolist() == early.sd.tolist()

    def test_another_territory_is_no_disturbance(self) -> None:
        """Russia's series has 0.3, 1.9 and 0.3 % in 2013 to 2015: the step is mended."""
        found = population_process(world_table("income"), ["RUS"], 2024)
        assert found.sd[0] < 0.004

    def test_a_bare_table_has_an_assumed_process(self) -> None:
        found = population_process(world_table("income").filter(pl.col("country") == "AZE"), ["AZE", "GEO"], 2024)
        assert found.drift.tolist() == [0.01, 0.01]

    def test_paths(self, prepared: Prepared) -> None:
        """From the base on, spreading; known years, of a past start, without."""
        people = demand_inputs(prepared, Draws(1, 0, 200)).population
        home = prepared.layout.home
        assert np.median(people[:, 0, home]) == pytest.approx(prepared.population[home], rel=0.02)
        spread = np.log(people[:, :, home]).std(axis=0)
        assert (np.diff(spread) > 0).all()
        then = prepare(load("azerbaijan"), "baseline", 2015, 2028)
        past = demand_inputs(then, Draws(1, 0, 50)).population[:, :, then.layout.home]
        known = [value for year, value in sorted(series("population").items()) if year >= 2015]
        assert past[:, : len(known)] == pytest.approx(np.broadcast_to(known, (50, len(known))))
        assert past[:, len(known)].std() > 0


class TestCurrency:
    def test_the_manat(self, azerbaijan: Study) -> None:
        """Two jumps, in the yearly means of 2015 and 2016, in 21 changes on record: 2.5 / 21 a year, Gamma."""
        found = fitted(azerbaijan)
        assert (found.jumps.events, found.jumps.years) == (2.0, 21.0)
        hazard = found.cells["devaluation_hazard"]
        assert -np.log(1 - hazard.mid) == pytest.approx(2.176 / 21, rel=0.01)
        assert hazard.low < 2 / 21 < hazard.high
        size = found.cells["devaluation_size"]
        steps = [np.log(1.0283 / 0.7845), np.log(1.5965 / 1.0283)]
        assert min(steps) < size.mid < max(steps)
        memory = found.cells["real_exchange_rate_persistence.AZE"]
        assert 0.7 < memory.low < memory.mid < memory.high <= 0.98
        swings = found.cells["markets.real_exchange_rate_sd.AZE"]
        assert 0.08 < swings.low < swings.mid < 0.133 < swings.high

    def test_before_2015_no_jump_was_on_record(self, azerbaijan: Study) -> None:
        found = fitted(azerbaijan, 2013)
        assert found.jumps.events == 0.0
        assert "devaluation_size" not in found.cells
        macro = azerbaijan.table("macro")
        early = replace(azerbaijan, tables={**azerbaijan.tables, "macro": macro.filter(pl.col("year") <= 2013)})
        assert found.cells == fitted(early, 2013).cells

    def test_income_not_known_yet_is_not_read(self, azerbaijan: Study) -> None:
        """As of a past date the income table ends there, and with it the real rate."""
        income = {year: value for year, value in series("gdp_per_head_ppp").items() if year <= 2012}
        short = currency_of(azerbaijan, income, series("population"), 2013)
        assert "13 pairs" not in short.cells["markets.real_exchange_rate_sd.AZE"].note
        assert "12 pairs" in short.cells["markets.real_exchange_rate_sd.AZE"].note

    def test_the_study_has_the_last_word(self, azerbaijan: Study) -> None:
        rows = azerbaijan.table("assumptions")
        own = rows.head(1).with_columns(
            parameter=pl.lit("devaluation_hazard"),
            key=pl.lit(None, dtype=pl.String),
            low=pl.lit(0.01),
            mid=pl.lit(0.02),
            high=pl.lit(0.03),
        )
        study = replace(azerbaijan, tables={**azerbaijan.tables, "assumptions": pl.concat([rows, own])})
        assert "devaluation_hazard" not in fitted(study).cells
        assert prepare(study, "baseline", 2026, 2027).cell("devaluation_hazard").mid == 0.02

    def test_without_a_record_the_register_answers(self, azerbaijan: Study) -> None:
        empty = azerbaijan.table("macro").clear()
        bare = replace(azerbaijan, tables={**azerbaijan.tables, "macro": empty})
        assert fitted(bare).cells == {}
        cell = prepare(bare, "baseline", 2026, 2027).cell("devaluation_hazard")
        assert cell.assumed

    def test_swings_of_the_home_rate(self, prepared: Prepared) -> None:
        """First-year sd of ln(rate): the drawn sd and the jumps together; half of a deviation is gone in five years."""
        rate = np.log(demand_inputs(prepared, Draws(1, 0, 500)).real_rate)
        assert 0.10 < rate[:, 0].std() < 0.25
        assert np.median(rate[:, -1]) < 0.0  # jumps go one way only
        memory = np.corrcoef(rate[:, -2], rate[:, -1])[0, 1]
        assert 0.75 < memory < 0.95


YEARS = range(1990, 2026)


def registrations(country: str, sd: float, elasticity: float) -> tuple[pl.DataFrame, dict[int, float]]:
    """Registrations that follow income with a law of their own, and that income."""
    generator = np.random.default_rng(5)
    income = np.exp(np.cumsum(generator.normal(0.02, 0.03, len(YEARS))))
    cars = 1e5 * income**elasticity * np.exp(np.cumsum(generator.normal(0.0, sd, len(YEARS))))
    table = pl.DataFrame({"country": [country] * len(YEARS), "year": list(YEARS), "passenger_cars": cars})
    return table, dict(zip(YEARS, income.tolist(), strict=True))


class TestPurchaseNoise:
    """What income does not explain of registrations, market by market."""

    @pytest.mark.parametrize("sd", [0.05, 0.2, 0.6])
    def test_a_law_is_found_again(self, azerbaijan: Study, sd: float) -> None:
        """Between what is on record and the register's middle, nearer the record of 35 changes."""
        elasticity = azerbaijan.parameter("purchase_income_elasticity").mid
        table, income = registrations("TUR", sd, elasticity)
        cell = purchase_noise(azerbaijan, table, [income], ["TUR"], 2025, {})["demand_noise.TUR"]
        prior = azerbaijan.parameter("demand_noise", "TUR").mid
        assert cell.low < cell.mid < cell.high
        assert abs(np.log(cell.mid / sd)) < 0.35
        assert abs(np.log(cell.mid / sd)) < abs(np.log(cell.mid / prior)) or abs(np.log(sd / prior)) < 0.2

    def test_nothing_later_is_read(self, azerbaijan: Study) -> None:
        table, income = registrations("TUR", 0.2, 3.5)
        early = table.filter(pl.col("year") <= 2012)
        assert purchase_noise(azerbaijan, table, [income], ["TUR"], 2012, {}) == purchase_noise(
            azerbaijan, early, [income], ["TUR"], 2012, {}
        )

    def test_short_records_and_rows_of_the_study_are_left_to_them(self, azerbaijan: Study) -> None:
        table, income = registrations("TUR", 0.2, 3.5)
        assert purchase_noise(azerbaijan, table, [income], ["TUR"], 1997, {}) == {}
        home = table.with_columns(country=pl.lit("AZE"))
        assert purchase_noise(azerbaijan, home, [income], ["AZE"], 2025, {}) == {}

    def test_at_home_the_currency_moves_purchases_by_itself(self, azerbaijan: Study) -> None:
        rows = azerbaijan.table("assumptions").filter(pl.col("parameter") != "demand_noise")
        bare = replace(azerbaijan, tables={**azerbaijan.tables, "assumptions": rows})
        table, income = registrations("AZE", 0.5, 3.5)
        cells = fitted(azerbaijan).cells
        home = purchase_noise(bare, table, [income], ["AZE"], 2025, cells)["demand_noise.AZE"]
        abroad = purchase_noise(bare, table.with_columns(country=pl.lit("GEO")), [income], ["GEO"], 2025, cells)
        swing = 3.5 * cells["markets.real_exchange_rate_sd.AZE"].mid
        assert abroad["demand_noise.GEO"].mid > home.mid
        assert home.mid == pytest.approx(np.sqrt(0.5**2 - swing**2), rel=0.25)

    def test_markets_of_the_study_swing_as_on_record(self, prepared: Prepared) -> None:
        """A first year of Turkey's market strays by about a quarter, as its registrations did, not by two thirds."""
        layout = prepared.layout
        cycle = np.log(demand_inputs(prepared, Draws(1, 0, 500)).cycle[:, 0])
        turkey, home = layout.markets.index("TUR"), layout.home
        assert 0.2 < cycle[:, turkey].std() < 0.4
        assert cycle[:, home].std() > cycle[:, turkey].std()

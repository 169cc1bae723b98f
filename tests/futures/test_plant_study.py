"""A plant of the study taken apart: every plant gives a ladder or says why not; ranges, kits, projects."""

import numpy as np
import pytest

from karvan.base.errors import UnknownName
from karvan.facilities import RUNGS, kits_at_hand
from karvan.futures.ensemble import Futures
from karvan.futures.inputs import Draws, Prepared
from karvan.futures.plant_aggregate import LOAD, aggregate
from karvan.futures.plant_model import Model
from karvan.futures.plant_study import PlantStudy, in_futures, known_plant, own_plants, study_plant
from karvan.futures.surrogate import KITS, line_shares, shop_cells
from karvan.study.load import Study, load
from karvan.study.world import world_table

CARS = ("neftchala_khazar", "hajigabul_azermash_cp", "hajigabul_azermash_cp_full", "azermash_lada", "nakhchivan_naz",
        "shamakhi_azsamand")  # fmt: skip


MADE: dict[str, PlantStudy] = {}


def quick(study: Study, plant: str) -> PlantStudy:
    """A plant of the built-in study with few runs; each once."""
    if plant not in MADE:
        MADE[plant] = study_plant(study, plant, quick=True, replications=3, draws=20)
    return MADE[plant]


@pytest.mark.parametrize("plant", own_plants(load("azerbaijan")))
def test_every_plant_gives_a_ladder(plant: str, azerbaijan: Study) -> None:
    found = quick(azerbaijan, plant)
    assert found.report is not None and found.missing == ""
    ladder = found.report.ladder
    assert set(found.why) == set(RUNGS)
    assert float(ladder.nameplate - sum(ladder.lost.values())) == pytest.approx(float(ladder.effective))
    assert all(float(ladder.lost[name]) >= 0 for name in ("breakdowns", "blocking_starving", "rework", "kits"))
    effective = found.report.effective
    assert effective.p5 < effective.p50 < effective.p95
    assert effective.ignorance_sd > 3 * effective.luck_sd, "what nobody knows outweighs breakdowns"
    assert found.report.bottleneck.verdict and (found.report.bottleneck.speed_error > 0).any()
    assert (found.reach is not None) == (plant in CARS), "futures know cars only"
    assert set(found.report.bottleneck.names) == set(shop_cells(azerbaijan, plant))


@pytest.fixture(scope="module")
def found(azerbaijan: Study, baseline: Futures) -> PlantStudy:
    """The Hajigabul line with what-ifs, and the futures beside it."""
    return study_plant(azerbaijan, "hajigabul_azermash_cp", run=baseline, replications=4, draws=20)


class TestHajigabul:
    def test_straight_time_by_hand(self, found: PlantStudy) -> None:
        assert found.report is not None
        assert float(found.report.ladder.rungs["straight_time"]) == pytest.approx(3.3 * 8 * 248)
        assert float(found.report.ladder.rungs["overtime"]) == pytest.approx(3.3 * 1.1 * 8 * 248)
        assert found.calendar_reach == pytest.approx(3.3 * 1.1 * 8 * 248 / 5000)

    def test_the_reading_of_the_futures_stands_beside_it(self, found: PlantStudy, baseline: Futures) -> None:
        assert found.reach is not None and found.reach.mid == 1.05
        at = baseline.own_plants.index("hajigabul_azermash_cp")
        works = baseline.plants["rung_ramp_up"][:, 0, at] > 0
        assert found.futures["straight_time"][1] == pytest.approx(
            np.median(baseline.plants["rung_straight_time"][works, 0, at])
        )

    def test_what_ifs_have_costs_that_add_up(self, found: PlantStudy) -> None:
        assert found.report is not None
        for item in found.report.what_ifs:
            assert item.yearly_cost is not None and item.yearly_cost > 0
            assert item.cost_per_extra_car is None or item.cost_per_extra_car == pytest.approx(
                item.yearly_cost / item.cars
            )
            assert found.costs[item.name]
        shift = found.report.what_ifs[0]
        assert shift.name == "one more shift"
        # 35 people for 1,000 cars a year x 6,547 cars x 989 AZN x 12 / 1.70
        assert shift.yearly_cost == pytest.approx(35 * 6.5472 * 989 * 12 / 1.70, rel=0.01)

    def test_demand_is_the_last_rung_and_the_last_cost(self, found: PlantStudy) -> None:
        assert found.report is not None and found.report.with_demand is not None
        assert float(found.report.with_demand.demand) == pytest.approx(found.futures["demand"][1])
        assert found.report.cost_per_car["demand"] > found.report.cost_per_car["p50"]

    def test_every_number_has_its_cell(self, found: PlantStudy) -> None:
        names = {cell.name for cell in found.cells}
        assert {"kit_lead_days.hajigabul_azermash_cp", "wage_month", "people_fixed.hajigabul_azermash_cp"} <= names
        assert len(names) == len(found.cells)
        assert 0 < len(found.assumed) < len(found.cells)


class TestProjects:
    def test_full_cycle_is_a_project_with_a_date_and_a_doubt(self, azerbaijan: Study) -> None:
        found = quick(azerbaijan, "hajigabul_azermash_cp_full")
        assert found.state == "building" and "opening planned for 2025-12" in found.conditions[0]
        assert "55 % (30 to 80)" in found.conditions[0] and "1.5 years (0.5 to 4)" in found.conditions[0]
        assert "takes over the cars of hajigabul_azermash_cp" in found.conditions[1]
        assert found.report is not None
        assert {"body", "paint"} <= set(found.report.shop_names)
        assert float(found.report.ladder.lost["ramp_up"]) > 0.3 * float(found.report.ladder.rungs["kits"])

    def test_closed_and_idle_plants_say_so(self, azerbaijan: Study) -> None:
        assert quick(azerbaijan, "shamakhi_azsamand").conditions[0].startswith("closed since 2016")
        assert quick(azerbaijan, "nakhchivan_naz").conditions[0].startswith("idle")

    def test_unknown_names(self, azerbaijan: Study) -> None:
        with pytest.raises(UnknownName, match="did you mean 'neftchala_khazar'"):
            study_plant(azerbaijan, "neftchala")


class TestDraws:
    def test_the_middle_of_every_range_is_the_plant(self, azerbaijan: Study) -> None:
        plant = "neftchala_khazar"
        model = Model(azerbaijan, plant, shop_cells(azerbaijan, plant), 10_000, None)
        drawn = model.draws(1, 400)
        assert drawn.cycle_s.shape == (400, 3)
        assert (drawn.cycle_s[:, 1].min(), drawn.cycle_s[:, 1].max()) == pytest.approx(
            (3600 / 6.2, 3600 / 3.5), rel=0.08
        )
        assert np.corrcoef(drawn.cycle_s[:, 0], drawn.cycle_s[:, 1])[0, 1] > 0.95, "shops are laid out for one another"
        assert abs(np.corrcoef(drawn.mtbf_min[:, 0], drawn.mtbf_min[:, 1])[0, 1]) < 0.2
        # Days 230 to 255 and hours 7.5 to 8 pull down, 1 to 1.3 shifts pull up.
        assert 0.85 < drawn.factor.min() < 1.0 < drawn.factor.max() < 1.35

    def test_kits_rung_of_the_ensemble_is_the_closed_form(self, prepared: Prepared, draws: Draws) -> None:
        shares = line_shares(prepared, draws)
        plant = prepared.layout.plants.index("hajigabul_azermash_cp")
        given = [draws.of(prepared.cell(name, "hajigabul_azermash_cp")) for name in KITS]
        assert np.asarray(shares.kits)[:, plant] == pytest.approx(kits_at_hand(*given))
        assert 0.9 < np.asarray(shares.kits)[:, plant].min() < 1.0


class TestOtherKinds:
    """Buses, trucks, tractors and the rest: their own shops, people and money; never cars."""

    def test_bus_costs_are_those_of_buses(self, azerbaijan: Study) -> None:
        found = quick(azerbaijan, "sumgait_byd")
        assert found.words == ("bus", "buses") and not in_futures(azerbaijan, "sumgait_byd")
        # 16.7 million AZN / 40 / 1.70 = 245,000 USD is what the state paid a bus: the cost range must hold it.
        low, _, high = found.cost_ranges["in all"]
        assert low < 16_675_640 / 40 / 1.70 < high
        assert found.people is not None and found.people[0] < 600 < found.people[2], "600 jobs planned"
        assert {cell.unit for cell in found.cells if cell.name.startswith("kit_price")} == {"USD per bus"}

    def test_parts_of_cost_add_up(self, azerbaijan: Study) -> None:
        """Medians of parts need not add up, but the whole lies between the sums of the ends."""
        for plant in ("sumgait_byd", "ganja_gaz", "neftchala_khazar"):
            ranges = dict(quick(azerbaijan, plant).cost_ranges)
            whole = ranges.pop("in all")
            for end in (0, 2):
                total = sum(values[end] for values in ranges.values())
                assert (total < whole[0]) == (end == 0) and (total > whole[2]) == (end == 2)

    def test_cost_by_hand(self, azerbaijan: Study) -> None:
        model = Model(azerbaijan, "sumgait_iveco", shop_cells(azerbaijan, "sumgait_iveco"), 100.0, None)
        money = model.plant.money
        assert money is not None
        straight = 0.05 * 8 * 248
        assert money.variable_per_car == pytest.approx(60_000 + 3_000)  # the register's truck, free of duty
        assert money.people_fixed + money.people_per_shift == pytest.approx(60 + 300 * straight / 1000)

    def test_a_plant_abroad_tells_no_cost(self, azerbaijan: Study) -> None:
        found = quick(azerbaijan, "kirikkale_belarus")
        assert found.no_money == "wages and duties are those of TUR, which this study does not hold"
        assert found.report is not None and found.report.cost_per_car == {} and found.people is None

    def test_no_size_announced_says_so(self, azerbaijan: Study) -> None:
        assert any("size is assumed" in text for text in quick(azerbaijan, "improtex_man").conditions)
        assert not any("size is assumed" in text for text in quick(azerbaijan, "sumgait_byd").conditions)

    def test_the_record_stands_beside(self, azerbaijan: Study) -> None:
        said = [text for text in quick(azerbaijan, "ganja_gaz").conditions if "on record" in text]
        assert said == [
            "most tractors on record in claims of whole years: 800 a year at the plant (2025); 905 a year in the whole "
            "country (2019)"
        ]

    def test_tyres_by_the_batch(self, azerbaijan: Study) -> None:
        """405 an hour, round the clock on 340 days: simulated forty at a time, told in tyres."""
        found = quick(azerbaijan, "sumgait_tyres")
        assert found.words == ("tyre", "tyres") and found.nameplate == 3_300_000
        assert found.report is not None
        assert float(found.report.ladder.rungs["straight_time"]) == pytest.approx(405 * 24 * 340)
        assert 2e6 < found.report.effective.p50 < 3.3e6
        low, middle, high = found.cost_ranges["in all"]
        assert 20 < low < middle < high < 120
        assert middle == pytest.approx(found.report.cost_per_car["p50"], rel=0.3)

    def test_batches_do_not_change_the_answer(self, azerbaijan: Study, monkeypatch: pytest.MonkeyPatch) -> None:
        plant = "neftchala_khazar"
        single = quick(azerbaijan, plant)
        monkeypatch.setattr("karvan.futures.plant_model.FAST", 4.0)
        monkeypatch.setattr("karvan.futures.plant_model.BATCH_RATE", 2.5)  # two cars at a time
        double = study_plant(azerbaijan, plant, quick=True, replications=3, draws=20)
        assert single.report is not None and double.report is not None
        assert double.calendar_reach == pytest.approx(single.calendar_reach)
        for name in ("nameplate", "straight_time", "breakdowns"):
            assert float(double.report.ladder.rungs[name]) == pytest.approx(float(single.report.ladder.rungs[name]))
        assert double.report.effective.p50 == pytest.approx(single.report.effective.p50, rel=0.03)
        assert double.report.bottleneck.speed[1] == pytest.approx(single.report.bottleneck.speed[1], rel=0.3)
        assert double.people == pytest.approx(single.people)
        assert double.report.cost_per_car["p50"] == pytest.approx(single.report.cost_per_car["p50"], rel=0.02)


class TestRivals:
    """Aggregates of makers: a ladder from the record, and why no bottleneck can be named."""

    def test_lada_by_hand(self, azerbaijan: Study) -> None:
        found = study_plant(azerbaijan, "rus_lada")
        assert "makers of RUS as a whole" in found.missing and found.report is None
        entered = found.aggregate
        assert entered is not None and entered.best_year == 2019
        # 1,523,594 cars in 2019 x 0.33, over loads of 1, 0.8 and 0.6
        assert entered.best == pytest.approx(1_523_594 * 0.33, rel=1e-3)
        assert entered.capacity == pytest.approx([entered.best / load for load in reversed(LOAD)])
        assert entered.share == pytest.approx(0.33, rel=1e-3)
        assert entered.utilisation is not None and entered.utilisation[0] < 0.5
        assert entered.verdict.startswith("none can be named") and "after 502,800 cars in 2019" in entered.verdict

    def test_every_rival_has_one_and_never_more_than_its_capacity(self, azerbaijan: Study) -> None:
        rivals = [row for row in azerbaijan.table("plants").iter_rows(named=True) if row["role"] == "rival"]
        assert len(rivals) == 21
        for row in rivals:
            entered = aggregate(azerbaijan, row)
            assert entered is not None
            assert [name for name, _, _ in entered.rungs][:2] == ["nameplate", "best year"]
            assert entered.latest is None or 0 < entered.latest < entered.capacity[2]
            assert entered.rungs[0][1] == pytest.approx(row["nameplate"])

    def test_a_region_is_the_sum_of_its_countries(self, azerbaijan: Study) -> None:
        """At least the cars that members and the United Kingdom counted in 2019, at most all their vehicles."""
        entered = aggregate(azerbaijan, known_plant(azerbaijan, "eur_makers"))
        assert entered is not None and entered.best_year == 2019 and entered.share is not None
        world = world_table("countries")
        members = {*world.filter(world["eu_since"].str.len_chars() > 0)["country"].to_list(), "GBR"}
        made = world_table("production").filter(year=2019)
        made = made.filter(made["country"].is_in(sorted(members)))
        total = float(made["total"].sum())
        assert float(made["passenger_cars"].sum()) <= entered.best / entered.share <= total

    def test_what_was_not_known_is_not_told(self) -> None:
        early = load("azerbaijan", as_of="2022-12-31")
        entered = aggregate(early, known_plant(early, "rus_lada"))
        assert entered is not None and entered.latest_year == 2021

    def test_a_rival_without_capacity_has_none(self, azerbaijan: Study) -> None:
        assert aggregate(azerbaijan, {**known_plant(azerbaijan, "rus_lada"), "nameplate": None}) is None

"""A plant of the study taken apart: every plant gives a ladder or says why not; ranges, kits, projects."""

import numpy as np
import pytest

from karvan.base.errors import UnknownName
from karvan.facilities import RUNGS, kits_at_hand
from karvan.futures.ensemble import Futures
from karvan.futures.inputs import Draws, Prepared
from karvan.futures.plant_study import PlantStudy, _Model, own_plants, shop_cells, study_plant
from karvan.futures.surrogate import KITS, line_shares
from karvan.study.load import Study, load

CARS = ("neftchala_khazar", "hajigabul_azermash_cp", "hajigabul_azermash_cp_full", "azermash_lada", "nakhchivan_naz",
        "shamakhi_azsamand")  # fmt: skip


MADE: dict[str, PlantStudy] = {}


def quick(study: Study, plant: str) -> PlantStudy:
    """A plant of the built-in study with few runs; each once."""
    if plant not in MADE:
        MADE[plant] = study_plant(study, plant, quick=True, replications=3, draws=20)
    return MADE[plant]


@pytest.mark.parametrize("plant", own_plants(load("azerbaijan")))
def test_every_plant_gives_a_ladder_or_says_why_not(plant: str, azerbaijan: Study) -> None:
    found = quick(azerbaijan, plant)
    if plant not in CARS:
        assert found.report is None
        assert "shops.csv has no rate" in found.missing and len(found.conditions) >= 1
        return
    assert found.report is not None and found.missing == ""
    ladder = found.report.ladder
    assert set(found.why) == set(RUNGS)
    assert float(ladder.nameplate - sum(ladder.lost.values())) == pytest.approx(float(ladder.effective))
    assert all(float(ladder.lost[name]) >= 0 for name in ("breakdowns", "blocking_starving", "rework", "kits"))
    effective = found.report.effective
    assert effective.p5 < effective.p50 < effective.p95
    assert effective.ignorance_sd > 3 * effective.luck_sd, "what nobody knows outweighs breakdowns"
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

    def test_rivals_and_unknown_names(self, azerbaijan: Study) -> None:
        assert "makers of RUS as a whole" in study_plant(azerbaijan, "rus_lada").missing
        with pytest.raises(UnknownName, match="did you mean 'neftchala_khazar'"):
            study_plant(azerbaijan, "neftchala")


class TestDraws:
    def test_the_middle_of_every_range_is_the_plant(self, azerbaijan: Study) -> None:
        plant = "neftchala_khazar"
        model = _Model(azerbaijan, plant, shop_cells(azerbaijan, plant), 10_000, None)
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

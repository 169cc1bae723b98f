"""Numbers around a run: thresholds, outside view, counts, cells of tables, arithmetic on claims, donors, lost cars."""

import numpy as np
import pytest

from karvan.base.errors import UnknownName
from karvan.futures.around import entries, outside_view
from karvan.futures.ensemble import Futures, simulate
from karvan.futures.explain import explain
from karvan.futures.figures import draws_of, figure, parse
from karvan.hub.verdict import Thresholds
from karvan.study.load import load


@pytest.fixture(scope="module")
def runs() -> dict[str, Futures]:
    study = load("azerbaijan")
    return {"baseline": simulate(study, draws=60, until=2030, workers=1)}


def value(address: str, runs: dict[str, Futures]) -> float:
    return figure(address, runs["baseline"].study, runs).value


class TestThresholds:
    @pytest.mark.parametrize("name", list(Thresholds.__dataclass_fields__))
    def test_hub_threshold_is_that_of_the_verdict(self, name: str, runs: dict[str, Futures]) -> None:
        assert value(f"hub_threshold.{name}.2030", runs) == getattr(Thresholds(), name)

    def test_unknown_ones_name_the_nearest(self, runs: dict[str, Futures]) -> None:
        with pytest.raises(UnknownName, match="no threshold 'outputs'; did you mean 'output'"):
            value("hub_threshold.outputs.2030", runs)


class TestOutsideView:
    def test_rate_is_the_mean_of_its_posterior(self, runs: dict[str, Futures]) -> None:
        """Beta(e + 1/2, n - e + 1/2): the chance of entry within one year is (e + 1/2) / (n + 1)."""
        entered = value("hub_base_entries.2030", runs)
        exposed = value("hub_base_exposure.2030", runs)
        assert 0 < entered < exposed
        assert value("hub_base_rate.2026", runs) == pytest.approx((entered + 0.5) / (exposed + 1.0))

    def test_chance_grows_with_the_years(self, runs: dict[str, Futures]) -> None:
        assert value("hub_base_rate.2027", runs) < value("hub_base_rate.2030", runs) < 1.0

    def test_entries_are_named(self) -> None:
        named = entries()
        assert len(named) == outside_view().entries
        assert all(len(country) == 3 and 1990 < year < 2030 for country, year in named)

    def test_a_view_of_the_past_knows_less(self) -> None:
        assert outside_view("2012-12-31").exposure < outside_view().exposure


class TestCounts:
    def test_counts(self, runs: dict[str, Futures]) -> None:
        run = runs["baseline"]
        assert value("count_futures.2026", runs) == 60
        assert value("count_cells.2026", runs) == len(run.cells)
        assumed = [cell for cell in run.cells.values() if cell.source.startswith("assumed")]
        assert value("count_cells_assumed.2026", runs) == len(assumed) > 0
        assert value("count_claims.2026", runs) == run.study.table("claims").height
        assert value("count_contradictions.2026", runs) > 10
        assert value("count_stale.2026", runs) >= 1


class TestTables:
    def test_a_cell_of_a_table_with_its_range_and_source(self, runs: dict[str, Futures]) -> None:
        found = figure("table.plants.hajigabul_azermash_cp_full.nameplate", runs["baseline"].study, runs)
        assert (found.low, found.value, found.high) == (15000.0, 30000.0, 30000.0)
        assert found.cell is not None and found.cell.source.startswith("https://")
        assert found.cell.place.startswith("plants.csv:")

    @pytest.mark.parametrize(
        ("address", "message"),
        [
            ("table.plant.x.nameplate", "no table 'plant' with a single key; did you mean 'plants'"),
            ("table.plants.x.nameplates", "plants.csv has no number 'nameplates'; did you mean 'nameplate'"),
            ("table.plants.hajigabul.nameplate", "plants.csv has no plant 'hajigabul'; did you mean 'hajigabul_"),
            ("table.plants.improtex_man.nameplate", r"plants.csv:\d+: nameplate is empty"),
        ],
    )
    def test_what_is_not_there(self, address: str, message: str, runs: dict[str, Futures]) -> None:
        with pytest.raises(UnknownName, match=message):
            value(address, runs)


class TestClaims:
    def test_claims_difference(self, runs: dict[str, Futures]) -> None:
        """4,433 cars in January to October 2024 less 3,280 a year later: 1,153, as printed."""
        pair = "out-2024-10m-car-country-1.out-2025-10m-car-country-1"
        found = figure(f"claims_difference.{pair}.2025", runs["baseline"].study, runs)
        assert found.value == 1153.0
        assert found.record is not None and len(found.record.used) == 2

    def test_a_claim_that_is_text_has_no_number(self, runs: dict[str, Futures]) -> None:
        assert np.isnan(value("claim.plc-azermash_lada-facilities-1", runs))


class TestDraws:
    def test_donors_share_out_the_futures(self, runs: dict[str, Futures]) -> None:
        run = runs["baseline"]
        for name in ("jobs_by_donor", "gdp_by_donor"):
            parts = [draws_of(parse(f"{name}.{donor}.2030"), runs) for donor in run.donors]
            stem = name.split("_")[0]
            whole = (run.figures[f"{stem}_indirect"] + run.figures[f"{stem}_induced"])[:, run.years.index(2030)]
            assert sum(part.size for part in parts) == 60
            assert np.sort(np.concatenate(parts)) == pytest.approx(np.sort(whole))

    def test_capacity_lost_adds_up_to_the_ladder(self, runs: dict[str, Futures]) -> None:
        plant = "hajigabul_azermash_cp"
        rungs = [name[5:] for name in runs["baseline"].plants if name.startswith("rung_")]
        lost = sum(draws_of(parse(f"capacity_lost.{rung}.{plant}.2026"), runs) for rung in rungs)
        top = draws_of(parse(f"capacity_rung.{rungs[0]}.{plant}.2026"), runs)
        bottom = draws_of(parse(f"capacity_rung.{rungs[-1]}.{plant}.2026"), runs)
        assert top - bottom == pytest.approx(lost)

    def test_market_share_at_home_is_the_first_self_sufficiency(self, runs: dict[str, Futures]) -> None:
        share = draws_of(parse("market_share.AZE.2030"), runs)
        sold = runs["baseline"].figures["sales_home"][:, runs["baseline"].years.index(2030)]
        wanted = runs["baseline"].markets["sales_new"][:, runs["baseline"].years.index(2030), 0]
        assert share == pytest.approx(sold / wanted)


@pytest.mark.parametrize(
    "address",
    [
        "count_cells.2026",
        "hub_base_rate.2030",
        "hub_threshold.output.2030",
        "table.plants.neftchala_khazar.nameplate",
        "claims_difference.out-2024-10m-car-country-1.out-2025-10m-car-country-1.2025",
    ],
)
def test_each_kind_is_explained(address: str, runs: dict[str, Futures]) -> None:
    chain = explain(address, runs["baseline"].study, runs)
    assert chain.formula
    assert chain.method or chain.claims or chain.cells

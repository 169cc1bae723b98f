"""Saturation by density and urban share: the published form, on areas computed from borders."""

import numpy as np
import polars as pl
import pytest

from karvan.demand.ownership import OwnershipParameters
from karvan.futures.density import saturation_ratio
from karvan.futures.inputs import Prepared
from karvan.study.world import world_table

TABLE = world_table("income")


def test_areas_are_those_of_the_yearbooks() -> None:
    """km2 within borders, general knowledge of yearbooks; coasts and lakes are drawn coarsely."""
    places = world_table("countries")
    area = dict(zip(places["country"].to_list(), places["area_km2"].to_list(), strict=True))
    for code, km2 in {
        "AZE": 86_600,
        "GEO": 69_700,
        "KAZ": 2_724_900,
        "DEU": 357_600,
        "USA": 9_525_000,
        "IND": 3_287_000,
    }.items():
        assert area[code] == pytest.approx(km2, rel=0.05), code
    assert sum(value for value in area.values() if value) == pytest.approx(130e6, rel=0.05)


def test_the_form() -> None:
    """By hand for the Netherlands: people per km2 and percentage points above the United States."""
    places = world_table("countries").filter(pl.col("country").is_in(["NLD", "USA"])).sort("country")
    rows = TABLE.filter((pl.col("year") == 2019) & pl.col("country").is_in(["NLD", "USA"])).sort("country")
    density = rows["population"].to_numpy() / places["area_km2"].to_numpy()
    urban = 100.0 * rows["urban_share"].to_numpy()
    shared = OwnershipParameters()
    gamma = shared.gamma_max + shared.lambda_ * (density[0] - density[1]) + shared.phi * max(urban[0] - urban[1], 0.0)
    assert saturation_ratio(TABLE, ["NLD"], 2019)[0] == pytest.approx(gamma / shared.gamma_max)


def test_below_the_united_states_counts_as_there() -> None:
    wide, dense, city, unknown = saturation_ratio(TABLE, ["KAZ", "IND", "SGP", "QQQ"], 2020)
    assert wide == unknown == 1.0
    assert 0.75 < dense < 0.95  # crowded but rural
    assert city == pytest.approx(50.0 / 852.0)  # the floor


def test_nothing_later_is_read() -> None:
    early = TABLE.filter(pl.col("year") <= 2010)
    assert np.array_equal(saturation_ratio(TABLE, ["TUR", "NLD"], 2010), saturation_ratio(early, ["TUR", "NLD"], 2010))
    assert saturation_ratio(TABLE.clear(), ["TUR"], 2010)[0] == 1.0


def test_a_study_with_its_own_saturation_keeps_it(prepared: Prepared) -> None:
    """Azerbaijan's row is a judgement on Azerbaijan; the other markets take the register's range by their density."""
    ratio = dict(zip(prepared.layout.markets, prepared.saturation_ratio, strict=True))
    assert ratio["AZE"] == 1.0
    assert ratio["RUS"] == ratio["KAZ"] == 1.0
    assert 0.8 < ratio["TUR"] < 1.0

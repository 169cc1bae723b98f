"""Segments and commercial vehicles of a country: from the record where there is one, never from what came later."""

import numpy as np
import polars as pl
import pytest

from karvan.futures.inputs import Prepared
from karvan.futures.vehicles import Commercial, commercial_of, commercial_paths, crossed, segment_paths
from karvan.study.world import world_table


def known(country: str, base: int = 2024) -> Commercial:
    rows = world_table("income").filter(pl.col("country") == country).drop_nulls(["gdp_per_head_ppp", "population"])
    income = dict(zip(rows["year"].to_list(), rows["gdp_per_head_ppp"].to_list(), strict=True))
    people = dict(zip(rows["year"].to_list(), rows["population"].to_list(), strict=True))
    return commercial_of(country, income, people, base)


class TestRecord:
    def test_level_is_the_mean_of_three_years(self) -> None:
        """Azerbaijan: 300, 800 and 654 in 2017 to 2019 (OICA)."""
        found = known("AZE")
        assert found.level.mid == pytest.approx((300 + 800 + 654) / 3)
        assert found.level.low < found.level.mid < found.level.high
        assert "2019" not in found.note

    def test_a_past_start_reads_no_later_row(self) -> None:
        assert known("AZE", 2014).level.mid == pytest.approx((1000 + 1700 + 1900) / 3)

    def test_kinds_by_the_vehicles_in_use(self) -> None:
        """Germany 2021: 3.0 of 3.9 million are light, 80,225 buses (UNECE); Azerbaijan counts vans as lorries."""
        light, bus, truck = known("DEU").shares
        assert light.mid == pytest.approx(3_018_598 / (3_018_598 + 80_225 + 530_994 + 222_279))
        assert bus.mid < truck.mid < light.mid
        assert all(cell.assumed for cell in known("AZE").shares)
        assert all(cell.assumed for cell in known("KAZ").shares)  # one number for vans and lorries alike

    def test_without_a_record_income_tells(self) -> None:
        """No sales of San Marino are listed: what countries of its income buy, within a factor of five."""
        bare = known("SMR")
        assert "countries of that income" in bare.note
        assert bare.level.high / bare.level.low > 20
        assert known("TKM").level.mid > 0


class TestPaths:
    def test_sales_follow_the_economy(self) -> None:
        """No disturbance: vehicles grow by the elasticity; kinds keep their shares and add up."""
        found = known("DEU")
        economy = found.economy * np.array([[1.0, 1.1, 1.2]] * 2)
        paths = commercial_paths(
            found, lambda cell: np.full(2, cell.mid), economy, np.array([1.0, 1.5]), np.zeros((2, 3))
        )
        total = np.sum(list(paths.values()), axis=0)
        np.testing.assert_allclose(total[0], found.level.mid * np.array([1.0, 1.1, 1.2]))
        np.testing.assert_allclose(total[1], found.level.mid * np.array([1.0, 1.1, 1.2]) ** 1.5)
        assert set(paths) == {"light_commercial", "bus", "truck"}

    def test_segments_and_drives_add_up(self) -> None:
        new, weights = np.array([[100.0, 200.0]]), np.array([[1.0, 1.0, 2.0]])
        assert segment_paths(new, weights)["suv"].tolist() == [[50.0, 100.0]]
        both = crossed(new, weights, np.array([[0.1, 0.5]]))
        assert both["suv_electrified"] == pytest.approx(np.array([[5.0, 50.0]]))
        np.testing.assert_allclose(sum(both.values()), new)

    def test_the_study_has_the_last_word(self, prepared: Prepared) -> None:
        """Azerbaijan's rows stand in its assumptions."""
        assert [cell.name for cell in prepared.commercial.shares] == [
            "commercial_light.AZE", "commercial_bus.AZE", "commercial_truck.AZE"
        ]  # fmt: skip
        assert prepared.commercial.shares[1].mid == 0.3

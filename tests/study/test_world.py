"""The packaged world tables keep their contract, their marks and their sources."""

import csv
import re
from pathlib import Path

import pytest

from karvan.study import schema
from karvan.study.schema import WORLD_TABLES

WORLD = Path(schema.__file__).parent / "world"
REGION = ("AZE", "GEO", "TUR", "RUS", "KAZ", "UZB", "TKM", "KGZ", "UKR", "BLR", "IRN", "IRQ")


def read(name: str) -> list[dict[str, str]]:
    with (WORLD / WORLD_TABLES[name].file).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


TABLES = {name: read(name) for name in WORLD_TABLES}


def cell(name: str, country: str, year: int, column: str) -> str:
    return next(r[column] for r in TABLES[name] if r["country"] == country and r["year"] == str(year))


@pytest.mark.parametrize("name", WORLD_TABLES)
class TestContract:
    def test_columns_and_keys(self, name: str) -> None:
        contract, rows = WORLD_TABLES[name], TABLES[name]
        assert list(rows[0]) == list(contract.columns)
        keys = [tuple(row[column] for column in contract.key) for row in rows]
        assert len(set(keys)) == len(keys)
        assert keys == sorted(keys)

    def test_cells_are_of_their_kind_and_range(self, name: str) -> None:
        for column, rule in WORLD_TABLES[name].columns.items():
            for row in TABLES[name]:
                value = row[column]
                if not value:
                    assert not rule.required, (name, column, row)
                elif rule.kind in ("number", "integer", "year"):
                    number = float(value)
                    assert rule.low is None or number >= rule.low, row
                    assert rule.high is None or number <= rule.high, row
                elif rule.kind == "date":
                    assert re.fullmatch(r"\d{4}(-\d\d){0,2}", value), row
                elif rule.kind == "choice":
                    assert value in rule.choices, row

    def test_every_row_has_an_address(self, name: str) -> None:
        assert all(re.match(r"https?://\S+\.\S+", row["source"]) for row in TABLES[name])

    def test_no_row_is_known_before_its_year_is_over(self, name: str) -> None:
        if name in ("countries", "tariffs"):
            assert all(row["known_on"] for row in TABLES[name])
        else:
            assert all(int(row["known_on"][:4]) > int(row["year"]) for row in TABLES[name])

    def test_countries_have_a_place(self, name: str) -> None:
        if name != "tariffs":
            assert {row["country"] for row in TABLES[name]} <= {row["country"] for row in TABLES["countries"]}


def test_all_tables_together_are_small() -> None:
    assert sum(path.stat().st_size for path in WORLD.glob("*.csv")) < 3_000_000


def test_enough_countries_for_a_starter_study() -> None:
    """Population, income, sales, stock and a place for at least 60 countries."""
    sets = [{row["country"] for row in TABLES[name]} for name in ("countries", "income", "sales", "stock")]
    assert len(set.intersection(*sets)) >= 60
    assert all(country in found for country in REGION for found in sets)


def test_the_region_has_sales_and_income_of_2017_19() -> None:
    for country in REGION:
        for year in (2017, 2018, 2019):
            assert float(cell("sales", country, year, "passenger_cars")) > 0
            assert float(cell("income", country, year, "gdp_per_head")) > 0


class TestFiguresOnRecord:
    """OICA 2019: Turkey 1,461,244; Slovakia 1,100,000; Morocco 394,652 (360,110 cars). National: Azerbaijan 2,360."""

    @pytest.mark.parametrize(("country", "total"), [("TUR", 1_461_244), ("SVK", 1_100_000), ("MAR", 394_652)])
    def test_production_of_2019(self, country: str, total: int) -> None:
        assert int(cell("production", country, 2019, "total")) == total

    def test_azerbaijan(self) -> None:
        assert int(cell("production", "AZE", 2019, "passenger_cars")) == 2360
        assert cell("production", "AZE", 2016, "quality") == "W_weak"

    @pytest.mark.parametrize("country", ["ARG", "CZE", "EGY", "IDN", "PRT", "SRB", "THA", "ZAF"])
    def test_makers_do_not_stop_in_2010(self, country: str) -> None:
        assert int(cell("production", country, 2019, "passenger_cars")) > 0


class TestDoubtsStayVisible:
    def test_latvia_and_lithuania(self) -> None:
        flagged = [r for r in TABLES["sales"] if "Latvia and Lithuania look exchanged" in r["note"]]
        assert {r["country"] for r in flagged} == {"LVA", "LTU"}
        assert sorted({r["year"] for r in flagged}) == [str(y) for y in range(2005, 2012)]
        assert len(flagged) == 14

    def test_uzbek_sales(self) -> None:
        flagged = [r["year"] for r in TABLES["sales"] if r["country"] == "UZB" and "suspect" in r["note"]]
        assert flagged == ["2017", "2018", "2019"]

    def test_weak_and_truncated_rows_keep_their_mark(self) -> None:
        marks = [r["quality"] for r in TABLES["production"]]
        assert (marks.count("W_weak"), marks.count("B_wiki_repeat")) == (7, 12)


def test_neighbours_are_mutual_in_the_region() -> None:
    near = {r["country"]: set(r["neighbours"].split(";")) for r in TABLES["countries"]}
    for country in REGION:
        for other in near[country] & set(near):
            assert country in near[other], (country, other)
    assert near["AZE"] == {"ARM", "GEO", "IRN", "RUS", "TUR"}

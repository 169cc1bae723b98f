"""The packaged world tables keep their own schema, and hold enough for a study of any of sixty countries."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from karvan.study.schema import WORLD_TABLES
from karvan.study.tables import build, read_csv
from karvan.study.world import distance_km, known_by, world_folder, world_table

PLACES = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@pytest.mark.parametrize("name", list(WORLD_TABLES))
def test_no_fault_and_read_as_checked(name: str) -> None:
    spec = WORLD_TABLES[name]
    raw, faults = read_csv(world_folder() / spec.file, spec.file)
    assert raw is not None and faults == []
    checked, faults = build(spec, [raw])
    assert [str(fault) for fault in faults[:5]] == []
    fast = world_table(name)
    assert fast.columns == list(spec.columns)
    assert fast.equals(checked.select(fast.columns)), "the fast reader and the checking one differ"


def test_no_other_file() -> None:
    assert {path.name for path in world_folder().iterdir()} == {spec.file for spec in WORLD_TABLES.values()}


def test_countries_named_anywhere_are_countries() -> None:
    known = set(world_table("countries")["country"].to_list())
    for name in ("income", "production", "sales", "stock", "fleet_ages"):
        assert set(world_table(name)["country"].to_list()) <= known, name
    for row in world_table("countries").filter(pl.col("neighbours").is_not_null()).iter_rows(named=True):
        for other in row["neighbours"].split(";"):
            assert other not in (row["country"], "")


def test_enough_for_sixty_countries() -> None:
    income = world_table("income").drop_nulls(["population", "gdp_per_head_ppp"])
    rich = set(income.filter(pl.col("year") >= 2023)["country"].to_list())
    sold = set(world_table("sales").filter(pl.col("passenger_cars") > 0)["country"].to_list())
    made = set(world_table("production").filter(pl.col("total") > 0)["country"].to_list())
    assert len(rich & (sold | made)) >= 60
    around = {"AZE", "GEO", "TUR", "RUS", "KAZ", "UZB", "TKM", "KGZ", "UKR", "BLR", "IRN", "IRQ"}
    assert around <= rich & sold


def test_packaged_size() -> None:
    assert sum(path.stat().st_size for path in world_folder().iterdir()) < 3_000_000


@pytest.mark.parametrize("name", list(WORLD_TABLES))
def test_nothing_was_known_before_its_year(name: str) -> None:
    frame = known_by(world_table(name), "2015-12-31")
    assert max(frame["known_on"].to_list(), default="") <= "2015-12-31"
    if "year" in frame.columns:
        assert max(frame["year"].to_list()) <= 2015
        assert frame.height < world_table(name).height


def test_a_year_alone_is_known_when_it_is_over() -> None:
    frame = pl.DataFrame({"known_on": ["2015", "2015-06", "2015-06-15", None]})
    assert known_by(frame, "2015-06-20")["known_on"].to_list() == ["2015-06-15"]
    assert known_by(frame, "2015-07-01")["known_on"].to_list() == ["2015-06", "2015-06-15"]
    assert known_by(frame, "2015-12-31").height == 3
    assert known_by(frame, None).height == 4


@given(PLACES, PLACES, PLACES)
def test_distance_is_a_distance(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> None:
    ab, ba, bc, ac = distance_km(*a, *b), distance_km(*b, *a), distance_km(*b, *c), distance_km(*a, *c)
    assert ab == pytest.approx(ba, abs=1e-6)
    assert ac <= ab + bc + 1e-3
    assert 0 <= ab <= 20015.1
    assert distance_km(*a, *a) == pytest.approx(0, abs=1e-6)


def test_distance_of_a_quarter_of_the_globe() -> None:
    assert distance_km(0, 0, 90, 0) == pytest.approx(6371 * 3.141592653589793 / 2)

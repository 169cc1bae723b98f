"""What ``karvan check`` tells: every doubt in sight, in half a second."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from karvan.study.audit import Audit, addresses, audit
from karvan.study.load import Study, load
from karvan.study.register import parameters


@pytest.fixture(scope="module")
def found(azerbaijan: Study) -> Audit:
    """The audit of the built-in study."""
    return audit(azerbaijan)


def test_contradictions_of_the_record(found: Audit) -> None:
    """Of the main contradictions of the facts: those between claims of one subject, time and unit."""
    known = {item.what: item for item in found.contradictions}
    cars = known["country, output, passenger_car, 2021-01-01 to 2021-12-31"]
    assert cars.values == ("2043 units", "2430 units", "2056 units")
    assert cars.used == cars.claims[0] and cars.reason.startswith("ruled: ")
    assert "neftchala_khazar, employees, 2019" in known
    assert "hajigabul_azermash_cp_full, nameplate" in known
    trucks = known["country, imports, truck, 2019-01-01 to 2019-10-31"]
    assert trucks.reason == "a part of 2019 above the whole year: the figure for the year is used"


def test_gaps(found: Audit) -> None:
    gaps = {gap.what: gap for gap in found.gaps}
    years = gaps["cars made, by year"].missing
    assert set(years) >= {str(year) for year in range(2005, 2013)}
    assert not set(years) & {"2013", "2019", "2023"}
    assert all(gap.missing and gap.consequence for gap in found.gaps)


def test_every_assumed_cell_is_listed(azerbaijan: Study, found: Audit) -> None:
    listed = {item.place for item in found.assumed}
    for name in ("shops", "markets", "frictions", "assumptions", "offers", "components", "sourcing", "products"):
        rows = azerbaijan.table(name)
        for row in rows.filter(rows["source"].str.starts_with("assumed")).iter_rows(named=True):
            assert f"{row['_file']}:{row['_line']}" in listed
    given = set(azerbaijan.table("assumptions")["parameter"].to_list())
    names = {item.name for item in found.assumed}
    assert {f"assumptions.{name}" for name in parameters() if name not in given} <= names
    assert len(names) == len(found.assumed)
    for item in found.assumed:
        assert item.low <= item.mid <= item.high and item.unit


def test_stale_claims(found: Audit) -> None:
    subjects = {item.subject for item in found.stale}
    assert "hajigabul_azermash_cp_full" in subjects  # no page confirms that it opened
    assert "neftchala_khazar" not in subjects  # it did


def test_counts(azerbaijan: Study, found: Audit) -> None:
    assert found.claims == azerbaijan.table("claims").height
    assert 0 < found.statistics < found.claims
    assert found.sources == len(addresses(azerbaijan)) == len(set(addresses(azerbaijan)))


def test_as_json(found: Audit) -> None:
    data = json.loads(json.dumps(found.as_dict()))
    assert list(data) == [
        "study", "as_of", "contradictions", "gaps", "assumed", "stale", "unused", "claims", "statistics", "sources",
    ]  # fmt: skip
    assert len(data["assumed"]) == len(found.assumed)


def test_rows_that_nothing_reads(tiny: Path, edit: Callable[..., int]) -> None:
    before = len(audit(load(tiny)).unused)
    edit("plants.csv", 0, vehicle_kind="tractor")
    table = tiny / "assumptions.csv"
    lines = table.read_text(encoding="utf-8").splitlines()
    for at, line in enumerate(lines):
        if ",neftchala_khazar," in line:
            lines[at] = line.replace("USD per car", "USD per tractor").replace("1,000 cars per", "1,000 tractors per")
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    unused = audit(load(tiny)).unused
    assert before == 0
    assert "nameplate_reach.neftchala_khazar" in {item.name for item in unused}
    assert "kit_price.neftchala_khazar" not in {item.name for item in unused}, "a plant taken apart reads it"
    assert {item.reason for item in unused} == {"neftchala_khazar makes no passenger cars: it stays out of the futures"}


def test_a_plant_whose_opening_is_overdue(tiny: Path, edit: Callable[..., int]) -> None:
    edit("plants.csv", 1, state="building", opened="2024-06")
    late = {item.subject: item for item in audit(load(tiny)).stale}
    assert late["hajigabul_azermash_cp"].due == "2024-06"
    assert late["hajigabul_azermash_cp"].claim == "plants.csv:3"


def test_speed(azerbaijan: Study) -> None:
    start = time.perf_counter()
    audit(azerbaijan)
    assert time.perf_counter() - start < 0.5

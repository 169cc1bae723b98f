"""The evidence of the Azerbaijan study: weak years, repeats that count once, and nothing lost on the way."""

import csv
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from karvan.study import evidence
from karvan.study.load import Study, load

ROOT = Path(__file__).resolve().parents[2]
STUDY = ROOT / "src" / "karvan" / "study" / "studies" / "azerbaijan"
FACTS = ROOT.parent / "shared" / "facts" / "azerbaijan"
CAR = "passenger_car"


@pytest.fixture(scope="module")
def study() -> Study:
    """The built-in study."""
    return load("azerbaijan")


def cars(study: Study, year: int, subject: str = "country") -> evidence.YearValue:
    """Cars made in a year."""
    value = evidence.year_value(study, subject, "output", CAR, year)
    assert value is not None
    return value


def test_weak_years_are_ranges_and_2023_is_inferred(study: Study) -> None:
    for year in (2015, 2016, 2017, 2025):
        value = cars(study, year)
        assert value.low < value.value < value.high
    inferred = cars(study, 2023)
    assert inferred.value == 3139 + 563
    assert [item.basis for item in inferred.used] == ["inferred"]
    assert evidence.gaps(study, "country", "output", CAR, 2005, 2025) == list(range(2005, 2013))


def test_a_study_of_2013_does_not_know_the_peak() -> None:
    past = load("azerbaijan", as_of="2013-12-31")
    assert evidence.series(past, "country", "output", CAR, 2005, 2025) == []
    assert "neftchala_khazar" not in past.table("plants")["plant"].to_list()
    assert "nakhchivan_naz" in past.table("plants")["plant"].to_list()


def test_repeats_of_one_figure_share_a_statistic(study: Study) -> None:
    frame = study.table("claims")
    same = ["subject", "attribute", "kind", "partner", "period_start", "period_end", "value", "unit"]
    for _, group in frame.group_by(same):
        names = group["statistic"].unique().to_list()
        assert len(names) == 1
        assert (names[0] is None) == (group.height == 1)


def test_claims_named_in_any_row_exist(study: Study) -> None:
    """Derived sources name the claims they rest on in running text, which the loader does not check."""
    known = set(study.table("claims")["claim"].to_list())
    for name, table in study.tables.items():
        for column in ("source", "note", "reason"):
            for text in table[column].drop_nulls().to_list() if column in table.columns else ():
                for word in re.findall(r"\b(?:out|tra|mar|pol|plc|eco)-[\w.\-]*\w(?:-?\*)?", text):
                    found = any(claim.startswith(word[:-1]) for claim in known) if word[-1] == "*" else word in known
                    assert found, f"{name}: {word}"


def test_shares_of_each_country_sum_to_one(study: Study) -> None:
    country = dict(study.table("plants").select("plant", "country").iter_rows())
    for column in ("share_home", "share_export"):
        totals: Counter[str] = Counter()
        for plant, share in study.table("offers").select("plant", column).iter_rows():
            totals[country[plant]] += share
        for total in totals.values():
            assert total == pytest.approx(1.0)


@pytest.mark.skipif(not FACTS.is_dir(), reason="the folder of facts is not here")
class TestFacts:
    """The script carries every row over, and its output is what the repository holds."""

    def test_every_row_is_carried_over(self, study: Study) -> None:
        def rows(name: str) -> list[dict[str, str]]:
            with (FACTS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
                return list(csv.DictReader(file))

        counts = Counter(claim.split("-")[0] for claim in study.table("claims")["claim"].to_list())
        both = sum(1 for row in rows("trade") if row["units"] and row["value"])
        assert counts["out"] == len(rows("output")) + 2  # a press total and the sum of two districts are added
        assert counts["tra"] == len(rows("trade")) + both
        for name, prefix in (("market", "mar"), ("policy", "pol"), ("plants_claims", "plc"), ("economy", "eco")):
            assert counts[prefix] == len(rows(name))
        assert study.table("models").height == len(rows("models"))
        assert study.table("deals").height == len(rows("partnerships")) == 24
        assert {row["plant_id"] for row in rows("plants")} <= set(study.table("plants")["plant"].to_list())

    def test_the_script_writes_what_the_repository_holds(self, tmp_path: Path) -> None:
        script = ROOT / "scripts" / "build_azerbaijan_evidence.py"
        command = [sys.executable, str(script), "--facts", str(FACTS), "--target", str(tmp_path)]
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
        written = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.csv"))
        assert len(written) == 8
        for path in written:
            assert (tmp_path / path).read_bytes() == (STUDY / path).read_bytes(), path


def test_every_attribute_is_documented(study: Study) -> None:
    page = (ROOT / "docs" / "tables_evidence.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"`([a-z0-9_]+)`", page))
    used = set(study.table("claims")["attribute"].to_list())
    assert used - listed == set()


def test_every_market_and_origin_has_a_freight_row(study: Study) -> None:
    rows = set(study.table("frictions").filter(friction="freight").select("origin", "market").iter_rows())
    makers = study.table("plants").filter(vehicle_kind=CAR)["country"].unique().to_list()
    assert {(origin, market) for origin in makers for market in study.settings.markets} <= rows

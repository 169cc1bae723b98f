"""The rule from claims to the value used, on claims made up for the purpose."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karvan.study.evidence import (
    CONFIDENCE_ERROR,
    YearValue,
    claim,
    claims,
    contradictions,
    gaps,
    month_value,
    series,
    stale,
    year_value,
)
from karvan.study.load import Study
from karvan.study.schema import STUDY_TABLES
from karvan.study.tables import RawTable, build

CAR = ("country", "output", "passenger_car")
DEFAULTS = {
    "subject": "country", "attribute": "output", "kind": "passenger_car", "unit": "units", "basis": "printed",
    "source": "https://example.org", "known_on": "2020-02-01", "confidence": "high",
}  # fmt: skip


def said(value: float | str, start: str = "2019-01-01", end: str = "2019-12-31", **other: str) -> dict[str, str]:
    """A claim as a row of text."""
    return DEFAULTS | {"value": str(value), "period_start": start, "period_end": end} | other


def ruled(year: int, **cells: str) -> dict[str, str]:
    """A choice between claims as a row of text."""
    return {
        "subject": "country",
        "attribute": "output",
        "kind": "passenger_car",
        "year": str(year),
        "reason": "why",
    } | cells


@pytest.fixture(scope="module")
def empty(azerbaijan: Study) -> Study:
    """The built-in study without its tables."""
    return replace(azerbaijan, tables={name: build(spec, [])[0] for name, spec in STUDY_TABLES.items()})


def with_(study: Study, *rows: dict[str, str], rules: tuple[dict[str, str], ...] = (), **settings: Any) -> Study:
    """A study that knows these claims only."""
    numbered = [{"claim": f"c{number}"} | row for number, row in enumerate(rows, start=1)]
    tables = dict(study.tables)
    for name, texts in (("claims", numbered), ("rules", list(rules))):
        spec = STUDY_TABLES[name]
        header = list(spec.columns)
        raw = RawTable(
            name, header, [[row.get(c, "") for c in header] for row in texts], list(range(2, len(texts) + 2))
        )
        tables[name], faults = build(spec, [raw])
        assert faults == []
    return replace(study, tables=tables, **settings)


def value(study: Study, year: int = 2019) -> YearValue:
    """The value used for the year; there is one."""
    found = year_value(study, *CAR, year)
    assert found is not None
    return found


class TestWholeYear:
    """Second step of the rule: a claim for the whole year."""

    @pytest.mark.parametrize(
        ("first", "second", "why"),
        [
            (said(100), said(90, confidence="medium", known_on="2021-01-01"), "confidence"),
            (said(100), said(90, basis="derived", known_on="2021-01-01"), "basis"),
            (said(100, known_on="2021-01-01"), said(90, known_on="2020-01-01"), "latest"),
        ],
    )
    def test_the_better_claim_whatever_the_order(
        self, empty: Study, first: dict[str, str], second: dict[str, str], why: str
    ) -> None:
        for rows in ((first, second), (second, first)):
            used = value(with_(empty, *rows))
            assert (used.value, used.basis) == (100, "stated"), why
            assert [item.value for item in used.others] == ["90"]

    def test_two_statistics_outvote_one_but_repeats_of_one_do_not(self, empty: Study) -> None:
        lone = said(90, known_on="2021-01-01")
        two = (said(100, statistic="a"), said(100, statistic="b"))
        assert value(with_(empty, lone, *two)).value == 100
        repeats = (said(100, statistic="a"), said(100, statistic="a"), said(100, statistic="a"))
        assert value(with_(empty, lone, *repeats)).value == 90

    def test_the_range_spans_what_others_say_unless_it_is_weak(self, empty: Study) -> None:
        used = value(with_(empty, said(100), said(120, confidence="medium"), said(300, confidence="low")))
        assert (used.low, used.value, used.high) == (100, 100, 120)
        assert {item.value for item in used.others} == {"120", "300"}

    @pytest.mark.parametrize("confidence", list(CONFIDENCE_ERROR))
    def test_the_error_follows_the_confidence(self, empty: Study, confidence: str) -> None:
        assert value(with_(empty, said(100, confidence=confidence))).error == CONFIDENCE_ERROR[confidence]

    def test_other_kinds_partners_and_years_are_not_it(self, empty: Study) -> None:
        study = with_(empty, said(1, kind="truck"), said(2, partner="CHN"), said(3, "2018-01-01", "2018-12-31"))
        assert year_value(study, *CAR, 2019) is None


class TestParts:
    """Third and fourth steps: parts of a year."""

    @given(st.lists(st.integers(0, 900), min_size=12, max_size=12), st.sets(st.integers(1, 11)))
    @settings(max_examples=40, deadline=None)
    def test_parts_that_cover_the_year_add_up(self, empty: Study, made: list[int], cuts: set[int]) -> None:
        edges = [0, *sorted(cuts), 12]
        rows = [said(sum(made[a:b]), f"2019-{a + 1:02d}", f"2019-{b:02d}") for a, b in pairwise(edges)]
        used = value(with_(empty, *rows))
        assert used.value == sum(made)
        assert used.basis == ("stated" if len(rows) == 1 else "summed")
        assert len(used.used) == len(rows)
        if len(rows) > 2:  # without a part in the middle nothing adds up
            broken = year_value(with_(empty, rows[0], *rows[2:]), *CAR, 2019)
            assert broken is not None and broken.basis == "range"

    @given(st.integers(1, 11), st.integers(0, 10_000))
    @settings(max_examples=40, deadline=None)
    def test_a_part_from_january_gives_a_range(self, empty: Study, months: int, made: int) -> None:
        used = value(with_(empty, said(made, "2019-01-01", f"2019-{months:02d}")))
        assert used.low == made <= used.value <= used.high
        assert used.value == pytest.approx(made * 12 / months)

    def test_the_longest_part_counts(self, empty: Study) -> None:
        used = value(
            with_(
                empty, said(500, "2019-01", "2019-06"), said(600, "2019-01", "2019-08"), said(90, "2019-10", "2019-10")
            )
        )
        assert used.low == 600 and used.value == 900

    def test_a_part_that_starts_later_is_a_gap(self, empty: Study) -> None:
        study = with_(empty, said(100, "2019-03", "2019-12"))
        assert year_value(study, *CAR, 2019) is None
        assert gaps(study, *CAR, 2018, 2020) == [2018, 2019, 2020]


class TestMonths:
    """A month of its own, or the difference of two January-to-month claims."""

    def test_stated_before_difference(self, empty: Study) -> None:
        rows = (said(300, "2019-01", "2019-03"), said(450, "2019-01", "2019-04"))
        by_difference = month_value(with_(empty, *rows), *CAR, 2019, 4)
        assert by_difference is not None and (by_difference.value, by_difference.basis) == (150, "summed")
        stated = month_value(with_(empty, *rows, said(140, "2019-04", "2019-04")), *CAR, 2019, 4)
        assert stated is not None and (stated.value, stated.basis) == (140, "stated")

    def test_none(self, empty: Study) -> None:
        assert month_value(with_(empty, said(300, "2019-01", "2019-03")), *CAR, 2019, 4) is None


class TestRules:
    """First step: a row of the rules decides, with its reason."""

    def test_a_claim_is_chosen(self, empty: Study) -> None:
        used = value(with_(empty, said(100), said(90, confidence="low"), rules=(ruled(2019, claim="c2"),)))
        assert (used.value, used.basis, used.rule) == (90, "ruled", "ruled: why")
        assert [item.value for item in used.others] == ["100"]

    def test_a_range_where_no_claim_settles_it(self, empty: Study) -> None:
        used = value(with_(empty, said(100), rules=(ruled(2019, low="80", mid="95", high="130"),)))
        assert (used.low, used.value, used.high) == (80, 95, 130)
        assert used.error == pytest.approx(50 / 3.29 / 95)

    def test_a_claim_that_was_not_yet_known_decides_nothing(self, empty: Study) -> None:
        # What the study as of 2020 sees: the ruled claim is gone, so the general rule serves.
        used = value(with_(empty, said(100), rules=(ruled(2019, claim="c9"),), as_of="2020-06-30"))
        assert (used.value, used.basis) == (100, "stated")


class TestContradictions:
    """What differs stays in sight, with the claim that is used and why."""

    def test_reason(self, empty: Study) -> None:
        (found,) = contradictions(with_(empty, said(100), said(90, confidence="low"), said(100.2)))
        assert (found.used, found.reason) == ("c1", "confidence high before low")
        assert [item.value for item in found.claims] == ["100", "90"]

    def test_ruled(self, empty: Study) -> None:
        study = with_(empty, said(100), said(90, confidence="low"), rules=(ruled(2019, claim="c2"),))
        (found,) = contradictions(study)
        assert (found.used, found.reason) == ("c2", "ruled: why")

    def test_agreement_within_half_a_percent_is_none(self, empty: Study) -> None:
        assert contradictions(with_(empty, said(1000), said(1004))) == []
        assert len(contradictions(with_(empty, said(1000), said(1006)))) == 1


@pytest.mark.parametrize(
    ("due", "late"), [("2019", True), ("2019-Q4", True), ("2020-Q2", False), ("2020-03", True), ("2021-05-01", False)]
)
def test_stale_plans(empty: Study, due: str, late: bool) -> None:
    plan = said(due, "", "", attribute="planned_opening", unit="", subject="plant")
    assert bool(stale(with_(empty, plan, as_of="2020-05-31"))) is late
    opened = said("2019-05", "", "", attribute="opened", unit="", subject="plant")
    assert stale(with_(empty, plan, opened, as_of="2020-05-31")) == []


def test_series_and_claims(empty: Study) -> None:
    study = with_(empty, said(1, "2018", "2018"), said(2), said(3, kind=""))
    assert [item.value for item in series(study, *CAR, 2015, 2020)] == [1, 2]
    assert [item.value for item in claims(study, kind="")] == ["3"]
    found = claim(study, "c2")
    assert found is not None and found.place == "claims:3"
    assert claim(study, "c9") is None


@given(st.permutations(range(6)))
@settings(max_examples=25, deadline=None)
def test_the_order_of_the_files_does_not_matter(empty: Study, order: list[int]) -> None:
    rows = [
        said(number, claim=f"k{number}", known_on=f"2020-0{number + 1}-01", confidence=("high", "medium")[number % 2])
        for number in range(6)
    ]
    assert value(with_(empty, *(rows[i] for i in order))).value == 4


def test_a_changed_copy_does_not_remember_the_old_evidence(empty: Study) -> None:
    first = with_(empty, said(100))
    assert value(first).value == 100
    assert value(with_(first, said(200))).value == 200

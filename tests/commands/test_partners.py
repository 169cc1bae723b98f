"""``karvan partners``: the record as the partnerships stage reads it, books that add up, and real counterfactuals."""

import json

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from karvan.cli import main
from karvan.futures.ensemble import simulate
from karvan.futures.partners import COMES_WITH, Partners, deals_on_record, partners, with_partner_of
from karvan.study.load import Study, load

DRAWS = 20


@pytest.fixture(scope="module")
def study() -> Study:
    """The built-in study."""
    return load("azerbaijan")


@pytest.fixture(scope="module")
def found(study: Study) -> Partners:
    """A year soon, so that the runs are short."""
    return partners(study, year=2026, draws=DRAWS)


class TestRecord:
    """Best year over promise: Khazar 2,360 / 10,000, Chevrolet 3,139 / 5,000, Isuzu 112 / 1,000, Lifan 1,861 / 5,000,
    MTZ 1,302 / 5,000 (deals.csv)."""

    def test_promises(self, study: Study) -> None:
        record = deals_on_record(study)
        assert sorted(d.ratio for d in record.deals if np.isfinite(d.ratio)) == pytest.approx(
            [0.112, 0.236, 0.2604, 0.3722, 0.6278]
        )
        assert record.stats.kept == 0.0
        assert record.promise is not None and 0.25 < record.promise.mean < 0.4

    def test_exits(self, study: Study) -> None:
        record = deals_on_record(study)
        assert record.exit is not None
        ended = [d for d in record.deals if d.state == "ended"]
        assert record.stats.exits == len(ended) == 5
        assert record.exit.mean == pytest.approx(5.5 / record.stats.exposure)
        for deal in record.deals:
            assert bool(deal.leaves) == (deal.state == "active")
            assert not deal.leaves or 0 < deal.leaves[0] < deal.leaves[1] < 1

    def test_years_of_production(self, study: Study) -> None:
        """Lifan at Nakhchivan: opened 2010-01-11 after the contract of 2009-05, ended 2017 (middle of the year)."""
        (lifan,) = [d for d in deals_on_record(study).deals if d.deal == "nakhchivan_naz-chongqing_lifan-2009"]
        assert lifan.years == pytest.approx(7.47, abs=0.02)


def test_the_price_is_shared_out_whole(study: Study) -> None:
    for row in partners(study, year=2026, draws=1, counterfactual=False).plants:
        assert sum(part.mid for part in row.split.values()) == pytest.approx(1.0)


def test_local_content_three_ways(study: Study) -> None:
    """A value rule counts a home part whole, imports in it and duty on kits too: never less than value added."""
    rows = {row.plant: row for row in partners(study, year=2026, draws=1, counterfactual=False).plants}
    for row in rows.values():
        home = 1.0 - row.split["partner"].mid - row.split["carriers"].mid
        assert row.value_content.mid == pytest.approx(home)
        beside = row.split["suppliers_abroad"].mid + row.split["state"].mid
        assert row.value_content.mid - row.local_content.mid >= beside - 1e-9
    assert rows["hajigabul_azermash_cp_full"].points == 900.0 and rows["neftchala_khazar"].points == 0.0


def test_dependence(study: Study, found: Partners) -> None:
    run = simulate(study, draws=DRAWS, until=2026, workers=1)
    made = run.plants["output"][:, -1]
    country = [run.layout.partner_country[p] for p in range(run.layout.own)]
    for name, value in found.dependence.items():
        share = made[:, [c == name for c in country]].sum(axis=1) / made.sum(axis=1)
        assert value.mid == pytest.approx(np.median(share))
    assert found.largest.mid <= 1.0 and found.replacements


def test_the_same_partner_changes_nothing(study: Study) -> None:
    """A plant on its own terms is the plant as it is, bit by bit."""
    plant = "neftchala_khazar"
    same = with_partner_of(study, plant, plant)
    one, two = (simulate(s, draws=DRAWS, until=2028, workers=1) for s in (study, same))
    assert np.array_equal(one.plants["output"], two.plants["output"])


def test_another_partner_brings_its_terms(study: Study, found: Partners) -> None:
    other = with_partner_of(study, "neftchala_khazar", "hajigabul_azermash_cp")
    for name in COMES_WITH:
        ours, theirs = (other.parameter(name, key) for key in ("neftchala_khazar", "hajigabul_azermash_cp"))
        assert (ours.low, ours.mid, ours.high, ours.source) == (theirs.low, theirs.mid, theirs.high, theirs.source)
    row = other.table("plants").filter(pl.col("plant") == "neftchala_khazar")
    assert row["partner_country"].to_list() == ["UZB"]
    dearer = {(r.plant, r.instead): r.cost.mid for r in found.replacements}
    # A Chevrolet kit costs about twice a kit from Iran (assumptions.csv), so the change has a sign.
    assert dearer["neftchala_khazar", "UZB"] > 0 > dearer["hajigabul_azermash_cp", "IRN"]
    assert all(r.country != r.instead for r in found.replacements)


def test_component_groups(study: Study, found: Partners) -> None:
    """Each group once, in the order of the volume that makes it no dearer; figures of the study as they stand there."""
    rows = {row["component"]: row for row in study.table("components").to_dicts()}
    assert sorted(group.component for group in found.groups) == sorted(rows)
    assert [group.parity.mid for group in found.groups] == sorted(group.parity.mid for group in found.groups)
    for group in found.groups:
        row = rows[group.component]
        assert (group.value_share, group.minimum_scale) == (row["share_mid"], row["minimum_scale"])
        assert group.elasticity.mid == row["scale_elasticity_mid"]
        assert 0.0 <= group.penalty.low <= group.penalty.mid <= group.penalty.high
        # What few sets cost more, by the middle elasticity and the volume that suppliers price for.
        expected = (row["minimum_scale"] / max(group.sets.mid, group.priced.mid)) ** row["scale_elasticity_mid"] - 1.0
        assert group.penalty.mid == pytest.approx(expected, rel=0.5)


class TestCommand:
    """What a person meets."""

    def test_text(self) -> None:
        result = CliRunner().invoke(main, ["partners", "azerbaijan", "--year", "2026", "--draws", "10"])
        assert result.exit_code == 0, result.output
        for words in (
            "Deals on record",
            "0% kept their promise",
            "partner (kit)",
            "largest supplier",
            "IRN -> UZB",
            "Wiring harness",
        ):
            assert words in result.output
        table = result.output[result.output.index("Which parts are made at home") :].split("\n\n")[0].splitlines()
        assert len(table) > 15 and max(map(len, table)) <= 100

    def test_json(self) -> None:
        result = CliRunner().invoke(
            main, ["partners", "azerbaijan", "--year", "2026", "--draws", "5", "--no-replace", "--json"]
        )
        assert result.exit_code == 0, result.output
        data = json.loads(result.output)
        assert data["year"] == 2026 and len(data["record"]["deals"]) == 24
        assert any(deal["promised"] is None for deal in data["record"]["deals"])

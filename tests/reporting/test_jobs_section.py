"""Jobs and growth in the report: every tax and measure is there, each number with its address."""

import re
from dataclasses import replace

import polars as pl
import pytest

from karvan.futures.accounts import HOLIDAY, TAX_BASES
from karvan.futures.ensemble import Futures, simulate_many
from karvan.futures.figures import figure
from karvan.futures.ministry import LOST, PLANTS
from karvan.reporting.page import Page
from karvan.reporting.sections import economy
from karvan.reporting.sections.jobs import jobs
from karvan.study.load import Study

LAST = 2030


@pytest.fixture(scope="module")
def runs(azerbaijan: Study) -> dict[str, Futures]:
    """A few futures with and without the industry."""
    return simulate_many(azerbaijan, {"baseline": 30, "no_industry": 30}, until=LAST, workers=1)


@pytest.fixture
def page(azerbaijan: Study, runs: dict[str, Futures]) -> Page:
    """A report in the making."""
    return Page(azerbaijan, runs, "baseline")


def addresses(html: str) -> set[str]:
    """The addresses of all numbers."""
    return set(re.findall(r'data-figure="([^"]+)"', html))


def test_taxes_by_base(page: Page) -> None:
    found = addresses(economy.taxes(page))
    assert {f"tax_by_base.{tax}.{LAST}" for tax in TAX_BASES} <= found
    assert {f"tax_given_up.{tax}.{LAST}" for tax in HOLIDAY} <= found
    assert {f"revenue_lost.{part}.{LAST}" for part in LOST} <= found


def test_what_a_ministry_asks(page: Page, runs: dict[str, Futures]) -> None:
    html = economy.ministry(page)
    found = addresses(html)
    for name, _ in economy.MEASURES:
        assert f"{name}.{LAST}" in found
    assert {"npv_economic.2026", "parameter.social_discount_rate"} <= found
    for address in found:
        assert figure(address, page.study, runs).unit


def test_ancillary_industries_and_the_table(page: Page) -> None:
    assert any(name.startswith("jobs_indirect_by_industry.") for name in addresses(economy.industries(page)))
    origin = economy.origin(page)
    assert "All 2,064 cells of the tables are estimated" in origin and "Closure: each future spends" in origin


def test_occupations_only_with_a_table(page: Page, runs: dict[str, Futures], azerbaijan: Study) -> None:
    assert economy.occupations(page) == ""
    rows = [
        {"industry": name, "occupation": "clerks", "share": 1.0}
        for name in (*runs["baseline"].layout.industries, PLANTS)
    ]
    study = replace(azerbaijan, tables={**azerbaijan.tables, "occupations": pl.DataFrame(rows)})
    mine = {name: replace(run, study=study, _frames={}) for name, run in runs.items()}
    html = economy.occupations(Page(study, mine, "baseline"))
    assert f"jobs_by_occupation.clerks.{LAST}" in addresses(html)


def test_the_section_holds_them(page: Page, azerbaijan: Study, runs: dict[str, Futures]) -> None:
    whole = jobs(page)
    assert economy.taxes(page) in whole and economy.ministry(page) in whole and economy.origin(page) in whole
    alone = jobs(Page(azerbaijan, {"baseline": runs["baseline"]}, "baseline"))
    assert "revenue_lost" not in alone  # nothing is given up against a counterfactual that is not there

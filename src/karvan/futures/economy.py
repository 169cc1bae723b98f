"""The economy of a scenario in one year, as a person asks for it: gross beside net, by industry and by tax.

Every number is a figure of the register with its address, so ``karvan explain`` answers for each.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from karvan.futures.accounts import HOLIDAY, STEPS, TAX_BASES
from karvan.futures.ensemble import Futures
from karvan.futures.figures import Figure, figure
from karvan.futures.ministry import LOST, occupation_names
from karvan.futures.starter_rows import BORROWED
from karvan.study.load import Study

GROSS: Final = ("jobs_direct", "jobs_indirect", "jobs_induced", "jobs", "jobs_hired", "gdp_direct", "gdp_indirect")
GROSS_MONEY: Final = ("gdp_induced", "gdp", "tax_industry", "tax_cars", "tax", "imports_kits", "imports_caused")
NET: Final = {"jobs": "jobs_net", "gdp": "gdp_net", "tax": "tax_net", "imports": "imports_net"}
"""Gross quantities and their net sisters."""
ROWS: Final = (*GROSS, *GROSS_MONEY, "imports_cars", "imports")
MEASURES: Final = (
    "revenue_lost",
    "revenue_lost_per_job",
    "revenue_lost_per_car",
    "imports_saved",
    "protection_nominal",
    "protection_effective",
    "value_added_world",
    "resource_cost",
    "npv_economic",
)
"""What a ministry asks."""
APART: Final = ("job_years_building", "diversification", "diversification_theil")
INDUSTRY: Final = (
    "jobs_indirect_by_industry",
    "jobs_induced_by_industry",
    "gdp_by_industry",
)


@dataclass(frozen=True)
class Provenance:
    """Where the input-output tables come from."""

    sources: tuple[str, ...]
    """What each table says of itself, one a donor."""
    cells: int
    cells_estimated: int
    industries: int
    industries_assumed: int
    """Industries whose value added or employment nobody measured."""
    closure: str
    """How household spending is put in."""
    proxies: tuple[str, ...]
    """Notes on industries that stand for others."""
    borrowed: bool
    """Whether all tables are those of another country, scaled."""


@dataclass(frozen=True)
class EconomyView:
    """One scenario and year. Figures by name of their quantity, with parts by name and part."""

    scenario: str
    year: int
    gross: Mapping[str, Figure]
    net: Mapping[str, Figure]
    apart: Mapping[str, Figure]
    industries: Mapping[str, Mapping[str, Figure]]
    """By industry, those with most jobs first: indirect and induced jobs, value added."""
    titles: Mapping[str, str]
    """Names of the industries."""
    taxes: Mapping[str, Figure]
    """Gained, by base."""
    given_up: Mapping[str, Figure]
    """By base: what the holiday forgives."""
    lost: Mapping[str, Figure]
    """By part: what is given up against no industry."""
    ministry: Mapping[str, Figure]
    steps: Mapping[str, Figure]
    """From the owners' value to the country's."""
    occupations: Mapping[str, Figure]
    donors: Mapping[str, Mapping[str, Figure]]
    """By donor: indirect and induced jobs and value added in the futures that use its table."""
    provenance: Provenance


def economy_view(study: Study, runs: Mapping[str, Futures], scenario: str, year: int) -> EconomyView:
    """The economy of a scenario in a year.

    Parameters
    ----------
    runs : futures by scenario, ``no_industry`` among them.

    Errors: :class:`UnknownName` for a scenario or year that was not simulated.
    """

    def get(name: str) -> Figure:
        return figure(f"{name}.{year}@{scenario}", study, runs)

    def parts(name: str, keys: tuple[str, ...]) -> dict[str, Figure]:
        return {key: get(f"{name}.{key}") for key in keys}

    gross = {name: get(name) for name in ROWS}
    run = runs[scenario]
    table = study.table("industries")
    names = run.layout.industries
    by_industry = {name: {row: get(f"{row}.{name}") for row in INDUSTRY} for name in names}
    order = sorted(names, key=lambda name: (-sum(by_industry[name][row].value for row in INDUSTRY[:2]), name))
    return EconomyView(
        scenario=scenario,
        year=year,
        gross=gross,
        net={name: get(net) for name, net in NET.items()},
        apart={name: get(name) for name in APART},
        industries={name: by_industry[name] for name in order},
        titles=dict(zip(table["industry"].to_list(), table["title"].to_list(), strict=True)),
        taxes=parts("tax_by_base", TAX_BASES),
        given_up=parts("tax_given_up", HOLIDAY),
        lost=parts("revenue_lost", LOST),
        ministry={name: get(name) for name in MEASURES},
        steps=parts("npv_economic_step", STEPS),
        occupations=parts("jobs_by_occupation", occupation_names(study)),
        donors={donor: {name: get(f"{name}_by_donor.{donor}") for name in ("jobs", "gdp")} for donor in run.donors},
        provenance=provenance(study),
    )


def provenance(study: Study) -> Provenance:
    """Where the input-output tables of a study come from, in their own words."""
    flows, industries = study.table("input_output"), study.table("industries")
    notes = [note for note in flows["note"].unique().to_list() if note and str(note).startswith("proxy")]
    cell = study.parameter("spending_share")
    closure = f"each future spends {cell.low:g} to {cell.high:g} of labour income (middle {cell.mid:g})"
    return Provenance(
        sources=tuple(sorted(flows["source"].unique().to_list())),
        cells=flows.height,
        cells_estimated=flows.filter(basis="estimated").height,
        industries=industries.height,
        industries_assumed=industries.filter(basis="assumed").height,
        closure=closure,
        proxies=tuple(sorted(notes)),
        borrowed=bool(flows.height) and flows["source"].str.starts_with(BORROWED).all(),
    )

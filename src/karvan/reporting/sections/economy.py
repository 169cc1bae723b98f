"""Parts of jobs and growth: ancillary industries, taxes by base, what a ministry asks; where the table comes from."""

from karvan.futures.accounts import HOLIDAY, STEPS, TAX_BASES
from karvan.futures.economy import INDUSTRY, provenance
from karvan.futures.ministry import LOST, occupation_names
from karvan.futures.names import readable
from karvan.reporting.html import esc, listed, para, table
from karvan.reporting.page import Page

MOST = 8
"""Industries shown."""
TAX_TITLES = {
    "income": "Income tax",
    "social": "Social contributions",
    "vat": "VAT on cars",
    "excise": "Excise on cars",
    "fee": "Fees on cars",
    "products": "Taxes on what suppliers and households buy",
    "profit": "Profit tax of the plants",
    "property": "Property tax of the plants",
    "duty": "Duty on cars and kits",
    "holiday": "Tax holiday",
    "incentive": "Incentives to buyers",
}
STEP_TITLES = {
    "financial": "the owners' flows at the country's rate",
    "exchange_rate": "foreign exchange at its value",
    "wages": "labour at its cost to the country",
    "transfers": "taxes paid less protection received",
}
MEASURES = (
    ("revenue_lost_per_job", "Revenue given up per job and year"),
    ("revenue_lost_per_car", "Revenue given up per car"),
    ("protection_nominal", "Nominal protection of home-made cars"),
    ("protection_effective", "Effective rate of protection of assembly"),
    ("value_added_world", "Value added at world prices"),
    ("resource_cost", "Domestic resource cost (below 1: worth its resources)"),
    ("imports_saved", "Imports of cars saved"),
)


def industries(page: Page) -> str:
    """The ancillary industries by name: jobs with suppliers, jobs behind wages, value added."""
    year = page.near
    titles = dict(zip(*(page.study.table("industries")[c].to_list() for c in ("industry", "title")), strict=True))

    def jobs(name: str) -> float:
        return page.value(page.address(f"jobs_by_industry.{name}", year))

    ranked = sorted(page.run.layout.industries, key=lambda name: (-jobs(name), name))[:MOST]
    if not ranked or jobs(ranked[0]) < 0.5:
        return ""
    rows = [
        [esc(titles.get(name, readable(name))), *(page.at(f"{row}.{name}", year, spread=True) for row in INDUSTRY)]
        for name in ranked
    ]
    heads = ["Industry", "Jobs with suppliers", "Jobs behind wages", f"Value added, {esc(page.money)}"]
    caption = f"Ancillary industries, {year}, gross: the {len(ranked)} with most indirect and induced jobs."
    return table(heads, rows, kind="narrow", caption=caption)


def taxes(page: Page) -> str:
    """Taxes by base: gained, given up by the holiday, and given up against a country without the industry."""
    year = page.near
    rows = []
    for tax, title in TAX_TITLES.items():
        cells = (("tax_by_base", tax in TAX_BASES), ("tax_given_up", tax in HOLIDAY), ("revenue_lost", tax in LOST))
        rows.append([title, *(page.at(f"{name}.{tax}", year, spread=True) if here else "" for name, here in cells)])
    total = [page.at(name, year, spread=True) for name in ("tax", "tax_forgone", "revenue_lost")]
    rows.append(["<b>All</b>, incentives taken off", *total])
    return (
        "<h3>Taxes by base</h3>\n"
        + para(
            "Gained is gross: the plants, their suppliers, those who serve the households, and every car bought in "
            "the country, imported ones too. Given up is what the holiday of the parks forgives, and what a country "
            "without the industry would have taken on the cars it imported instead; the industry's own taxes are not "
            "set against it here, they are in the net figure above. Taxes on suppliers' profits are not counted."
        )
        + table(
            [f"{esc(page.money)}, {year}", "Gained", "Given up by the holiday", "Given up against no industry"],
            rows,
            kind="tight",
        )
    )


def ministry(page: Page) -> str:
    """Cost per job and car, protection, resource cost, and the value for the country with the steps to it."""
    years = list(dict.fromkeys((page.near, page.last)))
    rows = []
    for name, title in MEASURES:
        found = page.get(page.address(name, page.near))
        unit = "" if found is None or found.unit in ("share of 1", "ratio") else found.unit
        rows.append([title, f"<small>{esc(unit)}</small>", *(page.at(name, year, spread=True) for year in years)])
    worth = page.at("npv_economic", page.first, spread=True)
    steps = [f"{page.at(f'npv_economic_step.{step}', page.first)} for {STEP_TITLES[step]}" for step in STEPS]
    rate, wage, exchange = (
        page.fig(f"parameter.{name}", factor=100.0, decimals=1 if name == "social_discount_rate" else 0) + " %"
        for name in ("social_discount_rate", "shadow_wage_ratio", "shadow_exchange_ratio")
    )
    return (
        "<h3>What a ministry asks</h3>\n"
        + para(
            "Ratios leave out the futures that have no cars, or no jobs, to divide by. Protection compares a "
            "home-made car with what imports of its kind pay at the border; where most of these come free of duty, "
            "there is little of it. A resource cost is infinite where no foreign exchange is earned or saved."
        )
        + table(["", "", *(str(year) for year in years)], rows, text=(1,), kind="tight")
        + para(
            "<b>Value for the country.</b> At border prices and shadow prices, transfers taken out, all plants are "
            f"worth {worth} {esc(page.money)} over {page.first} to {page.last}. Step by step, each at its own median: "
            f"{listed(steps)}. Discount rate of the "
            f"country {rate} a year, cost of labour {wage} of the wage, foreign exchange {exchange} of its price: "
            f"assumed, each with a range that is drawn. Nothing after {page.last} is counted."
        )
    )


def occupations(page: Page) -> str:
    """Jobs by occupation, where the study has a table of them."""
    rows = [
        [esc(readable(name)), page.at(f"jobs_by_occupation.{name}", page.near, spread=True)]
        for name in occupation_names(page.study)
    ]
    caption = f"Jobs by occupation, {page.near}: direct, indirect and induced, gross."
    return table(["Occupation", "Jobs"], rows, kind="narrow", caption=caption)


def origin(page: Page) -> str:
    """Where the input-output tables come from, in their own words."""
    found = provenance(page.study)
    estimated = "All" if found.cells_estimated == found.cells else f"{found.cells_estimated:,} of"
    sources = [esc(text.removeprefix("estimated: ")) for text in found.sources]
    notes = [esc(text) for text in found.proxies]
    return para(
        f"{estimated} {found.cells:,} cells of the tables are estimated: {'; '.join(sources)}. Value added or "
        f"employment is assumed in {found.industries_assumed} of {found.industries} industries. "
        + (f"Marked as {'; '.join(notes)}. " if notes else "")
        + f"Closure: {esc(found.closure)}."
    )

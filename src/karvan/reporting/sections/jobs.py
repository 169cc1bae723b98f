"""What the industry is worth: jobs, GDP, taxes, imports, gross and net."""

import re
from typing import Any

from karvan.futures.economy import provenance
from karvan.futures.names import readable
from karvan.reporting import charts
from karvan.reporting.html import chart, details, esc, listed, para, section, table, words
from karvan.reporting.page import Page, anchor
from karvan.reporting.sections import economy
from karvan.study.evidence import Claim, claims

RULE_WORDS = ("duty", "vat_rate", "excise", "fee", "holiday", "relief", "import_age")
RULE_TITLES = {
    "duty_per_cc": "Import duty",
    "duty_rate": "Import duty",
    "vat_rate": "VAT",
    "excise_per_cc": "Excise",
    "excise_fixed": "Excise, fixed part",
    "park_holiday": "Privilege of park residents",
    "park_relief_materials": "Park residents: relief on materials",
    "certificate_relief": "Relief for certificate holders",
    "preferential_duty": "Duty under free trade",
    "registration_duty_per_cc": "Registration duty",
}
GROSS = (
    ("jobs_direct", "Jobs at the plants"),
    ("jobs_indirect", "Jobs at suppliers"),
    ("jobs_induced", "Jobs behind the spending of wages"),
    ("jobs", "<b>Jobs, all three</b>"),
    ("jobs_hired", "of which hired employees"),
    ("gdp_direct", "Value added at the plants"),
    ("gdp_indirect", "Value added at suppliers"),
    ("gdp_induced", "Value added behind wages"),
    ("gdp", "<b>GDP, all three</b>"),
    ("tax", "<b>Taxes</b> of the industry and on cars bought"),
    ("tax_forgone", "Tax given up by the holiday"),
    ("imports", "<b>Imports</b> of cars, kits and what follows"),
)
NET = {"jobs": "jobs_net", "gdp": "gdp_net", "tax": "tax_net", "imports": "imports_net"}


def jobs(page: Page) -> str:
    """Gross and net, industries, donors, diversification, the rules that decide taxes."""
    net = "no_industry" in page.runs and page.main != "no_industry"
    return section(
        "jobs",
        5,
        "Jobs and growth",
        _net(page),
        _table(page),
        economy.industries(page),
        economy.occupations(page),
        economy.taxes(page) if net else "",
        economy.ministry(page) if net else "",
        _donors(page),
        economy.origin(page),
        _diversification(page),
        _rules(page),
    )


def _net(page: Page) -> str:
    near = page.near
    text = para(
        "<b>Gross</b> counts everyone whose work hangs on the industry. <b>Net</b> compares with a country that has "
        "no car industry, imports those cars instead and taxes them, future by future under the same draws: what "
        "the public purse gains or loses has jobs behind it too. Gross answers &ldquo;who works for it?&rdquo;, net "
        "answers &ldquo;what would be missing without it?&rdquo;. The closure is named: of each wage, the share "
        "that is spent at home is drawn for each future. Job-years of building plants are not added to jobs of "
        "running them."
    )
    if "no_industry" not in page.runs or page.main == "no_industry":
        return text
    rows: list[dict[str, Any]] = []
    from karvan.futures.figures import net_draws

    for label, values in (
        ("gross: jobs that hang on it", page.run.figures["jobs"]),
        ("net: more than without it", net_draws("jobs_net", page.run, page.runs)),
    ):
        rows += charts.fan_rows(page.run.years, values, measure=label)
    order = ["gross: jobs that hang on it", "net: more than without it"]
    spec = charts.fans(rows, by="measure", order=order, form=",.0f", columns=2, free=False)
    svg = charts.draw(spec, name="jobs", alt="Gross and net jobs over the years, as two fans on one scale")
    title = (
        f"In {near}, {page.at('jobs', near)} jobs hang on the industry, gross; "
        f"{page.at('jobs_net', near)} would be missing without it, net"
    )
    return text + chart(title, svg, unit="persons", source="Analysis by parts: docs/economy.md.")


def gains(page: Page) -> bool:
    """Whether the net jobs exceed the gross ones because the public purse gains."""
    near = page.near
    beyond = page.value(page.address("jobs_net", near)) > page.value(page.address("jobs", near))
    return beyond and page.value(page.address("tax_net", near)) > 0


def _table(page: Page) -> str:
    near, last = page.near, page.last
    rows = []
    for name, label in GROSS:
        net = NET.get(name)
        cells = []
        for year in dict.fromkeys((near, last)):
            cells.append(page.at(name, year, spread=True))
            cells.append(page.at(net, year, spread=True) if net else "")
        unit = "persons" if name.startswith("jobs") else page.money
        rows.append([label, f"<small>{esc(unit)}</small>", *cells])
    heads = [text for year in dict.fromkeys((near, last)) for text in (f"gross {year}", f"net {year}")]
    more = ""
    if gains(page):
        more = (
            "Net exceeds gross here, because the taxes that the industry pays exceed the duties lost on the imports it "
            "displaces, and the state spends the difference."
        )
    building = page.at("job_years_building", page.first, spread=True)
    return table(["", "", *heads], rows, text=(1,), kind="tight") + para(
        f"Besides, building plants gives {building} job-years in {page.first}, once. In {near} the gross GDP of the "
        f"industry is {page.at('gdp_share', near, spread=True)} of the country's value added. A net figure below "
        "zero for imports means imports saved; above zero, that kits and what follows cost more foreign money than "
        "the cars they replace.",
        more,
    )


def _donors(page: Page) -> str:
    year, donors = page.near, page.run.donors
    if len(donors) < 2:
        return ""
    rows = [
        [
            esc(page.country(donor)),
            page.at(f"jobs_by_donor.{donor}", year, spread=True),
            page.at(f"gdp_by_donor.{donor}", year, spread=True),
        ]
        for donor in donors
    ]
    names = listed([esc(page.country(donor)) for donor in donors])
    many = words(len(donors)).capitalize()
    country = esc(page.country())
    if provenance(page.study).borrowed:
        said = (
            f"The study has no input-output table of {country}. It takes those of the built-in study, estimated from "
            f"the structure of {names} and scaled to population and income of {country}: its jobs at suppliers and "
            "behind wages are orders of magnitude. Where a table of the country is published, put it into "
            "input_output.csv and industries.csv; each future uses one of the tables."
        )
    else:
        said = (
            f"No input-output table of {country} is published in a form that machines read. {many} were estimated "
            f"from the structure of {names}, balanced to the country's own margins; each future uses one of them."
        )
    return para(said) + table(
        ["Structure taken from", "Indirect and induced jobs", f"the same in value added, {esc(page.money)}"],
        rows,
        kind="narrow",
        caption=f"The spread between donors, {year}.",
    )


def _diversification(page: Page) -> str:
    year = page.last
    return para(
        "<b>Diversification.</b> The industry changes the concentration of the country's value added (Herfindahl "
        f"index) by {page.at('diversification', year, spread=True)} in {year} (Theil index: "
        f"{page.at('diversification_theil', year, spread=True)}). At this scale it moves by rounding "
        "error: whoever wants a diversified economy will not see it from here."
        if abs(page.value(page.address("diversification", year))) < 0.001
        else f"<b>Diversification.</b> The concentration of value added (Herfindahl index) changes by "
        f"{page.at('diversification', year, spread=True)} in {year} (Theil index: "
        f"{page.at('diversification_theil', year, spread=True)}); below zero is more diverse."
    )


def _rules(page: Page) -> str:
    """The taxes, duties and privileges on record that are in force at the study's date."""
    today = page.study.as_of or page.study.settings.as_of or f"{page.study.settings.base_year}-12-31"
    kept: dict[tuple[str, ...], list[Claim]] = {}
    for item in claims(page.study):
        if item.number is None or item.subject != "country" or not _is_rule(item.attribute):
            continue
        if item.period_end and item.period_end < today[: len(item.period_end)]:
            continue
        key = (item.attribute, item.kind, item.value, item.unit, item.note.split(";")[0])
        kept.setdefault(key, []).append(item)
    if not kept:
        return ""
    rows = [_rule(page, members) for _, members in sorted(kept.items())]
    header = ["Rule", "For", "Value", "In force from", "Note"]
    return (
        "<h3>Duties, taxes and privileges on record</h3>\n"
        + para("Rules in force at the date of the study, as claimed; where pages differ, all stand.")
        + details("The rules", table(header, rows, text=(1, 2, 3, 4), kind="tight"), opened=True)
    )


def _rule(page: Page, members: list[Claim]) -> list[str]:
    """One rule; claims that say the same of several partners share a row."""
    item = members[0]
    whom = esc(re.sub(r"(\d) (\d+ (?:cc|years?))\b", r"\1 to \2", readable(item.kind).lower()))
    partners = [f'<a href="#{anchor(one)}">{esc(page.country(one.partner))}</a>' for one in members if one.partner]
    for one in members:
        page.cite(one)
    starts = list(dict.fromkeys(_day(one.period_start) for one in members))
    since = "" if starts == [""] else starts[0] if len(starts) == 1 else f"{min(starts)} to {max(starts)}"
    until = f" until {_day(item.period_end)}" if item.period_end else ""
    return [
        esc(RULE_TITLES.get(item.attribute, item.attribute.replace("_", " ").capitalize())),
        " ".join(part for part in (whom, listed(partners)) if part),
        page.fig(f"claim.{item.claim}", unit=True),
        esc(since + until) or '<span class="none">not said</span>',
        f"<small>{esc(item.note)}</small>",
    ]


def _day(text: str) -> str:
    """A date without what says nothing: the first of January is the year."""
    return text.removesuffix("-01-01")


def _is_rule(attribute: str) -> bool:
    return any(word in attribute for word in RULE_WORDS) and not attribute.startswith(("farm", "programme"))

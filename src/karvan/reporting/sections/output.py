"""What is made, how full the plants are, how much of the home market they serve."""

from typing import Any

import numpy as np

from karvan.futures.ensemble import BOUND
from karvan.reporting import charts
from karvan.reporting.html import chart, esc, para, section, table
from karvan.reporting.page import Page
from karvan.reporting.sections.record import (
    by_plant,
    history_years,
    imports,
    monthly,
    on_record,
    others,
    record,
    targets,
)

BOUND_WORDS = {
    "state": "the plant does not run",
    "demand": "buyers",
    "capacity": "capacity",
    "partner_supply": "the partner's kits",
}


def output(page: Page) -> str:
    """Record, plans, forecast, self-sufficiency, limits, imports, trucks."""
    parts = [
        _forecast(page),
        record(page),
        by_plant(page),
        monthly(page),
        targets(page),
        _sufficiency(page),
        _bounds(page),
        imports(page),
        others(page),
    ]
    return section("output", 3, "Output: what was made, what was promised, what may come", *parts)


def _forecast(page: Page) -> str:
    years = history_years(page)
    base = page.study.settings.base_year
    marks: list[dict[str, Any]] = []
    for year in years:
        found = on_record(page, f"output.{year}")
        if found is not None:
            row = {"year": year, "value": found.value, "low": found.low, "high": found.high, "what": "on record"}
            marks.append(row)
    planned = [year for year in range(base - 30, base + 15) if page.get(f"target_output.{year}") is not None]
    marks += [
        {"year": year, "value": page.value(f"target_output.{year}"), "what": "official target"} for year in planned
    ]
    rows = charts.fan_rows(page.run.years, page.run.figures["output"])
    svg = charts.draw(
        charts.fan(rows, unit="cars per year", marks=marks),
        name="output",
        alt=f"Cars made per year: the record, official targets and the range of futures to {page.last}",
    )
    header = ["Year", "Cars made", "Could make", "How full", "Exports", "Share exported", "New cars sold at home"]
    body = [
        [
            str(year),
            page.at("output", year, spread=True),
            page.at("capacity_effective", year, spread=True),
            page.at("utilisation", year, spread=True),
            page.at("exports", year, spread=True),
            page.at("export_share", year, spread=True),
            page.at("sales_new_home", year, spread=True),
        ]
        for year in page.shown
    ]
    title = f"In {page.near} half of all futures lie above {page.at('output', page.near)} cars, half below"
    if page.value(page.address("output", page.near)) < 0.5:
        title = f"In {page.near} at least half of all futures see no car made"
    if years:
        inside = _inside(page, years)
        title += f"; most years on record lie {'in the same' if inside else 'outside the'} range"
    unit = "passenger cars per year" + ("; points on record with their range" if years else "")
    unit += "; diamonds are official targets" if planned else ""
    return (
        para(
            "The dark band holds half of all futures, the light one nine in ten. It is not a wish and not a plan: "
            "it is what demand, capacity, kits and the chance that plants open, stop and close make of "
            f"&ldquo;{esc(page.study.scenario(page.main).title.lower())}&rdquo;."
        )
        + chart(
            title,
            svg,
            unit=unit,
            source="Record: section 10. Forecast: docs/futures.md.",
        )
        + table(header, body, caption="Median over futures with the 5–95 % range.")
    )


def _inside(page: Page, years: list[int]) -> bool:
    low, high = np.quantile(page.run.figures["output"][:, page.run.years.index(page.near)], (0.05, 0.95))
    values = [found.value for year in years if (found := on_record(page, f"output.{year}"))]
    return bool(values) and sum(low <= value <= high for value in values) * 2 >= len(values)


def _sufficiency(page: Page) -> str:
    """The three self-sufficiencies, always together."""
    names = {
        "self_sufficiency_new": "of new cars sold",
        "self_sufficiency_all": "of all cars that come into use, used imports too",
        "self_sufficiency_value": "of spending on cars, by value added at home",
    }
    rows: list[dict[str, Any]] = []
    for name, label in names.items():
        rows += charts.fan_rows(page.run.years, page.run.figures[name], measure=label)
    spec = charts.fans(rows, by="measure", order=list(names.values()), form="%", columns=3)
    svg = charts.draw(spec, name="sufficiency", alt="Three measures of self-sufficiency over the years, as fans")
    header = ["Home-made share", *(str(year) for year in page.shown)]
    body = [[label, *(page.at(name, year, spread=True) for year in page.shown)] for name, label in names.items()]
    title = (
        f"In {page.near} the same cars are {page.at('self_sufficiency_new', page.near)} of new sales, "
        f"{page.at('self_sufficiency_all', page.near)} of all cars that come into use, and "
        f"{page.at('self_sufficiency_value', page.near)} of the money spent"
    )
    return (
        "<h3>Self-sufficiency: three measures that must be read together</h3>\n"
        + chart(
            title, svg, unit="share; each panel has its own scale", source="Definitions: glossary; docs/futures.md."
        )
        + table(header, body)
    )


def _bounds(page: Page) -> str:
    """What held output back, by plant and year."""
    plants = [
        name
        for name in page.own_plants()
        if any(page.value(page.address(f"operating.{name}", year)) > 0.02 for year in page.run.years)
    ]
    if not plants:
        return ""
    rows = []
    for name in plants:
        codes = page.run.plants["bound"][:, :, page.run.own_plants.index(name)]
        for y, year in enumerate(page.run.years):
            for code, limit in enumerate(BOUND):
                share = float((codes[:, y] == code).mean())
                rows.append(
                    {"facet": page.plant(name), "year": year, "what": BOUND_WORDS[limit], "value": round(share, 4)}
                )
    kinds = [BOUND_WORDS[limit] for limit in ("demand", "capacity", "partner_supply", "state")]
    spec = charts.stacks(rows, kinds=kinds, unit="", form=".0%", facets=[page.plant(name) for name in plants])
    svg = charts.draw(spec, name="bounds", alt="What bounds each plant's output by year, share of futures")
    year = page.near
    header = ["Plant", *(BOUND_WORDS[limit] for limit in BOUND)]
    body = [[esc(page.plant(name)), *(page.at(f"bound.{name}.{limit}", year) for limit in BOUND)] for name in plants]
    means = {
        limit: sum(page.value(page.address(f"bound.{name}.{limit}", year)) for name in plants)
        for limit in BOUND
        if limit != "state"
    }
    most = max(means, key=lambda limit: means[limit])
    verb = "sets" if most == "capacity" else "set"
    title = f"Where a plant runs in {year}, {BOUND_WORDS[most]} most often {verb} the limit"
    return (
        "<h3>What bounds output each year</h3>\n"
        + chart(title, svg, unit="share of futures, by plant and year", source="docs/futures.md")
        + table(header, body, caption=f"Share of futures, {year}.")
    )

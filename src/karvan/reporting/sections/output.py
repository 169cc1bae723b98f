"""What is made, how full the plants are, how much of the home market they serve."""

from typing import Any

import numpy as np

from karvan.futures.ensemble import BOUND
from karvan.futures.figures import ALIASES
from karvan.reporting import charts
from karvan.reporting.html import chart, esc, listed, para, section, table
from karvan.reporting.page import MONTHS, Page, period, readable
from karvan.study.evidence import Claim, YearValue, claims

CAR = "passenger_car"
OTHER_KINDS = ("light_commercial", "bus", "tractor", "special_purpose", "combine_harvester", "military")
BOUND_WORDS = {
    "state": "the plant does not run",
    "demand": "buyers",
    "capacity": "capacity",
    "partner_supply": "the partner's kits",
}


def history_years(page: Page, body: str = "output") -> list[int]:
    """The years of a figure that are on record."""
    base = page.study.settings.base_year
    return [year for year in range(base - 30, base + 1) if _record(page, f"{body}.{year}") is not None]


def last_record(page: Page) -> int | None:
    """The latest year of national output on record."""
    years = history_years(page)
    return years[-1] if years else None


def _record(page: Page, address: str) -> YearValue | None:
    found = page.get(address)
    return None if found is None else found.record


def output(page: Page) -> str:
    """Record, plans, forecast, self-sufficiency, limits, imports, trucks."""
    parts = [
        _forecast(page),
        _record_part(page),
        _plants(page),
        _targets(page),
        _sufficiency(page),
        _bounds(page),
        _imports(page),
        _others(page),
    ]
    return section("output", 3, "Output: what was made, what was promised, what may come", *parts)


def _forecast(page: Page) -> str:
    years = history_years(page)
    base = page.study.settings.base_year
    marks: list[dict[str, Any]] = []
    for year in years:
        record = _record(page, f"output.{year}")
        if record is not None:
            row = {"year": year, "value": record.value, "low": record.low, "high": record.high, "what": "on record"}
            marks.append(row)
    targets = [year for year in range(base - 30, base + 15) if page.get(f"target_output.{year}") is not None]
    marks += [
        {"year": year, "value": page.value(f"target_output.{year}"), "what": "official target"} for year in targets
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
            page.at("utilisation", year),
            page.at("exports", year, spread=True),
            page.at("export_share", year),
            page.at("sales_new_home", year, spread=True),
        ]
        for year in page.shown
    ]
    title = f"In {page.near} half of all futures lie above {page.at('output', page.near)} cars, half below"
    if page.value(page.address("output", page.near)) < 0.5:
        title = f"In {page.near} at least half of all futures see no car made"
    if years:
        inside = _inside(page, years)
        title += "; the record lies in the same range" if inside else "; most years on record lie outside the range"
    unit = "passenger cars per year" + ("; points on record with their range" if years else "")
    unit += "; diamonds are official targets" if targets else ""
    return (
        para(
            f"The dark band holds half of all futures, the light one nine in ten. It is not a wish and not a plan: "
            f"it is what "
            f"demand, capacity, kits and the chance that plants open, stop and close make of "
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
    low, high = np.quantile(page.draws("output")[:, page.run.years.index(page.near)], (0.05, 0.95))  # type: ignore[index]
    values = [record.value for year in years if (record := _record(page, f"output.{year}"))]
    return bool(values) and sum(low <= value <= high for value in values) * 2 >= len(values)


def _record_part(page: Page) -> str:
    years = history_years(page)
    if not years:
        return "<h3>The record</h3>\n" + para(f"The evidence gives no yearly output of cars in {esc(page.country())}.")
    rows = []
    for year in years:
        record = _record(page, f"output.{year}")
        if record is None:
            continue
        passed = [page.fig(f"claim.{item.claim}") + f" <small>{esc(_who(item))}</small>" for item in _distinct(record)]
        rows.append(
            [
                str(year),
                page.fig(f"output.{year}", spread=True),
                f"<small>{esc(record.rule.removeprefix('ruled: '))}</small>",
                "<br>".join(passed) or '<span class="none">none</span>',
            ]
        )
    notes = [text for text in (_idle_months(page), _latest(page), _values(page)) if text]
    header = ["Year", "Used (range)", "How it was chosen", "Other claims for the year"]
    return (
        "<h3>The record, with its contradictions</h3>\n"
        + para(*notes)
        + table(header, rows, text=(2, 3), kind="tight", caption="Passenger cars made, from the evidence.")
    )


def _distinct(record: YearValue) -> list[Claim]:
    seen: dict[str, Claim] = {}
    for item in record.others:
        seen.setdefault(f"{item.value} {item.months}", item)
    return sorted(seen.values(), key=lambda item: (item.months or (0, 0), item.claim))


def _who(item: Claim) -> str:
    return f"({period(item)}, {item.confidence})"


def _idle_months(page: Page) -> str:
    """Months on record in which no car was made."""
    months = set()
    for item in claims(page.study, subject="country", attribute="output", kind=CAR, partner=""):
        if item.number == 0 and item.months and item.months[0] == item.months[1]:
            months.add(item.months[0])
    said = [
        f"{MONTHS[place % 12]} {place // 12} ({page.fig(f'output.{place // 12}-{place % 12 + 1:02d}')})"
        for place in sorted(months)
    ]
    return f"No car was made in {listed(said)}." if said else ""


def _latest(page: Page) -> str:
    """The latest part of a year on record, beside the same months a year before."""
    pool = [
        item
        for item in claims(page.study, subject="country", attribute="output", kind=CAR, partner="")
        if item.months and item.number is not None and item.months[0] % 12 == 0 and item.months[1] % 12 != 11
    ]
    if not pool:
        return ""
    newest = max(pool, key=lambda item: (item.months or (0, 0))[1])
    start, end = newest.months or (0, 0)
    text = f"The latest count is {page.fig(f'claim.{newest.claim}')} cars in {period(newest)}"
    before = [item for item in pool if item.months == (start - 12, end - 12)]
    if before and before[0].number is not None and newest.number is not None:
        fewer = newest.number < before[0].number
        pair = (before[0], newest) if fewer else (newest, before[0])
        gap = page.fig(f"claims_difference.{pair[0].claim}.{pair[1].claim}.{end // 12}")
        text += (
            f", {gap} {'fewer' if fewer else 'more'} than the {page.fig(f'claim.{before[0].claim}')} of a year before"
        )
    return text + "."


def _values(page: Page) -> str:
    """What the latest cars were worth, by plant, and all since the beginning."""
    found = [item for item in claims(page.study, attribute="output_value", kind=CAR) if item.subject != "country"]
    said = []
    if found:
        newest = max(item.months[1] for item in found if item.months)
        seen: dict[str, Claim] = {}
        for item in found:
            if item.months and item.months[1] == newest:
                seen.setdefault(item.subject, item)
        for subject, item in sorted(seen.items(), key=lambda pair: -(pair[1].number or 0)):
            units = [
                one
                for one in claims(page.study, subject=subject, attribute="output", kind=CAR)
                if one.months == item.months and one.number is not None
            ]
            if units:
                number, worth = page.fig(f"claim.{units[0].claim}"), page.fig(f"claim.{item.claim}")
                said.append(f"{number} vehicles worth {worth} {item.unit} at {esc(_subject(page, subject))}")
        text = f"In {period(next(iter(seen.values())))} there were {listed(said)}." if said else ""
    else:
        text = ""
    whole = claims(page.study, attribute="output_value_cumulative", kind=CAR)
    if whole:
        one = whole[0]
        since = one.period_start[:4]
        text += f" Since {since} the cars made were worth {page.fig(f'claim.{one.claim}')} {one.unit}."
    return text.strip()


def _subject(page: Page, subject: str) -> str:
    """A subject of the evidence in words: the place of the plant it is counted under."""
    for plant, subjects in ALIASES.items():
        if subject in subjects:
            rows = page.study.table("plants").filter(plant=plant)
            if rows.height and rows["city"][0]:
                return str(rows["city"][0])
    rows = page.study.table("plants").filter(plant=subject)
    return str(rows["city"][0] or page.plant(subject)) if rows.height else readable(subject)


def _plants(page: Page) -> str:
    """Output by plant and year, where the evidence splits it."""
    plants = {name: history_years(page, f"output.{name}") for name in page.study.table("plants")["plant"].to_list()}
    plants = {name: years for name, years in plants.items() if years}
    if not plants:
        return ""
    years = sorted({year for found in plants.values() for year in found})
    rows = [
        [str(year), *(page.fig(f"output.{name}.{year}", spread=True) for name in plants), page.fig(f"output.{year}")]
        for year in years
    ]
    lead = [
        max((page.value(f"output.{name}.{year}"), name) for name, found in plants.items() if year in found)[1]
        for year in years
    ]
    change = next((i for i in range(len(lead) - 1, 0, -1) if lead[i] != lead[i - 1]), None)
    text = ""
    if change is not None:
        year, new, old = years[change], lead[change], lead[change - 1]
        if year in plants[old]:
            text = para(
                f"{esc(_subject(page, new))} overtook {esc(_subject(page, old))} in {year}: "
                f"{page.fig(f'output.{new}.{year}')} cars against {page.fig(f'output.{old}.{year}')}."
            )
    labels = [listed(list(dict.fromkeys((page.plant(name), _subject(page, name)))), ",") for name in plants]
    header = ["Year", *(esc(label.replace(" ,", ",")) for label in labels), "Country"]
    caption = "Cars by plant, as far as the evidence splits them; ranges where nobody printed the split."
    return "<h3>By plant</h3>\n" + text + table(header, rows, kind="tight", caption=caption)


def _targets(page: Page) -> str:
    """Official targets beside what came of them."""
    base = page.study.settings.base_year
    years = [year for year in range(base - 30, base + 15) if page.get(f"target_output.{year}") is not None]
    if not years:
        return ""
    rows, missed = [], []
    for year in years:
        target, made = page.value(f"target_output.{year}"), _record(page, f"output.{year}")
        came = page.fig(f"output.{year}", spread=True)
        if made is None:
            outcome = "no figure"
        elif made.high < target:
            outcome = "missed"
            missed.append(year)
        elif made.low >= target:
            outcome = "met"
        else:
            outcome = "open: the range holds the target"
        rows.append([str(year), page.fig(f"target_output.{year}"), came, outcome])
    row = f"Missed in {listed([str(year) for year in missed])}." if missed else "None was missed."
    return (
        "<h3>Official targets and what came of them</h3>\n"
        + para(row)
        + table(["Year", "Target", "Made", "Outcome"], rows, text=(3,))
    )


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


def _imports(page: Page) -> str:
    """Imports of vehicles on record."""
    base = page.study.settings.base_year
    years = [
        year
        for year in range(base - 30, base + 1)
        if page.get(f"imports_vehicles.{year}") is not None or page.get(f"imports_hybrid.{year}") is not None
    ]
    if not years:
        return ""
    partners = sorted(
        {
            item.partner
            for item in claims(page.study, subject="country", attribute="imports", kind="hybrid_car")
            if item.partner and any(page.get(f"imports_hybrid.{item.partner}.{year}") for year in years)
        }
    )
    header = ["Year", "Vehicles of all kinds", "Hybrid cars", "of these from"]
    rows = [
        [
            str(year),
            page.fig(f"imports_vehicles.{year}", spread=True),
            page.fig(f"imports_hybrid.{year}", spread=True),
            ", ".join(
                f"{esc(page.country(partner))} {page.fig(address)}"
                for partner in partners
                if page.get(address := f"imports_hybrid.{partner}.{year}") is not None
            ),
        ]
        for year in years
    ]
    caption = "Imports on record. A range stands where only part of the year was printed."
    return "<h3>What comes in from abroad</h3>\n" + table(header, rows, text=(3,), caption=caption)


def _others(page: Page) -> str:
    """Trucks, buses and tractors on record, never added to cars."""
    years = history_years(page, "output_truck")
    rows = [[str(year), page.fig(f"output_truck.{year}", spread=True)] for year in years]
    found: dict[tuple[str, str], Claim] = {}
    for item in claims(page.study, attribute="output"):
        if item.kind not in OTHER_KINDS or item.number is None or item.months is None:
            continue
        key = ("country" if item.subject == "country" else _subject(page, item.subject), item.kind)
        if key not in found or item.months[1] > (found[key].months or (0, 0))[1]:
            found[key] = item
    latest = [
        [
            esc(readable(item.kind)),
            esc(page.country() if subject == "country" else subject),
            period(item),
            page.fig(f"claim.{item.claim}"),
        ]
        for (subject, _), item in sorted(found.items(), key=lambda pair: (pair[0][1], pair[0][0]))
    ]
    if not rows and not latest:
        return ""
    return (
        "<h3>Trucks, buses and tractors</h3>\n"
        + table(["Year", "Trucks made"], rows, kind="narrow")
        + table(
            ["Kind", "Where", "Period", "Made"],
            latest,
            text=(1, 2),
            kind="narrow",
            caption="Latest count of each other kind on record.",
        )
    )

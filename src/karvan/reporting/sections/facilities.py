"""Which plants there are, and what they can really make."""

import re
from typing import Any

from karvan.futures.figures import ALIASES
from karvan.futures.plant_study import NOT_YET, first_study, missing_shops
from karvan.futures.starter_rows import ALL
from karvan.reporting import charts
from karvan.reporting.html import NONE, chart, esc, listed, para, section, table, words
from karvan.reporting.map import KIND_WORDS, STATES, legend, plants_map
from karvan.reporting.page import Page
from karvan.study.evidence import claims, contradictions

RUNGS = {
    "nameplate": ("As announced", "what the company or a minister said; the middle where claims differ"),
    "straight_time": ("One shift, as staffed", "hours and shifts that are really worked"),
    "overtime": ("With overtime", "overtime, where any is worked"),
    "breakdowns": ("After breakdowns", "machines that stand still"),
    "blocking_starving": ("After waiting", "shops that wait for each other"),
    "rework": ("After rework", "cars that are not right first time"),
    "kits": ("With the kits that come", "kits late or incomplete"),
    "ramp_up": ("After ramp-up and stops", "new lines that are still learning, plants that stand idle"),
}
STATE_WORDS = {
    "operating": "operating",
    "building": "being built",
    "announced": "announced",
    "idle": "idle",
    "closed": "closed",
}


def facilities(page: Page) -> str:
    """Map, ladder and table of plants; trucks and buses apart."""
    rows = [row for row in page.study.table("plants").to_dicts() if row["role"] == "own"]
    cars = [row for row in rows if row["vehicle_kind"] == "passenger_car"]
    others = [row for row in rows if row["vehicle_kind"] != "passenger_car"]
    if not rows:
        empty = para(
            f"The study knows no car plant in {esc(page.country())}. A plant that nobody has announced may come:"
        )
        return section("facilities", 2, "The plants", empty, _slots(page))
    svg, borders = plants_map(page)
    parts = [para(_count(page, cars, others))]
    if svg:
        title = f"Where {esc(page.country())} makes vehicles, or means to"
        parts.append(
            chart(title, svg + legend(rows), unit="plants by state", source=f"Places: plants.csv. {esc(borders)}")
        )
    parts.extend((_ladder(page), _by_shops(page), "<h3>Car plants</h3>", _table(page, cars)))
    if others:
        parts.append("<h3>Trucks, buses and the rest, kept apart</h3>")
        parts.append(para("These never enter the car figures."))
        parts.extend((_table(page, others), _others_by_shops(page, others)))
    parts.append(_slots(page))
    return section("facilities", 2, "The plants, and what they can really make", *parts)


def derived(page: Page, plant: str) -> bool:
    """Whether a plant's nameplate was worked out from the record, announced by nobody."""
    rows = page.study.table("plants").filter(plant=plant)
    return bool(rows.height) and str(rows["source"][0]).startswith("derived")


def _count(page: Page, cars: list[dict[str, Any]], others: list[dict[str, Any]]) -> str:
    by_state = [
        f"{words(count)} {STATE_WORDS[state]}"
        for state in STATES
        if (count := sum(row["state"] == state for row in cars))
    ]
    together = [row for row in cars if str(row["name"]).endswith(ALL)]
    if len(together) == len(cars) == 1:
        return (
            f"The study has all car makers of {page.country()} together as one plant, because the world tables know no "
            "single ones: replace it by the plants of the country. Its capacity is worked out from the best years on "
            "record; what counts is the last rung of the ladder below, and what buyers want."
        )
    rest = f" {words(len(others)).capitalize()} more make or plan other vehicles." if others else ""
    return (
        f"{page.country()} has {words(len(cars), 'car plant')} on record: {listed(by_state)}.{rest} Announced "
        "capacity is a promise; what counts is the last rung of each ladder below, and what buyers want."
    )


def _slots(page: Page) -> str:
    slots = page.slots()
    if not slots:
        return ""
    chances = [page.at(f"operating.{name}", page.last) for name in slots]
    places = "one place is kept for it" if len(slots) == 1 else f"{words(len(slots))} places are kept for them"
    return para(
        f"Plants nobody has announced yet are drawn as well, at a rate that follows the market; {places}. In "
        f"{page.last} a plant operates there with a chance of {listed(chances)}."
    )


def _ladder(page: Page) -> str:
    """The ladder of each car plant in the first year: rungs, cars lost, and why; then demand and output."""
    year = page.first
    plants = [name for name in page.own_plants() if page.value(page.address(f"capacity_nameplate.{name}", year)) > 0]
    if not plants:
        return ""
    rungs = [name[5:] for name in page.run.plants if name.startswith("rung_")]
    header = ["", *(esc(page.plant(name)) for name in plants), "why"]
    told = dict(RUNGS)
    if all(derived(page, name) for name in plants):
        told["nameplate"] = ("Worked out", "nobody announced it: worked out from the best years on record")
    rows = []
    for place, rung in enumerate(rungs):
        title, why = told.get(rung, (rung.replace("_", " "), ""))
        cells = []
        for name in plants:
            cell = page.at(f"capacity_rung.{rung}.{name}", year)
            change = page.value(page.address(f"capacity_lost.{rung}.{name}", year))
            if place and abs(change) >= 0.5:
                lost = page.at(f"capacity_lost.{rung}.{name}", year, factor=1.0 if change > 0 else -1.0)
                word = "lost" if change > 0 else "gained"
                cell += f'<small class="lost below">{word} {lost}</small>'
            cells.append(cell)
        rows.append([title, *cells, f"<small>{why}</small>"])
    for label, body, why in (
        ("Cars wanted", "demand", "what buyers would take if no plant had a limit, home and abroad"),
        (
            "Output",
            "output",
            "what is sold, buyers whom full plants turn away among them, and what fills the stock of finished cars; at "
            "most capacity and kits",
        ),
        ("Chance to operate at year's end", "operating", "share of futures"),
    ):
        rows.append([f"<b>{label}</b>", *(page.at(f"{body}.{name}", year) for name in plants), f"<small>{why}</small>"])
    data = []
    for name in plants:
        for rung in rungs:
            value = page.value(page.address(f"capacity_rung.{rung}.{name}", year))
            label = told.get(rung, (rung,))[0]
            data.append({"facet": page.plant(name), "rung": label, "value": round(value), "kind": "capacity"})
        for label, body in (("Cars wanted", "demand"), ("Output", "output")):
            value = page.value(page.address(f"{body}.{name}", year))
            data.append({"facet": page.plant(name), "rung": label, "value": round(value), "kind": body})
    order = [*(told.get(rung, (rung,))[0] for rung in rungs), "Cars wanted", "Output"]
    spec = charts.steps(data, rungs=order, facets=[page.plant(name) for name in plants], unit="cars per year")
    alt = f"Capacity ladder of {listed([page.plant(name) for name in plants])} in {year}; numbers in the table below"
    svg = charts.draw(spec, name="ladder", alt=alt)
    caption = f"Medians over futures, {year}: of each rung, and of the cars lost there, so they need not add up."
    return (
        f"<h3>From {'announced ' if told['nameplate'] == RUNGS['nameplate'] else ''}capacity to cars, {year}</h3>\n"
        + chart(
            _ladder_finding(page, plants, rungs[-1]),
            svg,
            unit=f"cars per year, median of futures, {year}; light blue is capacity, orange cars wanted, "
            "dark blue output; each panel has its own scale",
            source="Capacity ladder: docs/facilities.md. Shifts, breakdowns and rework: shops.csv, mostly assumed.",
        )
        + table(header, rows, text=(len(plants) + 1,), kind="tight", caption=caption)
    )


def _by_shops(page: Page) -> str:
    """Each car plant simulated from its own shops, beside what the futures take."""
    plants = [name for name in page.own_plants() if not missing_shops(page.study, name)]
    if not plants:
        return ""
    rows = []
    for name in plants:
        found = first_study(page.study, name, page.first)
        assert found.report is not None
        year, bottleneck = found.year, found.report.bottleneck
        said = [esc(_named(page, text)) for text in found.conditions]
        if found.state in NOT_YET:
            chance = page.fig(f"parameter.open_probability.{name}", spread=True)
            delay = page.fig(f"parameter.open_delay.{name}", spread=True, decimals=1)
            opens = page.study.table("plants").filter(plant=name)["opened"][0] or "no date of opening"
            said[0] = (
                f"{STATE_WORDS[found.state]}, {esc(opens)} as planned: opens at all with {chance}, {delay} years late; "
                "what follows is a plant that opens on its date"
            )
        conditions = f"<br><small>{'; '.join(said)}</small>" if said else ""
        tie = len(bottleneck.candidates) > 1
        reach = f"parameter.nameplate_reach.{name}"
        rows.append(
            [
                f"{esc(page.plant(name))}, {year}{conditions}",
                page.at(f"shops_capacity.{name}", year, spread=True),
                page.at(f"shops_luck.{name}", year),
                page.at(f"shops_ignorance.{name}", year),
                f"{esc(bottleneck.verdict)}<small class=below>{'each ' if tie else ''}"
                f"{page.at(f'shops_bottleneck.{name}', year, spread=True)} cars for 1 % more speed</small>",
                f"{page.at(f'shops_reach.{name}', year)} / {page.fig(reach, decimals=2)}",
                page.at(f"capacity_effective.{name}", year, spread=True) if year in page.run.years else NONE,
            ]
        )
    header = [
        "Plant",
        "Cars its shops and shifts allow (5–95 %)",
        "luck",
        "ignorance",
        "Bottleneck",
        "Straight time / nameplate: by hours, in the futures",
        "Effective in the futures (5–95 %)",
    ]
    words_ = para(
        "The same plants once more, as an engineer would model them: shops simulated car by car, with the shifts, "
        "breakdowns and buffers of shops.csv over their ranges. <em>Luck</em> is the standard deviation of a year's "
        "cars by breakdowns alone, <em>ignorance</em> that of not knowing the inputs: far the larger, so better data "
        "would say more than better machines. The futures do not use these hours, which are assumed, but the share of "
        "nameplate that the best years on record reached. More for each plant, with what-ifs and cost per car: "
        f"<code>karvan plant {esc(page.study.name)} {esc(plants[0])}</code>."
    )
    return "<h3>What shops and shifts would allow</h3>\n" + words_ + table(header, rows, text=(4,), kind="tight")


def _named(page: Page, text: str) -> str:
    """A sentence with the ids of plants replaced by their names."""
    for name in sorted(page.study.table("plants")["plant"].to_list(), key=len, reverse=True):
        text = re.sub(rf"\b{re.escape(name)}\b", page.plant(name), text)
    return text


def _others_by_shops(page: Page, others: list[dict[str, Any]]) -> str:
    """Plants of other kinds, each simulated from its own shops, in its own vehicles."""
    rows = []
    for row in sorted(others, key=lambda row: (STATES.index(row["state"]), row["plant"])):
        name = row["plant"]
        if missing_shops(page.study, name):
            continue
        found = first_study(page.study, name, page.first)
        assert found.report is not None
        many = found.words[1]
        small = 1 if found.report.effective.p50 < 200.0 else 0
        tie = len(found.report.bottleneck.candidates) > 1
        places = 0 if found.report.effective.p50 > 20_000.0 else 1 + small
        gain = page.at(f"shops_bottleneck.{name}", found.year, spread=True, decimals=places)
        said = claims(page.study, subject=name, attribute="nameplate", kind="", unit=f"{many} per year")
        announced = f"claim.{said[0].claim}" if row["nameplate"] is None and said else f"table.plants.{name}.nameplate"
        unsure = [text for text in found.conditions if "size is assumed" in text]
        rows.append(
            [
                f"{esc(page.plant(name))}, {found.year}<br><small>{STATE_WORDS[found.state]}, {esc(many)}"
                f"{'; ' + esc(unsure[0]) if unsure else ''}</small>",
                page.fig(announced, spread=True),
                page.at(f"shops_capacity.{name}", found.year, spread=True),
                page.at(f"shops_luck.{name}", found.year, decimals=small),
                page.at(f"shops_ignorance.{name}", found.year),
                f"{esc(found.report.bottleneck.verdict)}<small class=below>{'each ' if tie else ''}{gain} {esc(many)} "
                "for 1 % more speed</small>",
            ]
        )
    if not rows:
        return ""
    header = ["Plant", "Announced a year", "A year by its shops (5–95 %)", "luck", "ignorance", "Bottleneck"]
    words_ = para(
        "Their shops, simulated the same way. Every row counts its own vehicles: buses, trucks, tractors. Sizes, hours "
        "and breakdowns are mostly assumed; costs, with what is assumed in them, are told by "
        f"<code>karvan plant {esc(page.study.name)} {esc(others[0]['plant'])}</code>."
    )
    return words_ + table(header, rows, text=(5,), kind="tight")


def _ladder_finding(page: Page, plants: list[str], bottom: str) -> str:
    year = page.first
    best = max(plants, key=lambda name: page.value(page.address(f"output.{name}", year)))
    rung = page.value(page.address(f"capacity_rung.{bottom}.{best}", year))
    demand = page.value(page.address(f"demand.{best}", year))
    limit = "buyers set the limit, not machines" if demand < rung else "capacity sets the limit, not buyers"
    said = "worked out from the record" if derived(page, best) else "announced"
    return (
        f"At {esc(page.plant(best))}, {page.at(f'capacity_nameplate.{best}', year)} {said} become "
        f"{page.at(f'capacity_rung.{bottom}.{best}', year)} that could be made; {limit}"
    )


def _table(page: Page, plants: list[dict[str, Any]]) -> str:
    disputed: dict[str, list[str]] = {}
    for item in contradictions(page.study):
        said = [
            f"{page.fig(f'claim.{one.claim}') if one.number is not None else esc(one.value)}" for one in item.claims
        ]
        what = f"{esc(item.attribute.replace('_', ' '))}: {listed(said, 'or')}"
        disputed.setdefault(item.subject, []).append(what)
    rows = []
    for row in sorted(plants, key=lambda row: (STATES.index(row["state"]), row["plant"])):
        name = row["plant"]
        cell = f"table.plants.{name}"
        best, when = _best_year(page, name)
        since = f", since {row['opened'][:4]}" if row["opened"] and row["state"] in ("operating", "idle") else ""
        until = f", {row['opened'][:4]} to {row['closed'][:4]}" if row["opened"] and row["closed"] else ""
        place = row["city"] or "place not named"
        partner = f"<br><small>{esc(row['partner'])}</small>" if row["partner"] else ""
        notes = [esc(row["note"] or "")]
        subjects = ALIASES.get(name, (name,))
        claims = [text for subject in dict.fromkeys((name, *subjects)) for text in disputed.get(subject, [])]
        if claims:
            notes.append("<b>Contradictions:</b> " + "; ".join(claims))
        rows.append(
            [
                f"{esc(row['name'])}{partner}",
                f"{esc(place)}<br><small>{KIND_WORDS[row['vehicle_kind']]}</small>",
                f"{STATE_WORDS[row['state']]}{until or since}",
                page.fig(f"{cell}.nameplate", spread=True),
                f"{best}{f'<small class=below>{when}</small>' if when else ''}",
                page.fig(f"{cell}.employees"),
                f"{page.source_mark(row['source'])} <small>{row['confidence']}</small>",
                f"<small>{' '.join(note for note in notes if note)}</small>",
            ]
        )
    header = ["Plant", "Where, what", "State", "Announced a year", "Best year", "People", "Source", "Notes"]
    if rows and all(str(row["source"]).startswith("derived") for row in plants):
        header[3] = "Capacity a year, worked out"
    return table(header, rows, text=(1, 2, 6, 7), kind="tight plants")


def _best_year(page: Page, plant: str) -> tuple[str, str]:
    """The best year of cars on record, as a figure and its year."""
    years = range(page.study.settings.base_year - 20, page.study.settings.base_year + 1)
    found = [(value, year) for year in years if (value := page.value(f"output.{plant}.{year}")) == value]
    if not found:
        return NONE, ""
    year = max(found)[1]
    return page.fig(f"output.{plant}.{year}", spread=True), str(year)

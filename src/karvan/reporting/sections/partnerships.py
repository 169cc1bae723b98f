"""What each foreign partner promised, and what came of it."""

from typing import Any

from karvan.reporting import charts
from karvan.reporting.html import NONE, chart, esc, para, section, table, words
from karvan.reporting.map import KIND_WORDS
from karvan.reporting.page import Page

ORDER = ("active", "announced", "unclear", "ended")


def partnerships(page: Page) -> str:
    """Deals promised and delivered; what each partner brings and takes."""
    deals = page.study.table("deals").to_dicts()
    title = "Partnerships: promised and delivered"
    if not deals:
        return section(
            "partnerships",
            4,
            title,
            para("The study has no deal with a foreign partner on record."),
            _brings(page),
            _groups(page),
        )
    deals.sort(key=lambda row: (row["vehicle_kind"] != "passenger_car", ORDER.index(row["state"]), row["deal"]))
    return section("partnerships", 4, title, _chart(page, deals), _table(page, deals), _brings(page), _groups(page))


SOURCE = (
    "deals.csv, printed figures only; a plant's years that are worked out from other sums (section 3) can lie higher. "
    "Addresses in the table below."
)


def _label(row: dict[str, Any]) -> str:
    """A short name of a deal: the partner without brackets, and the year."""
    partner = str(row["partner"]).split(" (")[0].split(" / ")[0]
    return f"{partner}, {row['signed'][:4]}"


def _chart(page: Page, deals: list[dict[str, Any]]) -> str:
    """Promised a year against the best year, cars only."""
    known = [row for row in deals if row["planned_volume"] and row["vehicle_kind"] == "passenger_car"]
    if not known:
        return ""
    data = []
    for row in known:
        data.append({"name": _label(row), "what": "promised a year", "value": row["planned_volume"]})
        if row["best_year_volume"] is not None:
            data.append({"name": _label(row), "what": "best year delivered", "value": row["best_year_volume"]})
    delivered = [row for row in known if row["best_year_volume"] is not None]
    short = [row for row in delivered if row["best_year_volume"] < row["planned_volume"]]
    kinds = ("promised a year", "best year delivered")
    spec = charts.dots(data, kinds=kinds, unit="cars per year", order=[_label(row) for row in known])
    svg = charts.draw(spec, name="deals", alt="Promised yearly volume of each car deal and the best year delivered")
    without = len(known) - len(delivered)
    if delivered and len(short) == len(delivered):
        title = (
            "No car deal has reached its promised volume in a year that was printed"
            if len(delivered) > 1
            else "The one deal with output on record fell short of its promise"
        )
    else:
        title = (
            f"{words(len(short)).capitalize()} of {words(len(delivered))} car deals fell short of the promised volume"
        )
    if without:
        title += f"; for {words(without)} no output is on record"
    return chart(title, svg, unit="cars per year", source=SOURCE)


def _table(page: Page, deals: list[dict[str, Any]]) -> str:
    rows = []
    for row in deals:
        cell = f"table.deals.{row['deal']}"
        brings = [
            f"{label}: {esc(row[column])}"
            for label, column in (("training", "training"), ("exports", "exports"))
            if row[column] and row[column] != "not found"
        ]
        if row["local_content_target"] is not None:
            year = f" by {row['local_content_year']}" if row["local_content_year"] else ""
            brings.append(f"local content promised: {page.fig(f'{cell}.local_content_target')} per cent{year}")
        state = f"{row['state']}{', ' + str(row['ended']) if row['ended'] else ''}"
        last = ""
        if row["actual_volume"] is not None:
            last = f"<br><small>{page.fig(f'{cell}.actual_volume')} in {esc(row['actual_period'] or '?')}</small>"
        best = page.fig(f"{cell}.best_year_volume") if row["best_year_volume"] is not None else ("" if last else NONE)
        country = page.country(row["partner_country"]) if len(row["partner_country"]) == 3 else row["partner_country"]
        rows.append(
            [
                f"{esc(row['partner'])}<br><small>{esc(country)}</small>",
                f"{esc(page.plant(row['plant']))}<br><small>{KIND_WORDS[row['vehicle_kind']]}</small>",
                f"{esc(row['form'] or '')}, {row['signed'][:4]}<br><small>{state}</small>",
                page.fig(f"{cell}.planned_volume"),
                best + last,
                f"<small>{'; '.join(brings) or 'nothing on record'}</small>",
                page.source_mark(row["source"]),
            ]
        )
    header = [
        "Partner",
        "Plant",
        "Deal",
        "Promised a year",
        "Best year printed; latest",
        "What it brings besides kits",
        "Source",
    ]
    return "<h3>Every deal on record</h3>\n" + table(header, rows, text=(1, 2, 5, 6), kind="tight")


def _brings(page: Page) -> str:
    """What a car costs and holds at each plant."""
    year = page.near
    plants = [
        name for name in page.own_plants() if page.value(page.address(f"operating.{name}", year)) > 0.02
    ] or page.own_plants()
    if not plants:
        return ""
    rows = []
    for name in plants:
        row = page.study.table("plants").filter(plant=name).to_dicts()[0]
        partner = page.country(row["partner_country"]) if row["partner_country"] else "unknown"
        rows.append(
            [
                esc(page.plant(name)),
                esc(partner),
                esc(row["assembly"].upper() if row["assembly"] in ("skd", "ckd") else row["assembly"]),
                page.at(f"partner_supply.{name}", year, spread=True),
                page.at(f"price_ex_works.{name}", year, spread=True),
                page.at(f"local_content.{name}", year, spread=True),
                page.at(f"jobs_direct.{name}", year, spread=True),
            ]
        )
    header = [
        "Plant",
        "Kits from",
        "Assembly",
        "Kits that can come",
        "Price at the gate, USD",
        "Local content",
        "People",
    ]
    kit = page.at("kit_cost", year, spread=True)
    return (
        f"<h3>What each partner brings and takes, {year}</h3>\n"
        + para(
            f"A car's kit costs {kit} USD at the plant in {year}; that money leaves the country. Local content is "
            "domestic value over the price at the gate, with kits and imported inputs taken out. It is not a legal "
            "test of origin."
        )
        + table(
            header,
            rows,
            text=(1, 2),
            caption="Median over futures with the 5–95 % range; 0 where a plant stands still.",
        )
    )


def _groups(page: Page) -> str:
    """Which parts are made at home, in what numbers, and from how many a year they stop being dear."""
    year = page.near

    def parity(row: dict[str, Any]) -> float:
        return page.value(page.address(f"local_sets_parity.{row['component']}", year))

    groups = sorted(page.study.table("components").to_dicts(), key=parity)
    rows = []
    for row in groups:
        name, cell = row["component"], f"table.components.{row['component']}"
        rows.append(
            [
                f"{esc(row['title'])}<br><small>{esc(_industry(page, row['industry']))}</small>",
                page.fig(f"{cell}.share_mid"),
                f"{page.at(f'local_share.{name}', year)} → {page.at(f'local_share_planned.{name}', year)}",
                page.at(f"local_sets.{name}", year, spread=True),
                page.fig(f"{cell}.minimum_scale"),
                page.fig(f"{cell}.scale_elasticity_mid", spread=True),
                page.at(f"scale_penalty.{name}", year, spread=True),
                page.at(f"local_sets_parity.{name}", year, spread=True),
            ]
        )
    header = [
        "Component group; who would make it",
        "Of all parts",
        f"Bought at home, {year} → long run",
        f"Sets bought at home, {year}",
        "Efficient scale, sets a year",
        "Elasticity of cost to volume",
        "Dearer than at that scale",
        "No dearer than in the kit from",
    ]
    soon, last = sum(parity(row) == 0.0 for row in groups), groups[-1]
    reached = page.at(f"local_sets_parity.{last['component']}", year)
    priced = page.at(f"local_sets_priced.{last['component']}", year)
    some = words(soon).capitalize() if soon else "None"
    lead = para(
        f"{some} of {words(len(groups), 'component group')} cost no more at home than in the kit, its freight and duty "
        "included, from the first sets on, by the middle of the futures. "
        f"{esc(last['title'])} would come last: {reached} sets a year, kept up. Suppliers price for at least {priced} "
        "sets a year of a group."
    )
    caption = (
        "Sets: parts for one car, bought by all plants together. Dearer: unit cost at these sets, or at those that "
        "suppliers price for if more, above that at the efficient scale. No dearer: sets a year that, kept up, bring "
        "a local part to the cost of the one in the kit with its freight and duty (0: from the start; ∞: no volume "
        "does). Shares over futures in which cars are made. Median over futures with the 5–95 % range; elasticities "
        "and most scales are assumed."
    )
    title = "<h3>Which parts could be made at home, and at what volume they stop being dear</h3>\n"
    return title + lead + table(header, rows, kind="tight", caption=caption)


def _industry(page: Page, name: str) -> str:
    return str(page.study.table("industries").filter(industry=name)["title"][0]).split(" (")[0]

"""Is it a hub? Delivered cost, exports, five conditions, the outside view, the verdict in plain words."""

from typing import Any

import numpy as np

from karvan.futures.around import entries, exporter_in, outside_view
from karvan.hub.verdict import ALTERNATIVES, CONDITIONS, threshold_sensitivity
from karvan.reporting import charts
from karvan.reporting.html import chart, esc, listed, para, section, table, words
from karvan.reporting.page import Page
from karvan.reporting.sections.hub_markets import against_whom, what_decides, what_levers_need, where_cars_go

CONDITION_WORDS = {
    "output": "output",
    "export_share": "the share of output exported",
    "destinations": "the number of export markets",
    "local_content": "local content",
    "npv": "profit without subsidy",
    "": "nothing",
}
ELSEWHERE = ((0.5, "more than half"), (1 / 3, "more than a third"), (0.2, "more than a fifth"), (0.1, "over a tenth"))
"""Shares of a country's cars sold beyond the study's markets that are worth a word."""
INSTEAD = {
    "hub": "a regional hub",
    "home_market_assembly": "assembly for the home market",
    "single_corridor": "an industry that depends on a single export corridor",
    "kit_reexport": "re-export of kits with little local content",
    "idle_plant": "hardly any output, with plants that stand idle",
    "exporter_short_of_hub": "an exporter short of a hub",
}


def instead(page: Page, name: str) -> str:
    """A way to be less than a hub, in words; nothing stands idle where the study knows no plant."""
    return "hardly any output" if name == "idle_plant" and not page.own_plants() else INSTEAD[name]


def most_likely(page: Page, year: int) -> tuple[str, str]:
    """What the industry most likely is if it is no hub, and the address of that chance."""
    names = [name for name in ALTERNATIVES if name != "hub"]
    addresses = {name: page.address(f"hub_alternative.{name}", year) for name in names}
    likely = max(names, key=lambda name: page.value(addresses[name]))
    return likely, addresses[likely]


def hub(page: Page) -> str:
    """The section."""
    return section(
        "hub",
        6,
        "A regional hub?",
        _verdict(page),
        _conditions(page),
        _outside(page),
        _instead(page),
        where_cars_go(page, CONDITION_WORDS),
        against_whom(page, main_rivals),
        _costs(page),
        _decides(page),
        what_levers_need(page, CONDITION_WORDS),
        _sensitivity(page),
    )


def _verdict(page: Page) -> str:
    last = page.last
    y = page.run.years.index(last)
    verdict = page.run.verdict
    chance = page.at("hub_verdict", last)
    bar = page.at("hub_threshold.probability", last)
    country = esc(page.country())
    if bool(verdict.says_hub[y]):
        words_ = (
            f"<b>Yes.</b> By {last} {country} meets all five conditions at once "
            f"with a chance of {chance}; the bar is {bar}."
        )
    else:
        binding = CONDITION_WORDS[verdict.binding_name[y]]
        failing = [
            CONDITION_WORDS[name]
            for i, name in enumerate(CONDITIONS)
            if verdict.condition_probability[y, i] < verdict.thresholds.probability
        ]
        words_ = (
            f"<b>Not by {last}, unless a great deal changes.</b> The chance that {country} meets all five conditions "
            f"at once is {chance}; &ldquo;hub&rdquo; is said from {bar}. What stands most in the way is {binding}. "
            f"{_short_of(failing)}"
        )
    if float(verdict.probability[y]) == 0.0:
        words_ += f" Not one of {page.at('count_futures', page.first)} futures is a hub then."
    return para(words_, _best_scenario(page), _elsewhere(page))


def part_elsewhere(page: Page) -> str:
    """How much of the country's cars went to markets that the study does not have, in words; empty if little."""
    flows = page.study.table("flows").filter(exporter=page.study.settings.country)
    sent = {str(row["importer"]): float(row["units"]) for row in flows.iter_rows(named=True)}
    markets = page.run.layout.markets
    share = sum(units for market, units in sent.items() if market not in markets) / max(sum(sent.values()), 1.0)
    return next((text for least, text in ELSEWHERE if share >= least), "")


def _elsewhere(page: Page) -> str:
    part = part_elsewhere(page)
    return (
        f"In the base years {part} of its cars, by the estimated flows, went to markets that this study does not have: "
        "exports are understated, and with them the chance; <code>karvan new --markets</code> takes others."
        if part
        else ""
    )


def _short_of(failing: list[str]) -> str:
    """Which conditions fall short of the bar when taken one by one."""
    if not failing:
        return "Taken one by one each condition reaches that bar; it is all of them together that fails."
    count = "all five fall" if len(failing) == len(CONDITIONS) else f"{words(len(failing))} of five fall"
    if len(failing) == 1:
        count = "one of five falls"
    return f"Taken one by one, {count} short of that bar: {listed(failing)}."


def _best_scenario(page: Page) -> str:
    """The most favourable scenario at hand."""
    last = page.last
    chances = {
        name: page.value(page.address("hub_verdict", last, name))
        for name in page.scenarios
        if name not in (page.main, "no_industry")
    }
    chances = {name: value for name, value in chances.items() if value == value}
    if not chances:
        return ""
    best = max(chances, key=lambda name: chances[name])
    title = esc(page.study.scenario(best).title)
    chance = page.at("hub_verdict", last, scenario=best)
    return f"In the most favourable scenario shown, &ldquo;{title}&rdquo;, the chance is {chance}."


def _conditions(page: Page) -> str:
    near, last = page.near, page.last
    run = page.run
    thresholds = {
        "output": f"{page.at('hub_threshold.output', last)} cars a year",
        "export_share": f"{page.at('hub_threshold.export_share', last, decimals=2)} of output",
        "destinations": (
            f"{page.at('hub_threshold.destinations', last)} markets with more than "
            f"{page.at('hub_threshold.destination_share', last, decimals=2)} of exports each"
        ),
        "local_content": f"{page.at('hub_threshold.local_content', last, decimals=2)} of the price at the gate",
        "npv": f"above {page.at('hub_threshold.npv', last)} without subsidy",
    }
    now = {
        "output": page.at("output", last, spread=True),
        "export_share": page.at("export_share", last, spread=True),
        "destinations": "see exports below",
        "local_content": page.at("local_content", last, spread=True),
        "npv": f"{page.at('npv', last, spread=True)} {esc(page.money)}",
    }
    y = run.years.index(last)
    binding = run.verdict.binding_name[y]
    rows = [
        [
            CONDITION_WORDS[name] + (" <b>(binds)</b>" if name == binding else ""),
            thresholds[name],
            now[name],
            page.at(f"hub_condition.{name}", near),
            page.at(f"hub_condition.{name}", last),
        ]
        for name in CONDITIONS
    ]
    rows.append(["<b>all five in one future</b>", "", "", page.at("hub_verdict", near), page.at("hub_verdict", last)])
    data = [
        {"name": CONDITION_WORDS[name], "value": round(page.value(page.address(f"hub_condition.{name}", last)), 4)}
        for name in CONDITIONS
    ]
    data.append({"name": "all five at once", "value": round(page.value(page.address("hub_verdict", last)), 4)})
    svg = charts.draw(
        charts.bars(data, unit="chance", form=".0%", order=[str(row["name"]) for row in data], top=1.0),
        name="conditions",
        alt=f"Chance that each condition of a hub holds in {last}",
    )
    likely = max(CONDITIONS, key=lambda name: page.value(page.address(f"hub_condition.{name}", last)))
    title = (
        f"{CONDITION_WORDS[likely].capitalize()} is the condition most often met in {last} "
        f"({page.at(f'hub_condition.{likely}', last)} of futures); all five at once {page.at('hub_verdict', last)}"
    )
    header = ["Condition", "Asked", f"Median of {last} (5–95 %)", f"Chance {near}", f"Chance {last}"]
    return (
        "<h3>Five conditions, in the same future</h3>\n"
        + chart(
            title, svg, unit=f"share of futures, {last}", source="Definition: docs/hub.md; a definition, not a law."
        )
        + table(header, rows, text=(1,))
    )


def _outside(page: Page) -> str:
    last = page.last
    rate = outside_view(page.study.as_of)
    if rate.exposure == 0:
        return ""
    came = [f"{esc(page.country(country))} in {year}" for country, year in entries(page.study.as_of)]
    home = page.study.settings.country
    since = exporter_in(home, page.study.as_of)
    already = (
        ""
        if since is None
        else f" By this measure {esc(page.country(home))} is no outsider: it was an exporter in volume in {since}, the "
        "last year known. The rate is that of others, and says nothing of it."
    )
    return "<h3>The outside view</h3>\n" + para(
        "How often does a country come from outside into export in volume at all (output of a hundred thousand cars "
        "and a fifth more than home sales, three-year means)? The world tables show "
        f"{page.at('hub_base_entries', last)} entries in {page.at('hub_base_exposure', last)} country-years outside"
        f"{': ' + listed(came) if came else ''}. "
        "At that pace a country like any other in those tables would have a chance of "
        f"{page.at('hub_base_rate', last, spread=True)} by {last}. The tables hold countries that make cars already, "
        "so this is kind to a newcomer, and the measure asks less than the five conditions." + already
    )


def _instead(page: Page) -> str:
    near, last = page.near, page.last
    rows = [
        [instead(page, name), page.at(f"hub_alternative.{name}", near), page.at(f"hub_alternative.{name}", last)]
        for name in ALTERNATIVES
    ]
    idle = page.at("hub_threshold.idle_output", last)
    note = para(f"Plants are called idle below {idle} cars a year, all plants together; that line is assumed.")
    return (
        "<h3>What it is instead</h3>\n" + note + table(["Kind of industry", str(near), str(last)], rows, kind="narrow")
    )


def _main_offer(page: Page) -> str:
    """The offer of the own plant that makes most in the near year."""
    layout, run = page.run.layout, page.run
    y = run.years.index(page.near)
    mean = run.plants["output"][:, y].mean(axis=0)
    own = [int(v) for v in layout.own_offers if layout.offer_active[v]] or [int(v) for v in layout.own_offers]
    best = max(own, key=lambda v: (mean[layout.offer_plant[v]], -v))
    return layout.offers[best]


def main_rivals(page: Page, offer: str) -> dict[str, str]:
    """In each market, the foreign offer of the same product with most sales in the base year."""
    layout = page.run.layout
    flows = {(row["exporter"], row["importer"]): row["units"] for row in page.study.table("flows").to_dicts()}
    product = layout.offer_product[layout.offers.index(offer)]
    out = {}
    for market in layout.markets:
        sold = {}
        for v, name in enumerate(layout.offers):
            if layout.offer_plant[v] < layout.own or layout.offer_product[v] != product:
                continue
            country = layout.country[layout.offer_plant[v]]
            share = layout.share_home[v] if country == market else layout.share_export[v]
            sold[name] = float(flows.get((country, market), 0.0)) * float(share)
        if sold:
            out[market] = max(sold, key=lambda name: sold[name])
    return out


def _costs(page: Page) -> str:
    """Delivered cost by market beside the main rival there, with exports and shares."""
    layout, first, near = page.run.layout, page.first, page.near
    offer = _main_offer(page)
    rivals = main_rivals(page, offer)
    if not rivals:
        return ""
    ours, theirs = f"{page.country()}: {page.offer(offer).split(' from ')[0]}", "main rival there"
    if offer.startswith("unannounced"):
        ours = f"a newcomer in {page.country()}"
    elif page.offer(offer).startswith("Cars from"):
        ours = page.offer(offer)
    data: list[dict[str, Any]] = []
    rows, dearer = [], 0
    for market in layout.markets:
        rival = rivals.get(market)
        if rival is None:
            continue
        price = page.address(f"price_delivered.{offer}.{market}", first)
        other = page.address(f"price_delivered.{rival}.{market}", first)
        label = page.country(market)
        data.append({"name": label, "what": ours, "value": round(page.value(price))})
        data.append({"name": label, "what": theirs, "value": round(page.value(other))})
        dearer += page.value(price) > page.value(other)
        abroad = market != layout.markets[layout.home]
        rows.append(
            [
                esc(label),
                page.fig(price, spread=True),
                esc(page.offer(rival)),
                page.fig(other, spread=True),
                page.at(f"exports.{market}", near, spread=True) if abroad else "home",
                page.at(f"market_share.{market}", near, spread=True),
            ]
        )
    order = [str(row["name"]) for row in data[::2]]
    spec = charts.dots(data, kinds=(ours, theirs), unit="USD per car delivered", order=order)
    svg = charts.draw(
        spec, name="costs", alt="Delivered price of the country's main car and of the main rival, by market"
    )
    where = (
        f"dearer than the main rival in {words(dearer)} of {words(len(rows))} markets"
        if dearer
        else "cheaper everywhere"
    )
    title = f"What a buyer pays in {first}: {esc(page.offer(offer))}, {where}"
    exports = np.median(page.run.figures["exports"][:, page.run.years.index(near)])
    return (
        "<h3>Delivered cost, exports and rivals, market by market</h3>\n"
        + chart(
            title,
            svg,
            unit=f"USD per car, {first}",
            source="Duty, excise, fees, freight, VAT and margin: frictions.csv, markets.csv; docs/market.md.",
        )
        + table(
            [
                "Market",
                f"Ours, USD {first}",
                "Main rival there",
                "Rival, USD",
                f"Our exports {near}",
                f"Our share {near}",
            ],
            rows,
            text=(2,),
            kind="tight",
            caption="Median over futures with the 5–95 % range. The main rival sold most of the same kind of car there "
            "in the base year.",
        )
        + para(
            f"All exports together are {page.at('exports', near, spread=True)} cars in {near}."
            + (" Medians by market need not add up to the median of the whole." if exports > 0 else "")
        )
    )


def _decides(page: Page) -> str:
    """Which rung of the main car's price decides in each market."""
    offer = _main_offer(page)
    rivals = main_rivals(page, offer)
    return what_decides(page, offer, rivals) if rivals else ""


def _sensitivity(page: Page) -> str:
    """How the chance of being a hub moves with each threshold."""
    run = page.run
    tried = threshold_sensitivity(
        run.figures["output"],
        run.markets["exports"],
        run.layout.home,
        run.figures["local_content"],
        run.figures["npv"],
        run.verdict.thresholds,
    )
    y = run.years.index(page.last)
    most = max(float(found.probability[:, y].max()) for found in tried.values())
    names = {"destination_share": "share a destination needs", **CONDITION_WORDS}
    highest = [names.get(name, name) for name, found in tried.items() if float(found.probability[:, y].max()) == most]
    bar = run.verdict.thresholds.probability
    if most == 0.0:
        text = (
            "Changing any single threshold by half, up or down, leaves the chance at nothing: the verdict does not "
            "hang on where a line was drawn."
        )
    elif bool(run.verdict.says_hub[y]):
        least = min(float(found.probability[:, y].min()) for found in tried.values())
        text = "Changing one threshold at a time by up to half " + (
            "leaves the chance above the bar: the verdict does not hang on where a line was drawn."
            if least >= bar
            else "can take the chance below the bar: the verdict hangs on where the lines are drawn."
        )
    else:
        end = (
            "; even then it stays below the bar."
            if most < bar
            else ", and then it reaches the bar: the verdict hangs on where that line is drawn."
        )
        text = "Changing one threshold at a time by up to half, the chance is highest when "
        text += f"{listed(highest, 'or')} is eased{end}"
    return "<h3>Does the verdict hang on the thresholds?</h3>\n" + para(text)

"""Where the cars go by scenario, which rung of the price decides in each market, and what it would have to be."""

from collections.abc import Callable, Iterator

import numpy as np

from karvan.futures.needs import Need
from karvan.futures.parity import decides, when
from karvan.hub.verdict import CONDITIONS
from karvan.reporting.html import esc, listed, para, table
from karvan.reporting.page import Page

NOWHERE = "not even at nothing"
STEP_WORDS = {
    "ex_works": "price at the gate",
    "freight": "freight",
    "duty": "duty",
    "excise": "excise",
    "fee": "recycling and other fees",
    "certification": "certification",
    "obstacles": "other obstacles",
}
TOP = 3
"""Destinations shown."""


def _scenarios(page: Page) -> list[str]:
    """The scenarios with an industry whose futures reach the last year."""
    return [name for name in page.scenarios if name != "no_industry" and page.last in page.runs[name].years]


def where_cars_go(page: Page, condition_words: dict[str, str]) -> str:
    """By scenario: exports, the largest destinations, and what binds the verdict."""
    last = page.last
    rows = []
    for name in _scenarios(page):
        run = page.runs[name]
        y = run.years.index(last)
        mean = run.markets["exports"][:, y].mean(axis=0)
        order = [int(m) for m in np.argsort(-mean, kind="stable") if mean[m] >= 1.0][:TOP]
        goes = [
            f"{esc(page.country(run.layout.markets[m]))} "
            f"{page.at(f'exports.{run.layout.markets[m]}', last, spread=True, scenario=name)}"
            for m in order
        ]
        rows.append(
            [
                esc(page.study.scenario(name).title),
                page.at("output", last, spread=True, scenario=name),
                page.at("exports", last, spread=True, scenario=name),
                "; ".join(goes) or "nowhere",
                page.at("hub_verdict", last, scenario=name),
                condition_words[run.verdict.binding_name[y]],
            ]
        )
    if not rows:
        return ""
    head = ["Scenario", f"Made {last}", f"Exported {last}", "Largest destinations on average", "Chance", "What binds"]
    return "<h3>Where the cars go, scenario by scenario</h3>\n" + table(
        head,
        rows,
        text=(3, 5),
        kind="tight",
        caption="Median over futures with the 5–95 % range; destinations in the order of their means, so a median of "
        "none says that fewer than half of the futures send cars there. What binds is the condition whose waiver would "
        "raise the chance most.",
    )


def against_whom(page: Page, rivals_of: Callable[[Page, str], dict[str, str]]) -> str:
    """By scenario, in its largest destination in the last year: price against the main rival's, and what decides."""
    last, rows = page.last, []
    for name in _scenarios(page):
        run = page.runs[name]
        y = run.years.index(last)
        mean = run.markets["exports"][:, y].mean(axis=0)
        if mean.max() < 1.0:
            continue
        layout, m = run.layout, int(np.argmax(mean))
        sent = run.plants["exports"][:, y].mean(axis=0)
        own = [int(v) for v in layout.own_offers if layout.offer_active[v]] or [int(v) for v in layout.own_offers]
        v = max(own, key=lambda v: (sent[layout.offer_plant[v]], -v))
        offer, market = layout.offers[v], layout.markets[m]
        rival = rivals_of(page, offer).get(market)
        if rival is None:
            continue
        prices = (page.value(page.address(f"price_delivered.{o}.{market}", last, name)) for o in (offer, rival))
        cheaper = next(prices) <= next(prices)
        room = "could rise to " if cheaper else ""
        cells: list[str] = []
        for words, pair, needed in _deciding(page, offer, rival, market, last, name):
            cells += [f"{words}: {pair}" if pair else words, needed if needed in ("", NOWHERE) else room + needed]
        rows.append(
            [
                esc(page.study.scenario(name).title),
                f"{esc(page.offer(offer))} to {esc(page.country(market))}",
                page.at(f"price_delivered.{offer}.{market}", last, spread=True, scenario=name),
                f"{esc(page.offer(rival))} {page.at(f'price_delivered.{rival}.{market}', last, scenario=name)}",
                *cells,
            ]
        )
    if not rows:
        return ""
    head = [
        "Scenario", "Car and largest destination", "Ours, USD", "Main rival, USD", "Furthest behind on",
        "For the same price", "Of what states set", "For the same price",
    ]  # fmt: skip
    return f"<h3>Against whom in {last}, scenario by scenario</h3>\n" + table(
        head,
        rows,
        text=(1, 3, 4, 6),
        kind="tight",
        caption="The main car of the plant that exports most, where most exports go on average. Medians with the "
        "5–95 % range; ours against theirs, USD per car. Rivals&rsquo; answers to our cars stand among the other "
        "obstacles.",
    )


def _deciding(
    page: Page, offer: str, rival: str, market: str, year: int, scenario: str
) -> Iterator[tuple[str, str, str]]:
    """Of all rungs, and of those that states set, where we are furthest behind: its words, ours against theirs, and
    what ours would have to be for the same price. Words alone where there is none, or it is the one before.
    """
    run = page.runs[scenario]
    v, r = (run.layout.offers.index(name) for name in (offer, rival))
    before = ""
    for step in decides(run, v, r, run.layout.markets.index(market), when("what decides", year, run)):
        if not step or step == before:
            yield "the same" if step else "none", "", ""
            continue
        before = step
        pair = " against ".join(
            page.at(f"price_step.{step}.{o}.{market}", year, scenario=scenario) for o in (offer, rival)
        )
        parity = page.address(f"price_parity.{step}.{offer}.{rival}.{market}", year, scenario)
        yield STEP_WORDS[step], pair, page.fig(parity) if page.get(parity) is not None else NOWHERE


def what_decides(page: Page, offer: str, rivals: dict[str, str]) -> str:
    """In each market the rung on which the main car is furthest behind, and what it would have to be."""
    first = page.first
    rows, cheaper = [], []
    for market, rival in rivals.items():
        ours, theirs = (page.value(page.address(f"price_delivered.{o}.{market}", first)) for o in (offer, rival))
        if ours <= theirs:
            cheaper.append(esc(page.country(market)))
            continue
        cells = [cell for each in _deciding(page, offer, rival, market, first, page.main) for cell in each]
        rows.append([esc(page.country(market)), esc(page.offer(rival)), *cells])
    says = (
        f"In {listed(cheaper)} a buyer pays no more for our car than for the main rival; there it is liking, reach and "
        "leave to export that decide, not the price."
        if cheaper
        else ""
    )
    if not rows:
        return para(says) if says else ""
    head = [
        "Market", "Main rival there", "Furthest behind on", "Ours and theirs, USD", "For the same price",
        "Of what states set", "Ours and theirs, USD", "For the same price",
    ]  # fmt: skip
    return (
        "<h3>Which rule, fee or cost decides</h3>\n"
        + table(
            head,
            rows,
            text=(1, 2, 3, 5, 6),
            kind="tight",
            caption=f"Medians of {first}. &ldquo;For the same price&rdquo; is what that one rung of our car&rsquo;s "
            "price would have to be, all others as they are, for the buyer to pay what the rival&rsquo;s car costs.",
        )
        + (para(says) if says else "")
    )


def what_levers_need(page: Page, condition_words: dict[str, str]) -> str:
    """What each lever would have to be for each condition, in the main scenario and, in short, in every other."""
    if not page.needs:
        return ""
    from karvan.futures.parity import NEED_DRAWS, NEED_ROUNDS, needs

    if page.waits is not None:
        page.waits()
    last = page.last
    rows = []
    for need in needs(page.study, page.run, last):
        cells = []
        for condition in CONDITIONS:
            found = need.needed[condition]
            if found is None:
                cells.append(f"no: {page.at(f'hub_need_end.{need.lever}.{condition}', last)} at the end")
            elif found == need.now:
                cells.append("holds already")
            else:
                cells.append(page.at(f"hub_need.{need.lever}.{condition}", last))
        end = "to nothing" if need.end == 0.0 else "to its far end"
        rows.append([esc(need.title[:1].upper() + need.title[1:]) + f" <small>({end})</small>", *cells])
    heads = [condition_words[name][:1].upper() + condition_words[name][1:] for name in CONDITIONS]
    return (
        "<h3>What each lever would have to be</h3>\n"
        + table(
            ["Lever, moved alone", *heads],
            rows,
            kind="tight",
            caption=f"The value of the lever, as a multiple of today&rsquo;s, at which the condition holds in {last} "
            "with the chance from which &ldquo;hub&rdquo; is said; reach is a share of the partners&rsquo; full "
            "network. &ldquo;No&rdquo; gives the chance at the lever&rsquo;s far end: a quarter of today&rsquo;s "
            "freight or wages, half the value of the currency, a plant fifteen times as large, nine parts in ten from "
            "home. The last row moves all but wages and currency at once, each by the same part of its way. The far "
            f"ends are assumed. At most {NEED_DRAWS} futures stand behind each number, and a value is an upper bound, "
            f"found to {_steps(NEED_ROUNDS)} of the lever&rsquo;s way. Finer, and the best pairs of levers: "
            "karvan hub.",
        )
        + _by_scenario(page, heads)
    )


def _by_scenario(page: Page, heads: list[str]) -> str:
    """For every other scenario: which levers bring each condition about, or how far even all of them get."""
    from karvan.futures.needs import ALL, TOGETHER
    from karvan.futures.parity import needs

    last = page.last
    rows = []
    for name in _scenarios(page):
        if name == page.main:
            continue
        found = needs(page.study, page.runs[name], last)
        cells = []
        for condition in (*CONDITIONS, ALL):
            if found[0].needed[condition] == found[0].now:
                cells.append("holds already")
                continue
            alone = [need for need in found if need.lever != TOGETHER and need.needed[condition] is not None]
            together = next(need for need in found if need.lever == TOGETHER)
            if alone:
                # The lever that goes the least part of its way leads.
                alone.sort(key=_part(condition))
                cells.append(
                    "; ".join(f"{_SHORT[need.lever]} {_at(page, need, condition, name)}" for need in alone[:2])
                )
            elif together.needed[condition] is not None:
                cells.append(f"none alone; all at {_at(page, together, condition, name)} of their ways")
            else:
                chance = page.at(f"hub_need_end.{TOGETHER}.{condition}", last, scenario=name)
                lower = together.at_end[condition] < together.at_now[condition]
                cells.append(f"not even all at their ends: {chance}" + (", less than now" if lower else ""))
        rows.append([esc(page.study.scenario(name).title), *cells])
    if not rows:
        return ""
    return table(
        ["Scenario", *heads, "All five"],
        rows,
        kind="tight",
        caption="The same on top of every other scenario: up to two levers that bring the condition about alone, with "
        "what they would have to be, found to a quarter of the lever&rsquo;s way; else how far all levers together, "
        "wages and currency apart, would have to go. A lever that helps one condition can hurt another: a plant "
        "fifteen times as large that nobody fills makes no profit.",
    )


_SHORT = {
    "tariff": "duty abroad &times;",
    "fee": "fees abroad &times;",
    "freight": "freight &times;",
    "wage": "wages &times;",
    "exchange_rate": "currency &times;",
    "volume": "largest plant &times;",
    "reach": "reach",
    "content": "parts at home",
}
"""The levers in a cell."""


def _steps(rounds: int) -> str:
    """How finely a crossing is found."""
    return f"a {4**rounds}th" if rounds > 1 else "a quarter"


def _part(condition: str) -> Callable[[Need], float]:
    """The part of its way that a lever goes for a condition, which it reaches."""

    def part(need: Need) -> float:
        value = need.needed[condition]
        assert value is not None
        return abs((value - need.now) / (need.end - need.now))

    return part


def _at(page: Page, need: Need, condition: str, scenario: str) -> str:
    return page.at(f"hub_need.{need.lever}.{condition}", page.last, scenario=scenario)

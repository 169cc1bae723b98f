"""``karvan cost``: the delivered-cost ladder of each plant's car against the main rival's, market by market."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from karvan.commands.common import (
    beyond,
    codes,
    emit,
    json_option,
    look_option,
    near,
    refuse,
    scenario_option,
    seed_option,
)

if TYPE_CHECKING:
    from karvan.futures.costs import CostLadder, Range

WORDS = {
    "kit": "kit",
    "kit_freight": "freight of the kit",
    "kit_duty": "duty on the kit",
    "local_parts": "local parts",
    "labour": "labour",
    "overhead": "overhead",
    "maker_margin": "maker's margin",
    "ex_works": "= at the plant gate",
    "compliance": "cost of the origin rule",
    "freight": "freight",
    "insurance": "insurance",
    "duty": "duty",
    "excise": "excise",
    "fee": "recycling and other fees",
    "certification": "certification",
    "vat": "VAT",
    "dealer": "dealer's margin",
    "obstacles": "other obstacles",
    "sellers": "sellers' answer, incentive",
}
STATE_WORDS = {
    "mfn": "no agreement, full duty",
    "free": "passes the origin rule",
    "complies_at_cost": "passes at a cost",
    "pays_instead": "pays the full duty instead",
}


@click.command()
@click.argument("study")
@click.option(
    "--to", "markets", default="", metavar="GEO,KAZ,...", help="Markets, by ISO3 code or name; all if left out."
)
@click.option("--year", type=int, default=None, help="Year; the study's first if left out.")
@scenario_option
@look_option
@seed_option
@json_option
@refuse
def command(study: str, markets: str, year: int | None, scenario: str, draws: int, seed: int, as_json: bool) -> None:
    """Show what a car of each plant costs a buyer, rung by rung, against the main rival.

    Kit, local parts, labour, overhead, freight, duty, excise, fee, certification, VAT and dealer; the origin state;
    and the rung that decides. Medians over futures with the 5-95 % range, dollars per car.
    """
    from karvan.futures.costs import cost_ladders
    from karvan.study.load import load

    loaded = load(study)
    beyond(loaded, year)
    found = cost_ladders(loaded, codes(markets), year=year, scenario=scenario, draws=draws, seed=seed)
    if as_json:
        emit({"study": loaded.name, "scenario": scenario, "draws": draws, "ladders": [asdict(row) for row in found]})
        return
    if not found:
        click.echo("the study has no plant that makes passenger cars")
        return
    names = dict(zip(*(loaded.table("plants")[column].to_list() for column in ("plant", "name")), strict=True))
    for row in found:
        for line in lines(row, names):
            click.echo(line)
        click.echo()
    click.echo(
        "Cars are compared as they are sold: size, quality and brand are in what buyers like, not in these prices."
    )


def lines(row: "CostLadder", names: dict[str, str]) -> list[str]:
    """A ladder as a small table."""
    from karvan.futures.costs import MADE, SOLD

    newcomer = "A newcomer nobody has announced"
    name = names.get(row.plant, newcomer if row.plant.startswith("unannounced") else row.plant)
    title = f"{name} to {row.market_name} ({row.market}), {row.year}"
    out = [title, f"  the plant runs in {row.runs:.0%} of futures; rival there: {row.rival_name or 'none'}"]
    out.append(f"  {'USD per car':<26}{'ours (5-95 %)':>24}{'rival (5-95 %)':>24}{'gap':>9}")
    for rung in (*MADE, "ex_works", *SOLD):
        ours, theirs = row.ours[rung], row.theirs.get(rung)
        if not any((ours.low, ours.high, theirs and theirs.low, theirs and theirs.high)):
            continue
        gap = f"{row.gaps[rung]:+,.0f}" if rung in row.gaps else ""
        out.append(f"  {WORDS[rung]:<26}{_range(ours):>24}{_range(theirs):>24}{gap:>9}")
    gap = "" if row.dearer is None else f"{row.dearer.mid:+,.0f}"
    out.append(f"  {'= what the buyer pays':<26}{_range(row.total):>24}{_range(row.total_rival):>24}{gap:>9}")
    if row.origin:
        states = [f"{STATE_WORDS[state]} {share:.0%}" for state, share in row.origin.items() if share > 0]
        out.append(f"  origin: {'; '.join(states)}")
    out.append(f"  {verdict(row)}")
    return out


def verdict(row: "CostLadder") -> str:
    """What decides, in one sentence."""
    if row.dearer is None:
        return "nobody else sells this kind of car there"
    side = "dearer" if row.dearer.mid > 0 else "cheaper"
    text = f"{abs(row.dearer.mid):,.0f} USD {side} than the rival; the cheaper one in {row.cheaper:.0%} of futures"
    if row.decides:
        text += f"; furthest behind on {_plain(row.decides)} ({row.gaps[row.decides]:+,.0f})"
    if row.rule and row.rule != row.decides:
        text += f", of fees and rules on {_plain(row.rule)} ({row.gaps[row.rule]:+,.0f})"
    elif not row.rule:
        text += "; no fee or rule tells against it"
    return text


def _plain(rung: str) -> str:
    return "the cost at the plant gate" if rung == "ex_works" else WORDS[rung]


def _range(value: "Range | None") -> str:
    if value is None:
        return ""
    low, mid, high = (near(end) for end in (value.low, value.mid, value.high))
    return f"{mid:,.0f} ({low:,.0f}-{high:,.0f})"

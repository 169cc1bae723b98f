"""``karvan partners``: deals kept, what each partner takes, which parts are made at home, and another partner."""

from dataclasses import asdict
from textwrap import wrap
from typing import TYPE_CHECKING

import click

from karvan.commands.common import beyond, emit, json_option, refuse, scenario_option, seed_option

if TYPE_CHECKING:
    from karvan.futures.costs import Range
    from karvan.futures.partners import Partners, Record

SPLIT_WORDS = {
    "partner": "partner (kit)",
    "carriers": "carriers",
    "state": "kit duty",
    "suppliers_home": "home suppliers",
    "suppliers_abroad": "their imports",
    "labour": "wages",
    "overhead": "overhead",
    "owners_home": "owners",
}


@click.command()
@click.argument("study")
@click.option("--year", type=int, default=None, help="Year; four years after the study's first if left out.")
@scenario_option
@click.option("--draws", type=click.IntRange(1), default=200, show_default=True, help="Number of futures looked at.")
@click.option("--replace/--no-replace", default=True, help="Whether each plant is tried with every other partner.")
@seed_option
@json_option
@refuse
def command(study: str, year: int | None, scenario: str, draws: int, replace: bool, seed: int, as_json: bool) -> None:
    """Compare foreign partners: promises kept, odds of leaving, who gets what of a car, and another partner instead.

    Also which parts are made at home, and from how many a year they stop being dear.
    """
    from karvan.futures.partners import partners
    from karvan.study.load import load

    loaded = load(study)
    beyond(loaded, year)
    found = partners(loaded, year=year, scenario=scenario, draws=draws, seed=seed, counterfactual=replace)
    if as_json:
        emit({"study": loaded.name, "scenario": scenario, "draws": draws, **asdict(found)})
        return
    names = dict(zip(*(loaded.table("plants")[column].to_list() for column in ("plant", "name")), strict=True))
    changes = change_lines(found, names) if replace else []
    for line in [*record_lines(found.record), "", *plant_lines(found, names), "", *group_lines(found), "", *changes]:
        click.echo(line)


def record_lines(record: "Record") -> list[str]:
    """Every deal on record and what the record says."""
    if not record.deals:
        return ["no deal with a foreign partner on record"]
    out = ["Deals on record (units a year; odds that the partner leaves within 5 and 10 years)"]
    out.append(f"  {'partner':<34}{'kind':<18}{'signed':<9}{'state':<11}{'promised':>10}{'best':>8}{'kept':>7}  leaves")
    for deal in record.deals:
        leaves = ", ".join(f"{odds:.0%}" for odds in deal.leaves)
        kept = "" if deal.ratio != deal.ratio else f"{deal.ratio:.0%}"
        out.append(
            f"  {deal.partner[:32]:<34}{deal.kind:<18}{deal.signed[:7]:<9}{deal.state:<11}"
            f"{_count(deal.promised):>10}{_count(deal.delivered):>8}{kept:>7}  {leaves}"
        )
    stats = record.stats
    text = (
        f"  {stats.known} deals with both figures known: best year over promise {stats.ratio_median:.0%} in the middle"
    )
    if stats.known:
        out.append(f"{text}, {stats.kept:.0%} kept their promise")
    if record.promise is not None:
        low, high = record.promise.quantile([0.05, 0.95])
        out.append(f"  the next promise: {record.promise.mean:.0%} of it ({low:.0%}-{high:.0%})")
    if record.exit is not None:
        low, high = record.exit.quantile([0.05, 0.95])
        out.append(
            f"  {stats.exits} exits in {stats.exposure:.0f} years of production: "
            f"{record.exit.mean:.1%} a year ({low:.1%}-{high:.1%})"
        )
    return out


def plant_lines(found: "Partners", names: dict[str, str]) -> list[str]:
    """Who gets what of a car, and who could stop how much."""
    from karvan.futures.partners import PURCHASE

    out = [f"What each partner brings and takes, {found.year} (medians, shares of the price at the gate)"]
    if not found.plants:
        return [*out, "  no plant makes passenger cars yet"]
    for row in found.plants:
        out.append(f"  {names.get(row.plant, row.plant)}: kits from {row.country or 'unknown'}")
        out.append(
            f"    runs in {row.runs:.0%} of futures; {_money(row.cost)} USD a car at the gate; leaves with a chance of "
            f"{_share(row.leaves, 1)} a year (the study's hazards)"
        )
        out.append(
            f"    local content, three ways: {_share(row.local_content)} value added at home; "
            f"{_share(row.value_content)} as a treaty's value rule counts (all but the kit and its freight); "
            f"{row.points:,.0f} of {PURCHASE:,.0f} points for operations (Russian public purchase)"
        )
        parts = [f"{SPLIT_WORDS[name]} {value.mid:.0%}" for name, value in row.split.items() if value.high >= 0.005]
        out.append(f"    {', '.join(parts)}")
    if not any(found.dependence):
        out.append("  no country of a partner is on record: what hangs on one is not known")
    else:
        shares = [f"{name or 'unknown'} {_share(value)}" for name, value in found.dependence.items()]
        out.append(f"  output that hangs on one country's kits: {'; '.join(shares)}")
        out.append(f"  on the largest supplier of each future: {_share(found.largest)}")
    return out


def group_lines(found: "Partners") -> list[str]:
    """Which parts could be made at home, and from what volume they stop being dear."""
    out = [f"Which parts are made at home, {found.year}, and from how many a year they stop being dear (medians)"]
    widths = (6, 6, 6, 8, 9, 6, 8)
    head = _row(("value", "local", "plan", "sets", "scale", "elast", "dearer"), widths)
    out.append(f"  {'component group':<23}{head}  no dearer from (5-95 %)")
    for row in found.groups:
        cells = (
            f"{row.value_share:.0%}",
            _percent(row.local_share.mid),
            _percent(row.local_share_planned.mid),
            f"{row.sets.mid:,.0f}",
            _count(row.minimum_scale) or "unknown",
            f"{row.elasticity.mid:.2f}",
            _percent(row.penalty.mid),
        )
        middle = "the start" if row.parity.mid == 0.0 else _volume(row.parity.mid)
        ends = f"({_volume(row.parity.low)}-{_volume(row.parity.high)})"
        out.append(f"  {shortened(row.title, 23):<23}{_row(cells, widths)}  {middle} {ends}")
    priced = max((row.priced.mid for row in found.groups), default=float("nan"))
    by_industry: dict[str, list[str]] = {}
    for row in found.groups:
        by_industry.setdefault(row.industry.split(" (")[0], []).append(row.component)
    who = "; ".join(f"{name}: {', '.join(parts)}" for name, parts in by_industry.items())
    for words in (
        "value: share of all parts; local, plan: share of the sets bought at home in the year and in the long run, "
        "where cars are made; sets: bought at home in the year by all plants together",
        f"dearer: unit cost at these sets, or the {priced:,.0f} that suppliers price for at least, above that at the "
        "efficient scale (sets a year), by the elasticity of unit cost to volume (assumed)",
        "no dearer from: sets a year from which, kept up, a local part costs no more than the one in the kit with its "
        "freight and duty, learning included",
        f"who would make them: {who}",
    ):
        out.extend(wrap(words, 96, initial_indent="    ", subsequent_indent="      "))
    return out


def change_lines(found: "Partners", names: dict[str, str]) -> list[str]:
    """Another partner for each plant."""
    if not found.replacements:
        return ["no second partner on record to compare with: plants.csv has columns for partner and partner_country"]
    out = [
        f"Another partner instead, {found.year}: the change, all else and all draws equal. Another partner's kit is "
        "another car; buyers' liking for the plant's brand stays."
    ]
    for row in found.replacements:
        like = names.get(row.like, row.like)
        out.append(f"  {names.get(row.plant, row.plant)}: {row.country} -> {row.instead}, on the terms of {like}")
        out.append(
            f"    cost {_signed(row.cost)} USD a car, local content {_plus(100 * row.local_content.mid, 1)} points, "
            f"dependence {_plus(100 * row.dependence.mid)} points"
        )
        out.append(
            f"    on average {_plus(row.output_mean)} cars a year ({_ends(row.output)}) "
            f"and {_plus(row.jobs_mean)} people in the plant ({_ends(row.jobs)})"
        )
        for word, markets in (("opens", row.opened), ("closes", row.closed)):
            if markets:
                out.append(f"    {word}: {', '.join(f'{name} {share:.0%}' for name, share in markets.items())}")
    return out


def shortened(text: str, most: int) -> str:
    """A text cut at a word, with a mark."""
    if len(text) <= most:
        return text
    return text[: most - 1].rsplit(" ", 1)[0].rstrip(",") + "\N{HORIZONTAL ELLIPSIS}"


def _percent(value: float) -> str:
    return "" if value != value else f"{value:.0%}"


def _row(cells: tuple[str, ...], widths: tuple[int, ...]) -> str:
    return "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))


def _volume(value: float) -> str:
    """Sets a year to two digits; they are no more certain than that."""
    return "never" if value == float("inf") else f"{float(f'{value:.2g}'):,.0f}"


def _count(value: float) -> str:
    return "" if value != value else f"{value:,.0f}"


def _money(value: "Range") -> str:
    return f"{value.mid:,.0f} ({value.low:,.0f}-{value.high:,.0f})"


def _share(value: "Range", places: int = 0) -> str:
    return f"{value.mid:.{places}%} ({100 * value.low:.{places}f}-{100 * value.high:.{places}f})"


def _signed(value: "Range") -> str:
    return f"{_plus(value.mid)} ({_ends(value)})"


def _ends(value: "Range") -> str:
    return f"{_plus(value.low)} to {_plus(value.high)}"


def _plus(value: float, places: int = 0) -> str:
    """A change with its sign; nothing has none."""
    near = round(value, places)
    return f"{near:+,.{places}f}" if near else "0"

"""``karvan partners``: deals promised and delivered, what each partner takes, and another partner instead."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from karvan.commands.common import emit, json_option, refuse, scenario_option, seed_option

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
    """Compare foreign partners: promises kept, odds of leaving, who gets what of a car, and another partner instead."""
    from karvan.futures.partners import partners
    from karvan.study.load import load

    loaded = load(study)
    found = partners(loaded, year=year, scenario=scenario, draws=draws, seed=seed, counterfactual=replace)
    if as_json:
        emit({"study": loaded.name, "scenario": scenario, "draws": draws, **asdict(found)})
        return
    names = dict(zip(*(loaded.table("plants")[column].to_list() for column in ("plant", "name")), strict=True))
    changes = change_lines(found, names) if replace else []
    for line in [*record_lines(found.record), "", *plant_lines(found, names), "", *changes]:
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

"""``karvan hub``: verdict by year and scenario, what binds, what each lever would have to be, where others build."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from karvan.commands.common import (
    beyond,
    codes,
    emit,
    json_option,
    look_option,
    near,
    progress,
    refuse,
    seed_option,
    until_option,
)

if TYPE_CHECKING:
    from karvan.futures.costs import Range
    from karvan.futures.ensemble import Futures
    from karvan.futures.needs import Need, Pair
    from karvan.futures.sites import Sites
    from karvan.study.load import Study

SHORT = {
    "output": "output",
    "export_share": "export share",
    "destinations": "destinations",
    "local_content": "local content",
    "npv": "profit",
    "": "nothing",
}
LEVERS = {
    "tariff": "duty on home-made cars abroad",
    "fee": "fees on home-made cars abroad",
    "freight": "freight of home-made cars abroad",
    "wage": "wages",
    "exchange_rate": "real value of the home currency",
    "volume": "largest plant, open and supplied",
    "reach": "partners' leave to export",
    "content": "parts bought at home, long run",
    "together": "all but wages and currency at once",
}
"""The levers in a table."""


@click.command()
@click.argument("study")
@click.option(
    "--scenario", "scenarios", multiple=True, help="Scenario; repeat for several. The first leads. All if left out."
)
@click.option("--sites", default="", metavar="GEO,KAZ,...", help="Countries where a maker might build; markets only.")
@click.option("--kits-from", default="CHN", show_default=True, help="Country of the maker's kits and ready-made cars.")
@click.option("--levers/--no-levers", default=True, help="Whether levers are tried for each condition.")
@click.option(
    "--pair",
    default="",
    metavar="LEVER,LEVER",
    help="Two levers: the line on which each condition holds, such as reach,volume.",
)
@look_option
@until_option
@seed_option
@json_option
@refuse
def command(
    study: str,
    scenarios: tuple[str, ...],
    sites: str,
    kits_from: str,
    levers: bool,
    pair: str,
    draws: int,
    until: int | None,
    seed: int,
    as_json: bool,
) -> None:
    """Is it a regional hub? Verdict by year and scenario, what binds, and what would have to be.

    Levers are moved alone, together and two at a time. Also: how the verdict hangs on its thresholds, the investor's
    case, how often countries become hubs at all, and where a maker would put a plant that serves the region.
    """
    from karvan.futures.ensemble import beside, simulate_many
    from karvan.futures.needs import best_pairs, break_even_lines, investor, levers_needed, pair_of
    from karvan.futures.sites import where_to_build
    from karvan.study.load import load

    loaded = load(study)
    beyond(loaded, until)
    names = list(dict.fromkeys(scenarios)) or [
        "baseline", *[name for name in loaded.scenarios if name not in ("baseline", "no_industry")]
    ]  # fmt: skip
    for name in names:
        loaded.scenario(name)
    chosen = codes(sites)
    two = pair_of(pair) if pair else None
    tries: dict[str, Any] = {"scenario": names[0], "year": until, "draws": min(draws, 150), "seed": seed}
    tried: list[Callable[[Study], Any]] = (
        [partial(levers_needed, **tries), partial(best_pairs, **tries)] if levers else []
    )
    needs: tuple[Need, ...] = ()
    pairs: dict[str, Pair | None] = {}
    line: dict[str, tuple[tuple[float, float | None], ...]] = {}
    with ExitStack() as stack:
        wait = stack.enter_context(beside(loaded, tried)) if tried else None
        with progress("futures") as bar:
            runs = simulate_many(loaded, dict.fromkeys(names, draws), until=until, seed=seed, workers=1, progress=bar)
        where = {
            name: where_to_build(loaded, chosen, scenario=name, draws=draws, seed=seed, kits_from=kits_from.upper())
            for name in names
        }
        if two:
            with progress("line") as bar:
                line = break_even_lines(loaded, two, **tries, progress=bar)
        if wait is not None:
            with progress("levers, alone and two at a time"):
                needs, pairs = wait()
    cases = {name: investor(run) for name, run in runs.items()}
    outside = outside_of(runs[names[0]])
    if as_json:
        emit(
            {
                "study": loaded.name,
                "draws": draws,
                "verdict": {name: verdict_of(run) for name, run in runs.items()},
                "thresholds": {name: sensitivity_of(run) for name, run in runs.items()},
                "investor": {name: asdict(case) for name, case in cases.items()},
                "base_rate": outside,
                "levers": [asdict(need) for need in needs],
                "pairs": {condition: found and asdict(found) for condition, found in pairs.items()},
                "line": {"levers": two, "points": line} if two else None,
                "sites": {name: asdict(found) for name, found in where.items()},
            }
        )
        return
    blocks = [
        verdict_lines(runs),
        sensitivity_lines(runs),
        need_lines(needs, names[0]) if levers else [],
        pair_lines(pairs) if levers else [],
        break_even_text(two, line, names[0]) if two else [],
        investor_lines(cases, f"million {loaded.settings.currency}"),
        outside_lines(outside, runs[names[0]]),
        site_lines(where[names[0]], names[0]),
        home_lines(where, loaded.settings.home),
    ]
    for block in blocks:
        if block:
            click.echo("\n".join(block) + "\n")


def verdict_of(run: "Futures") -> list[dict[str, Any]]:
    """The verdict year by year."""
    from karvan.hub.verdict import CONDITIONS

    verdict = run.verdict
    return [
        {
            "year": year,
            "hub": float(verdict.probability[y]),
            "said": bool(verdict.says_hub[y]),
            "binds": verdict.binding_name[y],
            "conditions": dict(zip(CONDITIONS, (float(v) for v in verdict.condition_probability[y]), strict=True)),
            "without": dict(zip(CONDITIONS, (float(v) for v in verdict.without[y]), strict=True)),
        }
        for y, year in enumerate(run.years)
    ]


def sensitivity_of(run: "Futures") -> dict[str, list[dict[str, float]]]:
    """Chance of a hub in the last year as each threshold moves alone."""
    from karvan.hub.verdict import threshold_sensitivity

    figures = run.figures
    tried = threshold_sensitivity(
        figures["output"],
        run.markets["exports"],
        run.layout.home,
        figures["local_content"],
        figures["npv"],
        run.verdict.thresholds,
    )
    return {
        name: [
            {"threshold": float(value), "chance": float(chance)}
            for value, chance in zip(found.values, found.probability[:, -1], strict=True)
        ]
        for name, found in tried.items()
    }


def outside_of(run: "Futures") -> dict[str, float]:
    """The base rate until the last year, and how far the evidence pulls the odds from it."""
    import numpy as np

    from karvan.futures.around import outside_view

    rate = outside_view(run.study.as_of)
    low, mean, high = rate.within(len(run.years))
    # Half a future on either side, so that none of so many is not certainty.
    hits = float(run.verdict.hub[:, -1].sum())
    chance = (hits + 0.5) / (run.draws + 1.0)
    pull = float(np.log(chance / (1 - chance)) - np.log(mean / (1 - mean))) if 0 < mean < 1 else float("nan")
    return {
        "entries": rate.entries,
        "country_years": rate.exposure,
        "low": low,
        "mean": mean,
        "high": high,
        "verdict": hits / run.draws,
        "odds_factor": float(np.exp(pull)),
    }


def verdict_lines(runs: "dict[str, Futures]") -> list[str]:
    """Chance of a hub by scenario and year, the condition that binds, and each condition in the last year."""
    any_run = next(iter(runs.values()))
    years = sorted({*(y for y in any_run.years if y % 5 == 0), any_run.years[-1]})
    width = max(len(name) for name in runs)
    bar = any_run.verdict.thresholds.probability
    out = [f"Chance that all five conditions hold at once ('hub' is said from {bar:.0%}); the condition that binds"]
    out.append(f"  {'':<{width}}  " + "".join(f"{year:<24}" for year in years).rstrip())
    for name, run in runs.items():
        cells = []
        for year in years:
            y = run.years.index(year)
            cells.append(f"{run.verdict.probability[y]:.0%} {SHORT[run.verdict.binding_name[y]]}")
        out.append(f"  {name:<{width}}  " + "".join(f"{cell:<24}" for cell in cells).rstrip())
    out.append(f"Each condition alone in {any_run.years[-1]}")
    heads = [word for key, word in SHORT.items() if key]
    out.append(f"  {'':<{width}}  " + "".join(f"{head:<15}" for head in heads).rstrip())
    for name, run in runs.items():
        shares = "".join(f"{f'{share:.0%}':<15}" for share in run.verdict.condition_probability[-1])
        out.append(f"  {name:<{width}}  {shares.rstrip()}")
    return out


def sensitivity_lines(runs: "dict[str, Futures]") -> list[str]:
    """The last year's chance with each threshold at half to one and a half times itself."""
    out = ["How the chance hangs on each threshold, moved alone (threshold: chance)"]
    for name, run in runs.items():
        tried = sensitivity_of(run)
        most = max(row["chance"] for rows in tried.values() for row in rows)
        if most < 0.005:
            much = "nothing" if most == 0.0 else "less than half a per cent"
            out.append(f"  {name}: {much} at any single threshold from half to one and a half times itself")
            continue
        out.append(f"  {name}")
        for threshold, rows in tried.items():
            cells = ", ".join(f"{row['threshold']:,.6g}: {row['chance']:.0%}" for row in rows)
            out.append(f"    {threshold}: {cells}")
    return out


def need_lines(needs: "tuple[Need, ...]", scenario: str) -> list[str]:
    """What each lever would have to be, condition by condition."""
    from karvan.hub.verdict import CONDITIONS

    conditions = (*CONDITIONS, "all")
    rows = []
    for need in needs:
        cells = []
        for condition in conditions:
            value = need.needed[condition]
            if value is None:
                cells.append(f"no, {need.at_end[condition]:.0%}")
            else:
                cells.append("holds" if value == need.now else f"{value:.2g}")
        rows.append((LEVERS[need.lever], f"{need.now:g} to {need.end:g}", need.unit, cells))
    wide = [max(len(str(row[i])) for row in rows) for i in range(3)]
    words = [SHORT.get(condition, "all five") for condition in conditions]
    columns = [max(len(word), *(len(row[3][i]) for row in rows)) + 2 for i, word in enumerate(words)]
    heads = "".join(f"{word:>{width}}" for word, width in zip(words, columns, strict=True))
    out = [
        f"What each lever alone would have to be, on top of {scenario}, and several at once",
        "  (a number: from there on the condition holds; holds: it does already; no: not even at the far end, and the",
        "  share of futures there)",
        f"  {'':<{sum(wide) + 4}}{heads}",
    ]
    for name, move, unit, cells in rows:
        line = "".join(f"{cell:>{width}}" for cell, width in zip(cells, columns, strict=True))
        out.append(f"  {name:<{wide[0]}}  {move:>{wide[1]}} {unit:<{wide[2]}} {line}")
    return out


def pair_lines(pairs: "dict[str, Pair | None]") -> list[str]:
    """The two levers that do most for each condition that no lever alone meets."""
    if not pairs:
        return []
    out = [
        "The best pair of levers for what none of them meets alone (share of futures; each by the same part of its way)"
    ]
    for condition, pair in pairs.items():
        word = SHORT.get(condition, "all five")
        if pair is None:
            out.append(f"  {word}: no pair raises it")
            continue
        alone = ", ".join(f"{share:.0%}" for share in pair.alone)
        text = (
            f"  {word}: {pair.titles[0]} and {pair.titles[1]}: {pair.at_now:.0%} now, {alone} alone, "
            f"{pair.at_end:.0%} together at their far ends"
        )
        if pair.part is not None and pair.values is not None:
            text += f"; enough at {pair.part:.0%} of the way ({pair.values[0]:.2g} and {pair.values[1]:.2g})"
        else:
            text += ": not enough"
        out.append(text)
    return out


def break_even_text(
    levers: tuple[str, str], lines: dict[str, tuple[tuple[float, float | None], ...]], scenario: str
) -> list[str]:
    """The line of a pair, condition by condition."""
    from karvan.futures.needs import kind_of

    first, second = (kind_of(name) for name in levers)
    out = [
        f"Where each condition begins to hold on top of {scenario}: {first.title} ({first.unit}) against "
        f"{second.title} ({second.unit})"
    ]
    columns = next(iter(lines.values()))
    out.append(f"  {first.name:<16}" + "".join(f"{value:>12.2g}" for value, _ in columns))
    for condition, points in lines.items():
        cells = []
        for _, other in points:
            cells.append("never" if other is None else "holds" if other == second.now else f"{other:.2g}")
        out.append(f"  {SHORT.get(condition, 'all five'):<16}" + "".join(f"{cell:>12}" for cell in cells))
    return out


def _rate(share: float) -> str:
    """A rate of return; beyond 100 % a year it speaks of how little was put in, not of how much came out."""
    return f"{near(share, 2):.0%}" if share <= 1.0 else "over 100%"


def investor_lines(cases: dict[str, Any], money: str) -> list[str]:
    """The owners' case, scenario by scenario."""
    out = [f"The investor's case: all plants together, {money}, without subsidy"]
    for name, case in cases.items():
        rate = (
            "none"
            if case.irr.mid != case.irr.mid
            else f"{_rate(case.irr.mid)} ({_rate(case.irr.low)} to {_rate(case.irr.high)})"
        )
        never = case.payback.mid != case.payback.mid
        back = "never paid back" if never else f"paid back after {_range(case.payback, 1)} years"
        paid = "" if never or case.paid != case.paid else f", in {case.paid:.0%} of those that were ever behind"
        out.append(
            f"  {name}: net present value {_range(case.npv, 0)}, above 0 in {case.gains:.0%} of futures; rate of "
            f"return {rate} where there is one ({case.has_irr:.0%}); {back}{paid}"
        )
    out.append("  a rate of return is given where owners put in money beyond the profit of plants that stand")
    return out


def outside_lines(outside: dict[str, float], run: "Futures") -> list[str]:
    """The base rate and the pull of the evidence."""
    if not outside["country_years"]:
        return []
    from karvan.futures.around import exporter_in
    from karvan.futures.names import country_name

    home = run.study.settings.country
    since = exporter_in(home, run.study.as_of)
    inside = [f"  {country_name(home)} is no outsider: it was an exporter in volume in {since}, the last year known"]
    return [
        "The outside view",
        *(inside if since else []),
        f"  countries outside came to export in volume {outside['entries']:.0f} times in "
        f"{outside['country_years']:.0f} country-years: {outside['mean']:.0%} "
        f"({outside['low']:.0%}-{outside['high']:.0%}) by {run.years[-1]}, for one that makes cars already",
        f"  the evidence on this country ({run.scenario}) says {outside['verdict']:.0%}: it multiplies the odds by "
        f"{outside['odds_factor']:.2g} (the verdict asks more than the base rate's event)",
    ]


def site_lines(found: "Sites", scenario: str) -> list[str]:
    """Where a maker would build."""
    out = [
        f"Where one maker would put plants that serve the region, {found.year}, {scenario}: {found.sets} sets of "
        f"countries in each future; HiGHS on {found.checked} of them differs by {found.apart:.0e}",
        f"  sells {_range(found.volume, 0)} cars a year; a plant anywhere pays in {found.any_plant:.0%} of futures",
        f"  {'site':<6}{'chosen':>8}{'if imports may come':>21}{'misses by, million USD a year':>32}{'USD a car':>22}",
    ]
    return out + [
        f"  {site:<6}{found.chosen[site]:>8.0%}{found.with_imports[site]:>21.0%}"
        f"{_range(found.miss[site], 1):>32}{_range(found.miss_per_car[site], 0):>22}"
        for site in sorted(found.sites, key=lambda s: -found.chosen[s])
    ]


def home_lines(where: "dict[str, Sites]", home: str) -> list[str]:
    """The home country in every scenario but the first."""
    if home not in next(iter(where.values())).sites or len(where) < 2:
        return []
    return [f"{home} as a site in the other scenarios"] + [
        f"  {name}: chosen in {found.chosen[home]:.0%} of futures; misses by {_range(found.miss[home], 1)} million USD "
        f"a year, {_range(found.miss_per_car[home], 0)} USD a car"
        for name, found in list(where.items())[1:]
    ]


def _range(value: "Range", places: int) -> str:
    low, mid, high = (near(end, places) for end in (value.low, value.mid, value.high))
    joint = "-" if low >= 0 else " to "
    return f"{mid:,.{places}f} ({low:,.{places}f}{joint}{high:,.{places}f})"

"""``karvan economy``: jobs, GDP, taxes and imports of a scenario in one year, gross beside net."""

from typing import TYPE_CHECKING, Any

import click

from karvan.commands.common import (
    beyond,
    draws_option,
    emit,
    json_option,
    progress,
    refuse,
    scenario_option,
    seed_option,
    workers_option,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from karvan.futures.economy import EconomyView
    from karvan.futures.figures import Figure

MOST = 8
"""Industries listed unless all are asked for."""
TAX_WORDS = {
    "income": "income tax",
    "social": "social contributions",
    "vat": "VAT on cars",
    "excise": "excise on cars",
    "fee": "fees on cars",
    "products": "taxes on products",
    "profit": "profit tax",
    "property": "property tax",
    "duty": "customs duty",
    "holiday": "tax holiday",
    "incentive": "incentives to buyers",
}
STEP_WORDS = {
    "financial": "owners' flows, country's rate",
    "exchange_rate": "foreign exchange at its value",
    "wages": "labour at its cost",
    "transfers": "taxes less protection",
}


@click.command()
@click.argument("study")
@click.option("--year", type=int, default=None, help="Year; the last one before 2031 if left out.")
@scenario_option
@click.option("--all", "everything", is_flag=True, help="List every industry, not only those with most jobs.")
@draws_option
@seed_option
@workers_option
@json_option
@refuse
def command(
    study: str,
    year: int | None,
    scenario: str,
    everything: bool,
    draws: int,
    seed: int,
    workers: int | None,
    as_json: bool,
) -> None:
    """Show what the industry does to jobs, GDP, taxes and imports, gross and net side by side.

    Gross is what hangs on the industry; net is the scenario minus no_industry under the same draws. Then industries,
    taxes by base, what a ministry asks, and where the input-output table comes from. Medians with the 5-95 % range.
    """
    from karvan.base.errors import InputError
    from karvan.futures.economy import economy_view
    from karvan.futures.ensemble import simulate_many
    from karvan.study.load import load

    loaded = load(study)
    beyond(loaded, year)
    loaded.scenario(scenario)
    first, horizon = loaded.settings.start_year, loaded.settings.horizon
    chosen = min(max(2030, first), horizon) if year is None else year
    if not first <= chosen <= first + 150:
        raise InputError(f"year is {chosen}; expected {first} to {first + 150}, the years that futures can reach")
    with progress("futures") as bar:
        runs = simulate_many(
            loaded,
            dict.fromkeys([scenario, "no_industry"], draws),
            until=max(chosen, horizon),
            seed=seed,
            workers=workers,
            progress=bar,
        )
    view = economy_view(loaded, runs, scenario, chosen)
    if as_json:
        emit({"study": loaded.name, "draws": draws, "seed": seed, **as_dict(view)})
        return
    click.echo(f"{loaded.settings.title}: {scenario}, {chosen}; median (5-95 %) of {draws:,} futures")
    for line in lines(view, everything=everything):
        click.echo(line)


def as_dict(view: "EconomyView") -> dict[str, Any]:
    """The view as plain data; every figure with its address."""

    def plain(value: Any) -> Any:
        if hasattr(value, "address"):
            return {key: getattr(value, key) for key in ("address", "value", "low", "high", "unit", "title")}
        if hasattr(value, "items"):
            return {key: plain(item) for key, item in value.items()}
        return value

    found = {name: plain(value) for name, value in vars(view).items() if name != "provenance"}
    return {**found, "provenance": vars(view.provenance)}


def lines(view: "EconomyView", *, everything: bool = False) -> "list[str]":
    """The view as text."""
    from karvan.futures.economy import INDUSTRY

    rows = [
        (found.title, _text(found), _text(view.net[name]) if name in view.net else "", _unit(found))
        for name, found in view.gross.items()
    ]
    out = ["", *_table(("", "gross: hangs on it", "net: minus no_industry", ""), rows)]
    out += ["", "apart (building is once, never added to jobs of running; concentration below 0 is more diverse)"]
    out += _table(("", "", ""), [(f.title, _text(f), _unit(f)) for f in view.apart.values()])[1:]

    names = list(view.industries) if everything else list(view.industries)[:MOST]
    rest = "" if everything else f" (the {len(names)} with most jobs; --all for every one)"
    heads = ("", "indirect jobs", "induced jobs", f"value added, {_unit(view.industries[names[0]][INDUSTRY[2]])}")
    industry_rows = [(view.titles[n], *(_text(view.industries[n][row]) for row in INDUSTRY)) for n in names]
    out += ["", f"by industry, gross{rest}", *_table(heads, industry_rows)]
    if view.occupations:
        out += ["", "by occupation, gross"]
        out += _table(("", "jobs"), [(name, _text(found)) for name, found in view.occupations.items()])

    money = _unit(view.gross["tax"])
    taxes = [
        (
            TAX_WORDS[tax],
            _text(view.taxes[tax]) if tax in view.taxes else "",
            _text(view.given_up[tax]) if tax in view.given_up else "",
            _text(view.lost[tax]) if tax in view.lost else "",
        )
        for tax in TAX_WORDS
    ]
    out += ["", f"taxes by base, {money}"]
    out += _table(("", "gained, gross", "given up by holiday", "given up against no_industry"), taxes)
    out += ["", "what a ministry asks (futures without the industry's cars or jobs left out of ratios)"]
    out += _table(("", "", ""), [(f.title, _text(f), _unit(f)) for f in view.ministry.values()])[1:]
    out += [f"  {STEP_WORDS[name]}: {_text(found)}" for name, found in view.steps.items()]
    return [*out, "", *_provenance(view)]


def _provenance(view: "EconomyView") -> "list[str]":
    source = view.provenance
    out = [
        f"input-output table: {source.cells_estimated:,} of {source.cells:,} cells estimated; value added or "
        f"employment assumed in {source.industries_assumed} of {source.industries} industries",
        *(f"  {text}" for text in source.sources),
        *(
            ["  another country's tables, scaled: read jobs at suppliers as orders of magnitude"]
            if source.borrowed
            else []
        ),
        *(f"  {text}" for text in source.proxies),
        f"  closure: {source.closure}",
    ]
    if len(view.donors) > 1:
        from karvan.futures.names import country_name

        rows = [
            (country_name(donor), _text(found["jobs"]), _text(found["gdp"])) for donor, found in view.donors.items()
        ]
        unit = _unit(next(iter(view.donors.values()))["gdp"])
        out += ["", "spread between donors: indirect and induced, each future uses one table"]
        out += _table(("structure of", "jobs", f"value added, {unit}"), rows)
    return out


def _text(found: "Figure") -> str:
    return "none" if found.value != found.value else found.text()


def _unit(found: "Figure") -> str:
    return "" if found.unit in ("share of 1", "1", "ratio") else found.unit


def _table(heads: "tuple[str, ...]", rows: "Sequence[tuple[str, ...]]") -> "list[str]":
    """Rows as columns: the first to the left, numbers to the right, a trailing unit to the left."""
    widths = [max(len(row[k]) for row in (heads, *rows)) for k in range(len(heads))]
    last = len(heads) - 1 if heads[-1] == "" and len(heads) > 2 else len(heads)
    out = []
    for row in (heads, *rows):
        cells = [
            f"{c:<{w}}" if k in (0, last) else f"{c:>{w}}" for k, (c, w) in enumerate(zip(row, widths, strict=True))
        ]
        out.append("  " + "  ".join(cells).rstrip())
    return out

"""The command line. Heavy imports stay inside the commands, so that help is instant."""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from karvan._version import __version__
from karvan.commands import register
from karvan.commands.common import (
    beyond,
    codes,
    draws_option,
    emit,
    json_option,
    make_room,
    progress,
    refuse,
    seed_option,
    until_option,
    workers_option,
)

if TYPE_CHECKING:
    from karvan.futures.ensemble import Futures
    from karvan.study.load import Study

FEW_CLAIMS = 50
"""Claims up to which a study has no record worth a look back."""
SIDE_DRAWS = 150
"""Futures of the scenarios that stand beside the main one in a report."""


class Commands(click.Group):
    """Commands in the order in which a newcomer needs them, with nearest names for unknown ones."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Every command with its whole first sentence, on as many lines as it takes."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, command.get_short_help_str(limit=300)) for name, command in self.commands.items()]
            )

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            from karvan.base.errors import nearest

            hint = nearest(args[0], self.commands)
            ctx.fail(f"No such command '{args[0]}'. {hint[0].upper() + hint[1:] if hint else ''}".strip())
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="karvan")
def main() -> None:
    """karvan: an open model of a national car industry.

    Which plants there are and what they can make, what each partner brings, how many jobs and how much GDP follow, and
    whether the country could become a regional hub.

    \b
    First steps:
      karvan studies                        the studies at hand
      karvan check azerbaijan               faults, contradictions, gaps, assumed values
      karvan report azerbaijan              the report, one HTML file
      karvan explain azerbaijan output.2030 the chain behind a figure
    """


@main.command()
@json_option
@refuse
def studies(as_json: bool) -> None:
    """List the studies at hand: built in, and in this folder."""
    import tomllib

    from karvan.study.load import packaged

    rows = []
    here = [path.parent for path in sorted(Path().glob("*/study.toml"))]
    for kind, folders in (("built in", list(packaged().values())), ("here", here)):
        for folder in folders:
            try:
                settings = tomllib.loads((folder / "study.toml").read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
                settings = {}
            name = folder.name if kind == "built in" else str(folder)
            rows.append({"name": name, "where": kind, "title": settings.get("title", "(unreadable: karvan check)")})
    if as_json:
        emit(rows)
        return
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        click.echo(f"{row['name']:<{width}}  {row['title']}  ({row['where']})")


@main.command()
@click.argument("study")
@click.option("--as-of", default=None, metavar="DATE", help="Only what was known by this date (YYYY-MM-DD).")
@click.option("--all", "everything", is_flag=True, help="List every assumed value and gap, not only the first.")
@json_option
@refuse
def check(study: str, as_of: str | None, everything: bool, as_json: bool) -> None:
    """Check a study: faults (exit code 2), contradictions, gaps, assumed values, stale claims."""
    from karvan.base.errors import StudyFaults
    from karvan.commands.checking import lines
    from karvan.study.audit import audit
    from karvan.study.load import load

    try:
        found = audit(load(study, as_of=as_of))
    except StudyFaults as error:
        if as_json:
            emit({"study": study, "faults": [vars(fault) for fault in error.faults]})
            sys.exit(2)
        raise
    if as_json:
        emit(found.as_dict())
        return
    for line in lines(found, everything=everything):
        click.echo(line)


@main.command()
@click.argument("study")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), default=None, help="File to write.")
@click.option(
    "--scenario", "scenarios", multiple=True, help="Scenario; repeat for several. The first leads. All if left out."
)
@click.option("--levers/--no-levers", default=True, help="Whether levers are tried for a hub in every scenario.")
@draws_option
@until_option
@seed_option
@workers_option
@json_option
@refuse
def report(
    study: str,
    output: Path | None,
    scenarios: tuple[str, ...],
    levers: bool,
    draws: int,
    until: int | None,
    seed: int,
    workers: int | None,
    as_json: bool,
) -> None:
    """Make the report: one HTML file that opens offline."""
    from karvan.api import NEAR
    from karvan.base.errors import InputError
    from karvan.futures.drivers import drivers
    from karvan.futures.ensemble import simulate_many
    from karvan.futures.history import run_history
    from karvan.futures.parity import needs_beside
    from karvan.futures.plant_study import first_study, with_shops
    from karvan.reporting.charts import warm
    from karvan.reporting.report import summary, write
    from karvan.study.load import load

    loaded = load(study)
    beyond(loaded, until)
    names = list(dict.fromkeys(scenarios)) or ["baseline", *[n for n in loaded.scenarios if n != "baseline"]]
    lead = names[0]
    wanted = {
        name: draws if name in (lead, "no_industry") else min(draws, SIDE_DRAWS) for name in [*names, "no_industry"]
    }
    for name in wanted:
        loaded.scenario(name)
    path = output or Path(f"{loaded.name}.html")
    make_room(path)
    with ExitStack() as stack:
        waits: Callable[[], None] | None = None
        if levers:
            end = loaded.settings.horizon if until is None else until
            tries = {name: count for name, count in wanted.items() if name != "no_industry"}
            waits = stack.enter_context(needs_beside(loaded, tries, end, seed))
        # This process would only wait while others run the futures.
        beside = stack.enter_context(ThreadPoolExecutor(1))
        stack.callback(beside.shutdown, cancel_futures=True)  # stopped by hand, it does not begin another task
        recorded = len(loaded.table("claims")) > FEW_CLAIMS
        history = beside.submit(run_history, loaded, draws=min(draws, SIDE_DRAWS), seed=seed) if recorded else None
        # Remembered with the study, so that figures and the report find it done.
        shops = [beside.submit(first_study, loaded, plant, loaded.settings.start_year) for plant in with_shops(loaded)]
        beside.submit(warm)
        with progress("futures") as bar:
            runs = simulate_many(loaded, wanted, until=until, seed=seed, workers=workers, progress=bar)
        for plant in shops:
            plant.result()
        try:
            back = history.result() if history else None
        except InputError:  # a record, but no plant known early enough to run it: the report says that it was not run
            back = None
        last = runs[lead].years[-1]
        year = min(NEAR, last)
        strongest = drivers(f"output.{year}@{lead}", runs)
        write(runs, path, main=lead, backrun=back, drivers=strongest, needs=levers, waits=waits)
    if as_json:
        emit(
            {
                "report": str(path),
                "scenarios": list(runs),
                "draws": draws,
                "seed": seed,
                "years": list(runs[lead].years),
            }
        )
        return
    for line in summary(runs, main=lead):
        click.echo(line)
    click.echo(f"\nreport: {path}")


@main.command()
@click.argument("study")
@click.option("--scenario", "scenarios", multiple=True, required=True, help="Scenario; give two or more.")
@click.option("--year", type=int, default=None, help="Year compared; the last one if left out.")
@draws_option
@until_option
@seed_option
@workers_option
@json_option
@refuse
def compare(
    study: str,
    scenarios: tuple[str, ...],
    year: int | None,
    draws: int,
    until: int | None,
    seed: int,
    workers: int | None,
    as_json: bool,
) -> None:
    """Set scenarios side by side, under the same draws."""
    from karvan.base.errors import InputError
    from karvan.futures.ensemble import simulate_many
    from karvan.futures.figures import figure
    from karvan.study.load import load

    loaded = load(study)
    beyond(loaded, max(filter(None, (until, year)), default=None))
    names = list(dict.fromkeys(scenarios))
    if len(names) < 2:
        raise InputError("compare needs two scenarios or more: repeat --scenario")
    with progress("futures") as bar:
        runs = simulate_many(
            loaded, dict.fromkeys([*names, "no_industry"], draws), until=until, seed=seed, workers=workers, progress=bar
        )
    chosen = year if year is not None else runs[names[0]].years[-1]
    table: dict[str, dict[str, Any]] = {}
    for quantity in COMPARED:
        row: dict[str, Any] = {}
        for name in names:
            found = figure(f"{quantity}.{chosen}@{name}", loaded, runs)
            row[name] = {"value": found.value, "low": found.low, "high": found.high, "text": found.text()}
            row["unit"], row["title"] = found.unit, found.title
        table[quantity] = row
    if as_json:
        emit({"year": chosen, "figures": table})
        return
    width = max(len(f"{row['title']}") for row in table.values())
    columns = {name: max(len(name), *(len(row[name]["text"]) for row in table.values())) for name in names}
    click.echo(f"{chosen}: median (5-95 %) of {draws:,} futures")
    click.echo("  ".join([" " * width, *(f"{name:>{columns[name]}}" for name in names)]))
    for row in table.values():
        cells = [f"{row[name]['text']:>{columns[name]}}" for name in names]
        unit = "" if row["unit"] == "share of 1" else row["unit"]
        click.echo("  ".join([f"{row['title']:<{width}}", *cells, unit]).rstrip())


COMPARED = (
    "output",
    "exports",
    "export_share",
    "self_sufficiency_new",
    "self_sufficiency_all",
    "self_sufficiency_value",
    "local_content",
    "jobs",
    "gdp",
    "jobs_net",
    "gdp_net",
    "tax_net",
    "imports_net",
    "npv",
    "hub_verdict",
)


@main.command()
@click.argument("study")
@click.argument("address")
@draws_option
@until_option
@seed_option
@json_option
@refuse
def explain(study: str, address: str, draws: int, until: int | None, seed: int, as_json: bool) -> None:
    """Show the chain behind a figure: formula, inputs, assumptions, sources.

    \b
    Addresses:
      output.2030                         a forecast of the baseline
      output.hajigabul_azermash_cp.2030@hub   by plant, in a scenario
      output.2019  output.2020-04         the record, by year or month
      claim.ID  parameter.NAME[.KEY]      a claim, an assumption
    """
    from karvan.futures.explain import as_dict, lines
    from karvan.study.load import load

    loaded = load(study)
    found = explain_figure(loaded, address, draws=draws, until=until, seed=seed)
    if as_json:
        emit(as_dict(found))
        return
    for line in lines(found):
        click.echo(line)


def explain_figure(study: "Study", address: str, *, draws: int, until: int | None, seed: int) -> Any:
    """Explain a figure, simulating only what its address needs."""
    from karvan.api import WITHOUT_RUNS
    from karvan.base.errors import UnknownName
    from karvan.base.quantities import quantities
    from karvan.futures.ensemble import simulate_many
    from karvan.futures.explain import explain as explain_
    from karvan.futures.figures import parse, record

    parsed = parse(address)
    runs: dict[str, Futures] = {}
    past = parsed.quantity in WITHOUT_RUNS or record(parsed, study) is not None
    kind = quantities()[parsed.quantity].kind if parsed.quantity in quantities() else ""
    if parsed.quantity == "parameter":
        try:
            return explain_(address, study, {})
        except UnknownName:
            past = False  # a cell of a table is known only to a run
    if not past and kind != "record":
        study.scenario(parsed.scenario)
        wanted = {parsed.scenario: draws}
        if kind in ("net", "ministry"):
            wanted["no_industry"] = draws
        with progress("futures") as bar:
            runs = simulate_many(study, wanted, until=until, seed=seed, progress=bar)
    return explain_(address, study, runs)


@main.command()
@click.argument("country")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--markets",
    metavar="LIST",
    default="",
    help="Markets abroad, such as AZE,KAZ,RUS,TUR; neighbours and large ones nearby if left out.",
)
@refuse
def new(country: str, folder: Path, markets: str) -> None:
    """Make a starter study for any country in the world tables; every assumed cell is marked.

    COUNTRY is an ISO3 code such as KAZ, or a name.
    """
    from karvan.futures.starter import new_study

    path = new_study(country, folder, markets=codes(markets))
    click.echo(f"study: {path}\nnext: karvan check {path}; karvan report {path}")


@main.command()
@click.argument("study")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), default=None, help="Workbook to write."
)
@refuse
def export(study: str, output: Path | None) -> None:
    """Write a study as a workbook of values (.xlsx) that can be edited, checked and reported."""
    from karvan.base.errors import InputError
    from karvan.study.load import load
    from karvan.study.workbook import write_workbook

    loaded = load(study)
    path = output or Path(f"{loaded.name}.xlsx")
    if path.suffix.lower() != ".xlsx":
        raise InputError(f"{path}: a workbook's name must end in .xlsx")
    make_room(path)
    write_workbook(loaded, path)
    click.echo(f"workbook: {path}\nnext: karvan check {path}; karvan report {path}")


register(main)

if __name__ == "__main__":
    main()

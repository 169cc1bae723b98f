"""``karvan drivers``: what drives a figure, what leads to an outcome, what would be worth measuring."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from karvan.commands.common import (
    REPORT_DRAWS,
    beyond,
    emit,
    engine_option,
    json_option,
    near,
    progress,
    refuse,
    seed_option,
    until_option,
    workers_option,
)

if TYPE_CHECKING:
    from karvan.futures.drivers import BetterData, Drivers
    from karvan.futures.sobol import Sobol

LOOK_DRAWS = 4000
"""Futures of a first look: in so many a number that explains a hundredth stands out among hundreds that do nothing."""


@click.command()
@click.argument("study")
@click.option("--figure", default="output.2035", show_default=True, help="Address of a forecast, such as npv.2040@hub.")
@click.option(
    "--sobol",
    "by",
    is_flag=False,
    flag_value="groups",
    default=None,
    metavar="[groups|parameters|NAMES]",
    help="Sobol indices, first and total, by groups (as left out), by the strongest single numbers, or by names.",
)
@click.option("--discover", default=None, metavar="OUTCOME", help="hub, idle_plant, ..., or 'output.2035 > 20000'.")
@click.option("--break-even", "lever", default=None, metavar="LEVER=LOW:HIGH", help="Move a lever to --target.")
@click.option("--target", type=float, default=None, help="Value of the figure for --break-even.")
@click.option(
    "--draws",
    type=click.IntRange(1),
    default=None,
    help=f"Number of futures; {LOOK_DRAWS:,} if left out, {REPORT_DRAWS:,} a run for --sobol and --break-even.",
)
@until_option
@seed_option
@workers_option
@engine_option
@json_option
@refuse
def command(
    study: str,
    figure: str,
    by: str | None,
    discover: str | None,
    lever: str | None,
    target: float | None,
    draws: int | None,
    until: int | None,
    seed: int,
    workers: int | None,
    engine: str,
    as_json: bool,
) -> None:
    """Show what drives a figure, and which assumed numbers would be worth measuring.

    \b
    karvan drivers azerbaijan --figure output.2035
    karvan drivers azerbaijan --figure output.2035 --sobol
    karvan drivers azerbaijan --figure output.2040@hub --discover hub
    karvan drivers azerbaijan --figure output.2035 --break-even 'barrier@RUS*=0:1' --target 10000
    """
    from karvan.base.errors import InputError
    from karvan.base.quantities import quantities
    from karvan.futures.breakeven import break_even
    from karvan.futures.discovery import discover as discover_
    from karvan.futures.drivers import better_data, drivers
    from karvan.futures.ensemble import simulate_many
    from karvan.futures.figures import parse
    from karvan.futures.sobol import sobol
    from karvan.study.load import load

    loaded = load(study)
    beyond(loaded, until)
    address = parse(figure)
    if address.quantity not in quantities():
        raise InputError(f"'{figure}' is no forecast; expected one such as output.2035 or npv.2040@hub")
    loaded.scenario(address.scenario)
    if (lever is None) != (target is None):
        raise InputError("--break-even needs --target, and --target needs --break-even")
    draws = draws or (LOOK_DRAWS if by is None and lever is None else REPORT_DRAWS)
    if lever is not None and target is not None:
        with progress("break-even") as bar:
            met = break_even(loaded, figure, target, lever, draws=draws, until=until, seed=seed, progress=bar)
        if as_json:
            emit(asdict(met))
        else:
            click.echo(met.words)
            for value, result in met.tried:
                click.echo(f"  {met.lever}={value:<10.5g} {result:,.4g} {met.unit}")
        return
    if by is not None:
        with progress("futures") as bar:
            exchanged = sobol(
                loaded, figure, by=by, draws=draws, until=until, seed=seed, engine=engine, workers=workers, progress=bar
            )
        if as_json:
            emit(asdict(exchanged))
        else:
            _show_sobol(exchanged)
        return
    net = quantities()[address.quantity].kind == "net"
    wanted = dict.fromkeys([address.scenario, "no_industry"] if net else [address.scenario], draws)
    with progress("futures") as bar:
        runs = simulate_many(loaded, wanted, until=until, seed=seed, workers=workers, progress=bar)
    if discover is not None:
        year = int(address.period[:4])
        found = discover_(runs[address.scenario], discover, year)
        if as_json:
            emit(asdict(found))
        else:
            click.echo(f"{year}, scenario {address.scenario}: {found.words}")
        return
    strongest, questions = drivers(figure, runs), better_data(figure, runs)
    if as_json:
        emit({"drivers": asdict(strongest), "better_data": asdict(questions)})
        return
    _show_drivers(strongest, draws)
    _show_questions(questions)


def shown(value: float, unit: str = "") -> str:
    """A number with as many digits as a reader can use; a year is a name, not an amount."""
    if unit == "year" and abs(value) >= 1000:
        return f"{value:.0f}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _show_sobol(found: "Sobol") -> None:
    what = "the figure's ranks" if found.ranked else "the figure"
    click.echo(f"{found.figure}: Sobol indices of {what}, with 95 % confidence intervals; {found.futures:,} futures")
    width = max(len(row.title) for row in found.rows)
    click.echo(f"{'':<{width}}  {'alone':>14}  {'with others':>14}  numbers")
    for row in found.rows:
        first, total = (
            f"{near(row.first, 2):.2f} ± {row.first_error:.2f}",
            f"{near(row.total, 2):.2f} ± {row.total_error:.2f}",
        )
        click.echo(f"{row.title:<{width}}  {first:>14}  {total:>14}  {row.members:>7}")
    click.echo(f"sum of what factors explain alone: {found.alone:.2f}; the rest comes from factors acting together")


def _show_drivers(found: "Drivers", draws: int) -> None:
    click.echo(f"{found.figure}: what goes with it, in {draws:,} futures (share of variance of its ranks, one by one)")
    if not found.rows:
        click.echo("  nothing stands out from chance; try more --draws, or --sobol")
    else:
        click.echo(f"  {'share':>6}  {'if low':>10}  {'if high':>10}")
    for row in found.rows:
        click.echo(f"  {100 * row.share:4.1f} %  {shown(row.low):>10}  {shown(row.high):>10}  {row.title}")


def _show_questions(found: "BetterData") -> None:
    click.echo(f"go and find out: assumed numbers whose measurement would narrow {found.figure} most")
    if not found.rows:
        click.echo(f"  none of {found.looked_at} assumed numbers stands out from chance; try more --draws")
    for place, row in enumerate(found.rows, start=1):
        unit = "" if row.unit == "year" else f" {row.unit}"
        today = f"{shown(row.low, row.unit)} to {shown(row.high, row.unit)}{unit} today [{row.place}]"
        gain = f"{100 * row.share:.1f} % of the variance and leave {100 * row.width:.0f} % of the range"
        click.echo(f"  {place}. {row.title}: {today}; known, it would take away {gain}")

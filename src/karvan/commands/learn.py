"""``karvan learn``: which futures that began in the past met what came, and what they say of the uncertain numbers."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from karvan.commands.common import draws_option, emit, json_option, refuse, seed_option, until_option, workers_option
from karvan.commands.drivers import shown

if TYPE_CHECKING:
    from karvan.futures.learning import Beside, Learned

RECORDED = {"output": "output", "stock_cars": "fleet"}
"""Figures that are themselves on record; ``imports`` is money, on record are cars."""


@click.command()
@click.argument("study")
@click.option("--start", type=int, default=2014, show_default=True, help="First year of the futures, before the data.")
@click.option("--figure", default="output", show_default=True, help="National figure by year, such as stock_cars.")
@click.option("--temper", is_flag=True, help="Weaken the evidence until 200 futures carry the weight, and say so.")
@draws_option
@until_option
@seed_option
@workers_option
@json_option
@refuse
def command(
    study: str,
    start: int,
    figure: str,
    temper: bool,
    draws: int,
    until: int | None,
    seed: int,
    workers: int | None,
    as_json: bool,
) -> None:
    """Weigh futures that began in the past by what came since: prior and posterior side by side.

    Output, imports and cars in use on record are the evidence. Where fewer than 200 futures carry the weight the answer
    is refused, unless --temper.
    """
    from karvan.base.errors import InputError, UnknownName, nearest
    from karvan.base.quantities import quantities
    from karvan.futures.drivers import title_of
    from karvan.futures.history import run_history
    from karvan.futures.learning import figures_beside, learn, side_by_side
    from karvan.study.load import load

    loaded = load(study)
    last = loaded.settings.base_year if until is None else until
    if not 2001 <= start <= last:
        raise InputError(f"start is {start}; expected a year from 2001 to {last}, the last year of the futures")
    run = run_history(loaded, start=start, until=last, draws=draws, seed=seed, workers=workers)
    if figure not in run.figures:
        known = sorted(run.figures)
        whole = [name for name in known if "." not in name]
        hint = nearest(figure, known) or f"national figures by year are {', '.join(whole)}"
        raise UnknownName(f"no figure '{figure}'; {hint}")
    learned = learn(run, loaded, temper=temper)
    numbers, years = side_by_side(learned), figures_beside(learned, figure)
    if as_json:
        emit(
            {
                "draws": draws,
                "effective_size": learned.size,
                "effective_size_untempered": learned.size_untempered,
                "power": learned.power,
                "discrepancy": learned.discrepancy,
                "independence": learned.independence,
                "terms": [asdict(term) for term in learned.terms],
                "numbers": [asdict(row) for row in numbers],
                "figure": {str(year): asdict(row) for year, row in years.items()},
            }
        )
        return
    plants = dict(zip(loaded.table("plants")["plant"], loaded.table("plants")["name"], strict=True))
    for line in _said(learned):
        click.echo(line)
    click.echo(f"\n  {'before':>34}  {'after':>34}  range left   (medians, 5-95 %)")
    moved = [row for row in numbers if _moved(row, learned.size)]
    for row in moved:
        click.echo(f"{_pair(row)}  {title_of(row.name, plants)}")
    others = len(run.drawn) - len(moved)
    click.echo(f"  {others} other uncertain numbers moved no further than so few futures move by chance")
    came = {term.year: term.value for term in learned.terms if term.quantity == RECORDED.get(figure)}
    click.echo(f"\n{quantities()[figure].title if figure in quantities() else figure}, by year")
    for year, row in years.items():
        click.echo(f"{_pair(row)}  {year}" + (f", on record {shown(came[year])}" if year in came else ""))


def _said(learned: "Learned") -> list[str]:
    """What was learned from, how many futures carry it, and what was done to the evidence."""
    first, last = min(term.year for term in learned.terms), max(term.year for term in learned.terms)
    lines = [
        f"{len(learned.terms)} yearly figures of {first} to {last} against {learned.run.draws:,} futures",
        f"effective number of futures: {learned.size:.0f}"
        + (f"; tempered to a power of {learned.power:.2f}, without which {learned.size_untempered:.0f} would carry it"
           if learned.power < 1.0 else ""),
    ]  # fmt: skip
    for quantity, delta in learned.discrepancy.items():
        worth = learned.independence[quantity]
        missed = f"the model itself misses by {delta:g} (ln)"
        lines.append(f"  {quantity}: {missed}; misses last, so a year counts {worth:.2f}")
    return lines


def _moved(row: "Beside", size: float) -> bool:
    """Whether the median or the range moved by three standard errors, those of a normal number of so many draws."""
    unit = 3.0 / size**0.5
    return bool(abs(row.shift) > 0.38 * unit or abs(1.0 - row.narrowed) > 0.91 * unit)


def _pair(row: "Beside") -> str:
    """Before and after, and what is left of the range."""
    before, after = (
        f"{shown(middle, row.unit)} ({shown(low, row.unit)} to {shown(high, row.unit)})"
        for low, middle, high in (row.prior, row.posterior)
    )
    return f"  {before:>34}  {after:>34}  {100 * row.narrowed:8.0f} %"

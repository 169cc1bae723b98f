"""``karvan run``: the futures of one scenario, kept in a folder."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from karvan.commands.common import (
    beyond,
    draws_option,
    emit,
    engine_option,
    json_option,
    progress,
    refuse,
    seed_option,
    until_option,
    workers_option,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from karvan.futures.runs import Convergence


@click.command()
@click.argument("study")
@click.option("--scenario", default="baseline", show_default=True, help="Scenario.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default=None, help="Folder of the run; under runs/ if left out."
)
@draws_option
@until_option
@seed_option
@workers_option
@engine_option
@click.option(
    "--sampling",
    type=click.Choice(["lhs", "sobol", "plain"]),
    default="lhs",
    show_default=True,
    help="Latin hypercube in each block of 500, one Sobol sequence, or independent draws.",
)
@click.option(
    "--keep",
    type=click.Choice(["figures", "full"]),
    default="figures",
    show_default=True,
    help="Every draw of the figures with market detail as quantiles, or every cell.",
)
@json_option
@refuse
def command(
    study: str,
    scenario: str,
    output: Path | None,
    draws: int,
    until: int | None,
    seed: int,
    workers: int | None,
    engine: str,
    sampling: str,
    keep: str,
    as_json: bool,
) -> None:
    """Run the futures of one scenario and keep them in a folder under runs/.

    Blocks of 500 futures are written as they are done; a run that was stopped goes on with karvan resume.
    """
    from karvan.futures.figures import number
    from karvan.futures.runs import convergence, keep_run
    from karvan.futures.store import read
    from karvan.study.load import load

    loaded = load(study)
    beyond(loaded, until)
    with progress("futures") as bar:
        folder = keep_run(
            loaded,
            output,
            scenario=scenario,
            draws=draws,
            until=until,
            seed=seed,
            workers=workers,
            engine=engine,
            sampling=sampling,
            keep=keep,
            progress=bar,
        )
    run = read(folder)
    found = convergence(run)
    if as_json:
        emit({"folder": str(folder), **run.manifest, "convergence": [asdict(item) for item in found]})
        return
    import numpy as np

    for item in found:
        name, _, year = item.figure.partition(".")
        if name != "output":
            continue
        low, middle, high = np.quantile(run.draws_of(name, int(year)), (0.05, 0.5, 0.95))
        words = (
            f"{number(middle, 0)} ({number(low, 0)}–{number(high, 0)}) cars made (median, 5-95 % of {draws:,} futures)"
        )
        click.echo(f"{year}: {words}; standard error of the median {number(item.errors[-1], 0)}")
    click.echo("\n".join(_enough(found, draws)))
    click.echo(f"run: {folder}")


def _enough(found: "Sequence[Convergence]", draws: int) -> list[str]:
    """How many draws each headline figure takes, by year, and whether these were enough."""
    names, years = (list(dict.fromkeys(item.figure.split(".")[k] for item in found)) for k in (0, 1))
    by = {item.figure: item.enough for item in found}
    cells = {name: [f"{by[f'{name}.{year}']:,}" for year in years] for name in names}
    for row in cells.values():
        if len(row) > 1 and len(set(row)) == 1:  # a sum over all years
            row[:-1] = [""] * (len(row) - 1)
    most = max(found, key=lambda item: item.enough)
    told = f"{draws:,} are enough" if draws >= most.enough else f"{most.enough:,} would do for all"
    return [
        "draws that bring a median's standard error to 1 % of its 5-95 % range:",
        f"  {'':<22}" + "".join(f"{year:>9}" for year in years),
        *(f"  {name:<22}" + "".join(f"{cell:>9}" for cell in row) for name, row in cells.items()),
        f"  {told}; {most.figure if most.figure.split('.')[0] != 'npv' else 'npv'} takes most",
    ]

"""``karvan runs``: the runs that are kept."""

from dataclasses import asdict
from pathlib import Path

import click

from karvan.commands.common import emit, json_option, refuse


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("runs"))
@json_option
@refuse
def command(folder: Path, as_json: bool) -> None:
    """List the runs that are kept, whole and unfinished."""
    from karvan.futures.runs import list_runs

    found = list_runs(folder)
    if as_json:
        emit([asdict(item) for item in found])
        return
    if not found:
        click.echo(f"no runs in {folder}; make one with: karvan run azerbaijan")
        return
    width = max(len(item.folder) for item in found)
    for item in found:
        size = f"{item.megabytes:,.1f} MB"
        click.echo(
            f"{item.folder:<{width}}  {item.draws:>9,} draws  {item.years}  {item.blocks:>9} blocks  {size:>12}  "
            f"{item.state}"
        )
    for item in found:
        if item.state == "unfinished":
            click.echo(f"next: karvan resume {item.folder}")

"""``karvan resume``: finish a run that was stopped."""

from pathlib import Path

import click

from karvan.commands.common import emit, engine_option, json_option, progress, refuse, workers_option


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@workers_option
@engine_option
@json_option
@refuse
def command(folder: Path, workers: int | None, engine: str, as_json: bool) -> None:
    """Finish a run that was stopped; blocks that are kept are not computed again.

    RUN is its folder, as karvan runs lists it. The folder ends with the same bytes as if it had never been stopped.
    """
    from karvan.futures.runs import resume
    from karvan.futures.store import read

    with progress("futures") as bar:
        resume(folder, workers=workers, engine=engine, progress=bar)
    manifest = read(folder).manifest
    if as_json:
        emit({"folder": str(folder), **manifest})
        return
    click.echo(f"{manifest['draws']:,} futures of {manifest['study']}, {manifest['scenario']}\nrun: {folder}")

"""What the commands share: options, refusals, progress, JSON."""

import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from karvan.study.load import Study

REPORT_DRAWS = 1000
"""Futures of a run unless told otherwise."""


def refuse(function: Callable[..., Any]) -> Callable[..., Any]:
    """Turn everything karvan or the disk refuses into its message and exit code 2."""

    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        from karvan.base.errors import KarvanError

        try:
            return function(*args, **kwargs)
        except KarvanError as error:
            click.echo(f"karvan: {error}", err=True)
            sys.exit(2)
        except BrokenPipeError:
            sys.exit(0)
        except KeyboardInterrupt as stopped:
            for note in getattr(stopped, "__notes__", ()):  # what is kept, and how to go on
                click.echo(f"\nkarvan: {note}", err=True)
            raise
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            click.echo(f"karvan: {place}cannot be read or written ({error.strerror or error})", err=True)
            sys.exit(2)

    return wrapped


draws_option = click.option(
    "--draws", type=click.IntRange(1), default=REPORT_DRAWS, show_default=True, help="Number of futures."
)
until_option = click.option("--until", type=int, default=None, help="Last year; the study's horizon if left out.")
seed_option = click.option("--seed", type=int, default=1, show_default=True, help="Seed: same seed, same result.")
scenario_option = click.option("--scenario", default="baseline", show_default=True, help="Scenario.")
look_option = click.option(
    "--draws", type=click.IntRange(1), default=500, show_default=True, help="Number of futures looked at."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
workers_option = click.option(
    "--workers", type=click.IntRange(1), default=None, help="Processes; chosen by itself if left out."
)
engine_option = click.option(
    "--engine",
    default="processes",
    show_default=True,
    help="here, processes, or a Dask scheduler such as tcp://host:8786.",
)


def emit(data: object) -> None:
    """Print JSON; numbers that are no numbers become null."""
    click.echo(json.dumps(_finite(data), ensure_ascii=False, indent=2, default=str))


def _finite(data: object) -> object:
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def beyond(study: "Study", year: int | None) -> None:
    """Say on the error stream where a year lies beyond what the study speaks of."""
    horizon = study.settings.horizon
    if year is not None and year > horizon:
        told = f"{year} lies beyond {horizon}, the horizon of study {study.name}"
        click.echo(f"karvan: {told}; nobody looked that far: paths and rules simply go on", err=True)


def make_room(path: Path | None) -> None:
    """Make the folder of a file to be written: a place that cannot be written to is said before the work."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)


def near(value: float, places: int = 0) -> float:
    """Rounded, and nothing where it is a hair below nothing."""
    return round(value, places) + 0.0


def codes(text: str) -> tuple[str, ...]:
    """Country codes from one comma-separated text: ``geo, Kazakhstan`` gives ``GEO`` and ``KAZ``."""
    return tuple(_code(part.strip()) for part in text.split(",") if part.strip())


def _code(text: str) -> str:
    """A code in capitals, or that of a country named in full; other text as it stands, for a message to quote."""
    if len(text) <= 3:
        return text.upper()
    from karvan.study.world import country_code

    return country_code(text) or text


@contextmanager
def progress(title: str) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on a terminal; nothing where the output is read by a program."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)

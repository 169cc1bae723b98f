"""A starter study for any country of the world tables: a folder that loads, runs and says ``assumed`` where it is.

It is a form to fill in. What the world tables know (population, income, cars made, sold and in use, duties) is in it
with its source; flows are estimated; the rest has the general ranges, marked as assumed, so that the answer is wide and
says so.
"""

import csv
import json
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from karvan.base.errors import InputError, UnknownName
from karvan.futures.starter_agreements import free_in
from karvan.futures.starter_flows import World, around, estimate_flows, find_country, read_world
from karvan.futures.starter_markets import base_sales
from karvan.futures.starter_rows import Row
from karvan.futures.starter_tables import Starter, columns_of, output_claims
from karvan.study.load import Study, load

DONOR = "azerbaijan"
"""The study whose structure a starter copies: components, products, industries, general ranges."""
HORIZON = 15
"""Years from the first to the last of the futures."""
LARGE = 200_000.0
"""Cars made a year from which a maker's markets are looked for beyond the built-in study's region: ``assumed``."""


def new_study(country: str, folder: str | Path, name: str | None = None, markets: Sequence[str] = ()) -> Path:
    """Write a starter study.

    Parameters
    ----------
    country : ISO3 code (``KAZ``) or name of a country of the world tables.
    folder : where to write; must not exist, or be empty.
    name : name of the study; the folder's name if left out.
    markets : ISO3 codes or names of the markets looked at besides the country's own; its neighbours and the largest
        markets for their distance if left out.

    Returns
    -------
    The folder. It appears whole or not at all.

    Errors: :class:`~karvan.base.errors.UnknownName` for countries that the world tables do not know, with the nearest
    names; :class:`~karvan.base.errors.InputError` for a folder that is not empty, is a file, or cannot be written.
    """
    target = Path(folder)
    if target.is_file():
        raise InputError(f"{folder} is a file; expected a folder that does not exist yet")
    if target.is_dir() and any(target.iterdir()):
        raise InputError(f"folder {folder} is not empty; choose another, or empty it first")
    world = read_world()
    home, *abroad = _found(world, [country, *markets])
    parent = target.absolute().parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=parent))
    except OSError as error:
        raise InputError(f"cannot write into {parent}: {error.strerror}") from None
    try:
        _write(part, make_starter(world, home, abroad), name or target.name)
        part.chmod(0o755)
        if target.is_dir():
            target.rmdir()
        part.rename(target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return target


def _found(world: World, asked: Sequence[str]) -> list[str]:
    """ISO3 codes of countries, each once. Errors: :class:`UnknownName` with a line for each that is not known."""
    codes, faults = [], []
    for country in asked:
        try:
            codes.append(find_country(world, country))
        except UnknownName as fault:
            faults.append(str(fault))
    if faults:
        raise UnknownName("\n".join(faults))
    return list(dict.fromkeys(codes))


def make_starter(world: World, home: str, abroad: Sequence[str] = ()) -> Starter:
    """Choose markets, unless those ``abroad`` are given, and rivals, and estimate the flows between them.

    A country of the built-in study's region gets that region and its own neighbours: what is asked is whether it could
    be the hub there, and the region's rules are known page by page. Not a maker of :data:`LARGE`, who sells further.
    """
    known = _donor().settings.markets
    here = home in known and not world.dated and world.made.get(home, 0.0) < LARGE
    markets = [home, *abroad] if abroad else around(world, home, region=known if here else ())
    sold = {market: base_sales(world, _donor(), market) for market in markets}
    base = world.levels[home].year
    free = () if world.dated else free_in(world, world.years[1])
    return Starter(world, _donor(), home, tuple(markets), estimate_flows(world, markets, sold, free=free), base)


@lru_cache(maxsize=1)
def _donor() -> Study:
    return load(DONOR)


def _write(folder: Path, starter: Starter, name: str) -> None:
    for file, rows in starter.tables().items():
        path = folder / file
        path.parent.mkdir(exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, columns_of(file), lineterminator="\n")
            writer.writeheader()
            writer.writerows({column: _text(value) for column, value in row.items()} for row in rows)
    (folder / "study.toml").write_text(_settings(starter, name), encoding="utf-8")


def _text(value: object) -> object:
    """A cell: numbers as short as they are exact, nothing for None."""
    if isinstance(value, float):
        return f"{value:.10g}"
    return "" if value is None else value


def _settings(starter: Starter, name: str) -> str:
    world, home = starter.world, starter.home
    country = world.name(home)
    known = sorted(str(row["known_on"]) for row in _dated(starter))
    settings: list[tuple[str, object]] = [
        ("format", 1),
        ("name", name),
        ("title", f"{country}: a starter study"),
        ("country", home),
        ("base_year", starter.base),
        ("start_year", starter.base + 1),
        ("horizon", starter.base + 1 + HORIZON),
        ("currency", "USD"),
        ("home", home),
        ("markets", list(starter.markets)),
        ("as_of", known[-1] if known else f"{starter.base + 1}-07-01"),
        (
            "description",
            f"Made from the world tables. Nearly everything about {country} is assumed, with wide ranges: replace rows "
            f"by what is known, each with its source. Money is in US dollars.{_outside(starter)}",
        ),
    ]
    return "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in settings)


def _outside(starter: Starter) -> str:
    """A word on the country's cars that go where the study does not look."""
    if not starter.own:
        return ""
    units = starter.flows.units[0]
    share = float(units[-1] / units.sum())
    years = f"{starter.world.years[0]}-{starter.world.years[-1]}"
    return (
        f" By the estimated flows of {years} {share:.0%} of the country's cars went to markets outside these "
        f"{len(starter.markets)}: the futures do not have them."
    )


def _dated(starter: Starter) -> Iterable[Row]:
    return [*output_claims(starter), {"known_on": f"{starter.base + 1}-07-01"}]

"""The packaged world tables: countries, income, production, registrations, vehicles in use, tariffs."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from importlib import resources
from math import asin, cos, radians, sin, sqrt
from pathlib import Path
from typing import Final

import polars as pl

from karvan.study.schema import WORLD_TABLES
from karvan.study.tables import _dtype

BLOCKS: Final = {"ROW": "the rest of the world", "EUR": "the EU and the United Kingdom"}
"""Codes of several countries together, with their names."""


def world_folder() -> Path:
    """The folder of the packaged world tables."""
    return Path(str(resources.files("karvan.study"))) / "world"


_KNOWN: ContextVar[str | None] = ContextVar("known", default=None)


@contextmanager
def as_known(as_of: str) -> Iterator[None]:
    """Within it every reader of the world tables sees only the rows known on a date (YYYY-MM-DD).

    A backcast builds and runs its study inside: a reader that forgets to ask for the date cannot look ahead.
    """
    token = _KNOWN.set(as_of)
    try:
        yield
    finally:
        _KNOWN.reset(token)


def known_date() -> str | None:
    """The date of the enclosing :func:`as_known`; None outside."""
    return _KNOWN.get()


def world_table(name: str) -> pl.DataFrame:
    """One world table, typed; within :func:`as_known` only its rows known by then."""
    return _table(name, _KNOWN.get())


@lru_cache(maxsize=8 * len(WORLD_TABLES))
def _table(name: str, as_of: str | None) -> pl.DataFrame:
    """One world table. The package's own files are checked by its tests, not at each start."""
    if as_of is not None:
        return known_by(_table(name, None), as_of)
    spec = WORLD_TABLES[name]
    schema = {column: _dtype(description) for column, description in spec.columns.items()}
    return pl.read_csv(world_folder() / spec.file, schema_overrides=schema)


_OTHER_NAMES: Final = {
    "turkey": "TUR", "turkiye": "TUR", "czech republic": "CZE", "great britain": "GBR", "macedonia": "MKD",
    "republic of korea": "KOR", "russian federation": "RUS", "cote d'ivoire": "CIV",
}  # fmt: skip


def country_code(text: str) -> str | None:
    """The ISO3 code of a country of the world tables given by its code or its name, in any case; None if unknown."""
    names = {str(name).lower(): str(code) for code, name in world_table("countries").select("country", "name").rows()}
    found = names.get(text.strip().lower()) or _OTHER_NAMES.get(text.strip().lower())
    return text.strip().upper() if found is None and text.strip().upper() in names.values() else found


def known_by(frame: pl.DataFrame, as_of: str | None) -> pl.DataFrame:
    """The rows that were known on a date (YYYY-MM-DD); all of them without one."""
    if as_of is None or "known_on" not in frame.columns:
        return frame
    # A date given as a year or a month counts as known only when that year or month is over.
    padded = pl.col("known_on").fill_null("9999")
    full = (
        pl.when(padded.str.len_chars() == 4)
        .then(padded + "-12-31")
        .when(padded.str.len_chars() == 7)
        .then(padded + "-31")
        .otherwise(padded)
    )
    return frame.filter(full <= as_of)


def distance_km(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Great-circle distance of two places, in km (haversine formula, mean Earth radius 6,371 km)."""
    phi, other_phi = radians(latitude), radians(other_latitude)
    half = (
        sin((other_phi - phi) / 2) ** 2 + cos(phi) * cos(other_phi) * sin(radians(other_longitude - longitude) / 2) ** 2
    )
    return 2 * 6371.0 * asin(min(1.0, sqrt(half)))

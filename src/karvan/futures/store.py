"""Runs kept as folders: ``manifest.json`` and Parquet chunks of 500 draws, each written aside and renamed into place.

Every draw of the figures (national and per plant) is kept; market detail as quantiles. No clock in the bytes: the same
run gives the same folder.
"""

import json
import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from karvan._version import __version__
from karvan.base.errors import KarvanError
from karvan.base.streams import BLOCK
from karvan.futures.ensemble import Futures
from karvan.study.load import Study

FORMAT = 1
QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)


class RunFault(KarvanError):
    """A run folder cannot be written or read; the text says which and why."""


@dataclass(frozen=True)
class Run:
    """A run folder that was read: its manifest, figures and market quantiles."""

    folder: Path
    manifest: dict[str, Any]
    figures: pl.DataFrame
    """Columns draw, year, plant (``total`` for the country), then a column a quantity."""
    markets: pl.DataFrame
    """Columns year, market, quantity, quantile, value."""


def fingerprint(study: Study) -> str:
    """A digest of everything a study holds: the same study gives the same digest on any machine."""
    digest = sha256(json.dumps(study.settings.model_dump(), sort_keys=True).encode())
    for name, frame in sorted(study.tables.items()):
        digest.update(name.encode())
        digest.update(frame.write_csv().encode())
    for name, scenario in sorted(study.scenarios.items()):
        digest.update(f"{name}{scenario.model_dump_json()}".encode())
    return digest.hexdigest()


def save(run: Futures, folder: Path) -> Path:
    """Write a run. The folder appears whole or not at all.

    Errors: :class:`RunFault` if something is in the folder's place or the disk is full.
    """
    if folder.exists() and not folder.is_dir():
        raise RunFault(f"{folder}: a file is in the run folder's place; move it or choose another name")
    if folder.exists() and any(folder.iterdir()):
        existing = read_manifest(folder)
        if existing == manifest(run):
            return folder
        raise RunFault(f"{folder}: another run is kept there; choose another name with -o or remove it")
    part = folder.with_name(f".{folder.name}.part")
    try:
        part.mkdir(parents=True, exist_ok=True)
        for block in range((run.draws + BLOCK - 1) // BLOCK):
            _place(part / f"figures-{block:05d}.parquet", figures_chunk(run, block))
        _place(part / "markets.parquet", market_quantiles(run))
        text = json.dumps(manifest(run), indent=2, sort_keys=True) + "\n"
        (part / "manifest.json").write_text(text, encoding="utf-8")
        if folder.exists():
            folder.rmdir()
        os.replace(part, folder)
    except OSError as error:
        raise RunFault(
            f"{folder}: cannot be written ({error.strerror or error}); nothing was left in its place"
        ) from error
    return folder


def _place(path: Path, frame: pl.DataFrame) -> None:
    """Write a Parquet file under another name, then rename it into place."""
    part = path.with_suffix(".part")
    frame.write_parquet(part, compression="zstd", statistics=True)
    os.replace(part, path)


def manifest(run: Futures) -> dict[str, Any]:
    """What a run folder says of itself."""
    return {
        "format": FORMAT,
        "karvan": __version__,
        "study": run.study.name,
        "study_digest": fingerprint(run.study),
        "as_of": run.study.as_of or run.study.settings.as_of,
        "scenario": run.scenario,
        "seed": run.seed,
        "draws": run.draws,
        "block": BLOCK,
        "years": [run.years[0], run.years[-1]],
        "plants": list(run.own_plants),
        "markets": list(run.layout.markets),
    }


def figures_chunk(run: Futures, block: int) -> pl.DataFrame:
    """One block of draws: draw, year, plant, and a column a quantity (null where it is not given by plant)."""
    rows = slice(block * BLOCK, min((block + 1) * BLOCK, run.draws))
    count = rows.stop - rows.start
    years = len(run.years)
    names = sorted(set(run.figures) | {name for name in run.plants if not name.startswith("rung_")})
    parts = []
    for place, label in enumerate(("total", *run.own_plants)):
        data: dict[str, Any] = {
            "draw": np.repeat(np.arange(rows.start, rows.stop), years),
            "year": np.tile(np.asarray(run.years), count),
        }
        frame = pl.DataFrame(data).with_columns(pl.lit(label).alias("plant"))
        columns: list[Any] = []
        for name in names:
            if place == 0:
                array = run.figures.get(name)
            else:
                array = run.plants[name][:, :, place - 1] if name in run.plants else None
            if array is None:
                columns.append(pl.lit(None, dtype=pl.Float64).alias(name))
            else:
                columns.append(pl.Series(name, np.ascontiguousarray(array[rows]).reshape(-1)))
        parts.append(frame.with_columns(columns))
    return pl.concat(parts)


def market_quantiles(run: Futures) -> pl.DataFrame:
    """Market detail over all draws: year, market, quantity, quantile, value."""
    rows: dict[str, list[Any]] = {"year": [], "market": [], "quantity": [], "quantile": [], "value": []}
    for name in sorted(run.markets):
        values = np.quantile(run.markets[name], QUANTILES, axis=0)
        for q, level in enumerate(QUANTILES):
            for y, year in enumerate(run.years):
                for m, market in enumerate(run.layout.markets):
                    for column, value in zip(rows, (year, market, name, level, float(values[q, y, m])), strict=True):
                        rows[column].append(value)
    return pl.DataFrame(rows)


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a run folder. Errors: no manifest, unreadable, or a newer format."""
    path = folder / "manifest.json"
    if not path.is_file():
        raise RunFault(f"{folder}: no manifest.json; this is no run folder")
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise RunFault(f"{path}: unreadable ({error}); remove the folder and run again") from None
    if data.get("format") != FORMAT:
        raise RunFault(f"{path}: format {data.get('format')} found; this karvan reads format {FORMAT}; update karvan")
    return data


def read(folder: Path) -> Run:
    """Read a run folder."""
    data = read_manifest(folder)
    return Run(folder, data, pl.read_parquet(folder / "figures-*.parquet"), pl.read_parquet(folder / "markets.parquet"))

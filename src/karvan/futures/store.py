"""Runs kept as folders: ``manifest.json`` and Parquet chunks of 500 draws, each written aside and renamed into place.

Every draw of the figures (national and per plant) is kept; market detail as quantiles, or in full on demand. No clock
in the bytes: the same run gives the same folder.

A folder is written block by block. Until its last block it holds ``plan.json`` in the manifest's place: what the run is
and how to go on. The manifest comes last, so a folder with a manifest is whole, and nothing else is ever read.
"""

import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import polars as pl

from karvan._version import __version__
from karvan.base.axes import Array
from karvan.base.errors import KarvanError
from karvan.base.streams import BLOCK
from karvan.futures.chunks import (
    DETAIL,
    FULL,
    QUANTILES,
    Detail,
    Encode,
    Encoded,
    chunk_name,
    chunk_names,
    parquet,
    quantile_frame,
)
from karvan.futures.ensemble import Futures
from karvan.futures.inputs import Prepared
from karvan.futures.yearloop import Block
from karvan.study.load import Study

FORMAT = 1
MANIFEST, PLAN = "manifest.json", "plan.json"
AT_ONCE = 64 * 1024 * 1024
"""Bytes of market detail held in memory while its quantiles are taken."""
OPEN = 256
"""Most files held open at once while market detail is sorted by cell."""

Watch = Callable[[str, Path], None]
"""Called with what is about to happen, or has, and to which file: the hook of the tests that stop the writer."""


class RunFault(KarvanError):
    """A run folder cannot be written or read; the text says which and why."""


@dataclass(frozen=True)
class Run:
    """A whole run folder: its manifest, and its tables, read when they are asked for."""

    folder: Path
    manifest: dict[str, Any]

    @cached_property
    def figures(self) -> pl.DataFrame:
        """Columns draw, year, plant (``total`` for the country), then a column a quantity."""
        return self.scan().collect()

    @cached_property
    def markets(self) -> pl.DataFrame:
        """Columns year, market, quantity, quantile, value."""
        return pl.read_parquet(self.folder / "markets.parquet")

    def scan(self, table: str = "figures") -> pl.LazyFrame:
        """A table of draws, not read yet: filter and select first, and a long run fits in memory.

        ``figures``; in a run kept in full also ``markets``, ``sectors`` and ``offers``.
        """
        paths = [self.folder / name for name in chunk_names(table, self.manifest["draws"])]
        if table not in ("figures", *FULL) or not paths[0].is_file():
            raise RunFault(f"{self.folder}: no table of draws '{table}'; keep the run with --keep full")
        return pl.scan_parquet(paths)

    def draws_of(self, quantity: str, year: int, plant: str = "total") -> Array:
        """(D,), a figure over all draws, in draw order."""
        return self.draws_of_each((quantity,), year, plant)[quantity]

    def draws_of_each(self, quantities: tuple[str, ...], year: int, plant: str = "total") -> dict[str, Array]:
        """Several figures as :meth:`draws_of`, from one reading of the chunks."""
        rows = self.scan().filter((pl.col("plant") == plant) & (pl.col("year") == year))
        frame = rows.select("draw", *quantities).collect().sort("draw")
        return {name: np.asarray(frame[name].to_numpy(), dtype=np.float64) for name in quantities}


def fingerprint(study: Study) -> str:
    """A digest of everything a study holds: the same study gives the same digest on any machine."""
    digest = sha256(json.dumps(study.settings.model_dump(), sort_keys=True).encode())
    for name, frame in sorted(study.tables.items()):
        digest.update(name.encode())
        digest.update(frame.write_csv().encode())
    for name, scenario in sorted(study.scenarios.items()):
        digest.update(f"{name}{scenario.model_dump_json()}".encode())
    return digest.hexdigest()


def manifest_of(prepared: Prepared, scenario: str, seed: int, draws: int, sampling: str, keep: str) -> dict[str, Any]:
    """What a run folder says of itself."""
    study, layout = prepared.study, prepared.layout
    return {
        "format": FORMAT,
        "karvan": __version__,
        "versions": {"python": ".".join(map(str, sys.version_info[:2])), "numpy": np.__version__, "polars": _POLARS},
        "study": study.name,
        "study_digest": fingerprint(study),
        "as_of": study.as_of or study.settings.as_of,
        "scenario": scenario,
        "seed": seed,
        "draws": draws,
        "block": BLOCK,
        "sampling": sampling,
        "keep": keep,
        "years": [layout.years[0], layout.years[-1]],
        "plants": list(layout.plants[: layout.own]),
        "markets": list(layout.markets),
    }


_POLARS: str = pl.__version__


def manifest(run: Futures, keep: str = "figures") -> dict[str, Any]:
    """What a run folder says of itself, for futures in memory."""
    # Everything asked of `prepared` here is on the result too.
    return manifest_of(run, run.scenario, run.seed, run.draws, run.sampling.method, keep)  # type: ignore[arg-type]


class Writer:
    """Writes a run folder: blocks in any order, the manifest last. Files appear whole or not at all."""

    def __init__(self, folder: Path, manifest: dict[str, Any], plan: dict[str, Any], watch: Watch | None = None):
        self.folder, self.manifest, self.plan = folder, manifest, plan
        self.watch: Watch = watch or (lambda event, path: None)
        self.blocks = (manifest["draws"] + BLOCK - 1) // BLOCK

    def begin(self) -> None:
        """Make the folder and say what it is going to hold."""
        (self.folder / DETAIL).mkdir(parents=True, exist_ok=True)
        for left in [*self.folder.glob(".*.part"), *self.folder.glob(f"{DETAIL}/.*.part")]:
            left.unlink(missing_ok=True)
        if not (self.folder / PLAN).is_file():
            self.place(PLAN, as_json(self.plan))

    def done(self, number: int) -> bool:
        """Whether a block is there, whole."""
        wanted = (f"{DETAIL}/{number:05d}", chunk_name("figures", number))
        return all((self.folder / name).is_file() for name in wanted)

    def block(self, encoded: Encoded) -> None:
        """Keep a block. The chunk of figures comes last: with it the block is done."""
        for name, data in encoded.files.items():
            self.place(name, data)

    def finish(self) -> None:
        """Take the quantiles of market detail, write the manifest and remove what is no longer needed."""
        self.place("markets.parquet", parquet(self.quantiles()))
        self.place(MANIFEST, as_json(self.manifest))
        self.clean()

    def clean(self) -> None:
        """Remove what only an unfinished run needs."""
        detail = self.folder / DETAIL
        for path in [*sorted(detail.glob("*")), self.folder / PLAN]:
            self.watch("before remove", path)
            path.unlink(missing_ok=True)
        if detail.is_dir():
            detail.rmdir()

    def quantiles(self) -> pl.DataFrame:
        """Market detail over all draws: year, market, quantity, quantile, value; a few cells in memory at a time."""
        first, last = self.manifest["years"]
        years, markets = list(range(first, last + 1)), self.manifest["markets"]
        details = [Detail.open(self.folder / DETAIL / f"{block:05d}") for block in range(self.blocks)]
        names = details[0].names
        cells = len(names) * len(years) * len(markets)
        step = max(AT_ONCE // (8 * self.manifest["draws"]), -(-cells // OPEN), 1)
        found = [np.quantile(rows, QUANTILES, axis=1) for rows in self._cells(details, cells, step)]
        values = np.concatenate(found, axis=1).reshape(len(QUANTILES), len(names), len(years), len(markets))
        return quantile_frame(names, years, markets, np.moveaxis(values, 0, 1))

    def _cells(self, details: list[Detail], cells: int, step: int) -> Iterator[Array]:
        """(``step``, D) cells over all draws at a time. Each block is read once, however many blocks there are.

        What does not fit in memory is sorted by cell into files without a name, which end with this process.
        """
        starts = range(0, cells, step)
        if len(starts) == 1:
            yield np.concatenate([detail.rows(0, cells) for detail in details], axis=1)
            return
        with ExitStack() as stack:
            files = [stack.enter_context(TemporaryFile(dir=self.folder / DETAIL)) for _ in starts]
            for detail in details:
                rows = detail.rows(0, cells)
                for file, start in zip(files, starts, strict=True):
                    file.write(rows[start : start + step].tobytes())
            for file, start in zip(files, starts, strict=True):
                file.seek(0)
                count = min(step, cells - start)
                out, first = np.empty((count, self.manifest["draws"])), 0
                for detail in details:
                    piece = np.frombuffer(file.read(8 * count * detail.size), dtype="<f8")
                    out[:, first : first + detail.size] = piece.reshape(count, detail.size)
                    first += detail.size
                yield out

    def place(self, name: str, data: bytes) -> None:
        """Write a file under another name, then rename it into place."""
        path = self.folder / name
        part = path.with_name(f".{path.name}.part")
        self.watch("before write", part)
        try:
            with part.open("wb") as handle:
                half = len(data) // 2
                handle.write(data[:half])
                self.watch("during write", part)
                handle.write(data[half:])
                handle.flush()
                os.fsync(handle.fileno())
            self.watch("after write", part)
            self.watch("before rename", path)
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        self.watch("after rename", path)


def as_json(data: Mapping[str, Any]) -> bytes:
    """JSON in one form only."""
    return (json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def save(run: Futures, folder: Path, *, keep: str = "figures") -> Path:
    """Write futures that are in memory. The folder appears whole or not at all.

    Errors: :class:`RunFault` if something is in the folder's place or the disk is full.
    """
    wanted = manifest(run, keep)
    if occupied(folder, wanted):
        return folder
    part = folder.with_name(f".{folder.name}.part")
    writer = Writer(part, wanted, wanted)
    try:
        shutil.rmtree(part, ignore_errors=True)  # left by a writer that was killed
        writer.begin()
        for encoded in blocks_of(run, keep):
            writer.block(encoded)
        writer.finish()
        if folder.exists():
            folder.rmdir()
        part.replace(folder)
    except OSError as error:
        raise RunFault(
            f"{folder}: cannot be written ({error.strerror or error}); nothing was left in its place"
        ) from error
    return folder


def blocks_of(run: Futures, keep: str) -> Iterator[Encoded]:
    """The blocks of futures in memory."""
    for number in range((run.draws + BLOCK - 1) // BLOCK):
        yield _block_of(run, number, keep)


def _block_of(run: Futures, number: int, keep: str) -> Encoded:
    rows = slice(number * BLOCK, min((number + 1) * BLOCK, run.draws))

    def cut(group: Mapping[str, Array]) -> dict[str, Array]:
        return {name: array if name.startswith("step.") else array[rows] for name, array in group.items()}

    block = Block(cut(run.figures), cut(run.plants), cut(run.markets), cut(run.offers), cut(run.sectors))
    return Encode(keep).encode(number, rows.stop - rows.start, run.layout, block)


def occupied(folder: Path, wanted: Mapping[str, Any]) -> bool:
    """Whether the very run is there already. Errors: :class:`RunFault` if anything else is in the folder's place."""
    if folder.exists() and not folder.is_dir():
        raise RunFault(f"{folder}: a file is in the run folder's place; move it or choose another name with -o")
    # A writer that was killed before it could say what it was leaves no more than this.
    if not folder.exists() or {path.name for path in folder.iterdir()} <= {DETAIL, f".{PLAN}.part"}:
        return False
    if not (folder / MANIFEST).exists() and not (folder / PLAN).exists():
        raise RunFault(f"{folder}: a folder of other files is in its place; move it or choose another name with -o")
    if read_manifest(folder) == wanted:
        return True
    raise RunFault(f"{folder}: another run is kept there; choose another name with -o or remove it")


def figures_chunk(run: Futures, block: int) -> pl.DataFrame:
    """One block of draws: draw, year, plant, and a column a quantity (null where it is not given by plant)."""
    return pl.read_parquet(io.BytesIO(_block_of(run, block, "figures").files[chunk_name("figures", block)]))


def market_quantiles(run: Futures) -> pl.DataFrame:
    """Market detail over all draws: year, market, quantity, quantile, value."""
    names = sorted(run.markets)
    values = np.stack([np.quantile(run.markets[name], QUANTILES, axis=0) for name in names])
    return quantile_frame(names, list(run.years), list(run.layout.markets), values)


def read_json(path: Path) -> dict[str, Any]:
    """The manifest or plan of a run. Errors: :class:`RunFault` if unreadable or of a newer format."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RunFault(f"{path}: unreadable ({error}); remove the folder and run again") from None
    found = data.get("format") if isinstance(data, dict) else None
    if isinstance(found, int) and found > FORMAT:
        raise RunFault(f"{path}: format {found} found; this karvan reads format {FORMAT}; update karvan")
    if found != FORMAT:
        raise RunFault(f"{path}: format {found} found; this karvan reads format {FORMAT}; this is no run of karvan")
    assert isinstance(data, dict)
    return data


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a run folder. Errors: no folder, no manifest or an unreadable or newer one, an unfinished run."""
    if not folder.is_dir():
        raise RunFault(f"{folder}: no such run folder; `karvan runs` lists those under runs/")
    if (folder / MANIFEST).is_file():
        return read_json(folder / MANIFEST)
    if (folder / PLAN).is_file():
        plan = read_json(folder / PLAN)
        total = (plan["draws"] + BLOCK - 1) // BLOCK
        raise RunFault(
            f"{folder}: the run is not finished ({blocks_there(folder)} of {total} blocks are kept); "
            f"finish it with: karvan resume {folder}"
        )
    raise RunFault(f"{folder}: no manifest.json; this is no run folder")


def blocks_there(folder: Path) -> int:
    """Blocks that are kept."""
    return sum(1 for _ in folder.glob("figures-*.parquet"))


def read(folder: Path) -> Run:
    """A run folder. Errors: :class:`RunFault` where it is not whole."""
    data = read_manifest(folder)
    for name in [*chunk_names("figures", data["draws"]), "markets.parquet"]:
        if not (folder / name).is_file():
            raise RunFault(f"{folder / name}: the file is missing; remove the folder and run again")
    return Run(folder, data)

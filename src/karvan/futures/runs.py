"""Runs that are kept: computed block by block into their folder, listed, and taken up again where they stopped."""

import contextlib
import errno
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from karvan._version import __version__
from karvan.base.axes import Array
from karvan.base.errors import InputError, KarvanError, nearest
from karvan.base.streams import BLOCK
from karvan.futures.chunks import KEEP, Encode
from karvan.futures.engines import PROCESSES, run_pieces
from karvan.futures.ensemble import Progress, pieces_of, worker_of
from karvan.futures.figures import median_error
from karvan.futures.store import (
    MANIFEST,
    PLAN,
    Run,
    RunFault,
    Watch,
    Writer,
    blocks_there,
    fingerprint,
    manifest_of,
    occupied,
    read,
    read_json,
)
from karvan.study.load import Study, load

RUNS = Path("runs")
"""Where runs are kept unless told otherwise."""
ENOUGH = 0.01
"""Standard error of a median over its 5-95 % range at which more draws would no longer be seen: a matter of taste."""


def keep_run(
    study: Study,
    folder: Path | None = None,
    *,
    scenario: str = "baseline",
    draws: int = 1000,
    start: int | None = None,
    until: int | None = None,
    seed: int = 1,
    workers: int | None = None,
    engine: str = PROCESSES,
    sampling: str = "lhs",
    keep: str = "figures",
    progress: Progress | None = None,
    watch: Watch | None = None,
) -> Path:
    """Simulate straight into a run folder, a block at a time: memory does not grow with the number of draws.

    A folder in which the same run was begun is taken up where it stopped; one that holds the whole run is left alone.

    Parameters
    ----------
    folder : a new one; left out, a name under ``runs/`` that tells study, scenario, draws, horizon and seed.
    keep : ``figures`` (every draw of national and plant figures, market detail as quantiles) or ``full`` (every cell).
    watch : called before and after each write and rename.

    The rest as for :func:`karvan.simulate`. Errors: those, and :class:`RunFault` if something else is in the folder's
    place, the disk is full, or another process is writing the same run.
    """
    if keep not in KEEP:
        raise InputError(f"keep is '{keep}'; {nearest(keep, KEEP) or 'expected ' + ' or '.join(KEEP)}")
    pieces = pieces_of(scenario, draws)
    worker = worker_of(study, scenario, start=start, until=until, seed=seed, sampling=sampling)
    prepared = worker.prepare(scenario)
    wanted = manifest_of(prepared, scenario, seed, draws, sampling, keep)
    folder = folder or RUNS / name_of(wanted)
    plan = {**wanted, "study_origin": study.origin, "study_as_of": study.as_of, "start": start, "until": until}
    writer = Writer(folder, wanted, plan, watch)
    if _begun(folder, wanted):
        if (folder / PLAN).exists() or (folder / "detail").exists():
            writer.clean()
        return folder
    try:
        writer.begin()
        with _alone(folder):
            missing = [piece for piece in pieces if not writer.done(piece.number)]
            finished = len(pieces) - len(missing)
            if progress and finished:
                progress(finished, len(pieces))
            for encoded in run_pieces(worker, missing, Encode(keep), engine=engine, workers=workers):
                writer.block(encoded)
                finished += 1
                if progress:
                    progress(finished, len(pieces))
            writer.finish()
    except OSError as error:
        raise _unwritten(folder, error, len(pieces)) from error
    except KeyboardInterrupt as stopped:
        kept = f"{blocks_there(folder)} of {len(pieces)} blocks are kept"
        stopped.add_note(f"{folder}: stopped; {kept}; finish it with: karvan resume {folder}")
        raise
    return folder


def name_of(manifest: Mapping[str, Any]) -> str:
    """A folder's name that tells what is in it."""
    parts = [manifest["study"], manifest["scenario"], str(manifest["draws"]), str(manifest["years"][1])]
    parts.append(f"seed{manifest['seed']}")
    parts += [manifest[key] for key, usual in (("sampling", "lhs"), ("keep", "figures")) if manifest[key] != usual]
    return "-".join([*parts, manifest["study_digest"][:8]])


TOLD = {
    "study": "of another study",
    "study_digest": "of the study as it was before it changed",
    "scenario": "of another scenario",
    "seed": "with another seed",
    "years": "to another year",
    "as_of": "as of another date",
    "keep": "that keeps other detail",
    "karvan": "begun by another version of karvan",
    "versions": "begun with another version of Python, NumPy or Polars",
}
"""How it is told that a run differs, by what differs in its plan."""


def _begun(folder: Path, wanted: Mapping[str, Any]) -> bool:
    """Whether the run is there, whole. A run that was begun may go on if it is the same one."""
    if folder.is_dir() and not (folder / MANIFEST).exists() and (folder / PLAN).exists():
        plan = read_json(folder / PLAN)
        differing = [key for key in wanted if plan.get(key) != wanted[key]]
        if differing:
            what = TOLD.get(differing[0], f"with other {differing[0]}")
            raise RunFault(
                f"{folder}: an unfinished run {what} is kept there; choose another name with -o or remove it"
            )
        return False
    return occupied(folder, wanted)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the plan's lock, which the system takes back when this process ends, however it ends."""
    with (folder / PLAN).open("rb") as handle:
        try:
            import fcntl
        except ImportError:  # a system without such locks: two writers would write the same bytes twice
            yield
            return
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunFault(f"{folder}: another process is writing this run; wait for it or stop it") from None
        yield


def _unwritten(folder: Path, error: OSError, blocks: int) -> KarvanError:
    why = error.strerror or str(error)
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return RunFault(f"{folder}: cannot be made ({why}): a file is in a folder's place; move it or use -o")
    kept = blocks_there(folder) if folder.is_dir() else 0
    after = f"{kept} of {blocks} blocks are kept; free some space, then: karvan resume {folder}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RunFault(f"{folder}: the disk is full; {after}")
    return RunFault(f"{folder}: cannot be written ({why}); {after if kept else 'nothing was kept'}")


def resume(
    folder: Path,
    *,
    study: Study | None = None,
    workers: int | None = None,
    engine: str = PROCESSES,
    progress: Progress | None = None,
    watch: Watch | None = None,
) -> Path:
    """Finish a run that was stopped. Blocks that are kept are not computed again; the folder ends as if never stopped.

    Parameters
    ----------
    study : left out, it is read again from where the run found it.

    Errors: :class:`RunFault` if there is no run, the study has changed since, or the run was begun by another version.
    """
    if (folder / MANIFEST).is_file():
        whole = read_json(folder / MANIFEST)
        Writer(folder, whole, whole, watch).clean()
        return folder
    if not (folder / PLAN).is_file():
        raise RunFault(f"{folder}: no {PLAN} and no {MANIFEST}; this is no run folder (see karvan runs)")
    plan = read_json(folder / PLAN)
    if plan["karvan"] != __version__:
        raise RunFault(
            f"{folder}: begun by karvan {plan['karvan']}, this is {__version__}; blocks of two versions do not fit "
            "together: use that version or run again"
        )
    loaded = study if study is not None else load(plan["study_origin"], as_of=plan["study_as_of"])
    if fingerprint(loaded) != plan["study_digest"]:
        raise RunFault(
            f"{folder}: the study {plan['study_origin']} has changed since this run was begun; blocks of two studies "
            "do not fit together: put it back, or remove the folder and run again"
        )
    return keep_run(
        loaded,
        folder,
        scenario=plan["scenario"],
        draws=plan["draws"],
        start=plan["start"],
        until=plan["until"],
        seed=plan["seed"],
        sampling=plan["sampling"],
        keep=plan["keep"],
        workers=workers,
        engine=engine,
        progress=progress,
        watch=watch,
    )


@dataclass(frozen=True)
class Listed:
    """A run folder in a list."""

    folder: str
    study: str
    scenario: str
    draws: int
    years: str
    seed: int
    blocks: str
    """Blocks kept of blocks wanted."""
    megabytes: float
    state: str
    """``whole``, ``unfinished``, or what is wrong."""


def list_runs(folder: Path = RUNS) -> list[Listed]:
    """Every run below a folder, in order of name, or the one that it is; those that cannot be read say why."""
    found = []
    for path in [folder, *sorted(folder.iterdir())] if folder.is_dir() else []:
        whole = (path / MANIFEST).is_file()
        if not whole and not (path / PLAN).is_file():
            continue
        size = sum(item.stat().st_size for item in path.rglob("*") if item.is_file()) / 1e6
        try:
            data = read_json(path / (MANIFEST if whole else PLAN))
        except RunFault as error:
            found.append(Listed(str(path), "", "", 0, "", 0, "", size, str(error)))
            continue
        total = (data["draws"] + BLOCK - 1) // BLOCK
        years = f"{data['years'][0]}-{data['years'][1]}"
        blocks = f"{min(blocks_there(path), total)}/{total}"
        names = (str(path), data["study"], data["scenario"], data["draws"], years, data["seed"], blocks)
        found.append(Listed(*names, size, "whole" if whole else "unfinished"))
    return found


@dataclass(frozen=True)
class Convergence:
    """How sure a figure is of its own median, by the number of draws."""

    figure: str
    draws: tuple[int, ...]
    medians: tuple[float, ...]
    """From the first so many draws."""
    errors: tuple[float, ...]
    """Monte Carlo standard error of the median at so many draws."""
    spread: float
    """Width of the 5-95 % range of futures."""
    enough: int
    """Draws at which the standard error of the median falls below one per cent of the 5-95 % range."""


def converge(name: str, values: Array) -> Convergence:
    """Convergence of a figure.

    The standard error of the median comes from its order statistics; it falls as one over the root of the draws, so
    ``enough = draws * (error / (0.01 * spread)) ** 2``.

    Parameters
    ----------
    values : (D,), a figure in draw order.
    """
    counts = [count for count in _COUNTS if count < values.size] + [values.size]
    medians = tuple(float(np.median(values[:count])) for count in counts)
    errors = tuple(median_error(values[:count]) for count in counts)
    low, high = np.quantile(values, (0.05, 0.95))
    spread = float(high - low)
    needed = values.size * (errors[-1] / (ENOUGH * spread)) ** 2 if spread > 0 else 1.0
    return Convergence(name, tuple(counts), medians, errors, spread, int(np.ceil(max(needed, 1.0))))


_COUNTS = tuple(base * 10**power for power in range(2, 8) for base in (1, 2, 5))
HEADLINES = ("output", "exports", "self_sufficiency_new", "local_content", "jobs", "gdp", "npv")
"""Figures whose convergence a run shows."""


def convergence(run: Run | Path, years: tuple[int, ...] | None = None) -> list[Convergence]:
    """Convergence of the headline figures of a kept run; left out, in its first and last year and 2030 and 2035."""
    found = run if isinstance(run, Run) else read(run)
    first, last = found.manifest["years"]
    chosen = years or tuple(dict.fromkeys(year for year in (first, 2030, 2035, last) if first <= year <= last))
    return [
        converge(f"{name}.{year}", values)
        for year in chosen
        for name, values in found.draws_of_each(HEADLINES, year).items()
    ]

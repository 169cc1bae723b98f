"""Results between processes of one machine: large ones through a file in memory, the rest through the usual pipe.

Through a pipe a block of 26 MB is copied four times, in turns between who sends and who reads, while both should be
computing the next. A file is written at once and read at once.
"""

import os
import pickle
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SMALL = 1 << 20
"""Bytes below which a result goes through the pipe."""
SHARED = "/dev/shm"
PREFIX = "karvan-"
IDLE = 600.0
"""Seconds without a parcel after which a folder whose process is not to be seen is taken for left behind."""
_ALIGN = 64
_USED: set[str] = set()
"""Folders into which this process packs."""


@dataclass(frozen=True)
class Parcel:
    """A result whose arrays lie in a file."""

    head: bytes
    """The result, pickled without its arrays."""
    path: str
    sizes: tuple[int, ...]
    """Bytes of each array."""


@contextmanager
def parcel_folder() -> Iterator[str]:
    """A folder for parcels on the way, in memory where the system has such; gone at the end with all that is in it.

    Its name tells whose it is, so that the next run removes what a killed one left.
    """
    shared = SHARED if sys.platform == "linux" and os.access(SHARED, os.W_OK) else None
    if shared is not None:
        _sweep(Path(shared))
    prefix = f"{PREFIX}{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=shared, ignore_cleanup_errors=True) as folder:
        yield folder


def _sweep(shared: Path) -> None:
    """Remove the folders of processes that are no more, left alone for a while: others may not see each other."""
    for folder in shared.glob(f"{PREFIX}*-*"):
        owner = folder.name.removeprefix(PREFIX).split("-")[0]
        with suppress(OSError):  # somebody else was quicker
            idle = time.time() - folder.stat().st_mtime
            if owner.isdigit() and idle > IDLE and not Path(f"/proc/{owner}").exists():
                shutil.rmtree(folder, ignore_errors=True)


def expect(folder: str) -> None:
    """Take note of a folder that this process may pack into, so that :func:`discard` finds it."""
    _USED.add(folder)


def pack(result: Any, folder: str | None) -> Any:
    """The result as a parcel in the folder; as it is without one, if it is small, or if there is no room."""
    if folder is None:
        return result
    buffers: list[pickle.PickleBuffer] = []
    head = pickle.dumps(result, protocol=5, buffer_callback=buffers.append)
    arrays = [buffer.raw() for buffer in buffers]
    if sum(array.nbytes for array in arrays) < SMALL:
        return result
    path = None
    try:
        handle, path = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "wb", buffering=0) as file:
            for array in arrays:
                _write(file, array)
                _write(file, memoryview(bytes(-array.nbytes % _ALIGN)))
    except OSError:
        if path is not None:
            Path(path).unlink(missing_ok=True)
        return result
    return Parcel(head, path, tuple(array.nbytes for array in arrays))


def discard() -> None:
    """Remove the folders into which this process packs: files in memory take room until somebody does."""
    for folder in _USED:
        shutil.rmtree(folder, ignore_errors=True)


def unpack(result: Any) -> Any:
    """The result of a parcel, its arrays read-only; anything else as it is. The file is gone then."""
    if not isinstance(result, Parcel):
        return result
    path = Path(result.path)
    content = memoryview(path.read_bytes())
    path.unlink()
    arrays, start = [], 0
    for size in result.sizes:
        arrays.append(content[start : start + size])
        start += size + -size % _ALIGN
    return pickle.loads(result.head, buffers=arrays)


def _write(file: Any, content: memoryview) -> None:
    """All of it: one call may write less than it is given."""
    while content.nbytes:
        content = content[file.write(content) :]

"""Other processes of this machine: started once, kept for the next run of this process, gone when it is.

Starting one costs more than a block of futures: it has to import everything anew. Whoever plays with a study runs it
again and again, so a crew waits for the next run when one is done, and ends with the process that started it or at
:func:`end_crews`. After an error it ends at once: what its processes are in the middle of is of no use to anybody.
"""

import atexit
import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context, parent_process
from threading import Thread

from karvan.futures.parcels import discard, expect, parcel_folder

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # numbers of the options in glibc's malloc.h


@dataclass(frozen=True)
class Crew:
    """Processes that work for this one."""

    executor: ProcessPoolExecutor
    folder: str
    """Where their large results lie on the way (:mod:`karvan.futures.parcels`)."""
    begun: Future[int]
    """Done when one of them has started."""
    _open: ExitStack

    def end(self) -> None:
        """End the processes, without what has not begun, and remove their folder."""
        self.executor.shutdown(wait=True, cancel_futures=True)
        self._open.close()

    def alive(self) -> bool:
        """Whether none of them has died while it waited."""
        try:
            self.executor.submit(os.getpid)
        except BrokenProcessPool:
            return False
        return True


_IDLE: dict[int, Crew] = {}
"""Crews that wait, by the number of their processes."""


@contextmanager
def crew(count: int) -> Iterator[Crew]:
    """So many other processes: those that wait, or new ones, which start while the caller goes on."""
    mine = _IDLE.pop(count, None)
    if mine is not None and not mine.alive():
        mine.end()
        mine = None
    if mine is None:
        mine = _started(count)
    try:
        yield mine
    except BaseException:
        mine.end()
        raise
    if _IDLE.setdefault(count, mine) is not mine:  # another caller gave one back meanwhile
        mine.end()


def crew_waits(count: int) -> bool:
    """Whether so many processes wait for work: then even a short run is done sooner with them."""
    return count in _IDLE


@atexit.register
def end_crews() -> None:
    """End the processes that wait."""
    while _IDLE:
        _IDLE.popitem()[1].end()


def _started(count: int) -> Crew:
    with ExitStack() as stack:
        folder = stack.enter_context(parcel_folder())
        pool = ProcessPoolExecutor(count, get_context("spawn"), initializer=begin_process, initargs=(folder,))
        begun, *_ = (pool.submit(os.getpid) for _ in range(count))  # each starts one
        return Crew(pool, folder, begun, stack.pop_all())


def begin_process(folder: str = "") -> None:
    """Start such a process. Ctrl-C reaches every process of a terminal: it ends this one without a word."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if folder:
        expect(folder)
    follow_parent()


def follow_parent() -> None:
    """End this process when the one that started it has ended: a killed run is to leave no workers behind."""
    Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        discard()  # whoever was killed has not cleaned up
        os._exit(1)


@cache
def keep_memory() -> None:
    """Let this process keep the memory that one year or block frees for the next.

    Else the C library gives it back and asks for it again array by array, and the system clears every page anew: a
    fifth of the time of a block. Nothing but glibc is asked; elsewhere it does nothing.
    """
    if sys.platform != "linux":
        return
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    set_option(_MMAP_THRESHOLD, 32 * 1024 * 1024)
    set_option(_TRIM_THRESHOLD, 256 * 1024 * 1024)

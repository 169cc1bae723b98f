"""What karvan raises, and how it says where a fault is.

A fault names the place (file, row, column), what was found, what was expected and what to do. Faults are collected and
raised together, so that a person mends a study in one round.
"""

from collections.abc import Iterable
from dataclasses import dataclass


class KarvanError(Exception):
    """Anything karvan refuses. Its text is meant to be read by the person who made the input."""


class InputError(KarvanError, ValueError):
    """A function was given numbers it cannot work with: the text says which, what was found and what was expected."""


class UnknownName(KarvanError, LookupError):
    """A name (study, scenario, lever, plant, figure) that does not exist; the text names the nearest known ones."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text.rstrip("; "))  # where no known name is near


@dataclass(frozen=True, order=True)
class Fault:
    """One fault in the input. ``row`` is the line in the file (the header is line 1); 0 means the whole file."""

    file: str
    row: int
    column: str
    found: str
    expected: str
    hint: str = ""

    def __str__(self) -> str:
        place = self.file if self.row == 0 else f"{self.file}:{self.row}"
        column = f": {self.column}" if self.column else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}{column}: found {self.found}; expected {self.expected}{hint}"


class StudyFaults(KarvanError):
    """A study cannot be used. ``faults`` holds every fault found, sorted by place."""

    def __init__(self, name: str, faults: Iterable[Fault]) -> None:
        self.name = name
        self.faults = tuple(sorted(set(faults)))
        count = len(self.faults)
        lines = "\n".join(f"  {fault}" for fault in self.faults)
        super().__init__(f"{name}: {count} fault{'s' if count != 1 else ''}\n{lines}")


def nearest(name: str, known: Iterable[str], count: int = 3) -> str:
    """The known names closest to ``name``, as a sentence part: ``did you mean 'a' or 'b'?``; empty if none is close."""
    from difflib import get_close_matches  # only errors need it

    options = sorted(set(known))
    close = get_close_matches(name, options, n=count, cutoff=0.5)
    if not close:  # a part of a name is a fair guess too
        close = [option for option in options if name and (name in option or option in name)][:count]
    return f"did you mean {' or '.join(repr(option) for option in close)}?" if close else ""

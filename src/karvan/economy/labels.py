"""Numbers with names: one value an industry, found by label, so that no table is ever read in the wrong order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.base.errors import UnknownName, nearest
from karvan.economy.faults import TableFault

Vector = ArrayLike | Mapping[str, float]
"""One number an industry: in the order of the table, or by label."""


@dataclass(frozen=True, eq=False)
class LabelledVector:
    """One number an industry, by label (``v["29"]``) or by position (``v.values[3]``)."""

    values: Array
    """(S,), read-only."""
    labels: tuple[str, ...]
    """The industries, in the order of the values."""
    unit: str = ""
    """What one is."""

    def __post_init__(self) -> None:
        self.values.flags.writeable = False

    def __getitem__(self, label: str) -> float:
        return float(self.values[position(label, self.labels)])

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[str]:
        return iter(self.labels)

    def items(self) -> Iterator[tuple[str, float]]:
        """Pairs of label and value, in the order of the table."""
        return zip(self.labels, (float(value) for value in self.values), strict=True)


def position(label: str, labels: tuple[str, ...]) -> int:
    """The place of a label; :class:`UnknownName` names the nearest ones."""
    try:
        return labels.index(label)
    except ValueError:
        raise UnknownName(f"no sector {label!r}; {nearest(label, labels) or 'see the table'}".strip()) from None


def read_vector(values: Vector, labels: tuple[str, ...], name: str) -> Array:
    """(S,) in the order of the labels; a mapping must hold exactly the labels, so that nothing is silently dropped."""
    values = read_frame(values, labels, name, square=False)
    if isinstance(values, Mapping):
        missing = [label for label in labels if label not in values]
        extra = [label for label in values if label not in set(labels)]
        if missing or extra:
            what = f"lacks {missing[0]!r}" if missing else f"has {extra[0]!r}, which the table does not"
            raise TableFault(f"{name} {what}; expected the labels of the table, each once")
        values = [values[label] for label in labels]
    array = np.array(values, dtype=np.float64)
    if array.shape != (len(labels),):
        raise TableFault(f"{name} has shape {array.shape}; expected ({len(labels)},), one number an industry")
    if not np.isfinite(array).all():
        raise TableFault(f"{name} of {labels[int(np.argmin(np.isfinite(array)))]!r} is not a number; expected one")
    return array


def read_frame(values: Any, labels: tuple[str, ...], name: str, *, square: bool = True) -> Any:
    """The values of a data frame (or series) in the order of the labels; anything without an index is left alone.

    A frame that merely counts its rows (0, 1, 2 ...) says nothing of industries and is taken in its own order.
    """
    index = getattr(values, "index", None)
    if index is None or callable(index) or not hasattr(values, "to_numpy"):
        return values
    rows = _order(index, labels, f"{name}: rows")
    array = values.to_numpy()
    if rows is not None:
        array = array[rows]
    if square:
        columns = _order(values.columns, labels, f"{name}: columns")
        array = array if columns is None else array[:, columns]
    return array


def _order(index: Any, labels: tuple[str, ...], name: str) -> list[int] | None:
    """Places of the labels in an index; ``None`` where they already stand in order, or where the index only counts."""
    found = list(index)
    if found == list(range(len(labels))) and {str(one) for one in found} != set(labels):
        return None
    words = [one if isinstance(one, str) else str(one) for one in found]
    if tuple(words) == labels:
        return None
    place = {word: k for k, word in enumerate(words)}
    missing = [label for label in labels if label not in place]
    extra = [word for word in words if word not in set(labels)]
    if missing or extra or len(place) != len(words):
        what = f"lack {missing[0]!r}" if missing else f"have {extra[0]!r}" if extra else "name an industry twice"
        raise TableFault(f"{name} {what}; expected the sectors of the table, each once")
    return [place[label] for label in labels]

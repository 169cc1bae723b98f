"""Sums over rows and over markets that do not depend on how many draws stand side by side."""

from dataclasses import dataclass

import numpy as np

from karvan.base.axes import Array, BoolArray, IntArray


@dataclass(frozen=True, eq=False)
class Groups:
    """Sums of rows by group, each group's rows added in their order."""

    count: int
    some: IntArray
    """Groups that have rows."""
    first: IntArray
    """The first row of each of them."""
    later: tuple[tuple[IntArray, IntArray], ...]
    """Groups that have a second row, by place in ``some``, and that row; the same for a third, and so on."""

    @classmethod
    def of(cls, group: IntArray, count: int) -> "Groups":
        """``group`` (rows,), the group of each row, below ``count``; a row of another number is in none."""
        rows = np.flatnonzero((group >= 0) & (group < count))
        rows = rows[np.argsort(group[rows], kind="stable")]
        some, start, size = np.unique(group[rows], return_index=True, return_counts=True)
        later = []
        for place in range(1, int(size.max(initial=0))):
            more = np.flatnonzero(size > place)
            later.append((more, rows[start[more] + place]))
        return cls(count, some, rows[start], tuple(later))

    def sum(self, rows: Array) -> Array:
        """(rows, ...) summed to (groups, ...); 0 for a group without rows."""
        out = rows[self.first]
        for groups, more in self.later:
            out[groups] += rows[more]
        if len(self.some) == self.count:
            return out
        whole = np.zeros((self.count, *rows.shape[1:]))
        whole[self.some] = out
        return whole


def over_markets(rows: Array) -> Array:
    """(rows, M, D) summed to (rows, D), market after market, a lone draw as it would be among others."""
    if rows.shape[-1] == 1:
        return np.add.accumulate(rows, axis=1)[:, -1]
    return np.asarray(np.add.reduce(rows, axis=1))


def positions(chosen: BoolArray) -> IntArray:
    """Number of each chosen one among the chosen; -1 for the others."""
    return np.where(chosen, np.cumsum(chosen) - 1, -1)

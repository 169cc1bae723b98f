"""How the uncertain numbers of a block are sampled: Latin hypercube, Sobol points or plain, and what moves together.

A cell's quantiles depend on (seed, name of the cell, block) only, so scenarios share them whatever else they ask for.
Correlations are stated by the study (``correlations.csv``). Between cells ``rho`` is a rank correlation; under a Latin
hypercube the columns are reordered (Iman and Conover 1982, Communications in Statistics B 11), so that each stays a
complete hypercube; else a Gaussian copula is used. Between streams of yearly shocks it is that of the shocks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from karvan.base.axes import Array
from karvan.base.errors import InputError, UnknownName, nearest
from karvan.base.streams import BLOCK, latin_hypercube, stream

METHODS = ("lhs", "sobol", "plain")
"""Latin hypercube in each block; one scrambled Sobol sequence over all blocks; independent numbers."""
YEARLY = ("income", "real_rate", "demand_noise")
"""Streams of shocks by year and market, which a study may correlate with each other."""
OTHER = "other:"
"""Begins the name of a stream in the second, independent sample of a Saltelli design."""


@dataclass(frozen=True)
class Correlation:
    """Two uncertain numbers that move together."""

    first: str
    second: str
    rho: float
    """-1 to 1."""


@dataclass(frozen=True)
class Sampling:
    """How to sample; checked when made."""

    method: str = "lhs"
    correlations: tuple[Correlation, ...] = ()
    dimensions: tuple[str, ...] = ()
    """Under ``sobol``: the cells in the order of the sequence's dimensions. Cells not among them are sampled by lhs."""

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            hint = nearest(self.method, METHODS) or f"known: {', '.join(METHODS)}"
            raise UnknownName(f"no sampling '{self.method}'; {hint}")
        seen = set()
        for item in self.correlations:
            pair = frozenset((item.first, item.second))
            if len(pair) < 2:
                raise InputError(f"correlations.csv: {item.first} with itself; expected two different names")
            if pair in seen:
                raise InputError(f"correlations.csv: {item.first} with {item.second} twice; keep one row")
            seen.add(pair)
            yearly = [name for name in (item.first, item.second) if name in YEARLY]
            if len(yearly) == 1:
                raise InputError(
                    f"correlations.csv: {item.first} with {item.second}: a stream of yearly shocks can only move with "
                    f"another one ({', '.join(YEARLY)})"
                )
        for names in self.clusters():
            self.factor(names)

    def clusters(self) -> tuple[tuple[str, ...], ...]:
        """Names that move together, directly or through others, each cluster and all of them in order of name."""
        return _clusters(self.correlations)

    def cluster(self, name: str) -> tuple[str, ...]:
        """The cluster a name belongs to; empty for one that moves alone."""
        return next((names for names in self.clusters() if name in names), ())

    def factor(self, names: tuple[str, ...]) -> Array:
        """(k, k), Cholesky factor of the correlation of the normal scores of a cluster.

        Errors: :class:`InputError` where the correlations contradict each other.
        """
        return _factor(self.correlations, names)

    def uniforms(self, seed: int, name: str, block: int, prefix: str = "") -> Array:
        """(BLOCK,), quantiles in (0, 1) of a cell in a block; ``prefix`` names another, independent sample."""
        together = self.cluster(name)
        if not together:
            return self._column(seed, name, block, prefix)
        from scipy.special import ndtr, ndtri

        columns = np.stack([self._column(seed, member, block, prefix) for member in together])
        scores = ndtri(columns)
        if self.method == "lhs":
            # Scores as drawn are a little correlated by chance; that is taken out before the wanted one goes in.
            centred = scores - scores.mean(axis=1, keepdims=True)
            drawn = np.linalg.cholesky(np.corrcoef(centred))
            wanted = self.factor(together) @ np.linalg.solve(drawn, centred / centred.std(axis=1, keepdims=True))
            ranks = np.argsort(np.argsort(wanted, axis=1, kind="stable"), axis=1, kind="stable")
            moved = np.take_along_axis(np.sort(columns, axis=1), ranks, axis=1)
        else:
            moved = np.clip(ndtr(self.factor(together) @ scores), 1e-12, 1 - 1e-12)
        return np.asarray(moved[together.index(name)])

    def _column(self, seed: int, name: str, block: int, prefix: str) -> Array:
        if self.method == "plain":
            return np.clip(stream(seed, prefix + name, block).random(BLOCK), 1e-12, 1 - 1e-12)
        if self.method == "sobol" and name in self.dimensions:
            points = _sobol(seed, prefix, block, len(self.dimensions))
            return np.asarray(points[self.dimensions.index(name)])
        return _hypercube(seed, prefix + name, block)


@lru_cache(maxsize=4096)
def _hypercube(seed: int, name: str, block: int) -> Array:
    """A column of a block, read-only: scenarios share their draws, so those of a few blocks wait for the next one."""
    column = latin_hypercube(seed, name, block, BLOCK)
    column.flags.writeable = False
    return column


@lru_cache(maxsize=64)
def _clusters(correlations: tuple[Correlation, ...]) -> tuple[tuple[str, ...], ...]:
    groups: list[set[str]] = []
    for item in correlations:
        joined = {item.first, item.second}
        apart = []
        for group in groups:
            if group & joined:
                joined |= group
            else:
                apart.append(group)
        groups = [*apart, joined]
    return tuple(sorted(tuple(sorted(group)) for group in groups))


@lru_cache(maxsize=64)
def _factor(correlations: tuple[Correlation, ...], names: tuple[str, ...]) -> Array:
    matrix = np.eye(len(names))
    for item in correlations:
        if item.first in names:
            i, j = names.index(item.first), names.index(item.second)
            # Pearson's correlation of normal scores that has the rank correlation rho (Pearson 1907).
            score = item.rho if names[0] in YEARLY else 2.0 * np.sin(np.pi * item.rho / 6.0)
            matrix[i, j] = matrix[j, i] = score
    least = float(np.linalg.eigvalsh(matrix)[0])
    if least < 1e-9:
        raise InputError(
            f"correlations.csv: the correlations of {', '.join(names)} contradict each other (least eigenvalue "
            f"{least:.3f}, expected above 0); bring them closer to 0"
        )
    return np.asarray(np.linalg.cholesky(matrix), dtype=np.float64)


@lru_cache(maxsize=2)
def _sobol(seed: int, prefix: str, block: int, count: int) -> Array:
    """(count, BLOCK), points ``block * BLOCK`` to ``(block + 1) * BLOCK`` of one scrambled Sobol sequence.

    Direction numbers of Joe and Kuo (2008), linear matrix scramble and digital shift (Matousek 1998), by SciPy.
    """
    from scipy.stats import qmc  # half a second to import: only this method needs it

    key = int(stream(seed, f"{prefix}sobol").integers(2**63))
    engine = qmc.Sobol(count, scramble=True, rng=key)
    if block:
        engine.fast_forward(block * BLOCK)
        points = engine.random(BLOCK)
    else:
        points = engine.random_base2(int(np.ceil(np.log2(BLOCK))))[:BLOCK]
    return np.ascontiguousarray(np.clip(points, 1e-12, 1 - 1e-12).T)


LHS = Sampling()
"""Latin hypercube, nothing correlated."""


def normals(sampling: Sampling, seed: int, name: str, block: int, prefix: str, shape: tuple[int, ...]) -> Array:
    """Standard normal numbers of a named stream, correlated with the streams the study says it moves with."""
    together = sampling.cluster(name) if name in YEARLY else ()
    if not together:
        return stream(seed, prefix + name, block).standard_normal(shape)
    row = sampling.factor(together)[together.index(name)]
    total = np.zeros(shape)
    for weight, member in zip(row, together, strict=True):
        if weight:
            total += weight * stream(seed, prefix + member, block).standard_normal(shape)
    return total


def check_names(sampling: Sampling, drawn: Mapping[str, object]) -> None:
    """Every correlated name must be one that the run draws, else the correlation would silently do nothing.

    Errors: :class:`UnknownName`.
    """
    for names in sampling.clusters():
        for name in names:
            if name not in drawn and name not in YEARLY:
                hint = nearest(name, [*drawn, *YEARLY]) or "a cell is named parameter.key, such as kit_price.PLANT"
                raise UnknownName(f"correlations.csv: the run draws no '{name}'; {hint}")

"""What drives a figure: a first sensitivity from the futures at hand, without running more.

For each uncertain number the futures are sorted by it and cut into equal slices; the variance of the slice means over
the variance of all is the share of variance that the number explains on its own (the first-order index, estimated from
given data: Plischke, Borgonovo and Smith 2013, European Journal of Operational Research 226). The share that pure chance
would give, ``(slices - 1) / draws``, is taken off.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from karvan.base.axes import Array
from karvan.base.streams import BLOCK, latin_hypercube
from karvan.futures.ensemble import Futures
from karvan.futures.figures import draws_of, parse
from karvan.study.register import parameters

SLICES = 20


@dataclass(frozen=True)
class Driver:
    """One uncertain number and what it does to a figure."""

    name: str
    title: str
    share: float
    """Share of the figure's variance that it explains on its own, 0 to 1."""
    low: float
    """Median of the figure in the lowest fifth of the number."""
    high: float
    """Median of the figure in the highest fifth."""
    sign: int


@dataclass(frozen=True)
class Drivers:
    """What drives a figure, the strongest first."""

    figure: str
    rows: tuple[Driver, ...]
    rest: float
    """Share of variance that no single number explains: chance within a future (openings, interruptions, noise) and
    numbers acting together."""


def drivers(text: str, runs: Mapping[str, Futures], *, most: int = 12) -> Drivers:
    """The uncertain numbers that explain most of a forecast figure's variance.

    The figure is ranked first, so that a long tail does not decide.
    """
    address = parse(text)
    values = draws_of(address, runs)
    run = runs[address.scenario]
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable").astype(np.float64)
    found = []
    for name, cell in run.cells.items():
        if cell.certain:
            continue
        uniform = uniforms(run, name)
        share, low, high = effect(uniform, ranks, values)
        found.append(Driver(name, title_of(name), share, low, high, int(np.sign(high - low))))
    found.sort(key=lambda row: (-row.share, row.name))
    total = min(sum(row.share for row in found), 1.0)
    return Drivers(text, tuple(found[:most]), 1.0 - total)


def uniforms(run: Futures, name: str) -> Array:
    """(D,), the quantiles at which an uncertain number was drawn."""
    blocks = [latin_hypercube(run.seed, name, block, BLOCK) for block in range((run.draws + BLOCK - 1) // BLOCK)]
    return np.concatenate(blocks)[: run.draws]


def effect(uniform: Array, ranks: Array, values: Array) -> tuple[float, float, float]:
    """Share of the variance of ranks explained by slices of ``uniform``; medians of values in its lowest and highest fifth."""
    count = ranks.size
    slices = max(min(SLICES, count // 25), 2)
    order = np.argsort(uniform, kind="stable")
    groups = np.array_split(ranks[order], slices)
    means = np.array([group.mean() for group in groups])
    sizes = np.array([group.size for group in groups], dtype=np.float64)
    total = float(ranks.var())
    if total <= 0.0:
        return 0.0, float(np.median(values)), float(np.median(values))
    between = float((sizes * (means - ranks.mean()) ** 2).sum() / count / total)
    share = max((between - (slices - 1) / count) / (1 - (slices - 1) / count), 0.0)
    fifth = max(count // 5, 1)
    return share, float(np.median(values[order[:fifth]])), float(np.median(values[order[-fifth:]]))


def title_of(name: str) -> str:
    """A readable name of an uncertain number."""
    stem, _, key = name.partition(".")
    if stem in parameters():
        return f"{parameters()[stem].title}{f' ({key})' if key else ''}"
    words = {
        "markets": "market",
        "frictions": "friction",
        "offers": "offer",
        "shops": "shop",
        "nameplate": "announced capacity",
    }
    return f"{words.get(stem, stem)}: {key.replace('.', ' ')}"

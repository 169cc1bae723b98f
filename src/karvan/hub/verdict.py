"""Is it a hub? Five conditions that must hold together in the same future, and what it is instead if they do not.

The verdict is a probability: the share of futures in which all five hold in a year. It is never a score, and is shown
with its sensitivity to each threshold, because no threshold is a law of nature.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array, BoolArray, IntArray
from karvan.base.errors import InputError, UnknownName, nearest

CONDITIONS: Final = ("output", "export_share", "destinations", "local_content", "npv")
"""The conditions, in the order of the last axis of :attr:`Verdict.met`."""

ALTERNATIVES: Final = (
    "hub",
    "home_market_assembly",
    "single_corridor",
    "kit_reexport",
    "idle_plant",
    "exporter_short_of_hub",
)
"""What an industry is in one year of one future, by code; the rules are in :func:`hub_verdict`."""

NOTHING_BINDS: Final = -1
"""The code in :attr:`Verdict.binding` of a year in which every future is a hub."""


@dataclass(frozen=True)
class Thresholds:
    """What has to be reached. The figures are the model's definition of a hub, not a law."""

    output: float = 150_000
    """Cars made per year, at least."""
    export_share: float = 0.5
    """Share of output sold abroad, at least."""
    destination_share: float = 0.15
    """A destination counts if it takes more than this share of exports."""
    destinations: float = 2
    """Destinations that count, at least."""
    local_content: float = 0.35
    """Domestic value in the ex-works price, at least."""
    npv: float = 0.0
    """Net present value of the project without subsidy, above this (money)."""
    probability: float = 2 / 3
    """Share of futures from which "hub" is said."""
    idle_output: float = 7_500
    """Cars per year below which plants count as idle: assumed (range 2,000 to 15,000); does not touch the verdict."""


@dataclass(frozen=True, eq=False)
class Verdict:
    """The joint event by draw and year, and what stands in its way."""

    met: BoolArray
    """(D, Y, 5), whether each of ``CONDITIONS`` holds."""
    hub: BoolArray
    """(D, Y), whether all hold."""
    probability: Array
    """(Y,), share of draws in which all hold."""
    condition_probability: Array
    """(Y, 5), share of draws in which each holds."""
    without: Array
    """(Y, 5), share of draws in which all the *other* conditions hold."""
    binding: IntArray
    """(Y,), the condition whose removal would raise the probability most; ties (as when two always fail together) go to
    the one that fails most often, then to the first. ``NOTHING_BINDS`` where every future is a hub."""
    alternative: IntArray
    """(D, Y), code in ``ALTERNATIVES``."""
    thresholds: Thresholds

    @property
    def says_hub(self) -> BoolArray:
        """(Y,), whether the probability reaches ``thresholds.probability``."""
        said: BoolArray = self.probability >= self.thresholds.probability
        return said

    @property
    def binding_name(self) -> tuple[str, ...]:
        """The binding condition of each year by name; ``""`` where nothing binds."""
        return tuple(CONDITIONS[code] if code >= 0 else "" for code in self.binding.tolist())

    @property
    def alternative_probability(self) -> Array:
        """(Y, 6), share of draws in each of ``ALTERNATIVES``; rows sum to 1."""
        codes = np.arange(len(ALTERNATIVES))
        return np.asarray((self.alternative[..., None] == codes).mean(axis=0))


def hub_verdict(
    output: ArrayLike,
    exports: ArrayLike,
    home: ArrayLike | None,
    local_content: ArrayLike,
    npv: ArrayLike,
    thresholds: Thresholds = Thresholds(),
) -> Verdict:
    """Probability by year that the country is a hub, which condition binds, and what it is otherwise.

    Within one draw and year, with exports ``x_m`` to market ``m`` abroad ::

        output        output                              >= thresholds.output
        export_share  sum_m x_m / output                  >= thresholds.export_share
        destinations  #{m: x_m > destination_share sum x} >= thresholds.destinations
        local_content local_content                       >= thresholds.local_content
        npv           npv                                 >  thresholds.npv

    If not all hold, the first that fits of: ``idle_plant`` (output below ``idle_output``); ``home_market_assembly``
    (export share too low); ``kit_reexport`` (it exports, local content too low); ``single_corridor`` (it exports, to
    too few destinations); ``exporter_short_of_hub`` (all but size or profit).

    Parameters
    ----------
    output : (D, Y), cars per year made in the country, kits included.
    exports : (D, Y, M), cars per year made in the country and sold in each market; re-exports excluded.
    home : the home market, an index or an (M,) mask, left out of exports; ``None`` if ``exports`` has no home column.
    local_content : (D, Y), share of 1, domestic value in the ex-works price.
    npv : (D,) or (D, Y), money, without subsidy.

    >>> verdict = hub_verdict([[400_000.0]], [[[160e3, 120e3, 60e3, 60e3]]], 0, [[0.6]], [[1e8]])
    >>> verdict.probability, verdict.binding_name
    (array([1.]), ('',))
    """
    made = np.asarray(output, dtype=float)
    sold = np.asarray(exports, dtype=float)
    if made.ndim != 2 or sold.ndim != 3 or sold.shape[:2] != made.shape:
        raise InputError(f"output {made.shape} and exports {sold.shape} do not fit; expected (D, Y) and (D, Y, M)")
    content = np.asarray(local_content, dtype=float)
    value = np.asarray(npv, dtype=float)
    value = value[:, None] if value.ndim == 1 else value
    for name, array in (("local_content", content), ("npv", value)):
        if array.ndim == 2 and (array.shape[0] != made.shape[0] or array.shape[1] not in (1, made.shape[1])):
            raise InputError(f"{name} is {array.shape}; expected {made.shape}")
    for name, array in (("output", made), ("exports", sold), ("local_content", content), ("npv", value)):
        if np.isnan(array).any():  # a comparison with nan is silently false
            raise InputError(f"{name} has a missing number; expected one for every draw and year")
    abroad = np.ones(sold.shape[-1], dtype=bool)
    if home is not None:
        abroad[np.asarray(home)] = False
    foreign = sold[..., abroad]
    total = foreign.sum(axis=-1)
    share = np.divide(total, made, out=np.zeros_like(made), where=made > 0)
    counts = (foreign > thresholds.destination_share * total[..., None]).sum(axis=-1)
    met = np.stack(
        [
            made >= thresholds.output,
            share >= thresholds.export_share,
            counts >= thresholds.destinations,
            np.broadcast_to(content >= thresholds.local_content, made.shape),
            np.broadcast_to(value > thresholds.npv, made.shape),
        ],
        axis=-1,
    )
    hub: BoolArray = np.asarray(met.all(axis=-1))
    missed = (~met).sum(axis=-1)
    without = ((missed == 0)[..., None] | ((missed == 1)[..., None] & ~met)).mean(axis=0)
    passed = met.mean(axis=0)
    # Draws are counted, so gains differ by 1/D at least: a smaller weight on failures only breaks ties.
    gain = without + (1 - passed) * 0.5 / len(made)
    binding = np.where(hub.all(axis=0), NOTHING_BINDS, np.argmax(gain, axis=-1)).astype(np.int64)
    alternative = np.select(
        [hub, made < thresholds.idle_output, ~met[..., 1], ~met[..., 3], ~met[..., 2]], [0, 4, 1, 3, 2], default=5
    ).astype(np.int64)
    return Verdict(met, hub, hub.mean(axis=0), passed, without, binding, alternative, thresholds)


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """How the probability moves with one threshold, the others as they are."""

    values: Array
    """(N,), values of the threshold, in its own unit."""
    probability: Array
    """(N, Y), share of draws that are a hub."""


def threshold_sensitivity(
    output: ArrayLike,
    exports: ArrayLike,
    home: ArrayLike | None,
    local_content: ArrayLike,
    npv: ArrayLike,
    thresholds: Thresholds = Thresholds(),
    grid: Mapping[str, Sequence[float]] | None = None,
) -> dict[str, Sensitivity]:
    """Probability of a hub as each threshold is varied alone.

    Parameters
    ----------
    output, exports, home, local_content, npv : as for :func:`hub_verdict`.
    grid : threshold name to the values to try; by default half, three quarters, one, five quarters and one and a half
        times each of the five, and 1 to 3 destinations. The NPV is varied only if asked, because 0 has no multiples.

    >>> tried = threshold_sensitivity([[120e3]], [[[0.0, 60e3, 60e3]]], 0, [[0.5]], [[1.0]])["output"]
    >>> tried.values, tried.probability[:, 0]
    (array([ 75000., 112500., 150000., 187500., 225000.]), array([1., 1., 0., 0., 0.]))
    """
    scaled = ("output", "export_share", "destination_share", "local_content")
    if grid is None:
        grid = {name: [f * getattr(thresholds, name) for f in (0.5, 0.75, 1.0, 1.25, 1.5)] for name in scaled}
        grid = {**grid, "destinations": [1.0, 2.0, 3.0]}
    known = (*scaled, "destinations", "npv")
    for name in grid:
        if name not in known:
            raise UnknownName(f"no threshold {name!r}; {nearest(name, known) or 'expected one of ' + ', '.join(known)}")
    results = {}
    for name, values in grid.items():
        # one verdict a value: a handful, each vectorised over draws and years
        tried = [
            hub_verdict(output, exports, home, local_content, npv, _with(thresholds, name, value)).probability
            for value in values
        ]
        results[name] = Sensitivity(np.asarray(values, dtype=float), np.asarray(tried))
    return results


def _with(thresholds: Thresholds, name: str, value: float) -> Thresholds:
    changes: Mapping[str, float] = {name: value}
    return replace(thresholds, **changes)

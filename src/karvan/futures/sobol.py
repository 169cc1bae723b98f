"""What drives a figure, by exchange: Sobol indices of groups of uncertain numbers and of single ones.

Two independent samples ``A`` and ``B`` of everything uncertain are taken, chance within a future included; for every
factor a third run takes that factor from ``B`` and the rest from ``A``. The first-order index is the share of variance
that the factor explains on its own, the total index the share that would remain if all else were known: interactions
are in the total index only. Estimators: Saltelli et al. (2010), Computer Physics Communications 181, table 2, (b) for
the first order and (f), after Jansen (1999), for the total.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from karvan.base.axes import Array
from karvan.base.errors import InputError, UnknownName, nearest
from karvan.base.quantities import quantities
from karvan.base.streams import stream
from karvan.futures.drivers import strongest, title_of
from karvan.futures.engines import PROCESSES, Piece, Worker, run_pieces
from karvan.futures.ensemble import Progress, futures_of, pieces_of, worker_of
from karvan.futures.figures import draws_of, parse
from karvan.futures.inputs import Prepared
from karvan.futures.sample import Sampling
from karvan.futures.yearloop import Block
from karvan.study.load import Study
from karvan.study.schema import GROUPS

STREAMS: dict[str, tuple[str, str]] = {
    "income": ("demand", "Chance: income, year by year"),
    "income_drift": ("demand", "Chance: long-run growth of income"),
    "population": ("demand", "Chance: population, year by year"),
    "population_drift": ("demand", "Chance: long-run growth of population"),
    "real_rate": ("demand", "Chance: real exchange rates, year by year"),
    "devaluation": ("demand", "Chance: devaluations"),
    "devaluation_step": ("demand", "Chance: size of a devaluation"),
    "demand_noise": ("demand", "Chance: purchases, year by year"),
    "commercial_noise": ("demand", "Chance: commercial vehicles, year by year"),
    "plants.open": ("plants", "Chance: whether announced plants open"),
    "plants.delay": ("plants", "Chance: when they open"),
    "plants.states": ("plants", "Chance: interruptions, exits and arrivals of plants"),
    "record": ("plants", "Chance: error of the output on record"),
    "flows": ("behaviour", "Chance: error of the base-year flows"),
    "plant_noise": ("behaviour", "Chance: luck of plants with buyers"),
    "rivals.entry": ("behaviour", "Chance: new foreign plants in the region"),
    "donor": ("economy", "Chance: donor of the input-output table"),
}
"""Streams of chance: the group each belongs to, and its name for readers."""
RESAMPLES = 200
"""Bootstrap samples behind a confidence interval."""
LEAST = 50
"""Draws below which indices say nothing."""
Z95 = 1.959963984540054


@dataclass(frozen=True)
class Index:
    """Sobol indices of one factor, share of the figure's variance, with 95 % confidence intervals."""

    name: str
    title: str
    first: float
    first_error: float
    """Half width of the 95 % confidence interval."""
    total: float
    total_error: float
    members: int
    """Uncertain numbers and streams in the factor."""


@dataclass(frozen=True)
class Sobol:
    """Sobol indices of a figure, the largest total first."""

    figure: str
    rows: tuple[Index, ...]
    draws: int
    """Draws of each of the two samples."""
    futures: int
    """Futures simulated: draws x (factors + 2)."""
    ranked: bool
    """Whether the figure's ranks were taken, so that a long tail does not decide."""
    alone: float
    """Sum of the first-order indices; what is missing to 1 comes from factors acting together."""


def sobol_indices(a: Array, b: Array, exchanged: Array) -> tuple[Array, Array]:
    """First-order and total indices from a Saltelli design.

    ``S_i = mean(f_B (f_ABi - f_A)) / V`` and ``T_i = mean((f_A - f_ABi)^2) / (2 V)``, with ``V`` the variance of
    ``f_A`` and ``f_B`` together; all values are centred first, which makes ``S_i`` less noisy.

    Parameters
    ----------
    a, b : (N,), the figure in samples A and B.
    exchanged : (..., F, N), the figure in A with factor i taken from B. With leading axes (bootstrap) ``a`` and ``b``
        have them too: (..., N).

    Returns
    -------
    (..., F) each, share of 1. A figure that does not vary has indices 0.
    """
    both = np.concatenate([a, b], axis=-1)
    centre = (both.sum(axis=-1) + exchanged.sum(axis=(-1, -2))) / (both.shape[-1] + np.prod(exchanged.shape[-2:]))
    variance = both.var(axis=-1)[..., None]
    centred_b = (b - centre[..., None])[..., None, :]
    first = (centred_b * (exchanged - a[..., None, :])).mean(axis=-1)
    total = 0.5 * ((a[..., None, :] - exchanged) ** 2).mean(axis=-1)
    safe = np.where(variance > 0.0, variance, np.inf)
    return first / safe, total / safe


def confidence(a: Array, b: Array, exchanged: Array, seed: int) -> tuple[Array, Array]:
    """(F,) each, half widths of 95 % confidence intervals of both indices, by bootstrap over the rows of the design."""
    rows = stream(seed, "sobol.bootstrap").integers(0, a.size, (RESAMPLES, a.size))
    firsts, totals = [], []
    for factor in exchanged:  # one factor at a time keeps the resamples small
        first, total = sobol_indices(a[rows], b[rows], factor[rows][:, None, :])
        firsts.append(first[:, 0].std(ddof=1))
        totals.append(total[:, 0].std(ddof=1))
    return Z95 * np.array(firsts), Z95 * np.array(totals)


def sobol(
    study: Study,
    figure: str,
    *,
    by: str = "groups",
    draws: int = 1000,
    until: int | None = None,
    seed: int = 1,
    most: int = 12,
    ranked: bool = True,
    engine: str = PROCESSES,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Sobol:
    """Sobol indices of a forecast figure.

    Parameters
    ----------
    figure : address of a forecast, such as ``output.2035@hub``.
    by : ``groups`` (demand, costs, policy, partners, plants, behaviour, economy; each with its own streams of chance),
        ``parameters`` (the strongest single numbers by a first look, and every stream of chance), or the names of
        cells and streams, comma-separated.
    draws : of each of the two samples; ``draws x (factors + 2)`` futures are simulated.
    most : single numbers looked at under ``parameters``.
    ranked : take the figure's ranks, so that a long tail does not decide.

    Numbers that the study correlates move together: the factor of the first of them by name has them all.

    Errors: :class:`UnknownName` for a figure or name that is not there; :class:`InputError` below 50 draws.
    """
    if draws < LEAST:
        raise InputError(f"draws is {draws}; indices need {LEAST} or more in each sample")
    address = parse(figure)
    scenario = address.scenario
    worker = worker_of(study, scenario, until=until, seed=seed)
    prepared = worker.pilot(scenario)
    take = Take(figure)
    if take.net:
        worker.prepare("no_industry")
    first_look = None
    if by == "parameters":
        from karvan.futures.ensemble import simulate_many

        wanted = dict.fromkeys([scenario, "no_industry"] if take.net else [scenario], max(draws, 500))
        runs = simulate_many(study, wanted, until=until, seed=seed, workers=workers)
        first_look = strongest(figure, runs, most)
    factors = factors_of(prepared, by, worker.task.sampling, first_look)
    everything = frozenset({*prepared.drawn, *prepared.streams})
    swaps = [frozenset(), everything, *factors.values()]
    scenarios = [scenario, "no_industry"] if take.net else [scenario]
    pieces: list[Piece] = []
    for swap in swaps:
        own = pieces_of(scenario, draws, swap)
        pieces += [replace(piece, scenario=name) for piece in own for name in scenarios]
    results = run_pieces(worker, pieces, take, engine=engine, workers=workers)
    parts: list[Array] = []
    for part in take.join(worker, results, pieces):
        parts.append(part)
        if progress:
            progress(len(parts) * len(scenarios), len(pieces))
    table = np.concatenate(parts).reshape(len(swaps), draws)
    table = table[:, np.isfinite(table).all(axis=0)]  # futures that have no such thing are left out
    if table.shape[1] < LEAST:
        raise InputError(f"{figure} exists in {table.shape[1]} futures of {draws}; indices need {LEAST} or more")
    if ranked:
        table = _ranks(table)
    a, b, exchanged = table[0], table[1], table[2:]
    first, total = sobol_indices(a, b, exchanged)
    first_error, total_error = confidence(a, b, exchanged, seed)
    plants = study.table("plants")
    names = dict(zip(plants["plant"].to_list(), plants["name"].to_list(), strict=True))
    rows = [
        Index(
            name,
            factor_title(name, names),
            float(first[i]),
            float(first_error[i]),
            float(total[i]),
            float(total_error[i]),
            len(members),
        )
        for i, (name, members) in enumerate(factors.items())
    ]
    rows.sort(key=lambda row: (-row.total, row.name))
    return Sobol(figure, tuple(rows), draws, draws * len(swaps) * len(scenarios), ranked, float(first.sum()))


@dataclass(frozen=True)
class Take:
    """Takes one figure out of a block; of a net one the block itself, because it needs another scenario's too."""

    figure: str

    @property
    def net(self) -> bool:
        """Whether the figure is the difference of two scenarios."""
        quantity = quantities().get(parse(self.figure).quantity)
        return quantity is not None and quantity.kind == "net"

    def __call__(self, prepared: Prepared, piece: Piece, block: Block) -> Array | Block:
        """(D,), in the figure's unit, or the block."""
        if self.net:
            return block
        address = parse(self.figure)
        run = futures_of(prepared, address.scenario, 0, piece.size, [block])
        return np.asarray(draws_of(address, {address.scenario: run}), dtype=np.float64)

    def join(self, worker: Worker, parts: Iterator[Array | Block], pieces: list[Piece]) -> Iterator[Array]:
        """(D,) a piece of the figure's own scenario; the pieces of ``no_industry`` follow theirs."""
        address = parse(self.figure)
        runs = {}
        for piece, part in zip(pieces, parts, strict=True):
            if isinstance(part, Block):
                runs[piece.scenario] = futures_of(worker.prepare(piece.scenario), piece.scenario, 0, piece.size, [part])
                if len(runs) == 2:
                    yield np.asarray(draws_of(address, runs), dtype=np.float64)
                    runs = {}
            else:
                yield part


def factors_of(
    prepared: Prepared, by: str, sampling: Sampling, first_look: list[str] | None = None
) -> dict[str, frozenset[str]]:
    """The factors of a design: name to the cells and streams that are exchanged together."""
    group_of: dict[str, str] = {name: cell.group for name, cell in prepared.drawn.items()}
    group_of |= {name: _stream(name)[0] for name in prepared.streams}
    if by == "groups":
        factors = {group: {name for name, of in group_of.items() if of == group} for group in GROUPS}
    elif by == "parameters":
        factors = {name: {name} for name in first_look or []}
        for name in sorted(prepared.streams):
            factors.setdefault(f"chance.{_stem(name)}", set()).add(name)
    else:
        factors = {}
        for name in (part.strip() for part in by.split(",")):
            if name not in group_of:
                raise UnknownName(f"the run draws no '{name}'; {nearest(name, group_of) or 'see karvan drivers'}")
            factors[name] = {name}
    return {name: members for name, members in _together(factors, sampling).items() if members}


def _together(factors: Mapping[str, set[str]], sampling: Sampling) -> dict[str, frozenset[str]]:
    """Correlated numbers are exchanged as one, by the factor of the first of them: indices need independent factors."""
    out = {name: set(members) for name, members in factors.items()}
    for cluster in sampling.clusters():
        owner = next((name for member in cluster for name, members in out.items() if member in members), None)
        if owner is not None:
            for members in out.values():
                members -= set(cluster)
            out[owner] |= set(cluster)
    return {name: frozenset(members) for name, members in out.items()}


def _stem(name: str) -> str:
    return "record" if name.startswith("record.") else name


def _stream(name: str) -> tuple[str, str]:
    if _stem(name) not in STREAMS:
        raise InputError(f"the stream of chance '{name}' belongs to no group; add it to karvan.futures.sobol.STREAMS")
    return STREAMS[_stem(name)]


def factor_title(name: str, plants: Mapping[str, str] | None = None) -> str:
    """A readable name of a factor."""
    if name in GROUPS:
        return name.capitalize()
    stem = _stem(name.removeprefix("chance."))
    return STREAMS[stem][1] if stem in STREAMS else title_of(name, plants)


def _ranks(table: Array) -> Array:
    """Mid-ranks of all values among those of samples A and B: one rising function for every row."""
    base = np.sort(table[:2].reshape(-1))
    left, right = np.searchsorted(base, table, side="left"), np.searchsorted(base, table, side="right")
    return np.asarray(0.5 * (left + right) / base.size)


__all__ = ["STREAMS", "Index", "Sobol", "Worker", "confidence", "factors_of", "sobol", "sobol_indices"]

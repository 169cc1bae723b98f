"""Many futures: blocks of draws, run one after the other or side by side, joined in draw order."""

import os
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import polars as pl

from karvan.base.axes import Array
from karvan.base.errors import InputError, UnknownName, nearest
from karvan.base.quantities import quantities
from karvan.base.streams import BLOCK
from karvan.futures.engines import (
    IN_PROCESS,
    PROCESSES,
    Piece,
    Task,
    Worker,
    run_pieces,
    whole,
)
from karvan.futures.inputs import Prepared
from karvan.futures.layout import Layout
from karvan.futures.parcels import pack, unpack
from karvan.futures.processes import crew
from karvan.futures.sample import LHS, Correlation, Sampling, check_names
from karvan.futures.yearloop import BOUND, Block
from karvan.hub.verdict import ALTERNATIVES, CONDITIONS, Verdict, hub_verdict
from karvan.study.cells import Cell
from karvan.study.load import Study
from karvan.study.scenario import COUNTERFACTUAL, moves_the_world

Progress = Callable[[int, int], None]
"""Called with blocks done and blocks in all."""
T = TypeVar("T")


class Joined(Mapping[str, Array]):
    """Quantities of several blocks by name, joined in draw order when they are asked for: most never are."""

    def __init__(self, blocks: list[dict[str, Array]]) -> None:
        self._names = tuple(blocks[0])
        # What only the first block has stands for all.
        self._parts = {name: [block[name] for block in blocks if name in block] for name in self._names}

    def __getitem__(self, name: str) -> Array:
        parts = self._parts[name]
        if len(parts) > 1:
            parts[:] = [np.concatenate(parts)]
        return parts[0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True)
class Futures:
    """The result of a simulation. Quantities are attributes: ``f.output`` is a tidy Polars frame."""

    study: Study
    scenario: str
    seed: int
    draws: int
    layout: Layout
    figures: Mapping[str, Array]
    """National quantities, (D, Y)."""
    plants: Mapping[str, Array]
    """By own plant, (D, Y, P)."""
    markets: Mapping[str, Array]
    """By market, (D, Y, M)."""
    sectors: Mapping[str, Array]
    """By industry, (D, Y, S)."""
    offers: Mapping[str, Array]
    """Delivered prices of the first year, (D, V, M), and the middle of their steps, (V, M)."""
    flows: Mapping[str, Array]
    """The plants' flows at border prices, (D, Y), million local currency: see :mod:`karvan.futures.accounts`."""
    verdict: Verdict
    cells: Mapping[str, Cell]
    """Every uncertain number the run asked for, by name."""
    donors: tuple[str, ...] = ()
    drawn: Mapping[str, Cell] = field(default_factory=dict)
    """Every uncertain number that was drawn, by the name of its quantiles."""
    sampling: Sampling = LHS
    _frames: dict[str, pl.DataFrame] = field(default_factory=dict, compare=False, repr=False)

    @property
    def years(self) -> tuple[int, ...]:
        """The years of the run."""
        return self.layout.years

    @property
    def own_plants(self) -> tuple[str, ...]:
        """Own plants on the plant axis, unannounced ones last."""
        return self.layout.plants[: self.layout.own]

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.figures, *self.plants})

    def __getattr__(self, name: str) -> pl.DataFrame:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.frame(name)

    def frame(self, name: str) -> pl.DataFrame:
        """A quantity as a tidy frame: key columns, then ``value``. ``plant`` is ``total`` for the country."""
        if name not in self._frames:
            parts = []
            if name in self.figures:
                parts.append(self._long(self.figures[name], None, "total"))
            for group, labels in ((self.plants, self.own_plants), (self.markets, self.layout.markets)):
                if name in group:
                    column = "plant" if group is self.plants else "market"
                    if column == "market" and parts:
                        continue  # by market under its own name below
                    frames = [self._long(group[name][:, :, i], column, label) for i, label in enumerate(labels)]
                    parts.append(pl.concat(frames))
            if not parts:
                known = [*self.figures, *self.plants, *self.markets]
                raise UnknownName(f"no quantity '{name}' in these futures; {nearest(name, known)}")
            if len(parts) > 1:
                parts[0] = parts[0].select(
                    pl.col("draw"), pl.col("year"), pl.lit("total").alias("plant"), pl.col("value")
                )
            self._frames[name] = pl.concat(parts)
        return self._frames[name]

    def by_market(self, name: str) -> pl.DataFrame:
        """A quantity by market as a tidy frame with the columns draw, year, market, value."""
        labels = self.layout.markets
        return pl.concat(self._long(self.markets[name][:, :, i], "market", label) for i, label in enumerate(labels))

    def _long(self, values: Array, column: str | None, label: str) -> pl.DataFrame:
        draws, years = values.shape
        data: dict[str, object] = {
            "draw": np.repeat(np.arange(draws), years),
            "year": np.tile(np.asarray(self.years), draws),
        }
        frame = pl.DataFrame(data)
        if column:
            frame = frame.with_columns(pl.lit(label).alias(column))
        return frame.with_columns(pl.Series("value", np.ascontiguousarray(values).reshape(-1)))


def simulate(
    study: Study,
    *,
    scenario: str = "baseline",
    draws: int = 1000,
    start: int | None = None,
    until: int | None = None,
    seed: int = 1,
    workers: int | None = None,
    progress: Progress | None = None,
    known_income: bool = False,
    engine: str = PROCESSES,
    sampling: str = "lhs",
) -> Futures:
    """Simulate many futures of a study under a scenario.

    Parameters
    ----------
    study : from :func:`karvan.load`.
    scenario : one of ``study.scenarios``.
    draws : number of futures, 1 or more; sampled in blocks of 500, each a complete Latin hypercube.
    start : first year; the study's own if left out. A past year runs history again with what was known of income.
    until : last year; the study's horizon if left out.
    seed : whole number. Same study, scenario and seed give the same results on any number of workers.
    workers : processes; 1 stays in this one. Left out: as many as there are processors, for runs worth it.
    progress : called after each block.
    known_income : whether income in years on record is taken as it was even if the study is read as of an earlier date.
    engine : ``processes``, ``here``, or the address of a Dask scheduler such as ``tcp://host:8786``.
    sampling : ``lhs``, ``sobol`` or ``plain``.

    Errors: :class:`UnknownName` for a scenario, lever or plant that does not exist; :class:`InputError` for draws
    below 1 or a horizon before the start.
    """
    pieces = pieces_of(scenario, draws)
    worker = worker_of(
        study,
        scenario,
        start=start,
        until=until,
        seed=seed,
        known_income=known_income,
        sampling=sampling,
        prepared=False,
    )
    results: list[Block] = []
    for done, block in enumerate(run_pieces(worker, pieces, whole, engine=engine, workers=workers), start=1):
        results.append(block)
        if progress:
            progress(done, len(pieces))
    return join(worker, scenario, draws, results)


def pieces_of(scenario: str, draws: int, swap: frozenset[str] = frozenset()) -> list[Piece]:
    """The blocks of a run. Errors: :class:`InputError` for draws below 1."""
    if draws < 1:
        raise InputError(f"draws is {draws}; expected 1 or more")
    count = (draws + BLOCK - 1) // BLOCK
    return [Piece(scenario, number, min(BLOCK, draws - number * BLOCK), swap) for number in range(count)]


def worker_of(
    study: Study,
    scenario: str,
    *,
    start: int | None = None,
    until: int | None = None,
    seed: int = 1,
    known_income: bool = False,
    sampling: str = "lhs",
    prepared: bool = True,
) -> Worker:
    """A worker with the scenario prepared, unless that can wait. The rest as for :func:`simulate`."""
    first = study.settings.start_year if start is None else start
    last = study.settings.horizon if until is None else until
    if last < first:
        raise InputError(f"until is {last}, before the first year {first}")
    if last - first > 150:
        raise InputError(f"{first} to {last} is {last - first + 1} years; expected at most 151")
    income_as_of = None if known_income else "study"
    how = Sampling(sampling, correlations_of(study))
    if sampling == "sobol":
        # Dimensions are those of the baseline, so that scenarios share their draws.
        drawn = Worker(Task(study, first, last, seed, income_as_of)).pilot("baseline").drawn
        how = Sampling(sampling, how.correlations, tuple(sorted(drawn)))
    worker = Worker(Task(study, first, last, seed, income_as_of, how))
    if prepared:
        worker.prepare(scenario)
    return worker


def correlations_of(study: Study) -> tuple[Correlation, ...]:
    """What the study says moves together."""
    rows = study.table("correlations").iter_rows(named=True)
    return tuple(Correlation(row["first"], row["second"], float(row["rho"])) for row in rows)


def without_industry(name: str, run: Futures, runs: Mapping[str, Futures]) -> Futures:
    """The counterfactual of a run: its own where its scenario moves more than the industry, else ``no_industry``.

    Errors: :class:`UnknownName` where the futures of that scenario are not at hand; ``name`` is what needs them.
    """
    own = f"{run.scenario}{COUNTERFACTUAL}"
    if own in runs:
        return runs[own]
    if "no_industry" not in runs:
        raise UnknownName(f"{name} needs the futures of scenario 'no_industry'")
    return runs["no_industry"]


def simulate_many(
    study: Study,
    scenarios: Mapping[str, int],
    *,
    start: int | None = None,
    until: int | None = None,
    seed: int = 1,
    workers: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Futures]:
    """Several scenarios under the same draws, side by side where there are processors for it.

    ``scenarios`` maps names to numbers of draws. Where ``no_industry`` is among them, a scenario that moves more than
    the industry gets a counterfactual of its own, named ``SCENARIO+no_industry``, for its net effects. The rest as for
    :func:`simulate`.
    """
    asked = {name: study.scenario(name) for name in scenarios}  # unknown names before any work
    if "no_industry" in scenarios:
        own = {
            f"{name}{COUNTERFACTUAL}": scenarios[name]
            for name, scenario in asked.items()
            if name != "no_industry" and moves_the_world(scenario, study.settings.home)
        }
        scenarios = {**scenarios, **own}
    done: dict[str, Futures] = {}
    count = min(workers if workers is not None else os.cpu_count() or 1, len(scenarios))
    total = sum(scenarios.values())
    if count <= 1 or (workers is None and total <= IN_PROCESS * BLOCK):
        alone = workers if len(scenarios) == 1 else 1
        for name, draws in scenarios.items():
            done[name] = simulate(study, scenario=name, draws=draws, start=start, until=until, seed=seed, workers=alone)
            if progress:
                progress(len(done), len(scenarios))
        return done
    tasks = sorted(scenarios.items(), key=lambda item: -item[1])  # the long ones first
    options = {"start": start, "until": until, "seed": seed, "workers": 1}
    packed = pickle.dumps(study)
    with crew(count) as others:
        pending = {
            name: others.executor.submit(in_worker, packed, _simulated, name, draws, options, others.folder)
            for name, draws in tasks
        }
        for name, future in pending.items():
            # The caller's study, not the worker's copy: what has been worked out for it is remembered with it.
            done[name] = replace(unpack(future.result()), study=study)
            if progress:
                progress(len(done), len(scenarios))
    return {name: done[name] for name in scenarios}


_STUDIES: dict[bytes, Study] = {}


def in_worker(packed: bytes, work: Callable[..., T], *arguments: Any) -> T:
    """In another process: do some work on a study, which is kept there.

    The pickled study travels with every task. Handed to a process at its start, it would hold up whoever starts the
    next one until this one has begun to read.
    """
    if packed not in _STUDIES:
        _STUDIES.clear()
        _STUDIES[packed] = pickle.loads(packed)
    return work(_STUDIES[packed], *arguments)


@contextmanager
def beside(study: Study, work: Sequence[Callable[[Study], T]]) -> Iterator[Callable[[], list[T]]]:
    """Work on a study in two processes of their own, while this one does other work.

    The function that is given waits until all is done, and returns the results in the order of the work.
    """
    packed = pickle.dumps(study)
    with crew(2) as others:
        pending = [others.executor.submit(in_worker, packed, one) for one in work]
        yield lambda: [future.result() for future in pending]


def _simulated(study: Study, name: str, draws: int, options: dict[str, Any], folder: str) -> Any:
    return pack(simulate(study, scenario=name, draws=draws, **options), folder)


def join(worker: Worker, scenario: str, draws: int, results: list[Block]) -> Futures:
    """Blocks of a scenario, in draw order, as one result."""
    prepared = worker.prepare(scenario)
    if not prepared.drawn:
        worker.pilot(scenario)  # others did the work: this process has yet to learn which cells were asked for
    if scenario == "baseline":
        check_names(worker.task.sampling, prepared.drawn)
    return futures_of(prepared, scenario, worker.task.seed, draws, results, worker.task.sampling)


def futures_of(
    prepared: Prepared, scenario: str, seed: int, draws: int, results: list[Block], sampling: Sampling = LHS
) -> Futures:
    """Blocks as one result."""

    def stack(name: str) -> Joined:
        return Joined([getattr(result, name) for result in results])

    figures, markets = stack("figures"), stack("markets")
    verdict = hub_verdict(
        figures["output"], markets["exports"], prepared.layout.home, figures["local_content"], figures["npv"]
    )
    return Futures(
        study=prepared.study,
        scenario=scenario,
        seed=seed,
        draws=draws,
        layout=prepared.layout,
        figures=figures,
        plants=stack("plants"),
        markets=markets,
        sectors=stack("sectors"),
        flows=stack("flows"),
        offers=stack("offers"),
        verdict=verdict,
        cells=dict(sorted({**prepared.drawn, **prepared.cells}.items())),
        donors=prepared.donors,
        drawn=dict(sorted(prepared.drawn.items())),
        sampling=sampling,
    )


def known_quantities() -> list[str]:
    """Names of all quantities, for help texts."""
    return list(quantities())


__all__ = ["ALTERNATIVES", "BOUND", "CONDITIONS", "Futures", "simulate"]

"""The functions a person calls from Python or a notebook, besides loading and simulating."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from karvan.futures.ensemble import Futures, simulate, simulate_many
from karvan.futures.explain import Explanation
from karvan.futures.explain import explain as explain_figure
from karvan.futures.figures import figure, parse, record
from karvan.study.load import Study
from karvan.study.scenario import COUNTERFACTUAL, moves_the_world

WITHOUT_RUNS = ("claim", "claims_difference", "parameter", "table")
"""Addresses that need no futures."""
NEAR = 2030
"""Year of the drivers that a report shows, where the futures reach it."""

Runs = Futures | Mapping[str, Futures]


def _runs(futures: Runs) -> dict[str, Futures]:
    """Futures by scenario, with the counterfactuals beside them."""
    runs = {futures.scenario: futures} if isinstance(futures, Futures) else dict(futures)
    first = next(iter(runs.values()))
    study, years = first.study, first.years
    needed = {f"{name}{COUNTERFACTUAL}" for name in runs if moves_the_world(study.scenario(name), study.settings.home)}
    for name in sorted({"no_industry", *needed} - set(runs)):
        runs[name] = simulate(study, scenario=name, draws=first.draws, start=years[0], until=years[-1], seed=first.seed)
    return runs


def report(futures: Runs, path: str | Path, *, main: str | None = None, back: Futures | None = None) -> Path:
    """Write the report of futures that were simulated: one HTML file that opens offline.

    Parameters
    ----------
    futures : one result of :func:`karvan.simulate`, or several by scenario name. The counterfactual is added.
    path : the file to write.
    main : the scenario that leads; the first if left out.
    back : a history run (:func:`karvan.futures.history.run_history`) for the report's look back; left out: none.
    """
    from karvan.futures.drivers import drivers
    from karvan.reporting.report import write

    runs = _runs(futures)
    lead = main or next(iter(runs))
    last = runs[lead].years[-1]
    return write(runs, Path(path), main=lead, backrun=back, drivers=drivers(f"output.{min(NEAR, last)}@{lead}", runs))


def compare(futures: Mapping[str, Futures], quantities: list[str], year: int) -> pl.DataFrame:
    """Quantities of several scenarios in one year: quantity, scenario, low, median, high, unit."""
    runs = _runs(futures)
    rows = []
    for quantity in quantities:
        for name in futures:
            found = figure(f"{quantity}.{year}@{name}", runs[name].study, runs)
            rows.append(
                {
                    "quantity": quantity,
                    "scenario": name,
                    "low": found.low,
                    "median": found.value,
                    "high": found.high,
                    "unit": found.unit,
                }
            )
    return pl.DataFrame(rows)


def explain(subject: Study | Runs, address: str, *, draws: int = 1000, seed: int = 1) -> Explanation:
    """The chain behind a figure: formula, inputs, assumptions, sources.

    Parameters
    ----------
    subject : a study (what the address needs is simulated), or futures.
    address : ``quantity[.key...].year[@scenario]``, ``claim.ID`` or ``parameter.NAME``.
    """
    if isinstance(subject, Study):
        parsed = parse(address)
        if parsed.quantity in WITHOUT_RUNS or record(parsed, subject) is not None:
            return explain_figure(address, subject, {})
        wanted = dict.fromkeys([parsed.scenario, "no_industry"], draws)
        return explain_figure(address, subject, simulate_many(subject, wanted, seed=seed, workers=1))
    runs = _runs(subject)
    return explain_figure(address, next(iter(runs.values())).study, runs)

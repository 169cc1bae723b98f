"""History run again: would the model have held what happened?

The futures start in a past year with the plants, deals and figures known by then, and with the income and exchange
rates that really came: a check of the industry's part of the model, not of anybody's power to foresee an oil price.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from karvan.base.axes import Array
from karvan.base.errors import InputError
from karvan.futures.ensemble import Futures, simulate
from karvan.futures.inputs import KIND
from karvan.study.evidence import YearValue, year_value
from karvan.study.load import Study, load


@dataclass(frozen=True)
class HistoryYear:
    """One year of a history run beside the record."""

    year: int
    record: YearValue | None
    low: float
    middle: float
    high: float
    inside: bool | None
    """Whether the record, or a part of its range, lies in the 5-95 % band; None without a record."""


def run_history(
    study: Study,
    *,
    start: int = 2014,
    until: int | None = None,
    draws: int = 1000,
    seed: int = 1,
    workers: int | None = 1,
) -> Futures:
    """Futures from ``start`` with what was known at the end of that year of plants and deals, and known income.

    The record before ``start`` sets the level. Base-year flows are those of the study (2017-19): a stated leak.

    Errors: :class:`~karvan.base.errors.InputError` where cars were made by then by plants that the study
    knows of only later.
    """
    known = load(study.origin, as_of=f"{start}-12-31")
    if not _own(known).height and _own(study).height:
        made = [year for year in range(start - 9, start + 1) if _made(study, year) > 0]
        if made:
            first = min(str(day) for day in _own(study)["known_on"].to_list())
            raise InputError(
                f"study {study.name} has no past to run: {_made(study, made[-1]):,.0f} cars are on record in "
                f"{made[-1]}, but its plants are known only since {first} (known_on in plants.csv); karvan backcast "
                f"{study.settings.country} --as-of {start} makes a study of that day instead"
            )
    # Known income and exchange rates are the condition of the exercise, so that table stays whole.
    tables: dict[str, Any] = {**known.tables, "macro": study.table("macro"), "flows": study.table("flows")}
    last = study.settings.base_year if until is None else until
    return simulate(
        replace(known, tables=tables),
        start=start,
        until=last,
        draws=draws,
        seed=seed,
        workers=workers,
        known_income=True,
    )


def _own(study: Study) -> pl.DataFrame:
    """The car plants of the study's own country."""
    return study.table("plants").filter((pl.col("role") == "own") & (pl.col("vehicle_kind") == KIND))


def _made(study: Study, year: int) -> float:
    record = year_value(study, "country", "output", KIND, year)
    return 0.0 if record is None else record.value


def compare_history(study: Study, run: Futures) -> list[HistoryYear]:
    """Each year of a history run beside the record of the study."""
    out = []
    for index, year in enumerate(run.years):
        values: Array = run.figures["output"][:, index]
        low, middle, high = (float(v) for v in np.quantile(values, (0.05, 0.5, 0.95)))
        record = year_value(study, "country", "output", KIND, year)
        inside = None if record is None else bool(record.low <= high and record.high >= low)
        out.append(HistoryYear(year, record, low, middle, high, inside))
    return out

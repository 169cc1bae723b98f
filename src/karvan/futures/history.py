"""History run again: would the model have held what happened?

The futures start in a past year with the plants, deals and figures known by then, and with the income and exchange
rates that really came: a check of the industry's part of the model, not of anybody's power to foresee an oil price.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from karvan.base.axes import Array
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
    """
    known = load(study.origin, as_of=f"{start}-12-31")
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

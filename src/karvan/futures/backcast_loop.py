"""The year loop as of a past date: the study of a country as it could have been made then, and its run.

A starter study is made inside :func:`karvan.study.world.as_known`, so nothing later can be read; Azerbaijan, which has
plant rows, takes its own study as of the date.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from karvan.base.axes import Array
from karvan.base.errors import UnknownName
from karvan.base.streams import stream
from karvan.futures.ensemble import Futures, simulate
from karvan.futures.inputs import KIND
from karvan.futures.others import LoopChange, OthersFit
from karvan.futures.record import latest, read_record
from karvan.futures.starter import _write, make_starter
from karvan.futures.starter_flows import car_share, find_country, read_world
from karvan.futures.starter_markets import TooEarly
from karvan.futures.starter_tables import FULL_PLANT, Starter
from karvan.study.evidence import YearValue, year_value
from karvan.study.load import Study, load
from karvan.study.register import parameters
from karvan.study.tables import FILE, LINE
from karvan.study.world import as_known

OWN_STUDIES = {"AZE": "azerbaijan"}
"""Countries with plant rows in a built-in study."""
EARLIER = 3
"""Years before the date as of which the loop is run for other countries, to learn what its word is worth."""
EARLIER_DRAWS = 100
Given = dict[tuple[str, str | None], tuple[float, ...]]


@dataclass(frozen=True)
class LoopRun:
    """Output as the loop has it."""

    run: Futures
    share: float
    """Cars over units of the record's kind."""
    known: Array | None
    """(D, Y), makers on record over their sales of the first year; None without any, and of a built-in study."""
    arrived: Array
    """(D, Y), units of plants that nobody announced; of a built-in study, all output."""

    def units(self, level: float | None) -> Array:
        """(D, Y), units per year, makers on record set to the level of the record.

        A starter study puts all output of a country into its home market and a few others; the level of a large
        exporter is not reproduced by that. So the loop gives the *change* of known makers, and what newcomers add.
        """
        return self.arrived if self.known is None else np.asarray((level or 0.0) * self.known + self.arrived)

    def middle(self, level: float) -> Array:
        """(Y,), median ln output of the makers on record."""
        units = self.arrived if self.known is None else level * self.known
        return np.asarray(np.log(np.maximum(np.median(units, axis=0), 1.0)))


def claimed(date: str, year: int) -> tuple[dict[int, float], YearValue | None]:
    """Azerbaijan's output by year from its evidence as known on the date, and the year of the date if half is known."""
    study = load(OWN_STUDIES["AZE"], as_of=date)
    found = {y: year_value(study, "country", "output", KIND, y) for y in range(2000, year + 1)}
    now = found.pop(year)
    if now is not None and (now.basis == "ruled" or (now.basis == "range" and now.low < now.value / 2)):
        now = None  # rules of the running year are hindsight; and less than half of a year says too little
    made = {y: value.value for y, value in found.items() if value is not None}
    return made | ({year: now.value} if now is not None else {}), now


def drawn(value: YearValue, code: str, seed: int, draws: int) -> Array:
    """(D,), cars in the year of the date: what was made so far and the rest at its range."""
    sd = max(value.error * value.value, (value.high - value.low) / 3.29)
    normal = stream(seed, f"backcast.year.{code}", 0).standard_normal(draws)
    return np.asarray(np.clip(value.value + sd * normal, value.low, None))


def own_run(code: str, date: str, years: Sequence[int], draws: int, seed: int) -> LoopRun:
    """A built-in study as of the date: its plants, deals and claims known by then; dated frictions that had begun."""
    study = load(OWN_STUDIES[code], as_of=date)
    tables = dict(study.tables)
    tables["frictions"] = tables["frictions"].filter(pl.col("year_from") <= int(date[:4]))
    with as_known(date):
        run = simulate(
            replace(study, tables=tables), start=years[0], until=years[-1], draws=draws, seed=seed, workers=1
        )
    return LoopRun(run, 1.0, None, run.figures["output"])


def _starter(code: str, date: str) -> tuple[Study, Starter] | None:
    """The starter study of a date; None for a country without income on record, or before any could be made."""
    world = read_world()
    if not world.sold:
        return None
    try:
        home = find_country(world, code)
    except UnknownName:
        return None
    try:
        with tempfile.TemporaryDirectory() as folder:
            starter = make_starter(world, home)
            _write(Path(folder), starter, home)
            study = load(folder)
    except TooEarly:
        return None
    # The folder is gone; the study stays.
    return replace(study, as_of=date), starter


def starter_run(
    code: str,
    date: str,
    made: Mapping[int, float],
    kind: str,
    fit: OthersFit,
    years: Sequence[int],
    draws: int,
    seed: int,
) -> LoopRun | None:
    """The year loop on a starter study of the date, its hazards fitted to other countries."""
    with as_known(date):
        found = _starter(code, date)
        if found is None:
            return None
        study, starter = found
        share = car_share(code) if kind == "total" else 1.0
        record = read_record(date, kind)
        access = record.access.get(code, 1e6)
        last = made[max(made)] if made else 0.0
        if last > 0:
            rate = fit.arrival_rate(code, record.market(code), access)
            added = fit.added(code, max((made[y] for y in sorted(made)[-5:]), default=0.0))
        else:
            rate = fit.newcomer_rate(code, latest(record.gdp.get(code), int(date[:4]), 5), access)
            added = fit.first_plants(code)
        given: Given = {
            ("arrival_rate", None): (rate / 2, rate, rate * 2),
            ("arrival_nameplate", None): tuple(share * value / 0.8 for value in added),
        }
        for slot in ("unannounced_1", "unannounced_2"):
            given |= {(name, slot): ends for name, ends in FULL_PLANT.items() if name != "interruption_hazard"}
        if starter.own:
            given[("interruption_hazard", starter.own)] = fit.stop_rate(code, last)
        study = _with(study, given)
        run = simulate(study, start=years[0], until=years[-1], draws=draws, seed=seed, workers=1)
    return _split(run, share)


def loop_change(code: str, date: str, until: int) -> LoopChange | None:
    """What the loop foresaw for a country on an earlier date, with the general ranges: nothing in it is fitted.

    None for a country without makers on record, or without a starter study.
    """
    made = read_record(date, "total").made.get(code, {})
    if not made or made[max(made)] <= 0 or code in OWN_STUDIES:
        return None
    years = range(int(date[:4]), until + 1)
    with as_known(date):
        found = _starter(code, date)
        if found is None or not found[1].own or not years:
            return None
        run = simulate(found[0], start=years[0], until=years[-1], draws=EARLIER_DRAWS, seed=1, workers=1)
    middle = _split(run, 1.0).middle(1.0)
    return LoopChange(code, date, max(made), dict(zip(years, middle.tolist(), strict=True)))


def _with(study: Study, given: Given) -> Study:
    """The study with values fitted to other countries in the place of its general ones."""
    table = study.table("assumptions")
    rows = []
    for (name, key), (low, mid, high) in given.items():
        rows.append({"parameter": name, "key": key, "low": low, "mid": mid, "high": high, "distribution": "triangular",
                     "unit": parameters()[name].unit, "source": "derived: other countries' records up to the date",
                     "note": "", FILE: "backcast", LINE: 0})  # fmt: skip
    new = pl.DataFrame(rows, schema=table.schema)
    kept = table.join(new.select("parameter", "key"), on=["parameter", "key"], how="anti", nulls_equal=True)
    return replace(study, tables={**study.tables, "assumptions": pl.concat([new, kept])})


def _split(run: Futures, share: float) -> LoopRun:
    """The makers on record, over their sales of the first year, and newcomers."""
    by_plant = run.plants["output"]
    slots = list(run.layout.slots)
    known = [p for p in range(run.layout.own) if p not in slots]
    arrived = by_plant[:, :, slots].sum(axis=-1) / share
    if not known:
        return LoopRun(run, share, None, arrived)
    # Sales, not output: the first year also sells off the stock that a larger record left behind.
    sold = (run.figures["sales_home"] + run.figures["exports"])[:, :1] - by_plant[:, :1, slots].sum(axis=-1)
    first = np.maximum(sold, 0.1 * np.median(sold) + 1e-9)
    return LoopRun(run, share, by_plant[:, :, known].sum(axis=-1) / first, arrived)

"""The record: vehicles made, cars sold and income by country as known on a date, and the same without one country.

Everything that a backcast learns from other countries is learned from a :class:`Record`. It is read inside
:func:`karvan.study.world.as_known`, so it ends at the date; :meth:`Record.without` takes the country to be scored out
of every table of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from karvan.base.axes import Array
from karvan.base.errors import KarvanError
from karvan.market.rebuild import great_circle
from karvan.study.world import as_known, world_table

FLOOR = 1000.0
"""Cars a year below which sizes are not told apart, in fits and in scores."""
NEWCOMER = 2000.0
"""Output above which a country without plants counts as having got one: ``assumed``, 1,000 to 5,000."""
KINDS = ("passenger_cars", "total")
"""What the world table of production counts; ``total`` has trucks and buses in it."""
NEAREST = 0.3
"""Least distance of a market in thousand km, that of the home market: ``assumed``, 0.1 to 0.5."""


class LeakError(KarvanError):
    """A fit was asked about a country that it was fitted on, or about a date before its last year."""


@dataclass(frozen=True)
class Record:
    """Output, sales and income by country and year as known on a date."""

    as_of: str
    kind: str
    made: Mapping[str, Mapping[int, float]]
    sold: Mapping[str, Mapping[int, float]]
    """New registrations, passenger cars."""
    income: Mapping[str, Mapping[int, float]]
    """GDP per head, international dollars."""
    gdp: Mapping[str, Mapping[int, float]]
    """GDP, international dollars."""
    access: Mapping[str, float]
    """Registrations of all markets over their distance in thousand km, own market at 300 km."""

    def without(self, country: str) -> "Record":
        """The record with one country taken out of every table, as a market of the others too."""
        made, sold, income, gdp = (
            {c: v for c, v in rows.items() if c != country} for rows in (self.made, self.sold, self.income, self.gdp)
        )
        return Record(self.as_of, self.kind, made, sold, income, gdp, _access(sold))

    def last_year(self) -> int:
        """The last year with output on record; of the sales and incomes, the last year of any."""
        return max(max(years) for rows in (self.made, self.sold, self.income) for years in rows.values() if years)

    def market(self, country: str) -> float:
        """New cars a year, mean of the last three years on record; :data:`FLOOR` where nothing is."""
        sold = self.sold.get(country, {})
        return max(float(np.mean([sold[y] for y in sorted(sold)[-3:]])), FLOOR) if sold else FLOOR

    def lists(self) -> list[int]:
        """Years in which nearly all makers are listed, so that a country without a figure made next to nothing."""
        counts: dict[int, int] = {}
        for years in self.made.values():
            for year in years:
                counts[year] = counts.get(year, 0) + 1
        most = max(counts.values(), default=0)
        return sorted(year for year, count in counts.items() if count >= FULL_LIST * most)


FULL_LIST = 0.75
"""Share of the longest list from which a year's list counts as whole: ``assumed``, 0.7 to 0.9."""


@lru_cache(maxsize=16)
def read_record(as_of: str, kind: str = "passenger_cars") -> Record:
    """The record of the world tables as known on a date; rows marked weak are left out."""
    with as_known(as_of):
        made = _by_country("production", kind)
        sold = _by_country("sales", "passenger_cars")
        rows = world_table("income").drop_nulls(["population", "gdp_per_head_ppp"])
    income: dict[str, dict[int, float]] = {}
    gdp: dict[str, dict[int, float]] = {}
    for row in rows.iter_rows(named=True):
        income.setdefault(row["country"], {})[row["year"]] = float(row["gdp_per_head_ppp"])
        gdp.setdefault(row["country"], {})[row["year"]] = float(row["gdp_per_head_ppp"] * row["population"])
    return Record(as_of, kind, made, sold, income, gdp, _access(sold))


def _by_country(table: str, column: str) -> dict[str, dict[int, float]]:
    rows = world_table(table)
    out: dict[str, dict[int, float]] = {}
    for row in rows.iter_rows(named=True):
        if row[column] is not None and not str(row.get("quality") or "").startswith("W"):
            out.setdefault(row["country"], {})[row["year"]] = float(row[column])
    return out


@lru_cache(maxsize=1)
def _nearness() -> tuple[tuple[str, ...], Array]:
    """Countries, and (C, C) one over the distance of their capitals in thousand km. Geography has no date."""
    rows = world_table("countries").sort("country")
    at = [rows[column].to_numpy().astype(np.float64) for column in ("latitude", "longitude")]
    km = great_circle(*at, *at)
    return tuple(rows["country"].to_list()), np.asarray(1.0 / np.maximum(km / 1000.0, NEAREST))


def _access(sold: Mapping[str, Mapping[int, float]]) -> dict[str, float]:
    """Access of every country of the world table to the latest registrations of all."""
    codes, near = _nearness()
    latest = np.array([np.mean([sold[c][y] for y in sorted(sold[c])[-3:]]) if sold.get(c) else 0.0 for c in codes])
    # A sum of products by NumPy in the order of countries: no matrix product, whose order BLAS may choose.
    return dict(zip(codes, (near * latest).sum(axis=1).tolist(), strict=True))


def level_of(made: Mapping[int, float], year: int, weight: float) -> float | None:
    """The level of output at the end of a year: last figure and mean of the last three figures, on the log scale."""
    known = [max(made[y], FLOOR) for y in sorted(made) if y <= year]
    if not known:
        return None
    return float(np.exp(weight * np.log(known[-1]) + (1 - weight) * np.log(np.mean(known[-3:]))))


def latest(values: Mapping[int, float] | None, year: int, back: int = 3) -> float:
    """The newest of the values up to a year, not older than some years before it; nan without one."""
    known = [y for y in values or {} if year - back < y <= year]
    return float(values[max(known)]) if values and known else float("nan")


def traits(record: Record, country: str, made: Mapping[int, float], year: int) -> Array:
    """(5,), what is known of a country at the end of a year; nan where nothing is. In the order of :data:`TRAITS`.

    The record gives income, GDP and access; ``made`` is the output whose future is asked for.
    """
    ln = {y: float(np.log(max(value, FLOOR))) for y, value in made.items() if y <= year}
    gdp = latest(record.gdp.get(country), year)
    before = [y for y in ln if year - 5 <= y <= year - 2]
    access = record.access.get(country, 0.0)
    return np.array(
        [
            np.log(latest(record.income.get(country), year)),
            np.log(access) if access > 0 else np.nan,
            ln[year] - np.log(gdp),
            min(max(value for y, value in ln.items() if y > year - 7) - ln[year], 1.5),
            np.clip((ln[year] - ln[max(before)]) / (year - max(before)), -0.5, 0.5) if before else np.nan,
        ]
    )


TRAITS = ("income", "access", "output_per_gdp", "below_peak", "momentum")
"""ln GDP per head; ln access; ln output over GDP; ln peak of seven years over the last figure; ln growth a year since
the nearest figure two to five years back."""

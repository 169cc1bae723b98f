"""What the ages of a country's cars say: the fleet on record by age, how long cars stay, and how many come in new."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from karvan.base.axes import Array
from karvan.demand.ageing import fit_ageing, used_age_profile
from karvan.demand.fleet import UNECE_CLASSES, UNECE_CLASSES_INCLUSIVE
from karvan.study.cells import quantile
from karvan.study.register import parameters
from karvan.study.world import world_table

OLD: Final = 8
"""Years after which a record of ages says nothing of today."""
BOUNDS: Final = {"0-2": 0, "2-5": 2, "5-10": 5, "10-20": 10, "20+": 20}
AGES: Final = 60
"""Ages of the settled fleets that are compared with the record."""
SHAPE: Final = 3.0
"""Weibull shape of the comparison: ``assumed``, 2 to 5 (Oguchi and Fuse 2015 find that one constant serves)."""
USED_AGE: Final = (8.0, 4.0)
"""Mean and spread of the age of used imports, years: ``assumed``, mean 4 to 12."""
THREE: Final = 0.15
"""How near, in logarithms, the youngest class must come to the sales of three years to hold them: ``assumed``."""
FAR: Final = 0.05
"""Error of the class shares above which the fleet was not settled and its life is not taken: ``assumed``."""
LIFE_ERROR: Final = 0.2
"""Standard error of the logarithm of a life read off a settled fleet: ``assumed``, range 0.1 to 0.3."""


@dataclass(frozen=True)
class Ages:
    """A settled fleet nearest to the ages and sales on record."""

    year: int
    life: float
    """Years a car stays in the country, used exports counted as gone."""
    new_share: float
    """Share of the cars added that are new."""
    error: float
    """Root mean square error of the class shares, share of 1."""
    used: bool
    """Whether the life is taken: the record tells, and the fleet was settled."""


def classes_of(code: str, base: int) -> tuple[int, dict[int, float]] | None:
    """The latest table of ages that is not too old: its year, and cars by the lower bound of their class."""
    frame = world_table("fleet_ages").filter(
        (pl.col("country") == code)
        & pl.col("year").is_between(base - OLD + 1, base)
        & pl.col("age_class").is_in(list(BOUNDS))
    )
    by_year: dict[int, dict[int, float]] = {}
    for row in frame.drop_nulls("cars").iter_rows(named=True):
        by_year.setdefault(row["year"], {})[BOUNDS[row["age_class"]]] = row["cars"]
    whole = [year for year, cars in by_year.items() if {0, 2, 5, 10} <= set(cars)]
    return (max(whole), by_year[max(whole)]) if whole else None


def ages_of(code: str, base: int, growth: float, sales: dict[int, float]) -> Ages | None:
    """Life and share bought new of one country, by :func:`karvan.demand.ageing.fit_ageing`; None without a record.

    Parameters
    ----------
    growth : yearly growth of the cars in use, share of 1.
    sales : new cars by year.
    """
    found = classes_of(code, base)
    if found is None:
        return None
    year, cars = found
    recent = [sales[y] for y in range(year - 2, year + 1) if y in sales]
    if not recent:
        return None
    counts = np.array([cars[bound] for bound in sorted(cars)])
    three = len(recent) == 3 and abs(np.log(max(counts[0], 1.0) / sum(recent))) < THREE
    bounds = (UNECE_CLASSES_INCLUSIVE if three else UNECE_CLASSES)[: counts.size]
    fit = fit_ageing(
        counts[None] / counts.sum(),
        [float(np.mean(recent)) / counts.sum()],
        [growth],
        shape=SHAPE,
        used_ages=used_age_profile(*USED_AGE, AGES),
        bounds=bounds,
    )
    error = float(fit.class_error[0])
    return Ages(year, float(fit.mean_life[0]), float(fit.new_share[0]), error, bool(not fit.at_edge[0] and error < FAR))


def life_draws(ages: Ages | None, uniform: Array) -> Array:
    """(D,), mean life of a car: the register's range, averaged with the country's own life where the record tells.

    Normal in the logarithm: the prior has the mean and spread of the register's range, the record :data:`LIFE_ERROR`.
    """
    from scipy.special import ndtri  # scipy is slow to import; only drawing needs it

    row = parameters()["mean_life"]
    if ages is None or not ages.used:
        return quantile(row.distribution, row.low, row.mid, row.high, uniform)
    prior = np.log(quantile(row.distribution, row.low, row.mid, row.high, (np.arange(200) + 0.5) / 200))
    weight = prior.var() / (prior.var() + LIFE_ERROR**2)
    mean = weight * np.log(ages.life) + (1.0 - weight) * prior.mean()
    return np.asarray(np.exp(mean + np.sqrt(weight) * LIFE_ERROR * ndtri(uniform)))

"""How much lower ownership saturates where people live closer together than in the United States.

The form of Dargay, Gately and Sommer (2007), with areas computed from borders and urban shares of the world tables. It
is used as a ratio to the United States, so that it holds for passenger cars as for all vehicles.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from karvan.base.axes import Array
from karvan.demand.ownership import OwnershipParameters, saturation
from karvan.study.world import world_table

REFERENCE: Final = "USA"
LOOK_BACK: Final = 10
"""Years before the base among which the latest population and urban share are taken."""


def saturation_ratio(income: pl.DataFrame, markets: Sequence[str], base: int) -> Array:
    """Saturation of each market over that of the United States, from its density and urban share.

    ``gamma / gamma_max = 1 + (lambda max(D, 0) + phi max(U, 0)) / gamma_max``, ``D`` people per square km and ``U``
    percentage points of urban share above the United States; by :func:`karvan.demand.ownership.saturation`, with its
    floor.

    Parameters
    ----------
    income : the world table ``income``, or its rows known on a date.
    markets : ISO3 codes. A market without an area, population or urban share counts as no denser or no more urban.
    base : the year it is asked for; the latest record of the ten years up to it is taken.

    Returns
    -------
    (M,), share of 1, from 0.06 to 1.
    """
    places = world_table("countries").drop_nulls("area_km2")
    area = dict(zip(places["country"].to_list(), places["area_km2"].to_list(), strict=True))
    near = income.filter(pl.col("year").is_between(base - LOOK_BACK, base)).sort("year")

    def latest(column: str) -> dict[str, float]:
        rows = near.drop_nulls(column)
        return dict(zip(rows["country"].to_list(), rows[column].to_list(), strict=True))

    people, urban = latest("population"), latest("urban_share")
    density = {code: people[code] / area[code] for code in people if area.get(code)}

    def excess(values: dict[str, float], scale: float = 1.0) -> Array:
        least = values.get(REFERENCE, np.inf)  # without the United States nothing is known to lie above them
        return np.array([scale * max(values.get(market, 0.0) - least, 0.0) for market in markets])

    shared = OwnershipParameters()
    gamma = saturation(shared.gamma_max, excess(density), excess(urban, 100.0), shared.lambda_, shared.phi)
    return np.asarray(gamma / shared.gamma_max)

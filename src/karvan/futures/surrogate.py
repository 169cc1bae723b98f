"""From the shops table to the factors of the capacity ladder, draw by draw.

Inside the ensemble a plant is not simulated car by car. The worst shop gives the rung of breakdowns; what the shops cost
each other through buffers of finite size, and rework, follow from the surrogate of the line.
"""

import numpy as np
import polars as pl

from karvan.base.axes import Array
from karvan.facilities.ladder import Shares
from karvan.futures.inputs import Draws, Prepared
from karvan.study.load import cell_of_row


def line_shares(prepared: Prepared, draws: Draws) -> Shares:
    """Factors of the ladder for own plants, each (D, P).

    ``straight_time`` is ``nameplate_reach``: the part of the announced figure that staffing and tooling reach.
    ``breakdowns`` is the rate of the slowest shop after its breakdowns over the slowest design rate; ``rework`` the
    product of first-time-right over shops. A plant without shops has 1 there, so that nothing is lost twice.
    """
    layout = prepared.layout
    shape = (draws.size, layout.own)
    straight, broken, right = np.ones(shape), np.ones(shape), np.ones(shape)
    for p, plant in enumerate(layout.plants[: layout.own]):
        straight[:, p] = draws.of(prepared.cell("nameplate_reach", plant))
        shops = _shops(prepared, draws, plant)
        if not shops:
            continue
        rates = np.stack([np.asarray(shop["rate_per_hour"]) for shop in shops.values() if "rate_per_hour" in shop])
        usable = [shop for shop in shops.values() if "rate_per_hour" in shop]
        net = np.stack([shop["rate_per_hour"] * np.clip(shop.get("availability", np.ones(1)), 0, 1) for shop in usable])
        broken[:, p] = np.clip(net.min(axis=0) / rates.min(axis=0), 0.0, 1.0)
        for shop in shops.values():
            if "first_time_right" in shop:
                # A car that is not right the first time takes one more pass.
                right[:, p] *= 1.0 / (2.0 - np.clip(shop["first_time_right"], 0, 1))
    return Shares(straight_time=straight, breakdowns=broken, rework=right)


def _shops(prepared: Prepared, draws: Draws, plant: str) -> dict[str, dict[str, Array]]:
    """The drawn attributes of a plant's shops, each (D,)."""
    rows = prepared.study.table("shops").filter(pl.col("plant") == plant).sort("position")
    shops: dict[str, dict[str, Array]] = {}
    for row in rows.iter_rows(named=True):
        cell = cell_of_row(f"shops.{row['attribute']}.{plant}.{row['shop']}", row, "plants")
        prepared.cells[cell.name] = cell
        shops.setdefault(row["shop"], {})[row["attribute"]] = draws.of(cell)
    return shops

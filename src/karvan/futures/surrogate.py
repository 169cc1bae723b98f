"""From the shops table to the factors of the capacity ladder, draw by draw.

Inside the ensemble a plant is not simulated car by car. The worst shop gives the rung of breakdowns; what the shops
cost each other through buffers of finite size, and rework, follow from the surrogate of the line.
"""

import numpy as np
import polars as pl

from karvan.base.axes import Array
from karvan.facilities.ladder import Shares
from karvan.facilities.surrogate import line_efficiency
from karvan.futures.inputs import Draws, Prepared, steady
from karvan.study.load import cell_of_row


def line_shares(prepared: Prepared, draws: Draws) -> Shares:
    """Factors of the ladder for own plants, each (D, P).

    ``straight_time`` is ``nameplate_reach``: the part of the announced figure that staffing and tooling reach.
    ``breakdowns`` is the rate of the worst shop after its breakdowns over the slowest design rate;
    ``blocking_starving`` what the line loses beyond that, by the flow decomposition of
    :func:`karvan.facilities.surrogate.line_efficiency` (its error is measured in docs/facilities.md); ``rework`` the
    passes that first-time-right costs. A plant without shops has 1 there, so that nothing is lost twice.
    """
    layout = prepared.layout
    shape = (draws.size, layout.own)
    straight, broken, blocked, right = np.ones(shape), np.ones(shape), np.ones(shape), np.ones(shape)
    one = np.ones(draws.size)
    for p, plant in enumerate(layout.plants[: layout.own]):
        straight[:, p] = steady(prepared, draws, "nameplate_reach", plant)
        shops = _shops(prepared, draws, plant)
        if not shops:
            continue
        usable = [shop for shop in shops.values() if "rate_per_hour" in shop]
        rates = np.stack([shop["rate_per_hour"] for shop in usable], axis=-1)
        alone = np.clip(np.stack([shop.get("availability", one) for shop in usable], axis=-1), 0.05, 0.9999)
        repair = np.stack([shop.get("mttr_min", 15.0 * one) for shop in usable], axis=-1)
        net = (rates * alone).min(axis=-1)
        broken[:, p] = np.clip(net / rates.min(axis=-1), 0.0, 1.0)
        if len(usable) > 1:
            buffers = np.stack([shop.get("buffer_after", 5.0 * one) for shop in usable[:-1]], axis=-1)
            up = repair * alone / (1.0 - alone)
            whole = line_efficiency(3600.0 / rates, up, repair, buffers)
            blocked[:, p] = np.clip(whole * rates.min(axis=-1) / net, 0.0, 1.0)
        # A car that is not right the first time takes one more pass of its shop; only the worst shop's cost cars.
        passes = np.stack([2.0 - np.clip(shop.get("first_time_right", one), 0, 1) for shop in usable], axis=-1)
        right[:, p] = np.clip((rates * alone / passes).min(axis=-1) / net, 0.0, 1.0)
    return Shares(straight_time=straight, breakdowns=broken, blocking_starving=blocked, rework=right)


def _shops(prepared: Prepared, draws: Draws, plant: str) -> dict[str, dict[str, Array]]:
    """The drawn attributes of a plant's shops, each (D,)."""
    rows = prepared.study.table("shops").filter(pl.col("plant") == plant).sort("position")
    shops: dict[str, dict[str, Array]] = {}
    for row in rows.iter_rows(named=True):
        cell = cell_of_row(f"shops.{row['attribute']}.{plant}.{row['shop']}", row, "plants")
        prepared.cells[cell.name] = cell
        shops.setdefault(row["shop"], {})[row["attribute"]] = draws.of(cell)
    return shops

"""From the shops table to the factors of the capacity ladder, draw by draw.

Inside the ensemble a plant is not simulated car by car. The worst shop gives the rung of breakdowns; what the shops
cost each other through buffers of finite size, and rework, follow from the surrogate of the line. On the study's own
lines that surrogate is 0.0 to 0.6 % high on average, 2.1 % at most (docs/facilities.md).
"""

import numpy as np

from karvan.base.axes import Array
from karvan.facilities.kits import kits_at_hand
from karvan.facilities.ladder import Shares
from karvan.facilities.surrogate import line_efficiency
from karvan.futures.inputs import Draws, Prepared, steady
from karvan.study.cells import Cell, common_place
from karvan.study.load import Study, cell_of_row

Cells = dict[str, dict[str, Cell]]
"""Shop -> attribute -> cell, in the order of the flow."""
KITS = ("kit_lead_days", "kit_lead_sd", "kit_safety_days")
"""Parameters of the rung ``kits``."""
HOURS = ("shifts", "hours_per_shift", "days_per_year")
"""Attributes that only a plant taken apart reads."""
TOGETHER = ("rate_per_hour", *HOURS)
"""Attributes in which the shops of a plant go together: they are laid out for one another and work the same days."""


def line_shares(prepared: Prepared, draws: Draws) -> Shares:
    """Factors of the ladder for own plants, each (D, P).

    ``straight_time`` is ``nameplate_reach``: the part of the announced figure that staffing and tooling reach. What the
    shops' own hours and rates would give stands beside it in :mod:`karvan.futures.plant_study`; it is not used here,
    because nobody has published the hours that are worked, while the best years on record are known.
    ``breakdowns`` is the rate of the worst shop after its breakdowns over the slowest design rate;
    ``blocking_starving`` what the line loses beyond that, by the flow decomposition of
    :func:`karvan.facilities.surrogate.line_efficiency`; ``rework`` the passes that first-time-right costs; ``kits`` the
    days lost to late lots, by :func:`karvan.facilities.kits.kits_at_hand`. A plant without shops has 1 at all of them,
    so that nothing is lost twice.
    """
    layout = prepared.layout
    shape = (draws.size, layout.own)
    straight, broken, blocked, right, supplied = (np.ones(shape) for _ in range(5))
    one = np.ones(draws.size)
    lines: dict[int, list[tuple[int, Array, Array, Array, Array, Array]]] = {}  # by number of shops, solved together
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
            full = rates.min(axis=-1) / net
            lines.setdefault(len(usable), []).append((p, 3600.0 / rates, up, repair, buffers, full))
        # Passes are repeated until right: 1 / share of them on average; only the worst shop's cost cars.
        passes = np.stack([1.0 / np.clip(shop.get("first_time_right", one), 0.05, 1.0) for shop in usable], axis=-1)
        right[:, p] = np.clip((rates * alone / passes).min(axis=-1) / net, 0.0, 1.0)
        supplied[:, p] = kits_at_hand(*(steady(prepared, draws, name, plant) for name in KITS))
    for group in lines.values():
        plants, *inputs, over_worst = (list(column) for column in zip(*group, strict=True))
        whole = line_efficiency(*(np.stack(each) for each in inputs))
        for p, efficiency, full in zip(plants, whole, over_worst, strict=True):
            blocked[:, p] = np.clip(efficiency * full, 0.0, 1.0)
    return Shares(straight_time=straight, breakdowns=broken, blocking_starving=blocked, rework=right, kits=supplied)


def _shops(prepared: Prepared, draws: Draws, plant: str) -> dict[str, dict[str, Array]]:
    """The drawn attributes of a plant's shops, each (D,)."""
    shops: dict[str, dict[str, Array]] = {}
    if plant not in prepared.shop_cells:  # for all blocks of draws
        prepared.shop_cells[plant] = shop_cells(prepared.study, plant)
    for shop, cells in prepared.shop_cells[plant].items():
        for attribute, cell in cells.items():
            prepared.cells[cell.name] = cell
            if attribute in HOURS:
                continue  # `nameplate_reach` stands for them
            if attribute in TOGETHER:
                luck = luck_of(attribute, plant, cell)
                prepared.cells[luck.name] = luck
                drawn = cell.draw(draws.of(luck))
            else:
                drawn = draws.of(cell)
            shops.setdefault(shop, {})[attribute] = drawn
    return shops


def shop_cells(study: Study, plant: str) -> Cells:
    """The shops of a plant as uncertain cells, in the order of the flow."""
    rows = study.table("shops").filter(plant=plant).sort("position", maintain_order=True)
    shops: Cells = {}
    for row in rows.iter_rows(named=True):
        name = f"shops.{row['attribute']}.{plant}.{row['shop']}"
        shops.setdefault(row["shop"], {})[row["attribute"]] = cell_of_row(name, row, "plants")
    return shops


def luck_of(attribute: str, plant: str, cell: Cell) -> Cell:
    """The common place of a plant's shops between low and high."""
    name = f"shops.{attribute}.{plant}"
    note = "place of the plant between low and high; its shops are laid out for one another"
    return common_place(name, "assumed", note, cell.place.split(":")[0], "plants")

"""What facilities and partnerships need of one block of draws: chances, capacities and costs of own plants.

Letters: ``D`` draws, ``Y`` years, ``P`` own plants, ``V`` offers, ``K`` products, ``M`` markets, ``G`` component
groups. Money is in dollars of the year before the start, unless a name says local.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from karvan.base.axes import Array, IntArray
from karvan.facilities.ladder import Shares
from karvan.futures.block_common import _ranged
from karvan.futures.hazards import ANNOUNCED, BUILDING, Chances
from karvan.futures.inputs import Draws, Prepared, parameter, steady
from karvan.futures.levers import apply, draws_of
from karvan.futures.surrogate import line_shares
from karvan.study.cells import Cell, cell_of_range, common_place
from karvan.study.tables import FILE, LINE


@dataclass(frozen=True)
class Plants:
    """What facilities and partnerships need of own plants."""

    chances: Chances
    state0: IntArray
    """(D, P)."""
    opened0: Array
    """(D, P), calendar time; inf for not yet."""
    nameplate: Array
    """(D, Y or 1, P), cars per year."""
    shares: Shares
    """Each (D, P)."""
    ramp_50: Array
    ramp_90: Array
    partner_supply: Array
    """(D, Y or 1, P), kits per year over nameplate."""
    kit_price: Array
    kit_freight: Array
    kit_duty: Array
    overhead: Array
    people_fixed: Array
    people_per_1000: Array
    """(D, Y or 1, P)."""
    local_now: Array
    local_target: Array
    """(D, P, G), share of 1."""
    efficient_scale: Array
    """(G,), sets a year from which more saves nothing; 1 where it is not known."""
    scale_elasticity: Array
    """(D, G), of a group's unit cost to volume below that scale; 0 where it is not known."""
    half_life: Array
    local_price_ratio: Array
    domestic_content: Array
    margin: Array
    """(D, Y or 1), share of cost."""
    wage: Array
    """(D, Y), dollars per year and person."""
    drift: Array
    """(D, Y), kit prices over those of the base."""
    price_factor: Array
    """(V_own,), price of an offer over that of its plant's main offer."""
    arrival_rate: Array
    """(D, Y or 1), unannounced plants a year at the base size of the home market."""
    arrival_elasticity: Array
    """(D,)"""
    electrified_year: Array
    """(D, P), calendar time from which a plant also makes hybrids or electric cars."""
    stock_cover: Array
    """(D,), finished cars in stock, share of a year's sales."""


def plant_inputs(prepared: Prepared, draws: Draws, real_rate: Array) -> Plants:
    """Chances, capacities and costs of own plants."""
    layout, book = prepared.layout, prepared.book
    size, own, years = draws.size, layout.own, len(layout.years)
    names = layout.plants[:own]
    start = layout.years[0]
    slot = np.zeros(own, dtype=bool)
    slot[list(layout.slots)] = True

    nameplate = np.stack(
        [
            steady(prepared, draws, "arrival_nameplate") if slot[p] else _nameplate(prepared, draws, p)
            for p in range(own)
        ],
        axis=-1,
    )
    plate = np.stack(
        [book.path("nameplate", nameplate[:, p], names[p]) * np.ones((1, years)) for p in range(own)], axis=-1
    )
    shares = line_shares(prepared, draws)

    chance = parameter(prepared, draws, "open_probability", names)[:, -1]
    delay = parameter(prepared, draws, "open_delay", names)[:, -1]
    lucky = draws.uniform("plants.open", own) < chance
    wait = -np.log(draws.uniform("plants.delay", own)) * delay
    planned = np.where(np.isnan(layout.opened), float(start), layout.opened)
    opens = np.where(lucky, np.maximum(planned, start) + wait, np.inf)
    closes = np.zeros((years, own))
    for lever in book.of("plant_opens"):
        for p in range(own):
            if names[p] == lever.key:
                opens[draws_of(lever), p] = lever.value
    for lever in book.of("plant_closes"):
        for p in range(own):
            if lever.key in ("*", names[p]):
                closes[np.asarray(layout.years) >= lever.value, p] = 1.0
    for lever in book.of("no_industry"):
        closes[book.when(lever)] = 1.0
    recovery = 1.0 - np.exp(-1.0 / np.maximum(parameter(prepared, draws, "interruption_years", names)[:, -1], 0.1))
    idle = layout.initial_state == 3
    # A plant long idle comes back, if at all, like one that was announced: by its chance and its delay.
    revival = np.where(idle, chance / np.maximum(delay, 0.5) * 0.5, recovery)
    chances = Chances(
        opens=opens,
        closes=closes,
        interruption=parameter(prepared, draws, "interruption_hazard", names),
        exit_share=parameter(prepared, draws, "exit_share", names)[:, -1],
        recovery=np.clip(revival, 0.0, 1.0),
        arrival=slot,
        replaces=layout.replaces,
        uniforms=draws.uniform("plants.states", years, own, 3),
    )
    state0 = np.broadcast_to(layout.initial_state, (size, own)).copy()
    waiting = np.isin(layout.initial_state, (ANNOUNCED, BUILDING))
    opened0 = np.where(waiting, np.inf, np.where(np.isnan(layout.opened), start - 10.0, layout.opened))

    now, target = _local_shares(prepared, draws)
    scale, elasticity = _scale(prepared, draws)
    time = np.arange(years)[None, :]
    drift = np.exp(steady(prepared, draws, "kit_cost_drift")[:, None] * (time + 1))
    main = {}
    for v in layout.own_offers:
        plant = int(layout.offer_plant[v])
        if layout.offer_active[v] and plant not in main:
            main[plant] = layout.offer_price[v, 1]
    factor = np.array(
        [
            layout.offer_price[v, 1] / main.get(int(layout.offer_plant[v]), layout.offer_price[v, 1])
            for v in layout.own_offers
        ]
    )
    return Plants(
        chances=chances,
        state0=state0,
        opened0=np.broadcast_to(opened0, (size, own)).copy(),
        nameplate=plate,
        shares=shares,
        ramp_50=parameter(prepared, draws, "ramp_50", names)[:, -1],
        ramp_90=np.maximum(
            parameter(prepared, draws, "ramp_90", names), parameter(prepared, draws, "ramp_50", names) + 1.0
        )[:, 0],
        partner_supply=parameter(prepared, draws, "partner_supply", names),
        local_now=now,
        local_target=target,
        efficient_scale=scale,
        scale_elasticity=elasticity,
        half_life=steady(prepared, draws, "localisation_half_life")[:, None, None],
        domestic_content=steady(prepared, draws, "domestic_content")[:, None, None],
        drift=drift,
        price_factor=factor,
        arrival_rate=parameter(prepared, draws, "arrival_rate"),
        arrival_elasticity=steady(prepared, draws, "arrival_market_elasticity"),
        electrified_year=parameter(prepared, draws, "electrified_year", names)[:, -1],
        stock_cover=steady(prepared, draws, "stock_cover"),
        **cost_inputs(prepared, draws, real_rate),
    )


def cost_inputs(prepared: Prepared, draws: Draws, real_rate: Array) -> dict[str, Any]:
    """The fields of :class:`Plants` that set the cost of a car."""
    names = prepared.layout.plants[: prepared.layout.own]
    by_plant = ("kit_price", "kit_freight", "kit_duty", "overhead", "people_fixed", "people_per_1000")
    yearly = parameter(prepared, draws, "wage_month") * 12.0 / prepared.exchange_rate
    growth = parameter(prepared, draws, "wage_growth")
    time = np.arange(1, len(prepared.layout.years) + 1)[None, :]
    return {
        **{name: parameter(prepared, draws, name, names) for name in by_plant},
        "local_price_ratio": steady(prepared, draws, "local_price_ratio")[:, None, None],
        "margin": parameter(prepared, draws, "maker_margin"),
        "wage": yearly * (1 + growth) ** time * real_rate,
    }


def _nameplate(prepared: Prepared, draws: Draws, p: int) -> Array:
    """(D,), cars per year: triangular over what was announced."""
    plant = prepared.layout.plants[p]
    row = prepared.study.table("plants").row(by_predicate=pl.col("plant") == plant, named=True)
    place, source, note = f"{row[FILE]}:{row[LINE]}", str(row["source"]), str(row["note"] or "")
    announced = prepared.layout.nameplate[p]
    return _ranged(prepared, draws, f"nameplate.{plant}", announced, "cars per year", source, note, place, "plants")


def _local_shares(prepared: Prepared, draws: Draws) -> tuple[Array, Array]:
    """(D, P, G), local shares now and in the long run, levers included."""
    layout = prepared.layout
    rows = {(row["plant"], row["component"]): row for row in prepared.study.table("sourcing").iter_rows(named=True)}
    now = np.zeros((draws.size, layout.own, len(layout.components)))
    target = np.zeros_like(now)
    for p, plant in enumerate(layout.plants[: layout.own]):
        for g, component in enumerate(layout.components):
            row = next(
                (rows[key] for key in ((plant, component), (plant, "*"), ("*", component), ("*", "*")) if key in rows),
                None,
            )
            if row is not None:
                for out, word in ((now, "now"), (target, "target")):
                    low, mid, high = row[f"{word}_low"], row[f"{word}_mid"], row[f"{word}_high"]
                    shape = "triangular" if high > low else "fixed"
                    # One draw for all groups of a plant: localisation goes well or badly as a whole.
                    cell = common_place(f"sourcing.{word}.{plant}", row["source"], "", "sourcing.csv", "partners")
                    prepared.cells[cell.name] = cell
                    luck = draws.of(cell)
                    drawn = Cell(
                        f"sourcing.{word}.{plant}.{component}",
                        low,
                        mid,
                        high,
                        shape,
                        "share of 1",
                        row["source"],
                        row["note"] or "",
                        f"{row['_file']}:{row['_line']}",
                        "partners",
                    )
                    prepared.cells[drawn.name] = drawn
                    out[:, p, g] = drawn.draw(luck)
            for lever in prepared.book.of("local_share_target"):
                if lever.key in ("*", plant) and lever.component in ("*", component):
                    target[draws_of(lever), p, g] = lever.value
    return np.clip(now, 0, 1), np.clip(np.maximum(target, 0), 0, 1)


def _scale(prepared: Prepared, draws: Draws) -> tuple[Array, Array]:
    """Minimum efficient scale (G,) and elasticity (D, G) of component groups, levers included."""
    rows = prepared.study.table("components").to_dicts()
    scale = np.array([row["minimum_scale"] or 1.0 for row in rows])
    out = np.zeros((draws.size, len(rows)))
    columns = ("scale_elasticity_low", "scale_elasticity_mid", "scale_elasticity_high")
    for g, row in enumerate(rows):
        cell = cell_of_range(f"components.scale_elasticity.{row['component']}", row, *columns, "1", "partners")
        if cell is None or not row["minimum_scale"]:
            continue
        prepared.cells[cell.name] = cell
        # One draw for all groups: which study of scale is believed is one question.
        note = "where all component groups stand between their low and their high elasticity"
        luck = common_place("components.scale_elasticity.*", row["source"], note, "components.csv", "partners")
        if not cell.certain:
            out[:, g] = cell.draw(draws.of(prepared.cells.setdefault(luck.name, luck)))
        else:
            out[:, g] = cell.mid
        for lever in prepared.book.of("scale_elasticity"):
            if lever.component in ("*", row["component"]):
                out[:, g] = apply(lever, out[:, g])
    return scale, np.maximum(out, 0.0)

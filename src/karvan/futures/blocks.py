"""One block of draws, stage by stage: everything that is fixed before the years begin.

Letters: ``D`` draws, ``Y`` years, ``P`` own plants, ``V`` offers, ``K`` products, ``M`` markets, ``G`` component groups.
Money is in dollars of the year before the start, unless a name says local.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from karvan.base.axes import Array, IntArray
from karvan.demand.fleet import fleet_from_age_classes, steady_fleet, survival, weibull_scale
from karvan.demand.growth import simulate_growth
from karvan.demand.ownership import fit_beta
from karvan.economy.parts import ImpactEffects
from karvan.facilities.ladder import Shares
from karvan.futures.frictions import market_cell, market_rows
from karvan.futures.hazards import ANNOUNCED, BUILDING, Chances
from karvan.futures.inputs import AGES, Draws, Prepared, parameter, steady
from karvan.futures.surrogate import line_shares
from karvan.market.shares import DoubleCES
from karvan.study.cells import Cell
from karvan.study.tables import FILE, LINE

CYCLE = (-3.0, 1.2)
"""Bounds of ln(purchases over usual purchases): ``assumed``; imports of 2013 were 2.4 times and those of 2016 one
eighth of their mean of 2011-19 in Azerbaijan."""
NOISE_MEMORY = 0.8
"""Part of a plant's luck with buyers that lasts into the next year: ``assumed``, range 0.6 to 0.9."""
HABIT = 0.15
"""Share of a deviation of income that buyers take for lasting within a year: ``assumed``, range 0.1 to 0.3."""
HIGHEST_SHARE = 0.9
"""Home-made share of the home market's combustion cars above which a draw of a small market is not believed."""
USED_MEAN_AGE = 7.0
"""Mean age of a used import, years: ``assumed``, range 4 to 10; exponential, cut at the last age."""


@dataclass(frozen=True)
class Demand:
    """What the demand stage needs."""

    income: Array
    """(D, Y, M), GDP per head at purchasing-power parity, thousand international dollars."""
    cycle: Array
    """(D, Y, M), purchases at this income and exchange rate over those of the base, fleet apart."""
    real_rate: Array
    """(D, Y), real value of the home currency over that of the base."""
    income0: Array
    """(M,), income of the base."""
    saturation: Array
    alpha: Array
    beta: Array
    """(D, M), (D, 1), (D, M): Gompertz parameters."""
    speed_rising: Array
    speed_falling: Array
    survival: Array
    """(D, M, A)."""
    fleet0: Array
    """(D, M, A), cars at the end of the year before the start."""
    used_ages: Array
    """(M, A)."""
    new_base: Array
    used_base: Array
    """(D, M), new cars and used imports bought in a base year."""
    price_elasticity: Array
    """(D, 1), of the choice between new and used; below 0."""
    electrified: Array
    """(D, Y, M), share of hybrids and electric cars among new cars."""
    new_factor: Array
    """(D, Y, M), levers on the share of new cars."""


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


@dataclass(frozen=True)
class Market:
    """What the market stage needs."""

    ces: DoubleCES
    theta: Array
    eta: Array
    appeal: Array
    """(D, V, M), error of the base flows."""
    rival_price: Array
    """(D, V), ex works in the base, dollars; own offers too."""
    rival_drift: Array
    """(D, Y)."""
    noise: Array
    """(D, Y, P), year-to-year multiplier on what buyers want from a plant."""
    entrant: Array
    """(D, V), appeal of an entrant at equal price: own offers only, else 0."""
    appeal_ramp: Array
    """(D,), years."""
    export_reach: Array
    """(D, Y or 1, V)."""
    record: Array
    """(D, P), cars sold at home per year on record."""
    vat: Array
    dealer: Array
    """(D, Y or 1, M), share of 1."""
    compliance: Array
    """(D,), rise of cost per share of value missing."""


@dataclass(frozen=True)
class Economy:
    """What the economy stage needs."""

    effects: ImpactEffects
    """(D,) members, spending share and table error in them."""
    price_level: Array
    """(D,), prices of the year before the start over those of the table's year."""
    labour_tax: Array
    labour_tax_social: Array
    """(D,), part of it that is social contributions, share of 1."""
    profit_tax: Array
    property_tax: Array
    """(D,), share of investment at cost."""
    holiday: Array
    used_price: Array
    used_tax: Array
    overhead_local: Array
    productivity: Array
    """(D, Y), output per person over that of the table's year."""
    discount: Array
    investment: Array
    investment_local: Array
    incentive_use: Array
    hired: Array
    shadow_wage: Array
    shadow_exchange: Array
    """(D,), economic over market price of labour and of foreign exchange."""
    social_discount: Array
    """(D,), share of 1 a year, real."""


def markets_of(prepared: Prepared, draws: Draws, attribute: str) -> Array:
    """A market attribute over the years: (D, Y or 1, M), moved by levers of the same name."""
    columns = []
    for market in prepared.layout.markets:
        value = draws.of(prepared.market(attribute, market))[:, None]
        for lever in prepared.book.of(attribute):
            if lever.market in ("", "*", market):
                value = np.where(prepared.book.when(lever)[None, :], _moved(lever.operation, lever.value, value), value)
        columns.append(value)
    width = max(column.shape[1] for column in columns)
    return np.stack([np.broadcast_to(column, (draws.size, width)) for column in columns], axis=-1)


def _moved(operation: str, by: float, value: Array) -> Array:
    if operation == "multiply":
        return value * by
    return value + by if operation == "add" else np.full_like(value, by)


def demand_inputs(prepared: Prepared, draws: Draws) -> Demand:
    """Income paths, fleets and tastes of every market."""
    layout = prepared.layout
    years, markets, size = len(layout.years), len(layout.markets), draws.size
    path = np.exp(
        simulate_growth(
            prepared.growth, draws.normal("income", years, markets), drift_normals=draws.normal("income_drift", markets)
        )
    )
    known = prepared.income_known
    path = _join(path, known)
    for lever in prepared.book.of("income"):
        for m, market in enumerate(layout.markets):
            if lever.market in ("", "*", market):
                path[:, prepared.book.when(lever), m] *= lever.value
    sd = np.stack([draws.of(_sd_cell(prepared, market)) for market in layout.markets], axis=-1)
    shocks = draws.normal("real_rate", years, markets) * sd[:, None, :]
    hazard, step = parameter(prepared, draws, "devaluation_hazard"), steady(prepared, draws, "devaluation_size")
    falls = draws.uniform("devaluation", years) < hazard
    shocks[:, :, layout.home] -= falls * step[:, None]
    # Real rates come back half way in about five years, so that shocks do not add up for ever.
    rate = np.zeros((size, years, markets))
    level = np.zeros((size, markets))
    for y in range(years):
        level = 0.87 * level + shocks[:, y]
        rate[:, y] = level
    rate[:, :, layout.home] = _known_rate(rate[:, :, layout.home], np.log(prepared.dollars_known))
    for lever in prepared.book.of("exchange_rate"):
        rate[:, prepared.book.when(lever), layout.home] += np.log(lever.value)
    elasticity = steady(prepared, draws, "purchase_income_elasticity")[:, None, None]
    noise_sd = steady(prepared, draws, "demand_noise")[:, None, None]
    noise = draws.normal("demand_noise", years, markets) * noise_sd
    cycle = np.exp(np.clip(elasticity * _surprise(prepared, path, rate) + noise - 0.5 * noise_sd**2, *CYCLE))

    prepared.cells.update((cell.name, cell) for cell in prepared.stock)
    stock = np.stack([draws.of(cell) for cell in prepared.stock], axis=-1)
    people0 = prepared.population[0]
    owned = 1000.0 * stock / people0
    saturation = np.stack([steady(prepared, draws, "saturation", market) for market in layout.markets], axis=-1)
    saturation = np.maximum(saturation, 1.15 * owned)
    alpha = steady(prepared, draws, "gompertz_alpha")[:, None]
    least = saturation * np.exp(alpha) * 1.05
    beta = fit_beta(prepared.income, np.maximum(owned, least), saturation, alpha)
    life = np.stack([steady(prepared, draws, "mean_life", market) for market in layout.markets], axis=-1)
    shape = steady(prepared, draws, "life_shape")[:, None]
    shape = np.broadcast_to(shape, life.shape)
    alive = survival(weibull_scale(life, shape), shape, AGES)
    ages = np.exp(-np.arange(AGES) / USED_MEAN_AGE)
    ages[0] = 0.0
    used_ages = np.broadcast_to(ages / ages.sum(), (markets, AGES))
    new = _sales(prepared, draws)
    used = np.stack([_used(prepared, draws, market) for market in layout.markets], axis=-1)
    share_new = new / np.maximum(new + used, 1.0)
    entry = (1 - share_new[..., None]) * used_ages
    entry[..., 0] += share_new
    fleet = steady_fleet(stock, alive, entry_ages=entry)
    for m, classes in enumerate(prepared.age_classes):
        if classes is not None:  # ages on record beat a fleet that has long been steady
            counts = np.broadcast_to(np.array(classes[1]), (size, len(classes[1])))
            aged = fleet_from_age_classes(counts, AGES, bounds=classes[0], survival=alive[:, m])
            fleet[:, m] = aged * (stock[:, m] / aged.sum(axis=-1))[:, None]

    ceiling = markets_of(prepared, draws, "electrified_ceiling")
    midpoint = markets_of(prepared, draws, "electrified_midpoint")
    pace = markets_of(prepared, draws, "electrified_speed")
    time = np.asarray(layout.years, dtype=np.float64)[None, :, None]
    electrified = np.clip(ceiling, 0, 1) * 0.5 * (1 + np.tanh(0.5 * pace * (time - midpoint)))
    factor = np.ones((1, years, markets))
    for lever in prepared.book.of("new_share"):
        for m, market in enumerate(layout.markets):
            if lever.market in ("", "*", market):
                factor[:, prepared.book.when(lever), m] *= lever.value
    return Demand(
        income=path * prepared.income,
        cycle=cycle,
        real_rate=np.exp(rate[:, :, layout.home]),
        income0=prepared.income,
        saturation=saturation,
        alpha=alpha,
        beta=beta,
        speed_rising=steady(prepared, draws, "speed_rising")[:, None],
        speed_falling=steady(prepared, draws, "speed_falling")[:, None],
        survival=alive,
        fleet0=fleet,
        used_ages=used_ages,
        new_base=new,
        used_base=used,
        price_elasticity=-steady(prepared, draws, "new_used_elasticity")[:, None],
        electrified=electrified,
        new_factor=factor,
    )


def _surprise(prepared: Prepared, path: Array, rate: Array) -> Array:
    """(D, Y, M), income in foreign money over what buyers have come to count on, ln.

    Lasting growth moves the stock wanted (the Gompertz curve); only what is unusual moves purchases on top. Buyers
    learn: each year they take :data:`HABIT` of a deviation for lasting.
    """
    years = np.arange(1, path.shape[1] + 1)[None, :, None]
    level = np.log(path) - prepared.growth.drift * years + rate
    usual = np.zeros_like(level[:, 0])
    out = np.empty_like(level)
    for y in range(level.shape[1]):
        out[:, y] = level[:, y] - usual
        usual = usual + HABIT * out[:, y]
    return out


def _sd_cell(prepared: Prepared, market: str) -> Cell:
    found = market_cell(prepared.study, "real_exchange_rate_sd", market)
    if found is None:
        return prepared.cell("real_exchange_rate_sd", market)
    prepared.cells[found.name] = found
    return found


def _join(path: Array, known: Array) -> Array:
    """Known years as they were, later years by the process from the last known one. path: (D, Y, M), known: (Y, M)."""
    out = path.copy()
    for m in range(known.shape[1]):
        have = np.flatnonzero(np.isfinite(known[:, m]))
        if have.size == 0:
            continue
        last = int(have[-1])
        out[:, have, m] = known[have, m]
        out[:, last + 1 :, m] = known[last, m] * path[:, last + 1 :, m] / path[:, last : last + 1, m]
    return out


def _known_rate(drawn: Array, known: Array) -> Array:
    """The logarithm of the home rate: known years as they were; later ones drift from there. (D, Y), (Y,)."""
    have = np.flatnonzero(np.isfinite(known))
    if have.size == 0:
        return drawn
    last = int(have[-1])
    out = drawn.copy()
    out[:, have] = known[have]
    out[:, last + 1 :] = known[last] + drawn[:, last + 1 :] - drawn[:, last : last + 1]
    return out


def _sales(prepared: Prepared, draws: Draws) -> Array:
    """(D, M), new cars sold in a base year."""
    return np.stack([draws.of(_sales_cell(prepared, m)) for m in range(len(prepared.layout.markets))], axis=-1)


def _sales_cell(prepared: Prepared, m: int) -> Cell:
    """New cars sold in a base year in one market.

    The study's figure for today if the futures start where the study does; else the mean of the latest three years of
    registrations known before the start; else the study's figure for the years of the flows.
    """
    market = prepared.layout.markets[m]
    now = _optional(prepared, "new_sales_now", market) if prepared.present_start else None
    if now is None and np.isfinite(prepared.latest_sales[m]):
        value = prepared.latest_sales[m]
        now = Cell(
            f"sales.{market}",
            0.8 * value,
            value,
            1.25 * value,
            "lognormal",
            "cars per year",
            "derived: world table sales.csv, mean of the latest three years before the start",
            "range assumed",
            "world/sales.csv",
            "demand",
        )
        prepared.cells[now.name] = now
    return now if now is not None else prepared.market("new_sales", market)


def _used(prepared: Prepared, draws: Draws, market: str) -> Array:
    """(D,), used cars imported in a base year: as :func:`_sales`, from the record of imports for a past start at home."""
    now = _optional(prepared, "used_imports_now", market) if prepared.present_start else None
    if now is None and market == prepared.study.settings.home and prepared.imports_record > 0:
        value = prepared.imports_record
        now = Cell(
            f"used_imports.{market}",
            0.6 * value,
            value,
            1.4 * value,
            "triangular",
            "cars per year",
            "derived: car imports on record before the start, less new ones",
            "range assumed",
            "evidence",
            "demand",
        )
        prepared.cells[now.name] = now
    return draws.of(now if now is not None else prepared.market("used_imports", market))


def _optional(prepared: Prepared, attribute: str, market: str) -> Cell | None:
    return prepared.market(attribute, market) if (attribute, market) in market_rows(prepared.study) else None


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
                opens[:, p] = lever.value
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
                    cell = Cell(
                        f"sourcing.{word}.{plant}",
                        0.0,
                        0.5,
                        1.0,
                        "uniform",
                        "share of 1",
                        row["source"],
                        "",
                        "sourcing.csv",
                        "partners",
                    )
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
                    target[:, p, g] = lever.value
    return np.clip(now, 0, 1), np.clip(np.maximum(target, 0), 0, 1)


def market_inputs(prepared: Prepared, draws: Draws, demand: Demand) -> Market:
    """Base shares with their error, prices, appeals and taxes."""
    layout = prepared.layout
    size, offers = draws.size, len(layout.offers)
    own = layout.offer_plant < layout.own
    quantities = prepared.quantities.copy()
    record = _record(prepared, draws)
    # At home own offers start from their record: the middle of what is uncertain in the base shares, each future's own
    # in the appeal (the middle of the draws would make a draw depend on those beside it). What counts is the odds of
    # home-made cars among the combustion cars that buyers want.
    combustion = 1.0 - demand.electrified[:, 0, layout.home]
    wanted = np.maximum(demand.new_base[:, layout.home] * combustion, 1.0)
    drawn = np.clip(record.sum(axis=1) / wanted, 0.0, HIGHEST_SHARE)
    standing, _ = _standing(prepared)
    middle = float(np.clip(standing.sum() / _combustion_cars(prepared), 0.0, HIGHEST_SHARE))
    burns = ~layout.electrified[layout.offer_product]
    others = quantities[burns, layout.home].sum()
    if middle > 0.0:
        quantities[burns, layout.home] *= standing.sum() * (1.0 - middle) / middle / max(others, 1e-9)
        for p in range(layout.own):
            mine = np.flatnonzero((layout.offer_plant == p) & layout.offer_active & burns)
            if mine.size:
                quantities[mine[0], layout.home] = standing[p]
        odds = (drawn / (1.0 - drawn)) / (middle / (1.0 - middle))
    else:
        odds = np.ones(size)
    ces = DoubleCES.calibrate(
        quantities, layout.offer_brand, layout.offer_product, brands=len(layout.brands), products=len(layout.products)
    )
    theta = np.maximum(steady(prepared, draws, "theta"), steady(prepared, draws, "eta") + 0.1)
    eta = steady(prepared, draws, "eta")
    # Lognormal with mean 1: the estimated flow is the mean, not the median.
    shocks = draws.normal("flows", *prepared.flow_error.shape) * prepared.flow_error - 0.5 * prepared.flow_error**2
    appeal = np.exp(shocks)[:, prepared.offer_country]
    appeal[:, own] = 1.0
    appeal[:, own, layout.home] = odds[:, None]
    rows = {str(row["offer"]): row for row in prepared.study.table("offers").iter_rows(named=True)}
    price = np.stack([_price(prepared, draws, v, rows.get(layout.offers[v])) for v in range(offers)], axis=-1)
    entrant = np.zeros((size, offers))
    for v in np.flatnonzero(own):
        entrant[:, v] = steady(prepared, draws, "entrant_appeal", layout.plants[layout.offer_plant[v]])
    names = layout.plants[: layout.own]
    reach = parameter(prepared, draws, "export_reach", names)
    full = np.zeros((size, reach.shape[1], offers))
    full[:, :, own] = reach[:, :, layout.offer_plant[own]]
    time = np.arange(1, len(layout.years) + 1)[None, :]
    return Market(
        ces=ces,
        theta=theta,
        eta=eta,
        appeal=appeal,
        rival_price=price,
        rival_drift=np.exp(steady(prepared, draws, "rival_cost_drift")[:, None] * time),
        noise=_plant_noise(prepared, draws, names),
        entrant=entrant,
        appeal_ramp=steady(prepared, draws, "appeal_ramp_years"),
        export_reach=full,
        record=record,
        vat=markets_of(prepared, draws, "vat_rate"),
        dealer=markets_of(prepared, draws, "margin_rate"),
        compliance=steady(prepared, draws, "compliance_premium"),
    )


def _plant_noise(prepared: Prepared, draws: Draws, names: tuple[str, ...]) -> Array:
    """(D, Y, P), multipliers whose logarithm is an autoregressive path; half of a shock is gone in about three years."""
    years = len(prepared.layout.years)
    sd = np.stack([steady(prepared, draws, "plant_noise", name) for name in names], axis=-1)
    shocks = draws.normal("plant_noise", years, len(names))
    out = np.empty_like(shocks)
    level = np.zeros_like(sd)
    for y in range(years):
        level = NOISE_MEMORY * level + sd * shocks[:, y]
        out[:, y] = level
    return np.asarray(np.exp(out))


def _price(prepared: Prepared, draws: Draws, v: int, row: Mapping[str, object] | None) -> Array:
    """(D,), dollars per car ex works; an offer without a row of its own has the price of its kind's peers."""
    place, source, note = "offers.csv", "assumed", "middle price of the offers of its product, 20 % either way"
    if row is not None:
        place, source, note = f"{row[FILE]}:{row[LINE]}", str(row["source"]), str(row["note"] or "")
    name = f"offers.price.{prepared.layout.offers[v]}"
    return _ranged(prepared, draws, name, prepared.layout.offer_price[v], "USD per car", source, note, place, "costs")


def _ranged(
    prepared: Prepared,
    draws: Draws,
    name: str,
    ends: Array,
    unit: str,
    source: str,
    note: str,
    place: str,
    group: str,
) -> Array:
    """(D,), triangular from low over mid to high; the cell is remembered, so that the run knows what it used."""
    low, mid, high = (float(end) for end in ends)
    shape = "triangular" if high > low else "fixed"
    cell = Cell(name, low, mid, high, shape, unit, source, note, place, group)
    prepared.cells[name] = cell
    return draws.of(cell)


def brand_factor(ces: DoubleCES, appeal: Array, theta: Array, eta: Array) -> Array:
    """(D, B*K, M): with it, an error in a flow moves the brand's share in proportion, not to the power eta/theta."""
    nest = ces.brand * ces.products + ces.product
    member = np.zeros((ces.brand_share.shape[0], nest.size))
    member[nest, np.arange(nest.size)] = 1.0
    weighted = appeal * ces.plant_share
    inside = np.matmul(member, weighted)
    inside = np.where(inside > 0, inside, 1.0)
    factor: Array = inside ** (1.0 - eta / theta)[:, None, None]
    return factor


def _combustion_cars(prepared: Prepared) -> float:
    """New combustion cars bought at home in the first year, at the middle of every uncertain number."""
    layout = prepared.layout
    home = layout.markets[layout.home]
    ceiling, midpoint, pace = (
        prepared.market(f"electrified_{name}", home).mid for name in ("ceiling", "midpoint", "speed")
    )
    electrified = min(max(ceiling, 0.0), 1.0) / (1.0 + math.exp(-pace * (layout.years[0] - midpoint)))
    return max(_sales_cell(prepared, layout.home).mid * (1.0 - electrified), 1.0)


def _record(prepared: Prepared, draws: Draws) -> Array:
    """(D, P), cars a year on record by plant, each future with its own error of the record."""
    standing, middle = _standing(prepared)
    logs = np.zeros(draws.size)
    if standing.any():
        for value in prepared.record:
            spread = max(value.error, (value.high - value.low) / 3.29 / max(value.value, 1.0))
            weight = value.value / max(middle, 1.0) / len(prepared.record)
            logs += draws.normal(f"record.{value.period}") * spread * weight
    return np.asarray(np.exp(logs)[:, None] * standing)


def _standing(prepared: Prepared) -> tuple[Array, float]:
    """(P,), cars a year on record by plant that stay at home, and the mean of the country's record.

    The level is the mean of the last years on record, each with the error of its claim, less what the base-year flows
    send abroad; the split over plants is that of ``offers.csv`` (share_home), as far as the plants stand at the start.
    """
    layout = prepared.layout
    share = np.zeros(layout.own)
    for p in range(layout.own):
        of_plant = (layout.offer_plant == p) & layout.offer_active
        share[p] = layout.share_home[of_plant].sum()
    standing = np.isin(layout.initial_state, (2,))
    share = np.where(standing, share, 0.0)
    if share.sum() <= 0.0 and standing.any():
        share = standing / standing.sum()  # no split on record: plants that stand share alike
    total = share.sum()
    if not prepared.record or total <= 0.0:
        return np.zeros(layout.own), 0.0
    middle = float(np.mean([value.value for value in prepared.record]))
    return np.asarray(_sold_at_home(prepared) * middle * share / total), middle


def _sold_at_home(prepared: Prepared) -> float:
    """Share of the country's output that stays at home in the base-year flows; 1 where none are known."""
    settings = prepared.study.settings
    rows = prepared.study.table("flows").filter(pl.col("exporter") == settings.country)
    total = float(rows["units"].sum())
    return float(rows.filter(pl.col("importer") == settings.home)["units"].sum()) / total if total > 0 else 1.0


def economy_inputs(prepared: Prepared, draws: Draws) -> Economy:
    """Input-output effects of each future and the taxes."""
    donors = len(prepared.donors)
    which = np.minimum((draws.uniform("donor") * donors).astype(np.int64), donors - 1)
    error = np.exp(steady(prepared, draws, "donor_error"))
    spent = steady(prepared, draws, "spending_share")
    effects = prepared.effects.take(which).with_spending(spent).with_error({"jobs": error, "gva": error})
    years = np.arange(1, len(prepared.layout.years) + 1)[None, :]
    lag = prepared.layout.years[0] - 1 - prepared.table_year
    growth = steady(prepared, draws, "productivity_growth")[:, None]
    return Economy(
        effects=effects,
        price_level=steady(prepared, draws, "table_price_level"),
        labour_tax=parameter(prepared, draws, "labour_tax"),
        labour_tax_social=steady(prepared, draws, "labour_tax_social"),
        profit_tax=parameter(prepared, draws, "profit_tax"),
        property_tax=steady(prepared, draws, "property_tax"),
        holiday=parameter(prepared, draws, "profit_tax_holiday"),
        used_price=steady(prepared, draws, "used_price"),
        used_tax=parameter(prepared, draws, "used_tax"),
        overhead_local=steady(prepared, draws, "overhead_local"),
        productivity=(1 + growth) ** (years + lag),
        discount=steady(prepared, draws, "discount_rate"),
        investment=steady(prepared, draws, "investment_per_unit"),
        investment_local=steady(prepared, draws, "investment_local"),
        incentive_use=steady(prepared, draws, "scrappage_use"),
        hired=steady(prepared, draws, "hired_share"),
        shadow_wage=steady(prepared, draws, "shadow_wage_ratio"),
        shadow_exchange=steady(prepared, draws, "shadow_exchange_ratio"),
        social_discount=steady(prepared, draws, "social_discount_rate"),
    )

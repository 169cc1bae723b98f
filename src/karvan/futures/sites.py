"""Where would a car maker put a plant that serves the region? The location model of the hub stage, asked of a study.

One maker, one car, the same kit wherever it is assembled. What differs between countries is what a study knows of
them: wages, the way of the kits, freight of cars, duties under each agreement, fees, and how large each market is.
Every set of sites is tried in every future. It stands outside the year loop: no buyer answers to the choice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from karvan.base.axes import Array
from karvan.base.errors import InputError, UnknownName, nearest
from karvan.futures.blocks import markets_of
from karvan.futures.costs import Range, close_up, range_of
from karvan.futures.frictions import KINDS
from karvan.futures.inputs import Draws, Prepared, steady
from karvan.futures.yearloop import Sight
from karvan.hub.appraisal import annuity
from karvan.hub.location import MOST_SITES, Location, check_locations, locate
from karvan.market.cost import delivered_cost
from karvan.market.origin import origin_state
from karvan.market.rebuild import great_circle
from karvan.study.cells import Cell, cell_of_range
from karvan.study.load import Study
from karvan.study.world import world_table

REGION: Final = ("GEO", "KAZ", "UZB", "TUR", "RUS", "IRN", "AZE")
"""Candidate countries of a study that sells in all of them: 127 sets."""
CANDIDATES: Final = 7
"""Candidates of any other study: the home country and its largest markets near it."""
DECAY: Final = 1.5
"""Power of distance by which a market counts less as a candidate: as for the markets of a starter study."""
NEAR: Final = 300.0
FAR: Final = 5000.0
"""Kilometres below which nearness counts no more, and those taken for a country without a place: ``assumed``."""
KITS_FROM: Final = "CHN"
"""Country of the kits, and of the cars that come ready-made instead: ``assumed``."""
ASSUMED: Final = {
    "share": (0.01, 0.03, 0.08, "share of new cars"),
    "kit_freight": (0.3, 0.5, 0.7, "of the freight of a car"),
    "content": (0.2, 0.35, 0.55, "share of the price at the gate"),
    "wage_error": (0.7, 1.0, 1.4, "times"),
    "plant": (30_000.0, 60_000.0, 150_000.0, "cars a year"),
}
"""What no study gives, low, mid, high, all ``assumed``: the part of every market that the maker wants to sell, freight
of a kit, local content of its plant (for origin rules), error of the wage of a country (taken to stand to the home wage
as GDP per head does), and the size of plant that must be paid for however few cars it makes (below minimum efficient
scale, as entrants begin)."""
LIFE: Final = 15.0
"""Years over which a plant is paid off: ``assumed``, range 10 to 20."""
OPERATIONS: Final = 9.0
"""Operations of the plant: all that any agreement asks for."""
SAMPLE: Final = 8
"""Futures in which HiGHS checks the enumeration."""


@dataclass(frozen=True)
class Sites:
    """Where one maker would build, over the futures."""

    year: int
    sites: tuple[str, ...]
    kits_from: str
    chosen: dict[str, float]
    """Site to the share of futures in which it is in the cheapest set, if the maker builds somewhere."""
    alone: dict[str, float]
    """Share in which it is the only plant."""
    miss: dict[str, Range]
    """Million dollars a year that the cheapest set with the site costs more than the cheapest: the subsidy it takes."""
    miss_per_car: dict[str, Range]
    """The same, dollars per car of all the maker sells."""
    any_plant: float
    """Share of futures in which a plant anywhere pays, cars ready-made from ``kits_from`` being the other way."""
    with_imports: dict[str, float]
    """Site to the share of futures in which it is chosen when ready-made cars may come instead."""
    at_gate: dict[str, Range]
    """Dollars per car ex works."""
    volume: Range
    """Cars a year that the maker sells."""
    sets: int
    """Sets of sites tried in each future."""
    checked: int
    """Futures checked by HiGHS."""
    apart: float
    """Largest relative difference of the two answers."""


@dataclass(frozen=True)
class _Question:
    """The input of the location model for one block."""

    fixed: Array
    unit: Array
    outside: Array
    demand: Array
    gate: Array


def candidates(study: Study, kits_from: str = KITS_FROM) -> tuple[str, ...]:
    """The candidate countries of a study, the home country among them; the country of the kits is none."""
    markets = study.settings.markets
    if set(REGION) <= set(markets) and study.settings.home in REGION:
        return REGION
    size = {}
    rows = study.table("markets")
    for market in markets:
        found = [
            rows.filter((pl.col("market") == market) & (pl.col("attribute") == name))
            for name in ("new_sales_now", "new_sales")
        ]
        size[market] = next((float(frame["mid"][0]) for frame in found if frame.height), 0.0)
    places = {row["country"]: (row["latitude"], row["longitude"]) for row in world_table("countries").to_dicts()}
    home = places.get(study.settings.home)

    def worth(market: str) -> float:
        """Sales over distance: a plant for the region stands in it, and not in a large market far away."""
        there = places.get(market)
        if home is None or there is None:
            return float(size[market] / FAR**DECAY)
        ends = [np.array([float(angle)]) for angle in (*home, *there)]
        return float(size[market] / max(float(great_circle(*ends)[0, 0]), NEAR) ** DECAY)

    others = sorted((m for m in markets if m not in (study.settings.home, kits_from)), key=lambda m: (-worth(m), m))
    return (*others[: CANDIDATES - 1], study.settings.home)


def where_to_build(
    study: Study,
    sites: Sequence[str] = (),
    *,
    year: int | None = None,
    scenario: str = "baseline",
    draws: int = 500,
    seed: int = 1,
    kits_from: str = KITS_FROM,
) -> Sites:
    """The share of futures in which each country is chosen, and by how much the others miss.

    Parameters
    ----------
    sites : ISO3 codes among the study's markets, at most twelve; :func:`candidates` if empty.
    year : four years after the study's first if left out.
    kits_from : ISO3 code of the country of kits and of ready-made cars.

    Errors: :class:`UnknownName` for a country of kits that nobody knows, or a site that is no market of the study;
    :class:`InputError` for too many sites.
    """
    known = {*world_table("countries")["country"].to_list(), *study.table("plants")["country"].to_list()}
    if kits_from not in known:
        hint = nearest(kits_from, known) or "use an ISO3 code"
        raise UnknownName(f"no country '{kits_from}' for the kits to come from; {hint}")
    chosen = tuple(dict.fromkeys(sites)) or candidates(study, kits_from)
    for site in chosen:
        if site not in study.settings.markets:
            raise UnknownName(
                f"site '{site}' is no market of study {study.name}: its costs are not known; "
                f"{nearest(site, study.settings.markets) or 'markets: ' + ', '.join(study.settings.markets)}"
            )
    if len(chosen) > MOST_SITES:
        raise InputError(f"{len(chosen)} sites; expected at most {MOST_SITES}")
    when = min(study.settings.start_year + 4, study.settings.horizon) if year is None else year

    def ask(prepared: Prepared, sight: Sight) -> _Question:
        return _question(prepared, sight, chosen, kits_from)

    _, blocks = close_up(study, ask, year=when, scenario=scenario, draws=draws, seed=seed)

    def whole(name: str) -> Array:
        return np.concatenate([getattr(block, name) for block in blocks])

    fixed, unit, demand, outside = whole("fixed"), whole("unit"), whole("demand"), whole("outside")
    must = locate(fixed, unit, demand)
    may = locate(fixed, unit, demand, outside=outside)
    sample = list(range(min(SAMPLE, fixed.shape[0])))
    cars = demand.sum(axis=1)
    return Sites(
        year=when,
        sites=chosen,
        kits_from=kits_from,
        chosen=_by(chosen, must.probability),
        alone={site: float((must.sites == 1 << s).mean()) for s, site in enumerate(chosen)},
        miss={site: range_of(must.miss[:, s] / 1e6) for s, site in enumerate(chosen)},
        miss_per_car={site: range_of(must.miss[:, s] / cars) for s, site in enumerate(chosen)},
        any_plant=float((may.sites > 0).mean()),
        with_imports=_by(chosen, may.probability),
        at_gate={site: range_of(whole("gate")[:, s]) for s, site in enumerate(chosen)},
        volume=range_of(cars),
        sets=2 ** len(chosen) - 1,
        checked=len(sample),
        apart=_apart(must, may, fixed, unit, demand, outside, sample),
    )


def _apart(
    must: Location, may: Location, fixed: Array, unit: Array, demand: Array, outside: Array, sample: list[int]
) -> float:
    return max(
        check_locations(must, fixed, unit, demand, sample),
        check_locations(may, fixed, unit, demand, sample, outside=outside),
    )


def _by(sites: Sequence[str], values: Array) -> dict[str, float]:
    return {site: float(values[s]) for s, site in enumerate(sites)}


def _question(prepared: Prepared, sight: Sight, sites: tuple[str, ...], kits_from: str) -> _Question:
    """Costs of every site and of ready-made cars, and what the maker wants to sell, in one year."""
    draws, layout, index = sight.draws, prepared.layout, sight.now.index
    year = sight.now.year
    origins = (*sites, kits_from)
    product = _product(prepared)
    model = _model(prepared)

    wage = sight.plants.wage[:, min(index, sight.plants.wage.shape[1] - 1)]
    pay = np.stack(
        [wage * _relative(prepared, site) * _assumed(draws, "wage_error", site) for site in origins], axis=-1
    )
    pay[:, [i for i, site in enumerate(origins) if site == layout.markets[layout.home]]] = wage[:, None]
    kit = steady(prepared, draws, "kit_price", model)
    hours = steady(prepared, draws, "people_per_1000", model) / 1000.0
    carriage = np.stack([_kit_freight(prepared, draws, site, kits_from, product, year) for site in origins], axis=-1)
    duty = np.stack(
        [np.zeros(draws.size) if site == kits_from else draws.of(_kit_duty(prepared, site, model)) for site in origins],
        axis=-1,
    )
    gate = (kit[:, None] + carriage) * (1.0 + duty) + hours[:, None] * pay
    fixed = steady(prepared, draws, "overhead", model)[:, None]
    fixed = fixed + steady(prepared, draws, "people_fixed", model)[:, None] * pay
    built = steady(prepared, draws, "investment_per_unit") * _assumed(draws, "plant")
    fixed = fixed + annuity(built, steady(prepared, draws, "discount_rate"), LIFE)[:, None]

    price = _delivered(prepared, draws, gate, origins, product, year, index)
    share = _assumed(draws, "share")
    demand = share[:, None] * sight.wanted.sum(axis=1)
    return _Question(fixed[:, :-1], price[:, :-1], price[:, -1], demand, gate[:, :-1])


def _delivered(
    prepared: Prepared, draws: Draws, gate: Array, origins: tuple[str, ...], product: str, year: int, index: int
) -> Array:
    """(D, origins, M), what a buyer pays for the maker's car from each origin."""
    layout, book = prepared.layout, prepared.book
    shape = (draws.size, len(origins), len(layout.markets))
    parts = {kind: np.zeros(shape) for kind in KINDS}
    for kind, out in parts.items():
        for s, origin in enumerate(origins):
            for m, market in enumerate(layout.markets):
                cell = prepared.friction(kind, origin, market, product, year)
                value = draws.of(cell) if cell is not None else np.zeros(draws.size)
                if origin != market or kind in ("excise", "fee"):
                    value = book.value_in(kind, value, year, origin=origin, market=market, product=product)
                out[:, s, m] = np.maximum(value, 0.0)
    value_rule, points, preferential = _rules(prepared, draws, origins, year)
    content = np.repeat(_assumed(draws, "content")[:, None], len(origins), axis=1)
    premium = steady(prepared, draws, "compliance_premium")[:, None, None]
    origin_ = origin_state(
        content,
        np.full(len(origins), OPERATIONS),
        value_rule,
        points,
        compliance_cost_rate=lambda gap: gap * premium,
        mfn_rate=parts["duty_rate"],
        preferential_rate=preferential,
    )
    reduced = (origin_.state == 1) | (origin_.state == 2)
    home = np.array([[origin == market for market in layout.markets] for origin in origins])
    vat, margin = markets_of(prepared, draws, "vat_rate"), markets_of(prepared, draws, "margin_rate")
    ladder = delivered_cost(
        gate,
        freight=parts["freight"],
        duty_rate=origin_.duty_rate,
        duty_per_cc=np.where(reduced, 0.0, parts["duty_per_cc"]),
        engine_cc=np.full(len(origins), layout.engine_cc[layout.products.index(product)]),
        excise=parts["excise"],
        fee=parts["fee"],
        certification=parts["certification"],
        vat_rate=vat[:, min(index, vat.shape[1] - 1)],
        margin_rate=margin[:, min(index, margin.shape[1] - 1)][:, None, :],
        compliance_cost_rate=origin_.compliance_cost_rate,
        home=home,
    )
    return np.asarray(ladder.total * (1.0 + parts["barrier"]))


def _rules(prepared: Prepared, draws: Draws, origins: tuple[str, ...], year: int) -> tuple[Array, Array, Array]:
    """Value rules (D, O, M), operations asked (O, M) and preferential duties (O, M); nan where no agreement holds."""
    layout, study = prepared.layout, prepared.study
    value = np.full((draws.size, len(origins), len(layout.markets)), np.nan)
    points = np.full(value.shape[1:], np.nan)
    preferential = np.zeros(value.shape[1:])
    for row in study.table("agreements").iter_rows(named=True):
        in_force = row["year_from"] <= year <= (row["year_to"] or 9999)
        if not in_force or row["covers_cars"] != "yes":
            continue
        if row["origin"] not in origins or row["market"] not in layout.markets:
            continue
        m = layout.markets.index(row["market"])
        name = f"agreements.rule_value.{row['agreement']}.{row['origin']}.{row['market']}"
        if row["origin"] == study.settings.home:
            name = f"agreements.rule_value.{row['agreement']}.{row['market']}"  # the draws of the year loop
        cell = cell_of_range(name, row, "rule_value_low", "rule_value", "rule_value_high", "share of 1", "policy")
        for s, origin in enumerate(origins):
            if origin == row["origin"]:
                value[:, s, m] = 0.0 if cell is None else draws.of(cell)
                points[s, m] = float(len([x for x in str(row["rule_operations"] or "").split(";") if x.strip()]))
                preferential[s, m] = row["preferential_rate"]
    for lever in prepared.book.of("agreement"):
        if not lever.year_from <= year <= lever.year_to:
            continue
        for s, origin in enumerate(origins):
            for m, market in enumerate(layout.markets):
                if origin == study.settings.home != market and lever.market in ("*", market):
                    value[:, s, m] = 0.0 if lever.rule_value is None else lever.rule_value
                    points[s, m], preferential[s, m] = 0.0, lever.value
    return value, points, preferential


def _product(prepared: Prepared) -> str:
    """The combustion product; the first of all where there is none."""
    layout = prepared.layout
    burns = np.flatnonzero(~layout.electrified)
    return layout.products[int(burns[0]) if burns.size else 0]


def _model(prepared: Prepared) -> str:
    """The own plant whose costs stand for a new plant: the largest that welds and paints, else the largest."""
    layout = prepared.layout
    known = [p for p in range(layout.own) if p not in layout.slots]
    if not known:
        return ""
    best = max(known, key=lambda p: (len(layout.operations[p]), layout.nameplate[p, 1], -p))
    return layout.plants[best]


def _relative(prepared: Prepared, country: str) -> float:
    """GDP per head over that of the home country, in the latest year that both have."""
    home = prepared.study.settings.home
    rows = world_table("income").filter(pl.col("gdp_per_head").is_not_null())
    by = {
        name: dict(zip(frame["year"].to_list(), frame["gdp_per_head"].to_list(), strict=True))
        for name in (home, country)
        if (frame := rows.filter(pl.col("country") == name)).height
    }
    both = set(by.get(home, {})) & set(by.get(country, {}))
    return by[country][max(both)] / by[home][max(both)] if both else 1.0


def _assumed(draws: Draws, name: str, key: str = "") -> Array:
    """(D,), one of :data:`ASSUMED`."""
    low, mid, high, unit = ASSUMED[name]
    full = f"sites.{name}.{key}" if key else f"sites.{name}"
    return draws.of(Cell(full, low, mid, high, "triangular", unit, "assumed", "", "futures/sites.py", "hub"))


def _kit_freight(prepared: Prepared, draws: Draws, site: str, kits_from: str, product: str, year: int) -> Array:
    if site == kits_from:
        return np.zeros(draws.size)
    cell = prepared.friction("freight", kits_from, site, product, year)
    return _assumed(draws, "kit_freight") * (draws.of(cell) if cell is not None else 0.0)


def _kit_duty(prepared: Prepared, site: str, model: str) -> Cell:
    """Duty on kits: the study's range for its own plants; each other country draws for itself."""
    cell = prepared.cell("kit_duty", model)
    return cell if site == prepared.study.settings.home else replace(cell, name=f"sites.kit_duty.{site}")

"""What stands on the axes of a run: years, plants, offers, products, markets, component groups, industries."""

from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import polars as pl

from karvan.base.axes import Array, BoolArray, IntArray
from karvan.base.errors import Fault, StudyFaults
from karvan.base.sums import Groups
from karvan.futures.hazards import CODES
from karvan.study.load import Study
from karvan.study.tables import parse_date

SLOTS = 2
"""Unannounced plants that may arrive in one future."""
SLOT = "unannounced_{}"


@dataclass(frozen=True)
class Layout:
    """Names and fixed structure. Own plants come first on the plant axis, unannounced slots last among them."""

    years: tuple[int, ...]
    home: int
    """Index of the home market."""
    markets: tuple[str, ...]
    products: tuple[str, ...]
    engine_cc: Array
    """(K,), cc."""
    electrified: BoolArray
    """(K,), products that are hybrids or electric cars."""
    plants: tuple[str, ...]
    own: int
    """Number of own plants, slots included: plants[:own]."""
    slots: tuple[int, ...]
    country: tuple[str, ...]
    """Country of each plant."""
    replaces: IntArray
    """(own,), index of the plant whose production moves here; -1 for none."""
    initial_state: IntArray
    """(own,), state code at the start."""
    opened: Array
    """(own,), calendar time of opening or planned opening; nan if neither is known."""
    nameplate: Array
    """(own, 3), low, mid and high of what is announced, cars per year; slots are drawn apart."""
    partner_country: tuple[str, ...]
    """(own,), country of the partner whose kits the plant uses; empty where unknown."""
    operations: tuple[frozenset[str], ...]
    """(own,), operations done at the plant."""
    offers: tuple[str, ...]
    brands: tuple[str, ...]
    offer_plant: IntArray
    offer_brand: IntArray
    offer_product: IntArray
    offer_active: BoolArray
    """(V,), offers that exist without a lever."""
    offer_price: Array
    """(V, 3), USD per car ex works: low, mid, high."""
    share_home: Array
    """(V,), share of the home-made sales of the plant's country."""
    share_export: Array
    """(V,), share of the exports of the plant's country."""
    peers: tuple[tuple[int, ...], ...]
    """(V,), brands whose median share is the prior of an entrant's appeal."""
    components: tuple[str, ...]
    industries: tuple[str, ...]
    component_industry: IntArray
    """(G,)"""

    @cached_property
    def own_offers(self) -> IntArray:
        """Indices of the offers of own plants."""
        return np.flatnonzero(self.offer_plant < self.own)

    @cached_property
    def by_plant(self) -> Groups:
        """Rows of :attr:`own_offers` by own plant."""
        return Groups.of(self.offer_plant[self.own_offers], self.own)

    def plant_index(self, name: str) -> int:
        """Place of a plant on the axis."""
        return self.plants.index(name)


def state_at(study: Study, plant: str, recorded: str, year: int) -> int:
    """State code of a plant at the end of the year before ``year``: the last known row, else the plant's own state."""
    rows = study.table("plant_states").filter((pl.col("plant") == plant) & (pl.col("year") < year)).sort("year")
    if rows.height:
        return CODES[rows["state"].to_list()[-1]]
    later = study.table("plant_states").filter(pl.col("plant") == plant)
    if later.height and later["year"].to_list()[0] >= year:
        return CODES["announced"]
    return CODES[recorded]


def make_layout(study: Study, start: int, until: int) -> Layout:
    """The axes of a run from ``start`` to ``until``. Plants that make no passenger cars stay out."""
    settings = study.settings
    plants = study.table("plants").filter(pl.col("vehicle_kind") == "passenger_car")
    rows = plants.to_dicts()
    closed = CODES["closed"]
    own = [
        row
        for row in rows
        if row["role"] == "own"
        and row["country"] == settings.country
        and state_at(study, row["plant"], row["state"], start) != closed
    ]
    rivals = [row for row in rows if row["role"] == "rival"]
    slot_names = [SLOT.format(number + 1) for number in range(SLOTS)]
    names = [row["plant"] for row in own] + slot_names + [row["plant"] for row in rivals]
    count = len(own) + SLOTS

    products = study.table("products").to_dicts()
    product_names = [row["product"] for row in products]
    electrified = np.array([row["powertrain"] != "combustion" for row in products])

    offers: list[dict[str, object]] = [row for row in study.table("offers").to_dicts() if row["plant"] in names]
    have = {(row["plant"], row["product"]) for row in offers}
    given = {str(row["offer"]) for row in offers}
    for name, kind in product([*[row["plant"] for row in own], *slot_names], product_names):
        if (name, kind) not in have:
            offers.append(_silent_offer(study, name, kind, offers, given, electrified[product_names.index(kind)]))
    home_plants = {row["plant"] for row in own} | set(slot_names)
    for row in offers:
        if row["plant"] in home_plants:
            # Home-made cars of a brand stand beside its imports, not among them: in a nest of their own a small
            # weight stays small even where sanctions or fees drive the brand's other plants out.
            row["peers"] = row["peers"] or row["brand"]
            row["brand"] = f"{row['brand']}@{settings.country}"
    offers.sort(key=lambda row: names.index(str(row["plant"])))
    brands = sorted({str(row["brand"]) for row in offers})
    faults = []
    if not product_names:
        faults.append(Fault("products.csv", 0, "", "no product", "at least one product"))
    if faults:
        raise StudyFaults(study.name, faults)
    components = study.table("components").to_dicts()
    industries = study.table("industries")["industry"].to_list()
    own_names = [row["plant"] for row in own]
    opened = [decimal_year(row["opened"]) for row in own] + [np.nan] * SLOTS
    return Layout(
        years=tuple(range(start, until + 1)),
        home=settings.markets.index(settings.home),
        markets=tuple(settings.markets),
        products=tuple(product_names),
        engine_cc=np.array([float(row["engine_cc"]) for row in products]),
        electrified=electrified,
        plants=tuple(names),
        own=count,
        slots=tuple(range(len(own), count)),
        country=tuple([settings.country] * count + [row["country"] for row in rivals]),
        replaces=np.array(
            [own_names.index(row["replaces"]) if row["replaces"] in own_names else -1 for row in own] + [-1] * SLOTS
        ),
        initial_state=np.array(
            [state_at(study, row["plant"], row["state"], start) for row in own] + [CODES["announced"]] * SLOTS
        ),
        opened=np.array(opened),
        nameplate=np.array([_nameplate(row) for row in own] + [(0.0, 0.0, 0.0)] * SLOTS).reshape(count, 3),
        partner_country=tuple([str(row["partner_country"] or "") for row in own] + [""] * SLOTS),
        operations=tuple(
            [frozenset({"welding", "painting"}) if row["assembly"] == "full" else frozenset[str]() for row in own]
            + [frozenset[str]()] * SLOTS
        ),
        offers=tuple(str(row["offer"]) for row in offers),
        brands=tuple(brands),
        offer_plant=np.array([names.index(str(row["plant"])) for row in offers]),
        offer_brand=np.array([brands.index(str(row["brand"])) for row in offers]),
        offer_product=np.array([product_names.index(str(row["product"])) for row in offers]),
        offer_active=np.array([str(row["offer"]) in given or str(row["plant"]) in slot_names for row in offers]),
        offer_price=np.array(
            [[row["price_low"], row["price_mid"], row["price_high"]] for row in offers], dtype=np.float64
        ),
        share_home=np.array([row["share_home"] for row in offers], dtype=np.float64),
        share_export=np.array([row["share_export"] for row in offers], dtype=np.float64),
        peers=tuple(
            tuple(brands.index(name.strip()) for name in str(row["peers"] or "").split(";") if name.strip() in brands)
            for row in offers
        ),
        components=tuple(row["component"] for row in components),
        industries=tuple(industries),
        component_industry=np.array([industries.index(row["industry"]) for row in components], dtype=np.int64),
    )


def _silent_offer(
    study: Study, plant: str, kind: str, offers: list[dict[str, object]], given: set[str], electrified: bool
) -> dict[str, object]:
    """An offer that exists only if a lever or an arrival brings it to life; its price is that of its kind's peers."""
    own = [row for row in offers if row["plant"] == plant and str(row["offer"]) in given]
    alike = [row for row in offers if row["product"] == kind and str(row["offer"]) in given] or offers
    prices = sorted(float(str(row["price_mid"])) for row in alike) or [15000.0]
    middle = prices[len(prices) // 2]
    brand = str(own[0]["brand"]) if own else f"newcomer_{plant}"
    return {
        "offer": f"{plant}.{kind}",
        "brand": brand,
        "plant": plant,
        "product": kind,
        "share_home": 0.0,
        "share_export": 0.0,
        "price_low": 0.8 * middle,
        "price_mid": middle,
        "price_high": 1.2 * middle,
        "peers": own[0]["peers"] if own else "",
    }


def _nameplate(row: dict[str, object]) -> tuple[float, float, float]:
    mid = float(str(row["nameplate"] or 0.0))
    low = mid if row["nameplate_low"] is None else float(str(row["nameplate_low"]))
    high = mid if row["nameplate_high"] is None else float(str(row["nameplate_high"]))
    return min(low, mid), mid, max(high, mid)


def decimal_year(text: object) -> float:
    """A date as calendar time in years; nan without one. A date without a month means the middle of the year."""
    date = parse_date(str(text)) if text else None
    if not date:
        return float("nan")
    if len(str(text)) == 4:
        return date[0] + 0.5
    return date[0] + (date[1] - 1) / 12 + (date[2] - 1) / 365.25

"""What the market stage needs of one block of draws: base shares with their error, prices, appeals and taxes.

Letters: ``D`` draws, ``Y`` years, ``P`` own plants, ``V`` offers, ``K`` products, ``M`` markets, ``G`` component
groups. Money is in dollars of the year before the start, unless a name says local.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from karvan.base.axes import Array, IntArray, abreast
from karvan.base.sums import Groups
from karvan.futures.block_common import _ranged, markets_of
from karvan.futures.block_demand import Demand, _sales_cell
from karvan.futures.inputs import Draws, Prepared, parameter, steady
from karvan.futures.layout import Layout
from karvan.market.shares import DoubleCES
from karvan.study.tables import FILE, LINE

NOISE_MEMORY = 0.8
"""Part of a plant's luck with buyers that lasts into the next year: ``assumed``, range 0.6 to 0.9."""


HIGHEST_SHARE = 0.9
"""Home-made share of the home market's combustion cars above which a draw of a small market is not believed."""


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
    home_entrant: Array
    """(D, V), odds at home of a grown newcomer among own offers, at its own price."""
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


def market_inputs(prepared: Prepared, draws: Draws, demand: Demand) -> Market:
    """Base shares with their error, prices, appeals and taxes."""
    layout = prepared.layout
    size, offers = draws.size, len(layout.offers)
    own = layout.offer_plant < layout.own
    record = home_record(prepared, draws)
    base = base_shares(prepared)
    # At home own offers start from their record: the middle of what is uncertain in the base shares, each future's own
    # in the appeal. What counts is the odds of home-made cars among the combustion cars that buyers want.
    combustion = 1.0 - demand.electrified[:, 0, layout.home]
    wanted = np.maximum(demand.new_base[:, layout.home] * combustion, 1.0)
    drawn = np.clip(record.sum(axis=1) / wanted, 0.0, HIGHEST_SHARE)
    odds = drawn / (1.0 - drawn) / base.odds if base.odds > 0.0 else np.ones(size)
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
    newcomer = np.zeros((size, offers))
    for v in np.flatnonzero(own):
        entrant[:, v] = steady(prepared, draws, "entrant_appeal", layout.plants[layout.offer_plant[v]])
        share = np.clip(steady(prepared, draws, "entrant_home_share", layout.plants[layout.offer_plant[v]]), 0.0, 0.9)
        newcomer[:, v] = share / (1.0 - share)
    names = layout.plants[: layout.own]
    reach = parameter(prepared, draws, "export_reach", names)
    full = np.zeros((size, reach.shape[1], offers))
    full[:, :, own] = reach[:, :, layout.offer_plant[own]]
    time = np.arange(1, len(layout.years) + 1)[None, :]
    return Market(
        ces=base.ces,
        theta=theta,
        eta=eta,
        appeal=abreast(appeal),
        rival_price=price,
        rival_drift=np.exp(steady(prepared, draws, "rival_cost_drift")[:, None] * time),
        noise=_plant_noise(prepared, draws, names),
        entrant=entrant,
        home_entrant=newcomer,
        appeal_ramp=steady(prepared, draws, "appeal_ramp_years"),
        export_reach=full,
        record=record,
        vat=markets_of(prepared, draws, "vat_rate"),
        dealer=markets_of(prepared, draws, "margin_rate"),
        compliance=steady(prepared, draws, "compliance_premium"),
    )


@dataclass(frozen=True, eq=False)
class BaseShares:
    """What of the base year no draw moves."""

    ces: DoubleCES
    odds: float
    """Odds of home-made cars at home, at the middle of what is uncertain; 0 where none are made."""
    peers: Array
    """(V, M), median share of the peer brands of an own offer in its product and market; of all without peers."""
    sibling: Array
    """(V,), odds at home of the plant's offer on record, for its offers of other products; 0 where it has none.

    A plant that turns to another product keeps its dealers and its name: its share there is that of its record, as far
    as its own draw allows.
    """


def base_shares(prepared: Prepared) -> BaseShares:
    """The shares of the base year, worked out once for a run."""
    if "base_shares" not in prepared.memo:
        prepared.memo["base_shares"] = _base_shares(prepared)
    found: BaseShares = prepared.memo["base_shares"]
    return found


def _base_shares(prepared: Prepared) -> BaseShares:
    layout = prepared.layout
    quantities = prepared.quantities.copy()
    # The middle of the draws in place of the middle of the ranges would make a draw depend on those beside it.
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
    ces = DoubleCES.calibrate(
        quantities, layout.offer_brand, layout.offer_product, brands=len(layout.brands), products=len(layout.products)
    )
    return BaseShares(ces, middle / (1.0 - middle), _peers(layout, ces), _sibling(layout, ces))


def _peers(layout: Layout, ces: DoubleCES) -> Array:
    out = np.zeros((len(layout.offers), len(layout.markets)))
    everybody = tuple(range(len(layout.brands)))
    for v in layout.own_offers:
        for m in range(out.shape[1]):
            for brands in (layout.peers[v] or everybody, everybody):
                shares = ces.brand_share[np.array(brands) * ces.products + ces.product[v], m]
                shares = shares[shares > 0]
                out[v, m] = float(np.median(shares)) if shares.size else 1.0 / max(len(layout.brands), 1)
                if shares.size:  # else none of its peers is known there: the middle of all brands stands in
                    break
    return out


def _sibling(layout: Layout, ces: DoubleCES) -> Array:
    share = (ces.plant_share * ces.brand_share[ces.brand * ces.products + ces.product])[:, layout.home]
    out = np.zeros(len(layout.offers))
    for v in layout.own_offers:
        mates = np.flatnonzero((layout.offer_plant == layout.offer_plant[v]) & (share > 0))
        if mates.size and share[v] <= 0:
            best = min(float(share[mates].max()), 0.9)
            out[v] = best / (1.0 - best)
    return out


def _plant_noise(prepared: Prepared, draws: Draws, names: tuple[str, ...]) -> Array:
    """(D, Y, P), multipliers whose logarithm is an autoregressive path; half a shock is gone in about three years."""
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


class FlowAppeal:
    """The appeal of offers and of brands with which an error in a flow moves the brand's share in proportion.

    By the offers alone a brand would move with the power ``eta / theta``. With ``a_g = sum_(v of g) s_v a_v`` the brand
    takes ``a_g`` and its offers ``a_v / a_g``: base shares of their own for each draw. 1 for a brand without sales.
    """

    def __init__(self, ces: DoubleCES, appeal: Array) -> None:
        """``appeal`` (D, V, M): multiplier on the flow of each offer, lasting."""
        self.rows = np.moveaxis(abreast(appeal), 0, -1)
        self.share = ces.plant_share[..., None]
        self.nest = ces.brand * ces.products + ces.product
        self.offers = np.empty(self.rows.shape)
        self.brands = np.ones((len(ces.brand_share), *self.rows.shape[1:]))
        self._split(np.arange(len(self.nest)), self.rows)
        # A brand of one offer, sold everywhere: all that moves is the brand's.
        self.alone = (np.bincount(self.nest)[self.nest] == 1) & (ces.plant_share > 0).all(axis=1)

    def _split(self, members: IntArray, rows: Array) -> None:
        """Weigh all offers of some brands; ``rows`` are their multipliers."""
        nests, group = np.unique(self.nest[members], return_inverse=True)
        brands = Groups.of(group, len(nests)).sum(rows * self.share[members])
        brands[brands == 0.0] = 1.0
        self.brands[nests] = brands
        self.offers[members] = rows / brands[group]

    def of(self, which: IntArray, moved: Array) -> tuple[Array, Array]:
        """The appeal of offers (D, V, M) and of brands (D, B*K, M) when some offers are moved in all their markets.

        Parameters
        ----------
        which : (n,), offers; the same in every call.
        moved : (n, D), multiplier on their flows. The arrays given back are written over by the next call.
        """
        alone = self.alone[which]
        only = which[alone]
        self.brands[self.nest[only]] = self.rows[only] * moved[alone][:, None] * self.share[only]
        members = np.flatnonzero(np.isin(self.nest, self.nest[which[~alone]]))
        if members.size:
            factor = np.ones((len(self.nest), moved.shape[-1]))
            factor[which] = moved
            self._split(members, self.rows[members] * factor[members][:, None])
        return self.now()

    def now(self) -> tuple[Array, Array]:
        """The same as it is."""
        return np.moveaxis(self.offers, -1, 0), np.moveaxis(self.brands, -1, 0)


def _combustion_cars(prepared: Prepared) -> float:
    """New combustion cars bought at home in the first year, at the middle of every uncertain number."""
    layout = prepared.layout
    home = layout.markets[layout.home]
    ceiling, midpoint, pace = (
        prepared.market(f"electrified_{name}", home).mid for name in ("ceiling", "midpoint", "speed")
    )
    electrified = min(max(ceiling, 0.0), 1.0) / (1.0 + math.exp(-pace * (layout.years[0] - midpoint)))
    return max(_sales_cell(prepared, layout.home).mid * (1.0 - electrified), 1.0)


def made_before(prepared: Prepared, record: Array) -> Array:
    """(D, P), cars own plants made a year before the start: those on record at home (:func:`home_record`), and those
    that the base-year flows send abroad. Else an exporter would begin with the costs and the suppliers of a workshop.
    """
    layout = prepared.layout
    away = np.delete(prepared.quantities[layout.own_offers], layout.home, axis=1).sum(axis=1)
    return np.asarray(np.maximum(record, 0.0) + layout.by_plant.sum(away))


def home_record(prepared: Prepared, draws: Draws) -> Array:
    """(D, P), cars a year on record by plant that stay at home, each future with its own error of the record."""
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

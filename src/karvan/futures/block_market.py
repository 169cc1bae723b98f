"""What the market stage needs of one block of draws: base shares with their error, prices, appeals and taxes.

Letters: ``D`` draws, ``Y`` years, ``P`` own plants, ``V`` offers, ``K`` products, ``M`` markets, ``G`` component
groups. Money is in dollars of the year before the start, unless a name says local.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from karvan.base.axes import Array, abreast
from karvan.futures.block_common import _ranged, markets_of
from karvan.futures.block_demand import Demand, _sales_cell
from karvan.futures.inputs import Draws, Prepared, parameter, steady
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
        ces=ces,
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
        self.share = ces.plant_share
        nest = ces.brand * ces.products + ces.product
        self.members = {g: np.flatnonzero(nest == g).tolist() for g in np.unique(nest).tolist()}
        # A brand of one offer, sold everywhere: all that moves is the brand's.
        self.alone = {g for g, of in self.members.items() if len(of) == 1 and (self.share[of] > 0).all()}
        self.offers = np.empty(self.rows.shape)
        self.brands = np.ones((len(ces.brand_share), *self.rows.shape[1:]))
        for g, members in self.members.items():
            self._split(g, members, {})

    def _split(self, g: int, members: list[int], moved: Mapping[int, Array]) -> None:
        """Weigh the offers of a brand, some of them moved."""
        if moved and g in self.alone:
            (v,) = members
            np.multiply(self.rows[v], moved[v], out=self.brands[g])
            self.brands[g] *= self.share[v][:, None]
            return
        brand = np.zeros(self.rows.shape[1:])
        for v in members:
            np.multiply(self.rows[v], moved.get(v, 1.0), out=self.offers[v])
            brand += self.offers[v] * self.share[v][:, None]
        brand[brand == 0.0] = 1.0
        self.brands[g] = brand
        for v in members:
            self.offers[v] /= brand

    def of(self, moved: Mapping[int, Array]) -> tuple[Array, Array]:
        """The appeal of offers (D, V, M) and of brands (D, B*K, M) when some offers are moved in all their markets.

        Parameters
        ----------
        moved : offer -> (D,), multiplier on its flows. The same offers in every call. The arrays given back are
            written over by the next call.
        """
        for g, members in self.members.items():
            if any(v in moved for v in members):
                self._split(g, members, moved)
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

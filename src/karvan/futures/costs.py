"""What a car costs a buyer, rung by rung: each own plant's car beside the main rival's, market by market.

A run keeps prices; here one year is looked at from close by, in the same futures as a run of the same seed, so that the
kit, the wage, the duty and the fee can be told apart and each market's deciding rule named.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from karvan.base.axes import Array
from karvan.base.errors import InputError, UnknownName, nearest
from karvan.futures.ensemble import pieces_of, worker_of
from karvan.futures.inputs import Prepared
from karvan.futures.names import country_name, offer_name
from karvan.futures.yearloop import Sight, run_block
from karvan.market.origin import STATES
from karvan.study.load import Study
from karvan.study.world import world_table

T = TypeVar("T")

MADE: Final = ("kit", "kit_freight", "kit_duty", "local_parts", "labour", "overhead", "maker_margin")
"""Rungs up to the plant gate; of a rival only their sum is known."""
SOLD: Final = (
    "compliance", "freight", "insurance", "duty", "excise", "fee", "certification", "vat", "dealer", "obstacles",
    "sellers",
)  # fmt: skip
"""Rungs from the plant gate to the buyer."""
RULES: Final = ("compliance", "duty", "excise", "fee", "certification", "obstacles")
"""Rungs that a government sets. VAT and the dealer's margin follow from the others."""
RUNS: Final = 0.02
"""Share of futures in which a plant must run in the year to be shown, unless none does."""
LADDER: Final = {"dealer": "margin"}
"""Rungs that the market stage names otherwise."""


@dataclass(frozen=True)
class Range:
    """A number over the futures."""

    low: float
    """5 % point."""
    mid: float
    """Median."""
    high: float
    """95 % point."""


def range_of(draws: Array) -> Range:
    """The median and the 5 and 95 % points of draws (D,)."""
    low, mid, high = (float(v) for v in np.quantile(draws, (0.05, 0.5, 0.95)))
    return Range(low, mid, high)


@dataclass(frozen=True)
class CostLadder:
    """One plant's car in one market beside the main rival's. Dollars per car."""

    plant: str
    offer: str
    product: str
    market: str
    market_name: str
    year: int
    runs: float
    """Share of futures in which the plant makes cars in the year."""
    ours: dict[str, Range]
    """Rung to money, in the order of :data:`MADE` and :data:`SOLD`; ``ex_works`` stands between them."""
    total: Range
    rival: str
    """Offer of the main rival: sells most of the same kind there in the year, over all futures; empty for none."""
    rival_name: str
    """The same in words: brand and country."""
    theirs: dict[str, Range]
    """``ex_works`` and :data:`SOLD`; empty without a rival."""
    total_rival: Range | None
    dearer: Range | None
    """Our price less theirs, draw by draw."""
    cheaper: float
    """Share of futures in which our car is the cheaper one; nan without a rival."""
    gaps: dict[str, float]
    """Median of our rung less theirs, draw by draw."""
    origin: dict[str, float]
    """State of origin (:data:`karvan.market.origin.STATES`) to the share of futures; empty at home."""
    decides: str
    """Rung on which we are furthest behind, ``ex_works`` for what is made at the plant; empty if on none."""
    rule: str
    """The same among :data:`RULES`."""


def close_up(
    study: Study,
    take: Callable[[Prepared, Sight], T],
    *,
    year: int,
    scenario: str = "baseline",
    draws: int = 500,
    seed: int = 1,
) -> tuple[Prepared, list[T]]:
    """What ``take`` finds in one year of every block of draws: the futures are those of ``simulate``.

    Parameters
    ----------
    take : called with what was prepared and the sight of the year, once a block.
    year : from the study's first year on.

    Errors: :class:`InputError` for a year before the first.
    """
    first = study.settings.start_year
    if not first <= year <= first + 150:
        raise InputError(f"year is {year}; expected {first} to {first + 150}")
    worker = worker_of(study, scenario, until=year, seed=seed)
    prepared = worker.prepare(scenario)
    found: list[T] = []

    def look(sight: Sight) -> None:
        if sight.now.year == year:
            found.append(take(prepared, sight))

    for piece in pieces_of(scenario, draws):
        run_block(prepared, seed, piece.number, piece.size, worker.task.sampling, look=look)
    return prepared, found


def cost_ladders(
    study: Study,
    markets: Sequence[str] = (),
    *,
    year: int | None = None,
    scenario: str = "baseline",
    draws: int = 500,
    seed: int = 1,
) -> list[CostLadder]:
    """The delivered-cost ladder of every own plant's main car in every market asked for, against the main rival's.

    Parameters
    ----------
    markets : ISO3 codes among the study's markets; all of them if empty.
    year : the study's first year if left out.

    Errors: :class:`UnknownName` for markets that the study does not have.
    """
    known = study.settings.markets
    unknown = [market for market in dict.fromkeys(markets) if market not in known]
    if unknown:
        countries = set(world_table("countries")["country"])
        hints = [nearest(market, known) for market in unknown if market not in countries]
        told = "; ".join(filter(None, [*hints, f"its markets: {', '.join(known)}"]))
        more = "; `karvan new COUNTRY FOLDER --markets LIST` makes a starter study with others"
        raise UnknownName(
            f"study {study.name} has no market {', '.join(map(repr, unknown))}; {told}"
            + (more if countries.issuperset(unknown) else "")
        )
    chosen = tuple(dict.fromkeys(markets)) or tuple(known)
    when = study.settings.start_year if year is None else year
    prepared, blocks = close_up(study, _steps, year=when, scenario=scenario, draws=draws, seed=seed)
    steps = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    layout = prepared.layout
    running = (steps["running"] > 0).mean(axis=0)
    # A study without a plant shows what a newcomer's car would cost.
    plants = [p for p in range(layout.own) if p not in layout.slots] or list(layout.slots[:1])
    shown = [p for p in plants if running[p] >= RUNS] or plants
    out = []
    for p in shown:
        offers = [int(v) for v in layout.own_offers if layout.offer_plant[v] == p]
        offers = [v for v in offers if layout.offer_active[v]] or offers
        if not offers:
            continue
        sold = steps["quantities"][:, offers].sum(axis=-1).mean(axis=0)
        v = offers[int(np.argmax(sold))]
        out += [_ladder(prepared, steps, p, v, layout.markets.index(m), float(running[p]), when) for m in chosen]
    return out


def main_rival(prepared: Prepared, quantities: Array, offer: int, market: int) -> int:
    """The foreign offer of the same product that sells most in a market over all futures; -1 if none sells.

    ``quantities`` is (D, V, M), cars.
    """
    layout = prepared.layout
    sold = quantities[:, :, market].mean(axis=0)
    rivals = (layout.offer_plant >= layout.own) & (layout.offer_product == layout.offer_product[offer])
    sold = np.where(rivals, sold, 0.0)
    return int(np.argmax(sold)) if sold.max() > 0 else -1


def _steps(prepared: Prepared, sight: Sight) -> dict[str, Array]:
    """Every rung as draws: at the gate (D, P), on the way (D, V, M)."""
    costs, ladder = sight.now.costs, sight.now.ladder
    shape = costs.total.shape
    out = {name: np.broadcast_to(getattr(costs, name), shape) for name in MADE if name != "maker_margin"}
    out["maker_margin"] = np.broadcast_to(costs.margin, shape)
    total = np.asarray(ladder.total)
    for name in (*SOLD, "ex_works"):
        if name not in ("obstacles", "sellers"):
            out[name] = np.broadcast_to(getattr(ladder, LADDER.get(name, name)), total.shape)
    out["obstacles"] = sight.whole - total
    # What sellers and the state give or take: rivals' answers, cost not passed on, at home the buyer's incentive.
    out["sellers"] = sight.price - sight.whole
    out |= {"price": sight.price, "quantities": sight.now.quantities, "running": sight.now.running}
    out["state"] = np.asarray(sight.origin.state)
    return out


def _ladder(prepared: Prepared, steps: dict[str, Array], p: int, v: int, m: int, runs: float, year: int) -> CostLadder:
    layout = prepared.layout
    gate = steps["ex_works"][:, v, m]
    # Offers of one plant differ by a factor on the whole of its cost.
    factor = gate / sum(steps[name][:, p] for name in MADE)
    draws = {name: steps[name][:, p] * factor for name in MADE}
    draws["ex_works"] = gate
    draws |= {name: steps[name][:, v, m] for name in SOLD}
    price = steps["price"][:, v, m]
    rival = main_rival(prepared, steps["quantities"], v, m)
    theirs: dict[str, Range] = {}
    gaps: dict[str, float] = {}
    total_rival = dearer = None
    cheaper, decides, rule = float("nan"), "", ""
    if rival >= 0:
        for name in ("ex_works", *SOLD):
            other = steps[name][:, rival, m]
            theirs[name] = range_of(other)
            gaps[name] = float(np.median(draws[name] - other))
        other = steps["price"][:, rival, m]
        total_rival, dearer = range_of(other), range_of(price - other)
        cheaper = float((price < other).mean())
        decides = _furthest(gaps, [name for name in gaps if name not in ("vat", "dealer")])
        rule = _furthest(gaps, RULES)
    origin: dict[str, float] = {}
    if m != layout.home:
        place = list(layout.own_offers).index(v)
        state = steps["state"][:, place, m]
        origin = {name: float((state == code).mean()) for code, name in enumerate(STATES)}
    return CostLadder(
        plant=layout.plants[p],
        offer=layout.offers[v],
        product=layout.products[layout.offer_product[v]],
        market=layout.markets[m],
        market_name=country_name(layout.markets[m]),
        year=year,
        runs=runs,
        ours={name: range_of(value) for name, value in draws.items()},
        total=range_of(price),
        rival=layout.offers[rival] if rival >= 0 else "",
        rival_name=offer_name(layout, layout.offers[rival]) if rival >= 0 else "",
        theirs=theirs,
        total_rival=total_rival,
        dearer=dearer,
        cheaper=cheaper,
        gaps=gaps,
        origin=origin,
        decides=decides,
        rule=rule,
    )


def _furthest(gaps: dict[str, float], names: Sequence[str]) -> str:
    """The rung with the largest gap against us; empty if there is none above a dollar."""
    behind = {name: gaps[name] for name in names if gaps[name] >= 1.0}
    return max(behind, key=lambda name: behind[name]) if behind else ""

"""What each foreign partner promised, brings and takes, and what another partner would change.

The record of deals says what promises are worth and how often partners leave. One year of the futures, from close by,
says who gets what of a car and how much of the output hangs on each supplying country. For the counterfactual each
plant takes another plant's partner - its kit, freight, duty, supply and interruptions - and all is run again under the
same draws.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np
import polars as pl

from karvan.base.axes import Array
from karvan.base.errors import InputError
from karvan.futures.costs import RUNS, Range, close_up, main_rival, range_of
from karvan.futures.inputs import Prepared
from karvan.futures.layout import decimal_year
from karvan.futures.suppliers import PartGroups, groups_in, joined
from karvan.futures.yearloop import Sight
from karvan.partnerships.deals import (
    BetaPrior,
    DealOutcomes,
    DealStats,
    GammaPosterior,
    PartnerBalance,
    beta_prior,
    exit_hazard,
    partner_balance,
)
from karvan.partnerships.replacement import PartnerCase, dependence, replace_partner
from karvan.partnerships.sourcing import points_for_operations
from karvan.study.load import Study

COMES_WITH: Final = ("kit_price", "kit_freight", "kit_duty", "partner_supply", "interruption_hazard", "exit_share")
"""Parameters that come and go with a partner."""
OPEN_AT: Final = 1.25
"""Price over the main rival's up to which a market counts as open: ``assumed``, range 1.1 to 1.5."""
HOURS: Final = 1_800.0
"""Hours one person works in a year: ``assumed``, range 1,600 to 2,000; jobs are counted in people, so it cancels."""
AHEAD: Final = (5, 10)
"""Years within which the odds of an exit are told."""
OPERATIONS: Final[Mapping[str, float]] = {"welding": 400.0, "painting": 500.0}
"""Points for operations in Russia's decree 719, draft of 2019."""
PURCHASE: Final = 3_200.0
"""Points that Russian public purchase asked in 2023."""
BALANCE: Final = tuple(field.name for field in fields(PartnerBalance))
"""Who gets a part of a car's price at the gate."""


@dataclass(frozen=True)
class Deal:
    """One deal on record. Volumes in units a year, nan where nothing is known."""

    deal: str
    plant: str
    partner: str
    country: str
    kind: str
    signed: str
    state: str
    promised: float
    delivered: float
    """Best year on record."""
    years: float
    """Years of production so far or to the end; nan where it never began."""
    leaves: tuple[float, ...]
    """Odds that the partner leaves within :data:`AHEAD` years, if the deal is active; else empty."""

    @property
    def ratio(self) -> float:
        """Delivered over promised."""
        return self.delivered / self.promised


@dataclass(frozen=True)
class Record:
    """All deals, and what they say of the next one."""

    deals: tuple[Deal, ...]
    stats: DealStats
    promise: BetaPrior | None
    """Of delivered over promised; None with fewer than three known."""
    exit: GammaPosterior | None
    """Of partners that leave, per year; None without a year of production on record."""


@dataclass(frozen=True)
class PlantPartner:
    """What the partner of one plant brings and takes in a year, over the futures in which the plant runs."""

    plant: str
    country: str
    runs: float
    """Share of futures in which the plant makes cars."""
    cost: Range
    """Dollars per car at the gate."""
    local_content: Range
    """Domestic value over the price at the gate."""
    value_content: Range
    """What a value rule counts (build-down): all but the kit and its freight; parts bought at home count whole."""
    points: float
    """Points for operations of :data:`OPERATIONS`; :data:`PURCHASE` are asked."""
    split: dict[str, Range]
    """Who gets what: :data:`BALANCE` to shares of the price at the gate."""
    leaves: Range
    """Chance per year that supply breaks for good, as the study has it: interruption hazard x share that are exits."""


@dataclass(frozen=True)
class Replacement:
    """One plant with another plant's partner, less itself with its own; positive is more."""

    plant: str
    country: str
    """Of the partner it has."""
    instead: str
    """Country of the other partner."""
    like: str
    """Plant whose partner it is."""
    cost: Range
    """Dollars per car."""
    cost_relative: Range
    local_content: Range
    jobs: Range
    """People in the plant."""
    output: Range
    """Cars a year."""
    jobs_mean: float
    output_mean: float
    """Means over all futures: the median is often no change, where the plant stands still or demand binds."""
    opened: dict[str, float]
    """Market to the share of futures in which it opens; those below one in twenty left out."""
    closed: dict[str, float]
    dependence: Range
    """Change of the share of national output that hangs on one supplying country."""


@dataclass(frozen=True)
class ComponentGroup:
    """One component group: what is made at home of it, what small numbers cost, and from what volume that ends."""

    component: str
    title: str
    industry: str
    """Of the study, that supplies it."""
    value_share: float
    """Of the parts' value, the study's middle."""
    local_share: Range
    """Share of the year's sets bought at home, over the futures in which cars are made; nan without one."""
    local_share_planned: Range
    """The same in the long run."""
    sets: Range
    """Sets bought at home in the year, over all futures; so are the others."""
    priced: Range
    """Sets a year that suppliers price for at least."""
    minimum_scale: float
    """Sets a year from which more saves nothing; nan where it is not known."""
    elasticity: Range
    """Of unit cost to volume below that: low, middle and high of the study."""
    penalty: Range
    """Unit cost at these sets, or those priced for if more, above that at the efficient scale."""
    parity: Range
    """Sets a year from which, kept up, a local part costs no more than the one in the kit with its freight and duty;
    inf for none."""


@dataclass(frozen=True)
class Partners:
    """The answer of ``karvan partners``."""

    year: int
    record: Record
    plants: tuple[PlantPartner, ...]
    dependence: dict[str, Range]
    """Supplying country to its share of national output, over the futures in which anything is made."""
    largest: Range
    """Share of the largest supplier, whichever it is."""
    replacements: tuple[Replacement, ...]
    groups: tuple[ComponentGroup, ...]
    """In the order of the volume from which they are no dearer than the kit's."""


def deals_on_record(study: Study) -> Record:
    """Every deal promised against delivered, and the odds that partners leave (:mod:`karvan.partnerships.deals`)."""
    rows = study.table("deals").to_dicts()
    opened = {row["plant"]: decimal_year(row["opened"]) for row in study.table("plants").to_dicts()}
    today = decimal_year(study.as_of or study.settings.as_of or str(study.settings.base_year + 1))

    def years(row: dict[str, object]) -> float:
        if row["state"] == "announced":
            return float("nan")
        begin = np.fmax(decimal_year(row["signed"]), opened.get(str(row["plant"]), float("nan")))
        end = float(str(row["ended"])) + 0.5 if row["ended"] is not None else today
        if end <= begin:  # the plant opened again for a later partner: the deal's own date is all there is
            begin = decimal_year(row["signed"])
        return float(max(end - begin, 0.0))

    def known(value: object) -> float:
        return float("nan") if value is None else float(str(value))

    outcomes = DealOutcomes(
        promised=np.array([known(row["planned_volume"]) for row in rows]),
        delivered=np.array([known(row["best_year_volume"]) for row in rows]),
        years=np.array([years(row) for row in rows]),
        state=np.array([row["state"] for row in rows], dtype=str),
    )
    stats = outcomes.stats()
    exit_ = exit_hazard(stats.exits, stats.exposure) if stats.exposure > 0 else None
    found = []
    for number, row in enumerate(rows):
        active = row["state"] == "active" and exit_ is not None
        found.append(
            Deal(
                deal=row["deal"],
                plant=row["plant"],
                partner=row["partner"],
                country=row["partner_country"],
                kind=row["vehicle_kind"],
                signed=str(row["signed"]),
                state=row["state"],
                promised=float(outcomes.promised[number]),
                delivered=float(outcomes.delivered[number]),
                years=float(outcomes.years[number]),
                leaves=tuple(float(exit_.odds_within(ahead)) for ahead in AHEAD) if active and exit_ else (),
            )
        )
    try:
        promise: BetaPrior | None = beta_prior(outcomes.ratio)
    except InputError:
        promise = None
    return Record(tuple(found), stats, promise, exit_)


def partners(
    study: Study,
    *,
    year: int | None = None,
    scenario: str = "baseline",
    draws: int = 200,
    seed: int = 1,
    counterfactual: bool = True,
) -> Partners:
    """Deals, what each partner brings and takes, dependence, and another partner for each plant.

    Parameters
    ----------
    year : four years after the study's first if left out, so that new plants and partners can show.
    counterfactual : run each plant with every other partner at hand; a short run each.
    """
    when = min(study.settings.start_year + 4, study.settings.horizon) if year is None else year
    prepared, blocks = close_up(study, _look_at_parts, year=when, scenario=scenario, draws=draws, seed=seed)
    now = _join([block for block, _ in blocks])
    layout = prepared.layout
    known = [p for p in range(layout.own) if p not in layout.slots]
    shown = [p for p in known if (now.running[:, p] > 0).mean() >= RUNS] or known
    countries = _countries(prepared)
    output, supplier = now.case.volume, _supplier(prepared, countries)
    made = output.sum(axis=1) > 0
    hangs = dependence(output[made], supplier) if made.any() else None
    by_plant = tuple(_plant(prepared, now, p) for p in shown)
    pairs = [(p, q) for p in shown for q in _others(prepared, p, known)] if counterfactual else []
    instead = [_replacement(study, prepared, now, p, q, when, scenario, draws, seed) for p, q in pairs]
    return Partners(
        year=when,
        record=deals_on_record(study),
        plants=by_plant,
        dependence={
            name: range_of(hangs.share[:, c])
            for c, name in enumerate(countries)
            if hangs is not None and hangs.share[:, c].any()
        },
        largest=range_of(hangs.largest) if hangs is not None else Range(np.nan, np.nan, np.nan),
        replacements=tuple(instead),
        groups=_component_groups(prepared, joined([parts for _, parts in blocks])),
    )


def _component_groups(prepared: Prepared, groups: PartGroups) -> tuple[ComponentGroup, ...]:
    def over(values: Array) -> Range:
        known = values[~np.isnan(values)]
        if not known.size:
            return Range(np.nan, np.nan, np.nan)
        low, mid, high = (float(v) for v in np.quantile(known, (0.05, 0.5, 0.95), method="nearest"))
        return Range(low, mid, high)  # no mean of two order statistics where one is infinite

    titles = dict(prepared.study.table("industries").select("industry", "title").iter_rows())
    found = [
        ComponentGroup(
            component=row["component"],
            title=row["title"],
            industry=titles[row["industry"]],
            value_share=row["share_mid"],
            local_share=over(groups.local_share[:, g]),
            local_share_planned=over(groups.local_share_planned[:, g]),
            sets=over(groups.local_sets[:, g]),
            priced=over(groups.local_sets_priced[:, g]),
            minimum_scale=row["minimum_scale"] or np.nan,
            elasticity=Range(*(row[f"scale_elasticity_{end}"] for end in ("low", "mid", "high"))),
            penalty=over(groups.scale_penalty[:, g]),
            parity=over(groups.local_sets_parity[:, g]),
        )
        for g, row in enumerate(prepared.study.table("components").to_dicts())
    ]
    return tuple(sorted(found, key=lambda group: (group.parity.mid, group.parity.low)))


@dataclass(frozen=True)
class _Now:
    """One year of all futures: what is compared, and what is told besides."""

    case: PartnerCase
    running: Array
    split: dict[str, Array]
    leaves: Array


def _look(prepared: Prepared, sight: Sight) -> _Now:
    now, plants, layout = sight.now, sight.plants, prepared.layout
    index = now.index

    def at(values: Array) -> Array:
        return values[:, min(index, values.shape[1] - 1)]

    people = at(plants.people_fixed) * now.running + now.people_per_1000 * now.output / 1000.0
    shape = now.output.shape
    cost = np.broadcast_to(now.costs.total, shape)
    hours = np.divide(people * HOURS, now.output, out=np.zeros(shape), where=now.output > 0)
    balance = partner_balance(now.costs, now.local_parts, plants.domestic_content)
    names = layout.plants[: layout.own]
    hazard = np.stack(
        [
            sight.draws.of(prepared.cell("interruption_hazard", name))
            * sight.draws.of(prepared.cell("exit_share", name))
            for name in names
        ],
        axis=-1,
    )
    case = PartnerCase(
        cost=cost,
        local_content=np.broadcast_to(now.content, shape),
        hours_per_car=hours,
        volume=now.output,
        market_open=_open(prepared, sight),
        supplier=_supplier(prepared, _countries(prepared)),
    )
    split = {name: np.broadcast_to(getattr(balance, name), shape) for name in BALANCE}
    return _Now(case, now.running, split, hazard)


def _look_at_parts(prepared: Prepared, sight: Sight) -> tuple[_Now, PartGroups]:
    """The same with the component groups, which are told of the scenario alone and not of every other partner."""
    return _look(prepared, sight), groups_in(prepared, sight.draws, sight.now.output, sight.now.index)


def _open(prepared: Prepared, sight: Sight) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]":
    """(D, P, M), whether a plant's car costs a buyer at most :data:`OPEN_AT` times the main rival's; never in the
    partner's own market."""
    layout = prepared.layout
    out = np.zeros((sight.price.shape[0], layout.own, len(layout.markets)), dtype=bool)
    for v in layout.own_offers:
        if not layout.offer_active[v]:
            continue
        p = layout.offer_plant[v]
        for m, market in enumerate(layout.markets):
            rival = main_rival(prepared, sight.now.quantities, int(v), m)
            if layout.partner_country[p] != market:
                near = sight.price[:, v, m] <= OPEN_AT * sight.price[:, rival, m] if rival >= 0 else True
                out[:, p, m] |= near
    return out


def _join(blocks: Sequence[_Now]) -> _Now:
    def one(name: str) -> Array:
        return np.concatenate([getattr(block.case, name) for block in blocks])

    case = PartnerCase(
        cost=one("cost"),
        local_content=one("local_content"),
        hours_per_car=one("hours_per_car"),
        volume=one("volume"),
        market_open=np.concatenate([block.case.market_open for block in blocks]),
        supplier=blocks[0].case.supplier,
    )
    return _Now(
        case,
        np.concatenate([block.running for block in blocks]),
        {name: np.concatenate([block.split[name] for block in blocks]) for name in BALANCE},
        np.concatenate([block.leaves for block in blocks]),
    )


def _countries(prepared: Prepared) -> tuple[str, ...]:
    """Every country that plants' kits come from, over the whole study; empty for unknown ones."""
    rows = prepared.study.table("plants").filter(pl.col("role") == "own")
    return tuple(sorted({str(name or "") for name in [*rows["partner_country"].to_list(), ""]}))


def _supplier(prepared: Prepared, countries: tuple[str, ...]) -> Array:
    """(P, C), whose kits a plant uses: one partner each."""
    layout = prepared.layout
    return np.array([[float(layout.partner_country[p] == name) for name in countries] for p in range(layout.own)])


def _others(prepared: Prepared, p: int, known: Sequence[int]) -> list[int]:
    """Plants with other countries' partners, one a country; plants that stand before those that are planned."""
    layout, seen, out = prepared.layout, {prepared.layout.partner_country[p], ""}, []
    for q in sorted(known, key=lambda q: (int(layout.initial_state[q] != 2), q)):
        if layout.partner_country[q] not in seen:
            seen.add(layout.partner_country[q])
            out.append(q)
    return out


def _plant(prepared: Prepared, now: _Now, p: int) -> PlantPartner:
    runs = now.running[:, p] > 0
    use = runs if runs.any() else np.ones_like(runs)
    return PlantPartner(
        plant=prepared.layout.plants[p],
        country=prepared.layout.partner_country[p],
        runs=float(runs.mean()),
        cost=range_of(now.case.cost[use, p]),
        local_content=range_of(now.case.local_content[use, p]),
        value_content=range_of(1.0 - now.split["partner"][use, p] - now.split["carriers"][use, p]),
        points=_points(prepared, p),
        split={name: range_of(now.split[name][use, p]) for name in BALANCE},
        leaves=range_of(now.leaves[:, p]),
    )


def _points(prepared: Prepared, p: int) -> float:
    done = [[float(name in prepared.layout.operations[p]) for name in OPERATIONS]]
    return float(points_for_operations(done, list(OPERATIONS.values()), PURCHASE).points[0])


def with_partner_of(study: Study, plant: str, other: str) -> Study:
    """The study with the partner of ``other`` at ``plant``: :data:`COMES_WITH` and the country of the kits."""
    rows = study.table("assumptions")
    plants = study.table("plants")
    gone = pl.col("parameter").is_in(list(COMES_WITH)) & (pl.col("key") == plant).fill_null(False)
    given = []
    for name in COMES_WITH:
        cell = study.parameter(name, other)
        given.append(
            {
                "parameter": name,
                "key": plant,
                "low": cell.low,
                "mid": cell.mid,
                "high": cell.high,
                "distribution": cell.distribution or "fixed",
                "unit": cell.unit,
                "source": cell.source,
                "note": f"as at {other}",
                "_file": "assumptions.csv",
                "_line": 0,
            }
        )
    moved = pl.concat([rows.filter(~gone), pl.DataFrame(given, schema=rows.schema)])
    country = plants.filter(pl.col("plant") == other)["partner_country"].to_list()[0]
    swapped = plants.with_columns(
        pl.when(pl.col("plant") == plant)
        .then(pl.lit(country))
        .otherwise(pl.col("partner_country"))
        .alias("partner_country")
    )
    return replace(study, tables={**study.tables, "assumptions": moved, "plants": swapped})


def _replacement(
    study: Study,
    prepared: Prepared,
    now: _Now,
    p: int,
    q: int,
    year: int,
    scenario: str,
    draws: int,
    seed: int,
) -> Replacement:
    layout = prepared.layout
    other = with_partner_of(study, layout.plants[p], layout.plants[q])
    _, blocks = close_up(other, _look, year=year, scenario=scenario, draws=draws, seed=seed)
    then = _join(blocks)
    change = replace_partner(now.case, then.case, hours_per_job=HOURS)
    # Costs are compared where the plant runs under both partners; what it makes, everywhere.
    both = (now.running[:, p] > 0) & (then.running[:, p] > 0)
    both = both if both.any() else np.ones_like(both)

    def moved(flags: Array) -> dict[str, float]:
        shares = {market: float(flags[both, p, m].mean()) for m, market in enumerate(layout.markets)}
        return {market: share for market, share in shares.items() if share >= 0.05}

    more = then.case.volume[:, p] - now.case.volume[:, p]
    return Replacement(
        plant=layout.plants[p],
        country=layout.partner_country[p],
        instead=layout.partner_country[q],
        like=layout.plants[q],
        cost=range_of(change.cost[both, p]),
        cost_relative=range_of(change.cost_relative[both, p]),
        local_content=range_of(change.local_content[both, p]),
        jobs=range_of(change.jobs[:, p]),
        output=range_of(more),
        jobs_mean=float(change.jobs[:, p].mean()),
        output_mean=float(more.mean()),
        opened=moved(np.asarray(change.markets_opened)),
        closed=moved(np.asarray(change.markets_closed)),
        dependence=range_of(change.dependence),
    )

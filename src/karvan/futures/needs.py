"""What each lever would have to be for each condition of the hub verdict, and the investor's case of a scenario.

Each lever is moved alone, on top of a scenario, from where it is to the far end of what could be meant. If a
condition's share of futures crosses the bar on the way, the crossing is found by bisection under the same draws; if not
even the end is enough, that is the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from karvan.base.axes import Array
from karvan.base.errors import UnknownName, nearest
from karvan.futures.costs import Range, range_of
from karvan.futures.ensemble import Futures, Progress, simulate
from karvan.futures.inputs import prepare
from karvan.futures.sites import _model
from karvan.hub.appraisal import irr, payback
from karvan.hub.verdict import CONDITIONS
from karvan.study.load import Study
from karvan.study.scenario import Lever

TRIED: Final = "hub_needs"
"""Name of the scenario that is tried."""
STEPS: Final = 6
"""Halvings of the range."""
ALL: Final = "all"
"""Name of the joint event beside the five conditions."""


@dataclass(frozen=True)
class Kind:
    """A lever that is moved: from ``now``, where nothing changes, to ``end``."""

    name: str
    title: str
    now: float
    end: float
    unit: str


KINDS: Final = (
    Kind("tariff", "duty on home-made cars abroad", 1.0, 0.0, "times today's"),
    Kind("fee", "recycling and other fees on home-made cars abroad", 1.0, 0.0, "times today's"),
    Kind("freight", "freight of home-made cars abroad", 1.0, 0.25, "times today's"),
    Kind("wage", "wages", 1.0, 0.25, "times today's"),
    Kind("exchange_rate", "real value of the home currency", 1.0, 0.5, "times today's"),
    Kind("volume", "nameplate of the largest plant, open and supplied", 1.0, 15.0, "times today's"),
    Kind("reach", "partners' leave and networks to export", 0.0, 1.0, "share of full reach"),
)
"""The levers by name. Ends are ``assumed``: nothing below a quarter of today's freight or wage has been seen."""


@dataclass(frozen=True)
class Need:
    """One lever and the five conditions, in one year."""

    lever: str
    title: str
    unit: str
    now: float
    end: float
    at_now: dict[str, float]
    """Condition (and ``all``) to its share of futures with nothing moved."""
    at_end: dict[str, float]
    needed: dict[str, float | None]
    """Condition to the lever's value at which it holds in the bar's share of futures: ``now`` if it does already, None
    if not even at the end."""


@dataclass(frozen=True)
class Investor:
    """The owners' case of all plants together, over the futures."""

    npv: Range
    """Million local currency, at the drawn discount rate, without subsidy."""
    gains: float
    """Share of futures in which it is above 0."""
    irr: Range
    """Share of 1 a year, over the futures that have a single one; nan if none has."""
    has_irr: float
    """Share of futures with a single rate of return: not those that never invest or never earn."""
    payback: Range
    """Years, over the futures that are paid by the last year."""
    paid: float
    """Share of futures that are."""


def cash_of(run: Futures) -> Array:
    """(D, Y), the owners' cash, million local currency: profit less its tax, investment and subsidy."""
    figures = run.figures
    return np.asarray(figures["profit"] - figures["tax_by_base.profit"] - figures["investment"] - figures["subsidy"])


def investor(run: Futures) -> Investor:
    """Net present value, rate of return and payback of the plants of a run (:mod:`karvan.hub.appraisal`)."""
    cash = cash_of(run)
    worth, rate, years = run.figures["npv"][:, 0], irr(cash), payback(cash)
    nothing = Range(np.nan, np.nan, np.nan)
    # A plant that stands has no first outlay here: nothing is paid back where nothing was ever behind.
    behind = (np.cumsum(cash, axis=1) < 0).any(axis=1)
    paid = behind & np.isfinite(years)
    single = np.isfinite(rate)
    return Investor(
        npv=range_of(worth),
        gains=float((worth > 0).mean()),
        irr=range_of(rate[single]) if single.any() else nothing,
        has_irr=float(single.mean()),
        payback=range_of(years[paid]) if paid.any() else nothing,
        paid=float(paid.sum() / behind.sum()) if behind.any() else float("nan"),
    )


def levers_needed(
    study: Study,
    *,
    scenario: str = "baseline",
    year: int | None = None,
    draws: int = 150,
    seed: int = 1,
    names: Sequence[str] = (),
    progress: Progress | None = None,
) -> tuple[Need, ...]:
    """Each lever alone: what it would have to be for each condition.

    Parameters
    ----------
    year : the study's horizon if left out.
    names : of :data:`KINDS`; all if empty.

    Errors: :class:`UnknownName` for another lever.
    """
    known = {kind.name: kind for kind in KINDS}
    for name in names:
        if name not in known:
            raise UnknownName(f"no lever '{name}'; {nearest(name, known) or 'known: ' + ', '.join(known)}")
    last = study.settings.horizon if year is None else year
    chosen = [known[name] for name in names] or list(KINDS)
    plant = _model(prepare(study, scenario, study.settings.start_year, study.settings.start_year))
    cache: dict[tuple[str, float], dict[str, float]] = {}

    def shares(kind: Kind, value: float) -> dict[str, float]:
        moved = value != kind.now
        key = (kind.name, value) if moved else ("", 0.0)
        if key not in cache:
            levers = _levers(study, kind.name, value, plant) if moved else ()
            cache[key] = _shares(study, scenario, levers, last, draws, seed)
            if progress:
                progress(len(cache), max(len(cache), len(chosen) + 1))
        return cache[key]

    out = []
    for kind in chosen:
        now, end = shares(kind, kind.now), shares(kind, kind.end)
        bar = now["bar"]
        needed: dict[str, float | None] = {}
        for condition in (*CONDITIONS, ALL):
            if now[condition] >= bar:
                needed[condition] = kind.now
            elif end[condition] < bar:
                needed[condition] = None
            else:
                low, high = kind.now, kind.end  # short of the bar, at it or above
                for _ in range(STEPS):
                    middle = 0.5 * (low + high)
                    if shares(kind, middle)[condition] >= bar:
                        high = middle
                    else:
                        low = middle
                needed[condition] = high
        row = [{name: value for name, value in side.items() if name != "bar"} for side in (now, end)]
        out.append(Need(kind.name, kind.title, kind.unit, kind.now, kind.end, row[0], row[1], needed))
    return tuple(out)


def _levers(study: Study, name: str, value: float, plant: str) -> tuple[Lever, ...]:
    """The levers of a scenario that say what a kind means."""
    first, home = study.settings.start_year, study.settings.home
    abroad = {"origin": home, "market": "*", "operation": "multiply", "value": value, "year_from": first}

    def make(lever: str, **options: object) -> Lever:
        return Lever.model_validate({"lever": lever, "reason": "what would have to be", **options})

    if name == "tariff":
        return make("duty_rate", **abroad), make("duty_per_cc", **abroad)
    if name in ("fee", "freight"):
        return (make(name, **abroad),)
    if name == "wage":
        return (make("wage_month", operation="multiply", value=value),)
    if name == "exchange_rate":
        return (make("exchange_rate", operation="multiply", value=value, year_from=first),)
    if name == "reach":
        return (make("export_reach", key="*", value=value),)
    if not plant:
        return ()
    return (
        make("plant_opens", key=plant, value=float(first)),
        make("nameplate", key=plant, operation="multiply", value=value),
        make("nameplate_reach", key=plant, value=1.0),
        make("partner_supply", key=plant, value=1.0),
    )


def _shares(
    study: Study, scenario: str, levers: tuple[Lever, ...], year: int, draws: int, seed: int
) -> dict[str, float]:
    """Share of futures in which each condition holds in the year, and the bar."""
    base = study.scenario(scenario)
    changed = base.model_copy(update={"name": TRIED, "levers": (*base.levers, *levers)})
    tried = replace(study, scenarios={**study.scenarios, TRIED: changed})
    run = simulate(tried, scenario=TRIED, draws=draws, until=year, seed=seed, workers=1)
    found = dict(zip(CONDITIONS, (float(v) for v in run.verdict.condition_probability[-1]), strict=True))
    return {**found, ALL: float(run.verdict.probability[-1]), "bar": float(run.verdict.thresholds.probability)}

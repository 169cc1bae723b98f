"""Which ranges of which uncertain numbers lead to an outcome: scenario discovery by boxes.

The patient rule induction method (Friedman and Fisher 1999, Statistics and Computing 9; as used for scenario discovery
by Bryant and Lempert 2010, Technological Forecasting and Social Change 77): a box that holds all futures is peeled, a
twentieth at a time, at the face whose loss raises the share of futures with the outcome most. The box is found in one
half of the futures and judged in the other, so that luck is not taken for a finding. Besides the uncertain numbers of
the study, two things that come about within a future are looked at: the home market, and how many plants work.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from karvan.base.axes import Array, BoolArray
from karvan.base.errors import InputError, UnknownName, nearest
from karvan.base.quantities import quantities
from karvan.futures.drivers import title_of, uniforms
from karvan.futures.ensemble import Futures
from karvan.futures.figures import draws_of, parse
from karvan.hub.verdict import ALTERNATIVES, CONDITIONS

PEEL = 0.05
"""Part of the box peeled at a time."""
LEAST_SUPPORT = 0.05
"""Part of all futures that a box must hold."""
STANDS_OUT = 3.0
"""Standard errors from nothing at which a number's plain trend with the outcome is looked into."""
LOOKED_AT = 15
"""Most numbers looked at."""
LIMITS = 4
"""Most limits of a box: more cannot be told in a sentence."""
EVENTS = ("sales_new_home", "plants_operating")
"""What comes about within a future and may be a limit of a box."""
LEAST_CASES = 20
"""Futures with and without the outcome below which nothing can be found."""


@dataclass(frozen=True)
class Limit:
    """One side of a box: an uncertain number within bounds."""

    name: str
    title: str
    low: float
    high: float
    """Bounds in the number's unit; those of its own range where the box does not limit it."""
    below: bool
    above: bool
    """Whether the box has an upper bound, a lower bound."""
    unit: str


@dataclass(frozen=True)
class Discovery:
    """A box and how well it tells futures apart, measured on futures it was not found in."""

    outcome: str
    limits: tuple[Limit, ...]
    share: float
    """Share of all futures with the outcome."""
    density: float
    """Share of futures in the box that have the outcome."""
    coverage: float
    """Share of futures with the outcome that lie in the box."""
    support: float
    """Share of all futures that lie in the box."""
    draws: int
    words: str


def outcome_of(text: str, run: Futures, year: int) -> BoolArray:
    """(D,), whether each future has an outcome.

    Parameters
    ----------
    text : ``hub``; an alternative of the verdict such as ``idle_plant`` or ``home_market_assembly``; or a comparison
        such as ``output.2035 > 20000``.

    Errors: :class:`UnknownName` for another word.
    """
    match = re.fullmatch(r"\s*([\w.\-*]+)\s*(>=|<=|>|<)\s*([-+\d.eE_]+)\s*", text)
    if match:
        address = parse(f"{match[1]}@{run.scenario}")
        values, bound = draws_of(address, {run.scenario: run}), float(match[3])
        tests = {">": values > bound, ">=": values >= bound, "<": values < bound, "<=": values <= bound}
        return np.asarray(tests[match[2]])
    if year not in run.years:
        raise UnknownName(f"no year {year}: these futures run from {run.years[0]} to {run.years[-1]}")
    y = run.years.index(year)
    word = text.strip().replace(" ", "_").replace("-", "_")
    if word == "hub":
        return np.asarray(run.verdict.hub[:, y])
    if word in ALTERNATIVES:
        return np.asarray(run.verdict.alternative[:, y] == ALTERNATIVES.index(word))
    hint = nearest(word, ALTERNATIVES) or f"known: {', '.join(ALTERNATIVES)}"
    raise UnknownName(f"no outcome '{text}'; {hint}, or a comparison such as 'output.2035 > 20000'")


def prim(x: Array, y: BoolArray, *, peel: float = PEEL, least: float = LEAST_SUPPORT, limits: int = LIMITS) -> Array:
    """A box in which the outcome is frequent.

    Peeling as in Friedman and Fisher (1999), section 5.1, with the mean of the outcome as target; of the boxes on the
    way the one with the largest weighted harmonic mean of density (which counts double) and coverage is kept; limits
    whose removal costs least are then removed until ``limits`` remain and each raises the density by two standard
    errors or more.

    Parameters
    ----------
    x : (D, F), each column uniform on (0, 1).
    y : (D,), whether the outcome came.
    peel, least : share of the box peeled at a time; least share of all points in the box.

    Returns
    -------
    (F, 2), lower and upper bounds; 0 and 1 where the box has no limit.
    """
    count, factors = x.shape
    box = np.tile([0.0, 1.0], (factors, 1))
    inside = np.ones(count, dtype=bool)
    best, best_score = box.copy(), _score(y, inside)
    while inside.sum() * (1 - peel) >= max(least * count, 2):
        points, outcome = x[inside], y[inside]
        low, high = np.quantile(points, peel, axis=0), np.quantile(points, 1 - peel, axis=0)
        # Keep what lies above the low cut, or below the high cut, of each column.
        kept = np.stack([points >= low, points <= high])
        left = kept.sum(axis=1)
        means = np.where((left < inside.sum()) & (left > 0), (kept & outcome[:, None]).sum(axis=1) / left.clip(1), -1.0)
        side, factor = np.unravel_index(int(np.argmax(means)), means.shape)
        if means[side, factor] < 0.0:
            break
        box[factor, side] = (low, high)[side][factor]
        inside = _inside(x, box)
        score = _score(y, inside)
        if score > best_score:
            best, best_score = box.copy(), score
    return _simplified(x, y, best, limits)


def _inside(x: Array, box: Array) -> BoolArray:
    return np.asarray(((x >= box[:, 0]) & (x <= box[:, 1])).all(axis=1))


def _score(y: BoolArray, inside: BoolArray) -> float:
    """Weighted harmonic mean of density and coverage, density counting double (van Rijsbergen 1979, F with 1/2)."""
    hit = float((y & inside).sum())
    return 1.25 * hit / float(0.25 * y.sum() + inside.sum()) if hit else 0.0


def _simplified(x: Array, y: BoolArray, box: Array, limits: int) -> Array:
    box = box.copy()
    while True:
        limited = np.flatnonzero((box[:, 0] > 0.0) | (box[:, 1] < 1.0))
        if not limited.size:
            return box
        inside = _inside(x, box)
        density = y[inside].mean() if inside.any() else 0.0
        without = []
        for factor in limited:
            trial = box.copy()
            trial[factor] = (0.0, 1.0)
            without.append(float(y[_inside(x, trial)].mean()))
        weakest = int(np.argmax(without))
        error = np.sqrt(without[weakest] * (1.0 - without[weakest]) / max(int(inside.sum()), 1))
        if limited.size <= limits and density - without[weakest] > 2.0 * error:
            return box
        box[limited[weakest]] = (0.0, 1.0)


def discover(run: Futures, text: str, year: int) -> Discovery:
    """What leads to an outcome, in a box and in words.

    Parameters
    ----------
    run : futures of one scenario; the more the finer the box (1,000 or more).
    text : as for :func:`outcome_of`.

    Errors: :class:`UnknownName` as there; :class:`InputError` below 200 draws.
    """
    if run.draws < 200:
        raise InputError(f"{run.draws} futures; scenario discovery needs 200 or more")
    outcome = outcome_of(text, run, year)
    share = float(outcome.mean())
    shown = text.strip().replace("_", " ")
    cases = min(int(outcome.sum()), int((~outcome).sum()))
    nothing = Discovery(shown, (), share, share, 1.0, 1.0, run.draws, "")
    if cases < LEAST_CASES:
        return _with_words(nothing, _too_few(run, shown, share, year))
    events = {name: run.figures[name][:, run.years.index(year)] for name in EVENTS if not text.startswith(name)}
    names = [*run.drawn, *(f"{name}.{year}" for name in events)]
    x = np.stack([*(uniforms(run, name) for name in run.drawn), *map(_mid_ranks, events.values())], axis=1)
    search, judge = np.arange(run.draws) % 2 == 0, np.arange(run.draws) % 2 == 1
    centred = outcome[search] - outcome[search].mean()
    # Trend over its standard error if the number did nothing: uniforms have variance 1/12.
    strength = np.abs(centred @ (x[search] - 0.5)) / np.sqrt(search.sum() * centred.var() / 12.0)
    ahead = np.argsort(-strength, kind="stable")[:LOOKED_AT]
    chosen = np.sort(ahead[strength[ahead] > STANDS_OUT])
    box = prim(x[search][:, chosen], outcome[search]) if chosen.size else np.zeros((0, 2))
    inside = _inside(x[judge][:, chosen], box)
    judged = outcome[judge]
    limits = tuple(
        _limit(run, names[chosen[f]], box[f], events) for f in np.flatnonzero((box[:, 0] > 0.0) | (box[:, 1] < 1.0))
    )
    density = float(judged[inside].mean()) if inside.any() else 0.0
    base = float(judged.mean())
    error = np.sqrt(max(base * (1 - base), 1e-9) / max(int(inside.sum()), 1))
    if not limits or density < base + 2.0 * error:
        words = (
            f"{shown}: {_percent(share)} of futures; no range of the uncertain numbers tells them apart: chance within "
            "a future decides"
        )
        return _with_words(nothing, words)
    coverage = float((judged & inside).sum() / max(judged.sum(), 1))
    support = float(inside.mean())
    words = (
        f"{shown}: {_percent(share)} of all futures, but {_percent(density)} of those in which "
        f"{_listed([_sentence(limit) for limit in limits])}. These are {_percent(support)} of all futures and hold "
        f"{_percent(coverage)} of those with the outcome (found in one half of the futures, measured in the other)."
    )
    return Discovery(shown, limits, share, density, coverage, support, run.draws, words)


def _with_words(found: Discovery, words: str) -> Discovery:
    return Discovery(
        found.outcome, found.limits, found.share, found.density, found.coverage, found.support, found.draws, words
    )


def _too_few(run: Futures, shown: str, share: float, year: int) -> str:
    words = f"{shown}: {_percent(share)} of {run.draws:,} futures; too few to say what leads there"
    if share > 0.5:
        words = f"{shown}: {_percent(share)} of {run.draws:,} futures; too few without it to say what leads away"
    if shown == "hub" and year in run.years:
        met = run.verdict.condition_probability[run.years.index(year)]
        least = int(np.argmin(met))
        words += (
            f". The condition that fails most is {CONDITIONS[least].replace('_', ' ')} (met in {_percent(met[least])})"
        )
    return words


def _mid_ranks(values: Array) -> Array:
    """Ranks over (0, 1), ties in the middle."""
    ordered = np.sort(values)
    both = np.searchsorted(ordered, values, side="left") + np.searchsorted(ordered, values, side="right")
    return np.asarray(0.5 * both / values.size)


def _limit(run: Futures, name: str, bounds: Array, events: Mapping[str, Array]) -> Limit:
    below, above = bool(bounds[1] < 1.0), bool(bounds[0] > 0.0)
    stem = name.partition(".")[0]
    if name not in run.drawn:
        ends = np.quantile(events[stem], np.clip(bounds, 0.0, 1.0), method="nearest")
        quantity = quantities()[stem]
        return Limit(name, quantity.title, float(ends[0]), float(ends[1]), below, above, quantity.unit)
    cell = run.drawn[name]
    plants = run.study.table("plants")
    titles: Mapping[str, str] = dict(zip(plants["plant"].to_list(), plants["name"].to_list(), strict=True))
    ends = cell.draw(np.clip(bounds, 1e-12, 1 - 1e-12))
    low = cell.low if bounds[0] <= 0.0 else float(ends[0])
    high = cell.high if bounds[1] >= 1.0 else float(ends[1])
    return Limit(name, title_of(name, titles), low, high, below, above, cell.unit)


def _sentence(limit: Limit) -> str:
    unit = "" if limit.unit in ("share of 1", "1", "") else f" {limit.unit}"
    if limit.below and limit.above:
        return f"“{limit.title}” lies between {_number(limit.low)} and {_number(limit.high)}{unit}"
    if limit.below:
        return f"“{limit.title}” is below {_number(limit.high)}{unit}"
    return f"“{limit.title}” is above {_number(limit.low)}{unit}"


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if 0 < share < 0.1 else f"{100 * share:.0f} %"

"""What levers would have to be for each condition of the hub verdict, and the investor's case of a scenario.

Levers are moved on top of a scenario from where they are to the far end of what could be meant: each alone, all
together by the same part of their ways, and two at a time. If a condition's share of futures crosses the bar on the
way, the crossing is looked for under the same draws; if not even the end is enough, that is the answer. Tries stand
side by side in one block (:mod:`karvan.futures.lanes`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

from karvan.base.axes import Array
from karvan.base.errors import UnknownName, nearest
from karvan.futures.costs import Range, range_of
from karvan.futures.ensemble import Futures, Progress, pieces_of, worker_of
from karvan.futures.lanes import try_lanes
from karvan.futures.sites import _model
from karvan.hub.appraisal import irr, payback
from karvan.hub.verdict import CONDITIONS, Thresholds
from karvan.study.load import Study
from karvan.study.scenario import Lever

ROUNDS: Final = 3
"""Times the range is cut to a quarter."""
ALL: Final = "all"
"""Name of the joint event beside the five conditions."""
TOGETHER: Final = "together"
"""Name of the move of all levers at once."""
AND: Final = "_and_"
"""Between the names of a pair."""
PAIR_DRAWS: Final = 60
"""Futures in which pairs are compared before the best are looked at more closely."""
OUT_OF_POCKET: Final = 0.1
"""Part of the money invested that owners must be behind by at the deepest for a rate of return to say anything: a
definition. Where plants that stand pay for a new one as it is built, the rate is that of next to no money."""
LINE: Final = 5
"""Points of a break-even line."""


Path = Callable[[float], dict[str, float]]
"""From a value to the levers that stand for it."""


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
    Kind("content", "parts bought at home in the long run, all groups", 0.0, 0.9, "share of parts"),
    Kind(TOGETHER, "all but wages and currency at once, each by the same part of its way", 0.0, 1.0, "of the way"),
)
"""The levers by name, and those that deals can move at once: lower wages and a cheaper currency cut both ways, since
kits are bought abroad and wages are local content. Ends are ``assumed``: nothing below a quarter of today's freight or
wage has been seen; a share of parts of 0.9 is that of makers with a century behind them."""
SINGLE: Final = tuple(kind for kind in KINDS if kind.name != TOGETHER)
"""Those that are one lever."""
BOTH_WAYS: Final = ("wage", "exchange_rate")
"""Levers left out of the move of all."""


def kind_of(name: str) -> Kind:
    """A lever by name, or two of them as ``first_and_second``, each by the same part of its way.

    Errors: :class:`UnknownName` for another lever, or the same one twice.
    """
    known = {kind.name: kind for kind in KINDS}
    if name in known:
        return known[name]
    parts = name.split(AND)
    for part in parts:
        if part not in known or part == TOGETHER:
            single = [kind.name for kind in SINGLE]
            raise UnknownName(f"no lever '{part}'; {nearest(part, single) or 'known: ' + ', '.join(single)}")
    if len(set(parts)) != 2 or len(parts) != 2:
        raise UnknownName(f"'{name}' is no pair of levers; expected two different ones, such as reach{AND}volume")
    titles = " and ".join(known[part].title for part in parts)
    return Kind(name, titles, 0.0, 1.0, "of the way")


def way(name: str, part: float) -> dict[str, float]:
    """The value of each lever that a kind moves, a part of the way (0 to 1) from now to its end."""
    known = {kind.name: kind for kind in SINGLE}
    names = [each for each in known if each not in BOTH_WAYS] if name == TOGETHER else name.split(AND)
    return {each: known[each].now + part * (known[each].end - known[each].now) for each in names}


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
    """Share of 1 a year, over the futures that have a single one on money of their own; nan if none has."""
    has_irr: float
    """Share of futures with one: not those that never invest, never earn, or build from the profit of other plants."""
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
    invested = run.figures["investment"].sum(axis=1)
    deepest = -np.cumsum(cash, axis=1).min(axis=1)
    single = np.isfinite(rate) & (invested > 0) & (deepest >= OUT_OF_POCKET * invested)
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
    rounds: int = ROUNDS,
    progress: Progress | None = None,
) -> tuple[Need, ...]:
    """Each lever alone, and all together: what it would have to be for each condition.

    Parameters
    ----------
    year : the study's horizon if left out.
    names : of :data:`KINDS`, or pairs of them (:func:`kind_of`); all of :data:`KINDS` if empty.
    rounds : each cuts the range to a quarter.

    Errors: :class:`UnknownName` for another lever.
    """
    chosen = [kind_of(name) for name in names] or list(KINDS)
    trials = _Trials(study, scenario, year, draws, seed, progress)
    return _needs(trials, chosen, rounds=rounds)


@dataclass(frozen=True)
class Pair:
    """Two levers that do most for a condition together."""

    levers: tuple[str, str]
    titles: tuple[str, str]
    at_now: float
    at_end: float
    """Share of futures in which the condition holds with nothing moved, and with both at their far ends."""
    alone: tuple[float, float]
    """The same with each at its far end alone."""
    part: float | None
    """Least part of both ways at which the condition holds in the bar's share of futures; None if not at the ends."""
    values: tuple[float, float] | None
    """The levers' values there."""


def best_pairs(
    study: Study,
    *,
    scenario: str = "baseline",
    year: int | None = None,
    draws: int = 150,
    seed: int = 1,
    progress: Progress | None = None,
) -> dict[str, Pair | None]:
    """The best pair of levers for each condition that neither holds already nor is met by one lever alone.

    All pairs are tried at their far ends in :data:`PAIR_DRAWS` futures (or ``draws``, if fewer); the best of each
    condition, the one with the largest share of futures, is then moved by equal parts of both ways. None where no pair
    raises that share.
    """
    few = _Trials(study, scenario, year, min(draws, PAIR_DRAWS), seed, progress)
    alone, both = [{kind.name: kind.end} for kind in SINGLE], list(combinations(SINGLE, 2))
    few.run([{}, *alone, *({one.name: one.end, two.name: two.end} for one, two in both)])
    now = few.at({})
    single = {kind.name: few.at({kind.name: kind.end}) for kind in SINGLE}
    ends = {(one.name, two.name): few.at({one.name: one.end, two.name: two.end}) for one, two in both}
    close = _Trials(study, scenario, year, draws, seed, progress)
    out: dict[str, Pair | None] = {}
    for condition in (*CONDITIONS, ALL):
        if max(now[condition], *(found[condition] for found in single.values())) >= now["bar"]:
            continue
        # Of equals the pair whose weaker lever does most alone: a lever that does nothing is no part of an answer.
        pair = max(
            ends,
            key=lambda p: (ends[p][condition], min(single[name][condition] for name in p), single[p[0]][condition]),
        )
        if ends[pair][condition] <= now[condition]:
            out[condition] = None
            continue
        kind = kind_of(AND.join(pair))
        (need,) = _needs(close, (kind,), (condition,))
        part = need.needed[condition]
        moved = None if part is None else way(kind.name, part)
        out[condition] = Pair(
            levers=pair,
            titles=(kind_of(pair[0]).title, kind_of(pair[1]).title),
            at_now=need.at_now[condition],
            at_end=need.at_end[condition],
            alone=(single[pair[0]][condition], single[pair[1]][condition]),
            part=part,
            values=None if moved is None else (moved[pair[0]], moved[pair[1]]),
        )
    return out


def pair_of(text: str) -> tuple[str, str]:
    """Two levers from ``FIRST,SECOND``. Errors: those of :func:`kind_of`."""
    names = tuple(part.strip() for part in text.split(","))
    kind_of(AND.join(names))
    if len(names) != 2:
        raise UnknownName(f"'{text}' is no pair of levers; expected two different ones, such as reach,volume")
    return names[0], names[1]


def break_even_lines(
    study: Study,
    levers: tuple[str, str],
    *,
    scenario: str = "baseline",
    year: int | None = None,
    draws: int = 150,
    seed: int = 1,
    points: int = LINE,
    progress: Progress | None = None,
) -> dict[str, tuple[tuple[float, float | None], ...]]:
    """By condition, the line in the plane of two levers on which it holds in the bar's share of futures.

    Parameters
    ----------
    levers : two of :data:`SINGLE`. The first is set at ``points`` values from now to its end; the second is looked for.

    Returns
    -------
    Condition (and ``all``) to pairs of values; the second is its value now where nothing need be moved, None where not
    even its end is enough.

    Errors: those of :func:`kind_of`.
    """
    kind_of(AND.join(levers))
    first, second = (kind_of(name) for name in levers)
    trials = _Trials(study, scenario, year, draws, seed, progress)
    values = [first.now + step / max(points - 1, 1) * (first.end - first.now) for step in range(points)]

    def path(value: float) -> Path:
        def at(other: float) -> dict[str, float]:
            moved = {first.name: value, second.name: other}
            return {name: v for name, v in moved.items() if v != kind_of(name).now}

        return at

    paths = [path(value) for value in values]
    asked = [(at, condition, second.now, second.end) for at in paths for condition in (*CONDITIONS, ALL)]
    found = iter(_crossings(trials, asked))
    lines = [[next(found) for _ in (*CONDITIONS, ALL)] for _ in values]
    return {
        condition: tuple((value, line[i]) for value, line in zip(values, lines, strict=True))
        for i, condition in enumerate((*CONDITIONS, ALL))
    }


class _Trials:
    """Shares of futures in which the conditions hold, for any values of the levers: prepared once, each tried once."""

    def __init__(
        self,
        study: Study,
        scenario: str,
        year: int | None,
        draws: int,
        seed: int,
        progress: Progress | None,
    ) -> None:
        self.study, self.seed, self.progress = study, seed, progress
        self.last = study.settings.horizon if year is None else year
        self.worker = worker_of(study, scenario, until=self.last, seed=seed)
        self.prepared = self.worker.prepare(scenario)
        self.pieces = pieces_of(scenario, draws)
        self.plant = _model(self.prepared)
        self.bar = Thresholds().probability
        self.seen: dict[tuple[tuple[str, float], ...], dict[str, float]] = {}

    def run(self, tries: Iterable[Mapping[str, float]]) -> None:
        """Try what has not been tried yet, side by side."""
        wanted = {_key(values): values for values in tries if _key(values) not in self.seen}
        lanes = [
            tuple(lever for name, value in values.items() for lever in _levers(self.study, name, value, self.plant))
            for values in wanted.values()
        ]
        verdicts = try_lanes(self.prepared, lanes, self.pieces, self.seed, self.worker.task.sampling)
        for key, verdict in zip(wanted, verdicts, strict=True):
            found = dict(zip(CONDITIONS, (float(v) for v in verdict.condition_probability[-1]), strict=True))
            self.seen[key] = {**found, ALL: float(verdict.probability[-1]), "bar": self.bar}
            if self.progress:
                self.progress(len(self.seen), len(self.seen) + 1)

    def at(self, values: Mapping[str, float]) -> dict[str, float]:
        """Condition (and ``all``) to its share of futures in the last year, and the bar."""
        self.run([values])
        return self.seen[_key(values)]


def _key(values: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    return tuple(sorted(values.items()))


def _needs(
    trials: _Trials,
    kinds: Sequence[Kind],
    conditions: Sequence[str] = (*CONDITIONS, ALL),
    rounds: int = ROUNDS,
) -> tuple[Need, ...]:
    """Kinds of moves against the conditions."""
    singles = {single.name for single in SINGLE}

    def path(kind: Kind) -> Path:
        def at(value: float) -> dict[str, float]:
            if value == kind.now:
                return {}
            return {kind.name: value} if kind.name in singles else way(kind.name, value)

        return at

    paths = [path(kind) for kind in kinds]
    asked = [(at, name, k.now, k.end) for at, k in zip(paths, kinds, strict=True) for name in conditions]
    found = iter(_crossings(trials, asked, rounds))
    out = []
    for at, kind in zip(paths, kinds, strict=True):
        needed = {name: next(found) for name in conditions}
        row = [{name: share for name, share in trials.at(at(v)).items() if name != "bar"} for v in (kind.now, kind.end)]
        out.append(Need(kind.name, kind.title, kind.unit, kind.now, kind.end, row[0], row[1], needed))
    return tuple(out)


def _crossings(
    trials: _Trials,
    asked: Sequence[tuple[Path, str, float, float]],
    rounds: int = ROUNDS,
) -> list[float | None]:
    """For each path of levers, condition, start and end: a value at which the bar is reached, the least that was tried;
    the start if it is reached there already, None if not even at the end.

    Each round tries three points within what is left of every path, all paths side by side.
    """
    trials.run([at(value) for at, _, now, end in asked for value in (now, end)])
    out: list[float | None] = []
    left: dict[int, tuple[float, float]] = {}
    for i, (at, condition, now, end) in enumerate(asked):
        if trials.at(at(now))[condition] >= trials.bar:
            out.append(now)
        elif trials.at(at(end))[condition] < trials.bar:
            out.append(None)
        else:
            out.append(end)
            left[i] = now, end
    for _ in range(rounds):
        points = {i: [low + part * (high - low) for part in (0.25, 0.5, 0.75)] for i, (low, high) in left.items()}
        trials.run([asked[i][0](value) for i, values in points.items() for value in values])
        for i, values in points.items():
            at, condition, _, _ = asked[i]
            low, high = left[i]
            for value in values:  # short of the bar up to low, at it or above from high on
                if trials.at(at(value))[condition] >= trials.bar:
                    high = value
                    break
                low = value
            left[i], out[i] = (low, high), high
    return out


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
    if name == "content":
        return (make("local_share_target", key="*", value=value),)
    if not plant:
        return ()
    return (
        make("plant_opens", key=plant, value=float(first)),
        make("nameplate", key=plant, operation="multiply", value=value),
        make("nameplate_reach", key=plant, value=1.0),
        make("partner_supply", key=plant, value=1.0),
    )

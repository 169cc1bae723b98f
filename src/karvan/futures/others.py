"""What other countries' records say about one country: where output went, how far it strayed, stops, plants to come.

A backcast may learn from the past of others, never from the country it scores nor from years after its date. Both are
held here by the code, not by care: the record is read inside :func:`karvan.study.world.as_known`, one country is left
out, the fit remembers every country and the last year in its rows, and refuses to speak of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from karvan.base.axes import Array, IntArray
from karvan.futures.drift import (
    CLIP,
    FEWEST,
    Drift,
    DriftFit,
    Panel,
    Rolling,
    Spread,
    Trial,
    fit_drift,
    fit_spread,
    make_panel,
)
from karvan.futures.record import FLOOR, NEWCOMER, LeakError, Record, latest

CAPACITY = 0.8
"""Output of the best of five years over capacity: the rule of the aggregate plant."""
STOP = 0.2
"""Output below this share of the year before counts as a stop: ``assumed``, 0.1 to 0.3."""
BIG = 200_000.0
"""Makers above and below have stop rates of their own."""
FIRST = (float(np.log(1e4)), 1.5)
"""Mean and standard deviation of ln output of newcomers where the record has fewer than three: ``assumed``."""
PRIOR = 0.5
"""Standard deviation of the loop's weight around nought before any evidence: ``assumed``, 0.25 to 1."""


@dataclass(frozen=True)
class LoopChange:
    """What the year loop foresaw for one country on an earlier date, nothing in it fitted to any record."""

    country: str
    as_of: str
    last_year: int
    """Last year on record then."""
    change: Mapping[int, float]
    """By year: median ln output of the makers on record, less that of the loop's first year."""


@dataclass(frozen=True)
class OthersFit:
    """Laws fitted to other countries up to a date. Ask :meth:`spread`, :meth:`stop_rate` and so on *for* a country."""

    as_of: str
    kind: str
    seen: frozenset[str]
    """Countries with a row in the fit."""
    last_year: int
    """Last year in any of its rows."""
    _middle: DriftFit
    _loop: float
    _home: tuple[float, Spread]
    """ln change of registrations for one of output, and the spread of the rest."""
    _stops: tuple[tuple[int, float], tuple[int, float]]
    """Stops and maker-years of small and of big makers."""
    _arrival: tuple[float, float, float]
    """Constant, slope on ln registrations, slope on ln access of the yearly rate."""
    _newcomer: tuple[float, float, float]
    """Constant, slope on ln GDP, slope on ln access of the yearly rate of countries without output."""
    _added: tuple[float, float, float]
    """Constant and slope on ln of the five-year peak of ln cars added, and the spread."""
    _first: tuple[float, float]
    """Mean and standard deviation of ln output of newcomers at their best of the first four years."""

    def _check(self, country: str) -> None:
        if country in self.seen:
            raise LeakError(f"the fit has seen {country}: it cannot be asked about it; fit it without {country}")
        if self.last_year >= int(self.as_of[:4]):
            raise LeakError(f"the fit has seen {self.last_year}, not before its date {self.as_of}")

    @property
    def level_weight(self) -> float:
        """Weight of the last figure against the mean of three: the level that the others' futures kept closest to."""
        return self._middle.level_weight

    @property
    def trials(self) -> tuple[Trial, ...]:
        """What rolling origins said of every item of the menu."""
        return self._middle.trials

    @property
    def chosen(self) -> Drift:
        """The coefficients in use."""
        return self._middle.drift

    def drift(self, country: str, known: Array, size: float, years: Array) -> Array:
        """ln change of output from the level after so many years. known: (5,) its traits; years: (Y,) -> (Y,)."""
        self._check(country)
        return self._middle.drift.change(known, size, years)

    def home_sales(self, country: str, size: float, years: Array) -> tuple[float, Array, float]:
        """New registrations with output: ln change for one of output; scale (Y,) and degrees of freedom of the rest."""
        self._check(country)
        elasticity, spread = self._home
        return elasticity, spread.at(size, years), spread.df

    def loop_weight(self, country: str) -> float:
        """Weight of the year loop's change against the drift, by what the loop foresaw for others before."""
        self._check(country)
        return self._loop

    def spread(self, country: str, size: float, years: Array) -> Array:
        """Scale of ln output around the middle after so many years. years: (Y,) -> (Y,)."""
        self._check(country)
        return self._middle.spread.at(size, years)

    def law(self, country: str, size: float, u: Array) -> Array:
        """Quantiles of ln output around the middle, over the scale: Student's t, its scale not known for sure."""
        self._check(country)
        return self._middle.spread.law(size, u)

    def last_figure(self, country: str, size: float, years: Array, u: Array) -> Array:
        """Quantiles (D, Y) of ln output around the last figure: of the ruler that the model must beat. u: (D, Y)."""
        self._check(country)
        spread = self._middle.spread_last
        return np.asarray(spread.at(size, years) * spread.law(size, u))

    def stop_rate(self, country: str, size: float) -> tuple[float, float, float]:
        """Yearly chance that output all but stops: 5, 50, 95 % of Jeffreys' Beta."""
        from scipy.special import betaincinv  # slow to import

        self._check(country)
        events, years = self._stops[int(size >= BIG)]
        a, b = events + 0.5, years - events + 0.5
        low, mid, high = (float(betaincinv(a, b, p)) for p in (0.05, 0.5, 0.95))
        return low, mid, high

    def arrival_rate(self, country: str, sales: float, access: float) -> float:
        """Plants beyond known capacity that arrive in a year, in a country that has plants."""
        self._check(country)
        constant, by_sales, by_access = self._arrival
        z = constant + by_sales * np.log(max(sales, FLOOR) / 1e5) + by_access * np.log(max(access, 1.0) / 1e6)
        return float(np.clip(np.exp(z), 0.002, 1.5))

    def newcomer_rate(self, country: str, gdp: float, access: float) -> float:
        """First plants in a year, in a country without output. gdp: international dollars, nan if unknown."""
        self._check(country)
        constant, by_gdp, by_access = self._newcomer
        z = constant + by_access * np.log(max(access, 1.0) / 1e6)
        return float(np.clip(np.exp(z + (by_gdp * np.log(gdp / 1e11) if np.isfinite(gdp) else 0.0)), 0.0005, 0.5))

    def added(self, country: str, peak: float) -> tuple[float, float, float]:
        """Cars a year that an arrival adds: 5, 50, 95 %."""
        self._check(country)
        constant, slope, spread = self._added
        return _ends(constant + slope * np.log(max(peak, NEWCOMER) / 1e5), spread)

    def first_plants(self, country: str) -> tuple[float, float, float]:
        """Cars a year that a country without output makes once it begins: 5, 50, 95 %."""
        self._check(country)
        return _ends(*self._first)


def fit_others(record: Record, loops: Sequence[LoopChange] = ()) -> OthersFit:
    """Fit to a record out of which the country to be scored was taken (:meth:`Record.without`).

    ``drift``, ``spread``: :mod:`karvan.futures.drift`. ``stop_rate``: falls below a fifth within a year.
    ``arrival_rate``: years in which output passes the capacity known until then (five-year peak / 0.8) or begins;
    Poisson regression on registrations and access. ``newcomer_rate``: first plants in countries without output, makers
    or not; Poisson regression on GDP and access. ``loop_weight``: regression of the others' changes on what the loop
    foresaw.

    Errors: :class:`LeakError` for a loop's forecast of a country that is not in the record, or on a date not before it.
    """
    events, exposure = np.zeros(2, dtype=int), np.zeros(2, dtype=int)
    rows: list[tuple[float, float, bool]] = []
    added: list[tuple[float, float]] = []
    for country, made in record.made.items():
        years = sorted(made)
        for year in range(min(years) + 1, max(years) + 1):
            if year not in made or year - 1 not in made:
                continue
            before, now = made[year - 1], made[year]
            if before >= FLOOR:
                events[int(before >= BIG)] += now < STOP * before
                exposure[int(before >= BIG)] += 1
            peak = max(made[y] for y in range(year - 5, year) if y in made)
            bound = max(peak / CAPACITY, NEWCOMER)
            arrived = now > bound
            rows.append((float(np.log(record.market(country) / 1e5)), _access(record, country), arrived))
            if arrived:
                best = max(made[y] for y in range(year, year + 4) if y in made)
                added.append((float(np.log(max(peak, NEWCOMER) / 1e5)), float(np.log(max(best - peak, 500.0)))))
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)
    entries = np.array(_entries(record), dtype=np.float64).reshape(-1, 4)
    begun = np.log(entries[entries[:, 2] > 0, 2])
    middle = fit_drift(record)
    panel = make_panel(record)
    return OthersFit(
        as_of=record.as_of,
        kind=record.kind,
        seen=frozenset(record.made) | frozenset(record.income) | frozenset(record.sold),
        last_year=record.last_year(),
        _middle=middle,
        _loop=_loop_weight(record, panel, middle, loops),
        _home=_home_sales(record, panel, middle),
        _stops=((int(events[0]), float(exposure[0])), (int(events[1]), float(exposure[1]))),
        _arrival=_poisson(table[:, :2], table[:, 2], np.ones(len(table))),
        _newcomer=_poisson(entries[:, :2], np.minimum(entries[:, 2], 1.0), entries[:, 3]),
        _added=_line(np.array(added, dtype=np.float64).reshape(-1, 2)),
        _first=(float(begun.mean()), max(float(begun.std()), 0.7)) if len(begun) >= 3 else FIRST,
    )


def _ends(middle: float, spread: float) -> tuple[float, float, float]:
    low, mid, high = (float(np.exp(middle + z * spread)) for z in (-1.645, 0.0, 1.645))
    return low, mid, high


def _access(record: Record, country: str) -> float:
    return float(np.log(max(record.access.get(country, 1e6), 1.0) / 1e6))


def _entries(record: Record) -> list[tuple[float, float, float, float]]:
    """Country by country without output from one whole list of makers to the next: ln GDP, ln access, cars, years.

    Cars are the best of the first four years of one that began, else 0.

    All countries with an income count, listed or not: to look only at those that were ever listed as makers would count
    the winners alone. One that is not listed while nearly all makers are makes next to nothing.
    """
    lists = record.lists()
    rows = []
    for country in sorted(record.gdp):
        made = record.made.get(country, {})
        for t, u in pairwise(lists):
            known = [y for y in made if y <= t]
            gdp = latest(record.gdp[country], t, 5)
            if (known and made[max(known)] > FLOOR) or not np.isfinite(gdp):
                continue
            begun = min((y for y, value in made.items() if t < y <= u and value > NEWCOMER), default=None)
            best = 0.0 if begun is None else max(value for y, value in made.items() if begun <= y < begun + 4)
            rows.append((float(np.log(gdp / 1e11)), _access(record, country), best, float(u - t)))
    return rows


def _loop_weight(record: Record, panel: Panel, middle: DriftFit, loops: Sequence[LoopChange]) -> float:
    """Weight of the loop's change: ``r - drift = w (loop - drift) + error``, ``w`` around nought beforehand, 0 to 1.

    The drift is the one fitted to what was known when the loop ran, by the other folds of countries.
    """
    for item in loops:
        if item.country not in record.made:
            raise LeakError(f"a forecast of {item.country} by the loop is not evidence: the record is without it")
        if item.as_of >= record.as_of or item.last_year >= int(item.as_of[:4]):
            raise LeakError(f"a forecast by the loop as of {item.as_of} is not evidence before {record.as_of}")
    if not loops:
        return 0.0
    rolling = Rolling(panel, middle.spread_last)
    menu = [(middle.drift.columns, middle.drift.ridge)]
    drift = {year: rolling.predicted(year, menu)[0] for year in sorted({int(item.as_of[:4]) - 1 for item in loops})}
    xy = xx = 0.0
    for item in loops:
        rows = _rows_of(panel, item)
        if not len(rows):
            continue
        foreseen = drift[int(item.as_of[:4]) - 1][rows]
        x = np.array([item.change[int(u)] for u in panel.u[rows]]) - foreseen
        scale = middle.spread.at(panel.size[rows], panel.h[rows])
        xy += float(np.mean(x * (panel.r[rows] - foreseen) / scale**2))
        xx += float(np.mean(x**2 / scale**2))
    return float(np.clip(xy / (xx + PRIOR**-2), 0.0, 1.0))


def _home_sales(record: Record, panel: Panel, middle: DriftFit) -> tuple[float, Spread]:
    """ln change of registrations on that of output over the same years, by least squares through nought.

    Of two series that grow together a chance about their ratio needs the change of one given the other. Changes count
    by their precision, as in the drift: one plant more makes a small maker many times larger, its market no larger.
    """
    rows, change = [], []
    for i, (c, t, u) in enumerate(zip(panel.country.tolist(), panel.t.tolist(), panel.u.tolist(), strict=True)):
        sold = record.sold.get(panel.countries[c], {})
        if min(sold.get(t, 0.0), sold.get(u, 0.0)) >= FLOOR:
            rows.append(i)
            change.append(float(np.log(sold[u] / sold[t])))
    if len(rows) < FEWEST:
        return 0.0, fit_spread(panel.r, panel.size, panel.h, panel.weight)
    at, s = np.array(rows), np.array(change)
    weight = panel.weight[at]
    x, y = np.clip(panel.r[at], -CLIP, CLIP), np.clip(s, -CLIP, CLIP)
    w = weight * middle.spread_last.at(panel.size[at], panel.h[at]) ** -2.0
    elasticity = float(np.clip(np.sum(w * x * y) / np.sum(w * x * x), 0.0, 1.0))
    size = np.array([record.sold[panel.countries[panel.country[i]]][int(panel.t[i])] for i in rows])
    return elasticity, fit_spread(s - elasticity * panel.r[at], size, panel.h[at], weight)


def _rows_of(panel: Panel, item: LoopChange) -> IntArray:
    """Rows of the panel that tell what came of a forecast by the loop."""
    mine = (panel.country == panel.countries.index(item.country)) & (panel.t == item.last_year)
    return np.flatnonzero(mine & np.isin(panel.u, list(item.change))).astype(np.int64)


def _poisson(columns: Array, events: Array, exposure: Array) -> tuple[float, float, float]:
    """Poisson regression by Newton's method with a weak normal prior (standard deviation 1) on the slopes.

    The constant has a prior too, half an event in the whole of the exposure, so that none seen is not a rate of nought.
    """
    X = np.concatenate([np.ones((len(columns), 1)), columns], axis=1)
    ridge = np.diag([0.0, 1.0, 1.0])
    # Half an event at the mean of the columns, with no exposure of its own.
    X = np.concatenate([X, X.mean(axis=0, keepdims=True)]) if len(X) else np.array([[1.0, 0.0, 0.0]])
    y, years = np.append(events, 0.5), np.append(exposure, 1e-6 if len(columns) else 100.0)
    beta = np.array([np.log(y.sum() / years.sum()), 0.0, 0.0])
    for _ in range(50):
        mean = years * np.exp(X @ beta)
        step = np.linalg.solve(X.T @ (X * mean[:, None]) + ridge, X.T @ (y - mean) - ridge @ beta)
        beta = beta + np.clip(step, -1.0, 1.0)
    return float(beta[0]), float(beta[1]), float(beta[2])


def _line(points: Array) -> tuple[float, float, float]:
    """Least squares of the second column on the first; slope between 0 and 1; fewer than five points: one for one."""
    if len(points) < 5:
        return float(np.log(2e4)), 1.0, 1.5
    x, y = points[:, 0], points[:, 1]
    slope = float(np.clip(np.polyfit(x, y, 1)[0], 0.0, 1.0))
    constant = float(np.mean(y - slope * x))
    return constant, slope, max(float(np.std(y - constant - slope * x)), 0.3)

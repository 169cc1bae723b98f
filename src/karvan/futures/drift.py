"""Where output went in other countries: change from the last figure, by income and whatever else proved itself before.

``ln y[t+h] / level[t] = (b0 + b1 z1 + ... + bk zk) d(h) + error``, with ``z`` the standardised traits of the country at
``t`` and ``d(h) = (1 - 0.9^h) / (1 - 0.9)`` (damped trend: Gardner and McKenzie 1985). Ridge regression (Hoerl and
Kennard 1970) draws every coefficient to nought, so to the last figure. How many traits count and how hard they are
drawn is settled by rolling origins inside the record: fitted to outcomes up to a year and to seven eighths of the
countries, asked about what came after in the others. The last figure itself is on the menu. Letters: ``N`` changes,
``K`` columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from karvan.base.axes import Array, BoolArray, IntArray
from karvan.futures.record import FLOOR, TRAITS, Record, level_of, traits

DAMPING = 0.9
"""Share of a year's growth that is left in the next: ``assumed``, 0.8 to 0.98, the usual range of damped trends."""
FARTHEST = 10
"""Years between the ends of the longest change."""
CLIP = 1.5
"""Changes of ln output beyond it count as this much when the middle is fitted: ``assumed``, 1 to 2."""
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Parts of the drift on the menu of each size group."""
RIDGE = (2.0, 10.0, 50.0, 250.0)
"""Weights of nought on the menu, in changes of one standard error."""
COLUMNS = (0, 1, 2, 3, 4, 6)
"""Columns on the menu: none (the last figure), growth alike, and the first 1, 2, 3 or all of :data:`TRAITS`."""
FOLDS = 8
FEWEST = 15
"""Least number of countries on either side of a rolling origin."""
LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Weights of the last figure against the mean of three on the menu."""
SIZES = (200_000.0, 1_000_000.0)
"""Size groups, as in the scores."""
TRUST = 10.0
"""Countries at which half of a measured mis-calibration of a size group is believed: ``assumed``, 5 to 20."""


def damped(years: Array) -> Array:
    """``d(h)``, years of growth in ``h`` years. years: (Y,) -> (Y,).

    >>> damped(np.array([0.0, 1.0, 2.0])).round(6).tolist()
    [0.0, 1.0, 1.9]
    """
    return np.asarray((1.0 - DAMPING ** np.maximum(years, 0.0)) / (1.0 - DAMPING))


def group_of(size: Array | float) -> IntArray:
    """Size group, 0 to 2, of outputs."""
    return np.asarray(np.searchsorted(SIZES, size, side="right"))


@dataclass(frozen=True)
class Spread:
    """Scale of ln output around a middle, by size and years: Student's t."""

    scale: float
    """ln scale at 300,000 vehicles and one year."""
    by_size: float
    by_years: float
    df: float
    sizes: tuple[float, float]
    """5 and 95 % of the sizes in the fit: the slope on size is not trusted beyond them."""
    factors: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """What rolling origins of each size group asked for."""
    unsure: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Standard deviation of the logarithm of each factor: few countries say what it is."""

    def law(self, size: float, u: Array) -> Array:
        """Quantiles of change over scale for a maker of a size, its scale not known for sure. u: 0 to 1, any shape."""
        return quantiles(self.df, self.unsure[int(group_of(size))], u)

    def at(self, size: Array | float, years: Array) -> Array:
        """Scale for sizes and years, broadcast."""
        ln_size = np.log(np.clip(size, *self.sizes) / 3e5)
        factor = np.asarray(self.factors)[group_of(size)]
        return np.asarray(
            factor * np.exp(self.scale + self.by_size * ln_size) * np.maximum(years, 0.5) ** self.by_years
        )


@dataclass(frozen=True)
class Standard:
    """Traits in standard deviations, within the 5-95 % of the fit: what lies beyond is not extrapolated."""

    centre: tuple[float, ...]
    scale: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def of(self, x: Array) -> Array:
        """(N, 6), a one and the traits, 0 where unknown. x: (N, 5)."""
        z = np.clip((x - np.array(self.centre)) / np.array(self.scale), np.array(self.low), np.array(self.high))
        return np.concatenate([np.ones((len(x), 1)), np.where(np.isfinite(z), z, 0.0)], axis=1)


@dataclass(frozen=True)
class Drift:
    """The middle: coefficients on the standardised traits, in the order of :data:`TRAITS` after the constant."""

    columns: int
    """How many columns rolling origins chose; 0 is the last figure."""
    ridge: float
    coefficients: tuple[float, ...]
    standard: Standard
    shares: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Part of the drift that rolling origins chose in each size group."""

    def change(self, known: Array, size: float, years: Array) -> Array:
        """(Y,), ln change from the level after so many years. known: (5,) traits, nan if unknown; size: last figure."""
        z = self.standard.of(known[None, :])[0]
        rate = float(np.sum(z[: self.columns] * np.array(self.coefficients)))
        return np.asarray(self.shares[int(group_of(size))] * rate * damped(years))


@dataclass(frozen=True)
class Trial:
    """Mean |ln error| of one item of the menu over rolling origins."""

    columns: int
    ridge: float
    error: float


@dataclass(frozen=True)
class DriftFit:
    """The middle that did best before, its spread, and the last figure with a spread of its own."""

    level_weight: float
    """Weight of the last figure against the mean of three as the level that futures kept closest to."""
    drift: Drift
    spread: Spread
    """Around the drift."""
    spread_last: Spread
    """Around the level: of the ruler."""
    trials: tuple[Trial, ...]
    origins: tuple[int, ...]
    """Rolling origins that settled the choice."""


@dataclass(frozen=True)
class Panel:
    """All changes within a record."""

    countries: tuple[str, ...]
    country: IntArray
    t: IntArray
    u: IntArray
    size: Array
    r: Array
    """(N,), ln change from the level."""
    z: Array
    """(N, 6), constant and standardised traits."""
    weight: Array
    """(N,): every country counts the same, however many pairs of years it has."""
    standard: Standard
    level_weight: float

    @property
    def h(self) -> Array:
        """(N,), years between the ends."""
        return np.asarray((self.u - self.t).astype(np.float64))

    @property
    def fold(self) -> IntArray:
        """(N,), the eighth of the countries that each change belongs to."""
        return np.asarray(self.country % FOLDS)


def make_panel(record: Record) -> Panel:
    """Changes over one to ten years of every country of a record, with the level that keeps them smallest."""
    countries = tuple(sorted(record.made))
    rows: list[tuple[int, int, int, float, float]] = []
    known, levels = [], []
    for i, code in enumerate(countries):
        made = record.made[code]
        for t in sorted(made):
            ahead = [u for u in sorted(made) if 1 <= u - t <= FARTHEST]
            if made[t] < FLOOR or not ahead:
                continue  # at the floor there is nothing to fall to: its changes would be noughts by definition
            own = traits(record, code, made, t)
            level = [np.log(level_of(made, t, w) or FLOOR) for w in LEVELS]
            for u in ahead:
                rows.append((i, t, u, made[t], float(np.log(max(made[u], FLOOR)))))
                known.append(own)
                levels.append(level)
    table = np.array(rows, dtype=np.float64).reshape(-1, 5)
    country = table[:, 0].astype(np.int64)
    weight = _even(country)
    changes = table[:, 4:5] - np.array(levels).reshape(-1, len(LEVELS))
    best = int(np.argmin(np.average(np.abs(changes), weights=weight, axis=0)))
    x = np.array(known).reshape(-1, len(TRAITS))
    seen = np.isfinite(x)
    total = (weight[:, None] * seen).sum(axis=0)
    centre = (weight[:, None] * np.where(seen, x, 0.0)).sum(axis=0) / np.maximum(total, 1e-9)
    apart = np.where(seen, x - centre, 0.0)
    scale = np.sqrt((weight[:, None] * apart**2).sum(axis=0) / np.maximum(total, 1e-9)) + 1e-9
    ends = [[quantile(z, weight, p) for z in (apart / scale).T] for p in (0.05, 0.95)]
    standard = Standard(tuple(centre.tolist()), tuple(scale.tolist()), tuple(ends[0]), tuple(ends[1]))
    return Panel(
        countries, country, table[:, 1].astype(np.int64), table[:, 2].astype(np.int64), table[:, 3],
        changes[:, best], standard.of(x), weight, standard, LEVELS[best],
    )  # fmt: skip


class Rolling:
    """Ridge regressions on a panel as it stood at a year, each fold of countries predicted by the others."""

    def __init__(self, panel: Panel, spread: Spread) -> None:
        self.panel = panel
        self.Z = panel.z * damped(panel.h)[:, None]
        self.precision = spread.at(panel.size, panel.h) ** -2.0
        self.y = np.clip(panel.r, -CLIP, CLIP)

    def _sums(self, chosen: BoolArray) -> tuple[Array, Array]:
        Z, w = self.Z[chosen], _even(self.panel.country[chosen]) * self.precision[chosen]
        return (Z[:, :, None] * Z[:, None, :] * w[:, None, None]).sum(axis=0), (Z * (w * self.y[chosen])[:, None]).sum(
            0
        )

    def whole(self, columns: int, ridge: float) -> Array:
        """Coefficients of all changes."""
        G, g = self._sums(np.ones(len(self.y), dtype=bool))
        return _solved(G, g, columns, ridge)

    def predicted(self, until: int, menu: Sequence[tuple[int, float]]) -> list[Array]:
        """(N,) for each item of the menu, change foreseen by the other folds from outcomes up to a year."""
        known, fold = self.panel.u <= until, self.panel.fold
        parts = [self._sums(known & (fold != k)) for k in range(FOLDS)]
        out = []
        for columns, ridge in menu:
            b = np.array([_solved(G, g, columns, ridge) for G, g in parts])
            out.append((self.Z[:, :columns] * b[fold]).sum(axis=1))
        return out


def _even(country: IntArray) -> Array:
    """Weights with which every country counts the same, however many of these changes it has."""
    return np.asarray(1.0 / np.bincount(country)[country]) if len(country) else np.zeros(0)


def _solved(G: Array, g: Array, columns: int, ridge: float) -> Array:
    k = columns
    return np.asarray(np.linalg.solve(G[:k, :k] + ridge * np.eye(k), g[:k])) if k else np.zeros(0)


def fit_drift(record: Record) -> DriftFit:
    """Fit the middle and its spread to a record out of which the country to be scored was taken."""
    panel = make_panel(record)
    plain = fit_spread(panel.r, panel.size, panel.h, panel.weight)
    rolling = Rolling(panel, plain)
    menu = [(k, ridge) for k in COLUMNS for ridge in (RIDGE if k else RIDGE[:1])]
    origins = _origins(panel)
    foreseen = {year: rolling.predicted(year, menu) for year in origins}
    everyone = np.ones(len(panel.r), dtype=bool)
    # Without an origin to ask nothing has proved itself: the first item of the menu is the last figure.
    means = _missed(panel, foreseen, everyone) if origins else np.zeros(len(menu))
    best = int(np.argmin(means))
    columns, ridge = menu[best]
    parts = {year: [share * found[best] for share in SHARES] for year, found in foreseen.items()}
    group = group_of(panel.size)
    picked = [SHARES[int(np.argmin(_missed(panel, parts, group == k)))] if columns else 1.0 for k in range(3)]
    part = np.array(picked)[group]
    residual = panel.r - part * rolling.predicted(int(panel.u.max()), [menu[best]])[0]
    spread = fit_spread(residual, panel.size, panel.h, panel.weight)
    return DriftFit(
        panel.level_weight,
        Drift(columns, ridge, tuple(rolling.whole(columns, ridge).tolist()), panel.standard,
              (picked[0], picked[1], picked[2])),
        _calibrated(panel, spread, {year: part * found[best] for year, found in foreseen.items()}),
        _calibrated(panel, plain, {year: found[0] for year, found in foreseen.items()}),
        tuple(Trial(k, lam, float(e)) for (k, lam), e in zip(menu, means, strict=True)),
        tuple(origins),
    )  # fmt: skip


def _missed(panel: Panel, foreseen: dict[int, list[Array]], among: BoolArray) -> Array:
    """Mean |error| of each item over changes from all origins; every distance counts the same, as in the scores."""
    items = max((len(found) for found in foreseen.values()), default=1)
    rows, h = [np.zeros((0, items))], [np.zeros(0)]
    for year, found in foreseen.items():
        at = (panel.t == year) & among
        rows.append(np.abs(panel.r[at, None] - np.stack(found, axis=1)[at]))
        h.append(panel.h[at])
    errors, years = np.concatenate(rows), np.concatenate(h)
    if not len(years):
        return np.zeros(items)
    return np.asarray(np.mean([errors[years == year].mean(axis=0) for year in np.unique(years)], axis=0))


def _origins(panel: Panel) -> list[int]:
    """Years with enough countries to fit before and to be asked about after."""
    found = []
    for year in np.unique(panel.t).tolist():
        after, before = panel.country[panel.t == year], panel.country[panel.u <= year]
        if min(len(np.unique(after)), len(np.unique(before))) >= FEWEST:
            found.append(year)
    return found


def _calibrated(panel: Panel, spread: Spread, foreseen: dict[int, Array]) -> Spread:
    """The spread with a factor for each size group, by what rolling origins would have needed.

    At each origin a spread is fitted to what was known then; the factor makes the halves and nine tenths of its range
    hold as many outcomes as they say (their geometric mean), and is drawn to one in groups of few countries. How unsure
    it remains is kept with it.
    """
    one = _of_one_country(spread.df)
    z, size, weight, country = [], [], [], []
    for year, middle in foreseen.items():
        known, at = panel.u <= year, panel.t == year
        if len(np.unique(panel.h[known])) < 2:
            continue  # one distance says nothing about others
        residual = panel.r - middle
        then = fit_spread(residual[known], panel.size[known], panel.h[known], _even(panel.country[known]))
        unit = _upper(then.df, 0.95)
        z.append(np.abs(residual[at]) / (then.at(panel.size[at], panel.h[at]) * unit))
        size.append(panel.size[at])
        country.append(panel.country[at])
        weight.append(_even(panel.country[at]))
    if not z:
        return replace(spread, unsure=(one / TRUST**0.5,) * 3)
    all_z, all_size, all_weight, all_country = (np.concatenate(part) for part in (z, size, weight, country))
    group = group_of(all_size)
    half = _upper(spread.df, 0.75) / _upper(spread.df, 0.95)
    factors, unsure = [], []
    for k in range(3):
        here = group == k
        n = len(np.unique(all_country[here]))
        unsure.append(one / (n + TRUST) ** 0.5)
        if not n:
            factors.append(1.0)
            continue
        q50, q90 = (quantile(all_z[here], all_weight[here], p) for p in (0.5, 0.9))
        asked = 0.5 * (np.log(max(q50, 1e-3) / half) + np.log(max(q90, 1e-3)))
        factors.append(float(np.exp(np.clip(asked * n / (n + TRUST), -0.7, 0.7))))
    return replace(spread, factors=(factors[0], factors[1], factors[2]), unsure=(unsure[0], unsure[1], unsure[2]))


def _of_one_country(df: float) -> float:
    """Standard error of a factor's logarithm, times the root of the number of countries.

    A factor is the geometric mean of what two quantiles of |change| ask for; their large-sample covariance is
    ``p (1 - q) / f_p f_q`` (``f`` the density at the quantile). The misses of a country go together over years and
    origins, so a country counts as one observation however many it has.
    """
    from scipy.special import gamma  # slow to import

    def density(x: float) -> float:
        unit = gamma((df + 1) / 2) / (np.sqrt(df * np.pi) * gamma(df / 2))
        return float(2.0 * unit * (1 + x**2 / df) ** (-(df + 1) / 2))

    middle, end = _upper(df, 0.75), _upper(df, 0.95)
    a, b = 1.0 / (density(middle) * middle), 1.0 / (density(end) * end)
    return float(0.5 * np.sqrt(0.25 * a**2 + 0.09 * b**2 + 2 * 0.05 * a * b))


def quantiles(df: float, unsure: float, u: Array) -> Array:
    """Quantiles of Student's t of a scale that is lognormal around one: a mean of fifteen laws, inverted on a grid.

    >>> quantiles(5.0, 0.0, np.array([0.05, 0.5, 0.95])).round(2).tolist()
    [-2.02, 0.0, 2.02]
    """
    from scipy.special import ndtri, stdtr  # slow to import

    scales = np.exp(unsure * ndtri((np.arange(15) + 0.5) / 15))
    grid = np.sinh(np.linspace(-7.0, 7.0, 1401))
    below = stdtr(df, grid[:, None] / scales).mean(axis=1)
    return np.asarray(np.interp(u, below, grid))


def _upper(df: float, p: float) -> float:
    from scipy.special import stdtrit  # slow to import

    return float(stdtrit(df, p))


def fit_spread(r: Array, size: Array, h: Array, weights: Array) -> Spread:
    """ln|r| on ln size and ln years by least squares; scale and tails so that 90 and 50 % of the changes lie within."""
    X = np.stack([np.ones_like(r), np.log(size / 3e5), np.log(h)], axis=1)
    root = np.sqrt(weights)
    _, by_size, by_years = np.linalg.lstsq(X * root[:, None], np.log(np.abs(r) + 0.01) * root, rcond=None)[0]
    by_size, by_years = min(float(by_size), 0.0), float(np.clip(by_years, 0.2, 1.0))
    u = np.abs(r) / (np.exp(by_size * X[:, 1]) * h**by_years)
    q50, q90 = quantile(u, weights, 0.5), quantile(u, weights, 0.9)
    options = (1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0, 10.0, 30.0)
    ratio = np.array([_upper(df, 0.95) / _upper(df, 0.75) for df in options])
    df = options[int(np.argmin(np.abs(ratio - q90 / max(q50, 1e-9))))]
    ends = (quantile(size, weights, 0.05), quantile(size, weights, 0.95))
    return Spread(float(np.log(q90 / _upper(df, 0.95))), by_size, by_years, df, ends)


def quantile(values: Array, weights: Array, p: float) -> float:
    """Quantile of weighted values."""
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][min(int(np.searchsorted(share, p)), len(values) - 1)])

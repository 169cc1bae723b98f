"""What other countries' records say about one country: spread of growth, stops, plants that nobody announced.

A backcast may learn from the past of others, never from the country it scores nor from years after its date. Both are
held here by the code, not by care: the record is read inside :func:`karvan.study.world.as_known`, one country is left
out, the fit remembers every country and the last year in its rows, and refuses to speak of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from karvan.base.axes import Array
from karvan.base.errors import KarvanError
from karvan.study.world import as_known, distance_km, world_table

FLOOR = 1000.0
"""Cars a year below which sizes are not told apart, in fits and in scores."""
CAPACITY = 0.8
"""Output of the best of five years over capacity: the rule of the aggregate plant."""
STOP = 0.2
"""Output below this share of the year before counts as a stop: ``assumed``, 0.1 to 0.3."""
NEWCOMER = 2000.0
"""Output above which a country without plants counts as having got one: ``assumed``, 1,000 to 5,000."""
BIG = 200_000.0
"""Makers above and below have stop rates of their own."""
KINDS = ("passenger_cars", "total")
"""What the world table of production counts; ``total`` has trucks and buses in it."""


class LeakError(KarvanError):
    """A fit was asked about a country that it was fitted on, or about a date before its last year."""


@dataclass(frozen=True)
class Record:
    """Output by country and year as known on a date."""

    as_of: str
    kind: str
    made: Mapping[str, Mapping[int, float]]
    sold: Mapping[str, Mapping[int, float]]
    """New registrations, passenger cars."""
    access: Mapping[str, float]
    """Registrations of all markets over their distance in thousand km, own market at 300 km."""

    def without(self, country: str) -> "Record":
        """The record with one country taken out of output and sales."""
        made, sold = ({c: v for c, v in rows.items() if c != country} for rows in (self.made, self.sold))
        return Record(self.as_of, self.kind, made, sold, self.access)


def read_record(as_of: str, kind: str = "passenger_cars") -> Record:
    """The record of the world tables as known on a date; rows marked weak are left out."""
    with as_known(as_of):
        made = _by_country("production", kind)
        sold = _by_country("sales", "passenger_cars")
        places = {r["country"]: (r["latitude"], r["longitude"]) for r in world_table("countries").iter_rows(named=True)}
    latest = {c: float(np.mean([v[y] for y in sorted(v)[-3:]])) for c, v in sold.items() if v and c in places}
    access = {
        home: sum(cars / max(distance_km(*at, *places[m]) / 1000.0, 0.3) for m, cars in latest.items())
        for home, at in places.items()
        if home in made or home in sold
    }
    return Record(as_of, kind, made, sold, access)


def _by_country(table: str, column: str) -> dict[str, dict[int, float]]:
    rows = world_table(table)
    out: dict[str, dict[int, float]] = {}
    for row in rows.iter_rows(named=True):
        if row[column] is not None and not str(row.get("quality") or "").startswith("W"):
            out.setdefault(row["country"], {})[row["year"]] = float(row[column])
    return out


@dataclass(frozen=True)
class OthersFit:
    """Laws fitted to other countries up to a date. Ask :meth:`spread`, :meth:`stop_rate` and so on *for* a country."""

    as_of: str
    kind: str
    seen: frozenset[str]
    """Countries with a row in the fit."""
    last_year: int
    """Last year in any of its rows."""
    level_weight: float
    """Weight of the last year against the mean of three years as the level that the others' futures kept closest to."""
    _spread: tuple[float, float, float, float]
    """ln scale at 300,000 cars and one year; slope on ln size; slope on ln years; shape of the tails."""
    _sizes: tuple[float, float]
    """5 and 95 % of the sizes in the fit: the slope on size is not trusted beyond them."""
    _stops: tuple[tuple[int, float], tuple[int, float]]
    """Stops and maker-years of small and of big makers."""
    _arrival: tuple[float, float, float]
    """Constant, slope on ln registrations, slope on ln access of the yearly rate."""
    _added: tuple[float, float, float]
    """Constant and slope on ln of the five-year peak of ln cars added, and the spread."""

    def _check(self, country: str) -> None:
        if country in self.seen:
            raise LeakError(f"the fit has seen {country}: it cannot be asked about it; fit it without {country}")
        if self.last_year >= int(self.as_of[:4]):
            raise LeakError(f"the fit has seen {self.last_year}, not before its date {self.as_of}")

    def spread(self, country: str, size: float, years: Array) -> Array:
        """Standard scale of ln output after so many years, around the level. years: (Y,) -> (Y,)."""
        self._check(country)
        scale, by_size, by_years, _ = self._spread
        ln_size = np.log(np.clip(size, *self._sizes) / 3e5)
        return np.asarray(np.exp(scale + by_size * ln_size) * np.maximum(years, 0.5) ** by_years)

    def tails(self, country: str) -> float:
        """Degrees of freedom of Student's t for the shape of the tails."""
        self._check(country)
        return self._spread[3]

    def stop_rate(self, country: str, size: float) -> tuple[float, float, float]:
        """Yearly chance that output all but stops: 5, 50, 95 % of Jeffreys' Beta."""
        from scipy.special import betaincinv  # slow to import

        self._check(country)
        events, years = self._stops[int(size >= BIG)]
        a, b = events + 0.5, years - events + 0.5
        low, mid, high = (float(betaincinv(a, b, p)) for p in (0.05, 0.5, 0.95))
        return low, mid, high

    def arrival_rate(self, country: str, sales: float, access: float) -> float:
        """Plants beyond known capacity that arrive in a year."""
        self._check(country)
        constant, by_sales, by_access = self._arrival
        z = constant + by_sales * np.log(max(sales, FLOOR) / 1e5) + by_access * np.log(max(access, 1.0) / 1e6)
        return float(np.clip(np.exp(z), 0.002, 1.5))

    def added(self, country: str, peak: float) -> tuple[float, float, float]:
        """Cars a year that an arrival adds: 5, 50, 95 %."""
        self._check(country)
        constant, slope, spread = self._added
        middle = constant + slope * np.log(max(peak, NEWCOMER) / 1e5)
        low, mid, high = (float(np.exp(middle + z * spread)) for z in (-1.645, 0.0, 1.645))
        return low, mid, high


def fit_others(record: Record) -> OthersFit:
    """Fit to a record out of which the country to be scored was taken (:meth:`Record.without`).

    ``spread``: ln|r| of all changes ``r = ln(y[t+h] / level[t])`` on ln size and ln h, by least squares; the scale is
    then set so that 90 % of the changes lie where Student's t says, and its degrees of freedom so that 50 % do too.
    ``stop_rate``: falls below a fifth within a year. ``arrival_rate``: years in which output passes the capacity known
    until then (five-year peak / 0.8) or begins; Poisson regression on registrations and access.
    """
    weight, r, size, h, weights = _changes(record)
    events, exposure = np.zeros(2, dtype=int), np.zeros(2, dtype=int)
    rows: list[tuple[float, float, bool]] = []
    added: list[tuple[float, float]] = []
    for country, made in record.made.items():
        years = sorted(made)
        sales = [record.sold.get(country, {})[y] for y in sorted(record.sold.get(country, {}))]
        until = max(years)
        for year in range(min(years) + 1, until + 1):
            if year not in made or year - 1 not in made:
                continue
            before, now = made[year - 1], made[year]
            if before >= FLOOR:
                events[int(before >= BIG)] += now < STOP * before
                exposure[int(before >= BIG)] += 1
            peak = max(made[y] for y in range(year - 5, year) if y in made)
            bound = max(peak / CAPACITY, NEWCOMER)
            arrived = now > bound
            market = max(float(np.mean(sales[-3:])), FLOOR) if sales else FLOOR
            rows.append((float(np.log(market / 1e5)), _access(record, country), arrived))
            if arrived:
                best = max(made[y] for y in range(year, year + 4) if y in made)
                added.append((float(np.log(max(peak, NEWCOMER) / 1e5)), float(np.log(max(best - peak, 500.0)))))
    last = max(max(made) for made in record.made.values())
    return OthersFit(
        as_of=record.as_of,
        kind=record.kind,
        seen=frozenset(record.made),
        last_year=last,
        level_weight=weight,
        _spread=_fit_spread(r, size, h, weights),
        _sizes=(_quantile(size, weights, 0.05), _quantile(size, weights, 0.95)),
        _stops=((int(events[0]), float(exposure[0])), (int(events[1]), float(exposure[1]))),
        _arrival=_poisson(np.array(rows, dtype=np.float64)),
        _added=_line(np.array(added, dtype=np.float64).reshape(-1, 2)),
    )


def _access(record: Record, country: str) -> float:
    return float(np.log(max(record.access.get(country, 1e6), 1.0) / 1e6))


def level_of(made: Mapping[int, float], year: int, weight: float) -> float | None:
    """The level of output at the end of a year: last figure and mean of the last three figures, on the log scale."""
    known = [max(made[y], FLOOR) for y in sorted(made) if y <= year]
    if not known:
        return None
    return float(np.exp(weight * np.log(known[-1]) + (1 - weight) * np.log(np.mean(known[-3:]))))


def _changes(record: Record) -> tuple[float, Array, Array, Array, Array]:
    """The weight of the last year that keeps changes smallest, and all changes with it: r, size, years, weight."""
    best: tuple[float, Array, Array, Array, Array] | None = None
    best_error = np.inf
    for weight in (0.0, 0.25, 0.5, 0.75, 1.0):
        rows = []
        for made in record.made.values():
            pairs = [(t, u) for t in made for u in made if 1 <= u - t <= 10 and made[t] > 0]
            for t, u in pairs:
                level = level_of(made, t, weight) or FLOOR
                # Every country weighs the same, however many pairs of years it has.
                rows.append((np.log(max(made[u], FLOOR) / level), max(made[t], FLOOR), u - t, 1.0 / len(pairs)))
        table = np.array(rows)
        error = float(np.average(np.abs(table[:, 0]), weights=table[:, 3]))
        if error < best_error:
            best_error, best = error, (weight, table[:, 0], table[:, 1], table[:, 2], table[:, 3])
    assert best is not None
    return best


def _fit_spread(r: Array, size: Array, h: Array, weights: Array) -> tuple[float, float, float, float]:
    from scipy.special import stdtrit  # slow to import

    X = np.stack([np.ones_like(r), np.log(size / 3e5), np.log(h)], axis=1)
    root = np.sqrt(weights)
    _, by_size, by_years = np.linalg.lstsq(X * root[:, None], np.log(np.abs(r) + 0.01) * root, rcond=None)[0]
    by_size, by_years = min(float(by_size), 0.0), float(np.clip(by_years, 0.2, 1.0))
    u = np.abs(r) / (np.exp(by_size * X[:, 1]) * h**by_years)
    q50, q90 = _quantile(u, weights, 0.5), _quantile(u, weights, 0.9)
    options = np.array([1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0, 10.0, 30.0])
    ratio = np.array([stdtrit(df, 0.95) / stdtrit(df, 0.75) for df in options])
    tails = float(options[np.argmin(np.abs(ratio - q90 / max(q50, 1e-9)))])
    return float(np.log(q90 / stdtrit(tails, 0.95))), by_size, by_years, tails


def _quantile(values: Array, weights: Array, p: float) -> float:
    order = np.argsort(values)
    share = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][min(int(np.searchsorted(share, p)), len(values) - 1)])


def _poisson(rows: Array) -> tuple[float, float, float]:
    """Poisson regression by Newton's method with a weak normal prior (standard deviation 1) on the slopes."""
    X = np.stack([np.ones(len(rows)), rows[:, 0], rows[:, 1]], axis=1)
    y, ridge = rows[:, 2], np.diag([1e-6, 1.0, 1.0])
    beta = np.array([np.log(max(y.mean(), 1e-3)), 0.0, 0.0])
    for _ in range(50):
        mean = np.exp(X @ beta)
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

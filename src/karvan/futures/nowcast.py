"""What each plant makes now: a monthly series no one prints, pinned down by every claim about sums of it.

Claims speak of months, of January to some month, of years, of districts, of a plant since it opened, of money. Each is
a noisy sum of the same unknown months. The prior is a random walk by plant, zero before a plant opens and after it
stops; the posterior is that of the linear Gaussian model, kept at or above zero. Equations: ``docs/nowcast.md``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from karvan.base.axes import Array, BoolArray
from karvan.base.errors import InputError
from karvan.base.streams import stream
from karvan.futures.inputs import KIND
from karvan.study.evidence import CONFIDENCE_ERROR, Claim, _best, claims, year_value
from karvan.study.load import Study
from karvan.study.tables import parse_date

WALK = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0)
"""Steps tried for the random walk, over the mean month of the year: the evidence chooses."""
LEAST_ERROR = 2.0
"""Cars: no claim is read more closely than this."""
PRICE_DRIFT = 0.2
"""Error of revenue per car when that of one half-year stands for eight years: ``assumed``, 0.1 to 0.4."""
TOO_MUCH = 1.05
"""A part that is larger than the whole by more than this is passed over."""


@dataclass(frozen=True)
class Sum:
    """One claim as a noisy weighted sum of months."""

    label: str
    subject: str
    first: int
    """Months since year 0."""
    last: int
    value: float
    sd: float
    weight: Mapping[str, float]
    """By plant: 1 for cars, money per car for a claim in money."""
    unit: str


@dataclass(frozen=True)
class Nowcast:
    """Monthly output by plant, with its uncertainty."""

    plants: tuple[str, ...]
    first: int
    """Months since year 0 of the first month."""
    cars: Array
    """(D, P, T), cars a month."""
    used: tuple[Sum, ...]
    passed: tuple[tuple[str, str], ...]
    """Claims not used, and why."""
    walk: float
    """Step of the random walk over the mean month, as the evidence chose it."""

    @property
    def months(self) -> list[str]:
        """The months, as YYYY-MM."""
        return [_name(self.first + t) for t in range(self.cars.shape[2])]

    def year(self, year: int) -> Array:
        """(D, P), cars in a year.

        Errors: :class:`InputError` for a year outside the series.
        """
        start = year * 12 - self.first
        if start < 0 or start + 12 > self.cars.shape[2]:
            raise InputError(f"{year} is not in the series; it runs from {self.months[0]} to {self.months[-1]}")
        return np.asarray(self.cars[:, :, start : start + 12].sum(axis=2))


def _name(month: int) -> str:
    return f"{month // 12}-{month % 12 + 1:02d}"


def nowcast(study: Study, *, draws: int = 200, seed: int = 1) -> Nowcast:
    """Monthly output by plant from the first year with a national figure to the study's base year.

    Parameters
    ----------
    study : with evidence of output by month, year, district or plant.

    Errors: :class:`InputError` for a study without any claim of the country's output, or draws below 1.
    """
    from threadpoolctl import threadpool_limits

    if draws < 1:
        raise InputError(f"draws is {draws}; expected 1 or more")
    national = {y: v for y in range(2000, study.settings.base_year + 1) if (v := _year(study, "country", y))}
    if not national:
        raise InputError(f"study {study.name} has no claim of the country's output of {KIND}; nothing to start from")
    first, last = min(national) * 12, study.settings.base_year * 12 + 11
    windows = _windows(study, first, last)
    plants = tuple(windows)
    used, passed = _sums(study, windows, first, last)
    count = last - first + 1
    open_ = np.zeros((len(plants), count), dtype=bool)
    for p, (start, end) in enumerate(windows.values()):
        open_[p, start - first : end - first + 1] = True
    scale = _scale(national, open_, first)
    A, y, sd = _design(used, plants, open_, first)
    with threadpool_limits(limits=1):  # more threads would change the last digits
        fits = [(_evidence(A, y, sd, open_, scale, walk), walk) for walk in WALK]
        walk = max(fits)[1]
        free = _sample(A, y, sd, open_, scale, walk, draws, seed)
    cars = np.zeros((draws, len(plants), count))
    cars[:, open_] = free
    return Nowcast(plants, first, cars, tuple(used), tuple(passed), walk)


def _year(study: Study, subject: str, year: int) -> tuple[float, float, str] | None:
    """Value, standard error and label of what is known for a whole year; None for a gap or a part of a year."""
    found = year_value(study, subject, "output", KIND, year)
    if found is None or found.basis in ("range", "summed"):
        return None
    sd = max(found.error * found.value, (found.high - found.low) / 3.29, LEAST_ERROR)
    label = found.used[0].claim if found.basis == "stated" or len(found.used) == 1 else f"rule: {subject} {year}"
    return found.value, sd, label


def _windows(study: Study, first: int, last: int) -> dict[str, tuple[int, int]]:
    """First and last month in which each plant with output of its own on record can have worked."""
    rows = study.table("plants").filter(
        (pl.col("role") == "own") & (pl.col("country") == study.settings.country) & (pl.col("vehicle_kind") == KIND)
    )
    spoken = {item.subject for item in claims(study, attribute="output", kind=KIND)}
    spoken |= set(study.table("rules").filter(attribute="output", kind=KIND)["subject"].to_list())
    out = {}
    for row in rows.iter_rows(named=True):
        date = parse_date(str(row["opened"])) if row["opened"] else None
        if date is None or row["state"] in ("announced", "building"):
            continue
        if row["plant"] not in spoken and f"{str(row['city']).lower()}_park" not in spoken:
            continue
        start = date[0] * 12 + date[1] - 1
        states = study.table("plant_states").filter(plant=row["plant"]).sort("year")
        ends = [r["year"] for r in states.iter_rows(named=True) if r["state"] in ("idle", "closed")]
        end = ends[-1] * 12 + 11 if ends and row["state"] in ("idle", "closed") else last
        if start <= last and end >= first:
            out[str(row["plant"])] = (max(start, first), min(end, last))
    if not out:
        raise InputError(f"study {study.name} has no plant with output on record")
    return out


def _subjects(study: Study, plants: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Which plants a subject of a claim stands for. Zones are left out: their totals count trucks and buses too."""
    city = {r["plant"]: str(r["city"]).lower() for r in study.table("plants").iter_rows(named=True) if r["city"]}
    out: dict[str, tuple[str, ...]] = {"country": tuple(plants)}
    for plant in plants:
        out[plant] = (plant,)
        if plant in city:
            name = f"{city[plant]}_park"
            out[name] = (*out.get(name, ()), plant)
    return out


def _span(item: Claim) -> tuple[int, int] | None:
    """Months of a claim; one that begins or ends within a month takes it if most of the month is in."""
    if item.months is not None:
        return item.months
    start = parse_date(item.period_start) if item.period_start else None
    end = parse_date(item.period_end, end=True) if item.period_end else None
    if start is None or end is None:
        return None
    return start[0] * 12 + start[1] - 1, end[0] * 12 + end[1] - (1 if end[2] >= 15 else 2)


def _sums(
    study: Study, windows: Mapping[str, tuple[int, int]], first: int, last: int
) -> tuple[list[Sum], list[tuple[str, str]]]:
    """Every claim used as a sum, one for each subject and period, and those passed over."""
    subjects = _subjects(study, list(windows))
    used: list[Sum] = []
    passed: list[tuple[str, str]] = []
    groups: dict[tuple[str, int, int], list[Claim]] = {}
    for attribute in ("output", "output_cumulative"):
        for item in claims(study, attribute=attribute):
            plain = item.kind == KIND or (item.kind == "" and attribute == "output_cumulative")
            span = _span(item)
            if item.number is None or not plain or item.partner or span is None:
                continue
            if attribute == "output_cumulative" and item.subject in windows and span[0] == span[1]:
                opened = windows[item.subject][0]
                if opened == first:
                    passed.append((item.claim, "counts from before the series begins"))
                    continue
                span = (opened, span[1] - 1)  # told in a month, of all months since the plant opened
            if item.subject == "industrial_zones":
                passed.append((item.claim, "zones count trucks and buses too"))
            elif item.subject in subjects and first <= span[0] <= span[1] <= last:
                groups.setdefault((item.subject, *span), []).append(item)
    for subject in subjects:
        for year in range(first // 12, last // 12 + 1):
            value = _year(study, subject, year)
            members = groups.pop((subject, year * 12, year * 12 + 11), [])
            if value:
                ones = dict.fromkeys(subjects[subject], 1.0)
                used.append(Sum(value[2], subject, year * 12, year * 12 + 11, *value[:2], ones, "cars"))
                passed += [(m.claim, "the rule of the year decides") for m in members if m.number != value[0]]
    for (subject, start, end), members in groups.items():
        best = _best(members)[0]
        number = best.number or 0.0
        sd = max(CONFIDENCE_ERROR[best.confidence] * number, LEAST_ERROR)
        used.append(Sum(best.claim, subject, start, end, number, sd, dict.fromkeys(subjects[subject], 1.0), "cars"))
        passed += [(m.claim, f"{best.claim} is preferred") for m in members if m.number != number]
    kept = []
    for part in used:
        whole = [o for o in used if o.subject == "country" and o.first <= part.first and part.last <= o.last]
        over = [o for o in whole if part.subject != "country" and part.value > TOO_MUCH * (o.value + 2.0 * o.sd)]
        if over:
            passed.append((part.label, f"more than the country made in a period that holds it ({over[0].label})"))
        else:
            kept.append(part)
    return kept + _money(study, subjects, windows, first, last), passed


@dataclass(frozen=True)
class Revenue:
    """Revenue per car of one subject in one period."""

    subject: str
    period: str
    money: float
    cars: float
    per_car: float
    claims: tuple[str, str]


def revenue_per_car(study: Study) -> list[Revenue]:
    """Value of output over cars, where one subject has both for one period. Repeats of one statistic count once."""
    out: dict[tuple[str, str, str], Revenue] = {}
    for money in claims(study, attribute="output_value", kind=KIND):
        for cars in claims(study, attribute="output", kind=KIND, subject=money.subject):
            same = (cars.period_start, cars.period_end) == (money.period_start, money.period_end)
            if same and money.number and cars.number:
                key = (money.subject, money.period_start, money.period_end)
                period = f"{money.period_start} to {money.period_end}"
                pair = (money.claim, cars.claim)
                made = Revenue(money.subject, period, money.number, cars.number, money.number / cars.number, pair)
                out.setdefault(key, made)
    return list(out.values())


def _money(
    study: Study, subjects: Mapping[str, tuple[str, ...]], windows: Mapping[str, tuple[int, int]], first: int, last: int
) -> list[Sum]:
    """Claims in money over many years, at the revenue per car that is known of one period."""
    per_car = {plant: r.per_car for r in revenue_per_car(study) for plant in subjects.get(r.subject, ())}
    out: list[Sum] = []
    statistics = set()
    for item in claims(study, attribute="output_value_cumulative", kind=KIND):
        span = _span(item)
        if item.number is None or span is None or not per_car or (item.statistic or item.claim) in statistics:
            continue
        statistics.add(item.statistic or item.claim)
        if first <= span[0] <= span[1] <= last:
            sd = item.number * float(np.hypot(CONFIDENCE_ERROR[item.confidence], PRICE_DRIFT))
            out.append(Sum(item.claim, item.subject, *span, item.number, sd, per_car, item.unit))
    return out


def _scale(national: Mapping[int, tuple[float, float, str]], open_: BoolArray, first: int) -> Array:
    """(P, T), the mean month of the year over the plants that can work: the unit of the random walk."""
    out = np.ones(open_.shape)
    for t in range(open_.shape[1]):
        year = (first + t) // 12
        near = min(national, key=lambda known: (abs(known - year), known))
        out[:, t] = max(national[near][0] / 12.0, 1.0) / max(int(open_[:, t].sum()), 1)
    return out


def _design(used: Sequence[Sum], plants: Sequence[str], open_: BoolArray, first: int) -> tuple[Array, Array, Array]:
    """Claims over their standard errors: A (N, X) on the months in which a plant can work, y (N,), sd (N,)."""
    A = np.zeros((len(used), *open_.shape))
    for n, item in enumerate(used):
        for plant, weight in item.weight.items():
            A[n, plants.index(plant), item.first - first : item.last - first + 1] = weight
    return A[:, open_], np.array([item.value for item in used]), np.array([item.sd for item in used])


def _walk(open_: BoolArray, scale: Array, walk: float) -> tuple[Array, Array]:
    """Precision and mean of the prior over months in which plants can work: a random walk from the mean month."""
    place = -np.ones(open_.shape, dtype=np.int64)
    place[open_] = np.arange(int(open_.sum()))
    size = int(open_.sum())
    precision = np.zeros((size, size))
    for p in range(open_.shape[0]):
        cells = np.flatnonzero(open_[p])
        start = place[p, cells[0]]
        precision[start, start] += 1.0 / (2.0 * walk * scale[p, cells[0]]) ** 2
        for before, after in pairwise(cells):
            i, j = place[p, before], place[p, after]
            w = 1.0 / (walk * scale[p, after]) ** 2
            precision[i, i] += w
            precision[j, j] += w
            precision[i, j] -= w
            precision[j, i] -= w
    mean = np.zeros(size)
    for p in range(open_.shape[0]):
        cells = np.flatnonzero(open_[p])
        mean[place[p, cells]] = scale[p, cells[0]]
    return precision, mean


def _evidence(A: Array, y: Array, sd: Array, open_: BoolArray, scale: Array, walk: float) -> float:
    """Log marginal likelihood of the claims: ``N(A m, A Q A' + R)``."""
    precision, mean = _walk(open_, scale, walk)
    S = (A @ np.linalg.solve(precision, A.T)) / np.outer(sd, sd) + np.eye(y.size)
    r = (y - A @ mean) / sd
    sign, logdet = np.linalg.slogdet(S)
    return float(-0.5 * (logdet + r @ np.linalg.solve(S, r))) if sign > 0 else -np.inf


def _sample(A: Array, y: Array, sd: Array, open_: BoolArray, scale: Array, walk: float, draws: int, seed: int) -> Array:
    """(draws, X), each the bounded least-squares answer to claims and prior moved by their own errors.

    Without the bound these are exact draws of the Gaussian posterior (perturb and optimise).
    """
    precision, mean = _walk(open_, scale, walk)
    scaled = A / sd[:, None]
    H = precision + scaled.T @ scaled
    root = np.linalg.cholesky(precision)
    rng = stream(seed, "nowcast", 0)
    out = np.empty((draws, mean.size))
    for d in range(draws):
        moved = (y / sd) + rng.standard_normal(y.size)
        g = precision @ mean + root @ rng.standard_normal(mean.size) + scaled.T @ moved
        out[d] = _bounded(H, g)
    return out


def _bounded(H: Array, g: Array, rounds: int = 60) -> Array:
    """Least ``x' H x / 2 - g' x`` over ``x >= 0``: block principal pivoting (Portugal, Judice and Vicente, 1994)."""
    free = np.ones(g.size, dtype=bool)
    best, patience = g.size + 1, 5
    x = np.zeros_like(g)
    for _ in range(rounds):
        x[:] = 0.0
        x[free] = np.linalg.solve(H[np.ix_(free, free)], g[free])
        slope = H @ x - g
        wrong = (free & (x < -1e-9)) | (~free & (slope < -1e-9))
        bad = int(wrong.sum())
        if bad == 0:
            break
        if bad < best:
            best, patience = bad, 5
        elif patience > 0:
            patience -= 1
        else:  # one at a time cannot cycle
            only = np.zeros_like(wrong)
            only[np.flatnonzero(wrong)[-1]] = True
            wrong = only
        free ^= wrong
    return np.maximum(x, 0.0)

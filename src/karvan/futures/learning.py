"""Learning from history: futures that began before the data are weighted by how well they meet what came.

Each future of a run that starts in the past gets the likelihood of the recorded output, imports and fleet as weight.
Nothing is re-drawn: prior and posterior are the same futures, weighed evenly or by what they got right. If few futures
carry the weight the answer is refused; it may be tempered, and then says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from karvan.base.axes import Array
from karvan.base.errors import InputError
from karvan.futures.drivers import uniforms
from karvan.futures.ensemble import Futures
from karvan.futures.inputs import KIND
from karvan.study.evidence import CONFIDENCE_ERROR, claims, year_value
from karvan.study.load import Study
from karvan.study.tables import parse_date
from karvan.study.world import known_by, world_table

OFFSET = 50.0
"""Cars added before the logarithm, so that years of next to nothing stay finite and small ones do not rule."""
TAILS = 5.0
"""Degrees of freedom of Student's t: ``assumed``, 3 to 10: one year that the model cannot meet does not decide."""
DISCREPANCY = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0)
"""Model discrepancies tried, ln per year; the evidence chooses one for each quantity."""
LEAST_SIZE = 200.0
"""Effective sample size below which nothing is said."""
QUANTITIES = ("output", "imports", "fleet")


@dataclass(frozen=True)
class Term:
    """One observation: one underlying statistic in one year."""

    quantity: str
    year: int
    value: float
    """Cars."""
    error: float
    """Standard error of ln(value + 50) from the confidence of the claim and its range."""
    source: str


@dataclass(frozen=True)
class Learned:
    """A run with weights. ``power`` below 1 says that the likelihood was tempered."""

    run: Futures
    weights: Array
    """(D,), sum 1."""
    size: float
    """Effective sample size, ``1 / sum w^2``."""
    size_untempered: float
    power: float
    discrepancy: Mapping[str, float]
    """By quantity: standard deviation of what the model misses for reasons of its own, ln."""
    independence: Mapping[str, float]
    """By quantity: how many years a year is worth, since what the model misses one year it tends to miss the next."""
    terms: tuple[Term, ...]

    def beside(self, values: Array, p: tuple[float, ...] = (0.05, 0.5, 0.95)) -> tuple[Array, Array]:
        """Quantiles of draws before and after learning. values: (D,) -> two of (len(p),)."""
        even = np.full(self.weights.size, 1.0 / self.weights.size)
        return weighted_quantile(values, even, p), weighted_quantile(values, self.weights, p)


@dataclass(frozen=True)
class Beside:
    """One uncertain number or figure before and after."""

    name: str
    unit: str
    prior: tuple[float, float, float]
    """5, 50 and 95 %."""
    posterior: tuple[float, float, float]
    narrowed: float
    """Width of the posterior 5-95 % range over that of the prior."""
    shift: float
    """Posterior less prior median over the prior range."""


def weighted_quantile(values: Array, weights: Array, p: tuple[float, ...]) -> Array:
    """Quantiles of weighted draws: the value at which the running sum of weights (their middles) passes ``p``.

    >>> weighted_quantile(np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 1.0]) / 3, (0.5,))
    array([2.])
    """
    order = np.argsort(values, kind="stable")
    w = weights[order]
    middles = np.cumsum(w) - 0.5 * w
    return np.asarray(np.interp(p, middles, values[order]))


def observations(study: Study, first: int, last: int) -> list[Term]:
    """Output, imports and fleet on record from ``first`` to ``last``, one term a quantity and year.

    Claims of one year are already one value by the rule of the evidence, which counts repeats of a statistic once;
    months and part-years of a year are parts of it and give no terms of their own.
    """
    terms = []
    for quantity, attribute in (("output", "output"), ("imports", "imports")):
        for year in range(first, last + 1):
            found = year_value(study, "country", attribute, KIND, year)
            if found is not None:
                spread = (found.high - found.low) / 3.29 / max(found.value, 1.0)
                scale = found.value / (found.value + OFFSET)
                source = ", ".join(claim.claim for claim in found.used) or found.rule
                terms.append(Term(quantity, year, found.value, max(found.error, spread) * scale, source))
    return terms + _fleet(study, first, last)


def _fleet(study: Study, first: int, last: int) -> list[Term]:
    """Cars in use at the end of each year: the world table, and claims of a day, the most confident of each year."""
    terms: dict[int, Term] = {}
    ages = known_by(world_table("fleet_ages"), study.as_of).filter(country=study.settings.home, age_class="all")
    for row in ages.iter_rows(named=True):
        if first <= row["year"] <= last:
            error = CONFIDENCE_ERROR["medium"]  # the table has no mark of its own
            terms[row["year"]] = Term("fleet", row["year"], row["cars"], error, "world table fleet_ages.csv")
    for item in claims(study, subject="country", attribute="cars_in_use", kind=KIND):
        day = parse_date(item.period_start) if item.period_start else None
        if day is None or item.number is None:
            continue
        year = day[0] - 1 if day[1] == 1 else day[0]  # the first of January tells of the year before
        error = CONFIDENCE_ERROR[item.confidence]
        better = year not in terms or error < terms[year].error
        if first <= year <= last and better:
            terms[year] = Term("fleet", year, item.number, error, item.claim)
    return [terms[year] for year in sorted(terms)]


def learn(run: Futures, study: Study, *, until: int | None = None, temper: bool = False) -> Learned:
    """Weight the futures of a run by what came.

    ``ln w_d = power sum_q k_q sum_i ln t((ln(y_i + 50) - ln(x_di + 50)) / s_i) - ln s_i`` with
    ``s_i^2 = e_i^2 + delta_q^2``. The discrepancy ``delta_q`` of each quantity is the one of :data:`DISCREPANCY` with
    the largest mean likelihood over the futures; ``k_q = (1 - r) / (1 + r)``, the years that a year is worth when what
    the median future misses has autocorrelation ``r`` from year to year (0 to 0.9).

    Parameters
    ----------
    run : futures that start before the data, for instance of :func:`karvan.futures.history.run_history`.
    study : whose evidence is taken; it may know more than the run's.
    until : last year of data taken; all if left out.
    temper : whether the likelihood may be raised to a power below 1, the largest that leaves 200 effective futures.

    Errors: :class:`InputError` for a run without any observed year, or an effective sample size below 200.
    """
    last = run.years[-1] if until is None else min(until, run.years[-1])
    terms = [term for term in observations(study, run.years[0], last) if np.isfinite(term.error)]
    if not terms:
        raise InputError(f"nothing on record from {run.years[0]} to {last}; start the run before the data begin")
    model = {
        "output": run.figures["output"],
        "imports": run.figures["imports_new"] + run.figures["imports_used"],
        "fleet": run.figures["stock_cars"],
    }
    total = np.zeros(run.draws)
    chosen: dict[str, float] = {}
    worth: dict[str, float] = {}
    for quantity in QUANTITIES:
        mine = [term for term in terms if term.quantity == quantity]
        if mine:
            worth[quantity] = k = _independence(mine, model[quantity], run.years)
            fits = [(delta, k * log_likelihood(mine, model[quantity], run.years, delta)) for delta in DISCREPANCY]
            delta, best = max(fits, key=lambda fit: _log_mean(fit[1]))
            chosen[quantity] = delta
            total += best
    raw = _size(_weights(total))
    power = 1.0
    if raw < LEAST_SIZE:
        if not temper or run.draws <= LEAST_SIZE:
            raise InputError(
                f"only {raw:.0f} of {run.draws} futures carry the weight; expected {LEAST_SIZE:.0f} or more: "
                + ("draw more futures" if temper else "draw more futures, or allow tempering (--temper)")
            )
        power = _power(total)
    weights = _weights(power * total)
    return Learned(run, weights, _size(weights), raw, power, chosen, worth, tuple(terms))


def log_likelihood(terms: list[Term], model: Array, years: tuple[int, ...], delta: float) -> Array:
    """(D,), log likelihood of the terms of one quantity under Student's t, constants left out. model: (D, Y)."""
    out = np.zeros(model.shape[0])
    for term in terms:
        x = np.log(model[:, years.index(term.year)] + OFFSET)
        s = np.hypot(term.error, delta)
        z = (np.log(term.value + OFFSET) - x) / s
        out += -0.5 * (TAILS + 1.0) * np.log1p(z**2 / TAILS) - np.log(s)
    return out


def _independence(terms: list[Term], model: Array, years: tuple[int, ...]) -> float:
    """``(1 - r) / (1 + r)`` of the misses of the median future, ``r`` their autocorrelation from year to year."""
    miss = {
        term.year: float(np.log(term.value + OFFSET) - np.median(np.log(model[:, years.index(term.year)] + OFFSET)))
        for term in terms
    }
    pairs = [(miss[year], miss[year + 1]) for year in miss if year + 1 in miss]
    if len(pairs) < 3:
        return 1.0
    before, after = np.array(pairs).T
    square = float(np.sqrt((before**2).sum() * (after**2).sum()))
    # About zero, not about the mean: a steady miss is the same miss every year.
    r = float(np.clip((before * after).sum() / max(square, 1e-12), 0.0, 0.9))
    return (1.0 - r) / (1.0 + r)


def _log_mean(log_values: Array) -> float:
    top = float(log_values.max())
    return top + float(np.log(np.mean(np.exp(log_values - top))))


def _weights(log_values: Array) -> Array:
    w = np.exp(log_values - log_values.max())
    return np.asarray(w / w.sum())


def _size(weights: Array) -> float:
    return float(1.0 / np.sum(weights**2))


def _power(total: Array) -> float:
    """The largest power of the likelihood that leaves enough effective futures, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _size(_weights(middle * total)) >= LEAST_SIZE else (low, middle)
    return low


def side_by_side(learned: Learned, most: int = 20) -> list[Beside]:
    """The uncertain numbers that history speaks of, prior and posterior, the most narrowed or moved first."""
    run = learned.run
    rows = []
    for name, cell in run.drawn.items():
        if not cell.certain:
            rows.append(_beside(learned, name, cell.unit, np.asarray(cell.draw(uniforms(run, name)))))
    rows.sort(key=lambda row: (-abs(row.shift) - max(1.0 - row.narrowed, 0.0), row.name))
    return rows[:most]


def figures_beside(learned: Learned, name: str) -> dict[int, Beside]:
    """A national figure by year, prior and posterior."""
    values = learned.run.figures[name]
    return {year: _beside(learned, f"{name}.{year}", "", values[:, y]) for y, year in enumerate(learned.run.years)}


def _beside(learned: Learned, name: str, unit: str, values: Array) -> Beside:
    prior, posterior = learned.beside(values)
    width = max(float(prior[2] - prior[0]), 1e-12)
    low, middle, high = (float(v) for v in prior)
    after = (float(posterior[0]), float(posterior[1]), float(posterior[2]))
    return Beside(name, unit, (low, middle, high), after, (after[2] - after[0]) / width, (after[1] - middle) / width)

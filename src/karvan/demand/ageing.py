"""How long cars stay in a country and how many come in new, read off the ages of its fleet and its new-car sales.

Two things make a fleet old: cars that live long, and cars that are old when they come. The ages alone cannot tell them
apart; with the sales of new cars they can. A settled fleet is computed for many pairs of mean life and share bought
new, and the pair whose age classes and sales come nearest to the record is taken.

What is found is the *apparent* life in the country: used exports shorten it, because a car that leaves counts as gone.
Held et al. (2021) find 8 to 35 years in 31 European countries for that reason.

Letters: ``M`` countries, ``C`` age classes, ``A`` ages.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array, BoolArray
from karvan.base.checks import number, shares
from karvan.base.errors import InputError
from karvan.demand.fleet import UNECE_CLASSES, steady_fleet, survival, weibull_scale

_LIVES = (5.0, 45.0)
"""Years of mean life searched: beyond those of Held et al. (2021) on both sides."""

_NEW = (0.01, 1.0)
"""Shares bought new searched."""

_COARSE, _FINE, _ROUNDS = 25, 9, 4


@dataclass(frozen=True)
class AgeingFit:
    """Apparent life and share bought new of each country; every field is (M,) but ``classes``."""

    mean_life: Array
    """Years a car stays in the country's fleet from age 0, on average."""
    new_share: Array
    """Share of the cars added each year that are new."""
    additions: Array
    """Cars added each year, new and used, as a share of the stock."""
    classes: Array
    """(M, C), share of the settled fleet in each age class."""
    class_error: Array
    """Root mean square error of the class shares, share of 1."""
    sales_ratio: Array
    """New cars of the settled fleet over new cars sold: 1 when the two records agree."""
    at_edge: BoolArray
    """Whether the life or the share lies at an end of the range searched: the record does not tell."""


def used_age_profile(mean_age: ArrayLike, sd: ArrayLike, ages: int, *, oldest: ArrayLike = np.inf) -> Array:
    """The ages of used imports: a bell around a mean age, cut by an age limit.

    ``u_a`` in proportion to ``exp(-((a - m) / s)^2 / 2)`` for ``1 <= a <= oldest``. The form is ``assumed``; customs
    rarely publish ages.

    Parameters
    ----------
    mean_age : (...), years, 0 or more.
    sd : (...), years, above 0.
    ages : ``A``, at least 2.
    oldest : (...), years, 1 or more: the age limit.

    Returns
    -------
    (..., A), share of 1, sum 1.
    """
    centre = number("mean_age", mean_age, "years, 0 or more", low=0.0)[..., None]
    width = number("sd", sd, "years, above 0", low=0.0, open_low=True)[..., None]
    limit = np.asarray(oldest, dtype=np.float64)[..., None]
    if np.any(~(limit >= 1.0)):
        raise InputError(f"oldest: found {np.nanmin(limit):g}; expected an age limit of 1 year or more")
    age = np.arange(ages, dtype=np.float64)
    log_weight = -0.5 * np.square((age - centre) / width)
    allowed = (age >= 1.0) & (age <= limit)
    log_weight = np.where(allowed, log_weight, -np.inf)
    weight = np.exp(log_weight - log_weight.max(axis=-1, keepdims=True))
    return np.asarray(weight / weight.sum(axis=-1, keepdims=True))


def fit_ageing(
    class_shares: ArrayLike,
    sales_share: ArrayLike,
    growth: ArrayLike,
    *,
    shape: float,
    used_ages: ArrayLike,
    bounds: tuple[int, ...] = UNECE_CLASSES,
    class_noise: float = 0.02,
    sales_noise: float = 0.1,
) -> AgeingFit:
    """Mean life and share bought new whose settled fleet is nearest to the record.

    The least of ``sum_c ((n_c - n*_c) / e_c)^2 + (ln(new / sales) / e_s)^2`` over a grid refined a fixed number of
    times; ``n*`` by :func:`~karvan.demand.fleet.steady_fleet`.

    Parameters
    ----------
    class_shares : (M, C), share of the cars in use in each age class, sums to 1.
    sales_share : (M,), new cars sold in a year over cars in use, above 0.
    growth : (M,), yearly growth of the cars in use, share of 1, from -0.05 to 0.3.
    shape : Weibull shape of survival, above 0.
    used_ages : (A,) or (M, A), ages of the used imports, sums to 1; from :func:`used_age_profile`.
    bounds : lower bounds of the age classes in years.
    class_noise, sales_noise : how far class shares (share of 1) and sales (relative) may miss; ``assumed``, ranges
        0.01 to 0.05 and 0.05 to 0.3. Only their ratio moves the result.

    Returns
    -------
    AgeingFit
    """
    seen = shares("class_shares", class_shares, tolerance=1e-6)
    sold = number("sales_share", sales_share, "new cars over cars in use, above 0", low=0.0, open_low=True)
    g = number("growth", growth, "a share of 1 a year, from -0.05 to 0.3", low=-0.05, high=0.3)
    used = shares("used_ages", used_ages)
    if np.any(used[..., 0] > 0.0):  # they would be counted as sales of new cars
        raise InputError("used_ages: found used imports of age 0; expected none; a used car is a year old or more")
    if seen.ndim != 2 or seen.shape[-1] != len(bounds):
        raise InputError(f"class_shares: found shape {seen.shape}; expected (countries, {len(bounds)} classes)")
    model = _Settled(used=used, growth=g, shape=shape, bounds=bounds)
    count = seen.shape[0]

    def misses(found: _Point) -> Array:
        by_class = np.square((found.classes - seen) / class_noise).sum(axis=-1)
        return np.asarray(by_class + np.square(np.log(found.new / sold) / sales_noise))

    life_low, life_high = np.full(count, np.log(_LIVES[0])), np.full(count, np.log(_LIVES[1]))
    new_low, new_high = np.full(count, np.log(_NEW[0])), np.full(count, np.log(_NEW[1]))
    life, new = life_low, new_low
    for turn in range(_ROUNDS):
        points = _COARSE if turn == 0 else _FINE
        lives = np.linspace(life_low, life_high, points)[:, None]
        news = np.linspace(new_low, new_high, points)[None, :]
        score = misses(model.at(np.exp(lives), np.exp(news)))
        row, column = np.divmod(score.reshape(points * points, count).argmin(axis=0), points)
        each = np.arange(count)
        life, new = lives[row, 0, each], news[0, column, each]
        life_step, new_step = (life_high - life_low) / (points - 1), (new_high - new_low) / (points - 1)
        life_low = np.maximum(life - life_step, np.log(_LIVES[0]))
        life_high = np.minimum(life + life_step, np.log(_LIVES[1]))
        new_low = np.maximum(new - new_step, np.log(_NEW[0]))
        new_high = np.minimum(new + new_step, np.log(_NEW[1]))
    best = model.at(np.exp(life), np.exp(new))
    # Buying only new is a place to be, not the end of the search: many countries import no used cars.
    edge = (life <= np.log(_LIVES[0]) + 1e-6) | (life >= np.log(_LIVES[1]) - 1e-6) | (new <= np.log(_NEW[0]) + 1e-6)
    return AgeingFit(
        mean_life=np.exp(life),
        new_share=np.exp(new),
        additions=best.new / np.exp(new),
        classes=best.classes,
        class_error=np.sqrt(np.square(best.classes - seen).mean(axis=-1)),
        sales_ratio=best.new / sold,
        at_edge=edge,
    )


@dataclass(frozen=True)
class _Point:
    classes: Array
    new: Array


@dataclass(frozen=True)
class _Settled:
    """Age classes and new cars of a settled fleet of size 1."""

    used: Array
    growth: Array
    shape: float
    bounds: tuple[int, ...]

    def at(self, life: Array, new: Array) -> _Point:
        """``life`` and ``new`` broadcast to (..., M)."""
        ages = self.used.shape[-1]
        lives, shares_new = np.broadcast_arrays(life, new)
        entry = (1.0 - shares_new)[..., None] * self.used
        entry[..., 0] += shares_new
        p = survival(weibull_scale(lives, self.shape), self.shape, ages)
        fleet = steady_fleet(1.0, p, entry_ages=entry, growth=self.growth)
        # Used cars are a year old or more, so those of age 0 were all registered new.
        classes = np.add.reduceat(fleet, self.bounds, axis=-1)
        return _Point(classes=np.asarray(classes), new=np.asarray(fleet[..., 0]))

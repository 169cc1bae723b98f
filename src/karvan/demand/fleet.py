"""The cars in use, by age: who survives, who comes, who goes.

A fleet is counted at the end of each year by age; a car registered this year has age 0. In a year every car grows one
year older or is scrapped; used cars leave for other countries; then so many cars are added, new or used, that the
stock wanted is reached. New-car demand is therefore not the change of the stock alone, but

    additions = change of stock + scrapped + used exports,  new cars = additions - used imports.

Letters: ``D`` draws, ``M`` markets, ``A`` ages 0, 1, ..., ``A-1``, the last one holding all older cars too.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.base.checks import number, shares
from karvan.base.errors import InputError

AGES = 40
"""Ages told apart by default; older cars share the last one. Cars of Eastern Europe live 28 years on average."""

UNECE_CLASSES: tuple[int, ...] = (0, 2, 5, 10, 20)
"""Lower bounds in years of the age classes of the UNECE fleet table: under 2, 2 to 5, 5 to 10, 10 to 20, over 20."""

UNECE_CLASSES_INCLUSIVE: tuple[int, ...] = (0, 3, 6, 11, 21)
"""The same where a country counts a class up to and with its upper year, as some do: its youngest class then holds the
sales of three years, not of two."""

_TAIL = 300
"""Years beyond the last age that are summed to find how its cars survive. At a mean life of 35 years and shape 1.5 what
is older weighs below 1e-9."""


@dataclass(frozen=True)
class FleetStep:
    """One year of a fleet. All in cars; ``fleet`` is (..., M, A), the rest (..., M)."""

    fleet: Array
    """Cars at the end of the year by age."""
    scrapped: Array
    """Cars that left the road for good."""
    additions: Array
    """Cars that came, new and used."""
    new_cars: Array
    """Cars first registered new."""
    used_imports: Array
    """Cars that came used from another country."""
    used_exports: Array
    """Cars that left used for another country: what was asked, unless fewer were there."""


def weibull_scale(mean_life: ArrayLike, shape: ArrayLike) -> Array:
    """The Weibull scale that gives a mean life.

    ``scale = mean / Gamma(1 + 1 / k)``.

    Parameters
    ----------
    mean_life : (...), years, above 0. Held et al. (2021): 8.0 to 35.1 in 31 European countries.
    shape : (...), ``k``, above 0. Oguchi and Fuse (2015): one shape serves all countries.

    Returns
    -------
    (...), years.

    >>> round(float(weibull_scale(13.243757402498801, 4.79)), 9)
    14.46
    """
    from scipy.special import gamma  # slow to import, and only studies that give a mean life need it

    mean = number("mean_life", mean_life, "years, above 0", low=0.0, open_low=True)
    k = number("shape", shape, "above 0", low=0.0, open_low=True)
    return np.asarray(mean / gamma(1.0 + 1.0 / k), dtype=np.float64)


def survival(scale: ArrayLike, shape: ArrayLike, ages: int = AGES) -> Array:
    """The share of the cars of each age that is still on the road a year later.

    ``p(a) = S(a + 1) / S(a)``, ``S(a) = exp(-(a / scale)^k)`` (Weibull). The last age holds all older cars; its share
    is that of a settled fleet, ``sum_{a >= A-1} S(a + 1) / sum_{a >= A-1} S(a)``.

    Parameters
    ----------
    scale : (...), years, above 0; from a mean life by :func:`weibull_scale`.
    shape : (...), ``k``, above 0.
    ages : ``A``, at least 2.

    Returns
    -------
    (..., A), share of 1.

    >>> survival(14.46, 4.79, 40)[[0, 1, 10]].round(6)
    array([0.999997, 0.999926, 0.905839])
    """
    if ages < 2:
        raise InputError(f"ages: found {ages}; expected 2 or more; the last age holds all older cars")
    eta = number("scale", scale, "years, above 0", low=0.0, open_low=True)[..., None]
    k = number("shape", shape, "above 0", low=0.0, open_low=True)[..., None]
    # (a / scale)^k is a^k scale^-k: powers of ages are taken once for each shape, not once for each fleet.
    stretch = eta**-k
    cumulative = np.arange(ages, dtype=np.float64) ** k * stretch
    conditional = np.exp(-np.diff(cumulative, axis=-1))
    # Relative to the youngest car of the last age, so that a tiny S(A-1) does not underflow. Summed in order of age
    # until no sum grows any more: S falls with age, so what is left out would have left every sum as it is.
    beyond = np.arange(ages - 1, ages + _TAIL, dtype=np.float64) ** k
    older = np.zeros(stretch.shape[:-1])
    for step in range(1, _TAIL + 1):
        before = older
        older = before + np.exp((beyond[..., 0] - beyond[..., step]) * stretch[..., 0])
        if np.array_equal(older, before):
            break
    last = older / (1.0 + before)
    return np.concatenate([conditional, last[..., None]], axis=-1)


def fleet_step(
    fleet: ArrayLike,
    survival: ArrayLike,
    target: ArrayLike,
    new_share: ArrayLike,
    used_ages: ArrayLike,
    used_exports: ArrayLike = 0.0,
    *,
    export_ages: ArrayLike | None = None,
    minimum: ArrayLike = 0.0,
    checked: bool = True,
) -> FleetStep:
    """The fleet a year later, and the cars bought to keep it at the stock wanted.

    ``N_{a+1} = p_a N_a - X_{a+1}``; ``additions = max(target - sum N, minimum)``; of them ``new_share`` enter at age
    0, the rest by ``used_ages``. Cars are conserved: fleet after = fleet before - scrapped - exports + additions.

    Parameters
    ----------
    fleet : (..., M, A), cars at the end of the year before, 0 or more.
    survival : (..., M, A), share of 1, from :func:`survival`.
    target : (..., M), cars wanted at the end of this year, 0 or more.
    new_share : (..., M), share of the additions bought new, from 0 to 1.
    used_ages : (M, A) or (..., M, A), age of the used imports as shares that sum to 1 over ``A``.
    used_exports : (..., M), cars that leave used this year, 0 or more; at most the cars there are.
    export_ages : (M, A) or (..., M, A), age of the exports as shares that sum to 1; left out, they leave in
        proportion to the cars there are of each age.
    minimum : (..., M), cars added even if the stock is above the target, 0 or more.
    checked : whether fleet, survival and ages are looked at first; not where they come from this stage itself, year
        after year: that takes as long as the step.

    Returns
    -------
    FleetStep
    """
    before, p, ages = (np.asarray(given, dtype=np.float64) for given in (fleet, survival, used_ages))
    if checked:
        number("fleet", before, "cars, 0 or more", low=0.0)
        number("survival", p, "a share of 1, from 0 to 1", low=0.0, high=1.0)
        shares("used_ages", ages)
    wanted = number("target", target, "cars, 0 or more", low=0.0)
    new = number("new_share", new_share, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    leaving = number("used_exports", used_exports, "cars, 0 or more", low=0.0)
    least = number("minimum", minimum, "cars, 0 or more", low=0.0)
    if not before.shape[-1] == p.shape[-1] == ages.shape[-1]:
        raise InputError(
            f"ages: found {before.shape[-1]} in fleet, {p.shape[-1]} in survival, {ages.shape[-1]} in used_ages; "
            "expected the same number; make all three with the same A"
        )
    kept = before * p
    aged = np.empty(kept.shape)
    aged[..., 0], aged[..., 1:] = 0.0, kept[..., :-1]
    aged[..., -1] += kept[..., -1]
    there = aged.sum(axis=-1)
    scrapped = before.sum(axis=-1) - there

    if np.any(leaving > 0.0):
        if export_ages is None:
            profile = np.divide(aged, there[..., None], out=np.zeros_like(aged), where=there[..., None] > 0.0)
        else:
            profile = shares("export_ages", export_ages)
        exported = np.minimum(leaving[..., None] * profile, aged)
        aged -= exported
        gone = exported.sum(axis=-1)
        there = aged.sum(axis=-1)
    else:
        gone = np.zeros_like(scrapped)

    additions = np.maximum(wanted - there, least)
    new_cars = additions * new
    used = additions - new_cars
    after = used[..., None] * ages
    after += aged
    after[..., 0] += new_cars
    return FleetStep(
        fleet=after, scrapped=scrapped, additions=additions, new_cars=new_cars, used_imports=used, used_exports=gone
    )


def steady_fleet(
    stock: ArrayLike, survival: ArrayLike, *, entry_ages: ArrayLike | None = None, growth: ArrayLike = 0.0
) -> Array:
    """The ages of a fleet that has long grown at a steady rate: a start where no ages are on record.

    ``n_a = e_a + p_{a-1} n_{a-1} / (1 + g)``, the last age also keeping its own survivors; scaled to ``stock``.
    With ``growth`` 0 the fleet renews itself: a :func:`fleet_step` to the same stock leaves it as it is.

    Parameters
    ----------
    stock : (..., M), cars, 0 or more.
    survival : (..., M, A), share of 1, from :func:`survival`.
    entry_ages : (..., M, A), age at which cars enter the country, as shares that sum to 1 over ``A``: ``new_share`` at
        age 0 and the rest as ``used_ages``; left out, all enter new.
    growth : (..., M), share of 1 a year, above -1 and such that the oldest cars die faster than the fleet shrinks.

    Returns
    -------
    (..., M, A), cars.
    """
    total = number("stock", stock, "cars, 0 or more", low=0.0)
    p = number("survival", survival, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    g = number("growth", growth, "a share of 1 a year, above -1", low=-1.0, open_low=True)
    if entry_ages is None:
        entry = np.zeros(p.shape[-1])
        entry[0] = 1.0
    else:
        entry = shares("entry_ages", entry_ages)
    shape = np.broadcast_shapes(p.shape, entry.shape, (*np.broadcast_shapes(total.shape, g.shape), p.shape[-1]))
    p = np.broadcast_to(p, shape)
    factor = np.broadcast_to(1.0 + g, shape[:-1])
    room = factor - p[..., -1]
    if np.any(room <= 0.0):  # the last age would grow without end
        raise InputError(
            "growth: found a fleet that shrinks faster than its oldest cars die; expected growth above "
            "last survival - 1; use more ages or a growth nearer 0"
        )
    n = np.array(np.broadcast_to(entry, shape))
    for age in range(1, shape[-1]):
        n[..., age] += p[..., age - 1] * n[..., age - 1] / factor
    n[..., -1] *= factor / room
    return np.asarray(n * (total[..., None] / n.sum(axis=-1, keepdims=True)))


def fleet_from_age_classes(
    counts: ArrayLike, ages: int = AGES, *, bounds: tuple[int, ...] = UNECE_CLASSES, survival: ArrayLike | None = None
) -> Array:
    """A fleet by single years of age, from counts by age class.

    Each class keeps its count. Inside a class cars fall off with age as ``survival`` says; left out, they are spread
    evenly (the class over 20 years then reaches to the last age).

    Parameters
    ----------
    counts : (..., C), cars in each class, 0 or more, youngest class first.
    ages : ``A``, above the last bound.
    bounds : lower bounds of the classes in years, rising from 0; the last class is open.
    survival : (..., A), share of 1, from :func:`survival`.

    Returns
    -------
    (..., A), cars.

    >>> fleet_from_age_classes([20.0, 30.0, 50.0, 100.0, 20.0], 22).round(1)[[0, 2, 5, 10, 20]]
    array([10., 10., 10., 10., 10.])
    """
    cars = number("counts", counts, "cars, 0 or more", low=0.0)
    if bounds[0] != 0 or any(high <= low for low, high in pairwise(bounds)):
        raise InputError(f"bounds: found {bounds}; expected ages that rise from 0; sort them")
    if cars.shape[-1] != len(bounds):
        raise InputError(
            f"counts: found {cars.shape[-1]} classes; expected {len(bounds)}, one for each of the bounds {bounds}"
        )
    if ages <= bounds[-1]:
        raise InputError(f"ages: found {ages}; expected more than {bounds[-1]}, where the last class begins")
    if survival is None:
        weight = np.ones(ages)
    else:
        weight = steady_fleet(1.0, survival)
        if weight.shape[-1] != ages:
            raise InputError(f"survival: found {weight.shape[-1]} ages; expected {ages}; make both with the same A")
    tops = (*bounds[1:], ages)
    parts = []
    for index, (low, high) in enumerate(zip(bounds, tops, strict=True)):
        inside = weight[..., low:high]
        total = inside.sum(axis=-1, keepdims=True)
        # Where nobody survives to a class, the cars that are there all the same are put evenly.
        even = np.full_like(inside, 1.0 / (high - low))
        profile = np.divide(inside, total, out=even, where=total > 0.0)
        parts.append(cars[..., index, None] * profile)
    return np.concatenate(parts, axis=-1)

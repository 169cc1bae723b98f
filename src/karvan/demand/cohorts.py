"""Running a fleet through years on record: what was scrapped, what came used, and how long cars live.

Where the stock and the sales of new cars are known year by year, only survival is unknown: it fixes what was scrapped,
and the rest of the change must have come or gone used. So a life can be fitted by carrying the fleet from one table of
ages to later ones, without taking the fleet for settled, as :mod:`karvan.demand.ageing` must where there is one table.

Letters: ``T`` years, ``C`` age classes, ``A`` ages.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array, BoolArray
from karvan.base.checks import number, shares
from karvan.base.errors import InputError
from karvan.demand.ageing import used_age_profile
from karvan.demand.fleet import UNECE_CLASSES, fleet_from_age_classes, fleet_step, survival, weibull_scale

_LIVES = (6.0, 60.0)
"""Years of mean life searched. Without exports in it, a life may lie above those that Held et al. (2021) find."""

_MEANS = (2.0, 16.0)
"""Years of mean age of used imports searched."""

_POINTS, _FINE, _ROUNDS = 17, 7, 4


@dataclass(frozen=True)
class Carried:
    """A fleet carried through years on record; cars."""

    fleet: Array
    """(..., T, A), at the end of each year."""
    scrapped: Array
    """(..., T)"""
    used_imports: Array
    """(..., T), additions that were not sold new."""
    used_exports: Array
    """(..., T), cars that must have left for the sales to fit into the stock."""


def carry_forward(
    fleet: ArrayLike,
    survival: ArrayLike,
    stock: ArrayLike,
    sales: ArrayLike,
    used_ages: ArrayLike,
    *,
    export_ages: ArrayLike | None = None,
) -> Carried:
    """The fleet year by year, given the cars in use and the new cars sold.

    ``need_t = stock_t - survivors_t``; of it ``sales_t`` come new. More need than sales came used; more sales than
    need means that as many used cars left. By :func:`~karvan.demand.fleet.fleet_step`, so cars are conserved.

    Parameters
    ----------
    fleet : (..., A), cars at the end of the year before the first.
    survival : (..., A), share of 1, from :func:`~karvan.demand.fleet.survival`.
    stock : (T,), cars in use at the end of each year, 0 or more.
    sales : (T,), new cars sold in each year, 0 or more.
    used_ages : (A,) or (..., A), ages of the used imports, sums to 1.
    export_ages : (A,) or (..., A), ages of the cars that leave, sums to 1; left out, in proportion to the cars there.

    Returns
    -------
    Carried
    """
    wanted = number("stock", stock, "cars, 0 or more", low=0.0)
    sold = number("sales", sales, "cars, 0 or more", low=0.0)
    if wanted.ndim != 1 or wanted.shape != sold.shape:
        raise InputError(f"stock, sales: found shapes {wanted.shape} and {sold.shape}; expected one row of years each")
    cars = np.asarray(fleet, dtype=np.float64)
    p = np.asarray(survival, dtype=np.float64)
    fleets, scrapped, came, left = [], [], [], []
    for target, new in zip(wanted, sold, strict=True):
        need = target - (cars * p).sum(axis=-1)
        exports = np.maximum(new - need, 0.0)
        # Exports may be cut by the cars there are of their ages; then fewer than all sales fit in.
        share = np.divide(new, need + exports, out=np.ones_like(need), where=need + exports > 0.0)
        step = fleet_step(cars, p, target, np.clip(share, 0.0, 1.0), used_ages, exports, export_ages=export_ages)
        cars = step.fleet
        fleets.append(cars)
        scrapped.append(step.scrapped)
        came.append(step.used_imports)
        left.append(step.used_exports)
    return Carried(
        fleet=np.stack(fleets, axis=-2),
        scrapped=np.stack(scrapped, axis=-1),
        used_imports=np.stack(came, axis=-1),
        used_exports=np.stack(left, axis=-1),
    )


@dataclass(frozen=True)
class LifeFit:
    """The life that carries one country's fleet through its record best."""

    mean_life: float
    """Years, used exports not counted as an end."""
    used_mean_age: float
    """Mean of the bell of ages of used imports, years; says little where few came."""
    class_error: float
    """Root mean square error of the class shares over the years compared, share of 1."""
    flat_error: float
    """The same if the shares of the first year had stayed."""
    used_share: float
    """Used imports over all additions in the years on record, share of 1."""
    years: int
    """Years compared."""
    at_edge: bool
    """Whether the life lies at an end of the range searched: the record does not tell."""


def fit_life(
    classes: ArrayLike,
    stock: ArrayLike,
    sales: ArrayLike,
    *,
    shape: float,
    ages: int = 60,
    bounds: tuple[int, ...] = UNECE_CLASSES,
    used_sd: float = 4.0,
) -> LifeFit:
    """Mean life, and mean age of used imports, by carrying the fleet from the first table of ages to the others.

    The least mean square of the class shares of all later years with a table, over a grid refined a fixed number of
    times.

    Parameters
    ----------
    classes : (T, C), cars by age class at the end of each year; the first row known, later ones known or nan.
    stock : (T,), cars in use at the end of each year, above 0.
    sales : (T,), new cars sold in each year, 0 or more; the first is not read.
    shape : Weibull shape, above 0.
    ages : ``A``, above the last bound.
    bounds : lower bounds of the classes in years.
    used_sd : years, spread of the ages of used imports; ``assumed``, range 2 to 6.

    Returns
    -------
    LifeFit

    Raises
    ------
    InputError
        If no later year has a table, or the first has none.
    """
    counts = np.asarray(classes, dtype=np.float64)
    wanted = number("stock", stock, "cars, above 0", low=0.0, open_low=True)
    sold = number("sales", np.asarray(sales, dtype=np.float64)[1:], "cars, 0 or more", low=0.0)
    if counts.ndim != 2 or counts.shape != (wanted.size, len(bounds)):
        raise InputError(f"classes: found shape {counts.shape}; expected ({wanted.size} years, {len(bounds)} classes)")
    known: BoolArray = np.asarray(~np.isnan(counts).any(axis=1))
    if not known[0] or known.sum() < 2:
        raise InputError("classes: found no table of ages in the first year, or none later; expected both")
    first = number("classes", counts[0], "cars, 0 or more", low=0.0)
    later = known[1:]
    truth = counts[1:][later]
    truth = shares("classes", truth / truth.sum(axis=1, keepdims=True))
    # The classes of some countries do not add up to the stock: the stock's movement is what is used.
    path = wanted[1:] / wanted[0] * first.sum()
    scaled = sold / wanted[0] * first.sum()

    def carried(life: Array, mean: Array) -> tuple[Carried, Array]:
        p = survival(weibull_scale(life, shape), shape, ages)
        start = fleet_from_age_classes(
            np.broadcast_to(first, (*life.shape, first.size)), ages, bounds=bounds, survival=p
        )
        run = carry_forward(start, p, path, scaled, used_age_profile(mean, used_sd, ages))
        made = np.add.reduceat(run.fleet[..., later, :], bounds, axis=-1)
        made = made / made.sum(axis=-1, keepdims=True)
        return run, np.sqrt(np.square(made - truth).mean(axis=(-2, -1)))

    life_low, life_high = np.log(_LIVES[0]), np.log(_LIVES[1])
    mean_low, mean_high = _MEANS
    life, mean = float(life_low), mean_low
    for turn in range(_ROUNDS):
        points = _POINTS if turn == 0 else _FINE
        lives, means = np.meshgrid(
            np.linspace(life_low, life_high, points), np.linspace(mean_low, mean_high, points), indexing="ij"
        )
        error = carried(np.exp(lives), means)[1]
        best = int(error.argmin())
        life, mean = float(lives.ravel()[best]), float(means.ravel()[best])
        life_step, mean_step = (life_high - life_low) / (points - 1), (mean_high - mean_low) / (points - 1)
        life_low, life_high = max(life - life_step, np.log(_LIVES[0])), min(life + life_step, np.log(_LIVES[1]))
        mean_low, mean_high = max(mean - mean_step, _MEANS[0]), min(mean + mean_step, _MEANS[1])
    run, last_error = carried(np.array([np.exp(life)]), np.array([mean]))
    used = float(run.used_imports.sum())
    flat = first / first.sum()
    return LifeFit(
        mean_life=float(np.exp(life)),
        used_mean_age=mean,
        class_error=float(last_error[0]),
        flat_error=float(np.sqrt(np.square(flat - truth).mean())),
        used_share=used / max(used + float(scaled.sum()), 1e-300),
        years=int(later.sum()),
        at_edge=bool(life <= np.log(_LIVES[0]) + 1e-6 or life >= np.log(_LIVES[1]) - 1e-6),
    )

"""What a plant and its people learn: more parts made at home, fewer hours per car, fewer faults, full rate sooner.

Learning on an assembly line is fast and saturates: Levitt, List and Syverson (2013, Journal of Political Economy 121)
watched a plant's defects fall by a half for each tenfold output, most of it within months, and pass to the second
shift at once. So hours fall with the output of *this model in this plant*, towards a floor; no learning curve runs over
decades of a country's output. What suppliers and workers know outlasts the partner who taught them, and fades slowly.

Letters: ``P`` plants, ``G`` component groups; ``h`` hours per car, ``Q`` cars made so far, ``r`` progress ratio.
"""

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.partnerships._checks import number

DEFECT_EXPONENT = -0.301
"""Elasticity of the defect rate to output so far: half for each tenfold. Levitt, List and Syverson (2013)."""


def local_share_path(start: ArrayLike, target: ArrayLike, years_since: ArrayLike, half_life: ArrayLike) -> Array:
    """The share of parts bought at home, some years into a localisation programme.

    ``l(t) = l* + (l_0 - l*) 2^(-t / T)``: each ``T`` years half of the way that is left is gone. The form is
    ``assumed``; programmes promise a year and a share and rarely report the path.

    Parameters
    ----------
    start : (...), share of 1 when the programme begins, from 0 to 1.
    target : (...), share of 1 approached, from 0 to 1.
    years_since : (...), years since the programme began; below 0 counts as 0 (not begun).
    half_life : (...), years, above 0.

    Returns
    -------
    (...), share of 1, between ``start`` and ``target``.

    >>> local_share_path(0.05, 0.45, [-1, 0, 3, 6], 3.0)
    array([0.05, 0.05, 0.25, 0.35])
    """
    first = number("start", start, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    goal = number("target", target, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    years = number("years_since", years_since, "years")
    half = number("half_life", half_life, "years, above 0", low=0.0, open_low=True)
    return np.asarray(goal + (first - goal) * 0.5 ** (np.maximum(years, 0.0) / half))


def hours_per_car(
    hours_start: ArrayLike,
    output_so_far: ArrayLike,
    *,
    output_start: ArrayLike,
    progress_ratio: ArrayLike,
    hours_floor: ArrayLike,
) -> Array:
    """Hours of labour per car, after so many cars of this model in this plant.

    ``h = h_f + (h_0 - h_f) max(Q / Q_0, 1)^(log2 r)``: each doubling of output leaves ``r`` of the hours above the
    floor (Wright, 1936, with a floor, so that learning saturates).

    Parameters
    ----------
    hours_start : (..., P), hours per car at the launch, 0 or more.
    output_so_far : (..., P), cars made since the launch, 0 or more.
    output_start : (..., P) or scalar, cars after which the curve begins, above 0.
    progress_ratio : (..., P) or scalar, above 0 and at most 1. 0.843 is the mean cost progress ratio of the review
        EPA-420-R-16-018 (recalled, ``assumed``; range 0.80 to 0.95).
    hours_floor : (..., P) or scalar, hours per car that are never undercut, 0 or more; above ``hours_start`` nothing is
        learnt.

    Returns
    -------
    (..., P), hours per car.

    >>> hours_per_car(40.0, [0, 1000, 2000, 4000], output_start=1000, progress_ratio=0.8, hours_floor=20.0)
    array([40. , 40. , 36. , 32.8])
    """
    first = number("hours_start", hours_start, "hours per car, 0 or more", low=0.0)
    made = number("output_so_far", output_so_far, "cars, 0 or more", low=0.0)
    begin = number("output_start", output_start, "cars, above 0", low=0.0, open_low=True)
    ratio = number("progress_ratio", progress_ratio, "above 0, at most 1", low=0.0, high=1.0, open_low=True)
    floor = np.minimum(number("hours_floor", hours_floor, "hours per car, 0 or more", low=0.0), first)
    return np.asarray(floor + (first - floor) * np.maximum(made / begin, 1.0) ** np.log2(ratio))


def defect_rate(
    rate_start: ArrayLike, output_so_far: ArrayLike, *, output_start: ArrayLike, exponent: ArrayLike = DEFECT_EXPONENT
) -> Array:
    """Faults per car, after so many cars of this model in this plant.

    ``f = f_0 max(Q / Q_0, 1)^b``, ``b = -0.301``; Levitt, List and Syverson (2013).

    Parameters
    ----------
    rate_start : (..., P), faults per car at the launch, 0 or more.
    output_so_far : (..., P), cars made since the launch, 0 or more.
    output_start : (..., P) or scalar, cars after which the curve begins, above 0.
    exponent : (..., P) or scalar, 0 or below.

    Returns
    -------
    (..., P), faults per car.

    >>> defect_rate(1.0, [100, 1000, 2000], output_start=100).round(3)   # a tenth as many doublings: 18.8 % each
    array([1.   , 0.5  , 0.406])
    """
    first = number("rate_start", rate_start, "faults per car, 0 or more", low=0.0)
    made = number("output_so_far", output_so_far, "cars, 0 or more", low=0.0)
    begin = number("output_start", output_start, "cars, above 0", low=0.0, open_low=True)
    b = number("exponent", exponent, "0 or below", high=0.0)
    return np.asarray(first * np.maximum(made / begin, 1.0) ** b)


def ramp_up(years_since: ArrayLike, *, first: ArrayLike, half_life: ArrayLike) -> Array:
    """The share of its full rate that a plant or a new model reaches, on average over a year.

    The rate is ``1 - (1 - first) 2^(-t / T)``; its mean over the year that begins at ``t`` is
    ``1 - (1 - first) 2^(-t / T) T / ln 2 (1 - 2^(-1 / T))``. The year of opening counts from the opening.

    Parameters
    ----------
    years_since : (..., P), years from opening to the beginning of the year; below 0 the plant is not open and makes 0.
    first : (..., P) or scalar, share of full rate in the first days, from 0 to 1.
    half_life : (..., P) or scalar, years in which half the gap closes, above 0.

    Returns
    -------
    (..., P), share of 1.
    """
    years = number("years_since", years_since, "years")
    begin = number("first", first, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    half = number("half_life", half_life, "years, above 0", low=0.0, open_low=True)
    gap = (1.0 - begin) * 0.5 ** (np.maximum(years, 0.0) / half)
    mean_gap = gap * half / np.log(2.0) * (1.0 - 0.5 ** (1.0 / half))
    return np.asarray(np.where(years < 0.0, 0.0, 1.0 - mean_gap))

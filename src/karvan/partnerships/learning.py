"""What a plant and its people learn: more parts made at home, fewer hours per car, fewer faults, full rate sooner.

Learning on an assembly line is fast and saturates: Levitt, List and Syverson (2013, Journal of Political Economy 121)
watched a plant's defects fall by a half for each tenfold output, most of it within months, and pass to the second
shift at once. So hours fall with the output of *this model in this plant*, towards a floor; no learning curve runs over
decades of a country's output. What suppliers and workers know outlasts the partner who taught them, and fades slowly:
knowledge is a stock that output feeds and time wears (Argote, Beckman and Epple, 1990, Management Science 36).

Letters: ``P`` plants, ``G`` component groups; ``h`` hours per car, ``Q`` cars made so far, ``r`` progress ratio.
"""

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array, BoolArray
from karvan.base.checks import number
from karvan.partnerships.sourcing import scale_ratio

DEFECT_EXPONENT = -0.301
"""Elasticity of the defect rate to output so far: half for each tenfold. Levitt, List and Syverson (2013)."""
MOST_PARTS = 1e7
"""Parts a year beyond which nobody would make them: as many as the largest car makers build cars."""


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


def first_time_right(start: ArrayLike, ceiling: ArrayLike, training: ArrayLike, *, training_half: ArrayLike) -> Array:
    """The share of cars that need no rework, after so much training.

    ``f = f* - (f* - f_0) 2^(-t / T)``: each ``T`` hours of training close half of what is left. The form is
    ``assumed``; paint shops are said to run at 0.75 to 0.92 first time right, new plants below.

    Parameters
    ----------
    start : (..., P), share of 1 with untrained people, from 0 to 1.
    ceiling : (..., P) or scalar, share of 1 that training approaches, from 0 to 1.
    training : (..., P), hours of training per worker so far, 0 or more.
    training_half : (..., P) or scalar, hours per worker that close half the gap, above 0. Nobody has published one:
        120 is ``assumed``, range 40 to 400.

    Returns
    -------
    (..., P), share of 1.
    """
    first = number("start", start, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    best = number("ceiling", ceiling, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    hours = number("training", training, "hours per worker, 0 or more", low=0.0)
    half = number("training_half", training_half, "hours per worker, above 0", low=0.0, open_low=True)
    return np.asarray(best + (first - best) * 0.5 ** (hours / half))


def hours_with_rework(hours: ArrayLike, right: ArrayLike, rework_hours: ArrayLike) -> Array:
    """Hours of labour per good car, those of putting right included.

    ``h + (1 - f) r``: so training shows in hours per car as well as in capacity.

    Parameters
    ----------
    hours : (..., P), hours per car when all goes well, from :func:`hours_per_car`.
    right : (..., P), share of cars right first time, from 0 to 1.
    rework_hours : (..., P) or scalar, hours to put one car right, 0 or more.

    Returns
    -------
    (..., P), hours per car.
    """
    well = number("hours", hours, "hours per car, 0 or more", low=0.0)
    f = number("right", right, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    again = number("rework_hours", rework_hours, "hours per car, 0 or more", low=0.0)
    return np.asarray(well + (1.0 - f) * again)


def supplier_experience(experience: ArrayLike, output: ArrayLike, *, retained: ArrayLike) -> Array:
    """What suppliers know a year later: it grows with what they make and wears off, whoever the partner is.

    ``K_t = lambda K_{t-1} + q_t``; Argote, Beckman and Epple (1990), equation 3. The partner does not appear: when it
    leaves, output stops and knowledge is kept but for what a year wears away.

    Parameters
    ----------
    experience : (..., G), units of knowledge a year ago, counted in parts made, 0 or more.
    output : (..., G), parts made this year, 0 or more.
    retained : (..., G) or scalar, part of the knowledge that a year leaves, from 0 to 1. For the shipyards of the
        study it was low; 0.8 is ``assumed`` for standing suppliers, range 0.5 to 0.95.

    Returns
    -------
    (..., G), units of knowledge.
    """
    before = number("experience", experience, "parts made, 0 or more", low=0.0)
    made = number("output", output, "parts a year, 0 or more", low=0.0)
    kept = number("retained", retained, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    return np.asarray(kept * before + made)


def supplier_price_ratio(
    ratio_start: ArrayLike,
    experience: ArrayLike,
    *,
    experience_start: ArrayLike,
    progress_ratio: ArrayLike,
    ratio_floor: ArrayLike,
    scale: ArrayLike = 1.0,
) -> Array:
    """Price of a local part over that of the same part in the kit, as the supplier learns and grows.

    ``r = max(r_f, s (r_f + (r_0 - r_f) max(K / K_0, 1)^(log2 p)))``, ``r_f`` at most ``r_0``: the curve of
    :func:`hours_per_car` on the supplier's own experience, times what more is made a year saves, down to the floor.
    It goes into ``local_price_ratio`` of :func:`karvan.partnerships.sourcing.ex_works`. ``p`` is that of a constant
    yearly volume (:func:`progress_at_constant_volume`), or scale counts twice.

    Parameters
    ----------
    ratio_start : (..., G), ratio at the beginning, 0 or more.
    experience : (..., G), from :func:`supplier_experience`.
    experience_start : (..., G) or scalar, parts made after which the curve begins, above 0.
    progress_ratio : (..., G) or scalar, above 0 and at most 1.
    ratio_floor : (..., G) or scalar, ratio that is never undercut, 0 or more.
    scale : (..., G) or scalar, unit cost at this year's volume over that at the volume of ``ratio_start``, from
        :func:`karvan.partnerships.sourcing.scale_ratio`; 1 where the volume does not count.

    Returns
    -------
    (..., G), ratio.
    """
    first = number("ratio_start", ratio_start, "a ratio, 0 or more", low=0.0)
    floor = number("ratio_floor", ratio_floor, "a ratio, 0 or more", low=0.0)
    learnt = hours_per_car(
        first,
        number("experience", experience, "parts made, 0 or more", low=0.0),
        output_start=number("experience_start", experience_start, "parts, above 0", low=0.0, open_low=True),
        progress_ratio=progress_ratio,
        hours_floor=floor,
    )
    saved = number("scale", scale, "a ratio, above 0", low=0.0, open_low=True)
    return np.asarray(np.maximum(learnt * saved, np.minimum(floor, first)))


def progress_at_constant_volume(progress_ratio: ArrayLike, elasticity: ArrayLike) -> Array:
    """The progress ratio of a constant yearly volume, from one fitted while the volume grew.

    ``log2 p' = min(log2 p + e, 0)``: where output grows steadily, what has been made and what is made a year double
    together, so that a curve fitted to such a record has the elasticity of scale ``e`` in it.

    Parameters
    ----------
    progress_ratio : (...), as fitted, above 0 and at most 1.
    elasticity : (...), of unit cost to yearly volume, 0 or more.

    Returns
    -------
    (...), share of 1; 1 where scale alone explains the record.

    >>> progress_at_constant_volume([0.80, 0.843, 0.95], 0.08).round(3)
    array([0.846, 0.891, 1.   ])
    """
    ratio = number("progress_ratio", progress_ratio, "above 0, at most 1", low=0.0, high=1.0, open_low=True)
    e = number("elasticity", elasticity, "0 or more", low=0.0)
    return np.asarray(np.minimum(ratio * 2.0**e, 1.0))


def supplier_parity(
    ratio_start: ArrayLike,
    *,
    reference: ArrayLike,
    progress_ratio: ArrayLike,
    ratio_floor: ArrayLike,
    minimum_efficient_scale: ArrayLike,
    elasticity: ArrayLike,
    landed: ArrayLike = 1.0,
) -> Array:
    """The yearly volume from which a local part costs no more than the same part in the kit, once it is kept up.

    Kept up for years, a volume of ``q`` a year feeds the knowledge ``q / q_0`` times that of the reference volume
    (:func:`supplier_experience`), so :func:`supplier_price_ratio` falls with ``q`` by learning and by scale; where it
    meets ``landed`` is found by halving.

    Parameters
    ----------
    ratio_start : (..., G) or scalar, ratio at the reference volume, 0 or more.
    reference : (..., G), ``q_0``, parts a year, above 0.
    progress_ratio, ratio_floor : as in :func:`supplier_price_ratio`.
    minimum_efficient_scale, elasticity : as in :func:`karvan.partnerships.sourcing.scale_ratio`.
    landed : (..., G) or scalar, what a part in the kit costs with its freight and duty, over its price; 1 leaves them
        out. A partner that takes off less than a part's price (``deletion_allowance``) makes it less.

    Returns
    -------
    (..., G), parts a year: 0 where the part is no dearer from the start, inf where more than :data:`MOST_PARTS` would
    be needed.

    >>> supplier_parity(1.15, reference=4e3, progress_ratio=0.89, ratio_floor=0.9, minimum_efficient_scale=4e5,
    ...                 elasticity=[0.02, 0.09]).round(-2)
    array([124300.,  11400.])
    """
    known = number("reference", reference, "parts a year, above 0", low=0.0, open_low=True)
    par = number("landed", landed, "a ratio, above 0", low=0.0, open_low=True)

    def dear(doublings: Array) -> BoolArray:
        volume = known * 2.0**doublings
        saved = scale_ratio(volume, minimum_efficient_scale, elasticity, reference=known)
        price = supplier_price_ratio(
            ratio_start,
            volume,
            experience_start=known,
            progress_ratio=progress_ratio,
            ratio_floor=ratio_floor,
            scale=saved,
        )
        return np.asarray(price > par)

    start = dear(np.zeros(known.shape))
    low = np.zeros(start.shape)
    high = np.maximum(np.log2(MOST_PARTS / known), 0.0) + low
    never = dear(high)
    for _ in range(40):
        middle = 0.5 * (low + high)
        above = dear(middle)
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.asarray(np.where(~start, 0.0, np.where(never, np.inf, known * 2.0**high)))

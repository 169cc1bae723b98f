"""How rivals answer an entrant: in price, in capacity, and by coming to build near it.

Nothing here looks for an equilibrium of prices. A rival sees last year's market and moves this year, so each answer is
one step, and a market in which everybody answers settles over the years instead of within one.

Letters: ``K`` products, ``M`` markets, ``P`` rival plants (brand-by-country aggregates).
"""

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.base.checks import number

SHADOW_MOST = float(np.log(1.3))
"""Largest logarithm of a rival's shadow price: ``assumed``, prices 10 to 60 % up. Beyond it buyers wait in a queue."""
LARGEST_SHARE = 0.95
"""Share of the entrants above which rivals see no more: beyond it the index of what is left has no meaning."""


def price_response(
    share: ArrayLike, share_base: ArrayLike, *, eta: ArrayLike, response: ArrayLike, most: ArrayLike
) -> Array:
    """The factor on rivals' prices when the entrants' share of a market has moved.

    ::

        ln p_hat = rho ln P_hat,     ln P_hat = (1 / eta) ln((1 - S) / (1 - S_0)),     |ln p_hat| <= -ln(1 - most)

    ``P_hat`` is what the entrants did to the price index of the market: under CES with shares counted in cars, the
    index with them over the index without them is ``(1 - S)^(1/eta)``. ``rho`` is the elasticity of a firm's price to
    its competitors' prices. Amiti, Itskhoki and Konings (2019, Review of Economic Studies 86) find 0.4 for the typical
    firm of Belgian manufacturing, none for small ones and about 0.5 for large ones; nobody has measured it for cars in
    this region.

    Parameters
    ----------
    share, share_base : (..., K, M), share of the entrants in the cars sold, last year and in the base year, from 0 to
        1; above :data:`LARGEST_SHARE` they count as that.
    eta : (...), elasticity between brands, above 0.
    response : (...), ``rho``, from 0 to 1.
    most : (...), largest cut (and, the other way, rise) a rival's margin bears, share of the price, from 0 to below 1.

    Returns
    -------
    (..., K, M), new price over old: 1 where the share is that of the base, below 1 where it rose.

    >>> price_response([[0.36]], [[0.0]], eta=4.0, response=0.5, most=0.2).round(4)     # 0.64 ** (0.5 / 4)
    array([[0.9457]])
    >>> price_response([[0.36]], [[0.0]], eta=4.0, response=0.5, most=0.03)
    array([[0.97]])
    """
    now = number("share", share, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    before = number("share_base", share_base, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    elasticity = number("eta", eta, "above 0", low=0.0, open_low=True)
    rho = number("response", response, "an elasticity, from 0 to 1", low=0.0, high=1.0)
    bound = number("most", most, "a share of the price, from 0 to below 1", low=0.0, high=0.999)
    left, left_base = (1.0 - np.minimum(x, LARGEST_SHARE) for x in (now, before))
    log = (rho / elasticity)[..., None, None] * np.log(left / left_base)
    limit = -np.log1p(-bound)[..., None, None]
    return np.asarray(np.exp(np.clip(log, -limit, limit)))


def capacity_price(log_price: ArrayLike, sales: ArrayLike, capacity: ArrayLike, *, elasticity: ArrayLike) -> Array:
    """The shadow price that a rival short of capacity asks next year: one Newton step a year.

    ``x_t = x_(t-1) + ln(Q_(t-1) / K_(t-1)) / e``, held between 0 and :data:`SHADOW_MOST`: with ``e`` at least the
    elasticity of its sales to its price the step does not overshoot. It is the shadow price of
    :func:`karvan.market.clear`, found over years and not within one, so that a plant may for a year sell more than it
    makes in straight time.

    Parameters
    ----------
    log_price : (..., P), ``x_(t-1)``, logarithm of the factor on its price, 0 or more.
    sales : (..., P), ``Q``, cars sold last year, 0 or more.
    capacity : (..., P), ``K``, cars a year, above 0; ``inf`` for no limit.
    elasticity : (...), ``e``, above 0: ``theta``, the larger of the two elasticities, is on the safe side.

    Returns
    -------
    (..., P), ``x_t``, 0 where there is room for long.

    >>> capacity_price([0.0, 0.1, 0.0], [121.0, 81.0, 50.0], 100.0, elasticity=4.0).round(4)
    array([0.0477, 0.0473, 0.    ])
    """
    before = number("log_price", log_price, "a logarithm, 0 or more", low=0.0)
    sold = number("sales", sales, "cars, 0 or more", low=0.0)
    limit = _capacity(capacity)
    step = number("elasticity", elasticity, "above 0", low=0.0, open_low=True)
    with np.errstate(divide="ignore"):
        gap = np.log(sold / limit)
    return np.asarray(np.clip(before + gap / step[..., None], 0.0, SHADOW_MOST))


def expand(capacity: ArrayLike, sales: ArrayLike, *, trigger: ArrayLike, years: ArrayLike, most: float = 0.25) -> Array:
    """Capacity a year on, of rivals that build when they are nearly full and do nothing when they are not.

    ``K_t = K_(t-1) min(max(u / u*, 1)^(1/T), 1 + g)``, ``u = Q / K``: a maker fuller than ``u*`` heads for the capacity
    at which it would be ``u*`` full, with a mean lag of ``T`` years and at most ``g`` a year. Nobody scraps capacity
    here: an idle plant stays.

    Parameters
    ----------
    capacity : (..., P), cars a year, above 0; ``inf`` for no limit.
    sales : (..., P), cars sold last year, 0 or more.
    trigger : (...), ``u*``, use above which a maker builds, above 0 and at most 1.
    years : (...), ``T``, mean years from decision to cars, 1 or more.
    most : ``g``, largest growth in a year, 0 or more: ``assumed``, range 0.1 to 0.5.

    Returns
    -------
    (..., P), cars a year.

    >>> expand([100.0, 100.0, 100.0], [50.0, 90.0, 160.0], trigger=0.8, years=2.0).round(1)
    array([100. , 106.1, 125. ])
    """
    limit = _capacity(capacity)
    sold = number("sales", sales, "cars, 0 or more", low=0.0)
    full = number("trigger", trigger, "a share of capacity, above 0 and at most 1", low=0.0, high=1.0, open_low=True)
    lag = number("years", years, "years, 1 or more", low=1.0)
    number("most", most, "a share of capacity, 0 or more", low=0.0)
    wish = np.maximum(sold / limit / full[..., None], 1.0) ** (1.0 / lag)[..., None]
    return np.asarray(limit * np.minimum(wish, 1.0 + most))


def _capacity(value: ArrayLike) -> Array:
    """Capacities, refused at 0, below it or missing; ``inf`` is no limit."""
    array = np.asarray(value, dtype=np.float64)
    finite = np.where(np.isposinf(array), 1.0, array)
    number("capacity", finite, "cars a year, above 0", low=0.0, open_low=True)
    return array

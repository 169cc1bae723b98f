"""Structural gravity: what a change of trade costs does to flows, wages and prices of all countries together.

One sector, Armington or Eaton-Kortum, with domestic sales on the diagonal of the flow matrix. Letters of the field:
``X[i, j]`` flow from exporter ``i`` to importer ``j``, ``Y`` output, ``E`` spending, ``D = E - Y`` deficit,
``theta`` trade elasticity, ``_hat`` new over old. Market potential and market access are screens for a site, no more.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.base.errors import InputError, KarvanError

Deficits = Literal["additive", "multiplicative"]

TOLERANCE: Final = 1e-13
"""Largest change of a log wage in a step at which the iteration ends."""
MAX_ITERATIONS: Final = 100_000


class NotConverged(KarvanError, ArithmeticError):
    """An iteration did not settle; the text says how far it was."""


@dataclass(frozen=True, eq=False)
class ExactHat:
    """A new equilibrium relative to the old one; countries in input order."""

    wages: Array
    """(n,), nominal wages (factory-gate prices), new over old; world output at old prices is the numeraire."""
    price_index: Array
    """(n,), price index of spending, new over old."""
    welfare: Array
    """(n,), real spending, new over old: ``E_hat / P_hat``."""
    flows: Array
    """(n, n), new flows, exporter x importer, in units of the old."""
    iterations: int
    """Steps taken."""

    @property
    def real_wages(self) -> Array:
        """(n,), ``wages / price_index``; equals ``welfare`` where trade is balanced."""
        return self.wages / self.price_index


def exact_hat(flows: ArrayLike, trade_cost_hat: ArrayLike, theta: float, deficits: Deficits = "additive") -> ExactHat:
    """General equilibrium after a change of trade costs, from observed flows and one elasticity.

    With shares ``pi_ij = X_ij / E_j`` (Dekle, Eaton and Kortum 2007; Baier, Yotov and Zylkin 2019)::

        P_j     = sum_i pi_ij (t_hat_ij w_hat_i)^-theta,         price index change P_j^(-1/theta)
        w_hat_i = [sum_j pi_ij t_hat_ij^-theta (E'_j / P_j) / Y_i]^(1 / (1 + theta)),   sum Y w_hat = sum Y
        E'_j    = Y_j w_hat_j + D_j  (additive)  or  E_j w_hat_j  (multiplicative)

    from ones until no log wage moves by more than 1e-13. Additive deficits keep world spending equal to world output.
    Multiplicative ones, as in the Advanced Guide (Yotov et al. 2016), do not: the wages are then those of the equation
    up to a common factor, and columns of ``flows`` add to spending but rows not exactly to output. Prefer additive.

    Parameters
    ----------
    flows : (n, n), exporter x importer, money, 0 or more, domestic sales on the diagonal.
    trade_cost_hat : (n, n), new trade cost factor over old, above 0; ``inf`` ends a flow.
    theta : trade elasticity, above 0 (``sigma - 1`` for Armington).

    Raises
    ------
    InputError
        Not square, negative or missing numbers, a country that makes or buys nothing, a deficit that spending
        cannot cover.
    NotConverged
        No equilibrium was reached.

    Two equal countries that trade a fifth of output; the cost between them falls so that their trade rises by half:

    >>> world = exact_hat([[80.0, 20.0], [20.0, 80.0]], [[1.0, 1.5 ** -0.25], [1.5 ** -0.25, 1.0]], theta=4.0)
    >>> world.welfare.round(4), world.flows[0].round(2)      # 1.1 ** (1 / 4); 80 / 1.1
    (array([1.0241, 1.0241]), array([72.73, 27.27]))
    """
    X = np.asarray(flows, dtype=float)
    n = len(X)
    if X.shape != (n, n):
        raise InputError(f"flows is {X.shape}; expected a square matrix, exporter x importer")
    t_hat = np.asarray(trade_cost_hat, dtype=float)
    if t_hat.shape != (n, n):
        raise InputError(f"trade_cost_hat is {t_hat.shape}; expected {X.shape} like flows")
    if not np.all(X >= 0) or not np.all(np.isfinite(X)):
        raise InputError("flows has a number that is negative or missing; expected 0 or more")
    if not np.all(t_hat > 0):
        raise InputError("trade_cost_hat has a number that is 0, negative or missing; expected new cost over old")
    if not theta > 0:
        raise InputError(f"theta is {theta}; expected a number above 0")
    if deficits not in ("additive", "multiplicative"):
        raise InputError(f"deficits is {deficits!r}; expected 'additive' or 'multiplicative'")
    Y, E = X.sum(axis=1), X.sum(axis=0)
    for name, total in (("sells", Y), ("buys", E)):
        if np.any(total <= 0):
            raise InputError(f"country {int(np.argmin(total))} {name} nothing; expected flows above 0, home sales too")
    a = X / E * t_hat**-theta
    deficit, world = E - Y, Y.sum()
    w, spending = np.ones(n), E
    power = 1 / (1 + theta)
    P = w**-theta @ a
    steps, moved = 0, np.inf
    while moved > TOLERANCE:
        if steps == MAX_ITERATIONS:
            raise NotConverged(f"wages still moved by {moved:.1e} after {steps} steps; expected {TOLERANCE:g}")
        steps += 1
        new = (a @ (spending / P) / Y) ** power
        new *= world / (Y @ new)
        P = new**-theta @ a
        spending = Y * new + deficit if deficits == "additive" else E * new
        if np.any(spending <= 0):
            at = int(np.argmin(spending))
            raise InputError(
                f"country {at} could not pay for its surplus at the new wages; use multiplicative deficits"
            )
        moved = np.max(np.abs(np.log(new / w)))
        w = new
    price = P ** (-1 / theta)
    return ExactHat(
        wages=w,
        price_index=price,
        welfare=spending / E / price,
        flows=a * (w**-theta)[:, None] / P * spending,
        iterations=steps,
    )


def multilateral_resistance(output: ArrayLike, spending: ArrayLike, trade_cost_power: ArrayLike) -> tuple[Array, Array]:
    """Outward and inward multilateral resistance, to the power ``1 - sigma``.

    With ``phi_ij = t_ij^(1 - sigma)`` (Anderson and van Wincoop 2003, equations 10 and 11)::

        Pi_i = sum_j (phi_ij / P_j) E_j / E,     P_j = sum_i (phi_ij / Pi_i) Y_i / Y,
        X_ij = (Y_i E_j / Y) phi_ij / (Pi_i P_j)

    and the level, which the system leaves free, set by ``P = 1`` for the first country. Totals of output
    and spending may differ: shares of each are used.

    Parameters
    ----------
    output, spending : (n,), money, above 0.
    trade_cost_power : (n, n), exporter x importer, 0 or more.

    Returns
    -------
    (outward, inward), each (n,). ``outward`` is also the market access of each exporter.
    """
    Y, E = np.asarray(output, dtype=float), np.asarray(spending, dtype=float)
    phi = np.asarray(trade_cost_power, dtype=float)
    if phi.ndim != 2 or Y.shape != phi.shape[:1] or E.shape != phi.shape[1:]:
        raise InputError(f"output {Y.shape}, spending {E.shape} and trade_cost_power {phi.shape} do not fit")
    if not (np.all(Y > 0) and np.all(E > 0) and np.all(phi >= 0)):
        raise InputError(
            "output, spending or trade_cost_power has a number that is negative or missing, or a total of 0"
        )
    y, e = Y / Y.sum(), E / E.sum()
    inward = np.ones(len(E))
    for _ in range(MAX_ITERATIONS):
        outward = phi @ (e / inward)
        new = (y / outward) @ phi
        new /= new[0]
        moved = np.max(np.abs(np.log(new / inward)))
        inward = new
        if moved <= TOLERANCE:
            break
    else:
        raise NotConverged(f"resistances still moved by {moved:.1e} after {MAX_ITERATIONS} steps")
    outward = phi @ (e / inward)
    # P is defined by Pi, so one of the two takes up the free factor: here Pi.
    outward *= ((y / outward) @ phi)[0]
    return outward, inward


def market_potential(spending: ArrayLike, distance: ArrayLike, exponent: float = 1.0) -> Array:
    """Spending within reach, discounted by distance: ``sum_j E_j / d_ij^exponent`` (Harris 1954).

    Parameters
    ----------
    spending : (..., M), money or cars.
    distance : (S, M), km, above 0, also to the own market (an internal distance).

    Returns
    -------
    (..., S), in units of spending per km^exponent.

    >>> market_potential([100.0, 300.0], [[1.0, 3.0], [3.0, 1.0]])
    array([200.        , 333.33333333])
    """
    E, d = np.asarray(spending, dtype=float), np.asarray(distance, dtype=float)
    if not np.all(d > 0):
        raise InputError(
            "distance has a number that is 0, negative or missing; give the own market an internal distance"
        )
    return np.asarray(E @ (d**-exponent).T)


def market_access(importer_effect: ArrayLike, trade_cost_power: ArrayLike) -> Array:
    """Market access from an estimated gravity equation: ``sum_j exp(F_j) phi_ij`` (Redding and Venables 2004).

    Unlike market potential it counts rivals: the importer's fixed effect is its spending over its price index.

    Parameters
    ----------
    importer_effect : (..., M), log fixed effects of importers.
    trade_cost_power : (S, M), fitted ``t_ij^(1 - sigma)``, 0 or more.

    Returns
    -------
    (..., S), up to the factor that fixed effects leave free: compare sites, not levels.

    >>> market_access(np.log([2.0, 6.0]), [[1.0, 0.5], [0.25, 1.0]])
    array([5. , 6.5])
    """
    return np.asarray(np.exp(np.asarray(importer_effect, dtype=float)) @ np.asarray(trade_cost_power, dtype=float).T)

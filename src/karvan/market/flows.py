"""Who sells cars to whom, where statistics give totals and only some of the cells.

A gravity seed says how flows would spread; balancing (RAS) then finds the flows nearest to the seed that meet the known
totals and the known cells. What cannot be met is reported, never spread out of sight.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array, BoolArray
from karvan.base.errors import InputError

TOLERANCE: Final = 1e-11
"""Largest miss of a total, relative to it, at which balancing ends."""


def gravity_seed(
    mass_o: ArrayLike,
    mass_d: ArrayLike,
    distance: ArrayLike,
    contiguous: ArrayLike | None = None,
    home_factor: ArrayLike = 1.0,
    *,
    distance_elasticity: ArrayLike = -0.841,
    contiguity_effect: ArrayLike = 0.437,
) -> Array:
    """Flows as gravity would spread them, before any total is met.

    ``seed_ij = mass_o_i mass_d_j distance_ij^delta exp(kappa contiguous_ij) home_i^[i = j]``

    The defaults are the PPML estimates for all manufactures of 69 countries, 1986 to 2006 (Yotov et al. 2016, table 1,
    column 4: standard errors 0.032 and 0.083). For cars they are assumed: ranges -1.3 to -0.6, and 0 to 0.8.

    Parameters
    ----------
    mass_o : (..., n), output; ``mass_d`` : (..., n), spending; any unit, 0 or more. Same countries, same order.
    distance : (n, n), km, above 0; with oneself, an internal distance.
    contiguous : (n, n), 1 for neighbours; none if left out.
    home_factor : (..., n) or scalar, above 0: how many times more is sold at home than gravity says. No value is
        measured for cars here: assumed by the user, with a range.
    distance_elasticity, contiguity_effect : scalar or (...), to be drawn with their error.

    Returns
    -------
    (..., n, n), exporter x importer.

    >>> gravity_seed([1.0, 1.0], [2.0, 1.0], [[1.0, 10.0], [10.0, 1.0]], distance_elasticity=-1.0)
    array([[2. , 0.1],
           [0.2, 1. ]])
    """
    made, bought = np.asarray(mass_o, dtype=float), np.asarray(mass_d, dtype=float)
    d = np.asarray(distance, dtype=float)
    n = d.shape[-1]
    if d.shape != (n, n) or made.shape[-1:] != (n,) or bought.shape[-1:] != (n,):
        raise InputError(f"mass_o {made.shape}, mass_d {bought.shape} and distance {d.shape} do not fit")
    if not np.all(d > 0):
        raise InputError("distance has a number that is 0, negative or missing; give each country an internal distance")
    if not (np.all(made >= 0) and np.all(bought >= 0)):
        raise InputError("mass_o or mass_d has a number that is negative or missing; expected 0 or more")
    home = np.asarray(home_factor, dtype=float)
    if not np.all(home > 0):
        raise InputError("home_factor has a number that is 0, negative or missing; expected above 0")
    near = np.zeros((n, n)) if contiguous is None else np.asarray(contiguous, dtype=float)
    elasticity = np.asarray(distance_elasticity, dtype=float)[..., None, None]
    neighbours = np.asarray(contiguity_effect, dtype=float)[..., None, None]
    log_cost = elasticity * np.log(d) + neighbours * near
    at_home = np.where(np.eye(n, dtype=bool), np.broadcast_to(home, (*home.shape[:-1], n))[..., :, None], 1.0)
    return np.asarray(made[..., :, None] * bought[..., None, :] * np.exp(log_cost) * at_home)


@dataclass(frozen=True, eq=False)
class BalancedFlows:
    """Flows that meet the totals, and by how much they do not."""

    flows: Array
    """(..., n, m), exporter x importer, in units of the totals."""
    row_residual: Array
    """(..., n), flows minus total; 0 where no total is given."""
    column_residual: Array
    """(..., m), flows minus total; 0 where no total is given."""
    converged: BoolArray
    """(...), whether every total is met to 1e-11 of itself."""
    iterations: int
    """Steps that the slowest member of the batch took."""


def balance_flows(
    seed: ArrayLike,
    row_totals: ArrayLike,
    column_totals: ArrayLike,
    fixed: ArrayLike | None = None,
    *,
    iterations: int = 2_000,
) -> BalancedFlows:
    """Flows nearest to a seed that meet row and column totals, with known cells held fixed.

    Biproportional fitting (RAS; Deming and Stephan 1940; the minimum of ``sum x ln(x / seed)``, Bacharach 1970) ::

        x_ij = r_i seed_ij s_j  for free cells,    x_ij = fixed_ij  for known ones

    A total of nan is free: its row or column is not scaled. **Rest of the world**: give it the last row and column with
    totals of nan. It then takes up what named countries sell to and buy from others, and totals need not add up.
    Without such a row and column, totals that disagree leave residuals, which are reported.

    Parameters
    ----------
    seed : (..., n, m), 0 or more; a cell of 0 stays 0.
    row_totals : (..., n), column_totals : (..., m); same unit, 0 or more, or nan for free.
    fixed : (n, m) or (..., n, m), known flows; nan where unknown.
    iterations : most steps taken; a member that has converged stays as it is.

    Raises
    ------
    InputError
        Shapes that do not fit, negative numbers, or known cells that exceed a total.

    >>> known = np.full((3, 3), np.nan)
    >>> known[0, 1] = 5.0
    >>> done = balance_flows(np.ones((3, 3)), [40.0, 30.0, np.nan], [50.0, 35.0, np.nan], known)
    >>> done.flows.sum(axis=1)[:2].round(9), done.flows.sum(axis=0)[:2].round(9), done.flows[0, 1]
    (array([40., 30.]), array([50., 35.]), np.float64(5.0))
    """
    start = np.asarray(seed, dtype=float)
    rows, columns = np.asarray(row_totals, dtype=float), np.asarray(column_totals, dtype=float)
    if start.ndim < 2 or rows.shape[-1:] != start.shape[-2:-1] or columns.shape[-1:] != start.shape[-1:]:
        raise InputError(f"seed {start.shape}, row_totals {rows.shape} and column_totals {columns.shape} do not fit")
    if not np.all(start >= 0) or np.any(rows < 0) or np.any(columns < 0):
        raise InputError("seed, row_totals or column_totals has a number below 0, or the seed a missing one")
    known = np.full(start.shape[-2:], np.nan) if fixed is None else np.asarray(fixed, dtype=float)
    if known.shape[-2:] != start.shape[-2:]:
        raise InputError(f"fixed is {known.shape}; expected {start.shape[-2:]} like the seed")
    if np.any(known < 0):
        raise InputError("fixed has a flow below 0; expected 0 or more, nan where unknown")
    lead = np.broadcast_shapes(start.shape[:-2], rows.shape[:-1], columns.shape[:-1], known.shape[:-2])
    held = np.where(np.isnan(known), 0.0, known)
    free = np.where(np.isnan(known), start, 0.0)
    row_left = np.broadcast_to(rows - held.sum(axis=-1), (*lead, rows.shape[-1]))
    column_left = np.broadcast_to(columns - held.sum(axis=-2), (*lead, columns.shape[-1]))
    for name, left, totals in (("row", row_left, rows), ("column", column_left, columns)):
        slack = 1e-9 * np.nan_to_num(totals)  # known cells may exceed a total by rounding only
        if np.any(left < -slack):
            at = int(np.argwhere(left < -slack)[0][-1])
            raise InputError(f"{name} {at}: the known cells exceed its total; correct the total or free a cell")
    row_left, column_left = np.maximum(row_left, 0.0), np.maximum(column_left, 0.0)  # nan stays nan

    flows = np.array(np.broadcast_to(free, (*lead, *start.shape[-2:])))
    done: BoolArray = np.zeros(lead, dtype=bool)
    steps = 0
    while steps < iterations and not done.all():
        steps += 1
        scale = _scale(flows.sum(axis=-1), row_left)
        flows *= np.where(done[..., None], 1.0, scale)[..., :, None]
        scale = _scale(flows.sum(axis=-2), column_left)
        flows *= np.where(done[..., None], 1.0, scale)[..., None, :]
        # Columns have just been met wherever they can be: rows tell how far it is.
        miss = np.abs(_scale(flows.sum(axis=-1), row_left) - 1).max(axis=-1)
        done = done | (miss <= TOLERANCE / 10)
    flows += held
    row_residual = np.where(np.isnan(rows), 0.0, flows.sum(axis=-1) - np.nan_to_num(rows))
    column_residual = np.where(np.isnan(columns), 0.0, flows.sum(axis=-2) - np.nan_to_num(columns))
    met = [
        np.all(np.abs(residual) <= TOLERANCE * np.maximum(np.nan_to_num(totals), 1e-300), axis=-1)
        for residual, totals in ((row_residual, rows), (column_residual, columns))
    ]
    return BalancedFlows(flows, row_residual, column_residual, np.asarray(met[0] & met[1]), steps)


def _scale(sums: Array, totals: Array) -> Array:
    """Factor that brings sums to totals; 1 where the total is free or nothing can be scaled."""
    usable = ~np.isnan(totals) & (sums > 0)
    return np.where(usable, np.where(usable, totals, 1.0) / np.where(usable, sums, 1.0), 1.0)

"""Where would an entrant put plants that serve the region? A fixed-cost location model, over many futures.

With up to a dozen candidate sites every set of sites is tried, for all draws at once: no solver, no gap. Larger or
capacitated cases, and those over several years, go to HiGHS as a mixed-integer programme, and the gap between the best
plan found and the best bound proved comes with the answer: a difference smaller than the gap decides nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array, BoolArray, IntArray
from karvan.base.errors import InputError, KarvanError

MOST_SITES: Final = 12
"""Sites up to which all sets are enumerated: 4,095 sets."""

_CELLS: Final = 60_000  # of the running minima in one pass: about half a megabyte, so that they stay in the cache


class NoPlan(KarvanError, ArithmeticError):
    """The location programme has no solution, or none was found in the time given."""


@dataclass(frozen=True, eq=False)
class Location:
    """The cheapest set of sites in each draw, and how far every site is from belonging to it."""

    sites: IntArray
    """(D,), the set as a number: bit ``s`` is set if site ``s`` is in it; 0 if all is bought from outside."""
    open: BoolArray
    """(D, S), whether a site is in the cheapest set."""
    cost: Array
    """(D,), money per year, of the cheapest set."""
    set_cost: Array
    """(D, 2^S), money per year, of every set, by its number; ``inf`` for the empty set if there is no outside."""
    miss: Array
    """(D, S), money per year: what the cheapest set *with* the site costs more than the cheapest of all; 0 if chosen.
    The subsidy per year that would bring a plant there."""

    @property
    def probability(self) -> Array:
        """(S,), share of draws in which each site is chosen."""
        return np.asarray(self.open.mean(axis=0))


def locate(fixed: ArrayLike, unit: ArrayLike, demand: ArrayLike, *, outside: ArrayLike | None = None) -> Location:
    """Cheapest set of sites to serve all markets, by trying every set in every draw.

    ::

        cost(Z) = sum_{s in Z} fixed_s + sum_m demand_m min_{s in Z} unit_sm,     min over sets Z

    Each market is served from the site that is cheapest for it; plants have no limit. Minima of set ``Z`` with the site
    ``s`` added are those of ``Z`` and ``s``, so all ``2^S`` sets take ``S`` vectorised steps. Of equal sets the
    one with the lowest number is taken.

    Parameters
    ----------
    fixed : (D, S) or (S,), money per year that a plant costs there (annuity of investment, overhead), 0 or more.
    unit : (D, S, M) or (S, M), money per car, delivered cost from site to market.
    demand : (D, M) or (M,), cars per year, 0 or more.
    outside : (D, M) or (M,), money per car of a car from elsewhere; then nobody need be served from a site, and the
        empty set is a candidate.

    Raises
    ------
    InputError
        More than 12 sites, shapes that do not fit, negative, missing or infinite numbers.

    >>> choice = locate([100.0, 150.0], [[1.0, 3.0], [2.0, 1.0]], [50.0, 100.0])
    >>> choice.set_cost[0], choice.open[0], choice.miss[0]
    (array([ inf, 450., 350., 400.]), array([False,  True]), array([50.,  0.]))
    """
    F, c, q, o = _location_input(fixed, unit, demand, outside)
    draws, sites, markets = c.shape
    sets = 2**sites
    costs = np.empty((draws, sets))
    chunk = max(1, _CELLS // (sets * markets))
    for first in range(0, draws, chunk):
        here = slice(first, first + chunk)
        cost, amount = np.moveaxis(c[here], 0, -1), q[here].T
        best = np.empty((sets, markets, cost.shape[-1]))
        best[0] = 0.0 if o is None else o[here].T
        fixed_sum = np.zeros((sets, cost.shape[-1]))
        for s in range(sites):
            old, new = slice(0, 2**s), slice(2**s, 2 ** (s + 1))
            np.minimum(best[old], cost[s], out=best[new])
            if o is None:
                best[2**s] = cost[s]  # the site alone: nothing to compare with
            np.add(fixed_sum[old], F[here, s], out=fixed_sum[new])
        best *= amount
        costs[here] = (best.sum(axis=1) + fixed_sum).T
    if o is None:
        costs[:, 0] = np.inf
    chosen = np.argmin(costs, axis=1).astype(np.int64)
    lowest = costs[np.arange(draws), chosen]
    member = (np.arange(sets)[:, None] >> np.arange(sites)) & 1 == 1
    miss = np.stack([costs[:, member[:, s]].min(axis=1) - lowest for s in range(sites)], axis=1)
    return Location(sites=chosen, open=member[chosen], cost=lowest, set_cost=costs, miss=miss)


@dataclass(frozen=True, eq=False)
class SitePlan:
    """A plan found by HiGHS, with the proof of how good it is."""

    opens: BoolArray
    """(S, T), whether a plant opens at the site in the year."""
    shipments: Array
    """(S, M, T), cars per year from site to market."""
    bought: Array
    """(M, T), cars per year from outside."""
    cost: Array
    """(), money, of the plan."""
    bound: Array
    """(), money: no plan can cost less."""
    gap: float
    """``(cost - bound) / cost``: 0 means proved optimal."""

    @property
    def open(self) -> BoolArray:
        """(S, T), whether a plant stands at the site in the year."""
        standing: BoolArray = np.cumsum(self.opens, axis=1) > 0
        return standing


def plan_sites(
    open_cost: ArrayLike,
    unit: ArrayLike,
    demand: ArrayLike,
    *,
    run_cost: ArrayLike = 0.0,
    capacity: ArrayLike | None = None,
    outside: ArrayLike | None = None,
    gap: float = 1e-6,
    seconds: float = 60.0,
) -> SitePlan:
    """Where and when to open plants, with limits of capacity, as a mixed-integer programme solved by HiGHS.

    ::

        min  sum_st open_cost_st y_st + run_cost_st Y_st + sum_smt unit_smt q_mt x_smt + sum_mt outside_mt q_mt o_mt
        s.t. sum_s x_smt + o_mt = 1,   x_smt <= Y_st,   sum_m q_mt x_smt <= capacity_s Y_st,
             Y_st = sum_{u <= t} y_su <= 1,   y binary,   0 <= x, o <= 1

    The strong links ``x <= Y``, one for each flow, keep the relaxation tight. Costs are present values.
    Add models up before planning: with ten models a programme takes hundreds of times longer for the same sites.

    Parameters
    ----------
    open_cost : (S, T) or (S,), money when a plant opens in the year; ``run_cost`` the same while it stands.
    unit : (S, M, T) or (S, M), money per car delivered.
    demand : (M, T) or (M,), cars per year.
    capacity : (S,), cars per year; no limit if left out.
    outside : (M, T) or (M,), money per car from elsewhere; if left out, all must be served.
    gap : relative gap at which the search may stop. seconds : time after which it stops with the best plan so far.

    Raises
    ------
    NoPlan
        Capacity cannot serve demand, or no plan was found in time.
    InputError
        Shapes that do not fit, or negative, missing or infinite numbers.

    >>> plan = plan_sites([100.0, 150.0], [[1.0, 3.0], [2.0, 1.0]], [50.0, 100.0])
    >>> plan.open[:, 0], float(plan.cost), plan.gap
    (array([False,  True]), 350.0, 0.0)
    """
    from scipy.optimize import Bounds, LinearConstraint, milp  # slow to load: only where a programme is solved
    from scipy.sparse import coo_array

    c, q = np.asarray(unit, dtype=float), np.asarray(demand, dtype=float)
    c, q = (c[..., None] if c.ndim == 2 else c), (q[..., None] if q.ndim == 1 else q)
    if c.ndim != 3 or q.shape != c.shape[1:]:
        raise InputError(f"unit {c.shape} and demand {q.shape} do not fit; expected (S, M, T) and (M, T)")
    S, M, T = c.shape
    build = _by_site("open_cost", open_cost, S, T)
    run = _by_site("run_cost", run_cost, S, T)
    o = None if outside is None else np.asarray(outside, dtype=float).reshape(M, -1)
    limit = None if capacity is None else np.asarray(capacity, dtype=float)
    for name, array in (("open_cost", build), ("run_cost", run), ("unit", c), ("demand", q), ("outside", o)):
        if array is not None and not (np.all(array >= 0) and np.all(np.isfinite(array))):
            raise InputError(f"{name} has a number that is negative, missing or infinite")
    if limit is not None and (limit.shape != (S,) or not np.all(limit >= 0)):
        raise InputError(f"capacity is {limit.shape}; expected ({S},), 0 or more")
    if o is not None and o.shape != (M, T):
        raise InputError(f"outside is {o.shape}; expected {(M, T)}")

    # Columns: y (S, T), x (S, M, T), o (M, T).
    n_y, n_x = S * T, S * M * T
    y_at = np.arange(n_y).reshape(S, T)
    x_at = n_y + np.arange(n_x).reshape(S, M, T)
    o_at = n_y + n_x + np.arange(M * T).reshape(M, T) if o is not None else None
    columns = n_y + n_x + (M * T if o is not None else 0)
    # A plant that opens in u runs from u on.
    objective = np.concatenate([(build + run[:, ::-1].cumsum(axis=1)[:, ::-1]).ravel(), (c * q).ravel()])
    if o is not None:
        objective = np.concatenate([objective, (o * q).ravel()])

    later = np.tril(np.ones((T, T), dtype=bool))  # [t, u]: opened in u stands in t
    blocks: list[Any] = []

    def constrain(parts: list[tuple[Array, IntArray, IntArray]], count: int, low: float, high: float) -> None:
        value, row, column = (
            np.concatenate([np.broadcast_to(p[i], p[1].shape).ravel() for p in parts]) for i in range(3)
        )
        matrix = coo_array((value, (row, column)), shape=(count, columns)).tocsr()
        blocks.append(LinearConstraint(matrix, low, high))

    one = np.ones(1)
    served = np.broadcast_to(np.arange(M * T).reshape(M, T), (S, M, T))
    parts = [(one, served, x_at)]
    if o_at is not None:
        parts.append((one, served[0], o_at))
    constrain(parts, M * T, 1.0, 1.0)
    constrain([(one, np.repeat(np.arange(S), T).reshape(S, T), y_at)], S, 0.0, 1.0)
    link = np.arange(n_x).reshape(S, M, T)
    t_at, u_at = np.nonzero(later)
    constrain(
        [(one, link, x_at), (-one, link[:, :, t_at], np.repeat(y_at[:, None, u_at], M, axis=1))], n_x, -np.inf, 0.0
    )
    if limit is not None:
        row = np.arange(n_y).reshape(S, T)
        held = np.where(np.isfinite(limit), limit, q.sum(axis=0).max() + 1.0)
        constrain(
            [
                (np.broadcast_to(q, (S, M, T)), np.repeat(row[:, None, :], M, axis=1), x_at),
                (-np.repeat(held, len(t_at)).reshape(S, -1), row[:, t_at], y_at[:, u_at]),
            ],
            n_y,
            -np.inf,
            0.0,
        )
    solved = milp(
        objective,
        constraints=blocks,
        bounds=Bounds(0.0, 1.0),
        integrality=np.r_[np.ones(n_y), np.zeros(columns - n_y)],
        options={"mip_rel_gap": gap, "time_limit": seconds},
    )
    if solved.x is None:
        raise NoPlan(f"no plan found: {solved.message}")
    x = np.clip(solved.x[n_y : n_y + n_x].reshape(S, M, T), 0.0, 1.0)
    bought = np.zeros((M, T)) if o is None else np.clip(solved.x[n_y + n_x :].reshape(M, T), 0.0, 1.0) * q
    bound = float(solved.mip_dual_bound) if solved.mip_dual_bound is not None else float(solved.fun)
    cost = float(solved.fun)
    return SitePlan(
        opens=solved.x[:n_y].reshape(S, T) > 0.5,
        shipments=x * q,
        bought=bought,
        cost=np.asarray(cost),
        bound=np.asarray(bound),
        gap=max(cost - bound, 0.0) / cost if cost > 0 else 0.0,
    )


def check_locations(
    choice: Location,
    fixed: ArrayLike,
    unit: ArrayLike,
    demand: ArrayLike,
    draws: Sequence[int],
    *,
    outside: ArrayLike | None = None,
) -> float:
    """Largest relative difference between the enumerated cost and that of HiGHS in a sample of draws.

    Parameters
    ----------
    choice, fixed, unit, demand, outside : the answer and the question of :func:`locate`.
    draws : which draws to check; each takes some hundredths of a second.
    """
    F, c, q, o = _location_input(fixed, unit, demand, outside)
    apart = 0.0
    for d in draws:
        plan = plan_sites(F[d], c[d], q[d], outside=None if o is None else o[d], gap=0.0)
        apart = max(apart, abs(float(plan.cost) - float(choice.cost[d])) / max(float(choice.cost[d]), 1e-300))
    return apart


def _location_input(
    fixed: ArrayLike, unit: ArrayLike, demand: ArrayLike, outside: ArrayLike | None
) -> tuple[Array, Array, Array, Array | None]:
    """(D, S), (D, S, M), (D, M), (D, M) or None, checked."""
    F, c, q = (np.asarray(x, dtype=float) for x in (fixed, unit, demand))
    o = None if outside is None else np.asarray(outside, dtype=float)
    if c.ndim not in (2, 3) or F.shape[-1:] != c.shape[-2:-1] or q.shape[-1:] != c.shape[-1:]:
        raise InputError(f"fixed {F.shape}, unit {c.shape} and demand {q.shape} do not fit")
    sites, markets = c.shape[-2:]
    if sites > MOST_SITES:
        raise InputError(f"{sites} sites are too many to try every set; at most {MOST_SITES}, or use plan_sites")
    given = [("fixed", F), ("unit", c), ("demand", q)] + ([] if o is None else [("outside", o)])
    for name, array in given:
        if not (np.all(array >= 0) and np.all(np.isfinite(array))):
            raise InputError(f"{name} has a number that is negative, missing or infinite")
    try:
        lead = np.broadcast_shapes(F.shape[:-1], c.shape[:-2], q.shape[:-1], () if o is None else o.shape[:-1], (1,))
        (draws,) = lead
        if o is not None:
            o = np.broadcast_to(o, (draws, markets))
    except ValueError as error:
        raise InputError(f"fixed {F.shape}, unit {c.shape} and demand {q.shape} have different draws") from error
    return (
        np.broadcast_to(F, (draws, sites)),
        np.broadcast_to(c, (draws, sites, markets)),
        np.broadcast_to(q, (draws, markets)),
        o,
    )


def _by_site(name: str, value: ArrayLike, sites: int, years: int) -> Array:
    """(S, T) from (S, T), (S,) or a number."""
    array = np.asarray(value, dtype=float)
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim == 2 and (array.shape[0] != sites or array.shape[1] not in (1, years)):
        raise InputError(f"{name} is {array.shape}; expected {(sites, years)}")
    return np.broadcast_to(array, (sites, years))

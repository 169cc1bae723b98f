"""Car flows between countries where no matrix is published: a gravity seed, balanced to what is known.

The seed says which flows are likely (big makers, big markets, short ways, low duties); balancing makes it agree with
output by maker, sales by market and every flow that some statistic prints. What is left is estimated, and its error is
measured by rebuilding a matrix that is known (:func:`rebuild_error`).

Letters: ``O`` origins (makers), ``M`` markets; ``X[o, m]`` the flow, home sales included.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from karvan.base.axes import Array, BoolArray, IntArray
from karvan.base.errors import InputError

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the earth (IUGG)."""


def great_circle(latitude: Array, longitude: Array, latitude_to: Array, longitude_to: Array) -> Array:
    """Distance over the surface of the earth between two sets of places.

    Haversine formula, ``d = 2 R arcsin sqrt(sin^2(dlat / 2) + cos lat cos lat' sin^2(dlon / 2))``; Sinnott (1984),
    Sky and Telescope 68(2), 159.

    Parameters
    ----------
    latitude, longitude : (O,), degrees.
    latitude_to, longitude_to : (M,), degrees.

    Returns
    -------
    (O, M), km.
    """
    lat, lon, lat_to, lon_to = (
        np.radians(np.asarray(a, dtype=float)) for a in (latitude, longitude, latitude_to, longitude_to)
    )
    half_lat = np.sin((lat[:, None] - lat_to) / 2)
    half_lon = np.sin((lon[:, None] - lon_to) / 2)
    h = half_lat**2 + np.cos(lat)[:, None] * np.cos(lat_to) * half_lon**2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(h, 1.0))), dtype=np.float64)


def mean_distance(distance: Array, weight: Array, *, distance_elasticity: float) -> Array:
    """The one distance to a group of places that gives the same gravity as the places themselves.

    ``d = (sum_k w_k d_k^-b / sum_k w_k)^(-1 / b)``; Head and Mayer (2002), CEPII working paper 2002-01.

    Parameters
    ----------
    distance : (O, K), km, to the K places of the group.
    weight : (K,), mass of each place, at least one above 0.
    distance_elasticity : b, above 0.

    Returns
    -------
    (O,), km.
    """
    if distance_elasticity <= 0:
        raise InputError(f"distance_elasticity is {distance_elasticity}: expected a number above 0")
    share = np.asarray(weight, dtype=float) / np.sum(weight)
    return np.asarray((distance**-distance_elasticity @ share) ** (-1 / distance_elasticity), dtype=np.float64)


def gravity_seed(
    mass_origin: Array,
    mass_market: Array,
    distance: Array,
    *,
    distance_elasticity: float,
    contiguous: BoolArray | None = None,
    border_factor: float = 1.0,
    home: BoolArray | None = None,
    home_factor: float = 1.0,
    duty_rate: Array | None = None,
    duty_elasticity: float = 0.0,
) -> Array:
    """Likely flows, up to factors of rows and columns: what :func:`balance_flows` starts from.

    ``S[o, m] = mass_o mass_m d^-b B^contiguous (1 + t)^-e`` abroad and ``S = mass_o mass_m H`` at home; Tinbergen
    (1962); Head and Mayer (2014), Handbook of International Economics 4, chapter 3, section 2. Home sales have no
    distance, so ``H`` also holds the nearness of one's own customers and goes with the ``b`` of the same fit
    (:func:`fit_seed`).

    Parameters
    ----------
    mass_origin : (O,), output, any unit, at least 0.
    mass_market : (M,), sales, any unit, at least 0.
    distance : (O, M), km, above 0 where not home.
    distance_elasticity : b, at least 0.
    contiguous : (O, M), whether the two share a land border; none by default.
    border_factor : B, above 0.
    home : (O, M), whether the market is the maker's own; none by default.
    home_factor : H, above 0, per km^-b.
    duty_rate : (O, M), ad valorem duty, share of 1, above -1; none by default.
    duty_elasticity : e, at least 0.

    Returns
    -------
    (O, M), without a unit.

    >>> gravity_seed(np.array([2.0]), np.array([1.0, 3.0]), np.array([[10.0, 100.0]]), distance_elasticity=1.0)
    array([[0.2 , 0.06]])
    """
    origin, market = np.asarray(mass_origin, dtype=float), np.asarray(mass_market, dtype=float)
    shape = (origin.size, market.size)
    if np.shape(distance) != shape:
        raise InputError(f"distance has shape {np.shape(distance)}: expected (origins, markets) = {shape}")
    if np.any(origin < 0) or np.any(market < 0):
        raise InputError("a mass is below 0: output and sales are at least 0")
    if border_factor <= 0 or home_factor <= 0:
        raise InputError(f"border_factor {border_factor} and home_factor {home_factor}: both must be above 0")
    at_home = np.zeros(shape, dtype=bool) if home is None else np.asarray(home, dtype=bool)
    away = np.where(at_home, 1.0, distance)
    if np.any(away <= 0):
        o, m = np.argwhere(away <= 0)[0]
        raise InputError(f"distance[{o}, {m}] is {away[o, m]}: expected above 0 km, or home[{o}, {m}] set")
    resistance = away**-distance_elasticity
    if contiguous is not None:
        resistance = resistance * np.where(contiguous, border_factor, 1.0)
    if duty_rate is not None:
        resistance = resistance * (1 + np.asarray(duty_rate, dtype=float)) ** -duty_elasticity
    return np.asarray(origin[:, None] * market * np.where(at_home, home_factor, resistance), dtype=np.float64)


@dataclass(frozen=True)
class BalancedFlows:
    """Flows that agree with their margins. Residuals say how far they are from doing so."""

    flows: Array
    """(O, M), in the unit of the margins."""
    row_totals: Array
    """(O,), with a missing total filled in."""
    column_totals: Array
    """(M,), with a missing total filled in."""
    row_residual: Array
    """(O,), row sum less row total."""
    column_residual: Array
    """(M,), column sum less column total."""
    row_factor: Array
    """(O,), factor by which the balancing multiplied the free cells of a row."""
    column_factor: Array
    """(M,), factor by which the balancing multiplied the free cells of a column."""
    iterations: int
    """Passes used."""


def balance_flows(
    seed: Array,
    row_totals: Array,
    column_totals: Array,
    *,
    fixed: Array | None = None,
    world_total: float | None = None,
    tolerance: float = 1e-10,
    iterations: int = 20_000,
) -> BalancedFlows:
    """The flows nearest to a seed, in relative entropy, that meet every total and every cell on record.

    ``X[o, m] = r_o S[o, m] c_m`` in free cells, with ``r`` and ``c`` found by scaling rows and columns in turn (RAS);
    Bacharach (1965), International Economic Review 6, 294-310. Cells on record are taken off the totals first.

    Parameters
    ----------
    seed : (O, M), at least 0.
    row_totals : (O,), output, at least 0; one may be nan, the rest of the world, and closes the world total.
    column_totals : (M,), sales, at least 0; one may be nan, likewise.
    fixed : (O, M), cells on record, nan where free.
    world_total : sum of all flows; needed where both a row and a column are nan.
    tolerance : greatest residual, share of the world total.
    iterations : most passes.

    Returns
    -------
    :class:`BalancedFlows`.

    Raises
    ------
    InputError : shapes or signs are wrong; totals do not add up; cells on record exceed a total; a total has no cell to
        fill; the passes run out.

    >>> balance_flows(np.array([[4.0, 1.0], [1.0, 4.0]]), np.array([10.0, 20.0]), np.array([15.0, 15.0])).flows.round(3)
    array([[ 8.783,  1.217],
           [ 6.217, 13.783]])
    """
    start = np.array(seed, dtype=float)
    if start.ndim != 2 or not np.all(np.isfinite(start)) or np.any(start < 0):
        raise InputError("seed: expected a matrix (origins, markets) of finite numbers of at least 0")
    rows, columns = _close(row_totals, column_totals, start.shape, world_total)
    known = np.full(start.shape, np.nan) if fixed is None else np.asarray(fixed, dtype=float)
    if known.shape != start.shape or np.any(known < 0):
        raise InputError(f"fixed: expected shape {start.shape} with cells of at least 0 or nan")
    on_record = ~np.isnan(known)
    start[on_record] = 0.0
    record = np.where(on_record, known, 0.0)
    world = float(rows.sum())
    left_rows = _left("row", rows, record.sum(axis=1), start.sum(axis=1), tolerance * world)
    left_columns = _left("column", columns, record.sum(axis=0), start.sum(axis=0), tolerance * world)

    r, c = np.ones(rows.size), np.ones(columns.size)
    flows, used = start, 0
    for passes in range(1, iterations + 1):
        r = _ratio(left_rows, start @ c)
        c = _ratio(left_columns, r @ start)
        flows = r[:, None] * start * c
        if np.max(np.abs(flows.sum(axis=1) - left_rows)) <= tolerance * world:
            used = passes
            break
    else:
        worst = int(np.argmax(np.abs(flows.sum(axis=1) - left_rows)))
        miss = flows[worst].sum() - left_rows[worst]
        raise InputError(
            f"balancing did not end after {iterations} passes: row {worst} is off by {miss:.3g}; "
            "the cells with a seed above 0 cannot carry the totals: fix fewer cells or widen the seed"
        )
    total = flows + record
    return BalancedFlows(total, rows, columns, total.sum(axis=1) - rows, total.sum(axis=0) - columns, r, c, used)


def _close(row_totals: Array, column_totals: Array, shape: tuple[int, ...], world: float | None) -> tuple[Array, Array]:
    """Totals with the rest of the world filled in, checked to add up."""
    rows, columns = np.array(row_totals, dtype=float), np.array(column_totals, dtype=float)
    if (rows.size, columns.size) != shape:
        raise InputError(f"totals: {rows.size} rows and {columns.size} columns; the seed has {shape[0]} and {shape[1]}")
    open_row, open_column = np.isnan(rows), np.isnan(columns)
    if open_row.sum() > 1 or open_column.sum() > 1:
        raise InputError("totals: only one row and one column, the rest of the world, may be nan")
    if world is None:
        if open_row.any() and open_column.any():
            raise InputError("totals: a row and a column are nan: world_total is needed to close them")
        world = float(columns.sum() if open_row.any() else rows.sum())
    rows[open_row] = world - np.nansum(rows)
    columns[open_column] = world - np.nansum(columns)
    for name, totals in (("row", rows), ("column", columns)):
        if np.any(totals < 0):
            first = int(np.argmax(totals < 0))
            raise InputError(f"{name} total {first} is {totals[first]:.6g}: expected at least 0")
    if abs(rows.sum() - columns.sum()) > 1e-9 * max(world, 1e-300):
        raise InputError(
            f"totals: rows add up to {rows.sum():.9g}, columns to {columns.sum():.9g}; "
            "give the rest of the world as nan to close them"
        )
    return rows, columns


def _left(name: str, totals: Array, record: Array, seed: Array, slack: float) -> Array:
    """What free cells must carry: total less cells on record."""
    left = totals - record
    if np.any(left < -slack):
        first = int(np.argmin(left))
        raise InputError(
            f"{name} {first}: cells on record add up to {record[first]:.6g}, more than the total {totals[first]:.6g}"
        )
    left = np.maximum(left, 0.0)
    empty = (left > slack) & (seed == 0)
    if np.any(empty):
        first = int(np.argmax(empty))
        raise InputError(f"{name} {first}: {left[first]:.6g} is left to place, but no free cell has a seed above 0")
    return left


def _ratio(wanted: Array, found: Array) -> Array:
    """``wanted / found``, 0 where nothing is wanted."""
    return np.divide(wanted, found, out=np.zeros_like(found), where=(wanted > 0) & (found > 0))


@dataclass(frozen=True)
class SeedFit:
    """Elasticities of a gravity seed, fitted to a known matrix."""

    coefficients: Array
    """(C,), effect of each covariate on ln flow."""
    standard_errors: Array
    """(C,), robust to heteroskedasticity (HC0)."""
    fitted: Array
    """(O, M), fitted flows: they meet the margins of the matrix."""


def fit_seed(flows: Array, covariates: Array, *, iterations: int = 200) -> SeedFit:
    """Elasticities of a gravity seed by Poisson pseudo maximum likelihood with origin and market effects.

    ``E[X] = exp(a_o + g_m + sum_k b_k z_k)``; Santos Silva and Tenreyro (2006), Review of Economics and Statistics 88,
    641-658. Zero flows count. With these effects the fitted flows have the margins of the data (Fally 2015, Journal of
    International Economics 97, 76-85), so they are what :func:`balance_flows` makes of the seed.

    Parameters
    ----------
    flows : (O, M), at least 0, with a positive sum in every row and column.
    covariates : (C, O, M).
    iterations : most steps of iteratively reweighted least squares.

    Returns
    -------
    :class:`SeedFit`.
    """
    data = np.asarray(flows, dtype=float)
    if np.any(data < 0) or np.any(data.sum(axis=0) <= 0) or np.any(data.sum(axis=1) <= 0):
        raise InputError("flows: expected cells of at least 0 and a positive sum in every row and column")
    o, m = data.shape
    count = len(covariates)
    origin = np.repeat(np.eye(o), m, axis=0)
    market = np.tile(np.eye(m), (o, 1))[:, 1:]  # one market is the base, else the effects are not identified
    design = np.column_stack([np.reshape(covariates, (count, -1)).T, origin, market])
    y = data.ravel()
    mu = (y + y.mean()) / 2
    eta = np.log(mu)
    for _ in range(iterations):
        root = np.sqrt(mu)
        beta = np.linalg.lstsq(design * root[:, None], (eta + (y - mu) / mu) * root, rcond=None)[0]
        step = np.clip(design @ beta, -60, 60)
        change = float(np.max(np.abs(step - eta) * mu)) / float(mu.sum())
        eta, mu = step, np.exp(step)
        if change < 1e-13:
            break
    else:
        raise InputError(
            f"the fit did not end after {iterations} steps: a covariate may separate zero flows from others"
        )
    bread = np.linalg.pinv(design.T @ (design * mu[:, None]))
    meat = design.T @ (design * ((y - mu) ** 2)[:, None])
    errors = np.sqrt(np.diag(bread @ meat @ bread))
    return SeedFit(beta[:count], errors[:count], mu.reshape(o, m))


@dataclass(frozen=True)
class RebuildError:
    """How well an estimated matrix meets the true one."""

    misplaced: float
    """Share of the world total that stands in the wrong cell: half the sum of absolute errors."""
    misplaced_abroad: float
    """The same among flows abroad, share of true flows abroad."""
    correlation: float
    """Correlation of cells."""
    correlation_abroad: float
    """Correlation of cells abroad."""
    correlation_log: float
    """Correlation of ln cells, true cells of 0 left out."""
    log_rmse: float
    """Root mean square of ln(true / estimated), true cells of 0 left out."""
    log_rmse_large: float
    """The same for cells estimated at a tenth of their market or more."""
    class_edges: Array
    """(C + 1,), edges of the size classes: estimated share of the market, share of 1, rising."""
    class_count: IntArray
    """(C,), cells abroad in the class with a true flow above 0."""
    class_zero: IntArray
    """(C,), cells abroad in the class with a true flow of 0."""
    class_median: Array
    """(C,), median of ln(true / estimated)."""
    class_rmse: Array
    """(C,), root mean square of ln(true / estimated)."""
    class_spread: Array
    """(C,), half the distance between the 16 % and 84 % points of ln(true / estimated): a standard deviation that a few
    empty cells do not decide."""


def rebuild_error(true: Array, estimated: Array, home: BoolArray, class_edges: Array) -> RebuildError:
    """How well an estimated matrix meets the true one, overall and by size of the cell.

    Parameters
    ----------
    true, estimated : (O, M), at least 0; estimated above 0.
    home : (O, M), which cells are home sales; they are left out of the classes.
    class_edges : (C + 1,), rising, shares of the market.
    """
    truth, guess, at_home = np.asarray(true, float), np.asarray(estimated, float), np.asarray(home, bool)
    if np.any(guess <= 0):
        raise InputError("estimated: a cell is 0 or below, so its ln error is not defined")
    share = guess / guess.sum(axis=0)
    miss = np.abs(guess - truth)
    positive = truth > 0
    log_error = np.zeros_like(truth)
    log_error[positive] = np.log(truth[positive] / guess[positive])
    edges = np.asarray(class_edges, dtype=float)
    inside = [~at_home & (share >= low) & (share < high) for low, high in pairwise(edges)]
    errors = [log_error[cells & positive] for cells in inside]

    # median, root mean square and half the 16-84 % range of each class; nan where it is empty
    by_class = np.array([_of_class(e) if e.size else (np.nan, np.nan, np.nan) for e in errors])
    return RebuildError(
        misplaced=float(miss.sum() / 2 / truth.sum()),
        misplaced_abroad=float(miss[~at_home].sum() / 2 / truth[~at_home].sum()),
        correlation=float(np.corrcoef(guess.ravel(), truth.ravel())[0, 1]),
        correlation_abroad=float(np.corrcoef(guess[~at_home], truth[~at_home])[0, 1]),
        correlation_log=float(np.corrcoef(np.log(guess[positive]), np.log(truth[positive]))[0, 1]),
        log_rmse=float(np.sqrt(np.mean(log_error[positive] ** 2))),
        log_rmse_large=float(np.sqrt(np.mean(log_error[positive & (share >= 0.1)] ** 2))),
        class_edges=edges,
        class_count=np.array([e.size for e in errors], dtype=np.int64),
        class_zero=np.array([int((cells & ~positive).sum()) for cells in inside], dtype=np.int64),
        class_median=by_class[:, 0],
        class_rmse=by_class[:, 1],
        class_spread=by_class[:, 2],
    )


def _of_class(errors: Array) -> tuple[float, float, float]:
    low, middle, high = np.quantile(errors, [0.16, 0.5, 0.84])
    return float(middle), float(np.sqrt(np.mean(errors**2))), float(high - low) / 2

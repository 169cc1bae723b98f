"""How good is an estimated matrix of flows? Rebuild one that is known, and measure.

The method of :mod:`karvan.market.flows` needs distances, elasticities and an error of each cell to draw with. This
module fits the elasticities to a known matrix and turns the misses of the rebuilt one into an error by size of cell.

Letters: ``O`` origins (makers), ``M`` markets; home sales stand in the matrix too.
"""

from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist

import numpy as np

from karvan.base.axes import Array, BoolArray, IntArray
from karvan.base.errors import InputError

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the earth (IUGG)."""


def great_circle(latitude: Array, longitude: Array, latitude_to: Array, longitude_to: Array) -> Array:
    """Distance over the surface of the earth between two sets of places.

    ``d = R atan2(sqrt((cos lat' sin dlon)^2 + (cos lat sin lat' - sin lat cos lat' cos dlon)^2),
    sin lat sin lat' + cos lat cos lat' cos dlon)``; Vincenty (1975), Survey Review 23(176), 88-93, on a sphere. The
    haversine formula loses half of its digits between places that face each other on the globe; this one does not.

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
    turn = lon_to - lon[:, None]
    sin, cos = np.sin(lat)[:, None], np.cos(lat)[:, None]
    across = np.cos(lat_to) * np.sin(turn)
    along = cos * np.sin(lat_to) - sin * np.cos(lat_to) * np.cos(turn)
    facing = sin * np.sin(lat_to) + cos * np.cos(lat_to) * np.cos(turn)
    return np.asarray(EARTH_RADIUS_KM * np.arctan2(np.hypot(across, along), facing), dtype=np.float64)


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
    International Economics 97, 76-85), so they are what :func:`karvan.market.flows.balance_flows` makes of the seed.

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
    design = np.column_stack([np.reshape(covariates, (count, o * m)).T, origin, market])
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
    # The sandwich as a sum of squares: what a saturated fit leaves is rounding, which a product could make negative.
    errors = np.linalg.norm(bread @ design.T * (y - mu), axis=1)
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
    class_log_error: Array
    """(C,), standard error of ln flow to draw with: that of a lognormal with mean 1 and the spread of true / estimated,
    ``sqrt(ln(1 + cv^2))``, zeros included, ratios above their 99 % point set to it. Errors are skewed: small cells are
    often far too high and seldom far too low, so the log root mean square would draw impossible surpluses."""

    def log_error(self, share: Array) -> Array:
        """Standard error of ln flow for cells of the given share of their market, from the class they fall in."""
        place = np.searchsorted(self.class_edges, share, side="right") - 1
        return np.asarray(self.class_log_error[np.clip(place, 0, self.class_log_error.size - 1)], dtype=np.float64)


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

    ratios = [truth[cells] / guess[cells] for cells in inside]
    by_class = np.array([_of_class(e, r) if e.size else (np.nan,) * 3 for e, r in zip(errors, ratios, strict=True)])
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
        class_log_error=by_class[:, 2],
    )


def band_coverage(
    true: Array, estimated: Array, log_error: Array, cells: BoolArray, probability: float = 0.9
) -> tuple[float, float, float]:
    """Where the truth lies against the band that an error model draws: shares below, inside and above.

    The band is central: of a lognormal whose mean is the estimate and whose standard error of ln is ``log_error``.

    Parameters
    ----------
    true, estimated, log_error : (O, M); estimated and log_error above 0.
    cells : (O, M), which cells count, at least one.
    probability : of the band, between 0 and 1.

    Returns
    -------
    Shares of the cells below, inside and above: (0.05, 0.9, 0.05) if the model is right.
    """
    edge = NormalDist().inv_cdf(0.5 + probability / 2)
    spread = log_error[cells]
    with np.errstate(divide="ignore"):  # a true flow of 0 lies below any band
        z = (np.log(true[cells]) - np.log(estimated[cells]) + spread**2 / 2) / spread
    return float(np.mean(z < -edge)), float(np.mean(np.abs(z) <= edge)), float(np.mean(z > edge))


def _of_class(errors: Array, ratios: Array) -> tuple[float, float, float]:
    """Median and root mean square of ln errors, and the standard error to draw with."""
    tamed = np.minimum(ratios, np.quantile(ratios, 0.99))
    spread = np.sqrt(np.log1p(np.mean((tamed - 1) ** 2)))
    return float(np.median(errors)), float(np.sqrt(np.mean(errors**2))), float(spread)

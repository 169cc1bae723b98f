"""Estimating gravity: trade explained by distance, borders and agreements, with fixed effects of both sides.

Poisson pseudo-maximum likelihood (Santos Silva and Tenreyro 2006) keeps zero flows and is consistent under
heteroskedasticity; least squares on logs is offered to show what dropping zeros does. The estimator is pyfixest's, an
optional extra: ``pip install karvan[gravity]``.
"""

import inspect
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import AnyArray, Array
from karvan.base.errors import InputError, KarvanError

GravityMethod = Literal["ppml", "ols"]


class MissingExtra(KarvanError, ImportError):
    """An optional package is not installed; the text says how to get it."""


@dataclass(frozen=True, eq=False)
class GravityEstimate:
    """Coefficients of a gravity equation, in the order of the covariates given."""

    names: tuple[str, ...]
    """Covariates (``Intercept`` first where there are no fixed effects)."""
    coefficients: Array
    """Per covariate; elasticities where the covariate is a log."""
    standard_errors: Array
    """Per covariate, clustered if clusters were given."""
    observations: int
    """Rows that were used."""
    dropped: int
    """Rows left out: zeros for least squares; for PPML those that effects predict perfectly (separation)."""

    def __getitem__(self, name: str) -> tuple[float, float]:
        """Coefficient and standard error of one covariate."""
        if name not in self.names:
            raise InputError(f"no covariate {name!r}; expected one of {', '.join(self.names)}")
        at = self.names.index(name)
        return float(self.coefficients[at]), float(self.standard_errors[at])


def gravity(
    trade: ArrayLike,
    exporter: ArrayLike,
    importer: ArrayLike,
    covariates: Mapping[str, ArrayLike],
    *,
    year: ArrayLike | None = None,
    pair: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    fixed_effects: bool = True,
    method: GravityMethod = "ppml",
) -> GravityEstimate:
    """Gravity equation with exporter and importer effects, by PPML or by least squares on logs.

    ::

        X_ijt = exp(beta' z_ijt + F_it + G_jt + H_ij) + e_ijt

    With domestic flows among the rows, and a border dummy or ``H``, the level of trade with oneself is used too; the
    coefficients of agreements then count diversion from home (Yotov et al. 2016, chapter 1). The fixed effects of PPML
    are the multilateral resistances of the model (Fally 2015): get them, and market access, by
    :func:`karvan.market.multilateral_resistance` with the estimated coefficients.

    Parameters
    ----------
    trade : (N,), money or cars per year, 0 or more.
    exporter, importer : (N,), names or codes.
    covariates : name to (N,); names of letters, digits and underscores.
    year : (N,); effects are then by country and year.
    pair : (N,); further effects ``H``, e.g. one per pair of countries.
    cluster : (N,); standard errors clustered by it, else heteroskedasticity-robust.
    fixed_effects : false leaves ``F`` and ``G`` out: then give sizes as covariates.

    Raises
    ------
    MissingExtra
        pyfixest is not installed.
    InputError
        Columns of different length, a negative or missing flow, an unusable name, an unknown method.
    """
    columns = _columns(trade, exporter, importer, covariates, year, pair, cluster)
    if method not in ("ppml", "ols"):
        raise InputError(f"method is {method!r}; expected 'ppml' or 'ols'")
    try:
        import pandas
        import pyfixest
    except ImportError as error:
        raise MissingExtra("gravity needs pyfixest, which is not installed: pip install karvan[gravity]") from error

    frame = pandas.DataFrame(columns)
    left = "trade_"
    if method == "ols":
        frame = frame[frame["trade_"] > 0]
        frame = frame.assign(log_trade_=np.log(frame["trade_"]))
        left = "log_trade_"
    effects = [name for name in ("exporter_", "importer_") if fixed_effects] + (["pair_"] if pair is not None else [])
    formula = f"{left} ~ {' + '.join(covariates)}" + (f" | {' + '.join(effects)}" if effects else "")
    vcov: str | dict[str, str] = "hetero" if cluster is None else {"CRV1": "cluster_"}
    # As in the published tables, fixed effects do not count in the small-sample correction of the errors.
    count = {"k_fixef": "none"} if "k_fixef" in inspect.signature(pyfixest.ssc).parameters else {"fixef_k": "none"}
    with warnings.catch_warnings():
        # What it drops is reported as `dropped`; its deprecation notes are for pyfixest, not for our reader.
        warnings.simplefilter("ignore")
        fit: Any = (pyfixest.fepois if method == "ppml" else pyfixest.feols)(
            formula, data=frame, vcov=vcov, ssc=pyfixest.ssc(**count)
        )
    coefficients, errors = fit.coef(), fit.se()
    return GravityEstimate(
        names=tuple(str(name) for name in coefficients.index),
        coefficients=coefficients.to_numpy(dtype=float),
        standard_errors=errors.to_numpy(dtype=float),
        observations=int(fit._N),
        dropped=len(columns["trade_"]) - int(fit._N),
    )


def _columns(
    trade: ArrayLike,
    exporter: ArrayLike,
    importer: ArrayLike,
    covariates: Mapping[str, ArrayLike],
    year: ArrayLike | None,
    pair: ArrayLike | None,
    cluster: ArrayLike | None,
) -> dict[str, AnyArray]:
    """The data by column, checked. Own columns end in an underscore, which covariates may not."""
    flow = np.asarray(trade, dtype=float)
    if flow.ndim != 1:
        raise InputError(f"trade is {flow.shape}; expected one number a row")
    if not np.all(flow >= 0):
        raise InputError("trade has a number that is negative or missing; expected 0 or more")
    columns: dict[str, AnyArray] = {"trade_": flow}
    for name, values in covariates.items():
        if not name.isidentifier() or name.endswith("_"):
            raise InputError(f"covariate {name!r}: expected letters, digits and underscores, none at the end")
        columns[name] = np.asarray(values, dtype=float)
    by = "" if year is None else np.char.add("|", np.asarray(year).astype(str))
    columns["exporter_"] = _codes(np.char.add(np.asarray(exporter).astype(str), by))
    columns["importer_"] = _codes(np.char.add(np.asarray(importer).astype(str), by))
    for name, groups in (("pair_", pair), ("cluster_", cluster)):
        if groups is not None:
            columns[name] = _codes(np.asarray(groups).astype(str))
    for name, column in columns.items():
        if column.shape != flow.shape:
            raise InputError(f"{name.rstrip('_')} has {len(column)} rows; expected {len(flow)} like trade")
    return columns


def _codes(labels: AnyArray) -> AnyArray:
    """Whole numbers for labels."""
    return np.asarray(np.unique(labels, return_inverse=True)[1])

"""Who pulls and who pushes: backward and forward linkages, and what a change of costs does to prices."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.base.errors import InputError
from karvan.economy.table import InputOutputTable, LabelledVector


@dataclass(frozen=True, eq=False)
class Linkages:
    """Linkages of every industry; plain, and relative to the mean of all industries (1 is average)."""

    backward: LabelledVector
    """Output of all industries per unit of final demand for this one."""
    forward: LabelledVector
    """Output of all industries per unit of this one's primary inputs (Ghosh), or its own for demand of 1 in each."""
    backward_normalised: LabelledVector
    """Backward over its mean: the power of dispersion (Rasmussen 1956)."""
    forward_normalised: LabelledVector
    """Forward over its mean: the sensitivity of dispersion."""
    forward_kind: str
    """``ghosh`` or ``leontief``."""
    diagonal: bool
    """Whether an industry's effect on itself is counted."""

    @property
    def key(self) -> tuple[str, ...]:
        """Industries above average in both."""
        both = (self.backward_normalised.values > 1) & (self.forward_normalised.values > 1)
        return tuple(label for label, is_key in zip(self.backward.labels, both, strict=True) if is_key)


def linkages(table: InputOutputTable, *, forward: str = "ghosh", diagonal: bool = True) -> Linkages:
    """Backward linkages are column sums of ``L``; forward ones row sums of ``G`` (or of ``L``, the older way).

    Miller and Blair (2009), section 12.2. With ``diagonal=False`` the unit itself and all an industry does to itself
    are left out.

    Raises
    ------
    InputError : forward is neither ``ghosh`` nor ``leontief``.
    """
    if forward not in ("ghosh", "leontief"):
        raise InputError(f"forward is {forward!r}; expected 'ghosh' (row sums of G) or 'leontief' (row sums of L)")
    L = table.L
    F = table.G if forward == "ghosh" else L
    back, ahead = L.sum(axis=0), F.sum(axis=1)
    if not diagonal:
        back, ahead = back - np.diagonal(L), ahead - np.diagonal(F)
    labels = table.sectors
    return Linkages(
        LabelledVector(back, labels, "unit per unit"),
        LabelledVector(ahead, labels, "unit per unit"),
        LabelledVector(_over_mean(back), labels, "ratio"),
        LabelledVector(_over_mean(ahead), labels, "ratio"),
        forward,
        diagonal,
    )


def price_effect(
    table: InputOutputTable,
    change: Mapping[str, float] | ArrayLike,
    *,
    account: str | None = None,
    cost: Mapping[str, float] | ArrayLike | None = None,
) -> LabelledVector:
    """How far home prices rise when costs rise and are passed on in full: the cost-push price model.

    ``dp = L' dc``, ``dc`` the change of primary cost per unit of output; Miller and Blair (2009), section 2.6.

    Parameters
    ----------
    change : by sector, relative change (0.30 is 30 percent more) of the primary cost named by ``account`` or ``cost``.
        Without either, the change of cost per unit of output itself.
    account : ``income``, ``imports``, ``gva`` or ``product_tax``: a row of the table.
    cost : (S,), another primary cost per unit of output (share of 1), instead of an account.

    Returns
    -------
    S values, relative change of each industry's price (0.10 is 10 percent).

    Raises
    ------
    InputError : an account that is no cost, or both account and cost.

    >>> t = InputOutputTable([[150, 500], [200, 100]], [350, 1700], output=[1000, 2000], sectors=["1", "2"],
    ...                      compensation=[300, 500], prices="basic", flows="domestic")
    >>> (1 + price_effect(t, {"1": 0.30}, account="income").values).round(4)        # Miller and Blair (2009), 2.6
    array([1.1129, 1.0297])
    """
    if account is not None and cost is not None:
        raise InputError("price_effect takes an account or a cost; expected one of them")
    if account in ("output", "employment"):
        raise InputError(f"{account!r} is not a primary cost; expected income, imports, gva or product_tax")
    step = table.vector(change, "change")
    if account is not None:
        step = step * table.coefficients(account)
    elif cost is not None:
        step = step * table.vector(cost, "cost")
    return LabelledVector(table.solver.adjoint(step), table.sectors, "relative change of price")


def _over_mean(values: Array) -> Array:
    mean = float(values.mean()) if values.size else 0.0
    return values / mean if mean else np.zeros_like(values)

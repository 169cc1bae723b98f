"""What the treasury gains and gives up, tax by tax, with the tax holiday of an industrial park.

Each tax is its base times its rate. A holiday leaves the base and sets the rate to zero for a number of years: the tax
is then due but given up, and both are shown. All rates are the caller's; none is assumed here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.base.errors import InputError, UnknownName, nearest

TAXES: Final = ("income", "social", "vat", "profit", "property", "duty")
"""The taxes: on wages, social contributions, value added tax, on profit, on property, duty on imports."""


@dataclass(frozen=True, eq=False)
class TaxHoliday:
    """Taxes that a resident of a park does not pay for some years."""

    taxes: tuple[str, ...]
    """Which: any of :data:`TAXES`."""
    years: ArrayLike
    """How many years from the start, the first included: a number, or (...,), such as one a draw."""
    share: float = 1.0
    """How much of them is forgiven, share of 1 (an investment certificate may forgive half)."""

    def __post_init__(self) -> None:
        for tax in self.taxes:
            if tax not in TAXES:
                raise UnknownName(f"no tax {tax!r}; {nearest(tax, TAXES)} The taxes: {', '.join(TAXES)}")
        years = np.asarray(self.years, dtype=np.float64)
        if not (years >= 0).all() or not 0 <= self.share <= 1:
            raise InputError(
                f"holiday of {years.min():g} years and {self.share:.4g} of the tax; expected 0 or more, 0 to 1"
            )


@dataclass(frozen=True, eq=False)
class TaxReport:
    """Taxes by kind: what the bases would bring, what a holiday gives up, what comes in. Money."""

    due: Mapping[str, Array]
    """By tax: (...,), base times rate."""
    given_up: Mapping[str, Array]
    """By tax: (...,), what the holiday forgives."""

    @property
    def gained(self) -> dict[str, Array]:
        """By tax: (...,), due less given up."""
        return {tax: self.due[tax] - self.given_up[tax] for tax in self.due}

    def total(self, which: str = "gained") -> Array:
        """(...,), all taxes of ``due``, ``given_up`` or ``gained`` together."""
        answer: Array = np.sum(list(np.broadcast_arrays(*getattr(self, which).values())), axis=0)
        return answer


def tax_report(
    bases: Mapping[str, ArrayLike],
    rates: Mapping[str, ArrayLike],
    *,
    holidays: tuple[TaxHoliday, ...] = (),
    year_since_start: ArrayLike | None = None,
) -> TaxReport:
    """Tax by base: ``due = base rate``; in years 0 to ``years - 1`` since the start a holiday gives up its share.

    Parameters
    ----------
    bases : by tax of :data:`TAXES`: (...,), money: wages, wages, taxable sales less inputs, profit, property value,
        dutiable imports. A loss is no base: profit below 0 counts as 0.
    rates : by tax: (...,) or scalar, share of 1 of the base; every base needs one.
    holidays : of the park or certificate; where two forgive the same tax, the larger counts.
    year_since_start : (...,), full years since the plant was registered (0 in the first); needed with a holiday.

    Raises
    ------
    UnknownName : a tax that is none of the known ones.
    InputError : a base without a rate or a rate without a base, a rate below 0, a holiday without years.

    >>> r = tax_report({"profit": [10.0, 10.0]}, {"profit": 0.2}, holidays=(TaxHoliday(("profit",), 1),),
    ...                year_since_start=[0, 1])
    >>> r.gained["profit"], r.given_up["profit"]
    (array([0., 2.]), array([2., 0.]))
    """
    for tax in (*bases, *rates):
        if tax not in TAXES:
            raise UnknownName(f"no tax {tax!r}; {nearest(tax, TAXES)} The taxes: {', '.join(TAXES)}")
    if bases.keys() != rates.keys():
        odd = sorted(bases.keys() ^ rates.keys())[0]
        raise InputError(f"tax {odd!r} has a base or a rate, not both; expected both")
    if holidays and year_since_start is None:
        raise InputError("a tax holiday needs year_since_start: when did the plant start?")
    due: dict[str, Array] = {}
    given_up: dict[str, Array] = {}
    for tax in TAXES:
        if tax not in bases:
            continue
        rate = np.asarray(rates[tax], dtype=np.float64)
        if (rate < 0).any():
            raise InputError(f"rate of {tax!r} is {rate.min():.4g}; expected 0 or more (share of 1 of the base)")
        base = np.asarray(bases[tax], dtype=np.float64)
        due[tax] = np.asarray((np.maximum(base, 0.0) if tax == "profit" else base) * rate)
        forgiven = np.zeros(())
        for holiday in holidays:
            if tax in holiday.taxes:
                age = np.asarray(year_since_start)
                inside = (age >= 0) & (age < np.asarray(holiday.years))
                forgiven = np.maximum(forgiven, np.where(inside, holiday.share, 0.0))
        given_up[tax] = due[tax] * forgiven
    return TaxReport(due, given_up)


def occupations(jobs_by_sector: ArrayLike, shares: ArrayLike) -> Array:
    """Jobs by occupation: ``(..., O) = jobs (..., S) shares (S, O)``.

    Parameters
    ----------
    jobs_by_sector : (..., S), persons.
    shares : (S, O), share of each sector's jobs in each occupation; rows sum to 1.

    Returns
    -------
    (..., O), persons, with the same total.
    """
    jobs, q = np.asarray(jobs_by_sector, dtype=np.float64), np.asarray(shares, dtype=np.float64)
    if q.ndim != 2 or jobs.ndim < 1 or jobs.shape[-1] != q.shape[0]:
        raise InputError(f"jobs have shape {jobs.shape} and shares {q.shape}; expected (..., S) and (S, O)")
    if (q < 0).any() or np.abs(q.sum(axis=1) - 1).max(initial=0) > 1e-6:
        k = int(np.argmax(np.abs(q.sum(axis=1) - 1)))
        raise InputError(f"occupation shares of sector {k} sum to {q[k].sum():.6g}; expected 1, none below 0")
    answer: Array = jobs @ q
    return answer

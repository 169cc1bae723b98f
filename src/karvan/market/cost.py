"""What a car costs where it is sold: from the plant gate to the buyer, one named step at a time.

Freight, insurance, customs duty, excise, recycling fee, certification, value added tax and the dealer's margin are kept
apart, because in this region a fee or an excise often decides where a tariff does not. All money is in one currency
and price base, per car.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.base.errors import InputError

DutyRule = Literal["max", "sum"]
"""How an ad valorem rate and a rate per cc join: the larger of the two, or both together."""

VatBase = Literal["landed", "price"]
"""What value added tax is charged on: the landed car, or the price with the dealer's margin in it."""


@dataclass(frozen=True, eq=False)
class DeliveredCost:
    """The ladder of a delivered price. Each field is ``(..., V, M)``, money per car, 0 or more."""

    ex_works: Array
    """Price at the plant gate."""
    freight: Array
    """Carriage to the market."""
    insurance: Array
    """Insurance on the way."""
    duty: Array
    """Customs duty; 0 at home."""
    excise: Array
    """Excise on the car."""
    fee: Array
    """Recycling (utilisation) fee, net of what is refunded to the maker."""
    certification: Array
    """Type approval, emergency-call unit and the like."""
    vat: Array
    """Value added tax."""
    margin: Array
    """The importer's and dealer's margin."""
    compliance: Array
    """Extra cost of sourcing parts so that the car passes the market's origin rule."""

    @cached_property
    def total(self) -> Array:
        """What the buyer pays, ``(..., V, M)`` money per car: the sum of all steps."""
        first, *others = (getattr(self, f.name) for f in fields(self))
        out: Array = np.array(first, dtype=float)
        for step in others:
            out += step  # in place: a year of futures asks for it twice, and a fresh array a step costs more
        out.flags.writeable = False
        return out

    @property
    def before_tax(self) -> Array:
        """What is left without duty, excise, fee and VAT, ``(..., V, M)`` money per car."""
        return self.ex_works + self.compliance + self.freight + self.insurance + self.certification + self.margin

    @property
    def customs_value(self) -> Array:
        """Cost, insurance and freight (c.i.f.), ``(..., V, M)`` money per car: what duty is charged on."""
        return self.ex_works + self.compliance + self.freight + self.insurance


def delivered_cost(
    ex_works: ArrayLike,
    *,
    freight: ArrayLike,
    insurance_rate: ArrayLike = 0.0,
    duty_rate: ArrayLike = 0.0,
    duty_per_cc: ArrayLike = 0.0,
    duty_minimum: ArrayLike = 0.0,
    engine_cc: ArrayLike = 0.0,
    excise: ArrayLike = 0.0,
    fee: ArrayLike = 0.0,
    fee_refund: ArrayLike = 0.0,
    certification: ArrayLike = 0.0,
    vat_rate: ArrayLike = 0.0,
    margin_rate: ArrayLike = 0.0,
    compliance_cost_rate: ArrayLike = 0.0,
    home: ArrayLike | None = None,
    duty_rule: DutyRule = "max",
    vat_base: VatBase = "landed",
) -> DeliveredCost:
    """Price of each offer in each market, step by step.

    With ``w`` the ex-works price, the steps are, in this order::

        compliance    = compliance_cost_rate w                  more local parts than the maker would choose
        insurance     = insurance_rate (w + compliance + freight)
        cif           = w + compliance + freight + insurance    the customs value
        duty          = max(duty_rate cif, duty_per_cc cc, duty_minimum)      ("max")
                        max(duty_rate cif + duty_per_cc cc, duty_minimum)     ("sum"); 0 at home
        fee           = fee (1 - fee_refund)
        landed        = cif + duty + excise + fee
        margin        = margin_rate (landed + certification)
        vat           = vat_rate landed                                       ("landed")
                        vat_rate (landed + certification + margin)            ("price")

    The customs value is c.i.f., as in article VII of the GATT practised by all countries of the built-in study. The
    default charges VAT as at the border, on the customs value with duty, excise and fee, and takes the margin as the
    gross one that the buyer pays; ``"price"`` charges it on the dealer's price as well. Nothing is charged twice: the
    dealer's own input tax is taken as recovered.

    Parameters
    ----------
    ex_works : (..., V), money per car, 0 or more.
    freight, excise, fee, certification : (..., V, M), money per car, 0 or more.
    insurance_rate, margin_rate : broadcast to (..., V, M), share of 1, 0 or more.
    duty_rate : (..., V, M), share of the customs value, 0 or more; after the origin rule (:mod:`karvan.market.origin`).
    duty_per_cc : (..., V, M), money per cc of engine; ``duty_minimum`` : (..., V, M), money per car.
    engine_cc : (V,), cc; 0 for an electric car.
    fee_refund : (..., V, M), share of the fee given back to the maker, 0 to 1.
    vat_rate : (..., M), share of 1, 0 or more.
    compliance_cost_rate : (..., V, M), share of the ex-works price, 0 or more.
    home : (V, M) true where the plant stands in the market: no duty is due.

    Returns
    -------
    DeliveredCost, every field (..., V, M).

    Raises
    ------
    InputError
        A number that is negative or not a number, a refund above 1, or an unknown rule.

    >>> ladder = delivered_cost([10_000.0], freight=[[1_000.0]], duty_rate=0.15, excise=500.0, vat_rate=0.18)
    >>> ladder.duty[0, 0], ladder.vat[0, 0], ladder.total[0, 0]
    (np.float64(1650.0), np.float64(2367.0), np.float64(15517.0))
    """
    if duty_rule not in ("max", "sum"):
        raise InputError(f"duty_rule is {duty_rule!r}; expected 'max' or 'sum'")
    if vat_base not in ("landed", "price"):
        raise InputError(f"vat_base is {vat_base!r}; expected 'landed' or 'price'")
    works = _amount("ex_works", ex_works)[..., None]
    carriage = _amount("freight", freight)
    refund = _amount("fee_refund", fee_refund)
    if np.any(refund > 1):
        raise InputError(f"fee_refund has {refund.max():g}; expected a share of the fee, 0 to 1")
    vat = _amount("vat_rate", vat_rate)
    vat = vat[..., None, :] if vat.ndim else vat

    compliance = works * _amount("compliance_cost_rate", compliance_cost_rate)
    insurance = _amount("insurance_rate", insurance_rate) * (works + compliance + carriage)
    cif = works + compliance + carriage + insurance
    ad_valorem = _amount("duty_rate", duty_rate) * cif
    per_cc = _amount("duty_per_cc", duty_per_cc) * _amount("engine_cc", engine_cc)[..., None]
    joined = np.maximum(ad_valorem, per_cc) if duty_rule == "max" else ad_valorem + per_cc
    duty = np.maximum(joined, _amount("duty_minimum", duty_minimum))
    if home is not None:
        duty = np.where(np.asarray(home, dtype=bool), 0.0, duty)
    excises = _amount("excise", excise)
    fees = _amount("fee", fee) * (1 - refund)
    approval = _amount("certification", certification)
    landed = cif + duty + excises + fees
    margin = _amount("margin_rate", margin_rate) * (landed + approval)
    taxed = vat * (landed if vat_base == "landed" else landed + approval + margin)

    steps = (works, carriage, insurance, duty, excises, fees, approval, taxed, margin, compliance)
    shape = np.broadcast_shapes(*(step.shape for step in steps))
    return DeliveredCost(*(np.broadcast_to(step, shape) for step in steps))


def delivered_price(
    ex_works: ArrayLike,
    *,
    freight: ArrayLike,
    duty_rate: ArrayLike,
    duty_per_cc: ArrayLike,
    engine_cc: ArrayLike,
    excise: ArrayLike,
    fee: ArrayLike,
    certification: ArrayLike,
    vat_rate: ArrayLike,
    margin_rate: ArrayLike,
    compliance_cost_rate: ArrayLike,
    home: ArrayLike,
) -> Array:
    """``delivered_cost(...).total`` under the default rules, worked in place: for loops that need no steps.

    Parameters as in :func:`delivered_cost`, with ``duty_rate`` of the full shape (..., V, M) and ``margin_rate``
    (..., M) like ``vat_rate``. Numbers are taken as they are: check them once, outside the loop.

    Returns
    -------
    (..., V, M), money per car.

    >>> delivered_price(
    ...     [10_000.0], freight=1_000.0, duty_rate=[[0.15]], duty_per_cc=0.0, engine_cc=0.0, excise=500.0, fee=0.0,
    ...     certification=0.0, vat_rate=[0.18], margin_rate=[0.0], compliance_cost_rate=0.0, home=[[False]],
    ... )
    array([[15517.]])
    """
    works, rate = np.asarray(ex_works, dtype=float), np.asarray(duty_rate, dtype=float)
    vat, margin = (np.asarray(value, dtype=float)[..., None, :] for value in (vat_rate, margin_rate))
    price = works[..., None] * (1.0 + np.asarray(compliance_cost_rate, dtype=float)) + np.zeros(rate.shape[-1])
    price += np.asarray(freight, dtype=float)
    duty = rate * price
    np.maximum(duty, np.asarray(duty_per_cc, dtype=float) * np.asarray(engine_cc, dtype=float)[..., None], out=duty)
    duty[..., np.asarray(home, dtype=bool)] = 0.0
    price += duty
    price += np.asarray(excise, dtype=float) + np.asarray(fee, dtype=float)
    price *= 1.0 + margin + vat
    price += np.asarray(certification, dtype=float) * (1.0 + margin)
    return np.asarray(price)


def excise_bands(engine_cc: ArrayLike, bands: Sequence[tuple[float, float, float]]) -> Array:
    """Excise by engine size: a fixed sum for the band, and a rate for each cc above the band's start.

    ``excise = fixed_b + per_cc_b (cc - start_b)`` for the band ``b`` with ``start_b < cc <= start_(b+1)``.

    Parameters
    ----------
    engine_cc : any shape, cc, 0 or more; 0 (an electric car) falls in the first band.
    bands : ``(start, fixed, per_cc)`` in cc, money per car, money per cc; the first starts at 0, starts rise.

    Returns
    -------
    Shape of ``engine_cc``, money per car.

    Azerbaijan from 2019: 0.30 AZN a cc to 2,000 cc, 5 AZN to 3,000 and 13 AZN to 4,000.

    >>> excise_bands([1500, 2000, 2500, 3500], [(0, 0, 0.3), (2000, 600, 5), (3000, 5600, 13)])
    array([  450.,   600.,  3100., 12100.])
    """
    table = np.asarray(bands, dtype=float)
    if table.ndim != 2 or table.shape[1] != 3 or table[0, 0] != 0 or np.any(np.diff(table[:, 0]) <= 0):
        raise InputError("bands must be rows of (start cc, fixed sum, rate per cc), the first from 0, starts rising")
    if not np.all(table >= 0):
        raise InputError("bands hold a number below 0 or missing; expected starts, sums and rates of 0 or more")
    size = _amount("engine_cc", engine_cc)
    band = np.maximum(np.searchsorted(table[:, 0], size, side="left") - 1, 0)
    excise: Array = table[band, 1] + table[band, 2] * (size - table[band, 0])
    return excise


def price_change(cost_hat: ArrayLike, pass_through: ArrayLike = 1.0) -> Array:
    """Change of the price that buyers see when the delivered cost changes and the seller absorbs part of it.

    ``p_hat = c_hat ** pass_through``: the elasticity of price with respect to cost. 1 is the constant mark-up of CES
    demand with many sellers. Measured values for cars are below 1; a value must come from the user with its range.

    Parameters
    ----------
    cost_hat : (..., V, M), new cost over old, above 0.
    pass_through : broadcast to the same, share of 1, 0 to 1.

    >>> price_change(1.21, 0.5)
    array(1.1)
    """
    cost = np.asarray(cost_hat, dtype=float)
    rate = np.asarray(pass_through, dtype=float)
    if not np.all(cost > 0):
        raise InputError("cost_hat has a number that is 0, negative or missing; expected new cost over old, above 0")
    if not np.all((rate >= 0) & (rate <= 1)):
        raise InputError(f"pass_through is {rate}; expected a share from 0 to 1")
    return np.asarray(cost**rate)


def _amount(name: str, value: ArrayLike) -> Array:
    """The value as an array of floats, refused if any is negative or not a number."""
    array = np.asarray(value, dtype=float)
    if not np.all(array >= 0):
        bad = array[~(array >= 0)].flat[0]
        raise InputError(f"{name} has {bad:g}; expected a number of 0 or more")
    return array

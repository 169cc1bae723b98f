"""Is it worth it for the country? Protection, domestic resource cost, and net present value at economic prices.

Market prices hide duties, idle labour and a managed exchange rate. These measures take them out: ``t`` nominal
protection, ``a`` input cost shares at world prices, ``SER`` and ``SWR`` the shadow exchange rate and wage as ratios to
the market's. Every ratio is the caller's; a study that has not measured them states them as assumed, with a range.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.base.errors import InputError


def effective_rate_of_protection(output_tariff: ArrayLike, input_tariffs: ArrayLike, input_shares: ArrayLike) -> Array:
    """How far duties raise value added above what it would be at world prices.

    ``ERP = (t - sum_i a_i t_i) / (1 - sum_i a_i)``; Corden (1966), Journal of Political Economy 74(3). A kit duty of 0
    and a car duty of 15 % with kits worth 90 % of the car protect the assembly itself by 150 %.

    Parameters
    ----------
    output_tariff : (...,), nominal protection of the product, share of 1 of its world price (duty, fee and excise that
        imports alone pay).
    input_tariffs : (..., I), the same for each traded input.
    input_shares : (..., I), cost of each traded input at world prices, share of 1 of the product's world price.

    Returns
    -------
    (...,), share of 1 of value added at world prices. ``NaN`` where that is 0 or below: the inputs cost as much as the
    product, and no rate can say how much is lost (see :func:`value_added_at_world_prices`).

    >>> effective_rate_of_protection(0.15, [0.0], [0.9]).round(3)
    np.float64(1.5)
    """
    t, t_in, a = (np.asarray(v, dtype=np.float64) for v in (output_tariff, input_tariffs, input_shares))
    if (a < 0).any():
        raise InputError(f"input share {a.min():.4g} is below 0; expected shares of the product's world price")
    world = 1 - a.sum(axis=-1)
    top = t - (a * t_in).sum(axis=-1)
    top, world = np.broadcast_arrays(top, world)
    answer: Array = np.divide(top, world, out=np.full(top.shape, np.nan), where=world > 1e-12)
    return answer[()]


def value_added_at_world_prices(
    price: ArrayLike, input_cost: ArrayLike, output_tariff: ArrayLike, input_tariff: ArrayLike
) -> Array:
    """Value added with the duties taken out of product and inputs: ``P / (1 + t) - C / (1 + t_in)``.

    Parameters
    ----------
    price, input_cost : (...,), at home, duties included, money per car.
    output_tariff, input_tariff : (...,), share of 1.

    Returns
    -------
    (...,), money per car; below 0 the assembly takes away from the country's income at world prices.
    """
    p, c, t, u = (np.asarray(v, dtype=np.float64) for v in (price, input_cost, output_tariff, input_tariff))
    answer: Array = p / (1 + t) - c / (1 + u)
    return answer


def domestic_resource_cost(
    labour: ArrayLike,
    capital: ArrayLike,
    other_domestic: ArrayLike,
    output_world: ArrayLike,
    traded_inputs_world: ArrayLike,
    *,
    shadow_wage_ratio: ArrayLike,
    shadow_exchange_ratio: ArrayLike,
) -> Array:
    """Domestic resources spent to earn or save one unit of foreign exchange, at economic prices.

    ``DRC = (SWR labour + capital + other) / (SER (output - traded inputs))``; Bruno (1967, 1972), Journal of Political
    Economy 80(1). Below 1 the activity is worth its resources; above 1 importing is cheaper.

    Parameters
    ----------
    labour, capital, other_domestic : (...,), domestic cost a year (capital as its yearly cost), money.
    output_world, traded_inputs_world : (...,), at world prices and the market exchange rate, money a year.
    shadow_wage_ratio, shadow_exchange_ratio : (...,), economic over market price of labour and of foreign exchange;
        above 0.

    Returns
    -------
    (...,), ratio. ``inf`` where the activity earns no foreign exchange at all: any resource is too much.
    """
    swr, ser = np.asarray(shadow_wage_ratio, dtype=np.float64), np.asarray(shadow_exchange_ratio, dtype=np.float64)
    if (swr < 0).any() or not (ser > 0).all():
        raise InputError("shadow wage ratio must be 0 or more and shadow exchange ratio above 0 (1 is the market's)")
    parts = (
        np.asarray(v, dtype=np.float64) for v in (labour, capital, other_domestic, output_world, traded_inputs_world)
    )
    wage, machines, other, output, inputs = parts
    cost, earned = np.broadcast_arrays(swr * wage + machines + other, ser * (output - inputs))
    answer: Array = np.divide(cost, earned, out=np.full(cost.shape, np.inf), where=earned > 0)
    return answer[()]


@dataclass(frozen=True, eq=False)
class EconomicValue:
    """Net present value for the country, and how it comes about from the owner's. Money of the first year."""

    npv: Array
    """(...,), at economic prices, transfers to the state taken out."""
    npv_financial: Array
    """(...,), the same flows at market prices, taxes and subsidies as paid by the owner."""
    from_exchange_rate: Array
    """(...,), what valuing traded goods at the shadow exchange rate adds."""
    from_wages: Array
    """(...,), what valuing labour at its shadow wage adds."""
    from_transfers: Array
    """(...,), taxes less subsidies: a cost to the owner, none to the country."""
    discount_rate: Array
    """The rate, share of 1 a year, real if the flows are; a number, or (...,)."""


def economic_npv(
    traded: ArrayLike,
    labour: ArrayLike,
    other: ArrayLike,
    transfers: ArrayLike,
    *,
    discount_rate: ArrayLike,
    shadow_wage_ratio: ArrayLike,
    shadow_exchange_ratio: ArrayLike,
) -> EconomicValue:
    """Net present value at economic prices: ``sum_t (SER traded_t - SWR labour_t + other_t) / (1 + i)^t``.

    The method of Little and Mirrlees (1974) and of Squire and van der Tak (1975) in domestic prices: traded flows at
    the shadow exchange rate, labour at its shadow wage, transfers out. Financial value: market prices, transfers in.

    Parameters
    ----------
    traded : (..., Y), output less traded inputs and equipment at border prices, market exchange rate, money a year.
    labour : (..., Y), wages paid, 0 or more, money a year.
    other : (..., Y), home goods and services sold less bought, net of taxes, money a year (costs below 0).
    transfers : (..., Y), taxes paid less subsidies received by the owner, money a year.
    discount_rate : stated by the caller, number or (...,), share of 1 a year, above -1; the first year is not
        discounted.

    Raises
    ------
    InputError : a discount rate of -1 or less, negative wages, or ratios out of range.
    """
    rate = np.asarray(discount_rate, dtype=np.float64)
    if not (rate > -1).all():
        raise InputError(f"discount rate is {rate.min():g}; expected above -1 (0.05 is 5 percent a year)")
    swr, ser = np.asarray(shadow_wage_ratio, dtype=np.float64), np.asarray(shadow_exchange_ratio, dtype=np.float64)
    if (swr < 0).any() or not (ser > 0).all():
        raise InputError("shadow wage ratio must be 0 or more and shadow exchange ratio above 0 (1 is the market's)")
    if (np.asarray(labour) < 0).any():
        raise InputError("labour holds values below 0; expected wages paid, 0 or more: the sign is put on here")

    def present(flow: ArrayLike) -> Array:
        values = np.asarray(flow, dtype=np.float64)
        factor = (1 + rate)[..., None] ** -np.arange(values.shape[-1], dtype=np.float64)
        answer: Array = (values * factor).sum(axis=-1)
        return answer

    goods, wages, home, taxes = (present(flow) for flow in (traded, labour, other, transfers))
    exchange, idle = (ser - 1) * goods, (1 - swr) * wages
    financial = goods - wages + home - taxes
    return EconomicValue(
        np.asarray(financial + exchange + idle + taxes),
        np.asarray(financial),
        np.asarray(exchange),
        np.asarray(idle),
        np.asarray(taxes),
        rate,
    )


def per_unit_forgone(revenue_lost: ArrayLike, units: ArrayLike) -> Array:
    """Revenue given up per job or per car: ``lost / units``, ``NaN`` where there is none.

    Parameters
    ----------
    revenue_lost : (...,), duty, VAT, excise and holiday given up, money a year.
    units : (...,), jobs (persons) or cars a year, net of the counterfactual.
    """
    lost, count = np.broadcast_arrays(np.asarray(revenue_lost, dtype=np.float64), np.asarray(units, dtype=np.float64))
    answer: Array = np.divide(lost, count, out=np.full(lost.shape, np.nan), where=count > 0)
    return answer[()]

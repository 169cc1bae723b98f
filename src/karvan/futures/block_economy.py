"""What the economy stage needs of one block of draws: input-output effects of each future, and the taxes.

Letters: ``D`` draws, ``Y`` years, ``P`` own plants, ``V`` offers, ``K`` products, ``M`` markets, ``G`` component
groups. Money is in dollars of the year before the start, unless a name says local.
"""

from dataclasses import dataclass

import numpy as np

from karvan.base.axes import Array
from karvan.economy.parts import ImpactEffects
from karvan.futures.inputs import Draws, Prepared, parameter, steady


@dataclass(frozen=True)
class Economy:
    """What the economy stage needs."""

    effects: ImpactEffects
    """(D,) members, spending share and table error in them."""
    price_level: Array
    """(D,), prices of the year before the start over those of the table's year."""
    labour_tax: Array
    labour_tax_social: Array
    """(D,), part of it that is social contributions, share of 1."""
    profit_tax: Array
    property_tax: Array
    """(D,), share of investment at cost."""
    holiday: Array
    used_price: Array
    used_tax: Array
    overhead_local: Array
    productivity: Array
    """(D, Y), output per person over that of the table's year."""
    discount: Array
    investment: Array
    investment_local: Array
    incentive_use: Array
    hired: Array
    shadow_wage: Array
    shadow_exchange: Array
    """(D,), economic over market price of labour and of foreign exchange."""
    social_discount: Array
    """(D,), share of 1 a year, real."""


def economy_inputs(prepared: Prepared, draws: Draws) -> Economy:
    """Input-output effects of each future and the taxes."""
    donors = len(prepared.donors)
    which = np.minimum((draws.uniform("donor") * donors).astype(np.int64), donors - 1)
    error = np.exp(steady(prepared, draws, "donor_error"))
    spent = steady(prepared, draws, "spending_share")
    effects = prepared.effects.take(which).with_spending(spent).with_error({"jobs": error, "gva": error})
    years = np.arange(1, len(prepared.layout.years) + 1)[None, :]
    lag = prepared.layout.years[0] - 1 - prepared.table_year
    growth = steady(prepared, draws, "productivity_growth")[:, None]
    return Economy(
        effects=effects,
        price_level=steady(prepared, draws, "table_price_level"),
        labour_tax=parameter(prepared, draws, "labour_tax"),
        labour_tax_social=steady(prepared, draws, "labour_tax_social"),
        profit_tax=parameter(prepared, draws, "profit_tax"),
        property_tax=steady(prepared, draws, "property_tax"),
        holiday=parameter(prepared, draws, "profit_tax_holiday"),
        used_price=steady(prepared, draws, "used_price"),
        used_tax=parameter(prepared, draws, "used_tax"),
        overhead_local=steady(prepared, draws, "overhead_local"),
        productivity=(1 + growth) ** (years + lag),
        discount=steady(prepared, draws, "discount_rate"),
        investment=steady(prepared, draws, "investment_per_unit"),
        investment_local=steady(prepared, draws, "investment_local"),
        incentive_use=steady(prepared, draws, "scrappage_use"),
        hired=steady(prepared, draws, "hired_share"),
        shadow_wage=steady(prepared, draws, "shadow_wage_ratio"),
        shadow_exchange=steady(prepared, draws, "shadow_exchange_ratio"),
        social_discount=steady(prepared, draws, "social_discount_rate"),
    )

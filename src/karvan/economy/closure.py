"""How households are put inside the table: the closure, without which a Type II effect means nothing.

Type II adds one row and one column. Row: labour income earned per unit of output, ``w = compensation / output``.
Column: what households buy at home per unit of their income, ``h``. Everybody agrees on the row; the column depends on
which income the purchases are divided by, and that choice can double the induced part (Emonts-Holley, Ross and Swales
2015). So it has a name, and the name travels with the result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from karvan.base.axes import Array
from karvan.base.errors import InputError
from karvan.economy.faults import MissingAccount, TableFault

if TYPE_CHECKING:
    from karvan.economy.table import InputOutputTable


@dataclass(frozen=True)
class HouseholdColumn:
    """What households do with one unit of labour income, under one closure."""

    domestic: Array
    """(S,), purchases from each industry at basic prices, share of 1 of income; ``h`` in the equations."""
    imports: float
    """Purchases from abroad, share of 1 of income; 0 where the table does not know them."""
    product_tax: float
    """Taxes less subsidies on what they buy, share of 1 of income; 0 where the table does not know them."""
    own: float
    """Labour that households hire from households, share of 1 of income (the corner of the closed matrix)."""


@dataclass(frozen=True)
class Closure:
    """Which income household purchases are divided by. Make one by a class method, not by the bare constructor."""

    name: str
    """Printed with every Type II result."""
    kind: str
    """``total_household_income``, ``labour_income``, ``disposable_income`` or ``household_column``."""
    amount: float = 0.0
    """Income that purchases are divided by (total household income), or share spent (disposable income)."""
    column: tuple[float, ...] = ()
    """Purchases per unit of income, if given by hand."""
    own: float = 0.0
    """Labour that households hire from households, share of 1 of income."""

    def __post_init__(self) -> None:
        if not 0 <= self.own < 1:
            raise InputError(f"households hire {self.own:.4g} of their own income; expected at least 0 and below 1")

    @classmethod
    def total_household_income(cls, amount: float, *, own: float = 0.0) -> "Closure":
        """Purchases / income of households from all sources: wages, mixed income, pensions, transfers, property.

        The closure of the Scottish Government's published Type II tables. Pensions and transfers pay part of household
        spending and do not grow with the plant, so this gives the smaller, more careful induced part.

        Parameters
        ----------
        amount : total income of households in the table's year, in the table's money; above 0.
        """
        if not amount > 0:
            raise InputError(f"total household income is {amount:g}; expected above 0, in the money of the table")
        return cls(f"total household income {amount:,.6g}", "total_household_income", float(amount), (), own)

    @classmethod
    def labour_income(cls, *, own: float = 0.0) -> "Closure":
        """Purchases / compensation of employees: the textbook's closed model (Miller and Blair 2009, section 2.5).

        Lets wages alone pay for everything households buy; the largest induced part of all.
        """
        return cls("labour income only", "labour_income", 0.0, (), own)

    @classmethod
    def disposable_income(cls, *, tax: float, saving: float, own: float = 0.0) -> "Closure":
        """Out of each unit of labour income ``(1 - tax)(1 - saving)`` is spent, as households spend on average.

        The basket is that of the table, imports and taxes on products included, so part of the spending leaks abroad
        and to the state. In the manner of the final-demand multipliers of RIMS II.

        Parameters
        ----------
        tax : taxes and contributions on labour income, share of 1.
        saving : share of 1 of what is left after them.
        """
        for word, share in (("tax", tax), ("saving", saving)):
            if not 0 <= share < 1:
                raise InputError(f"{word} is {share:.4g} of income; expected at least 0 and below 1")
        spent = (1 - tax) * (1 - saving)
        return cls(f"disposable income (tax {tax:.4g}, saving {saving:.4g})", "disposable_income", spent, (), own)

    @classmethod
    def spending_share(cls, share: float, *, own: float = 0.0) -> "Closure":
        """Out of each unit of labour income ``share`` is spent, after tax, contributions, saving and money sent away.

        As :meth:`disposable_income`, for a share that is known or assumed as one number.

        Parameters
        ----------
        share : spending at purchasers' prices, imports and taxes on products included, share of 1 of labour income.
        """
        if not 0 < share <= 1:
            raise InputError(f"spending share is {share:.4g} of labour income; expected above 0 and at most 1")
        return cls(f"{share:.4g} of labour income spent", "disposable_income", float(share), (), own)

    @classmethod
    def household_column(cls, coefficients: Sequence[float], *, own: float = 0.0) -> "Closure":
        """Purchases per unit of income, by industry, as published or decided by hand (S values, each 0 or more)."""
        values = tuple(float(value) for value in coefficients)
        if not values or min(values) < 0 or sum(values) + own > 1 + 1e-9:
            raise InputError(
                f"household coefficients sum to {sum(values) + own:.4g}; expected shares of income, 0 or more, 1 in all"
            )
        return cls("household column by hand", "household_column", 0.0, values, own)

    def coefficients(self, table: "InputOutputTable") -> HouseholdColumn:
        """The household column of ``table`` under this closure.

        Raises
        ------
        MissingAccount : the table has no household consumption (or no compensation, where the closure divides by it).
        TableFault : the column given by hand has another length than the table.
        """
        if self.kind == "household_column":
            if len(self.column) != table.size:
                raise TableFault(
                    f"the household column has {len(self.column)} values; expected {table.size}, one an industry"
                )
            return HouseholdColumn(np.array(self.column), 0.0, 0.0, self.own)
        if table.household_consumption is None:
            raise MissingAccount(
                "the table was made without household_consumption; Type II needs what households buy from each "
                "domestic industry: give it, or use Closure.household_column(...)"
            )
        bought = table.household_consumption
        abroad, taxed = table.household_imports, table.household_product_taxes
        if self.kind == "disposable_income":
            divisor = (float(bought.sum()) + abroad + taxed) / self.amount
        elif self.kind == "labour_income":
            if table.compensation is None:
                raise MissingAccount("the table was made without compensation; this closure divides by its total")
            divisor = float(table.compensation.sum())
        else:
            divisor = self.amount
        return HouseholdColumn(bought / divisor, abroad / divisor, taxed / divisor, self.own)

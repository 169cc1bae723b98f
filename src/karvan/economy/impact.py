"""What a change of final demand causes in the whole economy: direct, indirect, induced, by sector and account.

Gross and supported, not net: prices are fixed, nobody runs short, and what the people would have done otherwise is not
taken off. Net figures are the difference of two scenarios, made elsewhere. For a plant whose purchases are known, see
:mod:`karvan.economy.parts`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.base.errors import InputError
from karvan.economy.bridge import PriceBridge
from karvan.economy.closure import Closure
from karvan.economy.parts import PARTS, ImpactEffects, PartsImpact, impact_by_parts
from karvan.economy.table import InputOutputTable, LabelledVector, household_rest, per_unit

__all__ = ["PARTS", "Identity", "Impact", "ImpactEffects", "PartsImpact", "impact", "impact_by_parts"]


@dataclass(frozen=True)
class Identity:
    """Where a unit of demand ends: every coin is value added, an import or a tax. Money."""

    demand: float
    """What was spent: final demand, and household spending in the induced part."""
    gva: float
    """Value added caused."""
    imports: float
    """Imports caused, those of the spenders included."""
    product_tax: float
    """Taxes less subsidies on products caused, those of the spenders included."""
    missing: tuple[str, ...]
    """Rows the table was made without: they are in ``residual``."""

    @property
    def residual(self) -> float:
        """``demand - gva - imports - product_tax``: 0 but for the publisher's rounding, and for missing rows."""
        return self.demand - self.gva - self.imports - self.product_tax


@dataclass(frozen=True, eq=False)
class Impact:
    """The answer to one question, with what it means written on it."""

    direct: Mapping[str, Array]
    """By account: (S,), the industries that meet the demand themselves."""
    indirect: Mapping[str, Array]
    """By account: (S,), their suppliers, and the suppliers of those."""
    induced: Mapping[str, Array]
    """By account: (S,), those who serve the households that earn the wages; empty without a closure."""
    financing: Mapping[str, Array]
    """By account: (S,), what households no longer buy because they pay for it (0 or below); empty if nobody asked."""
    final_demand: Array
    """(S,), demand met by home industries at the table's prices, money; with ``exogenous_output`` also what is left
    for final use of the industries whose output is fixed."""
    leaks: Mapping[str, float]
    """``imports`` and ``product_tax`` in the demand itself (from the bridge), money."""
    household_spending: Mapping[str, float]
    """What households buy in the induced and the financing part: ``domestic``, ``imports``, ``product_tax``, money."""
    sectors: tuple[str, ...]
    """The labels of the S industries."""
    closure: str
    """The name of the closure; ``none (Type I)`` without one."""
    price_basis: str
    """The prices the demand was given at."""
    money: str
    """The money of all amounts."""
    employment_unit: str
    """The unit of the account ``employment``."""

    @property
    def totals(self) -> dict[str, dict[str, float]]:
        """By account: direct, indirect, induced, financing and their total; money, or persons for ``employment``."""
        answer: dict[str, dict[str, float]] = {}
        parts = ("direct", "indirect", "induced", "financing")
        for account in self.direct:
            row = {part: float(getattr(self, part)[account].sum()) for part in parts if getattr(self, part)}
            answer[account] = {**row, "total": sum(row.values())}
        return answer

    def total(self, account: str) -> float:
        """All parts of an account together."""
        return self.totals[account]["total"]

    def by_sector(self, account: str) -> LabelledVector:
        """All parts of an account together, by sector."""
        parts = (self.direct, self.indirect, self.induced, self.financing)
        values = np.sum([part[account] for part in parts if part], axis=0)
        return LabelledVector(values, self.sectors, self.employment_unit if account == "employment" else self.money)

    @property
    def identity(self) -> Identity:
        """Demand = value added + imports + taxes on products, over all parts."""
        totals = self.totals
        spent = self.household_spending

        def caused(account: str) -> float:
            return totals[account]["total"] if account in totals else 0.0

        demand = float(self.final_demand.sum()) + sum(self.leaks.values()) + sum(spent.values())
        missing = tuple(account for account in ("gva", "imports", "product_tax") if account not in totals)
        return Identity(
            demand,
            caused("gva"),
            caused("imports") + self.leaks["imports"] + spent["imports"],
            caused("product_tax") + self.leaks["product_tax"] + spent["product_tax"],
            missing,
        )


def impact(
    table: InputOutputTable,
    demand: Mapping[str, float] | ArrayLike,
    *,
    price_basis: str | None = None,
    closure: Closure | None = None,
    bridge: PriceBridge | None = None,
    exogenous_output: Mapping[str, float] | None = None,
    financed_by_households: float = 0.0,
) -> Impact:
    """Direct, indirect and (with a closure) induced effects of a change of final demand.

    ``x = L f``; direct is ``v f``, indirect ``v (L f - f)``, induced ``v L h q`` with
    ``q = (w x) / (1 - w L h - own)``. With ``exogenous_output`` the outputs of those industries are given and their
    final demand follows (the mixed model of Miller and Blair 2009, section 13.2): ``x = L (f + g)`` with ``g`` non-zero
    only in them and ``g_E = L_EE^-1 (x_E - (L f)_E)``; households cannot raise them either.

    Parameters
    ----------
    demand : (S,), or amounts by sector label, money of the table; final demand, so sales of parts to another plant in
        the table do not belong here.
    price_basis : ``basic`` (or that of the table), or ``purchasers`` with a ``bridge``; must be said.
    closure : how households are put inside; without it the induced part is left out.
    bridge : takes purchases at purchasers' prices apart.
    exogenous_output : output by sector label, money: for a plant or industry whose output is fixed.
    financed_by_households : money taken from household income to pay for the demand (a budget-neutral subsidy); its
        negative effect stands apart in ``financing``. Needs a closure.

    Raises
    ------
    InputError : price basis not said, unknown, not that of the table, or without its bridge; demand for an industry
        whose output is fixed; financing without a closure.
    UnknownName : a sector that the table does not have.

    >>> t = InputOutputTable([[150, 500], [200, 100]], [350, 1700], output=[1000, 2000], sectors=["1", "2"],
    ...                      prices="basic", flows="domestic")        # Miller and Blair (2009), Table 2.3
    >>> round(impact(t, {"1": 600.0, "2": 1500.0}, price_basis="basic").total("output"), 1)      # 1247.5 + 1841.6
    3089.1
    """
    if price_basis is None:
        raise InputError(
            f"impact was not told the price basis of the demand; expected price_basis={table.prices!r}, or "
            "'purchasers' with a bridge: what buyers pay holds taxes, margins and imports, and put on the factory it "
            "overstates the impact, nearly twofold for a car"
        )
    f, leaks = _demand(table, demand, price_basis, bridge)
    fixed = [table.position(label) for label in exogenous_output] if exogenous_output else []
    if fixed and f[fixed].any():
        k = next(k for k in fixed if f[k])
        raise InputError(
            f"{table.sectors[k]!r} has both a final demand ({f[k]:.6g}) and a fixed output; expected one of them: the "
            "demand would be counted twice"
        )
    if closure is None and financed_by_households != 0:
        raise InputError("financed_by_households needs a closure: what would households have bought with the money?")
    column = table.household_column(closure) if closure is not None else None
    wanted = [f] if column is None else [f, column.domestic]
    units = np.zeros((table.size, len(fixed)))
    units[fixed, range(len(fixed))] = 1.0
    solved = table.solver.forward(np.column_stack([*wanted, units]))
    x = solved[:, 0].copy()
    home = solved[:, 1].copy() if column is not None else np.zeros(table.size)
    direct = f.copy()
    if fixed and exogenous_output:
        reach = solved[:, len(wanted) :]
        inner = reach[fixed]
        target = np.array([float(value) for value in exogenous_output.values()])
        left = np.linalg.solve(inner, target - x[fixed])
        x += reach @ left
        home -= reach @ np.linalg.solve(inner, home[fixed])
        # What the fixed industries make is the direct part; what of it is left for final use follows from the rest.
        direct[fixed] = target
        f = f.copy()
        f[fixed] = left
    coefficients = {account: table.coefficients(account) for account in table.accounts}
    earned = spent = 0.0
    if column is not None:
        w = table.coefficients("income")
        rest = household_rest(float(w @ home), column.own)
        earned = float(w @ x) / rest
        spent = -float(financed_by_households) / rest
    by_part = {
        "direct": direct,
        "indirect": x - direct,
        "induced": home * earned,
        "financing": home * spent,
    }
    asked = {"direct": True, "indirect": True, "induced": column is not None, "financing": financed_by_households != 0}
    parts = {
        part: {account: v * by_part[part] for account, v in coefficients.items()} if asked[part] else {}
        for part in by_part
    }
    flow = earned + spent
    spending = {"domestic": 0.0, "imports": 0.0, "product_tax": 0.0}
    if column is not None:
        bought = column.domestic.copy()
        bought[fixed] = 0.0  # they are met by less final use of the same products, not by more output
        spending = {
            "domestic": float(bought.sum()) * flow,
            "imports": column.imports * flow,
            "product_tax": column.product_tax * flow,
        }
        if fixed:
            spending["domestic"] -= float((table.Z[fixed] @ (per_unit(table.output) * home)).sum()) * flow
    return Impact(
        parts["direct"],
        parts["indirect"],
        parts["induced"],
        parts["financing"],
        f,
        leaks,
        spending,
        table.sectors,
        closure.name if closure is not None else "none (Type I)",
        price_basis,
        table.money,
        table.employment_unit,
    )


def _demand(
    table: InputOutputTable, demand: Mapping[str, float] | ArrayLike, price_basis: str, bridge: PriceBridge | None
) -> tuple[Array, dict[str, float]]:
    """Demand for home industries at the table's prices, and what of it leaks before it reaches them."""
    given = table.vector(demand, "demand")
    if price_basis == table.prices and bridge is None:
        return given, {"imports": 0.0, "product_tax": 0.0}
    if price_basis == "purchasers" and bridge is not None and table.prices == "basic":
        parts = bridge.to_basic(given)
        return parts.domestic, {"imports": parts.imports, "product_tax": parts.product_tax}
    if price_basis == "purchasers" and bridge is None:
        raise InputError(
            f"demand is at purchasers' prices and the table at {table.prices} prices; expected a "
            "bridge=PriceBridge(...) that takes out taxes, margins and imports: without it the factory is credited "
            "with the dealer's share"
        )
    raise InputError(
        f"price_basis is {price_basis!r} for a table at {table.prices} prices; expected {table.prices!r}, or "
        "'purchasers' with a bridge to a table at basic prices"
    )

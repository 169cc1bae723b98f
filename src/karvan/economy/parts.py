"""Analysis by parts: the plant enters with what it really buys and pays, not as the average of its industry.

The plant itself is the direct effect and is counted elsewhere. Its purchases ``p`` from home industries set off the
indirect effect, ``v L p``; its payroll ``y`` and the labour income of the suppliers ``w L p`` are spent by households
and set off the induced effect, ``(v L h) q`` with ``q = (y + w L p) / (1 - w L h - own)``. Kits, being imports, buy
nothing at home. Letters as in :mod:`karvan.economy.table`; ``h`` is the household column of a named closure.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.base.errors import InputError, UnknownName, nearest
from karvan.economy.closure import Closure
from karvan.economy.faults import NotProductive
from karvan.economy.table import InputOutputTable

PARTS: Final = ("jobs", "gva", "income", "imports", "product_tax")
"""The accounts of an analysis by parts. ``jobs`` are the table's ``employment``."""


@dataclass(frozen=True, eq=False)
class ImpactEffects:
    """What the year loop needs of a table, made once; stacked over donors or draws if wished.

    Leading axes ``E`` are none for one table, (N,) for a stack of donors, (D,) for one table a draw. They line up with
    the first axes of the purchases.
    """

    sectors: tuple[str, ...]
    """The S industries that purchases are counted by."""
    L: Array
    """(*E, S, S), Leontief inverse: output of an industry per unit bought from another."""
    coefficients: Mapping[str, Array]
    """By account: (*E, S), direct coefficient: persons (or money) per unit of output."""
    household: Array
    """(*E, S), household purchases from home industries per unit of income."""
    household_imports: Array
    """(*E,), household imports per unit of income."""
    household_product_tax: Array
    """(*E,), taxes on products paid by households per unit of income."""
    type1: Mapping[str, Array]
    """By account: (*E, S), Type I effect per unit of purchases from each industry."""
    type2: Mapping[str, Array]
    """By account: (*E, S), Type II effect: with the spending of the labour income that the purchases create."""
    basket: Mapping[str, Array]
    """By account: (*E,), what one unit of household income causes in its first round of spending and its suppliers;
    households' own imports and taxes on products included."""
    rest: Array
    """(*E,), ``1 - w L h - own``: the part of a unit of income that does not come back as income."""
    money: str = ""
    """The money that purchases and payroll must be in."""
    closure: str = ""
    """The name of the closure."""

    @classmethod
    def from_table(cls, table: InputOutputTable, closure: Closure) -> "ImpactEffects":
        """The effects of one table under one closure. Accounts the table lacks are left out.

        Raises
        ------
        MissingAccount : no compensation or no household consumption: nothing could be induced.
        """
        column = table.household_column(closure)
        rows = {part: ("employment" if part == "jobs" else part) for part in PARTS}
        known = {
            part: table.coefficients(row) for part, row in rows.items() if part == "income" or row in table.accounts
        }
        leaks = (np.array(column.imports), np.array(column.product_tax), np.array(column.own))
        return _assemble(table.sectors, table.L, known, column.domestic, leaks, table.money, closure.name)

    @classmethod
    def from_arrays(
        cls,
        A: ArrayLike,
        coefficients: Mapping[str, ArrayLike],
        household: ArrayLike,
        *,
        sectors: Sequence[str],
        household_imports: ArrayLike = 0.0,
        household_product_tax: ArrayLike = 0.0,
        household_own: ArrayLike = 0.0,
        money: str = "",
        closure: str = "",
    ) -> "ImpactEffects":
        """The effects of a stack of tables, such as one a draw: all solved at once.

        Parameters
        ----------
        A : (*E, S, S), input coefficients of domestic flows.
        coefficients : by account of :data:`PARTS`, (*E, S) or (S,), per unit of output. ``income`` is needed.
        household : (*E, S) or (S,), household purchases per unit of income.
        household_imports, household_product_tax, household_own : (*E,) or scalar, per unit of income.

        Raises
        ------
        InputError : no income, an account that is none of the known ones, or shapes that do not fit.
        NotProductive : a table of the stack cannot meet any demand.
        """
        a = np.asarray(A, dtype=np.float64)
        size = len(sectors)
        if a.ndim < 2 or a.shape[-2:] != (size, size):
            raise InputError(f"A has shape {a.shape}; expected (..., {size}, {size})")
        lead = a.shape[:-2]
        unknown = next((name for name in coefficients if name not in PARTS), None)
        if unknown is not None:
            raise UnknownName(f"no account {unknown!r}; {nearest(unknown, PARTS)} The accounts: {', '.join(PARTS)}")
        if "income" not in coefficients:
            raise InputError("coefficients lack 'income'; without labour income nothing is induced")
        known = {
            part: np.broadcast_to(np.asarray(coefficients[part], dtype=np.float64), (*lead, size)).copy()
            for part in PARTS
            if part in coefficients
        }
        L: Array = np.asarray(np.linalg.inv(np.eye(size) - a), dtype=np.float64)
        # A productive table has no negative cell in its inverse; one that is not has some, whatever its column sums.
        if L.min(initial=0.0) < -1e-9 and a.min(initial=0.0) >= 0:
            where = np.unravel_index(int(np.argmin(L)), L.shape)
            raise NotProductive(
                f"table {where[:-2]} of the stack cannot meet any demand (sector {sectors[int(where[-1])]!r}); "
                "expected inputs that cost less than the output"
            )
        h = np.broadcast_to(np.asarray(household, dtype=np.float64), (*lead, size)).copy()
        abroad, taxed, own = (
            np.broadcast_to(np.asarray(value, dtype=np.float64), lead)
            for value in (household_imports, household_product_tax, household_own)
        )
        return _assemble(tuple(sectors), L, known, h, (abroad, taxed, own), money, closure)

    @classmethod
    def stack(cls, members: Sequence["ImpactEffects"]) -> "ImpactEffects":
        """Tables of several donors, side by side on a first axis: (N, ...).

        Raises
        ------
        InputError : none given, or sectors, money or accounts that differ.
        """
        if not members:
            raise InputError("no effects to stack; expected at least one table")
        first = members[0]
        for other in members[1:]:
            if other.sectors != first.sectors or other.money != first.money or other.type1.keys() != first.type1.keys():
                raise InputError("effects to stack differ in sectors, money or accounts; expected the same in each")

        return _combined(members, np.stack)

    def take(self, index: ArrayLike) -> "ImpactEffects":
        """One member of the stack for each entry of ``index`` (D,): the donor that each draw uses."""
        which = np.asarray(index)
        return _combined([self], lambda arrays: arrays[0][which])

    def with_spending(self, share: ArrayLike) -> "ImpactEffects":
        """The same tables when households spend ``share`` times what they do here, such as one share a draw.

        Made for effects whose closure spends the whole income: then ``share`` is the share of income spent.

        Parameters
        ----------
        share : (*E,) or scalar, ratio, 0 or more. More axes than the stack has make a stack of it.

        Raises
        ------
        InputError : a share below 0.
        NotProductive : households would earn more from their spending than they spend.
        """
        k = np.asarray(share, dtype=np.float64)
        if (k < 0).any():
            raise InputError(f"spending share is {k.min():.4g}; expected 0 or more")
        rest = np.asarray(1.0 - k * (1.0 - self.rest))
        _refuse_runaway(rest)
        abroad, taxed = self.household_imports * k, self.household_product_tax * k
        basket = {part: value * k for part, value in self.basket.items()}
        leaks = {"imports": abroad, "product_tax": taxed}
        type2 = {
            part: row + self.type1["income"] * ((basket[part] - leaks.get(part, 0.0)) / rest)[..., None]
            for part, row in self.type1.items()
        }
        return replace(
            self,
            household=self.household * k[..., None],
            household_imports=abroad,
            household_product_tax=taxed,
            basket=basket,
            rest=rest,
            type2=type2,
        )

    def with_error(self, factors: Mapping[str, ArrayLike]) -> "ImpactEffects":
        """The same tables with an account scaled throughout: direct coefficient, effects and basket alike.

        For the error of an estimated table that its donors' spread does not show. Money no longer adds up where
        ``gva`` is scaled and imports are not.

        Parameters
        ----------
        factors : by account, (*E,) or scalar, ratio above 0. ``income`` is refused: it would change who spends what.

        Raises
        ------
        UnknownName : an account these effects do not have, or ``income``.
        InputError : a factor that is not above 0.
        """
        known = {name: np.asarray(factor, dtype=np.float64) for name, factor in factors.items()}
        for name, factor in known.items():
            if name not in self.type1 or name == "income":
                allowed = [part for part in self.type1 if part != "income"]
                raise UnknownName(f"{name!r} cannot be scaled; {nearest(name, allowed)} Can be: {', '.join(allowed)}")
            if not (factor > 0).all():
                raise InputError(f"factor of {name!r} is {factor.min():.4g}; expected above 0")

        def rows(values: Mapping[str, Array]) -> dict[str, Array]:
            return {part: value * known[part][..., None] if part in known else value for part, value in values.items()}

        return replace(
            self,
            coefficients=rows(self.coefficients),
            type1=rows(self.type1),
            type2=rows(self.type2),
            basket={part: value * known.get(part, 1.0) for part, value in self.basket.items()},
        )


@dataclass(frozen=True, eq=False)
class PartsImpact:
    """What a plant's purchases and payroll cause in the rest of the economy. The plant itself is not in it. Gross."""

    indirect: Mapping[str, Array]
    """By account: (...,), jobs in persons, the others in money: suppliers and their suppliers."""
    induced: Mapping[str, Array]
    """By account: (...,), same units: what households buy out of payroll and suppliers' wages. Imports and taxes on
    products include what households pay themselves."""
    household_income: Array
    """(...,), money: labour income in all rounds: payroll, suppliers, and those who serve the households."""
    jobs_by_sector: Array | None
    """(..., S), persons, indirect and induced together; ``None`` unless asked for."""
    indirect_by_sector: Mapping[str, Array] | None
    """By account: (..., S), the indirect part by industry: the ancillary industries; ``None`` unless asked for."""
    induced_by_sector: Mapping[str, Array] | None
    """By account: (..., S), the induced part by industry, without what households import and pay in taxes
    themselves."""
    closure: str
    """The closure behind the induced part."""


def impact_by_parts(
    purchases: ArrayLike,
    payroll: ArrayLike,
    *,
    effects: ImpactEffects,
    deflator: ArrayLike = 1.0,
    productivity: ArrayLike = 1.0,
    by_sector: bool = False,
) -> PartsImpact:
    """Indirect and induced jobs, value added, income, imports and product taxes of a plant's spending.

    ``indirect = e1 . p``; ``q = (y + w1 . p) / (1 - w L h - own)``; ``induced = (v L h) q`` (module's first lines).
    Miller and Blair (2009), section 6.2; the name is that of regional impact practice.

    Parameters
    ----------
    purchases : (..., S), money a year at basic prices: domestic products bought, by supplying industry, without
        imports, margins (they are purchases from trade and transport) and taxes on products.
    payroll : (...,), money a year: labour income paid by the plant, in the money of the purchases.
    effects : of one table, or stacked over the first axes of ``purchases``.
    deflator : (...,), price level of the purchases' money over that of the table's year (above 0). Jobs per unit of
        money are those of the table's year and shrink with it.
    productivity : (...,), output per person over that of the table's year (above 0).
    by_sector : whether to say by industry too: ``jobs_by_sector``, ``indirect_by_sector``, ``induced_by_sector``.

    Raises
    ------
    InputError : another number of sectors; stacked effects that do not fit the first axes; deflator or productivity
        not above 0; jobs by sector asked of a table without employment.
    """
    p, y = np.asarray(purchases, dtype=np.float64), np.asarray(payroll, dtype=np.float64)
    size = len(effects.sectors)
    if p.ndim < 1 or p.shape[-1] != size:
        raise InputError(f"purchases have shape {p.shape}; expected (..., {size}), one value a sector of the table")
    shape = np.broadcast_shapes(p.shape[:-1], y.shape)
    level = np.asarray(deflator, dtype=np.float64) * np.asarray(productivity, dtype=np.float64)
    if not (np.asarray(deflator) > 0).all() or not (np.asarray(productivity) > 0).all():
        raise InputError("deflator and productivity must be above 0; 1 is the level of the table's year")
    lead = effects.rest.ndim
    pairs = zip(effects.rest.shape, shape, strict=False)
    if lead > len(shape) or any(1 not in (stacked, asked) and stacked != asked for stacked, asked in pairs):
        raise InputError(
            f"effects are stacked over {effects.rest.shape} and purchases over {shape}; expected the same first axes"
        )
    spread = (1,) * (len(shape) - lead)

    def line_up(value: Array, inner: int) -> Array:
        """Put ones between the stack's axes and the inner ones, so that they meet the first axes of the purchases."""
        cut = value.ndim - inner
        return value.reshape(value.shape[:cut] + spread + value.shape[cut:])

    indirect = {key: (p * line_up(value, 1)).sum(axis=-1) for key, value in effects.type1.items()}
    income = (y + indirect["income"]) / line_up(effects.rest, 0)
    induced = {key: income * line_up(value, 0) for key, value in effects.basket.items()}
    jobs: Array | None = None
    sectors: tuple[dict[str, Array], dict[str, Array]] = ({}, {})
    if by_sector:
        if "jobs" not in effects.coefficients:
            raise InputError("jobs by sector need a table with employment; this one has none")
        demand = np.stack(np.broadcast_arrays(p, income[..., None] * line_up(effects.household, 1)), axis=-1)
        output = np.matmul(line_up(effects.L, 2), demand)
        for k, part in enumerate(sectors):
            for key, value in effects.coefficients.items():
                part[key] = output[..., k] * line_up(value, 1) / (level[..., None] if key == "jobs" else 1.0)
        jobs = sectors[0]["jobs"] + sectors[1]["jobs"]
    for parts in (indirect, induced):
        if "jobs" in parts:
            parts["jobs"] = parts["jobs"] / level
    full = np.broadcast_shapes(income.shape, level.shape)
    indirect = {key: np.broadcast_to(value, full) for key, value in indirect.items()}
    induced = {key: np.broadcast_to(value, full) for key, value in induced.items()}
    first, second = sectors if by_sector else (None, None)
    return PartsImpact(indirect, induced, income, jobs, first, second, effects.closure)


def _combined(members: Sequence[ImpactEffects], join: Callable[[list[Array]], Array]) -> ImpactEffects:
    """Every array of the members joined in the same way; words from the first."""
    first = members[0]

    def mapped(name: str) -> dict[str, Array]:
        return {key: join([getattr(member, name)[key] for member in members]) for key in getattr(first, name)}

    def plain(name: str) -> Array:
        return join([getattr(member, name) for member in members])

    return ImpactEffects(
        sectors=first.sectors,
        L=plain("L"),
        coefficients=mapped("coefficients"),
        household=plain("household"),
        household_imports=plain("household_imports"),
        household_product_tax=plain("household_product_tax"),
        type1=mapped("type1"),
        type2=mapped("type2"),
        basket=mapped("basket"),
        rest=plain("rest"),
        money=first.money,
        closure=first.closure,
    )


def _assemble(
    sectors: tuple[str, ...],
    L: Array,
    known: Mapping[str, Array],
    h: Array,
    leaks: tuple[Array, Array, Array],
    money: str,
    closure: str,
) -> ImpactEffects:
    """All effects from the inverse, the direct coefficients, the household column and its (imports, taxes, own)."""
    abroad, taxed, own = leaks
    type1 = {part: np.einsum("...i,...ij->...j", row, L) for part, row in known.items()}
    basket = {part: np.einsum("...s,...s->...", row, h) for part, row in type1.items()}
    rest = np.asarray(1.0 - own - basket["income"])
    _refuse_runaway(rest)
    type2 = {part: row + type1["income"] * (basket[part] / rest)[..., None] for part, row in type1.items()}
    if "imports" in basket:
        basket["imports"] = basket["imports"] + abroad
    if "product_tax" in basket:
        basket["product_tax"] = basket["product_tax"] + taxed
    return ImpactEffects(sectors, L, dict(known), h, abroad, taxed, type1, type2, basket, rest, money, closure)


def _refuse_runaway(rest: Array) -> None:
    """Households that earn back all they spend would grow without end."""
    if (rest <= 0).any():
        raise NotProductive(
            f"under this closure a unit of household income brings back {1 - float(rest.min()):.4g} more; expected "
            "below 1: the income that household purchases are divided by is too small for this table"
        )

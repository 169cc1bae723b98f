"""The input-output table: who buys what from whom, and what one unit of final demand sets in motion.

Letters of the field (Miller and Blair 2009): ``Z`` flows between industries, ``f`` final demand, ``x`` output,
``A = Z diag(x)^-1`` input coefficients, ``L = (I - A)^-1`` Leontief inverse, ``B = diag(x)^-1 Z`` and
``G = (I - B)^-1`` their supply-side sisters (Ghosh). Words: an **effect** is what one unit of final demand causes; a
**multiplier** is an effect divided by the direct coefficient, and never anything else. Type I counts the plant and its
suppliers; Type II adds what households buy out of the wages, under a named :class:`Closure`.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.base.errors import InputError, UnknownName, nearest
from karvan.economy.closure import Closure, HouseholdColumn
from karvan.economy.faults import ClosureMissing, MissingAccount, NotProductive, TableFault
from karvan.economy.labels import LabelledVector, Vector, position, read_frame, read_vector
from karvan.economy.solve import LeontiefSolver, SolverOptions, refuse_unproductive

if TYPE_CHECKING:
    from karvan.economy.bridge import PriceBridge
    from karvan.economy.extraction import Contribution, Extraction
    from karvan.economy.impact import Impact
    from karvan.economy.linkages import Linkages

__all__ = ["ACCOUNTS", "Closure", "InputOutputTable", "LabelledVector"]

ACCOUNTS: Final = ("output", "gva", "income", "employment", "imports", "product_tax")
"""What an effect can be counted in. ``gva`` and ``income`` are value added and compensation of employees."""

_FIELDS: Final = {
    "gva": "value_added",
    "income": "compensation",
    "employment": "employment",
    "imports": "imports",
    "product_tax": "product_taxes",
}


class InputOutputTable:
    """An input-output table that cannot be changed, only asked.

    Flows ``Z[i, j]`` are what industry ``j`` buys from industry ``i``. Rows: ``x = Z 1 + f``. Columns: ``x' = 1' Z +
    imports + product taxes + value added``. The publisher's own output is kept; what rounding leaves over is in
    ``residual`` and is not refused.

    Parameters
    ----------
    Z : (S, S), money. A data frame is put in the order of ``sectors`` by its labels, as every labelled row is.
    final_demand : (S,) or (S, k), money: domestic products for final use, in columns if there are several uses.
    output : (S,), money; without it, the row sums.
    sectors : S different labels.
    value_added, compensation, imports, product_taxes : (S,), money, each optional: rows below ``Z``.
    employment : (S,), persons (or full-time equivalents: the table's own word goes into ``employment_unit``).
    household_consumption : (S,), money: domestic products bought by households.
    household_imports, household_product_taxes : money: what households buy abroad, and taxes less subsidies on products
        they pay. They enter :meth:`impact`, never :meth:`effects`, which count industries only.
    import_shares : (S,), share of 1: only for ``flows="total"``, where the flows hold imports: the share of each
        product's use that comes from abroad, the same for all buyers (an assumption, and named in ``doubts``).
    currency, unit, year : what the money is; they travel with the results.
    prices : ``basic``, ``producers`` or ``purchasers``.
    flows : ``domestic`` or ``total``.
    copy : whether to copy ``Z``; without a copy the caller must leave it alone.

    Raises
    ------
    TableFault : no price basis or flows; shapes or labels that do not fit; values that are not numbers; total flows
        without an import split; inputs without output; rows and columns exchanged.
    NotProductive : spectral radius of ``A`` 1 or more.

    >>> t = InputOutputTable([[150, 500], [200, 100]], [350, 1700], output=[1000, 2000], sectors=["1", "2"],
    ...                      prices="basic", flows="domestic")        # Miller and Blair (2009), Table 2.3
    >>> t.L.round(4)
    array([[1.2541, 0.33  ],
           [0.264 , 1.1221]])
    >>> round(t.effects("output")["1"], 4)
    1.5182
    """

    __slots__ = (
        "Z",
        "_cache",
        "_solver",
        "compensation",
        "currency",
        "doubts",
        "employment",
        "employment_unit",
        "final_demand",
        "final_uses",
        "flows",
        "household_consumption",
        "household_imports",
        "household_product_taxes",
        "imports",
        "options",
        "output",
        "prices",
        "product_taxes",
        "residual",
        "sectors",
        "unit",
        "value_added",
        "year",
    )
    Z: Array
    output: Array
    final_demand: Array
    final_uses: Array
    sectors: tuple[str, ...]
    value_added: Array | None
    compensation: Array | None
    imports: Array | None
    product_taxes: Array | None
    employment: Array | None
    household_consumption: Array | None
    household_imports: float
    household_product_taxes: float
    residual: LabelledVector
    doubts: tuple[str, ...]
    currency: str
    unit: str
    employment_unit: str
    year: int | None
    prices: str
    flows: str
    options: SolverOptions
    _solver: LeontiefSolver
    _cache: dict[Any, Any]

    def __init__(
        self,
        Z: ArrayLike,
        final_demand: Vector,
        *,
        output: Vector | None = None,
        sectors: Sequence[str],
        value_added: Vector | None = None,
        compensation: Vector | None = None,
        imports: Vector | None = None,
        product_taxes: Vector | None = None,
        employment: Vector | None = None,
        household_consumption: Vector | None = None,
        household_imports: float = 0.0,
        household_product_taxes: float = 0.0,
        import_shares: Vector | None = None,
        currency: str = "",
        unit: str = "",
        employment_unit: str = "persons",
        year: int | None = None,
        prices: str | None = None,
        flows: str | None = None,
        options: SolverOptions | None = None,
        copy: bool = True,
    ) -> None:
        if prices not in ("basic", "producers", "purchasers"):
            raise TableFault(
                f"prices is {prices!r}; expected 'basic', 'producers' or 'purchasers': demand at one price basis put "
                "into a table of another overstates the impact by margins and taxes"
            )
        if flows not in ("domestic", "total"):
            raise TableFault(
                f"flows is {flows!r}; expected 'domestic' or 'total': imports counted as home production overstate "
                "every effect"
            )
        labels = tuple(str(sector) for sector in sectors)
        flow = np.array(read_frame(Z, labels, "Z"), dtype=np.float64, copy=True if copy else None)
        if flow.ndim != 2 or flow.shape[0] != flow.shape[1]:
            raise TableFault(f"Z has shape {flow.shape}; expected a square table, industry by industry, without totals")
        if len(labels) != flow.shape[0]:
            raise TableFault(f"there are {len(labels)} sectors for {flow.shape[0]} rows of Z; expected one label a row")
        if len(set(labels)) != len(labels):
            twice = next(label for label in labels if labels.count(label) > 1)
            raise TableFault(f"sector {twice!r} stands twice; expected every label once")
        uses = _uses(final_demand, labels)
        total = uses.sum(axis=1)
        rows = {
            "value_added": value_added,
            "compensation": compensation,
            "imports": imports,
            "product_taxes": product_taxes,
            "employment": employment,
            "household_consumption": household_consumption,
        }
        given = {name: None if row is None else read_vector(row, labels, name) for name, row in rows.items()}
        doubts: list[str] = []
        if flows == "total":
            if import_shares is None:
                raise TableFault(
                    "flows are 'total': they hold imports as if made at home; give import_shares (the share of each "
                    "product's use that comes from abroad) or a table of domestic flows"
                )
            share = read_vector(import_shares, labels, "import_shares")
            if share.min(initial=0) < 0 or share.max(initial=0) > 1:
                raise TableFault("import_shares must lie between 0 and 1")
            abroad = share @ flow
            given["imports"] = abroad if given["imports"] is None else given["imports"] + abroad
            flow = flow * (1 - share)[:, None]
            # Final uses are those of domestic products from here on, as the words of the class say.
            x = read_vector(output, labels, "output") if output is not None else None
            uses = uses * (1 - share)[:, None]
            total = uses.sum(axis=1)
            if given["household_consumption"] is not None:
                household_imports += float(share @ given["household_consumption"])
                given["household_consumption"] = given["household_consumption"] * (1 - share)
            if x is None:
                x = flow.sum(axis=1) + total
            doubts.append("imports split from total flows by one share a product for all buyers (assumed)")
        else:
            x = read_vector(output, labels, "output") if output is not None else flow.sum(axis=1) + total
        if not np.isfinite(flow.sum(axis=0)).all():  # no second table of truth values: a large one may just fit
            i, j = (int(k) for k in np.argwhere(~np.isfinite(flow))[0])
            raise TableFault(f"Z[{labels[i]!r}, {labels[j]!r}] is {flow[i, j]}; expected a number")
        _refuse_dead_buyers(flow, x, labels)
        left = x - flow.sum(axis=1) - total
        _refuse_transposed(flow, total, x, left)
        if prices == "purchasers":
            doubts.append("flows at purchasers' prices hold margins and taxes: effects are not those of basic prices")
        doubts.extend(refuse_unproductive(flow, x, labels))
        size = float(np.abs(x).sum())
        if size and float(np.abs(left).sum()) > 0.005 * size:
            worst = int(np.argmax(np.abs(left)))
            doubts.append(
                f"rows do not balance: {np.abs(left).sum() / size:.2%} of output is unexplained, most of it in "
                f"{labels[worst]!r} ({left[worst]:.6g})"
            )
        if given["imports"] is None:
            doubts.append("no row of imports: import leakage and the identity of demand cannot be shown")
        if given["employment"] is not None and (given["employment"][x == 0] != 0).any():
            doubts.append("employment in industries without output is left out of all effects")
        put = object.__setattr__
        for array in (flow, x, uses, total, *(row for row in given.values() if row is not None)):
            array.flags.writeable = False
        for name, value in given.items():
            put(self, name, value)
        put(self, "Z", flow)
        put(self, "output", x)
        put(self, "final_uses", uses)
        put(self, "final_demand", total)
        put(self, "sectors", labels)
        put(self, "household_imports", float(household_imports))
        put(self, "household_product_taxes", float(household_product_taxes))
        put(self, "residual", LabelledVector(left, labels, f"{unit} {currency}".strip()))
        put(self, "doubts", tuple(doubts))
        put(self, "currency", currency)
        put(self, "unit", unit)
        put(self, "employment_unit", employment_unit)
        put(self, "year", year)
        put(self, "prices", prices)
        put(self, "flows", "domestic")
        put(self, "options", options if options is not None else SolverOptions())
        put(self, "_solver", LeontiefSolver(flow, x, options))
        put(self, "_cache", {})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(
            f"an InputOutputTable cannot be changed ({name}); make a new one, or no result would follow"
        )

    def __repr__(self) -> str:
        return f"<InputOutputTable {self.size} sectors, {self.money}, {self.prices} prices, {self.flows} flows>"

    @property
    def size(self) -> int:
        """Number of industries, ``S``."""
        return len(self.sectors)

    @property
    def money(self) -> str:
        """The money of the table in words, such as ``million GBP of 2019``."""
        words = f"{self.unit} {self.currency}".strip() or "money"
        return words if self.year is None else f"{words} of {self.year}"

    @property
    def solver(self) -> LeontiefSolver:
        """Solves ``(I - A) x = f`` and its transpose for this table."""
        return self._solver

    @property
    def A(self) -> Array:
        """Input coefficients ``Z diag(x)^-1`` (S, S), unit of input per unit of output; zeros where output is zero."""
        return self._kept("A", lambda: self.Z * per_unit(self.output))

    @property
    def L(self) -> Array:
        """Leontief inverse ``(I - A)^-1`` (S, S), output per unit of final demand; made when first asked for."""
        return self._kept("L", lambda: np.linalg.inv(np.eye(self.size) - self.A))

    @property
    def B(self) -> Array:
        """Allocation coefficients ``diag(x)^-1 Z`` (S, S): the share of each industry's sales that each buyer takes."""
        return self._kept("B", lambda: self.Z * per_unit(self.output)[:, None])

    @property
    def G(self) -> Array:
        """Ghosh inverse ``(I - B)^-1`` (S, S). For prices and linkages; not a response of quantities."""
        return self._kept("G", lambda: np.linalg.inv(np.eye(self.size) - self.B))

    def coefficients(self, account: str) -> Array:
        """The direct coefficient of an account: its row per unit of output, (S,).

        Raises
        ------
        UnknownName : an account that is none of :data:`ACCOUNTS`.
        MissingAccount : the table was made without that row.
        """
        if account not in ACCOUNTS:
            raise UnknownName(
                f"no account {account!r}; {nearest(account, ACCOUNTS)} The accounts: {', '.join(ACCOUNTS)}"
            )
        if account == "output":
            return np.ones(self.size)
        row: Array | None = getattr(self, _FIELDS[account])
        if row is None:
            raise MissingAccount(
                f"the table was made without {_FIELDS[account]}; give that row to ask for effects on {account}"
            )
        return row * per_unit(self.output)

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts this table can answer for."""
        return tuple(a for a in ACCOUNTS if a == "output" or getattr(self, _FIELDS[a]) is not None)

    def household_column(self, closure: Closure | None) -> HouseholdColumn:
        """The household column under ``closure``; :class:`ClosureMissing` explains the choice where there is none."""
        if closure is None:
            raise ClosureMissing(
                "Type II needs a closure: which income do household purchases belong to? "
                "Closure.total_household_income(amount) divides by income from all sources (as Scotland publishes, the "
                "smaller induced part); Closure.labour_income() by wages alone (the textbook, up to twice as large); "
                "Closure.disposable_income(tax=, saving=) spends what is left of wages"
            )
        return closure.coefficients(self)

    def effects(self, account: str, *, type: str = "I", closure: Closure | None = None) -> LabelledVector:
        """What one unit of final demand for each industry causes in ``account``, direct part included.

        Type I: ``e = v L`` with ``v`` the direct coefficient. Type II: ``e + (w L) (e h) / (1 - w L h - own)`` with
        ``w`` labour income per unit of output and ``h`` the household column: the bordered inverse by Schur's
        complement, summed over industries only. Miller and Blair (2009), sections 6.2.2 to 6.2.5.

        Parameters
        ----------
        account : one of :data:`ACCOUNTS`.
        type : ``I`` or ``II``.
        closure : needed for ``II``, refused for ``I``.

        Returns
        -------
        S values, per unit of final demand at the table's prices: money per money, or persons per unit of money.

        Raises
        ------
        InputError : another type, or a closure with Type I.
        UnknownName, MissingAccount, ClosureMissing : as their words say.
        NotProductive : households would spend more than they earn.
        """
        if type not in ("I", "II"):
            raise InputError(f"type is {type!r}; expected 'I' (suppliers) or 'II' (suppliers and households)")
        if type == "I" and closure is not None:
            raise InputError("a closure was given for Type I, which leaves households out; ask for type='II'")
        first = self._type_one(account)
        unit = f"{self.employment_unit} per {self.money}" if account == "employment" else f"per unit of {self.money}"
        if type == "I":
            return LabelledVector(first.copy(), self.sectors, unit)
        column = self.household_column(closure)
        income = self._type_one("income")
        rest = household_rest(float(income @ column.domestic), column.own)
        return LabelledVector(first + income * (float(first @ column.domestic) / rest), self.sectors, unit)

    def multipliers(self, account: str, *, type: str = "I", closure: Closure | None = None) -> LabelledVector:
        """The effect over the direct coefficient: all jobs (money) in the economy per job (money) in the industry.

        ``NaN`` where an industry makes something and has none of its own (imputed rent has no jobs): nothing can be a
        multiple of nothing. An industry without output has no content: 0 in every account but ``output``, where a
        unit of demand is still a unit of output: 1. Statistical offices print the same.
        """
        total = self.effects(account, type=type, closure=closure).values
        direct = self.coefficients(account)
        nothing = np.where(self.output == 0, 0.0, np.nan)
        ratio = np.divide(total, direct, out=nothing, where=direct != 0)
        return LabelledVector(ratio, self.sectors, "ratio")

    def impact(
        self,
        demand: Vector,
        *,
        price_basis: str | None = None,
        closure: Closure | None = None,
        bridge: "PriceBridge | None" = None,
        exogenous_output: Mapping[str, float] | None = None,
        financed_by_households: float = 0.0,
    ) -> "Impact":
        """What a change of final demand causes: see :func:`karvan.economy.impact.impact`."""
        from karvan.economy.impact import impact

        return impact(
            self,
            demand,
            price_basis=price_basis,
            closure=closure,
            bridge=bridge,
            exogenous_output=exogenous_output,
            financed_by_households=financed_by_households,
        )

    def extract(self, sector: str, *, variant: str = "complete", keep_final_demand: bool | None = None) -> "Extraction":
        """What is lost without an industry's links: see :func:`karvan.economy.extraction.extract`."""
        from karvan.economy.extraction import extract

        return extract(self, sector, variant=variant, keep_final_demand=keep_final_demand)

    def contribution(self, sector: str) -> "Contribution":
        """What an existing industry holds up: see :func:`karvan.economy.extraction.contribution`."""
        from karvan.economy.extraction import contribution

        return contribution(self, sector)

    def linkages(self, *, forward: str = "ghosh", diagonal: bool = True) -> "Linkages":
        """Backward and forward linkages: see :func:`karvan.economy.linkages.linkages`."""
        from karvan.economy.linkages import linkages

        return linkages(self, forward=forward, diagonal=diagonal)

    def price_effect(self, change: Vector, *, account: str | None = None, cost: Vector | None = None) -> LabelledVector:
        """What dearer inputs do to prices: see :func:`karvan.economy.linkages.price_effect`."""
        from karvan.economy.linkages import price_effect

        return price_effect(self, change, account=account, cost=cost)

    def aggregate(self, mapping: Mapping[str, str]) -> "InputOutputTable":
        """The table with industries merged: see :func:`karvan.economy.aggregation.aggregate`."""
        from karvan.economy.aggregation import aggregate

        return aggregate(self, mapping)

    def vector(self, values: Vector, name: str = "values") -> Array:
        """(S,) from numbers in order, or from a mapping of labels to numbers where what is left out is 0."""
        if isinstance(values, Mapping):
            full = np.zeros(self.size)
            for label, value in values.items():
                full[position(label, self.sectors)] = value
            return full
        return read_vector(values, self.sectors, name)

    def position(self, sector: str) -> int:
        """The place of a sector in the order of the table."""
        return position(sector, self.sectors)

    def _type_one(self, account: str) -> Array:
        return self._kept(("I", account), lambda: self._solver.adjoint(self.coefficients(account)))

    def _kept(self, key: Any, make: Any) -> Array:
        if key not in self._cache:
            value: Array = make()
            value.flags.writeable = False
            self._cache[key] = value
        answer: Array = self._cache[key]
        return answer


def household_rest(back: float, own: float) -> float:
    """``1 - w L h - own``: what of a unit of income does not come back as income, share of 1.

    Parameters
    ----------
    back : ``w L h``, labour income that the spending of one unit of income creates.
    own : labour that households hire from households, per unit of income.

    Raises
    ------
    NotProductive : it is 0 or less: the households of this closure would grow without end.
    """
    rest = 1.0 - own - back
    if rest <= 0:
        raise NotProductive(
            f"under this closure a unit of household income brings back {back + own:.4g} more; expected below 1: the "
            "income that purchases are divided by is too small for this table"
        )
    return rest


def per_unit(x: Array) -> Array:
    """``1 / x``, 0 where ``x`` is 0: an industry without output has no coefficients."""
    answer: Array = np.divide(1.0, x, out=np.zeros_like(x), where=x != 0)
    return answer


def _uses(values: Vector, labels: tuple[str, ...]) -> Array:
    if not isinstance(values, Mapping):
        array = np.array(read_frame(values, labels, "final_demand", square=False), dtype=np.float64)
        if array.ndim == 2:
            if array.shape[0] != len(labels) or not np.isfinite(array).all():
                raise TableFault(
                    f"final_demand has shape {array.shape}; expected {len(labels)} rows of numbers, a column a use"
                )
            return array
    return read_vector(values, labels, "final_demand")[:, None]


def _refuse_dead_buyers(Z: Array, x: Array, labels: tuple[str, ...]) -> None:
    """An industry that buys or sells without making anything would vanish from the coefficients without a word."""
    dead = x == 0
    if not dead.any():
        return
    inputs = np.abs(Z).sum(axis=0)
    if (dead & (inputs > 0)).any():
        k = int(np.argmax(dead & (inputs > 0)))
        raise TableFault(
            f"{labels[k]!r} has inputs of {inputs[k]:.6g} and output 0; expected output, or no inputs: its purchases "
            "would be lost"
        )


def _refuse_transposed(Z: Array, f: Array, x: Array, left: Array) -> None:
    """Sellers must stand in rows: a table turned round balances only when it is turned back."""
    size = float(np.abs(x).sum())
    if not size or float(np.abs(left).sum()) <= 0.02 * size:
        return
    turned = float(np.abs(x - Z.sum(axis=0) - f).sum())
    if turned < 0.1 * float(np.abs(left).sum()) and turned <= 0.01 * size:
        raise TableFault(
            "the table looks transposed: columns plus final demand give output, rows do not; expected Z[i, j] to be "
            "what j buys from i"
        )

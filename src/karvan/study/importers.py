"""Input-output tables from CSV files and workbooks, as labelled arrays that the economy stage takes.

``InputOutputTable(**found.keywords())`` makes the table of :mod:`karvan.economy`; this module knows nothing of it.
Rows and columns are put in one order by their labels. Every label must be an industry or have a role, so that nothing
is dropped in silence; a table that stands on its side is refused. The flows are copied once, from the reader's columns
into one array, which the table then uses as it is. For pymrio see :mod:`karvan.study.importers_pymrio`.
"""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from karvan.base.axes import Array
from karvan.base.errors import Fault, InputError, StudyFaults, UnknownName, nearest

ROWS: Final = ("value_added", "compensation", "imports", "product_taxes", "employment")
"""Rows below the industries that a table can have."""
MOST = 20
"""Faults listed of one kind."""
Labels = str | Sequence[str]


@dataclass(frozen=True)
class Roles:
    """What the labels of a table mean that are no industries, and what its numbers are."""

    final: tuple[str, ...]
    """Columns of final use, in the order wanted; at least one."""
    prices: str
    """``basic``, ``producers`` or ``purchasers``."""
    flows: str = "domestic"
    """``domestic``, or ``total`` where imports stand among the flows."""
    households: Labels = ()
    """Which of the final uses are household consumption."""
    rows: Mapping[str, Labels] = field(default_factory=dict)
    """By name of :data:`ROWS`: the label of the row, or labels of rows to add up."""
    output: str = ""
    """Label of the publisher's output, a row or a column; row sums without it."""
    ignore: tuple[str, ...] = ()
    """Labels of rows and columns left out on purpose: totals, sub-totals, rows of no interest."""
    currency: str = ""
    unit: str = ""
    employment_unit: str = "persons"
    year: int | None = None

    def __post_init__(self) -> None:
        if not self.final:
            raise InputError("roles name no column of final use; expected at least one: without it output cannot close")
        for name in self.rows:
            if name not in ROWS:
                raise UnknownName(f"no row '{name}'; {nearest(name, ROWS)} The rows: {', '.join(ROWS)}")
        for name in _labels(self.households):
            if name not in self.final:
                raise UnknownName(f"households '{name}' is none of the final uses; {nearest(name, self.final)}")


@dataclass(frozen=True, eq=False)
class TableArrays:
    """A table as read: S industries in one order for rows and columns. Money unless a word says otherwise."""

    Z: Array
    """(S, S), flows: ``Z[i, j]`` is what ``j`` buys from ``i``."""
    final_demand: Array
    """(S, k)."""
    final: tuple[str, ...]
    """Labels of the k final uses."""
    sectors: tuple[str, ...]
    output: Array | None = None
    """(S,), as published."""
    value_added: Array | None = None
    compensation: Array | None = None
    imports: Array | None = None
    product_taxes: Array | None = None
    employment: Array | None = None
    """(S,), in ``employment_unit``."""
    household_consumption: Array | None = None
    """(S,), of home products."""
    household_imports: float = 0.0
    household_product_taxes: float = 0.0
    currency: str = ""
    unit: str = ""
    employment_unit: str = "persons"
    year: int | None = None
    prices: str = "basic"
    flows: str = "domestic"
    source: str = ""
    """Where it was read."""

    def keywords(self) -> dict[str, Any]:
        """What ``karvan.economy.InputOutputTable`` takes, without another copy of the flows."""
        out = {name: value for name, value in vars(self).items() if name not in ("final", "source")}
        return {name: value for name, value in out.items() if value is not None} | {"copy": False}


def table_from_csv(path: Path | str, roles: Roles, *, long: bool | None = None, separator: str = ",") -> TableArrays:
    """A table from a CSV file, UTF-8, numbers with a decimal point.

    Wide: the first column holds the labels of the rows, the header those of the columns; empty cells are 0. Long: three
    columns ``row, column, value`` (others are left alone), a line a cell; cells that are not there are 0.

    Parameters
    ----------
    long : which of the two; left out, long is what has columns of these names.

    Errors: :class:`~karvan.base.errors.StudyFaults` with every fault and its line: no such file, cells that are no
    numbers, labels twice or without a role, roles that no label has, a table on its side.
    """
    path = Path(path)
    if not path.is_file():
        raise StudyFaults(path.name, [Fault(path.name, 0, "", "no such file", "a CSV file")])
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            header = [cell.strip() for cell in next(csv.reader(handle, delimiter=separator), [])]
    except UnicodeDecodeError:
        found = "bytes that are not UTF-8"
        raise StudyFaults(
            path.name, [Fault(path.name, 0, "", found, "a file saved as UTF-8", "in a spreadsheet: save as CSV UTF-8")]
        ) from None
    if len(header) < 2:
        raise StudyFaults(path.name, [Fault(path.name, 1, "", f"{len(header)} columns", "a header and a table")])
    if long is None:
        long = {"row", "column", "value"} <= set(header)
    read = _read_long if long else _read_wide
    return read(path, header, roles, separator)


def table_from_excel(path: Path | str, sheet: str, roles: Roles, *, skip: int = 0) -> TableArrays:
    """A table from a sheet of a workbook, laid out as the wide CSV.

    Parameters
    ----------
    skip : rows above the one that holds the labels of the columns.

    Errors: as :func:`table_from_csv`; no such sheet.
    """
    path = Path(path)
    if not path.is_file():
        raise StudyFaults(path.name, [Fault(path.name, 0, "", "no such file", "a workbook (.xlsx)")])
    import fastexcel  # heavy, and only workbooks need it

    try:
        book = fastexcel.read_excel(path)
    except Exception as error:  # the reader raises its own family of errors
        found = f"a file that is no workbook ({str(error).splitlines()[0][:80]})"
        raise StudyFaults(path.name, [Fault(path.name, 0, "", found, "a workbook (.xlsx)")]) from None
    if sheet not in book.sheet_names:
        hint = nearest(sheet, book.sheet_names) or f"sheets: {', '.join(book.sheet_names)}"
        raise StudyFaults(path.name, [Fault(path.name, 0, "", f"no sheet '{sheet}'", "one of its sheets", hint)])
    frame = book.load_sheet(sheet, header_row=None, dtypes="string", skip_rows=skip).to_polars()
    label = f"{path.name}:{sheet}"
    header = ["" if cell is None else str(cell).strip() for cell in frame.row(0)] if frame.height else []
    if len(header) < 2:
        raise StudyFaults(label, [Fault(label, skip + 1, "", f"{len(header)} columns", "a header and a table")])
    body = frame.slice(1)
    body = body.filter(~pl.all_horizontal(pl.all().is_null()))
    columns = [_numbers(body.to_series(k), label, header[k], skip + 2) for k in range(1, len(header))]
    _raise(label, [fault for _, faults in columns for fault in faults])
    names = [_text(cell) for cell in body.to_series(0).to_list()]
    return _assemble(
        label, names, header[1:], [values for values, _ in columns].__getitem__, roles, first_line=skip + 2
    )


def _read_wide(path: Path, header: list[str], roles: Roles, separator: str) -> TableArrays:
    names = [f"column_{k}" for k in range(len(header))]
    options: dict[str, Any] = {"separator": separator, "has_header": False, "skip_rows": 1, "new_columns": names}
    try:
        kinds = dict.fromkeys(names[1:], pl.Float64) | {names[0]: pl.String}
        frame = pl.read_csv(path, schema_overrides=kinds, **options)
        columns = [frame[name].fill_null(0.0).to_numpy() for name in names[1:]]
        fine = all(np.isfinite(column).all() for column in columns)
    except pl.exceptions.PolarsError:
        fine = False
    if not fine:  # somewhere is a cell that is no number: read as text to say where
        try:
            frame = pl.read_csv(path, infer_schema=False, **options)
        except pl.exceptions.PolarsError as error:
            found = f"lines that do not fit the header ({str(error).splitlines()[0][:80]})"
            raise StudyFaults(
                path.name, [Fault(path.name, 0, "", found, f"{len(header)} cells a line, as in the header")]
            ) from None
        read = [_numbers(frame[name], path.name, header[k], 2) for k, name in enumerate(names) if k]
        _raise(path.name, [fault for _, faults in read for fault in faults])
        columns = [values for values, _ in read]
    labels = [_text(cell) for cell in frame[names[0]].to_list()]
    return _assemble(path.name, labels, header[1:], columns.__getitem__, roles)


def _read_long(path: Path, header: list[str], roles: Roles, separator: str) -> TableArrays:
    absent = [name for name in ("row", "column", "value") if name not in header]
    if absent:
        expected = "a column of that name in a table with a line a cell"
        raise StudyFaults(path.name, [Fault(path.name, 1, name, "no such column", expected) for name in absent])
    frame = pl.read_csv(path, infer_schema=False, separator=separator)
    frame.columns = header
    values, faults = _numbers(frame["value"], path.name, "value", 2)
    faults += [
        Fault(path.name, int(line) + 2, name, "an empty cell", "a label")
        for name in ("row", "column")
        for line in frame[name].is_null().arg_true().to_list()[:MOST]
    ]
    twice = frame.select("row", "column").is_duplicated()
    for line in twice.arg_true().to_list()[1:MOST]:
        what = f"'{frame['row'][line]}' to '{frame['column'][line]}' again"
        faults.append(Fault(path.name, line + 2, "row", what, "every pair of row and column once"))
    _raise(path.name, faults)
    across = {name: k for k, name in enumerate(dict.fromkeys(frame["column"].to_list()))}
    down = {name: k for k, name in enumerate(dict.fromkeys(frame["row"].to_list()))}
    i = frame["row"].replace_strict(down, return_dtype=pl.Int64).to_numpy()
    j = frame["column"].replace_strict(across, return_dtype=pl.Int64).to_numpy()
    order = np.argsort(j, kind="stable")
    starts = np.searchsorted(j[order], np.arange(len(across) + 1))

    def column(k: int) -> Array:
        out = np.zeros(len(down))
        chosen = order[starts[k] : starts[k + 1]]
        out[i[chosen]] = values[chosen]
        return out

    return _assemble(path.name, list(down), list(across), column, roles, first_line=0)


def _assemble(
    where: str,
    down: list[str],
    across: list[str],
    columns: Callable[[int], Array],
    roles: Roles,
    *,
    first_line: int = 2,
) -> TableArrays:
    """The arrays of a table whose rows and columns have labels; ``columns(k)`` are the cells of ``across[k]``."""
    faults: list[Fault] = []

    def line(label: str) -> int:
        last = len(down) - 1 - down[::-1].index(label)
        return last + first_line if first_line else 0

    once = "every label once"
    faults += [Fault(where, line(label), "", f"row '{label}' twice", once) for label in _twice(down)]
    top = max(first_line - 1, 0)
    faults += [Fault(where, top, label, f"column '{label}' twice", once) for label in _twice(across)]
    _raise(where, faults)
    place = {label: k for k, label in enumerate(across)}
    rows = {label: k for k, label in enumerate(down)}
    wanted = {name: _labels(labels) for name, labels in roles.rows.items()}
    below = {label for labels in wanted.values() for label in labels}
    if not set(roles.final) & set(place) and set(roles.final) & set(rows):
        found = f"final use '{next(label for label in roles.final if label in rows)}' among the rows"
        hint = "the table stands on its side: sellers belong in rows, buyers in columns; turn it"
        raise StudyFaults(where, [Fault(where, 0, "", found, "final uses in columns", hint)])
    faults += [
        Fault(where, 0, "", f"no column '{label}'", "the final use that the roles name", nearest(label, across))
        for label in roles.final
        if label not in place
    ]
    faults += [
        Fault(where, 0, "", f"no row '{label}'", "the row that the roles name", nearest(label, down))
        for label in sorted(below - set(rows))
    ]
    if roles.output and roles.output not in rows and roles.output not in place:
        hint = nearest(roles.output, (*down, *across))
        faults.append(Fault(where, 0, "", f"no row or column '{roles.output}'", "the output that the roles name", hint))
    special = {*roles.final, *below, *roles.ignore, *([roles.output] if roles.output else [])}
    sectors = [label for label in down if label not in special]
    buyers = {label for label in across if label not in special}
    hint = "an industry stands in both; what is none belongs into the roles, if only to be ignored"
    faults += [
        Fault(where, line(label), "", f"row '{label}' without a column", "an industry or a role", hint)
        for label in sectors
        if label not in buyers
    ]
    faults += [
        Fault(where, 0, label, f"column '{label}' without a row", "an industry or a role", hint)
        for label in across
        if label in buyers and label not in rows
    ]
    if not sectors and not faults:
        faults.append(Fault(where, 0, "", "no industry", "at least one label in both rows and columns"))
    _raise(where, faults)
    order = np.array([rows[label] for label in sectors])
    Z = np.empty((len(sectors), len(sectors)), order="F")
    extra = {name: np.zeros(len(sectors)) for name in wanted}
    output = np.zeros(len(sectors)) if roles.output else None
    for k, label in enumerate(sectors):
        column = columns(place[label])
        Z[:, k] = column[order]
        for name, labels in wanted.items():
            extra[name][k] = sum(column[rows[one]] for one in labels)
        if output is not None and roles.output in rows:
            output[k] = column[rows[roles.output]]
    if output is not None and roles.output not in rows:
        output = columns(place[roles.output])[order]
    uses = [columns(place[label]) for label in roles.final]
    spent = [use for use, label in zip(uses, roles.final, strict=True) if label in _labels(roles.households)]

    def households(name: str) -> float:
        return float(sum(use[rows[label]] for use in spent for label in wanted.get(name, ())))

    return TableArrays(
        Z,
        np.column_stack([use[order] for use in uses]),
        roles.final,
        tuple(sectors),
        output=output,
        household_consumption=np.sum([use[order] for use in spent], axis=0) if spent else None,
        household_imports=households("imports"),
        household_product_taxes=households("product_taxes"),
        currency=roles.currency,
        unit=roles.unit,
        employment_unit=roles.employment_unit,
        year=roles.year,
        prices=roles.prices,
        flows=roles.flows,
        source=where,
        **extra,
    )


def _labels(labels: Labels) -> tuple[str, ...]:
    return (labels,) if isinstance(labels, str) else tuple(labels)


def _text(cell: object) -> str:
    return "" if cell is None else str(cell).strip()


def _twice(labels: Iterable[str]) -> list[str]:
    seen: set[str] = set()
    return list(dict.fromkeys(label for label in labels if label in seen or seen.add(label)))  # type: ignore[func-returns-value]


def _numbers(series: pl.Series, where: str, column: str, first_line: int) -> tuple[Array, list[Fault]]:
    """A column of text as numbers, empty cells as 0; a fault for each cell that is none."""
    text = series.cast(pl.String).str.strip_chars()
    empty = text.is_null() | (text == "")
    values = text.cast(pl.Float64, strict=False)
    wrong = ~values.fill_null(float("nan")).is_finite() & ~empty
    faults = [
        Fault(where, int(line) + first_line, column, f"'{text[int(line)]}'", "a number with a decimal point")
        for line in wrong.arg_true().to_list()[:MOST]
    ]
    return values.fill_null(0.0).to_numpy(), faults


def _raise(where: str, faults: Iterable[Fault]) -> None:
    found = list(faults)
    if found:
        raise StudyFaults(where, found)

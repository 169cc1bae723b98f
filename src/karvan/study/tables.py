"""From cells of text to checked, typed tables; every fault with its place.

A table arrives as text (from a CSV file or a workbook's sheet). Each column is cast by its description in
:mod:`karvan.study.schema`; whatever does not fit becomes a :class:`~karvan.base.errors.Fault`. Nothing is coerced.
"""

import csv
import io
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from karvan.base.errors import Fault, nearest
from karvan.study.schema import Column, Table

MAX_BYTES = 64 * 1024 * 1024
"""Files above this size are refused unread."""

LINE = "_line"
"""Column that keeps the line (or the sheet's row) a row was read from."""
FILE = "_file"
"""Column that keeps the file (or the sheet) a row was read from."""

_KEY = re.compile(r"^[\w.\-*+]+$")
_DATE = re.compile(r"^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$")
_SOURCE = re.compile(r"^(https?://\S|claim:\S|derived:|estimated:|assumed)")


@dataclass
class RawTable:
    """A table as text. ``rows[i]`` was read from line ``lines[i]`` of ``label``."""

    label: str
    header: list[str]
    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


def read_csv(path: Path, label: str) -> tuple[RawTable | None, list[Fault]]:
    """Read a CSV file as text. Faults: size, encoding, no header, lines with too many or too few cells."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        found = f"{size / 1024 / 1024:,.0f} MB"
        return None, [Fault(label, 0, "", found, "at most 64 MB", "split the file or leave out what is not needed")]
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{data[error.start]:02x}, which is not UTF-8"
        return None, [Fault(label, line, "", found, "a file saved as UTF-8", "in a spreadsheet: save as CSV UTF-8")]
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        return None, [Fault(label, line, "", "a NUL character", "plain text", "is this a spreadsheet file?")]
    return split_csv(text, label)


def split_csv(text: str, label: str) -> tuple[RawTable | None, list[Fault]]:
    """Split CSV text into cells, keeping line numbers."""
    faults: list[Fault] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    raw: RawTable | None = None
    try:
        start = 1
        for cells in reader:
            line, start = start, reader.line_num + 1
            if raw is None:
                raw = RawTable(label, [cell.strip() for cell in cells])
                continue
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(raw.header):
                expected = f"{len(raw.header)} cells, as in the header"
                hint = "put text with commas in double quotes" if len(cells) > len(raw.header) else ""
                faults.append(Fault(label, line, "", f"{len(cells)} cells", expected, hint))
                continue
            raw.rows.append([cell.strip() for cell in cells])
            raw.lines.append(line)
    except csv.Error as error:
        faults.append(Fault(label, reader.line_num, "", f"unreadable cells ({error})", "comma-separated values"))
    if raw is None and not faults:
        faults.append(Fault(label, 0, "", "an empty file", "a header row"))
    return raw, faults


def parse_date(text: str, *, end: bool = False) -> tuple[int, int, int] | None:
    """Year, month, day of ``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``; the first day, or the last with ``end``."""
    match = _DATE.match(text)
    if not match:
        return None
    year = int(match[1])
    month = int(match[2]) if match[2] else (12 if end else 1)
    if not 1 <= month <= 12:
        return None
    last = [31, 29 if year % 4 == 0 and (year % 100 or year % 400 == 0) else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    day = int(match[3]) if match[3] else (last[month - 1] if end else 1)
    return (year, month, day) if 1 <= day <= last[month - 1] else None


def _limits(column: Column) -> str:
    unit = f" ({column.unit})" if column.unit else ""
    if column.low is not None and column.high is not None:
        return f"a number from {column.low:g} to {column.high:g}{unit}"
    if column.low is not None:
        return f"a number of at least {column.low:g}{unit}"
    return f"a number{unit}"


def _number(text: str, column: Column) -> tuple[float | None, str]:
    expected = _limits(column)
    try:
        value = float(re.sub(r"[_,\s]", "", text))
    except ValueError:
        return None, expected
    if not math.isfinite(value):
        return None, f"{expected}; infinite and missing ones have no place here"
    if re.search(r"[_,\s]", text):  # 1,5 and 1,500 cannot be told apart
        return None, f"{expected}, with a decimal point and no separators"
    low = -math.inf if column.low is None else column.low
    high = math.inf if column.high is None else column.high
    return (value, "") if low <= value <= high else (None, expected)


def cast(text: str, column: Column) -> tuple[object, str]:
    """The value of a cell, or what was expected instead (second item not empty)."""
    if text == "":
        return None, "" if not column.required else f"{column.meaning}; the cell is empty"
    if column.kind == "number":
        return _number(text, column)
    if column.kind in ("integer", "year"):
        low, high = (1800, 2200) if column.kind == "year" else (column.low, column.high)
        if not re.fullmatch(r"[+-]?\d+", text):
            return None, "a year such as 2024" if column.kind == "year" else "a whole number"
        number = int(text)
        ok = (low is None or number >= low) and (high is None or number <= high)
        return (number, "") if ok else (None, f"a whole number from {low} to {high}")
    if column.kind == "date":
        return (text, "") if parse_date(text) else (None, "a date: YYYY, YYYY-MM or YYYY-MM-DD")
    if column.kind == "choice":
        if text in column.choices:
            return text, ""
        return None, "one of " + ", ".join(column.choices)
    if column.kind == "key" and not _KEY.match(text):
        return None, "a name of letters, digits, _ - . without spaces"
    return text, ""


def _dtype(column: Column) -> type[pl.DataType]:
    if column.kind == "number":
        return pl.Float64
    return pl.Int64 if column.kind in ("integer", "year") else pl.String


def _no_header(spec: type[Table], raw: RawTable) -> Fault:
    """One fault for a first line that names no column at all, instead of one for each column."""
    names = list(spec.columns)
    expected = f"the columns of {spec.title}: {', '.join(names[:6])}{', ...' if len(names) > 6 else ''}"
    for mark, word in ((";", "semicolons"), ("\t", "tabs")):
        if len(raw.header) == 1 and set(raw.header[0].split(mark)) & set(names):
            hint = "in a spreadsheet: save as CSV with commas, not with the separator of the region"
            return Fault(raw.label, 1, "", f"cells separated by {word}", "cells separated by commas", hint)
    found = f"the cells {', '.join(raw.header[:6])}{', ...' if len(raw.header) > 6 else ''}"
    return Fault(raw.label, 1, "", found, expected, "the first line names the columns; titles and notes have no place")


def header_faults(spec: type[Table], raw: RawTable) -> list[Fault]:
    """Columns missing, unknown or twice in a header."""
    if not set(raw.header) & set(spec.columns):
        return [_no_header(spec, raw)]
    faults = []
    for name in spec.columns:
        if name not in raw.header:
            found = f"the columns {', '.join(raw.header[:6])}{', ...' if len(raw.header) > 6 else ''}"
            faults.append(Fault(raw.label, 1, name, found, f"a column {name!r}: {spec.columns[name].meaning}"))
    for name in raw.header:
        if name not in spec.columns:
            hint = nearest(name, spec.columns)
            faults.append(Fault(raw.label, 1, name, "an unknown column", f"the columns of {spec.title}", hint))
    faults.extend(
        Fault(raw.label, 1, name, "the column twice", "each column once")
        for name in {name for name in raw.header if raw.header.count(name) > 1}
    )
    return faults


def build(spec: type[Table], raws: Iterable[RawTable]) -> tuple[pl.DataFrame, list[Fault]]:
    """Cast and check one table (of one or several files).

    Returns
    -------
    The rows without a fault, with the columns of ``spec`` and ``_file``, ``_line``; and the faults.
    """
    faults: list[Fault] = []
    columns: dict[str, list[object]] = {name: [] for name in (*spec.columns, FILE, LINE)}
    for raw in raws:
        bad = header_faults(spec, raw)
        faults.extend(bad)
        if any(fault.found != "an unknown column" for fault in bad):
            continue
        places = [raw.header.index(name) for name in spec.columns]
        for cells, line in zip(raw.rows, raw.lines, strict=True):
            values: list[object] = []
            clean = True
            for place, (name, column) in zip(places, spec.columns.items(), strict=True):
                value, expected = cast(cells[place], column)
                if expected:
                    found = f"'{cells[place]}'" if cells[place] else "nothing"
                    hint = nearest(cells[place], column.choices) if column.choices and cells[place] else ""
                    faults.append(Fault(raw.label, line, name, found, expected, hint))
                    clean = False
                values.append(value)
            if clean:
                for name, value in zip(spec.columns, values, strict=True):
                    columns[name].append(value)
                columns[FILE].append(raw.label)
                columns[LINE].append(line)
    schema = {name: _dtype(column) for name, column in spec.columns.items()} | {FILE: pl.String, LINE: pl.Int64}
    frame = pl.DataFrame(columns, schema=schema)
    faults.extend(row_faults(spec, frame))
    return frame, faults


def row_faults(spec: type[Table], frame: pl.DataFrame) -> list[Fault]:
    """Rules that join the cells of one row, and keys that must be unique."""
    faults: list[Fault] = []
    seen: dict[tuple[object, ...], str] = {}
    made = (_key_rule(spec, seen), _range_rule(spec), _shape_rule(spec), _source_rule(spec), _order_rule(spec))
    rules = [rule for rule in made if rule]
    for row in frame.iter_rows(named=True):
        for rule in rules:
            faults.extend(rule(row))
    return faults


Rule = Callable[[Mapping[str, object]], Iterable[Fault]]


def _key_rule(spec: type[Table], seen: dict[tuple[object, ...], str]) -> Rule:
    def check(row: Mapping[str, object]) -> Iterable[Fault]:
        key = tuple(row[name] for name in spec.key)
        place = f"{row[FILE]}:{row[LINE]}"
        if key in seen:
            found = " / ".join("" if part is None else str(part) for part in key)
            yield Fault(
                str(row[FILE]),
                _line(row),
                ", ".join(spec.key),
                f"'{found}' again (first in {seen[key]})",
                "each key once",
            )
        seen.setdefault(key, place)

    return check


def ranges(spec: type[Table]) -> list[tuple[str, str, str]]:
    """Names of the columns that make uncertain cells: (low, mid, high)."""
    names = []
    for name in spec.columns:
        if name == "mid" or name.endswith("_mid"):
            stem = name[: -len("mid")]
            if f"{stem}low" in spec.columns and f"{stem}high" in spec.columns:
                names.append((f"{stem}low", name, f"{stem}high"))
    return names


def _range_rule(spec: type[Table]) -> Rule | None:
    cells = ranges(spec)
    if not cells:
        return None

    def check(row: Mapping[str, object]) -> Iterable[Fault]:
        for low, mid, high in cells:
            numbers = (row[low], row[mid], row[high])
            known = [number for number in numbers if isinstance(number, float)]
            if known != sorted(known):
                found = " / ".join("" if number is None else f"{number:g}" for number in numbers)
                yield Fault(str(row[FILE]), _line(row), mid, found, f"{low} <= {mid} <= {high}")
            one_ended = (row[low] is None) != (row[high] is None)
            if one_ended:
                yield Fault(
                    str(row[FILE]), _line(row), mid, "a range with one end", f"both {low} and {high}, or neither"
                )

    return check


def _shape_rule(spec: type[Table]) -> Rule | None:
    """A shape needs its ends, and a lognormal a low above 0: found here, not in the middle of a run."""
    if "distribution" not in spec.columns:
        return None

    def check(row: Mapping[str, object]) -> Iterable[Fault]:
        shape, low = row["distribution"], row["low"]
        if shape in (None, "fixed"):
            return
        if low is None:
            yield Fault(str(row[FILE]), _line(row), "distribution", f"'{shape}' without a range", "low and high")
        elif shape == "lognormal" and isinstance(low, float) and low <= 0.0:
            hint = "or take triangular"
            yield Fault(str(row[FILE]), _line(row), "low", f"{low:g}", "a low above 0 for a lognormal range", hint)

    return check


def _source_rule(spec: type[Table]) -> Rule | None:
    if "source" not in spec.columns:
        return None
    cells = ranges(spec)
    may_assume = any(column.assumed for column in spec.columns.values())

    def check(row: Mapping[str, object]) -> Iterable[Fault]:
        source = str(row["source"])
        if not _SOURCE.match(source):
            expected = "an address, claim:ID, derived: ..., estimated: ... or assumed"
            yield Fault(str(row[FILE]), _line(row), "source", f"'{source[:60]}'", expected)
        if source.startswith("assumed"):
            if not may_assume:
                yield Fault(
                    str(row[FILE]), _line(row), "source", "'assumed'", f"a source: {spec.title} may not be assumed"
                )
            for low, _, high in cells:
                if row[low] is None or row[high] is None:
                    yield Fault(
                        str(row[FILE]), _line(row), low, "no range", "low and high, because the value is assumed"
                    )

    return check


def _order_rule(spec: type[Table]) -> Rule | None:
    pairs = [
        (first, last)
        for first, last in (("opened", "closed"), ("period_start", "period_end"), ("year_from", "year_to"))
        if first in spec.columns and last in spec.columns
    ]
    if not pairs:
        return None

    def check(row: Mapping[str, object]) -> Iterable[Fault]:
        for first, last in pairs:
            if row[first] is None or row[last] is None:
                continue
            start, stop = parse_date(str(row[first])), parse_date(str(row[last]), end=True)
            if start and stop and stop < start:
                yield Fault(
                    str(row[FILE]), _line(row), last, f"{row[last]}, before {first} {row[first]}", f"not before {first}"
                )

    return check


def _line(row: Mapping[str, object]) -> int:
    return int(str(row[LINE]))


def named_in(column: str, table: str) -> str:
    """What a cell that refers to another table may hold, in words."""
    return f"a name from the column '{column}' of the table {table}"


def reference_faults(spec: type[Table], frame: pl.DataFrame, tables: Mapping[str, pl.DataFrame]) -> list[Fault]:
    """Cells that name a row of another table which is not there."""
    faults: list[Fault] = []
    for name, column in spec.columns.items():
        if not column.refers:
            continue
        table, target = column.refers.split(".")
        if table not in tables:
            continue
        known = set(tables[table][target].to_list()) | ({"*"} if column.star else set())
        missing = frame.filter(pl.col(name).is_not_null() & ~pl.col(name).is_in(sorted(known)))
        for row in missing.iter_rows(named=True):
            value = str(row[name])
            faults.append(
                Fault(str(row[FILE]), _line(row), name, f"'{value}'", named_in(target, table), nearest(value, known))
            )
    return faults

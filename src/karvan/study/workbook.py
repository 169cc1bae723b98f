"""A study as a workbook of values: one sheet a table, so that an analyst can edit it in a spreadsheet.

The sheet ``study`` holds the settings, ``scenarios`` the scenarios as text, and every other sheet one table of the
schema with its header in the first row. Reading gives the same checks and the same faults as a folder.
"""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

from karvan.base.errors import Fault, InputError, StudyFaults, nearest
from karvan.study.load import Study
from karvan.study.scenario import Scenario
from karvan.study.schema import STUDY_TABLES
from karvan.study.tables import MAX_BYTES, RawTable

Raw = tuple[str, dict[str, list[RawTable]], dict[str, str], list[Fault]]

_CLOCK = re.compile(r"(?<=^\d{4}-\d{2}-\d{2})[ T]00:00:00$")
_FIXED = datetime(2000, 1, 1)  # a workbook carries no clock, so that the same study gives the same bytes


def read_workbook(path: Path) -> Raw:
    """The sheets of a workbook as text: settings, tables, scenarios, faults."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise StudyFaults(path.name, [Fault(path.name, 0, "", f"{size / 1024 / 1024:,.0f} MB", "at most 64 MB")])
    import fastexcel  # heavy, and only workbooks need it

    try:
        book = fastexcel.read_excel(path)
    except Exception as error:  # the reader raises its own family of errors
        found = f"a file that is no workbook ({str(error).splitlines()[0][:80]})"
        raise StudyFaults(
            path.name, [Fault(path.name, 0, "", found, "an .xlsx workbook, as karvan export makes it")]
        ) from None
    faults: list[Fault] = []
    raws: dict[str, list[RawTable]] = {}
    scenarios: dict[str, str] = {}
    settings = ""
    for sheet in book.sheet_names:
        cells = _cells(book, sheet)
        label = f"{path.name}:{sheet}"
        if sheet == "study":
            settings = _settings_text(cells)
        elif sheet == "scenarios":
            scenarios = {f"{label}:{row[0]}": row[1] for row in cells[1:] if row and row[0]}
        elif sheet in STUDY_TABLES:
            if not cells:
                faults.append(Fault(label, 0, "", "an empty sheet", "a header row"))
                continue
            named = [place for place, cell in enumerate(cells[0]) if cell]
            raw = RawTable(label, [cells[0][place] for place in named])
            nameless = set(range(len(cells[0]))) - set(named)
            if not set(raw.header) & set(STUDY_TABLES[sheet].columns):
                nameless = set()  # the first row is no header at all, which is told once
            for line, row in enumerate(cells[1:], start=2):
                # Left out in silence, the cells of a column whose name was deleted would be lost. Told once a column.
                beside = [place for place in nameless if row[place]]
                for place in beside:
                    nameless -= {place}
                    found = f"'{row[place][:40]}' in a column without a name"
                    faults.append(Fault(label, line, "", found, "the column's name in the first row, or no cell"))
                if any(row):
                    raw.rows.append([row[place] for place in named])
                    raw.lines.append(line)
            raws[sheet] = [raw]
        elif sheet != "about":
            hint = nearest(sheet, STUDY_TABLES)
            faults.append(Fault(label, 0, "", "an unknown sheet", "a table of the schema, study or scenarios", hint))
    if not settings:
        faults.append(Fault(path.name, 0, "study", "no such sheet", "a sheet 'study' with the settings"))
    return settings, raws, scenarios, faults


def _cells(book: Any, sheet: str) -> list[list[str]]:
    """Every cell of a sheet as text, numbers without a trailing ``.0``."""
    frame = book.load_sheet(sheet, header_row=None, dtypes="string", skip_whitespace_tail_rows=True).to_polars()
    # A date typed into a spreadsheet comes back with a clock.
    return [["" if cell is None else _CLOCK.sub("", str(cell).strip()) for cell in row] for row in frame.iter_rows()]


def _settings_text(cells: list[list[str]]) -> str:
    """The settings sheet (name, value) as TOML."""
    import json

    numbers = {"format", "base_year", "start_year", "horizon"}
    lines = []
    for row in cells[1:]:
        name, value = row[0], row[1] if len(row) > 1 else ""
        if not name:
            continue
        if name in numbers:
            lines.append(f"{name} = {value if value.isdecimal() else json.dumps(value, ensure_ascii=False)}")
        elif name == "markets":
            lines.append(f"{name} = {json.dumps([item for item in value.replace(',', ' ').split() if item])}")
        else:
            lines.append(f"{name} = {json.dumps(value, ensure_ascii=False)}")
    return "\n".join(lines)


def write_workbook(study: Study, path: Path) -> None:
    """Write a study as a workbook of values. The file appears whole or not at all."""
    import xlsxwriter

    if not path.absolute().parent.is_dir():
        raise InputError(f"cannot write {path}: there is no folder {path.absolute().parent}")
    part = path.with_name(f".{path.name}.part")
    book = xlsxwriter.Workbook(
        part, {"strings_to_numbers": False, "strings_to_formulas": False, "strings_to_urls": False}
    )
    book.set_properties({"title": study.settings.title, "created": _FIXED})
    bold = book.add_format({"bold": True, "bg_color": "#E8EEF4", "border": 1})
    sheet = book.add_worksheet("about")
    sheet.set_column(0, 0, 100)
    about = [
        study.settings.title,
        "A karvan study as a workbook of values.",
        "Edit cells, add rows, then: karvan check FILE.xlsx; karvan report FILE.xlsx",
        "Every column is described in the comment of its header and in the documentation of the tables.",
        "A value nobody measured has 'assumed' in its source column and a range.",
    ]
    for row, text in enumerate(about):
        sheet.write_string(row, 0, text, bold if row == 0 else None)
    sheet = book.add_worksheet("study")
    sheet.set_column(0, 1, 40)
    sheet.write_row(0, 0, ["name", "value"], bold)
    for row, (name, value) in enumerate(study.settings.model_dump().items(), start=1):
        sheet.write_string(row, 0, name)
        shown = " ".join(value) if isinstance(value, tuple) else value
        sheet.write(row, 1, shown)
    for table_name, spec in STUDY_TABLES.items():
        sheet = book.add_worksheet(table_name)
        sheet.freeze_panes(1, 1)
        frame = study.table(table_name)
        for place, (column, described) in enumerate(spec.columns.items()):
            sheet.write_string(0, place, column, bold)
            unit = f" [{described.unit}]" if described.unit else ""
            choices = f"\nOne of: {', '.join(described.choices)}" if described.choices else ""
            sheet.write_comment(0, place, f"{described.meaning}{unit}{choices}")
            sheet.set_column(place, place, 40 if column in ("source", "note") else 16)
            for row, cell in enumerate(frame[column].to_list(), start=1):
                if cell is None:
                    continue
                if isinstance(cell, int | float):
                    sheet.write_number(row, place, cell)
                else:
                    sheet.write_string(row, place, str(cell))
        sheet.autofilter(0, 0, max(frame.height, 1), len(spec.columns) - 1)
    sheet = book.add_worksheet("scenarios")
    sheet.set_column(1, 1, 120)
    sheet.write_row(0, 0, ["name", "toml"], bold)
    for row, (name, scenario) in enumerate(study.scenarios.items(), start=1):
        sheet.write_string(row, 0, name)
        sheet.write_string(row, 1, scenario_text(scenario))
    book.close()
    part.replace(path)


def scenario_text(scenario: Scenario) -> str:
    """A scenario as TOML."""
    import json

    def text(value: object) -> str:
        return json.dumps(value, ensure_ascii=False)

    lines = ["format = 1"] + [f"{name} = {text(getattr(scenario, name))}" for name in ("name", "title", "description")]
    for lever in scenario.levers:
        lines += ["", "[[levers]]"]
        lines += [
            f"{name} = {text(value)}"
            for name, value in lever.model_dump(exclude_defaults=True).items()
            if value is not None
        ]
    return "\n".join(lines) + "\n"

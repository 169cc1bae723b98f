"""A study as a workbook: what goes out comes back the same, and a broken workbook is refused like a broken folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastexcel
import pytest
import xlsxwriter

from karvan.base.errors import InputError, StudyFaults
from karvan.study.load import Study, load
from karvan.study.schema import STUDY_TABLES
from karvan.study.tables import MAX_BYTES
from karvan.study.workbook import write_workbook

Cells = dict[str, list[list[str]]]


@pytest.fixture(scope="module")
def sheets(tiny_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Cells:
    """The cells of the small study's workbook, as text."""
    path = tmp_path_factory.mktemp("book") / "tiny.xlsx"
    write_workbook(load(tiny_template), path)
    book = fastexcel.read_excel(path)
    return {
        name: [["" if c is None else str(c) for c in row] for row in _frame(book, name).iter_rows()]
        for name in book.sheet_names
    }


def _frame(book: Any, name: str) -> Any:
    return book.load_sheet(name, header_row=None, dtypes="string").to_polars()


def test_round_trip(azerbaijan: Study, tmp_path: Path) -> None:
    path = tmp_path / "azerbaijan.xlsx"
    write_workbook(azerbaijan, path)
    again = load(path)
    assert again.settings == azerbaijan.settings
    assert again.scenarios == azerbaijan.scenarios
    for name in STUDY_TABLES:
        one, other = (study.table(name).drop("_file", "_line") for study in (azerbaijan, again))
        assert one.equals(other), name
    assert again.table("plants")["_file"][0] == "azerbaijan.xlsx:plants"
    assert again.table("plants")["_line"][0] == 2


def test_the_same_study_gives_the_same_bytes(tiny: Path, tmp_path: Path) -> None:
    study = load(tiny)
    first, second = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    write_workbook(study, first)
    write_workbook(study, second)
    assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.xlsx", "b.xlsx", "tiny"]


def book(path: Path, sheets: Cells, change: Callable[[Cells], None]) -> list[str]:
    """Faults of the workbook after a change."""
    copy = {name: [list(row) for row in rows] for name, rows in sheets.items()}
    change(copy)
    out = xlsxwriter.Workbook(path)
    for name, rows in copy.items():
        sheet = out.add_worksheet(name)
        for place, row in enumerate(rows):
            for column, cell in enumerate(row):
                sheet.write_string(place, column, cell)
    out.close()
    with pytest.raises(StudyFaults) as caught:
        load(path)
    return [str(fault) for fault in caught.value.faults]


class TestBroken:
    """The faults of a workbook name the sheet and the row."""

    def test_a_number(self, sheets: Cells, tmp_path: Path) -> None:
        def change(cells: Cells) -> None:
            cells["plants"][1][cells["plants"][0].index("nameplate")] = "-5"

        assert book(tmp_path / "s.xlsx", sheets, change) == [
            "s.xlsx:plants:2: nameplate: found '-5'; expected a number from 0 to 5e+07 (units per year)"
        ]

    def test_a_column(self, sheets: Cells, tmp_path: Path) -> None:
        def change(cells: Cells) -> None:
            cells["products"][0][0] = "produkt"

        found = book(tmp_path / "s.xlsx", sheets, change)
        assert found[0].startswith("s.xlsx:products:1: product: found the columns produkt, title")
        assert found[1].startswith("s.xlsx:products:1: produkt: found an unknown column")
        assert len(found) == 2

    def test_an_unknown_and_a_missing_sheet(self, sheets: Cells, tmp_path: Path) -> None:
        def change(cells: Cells) -> None:
            cells["plant"] = cells.pop("plants")

        found = book(tmp_path / "s.xlsx", sheets, change)
        assert any(fault.startswith("s.xlsx:plant: found an unknown sheet; expected") for fault in found)
        assert any("expected the table Plants" in fault for fault in found)

    def test_a_column_whose_name_was_deleted(self, sheets: Cells, tmp_path: Path) -> None:
        def change(cells: Cells) -> None:
            cells["plants"][0][cells["plants"][0].index("note")] = ""

        found = [fault for fault in book(tmp_path / "s.xlsx", sheets, change) if "without a name" in fault]
        assert len(found) == 1
        assert found[0].startswith("s.xlsx:plants:")

    def test_a_missing_sheet_is_told_of_the_workbook(self, sheets: Cells, tmp_path: Path) -> None:
        def change(cells: Cells) -> None:
            del cells["offers"]

        found = book(tmp_path / "s.xlsx", sheets, change)
        assert found == ["s.xlsx: offers: found no such sheet; expected the table Offers"]

    def test_no_settings(self, sheets: Cells, tmp_path: Path) -> None:
        def change(cells: Cells) -> None:
            del cells["study"]

        found = book(tmp_path / "s.xlsx", sheets, change)
        assert any("study: found no such sheet; expected a sheet 'study' with the settings" in fault for fault in found)

    def test_a_scenario(self, sheets: Cells, tmp_path: Path) -> None:
        def change(cells: Cells) -> None:
            cells["scenarios"].append(["mine", 'format = 1\nname = "mine"\ntitle = "M"\n[[levers]]\nlever = "dutty"'])

        (found,) = book(tmp_path / "s.xlsx", sheets, change)
        assert found.startswith("s.xlsx:scenarios:mine: levers[1].lever: found 'dutty'; expected the name of a lever")

    def test_not_a_workbook(self, tmp_path: Path) -> None:
        path = tmp_path / "s.xlsx"
        path.write_text("hello")
        with pytest.raises(StudyFaults, match=r"s\.xlsx: found a file that is no workbook"):
            load(path)

    def test_over_64_mb(self, tmp_path: Path) -> None:
        path = tmp_path / "s.xlsx"
        with path.open("wb") as handle:
            handle.truncate(MAX_BYTES + 1024 * 1024)
        with pytest.raises(StudyFaults, match="found 65 MB; expected at most 64 MB"):
            load(path)

    def test_no_folder_to_write_to(self, tiny: Path, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="there is no folder"):
            write_workbook(load(tiny), tmp_path / "nowhere" / "s.xlsx")


def test_a_date_typed_in_a_spreadsheet_is_read(sheets: Cells, tmp_path: Path) -> None:
    from datetime import date

    path = tmp_path / "s.xlsx"
    out = xlsxwriter.Workbook(path)
    as_date = out.add_format({"num_format": "yyyy-mm-dd"})
    for name, rows in sheets.items():
        sheet = out.add_worksheet(name)
        for place, row in enumerate(rows):
            for column, cell in enumerate(row):
                if name == "plants" and place == 1 and rows[0][column] == "opened":
                    sheet.write_datetime(place, column, date(2018, 4, 5), as_date)
                else:
                    sheet.write_string(place, column, cell)
    out.close()
    assert load(path).table("plants")["opened"][0] == "2018-04-05"

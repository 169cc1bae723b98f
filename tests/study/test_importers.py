"""Input-output tables from files: labels put in order, faults with their place, and the table that comes of it."""

from pathlib import Path

import numpy as np
import pytest
import xlsxwriter

from karvan.base.errors import InputError, StudyFaults, UnknownName
from karvan.economy import InputOutputTable, TableFault
from karvan.futures.inputs import prepare
from karvan.study.importers import Roles, TableArrays, table_from_csv, table_from_excel
from karvan.study.load import Study

ROLES = Roles(
    final=("households", "rest"),
    households="households",
    rows={
        "value_added": ("wages", "profit"),
        "compensation": "wages",
        "imports": "abroad",
        "product_taxes": "taxes",
        "employment": "persons",
    },
    output="output",
    ignore=("total",),
    prices="basic",
    currency="USD",
    unit="million",
    year=2009,
)
WIDE = """,1,2,households,rest,output
1,150,500,50,300,1000
2,200,100,400,1300,2000
abroad,,,90,,
taxes,0,0,10,,
wages,300,500,,,
profit,350,900,,,
persons,100,80,,,
output,1000,2000,,,
total,2000,4080,550,1600,
"""
"""Miller and Blair (2009), Table 2.3; wages by their section 2.5, households and persons made up."""


def file(folder: Path, text: str, name: str = "table.csv") -> Path:
    """A file with this text."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def long_text(wide: str) -> str:
    """The same table with a line a cell, turned round so that nothing is in order."""
    rows = [line.split(",") for line in wide.strip().splitlines()]
    lines = [
        f"{row[0]},{column},{cell},x"
        for row in rows[1:]
        for column, cell in zip(rows[0][1:], row[1:], strict=True)
        if cell and row[0] != "total"
    ]
    return "\n".join(["row,column,value,source", *reversed(lines)])


def workbook(folder: Path, wide: str) -> Path:
    """The same table on the second sheet of a workbook, below two rows of headings."""
    path = folder / "table.xlsx"
    book = xlsxwriter.Workbook(path)
    book.add_worksheet("notes")
    sheet = book.add_worksheet("IxI")
    sheet.write(0, 0, "Made up")
    for i, line in enumerate(wide.strip().splitlines()):
        for j, cell in enumerate(line.split(",")):
            if cell and i and j:
                sheet.write_number(i + 2, j, float(cell))
            elif cell:
                sheet.write_string(i + 2, j, cell)
    book.close()
    return path


@pytest.fixture(params=["wide", "long", "excel"])
def found(request: pytest.FixtureRequest, tmp_path: Path) -> TableArrays:
    """The same table from each kind of file."""
    if request.param == "excel":
        return table_from_excel(workbook(tmp_path, WIDE), "IxI", ROLES, skip=2)
    text = WIDE if request.param == "wide" else long_text(WIDE)
    return table_from_csv(file(tmp_path, text), ROLES)


class TestTheSameTableFromEveryFile:
    def test_arrays(self, found: TableArrays) -> None:
        order = [found.sectors.index(label) for label in ("1", "2")]
        assert found.Z[np.ix_(order, order)].tolist() == [[150, 500], [200, 100]]
        assert found.final_demand[order].tolist() == [[50, 300], [400, 1300]]
        assert found.final == ("households", "rest")
        rows = {
            "output": [1000, 2000], "value_added": [650, 1400], "compensation": [300, 500], "imports": [0, 0],
            "product_taxes": [0, 0], "employment": [100, 80], "household_consumption": [50, 400],
        }  # fmt: skip
        for name, values in rows.items():
            assert getattr(found, name)[order].tolist() == values, name
        assert (found.household_imports, found.household_product_taxes) == (90, 10)

    def test_the_economy_takes_it(self, found: TableArrays) -> None:
        t = InputOutputTable(**found.keywords())
        assert round(t.effects("output")["1"], 4) == 1.5182 and round(t.multipliers("income")["2"], 4) == 1.5182
        assert t.money == "million USD of 2009" and t.doubts == ()

    def test_the_flows_are_not_copied_again(self, found: TableArrays) -> None:
        assert np.shares_memory(InputOutputTable(**found.keywords()).Z, found.Z)


def test_rows_in_another_order_than_columns(tmp_path: Path) -> None:
    lines = WIDE.splitlines()
    lines[1], lines[2] = lines[2], lines[1]
    found = table_from_csv(file(tmp_path, "\n".join(lines)), ROLES)
    assert found.sectors == ("2", "1") and found.Z.tolist() == [[100, 200], [500, 150]]
    assert InputOutputTable(**found.keywords()).effects("output")["1"] == pytest.approx(1.5182, abs=5e-5)


def test_output_in_a_column_or_not_given(tmp_path: Path) -> None:
    text = "\n".join(line for line in WIDE.splitlines() if not line.startswith("output"))
    assert table_from_csv(file(tmp_path, text), ROLES).output is not None
    roles = Roles(final=("households", "rest"), prices="basic", ignore=("output", "abroad", "taxes", "wages", "profit",
                  "persons", "total"))  # fmt: skip
    bare = table_from_csv(file(tmp_path, text), roles)
    assert bare.output is None and bare.household_consumption is None
    assert InputOutputTable(**bare.keywords()).output.tolist() == [1000, 2000]


def test_the_built_in_table(tmp_path: Path, azerbaijan: Study) -> None:
    """One donor of the built-in study, read as a file of its own, has the effects that the futures use."""
    donor = "RUS"
    rows = azerbaijan.table("input_output").filter(donor=donor).select("row", "column", "value")
    path = tmp_path / "rus.csv"
    rows.write_csv(path)
    roles = Roles(
        final=("household_consumption", "other_final", "exports"),
        households="household_consumption",
        rows={
            "value_added": ("compensation", "gross_surplus"),
            "compensation": "compensation",
            "imports": "imports",
            "product_taxes": "product_taxes",
        },
        output="output",
        prices="basic",
    )
    t = InputOutputTable(**table_from_csv(path, roles).keywords())
    prepared = prepare(azerbaijan, "baseline", 2026, 2026)
    kept = prepared.effects.type1["gva"][prepared.donors.index(donor)]
    assert t.effects("gva").values == pytest.approx([kept[prepared.effects.sectors.index(s)] for s in t.sectors])
    assert t.household_imports > 0


class TestFaults:
    """Every fault at once, each with its place."""

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("150,500", "150,5OO", r"table\.csv:2: 2: found '5OO'; expected a number with a decimal point"),
            ("150,500", "150,nan", r"table\.csv:2: 2: found 'nan'; expected a number"),
            ("\n2,200", "\n1,200", r"table\.csv:3: found row '1' twice; expected every label once"),
            (",1,2,", ",1,1,", "found column '1' twice"),
            (",1,2,households", ",1,2,family", "found no column 'households'; expected the final use"),
            ("\nwages", "\nwage", "found no row 'wages'; expected the row that the roles name .did you mean 'wage'"),
            ("\ntaxes", "\nsurprise,1,1,,,\ntaxes", r"table\.csv:5: found row 'surprise' without a column"),
            (
                ",rest,output",
                ",rest,output,surprise",
                "lines that do not fit the header|column 'surprise' without a row",
            ),
            ("persons,100,80,,,", "persons,100,80,,,,7", "lines that do not fit the header"),
        ],
    )
    def test_one(self, tmp_path: Path, old: str, new: str, message: str) -> None:
        assert old in WIDE
        with pytest.raises(StudyFaults, match=message):
            table_from_csv(file(tmp_path, WIDE.replace(old, new, 1)), ROLES)

    def test_all_at_once(self, tmp_path: Path) -> None:
        text = WIDE.replace("150", "l50").replace("1300", "1.300.0")
        with pytest.raises(StudyFaults) as caught:
            table_from_csv(file(tmp_path, text), ROLES)
        assert [(fault.row, fault.column) for fault in caught.value.faults] == [(2, "1"), (3, "rest")]

    def test_long(self, tmp_path: Path) -> None:
        text = long_text(WIDE)
        with pytest.raises(StudyFaults, match="'1' to '2' again; expected every pair of row and column once"):
            table_from_csv(file(tmp_path, f"{text}\n1,2,5,x"), ROLES)
        with pytest.raises(StudyFaults, match="found no such column; expected a column of that name"):
            table_from_csv(file(tmp_path, WIDE), ROLES, long=True)
        with pytest.raises(StudyFaults, match=r"table\.csv:2: value: found 'x'"):
            table_from_csv(file(tmp_path, "row,column,value\n1,2,x"), ROLES)

    def test_on_its_side(self, tmp_path: Path) -> None:
        turned = "\n".join(",".join(cells) for cells in zip(*(r.split(",") for r in WIDE.splitlines()), strict=True))
        with pytest.raises(StudyFaults, match="the table stands on its side: sellers belong in rows"):
            table_from_csv(file(tmp_path, turned), ROLES)

    def test_only_the_flows_turned(self, tmp_path: Path) -> None:
        """Labels cannot tell, the balance can: the economy stage refuses."""
        text = WIDE.replace("1,150,500", "1,150,200").replace("2,200,100", "2,500,100")
        found = table_from_csv(file(tmp_path, text), ROLES)
        with pytest.raises(TableFault, match="looks transposed"):
            InputOutputTable(**found.keywords())

    def test_files(self, tmp_path: Path) -> None:
        with pytest.raises(StudyFaults, match="found no such file"):
            table_from_csv(tmp_path / "none.csv", ROLES)
        bad = tmp_path / "bad.csv"
        bad.write_bytes(b"\xff\xfe\x00x")
        with pytest.raises(StudyFaults, match="not UTF-8"):
            table_from_csv(bad, ROLES)
        with pytest.raises(StudyFaults, match="a header and a table"):
            table_from_csv(file(tmp_path, "nothing\n"), ROLES)
        with pytest.raises(StudyFaults, match="no workbook"):
            table_from_excel(file(tmp_path, WIDE, "fake.xlsx"), "IxI", ROLES)
        with pytest.raises(StudyFaults, match="no sheet 'PxP'"):
            table_from_excel(workbook(tmp_path, WIDE), "PxP", ROLES)
        with pytest.raises(StudyFaults, match=r"table\.xlsx:IxI:4: 2: found 'x'"):
            table_from_excel(_with_text(tmp_path), "IxI", ROLES)

    def test_roles(self) -> None:
        with pytest.raises(InputError, match="roles name no column of final use"):
            Roles(final=(), prices="basic")
        with pytest.raises(UnknownName, match="no row 'wages'"):
            Roles(final=("f",), prices="basic", rows={"wages": "w"})
        with pytest.raises(UnknownName, match="households 'h' is none of the final uses"):
            Roles(final=("f",), prices="basic", households="h")


def _with_text(folder: Path) -> Path:
    """A workbook with a word where a number belongs."""
    path = folder / "table.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("IxI")
    for i, line in enumerate(WIDE.strip().splitlines()):
        for j, cell in enumerate(line.split(",")):
            sheet.write_string(i, j, "x" if (i, j) == (3, 2) else cell)
    book.close()
    return path

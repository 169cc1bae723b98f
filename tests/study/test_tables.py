"""Cells of text become typed tables, or faults that say where, what was found and what was expected."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karvan.base.errors import Fault
from karvan.study.schema import STUDY_TABLES, WORLD_TABLES, Column, Table
from karvan.study.tables import RawTable, build, cast, header_faults, parse_date, ranges, reference_faults, split_csv


class Engines(Table):
    """A table with a column of every kind."""

    file = "engines.csv"
    title = "Engines"
    key = ("engine", "opened")
    engine = Column("key", "id of the engine")
    maker = Column("text", "who makes it", required=False)
    power = Column("number", "power", "kW", 0, 1000)
    cylinders = Column("integer", "cylinders", low=1, high=16, required=False)
    year = Column("year", "first year", required=False)
    opened = Column("date", "start of production", required=False)
    closed = Column("date", "end of production", required=False)
    fuel = Column("choice", "fuel", choices=("petrol", "diesel"))
    low = Column("number", "low", required=False, assumed=True)
    mid = Column("number", "mid", required=False, assumed=True)
    high = Column("number", "high", required=False, assumed=True)
    distribution = Column("choice", "shape", choices=("triangular", "lognormal"), required=False)
    source = Column("text", "where it comes from")


GOOD = {"engine": "b4", "power": "75.5", "fuel": "petrol", "source": "https://example.org"}


def check(**cells: str) -> list[str]:
    """Faults of a one-row table, as text."""
    row = GOOD | cells
    raw = RawTable("engines.csv", list(Engines.columns), [[row.get(name, "") for name in Engines.columns]], [2])
    return [str(fault) for fault in build(Engines, [raw])[1]]


def test_a_good_row_is_typed() -> None:
    raw = RawTable("engines.csv", list(GOOD), [list(GOOD.values())], [2])
    raw.header += [name for name in Engines.columns if name not in GOOD]
    raw.rows[0] += ["4" if name == "cylinders" else "" for name in raw.header[len(GOOD) :]]
    frame, faults = build(Engines, [raw])
    assert faults == []
    row = frame.row(0, named=True)
    assert (row["engine"], row["power"], row["cylinders"], row["maker"]) == ("b4", 75.5, 4, None)
    assert (row["_file"], row["_line"]) == ("engines.csv", 2)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"power": "strong"}, "engines.csv:2: power: found 'strong'; expected a number from 0 to 1000 (kW)"),
        ({"power": "-5"}, "engines.csv:2: power: found '-5'; expected a number from 0 to 1000 (kW)"),
        (
            {"power": "1,000"},
            "engines.csv:2: power: found '1,000'; expected a number from 0 to 1000 (kW), "
            "with a decimal point and no separators",
        ),
        (
            {"power": "nan"},
            "engines.csv:2: power: found 'nan'; expected a number from 0 to 1000 (kW); "
            "infinite and missing ones have no place here",
        ),
        ({"power": ""}, "engines.csv:2: power: found nothing; expected power; the cell is empty"),
        ({"cylinders": "4.5"}, "engines.csv:2: cylinders: found '4.5'; expected a whole number"),
        ({"cylinders": "20"}, "engines.csv:2: cylinders: found '20'; expected a whole number from 1 to 16"),
        ({"year": "soon"}, "engines.csv:2: year: found 'soon'; expected a year such as 2024"),
        ({"opened": "2024-13"}, "engines.csv:2: opened: found '2024-13'; expected a date: YYYY, YYYY-MM or YYYY-MM-DD"),
        (
            {"opened": "2023-02-29"},
            "engines.csv:2: opened: found '2023-02-29'; expected a date: YYYY, YYYY-MM or YYYY-MM-DD",
        ),
        (
            {"fuel": "petrl"},
            "engines.csv:2: fuel: found 'petrl'; expected one of petrol, diesel (did you mean 'petrol'?)",
        ),
        (
            {"engine": "b 4"},
            "engines.csv:2: engine: found 'b 4'; expected a name of letters, digits, _ - . without spaces",
        ),
        (
            {"opened": "2020", "closed": "2019-06"},
            "engines.csv:2: closed: found 2019-06, before opened 2020; expected not before opened",
        ),
        (
            {"low": "3", "mid": "2", "high": "4"},
            "engines.csv:2: mid: found 3 / 2 / 4; expected low <= mid <= high",
        ),
        (
            {"low": "1", "mid": "2"},
            "engines.csv:2: mid: found a range with one end; expected both low and high, or neither",
        ),
        (
            {"source": "assumed", "mid": "2"},
            "engines.csv:2: low: found no range; expected low and high, because the value is assumed",
        ),
        (
            {"source": "my uncle"},
            "engines.csv:2: source: found 'my uncle'; "
            "expected an address, claim:ID, derived: ..., estimated: ... or assumed",
        ),
        (
            {"mid": "2", "distribution": "triangular"},
            "engines.csv:2: distribution: found 'triangular' without a range; expected low and high",
        ),
        (
            {"low": "0", "mid": "2", "high": "3", "distribution": "lognormal"},
            "engines.csv:2: low: found 0; expected a low above 0 for a lognormal range (or take triangular)",
        ),
    ],
)
def test_one_fault_one_line(cells: dict[str, str], message: str) -> None:
    assert check(**cells) == [message]


def test_a_period_of_one_year_may_end_in_it() -> None:
    assert check(opened="2020", closed="2020") == []


def test_headers() -> None:
    raw = RawTable("engines.csv", ["engine", "pover", "fuel", "fuel"])
    found = [str(fault) for fault in header_faults(Engines, raw)]
    assert (
        "engines.csv:1: pover: found an unknown column; expected the columns of Engines (did you mean 'power'?)"
        in found
    )
    assert "engines.csv:1: fuel: found the column twice; expected each column once" in found
    assert (
        "engines.csv:1: power: found the columns engine, pover, fuel, fuel; expected a column 'power': power" in found
    )


def test_a_key_twice() -> None:
    rows = [[GOOD.get(name, "") for name in Engines.columns]] * 2
    _, faults = build(Engines, [RawTable("engines.csv", list(Engines.columns), rows, [2, 3])])
    found = [str(fault) for fault in faults]
    assert found == [
        "engines.csv:3: engine, opened: found 'b4 / ' again (first in engines.csv:2); expected each key once"
    ]


def test_a_reference_to_nothing() -> None:
    class Cars(Table):
        """Cars that name an engine."""

        file = "cars.csv"
        title = "Cars"
        key = ("engine",)
        engine = Column("key", "engine", refers="engines.engine", star=True)

    engines, _ = build(
        Engines, [RawTable("e", list(Engines.columns), [[GOOD.get(n, "") for n in Engines.columns]], [2])]
    )
    cars, _ = build(Cars, [RawTable("cars.csv", ["engine"], [["b4"], ["*"], ["b5"]], [2, 3, 4])])
    found = [str(fault) for fault in reference_faults(Cars, cars, {"engines": engines})]
    assert found == [
        "cars.csv:4: engine: found 'b5'; expected a name from the column 'engine' of the table engines "
        "(did you mean 'b4'?)"
    ]


class TestCsv:
    """Text to cells, with the line each row starts on."""

    def test_lines_survive_quoted_line_ends_and_empty_lines(self) -> None:
        raw, faults = split_csv('a,b\n"x\ny",1\n\nz,2\n', "t.csv")
        assert raw is not None and faults == []
        assert raw.rows == [["x\ny", "1"], ["z", "2"]]
        assert raw.lines == [2, 5]

    def test_too_many_cells(self) -> None:
        _, faults = split_csv("a,b\n1,2,3\n", "t.csv")
        expected = "t.csv:2: found 3 cells; expected 2 cells, as in the header (put text with commas in double quotes)"
        assert [str(fault) for fault in faults] == [expected]

    def test_an_open_quote_and_an_empty_file(self) -> None:
        assert split_csv('a,b\n"x,1\n', "t.csv")[1][0].expected == "comma-separated values"
        assert split_csv("", "t.csv")[1] == [Fault("t.csv", 0, "", "an empty file", "a header row")]


@given(st.integers(1800, 2199), st.integers(1, 12), st.integers(1, 28))
def test_dates_are_read_back(year: int, month: int, day: int) -> None:
    assert parse_date(f"{year}-{month:02d}-{day:02d}") == (year, month, day)
    assert parse_date(f"{year}-{month:02d}") == (year, month, 1)
    last = parse_date(f"{year}-{month:02d}", end=True)
    assert last is not None and 28 <= last[2] <= 31
    assert parse_date(str(year), end=True) == (year, 12, 31)


@given(
    st.text(max_size=12),
    st.sampled_from([column for spec in STUDY_TABLES.values() for column in spec.columns.values()]),
)
def test_any_text_is_a_value_or_a_fault(text: str, column: Column) -> None:
    value, expected = cast(text, column)
    assert expected == "" or value is None
    if column.kind == "number" and expected == "" and value is not None:
        assert isinstance(value, float)
        assert (column.low is None or value >= column.low) and (column.high is None or value <= column.high)


@pytest.mark.parametrize("spec", [*STUDY_TABLES.values(), *WORLD_TABLES.values()], ids=lambda spec: spec.title)
def test_every_table_describes_itself(spec: type[Table]) -> None:
    assert set(spec.key) <= set(spec.columns)
    assert spec.__doc__ and spec.file.endswith(".csv")
    for name, column in spec.columns.items():
        assert column.meaning, name
        assert bool(column.choices) == (column.kind == "choice"), name
        if column.refers:
            table, target = column.refers.split(".")
            assert target in STUDY_TABLES[table].columns
        if column.kind == "number" and column.assumed:
            assert column.unit, name
    for cell in ranges(spec):
        assert all(spec.columns[part].kind == "number" for part in cell)

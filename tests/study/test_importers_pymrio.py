"""Tables from pymrio: a stand-in of its system for every machine, the real thing where it is installed."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from karvan.base.errors import InputError, UnknownName
from karvan.economy import Closure, InputOutputTable
from karvan.study.importers_pymrio import PARSERS, table_from_database, table_from_pymrio

KEYS = [("A", "food"), ("A", "cars"), ("B", "food"), ("B", "cars")]
USES = [("A", "households"), ("A", "other"), ("B", "households"), ("B", "other")]
HOUSEHOLDS = "households"


class Frame:
    """Stands in for a data frame: values with labelled rows and columns."""

    def __init__(self, values: Any, index: list[Any], columns: list[Any]) -> None:
        self.values, self.index, self.columns = np.array(values, dtype=np.float64), index, columns

    def to_numpy(self) -> Any:
        return self.values


def system(seed: int = 1, *, order: list[int] | None = None) -> Any:
    """Two regions of two industries; value added closes the columns. ``order`` shuffles the columns of Z and F."""
    rng = np.random.Generator(np.random.Philox(seed))
    Z, Y = rng.uniform(1, 20, (4, 4)), rng.uniform(10, 50, (4, 4))
    x = Z.sum(axis=1) + Y.sum(axis=1)
    taxes, taxes_final = rng.uniform(0, 2, 4), rng.uniform(0, 2, 4)
    value = x - Z.sum(axis=0) - taxes
    jobs = rng.uniform(0, 1, (2, 4))
    take = list(range(4)) if order is None else order
    columns = [KEYS[k] for k in take]
    factor = SimpleNamespace(
        F=Frame(np.array([value, taxes])[:, take], ["VA", "TLS"], columns),
        F_Y=Frame(np.array([np.zeros(4), taxes_final]), ["VA", "TLS"], USES),
    )
    people = SimpleNamespace(F=Frame(jobs[:, take], [("jobs", "low"), ("jobs", "high")], columns), F_Y=None)
    return SimpleNamespace(
        Z=Frame(Z[:, take], KEYS, columns), Y=Frame(Y, KEYS, USES), x=Frame(x[:, None], KEYS, ["indout"]),
        factor=factor, people=people, meta=SimpleNamespace(name="made up"), get_extensions=lambda: ["factor", "people"],
    )  # fmt: skip


ROWS: dict[str, tuple[str, Any]] = {
    "value_added": ("factor", "VA"),
    "compensation": ("factor", "VA"),
    "product_taxes": ("factor", "TLS"),
    "employment": ("people", [("jobs", "low"), ("jobs", "high")]),
}


class TestAllRegions:
    def test_as_it_is(self) -> None:
        s = system()
        found = table_from_pymrio(s, prices="basic", rows=ROWS, households=HOUSEHOLDS, currency="EUR", year=2020)
        assert found.sectors == ("A.food", "A.cars", "B.food", "B.cars") and found.source == "made up"
        assert np.array_equal(found.Z, s.Z.values) and np.array_equal(found.final_demand, s.Y.values)
        assert found.household_consumption == pytest.approx(s.Y.values[:, [0, 2]].sum(axis=1))
        assert found.employment == pytest.approx(s.people.F.values.sum(axis=0))
        assert found.household_product_taxes == pytest.approx(s.factor.F_Y.values[1, [0, 2]].sum())
        t = InputOutputTable(**found.keywords())
        one = t.effects("gva").values + t.effects("imports").values + t.effects("product_tax").values
        assert one == pytest.approx(1) and t.doubts == ()

    def test_copied_once_at_most(self) -> None:
        s = system()
        once = table_from_pymrio(s, prices="basic")
        assert not np.shares_memory(once.Z, s.Z.values)
        assert np.shares_memory(InputOutputTable(**once.keywords()).Z, once.Z)
        assert np.shares_memory(table_from_pymrio(s, prices="basic", copy=False).Z, s.Z.values)

    def test_columns_in_another_order(self) -> None:
        mixed, plain = system(order=[2, 0, 3, 1]), system()
        a, b = (table_from_pymrio(s, prices="basic", rows=ROWS) for s in (mixed, plain))
        assert np.array_equal(a.Z, b.Z)
        assert a.value_added is not None and a.value_added == pytest.approx(b.value_added)


class TestOneRegion:
    @pytest.mark.parametrize("order", [None, [2, 0, 3, 1]])
    def test_what_crosses_the_border(self, order: list[int] | None) -> None:
        s, whole = system(order=order), system()
        Z, Y = whole.Z.values, whole.Y.values
        found = table_from_pymrio(s, prices="basic", region="B", rows=ROWS, households=HOUSEHOLDS)
        assert found.sectors == ("food", "cars") and found.final == ("households", "other", "exports")
        assert np.array_equal(found.Z, Z[2:, 2:])
        assert found.imports == pytest.approx(Z[:2, 2:].sum(axis=0))
        assert found.final_demand[:, 2] == pytest.approx(Z[2:, :2].sum(axis=1) + Y[2:, :2].sum(axis=1))
        assert found.household_consumption == pytest.approx(Y[2:, 2])
        assert found.household_imports == pytest.approx(Y[:2, 2].sum())

    def test_every_coin_is_accounted_for(self) -> None:
        found = table_from_pymrio(system(), prices="basic", region="A", rows=ROWS, households=HOUSEHOLDS)
        t = InputOutputTable(**found.keywords())
        assert np.abs(t.residual.values).max() < 1e-9
        got = t.impact({"cars": 10.0}, price_basis="basic", closure=Closure.labour_income())
        assert got.identity.residual == pytest.approx(0, abs=1e-9) and got.identity.missing == ()


class TestRefused:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"region": "C"}, "no region 'C' in the system"),
            ({"households": "family"}, "no final demand 'family'; known: households, other"),
            ({"rows": {"wages": ("factor", "VA")}}, "no row 'wages'"),
            (
                {"rows": {"value_added": ("factors", "VA")}},
                "no extension 'factors' with flows F; did you mean 'factor'",
            ),
            ({"rows": {"value_added": ("factor", "VAL")}}, "extension 'factor' has no row 'VAL'; did you mean 'VA'"),
        ],
    )
    def test_unknown(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(UnknownName, match=message):
            table_from_pymrio(system(), prices="basic", **options)

    def test_no_flows_yet(self) -> None:
        with pytest.raises(InputError, match=r"no Z or no Y; expected both: calc_all\(\)"):
            table_from_pymrio(SimpleNamespace(Z=None, Y=None), prices="basic")

    def test_labels_that_do_not_match(self) -> None:
        s = system()
        s.Y.index = [*KEYS[:3], ("C", "cars")]
        with pytest.raises(InputError, match=r"the rows of Y lack 'B\.cars'"):
            table_from_pymrio(s, prices="basic")
        s = system()
        s.Z.index = [KEYS[0], *KEYS[:3]]
        with pytest.raises(InputError, match="labels that are there twice"):
            table_from_pymrio(s, prices="basic")


class TestDatabases:
    @pytest.mark.parametrize("database", list(PARSERS))
    def test_the_right_parser(self, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[Any] = []

        def parse(path: str, **options: Any) -> Any:
            asked.append((path, options))
            return system()

        monkeypatch.setitem(sys.modules, "pymrio", SimpleNamespace(**{PARSERS[database]: parse}))
        found = table_from_database(database, "folder", options={"year": 2018}, prices="basic", region="A")
        assert asked == [("folder", {"year": 2018})] and found.sectors == ("food", "cars")

    def test_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(UnknownName, match="no database 'exiobas'; did you mean 'exiobase'"):
            table_from_database("exiobas", "folder", prices="basic")
        monkeypatch.setitem(sys.modules, "pymrio", None)
        with pytest.raises(InputError, match="reading oecd needs pymrio; install it with"):
            table_from_database("oecd", "folder", prices="basic")

        def fails(path: str) -> Any:
            raise FileNotFoundError("no such year")

        monkeypatch.setitem(sys.modules, "pymrio", SimpleNamespace(parse_wiod=fails))
        with pytest.raises(InputError, match="pymrio cannot read folder as wiod: no such year"):
            table_from_database("wiod", "folder", prices="basic")


class TestWithPymrioItself:
    """Skipped where the extra ``pymrio`` is not installed."""

    @pytest.fixture
    def pymrio(self) -> Any:
        return pytest.importorskip("pymrio", reason="the optional extra pymrio is not installed")

    def test_its_own_test_system(self, pymrio: Any) -> None:
        """Output multipliers of region 1 and the sum of outputs, as pymrio's calc_all gives them."""
        s = pymrio.load_test().calc_all()
        rows = {"value_added": ("factor_inputs", "Value Added")}
        t = InputOutputTable(**table_from_pymrio(s, prices="basic", rows=rows).keywords())
        e = t.effects("output")
        assert [e[f"reg1.{name}"] for name in ("food", "electricity", "manufactoring")] == pytest.approx(
            [1.611427, 1.769314, 1.011053], abs=5e-7
        )
        assert t.output.sum() == pytest.approx(3.32400535e9) and np.trace(t.L) == pytest.approx(49.3507117)
        households = "Final consumption expenditure by households"
        one = table_from_pymrio(s, prices="basic", region="reg2", rows=rows, households=households)
        assert np.abs(InputOutputTable(**one.keywords()).residual.values).max() < 1e-6 * t.output.max()

    def test_the_oecd_parser(self, pymrio: Any, tmp_path: Path) -> None:
        """A small file laid out as the OECD's inter-country table of 2018, through pymrio's parser."""
        names = ["AAA_D01", "AAA_D29", "BBB_D01", "BBB_D29"]
        uses = ["AAA_HFCE", "AAA_GFCF", "BBB_HFCE", "BBB_GFCF"]
        s = system(3)
        Z, Y, (value, taxes) = s.Z.values, s.Y.values, s.factor.F.values
        lines = [",".join(["V1", *names, *uses, "OUT"])]
        lines += [
            ",".join([name, *(repr(float(v)) for v in (*Z[k], *Y[k], Z[k].sum() + Y[k].sum()))])
            for k, name in enumerate(names)
        ]
        rest = [0.0] * 5
        lines += [
            ",".join([word, *(repr(float(v)) for v in (*row, *rest))]) for word, row in (("TLS", taxes), ("VA", value))
        ]
        (tmp_path / "ICIO2021_2018.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        found = table_from_database(
            "oecd", tmp_path, options={"year": 2018}, prices="basic", region="BBB", households="HFCE",
            rows={"value_added": ("factor_inputs", "VA"), "product_taxes": ("factor_inputs", "TLS")},
        )  # fmt: skip
        assert found.sectors == ("D01", "D29") and found.source == "OECD-ICIO"
        assert np.allclose(found.Z, Z[2:, 2:]) and found.imports == pytest.approx(Z[:2, 2:].sum(axis=0))
        assert found.value_added == pytest.approx(value[2:])
        t = InputOutputTable(**found.keywords())
        assert (
            t.effects("gva").values + t.effects("imports").values + t.effects("product_tax").values
        ) == pytest.approx(1)

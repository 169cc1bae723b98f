"""The table: what it refuses, what it keeps, and its effects against the bordered inverse."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karvan.base.errors import InputError, UnknownName
from karvan.economy import (
    ACCOUNTS,
    Closure,
    ClosureMissing,
    InputOutputTable,
    MissingAccount,
    NotProductive,
    TableFault,
)

Make = Callable[..., InputOutputTable]
SEEDS = st.integers(0, 2**32 - 1)


def small(Z: Any = ((150, 500), (200, 100)), f: Any = (350, 1700), **changes: Any) -> InputOutputTable:
    given: dict[str, Any] = {"sectors": ["1", "2"], "prices": "basic", "flows": "domestic", "output": [1000, 2000]}
    return InputOutputTable(Z, f, **{**given, **changes})


class TestRefusals:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"prices": None}, "prices is None; expected 'basic'"),
            ({"flows": None}, "flows is None; expected 'domestic' or 'total'"),
            ({"flows": "total"}, "give import_shares"),
            ({"flows": "total", "import_shares": [0.1, 1.2]}, "between 0 and 1"),
            ({"Z": [[150, 500]]}, "expected a square table"),
            ({"Z": [[150, float("nan")], [200, 100]]}, "Z\\['1', '2'\\] is nan; expected a number"),
            ({"sectors": ["1"]}, "1 sectors for 2 rows"),
            ({"sectors": ["1", "1"]}, "'1' stands twice"),
            ({"f": [350]}, "final_demand has shape \\(1,\\)"),
            ({"output": [1000]}, "output has shape"),
            ({"employment": {"1": 5.0}}, "employment lacks '2'"),
            ({"employment": {"1": 5.0, "2": 1.0, "3": 1.0}}, "employment has '3', which the table does not"),
            ({"employment": [1.0, float("inf")]}, "employment of '2' is not a number"),
            ({"output": [1000, 0]}, "'2' has inputs of 600 and output 0"),
        ],
    )
    def test_table_fault(self, changes: dict[str, Any], message: str) -> None:
        with pytest.raises(TableFault, match=message):
            small(**changes)

    @pytest.mark.parametrize("A", [[[0.5, 0.5], [0.5, 0.5]], [[0.9, 0.4], [0.4, 0.9]]])
    def test_not_productive(self, A: list[list[float]]) -> None:
        """The second has an inverse, all of it negative: a program that only inverts would not notice."""
        x = np.array([100.0, 200.0])
        with pytest.raises(NotProductive, match=r"spectral radius 1(\.3)?.*; inputs cost most in '1'"):
            small(np.array(A) * x, x - np.array(A) @ x, output=x)

    def test_transposed(self) -> None:
        Z = np.array([[150.0, 500.0], [200.0, 100.0]])
        with pytest.raises(TableFault, match="looks transposed"):
            small(Z.T)

    def test_all_are_input_errors(self) -> None:
        for kind in (TableFault, NotProductive, MissingAccount, ClosureMissing):
            assert issubclass(kind, InputError)

    def test_unknown_names(self, textbook: InputOutputTable) -> None:
        with pytest.raises(UnknownName, match="no account 'employmnt'; did you mean 'employment'"):
            textbook.effects("employmnt")
        with pytest.raises(UnknownName, match="no sector '3'"):
            textbook.effects("output")["3"]
        with pytest.raises(UnknownName, match="no sector 'x'"):
            textbook.vector({"x": 1.0})

    def test_missing_account(self) -> None:
        with pytest.raises(MissingAccount, match="made without employment"):
            small().effects("employment")
        with pytest.raises(MissingAccount, match="made without household_consumption"):
            small(compensation=[300, 500]).effects("output", type="II", closure=Closure.labour_income())

    def test_type_two_needs_a_closure_and_says_which_there_are(self, textbook: InputOutputTable) -> None:
        with pytest.raises(ClosureMissing, match=r"total_household_income.*labour_income.*disposable_income"):
            textbook.effects("output", type="II")

    def test_type_one_refuses_a_closure(self, textbook: InputOutputTable) -> None:
        with pytest.raises(InputError, match="closure was given for Type I"):
            textbook.effects("output", closure=Closure.labour_income())
        with pytest.raises(InputError, match="type is 'III'"):
            textbook.effects("output", type="III")


class TestDoubts:
    """What does not stop the work stands in ``doubts``."""

    def test_none_for_a_sound_table(self, random_table: Make) -> None:
        assert random_table(1).doubts == ()

    def test_dear_inputs(self) -> None:
        A, x = np.array([[0.1, 0.1], [0.95, 0.05]]), np.array([100.0, 200.0])
        t = small(A * x, x - A @ x, output=x, imports=[0, 0])
        assert len(t.doubts) == 1 and "inputs of '1' cost 1.05" in t.doubts[0]

    def test_rows_that_do_not_balance(self) -> None:
        t = small(f=[350, 1600], imports=[0, 0])
        assert "rows do not balance: 3.33% of output" in t.doubts[0] and "'2'" in t.doubts[0]
        assert t.residual.values.tolist() == [0, 100]

    def test_purchasers_prices_missing_imports_and_jobs_without_output(self) -> None:
        t = small(
            [[150, 500, 0], [200, 100, 0], [0, 0, 0]], [350, 1700, 0], output=[1000, 2000, 0], sectors=["1", "2", "3"],
            prices="purchasers", employment=[1, 1, 1],
        )  # fmt: skip
        assert [text.split(":")[0].split(" ")[0] for text in t.doubts] == ["flows", "no", "employment"]


class TestKeeping:
    def test_nothing_can_be_changed(self, textbook: InputOutputTable) -> None:
        with pytest.raises(AttributeError, match="cannot be changed"):
            textbook.output = np.ones(2)
        for array in (textbook.Z, textbook.A, textbook.L, textbook.output, textbook.effects("gva").values):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 1.0

    def test_the_callers_array_may_change(self) -> None:
        Z = np.array([[150.0, 500.0], [200.0, 100.0]])
        t = small(Z)
        Z[0, 0] = 1e9
        assert t.Z[0, 0] == 150

    def test_labels_are_aligned(self) -> None:
        t = small(employment={"2": 80.0, "1": 100.0})
        assert (
            t.effects("employment").values.tolist() == small(employment=[100, 80]).effects("employment").values.tolist()
        )

    def test_inverse_only_when_asked_for(self) -> None:
        t = small()
        t.effects("output")
        assert "L" not in t._cache
        assert t.L is t.L and "L" in t._cache

    def test_output_is_kept_or_made(self) -> None:
        assert small(output=None).output.tolist() == [1000, 2000]
        assert small([[150, 500], [200, 100]], [350.4, 1700]).output.tolist() == [1000, 2000]

    def test_final_demand_in_columns(self) -> None:
        t = small(f=[[300, 50], [1500, 200]])
        assert t.final_demand.tolist() == [350, 1700] and t.final_uses.shape == (2, 2)

    def test_money_in_words(self, textbook: InputOutputTable) -> None:
        assert textbook.money == "million USD of 2009" and small().money == "money"
        assert textbook.effects("employment").unit == "persons per million USD of 2009"
        assert "2 sectors" in repr(textbook)

    def test_labelled_vector(self, textbook: InputOutputTable) -> None:
        e = textbook.effects("output")
        assert list(e) == ["1", "2"] and len(e) == 2 and dict(e.items())["1"] == e["1"] == float(e.values[0])


class Frame:
    """Stands in for a data frame or series of pandas: values with labelled rows (and columns)."""

    def __init__(self, values: Any, index: list[Any], columns: list[Any] | None = None) -> None:
        self.index, self.columns, self.values = index, columns, np.array(values, dtype=np.float64)

    def to_numpy(self) -> Any:
        return self.values


class TestLabels:
    """A frame in another order than the sectors is put right by its labels, or refused; never read as it comes."""

    def test_put_in_order(self, textbook: InputOutputTable) -> None:
        turned = Frame([[100, 200], [500, 150]], ["2", "1"], ["2", "1"])
        t = small(turned, Frame([1700, 350], ["2", "1"]), output=Frame([2000, 1000], ["2", "1"]))
        assert np.array_equal(t.Z, textbook.Z) and np.array_equal(t.final_demand, textbook.final_demand)
        assert np.array_equal(t.output, textbook.output)

    def test_numbers_as_labels_and_mere_counting(self) -> None:
        assert small(output=Frame([2000, 1000], [2, 1])).output.tolist() == [1000, 2000]
        assert small(output=Frame([1000, 2000], [0, 1])).output.tolist() == [1000, 2000]

    def test_refused(self) -> None:
        with pytest.raises(TableFault, match="Z: columns lack '2'; expected the sectors of the table, each once"):
            small(Frame([[150, 500], [200, 100]], ["1", "2"], ["1", "3"]))
        with pytest.raises(TableFault, match="employment: rows have '3'"):
            small(employment=Frame([1, 2, 3], ["1", "2", "3"]))


class TestZeroOutput:
    """An industry that makes nothing and buys nothing (tobacco in Scotland): zeros, never NaN."""

    @pytest.fixture
    def t(self) -> InputOutputTable:
        return InputOutputTable(
            [[150, 500, 0], [200, 100, 0], [0, 0, 0]], [350, 1700, 0], output=[1000, 2000, 0], sectors=["1", "2", "3"],
            value_added=[650, 1400, 0], compensation=[300, 500, 0], imports=[0, 0, 0], employment=[100, 80, 0],
            household_consumption=[50, 400, 0], prices="basic", flows="domestic",
        )  # fmt: skip

    def test_coefficients_effects_multipliers(self, t: InputOutputTable) -> None:
        assert not t.A[:, 2].any() and not t.B[2].any()
        for account in ("gva", "income", "employment", "imports"):
            assert t.effects(account)["3"] == 0
            assert t.effects(account, type="II", closure=Closure.labour_income())["3"] == 0
            assert t.multipliers(account)["3"] == 0

    def test_output_is_the_unit_itself(self, t: InputOutputTable) -> None:
        assert t.effects("output")["3"] == t.multipliers("output")["3"] == 1

    def test_the_others_are_as_without_it(self, t: InputOutputTable, textbook: InputOutputTable) -> None:
        assert np.allclose(t.effects("gva").values[:2], textbook.effects("gva").values, rtol=1e-14)

    def test_an_industry_without_jobs_has_no_jobs_multiplier(self) -> None:
        got = small(employment=[100, 0]).multipliers("employment")
        assert np.isnan(got["2"]) and got["1"] > 1


class TestImportsAsHomeMade:
    """Total flows count imports as home production; with the import share they do not."""

    def test_split(self) -> None:
        share = np.array([0.2, 0.4])
        domestic = np.array([[150.0, 500.0], [200.0, 100.0]])
        uses = np.array([350.0, 1700.0])
        total = small(
            domestic / (1 - share)[:, None], uses / (1 - share), flows="total", import_shares=share, value_added=[1, 1]
        )
        assert np.allclose(total.Z, domestic) and np.allclose(total.final_demand, uses)
        assert total.imports is not None
        assert total.imports.tolist() == pytest.approx((share / (1 - share)) @ domestic)
        assert "assumed" in total.doubts[0] and total.flows == "domestic"

    def test_size_of_the_mistake(self, random_table: Make) -> None:
        t = random_table(7)
        assert t.imports is not None
        wrong = InputOutputTable(
            t.Z + np.diag(t.imports), t.final_demand - t.imports, sectors=t.sectors, output=t.output, prices="basic",
            flows="domestic",
        )  # fmt: skip
        assert (wrong.effects("output").values > t.effects("output").values).all()


@settings(deadline=None, max_examples=25)
@given(seed=SEEDS, size=st.integers(2, 9), share=st.floats(0.1, 1.0), own=st.floats(0, 0.1))
def test_type_two_is_the_bordered_inverse(random_table: Make, seed: int, size: int, share: float, own: float) -> None:
    """Independent route: the inverse of A with a row and a column of households, industry rows summed."""
    t = random_table(seed, size)
    assert t.household_consumption is not None
    column = share * 0.8 * t.household_consumption / t.household_consumption.sum()
    closure = Closure.household_column(column.tolist(), own=own)
    bordered = np.zeros((size + 1, size + 1))
    bordered[:size, :size], bordered[size, :size], bordered[:size, size] = t.A, t.coefficients("income"), column
    bordered[size, size] = own
    inverse = np.linalg.inv(np.eye(size + 1) - bordered)
    for account in ACCOUNTS:
        got = t.effects(account, type="II", closure=closure).values
        assert np.allclose(got, t.coefficients(account) @ inverse[:size, :size], rtol=1e-10, atol=1e-13)


@settings(deadline=None, max_examples=25)
@given(seed=SEEDS, size=st.integers(2, 9))
def test_effects_sum_to_one(random_table: Make, seed: int, size: int) -> None:
    t = random_table(seed, size)
    whole = sum(t.effects(account).values for account in ("gva", "imports", "product_tax"))
    assert np.allclose(whole, 1, atol=1e-12)


@settings(deadline=None, max_examples=25)
@given(seed=SEEDS, scale=st.floats(1e-6, 1e6))
def test_money_unit_does_not_matter(random_table: Make, seed: int, scale: float) -> None:
    a, b = random_table(seed), random_table(seed, scale=scale)
    closure = Closure.labour_income()
    for account in ("output", "gva", "imports"):
        assert np.allclose(a.effects(account).values, b.effects(account).values, rtol=1e-9)
        assert np.allclose(a.multipliers(account).values, b.multipliers(account).values, rtol=1e-9)
    one, two = (t.effects("employment", type="II", closure=closure).values for t in (a, b))
    assert np.allclose(one, two * scale, rtol=1e-8)


@settings(deadline=None, max_examples=25)
@given(seed=SEEDS, order=st.permutations(range(6)))
def test_order_of_industries_does_not_matter(random_table: Make, seed: int, order: list[int]) -> None:
    a, b = random_table(seed), random_table(seed, order=order)
    for account in ACCOUNTS:
        ea = a.effects(account, type="II", closure=Closure.labour_income())
        eb = b.effects(account, type="II", closure=Closure.labour_income())
        assert all(ea[label] == pytest.approx(eb[label], rel=1e-10) for label in a.sectors)


@settings(deadline=None, max_examples=25)
@given(seed=SEEDS)
def test_aggregation(random_table: Make, seed: int) -> None:
    """Sums stay. Effects stay too where the merged industries have one input structure, as theory says."""
    t = random_table(seed)
    merged = t.aggregate({label: "all" if label in ("s0", "s1") else label for label in t.sectors})
    assert merged.sectors == ("all", "s2", "s3", "s4", "s5")
    assert merged.output.sum() == pytest.approx(t.output.sum())
    assert merged.Z.sum() == pytest.approx(t.Z.sum()) and merged.household_imports == t.household_imports
    assert merged.value_added is not None and t.value_added is not None
    assert merged.value_added[0] == pytest.approx(t.value_added[:2].sum())

    A = t.A.copy()
    A[:, 1] = A[:, 0]
    x = np.linalg.solve(np.eye(6) - A, t.final_demand)
    gva = (1 - A.sum(axis=0)) * x
    twin = InputOutputTable(
        A * x, t.final_demand, output=x, sectors=t.sectors, value_added=gva, prices="basic", flows="domestic"
    )
    merged = twin.aggregate({label: "all" if label in ("s0", "s1") else label for label in t.sectors})
    for account in ("output", "gva"):
        before, after = twin.effects(account), merged.effects(account)
        assert before["s0"] == pytest.approx(after["all"]) and before["s4"] == pytest.approx(after["s4"])


def test_aggregation_refuses_a_mapping_that_does_not_fit(textbook: InputOutputTable) -> None:
    with pytest.raises(TableFault, match="lacks '2'"):
        textbook.aggregate({"1": "a"})
    with pytest.raises(TableFault, match="names '3'"):
        textbook.aggregate({"1": "a", "2": "a", "3": "b"})


class TestClosures:
    def test_names_travel(self) -> None:
        assert Closure.total_household_income(143398).name == "total household income 143,398"
        assert Closure.labour_income().name == "labour income only"

    def test_columns(self, textbook: InputOutputTable) -> None:
        def column(closure: Closure) -> list[float]:
            return [float(value) for value in textbook.household_column(closure).domestic]

        assert column(Closure.labour_income()) == pytest.approx([50 / 800, 400 / 800])
        assert column(Closure.total_household_income(1000)) == pytest.approx([0.05, 0.4])
        # Spending all of 0.8 * 0.9 of income in the basket of the table, 50 to 400.
        assert column(Closure.disposable_income(tax=0.2, saving=0.1)) == pytest.approx([0.72 / 9, 0.72 * 8 / 9])
        assert column(Closure.spending_share(0.72)) == pytest.approx([0.72 / 9, 0.72 * 8 / 9])
        assert column(Closure.household_column([0.1, 0.2])) == [0.1, 0.2]

    def test_spending_leaks_abroad_and_to_the_state(self, random_table: Make) -> None:
        t = random_table(3)
        got = t.household_column(Closure.spending_share(0.7))
        assert got.domestic.sum() + got.imports + got.product_tax == pytest.approx(0.7)
        assert got.domestic.sum() == pytest.approx(0.7 / 1.4)  # the random tables leak 0.3 and 0.1 per unit at home

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: Closure.total_household_income(0), "expected above 0"),
            (lambda: Closure.disposable_income(tax=1.0, saving=0.0), "tax is 1 of income"),
            (lambda: Closure.disposable_income(tax=0.0, saving=-0.1), "saving is -0.1"),
            (lambda: Closure.spending_share(1.2), "spending share is 1.2"),
            (lambda: Closure.household_column([0.8, 0.4]), "sum to 1.2"),
            (lambda: Closure.labour_income(own=1.0), "hire 1 of their own income"),
        ],
    )
    def test_refused(self, make: Callable[[], Closure], message: str) -> None:
        with pytest.raises(InputError, match=message):
            make()

    def test_wrong_length(self, textbook: InputOutputTable) -> None:
        with pytest.raises(TableFault, match="3 values; expected 2"):
            textbook.effects("output", type="II", closure=Closure.household_column([0.1, 0.1, 0.1]))

    def test_runaway_households(self, textbook: InputOutputTable) -> None:
        with pytest.raises(NotProductive, match="income that purchases are divided by is too small"):
            textbook.effects("output", type="II", closure=Closure.total_household_income(100))

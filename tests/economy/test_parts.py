"""Analysis by parts: an average plant entered by parts is the average plant of the table; stacks and draws line up."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karvan.base.errors import InputError, UnknownName
from karvan.economy import (
    PARTS,
    Closure,
    ImpactEffects,
    InputOutputTable,
    MissingAccount,
    NotProductive,
    impact_by_parts,
)

Make = Callable[..., InputOutputTable]
CLOSURE = Closure.spending_share(0.7)
SEEDS = st.integers(0, 2**32 - 1)


@settings(deadline=None, max_examples=25)
@given(seed=SEEDS, k=st.integers(0, 5))
def test_the_average_plant_by_parts_is_type_two(random_table: Make, seed: int, k: int) -> None:
    """Column k of the table as purchases and its wages as payroll: direct + indirect + induced = the Type II effect."""
    t = random_table(seed)
    label = t.sectors[k]
    for closure in (CLOSURE, Closure.labour_income()):
        effects = ImpactEffects.from_table(t, closure)
        got = impact_by_parts(t.A[:, k] * 50, 50 * t.coefficients("income")[k], effects=effects)
        for part, account in (("jobs", "employment"), ("gva", "gva"), ("income", "income")):
            whole = 50 * t.coefficients(account)[k] + got.indirect[part] + got.induced[part]
            assert whole == pytest.approx(50 * t.effects(account, type="II", closure=closure)[label], rel=1e-10)
        own = 50 * t.coefficients("income")[k] + got.indirect["income"] + got.induced["income"]
        assert got.household_income == pytest.approx(own)


@settings(deadline=None, max_examples=25)
@given(seed=SEEDS)
def test_every_coin_of_plant_and_households_ends_somewhere(random_table: Make, seed: int) -> None:
    t = random_table(seed)
    effects = ImpactEffects.from_table(t, CLOSURE)
    p = np.random.Generator(np.random.Philox(seed)).uniform(0, 10, 6)
    got = impact_by_parts(p, 30.0, effects=effects)
    parts = ("gva", "imports", "product_tax")
    assert sum(got.indirect[part] for part in parts) == pytest.approx(p.sum())
    assert sum(got.induced[part] for part in parts) == pytest.approx(0.7 * got.household_income)


def test_jobs_by_sector_sum_to_the_jobs(random_table: Make) -> None:
    effects = ImpactEffects.from_table(random_table(2), CLOSURE)
    p = np.random.Generator(np.random.Philox(9)).uniform(0, 10, (4, 3, 6))
    got = impact_by_parts(p, np.ones((4, 3)), effects=effects, by_sector=True)
    assert got.jobs_by_sector is not None and got.jobs_by_sector.shape == (4, 3, 6)
    assert np.allclose(got.jobs_by_sector.sum(axis=-1), got.indirect["jobs"] + got.induced["jobs"])
    assert got.indirect_by_sector is not None and got.induced_by_sector is not None
    for part in ("jobs", "gva", "income"):  # of imports and taxes households pay some themselves, in no industry
        assert np.allclose(got.indirect_by_sector[part].sum(axis=-1), got.indirect[part])
        assert np.allclose(got.induced_by_sector[part].sum(axis=-1), got.induced[part])
    assert impact_by_parts(p, 1.0, effects=effects).indirect_by_sector is None


def test_no_spending_no_effect(random_table: Make) -> None:
    got = impact_by_parts(np.zeros(6), 0.0, effects=ImpactEffects.from_table(random_table(2), CLOSURE))
    assert all(got.indirect[part] == 0 and got.induced[part] == 0 for part in PARTS)
    assert got.jobs_by_sector is None and got.closure == CLOSURE.name


def test_payroll_alone_induces(random_table: Make) -> None:
    """Kits only: nothing is bought at home, wages are still spent."""
    got = impact_by_parts(np.zeros(6), 10.0, effects=ImpactEffects.from_table(random_table(2), CLOSURE))
    assert got.indirect["jobs"] == 0 and got.induced["jobs"] > 0


class TestStacks:
    """One donor a draw: the answer for a draw is that of its donor alone."""

    @pytest.fixture(scope="class")
    @staticmethod
    def members(random_table: Make) -> list[ImpactEffects]:
        return [ImpactEffects.from_table(random_table(seed), CLOSURE) for seed in (1, 2, 3)]

    def test_draws(self, members: list[ImpactEffects]) -> None:
        which = np.array([2, 0, 1, 1, 0])
        p = np.random.Generator(np.random.Philox(5)).uniform(0, 10, (5, 4, 6))
        y = np.random.Generator(np.random.Philox(6)).uniform(0, 10, (5, 4))
        together = impact_by_parts(p, y, effects=ImpactEffects.stack(members).take(which), by_sector=True)
        for draw, donor in enumerate(which):
            alone = impact_by_parts(p[draw], y[draw], effects=members[donor], by_sector=True)
            for part in PARTS:
                assert np.allclose(together.indirect[part][draw], alone.indirect[part], rtol=1e-13)
                assert np.allclose(together.induced[part][draw], alone.induced[part], rtol=1e-13)
            assert together.jobs_by_sector is not None and alone.jobs_by_sector is not None
            assert np.allclose(together.jobs_by_sector[draw], alone.jobs_by_sector, rtol=1e-13)

    def test_donors_meet_the_same_plant(self, members: list[ImpactEffects]) -> None:
        p = np.random.Generator(np.random.Philox(5)).uniform(0, 10, (1, 4, 6))
        got = impact_by_parts(p, np.ones((1, 4)), effects=ImpactEffects.stack(members))
        assert got.induced["jobs"].shape == (3, 4)

    def test_first_axes_must_fit(self, members: list[ImpactEffects]) -> None:
        with pytest.raises(InputError, match="stacked over \\(3,\\) and purchases over \\(5, 4\\)"):
            impact_by_parts(np.zeros((5, 4, 6)), 0.0, effects=ImpactEffects.stack(members))

    def test_members_must_match(self, members: list[ImpactEffects], random_table: Make) -> None:
        with pytest.raises(InputError, match="no effects to stack"):
            ImpactEffects.stack([])
        with pytest.raises(InputError, match="differ in sectors"):
            ImpactEffects.stack([members[0], ImpactEffects.from_table(random_table(1, 5), CLOSURE)])


class TestFromArrays:
    """A table a draw, all solved at once: the same numbers as a table at a time."""

    def arrays(self, t: InputOutputTable) -> dict[str, Any]:
        column = t.household_column(CLOSURE)
        rows = {"jobs": "employment"}
        return {
            "A": t.A,
            "coefficients": {part: t.coefficients(rows.get(part, part)) for part in PARTS},
            "household": column.domestic,
            "sectors": t.sectors,
            "household_imports": column.imports,
            "household_product_tax": column.product_tax,
        }

    def test_as_from_table(self, random_table: Make) -> None:
        tables = [random_table(seed) for seed in (1, 2)]
        given_ = [self.arrays(t) for t in tables]
        stacked = ImpactEffects.from_arrays(
            np.stack([g["A"] for g in given_]),
            {part: np.stack([g["coefficients"][part] for g in given_]) for part in PARTS},
            np.stack([g["household"] for g in given_]),
            sectors=tables[0].sectors,
            household_imports=[g["household_imports"] for g in given_],
            household_product_tax=[g["household_product_tax"] for g in given_],
        )
        p = np.random.Generator(np.random.Philox(5)).uniform(0, 10, (2, 3, 6))
        got = impact_by_parts(p, np.ones((2, 3)), effects=stacked)
        for draw, t in enumerate(tables):
            alone = impact_by_parts(p[draw], np.ones(3), effects=ImpactEffects.from_table(t, CLOSURE))
            for part in PARTS:
                assert np.allclose(got.induced[part][draw], alone.induced[part], rtol=1e-12)
                assert np.allclose(got.indirect[part][draw], alone.indirect[part], rtol=1e-12)

    def test_type_two_of_the_stack(self, random_table: Make) -> None:
        t = random_table(1)
        given_ = self.arrays(t)
        got = ImpactEffects.from_arrays(given_.pop("A"), given_.pop("coefficients"), given_.pop("household"), **given_)
        assert np.allclose(got.type2["jobs"], t.effects("employment", type="II", closure=CLOSURE).values)
        assert np.allclose(got.type1["gva"], t.effects("gva").values)

    def test_refused(self, random_table: Make) -> None:
        t = random_table(1)
        whole = self.arrays(t)
        with pytest.raises(InputError, match="A has shape"):
            ImpactEffects.from_arrays(np.zeros((3, 4)), {}, 0.0, sectors=t.sectors)
        with pytest.raises(InputError, match="lack 'income'"):
            ImpactEffects.from_arrays(t.A, {"gva": np.ones(6)}, 0.0, sectors=t.sectors)
        with pytest.raises(UnknownName, match="no account 'job'; did you mean 'jobs'"):
            ImpactEffects.from_arrays(t.A, {"job": np.ones(6)}, 0.0, sectors=t.sectors)
        with pytest.raises(NotProductive, match="cannot meet any demand"):
            ImpactEffects.from_arrays(t.A * 3, whole["coefficients"], whole["household"], sectors=t.sectors)
        with pytest.raises(NotProductive, match="unit of household income brings back"):
            ImpactEffects.from_arrays(t.A, {"income": np.ones(6)}, np.ones(6), sectors=t.sectors)


class TestMoneyOfAnotherYear:
    """Jobs per unit of money shrink with prices and productivity; money does not."""

    def test_deflator_and_productivity(self, random_table: Make) -> None:
        effects = ImpactEffects.from_table(random_table(8), CLOSURE)
        p = np.full((3, 6), 2.0)
        base = impact_by_parts(p, 1.0, effects=effects)
        later = impact_by_parts(p, 1.0, effects=effects, deflator=[1.0, 1.5, 2.0], productivity=[1.0, 1.0, 1.1])
        assert np.allclose(later.indirect["jobs"], base.indirect["jobs"] / [1.0, 1.5, 2.2])
        assert np.allclose(later.induced["gva"], base.induced["gva"])

    def test_refused(self, random_table: Make) -> None:
        effects = ImpactEffects.from_table(random_table(8), CLOSURE)
        with pytest.raises(InputError, match="deflator and productivity must be above 0"):
            impact_by_parts(np.ones(6), 1.0, effects=effects, deflator=0.0)
        with pytest.raises(InputError, match="purchases have shape \\(5,\\)"):
            impact_by_parts(np.ones(5), 1.0, effects=effects)


class TestAnotherShareOrError:
    """One share of income spent, and one error, a draw: as if the closure or the rows had been given so."""

    @settings(deadline=None, max_examples=20)
    @given(seed=SEEDS, share=st.floats(0.0, 1.0))
    def test_spending_as_the_closure(self, random_table: Make, seed: int, share: float) -> None:
        t = random_table(seed)
        whole = ImpactEffects.from_table(t, Closure.spending_share(1.0)).with_spending(share)
        if share > 0:
            direct = ImpactEffects.from_table(t, Closure.spending_share(share))
            for part in PARTS:
                assert np.allclose(whole.type2[part], direct.type2[part], rtol=1e-9)
                assert np.allclose(whole.basket[part], direct.basket[part], rtol=1e-9)
            assert whole.rest == pytest.approx(float(direct.rest))
        assert all(np.allclose(whole.type1[part], whole.type2[part]) for part in PARTS) or share > 0

    def test_a_share_a_draw(self, random_table: Make) -> None:
        one = ImpactEffects.from_table(random_table(1), Closure.spending_share(1.0))
        draws = ImpactEffects.stack([one, one]).with_spending([0.5, 0.8])
        p = np.ones((2, 3, 6))
        got = impact_by_parts(p, np.ones((2, 3)), effects=draws, by_sector=True)
        for draw, share in enumerate((0.5, 0.8)):
            alone = impact_by_parts(p[draw], np.ones(3), effects=one.with_spending(share), by_sector=True)
            assert np.allclose(got.induced["jobs"][draw], alone.induced["jobs"])
            assert got.jobs_by_sector is not None and alone.jobs_by_sector is not None
            assert np.allclose(got.jobs_by_sector[draw], alone.jobs_by_sector)

    def test_error_reaches_jobs_by_sector_too(self, random_table: Make) -> None:
        one = ImpactEffects.from_table(random_table(1), CLOSURE)
        off = ImpactEffects.stack([one, one]).with_error({"jobs": [1.0, 1.3]})
        got = impact_by_parts(np.ones((2, 6)), np.ones(2), effects=off, by_sector=True)
        assert got.jobs_by_sector is not None
        assert np.allclose(got.jobs_by_sector.sum(axis=-1), got.indirect["jobs"] + got.induced["jobs"])
        assert got.induced["jobs"][1] == pytest.approx(1.3 * got.induced["jobs"][0])
        assert got.induced["gva"][1] == got.induced["gva"][0]

    def test_refused(self, random_table: Make) -> None:
        one = ImpactEffects.from_table(random_table(1), CLOSURE)
        with pytest.raises(InputError, match=r"spending share is -0\.1"):
            one.with_spending(-0.1)
        with pytest.raises(NotProductive, match="unit of household income brings back"):
            one.with_spending(100.0)
        with pytest.raises(UnknownName, match="'income' cannot be scaled"):
            one.with_error({"income": 1.1})
        with pytest.raises(InputError, match="factor of 'jobs' is 0"):
            one.with_error({"jobs": 0.0})


def test_accounts_follow_the_table(textbook: InputOutputTable) -> None:
    effects = ImpactEffects.from_table(textbook, Closure.labour_income())
    assert set(effects.type1) == {"jobs", "gva", "income"}
    plain = InputOutputTable(textbook.Z, textbook.final_demand, sectors=["1", "2"], prices="basic", flows="domestic")
    with pytest.raises(MissingAccount):
        ImpactEffects.from_table(plain, Closure.labour_income())
    jobless = InputOutputTable(
        textbook.Z, textbook.final_demand, sectors=["1", "2"], prices="basic", flows="domestic",
        compensation=[300, 500], household_consumption=[50, 400],
    )  # fmt: skip
    with pytest.raises(InputError, match="jobs by sector need a table with employment"):
        impact_by_parts([1.0, 1.0], 1.0, effects=ImpactEffects.from_table(jobless, CLOSURE), by_sector=True)

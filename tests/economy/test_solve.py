"""One list of cases for every solver: LU, Krylov, Krylov with another block, and the plain inverse."""

import tracemalloc
from collections.abc import Callable
from time import process_time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karvan.base.axes import Array
from karvan.base.errors import InputError
from karvan.economy import (
    Closure,
    InputOutputTable,
    LeontiefSolver,
    NotConverged,
    SectorVariation,
    SolverOptions,
    demand_totals,
)
from karvan.economy.solve import spectral_radius

Make = Callable[..., InputOutputTable]
SOLVERS = {
    "lu": SolverOptions(),
    "krylov": SolverOptions(dense_limit=0, block=25),
    "krylov_small_blocks": SolverOptions(dense_limit=0, block=7),
    "krylov_no_blocks": SolverOptions(dense_limit=0, block=1),
}


def regions(seed: int, count: int = 6, each: int = 25) -> tuple[Array, Array]:
    """An inter-country table: dear domestic blocks, cheap imports, outputs over several orders of magnitude."""
    rng = np.random.Generator(np.random.Philox(seed))
    size = count * each
    A = rng.random((size, size)) ** 8 * 0.15 / (size / 9)
    for start in range(0, size, each):
        own = rng.random((each, each)) ** 8
        A[start : start + each, start : start + each] = own * rng.uniform(0.3, 0.5, each) / own.sum(axis=0)
    x = np.exp(rng.normal(0, 2, size))
    return A * x, x


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("seed", [1, 2])
class TestEverySolver:
    def solver(self, name: str, seed: int) -> tuple[LeontiefSolver, Array]:
        Z, x = regions(seed)
        return LeontiefSolver(Z, x, SOLVERS[name]), np.asarray(np.linalg.inv(np.eye(len(x)) - Z / x), dtype=np.float64)

    def test_forward(self, name: str, seed: int) -> None:
        solver, L = self.solver(name, seed)
        f = np.zeros(solver.size)
        f[3] = 100.0
        assert np.abs(solver.forward(f) / (L @ f) - 1).max() < 1e-9

    def test_adjoint(self, name: str, seed: int) -> None:
        solver, L = self.solver(name, seed)
        v = np.random.Generator(np.random.Philox(seed)).uniform(0, 1, solver.size)
        assert np.abs(solver.adjoint(v) / (v @ L) - 1).max() < 1e-9

    def test_many_at_once_as_one_by_one(self, name: str, seed: int) -> None:
        solver, _ = self.solver(name, seed)
        f = np.random.Generator(np.random.Philox(seed)).uniform(0, 1, (solver.size, 3))
        f[:, 1] = 0.0
        together = solver.forward(f)
        for column in range(3):
            assert np.allclose(together[:, column], solver.forward(f[:, column]), rtol=1e-11, atol=0)

    def test_nothing_asked_nothing_made(self, name: str, seed: int) -> None:
        solver, _ = self.solver(name, seed)
        assert not solver.forward(np.zeros(solver.size)).any()


class TestLargeTable:
    """A table above the limit asks the same questions without ever making A or L."""

    def test_effects_and_impact(self, random_table: Make) -> None:
        small = random_table(5, 60)
        large = InputOutputTable(
            small.Z, small.final_demand, output=small.output, sectors=small.sectors, employment=small.employment,
            prices="basic", flows="domestic", options=SolverOptions(dense_limit=0, block=10),
        )  # fmt: skip
        assert np.allclose(large.effects("employment").values, small.effects("employment").values, rtol=1e-10)
        one, other = (t.impact({"s7": 3.0}, price_basis="basic").by_sector("employment") for t in (small, large))
        assert np.allclose(one.values, other.values, rtol=1e-9)
        assert not large._cache.keys() & {"A", "L"}
        assert large.solver.passes > 0

    def test_memory_and_passes(self) -> None:
        """Beside the flows themselves an answer takes less than a fifth of their size, and few readings of them."""
        Z, x = regions(3, count=16, each=100)
        f = x - Z.sum(axis=1)
        column = Closure.household_column([0.5 / len(x)] * len(x))
        tracemalloc.start()
        t = InputOutputTable(
            Z, f, output=x, sectors=[str(k) for k in range(len(x))], compensation=0.25 * x, employment=0.01 * x,
            prices="basic", flows="domestic", options=SolverOptions(block=100), copy=False,
        )  # fmt: skip
        answer = t.impact({"5": 100.0}, price_basis="basic", closure=column)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert answer.total("employment") > 0
        assert peak < 0.2 * Z.nbytes and t.solver.passes <= 15

    def test_gives_up_and_says_so(self) -> None:
        Z, x = regions(1)
        with pytest.raises(NotConverged, match="not solved to 1e-12 in 1 steps: the worst industry is off"):
            LeontiefSolver(Z, x, SolverOptions(dense_limit=0, max_iterations=1, block=1)).forward(np.ones(len(x)))

    @pytest.mark.parametrize("options", [{"tolerance": 0.1}, {"max_iterations": 0}, {"block": 0}, {"tolerance": 0.0}])
    def test_options(self, options: dict[str, float]) -> None:
        with pytest.raises(InputError):
            SolverOptions(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [40, 450])
def test_spectral_radius(size: int) -> None:
    """A matrix with all column sums 0.8 has the radius 0.8 (Perron and Frobenius); both routes find it."""
    A = np.random.Generator(np.random.Philox(3)).random((size, size))
    A *= 0.8 / A.sum(axis=0)
    x = np.random.Generator(np.random.Philox(4)).uniform(1, 100, size)
    assert spectral_radius(A * x, x) == pytest.approx(0.8, abs=1e-7)


class TestEnsembles:
    @settings(deadline=None, max_examples=20)
    @given(seed=st.integers(0, 2**32 - 1), k=st.integers(0, 5))
    def test_rank_two_update_as_a_new_table(self, random_table: Make, seed: int, k: int) -> None:
        """Local content of one industry changes: its column, what it sells, its own coefficient; member by member."""
        t = random_table(seed)
        rng = np.random.Generator(np.random.Philox(seed))
        dC = rng.uniform(-0.5, 0.5, (4, 6)) * t.A[:, k]
        scale, own = rng.uniform(-1, 0.2, 4), rng.uniform(-1e-4, 1e-4, 4)
        f = rng.uniform(0, 10, 6)
        variation = SectorVariation(t, t.sectors[k], f)
        totals, outputs = variation.totals("employment", dC, scale, own), variation.outputs(dC, scale)
        for member in range(4):
            A = t.A.copy()
            A[:, k] += dC[member]
            A[k] += scale[member] * t.A[k]
            v = t.coefficients("employment").copy()
            v[k] += own[member]
            x = np.linalg.solve(np.eye(6) - A, f)
            assert np.allclose(outputs[member], x, rtol=1e-10)
            assert totals[member] == pytest.approx(v @ x, rel=1e-10)

    def test_no_change_is_the_base(self, random_table: Make) -> None:
        t = random_table(1)
        variation = SectorVariation(t, "s2")
        assert np.allclose(variation.base, t.output)
        assert np.allclose(variation.outputs(np.zeros((2, 6))), t.output)

    def test_a_member_costs_a_small_part_of_a_new_table(self) -> None:
        """Processor time, best of three: 1,000 members in less than 20 factorisations of 500 industries."""
        Z, x = regions(5, count=5, each=100)
        t = InputOutputTable(
            Z, x - Z.sum(axis=1), output=x, sectors=[str(k) for k in range(500)], employment=0.01 * x, prices="basic",
            flows="domestic",
        )  # fmt: skip
        variation = SectorVariation(t, "5", np.ones(500))
        changes = np.random.Generator(np.random.Philox(1)).uniform(-0.2, 0.2, (1000, 500)) * t.A[:, 5]

        def best(work: Callable[[], object]) -> float:
            times = []
            for _ in range(3):
                start = process_time()
                work()
                times.append(process_time() - start)
            return min(times)

        one = best(lambda: LeontiefSolver(Z, x).forward(np.ones(500)))
        many = best(lambda: variation.totals("employment", changes))
        assert many < 20 * one

    def test_refused(self, random_table: Make) -> None:
        t = random_table(1)
        variation = SectorVariation(t, "s2")
        with pytest.raises(InputError, match="column_changes have shape"):
            variation.totals("output", np.zeros((2, 5)))
        with pytest.raises(InputError, match="row_scale has shape"):
            variation.totals("output", np.zeros((2, 6)), np.zeros(3))
        with pytest.raises(InputError, match="member 1 cannot meet any demand"):
            variation.totals("output", np.array([[0.0] * 6, [3.0] * 6]))

    def test_many_demands(self, random_table: Make) -> None:
        t = random_table(1)
        demands = np.random.Generator(np.random.Philox(2)).uniform(0, 5, (3, 2, 6))
        got = demand_totals(t, demands, "employment")
        assert got.shape == (3, 2)
        assert got[1, 1] == pytest.approx(t.impact(list(demands[1, 1]), price_basis="basic").total("employment"))
        with pytest.raises(InputError, match="demands have shape"):
            demand_totals(t, np.zeros(5), "employment")

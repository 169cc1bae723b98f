"""RAS and GRAS: totals met, signs and zeros kept, and a clear word where that cannot be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karvan.base.axes import Array
from karvan.base.errors import InputError
from karvan.economy import BalanceResult, MarginsInfeasible, NotConverged, gras, ras

SEEDS = st.integers(0, 2**32 - 1)


def case(seed: int, *, negative: float = 0.0) -> tuple[Array, Array, Array]:
    """An old matrix and totals that some matrix of the same pattern has (its cells moved by random multipliers)."""
    rng = np.random.Generator(np.random.Philox(seed))
    rows, columns = int(rng.integers(2, 8)), int(rng.integers(2, 8))
    old = rng.uniform(0.1, 10, (rows, columns)) * (rng.random((rows, columns)) < 0.8)
    old[0], old[:, 0] = rng.uniform(1, 10, columns), rng.uniform(1, 10, rows)
    r, s = rng.uniform(0.5, 2, rows), rng.uniform(0.5, 2, columns)
    sign = np.where(rng.random((rows, columns)) < negative, -1.0, 1.0)
    sign[0], sign[:, 0] = 1.0, 1.0
    old = old * sign
    new = np.where(old > 0, r[:, None] * old * s, old / (r[:, None] * s))
    return old, new.sum(axis=1), new.sum(axis=0)


def close(got: BalanceResult, u: Array, v: Array) -> bool:
    gap = max(np.abs(got.matrix.sum(axis=1) - u).max(), np.abs(got.matrix.sum(axis=0) - v).max())
    return bool(gap < 1e-9 * max(np.abs(u).max(), np.abs(v).max()))


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS)
def test_ras_meets_totals_and_keeps_zeros(seed: int) -> None:
    old, u, v = case(seed)
    got = ras(old, u, v)
    assert close(got, u, v) and ((got.matrix == 0) == (old == 0)).all()
    assert np.allclose(got.matrix, got.r[:, None] * old * got.s)
    assert got.residual <= 1e-12 and got.iterations >= 1


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS, factor=st.floats(1e-3, 1e3))
def test_ras_does_not_care_for_the_unit_of_the_old_matrix(seed: int, factor: float) -> None:
    old, u, v = case(seed)
    assert np.allclose(ras(old, u, v).matrix, ras(old * factor, u, v).matrix, rtol=1e-8)


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS)
def test_gras_meets_totals_and_keeps_signs(seed: int) -> None:
    old, u, v = case(seed, negative=0.3)
    got = gras(old, u, v)
    assert close(got, u, v) and (np.sign(got.matrix) == np.sign(old)).all()


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS)
def test_gras_without_negatives_is_ras(seed: int) -> None:
    old, u, v = case(seed)
    assert np.allclose(gras(old, u, v).matrix, ras(old, u, v).matrix, rtol=1e-8)


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS)
def test_a_balanced_matrix_stays(seed: int) -> None:
    old, _, _ = case(seed, negative=0.3)
    got = gras(old, old.sum(axis=1), old.sum(axis=0))
    assert np.allclose(got.matrix, old, rtol=1e-9) and got.iterations <= 2


class TestGrasByMinimisation:
    """Junius and Oosterhaven's case is the least relative entropy: no small move within the totals does better."""

    OLD = np.array([[7.0, 3, 5, -3], [2, 9, 8, 1], [-2, 0, 2, 1]])

    def loss(self, new: Array) -> float:
        ratio = np.divide(new, self.OLD, out=np.ones_like(new), where=self.OLD != 0)
        return float((np.abs(self.OLD) * ratio * (np.log(ratio) - 1)).sum())

    def test_no_better_neighbour(self) -> None:
        best = gras(self.OLD, [15, 26, -1], [9, 16, 17, -2]).matrix
        # Cells a, b, c, d of two rows and two columns moved by +e, -e, -e, +e leave all totals as they are.
        for i, k in ((0, 1), (0, 2), (1, 2)):
            for j in range(4):
                for m in range(j):
                    if 0 in (self.OLD[i, j], self.OLD[i, m], self.OLD[k, j], self.OLD[k, m]):
                        continue
                    for step in (1e-3, -1e-3):
                        moved = best.copy()
                        moved[[i, k, i, k], [j, m, m, j]] += [step, step, -step, -step]
                        assert self.loss(moved) > self.loss(best)


class TestZeroTotals:
    def test_a_row_that_must_vanish(self) -> None:
        got = ras([[1, 2], [3, 4]], [0, 7], [3, 4])
        assert got.matrix.tolist() == [[0, 0], [3, 4]]

    def test_an_empty_row_with_nothing_wanted(self) -> None:
        assert ras([[0, 0], [3, 4]], [0, 7], [3, 4]).matrix.tolist() == [[0, 0], [3, 4]]

    def test_gras_all_negative_row(self) -> None:
        got = gras([[-1, -2], [3, 4]], [-6, 10], [1, 3])
        assert np.allclose(got.matrix.sum(axis=1), [-6, 10]) and (got.matrix[0] < 0).all()


class TestRefusals:
    def test_totals_with_different_sums(self) -> None:
        with pytest.raises(InputError, match="row totals sum to 10 and column totals to 11"):
            ras([[1, 2], [3, 4]], [5, 5], [5, 6])

    def test_negative_cell_offers_gras(self) -> None:
        with pytest.raises(InputError, match=r"cell \(0, 1\) is -2.*use gras"):
            ras([[1, -2], [3, 4]], [5, 5], [5, 5])
        with pytest.raises(InputError, match=r"row total 1 is -5.*use gras"):
            ras([[1, 2], [3, 4]], [5, -5], [5, -5])

    @pytest.mark.parametrize("method", [ras, gras])
    def test_zero_row_with_a_total(self, method: object) -> None:
        with pytest.raises(MarginsInfeasible, match="row 0 is all zeros and 2 is wanted"):
            method([[0, 0], [3, 4]], [2, 8], [5, 5])  # type: ignore[operator]

    def test_totals_that_the_zeros_rule_out(self) -> None:
        """Both rows can only use the first column, which may hold 3 of their 10."""
        with pytest.raises(MarginsInfeasible, match="zeros of the matrix rule these totals out: at most"):
            ras([[1, 0, 0], [1, 0, 0], [1, 1, 1]], [5, 5, 10], [3, 8, 9], max_iterations=200)

    def test_gras_sign_that_cannot_be(self) -> None:
        with pytest.raises(MarginsInfeasible, match="row 0 has a total of 4 wanted and no cells of the sign"):
            gras([[-1, -2], [3, 4]], [4, 6], [4, 6])

    def test_too_few_rounds(self) -> None:
        with pytest.raises(NotConverged, match="after 1 rounds a total is still off by"):
            ras([[1, 2], [3, 4]], [4, 6], [5, 5], max_iterations=1)

    @pytest.mark.parametrize("method", [ras, gras])
    def test_shapes_and_numbers(self, method: object) -> None:
        with pytest.raises(InputError, match="expected \\(I, J\\), \\(I,\\) and \\(J,\\)"):
            method([[1, 2], [3, 4]], [1, 2, 3], [3, 3])  # type: ignore[operator]
        with pytest.raises(InputError, match="not numbers"):
            method([[1, 2], [3, float("nan")]], [5, 5], [5, 5])  # type: ignore[operator]

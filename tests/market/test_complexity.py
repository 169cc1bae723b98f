"""Comparative advantage, proximity, density and complexity, against plain loops and small cases."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from karvan.base.errors import InputError
from karvan.market import complexity_index, density, proximity, revealed_advantage


def test_advantage_by_hand() -> None:
    """Country 0 sells 3 of 4 in product 0; the world 4 of 10."""
    advantage = revealed_advantage([[3.0, 1.0, 0.0], [1.0, 5.0, 0.0], [0.0, 0.0, 0.0]])
    assert advantage[0].tolist() == pytest.approx([(3 / 4) / (4 / 10), (1 / 4) / (6 / 10), 0.0])
    assert advantage[2].tolist() == [0.0, 0.0, 0.0]


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_against_loops(seed: int) -> None:
    """Proximity and density from their definitions."""
    M = np.random.default_rng(seed).random((7, 5)) < 0.5
    phi, omega = proximity(M), density(M)
    for p in range(5):
        for q in range(5):
            both, p_, q_ = (M[:, p] & M[:, q]).sum(), M[:, p].sum(), M[:, q].sum()
            assert phi[p, q] == pytest.approx(min(both / p_, both / q_) if p_ and q_ else 0.0)
        near = phi[:, p]
        for c in range(7):
            expected = near[M[c]].sum() / near.sum() if near.sum() else 0.0
            assert omega[c, p] == pytest.approx(expected)


class TestIndex:
    """The second eigenvector, found in another way."""

    @given(st.integers(0, 10_000))
    @settings(max_examples=20, deadline=None)
    def test_against_the_matrix_itself(self, seed: int) -> None:
        M = (np.random.default_rng(seed).random((12, 30)) < np.linspace(0.2, 0.8, 12)[:, None]).astype(float)
        M[np.arange(12), np.arange(12)] = 1
        M = M[:, M.sum(axis=0) > 0]
        k, u = M.sum(axis=1), M.sum(axis=0)
        transition = (M / u) @ M.T / k[:, None]
        values, vectors = np.linalg.eig(transition)
        order = np.argsort(-np.real(values))
        second = np.real(vectors[:, order[1]])
        second = (second - second.mean()) / second.std()
        with_diversity = np.corrcoef(second, k)[0, 1]
        # Two equal eigenvalues have no second vector, and no correlation no sign.
        assume(np.real(values[order[1]] - values[order[2]]) > 1e-4 and abs(with_diversity) > 1e-6)
        second *= np.sign(with_diversity)
        eci, pci = complexity_index(M)
        np.testing.assert_allclose(eci, second, atol=1e-8)
        assert eci.mean() == pytest.approx(0, abs=1e-12)
        assert pci.std() == pytest.approx(1)
        assert np.corrcoef(eci, k)[0, 1] >= 0

    def test_the_empty_are_left_out(self) -> None:
        M = np.zeros((5, 6))
        M[:4, :5] = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 1, 0, 0, 0], [1, 0, 0, 0, 0]])
        eci, pci = complexity_index(M)
        assert np.isnan(eci[4])
        assert np.isnan(pci[5])
        assert (np.diff(eci[:4]) < 0).all()  # nested: the more products, the higher
        assert (np.diff(pci[:4]) > 0).all()  # and the rarer, the higher
        assert pci[3] == pytest.approx(pci[4])  # made by the same country alone


def test_refusals() -> None:
    with pytest.raises(InputError, match="exports is"):
        revealed_advantage([1.0])
    with pytest.raises(InputError, match="exports has"):
        revealed_advantage([[-1.0]])
    with pytest.raises(InputError, match="0 or 1"):
        proximity([[0.5]])
    with pytest.raises(InputError, match="nearness is"):
        density([[1.0, 0.0]], np.ones((3, 3)))
    with pytest.raises(InputError, match="1 countries have"):
        complexity_index([[1.0, 1.0], [0.0, 0.0]])

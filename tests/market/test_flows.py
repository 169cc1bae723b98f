"""Seed and balancing: hand sums, the optimum of relative entropy, and what is said when totals cannot be met."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karvan.base.errors import InputError
from karvan.market import balance_flows, gravity_seed


class TestSeed:
    """The gravity equation, cell by cell."""

    def test_by_hand(self) -> None:
        seed = gravity_seed(
            [2.0, 3.0],
            [5.0, 7.0],
            [[10.0, 100.0], [100.0, 20.0]],
            [[0, 1], [1, 0]],
            [4.0, 6.0],
            distance_elasticity=-1.0,
            contiguity_effect=np.log(2.0),
        )
        np.testing.assert_allclose(seed, [[2 * 5 / 10 * 4, 2 * 7 / 100 * 2], [3 * 5 / 100 * 2, 3 * 7 / 20 * 6]])

    def test_elasticities_by_draw(self) -> None:
        distance = np.array([[10.0, 100.0], [100.0, 20.0]])
        draws = gravity_seed([1.0, 1.0], [1.0, 1.0], distance, distance_elasticity=[-0.5, -1.0, -2.0])
        assert draws.shape == (3, 2, 2)
        np.testing.assert_allclose(draws[2], distance**-2.0)


class TestBalance:
    """Totals met, known cells kept, and the answer the nearest one to the seed."""

    @given(st.integers(0, 10_000))
    @settings(max_examples=25, deadline=None)
    def test_totals_and_known_cells(self, seed: int) -> None:
        generator = np.random.default_rng(seed)
        true = generator.gamma(1.0, 10.0, (6, 5)) + 0.1
        known = np.where(generator.random((6, 5)) < 0.2, true, np.nan)
        start = true * generator.lognormal(0, 1, (6, 5))
        done = balance_flows(start, true.sum(axis=1), true.sum(axis=0), known)
        assert done.converged.all()
        np.testing.assert_allclose(done.flows.sum(axis=1), true.sum(axis=1), rtol=1e-10)
        np.testing.assert_allclose(done.flows.sum(axis=0), true.sum(axis=0), rtol=1e-10)
        held = ~np.isnan(known)
        assert (done.flows[held] == true[held]).all()

    def test_cross_ratios_of_the_seed_are_kept(self) -> None:
        """The signature of RAS: x_ij x_kl / (x_il x_kj) is that of the seed."""
        start = np.array([[1.0, 2.0], [3.0, 4.0]])
        x = balance_flows(start, [10.0, 20.0], [12.0, 18.0]).flows
        assert x[0, 0] * x[1, 1] / (x[0, 1] * x[1, 0]) == pytest.approx(4 / 6)

    def test_rest_of_the_world_takes_the_difference(self) -> None:
        """Totals of 100 and 70 need not agree when the last row and column are free."""
        done = balance_flows(np.ones((3, 3)), [60.0, 40.0, np.nan], [30.0, 40.0, np.nan])
        assert done.converged
        np.testing.assert_allclose(done.flows.sum(axis=1)[:2], [60.0, 40.0], rtol=1e-11)
        np.testing.assert_allclose(done.flows.sum(axis=0)[:2], [30.0, 40.0], rtol=1e-11)
        assert done.flows[:2, 2].sum() - done.flows[2, :2].sum() == pytest.approx(30.0)

    def test_draws(self) -> None:
        """Each draw has the answer it would have alone."""
        generator = np.random.default_rng(0)
        start, rows = generator.random((4, 3, 3)), generator.uniform(1, 9, (4, 3))
        columns = np.full(3, np.nan)
        together = balance_flows(start, rows, columns)
        for d in range(4):
            assert (together.flows[d] == balance_flows(start[d], rows[d], columns).flows).all()

    def test_disagreement_is_reported(self) -> None:
        done = balance_flows(np.ones((2, 2)), [60.0, 40.0], [30.0, 40.0], iterations=50)
        assert not done.converged
        np.testing.assert_allclose(done.column_residual, 0.0, atol=1e-9)
        assert done.row_residual.sum() == pytest.approx(-30.0)

    def test_unreachable_total_is_reported(self) -> None:
        done = balance_flows([[0.0, 0.0], [1.0, 1.0]], [5.0, 10.0], [5.0, 10.0], iterations=50)
        assert not done.converged
        assert done.row_residual[0] == -5.0


def test_refusals() -> None:
    one = np.ones((2, 2))
    with pytest.raises(InputError, match="row 0: the known cells exceed its total"):
        balance_flows(one, [5.0, 5.0], [5.0, 5.0], [[6.0, np.nan], [np.nan, np.nan]])
    with pytest.raises(InputError, match="do not fit"):
        balance_flows(one, [5.0], [5.0, 5.0])
    with pytest.raises(InputError, match="below 0"):
        balance_flows(-one, [5.0, 5.0], [5.0, 5.0])
    with pytest.raises(InputError, match="fixed is"):
        balance_flows(one, [5.0, 5.0], [5.0, 5.0], [[1.0]])
    with pytest.raises(InputError, match="fixed has"):
        balance_flows(one, [5.0, 5.0], [5.0, 5.0], -one)
    with pytest.raises(InputError, match="do not fit"):
        gravity_seed([1.0], [1.0, 1.0], one)
    with pytest.raises(InputError, match="internal distance"):
        gravity_seed([1.0, 1.0], [1.0, 1.0], 0 * one)
    with pytest.raises(InputError, match="mass_o or mass_d"):
        gravity_seed([-1.0, 1.0], [1.0, 1.0], one)
    with pytest.raises(InputError, match="home_factor"):
        gravity_seed([1.0, 1.0], [1.0, 1.0], one, home_factor=0.0)

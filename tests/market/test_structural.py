"""General equilibrium against an independent solver, closed forms, and the laws of the model."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import root

from karvan.base.axes import Array
from karvan.base.errors import InputError
from karvan.market import (
    NotConverged,
    exact_hat,
    market_access,
    market_potential,
    multilateral_resistance,
    structural,
)


def world(seed: int, n: int = 6) -> tuple[Array, Array]:
    """A world with deficits, large home sales, and new trade costs."""
    generator = np.random.default_rng(seed)
    size = generator.gamma(1.0, 100.0, n) + 5
    flows = np.outer(size, size) * generator.lognormal(0, 0.5, (n, n)) / size.sum()
    flows += np.diag(size * generator.uniform(1, 4, n))
    cost = generator.uniform(0.8, 1.2, (n, n))
    np.fill_diagonal(cost, 1.0)
    return flows, cost


def by_root(flows: Array, cost: Array, theta: float) -> Array:
    """Wages that clear all markets, found by a general root finder on excess demand (additive deficits)."""
    Y, E = flows.sum(axis=1), flows.sum(axis=0)

    def excess(log_w: Array) -> Array:
        w = np.exp(log_w)
        share = flows / E * (w[:, None] * cost) ** -theta
        share = share / share.sum(axis=0)
        gap = share @ (Y * w + E - Y) / Y - w
        gap[0] = Y @ w / Y.sum() - 1  # one market clears by itself: the numeraire instead
        return np.asarray(gap)

    found = root(excess, np.zeros(len(Y)), tol=1e-14)
    assert np.abs(excess(found.x)).max() < 1e-11
    return np.asarray(np.exp(found.x))


@pytest.mark.parametrize("seed", range(5))
def test_against_a_root_finder(seed: int) -> None:
    flows, cost = world(seed)
    np.testing.assert_allclose(exact_hat(flows, cost, 4.0).wages, by_root(flows, cost, 4.0), rtol=1e-10)


class TestLaws:
    """Identities of the equilibrium."""

    @given(st.integers(0, 10_000), st.floats(1.5, 9.0))
    @settings(max_examples=25, deadline=None)
    def test_markets_clear(self, seed: int, theta: float) -> None:
        flows, cost = world(seed)
        new = exact_hat(flows, cost, theta)
        Y, E = flows.sum(axis=1), flows.sum(axis=0)
        np.testing.assert_allclose(new.flows.sum(axis=1), Y * new.wages, rtol=1e-10)
        np.testing.assert_allclose(new.flows.sum(axis=0), Y * new.wages + E - Y, rtol=1e-10)
        assert Y @ new.wages == pytest.approx(Y.sum(), rel=1e-12)

    @given(st.integers(0, 10_000))
    @settings(max_examples=15, deadline=None)
    def test_no_change_changes_nothing(self, seed: int) -> None:
        flows, _ = world(seed)
        for deficits in ("additive", "multiplicative"):
            same = exact_hat(flows, np.ones_like(flows), 5.0, deficits)
            np.testing.assert_allclose(same.wages, 1.0, rtol=1e-12)
            np.testing.assert_allclose(same.flows, flows, rtol=1e-11)

    @given(st.integers(0, 10_000), st.floats(2.0, 8.0))
    @settings(max_examples=15, deadline=None)
    def test_gains_from_trade_formula(self, seed: int, theta: float) -> None:
        """Real wage = (change of the home share)^(-1/theta): Arkolakis, Costinot and Rodriguez-Clare (2012)."""
        flows, cost = world(seed)
        new = exact_hat(flows, cost, theta)
        home = np.diag(new.flows) / new.flows.sum(axis=0) / (np.diag(flows) / flows.sum(axis=0))
        np.testing.assert_allclose(new.real_wages, home ** (-1 / theta), rtol=1e-10)

    def test_balanced_trade_has_one_welfare(self) -> None:
        flows, cost = world(3)
        flows = (flows + flows.T) / 2
        new = exact_hat(flows, cost, 4.0)
        np.testing.assert_allclose(new.welfare, new.real_wages, rtol=1e-12)
        both = exact_hat(flows, cost, 4.0, "multiplicative")
        np.testing.assert_allclose(both.welfare, new.welfare, rtol=1e-10)

    def test_autarky(self) -> None:
        """Without trade the real wage falls to (home share)^(1/theta)."""
        flows = (world(4)[0] + world(4)[0].T) / 2
        closed = np.where(np.eye(len(flows), dtype=bool), 1.0, np.inf)
        new = exact_hat(flows, closed, 4.0)
        np.testing.assert_allclose(new.real_wages, (np.diag(flows) / flows.sum(axis=0)) ** 0.25, rtol=1e-10)

    def test_order_and_unit_do_not_matter(self) -> None:
        flows, cost = world(5)
        order = np.random.default_rng(1).permutation(len(flows))
        mixed = exact_hat(1e6 * flows[np.ix_(order, order)], cost[np.ix_(order, order)], 4.0)
        np.testing.assert_allclose(mixed.welfare, exact_hat(flows, cost, 4.0).welfare[order], rtol=1e-11)


def test_there_and_back() -> None:
    """New costs undone from the new flows: the old flows again."""
    flows, cost = world(6)
    flows = (flows + flows.T) / 2
    there = exact_hat(flows, cost, 4.0)
    # Deficits are in units of the numeraire, which is world output at new wages: balanced trade has none.
    back = exact_hat(there.flows, 1 / cost, 4.0)
    np.testing.assert_allclose(back.flows, flows, rtol=1e-9)


class TestResistances:
    """Anderson and van Wincoop (2003)."""

    def test_flows_have_the_margins(self) -> None:
        flows, cost = world(7)
        Y, E = flows.sum(axis=1), flows.sum(axis=0)
        phi = cost**-4.0
        outward, inward = multilateral_resistance(Y, E, phi)
        fitted = np.outer(Y, E) / Y.sum() * phi / np.outer(outward, inward)
        np.testing.assert_allclose(fitted.sum(axis=1), Y, rtol=1e-11)
        np.testing.assert_allclose(fitted.sum(axis=0), E, rtol=1e-11)
        assert inward[0] == pytest.approx(1.0, rel=1e-12)

    def test_no_friction_no_resistance(self) -> None:
        outward, inward = multilateral_resistance([1.0, 2.0], [2.0, 1.0], np.ones((2, 2)))
        np.testing.assert_allclose([outward, inward], 1.0, rtol=1e-12)

    def test_equals_exact_hat(self) -> None:
        """Flows fitted at old and new cost, with the new sizes, are those of exact hat."""
        flows, cost = world(8)
        new = exact_hat(flows, cost, 4.0)
        Y, E = new.flows.sum(axis=1), new.flows.sum(axis=0)
        phi = flows * cost**-4.0  # any phi that differs from t^(1 - sigma) by row and column factors will do
        outward, inward = multilateral_resistance(Y, E, phi)
        np.testing.assert_allclose(np.outer(Y, E) / Y.sum() * phi / np.outer(outward, inward), new.flows, rtol=1e-9)


class TestScreens:
    """Market potential and market access, by hand."""

    def test_potential(self) -> None:
        assert market_potential([100.0, 300.0], [[1.0, 2.0]], 2.0).tolist() == [175.0]
        assert market_potential(np.ones((5, 2)), [[1.0, 2.0]]).shape == (5, 1)

    def test_access_of_a_model_world(self) -> None:
        """With the model's own importer effects E / P, access is the outward resistance."""
        flows, cost = world(9)
        Y, E, phi = flows.sum(axis=1), flows.sum(axis=0), cost**-4.0
        outward, inward = multilateral_resistance(Y, E, phi)
        access = market_access(np.log(E / inward), phi)
        np.testing.assert_allclose(access / access[0], outward / outward[0], rtol=1e-11)


def test_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    one = np.ones((2, 2))
    cases: list[tuple[str, tuple[object, ...]]] = [
        ("flows is", (np.ones((2, 3)), one, 4.0)),
        ("trade_cost_hat is", (one, np.ones(2), 4.0)),
        ("flows has", (-one, one, 4.0)),
        ("trade_cost_hat has", (one, 0 * one, 4.0)),
        ("theta is 0", (one, one, 0.0)),
        ("deficits is 'none'", (one, one, 4.0, "none")),
        ("country 1 sells nothing", ([[1.0, 1.0], [0.0, 0.0]], one, 4.0)),
    ]
    for match, arguments in cases:
        with pytest.raises(InputError, match=match):
            exact_hat(*arguments)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="do not fit"):
        multilateral_resistance([1.0], [1.0, 1.0], one)
    with pytest.raises(InputError, match="total of 0"):
        multilateral_resistance([0.0, 1.0], [1.0, 1.0], one)
    with pytest.raises(InputError, match="internal distance"):
        market_potential([1.0, 1.0], [[0.0, 1.0]])
    monkeypatch.setattr(structural, "MAX_ITERATIONS", 2)
    with pytest.raises(NotConverged, match="after 2 steps"):
        exact_hat(*world(1), 4.0)
    with pytest.raises(NotConverged, match="after 2 steps"):
        multilateral_resistance([1.0, 5.0], [4.0, 2.0], [[1.0, 0.1], [0.3, 1.0]])


def test_a_surplus_that_cannot_be_paid() -> None:
    """A country that lives on its exports loses them all: additive deficits have no answer."""
    flows = np.array([[1.0, 99.0], [0.5, 100.0]])
    with pytest.raises(InputError, match="country 0 could not pay for its surplus"):
        exact_hat(flows, [[1.0, 30.0], [1.0, 1.0]], 4.0)

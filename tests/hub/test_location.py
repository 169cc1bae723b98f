"""Location of plants: every set by a plain loop, and HiGHS beside it."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karvan.base.errors import InputError
from karvan.hub import NoPlan, check_locations, locate, plan_sites


def region(seed: int, draws: int = 20, sites: int = 5, markets: int = 4) -> tuple[Any, ...]:
    """Fixed cost, delivered cost, demand and the cost of buying from outside."""
    generator = np.random.default_rng(seed)
    return (
        generator.uniform(20e6, 120e6, (draws, sites)),
        generator.uniform(8e3, 14e3, (draws, sites, markets)),
        generator.gamma(2.0, 10e3, (draws, markets)),
        generator.uniform(10e3, 15e3, (draws, markets)),
    )


class TestEnumeration:
    """All sets of sites."""

    @given(st.integers(0, 10_000), st.booleans())
    @settings(max_examples=10, deadline=None)
    def test_against_a_plain_loop(self, seed: int, with_outside: bool) -> None:
        fixed, unit, demand, outside = region(seed, draws=3)
        choice = locate(fixed, unit, demand, outside=outside if with_outside else None)
        for d in range(3):
            costs = {}
            for count in range(0 if with_outside else 1, 6):
                for sites in combinations(range(5), count):
                    options = [unit[d, s] for s in sites] + ([outside[d]] if with_outside else [])
                    costs[sites] = demand[d] @ np.min(options, axis=0) + fixed[d, list(sites)].sum()
            best = min(costs, key=lambda sites: costs[sites])
            assert np.flatnonzero(choice.open[d]).tolist() == list(best)
            assert choice.cost[d] == pytest.approx(costs[best], rel=1e-12)
            for sites, cost in costs.items():
                assert choice.set_cost[d, sum(2**s for s in sites)] == pytest.approx(cost, rel=1e-12)
            for s in range(5):
                least = min(cost for sites, cost in costs.items() if s in sites)
                assert choice.miss[d, s] == pytest.approx(least - costs[best], rel=1e-9, abs=1e-4)

    def test_highs_agrees(self) -> None:
        fixed, unit, demand, outside = region(1)
        assert check_locations(locate(fixed, unit, demand), fixed, unit, demand, range(5)) < 1e-9
        choice = locate(fixed, unit, demand, outside=outside)
        assert check_locations(choice, fixed, unit, demand, range(5), outside=outside) < 1e-9

    def test_miss_is_the_subsidy_that_brings_a_plant(self) -> None:
        """A subsidy just above the miss brings the site in, one just below does not."""
        fixed, unit, demand, _ = region(2, draws=40)
        fixed = fixed + 100e6
        choice = locate(fixed, unit, demand)
        left_out = np.flatnonzero(~choice.open[:, 0])
        assert left_out.size > 0
        for factor, comes in ((1.0 + 1e-9, True), (1.0 - 1e-9, False)):
            helped = fixed.copy()
            helped[:, 0] = fixed[:, 0] - choice.miss[:, 0] * factor
            here = left_out[helped[left_out, 0] >= 0]
            assert (locate(helped[here], unit[here], demand[here]).open[:, 0] == comes).all()

    def test_probability(self) -> None:
        choice = locate(*region(3, draws=500)[:3])
        np.testing.assert_allclose(choice.probability, choice.open.mean(axis=0))
        assert (choice.miss >= 0).all()
        assert ((choice.miss == 0) == choice.open).all()

    def test_blocks_of_draws_do_not_matter(self) -> None:
        fixed, unit, demand, _ = region(4, draws=1_000, sites=7, markets=12)
        whole, part = locate(fixed, unit, demand), locate(fixed[13:15], unit[13:15], demand[13:15])
        assert (whole.set_cost[13:15] == part.set_cost).all()


class TestPlan:
    """The mixed-integer programme."""

    def test_capacity_against_every_set(self) -> None:
        """For each set of open sites the transport problem is a linear programme: the least of them."""
        from scipy.optimize import linprog

        fixed, unit, demand, _ = region(5, draws=1, sites=4, markets=3)
        limit = np.full(4, demand[0].sum() * 0.4)
        least = np.inf
        for count in range(1, 5):
            for sites in combinations(range(4), count):
                n = len(sites)
                serve = np.kron(np.ones(n), np.eye(3))
                within = np.kron(np.eye(n), np.ones(3))
                found = linprog(unit[0, list(sites)].ravel(), within, limit[list(sites)], serve, demand[0])
                if found.status == 0:
                    least = min(least, found.fun + fixed[0, list(sites)].sum())
        plan = plan_sites(fixed[0], unit[0], demand[0], capacity=limit)
        assert float(plan.cost) == pytest.approx(least, rel=1e-9)
        assert plan.gap <= 1e-6
        assert (plan.shipments.sum(axis=1) <= limit[:, None] * plan.open * (1 + 1e-6)).all()
        np.testing.assert_allclose(plan.shipments.sum(axis=0)[:, 0], demand[0], rtol=1e-6)

    def test_years(self) -> None:
        """A plant opens when demand has grown enough, once, and stays; checked against every opening year."""
        T = 6
        demand = np.array([[1e3 * 2**t for t in range(T)]])
        build, run, unit, outside = 40e6, 1e6, np.full((1, 1, T), 9e3), np.full((1, T), 11e3)
        plan = plan_sites(np.full((1, T), build), unit, demand, run_cost=np.full((1, T), run), outside=outside)
        never = (outside * demand).sum()
        by_year = []
        for start in range(T):
            made = np.arange(T) >= start
            by_year.append(build + run * made.sum() + (np.where(made, np.minimum(9e3, 11e3), 11e3) * demand[0]).sum())
        assert float(plan.cost) == pytest.approx(min(never, *by_year), rel=1e-9)
        assert plan.opens.sum() == 1
        assert np.argmax(plan.opens[0]) == int(np.argmin(by_year))
        assert plan.open[0].tolist() == (np.arange(T) >= np.argmin(by_year)).tolist()

    def test_too_little_capacity(self) -> None:
        with pytest.raises(NoPlan, match="no plan found"):
            plan_sites([1.0], [[1.0]], [10.0], capacity=[5.0])
        plan = plan_sites([1.0], [[1.0]], [10.0], capacity=[5.0], outside=[3.0])
        assert plan.bought[0, 0] == pytest.approx(5.0)
        assert plan_sites([1.0], [[1.0]], [10.0], capacity=[np.inf]).cost == 11.0


def test_refusals() -> None:
    with pytest.raises(InputError, match="13 sites are too many"):
        locate(np.ones(13), np.ones((13, 2)), np.ones(2))
    with pytest.raises(InputError, match="do not fit"):
        locate(np.ones(3), np.ones((2, 2)), np.ones(2))
    with pytest.raises(InputError, match="unit has a number"):
        locate(np.ones(2), np.full((2, 2), np.inf), np.ones(2))
    with pytest.raises(InputError, match="different draws"):
        locate(np.ones((4, 2)), np.ones((3, 2, 2)), np.ones(2))
    with pytest.raises(InputError, match=r"unit .* and demand"):
        plan_sites([1.0], [1.0], [1.0])
    with pytest.raises(InputError, match="open_cost is"):
        plan_sites([1.0, 2.0], [[1.0]], [1.0])
    with pytest.raises(InputError, match="demand has"):
        plan_sites([1.0], [[1.0]], [-1.0])
    with pytest.raises(InputError, match="capacity is"):
        plan_sites([1.0], [[1.0]], [1.0], capacity=[1.0, 2.0])
    with pytest.raises(InputError, match="outside is"):
        plan_sites([1.0], [[1.0]], [1.0], outside=[[1.0, 2.0]])

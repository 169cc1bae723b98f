"""Published optima of the OR-Library's warehouse location problems.

Beasley (1988), An algorithm for solving large capacitated warehouse location problems, European Journal of Operational
Research 33. ``orlib/cap41.txt`` is one of its files: 16 sites, 50 customers. The other sets of 16 sites have the same
customers and differ in the capacity of a warehouse and its fixed cost, so they are made from that file.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from karvan.base.axes import Array
from karvan.hub import locate, plan_sites

FILE = Path(__file__).parent / "orlib" / "cap41.txt"
FIXED = (7_500.0, 12_500.0, 17_500.0, 25_000.0)
CASES = [
    ("cap41", 5_000, FIXED[0], 1_040_444.375),
    ("cap42", 5_000, FIXED[1], 1_098_000.450),
    ("cap43", 5_000, FIXED[2], 1_153_000.450),
    ("cap44", 5_000, FIXED[3], 1_235_500.450),
    ("cap51", 10_000, FIXED[2], 1_025_208.225),
    ("cap61", 15_000, FIXED[0], 932_615.750),
    ("cap62", 15_000, FIXED[1], 977_799.400),
    ("cap63", 15_000, FIXED[2], 1_014_062.050),
    ("cap64", 15_000, FIXED[3], 1_045_650.250),
    ("cap71", 58_268, FIXED[0], 932_615.750),
    ("cap72", 58_268, FIXED[1], 977_799.400),
    ("cap73", 58_268, FIXED[2], 1_010_641.450),
    ("cap74", 58_268, FIXED[3], 1_034_976.975),
]
"""Problem, capacity, fixed cost of a new warehouse, published optimum."""


class Problem(NamedTuple):
    """A warehouse location problem in the OR-Library's form."""

    capacity: Array
    """(S,)."""
    fixed: Array
    """(S,), money."""
    unit: Array
    """(S, M), money per unit of demand."""
    demand: Array
    """(M,)."""


def read(text: str) -> Problem:
    """``sites customers``, capacity and fixed cost by site, demand and the cost of *all* of it by customer."""
    sites, customers, *rest = text.split()
    count, markets = int(sites), int(customers)
    numbers = np.array(rest, dtype=np.float64)
    head, tail = numbers[: 2 * count].reshape(count, 2), numbers[2 * count :].reshape(markets, count + 1)
    return Problem(head[:, 0], head[:, 1], (tail[:, 1:] / tail[:, :1]).T, tail[:, 0])


@pytest.fixture(scope="module")
def cap41() -> Problem:
    return read(FILE.read_text(encoding="ascii"))


def test_reader_on_a_problem_by_hand() -> None:
    """Two sites, three customers: the fixed cost of the far site is not worth the customer who is near to it."""
    problem = read("2 3\n 10 5.\n 10 100.\n 1\n 2. 9.\n 2\n 4. 18.\n 4\n 40. 4.\n")
    assert problem.capacity.tolist() == [10.0, 10.0]
    assert problem.unit.tolist() == [[2.0, 2.0, 10.0], [9.0, 9.0, 1.0]]
    plan = plan_sites(problem.fixed, problem.unit, problem.demand, capacity=problem.capacity, gap=0.0)
    assert float(plan.cost) == pytest.approx(5.0 + 2.0 + 4.0 + 40.0)
    assert plan.open[:, 0].tolist() == [True, False]


@pytest.mark.parametrize(("name", "capacity", "fixed", "optimum"), CASES, ids=[case[0] for case in CASES])
def test_highs_finds_the_published_optimum(
    cap41: Problem, name: str, capacity: float, fixed: float, optimum: float
) -> None:
    cost = np.where(cap41.fixed > 0, fixed, 0.0)  # one warehouse stands already
    plan = plan_sites(cost, cap41.unit, cap41.demand, capacity=np.full(cost.size, float(capacity)), gap=0.0)
    assert float(plan.cost) == pytest.approx(optimum, abs=0.0006), name  # published to three decimals
    assert plan.gap < 1e-9


@pytest.mark.parametrize("case", CASES[-4:], ids=[case[0] for case in CASES[-4:]])
def test_every_set_finds_it_where_no_limit_binds(cap41: Problem, case: tuple[str, float, float, float]) -> None:
    """65,535 sets: four sites are held open or shut, one pattern a draw; the sets of the other twelve are tried.

    Sites held open serve as what is bought from outside; their fixed cost is added. In cap71 to cap74 a warehouse holds
    all demand, so no limit binds.
    """
    _, capacity, fixed, optimum = case
    assert cap41.demand.sum() <= capacity
    cost = np.where(cap41.fixed > 0, fixed, 0.0)
    held, free = slice(0, 4), slice(4, 16)
    pattern = (np.arange(1, 16)[:, None] >> np.arange(4)) & 1 == 1
    outside = np.where(pattern[:, :, None], cap41.unit[held], np.inf).min(axis=1)
    some = locate(cost[free], cap41.unit[free], cap41.demand, outside=outside)
    none = locate(cost[free], cap41.unit[free], cap41.demand)
    best = min((some.cost + pattern @ cost[held]).min(), none.cost[0])
    assert best == pytest.approx(optimum, abs=0.0006)

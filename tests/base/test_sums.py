"""Sums over rows and markets: what a plain loop gives, whatever stands beside a draw."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from karvan.base.axes import Array
from karvan.base.sums import Groups, over_markets, positions

GROUPS = st.lists(st.integers(-1, 5), min_size=0, max_size=30)


@given(GROUPS, st.integers(0, 2**32 - 1))
def test_groups_are_a_plain_loop(group: list[int], seed: int) -> None:
    """Rows added in their order, bit for bit; a number outside is in no group, a group may have no rows."""
    rows = np.random.default_rng(seed).lognormal(0, 5, (len(group), 3, 4))
    want = np.zeros((5, 3, 4))
    for row, g in zip(rows, group, strict=True):
        if 0 <= g < 5:
            want[g] += row
    np.testing.assert_array_equal(Groups.of(np.array(group, dtype=np.int64), 5).sum(rows), want)


def test_the_rows_stay_as_they_are() -> None:
    rows = np.ones((3, 2))
    groups = Groups.of(np.array([0, 0, 1]), 2)
    groups.sum(rows)[:] = 7.0
    np.testing.assert_array_equal(rows, np.ones((3, 2)))


@given(arrays(np.float64, (3, 13, 4), elements=st.floats(-1e6, 1e6)))
def test_a_draw_does_not_see_those_beside_it(rows: Array) -> None:
    """One, two or all draws: the same bits, market after market."""
    whole = over_markets(rows)
    want = np.zeros((3, 4))
    for m in range(13):
        want += rows[:, m]
    np.testing.assert_array_equal(whole, want)
    for count in (1, 2, 3):
        np.testing.assert_array_equal(over_markets(np.ascontiguousarray(rows[..., :count])), whole[:, :count])


@pytest.mark.parametrize(("chosen", "want"), [([True, False, True], [0, -1, 1]), ([False], [-1]), ([], [])])
def test_positions(chosen: list[bool], want: list[int]) -> None:
    assert positions(np.array(chosen, dtype=bool)).tolist() == want

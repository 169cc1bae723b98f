"""Drawing from a range: the stated points are met, and more probability never gives less."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from karvan.base.errors import InputError
from karvan.study.cells import Cell, cell_of_range, quantile

SHAPES = ("triangular", "uniform", "normal", "lognormal")
RANGES = st.tuples(st.floats(0.01, 10), st.floats(0.01, 10), st.floats(0.01, 10))


def cell(low: float, mid: float, high: float, shape: str) -> Cell:
    """A cell with a range."""
    return Cell("x", low, mid, high, shape, "1", "assumed", "", "t.csv:2", "costs")


@pytest.mark.parametrize("shape", ["normal", "lognormal"])
@given(RANGES)
def test_three_points_are_met(shape: str, steps: tuple[float, float, float]) -> None:
    low, mid, high = np.cumsum(steps)
    at = quantile(shape, low, mid, high, np.array([0.05, 0.5, 0.95]))
    np.testing.assert_allclose(at, [low, mid, high], rtol=1e-9)


@pytest.mark.parametrize("shape", ["triangular", "uniform"])
@given(RANGES)
def test_ends_are_met(shape: str, steps: tuple[float, float, float]) -> None:
    low, mid, high = np.cumsum(steps)
    np.testing.assert_allclose(quantile(shape, low, mid, high, np.array([0.0, 1.0])), [low, high], rtol=1e-9)


@given(RANGES)
def test_the_likeliest_value_of_a_triangle_stands_where_it_should(steps: tuple[float, float, float]) -> None:
    low, mid, high = np.cumsum(steps)  # F(mid) = (mid - low) / (high - low)
    p = np.array([(mid - low) / (high - low)])
    assert quantile("triangular", low, mid, high, p)[0] == pytest.approx(mid)


@given(st.sampled_from(SHAPES), RANGES, st.integers(0, 1000))
def test_never_falls(shape: str, steps: tuple[float, float, float], seed: int) -> None:
    low, mid, high = np.cumsum(steps)
    p = np.sort(np.random.default_rng(seed).random(50))
    values = quantile(shape, low, mid, high, p)
    assert np.all(np.diff(values) >= 0)
    assert np.all(np.isfinite(values))


def test_mean_of_a_triangle() -> None:
    p = (np.arange(20_000) + 0.5) / 20_000
    assert quantile("triangular", 1.0, 2.0, 6.0, p).mean() == pytest.approx((1 + 2 + 6) / 3, rel=1e-5)


@pytest.mark.parametrize(("low", "mid", "high"), [(1.0, 1.0, 3.0), (1.0, 3.0, 3.0)])
def test_a_triangle_may_lean_on_an_end(low: float, mid: float, high: float) -> None:
    values = quantile("triangular", low, mid, high, np.linspace(0, 1, 11))
    assert values[0] == low and values[-1] == high and np.all(np.diff(values) > 0)


def test_certain_cells_do_not_move() -> None:
    for each in (cell(2, 2, 2, "fixed"), cell(2, 2, 2, "triangular"), cell(1, 2, 3, "fixed")):
        assert each.certain
        assert set(each.draw(np.linspace(0.01, 0.99, 5))) == {2.0}
    assert not cell(1, 2, 3, "triangular").certain


def test_assumed_is_said_by_the_source() -> None:
    assert cell(1, 2, 3, "uniform").assumed


def test_refusals() -> None:
    half = np.array([0.5])
    with pytest.raises(InputError, match="a lognormal range needs a low above 0, found 0; use triangular or uniform"):
        quantile("lognormal", 0.0, 1.0, 2.0, half)
    with pytest.raises(InputError, match="unknown distribution 'beta'; known: triangular, uniform"):
        quantile("beta", 0.0, 1.0, 2.0, half)


def test_a_cell_from_three_columns() -> None:
    row = {"low": None, "mid": 2.0, "high": 3.0, "source": "assumed", "note": None, "_file": "t.csv", "_line": 4}
    made = cell_of_range("x", row, "low", "mid", "high", "1", "costs")
    assert made is not None and (made.low, made.mid, made.high, made.place) == (2.0, 2.0, 3.0, "t.csv:4")
    assert cell_of_range("x", row | {"mid": None}, "low", "mid", "high", "1", "costs") is None

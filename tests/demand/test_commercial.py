"""Commercial vehicles: the elasticity of made-up panels found again, with its standard error; sales by hand."""

import numpy as np
import pytest

from karvan.base.axes import Array
from karvan.base.errors import InputError
from karvan.demand.commercial import commercial_sales, fit_panel


def panel(
    seed: int, rho: float = 0.0, elasticity: float = 1.3, years: int = 18, countries: int = 40
) -> tuple[Array, Array]:
    """(T, N) each: ``y`` and ``x`` with effects of countries and years, disturbances with memory."""
    rng, years = np.random.default_rng(seed), 18
    x = rng.normal(20, 2, countries) + np.cumsum(rng.normal(0.03, 0.05, (years, countries)), axis=0)
    u = np.zeros((years, countries))
    state = rng.normal(0, 0.2 / np.sqrt(1 - rho**2), countries)
    for t in range(years):
        state = rho * state + rng.normal(0, 0.2, countries)
        u[t] = state
    y = rng.normal(0, 3, countries) + rng.normal(0, 0.3, (years, 1)) + elasticity * x + u
    return y, x


class TestPanel:
    def test_truth_is_found(self) -> None:
        """Mean over 200 panels, and 90 % intervals that hold the truth in nine of ten, memory or none."""
        for rho in (0.0, 0.6):
            fits = [fit_panel(*panel(seed, rho)) for seed in range(200)]
            e = np.array([fit.elasticity for fit in fits])
            assert e.mean() == pytest.approx(1.3, abs=0.03)
            held = np.abs(e - 1.3) < 1.645 * np.array([fit.se for fit in fits])
            assert 0.82 < held.mean() < 0.96

    def test_against_least_squares_with_dummies(self) -> None:
        y, x = panel(3, 0.5, countries=8)
        y[2, 3] = y[5, 1] = np.nan
        known = np.isfinite(y)
        t, n = np.nonzero(known)
        dummies = np.concatenate([np.eye(y.shape[0])[t], np.eye(y.shape[1])[n, 1:], x[known][:, None]], axis=1)
        assert fit_panel(y, x).elasticity == pytest.approx(
            np.linalg.lstsq(dummies, y[known], rcond=None)[0][-1], rel=1e-7
        )

    def test_refused(self) -> None:
        with pytest.raises(InputError, match="expected at least 5"):
            fit_panel(np.zeros((4, 9)), np.zeros((4, 9)))
        with pytest.raises(InputError, match="moves alike everywhere"):
            fit_panel(np.zeros((9, 9)), np.tile(np.arange(9.0)[:, None], (1, 9)))
        with pytest.raises(InputError, match="found shapes"):
            fit_panel(np.zeros(4), np.zeros(4))


def test_sales_by_hand() -> None:
    made = commercial_sales([100.0, 10.0], [[1.0, 1.21], [1.0, 4.0]], [1.0, 0.5], np.zeros((2, 2)))
    np.testing.assert_allclose(made, [[100.0, 121.0], [10.0, 20.0]])
    with pytest.raises(InputError, match="level"):
        commercial_sales([-1.0], [[1.0]], [1.0], [[0.0]])

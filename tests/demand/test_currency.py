"""Currencies: memory and jumps of made-up records found again, paths against their closed form, the manat."""

import numpy as np
import pytest

from karvan.base.axes import Array
from karvan.base.errors import InputError
from karvan.demand.currency import (
    fit_devaluations,
    fit_reversion,
    simulate_devaluations,
    simulate_reversion,
)


def levels(rho: float, sd: float, years: int, count: int) -> Array:
    """(years, count), settled records around 0.3."""
    rng = np.random.default_rng(7)
    start = sd / np.sqrt(1 - rho**2) * rng.standard_normal((count, 1))
    shocks = np.concatenate([start, sd * rng.standard_normal((count, years - 1))], axis=1)
    return 0.3 + simulate_reversion(rho, shocks).T


class TestFitReversion:
    def test_truth_is_found(self) -> None:
        """On 2,000 records of 40 years memory and disturbance are right on average; the band of rho holds it."""
        fits = [fit_reversion(series) for series in levels(0.7, 0.1, 40, 2000).T]
        rho, sd = np.array([f.rho for f in fits]), np.array([f.sd for f in fits])
        assert rho.mean() == pytest.approx(0.7, abs=0.01)
        assert sd.mean() == pytest.approx(0.1, rel=0.02)
        assert np.median([f.mean for f in fits]) == pytest.approx(0.3, abs=0.01)
        error = np.array([f.rho_se for f in fits])
        assert 0.84 < np.mean(np.abs(rho - 0.7) < 1.645 * error) < 0.94
        assert np.mean(np.abs(sd - 0.1) < 1.645 * np.array([f.sd_se for f in fits])) == pytest.approx(0.9, abs=0.03)

    def test_a_jump_left_out_is_no_disturbance(self) -> None:
        series = levels(0.7, 0.1, 40, 1)[:, 0]
        jumped = series.copy()
        jumped[20:] -= 0.8 * 0.7 ** np.arange(20)
        with_jump = fit_reversion(jumped)
        without = fit_reversion(jumped, leave_out=np.arange(40) == 20)
        assert without.sd < 0.9 * with_jump.sd
        assert without.pairs == with_jump.pairs - 1
        # A pair that is left out changes nothing else: a gap says the same.
        assert fit_reversion(np.where(np.arange(40) == 20, np.nan, series)).pairs == 37

    def test_refused(self) -> None:
        with pytest.raises(InputError, match="found 3 pairs of years"):
            fit_reversion([0.0, 0.1, 0.0, 0.2])
        with pytest.raises(InputError, match="never moves"):
            fit_reversion(np.zeros(20))
        with pytest.raises(InputError, match="found shape"):
            fit_reversion(np.zeros((20, 2)))


class TestSimulateReversion:
    def test_moments(self) -> None:
        rng = np.random.default_rng(8)
        path = simulate_reversion(0.8, 0.1 * rng.standard_normal((40_000, 6)))
        assert path[:, -1].var() == pytest.approx(0.01 * sum(0.64**k for k in range(6)), rel=0.03)

    def test_memory_by_draw_and_market(self) -> None:
        shocks = np.zeros((2, 3, 2))
        shocks[:, 0] = 1.0
        path = simulate_reversion([[0.5, 0.0], [0.9, 0.5]], shocks)
        np.testing.assert_allclose(path[:, 2], [[0.25, 0.0], [0.81, 0.25]])

    def test_shape(self) -> None:
        with pytest.raises(InputError, match="shocks: found shape"):
            simulate_reversion(0.5, [0.1, 0.2])


class TestManat:
    """The manat at the end of each year, AZN per USD, official rate: 0.7865 (2011), 0.785, 0.7845, 0.7844 (2014),
    1.561 (2015: 1.05 in February, 1.55 in December), 1.77 (2016, about), 1.7001 (2017), then 1.7. By years, two jumps.
    """

    RATE = np.log([0.7865, 0.785, 0.7845, 0.7844, 1.561, 1.77, 1.7001, 1.7, 1.7, 1.7])

    def test_jumps(self) -> None:
        fit = fit_devaluations(self.RATE)
        assert (fit.events, fit.years) == (2.0, 9.0)
        assert fit.size == pytest.approx(0.5 * (np.log(1.561 / 0.7844) + np.log(1.77 / 1.561)))

    def test_threshold_decides_what_a_jump_is(self) -> None:
        with pytest.raises(InputError, match="found 1 jumps"):
            fit_devaluations(self.RATE, threshold=0.2)
        fit = fit_devaluations(self.RATE, threshold=0.2, prior_size=0.4, prior_sd=0.2)
        assert (fit.events, fit.size) == (1.0, 0.4)

    def test_paths(self) -> None:
        fit = fit_devaluations(self.RATE)
        rng = np.random.default_rng(6)
        u, z = rng.uniform(size=(20_000, 8)), rng.standard_normal((20_000, 8))
        path = simulate_devaluations(fit, u, z)
        assert np.all(np.diff(path, axis=1) >= 0)
        hazard = 2.5 / 9
        assert (path[:, 0] > 0).mean() == pytest.approx(1 - np.exp(-hazard), abs=0.07)  # a size of 0 is no jump
        jumps = (u < 1 - np.exp(-hazard)).mean()
        assert jumps == pytest.approx(1 - np.exp(-hazard), abs=0.01)
        np.testing.assert_array_equal(simulate_devaluations(fit, u, z, hazard=0.0), 0.0)

    def test_hazard_is_uncertain(self) -> None:
        low, mid, high = fit_devaluations(self.RATE).hazard([0.05, 0.5, 0.95])
        assert low < 2 / 9 < high
        assert high / low > 5
        assert low < mid < high

    def test_gaps_count_neither_as_years_nor_as_jumps(self) -> None:
        """Half a life on either side of a gap: the change across it is not a year's."""
        fit = fit_devaluations([0.0, 0.0, np.nan, 0.9, 0.9], prior_size=0.4, prior_sd=0.2)
        assert (fit.events, fit.years) == (0.0, 2.0)
        with pytest.raises(InputError, match="no two years"):
            fit_devaluations([0.0, np.nan, 0.1])

    def test_size_and_hazard_of_each_draw(self) -> None:
        fit = fit_devaluations(self.RATE)
        path = simulate_devaluations(
            fit, np.full((2, 2), 0.5), np.zeros((2, 2)), hazard=[[0.0, 9.0], [9.0, 9.0]], size=[0.1, 0.2]
        )
        np.testing.assert_allclose(path, [[0.0, 0.1], [0.2, 0.4]])

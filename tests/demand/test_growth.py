"""Growth: fitted to made-up records of known truth, simulated paths against their closed-form moments."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karvan.base.axes import Array
from karvan.base.errors import InputError
from karvan.demand.growth import (
    GrowthProcess,
    common_factor,
    fit_growth,
    mend_breaks,
    shrink_growth,
    simulate_growth,
)


def records(drift: float, rho: float, sd: float, years: int, count: int, seed: int) -> Array:
    """``count`` records of an autoregressive growth, (years, count)."""
    rng = np.random.default_rng(seed)
    g = np.empty((years, count))
    d = sd / np.sqrt(1 - rho**2) * rng.standard_normal(count)
    for t in range(years):
        d = rho * d + sd * rng.standard_normal(count)
        g[t] = drift + d
    return np.concatenate([np.zeros((1, count)), np.cumsum(g, axis=0)])


def process(**change: float) -> GrowthProcess:
    base = {"drift": 0.03, "drift_se": 0.01, "sd": 0.02, "rho": 0.4, "last": 0.05, "count": 30}
    return GrowthProcess(**{k: np.asarray(v) for k, v in {**base, **change}.items()})


class TestFit:
    def test_by_hand(self) -> None:
        """Growths 1, 2, 3, 4, 5 %: mean 3 %, first autocorrelation 2 / 5, corrected by (1 + 1.2) / 4 and cut at 0.9."""
        fit = fit_growth(np.cumsum([0.0, 0.01, 0.02, 0.03, 0.04, 0.05]))
        assert fit.drift == pytest.approx(0.03)
        assert fit.last == pytest.approx(0.05)
        assert fit.count == 5
        raw = ((-2) * (-1) + (-1) * 0 + 0 * 1 + 1 * 2) / (4 + 1 + 0 + 1)
        assert fit.rho == pytest.approx(min(raw + (1 + 3 * raw) / 4, 0.9))

    def test_recovers_the_truth_on_average(self) -> None:
        fit = fit_growth(records(0.03, 0.4, 0.02, 40, 4000, 7))
        assert fit.drift.mean() == pytest.approx(0.03, abs=5e-4)
        assert fit.rho.mean() == pytest.approx(0.4, abs=0.02)  # without the correction it would be 0.34
        assert fit.sd.mean() == pytest.approx(0.02, rel=0.03)

    def test_standard_error_covers(self) -> None:
        """Of the 90 % intervals about 90 % hold the truth (a little fewer: rho is estimated too)."""
        fit = fit_growth(records(0.03, 0.4, 0.02, 40, 4000, 8))
        inside = np.abs(fit.drift - 0.03) < 1.645 * fit.drift_se
        assert 0.83 < inside.mean() < 0.93

    def test_gaps_are_left_out(self) -> None:
        level = np.cumsum(np.full(20, 0.04))
        level[7] = np.nan
        fit = fit_growth(level)
        assert fit.count == 17
        assert fit.drift == pytest.approx(0.04)
        assert fit.sd == pytest.approx(0.0, abs=1e-9)

    def test_gap_at_the_end(self) -> None:
        level = np.cumsum([0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06])
        level[-1] = np.nan
        assert fit_growth(level).last == pytest.approx(0.05)

    def test_each_series_is_its_own(self) -> None:
        many = records(0.03, 0.4, 0.02, 25, 5, 9)
        alone = fit_growth(many[:, 3])
        together = fit_growth(many)
        assert together.drift.shape == (5,)
        for name in ("drift", "drift_se", "sd", "rho", "last", "count"):
            assert getattr(together, name)[3] == pytest.approx(float(getattr(alone, name)), rel=1e-12)

    def test_too_short(self) -> None:
        with pytest.raises(InputError, match="a series with 3 yearly changes; expected at least 5"):
            fit_growth([0.0, 0.1, 0.2, 0.3])


class TestShrinkGrowth:
    def test_noisy_series_move_more(self) -> None:
        p = process(drift=0.10)
        p = GrowthProcess(
            *(np.broadcast_to(getattr(p, f), (2,)) for f in ("drift", "drift_se", "sd", "rho", "last", "count"))
        )
        p = GrowthProcess(p.drift, np.array([0.001, 0.05]), p.sd, p.rho, p.last, p.count)
        pulled = shrink_growth(p, prior_drift=0.02, prior_sd=0.01)
        assert pulled.drift[0] == pytest.approx(0.10, abs=0.002)
        assert pulled.drift[1] == pytest.approx(0.02, abs=0.005)
        assert np.all(pulled.drift_se <= p.drift_se)


class TestSimulate:
    def test_without_noise(self) -> None:
        """Growth decays from 5 % to 3 % by 0.4 a year."""
        path = simulate_growth(process(), np.zeros((1, 3)))
        g = 0.03 + 0.02 * 0.4 ** np.arange(1, 4)
        np.testing.assert_allclose(path[0], np.cumsum(g))

    def test_moments(self) -> None:
        """Mean and variance of the level after ten years, in closed form."""
        rng = np.random.default_rng(3)
        draws, years, rho, sd, se = 40_000, 10, 0.4, 0.02, 0.01
        path = simulate_growth(
            process(), rng.standard_normal((draws, years)), drift_normals=rng.standard_normal(draws)
        )[:, -1]
        decay = rho * (1 - rho**years) / (1 - rho)
        assert path.mean() == pytest.approx(0.03 * years + 0.02 * decay, abs=0.002)
        shocks = sd**2 * sum(((1 - rho**k) / (1 - rho)) ** 2 for k in range(1, years + 1))
        assert path.var() == pytest.approx(shocks + (se * (years - decay)) ** 2, rel=0.03)

    def test_markets(self) -> None:
        p = GrowthProcess(*(np.full(3, v) for v in (0.02, 0.01, 0.02, 0.3, 0.02, 20)))
        assert simulate_growth(p, np.zeros((5, 4, 3)), drift_normals=np.zeros((5, 3))).shape == (5, 4, 3)

    @given(st.integers(1, 6))
    @settings(max_examples=6)
    def test_a_draw_does_not_depend_on_the_others(self, draw: int) -> None:
        rng = np.random.default_rng(4)
        z, m = rng.standard_normal((7, 12)), rng.standard_normal(7)
        together = simulate_growth(process(), z, drift_normals=m)
        alone = simulate_growth(process(), z[draw : draw + 1], drift_normals=m[draw : draw + 1])
        assert together[draw].tobytes() == alone[0].tobytes()

    def test_shape(self) -> None:
        with pytest.raises(InputError, match="normals: found shape"):
            simulate_growth(process(), np.zeros(3))


def test_common_factor_correlates() -> None:
    rng = np.random.default_rng(5)
    z = common_factor(rng.standard_normal((20_000, 2, 3)), rng.standard_normal((20_000, 2)), 0.4)
    flat: Array = z[:, 0]
    np.testing.assert_allclose(np.asarray(np.corrcoef(flat.T))[np.triu_indices(3, 1)], 0.4, atol=0.02)
    np.testing.assert_allclose(flat.std(axis=0), 1.0, atol=0.02)


class TestMendBreaks:
    def test_a_step_between_quiet_years_goes(self) -> None:
        """Russia's population counts another territory from 2014: 0.3, 1.9, 0.3 % become 0.3, 0.3, 0.3."""
        log = np.cumsum([0.0, 0.003, 0.003, 0.019, 0.003, 0.002])
        np.testing.assert_allclose(np.diff(mend_breaks(log)), [0.003, 0.003, 0.003, 0.003, 0.002], atol=1e-12)

    def test_what_lasts_stays(self) -> None:
        """Two years of flight are no change of definition."""
        log = np.cumsum([0.0, -0.007, -0.009, -0.081, -0.090, 0.004])
        np.testing.assert_array_equal(mend_breaks(log), log)

    def test_gaps_and_short_records(self) -> None:
        log = np.array([0.0, 0.01, np.nan, 0.08, 0.09])
        np.testing.assert_array_equal(mend_breaks(log), log)
        np.testing.assert_array_equal(mend_breaks([0.0, 0.5]), [0.0, 0.5])

    def test_by_series(self) -> None:
        log = np.cumsum([[0.0, 0.0], [0.01, 0.01], [0.05, 0.012], [0.01, 0.01], [0.01, 0.01]], axis=0)
        both = mend_breaks(log)
        np.testing.assert_array_equal(both[:, 1], log[:, 1])
        np.testing.assert_allclose(np.diff(both[:, 0]), 0.01)

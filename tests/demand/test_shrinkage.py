"""Shrinkage against the normal posterior and the published worked case of eight schools."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from karvan.base.errors import InputError
from karvan.demand.shrinkage import shrink

lists = st.lists(st.tuples(st.floats(-1.0, 1.0), st.floats(0.01, 1.0)), min_size=3, max_size=12)


class TestEightSchools:
    """Rubin (1981), Journal of Educational Statistics 6: effects 28, 8, -3, 7, -1, 1, 18, 12 with standard errors 15,
    10, 16, 11, 9, 11, 10, 18. The pooled mean is 7.7 (Gelman et al., Bayesian Data Analysis, section 5.5, pooled
    standard error 4.1); Q is 4.7 on 7 degrees of freedom, so the moment estimate of the true spread is 0.
    """

    EFFECT = np.array([28.0, 8, -3, 7, -1, 1, 18, 12])
    ERROR = np.array([15.0, 10, 16, 11, 9, 11, 10, 18])

    def test_all_go_to_the_pooled_mean(self) -> None:
        result = shrink(self.EFFECT, self.ERROR)
        assert result.prior_sd == 0.0
        assert round(result.prior_mean, 1) == 7.7
        np.testing.assert_allclose(result.mean, result.prior_mean)


class TestLaws:
    @given(lists, st.floats(-1, 1), st.floats(0.01, 1.0))
    def test_normal_posterior(self, pairs: list[tuple[float, float]], m: float, sd: float) -> None:
        x, e = np.array(pairs).T
        result = shrink(x, e, prior_mean=m, prior_sd=sd)
        precision = 1 / e**2 + 1 / sd**2
        np.testing.assert_allclose(result.sd, precision**-0.5, rtol=1e-9)
        np.testing.assert_allclose(result.mean, (x / e**2 + m / sd**2) / precision, rtol=1e-9, atol=1e-12)

    @given(lists)
    def test_lands_between_own_and_all(self, pairs: list[tuple[float, float]]) -> None:
        x, e = np.array(pairs).T
        result = shrink(x, e)
        low, high = np.minimum(x, result.prior_mean), np.maximum(x, result.prior_mean)
        assert np.all((result.mean >= low - 1e-12) & (result.mean <= high + 1e-12))

    def test_unknown_gets_the_prior(self) -> None:
        result = shrink([1.0, np.nan, 2.0], [0.1, np.nan, 0.1], prior_mean=0.5, prior_sd=0.3)
        assert (result.mean[1], result.sd[1], result.weight[1]) == (0.5, 0.3, 0.0)

    def test_finds_the_true_spread(self) -> None:
        rng = np.random.default_rng(1)
        truth = rng.normal(0.03, 0.02, 4000)
        error = rng.uniform(0.005, 0.03, 4000)
        result = shrink(truth + error * rng.standard_normal(4000), error)
        assert result.prior_mean == pytest.approx(0.03, abs=0.001)
        assert result.prior_sd == pytest.approx(0.02, rel=0.05)
        # Of the posterior intervals of 90 %, 90 % hold the truth.
        inside = np.abs(truth - result.mean) < 1.645 * result.sd
        assert inside.mean() == pytest.approx(0.9, abs=0.02)

    def test_one_half_of_a_prior(self) -> None:
        with pytest.raises(InputError, match="only one of prior_mean and prior_sd"):
            shrink([1.0, 2.0, 3.0], 1.0, prior_mean=0.0)

    def test_two_are_too_few(self) -> None:
        with pytest.raises(InputError, match="found 2 known"):
            shrink([1.0, 2.0, np.nan], 1.0)

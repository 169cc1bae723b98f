"""Deals on record: fits against their own likelihood and SciPy, hazards against their closed forms."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betaln
from scipy.stats import beta as scipy_beta
from scipy.stats import gamma as scipy_gamma

from karvan.base.axes import Array
from karvan.base.errors import InputError
from karvan.partnerships import BetaPrior, DealOutcomes, beta_prior, exit_hazard

NAN = np.nan


class TestRecordOfAzerbaijan:
    """Promised units a year, best year on record, and years of production to the end of 2025: Khazar 10,000 / 2,360,
    Chevrolet at Hajigabul 5,000 / 3,139, Isuzu buses 1,000 / 112, Lifan at Nakhchivan 5,000 / 1,861 (stopped 2017), MTZ
    tractors 5,000 / 1,302; not known: Samand at Shamakhi 6,000 (none found after 2016), Lifan at Ganja 1,000 (moved
    away 2009), Lada 1,500, BYD buses 500; announced: Chevrolet full cycle 30,000; unclear: GAZ 1,000.
    """

    DEALS = DealOutcomes(
        promised=np.array([10_000.0, 5_000, 1_000, 5_000, 5_000, 6_000, 1_000, 1_500, 500, 30_000, 1_000]),
        delivered=np.array([2_360.0, 3_139, 112, 1_861, 1_302, NAN, NAN, NAN, NAN, NAN, NAN]),
        years=np.array([7.8, 4.3, 4.3, 7.0, 19.1, 10.0, 2.6, 1.8, 0.3, NAN, 4.0]),
        state=np.array(
            ["active"] * 3 + ["ended", "active", "ended", "ended", "active", "active", "announced", "unclear"]
        ),
    )

    def test_stats(self) -> None:
        stats = self.DEALS.stats()
        assert (stats.count, stats.known, stats.exits) == (11, 5, 3)
        assert stats.exposure == pytest.approx(57.2)  # neither the announced nor the unclear one
        assert stats.ratio_median == pytest.approx(0.2604)
        assert stats.kept == 0.0

    def test_prior(self) -> None:
        prior = beta_prior(self.DEALS.ratio)
        assert prior.count == 5
        assert prior.mean == pytest.approx(0.3217, abs=0.02)  # the mean of the five ratios
        low, high = prior.quantile([0.05, 0.95])
        assert 0.0 < low < 0.112 < 0.6 < high < 1.0

    def test_exit(self) -> None:
        hazard = exit_hazard(self.DEALS.stats().exits, self.DEALS.stats().exposure)
        assert hazard.mean == pytest.approx(3.5 / 57.2)


class TestBetaFit:
    @given(st.floats(0.4, 6.0), st.floats(0.4, 6.0), st.integers(10, 60), st.integers(0, 2**32 - 1))
    @settings(max_examples=30)
    def test_no_neighbour_is_likelier(self, a: float, b: float, n: int, seed: int) -> None:
        x = np.clip(np.random.default_rng(seed).beta(a, b, n), 1e-3, 1 - 1e-3)
        fit = beta_prior(x)

        def likelihood(p: float, q: float) -> float:
            return float(((p - 1) * np.log(x) + (q - 1) * np.log1p(-x)).sum() - n * betaln(p, q))

        best = likelihood(fit.a, fit.b)
        for factor in (0.99, 1.01):
            assert best >= likelihood(fit.a * factor, fit.b) - 1e-9
            assert best >= likelihood(fit.a, fit.b * factor) - 1e-9
            assert best >= likelihood(fit.a * factor, fit.b * factor) - 1e-9

    def test_moments(self) -> None:
        x = np.array([0.1, 0.3, 0.35, 0.6])
        fit = beta_prior(x, method="moments")
        assert fit.mean == pytest.approx(x.mean())
        assert fit.sd == pytest.approx(x.std(ddof=1))

    def test_large_sample_finds_the_truth(self) -> None:
        fit = beta_prior(np.random.default_rng(3).beta(1.5, 4.0, 40_000))
        assert fit.a == pytest.approx(1.5, rel=0.03)
        assert fit.b == pytest.approx(4.0, rel=0.03)

    def test_broken_and_kept_promises_are_allowed(self) -> None:
        fit = beta_prior([0.0, 1.3, 1.0, NAN, 0.2])
        assert fit.count == 4
        assert fit.a < 1.0 > fit.b  # piled up at both ends

    def test_two_are_too_few(self) -> None:
        with pytest.raises(InputError, match="ratios: found 2 known"):
            beta_prior([0.2, 0.4, NAN])

    @given(st.floats(0.3, 8.0), st.floats(0.3, 8.0))
    @settings(max_examples=20)
    def test_quantiles(self, a: float, b: float) -> None:
        prior = BetaPrior(a=a, b=b, count=9)
        p = np.array([0.05, 0.5, 0.95])
        np.testing.assert_allclose(prior.quantile(p), scipy_beta.ppf(p, a, b), rtol=1e-8, atol=1e-12)
        assert prior.sd == pytest.approx(scipy_beta.std(a, b))


class TestExitHazard:
    @given(st.integers(0, 20), st.floats(1.0, 300.0))
    @settings(max_examples=20)
    def test_posterior(self, exits: int, years: float) -> None:
        post = exit_hazard(exits, years)
        p = np.array([0.05, 0.5, 0.95])
        np.testing.assert_allclose(
            post.quantile(p), scipy_gamma.ppf(p, exits + 0.5, scale=1 / years), rtol=1e-8, atol=1e-300
        )

    def test_odds_are_the_mixture(self) -> None:
        """P(exit within t) = mean over the hazard of 1 - exp(-h t)."""
        post = exit_hazard(4, 60.0)
        middle = (np.arange(100_000) + 0.5) / 100_000
        for years in (1.0, 5.0, 20.0):
            expected = float(np.mean(1.0 - np.exp(-post.quantile(middle) * years)))
            assert post.odds_within(years) == pytest.approx(expected, abs=1e-5)

    def test_odds_rise_from_nothing(self) -> None:
        odds = exit_hazard(4, 60.0).odds_within([0.0, 1.0, 5.0, 50.0])
        assert odds[0] == 0.0
        assert np.all(np.diff(odds) > 0)

    def test_nothing_known(self) -> None:
        with pytest.raises(InputError, match="give a prior"):
            exit_hazard(0, 0.0)


class TestRefusals:
    def build(self, **change: object) -> DealOutcomes:
        base: dict[str, object] = {
            "promised": np.array([10.0, 20.0]),
            "delivered": np.array([1.0, NAN]),
            "years": np.array([2.0, NAN]),
            "state": np.array(["active", "announced"]),
        }
        return DealOutcomes(**{**base, **change})  # type: ignore[arg-type]

    def test_good(self) -> None:
        assert self.build().stats().exposure == 2.0

    def test_state(self) -> None:
        with pytest.raises(InputError, match="state: found 'asleep'; expected one of announced, active, ended"):
            self.build(state=np.array(["active", "asleep"]))

    def test_lengths(self) -> None:
        with pytest.raises(InputError, match="four of one length"):
            self.build(years=np.array([1.0]))

    def test_promise_of_nothing(self) -> None:
        with pytest.raises(InputError, match="promised: found 0; expected above 0"):
            self.build(promised=np.array([0.0, 1.0]))

    def test_nobody_known(self) -> None:
        empty: Array = np.array([NAN, NAN])
        stats = self.build(delivered=empty).stats()
        assert stats.known == 0
        assert np.isnan(stats.ratio_median)
        assert {f.name for f in fields(stats)} >= {"kept", "exits"}

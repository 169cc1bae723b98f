"""Another partner instead: differences by hand, dependence as shares."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karvan.base.errors import InputError
from karvan.partnerships import PartnerCase, dependence, plant_jobs, replace_partner

IRAN, UZBEKISTAN = 0, 1

NOW = PartnerCase(
    cost=np.array([12_000.0, 13_000.0]),
    local_content=np.array([0.10, 0.15]),
    hours_per_car=np.array([18.0, 9.0]),
    volume=np.array([1000.0, 3000.0]),
    market_open=np.array([[True, False], [True, True]]),
    supplier=np.array([[1.0, 0.0], [0.0, 1.0]]),
)


class TestReplace:
    def test_by_hand(self) -> None:
        """The first plant goes from one country's kit to the other's: dearer, more local, one market won, one lost."""
        instead = replace(
            NOW,
            cost=np.array([12_600.0, 13_000.0]),
            local_content=np.array([0.25, 0.15]),
            hours_per_car=np.array([36.0, 9.0]),
            market_open=np.array([[False, True], [True, True]]),
            supplier=np.array([[0.0, 1.0], [0.0, 1.0]]),
        )
        change = replace_partner(NOW, instead, hours_per_job=1800.0)
        np.testing.assert_allclose(change.cost, [600.0, 0.0])
        np.testing.assert_allclose(change.cost_relative, [0.05, 0.0])
        np.testing.assert_allclose(change.local_content, [0.15, 0.0])
        np.testing.assert_allclose(change.jobs, [10.0, 0.0])  # 1,000 cars x 18 hours more / 1,800
        np.testing.assert_array_equal(change.markets_opened, [[False, True], [False, False]])
        np.testing.assert_array_equal(change.markets_closed, [[True, False], [False, False]])
        assert change.dependence == pytest.approx(0.25)  # from 3/4 on one country to all

    def test_the_same_partner_changes_nothing(self) -> None:
        change = replace_partner(NOW, NOW, hours_per_job=1800.0)
        for name in ("cost", "cost_relative", "local_content", "jobs", "dependence"):
            np.testing.assert_array_equal(getattr(change, name), 0.0)
        assert not change.markets_opened.any() and not change.markets_closed.any()

    def test_draws(self) -> None:
        many = replace(NOW, cost=np.full((6, 2), 12_000.0), volume=np.full((6, 2), 500.0))
        change = replace_partner(NOW, many, hours_per_job=1800.0)
        assert change.cost.shape == (6, 2)
        assert change.dependence.shape == (6,)

    def test_shares_of_supply(self) -> None:
        with pytest.raises(InputError, match="supplier: the shares sum to 2"):
            replace(NOW, supplier=np.ones((2, 2)))

    def test_openness_is_true_or_false(self) -> None:
        with pytest.raises(InputError, match="market_open: found numbers"):
            replace(NOW, market_open=np.ones((2, 2)))  # type: ignore[arg-type]


class TestDependence:
    @given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 6))
    @settings(max_examples=30)
    def test_shares(self, seed: int, plants: int, countries: int) -> None:
        rng = np.random.default_rng(seed)
        result = dependence(rng.uniform(1, 1e4, (3, plants)), rng.dirichlet(np.ones(countries), plants))
        np.testing.assert_allclose(result.share.sum(axis=-1), 1.0)
        assert np.all(result.largest >= 1 / countries - 1e-12)
        assert np.all(result.concentration <= result.largest + 1e-12)
        np.testing.assert_array_equal(
            np.take_along_axis(result.share, result.country[:, None], 1)[:, 0], result.largest
        )

    def test_nothing_made(self) -> None:
        result = dependence([0.0, 0.0], np.eye(2))
        assert result.largest == 0.0


def test_plant_jobs() -> None:
    np.testing.assert_allclose(plant_jobs([30_000.0], [72.0], 1800.0), [1200.0])

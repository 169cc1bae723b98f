"""Days lost for want of kits: the closed form against the supply simulated lot by lot."""

import numpy as np
import pytest

from karvan.base.errors import InputError
from karvan.facilities import KITS_ERROR_MAX, KITS_ERROR_RMS, KitSupply, kits_at_hand


def simulated(mean: float, sd: float, stock: float, seed: int) -> float:
    """Share of a year of 52 weekly lots for which kits are at hand, 1,500 years."""
    supply = KitSupply(1, 168.0, 24.0 * mean, 24.0 * sd)
    late = supply.arrivals(52, 1500, np.random.default_rng(seed)) / 24.0 - 7.0 * np.arange(52)
    return 1.0 - float(np.maximum(late.max(axis=1) - stock, 0.0).mean()) / 364.0


class TestAgainstTheSupply:
    def test_within_its_stated_error_where_it_was_not_fitted(self) -> None:
        rng = np.random.default_rng(3)
        mean = rng.uniform(10.0, 55.0, 60)
        sd = rng.uniform(1.0, np.minimum(12.0, 0.6 * mean))
        stock = rng.uniform(0.0, 5.0, 60) * sd
        truth = [simulated(*each, seed) for seed, each in enumerate(zip(mean, sd, stock, strict=True))]
        error = kits_at_hand(mean, sd, stock) - truth
        assert np.sqrt((error**2).mean()) < 1.25 * KITS_ERROR_RMS
        assert np.abs(error).max() < KITS_ERROR_MAX

    def test_the_settings_of_the_docs(self) -> None:
        """24 +- 4 days lose 2.2, 0.8, 0.03 % with 0, 5 and 10 days of stock; 24 +- 7 lose 3.0, 1.7, 0.4, 0.04 %."""
        assert 100 * (1 - kits_at_hand(24, 4, [0, 5, 10])) == pytest.approx([2.2, 0.8, 0.03], abs=0.1)
        assert 100 * (1 - kits_at_hand(24, 7, [0, 5, 10, 15])) == pytest.approx([3.0, 1.7, 0.4, 0.04], abs=0.2)


class TestLaws:
    def test_stock_helps_and_spread_hurts(self) -> None:
        share = kits_at_hand(24.0, [[2.0], [4.0], [8.0]], [0.0, 3.0, 6.0, 12.0])
        assert (np.diff(share, axis=1) >= 0).all()
        assert (np.diff(share, axis=0) <= 0).all()
        assert ((share >= 0) & (share <= 1)).all()

    def test_without_spread_nothing_is_lost(self) -> None:
        assert float(kits_at_hand(24.0, 0.0, 0.0)) == pytest.approx(1.0)

    @pytest.mark.parametrize("given", [(0.0, 4.0, 5.0), (24.0, -1.0, 5.0), (24.0, 4.0, -5.0), (24.0, np.inf, 5.0)])
    def test_refuses(self, given: tuple[float, float, float]) -> None:
        with pytest.raises(InputError, match="expected days of lead time above 0"):
            kits_at_hand(*given)

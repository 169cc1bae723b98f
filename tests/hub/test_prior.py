"""The base rate: entries counted by hand, and the posterior against its own definition."""

import numpy as np
import pytest
from scipy.integrate import quad

from karvan.base.errors import InputError
from karvan.hub import base_rate


class TestByHand:
    """Three countries, seven years: one enters and stays, one enters, leaves and enters again, one never."""

    made = np.array(
        [
            [30e3, 30e3, 30e3, 300e3, 300e3, 300e3, 300e3],
            [0.0, 0.0, 0.0, 600e3, 0.0, 0.0, 600e3],
            [900e3, 900e3, 900e3, 900e3, 900e3, 900e3, 900e3],
        ]
    )
    sold = np.array([[50e3] * 7, [100e3] * 7, [800e3] * 7])
    rate = base_rate(made, sold)

    def test_state(self) -> None:
        """Means of the first: 30, 120, 210, 300, 300 thousand; of the second 0, 200, 200, 200, 200."""
        assert self.rate.state[0].tolist() == [False, False, False, True, True, True, True]
        assert self.rate.state[1].tolist() == [False, False, False, True, True, True, True]
        assert not self.rate.state[2].any()  # 900 is only 1.125 times 800

    def test_counts(self) -> None:
        """At risk: the first two once each, the third four times; the first known year is nobody's entry."""
        assert (self.rate.entries, self.rate.exposure) == (2, 6)
        assert np.argwhere(self.rate.entered).tolist() == [[0, 3], [1, 3]]

    def test_posterior(self) -> None:
        """Beta(2.5, 4.5): its mean, and its interval by numerical integration."""
        assert self.rate.mean == pytest.approx(2.5 / 7)

        def density(p: float) -> float:
            return float(p**1.5 * (1 - p) ** 3.5)

        whole = quad(density, 0, 1)[0]
        assert quad(density, 0, self.rate.low)[0] / whole == pytest.approx(0.05, abs=1e-6)
        assert quad(density, 0, self.rate.high)[0] / whole == pytest.approx(0.95, abs=1e-6)
        stay = quad(lambda p: density(p) * (1 - p) ** 10, 0, 1)[0] / whole
        low, mean, high = self.rate.within(10)
        assert mean == pytest.approx(1 - stay, abs=1e-9)
        assert low < mean < high


def test_unknown_years_are_not_at_risk() -> None:
    made = np.full((1, 8), 10e3)
    made[0, 3] = np.nan
    rate = base_rate(made, np.full((1, 8), 10e3))
    assert rate.known[0].tolist() == [False, False, True, False, False, False, True, True]
    assert (rate.entries, rate.exposure) == (0, 1)
    assert 0 < rate.mean < 1  # never seen is not never


def test_leaving_and_coming_back_counts_twice() -> None:
    made = np.array([[0.0] * 3 + [900e3] + [0.0] * 4 + [900e3, 900e3, 900e3]])
    rate = base_rate(made, np.full((1, 11), 100e3))
    assert rate.entries == 2


def test_too_short_a_table() -> None:
    rate = base_rate([[1.0, 2.0]], [[1.0, 2.0]])
    assert (rate.entries, rate.exposure) == (0, 0)
    assert rate.mean == 0.5


def test_refusals() -> None:
    with pytest.raises(InputError, match="must both be"):
        base_rate([1.0], [1.0])
    with pytest.raises(InputError, match="interval is 1"):
        base_rate([[1.0]], [[1.0]], interval=1.0)
    with pytest.raises(InputError, match="below 0"):
        base_rate([[-1.0]], [[1.0]])
    with pytest.raises(InputError, match="years is -1"):
        base_rate([[1.0]], [[1.0]]).within(-1)

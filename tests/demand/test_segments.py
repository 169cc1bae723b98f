"""The choice of car: exact at the base year, shares that sum to 1, and prices that push the right way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from karvan.base.errors import InputError
from karvan.demand import (
    entry_of_choice,
    new_share,
    powertrain_shares,
    split,
    split_twice,
    upper_choice,
    weights_to_shares,
)

share = st.floats(0.001, 0.999)
three = st.lists(st.floats(0.01, 1.0), min_size=3, max_size=3).map(lambda w: np.array(w) / sum(w))
ratios = st.lists(st.floats(0.3, 3.0), min_size=3, max_size=3).map(np.array)


class TestNewShare:
    @given(share, st.floats(-6.0, 0.0))
    def test_exact_at_the_base_year(self, base: float, e: float) -> None:
        assert new_share(base, 1.0, e) == pytest.approx(base, rel=1e-14)

    @given(share, st.floats(0.2, 5.0), st.floats(-6.0, -0.1))
    def test_elasticity_is_that_of_the_odds(self, base: float, ratio: float, e: float) -> None:
        s = new_share(base, ratio, e)
        assert np.log(s / (1 - s)) - np.log(base / (1 - base)) == pytest.approx(e * np.log(ratio), abs=1e-9)

    def test_no_market_stays_no_market(self) -> None:
        np.testing.assert_array_equal(new_share([0.0, 1.0], 3.0, -2.0), [0.0, 1.0])

    def test_dearer_cannot_sell_more(self) -> None:
        with pytest.raises(InputError, match="elasticity: found 1; expected 0 or below"):
            new_share(0.5, 2.0, 1.0)


class TestUpperChoice:
    @given(three, st.floats(-6.0, 0.0))
    def test_exact_at_the_base_year(self, base: np.ndarray, e: float) -> None:
        np.testing.assert_allclose(upper_choice(base, np.ones(3), e), base, rtol=1e-12)

    @given(three, ratios, st.floats(-6.0, 0.0))
    def test_sums_to_one_and_scale_of_prices_does_not_matter(self, base: np.ndarray, r: np.ndarray, e: float) -> None:
        s = upper_choice(base, r, e)
        assert s.sum() == pytest.approx(1.0)
        np.testing.assert_allclose(upper_choice(base, 1.7 * r, e), s, rtol=1e-9)

    @given(three, st.floats(1.01, 3.0), st.floats(-6.0, -0.1))
    def test_a_duty_on_old_cars_moves_buyers_away(self, base: np.ndarray, dearer: float, e: float) -> None:
        s = upper_choice(base, [1.0, 1.0, dearer], e)
        assert s[2] < base[2]
        assert s[0] > base[0]
        assert s[1] / s[0] == pytest.approx(base[1] / base[0])  # independence of irrelevant alternatives

    def test_age_limit(self) -> None:
        s = upper_choice([0.1, 0.3, 0.6], np.ones(3), -2.0, allowed=[1.0, 1.0, 0.0])
        np.testing.assert_allclose(s, [0.25, 0.75, 0.0])

    def test_taste_is_a_shift_of_log_odds(self) -> None:
        s = upper_choice([0.5, 0.25, 0.25], np.ones(3), -2.0, taste=[np.log(2.0), 0.0, 0.0])
        np.testing.assert_allclose(s, [2 / 3, 1 / 6, 1 / 6])

    def test_everything_forbidden(self) -> None:
        with pytest.raises(InputError, match="no kind of car"):
            upper_choice([0.0, 0.0, 1.0], np.ones(3), -2.0, allowed=[1.0, 1.0, 0.0])

    def test_draws(self) -> None:
        s = upper_choice([0.1, 0.3, 0.6], np.ones((4, 2, 3)), np.full((4, 1), -2.0))
        assert s.shape == (4, 2, 3)


class TestPowertrains:
    @given(
        st.floats(1990, 2100),
        st.floats(0.0, 1.0),
        st.floats(0.0, 1.0),
        st.floats(2000, 2060),
        st.floats(0.0, 2.0),
        three,
    )
    def test_sums_to_one(self, year: float, c1: float, c2: float, mid: float, speed: float, base: np.ndarray) -> None:
        s = powertrain_shares(year, ceiling=[np.nan, c1, c2], midpoint=mid, speed=speed, base=base)
        assert s.sum() == pytest.approx(1.0)
        assert np.all(s >= 0.0)

    def test_ends(self) -> None:
        base = np.array([0.7, 0.2, 0.1, 0.0])
        ceiling = [np.nan, np.nan, 0.3, 0.4]
        early, late = powertrain_shares([1900, 2200], ceiling=ceiling, midpoint=2035, speed=0.3, base=base)
        np.testing.assert_allclose(early, base, atol=1e-12)
        np.testing.assert_allclose(late, [0.3 * 7 / 9, 0.3 * 2 / 9, 0.3, 0.4], atol=1e-12)

    def test_ten_to_ninety_per_cent_takes_4_39_over_speed(self) -> None:
        wide = np.log(9.0) / 0.5
        s = powertrain_shares(
            [2030 - wide, 2030 + wide], ceiling=[np.nan, 1.0], midpoint=2030, speed=0.5, base=[1.0, 0.0]
        )
        np.testing.assert_allclose(s[:, 1], [0.1, 0.9])

    def test_without_incumbents_curves_are_scaled(self) -> None:
        s = powertrain_shares(2200, ceiling=[0.2, 0.6], midpoint=2030, speed=0.5, base=[0.9, 0.1])
        np.testing.assert_allclose(s, [0.25, 0.75])

    def test_claims_over_one_are_cut(self) -> None:
        s = powertrain_shares(2200, ceiling=[np.nan, 0.8, 0.8], midpoint=2030, speed=0.5, base=[1.0, 0.0, 0.0])
        np.testing.assert_allclose(s, [0.0, 0.5, 0.5])

    def test_everybody_dies_out(self) -> None:
        with pytest.raises(InputError, match="dies out"):
            powertrain_shares(9000, ceiling=[0.0, 0.0], midpoint=2030, speed=2.0, base=[0.5, 0.5])

    def test_draws(self) -> None:
        speed = np.linspace(0.1, 1.0, 6)[:, None]
        s = powertrain_shares(2030, ceiling=[np.nan, 0.5], midpoint=2030, speed=speed, base=[1.0, 0.0])
        assert s.shape == (6, 2)


def test_split_adds_up() -> None:
    parts = split([100.0, 10.0], [[0.2, 0.8], [0.5, 0.5]])
    np.testing.assert_allclose(parts, [[20.0, 80.0], [5.0, 5.0]])
    with pytest.raises(InputError, match=r"kind_shares: the shares sum to 0\.9"):
        split(1.0, [0.5, 0.4])


class TestEntry:
    YOUNG, OLD = np.array([0.0, 0.5, 0.5, 0.0, 0.0]), np.array([0.0, 0.0, 0.0, 0.4, 0.6])

    @given(three)
    def test_cars_of_each_kind_keep_their_number(self, choice: np.ndarray) -> None:
        new, used = entry_of_choice(choice, self.YOUNG, self.OLD)
        assert new == choice[0]
        assert (1 - new) * used[:3].sum() == pytest.approx(choice[1])
        assert (1 - new) * used[3:].sum() == pytest.approx(choice[2])

    def test_only_new(self) -> None:
        new, used = entry_of_choice([[1.0, 0.0, 0.0]], self.YOUNG, self.OLD)
        assert new == 1.0
        np.testing.assert_array_equal(used[0], self.OLD)

    def test_three_kinds(self) -> None:
        with pytest.raises(InputError, match="choice: found 2 kinds"):
            entry_of_choice([0.5, 0.5], self.YOUNG, self.OLD)


class TestWeights:
    """Shares from weights, and two ways of sharing out at once."""

    @given(st.lists(st.floats(0.01, 10.0), min_size=2, max_size=5))
    def test_shares_keep_the_proportions(self, weights: list[float]) -> None:
        found = weights_to_shares(weights)
        assert found.sum() == pytest.approx(1.0)
        np.testing.assert_allclose(found * sum(weights), weights)

    def test_all_nought_is_refused(self) -> None:
        with pytest.raises(InputError, match="weights: found none above 0"):
            weights_to_shares([[1.0, 1.0], [0.0, 0.0]])

    def test_split_twice_keeps_both_margins(self) -> None:
        parts = split_twice([100.0, 10.0], [0.2, 0.3, 0.5], [0.6, 0.4])
        np.testing.assert_allclose(parts.sum(axis=(-2, -1)), [100.0, 10.0])
        np.testing.assert_allclose(parts[0].sum(axis=-1), [20.0, 30.0, 50.0])
        np.testing.assert_allclose(parts[0].sum(axis=-2), [60.0, 40.0])

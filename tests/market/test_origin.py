"""Origin: three regimes, two kinds of test, and the cost of complying derived again by brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from karvan.base.errors import InputError
from karvan.market import (
    COMPLIES_AT_COST,
    FREE,
    MFN,
    PAYS_INSTEAD,
    compliance_premium,
    origin_state,
    points_test,
)


class TestThreeRegimes:
    """Head, Mayer and Melitz (2024): comply freely, comply at a cost, or pay; here R = 50 %, tariff 15 %."""

    result = origin_state(
        [0.55, 0.40, 0.40, 0.40],
        [0, 0, 0, 0],
        [[0.5], [0.5], [0.5], [np.nan]],
        [[np.nan]] * 4,
        compliance_cost_rate=[[0.3], [0.14], [0.16], [0.0]],
        mfn_rate=0.15,
    )

    def test_states(self) -> None:
        assert self.result.state[:, 0].tolist() == [FREE, COMPLIES_AT_COST, PAYS_INSTEAD, MFN]

    def test_duty_and_cost_follow_the_state(self) -> None:
        assert self.result.duty_rate[:, 0].tolist() == [0.0, 0.0, 0.15, 0.15]
        assert self.result.compliance_cost_rate[:, 0].tolist() == [0.0, 0.14, 0.0, 0.0]


def test_value_and_points_are_different_tests() -> None:
    """Passing one says nothing about the other; a shortfall of operations cannot be cured by dearer parts."""
    result = origin_state(
        [0.9, 0.1, 0.9],
        [0.0, 5_000.0, 5_000.0],
        [[0.5, np.nan, 0.5]] * 3,
        [[np.nan, 3_000.0, 3_000.0]] * 3,
        compliance_cost_rate=1.0,
        mfn_rate=0.1,
    )
    assert result.state.tolist() == [
        [FREE, PAYS_INSTEAD, PAYS_INSTEAD],
        [PAYS_INSTEAD, FREE, PAYS_INSTEAD],
        [FREE, FREE, FREE],
    ]
    assert points_test([0.0, 5_000.0], [[3_000.0, np.nan]] * 2).tolist() == [[False, False], [True, False]]


def test_preference_above_the_full_duty_is_not_claimed() -> None:
    result = origin_state(
        [0.6], [0], [[0.5]], [[np.nan]], compliance_cost_rate=0.0, mfn_rate=0.05, preferential_rate=0.08
    )
    assert result.duty_rate[0, 0] == 0.05


def test_draws_lead() -> None:
    """(D, V) content gives (D, V, M) states."""
    content = np.linspace(0, 1, 12).reshape(4, 3)
    result = origin_state(
        content, [0, 0, 0], np.full((3, 2), 0.5), np.full((3, 2), np.nan), compliance_cost_rate=9.0, mfn_rate=0.1
    )
    assert result.state.shape == (4, 3, 2)
    assert ((result.state == FREE) == (content >= 0.5)[..., None]).all()


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(0.0, 0.5), st.floats(0.0, 1.0))
def test_a_maker_never_does_worse_than_paying(content: float, rule: float, mfn: float, slope: float) -> None:
    """Whatever the state, cost times duty factor is at most the full duty."""
    result = origin_state(
        [content], [0], [[rule]], [[np.nan]], compliance_cost_rate=lambda gap: slope * gap, mfn_rate=mfn
    )
    paid = (1 + result.compliance_cost_rate) * (1 + result.duty_rate)
    assert paid[0, 0] <= 1 + mfn


class TestCompliancePremium:
    """The closed form against a maker with 200,000 parts who is told to buy more of them at home."""

    @pytest.mark.parametrize(("theta", "rule"), [(3.0, 0.5), (6.0, 0.65)])
    def test_against_brute_force(self, theta: float, rule: float) -> None:
        generator = np.random.default_rng(7)
        n, free_share = 200_000, 0.3
        # Weibull costs of shape theta: ln cost = ln(exponential) / theta, shifted so that 30 % of parts are home parts.
        home = np.log(generator.exponential(size=n)) / theta - np.log(free_share / (1 - free_share)) / theta
        abroad = np.log(generator.exponential(size=n)) / theta
        gap = home - abroad
        chosen = np.minimum(home, abroad).mean()
        at_home = gap <= np.quantile(gap, rule)  # the cheapest way to reach the rule: smallest gaps first
        forced = np.where(at_home, home, abroad).mean()
        share = (gap < 0).mean()
        expected = np.expm1(forced - chosen)  # Cobb-Douglas over parts: cost is the exponential of the mean log
        assert share == pytest.approx(free_share, abs=0.005)
        assert compliance_premium([[free_share]], [[rule]], theta=theta)[0, 0] == pytest.approx(expected, rel=0.03)

    def test_free_when_met_and_impossible_without_any(self) -> None:
        premium = compliance_premium([0.5, 0.7, 0.0], [[0.5], [0.5], [0.5]], theta=4.0)
        assert premium[:, 0].tolist() == [0.0, 0.0, np.inf]
        assert compliance_premium([0.2], [[np.nan]], theta=4.0)[0, 0] == 0.0

    def test_all_parts_at_home(self) -> None:
        """R = 1: the premium is (1/x)^(1/theta) - 1."""
        assert compliance_premium([[0.25]], [[1.0]], theta=2.0)[0, 0] == pytest.approx(1.0)

    def test_only_parts_cost_more(self) -> None:
        full = compliance_premium([[0.3]], [[0.5]], theta=4.0)
        assert compliance_premium([[0.3]], [[0.5]], theta=4.0, parts_share=0.7) == pytest.approx(0.7 * full)


def test_refusals() -> None:
    def state(**changes: object) -> None:
        given = {"compliance_cost_rate": 0.1, "mfn_rate": 0.1} | changes
        origin_state([0.5], [0], [[0.5]], [[np.nan]], **given)  # type: ignore[arg-type]

    with pytest.raises(InputError, match="local_content has a number outside 0 to 1"):
        origin_state([1.5], [0], [[0.5]], [[np.nan]], compliance_cost_rate=0.1, mfn_rate=0.1)
    with pytest.raises(InputError, match="operations_points"):
        origin_state([0.5], [-1], [[0.5]], [[np.nan]], compliance_cost_rate=0.1, mfn_rate=0.1)
    with pytest.raises(InputError, match="mfn_rate or preferential_rate"):
        state(mfn_rate=-0.1)
    with pytest.raises(InputError, match="compliance_cost_rate is below 0"):
        state(compliance_cost_rate=-0.1)
    with pytest.raises(InputError, match="theta is 0"):
        compliance_premium([[0.3]], [[0.5]], theta=0.0)
    with pytest.raises(InputError, match="parts_share is 2"):
        compliance_premium([[0.3]], [[0.5]], theta=1.0, parts_share=2.0)
    with pytest.raises(InputError, match="outside 0 to 1"):
        compliance_premium([[0.3]], [[1.5]], theta=1.0)

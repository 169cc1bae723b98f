"""Delivered cost, step by step, against sums done by hand."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from karvan.base.errors import InputError
from karvan.market import FREE, delivered_cost, delivered_price, excise_bands, origin_state, price_change


class TestLadderByHand:
    """A 1,600 cc car of 10,000, freight 1,000, insurance 1 %; duty 15 % or 0.7 a cc; fee 400; VAT 18 %; margin 10 %."""

    ladder = delivered_cost(
        [10_000.0],
        freight=[[1_000.0]],
        insurance_rate=0.01,
        duty_rate=0.15,
        duty_per_cc=0.7,
        engine_cc=[1_600.0],
        excise=480.0,
        fee=400.0,
        fee_refund=0.25,
        certification=90.0,
        vat_rate=0.18,
        margin_rate=0.10,
    )

    def test_each_step(self) -> None:
        ladder = self.ladder
        assert ladder.insurance[0, 0] == pytest.approx(110.0)
        assert ladder.customs_value[0, 0] == pytest.approx(11_110.0)
        assert ladder.duty[0, 0] == pytest.approx(1_666.5)  # above 0.7 x 1,600 = 1,120
        assert ladder.fee[0, 0] == pytest.approx(300.0)
        assert ladder.vat[0, 0] == pytest.approx(0.18 * (11_110 + 1_666.5 + 480 + 300))
        assert ladder.margin[0, 0] == pytest.approx(0.10 * (11_110 + 1_666.5 + 480 + 300 + 90))

    def test_total_is_the_sum_of_the_steps(self) -> None:
        ladder = self.ladder
        tax = ladder.duty + ladder.excise + ladder.fee + ladder.vat
        assert ladder.total == pytest.approx(ladder.before_tax + tax)
        assert ladder.total[0, 0] == pytest.approx(13_556.5 * 1.18 + 1_364.65 + 90)


def test_duty_rules() -> None:
    """The larger of the two, or both together, never below the minimum; none at home."""
    common = {"freight": [[0.0, 0.0]], "duty_rate": 0.1, "duty_per_cc": 0.7, "engine_cc": [2_000.0]}
    assert delivered_cost([10_000.0], **common).duty[0].tolist() == [1_400.0, 1_400.0]  # type: ignore[arg-type]
    both = delivered_cost([10_000.0], **common, duty_rule="sum", home=[[True, False]])  # type: ignore[arg-type]
    assert both.duty[0].tolist() == [0.0, 2_400.0]
    least = delivered_cost([10_000.0], **common, duty_minimum=1_500.0)  # type: ignore[arg-type]
    assert least.duty[0].tolist() == [1_500.0, 1_500.0]


def test_vat_on_the_dealers_price() -> None:
    ladder = delivered_cost([100.0], freight=[[0.0]], vat_rate=0.2, margin_rate=0.1, vat_base="price")
    assert ladder.total[0, 0] == pytest.approx(132.0)


def test_vat_by_draw_and_market() -> None:
    """A rate (D, M) belongs to draws and markets, not to offers."""
    ladder = delivered_cost(np.full((2, 3), 100.0), freight=np.zeros((3, 2)), vat_rate=[[0.1, 0.2], [0.3, 0.4]])
    assert ladder.vat.shape == (2, 3, 2)
    assert ladder.vat[1, 2].tolist() == pytest.approx([30.0, 40.0])


def test_compliance_is_part_of_the_customs_value() -> None:
    ladder = delivered_cost([100.0], freight=[[0.0]], compliance_cost_rate=0.05, duty_rate=0.1)
    assert ladder.compliance[0, 0] == pytest.approx(5.0)
    assert ladder.duty[0, 0] == pytest.approx(10.5)


@given(st.floats(1_000, 50_000), st.floats(0, 5_000), st.floats(0, 0.5))
def test_free_origin_and_zero_tariff_is_no_tariff(works: float, freight: float, mfn: float) -> None:
    """A zero preferential tariff that the car meets freely equals no tariff at all."""
    origin = origin_state([0.6], [0.0], [[0.5]], [[np.nan]], compliance_cost_rate=np.inf, mfn_rate=mfn)
    assert origin.state[0, 0] == FREE
    with_rule = delivered_cost(
        [works], freight=[[freight]], duty_rate=origin.duty_rate, compliance_cost_rate=origin.compliance_cost_rate
    )
    without = delivered_cost([works], freight=[[freight]])
    assert with_rule.total[0, 0] == without.total[0, 0]


def test_price_without_steps_is_the_ladders_total() -> None:
    draws, offers, markets = 7, 5, 4
    rng = np.random.default_rng(1)

    def drawn(high: float, *shape: int) -> np.ndarray:
        return rng.uniform(0.0, high, shape)

    size = (draws, offers, markets)
    home = np.zeros((offers, markets), dtype=bool)
    home[1, 2] = True
    works, vat, margin = drawn(20_000, draws, offers), drawn(0.2, draws, markets), drawn(0.2, draws, markets)
    steps: dict[str, Any] = {
        "freight": drawn(2_000, *size),
        "duty_rate": drawn(0.5, *size),
        "duty_per_cc": drawn(3.0, *size),
        "engine_cc": drawn(2_500, offers),
        "excise": drawn(900, *size),
        "fee": drawn(4_000, *size),
        "certification": drawn(300, *size),
        "compliance_cost_rate": drawn(0.1, *size),
    }
    ladder = delivered_cost(works, **steps, vat_rate=vat, margin_rate=margin[:, None, :], home=home)
    price = delivered_price(works, **steps, vat_rate=vat, margin_rate=margin, home=home)
    assert np.allclose(price, ladder.total, rtol=1e-12)
    assert ladder.duty[:, 1, 2].max() == 0.0 < ladder.duty[:, 0].min()


class TestExcise2019Azerbaijan:
    """Rates of 2019, AZN: 0.30 a cc to 2,000 cc; 600 + 5 a cc above 2,000; 5,600 + 13 above 3,000; then 18,600 + 35."""

    bands = ((0.0, 0.0, 0.3), (2_000.0, 600.0, 5.0), (3_000.0, 5_600.0, 13.0), (4_000.0, 18_600.0, 35.0))

    def test_bands_join(self) -> None:
        for start, fixed, _ in self.bands[1:]:
            below, above = excise_bands([start, start + 1e-6], self.bands)
            assert below == pytest.approx(fixed)
            assert above == pytest.approx(fixed, abs=1e-3)

    def test_values(self) -> None:
        assert excise_bands([0, 1_500, 2_500, 3_500, 5_000], self.bands).tolist() == [0, 450, 3_100, 12_100, 53_600]


def test_price_change() -> None:
    assert price_change([1.1, 2.0], 1.0).tolist() == [1.1, 2.0]
    assert price_change([1.1, 2.0], 0.0).tolist() == [1.0, 1.0]
    assert price_change(1.5, 0.6) == pytest.approx(np.exp(0.6 * np.log(1.5)))


def test_refusals() -> None:
    with pytest.raises(InputError, match=r"freight has -1; expected a number of 0 or more"):
        delivered_cost([1.0], freight=[[-1.0]])
    with pytest.raises(InputError, match=r"fee_refund has 300; expected a share of the fee, 0 to 1"):
        delivered_cost([1.0], freight=[[0.0]], fee=400.0, fee_refund=300.0)
    with pytest.raises(InputError, match="duty_rule is 'min'"):
        delivered_cost([1.0], freight=[[0.0]], duty_rule="min")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="vat_base is 'all'"):
        delivered_cost([1.0], freight=[[0.0]], vat_base="all")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="starts rising"):
        excise_bands([1_000], [(100, 0, 1)])
    with pytest.raises(InputError, match="bands hold a number below 0"):
        excise_bands([1_000], [(0, 0, -1)])
    with pytest.raises(InputError, match="pass_through is"):
        price_change(1.1, 1.5)
    with pytest.raises(InputError, match="cost_hat has"):
        price_change(0.0)

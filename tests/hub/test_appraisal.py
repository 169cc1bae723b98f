"""Appraisal: textbook cases, closed forms, and laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from karvan.base.errors import InputError
from karvan.hub import annuity, irr, npv, payback


class TestTextbook:
    """A standard example of two projects: 1,000 today, 500/400/300/100 or 100/300/400/600 after; 10 % a year."""

    short = (-1000.0, 500.0, 400.0, 300.0, 100.0)
    long = (-1000.0, 100.0, 300.0, 400.0, 600.0)

    def test_npv(self) -> None:
        assert npv([self.short, self.long], 0.10).round(2).tolist() == [78.82, 49.18]

    def test_irr(self) -> None:
        assert (100 * irr([self.short, self.long])).round(1).tolist() == [14.5, 11.8]

    def test_payback(self) -> None:
        assert payback([self.short, self.long]).round(2).tolist() == [2.33, 3.33]
        assert payback([self.short, self.long], 0.10).round(2).tolist() == [2.95, 3.88]


class TestIrr:
    """Where the rate exists it makes the value 0; where it does not, or is not unique, none is made up."""

    @given(st.floats(-0.5, 3.0), st.lists(st.floats(0.1, 10.0), min_size=1, max_size=12))
    def test_value_at_the_rate_is_zero(self, rate: float, income: list[float]) -> None:
        cost = float(npv([0.0, *income], rate))
        assert irr([-cost, *income]) == pytest.approx(rate, abs=1e-9)

    def test_two_rates_are_none(self) -> None:
        """-100, 230, -132 has 10 % and 20 %."""
        assert npv([-100.0, 230.0, -132.0], [0.1, 0.2]).tolist() == pytest.approx([0.0, 0.0])
        assert np.isnan(irr([-100.0, 230.0, -132.0]))

    def test_none(self) -> None:
        assert np.isnan(irr([[1.0, 1.0], [-1.0, -1.0], [-1.0, np.nan]])).all()

    def test_sign_does_not_matter(self) -> None:
        assert irr([1000.0, -600.0, -600.0]) == pytest.approx(float(irr([-1000.0, 600.0, 600.0])))


class TestPayback:
    """The last time the sum leaves the red."""

    def test_never_in_the_red(self) -> None:
        assert payback([10.0, 5.0]) == 0.0

    def test_a_second_dip_counts(self) -> None:
        assert payback([-10.0, 20.0, -20.0, 20.0]) == pytest.approx(2.5)

    def test_shapes(self) -> None:
        cash = np.tile([-3.0, 1.0, 1.0, 1.0], (4, 5, 1))
        assert payback(cash).tolist() == [[3.0] * 5] * 4


@given(st.floats(-0.2, 0.5), st.integers(1, 40))
def test_annuity_repays(rate: float, years: int) -> None:
    """The level payment's present value is the loan."""
    payment = float(annuity(1000.0, rate, years))
    assert npv([0.0] + [payment] * years, rate) == pytest.approx(1000.0, rel=1e-9)


def test_annuity_without_interest() -> None:
    assert annuity(1000.0, 0.0, 8) == 125.0


def test_rates_by_draw() -> None:
    assert npv(np.ones((3, 2)), [0.0, 1.0, 3.0]).tolist() == [2.0, 1.5, 1.25]


def test_refusals() -> None:
    with pytest.raises(InputError, match="rate is -1 or below"):
        npv([1.0], -1.0)
    with pytest.raises(InputError, match="rate is -1 or below"):
        payback([1.0], -1.0)
    with pytest.raises(InputError, match="rate is -1 or below"):
        annuity(1.0, -1.0, 5)
    with pytest.raises(InputError, match="years is 0"):
        annuity(1.0, 0.1, 0)

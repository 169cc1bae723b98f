"""Taxes with a holiday, occupations, protection, resource cost, economic value: each against arithmetic by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from karvan.base.errors import InputError, UnknownName
from karvan.economy import (
    TaxHoliday,
    domestic_resource_cost,
    economic_npv,
    effective_rate_of_protection,
    occupations,
    per_unit_forgone,
    tax_report,
    value_added_at_world_prices,
)

FLOWS = st.lists(st.floats(-100, 100), min_size=3, max_size=3)
WAGES = st.lists(st.floats(0, 100), min_size=3, max_size=3)


class TestTax:
    def test_by_hand(self) -> None:
        """Wages 100 at 14 and 25 percent, profit 50 at 20: 14 + 25 + 10."""
        got = tax_report({"income": 100, "social": 100, "profit": 50}, {"income": 0.14, "social": 0.25, "profit": 0.2})
        gained = {tax: float(value) for tax, value in got.gained.items()}
        assert gained == pytest.approx({"income": 14, "social": 25, "profit": 10})
        assert got.total() == pytest.approx(49) and got.total("given_up") == 0

    def test_ten_years_of_holiday(self) -> None:
        """Ten years free of profit and property tax: years 0 to 9 are given up, year 10 is paid."""
        years = np.arange(12)
        got = tax_report(
            {"profit": np.full(12, 50.0), "property": 10.0, "income": 100.0},
            {"profit": 0.2, "property": 0.01, "income": 0.14},
            holidays=(TaxHoliday(("profit", "property"), 10),),
            year_since_start=years,
        )
        assert got.given_up["profit"].tolist() == [10.0] * 10 + [0.0] * 2
        assert got.gained["property"].tolist() == pytest.approx([0.0] * 10 + [0.1] * 2)
        assert got.gained["income"] == pytest.approx(14)
        assert got.total("due").shape == (12,) and got.total("given_up")[0] == pytest.approx(10.1)

    def test_the_larger_of_two_holidays(self) -> None:
        """An investment certificate forgives half for 7 years, the park all for 2."""
        got = tax_report(
            {"profit": np.full(8, 10.0)}, {"profit": 0.2}, year_since_start=np.arange(8),
            holidays=(TaxHoliday(("profit",), 7, 0.5), TaxHoliday(("profit",), 2)),
        )  # fmt: skip
        assert got.given_up["profit"].tolist() == [2, 2, 1, 1, 1, 1, 1, 0]

    def test_a_holiday_of_its_own_length_for_each_draw(self) -> None:
        holiday = (TaxHoliday(("profit",), np.array([[0.0], [2.0]])),)
        got = tax_report({"profit": np.ones((2, 3))}, {"profit": 0.2}, holidays=holiday, year_since_start=[0, 1, 2])
        assert got.given_up["profit"].tolist() == [[0, 0, 0], [0.2, 0.2, 0]]

    def test_before_the_start_nothing_is_forgiven(self) -> None:
        holiday = (TaxHoliday(("profit",), 5),)
        got = tax_report({"profit": [1.0, 1.0]}, {"profit": 0.2}, holidays=holiday, year_since_start=[-1, 0])
        assert got.given_up["profit"].tolist() == [0, 0.2]

    def test_a_loss_is_no_base(self) -> None:
        assert tax_report({"profit": [-5.0, 5.0]}, {"profit": 0.2}).gained["profit"].tolist() == [0, 1]

    def test_refused(self) -> None:
        with pytest.raises(UnknownName, match="no tax 'vta'; did you mean 'vat'"):
            tax_report({"vta": 1.0}, {"vta": 0.18})
        with pytest.raises(UnknownName, match="no tax 'land'"):
            TaxHoliday(("land",), 10)
        with pytest.raises(InputError, match="'duty' has a base or a rate, not both"):
            tax_report({"vat": 1.0}, {"vat": 0.18, "duty": 0.15})
        with pytest.raises(InputError, match="needs year_since_start"):
            tax_report({"vat": 1.0}, {"vat": 0.18}, holidays=(TaxHoliday(("vat",), 10),))
        with pytest.raises(InputError, match=r"rate of 'vat' is -0\.1"):
            tax_report({"vat": 1.0}, {"vat": -0.1})
        with pytest.raises(InputError, match="holiday of -1 years"):
            TaxHoliday(("vat",), -1)


class TestOccupations:
    def test_totals_stay(self) -> None:
        shares = np.array([[0.5, 0.5, 0.0], [0.1, 0.2, 0.7]])
        got = occupations([[10, 20], [0, 5]], shares)
        assert got.tolist() == [[7, 9, 14], [0.5, 1, 3.5]]

    def test_refused(self) -> None:
        with pytest.raises(InputError, match=r"sector 1 sum to 0\.9"):
            occupations([1, 1], [[0.5, 0.5], [0.5, 0.4]])
        with pytest.raises(InputError, match="jobs have shape"):
            occupations([1, 1, 1], [[0.5, 0.5], [0.5, 0.5]])


class TestProtection:
    """Corden (1966): value added of 20 at world prices, product duty 10 %, inputs of 80 free: 10 / 20 = 50 %."""

    def test_by_hand(self) -> None:
        assert effective_rate_of_protection(0.10, [0.0], [0.8]) == pytest.approx(0.5)

    def test_equal_duties_protect_equally(self) -> None:
        assert effective_rate_of_protection(0.1, [0.1, 0.1], [0.3, 0.4]) == pytest.approx(0.1)

    def test_dear_inputs_can_make_it_negative(self) -> None:
        assert effective_rate_of_protection(0.0, [0.1], [0.5]) == pytest.approx(-0.1)

    def test_as_the_two_value_added_say(self) -> None:
        """Domestic value added over world value added, less 1, for a car of 100 with kits of 80 at world prices."""
        home = 100 * 1.15 - 80 * 1.02
        world = value_added_at_world_prices(115, 81.6, 0.15, 0.02)
        assert world == pytest.approx(20)
        assert effective_rate_of_protection(0.15, [0.02], [0.8]) == pytest.approx(home / world - 1)

    def test_no_value_added_at_world_prices_has_no_rate(self) -> None:
        got = effective_rate_of_protection([0.15, 0.15], [[0.0], [0.0]], [[1.0], [1.1]])
        assert np.isnan(got).all()
        assert value_added_at_world_prices(100, 110, 0.15, 0.0) < 0

    def test_refused(self) -> None:
        with pytest.raises(InputError, match=r"input share -0\.1 is below 0"):
            effective_rate_of_protection(0.1, [0.0], [-0.1])


class TestResourceCost:
    def test_by_hand(self) -> None:
        """Labour 10 at 0.8, capital 6, other 4 against (100 - 82) at 1.1: 18 / 19.8."""
        got = domestic_resource_cost(10, 6, 4, 100, 82, shadow_wage_ratio=0.8, shadow_exchange_ratio=1.1)
        assert got == pytest.approx(18 / 19.8)

    def test_earning_nothing(self) -> None:
        got = domestic_resource_cost([1, 1], 0, 0, [10, 10], [10, 12], shadow_wage_ratio=1, shadow_exchange_ratio=1)
        assert np.isinf(got).all()

    def test_refused(self) -> None:
        with pytest.raises(InputError, match="shadow exchange ratio above 0"):
            domestic_resource_cost(1, 1, 1, 10, 5, shadow_wage_ratio=1, shadow_exchange_ratio=0)


class TestEconomicValue:
    def test_by_hand(self) -> None:
        """Two years at 10 %: traded -100 and 120, wages 10 each, transfers 5 each."""
        got = economic_npv(
            [-100, 120], [10, 10], [0, 0], [5, 5], discount_rate=0.10, shadow_wage_ratio=0.5, shadow_exchange_ratio=1.2
        )
        traded, wages, taxes = -100 + 120 / 1.1, 10 + 10 / 1.1, 5 + 5 / 1.1
        assert got.npv_financial == pytest.approx(traded - wages - taxes)
        assert got.npv == pytest.approx(1.2 * traded - 0.5 * wages)
        assert got.from_transfers == pytest.approx(taxes)

    @given(traded=FLOWS, labour=WAGES, other=FLOWS, taxes=FLOWS, swr=st.floats(0, 1.5), ser=st.floats(0.5, 2))
    def test_steps_sum(
        self, traded: list[float], labour: list[float], other: list[float], taxes: list[float], swr: float, ser: float
    ) -> None:
        got = economic_npv(
            traded, labour, other, taxes, discount_rate=0.05, shadow_wage_ratio=swr, shadow_exchange_ratio=ser
        )
        steps = got.npv_financial + got.from_exchange_rate + got.from_wages + got.from_transfers
        assert got.npv == pytest.approx(float(steps), abs=1e-9)
        factor = 1.05 ** -np.arange(3)
        whole = (ser * np.array(traded) - swr * np.array(labour) + np.array(other)) @ factor
        assert got.npv == pytest.approx(float(whole), abs=1e-9)

    def test_a_rate_of_its_own_for_each_draw(self) -> None:
        """A coin in each of two years: 1 + 1 / (1 + i)."""
        got = economic_npv(
            np.ones((2, 2)), np.zeros((2, 2)), np.zeros((2, 2)), np.zeros((2, 2)), discount_rate=[0.0, 0.25],
            shadow_wage_ratio=1.0, shadow_exchange_ratio=1.0,
        )  # fmt: skip
        assert got.npv.tolist() == [2.0, 1.8] and got.discount_rate.tolist() == [0.0, 0.25]

    def test_draws(self) -> None:
        flows = np.ones((4, 3))
        got = economic_npv(
            flows, flows, flows, flows, discount_rate=0.0, shadow_wage_ratio=np.ones(4), shadow_exchange_ratio=1.0
        )
        assert got.npv.tolist() == [3, 3, 3, 3]

    def test_refused(self) -> None:
        with pytest.raises(InputError, match="discount rate is -1"):
            economic_npv([1], [1], [1], [1], discount_rate=-1, shadow_wage_ratio=1, shadow_exchange_ratio=1)
        with pytest.raises(InputError, match="labour holds values below 0"):
            economic_npv([1], [-1], [1], [1], discount_rate=0, shadow_wage_ratio=1, shadow_exchange_ratio=1)
        with pytest.raises(InputError, match="shadow wage ratio"):
            economic_npv([1], [1], [1], [1], discount_rate=0, shadow_wage_ratio=-1, shadow_exchange_ratio=1)


def test_revenue_forgone_per_unit() -> None:
    got = per_unit_forgone([100.0, 100.0, 0.0], [50.0, 0.0, 10.0])
    assert got[0] == 2 and np.isnan(got[1]) and got[2] == 0

"""Impact of a demand: identity, additivity, mixed model, price bridge, financing."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karvan.base.errors import InputError, UnknownName
from karvan.economy import Closure, InputOutputTable, PriceBridge
from karvan.economy.impact import impact

Make = Callable[..., InputOutputTable]
SEEDS = st.integers(0, 2**32 - 1)
CLOSURE = Closure.spending_share(0.7)


def demand_of(seed: int, size: int = 6) -> list[float]:
    values = np.random.Generator(np.random.Philox(seed + 1)).uniform(0, 50, size)
    return [float(value) for value in values]


@settings(deadline=None, max_examples=25)
@given(seed=SEEDS)
def test_every_coin_ends_as_value_added_import_or_tax(random_table: Make, seed: int) -> None:
    t, f = random_table(seed), demand_of(seed)
    for closure in (None, CLOSURE, Closure.labour_income()):
        identity = impact(t, f, price_basis="basic", closure=closure).identity
        assert identity.missing == () and abs(identity.residual) < 1e-9 * identity.demand


@settings(deadline=None, max_examples=25)
@given(seed=SEEDS)
def test_impact_of_a_sum_is_the_sum_of_impacts(random_table: Make, seed: int) -> None:
    t, f, g = random_table(seed), np.array(demand_of(seed)), np.array(demand_of(seed + 7))
    both, one, two = (impact(t, list(d), price_basis="basic", closure=CLOSURE) for d in (f + g, f, g))
    for account in t.accounts:
        for part in ("direct", "indirect", "induced"):
            whole = getattr(one, part)[account] + getattr(two, part)[account]
            assert np.allclose(getattr(both, part)[account], whole, rtol=1e-10, atol=1e-12)


@settings(deadline=None, max_examples=25)
@given(seed=SEEDS)
def test_impact_agrees_with_effects(random_table: Make, seed: int) -> None:
    t = random_table(seed)
    got = impact(t, {"s2": 10.0}, price_basis="basic", closure=CLOSURE)
    for account in t.accounts:
        assert got.total(account) == pytest.approx(10 * t.effects(account, type="II", closure=CLOSURE)["s2"], rel=1e-10)
        plain = got.direct[account].sum() + got.indirect[account].sum()
        assert plain == pytest.approx(10 * t.effects(account)["s2"], rel=1e-10)
        assert got.direct[account].sum() == pytest.approx(10 * t.coefficients(account)[2])


@settings(deadline=None, max_examples=25)
@given(seed=SEEDS)
def test_mixed_model_holds_the_output_given(random_table: Make, seed: int) -> None:
    """The fixed industry makes what it is given, induced demand or not, and the balance of every row still holds."""
    t = random_table(seed)
    for closure in (None, CLOSURE):
        got = impact(t, {"s3": 4.0}, price_basis="basic", closure=closure, exogenous_output={"s1": 25.0, "s5": 8.0})
        output = got.by_sector("output")
        assert output["s1"] == pytest.approx(25) and output["s5"] == pytest.approx(8)
        x = got.direct["output"] + got.indirect["output"]
        assert np.allclose(x - t.A @ x, got.final_demand, atol=1e-10)
        assert abs(got.identity.residual) < 1e-9 * abs(got.identity.demand)


def test_mixed_model_of_one_industry_is_its_final_demand_scaled(random_table: Make) -> None:
    t = random_table(11)
    k = t.position("s1")
    fixed = impact(t, {}, price_basis="basic", exogenous_output={"s1": 25.0})
    assert fixed.total("gva") == pytest.approx(25 / t.L[k, k] * t.effects("gva")["s1"])
    assert fixed.final_demand[k] == pytest.approx(25 / t.L[k, k])


def test_financing_takes_from_households(random_table: Make) -> None:
    """A subsidy paid by households: what they no longer buy is counted, and a pure transfer back would cancel it."""
    t = random_table(4)
    free = impact(t, {"s0": 10.0}, price_basis="basic", closure=CLOSURE)
    paid = impact(t, {"s0": 10.0}, price_basis="basic", closure=CLOSURE, financed_by_households=10.0)
    assert paid.total("employment") < free.total("employment")
    assert paid.financing["gva"].sum() < 0 and not free.financing
    column = t.household_column(CLOSURE)
    first_round = -10 * float(t.effects("gva", type="II", closure=CLOSURE).values @ column.domestic)
    assert paid.totals["gva"]["financing"] == pytest.approx(first_round)
    assert abs(paid.identity.residual) < 1e-9


def test_totals_by_part(textbook: InputOutputTable) -> None:
    got = impact(textbook, {"1": 600, "2": 1500}, price_basis="basic")
    assert got.closure == "none (Type I)" and "induced" not in got.totals["output"]
    assert got.totals["output"]["direct"] == 2100
    assert got.totals["output"]["total"] == pytest.approx(3089.109, abs=1e-3)
    assert got.identity.missing == ("imports", "product_tax")
    assert got.identity.residual == pytest.approx(0, abs=1e-9)
    assert got.by_sector("employment").unit == "persons"


class TestBridge:
    """A car of 100 at the dealer: 10 tax, 25 margins, of the other 65 two fifths imported."""

    BRIDGE = PriceBridge(np.array([0.25, 0.0]), np.array([0.1, 0.0]), np.array([0.4, 0.1]), np.array([0.0, 1.0]))

    def test_parts(self) -> None:
        parts = self.BRIDGE.to_basic([100, 0])
        assert parts.domestic.tolist() == [39, 25]
        assert (parts.imports, parts.product_tax, parts.margins) == (26, 10, 25)

    @settings(deadline=None, max_examples=25)
    @given(paid=st.lists(st.floats(0, 1e6), min_size=2, max_size=2))
    def test_nothing_is_lost(self, paid: list[float]) -> None:
        parts = self.BRIDGE.to_basic(paid)
        assert parts.domestic.sum() + parts.imports + parts.product_tax == pytest.approx(sum(paid), abs=1e-6)

    def test_impact_at_purchasers_prices(self, textbook: InputOutputTable) -> None:
        got = impact(textbook, {"1": 100}, price_basis="purchasers", bridge=self.BRIDGE)
        plain = impact(textbook, {"1": 39, "2": 25}, price_basis="basic")
        assert got.total("gva") == pytest.approx(plain.total("gva"))
        assert got.leaks == {"imports": 26, "product_tax": 10}
        assert got.identity.demand == pytest.approx(100) and got.identity.residual == pytest.approx(0, abs=1e-9)

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            ("margins", [0.95, 0.0], "more than the whole price of product 0"),
            ("imports", [1.4, 0.0], "imports must be shares between 0 and 1"),
            ("margin_sectors", [0.5, 0.2], "margin_sectors sum to 0.7"),
            ("product_tax", [0.1], "product_tax has shape"),
        ],
    )
    def test_refused(self, field: str, value: list[float], message: str) -> None:
        fields = {"margins": [0.25, 0], "product_tax": [0.1, 0], "imports": [0.4, 0.1], "margin_sectors": [0, 1]}
        with pytest.raises(InputError, match=message):
            PriceBridge(**{name: np.array(v, dtype=float) for name, v in {**fields, field: value}.items()})

    def test_wrong_length(self) -> None:
        with pytest.raises(InputError, match="purchases have shape"):
            self.BRIDGE.to_basic([1.0, 2.0, 3.0])


class TestRefusals:
    def test_price_basis(self, textbook: InputOutputTable) -> None:
        for ask in (textbook.impact, lambda demand: impact(textbook, demand)):
            with pytest.raises(InputError, match=r"not told the price basis .* expected price_basis='basic', or"):
                ask({"1": 1.0})
        with pytest.raises(InputError, match="credited with the dealer's share"):
            impact(textbook, {"1": 1.0}, price_basis="purchasers")
        with pytest.raises(InputError, match="price_basis is 'producers' for a table at basic prices"):
            impact(textbook, {"1": 1.0}, price_basis="producers")

    def test_fixed_output_and_demand_of_one_industry(self, textbook: InputOutputTable) -> None:
        with pytest.raises(InputError, match="would be counted twice"):
            impact(textbook, {"1": 1.0}, price_basis="basic", exogenous_output={"1": 5.0})

    def test_financing_without_a_closure(self, textbook: InputOutputTable) -> None:
        with pytest.raises(InputError, match="needs a closure"):
            impact(textbook, {"1": 1.0}, price_basis="basic", financed_by_households=1.0)

    def test_unknown_sector(self, textbook: InputOutputTable) -> None:
        with pytest.raises(UnknownName, match="no sector 'cars'"):
            textbook.impact({"cars": 1.0}, price_basis="basic")

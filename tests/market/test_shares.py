"""Two-level shares: a worked example, laws, and a plain loop that does the same sums one by one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karvan.base.axes import Array
from karvan.base.errors import InputError
from karvan.market import DoubleCES

SHARED = Path(__file__).parents[2].parent / "shared" / "reference" / "trade"


def sample(seed: int, draws: int = 5) -> tuple[DoubleCES, Array, dict[str, Any]]:
    """A market of 14 offers, 5 brands, 2 products and 3 countries, three offers new; costs for some draws."""
    generator = np.random.default_rng(seed)
    brand, product = np.array([0, 0, 0, 1, 1, 2, 3, 0, 1, 1, 2, 3, 3, 4]), np.array([0] * 7 + [1] * 7)
    quantities = generator.gamma(1.0, 100.0, (14, 3))
    quantities[[2, 6, 13]] = 0.0
    quantities[3, 1] = 0.0
    entrant = np.zeros((14, 3))
    entrant[[2, 6, 13]] = generator.uniform(0.02, 0.4, (3, 3))
    cost = np.exp(generator.normal(0, 0.2, (draws, 14, 3)))
    options: dict[str, Any] = {
        "theta": generator.uniform(4, 10, draws),
        "eta": generator.uniform(1.5, 5, draws),
        "entrant_share": entrant,
    }
    return DoubleCES.calibrate(quantities, brand, product), cost, options


def one_by_one(ces: DoubleCES, cost: Array, theta: float, eta: float, entrant: Array) -> Array:
    """The definition of the shares, offer by offer."""
    shares = np.zeros_like(cost)
    for m in range(cost.shape[1]):
        for k in range(ces.products):
            tops: dict[int, float] = {}
            splits: dict[int, dict[int, float]] = {}
            for b in sorted(set(ces.brand.tolist())):
                rows = [v for v in range(len(ces.brand)) if ces.brand[v] == b and ces.product[v] == k]
                base = {v: ces.plant_share[v, m] if ces.plant_share[v, m] > 0 else entrant[v, m] for v in rows}
                whole = sum(base.values())
                if whole == 0:
                    continue
                new = sum(entrant[v, m] for v in rows if ces.plant_share[v, m] == 0)
                weight = ces.brand_share[b * ces.products + k, m] or new
                x = {v: base[v] / whole * cost[v, m] ** -theta for v in rows}
                index = sum(x.values()) ** (-1 / theta)
                tops[b] = weight * index**-eta
                splits[b] = {v: x[v] / sum(x.values()) for v in rows}
            for b, split in splits.items():
                for v, s in split.items():
                    shares[v, m] = s * tops[b] / sum(tops.values())
    return shares


@pytest.mark.parametrize("seed", [1, 2])
def test_against_the_definition(seed: int) -> None:
    ces, cost, options = sample(seed)
    got = ces.shares(cost, theta=options["theta"], eta=options["eta"], entrant_share=options["entrant_share"])
    for d in range(len(cost)):
        expected = one_by_one(ces, cost[d], options["theta"][d], options["eta"][d], options["entrant_share"])
        np.testing.assert_allclose(got[d], expected, rtol=1e-12, atol=1e-15)


class TestWorkedExample:
    """Two brands, three plants, two markets; the cost of one plant rises 10 % in market 0 (eta 3.87, theta 7.7)."""

    ces = DoubleCES.calibrate([[30.0, 3.0], [20.0, 7.0], [50.0, 40.0]], brand=[0, 0, 1], product=[0, 0, 0])
    cost = np.array([[1.0, 1.0], [1.1, 1.0], [1.0, 1.0]])

    def test_spending(self) -> None:
        shares = self.ces.shares(self.cost, theta=7.7, eta=3.87, measure="value")
        spending = shares * np.array([100.0, 50.0])
        np.testing.assert_allclose(
            spending[:, 0], [36.23308281261821, 11.59552327132665, 52.171393916055145], rtol=1e-10
        )
        np.testing.assert_allclose(spending[:, 1], [3.0, 7.0, 40.0], rtol=1e-12)

    def test_price_index(self) -> None:
        index = self.ces.price_index(self.cost, theta=7.7, eta=3.87)
        np.testing.assert_allclose(index, [[1.0149225560216055, 1.0]], rtol=1e-10)

    def test_cars_are_spending_with_eta_one_higher(self) -> None:
        """Counted in cars the upper exponent is -eta, in money 1 - eta."""
        cars = self.ces.shares(self.cost, theta=7.7, eta=2.87)
        money = self.ces.shares(self.cost, theta=7.7, eta=3.87, measure="value")
        np.testing.assert_allclose(cars, money, rtol=1e-13)

    def test_whole_reference_file(self) -> None:
        path = SHARED / "double_ces_tiny.json"
        if not path.is_file():
            pytest.skip("the reference folder is not beside the repository")
        case = json.loads(path.read_text())
        sold = np.array(case["sourcing_share"]) * np.array(case["brand_share"])[case["pair_brand"]]
        ces = DoubleCES.calibrate(sold * case["expenditure"], case["pair_brand"], [0, 0, 0])
        options = {"theta": case["theta"], "eta": case["eta"]}
        shares = ces.shares(case["cost_hat"], **options, measure="value")
        np.testing.assert_allclose(shares * case["expenditure"], case["sales"], rtol=1e-10)
        brands = np.array([shares[:2].sum(axis=0), shares[2]])
        np.testing.assert_allclose(brands, case["new_brand_share"], rtol=1e-10)
        np.testing.assert_allclose(shares / brands[case["pair_brand"]], case["new_sourcing_share"], rtol=1e-10)
        np.testing.assert_allclose(ces.price_index(case["cost_hat"], **options)[0], case["price_index_hat"], rtol=1e-10)


class TestLaws:
    """What must hold for any market."""

    @given(st.integers(0, 10_000))
    @settings(max_examples=25, deadline=None)
    def test_base_year_is_reproduced(self, seed: int) -> None:
        generator = np.random.default_rng(seed)
        quantities = generator.gamma(0.5, 1000, (9, 4)) * (generator.random((9, 4)) > 0.3)
        brand, product = generator.integers(0, 4, 9), generator.integers(0, 2, 9)
        ces = DoubleCES.calibrate(quantities, brand, product, brands=4, products=2)
        totals = np.stack([quantities[product == k].sum(axis=0) for k in range(2)])
        again = (
            ces.shares(np.ones((9, 4)), theta=generator.uniform(1, 12), eta=generator.uniform(1, 6)) * totals[product]
        )
        np.testing.assert_allclose(again, quantities, rtol=1e-12, atol=1e-12)

    @given(st.integers(0, 10_000), st.integers(0, 13), st.floats(1.01, 5.0))
    @settings(max_examples=40, deadline=None)
    def test_shares_sum_to_one_and_fall_with_own_cost(self, seed: int, offer: int, rise: float) -> None:
        ces, cost, options = sample(seed, draws=3)
        before = ces.shares(cost, **options)
        for k in range(2):
            np.testing.assert_allclose(before[:, ces.product == k].sum(axis=1), 1.0, rtol=1e-12)
        dearer = cost.copy()
        dearer[:, offer] *= rise
        after = ces.shares(dearer, **options)
        assert (after[:, offer] <= before[:, offer]).all()
        others = (ces.product == ces.product[offer]) & (np.arange(14) != offer) & (ces.brand != ces.brand[offer])
        assert (after[:, others] >= before[:, others] * (1 - 1e-12)).all()
        assert (after[:, ces.product != ces.product[offer]] == before[:, ces.product != ces.product[offer]]).all()

    @given(st.integers(0, 10_000))
    @settings(max_examples=20, deadline=None)
    def test_a_plant_with_several_brands_loses_when_it_gets_dearer(self, seed: int) -> None:
        ces, cost, options = sample(seed, draws=3)
        mine = np.array([0, 3, 6, 9, 12])
        dearer = cost.copy()
        dearer[:, mine] *= 1.2
        before = ces.shares(cost, **options)
        after = ces.shares(dearer, **options)
        for k in range(2):
            rows = mine[ces.product[mine] == k]
            assert (after[:, rows].sum(axis=1) <= before[:, rows].sum(axis=1) + 1e-15).all()

    @given(st.integers(0, 10_000), st.integers(0, 2))
    @settings(max_examples=20, deadline=None)
    def test_a_copy_of_a_market_changes_no_other_market(self, seed: int, market: int) -> None:
        ces, cost, options = sample(seed)
        wide = DoubleCES(
            ces.brand,
            ces.product,
            np.concatenate([ces.brand_share, ces.brand_share[:, [market]]], axis=1),
            np.concatenate([ces.plant_share, ces.plant_share[:, [market]]], axis=1),
            ces.products,
        )
        entrant = np.concatenate([options["entrant_share"], options["entrant_share"][:, [market]]], axis=1)
        more = np.concatenate([cost, cost[..., [market]]], axis=2)
        got = wide.shares(more, theta=options["theta"], eta=options["eta"], entrant_share=entrant)
        base = ces.shares(cost, **options)
        assert (got[..., :3] == base).all()
        assert (got[..., 3] == base[..., market]).all()

    def test_order_of_offers_does_not_matter(self) -> None:
        ces, cost, options = sample(4)
        order = np.random.default_rng(0).permutation(14)
        mixed = DoubleCES(ces.brand[order], ces.product[order], ces.brand_share, ces.plant_share[order], ces.products)
        got = mixed.shares(
            cost[:, order], theta=options["theta"], eta=options["eta"], entrant_share=options["entrant_share"][order]
        )
        np.testing.assert_allclose(got, ces.shares(cost, **options)[:, order], rtol=1e-12)

    def test_draws_do_not_see_each_other(self) -> None:
        ces, cost, options = sample(5, draws=40)
        whole = ces.shares(cost, **options)
        part = ces.shares(
            cost[7:9], theta=options["theta"][7:9], eta=options["eta"][7:9], entrant_share=options["entrant_share"]
        )
        assert (part == whole[7:9]).all()


class TestEntrants:
    """An offer without base sales gets the place its prior says, and then answers to cost like any other."""

    ces = DoubleCES.calibrate([[60.0], [40.0], [0.0], [0.0]], brand=[0, 1, 1, 2], product=[0, 0, 0, 0])
    par = np.ones((4, 1))

    def shares(self, entrant: list[float], cost: Array | None = None) -> Array:
        given = np.array(entrant)[:, None]
        return self.ces.shares(self.par if cost is None else cost, theta=8.0, eta=4.0, entrant_share=given)[:, 0]

    def test_never_without_a_prior(self) -> None:
        assert self.shares([0, 0, 0, 0]).tolist() == [0.6, 0.4, 0.0, 0.0]

    def test_second_plant_of_a_brand_splits_its_sales(self) -> None:
        assert self.shares([0, 0, 0.25, 0]).tolist() == pytest.approx([0.6, 0.32, 0.08, 0.0])

    def test_new_brand_takes_from_all(self) -> None:
        assert self.shares([0, 0, 0, 0.25]).tolist() == pytest.approx([0.48, 0.32, 0.0, 0.2])

    def test_incumbents_do_not_read_it(self) -> None:
        assert self.shares([9.0, 9.0, 0, 0.25]).tolist() == self.shares([0, 0, 0, 0.25]).tolist()

    def test_cheaper_entrant_sells_more(self) -> None:
        cheap = self.par.copy()
        cheap[3] = 0.8
        odds = self.shares([0, 0, 0, 0.25], cheap)[3] / self.shares([0, 0, 0, 0.25], cheap)[0]
        assert odds == pytest.approx(0.25 / 0.6 * 0.8**-4)

    def test_appeal(self) -> None:
        """An offer's appeal is a cost lower by a^(1/theta); a brand's moves its odds one for one."""
        lifted = self.ces.shares(self.par, theta=8.0, eta=4.0, appeal=[[2.0], [1.0], [1.0], [1.0]])
        cheaper = self.ces.shares([[2 ** (-1 / 8)], [1.0], [1.0], [1.0]], theta=8.0, eta=4.0)
        np.testing.assert_allclose(lifted, cheaper, rtol=1e-12)
        brand = self.ces.shares(self.par, theta=8.0, eta=4.0, brand_appeal=[[2.0], [1.0], [1.0]])
        assert brand[0, 0] / brand[1, 0] == pytest.approx(3.0)

    def test_a_plant_taken_away(self) -> None:
        """Infinite cost: its brand keeps what the other plants hold."""
        ces = DoubleCES.calibrate([[50.0], [50.0], [100.0]], [0, 0, 1], [0, 0, 0])
        gone = ces.shares([[np.inf], [1.0], [1.0]], theta=8.0, eta=4.0)[:, 0]
        index = 0.5 ** (-1 / 8)
        assert gone[0] == 0
        assert gone[1] / gone[2] == pytest.approx(index**-4)


def test_refusals() -> None:
    with pytest.raises(InputError, match="do not fit"):
        DoubleCES.calibrate([[1.0]], [0, 1], [0])
    with pytest.raises(InputError, match="negative or missing"):
        DoubleCES.calibrate([[-1.0]], [0], [0])
    with pytest.raises(InputError, match="brand runs from 3 to 3; expected 0 to 1"):
        DoubleCES.calibrate([[1.0]], [3], [0], brands=2)
    ces = DoubleCES.calibrate([[1.0, 2.0], [3.0, 4.0]], [0, 1], [0, 0])
    cases: dict[str, dict[str, Any]] = {
        "cost_hat is": {"cost_hat": np.ones((3, 2))},
        "cost_hat has": {"cost_hat": np.zeros((2, 2))},
        "theta and eta": {"theta": 0.0},
        "entrant_share has": {"entrant_share": -np.ones((2, 2))},
        "measure is": {"measure": "tons"},
    }
    for match, change in cases.items():
        given: dict[str, Any] = {"cost_hat": np.ones((2, 2)), "theta": 5.0, "eta": 3.0} | change
        with pytest.raises(InputError, match=match):
            ces.shares(**given)
    with pytest.raises(InputError, match="eta is 1"):
        ces.price_index(np.ones((2, 2)), theta=5.0, eta=1.0)

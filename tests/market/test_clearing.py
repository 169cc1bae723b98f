"""Capacity: conservation, limits, and prices that really clear the market."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from karvan.base.axes import Array, IntArray
from karvan.base.errors import InputError
from karvan.market import SHADOW_LIMIT, Cleared, DoubleCES, clear


def sample(seed: int, draws: int = 6, scale: float = 1.0) -> tuple[DoubleCES, dict[str, Any], IntArray]:
    """16 offers from 7 plants, four of them limited, some closed; 2 products, 4 markets."""
    generator = np.random.default_rng(seed)
    brand, product, plant = generator.integers(0, 6, 16), np.arange(16) % 2, generator.integers(0, 7, 16)
    quantities = generator.gamma(1.0, 500.0, (16, 4))
    quantities[-2:] = 0
    entrant = np.zeros((16, 4))
    entrant[-2:] = 0.1
    capacity = np.full((draws, 7), np.inf)
    capacity[:, :4] = generator.gamma(1.0, 2_000.0 * scale, (draws, 4)) * (generator.random((draws, 4)) > 0.2)
    given: dict[str, Any] = {
        "cost_hat": np.exp(generator.normal(0, 0.15, (draws, 16, 4))),
        "demand": generator.gamma(4.0, 1_000.0, (draws, 2, 4)),
        "capacity": capacity,
        "theta": generator.uniform(4, 10, draws),
        "eta": generator.uniform(2, 5, draws),
        "entrant_share": entrant,
    }
    return DoubleCES.calibrate(quantities, brand, product, brands=6, products=2), given, plant


def made(result: Cleared, plant: IntArray, plants: int) -> Array:
    """Cars by plant, (D, P)."""
    by_offer = result.quantities.sum(axis=-1)
    return np.stack([by_offer[:, plant == p].sum(axis=1) for p in range(plants)], axis=1)


class TestLaws:
    """What must hold whatever the limits are."""

    @given(st.integers(0, 100_000), st.sampled_from([0.2, 1.0, 3.0]))
    @settings(max_examples=40, deadline=None)
    def test_conservation_and_limits(self, seed: int, scale: float) -> None:
        ces, options, plant = sample(seed, scale=scale)
        result = clear(ces, plant=plant, **options)
        output = made(result, plant, 7)
        assert (output <= options["capacity"] * (1 + 1e-9)).all()
        assert (result.quantities >= 0).all()
        assert (result.unserved >= 0).all()
        assert (result.shadow >= 1).all()
        assert (result.shadow <= SHADOW_LIMIT * (1 + 1e-12)).all()
        for k in range(2):
            sold = result.quantities[:, ces.product == k].sum(axis=1) + result.unserved[:, k]
            np.testing.assert_allclose(sold, options["demand"][:, k], rtol=1e-9)

    @given(st.integers(0, 100_000))
    @settings(max_examples=30, deadline=None)
    def test_nobody_is_unserved_while_somebody_has_room(self, seed: int) -> None:
        ces, options, plant = sample(seed, scale=0.3)
        options["capacity"][:, 4:] = 4_000.0
        result = clear(ces, plant=plant, **options)
        room = options["capacity"] - made(result, plant, 7) > 1e-6 * options["capacity"]
        for d, k, m in np.argwhere(result.unserved > 1e-6):
            sellers = (ces.product == k) & (result.quantities[d, :, m] > 0)
            assert not room[d, plant[sellers]].any()

    @given(st.integers(0, 100_000))
    @settings(max_examples=30, deadline=None)
    def test_shadow_prices_clear_the_market(self, seed: int) -> None:
        """Priced at cost times shadow price, buyers themselves ask for what is sold; only full plants cost more."""
        ces, options, plant = sample(seed, scale=2.0)
        result = clear(ces, plant=plant, **options)
        open_ = options["capacity"] > 0
        cost = options["cost_hat"] * result.shadow[:, plant, None]
        cost = np.where(open_[:, plant, None], cost, np.inf)
        entrant = options["entrant_share"] * open_[:, plant, None]
        asked = ces.shares(cost, theta=options["theta"], eta=options["eta"], entrant_share=entrant)
        asked = asked * options["demand"][:, ces.product]
        assume((result.shadow < SHADOW_LIMIT * 0.99)[open_].all() and result.unserved.max() == 0)
        assert np.abs((asked - result.quantities) / options["demand"][:, ces.product]).max() < 1e-5
        output = made(result, plant, 7)
        dear = (result.shadow > 1.0001) & open_
        np.testing.assert_allclose(output[dear], options["capacity"][dear], rtol=1e-4)


def test_no_limits_is_demand_times_shares() -> None:
    ces, options, plant = sample(1)
    options["capacity"] = np.full(7, np.inf)
    result = clear(ces, plant=plant, **options)
    shares = ces.shares(
        options["cost_hat"], theta=options["theta"], eta=options["eta"], entrant_share=options["entrant_share"]
    )
    np.testing.assert_allclose(result.quantities, shares * options["demand"][:, ces.product], rtol=1e-13)
    assert (result.shadow == 1).all()
    np.testing.assert_allclose(result.wanted, made(result, plant, 7), rtol=1e-12)


@pytest.mark.parametrize("scale", [0.3, 1.5, 4.0])
def test_ten_steps_are_enough(scale: float) -> None:
    """At the default number of steps the sales are those of many, where a price clears the market at all."""
    ces, options, plant = sample(11, draws=200, scale=scale)
    ten, many = clear(ces, plant=plant, **options), clear(ces, plant=plant, iterations=200, **options)
    apart = np.abs(ten.quantities - many.quantities).max(axis=(1, 2)) / options["demand"].max(axis=(1, 2))
    assert np.quantile(apart, 0.99) < 1e-6


class TestByHand:
    """Two brands of one plant each: odds fall with the price to the power eta."""

    ces = DoubleCES.calibrate([[60.0], [40.0]], brand=[0, 1], product=[0, 0])

    def test_one_full_plant(self) -> None:
        result = clear(self.ces, np.ones((2, 1)), [[100.0]], [50.0, np.inf], [0, 1], theta=7.7, eta=4.0)
        assert result.shadow[0] == pytest.approx(1.5**0.25)
        assert result.wanted.tolist() == pytest.approx([60.0, 40.0])

    def test_closed_plant_sells_nothing(self) -> None:
        result = clear(self.ces, np.ones((2, 1)), [[100.0]], [0.0, np.inf], [0, 1], theta=7.7, eta=4.0)
        assert result.quantities[:, 0].tolist() == [0.0, 100.0]
        assert result.shadow.tolist() == [SHADOW_LIMIT, 1.0]

    def test_all_plants_short(self) -> None:
        result = clear(self.ces, np.ones((2, 1)), [[100.0]], [30.0, 20.0], [0, 1], theta=7.7, eta=4.0)
        assert result.quantities[:, 0].tolist() == pytest.approx([30.0, 20.0])
        assert result.unserved[0, 0] == pytest.approx(50.0)

    def test_nobody_there(self) -> None:
        result = clear(self.ces, np.ones((2, 1)), [[100.0]], [0.0, 0.0], [0, 1], theta=7.7, eta=4.0)
        assert result.quantities.sum() == 0
        assert result.unserved[0, 0] == 100.0

    def test_entrant_without_capacity_has_not_entered(self) -> None:
        """It neither sells nor dilutes its brand."""
        ces = DoubleCES.calibrate([[60.0], [40.0], [0.0]], brand=[0, 1, 1], product=[0, 0, 0])
        prior = [[0.0], [0.0], [0.5]]
        result = clear(
            ces, np.ones((3, 1)), [[100.0]], [np.inf, np.inf, 0.0], [0, 1, 2], theta=7.7, eta=4.0, entrant_share=prior
        )
        assert result.quantities[:, 0].tolist() == pytest.approx([60.0, 40.0, 0.0])
        assert result.wanted[2] == 0


def test_draws_do_not_see_each_other() -> None:
    """The same draw gives the same bytes alone among few and among many."""
    ces, options, plant = sample(2, draws=80, scale=1.0)
    whole = clear(ces, plant=plant, **options)
    some = slice(31, 34)
    part = clear(
        ces,
        plant=plant,
        **{name: value[some] if name != "entrant_share" else value for name, value in options.items()},
    )
    for name in ("quantities", "shadow", "wanted", "unserved"):
        assert (getattr(part, name) == getattr(whole, name)[some]).all(), name


def test_no_draw_axis() -> None:
    """Without leading axes the result has none, and equals one draw of many."""
    ces, options, plant = sample(4, draws=3)
    single = {name: value[0] if name != "entrant_share" else value for name, value in options.items()}
    alone, among = clear(ces, plant=plant, **single), clear(ces, plant=plant, **options)
    assert alone.quantities.shape == (16, 4)
    np.testing.assert_allclose(alone.quantities, among.quantities[0], rtol=1e-9, atol=1e-9)


def test_refusals() -> None:
    ces = DoubleCES.calibrate([[60.0], [40.0]], brand=[0, 1], product=[0, 0])
    good: dict[str, Any] = {"cost_hat": np.ones((2, 1)), "demand": [[1.0]], "capacity": [1.0, 1.0], "plant": [0, 1]}
    cases: dict[str, dict[str, Any]] = {
        "plant is": {"plant": [0, 5]},
        "demand is": {"demand": [1.0]},
        "demand has": {"demand": [[np.nan]]},
        "capacity has": {"capacity": [-1.0, 1.0]},
        "iterations is 0": {"iterations": 0},
    }
    for match, change in cases.items():
        with pytest.raises(InputError, match=match):
            clear(ces, theta=5.0, eta=3.0, **(good | change))

"""Rivals in the year loop: they answer, they can be told not to, and then nothing has changed."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from karvan.base.axes import Array
from karvan.futures.blocks import FlowAppeal, demand_inputs, market_inputs
from karvan.futures.ensemble import Futures, simulate
from karvan.futures.inputs import Draws, Prepared, prepare
from karvan.futures.rivals import Rivals
from karvan.futures.yearloop import _Run, run_block
from karvan.study.load import Study

WithLevers = Callable[..., Study]
STILL = tuple({"lever": name, "value": 0.0} for name in ("rival_response", "rival_use", "rival_entry_rate"))
SIZE, LAST = 40, 2031


@pytest.fixture(scope="module")
def still(with_levers: WithLevers) -> Prepared:
    return prepare(with_levers(*STILL), "moved", 2026, LAST)


def same(one: Any, other: Any) -> bool:
    """Whether two blocks hold the same bytes."""
    groups = ("figures", "plants", "markets", "sectors", "offers", "flows")
    return all(
        np.array_equal(values, getattr(other, group)[name])
        for group in groups
        for name, values in getattr(one, group).items()
    )


class TestThreeLeversAtZero:
    """Rivals that never answer are those of a loop without them."""

    def test_the_same_bytes_as_without_rivals(self, still: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
        told = run_block(still, 1, 0, SIZE)
        monkeypatch.setattr(Rivals, "price", lambda self, price, index: price)
        none = np.empty(0, dtype=np.int64), np.empty((0, SIZE))
        monkeypatch.setattr(Rivals, "moved", lambda self, index: none)
        monkeypatch.setattr(Rivals, "learn", lambda self, sold, wanted, index: None)
        assert same(told, run_block(still, 1, 0, SIZE))

    def test_as_they_are_they_change_something(self, still: Prepared, prepared: Prepared) -> None:
        one, other = run_block(prepared, 1, 0, SIZE), run_block(still, 1, 0, SIZE)
        assert np.array_equal(
            one.offers["delivered"], other.offers["delivered"]
        )  # in the first year nobody has seen us
        assert not np.array_equal(one.figures["output"][:, 1], other.figures["output"][:, 1])


class TestAnswer:
    """The state of one block, year by year."""

    @pytest.fixture
    def rivals(self, prepared: Prepared, draws: Draws) -> Rivals:
        demand = demand_inputs(prepared, draws)
        market = market_inputs(prepared, draws, demand)
        return Rivals(prepared, draws, market, demand, FlowAppeal(market.ces, market.appeal))

    def shape(self, rivals: Rivals) -> tuple[int, int, int]:
        layout = rivals.layout
        return (60, len(layout.offers), len(layout.markets))

    def markets(self, rivals: Rivals, ours: float) -> tuple[Array, Array]:
        """Sales of every offer and cars wanted if own offers have a share of every market."""
        layout = rivals.layout
        sold = np.zeros(self.shape(rivals))
        for k in range(len(layout.products)):
            for own, part in ((True, ours), (False, 1.0 - ours)):
                here = (layout.offer_product == k) & ((layout.offer_plant < layout.own) == own)
                sold[:, here] = 1000.0 * part / here.sum()
        return sold, np.full((60, len(layout.products), len(layout.markets)), 1000.0)

    def test_own_share_gained_lowers_rivals_prices_only(self, rivals: Rivals) -> None:
        rivals.use = np.zeros_like(rivals.use)  # no limits: the answer in price alone
        rivals.learn(*self.markets(rivals, 0.95), 0)
        price = rivals.price(np.full(self.shape(rivals), 10_000.0), 1)
        assert (price[:, : rivals.first] == 10_000.0).all()
        assert (price[:, rivals.first :] <= 10_000.0).all()
        assert price[:, rivals.first :].min() < 10_000.0
        assert (price[:, rivals.first :] >= 10_000.0 * (1.0 - rivals.margin)[:, None, None] - 1e-6).all()

    def test_own_share_lost_raises_them_where_there_was_one(self, rivals: Rivals) -> None:
        rivals.use = np.zeros_like(rivals.use)
        rivals.learn(*self.markets(rivals, 0.0), 0)
        price = rivals.price(np.full(self.shape(rivals), 10_000.0), 1)[:, rivals.first :]
        home = rivals.layout.home
        assert (price >= 10_000.0).all()
        assert price[:, :, home].max() > 10_000.0
        assert np.delete(price, home, axis=2).max() == 10_000.0  # no export on record in the base years

    def test_short_makers_of_the_region_ask_more_and_build(self, rivals: Rivals) -> None:
        sold, wanted = self.markets(rivals, 0.0)
        rivals.learn(sold, wanted, 0)
        before = rivals.capacity
        assert before is not None
        assert (rivals.log_price == 0.0).all()
        rivals.learn(2.0 * sold, 2.0 * wanted, 1)
        after = rivals.capacity
        assert after is not None
        assert rivals.limited.tolist() == np.flatnonzero(rivals.near).tolist()  # others send more from afar
        assert (rivals.log_price.mean(axis=0) > 0.0).all()
        assert (after >= before).all()
        assert (after > before).any()

    def test_idle_makers_do_not_build(self, rivals: Rivals) -> None:
        sold, wanted = self.markets(rivals, 0.0)
        rivals.use = np.full_like(rivals.use, 0.5)
        rivals.learn(sold, wanted, 0)
        before = rivals.capacity
        rivals.learn(0.5 * sold, 0.5 * wanted, 1)
        assert np.array_equal(before, rivals.capacity)  # type: ignore[arg-type]

    def test_new_plants_come_in_the_region_alone_and_grow(self, rivals: Rivals) -> None:
        grown = rivals.grown
        assert grown is not None
        assert (np.diff(grown, axis=1) >= 0).all()
        assert (grown[:, :, ~rivals.near] == 1.0).all()
        assert grown.min() >= 1.0
        assert grown.max() <= 2.0
        assert grown[:, -1][:, rivals.near].mean() > 1.0

    def test_rate_of_arrivals(self, with_levers: WithLevers) -> None:
        """A plant a year in every country, each of next to no size: after n years the odds are those of n draws."""
        levers = ({"lever": "rival_entry_rate", "value": 0.5}, {"lever": "rival_entry_size", "value": 1e-3})
        made = prepare(with_levers(*levers), "moved", 2026, LAST)
        draws = Draws(1, 0, 500)
        demand = demand_inputs(made, draws)
        market = market_inputs(made, draws, demand)
        rivals = Rivals(made, draws, market, demand, FlowAppeal(market.ces, market.appeal))
        assert rivals.grown is not None
        none = (rivals.grown[:, -1, np.flatnonzero(rivals.near)[0]] == 1.0).mean()
        years = len(made.layout.years)
        assert none == pytest.approx(np.exp(-0.5 * years), abs=0.03)


class TestRun:
    """Through the whole loop."""

    def test_stronger_answers_sell_fewer_of_ours(self, with_levers: WithLevers, hub: Futures) -> None:
        study = hub.study
        scenario = study.scenario("hub")
        moved = with_levers(
            *[lever.model_dump() for lever in scenario.levers],
            {"lever": "rival_response", "value": 1.0},
            {"lever": "rival_margin", "value": 0.3},
        )
        strong = simulate(moved, scenario="moved", draws=60, until=2030, seed=1, workers=1)
        assert strong.figures["exports"][:, -1].mean() < hub.figures["exports"][:, -1].mean()

    def test_block_is_asked_for_the_state_it_keeps(self, prepared: Prepared, draws: Draws) -> None:
        """The share seen is last year's: what the loop hands over is what it sold."""
        run = _Run(prepared, draws)
        block = run.run()
        home = prepared.layout.home
        seen = run.rivals.share[:, :, home]
        assert seen.shape == (60, len(prepared.layout.products))
        total = block.markets["sales_own"][:, -1, home]
        combustion = run.rivals.share_base[:, :, home]
        assert ((seen > 0).any(axis=1) == (total > 0)).all()
        assert (combustion[:, 0] > 0).all()

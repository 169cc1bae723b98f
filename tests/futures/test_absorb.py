"""Incomplete pass-through: what buyers do not see, sellers bear; by default everything is passed on."""

from collections.abc import Callable

import numpy as np
import pytest

from karvan.base.axes import Array
from karvan.base.errors import UnknownName
from karvan.futures.absorb import PassThrough
from karvan.futures.ensemble import Futures
from karvan.futures.inputs import Draws, Prepared, prepare
from karvan.futures.parity import when
from karvan.futures.yearloop import LAST as LAST_YEAR
from karvan.futures.yearloop import Block, Sight, run_block
from karvan.study.load import Study

WithLevers = Callable[..., Study]
SIZE, LAST = 30, 2029
FEE: dict[str, object] = {"lever": "fee", "market": "GEO", "value": 3000.0, "operation": "add", "year_from": 2027}
STILL = tuple({"lever": name, "value": 0.0} for name in ("rival_response", "rival_use", "rival_entry_rate"))


def part(rate: float, market: str = "*") -> dict[str, object]:
    return {"lever": "pass_through", "key": market, "value": rate}


class Seen:
    """Runs one block and keeps what there was to see."""

    def __init__(self, study: Study) -> None:
        self.prepared = prepare(study, "moved", 2026, LAST)
        self.sights: list[Sight] = []
        self.block: Block = run_block(self.prepared, 1, 0, SIZE, look=self.sights.append)

    def barrier(self, year: int) -> Array:
        """(D, V_own, M), other obstacles to own cars, looked up one by one."""
        layout, draws = self.prepared.layout, self.sights[0].draws
        out = np.zeros((SIZE, layout.own_offers.size, len(layout.markets)))
        for v, offer in enumerate(layout.own_offers):
            for m, market in enumerate(layout.markets):
                product = layout.products[layout.offer_product[offer]]
                cell = self.prepared.friction("barrier", "AZE", market, product, year)
                if cell is not None:
                    out[:, v, m] = draws.of(cell)
        return out


class TestPrices:
    """``p = c_0 (c / c_0)^phi``."""

    def test_whole_by_default(self, with_levers: WithLevers) -> None:
        one, other = Seen(with_levers(FEE)), Seen(with_levers(FEE, part(1.0)))
        for name, values in one.block.figures.items():
            assert np.array_equal(values, other.block.figures[name]), name
        for sight in one.sights:
            assert sight.now.absorbed == 0.0

    def test_nothing_is_passed_on_at_a_rate_of_nothing(self, with_levers: WithLevers) -> None:
        seen = Seen(with_levers(FEE, *STILL, part(0.0)))
        own = seen.prepared.layout.own_offers
        first = seen.sights[0]
        for sight in seen.sights[1:]:
            assert np.allclose(sight.price[:, own, 1], first.price[:, own, 1], rtol=1e-9)
        assert not np.allclose(seen.sights[-1].whole[:, own, 1], first.whole[:, own, 1])

    def test_half_of_a_fee_in_logarithms_and_in_one_market_alone(self, with_levers: WithLevers) -> None:
        seen = Seen(with_levers(*STILL, part(0.5, "GEO")))
        layout = seen.prepared.layout
        m = layout.markets.index("GEO")
        others = [i for i in range(len(layout.markets)) if i != m]
        first = seen.sights[0]
        for sight in seen.sights:
            assert np.allclose(sight.price[:, :, others], sight.whole[:, :, others], rtol=1e-12)
            # From any year to the next buyers see half of the change, whatever the base.
            moved = np.log(sight.price[:, :, m] / first.price[:, :, m])
            assert np.allclose(moved, 0.5 * np.log(sight.whole[:, :, m] / first.whole[:, :, m]), atol=1e-9)


class TestKeptPrices:
    """A run keeps what offers cost in its first and its last year, and says which."""

    def test_last_year_is_the_last_years(self, with_levers: WithLevers) -> None:
        seen = Seen(with_levers(FEE))
        for suffix, sight in (("", seen.sights[0]), (LAST_YEAR, seen.sights[-1])):
            assert np.array_equal(seen.block.offers[f"delivered{suffix}"], sight.price)
            fee = np.median(np.broadcast_to(sight.now.ladder.fee, sight.price.shape), axis=0)
            assert np.allclose(seen.block.offers[f"step.fee{suffix}"], fee)

    def test_addresses(self, baseline: Futures) -> None:
        assert when("price_step", baseline.years[0], baseline) == ""
        assert when("price_step", baseline.years[-1], baseline) == LAST_YEAR
        with pytest.raises(UnknownName, match="price_step is kept for 2026 and 2030 alone, found 2028"):
            when("price_step", 2028, baseline)


class TestWhoBearsTheRest:
    """Makers and importers bear together what buyers do not."""

    @pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
    def test_makers_part_leaves_profit(self, with_levers: WithLevers, share: float) -> None:
        maker: dict[str, object] = {"lever": "absorbed_by_maker", "value": share}
        seen = Seen(with_levers(FEE, *STILL, part(0.3), maker))
        nothing = Seen(with_levers(FEE, *STILL, part(0.3), {**maker, "value": 0.0}))
        layout, rate = seen.prepared.layout, seen.prepared.exchange_rate / 1e6
        own = layout.own_offers
        for y, (sight, free) in enumerate(zip(seen.sights, nothing.sights, strict=True)):
            barrier = seen.barrier(sight.now.year)
            gap = ((sight.whole - sight.price)[:, own] / (1.0 + barrier)) * sight.now.quantities[:, own]
            borne = np.zeros((SIZE, layout.own))
            for place, v in enumerate(own):
                borne[:, layout.offer_plant[v]] += share * gap[:, place].sum(axis=-1)
            assert np.allclose(sight.now.absorbed, borne, atol=1e-6)
            # Cars sold do not depend on who bears it, so profit differs by that alone.
            assert np.array_equal(sight.now.quantities, free.now.quantities)
            lost = nothing.block.figures["profit"][:, y] - seen.block.figures["profit"][:, y]
            total = np.broadcast_to(np.asarray(sight.now.absorbed), (SIZE, layout.own)).sum(axis=1) * rate
            assert np.allclose(lost, total, atol=1e-9)
            assert np.allclose(seen.block.figures["profit"][:, y], seen.block.plants["profit"][:, y].sum(axis=1))

    def test_a_cost_that_falls_is_kept(self, prepared: Prepared, with_levers: WithLevers) -> None:
        made = prepare(with_levers(part(0.5), {"lever": "absorbed_by_maker", "value": 1.0}), "moved", 2026, LAST)
        draws = Draws(1, 0, 4)
        passing = PassThrough(made, draws)
        shape = (4, len(made.layout.offers), len(made.layout.markets))
        passing.begin(np.full(shape, 11_000.0), np.full(shape, 0.1))
        seen = passing.price(np.full(shape, 1.1 * 8_100.0), np.full(shape, 0.1), 0)
        assert np.allclose(seen, 1.1 * 9_000.0)  # 10,000 (0.81)^0.5, the obstacle of a tenth as it was
        kept = passing.absorbed(np.ones(shape))
        offers = np.bincount(made.layout.offer_plant[made.layout.own_offers], minlength=made.layout.own)
        assert np.allclose(kept, -900.0 * shape[2] * offers)

"""The delivered cost in the year loop: the price worked without its steps is the ladder's own."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from karvan.base.axes import Array
from karvan.futures.blocks import demand_inputs, market_inputs
from karvan.futures.inputs import Draws, Prepared
from karvan.futures.trade import Trade
from karvan.futures.yearloop import run_block
from karvan.market.origin import COMPLIES_AT_COST, PAYS_INSTEAD

YEARS = 5


@pytest.fixture
def seen(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Any, Array, Array]]:
    """Of each year of a small block: the ladder everywhere, at home alone, the price, other obstacles."""
    delivered, out = Trade.delivered, []

    def watched(self: Trade, works: Array, content: Array, year: int, index: int, **options: Any) -> Any:
        whole, price, _ = delivered(self, works, content, year, index, **(options | {"full": True}))
        home, again, _ = delivered(self, works, content, year, index, **(options | {"full": False}))
        assert np.array_equal(price, again)
        out.append((whole, home, price, self.friction("barrier", year, levers=options.get("levers", True))))
        return delivered(self, works, content, year, index, **options)

    monkeypatch.setattr(Trade, "delivered", watched)
    run_block(prepared, 1, 0, 8)
    return out


class TestPriceWithoutSteps:
    """Buyers see the ladder's total with other obstacles on top, whether the steps are kept or not."""

    def test_is_the_ladders_total(self, seen: list[tuple[Any, Any, Array, Array]]) -> None:
        assert len(seen) >= YEARS
        for ladder, _, price, barrier in seen:
            assert np.allclose(price, ladder.total * (1.0 + barrier), rtol=1e-12)

    def test_home_alone_is_the_home_column(self, prepared: Prepared, seen: list[tuple[Any, Any, Array, Array]]) -> None:
        column = prepared.layout.home
        for whole, home, price, _ in seen:
            for step in (field.name for field in fields(whole)):
                steps = np.broadcast_to(getattr(whole, step), price.shape)
                alone = np.broadcast_to(getattr(home, step), (*price.shape[:2], 1))
                assert np.allclose(alone[..., 0], steps[..., column], rtol=1e-12), step


class TestWhatComplyingSpares:
    """A maker who weighs a rule of origin weighs the duty that he would pay, whatever it is counted by."""

    def test_a_sum_for_each_cc_counts(self, prepared: Prepared) -> None:
        """Georgia takes nothing by value and 30 USD by engine size: much for a cheap car, nothing for a dear one."""
        draws = Draws(1, 0, 100)
        trade = Trade(prepared, draws, market_inputs(prepared, draws, demand_inputs(prepared, draws)))
        layout, year = prepared.layout, prepared.layout.years[0]
        georgia = layout.markets.index("GEO")
        assert trade.friction("duty_rate", year)[:, trade.own_rows, georgia].max() == 0.0
        short = 0.98 * trade.rules(year).value[:, georgia]
        complying = []
        for price in (1e3, 2e4, 1e6):
            works = np.full((draws.size, len(layout.offers)), price)
            found = trade.origin(works, np.repeat(short[:, None], layout.own, axis=1), year, 0)
            state = found.state[:, :, georgia]
            assert set(np.unique(state)) <= {COMPLIES_AT_COST, PAYS_INSTEAD}
            complying.append((state == COMPLIES_AT_COST).mean())
            paid = found.duty_rate[:, :, georgia][state == PAYS_INSTEAD]
            assert (paid * price <= 45.0 + 1e-9).all()  # what pays instead pays the sum, as a share of its value
        assert complying[0] > complying[1] > complying[2] == 0.0

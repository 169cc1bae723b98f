"""The delivered cost in the year loop: the price worked without its steps is the ladder's own."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from karvan.base.axes import Array
from karvan.futures.inputs import Prepared
from karvan.futures.trade import Trade
from karvan.futures.yearloop import run_block

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

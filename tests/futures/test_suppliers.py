"""Component groups of a run: the same sets, prices and draws as in the year loop, without running it again."""

import numpy as np
import pytest

from karvan.base.axes import Array
from karvan.base.errors import UnknownName
from karvan.futures import suppliers
from karvan.futures.ensemble import Futures
from karvan.futures.inputs import Draws, Prepared
from karvan.futures.know_how import KnowHow
from karvan.futures.suppliers import QUANTITIES, groups_in, joined
from karvan.futures.yearloop import run_block

SIZE = 30


def test_as_in_the_loop(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the loop's know-how took in and priced for, year by year, bit by bit."""
    seen: list[tuple[KnowHow, Array, Array]] = []
    learn = KnowHow.learn

    def watch(self: KnowHow, output: Array, running: Array, index: int) -> None:
        learn(self, output, running, index)
        seen.append((self, output, self.parts))

    monkeypatch.setattr(KnowHow, "learn", watch)
    run_block(prepared, 1, 0, SIZE)
    assert len(seen) == len(prepared.layout.years)
    for index, (know, output, parts) in enumerate(seen):
        found = groups_in(prepared, Draws(1, 0, SIZE), output, index)
        assert np.array_equal(found.local_sets, parts)
        assert np.array_equal(found.local_sets_priced, know.reference)


def test_nothing_made(prepared: Prepared) -> None:
    found = groups_in(prepared, Draws(1, 0, SIZE), np.zeros((SIZE, prepared.layout.own)), 0)
    assert not found.local_sets.any()
    assert np.isnan(found.local_share).all() and np.isnan(found.local_share_planned).all()
    assert np.isfinite(found.scale_penalty).all() and not np.isnan(found.local_sets_parity).any()


def test_blocks_join_in_draw_order(prepared: Prepared) -> None:
    made = np.full((SIZE, prepared.layout.own), 100.0)
    one, two = (groups_in(prepared, Draws(1, block, SIZE), made, 0) for block in (0, 1))
    both = joined([one, two])
    for name in QUANTITIES:
        assert np.array_equal(getattr(both, name)[SIZE:], getattr(two, name))


def test_unknown_group(baseline: Futures) -> None:
    with pytest.raises(UnknownName, match=r"no component group 'wirings'.*'wiring'"):
        suppliers.draws("local_sets", "wirings", baseline, 2030)

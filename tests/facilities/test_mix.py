"""A mix of models through a whole plant: what it costs, and what it does not."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from karvan.base.errors import InputError
from karvan.facilities import Line, Mix, Plant, Shop, Station, plant_surrogate


def plant(**changes: Any) -> Plant:
    """Body, paint and final at 60, 50 and 55 an hour; paint is the slowest."""
    shops = [
        Shop("body", 60, mtbf_min=120, mttr_min=8, buffer_after=40, first_time_right=1.0),
        Shop("paint", 50, mtbf_min=300, mttr_min=15, buffer_after=60, first_time_right=0.96),
        Shop("final", 55, mtbf_min=480, mttr_min=5, first_time_right=1.0),
    ]
    return replace(Plant("three shops", shops, nameplate=190_000), **changes)


HEAVY = Mix((0.75, 0.25), ((1.0, 1.0, 1.0), (1.0, 1.4, 1.0)))
"""A quarter of the cars take 40 % longer in paint: 10 % on the mean."""


class TestIdenticalModels:
    def test_are_no_mix(self) -> None:
        """To the last bit, through ladder, luck, ignorance, bottleneck and what-ifs."""
        same = Mix((0.2, 0.5, 0.3), ((1.0,) * 3,) * 3)
        one, other = (plant(mix=mix).report(replications=3, draws=10, effort=0.1, seed=5) for mix in (None, same))
        for rung in one.ladder.rungs:
            assert float(one.ladder.rungs[rung]) == float(other.ladder.rungs[rung])
        assert one.effective == other.effective
        assert (one.bottleneck.speed == other.bottleneck.speed).all()
        assert one.what_ifs == other.what_ifs

    def test_a_mix_of_one_is_a_slower_shop(self) -> None:
        heavy = plant(mix=Mix((1.0,), ((1.0, 1.25, 1.0),)))
        shops = list(plant().shops)
        shops[1] = replace(shops[1], rate_per_hour=40.0)
        slow = plant(shops=shops)
        assert heavy.rates == pytest.approx(slow.rates) and heavy.straight_time == pytest.approx(slow.straight_time)
        one, other = (each.line().simulate(500, 4, 3, 50).throughput_per_hour.mean() for each in (heavy, slow))
        assert one == pytest.approx(other, rel=1e-3)


class TestMeans:
    def test_rates_are_by_the_weighted_mean(self) -> None:
        assert plant(mix=HEAVY).rates == pytest.approx((60.0, 50.0 / 1.1, 55.0))
        assert plant(mix=HEAVY).straight_time == pytest.approx(plant().straight_time / 1.1)

    def test_a_heavier_model_at_the_bottleneck_lowers_the_line_by_the_mean(self) -> None:
        """No failures, endless buffers: the line makes what its slowest shop makes of the mix."""
        shops = [Shop("body", 60, availability=1.0, buffer_after=np.inf, first_time_right=1.0),
                 Shop("paint", 50, availability=1.0, buffer_after=np.inf, first_time_right=1.0),
                 Shop("final", 55, availability=1.0, first_time_right=1.0)]  # fmt: skip
        rate = plant(shops=shops, mix=HEAVY).line().simulate(400, 1, 1, 20).throughput_per_hour[0]
        assert rate == pytest.approx(50.0 / 1.1, rel=2e-4)

    def test_work_where_there_is_room_costs_next_to_nothing(self) -> None:
        """Body at 60 against paint at 50 has a sixth to spare: 5 % more work there is not 5 % fewer cars."""
        light = Mix((0.5, 0.5), ((1.0, 1.0, 1.0), (1.1, 1.0, 1.0)))
        before, after = (
            plant(mix=mix).line().simulate(1500, 24, 2, 100).throughput_per_hour.mean() for mix in (None, light)
        )
        assert 0.0 <= 1.0 - after / before < 0.015

    def test_spread_of_the_work_never_helps(self) -> None:
        """With few places a mix makes at most what the same mean work makes on every car."""
        mix = Mix((0.5, 0.5), ((1.6, 0.6, 1.2), (0.4, 1.4, 0.8)))
        tight = [replace(shop, buffer_after=1.0) for shop in plant().shops]
        mixed, even = (
            plant(shops=tight, mix=each).line().simulate(1500, 24, 2, 100).throughput_per_hour.mean()
            for each in (mix, Mix((1.0,), (tuple(mix.means.tolist()),)))
        )
        assert mixed < 0.995 * even


class TestLadderAndWhatIfs:
    def test_conservation_and_where_the_loss_is_told(self) -> None:
        report = plant(mix=HEAVY).report(replications=6, draws=20, effort=0.2)
        ladder = report.ladder
        assert float(ladder.nameplate - sum(ladder.lost.values())) == pytest.approx(float(ladder.effective))
        assert float(ladder.rungs["straight_time"]) == pytest.approx(3840 * 50 / 1.1)
        assert float(ladder.rungs["breakdowns"]) == pytest.approx(3840 * 50 / 1.1 * 300 / 315)
        assert report.bottleneck.names[report.bottleneck.candidates[0]] == "paint"
        assert report.effective.p5 < report.effective.p50 < report.effective.p95
        faster = next(item for item in report.what_ifs if item.name == "paint 3 % faster")
        assert 0.4 < faster.cars / (0.03 * report.effective.p50) < 1.1

    def test_the_mix_can_move_the_bottleneck(self) -> None:
        final = Mix((0.5, 0.5), ((1.0, 1.0, 1.0), (1.0, 1.0, 1.6)))
        verdict = plant(mix=final).report(replications=2, draws=10, effort=0.2, what_ifs=[]).bottleneck.verdict
        assert verdict == "final"

    def test_every_model_comes_at_its_share(self) -> None:
        models = HEAVY.models(0, 10_000)
        assert np.bincount(models) == pytest.approx([7_500, 2_500], abs=2)


def test_stand_ins_know_the_mix() -> None:
    """The fitted formula against the line itself, and the shares of the ladder beside a report's."""
    mixed = plant(mix=HEAVY)
    stand_in = plant_surrogate(mixed, draws=64, hours=400.0)
    still = stand_in.shares(np.zeros(3), np.zeros(3))
    assert float(np.asarray(still.breakdowns)) == pytest.approx(300 / 315)
    made, _ = mixed.central_shares(replications=10)
    assert float(np.asarray(still.blocking_starving)) == pytest.approx(
        float(np.asarray(made.blocking_starving)), abs=0.015
    )
    assert stand_in.error < 0.02


@pytest.mark.parametrize("width", [2, 4])
def test_a_mix_of_the_wrong_width_is_refused(width: int) -> None:
    with pytest.raises(InputError, match="factors by model; expected 3 each, one a shop"):
        plant(mix=Mix((1.0,), ((1.0,) * width,)))


def test_line_and_plant_say_the_same() -> None:
    line = Line([Station(60), Station(50)], [5], mix=Mix((0.5, 0.5), ((1.0, 1.0), (1.0, 1.4))))
    assert line.mean_factors.tolist() == pytest.approx([1.0, 1.2])
    assert line.nominal_per_hour == pytest.approx(60.0)

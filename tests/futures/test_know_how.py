"""Learning in the year loop: local suppliers' outlasts a partner, people's follows their own plant, training shows."""

from collections.abc import Callable

import numpy as np
import pytest

from karvan.base.axes import Array
from karvan.facilities.ladder import Shares
from karvan.futures.blocks import demand_inputs, market_inputs, plant_inputs
from karvan.futures.inputs import Draws, Prepared, prepare
from karvan.futures.know_how import KnowHow
from karvan.futures.yearloop import Block, run_block
from karvan.study.load import Study

WithLevers = Callable[..., Study]
SIZE, LAST = 40, 2034
NOTHING = (
    {"lever": "supplier_progress", "value": 1.0},
    {"lever": "labour_progress", "value": 1.0},
    {"lever": "training_hours", "key": "*", "value": 0.0},
)


def known(prepared: Prepared, size: int = SIZE) -> KnowHow:
    draws = Draws(1, 0, size)
    demand = demand_inputs(prepared, draws)
    plants = plant_inputs(prepared, draws, demand.real_rate)
    return KnowHow(prepared, draws, plants, np.maximum(market_inputs(prepared, draws, demand).record, 0.0))


def block(study: Study, size: int = SIZE) -> tuple[Prepared, Block]:
    made = prepare(study, "moved", 2026, LAST)
    return made, run_block(made, 1, 0, size)


class TestNothingLearnt:
    """Progress ratios of 1 and no training leave the loop as it was."""

    def test_the_same_bytes(self, with_levers: WithLevers, monkeypatch: pytest.MonkeyPatch) -> None:
        _, told = block(with_levers(*NOTHING))

        def ratio(self: KnowHow) -> Array:
            return self.plants.local_price_ratio

        def people(self: KnowHow, per_1000: Array) -> Array:
            return per_1000

        def shares(self: KnowHow) -> Shares:
            return self.plants.shares

        monkeypatch.setattr(KnowHow, "price_ratio", ratio)
        monkeypatch.setattr(KnowHow, "people", people)
        monkeypatch.setattr(KnowHow, "shares", shares)
        _, plain = block(with_levers(*NOTHING))
        for group in ("figures", "plants", "markets", "sectors"):
            for name, values in getattr(told, group).items():
                assert np.array_equal(values, getattr(plain, group)[name]), name


class TestSuppliers:
    """``K_t = lambda K_{t-1} + q_t``; the price follows ``K``, whoever the partner is."""

    def test_start_is_the_steady_state_of_the_record(self, prepared: Prepared) -> None:
        """With no more parts made than before nothing is gained and nothing lost."""
        know = known(prepared)
        before = know.experience.copy()
        start = know.price_ratio().copy()
        flat = (1.0 - know.retained) * know.experience
        know.experience = know.retained * know.experience + flat
        assert np.allclose(know.experience, before)
        assert np.allclose(know.price_ratio(), start)
        assert np.allclose(start, know.plants.local_price_ratio)

    def test_much_made_is_cheaper_down_to_the_floor(self, prepared: Prepared) -> None:
        know = known(prepared)
        running = np.ones((SIZE, prepared.layout.own))
        last = know.price_ratio()
        for index in range(8):
            know.learn(100_000.0 * running, running, index)
            ratio = know.price_ratio()
            assert (ratio <= last + 1e-12).all()
            last = ratio
        floor = np.minimum(know.floor, know.plants.local_price_ratio)
        assert (last >= floor - 1e-12).all()
        assert (last < know.plants.local_price_ratio - 0.01).any()

    def test_knowledge_outlasts_the_exit_and_fades(self, prepared: Prepared) -> None:
        know = known(prepared)
        running = np.ones((SIZE, prepared.layout.own))
        for index in range(6):
            know.learn(100_000.0 * running, running, index)
        peak, cheap = know.experience.copy(), know.price_ratio().copy()
        know.learn(0.0 * running, 0.0 * running, 6)  # the partner is gone
        assert np.allclose(know.experience, know.retained * peak)
        one = know.price_ratio()
        for index in range(7, 60):
            know.learn(0.0 * running, 0.0 * running, index)
        late = know.price_ratio()
        assert (cheap <= one + 1e-12).all()
        assert (one <= late + 1e-12).all()
        assert (cheap < late - 0.01).any()
        gone = np.broadcast_to(know.retained < 0.9, late[:, 0].shape)
        assert np.allclose(late[:, 0][gone], np.broadcast_to(know.plants.local_price_ratio, late.shape)[:, 0][gone])

    def test_reaches_the_price_at_the_gate(self, with_levers: WithLevers) -> None:
        common = [
            {"lever": "nameplate", "key": "hajigabul_azermash_cp_full", "value": 60_000.0},
            {"lever": "plant_opens", "key": "hajigabul_azermash_cp_full", "value": 2026.0},
            {"lever": "local_share_target", "key": "*", "value": 0.6},
        ]
        _, still = block(with_levers(*common, *NOTHING))
        _, learnt = block(with_levers(*common, *NOTHING[1:], {"lever": "supplier_progress", "value": 0.8}))
        gate = [np.median(one.figures["price_ex_works"][:, -1]) for one in (learnt, still)]
        assert gate[0] < gate[1]


class TestPeople:
    """People per car fall with what this plant has made; jobs and cost fall with them."""

    def test_a_doubling_leaves_the_progress_ratio_of_the_excess(self, with_levers: WithLevers) -> None:
        made = prepare(
            with_levers(
                {"lever": "labour_progress", "value": 0.8}, {"lever": "labour_floor", "value": 0.5}, NOTHING[2]
            ),
            "moved", 2026, LAST,
        )  # fmt: skip
        know = known(made)
        ones = np.ones((SIZE, made.layout.own))
        assert np.allclose(know.people(100.0 * ones), 100.0)
        know.made = 2.0 * know.made_start
        assert np.allclose(know.people(100.0 * ones), 90.0)  # 50 + 50 x 0.8
        know.made = 4.0 * know.made_start
        assert np.allclose(know.people(100.0 * ones), 82.0)

    def test_books_and_cost_take_the_same_people(self, with_levers: WithLevers) -> None:
        """With the number of cars held, jobs per car fall by the curve."""
        _, still = block(with_levers(*NOTHING))
        _, learnt = block(with_levers(NOTHING[0], NOTHING[2], {"lever": "labour_progress", "value": 0.5}))
        assert np.array_equal(learnt.figures["jobs_direct"][:, 0], still.figures["jobs_direct"][:, 0])
        per_car = [
            one.figures["jobs_direct"][:, -1].sum() / one.figures["output"][:, -1].sum() for one in (learnt, still)
        ]
        assert per_car[0] < per_car[1]


class TestTraining:
    """More cars right first time: fewer people per car and a higher rung of the ladder."""

    def test_hours_close_the_gap_by_half_each_half(self, with_levers: WithLevers) -> None:
        levers = (*NOTHING[:2], {"lever": "training_hours", "key": "*", "value": 40.0})
        made = prepare(with_levers(*levers, {"lever": "training_half", "value": 40.0}), "moved", 2026, LAST)
        know = known(made)
        ones = np.ones((SIZE, made.layout.own))
        start = know.right.copy()
        know.learn(0.0 * ones, ones, 0)
        assert np.allclose(1.0 - know.right, 0.5 * (1.0 - start))
        assert np.allclose(np.asarray(know.shares().rework), know.right)
        again = know.rework_hours
        expected = 100.0 * (1.0 + (1.0 - know.right) * again) / (1.0 + (1.0 - start) * again)
        assert np.allclose(know.people(100.0 * ones), expected)
        know.learn(0.0 * ones, 0.0 * ones, 1)  # closed plants train nobody
        assert np.allclose(1.0 - know.right, 0.5 * (1.0 - start))

    def test_reaches_capacity(self, with_levers: WithLevers) -> None:
        _, still = block(with_levers(*NOTHING))
        _, trained = block(with_levers(*NOTHING[:2], {"lever": "training_hours", "key": "*", "value": 100.0}))
        assert np.array_equal(trained.plants["rung_rework"][:, 0], still.plants["rung_rework"][:, 0])
        assert (trained.plants["rung_rework"][:, -1] >= still.plants["rung_rework"][:, -1] - 1e-9).all()
        assert trained.plants["rung_rework"][:, -1].sum() > still.plants["rung_rework"][:, -1].sum()

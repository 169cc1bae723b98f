"""Learning in the year loop: local suppliers' outlasts a partner, people's follows their own plant, training shows."""

from collections.abc import Callable

import numpy as np
import pytest

from karvan.base.axes import Array
from karvan.facilities.ladder import Shares
from karvan.futures.blocks import demand_inputs, made_before, market_inputs, plant_inputs
from karvan.futures.inputs import Draws, Prepared, prepare
from karvan.futures.know_how import KnowHow
from karvan.futures.yearloop import Block, run_block
from karvan.partnerships.sourcing import scale_penalty
from karvan.study.load import Study

WithLevers = Callable[..., Study]
SIZE, LAST = 40, 2034
NOTHING = (
    {"lever": "supplier_progress", "value": 1.0},
    {"lever": "labour_progress", "value": 1.0},
    {"lever": "training_hours", "key": "*", "value": 0.0},
    {"lever": "scale_elasticity", "value": 0.0},
)


def known(prepared: Prepared, size: int = SIZE) -> KnowHow:
    draws = Draws(1, 0, size)
    demand = demand_inputs(prepared, draws)
    plants = plant_inputs(prepared, draws, demand.real_rate)
    return KnowHow(prepared, draws, plants, made_before(prepared, market_inputs(prepared, draws, demand).record))


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
        assert np.allclose(start, know.start)

    def test_much_made_is_cheaper_down_to_the_floor(self, prepared: Prepared) -> None:
        know = known(prepared)
        running = np.ones((SIZE, prepared.layout.own))
        last = know.price_ratio()
        for index in range(8):
            know.learn(100_000.0 * running, running, index)
            ratio = know.price_ratio()
            assert (ratio <= last + 1e-12).all()
            last = ratio
        floor = np.minimum(know.floor, know.start)
        assert (last >= floor - 1e-12).all()
        assert (last < know.start - 0.01).any()

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
        assert np.allclose(late[:, 0][gone], np.broadcast_to(know.start, late.shape)[:, 0][gone])

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


class TestScale:
    """``r_g`` falls with last year's sets, from the volume where the price of the start holds to the efficient one."""

    def knows(self, with_levers: WithLevers, *levers: dict[str, object]) -> KnowHow:
        far = {"lever": "supplier_floor", "value": 0.1}
        return known(prepare(with_levers(NOTHING[0], far, *levers), "moved", 2026, LAST))

    def test_price_of_the_start_at_its_volume_or_below(self, with_levers: WithLevers) -> None:
        know = self.knows(with_levers)
        assert know.scale_counts
        start = np.broadcast_to(know.start, know.price_ratio().shape)
        assert np.array_equal(know.price_ratio(), start)
        know.parts = know.reference.copy()
        assert np.array_equal(know.price_ratio(), start)
        # The reference keeps what is known at the start as it is.
        assert np.allclose(know.retained * know.experience_start + know.reference, know.experience_start)

    def test_groups_start_apart_and_their_mean_as_drawn(self, with_levers: WithLevers) -> None:
        """A harness made by hand starts below the mean of all parts, pressed bodies above."""
        know = self.knows(with_levers)
        rows = {row["component"]: row["share_mid"] for row in with_levers().table("components").to_dicts()}
        names, start = list(rows), know.start[:, 0]
        assert np.allclose((start * list(rows.values())).sum(axis=-1), know.plants.local_price_ratio[:, 0, 0])
        assert (start[:, names.index("wiring")] < know.plants.local_price_ratio[:, 0, 0]).all()
        assert (start[:, names.index("body")] > know.plants.local_price_ratio[:, 0, 0]).all()

    def test_the_penalties_over_each_other(self, with_levers: WithLevers) -> None:
        """Without learning the price moves by the published form alone."""
        know = self.knows(with_levers)
        plants = know.plants
        know.parts = 5.0 * know.reference
        ends = [scale_penalty(q, plants.efficient_scale, plants.scale_elasticity) for q in (know.parts, know.reference)]
        assert np.allclose(know.price_ratio()[:, 0], know.start[:, 0] * ends[0] / ends[1])

    def test_no_more_past_the_efficient_scale(self, with_levers: WithLevers) -> None:
        know = self.knows(with_levers)
        know.parts = np.maximum(know.plants.efficient_scale, know.reference)
        enough = know.price_ratio()
        know.parts = 10.0 * know.parts
        assert np.array_equal(know.price_ratio(), enough)

    def test_never_below_the_floor(self, with_levers: WithLevers) -> None:
        know = known(prepare(with_levers(), "moved", 2026, LAST))
        know.experience, know.parts = 1e4 * know.experience_start, 1e6 + know.parts
        above = know.price_ratio() - np.minimum(know.floor, know.start)
        assert (above >= 0.0).all() and (above == 0.0).mean() > 0.5

    def test_last_year_counts_and_is_not_remembered(self, with_levers: WithLevers) -> None:
        know = self.knows(with_levers, {"lever": "local_share_target", "key": "*", "value": 0.6})
        running = np.ones((SIZE, know.hours.shape[-1]))
        know.learn(100_000.0 * running, running, 0)
        assert np.allclose(know.parts, (100_000.0 * know.local(0)).sum(axis=1))
        assert (know.price_ratio() < know.start - 0.01).any()
        know.learn(0.0 * running, running, 1)
        assert np.array_equal(know.scale(), np.ones_like(know.parts))

    def test_one_group_alone(self, with_levers: WithLevers) -> None:
        off = {"lever": "scale_elasticity", "value": 0.0}
        know = self.knows(with_levers, off, {"lever": "scale_elasticity", "component": "body", "value": 0.1})
        know.parts = 10.0 * know.reference
        body = know.plants.scale_elasticity[0] > 0
        assert body.sum() == 1
        assert np.allclose(know.scale()[:, ~body], 1.0) and (know.scale()[:, body] < 0.85).all()

    def test_one_draw_moves_all_groups(self, prepared: Prepared) -> None:
        """Low in one group is low in all, and every draw is inside the study's range."""
        plants = known(prepared).plants
        order = np.argsort(plants.scale_elasticity[:, 0])
        assert (np.diff(plants.scale_elasticity[order], axis=0) >= -1e-12).all()
        for g, row in enumerate(prepared.study.table("components").to_dicts()):
            drawn = plants.scale_elasticity[:, g]
            assert row["scale_elasticity_low"] <= drawn.min() <= drawn.max() <= row["scale_elasticity_high"]
            assert f"components.scale_elasticity.{row['component']}" in prepared.cells

    def test_reaches_the_price_at_the_gate(self, with_levers: WithLevers) -> None:
        """Suppliers who learn nothing are cheaper where more is made; with no elasticity they are not."""
        common = [
            {"lever": "nameplate", "key": "hajigabul_azermash_cp_full", "value": 60_000.0},
            {"lever": "plant_opens", "key": "hajigabul_azermash_cp_full", "value": 2026.0},
            {"lever": "local_share_target", "key": "*", "value": 0.6},
            *NOTHING[:3],
        ]
        _, flat = block(with_levers(*common, NOTHING[3]))
        _, steep = block(with_levers(*common))
        gate = [np.median(one.figures["price_ex_works"][:, -1]) for one in (steep, flat)]
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
        _, learnt = block(with_levers(NOTHING[0], *NOTHING[2:], {"lever": "labour_progress", "value": 0.5}))
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
        _, trained = block(
            with_levers(*NOTHING[:2], NOTHING[3], {"lever": "training_hours", "key": "*", "value": 100.0})
        )
        assert np.array_equal(trained.plants["rung_rework"][:, 0], still.plants["rung_rework"][:, 0])
        assert (trained.plants["rung_rework"][:, -1] >= still.plants["rung_rework"][:, -1] - 1e-9).all()
        assert trained.plants["rung_rework"][:, -1].sum() > still.plants["rung_rework"][:, -1].sum()

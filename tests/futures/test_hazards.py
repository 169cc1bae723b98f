"""Plants move between their states as the uniform numbers say, and only so."""

from typing import Any

import numpy as np
import pytest

from karvan.futures.hazards import ANNOUNCED, BUILDING, CLOSED, IDLE, OPERATING, Chances, PlantStates

D, Y = 4, 6


def chances(plants: int = 1, **given: Any) -> Chances:
    """Nothing happens unless it is given: no plant opens, none is interrupted, none arrives."""
    never: dict[str, Any] = {
        "opens": np.full((D, plants), np.inf),
        "closes": np.zeros((Y, plants)),
        "interruption": np.zeros((D, 1, plants)),
        "exit_share": np.zeros((D, plants)),
        "recovery": np.zeros((D, plants)),
        "arrival": np.zeros(plants, dtype=bool),
        "replaces": np.full(plants, -1),
        "uniforms": np.full((D, Y, plants, 3), 0.5),
    }
    return Chances(**{**never, **given})


def run(
    state: list[int], what: Chances, *, rate: float = 0.0, years: int = Y, opened: list[float] | None = None
) -> tuple[Any, Any, PlantStates]:
    """States and running shares, (years, D, P), and the states as they were left."""
    start = np.broadcast_to(np.array(state), (D, len(state))).copy()
    when = np.broadcast_to(np.array(opened if opened else [np.inf] * len(state)), (D, len(state))).copy()
    states = PlantStates(start, when)
    seen, ran = [], []
    for index in range(years):
        states.step(2026 + index, index, what, np.full(D, rate))
        seen.append(states.state.copy())
        ran.append(states.running.copy())
    return np.array(seen), np.array(ran), states


@pytest.mark.parametrize("waiting", [ANNOUNCED, BUILDING])
class TestOpening:
    """A plant that waits opens at its drawn date, and not before."""

    def test_certain(self, waiting: int) -> None:
        seen, ran, states = run([waiting], chances(opens=np.full((D, 1), 2028.25)))
        assert (seen[:2] == waiting).all()
        assert (seen[2:] == OPERATING).all()
        assert (states.opened == 2028.25).all()
        assert ran[:, 0, 0].tolist() == [0, 0, 0.75, 1, 1, 1]

    def test_never(self, waiting: int) -> None:
        seen, ran, states = run([waiting], chances())
        assert (seen == waiting).all()
        assert (ran == 0).all()
        assert np.isinf(states.opened).all()

    def test_a_date_gone_by_opens_at_once(self, waiting: int) -> None:
        seen, ran, states = run([waiting], chances(opens=np.full((D, 1), 2020.0)))
        assert (seen == OPERATING).all()
        assert (states.opened == 2026.0).all()
        assert (ran == 1).all()


class TestInterruption:
    """An operating plant is struck where its uniform is below the hazard."""

    def test_below_the_hazard_only(self) -> None:
        uniforms = np.full((D, Y, 1, 3), 0.99)
        uniforms[:2, 1, 0, 0] = 0.19
        uniforms[2:, 1, 0, 0] = 0.21
        seen, ran, _ = run([OPERATING], chances(interruption=np.full((D, 1, 1), 0.2), uniforms=uniforms))
        assert (seen[0] == OPERATING).all()
        assert (seen[1, :2] == IDLE).all()
        assert (seen[1, 2:] == OPERATING).all()
        assert ran[:3, 0, 0].tolist() == [1, 0.5, 0]  # half of the year in which it is struck

    def test_a_hazard_by_year_uses_its_year(self) -> None:
        hazard = np.zeros((D, Y, 1))
        hazard[:, 3] = 1.0
        seen, _, _ = run([OPERATING], chances(interruption=hazard))
        assert (seen[2] == OPERATING).all()
        assert (seen[3] == IDLE).all()

    def test_exit_share(self) -> None:
        struck = chances(interruption=np.ones((D, 1, 1)), exit_share=np.full((D, 1), 0.6))
        assert (run([OPERATING], struck, years=1)[0] == CLOSED).all()
        spared = chances(interruption=np.ones((D, 1, 1)), exit_share=np.full((D, 1), 0.4))
        assert (run([OPERATING], spared, years=1)[0] == IDLE).all()

    def test_recovery(self) -> None:
        seen, ran, _ = run([IDLE], chances(recovery=np.full((D, 1), 0.6)))
        assert (seen == OPERATING).all()
        assert ran[:2, 0, 0].tolist() == [0.5, 1]
        assert (run([IDLE], chances(recovery=np.full((D, 1), 0.4)))[0] == IDLE).all()

    def test_the_shares_are_those_of_the_hazard(self) -> None:
        """Of 40,000 plants with a hazard of 0.3, 0.3 are struck in the first year; 0.25 of these close."""
        count = 40_000
        uniforms = np.random.default_rng(3).random((1, 1, count, 3))
        what = chances(
            count,
            opens=np.full((1, count), np.inf),
            interruption=np.full((1, 1, count), 0.3),
            exit_share=np.full((1, count), 0.25),
            recovery=np.zeros((1, count)),
            uniforms=uniforms,
        )
        states = PlantStates(np.full((1, count), OPERATING), np.full((1, count), 2020.0))
        states.step(2026, 0, what, np.zeros(1))
        idle, closed = (states.state == IDLE).mean(), (states.state == CLOSED).mean()
        assert idle + closed == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / count))
        assert closed / (idle + closed) == pytest.approx(0.25, abs=4 * np.sqrt(0.1875 / (0.3 * count)))


class TestClosed:
    """What is closed stays closed."""

    def test_stays(self) -> None:
        everything = chances(
            opens=np.full((D, 1), 2027.0),
            recovery=np.ones((D, 1)),
            interruption=np.ones((D, 1, 1)),
            arrival=np.ones(1, dtype=bool),
        )
        seen, ran, _ = run([CLOSED], everything, rate=100.0)
        assert (seen == CLOSED).all()
        assert (ran == 0).all()

    def test_by_decision(self) -> None:
        shut = np.zeros((Y, 1))
        shut[2:] = 1.0
        seen, ran, _ = run([OPERATING], chances(closes=shut))
        assert (seen[:2] == OPERATING).all()
        assert (seen[2:] == CLOSED).all()
        assert ran[:, 0, 0].tolist() == [1, 1, 0, 0, 0, 0]

    def test_by_decision_and_for_good_even_if_the_decision_is_taken_back(self) -> None:
        shut = np.zeros((Y, 1))
        shut[2] = 1.0
        seen, _, _ = run([OPERATING], chances(closes=shut, recovery=np.ones((D, 1))))
        assert (seen[2:] == CLOSED).all()


class TestReplacement:
    """A plant that takes over another's production closes it when it opens."""

    def test_the_old_closes_when_the_new_opens(self) -> None:
        opens = np.full((D, 2), np.inf)
        opens[:2, 1] = 2028.25
        what = chances(2, opens=opens, replaces=np.array([-1, 0]))
        seen, ran, _ = run([OPERATING, ANNOUNCED], what, opened=[2018.0, np.inf])
        assert (seen[1, :2] == [OPERATING, ANNOUNCED]).all()
        assert (seen[2:, :2] == [CLOSED, OPERATING]).all()
        assert ran[2, 0].tolist() == [0.25, 0.75]  # the old works until the new one opens
        assert (seen[:, 2:] == [OPERATING, ANNOUNCED]).all()  # where the new never opens, the old goes on


class TestArrival:
    """Plants nobody announced arrive at a rate."""

    def test_a_rate_of_nothing_never_arrives(self) -> None:
        what = chances(2, arrival=np.ones(2, dtype=bool), uniforms=np.zeros((D, Y, 2, 3)))
        assert (run([ANNOUNCED] * 2, what)[0] == ANNOUNCED).all()

    def test_a_drawn_date_does_not_open_a_slot(self) -> None:
        what = chances(1, arrival=np.ones(1, dtype=bool), opens=np.full((D, 1), 2026.0))
        assert (run([ANNOUNCED], what)[0] == ANNOUNCED).all()

    def test_a_high_rate_arrives_in_the_middle_of_the_year(self) -> None:
        what = chances(2, arrival=np.ones(2, dtype=bool))
        seen, ran, states = run([ANNOUNCED] * 2, what, rate=100.0)
        assert (seen == OPERATING).all()
        assert (states.opened == 2026.5).all()
        assert (ran[0] == 0.5).all()

    def test_the_rate_is_shared_among_free_slots(self) -> None:
        """Two slots at a rate of 0.2 a year see 0.2 arrivals in a year, less the chance of two in one slot."""
        count = 40_000
        what = Chances(
            opens=np.full((count, 2), np.inf),
            closes=np.zeros((1, 2)),
            interruption=np.zeros((count, 1, 2)),
            exit_share=np.zeros((count, 2)),
            recovery=np.zeros((count, 2)),
            arrival=np.ones(2, dtype=bool),
            replaces=np.array([-1, -1]),
            uniforms=np.random.default_rng(5).random((count, 1, 2, 3)),
        )
        states = PlantStates(np.full((count, 2), ANNOUNCED), np.full((count, 2), np.inf))
        states.step(2026, 0, what, np.full(count, 0.2))
        arrived = (states.state == OPERATING).sum(axis=1).mean()
        assert arrived == pytest.approx(2 * (1 - np.exp(-0.1)), abs=4 * np.sqrt(0.2 / count))

"""Lanes: tries that stand side by side in one block are what runs of their own would have given."""

from dataclasses import replace

import numpy as np
import pytest

from karvan.base.axes import Array
from karvan.base.errors import InputError
from karvan.futures.ensemble import correlations_of, pieces_of, simulate
from karvan.futures.inputs import Prepared, prepare
from karvan.futures.lanes import LaneDraws, try_lanes
from karvan.futures.sample import Sampling
from karvan.study.load import Study
from karvan.study.scenario import Lever

FIRST, LAST, DRAWS = 2026, 2029, 30
PIECES = pieces_of("baseline", DRAWS)


def lever(name: str, **options: object) -> Lever:
    return Lever.model_validate({"lever": name, "reason": "test", **options})


FULL = "hajigabul_azermash_cp_full"

LANES: tuple[tuple[Lever, ...], ...] = (
    (),
    (
        lever("duty_rate", origin="AZE", market="*", operation="multiply", value=0.0),
        lever("duty_per_cc", origin="AZE", market="*", operation="multiply", value=0.0),
    ),
    (lever("fee", origin="AZE", market="*", operation="multiply", value=0.5, year_from=2027),),
    (lever("vat_rate", market="AZE", operation="add", value=-0.05),),
    (lever("wage_month", operation="multiply", value=0.5),),
    (lever("exchange_rate", operation="multiply", value=0.7, year_from=2028),),
    (lever("income", market="AZE", operation="multiply", value=1.2, year_from=2027),),
    (
        lever("plant_opens", key=FULL, value=2026.0),
        lever("nameplate", key=FULL, operation="multiply", value=8.0),
        lever("nameplate_reach", key=FULL, value=1.0),
        lever("partner_supply", key=FULL, value=1.0),
    ),
    (lever("local_share_target", key="*", value=0.6),),
    (lever("export_reach", key="*", value=1.0), lever("freight", market="*", operation="multiply", value=0.5)),
)


@pytest.fixture(scope="module")
def prepared(azerbaijan: Study) -> Prepared:
    return prepare(azerbaijan, "baseline", FIRST, LAST)


def own_run(study: Study, levers: tuple[Lever, ...]) -> Array:
    base = study.scenario("baseline")
    tried = base.model_copy(update={"name": "tried", "levers": (*base.levers, *levers)})
    study = replace(study, scenarios={**study.scenarios, "tried": tried})
    run = simulate(study, scenario="tried", draws=DRAWS, until=LAST, seed=3, workers=1)
    return run.verdict.condition_probability


def test_every_lane_is_a_run_of_its_own(azerbaijan: Study, prepared: Prepared) -> None:
    sampling = Sampling("lhs", correlations_of(azerbaijan))
    found = try_lanes(prepared, LANES, PIECES, 3, sampling)
    moved = 0
    for levers, verdict in zip(LANES, found, strict=True):
        wanted = own_run(azerbaijan, levers)
        assert np.array_equal(verdict.condition_probability[-1], wanted[-1]), levers
        moved += not np.array_equal(verdict.condition_probability, found[0].condition_probability)
    assert moved >= 3  # else nothing was tried


def test_a_lane_does_not_depend_on_its_neighbours(prepared: Prepared) -> None:
    alone = try_lanes(prepared, LANES[1:2], PIECES, 3)[0]
    beside = try_lanes(prepared, LANES, PIECES, 3)[1]
    many = try_lanes(prepared, LANES[1:2] * 30, PIECES, 3)  # more than stand in one block
    for other in (beside, *many):
        assert np.array_equal(alone.condition_probability, other.condition_probability)


def test_more_draws_than_a_block(azerbaijan: Study) -> None:
    """A lane's blocks are joined: 520 draws are two blocks."""
    short = prepare(azerbaijan, "baseline", FIRST, FIRST)
    (one, two) = try_lanes(short, ((), LANES[1]), pieces_of("baseline", 520), 3)
    assert len(one.met) == len(two.met) == 520


def test_lanes_meet_the_same_draws() -> None:
    draws = LaneDraws(5, 0, 12, lanes=3)
    for numbers in (draws.normal("a", 4, 2), draws.uniform("b"), draws.normal("c")):
        assert numbers.shape[0] == 12
        assert np.array_equal(numbers[:4], numbers[4:8]) and np.array_equal(numbers[:4], numbers[8:])


class TestRefusals:
    def test_a_lever_that_holds_for_all_draws_or_none(self, prepared: Prepared) -> None:
        with pytest.raises(InputError, match="lever used_age_limit cannot be tried in lanes"):
            try_lanes(prepared, [(lever("used_age_limit", market="AZE", value=5.0),)], PIECES, 1)

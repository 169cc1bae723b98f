"""New, nearly new or older: the base year stays what it is, and taxes and limits by age move buyers as they should."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from karvan.demand.segments import new_share
from karvan.futures.blocks import demand_inputs
from karvan.futures.ensemble import Futures, simulate
from karvan.futures.inputs import Draws, Prepared, prepare
from karvan.futures.used import YOUNG, UsedCars
from karvan.study.load import Study

WithLevers = Callable[..., Study]
DRAWS, LAST = 40, 2029


def moved(with_levers: WithLevers, *levers: dict[str, Any]) -> Futures:
    """A few futures with levers."""
    return simulate(with_levers(*levers), scenario="moved", draws=DRAWS, until=LAST, workers=1)


def test_with_nothing_moved_it_is_the_choice_of_two(prepared: Prepared, draws: Draws) -> None:
    demand = demand_inputs(prepared, draws)
    ratio = np.full(demand.new_base.shape, 1.3)
    chosen = UsedCars(prepared, draws, demand).choose(2026, 0, ratio)
    base = demand.new_base / (demand.new_base + demand.used_base)
    assert np.allclose(chosen.new, new_share(base, ratio, demand.price_elasticity), rtol=1e-12)
    assert np.allclose(chosen.ages, demand.used_ages, rtol=1e-12, atol=1e-15)
    assert np.allclose(chosen.bought, 1.0) and not chosen.duty.any()


def test_age_limits_bar_what_is_older(with_levers: WithLevers, draws: Draws) -> None:
    for limit in (0, 2, YOUNG, 7):
        study = with_levers({"lever": "used_age_limit", "market": "AZE", "value": limit, "year_from": 2027})
        ready = prepare(study, "moved", 2026, 2028)
        demand = demand_inputs(ready, draws)
        cars, home = UsedCars(ready, draws, demand), ready.layout.home
        before, after = (cars.choose(year, year - 2026, np.ones(demand.new_base.shape)) for year in (2026, 2027))
        assert not after.ages[:, home, limit + 1 :].any() or limit == 0
        assert np.allclose(after.ages.sum(axis=-1), 1.0)
        assert np.all(after.new[:, home] > before.new[:, home])
        assert np.all(after.bought[:, home] < 1.0)
        others = np.arange(len(ready.layout.markets)) != home
        assert np.array_equal(after.new[:, others], before.new[:, others])
        if limit == 0:  # no used car may come: everybody who buys buys new
            assert np.allclose(after.new[:, home], 1.0)


def test_the_stricter_the_limit_the_more_new_cars(with_levers: WithLevers, azerbaijan: Study) -> None:
    new, used = [], []
    for limit in (0, 3, 7, 40):
        run = moved(with_levers, {"lever": "used_age_limit", "market": "AZE", "value": limit, "year_from": 2027})
        new.append(float(np.median(run.figures["sales_new_home"][:, 1])))
        used.append(float(np.median(run.figures["imports_used"][:, 1])))
    assert new == sorted(new, reverse=True) and used == sorted(used) and used[0] == 0.0
    plain = simulate(azerbaijan, draws=DRAWS, until=LAST, workers=1)
    assert new[-1] == pytest.approx(float(np.median(plain.figures["sales_new_home"][:, 1])), rel=1e-9)


def test_duty_on_older_cars_pays_and_shifts(with_levers: WithLevers, azerbaijan: Study) -> None:
    plain = simulate(azerbaijan, draws=DRAWS, until=LAST, workers=1)
    run = moved(with_levers, {"lever": "used_duty", "market": "AZE", "value": 3000, "year_from": 2027})
    assert np.array_equal(run.figures["imports_used"][:, 0], plain.figures["imports_used"][:, 0])
    assert np.all(run.figures["sales_new_home"][:, 1] >= plain.figures["sales_new_home"][:, 1])
    assert np.all(run.figures["imports_used"][:, 1] <= plain.figures["imports_used"][:, 1])
    assert np.median(run.figures["tax_cars"][:, 1]) > np.median(plain.figures["tax_cars"][:, 1])
    # What is not bought used is bought new: a tax by itself keeps nobody from buying.
    both = [f.figures["sales_new_home"][:, 1] + f.figures["imports_used"][:, 1] for f in (run, plain)]
    assert np.allclose(both[0], both[1])

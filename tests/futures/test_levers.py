"""A scenario's levers: what they do, when, and to whom."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from karvan.base.errors import UnknownName
from karvan.futures.ensemble import simulate
from karvan.futures.levers import LeverBook, apply
from karvan.study.load import Study
from karvan.study.scenario import Lever, Scenario

YEARS = (2026, 2027, 2028, 2029)


def book(*levers: dict[str, Any]) -> LeverBook:
    """The book of a scenario with these levers."""
    made = tuple(Lever.model_validate(lever) for lever in levers)
    return LeverBook(Scenario(format=1, name="moved", title="Moved", levers=made), YEARS)


class TestOperations:
    """``set`` replaces, ``multiply`` scales every draw, ``add`` shifts it."""

    @pytest.mark.parametrize(
        ("operation", "expected"), [("set", [3.0, 3.0]), ("multiply", [6.0, 12.0]), ("add", [5.0, 7.0])]
    )
    def test_each(self, operation: str, expected: list[float]) -> None:
        lever = Lever.model_validate({"lever": "kit_price", "operation": operation, "value": 3.0})
        assert apply(lever, np.array([2.0, 4.0])).tolist() == expected

    def test_in_the_order_of_the_file(self) -> None:
        one = {"lever": "kit_price", "operation": "add", "value": 1.0}
        two = {"lever": "kit_price", "operation": "multiply", "value": 10.0}
        assert book(one, two).path("kit_price", np.array([2.0]))[0, 0] == 30.0
        assert book(two, one).path("kit_price", np.array([2.0]))[0, 0] == 21.0

    def test_set_leaves_nothing_of_the_draws(self) -> None:
        path = book({"lever": "wage_growth", "value": 0.02}).path("wage_growth", np.array([0.1, 0.2]))
        assert (path == 0.02).all()


class TestYears:
    """A lever holds from ``year_from`` to ``year_to``, both included."""

    def test_span(self) -> None:
        moved = {"lever": "kit_price", "operation": "multiply", "value": 2.0, "year_from": 2027, "year_to": 2028}
        assert book(moved).path("kit_price", np.array([1.0, 5.0])).tolist() == [[1, 2, 2, 1], [5, 10, 10, 5]]

    def test_one_column_where_nothing_moves(self) -> None:
        assert book().path("kit_price", np.array([1.0, 5.0])).shape == (2, 1)

    def test_value_in(self) -> None:
        moved = book({"lever": "fee", "market": "RUS", "operation": "add", "value": 9.0, "year_from": 2028})
        value = np.array([1.0])
        assert moved.value_in("fee", value, 2027, origin="AZE", market="RUS", product="car") == 1.0
        assert moved.value_in("fee", value, 2028, origin="AZE", market="RUS", product="car") == 10.0
        assert moved.value_in("fee", value, 2028, origin="AZE", market="KAZ", product="car") == 1.0
        assert moved.value_in("duty_rate", value, 2028, origin="AZE", market="RUS", product="car") == 1.0


class TestKeys:
    """A lever reaches its key; ``*`` and nothing reach all."""

    @pytest.mark.parametrize(("key", "reached"), [("one", [True, False]), ("*", [True, True]), ("", [True, True])])
    def test_reach(self, key: str, reached: list[bool]) -> None:
        moved = book({"lever": "kit_price", "key": key, "value": 2.0})
        assert [moved.moved("kit_price", name) for name in ("one", "two")] == reached
        paths = [moved.path("kit_price", np.array([1.0]), name)[0, 0] for name in ("one", "two")]
        assert paths == [2.0 if yes else 1.0 for yes in reached]

    def test_other_names_stay(self) -> None:
        assert not book({"lever": "kit_price", "value": 2.0}).moved("kit_freight")


class TestUnknownNames:
    """Plants and markets that the study does not have are refused, with the nearest that it has."""

    def test_plant(self, with_levers: Callable[..., Study]) -> None:
        study = with_levers({"lever": "plant_opens", "key": "hajigabul_azermash", "value": 2028})
        with pytest.raises(UnknownName, match=r"scenario moved: lever plant_opens: no key .*did you mean.*azermash_cp"):
            simulate(study, scenario="moved", draws=1)

    def test_market(self, with_levers: Callable[..., Study]) -> None:
        study = with_levers({"lever": "fee", "market": "KAS", "value": 0})
        with pytest.raises(UnknownName, match=r"lever fee: no market 'KAS'; did you mean 'KAZ'"):
            simulate(study, scenario="moved", draws=1)

    def test_scenario(self, azerbaijan: Study) -> None:
        with pytest.raises(UnknownName, match=r"no scenario 'full_cycel'; did you mean 'full_cycle'"):
            simulate(azerbaijan, scenario="full_cycel", draws=1)

    def test_every_built_in_scenario_names_what_there_is(self, azerbaijan: Study) -> None:
        plants = set(azerbaijan.table("plants")["plant"].to_list()) | {"unannounced_1", "unannounced_2"}
        for scenario in azerbaijan.scenarios.values():
            LeverBook(scenario, YEARS).check(plants, set(azerbaijan.settings.markets))
        wrong = azerbaijan.scenarios["hub"].levers[0].model_copy(update={"key": "nowhere_at_all"})
        with pytest.raises(UnknownName, match="nowhere_at_all"):
            LeverBook(Scenario(format=1, name="x", title="x", levers=(wrong,)), YEARS).check(plants, set())

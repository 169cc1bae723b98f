"""Kinds of vehicle: units, and parameters that no car may lend to another kind."""

from collections.abc import Callable
from pathlib import Path

import pytest

from karvan.base.errors import StudyFaults, UnknownName
from karvan.study.kinds import CAR, WORDS, of_rate, unit_of
from karvan.study.load import Study, load
from karvan.study.register import parameters
from karvan.study.schema import VEHICLE_KINDS

APART = [row for row in parameters().values() if row.kinds]


def test_every_kind_has_its_words() -> None:
    assert tuple(WORDS) == VEHICLE_KINDS


@pytest.mark.parametrize(
    ("unit", "kind", "expected"),
    [
        ("USD per car", "bus", "USD per bus"),
        ("persons per 1,000 cars per year", "truck", "persons per 1,000 trucks per year"),
        ("persons", "bus", "persons"),
        ("USD per car", CAR, "USD per car"),
    ],
)
def test_units(unit: str, kind: str, expected: str) -> None:
    assert unit_of(unit, kind) == expected


def test_words_from_a_rate() -> None:
    assert of_rate("buses per hour") == ("bus", "buses")
    assert of_rate("tyres per hour") == ("tyre", "tyres")
    assert of_rate("hours") is None


def test_defaults_of_kinds_are_in_range_and_keyed_by_plant() -> None:
    assert {row.name for row in APART} == {
        "kit_price", "kit_freight", "people_fixed", "people_per_1000", "overhead", "investment_per_unit"
    }  # fmt: skip
    for row in APART:
        assert row.keys == "plant"
        for kind, default in row.kinds.items():
            assert kind in WORDS and kind != CAR and default.basis
            assert row.range[0] <= default.low <= default.mid <= default.high <= row.range[1]


class TestLookup:
    def test_own_row_then_kind_never_cars(self, azerbaijan: Study) -> None:
        assert azerbaijan.parameter("kit_price", "sumgait_byd").mid == 196_000
        default = azerbaijan.parameter("kit_price", "sumgait_ikarus")
        assert default.mid == parameters()["kit_price"].kinds["bus"].mid and default.unit == "USD per bus"
        assert default.assumed and default.place == "parameters.toml"

    def test_what_kinds_share_is_the_general_row(self, azerbaijan: Study) -> None:
        general = azerbaijan.parameter("ramp_50", "azermash_lada")
        assert azerbaijan.parameter("ramp_50", "sumgait_byd").mid == general.mid
        assert azerbaijan.parameter("kit_lead_days", "sumgait_byd").mid == parameters()["kit_lead_days"].mid

    def test_a_kind_nobody_knows_is_refused(self, tiny: Path, edit: Callable[..., int]) -> None:
        edit("plants.csv", 2, vehicle_kind="military")
        study = load(tiny)
        plant = study.table("plants")["plant"].to_list()[2]
        with pytest.raises(UnknownName, match=f"no kit_freight for {plant}: the register has no default for military"):
            study.parameter("kit_freight", plant)

    def test_a_row_of_cars_for_a_tractor_plant_is_a_fault(self, tiny: Path, edit: Callable[..., int]) -> None:
        """The number of a car, left behind when the plant's kind was changed: its unit gives it away."""
        edit("plants.csv", 0, vehicle_kind="tractor")
        with pytest.raises(StudyFaults, match=r"unit: found 'USD per car'; expected 'USD per tractor'"):
            load(tiny)

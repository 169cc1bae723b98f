"""Kinds of vehicle: what a study calls them, and units that speak of them.

A car is HS 8703. Vehicles of other kinds have plants, shops, people and costs of their own; they are never added to
cars, and no number of a car stands in for theirs.
"""

import re
from collections.abc import Mapping
from typing import Final

CAR: Final = "passenger_car"
"""The kind that output, demand and exports of the futures mean."""
WORDS: Final[Mapping[str, tuple[str, str]]] = {
    CAR: ("car", "cars"),
    "light_commercial": ("van", "vans"),
    "truck": ("truck", "trucks"),
    "bus": ("bus", "buses"),
    "tractor": ("tractor", "tractors"),
    "military": ("military vehicle", "military vehicles"),
    "other": ("unit", "units"),
}
"""Kind -> one, many."""


def unit_of(unit: str, kind: str, words: tuple[str, str] | None = None) -> str:
    """A unit of the register, as it stands for another kind of vehicle, or for what is made in given words.

    >>> unit_of("persons per 1,000 cars per year", "bus"), unit_of("USD per car", "bus")
    ('persons per 1,000 buses per year', 'USD per bus')
    """
    one, many = WORDS[kind] if words is None else words
    return re.sub(r"\bcar\b", one, re.sub(r"\bcars\b", many, unit))


def of_rate(unit: str) -> tuple[str, str] | None:
    """One and many of what a shop makes, from the unit of its rate; None where it names nothing.

    >>> of_rate("tyres per hour")
    ('tyre', 'tyres')
    """
    found = re.fullmatch(r"(\w+(?: \w+)*) per hour", unit)
    if found is None:
        return None
    many = found.group(1)
    known = {plural: singular for singular, plural in WORDS.values()}
    return known.get(many, many.removesuffix("s")), many

"""A scenario's levers as factors and shifts over the years.

A lever sets, multiplies or adds from ``year_from`` to ``year_to``. Levers on one number are applied in the order of the
file. Drawn numbers stay drawn: ``multiply`` scales every draw, ``add`` shifts it, ``set`` replaces it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from karvan.base.axes import Array, BoolArray
from karvan.base.errors import UnknownName, nearest
from karvan.study.scenario import Lever, Scenario


@dataclass(frozen=True)
class LeverBook:
    """The levers of one scenario over the years of a run."""

    scenario: Scenario
    years: tuple[int, ...]

    def of(self, name: str) -> Iterator[Lever]:
        """The levers of a name, in the order of the file."""
        return (lever for lever in self.scenario.levers if lever.lever == name)

    def when(self, lever: Lever) -> BoolArray:
        """(Y,), the years in which a lever holds."""
        years = np.asarray(self.years)
        return np.asarray((years >= lever.year_from) & (years <= lever.year_to))

    def moved(self, name: str, key: str = "") -> bool:
        """Whether any lever moves a parameter for this key."""
        return any(_matches(lever, key) for lever in self.of(name))

    def path(self, name: str, value: Array, key: str = "") -> Array:
        """A drawn number over the years: (D,) -> (D, 1) if no lever moves it, else (D, Y)."""
        out = value[:, None]
        for lever in self.of(name):
            if _matches(lever, key):
                out = np.where(self.when(lever)[None, :], apply(lever, out), out)
        return out

    def value_in(self, name: str, value: Array, year: int, **keys: str) -> Array:
        """An array of any shape in one year, moved by the levers whose fields match ``keys`` (``*`` matches all)."""
        for lever in self.of(name):
            fits = all(getattr(lever, field) in ("", "*", wanted) for field, wanted in keys.items())
            if fits and lever.year_from <= year <= lever.year_to:
                value = apply(lever, value)
        return value

    def check(self, plants: set[str], markets: set[str]) -> None:
        """Refuse levers on plants or markets that the study does not have, naming the nearest."""
        for lever in self.scenario.levers:
            if lever.market not in ("", "*") and lever.market not in markets:
                hint = nearest(lever.market, markets)
                raise UnknownName(
                    f"scenario {self.scenario.name}: lever {lever.lever}: no market '{lever.market}'; {hint}"
                )
            if lever.key not in ("", "*") and lever.key not in plants | markets:
                hint = nearest(lever.key, plants | markets)
                raise UnknownName(f"scenario {self.scenario.name}: lever {lever.lever}: no key '{lever.key}'; {hint}")


class LaneLever(Lever):
    """A lever that holds in some draws of a block only, so that several scenarios can be tried side by side in it
    (:mod:`karvan.futures.lanes`)."""

    first: int
    """First draw that it reaches."""
    stop: int
    """The draw after the last one."""
    size: int
    """Draws of the block."""


def draws_of(lever: Lever) -> slice:
    """The draws of a block that a lever reaches: all, but for a lane's."""
    return slice(lever.first, lever.stop) if isinstance(lever, LaneLever) else slice(None)


def apply(lever: Lever, value: Array) -> Array:
    """The value after one lever; draws lead, one row may stand for all."""
    if isinstance(lever, LaneLever):
        rows = draws_of(lever)
        out = np.repeat(value, lever.size, axis=0) if len(value) == 1 else value.copy()
        out[rows] = _after(lever, out[rows])
        return out
    return _after(lever, value)


def _after(lever: Lever, value: Array) -> Array:
    if lever.operation == "multiply":
        return value * lever.value
    if lever.operation == "add":
        return value + lever.value
    return np.full_like(value, lever.value)


def _matches(lever: Lever, key: str) -> bool:
    return lever.key in ("", "*") or lever.key == key

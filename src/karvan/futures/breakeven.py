"""How far a lever must be moved until a figure reaches a target: bisection under common random numbers."""

import re
from dataclasses import dataclass, replace

from karvan.base.errors import InputError, UnknownName, nearest
from karvan.base.quantities import quantities
from karvan.futures.ensemble import Progress, simulate_many
from karvan.futures.figures import Figure, figure, parse
from karvan.study.load import Study
from karvan.study.register import parameters
from karvan.study.scenario import LEVERS, Lever, known_levers

TRIED = "break_even"
"""Name of the scenario that is tried."""


@dataclass(frozen=True)
class BreakEven:
    """Where a figure meets a target as a lever moves."""

    figure: str
    lever: str
    target: float
    value: float | None
    """The lever's value at which the figure meets the target; None if it does not between the ends."""
    low: float
    high: float
    at_low: float
    at_high: float
    """The figure at the ends."""
    tried: tuple[tuple[float, float], ...]
    """Every value tried with its figure, in order of value."""
    unit: str

    @property
    def words(self) -> str:
        """The answer as a sentence."""
        ends = f"{self.at_low:,.4g} at {self.lever}={self.low:g} and {self.at_high:,.4g} at {self.high:g}"
        if self.value is None:
            return f"{self.figure} does not reach {self.target:,.4g} {self.unit} between them: it is {ends}"
        return f"{self.figure} reaches {self.target:,.4g} {self.unit} at {self.lever}={self.value:.4g} (it is {ends})"


_LEVER = re.compile(
    r"^(?P<lever>\w+)(?:\.(?P<key>[\w.\-*]+?))?(?:@(?P<market>\w+))?(?P<how>[*+]?)=(?P<low>[-+\d.e]+):(?P<high>[-+\d.e]+)$"
)


def parse_lever(text: str) -> tuple[Lever, float, float]:
    """A lever and the ends it is moved between, from ``NAME[.KEY][@MARKET]=LOW:HIGH`` (``*=`` multiplies, ``+=`` adds).

    Errors: :class:`InputError` for another form; :class:`UnknownName` for an unknown lever.
    """
    match = _LEVER.match(text.replace(" ", ""))
    if not match:
        raise InputError(
            f"'{text}' is no range of a lever; expected NAME[.KEY][@MARKET]=LOW:HIGH, with *= to multiply or += to "
            "add, such as kit_price.hajigabul_azermash_cp*=0.6:1.2"
        )
    if match["lever"] not in LEVERS and match["lever"] not in parameters():
        raise UnknownName(
            f"no lever '{match['lever']}'; {nearest(match['lever'], known_levers()) or 'see docs/tables.md'}"
        )
    operation = {"": "set", "*": "multiply", "+": "add"}[match["how"]]
    low, high = float(match["low"]), float(match["high"])
    if not low < high:
        raise InputError(f"'{text}': the range runs from {low:g} to {high:g}; expected a low below the high")
    lever = Lever(
        lever=match["lever"],
        key=match["key"] or "",
        market=match["market"] or "",
        operation=operation,  # type: ignore[arg-type]
        value=low,
        reason="break-even",
    )
    return lever, low, high


def break_even(
    study: Study,
    address: str,
    target: float,
    lever: str,
    *,
    draws: int = 500,
    until: int | None = None,
    seed: int = 1,
    steps: int = 7,
    progress: Progress | None = None,
) -> BreakEven:
    """The value of a lever at which a figure meets a target.

    The figure (its median; a probability its share of futures) is computed at both ends, then the range is halved
    ``steps`` times and the last bracket crossed by a straight line. All futures share their draws, so that the figure
    moves with the lever alone.

    Parameters
    ----------
    address : a forecast; its scenario is the one the lever is added to.
    lever : as for :func:`parse_lever`.

    Errors: those of :func:`parse_lever`, and :class:`UnknownName` for the figure.
    """
    moved, low, high = parse_lever(lever)
    parsed = parse(address)
    base = study.scenario(parsed.scenario)
    name = lever.replace(" ", "").partition("=")[0]
    tried: dict[float, float] = {}
    unit = ""

    def at(value: float) -> float:
        nonlocal unit
        found = _figure(study, base.name, moved.model_copy(update={"value": value}), address, draws, until, seed)
        tried[value], unit = found.value, found.unit
        if progress:
            progress(len(tried), steps + 2)
        return found.value

    left, right = low, high
    f_left, f_right = at(left) - target, at(right) - target
    crossing: float | None = None
    if f_left == 0.0 or f_right == 0.0:
        crossing = left if f_left == 0.0 else right
    elif (f_left < 0.0) != (f_right < 0.0):
        for _ in range(steps):
            middle = 0.5 * (left + right)
            f_middle = at(middle) - target
            if (f_middle < 0.0) == (f_left < 0.0):
                left, f_left = middle, f_middle
            else:
                right, f_right = middle, f_middle
        crossing = left - f_left * (right - left) / (f_right - f_left)
    pairs = tuple(sorted(tried.items()))
    return BreakEven(address, name, target, crossing, low, high, tried[low], tried[high], pairs, unit)


def _figure(study: Study, base: str, lever: Lever, address: str, draws: int, until: int | None, seed: int) -> Figure:
    scenario = study.scenario(base)
    changed = scenario.model_copy(update={"name": TRIED, "levers": (*scenario.levers, lever)})
    tried = replace(study, scenarios={**study.scenarios, TRIED: changed})
    parsed = parse(address)
    net = quantities()[parsed.quantity].kind == "net"
    wanted = dict.fromkeys([TRIED, "no_industry"] if net else [TRIED], draws)
    runs = simulate_many(tried, wanted, until=until, seed=seed, workers=1)
    return figure(f"{address.partition('@')[0]}@{TRIED}", tried, runs)

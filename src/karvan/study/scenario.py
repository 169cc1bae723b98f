"""Scenarios: small TOML files of levers by name and year."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from karvan.base.errors import Fault, nearest
from karvan.study.register import parameters


@dataclass(frozen=True)
class LeverKind:
    """A lever that is not simply a parameter of the register."""

    title: str
    unit: str
    needs: tuple[str, ...]
    """Fields of the lever that must be given."""
    operations: tuple[str, ...] = ("set",)


LEVERS: dict[str, LeverKind] = {
    "no_industry": LeverKind("No car is made in the country from the year on: the counterfactual", "1", ()),
    "plant_opens": LeverKind("An announced plant opens in the year, for certain", "year", ("key",)),
    "plant_closes": LeverKind("A plant closes in the year, for certain", "year", ("key",)),
    "nameplate": LeverKind("Nameplate of a plant", "cars per year", ("key",), ("set", "multiply")),
    "local_share_target": LeverKind("Long-run local share of a component group at a plant", "share of 1", ("key",)),
    "scale_elasticity": LeverKind(
        "Elasticity of a component group's unit cost to volume, in all years; 0: volume does not count",
        "1",
        (),
        ("set", "multiply"),
    ),
    "duty_rate": LeverKind("Ad valorem duty", "share of c.i.f.", ("market",), ("set", "multiply", "add")),
    "duty_per_cc": LeverKind("Specific duty", "USD per cc", ("market",), ("set", "multiply", "add")),
    "excise": LeverKind("Excise", "USD per car", ("market",), ("set", "multiply", "add")),
    "fee": LeverKind("Recycling and registration fees", "USD per car", ("market",), ("set", "multiply", "add")),
    "certification": LeverKind("Certification", "USD per car", ("market",), ("set", "multiply", "add")),
    "freight": LeverKind("Freight of cars", "USD per car", ("market",), ("set", "multiply", "add")),
    "barrier": LeverKind("Other obstacles", "share of the delivered price", ("market",), ("set", "multiply", "add")),
    "vat_rate": LeverKind("Value-added tax", "share of 1", ("market",), ("set", "multiply", "add")),
    "agreement": LeverKind(
        "Origin agreement joined: the preferential rate holds for home-made cars that meet the rule",
        "share of c.i.f.",
        ("market",),
    ),
    "buyer_incentive": LeverKind("Incentive for buyers of home-made cars at home", "USD per car", ()),
    "electrified_ceiling": LeverKind(
        "Long-run share of hybrids and electric cars", "share of 1", ("market",), ("set", "multiply", "add")
    ),
    "electrified_midpoint": LeverKind(
        "Year in which half of that share is reached", "year", ("market",), ("set", "add")
    ),
    "new_share": LeverKind("Share of new cars in purchases", "share of 1", ("market",), ("multiply",)),
    "used_duty": LeverKind("Extra duty on imported cars more than three years old", "USD per car", ("market",)),
    "used_age_limit": LeverKind("Greatest age at which used cars may be imported", "years", ("market",)),
    "exchange_rate": LeverKind("Real value of the home currency, from the year on", "1", (), ("multiply",)),
    "income": LeverKind("Real income per head", "1", ("market",), ("multiply",)),
    "electrified_line": LeverKind("A plant also makes hybrids or electric cars from the year on", "1", ("key",)),
}
"""Levers by name; every parameter of the register is a lever too (set, multiply or add)."""


class Lever(BaseModel):
    """One lever: what it moves, by how much, from when to when, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lever: str
    key: str = ""
    component: str = "*"
    origin: str = ""
    market: str = ""
    product: str = "*"
    operation: Literal["set", "multiply", "add"] = "set"
    value: float = 1.0
    rule_value: float | None = Field(default=None, ge=0, le=1)
    year_from: int = Field(default=0, ge=0, le=2200)
    year_to: int = Field(default=9999, ge=0, le=9999)
    reason: str = ""
    source: str = "assumed"


class Scenario(BaseModel):
    """A scenario: its name, what it means, and its levers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1]
    name: str
    title: str
    description: str = ""
    levers: tuple[Lever, ...] = ()


COUNTERFACTUAL = "+no_industry"
"""Added to a scenario's name: the same world without the industry, where the scenario moves more than the industry."""
_INDUSTRY_ONLY = {
    "plant_opens",
    "plant_closes",
    "nameplate",
    "local_share_target",
    "scale_elasticity",
    "agreement",
    "buyer_incentive",
    "electrified_line",
    "no_industry",
}
_INDUSTRY_GROUPS = {"plants", "partners"}


def moves_the_world(scenario: Scenario, home: str) -> bool:
    """Whether a scenario changes what a country without the industry would feel: income, prices, tastes, taxes.

    Levers on plants and partners, on costs of making cars at home and on frictions that only cars made at home meet do
    not. Then ``no_industry`` is the right counterfactual; else it is the scenario's own, with the same levers.
    """
    known = parameters()
    for lever in scenario.levers:
        if lever.lever in _INDUSTRY_ONLY or lever.origin == home:
            continue
        described = known.get(lever.lever)
        if described is not None and (described.group in _INDUSTRY_GROUPS or described.keys == "plant"):
            continue
        return True
    return False


def counterfactual(scenario: Scenario) -> Scenario:
    """The scenario's own counterfactual: all its levers, and no industry."""
    levers = (*scenario.levers, Lever(lever="no_industry", source="assumed"))
    name = f"{scenario.name}{COUNTERFACTUAL}"
    return Scenario(format=1, name=name, title=f"{scenario.title}, without the industry", levers=levers)


def known_levers() -> list[str]:
    """Every name a lever may have."""
    return [*LEVERS, *parameters()]


def parse_scenario(text: str, label: str) -> tuple[Scenario | None, list[Fault]]:
    """Read a scenario from TOML text; faults name the place in the file."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return None, [Fault(label, 0, "", f"unreadable TOML ({error})", "TOML, format = 1")]
    try:
        scenario = Scenario.model_validate(data)
    except ValidationError as error:
        return None, [validation_fault(label, item["loc"], item["msg"], item.get("input")) for item in error.errors()]
    faults = []
    for number, lever in enumerate(scenario.levers, start=1):
        place = f"levers[{number}]"
        if lever.lever not in LEVERS and lever.lever not in parameters():
            hint = nearest(lever.lever, known_levers()) or f"known levers: {', '.join(LEVERS)}"
            faults.append(Fault(label, 0, f"{place}.lever", f"'{lever.lever}'", "the name of a lever", hint))
            continue
        kind = LEVERS.get(lever.lever)
        operations = kind.operations if kind else ("set", "multiply", "add")
        if lever.operation not in operations:
            faults.append(Fault(label, 0, f"{place}.operation", f"'{lever.operation}'", " or ".join(operations)))
        faults.extend(
            Fault(label, 0, f"{place}.{need}", "nothing", f"a {need} for lever '{lever.lever}'")
            for need in (kind.needs if kind else ())
            if not getattr(lever, need)
        )
        if lever.year_to < lever.year_from:
            faults.append(
                Fault(label, 0, f"{place}.year_to", str(lever.year_to), f"not before year_from {lever.year_from}")
            )
    return (scenario if not faults else None), faults


def validation_fault(label: str, location: tuple[int | str, ...], message: str, found: object) -> Fault:
    """A pydantic error as a fault with a readable place."""
    parts: list[str] = []
    for item in location:
        if isinstance(item, int) and parts:
            parts[-1] += f"[{item + 1}]"
        else:
            parts.append(str(item))
    place = ".".join(parts)
    if message == "Field required":
        return Fault(label, 0, place, "nothing", "a value")
    if message == "Extra inputs are not permitted":
        return Fault(label, 0, place, "an unknown name", "a name that the documentation of the tables lists")
    if message.startswith("Value error, "):
        return Fault(label, 0, place, message.removeprefix("Value error, "), "values that fit together")
    wanted = message.removeprefix("Input should be ")
    plain = next((text for start, text in _PLAIN.items() if wanted.startswith(start)), wanted[0].lower() + wanted[1:])
    return Fault(label, 0, place, repr(found)[:60], plain)


_PLAIN = {
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a valid string": "text in quotes",
    "a valid boolean": "true or false",
    "a valid tuple": "a list in square brackets",
    "a valid list": "a list in square brackets",
    "Tuple should have at least 1 item": "a list with at least one name",
    "List should have at least 1 item": "a list with at least one name",
    "String should have at least 1 character": "text that is not empty",
    "String should match pattern '^[A-Z]{3}$'": "a code of three capital letters, such as AZE",
}
"""What the checker's messages begin with, in words that need no programmer."""


def read_scenario(path: Path, label: str) -> tuple[Scenario | None, list[Fault]]:
    """Read a scenario file."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None, [Fault(label, 0, "", "text that is not UTF-8", "a file saved as UTF-8")]
    return parse_scenario(text, label)

"""What decides in a market, and what it would have to be: rungs of the delivered price and their break-evens.

The ladders of the first and the last year are kept as medians over the first block. The price of a car is linear in
each of its rungs, the others as they are, so the rung at which it costs the buyer what the rival's car costs is found
in closed form. What a lever would have to be for the hub verdict is found by moving it (:mod:`karvan.futures.needs`).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Final

import numpy as np

from karvan.base.axes import Array
from karvan.base.errors import UnknownName, nearest
from karvan.base.streams import BLOCK
from karvan.futures.ensemble import Futures, beside
from karvan.futures.needs import ALL, KINDS, Need, levers_needed
from karvan.futures.yearloop import LAST
from karvan.hub.verdict import CONDITIONS
from karvan.study.load import Study

QUANTITY_KINDS: Final = ("step", "parity", "need", "need_end")
"""Kinds of quantities that :func:`value` answers."""
STEPS: Final = (
    "ex_works", "compliance", "freight", "insurance", "duty", "excise", "fee", "certification", "vat", "margin",
    "obstacles",
)  # fmt: skip
"""Rungs from the plant gate to the buyer; ``obstacles`` is what stands above the ladder, rivals' answers included."""
MOVED: Final = ("ex_works", "freight", "duty", "excise", "fee", "certification", "obstacles")
"""Rungs for which parity is asked: the others follow from them."""
NEED_DRAWS: Final = 60
"""Futures in which levers are tried for a report at most: a fifth of the run's."""
NEED_ROUNDS: Final = 2
"""Times their range is cut to a quarter for it; once where fewer futures could not tell the difference."""


def value(name: str, kind: str, keys: tuple[str, ...], year: int, study: Study, run: Futures) -> float:
    """A rung, a break-even or a need; nan where there is none.

    Errors: :class:`UnknownName` for a rung, offer, market, lever or condition that does not exist.
    """
    keys = _joined(kind, keys, run.layout.offers)
    wanted = {"step": 3, "parity": 4}.get(kind, 2)
    if len(keys) != wanted:
        form = {3: "STEP.OFFER.MARKET", 4: "STEP.OFFER.RIVAL.MARKET", 2: "LEVER.CONDITION"}[wanted]
        raise UnknownName(f"{name} needs the keys {form}, found '{'.'.join(keys)}'")
    if kind in ("need", "need_end"):
        lever = _known(keys[0], [k.name for k in KINDS], "lever")
        condition = _known(keys[1], [*CONDITIONS, ALL], "condition")
        need = next(row for row in needs(study, run, year) if row.lever == lever)
        found = need.needed[condition]
        if kind == "need_end":
            return need.at_end[condition]
        return float("nan") if found is None else found
    step = _known(keys[0], STEPS if kind == "step" else MOVED, "step")
    offer = _place(keys[1], run.layout.offers, "offer")
    market = _place(keys[-1], run.layout.markets, "market")
    then = when(name, year, run)
    if kind == "step":
        return rung(run, step, offer, market, then)
    return parity(run, step, offer, _place(keys[2], run.layout.offers, "offer"), market, then)


def _joined(kind: str, keys: tuple[str, ...], offers: tuple[str, ...]) -> tuple[str, ...]:
    """Keys with the parts of an offer's name together again: a newcomer's has a dot in it."""
    if kind == "step" and len(keys) > 3:
        return keys[0], ".".join(keys[1:-1]), keys[-1]
    if kind == "parity" and len(keys) > 4:
        between = keys[1:-1]
        for cut in range(1, len(between)):
            offer, rival = ".".join(between[:cut]), ".".join(between[cut:])
            if offer in offers and rival in offers:
                return keys[0], offer, rival, keys[-1]
    return keys


def when(name: str, year: int, run: Futures) -> str:
    """The mark of the year among what a run keeps of prices: nothing for the first, :data:`LAST` for the last.

    Errors: :class:`UnknownName` for a year between.
    """
    if year == run.years[0]:
        return ""
    if year == run.years[-1]:
        return LAST
    raise UnknownName(f"{name} is kept for {run.years[0]} and {run.years[-1]} alone, found {year}")


def rung(run: Futures, step: str, offer: int, market: int, then: str = "") -> float:
    """Median of a rung of the first year, or of the last (``then``), dollars per car."""
    if step != "obstacles":
        return float(run.offers[f"step.{step}{then}"][offer, market])
    ladder = sum(float(run.offers[f"step.{name}{then}"][offer, market]) for name in STEPS if name != "obstacles")
    return _price(run, offer, market, then) - ladder


def parity(run: Futures, step: str, offer: int, rival: int, market: int, then: str = "") -> float:
    """The rung at which an offer costs what the rival's costs, the other rungs as they are; nan if below nothing.

    With ``B`` the factor of other obstacles, ``v`` and ``g`` VAT and the dealer's margin as shares and ``t`` duty over
    the customs value, the price moves by ``B (1 + v + g)`` with duty, excise and fee, by ``1 + t`` times that with
    freight and the price at the gate, and by ``B (1 + g)`` with certification. All at the medians of the rungs.
    """
    at = {name: rung(run, name, offer, market, then) for name in STEPS}
    cif = at["ex_works"] + at["compliance"] + at["freight"] + at["insurance"]
    landed = cif + at["duty"] + at["excise"] + at["fee"]
    ladder = landed + at["certification"] + at["vat"] + at["margin"]
    here = _price(run, offer, market, then)
    above = here / ladder
    vat, margin = at["vat"] / landed, at["margin"] / (landed + at["certification"])
    slope = above * (1.0 + vat + margin)
    slopes = dict.fromkeys(("duty", "excise", "fee"), slope)
    slopes |= dict.fromkeys(("freight", "ex_works"), slope * (1.0 + at["duty"] / cif))
    slopes |= {"certification": above * (1.0 + margin), "obstacles": 1.0}
    needed = at[step] + (_price(run, rival, market, then) - here) / slopes[step]
    return needed if needed >= 0.0 else float("nan")


def needs(study: Study, run: Futures, year: int) -> tuple[Need, ...]:
    """What each lever would have to be on top of the run's scenario; worked out once for a study."""
    memo = study._memo.setdefault(__name__, {})
    key = _key(run.scenario, year, run.seed, run.draws)
    if key not in memo:
        memo[key] = _tried(study, key)
    found: tuple[Need, ...] = memo[key]
    return found


@contextmanager
def needs_beside(study: Study, scenarios: Mapping[str, int], year: int, seed: int) -> Iterator[Callable[[], None]]:
    """Works out :func:`needs` of several scenarios in two processes of their own, while this one does other work.

    ``scenarios`` maps names to the draws of their runs. The function that is given waits until all are known.
    """
    keys = [_key(name, year, seed, draws) for name, draws in scenarios.items()]
    with beside(study, [partial(_tried, key=key) for key in keys]) as found:

        def wait() -> None:
            study._memo.setdefault(__name__, {}).update(zip(keys, found(), strict=True))

        yield wait


def _key(scenario: str, year: int, seed: int, draws: int) -> tuple[str, int, int, int]:
    return scenario, year, seed, min(max(draws // 5, 1), NEED_DRAWS)


def _tried(study: Study, key: tuple[str, int, int, int]) -> tuple[Need, ...]:
    scenario, year, seed, draws = key
    rounds = NEED_ROUNDS if draws == NEED_DRAWS else 1
    return levers_needed(study, scenario=scenario, year=year, draws=draws, seed=seed, rounds=rounds)


def decides(run: Futures, offer: int, rival: int, market: int, then: str = "") -> tuple[str, str]:
    """The rung on which an offer is furthest behind its rival, and the same among what a government sets."""
    gaps = {name: rung(run, name, offer, market, then) - rung(run, name, rival, market, then) for name in MOVED}
    set_ = {name: gap for name, gap in gaps.items() if name not in ("ex_works", "freight")}
    first, second = max(gaps, key=lambda n: gaps[n]), max(set_, key=lambda n: set_[n])
    return (first if gaps[first] >= 1.0 else ""), (second if set_[second] >= 1.0 else "")


def _price(run: Futures, offer: int, market: int, then: str) -> float:
    prices: Array = run.offers[f"delivered{then}"][:BLOCK, offer, market]  # those of which the rungs are kept
    return float(np.median(prices))


def _known(word: str, options: "list[str] | tuple[str, ...]", what: str) -> str:
    if word not in options:
        raise UnknownName(f"no {what} '{word}'; {nearest(word, options) or 'known: ' + ', '.join(options)}")
    return word


def _place(word: str, options: tuple[str, ...], what: str) -> int:
    return options.index(_known(word, options, what))

"""Which parts are made at home, in what numbers, what small numbers cost, and from what volume that ends.

A run keeps cars by plant; what is bought at home of each component group follows from them and from the same draws:
:class:`~karvan.futures.know_how.KnowHow` is set up as in the year loop, and nothing is run again.
"""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from karvan.base.axes import Array
from karvan.base.errors import UnknownName, nearest
from karvan.base.streams import BLOCK
from karvan.futures.blocks import home_record, made_before, plant_inputs
from karvan.futures.ensemble import Futures, worker_of
from karvan.futures.inputs import Draws, Prepared
from karvan.futures.know_how import KnowHow
from karvan.partnerships.learning import supplier_parity
from karvan.partnerships.sourcing import scale_penalty


@dataclass(frozen=True)
class PartGroups:
    """Component groups in one year of many futures, each (D, G)."""

    local_share: Array
    """Share of the sets of the year that are bought at home; nan where no car is made."""
    local_share_planned: Array
    """The same in the long run, for the plants that make cars in the year; nan where none does."""
    local_sets: Array
    """Sets bought at home in the year, by all own plants together."""
    local_sets_priced: Array
    """Sets a year that suppliers price for at least: those at which ``local_price_ratio`` holds."""
    scale_penalty: Array
    """Unit cost at these sets, or those priced for if more, above that at the minimum efficient scale; share of 1."""
    local_sets_parity: Array
    """Sets a year from which, kept up, a local part costs no more than the one in the kit with its freight and duty;
    inf for none."""


QUANTITIES: Final = tuple(field.name for field in fields(PartGroups))
"""Quantities by component group, as in the register."""


def groups_in(prepared: Prepared, draws: Draws, output: Array, index: int) -> PartGroups:
    """Component groups in the year ``index`` of the run. output: (D, P), cars made by own plants in it."""
    layout = prepared.layout
    # What people earn abroad matters to nothing that is asked here.
    plants = plant_inputs(prepared, draws, np.ones((draws.size, len(layout.years))))
    know = KnowHow(prepared, draws, plants, made_before(prepared, home_record(prepared, draws)))
    cars = output.sum(axis=1)[:, None]
    sets = know.sets(output, index)

    def shares(parts: Array) -> Array:
        return np.asarray(np.divide(parts, cars, out=np.full(parts.shape, np.nan), where=cars > 0.0))

    def at(path: Array) -> Array:
        return path[:, min(index, path.shape[1] - 1)]

    weight = np.divide(output, cars, out=np.full(output.shape, 1.0 / layout.own), where=cars > 0.0)
    landed = (1.0 + at(plants.kit_freight) / at(plants.kit_price)) * (1.0 + at(plants.kit_duty))

    priced = np.maximum(sets, know.reference)
    return PartGroups(
        local_share=shares(sets),
        local_share_planned=shares((output[..., None] * plants.local_target).sum(axis=1)),
        local_sets=sets,
        local_sets_priced=know.reference,
        scale_penalty=scale_penalty(priced, plants.efficient_scale, plants.scale_elasticity) - 1.0,
        local_sets_parity=supplier_parity(
            know.start[:, 0],
            reference=know.reference,
            progress_ratio=know.progress[:, None],
            ratio_floor=know.floor[:, 0],
            minimum_efficient_scale=plants.efficient_scale,
            elasticity=plants.scale_elasticity,
            landed=(landed * weight).sum(axis=1, keepdims=True),
        ),
    )


def joined(parts: list[PartGroups]) -> PartGroups:
    """Blocks of draws as one."""
    return PartGroups(*(np.concatenate([getattr(part, name) for part in parts]) for name in QUANTITIES))


def groups_of(run: Futures, year: int) -> PartGroups:
    """Component groups in a year of a run; worked out once for a study."""
    memo: dict[object, PartGroups] = run.study._memo.setdefault(__name__, {})
    key = (run.scenario, run.years, run.seed, run.draws, run.sampling.method, year)
    if key not in memo:
        first, last = run.years[0], run.years[-1]
        prepared = worker_of(run.study, run.scenario, start=first, until=last, seed=run.seed).prepare(run.scenario)
        output, parts = run.plants["output"][:, run.years.index(year)], []
        for block in range((run.draws + BLOCK - 1) // BLOCK):
            made = output[block * BLOCK : (block + 1) * BLOCK]
            draws = Draws(run.seed, block, len(made), sampling=run.sampling)
            parts.append(groups_in(prepared, draws, made, run.years.index(year)))
        memo[key] = joined(parts)
    return memo[key]


def draws(name: str, component: str, run: Futures, year: int) -> Array:
    """(D,), a quantity of one component group. Errors: :class:`UnknownName` for a group that does not exist."""
    known = run.layout.components
    if component not in known:
        raise UnknownName(
            f"no component group '{component}'; {nearest(component, known) or 'known: ' + ', '.join(known)}"
        )
    found: Array = getattr(groups_of(run, year), name)[:, known.index(component)]
    return found

"""What a ministry asks of a run: what the treasury gives up, what duties protect, what a dollar saved costs at home.

The measures are those of :mod:`karvan.economy.ministry`, formed from the flows that a run keeps
(:mod:`karvan.futures.accounts`). A future without the thing a measure is about (a cost per car without a car) is nan.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from karvan.base.axes import Array
from karvan.base.errors import InputError, UnknownName, nearest
from karvan.economy.ministry import domestic_resource_cost, effective_rate_of_protection, per_unit_forgone
from karvan.economy.tax import occupations
from karvan.futures.accounts import CAR_TAXES
from karvan.futures.ensemble import Futures, without_industry
from karvan.study.load import Study

LOST: Final = (*CAR_TAXES, "holiday", "incentive")
"""What is given up for the industry: taxes on cars no longer imported, the tax holiday, incentives paid to buyers."""
PLANTS: Final = "car_plants"
"""What the plants themselves are called in the table of occupations."""


def revenue_lost(run: Futures, other: Futures, part: str = "") -> Array:
    """(D, Y), public revenue given up against ``no_industry`` under the same draws, in all or one part of it; millions.

    Errors: :class:`UnknownName` for a part that does not exist.
    """
    if part and part not in LOST:
        raise UnknownName(f"no part '{part}' of revenue lost; {nearest(part, LOST) or 'known: ' + ', '.join(LOST)}")
    count = min(run.draws, other.draws)
    lost = {tax: other.figures[f"tax_on_cars.{tax}"][:count] for tax in CAR_TAXES}
    lost = {tax: values - run.figures[f"tax_on_cars.{tax}"][:count] for tax, values in lost.items()}
    lost |= {"holiday": run.figures["tax_forgone"][:count], "incentive": run.figures["subsidy"][:count]}
    return np.asarray(lost[part] if part else np.sum(list(lost.values()), axis=0))


def draws(name: str, run: Futures, runs: Mapping[str, Futures], keys: tuple[str, ...] = ()) -> Array:
    """(D, Y), one of the measures, by the name of its quantity.

    Errors: :class:`UnknownName` where the run was kept without its flows, or where ``no_industry`` is missing.
    """
    if name.startswith("revenue_lost"):
        lost = revenue_lost(run, without_industry(name, run, runs), keys[0] if keys else "")
        units = run.figures["jobs" if name.endswith("_per_job") else "output"][: len(lost)]
        # Less than one car or job in a year is none.
        return 1e6 * per_unit_forgone(lost, np.where(units >= 1.0, units, 0.0))
    flows = run.flows
    if not flows:
        raise UnknownName(f"these futures were kept without the flows that {name} needs; simulate them again")
    world, kits = flows["output_world"], flows["kits_world"]
    made = run.figures["output"] >= 1.0
    if name == "value_added_world":
        return np.asarray(world - kits - flows["parts_abroad"])
    if name == "protection_effective":
        base = np.where(made, world, 1.0)
        tariff = np.where(made, flows["revenue"] / base - 1, 0.0)
        share = np.where(made, kits / base, 0.0)
        duty = np.divide(flows["kits_duty"], kits, out=np.zeros_like(kits), where=kits > 0)
        return np.where(made, effective_rate_of_protection(tariff, duty[..., None], share[..., None]), np.nan)
    found = domestic_resource_cost(
        flows["labour"],
        flows["capital"],
        flows["home_inputs"],
        world,
        kits + flows["parts_abroad"],
        shadow_wage_ratio=flows["shadow_wage"],
        shadow_exchange_ratio=flows["shadow_exchange"],
    )
    return np.where(made, found, np.nan)


def occupation_names(study: Study) -> tuple[str, ...]:
    """The occupations of the study's table, in its order; empty without one."""
    return tuple(dict.fromkeys(study.table("occupations")["occupation"].to_list()))


def occupation_draws(occupation: str, run: Futures) -> Array:
    """(D, Y), jobs in one occupation: at the plants, indirect and induced.

    Errors: :class:`UnknownName` for an occupation that the study does not have, or a study without such a table;
    :class:`InputError` where an industry is left out or its shares do not sum to 1.
    """
    names = occupation_names(run.study)
    if occupation not in names:
        known = "known: " + ", ".join(names) if names else "the study has no table of them"
        hint = nearest(occupation, names) or known
        raise UnknownName(f"no occupation '{occupation}'; {hint}")
    rows = {
        (row["industry"], row["occupation"]): float(row["share"])
        for row in run.study.table("occupations").iter_rows(named=True)
    }
    industries = (*run.layout.industries, PLANTS)
    absent = [industry for industry in industries if not any(key[0] == industry for key in rows)]
    if absent:
        raise InputError(f"occupations.csv gives no shares for {absent[0]!r}; expected every industry and {PLANTS!r}")
    shares = np.array([[rows.get((industry, name), 0.0) for name in names] for industry in industries])
    jobs = np.concatenate([run.sectors["jobs"], run.figures["jobs_direct"][..., None]], axis=-1)
    return occupations(jobs, shares)[..., names.index(occupation)]

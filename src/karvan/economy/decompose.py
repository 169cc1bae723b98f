"""What changed between two years, and why: structural decomposition, and how concentrated the economy is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.base.errors import InputError
from karvan.economy.table import InputOutputTable, LabelledVector


@dataclass(frozen=True, eq=False)
class Decomposition:
    """A change taken apart into causes that sum to it exactly."""

    account: str
    """What changed."""
    change: LabelledVector
    """The change itself, by sector."""
    parts: Mapping[str, LabelledVector]
    """By cause: ``coefficient`` (not for output), ``technology``, ``final_demand``."""
    polar: tuple[Mapping[str, LabelledVector], Mapping[str, LabelledVector]]
    """The two polar forms whose mean the parts are: how far the order of the causes matters."""


def sda(
    before: InputOutputTable, after: InputOutputTable, *, account: str = "output", method: str = "polar"
) -> Decomposition:
    """The change of an account by sector, split into coefficient, technology (``L``) and final demand.

    ``d(v L f)`` with the causes changed one after the other; the mean of the two polar orders, or of all orders
    (Dietzenbacher and Los 1998, Economic Systems Research 10(4); Miller and Blair 2009, section 13.1). Both tables at
    the same prices, else price changes are read as growth.

    Parameters
    ----------
    method : ``polar`` (mean of the two extreme orders) or ``all`` (mean of all orders).

    Raises
    ------
    InputError : sectors, money units or price bases that differ; a method that is neither.
    """
    if before.sectors != after.sectors:
        raise InputError("the two tables have different sectors; expected the same labels in the same order: aggregate")
    if (before.currency, before.unit, before.prices) != (after.currency, after.unit, after.prices):
        raise InputError(
            f"the two tables are in {before.unit} {before.currency} at {before.prices} prices and {after.unit} "
            f"{after.currency} at {after.prices} prices; expected the same"
        )
    if method not in ("polar", "all"):
        raise InputError(f"method is {method!r}; expected 'polar' or 'all'")
    names = ("technology", "final_demand") if account == "output" else ("coefficient", "technology", "final_demand")
    tables = (before, after)

    def value(which: Mapping[str, int]) -> Array:
        x = tables[which["technology"]].solver.forward(tables[which["final_demand"]].final_demand)
        answer: Array = tables[which.get("coefficient", 0)].coefficients(account) * x
        return answer

    parts, polar, change = _decompose(names, value, method)
    labels = before.sectors

    def labelled(values: Mapping[str, Array]) -> dict[str, LabelledVector]:
        return {name: LabelledVector(array, labels, before.money) for name, array in values.items()}

    return Decomposition(
        account, LabelledVector(change, labels, before.money), labelled(parts), (labelled(polar[0]), labelled(polar[1]))
    )


def _decompose(
    names: tuple[str, ...], value: Callable[[Mapping[str, int]], Array], method: str
) -> tuple[dict[str, Array], tuple[dict[str, Array], dict[str, Array]], Array]:
    """Mean over orders of the step each cause makes when it is changed at its turn."""
    known: dict[tuple[int, ...], Array] = {}

    def at(changed: frozenset[str]) -> Array:
        key = tuple(int(name in changed) for name in names)
        if key not in known:
            known[key] = value(dict(zip(names, key, strict=True)))
        return known[key]

    def steps(order: tuple[str, ...]) -> dict[str, Array]:
        done: frozenset[str] = frozenset()
        answer = {}
        for name in order:
            answer[name] = at(done | {name}) - at(done)
            done = done | {name}
        return answer

    polar = (steps(names), steps(names[::-1]))
    orders = [steps(order) for order in permutations(names)] if method == "all" else list(polar)
    parts = {name: np.mean([step[name] for step in orders], axis=0) for name in names}
    return parts, polar, at(frozenset(names)) - at(frozenset())


def concentration_hhi(values: ArrayLike) -> Array:
    """Herfindahl-Hirschman index of the last axis: the sum of squared shares, from 1/S (even) to 1 (one sector).

    Parameters
    ----------
    values : (..., S), value added or exports by sector, 0 or more.

    Returns
    -------
    (...,), share of 1; ``NaN`` where everything is 0.

    >>> concentration_hhi([50.0, 30.0, 20.0]).round(4)
    np.float64(0.38)
    """
    share = _shares(values)
    answer: Array = (share**2).sum(axis=-1)
    return answer


def concentration_theil(values: ArrayLike) -> Array:
    """Theil's index of the last axis: ``sum_s q_s ln(q_s S)``, from 0 (even) to ln S (one sector). Theil (1967).

    Parameters and returns as in :func:`concentration_hhi`. A fall is diversification.

    >>> concentration_theil([1.0, 1.0, 1.0, 1.0])
    np.float64(0.0)
    """
    share = _shares(values)
    size = share.shape[-1]
    answer: Array = (share * np.log(np.where(share > 0, share * size, 1.0))).sum(axis=-1)
    return answer


def _shares(values: ArrayLike) -> Array:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim < 1 or array.shape[-1] == 0 or (array < 0).any():
        raise InputError("concentration needs values of 0 or more along a last axis; a share cannot be negative")
    total = array.sum(axis=-1, keepdims=True)
    answer: Array = np.divide(array, total, out=np.full_like(array, np.nan), where=total > 0)
    return answer

"""Input-output tables from pymrio: any of its systems, and the databases that its parsers read.

pymrio is an optional extra; nothing here imports it but :func:`table_from_database`, so any system will do.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from karvan.base.axes import Array
from karvan.base.errors import InputError, UnknownName, nearest
from karvan.study.importers import ROWS, TableArrays

PARSERS: Final = {
    "exiobase": "parse_exiobase3",
    "wiod": "parse_wiod",
    "oecd": "parse_oecd",
    "eora": "parse_eora26",
    "gloria": "parse_gloria",
}
"""Databases by the name of pymrio's parser."""


def table_from_pymrio(
    system: Any,
    *,
    prices: str,
    region: str = "",
    rows: Mapping[str, tuple[str, Any]] | None = None,
    households: str = "",
    employment_unit: str = "persons",
    currency: str = "",
    unit: str = "",
    year: int | None = None,
    copy: bool = True,
) -> TableArrays:
    """A table from a pymrio ``IOSystem``: all regions as one large table, or one of them.

    One region: flows and final uses are those of its own products, sales abroad are the final use ``exports``, and what
    its industries buy from other regions is the row ``imports``. All regions: labels are ``region.sector``, nothing is
    imported.

    Parameters
    ----------
    rows : by name of :data:`ROWS`: extension and row (or list of rows to add up) of it, such as
        ``{"value_added": ("factor_inputs", "Value Added")}``.
    households : category of final demand that is household consumption.
    copy : whether to copy ``Z``; without a copy, change the system no more.

    Errors: :class:`InputError` where the system has no flows yet; :class:`UnknownName` for a region, category,
    extension or row that it does not have.
    """
    Z, Y = getattr(system, "Z", None), getattr(system, "Y", None)
    if Z is None or Y is None:
        raise InputError("the pymrio system has no Z or no Y; expected both: calc_all() or calc_system() makes them")
    keys = [_key(label) for label in Z.index]
    _known(len(set(keys)) == len(keys), "Z", "labels that are there twice")
    across = _places(keys, [_key(label) for label in Z.columns], "the columns of Z")
    down = _places(keys, [_key(label) for label in Y.index], "the rows of Y")
    uses = [_key(label) for label in Y.columns]
    regions = list(dict.fromkeys(key[0] for key in keys))
    inter = len(keys[0]) > 1
    if region and (not inter or region not in regions):
        raise UnknownName(f"no region '{region}' in the system; {nearest(region, regions) or 'see its regions'}")
    flows = np.asarray(Z.to_numpy(), dtype=np.float64)
    if across is not None:
        flows = flows[:, across]
    final = np.asarray(Y.to_numpy(), dtype=np.float64)
    final = final if down is None else final[down]
    spent = np.array([use[-1] == households for use in uses])
    if households and not spent.any():
        known = list(dict.fromkeys(use[-1] for use in uses))
        raise UnknownName(
            f"no final demand '{households}'; {nearest(households, known) or 'known: ' + ', '.join(known)}"
        )
    x = getattr(system, "x", None)
    output = None
    if x is not None:
        order = _places(keys, [_key(label) for label in x.index], "the rows of x")
        output = np.asarray(x.to_numpy(), dtype=np.float64).reshape(len(keys), -1)[:, 0]
        output = output if order is None else output[order]
    given = {name: _extension(system, name, where, keys, uses) for name, where in (rows or {}).items()}
    words: dict[str, Any] = {
        "employment_unit": employment_unit, "currency": currency, "unit": unit, "year": year, "prices": prices,
        "source": str(getattr(getattr(system, "meta", None), "name", "") or "pymrio"),
    }  # fmt: skip
    if not region:
        bought = final[:, spent].sum(axis=1) if households else None
        taxes = given["product_taxes"][1][spent].sum() if households and "product_taxes" in given else 0.0
        made: dict[str, Any] = {name: row for name, (row, _) in given.items()}
        if inter:
            made.setdefault("imports", np.zeros(len(keys)))
        return TableArrays(
            np.array(flows) if copy and across is None else flows, final, tuple(".".join(use) for use in uses),
            tuple(".".join(key) for key in keys), output=output, household_consumption=bought,
            household_product_taxes=float(taxes), **made, **words,
        )  # fmt: skip
    here = np.array([key[0] == region for key in keys])
    own = np.array([use[0] == region for use in uses])
    k = np.flatnonzero(here)
    block = slice(k[0], k[-1] + 1) if len(k) == k[-1] - k[0] + 1 else k
    inside = flows[block, block] if isinstance(block, slice) else flows[np.ix_(k, k)]
    abroad = flows[np.ix_(here, ~here)].sum(axis=1) + final[np.ix_(here, ~own)].sum(axis=1)
    made = {name: row[here] for name, (row, _) in given.items()}
    bought_in = flows[np.ix_(~here, here)].sum(axis=0)
    made["imports"] = made["imports"] + bought_in if "imports" in made else bought_in
    spenders = own & spent
    taxes = given["product_taxes"][1][spenders].sum() if "product_taxes" in given else 0.0
    return TableArrays(
        np.array(inside) if copy else inside,
        np.column_stack([final[np.ix_(here, own)], abroad]),
        (*(use[-1] for use, mine in zip(uses, own, strict=True) if mine), "exports"),
        tuple(key[-1] for key in keys if key[0] == region),
        output=None if output is None else output[here],
        household_consumption=final[np.ix_(here, spenders)].sum(axis=1) if households else None,
        household_imports=float(final[np.ix_(~here, spenders)].sum()),
        household_product_taxes=float(taxes),
        **made,
        **words,
    )


def table_from_database(
    database: str, path: Path | str, *, options: Mapping[str, Any] | None = None, **rest: Any
) -> TableArrays:
    """A table from a downloaded database by pymrio's own parser, one of :data:`PARSERS`.

    Parameters
    ----------
    path : file or folder, as the parser wants it.
    options : what the parser takes besides, such as ``{"year": 2018}``.
    rest : as for :func:`table_from_pymrio`.

    Errors: :class:`UnknownName` for another database; :class:`InputError` without pymrio, or where the parser refuses.
    """
    if database not in PARSERS:
        raise UnknownName(f"no database '{database}'; {nearest(database, PARSERS) or 'known: ' + ', '.join(PARSERS)}")
    try:
        import pymrio
    except ImportError:
        raise InputError(f"reading {database} needs pymrio; install it with: pip install 'karvan[pymrio]'") from None
    parse: Callable[..., Any] = getattr(pymrio, PARSERS[database])
    try:
        system = parse(path, **(options or {}))
    except Exception as error:  # parsers raise whatever pandas raises
        raise InputError(f"pymrio cannot read {path} as {database}: {error}") from error
    return table_from_pymrio(system, **rest)


def _extension(
    system: Any, name: str, where: tuple[str, Any], keys: list[tuple[str, ...]], uses: list[tuple[str, ...]]
) -> tuple[Array, Array]:
    """A row of an extension (several added up): by industry, and by final use where the extension says so."""
    if name not in ROWS:
        raise UnknownName(f"no row '{name}'; {nearest(name, ROWS)} The rows: {', '.join(ROWS)}")
    extension, labels = where
    found = getattr(system, extension, None)
    frame = getattr(found, "F", None)
    if frame is None:
        known = list(system.get_extensions()) if hasattr(system, "get_extensions") else []
        hint = nearest(extension, known) or "known: " + ", ".join(known)
        raise UnknownName(f"the system has no extension '{extension}' with flows F; {hint}")
    order = _places(keys, [_key(label) for label in frame.columns], f"the columns of {extension}.F")
    have = {_key(label): k for k, label in enumerate(frame.index)}
    wanted = [_key(one) for one in (labels if isinstance(labels, list) else [labels])]
    for one in wanted:
        if one not in have:
            text = [".".join(key) for key in have]
            hint = nearest(".".join(one), text) or f"{len(text)} rows, such as {', '.join(text[:4])}"
            raise UnknownName(f"extension '{extension}' has no row '{'.'.join(one)}'; {hint}")
    take = [have[one] for one in wanted]
    total = np.asarray(frame.to_numpy()[take], dtype=np.float64).sum(axis=0)
    of_final = getattr(found, "F_Y", None)
    by_use = np.zeros(len(uses))
    if of_final is not None:
        there = {_key(label): k for k, label in enumerate(of_final.index)}
        columns = _places(uses, [_key(label) for label in of_final.columns], f"the columns of {extension}.F_Y")
        by_use = np.asarray(of_final.to_numpy()[[there[one] for one in wanted]], dtype=np.float64).sum(axis=0)
        by_use = by_use if columns is None else by_use[columns]
    return (total if order is None else total[order]), by_use


def _places(wanted: list[tuple[str, ...]], found: list[tuple[str, ...]], name: str) -> list[int] | None:
    """Where each wanted label stands among those found; ``None`` where they are in order already."""
    if wanted == found:
        return None
    place = {key: k for k, key in enumerate(found)}
    absent = [key for key in wanted if key not in place]
    extra = set(found) - set(wanted)
    if absent or extra:
        what = f"lack '{'.'.join(absent[0])}'" if absent else f"have '{'.'.join(sorted(extra)[0])}'"
        raise InputError(f"{name} {what}; expected the labels of the rows of Z, each once")
    return [place[key] for key in wanted]


def _known(fine: bool, name: str, what: str) -> None:
    if not fine:
        raise InputError(f"{name} has {what}; expected every label once")


def _key(label: Any) -> tuple[str, ...]:
    return tuple(str(part) for part in label) if isinstance(label, tuple) else (str(label),)

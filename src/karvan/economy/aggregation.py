"""Merging industries into fewer."""

from collections.abc import Mapping

import numpy as np

from karvan.economy.faults import TableFault
from karvan.economy.table import InputOutputTable


def aggregate(table: InputOutputTable, mapping: Mapping[str, str]) -> InputOutputTable:
    """The table with industries merged: flows and rows are added up; ``Z* = S Z S'``. Miller and Blair (2009), 4.9.

    Sums of flows, output and every row stay as they are. Effects do not, unless the merged industries have the same
    input structure: that is the aggregation bias, and no arithmetic removes it.

    Parameters
    ----------
    mapping : the new label of every old one. New industries come in the order of their first mention in the table.

    Raises
    ------
    TableFault : an industry without a new label, or a label that the table does not have.
    """
    missing = [label for label in table.sectors if label not in mapping]
    extra = [label for label in mapping if label not in table.sectors]
    if missing or extra:
        what = f"lacks {missing[0]!r}" if missing else f"names {extra[0]!r}, which the table does not have"
        raise TableFault(f"the mapping {what}; expected every sector of the table once")
    labels = tuple(dict.fromkeys(mapping[label] for label in table.sectors))
    S = np.zeros((len(labels), table.size))
    for j, label in enumerate(table.sectors):
        S[labels.index(mapping[label]), j] = 1.0

    def merged(name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]] | None:
        row = getattr(table, name)
        return None if row is None else S @ row

    return InputOutputTable(
        S @ table.Z @ S.T,
        S @ table.final_uses,
        output=S @ table.output,
        sectors=labels,
        value_added=merged("value_added"),
        compensation=merged("compensation"),
        imports=merged("imports"),
        product_taxes=merged("product_taxes"),
        employment=merged("employment"),
        household_consumption=merged("household_consumption"),
        household_imports=table.household_imports,
        household_product_taxes=table.household_product_taxes,
        currency=table.currency,
        unit=table.unit,
        employment_unit=table.employment_unit,
        year=table.year,
        prices=table.prices,
        flows=table.flows,
        options=table.options,
        copy=False,
    )

"""The textbook table that most tests start from, and random tables for the laws."""

from collections.abc import Callable

import numpy as np
import pytest

from karvan.economy import InputOutputTable


def make_textbook() -> InputOutputTable:
    """Miller and Blair (2009), Table 2.3, with the labour coefficients 0.30 and 0.25 of their section 2.5."""
    return InputOutputTable(
        [[150, 500], [200, 100]],
        [350, 1700],
        output=[1000, 2000],
        sectors=["1", "2"],
        value_added=[650, 1400],
        compensation=[300, 500],
        employment=[100, 80],
        household_consumption=[50, 400],
        currency="USD",
        unit="million",
        year=2009,
        prices="basic",
        flows="domestic",
    )


@pytest.fixture(scope="session")
def textbook() -> InputOutputTable:
    return make_textbook()


def make_random(seed: int, size: int = 6, *, scale: float = 1.0, order: list[int] | None = None) -> InputOutputTable:
    """A balanced table with every row: domestic flows, imports, product taxes, value added of half or so of output."""
    rng = np.random.Generator(np.random.Philox(seed))
    x = rng.uniform(50, 500, size)
    # Each column splits into S inputs, imports and product taxes (0.8 of output in all but a rest) and value added.
    share = 0.8 * rng.dirichlet(np.ones(size + 3), size).T
    A = share[:size]
    f = np.maximum(x - A @ x, 0.0) + 1.0
    x = np.asarray(
        np.linalg.solve(np.eye(size) - A, f), dtype=np.float64
    )  # rows first: output follows from demand; value added closes the columns
    Z, imports, taxes = A * x, share[size] * x, share[size + 1] * x
    gva = x - Z.sum(axis=0) - imports - taxes
    rows = {
        "value_added": gva,
        "compensation": gva * rng.uniform(0.3, 0.7, size),
        "imports": imports,
        "product_taxes": taxes,
        "employment": x * rng.uniform(0.001, 0.05, size),
        "household_consumption": f * rng.uniform(0.2, 0.9, size),
    }
    labels = [f"s{k}" for k in range(size)]
    take = list(range(size)) if order is None else order
    household = float(rows["household_consumption"].sum())
    return InputOutputTable(
        scale * Z[np.ix_(take, take)],
        scale * f[take],
        output=scale * x[take],
        sectors=[labels[k] for k in take],
        currency="EUR",
        unit="million",
        year=2020,
        prices="basic",
        flows="domestic",
        household_imports=scale * 0.3 * household,
        household_product_taxes=scale * 0.1 * household,
        **{name: (row if name == "employment" else scale * row)[take] for name, row in rows.items()},
    )


@pytest.fixture(scope="session")
def random_table() -> Callable[..., InputOutputTable]:
    return make_random

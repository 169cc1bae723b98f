"""Every example in the docstrings of the market and hub stages gives what it says."""

import doctest
import importlib

import numpy as np
import pytest

from karvan.market import DoubleCES

MODULES = [
    *(
        f"karvan.market.{name}"
        for name in ("cost", "origin", "rivals", "shares", "_clearing", "structural", "flows", "complexity")
    ),
    *(f"karvan.hub.{name}" for name in ("verdict", "prior", "appraisal", "location")),
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name), extraglobs={"np": np, "DoubleCES": DoubleCES})
    assert result.attempted > 0
    assert result.failed == 0

"""The model that benchmarks set before others is whole: measuring it is not a test, being able to is."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def same_size() -> ModuleType:
    spec = importlib.util.spec_from_file_location("same_size", FOLDER / "same_size.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_one_model_of_the_loops_size(same_size: ModuleType) -> None:
    model = same_size.sizes()
    offers, markets = model.share.shape
    assert model.people.shape == model.income.shape == model.saturation.shape == (markets,)
    made, jobs = same_size.simulate(model, same_size.sample(5))
    assert made.shape == jobs.shape == (5, same_size.YEARS)
    assert np.isfinite(made).all() and (made > 0).all() and (jobs > 0).all()
    text = same_size.vensim(model)
    assert f"Offer{offers - 1}" in text and "people[Market] = " in text

"""Learning from history: weights, their effective size, refusal and tempering."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student

from karvan.base.errors import InputError
from karvan.futures.ensemble import Futures
from karvan.futures.learning import (
    LEAST_SIZE,
    OFFSET,
    TAILS,
    Term,
    learn,
    log_likelihood,
    observations,
    weighted_quantile,
)
from karvan.study.load import Study, load

YEARS = tuple(range(2014, 2026))


@pytest.fixture(scope="module")
def azerbaijan() -> Study:
    return load("azerbaijan")


def futures(study: Study, spread: float, draws: int = 1000, factor: float = 1.0, years: int = 1) -> Futures:
    """Futures that are what came, each with a lasting error of its own; 12 ``years`` give each year its own."""
    rng = np.random.default_rng(5)
    came: dict[str, dict[int, float]] = {"output": {}, "imports": {}, "fleet": {}}
    for term in observations(study, YEARS[0], YEARS[-1]):
        came[term.quantity][term.year] = term.value
    off = np.exp(spread * rng.standard_normal((draws, years)))

    def path(quantity: str) -> np.ndarray:
        return np.array([came[quantity].get(year, 1000.0) for year in YEARS]) * factor * off

    zero = np.zeros((draws, len(YEARS)))
    figures = {
        "output": path("output"),
        "imports_new": path("imports"),
        "imports_used": zero,
        "stock_cars": path("fleet"),
    }
    return cast(Futures, SimpleNamespace(years=YEARS, draws=draws, figures=figures, drawn={}))


def test_weights_add_up_and_favour_what_came(azerbaijan: Study) -> None:
    learned = learn(futures(azerbaijan, 0.15), azerbaijan)
    assert learned.weights.sum() == pytest.approx(1.0)
    assert learned.power == 1.0 and learned.size == learned.size_untempered >= LEAST_SIZE
    prior, posterior = learned.beside(learned.run.figures["output"][:, -1])
    assert posterior[2] - posterior[0] < prior[2] - prior[0]
    assert abs(np.log(posterior[1] / 3600)) < 0.05


def test_too_few_futures_are_refused_or_tempered(azerbaijan: Study) -> None:
    wide = futures(azerbaijan, 1.0, years=12)
    with pytest.raises(InputError, match=r"of 1000 futures carry the weight; expected 200 or more"):
        learn(wide, azerbaijan)
    learned = learn(wide, azerbaijan, temper=True)
    assert learned.power < 1.0
    assert learned.size_untempered < LEAST_SIZE <= learned.size * (1 + 1e-9)


def test_a_few_draws_cannot_be_tempered(azerbaijan: Study) -> None:
    with pytest.raises(InputError, match="carry the weight"):
        learn(futures(azerbaijan, 1.0, draws=150, years=12), azerbaijan, temper=True)


def test_a_larger_miss_is_a_larger_discrepancy(azerbaijan: Study) -> None:
    near = learn(futures(azerbaijan, 0.05), azerbaijan)
    far = learn(futures(azerbaijan, 0.05, factor=2.0), azerbaijan)
    assert all(far.discrepancy[name] > near.discrepancy[name] for name in near.discrepancy)
    # A miss of the same sign every year is worth far less than twelve independent ones.
    assert far.independence["output"] < 0.2


def test_nothing_on_record_is_refused(azerbaijan: Study) -> None:
    run = cast(Futures, SimpleNamespace(years=(2060, 2061), draws=10, figures={}, drawn={}))
    with pytest.raises(InputError, match="nothing on record from 2060 to 2061"):
        learn(run, azerbaijan)


class TestTerms:
    """One term an underlying statistic: a year of a quantity counts once, however often it was printed."""

    def test_each_quantity_and_year_once(self, azerbaijan: Study) -> None:
        terms = observations(azerbaijan, 2014, 2025)
        keys = [(term.quantity, term.year) for term in terms]
        assert len(keys) == len(set(keys))
        assert {term.quantity for term in terms} == {"output", "imports", "fleet"}

    def test_errors_by_confidence(self, azerbaijan: Study) -> None:
        found = {(t.quantity, t.year): t for t in observations(azerbaijan, 2014, 2025)}
        # 2,360 cars of 2019 are of high confidence: 3 %, less the 50 cars added before the logarithm
        assert found["output", 2019].error == pytest.approx(0.03 * 2360 / 2410)
        assert found["output", 2015].error > 0.1  # a range stands for the year
        assert found["fleet", 2024].value == 1494820


@given(
    st.lists(st.floats(0, 1e6), min_size=3, max_size=8),
    st.floats(0, 1e6),
    st.floats(0.02, 0.5),
    st.floats(0.01, 2.0),
)
def test_likelihood_is_students_t(model: list[float], value: float, error: float, delta: float) -> None:
    x = np.array(model)[:, None]
    ours = log_likelihood([Term("output", 2019, value, error, "")], x, (2019,), delta)
    s = np.hypot(error, delta)
    theirs = student.logpdf(np.log(value + OFFSET), TAILS, loc=np.log(x[:, 0] + OFFSET), scale=s)
    assert np.allclose(ours - ours[0], theirs - theirs[0], atol=1e-8)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30), st.floats(0.1, 0.9))
def test_even_weights_give_hazens_quantile(values: list[float], p: float) -> None:
    x = np.array(values)
    even = np.full(x.size, 1.0 / x.size)
    assert weighted_quantile(x, even, (p,))[0] == pytest.approx(np.quantile(x, p, method="hazen"), rel=1e-6, abs=1e-6)

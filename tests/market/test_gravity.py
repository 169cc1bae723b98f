"""Estimating gravity: a known world is found again, and its absence of pyfixest is said plainly."""

import builtins
from typing import Any

import numpy as np
import pytest

from karvan.base.errors import InputError
from karvan.market import MissingExtra, gravity


def sample() -> dict[str, Any]:
    """Flows without noise from known coefficients: 12 countries, two years."""
    generator = np.random.default_rng(0)
    i, j, t = (a.ravel() for a in np.meshgrid(np.arange(12), np.arange(12), np.arange(2), indexing="ij"))
    log_dist, border = generator.normal(8, 1, i.size), (i != j).astype(float)
    out, into = generator.normal(0, 1, (12, 2)), generator.normal(0, 1, (12, 2))
    trade = np.exp(-0.8 * log_dist - 1.5 * border + out[i, t] + into[j, t] + 10)
    return {
        "trade": trade,
        "exporter": i,
        "importer": j,
        "covariates": {"log_dist": log_dist, "border": border},
        "year": t,
        "cluster": i * 12 + j,
    }


@pytest.mark.parametrize("method", ["ppml", "ols"])
def test_a_known_world_is_found_again(method: str) -> None:
    pytest.importorskip("pyfixest", reason="the extra karvan[gravity] is not installed")
    estimate = gravity(**sample(), method=method)  # type: ignore[arg-type]
    assert estimate.names == ("log_dist", "border")
    np.testing.assert_allclose(estimate.coefficients, [-0.8, -1.5], rtol=1e-6)
    assert estimate.observations == 288
    assert estimate.dropped == 0
    assert estimate["border"][0] == pytest.approx(-1.5, rel=1e-6)
    with pytest.raises(InputError, match="no covariate 'lang'"):
        estimate["lang"]


def test_zeros() -> None:
    """Least squares drops them and says so; PPML keeps them."""
    pytest.importorskip("pyfixest", reason="the extra karvan[gravity] is not installed")
    case = sample()
    case["trade"][::17] = 0.0
    assert gravity(**case, method="ols").dropped == 17
    assert gravity(**case).dropped == 0


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: Any, **named: Any) -> Any:
        if name == "pyfixest":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtra, match=r"pip install karvan\[gravity\]"):
        gravity(**sample())


def test_refusals() -> None:
    changes: dict[str, dict[str, Any]] = {
        "method is 'iv'": {"method": "iv"},
        "trade has": {"trade": -np.ones(288)},
        "trade is": {"trade": np.ones((2, 2))},
        "covariate 'log dist'": {"covariates": {"log dist": np.ones(288)}},
        "border has 3 rows": {"covariates": {"border": np.ones(3)}},
        "importer has 2 rows": {"importer": np.ones(2), "year": None},
    }
    for match, change in changes.items():
        with pytest.raises(InputError, match=match):
            gravity(**(sample() | change))

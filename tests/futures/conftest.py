"""Small runs of the built-in study, made once for all tests of the futures."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from karvan.futures.ensemble import Futures, simulate
from karvan.futures.inputs import Draws, Prepared, prepare
from karvan.study.load import Study
from karvan.study.scenario import Lever, Scenario

FIRST, LAST = 2026, 2030
DRAWS = 60

WithLevers = Callable[..., Study]


@pytest.fixture(scope="session")
def baseline(azerbaijan: Study) -> Futures:
    """A few futures of what is decided."""
    return simulate(azerbaijan, draws=DRAWS, until=LAST, seed=1, workers=1)


@pytest.fixture(scope="session")
def counterfactual(azerbaijan: Study) -> Futures:
    """The same futures without the industry."""
    return simulate(azerbaijan, scenario="no_industry", draws=DRAWS, until=LAST, seed=1, workers=1)


@pytest.fixture(scope="session")
def hub(azerbaijan: Study) -> Futures:
    """The same futures with everything that the hub verdict needs."""
    return simulate(azerbaijan, scenario="hub", draws=DRAWS, until=LAST, seed=1, workers=1)


@pytest.fixture(scope="session")
def runs(baseline: Futures, counterfactual: Futures, hub: Futures) -> dict[str, Futures]:
    """Futures by scenario."""
    return {"baseline": baseline, "no_industry": counterfactual, "hub": hub}


@pytest.fixture(scope="session")
def prepared(azerbaijan: Study) -> Prepared:
    """What does not depend on the draws."""
    return prepare(azerbaijan, "baseline", FIRST, LAST)


@pytest.fixture
def draws() -> Draws:
    """A fresh block of draws."""
    return Draws(1, 0, DRAWS)


@pytest.fixture(scope="session")
def with_levers(azerbaijan: Study) -> WithLevers:
    """Makes the study with one more scenario, ``moved``, of the levers given as tables of TOML."""

    def make(*levers: dict[str, object]) -> Study:
        scenario = Scenario(
            format=1, name="moved", title="Moved", levers=tuple(Lever.model_validate(lever) for lever in levers)
        )
        return replace(azerbaijan, scenarios={**azerbaijan.scenarios, "moved": scenario})

    return make

"""The verdict: the definition, condition by condition, what binds, and the back-tests it must pass."""

from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karvan.base.errors import InputError, UnknownName
from karvan.hub import (
    ALTERNATIVES,
    CONDITIONS,
    NOTHING_BINDS,
    Thresholds,
    hub_verdict,
    threshold_sensitivity,
)

MOROCCO: dict[str, Any] = {
    "output": 400e3,
    "exports": [80e3, 120e3, 100e3, 60e3, 40e3],
    "local_content": 0.60,
    "npv": 1.0,
}
"""Morocco: some 400,000 cars, 80 % exported to several countries of Europe, 60 % local content."""


def one(case: dict[str, Any], **changes: Any) -> str:
    """What the verdict calls a single year of a single future; the home market is the first."""
    given_ = case | changes
    verdict = hub_verdict([[given_["output"]]], [[given_["exports"]]], 0, [[given_["local_content"]]], [given_["npv"]])
    return ALTERNATIVES[verdict.alternative[0, 0]]


class TestNames:
    """Each kind of industry gets its name."""

    def test_morocco_is_a_hub(self) -> None:
        assert one(MOROCCO) == "hub"

    def test_azerbaijan_2023_is_idle(self) -> None:
        """3,738 cars, nearly all sold at home."""
        assert one({"output": 3_738.0, "exports": [3_600.0, 100.0, 38.0], "local_content": 0.1, "npv": -1.0}) == (
            "idle_plant"
        )

    def test_kazakhstan_2022_builds_for_home(self) -> None:
        assert (
            one({"output": 110e3, "exports": [105e3, 5e3], "local_content": 0.2, "npv": 1.0}) == "home_market_assembly"
        )

    def test_others(self) -> None:
        assert one(MOROCCO, exports=[80e3, 300e3, 20e3]) == "single_corridor"
        assert one(MOROCCO, local_content=0.1) == "kit_reexport"
        assert one(MOROCCO, npv=0.0) == "exporter_short_of_hub"
        assert one(MOROCCO, output=140e3, exports=[0, 60e3, 50e3, 30e3, 0]) == "exporter_short_of_hub"


class TestEdges:
    """At the threshold or just short of it."""

    base: ClassVar[dict[str, Any]] = {
        "output": 150e3,
        "exports": [75e3, 37.5e3, 37.5e3],
        "local_content": 0.35,
        "npv": 1e-9,
    }

    def test_at_the_thresholds(self) -> None:
        assert one(self.base) == "hub"

    @pytest.mark.parametrize(
        "change",
        [
            {"output": 149_999.0, "exports": [74_999.0, 37_500.0, 37_500.0]},
            {"exports": [75e3, 40e3, 34e3]},
            {"exports": [75e3, 75e3 * 0.85, 75e3 * 0.15 - 1e-6]},
            {"local_content": 0.3499},
            {"npv": 0.0},
        ],
    )
    def test_just_short(self, change: dict[str, Any]) -> None:
        assert one(self.base, **change) != "hub"

    def test_no_output_no_division(self) -> None:
        verdict = hub_verdict([[0.0]], [[[0.0, 0.0]]], None, [[0.0]], [0.0])
        assert not verdict.met[0, 0, 1]
        assert ALTERNATIVES[verdict.alternative[0, 0]] == "idle_plant"


def futures(seed: int, draws: int = 60, years: int = 3) -> tuple[Any, Any, int, Any, Any]:
    """Random futures near the thresholds."""
    generator = np.random.default_rng(seed)
    output = generator.uniform(50e3, 300e3, (draws, years))
    split = generator.dirichlet([2.0, 2.0, 1.0, 1.0], (draws, years))
    content, npv = generator.uniform(0.2, 0.6, (draws, years)), generator.normal(0.5, 1, draws)
    return output, output[..., None] * split, 0, content, npv


class TestJoint:
    """The joint event, and which condition stands in the way."""

    @given(st.integers(0, 10_000))
    @settings(max_examples=20, deadline=None)
    def test_against_plain_counting(self, seed: int) -> None:
        output, exports, home, content, npv = futures(seed)
        verdict = hub_verdict(output, exports, home, content, npv)
        for y in range(3):
            met = []
            for d in range(len(output)):
                x = exports[d, y, 1:]
                met.append(
                    [
                        output[d, y] >= 150_000,
                        x.sum() / output[d, y] >= 0.5,
                        sum(1 for each in x if each / x.sum() > 0.15) >= 2,
                        content[d, y] >= 0.35,
                        npv[d] > 0,
                    ]
                )
            joint = [all(row) for row in met]
            without = [np.mean([all(row[:c] + row[c + 1 :]) for row in met]) for c in range(5)]
            assert verdict.probability[y] == pytest.approx(np.mean(joint))
            assert verdict.without[y].tolist() == pytest.approx(without)
            assert verdict.condition_probability[y].tolist() == pytest.approx(np.mean(met, axis=0).tolist())
            assert without[verdict.binding[y]] == pytest.approx(max(without))
        assert verdict.alternative_probability.sum(axis=1).tolist() == pytest.approx([1.0] * 3)
        assert ((verdict.alternative == 0) == verdict.hub).all()

    def test_the_joint_probability_is_below_each(self) -> None:
        verdict = hub_verdict(*futures(3))
        assert (verdict.probability[:, None] <= verdict.condition_probability).all()
        assert (verdict.probability[:, None] <= verdict.without).all()

    def test_tie_goes_to_what_fails_most(self) -> None:
        """If no single condition would save a future, the one failing most often is named."""
        verdict = hub_verdict([[1e5], [1e5], [2e5]], np.zeros((3, 1, 2)), 0, [[0.1]] * 3, [1.0] * 3)
        assert verdict.without.max() == 0
        assert verdict.binding_name == ("export_share",)

    def test_nothing_binds_a_sure_hub(self) -> None:
        verdict = hub_verdict([[400e3]], [[MOROCCO["exports"]]], 0, [[0.6]], [1.0])
        assert verdict.binding.tolist() == [NOTHING_BINDS]
        assert verdict.says_hub.tolist() == [True]

    def test_home_as_mask_or_index_or_left_out(self) -> None:
        output, exports, _, content, npv = futures(4)
        index = hub_verdict(output, exports, 0, content, npv)
        mask = hub_verdict(output, exports, [True, False, False, False], content, npv)
        absent = hub_verdict(output, exports[..., 1:], None, content, npv)
        assert (index.met == mask.met).all()
        assert (index.met == absent.met).all()


class TestSensitivity:
    """Each threshold alone."""

    def test_harder_is_never_likelier(self) -> None:
        tried = threshold_sensitivity(*futures(5, draws=400))
        assert set(tried) == {"output", "export_share", "destination_share", "local_content", "destinations"}
        for name in ("output", "export_share", "local_content", "destinations", "destination_share"):
            assert (np.diff(tried[name].probability, axis=0) <= 0).all(), name
        assert tried["output"].probability[0, 0] > tried["output"].probability[-1, 0]

    def test_middle_is_the_verdict(self) -> None:
        case = futures(6)
        tried = threshold_sensitivity(*case, Thresholds(), {"npv": [0.0], "output": [150_000.0]})
        assert tried["npv"].probability[0].tolist() == hub_verdict(*case).probability.tolist()
        assert tried["output"].probability[0].tolist() == hub_verdict(*case).probability.tolist()

    def test_removing_a_threshold_is_without(self) -> None:
        """A threshold that nobody misses gives the probability without its condition."""
        case = futures(7)
        verdict = hub_verdict(*case)
        free = {"output": 0.0, "export_share": 0.0, "destinations": 0.0, "local_content": 0.0, "npv": -np.inf}
        tried = threshold_sensitivity(*case, Thresholds(), {name: [value] for name, value in free.items()})
        for c, name in enumerate(CONDITIONS):
            assert tried[name].probability[0].tolist() == verdict.without[:, c].tolist()


def test_refusals() -> None:
    with pytest.raises(InputError, match="do not fit"):
        hub_verdict([[1.0]], [[1.0]], 0, [[1.0]], [1.0])
    with pytest.raises(InputError, match="local_content is"):
        hub_verdict([[1.0]], [[[1.0]]], None, [[1.0], [1.0]], [1.0])
    with pytest.raises(InputError, match="npv has a missing number"):
        hub_verdict([[1.0]], [[[1.0]]], None, [[1.0]], [np.nan])
    with pytest.raises(UnknownName, match="no threshold 'outputs'; did you mean 'output'"):
        threshold_sensitivity([[1.0]], [[[1.0]]], None, [[1.0]], [1.0], grid={"outputs": [1.0]})
    assert Thresholds().probability == pytest.approx(2 / 3)

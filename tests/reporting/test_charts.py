"""Charts: plain specifications drawn to SVG that can stand together on one page."""

import re
from typing import Any

import numpy as np
import pytest

from karvan.reporting import charts


def _fan(years: list[int]) -> list[dict[str, Any]]:
    draws = np.linspace(0.0, 100.0, 101)[:, None] * np.arange(1, len(years) + 1)
    return charts.fan_rows(years, draws)


def test_a_fan_holds_the_quantiles() -> None:
    """Draws 0, 1, ..., 100: the quantiles are the percentages themselves, twice that in the second year."""
    rows = _fan([2026, 2027])
    assert rows[0] == {"year": 2026, "low": 5.0, "lower": 25.0, "middle": 50.0, "upper": 75.0, "high": 95.0}
    assert rows[1]["high"] == 190.0


class TestDraw:
    def test_role_words_and_own_ids(self) -> None:
        spec = charts.fan(_fan([2026, 2027, 2028]), unit="cars")
        one = charts.draw(spec, name="one", alt='a "fan" & more')
        two = charts.draw(spec, name="two", alt="another")
        assert 'role="img" aria-label="a &quot;fan&quot; &amp; more"' in one
        ids = re.findall(r'\bid="([^"]+)"', one + two)
        assert len(ids) == len(set(ids))
        assert set(re.findall(r"url\(#([^)]+)\)", one)) <= set(re.findall(r'\bid="([^"]+)"', one))

    def test_same_bytes_twice(self) -> None:
        spec = charts.fan(_fan([2026, 2027, 2028]), unit="cars")
        assert charts.draw(spec, name="a", alt="b") == charts.draw(spec, name="a", alt="b")

    def test_nothing_is_fetched(self) -> None:
        svg = charts.draw(charts.fan(_fan([2026, 2027]), unit="cars"), name="a", alt="b")
        assert re.sub(r'xmlns="[^"]*"', "", svg).count("http") == 0
        assert "<script" not in svg and "<style" not in svg

    def test_points_stand_at_their_value(self) -> None:
        """A bar of half the value is half as long."""
        rows = [{"name": "whole", "value": 1.0}, {"name": "half", "value": 0.5}]
        spec = charts.bars(rows, unit="share", form=".0%", order=["whole", "half"], top=1.0)
        svg = charts.draw(spec, name="a", alt="b")
        lengths = sorted(
            float(end) - float(start)
            for start, end in re.findall(rf'd="M([\d.]+),[\d.-]+h([\d.]+)[^"]*" fill="{charts.BLUE}"', svg)
        )
        assert len(lengths) == 2
        assert lengths[0] * 2 == pytest.approx(lengths[1], rel=0.02)


class TestSmallMultiples:
    """Titles that are too long for their panel run over lines; no axis is drawn where no panel is."""

    def test_long_titles_run_over_lines(self) -> None:
        facets = ["a plant with a very long name indeed", "b"]
        rows = [{"facet": name, "rung": "r", "value": 1.0, "kind": "capacity"} for name in facets]
        svg = charts.draw(charts.steps(rows, rungs=["r"], facets=facets, unit="cars"), name="a", alt="b")
        assert facets[0] not in svg
        assert "a plant with a very" in svg and "long name indeed" in svg

    def test_no_axis_under_an_empty_place(self) -> None:
        """Four panels in rows of three: four axes, not six."""
        rows = [{"facet": name, "year": 2031, "what": "p", "value": 1.0} for name in "abcd"]
        spec = charts.stacks(rows, kinds=("p",), unit="", form=".0%", facets=list("abcd"))
        assert charts.draw(spec, name="a", alt="b").count(">2031<") == 4


@pytest.mark.parametrize(
    "spec",
    [
        charts.fans(
            [{**row, "of": name} for name in ("a", "b") for row in _fan([2026, 2027])],
            by="of",
            order=["a", "b"],
            form="%",
            columns=2,
        ),
        charts.intervals([{"name": "x", "low": 1.0, "middle": 2.0, "high": 3.0}], unit="cars"),
        charts.dots([{"name": "x", "what": "p", "value": 1.0}], kinds=("p", "q"), unit="cars"),
        charts.stacks([{"year": 2026, "what": "p", "value": 1.0}], kinds=("p",), unit="", form=".0%"),
        charts.steps(
            [{"facet": "f", "rung": "r", "value": 1.0, "kind": "capacity"}], rungs=["r"], facets=["f"], unit="cars"
        ),
        charts.tornado([{"name": "x" * 60, "low": 1.0, "high": 2.0}], unit="cars", order=["x" * 60]),
        charts.fan(_fan([2026]), unit="cars", marks=[{"year": 2025, "value": 1.0, "what": "on record"}]),
    ],
    ids=["fans", "intervals", "dots", "stacks", "steps", "tornado", "one year"],
)
def test_every_kind_draws(spec: charts.Spec) -> None:
    svg = charts.draw(spec, name="any", alt="any")
    assert svg.startswith('<svg xmlns="http://www.w3.org/2000/svg" role="img"')
    assert "NaN" not in svg and "undefined" not in svg
    assert svg.count("<path") + svg.count("<line") > 3

"""What drives a figure: first-order indices from given data, against models whose indices are known."""

from dataclasses import replace

import numpy as np
import pytest

from karvan.base.axes import Array
from karvan.base.streams import BLOCK, latin_hypercube
from karvan.futures.drivers import drivers, effect, noticed, title_of, uniforms
from karvan.futures.ensemble import Futures
from karvan.futures.inputs import Draws


def ranks(values: Array) -> Array:
    """Places in the order of size."""
    return np.argsort(np.argsort(values, kind="stable"), kind="stable").astype(np.float64)


@pytest.fixture(scope="module")
def columns() -> list[Array]:
    """Three independent numbers, 2,000 draws each."""
    return [np.concatenate([latin_hypercube(1, name, block, BLOCK) for block in range(4)]) for name in "abc"]


class TestIndices:
    """Share of variance that a number explains alone, by slices."""

    @pytest.mark.parametrize("weights", [(3.0, 1.0, 0.0), (1.0, 1.0, 1.0), (0.0, 0.0, 1.0)])
    def test_linear(self, columns: list[Array], weights: tuple[float, ...]) -> None:
        """``y = sum w_i x_i`` of independent uniforms: ``S_i = w_i^2 / sum w^2``."""
        y = sum(w * x for w, x in zip(weights, columns, strict=True))
        expected = np.square(weights) / np.square(weights).sum()
        found = [effect(x, np.asarray(y), np.asarray(y))[0] for x in columns]
        assert found == pytest.approx(expected.tolist(), abs=0.03)

    def test_ishigami(self, columns: list[Array]) -> None:
        """Ishigami and Homma (1990), a = 7, b = 0.1: S1 = 0.3139, S2 = 0.4424, S3 = 0.

        Ten slices are wide for a sine that swings twice over the range: they see 0.94^2 of its variance.
        """
        x = [2 * np.pi * column - np.pi for column in columns]
        y = np.sin(x[0]) + 7 * np.sin(x[1]) ** 2 + 0.1 * x[2] ** 4 * np.sin(x[0])
        found = [effect(column, y, y)[0] for column in columns]
        assert found == pytest.approx([0.3139, 0.4424 * 0.94**2, 0.0], abs=0.03)

    def test_chance_alone_explains_nothing(self, columns: list[Array]) -> None:
        """The share that slices explain by chance is taken off, so idle numbers come out near 0, and never below."""
        noise = np.random.default_rng(2).standard_normal((200, 500))
        found = np.array([effect(columns[0][:500], ranks(row), row)[0] for row in noise])
        assert (found >= 0).all()
        assert found.mean() < 0.015

    def test_medians_of_the_lowest_and_highest_fifth(self, columns: list[Array]) -> None:
        x = columns[0]
        _, low, high = effect(x, ranks(x), 10 * x)
        assert (low, high) == pytest.approx((1.0, 9.0), abs=0.02)

    def test_a_constant_figure_is_driven_by_nothing(self, columns: list[Array]) -> None:
        constant = np.full(columns[0].size, 3.0)
        assert effect(columns[0], constant, constant) == (0.0, 3.0, 3.0)


@pytest.fixture(scope="module")
def toy(baseline: Futures) -> Futures:
    """A run whose output is 3 x first number + 1 x second number, all else idle."""
    run = replace(baseline, draws=2 * BLOCK)
    value = 3 * uniforms(run, "theta") + uniforms(run, "wage_growth")
    figures = {**run.figures, "output": np.repeat(value[:, None], 5, axis=1)}
    idle = {"sales_new_home": np.ones((2 * BLOCK, 5))}
    plants = {**run.plants, "operating": np.ones((2 * BLOCK, 5, len(run.own_plants)))}
    return replace(run, figures=figures | idle, plants=plants)


class TestOfARun:
    """The drivers of a figure of a run whose answer is known."""

    def test_order_and_shares(self, toy: Futures) -> None:
        found = drivers("output.2030", {"baseline": toy})
        assert [row.name for row in found.rows] == ["theta", "wage_growth"]  # chance alone is not named
        assert found.rows[0].share == pytest.approx(0.9, abs=0.03)
        assert found.rows[1].share == pytest.approx(0.1, abs=0.04)
        assert found.rows[0].sign == found.rows[1].sign == 1
        assert found.rest == pytest.approx(0, abs=0.03)

    def test_the_strongest_only(self, toy: Futures) -> None:
        found = drivers("output.2030", {"baseline": toy}, most=1)
        assert [row.name for row in found.rows] == ["theta"]
        assert found.rest == pytest.approx(0, abs=0.03)

    def test_numbers_are_those_that_were_drawn(self, baseline: Futures) -> None:
        for name in ("theta", "kit_price.azermash_lada", "offers.price.hajigabul_chevrolet", "markets.stock.AZE"):
            cell = baseline.drawn[name]
            assert np.array_equal(cell.draw(uniforms(baseline, name)), Draws(1, 0, 60).of(cell)), name

    def test_everything_drawn_has_its_chain(self, baseline: Futures) -> None:
        """What may drive a figure can be explained: it is among the cells, with a source."""
        assert set(baseline.drawn) <= set(baseline.cells)
        assert all(cell.source and not cell.certain for cell in baseline.drawn.values())

    def test_a_plant_that_runs_or_not_is_an_event(self, toy: Futures) -> None:
        operating = toy.plants["operating"].copy()
        on = uniforms(toy, "eta") > 0.3
        operating[:, 4, 0] = on
        value = np.repeat((1000.0 * on)[:, None] + uniforms(toy, "theta")[:, None], 5, axis=1)
        run = replace(toy, figures={**toy.figures, "output": value}, plants={**toy.plants, "operating": operating})
        found = {row.name: row for row in drivers("output.2030", {"baseline": run}).rows}
        event = found[f"operating.{toy.own_plants[0]}"]
        assert event.sign == 1
        assert event.high - event.low == pytest.approx(1000, abs=1)
        assert event.title.startswith("Whether it operates")


class TestNoticed:
    """Numbers that do nothing are named once in a hundred searches at most; real ones are seen."""

    def test_chance(self) -> None:
        noise = np.random.default_rng(4).standard_normal((400, 500))
        uniform = latin_hypercube(1, "a", 0, BLOCK)
        assert sum(noticed(uniform, ranks(row), 1) for row in noise) <= 14  # 1 % of 400, and four standard errors

    def test_trend_and_hump(self) -> None:
        uniform = latin_hypercube(1, "a", 0, BLOCK)
        noise = np.random.default_rng(5).standard_normal(BLOCK)
        assert noticed(uniform, ranks(uniform + 0.5 * noise), 500)
        assert noticed(uniform, ranks((uniform - 0.5) ** 2 + 0.05 * noise), 500)

    def test_too_few_draws_notice_nothing(self) -> None:
        assert not noticed(np.linspace(0.01, 0.99, 40), np.arange(40.0), 1)


def test_titles_read_as_words() -> None:
    """A person reads titles, not names."""
    for name in ("theta", "kit_price.azermash_lada", "frictions.fee.*.RUS.*.2025", "offers.price.lada_granta"):
        title = title_of(name)
        assert title != name
        assert "." not in title
        assert title[0].isupper()


def test_the_common_draw_of_local_shares_is_not_called_a_share() -> None:
    """It runs from 0 to 1 whatever the shares are: 50 % of it beside shares of 0 to 2 % would be a laugh."""
    assert title_of("sourcing.now.a", {"a": "Plant A"}).startswith("Where in their ranges the local shares today lie")
    assert title_of("sourcing.target.a.body", {"a": "Plant A"}) == "Local share in the long run (Plant A, body)"
    assert title_of("offers.price.x", {"price.x": "Lada from Russia"}) == "Price ex works of Lada from Russia"

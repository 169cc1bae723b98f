"""Scenario discovery, break-evens and the value of better data."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karvan.base.axes import Array, BoolArray
from karvan.base.errors import InputError, UnknownName
from karvan.base.streams import stream
from karvan.futures.breakeven import break_even, parse_lever
from karvan.futures.discovery import discover, outcome_of, prim
from karvan.futures.drivers import better_data, drivers, strongest, uniforms
from karvan.futures.ensemble import Futures, simulate
from karvan.study.load import Study


@pytest.fixture(scope="module")
def run(azerbaijan: Study) -> Futures:
    return simulate(azerbaijan, draws=1000, until=2026, seed=1, workers=1)


class TestPrim:
    """Friedman and Fisher (1999): the box in which the outcome is frequent."""

    @given(low=st.floats(0.0, 0.5), width=st.floats(0.3, 0.5), other=st.floats(0.3, 0.6), seed=st.integers(0, 10**6))
    @settings(max_examples=15, deadline=None)
    def test_finds_a_planted_box(self, low: float, width: float, other: float, seed: int) -> None:
        x: Array = stream(seed, "x").random((3000, 6))
        truth: BoolArray = (x[:, 2] > low) & (x[:, 2] < low + width) & (x[:, 4] < other)
        box = prim(x, truth)
        inside = np.asarray(((x >= box[:, 0]) & (x <= box[:, 1])).all(axis=1))
        assert truth[inside].mean() > 0.85
        assert inside[truth].mean() > 0.8
        assert set(np.flatnonzero((box[:, 0] > 0) | (box[:, 1] < 1))) <= {2, 4}

    def test_noise_lets_other_columns_be(self) -> None:
        x: Array = stream(1, "x").random((4000, 10))
        outcome: BoolArray = np.asarray(stream(2, "x").random(4000) < np.where(x[:, 3] > 0.7, 0.6, 0.1))
        box = prim(x, outcome)
        assert box[3, 0] == pytest.approx(0.7, abs=0.05)
        assert np.flatnonzero((box[:, 0] > 0) | (box[:, 1] < 1)).tolist() == [3]

    def test_no_more_limits_than_asked(self) -> None:
        x: Array = stream(1, "x").random((4000, 6))
        box = prim(x, np.asarray((x[:, :5] > 0.25).all(axis=1)), limits=2)
        assert ((box[:, 0] > 0) | (box[:, 1] < 1)).sum() <= 2


class TestDiscover:
    """In words: which ranges lead to an outcome."""

    def test_what_decides_is_found(self, run: Futures) -> None:
        """Cars in use depend on the cars that were there: the range of the stock must be named."""
        middle = float(np.median(run.figures["stock_cars"][:, 0]))
        found = discover(run, f"stock_cars.2026 > {middle}", 2026)
        assert found.share == pytest.approx(0.5, abs=0.01)
        assert found.density > 0.7
        assert any(limit.name == "markets.stock.AZE" and limit.above for limit in found.limits)
        assert "Cars in use (AZE)” is above" in found.words
        assert f"{100 * found.density:.0f} % of those in which" in found.words

    def test_bounds_are_in_the_numbers_own_unit(self, run: Futures) -> None:
        middle = float(np.median(run.figures["stock_cars"][:, 0]))
        found = discover(run, f"stock_cars.2026 > {middle}", 2026)
        limit = next(limit for limit in found.limits if limit.name == "markets.stock.AZE")
        cell = run.drawn["markets.stock.AZE"]
        assert cell.low < limit.low < limit.high <= cell.high
        inside = (cell.draw(uniforms(run, cell.name)) >= limit.low).mean()
        assert 0.2 < inside < 0.8

    def test_too_few(self, run: Futures) -> None:
        found = discover(run, "hub", 2026)
        assert found.limits == ()
        assert "too few to say what leads there. The condition that fails most is" in found.words

    def test_judged_on_futures_it_was_not_found_in(self, run: Futures) -> None:
        """An outcome made of noise: whatever box the first half suggests, the second half must not be fooled."""
        noise = stream(9, "noise").random(run.draws)
        noisy = np.repeat(noise[:, None], len(run.years), axis=1)
        found = discover(replace(run, figures={**run.figures, "output": noisy}), "output.2026 > 0.7", 2026)
        assert found.limits == ()
        assert "chance within a future decides" in found.words

    @pytest.mark.parametrize("text", ["idle_plant", "idle plant", "home_market_assembly", "output.2026 <= 4000"])
    def test_outcomes(self, run: Futures, text: str) -> None:
        assert outcome_of(text, run, 2026).shape == (run.draws,)

    def test_outcomes_agree(self, run: Futures) -> None:
        idle = outcome_of("idle_plant", run, 2026)
        assert (idle == (run.figures["output"][:, 0] < run.verdict.thresholds.idle_output)).all()
        assert (outcome_of("output.2026 < 4000", run, 2026) == (run.figures["output"][:, 0] < 4000)).all()

    def test_messages(self, run: Futures, baseline: Futures) -> None:
        with pytest.raises(UnknownName, match="no outcome 'hubb'; did you mean 'hub'"):
            discover(run, "hubb", 2026)
        with pytest.raises(UnknownName, match="no year 2050"):
            discover(run, "hub", 2050)
        with pytest.raises(InputError, match="needs 200 or more"):
            discover(baseline, "hub", 2026)


class TestBreakEven:
    """Bisection under common random numbers."""

    LEVER = "people_per_1000.hajigabul_azermash_cp*=0.5:2"

    def test_the_answer_answers(self, azerbaijan: Study) -> None:
        options = {"draws": 40, "until": 2026}
        ends = break_even(azerbaijan, "jobs_direct.2026", 0.0, self.LEVER, steps=0, **options)  # type: ignore[arg-type]
        assert ends.value is None
        assert "does not reach 0" in ends.words and f"at {ends.lever}={ends.low:g} and " in ends.words
        assert ends.at_low < ends.at_high, "more people a car must mean more jobs"
        target = 0.5 * (ends.at_low + ends.at_high)
        found = break_even(azerbaijan, "jobs_direct.2026", target, self.LEVER, steps=4, **options)  # type: ignore[arg-type]
        assert found.value is not None
        assert 0.5 < found.value < 2.0
        again = break_even(
            azerbaijan,
            "jobs_direct.2026",
            target,
            f"people_per_1000.hajigabul_azermash_cp*={found.value}:2",
            steps=0,
            **options,  # type: ignore[arg-type]
        )
        assert again.at_low == pytest.approx(target, rel=0.01)

    @pytest.mark.parametrize(
        ("text", "lever", "key", "market", "operation"),
        [
            ("theta=2:9", "theta", "", "", "set"),
            ("kit_price.hajigabul_azermash_cp*=0.6:1.2", "kit_price", "hajigabul_azermash_cp", "", "multiply"),
            ("barrier@RUS += -0.1:0.3", "barrier", "", "RUS", "add"),
        ],
    )
    def test_levers(self, text: str, lever: str, key: str, market: str, operation: str) -> None:
        found, low, high = parse_lever(text)
        assert (found.lever, found.key, found.market, found.operation) == (lever, key, market, operation)
        assert low < high

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("theta", "is no range of a lever"),
            ("thetta=1:2", "no lever 'thetta'; did you mean 'theta'"),
            ("theta=2:1", "expected a low below the high"),
        ],
    )
    def test_messages(self, text: str, message: str) -> None:
        with pytest.raises((InputError, UnknownName), match=message):
            parse_lever(text)


class TestBetterData:
    """A ranked list of what to go and find out."""

    def test_ranked_and_assumed(self, run: Futures) -> None:
        runs = {"baseline": run}
        found = better_data("output.2026", runs)
        shares = [row.share for row in found.rows]
        assert shares == sorted(shares, reverse=True)
        assert found.looked_at > 300
        for row in found.rows:
            assert run.drawn[row.name].assumed or row.name.startswith("sourcing.")
            assert row.place

    def test_a_number_known_narrows_what_rests_on_it(self, run: Futures) -> None:
        """Used imports start from today's: no assumed number says more about them in the first year."""
        found = better_data("imports_used.2026", {"baseline": run})
        assert found.rows[0].name == "markets.used_imports_now.AZE"
        assert found.rows[0].share > 0.02
        assert found.rows[0].width < 1.0

    def test_strongest_agrees_with_drivers(self, run: Futures) -> None:
        runs = {"baseline": run}
        named = [row.name for row in drivers("imports_used.2026", runs).rows if row.name in run.drawn]
        assert named
        assert strongest("imports_used.2026", runs, len(run.drawn))[0] == named[0]

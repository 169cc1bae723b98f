"""Many futures: the same bytes from any number of workers, blocks that do not know each other, honest errors."""

from collections.abc import Iterator

import numpy as np
import pytest

from karvan.base.axes import Array
from karvan.base.errors import InputError, UnknownName
from karvan.base.streams import BLOCK
from karvan.futures.ensemble import Futures, simulate, simulate_many
from karvan.futures.figures import figure, median_error
from karvan.futures.inputs import prepare
from karvan.futures.yearloop import run_block
from karvan.study.load import Study

HEADLINES = ("output", "exports", "jobs", "gdp", "self_sufficiency_new", "self_sufficiency_all", "local_content")
LARGE = 2 * BLOCK + 100


def arrays(run: Futures) -> Iterator[tuple[str, Array]]:
    """Every array of a run by name."""
    for group in ("figures", "plants", "markets", "sectors", "offers"):
        for name, values in getattr(run, group).items():
            yield f"{group}.{name}", values
    yield "verdict.met", run.verdict.met.astype(np.float64)
    yield "verdict.hub", run.verdict.hub.astype(np.float64)


def same(one: Futures, other: Futures) -> None:
    """Two runs hold the same bytes."""
    for (name, a), (_, b) in zip(arrays(one), arrays(other), strict=True):
        assert a.tobytes() == b.tobytes(), name


@pytest.fixture(scope="module")
def large(azerbaijan: Study) -> Futures:
    """Three blocks, the last one short, in this process."""
    return simulate(azerbaijan, draws=LARGE, until=2027, seed=1, workers=1)


class TestSameBytes:
    """Same study, scenario and seed: the same bytes."""

    def test_twice(self, azerbaijan: Study, baseline: Futures) -> None:
        same(baseline, simulate(azerbaijan, draws=60, until=2030, seed=1, workers=1))

    def test_one_worker_and_two(self, azerbaijan: Study, large: Futures) -> None:
        two = simulate(azerbaijan, draws=LARGE, until=2027, seed=1, workers=2)
        same(large, two)
        assert large.cells == two.cells

    def test_in_company_of_other_scenarios(self, azerbaijan: Study, baseline: Futures, hub: Futures) -> None:
        many = simulate_many(azerbaijan, {"hub": 60, "baseline": 60}, until=2030, seed=1, workers=1)
        assert list(many) == ["hub", "baseline"]
        same(many["baseline"], baseline)
        same(many["hub"], hub)

    def test_another_seed_gives_others(self, azerbaijan: Study, baseline: Futures) -> None:
        other = simulate(azerbaijan, draws=60, until=2026, seed=2, workers=1)
        assert not np.isin(other.figures["stock_cars"], baseline.figures["stock_cars"]).any()

    def test_seed_nought_is_a_seed(self, azerbaijan: Study) -> None:
        one, two = (simulate(azerbaijan, draws=5, until=2026, seed=0, workers=1) for _ in range(2))
        same(one, two)


class TestBlocks:
    """Each block of 500 stands alone."""

    def test_fewer_draws_are_the_first_of_more(self, azerbaijan: Study, large: Futures) -> None:
        few = simulate(azerbaijan, draws=BLOCK, until=2027, seed=1, workers=1)
        for group in ("figures", "plants", "markets", "sectors"):
            for name, values in getattr(few, group).items():
                assert np.array_equal(values, getattr(large, group)[name][:BLOCK]), name

    def test_the_second_block_needs_no_first(self, azerbaijan: Study, large: Futures) -> None:
        alone = run_block(prepare(azerbaijan, "baseline", 2026, 2027), 1, 1, BLOCK, large.sampling)
        for name, values in alone.figures.items():
            assert np.array_equal(values, large.figures[name][BLOCK : 2 * BLOCK]), name

    def test_a_part_of_a_block_is_its_beginning(self, azerbaijan: Study, large: Futures) -> None:
        """The draws beside it do not move a draw: nothing in the loop stops on the whole block."""
        part = run_block(prepare(azerbaijan, "baseline", 2026, 2027), 1, 1, 37, large.sampling)
        for name, values in part.figures.items():
            assert np.allclose(values, large.figures[name][BLOCK : BLOCK + 37], rtol=1e-9, atol=1e-9), name

    def test_blocks_differ(self, large: Futures) -> None:
        stock = large.figures["stock_cars"]
        assert not np.isin(stock[:BLOCK], stock[BLOCK:]).any()


class TestMonteCarloError:
    """The standard error of a median is what medians of other seeds really differ by."""

    def test_of_independent_numbers(self) -> None:
        """For normal numbers the median's standard error is sqrt(pi / 2 / n), here for n = 101."""
        samples = np.random.default_rng(1).standard_normal((2_000, 101))
        stated = np.mean([median_error(row) for row in samples])
        assert stated == pytest.approx(np.sqrt(np.pi / 2 / 101), rel=0.05)
        assert np.median(samples, axis=1).std() == pytest.approx(stated, rel=0.1)

    def test_over_twenty_seeds(self, azerbaijan: Study) -> None:
        """Medians of 20 seeds spread as stated; by chance alone the ratio lies within 0.65 and 1.4 (95 %)."""
        prepared = prepare(azerbaijan, "baseline", 2026, 2026)
        runs = [run_block(prepared, 100 + k, 0, 60) for k in range(20)]
        ratios = []
        for name in ("output", "sales_new_home", "price_ex_works", "jobs", "imports_used"):
            medians = np.array([np.median(run.figures[name][:, 0]) for run in runs])
            stated = np.mean([median_error(run.figures[name][:, 0]) for run in runs])
            ratios.append(medians.std(ddof=1) / stated)
        assert all(0.5 < ratio < 1.6 for ratio in ratios), ratios
        assert 0.7 < np.mean(ratios) < 1.25

    @pytest.mark.parametrize("quantity", HEADLINES)
    def test_two_seeds_agree(self, azerbaijan: Study, two_seeds: tuple[Futures, Futures], quantity: str) -> None:
        one, two = (figure(f"{quantity}.2030", azerbaijan, {"baseline": run}) for run in two_seeds)
        assert abs(one.value - two.value) <= 3 * np.hypot(one.error, two.error)
        assert one.error > 0

    def test_too_few_draws_have_a_wide_error(self) -> None:
        assert median_error(np.arange(5.0)) == np.std(np.arange(5.0))
        assert median_error(np.ones(1)) == 0.0


@pytest.fixture(scope="module")
def two_seeds(azerbaijan: Study) -> tuple[Futures, Futures]:
    """The same block of futures from two seeds."""
    one, two = (simulate(azerbaijan, draws=BLOCK, until=2030, seed=seed, workers=1) for seed in (1, 2))
    return one, two


class TestFrames:
    """Quantities are tidy frames: axes as key columns, then the value."""

    def test_national_and_by_plant(self, baseline: Futures) -> None:
        frame = baseline.output
        assert frame.columns == ["draw", "year", "plant", "value"]
        assert frame.height == 60 * 5 * (1 + len(baseline.own_plants))
        keys = frame.select("draw", "year", "plant")
        assert keys.unique().height == keys.height
        total = frame.filter((frame["plant"] == "total") & (frame["year"] == 2028)).sort("draw")
        assert np.array_equal(total["value"].to_numpy(), baseline.figures["output"][:, 2])
        one = frame.filter((frame["plant"] == "azermash_lada") & (frame["draw"] == 7)).sort("year")
        p = baseline.own_plants.index("azermash_lada")
        assert np.array_equal(one["value"].to_numpy(), baseline.plants["output"][7, :, p])

    def test_national_alone(self, baseline: Futures) -> None:
        assert baseline.gdp.columns == ["draw", "year", "value"]

    def test_by_market(self, baseline: Futures) -> None:
        frame = baseline.by_market("exports")
        assert frame.columns == ["draw", "year", "market", "value"]
        assert set(frame["market"]) == set(baseline.layout.markets)
        assert frame["value"].sum() == pytest.approx(baseline.figures["exports"].sum())
        assert baseline.sales_own.columns == ["draw", "year", "market", "value"]

    def test_unknown_name(self, baseline: Futures) -> None:
        with pytest.raises(UnknownName, match=r"no quantity 'outptu' in these futures; did you mean 'output'"):
            _ = baseline.outptu

    def test_names_can_be_completed(self, baseline: Futures) -> None:
        assert {"output", "capacity_nameplate", "years"} <= set(dir(baseline))


class TestRefusals:
    """What cannot be simulated is refused before any work."""

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"draws": 0}, "draws is 0; expected 1 or more"),
            ({"until": 2020}, "until is 2020, before the first year 2026"),
            ({"until": 2400}, "expected at most 151"),
        ],
    )
    def test_numbers(self, azerbaijan: Study, options: dict[str, int], message: str) -> None:
        with pytest.raises(InputError, match=message):
            simulate(azerbaijan, **options)  # type: ignore[arg-type]

    def test_unknown_scenarios_before_any_work(self, azerbaijan: Study) -> None:
        with pytest.raises(UnknownName, match="did you mean 'baseline'"):
            simulate_many(azerbaijan, {"hub": 10**9, "basline": 1})


def test_progress_is_told(azerbaijan: Study) -> None:
    """Blocks done of blocks in all."""
    told: list[tuple[int, int]] = []
    simulate(azerbaijan, draws=1, until=2026, workers=1, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 1)]

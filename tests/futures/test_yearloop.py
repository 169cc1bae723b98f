"""The year loop keeps its books: cars are neither lost nor found, limits hold, levers reach what they name."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from karvan.base.axes import Array
from karvan.futures import yearloop
from karvan.futures.blocks import demand_inputs, market_inputs, plant_inputs
from karvan.futures.ensemble import BOUND, Futures, simulate
from karvan.futures.inputs import Draws, Prepared
from karvan.futures.yearloop import run_block
from karvan.market.shares import Cleared, clear
from karvan.study.load import Study

DRAWS, FIRST, LAST = 60, 2026, 2030
"""Of the shared small runs."""
SCENARIOS = ("baseline", "no_industry", "hub")


@pytest.fixture(params=SCENARIOS)
def run(request: pytest.FixtureRequest, runs: dict[str, Futures]) -> Futures:
    """Each of three runs."""
    return runs[request.param]


def close(a: Array, b: Array) -> bool:
    """Equal to a millionth of a car."""
    return bool(np.allclose(a, b, rtol=1e-9, atol=1e-6))


def worth_today(run: Futures) -> set[str]:
    """Quantities that look at all years at once."""
    return {name for name in run.figures if name.startswith("npv")}


class TestCarsAreConserved:
    """``sales + change of stock = output`` in every draw and year."""

    def test_from_the_second_year(self, run: Futures) -> None:
        sold = run.markets["sales_own"].sum(axis=-1)
        stock, output = run.figures["stock_finished"], run.figures["output"]
        assert close(sold[:, 1:] + np.diff(stock, axis=1), output[:, 1:])

    def test_in_the_first_year(self, baseline: Futures, prepared: Prepared, draws: Draws) -> None:
        demand = demand_inputs(prepared, draws)
        cover = plant_inputs(prepared, draws, demand.real_rate).stock_cover
        before = cover * market_inputs(prepared, draws, demand).record.sum(axis=-1)
        sold = baseline.markets["sales_own"].sum(axis=-1)[:, 0]
        change = baseline.figures["stock_finished"][:, 0] - before
        assert before.min() > 0
        assert close(sold + change, baseline.figures["output"][:, 0])

    def test_sums(self, run: Futures) -> None:
        figures, plants, markets = run.figures, run.plants, run.markets
        assert close(plants["output"].sum(axis=-1), figures["output"])
        assert close(plants["exports"].sum(axis=-1), figures["exports"])
        assert close(markets["exports"].sum(axis=-1), figures["exports"])
        assert close(figures["sales_home"] + figures["exports"], markets["sales_own"].sum(axis=-1))
        assert close(figures["sales_home"] + figures["imports_new"], figures["sales_new_home"])
        assert close(plants["jobs_direct"].sum(axis=-1), figures["jobs_direct"])
        assert close(run.sectors["jobs"].sum(axis=-1), figures["jobs_indirect"] + figures["jobs_induced"])
        for stem in ("jobs", "gdp"):
            parts = sum((figures[f"{stem}_{part}"] for part in ("direct", "indirect", "induced")), np.zeros(()))
            assert close(np.asarray(parts), figures[stem])

    def test_nothing_is_negative_or_missing(self, run: Futures) -> None:
        for group in (run.figures, run.plants, run.markets, run.sectors):
            for name, values in group.items():
                assert np.isfinite(values).all(), name
        for name in ("output", "sales_home", "exports", "sales_new_home", "imports_used", "stock_finished", "jobs"):
            assert (run.figures[name] >= 0).all(), name


class TestDemandIsServedOrSaid:
    """Sales of all offers and what nobody can make add up to what buyers want, in every product and market."""

    def test_every_year(self, prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[tuple[Array, Cleared]] = []

        def watched(ces: Any, cost: Any, wanted: Array, *rest: Any, **options: Any) -> Cleared:
            result = clear(ces, cost, wanted, *rest, **options)
            seen.append((wanted, result))
            return result

        monkeypatch.setattr(yearloop, "clear", watched)
        block = run_block(prepared, 1, 0, 20)
        assert len(seen) == LAST - FIRST + 1
        products = prepared.layout.offer_product
        for y, (wanted, result) in enumerate(seen):
            for k in range(len(prepared.layout.products)):
                sold = result.quantities[:, products == k].sum(axis=1) + result.unserved[:, k]
                assert np.allclose(sold, wanted[:, k], rtol=1e-6, atol=1e-3)
            assert np.allclose(block.markets["sales_new"][:, y], wanted.sum(axis=1))


class TestLimitsHold:
    """A plant makes no more than it can, than its partner sends kits for, and nothing while it is shut."""

    def test_capacity_and_kits(self, run: Futures) -> None:
        plants = run.plants
        assert (plants["output"] <= plants["capacity_effective"] * (1 + 1e-9) + 1e-9).all()
        assert (plants["output"] <= plants["partner_supply"] * (1 + 1e-9) + 1e-9).all()
        assert (run.figures["output"] <= run.figures["capacity_effective"] * (1 + 1e-9) + 1e-9).all()
        # A plant can be stretched beyond what was announced by working time, by nothing else.
        assert (plants["capacity_effective"] <= plants["rung_straight_time"] * (1 + 1e-9)).all()

    def test_utilisation(self, run: Futures) -> None:
        assert (run.plants["utilisation"] >= 0).all()
        assert (run.plants["utilisation"] <= 1 + 1e-9).all()

    def test_ladder_goes_down_to_effective_capacity(self, run: Futures) -> None:
        assert np.array_equal(run.plants["rung_nameplate"], run.plants["capacity_nameplate"])
        assert np.array_equal(run.plants["rung_ramp_up"], run.plants["capacity_effective"])

    def test_what_bound_is_true(self, baseline: Futures) -> None:
        plants = baseline.plants
        limit = np.minimum(plants["capacity_effective"], plants["partner_supply"])
        code = plants["bound"]
        state, demand, capacity, supply = (code == BOUND.index(name) for name in BOUND)
        assert (state | demand | capacity | supply).all()
        assert (plants["output"][state] == 0).all()
        assert (plants["demand"][demand] <= limit[demand] * (1 + 1e-5) + 1e-9).all()
        assert (plants["capacity_effective"][capacity] <= plants["partner_supply"][capacity]).all()
        assert (plants["partner_supply"][supply] < plants["capacity_effective"][supply]).all()
        assert demand.any()
        assert state.any()


class TestNoIndustry:
    """Without the industry there is none: no cars, jobs or profit, and nothing invested."""

    @pytest.mark.parametrize(
        "name", ["output", "exports", "jobs", "gdp", "revenue", "npv", "investment", "tax_industry", "imports_kits"]
    )
    def test_nothing(self, counterfactual: Futures, name: str) -> None:
        assert (counterfactual.figures[name] == 0).all()

    def test_buyers_buy_imports(self, counterfactual: Futures, baseline: Futures) -> None:
        assert np.array_equal(counterfactual.figures["imports_new"], counterfactual.figures["sales_new_home"])
        assert (counterfactual.figures["sales_new_home"] > 0).all()
        assert np.median(counterfactual.figures["imports_new"]) > np.median(baseline.figures["imports_new"])

    def test_no_hub(self, counterfactual: Futures) -> None:
        assert not counterfactual.verdict.hub.any()


class TestCommonDraws:
    """Two scenarios under the same draws differ through their levers and by nothing else."""

    def test_a_lever_that_changes_nothing(self, with_levers: Callable[..., Study], baseline: Futures) -> None:
        idle = [
            {"lever": name, "key": "*", "operation": "multiply", "value": 1.0} for name in ("kit_price", "export_reach")
        ]
        study = with_levers(*idle, {"lever": "fee", "market": "*", "operation": "add", "value": 0.0})
        same = simulate(study, scenario="moved", draws=DRAWS, until=LAST, workers=1)
        for name, values in baseline.figures.items():
            assert np.array_equal(values, same.figures[name]), name

    def test_years_before_a_lever_are_untouched(self, with_levers: Callable[..., Study], baseline: Futures) -> None:
        lever = {"lever": "kit_price", "key": "*", "operation": "multiply", "value": 1.3, "year_from": 2028}
        moved = simulate(with_levers(lever), scenario="moved", draws=DRAWS, until=LAST, workers=1)
        before = [year < 2028 for year in moved.years]
        for name in set(baseline.figures) - worth_today(baseline):
            assert np.array_equal(baseline.figures[name][:, before], moved.figures[name][:, before]), name
        after = [year >= 2028 for year in moved.years]
        assert not np.array_equal(baseline.figures["output"][:, after], moved.figures["output"][:, after])

    def test_a_fee_is_felt_where_it_is_levied(self, with_levers: Callable[..., Study], baseline: Futures) -> None:
        lever = {"lever": "fee", "market": "KAZ", "operation": "add", "value": 3000.0}
        moved = simulate(with_levers(lever), scenario="moved", draws=DRAWS, until=FIRST, workers=1)
        turkey, kazakhstan = (moved.layout.markets.index(name) for name in ("TUR", "KAZ"))
        assert np.array_equal(moved.markets["sales_new"][:, 0], baseline.markets["sales_new"][:, 0])
        assert (moved.offers["delivered"][:, :, turkey] == baseline.offers["delivered"][:, :, turkey]).all()
        # A plant short of cars takes them from one market to another, so only the direction is sure.
        assert (moved.offers["delivered"][:, :, kazakhstan] > baseline.offers["delivered"][:, :, kazakhstan]).all()

    def test_more_years_do_not_move_earlier_ones(self, azerbaijan: Study, baseline: Futures) -> None:
        short = simulate(azerbaijan, draws=DRAWS, until=FIRST + 1, workers=1)
        for name in set(baseline.figures) - worth_today(baseline):
            assert np.array_equal(short.figures[name], baseline.figures[name][:, :2]), name


class TestDirections:
    """Levers push the way that economics says."""

    @pytest.mark.parametrize("plant", ["hajigabul_azermash_cp", "azermash_lada", "neftchala_khazar"])
    @pytest.mark.parametrize("factor", [1.05, 1.5])
    def test_dearer_kits_never_raise_output(
        self, with_levers: Callable[..., Study], baseline: Futures, plant: str, factor: float
    ) -> None:
        lever = {"lever": "kit_price", "key": plant, "operation": "multiply", "value": factor}
        dear = simulate(with_levers(lever), scenario="moved", draws=DRAWS, until=LAST, workers=1)
        p = dear.own_plants.index(plant)
        before, after = (np.median(f.plants["output"][:, :, p], axis=0) for f in (baseline, dear))
        assert (after <= before * (1 + 1e-9)).all()
        assert after.sum() < before.sum()

    def test_a_lever_on_the_wage_counts_once(self, with_levers: Callable[..., Study], baseline: Futures) -> None:
        """Last year's volume sets this year's cost, so in the first year the price is linear in the wage."""
        prices = [baseline.plants["price_ex_works"][:, 0]]
        for factor in (2.0, 3.0):
            lever = {"lever": "wage_month", "operation": "multiply", "value": factor}
            moved = simulate(with_levers(lever), scenario="moved", draws=DRAWS, until=FIRST, workers=1)
            prices.append(moved.plants["price_ex_works"][:, 0])
        assert np.allclose(prices[2] - prices[0], 2 * (prices[1] - prices[0]))
        assert (prices[1] > prices[0]).all()

    def test_a_lever_from_the_first_year_does_not_move_the_year_before(
        self, with_levers: Callable[..., Study], baseline: Futures
    ) -> None:
        """Prices are set against those of the year before the start, which no lever may touch."""
        tax = {"lever": "vat_rate", "market": "AZE", "operation": "add", "value": 0.3}
        moved = simulate(with_levers(tax), scenario="moved", draws=DRAWS, until=FIRST, workers=1)
        # Taxed new cars lose buyers to used ones, whose price does not move; a year later, when the price is seen.
        after = simulate(with_levers(tax), scenario="moved", draws=DRAWS, until=FIRST + 1, workers=1)
        assert np.allclose(moved.figures["sales_new_home"], baseline.figures["sales_new_home"][:, :1], rtol=1e-9)
        assert (after.figures["sales_new_home"][:, 1] < baseline.figures["sales_new_home"][:, 1]).all()

    def test_dearer_kits_raise_the_price_of_their_plant_alone(
        self, with_levers: Callable[..., Study], baseline: Futures
    ) -> None:
        lever = {"lever": "kit_price", "key": "azermash_lada", "operation": "multiply", "value": 1.2}
        dear = simulate(with_levers(lever), scenario="moved", draws=DRAWS, until=FIRST, workers=1)
        p = dear.own_plants.index("azermash_lada")
        before, after = baseline.plants["price_ex_works"][:, 0], dear.plants["price_ex_works"][:, 0]
        assert (after[:, p] > before[:, p]).all()
        assert np.array_equal(np.delete(after, p, axis=1), np.delete(before, p, axis=1))

    def test_a_plant_that_opens_for_certain_is_open_in_every_future(self, with_levers: Callable[..., Study]) -> None:
        lever = {"lever": "plant_opens", "key": "hajigabul_azermash_cp_full", "value": 2028.0}
        calm = {"lever": "interruption_hazard", "key": "*", "value": 0.0}
        opened = simulate(with_levers(lever, calm), scenario="moved", draws=DRAWS, until=LAST, workers=1)
        new, old = (opened.own_plants.index(n) for n in ("hajigabul_azermash_cp_full", "hajigabul_azermash_cp"))
        running = opened.plants["operating"]
        assert (running[:, :2, new] == 0).all()
        assert (running[:, 2:, new] == 1).all()
        assert (running[:, 2:, old] == 0).all()  # its line has moved

    def test_a_closed_plant_makes_nothing(self, with_levers: Callable[..., Study]) -> None:
        lever = {"lever": "plant_closes", "key": "azermash_lada", "value": 2027}
        shut = simulate(with_levers(lever), scenario="moved", draws=DRAWS, until=LAST, workers=1)
        made = shut.plants["output"][:, :, shut.own_plants.index("azermash_lada")]
        assert (made[:, 0] > 0).any()
        assert (made[:, 1:] == 0).all()

    def test_an_incentive_costs_what_it_says(self, with_levers: Callable[..., Study], prepared: Prepared) -> None:
        lever = {"lever": "buyer_incentive", "value": 1000.0, "year_from": 2027}
        paid = simulate(with_levers(lever), scenario="moved", draws=DRAWS, until=2028, workers=1)
        assert (paid.figures["subsidy"][:, 0] == 0).all()
        use = Draws(1, 0, DRAWS).of(paid.cells["scrappage_use"])[:, None]
        cost = 1000.0 * use * paid.figures["sales_home"][:, 1:] * prepared.exchange_rate / 1e6
        assert np.allclose(paid.figures["subsidy"][:, 1:], cost)

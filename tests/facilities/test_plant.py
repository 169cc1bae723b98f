"""The plant: the worked four-shop example, the ladder, luck and ignorance, money, defaults that say so, refusals."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from karvan.base.errors import InputError
from karvan.facilities import (
    ALWAYS,
    RUNGS,
    Calendar,
    InputDraws,
    KitSupply,
    Line,
    Money,
    Plant,
    PlantReport,
    Shop,
    Station,
    WhatIf,
    fit_surrogate,
    line_efficiency,
    plant_surrogate,
)
from karvan.facilities.shops import complete


def four_shops(**changes: Any) -> Plant:
    """57/60/58/58 s, availability 93.8/95.2/99/99 %, buffers 40/120/20, two shifts of 8 h on 235 days."""
    shops = [
        Shop("body", 3600 / 57, mtbf_min=120, mttr_min=8, buffer_after=40, first_time_right=1.0),
        Shop("paint", 60, mtbf_min=300, mttr_min=15, buffer_after=120, first_time_right=1.0),
        Shop("trim", 3600 / 58, mtbf_min=480, mttr_min=5, buffer_after=20, first_time_right=1.0),
        Shop("final", 3600 / 58, mtbf_min=480, mttr_min=5, first_time_right=1.0),
    ]
    return replace(Plant("four shops", shops, weeks_per_year=47, nameplate=225_600), **changes)


@pytest.fixture(scope="module")
def report() -> PlantReport:
    return four_shops().report(replications=30, what_ifs=[], effort=0.4)


class TestFourShops:
    """The worked example: 225,600 nameplate, 214,857 by the weakest shop alone, 213,400 +- 590 for the line."""

    def test_ladder(self, report: PlantReport) -> None:
        rungs = {name: float(report.ladder.rungs[name]) for name in RUNGS}
        assert rungs["nameplate"] == rungs["straight_time"] == rungs["overtime"] == 225_600
        assert rungs["breakdowns"] == pytest.approx(214_857, abs=1)
        assert rungs["blocking_starving"] == pytest.approx(213_400, abs=4 * report.ladder_error + 50)
        assert rungs["ramp_up"] == rungs["blocking_starving"]
        assert float(report.ladder.nameplate - sum(report.ladder.lost.values())) == pytest.approx(rungs["ramp_up"])

    def test_luck_is_small_and_ignorance_is_not(self, report: PlantReport) -> None:
        effective = report.effective
        assert effective.luck_sd == pytest.approx(590, rel=0.35)  # 30 years tell a standard deviation to 13 %
        assert effective.ignorance[0] == pytest.approx(210_600, abs=700)
        assert effective.ignorance[1] == pytest.approx(215_900, abs=700)
        assert effective.p5 < effective.ignorance[0] < effective.p50 < effective.ignorance[1] < effective.p95 + 100

    def test_paint_is_the_bottleneck(self, report: PlantReport) -> None:
        assert report.bottleneck.verdict == "paint"
        assert report.bottleneck.places[1] == pytest.approx(0.0, abs=50)  # behind paint more room helps nobody

    @pytest.mark.parametrize(
        ("shop", "change", "cars", "close"),
        [
            (1, {"rate_per_hour": 60 / 0.97}, 4392, 50),  # a takt 3 % shorter
            (0, {"rate_per_hour": 3600 / 57 / 0.97}, 713, 50),
            (1, {"mttr_min": 12.0}, 1924, 50),
            (0, {"buffer_after": 60}, 756, 50),
            (1, {"buffer_after": 140}, 0, 20),
        ],
    )
    def test_what_ifs(self, shop: int, change: dict[str, Any], cars: float, close: float) -> None:
        plant = four_shops()
        shops = list(plant.shops)
        shops[shop] = replace(shops[shop], **change)
        (found,) = plant.compare(WhatIf("change", replace(plant, shops=shops)))
        assert abs(found.cars - cars) < 3 * np.hypot(found.error, close)

    def test_multiplying_availabilities_is_much_too_low(self, report: PlantReport) -> None:
        product = np.prod([shop.availability for shop in four_shops().known()])
        assert product == pytest.approx(0.875, abs=0.001)
        assert 225_600 * product < 0.93 * float(report.ladder.effective)


class TestLadderOfOtherPlants:
    def test_shift_overtime_rework_and_age(self) -> None:
        plant = Plant(
            "small",
            [Shop("skd", 5.0, availability=0.95, mttr_min=10, first_time_right=0.9)],
            shifts=1,
            nameplate=20_000,
            overtime=0.1,
            age_years=0.0,
            ramp_months=(6.0, 15.0),
        )
        report = plant.report(what_ifs=[], replications=20, effort=0.1)
        rungs = {name: float(report.ladder.rungs[name]) for name in RUNGS}
        assert rungs["straight_time"] == pytest.approx(5 * 8 * 5 * 48)
        assert rungs["overtime"] == pytest.approx(9_600 * 1.1)
        assert rungs["breakdowns"] == pytest.approx(9_600 * 1.1 * 0.95)
        assert rungs["rework"] / rungs["blocking_starving"] == pytest.approx(0.9, abs=0.01)
        assert rungs["ramp_up"] == pytest.approx(rungs["kits"] * 0.5, rel=1e-6)  # months 6 and 15: half the first year

    def test_nothing_announced_means_the_whole_year(self) -> None:
        plant = Plant("silent", [Shop("final", 10.0, availability=1.0, first_time_right=1.0)])
        report = plant.report(what_ifs=[], replications=2, effort=0.1)
        assert float(report.ladder.nameplate) == 87_600
        assert float(report.ladder.effective) == pytest.approx(10 * 3840)
        assert any("8,760" in line for line in report.assumed)
        assert any("2 x 8 h on 240 days" in line for line in report.assumed)

    def test_paint_in_three_shifts_beside_two(self) -> None:
        shops = [
            Shop("body", 60, availability=1.0, first_time_right=1.0, buffer_after=480),
            Shop("paint", 40, availability=1.0, first_time_right=1.0, buffer_after=480, shifts=3),
            Shop("final", 60, availability=1.0, first_time_right=1.0),
        ]
        plant = Plant("night", shops, weeks_per_year=4)
        enough, short = (
            float(each.report(what_ifs=[], replications=2, draws=10, effort=0.1).ladder.effective)
            for each in (plant, replace(plant, shops=[replace(s, buffer_after=10) for s in shops]))
        )
        assert enough == pytest.approx(60 * 80 * 4, rel=0.03)  # the stock of the first night has to be built
        assert short < 0.75 * enough

    def test_a_shop_with_hours_of_its_own(self) -> None:
        """Final works four ten-hour days with a break of an hour, 36 hours a week; body two shifts of eight, 80."""
        short = Calendar.weekly(1, 10, 4, break_minutes=60)
        shops = [
            Shop("body", 20, availability=1.0, first_time_right=1.0, buffer_after=2000),
            Shop("final", 20, availability=1.0, first_time_right=1.0, calendar=short),
        ]
        plant = Plant("halves", shops, weeks_per_year=4)
        assert plant.shop_hours(shops[1]) == pytest.approx(4 * 36)
        report = plant.report(what_ifs=[], replications=2, draws=10, effort=0.1)
        assert float(report.ladder.rungs["straight_time"]) == pytest.approx(20 * 36 * 4)
        assert float(report.ladder.effective) == pytest.approx(20 * 36 * 4, rel=0.02)

    def test_kits_take_their_own_rung(self) -> None:
        shop = Shop("final", 6.0, availability=0.95, mttr_min=10, first_time_right=1.0)
        weekly = KitSupply(lot=480, cadence_hours=168, lead_mean_hours=24 * 24, lead_sd_hours=4 * 24)
        late = Plant("late", [shop], kits=weekly)
        report = late.report(replications=12, draws=10, effort=0.1)
        assert float(report.ladder.lost["kits"]) > 0.003 * float(report.ladder.rungs["rework"])
        stock = next(found for found in report.what_ifs if "safety stock" in found.name)
        assert stock.cars > 0
        assert (
            float(
                Plant("on time", [shop]).report(what_ifs=[], replications=5, draws=10, effort=0.1).ladder.lost["kits"]
            )
            == 0.0
        )

    def test_demand_below_capacity(self) -> None:
        plant = Plant("quiet", [Shop("final", 10.0, availability=0.95)], demand=1_000.0, money=Money(1e6, 10, 20, 1e4))
        report = plant.report(what_ifs=[], replications=5, effort=0.1)
        assert report.with_demand is not None
        assert float(report.with_demand.output) == 1_000.0
        assert report.cost_per_car["demand"] > report.cost_per_car["p5"] > report.cost_per_car["p95"]

    def test_same_seed_same_report(self) -> None:
        plant = Plant("twice", [Shop("body", 10.0), Shop("final", 10.0)])
        first, again = (plant.report(what_ifs=[], replications=5, draws=20, effort=0.1) for _ in range(2))
        assert first.effective == again.effective


class TestGivenRanges:
    def test_ignorance_from_draws_of_the_inputs(self) -> None:
        """Speeds 10 % up or down and hours 5 % up or down: the range of the rate is theirs."""
        plant = Plant("known", [Shop("skd", 5.0, availability=0.95, mttr_min=10, first_time_right=0.9)], shifts=1)
        cycle = 720.0 / np.array([[0.9], [1.1]] * 10)
        factor = np.repeat([0.95, 1.05], 10)
        drawn = InputDraws(cycle, np.full((20, 1), 190.0), np.full((20, 1), 10.0), factor)
        report = plant.report(what_ifs=[], replications=3, inputs=drawn, effort=0.2)
        low, high = report.effective.ignorance
        middle = float(report.ladder.effective)
        assert (low / middle, high / middle) == pytest.approx((0.9 * 0.95, 1.1 * 1.05), rel=0.01)

    def test_what_ifs_made_from_the_bottleneck_carry_their_kind_and_size(self) -> None:
        shops = [Shop("paint shop", 20.0, availability=0.95), Shop("final", 10.0, availability=0.95)]
        plant = Plant("two", shops, shifts=1, overtime=0.1, kits=KitSupply(380, 168.0, 240.0, 48.0))
        report = plant.report(what_ifs=plant.usual_what_ifs, replications=2, draws=10, effort=0.1)
        options = plant.usual_what_ifs(report.bottleneck)
        assert [option.kind for option in options] == ["shift", "speed", "speed", "repair", "places", "kits"]
        assert [option.name for option in options if option.kind == "speed"] == [
            "paint shop 3 % faster",
            "final 3 % faster",
        ]
        assert options[0].plant.overtime == pytest.approx(0.05), "the hours of overtime stay"
        assert options[2].size == pytest.approx(0.3)
        gained = {found.name: found.cars for found in report.what_ifs}
        assert gained["final 3 % faster"] > 0.01 * float(report.ladder.effective), "kits are ordered for the plan"

    def test_spread_passes_are_nearly_the_same_rate(self) -> None:
        plant = four_shops()
        shops = [replace(shop, first_time_right=0.95) for shop in plant.shops]
        one, other = (
            replace(plant, shops=shops).line(spread=spread).simulate(500, 20, shares=False) for spread in (False, True)
        )
        assert other.throughput_per_hour.mean() == pytest.approx(one.throughput_per_hour.mean(), rel=0.005)


class TestMoney:
    def test_annuity_by_hand(self) -> None:
        # 1,000 over 2 years at 10 %: 1,000 x 0.1 / (1 - 1 / 1.21) = 576.19 a year
        money = Money(
            1_000.0, 1.0, 2.0, 100.0, overhead_per_year=50.0, variable_per_car=7.0, life_years=2.0, interest=0.1
        )
        assert money.fixed(shifts=2) == pytest.approx(576.190476 + 500.0 + 50.0)
        assert money.per_car(10.0, shifts=2) == pytest.approx(112.6190476 + 7.0)
        assert replace(money, interest=0.0).fixed(shifts=0) == pytest.approx(500.0 + 100.0 + 50.0)
        assert money.per_car(0.0, shifts=1) == float("inf")

    def test_a_shift_costs_its_people(self) -> None:
        plant = Plant("one", [Shop("final", 5.0, availability=0.95)], shifts=1, money=Money(1e6, 10, 20, 1e4))
        report = plant.report(replications=5, draws=20, effort=0.1)
        shift = next(found for found in report.what_ifs if found.name == "one more shift")
        assert shift.yearly_cost == 200_000
        assert shift.cost_per_extra_car == pytest.approx(200_000 / shift.cars)
        assert next(found for found in report.what_ifs if "faster" in found.name).cost_per_extra_car is None


class TestWhatIsAssumed:
    def test_two_of_three_are_enough(self) -> None:
        for given in (
            {"availability": 0.9, "mttr_min": 10},
            {"mtbf_min": 90, "mttr_min": 10},
            {"availability": 0.9, "mtbf_min": 90},
        ):
            known, assumed = complete(Shop("x", 10.0, first_time_right=1.0, buffer_after=5, **given), last=False)
            assert known.mtbf_min == pytest.approx(90.0)
            assert known.mttr_min == pytest.approx(10.0)
            assert assumed == ()

    def test_blanks_are_filled_and_said(self) -> None:
        known, assumed = complete(Shop("paint shop", 60.0), last=False)
        assert known.availability == pytest.approx(0.945)
        assert (known.mttr_min, known.buffer_after, known.first_time_right) == (15.0, 30.0, 1.0)
        assert known.spread == 0.30
        assert len(assumed) == 4
        assert complete(Shop("body", 60.0, availability=0.9, mttr_min=10), last=False)[0].spread == 0.10

    def test_oee_alone_holds_quality(self) -> None:
        known, _ = complete(Shop("body", 60.0, oee=0.72, first_time_right=0.9), last=True)
        assert known.availability == pytest.approx(0.8)
        assert known.first_time_right == 0.9
        assert complete(Shop("b", 60.0, first_time_right=0.9, rework="off_line"), last=True)[0].first_time_right == 1.0

    def test_in_line_oee_is_the_plant(self) -> None:
        shops = [
            Shop("body", 60.0, oee=0.80, oee_counts="in_line", first_time_right=1.0),
            Shop("final", 70.0, availability=1.0),
        ]
        report = Plant("measured", shops).report(what_ifs=[], replications=6, draws=10, effort=0.1)
        assert float(report.ladder.effective) == pytest.approx(60 * 3840 * 0.80, rel=0.01)


class TestSurrogates:
    LINE = Line([Station(57, 120, 8), Station(60, 300, 15), Station(58, 480, 5)], [40, 60])

    def test_fitted_formula_against_the_line_itself(self) -> None:
        surface = fit_surrogate(self.LINE, hours=600)
        assert surface.error_rms < 0.006
        up, down = (
            np.array([[110.0, 330.0, 500.0], [140.0, 280.0, 400.0]]),
            np.array([[9.0, 14.0, 6.0], [7.0, 17.0, 5.0]]),
        )
        guess = surface.rate([57.0, 60.0, 58.0], up, down)
        for u, d, rate in zip(up, down, guess, strict=True):
            stations = [Station(c, *pair) for c, *pair in zip((57.0, 60.0, 58.0), u, d, strict=True)]
            truth = Line(stations, self.LINE.buffers).simulate(600, 60, seed=9, shares=False)
            close = 4 * truth.standard_error + 3 * surface.error_rms
            assert rate / 60.0 == pytest.approx(truth.efficiency, abs=close)

    def test_formula_of_two_is_the_flow_line_and_of_more_optimistic(self) -> None:
        assert float(line_efficiency([60, 60], [240, 240], [10, 10], [10])) == pytest.approx(0.93540, abs=1e-5)
        four = float(line_efficiency([57, 60, 58, 58], [120, 300, 480, 480], [8, 15, 5, 5], [40, 120, 20]))
        assert 0.94583 < four < 0.94583 * 1.01

    def test_formula_over_many_draws_is_each_draw_alone(self) -> None:
        rng = np.random.default_rng(0)
        up, down = rng.uniform(100, 300, (50, 4)), rng.uniform(5, 15, (50, 4))
        together = line_efficiency([60.0] * 4, up, down, [10, 20, 30])
        alone = [float(line_efficiency([60.0] * 4, u, d, [10, 20, 30])) for u, d in zip(up, down, strict=True)]
        assert together.tolist() == pytest.approx(alone, rel=1e-12)

    def test_plant_in_an_ensemble(self) -> None:
        plant = Plant("two", [Shop("paint", 20, buffer_after=10), Shop("final", 20)])
        stand_in = plant_surrogate(plant)
        zeros = np.zeros((3, 2))
        centre = stand_in.shares(zeros + stand_in.spread / 2, zeros + stand_in.spread / 2)  # the mean is the centre
        assert centre.breakdowns == pytest.approx(np.full(3, float(np.asarray(stand_in.centre.breakdowns))), rel=1e-9)
        middle = float(np.asarray(stand_in.centre.blocking_starving))
        assert np.asarray(centre.blocking_starving) == pytest.approx(np.full(3, middle), rel=0.01)
        worse = stand_in.shares(zeros - 1.0, zeros + 1.0)
        assert (np.asarray(worse.breakdowns) < np.asarray(centre.breakdowns)).all()
        assert 0.0 < stand_in.luck_sd < 0.05 and stand_in.error < 0.02

    def test_refuses(self) -> None:
        with pytest.raises(InputError, match="no station of the line ever fails"):
            fit_surrogate(Line([Station(60)], []))
        with pytest.raises(InputError, match="draws for"):
            fit_surrogate(self.LINE, draws=20)
        with pytest.raises(InputError, match="buffers for 2 stations"):
            line_efficiency([60, 60], [100, 100], [5, 5], [1, 2])


class TestRefusals:
    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: Shop("x", 0.0), "rate_per_hour is 0"),
            (lambda: Shop("x", 10.0, availability=1.2), "availability is 1.2"),
            (lambda: Shop("x", 10.0, mttr_min=-1), "mttr_min is -1"),
            (lambda: Shop("x", 10.0, availability=0.9, mtbf_min=100, mttr_min=50), "give two of the three"),
            (lambda: Shop("x", 10.0, availability=1.0, mttr_min=5), "never fails has no repairs"),
            (lambda: Shop("x", 10.0, oee=0.8, availability=0.9), "OEE holds availability already"),
            (lambda: Shop("x", 10.0, buffer_after=-3), "buffer_after is -3"),
            (lambda: Shop("x", 10.0, kind="pant"), "did you mean 'paint'"),  # type: ignore[arg-type]
            (lambda: Shop("x", 10.0, shifts=4), "shifts is 4"),
            (lambda: Shop("x", 10.0, shifts=1, calendar=ALWAYS), "shifts stand beside a calendar"),
            (lambda: Shop("x", 10.0, spread=2.0), "spread is 2"),
            (lambda: complete(Shop("x", 10.0, oee=0.95, first_time_right=0.9), last=True), "OEE holds quality"),
            (lambda: Plant("p", []), "no shop found"),
            (lambda: Plant("p", [Shop("x", 10.0)], shifts=3, hours_per_shift=9), "in 24 h"),
            (lambda: Plant("p", [Shop("x", 10.0)], shifts=0), "expected 1 or more"),
            (lambda: Plant("p", [Shop("x", 10.0)], days_per_week=8), "8 days a week"),
            (lambda: Plant("p", [Shop("x", 10.0)], overtime=-0.1), "overtime -0.1"),
            (lambda: Plant("p", [Shop("x", 10.0)], nameplate=-5.0), "nameplate -5"),
            (
                lambda: Plant("p", [Shop("a", 9.0, oee=0.8, oee_counts="in_line", buffer_after=9), Shop("b", 9.0)]),
                "would count it twice",
            ),
            (lambda: Plant("p", [Shop("x", 10.0)]).report(replications=1), "at least 2 and 10"),
            (lambda: Plant("p", [Shop("x", 10.0)]).report(effort=0.0), "effort 0 found"),
            (lambda: Money(-1.0, 0, 0, 0), "capex is -1"),
            (lambda: Money(1.0, 0, 0, 0, life_years=0.0), "life_years is 0"),
        ],
    )
    def test_one_clear_error_each(self, make: Any, message: str) -> None:
        with pytest.raises(InputError, match=message):
            make()

"""The line: laws of serial lines, limits, conventions, bookkeeping, and what it refuses."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karvan.base.axes import Array
from karvan.base.errors import InputError
from karvan.facilities import Calendar, KitSupply, Line, Mix, Station, infinite_buffer, merge, zero_buffer
from karvan.facilities.line import Bottleneck

SHORT: dict[str, Any] = {"hours": 60.0, "replications": 4, "warmup_hours": 0.0, "shares": False}
# From the first car on, so that a better line is ahead at every moment of every run, not just on average.

stations = st.builds(
    Station, st.floats(40.0, 80.0), mtbf_min=st.floats(30.0, 300.0), mttr_min=st.floats(2.0, 20.0), name=st.just("")
)


def direct(line: Line, cars: int, down: Array) -> Array:
    """Departures from the last station by the recursion as it is written, car by car: the judge of the wavefront."""
    count = len(line.stations)
    leave = np.zeros((count, cars))
    for j in range(cars):
        for i in range(count):
            arrive = leave[i - 1, j] if i else 0.0
            finish = max(arrive, leave[i, j - 1] if j else 0.0) + line.stations[i].cycle_s + down[i, j]
            if i < count - 1 and j - line.buffers[i] - 1 >= 0:
                finish = max(finish, leave[i + 1, int(j - line.buffers[i] - 1)])
            leave[i, j] = finish
    return np.asarray(leave[-1])


class TestRecursion:
    @pytest.mark.parametrize("buffers", [[1, 1, 1], [3, 1, 7], [0, 0, 0], [0, 2, 0], [200, 5, 1], [2, np.inf, 3]])
    def test_wavefront_equals_the_recursion_car_by_car(self, buffers: list[float]) -> None:
        cycles = [61.0, 60.0, 58.0, 62.0]
        mix = Mix((0.5, 0.3, 0.2), tuple((factor,) * 4 for factor in (1.0, 1.4, 0.7)))
        line = Line([Station(c) for c in cycles], buffers, mix=mix)
        # Models make the work differ from car to car without any chance in it.
        factor = np.array([1.0, 1.4, 0.7])[mix.models(0, 500)]
        times = direct(line, 500, np.outer(cycles, factor - 1.0))
        for hours in (1.0, 2.5, 6.0):
            made = line.simulate(hours, replications=2, warmup_hours=0.0).throughput_per_hour * hours
            assert (made == (times <= hours * 3600.0).sum()).all()

    def test_breakdowns_enter_the_recursion_where_they_fall(self) -> None:
        """One line with failures against the direct recursion with the same downtimes, read from a line that cannot
        wait."""
        from karvan.base.streams import stream
        from karvan.facilities._recursion import Failures

        line = Line([Station(60.0, 50.0, 5.0), Station(55.0, 40.0, 6.0), Station(58.0, 60.0, 4.0)], [2, 0])
        cars = 900
        down = np.zeros((3, cars))
        for i, station in enumerate(line.stations):
            assert station.mtbf_min is not None and station.mttr_min is not None
            times = np.array(station.mtbf_min * 60.0), np.array(station.mttr_min * 60.0)
            source = Failures(*times, 2, stream(3, f"line.{i}.gaps"), stream(3, f"line.{i}.repairs"))
            who, when, repairs = source.take(np.full(2, cars * station.cycle_s))
            np.add.at(down[i], (when[who == 0] // station.cycle_s).astype(int), repairs[who == 0])
        made = line.simulate(10.0, replications=2, seed=3, warmup_hours=0.0).throughput_per_hour[0] * 10.0
        assert made == (direct(line, cars, down) <= 36_000.0).sum()

    def test_a_line_that_never_fails_runs_at_its_slowest_station(self) -> None:
        result = Line([Station(50), Station(60), Station(40)], [0, 0]).simulate(10, 3, warmup_hours=1)
        assert result.throughput_per_hour.tolist() == [60.0, 60.0, 60.0]
        assert (result.efficiency, result.standard_error) == (1.0, 0.0)

    def test_same_seed_same_bytes_and_another_seed_others(self) -> None:
        line = Line([Station(60, 60, 5)] * 3, [2, 2])
        first, again, other = (line.simulate(**SHORT, seed=seed).throughput_per_hour for seed in (0, 0, 1))
        assert first.tobytes() == again.tobytes() != other.tobytes()


class TestLaws:
    @settings(max_examples=6, deadline=None)
    @given(line=st.lists(stations, min_size=3, max_size=3), places=st.tuples(st.integers(0, 8), st.integers(0, 8)))
    def test_more_places_never_hurt(self, line: list[Station], places: tuple[int, int]) -> None:
        small = Line(line, places).simulate(**SHORT).throughput_per_hour
        large = Line(line, (places[0] + 3, places[1])).simulate(**SHORT).throughput_per_hour
        assert (large >= small).all()  # with the same luck it is true of every single run

    @settings(max_examples=6, deadline=None)
    @given(line=st.lists(stations, min_size=2, max_size=4), which=st.integers(0, 3), percent=st.floats(1.0, 30.0))
    def test_shorter_repairs_never_hurt(self, line: list[Station], which: int, percent: float) -> None:
        which %= len(line)
        better = list(line)
        better[which] = replace(line[which], mttr_min=(line[which].mttr_min or 1.0) * (1.0 - percent / 100.0))
        places = [3] * (len(line) - 1)
        slow, fast = (Line(each, places).simulate(**SHORT).throughput_per_hour for each in (line, better))
        assert (fast >= slow).all()

    @pytest.mark.parametrize("field", ["cycle_s", "mtbf_min"])
    def test_speed_and_reliability_help(self, field: str) -> None:
        line = [Station(60, 120, 10), Station(60, 100, 8), Station(60, 150, 12)]
        factor = 0.9 if field == "cycle_s" else 2.0
        better = [replace(station, **{field: getattr(station, field) * factor}) for station in line]
        slow, fast = (Line(each, [5, 5]).simulate(400, 20).throughput_per_hour.mean() for each in (line, better))
        assert fast > slow * 1.02

    def test_a_line_turned_round_makes_the_same(self) -> None:
        line = [Station(57, 120, 8), Station(60, 300, 15), Station(58, 480, 5), Station(59, 200, 20)]
        there = Line(line, [5, 12, 3]).simulate(600, 60, seed=1)
        back = Line(line[::-1], [3, 12, 5]).simulate(600, 60, seed=2)
        assert abs(there.efficiency - back.efficiency) < 4 * np.hypot(there.standard_error, back.standard_error)

    def test_the_unit_of_time_does_not_matter(self) -> None:
        seconds = Line([Station(60, 240, 10)] * 3, [4, 4]).simulate(300, 10, warmup_hours=30)
        minutes = Line([Station(3600, 240 * 60, 600)] * 3, [4, 4]).simulate(300 * 60, 10, warmup_hours=30 * 60)
        assert minutes.efficiency == pytest.approx(seconds.efficiency, rel=1e-4)

    def test_variance_halves_with_twice_the_replications(self) -> None:
        line = Line([Station(60, 60, 10)] * 3, [4, 4])
        once, twice = (line.simulate(60, count, warmup_hours=10, shares=False).standard_error for count in (400, 800))
        assert (once / twice) ** 2 == pytest.approx(2.0, rel=0.25)

    def test_clock_failures_cost_more_than_working_ones(self) -> None:
        """Ten stations, takt 60 s, 4 h, 10 min: 0.8574 and 0.8509 with 10 places, 0.713 and 0.675 with none."""
        for places, working, clock in ((10, 0.8574, 0.8509), (0, 0.7129, 0.6751)):
            line = Line([Station(60, 240, 10)] * 10, [places] * 9)
            pairs: list[tuple[Any, float]] = [("working", working), ("clock", clock)]
            for which, expected in pairs:
                result = replace(line, failures=which).simulate(300, 40, warmup_hours=40, shares=False)
                assert abs(result.efficiency - expected) < 4 * result.standard_error, (places, which)

    def test_limits_of_the_buffers(self) -> None:
        times = [(240.0, 10.0), (300.0, 15.0), (200.0, 5.0)]
        line = [Station(60, *pair) for pair in times]
        up, down = [pair[0] for pair in times], [pair[1] for pair in times]
        none = Line(line, [0, 0]).simulate(1500, 30, shares=False)
        endless = Line(line, [np.inf, np.inf]).simulate(3000, 30, warmup_hours=500, shares=False)
        # Without places stations still hold a car each, so the line is a little better than one that stops as a whole.
        low, high = zero_buffer(up, down).throughput, infinite_buffer(up, down).throughput
        assert low - 4 * none.standard_error < none.efficiency < low + 0.01
        assert endless.efficiency == pytest.approx(high, abs=4 * endless.standard_error)

    def test_merging_bufferless_stations_of_high_availability(self) -> None:
        line = [Station(60, 4800, 10)] * 20
        split = Line(line, [0] * 19).simulate(1000, 40, shares=False)
        one = Line([merge(line)], []).simulate(1000, 40, shares=False)
        assert one.efficiency == pytest.approx(split.efficiency, abs=0.002)  # 0.9601 and 0.9603


class TestShares:
    def test_they_add_up_and_agree_with_the_output(self) -> None:
        line = Line([Station(57, 120, 8), Station(60, 300, 15), Station(58, 480, 5)], [10, 10])
        result = line.simulate(500, 20)
        shares = result.shares
        assert shares is not None
        total = shares.working + shares.down + shares.blocked + shares.starved
        assert total == pytest.approx(np.ones(3))
        assert shares.blocked[-1] == 0.0
        assert shares.starved[0] == pytest.approx(0.0, abs=1e-3)
        assert shares.working == pytest.approx(
            result.throughput_per_hour.mean() * np.array([57, 60, 58]) / 3600, abs=1e-3
        )
        assert shares.down == pytest.approx(shares.working * [8 / 120, 15 / 300, 5 / 480], rel=0.1)

    @pytest.mark.parametrize("seed", range(1, 6))
    def test_none_is_below_nothing(self, seed: int) -> None:
        """The first station is never starved; cars under way at the edges of a short window must not say otherwise."""
        shares = Line([Station(60, 240, 10)] * 3, [10, 10]).simulate(50, 3, seed=seed).shares
        assert shares is not None
        for part in (shares.working, shares.down, shares.blocked, shares.starved):
            assert (part >= 0.0).all() and (part <= 1.0).all()
        assert shares.starved[0] == pytest.approx(0.0, abs=0.01)  # a repair cut by the edge of the window

    def test_two_like_stations_wait_as_the_flow_line_says(self) -> None:
        shares = Line([Station(60, 240, 10)] * 2, [10]).simulate(2000, 40).shares
        assert shares is not None
        assert shares.arrows() in (("left",), ("right",))
        assert shares.blocked[0] == pytest.approx(1 - 0.93540 * (1 + 10 / 240), abs=0.002)

    def test_zero_buffers_and_odd_replications(self) -> None:
        result = Line([Station(60, 100, 10)] * 3, [0, 2]).simulate(200, 7)
        assert result.throughput_per_hour.shape == (7,)
        assert result.shares is not None
        assert (
            result.shares.working + result.shares.down + result.shares.blocked + result.shares.starved
        ) == pytest.approx(1)


class TestCalendars:
    two, three = Calendar.weekly(2, 8, 5), Calendar.weekly(3, 8, 5)

    @pytest.mark.parametrize("failures", ["working", "clock"])
    def test_one_calendar_for_all_is_the_same_as_open_hours(self, failures: Any) -> None:
        timed = Line([Station(60, 240, 10, calendar=self.two)] * 3, [5, 5], failures=failures)
        plain = Line([Station(60, 240, 10)] * 3, [5, 5], failures=failures)
        on_clock = timed.simulate(168 * 10, 4, warmup_hours=168)
        opened = plain.simulate(80 * 10, 4, warmup_hours=80)
        assert on_clock.efficiency == pytest.approx(opened.efficiency, rel=1e-12)
        assert on_clock.shares is not None and opened.shares is not None
        assert on_clock.shares.working == pytest.approx(opened.shares.working, rel=1e-9)
        assert on_clock.shares.down == pytest.approx(opened.shares.down, rel=1e-6)

    def test_three_shift_paint_beside_two_shift_assembly_needs_a_night_of_buffer(self) -> None:
        """Paint at 90 s in three shifts makes as much as assembly at 60 s in two; only a large buffer lets it."""

        def efficiency(places: int) -> float:
            shops = [Station(60, calendar=self.two), Station(90, calendar=self.three), Station(60, calendar=self.two)]
            return Line(shops, [places, places]).simulate(168 * 6, 1, warmup_hours=168 * 4, shares=False).efficiency

        small, night = efficiency(10), efficiency(480)
        assert night == pytest.approx(1.0)
        assert 0.6 < small < 0.75  # two shifts of three, and the little that 10 places carry

    def test_week_by_hand(self) -> None:
        week = Calendar.weekly(2, 8, 5, break_minutes=30)
        assert week.open_hours == pytest.approx(75.0)
        assert week.open_before([6.0, 7.0, 14.0, 168.0, 168.0 + 7.0]).tolist() == pytest.approx([0, 1, 7.5, 75, 76])
        assert week.clock_at([1.0, 7.5, 75.0, 76.0]).tolist() == pytest.approx([7, 14, 118, 175])

    def test_a_night_shift_runs_into_the_next_day(self) -> None:
        assert Calendar.weekly(3, 8, 7).opening == ((0.0, 168.0),)
        assert Calendar.weekly(3, 8, 5).opening == ((6.0, 126.0),)
        assert Calendar.weekly(1, 8, 7, start_hour=20).opening[0] == (0.0, 4.0)

    @settings(max_examples=30, deadline=None)
    @given(clock=st.floats(0.0, 2000.0))
    def test_clock_and_open_time_are_inverse(self, clock: float) -> None:
        opened = self.two.open_before(clock)
        assert float(self.two.open_before(self.two.clock_at(opened))) == pytest.approx(float(opened), abs=1e-9)
        assert float(self.two.clock_at(opened)) <= max(clock, 6.0) + 1e-9


class TestMixReworkKits:
    def test_models_share_the_line_by_their_work(self) -> None:
        line = Line([Station(60)], [], mix=Mix((0.7, 0.3), ((1.0,), (1.5,))))
        assert line.simulate(1000, 2).throughput_per_hour == pytest.approx([60 / 1.15] * 2, rel=1e-4)
        assert line.nominal_per_hour == pytest.approx(60 / 1.15)

    def test_repeated_passes_take_the_shop_again(self) -> None:
        result = Line([Station(60, 60, 6, first_time_right=0.8)], []).simulate(2000, 20)
        expected = 60 * 0.8 / 1.1  # passes per car 1/0.8, and 6 minutes of repair for 60 of work
        error = result.standard_error * result.nominal_per_hour
        assert abs(result.throughput_per_hour.mean() - expected) < 4 * error

    def test_kits_that_never_fail_cost_nothing_and_half_the_kits_halve_the_output(self) -> None:
        line = Line([Station(60)], [])
        full = replace(line, kits=KitSupply(lot=60, cadence_hours=1, lead_mean_hours=500)).simulate(100, 2)
        half = replace(line, kits=KitSupply(lot=30, cadence_hours=1, lead_mean_hours=500)).simulate(100, 2)
        assert full.efficiency == 1.0
        assert half.efficiency == pytest.approx(0.5, rel=0.01)

    def test_safety_stock_makes_up_for_the_spread_of_the_lead_time(self) -> None:
        """One lot a week, lost days not made up for: the spread decides, two standard deviations of stock are
        enough."""

        def lost(sd_days: float, stock_days: int) -> float:
            supply = KitSupply(42, 168.0, 24 * 24.0, sd_days * 24.0, 6 * stock_days)
            return (
                1.0
                - Line([Station(14_400)], [], kits=supply).simulate(8736, 300, warmup_hours=0, shares=False).efficiency
            )

        losses = [lost(4, stock) for stock in (0, 5, 10)]
        assert losses == sorted(losses, reverse=True)
        assert 0.01 < losses[0] < 0.04 and losses[2] < 0.001
        assert lost(7, 0) > losses[0] and lost(7, 15) < 0.001

    def test_exponential_service_of_two_stations(self) -> None:
        """Hunt (1956): (b + 2) / (b + 3)."""
        for places in (0, 3):
            line = Line([Station(1.0)] * 2, [places], service="exponential")
            result = line.simulate(2.0, 40, warmup_hours=0.2, shares=False)
            assert abs(result.efficiency - (places + 2) / (places + 3)) < 4 * result.standard_error


class TestDraws:
    def test_the_centre_is_the_simulation(self) -> None:
        line = Line([Station(60, 100, 10), Station(58, 200, 12)], [5])
        draws = line.simulate_draws(200, cycle_s=[[60, 58]] * 3, seed=4, same_luck=False)
        assert draws[0] == line.simulate(200, 3, seed=4).throughput_per_hour[0]

    def test_same_luck_gives_the_same_output_for_the_same_inputs(self) -> None:
        line = Line([Station(60, 100, 10), Station(58, 200, 12)], [5])
        up = np.array([[100.0, 200.0], [100.0, 200.0], [150.0, 300.0]])
        rates = line.simulate_draws(200, mtbf_min=up)
        assert rates[0] == rates[1] < rates[2]

    def test_every_kind_of_station_takes_draws(self) -> None:
        line = Line([Station(60, 100, 10, first_time_right=0.9), Station(58, 200, 12)], [0], failures="clock")
        slow, fast = line.simulate_draws(200, cycle_s=[[60.0, 58.0], [50.0, 50.0]])
        assert fast > slow * 1.1

    def test_refuses(self) -> None:
        with pytest.raises(InputError, match="mtbf_min has a value of 0 or less"):
            Line([Station(60, 100, 10)], []).simulate_draws(10, mtbf_min=[[0.0]])


class TestBottleneck:
    def test_the_slow_station_is_found_and_like_ones_tie(self) -> None:
        slow = Line(
            [Station(58, 240, 10, name="body"), Station(62, 240, 10, name="paint"), Station(58, 240, 10)], [10, 10]
        )
        found = slow.bottleneck(500, 20)
        assert found.verdict == "paint"
        assert found.speed[1] > 0.3  # nearly all of 1 % of some 55 cars an hour
        assert found.repair[1] > found.repair[0] and np.isnan(found.places[2])
        alike = Line([Station(60, 240, 10)] * 2, [20]).bottleneck(200, 10)
        assert alike.verdict in ("tie: station 1, station 2", "tie: station 2, station 1")

    def test_a_station_that_never_fails_gains_nothing_from_repair(self) -> None:
        found: Bottleneck = Line([Station(60), Station(50, 240, 10)], [5]).bottleneck(50, 4)
        assert found.repair[0] == found.repair_error[0] == 0.0


class TestRefusals:
    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: Station(0), "cycle_s is 0; expected more than 0"),
            (lambda: Station(-60), "cycle_s is -60"),
            (lambda: Station(float("nan")), "cycle_s is nan"),
            (lambda: Station(60, mtbf_min=0, mttr_min=1), "mtbf_min is 0"),
            (lambda: Station(60, mttr_min=5), "mttr_min without mtbf_min"),
            (lambda: Station(60, mtbf_min=5), "mtbf_min without mttr_min"),
            (lambda: Station(60, first_time_right=1.2), "first_time_right is 1.2"),
            (lambda: Line([], []), "no station found"),
            (lambda: Line([Station(60)] * 3, [1]), "1 buffers for 3 stations found; expected 2"),
            (lambda: Line([Station(60)] * 2, [-1]), "expected whole numbers of places, 0 or more"),
            (lambda: Line([Station(60)] * 2, [1.5]), "expected whole numbers of places"),
            (lambda: Line([Station(60)], [], failures="time"), "'working' or 'clock'"),  # type: ignore[arg-type]
            (lambda: Line([Station(60)], [], service="normal"), "'fixed' or 'exponential'"),  # type: ignore[arg-type]
            (lambda: Line([Station(60)] * 2, [1], mix=Mix((1.0,), ((1.0,),))), "needs 2 factors a model"),
            (lambda: Mix((0.5, 0.4), ((1.0,), (1.0,))), "add up to 1"),
            (lambda: Mix((1.0,), ((0.0,),)), "factors above 0"),
            (lambda: Line([Station(60)], []).simulate(0), "expected more than 0"),
            (lambda: Line([Station(60)], []).simulate(10, replications=0), "0 replications found"),
            (lambda: Line([Station(60)], []).simulate(10, warmup_hours=-1), "-1 found"),
            (lambda: Line([Station(60)], []).bottleneck(10, 1), "expected 2 or more"),
            (lambda: Calendar(()), "it never opens"),
            (lambda: Calendar(((5.0, 5.0),)), "expected hours in order"),
            (lambda: Calendar(((5.0, 9.0), (8.0, 10.0))), "not overlapping"),
            (lambda: Calendar(((5.0, 200.0),)), "between 0 and 168"),
            (lambda: Calendar.weekly(4, 8, 5), "at most 24 hours a day"),
            (lambda: Calendar.weekly(2, 8, 5, break_minutes=480), "break of 480 min"),
            (lambda: KitSupply(0, 1, 1), "lot is 0"),
            (lambda: KitSupply(10, 1, 1, lead_sd_hours=-1), "lead_sd_hours is -1"),
            (lambda: merge([]), "no station found"),
        ],
    )
    def test_one_clear_error_each(self, make: Any, message: str) -> None:
        with pytest.raises(InputError, match=message):
            make()

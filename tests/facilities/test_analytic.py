"""Closed forms, decompositions and exact chains against published and exactly solved values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karvan.base.errors import InputError
from karvan.facilities import (
    bernoulli_chain,
    bernoulli_line,
    ddx,
    exponential_line,
    infinite_buffer,
    slotted_line,
    two_machine_fluid,
    two_machine_slotted,
    two_stage_transfer,
    zero_buffer,
)

probabilities = st.floats(0.02, 0.4)


class TestExponentialLines:
    """Hunt (1956), Oper. Res. 4, 674-683, blocking after service; Hillier and Boling (1967), Oper. Res. 15, 651-658."""

    @pytest.mark.parametrize("places", [0, 1, 5, 20])
    def test_two_stations(self, places: int) -> None:
        assert exponential_line([1, 1], [places]).throughput == pytest.approx((places + 2) / (places + 3), rel=1e-12)

    def test_three_without_buffer_make_22_39ths(self) -> None:
        assert exponential_line([1, 1, 1], [0, 0]).throughput == pytest.approx(22 / 39, rel=1e-12)

    @pytest.mark.parametrize(("stations", "published"), [(4, 0.5148), (5, 0.4858)])
    def test_longer_lines(self, stations: int, published: float) -> None:
        line = exponential_line([1.0] * stations, [0] * (stations - 1))
        assert line.throughput == pytest.approx(published, abs=5e-5)

    def test_optimum_of_the_throughput_maximisation_test_problem(self) -> None:
        """Pichitlamken, Nelson and Hong (2006), EJOR 173, 283-298: rates 6, 7, 7, places 12 and 8 with service:
        5.776."""
        assert exponential_line([6, 7, 7], [11, 7]).throughput == pytest.approx(5.776, abs=5e-4)

    @settings(max_examples=30, deadline=None)
    @given(
        rates=st.lists(st.floats(0.5, 3.0), min_size=3, max_size=3),
        sizes=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    )
    def test_a_line_turned_round_makes_the_same(self, rates: list[float], sizes: tuple[int, int]) -> None:
        there = exponential_line(rates, list(sizes)).throughput
        assert exponential_line(rates[::-1], list(sizes)[::-1]).throughput == pytest.approx(there, rel=1e-9)


class TestTwoMachines:
    """Gershwin (1987), Oper. Res. 35, 291-305 (slots); Gershwin and Schick (1980) (flow)."""

    @settings(max_examples=30, deadline=None)
    @given(p1=probabilities, r1=probabilities, p2=probabilities, r2=probabilities, size=st.integers(4, 12))
    def test_closed_form_equals_the_chain(self, p1: float, r1: float, p2: float, r2: float, size: int) -> None:
        closed, chain = two_machine_slotted(p1, r1, p2, r2, size), slotted_line([p1, p2], [r1, r2], [size])
        assert closed.throughput == pytest.approx(chain.throughput, rel=1e-9)
        assert closed.level == pytest.approx(float(chain.levels[0]), rel=1e-7)

    @pytest.mark.parametrize(("p2", "r2"), [(0.01, 0.1), (0.02, 0.15)])
    def test_flow_is_the_limit_of_short_slots(self, p2: float, r2: float) -> None:
        scale = 500
        slots = two_machine_slotted(0.01 / scale, 0.1 / scale, p2 / scale, r2 / scale, 10 * scale)
        flow = two_machine_fluid(0.01, 0.1, p2, r2, 10)
        assert flow.throughput == pytest.approx(slots.throughput, abs=2e-5)
        assert flow.level == pytest.approx(slots.level / scale, abs=0.02)

    def test_flow_does_not_know_the_unit_of_time(self) -> None:
        hours, minutes = two_machine_fluid(0.6, 6, 0.3, 3, 10 / 60), two_machine_fluid(0.01, 0.1, 0.005, 0.05, 10)
        assert hours.throughput == pytest.approx(minutes.throughput, rel=1e-12)
        fast = two_machine_fluid(0.6, 6, 0.3, 3, 10, speed=60)
        assert fast.throughput == pytest.approx(60 * minutes.throughput, rel=1e-12)
        assert fast.level == pytest.approx(minutes.level, rel=1e-12)

    def test_limits_of_the_buffer(self) -> None:
        assert two_machine_fluid(0.01, 0.1, 0.01, 0.1, 1e-9).throughput == pytest.approx(1 / 1.2, abs=1e-9)
        assert two_machine_fluid(0.01, 0.1, 0.01, 0.05, 1e5).throughput == pytest.approx(1 / 1.2, abs=1e-9)
        assert two_machine_slotted(0.01, 0.1, 0.01, 0.05, 5000).throughput == pytest.approx(1 / 1.2, abs=1e-9)

    def test_refuses_what_the_form_does_not_cover(self) -> None:
        with pytest.raises(InputError, match="N is 3; the closed form needs 4 or more"):
            two_machine_slotted(0.1, 0.1, 0.1, 0.1, 3)
        with pytest.raises(InputError, match="p1 is 0"):
            two_machine_slotted(0.0, 0.1, 0.1, 0.1, 10)
        with pytest.raises(InputError, match="mu2 is -1"):
            two_machine_fluid(0.1, 0.1, 0.1, -1.0, 10)


class TestLongLines:
    """DDX (Dallery, David and Xie 1988) and Bernoulli aggregation (Li and Meerkov 2009) beside the exact chains."""

    def test_ddx_is_optimistic_by_less_than_a_tenth_of_a_per_cent_at_three_machines(self) -> None:
        for p, r, N in (([0.01] * 3, [0.1] * 3, [10, 10]), ([0.02, 0.03, 0.01], [0.1, 0.2, 0.15], [8, 6])):
            error = ddx(p, r, N).throughput / slotted_line(p, r, N).throughput - 1
            assert 0.0003 < error < 0.001

    def test_ddx_of_two_machines_is_exact(self) -> None:
        two = two_machine_slotted(0.1, 0.14, 0.1, 0.1, 12)
        line = ddx([0.1, 0.1], [0.14, 0.1], [12])
        assert line.throughput == two.throughput
        assert (line.blocked[0], line.starved[1], line.levels[0]) == (two.blocked, two.starved, two.level)

    def test_ddx_of_twenty_machines(self) -> None:
        """The 20-machine line of Gershwin and Schor (2000), 430 places: 0.88 by decomposition."""
        assert ddx([1 / 200] * 20, [1 / 10.5] * 20, [430 // 19] * 19).throughput == pytest.approx(0.88, abs=0.005)

    @settings(max_examples=30, deadline=None)
    @given(p=st.tuples(st.floats(0.5, 0.95), st.floats(0.5, 0.95)), size=st.integers(1, 6))
    def test_aggregation_of_two_is_exact(self, p: tuple[float, float], size: int) -> None:
        exact = bernoulli_chain(list(p), [size]).throughput
        assert bernoulli_line(p, [size]).throughput == pytest.approx(exact, rel=1e-9)

    def test_bernoulli_rate_is_seen_from_every_machine(self) -> None:
        p = np.array([0.8, 0.85, 0.9, 0.85, 0.8])
        line = bernoulli_line(p, [3, 3, 3, 3])
        assert p[0] - line.blocked[0] == pytest.approx(line.throughput)
        assert p[-1] - line.starved[-1] == pytest.approx(line.throughput)

    def test_refuses(self) -> None:
        with pytest.raises(InputError, match="2 failure and 2 repair probabilities and 2 buffers"):
            ddx([0.1, 0.1], [0.1, 0.1], [10, 10])
        with pytest.raises(InputError, match="expected probabilities between 0 and 1"):
            bernoulli_line([0.9, 1.2], [2])
        with pytest.raises(InputError, match="more than 4000 states"):
            slotted_line([0.1] * 4, [0.1] * 4, [20, 20, 20])


class TestLimits:
    """Buzacott (1967): a paced line without buffers; and the rate of the worst machine, with endless ones."""

    def test_twenty_machines(self) -> None:
        assert zero_buffer([200] * 20, [10.5] * 20).throughput == pytest.approx(
            0.487, abs=1e-3
        )  # Gershwin and Schor (2000)
        assert zero_buffer([10] * 20, [1] * 20).throughput == pytest.approx(1 / 3)

    def test_clock_failures_multiply(self) -> None:
        assert zero_buffer([9] * 4, [1] * 4, failures="clock").throughput == pytest.approx(0.9**4)

    def test_worst_machine(self) -> None:
        assert infinite_buffer([240, 300], [10, 15], cycle=[60, 50]).throughput == pytest.approx(240 / 250 / 60)

    def test_refuses(self) -> None:
        with pytest.raises(InputError, match="MTBF and an MTTR above 0"):
            zero_buffer([10, 0], [1, 1])


class TestTransferLine:
    """Groover, Examples 16A.2-16A.4: Tc 1.2 min, 0.05 failures a cycle, Td 8 min; 0.60 without buffer, 0.75 endless."""

    @pytest.mark.parametrize(("places", "efficiency"), [(0, 0.60), (1, 0.61125), (10, 0.6875), (100, 0.740625)])
    def test_constant_repair(self, places: int, efficiency: float) -> None:
        assert two_stage_transfer(1.2, 0.05, 8.0, places).throughput == pytest.approx(efficiency, rel=1e-9)

    def test_geometric_repair_and_endless_buffer(self) -> None:
        assert two_stage_transfer(1.2, 0.05, 8.0, 100, "geometric").throughput == pytest.approx(0.73353116, abs=5e-9)
        assert two_stage_transfer(1.2, 0.05, 8.0, 10**7).throughput == pytest.approx(0.75, abs=1e-6)

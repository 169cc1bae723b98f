"""Control variates: mean 0, the same answer as plain means, an honest and smaller error."""

from typing import Literal

import numpy as np
import pytest

from karvan.base.errors import InputError
from karvan.facilities import Calendar, Line, Station, two_machine_fluid, zero_buffer

BOTH: list[Literal["working", "clock"]] = ["working", "clock"]


def two(failures: Literal["working", "clock"] = "working") -> Line:
    """Two machines, takt 60 s, MTBF 4 h, MTTR 10 min, ten places."""
    return Line([Station(60, 240, 10)] * 2, [10], failures=failures)


@pytest.mark.parametrize("failures", BOTH)
def test_controls_have_mean_0(failures: Literal["working", "clock"]) -> None:
    controls = two(failures).simulate(300, 600, 4, 20).controls
    assert controls is not None and controls.shape == (600, 2)
    error = controls.std(axis=0, ddof=1) / 600**0.5
    assert (np.abs(controls.mean(axis=0)) < 4 * error).all() and (error > 0).all()


def test_a_start_without_warm_up_is_in_the_mean_too() -> None:
    """All machines start up, so on the clock they are down less at first: 10 h at 4 h of MTBF show it."""
    controls = Line([Station(60, 240, 60)], [], failures="clock").simulate(10, 4000, 4, 0).controls
    assert controls is not None
    assert abs(controls.mean()) < 4 * controls.std() / 4000**0.5
    assert 4 * controls.std() / 4000**0.5 < 0.2 * 60 / 600, "without the start's share the mean would be seen"


@pytest.mark.parametrize("failures", BOTH)
def test_errors_are_honest_and_smaller(failures: Literal["working", "clock"]) -> None:
    """Over 40 seeds: estimates spread as their own error says, a third of plain means', around the same value."""
    runs = [two(failures).simulate(150, 40, seed, 20) for seed in range(40)]
    estimates = np.array([run.controlled.efficiency for run in runs])
    told = np.mean([run.controlled.standard_error for run in runs])
    assert 0.7 < estimates.std(ddof=1) / told < 1.4
    assert told < np.mean([run.standard_error for run in runs]) / 3.0
    plain = np.array([run.efficiency for run in runs])
    apart = estimates - plain
    assert abs(apart.mean()) < 4 * apart.std(ddof=1) / 40**0.5


def test_against_closed_forms() -> None:
    """Ten places are nearly the fluid line's (within 0.0001), none are Buzacott's up to failures while stopped."""
    found = two().simulate(600, 400, 2, 50).controlled
    fluid = two_machine_fluid(1 / 240, 1 / 10, 1 / 240, 1 / 10, 10.0).throughput
    assert found.efficiency == pytest.approx(fluid, abs=4 * found.standard_error + 1e-4)
    assert found.standard_error < 2e-4
    tight = Line([Station(60, 240, 10)] * 2, [0]).simulate(600, 400, 2, 50).controlled
    paced = zero_buffer([240, 240], [10, 10]).throughput
    assert tight.efficiency == pytest.approx(paced, abs=4 * tight.standard_error + 1e-3)


def test_a_line_that_never_fails_has_nothing_to_control() -> None:
    result = Line([Station(60), Station(50)], [3]).simulate(50, 12, 1, 5)
    assert result.controls is not None and result.controls.shape == (12, 0)
    assert result.controlled.efficiency == pytest.approx(result.efficiency)


class TestRefusals:
    def test_without_shares(self) -> None:
        with pytest.raises(InputError, match="no controls; simulate with shares"):
            _ = two().simulate(50, 20, shares=False).controlled

    def test_closing_hours_are_no_breakdowns(self) -> None:
        shifts = Calendar.weekly(2, 8, 5)
        line = Line([Station(60, 240, 10, calendar=shifts)], [], failures="clock")
        with pytest.raises(InputError, match="without calendars"):
            _ = line.simulate(168, 12).controlled

    def test_too_few_runs(self) -> None:
        with pytest.raises(InputError, match="11 replications for 2 controls found; expected 12 or more"):
            _ = two().simulate(50, 11).controlled

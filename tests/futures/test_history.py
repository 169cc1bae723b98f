"""History run again beside the record."""

from dataclasses import replace

import numpy as np
import pytest

from karvan.futures.blocks import demand_inputs
from karvan.futures.ensemble import Futures
from karvan.futures.history import compare_history, run_history
from karvan.futures.inputs import Draws, prepare
from karvan.study.evidence import year_value
from karvan.study.load import Study


@pytest.fixture(scope="module")
def past(azerbaijan: Study) -> Futures:
    """Futures from 2014."""
    return run_history(azerbaijan, start=2014, until=2019, draws=100, seed=1)


class TestRun:
    """The futures start where they were asked to, and know no plant of later."""

    def test_years(self, past: Futures) -> None:
        assert past.years == tuple(range(2014, 2020))
        assert past.study.as_of == "2014-12-31"

    def test_plants_announced_later_are_unknown(self, past: Futures, baseline: Futures) -> None:
        later = set(baseline.own_plants) - set(past.own_plants)
        assert "hajigabul_azermash_cp_full" in later
        assert past.own_plants[-2:] == ("unannounced_1", "unannounced_2")

    def test_income_is_as_it_was(self, past: Futures) -> None:
        """The condition of the exercise: income is known in every future; what the plants sell is not."""
        known = prepare(past.study, "baseline", 2014, 2016, income_as_of=None)
        income = demand_inputs(known, Draws(1, 0, 20)).income[:, :, known.layout.home]
        assert (income.std(axis=0) < 1e-12 * income.mean(axis=0)).all()
        guessed = prepare(past.study, "baseline", 2014, 2016)
        income = demand_inputs(guessed, Draws(1, 0, 20)).income[:, :, guessed.layout.home]
        assert (income.std(axis=0) > 0.01 * income.mean(axis=0)).any()
        assert past.figures["output"].std(axis=0).min() > 0


class TestComparison:
    """Each year beside the record, with the band it is judged by."""

    def test_band_contains_what_it_says(self, past: Futures, azerbaijan: Study) -> None:
        rows = compare_history(azerbaijan, past)
        assert [row.year for row in rows] == list(past.years)
        for index, row in enumerate(rows):
            values = past.figures["output"][:, index]
            assert (row.low, row.middle, row.high) == tuple(np.quantile(values, (0.05, 0.5, 0.95)))
            assert row.low <= row.middle <= row.high
            record = year_value(azerbaijan, "country", "output", "passenger_car", row.year)
            assert (row.record is None) == (record is None)
            if record is not None:
                assert row.inside == (record.low <= row.high and record.high >= row.low)

    def test_the_record_is_that_of_the_study_and_not_of_the_past(self, past: Futures, azerbaijan: Study) -> None:
        known = {row.year: row.record for row in compare_history(azerbaijan, past)}
        found = known[2019]
        assert found is not None
        assert found.value == 2360

    def test_a_year_outside_is_said_to_be(self, past: Futures, azerbaijan: Study) -> None:
        far = replace(past, figures={**past.figures, "output": past.figures["output"] * 0 + 1e6})
        assert not any(row.inside for row in compare_history(azerbaijan, far) if row.record is not None)

    def test_years_without_a_record_are_not_judged(self, past: Futures, azerbaijan: Study) -> None:
        future = replace(past, layout=replace(past.layout, years=tuple(range(2031, 2037))))
        assert [row.inside for row in compare_history(azerbaijan, future)] == [None] * 6

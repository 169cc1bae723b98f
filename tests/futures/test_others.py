"""Laws of other countries' records: first plants, and what the loop's word is worth."""

from dataclasses import replace

import numpy as np
import pytest

from karvan.futures.others import LoopChange, OthersFit, fit_others
from karvan.futures.record import Record, read_record

DATE = "2012-12-31"


@pytest.fixture(scope="module")
def record() -> Record:
    return read_record(DATE, "total").without("NZL")


@pytest.fixture(scope="module")
def fit(record: Record) -> OthersFit:
    return fit_others(record)


class TestFirstPlants:
    """Countries that never got a plant are exposure too: to count the winners alone makes plants look likely."""

    def test_countries_off_the_list_count(self, record: Record, fit: OthersFit) -> None:
        listed = replace(record, gdp={c: v for c, v in record.gdp.items() if c in record.made})
        among_listed = fit_others(listed)
        ask = ("NZL", 1e11, 1e6)
        assert fit.newcomer_rate(*ask) < 0.5 * among_listed.newcomer_rate(*ask)

    def test_rate_is_near_entries_over_exposure(self, record: Record, fit: OthersFit) -> None:
        """The mean over the countries at risk is that of the data, as in any Poisson regression with a constant."""
        at_risk = [c for c in record.gdp if not record.made.get(c) and c in record.access]
        gdp = [record.gdp[c][max(record.gdp[c])] for c in at_risk]
        rates = [fit.newcomer_rate("NZL", g, record.access[c]) for c, g in zip(at_risk, gdp, strict=True)]
        assert 0.0005 < float(np.mean(rates)) < 0.02

    def test_larger_economies_sooner(self, fit: OthersFit) -> None:
        assert fit.newcomer_rate("NZL", 1e12, 1e6) > fit.newcomer_rate("NZL", 1e10, 1e6)

    def test_size_of_the_first_plants(self, fit: OthersFit) -> None:
        low, mid, high = fit.first_plants("NZL")
        assert 500 < low < mid < high < 500_000


def test_home_sales_go_with_output() -> None:
    """Registrations made as a third of the change of output: the elasticity is found again, and little is left."""
    record = read_record(DATE, "total")
    sold = {
        c: {y: 1e6 * (v / made[min(made)]) ** (1 / 3) for y, v in made.items()}
        for c, made in record.made.items()
        if min(made.values()) > 50_000
    }
    fit = fit_others(replace(record, sold=sold).without("SVK"))
    elasticity, scale, _ = fit.home_sales("SVK", 1e6, np.array([1.0, 9.0]))
    assert elasticity == pytest.approx(1 / 3, abs=0.02) and (scale < 0.1).all()


class TestLoopWeight:
    """``r - drift = w (loop - drift)``: a loop that was right counts, one that was not does not."""

    def loops(self, record: Record, right: bool) -> list[LoopChange]:
        rng = np.random.default_rng(8)
        out = []
        for code, made in sorted(record.made.items()):
            if made.get(2008, 0.0) > 1000:
                came = {y: float(np.log(max(made[y], 1000.0) / made[2008])) for y in (2009, 2010, 2011) if y in made}
                chance = {y: float(rng.normal(0.0, 0.5)) for y in came}
                out.append(LoopChange(code, "2009-12-31", 2008, came if right else chance))
        return out

    def test_a_loop_that_was_right(self, record: Record) -> None:
        assert fit_others(record, self.loops(record, True)).loop_weight("NZL") > 0.8

    def test_a_loop_that_guessed(self, record: Record) -> None:
        assert fit_others(record, self.loops(record, False)).loop_weight("NZL") < 0.25

    def test_no_evidence_no_weight(self, fit: OthersFit) -> None:
        assert fit.loop_weight("NZL") == 0.0

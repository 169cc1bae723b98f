"""Production lines against the 65 shared values and the 10 hand calculations, where the tables are at hand.

A few of the same numbers stand in tests/facilities, so that the project tests itself alone.
"""

import csv
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import ClassVar, Literal

import pytest

from karvan.facilities import (
    Line,
    LineResult,
    Money,
    Plant,
    Shares,
    Shop,
    Station,
    bernoulli_chain,
    bernoulli_line,
    capacity_ladder,
    ddx,
    exponential_line,
    exponential_unreliable,
    people_per_thousand,
    slotted_line,
    stations,
    takt_minutes,
    two_machine_fluid,
    two_stage_transfer,
    workers,
    zero_buffer,
)

LINES = Path(__file__).parents[2].parent / "shared" / "reference" / "lines"

Row = dict[str, str]


def rows(name: str, *families: str) -> list[Row]:
    """Rows of a table, all or of some families; none where the table is not at hand."""
    path = LINES / name
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as handle:
        return [row for row in csv.DictReader(handle) if not families or row["family"] in families]


def need(found: list[Row]) -> list[Row]:
    """The rows, or a skip that says why."""
    if not found:
        pytest.skip(f"reference table not found under {LINES.name}/: it lies beside the repository, not in it")
    return found


def numbers(row: Row) -> dict[str, list[float]]:
    """``k=1 2;m=3`` as lists. Six printed digits of a ratio such as 1/24 are read as that ratio."""
    result = {}
    for part in row["params"].split(";"):
        key, text = part.split("=")
        if all(word.replace(".", "", 1).isdigit() for word in text.split()):
            result[key] = [float(Fraction(word).limit_denominator(1000)) for word in text.split()]
    return result


def words(row: Row) -> dict[str, str]:
    """``k=text`` parts as they stand."""
    return dict(part.split("=") for part in row["params"].split(";"))


def buffers(row: Row) -> list[int]:
    """The buffers, repeated where one stands for all."""
    found = [int(word) for word in row["buffers"].split()]
    gaps = int(row["stations"]) - 1
    return (found * gaps)[:gaps] if len(found) == 1 else found


def tolerance(row: Row) -> float:
    """The row's own, but never below half its last printed digit."""
    last = row["value"].split()[0].partition(".")[2]
    return max(float(row["abs_tol"]), 0.5 * 10.0 ** -len(last) * 1.001)


def _exponential(row: Row) -> list[float]:
    return [exponential_line(numbers(row)["mu"], buffers(row)).throughput]


def _paced(row: Row) -> list[float]:
    ratios = numbers(row)["MTTR/MTBF"]
    return [zero_buffer([1.0] * len(ratios), ratios).throughput]


def _slotted(row: Row) -> list[float]:
    given, sizes = numbers(row), buffers(row)
    if row["metric"].startswith("DDX"):
        return [ddx(given["p"], given["r"], sizes).throughput]
    exact = slotted_line(given["p"], given["r"], sizes)
    return exact.levels.tolist() if row["metric"] == "mean_buffer_levels" else [exact.throughput]


def _fluid(row: Row) -> list[float]:
    given = numbers(row)
    (l1, l2), (m1, m2) = given["lambda"], given["mu"]
    return [two_machine_fluid(l1, m1, l2, m2, float(row["buffers"])).throughput]


def _bernoulli(row: Row) -> list[float]:
    p, sizes = numbers(row)["p"], buffers(row)
    return [(bernoulli_line if row["metric"].startswith("agg") else bernoulli_chain)(p, sizes).throughput]


def _unreliable(row: Row) -> list[float]:
    given = numbers(row)
    return [exponential_unreliable(given["mu"], given["lambda"], given["repair"], buffers(row)).throughput]


def _groover(row: Row) -> list[float]:
    given, kind = numbers(row), words(row)["repair"]
    assert kind in ("constant", "geometric")
    return [
        two_stage_transfer(
            given["Tc"][0],
            given["F1"][0],
            given["Td"][0],
            int(row["buffers"]),
            "constant" if kind == "constant" else "geometric",
        ).throughput
    ]


SOLVERS: dict[str, Callable[[Row], list[float]]] = {
    "exponential_bas": _exponential,
    "paced_zero_buffer": _paced,
    "slotted_odf": _slotted,
    "fluid_two_machine": _fluid,
    "bernoulli": _bernoulli,
    "exponential_unreliable": _unreliable,
    "two_stage_groover": _groover,
}


@pytest.mark.parametrize("family", sorted(SOLVERS))
def test_every_shared_value_within_its_own_tolerance(family: str) -> None:
    for row in need(rows("lines_shared.csv", family)):
        expected = [float(word) for word in row["value"].split()]
        assert SOLVERS[family](row) == pytest.approx(expected, abs=tolerance(row), rel=0), row["id"]


def _machines(row: Row) -> list[Station]:
    given, count = numbers(row), int(row["stations"])
    columns = [given[name] * count if len(given[name]) == 1 else given[name] for name in ("takt", "MTBF", "MTTR")]
    return [Station(takt, up / 60.0, down / 60.0) for takt, up, down in zip(*columns, strict=True)]


def _simulated(row: Row, *, takts_run: int, replications: int, seed: int) -> LineResult:
    """A row of family G, simulated."""
    machines = _machines(row)
    takts = max(station.cycle_s for station in machines) / 3600.0
    failures: Literal["working", "clock"] = "working" if "operation" in words(row)["failures"] else "clock"
    line = Line(machines, buffers(row), failures=failures)
    # From an empty line large buffers take long to fill: they diffuse, so the warm-up grows with the square of places.
    places = sum(buffers(row))
    warm = takts * (2_000 + 25 * places + 0.07 * places**2)
    return line.simulate(takts * takts_run, replications, seed, warm)


@pytest.mark.parametrize("which", range(18))
def test_simulated_lines_within_their_own_tolerance(which: int) -> None:
    """Family G: the table's own tolerance of 0.0002 to 0.0006 is the test.

    The tolerance is four of the table's standard errors. Control variates (:attr:`LineResult.controlled`) bring ours to
    two fifths of it and less, in a tenth to a third of the runs that plain means would take.
    """
    row = need(rows("lines_shared.csv", "takt_exponential_bas"))[which]
    takts_run, replications = 25_000, 400
    if int(row["stations"]) == 10 and sum(buffers(row)) > 0:
        takts_run, replications = (140_000, 400) if sum(buffers(row)) > 500 else (32_000, 600)
    found = _simulated(row, takts_run=takts_run, replications=replications, seed=11).controlled
    assert found.standard_error < 0.4 * float(row["abs_tol"])
    assert found.efficiency == pytest.approx(float(row["value"]), abs=float(row["abs_tol"]), rel=0), row["id"]


def test_simulated_exponential_lines_within_four_standard_errors() -> None:
    """Family A by simulation as well: the recursion with exponential service."""
    for row in need(rows("lines_shared.csv", "exponential_bas")):
        rates = numbers(row)["mu"]
        line = Line([Station(1.0 / rate) for rate in rates], buffers(row), service="exponential")
        result = line.simulate(hours=1.0, replications=40, seed=7, warmup_hours=0.2, shares=False)
        error = result.standard_error * result.nominal_per_hour / 3600.0
        assert abs(result.throughput_per_hour.mean() / 3600.0 - float(row["value"])) < 4.0 * error, row["id"]


def test_the_table_is_covered_whole() -> None:
    families = {row["family"] for row in need(rows("lines_shared.csv"))}
    assert families == {*SOLVERS, "takt_exponential_bas"}
    assert len(rows("lines_shared.csv")) == 65


class TestHandCalculations:
    """The arithmetic of plants (capacity_arithmetic.csv), each from its inputs with the model's own functions."""

    CALCULATED: ClassVar[dict[str, float]] = {
        "K1": Plant("big", [Shop("final", 65.0)], shifts=2, hours_per_shift=8, weeks_per_year=48).straight_time,
        "K2": 200_000 / Plant("g", [Shop("final", 1.0)], shifts=2, days_per_week=5, weeks_per_year=50).hours_per_year,
        "K3": takt_minutes(50, 1, uptime=Station(1.0, 95.0, 5.0).availability),
        "K4": takt_minutes(50, 1, uptime=0.95) - 0.15,
        "K5": workers(15.0, takt_minutes(50, 1, uptime=0.95) - 0.15, balancing=0.93),
        "K6": stations(978, 2.2),
        "K7": Money(0.0, 0.0, 978.0, 2000.0 * 45.0).per_car(200_000, shifts=2),
        "K8": float(capacity_ladder(1.0, Shares(breakdowns=0.90, blocking_starving=0.95, rework=0.999), 1.0).effective),
        "K9": takt_minutes(10_000, Plant("small", [Shop("skd", 1.0)], shifts=1, weeks_per_year=50).hours_per_year),
        "K10": people_per_thousand(20.0, 1800.0),
    }
    PUBLISHED: ClassVar[dict[str, tuple[float, float]]] = {
        "K1": (249_600, 1e-6),
        "K2": (50.0, 1e-9),
        "K3": (1.14, 1e-9),
        "K4": (0.99, 1e-9),
        "K5": (978, 0),
        "K6": (445, 0),
        "K7": (880.2, 0.005),
        "K8": (0.854145, 1e-9),
        "K9": (12.0, 1e-9),
        "K10": (11.1111, 0.001),
    }

    @pytest.mark.parametrize("name", sorted(PUBLISHED))
    def test_equals_the_published_figure(self, name: str) -> None:
        value, close = self.PUBLISHED[name]
        assert self.CALCULATED[name] == pytest.approx(value, abs=close, rel=1e-12)

    def test_the_shared_table_says_the_same(self) -> None:
        for row in need(rows("capacity_arithmetic.csv")):
            assert self.CALCULATED[row["id"]] == pytest.approx(
                float(row["value"]), abs=max(float(row["abs_tol"]), 1e-6)
            )

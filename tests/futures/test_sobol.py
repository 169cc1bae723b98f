"""Sobol indices: the estimators against closed forms and a peer, the design against what the year loop must do."""

import importlib.util

import numpy as np
import pytest

from karvan.base.axes import Array
from karvan.base.errors import InputError, UnknownName
from karvan.base.streams import stream
from karvan.futures.engines import Worker
from karvan.futures.ensemble import worker_of
from karvan.futures.sample import Correlation, Sampling
from karvan.futures.sobol import STREAMS, confidence, factors_of, sobol, sobol_indices
from karvan.study.load import Study
from karvan.study.schema import GROUPS


def ishigami(u: Array) -> Array:
    """Ishigami and Homma (1990) with a = 7, b = 0.1, on uniforms stretched to (-pi, pi)."""
    x = np.pi * (2.0 * u - 1.0)
    return np.asarray(np.sin(x[..., 0]) + 7.0 * np.sin(x[..., 1]) ** 2 + 0.1 * x[..., 2] ** 4 * np.sin(x[..., 0]))


def design(count: int, seed: int, factors: int = 3) -> tuple[Array, Array, Array]:
    """The function in A, in B, and in A with each factor from B."""
    generator = stream(seed, "design")
    a, b = generator.random((count, factors)), generator.random((count, factors))
    exchanged = []
    for i in range(factors):
        mixed = a.copy()
        mixed[:, i] = b[:, i]
        exchanged.append(ishigami(mixed))
    return ishigami(a), ishigami(b), np.array(exchanged)


class TestIshigami:
    """Saltelli et al. (2008), Global Sensitivity Analysis: The Primer, section 4.8.

    With a = 7, b = 0.1: V = 13.845, V1 = 4.346, V2 = 6.125, V13 = 3.374; S = 0.314, 0.442, 0; T = 0.558, 0.442, 0.244.
    """

    V = 7**2 / 8 + 0.1 * np.pi**4 / 5 + 0.1**2 * np.pi**8 / 18 + 0.5
    V1, V2, V13 = 0.5 * (1 + 0.1 * np.pi**4 / 5) ** 2, 7**2 / 8, 0.1**2 * np.pi**8 * (1 / 18 - 1 / 50)
    FIRST = np.array([V1, V2, 0.0]) / V
    TOTAL = np.array([V1 + V13, V2, V13]) / V

    def test_closed_form(self) -> None:
        assert self.FIRST.round(3).tolist() == [0.314, 0.442, 0.0]
        assert self.TOTAL.round(3).tolist() == [0.558, 0.442, 0.244]

    def test_estimates(self) -> None:
        first, total = sobol_indices(*design(100_000, 1))
        assert first == pytest.approx(self.FIRST, abs=0.015)
        assert total == pytest.approx(self.TOTAL, abs=0.015)

    def test_intervals_hold_the_truth(self) -> None:
        inside = []
        for seed in range(40):
            a, b, exchanged = design(400, seed)
            first, total = sobol_indices(a, b, exchanged)
            first_error, total_error = confidence(a, b, exchanged, seed)
            inside += [np.abs(first - self.FIRST) <= first_error, np.abs(total - self.TOTAL) <= total_error]
        assert 0.90 <= np.mean(inside) <= 0.99  # 95 % intervals, 240 of them


class TestAgainstSalib:
    """The estimators of SALib (Herman and Usher 2017), ``SALib.analyze.sobol``, on the same values."""

    FIRST = (0.27585681639883936, 0.4184352630129219, -0.030143035179919647)
    TOTAL = (0.4551474856008083, 0.4278233748968553, 0.2495073545197273)
    """What SALib 1.6.0 printed for ``design(512, 3)``, so that the check runs where SALib is not installed too."""

    def test_equal_to_what_it_printed(self) -> None:
        first, total = sobol_indices(*design(512, 3))
        assert first == pytest.approx(self.FIRST, abs=1e-10)
        assert total == pytest.approx(self.TOTAL, abs=1e-10)

    @pytest.mark.skipif(importlib.util.find_spec("SALib") is None, reason="SALib is not installed (extra bench)")
    @pytest.mark.filterwarnings("ignore")
    def test_equal(self) -> None:
        from SALib.analyze.sobol import analyze

        a, b, exchanged = design(512, 3)
        rows = np.concatenate([a[None], exchanged, b[None]]).T.reshape(-1)
        problem = {"num_vars": 3, "names": ["x1", "x2", "x3"], "bounds": [[0, 1]] * 3}
        theirs = analyze(problem, rows, calc_second_order=False, seed=1)
        first, total = sobol_indices(a, b, exchanged)
        assert first == pytest.approx(np.asarray(theirs["S1"]), abs=1e-12)
        assert total == pytest.approx(np.asarray(theirs["ST"]), abs=1e-12)
        first_error, total_error = confidence(a, b, exchanged, 1)
        assert first_error == pytest.approx(np.asarray(theirs["S1_conf"]), rel=0.35)
        assert total_error == pytest.approx(np.asarray(theirs["ST_conf"]), rel=0.35)


class TestLaws:
    """What holds for any design."""

    def test_nothing_varies(self) -> None:
        first, total = sobol_indices(np.ones(9), np.ones(9), np.ones((2, 9)))
        assert first.tolist() == total.tolist() == [0.0, 0.0]

    def test_a_factor_that_does_nothing(self) -> None:
        a, b, _ = design(500, 1)
        first, total = sobol_indices(a, b, a[None])
        assert (first[0], total[0]) == (0.0, 0.0)

    def test_a_factor_that_does_everything(self) -> None:
        a, b, _ = design(50_000, 1)
        first, total = sobol_indices(a, b, b[None])
        assert (first[0], total[0]) == pytest.approx((1.0, 1.0), abs=0.02)

    def test_scale_and_shift_change_nothing(self) -> None:
        a, b, exchanged = design(500, 2)
        plain = sobol_indices(a, b, exchanged)
        moved = sobol_indices(3 * a + 100, 3 * b + 100, 3 * exchanged + 100)
        assert np.allclose(plain, moved)


@pytest.fixture(scope="module")
def worker(azerbaijan: Study) -> Worker:
    found = worker_of(azerbaijan, "baseline", until=2026, seed=1)
    found.pilot("baseline")
    return found


class TestFactors:
    """Every uncertain number and every stream of chance belongs to one group."""

    def test_groups(self, worker: Worker) -> None:
        prepared = worker.prepare("baseline")
        factors = factors_of(prepared, "groups", worker.task.sampling)
        assert set(factors) == set(GROUPS)
        members = [name for names in factors.values() for name in names]
        assert len(members) == len(set(members))
        assert set(members) == {*prepared.drawn, *prepared.streams}

    def test_every_stream_has_a_name(self, worker: Worker) -> None:
        streams = {
            name.partition(".")[0] if name.startswith("record.") else name
            for name in worker.prepare("baseline").streams
        }
        assert streams <= set(STREAMS)

    def test_correlated_numbers_move_as_one(self, worker: Worker) -> None:
        prepared = worker.prepare("baseline")
        sampling = Sampling("lhs", (Correlation("eta", "wage_growth", 0.5),))
        factors = factors_of(prepared, "groups", sampling)
        assert prepared.drawn["eta"].group == "behaviour"
        assert prepared.drawn["wage_growth"].group == "costs"
        assert {"eta", "wage_growth"} <= factors["behaviour"]
        assert "wage_growth" not in factors["costs"]


class TestFigure:
    """Indices of the built-in study's figures."""

    def test_what_cannot_matter_has_no_index(self, azerbaijan: Study) -> None:
        found = sobol(azerbaijan, "output.2026", by="donor,discount_rate,income", draws=50, until=2026, engine="here")
        rows = {row.name: row for row in found.rows}
        for name in ("donor", "discount_rate"):  # neither the table of jobs nor the discount rate moves a car
            assert (rows[name].first, rows[name].total) == (0.0, 0.0)
        assert rows["income"].total > 0.0
        assert found.futures == 50 * 5

    def test_groups(self, azerbaijan: Study) -> None:
        found = sobol(azerbaijan, "output.2026", draws=200, until=2026, engine="here")
        assert {row.name for row in found.rows} == set(GROUPS)
        totals = [row.total for row in found.rows]
        assert totals == sorted(totals, reverse=True)
        for row in found.rows:
            assert row.first <= row.total + row.first_error + row.total_error
        assert sum(totals) > 0.9

    def test_a_net_figure(self, azerbaijan: Study) -> None:
        found = sobol(
            azerbaijan, "jobs_net.2026", by="people_per_1000.hajigabul_azermash_cp", draws=50, until=2026, engine="here"
        )
        assert found.futures == 2 * 3 * 50
        assert found.rows[0].total > 0.0

    def test_messages(self, azerbaijan: Study) -> None:
        with pytest.raises(UnknownName, match="the run draws no 'thetta'; did you mean"):
            sobol(azerbaijan, "output.2026", by="thetta", until=2026)
        with pytest.raises(InputError, match="indices need 50 or more"):
            sobol(azerbaijan, "output.2026", draws=10)

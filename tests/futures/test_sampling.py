"""Latin hypercube, Sobol points, plain draws, and what a study says moves together."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karvan.base.errors import InputError, UnknownName
from karvan.base.streams import BLOCK, latin_hypercube
from karvan.futures.ensemble import correlations_of, simulate
from karvan.futures.inputs import Draws
from karvan.futures.sample import LHS, Correlation, Sampling, check_names
from karvan.study.cells import Cell
from karvan.study.load import Study


def rank_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's."""
    return float(np.corrcoef(np.argsort(np.argsort(x)), np.argsort(np.argsort(y)))[0, 1])


def cell(name: str) -> Cell:
    return Cell(name, 0.0, 0.5, 1.0, "uniform", "share of 1", "assumed", "", "test", "costs")


class TestHypercube:
    """McKay, Beckman and Conover (1979): one draw in each of n equal slices, for every number."""

    def test_default_is_unchanged(self) -> None:
        assert (LHS.uniforms(7, "theta", 3) == latin_hypercube(7, "theta", 3)).all()

    @given(rho=st.floats(-0.95, 0.95), seed=st.integers(0, 10**6))
    @settings(max_examples=15, deadline=None)
    def test_correlated_columns_stay_complete(self, rho: float, seed: int) -> None:
        sampling = Sampling("lhs", (Correlation("a", "b", rho),))
        columns = [sampling.uniforms(seed, name, 2) for name in ("a", "b")]
        for column in columns:
            assert (np.sort((column * BLOCK).astype(int)) == np.arange(BLOCK)).all()
        # Iman and Conover (1982): the rank correlation of a block is the wanted one, to a few hundredths.
        assert rank_correlation(*columns) == pytest.approx(rho, abs=0.05)

    def test_others_do_not_move(self) -> None:
        sampling = Sampling("lhs", (Correlation("a", "b", 0.5),))
        assert (sampling.uniforms(1, "c", 0) == LHS.uniforms(1, "c", 0)).all()


class TestSobol:
    """Sobol (1967): points that fill the cube more evenly than chance."""

    NAMES = tuple("abcdefgh")

    def test_blocks_continue_one_sequence(self) -> None:
        sampling = Sampling("sobol", (), self.NAMES)
        points = np.concatenate([sampling.uniforms(1, "c", block) for block in range(3)])
        # The first 2^k points of a scrambled sequence have one in each of 2^k slices: a block border must not break it.
        assert (np.sort((points[:1024] * 1024).astype(int)) == np.arange(1024)).all()

    def test_integrates_better(self) -> None:
        def error(method: str) -> float:
            wrong = []
            for seed in range(8):
                sampling = Sampling(method, (), self.NAMES)
                x = np.stack(
                    [np.concatenate([sampling.uniforms(seed, n, b) for b in range(4)]) for n in self.NAMES], axis=1
                )
                wrong.append(np.prod(1 + 0.5 * (x - 0.5), axis=1).mean() - 1.0)
            return float(np.sqrt(np.mean(np.square(wrong))))

        assert error("sobol") < 0.5 * error("lhs") < 0.5 * error("plain")

    def test_unknown_cells_fall_back_to_the_hypercube(self) -> None:
        sampling = Sampling("sobol", (), self.NAMES)
        assert (sampling.uniforms(1, "z", 1) == LHS.uniforms(1, "z", 1)).all()

    def test_a_run(self, azerbaijan: Study) -> None:
        runs = {m: simulate(azerbaijan, draws=200, until=2026, workers=1, sampling=m) for m in ("lhs", "sobol")}
        low, high = (np.quantile(runs[m].figures["output"][:, 0], (0.25, 0.75)) for m in ("lhs", "sobol"))
        assert low == pytest.approx(high, rel=0.2)
        assert (runs["lhs"].figures["output"] != runs["sobol"].figures["output"]).any()


class TestCopula:
    """Gaussian copula: r = 2 sin(pi rho / 6) gives the rank correlation rho (Pearson 1907)."""

    @pytest.mark.parametrize("method", ["plain", "sobol"])
    def test_rank_correlation(self, method: str) -> None:
        sampling = Sampling(method, (Correlation("a", "b", -0.6), Correlation("b", "c", 0.3)), ("a", "b", "c"))
        a, b, c = (np.concatenate([sampling.uniforms(3, n, k) for k in range(20)]) for n in "abc")
        assert rank_correlation(a, b) == pytest.approx(-0.6, abs=0.04)  # four standard errors of 10,000 draws
        assert rank_correlation(b, c) == pytest.approx(0.3, abs=0.04)
        assert rank_correlation(a, c) == pytest.approx(0.0, abs=0.04)

    def test_shocks(self) -> None:
        sampling = Sampling("lhs", (Correlation("income", "real_rate", 0.4),))
        draws = Draws(1, 0, BLOCK, sampling=sampling)
        income, rate = draws.normal("income", 10, 4), draws.normal("real_rate", 10, 4)
        assert np.corrcoef(income.reshape(-1), rate.reshape(-1))[0, 1] == pytest.approx(0.4, abs=0.02)
        for shocks in (income, rate):
            assert shocks.std() == pytest.approx(1.0, abs=0.02)


class TestDraws:
    """Common random numbers, and the second sample of a Saltelli design."""

    def test_swap_moves_only_what_is_named(self) -> None:
        plain, swapped = Draws(1, 0, 50), Draws(1, 0, 50, swap=frozenset({"a", "income"}))
        assert (plain.of(cell("a")) != swapped.of(cell("a"))).all()
        assert (plain.of(cell("b")) == swapped.of(cell("b"))).all()
        assert (plain.normal("income", 3) != swapped.normal("income", 3)).all()
        assert (plain.uniform("donor") == swapped.uniform("donor")).all()
        assert set(plain.drawn) == {"a", "b"}
        assert plain.streams == {"income", "donor"}

    def test_a_correlated_pair_swaps_together(self) -> None:
        sampling = Sampling("lhs", (Correlation("a", "b", 0.9),))
        swapped = Draws(1, 0, BLOCK, sampling=sampling, swap=frozenset({"a", "b"}))
        assert rank_correlation(swapped.of(cell("a")), swapped.of(cell("b"))) == pytest.approx(0.9, abs=0.03)

    def test_scenarios_share_draws(self, azerbaijan: Study) -> None:
        both = [simulate(azerbaijan, scenario=s, draws=40, until=2026, workers=1) for s in ("baseline", "no_industry")]
        assert (both[0].figures["stock_cars"] > 0).all()
        assert np.allclose(both[0].figures["stock_cars"], both[1].figures["stock_cars"], rtol=0.05)
        assert set(both[0].drawn) == set(both[1].drawn)


class TestMessages:
    """What is refused, and what is said."""

    def test_method(self) -> None:
        with pytest.raises(UnknownName, match="no sampling 'soboll'; did you mean 'sobol'"):
            Sampling("soboll")

    def test_itself(self) -> None:
        with pytest.raises(InputError, match="theta with itself"):
            Sampling("lhs", (Correlation("theta", "theta", 0.5),))

    def test_twice(self) -> None:
        with pytest.raises(InputError, match="twice; keep one row"):
            Sampling("lhs", (Correlation("a", "b", 0.5), Correlation("b", "a", 0.4)))

    def test_contradiction(self) -> None:
        with pytest.raises(InputError, match="correlations of a, b, c contradict each other"):
            Sampling("lhs", (Correlation("a", "b", 0.9), Correlation("b", "c", 0.9), Correlation("a", "c", -0.9)))

    def test_stream_with_cell(self) -> None:
        with pytest.raises(InputError, match="can only move with another one"):
            Sampling("lhs", (Correlation("income", "theta", 0.5),))

    def test_a_name_that_is_not_drawn(self) -> None:
        with pytest.raises(UnknownName, match="draws no 'thetta'; did you mean 'theta'"):
            check_names(Sampling("lhs", (Correlation("thetta", "eta", 0.5),)), {"theta": 0, "eta": 0})

    def test_a_run_says_so(self, azerbaijan: Study) -> None:
        row = {"first": ["theta"], "second": ["wage_grwth"], "rho": [0.5]}
        study = replace(azerbaijan, tables={**azerbaijan.tables, "correlations": pl.DataFrame(row)})
        with pytest.raises(UnknownName, match="did you mean 'wage_growth'"):
            simulate(study, draws=5, until=2026, workers=1)

    def test_the_study_correlates_income_and_the_exchange_rate(self, azerbaijan: Study) -> None:
        assert correlations_of(azerbaijan) == (Correlation("income", "real_rate", 0.4),)

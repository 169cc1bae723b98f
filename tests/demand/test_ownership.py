"""Ownership against the shared arithmetic vector, and the laws of the curve."""

import csv
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from karvan.base.errors import InputError
from karvan.demand import (
    OwnershipParameters,
    adjust,
    curvature,
    fit_beta,
    gompertz,
    gompertz_inverse,
    implied_target,
    income_elasticity,
    saturation,
)

REFERENCE = Path(__file__).parents[2].parent / "shared" / "reference" / "trade"

incomes = st.floats(0.5, 80.0)
betas = st.floats(-0.4, -0.02)
alphas = st.floats(-9.0, -2.0)
saturations = st.floats(300.0, 900.0)


class TestArithmeticVector:
    """Fifteen years of a made-up country: DGS recursion with gamma 852, lambda -0.388, phi -7.765, alpha -5.897,
    beta -0.14, theta 0.095 / 0.084, USA at 33 people per square km and 77 % urban; ownership 110 at the start.
    """

    # income in thousands, density, urban per cent, vehicles per 1,000: years 0 to 3 and 9 to 11 (income falls in 10)
    ROWS = (
        (8.0, 120.0, 55.0, 110.0),
        (8.394005577382687, 120.96000000000001, 55.4, 112.12881592177574),
        (8.697768875230732, 121.92768000000001, 55.8, 115.03984284021165),
        (9.271916802885881, 122.90310144, 56.2, 119.62404037996848),
    )
    FALL = (
        (11.889276852859709, 128.92170338962364, 58.6, 168.1120931685328),
        (11.79637933799359, 129.95307701674065, 59.0, 176.07046743786586),
        (11.928233276105518, 130.99270163287457, 59.4, 184.8241970670669),
    )

    def run(self, rows: list[tuple[float, ...]]) -> list[float]:
        """Ownership year by year from the first row's."""
        p = OwnershipParameters()
        owned = np.asarray(rows[0][3])
        path = [float(owned)]
        for (before, *_), (income, density, urban, _) in pairwise(rows):
            gamma = saturation(p.gamma_max, density - 33.0, urban - 77.0, p.lambda_, p.phi)
            target = gompertz(income, saturation=gamma, alpha=p.alpha, beta=-0.14)
            owned = adjust(
                owned,
                target,
                speed_rising=p.speed_rising,
                speed_falling=p.speed_falling,
                income_rises=income > before,
            )
            path.append(float(owned))
        return path

    @pytest.mark.parametrize("rows", [ROWS, FALL])
    def test_years_in_this_file(self, rows: tuple[tuple[float, ...], ...]) -> None:
        np.testing.assert_allclose(self.run(list(rows)), [row[3] for row in rows], rtol=1e-10)

    def test_all_years(self) -> None:
        file = REFERENCE / "gompertz_vector.csv"
        if not file.is_file():
            pytest.skip(f"the whole vector is not here: {file}")
        given_ = json.loads((REFERENCE / "vector_parameters.json").read_text())["gompertz"]
        assert (given_["be"], given_["du"], given_["uu"]) == (-0.14, 33.0, 77.0)
        columns = ("gdp_per_cap_thousand", "density", "urban_pct", "vehicles_per_1000")
        with file.open(encoding="utf-8") as handle:
            rows = [tuple(float(row[name]) for name in columns) for row in csv.DictReader(handle)]
        assert len(rows) == 16
        np.testing.assert_allclose(self.run(rows), [row[3] for row in rows], rtol=1e-10)


class TestPublishedShape:
    """DGS (2007): income elasticity of about 2 between some 3,000 and 10,000 dollars, falling towards 0; saturations
    of 852 for the United States and 683 for India (recalled). IMF: ownership takes off at 4,000 to 5,000 dollars.
    """

    def test_elasticity_near_two_in_the_middle(self) -> None:
        # beta of a middle-income country, -0.15 to -0.25 per thousand
        middle = income_elasticity([3.0, 5.0, 7.0, 10.0], alpha=-5.897, beta=-0.2)
        assert np.all((middle > 1.5) & (middle < 2.3))

    def test_elasticity_falls_to_zero(self) -> None:
        assert income_elasticity(60.0, alpha=-5.897, beta=-0.2) < 0.01

    def test_the_united_states_is_the_ceiling(self) -> None:
        assert saturation(852.0, 0.0, 0.0, -0.388, -7.765) == 852.0
        assert saturation(852.0, -10.0, -50.0, -0.388, -7.765) == 852.0


class TestLaws:
    @given(incomes, saturations, alphas, betas)
    def test_between_nothing_and_saturation_and_rising(self, x: float, gamma: float, alpha: float, beta: float) -> None:
        low = gompertz(x, saturation=gamma, alpha=alpha, beta=beta)
        high = gompertz(x * 1.01, saturation=gamma, alpha=alpha, beta=beta)
        assert 0.0 <= low <= high <= gamma

    @given(incomes, saturations, alphas, betas)
    def test_inverses(self, x: float, gamma: float, alpha: float, beta: float) -> None:
        v = gompertz(x, saturation=gamma, alpha=alpha, beta=beta)
        if v > 0.999 * gamma:  # there the logarithm has lost its digits
            return
        np.testing.assert_allclose(fit_beta(x, v, gamma, alpha), beta, rtol=1e-8)
        np.testing.assert_allclose(gompertz_inverse(v, saturation=gamma, alpha=alpha, beta=beta), x, rtol=1e-8)

    @given(st.floats(2.0, 40.0), alphas, betas)
    def test_elasticity_and_curvature_are_the_derivatives(self, x: float, alpha: float, beta: float) -> None:
        h = 1e-4 * x
        low, mid, high = gompertz([x - h, x, x + h], saturation=700.0, alpha=alpha, beta=beta)
        np.testing.assert_allclose(
            income_elasticity(x, alpha=alpha, beta=beta),
            (np.log(high) - np.log(low)) / (2 * h) * x,
            rtol=1e-5,
            atol=1e-8,
        )
        second = (high - 2 * mid + low) / h**2
        np.testing.assert_allclose(curvature(x, saturation=700.0, alpha=alpha, beta=beta), second, rtol=1e-3, atol=1e-4)

    def test_turning_point_is_at_saturation_over_e(self) -> None:
        x = gompertz_inverse(700.0 / np.e, saturation=700.0, alpha=-5.0, beta=-0.1)
        assert abs(curvature(x, saturation=700.0, alpha=-5.0, beta=-0.1)) < 1e-12

    @given(st.floats(0, 900), st.floats(0, 900), st.floats(0.01, 1), st.floats(0.01, 1), st.booleans())
    def test_adjustment_lands_between(self, v: float, goal: float, up: float, down: float, rises: bool) -> None:
        after = adjust(v, goal, speed_rising=up, speed_falling=down, income_rises=rises)
        assert min(v, goal) - 1e-9 <= after <= max(v, goal) + 1e-9
        np.testing.assert_allclose(
            implied_target(v, after, up if rises else down), goal, atol=1e-9 * max(1.0, v, goal) / 0.01
        )

    def test_density_lowers_saturation_down_to_the_floor(self) -> None:
        gammas = saturation(852.0, [0.0, 100.0, 400.0, 9000.0], 0.0, -0.388, -7.765)
        np.testing.assert_allclose(gammas[:3], [852.0, 852.0 - 38.8, 852.0 - 155.2])
        assert gammas[3] == 50.0

    def test_leading_axes_broadcast(self) -> None:
        draws, markets = 3, 4
        out = gompertz(
            np.full((draws, markets), 9.0),
            saturation=np.full(markets, 700.0),
            alpha=-5.9,
            beta=np.full((draws, 1), -0.1),
        )
        assert out.shape == (draws, markets)


class TestRefusals:
    def test_beta_must_fall(self) -> None:
        with pytest.raises(InputError, match=r"beta: found 0\.1; expected a number below 0"):
            gompertz(5.0, saturation=800.0, alpha=-5.9, beta=0.1)

    def test_missing_income(self) -> None:
        with pytest.raises(InputError, match="income: found nan"):
            gompertz([5.0, np.nan], saturation=800.0, alpha=-5.9, beta=-0.1)

    def test_more_cars_than_saturation(self) -> None:
        with pytest.raises(InputError, match="at or above saturation"):
            fit_beta(30.0, 860.0, 852.0, -5.897)

    def test_fewer_cars_than_the_curve_allows(self) -> None:
        with pytest.raises(InputError, match="at no income"):
            fit_beta(1.0, 1.0, 852.0, -5.897)

    def test_parameters_are_checked(self) -> None:
        with pytest.raises(InputError, match="speed_rising: found 2"):
            OwnershipParameters(speed_rising=2.0)

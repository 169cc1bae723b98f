"""Rebuilding known matrices: distances, the fitted seed, and the error of each cell."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from karvan.base.axes import Array
from karvan.base.errors import InputError
from karvan.base.streams import stream
from karvan.market.flows import balance_flows
from karvan.market.rebuild import (
    EARTH_RADIUS_KM,
    band_coverage,
    fit_seed,
    great_circle,
    mean_distance,
    rebuild_error,
)

positive = st.floats(0.5, 50.0)


class TestGreatCircle:
    def test_quarter_and_half_of_the_globe(self) -> None:
        km = great_circle(np.array([0.0]), np.array([0.0]), np.array([90.0, 0.0, 0.0]), np.array([0.0, 180.0, 90.0]))
        assert km[0] == pytest.approx(np.pi * EARTH_RADIUS_KM * np.array([0.5, 1.0, 0.5]), rel=1e-12)

    def test_a_degree_of_latitude(self) -> None:
        km = great_circle(np.array([40.0]), np.array([49.0]), np.array([41.0]), np.array([49.0]))
        assert km.item() == pytest.approx(111.195, abs=5e-4)

    def test_places_that_face_each_other(self) -> None:
        """Half the globe less a step of 1e-9 degrees (0.1 mm) along the meridian: both parts add up to the half."""
        step = 1e-9
        latitude, longitude = np.array([37.0, -37.0 + step, -37.0]), np.array([-20.0, 160.0, 160.0])
        km = great_circle(latitude, longitude, latitude, longitude)
        assert km[0, 2] == pytest.approx(np.pi * EARTH_RADIUS_KM, abs=1e-9)
        assert km[0, 1] + km[1, 2] == pytest.approx(km[0, 2], abs=1e-9)
        assert km[1, 2] == pytest.approx(EARTH_RADIUS_KM * np.radians(step), rel=1e-4)

    @settings(deadline=None)
    @given(arrays(float, 4, elements=st.floats(-80, 80)), arrays(float, 4, elements=st.floats(-180, 180)))
    def test_a_distance_is_symmetric_and_never_longer_by_a_detour(self, latitude: Array, longitude: Array) -> None:
        km = great_circle(latitude, longitude, latitude, longitude)
        assert km == pytest.approx(km.T, abs=1e-6)
        assert np.all(km[:, None, :] <= km[:, :, None] + km[None, :, :] + 1e-6)


class TestMeanDistance:
    def test_one_place_is_its_own_mean(self) -> None:
        mean = mean_distance(np.array([[300.0], [700.0]]), np.array([5.0]), distance_elasticity=0.84)
        assert mean == pytest.approx([300, 700])

    @settings(deadline=None)
    @given(arrays(float, (2, 3), elements=st.floats(10, 1e4)), arrays(float, 3, elements=positive), st.floats(0.2, 2))
    def test_gravity_to_the_mean_is_gravity_to_the_places(self, km: Array, weight: Array, b: float) -> None:
        mean = mean_distance(km, weight, distance_elasticity=b)
        assert weight.sum() * mean**-b == pytest.approx(km**-b @ weight)
        assert np.all((mean >= km.min(axis=1) * (1 - 1e-9)) & (mean <= km.max(axis=1) * (1 + 1e-9)))

    def test_refuses_an_elasticity_of_zero(self) -> None:
        with pytest.raises(InputError, match="distance_elasticity is 0"):
            mean_distance(np.ones((1, 1)), np.ones(1), distance_elasticity=0)


class TestFitSeed:
    """Santos Silva and Tenreyro (2006): Poisson pseudo maximum likelihood, here with effects of both sides."""

    def test_without_covariates_it_is_the_product_of_the_margins(self) -> None:
        flows = np.array([[4.0, 1.0, 0.0], [2.0, 6.0, 3.0]])
        fit = fit_seed(flows, np.empty((0, 2, 3)))
        assert fit.fitted == pytest.approx(flows.sum(axis=1)[:, None] * flows.sum(axis=0) / flows.sum())

    @settings(max_examples=25, deadline=None)
    @given(arrays(float, (4, 4), elements=st.floats(0.1, 3)), st.floats(-2, 2))
    def test_finds_the_elasticity_that_made_the_flows(self, z: Array, b: float) -> None:
        z = z + np.diag([0.7, 0.1, 0.9, 0.4]) * 2  # never a pure row plus column effect
        flows = np.exp(b * z) * np.array([1.0, 2.0, 0.5, 4.0])[:, None] * np.array([3.0, 1.0, 2.0, 0.7])
        fit = fit_seed(flows, z[None])
        assert fit.fitted == pytest.approx(flows, rel=1e-6)

    def test_meets_the_margins_and_equals_the_balanced_seed(self) -> None:
        """Fally (2015): with effects of both sides the fit has the margins of the data, so it is the balanced seed."""
        flows = np.array([[50.0, 5.0, 1.0], [0.0, 30.0, 8.0], [4.0, 9.0, 70.0]])
        z = np.eye(3)
        fit = fit_seed(flows, z[None])
        assert fit.fitted.sum(axis=0) == pytest.approx(flows.sum(axis=0))
        seed = np.exp(fit.coefficients[0] * z)
        balanced = balance_flows(seed, flows.sum(axis=1), flows.sum(axis=0)).flows
        assert balanced == pytest.approx(fit.fitted, rel=1e-8)

    def test_a_saturated_fit_has_no_error(self) -> None:
        """Four cells, four parameters: the odds ratio is met exactly and nothing is left for an error."""
        fit = fit_seed(np.array([[8.0, 2.0], [1.0, 4.0]]), np.array([[[1.0, 0.0], [0.0, 1.0]]]))
        assert 2 * fit.coefficients[0] == pytest.approx(np.log(16.0))
        assert fit.standard_errors[0] == pytest.approx(0, abs=1e-6)

    def test_refuses_an_empty_row(self) -> None:
        with pytest.raises(InputError, match="positive sum in every row"):
            fit_seed(np.array([[0.0, 0.0], [1.0, 2.0]]), np.zeros((1, 2, 2)))


class TestRebuildError:
    """A matrix of two countries, by hand: 10 of 100 in the wrong cell."""

    true = np.array([[40.0, 10.0], [0.0, 50.0]])
    guess = np.array([[35.0, 15.0], [5.0, 45.0]])
    home = np.eye(2, dtype=bool)

    def test_misplaced(self) -> None:
        error = rebuild_error(self.true, self.guess, self.home, np.array([0.0, 0.2, 1.01]))
        assert error.misplaced == pytest.approx(0.10)
        assert error.misplaced_abroad == pytest.approx((5 + 5) / 2 / 10)

    def test_classes(self) -> None:
        error = rebuild_error(self.true, self.guess, self.home, np.array([0.0, 0.2, 1.01]))
        # the cell of 5 in 40 is empty in truth, the cell of 15 in 60 is 10
        assert error.class_zero.tolist() == [1, 0]
        assert error.class_count.tolist() == [0, 1]
        assert error.class_rmse[1] == pytest.approx(np.log(15 / 10))
        assert error.class_log_error[1] == pytest.approx(np.sqrt(np.log1p((10 / 15 - 1) ** 2)))
        assert np.isnan(error.class_rmse[0])

    def test_the_true_matrix_has_no_error(self) -> None:
        truth = self.true + 1
        error = rebuild_error(truth, truth, self.home, np.array([0.0, 1.01]))
        assert (error.misplaced, error.log_rmse, error.correlation) == pytest.approx((0, 0, 1))

    def test_log_error_is_that_of_the_class(self) -> None:
        error = rebuild_error(self.true + 1, self.guess, self.home, np.array([0.0, 0.2, 1.01]))
        small, large = error.class_log_error
        assert error.log_error(np.array([[0.0, 0.19], [0.2, 1.0]])).tolist() == [[small, small], [large, large]]

    def test_refuses_an_estimate_of_zero(self) -> None:
        with pytest.raises(InputError, match="estimated: a cell is 0"):
            rebuild_error(self.true, self.true, self.home, np.array([0.0, 1.01]))


class TestBandCoverage:
    def test_a_right_model_is_inside_as_often_as_it_says(self) -> None:
        sd = 0.8
        draws = np.exp(sd * stream(1, "coverage").standard_normal((200, 200)) - sd**2 / 2)
        below, inside, above = band_coverage(draws, np.ones_like(draws), np.full_like(draws, sd), draws > 0)
        assert (below, inside, above) == pytest.approx((0.05, 0.90, 0.05), abs=0.005)

    def test_an_empty_flow_lies_below(self) -> None:
        one = np.ones((1, 1))
        assert band_coverage(0 * one, one, one, one > 0) == (1.0, 0.0, 0.0)

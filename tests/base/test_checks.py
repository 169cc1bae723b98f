"""Numbers that would give a silent wrong answer are refused in one sentence."""

import numpy as np
import pytest

from karvan.base.checks import number, shares
from karvan.base.errors import InputError


class TestNumber:
    """Bounds, open or closed, and nothing missing."""

    def test_comes_back_as_floats(self) -> None:
        assert np.array_equal(number("age", [0, 3], "years", low=0), np.array([0.0, 3.0]))

    @pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf")])
    def test_names_what_was_found_and_expected(self, wrong: float) -> None:
        with pytest.raises(InputError, match=rf"age: found {wrong:g}; expected years, 0 or more"):
            number("age", [2.0, wrong], "years, 0 or more", low=0)

    def test_open_bounds(self) -> None:
        assert number("x", 1.0, "up to 1", high=1.0) == 1.0
        with pytest.raises(InputError):
            number("x", 1.0, "below 1", high=1.0, open_high=True)
        with pytest.raises(InputError):
            number("x", 0.0, "above 0", low=0.0, open_low=True)


class TestShares:
    """Over the last axis they are 1, each row for itself."""

    def test_each_row(self) -> None:
        assert shares("mix", [[0.25, 0.75], [1.0, 0.0]]).shape == (2, 2)
        with pytest.raises(InputError, match=r"mix: the shares sum to 0\.9; expected 1"):
            shares("mix", [[0.25, 0.75], [0.9, 0.0]])

    def test_none_below_nothing(self) -> None:
        with pytest.raises(InputError, match=r"mix: found -0\.5"):
            shares("mix", [0.5, -0.5, 1.0])

"""What ages on record say: the life of a settled fleet is taken, that of an unsettled one is shown and left."""

import numpy as np
import pytest

from karvan.futures.outlook_ages import Ages, ages_of, classes_of, life_draws
from karvan.study.register import parameters

GRID = (np.arange(400) + 0.5) / 400


def test_classes_on_record() -> None:
    """Azerbaijan 2019 (UNECE): 20,451 of 1.21 million cars are at most two years old; Georgia has no classes."""
    found = classes_of("AZE", 2024)
    assert found is not None
    year, cars = found
    assert year == 2019 and cars[0] == 20451
    assert classes_of("GEO", 2024) is None
    early = classes_of("AZE", 2015)
    assert early is not None and early[0] <= 2015


def test_azerbaijan_buys_used_cars_and_germany_new_ones() -> None:
    home = ages_of("AZE", 2024, 0.03, {2017: 1700.0, 2018: 3200.0, 2019: 6046.0})
    assert home is not None and home.used
    assert home.new_share < 0.06 and 15 < home.life < 30 and home.error < 0.02
    german = ages_of("DEU", 2024, 0.01, {2019: 3607258.0, 2020: 2917678.0, 2021: 2622132.0})
    assert german is not None and german.new_share > 0.9


def test_a_fleet_that_was_not_settled_is_left() -> None:
    """Kazakhstan 2019: many cars of 10 to 20 years and of under 5, few between."""
    found = ages_of("KAZ", 2024, 0.0, {2017: 41915.0, 2018: 52836.0, 2019: 66001.0})
    assert found is not None and found.error > 0.05 and not found.used
    assert ages_of("KAZ", 2024, 0.0, {2023: 164000.0}) is None


def test_life_between_the_register_and_the_record() -> None:
    row = parameters()["mean_life"]
    prior = life_draws(None, GRID)
    assert np.median(prior) == pytest.approx(row.mid, rel=0.05)
    short = Ages(2020, 14.0, 1.0, 0.01, True)
    mixed = life_draws(short, GRID)
    assert 14.0 < np.median(mixed) < np.median(prior)
    assert np.log(mixed).std() < 0.2
    np.testing.assert_array_equal(life_draws(Ages(2020, 14.0, 1.0, 0.2, False), GRID), prior)

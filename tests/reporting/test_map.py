"""The map: a plant lies where its degrees say, beside the borders of its country."""

import re
from math import cos, radians

import numpy as np
import pytest

from karvan.futures.ensemble import Futures, simulate
from karvan.reporting.map import STATES, fit, geometry, legend, mark, plants_map, rings
from karvan.reporting.page import Page
from karvan.study.load import load
from karvan.study.world import distance_km


@pytest.fixture(scope="module")
def run() -> Futures:
    return simulate(load("azerbaijan"), draws=4, until=2027, workers=1)


@pytest.fixture(scope="module")
def drawn(run: Futures) -> str:
    return plants_map(Page(run.study, {"baseline": run}, "baseline"))[0]


class TestProjection:
    """Plate carree: equal steps of latitude are equal, of longitude shorter by the cosine of the middle latitude."""

    def test_corners_and_middle(self) -> None:
        view = fit([40.0, 50.0], [30.0, 40.0], width=600.0)
        assert view.middle == 35.0
        x, y = view.point(45.0, 35.0)
        assert x == pytest.approx(300.0)
        assert y == pytest.approx(view.height / 2)

    def test_true_to_scale_at_the_middle(self) -> None:
        view = fit([40.0, 50.0], [30.0, 40.0], width=600.0)
        east = view.point(46.0, 35.0)[0] - view.point(45.0, 35.0)[0]
        south = view.point(45.0, 34.0)[1] - view.point(45.0, 35.0)[1]
        assert east / south == pytest.approx(cos(radians(35.0)))

    def test_one_place_alone_has_room_around(self) -> None:
        view = fit([45.0], [40.0])
        assert 0 < view.point(45.0, 40.0)[0] < view.width
        assert 0 < view.point(45.0, 40.0)[1] < view.height


class TestPlaces:
    def test_a_plant_lies_at_its_pixel(self, drawn: str, run: Futures) -> None:
        """Neftchala, 49.24694 E 39.35861 N: its dot against the extent of the country, by hand."""
        outline = [
            ring
            for feature in geometry("Azerbaijan")["features"]
            if feature["properties"]["iso3"] == "AZE"
            for ring in rings(feature)
        ]
        longitudes = np.concatenate([ring[:, 0] for ring in outline])
        latitudes = np.concatenate([ring[:, 1] for ring in outline])
        west = (longitudes.min() + longitudes.max()) / 2 - (longitudes.max() - longitudes.min()) * 0.56
        north = (latitudes.min() + latitudes.max()) / 2 + (latitudes.max() - latitudes.min()) * 0.56
        squeeze = cos(radians(float(latitudes.min() + latitudes.max()) / 2))
        scale = 760.0 / ((longitudes.max() - longitudes.min()) * 1.12 * squeeze)
        found = re.search(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="3" fill="#222" data-place="Neftchala"/>', drawn)
        assert found is not None
        assert float(found[1]) == pytest.approx((49.24694 - west) * squeeze * scale, abs=0.06)
        assert float(found[2]) == pytest.approx((north - 39.35861) * scale, abs=0.06)

    def test_borders_and_plants_share_one_projection(self, drawn: str) -> None:
        """From Neftchala to the nearest border point, over the way to Ganja: the same on the map as on the globe."""
        places = {
            name: (float(x), float(y))
            for x, y, name in re.findall(
                r'<circle cx="([\d.]+)" cy="([\d.]+)" r="3" fill="#222" data-place="(\w+)"/>', drawn
            )
        }
        home = re.search(r'<path d="([^"]*)" fill="#ffffff"', drawn)
        assert home is not None
        pixels = np.array([[float(v) for v in pair.split(",")] for pair in re.findall(r"-?[\d.]+,-?[\d.]+", home[1])])
        near = np.hypot(*(pixels - places["Neftchala"]).T).min()
        far = np.hypot(*np.subtract(places["Ganja"], places["Neftchala"]))
        degrees = np.concatenate(
            [
                ring
                for feature in geometry("Azerbaijan")["features"]
                if feature["properties"]["iso3"] == "AZE"
                for ring in rings(feature)
            ]
        )
        way = min(distance_km(39.35861, 49.24694, float(lat), float(lon)) for lon, lat in degrees)
        whole = distance_km(39.35861, 49.24694, 40.68278, 46.36056)
        assert way < 30.0
        assert near / far == pytest.approx(way / whole, rel=0.03)

    def test_every_town_with_a_place_is_on_it_once(self, drawn: str, run: Futures) -> None:
        own = run.study.table("plants").filter(role="own", country="AZE")
        towns = {row["city"] for row in own.to_dicts() if row["latitude"] is not None}
        assert sorted(re.findall(r'data-place="([^"]*)"', drawn)) == sorted(towns)

    def test_names_of_towns_do_not_overlap(self, drawn: str) -> None:
        boxes = [
            (float(x) - 3.5 * len(name), float(y) - 11, float(x) + 3.5 * len(name), float(y) + 2, name)
            for x, y, name in re.findall(
                r'<text x="([\d.]+)" y="([\d.]+)" text-anchor="middle" font-size="13"[^>]*>([^<]*)</text>', drawn
            )
        ]
        assert len(boxes) > 5
        for i, (left, top, right, bottom, name) in enumerate(boxes):
            for other in boxes[i + 1 :]:
                apart = right < other[0] or left > other[2] or bottom < other[1] or top > other[3]
                assert apart, f"{name} and {other[4]}"

    def test_neighbours_are_named(self, drawn: str) -> None:
        for name in ("Georgia", "Armenia", "Iran", "Russia"):
            assert f">{name}</text>" in drawn


def test_a_country_without_geometry_still_shows_its_places(run: Futures) -> None:
    assert geometry("Nowhere")["features"], "the region serves"


def test_states_differ_by_more_than_colour() -> None:
    shapes = {state: re.sub(r'(fill|stroke)="#?\w+"', "", mark(state, "bus", 10, 10)) for state in STATES}
    assert "<rect" in shapes["building"] and "<circle" in shapes["operating"]
    assert "dasharray" in shapes["announced"] and "dasharray" not in shapes["building"]
    assert "dasharray" in shapes["closed"] and "dasharray" not in shapes["idle"]


def test_the_legend_tells_only_what_is_there() -> None:
    text = legend([{"state": "idle", "vehicle_kind": "bus"}])
    assert "idle" in text and "buses" in text
    assert "operating" not in text and "tractors" not in text

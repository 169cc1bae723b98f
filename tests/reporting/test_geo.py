"""The packaged map geometry."""

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import karvan

GEO = Path(karvan.__file__).parent / "reporting" / "geo"
MAPS = ("region.geojson", "azerbaijan.geojson")
MARKETS = ("AZE", "GEO", "TUR", "RUS", "KAZ", "UZB", "TKM", "KGZ", "UKR", "BLR", "IRN", "IRQ")

Ring = Sequence[Sequence[float]]


def load(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((GEO / name).read_text(encoding="utf-8"))
    return content


def polygons(collection: dict[str, Any], iso3: str | None = None) -> list[list[Ring]]:
    features = [f for f in collection["features"] if iso3 in (None, f["properties"]["iso3"])]
    return [polygon for feature in features for polygon in feature["geometry"]["coordinates"]]


def signed_area(ring: Ring) -> float:
    """Shoelace formula: above 0 if the ring runs against the clock."""
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairwise(ring)) / 2


def inside(ring: Ring, x: float, y: float) -> bool:
    crossings = [
        (x1 - x0) * (y - y0) / (y1 - y0) + x0 > x for (x0, y0), (x1, y1) in pairwise(ring) if (y0 > y) != (y1 > y)
    ]
    return sum(crossings) % 2 == 1


@pytest.mark.parametrize("name", MAPS)
class TestBothMaps:
    def test_rings_are_closed_and_outer_ones_run_clockwise(self, name: str) -> None:
        """Else Vega fills the globe less the country."""
        for outer, *holes in polygons(load(name)):
            assert all(ring[0] == ring[-1] and len(ring) >= 4 for ring in (outer, *holes))
            assert signed_area(outer) < 0
            assert all(signed_area(hole) > 0 for hole in holes)

    def test_says_where_it_comes_from(self, name: str) -> None:
        collection = load(name)
        assert "Natural Earth" in collection["source"]
        assert all(feature["properties"]["source"] == "Natural Earth" for feature in collection["features"])

    def test_is_small(self, name: str) -> None:
        assert (GEO / name).stat().st_size < 250_000

    @pytest.mark.parametrize(
        ("place", "longitude", "latitude"),
        [
            ("Baku", 49.89, 40.38),
            ("Hajigabul", 48.94, 40.04),
            ("Nakhchivan", 45.41, 39.21),
            ("Neftchala", 49.24, 39.38),
        ],
    )
    def test_towns_of_azerbaijan_lie_in_azerbaijan(
        self, name: str, place: str, longitude: float, latitude: float
    ) -> None:
        found = [p for p in polygons(load(name), "AZE") if inside(p[0], longitude, latitude)]
        assert len(found) == 1, place


def test_every_market_is_on_the_map() -> None:
    on_map = {feature["properties"]["iso3"] for feature in load("region.geojson")["features"]}
    assert set(MARKETS) <= on_map


def test_long_cut_edges_have_a_point_at_every_degree() -> None:
    """A parallel drawn between two far points would bend on a sphere."""
    for outer, *_ in polygons(load("region.geojson"), "RUS"):
        assert all(abs(x1 - x0) <= 1.01 for (x0, y0), (x1, y1) in pairwise(outer) if y0 == y1 == 62)

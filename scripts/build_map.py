"""Cut the maps of the report out of Natural Earth: ``reporting/geo/region.geojson`` and ``azerbaijan.geojson``.

    npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
    python scripts/build_map.py --atlas package

``world-atlas`` holds Natural Earth 4.1.0 (public domain) as TopoJSON: borders are arcs that neighbours share, as steps
of whole numbers. The steps are added up and scaled here; each arc is thinned once (Douglas and Peucker 1973), so that
neighbours still meet; then countries are put together and cut to a box. Cutting needs Shapely, in an environment of its
own: the package itself does not.

Two things make the result fit for drawing on a sphere (Vega, d3-geo): outer rings run clockwise, else the whole globe
less the country is filled; and the cut edges have a point at every degree, else a long parallel bends.

Borders are those of Natural Earth, which draws who holds the ground. They are no statement about whose it is.
"""

import argparse
import importlib
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1]
TARGET = HERE / "src" / "karvan" / "reporting" / "geo"
SOURCE = "Natural Earth 4.1.0 (public domain), https://www.naturalearthdata.com, through npm world-atlas 2.0.2; {}"

Point = tuple[float, float]
Ring = list[Point]

NAMES: dict[str, tuple[str, str]] = {
    "004": ("AFG", "Afghanistan"), "008": ("ALB", "Albania"), "051": ("ARM", "Armenia"), "031": ("AZE", "Azerbaijan"),
    "112": ("BLR", "Belarus"), "070": ("BIH", "Bosnia and Herzegovina"), "100": ("BGR", "Bulgaria"),
    "156": ("CHN", "China"), "191": ("HRV", "Croatia"), "196": ("CYP", "Cyprus"), "203": ("CZE", "Czechia"),
    "208": ("DNK", "Denmark"), "818": ("EGY", "Egypt"), "233": ("EST", "Estonia"), "246": ("FIN", "Finland"),
    "268": ("GEO", "Georgia"), "276": ("DEU", "Germany"), "300": ("GRC", "Greece"), "348": ("HUN", "Hungary"),
    "356": ("IND", "India"), "364": ("IRN", "Iran"), "368": ("IRQ", "Iraq"), "376": ("ISR", "Israel"),
    "380": ("ITA", "Italy"), "400": ("JOR", "Jordan"), "398": ("KAZ", "Kazakhstan"), "414": ("KWT", "Kuwait"),
    "524": ("NPL", "Nepal"),
    "417": ("KGZ", "Kyrgyzstan"), "428": ("LVA", "Latvia"), "422": ("LBN", "Lebanon"), "434": ("LBY", "Libya"),
    "440": ("LTU", "Lithuania"), "807": ("MKD", "North Macedonia"), "498": ("MDA", "Moldova"),
    "499": ("MNE", "Montenegro"), "578": ("NOR", "Norway"), "586": ("PAK", "Pakistan"), "275": ("PSE", "Palestine"),
    "616": ("POL", "Poland"), "642": ("ROU", "Romania"), "643": ("RUS", "Russia"), "682": ("SAU", "Saudi Arabia"),
    "688": ("SRB", "Serbia"), "703": ("SVK", "Slovakia"), "752": ("SWE", "Sweden"), "760": ("SYR", "Syria"),
    "762": ("TJK", "Tajikistan"), "792": ("TUR", "Türkiye"), "795": ("TKM", "Turkmenistan"), "804": ("UKR", "Ukraine"),
    "860": ("UZB", "Uzbekistan"), "012": ("DZA", "Algeria"), "788": ("TUN", "Tunisia"), "040": ("AUT", "Austria"),
    "705": ("SVN", "Slovenia"),
}  # fmt: skip
"""ISO 3166 numeric code: three letters, name."""
WITHOUT_CODE = {"Kosovo": ("XKX", "Kosovo"), "N. Cyprus": ("", "Northern Cyprus")}
"""Drawn apart by Natural Earth, without an ISO code."""


def arcs_of(topology: dict[str, Any]) -> list[Ring]:
    """Arcs in degrees: each point is the sum of the steps so far, scaled and moved (TopoJSON 1.0, section 2.1.3)."""
    (kx, ky), (dx, dy) = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = []
    for steps in topology["arcs"]:
        x = y = 0
        arc = []
        for step_x, step_y in steps:
            x, y = x + step_x, y + step_y
            arc.append((x * kx + dx, y * ky + dy))
        arcs.append(arc)
    return arcs


def thinned(line: Ring, tolerance: float) -> Ring:
    """Fewer points, none further from the old line than ``tolerance`` degrees (Douglas and Peucker 1973)."""
    if len(line) < 3 or tolerance <= 0:
        return line
    kept = {0, len(line) - 1}
    todo = [(0, len(line) - 1)]
    while todo:
        first, last = todo.pop()
        (x0, y0), (x1, y1) = line[first], line[last]
        length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        worst, at = tolerance, 0
        for i in range(first + 1, last):
            x, y = line[i]
            gap = (
                abs((x1 - x0) * (y0 - y) - (x0 - x) * (y1 - y0)) / length
                if length
                else ((x - x0) ** 2 + (y - y0) ** 2) ** 0.5  # a closed arc: distance from its one end
            )
            if gap > worst:
                worst, at = gap, i
        if at:
            kept.add(at)
            todo += [(first, at), (at, last)]
    return [line[i] for i in sorted(kept)]


def ring_of(indices: Sequence[int], arcs: Sequence[Ring]) -> Ring:
    """A ring from its arcs, end to end; ``~i`` is arc ``i`` backwards."""
    ring: Ring = []
    for index in indices:
        arc = arcs[index] if index >= 0 else arcs[~index][::-1]
        ring += arc[1:] if ring else arc
    return ring


def box(west: float, south: float, east: float, north: float) -> Ring:
    """The frame, with a point at every degree."""

    def between(a: float, b: float) -> list[float]:
        count = max(1, round(abs(b - a)))
        return [a + (b - a) * k / count for k in range(count)]

    bottom = [(x, south) for x in between(west, east)]
    right = [(east, y) for y in between(south, north)]
    top = [(x, north) for x in between(east, west)]
    left = [(west, y) for y in between(north, south)]
    return bottom + right + top + left


def cut(topology: dict[str, Any], frame: Ring, tolerance: float, least: float, digits: int) -> list[dict[str, Any]]:
    """Countries inside the frame, as GeoJSON features; islands below ``least`` square degrees are left out."""
    shapely: Any = importlib.import_module("shapely")
    arcs = [thinned(arc, tolerance) for arc in arcs_of(topology)]
    window = shapely.Polygon(frame)
    features = []
    for country in topology["objects"]["countries"]["geometries"]:
        known = NAMES.get(country.get("id")) or WITHOUT_CODE.get(country["properties"]["name"])
        if known is None or "arcs" not in country:
            continue
        polygons = [country["arcs"]] if country["type"] == "Polygon" else country["arcs"]
        parts = []
        for rings in polygons:
            outer, *holes = [ring_of(ring, arcs) for ring in rings]
            if len(outer) < 4:
                continue
            shape = shapely.make_valid(shapely.Polygon(outer, [hole for hole in holes if len(hole) >= 4]))
            inside = shapely.intersection(shape, window)
            parts += [part for part in polygons_in(inside) if part.area >= least]
        if parts:
            iso3, name = known
            features.append(
                {
                    "type": "Feature",
                    "properties": {"iso3": iso3, "name": name},
                    "geometry": {"type": "MultiPolygon", "coordinates": [clockwise(p, digits) for p in parts]},
                }
            )
    return sorted(features, key=lambda f: (f["properties"]["iso3"], f["properties"]["name"]))


def polygons_in(shape: Any) -> list[Any]:
    """The polygons of any shape."""
    if shape.geom_type == "Polygon":
        return [] if shape.is_empty else [shape]
    return [polygon for part in getattr(shape, "geoms", []) for polygon in polygons_in(part)]


def clockwise(polygon: Any, digits: int) -> list[list[list[float]]]:
    """Rings of a polygon, the outer one clockwise and holes the other way, as d3-geo fills them."""
    rings = [(polygon.exterior, True), *((hole, False) for hole in polygon.interiors)]
    out = []
    for ring, outer in rings:
        points = [[round(x, digits), round(y, digits)] for x, y in ring.coords]
        points = [p for i, p in enumerate(points) if i == 0 or p != points[i - 1]]
        area = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(points))
        out.append(points[::-1] if (area > 0) == outer else points)
    return out


def write(name: str, features: list[dict[str, Any]], scale: str) -> None:
    collection = {"type": "FeatureCollection", "source": SOURCE.format(scale), "features": features}
    for feature in features:
        feature["properties"]["source"] = "Natural Earth"
    text = json.dumps(collection, ensure_ascii=False, separators=(",", ":"))
    TARGET.mkdir(parents=True, exist_ok=True)
    (TARGET / name).write_text(text + "\n", encoding="utf-8")
    print(f"{name}: {len(features)} countries, {len(text.encode()) / 1e3:.0f} kB")


def main() -> None:
    parser = argparse.ArgumentParser(description="Cut the maps of the report out of Natural Earth.")
    parser.add_argument("--atlas", type=Path, required=True, help="folder of the npm package world-atlas")
    atlas = parser.parse_args().atlas
    wide = json.loads((atlas / "countries-50m.json").read_text(encoding="utf-8"))
    write("region.geojson", cut(wide, box(20, 24, 85, 62), 0.008, 0.004, 2), "1:50m, lon 20-85, lat 24-62, thinned")
    near = json.loads((atlas / "countries-10m.json").read_text(encoding="utf-8"))
    write("azerbaijan.geojson", cut(near, box(43, 37.5, 52, 43), 0.002, 0.0003, 3), "1:10m, lon 43-52, lat 37.5-43")


if __name__ == "__main__":
    main()

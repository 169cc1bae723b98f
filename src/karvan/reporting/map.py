"""The map of plants, drawn straight to SVG.

Places are few and labels many, so each place tries several sides for its marks and its name until none overlap: a chart
grammar does not do that. The projection is plate carrée with the middle latitude true to scale, good for one country.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from math import cos, radians
from typing import Any

import numpy as np

from karvan.base.axes import Array, BoolArray
from karvan.reporting.charts import BLUE, FONT, GREY, ORANGE
from karvan.reporting.html import esc
from karvan.reporting.page import Page

WIDTH = 760.0
MARGIN = 0.06
"""Free border around the country, share of its extent."""
EDGE = 0.02
"""A country nearer to the edge of a geometry than this, in degrees, was cut off there."""
MARK = 9.0
"""Half the size of a mark, pixels."""
LETTERS: Mapping[str, str] = {
    "passenger_car": "C",
    "light_commercial": "V",
    "truck": "L",
    "bus": "B",
    "tractor": "T",
    "military": "M",
    "other": "S",
}
KIND_WORDS: Mapping[str, str] = {
    "passenger_car": "cars",
    "light_commercial": "vans",
    "truck": "lorries",
    "bus": "buses",
    "tractor": "tractors",
    "military": "military vehicles",
    "other": "suppliers",
}
STATES = ("operating", "building", "announced", "idle", "closed")
FILL: Mapping[str, tuple[str, str, str]] = {
    "operating": (BLUE, BLUE, "white"),
    "building": (ORANGE, ORANGE, "black"),
    "announced": ("white", ORANGE, "black"),
    "idle": ("#d9d9d9", GREY, "black"),
    "closed": ("white", "#aaaaaa", "#767676"),
}
"""Fill, outline and letter of each state."""


@dataclass(frozen=True)
class Projection:
    """From degrees to pixels: ``x = (lon - west) cos(middle) k``, ``y = (north - lat) k``."""

    west: float
    north: float
    middle: float
    scale: float
    width: float
    height: float

    def point(self, longitude: float, latitude: float) -> tuple[float, float]:
        """Pixel of a place."""
        return (longitude - self.west) * cos(radians(self.middle)) * self.scale, (self.north - latitude) * self.scale


def fit(longitudes: Sequence[float], latitudes: Sequence[float], width: float = WIDTH) -> Projection:
    """The projection that shows all the places with a margin."""
    west, east = min(longitudes), max(longitudes)
    south, north = min(latitudes), max(latitudes)
    spread = max(east - west, 1.5), max(north - south, 1.0)
    middle = (south + north) / 2
    west, east = (west + east) / 2 - spread[0] * (0.5 + MARGIN), (west + east) / 2 + spread[0] * (0.5 + MARGIN)
    south, north = middle - spread[1] * (0.5 + MARGIN), middle + spread[1] * (0.5 + MARGIN)
    scale = width / ((east - west) * cos(radians(middle)))
    return Projection(west, north, middle, scale, width, (north - south) * scale)


def geometry(country: str) -> dict[str, Any]:
    """The finest packaged geometry that names the country, else that of the region."""
    folder = resources.files("karvan.reporting").joinpath("geo")
    for name in (country.lower(), "region"):
        path = folder.joinpath(f"{name}.geojson")
        if path.is_file():
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return found
    return {"type": "FeatureCollection", "features": [], "source": ""}


def rings(feature: Mapping[str, Any]) -> list[Array]:
    """The rings of a country, each (N, 2) in degrees east and north."""
    shape = feature["geometry"]
    polygons = shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
    return [np.asarray(ring, dtype=np.float64)[:, :2] for polygon in polygons for ring in polygon]


def plants_map(page: Page) -> tuple[str, str]:
    """The map of the country's plants as SVG, and the source of its borders; empty without a place to show."""
    rows = [row for row in _plants(page) if row["latitude"] is not None and row["longitude"] is not None]
    world = geometry(page.country())
    features = world["features"] if _covers(world["features"], page.study.settings.country) else []
    home = [feature for feature in features if feature["properties"]["iso3"] == page.study.settings.country]
    outline = [ring for feature in home for ring in rings(feature)]
    longitudes = [float(row["longitude"]) for row in rows] + [float(v) for ring in outline for v in ring[:, 0]]
    latitudes = [float(row["latitude"]) for row in rows] + [float(v) for ring in outline for v in ring[:, 1]]
    if not rows or (not features and len({(row["latitude"], row["longitude"]) for row in rows}) < 2):
        return "", ""  # one dot on nothing shows nothing
    view = fit(longitudes, latitudes)
    ground = "#dfeaf2" if features else "#f1efe9"
    parts = [f'<rect width="{view.width:.0f}" height="{view.height:.0f}" fill="{ground}"/>']
    labels = []
    for feature in features:
        inside = _visible(rings(feature), view)
        if not inside:
            continue
        own = feature["properties"]["iso3"] == page.study.settings.country
        fill = "#ffffff" if own else "#f1efe9"
        parts.append(f'<path d="{_path(inside, view)}" fill="{fill}" stroke="#9a9a9a" stroke-width="0.8"/>')
        if not own:
            labels.append(_label(str(feature["properties"]["name"]), inside, view))
    parts.extend(labels)
    parts.extend(_places(page, rows, view))
    words = "; ".join(f"{row['city']}: {page.plant(row['plant'])} ({row['state']})" for row in rows)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{esc(f"Map of plants. {words}")}" '
        f'viewBox="0 0 {view.width:.0f} {view.height:.0f}" style="max-width:{view.width:.0f}px" '
        f'font-family="{FONT}">{"".join(parts)}</svg>'
    )
    return svg, str(world.get("source", "")) if features else ""


def _covers(features: list[dict[str, Any]], country: str) -> bool:
    """Whether the geometry holds the whole country: it is there, and not cut off at an edge."""
    shapes = {str(feature["properties"]["iso3"]): rings(feature) for feature in features}
    if country not in shapes:
        return False
    every = np.concatenate([ring for found in shapes.values() for ring in found])
    own = np.concatenate(shapes[country])
    gap = np.concatenate([own.min(axis=0) - every.min(axis=0), every.max(axis=0) - own.max(axis=0)])
    return bool((gap > EDGE).all())


def _plants(page: Page) -> list[dict[str, Any]]:
    settings = page.study.settings
    rows = page.study.table("plants").to_dicts()
    return [row for row in rows if row["role"] == "own" and row["country"] == settings.country]


def _visible(shapes: list[Array], view: Projection) -> list[Array]:
    """The rings that reach into the picture."""
    east = view.west + view.width / (cos(radians(view.middle)) * view.scale)
    south = view.north - view.height / view.scale
    return [
        ring
        for ring in shapes
        if ring[:, 0].max() > view.west
        and ring[:, 0].min() < east
        and ring[:, 1].max() > south
        and ring[:, 1].min() < view.north
    ]


def _path(shapes: list[Array], view: Projection) -> str:
    lines = []
    for ring in shapes:
        points = [view.point(float(lon), float(lat)) for lon, lat in ring]
        lines.append("M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points) + "Z")
    return "".join(lines)


def _label(name: str, shapes: list[Array], view: Projection) -> str:
    """A country's name in the middle of the part of it that is seen; none where that part is small."""
    xs, ys = np.meshgrid(np.arange(10, view.width, 20.0), np.arange(10, view.height, 20.0))
    inside = np.zeros(xs.shape, dtype=bool)
    for ring in shapes:
        points = np.array([view.point(float(lon), float(lat)) for lon, lat in ring])
        inside ^= _within(xs, ys, points)
    if inside.sum() < 25:
        return ""
    x, y = float(xs[inside].mean()), float(ys[inside].mean())
    half = 4.5 * len(name)
    x = min(max(x, half), view.width - half)
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="middle" font-size="14" fill="#8a8575">{esc(name)}</text>'


def _within(xs: Array, ys: Array, ring: Array) -> BoolArray:
    """Which points lie inside a ring (even-odd rule)."""
    inside = np.zeros(xs.shape, dtype=bool)
    for (x1, y1), (x2, y2) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        if y1 != y2:
            crosses = (y1 > ys) != (y2 > ys)
            inside ^= crosses & (xs < (x2 - x1) * (ys - y1) / (y2 - y1) + x1)
    return inside


def _places(page: Page, rows: list[dict[str, Any]], view: Projection) -> list[str]:
    """Marks and names of all places, each on the first side where nothing is in the way."""
    towns: dict[tuple[float, float], list[dict[str, Any]]] = {}
    for row in rows:
        towns.setdefault((float(row["longitude"]), float(row["latitude"])), []).append(row)
    taken: list[tuple[float, float, float, float]] = []
    for place in towns:
        x, y = view.point(*place)
        taken.append((x - 4, y - 4, x + 4, y + 4))
    out = []
    for place, members in sorted(towns.items(), key=lambda item: (-len(item[1]), item[0])):
        x, y = view.point(*place)
        name = str(members[0]["city"] or "")
        wide = max(2 * MARK * len(members), 7.0 * len(name))
        tall = 2 * MARK + 15
        sides = [
            (x - wide / 2, y - 8 - tall),
            (x - wide / 2, y + 8),
            (x + 9, y - tall / 2),
            (x - 9 - wide, y - tall / 2),
            (x + 9, y - 8 - tall),
            (x - 9 - wide, y - 8 - tall),
            (x + 9, y + 8),
            (x - 9 - wide, y + 8),
        ]
        left, top = next((side for side in sides if _free(side, wide, tall, taken, view)), sides[0])
        taken.append((left, top, left + wide, top + tall))
        out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#222" data-place="{esc(name)}"/>')
        middle = left + wide / 2
        out.append(
            f'<text x="{middle:.1f}" y="{top + 11:.1f}" text-anchor="middle" font-size="13" font-weight="bold" '
            f'fill="#222" stroke="white" stroke-width="3" paint-order="stroke">{esc(name)}</text>'
        )
        start = middle - MARK * len(members) + MARK
        for i, row in enumerate(members):
            out.append(mark(row["state"], row["vehicle_kind"], start + 2 * MARK * i, top + 15 + MARK, row["name"]))
    return out


def _free(
    corner: tuple[float, float],
    wide: float,
    tall: float,
    taken: list[tuple[float, float, float, float]],
    view: Projection,
) -> bool:
    left, top = corner
    if left < 2 or top < 2 or left + wide > view.width - 2 or top + tall > view.height - 2:
        return False
    return all(left + wide < a or left > c or top + tall < b or top > d for a, b, c, d in taken)


def mark(state: str, kind: str, x: float, y: float, name: str = "") -> str:
    """One mark: round for what runs or ran, square for what is still to come; its letter tells what is made."""
    fill, line, ink = FILL[state]
    size = MARK - 1.2
    title = f"<title>{esc(f'{name} ({state})')}</title>" if name else ""
    dash = ' stroke-dasharray="3,2"' if state in ("announced", "closed") else ""
    style = f'fill="{fill}" stroke="{line}" stroke-width="1.6"{dash}'
    if state in ("building", "announced"):
        shape = f'<rect x="{x - size:.1f}" y="{y - size:.1f}" width="{2 * size:.1f}" height="{2 * size:.1f}" {style}/>'
    else:
        shape = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}" {style}/>'
    letter = (
        f'<text x="{x:.1f}" y="{y + 3.8:.1f}" text-anchor="middle" font-size="10.5" font-weight="bold" '
        f'fill="{ink}">{LETTERS.get(kind, "?")}</text>'
    )
    return f"<g>{title}{shape}{letter}</g>"


def legend(rows: Sequence[Mapping[str, Any]]) -> str:
    """What marks and letters mean, for the states and kinds there are."""
    states = [state for state in STATES if any(row["state"] == state for row in rows)]
    kinds = [kind for kind in LETTERS if any(row["vehicle_kind"] == kind for row in rows)]
    marks = "".join(
        f'<span class="key"><svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true" '
        f'font-family="{FONT}">{mark(state, "", 10, 10).replace(">?<", "><")}</svg> {state}</span>'
        for state in states
    )
    letters = ", ".join(f"<b>{LETTERS[kind]}</b> {KIND_WORDS[kind]}" for kind in kinds)
    return f'<p class="legend">{marks}<span class="key">{letters}</span></p>\n'

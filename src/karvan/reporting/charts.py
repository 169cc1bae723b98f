"""Charts as Vega-Lite specifications, drawn to inline SVG when the report is made. No browser, no script, no network.

The colours are those of Okabe and Ito (2008), which people with any colour vision can tell apart. Specifications are
plain data, so that other faces of the model can draw the same ones.
"""

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from karvan.base.axes import Array
from karvan.futures.nowcast import Nowcast
from karvan.reporting.html import esc
from karvan.reporting.page import quantiles

BLUE, RED, GREEN, ORANGE, SKY, PURPLE, YELLOW, BLACK, GREY = (
    "#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7", "#F0E442", "#222222", "#767676",
)  # fmt: skip
FONT = "Helvetica, Arial, sans-serif"
WIDTH = 640
CONFIG: Mapping[str, Any] = {
    "font": FONT,
    "background": "white",
    # A reader's font may be wider than the one measured here: room at the edges, and between the names of a legend.
    "padding": {"left": 14, "right": 14, "top": 5, "bottom": 5},
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelColor": "#333",
        "titleColor": "#333",
        "gridColor": "#e6e6e6",
        "domainColor": "#999",
        "tickColor": "#999",
        "labelLimit": 260,
    },
    "legend": {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "orient": "top",
        "labelLimit": 300,
        "columnPadding": 26,
    },
    "header": {"labelFontSize": 12, "labelFontWeight": "bold", "labelLimit": 320, "title": None, "labelColor": "#333"},
    "concat": {"spacing": 24},
}

Spec = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]


def warm() -> None:
    """Start what draws, half a second's work, while there is other work to wait for."""
    draw({"data": {"values": [{}]}, "mark": "point"}, name="none", alt="")


def draw(spec: Spec, *, name: str, alt: str) -> str:
    """A specification as inline SVG with its own ids, a role and words for those who cannot see it."""
    from vl_convert import vegalite_to_svg  # half a second to start: only whoever draws pays for it

    text = vegalite_to_svg({"config": CONFIG, **spec})
    # Every chart counts its clip paths from 0; on one page they would cut each other.
    text = re.sub(r'\bid="([\w-]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r"url\(#([\w-]+)\)", rf"url(#{name}-\1)", text)
    text = re.sub(r' (?:aria-[\w]+|role|class|pointer-events|stroke-miterlimit|xmlns:xlink|version)="[^"]*"', "", text)
    text = re.sub(r"(\d+\.\d{2})\d+", r"\1", text)
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text)
    width = size[1] if size else str(WIDTH)
    return re.sub(
        r'^<svg [^>]*?viewBox="([^"]*)">',
        rf'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{esc(alt)}" viewBox="\1" '
        rf'style="max-width:{width}px;overflow:visible">',
        text,
    )


def _number(title: str = "", **more: Any) -> Spec:
    return {"type": "quantitative", "title": title or None, **more}


def _year(field: str = "year", **more: Any) -> Spec:
    # Ends pushed inwards would run into their neighbours: 20382040.
    axis = {"format": "d", "grid": False, "tickMinStep": 1, "title": None, "labelFlush": False}
    return {"field": field, "type": "quantitative", "axis": axis, "scale": {"zero": False, "nice": False}, **more}


def fan_rows(years: Sequence[int], draws: Array, **keys: Any) -> list[dict[str, Any]]:
    """Rows of a fan: 5, 25, 50, 75 and 95 % points by year."""
    points = quantiles(draws)
    names = ("low", "lower", "middle", "upper", "high")
    return [
        {"year": int(year), **keys, **{name: _short(points[i, y]) for i, name in enumerate(names)}}
        for y, year in enumerate(years)
    ]


def _short(value: float) -> float:
    """Five digits are more than a chart can show."""
    return float(f"{float(value):.5g}")


def _fan_layers(colour: str, unit: str, form: str) -> list[Spec]:
    axis = {"format": form, "titlePadding": 12}
    y: Spec = _number(unit, field="low", axis=axis)
    return [
        {"mark": {"type": "area", "color": colour, "opacity": 0.18}, "encoding": {"y": y, "y2": {"field": "high"}}},
        {
            "mark": {"type": "area", "color": colour, "opacity": 0.30},
            "encoding": {"y": {**y, "field": "lower"}, "y2": {"field": "upper"}},
        },
        {"mark": {"type": "line", "color": colour, "strokeWidth": 2.5}, "encoding": {"y": {**y, "field": "middle"}}},
    ]


def fan(rows: Rows, *, unit: str, form: str = ",.0f", colour: str = BLUE, marks: Rows = (), height: int = 260) -> Spec:
    """A fan of futures with ranges and points on record beside it.

    ``marks`` are rows of year, value, low, high and ``what``: what was on record, or said, or planned.
    """
    layers: list[Spec] = [
        {**layer, "data": {"values": list(rows)}, "encoding": {"x": _year(), **layer["encoding"]}}
        for layer in _fan_layers(colour, unit, form)
    ]
    kinds = list(dict.fromkeys(str(row["what"]) for row in marks))
    if marks:
        style = {"domain": kinds, "range": _styles(kinds, [BLACK, RED, PURPLE])}
        shape = {"domain": kinds, "range": _styles(kinds, ["circle", "diamond", "stroke"])}
        y = _number(unit, field="value", axis={"format": form})
        ranged = [row for row in marks if row.get("low") is not None and row["low"] != row["high"]]
        if ranged:
            layers.append(
                {
                    "data": {"values": ranged},
                    "mark": {"type": "rule", "strokeWidth": 5, "opacity": 0.35, "color": BLACK},
                    "encoding": {"x": _year(), "y": {**y, "field": "low"}, "y2": {"field": "high"}},
                }
            )
        layers.append(
            {
                "data": {"values": list(marks)},
                "mark": {"type": "point", "filled": True, "size": 55, "opacity": 1},
                "encoding": {
                    "x": _year(),
                    "y": y,
                    "color": {"field": "what", "type": "nominal", "scale": style, "legend": {"title": None}},
                    "shape": {"field": "what", "type": "nominal", "scale": shape, "legend": {"title": None}},
                },
            }
        )
    return {"width": WIDTH, "height": height, "layer": layers}


def _styles(kinds: Sequence[str], styles: Sequence[str]) -> list[str]:
    return [styles[i % len(styles)] for i in range(len(kinds))]


def fans(rows: Rows, *, by: str, order: Sequence[str], form: str, columns: int, free: bool = True) -> Spec:
    """Small fans side by side, one a value of ``by``; each with its own scale where ``free``."""
    width = (WIDTH - 56 * (columns - 1)) // columns
    panels = []
    top = max((float(row["high"]) for row in rows), default=1.0)
    tallest = max((len(_lines(name)) for name in order), default=1)
    for name in order:
        mine = [row for row in rows if row[by] == name]
        highest = max((float(row["high"]) for row in mine), default=1.0)
        # A share below a tenth needs a digit behind the point to have an axis.
        shape = form
        if form == "%":
            shape = ".0%" if highest >= 0.1 else ".1%" if highest >= 0.006 else ".2%"
        scale = {} if free else {"scale": {"domain": [0, top]}}
        layers: list[Spec] = []
        for layer in _fan_layers(BLUE, "", shape):
            y = {**layer["encoding"]["y"], **scale}
            y["axis"] = {"format": shape, "tickCount": 5}
            layers.append({**layer, "encoding": {**layer["encoding"], "x": _year(axis=_sparse()), "y": y}})
        title = {
            "text": [" "] * (tallest - len(_lines(name))) + _lines(name),
            "fontSize": 12,
            "anchor": "start",
            "color": "#333",
        }
        panels.append({"title": title, "width": width, "height": 150, "data": {"values": mine}, "layer": layers})
    return {"concat": panels, "columns": columns, "spacing": 20}


def months(cast: Nowcast, names: Mapping[str, str]) -> Spec:
    """The monthly series of each plant with its bands, all on one scale. ``names``: titles by plant."""
    rows: list[dict[str, Any]] = []
    worked = [p for p in range(len(cast.plants)) if cast.cars[:, p].any()]
    for p in worked:
        points = quantiles(cast.cars[:, p])
        for t in range(cast.cars.shape[2]):
            values = zip(("low", "lower", "middle", "upper", "high"), points[:, t], strict=True)
            at = round((cast.first + t + 0.5) / 12.0, 3)
            rows.append({"year": at, "plant": names[cast.plants[p]], **{name: _short(v) for name, v in values}})
    order = [names[cast.plants[p]] for p in worked]
    return fans(rows, by="plant", order=order, form=",.0f", columns=max(min(len(order), 2), 1), free=False)


def _lines(text: str, width: int = 30) -> list[str]:
    """A title in lines."""
    return textwrap.wrap(text, width)


def _sparse() -> Spec:
    return {"format": "d", "grid": False, "tickCount": 3, "title": None}


def intervals(
    rows: Rows, *, unit: str, form: str = ",.0f", order: Sequence[str] = (), log: bool = False, zero: bool = True
) -> Spec:
    """Medians with 5-95 % ranges, one line a name. ``rows`` have name, low, middle, high."""
    scale: Spec = {"type": "symlog"} if log else {"zero": zero}
    x = _number(unit, field="low", axis={"format": form, "tickCount": 6}, scale=scale)
    y: Spec = {"field": "name", "type": "nominal", "sort": list(order) or None, "title": None}
    return {
        "width": WIDTH - 180,
        "height": {"step": 30},
        "data": {"values": list(rows)},
        "layer": [
            {
                "mark": {"type": "rule", "color": BLUE, "strokeWidth": 6, "opacity": 0.35},
                "encoding": {"x": x, "x2": {"field": "high"}, "y": y},
            },
            {
                "mark": {"type": "point", "filled": True, "color": BLUE, "size": 90, "opacity": 1},
                "encoding": {"x": {**x, "field": "middle"}, "y": y},
            },
        ],
    }


def dots(
    rows: Rows, *, kinds: Sequence[str], unit: str, form: str = ",.0f", order: Sequence[str] = (), log: bool = False
) -> Spec:
    """Points of several kinds on one line a name, joined. ``rows`` have name, what, value."""
    scale: Spec = {"type": "symlog"} if log else {"zero": False}
    x = _number(unit, field="value", axis={"format": form, "tickCount": 6}, scale=scale)
    y: Spec = {"field": "name", "type": "nominal", "sort": list(order) or None, "title": None}
    styles = {"domain": list(kinds), "range": [BLUE, RED, GREEN][: len(kinds)]}
    shapes = {"domain": list(kinds), "range": ["circle", "diamond", "square"][: len(kinds)]}
    return {
        "width": WIDTH - 180,
        "height": {"step": 26},
        "data": {"values": list(rows)},
        "layer": [
            {
                "mark": {"type": "line", "color": "#bbb", "strokeWidth": 2},
                "encoding": {"x": x, "y": y, "detail": {"field": "name"}},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
                "encoding": {
                    "x": x,
                    "y": y,
                    "color": {"field": "what", "type": "nominal", "scale": styles, "legend": {"title": None}},
                    "shape": {"field": "what", "type": "nominal", "scale": shapes, "legend": {"title": None}},
                },
            },
        ],
    }


def bars(rows: Rows, *, unit: str, form: str, order: Sequence[str] = (), colour: str = BLUE, top: float = 0.0) -> Spec:
    """Plain bars, one a name. ``rows`` have name and value."""
    scale: Spec = {"domain": [0, top]} if top else {"zero": True}
    return {
        "width": WIDTH - 220,
        "height": {"step": 24},
        "data": {"values": list(rows)},
        "mark": {"type": "bar", "color": colour, "height": 16},
        "encoding": {
            "x": _number(unit, field="value", axis={"format": form, "tickCount": 5}, scale=scale),
            "y": {"field": "name", "type": "nominal", "sort": list(order) or None, "title": None},
        },
    }


def stacks(rows: Rows, *, kinds: Sequence[str], unit: str, form: str, facets: Sequence[str] = ()) -> Spec:
    """Bars stacked over years, one colour a kind; small multiples by ``facet`` where there are several."""
    colours = [BLUE, ORANGE, GREEN, GREY][: len(kinds)]
    order = {name: i for i, name in enumerate(kinds)}
    values = [{**row, "order": order[row["what"]]} for row in rows]
    unit_spec: Spec = {
        "mark": {"type": "bar"},
        "encoding": {
            "x": {"field": "year", "type": "ordinal", "title": None, "axis": {"labelAngle": 0, "labelOverlap": True}},
            "y": _number(unit, field="value", axis={"format": form, "tickCount": 4}),
            "color": {
                "field": "what",
                "type": "nominal",
                "scale": {"domain": list(kinds), "range": colours},
                "legend": {"title": None, "columns": 4},
            },
            "order": {"field": "order", "type": "quantitative"},
        },
    }
    if len(facets) < 2:
        return {"width": WIDTH, "height": 220, "data": {"values": values}, **unit_spec}
    columns = 3 if len(facets) > 2 else 2
    return {
        **_facet(values, facets, columns, 24),
        "spec": {"width": (WIDTH - 50 * (columns - 1)) // columns, "height": 120, **unit_spec},
        "resolve": {"axis": {"x": "independent"}},  # a shared axis is drawn under empty places too
    }


def _facet(rows: Rows, facets: Sequence[str], columns: int, width: int) -> Spec:
    """Small multiples whose titles run over several lines, ``width`` letters at most."""
    titles = {name: "|".join(_lines(name, width)) for name in facets}
    values = [{**row, "facet": titles.get(row["facet"], row["facet"])} for row in rows]
    header = {"labelExpr": "split(datum.label, '|')", "labelAnchor": "start", "labelLineHeight": 14}
    facet = {"field": "facet", "type": "nominal", "sort": list(titles.values()), "header": header}
    return {"data": {"values": values}, "facet": facet, "columns": columns}


def steps(rows: Rows, *, rungs: Sequence[str], facets: Sequence[str], unit: str) -> Spec:
    """The ladder: bars that shrink from rung to rung, one panel a plant. ``rows`` have facet, rung, value, kind."""
    columns = min(len(facets), 3)
    return {
        **_facet(rows, facets, columns, 19),
        "spec": {
            "width": (WIDTH - 140 - 24 * (columns - 1)) // columns,
            "height": {"step": 18},
            "mark": {"type": "bar", "height": 13},
            "encoding": {
                "x": _number(unit, field="value", axis={"format": ",.0f", "tickCount": 3}),
                "y": {"field": "rung", "type": "nominal", "sort": list(rungs), "title": None},
                "color": {
                    "field": "kind",
                    "type": "nominal",
                    "scale": {"domain": ["capacity", "demand", "output"], "range": [SKY, ORANGE, BLUE]},
                    "legend": None,
                },
            },
        },
        "resolve": {"scale": {"x": "independent"}},
    }


def tornado(rows: Rows, *, unit: str, order: Sequence[str], form: str = ",.0f") -> Spec:
    """What the figure is in the lowest and in the highest fifth of each driver. ``rows`` have name, low, high."""
    # Long names run over several lines.
    rows = [{**row, "name": "|".join(_lines(str(row["name"]), 46))} for row in rows]
    order = ["|".join(_lines(name, 46)) for name in order]
    axis: Spec = {"labelLimit": 330, "labelExpr": "split(datum.label, '|')"}
    y: Spec = {"field": "name", "type": "nominal", "sort": list(order), "title": None, "axis": axis}
    x = _number(unit, field="low", axis={"format": form, "tickCount": 5}, scale={"zero": False})
    ends = [
        {"name": row["name"], "value": row[end], "what": what}
        for row in rows
        for end, what in (("low", "driver low"), ("high", "driver high"))
    ]
    style = {"domain": ["driver low", "driver high"], "range": [ORANGE, BLUE]}
    return {
        "width": WIDTH - 330,
        "height": {"step": 36},
        "layer": [
            {
                "data": {"values": list(rows)},
                "mark": {"type": "rule", "color": "#bbb", "strokeWidth": 5},
                "encoding": {"x": x, "x2": {"field": "high"}, "y": y},
            },
            {
                "data": {"values": ends},
                "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
                "encoding": {
                    "x": {**x, "field": "value"},
                    "y": y,
                    "color": {"field": "what", "type": "nominal", "scale": style, "legend": {"title": None}},
                },
            },
        ],
    }

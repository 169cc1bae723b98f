"""The pictures of the README, from the same charts as the report: ``python scripts/build_images.py``."""

from pathlib import Path

from karvan.futures.ensemble import simulate
from karvan.reporting import charts
from karvan.study.evidence import year_value
from karvan.study.load import load

ROOT = Path(__file__).resolve().parent.parent


def output_chart() -> bytes:
    """Cars made in Azerbaijan: record, official targets and the range of a thousand futures, as PNG."""
    from vl_convert import vegalite_to_png

    study = load("azerbaijan")
    run = simulate(study, draws=1000, seed=1)
    marks = []
    for year in range(2013, run.years[0]):
        value = year_value(study, "country", "output", "passenger_car", year)
        if value is not None:
            row = {"year": year, "value": value.value, "low": value.low, "high": value.high, "what": "on record"}
            marks.append(row)
        target = year_value(study, "country", "target_output", "passenger_car", year)
        if target is not None:
            marks.append({"year": year, "value": target.value, "what": "official target"})
    rows = charts.fan_rows(run.years, run.figures["output"])
    spec = charts.fan(rows, unit="passenger cars per year", marks=marks, height=280)
    title = {
        "text": "Cars made in Azerbaijan: the record, official targets and a thousand futures",
        "subtitle": "median, half of all futures (dark) and nine in ten (light); scenario: what is decided",
        "anchor": "start",
        "fontSize": 15,
        "subtitleFontSize": 12,
        "offset": 12,
    }
    picture: bytes = vegalite_to_png({"config": charts.CONFIG, "padding": 16, "title": title, **spec}, scale=1.5)
    return picture


if __name__ == "__main__":
    folder = ROOT / "docs" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "output.png").write_bytes(output_chart())

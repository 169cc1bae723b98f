"""Yearly figures of one country in the world tables, and their value in a year that may not be on record."""

import polars as pl


def series_of(frame: pl.DataFrame, country: str, column: str) -> dict[int, float]:
    """Year to value of one country's rows, empty cells left out."""
    rows = frame.filter((pl.col("country") == country) & pl.col(column).is_not_null())
    return dict(zip(rows["year"].to_list(), rows[column].to_list(), strict=True))


def nearest_year(series: dict[int, float], year: int) -> float:
    """The value of a year, or of the nearest year on record. ``series`` is not empty."""
    return series[min(series, key=lambda known: (abs(known - year), known))]


def continued(series: dict[int, float], year: int) -> float:
    """A level in a year: known, or continued at the mean growth of the last ten years on record. Not empty."""
    if year in series:
        return series[year]
    last = max(series)
    first = max(min(series), last - 10)
    growth = (series[last] / series[first]) ** (1 / max(last - first, 1)) - 1 if last > first else 0.0
    return float(series[last] * (1 + growth) ** (year - last))

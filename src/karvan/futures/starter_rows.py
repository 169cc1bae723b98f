"""What the rows of a starter study have in common: ranges, rounding and a word on where they come from."""

Row = dict[str, object]
Rows = list[Row]

AGAIN = "as in the built-in study of Azerbaijan"
ALL = "(all)"
"""How the name of a plant ends that stands for all makers of a country."""
BORROWED = "estimated: table of the built-in study"
"""How the source begins of an input-output table taken over from the built-in study."""


def spread(low: float, mid: float, high: float, unit: str, source: str, note: str) -> Row:
    """The cells of an uncertain value."""
    shape = "fixed" if low == high else "triangular"
    cell: Row = {"low": low, "mid": mid, "high": high, "distribution": shape, "unit": unit}
    return {**cell, "source": source, "note": note}


def rounded(low: float, mid: float, high: float) -> tuple[float, float, float]:
    """Whole numbers."""
    return float(round(low)), float(round(mid)), float(round(high))

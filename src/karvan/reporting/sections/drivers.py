"""What drives the answer."""

from karvan.reporting import charts
from karvan.reporting.html import chart, esc, para, section, table
from karvan.reporting.page import Page


def drivers(page: Page) -> str:
    """A first sensitivity: share of variance by assumption, and which way it pulls."""
    found = page.drivers
    title = "What drives the answer"
    if found is None or not found.rows:
        return section("drivers", 8, title, para("No sensitivity was computed for this report."))
    target = page.get(found.figure)
    rows = [row for row in found.rows if row.share > 0][:10]
    name = target.title.lower() if target is not None else found.figure
    year = found.figure.split("@")[0].split(".")[-1]
    data = [{"name": row.title, "low": float(row.low), "high": float(row.high)} for row in rows]
    order = [row.title for row in rows]
    unit = target.unit if target is not None else ""
    svg = charts.draw(
        charts.tornado(data, unit=unit, order=order),
        name="drivers",
        alt=f"Median of {name} in {year} when each assumption is in its lowest and in its highest fifth",
    )
    finding = (
        f"&ldquo;{esc(rows[0].title)}&rdquo; moves {esc(name)} in {year} most"
        if rows
        else "No single number stands out"
    )
    shown = []
    for place, row in enumerate(rows, start=1):
        pull = "up" if row.sign > 0 else "down" if row.sign < 0 else "neither way"
        shown.append(
            [
                f"{place}. {esc(row.title)}",
                page.fig(f"parameter.{row.name}", spread=True, unit=True),
                _size(row.share),
                f"a high value pulls it {pull}" if row.sign else "it pulls neither way",
            ]
        )
    rest = getattr(found, "rest", None)
    chance = ""
    if rest is not None:
        chance = (
            "Most of the spread comes from no single number: chance within a future (plants that open, stop or close, good and "
            "bad years) and numbers acting together."
            if rest > 0.5
            else "These numbers, taken singly, explain most of the spread."
        )
    return section(
        "drivers",
        8,
        title,
        para(
            "Each uncertain number is drawn anew in each future. Sorting futures by one of them shows how much of the spread it "
            "explains on its own (the first-order index), and which way it pulls.",
            chance,
        ),
        chart(
            finding,
            svg,
            unit=f"median of {esc(name)}, {year}",
            source="Plischke, Borgonovo and Smith (2013): docs/futures.md.",
        ),
        table(
            ["Uncertain number", "Middle and range", "Share of the spread", "Direction"],
            shown,
            text=(2, 3),
            kind="tight",
        ),
    )


def _size(share: float) -> str:
    """A share of variance in words: estimates from one run are good for no more."""
    for bound, text in ((0.3, "large: about a third or more"), (0.15, "about a fifth"), (0.07, "about a tenth")):
        if share >= bound:
            return text
    return "a few hundredths" if share >= 0.015 else "about a hundredth"

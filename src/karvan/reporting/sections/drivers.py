"""What drives the answer."""

from typing import Any

from karvan.futures.drivers import SLICES
from karvan.reporting import charts
from karvan.reporting.html import chart, esc, para, section, table
from karvan.reporting.page import Page

CHANCE = 3.9
"""Standard deviations that the strongest of about a thousand idle numbers reaches by chance one time in twenty."""


def standing(page: Page) -> list[Any]:
    """The drivers that stand out of chance.

    With ``k + 1`` slices of ``D`` futures an idle number explains ``chi2_k / D - k / D`` of the variance; the bound is
    its upper tail by the approximation of Wilson and Hilferty (1931). Without it the strongest of a thousand idle
    numbers looks like a driver.
    """
    if page.drivers is None:
        return []
    draws = page.run.draws
    k = max(min(SLICES, draws // 25), 2) - 1
    bound = (k * (1 - 2 / (9 * k) + CHANCE * (2 / (9 * k)) ** 0.5) ** 3 - k) / draws
    return [row for row in page.drivers.rows if row.share > bound]


def drivers(page: Page) -> str:
    """A first sensitivity: share of variance by assumption, and which way it pulls."""
    found = page.drivers
    title = "What drives the answer"
    if found is None or not found.rows:
        return section("drivers", 8, title, para("No sensitivity was computed for this report."))
    target = page.get(found.figure)
    rows = standing(page)[:10]
    name = target.title.lower() if target is not None else found.figure
    year = found.figure.split("@")[0].split(".")[-1]
    if not rows:
        text = (
            f"None of the uncertain numbers stands out of chance in {page.at('count_futures', page.first)} futures of "
            f"{esc(name)} in {year}. More futures show more; what happens within a future (plants that open, stop or "
            f"close, "
            f"good and bad years) outweighs any single number."
        )
        return section("drivers", 8, title, para(text))
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
    single = sum(row.share for row in standing(page))
    chance = (
        "Most of the spread comes from no single number: chance within a future (plants that open, stop or close, "
        "good and "
        "bad years) and numbers acting together. Only numbers that stand out of chance are shown."
        if single < 0.5
        else "These numbers, taken singly, explain most of the spread. Only numbers that stand out of chance are shown."
    )
    return section(
        "drivers",
        8,
        title,
        para(
            "Each uncertain number is drawn anew in each future. Sorting futures by one of them shows how much of "
            "the spread it "
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

"""What drives the answer."""

from karvan.futures.drivers import Driver
from karvan.reporting import charts
from karvan.reporting.html import chart, esc, para, section, table
from karvan.reporting.page import Page

TITLE = "What drives the answer"


def drivers(page: Page) -> str:
    """A first sensitivity: what explains most of the spread, and which way it pulls."""
    found = page.drivers
    if found is None:
        return section("drivers", 8, TITLE, para("No sensitivity was computed for this report."))
    target = page.get(found.figure)
    name = target.title[:1].lower() + target.title[1:] if target is not None else found.figure
    year = found.figure.split("@")[0].split(".")[-1]
    how = (
        "Each uncertain number is drawn anew in each future. Sorting futures by one of them shows how much of the "
        "spread it explains on its own (the first-order index), and which way it pulls. Events within a future, such "
        "as whether a plant runs, are looked at in the same way. Only what stands out of chance is named."
    )
    rows = found.rows[:10]
    if not rows:
        none = (
            f"None of the uncertain numbers stands out of chance in {page.at('count_futures', page.first)} futures of "
            f"{esc(name)} in {year}: many small things add up, and more futures would show more."
        )
        return section("drivers", 8, TITLE, para(how), para(none))
    titles = _told_apart([driver_title(page, row) for row in rows])
    data = [
        {"name": title, "low": float(row.low), "high": float(row.high)} for title, row in zip(titles, rows, strict=True)
    ]
    svg = charts.draw(
        charts.tornado(data, unit=target.unit if target is not None else "", order=titles),
        name="drivers",
        alt=f"Median of {name} in {year} when each driver is low and when it is high",
    )
    shown = [
        [
            f"{place}. {esc(titles[place - 1])}",
            _value(page, row.name, year),
            _size(row.share),
            f"a high value pulls it {'up' if row.sign > 0 else 'down'}" if row.sign else "it pulls neither way",
        ]
        for place, row in enumerate(rows, start=1)
    ]
    chance = (
        "Most of the spread comes from no single thing: chance within a future, and numbers acting together."
        if found.rest > 0.5
        else "Together these explain most of the spread."
    )
    return section(
        "drivers",
        8,
        TITLE,
        para(how, chance),
        chart(
            f"&ldquo;{esc(titles[0])}&rdquo; goes furthest with {esc(name)} in {year}",
            svg,
            unit=f"median of {esc(name)}, {year}, in the futures where the driver is low and where it is high "
            "(lowest and highest fifth; for an event, without and with it)",
            source="Method of Plischke, Borgonovo and Smith (2013): docs/futures.md.",
        ),
        table(
            ["Driver", "Middle and range", "Share of the spread", "Direction"],
            shown,
            text=(2, 3),
            kind="tight",
        ),
        para(
            "What to go and find out: which assumed number, if somebody measured it, would take most off the spread is",
            "told, from more futures than these, by",
            f"<code>karvan drivers {esc(page.study.name)} --figure {esc(found.figure)}</code>.",
        ),
    )


def _told_apart(titles: list[str]) -> list[str]:
    """Titles without repeats: the second of a name says that it is another one."""
    out: list[str] = []
    for title in titles:
        count = sum(earlier.split(" (another", 1)[0] == title for earlier in out)
        out.append(title if count == 0 else f"{title} (another{', ' * (count > 1)}{count if count > 1 else ''})")
    return out


def driver_title(page: Page, row: Driver) -> str:
    """What a driver is, in words; plants nobody has announced have no name of their own."""
    kind, _, plant = row.name.partition(".")
    if kind == "operating":
        known = plant in page.own_plants()
        return f"Whether {page.plant(plant) if known else 'a plant that nobody has announced yet'} operates"
    return row.title


def _value(page: Page, name: str, year: str) -> str:
    """The driver itself: an uncertain number of the study, or an event of the same year."""
    address = f"parameter.{name}"
    if page.get(address) is None:
        address = page.address(name, year)
    return page.fig(address, spread=True, unit=True)


def _size(share: float) -> str:
    """A share of variance in words: estimates from one run are good for no more."""
    for bound, text in ((0.3, "a third or more"), (0.15, "about a fifth"), (0.07, "about a tenth")):
        if share >= bound:
            return text
    return "a few hundredths" if share >= 0.015 else "about a hundredth"

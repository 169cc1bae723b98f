"""How sure we are: sampling error, history run again, what is assumed, known leaks."""

from collections import Counter
from typing import Any

from karvan.futures.history import HistoryYear, compare_history
from karvan.reporting import charts
from karvan.reporting.html import bullets, chart, esc, listed, para, section, table, words
from karvan.reporting.page import Page

HEADLINES = ("output", "self_sufficiency_new", "jobs", "jobs_net", "gdp", "gdp_net", "tax_net", "imports_net")
PAST = (2010, 2015)
"""Years as of which the backcast is published."""
LEAKS = (
    "History run again knows the incomes and exchange rates that came, and the base-year flows between countries. "
    "It tests the model of the industry, not anybody's power to foresee an oil price.",
    "Flows of cars between countries are estimated, not published; each future draws their error, which was "
    "measured on a published matrix rebuilt from its own margins.",
    "Input-output tables are estimated from donor countries; that donors differ is in the ranges, that all of them "
    "could be wrong together is not.",
    "Elasticities were measured on other continents. They are assumed for this region, with wide ranges.",
    "Rules, duties and agreements stay as they are at the study's date unless a scenario changes them.",
    "Rivals answer by rule, a year late: their prices, margins and new plants follow assumed ranges, none closes, and "
    "nobody thinks ahead of the others.",
)


def confidence(page: Page) -> str:
    """The section."""
    return section(
        "confidence", 9, "How sure we are", _sampling(page), _history(page), _past(page), _assumed(page), _leaks(page)
    )


def _sampling(page: Page) -> str:
    near, last = page.near, page.last
    rows = []
    for name in HEADLINES:
        found = page.get(page.address(name, near))
        if found is None:
            continue
        cells = [esc(found.title)]
        for year in dict.fromkeys((near, last)):
            cells += [page.at(name, year), page.at(name, year, only_error=True)]
        rows.append(cells)
    heads = [text for year in dict.fromkeys((near, last)) for text in (f"Median {year}", "± error")]
    chance = page.at("hub_verdict", last, error=True)
    return (
        "<h3>Sampling error</h3>\n"
        + para(
            f"{page.at('count_futures', page.first)} futures were drawn with seed {page.run.seed}. Another seed "
            "moves the medians by about the standard error shown here, hardly ever by three of them. This is the "
            "error of drawing too few futures; that of not knowing the world is the range itself. The chance of a "
            f"hub in {last} is {chance}."
        )
        + table(["", *heads], rows, kind="narrow")
    )


def _history(page: Page) -> str:
    """Would the model have held what happened?"""
    title = "<h3>Would it have held what happened?</h3>\n"
    if page.backrun is None:
        return title + para(
            "History was not run again for this report. That takes plants and a record which the study knows as of a "
            "past year; a starter study has neither."
        )
    years = compare_history(page.study, page.backrun)
    known = [year for year in years if year.record is not None]
    if not known:
        return title + para("The evidence has no output in the years that were run again, so nothing can be compared.")
    marks = [
        {
            "year": year.year,
            "value": year.record.value,
            "low": year.record.low,
            "high": year.record.high,
            "what": "on record",
        }
        for year in known
        if year.record is not None
    ]
    rows = charts.fan_rows(page.backrun.years, page.backrun.figures["output"])
    svg = charts.draw(
        charts.fan(rows, unit="cars per year", marks=marks, height=220),
        name="history",
        alt=f"Futures started in {page.backrun.years[0]} beside what happened",
    )
    missed = [year for year in known if not year.inside]
    shown = [[str(year.year), page.fig(f"output.{year.year}", spread=True), _said(year)] for year in known]
    finding = _finding(known, missed)
    return (
        title
        + para(
            f"The model was started in {page.backrun.years[0]} with the plants, deals and figures known by then, and "
            f"with the incomes and exchange rates that came. {_plainly(known, missed)}"
        )
        + chart(finding, svg, unit="passenger cars per year", source="docs/futures.md; record: section 10.")
        + table(["Year", "On record", "In the band that holds nine futures in ten?"], shown, text=(2,), kind="narrow")
    )


def _past(page: Page) -> str:
    """What the same model would have said in past years of makers of this size, beside the last figure."""
    rows = []
    for year in PAST:
        if page.get(f"past_error.loop.{year}") is None:
            continue
        errors = [page.fig(f"past_error.{name}.{year}") for name in ("loop", "combined", "last")]
        rows.append([str(year), page.fig(f"past_countries.{year}"), *errors, page.fig(f"past_inside.{year}")])
    title = "<h3>Would it have foreseen other countries?</h3>\n"
    if not rows:
        return title + para("The past skill of the model was not published for makers of this size.")
    heads = ["As of", "Countries", "This model", "With others' records", "Last figure", "In the band of nine in ten"]
    return (
        title
        + para(
            "The same model was put into past years, with what was known then, for every country that makes vehicles. "
            "The table tells makers of this country's size: the mean of |ln(forecast / outcome)| up to nine years on. "
            "Twice or half of what came is off by ln two, about two thirds. The futures of this report are "
            "those of the first column of errors; combined with what other countries' records say they did as in the "
            "second. Where the last figure was no worse, the middle of a forecast deserves no more trust than it does. "
            "The band scored there is as wide as the records of others ask for; that of this report is the model's own."
        )
        + table(heads, rows, kind="narrow")
        + para("Scores of all sizes, and what the backcast leaves out: docs/backcast.md.")
    )


def _said(year: HistoryYear) -> str:
    if year.inside:
        return "yes"
    if year.record is None:
        return ""
    return "<b>no</b>: less was made" if year.record.high < year.low else "<b>no</b>: more was made"


def _finding(known: list[HistoryYear], missed: list[HistoryYear]) -> str:
    held = len(known) - len(missed)
    return f"The band holds {words(held)} of the {words(len(known))} years on record"


def _plainly(known: list[HistoryYear], missed: list[HistoryYear]) -> str:
    """Which years it holds and which not, in the fall and in the recovery, and what that says of its width."""
    swing = _swing(known)
    parts = []
    if swing is not None:
        peak, trough = swing
        fall = [year for year in known if peak <= year.year <= trough]
        rise = [year for year in known if year.year > trough]
        for label, span in (
            (f"the collapse of {peak} to {trough}", fall),
            (f"the recovery since {trough + 1}", rise),
        ):
            if span:
                parts.append(f"{label}: {_held(span)}")
    else:
        parts.append(_held(known))
    width = (
        " A band so wide is honest, not clever: look at its width before taking comfort."
        if not missed
        else " What lies outside is told here and not smoothed away."
    )
    lead = "Plainly: yes, the band holds every year on record" if not missed else "Plainly: no, not every year"
    return f"{lead}; {'; '.join(parts)}.{width}" if missed else f"{lead}.{width}"


def _swing(known: list[HistoryYear]) -> tuple[int, int] | None:
    """The year before the deepest fall on record and the year of its bottom; None if nothing fell by half."""
    values = [(year.year, year.record.value) for year in known if year.record is not None]
    worst: tuple[float, int, int] | None = None
    for i, (start, high) in enumerate(values):
        for end, low in values[i + 1 :]:
            if high > 0 and (worst is None or low / high < worst[0]):
                worst = (low / high, start, end)
    return (worst[1], worst[2]) if worst is not None and worst[0] < 0.5 else None


def _held(span: list[HistoryYear]) -> str:
    """Which of some years the band holds."""
    out = [str(year.year) for year in span if not year.inside]
    if not out:
        return "the band holds every year of it"
    if len(out) == len(span):
        return "the band holds none of its years"
    return f"the band holds all its years but {listed(out)}"


def _assumed(page: Page) -> str:
    """How many numbers nobody measured, by what they are about."""
    groups: Counter[str] = Counter()
    assumed: Counter[str] = Counter()
    for cell in page.run.cells.values():
        groups[cell.group] += 1
        assumed[cell.group] += cell.assumed
    order = [name for name, _ in groups.most_common()]
    rows: list[dict[str, Any]] = []
    for name in order:
        rows.append({"year": name, "what": "assumed", "value": assumed[name]})
        rows.append({"year": name, "what": "with a source", "value": groups[name] - assumed[name]})
    svg = charts.draw(
        charts.stacks(rows, kinds=("with a source", "assumed"), unit="uncertain numbers", form=",.0f"),
        name="assumed",
        alt="Uncertain numbers by group, assumed and with a source",
    )
    when = page.first
    title = (
        f"{page.at('count_cells_assumed', when)} of {page.at('count_cells', when)} uncertain numbers were measured "
        "by nobody: they are assumed, with ranges"
    )
    return "<h3>What is assumed</h3>\n" + chart(
        title, svg, unit="count, by what they are about", source="Section 10 lists each one."
    )


def _leaks(page: Page) -> str:
    return "<h3>Known leaks</h3>\n" + bullets([esc(text) for text in LEAKS])

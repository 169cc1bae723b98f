"""The report: one self-contained HTML file, and its short summary for the terminal.

Nothing in it is fetched from anywhere: style and charts are inline, there is no script, and the policy in its head
forbids both. The same futures give the same bytes; the only date is that of the study.
"""

import os
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from karvan._version import __version__
from karvan.base.errors import UnknownName, nearest
from karvan.futures.drivers import Drivers
from karvan.futures.ensemble import Futures
from karvan.reporting.html import esc
from karvan.reporting.page import Page
from karvan.reporting.sections.answer import answer
from karvan.reporting.sections.confidence import confidence
from karvan.reporting.sections.drivers import drivers as drivers_section
from karvan.reporting.sections.facilities import facilities
from karvan.reporting.sections.hub import CONDITION_WORDS, hub, instead, most_likely, part_elsewhere
from karvan.reporting.sections.jobs import jobs
from karvan.reporting.sections.output import output
from karvan.reporting.sections.partnerships import partnerships
from karvan.reporting.sections.record import last_record
from karvan.reporting.sections.scenarios import scenarios
from karvan.reporting.sections.sources import sources

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
CONTENTS = (
    ("answer", "The answer"),
    ("facilities", "The plants"),
    ("output", "Output"),
    ("partnerships", "Partnerships"),
    ("jobs", "Jobs and growth"),
    ("hub", "A regional hub?"),
    ("scenarios", "Scenarios"),
    ("drivers", "What drives the answer"),
    ("confidence", "How sure we are"),
    ("sources", "Sources and assumptions"),
)


def render(
    runs: Mapping[str, Futures],
    *,
    main: str = "baseline",
    backrun: Futures | None = None,
    drivers: Drivers | None = None,
    needs: bool = False,
    waits: Callable[[], None] | None = None,
) -> str:
    """The report as HTML text.

    Parameters
    ----------
    runs : futures by scenario in the order of display: ``main``, ``no_industry`` for net figures, and any others.
    main : the scenario that the text speaks of.
    backrun : futures of :func:`karvan.futures.history.run_history`; without it the report says that there is none.
    drivers : of :func:`karvan.futures.drivers.drivers`; without it likewise.
    needs : whether each lever is tried for each condition of the hub verdict, some seconds a scenario.
    waits : waits for another process that tries them (:func:`karvan.futures.parity.needs_beside`); else this one does.

    Errors: :class:`UnknownName` if ``main`` is not among the runs.
    """
    page = _page(runs, main, backrun, drivers)
    page.needs, page.waits = needs, waits
    # Sources come last, because they list what the others cite.
    body = "".join(
        write_section(page)
        for write_section in (
            answer,
            facilities,
            output,
            partnerships,
            jobs,
            hub,
            scenarios,
            drivers_section,
            confidence,
            sources,
        )
    )
    settings = page.study.settings
    title = esc(settings.title)
    date = page.study.as_of or settings.as_of or f"{settings.base_year}"
    style = resources.files("karvan.reporting").joinpath("report.css").read_text(encoding="utf-8")
    links = "".join(f'<li><a href="#{name}">{esc(label)}</a></li>\n' for name, label in CONTENTS)
    scenario = page.study.scenario(main)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="referrer" content="no-referrer">\n<title>{title}</title>\n'
        f"<style>\n{style}</style>\n</head>\n<body>\n"
        f'<nav aria-label="Contents"><p class="brand">karvan</p>\n<ol>\n{links}</ol>\n</nav>\n'
        f"<main>\n<header>\n<h1>{title}</h1>\n"
        f'<p class="lead">{esc(settings.description)}</p>\n'
        f'<p class="meta">Study &ldquo;{esc(settings.name)}&rdquo; as known on {esc(date)}. '
        f"Scenario &ldquo;{esc(scenario.title)}&rdquo;, {page.first} to {page.last}, seed {page.run.seed}. karvan "
        f"{esc(__version__)}.</p>\n"
        f'<p class="how">Forecasts are medians over many futures; brackets hold nine futures in ten. '
        f"Each figure has a median of its own, so medians in a table need not add up. "
        f"Point at a number to see what it is, its range and its address; numbers on record lead to their source.</p>\n"
        f"</header>\n{body}</main>\n</body>\n</html>\n"
    )


def write(runs: Mapping[str, Futures], path: str | Path, **options: Any) -> Path:
    """Write the report to a file; the file appears whole or not at all. Options as for :func:`render`."""
    target = Path(path)
    text = render(runs, **options)
    with NamedTemporaryFile(
        "w", encoding="utf-8", newline="\n", dir=target.parent, prefix=f".{target.name}.", delete=False
    ) as file:
        temporary = Path(file.name)
        try:
            file.write(text)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    temporary.chmod(0o666 & ~_umask())
    temporary.replace(target)
    return target


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def summary(runs: Mapping[str, Futures], *, main: str = "baseline") -> list[str]:
    """The short summary for the terminal: five or six lines of plain text."""
    page = _page(runs, main, None, None)
    near, last, country = page.near, page.last, page.country()

    def say(body: str, year: int) -> str:
        found = page.get(page.address(body, year))
        return "unknown" if found is None else found.text()

    record = last_record(page)
    lines = [f"{page.study.settings.title}, {page.study.scenario(main).title.lower()}, {page.run.draws:,} futures"]
    made = f"output      {say('output', near)} cars in {near}, {say('output', last)} in {last}"
    if record is not None:
        found = page.get(f"output.{record}")
        made += f"; on record {found.text() if found else ''} in {record}"
    lines.append(made)
    if part := part_elsewhere(page):
        lines.append(f"            without cars for markets that the study does not have: {part} in the base years")
    lines.append(
        f"home market {say('self_sufficiency_new', near)} of new cars, {say('self_sufficiency_all', near)} of all, "
        f"{say('self_sufficiency_value', near)} by value, {near}"
    )
    net = ""
    if "no_industry" in runs and main != "no_industry":
        net = f"; net of no industry {say('jobs_net', near)} jobs, {say('gdp_net', near)} {page.money}"
    lines.append(f"economy     {say('jobs', near)} jobs, {say('gdp', near)} {page.money} of GDP, gross, {near}{net}")
    y = page.run.years.index(last)
    verdict = page.run.verdict
    if bool(verdict.says_hub[y]):
        lines.append(f"hub         yes: chance {say('hub_verdict', last)} in {last}")
    else:
        likely, _ = most_likely(page, last)
        binding = CONDITION_WORDS[verdict.binding_name[y]]
        lines.append(
            f"hub         no: {country} has a chance of {say('hub_verdict', last)} by {last}; {binding} binds;"
        )
        lines.append(f"            most likely {instead(page, likely)}")
    return lines


def _page(runs: Mapping[str, Futures], main: str, backrun: Futures | None, drivers: Drivers | None) -> Page:
    if main not in runs:
        raise UnknownName(f"no futures of scenario '{main}' to report on; {nearest(main, runs) or ', '.join(runs)}")
    return Page(runs[main].study, runs, main, backrun, drivers)

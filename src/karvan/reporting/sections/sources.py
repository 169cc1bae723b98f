"""Sources and assumptions: everything the figures lead to."""

from collections.abc import Iterable

from karvan.base.quantities import quantities
from karvan.futures.figures import unit_of
from karvan.futures.names import readable
from karvan.reporting.html import bullets, details, esc, link, listed, para, section, table
from karvan.reporting.page import Page, anchor, period, rule_anchor
from karvan.study.audit import above_whole
from karvan.study.cells import Cell
from karvan.study.evidence import Claim, claims, contradictions, gaps, stale

PLAIN_GROUPS = ("behaviour", "demand", "plants", "partners", "costs", "policy", "economy")


def sources(page: Page) -> str:
    """Written last: it lists what the other sections cited."""
    parts = [_assumptions(page), _contradictions(page), _gaps(page), _stale(page)]
    parts += [_claims(page), _rules(page), _addresses(page), _glossary(page)]
    return section("sources", 10, "Sources and assumptions", *parts)


def _assumptions(page: Page) -> str:
    """Every uncertain number the run asked for: parameters openly, tables of markets and frictions on demand."""
    cells = list(page.run.cells.values())
    tabled = [cell.name.split(".")[0] in ("frictions", "markets", "agreements") for cell in cells]
    single = [cell for cell, listed in zip(cells, tabled, strict=True) if not listed]
    tables = [cell for cell, listed in zip(cells, tabled, strict=True) if listed]
    lead = para(
        f"The futures read {page.at('count_cells', page.first)} uncertain numbers. &ldquo;Assumed&rdquo; means that "
        "nobody measured it and the range is a judgement; it can be changed in the study's tables."
    )
    groups: dict[str, list[Cell]] = {}
    for cell in single:
        groups.setdefault(cell.group, []).append(cell)
    order = [name for name in PLAIN_GROUPS if name in groups] + sorted(set(groups) - set(PLAIN_GROUPS))
    inner = "".join(details(f"{esc(name.capitalize())}", _cells(page, groups[name])) for name in order)
    rest = details("Markets, duties, fees, freight and agreements", _cells(page, tables))
    return "<h3>Assumptions</h3>\n" + lead + inner + rest


def _cells(page: Page, cells: Iterable[Cell]) -> str:
    rows = []
    for cell in sorted(cells, key=lambda cell: cell.name):
        places = 0 if abs(cell.mid) >= 100 else 1 if abs(cell.mid) >= 10 else 2
        if cell.unit == "share of 1":
            places = 3 if abs(cell.mid) < 0.1 else 2
        note = f"<br><small>{esc(cell.note)}</small>" if cell.note else ""
        rows.append(
            [
                f"{esc(page.uncertain(cell.name))}{note}",
                page.fig(f"parameter.{cell.name}", spread=True, decimals=places),
                "" if cell.unit in ("1", "share of 1") else f"<small>{esc(cell.unit)}</small>",
                _origin(page, cell.source),
                f"<small>{esc(cell.place)}</small>",
            ]
        )
    return table(["Number", "Middle (range)", "Unit", "Source", "Place"], rows, text=(2, 3, 4), kind="tight")


def _origin(page: Page, source: str) -> str:
    if source.startswith("assumed"):
        return '<span class="assumed">assumed</span>'
    target = page.source_anchor(source)
    if target:
        return page.source_mark(source)
    return f"<small>{esc(source)}</small>"


def _contradictions(page: Page) -> str:
    found = contradictions(page.study)
    if not found:
        return ""
    rows = []
    for item in found:
        said = [
            (page.fig(f"claim.{one.claim}") if _counts(one) else _text_claim(page, one.claim, one.value))
            + f" <small>({one.confidence})</small>"
            for one in item.claims
        ]
        used = next((one for one in item.claims if one.claim == item.used), item.claims[0])
        rows.append(
            [
                _about(page, item.subject, item.attribute, item.kind),
                esc(period(used)),
                "<br>".join(said),
                f"{esc(used.value)} {esc(used.unit)}"
                if not _counts(used)
                else page.fig(f"claim.{used.claim}", unit=True),
            ]
        )
    count = page.at("count_contradictions", page.first)
    title = "<h3>Contradictions</h3>\n" + para(
        f"{count} things are told in more than one way. None of the claims is deleted: the most confident is used, "
        "then the printed, then the best supported, then the latest."
    )
    parts = [
        f"{_about(page, part.subject, part.attribute, part.kind)} is {page.fig(f'claim.{part.claim}')} in "
        f"{esc(period(part))} and {page.fig(f'claim.{whole.claim}')} in {esc(period(whole))}"
        for part, whole in above_whole(page.study)
    ]
    above = para(f"Besides, a part stands above its whole; the whole is used. {listed(parts)}.") if parts else ""
    shown = table(["What", "When", "Claims", "Used by the general rule"], rows, text=(1, 2, 3), kind="tight")
    return title + shown + above


def _counts(item: Claim) -> bool:
    """Whether a claim is a quantity; a year such as that of a planned opening has no unit and is no count."""
    return item.number is not None and bool(item.unit)


def _about(page: Page, subject: str, attribute: str, kind: str) -> str:
    """What a claim is about, in words."""
    what = f"{readable(attribute).lower()}{', ' + readable(kind).lower() if kind else ''}"
    return esc(f"{page.subject(subject)}: {what}")


def _text_claim(page: Page, name: str, value: str) -> str:
    for item in claims(page.study, claim=name):
        page.cite(item)
        return f'<a href="#{anchor(item)}">{esc(value)}</a>'
    return esc(value)


def _gaps(page: Page) -> str:
    base = page.study.settings.base_year
    years = gaps(page.study, "country", "output", "passenger_car", base - 20, base)
    if not years:
        return ""
    spans: list[list[int]] = []
    for year in years:
        if spans and year == spans[-1][-1] + 1:
            spans[-1].append(year)
        else:
            spans.append([year])
    said = [str(span[0]) if len(span) == 1 else f"{span[0]} to {span[-1]}" for span in spans]
    return "<h3>Gaps</h3>\n" + para(f"No national output of cars is on record for {listed(said)}.")


def _stale(page: Page) -> str:
    found = stale(page.study)
    if not found:
        return ""
    late: dict[str, list[str]] = {}
    for item in found:
        page.cite(item)
        said = f'<a href="#{anchor(item)}">{esc(item.value)}</a> (said {esc(item.source_date or item.known_on)})'
        late.setdefault(item.subject, []).append(said)
    items = [
        f"{esc(page.plant(subject))}: opening announced for {listed(said)}; no page on record confirms it"
        for subject, said in late.items()
    ]
    return "<h3>Plans past their date</h3>\n" + bullets(items)


def _claims(page: Page) -> str:
    """Every claim that a figure of this report leads to."""
    cited = [page.cited[name] for name in sorted(page.cited)]
    rows = [
        [
            f"<small>{esc(item.claim)}</small>",
            _about(page, item.subject, item.attribute, item.kind),
            esc(period(item)),
            page.fig(f"claim.{item.claim}", unit=True) if _counts(item) else esc(item.value),
            f"<small>{item.basis}, {item.confidence}</small>",
            page.source_mark(item.source) if item.source.startswith("http") else f"<small>{esc(item.source)}</small>",
            f"<small>{esc(item.note)}</small>",
        ]
        for item in cited
    ]
    ids = [anchor(item) for item in cited]
    header = ["Claim", "What", "When", "Value", "Basis", "Source", "Note"]
    inner = table(header, rows, text=(1, 2, 4, 5, 6), kind="tight", ids=ids)
    return f"<h3>Claims cited in this report</h3>\n{inner}" if rows else ""


def _rules(page: Page) -> str:
    """Choices made where no claim settles a year."""
    rows, ids = [], []
    for key in sorted(page.ruled):
        value = page.ruled[key]
        body = "output" if value.subject == "country" else f"output.{value.subject}"
        shown = page.fig(f"{body}.{value.period}", spread=True)
        rows.append(
            [f"{esc(page.subject(value.subject))}, {value.period}", shown, esc(value.rule.removeprefix("ruled: "))]
        )
        ids.append(rule_anchor(value))
    header = ["What", "Used (range)", "Why"]
    return (
        "<h3>Choices where no claim settles it</h3>\n" + table(header, rows, text=(2,), kind="tight", ids=ids)
        if rows
        else ""
    )


def _addresses(page: Page) -> str:
    if not page.sources:
        return ""
    ordered = sorted(page.sources.items(), key=lambda item: item[1])
    lines = "".join(f'<li id="source-{number}" value="{number}">{link(address)}</li>\n' for address, number in ordered)
    cited = set(page.sources)
    others = sorted({item.source for item in claims(page.study)} - cited)
    more = details(
        "Further addresses of the evidence, not cited above",
        bullets((link(address) for address in others), kind="addresses") if others else "",
    )
    return f'<h3>Addresses</h3>\n<ol class="addresses">\n{lines}</ol>\n{more}'


def _glossary(page: Page) -> str:
    rows = [
        [
            f'<code id="word-{esc(name)}">{esc(name)}</code>',
            esc(described.title),
            f"<small>{esc(unit_of(described, page.study))}</small>",
            f"{esc(described.description)}<br><small>= {esc(described.formula)}</small>",
            f"<small>{esc(described.source)}</small>",
        ]
        for name, described in quantities().items()
    ]
    inner = table(["Name", "Title", "Unit", "What it is", "Method"], rows, text=(1, 2, 3, 4), kind="tight")
    return (
        "<h3>Glossary</h3>\n"
        + para(
            "Every number above carries an address, seen when pointed at; <code>karvan explain</code> with that "
            "address shows the chain behind it: formula, inputs, assumptions, sources."
        )
        + inner
    )

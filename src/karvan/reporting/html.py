"""Small pieces of HTML: escaping, paragraphs, tables, figures with a caption."""

from collections.abc import Iterable, Sequence
from html import escape

NONE = '<span class="none">–</span>'
"""Where there is no number."""

WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def esc(text: object) -> str:
    """Text made safe for HTML, in elements and in attributes."""
    return escape(str(text), quote=True)


def words(count: int, noun: str = "", plural: str = "") -> str:
    """A count in words up to twelve: ``three plants``."""
    spelled = WORDS[count] if 0 <= count < len(WORDS) else f"{count:,}"
    return f"{spelled} {noun if count == 1 else plural or noun + 's'}" if noun else spelled


def listed(items: Sequence[str], last: str = "and") -> str:
    """Items as a list in a sentence: ``a, b and c``."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def sentence(text: str) -> str:
    """The text with a capital first letter; markup at the front is left alone."""
    return text[:1].upper() + text[1:]


def para(*parts: str, kind: str = "") -> str:
    """A paragraph of HTML parts."""
    return f"<p{attribute('class', kind)}>{' '.join(part for part in parts if part)}</p>\n"


def attribute(name: str, value: str) -> str:
    """An attribute with a space before it; nothing without a value."""
    return f' {name}="{esc(value)}"' if value else ""


def bullets(items: Iterable[str], kind: str = "") -> str:
    """A list; nothing without items."""
    inner = "".join(f"<li>{item}</li>\n" for item in items)
    return f"<ul{attribute('class', kind)}>\n{inner}</ul>\n" if inner else ""


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    text: Sequence[int] = (),
    caption: str = "",
    kind: str = "",
    ids: Sequence[str] = (),
) -> str:
    """A table of HTML cells.

    Parameters
    ----------
    text : columns that hold text, besides the first; all others are numbers and stand to the right.
    ids : an anchor for each row.
    """
    body = []
    for place, row in enumerate(rows):
        cells = [f'<th scope="row">{row[0]}</th>']
        for column, cell in enumerate(row[1:], start=1):
            cells.append(f"<td>{cell}</td>" if column in text else f'<td class="n">{cell}</td>')
        anchor = attribute("id", ids[place]) if ids else ""
        body.append(f"<tr{anchor}>{''.join(cells)}</tr>\n")
    if not body:
        return ""
    heads = "".join(
        f'<th scope="col"{"" if column == 0 or column in text else attribute("class", "n")}>{head}</th>'
        for column, head in enumerate(header)
    )
    title = f"<caption><span>{caption}</span></caption>\n" if caption else ""
    return (
        f'<div class="wide"><table{attribute("class", kind)}>\n{title}<thead><tr>{heads}</tr></thead>\n'
        f"<tbody>\n{''.join(body)}</tbody></table></div>\n"
    )


def chart(title: str, svg: str, *, unit: str, source: str) -> str:
    """A chart with the finding as its title, the unit below it and the source at its foot."""
    if not svg:
        return ""
    return (
        f'<figure class="chart">\n<figcaption><b>{title}</b><span class="unit">{unit}</span></figcaption>\n'
        f'<div class="plot">{svg}</div>\n'
        f'<p class="source">{source}</p>\n</figure>\n'
    )


def details(summary: str, inner: str, *, opened: bool = False) -> str:
    """A part that opens on demand; nothing without content."""
    return f"<details{' open' if opened else ''}>\n<summary>{summary}</summary>\n{inner}</details>\n" if inner else ""


def section(name: str, number: int, title: str, *parts: str) -> str:
    """A numbered section with its anchor."""
    return f'<section id="{name}">\n<h2><span class="no">{number}</span> {title}</h2>\n{"".join(parts)}</section>\n'


def link(address: str, label: str = "") -> str:
    """A visible link to a source; addresses that are no web pages stay text."""
    if not address.startswith(("http://", "https://")):
        return esc(label or address)
    return f'<a class="out" href="{esc(address)}" rel="noreferrer">{esc(label or address)}</a>'

"""Scenarios side by side."""

from karvan.reporting import charts
from karvan.reporting.html import bullets, chart, esc, para, section, table
from karvan.reporting.page import Page, quantiles

COLUMNS = (
    ("output", "Output", True),
    ("exports", "Exports", True),
    ("local_content", "Local content", False),
    ("jobs_net", "Jobs, net", True),
    ("gdp_net", "GDP, net", True),
    ("tax_net", "Public revenue, net", True),
)


def scenarios(page: Page) -> str:
    """A table and a chart of all scenarios at hand, and what each means."""
    near, last = page.near, page.last
    names = list(page.runs)
    data = []
    for name in names:
        run = page.runs[name]
        if last not in run.years:
            continue
        low, _, middle, _, high = (float(v) for v in quantiles(run.figures["output"][:, [run.years.index(last)]])[:, 0])
        data.append({"name": page.study.scenario(name).title, "low": low, "middle": middle, "high": high})
    order = [str(row["name"]) for row in data]
    svg = charts.draw(
        charts.intervals(data, unit="cars per year", order=order),
        name="scenarios",
        alt=f"Output in {last} by scenario: medians and 5-95 % ranges",
    )
    best = max(data, key=lambda row: float(str(row["middle"])))["name"] if data else ""
    lead = next((name for name in names if page.study.scenario(name).title == best), page.main)
    title = (
        f"Output in {last} is highest under &ldquo;{esc(best)}&rdquo;: {page.at('output', last, spread=True, scenario=lead)}"
        if len(names) > 2
        else f"With what is decided, output in {last} is {page.at('output', last, spread=True)} cars"
    )
    rows = []
    for name in names:
        title_ = esc(page.study.scenario(name).title)
        rows.append(
            [
                title_,
                *(page.at(body, near, spread=spread, scenario=name) for body, _, spread in COLUMNS),
                page.at("npv", last, spread=True, scenario=name),
                page.at("hub_verdict", last, scenario=name),
            ]
        )
    header = ["Scenario", *(f"{label} {near}" for _, label, _ in COLUMNS), f"NPV to {last}", f"Hub {last}"]
    told = [
        f"<b>{esc(page.study.scenario(name).title)}</b> ({esc(name)}): {esc(page.study.scenario(name).description)}"
        for name in names
        if page.study.scenario(name).description
    ]
    return section(
        "scenarios",
        7,
        "Scenarios side by side",
        para("All scenarios share the same draws, so differences between them are differences of policy, not of luck."),
        chart(title, svg, unit=f"cars per year, {last}: median and 5–95 % of futures", source="docs/futures.md"),
        table(header, rows, kind="tight", caption=f"Money in {esc(page.money)}; medians, with the 5–95 % range."),
        bullets(told),
    )

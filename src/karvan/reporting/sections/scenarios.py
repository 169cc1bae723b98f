"""Scenarios side by side."""

from karvan.reporting import charts
from karvan.reporting.html import bullets, chart, esc, para, section, table
from karvan.reporting.page import Page, quantiles

WORTH = (("jobs_net", "Jobs"), ("gdp_net", "GDP"), ("tax_net", "Public revenue"), ("imports_net", "Imports"))


def scenarios(page: Page) -> str:
    """A table and a chart of all scenarios at hand, and what each means."""
    near, last = page.near, page.last
    names = page.scenarios
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
        f"Output in {last} is highest under &ldquo;{esc(best)}&rdquo;: "
        f"{page.at('output', last, spread=True, scenario=lead)}"
        if len(names) > 2
        else f"With what is decided, output in {last} is {page.at('output', last, spread=True)} cars"
    )
    made, worth = [], []
    for name in names:
        told_as = esc(page.study.scenario(name).title)
        made.append(
            [
                told_as,
                page.at("output", near, spread=True, scenario=name),
                page.at("output", last, spread=True, scenario=name),
                page.at("exports", last, spread=True, scenario=name),
                page.at("local_content", last, spread=True, scenario=name),
                page.at("hub_verdict", last, scenario=name),
                page.at("count_futures", near, scenario=name),
            ]
        )
        cells = [page.at(body, near, spread=True, scenario=name) for body, _ in WORTH]
        worth.append([told_as, *cells, page.at("npv", last, spread=True, scenario=name)])
    heads = [f"Output {near}", f"Output {last}", f"Exports {last}", f"Local content {last}", f"Hub {last}", "Futures"]
    told = [
        f"<b>{esc(page.study.scenario(name).title)}</b> ({esc(name)}): {esc(page.study.scenario(name).description)}"
        for name in names
        if page.study.scenario(name).description
    ]
    return section(
        "scenarios",
        7,
        "Scenarios side by side",
        para(same_draws(page, names)),
        chart(title, svg, unit=f"cars per year, {last}: median and 5–95 % of futures", source="docs/futures.md"),
        table(["Scenario", *heads], made, kind="tight", caption="Cars a year; medians, with the 5–95 % range."),
        _worth(page, worth),
        bullets(told),
    )


def same_draws(page: Page, names: list[str]) -> str:
    """What a difference between two rows means; scenarios of fewer futures than the main one have its first ones."""
    fewer = [name for name in names if page.runs[name].draws != page.run.draws]
    if not fewer:
        return "All scenarios share the same draws, so differences between them are differences of policy, not of luck."
    return (
        "Scenarios share their draws: between those of equally many futures a difference is one of policy, not luck. "
        f"Some have only the first {page.at('count_futures', page.near, scenario=fewer[0])}, so beside the "
        f"{page.at('count_futures', page.near)} of &ldquo;{esc(page.study.scenario(page.main).title)}&rdquo; a small "
        "difference says nothing; <code>karvan compare</code> gives all of them the same."
    )


def _worth(page: Page, rows: list[list[str]]) -> str:
    """What each scenario is worth, net."""
    if "no_industry" not in page.runs:
        return ""
    heads = [f"{label} {page.near}" for _, label in WORTH]
    caption = f"Net of no industry, money in {esc(page.money)}; the value of the plants (NPV) is that to {page.last}."
    return table(["Scenario", *heads, "NPV"], rows, kind="tight", caption=caption) + para(
        "Net compares each scenario with the same country without the industry, future by future. One that moves "
        "more than the industry, such as a shock to incomes or prices, is compared with the same shock and no industry."
    )

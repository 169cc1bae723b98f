"""``karvan plant``: what one plant can really make, and why."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from karvan.commands.common import emit, json_option, make_room, refuse, scenario_option, seed_option

if TYPE_CHECKING:
    from karvan.futures.ensemble import Futures
    from karvan.futures.plant_study import PlantStudy
    from karvan.study.load import Study

GAINS = ("1 % more speed", "10 % less repair", "10 more places")
WIDTH = 34
"""Characters of the longest bar."""
TITLES = {
    "nameplate": "nameplate",
    "straight_time": "straight time",
    "overtime": "with overtime",
    "breakdowns": "breakdowns",
    "blocking_starving": "blocking, starving",
    "rework": "rework",
    "kits": "kits",
    "ramp_up": "ramp-up",
    "demand": "demand",
}


@click.command()
@click.argument("study")
@click.argument("plant", required=False)
@click.option("--year", type=int, default=None, help="Year of the ladder; the first of the futures if left out.")
@scenario_option
@click.option(
    "--draws", type=click.IntRange(10), default=200, show_default=True, help="Draws of the inputs, and futures."
)
@click.option(
    "--replications", type=click.IntRange(2), default=40, show_default=True, help="Years simulated car by car."
)
@seed_option
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), default=None, help="Chart, SVG.")
@json_option
@refuse
def command(
    study: str,
    plant: str | None,
    year: int | None,
    scenario: str,
    draws: int,
    replications: int,
    seed: int,
    output: Path | None,
    as_json: bool,
) -> None:
    """Take a plant apart: capacity ladder, bottleneck, what-ifs, cost per car.

    The shops of the study are simulated car by car; beside it stands what the futures take. Without PLANT, the plants
    are listed.

    \b
    Example:
      karvan plant azerbaijan hajigabul_azermash_cp
    """
    from karvan.base.errors import InputError
    from karvan.futures.plant_study import in_futures, known_plant, study_plant
    from karvan.study.load import load

    loaded = load(study)
    if plant is None:
        _list(loaded, as_json)
        return
    known_plant(loaded, plant)  # before anything slow
    make_room(output)
    first = loaded.settings.start_year
    last = max(first, year or first)
    if year is not None and not first <= year <= loaded.settings.horizon:
        raise InputError(f"year {year} found; expected {first} to {loaded.settings.horizon}, the years of the futures")
    # Vehicles of other kinds and rivals' capacity stay out of the futures: nothing of a run is told of them.
    run = _run(loaded, scenario, last, draws, seed) if in_futures(loaded, plant) else None
    found = study_plant(loaded, plant, run=run, year=year, replications=replications, draws=draws, seed=seed)
    if output is not None and found.report is not None:
        output.write_text(_svg(found), encoding="utf-8")
    if as_json:
        emit(as_dict(found))
        return
    for line in lines(found):
        click.echo(line)
    if output is not None:
        click.echo(f"\nchart: {output}" if found.report is not None else "\nno chart: there is no ladder to draw")


def _run(study: "Study", scenario: str, last: int, draws: int, seed: int) -> "Futures":
    from karvan.futures.ensemble import simulate

    return simulate(study, scenario=scenario, draws=draws, until=last, seed=seed, workers=1)


def _list(study: "Study", as_json: bool) -> None:
    from karvan.futures.plant_study import own_plants
    from karvan.futures.surrogate import shop_cells

    rows = {row["plant"]: row for row in study.table("plants").iter_rows(named=True)}
    out = [
        {
            "plant": name,
            "name": rows[name]["name"],
            "state": rows[name]["state"],
            "makes": rows[name]["vehicle_kind"],
            "shops": list(shop_cells(study, name)),
        }
        for name in own_plants(study)
    ]
    if as_json:
        emit(out)
        return
    if not out:
        click.echo(f"study {study.name} knows no plant of its own country; plants.csv would list it with the role own")
    width = max((len(row["plant"]) for row in out), default=0)
    for row in out:
        shops = ", ".join(row["shops"]) or "no shops on record"
        click.echo(f"{row['plant']:<{width}}  {row['state']:<10}  {row['makes'].replace('_', ' '):<16}  {shops}")


def lines(found: "PlantStudy") -> list[str]:
    """The plant as text."""
    out = [f"{found.title} [{found.plant}], {found.state}, {found.year}"]
    out += [f"  {text}" for text in found.conditions]
    if found.aggregate is not None:
        return [*out, "", *_aggregate(found)]
    if found.report is None:
        return [*out, "", f"no ladder: {found.missing}"]
    return [*out, "", *_ladder(found), "", *_effective(found), "", *_bottleneck(found), "", *_what_ifs(found), "",
            *_costs(found), "", *_assumed(found)]  # fmt: skip


def _aggregate(found: "PlantStudy") -> list[str]:
    """A rival: capacity, best and latest year from the record, and why no bottleneck can be named."""
    assert found.aggregate is not None
    rungs = found.aggregate.rungs
    out = [found.missing, "", "Ladder of an aggregate, cars a year from the record (change at each rung; why)"]
    above, top = rungs[0][1], max(cars for _, cars, _ in rungs)
    for name, cars, why in rungs:
        change = "" if name == "nameplate" else f"{cars - above:+,.0f}" if abs(cars - above) >= 0.5 else "0"
        bar = "█" * round(WIDTH * cars / top)
        out.append(f"  {name:<19}{cars:>12,.0f} {change:>12}  {bar:<{WIDTH}}  {why}")
        above = cars
    used = found.aggregate.utilisation
    if used is not None:
        low, middle, high = (100.0 * value for value in used)
        out.append(f"  capacity in use, latest year: {middle:.0f} % ({low:.0f} to {high:.0f} by the range of capacity)")
    return [*out, "", f"Bottleneck: {found.aggregate.verdict}"]


def _ladder(found: "PlantStudy") -> list[str]:
    assert found.report is not None
    ladder, made = found.report.ladder, found.report.with_demand
    top = max(float(value) for value in ladder.rungs.values())
    many = found.words[1]
    out = [f"Capacity ladder, {many} a year at the likeliest inputs (change at each rung; why)"]
    steps = [(name, float(ladder.rungs[name]), float(ladder.lost[name])) for name in ladder.rungs]
    why = dict(found.why)
    if made is not None:
        steps.append(("demand", float(made.output), float(made.lost)))
        why["demand"] = f"{float(made.demand):,.0f} {many} wanted, median of the futures in which it works"
    for name, cars, lost in steps:
        change = "" if name == "nameplate" else f"{-lost:+,.0f}" if abs(lost) >= 0.5 else "0"
        bar = "█" * round(WIDTH * cars / top) if top > 0 else ""
        out.append(f"  {TITLES[name]:<19}{cars:>9,.0f} {change:>9}  {bar:<{WIDTH}}  {why[name]}")
    out.append(
        f"  the last capacity rung has a standard error of {_small(found.report.ladder_error)} {many} from simulation"
    )
    return out


def _effective(found: "PlantStudy") -> list[str]:
    assert found.report is not None
    e = found.report.effective
    out = [
        f"Effective capacity, {found.words[1]} a year before demand",
        f"  p5 {e.p5:,.0f}   p50 {e.p50:,.0f}   p95 {e.p95:,.0f}",
        f"  luck       {e.luck[0]:,.0f} to {e.luck[1]:,.0f}, standard deviation {_small(e.luck_sd)} "
        "(breakdowns of a year)",
        f"  ignorance  {e.ignorance[0]:,.0f} to {e.ignorance[1]:,.0f}, standard deviation {_small(e.ignorance_sd)} "
        "(inputs over their ranges)",
    ]
    bottom = float(found.report.ladder.effective)
    if abs(e.p50 / bottom - 1.0) > 0.03 if bottom > 0.0 else False:
        side = "above" if e.p50 > bottom else "below"
        out.append(f"  p50 lies {side} the ladder because the ranges are lopsided around their likeliest values")
    if found.reach is not None:
        cell = found.reach
        out.append(
            f"  straight time / nameplate: {found.calendar_reach:.2f} by the shops' own hours and rates, {cell.mid:g} "
            f"({cell.low:g} to {cell.high:g}) in the futures"
        )
        out.append(
            "  the futures use the second (nameplate_reach): nobody publishes the hours worked, and the best years on "
            "record are known"
        )
    if "ramp_up" in found.futures:
        low, middle, high = found.futures["ramp_up"]
        out.append(
            f"  effective in the futures {middle:,.0f} ({low:,.0f} to {high:,.0f}), where the plant works at all"
        )
    if found.chance is not None:
        out.append(f"  it operates at the end of {found.year} in {100 * found.chance:.0f} % of the futures")
    return out


def _bottleneck(found: "PlantStudy") -> list[str]:
    assert found.report is not None
    b = found.report.bottleneck
    out = [
        f"Bottleneck: {b.verdict}",
        f"  {f'{found.words[1]} a year for':<18}" + "   ".join(f"{title:>18}" for title in GAINS),
    ]
    for i, name in enumerate(b.names):
        pairs = [(b.speed[i], b.speed_error[i]), (b.repair[i], b.repair_error[i]), (b.places[i], b.places_error[i])]
        cells = [f"{_gain(gain)} ± {_gain(error)}" if gain == gain else "-" for gain, error in pairs]
        out.append(f"  {name:<17} " + "   ".join(f"{cell:>18}" for cell in cells))
    return out


def _what_ifs(found: "PlantStudy") -> list[str]:
    assert found.report is not None
    one, many = found.words
    each_title = f"USD per extra {one}"
    out = ["What if", f"  {'':<34}{f'{many} a year':>20}{'USD a year':>14}{each_title:>{len(each_title) + 3}}"]
    for item in found.report.what_ifs:
        cost = "-" if item.yearly_cost is None else f"{item.yearly_cost:,.0f}"
        each = "-" if item.cost_per_extra_car is None else f"{item.cost_per_extra_car:,.0f}"
        if item.cars < 2.0 * item.error:
            each = "no gain seen"
        cars = f"{'+' if item.cars >= 0 else ''}{_small(item.cars)} ± {_small(item.error)}"
        row = f"  {item.name:<34}{cars:>20}{cost:>14}{each:>{len(each_title) + 3}}   {found.costs[item.name]}"
        out.append(row.rstrip())
    out.append(f"  cost per extra {one} comes on top of its kit; {many} are capacity, before demand")
    return out


def _costs(found: "PlantStudy") -> list[str]:
    assert found.report is not None
    one, many = found.words
    if found.no_money:
        return [f"Cost per {one}: not told, for {found.no_money}"]
    parts = [f"{name} {value:,.0f}" for name, value in found.report.cost_per_car.items() if value < float("inf")]
    words = "kit, freight, duty, people and overhead (which holds the annuity of what was invested) at their middle"
    out = [f"Cost per {one}, USD", "  at " + "   ".join(parts), f"  {words}"]
    if found.cost_ranges:
        at = float(found.report.ladder.effective)
        out.append(
            f"  over the ranges of prices, people and overhead, at {at:,.0f} {many} a year: 5, 50, 95 %; assumed part"
        )
        for name, (low, middle, high) in found.cost_ranges.items():
            money = "".join(f"{_money(value):>12}" for value in (low, middle, high))
            out.append(f"    {name:<18}{money}   {_basis(found, name)}".rstrip())
    if found.people is not None:
        low, middle, high = found.people
        out.append(f"  people at full volume: {middle:,.0f} ({low:,.0f} to {high:,.0f})")
    return out


COST_CELLS = {
    "kit": ("kit_price",),
    "freight and duty": ("kit_freight", "kit_duty"),
    "people": ("people_fixed", "people_per_1000", "wage_month"),
    "overhead": ("overhead",),
}
"""Part of cost -> the parameters behind it."""


def _basis(found: "PlantStudy", part: str) -> str:
    """Which of the numbers behind a part of cost nobody measured."""
    behind = COST_CELLS.get(part, ())
    known = {cell.name.split(".")[0]: cell.assumed for cell in found.cells}
    assumed = [name for name in behind if known.get(name)]
    if not behind:
        return ""
    return "assumed: " + ", ".join(assumed) if assumed else "derived from claims"


def _assumed(found: "PlantStudy") -> list[str]:
    assert found.report is not None
    count, total = len(found.assumed), len(found.cells)
    out = [f"Assumed inputs ({count} of {total}): low, likeliest, high"]
    width = max((len(cell.name) for cell in found.assumed), default=0)
    for cell in found.assumed:
        ends = " ".join(f"{_short(value):>11}" for value in (cell.low, cell.mid, cell.high))
        out.append(f"  {cell.name:<{width}} {ends}  {cell.unit}")
    return out + [f"  {text}" for text in found.report.assumed]


def _small(value: float) -> str:
    """Counts of a small plant keep a digit or two after the point."""
    return f"{value:,.0f}" if abs(value) >= 10.0 or value == 0.0 else f"{value:,.2g}"


def _gain(value: float) -> str:
    """A gain with one digit after the point, or two digits where it is small."""
    return f"{value:,.1f}" if abs(value) >= 0.95 or value == 0.0 else f"{value:,.2g}"


def _money(value: float) -> str:
    """Whole dollars, or cents below 100."""
    return f"{value:,.0f}" if abs(value) >= 100.0 else f"{value:,.2f}"


def _short(value: float) -> str:
    """Whole numbers with separators, others as they were given."""
    return f"{value:,.0f}" if value == round(value) else f"{value:,.4g}"


def as_dict(found: "PlantStudy") -> dict[str, Any]:
    """The plant as data."""
    out: dict[str, Any] = {
        "plant": found.plant,
        "title": found.title,
        "state": found.state,
        "vehicle_kind": found.vehicle_kind,
        "year": found.year,
        "conditions": list(found.conditions),
        "missing": found.missing or None,
        "currency": "USD",
        "counts": found.words[1],
    }
    if found.aggregate is not None:
        entered = found.aggregate
        out["aggregate"] = {
            "ladder": [{"rung": name, "cars": cars, "why": why} for name, cars, why in entered.rungs],
            "capacity": list(entered.capacity),
            "utilisation": None if entered.utilisation is None else list(entered.utilisation),
            "bottleneck": {"verdict": entered.verdict, "shops": []},
        }
    report = found.report
    if report is None:
        return out
    effective, b = report.effective, report.bottleneck
    out["ladder"] = [
        # `cars` counts what `counts` says: buses at a bus plant.
        {"rung": name, "cars": float(cars), "lost": float(report.ladder.lost[name]), "why": found.why[name]}
        for name, cars in report.ladder.rungs.items()
    ]
    out["ladder_error"] = report.ladder_error
    made = report.with_demand
    out["demand"] = None if made is None else {
        "wanted": float(made.demand), "output": float(made.output), "lost": float(made.lost), "unmet": float(made.unmet)
    }  # fmt: skip
    out["effective"] = vars(effective)
    out["nameplate_reach"] = {
        "by_calendar": found.calendar_reach,
        "in_futures": None if found.reach is None else [found.reach.low, found.reach.mid, found.reach.high],
    }
    out["futures"] = {name: list(values) for name, values in found.futures.items()}
    out["chance_to_operate"] = found.chance
    out["bottleneck"] = {
        "verdict": b.verdict,
        "shops": [
            {
                "shop": name,
                **{
                    field: float(getattr(b, field)[i])
                    for field in ("speed", "speed_error", "repair", "repair_error", "places", "places_error")
                },
            }
            for i, name in enumerate(b.names)
        ],
    }
    out["what_ifs"] = [{**vars(item), "cost_basis": found.costs[item.name]} for item in report.what_ifs]
    out["cost_per_car"] = report.cost_per_car
    out["cost_ranges"] = {name: list(values) for name, values in found.cost_ranges.items()}
    out["no_money"] = found.no_money or None
    out["people"] = None if found.people is None else list(found.people)
    out["inputs"] = [
        {
            "name": cell.name, "low": cell.low, "mid": cell.mid, "high": cell.high, "unit": cell.unit,
            "assumed": cell.assumed, "source": cell.source, "note": cell.note,
        }
        for cell in found.cells
    ]  # fmt: skip
    out["assumed"] = list(report.assumed)
    return out


def _svg(found: "PlantStudy") -> str:
    from karvan.reporting.charts import draw, steps

    assert found.report is not None
    by_shops, in_futures = "By its shops and shifts", "In the futures, median"
    order = [TITLES[name] for name in (*found.report.ladder.rungs, "demand")]
    rows = [
        {"facet": by_shops, "rung": TITLES[name], "value": round(float(cars)), "kind": "capacity"}
        for name, cars in found.report.ladder.rungs.items()
    ]
    rows += [
        {
            "facet": in_futures,
            "rung": TITLES[name],
            "value": round(values[1]),
            "kind": "demand" if name == "demand" else "capacity",
        }
        for name, values in found.futures.items()
        if name in TITLES
    ]
    if found.report.with_demand is not None:
        wanted = round(float(found.report.with_demand.demand))
        rows.append({"facet": by_shops, "rung": TITLES["demand"], "value": wanted, "kind": "demand"})
    facets = [by_shops, in_futures] if found.futures else [by_shops]
    spec = steps(rows, rungs=order, facets=facets, unit=f"{found.words[1]} a year, {found.year}")
    return draw(
        {"title": f"{found.title}: capacity ladder", **spec},
        name="plant",
        alt=f"Capacity ladder of {found.title}, {found.year}",
    )

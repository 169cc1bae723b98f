"""``karvan nowcast``: the current year by plant, from every claim about any part of it."""

from pathlib import Path

import click

from karvan.commands.common import emit, json_option, make_room, refuse, seed_option


@click.command()
@click.argument("study")
@click.option("--year", type=int, default=None, help="Year to show; the study's base year if left out.")
@click.option("--draws", type=click.IntRange(1), default=200, show_default=True, help="Draws of the monthly series.")
@click.option("--as-of", default=None, metavar="DATE", help="Only claims known by this date.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Draw the months to an SVG file.")
@seed_option
@json_option
@refuse
def command(
    study: str, year: int | None, draws: int, as_of: str | None, output: Path | None, seed: int, as_json: bool
) -> None:
    """What each plant makes now: output by month and plant with bands, utilisation, self-sufficiency, targets."""
    from dataclasses import asdict

    from karvan.futures.names import readable
    from karvan.futures.nowcast import nowcast, revenue_per_car
    from karvan.futures.nowcast_year import bands_by_month, current_year, targets
    from karvan.study.load import load

    known = load(study, as_of=as_of)
    make_room(output)
    cast = nowcast(known, draws=draws, seed=seed)
    now = current_year(known, cast, year, seed=seed)
    money, aims = revenue_per_car(known), targets(known, seed=seed)
    names = dict(known.table("plants").select("plant", "name").iter_rows())
    if output is not None:
        from karvan.reporting import charts

        alt = "Cars made a month by each plant, with the range that all sums on record leave open"
        output.write_text(charts.draw(charts.months(cast, names), name="months", alt=alt), encoding="utf-8")
    if as_json:
        emit(
            {
                "year": now.year,
                "output": asdict(now.output),
                "plants": [asdict(row) for row in now.plants],
                "months": [{"month": m, "plant": p, **asdict(band)} for m, p, band in bands_by_month(cast)],
                "self_sufficiency": {
                    "new": asdict(now.new),
                    "all": asdict(now.everything),
                    "value": asdict(now.value),
                    "sources": now.sources,
                },
                "revenue_per_car": [asdict(row) for row in money],
                "targets": [
                    {
                        "claim": t.claim,
                        "year": t.year,
                        "target": t.target,
                        "stated": t.stated,
                        "outcome": t.outcome.value if t.outcome else None,
                        "met": t.met,
                        "odds": t.odds,
                    }
                    for t in aims
                ],
                "claims_used": [asdict(item) for item in cast.used],
                "claims_passed_over": [{"claim": name, "why": why} for name, why in cast.passed],
            }
        )
        return
    told = f"; the figure used for the year is {now.record.value:,.0f}" if now.record else ""
    click.echo(
        f"{now.year}: {now.output.low:,.0f} to {now.output.high:,.0f} cars, middle {now.output.middle:,.0f}{told}"
    )
    titles = {row.plant: names.get(row.plant, row.plant).split(" (")[0] for row in now.plants}
    width = max([len(text) for text in titles.values()], default=5) + 2
    click.echo(f"\n{'plant':<{width}}{'cars':>9}{'5 %':>8}{'95 %':>8}{'of nameplate':>14}{'of what it can make':>21}")
    for row in now.plants:
        click.echo(
            f"{titles[row.plant]:<{width}}{row.output.middle:>9,.0f}{row.output.low:>8,.0f}{row.output.high:>8,.0f}"
            f"{row.utilisation_nameplate.middle:>14.0%}{row.utilisation_effective.middle:>21.0%}"
        )
    click.echo(f"\nrevenue per car, {known.settings.currency} (value / cars):")
    for item in money:
        subject = names.get(item.subject, readable(item.subject)).split(" (")[0]
        click.echo(
            f"  {subject:<{width}}{item.per_car:>10,.0f}   {item.period}  ({item.money:,.0f} / {item.cars:,.0f})"
        )
    click.echo("\nself-sufficiency, 5 to 95 %:")
    words = ("home-made / new registrations", "home-made / (home-made + all imports)", "value added at home / spending")
    for name, band, source in zip(words, (now.new, now.everything, now.value), now.sources, strict=True):
        click.echo(f"  {name:<40}{band.low:>7.1%} to {band.high:.1%}, middle {band.middle:.1%}   {source}")
    if aims:
        click.echo(f"\n{'target':>8}{'year':>6}{'stated':>12}{'came':>9}  odds the model gave then")
    for aim in aims:
        came = f"{aim.outcome.value:,.0f}" if aim.outcome else "-"
        odds = "no study of that day" if aim.odds is None else f"{aim.odds:.0%}"
        click.echo(f"{aim.target:>8,.0f}{aim.year:>6}{aim.stated:>12}{came:>9}  {odds}")
    click.echo(f"\n{len(cast.used)} claims used, {len(cast.passed)} passed over (--json tells each, and every month)")
    if output is not None:
        click.echo(f"chart: {output}")

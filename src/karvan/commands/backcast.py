"""``karvan backcast``: what the model would have said in a past year, and how far off that was."""

import os

import click

from karvan.commands.common import codes as country_codes
from karvan.commands.common import emit, json_option, progress, refuse, seed_option

LEGEND = """
mean and median |ln|: how far the middle forecast was off, ln(forecast / outcome); 0.69 is twice or half. CRPS scores
the whole range. Less is better in all three. Beside the model: last, the last known figure for ever (last_spread: with
a range); loop, the year loop alone; trend and half_trend, the record's growth carried on; world and gdp, which are no
forecasts: the growth of the world's output and of the country's income as it came (docs/backcast.md)."""


@click.command()
@click.argument("country", required=False)
@click.option("--all", "everyone", is_flag=True, help="All countries that make vehicles.")
@click.option("--as-of", "as_of", required=True, metavar="DATE[,DATE]", help="Years (their last day) or dates.")
@click.option("--draws", type=click.IntRange(1), default=500, show_default=True, help="Number of futures.")
@click.option("--workers", type=click.IntRange(1), default=None, help="Processes; chosen by itself if left out.")
@click.option("--save", type=click.Path(dir_okay=False), default=None, help="Also write the scores to a file.")
@seed_option
@json_option
@refuse
def command(
    country: str | None,
    everyone: bool,
    as_of: str,
    draws: int,
    workers: int | None,
    save: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Put the model into the past and score it: one COUNTRY (such as MAR), or --all.

    Only what was known by the date goes in. --json prints quantiles for every country and target year, also where the
    outcome is not in the tables.
    """
    from dataclasses import asdict

    from karvan.base.errors import InputError
    from karvan.futures.backcast import backcast_all
    from karvan.futures.backcast_score import as_data, choices, hub_scores, published, score, tables

    if (country is None) == (not everyone):
        raise InputError("give either a country, such as MAR, or --all")
    dates = [part.strip() for part in as_of.split(",") if part.strip()]
    codes = None if everyone else list(country_codes(str(country)))
    with progress("backcasts") as bar:
        forecasts = backcast_all(
            dates, codes, draws=draws, seed=seed, workers=workers or os.cpu_count() or 1, progress=bar
        )
    skills, hubs = tables(forecasts), hub_scores(forecasts)
    if save:
        import json
        from pathlib import Path

        words = f"karvan backcast {'--all' if everyone else country} --as-of {as_of} --draws {draws} --seed {seed}"
        text = json.dumps(published(skills, hubs, words, choices(forecasts)), indent=1, ensure_ascii=False)
        try:
            Path(save).write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise InputError(f"cannot write {save}: {error.strerror}") from None
    if as_json:
        data = published(skills, hubs, "karvan backcast")
        rows = [asdict(row) for forecast in forecasts for row in score(forecast)]
        emit({"forecasts": as_data(forecasts), "scores": data["skill"], "hub_volume": data["hub_volume"], "rows": rows})
        return
    if not everyone:
        for forecast in forecasts:
            q, came = forecast.quantiles(), {row.year: row.outcome for row in score(forecast)}
            words = f"{forecast.last:,.0f} in {forecast.last_year}" if forecast.last_year else "nothing on record"
            click.echo(f"{forecast.country} as of {forecast.as_of} ({forecast.kind}; last known: {words})")
            click.echo(f"{'year':>6}{'5 %':>13}{'median':>13}{'95 %':>13}{'came':>13}")
            for i, year in enumerate(forecast.years):
                if i:
                    told = f"{came[year]:,.0f}" if year in came else "not known"
                    click.echo(f"{year:>6}{q[1, i]:>13,.0f}{q[4, i]:>13,.0f}{q[7, i]:>13,.0f}{told:>13}")
    one = {(skill.as_of, skill.forecasts) for skill in skills if skill.group == "all"} if not everyone else set()
    shown = [skill for skill in skills if skill.group == "all" or (skill.as_of, skill.forecasts) not in one]
    if shown:
        click.echo(LEGEND)
    for skill in shown:
        group = "scored" if not everyone and skill.group == "all" else skill.group
        countries = "1 country" if skill.countries == 1 else f"{skill.countries} countries"
        forecasts_ = "1 forecast" if skill.forecasts == 1 else f"{skill.forecasts} forecasts"
        click.echo(
            f"\n{skill.as_of}, {group}: {forecasts_} of {countries}; "
            f"inside 50 %: {skill.covered_50:.0%}, inside 90 %: {skill.covered_90:.0%}"
        )
        click.echo(f"  {'':<14}{'mean |ln|':>10}{'median':>9}{'CRPS':>9}")
        click.echo(f"  {'model':<14}{skill.error_mean:>10.3f}{skill.error_median:>9.3f}{skill.crps:>9.3f}")
        for name, ruler in skill.rulers.items():
            click.echo(f"  {name:<14}{ruler['error_mean']:>10.3f}{ruler['error_median']:>9.3f}{ruler['crps']:>9.3f}")
    for hub in hubs:
        click.echo(
            f"\n{hub.as_of}, hub_volume, Brier score: model {hub.model:.3f}, base rate {hub.base_rate:.3f}, "
            f"persistence {hub.persistence:.3f} ({hub.forecasts} forecasts, {hub.outcomes} times it held)"
        )

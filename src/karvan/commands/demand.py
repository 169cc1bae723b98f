"""``karvan demand``: cars owned and bought in any country of the world tables, with a small chart."""

from typing import TYPE_CHECKING, Any

import click

from karvan.commands.common import codes, emit, json_option, look_option, refuse, seed_option

if TYPE_CHECKING:
    from karvan.futures.outlook import Fit, Outlook
    from karvan.futures.outlook_ages import Ages

SHOWN = (("owned", "cars per 1,000 people"), ("stock", "cars in use"), ("new", "new cars"), ("used", "used cars"))
SEGMENTS = (("small", "small"), ("medium", "medium"), ("suv", "SUV"), ("electrified", "hybrid or electric"))
COMMERCIAL = (("light_commercial", "light commercial"), ("bus", "buses"), ("truck", "trucks"))
WIDTH = 48
"""Characters of the chart's bars."""


@click.command()
@click.argument("countries", nargs=-1, required=True, metavar="COUNTRY...")
@click.option("--until", type=int, default=2040, show_default=True, help="Last year.")
@click.option("--study", default=None, help="A study whose own numbers answer for its markets.")
@look_option
@seed_option
@json_option
@refuse
def command(countries: tuple[str, ...], until: int, study: str | None, draws: int, seed: int, as_json: bool) -> None:
    """Show how many cars countries will own and buy, new and used, with ranges and the quality of the fit.

    COUNTRY is an ISO3 code such as KAZ, or a name, for any country of the world tables. Used cars are what the fleet
    asks for beyond new ones.
    """
    from karvan.futures.outlook import outlook
    from karvan.study.load import load

    wanted = list(dict.fromkeys(code for text in countries for code in codes(text)))
    found = outlook(wanted, until=until, study=load(study) if study else None, draws=draws, seed=seed)
    if as_json:
        emit({"draws": draws, "seed": seed, "countries": [as_dict(row) for row in found]})
        return
    for row in found:
        for line in lines(row):
            click.echo(line)
        click.echo()


def years_shown(row: "Outlook") -> list[int]:
    """The first year, every fifth and the last."""
    return sorted({row.years[0], *(year for year in row.years if year % 5 == 0), row.years[-1]})


def as_dict(row: "Outlook") -> dict[str, Any]:
    """An outlook for programs: every year."""
    paths = {
        name: [{"year": year, **vars(row.at(name, year))} for year in row.years]
        for name in ("owned", "stock", "new", "used", "bought")
    }
    kinds = {name: [{"year": year, **vars(row.at(name, year))} for year in row.years] for name in row.kinds}
    fit, ages = (vars(found) if found else None for found in (row.fit, row.ages))
    return {
        "country": row.country, "name": row.name, "source": row.source, "fit": fit, "ages": ages,
        "notes": list(row.notes), **paths, "kinds": kinds,
    }  # fmt: skip


def lines(row: "Outlook") -> list[str]:
    """Table, fit and chart of one country."""
    years = years_shown(row)
    out = [f"{row.name} ({row.country}), from {row.source}; medians and 5-95 % of futures"]
    out += table(row, years, SHOWN)
    ends = [years[0], years[-1]] if len(years) > 1 else years
    if any(value == value for value in row.kinds["small"][0]):
        out += ["  new cars by segment and, across them, by drive (shares assumed)", *table(row, ends, SEGMENTS)]
    if COMMERCIAL[0][0] in row.kinds:
        out += ["  new commercial vehicles, not among the cars", *table(row, ends, COMMERCIAL)]
    if row.fit is not None:
        out.append(f"  fit: {fit_words(row.fit)}")
    if row.ages is not None:
        out.append(f"  ages: {ages_words(row.ages)}")
    out += [f"  note: {note}" for note in row.notes]
    out.append("  cars per 1,000 people: median o, 5-95 % -")
    return out + ["  " + line for line in chart(row, years)]


def table(row: "Outlook", years: list[int], columns: tuple[tuple[str, str], ...]) -> list[str]:
    """A table of ranges, each column as wide as its widest cell."""
    cells = [[label, *_texts(row, name, years)] for name, label in columns]
    widths = [max(map(len, column)) + 3 for column in cells]
    heads = ["", *map(str, years)]
    return [
        f"  {heads[line]:<5}" + "".join(f"{column[line]:>{width}}" for column, width in zip(cells, widths, strict=True))
        for line in range(len(heads))
    ]


def fit_words(fit: "Fit") -> str:
    """The quality of a fit in one sentence."""
    if fit.miss != fit.miss:
        return f"{fit.years} year(s) of {fit.measure} on record: too few for a fit; the curve goes through the last one"
    text = f"{fit.measure}, {fit.years} years {fit.first}-{fit.last}, missed by {fit.miss:.1%} on average"
    text += f", R2 {fit.r_squared:.2f}"
    if fit.held_out == fit.held_out:
        text += f"; asked for {fit.last} from the years to {fit.last - 5}: {fit.held_out:+.0%}"
    if fit.at_edge:
        text += "; the record does not say which curve"
    return text


def ages_words(ages: "Ages") -> str:
    """What the ages on record say, in one sentence."""
    text = f"{ages.year}, missed by {100 * ages.error:.1f} points: cars stay {ages.life:.0f} years, "
    text += f"{ages.new_share:.0%} of those that come in are new"
    return text if ages.used else f"{text}; not taken: the fleet was not settled, or the record does not tell"


def chart(row: "Outlook", years: list[int]) -> list[str]:
    """Ownership as bars of text."""
    ranges = {year: row.at("owned", year) for year in years}
    top = max(value.high for value in ranges.values()) or 1.0
    out = []
    for year, value in ranges.items():
        low, mid, high = (round(WIDTH * number / top) for number in (value.low, value.mid, value.high))
        bar = " " * low + "-" * (high - low + 1)
        out.append(f"{year} |{bar[:mid]}o{bar[mid + 1 :]}")
    return [*out, f"     0{f'{top:,.0f}':>{WIDTH}}"]


def _texts(row: "Outlook", name: str, years: list[int]) -> list[str]:
    """A column of ranges, all in one unit."""
    values = [row.at(name, year) for year in years]
    if max(value.high for value in values) >= 1e7:
        return [f"{v.mid / 1e6:,.1f} m ({v.low / 1e6:,.1f}-{v.high / 1e6:,.1f})" for v in values]
    return [f"{v.mid:,.0f} ({v.low:,.0f}-{v.high:,.0f})" if v.mid == v.mid else "not known" for v in values]

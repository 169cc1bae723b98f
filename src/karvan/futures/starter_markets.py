"""The markets of a starter study: what the built-in study knows of them, else the world tables, else countries like it.

Cars in use whose record is old are carried on to the base year along the country's own ownership curve, as ``karvan
demand`` does, so that a study does not begin with the fleet of ten years ago.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from karvan.base.errors import InputError
from karvan.futures.outlook_world import from_world
from karvan.futures.series import series_of
from karvan.futures.starter_flows import World
from karvan.futures.starter_rows import AGAIN, Row, rounded, spread
from karvan.study.load import Study
from karvan.study.world import world_table

LIFE = 27.0
"""Years a car stays in use when purchases are read off the cars in use: ``assumed``, as in the register."""
OLD = 3
"""Years after which cars in use on record are carried on along the curve."""
HERE = ("vat_rate", "electrified_midpoint", "real_exchange_rate_sd")
"""What the built-in study knows of single countries besides their numbers of cars."""
COUNTS = ("new_sales", "new_sales_now", "stock", "used_imports", "used_imports_now")
DRAWS = 200
"""Draws of the curve that carries a stock on."""


class TooEarly(InputError):
    """The world tables as known on a date are too thin for a starter study."""


def market_sales(world: World, country: str) -> tuple[float, float, float, str, str]:
    """New cars a year in the base years: low, mid, high, source, note."""
    if country in world.sold:
        mid, part = world.sold[country], 0.07 if world.sold[country] > 2e4 else 0.3
        source = f"derived: mean of {world.years[0]}-{world.years[-1]} in the world table sales.csv"
        return mid * (1 - part), mid, mid * (1 + part), source, "range for definitions and small counts: judgement"
    rate = [_per_head(world, c, world.sold[c]) for c in _alike(world, country, set(world.sold))]
    low, mid, high = (float(np.quantile(rate, q)) * world.levels[country].population for q in (0.1, 0.5, 0.9))
    return low, mid, high, "assumed", f"as sold per head in {len(rate)} countries of like income"


def base_sales(world: World, donor: Study, market: str) -> float:
    """New cars a year in the base years, as the study will have them."""
    known = {} if world.dated else _known(donor, market)
    return float(str(known["new_sales"]["mid"])) if "new_sales" in known else market_sales(world, market)[1]


def market_rows(world: World, donor: Study, markets: Sequence[str], base: int) -> Iterable[Row]:
    """Sales, used imports and cars in use of each market; taxes and habits where the donor knows the market."""
    stocks = _stocks()
    for market in markets:
        rows: dict[object, Row] = {row["attribute"]: row for row in _counts(world, stocks, market, base)}
        # What the donor knows of single countries is of today: not for a study as of a past date.
        if not world.dated:
            rows.update(_known(donor, market))
        yield from rows.values()
    table = donor.table("markets").filter(
        pl.col("source").str.starts_with("http") | pl.col("source").str.starts_with("assumed")
    )
    for row in table.iter_rows(named=True):
        here = row["market"] in markets and not world.dated and row["attribute"] in HERE
        if row["market"] == "*" or here:
            yield _again(row)


def _counts(world: World, stocks: dict[str, tuple[int, float, str]], market: str, base: int) -> Iterable[Row]:
    """Numbers of cars of one market, from the world tables."""
    low, mid, high, source, note = market_sales(world, market)
    yield _row(market, "new_sales", *rounded(low, mid, high), "cars per year", source, note)
    bought = mid
    sales = {} if world.dated else series_of(world_table("sales"), market, "passenger_cars")
    latest = max((year for year, value in sales.items() if value > 0), default=0)
    if latest > world.years[-1]:
        bought = sales[latest]
        part = 0.15 + 0.05 * max(base - latest, 0)
        source = f"derived: latest year in the world table sales.csv, {latest}"
        ends = rounded(bought * (1 - part), bought, bought * (1 + part))
        note = "range for the years since: judgement"
        yield _row(market, "new_sales_now", *ends, "cars per year", source, note)
    year, cars, words = stocks.get(market, (0, 0.0, ""))
    carried = _carried(market, year, base) if cars > 0 and not world.dated and base - year > OLD else None
    if carried is not None:
        cars = carried[1]
        note = f"{words} and the curve fitted to the country's record, as karvan demand draws it: 5, 50 and 95 percent"
        yield _row(
            market, "stock", *rounded(*carried), "cars", "estimated: ownership curve (karvan.futures.outlook)", note
        )
    elif cars > 0:
        part = 0.05 + 0.03 * max(base - year, 0)
        ends = rounded(cars * (1 - min(part, 0.6)), cars, cars * (1 + part))
        note = "range widened by 3 percent a year of distance: judgement"
        yield _row(market, "stock", *ends, "cars", f"derived: {words}", note)
    else:
        per = [_per_head(world, c, stocks[c][1]) for c in _alike(world, market, set(stocks))]
        if not per:
            raise TooEarly("no country's cars in use were on record yet: no starter study can begin that early")
        ends = rounded(*(float(np.quantile(per, q)) * world.levels[market].population for q in (0.1, 0.5, 0.9)))
        cars = ends[1]
        yield _row(market, "stock", *ends, "cars", "assumed", "cars per head as in ten countries of like income")
    used = max(cars / LIFE - bought, 0.02 * bought)
    note = f"keeps the cars in use at a mean life of {LIFE:g} years, less new cars; at least 2 percent of new ones"
    ends = rounded(0.2 * used, used, 2.0 * used)
    yield _row(market, "used_imports", *ends, "cars per year", "assumed", note)


def _carried(market: str, year: int, base: int) -> tuple[float, float, float] | None:
    """Cars in use at the start, carried on from an old record: 5, 50 and 95 % points; None without a curve."""
    try:
        path = from_world(market, market, base + 1, DRAWS, 1)
    except InputError:
        return None
    if path.fit is None or path.fit.last < year:
        return None
    found = path.at("stock", path.years[0])
    return found.low, found.mid, found.high


def _known(donor: Study, market: str) -> dict[object, Row]:
    """The donor's own numbers of a market's cars; what it derives from the world tables is left to them."""
    table = donor.table("markets").filter((pl.col("market") == market) & pl.col("attribute").is_in(COUNTS))
    return {
        row["attribute"]: _again(row)
        for row in table.iter_rows(named=True)
        if str(row["source"]).startswith(("http", "assumed"))
    }


def _again(row: Row) -> Row:
    note = f"{AGAIN}; {row['note']}" if row["note"] else AGAIN
    return {**{name: value for name, value in row.items() if not name.startswith("_")}, "note": note}


def _row(market: str, attribute: str, low: float, mid: float, high: float, *rest: str) -> Row:
    return {"market": market, "attribute": attribute, **spread(low, mid, high, *rest)}


def _per_head(world: World, country: str, value: float) -> float:
    return value / world.levels[country].population


def _alike(world: World, country: str, among: set[str]) -> list[str]:
    """The ten countries nearest in income."""
    level = np.log(world.levels[country].income_ppp)
    pool = [code for code in sorted(among) if code in world.levels and code != country]
    return sorted(pool, key=lambda code: abs(np.log(world.levels[code].income_ppp) - level))[:10]


def _stocks() -> dict[str, tuple[int, float, str]]:
    """Cars in use: latest year, number and what was counted."""
    found: dict[str, tuple[int, float, str]] = {}
    stock = world_table("stock").filter(pl.col("stock").is_not_null()).sort("year")
    for measure, factor in (("all_motor_vehicles", 0.8), ("passenger_cars", 1.0)):
        for row in stock.filter(pl.col("measure") == measure).iter_rows(named=True):
            words = "cars" if factor == 1.0 else "vehicles of all kinds x 0.8, assumed,"
            found[row["country"]] = (row["year"], factor * row["stock"], f"{words} in use in {row['year']}, stock.csv")
    ages = world_table("fleet_ages").filter(pl.col("age_class") == "all").sort("year")
    for row in ages.iter_rows(named=True):
        if row["year"] >= found.get(row["country"], (0, 0.0, ""))[0]:
            found[row["country"]] = (row["year"], row["cars"], f"cars in use in {row['year']}, fleet_ages.csv")
    return found

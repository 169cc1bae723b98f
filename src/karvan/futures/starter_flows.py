"""What the world tables know about one country and those around it, and the car flows estimated between them.

The method is that of ``docs/flows.md``, with its elasticities, on the world tables alone: no cell is held at a record,
so the error of each cell is that of its size class. Letters: ``O`` makers, ``M`` markets.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from karvan.base.axes import Array
from karvan.base.errors import UnknownName, nearest
from karvan.market.flows import balance_flows, gravity_seed
from karvan.market.rebuild import great_circle, mean_distance
from karvan.study.world import country_code, known_date, world_table

ROW = "ROW"
YEARS = (2017, 2018, 2019)
"""Base years of the flows; inside :func:`karvan.study.world.as_known` the three years before the date."""
DISTANCE, BORDER, HOME, DUTY = -0.840, 1.141, -3.175, -5.723
"""Elasticities of the seed, fitted to the car matrix of 1993: ``docs/flows.md``."""
EAST = frozenset({"AZE", "GEO", "ARM", "RUS", "KAZ", "UZB", "TKM", "TJK", "KGZ", "UKR", "BLR", "MDA"})
EAST_FACTOR = 5.7
"""Factor of flows between these, for the brands and service they share: ``docs/flows.md``."""
CARS = ("passenger car, complete", "new passenger car", "car worth up to 40,000 USD", "car, petrol up to 1600 cc")
"""What tariffs call the cars that are meant here; the headline rate first."""
DUTY_ELSEWHERE = 0.10
"""``assumed`` where the tariff table has no rate."""
CARS_OF_TOTAL = 0.75
"""Passenger cars among all vehicles made where no year has both: ``assumed``, 0.5 to 1."""
HOME_SHARE = 0.9
"""Share of its output that a maker smaller than its home market sells there: ``assumed``, 0.7 to 1."""
EDGES = (0.001, 0.01, 0.03, 0.1, 0.3)
ERRORS = (1.90, 1.24, 1.06, 0.86, 0.61, 0.50)
"""Standard error of ln flow by the cell's share of its market: below 0.1 %, to 1, 3, 10, 30 % and above."""


@dataclass(frozen=True)
class Level:
    """Population and income of a country in its latest full year."""

    year: int
    population: float
    income: float
    """GDP per head, USD of 2015."""
    income_ppp: float
    """GDP per head, international dollars."""


@dataclass(frozen=True)
class World:
    """The world tables by country, read once."""

    countries: Mapping[str, Mapping[str, object]]
    levels: Mapping[str, Level]
    sold: Mapping[str, float]
    """New passenger cars, mean of the base years on record."""
    made: Mapping[str, float]
    """Passenger cars made, mean of the base years on record."""
    duty: Mapping[str, tuple[float, str]]
    """Duty on cars of most-favoured nations, share of 1, with its source."""
    duty_then: Mapping[str, float]
    """The same in the base years of the flows."""
    years: tuple[int, ...] = YEARS
    """Base years of the flows; inside :func:`karvan.study.world.as_known` the three years before the date."""
    dated: bool = False
    """Whether only agreements with a date on record count: in studies as of a past date."""

    def name(self, country: str) -> str:
        """Name of a country."""
        return str(self.countries[country]["name"])

    def neighbours(self, country: str) -> list[str]:
        """Countries with a common land border."""
        return [code for code in str(self.countries[country]["neighbours"] or "").split(";") if code in self.countries]

    def member(self, country: str, union: str, year: int) -> bool:
        """Whether a country is in the EU (``eu_since``) or the Eurasian union (``eaeu_since``) in a year."""
        if country not in self.countries:
            return False
        since, _, left = str(self.countries[country][union] or "").partition("-")
        return bool(since) and int(since) <= year and not (len(left) == 4 and int(left) <= year)

    def distance(self, origins: Sequence[str], markets: Sequence[str]) -> Array:
        """(O, M), km between capitals; 1 within a country."""
        places = [
            np.array([float(str(self.countries[code][field])) for code in codes])
            for codes in (origins, markets)
            for field in ("latitude", "longitude")
        ]
        km = great_circle(*places)
        km[np.array(origins)[:, None] == np.array(markets)] = 1.0
        return np.maximum(km, 1.0)

    def free(self, origin: str, market: str, year: int) -> bool:
        """Whether two countries are members of one customs union."""
        return any(
            all(self.member(code, union, year) for code in (origin, market)) for union in ("eu_since", "eaeu_since")
        )


def read_world() -> World:
    """The world tables by country."""
    countries = {row["country"]: row for row in world_table("countries").iter_rows(named=True)}
    levels: dict[str, Level] = {}
    full = world_table("income").drop_nulls(["population", "gdp_per_head", "gdp_per_head_ppp"]).sort("year")
    for row in full.iter_rows(named=True):
        levels[row["country"]] = Level(row["year"], row["population"], row["gdp_per_head"], row["gdp_per_head_ppp"])
    date = known_date()
    years = YEARS if date is None else tuple(range(int(date[:4]) - 3, int(date[:4])))
    sold = _means(world_table("sales"), "passenger_cars", years)
    duty = _duties(countries, years[1])
    then = {code: rate for code, (rate, _) in (duty if date else _duties(countries, years[1], at=years[1])).items()}
    return World(countries, levels, sold, _made(years), duty, then, years, date is not None)


def find_country(world: World, code: str) -> str:
    """The ISO3 code of a country given by its code or its name.

    Errors: :class:`UnknownName` with the nearest names, or for a country without population and income on record.
    """
    names = {str(row["name"]): key for key, row in world.countries.items()}
    found = country_code(code)
    if found is None:
        close = nearest(code.upper(), world.countries) if len(code) <= 3 else nearest(code.title(), names)
        close = re.sub(r"'([A-Z]{3})'", lambda match: f"{match[1]} ({world.name(match[1])})", close)
        raise UnknownName(
            f"no country '{code}' in the world tables; {close or 'expected an ISO3 code such as KAZ, or a name'}"
        )
    if found not in world.levels:
        raise UnknownName(f"the world tables have no population and income of {world.name(found)}: no study can start")
    return found


def _means(table: pl.DataFrame, column: str, years: tuple[int, ...]) -> dict[str, float]:
    """Mean over the base years on record, by country."""
    rows = table.filter(pl.col("year").is_in(years) & pl.col(column).is_not_null())
    return {key: float(np.mean(values)) for key, values in _grouped(rows, column).items() if np.mean(values) > 0}


def _grouped(rows: pl.DataFrame, column: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for country, value in zip(rows["country"].to_list(), rows[column].to_list(), strict=True):
        found.setdefault(country, []).append(float(value))
    return found


def _made(years: tuple[int, ...]) -> dict[str, float]:
    """Passenger cars made; where only totals are on record, those times the share of cars in other years."""
    table = world_table("production")
    cars, total = _means(table, "passenger_cars", years), _means(table, "total", years)
    made = {**{code: value * car_share(code) for code, value in total.items() if code not in cars}, **cars}
    if known_date() is not None:
        # As of a past year some makers' last figure is older: better that than to take them for no makers. One whose
        # last figure is nought makes none.
        older = (
            table.filter(pl.col("total").is_not_null()).sort("year", descending=True).unique("country", keep="first")
        )
        for row in older.filter(pl.col("total") > 0).sort("country").iter_rows(named=True):
            if row["country"] not in made:
                made[row["country"]] = float(row["total"]) * car_share(row["country"])
    return made


def car_share(country: str) -> float:
    """Passenger cars over all vehicles made, mean of the last three years that have both."""
    rows = world_table("production").filter(
        (pl.col("country") == country) & (pl.col("passenger_cars") > 0) & (pl.col("total") > 0)
    )
    shares = (rows.sort("year")["passenger_cars"] / rows.sort("year")["total"]).to_list()[-3:]
    return float(np.clip(np.mean(shares), 0.0, 1.0)) if shares else CARS_OF_TOTAL


def _duties(countries: Iterable[str], year: int, at: int | None = None) -> dict[str, tuple[float, str]]:
    """Latest most-favoured-nation rate on complete passenger cars, by country; the EU's for its members of ``year``.

    With ``at``, rates that began later are left out. Studies as of a past date know the headline rates alone.
    """
    names = CARS if known_date() is None else CARS[:1]
    rows = world_table("tariffs").filter(
        pl.any_horizontal(pl.col("product").str.starts_with(name) for name in names)
        & (pl.col("origin") == "MFN")
        & pl.col("duty_rate").is_not_null()
        & pl.col("duty_specific").is_null()
    )
    ordered = rows.with_columns(pl.col("year_from").fill_null(0)).sort("year_from", "known_on")
    if at is not None:
        ordered = ordered.filter(pl.col("year_from") <= at)
    found = {row["importer"]: (row["duty_rate"] / 100, row["source"]) for row in ordered.iter_rows(named=True)}
    union = found.get("EU")
    since = world_table("countries").filter(pl.col("eu_since").str.len_chars() == 4)
    members = [code for code, first in zip(since["country"], since["eu_since"], strict=True) if int(first) <= year]
    return {
        **{code: value for code, value in found.items() if code in countries},
        **dict.fromkeys(members, union or (DUTY_ELSEWHERE, "assumed")),
    }


def around(world: World, home: str, most: int = 10, region: Sequence[str] = ()) -> list[str]:
    """The home market, its neighbours with sales on record, and the largest markets for their distance.

    ``region`` takes the place of those largest ones, all of it.
    """
    known = [code for code in world.sold if code in world.levels and code in world.countries and code != home]
    km = dict(zip(known, world.distance([home], known)[0], strict=True))
    # Falls faster with distance than trade does: a study wants the markets around it before the giants far off.
    worth = {code: world.sold[code] / max(km[code], 300.0) ** 1.5 for code in known}
    beside = sorted((code for code in world.neighbours(home) if code in worth), key=lambda code: -worth[code])[:6]
    others = sorted((code for code in known if code not in beside), key=lambda code: -worth[code])
    if region:
        return [home, *beside, *(code for code in others if code in region)]
    return [home, *beside, *others[: most - 1 - len(beside)]]


@dataclass(frozen=True)
class Flows:
    """Estimated flows of new passenger cars, mean of the base years."""

    makers: tuple[str, ...]
    """Home first if it makes cars, the rest of the world last."""
    markets: tuple[str, ...]
    """The study's markets, the rest of the world last."""
    units: Array
    """(O, M), cars per year."""
    log_error: Array
    """(O, M), standard error of ln flow."""
    rest: tuple[str, ...] = ()
    """Makers that are the rest of the world together."""
    rest_units: Array = field(default_factory=lambda: np.zeros((0, 0)))
    """(R, M), cars per year of each of them, so that the rest of the world can meet the duties of its members."""


def estimate_flows(
    world: World,
    markets: Sequence[str],
    sold: Mapping[str, float],
    most: int = 14,
    free: Collection[tuple[str, str]] = (),
) -> Flows:
    """Flows of all makers to all markets of the world, summed to the makers that matter and the markets of a study.

    A gravity seed balanced to output and sales (RAS), the rest of the world taking the difference. Makers that matter
    are the home country, makers among the markets, and those that sell most there, until 98 % of sales are named.

    Parameters
    ----------
    sold : new cars of the markets; overrides the world table's.
    free : pairs of origin and market without duty in the base years, besides members of one customs union.
    """
    home = markets[0]
    bought = {**{code: value for code, value in world.sold.items() if code in world.countries}, **sold}
    made = {code: value for code, value in world.made.items() if code in world.countries}
    nodes = [*sorted({*bought, *made}), ROW]
    rows = np.array([made.get(code, 0.0) for code in nodes])
    columns = np.array([bought.get(code, 0.0) for code in nodes])
    # The two tables do not add up to the same: the rest of the world, or a common factor, closes them.
    rest = rows.sum() - columns.sum()
    columns[-1] = max(rest, 0.01 * rows.sum())
    columns *= rows.sum() / columns.sum()
    seed = _seed(world, nodes, rows, columns, bought, free)
    known = np.full(seed.shape, np.nan)
    if 0.0 < made.get(home, 0.0) < bought[home]:
        # Gravity sends a small maker's cars abroad; makers smaller than their home market are there for that market.
        known[nodes.index(home), nodes.index(home)] = HOME_SHARE * made[home]
    flows = balance_flows(seed, rows, columns, known, iterations=20_000).flows
    at = [nodes.index(code) for code in markets]
    into = flows[:, at].sum(axis=1)
    order = [i for i in np.argsort(-into) if nodes[i] not in (home, ROW) and into[i] > 0]
    chosen: list[int] = [i for i in order if nodes[i] in markets][: most - 2]
    covered = into[chosen].sum() + (into[nodes.index(home)] if home in nodes else 0.0)
    for i in order:
        if covered >= 0.98 * into.sum() or len(chosen) >= most:
            break
        if i not in chosen:
            chosen.append(i)
            covered += into[i]
    chosen.sort(key=lambda i: -into[i])
    named = ([nodes.index(home)] if made.get(home, 0.0) > 0 else []) + chosen
    others = [i for i in range(len(nodes)) if i not in named]
    outside = [i for i in range(len(nodes)) if i not in at]
    table = np.zeros((len(named) + 1, len(markets) + 1))
    table[:-1, :-1], table[-1, :-1] = flows[np.ix_(named, at)], flows[np.ix_(others, at)].sum(axis=0)
    table[:-1, -1], table[-1, -1] = flows[np.ix_(named, outside)].sum(axis=1), flows[np.ix_(others, outside)].sum()
    share = table / np.maximum(table.sum(axis=0), 1e-9)
    error = np.asarray(ERRORS)[np.searchsorted(EDGES, share, side="right")]
    makers, rest = tuple(nodes[i] for i in named), tuple(nodes[i] for i in others)
    return Flows((*makers, ROW), (*markets, ROW), table, error, rest, flows[np.ix_(others, at)])


def _seed(
    world: World,
    nodes: Sequence[str],
    rows: Array,
    columns: Array,
    bought: Mapping[str, float],
    freed: Collection[tuple[str, str]],
) -> Array:
    """(N, N), gravity among all countries and the rest of the world (last), duties of the base years in it."""
    named = list(nodes[:-1])
    count, year = len(nodes), world.years[1]
    km, border = np.ones((count, count)), np.zeros((count, count), dtype=bool)
    km[:-1, :-1] = world.distance(named, named)
    weight = np.array([bought.get(code, 0.0) for code in named])
    apart = km[:-1, :-1] + np.where(np.eye(count - 1, dtype=bool), np.inf, 0.0)
    km[-1, :-1] = km[:-1, -1] = mean_distance(apart, weight, distance_elasticity=1.0)
    # Whether cars go free, who borders whom and who is in the East, by sets of countries: a pair at a time is slow.
    eu, union = (
        np.array([*(world.member(code, key, year) for code in named), False]) for key in ("eu_since", "eaeu_since")
    )
    east = np.array([code in EAST for code in nodes])
    free = np.outer(eu, eu) | np.outer(union, union)
    rates = np.array([world.duty_then.get(code, DUTY_ELSEWHERE) for code in nodes])
    own = np.eye(count, dtype=bool)
    place = {code: i for i, code in enumerate(named)}
    pairs = [(place[a], place[b]) for a, b in freed if a in place and b in place]
    if pairs:
        free[tuple(np.array(pairs).T)] = True
    duty = np.where(free | own, 0.0, rates[None, :])
    for i, origin in enumerate(named):
        border[i, [place[code] for code in world.neighbours(origin) if code in place]] = True
    border &= ~own
    factor = np.where(np.outer(east, east) & ~own, EAST_FACTOR, 1.0)
    seed = gravity_seed(
        rows, columns, km, border, float(np.exp(HOME)), distance_elasticity=DISTANCE, contiguity_effect=BORDER
    )
    return np.asarray(seed * (1 + duty) ** DUTY * factor)

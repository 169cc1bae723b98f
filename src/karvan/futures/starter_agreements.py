"""Which trade agreements of the world tables stand between whose cars and which market, pair by pair.

A row of the table names two sides; here it is taken apart into origins and markets. The first row that speaks of a pair
in a year holds: particular treaties and suspensions stand in front of general ones.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from karvan.futures.starter_flows import World
from karvan.futures.starter_rows import Row
from karvan.study.world import world_table

UNIONS: Mapping[str, str] = {"EU": "eu_since", "EAEU": "eaeu_since", "CIS_FTA": "cis_fta_since"}
"""Names that stand for the members of a year, and the column that has the years."""
KEPT = (
    "agreement", "year_to", "covers_cars", "preferential_rate", "rule_value_low", "rule_value", "rule_value_high",
    "rule_operations", "known_on", "source", "note",
)  # fmt: skip


def agreements_between(world: World, origins: Iterable[str], markets: Iterable[str], year: int) -> list[Row]:
    """Rows of a study's ``agreements.csv`` for these pairs, with the memberships of ``year``.

    Agreements that ended before ``year`` are left out. Two rows for one pair never hold in the same year.
    """
    wanted = {(origin, market) for origin in origins for market in markets if origin != market}
    found: dict[tuple[str, str], list[Row]] = {}
    for row in world_table("agreements").iter_rows(named=True):
        for origin, market, since in _pairs(world, row, year):
            if (origin, market) not in wanted:
                continue
            first, last = max(row["year_from"], since), row["year_to"] or 9999
            have = found.setdefault((origin, market), [])
            if all(last < _first(other) or _last(other) < first for other in have):
                have.append({"origin": origin, "market": market, "year_from": first, **{k: row[k] for k in KEPT}})
    rows = chain.from_iterable(found[pair] for pair in sorted(found))
    return [row for row in rows if _last(row) >= year]


def _first(row: Row) -> int:
    return int(str(row["year_from"]))


def _last(row: Row) -> int:
    return int(str(row["year_to"] or 9999))


def _pairs(world: World, row: Mapping[str, object], year: int) -> Iterator[tuple[str, str, int]]:
    """Origin, market and the year since which both are members."""
    ours = _members(world, str(row["parties"]), year)
    theirs = _members(world, str(row["partners"]), year) if row["partners"] else ours
    both = row["mutual"] == "yes" and bool(row["partners"])
    for a, since_a in ours.items():
        for b, since_b in theirs.items():
            if a != b:
                yield a, b, max(since_a, since_b)
                if both:
                    yield b, a, max(since_a, since_b)


def _members(world: World, side: str, year: int) -> dict[str, int]:
    """Countries of a side, with the year since which they are members; 0 where the row itself has the year."""
    members: dict[str, int] = {}
    for code in side.split(";"):
        union = UNIONS.get(code)
        if union is None:
            members[code] = 0
            continue
        for country, facts in world.countries.items():
            if world.member(country, union, year):
                members[country] = int(str(facts[union])[:4])
    return members


def free_in(world: World, year: int) -> set[tuple[str, str]]:
    """Pairs of origin and market between which cars that meet the rules go without duty in a year."""
    everybody = list(world.countries)
    rows = agreements_between(world, everybody, everybody, year)
    return {
        (str(row["origin"]), str(row["market"]))
        for row in rows
        if row["covers_cars"] == "yes" and row["preferential_rate"] == 0 and _first(row) <= year
    }

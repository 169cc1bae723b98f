"""The tables of a starter study, row by row: what the world tables know, and everything else marked ``assumed``.

Structure and general ranges come from the built-in study of Azerbaijan, its own facts do not. Money is in US dollars.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from karvan.futures.starter_agreements import agreements_between, free_in
from karvan.futures.starter_flows import ROW, Flows, World, car_share
from karvan.futures.starter_markets import base_sales, market_rows
from karvan.futures.starter_rows import AGAIN, ALL, BORROWED, Row, Rows, rounded, spread
from karvan.study.load import Study
from karvan.study.register import parameters
from karvan.study.schema import STUDY_TABLES
from karvan.study.world import world_table

MOST = 50_000_000
"""Largest nameplate that the schema takes; that of the rest of the world bounds nothing."""
LOAD = 0.8
"""Output of the best year over capacity where no capacity is on record: ``assumed``, 0.6 to 1."""
FULL_PLANT: Mapping[str, tuple[float, float, float]] = {
    "nameplate_reach": (0.7, 0.85, 1.0),
    "partner_supply": (0.95, 1.1, 1.3),
    "interruption_hazard": (0.005, 0.01, 0.03),
    "exit_share": (0.0, 0.02, 0.1),
    "people_per_1000": (8.0, 14.0, 30.0),
    "export_reach": (0.1, 0.4, 1.0),
}
"""``assumed`` for an aggregate of makers on record, where the general defaults speak of small kit plants."""
KIT_REACH = (0.0, 0.001, 0.02)
"""``assumed``: share of an entrant's appeal that it has abroad, for plants without exports on record."""
QUALITY = {"A": "high", "B": "medium", "P": "medium", "R": "medium", "N": "medium", "C": "low", "W": "low"}
"""Confidence of a production figure by the first letter of its quality mark (``docs/world.md``)."""
ABROAD = ("duty_rate", "duty_per_cc", "excise", "fee", "certification")
"""Frictions that the built-in study knows for markets it shares with a starter."""
PART_BY_PART = 15_000.0
"""Cars a year above which makers are taken to weld and paint: ``assumed``, range 5,000 to 30,000; kits in lots serve
below."""
SUPPLIERS = 100_000.0
"""Cars a year from which makers are taken to have suppliers of most groups beside them: ``assumed``, range 50,000 to
250,000, the efficient scale of assembly and of many parts (Husan, 1997)."""


@dataclass(frozen=True)
class Starter:
    """What the tables of a starter are made from."""

    world: World
    donor: Study
    home: str
    markets: tuple[str, ...]
    flows: Flows
    base: int
    """Last year on record."""

    @property
    def own(self) -> str:
        """Id of the aggregate plant of the country; empty if it makes no cars on record."""
        return f"{self.home.lower()}_makers" if self.flows.makers[0] == self.home else ""

    def tables(self) -> dict[str, Rows]:
        """All tables, by file."""
        made = {
            "evidence/output.csv": list(output_claims(self)),
            "plants.csv": list(plants(self)),
            "products.csv": [_plain(row) for row in self.donor.table("products").iter_rows(named=True)],
            "offers.csv": list(offers(self)),
            "components.csv": [_plain(row) for row in self.donor.table("components").iter_rows(named=True)],
            "sourcing.csv": list(sourcing(self)),
            "markets.csv": list(market_rows(self.world, self.donor, self.markets, self.base)),
            "frictions.csv": list(frictions(self)),
            "agreements.csv": list(agreements(self)),
            "assumptions.csv": list(assumptions(self)),
            "flows.csv": list(flow_rows(self)),
            "industries.csv": list(industries(self)),
            "input_output.csv": list(input_output(self)),
        }
        return {file: rows for file, rows in made.items() if rows}


def _plain(row: Row) -> Row:
    """A row of the donor without the marks of its file, as an assumption."""
    note = str(row["note"] or "")
    kept = {name: value for name, value in row.items() if not name.startswith("_")}
    return {**kept, "source": "assumed", "note": f"{AGAIN}; {note}" if note else AGAIN}


def _production(home: str) -> list[Row]:
    rows = world_table("production").filter(pl.col("country") == home).sort("year")
    return [dict(row) for row in rows.iter_rows(named=True)]


def output_claims(s: Starter) -> Iterable[Row]:
    """Cars made by year, from the world table; totals alone are turned into cars by the share of other years."""
    share = car_share(s.home)
    for row in _production(s.home):
        cars, total, year = row["passenger_cars"], row["total"], row["year"]
        if cars is None and not total:
            continue
        derived = cars is None
        value = round(float(str(total)) * share) if derived else float(str(cars))
        note = f"{total:g} vehicles of all kinds x {share:.2f}, the share of cars in other years" if derived else ""
        yield {
            "claim": f"out-{year}-car-country",
            "subject": "country",
            "attribute": "output",
            "kind": "passenger_car",
            "period_start": f"{year}-01-01",
            "period_end": f"{year}-12-31",
            "value": f"{value:.0f}",
            "unit": "units",
            "basis": "derived" if derived else "printed",
            "source": row["source"],
            "known_on": row["known_on"],
            "confidence": "low" if derived else QUALITY.get(str(row["quality"])[:1], "low"),
            "note": note or str(row["note"] or "") or "world table production.csv",
        }


def _best(s: Starter) -> float:
    """Cars made in the best of the last five years on record."""
    return max(float(str(row["value"])) for row in list(output_claims(s))[-5:])


def plants(s: Starter) -> Iterable[Row]:
    """The makers of the country as one plant, and each rival country as one."""
    claims = list(output_claims(s))
    if s.own:
        best = _best(s)
        yield {
            **_place(s, s.home),
            "assembly": "full" if best >= PART_BY_PART else "unknown",
            "plant": s.own,
            "name": f"Car makers of {s.world.name(s.home)} {ALL}",
            "role": "own",
            "nameplate": round(best / LOAD),
            "nameplate_low": round(best),
            "nameplate_high": round(best / 0.6),
            "known_on": claims[-1]["known_on"],
            "source": f"derived: best of the last five years on record, {best:.0f} cars, / {LOAD:g}",
            "note": "an aggregate: replace it by the plants of the country, one a row",
        }
    for maker, sales in zip(s.flows.makers, s.flows.units.sum(axis=1), strict=True):
        if maker == s.home:
            continue
        made = s.world.made.get(maker, float(sales))
        name = "Car makers of all other countries" if maker == ROW else f"Car makers of {s.world.name(maker)} {ALL}"
        yield {
            **_place(s, maker),
            "plant": f"{maker.lower()}_makers",
            "name": name,
            "role": "rival",
            "nameplate": min(round(made / LOAD), MOST),
            "known_on": f"{s.world.years[-1] + 1}-03-31",
            "source": f"derived: {made:.0f} cars a year in {s.world.years[0]}-{s.world.years[-1]} / {LOAD:g}",
            "note": "an aggregate of all brands made there; its capacity bounds nothing",
        }


def _place(s: Starter, country: str) -> Row:
    at = s.world.countries.get(country, {})
    marks: Row = {"country": country, "vehicle_kind": "passenger_car", "assembly": "unknown", "state": "operating"}
    if at:
        marks |= {"city": at["capital"], "latitude": at["latitude"], "longitude": at["longitude"]}
        marks["coordinate_kind"] = "capital"
    return {**marks, "confidence": "low"}


def offers(s: Starter) -> Iterable[Row]:
    """A combustion and an electrified offer of each country; prices and shares as in the donor, for want of others."""
    table = s.donor.table("offers").join(s.donor.table("plants").select("plant", "country", "role"), on="plant")
    rivals = table.filter(pl.col("role") == "rival")
    products = s.donor.table("products")["product"].to_list()
    for maker in s.flows.makers:
        known = rivals.filter(pl.col("country") == _like(s, maker, rivals))
        for product in products:
            rows = known.filter(pl.col("product") == product)
            if rows.is_empty():
                rows = rivals.filter((pl.col("country") == ROW) & (pl.col("product") == product))
            share = {c: _share(known, product, c) for c in ("share_home", "share_export")}
            weight = np.maximum(rows["share_home"].to_numpy(), 1e-6)
            prices = [
                float(np.average(rows[f"price_{end}"].to_numpy(), weights=weight)) for end in ("low", "mid", "high")
            ]
            yield {
                "offer": f"{maker.lower()}_{product}",
                "brand": f"{maker.lower()}_makers",
                "plant": f"{maker.lower()}_makers",
                "product": product,
                **share,
                **{f"price_{end}": round(value) for end, value in zip(("low", "mid", "high"), prices, strict=True)},
                "source": "assumed",
                "note": f"shares and mean price {AGAIN} for {_like(s, maker, rivals)}",
            }


def _like(s: Starter, maker: str, rivals: pl.DataFrame) -> str:
    """The maker of the donor study whose prices serve: the country itself, the EU, or the rest of the world."""
    have = set(rivals["country"].to_list())
    if maker in have:
        return maker
    european = s.world.member(maker, "eu_since", s.world.years[1])
    return "EUR" if european and "EUR" in have else ROW


def _share(known: pl.DataFrame, product: str, column: str) -> float:
    total = float(known[column].sum())
    part = float(known.filter(pl.col("product") == product)[column].sum())
    return round(part / total, 4) if total > 0 else 0.0


def sourcing(s: Starter) -> Iterable[Row]:
    """Local shares: next to nothing for kit plants to come; a wide guess for makers on record."""
    names = ("now_low", "now_mid", "now_high", "target_low", "target_mid", "target_high")
    general = (0.0, 0.0, 0.02, 0.0, 0.05, 0.2)
    note = "kits come whole; judgement"
    yield {"plant": "*", "component": "*", **dict(zip(names, general, strict=True)), "source": "assumed", "note": note}
    if s.own:
        guess, note = (0.1, 0.35, 0.6, 0.15, 0.4, 0.7), "makers on record buy part of their parts at home; judgement"
        if _best(s) >= SUPPLIERS and not s.world.dated:
            guess, note = (0.3, 0.5, 0.7, 0.35, 0.55, 0.75), "makers large enough for suppliers to settle: judgement; "
            note += "Morocco tells 60 percent for 2019-21 (https://economic-news.space)"
        row: Row = {"plant": s.own, "component": "*", **dict(zip(names, guess, strict=True))}
        yield {**row, "source": "assumed", "note": note}


def agreements(s: Starter) -> Iterable[Row]:
    """Who lets whose cars in, and what a car must be: the built-in study's rows, then the world table's.

    Inside the EU a car in free circulation is asked nothing. Elsewhere a rule of origin stands between a duty and its
    absence. Studies as of a past date have none: they count unions by their duties.
    """
    if s.world.dated:
        return
    origins = {maker for maker in s.flows.makers if maker != ROW} | set(s.markets)
    done = set()
    for row in s.donor.table("agreements").iter_rows(named=True):
        if row["origin"] in origins and row["market"] in s.markets:
            done.add((row["origin"], row["market"]))
            kept = {name: value for name, value in row.items() if not name.startswith("_")}
            yield {**kept, "note": f"{AGAIN}; {row['note'] or ''}".rstrip("; ")}
    for found in agreements_between(s.world, origins, s.markets, s.base):
        if (found["origin"], found["market"]) not in done:
            yield found


def frictions(s: Starter) -> Iterable[Row]:
    """Fall-backs for every pair, duties on record, no duty inside unions, freight by distance."""
    rows: dict[tuple[object, ...], Row] = {}

    def add(origin: str, market: str, friction: str, cell: Row, product: str = "*", year: int = 2000) -> None:
        rows[(origin, market, product, friction, year)] = {
            "origin": origin, "market": market, "product": product, "friction": friction, "year_from": year, **cell
        }  # fmt: skip

    usd, cif, price = "USD per car", "share of c.i.f.", "share of delivered price"
    fall_back = "fall-back: no figure at hand for this country"
    add("*", "*", "duty_rate", spread(0.0, 0.1, 0.25, cif, "assumed", fall_back))
    add("*", "*", "excise", spread(0.0, 200.0, 1500.0, usd, "assumed", fall_back))
    add("*", "*", "fee", spread(0.0, 100.0, 600.0, usd, "assumed", fall_back))
    add("*", "*", "certification", spread(10.0, 60.0, 200.0, usd, "assumed", fall_back))
    add("*", "*", "barrier", spread(0.0, 0.0, 0.04, price, "assumed", fall_back))
    add("*", "*", "freight", spread(400.0, 1300.0, 3000.0, usd, "assumed", fall_back))
    makers = {maker for maker in s.flows.makers if maker != ROW} | {s.home}
    held = [row for row in agreements(s) if row["covers_cars"] == "yes"]
    # Where an agreement holds, cars meet the full duty or the agreement: a duty of nothing would leave nothing to pass.
    ruled = {(row["origin"], row["market"]) for row in held if row.get("rule_value") is not None}
    for row in s.donor.table("frictions").iter_rows(named=True):
        shared = row["market"] in s.markets and row["origin"] in makers | {"*"} and row["friction"] in ABROAD
        if (row["origin"], row["market"]) in ruled and str(row["friction"]).startswith("duty"):
            continue
        if shared and not s.world.dated:
            cell = {name: row[name] for name in ("low", "mid", "high", "distribution", "unit")}
            cell |= {"source": page_of(s.donor, str(row["source"])), "year_to": row["year_to"]}
            cell["note"] = f"{AGAIN}; {row['note'] or ''}".rstrip("; ")
            add(row["origin"], row["market"], row["friction"], cell, row["product"], row["year_from"])
    for market in s.markets:
        known = ("*", market) in {(key[0], key[1]) for key in rows if key[3] == "duty_rate"}
        if market in s.world.duty and not known:
            rate, source = s.world.duty[market]
            add("*", market, "duty_rate", spread(rate, rate, rate, cif, source, "world table tariffs.csv"))
        for origin in sorted(makers):
            if origin != market and (origin, market) not in ruled and s.world.free(origin, market, s.base):
                source = "derived: both are members of one customs union, world table countries.csv"
                add(origin, market, "duty_rate", spread(0.0, 0.0, 0.0, cif, source, ""))
    for market, free in _free_rest(s).items():
        _thin_duties(rows, market, free)
    km = s.world.distance(sorted(makers), list(s.markets))
    for i, origin in enumerate(sorted(makers)):
        for m, market in enumerate(s.markets):
            if origin == market:
                add(
                    origin, market, "freight", spread(40.0, 120.0, 300.0, usd, "assumed", "delivery within the country")
                )
                continue
            road = 1.25 * float(km[i, m])
            cost = min(145.0 + 0.22 * road, 700.0 + 0.07 * road)
            note = f"{road:,.0f} km: 145 USD and 0.22 USD per km by land, 700 and 0.07 by sea, the cheaper; judgement"
            add(origin, market, "freight", spread(*rounded(0.65 * cost, cost, 1.6 * cost), usd, "assumed", note))
    return rows.values()


def page_of(donor: Study, source: str) -> str:
    """A source that does not lean on the donor's claims: the pages that they were read on stand in their place."""
    claims = dict(donor.table("claims").select("claim", "source").iter_rows())
    if source.startswith("claim:"):
        return str(claims[source.removeprefix("claim:")])
    return re.sub(r"claim ([\w.-]*\w)", lambda found: str(claims.get(found[1], found[0])), source)


def _free_rest(s: Starter) -> dict[str, float]:
    """Share of what the makers of the rest of the world sell in each market that comes in without duty."""
    if s.world.dated:
        return {}
    year = s.base + 1
    free = free_in(s.world, year)
    out = {}
    for m, market in enumerate(s.markets):
        units = s.flows.rest_units[:, m]
        spared = [code == market or (code, market) in free or s.world.free(code, market, year) for code in s.flows.rest]
        share = float(units[spared].sum() / units.sum()) if units.sum() > 0 else 0.0
        if share > 0.005:
            out[market] = share
    return out


def _thin_duties(rows: dict[tuple[object, ...], Row], market: str, free: float) -> None:
    """The duty that the rest of the world meets in a market, as a mean over its members."""
    duties = [key for key in rows if key[0] == "*" and key[1] == market and key[3] in ("duty_rate", "duty_per_cc")]
    if not any(key[3] == "duty_rate" for key in duties):
        duties.append(("*", "*", "*", "duty_rate", 2000))
    for key in duties:
        row, paid = rows[key], 1.0 - free
        ends = {end: round(float(str(row[end])) * paid, 5) for end in ("low", "mid", "high")}
        if not any(ends.values()):
            continue
        note = f"{free:.0%} of what they sell there comes from partners or members: the duty is the mean over all"
        new: Row = {**row, **ends, "origin": ROW, "market": market, "note": note}
        page = str(row["source"]).removeprefix("derived: ")
        new["source"] = "assumed" if page == "assumed" else f"derived: {paid:.2f} x {page}"
        rows[(ROW, market, *key[2:])] = new


def assumptions(s: Starter) -> Iterable[Row]:
    """Every parameter of the register with its default; wages by income; what speaks of full plants for the own one."""
    level, donor = s.world.levels[s.home], s.world.levels[s.donor.settings.country]
    for parameter in parameters().values():
        low, mid, high, note = parameter.low, parameter.mid, parameter.high, parameter.basis
        if parameter.name == "wage_month":
            cell, factor = s.donor.parameter("wage_month"), level.income / donor.income / dollar(s.donor)
            low, mid, high = (
                round(value * factor * w, 1) for value, w in ((cell.low, 0.8), (cell.mid, 1), (cell.high, 1.3))
            )
            note = "wage of Azerbaijan times the ratio of incomes per head, in USD"
        if parameter.name == "export_reach":
            low, mid, high, note = (
                *KIT_REACH,
                f"{AGAIN}: kit plants with free trade to the east exported next to nothing",
            )
        yield {
            "parameter": parameter.name,
            "key": "*" if parameter.keys else "",
            **spread(low, mid, high, parameter.unit, "assumed", note),
            "distribution": parameter.distribution,
        }
    if s.own:
        plate = float(str(next(iter(plants(s)))["nameplate"]))
        # An annuity of 12 % on the investment per car and as much again: the register's default is for a small plant.
        overhead = tuple(min(plate * each, 9e8) for each in (150.0, 400.0, 800.0))
        reach = {"export_reach": KIT_REACH} if _for_home(s) else {}
        for name, ends in {**FULL_PLANT, "overhead": overhead, **reach}.items():
            note = "an aggregate of makers on record, not a small kit plant; judgement"
            if name in reach:
                note = (
                    "makers smaller than their home market are there for it; their exports are in the flows; judgement"
                )
            low, mid, high = ends
            yield {"parameter": name, "key": s.own, **spread(low, mid, high, parameters()[name].unit, "assumed", note)}


def _for_home(s: Starter) -> bool:
    """Whether the country's makers made fewer cars in the base years than it bought. Not asked as of a past date."""
    return not s.world.dated and s.world.made[s.home] < base_sales(s.world, s.donor, s.home)


def flow_rows(s: Starter) -> Iterable[Row]:
    """The estimated flows."""
    span = f"{s.world.years[0]}-{s.world.years[-1]}"
    for i, maker in enumerate(s.flows.makers):
        for m, market in enumerate(s.flows.markets):
            yield {
                "exporter": maker,
                "importer": market,
                "units": round(float(s.flows.units[i, m]), 1),
                "log_error": float(s.flows.log_error[i, m]),
                "basis": "estimated",
                "source": f"estimated: gravity seed balanced to output and sales {span} (karvan new)",
                "note": "error by the size of the cell: docs/flows.md",
            }


def dollar(study: Study) -> float:
    """Local currency per dollar, latest on record."""
    rows = study.table("macro").filter(pl.col("variable") == "exchange_rate").sort("year")
    return float(rows["value"].to_list()[-1])


def _scale(s: Starter) -> tuple[float, float, float]:
    """What brings the donor's economy to the country's: money in USD, persons, wages in USD."""
    level, donor = s.world.levels[s.home], s.world.levels[s.donor.settings.country]
    people, income = level.population / donor.population, level.income / donor.income
    return people * income / dollar(s.donor), people, income / dollar(s.donor)


def industries(s: Starter) -> Iterable[Row]:
    """The donor's industries at the country's size: structure is the donor's, size is not."""
    money, people, wage = _scale(s)
    note = "structure of Azerbaijan at the country's population and income: replace it by the country's accounts"
    for row in s.donor.table("industries").iter_rows(named=True):
        out: Row = {"industry": row["industry"], "title": row["title"], "isic": row["isic"]}
        for name, factor in (("gva", money), ("employment", people), ("wage_month", wage)):
            for end, widen in (("low", 0.6), ("mid", 1.0), ("high", 1.6)):
                out[f"{name}_{end}"] = round(row[f"{name}_{end}"] * factor * widen, 1)
        yield {**out, "unit_money": "million USD", "basis": "assumed", "source": "assumed", "note": note}


def input_output(s: Starter) -> Iterable[Row]:
    """The donor's estimated tables at the country's size, one for each of its own donors."""
    money, _, _ = _scale(s)
    source = f"{BORROWED} of Azerbaijan, scaled to population and income (karvan new)"
    for row in s.donor.table("input_output").iter_rows(named=True):
        yield {
            "donor": row["donor"],
            "row": row["row"],
            "column": row["column"],
            "value": round(row["value"] * money, 6),
            "unit": "million USD",
            "basis": "estimated",
            "source": source,
            "note": "",
        }


def columns_of(file: str) -> list[str]:
    """Columns of the table in a file."""
    for spec in STUDY_TABLES.values():
        if spec.file == file or (spec.file.endswith("*.csv") and file.startswith(spec.file[:-5])):
            return list(spec.columns)
    raise KeyError(file)

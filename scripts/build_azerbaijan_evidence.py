"""Write the evidence, models, deals and macro tables of the Azerbaijan study from a folder of fact files.

    python scripts/build_azerbaijan_evidence.py --facts FACTS_FOLDER

Every row of ``output``, ``trade``, ``market``, ``policy``, ``plants_claims`` and ``economy`` becomes one claim (a trade
row with units and value becomes two). No row is dropped: a word that ``azerbaijan_words.py`` does not know, or a row
without a value, stops the script. ``models`` and ``partnerships`` become the tables of models and deals. ``plants.csv``
of the facts is not read: the study's table of plants is kept by hand and rests on it.

``known_on`` is the date of the page (the last day of its month or year when the page shows no more). Where the page
has no date, it is two months after the end of the period, and the note says so; where there is no period either, it is
the newest date of the facts. Values of the World Bank's yearly series count as known on 1 July of the next year.

Claims with the same subject, attribute, kind, partner, period, value and unit carry one ``statistic`` and count once.
"""

import argparse
import calendar
import csv
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from karvan.study.schema import STUDY_TABLES

if TYPE_CHECKING:  # the folder of a script is on the path when it runs, the repository's root when it is checked
    from scripts.azerbaijan_words import ECONOMY, KINDS, MARKET, MEASURES, PARTNERS, PLANT, POLICY, SHORT, reword
else:
    from azerbaijan_words import ECONOMY, KINDS, MARKET, MEASURES, PARTNERS, PLANT, POLICY, SHORT, reword

Row = dict[str, str]
TARGET = Path(__file__).resolve().parents[1] / "src" / "karvan" / "study" / "studies" / "azerbaijan"
NEWEST = "2026-03-20"
WORLD_BANK = "https://github.com/datasets/gdp"


def read(folder: Path, name: str) -> list[Row]:
    """Rows of one fact file."""
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(target: Path, name: str, table: str, rows: Iterable[Row]) -> None:
    """Write rows under the schema's columns."""
    columns = list(STUDY_TABLES[table].columns)
    path = target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = list(rows)
    for row in rows:
        if unknown := set(row) - set(columns):
            raise SystemExit(f"{name}: no column {sorted(unknown)} in table {table}")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(f"{name}: {len(rows)} rows")


def slug(text: str) -> str:
    """Lower-case letters, digits and underscores."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")


def last_day(date: str) -> str:
    """The date itself, or the last day of a month or year."""
    parts = [int(p) for p in date.split("-")]
    if len(parts) == 1:
        return f"{parts[0]:04d}-12-31"
    if len(parts) == 2:
        return f"{parts[0]:04d}-{parts[1]:02d}-{calendar.monthrange(*parts)[1]:02d}"
    return date


def two_months_after(date: str) -> str:
    """Two months later, at most the last day of that month."""
    year, month, day = (int(p) for p in last_day(date).split("-"))
    month += 2
    year, month = (year + 1, month - 12) if month > 12 else (year, month)
    return f"{year:04d}-{month:02d}-{min(day, calendar.monthrange(year, month)[1]):02d}"


def period_code(start: str, end: str) -> str:
    """Period as it stands in a claim id: 2019-12m is January to December, 2019-m05 is May alone."""
    if not start and not end:
        return "undated"
    start, end = start or end, end or start
    if len(start) == 10 and len(end) == 10 and start[:4] == end[:4] and start != end:
        ends_month = end == last_day(end[:7])
        if start[5:] == "01-01" and ends_month:
            return f"{end[:4]}-{end[5:7]}m"
        if start[:7] == end[:7] and start[8:] == "01" and ends_month:
            return f"{end[:4]}-m{end[5:7]}"
    return start if start == end else f"{start}_{end}"


class Claims:
    """Claims of one evidence file, with ids that count up within their stem."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.rows: list[Row] = []
        self.counts: Counter[str] = Counter()

    def add(
        self, stem: str, fact: Row, subject: str, attribute: str, value: str, unit: str, *, kind: str = "",
        partner: str = "", start: str = "", end: str = "", basis: str = "", note: str | None = None, name: str = "",
        said: str = "",
    ) -> None:  # fmt: skip
        """Add a claim; ``name`` is a full id for claims that have one of their own, ``said`` the time it was made."""
        if not value:
            raise SystemExit(f"{self.prefix}: row without a value: {fact}")
        if value == "2.43" and unit == "thousand units":  # the only row in thousands
            value, unit = "2430", "units"
        stem = f"{self.prefix}-{stem}"
        self.counts[stem] += 1
        page = fact["source_date"]
        text = reword(fact["notes"]) if note is None else note
        if WORLD_BANK in fact["source_url"] and end:
            known, late = f"{int(end[:4]) + 1}-07-01", ""
        elif page:
            known, late = last_day(page), ""
        elif end or said:
            known, late = two_months_after(end or said), "page without a date: known two months after the period"
        else:
            known, late = NEWEST, "page without a date"
        self.rows.append(
            {
                "claim": name or f"{stem}-{self.counts[stem]}",
                "subject": subject,
                "attribute": attribute,
                "kind": kind,
                "partner": partner,
                "period_start": start,
                "period_end": end,
                "value": value,
                "unit": "" if unit in ("date", "year", "quarter") else unit,
                "basis": basis or ("derived" if fact["notes"].startswith("derived:") else "printed"),
                "source": fact["source_url"],
                "source_date": page,
                "known_on": known,
                "confidence": fact["confidence"],
                "note": "; ".join(part for part in (text, late) if part),
            }
        )

    def finish(self) -> list[Row]:
        """Rows, with a statistic for every figure that more than one page gives."""
        groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        fields = ("subject", "attribute", "kind", "partner", "period_start", "period_end", "value", "unit")
        for row in self.rows:
            groups[tuple(row[f] for f in fields)].append(row)
        for rows in groups.values():
            for row in rows if len(rows) > 1 else ():
                row["statistic"] = f"stat-{rows[0]['claim']}"
        return self.rows


def output(facts: Path) -> list[Row]:
    """Production, values, stocks and year-on-year changes."""
    claims = Claims("out")
    for fact in read(facts, "output"):
        subject = fact["scope"].replace("industrial zones", "industrial_zones")
        kind = KINDS[fact["vehicle_kind"]]
        attribute, short = MEASURES[fact["measure"]]
        start, end = fact["period_start"], fact["period_end"]
        parts = [period_code(start, end), short, SHORT.get(kind, kind), subject]
        stem = "-".join(p for p in parts if p)
        claims.add(stem, fact, subject, attribute, fact["value"], fact["unit"], kind=kind, start=start, end=end)
    # Two rows the output file lacks: a press total, and what the two districts add up to.
    districts = next(r for r in claims.rows if r["claim"] == "out-2023-12m-car-hajigabul_park-1")
    year = {"start": "2023-01-01", "end": "2023-12-31", "kind": "passenger_car"}
    fact = {"source_url": districts["source"], "source_date": districts["source_date"], "confidence": "medium"}
    claims.add(
        "2023-12m-car-country", fact | {"notes": ""}, "country", "output", "3702", "units", **year, basis="inferred",
        name="out-2023-12m-car-country-districts",
        note="no national total printed: 3,139 (Hajigabul) + 563 (Neftchala); other sites would add to it",
    )  # fmt: skip
    press = "https://news.az/news/what-hinders-the-accelerated-development-of-the-automotive-industry-in-azerbaijan"
    claims.add(
        "2023-12m-car-country", {"source_url": press, "source_date": "", "confidence": "low", "notes": ""}, "country",
        "output", "3738", "units", **year, name="out-2023-12m-car-country-press", note="press; origin not said",
    )  # fmt: skip
    return claims.finish()


def trade(facts: Path) -> list[Row]:
    """Imports and exports: units, and value where printed."""
    claims = Claims("tra")
    for fact in read(facts, "trade"):
        kind, partner = KINDS[fact["vehicle_kind"]], PARTNERS[fact["partner_country"]]
        flow = {"import": "imports", "export": "exports"}[fact["flow"]]
        start, end = fact["period_start"], fact["period_end"]
        if not fact["units"] and not fact["value"]:
            raise SystemExit(f"trade: neither units nor value: {fact}")
        for value, unit, attribute, short in (
            (fact["units"], "units", flow, ""),
            (fact["value"], fact["currency"], f"{flow}_value", "value"),
        ):
            if value:
                code = period_code(start, end)
                parts = [code, "exp" if flow == "exports" else "", short, SHORT.get(kind, kind), partner]
                stem = "-".join(p for p in parts if p)
                claims.add(
                    stem, fact, "country", attribute, value, unit, kind=kind, partner=partner, start=start, end=end
                )
    return claims.finish()


def named(facts: Path, table: str, prefix: str, words: dict[str, str], field: str, breakdown: str) -> list[Row]:
    """Market and economy rows: one indicator and its breakdown a row."""
    claims = Claims(prefix)
    for fact in read(facts, table):
        attribute, kind = words[fact[field]], slug(fact[breakdown])
        code = attribute
        if attribute == "gdp" and fact["unit"] == "USD":
            attribute = "gdp_usd"
        if attribute == "cars_in_use" and kind == "all":
            kind = "passenger_car"
        if kind in ("all", "total", "country"):
            kind = ""
        start, end = fact["period_start"], fact["period_end"]
        parts = [period_code(start, end), code, SHORT.get(kind, kind)]
        stem = "-".join(p for p in parts if p)
        claims.add(stem, fact, "country", attribute, fact["value"], fact["unit"], kind=kind, start=start, end=end)
    return claims.finish()


FARM = {
    "farm_downpayment": "farm_down_payment",
    "agroleasing_2018": "farm_down_payment",
    "farm_interest": "farm_interest_cover",
}
"""Attributes of rows whose category and unit do not tell them apart."""


def policy(facts: Path) -> list[Row]:
    """Duties, taxes, privileges, targets and agreements; the claim id is that of the facts."""
    claims = Claims("pol")
    for fact in read(facts, "policy"):
        attribute = POLICY[fact["category"]][fact["unit"]]
        start, end = fact["effective_from"], fact["effective_to"]
        kind, partner = slug(fact["applies_to"]), ""
        if fact["category"] == "government output target":
            kind = "truck" if "truck" in fact["item"] else "passenger_car"
            year = re.search(r"target year (\d{4})", fact["condition"])
            start = end = year.group(1) if year else ""
        elif fact["category"] == "trade agreement":
            partner, kind = PARTNERS.get(fact["applies_to"], fact["applies_to"]), ""
            partner = "" if partner == "country" else partner
        elif fact["category"] == "state programme":
            kind = slug(fact["item"])
        if bound := re.search(r", (lowest|highest)$", fact["item"]):
            kind += f"_{bound.group(1)}"
        attribute = FARM.get(fact["policy_id"], attribute)
        subject, unit = "country", fact["unit"]
        if attribute == "programme_gdp":
            unit = "USD"
        note = "; ".join(
            p for p in (f"{fact['item']} ({fact['condition']})".replace(" ()", ""), reword(fact["notes"])) if p
        )
        claims.add(
            fact["policy_id"], fact, subject, attribute, fact["value"], unit, kind=kind, partner=partner, start=start,
            end=end, note=note, name=f"pol-{fact['policy_id']}",
        )  # fmt: skip
    return claims.finish()


TIMELESS = ("nameplate", "investment", "jobs_planned", "opened", "owner_share", "area", "assembly")
"""Attributes whose claims speak of the same thing whenever they were made, so that they can contradict each other."""


def plants(facts: Path) -> list[Row]:
    """Claims about plants and parks."""
    claims = Claims("plc")
    for fact in read(facts, "plants_claims"):
        attribute, kind, subject = PLANT[fact["attribute"]]
        subject = subject or fact["plant_id"]
        start, _, end = fact["as_of"].partition("-") if re.fullmatch(r"\d{4}-\d{4}", fact["as_of"]) else ("", "", "")
        start, end = start or fact["as_of"], end or fact["as_of"]
        year = re.search(r"\b(20\d\d)\b", fact["attribute"])
        if year and attribute in ("output", "target_output", "sales", "sales_share"):
            start = end = year.group(1)
        bound = re.search(r" (low|high)$", fact["attribute"])
        parts = [reword(fact["notes"])]
        unit = {"buses": "units", "cars": "units", "trucks": "units", "tractors per year": "units per year"}.get(
            fact["unit"], fact["unit"]
        )
        if attribute == "sales_cumulative" and unit == "AZN":
            attribute = "sales_value_cumulative"
        if bound:
            parts.insert(0, f"{bound.group(1)} end of a range")
            if attribute != "nameplate":  # the ends of one range do not contradict each other
                kind = "_".join(p for p in (kind, bound.group(1)) if p)
        said = end
        if attribute in TIMELESS and end:  # said at different times of one and the same thing
            parts.append(f"said of {end}")
            start = end = ""
        elif attribute == "employees":
            start, end = start[:4], end[:4]
        text = "; ".join(p for p in parts if p)
        claims.add(
            f"{subject}-{attribute}" + (f"-{kind}" if kind else ""), fact, subject, attribute, fact["value"],
            unit, kind=kind, start=start, end=end, note=text, said=said,
        )  # fmt: skip
    return claims.finish()


def when(text: str) -> str:
    """Start or end of a model as claimed; plans are marked as such."""
    return f"planned {text.removesuffix(' (planned)')}" if text.endswith("(planned)") else text


NOT_CARS = (
    "bus",
    "truck",
    "pickup",
    "tractor",
    "light commercial",
    "medium truck",
    "light pickup",
    "mine-protected vehicle",
)
"""Bodies that are no passenger cars."""


def models(facts: Path) -> list[Row]:
    """Models by plant."""
    rows = []
    for fact in read(facts, "models"):
        listed = "brand listed" in fact["model"]
        car = fact["plant_id"] in CAR_PLANTS and fact["body"] not in NOT_CARS and fact["brand"] not in ("Isuzu", "JAC")
        if fact["plant_id"] == "ganja_gaz":
            car = fact["brand"] in ("Oka (VAZ-1111)", "UAZ")
        rows.append(
            {
                "plant": fact["plant_id"],
                "brand": fact["brand"],
                "model": "brand only" if listed else fact["model"],
                "body": fact["body"],
                "powertrain": fact["powertrain"],
                "product": "car_combustion" if car else "",
                "made_from": when(fact["from"]) or ("2025" if listed else ""),
                "made_until": when(fact["to"]),
                "launch_price": fact["launch_price_azn"],
                "source": fact["source_url"],
                "source_date": fact["source_date"],
                "confidence": fact["confidence"],
                "note": "the agency names the brand, not the plant: the plant is a guess"
                if listed
                else reword(fact["notes"]),
            }
        )
    return rows


CAR_PLANTS = (
    "neftchala_khazar", "hajigabul_azermash_cp", "hajigabul_azermash_cp_full", "azermash_lada", "nakhchivan_naz",
    "shamakhi_azsamand", "hajigabul_park",
)  # fmt: skip

# Partner @ plant | vehicle kind | state today | year ended | best full year on record | remark
_DEALS = """
Iran Khodro @ neftchala_khazar | passenger_car | active | | 2360 | \
best year: the country's cars of 2019, nearly all of them
Iran Khodro @ shamakhi_azsamand | passenger_car | ended | 2016 | | no yearly output found; year of the end assumed
UzAuto Motors / Uzavtosanoat (GM Chevrolet) @ hajigabul_azermash_cp | passenger_car | active | | 3139 | \
best year: 2023, the last one split by district; 2024 was probably higher
Uzavtosanoat @ hajigabul_azermash_cp_full | passenger_car | announced | | |
SamAvto (Isuzu) @ hajigabul_azermash_cp | bus | active | | 112 |
GAZ Group @ hajigabul_gaz | light_commercial | unclear | | |
AvtoVAZ (Lada) @ azermash_lada | passenger_car | active | | |
Lifan Industry Group @ ganja_gaz | passenger_car | ended | 2009 | | moved to Nakhchivan; year of the contract there
Chongqing Lifan @ nakhchivan_naz | passenger_car | ended | 2017 | 1861 | \
best year: the country's cars of 2014, nearly all of them
ZX Auto @ nakhchivan_naz | light_commercial | announced | | |
Minsk Tractor Works (MTZ) @ ganja_gaz | tractor | active | | 1302 | best year: 2018 = 905 tractors of 2019 / (1 - 0.305)
Minsk Automobile Plant (MAZ) @ ganja_gaz | truck | active | | |
KamAZ @ ganja_gaz | truck | active | | |
Haller @ ganja_gaz | truck | unclear | | |
Tatra @ ganja_gaz | truck | announced | | |
Changan @ ganja_gaz | truck | ended | 2007 | |
BYD @ sumgait_byd | bus | active | | |
MAN Truck & Bus @ improtex_man | bus | announced | | |
Ikarus @ sumgait_ikarus | bus | announced | | |
IVECO @ sumgait_iveco | truck | announced | | |
Kartal (Kartal AZ LLC) @ hajigabul_azermash_industry | bus | announced | | |
Paramount Group @ baku_mdi_paramount | military | unclear | | |
CNEEC @ sumgait_tyres | other | announced | | | tyres a year, a supplier industry
AvtoVAZ (Oka, VAZ) @ ganja_gaz | passenger_car | ended | 2006 | |
"""
DEALS = {
    line.split(" | ")[0].strip(): [part.strip() for part in line.split("|")[1:]] for line in _DEALS.strip().splitlines()
}
"""What the table of deals adds to the facts: kind, state today, year of the end, best full year on record, remark."""


def deals(facts: Path) -> list[Row]:
    """Contracts with foreign partners."""
    rows = []
    for fact in read(facts, "partnerships"):
        kind, state, ended, best, why = DEALS[f"{fact['partner_company']} @ {fact['plant_id']}"]
        shares = [
            f"{side} share {fact[field]} percent"
            for side, field in (("local", "local_share_pct"), ("partner", "partner_share_pct"))
            if fact[field]
        ]
        rows.append(
            {
                "deal": f"{fact['plant_id']}-{slug(fact['partner_company']).removesuffix('_group')}-{fact['date'][:4]}",
                "plant": fact["plant_id"],
                "vehicle_kind": kind,
                "partner": fact["partner_company"],
                "partner_country": PARTNERS[fact["partner_country"]],
                "local_company": fact["local_company"],
                "form": fact["form"],
                "signed": fact["date"],
                "planned_volume": fact["planned_volume_units_per_year"],
                "actual_volume": fact["actual_volume_units"],
                "actual_period": fact["actual_volume_period"],
                "best_year_volume": best,
                "local_content_target": fact["local_content_target_pct"],
                "local_content_year": fact["local_content_target_year"],
                "training": fact["training"],
                "exports": fact["exports"],
                "state": state,
                "ended": ended,
                "outcome": fact["outcome"],
                "known_on": last_day(fact["date"]),
                "source": fact["source_url"],
                "source_date": fact["source_date"],
                "confidence": fact["confidence"],
                "note": "; ".join(p for p in (reword(fact["notes"]), *shares, why) if p),
            }
        )
    return rows


def main() -> None:
    """Read the facts, write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--facts", type=Path, required=True, help="folder with output.csv, trade.csv, ...")
    parser.add_argument("--target", type=Path, default=TARGET, help="folder of the study")
    options = parser.parse_args()
    facts, target = options.facts, options.target
    write(target, "evidence/output.csv", "claims", output(facts))
    write(target, "evidence/trade.csv", "claims", trade(facts))
    write(target, "evidence/market.csv", "claims", named(facts, "market", "mar", MARKET, "metric", "segment"))
    write(target, "evidence/policy.csv", "claims", policy(facts))
    write(target, "evidence/plants.csv", "claims", plants(facts))
    write(target, "evidence/economy.csv", "claims", named(facts, "economy", "eco", ECONOMY, "indicator", "breakdown"))
    write(target, "models.csv", "models", models(facts))
    write(target, "deals.csv", "deals", deals(facts))


if __name__ == "__main__":
    main()

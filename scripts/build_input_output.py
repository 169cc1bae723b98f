"""Estimate an input-output table of Azerbaijan, one for each donor country, and write it into the built-in study.

    python scripts/build_input_output.py --facts FACTS_FOLDER [--spread]

No input-output table of Azerbaijan is published in a form that a program can read. This script makes one of 22
industries for 2024, in million AZN at basic prices, domestic flows apart from imports:

1. value added by industry from the shares of GDP on record, manufacturing split as in the donors;
2. output = value added / the donor's share of value added in output (mining: Azerbaijan's own);
3. a prior: the donor's input coefficients and final baskets, domestic part cut by a location quotient where Azerbaijan
   makes less of a product than the donor does;
4. RAS on industries and final uses together, so that all margins hold.

Donors are the national tables of 2011 in the World Input-Output Database, release 2013 (Timmer et al. 2015), for
Turkey, Russia and Romania. Azerbaijan's figures are the claims of the study's own evidence. Every margin that is not on
record is assumed, with a range, in ``ASSUMED`` below. ``--spread`` prints how far donors and margins move the answer.

Car assembly is not an industry of the table: it enters by parts from the sourcing table. The donor's transport
equipment (ships and aircraft too) is kept as ``vehicle_parts``, a proxy for makers of parts, and nothing more.
"""

import argparse
import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from karvan.base.axes import Array
from karvan.base.streams import latin_hypercube
from karvan.economy import Closure, InputOutputTable, ras, slq

HERE = Path(__file__).resolve().parents[1]
STUDY = HERE / "src" / "karvan" / "study" / "studies" / "azerbaijan"
DONORS = ("TUR", "RUS", "ROU")
YEAR = 2024
UNIT = "million AZN"


@dataclass(frozen=True)
class Industry:
    """One industry of the table: its id, name, ISIC revision 4 scope and the donor's industries it is made of."""

    key: str
    title: str
    isic: str
    codes: tuple[int, ...]


INDUSTRIES = (
    Industry("agriculture", "Agriculture, forestry and fishing", "A", (1,)),
    Industry("mining", "Mining, oil and gas extraction", "B", (2,)),
    Industry("food", "Food, beverages and tobacco", "10-12", (3,)),
    Industry("textiles", "Textiles, clothing and leather", "13-15", (4, 5)),
    Industry("wood_paper", "Wood, paper and printing", "16-18", (6, 7)),
    Industry("refining", "Coke and refined petroleum", "19", (8,)),
    Industry("chemicals", "Chemicals and pharmaceuticals", "20-21", (9,)),
    Industry("rubber_plastics", "Rubber and plastics", "22", (10,)),
    Industry("non_metallic_minerals", "Glass, cement and other mineral products", "23", (11,)),
    Industry("metals", "Basic metals and metal products", "24-25", (12,)),
    Industry("machinery", "Machinery", "28", (13,)),
    Industry("electrical", "Electrical, electronic and optical equipment", "26-27", (14,)),
    Industry("vehicle_parts", "Parts of vehicles (proxy: all transport equipment of the donor)", "29-30", (15,)),
    Industry("other_manufacturing", "Furniture, other manufacturing, recycling", "31-33", (16,)),
    Industry("utilities", "Electricity, gas, water and waste", "D-E", (17,)),
    Industry("construction", "Construction", "F", (18,)),
    Industry("trade", "Trade and repair of vehicles", "G", (19, 20, 21)),
    Industry("transport", "Transport and storage", "H", (23, 24, 25, 26)),
    Industry("hotels", "Accommodation and catering", "I", (22,)),
    Industry("ict", "Information and communication", "J", (27,)),
    Industry("finance_business", "Finance, real estate and business services", "K-N", (28, 29, 30)),
    Industry(
        "public_other", "Public administration, education, health and other services", "O-T", (31, 32, 33, 34, 35)
    ),
)
S = len(INDUSTRIES)
KEYS = tuple(industry.key for industry in INDUSTRIES)
AT = {key: place for place, key in enumerate(KEYS)}
MANUFACTURING = KEYS[AT["food"] : AT["other_manufacturing"] + 1]


@dataclass(frozen=True)
class Margin:
    """A total the table must meet, or a share that makes one: low, mid, high, and where it comes from."""

    low: float
    mid: float
    high: float
    source: str
    note: str


GDP_SHARE = "eco-2024-{}-share_of_gdp-{}-1"
BROAD = {
    "agriculture": ("agriculture_forestry_and_fishing", "11m"),
    "industry": ("industry", "11m"),
    "construction": ("construction", "11m"),
    "trade": ("trade_and_vehicle_repair", "11m"),
    "transport": ("transport_and_storage", "11m"),
    "hotels": ("accommodation_and_catering", "11m"),
    "ict": ("information_and_communication", "07m"),
    "other": ("other_sectors", "07m"),
    "net_taxes": ("net_taxes_on_products_and_imports", "07m"),
}
"""Broad sectors, the name of their claim, and the longest period of 2024 for which it is printed."""

ASSUMED = {
    "manufacturing": Margin(
        0.05, 0.07, 0.085, "claim:eco-2021-12m-share_of_gdp-manufacturing-1",
        "share of GDP of 2021 used for 2024; range assumed",
    ),
    "vehicle_parts": Margin(
        0.003, 0.01, 0.025, "assumed",
        "share of manufacturing value added: no maker of car parts is on record but one of wiring harnesses",
    ),
    "utilities_scale": Margin(
        0.6, 1.0, 1.5, "assumed", "value added per output of utilities relative to industry as a whole"
    ),
    "mining_ratio": Margin(
        0.75, 0.93, 0.95, "claim:eco-2014-05m-value_added-mining-1",
        "value added / output of mining: five months of 2014 over 5/8 of eight months' output; range assumed",
    ),
    "household_share": Margin(
        0.50, 0.57, 0.64, "assumed", "household consumption at purchasers' prices, share of GDP"
    ),
    "goods_exports": Margin(
        0.9, 1.0, 1.1, "claim:eco-2025-11m-goods_exports-1",
        "eleven months of 2025 x 12/11 x 1.70 AZN per USD, standing in for 2024; range a factor, assumed",
    ),
    "goods_imports": Margin(
        0.9, 1.0, 1.1, "claim:eco-2025-11m-goods_imports-1",
        "eleven months of 2025 x 12/11 x 1.70 AZN per USD, standing in for 2024; range a factor, assumed",
    ),
    "services_exports": Margin(0.05, 0.08, 0.11, "assumed", "exports of services, share of GDP"),
    "services_imports": Margin(0.05, 0.08, 0.11, "assumed", "imports of services, share of GDP"),
    "input_tax": Margin(0.005, 0.015, 0.03, "assumed", "taxes less subsidies on inputs, share of the inputs"),
    "household_tax_share": Margin(
        0.6, 0.75, 0.9, "assumed", "part of the taxes on final products that households pay; the rest: other final use"
    ),
    "mining_exports": Margin(0.8, 0.9, 0.95, "assumed", "prior of the exported part of mining output; RAS moves it"),
    "employer_contribution": Margin(
        0.15, 0.20, 0.24, "assumed", "social contributions of employers on top of gross wages, share of wages"
    ),
    "agriculture_employment": Margin(0.30, 0.36, 0.40, "assumed", "share of employed persons in agriculture"),
    "industry_employment": Margin(
        0.12, 0.141, 0.16, "claim:eco-2015-12m-share_of_employment-industry-1",
        "share of employed persons in industry with construction, 2015; range assumed",
    ),
}  # fmt: skip
"""Margins that no claim gives for 2024, and factors that turn claims into margins."""

WAGE = {
    "agriculture": "agriculture_forestry_and_fishing",
    "mining": "mining",
    "utilities": "electricity_gas_and_steam",
    "construction": "construction",
    "trade": "trade_and_vehicle_repair",
    "transport": "transport_and_storage",
    "hotels": "accommodation_and_catering",
}
"""Industries whose wage of January to June 2024 is printed."""


class Claims:
    """The study's evidence on the economy: value by claim, and which claims were used."""

    def __init__(self, path: Path) -> None:
        with path.open(encoding="utf-8") as file:
            self._rows = {row["claim"]: row for row in csv.DictReader(file)}

    def __call__(self, name: str) -> float:
        if name not in self._rows:
            raise SystemExit(f"{name} is not in the evidence; the margins of this script rest on it")
        return float(self._rows[name]["value"])

    def period(self, attribute: str, year: int) -> tuple[float, float]:
        """Lowest and highest value printed for any period of a year."""
        values = [
            float(row["value"])
            for name, row in self._rows.items()
            if name.startswith(f"eco-{year}-") and name.endswith(f"-{attribute}-1")
        ]
        return min(values), max(values)


@dataclass(frozen=True, eq=False)
class Donor:
    """A donor's table, merged into the industries of this one; million USD of 2011."""

    domestic: Array
    imported: Array
    household: tuple[Array, Array]
    other: tuple[Array, Array]
    exports: Array
    output: Array
    value_added: Array


def read_donor(path: Path) -> Donor:
    """The national table of the World Input-Output Database cut for karvan, 35 industries, merged."""
    with path.open(encoding="utf-8") as file:
        lines = list(csv.reader(file))
    head = lines[0][1:]
    body = {line[0]: np.array([float(cell or 0) for cell in line[1:]]) for line in lines[1:]}
    merge = np.zeros((S, 35))
    for place, industry in enumerate(INDUSTRIES):
        merge[place, [code - 1 for code in industry.codes]] = 1.0

    def block(kind: str, columns: list[str]) -> Array:
        where = [head.index(column) for column in columns]
        return np.array([body[f"{kind}.c{code}"][where] for code in range(1, 36)])

    industries = [f"c{code}" for code in range(1, 36)]
    final = {kind: merge @ block(kind, ["f1", "f2", "f3", "f4", "f5"]) for kind in ("dom", "imp")}
    return Donor(
        merge @ block("dom", industries) @ merge.T,
        merge @ block("imp", industries) @ merge.T,
        # f1 households, f2 the non-profit bodies that serve them; f3 government, f4 investment, f5 stocks (may be
        # below 0 and then counts as none: a prior must not be negative).
        (final["dom"][:, :2].sum(axis=1), final["imp"][:, :2].sum(axis=1)),
        (np.maximum(final["dom"][:, 2:], 0).sum(axis=1), np.maximum(final["imp"][:, 2:], 0).sum(axis=1)),
        (merge @ block("dom", ["export"]))[:, 0],
        (merge @ block("dom", ["output"]))[:, 0],
        merge @ body["value_added_and_net_taxes"][:35],
    )


def margins(claims: Claims, donors: Mapping[str, Donor], chosen: Mapping[str, float]) -> dict[str, Array | float]:
    """Every total of the table in million AZN, given one value of each assumed margin."""
    gdp = chosen["gdp"]
    share = {name: chosen[f"share_{name}"] for name in BROAD}
    whole = sum(share.values())
    share = {name: value / whole for name, value in share.items()}
    gva = np.zeros(S)
    for name in ("agriculture", "construction", "trade", "transport", "hotels", "ict"):
        gva[AT[name]] = share[name] * gdp
    manufacturing = chosen["manufacturing"] * gdp
    # Electricity and gas 3.1 and water and waste 0.6 percent of industrial output in January to October 2022.
    of_output = (
        claims("eco-2022-10m-share_of_industry-electricity_gas_and_steam-1")
        + claims("eco-2022-10m-share_of_industry-water_supply_and_waste-1")
    ) / 100
    gva[AT["utilities"]] = share["industry"] * gdp * of_output * chosen["utilities_scale"]
    gva[AT["mining"]] = share["industry"] * gdp - manufacturing - gva[AT["utilities"]]
    split = np.mean([split_of(donor, MANUFACTURING) for donor in donors.values()], axis=0)
    parts = MANUFACTURING.index("vehicle_parts")
    split[parts] = 0.0
    split *= (1 - chosen["vehicle_parts"]) / split.sum()
    split[parts] = chosen["vehicle_parts"]
    gva[AT["food"] : AT["food"] + len(MANUFACTURING)] = split * manufacturing
    services = np.mean([split_of(donor, ("finance_business", "public_other")) for donor in donors.values()], axis=0)
    gva[AT["finance_business"]], gva[AT["public_other"]] = services * share["other"] * gdp
    rate = 1.70 * 12 / 11 / 1e6  # AZN per USD on every date on record since August 2018; eleven months to twelve
    exports = claims("eco-2025-11m-goods_exports-1") * rate * chosen["goods_exports"]
    imports = claims("eco-2025-11m-goods_imports-1") * rate * chosen["goods_imports"]
    exports += chosen["services_exports"] * gdp
    imports += chosen["services_imports"] * gdp
    household = chosen["household_share"] * gdp
    return {
        "gva": gva,
        "net_taxes": share["net_taxes"] * gdp,
        "exports": exports,
        "imports": imports,
        "household": household,
        "other_final": gdp - household - exports + imports,
    }


def split_of(donor: Donor, keys: tuple[str, ...]) -> Array:
    """A donor's split of value added over some industries, shares of 1."""
    part = donor.value_added[[AT[key] for key in keys]]
    return np.asarray(part / part.sum())


def estimate(donor: Donor, totals: Mapping[str, Array | float], chosen: Mapping[str, float]) -> dict[str, Array]:
    """One table: rows industries, imports, product_taxes; columns industries, household, other final, exports."""
    gva = np.asarray(totals["gva"])
    ratio = donor.value_added / donor.output
    ratio[AT["mining"]] = chosen["mining_ratio"]
    tax_rate = chosen["input_tax"] * (1 - ratio) / (1 + chosen["input_tax"])
    # The donor's value added holds net taxes on inputs: what is left for value added is a little less.
    x = gva / (ratio - tax_rate)
    input_tax = tax_rate * x
    inputs = x - gva - input_tax

    # Domestic parts, cut where Azerbaijan makes less of a product than the donor, oil and gas left out on both sides.
    rest = [place for place in range(S) if place != AT["mining"]]
    world = donor.output / donor.output[rest].sum() * 1e9
    here = x / x[rest].sum() * 1e6
    quotient = np.ones(S)
    quotient[rest] = np.minimum(slq(here[rest], world[rest]), 1.0)
    coefficients = (donor.domestic + donor.imported) / donor.output
    domestic_part = np.divide(
        donor.domestic, donor.domestic + donor.imported,
        out=np.zeros((S, S)), where=donor.domestic + donor.imported > 0,
    ) * quotient[:, None]  # fmt: skip
    used = coefficients * x
    prior = np.zeros((S + 1, S + 3))
    prior[:S, :S] = used * domestic_part
    prior[S, :S] = (used * (1 - domestic_part)).sum(axis=0)
    final_tax = float(totals["net_taxes"]) - input_tax.sum()
    taxes = {"household": chosen["household_tax_share"] * final_tax}
    taxes["other"] = final_tax - taxes["household"]
    bought = {
        "household": float(totals["household"]) - taxes["household"],
        "other": float(totals["other_final"]) - taxes["other"],
    }
    for place, name in enumerate(("household", "other")):
        home, abroad = donor.household if name == "household" else donor.other
        basket = (home + abroad) / (home + abroad).sum() * bought[name]
        part = np.divide(home, home + abroad, out=np.zeros(S), where=home + abroad > 0) * quotient
        prior[:S, S + place] = basket * part
        prior[S, S + place] = (basket * (1 - part)).sum()
    prior[:S, S + 2] = donor.exports / donor.output * x
    prior[AT["mining"], S + 2] = chosen["mining_exports"] * x[AT["mining"]]
    rows = np.append(x, float(totals["imports"]))
    columns = np.concatenate([inputs, [bought["household"], bought["other"], float(totals["exports"])]])
    balanced = ras(prior, rows, columns, tolerance=1e-12, max_iterations=20_000).matrix
    return {
        "flows": balanced[:S, :S],
        "final": balanced[:S, S:],
        "imports": balanced[S],
        "taxes": np.concatenate([input_tax, [taxes["household"], taxes["other"], 0.0]]),
        "output": x,
        "gva": gva,
    }


def labour(claims: Claims, donors: Mapping[str, Donor], gva: Array, chosen: Mapping[str, float]) -> dict[str, Array]:
    """Hired employees, employed persons and monthly wages by industry, and whether each is on record."""
    grown = claims("eco-2024-04-01-hired_employees-1") / claims("eco-2023-06-01-hired_employees-1")
    all_hired = claims("eco-2024-04-01-hired_employees-1")
    employed = claims("eco-2024-06-01-employment-1")

    def in_2023(name: str) -> float:
        return claims(f"eco-2023-06-01-hired_employees-{name}-1") * grown

    def in_2024(name: str) -> float:
        return claims(f"eco-2024-04-01-share_of_hired-{name}-1") / 100 * all_hired

    hired = np.zeros(S)
    hired[AT["agriculture"]] = in_2024("agriculture_forestry_and_fishing")
    hired[AT["mining"]] = in_2023("mining")
    hired[AT["utilities"]] = in_2023("electricity_gas_and_steam") + in_2023("water_supply_and_waste")
    hired[AT["construction"]] = in_2024("construction")
    hired[AT["trade"]] = in_2024("trade_and_vehicle_repair")
    hired[AT["transport"]] = in_2024("transport_and_storage")
    hired[AT["hotels"]] = in_2023("accommodation_and_catering")
    hired[AT["ict"]] = in_2023("information_and_communication")
    hired[AT["finance_business"]] = (
        in_2024("finance_and_insurance") + in_2023("real_estate") + in_2024("professional_scientific_and_technical")
    )
    made = slice(AT["food"], AT["food"] + len(MANUFACTURING))
    hired[made] = in_2023("manufacturing") * gva[made] / gva[made].sum()
    hired[AT["public_other"]] = all_hired - hired.sum()

    # Self-employed: agriculture and industry by their share of all employed, services what is left.
    jobs = hired.copy()
    jobs[AT["agriculture"]] = chosen["agriculture_employment"] * employed
    wide = [AT["mining"], *range(made.start, made.stop), AT["utilities"], AT["construction"]]
    own_account = [*range(made.start, made.stop), AT["construction"]]
    extra = chosen["industry_employment"] * employed - hired[wide].sum()
    jobs[own_account] += max(extra, 0.0) * hired[own_account] / hired[own_account].sum()
    open_services = [AT[name] for name in ("trade", "transport", "hotels", "finance_business", "public_other")]
    weight = hired[open_services].copy()
    # Public offices, schools and hospitals hire; only what is left of the group has people on their own account.
    public = in_2024("education") + in_2024("health_and_social_services") + in_2024("public_administration_and_defence")
    weight[-1] = max(weight[-1] - public, 0.0)
    left = employed - jobs.sum()
    jobs[open_services] += max(left, 0.0) * weight / weight.sum()

    # Wages of January to June 2024; where only 2025 is printed, brought back by the wage of all.
    back = claims("eco-2024-06m-wage_month-1") / claims("eco-2025-06m-wage_month-1")

    def wage_2025(name: str) -> float:
        return claims(f"eco-2025-06m-wage_month-{name}-1") * back

    wage = np.full(S, claims("eco-2024-06m-wage_month-manufacturing-1"))
    for key, name in WAGE.items():
        wage[AT[key]] = claims(f"eco-2024-06m-wage_month-{name}-1")
    power, water = in_2023("electricity_gas_and_steam"), in_2023("water_supply_and_waste")
    wage[AT["utilities"]] = (
        power * claims("eco-2024-06m-wage_month-electricity_gas_and_steam-1")
        + water * claims("eco-2024-06m-wage_month-water_supply_and_waste-1")
    ) / (power + water)
    wage[AT["ict"]] = wage_2025("information_and_communication")
    parts = (
        (in_2024("finance_and_insurance"), wage_2025("finance_and_insurance")),
        (in_2023("real_estate"), wage_2025("real_estate")),
        (in_2024("professional_scientific_and_technical"), wage_2025("professional_scientific_and_technical")),
    )
    wage[AT["finance_business"]] = sum(n * w for n, w in parts) / sum(n for n, _ in parts)
    parts = (
        (in_2024("education"), wage_2025("education")),
        (in_2024("health_and_social_services"), wage_2025("health_and_social_services")),
        (in_2024("public_administration_and_defence"), wage_2025("public_administration_and_defence")),
    )
    wage[AT["public_other"]] = sum(n * w for n, w in parts) / sum(n for n, _ in parts)
    pay = hired * wage * 12 / 1e6 * (1 + chosen["employer_contribution"])
    return {"hired": hired, "jobs": jobs, "wage": wage, "compensation": np.minimum(pay, 0.9 * gva)}


def all_margins(claims: Claims) -> dict[str, Margin]:
    """Every margin with its range: those on record and those assumed."""
    months = claims("eco-2024-11m-gdp-1") / 1e6
    answer = {
        "gdp": Margin(
            months, months * 12 / 11, claims("eco-2024-12m-gdp-1") * 1.70 / 1e6, "claim:eco-2024-11m-gdp-1",
            "million AZN: eleven months x 12/11; low: nothing in December; high: an encyclopaedia's figure in USD",
        )
    }  # fmt: skip
    for name, (claim, months_known) in BROAD.items():
        low, high = claims.period(f"share_of_gdp-{claim}", YEAR)
        mid = claims(GDP_SHARE.format(months_known, claim))
        answer[f"share_{name}"] = Margin(
            low / 100, mid / 100, high / 100, f"claim:{GDP_SHARE.format(months_known, claim)}",
            "longest period of 2024 printed; range: all periods of 2024; then scaled so that the shares sum to 1",
        )  # fmt: skip
    return {**answer, **ASSUMED}


def table_of(cells: Mapping[str, Array], people: Mapping[str, Array]) -> InputOutputTable:
    """The estimate as a table that can be asked."""
    return InputOutputTable(
        cells["flows"], cells["final"], output=cells["output"], sectors=KEYS, value_added=cells["gva"],
        compensation=people["compensation"], imports=cells["imports"][:S], product_taxes=cells["taxes"][:S],
        employment=people["jobs"], household_consumption=cells["final"][:, 0],
        household_imports=float(cells["imports"][S]), household_product_taxes=float(cells["taxes"][S]),
        currency="AZN", unit="million", year=YEAR, prices="basic", flows="domestic",
    )  # fmt: skip


def write_tables(
    estimates: Mapping[str, Mapping[str, Array]], people: Mapping[str, Array], ranges: Mapping[str, Array], target: Path
) -> None:
    """``input_output.csv`` and ``industries.csv``."""
    final = ("household_consumption", "other_final", "exports")
    with (target / "input_output.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["donor", "row", "column", "value", "unit", "basis", "source", "note"])
        source = (
            "estimated: WIOD release 2013, {} 2011, balanced by RAS to margins of 2024 (scripts/build_input_output.py)"
        )
        for donor, cells in estimates.items():
            gross = cells["gva"] - people["compensation"]
            note = {
                "vehicle_parts": "proxy: all transport equipment of the donor",
                "imports": "c.i.f., all products together",
                "product_taxes": "taxes less subsidies on products",
                "compensation": "hired employees with employers' contributions",
                "gross_surplus": "mixed income of the self-employed included",
            }

            def put(row: str, column: str, value: float, donor: str = donor, note: Mapping[str, str] = note) -> None:
                text = note.get(row, note.get(column, ""))
                writer.writerow([donor, row, column, f"{value:.4f}", UNIT, "estimated", source.format(donor), text])

            for i, row in enumerate(KEYS):
                for j, column in enumerate(KEYS):
                    put(row, column, cells["flows"][i, j])
                for k, column in enumerate(final):
                    put(row, column, cells["final"][i, k])
                put(row, "output", cells["output"][i])
            columns = (*KEYS, *final)
            for k, column in enumerate(columns):
                put("imports", column, cells["imports"][k])
                put("product_taxes", column, cells["taxes"][k])
            for j, column in enumerate(KEYS):
                put("compensation", column, people["compensation"][j])
                put("gross_surplus", column, gross[j])
                put("output", column, cells["output"][j])
    with (target / "industries.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ["industry", "title", "isic", "gva_low", "gva_mid", "gva_high", "employment_low", "employment_mid",
             "employment_high", "wage_month_low", "wage_month_mid", "wage_month_high", "unit_money", "basis", "source",
             "note"]
        )  # fmt: skip
        for place, industry in enumerate(INDUSTRIES):
            basis, where, words = provenance(industry.key)
            numbers = [
                f"{ranges[f'{what}_{end}'][place]:.1f}"
                for what in ("gva", "jobs", "wage")
                for end in ("low", "mid", "high")
            ]
            writer.writerow([industry.key, industry.title, industry.isic, *numbers, UNIT, basis, where, words])


def provenance(key: str) -> tuple[str, str, str]:
    """Basis, source and note of an industry's row."""
    jobs = "employed persons with the self-employed: low, hired employees only; self-employed assumed"
    if key in MANUFACTURING:
        sources = (
            "claim:eco-2021-12m-share_of_gdp-manufacturing-1; claim:eco-2023-06-01-hired_employees-manufacturing-1; "
        )
        sources += "claim:eco-2024-06m-wage_month-manufacturing-1"
        how = "value added of manufacturing split as in the donors (mean; range of the donors), jobs by value added"
        if key == "vehicle_parts":
            how = "assumed 1 percent of manufacturing; proxy industry: the donor's ships and aircraft are in it"
        return "assumed", sources, f"{how}; wage of all manufacturing; {jobs}"
    if key in ("finance_business", "public_other"):
        sources = "claim:eco-2024-07m-share_of_gdp-other_sectors-1"
        return (
            "assumed",
            sources,
            f"share of GDP of other sectors split as in the donors; wages of 2025 brought back; {jobs}",
        )
    if key in ("mining", "utilities"):
        sources = "claim:eco-2024-11m-share_of_gdp-industry-1"
        return "derived", sources, f"industry less manufacturing, split by industrial output of 2022; {jobs}"
    claim, months = BROAD[key]
    return "derived", f"claim:{GDP_SHARE.format(months, claim)}", f"share of GDP printed for part of 2024; {jobs}"


def sample(every: Mapping[str, Margin], size: int, seed: int = 1) -> list[dict[str, float]]:
    """Triangular draws of every margin between low and high, mode mid, one Latin hypercube column each."""
    drawn = {}
    for name, margin in every.items():
        u = latin_hypercube(seed, f"io.{name}", 0, size)
        low, mid, high = margin.low, margin.mid, margin.high
        if high == low:
            drawn[name] = np.full(size, mid)
            continue
        cut = (mid - low) / (high - low)
        left = low + np.sqrt(np.maximum(u * (high - low) * (mid - low), 0))
        right = high - np.sqrt(np.maximum((1 - u) * (high - low) * (high - mid), 0))
        drawn[name] = np.where(u < cut, left, right)
    return [{name: float(values[k]) for name, values in drawn.items()} for k in range(size)]


def main() -> None:
    """Read, estimate, write, report."""
    parser = argparse.ArgumentParser(description="Estimate the input-output table of Azerbaijan.")
    parser.add_argument("--facts", type=Path, default=HERE.parent / "shared" / "facts", help="folder of fact files")
    parser.add_argument("--target", type=Path, default=STUDY, help="folder of the study")
    parser.add_argument("--spread", action="store_true", help="print how far donors and margins move the effects")
    arguments = parser.parse_args()
    folder = arguments.facts / "world" / "input_output"
    if not folder.is_dir():
        raise SystemExit(f"{folder} is not here; the donors' tables are read from it")
    claims = Claims(STUDY / "evidence" / "economy.csv")
    donors = {name: read_donor(folder / f"wiod13_2011_national_{name}.csv") for name in DONORS}
    every = all_margins(claims)
    mid = {name: margin.mid for name, margin in every.items()}
    totals = margins(claims, donors, mid)
    people = labour(claims, donors, np.asarray(totals["gva"]), mid)
    estimates = {name: estimate(donor, totals, mid) for name, donor in donors.items()}
    draws = sample(every, 200)
    gva = np.array([margins(claims, donors, draw)["gva"] for draw in draws])
    pay = [labour(claims, donors, gva[k], draw) for k, draw in enumerate(draws)]
    split = np.array([split_of(donor, MANUFACTURING) for donor in donors.values()])
    ranges = {
        "gva_mid": np.asarray(totals["gva"]),
        "gva_low": np.quantile(gva, 0.05, axis=0),
        "gva_high": np.quantile(gva, 0.95, axis=0),
        "jobs_mid": people["jobs"],
        "jobs_low": people["hired"],
        "jobs_high": np.quantile([member["jobs"] for member in pay], 0.95, axis=0),
        "wage_mid": people["wage"],
        "wage_low": people["wage"] * 0.9,
        "wage_high": people["wage"] * 1.1,
    }
    # The donors' own split of manufacturing is wider than what the margins alone allow.
    made = slice(AT["food"], AT["food"] + len(MANUFACTURING))
    factor = split / split.mean(axis=0)
    keep = np.array([key != "vehicle_parts" for key in MANUFACTURING])
    ranges["gva_low"][made] *= np.where(keep, factor.min(axis=0), 1.0)
    ranges["gva_high"][made] *= np.where(keep, factor.max(axis=0), 1.0)
    private, state = (
        claims(f"eco-2024-06m-wage_month-manufacturing_{kind}_sector-1") for kind in ("private", "public")
    )
    ranges["wage_low"][made], ranges["wage_high"][made] = private, state
    ranges["jobs_high"] = np.maximum(ranges["jobs_high"], ranges["jobs_mid"])
    write_tables(estimates, people, ranges, arguments.target)
    print(f"wrote input_output.csv and industries.csv to {arguments.target}")
    if arguments.spread:
        report(claims, donors, estimates, people, draws)


def report(
    claims: Claims,
    donors: Mapping[str, Donor],
    estimates: Mapping[str, Mapping[str, Array]],
    people: Mapping[str, Array],
    draws: list[dict[str, float]],
) -> None:
    """Effects of one million AZN bought from each industry that parts come from, by donor and over the margins."""
    closure = Closure.spending_share(0.70)
    watched = ("rubber_plastics", "metals", "electrical", "vehicle_parts", "textiles", "trade", "transport")
    tables = {name: table_of(cells, people) for name, cells in estimates.items()}
    for account, type_ in (("employment", "I"), ("employment", "II"), ("gva", "I"), ("imports", "I")):
        print(f"\n{account}, Type {type_}, per million AZN at basic prices")
        print(f"{'industry':<22}" + "".join(f"{name:>9}" for name in tables) + "    5-95 % over margins and donors")
        cloud: dict[str, list[float]] = {key: [] for key in watched}
        for draw in draws:
            totals = margins(claims, donors, draw)
            who = labour(claims, donors, np.asarray(totals["gva"]), draw)
            for donor in donors.values():
                effects = table_of(estimate(donor, totals, draw), who).effects(
                    account, type=type_, closure=closure if type_ == "II" else None
                )
                for key in watched:
                    cloud[key].append(effects[key])
        for key in watched:
            row = [
                t.effects(account, type=type_, closure=closure if type_ == "II" else None)[key] for t in tables.values()
            ]
            low, high = np.quantile(cloud[key], [0.05, 0.95])
            print(f"{key:<22}" + "".join(f"{value:9.3f}" for value in row) + f"    {low:.3f} to {high:.3f}")


if __name__ == "__main__":
    main()

"""What is known of car flows in 2017-19, for ``build_flows.py``: output, duties, cells on record, doubtful markets.

Every figure has its page, or the word assumed with a range. Where figures contradict each other the rule is:

1. output less exports on record is home sales, and wins over a sales table that leaves less room (Uzbekistan, Iran);
2. shipments on record that exceed what a sales table leaves room for are held at a stated share of new cars imported
   (Russian cars in Azerbaijan and Kazakhstan), and the cell is called estimated;
3. every free cell of a market whose sales are contradicted or estimated gets a wider error (:data:`COLUMN_ERROR`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

ROW = "ROW"
YEARS = (2017, 2018, 2019)

Table = list[dict[str, str]]


MFN: dict[str, float] = {
    # tariffs.csv, rate in force in 2017-19 (the mean where it changed)
    "RUS": 0.19, "KAZ": 0.19, "BLR": 0.19, "ARM": 0.19, "TUR": 0.10, "UKR": 0.10, "CHN": 0.20,
    "USA": 0.025, "IDN": 0.40,
    # tariffs.csv, one headline rate of about 2014-15
    "ARG": 0.35, "BRA": 0.35, "MEX": 0.20, "THA": 0.80, "IND": 1.25, "MYS": 0.30, "PAK": 0.60, "VNM": 0.70, "ZAF": 0.25,
    # tariffs.csv: 55 to 95 percent
    "IRN": 0.75,
    # tariffs.csv: 30 percent and 3 USD per cc, at an assumed 1,600 cc and 15,000 USD a car
    "UZB": 0.62,
    # tariffs.csv: 0.40 to 0.70 USD per cc, at the same assumed car
    "AZE": 0.06,
    # tariffs.csv: a few cents per cc; the same excise for all origins
    "GEO": 0.0, "TKM": 0.0,
    # assumed: 5 to 25 percent on goods in general; Kyrgyz transitional rates below the common tariff
    "IRQ": 0.15, "KGZ": 0.10,
}  # fmt: skip
"""Most-favoured-nation duty on new passenger cars, share of 1. EU members: 0.10 (tariffs.csv)."""
MFN_ELSEWHERE = 0.10
"""Assumed where the tariff table has no rate. It acts on the home share of such a country only."""
FREE_BLOCS: tuple[frozenset[str], ...] = (
    frozenset({"RUS", "KAZ", "BLR", "ARM", "KGZ"}),  # EAEU (countries.csv)
    frozenset({"RUS", "KAZ", "BLR", "ARM", "KGZ", "MDA", "TJK", "UZB"}),  # CIS free trade of 2011 (countries.csv)
    frozenset({"UKR", "KAZ", "BLR", "ARM", "KGZ", "MDA", "TJK", "UZB"}),  # the same for Ukraine, but not with Russia
    *(frozenset({"AZE", other}) for other in ("RUS", "UKR", "BLR", "KAZ", "UZB", "GEO", "TKM", "KGZ", "MDA", "TJK")),
    # General knowledge, without a row in the tables; these concern the rest of the world.
    frozenset({"USA", "CAN", "MEX"}),
    frozenset({"ARG", "BRA", "URY", "PRY"}),
    frozenset({"THA", "IDN", "MYS", "PHL", "VNM", "SGP", "BRN", "LAO", "KHM", "MMR"}),
)
EU_PARTNERS = frozenset({"TUR", "NOR", "CHE", "ISL", "LIE", "MAR", "KOR", "MEX"})
"""Duty-free with the EU on cars. Turkey: tariffs.csv (customs union); the others: general knowledge."""


def means(table: Table, column: str) -> dict[str, float]:
    """Mean of a column over the base years, countries with all of them."""
    found: dict[str, list[float]] = {}
    for row in table:
        if int(row["year"]) in YEARS and row[column]:
            found.setdefault(row["country"], []).append(float(row[column]))
    return {country: float(np.mean(values)) for country, values in found.items() if len(values) == len(YEARS)}


CARS_OF_TOTAL: dict[str, float] = {
    "KAZ": 0.87,  # 64,790 of 74,831 in 2020 and 80,679 of 92,417 in 2021 (production.csv)
    "BLR": 0.43,  # "more than 10 thousand" Geely cars of 23,235 vehicles in 2018: https://charter97.org/en/news/2019/2/22/324503/
}
"""Passenger cars among all vehicles made, where the table has totals only."""
CARS_OF_TOTAL_ELSEWHERE = 0.75
"""Assumed, 0.5 to 1: makers of the rest of the world without a split in any year."""
AZE_OUTPUT = (30.0, 969.0, 2360.0)
"""2017 (January to July, Nakhchivan alone: nothing else is on record), 2018, 2019: evidence of the study."""


def output(table: Table) -> dict[str, float]:
    """Passenger cars made, mean of the base years, by country."""
    cars, total = means(table, "passenger_cars"), means(table, "total")
    made = dict(cars)
    for country in set(total) - set(cars):
        both = [
            (abs(int(row["year"]) - 2018), float(row["passenger_cars"]) / float(row["total"]))
            for row in table
            if row["country"] == country and row["passenger_cars"] and float(row["total"] or 0) > 0
        ]
        near = [share for gap, share in both if gap == min(g for g, _ in both)] if both else []
        share = CARS_OF_TOTAL.get(country, float(np.mean(near)) if near else CARS_OF_TOTAL_ELSEWHERE)
        made[country] = share * total[country]
    made["AZE"] = float(np.mean(AZE_OUTPUT))
    return {country: value for country, value in made.items() if value > 0}


@dataclass(frozen=True)
class Record:
    """A cell on record."""

    exporter: str
    importer: str
    units: float
    log_error: float
    source: str
    note: str
    basis: str = "known"


RBTH_OUTSIDE = "https://fr.rbth.com/economie/82189-vehicules-russie-exportations"
RBTH_TOTAL = "https://fr.rbth.com/economie/84285-véhicules-russes-exportations"
BELTA = "https://eng.belta.by/economics/view/new-automobile-sales-18-down-in-belarus-in-2020-136573-2021"
CHARTER = "https://charter97.org/en/news/2019/2/22/324503/"
KUN = "https://m.kun.uz/en/news/2022/01/29/kazakhstan-remains-major-importer-of-uzbek-made-cars"
DARYO = "https://daryo.uz/k/2022/11/23/ozbekistonda-9-oyda-qancha-avtomobil-davlat-royxatidan-otkazilgani-malum-boldi"
RAVON = (
    "http://www.xebersaati.com/news/131711-data-on-gm-uzbekistan-s-car-sales-to-russia-disclosed/ ; "
    "http://uz24.news/index.php/"
    "association-of-european-business-uzbekistan-has-not-been-exporting-cars-to-russia-for-almost-a-year-now/"
)
KAZ_HALF = "https://fbc.de/ost/ost34930"
KAZ_YEAR = "https://fbc.de/ost/ost37133"
IRAN = (
    "http://www.xebersaati.com/news/165201-iran-auto-sector-fails-to-bring-exports-to-pre-sanction-level/ ; "
    "https://www.tehrantimes.com/news/454976/Annual-automobile-exports-exceed-5-7m"
)
OSD = (
    "https://www.steelorbis.com/steel-news/latest-news/"
    "turkish-motor-vehicle-sales-increase-757-percent-in-january_september-1169239.htm"
)
FINANCE_UA = "http://e-finance.com.ua/show/231600.html"
XINHUA = "https://xinhua.telesurtv.net/Note/exportaciones-de-automoviles-de-china-disminuyen-un-2-9-en-2020"
EVIDENCE = "evidence of the study (output)"

ELEVEN_MONTHS = 12 / 11
NINE_MONTHS = 12 / 9
RUSSIA_OUTSIDE = {"UKR": 3_800, "UZB": 3_100, "AZE": 2_400, "IRQ": 500, "CZE": 6_300, "LVA": 2_900}
RUSSIA_OUTSIDE |= {"SRB": 577, "EST": 515, "SVK": 505, "HUN": 443}
"""Cars from Russia in its first ten markets outside the EAEU, January-November 2018; 26,000 in all (Avtostat)."""
RUSSIA_ABROAD = 109_400 / 1.167
"""Light vehicles exported by Russia in 2018: 109,400 in 2019 are 16.7 % more (Russian Export Centre)."""
RUSSIA_MOST = 0.60
"""Assumed, 0.45 to 0.75: the most that Russian-made cars can be of the new cars a market imports, where shipments on
record exceed what its sales table leaves room for (Azerbaijan and Kazakhstan)."""
RUSSIA_SMALL_EAEU = 0.40
"""Assumed, 0.2 to 0.6: share of Russian-made cars among new cars in Kyrgyzstan and Armenia (Belarus: 0.70)."""
UZB_HOME_SHARE = 210_419 / 222_794
"""New cars registered in Uzbekistan in January-September 2022 that were made there."""
UZB_EXPORTS_2021 = 28_952
UZB_OTHER_2021 = {"AZE": 277, "UKR": 929, "KGZ": 94}
"""Of Uzbek exports of 2021: Kazakhstan 26,970, Russia 456, these, and 226 others."""
IRN_IMPORTS = 38_000.0
"""Mean of 76,000 in 2017 (57,000 in nine months), half of it in 2018 (assumed: a ban came in July) and none in 2019."""
BLOC = frozenset({"AZE", "GEO", "ARM", "RUS", "KAZ", "UZB", "TKM", "TJK", "KGZ", "UKR", "BLR", "MDA"})
"""Countries between which the seed gets a factor of its own, for the brands, service and language they share.

The 1993 matrix has no such pair, so the factor is fitted to :data:`BLOC_FIT`."""
BLOC_FIT = 9_300 / (26_000 - 9_300 - 577 - 500)
"""Russian cars shipped to Ukraine, Uzbekistan and Azerbaijan over those to the EU (the rest, less Serbia and Iraq)."""


def records(made: Mapping[str, float], sold: dict[str, float]) -> list[Record]:
    """Cells on record; replaces the sales of markets whose table contradicts output less exports."""
    home = _home_sales(made)
    sold["UZB"] = home["UZB"].units / UZB_HOME_SHARE
    sold["IRN"] = home["IRN"].units + IRN_IMPORTS
    return [*home.values(), *_russia(made, sold, home), *_others(made), *_azerbaijan(made, sold)]


def _uzbek_exports() -> dict[str, float]:
    """To Kazakhstan, Russia and others, mean of the base years."""
    russia = (9_340 * NINE_MONTHS + 4_676) / 3  # nine months of 2017, four of 2018, then none
    return {"KAZ": 1_709 * 2.0, "RUS": russia, "other": float(UZB_EXPORTS_2021 - 26_970 - 456)}


def _iranian_exports() -> float:
    return (1_891 * NINE_MONTHS + 1_300) / 2


def _home_sales(made: Mapping[str, float]) -> dict[str, Record]:
    """Home sales as output less exports on record, by country."""
    turkey = 1 - 417_045 / (1 - 0.298) * NINE_MONTHS / 982_642
    rows = {
        "KAZ": (
            1 - 2_700 / 50_000,
            0.10,
            KAZ_YEAR,
            "2,700 of over 50,000 in 2019; agrees with the home share of sales",
        ),
        "TUR": (turkey, 0.15, OSD, "417,045 exported in January-September 2020, 29.8 % fewer than in 2019"),
        "UKR": (1 - 104 * 12 / 8 / made["UKR"], 0.05, FINANCE_UA, "104 exported in January-August 2018"),
        "CHN": (1 - 760_000 / 1.048 / made["CHN"], 0.02, XINHUA, "760,000 exported in 2020, 4.8 % more than in 2019"),
        "IRN": (
            1 - _iranian_exports() / made["IRN"],
            0.05,
            IRAN,
            "1,891 exported in nine months of 2017, 1,300 in 2019",
        ),
        "UZB": (
            1 - sum(_uzbek_exports().values()) / made["UZB"],
            0.05,
            f"{KUN} ; {RAVON}",
            "the sales table (47,500 in 2018, 220,667 made) cannot be right and is not used",
        ),
    }
    return {
        c: Record(c, c, share * made[c], error, source, f"output less exports; {note}")
        for c, (share, error, source, note) in rows.items()
    }


def _russia(made: Mapping[str, float], sold: Mapping[str, float], home: Mapping[str, Record]) -> list[Record]:
    """What Russia sells, and where."""
    held = f"held at {RUSSIA_MOST:.0%} of new cars imported (assumed)"
    kazakhstan = RUSSIA_MOST * (sold["KAZ"] - home["KAZ"].units)
    azerbaijan = RUSSIA_MOST * (sold["AZE"] - made["AZE"])
    belarus = 0.7022 * sold["BLR"]
    small = {market: RUSSIA_SMALL_EAEU * sold[market] for market in ("KGZ", "ARM")}
    # Exports as a share of output, 2018-19; the part outside the EAEU as in 2018. What goes to the EAEU by that count,
    # less Belarus, is more than Kazakhstan buys: kits for its plants are in it. Only cars sold as Russian count.
    exports = made["RUS"] * (109_400 + RUSSIA_ABROAD) / (1_523_594 + 1_563_572)
    outside = exports * 26_000 * ELEVEN_MONTHS / RUSSIA_ABROAD
    abroad = outside + belarus + kazakhstan + sum(small.values())
    both = f"{RBTH_TOTAL} ; {RBTH_OUTSIDE}"
    shipped = {
        market: (min(azerbaijan, units * ELEVEN_MONTHS) if market == "AZE" else units * ELEVEN_MONTHS)
        for market, units in RUSSIA_OUTSIDE.items()
    }
    note = "{:,} in January-November 2018, at a yearly pace"
    return [
        Record("RUS", "RUS", made["RUS"] - abroad, 0.03, both, "output less exports, kits for Kazakh plants apart"),
        Record("RUS", "BLR", belarus, 0.15, BELTA, "70.22 % of new cars sold in 2020 were made in Russia"),
        Record("RUS", "KAZ", kazakhstan, 0.30, RBTH_TOTAL, f"more on record than sold: {held}", "estimated"),
        *(
            Record("RUS", m, units, 0.50, BELTA, "40 % of the market (assumed, 0.2 to 0.6; Belarus 70 %)", "estimated")
            for m, units in small.items()
        ),
        *(
            Record("RUS", m, units, 0.30, RBTH_OUTSIDE, note.format(RUSSIA_OUTSIDE[m]))
            for m, units in shipped.items()
            if m != "AZE"
        ),
        Record(
            "RUS",
            "AZE",
            shipped["AZE"],
            0.40,
            RBTH_OUTSIDE,
            f"2,400 in January-November 2018, more than the sales table leaves room for: {held}",
            "estimated",
        ),
    ]


def _others(made: Mapping[str, float]) -> list[Record]:
    """Belarus, Uzbekistan and Iran abroad."""
    uzbek = _uzbek_exports()
    scale = sum(uzbek.values()) / UZB_EXPORTS_2021
    iranian = _iranian_exports()
    return [
        Record("BLR", "RUS", 0.65 * made["BLR"], 0.30, CHARTER, "65 % of the Geely cars made went to Russia"),
        Record("BLR", "BLR", 0.33 * made["BLR"], 0.30, CHARTER, "the rest went to Belarusian buyers; 2 % left free"),
        Record("UZB", "KAZ", uzbek["KAZ"], 0.40, KAZ_HALF, "1,709 Ravon cars in the first half of 2018, doubled"),
        Record("UZB", "RUS", uzbek["RUS"], 0.20, RAVON, "9,340 in nine months of 2017, 4,676 in 2018, then none"),
        *(
            Record("UZB", m, units * scale, 0.70, KUN, f"{units} of {UZB_EXPORTS_2021:,} exported in 2021", "estimated")
            for m, units in UZB_OTHER_2021.items()
        ),
        Record("IRN", "IRQ", iranian / 2, 0.50, IRAN, "first market named: half of exports (assumed)", "estimated"),
        Record(
            "IRN",
            "AZE",
            1_300 * 1_159.4 / 5_722.0 / 3,
            1.00,
            IRAN,
            "20 % by value of 1,300 in 2019-20, hardly any before: a third of it",
            "estimated",
        ),
    ]


def _azerbaijan(made: Mapping[str, float], sold: Mapping[str, float]) -> list[Record]:
    """Azerbaijan sells at home what it makes."""
    note = "30 (January-July 2017), 969 and 2,360 made; no export on record in the base years"
    abroad = [Record("AZE", m, 0.0, 0.0, EVIDENCE, "no export on record in the base years") for m in sold if m != "AZE"]
    return [
        Record("AZE", "AZE", made["AZE"], 0.05, EVIDENCE, note),
        *abroad,
        Record("AZE", ROW, 0.0, 0.0, EVIDENCE, "no export on record in the base years"),
    ]


COLUMN_ERROR: dict[str, tuple[float, str]] = {
    "AZE": (0.30, "sales table rounded in 2017-18 and below shipments on record"),
    "GEO": (0.30, "sales table estimated; another source counts 4,073 in 2018"),
    "UZB": (0.10, "sales replaced by output less exports over the home share of 2022"),
    "TKM": (0.40, "sales table estimated, nothing to check it against"),
    "KGZ": (0.40, "sales table estimated, nothing to check it against"),
    "IRN": (0.15, "sales replaced by output less exports plus imports on record"),
    "IRQ": (0.50, "sales table far below other counts (85,000 in 2021)"),
}
"""Standard error of ln sales of a market whose figure is contradicted or estimated, and why: widens its free cells."""

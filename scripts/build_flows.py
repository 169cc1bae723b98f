"""Estimate the base-year car flows of the Azerbaijan study, ``studies/azerbaijan/flows.csv``.

    python -m scripts.build_flows --facts FACTS_FOLDER [--proof-only]

No matrix of new passenger cars between countries is published for this region. This script makes one for the average of
2017-19: a gravity seed between all makers and all markets of the world tables, balanced to output and sales, with the
cells that some statistic prints held fixed (``flows_records.py``), then summed to the exporters and importers it has.

The elasticities of the seed and the error of each cell come from the one car matrix that is known, 31 regions in 1993
(Caliendo and Parro 2015), which the same method rebuilds from its own margins: :func:`proof`. ``docs/flows.md`` has the
numbers.
"""

import argparse
import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scripts.flows_records import (
    BLOC,
    BLOC_FIT,
    COLUMN_ERROR,
    EU_PARTNERS,
    FREE_BLOCS,
    MFN,
    MFN_ELSEWHERE,
    ROW,
    Table,
    means,
    output,
    records,
)

from karvan.base.axes import Array, BoolArray
from karvan.market.flows import balance_flows, gravity_seed
from karvan.market.rebuild import (
    RebuildError,
    SeedFit,
    band_coverage,
    fit_seed,
    great_circle,
    mean_distance,
    rebuild_error,
)
from karvan.study.schema import Flows

HERE = Path(__file__).resolve().parents[1]
WORLD = HERE / "src" / "karvan" / "study" / "world"
TARGET = HERE / "src" / "karvan" / "study" / "studies" / "azerbaijan" / "flows.csv"

EXPORTERS = ("AZE", "BLR", "CHN", "EUR", "IND", "IRN", "JPN", "KAZ", "KOR", "RUS", "TUR", "UKR", "USA", "UZB", "ROW")
"""EUR: members of the EU and the United Kingdom; ROW: all others."""
IMPORTERS = ("AZE", "GEO", "TUR", "RUS", "KAZ", "UZB", "TKM", "KGZ", "UKR", "BLR", "IRN", "IRQ", "ROW")
CLASS_EDGES = np.array([0.0, 0.001, 0.01, 0.03, 0.1, 0.3, 1.01])
"""Size classes of a cell: its share of the market."""
WIDEN = 1.25
"""Factor on the errors of 1993, so that no more than about one cell in twenty lies above the 5-95 % band in any of the
three matrices tried. More than one in twenty lies below it: a cell that is far too high is the method's usual miss."""


def read(path: Path) -> Table:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


# --- places and duties ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Places:
    """Countries of the world tables."""

    rows: Mapping[str, Mapping[str, str]]

    def distance(self, origins: Sequence[str], markets: Sequence[str]) -> Array:
        """(O, M) km between capitals; 1 at home, where the seed does not use it."""
        at = [
            np.array([float(self.rows[c][f]) for c in p]) for p in (origins, markets) for f in ("latitude", "longitude")
        ]
        km = great_circle(*at)
        km[np.array(origins)[:, None] == np.array(markets)] = 1.0
        return km

    def contiguous(self, origins: Sequence[str], markets: Sequence[str]) -> BoolArray:
        return np.array([[m in self.rows[o]["neighbours"].split(";") for m in markets] for o in origins], dtype=bool)

    def in_eu(self, country: str, year: int) -> bool:
        since, _, left = self.rows[country]["eu_since"].partition("-")
        return bool(since) and int(since) <= year and (not left or year < int(left))


def duties(places: Places, nodes: Sequence[str], year: int = 2018) -> Array:
    """(N, N) duty rates of the markets (columns) on the makers (rows), share of 1."""
    eu = {n: n != ROW and places.in_eu(n, year) for n in nodes}

    def rate(origin: str, market: str) -> float:
        free = (eu[origin] and eu[market]) or any(origin in bloc and market in bloc for bloc in FREE_BLOCS)
        free = free or (eu[origin] and market in EU_PARTNERS) or (eu[market] and origin in EU_PARTNERS)
        if free or origin == market:
            return 0.0
        return 0.10 if eu[market] else MFN.get(market, MFN_ELSEWHERE)

    return np.array([[rate(o, m) for m in nodes] for o in nodes])


# --- the proof --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Proof:
    """The 1993 car matrix, rebuilt from its own margins."""

    regions: tuple[str, ...]
    true: Array
    home: BoolArray
    fit: SeedFit
    fit_without_duty: SeedFit
    rebuilt: Array
    error: RebuildError


def car_matrix(facts: Path) -> tuple[tuple[str, ...], Array, Array]:
    """Regions (the rest of the world last), flows in million USD without duty, duty rates (Caliendo and Parro 2015)."""
    rows = read(facts / "trade_auto_cp2015.csv")
    regions = (*sorted({r["exporter"] for r in rows} - {ROW}), ROW)
    flows, duty = np.zeros((2, len(regions), len(regions)))
    for row in rows:
        cell = regions.index(row["exporter"]), regions.index(row["importer"])
        flows[cell] = float(row["value_net_of_tariff_usd_m"] or 0)
        duty[cell] = float(row["tariff_1993_pct"] or 0) / 100
    return regions, flows, duty


def resistances(
    places: Places, regions: Sequence[str], sales: Mapping[str, float]
) -> tuple[Array, BoolArray, BoolArray]:
    """Distance, border and home among regions of which the last may be the rest of the world.

    The distance to the rest is the :func:`mean_distance` to countries not named (all, if none is left), weighted by
    sales, with elasticity 1.
    """
    named = [r for r in regions if r != ROW]
    km, border = np.ones((len(regions), len(regions))), np.zeros((len(regions), len(regions)), dtype=bool)
    km[: len(named), : len(named)] = places.distance(named, named)
    border[: len(named), : len(named)] = places.contiguous(named, named)
    if ROW in regions:
        rest = sorted(set(sales) - set(named)) or sorted(sales)
        weight = np.array([sales[c] for c in rest])
        to_rest = np.where(np.array(named)[:, None] == np.array(rest), np.inf, places.distance(named, rest))
        km[-1, :-1] = km[:-1, -1] = mean_distance(to_rest, weight, distance_elasticity=1.0)
    return km, border, np.eye(len(regions), dtype=bool)


def proof(facts: Path, places: Places, sales: Mapping[str, float]) -> Proof:
    """Fit the seed to the 1993 car matrix, then rebuild that matrix from its margins with the seed alone."""
    regions, true, duty = car_matrix(facts)
    km, border, home = resistances(places, regions, sales)
    covariates = np.array([np.log(km), border, home, np.log1p(np.where(home, 0.0, duty))])
    fit, without = fit_seed(true, covariates), fit_seed(true, covariates[:3])
    seed = seed_of(fit, true.sum(axis=1), true.sum(axis=0), km, border, home, duty)
    rebuilt = balanced(seed, true.sum(axis=1), true.sum(axis=0))
    error = rebuild_error(true, rebuilt, home, CLASS_EDGES)
    return Proof(regions, true, home, fit, without, rebuilt, error)


def seed_of(
    fit: SeedFit, output: Array, sales: Array, km: Array, border: BoolArray, home: BoolArray, duty: Array
) -> Array:
    """The gravity seed with the elasticities of a fit; ``km`` is 1 at home, where the home factor stands alone."""
    b = fit.coefficients
    seed = gravity_seed(
        output,
        sales,
        km,
        border & ~home,
        float(np.exp(b[2])),
        distance_elasticity=float(b[0]),
        contiguity_effect=float(b[1]),
    )
    return seed * (1 + duty) ** (float(b[3]) if b.size > 3 else 0.0)


def balanced(seed: Array, output: Array, sales: Array, fixed: Array | None = None) -> Array:
    done = balance_flows(seed, output, sales, fixed, iterations=20_000)
    if not done.converged.all():
        raise SystemExit(f"balancing did not converge: off by {np.abs(done.row_residual).max():.3g} in a row")
    return done.flows


def second_matrix(
    facts: Path, places: Places, year: int, shown: Proof
) -> tuple[RebuildError, tuple[float, float, float]]:
    """The method on a matrix it was not fitted to: transport equipment of 40 countries (WIOD), duties not known.

    Returns its error, and how its cells lie against the band of 1993.
    """
    rows = [r for r in read(facts / "trade_transport_equipment_wiod13.csv") if r["year"] == str(year)]
    countries = sorted({r["exporter"] for r in rows} & set(places.rows))
    true = np.zeros((len(countries), len(countries)))
    for row in rows:
        if row["exporter"] in countries and row["importer"] in countries:
            cell = countries.index(row["exporter"]), countries.index(row["importer"])
            true[cell] = max(0.0, float(row["total_usd_m"]))  # a few cells are negative: changes of stocks
    km, border, home = resistances(places, countries, {})
    seed = seed_of(shown.fit_without_duty, true.sum(axis=1), true.sum(axis=0), km, border, home, np.zeros_like(true))
    rebuilt = balanced(seed, true.sum(axis=1), true.sum(axis=0))
    return rebuild_error(true, rebuilt, home, CLASS_EDGES), coverage(true, rebuilt, home, shown.error)


def cell_error(share: Array, error: RebuildError) -> Array:
    """Standard error of ln flow of a cell by its share of the market."""
    return WIDEN * error.log_error(share)


def coverage(true: Array, rebuilt: Array, home: BoolArray, error: RebuildError) -> tuple[float, float, float]:
    """Cells abroad of 1 % of their market or more: shares below, inside and above the 5-95 % band."""
    share = rebuilt / rebuilt.sum(axis=0)
    return band_coverage(true, rebuilt, cell_error(share, error), ~home & (share >= 0.01))


# --- the estimate -----------------------------------------------------------------------------------------------------


def group(places: Places, country: str) -> str:
    """The exporter of the table that a country belongs to."""
    if country != ROW and places.in_eu(country, 2018):
        return "EUR"
    return country if country in EXPORTERS else ROW


def estimate(places: Places, shown: Proof) -> tuple[Table, dict[str, float]]:
    """Rows of the table, and figures worth printing."""
    made = output(read(WORLD / "production.csv"))
    sold = means(read(WORLD / "sales.csv"), "passenger_cars")
    known = records(made, sold)
    nodes = [*sorted(set(made) | set(sold)), ROW]
    rows = np.array([made.get(n, 0.0) for n in nodes])
    columns = np.array([sold.get(n, 0.0) for n in nodes])
    # Sales add up to less than output. The rest of the world, the last column, closes them: cars sold off the record.
    columns[-1] = rows.sum() - columns.sum()
    km, border, home = resistances(places, nodes, sold)
    duty = duties(places, nodes)
    seed = seed_of(shown.fit, rows, columns, km, border, home, duty)
    bloc = np.array([[o != m and o in BLOC and m in BLOC for m in nodes] for o in nodes])
    fixed = np.full(seed.shape, np.nan)
    for record in known:
        fixed[nodes.index(record.exporter), nodes.index(record.importer)] = record.units

    rus = nodes.index("RUS")
    free_russia = fixed.copy()
    free_russia[rus, [n not in ("RUS", "BLR", "KAZ") for n in nodes]] = np.nan
    europe = [group(places, n) == "EUR" for n in nodes]
    three = [nodes.index(n) for n in ("UKR", "UZB", "AZE")]

    def ratio(factor: float) -> float:
        """Russian cars in Ukraine, Uzbekistan and Azerbaijan over those in the EU, as balanced."""
        x = balanced(seed * np.where(bloc, factor, 1.0), rows, columns, free_russia)[rus]
        return float(x[three].sum() / x[europe].sum())

    low, high = 1e-2, 1e3
    for _ in range(40):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if ratio(middle) < BLOC_FIT else (low, middle)
    factor = float(np.sqrt(low * high))
    flows = balanced(seed * np.where(bloc, factor, 1.0), rows, columns, fixed)

    makers = [group(places, n) for n in nodes]
    buyers = [n if n in IMPORTERS else ROW for n in nodes]
    sums = np.array(
        [
            [flows[np.ix_([m == e for m in makers], [b == i for b in buyers])].sum() for i in IMPORTERS]
            for e in EXPORTERS
        ]
    )
    share = sums / sums.sum(axis=0)
    class_error = cell_error(share, shown.error)
    by_cell = {(r.exporter, r.importer): r for r in known}
    way = "estimated: scripts/build_flows.py"
    table: Table = []
    for e, exporter in enumerate(EXPORTERS):
        for i, importer in enumerate(IMPORTERS):
            on_record = by_cell.get((exporter, importer))
            if on_record is not None:
                basis, error, note = on_record.basis, on_record.log_error, on_record.note
                source = f"{way} (cell on record: {on_record.source})"
            else:
                column, why = COLUMN_ERROR.get(importer, (0.0, ""))
                basis, error, note = "estimated", float(np.hypot(class_error[e, i], column)), why
                source = f"{way} (gravity seed, balanced to output and sales 2017-19)"
            table.append(
                {
                    "exporter": exporter,
                    "importer": importer,
                    "units": f"{sums[e, i]:.1f}",
                    "log_error": f"{error:.2f}",
                    "basis": basis,
                    "source": source,
                    "note": note,
                }
            )
    figures = {"made": float(rows.sum()), "sold": float(columns[:-1].sum()), "rest": float(columns[-1]), "bloc": factor}
    return table, figures


def world_sales(year: int) -> dict[str, float]:
    rows = read(WORLD / "sales.csv")
    return {r["country"]: float(r["passenger_cars"]) for r in rows if r["year"] == str(year) and r["passenger_cars"]}


def show(name: str, error: RebuildError) -> None:
    print(f"{name}: misplaced {error.misplaced:.1%} of all flows, {error.misplaced_abroad:.1%} of flows abroad")
    print(
        f"  correlation {error.correlation:.3f}, abroad {error.correlation_abroad:.3f}, ln {error.correlation_log:.3f}"
    )
    print(f"  ln rmse {error.log_rmse:.2f}, cells of 10 % of a market or more {error.log_rmse_large:.2f}")
    print("  share of market   cells  zero  median ln  rmse ln  log_error")
    for k in range(error.class_count.size):
        print(
            f"  {error.class_edges[k]:6.3f}-{error.class_edges[k + 1]:5.3f}    "
            f"{error.class_count[k]:6d}{error.class_zero[k]:6d}"
            f"  {error.class_median[k]:9.2f}{error.class_rmse[k]:9.2f}{error.class_log_error[k]:11.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Estimate the base-year car flows of the Azerbaijan study.")
    parser.add_argument("--facts", type=Path, required=True, help="folder with trade_auto_cp2015.csv")
    parser.add_argument("--proof-only", action="store_true", help="print the errors, write nothing")
    arguments = parser.parse_args()
    places = Places({row["country"]: row for row in read(WORLD / "countries.csv")})
    shown = proof(arguments.facts, places, world_sales(2005))
    for name, value, error in zip(
        ("ln distance", "border", "home", "ln(1 + duty)"),
        shown.fit.coefficients,
        shown.fit.standard_errors,
        strict=True,
    ):
        print(f"{name:13s}{value:8.3f} ({error:.3f})")
    show("1993 car matrix, 31 regions", shown.error)
    band = "  cells abroad of 1 % or more against the 5-95 % band: below {:.0%}, inside {:.0%}, above {:.0%}"
    print(band.format(*coverage(shown.true, shown.rebuilt, shown.home, shown.error)))
    for year in (1995, 2011):
        error, sides = second_matrix(arguments.facts, places, year, shown)
        show(f"WIOD transport equipment {year}, seed of 1993 without duties", error)
        print(band.format(*sides))
    if arguments.proof_only:
        return
    table, figures = estimate(places, shown)
    with TARGET.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(Flows.columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    print({name: round(value, 2) for name, value in figures.items()}, f"{len(table)} rows -> {TARGET.name}")


if __name__ == "__main__":
    main()

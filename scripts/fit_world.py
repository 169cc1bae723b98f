"""Fit the ownership curve and the ageing of the fleet to every country on record, and say how good each fit is.

    python scripts/fit_world.py FACTS_FOLDER [--countries AZE,GEO,KAZ] [--csv FOLDER]

The folder holds ``vehicles_in_use.csv``, ``gdp_population.csv``, ``fleet_unece.csv`` and ``sales.csv``. Ownership is
fitted to all years, and to earlier years alone, whose curve is then asked for five years later (income known, cars
not): that error is the honest one, and stands beside that of a country where nothing changes. Density is left out here
(no land areas in the tables), so the saturation of dense countries is too high; their fits show it.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from karvan.base.axes import Array
from karvan.demand import OwnershipParameters, fit_ownership, saturation, shrink
from karvan.demand.ageing import fit_ageing, used_age_profile
from karvan.demand.fleet import UNECE_CLASSES

FIRST, LAST = 2005, 2020
TRIALS = ((2010, 2015), (2015, 2020))  # fit to the first year, ask for the second
AGES = 60
CLASSES = ("0-2", "2-5", "5-10", "10-20", "20+")
SHAPE = 3.0  # assumed for all countries, range 2 to 5: Oguchi and Fuse (2015) find that one constant serves


Row = dict[str, Any]


def series(table: pl.DataFrame, column: str, names: list[str], first: int, last: int) -> Array:
    """(years, countries) of one column, nan where the table has nothing."""
    place = {name: index for index, name in enumerate(names)}
    out = np.full((last - first + 1, len(names)), np.nan)
    for name, year, value in table.select("iso3", "year", column).iter_rows():
        if name in place and first <= year <= last and value is not None:
            out[year - first, place[name]] = value
    return out


def ownership(facts: Path) -> pl.DataFrame:
    """One row a country: the curve and its errors, with and without the last years."""
    cars = pl.read_csv(facts / "vehicles_in_use.csv", infer_schema_length=None)
    cars = cars.filter((pl.col("measure") == "all_motor_vehicles") & (pl.col("per_1000") > 0))
    money = pl.read_csv(facts / "gdp_population.csv", infer_schema_length=None)
    names = sorted(set(cars["iso3"]) & set(money.filter(pl.col("gdp_pc_ppp_wb").is_not_null())["iso3"]))
    income = series(money, "gdp_pc_ppp_wb", names, FIRST, LAST) / 1000
    owned = series(cars, "per_1000", names, FIRST, LAST)
    urban = series(money, "urban_pct", names, FIRST, LAST)
    shared = OwnershipParameters()
    excess = np.nan_to_num(urban - urban[:, [names.index("USA")]])
    gamma = saturation(shared.gamma_max, 0.0, excess, shared.lambda_, shared.phi)
    fit = fit_ownership(income, owned, saturation=gamma, parameters=shared)
    usable = fit.fitted & ~fit.at_edge & np.isfinite(fit.log_beta_se) & (fit.log_beta_se > 0)
    pulled = shrink(np.where(usable, np.log(-fit.beta), np.nan), np.maximum(fit.log_beta_se, 1e-6))
    columns = {
        "iso3": names,
        "years": fit.count,
        "beta": fit.beta,
        "beta_se": fit.beta_se,
        "beta_shrunk": -np.exp(pulled.mean),
        "error_per_1000": fit.error,
        "error_share": fit.error_relative,
        "r_squared": fit.r_squared,
        "at_edge": fit.at_edge,
    }
    years = np.arange(FIRST, LAST + 1)[:, None]
    for known, asked in TRIALS:
        past = fit_ownership(income, np.where(years <= known, owned, np.nan), saturation=gamma, parameters=shared)
        truth = owned[asked - FIRST]
        columns[f"missed_{asked}"] = np.log(past.path[asked - FIRST] / truth)
        columns[f"unchanged_{asked}"] = np.log(owned[known - FIRST] / truth)
    return pl.DataFrame(columns).filter(pl.Series(fit.fitted))


def ageing(facts: Path) -> pl.DataFrame:
    """One row a country: apparent life and share bought new, from the latest year with age classes."""
    fleet = pl.read_csv(facts / "fleet_unece.csv", infer_schema_length=None)
    fleet = fleet.filter(pl.col("vehicle_type") == "passenger_car")
    sales = pl.read_csv(facts / "sales.csv", infer_schema_length=None)
    sold = {
        (name, year): cars for name, year, cars in sales.select("iso3", "year", "passenger_cars").iter_rows() if cars
    }
    wide = fleet.pivot(on="age_years", index=["iso3", "year"], values="vehicles").sort("iso3", "year")
    by_country = {str(name[0]): block for name, block in wide.group_by("iso3", maintain_order=True)}
    split: list[tuple[str, Row]] = []
    joined: list[tuple[str, Row]] = []
    for name, block in by_country.items():
        dated = [
            row
            for row in block.rows(named=True)
            if sold.get((name, row["year"])) and all(row[c] is not None for c in CLASSES[:-1])
        ]
        whole = [row for row in dated if row["20+"] is not None]
        if whole:
            split.append((name, whole[-1]))
        elif dated:  # the oldest were never split: 10-20 holds all above 10
            joined.append((name, dated[-1]))
    used = used_age_profile(8.0, 4.0, AGES)  # assumed: no table of ages of used imports is at hand
    frames = []
    for rows, classes in ((split, CLASSES), (joined, CLASSES[:-1])):
        counts = np.array([[float(row[c]) for c in classes] for _, row in rows])
        stock = counts.sum(axis=1)
        new = np.array([mean_sales(sold, name, row["year"]) for name, row in rows])
        growth = np.clip([trend(by_country[name]) for name, _ in rows], -0.05, 0.3)
        bounds = UNECE_CLASSES[: len(classes)]
        fit = fit_ageing(counts / stock[:, None], new / stock, growth, shape=SHAPE, used_ages=used, bounds=bounds)
        frames.append(
            pl.DataFrame(
                {
                    "iso3": [name for name, _ in rows],
                    "year": [row["year"] for _, row in rows],
                    "mean_life": fit.mean_life,
                    "new_share": fit.new_share,
                    "additions_share": fit.additions,
                    "class_error": fit.class_error,
                    "sales_ratio": fit.sales_ratio,
                    "at_edge": fit.at_edge,
                }
            )
        )
    return pl.concat(frames).sort("iso3")


def mean_sales(sold: dict[tuple[str, int], float], name: str, year: int) -> float:
    """New cars sold a year, on average over the three years to this one that are on record."""
    return float(np.mean([sold[name, y] for y in range(year - 2, year + 1) if (name, y) in sold]))


def trend(block: pl.DataFrame) -> float:
    """Yearly growth of the cars in use over the last ten years on record."""
    known = block.filter(pl.col("all") > 0).tail(10)
    if known.height < 3:
        return 0.0
    years = known["year"].to_numpy().astype(np.float64)
    return float(np.polyfit(years, np.log(known["all"].to_numpy()), 1)[0])


def median(values: pl.Series) -> float:
    """Median of a column without gaps."""
    return float(np.median(values.to_numpy()))


def rms(values: pl.Series) -> float:
    """Root mean square of a column without gaps."""
    return float(np.sqrt(np.mean(np.square(values.to_numpy()))))


def main() -> None:
    """Fit, print, and write if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("facts", type=Path)
    parser.add_argument("--countries", default="", help="comma-separated ISO3 codes to print; all if left out")
    parser.add_argument("--csv", type=Path, help="folder to write ownership_fit.csv and ageing_fit.csv to")
    options = parser.parse_args()
    wanted = [code for code in options.countries.split(",") if code]
    for name, table in (("ownership", ownership(options.facts)), ("ageing", ageing(options.facts))):
        shown = table.filter(pl.col("iso3").is_in(wanted)) if wanted else table
        with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=160, float_precision=4):
            print(f"{name}: {table.height} countries")
            print(shown)
        if name == "ownership":
            good = table.filter(~pl.col("at_edge"))
            error, fit = median(good["error_share"]), median(good["r_squared"])
            print(f"median error {error:.4f} of what was owned, median R2 {fit:.3f}")
            for known, asked in TRIALS:
                both = pl.col(f"missed_{asked}").is_finite() & pl.col(f"unchanged_{asked}").is_finite()
                tried = table.filter(both)
                print(f"{asked} from the years to {known}, {tried.height} countries, log miss (median size, rms):")
                for label, column in (("the curve", "missed"), ("nothing changes", "unchanged")):
                    miss = tried[f"{column}_{asked}"]
                    print(f"  {label}: {median(miss.abs()):.4f}, {rms(miss):.4f}")
        else:
            print(f"class error, median: {median(table['class_error']):.4f}; sales {median(table['sales_ratio']):.3f}")
        if options.csv:
            options.csv.mkdir(parents=True, exist_ok=True)
            table.write_csv(options.csv / f"{name}_fit.csv")


if __name__ == "__main__":
    main()

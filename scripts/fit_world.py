"""Fit the ownership curve and the ageing of the fleet to every country on record, and say how good each fit is.

    python scripts/fit_world.py [FOLDER] [--countries AZE,GEO,KAZ] [--csv FOLDER]

Reads the packaged world tables; a folder with tables of the same shape may be given instead, or one with the raw tables
they were built from (``vehicles_in_use.csv``, ``gdp_population.csv``, ``fleet_unece.csv``, ``sales.csv``).

Six tables. *Ownership* is fitted to all years, and to earlier years alone, whose curve is then asked for five years
later (income known, cars not): that error is the honest one, and stands beside that of a country where nothing changes.
It is made with saturation by density and urbanisation and with one saturation for all (columns ``one_``).
*Ageing* reads life and share bought new off the latest age classes. *Backcast* fits a life to early years, carries the
fleet five years on with the stock and the new-car sales on record, and compares the age classes with those on record
and with those of a fleet whose ages do not change. *Population* and *income* fit their growth to the years up to a base
in all countries, as the futures do, and count how many of them lay in their 90 % band 5, 10 and 15 years later.
*Commercial* is the elasticity of new commercial vehicles to real GDP within countries, and what countries of an income
buy.
"""

import argparse
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from karvan.base.axes import Array
from karvan.demand import (
    OwnershipParameters,
    carry_forward,
    fit_ageing,
    fit_life,
    fit_ownership,
    fit_panel,
    fleet_from_age_classes,
    saturation,
    shrink,
    simulate_growth,
    survival,
    used_age_profile,
    weibull_scale,
)
from karvan.demand.fleet import UNECE_CLASSES, UNECE_CLASSES_INCLUSIVE
from karvan.futures.macro import income_process, population_process
from karvan.study.world import world_table

PACKAGED = Path(__file__).parents[1] / "src" / "karvan" / "study" / "world"
FIRST, LAST = 2005, 2020
TRIALS = ((2010, 2015), (2015, 2020))  # fit to the first year, ask for the second
AHEAD = 5
AGES = 60
CLASSES = ("0-2", "2-5", "5-10", "10-20", "20+")
SHAPE = 3.0  # assumed for all countries, range 2 to 5: Oguchi and Fuse (2015) find that one constant serves
BREAK = 0.05  # a class share that moves by more in a year is a change of the register, not of the fleet: assumed
POPULATION_BASES, POPULATION_AHEAD, PATHS = (2005, 2009, 2014), (5, 10, 15), 1000
USED_SD = 4.0
USED = used_age_profile(8.0, USED_SD, AGES)  # assumed: no table of ages of used imports is at hand


def read(folder: Path) -> dict[str, pl.DataFrame]:
    """The four tables under one set of names, whichever of the two folders they come from."""

    def table(name: str, raw: str, **columns: str) -> pl.DataFrame:
        file = folder / f"{name}.csv"
        if file.is_file():
            return pl.read_csv(file, infer_schema_length=None)
        return pl.read_csv(folder / f"{raw}.csv", infer_schema_length=None).drop("country").rename(columns)

    fleet = table("fleet_ages", "fleet_unece", iso3="country", age_years="age_class", vehicles="cars")
    if "vehicle_type" in fleet.columns:
        fleet = fleet.filter(pl.col("vehicle_type") == "passenger_car")
    sales = pl.read_csv(folder / "sales.csv", infer_schema_length=None)
    return {
        "stock": table("stock", "vehicles_in_use", iso3="country"),
        "income": table("income", "gdp_population", iso3="country", gdp_pc_ppp_wb="gdp_per_head_ppp"),
        "fleet": fleet.pivot(on="age_class", index=["country", "year"], values="cars").sort("country", "year"),
        "sales": sales.drop("country").rename({"iso3": "country"}) if "iso3" in sales.columns else sales,
    }


def series(table: pl.DataFrame, column: str, names: list[str]) -> Array:
    """(years, countries) of one column from FIRST to LAST, nan where the table has nothing."""
    place = {name: index for index, name in enumerate(names)}
    out = np.full((LAST - FIRST + 1, len(names)), np.nan)
    for name, year, value in table.select("country", "year", column).iter_rows():
        if name in place and FIRST <= year <= LAST and value is not None:
            out[year - FIRST, place[name]] = value
    return out


def ownership(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """One row a country: the curve and its errors, with and without the last years."""
    cars = tables["stock"].filter((pl.col("measure") == "all_motor_vehicles") & (pl.col("per_1000") > 0))
    money = tables["income"].filter(pl.col("gdp_per_head_ppp").is_not_null())
    names = sorted(set(cars["country"]) & set(money["country"]))
    income = series(money, "gdp_per_head_ppp", names) / 1000
    owned = series(cars, "per_1000", names)
    points = ("urban_share", 100.0) if "urban_share" in money.columns else ("urban_pct", 1.0)
    urban = series(money, points[0], names) * points[1]
    shared = OwnershipParameters()
    excess = np.nan_to_num(urban - urban[:, [names.index("USA")]])
    places = world_table("countries").drop_nulls("area_km2")
    area = dict(zip(places["country"].to_list(), places["area_km2"].to_list(), strict=True))
    density = series(money, "population", names) / np.array([area.get(name, np.nan) for name in names])
    crowding = np.nan_to_num(density - density[:, [names.index("USA")]])
    gamma = saturation(shared.gamma_max, crowding, excess, shared.lambda_, shared.phi)
    gamma = np.maximum(gamma, 1.15 * np.nanmax(owned, axis=0))  # nobody owns more than the curve allows
    one = np.maximum(np.full(gamma.shape, shared.gamma_max), gamma)
    fit = fit_ownership(income, owned, saturation=gamma, parameters=shared)
    usable = fit.fitted & ~fit.at_edge & np.isfinite(fit.log_beta_se) & (fit.log_beta_se > 0)
    pulled = shrink(np.where(usable, np.log(-fit.beta), np.nan), np.maximum(fit.log_beta_se, 1e-6))
    columns = {
        "country": names,
        "years": fit.count,
        "beta": fit.beta,
        "beta_se": fit.beta_se,
        "beta_shrunk": -np.exp(pulled.mean),
        "error": fit.error,
        "error_share": fit.error_relative,
        "r_squared": fit.r_squared,
        "at_edge": fit.at_edge,
    }
    years = np.arange(FIRST, LAST + 1)[:, None]
    for known, asked in TRIALS:
        past = fit_ownership(income, np.where(years <= known, owned, np.nan), saturation=gamma, parameters=shared)
        truth = owned[asked - FIRST]
        other = fit_ownership(income, np.where(years <= known, owned, np.nan), saturation=one, parameters=shared)
        columns[f"one_{asked}"] = np.log(other.path[asked - FIRST] / truth)
        columns[f"missed_{asked}"] = np.log(past.path[asked - FIRST] / truth)
        columns[f"flat_{asked}"] = np.log(owned[known - FIRST] / truth)
    return pl.DataFrame(columns).filter(pl.Series(fit.fitted))


@dataclass(frozen=True)
class Fleet:
    """One country's passenger cars at the end of the years on record."""

    country: str
    classes: dict[int, Array]
    """Year to cars by age class; four classes where the oldest were never split off."""
    stock: dict[int, float]
    sold: dict[int, float]

    def sales(self, year: int) -> float:
        """New cars a year, on average over the three years to this one that are on record."""
        return float(np.mean([self.sold[y] for y in range(year - 2, year + 1) if y in self.sold]))

    def bounds(self, year: int) -> tuple[int, ...]:
        """Bounds of the classes: whether the youngest holds the sales of three years or of two."""
        last = [self.sold.get(year - back) for back in range(3)]
        three = sum(cars for cars in last if cars is not None)
        inclusive = None not in last and abs(np.log(max(self.classes[year][0], 1.0) / three)) < 0.15
        return (UNECE_CLASSES_INCLUSIVE if inclusive else UNECE_CLASSES)[: self.classes[year].size]

    def window(self, first: int, last: int) -> tuple[Array, Array, Array] | None:
        """Classes, stock and sales of all years from one to another; None if the record has a gap or a break."""
        years = range(first, last + 1)
        if not {first, last} <= set(self.classes) or any(y not in self.stock for y in years):
            return None
        if any(y not in self.sold for y in years[1:]) or self.bounds(first) != self.bounds(last):
            return None
        dated = [y for y in years if y in self.classes]
        for before, now in pairwise(dated):
            old, new = self.classes[before], self.classes[now]
            if np.abs(new / new.sum() - old / old.sum()).max() > BREAK * (now - before):
                return None
        nothing = np.full(self.classes[first].size, np.nan)
        classes = np.array([self.classes.get(y, nothing) for y in years])
        sold = np.array([self.sold.get(y, 0.0) for y in years])
        return classes, np.array([self.stock[y] for y in years]), sold

    def growth(self, year: int) -> float:
        """Yearly growth of the stock over the ten years to this one."""
        years = np.array([y for y in self.stock if year - 10 < y <= year], dtype=np.float64)
        if years.size < 3:
            return 0.0
        logs = np.log([self.stock[int(y)] for y in years])
        return float(np.clip(np.polyfit(years, logs, 1)[0], -0.05, 0.3))


def fleets(tables: dict[str, pl.DataFrame]) -> list[Fleet]:
    """The countries with age classes and sales in at least one common year."""
    sold: dict[str, dict[int, float]] = {}
    for name, year, cars in tables["sales"].select("country", "year", "passenger_cars").iter_rows():
        if cars:
            sold.setdefault(name, {})[year] = float(cars)
    found = []
    for key, block in tables["fleet"].group_by("country", maintain_order=True):
        name = str(key[0])
        rows = [row for row in block.rows(named=True) if all(row[c] is not None for c in CLASSES[:-1])]
        whole = [row for row in rows if row["20+"] is not None]
        columns = CLASSES if whole else CLASSES[:-1]
        classes = {row["year"]: np.array([float(row[c]) for c in columns]) for row in (whole or rows)}
        classes = {year: cars for year, cars in classes.items() if year in sold.get(name, {}) and cars.sum() > 0}
        stock = {row["year"]: float(row["all"]) for row in block.rows(named=True) if row["all"]}
        if classes:
            found.append(Fleet(country=name, classes=classes, stock=stock, sold=sold[name]))
    return found


def ageing(all_fleets: list[Fleet], years: dict[str, int]) -> pl.DataFrame:
    """One row a country: apparent life and share bought new, from the age classes of the year given."""
    frames = []
    for bounds in sorted({f.bounds(years[f.country]) for f in all_fleets}):
        group = [f for f in all_fleets if f.bounds(years[f.country]) == bounds]
        counts = np.array([f.classes[years[f.country]] for f in group])
        stock = counts.sum(axis=1)
        fit = fit_ageing(
            counts / stock[:, None],
            np.array([f.sales(years[f.country]) for f in group]) / stock,
            [f.growth(years[f.country]) for f in group],
            shape=SHAPE,
            used_ages=USED,
            bounds=bounds,
        )
        columns = {
            "country": [f.country for f in group],
            "year": [years[f.country] for f in group],
            "mean_life": fit.mean_life,
            "new_share": fit.new_share,
            "additions": fit.additions,
            "class_error": fit.class_error,
            "sales_ratio": fit.sales_ratio,
            "at_edge": fit.at_edge,
        }
        frames.append(pl.DataFrame(columns))
    return pl.concat(frames).sort("country")


def backcast(all_fleets: list[Fleet]) -> pl.DataFrame:
    """One row a country: age classes five years after a fit, carried forward, against the record and no change."""
    rows = []
    for fleet in all_fleets:
        found = trial(fleet)
        if found is None:
            continue
        begin, start = found
        past, ahead = fleet.window(begin, start), fleet.window(start, start + AHEAD)
        assert past is not None and ahead is not None  # trial has looked
        bounds = fleet.bounds(start)
        fit = fit_life(*past, shape=SHAPE, ages=AGES, bounds=bounds, used_sd=USED_SD)
        classes, stock, sold = ahead
        p = survival(weibull_scale(fit.mean_life, SHAPE), SHAPE, AGES)
        first = fleet_from_age_classes(classes[0], AGES, bounds=bounds, survival=p)
        scale = classes[0].sum() / stock[0]  # the classes of some countries fall short of the stock
        ages = used_age_profile(fit.used_mean_age, USED_SD, AGES)
        cars = carry_forward(first, p, stock[1:] * scale, sold[1:] * scale, ages).fleet[-1]
        made = np.add.reduceat(cars, bounds) / cars.sum()
        truth, before = classes[-1] / classes[-1].sum(), classes[0] / classes[0].sum()
        rows.append(
            {
                "country": fleet.country,
                "fit_from": begin,
                "from": start,
                "to": start + AHEAD,
                "mean_life": fit.mean_life,
                "used_share": fit.used_share,
                "class_error": float(np.sqrt(np.mean((made - truth) ** 2))),
                "flat_error": float(np.sqrt(np.mean((before - truth) ** 2))),
            }
        )
    return pl.DataFrame(rows)


def trial(fleet: Fleet) -> tuple[int, int] | None:
    """The latest five years that can be compared, and the first of at least three, at most ten, years before them."""
    for start in sorted(fleet.classes, reverse=True):
        if fleet.window(start, start + AHEAD) is None:
            continue
        for begin in range(start - 10, start - 2):
            if fleet.window(begin, start) is not None:
                return begin, start
    return None


def growth(tables: dict[str, pl.DataFrame], column: str) -> pl.DataFrame:
    """One row a base year and distance: how often the band held, and how far the middle and constant growth missed."""
    table = tables["income"].filter(pl.col(column).is_not_null())
    people = table.pivot(on="year", index="country", values=column).sort("country")
    names = people["country"].to_list()
    last = int(table["year"].to_numpy().max())
    rng = np.random.default_rng(1)
    rows = []
    for base in POPULATION_BASES:
        if column == "population":
            process = population_process(table, names, base)
        else:
            by_name: dict[str, dict[int, float]] = {name: {} for name in names}
            for name, year, value in table.select("country", "year", column).iter_rows():
                by_name[name][year] = float(value)
            process = income_process(list(by_name.values()), base)
        z = rng.standard_normal((PATHS, max(POPULATION_AHEAD), len(names)))
        paths = simulate_growth(process, z, drift_normals=rng.standard_normal((PATHS, len(names))))
        for ahead in POPULATION_AHEAD:
            if base + ahead > last:
                continue
            past, then, now = (np.log(people[str(y)].to_numpy().astype(float)) for y in (base - 10, base, base + ahead))
            low, middle, high = np.quantile(paths[:, ahead - 1], (0.05, 0.5, 0.95), axis=0)
            moved = now - then
            known = np.isfinite(moved) & np.isfinite(past)
            held = ((moved >= low) & (moved <= high))[known]
            rows.append(
                {
                    "base": base,
                    "ahead": ahead,
                    "countries": int(known.sum()),
                    "held": float(held.mean()),
                    "missed": float(np.median(np.abs(moved - middle)[known])),
                    "constant": float(np.median(np.abs(moved - (then - past) / 10 * ahead)[known])),
                    "width": float(np.median((high - low)[known])),
                }
            )
    return pl.DataFrame(rows)


def commercial(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """One row: the panel of commercial sales and GDP, and the line through all countries and years per head."""
    money = tables["income"].with_columns(
        gdp=pl.col("population").cast(pl.Float64) * pl.col("gdp_per_head_ppp").cast(pl.Float64)
    )
    rows = tables["sales"].with_columns(pl.col("commercial_vehicles").cast(pl.Float64))
    rows = rows.join(money, on=["country", "year"]).drop_nulls(["commercial_vehicles", "gdp"])
    rows = rows.filter(pl.col("commercial_vehicles") > 0).sort("country", "year")
    bought, size = (
        rows.pivot(on="country", index="year", values=v).sort("year").drop("year")
        for v in ("commercial_vehicles", "gdp")
    )
    fit = fit_panel(np.log(bought.to_numpy().astype(float)), np.log(size.to_numpy().astype(float)))
    people = rows["population"].to_numpy().astype(float)
    x = np.log(rows["gdp"].to_numpy() / people)
    y = np.log(rows["commercial_vehicles"].to_numpy() / people)
    slope, level = np.polyfit(x, y, 1)
    return pl.DataFrame(
        {
            "countries": [fit.countries],
            "count": [fit.count],
            "elasticity": [fit.elasticity],
            "se": [fit.se],
            "sd": [fit.sd],
            "rho": [fit.rho],
            "level": [float(level)],
            "slope": [float(slope)],
            "spread": [float(np.std(y - level - slope * x))],
        }
    )


def report(name: str, table: pl.DataFrame) -> None:
    """The figures that sum a table up."""

    def median(column: str, rows: pl.DataFrame = table) -> float:
        return float(np.median(np.abs(rows[column].to_numpy())))

    if name == "ownership":
        print(f"at the edge {table['at_edge'].sum()}; median error {median('error_share'):.4f}", end="")
        print(f" of what was owned, R2 {float(np.median(table['r_squared'].to_numpy())):.3f}")
        for known, asked in TRIALS:
            both = pl.col(f"missed_{asked}").is_finite() & pl.col(f"flat_{asked}").is_finite()
            tried = table.filter(both)
            print(f"{asked} from the years to {known}, {tried.height} countries, log miss (median size, rms):")
            for label, column in (
                ("the curve", f"missed_{asked}"),
                ("one saturation for all", f"one_{asked}"),
                ("nothing changes", f"flat_{asked}"),
            ):
                rms = float(np.sqrt(np.mean(np.square(tried[column].to_numpy()))))
                print(f"  {label}: {median(column, tried):.4f}, {rms:.4f}")
    elif name == "ageing":
        print(f"median class error {median('class_error'):.4f}, sales ratio {median('sales_ratio'):.3f}")
    elif name == "backcast":
        better = int((table["class_error"] < table["flat_error"]).sum())
        print(f"median class error {median('class_error'):.4f}, if nothing changes {median('flat_error'):.4f};", end="")
        print(f" nearer in {better} of {table.height} countries")


def main() -> None:
    """Fit, print, and write if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=PACKAGED)
    parser.add_argument("--countries", default="", help="comma-separated ISO3 codes to print; all if left out")
    parser.add_argument("--csv", type=Path, help="folder to write one CSV file a table to")
    options = parser.parse_args()
    wanted = [code for code in options.countries.split(",") if code]
    tables = read(options.folder)
    found = fleets(tables)
    results = {
        "ownership": ownership(tables),
        "ageing": ageing(found, {fleet.country: max(fleet.classes) for fleet in found}),
        "backcast": backcast(found),
        "population": growth(tables, "population"),
        "income": growth(tables, "gdp_per_head_ppp"),
        "commercial": commercial(tables),
    }
    for name, table in results.items():
        shown = table.filter(pl.col("country").is_in(wanted)) if wanted and "country" in table.columns else table
        with pl.Config(
            tbl_rows=-1, tbl_cols=-1, tbl_width_chars=170, float_precision=4, tbl_formatting="ASCII_MARKDOWN"
        ):
            print(f"\n{name}: {table.height} rows")
            print(shown)
        report(name, table)
        if options.csv:
            options.csv.mkdir(parents=True, exist_ok=True)
            table.write_csv(options.csv / f"{name}_fit.csv")


if __name__ == "__main__":
    main()

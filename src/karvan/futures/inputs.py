"""Stage inputs from a study, a scenario and a block of draws.

:func:`prepare` does once what does not depend on the draws: which cells there are, the base-year flows split over
offers, the growth processes, the input-output effects. :meth:`Prepared.draw` gives one block of draws of everything
uncertain.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from karvan.base.axes import Array, BoolArray
from karvan.base.errors import InputError, UnknownName
from karvan.base.streams import BLOCK, stream
from karvan.demand.growth import GrowthProcess
from karvan.economy.closure import Closure
from karvan.economy.parts import ImpactEffects
from karvan.economy.table import InputOutputTable
from karvan.futures.density import saturation_ratio
from karvan.futures.frictions import Frictions, Grid, market_cell
from karvan.futures.layout import Layout, make_layout
from karvan.futures.levers import LeverBook
from karvan.futures.macro import Currency, currency_of, income_process, population_process, purchase_noise
from karvan.futures.sample import LHS, OTHER, Sampling, normals
from karvan.futures.series import continued, nearest_year, series_of
from karvan.futures.vehicles import Commercial, commercial_of
from karvan.study.cells import Cell
from karvan.study.evidence import YearValue, year_value
from karvan.study.load import Study
from karvan.study.world import known_by, world_table

AGES = 36
"""Ages of cars kept apart, the last one open."""
KIND = "passenger_car"
RECORD_YEARS = 3
"""Years of output on record that set the level of the plants at the start."""


@dataclass(frozen=True)
class Draws:
    """One block of draws: every uncertain number by the name of its cell."""

    seed: int
    block: int
    size: int
    values: dict[str, Array] = field(default_factory=dict)
    sampling: Sampling = LHS
    swap: frozenset[str] = frozenset()
    """Names of cells and streams taken from the second, independent sample of a Saltelli design."""
    drawn: dict[str, Cell] = field(default_factory=dict)
    """Every uncertain cell drawn so far, by name."""
    streams: set[str] = field(default_factory=set)
    """Names of the streams drawn so far."""

    def of(self, cell: Cell) -> Array:
        """(D,), the values of a cell in this block; made at first use, the same whenever it is asked for."""
        if cell.name not in self.values:
            if cell.certain:
                self.values[cell.name] = np.full(self.size, cell.mid)
            else:
                uniform = self.sampling.uniforms(self.seed, cell.name, self.block, self._sample(cell.name))
                self.values[cell.name] = cell.draw(uniform[: self.size])
                self.drawn[cell.name] = cell
        return self.values[cell.name]

    @property
    def shows_steps(self) -> bool:
        """Whether the middle of each step of the price is kept: that of the first block stands for all."""
        return self.block == 0

    def normal(self, name: str, *shape: int) -> Array:
        """(D, *shape), standard normal numbers of a named stream; more years do not move those before."""
        self.streams.add(name)
        return self._year_first(partial(normals, self.sampling, self.seed, name, self.block, self._sample(name)), shape)

    def uniform(self, name: str, *shape: int) -> Array:
        """(D, *shape), uniform numbers of a named stream; more years do not move those before."""
        self.streams.add(name)
        return self._year_first(stream(self.seed, self._sample(name) + name, self.block).random, shape)

    def _sample(self, name: str) -> str:
        return OTHER if name in self.swap else ""

    def _year_first(self, numbers: Callable[[tuple[int, ...]], Array], shape: tuple[int, ...]) -> Array:
        """Drawn with the first axis outermost, so that a later horizon only adds numbers at the end of the stream."""
        if not shape:
            return numbers((BLOCK,))[: self.size]
        return np.ascontiguousarray(np.moveaxis(numbers((shape[0], BLOCK, *shape[1:])), 0, 1)[: self.size])


@dataclass(frozen=True)
class Prepared:
    """What a run needs besides draws. Axes as in :mod:`karvan.base.axes`; ``C`` countries that make cars."""

    study: Study
    layout: Layout
    book: LeverBook
    frictions: Frictions
    record: tuple[YearValue, ...]
    """Output of the country in the years that set the level of the plants."""
    history: tuple[YearValue, ...]
    """Output of the country in all years on record."""
    quantities: Array
    """(V, M), base-year cars by offer and market; the home column of own offers as shares of the record."""
    flow_error: Array
    """(C, M), standard error of the logarithm of the flow from a country."""
    offer_country: Array
    """(V,), place of the offer's country in ``flow_error``."""
    latest_sales: Array
    """(M,), mean registrations of the latest three years known before the start; nan for none."""
    imports_record: float
    """Used cars imported in the years on record before a past start, cars per year; 0 for none."""
    present_start: bool
    """Whether the futures start where the study does, so that its figures for today hold."""
    income: Array
    """(M,), GDP per head at purchasing-power parity in the year before the start, thousand international dollars."""
    income_known: Array
    """(Y, M), the same over its value in the year before the start, where known; nan else."""
    dollars_known: Array
    """(Y,), income of the home country in dollars over real income, relative to the year before the start; nan else."""
    population: Array
    """(M,), persons in the year before the start."""
    population_known: Array
    """(Y, M), the same over that, where known; nan else."""
    population_growth: GrowthProcess
    """Of population, one series a market."""
    saturation_ratio: Array
    """(M,), saturation of ownership over that of a country no denser and no more urban than the United States; 1 where
    the study gives the market's own."""
    growth: GrowthProcess
    """Of income per head, one series a market."""
    currency: Currency
    """Of the home country."""
    commercial: Commercial
    """Of the home country."""
    stock: tuple[Cell, ...]
    """Cars in use by market, end of the year before the start."""
    age_classes: tuple[tuple[tuple[int, ...], tuple[float, ...]] | None, ...]
    """By market: lower bounds of the age classes on record and the cars in them, latest year before the start."""
    effects: ImpactEffects
    """Input-output effects, one member a donor."""
    donors: tuple[str, ...]
    exchange_rate: float
    """Local currency per dollar in the year before the start."""
    base_gva: float
    """Gross value added of the economy in the table's year, million local currency."""
    table_year: int
    income_as_of: str | None = "study"
    cells: dict[str, Cell] = field(default_factory=dict)
    """Every cell the run has asked for, by name."""
    drawn: dict[str, Cell] = field(default_factory=dict)
    """Every uncertain cell that was drawn, by the name of its quantiles."""
    streams: set[str] = field(default_factory=set)
    """Names of the streams of chance that were drawn."""
    shop_cells: dict[str, dict[str, dict[str, Cell]]] = field(default_factory=dict)
    """By own plant, shop and attribute, as they were looked up."""
    memo: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What is worked out once, by name; another book starts with none."""

    def unmoved(self) -> "Prepared":
        """The same without a lever: how things stood in the year before the start."""
        bare = self.book.scenario.model_copy(update={"levers": ()})
        return replace(self, book=LeverBook(bare, self.book.years))

    def cell(self, name: str, key: str = "") -> Cell:
        """A parameter of the register as a cell; remembered, so that the run knows what it used."""
        found = self.currency.cells.get(f"{name}.{key}" if key else name) or self.study.parameter(name, key)
        self.cells[found.name] = found
        return found

    def market(self, attribute: str, market: str) -> Cell:
        """A market's attribute as a cell. Errors: no row for the market or for ``*``."""
        found = market_cell(self.study, attribute, market)
        if found is None:
            raise UnknownName(f"markets.csv gives no {attribute} for {market}, and no row for *; add one")
        self.cells[found.name] = found
        return found

    def friction(self, kind: str, origin: str, market: str, product: str, year: int) -> Cell | None:
        """The friction that holds, as a cell; None for nothing."""
        found = self.frictions.cell(kind, origin, market, product, year)
        if found is not None:
            self.cells[found.name] = found
        return found

    def friction_grid(self, kind: str, year: int) -> Grid:
        """One kind of friction for all offers and markets; resolved once, for all blocks of draws."""
        grids, key = self.frictions.grids, (kind, self.frictions.epoch(kind, year))
        if key not in grids:
            layout = self.layout
            certain = np.zeros((len(layout.offers), len(layout.markets)))
            drawn: dict[str, tuple[Cell, list[tuple[int, int]]]] = {}
            for v, plant in enumerate(layout.offer_plant):
                product = layout.products[layout.offer_product[v]]
                for m, market in enumerate(layout.markets):
                    cell = self.friction(kind, layout.country[plant], market, product, year)
                    if cell is not None and cell.certain:
                        certain[v, m] = cell.mid
                    elif cell is not None:
                        drawn.setdefault(cell.name, (cell, []))[1].append((v, m))
            places = ((cell, np.array(at).T) for cell, at in drawn.values())
            grids[key] = Grid(certain, tuple((cell, (at[0], at[1])) for cell, at in places))
        return grids[key]


def prepare(study: Study, scenario: str, start: int, until: int, *, income_as_of: str | None = "study") -> Prepared:
    """Everything of a run that does not depend on the draws.

    ``income_as_of`` is the date up to which income is known: the study's own, unless history is run again with known
    income (None: all of it).
    """
    layout = make_layout(study, start, until)
    book = LeverBook(study.scenario(scenario), layout.years)
    book.check(set(layout.plants) | set(study.table("plants")["plant"].to_list()), set(layout.markets))
    history = [
        value
        for year in range(2000, start)
        if (value := year_value(study, "country", "output", KIND, year)) is not None
    ]
    record = tuple(history[-RECORD_YEARS:])
    countries = sorted(set(layout.country))
    quantities, error = _flows(study, layout, countries)
    income = known_by(world_table("income"), study.as_of if income_as_of == "study" else income_as_of)
    income_by = {market: series_of(income, market, "gdp_per_head_ppp") for market in layout.markets}
    people_by = {market: series_of(income, market, "population") for market in layout.markets}
    base = start - 1
    level = np.array([_level(income_by[market], base) for market in layout.markets])
    known = np.array([[_known(income_by[m], year, base) for m in layout.markets] for year in layout.years])
    people = np.array([_continued(people_by[market], base) for market in layout.markets])
    more = np.array([[_known(people_by[m], year, base) for m in layout.markets] for year in layout.years])
    home = study.settings.home
    currency = currency_of(study, income_by[home], people_by[home], base)
    sales = known_by(world_table("sales"), study.as_of)
    incomes = [income_by[market] for market in layout.markets]
    noise = purchase_noise(study, sales, incomes, layout.markets, base, currency.cells)
    effects, donors, gva, table_year = _effects(study)
    return Prepared(
        study=study,
        layout=layout,
        book=book,
        frictions=Frictions(study),
        record=record,
        history=tuple(history),
        quantities=quantities,
        flow_error=error,
        offer_country=np.array([countries.index(layout.country[plant]) for plant in layout.offer_plant]),
        latest_sales=_latest_sales(sales, layout, start),
        imports_record=_imports_record(study, sales, start),
        present_start=start >= study.settings.start_year,
        income=level / 1000.0,
        income_known=known,
        dollars_known=_dollars(study, layout, income_by[home], people_by[home], base),
        population=people,
        population_known=more,
        population_growth=population_process(income, layout.markets, base),
        saturation_ratio=np.where(_own_saturation(study, layout), 1.0, saturation_ratio(income, layout.markets, base)),
        commercial=commercial_of(
            home,
            income_by[home],
            people_by[home],
            base,
            as_of=study.as_of,
            given=lambda name: study.parameter(name, home),
        ),
        currency=replace(currency, cells={**currency.cells, **noise}),
        growth=income_process(incomes, base),
        stock=tuple(_stock_cell(study, market, start) for market in layout.markets),
        age_classes=tuple(_age_classes(study, market, start) for market in layout.markets),
        effects=effects,
        donors=donors,
        exchange_rate=exchange_rate(study, base),
        base_gva=gva,
        table_year=table_year,
        income_as_of=income_as_of,
    )


def _own_saturation(study: Study, layout: Layout) -> BoolArray:
    """(M,), markets whose saturation the study gives itself."""
    rows = study.table("assumptions").filter(pl.col("parameter") == "saturation")
    return np.isin(layout.markets, rows["key"].drop_nulls().to_list())


def _level(series: dict[int, float], year: int) -> float:
    """The value of a year, or of the nearest year on record."""
    if not series:
        return 10000.0  # a market without income data takes a middling income; only its growth matters then
    return nearest_year(series, year)


def _known(series: dict[int, float], year: int, base: int) -> float:
    return series[year] / series[base] if year in series and base in series else np.nan


def _continued(series: dict[int, float], year: int) -> float:
    """A level in a year: known, or continued at the mean growth of the last ten years on record."""
    if not series:
        return 1e6
    return continued(series, year)


def _flows(study: Study, layout: Layout, countries: list[str]) -> tuple[Array, Array]:
    """Base flows split over offers, and the error of the flows by country and market."""
    table = study.table("flows")
    units = {(row["exporter"], row["importer"]): row for row in table.iter_rows(named=True)}
    quantities = np.zeros((len(layout.offers), len(layout.markets)))
    error = np.full((len(countries), len(layout.markets)), 1.0)
    for c, country in enumerate(countries):
        offers = [v for v in range(len(layout.offers)) if layout.country[layout.offer_plant[v]] == country]
        for m, market in enumerate(layout.markets):
            row = units.get((country, market))
            if row is None:
                continue
            error[c, m] = row["log_error"]
            if country == study.settings.country and market == study.settings.home:
                continue  # own plants enter by their record at home, and as entrants where no flow is known
            share = layout.share_home if country == market else layout.share_export
            for v in offers:
                quantities[v, m] = row["units"] * share[v]
    # A market without estimated flows takes the pattern of all others, so that a starter study runs.
    empty = quantities.sum(axis=0) <= 0.0
    if empty.any():
        pattern = quantities.sum(axis=1) if not empty.all() else (layout.offer_plant >= layout.own).astype(np.float64)
        quantities[:, empty] = pattern[:, None]
    return quantities, error


def _latest_sales(sales: pl.DataFrame, layout: Layout, start: int) -> Array:
    """Mean registrations of the latest three years known before the start."""
    means = []
    for market in layout.markets:
        series = series_of(sales, market, "passenger_cars")
        latest = [series[year] for year in sorted(series) if year < start][-3:]
        means.append(float(np.mean(latest)) if latest else np.nan)
    return np.array(means)


def _imports_record(study: Study, sales: pl.DataFrame, start: int) -> float:
    """Mean car imports of the latest three years on record, less new cars not made at home."""
    found = [year_value(study, "country", "imports", KIND, year) for year in range(start - 6, start)]
    values = [value.value for value in found if value is not None][-3:]
    series = series_of(sales, study.settings.home, "passenger_cars")
    new = [series[year] for year in sorted(series) if year < start][-3:]
    return max(float(np.mean(values)) - (float(np.mean(new)) if new else 0.0), 0.0) if values else 0.0


def _dollars(study: Study, layout: Layout, income: dict[int, float], people: dict[int, float], base: int) -> Array:
    """GDP in current dollars over real GDP, relative to ``base``: what a devaluation does to buyers of imports."""
    rows = study.table("macro").filter((pl.col("country") == study.settings.home) & (pl.col("variable") == "gdp_usd"))
    money = dict(zip(rows["year"].to_list(), rows["value"].to_list(), strict=True))

    def ratio(year: int) -> float:
        if year in money and year in income and year in people:
            return float(money[year] / (income[year] * people[year]))
        return np.nan

    return np.array([ratio(year) / ratio(base) for year in layout.years])


def exchange_rate(study: Study, base: int) -> float:
    """Local currency per dollar in the latest year on record up to ``base``."""
    rows = study.table("macro").filter(
        (pl.col("country") == study.settings.home) & (pl.col("variable") == "exchange_rate") & (pl.col("year") <= base)
    )
    values = rows.sort("year")["value"].to_list()
    return float(values[-1]) if values else 1.0


def _stock_cell(study: Study, market: str, start: int) -> Cell:
    """Cars in use in a market at the start: the study's figure for its own start, else the world tables'."""
    given = market_cell(study, "stock", market)
    if given is not None and start >= study.settings.start_year:
        return given
    ages = known_by(world_table("fleet_ages"), study.as_of).filter(pl.col("age_class") == "all")
    cars = {**_cars_in_use(study, market), **series_of(ages, market, "cars")}
    if cars:
        year = min(cars, key=lambda known: (abs(known - (start - 1)), known))
        value = cars[year]
        spread = 0.05 + 0.03 * abs(year - (start - 1))
        note = f"cars in use in {year}; range widened by 3 percent a year of distance"
        source = "derived: world tables stock.csv and fleet_ages.csv"
        return Cell(
            f"markets.stock.{market}",
            value * (1 - min(spread, 0.6)),
            value,
            value * (1 + spread),
            "triangular",
            "cars",
            source,
            note,
            "world/stock.csv",
            "demand",
        )
    if given is not None:
        return given
    raise UnknownName(f"neither markets.csv nor the world tables give the cars in use of {market}; add a row 'stock'")


def _age_classes(study: Study, market: str, start: int) -> tuple[tuple[int, ...], tuple[float, ...]] | None:
    """Cars by age class in the latest year on record before the start; the last class is open; None without one."""
    bounds = {"0-2": 0, "2-5": 2, "5-10": 5, "10-20": 10, "20+": 20}
    frame = known_by(world_table("fleet_ages"), study.as_of).filter(
        (pl.col("country") == market) & (pl.col("year") < start) & pl.col("age_class").is_in(list(bounds))
    )
    by_year: dict[int, dict[int, float]] = {}
    for row in frame.iter_rows(named=True):
        by_year.setdefault(row["year"], {})[bounds[row["age_class"]]] = row["cars"]
    for year in sorted(by_year, reverse=True):
        cars = by_year[year]
        if {0, 2, 5, 10} <= set(cars) and year >= start - 8:
            order = tuple(sorted(cars))
            return order, tuple(cars[bound] for bound in order)
    return None


def _cars_in_use(study: Study, market: str) -> dict[int, float]:
    frame = known_by(world_table("stock"), study.as_of).filter(pl.col("measure") == "passenger_cars")
    return series_of(frame, market, "stock")


def _effects(study: Study) -> tuple[ImpactEffects, tuple[str, ...], float, int]:
    """One set of input-output effects a donor, from the estimated tables; employment from the industries table."""
    flows = study.table("input_output")
    industries = study.table("industries")
    names = industries["industry"].to_list()
    people = np.array(industries["employment_mid"].to_list())
    donors = sorted(flows["donor"].unique().to_list())
    members = []
    for donor in donors:
        rows = flows.filter(pl.col("donor") == donor)
        cells = {(row["row"], row["column"]): float(row["value"]) for row in rows.iter_rows(named=True)}

        def row_of(name: str, cells: dict[tuple[str, str], float] = cells) -> Array:
            return np.array([cells.get((name, column), 0.0) for column in names])

        def column_of(name: str, cells: dict[tuple[str, str], float] = cells) -> Array:
            return np.array([cells.get((row, name), 0.0) for row in names])

        Z = np.array([[cells.get((row, column), 0.0) for column in names] for row in names])
        if column_of("household_consumption").sum() <= 0.0:
            raise InputError(
                f"study {study.name}: input_output.csv: donor {donor} has no household_consumption; without it nothing "
                "says what wages are spent on"
            )
        final = column_of("household_consumption") + column_of("other_final") + column_of("exports")
        compensation = row_of("compensation")
        table = InputOutputTable(
            Z,
            final,
            output=row_of("output"),
            sectors=names,
            value_added=compensation + row_of("gross_surplus"),
            compensation=compensation,
            imports=row_of("imports"),
            product_taxes=row_of("product_taxes"),
            employment=people,
            household_consumption=column_of("household_consumption"),
            household_imports=cells.get(("imports", "household_consumption"), 0.0),
            household_product_taxes=cells.get(("product_taxes", "household_consumption"), 0.0),
            currency=study.settings.currency,
            unit="million",
            year=2024,
            prices="basic",
            flows="domestic",
        )
        # Everything is spent here; each future's own spending share scales the basket later.
        members.append(ImpactEffects.from_table(table, Closure.disposable_income(tax=0.0, saving=0.0)))
    if not members:
        raise InputError(f"study {study.name}: input_output.csv has no donor; the economy stage needs one table")
    return ImpactEffects.stack(members), tuple(donors), float(sum(industries["gva_mid"].to_list())), 2024


def parameter(prepared: Prepared, draws: Draws, name: str, keys: tuple[str, ...] | None = None) -> Array:
    """A parameter over the years: (D, Y or 1), or (D, Y or 1, len(keys)), moved by the scenario's levers."""
    if keys is None:
        return prepared.book.path(name, draws.of(prepared.cell(name)))
    columns = [prepared.book.path(name, draws.of(prepared.cell(name, key)), key) for key in keys]
    width = max(column.shape[1] for column in columns)
    return np.stack([np.broadcast_to(column, (draws.size, width)) for column in columns], axis=-1)


def steady(prepared: Prepared, draws: Draws, name: str, key: str = "") -> Array:
    """(D,), a parameter that does not move within a run; a scenario's levers hold for all of it."""
    return parameter(prepared, draws, name, (key,))[:, -1, 0] if key else parameter(prepared, draws, name)[:, -1]


def used_cells(prepared: Prepared) -> Iterable[Cell]:
    """The uncertain cells a run has asked for, in the order of their names."""
    return (prepared.cells[name] for name in sorted(prepared.cells))

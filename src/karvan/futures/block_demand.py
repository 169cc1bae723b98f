"""What the demand stage needs of one block of draws: income paths, fleets and tastes of every market.

Letters: ``D`` draws, ``Y`` years, ``P`` own plants, ``V`` offers, ``K`` products, ``M`` markets, ``G`` component
groups. Money is in dollars of the year before the start, unless a name says local.
"""

from dataclasses import dataclass

import numpy as np

from karvan.base.axes import Array
from karvan.demand.currency import simulate_devaluations, simulate_reversion
from karvan.demand.fleet import fleet_from_age_classes, steady_fleet, survival, weibull_scale
from karvan.demand.growth import simulate_growth
from karvan.demand.ownership import fit_beta
from karvan.demand.segments import SEGMENTS
from karvan.futures.block_common import markets_of
from karvan.futures.frictions import market_cell, market_rows
from karvan.futures.inputs import AGES, Draws, Prepared, parameter, steady
from karvan.futures.levers import draws_of
from karvan.futures.vehicles import Commercial, commercial_paths, segment_paths
from karvan.study.cells import Cell

CYCLE = (-3.0, 1.2)
"""Bounds of ln(purchases over usual purchases): ``assumed``; imports of 2013 were 2.4 times and those of 2016 one
eighth of their mean of 2011-19 in Azerbaijan."""


HABIT = 0.15
"""Share of a deviation of income that buyers take for lasting within a year: ``assumed``, range 0.1 to 0.3."""


USED_MEAN_AGE = 7.0
"""Mean age of a used import, years: ``assumed``, range 4 to 10; exponential, cut at the last age."""


@dataclass(frozen=True)
class Demand:
    """What the demand stage needs."""

    income: Array
    """(D, Y, M), GDP per head at purchasing-power parity, thousand international dollars."""
    population: Array
    """(D, Y, M), persons."""
    cycle: Array
    """(D, Y, M), purchases at this income and exchange rate over those of the base, fleet apart."""
    real_rate: Array
    """(D, Y), real value of the home currency over that of the base."""
    income0: Array
    """(M,), income of the base."""
    saturation: Array
    alpha: Array
    beta: Array
    """(D, M), (D, 1), (D, M): Gompertz parameters."""
    speed_rising: Array
    speed_falling: Array
    survival: Array
    """(D, M, A)."""
    fleet0: Array
    """(D, M, A), cars at the end of the year before the start."""
    used_ages: Array
    """(M, A)."""
    new_base: Array
    used_base: Array
    """(D, M), new cars and used imports bought in a base year."""
    price_elasticity: Array
    """(D, 1), of the choice between new and used; below 0."""
    electrified: Array
    """(D, Y, M), share of hybrids and electric cars among new cars."""
    new_factor: Array
    """(D, Y, M), levers on the share of new cars."""


def demand_inputs(prepared: Prepared, draws: Draws) -> Demand:
    """Income paths, fleets and tastes of every market."""
    layout = prepared.layout
    years, markets, size = len(layout.years), len(layout.markets), draws.size
    path = np.exp(
        simulate_growth(
            prepared.growth, draws.normal("income", years, markets), drift_normals=draws.normal("income_drift", markets)
        )
    )
    known = prepared.income_known
    path = _join(path, known)
    for lever in prepared.book.of("income"):
        for m, market in enumerate(layout.markets):
            if lever.market in ("", "*", market):
                path[draws_of(lever)][:, prepared.book.when(lever), m] *= lever.value
    growth = simulate_growth(
        prepared.population_growth,
        draws.normal("population", years, markets),
        drift_normals=draws.normal("population_drift", markets),
    )
    people = prepared.population * _join(np.exp(growth), prepared.population_known)
    home = layout.markets[layout.home]
    sd = draws.of(_sd_cell(prepared, home))[:, None]
    shocks = draws.normal("real_rate", years, markets)[:, :, layout.home] * sd
    chance = parameter(prepared, draws, "devaluation_hazard")
    jumps = simulate_devaluations(
        prepared.currency.jumps,
        draws.uniform("devaluation", years),
        draws.normal("devaluation_step", years),
        hazard=-np.log1p(-np.clip(chance, 0.0, 1.0 - 1e-9)),
        size=steady(prepared, draws, "devaluation_size"),
    )
    shocks -= np.diff(jumps, axis=1, prepend=0.0)
    # A currency comes back to where it stands at the start: real rates do not drift for ever. Those of other countries
    # have no series: what they do to purchases is in the noise of their markets.
    memory = steady(prepared, draws, "real_exchange_rate_persistence", home)
    drawn = simulate_reversion(memory[:, None], shocks[:, :, None])[:, :, 0]
    rate = np.zeros((size, years, markets))
    rate[:, :, layout.home] = _known_rate(drawn, np.log(prepared.dollars_known))
    for lever in prepared.book.of("exchange_rate"):
        rate[draws_of(lever)][:, prepared.book.when(lever), layout.home] += np.log(lever.value)
    elasticity = steady(prepared, draws, "purchase_income_elasticity")[:, None, None]
    noise_sd = np.stack([steady(prepared, draws, "demand_noise", market) for market in layout.markets], axis=-1)[
        :, None
    ]
    noise = draws.normal("demand_noise", years, markets) * noise_sd
    cycle = np.exp(np.clip(elasticity * _surprise(prepared, path, rate) + noise - 0.5 * noise_sd**2, *CYCLE))

    prepared.cells.update((cell.name, cell) for cell in prepared.stock)
    stock = np.stack([draws.of(cell) for cell in prepared.stock], axis=-1)
    owned = 1000.0 * stock / prepared.population
    saturation = np.stack([steady(prepared, draws, "saturation", market) for market in layout.markets], axis=-1)
    saturation = np.maximum(saturation * prepared.saturation_ratio, 1.15 * owned)
    alpha = steady(prepared, draws, "gompertz_alpha")[:, None]
    least = saturation * np.exp(alpha) * 1.05
    beta = fit_beta(prepared.income, np.maximum(owned, least), saturation, alpha)
    life = np.stack([steady(prepared, draws, "mean_life", market) for market in layout.markets], axis=-1)
    shape = steady(prepared, draws, "life_shape")[:, None]
    alive = survival(weibull_scale(life, shape), shape, AGES)
    ages = np.exp(-np.arange(AGES) / USED_MEAN_AGE)
    ages[0] = 0.0
    used_ages = np.broadcast_to(ages / ages.sum(), (markets, AGES))
    new = _sales(prepared, draws)
    used = np.stack([_used(prepared, draws, market) for market in layout.markets], axis=-1)
    share_new = new / np.maximum(new + used, 1.0)
    entry = (1 - share_new[..., None]) * used_ages
    entry[..., 0] += share_new
    fleet = steady_fleet(stock, alive, entry_ages=entry)
    for m, classes in enumerate(prepared.age_classes):
        if classes is not None:  # ages on record beat a fleet that has long been steady
            counts = np.broadcast_to(np.array(classes[1]), (size, len(classes[1])))
            aged = fleet_from_age_classes(counts, AGES, bounds=classes[0], survival=alive[:, m])
            fleet[:, m] = aged * (stock[:, m] / aged.sum(axis=-1))[:, None]

    ceiling = markets_of(prepared, draws, "electrified_ceiling")
    midpoint = markets_of(prepared, draws, "electrified_midpoint")
    pace = markets_of(prepared, draws, "electrified_speed")
    time = np.asarray(layout.years, dtype=np.float64)[None, :, None]
    electrified = np.clip(ceiling, 0, 1) * 0.5 * (1 + np.tanh(0.5 * pace * (time - midpoint)))
    factor = np.ones((1, years, markets))
    for lever in prepared.book.of("new_share"):
        for m, market in enumerate(layout.markets):
            if lever.market in ("", "*", market):
                factor[:, prepared.book.when(lever), m] *= lever.value
    return Demand(
        income=path * prepared.income,
        population=people,
        cycle=cycle,
        real_rate=np.exp(rate[:, :, layout.home]),
        income0=prepared.income,
        saturation=saturation,
        alpha=alpha,
        beta=beta,
        speed_rising=steady(prepared, draws, "speed_rising")[:, None],
        speed_falling=steady(prepared, draws, "speed_falling")[:, None],
        survival=alive,
        fleet0=fleet,
        used_ages=used_ages,
        new_base=new,
        used_base=used,
        price_elasticity=-steady(prepared, draws, "new_used_elasticity")[:, None],
        electrified=electrified,
        new_factor=factor,
    )


def commercial_kinds(
    prepared: Prepared, draws: Draws, demand: Demand, market: str, known: Commercial, stream: str
) -> dict[str, Array]:
    """(D, Y) each, commercial vehicles of a market by kind; ``stream`` names its yearly noise."""
    m = prepared.layout.markets.index(market)
    return commercial_paths(
        known,
        draws.of,
        1000.0 * demand.income[:, :, m] * demand.population[:, :, m],
        steady(prepared, draws, "commercial_elasticity"),
        draws.normal(stream, len(prepared.layout.years)) * steady(prepared, draws, "commercial_noise", market)[:, None],
    )


def vehicle_figures(prepared: Prepared, draws: Draws, demand: Demand, new: Array) -> dict[str, Array]:
    """(D, Y) each: new cars at home by segment, and commercial vehicles by kind. ``new`` (D, Y), new cars at home."""
    home = prepared.layout.home
    market = prepared.layout.markets[home]
    weights = np.stack([steady(prepared, draws, f"segment_{name}", market) for name in SEGMENTS], axis=-1)
    prepared.cells.update((cell.name, cell) for cell in prepared.commercial.cells)
    kinds = commercial_kinds(prepared, draws, demand, market, prepared.commercial, "commercial_noise")
    return {f"sales_{name}": path for name, path in {**segment_paths(new, weights), **kinds}.items()}


def _surprise(prepared: Prepared, path: Array, rate: Array) -> Array:
    """(D, Y, M), income in foreign money over what buyers have come to count on, ln.

    Lasting growth moves the stock wanted (the Gompertz curve); only what is unusual moves purchases on top. Buyers
    learn: each year they take :data:`HABIT` of a deviation for lasting.
    """
    years = np.arange(1, path.shape[1] + 1)[None, :, None]
    level = np.log(path) - prepared.growth.drift * years + rate
    usual = np.zeros_like(level[:, 0])
    out = np.empty_like(level)
    for y in range(level.shape[1]):
        out[:, y] = level[:, y] - usual
        usual = usual + HABIT * out[:, y]
    return out


def _sd_cell(prepared: Prepared, market: str) -> Cell:
    fitted = prepared.currency.cells.get(f"markets.real_exchange_rate_sd.{market}")
    found = fitted or market_cell(prepared.study, "real_exchange_rate_sd", market)
    if found is None:
        return prepared.cell("real_exchange_rate_sd", market)
    prepared.cells[found.name] = found
    return found


def _join(path: Array, known: Array) -> Array:
    """Known years as they were, later years by the process from the last known one. path: (D, Y, M), known: (Y, M)."""
    out = path.copy()
    for m in range(known.shape[1]):
        have = np.flatnonzero(np.isfinite(known[:, m]))
        if have.size == 0:
            continue
        last = int(have[-1])
        out[:, have, m] = known[have, m]
        out[:, last + 1 :, m] = known[last, m] * path[:, last + 1 :, m] / path[:, last : last + 1, m]
    return out


def _known_rate(drawn: Array, known: Array) -> Array:
    """The logarithm of the home rate: known years as they were; later ones drift from there. (D, Y), (Y,)."""
    have = np.flatnonzero(np.isfinite(known))
    if have.size == 0:
        return drawn
    last = int(have[-1])
    out = drawn.copy()
    out[:, have] = known[have]
    out[:, last + 1 :] = known[last] + drawn[:, last + 1 :] - drawn[:, last : last + 1]
    return out


def _sales(prepared: Prepared, draws: Draws) -> Array:
    """(D, M), new cars sold in a base year."""
    return np.stack([draws.of(_sales_cell(prepared, m)) for m in range(len(prepared.layout.markets))], axis=-1)


def _sales_cell(prepared: Prepared, m: int) -> Cell:
    """New cars sold in a base year in one market.

    The study's figure for today if the futures start where the study does; else the mean of the latest three years of
    registrations known before the start; else the study's figure for the years of the flows.
    """
    market = prepared.layout.markets[m]
    now = _optional(prepared, "new_sales_now", market) if prepared.present_start else None
    if now is None and np.isfinite(prepared.latest_sales[m]):
        value = prepared.latest_sales[m]
        now = Cell(
            f"sales.{market}",
            0.8 * value,
            value,
            1.25 * value,
            "lognormal",
            "cars per year",
            "derived: world table sales.csv, mean of the latest three years before the start",
            "range assumed",
            "world/sales.csv",
            "demand",
        )
        prepared.cells[now.name] = now
    return now if now is not None else prepared.market("new_sales", market)


def _used(prepared: Prepared, draws: Draws, market: str) -> Array:
    """(D,), used cars imported in a base year: as :func:`_sales`; at a past start, at home, those on record."""
    now = _optional(prepared, "used_imports_now", market) if prepared.present_start else None
    if now is None and market == prepared.study.settings.home and prepared.imports_record > 0:
        value = prepared.imports_record
        now = Cell(
            f"used_imports.{market}",
            0.6 * value,
            value,
            1.4 * value,
            "triangular",
            "cars per year",
            "derived: car imports on record before the start, less new ones",
            "range assumed",
            "evidence",
            "demand",
        )
        prepared.cells[now.name] = now
    return draws.of(now if now is not None else prepared.market("used_imports", market))


def _optional(prepared: Prepared, attribute: str, market: str) -> Cell | None:
    return prepared.market(attribute, market) if (attribute, market) in market_rows(prepared.study) else None

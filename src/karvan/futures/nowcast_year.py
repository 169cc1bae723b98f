"""The year as it stands: output by plant, utilisation, self-sufficiency, and what became of each target."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from karvan.base.axes import Array
from karvan.futures.ensemble import simulate
from karvan.futures.frictions import market_cell
from karvan.futures.inputs import KIND
from karvan.futures.nowcast import Nowcast
from karvan.study.cells import Cell, quantile
from karvan.study.evidence import YearValue, claims, year_value
from karvan.study.load import Study

RUN_DRAWS = 200
"""Futures from which home value per car and the odds of targets are read."""


@dataclass(frozen=True)
class Band:
    """5, 50 and 95 % of a figure."""

    low: float
    middle: float
    high: float

    @staticmethod
    def of(draws: Array) -> "Band":
        """The band of some draws."""
        low, middle, high = (float(value) for value in np.quantile(draws, (0.05, 0.5, 0.95)))
        return Band(low, middle, high)


@dataclass(frozen=True)
class PlantYear:
    """One plant in one year."""

    plant: str
    output: Band
    """Cars."""
    nameplate: float
    utilisation_nameplate: Band
    """Output over what was announced, share of 1."""
    utilisation_effective: Band
    """Output over nameplate x the share that staffing and tooling reach (``nameplate_reach``)."""


@dataclass(frozen=True)
class CurrentYear:
    """A year by plant and for the country."""

    year: int
    plants: tuple[PlantYear, ...]
    output: Band
    record: YearValue | None
    """The value that the general rule uses for the year."""
    new: Band
    """Home-made / new registrations, share of 1."""
    everything: Band
    """Home-made / (home-made + all imports, used ones too)."""
    value: Band
    """Value added at home / spending on cars."""
    sources: tuple[str, ...]
    """What stands below each of the three."""


def current_year(study: Study, cast: Nowcast, year: int | None = None, *, seed: int = 1) -> CurrentYear:
    """Output by plant, utilisation and the three self-sufficiencies of a year, the study's base year if left out.

    Cars made are taken as sold at home in the year: exports on record are next to none. Home value per home-made car is
    that of the first year of the study's own futures.

    Errors: :class:`~karvan.base.errors.InputError` for a year outside the series.
    """
    chosen = study.settings.base_year if year is None else year
    cars = cast.year(chosen)
    total = cars.sum(axis=1)
    p = (np.arange(len(total)) + 0.5) / len(total)
    rng = np.random.default_rng(seed)
    rows = []
    plates = dict(zip(study.table("plants")["plant"], study.table("plants")["nameplate"], strict=True))
    for i, plant in enumerate(cast.plants):
        plate = float(plates[plant] or np.nan)
        reach = np.maximum(study.parameter("nameplate_reach", plant).draw(rng.permutation(p)), 1e-3)
        made = cars[:, i]
        if not made.any():
            continue
        used, effective = made / plate, made / (plate * reach)
        rows.append(PlantYear(plant, Band.of(made), plate, Band.of(used), Band.of(effective)))
    new, new_source = _new(study, chosen, rng.permutation(p))
    imports, import_source = _imports(study, chosen, total, new, rng.permutation(p))
    everything = total / np.maximum(total + imports, 1.0)
    run = simulate(study, draws=RUN_DRAWS, until=study.settings.start_year, seed=seed, workers=1)
    share = run.figures["self_sufficiency_all"][:, 0]
    per_car = run.figures["self_sufficiency_value"][:, 0] / np.maximum(share, 1e-9)
    value = everything * np.resize(per_car, everything.shape)
    return CurrentYear(
        chosen,
        tuple(rows),
        Band.of(total),
        year_value(study, "country", "output", KIND, chosen),
        Band.of(total / np.maximum(new, total)),
        Band.of(everything),
        Band.of(value),
        (new_source, import_source, f"home value per home-made car as in the futures of {study.settings.start_year}"),
    )


def _new(study: Study, year: int, p: Array) -> tuple[Array, str]:
    """New registrations of the year: the study's figure for today, else for the years of the flows."""
    for attribute in ("new_sales_now", "new_sales"):
        if attribute == "new_sales_now" and year < study.settings.base_year - 1:
            continue
        cell = market_cell(study, attribute, study.settings.home)
        if cell is not None:
            return _draw(cell, p), f"markets.csv {attribute}: {cell.source}"
    return np.full(p.shape, np.nan), "no figure of new registrations"


def _imports(study: Study, year: int, made: Array, new: Array, p: Array) -> tuple[Array, str]:
    """All cars imported in the year: the evidence, else new ones not made at home and used ones of the study."""
    found = year_value(study, "country", "imports", KIND, year)
    if found is not None:
        sd = max(found.error * found.value, (found.high - found.low) / 3.29)
        cars = np.maximum(found.value + sd * (quantile("normal", -1.6449, 0.0, 1.6449, p)), 0.0)
        return cars, f"evidence: {found.rule} ({', '.join(claim.claim for claim in found.used)})"
    cell = market_cell(study, "used_imports_now", study.settings.home)
    cell = cell or market_cell(study, "used_imports", study.settings.home)
    used = _draw(cell, p) if cell is not None else np.zeros(p.shape)
    return np.maximum(new - made, 0.0) + used, "new registrations less home-made cars, and used imports of markets.csv"


def _draw(cell: Cell, p: Array) -> Array:
    return np.asarray(cell.draw(p))


@dataclass(frozen=True)
class Target:
    """One target of the government, its outcome and the odds at the time."""

    claim: str
    year: int
    target: float
    stated: str
    """First date on which it could be known."""
    outcome: YearValue | None
    met: bool | None
    """None without an outcome."""
    odds: float | None
    """Chance that the model, as of the day it was stated, gave to reaching it; None without a study of that day."""


def targets(study: Study, *, draws: int = RUN_DRAWS, seed: int = 1) -> list[Target]:
    """Every target of the country's output in a stated year, beside its outcome and the model's odds at the time.

    The odds are the year loop's own in :func:`karvan.futures.backcast.backcast` as of the day on which the target was
    known. Targets of companies for their plants are not the government's and are left out.
    """
    from karvan.futures.backcast import Forecast, backcast
    from karvan.futures.backcast_loop import OWN_STUDIES

    country = study.settings.country
    forecasts: dict[str, Forecast] = {}
    out = []
    for item in claims(study, subject="country", attribute="target_output", kind=KIND):
        if item.number is None or not item.period_start[:4].isdigit():
            continue
        year = int(item.period_start[:4])
        odds = None
        if OWN_STUDIES.get(country) == study.name and item.known_on[:4].isdigit() and len(item.known_on) == 10:
            if item.known_on not in forecasts:
                forecasts[item.known_on] = backcast(country, item.known_on, draws=draws, seed=seed, loops=())
            forecast = forecasts[item.known_on]
            if year in forecast.years:
                reached = forecast.loop[:, forecast.years.index(year)] >= item.number
                odds = float(np.mean(reached))
        outcome = year_value(study, "country", "output", KIND, year)
        met = None if outcome is None else bool(outcome.value >= item.number)
        out.append(Target(item.claim, year, item.number, item.known_on, outcome, met, odds))
    return sorted(out, key=lambda target: (target.stated, target.year))


def bands_by_month(cast: Nowcast, months: Sequence[str] | None = None) -> list[tuple[str, str, Band]]:
    """(month, plant, band) of the series; ``total`` for the country."""
    names = cast.months
    chosen = names if months is None else [name for name in names if name in months]
    out = []
    for name in chosen:
        t = names.index(name)
        out += [(name, plant, Band.of(cast.cars[:, i, t])) for i, plant in enumerate(cast.plants)]
        out.append((name, "total", Band.of(cast.cars[:, :, t].sum(axis=1))))
    return out

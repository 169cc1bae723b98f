"""Figures and their addresses: ``quantity[.key...].period[@scenario]``.

A year after the record gives a forecast: the median over futures with the 5-95 % range. A year (or month, ``2020-04``)
on record gives the value used, by the rule of the evidence. ``claim.ID`` is a claim, ``parameter.NAME[.KEY]`` an
assumption and ``table.NAME.KEY.COLUMN`` a number in a table of the study.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from karvan.base.axes import Array
from karvan.base.errors import UnknownName, nearest
from karvan.base.quantities import Quantity, quantities
from karvan.economy.decompose import concentration_hhi, concentration_theil
from karvan.futures import around, ministry, parity, suppliers
from karvan.futures.ensemble import BOUND, Futures, without_industry
from karvan.hub.verdict import ALTERNATIVES, CONDITIONS
from karvan.study.cells import Cell
from karvan.study.evidence import Claim, YearValue, claim, claims, month_value, year_value
from karvan.study.load import Study
from karvan.study.schema import STUDY_TABLES
from karvan.study.tables import FILE, LINE

QUANTILES = (0.05, 0.5, 0.95)
_ADDRESS = re.compile(r"^(?P<body>[^@\s]+?)(?:@(?P<scenario>[\w-]+))?$")
_PERIOD = re.compile(r"^\d{4}(-\d{2})?$")
RECORDS: dict[str, tuple[str, str]] = {
    "output": ("output", "passenger_car"),
    "imports_vehicles": ("imports", "all_vehicles"),
    "imports_hybrid": ("imports", "hybrid_car"),
    "target_output": ("target_output", "passenger_car"),
    "output_truck": ("output", "truck"),
}
"""Quantities that the evidence gives: attribute and kind of the claims."""
ALIASES = {"hajigabul_azermash_cp": ("hajigabul_azermash_cp", "hajigabul_park")}
"""Subjects under which the evidence counts a plant's cars."""


@dataclass(frozen=True)
class Address:
    """A parsed address."""

    text: str
    quantity: str
    keys: tuple[str, ...]
    period: str
    scenario: str


@dataclass(frozen=True)
class Figure:
    """A number with its range, its unit and where it stands."""

    address: str
    kind: str
    """``forecast``, ``record``, ``claim`` or ``assumption``."""
    value: float
    low: float
    high: float
    unit: str
    decimals: int
    title: str
    error: float
    """Monte Carlo standard error of the median of a forecast; relative standard error read into a record."""
    record: YearValue | None = None
    claim: Claim | None = None
    cell: Cell | None = None

    def text(self, *, spread: bool = True) -> str:
        """The figure as words: ``2,360`` or ``4,120 (1,030-8,900)``."""
        middle = number(self.value, self.decimals, self.unit)
        if not spread or self.low == self.high:
            return middle
        low, high = number(self.low, self.decimals, self.unit), number(self.high, self.decimals, self.unit)
        return f"{middle} ({low} to {high})" if "-" in low + high else f"{middle} ({low}–{high})"


def number(value: float, decimals: int, unit: str = "") -> str:
    """A number with thousands separators; shares of 1 as per cent."""
    if unit == "share of 1":
        places = max(decimals - 2, 0)
        return f"{_rounded(100 * value, places)} %"
    return _rounded(value, decimals)


def _rounded(value: float, places: int) -> str:
    if np.isinf(value):
        return "\N{INFINITY}" if value > 0 else "-\N{INFINITY}"
    shown = f"{value:,.{places}f}"
    return shown.removeprefix("-") if float(shown.replace(",", "")) == 0 else shown  # no "-0"


def parse(text: str) -> Address:
    """Take an address apart. Errors: :class:`UnknownName` with the nearest quantities."""
    match = _ADDRESS.match(text.strip())
    if not match:
        raise UnknownName(
            f"'{text}' is no address; expected quantity[.key...].year[@scenario], such as output.2030@hub"
        )
    parts = match["body"].split(".")
    scenario = match["scenario"] or "baseline"
    if parts[0] in ("claim", "parameter", "table"):
        return Address(text, parts[0], (".".join(parts[1:]),), "", scenario)
    period = parts[-1] if _PERIOD.match(parts[-1]) else ""
    keys = parts[1:-1] if period else parts[1:]
    known = quantities()
    if parts[0] not in known:
        raise UnknownName(f"no quantity '{parts[0]}'; {nearest(parts[0], known) or 'see the glossary in the report'}")
    if not period:
        raise UnknownName(
            f"'{text}' names no year; expected quantity[.key...].year[@scenario], such as {parts[0]}.2030"
        )
    return Address(text, parts[0], tuple(keys), period, scenario)


def money(study: Study) -> str:
    """The study's money in words."""
    return f"million {study.settings.currency} of {study.settings.start_year - 1}"


def unit_of(quantity: Quantity, study: Study) -> str:
    """A quantity's unit, with the study's money filled in."""
    return quantity.unit.replace("{money}", money(study)).replace("{currency}", study.settings.currency)


def figure(text: str, study: Study, runs: Mapping[str, Futures]) -> Figure:
    """The figure behind an address.

    Parameters
    ----------
    runs : futures by scenario; ``no_industry`` is needed for net quantities.

    Errors: :class:`UnknownName` for whatever the address names that is not there.
    """
    address = parse(text)
    if address.quantity == "claim":
        return _claim_figure(address, study)
    if address.quantity == "parameter":
        return _cell_figure(address, study, runs)
    if address.quantity == "table":
        return _table_figure(address, study)
    quantity = quantities()[address.quantity]
    recorded = record(address, study)
    if recorded is not None:
        return recorded
    if quantity.kind == "record":
        raise UnknownName(f"the evidence has no {quantity.title.lower()} for {address.period}")
    if quantity.kind in (*around.KINDS, "difference"):
        return _around_figure(address, quantity, study, runs)
    if quantity.kind in parity.QUANTITY_KINDS:
        return _rung_figure(address, quantity, study, runs)
    values = draws_of(address, runs)
    values = values[~np.isnan(values)]  # futures that have no such thing, such as a cost per car without a car
    if not values.size:
        values = np.full(1, np.nan)
    # A ratio to nothing is infinite: no mean of two order statistics exists there.
    finite = bool(np.isfinite(values).all())
    low, middle, high = (float(v) for v in np.quantile(values, QUANTILES, method="linear" if finite else "nearest"))
    if quantity.kind in ("hub", "bound") or (quantity.name == "operating"):
        middle = low = high = float(values.mean())
        error = float(np.sqrt(max(middle * (1 - middle), 0.0) / values.size))
    else:
        error = median_error(values) if finite else float("nan")
    unit = unit_of(quantity, study)
    return Figure(text, "forecast", middle, low, high, unit, quantity.decimals, quantity.title, error)


def record(address: Address, study: Study) -> Figure | None:
    """The figure on record for a past year or month; None where the evidence has none."""
    if address.quantity not in RECORDS or address.scenario != "baseline":
        return None
    quantity = quantities()[address.quantity]
    attribute, kind = RECORDS[address.quantity]
    subjects: tuple[str, ...] = ("country",)
    partner = ""
    if address.keys:
        subjects = ALIASES.get(address.keys[0], (address.keys[0],))
        if address.quantity.startswith("imports"):
            subjects, partner = ("country",), address.keys[0]
    year = int(address.period[:4])
    for subject in subjects:
        value: YearValue | None
        if partner:
            value = _partner_value(study, attribute, kind, partner, year)
        elif "-" in address.period:
            value = month_value(study, subject, attribute, kind, year, int(address.period[5:]))
        else:
            value = year_value(study, subject, attribute, kind, year)
        if value is not None:
            unit = unit_of(quantity, study)
            return Figure(
                address.text,
                "record",
                value.value,
                value.low,
                value.high,
                unit,
                quantity.decimals,
                quantity.title,
                value.error,
                record=value,
            )
    return None


def _partner_value(study: Study, attribute: str, kind: str, partner: str, year: int) -> YearValue | None:
    found = [
        item
        for item in claims(study, subject="country", attribute=attribute, kind=kind, partner=partner)
        if item.months == (year * 12, year * 12 + 11) and item.number is not None
    ]
    if not found:
        return None
    chosen = found[0]
    value = chosen.number or 0.0
    rule = "claim for the whole year"
    key = ("country", attribute, kind)
    return YearValue(*key, str(year), value, value, value, "stated", rule, (chosen,), (), 0.03)


def draws_of(address: Address, runs: Mapping[str, Futures]) -> Array:
    """(D,), the values of a forecast over futures."""
    if address.scenario not in runs:
        raise UnknownName(f"no futures of scenario '{address.scenario}' at hand; {nearest(address.scenario, runs)}")
    run = runs[address.scenario]
    if not address.period.isdigit() or int(address.period) not in run.years:
        raise UnknownName(
            f"no {address.quantity} for {address.period}: these futures run from {run.years[0]} to {run.years[-1]}"
        )
    y = run.years.index(int(address.period))
    quantity = quantities()[address.quantity]
    keys = address.keys
    if quantity.kind == "net":
        return net_draws(quantity.name, run, runs, keys)[:, y]
    if quantity.kind == "ministry":
        return ministry.draws(quantity.name, run, runs, keys)[:, y]
    if quantity.kind == "occupations":
        return ministry.occupation_draws(keys[0] if keys else "", run)[:, y]
    if quantity.kind == "hub":
        return _hub_draws(quantity.name, keys, run, y)
    if quantity.kind == "bound":
        plant = _index(run.own_plants, keys[0] if keys else "", "plant")
        limit = _index(BOUND, keys[1] if len(keys) > 1 else "", "limit")
        return np.asarray(run.plants["bound"][:, y, plant] == limit, dtype=np.float64)
    if quantity.kind == "rungs":
        rung = keys[0] if keys else ""
        if f"rung_{rung}" not in run.plants:
            raise UnknownName(
                f"no rung '{rung}'; {nearest(rung, [n[5:] for n in run.plants if n.startswith('rung_')])}"
            )
        plant = _index(run.own_plants, keys[1] if len(keys) > 1 else "", "plant")
        return run.plants[f"rung_{rung}"][:, y, plant]
    if quantity.kind == "offers":
        # The name of an offer may hold dots of its own.
        offer = _index(run.layout.offers, ".".join(keys[:-1]), "offer")
        market = _index(run.layout.markets, keys[-1] if keys else "", "market")
        return run.offers[f"delivered{parity.when(quantity.name, run.years[y], run)}"][:, offer, market]
    if quantity.kind == "suppliers":
        return suppliers.draws(quantity.name, keys[0] if keys else "", run, run.years[y])
    if quantity.kind == "donors":
        return around.donor_draws(quantity.name, keys[0] if keys else "", run, y)
    if quantity.kind == "lost":
        return _lost_draws(keys, run, y)
    if quantity.name == "market_share" and keys and keys[0] in run.layout.markets:
        m = run.layout.markets.index(keys[0])
        return run.markets["sales_own"][:, y, m] / np.maximum(run.markets["sales_new"][:, y, m], 1e-9)
    if quantity.kind == "sectors":
        kept = quantity.name.removesuffix("_by_industry")
        return run.sectors[kept][:, y, _index(run.layout.industries, keys[0] if keys else "", "industry")]
    if not keys:
        if quantity.name not in run.figures:
            raise UnknownName(f"{quantity.name} needs a key: {' or '.join(quantity.by)}")
        return run.figures[quantity.name][:, y]
    if f"{quantity.name}.{keys[0]}" in run.figures:
        return run.figures[f"{quantity.name}.{keys[0]}"][:, y]
    if quantity.name in run.plants and keys[0] in run.own_plants:
        return run.plants[quantity.name][:, y, run.own_plants.index(keys[0])]
    if quantity.name in run.markets and keys[0] in run.layout.markets:
        return run.markets[quantity.name][:, y, run.layout.markets.index(keys[0])]
    options = [
        *(name.partition(".")[2] for name in run.figures if name.startswith(f"{quantity.name}.")),
        *(run.own_plants if quantity.name in run.plants else ()),
        *(run.layout.markets if quantity.name in run.markets else ()),
    ]
    hint = nearest(keys[0], options) or f"known: {', '.join(options)}"
    raise UnknownName(f"no '{keys[0]}' for {quantity.name}; {hint}")


def net_draws(name: str, run: Futures, runs: Mapping[str, Futures], keys: tuple[str, ...] = ()) -> Array:
    """(D, Y), a net quantity: the scenario minus its counterfactual without the industry, under the same draws."""
    if name.startswith("diversification"):
        return diversification(run, concentration_theil if name.endswith("theil") else concentration_hhi)
    other = without_industry(name, run, runs)
    if name == "revenue_lost":
        return ministry.revenue_lost(run, other, keys[0] if keys else "")
    if name == "imports_saved":
        return -_difference(("imports_cars",), run, other)
    terms = {
        "jobs_net": ("jobs", "jobs_fiscal"),
        "gdp_net": ("gdp", "gdp_fiscal"),
        "tax_net": ("tax",),
        "imports_net": ("imports",),
    }[name]
    return _difference(terms, run, other)


def _difference(terms: tuple[str, ...], run: Futures, other: Futures) -> Array:
    count = min(run.draws, other.draws)
    total: Array = sum((run.figures[term][:count] - other.figures[term][:count] for term in terms), np.zeros(()))
    return total


def diversification(run: Futures, measure: Callable[[Array], Array] = concentration_hhi) -> Array:
    """(D, Y), change of the concentration of value added by industry when what hangs on car making is added."""
    gva = np.array(run.study.table("industries")["gva_mid"].to_list(), dtype=np.float64)
    before = np.append(np.maximum(gva, 0.0), 0.0)
    after = np.concatenate([gva + run.sectors["gdp"], run.figures["gdp_direct"][..., None]], axis=-1)
    return np.asarray(measure(np.maximum(after, 0.0)) - measure(before))


def _hub_draws(name: str, keys: tuple[str, ...], run: Futures, y: int) -> Array:
    if name == "hub_verdict":
        return run.verdict.hub[:, y].astype(np.float64)
    if name == "hub_condition":
        return run.verdict.met[:, y, _index(CONDITIONS, keys[0] if keys else "", "condition")].astype(np.float64)
    code = _index(ALTERNATIVES, keys[0] if keys else "", "alternative")
    return np.asarray(run.verdict.alternative[:, y] == code, dtype=np.float64)


def _lost_draws(keys: tuple[str, ...], run: Futures, y: int) -> Array:
    """Cars lost on the way from the rung above to this one."""
    rungs = [name[5:] for name in run.plants if name.startswith("rung_")]
    place = _index(tuple(rungs), keys[0] if keys else "", "rung")
    plant = _index(run.own_plants, keys[1] if len(keys) > 1 else "", "plant")
    here = run.plants[f"rung_{rungs[place]}"][:, y, plant]
    return run.plants[f"rung_{rungs[max(place - 1, 0)]}"][:, y, plant] - here


def _rung_figure(address: Address, quantity: Quantity, study: Study, runs: Mapping[str, Futures]) -> Figure:
    """A rung of a price, its break-even, or what a lever would have to be: one number, no draws."""
    if address.scenario not in runs:
        raise UnknownName(f"no futures of scenario '{address.scenario}' at hand; {nearest(address.scenario, runs)}")
    run, year = runs[address.scenario], int(address.period[:4])
    if year not in run.years:
        raise UnknownName(f"no {quantity.name} for {year}: these futures run from {run.years[0]} to {run.years[-1]}")
    found = parity.value(quantity.name, quantity.kind, address.keys, year, study, run)
    unit = unit_of(quantity, study)
    return Figure(address.text, "forecast", found, found, found, unit, quantity.decimals, quantity.title, 0.0)


def _around_figure(address: Address, quantity: Quantity, study: Study, runs: Mapping[str, Futures]) -> Figure:
    decimals, title, unit = quantity.decimals, quantity.title, quantity.unit
    if quantity.kind == "difference":
        found = around.difference(address.keys, address.period, study)
        unit = found.used[0].unit
        return Figure(
            address.text, "record", found.value, found.value, found.value, unit, decimals, title, 0.0, record=found
        )
    if address.scenario not in runs:
        raise UnknownName(f"no futures of scenario '{address.scenario}' at hand; {nearest(address.scenario, runs)}")
    run = runs[address.scenario]
    low, middle, high, other = around.value(
        quantity.name, quantity.kind, address.keys, int(address.period[:4]), study, run
    )
    if other:
        unit, decimals = other, 3 if other == "share of 1" else 0
    return Figure(address.text, quantity.kind, middle, low, high, unit, decimals, title, 0.0)


def _table_figure(address: Address, study: Study) -> Figure:
    """A number in a table of the study whose rows have one key, as an uncertain cell with its place and source."""
    name, _, rest = address.keys[0].partition(".")
    key, _, column = rest.rpartition(".")
    spec = STUDY_TABLES.get(name)
    if spec is None or len(spec.key) != 1:
        known = [table for table, other in STUDY_TABLES.items() if len(other.key) == 1]
        raise UnknownName(
            f"no table '{name}' with a single key; {nearest(name, known) or 'known: ' + ', '.join(known)}"
        )
    if column not in spec.columns or spec.columns[column].kind not in ("number", "integer", "year"):
        numbers = [c for c, described in spec.columns.items() if described.kind in ("number", "integer", "year")]
        raise UnknownName(f"{spec.file} has no number '{column}'; {nearest(column, numbers) or ', '.join(numbers)}")
    rows = study.table(name).filter(pl.col(spec.key[0]) == key)
    if rows.is_empty():
        raise UnknownName(f"{spec.file} has no {spec.key[0]} '{key}'; {nearest(key, study.table(name)[spec.key[0]])}")
    row = rows.row(0, named=True)
    if row[column] is None:
        raise UnknownName(f"{row[FILE]}:{row[LINE]}: {column} is empty")
    value = float(row[column])
    stem = column.removesuffix("_mid")
    ends = [row.get(f"{stem}_{end}") for end in ("low", "high")]
    low, high = (value if end is None else float(end) for end in ends)
    unit = spec.columns[column].unit or column
    place = f"{row[FILE]}:{row[LINE]}"
    cell = Cell(
        address.keys[0],
        min(low, value),
        value,
        max(high, value),
        "fixed",
        unit,
        str(row["source"]),
        str(row["note"] or ""),
        place,
        name,
    )
    decimals = 0 if value == round(value) else 2
    title = spec.columns[column].meaning
    return Figure(address.text, "table", value, cell.low, cell.high, unit, decimals, title, 0.0, cell=cell)


def _index(names: tuple[str, ...], key: str, word: str) -> int:
    if key not in names:
        hint = nearest(key, names) or f"known: {', '.join(names)}"
        raise UnknownName(f"no {word} '{key}'; {hint}")
    return names.index(key)


def median_error(values: Array) -> float:
    """Monte Carlo standard error of the median, from the order statistics one binomial standard error away."""
    count = values.size
    if count < 10:
        return float(np.std(values)) if count > 1 else 0.0
    step = 0.5 / np.sqrt(count)
    low, high = np.quantile(values, (0.5 - step, 0.5 + step))
    return float((high - low) / 2)


def _claim_figure(address: Address, study: Study) -> Figure:
    name = address.keys[0]
    found = claim(study, name)
    if found is None:
        known = study.table("claims")["claim"].to_list()
        raise UnknownName(f"no claim '{name}'; {nearest(name, known) or 'their ids stand in evidence/ of the study'}")
    value = found.number if found.number is not None else float("nan")
    decimals = 0 if value % 1 == 0 and abs(value) >= 10 else (2 if abs(value) >= 1 else 4)
    return Figure(address.text, "claim", value, value, value, found.unit, decimals, found.attribute, 0.0, claim=found)


def _cell_figure(address: Address, study: Study, runs: Mapping[str, Futures]) -> Figure:
    name = address.keys[0]
    cell = next((run.cells[name] for run in runs.values() if name in run.cells), None)
    if cell is None:
        parameter, _, key = name.partition(".")
        cell = study.parameter(parameter, key)
    decimals = 0 if abs(cell.mid) >= 100 else 3
    from karvan.futures.drivers import title_of  # which reads figures itself

    title = title_of(cell.name)
    return Figure(address.text, "assumption", cell.mid, cell.low, cell.high, cell.unit, decimals, title, 0.0, cell=cell)

"""Reading a study: a folder or a workbook, checked as a whole, all faults at once."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import polars as pl
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from karvan.base.errors import Fault, InputError, StudyFaults, UnknownName, nearest
from karvan.study.cells import Cell
from karvan.study.kinds import CAR, WORDS, of_rate, unit_of
from karvan.study.register import parameters
from karvan.study.scenario import (
    COUNTERFACTUAL,
    Scenario,
    counterfactual,
    parse_scenario,
    read_scenario,
    validation_fault,
)
from karvan.study.schema import IO_COLUMNS, IO_ROWS, STUDY_TABLES, Table
from karvan.study.tables import FILE, LINE, MAX_BYTES, RawTable, build, named_in, parse_date, read_csv, reference_faults
from karvan.study.world import BLOCKS, known_by, world_table

_FILLED = ("products", "offers", "components", "markets", "industries", "input_output")
"""Tables without which nothing is made, sold or counted: empty, a report would be of zeros."""
_SLOTS = ("unannounced_1", "unannounced_2")
"""Keys of plants that no table knows yet."""
Iso3 = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


def _day(value: object) -> object:
    """A date of the settings as text; what is no date is a fault here, not in the middle of a report."""
    text = value.isoformat()[:10] if isinstance(value, date) else value
    if isinstance(text, str) and text and parse_date(text) is None:
        raise PydanticCustomError("date", "Input should be a date: YYYY, YYYY-MM or YYYY-MM-DD")
    return text


class Settings(BaseModel):
    """``study.toml``: what the study is about."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1]
    name: str = Field(min_length=1)
    title: str = Field(min_length=1)
    country: Iso3
    base_year: int = Field(ge=1990, le=2100)
    """Last year on record; the futures start the year after, unless told otherwise."""
    start_year: int = Field(ge=1991, le=2101)
    horizon: int = Field(ge=1992, le=2150)
    currency: Iso3
    home: Iso3
    markets: tuple[Iso3, ...] = Field(min_length=1)
    as_of: Annotated[str, BeforeValidator(_day)] = ""
    """Date of the newest claim; TOML dates and text are both accepted."""
    description: str = ""

    @model_validator(mode="after")
    def _order(self) -> "Settings":
        if self.start_year > self.horizon:
            raise ValueError(f"horizon {self.horizon} is before start_year {self.start_year}")
        if self.home not in self.markets:
            raise ValueError(f"home {self.home} is not among the markets")
        return self


@dataclass(frozen=True)
class Study:
    """A checked study. Tables are Polars frames with the columns of the schema and ``_file``, ``_line``."""

    settings: Settings
    tables: Mapping[str, pl.DataFrame]
    scenarios: Mapping[str, Scenario]
    origin: str
    """Folder or workbook it was read from."""
    as_of: str | None = None
    """Only rows known by this date are in the tables."""
    _cells: dict[str, Cell] = field(default_factory=dict, init=False, compare=False, repr=False)
    _memo: dict[str, Any] = field(default_factory=dict, init=False, compare=False, repr=False)
    """What is worked out from the tables once and asked for often, by the name of its module."""

    def __getstate__(self) -> dict[str, Any]:
        # Workers rebuild what is worked out: sending it costs more.
        return {**self.__dict__, "_memo": {}}

    @property
    def name(self) -> str:
        """The study's name."""
        return self.settings.name

    def table(self, name: str) -> pl.DataFrame:
        """One table; empty, with its columns, if the study has none."""
        return self.tables[name]

    def scenario(self, name: str) -> Scenario:
        """One scenario; unknown names are an error that names the nearest known ones."""
        if name.endswith(COUNTERFACTUAL) and name.removesuffix(COUNTERFACTUAL) in self.scenarios:
            return counterfactual(self.scenarios[name.removesuffix(COUNTERFACTUAL)])
        if name not in self.scenarios:
            hint = nearest(name, self.scenarios) or f"known scenarios: {', '.join(self.scenarios)}"
            raise UnknownName(f"study {self.name} has no scenario '{name}'; {hint}")
        return self.scenarios[name]

    def parameter(self, name: str, key: str = "") -> Cell:
        """The uncertain value of a parameter: the study's own row for ``key``, else its row for ``*`` or without a key,
        else the register's default, which is ``assumed``.

        A plant that makes no passenger cars may take the row of its kind (``bus``) too. What cars cost in kits, people
        and money says nothing of a bus, so where the register tells kinds apart such a plant takes its own row, that of
        its kind or the default of its kind, and no other.

        Errors: :class:`UnknownName` for a name that is not in the register, or where nothing is known of the kind.
        """
        full = f"{name}.{key}" if key else name
        if full in self._cells:
            return self._cells[full]
        described = parameters().get(name)
        if described is None:
            raise UnknownName(f"no parameter '{name}'; {nearest(name, parameters())}")
        rows = self._assumed(name)
        kind = self._kind(key) if described.keys == "plant" else CAR
        apart = kind != CAR and bool(described.kinds)  # then no row of cars may serve
        wanted = (key or None, *((kind,) if kind != CAR else ()), *(() if apart else ("*", None)))
        found = next((rows[own] for own in wanted if own in rows), None)
        if found is None:
            default = described.kinds.get(kind) if apart else described
            if default is None:
                raise UnknownName(f"no {name} for {key}: the register has no default for {WORDS[kind][1]}")
            cell = Cell(
                full,
                default.low,
                default.mid,
                default.high,
                described.distribution,
                unit_of(described.unit, kind) if apart else described.unit,
                "assumed",
                default.basis,
                "parameters.toml",
                described.group,
            )
        else:
            cell = cell_of_row(full, found, described.group)
        self._cells[full] = cell
        return cell

    def _assumed(self, name: str) -> dict[str | None, dict[str, Any]]:
        """The rows of a parameter by key, None without one; of several with one key the first."""
        if "assumptions" not in self._memo:
            # One pass over the table: a study asks for hundreds of parameters, and each filter takes longer than this.
            index: dict[str, dict[str | None, dict[str, Any]]] = {}
            for row in self.table("assumptions").iter_rows(named=True):
                index.setdefault(row["parameter"], {}).setdefault(row["key"], row)
            self._memo["assumptions"] = index
        kept: dict[str, dict[str | None, dict[str, Any]]] = self._memo["assumptions"]
        return kept.get(name, {})

    def _kind(self, plant: str) -> str:
        """The kind of vehicle a plant makes; cars for a key that is no plant."""
        if "kinds" not in self._memo:
            self._memo["kinds"] = dict(self.table("plants").select("plant", "vehicle_kind").iter_rows())
        return str(self._memo["kinds"].get(plant, CAR))


def cell_of_row(name: str, row: Mapping[str, Any], group: str) -> Cell:
    """An uncertain cell from a row with the columns low, mid, high, distribution, unit, source, note."""
    mid = float(row["mid"])
    low = mid if row["low"] is None else float(row["low"])
    high = mid if row["high"] is None else float(row["high"])
    shape = row["distribution"] or ("fixed" if low == high else "triangular")
    place = f"{row[FILE]}:{row[LINE]}"
    return Cell(name, low, mid, high, shape, str(row["unit"]), str(row["source"]), str(row["note"] or ""), place, group)


def packaged() -> dict[str, Path]:
    """The built-in studies by name."""
    folder = Path(str(resources.files("karvan.study"))) / "studies"
    return {path.name: path for path in sorted(folder.iterdir()) if (path / "study.toml").is_file()}


def find(name: str | Path) -> Path:
    """The folder or workbook of a study: a built-in name, or a path."""
    path = Path(name)
    if isinstance(name, str) and name in packaged() and not path.exists():
        return packaged()[name]
    if path.suffix.lower() == ".xlsx" and path.is_file():
        return path
    if path.is_dir():
        if (path / "study.toml").is_file():
            return path
        raise StudyFaults(
            str(name),
            [Fault(str(name), 0, "", "a folder without study.toml", "the folder of a study", "karvan new makes one")],
        )
    if path.is_file():
        raise StudyFaults(str(name), [Fault(str(name), 0, "", "a file", "the folder of a study, or a workbook .xlsx")])
    hint = nearest(str(name), packaged()) or f"built-in studies: {', '.join(packaged()) or 'none'}"
    raise UnknownName(f"no study '{name}': neither a built-in study nor a folder here; {hint}")


def load(name: str | Path, *, as_of: str | None = None) -> Study:
    """Read and check a study.

    Parameters
    ----------
    name : built-in name, folder, or workbook (.xlsx).
    as_of : date, YYYY-MM-DD (a year or a month means its last day); only rows known by then are kept.

    Errors: :class:`~karvan.base.errors.InputError` if ``as_of`` is no date;
    :class:`~karvan.base.errors.UnknownName` if there is no such study;
    :class:`~karvan.base.errors.StudyFaults` with every fault at once.
    """
    if as_of is not None:
        date_ = parse_date(as_of, end=True)
        if date_ is None:
            raise InputError(f"as_of is '{as_of}'; expected a date such as 2019-12-31")
        as_of = "{:04d}-{:02d}-{:02d}".format(*date_)
    path = find(name)
    if path.is_file():
        from karvan.study.workbook import read_workbook  # only workbooks need the Excel reader

        settings_text, raws, scenario_texts, faults = read_workbook(path)
        label = path.name
    else:
        settings_text, raws, scenario_texts, faults = _read_folder(path)
        label = "study.toml"
    settings, more = _settings(settings_text, label)
    faults.extend(more)
    tables: dict[str, pl.DataFrame] = {}
    for table_name, spec in STUDY_TABLES.items():
        tables[table_name], more = build(spec, raws.get(table_name, []))
        faults.extend(more)
        if table_name in _FILLED and any(not raw.rows for raw in raws.get(table_name, [])) and not more:
            place = raws[table_name][0].label
            faults.append(Fault(place, 0, "", "a header and no rows", f"at least one row of {spec.title}"))
        if spec.required and table_name not in raws and not any(_names(fault, spec) for fault in faults):
            if path.is_file():
                faults.append(Fault(label, 0, table_name, "no such sheet", f"the table {spec.title}"))
            else:
                found = "a folder" if (path / spec.file).is_dir() else "no such file"
                faults.append(Fault(spec.file, 0, "", found, f"the table {spec.title}"))
    # A broken table would make every reference to it look broken too.
    whole = {k: v for k, v in tables.items() if not any(_names(fault, STUDY_TABLES[k]) for fault in faults)}
    for table_name, spec in STUDY_TABLES.items():
        faults.extend(reference_faults(spec, tables[table_name], whole))
    if "claims" in whole:
        faults.extend(_claim_faults(tables))
    faults.extend(
        _parameter_faults(
            tables["assumptions"],
            dict(whole["plants"].select("plant", "vehicle_kind").iter_rows()) if "plants" in whole else {},
            _made(tables["shops"]),
        )
    )
    if "industries" in whole:
        faults.extend(_industry_faults(tables))
    faults.extend(_share_faults(tables))
    if settings is not None:
        faults.extend(_country_faults(settings, label, whole))
    scenarios: dict[str, Scenario] = {}
    for scenario_label, text in scenario_texts.items():
        scenario, more = parse_scenario(text, scenario_label)
        faults.extend(more)
        if scenario:
            scenarios[scenario.name] = scenario
    if faults or settings is None:
        raise StudyFaults(str(name), faults)
    for path_ in sorted(general_scenarios().iterdir()):
        scenario, _ = read_scenario(path_, path_.name)
        if scenario and scenario.name not in scenarios:
            scenarios[scenario.name] = scenario
    order = ["baseline", "no_industry", *sorted(set(scenarios) - {"baseline", "no_industry"})]
    if as_of is not None:
        tables = {table_name: known_by(frame, as_of) for table_name, frame in tables.items()}
    return Study(settings, tables, {n: scenarios[n] for n in order if n in scenarios}, str(path), as_of)


def general_scenarios() -> Path:
    """Folder of the scenarios every study has: the baseline and the counterfactual."""
    return Path(str(resources.files("karvan.study"))) / "scenarios"


Raw = tuple[str, dict[str, list[RawTable]], dict[str, str], list[Fault]]


def _read_folder(folder: Path) -> Raw:
    """Every .csv and .toml below a study's folder, as text."""
    faults: list[Fault] = []
    raws: dict[str, list[RawTable]] = {}
    scenarios: dict[str, str] = {}
    by_file = {spec.file: name for name, spec in STUDY_TABLES.items()}
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.suffix.lower() not in (".csv", ".toml"):
            continue
        label = path.relative_to(folder).as_posix()
        if label == "study.toml":
            continue
        table = by_file.get(label) or (
            "claims" if path.parent == folder / "evidence" and path.suffix == ".csv" else None
        )
        if table:
            raw, more = read_csv(path, label)
            faults.extend(more)
            if raw:
                raws.setdefault(table, []).append(raw)
        elif path.parent == folder / "scenarios" and path.suffix == ".toml":
            text, more = _text(path, label)
            faults.extend(more)
            if text is not None:
                scenarios[label] = text
        else:
            known = [*by_file, "evidence/NAME.csv", "scenarios/NAME.toml", "study.toml"]
            faults.append(
                Fault(label, 0, "", "an unknown file", "a table of the schema or a scenario", nearest(label, known))
            )
    text, more = _text(folder / "study.toml", "study.toml")
    return text or "", raws, scenarios, [*faults, *more]


def _text(path: Path, label: str) -> tuple[str | None, list[Fault]]:
    if path.stat().st_size > MAX_BYTES:
        return None, [Fault(label, 0, "", f"{path.stat().st_size / 1024 / 1024:,.0f} MB", "at most 64 MB")]
    try:
        return path.read_text(encoding="utf-8"), []
    except UnicodeDecodeError:
        return None, [Fault(label, 0, "", "text that is not UTF-8", "a file saved as UTF-8")]


def _settings(text: str, label: str) -> tuple[Settings | None, list[Fault]]:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return None, [Fault(label, 0, "", f"unreadable TOML ({error})", "TOML with format = 1")]
    try:
        return Settings.model_validate(data), []
    except ValidationError as error:
        return None, [validation_fault(label, item["loc"], item["msg"], item.get("input")) for item in error.errors()]


def _names(fault: Fault, spec: type[Table]) -> bool:
    """Whether a fault lies in a table's file (``evidence/output.csv`` lies in ``evidence/*.csv``)."""
    if spec.file.endswith("*.csv"):
        return fault.file.startswith(spec.file[:-5])
    return fault.file == spec.file or fault.file.endswith(f":{spec.file.removesuffix('.csv')}")


def _claim_faults(tables: Mapping[str, pl.DataFrame]) -> list[Fault]:
    """Rows that rest on a claim which the evidence does not hold."""
    claims = set(tables["claims"]["claim"].to_list())
    faults = []
    for frame in tables.values():
        if "source" not in frame.columns:
            continue
        for row in frame.filter(pl.col("source").str.starts_with("claim:")).iter_rows(named=True):
            for name in str(row["source"]).replace("claim:", "").split(";"):
                if name.strip() not in claims:
                    hint = nearest(name.strip(), claims)
                    place = str(row[FILE]), int(row[LINE])
                    faults.append(Fault(*place, "source", f"'claim:{name.strip()}'", "a claim of the evidence", hint))
    return faults


_COUNTRIES: Final = (
    ("markets", "market"), ("frictions", "market"), ("frictions", "origin"), ("agreements", "market"),
    ("agreements", "origin"), ("flows", "exporter"), ("flows", "importer"),
)  # fmt: skip
"""Columns that hold codes of countries: a misspelt one would never be met, and nobody would notice."""


def _country_faults(settings: Settings, label: str, tables: Mapping[str, pl.DataFrame]) -> list[Fault]:
    """Codes that no country has. A market outside the world tables is known by its rows in ``markets.csv``."""
    world = set(world_table("countries")["country"].to_list()) | set(BLOCKS)
    own = set(tables["markets"]["market"].to_list()) if "markets" in tables else set(settings.markets)
    expected = "the ISO3 code of a country in the world tables"
    faults: list[Fault] = []
    for name, codes in (("country", [settings.country]), ("home", [settings.home]), ("markets", settings.markets)):
        faults.extend(
            Fault(label, 0, name, f"'{code}'", f"{expected}, or one with rows in markets.csv", nearest(code, world))
            for code in codes
            if code not in world and not (code in own and code in settings.markets)
        )
    known = world | {*settings.markets, "*"}
    for table_name, column in _COUNTRIES:
        if table_name not in tables:
            continue
        frame = tables[table_name]
        odd = frame.filter(pl.col(column).is_not_null() & ~pl.col(column).is_in(sorted(known)))
        for row in odd.iter_rows(named=True):
            code = str(row[column])
            hint = nearest(code, settings.markets) or nearest(code, known - {"*"})
            faults.append(Fault(str(row[FILE]), int(row[LINE]), column, f"'{code}'", expected, hint))
    return faults


def _made(shops: pl.DataFrame) -> dict[str, tuple[str, str]]:
    """Plant -> one and many of what its shops make, where the unit of their rates says so."""
    rates = shops.filter(pl.col("attribute") == "rate_per_hour").select("plant", "unit")
    return {plant: words for plant, unit in rates.iter_rows() if (words := of_rate(str(unit))) is not None}


def _parameter_faults(
    assumptions: pl.DataFrame, plants: Mapping[str, str], made: Mapping[str, tuple[str, str]]
) -> list[Fault]:
    """Names, keys, units and ranges of the assumptions against the register."""
    known = parameters()
    others = set(WORDS) - {CAR}
    faults = []
    for row in assumptions.iter_rows(named=True):
        place = str(row[FILE]), int(row[LINE])
        described = known.get(row["parameter"])
        if described is None:
            hint = nearest(row["parameter"], known)
            faults.append(Fault(*place, "parameter", f"'{row['parameter']}'", "a name of the parameter register", hint))
            continue
        if row["key"] and row["key"] != "*" and not described.keys:
            faults.append(Fault(*place, "key", f"'{row['key']}'", f"no key: {described.name} has a single value"))
        elif described.keys == "plant" and plants and str(row["key"] or "*") not in {*plants, "*", *_SLOTS, *others}:
            # A misspelt key would leave the plant with the general value, and nobody would notice.
            faults.append(
                Fault(*place, "key", f"'{row['key']}'", named_in("plant", "plants"), nearest(row["key"], plants))
            )
        unit = described.unit
        if described.kinds and row["key"]:
            kind = plants.get(row["key"], row["key"] if row["key"] in others else CAR)
            words = made.get(row["key"]) if kind == "other" else None
            unit = unit_of(unit, kind, words)
        if row["unit"] != unit:
            faults.append(Fault(*place, "unit", f"'{row['unit']}'", f"'{unit}'"))
        low, high = described.range
        faults.extend(
            Fault(*place, name, f"{row[name]:g}", f"from {low:g} to {high:g} ({described.unit})")
            for name in ("low", "mid", "high")
            if row[name] is not None and not low <= row[name] <= high
        )
    return faults


def _industry_faults(tables: Mapping[str, pl.DataFrame]) -> list[Fault]:
    """Rows and columns of the input-output table that are no industry: their flows would be lost in silence."""
    industries = set(tables["industries"]["industry"].to_list())
    if not industries:
        return []
    faults = []
    for name, others in (("row", IO_ROWS), ("column", IO_COLUMNS)):
        known = industries | set(others)
        lost = tables["input_output"].filter(~pl.col(name).is_in(sorted(known)))
        faults += [
            Fault(
                row[FILE],
                row[LINE],
                name,
                f"'{row[name]}'",
                named_in("industry", "industries"),
                nearest(row[name], known),
            )
            for row in lost.iter_rows(named=True)
        ]
    return faults


def _share_faults(tables: Mapping[str, pl.DataFrame]) -> list[Fault]:
    """Shares that must add up to one."""
    components = tables["components"]
    faults = []
    total = float(sum(components["share_mid"].to_list()))
    if components.height and abs(total - 1.0) > 1e-6:
        faults.append(Fault("components.csv", 0, "share_mid", f"a column that sums to {total:.4f}", "a sum of 1"))
    return faults

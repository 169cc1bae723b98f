"""What a study does not know well: contradictions, gaps, assumed values, stale claims, rows that nothing reads.

None of these is a fault; ``karvan check`` lists them, and the report counts them, so that a reader sees what the answer
leans on.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from karvan.study.cells import Cell
from karvan.study.evidence import TOLERANCE, Claim, claims, contradictions, series, stale, study_date
from karvan.study.kinds import CAR
from karvan.study.load import Study
from karvan.study.register import parameters
from karvan.study.schema import STUDY_TABLES
from karvan.study.tables import FILE, LINE, ranges

TAKEN_APART = {"kit_duty", "kit_lead_days", "kit_lead_sd", "kit_safety_days", "ramp_50", "ramp_90", "open_probability",
               "open_delay"}  # fmt: skip
"""What ``karvan plant`` reads of a plant of another kind, besides what the register tells kinds apart by."""
FLOWING = ("output", "imports", "exports")
"""Attributes that add up over a year: what was claimed for a part cannot exceed the whole."""
RECORDED = (("output", CAR, "cars made"), ("imports", "all_vehicles", "vehicles imported"))
"""National series looked through for years without a value: attribute, kind, words."""


@dataclass(frozen=True)
class Contradicted:
    """Claims that cannot all be right."""

    what: str
    """Subject, attribute, kind and period in words."""
    values: tuple[str, ...]
    """What is claimed, the preferred value first."""
    claims: tuple[str, ...]
    """Ids of the claims, in the same order."""
    used: str
    """The claim used; empty where a range of ``rules.csv`` settles it."""
    reason: str


@dataclass(frozen=True)
class Gap:
    """Something the study has no value for."""

    what: str
    missing: tuple[str, ...]
    """Years, plants, deals or markets without a value."""
    consequence: str
    """What is used instead."""


@dataclass(frozen=True)
class Assumed:
    """A value nobody measured."""

    name: str
    low: float
    mid: float
    high: float
    unit: str
    note: str
    place: str
    """File and line, or the register of parameters."""


@dataclass(frozen=True)
class Stale:
    """A plan whose date is past, without word of what became of it."""

    subject: str
    what: str
    due: str
    known_on: str
    claim: str
    """Id of the claim, or file and line."""
    source: str


@dataclass(frozen=True)
class Unused:
    """A row of the assumptions that no future reads."""

    name: str
    place: str
    reason: str


@dataclass(frozen=True)
class Audit:
    """What ``karvan check`` tells about a study without faults."""

    study: str
    as_of: str
    contradictions: tuple[Contradicted, ...]
    gaps: tuple[Gap, ...]
    assumed: tuple[Assumed, ...]
    stale: tuple[Stale, ...]
    unused: tuple[Unused, ...]
    claims: int
    """Claims in the evidence."""
    statistics: int
    """Independent figures among them: repeats of one official figure count once."""
    sources: int
    """Different addresses in all tables."""

    def as_dict(self) -> dict[str, Any]:
        """The same as plain lists and numbers, for ``--json``."""
        return asdict(self)


def audit(study: Study) -> Audit:
    """Look a study through. Changes nothing and raises nothing: the study has already been checked."""
    frame = study.table("claims")
    return Audit(
        study=study.name,
        as_of=study_date(study),
        contradictions=tuple(_contradictions(study)),
        gaps=tuple(_gaps(study)),
        assumed=tuple(_assumed(study)),
        stale=tuple(_stale(study)),
        unused=tuple(_unused(study)),
        claims=frame.height,
        statistics=frame.select(pl.coalesce("statistic", "claim").n_unique()).item() if frame.height else 0,
        sources=len(addresses(study)),
    )


def addresses(study: Study) -> list[str]:
    """Every address that a row of the study rests on, each once, sorted."""
    found: set[str] = set()
    for table in study.tables.values():
        if "source" in table.columns:
            found.update(text for text in table["source"].unique().to_list() if text and text.startswith("http"))
    return sorted(found)


def _words(subject: str, attribute: str, kind: str, period: str) -> str:
    start, _, end = period.partition("..")
    when = f"{start} to {end}" if start and end and start != end else start or end
    return ", ".join(part for part in (subject, attribute, kind, when) if part)


def _contradictions(study: Study) -> Iterable[Contradicted]:
    for item in contradictions(study):
        yield Contradicted(
            _words(item.subject, item.attribute, item.kind, item.period),
            tuple(_said(claim) for claim in item.claims),
            tuple(claim.claim for claim in item.claims),
            item.used,
            item.reason,
        )
    yield from _parts_above_whole(study)


def _said(claim: Claim) -> str:
    return f"{claim.value} {claim.unit}".strip()


def _parts_above_whole(study: Study) -> Iterable[Contradicted]:
    for part, whole in above_whole(study):
        yield Contradicted(
            _words(part.subject, part.attribute, part.kind, f"{part.period_start}..{part.period_end}"),
            (_said(whole), _said(part)),
            (whole.claim, part.claim),
            whole.claim,
            f"a part of {part.period_start[:4]} above the whole year: the figure for the year is used",
        )


def above_whole(study: Study) -> Iterable[tuple[Claim, Claim]]:
    """Claims for a part of a year above the highest claim for the whole year, each with a claim for the whole."""
    whole: dict[tuple[str, ...], list[Claim]] = {}
    parts: list[tuple[tuple[str, ...], Claim]] = []
    for attribute in FLOWING:
        for item in claims(study, attribute=attribute):
            if item.number is None or item.months is None:
                continue
            first, last = item.months
            key: tuple[str, ...] = (item.subject, attribute, item.kind, item.partner, str(first // 12))
            if first % 12 == 0 and last == first + 11:
                whole.setdefault(key, []).append(item)
            elif first // 12 == last // 12:
                parts.append((key, item))
    for key, part in parts:
        members = whole.get(key, [])
        highest = max((item.number or 0.0 for item in members), default=None)
        if highest is not None and part.number is not None and part.number > highest * (1 + TOLERANCE):
            yield part, members[0]


def _gaps(study: Study) -> Iterable[Gap]:
    last = int(study_date(study)[:4]) - 1
    for attribute, kind, words in RECORDED:
        known = {int(value.period) for value in series(study, "country", attribute, kind, 1990, last)}
        if attribute == "output":
            # The industry is older than its record where a plant is: those years are missing, not nought.
            known_plants = study.table("plant_states").filter(pl.col("state") == "operating")["year"].to_list()
            first = min([*known, *known_plants], default=None)
        else:
            first = min(known, default=None)
        if first is None:
            if attribute == "output" and _own_plants(study):
                yield Gap(f"{words}, by year", ("all years",), "plants start from what their capacity and buyers allow")
            continue
        years = tuple(str(year) for year in range(first, last + 1) if year not in known)
        if years:
            yield Gap(f"{words}, by year", years, "the futures do not lean on these years")
    plants = study.table("plants").filter(pl.col("role") == "own")
    for column, consequence in (
        ("nameplate", "taken as 0: the plant makes nothing unless a lever says so"),
        ("opened", "taken as open for ten years, or as opening from the first year on if announced"),
        ("employees", "people per plant and per 1,000 cars come from the assumptions"),
        ("latitude", "the plant is not on the map"),
    ):
        missing = tuple(plants.filter(pl.col(column).is_null())["plant"].to_list())
        if missing:
            yield Gap(f"{column} of own plants", missing, consequence)
    deals = study.table("deals").filter(pl.col("planned_volume").is_not_null() & pl.col("actual_volume").is_null())
    if deals.height:
        yield Gap("delivered volume of deals", tuple(deals["deal"].to_list()), "no promise kept can be counted")
    yield from _market_gaps(study)


def _own_plants(study: Study) -> bool:
    plants = study.table("plants")
    return bool(plants.filter((pl.col("role") == "own") & (pl.col("vehicle_kind") == CAR)).height)


def _market_gaps(study: Study) -> Iterable[Gap]:
    rows = study.table("markets")
    for attribute in ("new_sales", "used_imports", "stock", "vat_rate"):
        have = set(rows.filter(pl.col("attribute") == attribute)["market"].to_list())
        missing = tuple(market for market in study.settings.markets if market not in have)
        if missing:
            instead = "the row for all markets is used" if "*" in have else "the world tables are used"
            yield Gap(f"{attribute} of markets", missing, instead)
    flows = study.table("flows")
    have = set(flows["importer"].to_list())
    missing = tuple(market for market in study.settings.markets if market not in have)
    if missing:
        yield Gap("base-year flows into markets", missing, "the pattern of all other markets is used")


def _assumed(study: Study) -> Iterable[Assumed]:
    """Every assumed cell: of the tables, in their order; then the defaults of the register that the study leaves."""
    for name, spec in STUDY_TABLES.items():
        cells = ranges(spec)
        columns = [column for column, item in spec.columns.items() if item.assumed]
        if "source" not in spec.columns or not columns:
            continue
        rows = study.table(name).filter(pl.col("source").str.starts_with("assumed"))
        inside = {part for cell in cells for part in cell}
        single = [column for column in columns if column not in inside]
        for row in rows.iter_rows(named=True):
            place, note = f"{row[FILE]}:{row[LINE]}", str(row.get("note") or "")
            stem = ".".join(str(row[part]) for part in spec.key if row[part] not in (None, ""))
            for low, mid, high in cells:
                if row[mid] is not None:
                    word = mid.removesuffix("mid").rstrip("_")
                    unit = str(row["unit"]) if "unit" in row else spec.columns[mid].unit
                    title = ".".join(part for part in (name, stem, word) if part)
                    yield Assumed(title, row[low], row[mid], row[high], unit, note, place)
            for column in single:
                if row[column] is not None:
                    value = float(row[column])
                    ends = [row.get(f"{column}_{end}") for end in ("low", "high")]
                    low_, high_ = (value if end is None else float(end) for end in ends)
                    yield Assumed(f"{name}.{stem}.{column}", low_, value, high_, spec.columns[column].unit, note, place)
    given = set(study.table("assumptions")["parameter"].to_list())
    for parameter in parameters().values():
        if parameter.name not in given:
            cell: Cell = study.parameter(parameter.name)
            yield Assumed(
                f"assumptions.{parameter.name}", cell.low, cell.mid, cell.high, cell.unit, cell.note, cell.place
            )


def _stale(study: Study) -> Iterable[Stale]:
    for item in stale(study):
        yield Stale(item.subject, "planned opening", item.value, item.known_on, item.claim, item.source)
    today = study_date(study)
    told = {item.subject for item in stale(study)}
    for row in study.table("plants").iter_rows(named=True):
        late = row["state"] in ("announced", "building") and row["opened"] is not None and row["opened"] < today[:7]
        if late and row["plant"] not in told:
            place = f"{row[FILE]}:{row[LINE]}"
            what = f"{row['state']}, opening expected"
            yield Stale(row["plant"], what, row["opened"], row["known_on"], place, row["source"])


def _unused(study: Study) -> Iterable[Unused]:
    kinds = dict(study.table("plants").select("plant", "vehicle_kind").iter_rows())
    roles = dict(study.table("plants").select("plant", "role").iter_rows())
    for row in study.table("assumptions").iter_rows(named=True):
        key, described = row["key"], parameters()[row["parameter"]]
        if not key or key == "*" or key.startswith("unannounced_"):
            continue
        reason = ""
        if described.keys == "plant" and key in kinds:
            if kinds[key] != CAR:
                if not described.kinds and row["parameter"] not in TAKEN_APART:
                    reason = f"{key} makes no passenger cars: it stays out of the futures"
            elif roles[key] != "own":
                reason = f"{key} is a rival: parameters of plants are read for own plants only"
        elif described.keys == "market" and key not in study.settings.markets:
            reason = f"{key} is not among the study's markets"
        if reason:
            yield Unused(f"{row['parameter']}.{key}", f"{row[FILE]}:{row[LINE]}", reason)

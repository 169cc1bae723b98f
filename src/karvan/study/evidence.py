"""From claims to the value used: a stated rule, with everything it passed over left in sight.

The rule, for one subject, attribute, kind and year:

1. A row of ``rules.csv`` for that year decides, with its reason.
2. Else a claim for the whole year: the most confident; then printed before derived before inferred; then the figure
   that most independent statistics give; then the latest known.
3. Else months (or quarters) that together cover the year add up.
4. Else the longest part-year claim that starts in January gives a range: at least what was made by then, at most twice
   the year at the same pace; the middle is the year at the same pace.
5. Else there is a gap.

Repeats of one underlying statistic count once.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from karvan.study.load import Study
from karvan.study.tables import parse_date

_CONFIDENCE = {"high": 0, "medium": 1, "low": 2}
_BASIS = {"printed": 0, "derived": 1, "inferred": 2}
CONFIDENCE_ERROR = {"high": 0.03, "medium": 0.10, "low": 0.30}
"""Relative standard error read into a claim of each confidence: ``assumed``, 3, 10 and 30 %."""
TOLERANCE = 0.005
"""Two claims for one period contradict each other when they differ by more than this share."""
_QUARTER = re.compile(r"-Q([1-4])$")


@dataclass(frozen=True)
class Claim:
    """One claim of the evidence, with numbers where it has them."""

    claim: str
    subject: str
    attribute: str
    kind: str
    partner: str
    period_start: str
    period_end: str
    value: str
    unit: str
    basis: str
    statistic: str
    source: str
    source_date: str
    known_on: str
    confidence: str
    note: str
    place: str

    @cached_property
    def number(self) -> float | None:
        """The value as a number, in ``unit``; None if it is text."""
        try:
            return float(self.value)
        except ValueError:
            return None

    @cached_property
    def months(self) -> tuple[int, int] | None:
        """First and last month covered, as months since year 0; None without whole months."""
        start = parse_date(self.period_start) if self.period_start else None
        end = parse_date(self.period_end, end=True) if self.period_end else None
        if not start or not end or start[2] != 1:
            return None
        return start[0] * 12 + start[1] - 1, end[0] * 12 + end[1] - 1


@dataclass(frozen=True)
class YearValue:
    """The value used for a year (or month), how it was chosen, and what was passed over."""

    subject: str
    attribute: str
    kind: str
    period: str
    value: float
    low: float
    high: float
    basis: str
    """``stated``, ``summed``, ``range`` or ``ruled``."""
    rule: str
    used: tuple[Claim, ...]
    others: tuple[Claim, ...]
    """Claims for the same period that say something else."""
    error: float
    """Relative standard error read into the value."""


@dataclass(frozen=True)
class _Index:
    """The evidence of a study, read once: claims by id and by what they speak of, and the rules by year."""

    all: tuple[Claim, ...]
    by_id: Mapping[str, Claim]
    by_attribute: Mapping[str, tuple[Claim, ...]]
    by_subject: Mapping[tuple[str, str], tuple[Claim, ...]]
    """By attribute and subject."""
    rules: Mapping[tuple[str, str, str, int], Mapping[str, Any]]


def _index(study: Study) -> _Index:
    found = study._memo.get("evidence")
    if isinstance(found, _Index):
        return found
    every = tuple(_claim(row) for row in study.table("claims").iter_rows(named=True))
    attributes: dict[str, list[Claim]] = {}
    subjects: dict[tuple[str, str], list[Claim]] = {}
    for item in every:
        attributes.setdefault(item.attribute, []).append(item)
        subjects.setdefault((item.attribute, item.subject), []).append(item)
    rules = {
        (row["subject"], row["attribute"], row["kind"] or "", row["year"]): row
        for row in study.table("rules").iter_rows(named=True)
    }
    by_attribute = {name: tuple(items) for name, items in attributes.items()}
    by_subject = {key: tuple(items) for key, items in subjects.items()}
    made = _Index(every, {item.claim: item for item in every}, by_attribute, by_subject, rules)
    study._memo["evidence"] = made
    return made


def claims(study: Study, **wanted: str) -> list[Claim]:
    """The claims whose columns have the wanted values, in the order of the files. Empty text wants an empty cell."""
    index = _index(study)
    if "attribute" in wanted and "subject" in wanted:
        pool = index.by_subject.get((wanted["attribute"], wanted["subject"]), ())
    else:
        pool = index.by_attribute.get(wanted["attribute"], ()) if "attribute" in wanted else index.all
    return [item for item in pool if all(getattr(item, column) == value for column, value in wanted.items())]


def claim(study: Study, name: str) -> Claim | None:
    """One claim by its id."""
    return _index(study).by_id.get(name)


def _claim(row: Mapping[str, Any]) -> Claim:
    text = {name: "" if row[name] is None else str(row[name]) for name in Claim.__dataclass_fields__ if name in row}
    return Claim(**text, place=f"{row['_file']}:{row['_line']}")


def _best(candidates: Iterable[Claim]) -> list[Claim]:
    """Claims in the order of the rule: the first is the one to use."""
    pool = list(candidates)
    support = {
        item.claim: len({other.statistic or other.claim for other in pool if _agree(item, other)}) for item in pool
    }
    # A later page knows more: sort by date first, so that the stable sort on merit keeps the latest in front.
    pool.sort(key=lambda item: item.known_on, reverse=True)
    return sorted(pool, key=lambda i: (_CONFIDENCE[i.confidence], _BASIS[i.basis], -support[i.claim]))


def _agree(one: Claim, other: Claim) -> bool:
    a, b = one.number, other.number
    if a is None or b is None:
        return one.value == other.value
    return abs(a - b) <= TOLERANCE * max(abs(a), abs(b), 1e-12)


def _value(
    key: tuple[str, str, str], period: str, used: list[Claim], pool: list[Claim], rule: str, basis: str
) -> YearValue:
    numbers = [item.number or 0.0 for item in used]
    total = sum(numbers)
    error = max(CONFIDENCE_ERROR[item.confidence] for item in used)
    others = tuple(i for i in pool if i not in used and not any(_agree(i, u) for u in used) and len(used) == 1)
    values = [total, *(i.number for i in others if i.number is not None and i.confidence != "low")]
    low, high = min(values), max(values)
    return YearValue(*key, period, total, low, high, basis, rule, tuple(used), others, error)


def year_value(study: Study, subject: str, attribute: str, kind: str, year: int) -> YearValue | None:
    """The value used for a year, by the rule of the module; None where there is a gap."""
    key = (subject, attribute, kind)
    pool = [
        item
        for item in claims(study, subject=subject, attribute=attribute, kind=kind, partner="")
        if item.number is not None and item.months is not None
    ]
    first, last = year * 12, year * 12 + 11
    whole = [item for item in pool if item.months == (first, last)]
    decided = _ruled(study, key, year, whole or [i for i in pool if i.months and first <= i.months[1] <= last])
    if decided:
        return decided
    if whole:
        best = _best(whole)
        return _value(key, str(year), best[:1], whole, "claim for the whole year", "stated")
    inside = [item for item in pool if item.months and first <= item.months[0] and item.months[1] <= last]
    summed = _cover(inside, first, last)
    if summed:
        return _value(key, str(year), summed, [], "months that cover the year, added up", "summed")
    started = [item for item in inside if item.months and item.months[0] == first]
    if not started:
        return None
    longest = max(item.months[1] for item in started if item.months)
    best = _best([item for item in started if item.months and item.months[1] == longest])
    chosen = best[0]
    months = longest - first + 1
    made = chosen.number or 0.0
    pace = made * 12 / months
    rule = f"January to month {months}: at least that much, at most twice the year at that pace"
    error = CONFIDENCE_ERROR[chosen.confidence]
    return YearValue(*key, str(year), pace, made, max(2 * pace - made, pace), "range", rule, (chosen,), (), error)


def month_value(study: Study, subject: str, attribute: str, kind: str, year: int, month: int) -> YearValue | None:
    """The value of one month: claimed for it alone, else the difference of two January-to-month claims."""
    key = (subject, attribute, kind)
    place = year * 12 + month - 1
    period = f"{year}-{month:02d}"
    pool = [
        item
        for item in claims(study, subject=subject, attribute=attribute, kind=kind, partner="")
        if item.number is not None and item.months is not None
    ]
    exact = [item for item in pool if item.months == (place, place)]
    if exact:
        return _value(key, period, _best(exact)[:1], exact, "claim for the month", "stated")
    until = _best(item for item in pool if item.months == (year * 12, place))
    before = _best(item for item in pool if item.months == (year * 12, place - 1))
    if until and before and month > 1:
        value = (until[0].number or 0.0) - (before[0].number or 0.0)
        rule = "January to this month less January to the month before"
        error = max(CONFIDENCE_ERROR[until[0].confidence], CONFIDENCE_ERROR[before[0].confidence])
        return YearValue(*key, period, value, value, value, "summed", rule, (until[0], before[0]), (), error)
    return None


def _ruled(study: Study, key: tuple[str, str, str], year: int, pool: list[Claim]) -> YearValue | None:
    row = _index(study).rules.get((*key, year))
    if row is None:
        return None
    reason = f"ruled: {row['reason']}"
    if row["claim"]:
        chosen = claim(study, row["claim"])
        if chosen is None or chosen.number is None:  # not yet known on the date the study is read for
            return None
        others = tuple(item for item in pool if not _agree(item, chosen))
        spread = [chosen.number] if row["low"] is None else [row["low"], chosen.number, row["high"]]
        error = CONFIDENCE_ERROR[chosen.confidence]
        value = chosen.number
        return YearValue(*key, str(year), value, min(spread), max(spread), "ruled", reason, (chosen,), others, error)
    if row["mid"] is None or (study.as_of is not None and not pool):
        return None
    used = tuple(pool)
    low = row["mid"] if row["low"] is None else row["low"]
    high = row["mid"] if row["high"] is None else row["high"]
    error = max((high - low) / 3.29 / max(row["mid"], 1.0), CONFIDENCE_ERROR["high"])
    return YearValue(*key, str(year), row["mid"], low, high, "ruled", reason, used, (), error)


def _cover(pool: list[Claim], first: int, last: int) -> list[Claim]:
    """Claims that follow each other without gap or overlap from ``first`` to ``last``, longest first; else nothing."""
    chosen: list[Claim] = []
    place = first
    while place <= last:
        here = [item for item in pool if item.months and item.months[0] == place]
        if not here:
            return []
        longest = max(item.months[1] for item in here if item.months)
        best = _best([item for item in here if item.months and item.months[1] == longest])
        chosen.append(best[0])
        place = longest + 1
    return chosen


def series(study: Study, subject: str, attribute: str, kind: str, first: int, last: int) -> list[YearValue]:
    """The years from ``first`` to ``last`` that are not gaps."""
    values = (year_value(study, subject, attribute, kind, year) for year in range(first, last + 1))
    return [value for value in values if value is not None]


@dataclass(frozen=True)
class Contradiction:
    """Claims about the same thing at the same time that differ."""

    subject: str
    attribute: str
    kind: str
    period: str
    claims: tuple[Claim, ...]
    """One claim for each value said, the one that the rule prefers first."""
    used: str
    """The claim that is used; empty where a range of ``rules.csv`` settles it."""
    reason: str = ""
    """Why: the reason of ``rules.csv``, or the step of the general rule that decides."""


def contradictions(study: Study) -> list[Contradiction]:
    """Every set of claims with the same subject, attribute, kind, partner, period and unit, and different values."""
    rules = _index(study).rules
    groups: dict[tuple[str, ...], list[Claim]] = {}
    for item in claims(study):
        if item.number is None and item.attribute not in ("opened", "planned_opening"):
            continue
        period = f"{item.period_start}..{item.period_end}"
        key = (item.subject, item.attribute, item.kind, item.partner, period, item.unit)
        groups.setdefault(key, []).append(item)
    found = []
    for (subject, attribute, kind, partner, period, _), members in groups.items():
        distinct: list[Claim] = []
        for item in _best(members):
            if not any(_agree(item, other) for other in distinct):
                distinct.append(item)
        if len(distinct) < 2:
            continue
        used, reason = distinct[0].claim, _merit(distinct[0], distinct[1], members)
        months = distinct[0].months
        if months and not partner and months[0] % 12 == 0 and months[1] == months[0] + 11:
            rule = rules.get((subject, attribute, kind, months[0] // 12))
            if rule:
                used, reason = rule["claim"] or "", f"ruled: {rule['reason']}"
        found.append(Contradiction(subject, attribute, kind, period, tuple(distinct), used, reason))
    return found


def _merit(one: Claim, other: Claim, pool: list[Claim]) -> str:
    """Which step of the general rule puts ``one`` before ``other``."""
    if one.confidence != other.confidence:
        return f"confidence {one.confidence} before {other.confidence}"
    if one.basis != other.basis:
        return f"{one.basis} before {other.basis}"
    mine, theirs = (len({i.statistic or i.claim for i in pool if _agree(i, c)}) for c in (one, other))
    if mine != theirs:
        return f"said by {mine} independent statistics, the next by {theirs}"
    if one.known_on != other.known_on:
        return f"the latest known, {one.known_on}"
    return "the first in the files: nothing else tells them apart"


def stale(study: Study, attribute: str = "planned_opening") -> list[Claim]:
    """Plans whose date is past at the study's date, where no claim says that the thing happened."""
    today = study_date(study)
    done = {item.subject for item in claims(study, attribute="opened")}
    late = []
    for item in claims(study, attribute=attribute):
        date = parse_date(_QUARTER.sub(lambda match: f"-{3 * int(match[1]):02d}", item.value), end=True)
        if date and "{:04d}-{:02d}-{:02d}".format(*date) < today and item.subject not in done:
            late.append(item)
    return late


def study_date(study: Study) -> str:
    """The day up to which a study knows: asked for, else of its newest claim, else the end of its base year."""
    return study.as_of or study.settings.as_of or f"{study.settings.base_year}-12-31"


def gaps(study: Study, subject: str, attribute: str, kind: str, first: int, last: int) -> list[int]:
    """Years without any value."""
    have = {int(value.period) for value in series(study, subject, attribute, kind, first, last)}
    return [year for year in range(first, last + 1) if year not in have]

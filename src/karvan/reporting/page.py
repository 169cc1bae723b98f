"""What every section of a report needs: figures with their addresses, names, and the list of what was cited."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from karvan.base.axes import Array
from karvan.base.errors import KarvanError
from karvan.futures.drivers import Drivers, in_words
from karvan.futures.ensemble import Futures
from karvan.futures.figures import Figure, figure, number
from karvan.futures.figures import money as money_of
from karvan.futures.names import country_name, offer_name, readable
from karvan.reporting.html import NONE, esc
from karvan.study.evidence import Claim, YearValue, claim
from karvan.study.load import Study
from karvan.study.scenario import COUNTERFACTUAL

MINUS = "\N{MINUS SIGN}"
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
KINDS = {
    "forecast": "forecast",
    "record": "on record",
    "claim": "a claim",
    "assumption": "assumption",
    "table": "from a table of the study",
    "threshold": "a definition",
    "base_rate": "outside view",
    "count": "a count",
    "shops": "simulated from the plant's shops",
    "past": "scored against the past",
}


@dataclass
class Page:
    """A report in the making. ``cited`` and ``sources`` grow while sections are written."""

    study: Study
    runs: Mapping[str, Futures]
    main: str
    backrun: Futures | None = None
    drivers: Drivers | None = None
    needs: bool = False
    """Whether levers are tried for the conditions of the hub verdict, which takes some seconds a scenario."""
    waits: Callable[[], None] | None = None
    """Waits for another process that tries them; None where nobody has begun."""
    cited: dict[str, Claim] = field(default_factory=dict)
    ruled: dict[tuple[str, str, str, str], YearValue] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)
    _figures: dict[str, Figure | None] = field(default_factory=dict)

    # Years ------------------------------------------------------------------------------------------------------

    @property
    def run(self) -> Futures:
        """The futures of the main scenario."""
        return self.runs[self.main]

    @property
    def first(self) -> int:
        """First year of the futures."""
        return self.run.years[0]

    @property
    def last(self) -> int:
        """Last year of the futures."""
        return self.run.years[-1]

    @property
    def scenarios(self) -> list[str]:
        """The scenarios to show, in order; counterfactuals of single scenarios work behind the net figures only."""
        return [name for name in self.runs if COUNTERFACTUAL not in name]

    @property
    def near(self) -> int:
        """The year most figures are told for: the first round year at least three years on, else the last."""
        rounds = [year for year in self.run.years if year % 5 == 0 and year - self.first >= 3]
        return rounds[0] if rounds else self.last

    @property
    def shown(self) -> list[int]:
        """The years that tables show."""
        return sorted({self.first, self.near, *(year for year in self.run.years if year % 5 == 0), self.last})

    # Figures ----------------------------------------------------------------------------------------------------

    def address(self, body: str, period: int | str, scenario: str | None = None) -> str:
        """The address of a figure, in the main scenario unless another is named."""
        name = self.main if scenario is None else scenario
        return f"{body}.{period}" + ("" if name == "baseline" else f"@{name}")

    def get(self, address: str) -> Figure | None:
        """The figure at an address; None where there is none."""
        if address not in self._figures:
            try:
                found = figure(address, self.study, self.runs)
                self._figures[address] = None if np.isnan(found.value) else found
            except KarvanError:
                self._figures[address] = None
        return self._figures[address]

    def value(self, address: str) -> float:
        """The number at an address; nan where there is none."""
        found = self.get(address)
        return float("nan") if found is None else found.value

    def at(self, body: str, period: int | str, *, scenario: str | None = None, **options: Any) -> str:
        """A forecast figure of the main scenario as HTML; options as in :meth:`fig`."""
        return self.fig(self.address(body, period, scenario), **options)

    def fig(
        self,
        address: str,
        *,
        spread: bool = False,
        unit: bool = False,
        error: bool = False,
        only_error: bool = False,
        decimals: int | None = None,
        factor: float = 1.0,
    ) -> str:
        """The one way to a number: a span that carries its address and says what it is when pointed at.

        Parameters
        ----------
        spread : with the 5-95 % range, or the range on record.
        unit : with its unit.
        error, only_error : with, or only, the Monte Carlo standard error of the median.
        decimals : instead of the register's.
        factor : shows the number times this.
        """
        found = self.get(address)
        if found is None:
            return NONE
        places = found.decimals if decimals is None else decimals
        large = found.kind == "claim" and factor == 1.0 and abs(found.value) >= 1e6
        scale = 1e-6 if large else factor
        shown = replace(found, value=found.value * scale, low=found.low * scale, high=found.high * scale)
        if large:
            places = next((n for n in (0, 1) if round(shown.value * 10**n, 6) % 1 == 0), 2)
        elif found.kind == "claim" and decimals is None:
            places = _places(found.value)
        text = plain(shown.value, places, found.unit)
        if only_error:
            text = plain(found.error, max(places, 0 if found.unit == "share of 1" else 1), found.unit)
        elif error and found.error > 0:
            text += f" ± {plain(found.error, max(places, 1), found.unit)}"
        if large:
            text += " million"
        if unit and found.unit != "share of 1":
            text += f" {found.unit}"
        inner = self._linked(found, esc(text))
        if spread and found.low != found.high:
            inner += f' <small class="range">({esc(interval(shown.low, shown.high, places, found.unit))})</small>'
        return (
            f'<span class="fig {found.kind}" data-figure="{esc(address)}" title="{esc(tooltip(found))}">{inner}</span>'
        )

    def _linked(self, found: Figure, text: str) -> str:
        """A number on record leads to its claim, a cell to its source."""
        if found.record is not None:
            if found.record.basis in ("ruled", "range") and not found.record.used:
                key = (found.record.subject, found.record.attribute, found.record.kind, found.record.period)
                self.ruled[key] = found.record
                return f'<a href="#{rule_anchor(found.record)}">{text}</a>'
            for item in (*found.record.used, *found.record.others):
                self.cite(item)
            return f'<a href="#{anchor(found.record.used[0])}">{text}</a>' if found.record.used else text
        if found.claim is not None:
            self.cite(found.claim)
            return f'<a href="#{anchor(found.claim)}">{text}</a>'
        if found.cell is not None and found.kind == "table":
            target = self.source_anchor(found.cell.source)
            return f'<a href="#{target}">{text}</a>' if target else text
        return text

    def cite(self, item: Claim) -> None:
        """Remember a claim for the list of sources."""
        self.cited.setdefault(item.claim, item)
        self.source(item.source)

    def source(self, address: str) -> int:
        """The number of a source address; a new one at first mention."""
        return self.sources.setdefault(address, len(self.sources) + 1)

    def source_anchor(self, source: str) -> str:
        """The anchor that a row's ``source`` leads to; empty for what is assumed, derived or estimated."""
        if source.startswith("claim:"):
            name = source.removeprefix("claim:").split(";")[0].strip()
            found = claim(self.study, name)
            if found is not None:
                self.cite(found)
                return anchor(found)
        if source.startswith("http"):
            return f"source-{self.source(source)}"
        return ""

    def source_mark(self, source: str) -> str:
        """A row's source as a short HTML link, or in words."""
        target = self.source_anchor(source)
        if source.startswith("claim:"):
            return f'<a href="#{target}">claim</a>' if target else "claim"
        if target:
            return f'<a href="#{target}">[{self.source(source)}]</a>'
        return esc(source.split(":")[0])

    # Names ------------------------------------------------------------------------------------------------------

    def country(self, code: str = "") -> str:
        """A country's name; the study's own without a code."""
        return country_name(code or self.study.settings.country)

    @property
    def money(self) -> str:
        """The study's money in words."""
        return money_of(self.study)

    def plant(self, name: str, *, short: bool = True) -> str:
        """A plant's name; short without what stands in brackets."""
        rows = self.study.table("plants").filter(plant=name)
        if not rows.height:
            return readable(name)
        full = str(rows["name"][0])
        return full.split(" (")[0] if short else full

    def subject(self, name: str) -> str:
        """A subject of the evidence in words: the country, a plant, or what its id says."""
        return self.country() if name == "country" else self.plant(name)

    def uncertain(self, name: str) -> str:
        """An uncertain number in words: plants, offers and countries by their names."""
        return self._worded(name)

    @cached_property
    def _worded(self) -> Callable[[str], str]:
        return in_words(self.study, self.run.layout)

    def slots(self) -> list[str]:
        """Places of the futures for plants that nobody has announced."""
        return [self.run.layout.plants[p] for p in self.run.layout.slots]

    def own_plants(self, *, slots: bool = False) -> list[str]:
        """Own plants of the futures; with those nobody has announced yet if asked."""
        known = set(self.study.table("plants")["plant"].to_list())
        return [name for name in self.run.own_plants if slots or name in known]

    def offer(self, name: str) -> str:
        """An offer in words: brand and country of the plant."""
        return offer_name(self.run.layout, name)


def _places(value: float) -> int:
    """Decimals of a claim: as many as it was told with, and two for what is money or a rate."""
    if value == round(value):
        return 0
    return 1 if value * 10 == round(value * 10) and abs(value) >= 2 else 2


def plain(value: float, decimals: int, unit: str) -> str:
    """A number as text, with a true minus sign."""
    return number(value, decimals, unit).replace("-", MINUS)


def interval(low: float, high: float, decimals: int, unit: str) -> str:
    """A range as text."""
    ends = plain(low, decimals, unit), plain(high, decimals, unit)
    if unit == "share of 1":
        ends = ends[0].removesuffix(" %"), ends[1]
    return f"{ends[0]} to {ends[1]}" if MINUS in "".join(ends) else f"{ends[0]}–{ends[1]}"


def tooltip(found: Figure) -> str:
    """What a figure is, in one line."""
    parts = [found.title, found.unit]
    if found.low != found.high:
        span = interval(found.low, found.high, found.decimals, found.unit)
        parts.append(f"5–95 % of futures {span}" if found.kind == "forecast" else f"range {span}")
    kind = KINDS.get(found.kind, found.kind)
    if found.cell is not None and found.cell.assumed:
        kind = "assumed"
    if found.record is not None:
        kind = f"{kind}: {found.record.rule}"
    if found.claim is not None:
        kind = f"{kind} ({found.claim.confidence}, {found.claim.basis}), {period(found.claim)}"
    return "; ".join(part for part in (*parts, kind, f"address {found.address}") if part)


def anchor(item: Claim) -> str:
    """The anchor of a claim."""
    return f"claim-{item.claim}"


def rule_anchor(value: YearValue) -> str:
    """The anchor of a choice between claims."""
    return "-".join(part for part in ("rule", value.subject, value.attribute, value.kind, value.period) if part)


def period(item: Claim) -> str:
    """The period a claim speaks of, in words."""
    months = item.months
    if months is None:
        start, end = item.period_start, item.period_end
        if not start and not end:
            return f"said {item.source_date or item.known_on}"
        if start == end or not end:
            return f"from {start}" if not end else start
        return f"{start or '...'} to {end}"
    (first_year, first_month), (last_year, last_month) = divmod(months[0], 12), divmod(months[1], 12)
    if first_year != last_year:
        return f"{MONTHS[first_month]} {first_year} to {MONTHS[last_month]} {last_year}"
    if (first_month, last_month) == (0, 11):
        return str(first_year)
    if first_month == last_month:
        return f"{MONTHS[first_month]} {first_year}"
    return f"{MONTHS[first_month]} to {MONTHS[last_month]} {first_year}"


def quantiles(draws: Array) -> Array:
    """(5, Y), the 5, 25, 50, 75 and 95 % points of draws (D, Y)."""
    return np.asarray(np.quantile(draws, (0.05, 0.25, 0.5, 0.75, 0.95), axis=0))

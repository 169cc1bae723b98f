"""What is on record: output with its contradictions, by plant, targets, imports, other vehicles."""

from karvan.base.errors import InputError
from karvan.futures.figures import ALIASES
from karvan.futures.names import readable
from karvan.futures.nowcast import nowcast
from karvan.reporting import charts
from karvan.reporting.html import chart, esc, listed, para, table
from karvan.reporting.page import MONTHS, Page, period
from karvan.study.evidence import Claim, YearValue, claims

CAR = "passenger_car"
MONTHLY_DRAWS = 60
"""Draws of the monthly series: its bands are for the eye."""
OTHER_KINDS = ("light_commercial", "bus", "tractor", "special_purpose", "combine_harvester", "military")


def history_years(page: Page, body: str = "output") -> list[int]:
    """The years of a figure that are on record."""
    base = page.study.settings.base_year
    return [year for year in range(base - 30, base + 1) if on_record(page, f"{body}.{year}") is not None]


def last_record(page: Page) -> int | None:
    """The latest year of national output on record."""
    years = history_years(page)
    return years[-1] if years else None


def on_record(page: Page, address: str) -> YearValue | None:
    found = page.get(address)
    return None if found is None else found.record


def record(page: Page) -> str:
    years = history_years(page)
    if not years:
        return "<h3>The record</h3>\n" + para(f"The evidence gives no yearly output of cars in {esc(page.country())}.")
    rows = []
    for year in years:
        record = on_record(page, f"output.{year}")
        if record is None:
            continue
        passed = [page.fig(f"claim.{item.claim}") + f" <small>{esc(_who(item))}</small>" for item in _distinct(record)]
        rows.append(
            [
                str(year),
                page.fig(f"output.{year}", spread=True),
                f"<small>{esc(record.rule.removeprefix('ruled: '))}</small>",
                "<br>".join(passed) or '<span class="none">none</span>',
            ]
        )
    notes = [text for text in (_idle_months(page), _latest(page), _values(page)) if text]
    header = ["Year", "Used (range)", "How it was chosen", "Other claims for the year"]
    return (
        "<h3>The record, with its contradictions</h3>\n"
        + para(*notes)
        + table(header, rows, text=(2, 3), kind="tight", caption="Passenger cars made, from the evidence.")
    )


def _distinct(record: YearValue) -> list[Claim]:
    seen: dict[str, Claim] = {}
    for item in record.others:
        seen.setdefault(f"{item.value} {item.months}", item)
    return sorted(seen.values(), key=lambda item: (item.months or (0, 0), item.claim))


def _who(item: Claim) -> str:
    return f"({period(item)}, {item.confidence})"


def _idle_months(page: Page) -> str:
    """Months on record in which no car was made."""
    months = set()
    for item in claims(page.study, subject="country", attribute="output", kind=CAR, partner=""):
        if item.number == 0 and item.months and item.months[0] == item.months[1]:
            months.add(item.months[0])
    said = [
        f"{MONTHS[place % 12]} {place // 12} ({page.fig(f'output.{place // 12}-{place % 12 + 1:02d}')})"
        for place in sorted(months)
    ]
    return f"No car was made in {listed(said)}." if said else ""


def _latest(page: Page) -> str:
    """The latest part of a year on record, beside the same months a year before."""
    pool = [
        item
        for item in claims(page.study, subject="country", attribute="output", kind=CAR, partner="")
        if item.months and item.number is not None and item.months[0] % 12 == 0 and item.months[1] % 12 != 11
    ]
    if not pool:
        return ""
    newest = max(pool, key=lambda item: (item.months or (0, 0))[1])
    start, end = newest.months or (0, 0)
    text = f"The latest count is {page.fig(f'claim.{newest.claim}')} cars in {period(newest)}"
    before = [item for item in pool if item.months == (start - 12, end - 12)]
    if before and before[0].number is not None and newest.number is not None:
        fewer = newest.number < before[0].number
        pair = (before[0], newest) if fewer else (newest, before[0])
        gap = page.fig(f"claims_difference.{pair[0].claim}.{pair[1].claim}.{end // 12}")
        text += (
            f", {gap} {'fewer' if fewer else 'more'} than the {page.fig(f'claim.{before[0].claim}')} of a year before"
        )
    return text + "."


def _values(page: Page) -> str:
    """What the latest cars were worth, by plant, and all since the beginning."""
    found = [item for item in claims(page.study, attribute="output_value", kind=CAR) if item.subject != "country"]
    said = []
    if found:
        newest = max(item.months[1] for item in found if item.months)
        seen: dict[str, Claim] = {}
        for item in found:
            if item.months and item.months[1] == newest:
                seen.setdefault(item.subject, item)
        for subject, item in sorted(seen.items(), key=lambda pair: -(pair[1].number or 0)):
            units = [
                one
                for one in claims(page.study, subject=subject, attribute="output", kind=CAR)
                if one.months == item.months and one.number is not None
            ]
            if units:
                number, worth = page.fig(f"claim.{units[0].claim}"), page.fig(f"claim.{item.claim}")
                said.append(f"{number} vehicles worth {worth} {item.unit} at {esc(_subject(page, subject))}")
        text = f"In {period(next(iter(seen.values())))} there were {listed(said)}." if said else ""
    else:
        text = ""
    whole = claims(page.study, attribute="output_value_cumulative", kind=CAR)
    if whole:
        one = whole[0]
        since = one.period_start[:4]
        text += f" Since {since} the cars made were worth {page.fig(f'claim.{one.claim}')} {one.unit}."
    return text.strip()


def _subject(page: Page, subject: str) -> str:
    """A subject of the evidence in words: the place of the plant it is counted under."""
    for plant, subjects in ALIASES.items():
        if subject in subjects:
            rows = page.study.table("plants").filter(plant=plant)
            if rows.height and rows["city"][0]:
                return str(rows["city"][0])
    rows = page.study.table("plants").filter(plant=subject)
    return str(rows["city"][0] or page.plant(subject)) if rows.height else readable(subject)


def by_plant(page: Page) -> str:
    """Output by plant and year, where the evidence splits it."""
    plants = {name: history_years(page, f"output.{name}") for name in page.study.table("plants")["plant"].to_list()}
    plants = {name: years for name, years in plants.items() if years}
    if not plants:
        return ""
    years = sorted({year for found in plants.values() for year in found})
    rows = [
        [str(year), *(page.fig(f"output.{name}.{year}", spread=True) for name in plants), page.fig(f"output.{year}")]
        for year in years
    ]
    lead = [
        max((page.value(f"output.{name}.{year}"), name) for name, found in plants.items() if year in found)[1]
        for year in years
    ]
    change = next((i for i in range(len(lead) - 1, 0, -1) if lead[i] != lead[i - 1]), None)
    text = ""
    if change is not None:
        year, new, old = years[change], lead[change], lead[change - 1]
        if year in plants[old]:
            text = para(
                f"{esc(_subject(page, new))} overtook {esc(_subject(page, old))} in {year}: "
                f"{page.fig(f'output.{new}.{year}')} cars against {page.fig(f'output.{old}.{year}')}."
            )
    labels = [listed(list(dict.fromkeys((page.plant(name), _subject(page, name)))), ",") for name in plants]
    header = ["Year", *(esc(label.replace(" ,", ",")) for label in labels), "Country"]
    caption = "Cars by plant, as far as the evidence splits them; ranges where nobody printed the split."
    return "<h3>By plant</h3>\n" + text + table(header, rows, kind="tight", caption=caption)


def monthly(page: Page) -> str:
    """Output month by month and plant by plant, as far as sums on record pin it down."""
    try:
        cast = nowcast(page.study, draws=MONTHLY_DRAWS, seed=page.run.seed)
    except InputError:  # a study without any output on record
        return ""
    svg = charts.draw(
        charts.months(cast, {name: page.plant(name) for name in cast.plants}),
        name="months",
        alt="Cars made a month by each plant, with the range that all sums on record leave open",
    )
    return "<h3>Month by month</h3>\n" + chart(
        "What no statistic prints: cars a month by plant, and how far the sums on record pin them down",
        svg,
        unit="cars a month; the dark band holds half of what may have been, the light one nine tenths",
        source=f"{len(cast.used)} claims about months, years, districts, plants and money, {len(cast.passed)} passed "
        f"over; docs/nowcast.md, karvan nowcast {esc(page.study.name)}.",
    )


def targets(page: Page) -> str:
    """Official targets beside what came of them."""
    base = page.study.settings.base_year
    years = [year for year in range(base - 30, base + 15) if page.get(f"target_output.{year}") is not None]
    if not years:
        return ""
    rows, missed = [], []
    for year in years:
        target, made = page.value(f"target_output.{year}"), on_record(page, f"output.{year}")
        came = page.fig(f"output.{year}", spread=True)
        if made is None:
            outcome = "no figure"
        elif made.high < target:
            outcome = "missed"
            missed.append(year)
        elif made.low >= target:
            outcome = "met"
        else:
            outcome = "open: the range holds the target"
        rows.append([str(year), page.fig(f"target_output.{year}"), came, outcome])
    row = f"Missed in {listed([str(year) for year in missed])}." if missed else "None was missed."
    return (
        "<h3>Official targets and what came of them</h3>\n"
        + para(row)
        + table(["Year", "Target", "Made", "Outcome"], rows, text=(3,))
    )


def imports(page: Page) -> str:
    """Imports of vehicles on record."""
    base = page.study.settings.base_year
    years = [
        year
        for year in range(base - 30, base + 1)
        if page.get(f"imports_vehicles.{year}") is not None or page.get(f"imports_hybrid.{year}") is not None
    ]
    if not years:
        return ""
    partners = sorted(
        {
            item.partner
            for item in claims(page.study, subject="country", attribute="imports", kind="hybrid_car")
            if item.partner and any(page.get(f"imports_hybrid.{item.partner}.{year}") for year in years)
        }
    )
    header = ["Year", "Vehicles of all kinds", "Hybrid cars", "of these from"]
    rows = [
        [
            str(year),
            page.fig(f"imports_vehicles.{year}", spread=True),
            page.fig(f"imports_hybrid.{year}", spread=True),
            ", ".join(
                f"{esc(page.country(partner))} {page.fig(address)}"
                for partner in partners
                if page.get(address := f"imports_hybrid.{partner}.{year}") is not None
            ),
        ]
        for year in years
    ]
    caption = "Imports on record. A range stands where only part of the year was printed."
    return "<h3>What comes in from abroad</h3>\n" + table(header, rows, text=(3,), caption=caption)


def others(page: Page) -> str:
    """Trucks, buses and tractors on record, never added to cars."""
    years = history_years(page, "output_truck")
    rows = [[str(year), page.fig(f"output_truck.{year}", spread=True)] for year in years]
    found: dict[tuple[str, str], Claim] = {}
    for item in claims(page.study, attribute="output"):
        if item.kind not in OTHER_KINDS or item.number is None or item.months is None:
            continue
        key = ("country" if item.subject == "country" else _subject(page, item.subject), item.kind)
        if key not in found or item.months[1] > (found[key].months or (0, 0))[1]:
            found[key] = item
    latest = [
        [
            esc(readable(item.kind).capitalize()),
            esc(page.country() if subject == "country" else subject),
            period(item),
            page.fig(f"claim.{item.claim}"),
        ]
        for (subject, _), item in sorted(found.items(), key=lambda pair: (pair[0][1], pair[0][0]))
    ]
    if not rows and not latest:
        return ""
    return (
        "<h3>Trucks, buses and tractors</h3>\n"
        + table(["Year", "Trucks made"], rows, kind="narrow")
        + table(
            ["Kind", "Where", "Period", "Made"],
            latest,
            text=(1, 2),
            kind="narrow",
            caption="Latest count of each other kind on record.",
        )
    )

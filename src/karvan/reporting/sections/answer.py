"""The answer in five sentences."""

from karvan.reporting.html import esc, listed, para, section
from karvan.reporting.page import Page
from karvan.reporting.sections.drivers import driver_title
from karvan.reporting.sections.hub import CONDITION_WORDS, instead, most_likely, part_elsewhere
from karvan.reporting.sections.jobs import gains
from karvan.reporting.sections.record import last_record


def answer(page: Page) -> str:
    """What is there, how full it is, what it is worth, whether it is a hub, how sure one can be: with ranges."""
    near, last, country = page.near, page.last, page.country()
    record = last_record(page)
    before = ""
    if record is not None:
        before = f", after {page.fig(f'output.{record}', spread=True)} in {record}, the latest year on record"
    one = (
        f"In the middle of all futures {country} makes {page.at('output', near, spread=True)} passenger cars in {near} "
        f"and {page.at('output', last, spread=True)} in {last}{before}."
    )
    if part := part_elsewhere(page):
        one += (
            f" Of the cars on record {part} went to markets that this study does not have, by the estimated flows of "
            "the base years; cars for those are not in the forecast."
        )
    # Where few used cars come in, the second share is hardly below the first.
    shares = [page.value(page.address(f"self_sufficiency_{name}", near)) for name in ("new", "all")]
    beside = "but only" if shares[1] < 0.8 * shares[0] else "and"
    two = (
        f"By {near} that fills {page.at('utilisation', near, spread=True)} of what the plants could then make, "
        f"and covers {page.at('self_sufficiency_new', near, spread=True)} of new cars sold at home {beside} "
        f"{page.at('self_sufficiency_all', near, spread=True)} of all cars that come into use; "
        f"the value added at home is {page.at('self_sufficiency_value', near, spread=True)} of what is spent on cars."
    )
    if page.value(page.address("output", near)) < 0.5:
        one = (
            f"In {near} {country} makes {page.at('output', near, spread=True)} passenger cars, none in at least half "
            f"of all futures; in {last} it makes {page.at('output', last, spread=True)}{before}."
        )
        two = (
            f"In {near} they cover {page.at('self_sufficiency_new', near, spread=True)} of new cars sold at home and "
            f"{page.at('self_sufficiency_all', near, spread=True)} of all cars that come into use."
        )
    if "no_industry" in page.runs and page.main != "no_industry":
        three = (
            f"The industry then supports {page.at('jobs', near, spread=True)} jobs and "
            f"{page.at('gdp', near, spread=True)} {page.money} of GDP; against a country that imports its cars and "
            f"taxes them, the gain is {page.at('jobs_net', near, spread=True)} jobs and "
            f"{page.at('gdp_net', near, spread=True)} million of GDP{_more_than_gross(page)}."
        )
    else:
        three = (
            f"The industry then supports {page.at('jobs', near, spread=True)} jobs and "
            f"{page.at('gdp', near, spread=True)} {page.money} of GDP, before asking what people would do otherwise."
        )
    return section("answer", 1, "The answer", para(one), para(two), para(three), para(_hub(page)), para(_sure(page)))


def _more_than_gross(page: Page) -> str:
    """Why the gain exceeds what hangs on the industry, where it does: it looks like a slip otherwise."""
    return ", more than the industry itself supports, as the state gains revenue and spends it" if gains(page) else ""


def _hub(page: Page) -> str:
    last, country = page.last, page.country()
    y = page.run.years.index(last)
    verdict = page.run.verdict
    chance = page.at("hub_verdict", last)
    if float(verdict.probability[y]) == 0.0:
        chance += f" (not one of {page.at('count_futures', page.first)} futures)"
    if bool(verdict.says_hub[y]):
        return f"By {last} {country} is a regional hub: the chance that all five conditions hold together is {chance}."
    binding = verdict.binding_name[y]
    likely, address = most_likely(page, last)
    return (
        f"It is not a regional hub by {last}: the chance that all five conditions hold together is {chance}, "
        f"{CONDITION_WORDS[binding]} stands most in the way, and what one should expect instead is "
        f"{instead(page, likely)} (chance {page.fig(address)})."
    )


def _lower(title: str) -> str:
    """A title inside a sentence; names that are all capitals stay."""
    text = title if title[:2].isupper() else title[:1].lower() + title[1:]
    return text if text.startswith(("whether", "year", "share")) else f"the {text}"


def _sure(page: Page) -> str:
    when = page.first
    assumed = page.at("count_cells_assumed", when)
    used = page.at("count_cells", when)
    lead = ""
    rows = page.drivers.rows[:2] if page.drivers is not None else ()
    names = list(dict.fromkeys(_lower(driver_title(page, row)) for row in rows))
    if names:
        lead = f"The answer hangs most on {listed([esc(name) for name in names])}; "
    drawn = page.at("count_futures", when)
    return (
        f"{lead}{'the' if lead else 'The'} ranges hold nine futures in ten of {drawn}, and rest on {used} uncertain "
        f"numbers, of which nobody measured {assumed} (marked as assumed, each with its own range)."
    )

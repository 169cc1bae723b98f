"""The report: whole, offline, traceable, the same bytes twice, and good for a study without a plant."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from karvan.base.errors import KarvanError, UnknownName
from karvan.futures.drivers import drivers
from karvan.futures.ensemble import Futures, simulate
from karvan.futures.figures import figure
from karvan.futures.history import run_history
from karvan.futures.names import country_name
from karvan.futures.starter import new_study
from karvan.reporting import report
from karvan.reporting.html import words
from karvan.reporting.page import Page
from karvan.reporting.sections.answer import answer
from karvan.reporting.sections.hub import hub as hub_section
from karvan.reporting.sections.scenarios import same_draws
from karvan.study.audit import audit
from karvan.study.evidence import contradictions
from karvan.study.load import Study, load

SECTIONS = [
    "answer",
    "facilities",
    "output",
    "partnerships",
    "jobs",
    "hub",
    "scenarios",
    "drivers",
    "confidence",
    "sources",
]
VOID = {"meta", "br", "path", "rect", "circle", "line", "link", "img", "hr"}


class Reader(HTMLParser):
    """Collects ids, links, addresses and the text of a page, and checks that tags close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.addresses: list[str] = []
        self.fetched: list[tuple[str, str]] = []
        self.tags: list[str] = []
        self.headings: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        if tag in ("td", "th", "li", "p", "br", "option"):
            self.words.append(" ")
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "a":
            self.links.append(found["href"])
        elif "href" in found:
            self.fetched.append((tag, found["href"]))
        self.fetched.extend((tag, found[name]) for name in ("src", "srcset", "data", "xlink:href") if name in found)
        if "data-figure" in found:
            self.addresses.append(found["data-figure"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def study() -> Study:
    return load("azerbaijan")


@pytest.fixture(scope="module")
def runs(study: Study) -> dict[str, Futures]:
    return {name: simulate(study, scenario=name, draws=40, workers=1) for name in ("baseline", "no_industry")}


@pytest.fixture(scope="module")
def backrun(study: Study) -> Futures:
    return run_history(study, draws=30)


@pytest.fixture(scope="module")
def text(runs: dict[str, Futures], backrun: Futures) -> str:
    return report.render(runs, backrun=backrun, drivers=drivers("output.2030", runs))


@pytest.fixture(scope="module")
def page(text: str) -> Reader:
    return read(text)


class TestStructure:
    def test_sections_in_the_order_a_minister_reads(self, page: Reader) -> None:
        assert [name for name in page.ids if name in SECTIONS] == SECTIONS
        assert len(page.headings) >= len(SECTIONS)

    def test_ids_are_unique_also_across_charts(self, page: Reader) -> None:
        assert len(page.ids) == len(set(page.ids))

    def test_every_inner_link_leads_somewhere(self, page: Reader) -> None:
        inner = {link[1:] for link in page.links if link.startswith("#")}
        assert len(inner) > 100
        assert inner - set(page.ids) == set()

    def test_charts_have_words_for_those_who_cannot_see(self, text: str) -> None:
        charts = re.findall(r'<figure class="chart">.*?</figure>', text, flags=re.DOTALL)
        assert len(charts) >= 10
        for chart in charts:
            assert re.search(r'<svg [^>]*role="img" aria-label="[^"]{15,}"', chart), chart[:300]
            assert "<figcaption><b>" in chart and 'class="source"' in chart and 'class="unit"' in chart

    def test_the_answer_is_five_sentences(self, text: str) -> None:
        answer = text.split('<section id="answer">')[1].split("</section>")[0]
        assert answer.count("<p>") == 5
        assert answer.count("data-figure") >= 12


class TestTraceable:
    def test_every_address_answers(self, page: Reader, study: Study, runs: dict[str, Futures]) -> None:
        unknown = []
        for address in dict.fromkeys(page.addresses):
            try:
                figure(address, study, runs)
            except KarvanError as error:
                unknown.append(f"{address}: {error}")
        assert len(set(page.addresses)) > 1000
        assert unknown == []

    def test_text_holds_no_number_without_address(self, text: str) -> None:
        """Outside spans with an address there are only years, dates, list numbers and words of the evidence."""
        body = text.split('<section id="facilities">')[0].split('<section id="answer">')[1]
        bare = re.sub(r'<span class="fig.*?</span>', "", body, flags=re.DOTALL)
        words = re.sub(r"<[^>]+>", " ", bare)
        numbers = [word for word in re.findall(r"\d[\d,.]*", words) if not re.fullmatch(r"(19|20)\d\d[.,]?", word)]
        assert numbers == ["1"], "the number of the section is the only one"

    def test_every_contradiction_of_the_check_is_told(self, page: Reader, study: Study) -> None:
        found = audit(study).contradictions
        count = len(contradictions(study))
        assert f"{count} things are told in more than one way" in page.text
        assert page.text.count("truck is 5,583 in January to October 2019 and 3,261 in 2019") == len(found) - count == 1

    def test_a_year_in_a_claim_is_no_count(self, page: Reader) -> None:
        assert "planned opening 2024 2025 printed" in page.text

    def test_plants_go_by_their_names(self, page: Reader) -> None:
        assert "takes over the cars of Azermash CP assembly line" in page.text
        assert "at equal price (Khazar automobile plant)" in page.text
        assert "(neftchala_khazar)" not in page.text and "(unannounced_1)" not in page.text
        assert "Certification, Kazakhstan to Russia" in page.text

    def test_a_number_on_record_leads_to_its_claim(self, text: str) -> None:
        assert re.search(r'data-figure="output\.2024"[^>]*><a href="#claim-out-2024-12m-car-country-1">5,998</a>', text)
        assert 'id="claim-out-2024-12m-car-country-1"' in text

    def test_assumed_is_said(self, page: Reader) -> None:
        assert page.text.count("assumed") > 300


class TestOffline:
    def test_nothing_is_fetched(self, page: Reader, text: str) -> None:
        assert page.fetched == []
        assert "script" not in page.tags and "link" not in page.tags and "iframe" not in page.tags
        assert "@import" not in text
        assert re.findall(r"url\((?!#)", text) == []

    def test_the_policy_forbids_it_too(self, text: str) -> None:
        policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
        assert policy is not None
        assert policy[1].startswith("default-src 'none'")
        assert "http" not in policy[1] and "unsafe-eval" not in policy[1] and "script" not in policy[1]

    def test_other_hosts_appear_only_as_sources_to_read(self, page: Reader, text: str) -> None:
        outward = [link for link in page.links if not link.startswith("#")]
        assert outward and all(link.startswith(("http://", "https://")) for link in outward)
        bare = re.sub(r'<a class="out" [^>]*>.*?</a>|xmlns(:\w+)?="[^"]*"', "", text)
        assert set(re.findall(r'(?:href|src)="https?://[^"]*"', bare)) == set()


class TestHeadlineFacts:
    """What any account of the industry must say, as text in the page."""

    @pytest.mark.parametrize(
        "numbers",
        [
            ("2,360", "969", "424"),
            ("1,861", "141"),
            ("5,998", "697", "3,280", "1,153"),
            ("1,339", "682", "3,139", "563"),
            ("1,928", "59 million", "1,165", "16.6 million", "518 million"),
            ("2,000", "3,500", "5,300", "7,000"),
            ("104,385", "5,746", "53,729", "73,678", "62,488"),
            ("0.40", "0.70", "1.20", "18", "0.30"),
        ],
    )
    def test_numbers_stand_in_the_text(self, page: Reader, numbers: tuple[str, ...]) -> None:
        for number in numbers:
            assert re.search(rf"(?<![\d,.]){re.escape(number)}(?![\d])", page.text), number

    def test_months_without_a_car(self, page: Reader) -> None:
        assert "No car was made in April 2020 (0) and May 2020 (0)." in page.text

    def test_the_plan_was_missed(self, page: Reader) -> None:
        assert re.search(r"Missed in [^.]*2020, 2021, 2022 and 2023\.", page.text)

    def test_who_overtook_whom(self, page: Reader) -> None:
        assert "Hajigabul overtook Neftchala in 2022: 1,339 cars against 682." in page.text

    def test_end_of_relief_and_park_privileges(self, page: Reader) -> None:
        assert "end of VAT exemption for EV and hybrid import and sale" in page.text
        assert "corporate income tax holiday" in page.text
        assert "exemption for imported raw materials (kits)" in page.text


def test_component_groups_by_the_volume_that_pays(runs: dict[str, Futures], text: str) -> None:
    """Every group once, those that pay soonest first, and the sentence above says how many pay at once."""
    part = text[text.index("Which parts could be made at home") :]
    part = part[: part.index("</table>")]
    order = re.findall(r'data-figure="local_sets\.(\w+)\.2030"', part)
    assert sorted(order) == sorted(runs["baseline"].layout.components)
    volumes = [figure(f"local_sets_parity.{name}.2030", runs["baseline"].study, runs).value for name in order]
    assert volumes == sorted(volumes)
    assert f"{words(volumes.count(0.0)).capitalize()} of 13 component groups cost no more at home" in part


class TestSameBytes:
    def test_twice(self, runs: dict[str, Futures], backrun: Futures, text: str) -> None:
        again = report.render(runs, backrun=backrun, drivers=drivers("output.2030", runs))
        assert again == text

    def test_written_whole(self, runs: dict[str, Futures], tmp_path: Path) -> None:
        path = report.write(runs, tmp_path / "report.html")
        assert path.read_text(encoding="utf-8") == report.render(runs)
        assert [item.name for item in tmp_path.iterdir()] == ["report.html"]

    def test_a_failure_leaves_nothing_behind(self, runs: dict[str, Futures], tmp_path: Path) -> None:
        with pytest.raises(UnknownName, match=r"no futures of scenario 'basline'.*baseline"):
            report.write(runs, tmp_path / "report.html", main="basline")
        assert list(tmp_path.iterdir()) == []


class TestOtherScenario:
    def test_addresses_name_the_scenario_that_leads(self, study: Study, runs: dict[str, Futures]) -> None:
        text = report.render(runs, main="no_industry")
        assert 'data-figure="output.2030@no_industry"' in text
        assert 'data-figure="output.2024"' in text, "what is on record belongs to no scenario"
        for address in dict.fromkeys(read(text).addresses):
            figure(address, study, runs)


class TestSummary:
    def test_five_or_six_lines_with_ranges(self, runs: dict[str, Futures]) -> None:
        lines = report.summary(runs)
        assert 5 <= len(lines) <= 6
        made = figure("output.2030", runs["baseline"].study, runs)
        assert made.text() in lines[1]
        assert all("<" not in line for line in lines)


def test_no_country_is_written_into_the_code(study: Study) -> None:
    names = {"Azerbaijan", study.settings.currency, *study.table("plants")["city"].drop_nulls().to_list()}
    for path in sorted(Path(report.__file__).parent.rglob("*.py")):
        found = [name for name in names if name in path.read_text(encoding="utf-8")]
        assert found == [], path.name


class TestStarter:
    """A starter study: next to nothing on record, and perhaps not a single plant."""

    @pytest.mark.parametrize(
        ("country", "said"),
        [
            ("GEO", "The study knows no car plant in Georgia."),
            ("SVK", "The study has all car makers of Slovakia together as one plant"),
        ],
    )
    def test_report(self, country: str, said: str, tmp_path: Path) -> None:
        study = load(new_study(country, tmp_path / "starter"))
        runs = {name: simulate(study, scenario=name, draws=20, workers=1) for name in ("baseline", "no_industry")}
        text = report.render(runs, drivers=drivers("output.2030", runs))
        page = read(text)
        assert said in page.text
        assert "announced become" not in page.text, "nobody announced the capacity of an aggregate"
        # The tables are another country's: to say that this one publishes none would be false of many.
        assert f"has no input-output table of {country_name(country)}. It takes those of the built-in" in page.text
        assert "is published in a form that machines read" not in page.text
        told = f"karvan drivers {study.name} --figure output.2030" in text
        assert told == ("goes furthest with" in page.text)  # where something stands out, what to find out is named too
        assert [name for name in page.ids if name in SECTIONS] == SECTIONS
        for address in dict.fromkeys(page.addresses):
            figure(address, study, runs)
        assert {link[1:] for link in page.links if link.startswith("#")} - set(page.ids) == set()
        assert "nan" not in re.findall(r"[a-z]+", page.text)
        assert (
            "– against" not in page.text and "Newcomer Unannounced" not in page.text and " Makers from" not in page.text
        )


def test_an_exporter_is_no_outsider_and_its_other_markets_are_told(tmp_path: Path) -> None:
    """Morocco sold half its cars in markets that a starter study leaves out, and has long come in."""
    runs = {"baseline": simulate(load(new_study("MAR", tmp_path / "mar")), draws=20, workers=1)}
    page = Page(runs["baseline"].study, runs, "baseline")
    assert "but only" not in answer(page), "next to no used cars come in: both shares are alike"
    first = read(answer(page)).text
    assert "more than a third went to markets that this study does not have" in first
    assert any("more than a third in the base years" in line for line in report.summary(runs))
    said = read(hub_section(page)).text
    assert re.search(r"Morocco is no outsider: it was an exporter in volume in 20\d\d, the last year known", said)
    assert (
        "more than a third of its cars, by the estimated flows, went to markets that this study does not have" in said
    )


def test_net_is_left_out_without_its_counterfactual(study: Study, runs: dict[str, Futures]) -> None:
    alone = {"baseline": runs["baseline"]}
    text = report.render(alone)
    for address in dict.fromkeys(read(text).addresses):
        figure(address, study, alone)
    assert "before asking what people would do otherwise" in text


def test_scenarios_of_fewer_futures_are_not_said_to_differ_by_policy_alone(
    study: Study, runs: dict[str, Futures]
) -> None:
    fewer = simulate(study, scenario="hub", draws=20, workers=1)
    said = read(same_draws(Page(study, {**runs, "hub": fewer}, "baseline"), ["baseline", "hub"])).text
    assert "only the first 20, so beside the 40 of “What is decided” a small difference says nothing" in said
    assert "not of luck" in same_draws(Page(study, runs, "baseline"), ["baseline", "no_industry"])


def test_figures_that_do_not_exist_show_a_dash(runs: dict[str, Futures]) -> None:
    page = Page(runs["baseline"].study, runs, "baseline")
    assert "data-figure" not in page.fig("output.1971")
    assert page.fig("output.1971") == '<span class="none">–</span>'


def test_the_hub_section_says_where_cars_go_and_what_decides(text: str, runs: dict[str, Futures]) -> None:
    """Every scenario with its destinations, and the rung that decides with what it would have to be."""
    hub = text[text.index('id="hub"') : text.index('id="scenarios"')]
    assert "Where the cars go, scenario by scenario" in hub and "Which rule, fee or cost decides" in hub
    year = runs["baseline"].years[-1]
    for name in runs:
        if name != "no_industry":
            suffix = "" if name == "baseline" else f"@{name}"
            assert f'data-figure="exports.{year}{suffix}"' in hub
    assert "price_step.fee." in hub and "price_parity." in hub
    assert "What each lever would have to be" not in hub  # only where it was asked for


def test_levers_are_tried_where_asked(runs: dict[str, Futures]) -> None:
    page = report.render(runs, needs=True)
    hub = page[page.index("What each lever would have to be") :]
    assert 'data-figure="hub_need.reach.export_share.' in hub and 'data-figure="hub_need_end.fee.output.' in hub

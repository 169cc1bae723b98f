"""Small pieces of HTML and the words of numbers."""

import pytest

from karvan.futures.names import readable
from karvan.reporting import html
from karvan.reporting.page import interval, period, plain
from karvan.study.evidence import Claim


def claim(**given: str) -> Claim:
    fields = dict.fromkeys(Claim.__dataclass_fields__, "")
    return Claim(**{**fields, **given})


class TestNumbers:
    @pytest.mark.parametrize(
        ("value", "decimals", "unit", "text"),
        [
            (2360.0, 0, "cars per year", "2,360"),
            (-7.71, 1, "million AZN", "\N{MINUS SIGN}7.7"),
            (0.118, 3, "share of 1", "11.8 %"),
            (-0.4, 0, "persons", "0"),
        ],
    )
    def test_plain(self, value: float, decimals: int, unit: str, text: str) -> None:
        assert plain(value, decimals, unit) == text

    def test_ranges(self) -> None:
        assert interval(159.0, 9908.0, 0, "cars") == "159–9,908"
        assert interval(-6.7, 11.2, 1, "million AZN") == "\N{MINUS SIGN}6.7 to 11.2"
        assert interval(0.02, 0.995, 3, "share of 1") == "2.0–99.5 %"


class TestWords:
    def test_counts(self) -> None:
        assert [html.words(n, "plant") for n in (0, 1, 2, 12, 13)] == [
            "no plants",
            "one plant",
            "two plants",
            "twelve plants",
            "13 plants",
        ]

    def test_lists(self) -> None:
        assert [html.listed(list(items)) for items in ("", "a", "ab", "abc")] == ["", "a", "a and b", "a, b and c"]

    def test_ids(self) -> None:
        assert readable("hyundai_kia") == "Hyundai Kia"

    @pytest.mark.parametrize(
        ("start", "end", "text"),
        [
            ("2025-01-01", "2025-10-31", "January to October 2025"),
            ("2024-01-01", "2024-12-31", "2024"),
            ("2020-04-01", "2020-04-30", "April 2020"),
            ("2018-01-01", "2025-06-30", "January 2018 to June 2025"),
        ],
    )
    def test_periods(self, start: str, end: str, text: str) -> None:
        assert period(claim(period_start=start, period_end=end)) == text

    def test_a_claim_without_period_says_when_it_was_said(self) -> None:
        assert period(claim(source_date="2019-03")) == "said 2019-03"


class TestTable:
    def test_cells_and_columns(self) -> None:
        text = html.table(["Year", "Made", "Why"], [["2024", "5,998", "said so"]], text=(2,))
        assert '<th scope="row">2024</th><td class="n">5,998</td><td>said so</td>' in text
        assert '<th scope="col">Year</th><th scope="col" class="n">Made</th><th scope="col">Why</th>' in text

    def test_nothing_without_rows(self) -> None:
        assert html.table(["Year"], []) == ""

    def test_text_is_escaped(self) -> None:
        assert html.esc('<b> & "x"') == "&lt;b&gt; &amp; &quot;x&quot;"
        assert html.link("javascript:alert(1)", "<x>") == "&lt;x&gt;"
        assert html.link("https://a.example/?q=\"'<>").count("<") == 2

"""Which row of the frictions table holds for a plant's country, a market, a product and a year."""

from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from karvan.base.errors import UnknownName
from karvan.futures.frictions import KINDS, Frictions, market_cell
from karvan.futures.inputs import Prepared
from karvan.study.load import Study


def row(kind: str, origin: str, market: str, product: str, value: float, **more: Any) -> dict[str, Any]:
    """One row of frictions.csv."""
    return {
        "friction": kind,
        "origin": origin,
        "market": market,
        "product": product,
        "year_from": 2000,
        "year_to": None,
        "low": None,
        "mid": value,
        "high": None,
        "unit": "USD per car",
        "distribution": None,
        "source": "assumed",
        "note": "",
        "_file": "frictions.csv",
        "_line": 2,
    } | more


def table(study: Study, rows: list[dict[str, Any]]) -> Frictions:
    """The frictions of a study that has these rows and no others."""
    schema = study.table("frictions").schema
    frame = pl.DataFrame(
        [{name: one.get(name) for name in schema} for one in rows],
        schema={name: pl.Utf8 if kind == pl.Null else kind for name, kind in schema.items()},
    )
    return Frictions(replace(study, tables={**study.tables, "frictions": frame}))


def value(
    found: Frictions, kind: str, origin: str, market: str, product: str = "car", year: int = 2026
) -> float | None:
    """The middle of the cell that holds; None for nothing."""
    cell = found.cell(kind, origin, market, product, year)
    return None if cell is None else cell.mid


class TestMostParticularRowWins:
    """A row that names origin, market and product beats one that names fewer."""

    @pytest.fixture
    def found(self, azerbaijan: Study) -> Frictions:
        rows = [
            row("fee", "*", "*", "*", 1.0),
            row("fee", "*", "RUS", "*", 2.0),
            row("fee", "AZE", "RUS", "*", 3.0),
            row("fee", "AZE", "RUS", "car", 4.0),
        ]
        return table(azerbaijan, rows[::-1])

    def test_each_rank(self, found: Frictions) -> None:
        assert value(found, "fee", "CHN", "KAZ") == 1.0
        assert value(found, "fee", "CHN", "RUS") == 2.0
        assert value(found, "fee", "AZE", "RUS", "truck") == 3.0
        assert value(found, "fee", "AZE", "RUS", "car") == 4.0

    def test_later_start_wins_among_equals(self, azerbaijan: Study) -> None:
        found = table(azerbaijan, [row("fee", "*", "RUS", "*", 7.0, year_from=2024), row("fee", "*", "RUS", "*", 5.0)])
        assert value(found, "fee", "AZE", "RUS", year=2023) == 5.0
        assert value(found, "fee", "AZE", "RUS", year=2024) == 7.0


class TestYears:
    """A row holds from its first to its last year, both included; an empty last year has no end."""

    @pytest.fixture
    def found(self, azerbaijan: Study) -> Frictions:
        return table(azerbaijan, [row("fee", "*", "RUS", "*", 5.0, year_from=2020, year_to=2022)])

    @pytest.mark.parametrize(("year", "expected"), [(2019, None), (2020, 5.0), (2022, 5.0), (2023, None)])
    def test_span(self, found: Frictions, year: int, expected: float | None) -> None:
        assert value(found, "fee", "AZE", "RUS", year=year) == expected

    def test_epochs_change_where_a_row_begins_or_has_ended(self, found: Frictions) -> None:
        numbers = [found.epoch("fee", year) for year in range(2018, 2026)]
        assert numbers == [0, 0, 1, 1, 1, 2, 2, 2]

    def test_a_kind_without_rows_has_one_epoch(self, found: Frictions) -> None:
        assert {found.epoch("excise", year) for year in (1900, 2020, 2100)} == {0}

    def test_within_an_epoch_the_answer_is_the_same(self, azerbaijan: Study) -> None:
        """The built-in table, every kind: what is remembered for an epoch holds in each of its years."""
        fresh, used = Frictions(azerbaijan), Frictions(azerbaijan)
        for kind in KINDS:
            for year in range(2015, 2041, 3):
                cell = used.cell(kind, "AZE", "RUS", "car_combustion", year)
                assert cell == fresh._find(kind, "AZE", "RUS", "car_combustion", year)


class TestNothingFits:
    """Where no row speaks, there is nothing to pay; what is levied at a border is not levied at home."""

    def test_no_row(self, azerbaijan: Study) -> None:
        found = table(azerbaijan, [row("fee", "*", "RUS", "*", 5.0)])
        assert value(found, "fee", "AZE", "KAZ") is None
        assert value(found, "excise", "AZE", "RUS") is None

    @pytest.mark.parametrize("kind", ["duty_rate", "duty_per_cc", "freight", "barrier", "certification"])
    def test_general_rows_of_the_border_do_not_reach_home_cars(self, azerbaijan: Study, kind: str) -> None:
        general, own = row(kind, "*", "RUS", "*", 0.2), row(kind, "RUS", "RUS", "*", 0.1)
        assert value(table(azerbaijan, [general]), kind, "RUS", "RUS") is None
        assert value(table(azerbaijan, [general, own]), kind, "RUS", "RUS") == 0.1
        assert value(table(azerbaijan, [general, own]), kind, "CHN", "RUS") == 0.2

    @pytest.mark.parametrize("kind", ["fee", "excise"])
    def test_fees_and_excises_do(self, azerbaijan: Study, kind: str) -> None:
        assert value(table(azerbaijan, [row(kind, "*", "RUS", "*", 9.0)]), kind, "RUS", "RUS") == 9.0


class TestMarkets:
    """A market's attribute: its own row, else the row for ``*``, else what it falls back on."""

    def test_own_row_first(self, azerbaijan: Study) -> None:
        found = market_cell(azerbaijan, "vat_rate", "AZE")
        rows = azerbaijan.table("markets").filter((pl.col("market") == "AZE") & (pl.col("attribute") == "vat_rate"))
        assert found is not None
        assert found.mid == rows["mid"].to_list()[0]

    def test_general_row(self, azerbaijan: Study) -> None:
        found = market_cell(azerbaijan, "margin_rate", "XXX")
        rows = azerbaijan.table("markets").filter((pl.col("market") == "*") & (pl.col("attribute") == "margin_rate"))
        assert (found is None) == rows.is_empty()

    def test_fallback(self, azerbaijan: Study) -> None:
        other = azerbaijan.parameter("theta")
        assert market_cell(azerbaijan, "no_such_attribute", "AZE", other) is other
        assert market_cell(azerbaijan, "no_such_attribute", "AZE") is None

    def test_missing_attribute_is_refused_by_name(self, prepared: Prepared) -> None:
        with pytest.raises(UnknownName, match=r"markets\.csv gives no no_such_attribute for AZE"):
            prepared.market("no_such_attribute", "AZE")


def test_every_pair_of_the_built_in_study_has_a_freight(prepared: Prepared) -> None:
    """No car of the study travels for nothing because a row is missing."""
    layout = prepared.layout
    for origin in sorted(set(layout.country)):
        for market in layout.markets:
            for product in layout.products:
                assert prepared.friction("freight", origin, market, product, 2026) is not None, (origin, market)

"""The table of assembly kinds: complete, ordered, and equal to the arithmetic of the plants it names."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karvan.base.errors import InputError, UnknownName
from karvan.partnerships import ASSEMBLY_KINDS, Range, assembly_kind, kind_for_volume


class TestPlantsNamed:
    """Announced money and people over yearly capacity of the plants named as sources."""

    @pytest.mark.parametrize(
        ("kind", "figure", "where", "money", "cars"),
        [
            ("skd", "investment", "mid", 15e6, 10_000),  # Khazar, Neftchala
            ("skd", "investment", "high", 20e6, 5_000),  # Volkswagen Kigali
            ("skd", "investment", "low", 20e6, 20_000),  # an equipment vendor
            ("ckd", "investment", "low", 30e6, 25_000),  # Proton Karachi
            ("ckd", "investment", "mid", 100e6, 30_000),  # Changan Karachi
            ("ckd", "investment", "high", 310e6, 70_000),  # Kia Kostanay
            ("full", "investment", "low", 400e6, 170_000),  # Renault Tangier, second line
            ("full", "investment", "mid", 500e6, 150_000),  # Hyundai St Petersburg
            ("full", "investment", "high", 1_200e6, 300_000),  # Kia Georgia
            ("skd", "people", "low", 200e3, 10_000),  # Khazar, lower figure
            ("skd", "people", "mid", 300e3, 10_000),  # Khazar
            ("ckd", "people", "low", 1_500e3, 70_000),  # Kia Kostanay
            ("ckd", "people", "mid", 2_000e3, 50_000),  # Kia Batna
            ("ckd", "people", "high", 2_000e3, 25_000),  # Proton Karachi
            ("full", "people", "low", 1_400e3, 170_000),  # Renault Tangier, second line
            ("full", "people", "mid", 2_900e3, 300_000),  # Kia Zilina
            ("full", "people", "high", 10_000e3, 150_000),  # BYD Rayong, parts too
        ],
    )
    def test_ratio(self, kind: str, figure: str, where: str, money: float, cars: float) -> None:
        known = getattr(getattr(assembly_kind(kind), figure), where)
        assert known == pytest.approx(money / cars, abs=0.51 if figure == "investment" else 0.05)


class TestTable:
    def test_deeper_kinds_do_more(self) -> None:
        for shallow, deep in pairwise(ASSEMBLY_KINDS):
            assert set(shallow.shops) < set(deep.shops)
            assert shallow.volume_high < deep.volume_high

    def test_every_figure_says_where_it_comes_from(self) -> None:
        for kind in ASSEMBLY_KINDS:
            for figure in (kind.investment, kind.people, kind.hours):
                assert figure.source
                assert figure.low > 0

    @given(st.floats(0, 1e7))
    def test_every_volume_has_a_kind(self, volume: float) -> None:
        assert volume < kind_for_volume(volume).volume_high

    def test_unknown_kind(self) -> None:
        with pytest.raises(UnknownName, match="did you mean 'skd'"):
            assembly_kind("skdd")

    def test_range_in_order(self) -> None:
        with pytest.raises(InputError, match="expected low <= mid <= high"):
            Range(2.0, 1.0, 3.0, "assumed", "nowhere")

    def test_volume(self) -> None:
        with pytest.raises(InputError, match="volume: found -1"):
            kind_for_volume(-1.0)

"""Ten facts that any account of Azerbaijan's car industry must reproduce, one test each, through the evidence."""

import pytest

from karvan.study.evidence import YearValue, claim, claims, month_value, year_value
from karvan.study.load import Study

CAR = "passenger_car"


def made(study: Study, year: int, subject: str = "country", kind: str = CAR) -> YearValue:
    """Vehicles made in a year; there is a value."""
    found = year_value(study, subject, "output", kind, year)
    assert found is not None
    return found


def number(study: Study, name: str) -> float:
    """The number of a claim; there is one."""
    found = claim(study, name)
    assert found is not None and found.number is not None, name
    return found.number


def test_fact_1_output_of_2019_2018_and_2013(azerbaijan: Study) -> None:
    """2019 output about 2.36 thousand cars; 2018: 969; 2013: 424."""
    assert {year: made(azerbaijan, year).value for year in (2019, 2018, 2013)} == {2019: 2360, 2018: 969, 2013: 424}
    assert {made(azerbaijan, year).error for year in (2019, 2018, 2013)} == {0.03}  # official figures


def test_fact_2_peak_of_2014_and_collapse(azerbaijan: Study) -> None:
    """2014 peak of the Lifan period: 1,861 cars; collapse to 141 in January-September 2016."""
    assert made(azerbaijan, 2014).value == 1861
    (nine,) = {item.number for item in claims(azerbaijan, subject="country", attribute="output", kind=CAR)
               if (item.period_start, item.period_end) == ("2016-01-01", "2016-09-30")}  # fmt: skip
    assert nine == 141
    year = made(azerbaijan, 2016)
    assert 141 <= year.low < year.value < year.high < 424  # a range: no figure for the year was found


def test_fact_3_no_cars_in_april_and_may_2020(azerbaijan: Study) -> None:
    """No cars built in April and May 2020."""
    for month in (4, 5):
        value = month_value(azerbaijan, "country", "output", CAR, 2020, month)
        assert value is not None and value.value == 0
    march = month_value(azerbaijan, "country", "output", CAR, 2020, 3)
    assert march is None or march.value > 0


def test_fact_4_2024_and_ten_months_of_2025(azerbaijan: Study) -> None:
    """2024: 5,998 cars and 697 trucks; January-October 2025: 3,280 cars, 1,153 fewer than a year before."""
    assert made(azerbaijan, 2024).value == 5998
    assert made(azerbaijan, 2024, kind="truck").value == 697
    now, before = (number(azerbaijan, f"out-{year}-10m-car-country-1") for year in (2025, 2024))
    assert now == 3280
    assert before - now == 1153


def test_fact_5_hajigabul_overtook_neftchala(azerbaijan: Study) -> None:
    """Hajigabul overtook Neftchala: 1,339 against 682 in 2022; 3,139 against 563 in 2023."""
    found = {
        year: (made(azerbaijan, year, "hajigabul_park").value, made(azerbaijan, year, "neftchala_khazar").value)
        for year in (2022, 2023)
    }
    assert found == {2022: (1339, 682), 2023: (3139, 563)}


def test_fact_6_first_half_of_2025(azerbaijan: Study) -> None:
    """First half of 2025: 1,928 vehicles worth 59 million AZN at Hajigabul; 1,165 worth 16.6 million at Neftchala;
    518 million AZN since 2018."""
    for place, units, money in (("hajigabul_park", 1928, 59.0e6), ("neftchala_khazar", 1165, 16.6e6)):
        assert number(azerbaijan, f"out-2025-06m-car-{place}-1") == units
        assert number(azerbaijan, f"out-2025-06m-value-car-{place}-1") == money
    assert {item.number for item in claims(azerbaijan, attribute="output_value_cumulative")} == {518e6}


def test_fact_7_the_plan_of_2019_was_missed(azerbaijan: Study) -> None:
    """2019 plan: 2,000 cars in 2020, 3,500 in 2021, 5,300 in 2022, 7,000 in 2023. It was missed from 2020 on."""
    for year, target in ((2020, 2000), (2021, 3500), (2022, 5300), (2023, 7000)):
        plan = year_value(azerbaijan, "country", "target_output", CAR, year)
        assert plan is not None and plan.value == target
        assert made(azerbaijan, year).high < target


def test_fact_8_imports(azerbaijan: Study) -> None:
    """Imports: 104,385 vehicles in 2013, 5,746 in 2016, 53,729 in 2020; 73,678 hybrids in 2025, 62,488 of them from
    China."""
    for kind, year, units in (
        ("all_vehicles", 2013, 104385),
        ("all_vehicles", 2016, 5746),
        ("all_vehicles", 2020, 53729),
        ("hybrid_car", 2025, 73678),
    ):
        value = year_value(azerbaijan, "country", "imports", kind, year)
        assert value is not None and value.value == units
    chinese = claims(azerbaijan, subject="country", attribute="imports", kind="hybrid_car", partner="CHN")
    assert 62488 in {item.number for item in chinese if item.period_start == "2025-01-01"}


def test_fact_9_duty_vat_and_excise(azerbaijan: Study) -> None:
    """Duty 0.40/0.70 USD per cc (new/used up to 1,500 cc) and 0.70/1.20 above; VAT 18 percent; excise from 0.30 AZN
    per cc (2019); EV and hybrid VAT relief ended 1 January 2026."""
    duty = ("duty_new_le1500", "duty_used_le1500", "duty_2018_new_gt1500", "duty_2018_used_gt1500")
    assert [number(azerbaijan, f"pol-{name}") for name in duty] == [0.4, 0.7, 0.7, 1.2]
    assert number(azerbaijan, "pol-vat_2025") == 18
    assert number(azerbaijan, "pol-ex2019_le2000_rate") == 0.3
    end = claim(azerbaijan, "pol-vat_ev_hybrid_end")
    assert end is not None and (end.number, end.period_start) == (18, "2026-01-01")


def test_fact_10_park_privileges(azerbaijan: Study) -> None:
    """Park residents: ten years free of profit, property and land tax and of VAT and duty on equipment, but no relief
    on imported raw materials."""
    for name in ("cit", "property", "land", "vat", "duty"):
        assert number(azerbaijan, f"pol-park_{name}") == 10
    assert number(azerbaijan, "pol-park_raw") == 0


@pytest.mark.parametrize("year", [2013, 2014, 2018, 2019, 2020, 2021, 2022, 2024])
def test_every_year_on_record_says_where_it_comes_from(azerbaijan: Study, year: int) -> None:
    value = made(azerbaijan, year)
    assert value.used and all(item.source.startswith("http") and item.known_on for item in value.used)
    assert value.rule

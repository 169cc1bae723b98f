"""``karvan demand``: any country of the world tables; cars are neither lost nor found."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from karvan.base.errors import InputError, UnknownName
from karvan.cli import main
from karvan.futures.ensemble import simulate
from karvan.futures.outlook import Outlook, outlook
from karvan.futures.outlook_world import HELD_OUT, Fit, _Drawn, _mended, _model_error, _sales_level
from karvan.study.load import load
from karvan.study.world import world_table

DRAWS = 60


@pytest.fixture(scope="module")
def found() -> dict[str, Outlook]:
    """Countries of very different records."""
    return {row.country: row for row in outlook(["AZE", "GEO", "KAZ", "MAR", "DEU", "TKM"], until=2035, draws=DRAWS)}


def test_a_country_may_be_named() -> None:
    said = [
        CliRunner().invoke(main, ["demand", name, "--until", "2026", "--draws", "20"]).output
        for name in ("TUR", "tur", "Turkey", "türkiye")
    ]
    assert said[0].startswith("Türkiye (TUR)")
    assert len(set(said)) == 1


def test_paths_are_whole(found: dict[str, Outlook]) -> None:
    for row in found.values():
        assert row.years == tuple(range(2025, 2036))
        for name in ("owned", "stock", "new", "used", "bought"):
            path = getattr(row, name)
            assert path.shape == (DRAWS, len(row.years))
            assert np.all(np.isfinite(path)) and np.all(path >= 0), (row.country, name)


def test_new_and_used_are_what_is_bought_unless_cars_leave(found: dict[str, Outlook]) -> None:
    for row in found.values():
        assert np.allclose(np.maximum(row.bought - row.new, 0.0), row.used)


def test_cars_bought_cover_growth(found: dict[str, Outlook]) -> None:
    """What is bought is at least what the stock grows by: the rest replaces what dies."""
    for row in found.values():
        growth = np.diff(row.stock, axis=1)
        assert np.all(row.bought[:, 1:] >= growth * (1 - 1e-9) - 1e-6), row.country


def test_new_cars_start_at_the_record(found: dict[str, Outlook]) -> None:
    for code in ("GEO", "KAZ"):
        rows = world_table("sales").filter(country=code).drop_nulls("passenger_cars").sort("year")
        record = float(rows["passenger_cars"].tail(3).to_numpy().mean())
        assert np.median(found[code].new[:, :3]) == pytest.approx(record, rel=0.35)


def test_the_fit_is_told(found: dict[str, Outlook]) -> None:
    """Georgia's record follows the curve; Kazakhstan's not, its early years are left out; Turkmenistan has one year."""
    georgia, kazakhstan, one = (found[code].fit for code in ("GEO", "KAZ", "TKM"))
    assert georgia and kazakhstan and one
    assert georgia.r_squared > 0.98 and georgia.miss < 0.03 and abs(georgia.held_out) < 0.1
    assert kazakhstan.whole > 0.1 > kazakhstan.miss and kazakhstan.first > 2005
    assert any("years before 2010 follow another curve" in note for note in found["KAZ"].notes)
    assert kazakhstan.spread > 2 * georgia.spread
    assert one.years == 1 and np.isnan(one.miss)


def test_model_error_is_that_of_the_held_out_years() -> None:
    """After five years the error has the spread of such fits, by how well the curve meets the record."""
    good, bad, none = (Fit("passenger cars", 12, 2008, 2019, miss, 0.9, False, 0.0) for miss in (0.01, 0.15, np.nan))
    assert good.spread == pytest.approx(0.068) and bad.spread == pytest.approx(0.68 * 0.15**0.5) and none.spread == 0.11
    spread = _model_error(15, good.spread, _Drawn("AZE", 4000, 1)).std(axis=0)
    assert spread[HELD_OUT - 1] == pytest.approx(good.spread, rel=0.05)
    assert np.all(np.diff(spread) > 0)


def test_a_step_of_the_record_is_told_and_mended() -> None:
    """Germany left cars out of use for a while out of its count from 2008 on: 11 % in a year between quiet ones."""
    notes: list[str] = []
    record = {2004: 540.0, 2005: 545.0, 2006: 550.0, 2007: 490.0, 2008: 495.0, 2009: 500.0}
    mended = _mended(record, notes)
    assert mended[2009] == pytest.approx(500.0)
    assert mended[2004] == pytest.approx(540.0 * 490.0 / 550.0, rel=0.02)
    assert len(notes) == 1 and "in 2007" in notes[0]
    assert _mended({2005: 10.0}, []) == pytest.approx({2005: 10.0})


def test_an_old_record_of_sales_is_wide() -> None:
    notes: list[str] = []
    drawn = _Drawn("AZE", 2000, 1)
    old = _sales_level({2017: 1700.0, 2018: 3200.0, 2019: 6046.0}, 2024, drawn, notes)
    new = _sales_level({2022: 1700.0, 2023: 3200.0, 2024: 6046.0}, 2024, drawn, notes)
    assert np.log(old).std() > 1.5 * np.log(new).std()
    assert len(notes) == 1 and "2019 (6,046)" in notes[0]
    assert np.isnan(_sales_level({2001: 5.0}, 2024, drawn, notes)).all()


def test_kinds_add_up(found: dict[str, Outlook]) -> None:
    """Segments and drives share out the new cars; commercial vehicles stand apart."""
    for row in found.values():
        kinds = row.kinds
        assert np.allclose(kinds["small"] + kinds["medium"] + kinds["suv"], row.new)
        assert np.allclose(kinds["suv_electrified"] + kinds["suv_combustion"], kinds["suv"])
        both = kinds["small_electrified"] + kinds["medium_electrified"] + kinds["suv_electrified"]
        assert np.allclose(both, kinds["electrified"])
        part = np.median(kinds["electrified"] / row.new, axis=0)
        assert np.all(np.diff(part) > 0) and 0.05 < part[0] < 0.2 < part[-1]
        for kind in ("light_commercial", "bus", "truck"):
            assert np.all(kinds[kind] > 0) and kinds[kind].shape == row.new.shape


def test_cars_that_leave_do_not_grow_with_what_is_needed() -> None:
    """Lebanon sells more new cars than its fleet needs: the flow beyond stays what it was."""
    row = outlook(["LBN"], until=2040, draws=DRAWS)[0]
    beyond = np.maximum(row.new - row.bought, 0.0)
    assert beyond.max() > 0
    assert np.allclose(beyond, beyond[:, :1])


def test_a_ratio_alone_is_enough() -> None:
    """Armenia's record is one ratio of 2007 (World Bank): an answer, and what it is worth."""
    row = outlook(["ARM"], until=2030, draws=DRAWS)[0]
    assert row.fit is not None and row.fit.years == 1 and row.fit.measure == "all vehicles"
    assert any("last on record in 2007" in note for note in row.notes)
    assert 60 < row.at("owned", 2025).low < row.at("owned", 2025).high < 500


def test_commercial_vehicles_start_at_the_record(found: dict[str, Outlook]) -> None:
    for code in ("DEU", "KAZ", "MAR"):
        rows = world_table("sales").filter(country=code).drop_nulls("commercial_vehicles").sort("year")
        record = float(rows["commercial_vehicles"].tail(3).to_numpy().mean())
        total = sum(found[code].kinds[kind][:, 0] for kind in ("light_commercial", "bus", "truck"))
        assert np.median(total) == pytest.approx(record, rel=0.35), code


def test_longer_horizons_and_more_draws_move_nothing() -> None:
    short = outlook(["GEO"], until=2030, draws=20)[0]
    long = outlook(["GEO"], until=2040, draws=DRAWS)[0]
    assert np.allclose(long.owned[:20, : len(short.years)], short.owned)


def test_a_study_answers_for_its_markets() -> None:
    study = load("azerbaijan")
    row = outlook(["AZE"], until=2028, study=study, draws=20)[0]
    run = simulate(study, until=2028, draws=20, workers=1)
    assert row.fit is None and row.years == run.years
    assert np.array_equal(row.stock, run.figures["stock_cars"])
    assert np.array_equal(row.used, run.figures["imports_used"])
    assert np.array_equal(row.new, run.markets["sales_new"][:, :, run.layout.home])


def test_a_study_has_commercial_vehicles_of_every_market() -> None:
    """At home those of the year loop; abroad from the record, on the income and people of the same futures."""
    study = load("azerbaijan")
    home, abroad = outlook(["AZE", "TUR"], until=2030, study=study, draws=DRAWS)
    run = simulate(study, until=2030, draws=DRAWS, workers=1)
    assert np.array_equal(home.kinds["truck"], run.figures["sales_truck"])
    total = np.sum([abroad.kinds[kind] for kind in ("light_commercial", "bus", "truck")], axis=0)
    rows = world_table("sales").filter(country="TUR").drop_nulls("commercial_vehicles").sort("year")
    record = float(rows["commercial_vehicles"].tail(3).to_numpy().mean())
    assert np.all(total > 0) and np.median(total[:, 0]) == pytest.approx(record, rel=0.35)
    assert abroad.notes == ()
    # Looking abroad moves nothing at home.
    alone = outlook(["AZE"], until=2030, study=study, draws=DRAWS)[0]
    assert all(np.array_equal(alone.kinds[kind], home.kinds[kind]) for kind in home.kinds)


def test_refusals() -> None:
    with pytest.raises(UnknownName, match="no country 'AZA'"):
        outlook(["AZA"])
    with pytest.raises(InputError, match="until is 2010; expected a year after"):
        outlook(["AZE"], until=2010)
    with pytest.raises(InputError, match="to 2100"):
        outlook(["AZE"], until=2101)
    with pytest.raises(InputError) as both:  # every fault is named, not the first alone
        outlook(["KHM", "AZE", "TWN"], draws=5)
    assert str(both.value).count("the world tables have") == 2
    with pytest.raises(UnknownName, match="no country 'KAZAKHSTAN'; did you mean 'KAZ'"):
        outlook(["KAZAKHSTAN"])
    with pytest.raises(InputError, match="draws is 0"):
        outlook(["AZE"], draws=0)


class TestCommand:
    """What a person meets."""

    def test_table_and_chart(self) -> None:
        result = CliRunner().invoke(main, ["demand", "aze", "GEO", "--until", "2035", "--draws", "30"])
        assert result.exit_code == 0, result.output
        assert "Azerbaijan (AZE), from world tables" in result.output and "Georgia (GEO)" in result.output
        assert "fit: passenger cars, " in result.output
        assert "small" in result.output and "light commercial" in result.output
        # The Azerbaijani market of today is in the study, and the reader is told so, with its range.
        assert "new cars were last on record in 2019" in result.output
        assert "6,500 to 45,000 new cars a year now" in result.output and "--study azerbaijan" in result.output
        bars = [line for line in result.output.splitlines() if line.startswith("  2035 |")]
        assert len(bars) == 2 and all("o" in bar for bar in bars)

    def test_json(self) -> None:
        result = CliRunner().invoke(main, ["demand", "MAR", "--until", "2027", "--draws", "20", "--json"])
        assert result.exit_code == 0, result.output
        (row,) = json.loads(result.output)["countries"]
        assert row["country"] == "MAR" and [point["year"] for point in row["stock"]] == [2025, 2026, 2027]
        assert all(point["low"] <= point["mid"] <= point["high"] for point in row["owned"])

    def test_unknown_country(self) -> None:
        result = CliRunner().invoke(main, ["demand", "AZA"])
        assert result.exit_code == 2 and "no country 'AZA'" in result.output

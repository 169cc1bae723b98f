"""Backcast: no look ahead, no country fitted on itself, scores as defined, the published result."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from karvan.base.errors import InputError, UnknownName
from karvan.commands.backcast import command
from karvan.futures.backcast import (
    AHEAD,
    QUANTILES,
    Forecast,
    _order,
    _places,
    _widened,
    backcast,
    backcast_all,
    date_of,
)
from karvan.futures.backcast_loop import loop_change
from karvan.futures.backcast_score import (
    Choice,
    Row,
    _targets,
    as_data,
    block,
    choices,
    crps,
    hub_scores,
    kept_skills,
    markdown,
    score,
    skill,
    summarise,
)
from karvan.futures.backcast_score import command as published_by
from karvan.futures.others import LoopChange, fit_others
from karvan.futures.record import FLOOR, LeakError, Record, level_of, read_record
from karvan.futures.starter_flows import read_world
from karvan.study import world as world_module
from karvan.study.world import as_known, world_folder, world_table

DATE = "2010-12-31"


@pytest.fixture(scope="module")
def morocco() -> Forecast:
    return backcast("MAR", "2010", draws=40, loops=())


class TestNoLeak:
    """Nothing later than the date is read, and no fit speaks of a country it has seen."""

    def test_tables_end_at_the_date(self) -> None:
        with as_known(DATE):
            for name in ("production", "sales", "income", "stock", "fleet_ages", "tariffs"):
                rows = world_table(name)
                assert rows.height and rows["known_on"].max() <= DATE  # type: ignore[operator]
            assert world_table("production")["year"].max() == 2009
        assert world_table("production")["year"].max() >= 2023  # type: ignore[operator]

    def test_undated_agreements_are_not_used(self) -> None:
        with as_known(DATE):
            world = read_world()
            assert world.years == (2007, 2008, 2009)
            assert not world.free("MAR", "FRA", 2009)  # unions alone count
            assert world.free("SVK", "DEU", 2009)  # members since 2004 and before
            assert not world.free("HRV", "DEU", 2009)  # member since 2013
            assert world.dated

    def test_undated_tariffs_are_not_used(self) -> None:
        with as_known(DATE):
            assert not world_table("tariffs")["year_from"].is_null().any()

    def test_a_country_taken_out_is_in_no_table(self, record: Record) -> None:
        left = record.without("DEU")
        for rows in (left.made, left.sold, left.income, left.gdp):
            assert "DEU" not in rows and "FRA" in rows
        # Germany's market counts for its neighbours no longer.
        assert left.access["POL"] < 0.9 * record.access["POL"]

    def test_a_fit_refuses_a_country_it_has_seen(self, record: Record) -> None:
        fit = fit_others(record.without("SVK"))
        assert fit.last_year == 2009
        one, known = np.array([1.0]), np.zeros(5)
        assert fit.spread("SVK", 1e5, one)[0] > 0
        for ask in (
            lambda: fit.drift("DEU", known, 1e5, one),
            lambda: fit.home_sales("DEU", 1e5, one),
            lambda: fit.loop_weight("DEU"),
            lambda: fit.spread("DEU", 1e5, one),
            lambda: fit.last_figure("DEU", 1e5, one, np.array([[0.5]])),
            lambda: fit.stop_rate("DEU", 1e5),
            lambda: fit.arrival_rate("DEU", 1e5, 1e6),
            lambda: fit.newcomer_rate("DEU", 1e12, 1e6),
            lambda: fit.first_plants("DEU"),
            lambda: fit.added("DEU", 1e5),
            lambda: fit.law("DEU", 1e5, one / 2),
        ):
            with pytest.raises(LeakError, match="has seen DEU"):
                ask()
        # A country without plants is in the fit too, as one where none came.
        with pytest.raises(LeakError, match="has seen GEO"):
            fit.newcomer_rate("GEO", 1e10, 1e6)

    def test_a_fit_refuses_years_after_its_date(self) -> None:
        later = read_record("2016-12-31", "total").without("SVK")
        fit = fit_others(replace(later, as_of=DATE))
        with pytest.raises(LeakError, match="has seen 2015, not before its date 2010-12-31"):
            fit.spread("SVK", 1e5, np.array([1.0]))

    def test_the_loops_word_on_the_country_itself_is_no_evidence(self, record: Record) -> None:
        item = LoopChange("SVK", "2007-12-31", 2006, {2007: 0.0, 2008: 0.1})
        with pytest.raises(LeakError, match="a forecast of SVK"):
            fit_others(record.without("SVK"), [item])
        for wrong in (replace(item, as_of=DATE), replace(item, last_year=2007)):
            with pytest.raises(LeakError, match="is not evidence before 2010-12-31"):
                fit_others(record.without("DEU"), [wrong])

    def test_the_countrys_own_past_does_not_move_the_fit(self, record: Record) -> None:
        own = {"SVK": {2008: 1.0, 2009: 9e6}}
        other = replace(
            record,
            made={**record.made, **own},
            sold={**record.sold, **own},
            income={**record.income, **own},
            gdp={**record.gdp, **own},
        )
        one, two = (fit_others(r.without("SVK")) for r in (record, other))
        assert one == two

    def test_the_future_does_not_move_the_forecast(self, tmp_path: Path) -> None:
        """Every number of every world table that was not known by the date is changed, and nothing moves."""

        def forecast() -> tuple[LoopChange | None, Forecast]:
            loop = loop_change("HUN", "2007-12-31", 2009)
            assert loop is not None
            return loop, backcast("SVK", "2010", draws=20, loops=(loop,))

        came = world_table("production").filter(country="SVK", year=2015)["total"].item()
        before = forecast()
        with tampered(tmp_path):
            assert world_table("production").filter(country="SVK", year=2015)["total"].item() == 3 * came
            after = forecast()
        assert before[0] == after[0]
        assert (before[1].units == after[1].units).all() and (before[1].reference == after[1].reference).all()


@pytest.fixture(scope="module")
def record() -> Record:
    return read_record(DATE, "total")


@contextmanager
def tampered(folder: Path) -> Iterator[None]:
    """World tables whose numbers after the date are three times what they were."""
    for path in world_folder().glob("*.csv"):
        shutil.copy(path, folder)
    for name in ("production", "sales", "income", "stock", "fleet_ages", "tariffs"):
        whole = world_table(name).with_row_index("row")
        known = world_module.known_by(whole, DATE)["row"]
        numbers = [column for column, kind in whole.schema.items() if kind.is_float()]
        late = ~pl.col("row").is_in(known.implode())
        changed = whole.with_columns(pl.when(late).then(3 * pl.col(c)).otherwise(pl.col(c)).alias(c) for c in numbers)
        changed = changed.drop("row")
        changed.write_csv(folder / f"{name}.csv")
    patch = pytest.MonkeyPatch()
    patch.setattr(world_module, "world_folder", lambda: folder)
    caches = (world_module._table, read_record)
    for cache in caches:
        cache.cache_clear()
    try:
        yield
    finally:
        patch.undo()
        for cache in caches:
            cache.cache_clear()


def test_small_makers_are_less_certain() -> None:
    fit = fit_others(read_record("2015-12-31", "total").without("MAR"))
    nine = np.array([9.0])
    small, large = fit.spread("MAR", 5e4, nine)[0], fit.spread("MAR", 2e6, nine)[0]
    assert small > 1.7 * large
    assert fit.spread("MAR", 5e4, np.array([1.0]))[0] < small


def test_level_between_last_figure_and_mean() -> None:
    made = {2007: 4000.0, 2008: 4000.0, 2009: 1000.0}
    assert level_of(made, 2009, 1.0) == pytest.approx(1000)
    assert level_of(made, 2009, 0.0) == pytest.approx(3000)
    assert level_of(made, 2006, 0.5) is None


def test_futures_keep_the_loops_order() -> None:
    """What the loop has high stays high where it strays far; where it says nothing, chance puts them in order."""
    rng = np.random.default_rng(2)
    units, chance = np.exp(10.0 + rng.normal(size=(500, 1)) * [[1.0, 0.01]]), rng.normal(size=(500, 2))
    units[:50, 0] = 0.0  # stopped: all alike, and yet told apart
    order = _order(units, np.array([0.5, 0.5]), chance)
    logs = np.log(np.maximum(units, 300.0))
    assert (np.argsort(order[50:, 0]) == np.argsort(logs[50:, 0])).all() and order[:50, 0].max() < order[50:, 0].min()
    assert np.corrcoef(order[:, 1], chance[:, 1])[0, 1] > 0.99
    assert len(np.unique(_places(order)[:, 0])) == 500


def test_a_study_with_plants_is_only_widened() -> None:
    rng = np.random.default_rng(3)
    base, noise = rng.normal(size=(4000, 2)), rng.normal(size=(4000, 2))
    units = np.exp(9.0 + base * [[2.0, 0.2]])
    wide = np.log(_widened(units, np.ones(2), np.ones(2), noise))
    assert wide[:, 0] == pytest.approx(np.log(units[:, 0]))
    low, high = np.quantile(wide[:, 1], (0.16, 0.84))
    assert (high - low) / 2 == pytest.approx(1.0, abs=0.06)


class TestMorocco:
    """As of 2010 only 33,992 vehicles of 2005 are on record."""

    def test_what_was_known(self, morocco: Forecast) -> None:
        assert morocco.kind == "total" and morocco.method == "loop"
        assert morocco.last_year is not None and morocco.last_year <= 2009
        assert morocco.targets == tuple(range(2011, 2011 + AHEAD))

    def test_quantiles_rise(self, morocco: Forecast) -> None:
        q = morocco.quantiles()
        assert q.shape == (len(QUANTILES), AHEAD + 1)
        assert (np.diff(q, axis=0) >= 0).all() and (q >= 0).all()

    def test_the_range_is_that_of_the_record(self, morocco: Forecast) -> None:
        """Its width and tails are what rolling origins were asked about, whatever shape the loop's futures have."""
        fit = fit_others(read_record(DATE, "total").without("MAR"))
        assert morocco.last_year is not None
        ahead = np.array(morocco.years, dtype=np.float64) - morocco.last_year
        places = (np.arange(40) + 0.5) / 40
        expected = fit.spread("MAR", morocco.last, ahead) * fit.law("MAR", morocco.last, places)[:, None]
        for units in (morocco.units, morocco.loop):
            logs = np.sort(np.log(units), axis=0)
            assert logs - np.median(logs, axis=0) == pytest.approx(expected - np.median(expected, axis=0), abs=1e-9)

    def test_the_same_again(self, morocco: Forecast) -> None:
        assert (backcast("MAR", "2010-12-31", draws=40, loops=()).units == morocco.units).all()

    def test_scores(self, morocco: Forecast) -> None:
        rows = score(morocco)
        first = rows[0]
        outcome = next(r["total"] for r in world_table("production").filter(country="MAR", year=first.year).to_dicts())
        assert first.outcome == outcome
        error = abs(np.log(max(outcome, FLOOR)) - np.log(max(morocco.last, FLOOR)))
        assert first.rulers["last"] == pytest.approx((error, error))

    def test_data_has_quantiles_where_no_outcome_is_known(self, morocco: Forecast) -> None:
        data = as_data([replace(morocco, years=tuple(range(2030, 2031 + AHEAD)))])[0]
        targets = data["targets"]
        assert isinstance(targets, dict)
        assert list(targets["2031"]["quantiles"]) == [
            "0.01",
            "0.05",
            "0.1",
            "0.25",
            "0.5",
            "0.75",
            "0.9",
            "0.95",
            "0.99",
        ]
        assert targets["2031"]["outcome"] is None


def test_a_country_without_income_is_forecast_from_its_record() -> None:
    taiwan = backcast("TWN", "2010", draws=40, loops=())
    assert taiwan.method == "record" and taiwan.last > 0


@pytest.mark.parametrize("as_of", ["2001", "2005", "2007"])
def test_before_a_starter_study_could_be_made_the_record_speaks_alone(as_of: str) -> None:
    """Cars in use are on record from 2007 on; until then there is no starter study."""
    found = backcast("SVK", as_of, draws=20, loops=())
    assert found.method == ("loop" if as_of == "2007" else "record")
    assert np.isfinite(found.units).all() and found.last > 1e5


def test_the_governments_targets_stand_beside() -> None:
    """The plan of 2013 had 580 cars in 2014; that of November 2019 had 7,000 in 2023."""
    years = tuple(range(2013, 2025))
    empty = np.zeros((1, len(years)))

    def blank(date: str) -> Forecast:
        nothing = np.full(len(years), np.nan)
        return Forecast("AZE", date, "passenger_cars", None, 0.0, years, empty, nothing, "loop", empty, empty, 1.0)

    assert _targets(blank("2013-12-31"), 2014) == 580
    assert _targets(blank("2019-12-31"), 2023) == 7000
    assert _targets(blank("2013-06-30"), 2014) is None


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=12), st.floats(-10, 10))
def test_crps_is_its_definition(sample: list[float], outcome: float) -> None:
    x = np.array(sample)
    direct = np.abs(x - outcome).mean() - 0.5 * np.abs(x[:, None] - x[None, :]).mean()
    assert crps(x, outcome) == pytest.approx(direct, abs=1e-9)


def row(country: str, error: float, last: float) -> Row:
    rulers = {"last": (last, last), "last_spread": (last, last)}
    return Row(country, DATE, "total", 2012, 1e5, 1e5, 1e5, error, error, error < 0.2, error < 1, rulers)


def test_a_country_counts_once_however_many_years_it_has() -> None:
    rows = [row("AAA", 0.0, 0.5)] * 9 + [row("BBB", 1.0, 0.5)]
    found = summarise(rows, DATE, "all")
    assert found.error_mean == pytest.approx(0.5) and found.error_median == 0.0
    assert found.covered_50 == pytest.approx(0.5) and found.countries == 2


def test_bootstrap_finds_the_better_one() -> None:
    rows = [row(f"C{i:02d}", 0.3 + 0.01 * (i % 3), 0.5) for i in range(20)]
    low, middle, high = summarise(rows, DATE, "all").better_error
    assert low <= middle <= high < 0
    assert middle == pytest.approx(np.mean([0.3 + 0.01 * (i % 3) - 0.5 for i in range(20)]))


def test_brier_of_a_sure_forecast() -> None:
    """Slovakia has made far more cars than it buys since before 2010: chance one scores nought."""
    years = tuple(range(2010, 2020))
    units = np.ones((1, 10))
    sure = Forecast("SVK", DATE, "passenger_cars", 2009, 461340.0, years, units, np.ones(10), "loop", units, units, 0.0)
    found = hub_scores([sure])[0]
    assert found.model == 0.0 and found.persistence == 0.0 and found.outcomes == found.forecasts > 0


class TestPublished:
    """The packaged result, which reports quote."""

    @pytest.mark.parametrize("as_of", ["2010", "2015"])
    def test_skill(self, as_of: str) -> None:
        found = skill(as_of=as_of)
        assert found.group == "all" and found.countries > 40
        assert 0.7 < found.covered_90 <= 1.0 and 0.3 < found.covered_50 < 0.7
        assert found.better_crps[0] <= found.better_crps[1] <= found.better_crps[2]

    def test_skill_by_size(self) -> None:
        assert skill(5_000).group == "under 200,000"
        assert skill(3e6).error_mean < skill(5_000).error_mean
        with pytest.raises(UnknownName, match="as of '1990'"):
            skill(as_of="1990")

    def test_the_command_is_told(self) -> None:
        assert published_by().startswith("karvan backcast --all --as-of 2010,2015")


def test_dates() -> None:
    assert date_of("2010") == DATE and date_of("2011-04-01") == "2011-04-01"
    for wrong in ("soon", "2010-13-01", "1980", "2000"):
        with pytest.raises(InputError, match="expected a year such as 2010"):
            date_of(wrong)


def test_command(monkeypatch: pytest.MonkeyPatch) -> None:
    # Three countries' word of the loop instead of fifty: the command is the same, the test is not slow.
    few = [(code, "2007-12-31", 2009) for code in ("HUN", "SVK", "TUR")]
    monkeypatch.setattr("karvan.futures.backcast._earlier_tasks", lambda date: few)
    result = CliRunner().invoke(command, ["MAR", "--as-of", "2010", "--draws", "10", "--json", "--workers", "1"])
    assert result.exit_code == 0, result.output
    data = json.loads(result.output)
    assert data["forecasts"][0]["country"] == "MAR" and len(data["forecasts"][0]["targets"]) == AHEAD
    told = CliRunner().invoke(command, ["MAR", "--as-of", "2010", "--draws", "10", "--workers", "1"])
    assert "MAR as of 2010-12-31" in told.output and "inside 90 %" in told.output
    assert CliRunner().invoke(command, ["--as-of", "2010"]).exit_code == 2
    assert CliRunner().invoke(command, ["XXX", "--as-of", "2010"]).exit_code == 2


def test_progress_counts_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The earlier runs of others, then the forecast itself."""
    few = [(code, "2007-12-31", 2009) for code in ("HUN", "SVK")]
    monkeypatch.setattr("karvan.futures.backcast._earlier_tasks", lambda date: few)
    told: list[tuple[int, int]] = []
    backcast_all(["2010"], ["VEN"], draws=5, workers=1, progress=lambda done, whole: told.append((done, whole)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_the_docs_show_the_packaged_result() -> None:
    page = Path(__file__).parents[2] / "docs" / "backcast.md"
    text = page.read_text(encoding="utf-8")
    assert published_by() in text
    for line in markdown(kept_skills()):
        assert line in text, f"docs/backcast.md lacks: {line}"
    assert block() in text


def test_what_was_chosen_is_told() -> None:
    """Medians over the makers of a size, of a date; a country without output has chosen nothing."""
    years, units = (2010, 2011), np.ones((1, 2))

    def cast(country: str, last: float, columns: int, part: float, weight: float) -> Forecast:
        made = (country, DATE, "total", 2009, last, years, units, np.ones(2), "loop", units, units)
        return Forecast(*made, loop_weight=weight, columns=columns, part=part)

    casts = [cast("AAA", 3e5, 3, 1.0, 0.1), cast("BBB", 4e5, 2, 0.5, 0.3), cast("CCC", 5e5, 3, 0.5, 0.2)]
    casts += [cast("DDD", 0.0, 0, 0.0, 1.0), cast("EEE", 500.0, 0, 0.0, 1.0)]
    assert choices(casts) == [Choice(DATE, "200,000 to 1 million", 3, 3.0, 0.5, 0.2)]

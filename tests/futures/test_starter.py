"""A starter study loads, runs and says what it does not know, for countries with and without a car industry."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from karvan.base.errors import InputError, UnknownName
from karvan.futures.costs import cost_ladders
from karvan.futures.ensemble import simulate
from karvan.futures.outlook import outlook
from karvan.futures.starter import new_study
from karvan.futures.starter_agreements import UNIONS, agreements_between, free_in
from karvan.futures.starter_flows import around, estimate_flows, find_country, read_world
from karvan.futures.starter_markets import market_sales
from karvan.futures.starter_rows import Row
from karvan.futures.starter_tables import columns_of
from karvan.study.audit import audit
from karvan.study.evidence import year_value
from karvan.study.load import Study, load
from karvan.study.register import parameters
from karvan.study.world import world_table

WORLD = read_world()


@pytest.fixture(scope="module", params=["KAZ", "GEO", "MAR", "SVK"])
def starter(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The starter of one country; loading it is the test that it has no fault."""
    folder = tmp_path_factory.mktemp("starters") / request.param.lower()
    return load(new_study(request.param, folder))


def test_it_runs_and_every_number_is_finite(starter: Study) -> None:
    futures = simulate(starter, draws=20)
    for group in (futures.figures, futures.plants, futures.markets, futures.sectors):
        for name, values in group.items():
            assert np.all(np.isfinite(values)), name
    assert np.median(futures.figures["sales_new_home"]) > 0


def test_settings_and_markets(starter: Study) -> None:
    one = starter.settings
    assert one.home == one.country == one.markets[0]
    assert 6 <= len(one.markets) <= 15
    assert one.name == one.country.lower() and one.start_year == one.base_year + 1
    beside = {code for code in WORLD.neighbours(one.home) if code in WORLD.sold}
    assert len(beside & set(one.markets)) == min(len(beside), 6)


def test_a_plant_only_where_cars_are_made(starter: Study) -> None:
    own = starter.table("plants").filter(role="own")
    assert own.height == (0 if starter.settings.country == "GEO" else 1)
    if own.height:
        claims = [float(value) for value in starter.table("claims")["value"].to_list()]
        assert own["nameplate"][0] == pytest.approx(max(claims[-5:]) / 0.8, abs=1)


def test_the_record_is_the_world_table(starter: Study) -> None:
    home = starter.settings.country
    rows = world_table("production").filter(country=home).drop_nulls("passenger_cars")
    for row in rows.iter_rows(named=True):
        value = year_value(starter, "country", "output", "passenger_car", row["year"])
        assert value is not None and value.value == row["passenger_cars"]
        assert value.used[0].source == row["source"] and value.used[0].known_on == row["known_on"]


def test_every_parameter_is_there_and_assumed(starter: Study) -> None:
    rows = starter.table("assumptions")
    assert set(rows["parameter"].to_list()) == set(parameters())
    assert set(rows["source"].to_list()) == {"assumed"}
    found = audit(starter)
    assert len(found.assumed) > 200 and found.unused == ()


def test_shares_of_a_maker_add_up(starter: Study) -> None:
    offers = starter.table("offers")
    for maker in offers["plant"].unique().to_list():
        mine = offers.filter(plant=maker)
        assert mine["share_home"].sum() == pytest.approx(1, abs=1e-3)
        assert mine["share_export"].sum() == pytest.approx(1, abs=1e-3)


def test_flows_meet_the_sales_of_each_market(starter: Study) -> None:
    flows = starter.table("flows")
    total = flows["units"].sum()
    made = sum(value for code, value in WORLD.made.items() if code in WORLD.countries)
    assert total == pytest.approx(made, rel=1e-6)
    ratios = []
    for market in starter.settings.markets:
        sold = starter.table("markets").filter(market=market, attribute="new_sales")["mid"][0]
        ratios.append(flows.filter(importer=market)["units"].sum() / sold)
    # one common factor closes the two world totals, at most some per cent
    assert np.allclose(ratios, ratios[0], rtol=1e-3)
    assert 0.95 < ratios[0] < 1.05


def test_a_maker_on_record_starts_near_its_record(starter: Study) -> None:
    """The flows abroad are part of the base: an exporter does not begin as a stranger to its own customers."""
    record = [
        value.value
        for year in range(2021, 2026)
        if (value := year_value(starter, "country", "output", "passenger_car", year))
    ]
    futures = simulate(starter, draws=40)
    if not record:
        assert np.median(futures.figures["output"][:, 0]) == 0
        return
    ratio = np.median(futures.figures["output"][:, :5]) / np.mean(record)
    # what goes to markets outside the study is not in the futures
    flows = starter.table("flows").filter(exporter=starter.settings.country)
    units = dict(flows.select("importer", "units").iter_rows())
    inside = 1.0 - units["ROW"] / sum(units.values())
    assert 0.5 * inside < ratio < 1.6


def test_makers_for_the_home_market_do_not_begin_by_selling_everywhere(tmp_path: Path) -> None:
    """Kazakhstan's makers export a tenth of their cars on record, next to none to Germany."""
    abroad = ["RUS", "UZB", "KGZ", "CHN", "IRN", "DEU", "JPN"]
    study = load(new_study("KAZ", tmp_path / "kaz", markets=abroad))
    futures = simulate(study, draws=40, until=2027)
    exports = np.median(futures.markets["exports"][:, 0], axis=0)
    assert exports[futures.layout.markets.index("DEU")] < 200
    assert np.median(futures.figures["exports"][:, 0] / futures.figures["output"][:, 0]) < 0.2


def test_members_of_a_union_pay_no_duty(tmp_path: Path) -> None:
    study = load(new_study("SVK", tmp_path / "svk"))
    duty = study.table("frictions").filter(friction="duty_rate", origin="DEU", market="SVK")
    assert duty["mid"].to_list() == [0.0]
    assert duty["source"][0].startswith("derived: both are members of one customs union")
    outside = study.table("frictions").filter(friction="duty_rate", origin="*", market="SVK")
    assert outside["mid"].to_list() == [0.1]


def test_by_name_and_into_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    folder = new_study("kazakhstan", tmp_path / "mine", name="silk-road")
    assert load(folder).settings.name == "silk-road"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_the_region_of_the_built_in_study(tmp_path: Path) -> None:
    """A country of it looks at all of it and its neighbours; others, and large makers, at what is near and large."""
    region = set(load("azerbaijan").settings.markets)
    georgia = load(new_study("GEO", tmp_path / "geo")).settings.markets
    assert set(georgia) == region | {"ARM"}
    assert georgia[0] == "GEO"
    assert set(load(new_study("KAZ", tmp_path / "kaz")).settings.markets) == region | {"CHN"}
    assert "DEU" in load(new_study("TUR", tmp_path / "tur")).settings.markets
    assert len(load(new_study("MAR", tmp_path / "mar")).settings.markets) == 10


def test_markets_of_ones_own_choice(tmp_path: Path) -> None:
    """Those asked for, each once, the country's own first; flows and duties are theirs."""
    study = load(new_study("GEO", tmp_path / "x", markets=["KAZ", "Türkiye", "RUS", "GEO", "KAZ"]))
    assert study.settings.markets == ("GEO", "KAZ", "TUR", "RUS")
    flows = study.table("flows")
    assert set(flows["importer"]) - {"ROW"} == {"GEO", "KAZ", "TUR", "RUS"}
    assert {"RUS", "TUR"} <= set(study.table("agreements").filter(pl.col("origin") == "GEO")["market"])


def test_the_same_bytes_twice(tmp_path: Path) -> None:
    one, two = new_study("GEO", tmp_path / "a", name="x"), new_study("GEO", tmp_path / "b", name="x")
    for path in sorted(one.rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (two / path.relative_to(one)).read_bytes(), path.name


class TestRefusals:
    """Nothing half-written is left behind."""

    def test_an_unknown_country(self, tmp_path: Path) -> None:
        with pytest.raises(UnknownName, match="no country 'KAZAKSTAN' in the world tables; did you mean 'Kazakhstan'"):
            new_study("KAZAKSTAN", tmp_path / "x")
        with pytest.raises(UnknownName, match=r"no country 'KZA'.* \(South Africa\)"):
            new_study("KZA", tmp_path / "x")
        with pytest.raises(UnknownName, match="expected an ISO3 code such as KAZ, or a name"):
            new_study("", tmp_path / "x")
        with pytest.raises(UnknownName, match=r"(?s)no country 'KAX'.*no country 'TUX'"):  # all of them at once
            new_study("GEO", tmp_path / "x", markets=["KAX", "AZE", "TUX"])
        assert list(tmp_path.iterdir()) == []

    def test_a_country_without_income(self) -> None:
        with pytest.raises(UnknownName, match="no population and income of Taiwan: no study can start"):
            find_country(WORLD, "TWN")

    def test_a_folder_that_is_not_empty(self, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").write_text("mine")
        with pytest.raises(InputError, match="is not empty; choose another, or empty it first"):
            new_study("KAZ", tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]

    def test_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_text("mine")
        with pytest.raises(InputError, match="is a file; expected a folder that does not exist yet"):
            new_study("KAZ", tmp_path / "x")

    def test_a_failure_on_the_way(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> str:
            raise RuntimeError("no")

        monkeypatch.setattr("karvan.futures.starter._settings", fail)
        with pytest.raises(RuntimeError):
            new_study("GEO", tmp_path / "x")
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("country", ["AZE", "USA", "NAM", "RUS", "CHE"])
def test_markets_and_flows_of_other_places(country: str) -> None:
    markets = around(WORLD, country)
    assert markets[0] == country and 6 <= len(set(markets)) == len(markets) <= 12
    sold = {market: market_sales(WORLD, market)[1] for market in markets}
    flows = estimate_flows(WORLD, markets, sold)
    assert np.all(np.isfinite(flows.units)) and np.all(flows.units >= 0)
    assert flows.makers[-1] == flows.markets[-1] == "ROW"
    named = flows.units[:-1, :-1].sum() / flows.units[:, :-1].sum()
    assert named > 0.8  # the makers named are those that matter
    if 0 < WORLD.made.get(country, 0) < sold[country]:
        assert flows.units[0, 0] == pytest.approx(0.9 * WORLD.made[country])


def test_columns_of_every_file() -> None:
    assert columns_of("evidence/output.csv")[0] == "claim"
    with pytest.raises(KeyError):
        columns_of("nothing.csv")


class TestAgreements:
    """A rule of origin stands between a duty and its absence, unless the union asks for none."""

    def rows(self, folder: Path, origin: str, market: str, table: str = "agreements") -> pl.DataFrame:
        return load(folder).table(table).filter(origin=origin, market=market)

    def test_union_with_a_rule(self, tmp_path: Path) -> None:
        folder = new_study("KAZ", tmp_path / "kaz")
        (row,) = self.rows(folder, "KAZ", "RUS").to_dicts()
        assert (row["agreement"], row["preferential_rate"], row["rule_operations"]) == ("eaeu", 0.0, "welding;painting")
        # The duty itself is the full one: without the rule there is nothing to pass.
        assert "duty_rate" not in self.rows(folder, "KAZ", "RUS", "frictions")["friction"].to_list()
        assert self.rows(folder, "KAZ", "UZB")["agreement"].to_list() == ["cis_fta_2011"]
        assert load(folder).table("plants").filter(role="own")["assembly"].to_list() == ["full"]

    def test_partner_of_the_eu_and_no_partner(self, tmp_path: Path) -> None:
        folder = new_study("MAR", tmp_path / "mar")
        (row,) = self.rows(folder, "MAR", "FRA").to_dicts()
        assert row["agreement"] == "eu_morocco" and 0.0 <= row["rule_value_low"] < row["rule_value_high"] <= 0.55
        assert self.rows(folder, "MAR", "CHN").is_empty()

    def test_a_treaty_does_not_lift_what_stands_beside_it(self, tmp_path: Path) -> None:
        """The 25 percent of 2025 are due on top of the agreement of 2006, which spares 2.5 percent."""
        folder = new_study("MAR", tmp_path / "mar")
        rows = {row["year_from"]: row for row in self.rows(folder, "MAR", "USA").to_dicts()}
        assert rows[2025]["preferential_rate"] == 0.25 and rows[2025]["year_to"] is None
        full = self.rows(folder, "*", "USA", "frictions").filter(friction="duty_rate")["mid"].to_list()
        assert full == [0.275]

    def test_georgia(self, tmp_path: Path) -> None:
        abroad = ["RUS", "TUR", "AZE", "ARM", "CHN", "IRN", "DEU", "IND", "ITA"]
        folder = new_study("GEO", tmp_path / "geo", markets=abroad)
        held = {
            market: self.rows(folder, "GEO", market)["agreement"].to_list()
            for market in load(folder).settings.markets[1:]
        }
        assert held["TUR"] == ["georgia_turkey"] and held["DEU"] == ["georgia_eu"] and held["RUS"] == ["georgia_rus"]
        assert held["AZE"] == ["fta_geo"] and held["ARM"] == ["georgia_arm"] and held["IND"] == []
        # Whether cars are covered was not seen: the row stands there to be filled in, and frees nothing.
        (china,) = self.rows(folder, "GEO", "CHN").to_dicts()
        assert china["covers_cars"] == "unknown"
        by_market = {row.market: row.origin for row in cost_ladders(load(folder), draws=20)}
        assert by_market["CHN"]["mfn"] == 1.0 and by_market["TUR"]["mfn"] == 0.0

    def test_the_rest_of_the_world_pays_the_mean_duty(self, tmp_path: Path) -> None:
        """In Germany most of it are members of the EU."""
        folder = new_study("MAR", tmp_path / "mar")
        (rest,) = self.rows(folder, "ROW", "DEU", "frictions").filter(friction="duty_rate").to_dicts()
        (full,) = self.rows(folder, "*", "DEU", "frictions").filter(friction="duty_rate").to_dicts()
        assert 0.0 < rest["mid"] < 0.3 * full["mid"]
        assert rest["source"].startswith("derived: ")

    def test_member_of_the_eu_is_asked_nothing(self, tmp_path: Path) -> None:
        folder = new_study("SVK", tmp_path / "svk")
        (row,) = self.rows(folder, "SVK", "DEU").to_dicts()
        assert row["agreement"] == "eu" and row["rule_value"] is None and not row["rule_operations"]
        assert self.rows(folder, "SVK", "DEU", "frictions").filter(friction="duty_rate")["mid"].to_list() == [0.0]

    def test_three_regimes_show(self, tmp_path: Path) -> None:
        """A maker whose content straddles the rule passes in some futures, pays for it in others."""
        folder = new_study("MAR", tmp_path / "mar")
        (ladder,) = cost_ladders(load(folder), ("FRA",), draws=100)
        assert ladder.origin["free"] > 0.1 and ladder.origin["complies_at_cost"] > 0.1
        assert ladder.origin["mfn"] == 0.0
        assert sum(ladder.origin.values()) == pytest.approx(1.0)


def test_duties_of_today_and_of_the_flows() -> None:
    """India lowered its rate on cars below 40,000 dollars; the United States raised theirs in 2025."""
    assert WORLD.duty["IND"][0] == 0.6 and WORLD.duty_then["IND"] == 1.25
    assert WORLD.duty["USA"][0] == 0.275 and WORLD.duty_then["USA"] == 0.025
    assert WORLD.duty["FRA"] == WORLD.duty["DEU"]


class TestMarkets:
    """What is known of a market today beats what was on record long ago."""

    def rows(self, folder: Path, market: str) -> dict[str, dict[str, Any]]:
        table = load(folder).table("markets").filter(market=market)
        return {row["attribute"]: row for row in table.to_dicts()}

    def test_the_built_in_study_first(self, tmp_path: Path) -> None:
        folder = new_study("GEO", tmp_path / "geo")
        here, theirs = self.rows(folder, "GEO"), load("azerbaijan").table("markets").filter(market="GEO")
        for attribute in ("stock", "used_imports"):
            (row,) = theirs.filter(attribute=attribute).to_dicts()
            assert here[attribute]["mid"] == row["mid"] and here[attribute]["note"].startswith("as in the built-in")
        assert self.rows(folder, "TUR")["new_sales_now"]["mid"] > self.rows(folder, "TUR")["new_sales"]["mid"]

    def test_an_old_record_is_carried_on(self, tmp_path: Path) -> None:
        """Morocco's cars were last counted in 2020 and grow by a few per cent a year."""
        folder = new_study("MAR", tmp_path / "mar")
        row = self.rows(folder, "MAR")["stock"]
        last = world_table("stock").filter(country="MAR", year=2020, measure="passenger_cars")["stock"][0]
        assert row["source"].startswith("estimated: ") and last < row["low"] < row["mid"] < 1.6 * last
        (seen,) = outlook(["MAR"], until=2026, draws=400)
        assert row["mid"] == pytest.approx(seen.at("stock", 2025).mid, rel=0.03)
        # ages of cars in Germany were counted in 2021
        assert self.rows(folder, "DEU")["stock"]["source"].startswith("derived: ")


class TestWorldAgreements:
    """The table of agreements taken apart into pairs."""

    def between(self, origin: str, market: str, year: int = 2024) -> list[Row]:
        return agreements_between(WORLD, [origin], [market], year)

    def test_never_two_in_one_year(self) -> None:
        everybody = list(WORLD.countries)
        spans: dict[tuple[object, object], list[tuple[int, int]]] = {}
        for row in agreements_between(WORLD, everybody, everybody, 2024):
            span = int(str(row["year_from"])), int(str(row["year_to"] or 9999))
            for first, last in spans.setdefault((row["origin"], row["market"]), []):
                assert span[1] < first or last < span[0], row
            spans[(row["origin"], row["market"])].append(span)
        assert len(spans) > 2000

    def test_every_country_named_is_one(self) -> None:
        for row in world_table("agreements").iter_rows(named=True):
            for code in f"{row['parties']};{row['partners'] or ''}".strip(";").split(";"):
                assert code in WORLD.countries or code in UNIONS, (row["agreement"], code)

    def test_each_is_sourced_or_assumed(self) -> None:
        for row in world_table("agreements").iter_rows(named=True):
            assert row["source"] == "assumed" or row["source"].startswith("http"), row["agreement"]
            low, mid, high = (row[f"rule_value{end}"] for end in ("_low", "", "_high"))
            assert (mid is None) == (low is None) == (high is None)
            assert mid is None or low <= mid <= high

    def test_members_of_the_year(self) -> None:
        assert [row["agreement"] for row in self.between("GBR", "FRA", 2018)] == ["eu"]
        assert [row["agreement"] for row in self.between("GBR", "FRA", 2024)] == ["eu_uk"]
        assert [row["year_from"] for row in self.between("HRV", "DEU")] == [2013]

    def test_a_suspension_stands_in_front(self) -> None:
        assert self.between("RUS", "UKR") == []
        assert [row["agreement"] for row in self.between("KAZ", "UKR")] == ["cis_fta_2011"]
        assert [row["covers_cars"] for row in self.between("AZE", "ARM")] == ["no"]

    def test_one_way(self) -> None:
        assert [row["agreement"] for row in self.between("JPN", "DEU", 2026)] == ["eu_japan"]
        assert self.between("DEU", "JPN") == []

    def test_free_in_a_year(self) -> None:
        free = free_in(WORLD, 2018)
        assert ("MEX", "USA") in free and ("MAR", "USA") in free and ("DEU", "SVK") in free
        assert ("JPN", "DEU") not in free and ("GEO", "CHN") not in free
        assert ("MAR", "USA") not in free_in(WORLD, 2025)

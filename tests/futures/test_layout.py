"""What stands on the axes of a run."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from karvan.base.errors import StudyFaults
from karvan.futures.hazards import ANNOUNCED, CLOSED, CODES
from karvan.futures.layout import SLOTS, Layout, make_layout, state_at
from karvan.study.load import Study, load


@pytest.fixture(scope="module")
def layout(azerbaijan: Study) -> Layout:
    """The layout of the built-in study."""
    return make_layout(azerbaijan, 2026, 2030)


class TestPlants:
    """Own plants first, slots for unannounced ones last among them, rivals after."""

    def test_order(self, layout: Layout, azerbaijan: Study) -> None:
        assert set(layout.country[: layout.own]) == {azerbaijan.settings.country}
        assert layout.slots == tuple(range(layout.own - SLOTS, layout.own))
        assert [layout.plants[slot] for slot in layout.slots] == ["unannounced_1", "unannounced_2"]
        roles = dict(azerbaijan.table("plants").select("plant", "role").iter_rows())
        assert {roles[name] for name in layout.plants[: layout.own - SLOTS]} == {"own"}
        assert {roles[name] for name in layout.plants[layout.own :]} == {"rival"}

    def test_only_passenger_cars(self, layout: Layout, azerbaijan: Study) -> None:
        kinds = dict(azerbaijan.table("plants").select("plant", "vehicle_kind").iter_rows())
        assert {kinds[name] for name in layout.plants if name in kinds} == {"passenger_car"}
        assert set(kinds.values()) > {"passenger_car"}  # the study has others to leave out

    def test_closed_plants_stay_out(self, layout: Layout) -> None:
        assert CLOSED not in layout.initial_state

    def test_a_successor_knows_whom_it_replaces(self, layout: Layout) -> None:
        new = layout.plants.index("hajigabul_azermash_cp_full")
        assert layout.plants[layout.replaces[new]] == "hajigabul_azermash_cp"
        assert (np.delete(layout.replaces, new) == -1).all()

    def test_nameplates_are_ordered(self, layout: Layout) -> None:
        low, mid, high = layout.nameplate.T
        assert ((low <= mid) & (mid <= high)).all()
        assert layout.plant_index("neftchala_khazar") == layout.plants.index("neftchala_khazar")


class TestOffers:
    """Every own plant can offer every product; what nobody offers yet is silent."""

    def test_each_own_plant_and_product_once(self, layout: Layout) -> None:
        pairs = list(zip(layout.offer_plant.tolist(), layout.offer_product.tolist(), strict=True))
        own = [pair for pair in pairs if pair[0] < layout.own]
        assert len(own) == len(set(own)) == layout.own * len(layout.products)

    def test_silent_offers_sell_nothing_on_record(self, layout: Layout) -> None:
        silent = ~layout.offer_active
        assert silent.any()
        assert (layout.share_home[silent] == 0).all()
        assert (layout.share_export[silent] == 0).all()
        assert (layout.offer_price[silent, 1] > 0).all()

    def test_slots_are_no_silent_offers(self, layout: Layout) -> None:
        assert layout.offer_active[np.isin(layout.offer_plant, layout.slots)].all()

    def test_rivals_offer_what_the_study_says(self, layout: Layout, azerbaijan: Study) -> None:
        given = set(azerbaijan.table("offers")["offer"].to_list())
        rivals = [layout.offers[v] for v in np.flatnonzero(layout.offer_plant >= layout.own)]
        assert set(rivals) <= given
        assert layout.offer_active[layout.offer_plant >= layout.own].all()

    def test_offers_stand_in_the_order_of_plants(self, layout: Layout) -> None:
        assert (np.diff(layout.offer_plant) >= 0).all()
        assert layout.own_offers.tolist() == list(range(layout.own_offers.size))

    def test_shares_of_a_country_add_up_to_one_at_most(self, layout: Layout) -> None:
        for country in sorted(set(layout.country)):
            of = [v for v in range(len(layout.offers)) if layout.country[layout.offer_plant[v]] == country]
            assert layout.share_home[of].sum() <= 1 + 1e-9
            assert layout.share_export[of].sum() <= 1 + 1e-9


class TestBrands:
    """Home-made cars of a brand stand in a nest of their own, with the brand's imports as peers."""

    def test_apart(self, layout: Layout) -> None:
        own = {layout.brands[layout.offer_brand[v]] for v in layout.own_offers}
        others = {layout.brands[b] for b in layout.offer_brand[layout.offer_plant >= layout.own]}
        assert all(name.endswith("@AZE") for name in own)
        assert not own & others

    def test_peers_are_brands_of_rivals(self, layout: Layout) -> None:
        others = set(layout.offer_brand[layout.offer_plant >= layout.own].tolist())
        named = [peer for v in layout.own_offers for peer in layout.peers[v]]
        assert named
        assert set(named) <= others


class TestStates:
    """The state at the start is that of the last year known before it."""

    def test_rows_before_the_year_count(self, azerbaijan: Study) -> None:
        rows = azerbaijan.table("plant_states").sort("plant", "year").to_dicts()
        first = rows[0]
        assert state_at(azerbaijan, first["plant"], "closed", first["year"] + 1) == CODES[first["state"]]
        assert state_at(azerbaijan, first["plant"], "operating", first["year"]) == ANNOUNCED

    def test_a_plant_without_rows_keeps_its_own(self, azerbaijan: Study) -> None:
        assert state_at(azerbaijan, "no_such_plant", "idle", 2026) == CODES["idle"]


class TestAsOf:
    """What was not known by a date is not there."""

    def test_unknown_plants_drop_out(self, layout: Layout) -> None:
        early = load("azerbaijan", as_of="2017-12-31")
        then = make_layout(early, 2018, 2020)
        known = early.table("plants")
        assert known.height < load("azerbaijan").table("plants").height
        own = set(then.plants[: then.own - SLOTS])
        assert own
        assert own <= set(known["plant"].to_list())
        assert "hajigabul_azermash_cp_full" not in then.plants
        assert "hajigabul_azermash_cp_full" in layout.plants
        assert set(np.asarray(then.plants)[then.offer_plant]) <= set(then.plants)


class TestDates:
    """Dates of opening as calendar time; a date without a month means the middle of the year."""

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("2018", 2018.5),
            ("2018-07-01", 2018.5),
            ("2018-03", 2018 + 2 / 12),
            ("2018-03-29", 2018 + 2 / 12 + 28 / 365.25),
        ],
    )
    def test_parts_of_a_year(self, azerbaijan: Study, text: str, expected: float) -> None:
        plants = azerbaijan.table("plants").with_columns(pl.lit(text).alias("opened"))
        dated = make_layout(replace(azerbaijan, tables={**azerbaijan.tables, "plants": plants}), 2026, 2030)
        assert dated.opened[: dated.own - SLOTS] == pytest.approx(expected)
        assert np.isnan(dated.opened[list(dated.slots)]).all()


def test_a_study_without_products_is_refused(azerbaijan: Study) -> None:
    """Without a product nothing can be sold."""
    empty = azerbaijan.table("products").clear()
    offers = azerbaijan.table("offers").clear()
    bare = replace(azerbaijan, tables={**azerbaijan.tables, "products": empty, "offers": offers})
    with pytest.raises(StudyFaults, match="no product"):
        make_layout(bare, 2026, 2030)


def test_a_study_without_own_plants_has_its_slots(azerbaijan: Study) -> None:
    """A country without a single plant can still see one arrive."""
    plants = azerbaijan.table("plants").filter(pl.col("role") == "rival")
    bare = make_layout(replace(azerbaijan, tables={**azerbaijan.tables, "plants": plants}), 2026, 2030)
    assert bare.own == SLOTS
    assert bare.nameplate.shape == (SLOTS, 3)
    assert bare.own_offers.size == SLOTS * len(bare.products)

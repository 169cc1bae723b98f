"""Every quantity of the register has a test of its own here: its bounds in every draw, and what it is the sum, share or
difference of. The last test walks the register and fails for a quantity without one."""

import inspect
import re
import sys
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.special import betaln

from karvan.base.axes import Array
from karvan.base.errors import UnknownName
from karvan.base.quantities import Quantity, quantities
from karvan.facilities.ladder import RUNGS
from karvan.futures import parity
from karvan.futures.backcast_score import skill
from karvan.futures.ensemble import ALTERNATIVES, BOUND, CONDITIONS, Futures, simulate
from karvan.futures.figures import Figure, draws_of, figure, net_draws, parse
from karvan.futures.inputs import Draws
from karvan.hub.appraisal import npv
from karvan.hub.verdict import Thresholds
from karvan.market.cost import delivered_cost
from karvan.study.audit import audit
from karvan.study.evidence import contradictions, stale
from karvan.study.load import Study

YEAR = 2030
PLANT = "hajigabul_azermash_cp"
GOES = (
    "output", "sales_home", "exports", "export_share", "capacity_effective", "utilisation", "plants_operating",
    "price_ex_works", "kit_cost", "local_content", "revenue", "jobs_direct", "jobs_indirect", "jobs_induced", "jobs",
    "jobs_hired", "job_years_building", "gdp_direct", "gdp_indirect", "gdp_induced", "gdp", "gdp_share", "tax_industry",
    "tax_forgone", "subsidy", "imports_kits", "imports_caused", "profit", "investment", "npv", "self_sufficiency_new",
    "self_sufficiency_all", "self_sufficiency_value",
)  # fmt: skip
"""National quantities that are nought where there is no industry."""


@pytest.fixture(scope="module", params=["baseline", "hub"])
def run(request: pytest.FixtureRequest, runs: dict[str, Futures]) -> Futures:
    """Two runs with an industry."""
    return runs[request.param]


@pytest.fixture(scope="module")
def one(azerbaijan: Study) -> Futures:
    """A single future, in which medians are the numbers themselves."""
    return simulate(azerbaijan, draws=1, until=2026, workers=1)


def same(a: Array, b: Array) -> None:
    """Equal to a billionth."""
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * max(float(np.abs(b).max()), 1e-6))


def at(address: str, study: Study, runs: dict[str, Futures]) -> Figure:
    """The figure behind an address."""
    return figure(address, study, runs)


def every_draw(quantity: Quantity, run: Futures, runs: dict[str, Futures]) -> Array:
    """All values of a quantity in a run, over every key, flat."""
    year = run.years[-1]
    keys: list[str] = [""]
    if quantity.kind in ("figures", "plants", "markets") and quantity.name != "market_share":
        groups = [group[quantity.name] for group in (run.figures, run.plants, run.markets) if quantity.name in group]
        assert groups, f"{quantity.name} is in no group of the run"
        return np.concatenate([group.ravel() for group in groups])
    if quantity.kind == "net":
        return net_draws(quantity.name, run, runs).ravel()
    if quantity.kind == "offers":
        return run.offers["delivered"].ravel()
    if quantity.kind == "sectors":
        return run.sectors[quantity.name.removesuffix("_by_industry")].ravel()
    if quantity.kind == "keyed":
        return np.concatenate([v.ravel() for k, v in run.figures.items() if k.startswith(f"{quantity.name}.")])
    if quantity.name == "market_share":
        keys = [f".{market}" for market in run.layout.markets]
    elif quantity.kind in ("rungs", "lost"):
        keys = [f".{rung}.{plant}" for rung in RUNGS for plant in run.own_plants]
    elif quantity.kind == "bound":
        keys = [f".{plant}.{limit}" for plant in run.own_plants for limit in BOUND]
    elif quantity.kind == "donors":
        keys = [f".{donor}" for donor in run.donors]
    elif quantity.name == "hub_condition":
        keys = [f".{name}" for name in CONDITIONS]
    elif quantity.name == "hub_alternative":
        keys = [f".{name}" for name in ALTERNATIVES]
    addresses = [parse(f"{quantity.name}{key}.{year}@{run.scenario}") for key in keys]
    return np.concatenate([draws_of(address, runs) for address in addresses])


APART = (
    "record",
    "threshold",
    "base_rate",
    "count",
    "shops",
    "past",
    "difference",
    "ministry",
    "occupations",
    "step",
    "parity",
    "need",
    "need_end",
    "suppliers",
)
"""Kinds that are no draws, or that some futures do not have (see test_economy_figures)."""
DRAWN = [q for q in quantities().values() if q.kind not in APART]


@pytest.mark.parametrize("quantity", DRAWN, ids=lambda quantity: quantity.name)
@pytest.mark.parametrize("scenario", ["baseline", "no_industry", "hub"])
def test_bounds_hold_in_every_draw(quantity: Quantity, scenario: str, runs: dict[str, Futures]) -> None:
    values = every_draw(quantity, runs[scenario], runs)
    assert values.size and np.all(np.isfinite(values))
    least = -np.inf if quantity.low is None else quantity.low
    most = np.inf if quantity.high is None else quantity.high
    slack = 1e-9 * max(float(np.abs(values).max()), 1.0)
    assert values.min() >= least - slack and values.max() <= most + slack


@pytest.mark.parametrize("name", GOES)
def test_nothing_of_the_industry_without_it(name: str, runs: dict[str, Futures]) -> None:
    assert np.abs(runs["no_industry"].figures[name]).max() == pytest.approx(0, abs=1e-9)


class TestCars:
    """Cars made, sold and in use."""

    def test_output(self, run: Futures) -> None:
        f = run.figures
        same(f["output"], run.plants["output"].sum(axis=-1))
        assert np.all(f["output"] <= f["capacity_effective"] * (1 + 1e-9))
        change = np.diff(f["stock_finished"], axis=1)
        same(f["output"][:, 1:], (f["sales_home"] + f["exports"])[:, 1:] + change)

    def test_sales_home(self, run: Futures) -> None:
        same(run.figures["sales_home"], run.markets["sales_own"][:, :, run.layout.home])
        assert np.all(run.figures["sales_home"] <= run.figures["sales_new_home"] * (1 + 1e-9))

    def test_exports(self, run: Futures) -> None:
        same(run.figures["exports"], run.markets["exports"].sum(axis=-1))
        same(run.figures["exports"], run.plants["exports"].sum(axis=-1))
        assert np.all(run.markets["exports"][:, :, run.layout.home] == 0)

    def test_export_share(self, run: Futures) -> None:
        f = run.figures
        made = f["output"] > 0
        # More can be exported than made, from stock: then the share is one.
        same(f["export_share"][made], np.minimum(f["exports"] / np.where(made, f["output"], 1), 1.0)[made])

    def test_sales_new(self, run: Futures) -> None:
        assert np.all(run.markets["sales_new"] >= run.markets["sales_own"] * (1 - 1e-9))

    def test_sales_small(self, run: Futures) -> None:
        """Segments share out the new cars: in each future the same part every year, about 30 %."""
        f = run.figures
        same(f["sales_small"] + f["sales_medium"] + f["sales_suv"], f["sales_new_home"])
        part = f["sales_small"] / f["sales_new_home"]
        same(part, part[:, :1] * np.ones_like(part))
        assert 0.2 < np.median(part) < 0.4

    def test_sales_medium(self, run: Futures) -> None:
        part = run.figures["sales_medium"] / run.figures["sales_new_home"]
        assert np.all((part > 0.1) & (part < 0.55))

    def test_sales_suv(self, run: Futures) -> None:
        part = run.figures["sales_suv"] / run.figures["sales_new_home"]
        assert np.all((part > 0.15) & (part < 0.7))
        assert np.median(part) > np.median(run.figures["sales_small"] / run.figures["sales_new_home"])

    def test_sales_light_commercial(self, run: Futures) -> None:
        """All commercial vehicles start at the record (300 to 800 a year in 2017 to 2019) and grow with the economy."""
        f = run.figures
        kinds = [f["sales_light_commercial"], f["sales_bus"], f["sales_truck"]]
        total = np.sum(kinds, axis=0)
        assert 450 < np.median(total[:, 0]) < 1100
        assert np.median(total[:, -1]) > np.median(total[:, 0])
        part = kinds[0] / total
        same(part, part[:, :1] * np.ones_like(part))

    def test_sales_bus(self, run: Futures) -> None:
        assert 0.1 < np.median(run.figures["sales_bus"] / run.figures["sales_light_commercial"]) < 2.0

    def test_sales_truck(self, run: Futures) -> None:
        assert 0.3 < np.median(run.figures["sales_truck"] / run.figures["sales_light_commercial"]) < 3.0

    def test_sales_new_home(self, run: Futures) -> None:
        wanted = run.markets["sales_new"][:, :, run.layout.home]
        assert np.all(run.figures["sales_new_home"] <= wanted * (1 + 1e-6))
        assert np.all(run.figures["sales_new_home"] > 0)

    def test_imports_new(self, run: Futures) -> None:
        f = run.figures
        same(f["imports_new"], f["sales_new_home"] - f["sales_home"])

    def test_imports_used(self, run: Futures, runs: dict[str, Futures]) -> None:
        # Used cars come in whether or not cars are made at home: the two runs share the draws of demand.
        with_, without = run.figures["imports_used"], runs["no_industry"].figures["imports_used"]
        assert np.all(with_ > 0)
        assert abs(np.median(with_) / np.median(without) - 1) < 0.25

    def test_stock_cars(self, run: Futures) -> None:
        f = run.figures
        bought = run.markets["sales_new"][:, :, run.layout.home] + f["imports_used"]
        scrapped = f["stock_cars"][:, :-1] + bought[:, 1:] - f["stock_cars"][:, 1:]
        assert np.all(scrapped > 0)
        assert np.all(scrapped < 0.2 * f["stock_cars"][:, :-1])

    def test_stock_finished(self, run: Futures) -> None:
        f = run.figures
        sold = f["sales_home"] + f["exports"]
        same(f["stock_finished"][:, 1:], f["stock_finished"][:, :-1] + (f["output"] - sold)[:, 1:])

    def test_self_sufficiency_new(self, run: Futures) -> None:
        f = run.figures
        same(f["self_sufficiency_new"], f["sales_home"] / f["sales_new_home"])

    def test_self_sufficiency_all(self, run: Futures) -> None:
        f = run.figures
        same(f["self_sufficiency_all"], f["sales_home"] / (f["sales_home"] + f["imports_new"] + f["imports_used"]))

    def test_self_sufficiency_value(self, run: Futures) -> None:
        # Home value is part of the ex-works value of home sales, which is less than buyers spend on home-made cars.
        f = run.figures
        assert np.all(f["self_sufficiency_value"] <= f["self_sufficiency_new"] * (1 + 1e-9))

    def test_market_share(self, run: Futures, runs: dict[str, Futures]) -> None:
        home = run.layout.markets[run.layout.home]
        values = draws_of(parse(f"market_share.{home}.{YEAR}@{run.scenario}"), runs)
        wanted = run.markets["sales_new"][:, -1, run.layout.home]
        same(values, run.figures["sales_home"][:, -1] / wanted)


class TestPlants:
    """What plants could make, and what bounds them."""

    def test_capacity_nameplate(self, run: Futures) -> None:
        plate = run.plants["capacity_nameplate"]
        assert np.all(run.plants["rung_nameplate"] <= plate * (1 + 1e-9))
        assert np.all(plate > 0)

    def test_capacity_effective(self, run: Futures) -> None:
        each = np.minimum(run.plants["capacity_effective"], run.plants["partner_supply"])
        same(run.figures["capacity_effective"], each.sum(axis=-1))

    def test_partner_supply(self, run: Futures) -> None:
        stands_idle = run.plants["bound"] == BOUND.index("state")
        assert np.all(run.plants["partner_supply"][stands_idle] == 0)

    def test_demand(self, run: Futures) -> None:
        free = run.plants["bound"] == BOUND.index("demand")
        limit = np.minimum(run.plants["capacity_effective"], run.plants["partner_supply"])
        assert free.any()
        assert np.all(run.plants["demand"][free] <= limit[free] * (1 + 1e-5) + 1e-6)

    def test_utilisation(self, run: Futures) -> None:
        for group in (run.figures, run.plants):
            could = group["capacity_effective"] > 0
            same(group["utilisation"][could], group["output"][could] / group["capacity_effective"][could])
            assert np.all(group["utilisation"][~could] == 0)

    def test_operating(self, run: Futures) -> None:
        assert set(np.unique(run.plants["operating"])) <= {0.0, 1.0}
        never = run.plants["operating"].sum(axis=1) == 0
        assert np.all(run.plants["output"][:, -1][never] == 0)

    def test_plants_operating(self, run: Futures) -> None:
        same(run.figures["plants_operating"], run.plants["operating"].sum(axis=-1))

    def test_bound(self, run: Futures, runs: dict[str, Futures]) -> None:
        parts = [draws_of(parse(f"bound.{PLANT}.{limit}.{YEAR}@{run.scenario}"), runs) for limit in BOUND]
        same(sum(parts, np.zeros(run.draws)), np.ones(run.draws))

    def test_capacity_rung(self, run: Futures) -> None:
        rungs = [run.plants[f"rung_{name}"] for name in RUNGS]
        assert RUNGS[:3] == ("nameplate", "straight_time", "overtime")  # staffing may reach more than was announced
        for upper, lower in pairwise(rungs[2:]):
            assert np.all(lower <= upper * (1 + 1e-9) + 1e-9)
        same(rungs[-1], run.plants["capacity_effective"])

    def test_capacity_lost(self, run: Futures, runs: dict[str, Futures]) -> None:
        lost = [draws_of(parse(f"capacity_lost.{rung}.{PLANT}.{YEAR}@{run.scenario}"), runs) for rung in RUNGS]
        p = run.own_plants.index(PLANT)
        whole = run.plants["rung_nameplate"][:, -1, p] - run.plants["capacity_effective"][:, -1, p]
        same(sum(lost, np.zeros(run.draws)), whole)


class TestComponentGroups:
    """What is made at home of each group of parts: with the plants' cars, the study's plan and the law of scale."""

    def groups(self, run: Futures, runs: dict[str, Futures], name: str) -> Array:
        """(D, G), a quantity of all component groups in the last year."""
        components = run.layout.components
        return np.stack([draws_of(parse(f"{name}.{g}.{YEAR}@{run.scenario}"), runs) for g in components], axis=-1)

    def test_local_share(self, run: Futures, runs: dict[str, Futures]) -> None:
        found, made = self.groups(run, runs, "local_share"), run.figures["output"][:, -1] > 0
        assert np.isnan(found[~made]).all()
        assert np.all((found[made] >= 0) & (found[made] <= 1))

    def test_local_share_planned(self, run: Futures, runs: dict[str, Futures]) -> None:
        """In the hub scenario the way to the plan leads upwards in every group."""
        found, made = self.groups(run, runs, "local_share_planned"), run.figures["output"][:, -1] > 0
        assert np.all((found[made] >= 0) & (found[made] <= 1))
        if run.scenario == "hub":
            assert np.all(self.groups(run, runs, "local_share")[made] <= found[made] + 1e-9)

    def test_local_sets(self, run: Futures, runs: dict[str, Futures]) -> None:
        """Sets are cars times the share at home; that they are the loop's own is tested in test_suppliers.py."""
        share, made = self.groups(run, runs, "local_share"), run.figures["output"][:, -1]
        same(self.groups(run, runs, "local_sets")[made > 0], (share * made[:, None])[made > 0])

    def test_local_sets_priced(self, run: Futures, runs: dict[str, Futures]) -> None:
        """Little is made before the start, so it is the draw of ``supplier_start`` that sets it in most futures."""
        found = self.groups(run, runs, "local_sets_priced")
        draws = Draws(run.seed, 0, run.draws, sampling=run.sampling)
        start, kept = (draws.of(run.cells[name]) for name in ("supplier_start", "supplier_retention"))
        assert np.all(found >= (start * (1 - np.clip(kept, 0, 0.99)))[:, None] * (1 - 1e-9))
        seats = run.layout.components.index("seats")
        assert np.isclose(found[:, seats], start * (1 - kept)).mean() > 0.9

    def test_scale_penalty(self, run: Futures, runs: dict[str, Futures]) -> None:
        found = self.groups(run, runs, "scale_penalty")
        priced = [self.groups(run, runs, name) for name in ("local_sets", "local_sets_priced")]
        scale = run.study.table("components")["minimum_scale"].to_numpy()
        below = scale / np.maximum(np.maximum(*priced), 1.0)
        assert np.all(found[below <= 1.0] == 0.0)
        steep = (np.log1p(found) / np.log(np.where(below > 1.0, below, 2.0)))[:, run.layout.components.index("body")]
        assert np.all((steep == 0.0) | ((steep > 0.06) & (steep < 0.15)))  # components.csv

    def test_local_sets_parity(self, run: Futures, runs: dict[str, Futures]) -> None:
        """What is made by hand stops being dear first, pressed bodies and chips last."""
        middle = np.quantile(self.groups(run, runs, "local_sets_parity"), 0.5, axis=0, method="nearest")
        known = dict(zip(run.layout.components, middle.tolist(), strict=True))
        assert max(known["wiring"], known["seats"]) < known["chassis"] < known["body"] < known["electronics"]


class TestPrices:
    """What cars cost and hold."""

    def test_price_ex_works(self, run: Futures) -> None:
        made = run.figures["output"] > 0
        mean = (run.plants["price_ex_works"] * run.plants["output"]).sum(axis=-1)[made] / run.figures["output"][made]
        same(run.figures["price_ex_works"][made], mean)

    def test_kit_cost(self, run: Futures) -> None:
        made = run.figures["output"] > 0
        assert np.all(run.figures["kit_cost"][made] > 0)
        ratio = run.figures["kit_cost"] * run.figures["output"]
        # duty comes on top of the landed kits, whose value is in imports_kits
        rate = run.figures["revenue"][made] / (run.figures["price_ex_works"] * run.figures["output"])[made]
        assert np.all(run.figures["imports_kits"][made] <= ratio[made] * rate * (1 + 1e-9))

    def test_local_content(self, run: Futures) -> None:
        made = run.figures["output"] > 0
        mean = (run.plants["local_content"] * run.plants["output"]).sum(axis=-1)[made] / run.figures["output"][made]
        same(run.figures["local_content"][made], mean)

    def test_revenue(self, run: Futures) -> None:
        f = run.figures
        value = f["price_ex_works"] * f["output"]
        rate = np.median(f["revenue"][value > 0] / value[value > 0])
        same(f["revenue"], value * rate)
        assert 1 < rate * 1e6 < 3  # manat per dollar

    def test_price_delivered(self, one: Futures) -> None:
        """With one draw the ladder adds up to the price, wherever no other obstacle stands."""
        steps = ("ex_works", "freight", "insurance", "duty", "excise", "fee", "certification", "vat", "margin")
        total = sum((one.offers[f"step.{name}"] for name in steps), np.zeros(()))
        total = total + one.offers["step.compliance"]
        delivered = one.offers["delivered"][0]
        assert np.all(delivered >= total * (1 - 1e-9))
        home = one.layout.home
        same(delivered[one.layout.own_offers, home], total[one.layout.own_offers, home])

    def test_price_step(self, one: Futures, azerbaijan: Study) -> None:
        """The rungs of one future add up to its price, obstacles on top."""
        runs = {"baseline": one}
        offer, rungs = "neftchala_khazar", parity.STEPS
        for market in ("AZE", "RUS", "GEO"):
            parts = [at(f"price_step.{step}.{offer}.{market}.2026", azerbaijan, runs).value for step in rungs]
            assert min(parts[:-1]) >= 0.0
            total = at(f"price_delivered.{offer}.{market}.2026", azerbaijan, runs).value
            assert sum(parts) == pytest.approx(total)
        with pytest.raises(UnknownName, match="no step 'fees'; did you mean 'fee'"):
            at(f"price_step.fees.{offer}.RUS.2026", azerbaijan, runs)
        with pytest.raises(UnknownName, match=r"needs the keys STEP\.OFFER\.MARKET"):
            at("price_step.fee.2026", azerbaijan, runs)
        # A newcomer's offer has a dot in its name.
        newcomer = next(name for name in one.layout.offers if name.startswith("unannounced"))
        assert "." in newcomer and at(f"price_step.fee.{newcomer}.RUS.2026", azerbaijan, runs).value > 1000.0
        rival = "rus_hyundai_kia"
        room = at(f"price_parity.ex_works.{newcomer}.{rival}.KAZ.2026", azerbaijan, runs).value
        room -= at(f"price_step.ex_works.{newcomer}.KAZ.2026", azerbaijan, runs).value
        ours, theirs = (at(f"price_delivered.{o}.KAZ.2026", azerbaijan, runs).value for o in (newcomer, rival))
        assert np.sign(room) == np.sign(theirs - ours)

    def test_price_parity(self, one: Futures, azerbaijan: Study) -> None:
        """Put in place of the rung it gives the rival's price: the ladder made anew by the market stage."""
        runs = {"baseline": one}
        offer, rival, market = "hajigabul_chevrolet", "uzb_chevrolet", "UZB"
        v, m = one.layout.offers.index(offer), one.layout.markets.index(market)
        step = {name: float(one.offers[f"step.{name}"][v, m]) for name in parity.STEPS if name != "obstacles"}
        cif = step["ex_works"] + step["compliance"] + step["freight"] + step["insurance"]
        landed = cif + step["duty"] + step["excise"] + step["fee"]
        here, theirs = (at(f"price_delivered.{o}.{market}.2026", azerbaijan, runs).value for o in (offer, rival))
        barrier = here / sum(step.values())
        needed = at(f"price_parity.ex_works.{offer}.{rival}.{market}.2026", azerbaijan, runs).value
        again = delivered_cost(
            [needed + step["compliance"]],
            freight=[[step["freight"]]],
            insurance_rate=step["insurance"] / (cif - step["insurance"]),
            duty_rate=step["duty"] / cif,
            excise=[[step["excise"]]],
            fee=[[step["fee"]]],
            certification=[[step["certification"]]],
            vat_rate=[step["vat"] / landed],
            margin_rate=step["margin"] / (landed + step["certification"]),
        )
        assert float(again.total[0, 0]) * barrier == pytest.approx(theirs)
        # No fee so low that it makes up for a car twice as dear: then there is no number.
        tried = {name: parity.parity(one, name, v, one.layout.offers.index(rival), m) for name in parity.MOVED}
        assert all(np.isnan(x) or x >= 0 for x in tried.values())

    def test_hub_need(self, runs: dict[str, Futures], azerbaijan: Study) -> None:
        run = runs["baseline"]
        found = at("hub_need.reach.export_share.2030", azerbaijan, runs).value
        (need,) = [row for row in parity.needs(azerbaijan, run, 2030) if row.lever == "reach"]
        assert found == need.needed["export_share"] and 0.0 < found < 1.0
        assert np.isnan(at("hub_need.fee.output.2030", azerbaijan, runs).value)

    def test_hub_need_end(self, runs: dict[str, Futures], azerbaijan: Study) -> None:
        assert at("hub_need_end.fee.output.2030", azerbaijan, runs).value < 2 / 3
        assert at("hub_need_end.reach.export_share.2030", azerbaijan, runs).value >= 2 / 3


class TestJobs:
    """People at work: at plants, at suppliers, behind wages."""

    def test_jobs_direct(self, run: Futures) -> None:
        same(run.figures["jobs_direct"], run.plants["jobs_direct"].sum(axis=-1))

    def test_jobs_indirect(self, run: Futures) -> None:
        assert np.all(run.figures["jobs_indirect"][run.figures["output"] > 0] > 0)

    def test_jobs_induced(self, run: Futures) -> None:
        assert np.all(run.figures["jobs_induced"][run.figures["jobs_direct"] > 0] > 0)

    def test_jobs(self, run: Futures) -> None:
        f = run.figures
        same(f["jobs"], f["jobs_direct"] + f["jobs_indirect"] + f["jobs_induced"])

    def test_jobs_hired(self, run: Futures, azerbaijan: Study) -> None:
        share = Draws(run.seed, 0, run.draws).of(azerbaijan.parameter("hired_share"))
        same(run.figures["jobs_hired"], run.figures["jobs"] * share[:, None])

    def test_job_years_building(self, run: Futures) -> None:
        building, invested = run.figures["job_years_building"], run.figures["investment"]
        np.testing.assert_array_equal(building > 0, invested > 0)

    def test_jobs_by_industry(self, run: Futures) -> None:
        total = run.figures["jobs_indirect"] + run.figures["jobs_induced"]
        same(run.sectors["jobs"].sum(axis=-1), total)

    def test_jobs_by_donor(self, run: Futures, runs: dict[str, Futures]) -> None:
        self.by_donor("jobs", run, runs)

    def test_gdp_by_donor(self, run: Futures, runs: dict[str, Futures]) -> None:
        self.by_donor("gdp", run, runs)

    @staticmethod
    def by_donor(stem: str, run: Futures, runs: dict[str, Futures]) -> None:
        """The futures of all donors together are the futures of the run."""
        parts = [draws_of(parse(f"{stem}_by_donor.{donor}.{YEAR}@{run.scenario}"), runs) for donor in run.donors]
        total = run.figures[f"{stem}_indirect"][:, -1] + run.figures[f"{stem}_induced"][:, -1]
        same(np.sort(np.concatenate(parts)), np.sort(total))

    def test_jobs_fiscal(self, run: Futures) -> None:
        np.testing.assert_array_equal(np.sign(run.figures["jobs_fiscal"]), np.sign(run.figures["tax"]))


class TestMoney:
    """Value added, taxes, imports, profit."""

    def test_gdp_direct(self, run: Futures) -> None:
        # wages and overhead that stays in the plant come on top of profit
        assert np.all(run.figures["gdp_direct"] >= run.figures["profit"] - 1e-9)

    def test_gdp_indirect(self, run: Futures) -> None:
        assert np.all(run.figures["gdp_indirect"][run.figures["jobs_indirect"] > 0] > 0)

    def test_gdp_induced(self, run: Futures) -> None:
        assert np.all(run.figures["gdp_induced"][run.figures["jobs_induced"] > 0] > 0)

    def test_gdp(self, run: Futures) -> None:
        f = run.figures
        same(f["gdp"], f["gdp_direct"] + f["gdp_indirect"] + f["gdp_induced"])

    def test_gdp_share(self, run: Futures, azerbaijan: Study) -> None:
        whole = sum(azerbaijan.table("industries")["gva_mid"].to_list())
        same(run.figures["gdp_share"], run.figures["gdp"] / whole)

    def test_gdp_fiscal(self, run: Futures) -> None:
        ratio = run.figures["gdp_fiscal"] / run.figures["tax"]
        same(ratio, np.broadcast_to(ratio[:, :1], ratio.shape))  # one basket a future, in every year

    def test_tax_industry(self, run: Futures) -> None:
        f = run.figures
        same(f["tax_industry"], f["tax"] + f["subsidy"] - f["tax_cars"])

    def test_tax_cars(self, run: Futures, runs: dict[str, Futures]) -> None:
        assert np.all(run.figures["tax_cars"] > 0)
        assert np.all(runs["no_industry"].figures["tax_cars"] > 0)  # imported cars pay too

    def test_tax(self, run: Futures) -> None:
        f = run.figures
        same(f["tax"], f["tax_industry"] + f["tax_cars"] - f["subsidy"])

    def test_tax_forgone(self, run: Futures, azerbaijan: Study) -> None:
        """Profit and property tax inside the holiday; the first at most the rate on what plants earn."""
        f = run.figures
        same(f["tax_forgone"], f["tax_given_up.profit"] + f["tax_given_up.property"])
        gains = np.maximum(run.plants["profit"], 0).sum(axis=-1)
        assert np.all(f["tax_given_up.profit"] <= azerbaijan.parameter("profit_tax").mid * gains * (1 + 1e-9))

    def test_subsidy(self, azerbaijan: Study, with_levers: object) -> None:
        assert callable(with_levers)
        study = with_levers({"lever": "buyer_incentive", "value": 1000.0, "year_from": 2027})
        paid = simulate(study, scenario="moved", draws=20, until=2028, workers=1)
        use = Draws(1, 0, 20).of(azerbaijan.parameter("scrappage_use"))
        f = paid.figures
        assert np.all(f["subsidy"][:, 0] == 0)
        made = f["output"] > 0
        rate = np.median(f["revenue"][made] / (f["price_ex_works"] * f["output"])[made])
        same(f["subsidy"][:, 1:], 1000.0 * use[:, None] * f["sales_home"][:, 1:] * rate)

    def test_imports_kits(self, run: Futures) -> None:
        f = run.figures
        np.testing.assert_array_equal(f["imports_kits"] > 0, f["output"] > 0)
        assert np.all(f["imports_kits"] <= f["revenue"] * (1 + 1e-9))  # a car costs more than its kit

    def test_imports_caused(self, run: Futures) -> None:
        assert np.all(run.figures["imports_caused"][run.figures["jobs_direct"] > 0] > 0)

    def test_imports_cars(self, run: Futures) -> None:
        brought = run.figures["imports_new"] + run.figures["imports_used"]
        each = run.figures["imports_cars"] / brought  # million manat a car
        assert np.all((each > 0.005) & (each < 0.2))

    def test_imports(self, run: Futures) -> None:
        f = run.figures
        same(f["imports"], f["imports_cars"] + f["imports_kits"] + f["imports_caused"])

    def test_profit(self, run: Futures) -> None:
        same(run.figures["profit"], run.plants["profit"].sum(axis=-1))
        assert np.all(run.figures["profit"] < run.figures["revenue"] + 1e-9)

    def test_investment(self, run: Futures, azerbaijan: Study) -> None:
        """Money goes in only in years in which some plant runs for the first time, so much a car of its nameplate."""
        f = run.figures
        ran = run.plants["partner_supply"] > 0
        first = ran & (np.cumsum(ran, axis=1) == 1)
        assert np.all(first.any(axis=-1)[f["investment"] > 0])
        each = Draws(run.seed, 0, run.draws).of(azerbaijan.parameter("investment_per_unit"))[:, None]
        value = f["price_ex_works"] * f["output"]
        rate = np.median(f["revenue"][value > 0] / value[value > 0])
        most = each * (run.plants["capacity_nameplate"] * first).sum(axis=-1) * rate
        assert np.all(f["investment"] <= most * (1 + 1e-9))
        assert f["investment"].max() > 0

    def test_npv(self, run: Futures, azerbaijan: Study) -> None:
        """At most the cash before taxes, at least that after all taxes of the industry; the same in every year."""
        f = run.figures
        same(f["npv"], np.broadcast_to(f["npv"][:, :1], f["npv"].shape))
        rate = Draws(run.seed, 0, run.draws).of(azerbaijan.parameter("discount_rate"))
        before = npv(f["profit"] - f["investment"] - f["subsidy"], rate)
        after = npv(f["profit"] - f["tax_industry"] - f["investment"] - f["subsidy"], rate)
        slack = 1e-9 * np.abs(before)
        assert np.all(f["npv"][:, 0] <= before + slack)
        assert np.all(f["npv"][:, 0] >= after - slack)


class TestNet:
    """A scenario minus no industry, under the same draws."""

    @pytest.mark.parametrize("name", ["jobs_net", "gdp_net", "tax_net", "imports_net"])
    def test_of_itself_is_nought(self, name: str, runs: dict[str, Futures]) -> None:
        assert np.all(net_draws(name, runs["no_industry"], runs) == 0)

    def test_jobs_net(self, run: Futures, runs: dict[str, Futures]) -> None:
        without = runs["no_industry"].figures
        more = run.figures["jobs"] - without["jobs"] + run.figures["jobs_fiscal"] - without["jobs_fiscal"]
        same(net_draws("jobs_net", run, runs), more)

    def test_gdp_net(self, run: Futures, runs: dict[str, Futures]) -> None:
        without = runs["no_industry"].figures
        more = run.figures["gdp"] - without["gdp"] + run.figures["gdp_fiscal"] - without["gdp_fiscal"]
        same(net_draws("gdp_net", run, runs), more)

    def test_tax_net(self, run: Futures, runs: dict[str, Futures]) -> None:
        same(net_draws("tax_net", run, runs), run.figures["tax"] - runs["no_industry"].figures["tax"])

    def test_imports_net(self, run: Futures, runs: dict[str, Futures]) -> None:
        same(net_draws("imports_net", run, runs), run.figures["imports"] - runs["no_industry"].figures["imports"])

    def test_diversification(self, run: Futures, azerbaijan: Study) -> None:
        """Herfindahl index with the industry less without it, written out for one draw."""
        gva = np.array(azerbaijan.table("industries")["gva_mid"].to_list())
        with_ = np.append(gva + run.sectors["gdp"][3, -1], max(run.figures["gdp_direct"][3, -1], 0.0))
        change = ((with_ / with_.sum()) ** 2).sum() - ((gva / gva.sum()) ** 2).sum()
        assert net_draws("diversification", run, {})[3, -1] == pytest.approx(change, abs=1e-12)


class TestHub:
    """The verdict, its conditions, and the view from outside."""

    def test_hub_condition(self, run: Futures, runs: dict[str, Futures], azerbaijan: Study) -> None:
        f, limit = run.figures, Thresholds()
        made = f["output"][:, -1]
        ratio = np.divide(f["exports"][:, -1], made, out=np.zeros_like(made), where=made > 0)
        exports = run.markets["exports"][:, -1]
        count = (exports > limit.destination_share * exports.sum(axis=-1, keepdims=True)).sum(axis=-1)
        met = {
            "output": made >= limit.output,
            "export_share": ratio >= limit.export_share,
            "destinations": count >= limit.destinations,
            "local_content": f["local_content"][:, -1] >= limit.local_content,
            "npv": f["npv"][:, -1] > limit.npv,
        }
        assert set(met) == set(CONDITIONS)
        for name, holds in met.items():
            found = at(f"hub_condition.{name}.{YEAR}@{run.scenario}", azerbaijan, runs)
            assert found.value == pytest.approx(holds.mean())

    def test_hub_verdict(self, run: Futures, runs: dict[str, Futures], azerbaijan: Study) -> None:
        found = at(f"hub_verdict.{YEAR}@{run.scenario}", azerbaijan, runs)
        assert found.value == pytest.approx(run.verdict.met[:, -1].all(axis=-1).mean())

    def test_hub_alternative(self, run: Futures, runs: dict[str, Futures], azerbaijan: Study) -> None:
        shares = {
            name: at(f"hub_alternative.{name}.{YEAR}@{run.scenario}", azerbaijan, runs).value for name in ALTERNATIVES
        }
        assert sum(shares.values()) == pytest.approx(1)
        assert shares["hub"] == at(f"hub_verdict.{YEAR}@{run.scenario}", azerbaijan, runs).value

    def test_hub_threshold(self, runs: dict[str, Futures], azerbaijan: Study) -> None:
        for field in fields(Thresholds):
            found = at(f"hub_threshold.{field.name}.{YEAR}", azerbaijan, runs)
            assert found.value == getattr(Thresholds(), field.name)

    def test_hub_base_rate(self, runs: dict[str, Futures], azerbaijan: Study) -> None:
        """``E[1 - (1 - p)^n]`` for ``p ~ Beta(a, b)`` is ``1 - B(a, b + n) / B(a, b)``."""
        entries = at(f"hub_base_entries.{YEAR}", azerbaijan, runs).value
        exposure = at(f"hub_base_exposure.{YEAR}", azerbaijan, runs).value
        a, b, years = entries + 0.5, exposure - entries + 0.5, YEAR - runs["baseline"].years[0] + 1
        found = at(f"hub_base_rate.{YEAR}", azerbaijan, runs)
        assert found.value == pytest.approx(1 - np.exp(betaln(a, b + years) - betaln(a, b)))
        assert found.low < found.value < found.high

    def test_hub_base_entries(self, runs: dict[str, Futures], azerbaijan: Study) -> None:
        assert 0 < at(f"hub_base_entries.{YEAR}", azerbaijan, runs).value < 60

    def test_hub_base_exposure(self, runs: dict[str, Futures], azerbaijan: Study) -> None:
        entries = at(f"hub_base_entries.{YEAR}", azerbaijan, runs).value
        assert at(f"hub_base_exposure.{YEAR}", azerbaijan, runs).value > 5 * entries


class TestPast:
    """The published backcast for makers of the country's size: what ``skill`` says, under an address."""

    def test_past_error(self, runs: dict[str, Futures], azerbaijan: Study) -> None:
        for year in (2010, 2015):
            found = skill(5_998, str(year))
            assert found.group == "under 200,000"
            assert at(f"past_error.combined.{year}", azerbaijan, runs).value == found.error_mean
            for name in ("last", "loop"):
                assert at(f"past_error.{name}.{year}", azerbaijan, runs).value == found.rulers[name]["error_mean"]
        with pytest.raises(UnknownName, match="no forecaster 'lust'; did you mean 'last'"):
            at("past_error.lust.2010", azerbaijan, runs)
        with pytest.raises(UnknownName, match="as of '1990'"):
            at("past_error.last.1990", azerbaijan, runs)

    def test_past_inside(self, runs: dict[str, Futures], azerbaijan: Study) -> None:
        assert at("past_inside.2015", azerbaijan, runs).value == skill(5_998, "2015").covered_90

    def test_past_countries(self, runs: dict[str, Futures], azerbaijan: Study) -> None:
        assert at("past_countries.2010", azerbaijan, runs).value == skill(5_998, "2010").countries


class TestShops:
    """A plant taken apart (tests/futures/test_plant_study.py): figures of the quick study, the same each time."""

    PLANT = "hajigabul_azermash_cp"

    def of(self, name: str, study: Study, runs: dict[str, Futures]) -> Figure:
        return at(f"{name}.{self.PLANT}.2026", study, runs)

    def test_shops_capacity(self, runs: dict[str, Futures], azerbaijan: Study) -> None:
        found = self.of("shops_capacity", azerbaijan, runs)
        assert 4_000 < found.low < found.value < found.high < 15_000
        assert found.unit == "cars per year"
        buses = at("shops_capacity.sumgait_byd.2026", azerbaijan, runs)
        assert buses.unit == "buses per year" and 100 < buses.low < buses.value < buses.high < 700
        with pytest.raises(UnknownName, match="makers of RUS as a whole"):
            at("shops_capacity.rus_lada.2026", azerbaijan, runs)

    def test_shops_luck(self, runs: dict[str, Futures], azerbaijan: Study) -> None:
        assert 0 < self.of("shops_luck", azerbaijan, runs).value < 0.02 * 6_800

    def test_shops_ignorance(self, runs: dict[str, Futures], azerbaijan: Study) -> None:
        luck, ignorance = (self.of(name, azerbaijan, runs).value for name in ("shops_luck", "shops_ignorance"))
        capacity = self.of("shops_capacity", azerbaijan, runs)
        assert ignorance > 10 * luck
        assert ignorance == pytest.approx((capacity.high - capacity.low) / 3.29, rel=0.25)  # 5 to 95 % of a normal

    def test_shops_bottleneck(self, runs: dict[str, Futures], azerbaijan: Study) -> None:
        """1 % of some 6,800 cars is 68; shops that wait for each other get less of it."""
        found = self.of("shops_bottleneck", azerbaijan, runs)
        assert 15 < found.low < found.value < found.high < 70

    def test_shops_reach(self, runs: dict[str, Futures], azerbaijan: Study) -> None:
        by_hand = 3.3 * 1.1 * 8 * 248 / 5_000
        assert self.of("shops_reach", azerbaijan, runs).value == pytest.approx(by_hand)


class TestRecord:
    """Quantities that the evidence gives."""

    def test_imports_vehicles(self, runs: dict[str, Futures], azerbaijan: Study) -> None:
        assert at("imports_vehicles.2013", azerbaijan, runs).value == 104385

    def test_imports_hybrid(self, runs: dict[str, Futures], azerbaijan: Study) -> None:
        assert at("imports_hybrid.2025", azerbaijan, runs).value == 73678
        assert at("imports_hybrid.CHN.2025", azerbaijan, runs).value == 62488

    def test_target_output(self, runs: dict[str, Futures], azerbaijan: Study) -> None:
        assert at("target_output.2023", azerbaijan, runs).value == 7000

    def test_output_truck(self, runs: dict[str, Futures], azerbaijan: Study) -> None:
        assert at("output_truck.2024", azerbaijan, runs).value == 697

    def test_claims_difference(self, runs: dict[str, Futures], azerbaijan: Study) -> None:
        address = "claims_difference.out-2024-10m-car-country-1.out-2025-10m-car-country-1.2025"
        assert at(address, azerbaijan, runs).value == 1153


class TestCounts:
    """How much is known."""

    def test_count_futures(self, runs: dict[str, Futures], azerbaijan: Study) -> None:
        assert at(f"count_futures.{YEAR}", azerbaijan, runs).value == runs["baseline"].draws

    def test_count_cells(self, runs: dict[str, Futures], azerbaijan: Study) -> None:
        assert at(f"count_cells.{YEAR}", azerbaijan, runs).value == len(runs["baseline"].cells) > 300

    def test_count_cells_assumed(self, runs: dict[str, Futures], azerbaijan: Study) -> None:
        assumed = [cell for cell in runs["baseline"].cells.values() if cell.source.startswith("assumed")]
        assert at(f"count_cells_assumed.{YEAR}", azerbaijan, runs).value == len(assumed) > 0

    def test_count_claims(self, runs: dict[str, Futures], azerbaijan: Study) -> None:
        assert at(f"count_claims.{YEAR}", azerbaijan, runs).value == azerbaijan.table("claims").height

    def test_count_contradictions(self, runs: dict[str, Futures], azerbaijan: Study) -> None:
        count = at(f"count_contradictions.{YEAR}", azerbaijan, runs).value
        assert count == len(contradictions(azerbaijan)) <= len(audit(azerbaijan).contradictions)

    def test_count_stale(self, runs: dict[str, Futures], azerbaijan: Study) -> None:
        assert at(f"count_stale.{YEAR}", azerbaijan, runs).value == len(stale(azerbaijan)) > 0


def _tested() -> set[str]:
    """Names of quantities that a test here is named after."""
    module = sys.modules[__name__]
    owners = [module, *(item for _, item in inspect.getmembers(module, inspect.isclass) if item.__module__ == __name__)]
    here = {name.removeprefix("test_") for owner in owners for name, _ in inspect.getmembers(owner, inspect.isfunction)}
    economy = Path(__file__).with_name("test_economy_figures.py").read_text(encoding="utf-8")
    return here | set(re.findall(r"def test_(\w+)", economy))


def test_every_quantity_has_a_test_of_its_own() -> None:
    assert set(quantities()) - _tested() == set()


@pytest.mark.parametrize("quantity", list(quantities().values()), ids=lambda quantity: quantity.name)
def test_every_quantity_describes_itself(quantity: Quantity) -> None:
    assert quantity.title and quantity.unit and quantity.description and quantity.formula and quantity.source
    assert set(quantity.inputs) <= set(quantities()), "an input that is no quantity"
    assert quantity.name not in quantity.inputs

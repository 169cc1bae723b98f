"""What a ministry asks of the futures: taxes by base, what is given up, protection, resource cost, economic value.

Each quantity has a test named after it, against the other quantities or against arithmetic of its own.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from karvan.base.axes import Array
from karvan.base.errors import InputError, StudyFaults, UnknownName
from karvan.futures import ministry
from karvan.futures.accounts import CAR_TAXES, FLOWS, HOLIDAY, STEPS, TAX_BASES
from karvan.futures.ensemble import Futures, simulate
from karvan.futures.figures import draws_of, figure, net_draws, parse
from karvan.study.load import Study, load

YEAR = 2030


@pytest.fixture(params=["baseline", "hub"])
def run(request: pytest.FixtureRequest, runs: dict[str, Futures]) -> Futures:
    """Two runs with an industry."""
    return runs[request.param]


def same(a: Array, b: Array) -> None:
    """Equal to a billionth of the largest."""
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * max(float(np.abs(b).max()), 1e-6))


def parts(run: Futures, name: str, keys: tuple[str, ...]) -> dict[str, Array]:
    """A quantity with parts, by part."""
    return {key: run.figures[f"{name}.{key}"] for key in keys}


class TestTaxes:
    def test_tax_by_base(self, run: Futures) -> None:
        f, bases = run.figures, parts(run, "tax_by_base", TAX_BASES)
        same(np.sum(list(bases.values()), axis=0), f["tax"] + f["subsidy"])
        cars = parts(run, "tax_on_cars", CAR_TAXES)
        for tax in ("vat", "excise", "fee"):
            same(bases[tax], cars[tax])
        assert (bases["duty"] >= cars["duty"] - 1e-12).all()  # and the duty on kits
        # The labour income of all rounds is taxed at one rate, of which the social part is the same in all years.
        labour = bases["income"] + bases["social"]
        working = (labour > 0).all(axis=1)
        social = (bases["social"] / np.where(labour > 0, labour, 1.0))[working]
        same(social, np.repeat(social[:, :1], social.shape[1], axis=1))
        assert working.any() and ((social > 0) & (social <= 1)).all()

    def test_tax_on_cars(self, run: Futures) -> None:
        same(np.sum(list(parts(run, "tax_on_cars", CAR_TAXES).values()), axis=0), run.figures["tax_cars"])
        assert all((values >= 0).all() for values in parts(run, "tax_on_cars", CAR_TAXES).values())

    def test_tax_given_up(self, run: Futures) -> None:
        given = parts(run, "tax_given_up", HOLIDAY)
        same(given["profit"] + given["property"], run.figures["tax_forgone"])
        # Profit is taxed or forgiven at the rate of 20 percent, losses neither.
        gain = np.maximum(run.plants["profit"], 0).sum(axis=-1)
        same(given["profit"] + run.figures["tax_by_base.profit"], 0.2 * gain)

    def test_the_holiday_ends(self, with_levers: Callable[..., Study], baseline: Futures) -> None:
        lever = {"lever": "profit_tax_holiday", "operation": "set", "value": 0.0}
        none = simulate(with_levers(lever), scenario="moved", draws=baseline.draws, until=YEAR, workers=1)
        assert (none.figures["tax_forgone"] == 0).all()
        same(
            none.figures["tax_by_base.property"],
            baseline.figures["tax_by_base.property"] + baseline.figures["tax_given_up.property"],
        )

    def test_nothing_without_the_industry(self, counterfactual: Futures) -> None:
        for name, values in counterfactual.figures.items():
            if name.startswith(("tax_given_up.", "npv_economic")):
                assert (values == 0).all(), name
        assert all((values == 0).all() for name, values in counterfactual.flows.items() if "shadow" not in name)


class TestGivenUp:
    def test_imports_saved(self, baseline: Futures, runs: dict[str, Futures]) -> None:
        saved = net_draws("imports_saved", baseline, runs)
        f, other = baseline.figures, runs["no_industry"].figures
        same(net_draws("imports_net", baseline, runs), f["imports_kits"] + f["imports_caused"] - saved)
        assert np.median(saved) > 0 and np.median(f["imports_cars"]) < np.median(other["imports_cars"])

    def test_revenue_lost(self, baseline: Futures, runs: dict[str, Futures]) -> None:
        lost = {part: net_draws("revenue_lost", baseline, runs, (part,)) for part in ministry.LOST}
        same(np.sum(list(lost.values()), axis=0), net_draws("revenue_lost", baseline, runs))
        same(lost["holiday"], baseline.figures["tax_forgone"])
        # What is given up and what the industry pays make up the net effect on the treasury.
        paid = baseline.figures["tax_industry"] - runs["no_industry"].figures["tax_industry"]
        total = net_draws("revenue_lost", baseline, runs) - lost["holiday"]
        same(net_draws("tax_net", baseline, runs), paid - total)
        with pytest.raises(UnknownName, match="no part 'holyday' of revenue lost; did you mean 'holiday'"):
            net_draws("revenue_lost", baseline, runs, ("holyday",))

    def test_revenue_lost_per_job(self, baseline: Futures, runs: dict[str, Futures]) -> None:
        each = ministry.draws("revenue_lost_per_job", baseline, runs)
        here = np.isfinite(each)
        total = 1e-6 * each * baseline.figures["jobs"]
        same(total[here], net_draws("revenue_lost", baseline, runs)[here])
        assert (baseline.figures["jobs"][~here] < 1).all()

    def test_revenue_lost_per_car(self, baseline: Futures, runs: dict[str, Futures]) -> None:
        each = ministry.draws("revenue_lost_per_car", baseline, runs, ("holiday",))
        here = np.isfinite(each)
        same((1e-6 * each * baseline.figures["output"])[here], baseline.figures["tax_forgone"][here])
        assert (baseline.figures["output"][~here] < 1).all()
        unit = figure(f"revenue_lost_per_car.{YEAR}", baseline.study, runs).unit
        assert unit == "AZN per car"

    def test_the_counterfactual_is_needed(self, baseline: Futures) -> None:
        for name in ("revenue_lost", "revenue_lost_per_job"):
            with pytest.raises(UnknownName, match="needs the futures of scenario 'no_industry'"):
                draws_of(parse(f"{name}.{YEAR}"), {"baseline": baseline})


class TestProtection:
    def test_protection_nominal(self, run: Futures) -> None:
        rate = run.figures["protection_nominal"]
        assert np.isfinite(rate).all() and (rate > -0.5).all() and (rate[run.figures["output"] == 0] == 0).all()

    def test_a_higher_duty_protects_more(self, with_levers: Callable[..., Study], baseline: Futures) -> None:
        lever = {"lever": "duty_rate", "market": "AZE", "operation": "set", "value": 0.5}
        high = simulate(with_levers(lever), scenario="moved", draws=baseline.draws, until=2026, workers=1)
        made = baseline.figures["output"][:, 0] >= 1
        assert (high.figures["protection_nominal"][made, 0] > baseline.figures["protection_nominal"][made, 0]).all()

    def test_value_added_world(self, run: Futures, runs: dict[str, Futures]) -> None:
        """At home prices less kits with duty; at world prices both without it."""
        f = run.flows
        home = f["revenue"] - f["kits_world"] - f["kits_duty"] - f["parts_abroad"]
        same(
            ministry.draws("value_added_world", run, runs),
            home + f["kits_duty"] - (f["revenue"] - f["output_world"]),
        )
        same(f["revenue"], run.figures["revenue"])
        same(f["kits_world"], run.figures["imports_kits"])

    def test_protection_effective(self, run: Futures, runs: dict[str, Futures]) -> None:
        """Corden's rate is the value added of assembly at home prices over that at world prices, less one."""
        rate, f = ministry.draws("protection_effective", run, runs), run.flows
        here = np.isfinite(rate)
        world = f["output_world"] - f["kits_world"]
        home = f["revenue"] - f["kits_world"] - f["kits_duty"]
        same(rate[here], home[here] / world[here] - 1)
        assert here.any() and (world[here] > 0).all()
        left_out = ~here & (run.figures["output"] >= 1)
        assert (world[left_out] <= 1e-9 * f["output_world"][left_out]).all()

    def test_resource_cost(self, run: Futures, runs: dict[str, Futures]) -> None:
        ratio, f = ministry.draws("resource_cost", run, runs), run.flows
        cost = f["shadow_wage"] * f["labour"] + f["capital"] + f["home_inputs"]
        earned = f["shadow_exchange"] * ministry.draws("value_added_world", run, runs)
        finite = np.isfinite(ratio)
        same((ratio * earned)[finite], cost[finite])
        assert finite.any() and (earned[np.isinf(ratio)] <= 0).all()
        assert np.isnan(ratio[run.figures["output"] < 1]).all()

    def test_a_median_among_infinities(self, baseline: Futures, runs: dict[str, Futures]) -> None:
        """A cost without earnings is infinite; quantiles are then order statistics and no mean of two."""
        flows = dict(baseline.flows)
        world = flows["output_world"].copy()
        world[::2] = 0.0
        flows["output_world"] = world
        run = replace(baseline, flows=flows, _frames={})
        found = figure(f"resource_cost.{YEAR}", baseline.study, {**runs, "baseline": run})
        assert np.isinf(found.high) and not np.isnan(found.value)

    def test_without_flows(self, baseline: Futures, runs: dict[str, Futures]) -> None:
        with pytest.raises(UnknownName, match="kept without the flows"):
            ministry.draws("resource_cost", replace(baseline, flows={}, _frames={}), runs)


class TestEconomicValue:
    def test_npv_economic_step(self, run: Futures) -> None:
        steps = parts(run, "npv_economic_step", STEPS)
        same(np.sum(list(steps.values()), axis=0), run.figures["npv_economic"])
        # The owners' flows at market prices are the cash behind npv: profit less tax, investment and incentives.
        traded, labour, other, transfers = (run.flows[name] for name in FLOWS)
        f = run.figures
        cash = f["profit"] - f["tax_by_base.profit"] - f["investment"] - f["subsidy"]
        same(traded - labour + other - transfers, cash)

    def test_npv_economic(self, run: Futures, with_levers: Callable[..., Study]) -> None:
        """With market prices as shadow prices and no discount the value is the plain sum of flows but transfers."""
        plain = {"shadow_wage_ratio": 1.0, "shadow_exchange_ratio": 1.0, "social_discount_rate": 0.0}
        levers = [{"lever": name, "operation": "set", "value": value} for name, value in plain.items()]
        got = simulate(with_levers(*levers), scenario="moved", draws=run.draws, until=YEAR, workers=1)
        traded, labour, other, _ = (got.flows[name] for name in FLOWS)
        same(got.figures["npv_economic"][:, 0], (traded - labour + other).sum(axis=1))
        assert (got.figures["npv_economic_step.wages"] == 0).all()
        assert (got.figures["npv_economic"] == got.figures["npv_economic"][:, :1]).all()


class TestByIndustry:
    def test_jobs_indirect_by_industry(self, run: Futures) -> None:
        same(run.sectors["jobs_indirect"].sum(axis=-1), run.figures["jobs_indirect"])
        assert (run.sectors["jobs_indirect"] >= 0).all()

    def test_jobs_induced_by_industry(self, run: Futures) -> None:
        same(run.sectors["jobs_induced"].sum(axis=-1), run.figures["jobs_induced"])
        same(run.sectors["jobs_indirect"] + run.sectors["jobs_induced"], run.sectors["jobs"])

    def test_gdp_by_industry(self, run: Futures, runs: dict[str, Futures]) -> None:
        same(run.sectors["gdp"].sum(axis=-1), run.figures["gdp_indirect"] + run.figures["gdp_induced"])
        found = figure(f"gdp_by_industry.trade.{YEAR}@{run.scenario}", run.study, runs)
        trade = run.sectors["gdp"][:, run.years.index(YEAR), run.layout.industries.index("trade")]
        assert found.value == pytest.approx(float(np.median(trade)))

    def test_diversification_theil(self, run: Futures, runs: dict[str, Futures]) -> None:
        """Against the index by hand, from shares of value added with and without what hangs on car making."""
        gva = np.array(run.study.table("industries")["gva_mid"].to_list(), dtype=np.float64)
        got = net_draws("diversification_theil", run, runs)
        d, y = 3, run.years.index(YEAR)
        after = np.append(gva + run.sectors["gdp"][d, y], max(run.figures["gdp_direct"][d, y], 0.0))

        def theil(values: Array) -> float:
            q = values[values > 0] / values.sum()
            return float((q * np.log(q * (len(gva) + 1))).sum())

        assert got[d, y] == pytest.approx(theil(after) - theil(gva), abs=1e-12)
        assert (net_draws("diversification_theil", runs["no_industry"], runs) == 0).all()


class TestOccupations:
    """Only where a table is given; the built-in study has none."""

    @staticmethod
    def with_table(run: Futures, shares: dict[str, dict[str, float]]) -> Futures:
        rows = [
            {"industry": industry, "occupation": name, "share": share}
            for industry, by_name in shares.items()
            for name, share in by_name.items()
        ]
        study = replace(run.study, tables={**run.study.tables, "occupations": pl.DataFrame(rows)})
        return replace(run, study=study, _frames={})

    def test_jobs_by_occupation(self, baseline: Futures) -> None:
        shares = {name: {"plant": 0.4, "office": 0.6} for name in baseline.layout.industries}
        run = self.with_table(baseline, {**shares, ministry.PLANTS: {"plant": 1.0}})
        f, at = run.figures, f"{YEAR}@baseline"
        y = run.years.index(YEAR)
        office = draws_of(parse(f"jobs_by_occupation.office.{at}"), {"baseline": run})
        plant = draws_of(parse(f"jobs_by_occupation.plant.{at}"), {"baseline": run})
        same(office, 0.6 * (f["jobs_indirect"] + f["jobs_induced"])[:, y])
        same(office + plant, f["jobs"][:, y])

    def test_refused(self, baseline: Futures) -> None:
        with pytest.raises(UnknownName, match="no occupation 'office'; the study has no table of them"):
            ministry.occupation_draws("office", baseline)
        half = {name: {"plant": 0.5} for name in (*baseline.layout.industries, ministry.PLANTS)}
        with pytest.raises(InputError, match=r"sum to 0\.5; expected 1"):
            ministry.occupation_draws("plant", self.with_table(baseline, half))
        with pytest.raises(InputError, match="gives no shares for 'agriculture'"):
            ministry.occupation_draws("plant", self.with_table(baseline, {ministry.PLANTS: {"plant": 1.0}}))

    def test_read_from_the_study(self, tiny: Path) -> None:
        path = tiny / "occupations.csv"
        path.write_text(
            "industry,occupation,share,source,note\ntrade,clerks,0.25,derived: a survey,\n", encoding="utf-8"
        )
        assert ministry.occupation_names(load(tiny)) == ("clerks",)
        path.write_text(
            "industry,occupation,share,source,note\ntrade,clerks,1.5,derived: a survey,\n", encoding="utf-8"
        )
        with pytest.raises(StudyFaults, match=r"occupations\.csv:2: share: found .*1\.5"):
            load(tiny)

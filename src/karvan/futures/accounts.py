"""The economy's books of one year: what plants buy, pay and owe, and what that sets off elsewhere.

Analysis by parts (:mod:`karvan.economy.parts`): the plants themselves are the direct effect; their purchases and
wages set off the rest. Taxes are kept by base, gained and given up. What the ministry's measures need at border prices
is kept as flows, so that protection, resource cost and economic value can be formed when they are asked for.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from karvan.base.axes import Array, BoolArray
from karvan.economy.ministry import economic_npv
from karvan.economy.parts import PartsImpact, impact_by_parts
from karvan.economy.tax import TaxHoliday, tax_report
from karvan.futures.blocks import Economy, Market, Plants
from karvan.futures.inputs import Prepared
from karvan.futures.layout import Layout
from karvan.market.cost import DeliveredCost
from karvan.partnerships.sourcing import ExWorks

SERVICES: Final = ("utilities", "construction", "transport", "finance_business")
"""Industries among which a plant's local overhead is shared evenly, as far as the table has them: ``assumed``."""
TAX_BASES: Final = ("income", "social", "vat", "excise", "fee", "products", "profit", "property", "duty")
"""Taxes by base. ``products`` is what suppliers and households pay on what they buy (VAT, excise and duty less
subsidies, as the input-output table has them); ``vat``, ``excise``, ``fee`` and most of ``duty`` are those on cars."""
HOLIDAY: Final = ("profit", "property")
"""Taxes that the holiday of the parks forgives."""
CAR_TAXES: Final = ("duty", "excise", "fee", "vat")
"""Taxes on cars bought at home."""
FLOWS: Final = ("traded", "labour", "other", "transfers")
"""Flows of the plants as :func:`karvan.economy.economic_npv` takes them."""
STEPS: Final = ("financial", "exchange_rate", "wages", "transfers")
"""The way from the owner's value to the country's."""


@dataclass(frozen=True)
class Year:
    """What one year's markets and plants hand to the books. Money in dollars per car unless a name says otherwise."""

    year: int
    index: int
    output: Array
    """(D, P), cars."""
    sales: Array
    """(D, P, M), cars."""
    costs: ExWorks
    content: Array
    """(D, P), local content, share of 1."""
    local_parts: Array
    """(D, P, G), local parts of a car by component group."""
    ladder: DeliveredCost
    """In every market, or in the home market alone."""
    home_column: int
    """Where the home market stands on the ladder's last axis."""
    quantities: Array
    """(D, V, M), cars sold."""
    used: Array
    """(D, M), used cars imported."""
    running: Array
    """(D, P), share of the year that plants run."""
    opened: Array
    """(D, P), calendar time of opening."""
    incentive: Array
    """(D,), dollars a home-made car sold at home."""
    people_per_1000: Array
    """(D, P), people whose number follows output, per 1,000 cars."""
    absorbed: Array | float
    """(D, P), dollars a year that makers bear for prices that do not follow cost."""
    used_duty: Array
    """(D,), dollars of extra duty a used car imported, on average."""
    home: int
    """The home market."""

    @cached_property
    def bought(self) -> Array:
        """(D, V), new cars bought at home. Offers side by side, so that a draw is summed alike in any company."""
        return np.ascontiguousarray(self.quantities[:, :, self.home])

    def at_home(self, step: Array) -> Array:
        """(D, V), a step of the ladder in the home market."""
        return np.ascontiguousarray(step[:, :, self.home_column])


@dataclass(frozen=True)
class Books:
    """The books of one year, each array (D, ...)."""

    figures: dict[str, Array]
    """(D,), quantities of the country; ``name.key`` where a quantity has parts."""
    plants: dict[str, Array]
    """(D, P)."""
    sectors: dict[str, Array]
    """(D, S)."""
    flows: dict[str, Array]
    """(D,), million local currency: what the ministry's measures are made from, and the two shadow ratios they take."""


class Accountant:
    """Keeps the books of one block of draws, year after year."""

    def __init__(self, prepared: Prepared, economy: Economy, plants: Plants, market: Market, own: BoolArray) -> None:
        self.prepared, self.economy, self.plants, self.vat = prepared, economy, plants, market.vat
        self.layout: Layout = prepared.layout
        self.rate = prepared.exchange_rate / 1e6
        self.foreign = ~own
        ces = market.ces
        base = ces.plant_share * ces.brand_share[ces.brand * ces.products + ces.product]
        self.basket = np.where(self.foreign, base[:, self.layout.home], 0.0)
        industries = self.layout.industries
        count = len(industries)
        self.sector_of_group = np.zeros((len(self.layout.components), count))
        self.sector_of_group[np.arange(len(self.layout.components)), self.layout.component_industry] = 1.0
        services = [industries.index(name) for name in SERVICES if name in industries]
        self.services = np.zeros(count)
        self.services[services or slice(None)] = 1.0 / (len(services) or count)
        self.builders = np.zeros(count)
        self.builders[industries.index("construction") if "construction" in industries else 0] = 1.0

    def _at(self, values: Array, index: int) -> Array:
        return values[:, min(index, values.shape[1] - 1)]

    def year(self, now: Year) -> Books:
        """The books of a year."""
        economy, plants, rate, home = self.economy, self.plants, self.rate, self.layout.home
        wage = self._at(plants.wage, now.index)[:, None]
        people = self._at(plants.people_fixed, now.index) * now.running
        people = people + now.people_per_1000 * now.output / 1000.0
        payroll = people * wage
        overhead = self._at(plants.overhead, now.index) * now.running
        parts = now.local_parts * now.output[..., None]
        services = overhead * economy.overhead_local[:, None]
        landed = (now.costs.kit + now.costs.kit_freight) * now.output
        revenue = now.costs.total * now.output
        kit_duty = now.costs.kit_duty * now.output
        profit = revenue - landed - kit_duty - parts.sum(axis=-1) - payroll - overhead - now.absorbed
        opening = (now.opened >= now.year) & (now.opened < now.year + 1) & (plants.opened0 >= now.year)
        opening &= now.running > 0
        nameplate = self._at(plants.nameplate, now.index)
        invested = (economy.investment[:, None] * nameplate * opening).sum(axis=-1)

        purchases = parts.sum(axis=1) @ self.sector_of_group + services.sum(axis=-1)[:, None] * self.services
        wages = payroll.sum(axis=-1) * rate
        building = invested * economy.investment_local * rate
        growth, prices = economy.productivity[:, now.index], economy.price_level
        impact = impact_by_parts(
            purchases * rate, wages, effects=economy.effects, deflator=prices, productivity=growth, by_sector=True
        )
        works = impact_by_parts(
            building[:, None] * self.builders,
            np.zeros_like(building),
            effects=economy.effects,
            deflator=prices,
            productivity=growth,
        )
        assets = economy.investment[:, None] * nameplate * (now.running > 0)
        due, given_up = self._taxes(now, impact, profit, assets, landed, kit_duty)
        cars = self._car_taxes(now)
        gained = {tax: due[tax] - given_up[tax] + cars[tax] for tax in TAX_BASES}
        subsidy = now.incentive * now.sales[:, :, home].sum(axis=-1) * rate
        tax_cars = np.sum([cars[tax] for tax in CAR_TAXES], axis=0)
        tax_industry = np.sum([due[tax] - given_up[tax] for tax in TAX_BASES], axis=0)
        tax = tax_industry + tax_cars - subsidy

        bought, own_home = now.bought, now.sales[:, :, home].sum(axis=-1)
        cif = now.at_home(now.ladder.customs_value)
        cif_new = (cif * bought)[:, self.foreign].sum(axis=-1)
        imports_cars = (cif_new + now.used[:, home] * economy.used_price) * rate
        imports_caused = impact.indirect["imports"] + impact.induced["imports"]
        kits = landed.sum(axis=-1) * rate
        value_at_plants = wages + (profit + overhead - services).sum(axis=-1) * rate
        made = now.output.sum(axis=-1)
        # Public money is spent as households spend: what the state gains or loses has jobs behind it too.
        public = tax / economy.effects.rest
        profit_tax = due["profit"] - given_up["profit"]
        cash = profit.sum(axis=-1) - profit_tax / rate - invested - subsidy / rate
        spent = (now.at_home(now.ladder.total) * bought).sum(axis=-1) + now.used[:, home] * (
            economy.used_price + self._at(economy.used_tax, now.index) + now.used_duty
        )
        home_value = (now.content * now.costs.total * now.output).sum(axis=-1) * share(
            own_home, np.maximum(now.sales.sum(axis=(1, 2)), 1e-9)
        )
        nominal = self._nominal_protection(now)
        direct, indirect, induced = people.sum(axis=-1), impact.indirect, impact.induced
        jobs = direct + indirect["jobs"] + induced["jobs"]
        gdp = value_at_plants + indirect["gva"] + induced["gva"]
        figures = {
            "price_ex_works": share(revenue.sum(axis=-1), made),
            "kit_cost": share((landed + kit_duty).sum(axis=-1), made),
            "local_content": share((now.content * now.output).sum(axis=-1), made),
            "revenue": revenue.sum(axis=-1) * rate,
            "jobs_direct": direct,
            "jobs_indirect": indirect["jobs"],
            "jobs_induced": induced["jobs"],
            "jobs": jobs,
            "jobs_hired": jobs * economy.hired,
            "job_years_building": works.indirect["jobs"] + works.induced["jobs"],
            "gdp_direct": value_at_plants,
            "gdp_indirect": indirect["gva"],
            "gdp_induced": induced["gva"],
            "gdp": gdp,
            "gdp_share": gdp / self.prepared.base_gva,
            "tax_industry": tax_industry,
            "tax_cars": tax_cars,
            "tax": tax,
            "tax_forgone": np.sum([given_up[tax] for tax in HOLIDAY], axis=0),
            "subsidy": subsidy,
            "imports_kits": kits,
            "imports_caused": imports_caused,
            "imports_cars": imports_cars,
            "imports": imports_cars + kits + imports_caused,
            "self_sufficiency_value": share(home_value, spent),
            "jobs_fiscal": public * economy.effects.basket["jobs"] / (growth * prices),
            "gdp_fiscal": public * economy.effects.basket["gva"],
            "profit": profit.sum(axis=-1) * rate,
            "cash": cash,
            "investment": invested * rate,
            "protection_nominal": np.where(made > 0, nominal, 0.0),
        }
        figures |= {f"tax_by_base.{base}": gained[base] for base in TAX_BASES}
        figures |= {f"tax_given_up.{base}": given_up[base] for base in HOLIDAY}
        figures |= {f"tax_on_cars.{base}": cars[base] for base in CAR_TAXES}
        flows = self._flows(
            now,
            nominal,
            revenue - now.absorbed,
            landed,
            kit_duty,
            parts.sum(axis=(1, 2)),
            payroll,
            overhead,
            services,
        )
        equipment = invested * (1 - economy.investment_local) * rate
        flows["traded"] = flows["traded"] - equipment
        flows["other"] = flows["other"] - building + (due["property"] - given_up["property"])
        flows["transfers"] = flows["transfers"] + profit_tax + (due["property"] - given_up["property"]) + subsidy
        by_plant = {
            "jobs_direct": people,
            "local_content": now.content,
            "price_ex_works": now.costs.total,
            "profit": profit * rate,
        }
        return Books(figures, by_plant, _by_industry(impact), flows)

    def _taxes(
        self, now: Year, impact: PartsImpact, profit: Array, assets: Array, landed: Array, kit_duty: Array
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """Taxes of plants, suppliers and those who serve the households, by base: due and given up, (D,), millions."""
        economy, rate = self.economy, self.rate
        labour = self._at(economy.labour_tax, now.index)
        report = tax_report(
            {
                "income": impact.household_income,
                "social": impact.household_income,
                "profit": profit,
                "property": assets,
                "duty": landed,
            },
            {
                "income": labour * (1 - economy.labour_tax_social),
                "social": labour * economy.labour_tax_social,
                "profit": self._at(economy.profit_tax, now.index)[:, None],
                "property": economy.property_tax[:, None],
                "duty": share(kit_duty, landed),
            },
            holidays=(TaxHoliday(HOLIDAY, self._at(economy.holiday, now.index)[:, None]),),
            # The year of opening is the first of the holiday, whatever the month.
            year_since_start=now.year - np.floor(now.opened),
        )
        zero = np.zeros_like(labour)
        due, given_up = dict.fromkeys(TAX_BASES, zero), dict.fromkeys(TAX_BASES, zero)
        for tax, value in report.due.items():
            by_plant = value.ndim == 2
            due[tax] = value.sum(axis=-1) * rate if by_plant else value
            given_up[tax] = report.given_up[tax].sum(axis=-1) * rate if by_plant else zero
        due["products"] = impact.indirect["product_tax"] + impact.induced["product_tax"]
        return due, given_up

    def _car_taxes(self, now: Year) -> dict[str, Array]:
        """Taxes on cars bought at home, (D,), millions.

        The tax of a used car is one number: its VAT is taken at the home rate on price and other taxes, the rest split
        as that of new imports.
        """
        economy, home = self.economy, self.layout.home
        steps = {name: now.at_home(getattr(now.ladder, name)) * now.bought for name in CAR_TAXES}
        new = {name: value.sum(axis=-1) * self.rate for name, value in steps.items()}
        border = {name: steps[name][:, self.foreign].sum(axis=-1) * self.rate for name in ("duty", "excise", "fee")}
        count = now.used[:, home] * self.rate
        each, price = self._at(economy.used_tax, now.index) + now.used_duty, economy.used_price
        vat_rate = self.vat[:, min(now.index, self.vat.shape[1] - 1), home]
        before = np.maximum((each - vat_rate * price) / (1 + vat_rate), 0.0)
        total = np.sum(list(border.values()), axis=0)
        out = {"vat": new["vat"] + (each - before) * count}
        for name in ("duty", "excise", "fee"):
            part = np.divide(
                border[name], total, out=np.full_like(total, 1.0 if name == "duty" else 0.0), where=total > 0
            )
            out[name] = new[name] + part * before * count
        return {tax: out.get(tax, np.zeros_like(count)) for tax in TAX_BASES}

    def _nominal_protection(self, now: Year) -> Array:
        """(D,), protection of home-made cars at home over their price without it.

        What imports of the same product pay at the border, on average of the base year's basket (a duty that keeps all
        out would else not be seen), less what home-made ones pay in excise and fee. Per car, not per value: duties by
        engine size weigh more on a cheap car.
        """
        own = np.flatnonzero(~self.foreign)
        bought = now.bought
        paid = {name: now.at_home(getattr(now.ladder, name)) for name in ("duty", "excise", "fee")}
        wedge = -(paid["excise"] + paid["fee"])[:, own]
        product = self.layout.offer_product
        for k in range(len(self.layout.products)):
            weight = np.where(product == k, self.basket, 0.0)
            each = np.asarray(sum(paid.values())) @ weight / max(float(weight.sum()), 1e-12)
            wedge += np.where(product[own] == k, each[:, None], 0.0)
        gate = now.at_home(now.ladder.ex_works)[:, own]
        wedge = np.minimum(wedge, 0.9 * gate)
        return share((wedge * bought[:, own]).sum(axis=-1), ((gate - wedge) * bought[:, own]).sum(axis=-1))

    def _flows(
        self,
        now: Year,
        nominal: Array,
        revenue: Array,
        landed: Array,
        kit_duty: Array,
        parts: Array,
        payroll: Array,
        overhead: Array,
        services: Array,
    ) -> dict[str, Array]:
        """(D,), millions: the plants' flows at border prices, before investment and taxes on profit and property.

        Cars sold at home compete with imports, so their border price is the gate's without the nominal protection;
        exports have it already. Local parts are home goods as far as their value is added at home.
        """
        rate, home = self.rate, self.layout.home
        at_home = share(now.sales[:, :, home].sum(axis=-1), np.maximum(now.sales.sum(axis=(1, 2)), 1e-9))
        gate = revenue.sum(axis=-1) * rate
        world = gate * (1 - at_home) + gate * at_home / (1 + np.maximum(nominal, -0.9))
        kits, duty = landed.sum(axis=-1) * rate, kit_duty.sum(axis=-1) * rate
        made_here = self.plants.domestic_content.reshape(-1)
        parts_abroad, parts_home = parts * (1 - made_here) * rate, parts * made_here * rate
        capital = (overhead - services).sum(axis=-1) * rate
        bought, wages = services.sum(axis=-1) * rate, payroll.sum(axis=-1) * rate
        return {
            "revenue": gate,
            "output_world": world,
            "kits_world": kits,
            "kits_duty": duty,
            "parts_abroad": parts_abroad,
            "capital": capital,
            "home_inputs": bought + parts_home,
            "traded": world - kits - parts_abroad - capital,
            "labour": wages,
            "other": -bought - parts_home,
            "transfers": duty - (gate - world),
            "shadow_wage": self.economy.shadow_wage,
            "shadow_exchange": self.economy.shadow_exchange,
        }


def economic_value(flows: dict[str, Array], economy: Economy) -> dict[str, Array]:
    """(D,), net present value for the country and the steps to it, millions; ``flows`` are (D, Y)."""
    found = economic_npv(
        *(flows[name] for name in FLOWS),
        discount_rate=economy.social_discount,
        shadow_wage_ratio=economy.shadow_wage,
        shadow_exchange_ratio=economy.shadow_exchange,
    )
    steps = (found.npv_financial, found.from_exchange_rate, found.from_wages, found.from_transfers)
    named = {f"npv_economic_step.{name}": step for name, step in zip(STEPS, steps, strict=True)}
    return {"npv_economic": found.npv, **named}


def _by_industry(impact: PartsImpact) -> dict[str, Array]:
    first, second = impact.indirect_by_sector, impact.induced_by_sector
    assert first is not None and second is not None and impact.jobs_by_sector is not None
    return {
        "jobs": impact.jobs_by_sector,
        "jobs_indirect": first["jobs"],
        "jobs_induced": second["jobs"],
        "gdp": first["gva"] + second["gva"],
    }


def share(part: Array, whole: Array) -> Array:
    """part / whole, 0 where there is nothing."""
    shape = np.broadcast_shapes(part.shape, whole.shape)
    return np.asarray(np.divide(part, whole, out=np.zeros(shape), where=whole > 0))

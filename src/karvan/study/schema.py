"""The tables of a study and of the world, one class a table: the only place where columns are described.

Two kinds of table. *Evidence* holds claims, which may contradict each other; none is deleted. *Model tables* hold what
the futures read. Every row of either says where it comes from in its ``source`` column:

- ``https://...`` or ``http://...``: the page the figure was read on;
- ``claim:ID``: a row of the evidence;
- ``derived: ...``: arithmetic on figures that are named;
- ``estimated: ...``: the output of a script or method that is named;
- ``assumed``: nobody measured it. Then the row has a range, and the column allows it.

An uncertain cell is four columns: ``low``, ``mid``, ``high`` and ``distribution``. For ``triangular`` they are the
least, the likeliest and the greatest value; for ``normal`` and ``lognormal`` the 5 %, 50 % and 95 % points; for
``uniform`` low and high are the ends; ``fixed`` takes ``mid``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

Kind = Literal["text", "key", "number", "integer", "year", "date", "choice"]
"""``key`` is text of letters, digits, ``_``, ``-`` and ``.``; ``date`` is YYYY, YYYY-MM or YYYY-MM-DD."""


@dataclass(frozen=True)
class Column:
    """One column: what it means and what it may hold."""

    kind: Kind
    meaning: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    required: bool = True
    """Whether a cell may be empty."""
    choices: tuple[str, ...] = ()
    refers: str = ""
    """``table.column`` whose values are the admissible ones."""
    assumed: bool = False
    """Whether a value here may rest on ``source = assumed``."""
    star: bool = False
    """Whether ``*``, for all without a row of their own, is admitted besides the values of ``refers``."""


CONFIDENCE = ("high", "medium", "low")
DISTRIBUTIONS = ("triangular", "uniform", "normal", "lognormal", "fixed")
VEHICLE_KINDS = ("passenger_car", "light_commercial", "truck", "bus", "tractor", "military", "other")
SHOPS = ("kits", "body", "paint", "trim", "chassis", "final", "test", "repair", "mixing", "building", "curing")
"""Shops of vehicle plants; ``mixing``, ``building`` and ``curing`` are those of a tyre plant."""
STATES = ("announced", "building", "operating", "idle", "closed")
GROUPS = ("demand", "costs", "policy", "partners", "plants", "behaviour", "economy")


def _source(
    meaning: str = "where the row comes from: address, claim:ID, derived: ..., estimated: ... or assumed",
) -> Column:
    return Column("text", meaning)


def _note() -> Column:
    return Column("text", "anything a reader should know", required=False)


def _low(unit: str = "as in unit") -> Column:
    return Column("number", "low end of the range", unit, required=False, assumed=True)


def _mid(unit: str = "as in unit") -> Column:
    return Column("number", "central value", unit, assumed=True)


def _high(unit: str = "as in unit") -> Column:
    return Column("number", "high end of the range", unit, required=False, assumed=True)


def _distribution() -> Column:
    return Column("choice", "shape between low and high; empty means fixed", choices=DISTRIBUTIONS, required=False)


class Table:
    """A table: its file, its key and its columns (the class attributes of type :class:`Column`)."""

    file: ClassVar[str]
    """Path below the study folder; ``evidence/*.csv`` means every file there."""
    title: ClassVar[str]
    key: ClassVar[tuple[str, ...]]
    required: ClassVar[bool] = False
    columns: ClassVar[Mapping[str, Column]]

    def __init_subclass__(cls) -> None:
        # `title` and `key` name the table itself, so columns of those names carry a trailing underscore here.
        cls.columns = {name.rstrip("_"): value for name, value in vars(cls).items() if isinstance(value, Column)}


class Claims(Table):
    """One claim a row: somebody said that a subject has a value at a time. Claims may contradict each other."""

    file = "evidence/*.csv"
    title = "Evidence"
    key = ("claim",)
    claim = Column("key", "id of the claim, unique in the study")
    subject = Column("key", "what it is about: a plant, a deal, a park, a market, a policy, or `country`")
    attribute = Column("text", "what is claimed, in the words of the attribute list in the documentation")
    kind = Column("text", "vehicle kind, segment or breakdown the claim is limited to", required=False)
    partner = Column("text", "partner country or company, for trade and deals", required=False)
    period_start = Column("date", "first day (or month, or year) the value speaks of", required=False)
    period_end = Column("date", "last day (or month, or year) the value speaks of", required=False)
    value = Column("text", "the value as claimed; numbers with a decimal point and no separators")
    unit = Column("text", "unit of the value; empty for text and dates", required=False)
    basis = Column("choice", "how the value comes about", choices=("printed", "derived", "inferred"))
    statistic = Column(
        "key", "name shared by repeats of one underlying figure; they count once. Empty: stands alone", required=False
    )
    source = _source("address of the page the claim was read on")
    source_date = Column("date", "date of that page", required=False)
    known_on = Column("date", "first date on which the claim could be known: the page's date, else the period's end")
    confidence = Column(
        "choice",
        "high: official statistic; medium: company or minister; low: contradicted or vague",
        choices=CONFIDENCE,
    )
    note = _note()


class Plants(Table):
    """One plant a row: the country's own, and rivals abroad as brand-by-country aggregates."""

    file = "plants.csv"
    title = "Plants"
    key = ("plant",)
    required = True
    plant = Column("key", "id of the plant")
    name = Column("text", "name a reader knows it by")
    role = Column("choice", "own: in the study's country; rival: abroad, an aggregate", choices=("own", "rival"))
    country = Column("key", "ISO3 code; ROW for the rest of the world")
    city = Column("text", "town", required=False)
    latitude = Column("number", "latitude", "degrees north", -90, 90, required=False)
    longitude = Column("number", "longitude", "degrees east", -180, 180, required=False)
    coordinate_kind = Column("text", "what the coordinates mark, e.g. city centre", required=False)
    vehicle_kind = Column(
        "choice", "what it mainly makes; only passenger_car enters the futures", choices=VEHICLE_KINDS
    )
    owner = Column("text", "owner as claimed", required=False)
    partner = Column("text", "foreign partner and brands as claimed", required=False)
    partner_country = Column("key", "ISO3 of the partner whose kits it depends on", required=False)
    assembly = Column("choice", "kind of assembly", choices=("skd", "ckd", "full", "unknown"))
    state = Column("choice", "state at the study's base year", choices=STATES)
    opened = Column("date", "opening or start of production", required=False)
    closed = Column("date", "closure", required=False)
    nameplate = Column("number", "capacity as announced", "units per year", 0, 5e7, required=False, assumed=True)
    nameplate_low = Column("number", "least of the announced figures", "units per year", 0, 5e7, required=False)
    nameplate_high = Column("number", "greatest of the announced figures", "units per year", 0, 5e7, required=False)
    employees = Column("number", "employees as claimed", "persons", 0, 1e6, required=False)
    investment = Column("number", "investment as claimed", "units of investment_currency", 0, required=False)
    investment_currency = Column("key", "currency code", required=False)
    replaces = Column("key", "plant whose production moves here when it opens", required=False, refers="plants.plant")
    known_on = Column("date", "first date on which the plant could be known of")
    source = _source()
    source_date = Column("date", "date of the source", required=False)
    confidence = Column("choice", "as in the evidence", choices=CONFIDENCE)
    note = _note()


class PlantStates(Table):
    """States of plants over time, as far as known; a state holds until the plant's next row."""

    file = "plant_states.csv"
    title = "Plant states"
    key = ("plant", "year")
    plant = Column("key", "plant", refers="plants.plant")
    year = Column("year", "first year of the state")
    state = Column("choice", "state", choices=STATES)
    known_on = Column("date", "first date on which the state could be known")
    source = _source()
    note = _note()


class Shops(Table):
    """Shops of a plant, one attribute a row, so that every cell has its own range and source."""

    file = "shops.csv"
    title = "Shops"
    key = ("plant", "shop", "attribute")
    plant = Column("key", "plant", refers="plants.plant")
    shop = Column("choice", "shop", choices=SHOPS)
    position = Column("integer", "place in the flow, 1 first", low=1, high=20)
    attribute = Column(
        "choice",
        "what the row gives",
        choices=(
            "rate_per_hour",  # gross; its unit says what is made: "cars per hour", "buses per hour"
            "shifts",
            "hours_per_shift",
            "days_per_year",
            "availability",
            "mttr_min",
            "first_time_right",
            "buffer_after",
        ),
    )
    low = _low()
    mid = _mid()
    high = _high()
    distribution = _distribution()
    unit = Column("text", "unit of the row")
    source = _source()
    note = _note()


class Models(Table):
    """Vehicle models made or announced, by plant."""

    file = "models.csv"
    title = "Models"
    key = ("plant", "brand", "model", "source")
    plant = Column("key", "plant or park")
    brand = Column("text", "brand")
    model = Column("text", "model")
    body = Column("text", "body", required=False)
    powertrain = Column("text", "powertrain as claimed", required=False)
    product = Column(
        "key", "product it maps to; empty when it is no passenger car", required=False, refers="products.product"
    )
    made_from = Column("text", "start as claimed; `planned` when not known to have started", required=False)
    made_until = Column("text", "end as claimed", required=False)
    launch_price = Column("number", "launch price", "AZN", 0, required=False)
    source = _source()
    source_date = Column("date", "date of the source", required=False)
    confidence = Column("choice", "as in the evidence", choices=CONFIDENCE)
    note = _note()


class Products(Table):
    """Products the futures tell apart: segment x powertrain."""

    file = "products.csv"
    title = "Products"
    key = ("product",)
    required = True
    product = Column("key", "id of the product")
    title_ = Column("text", "name of the product")
    segment = Column("text", "segment")
    powertrain = Column("choice", "powertrain", choices=("combustion", "hybrid", "electric", "electrified"))
    engine_cc = Column("number", "typical engine size", "cc", 0, 10000, assumed=True)
    source = _source()
    note = _note()


class Offers(Table):
    """A brand's product from one plant: what a buyer can choose. Flows between countries are split over offers."""

    file = "offers.csv"
    title = "Offers"
    key = ("offer",)
    required = True
    offer = Column("key", "id of the offer")
    brand = Column("key", "brand group: plants of one brand compete more closely with each other")
    plant = Column("key", "plant", refers="plants.plant")
    product = Column("key", "product", refers="products.product")
    share_home = Column("number", "share of the plant's country's home-made sales", "share of 1", 0, 1, assumed=True)
    share_export = Column(
        "number", "share of the plant's country's exports to each market", "share of 1", 0, 1, assumed=True
    )
    price_low = Column("number", "ex-works price, low", "USD per car", 0, 500000, assumed=True)
    price_mid = Column("number", "ex-works price in the base year", "USD per car", 0, 500000, assumed=True)
    price_high = Column("number", "ex-works price, high", "USD per car", 0, 500000, assumed=True)
    peers = Column("text", "brands whose shares are the prior of an entrant's appeal, separated by ;", required=False)
    source = _source()
    note = _note()


class Components(Table):
    """Component groups of a car: what share of the parts' value they are, and who could make them at home."""

    file = "components.csv"
    title = "Component groups"
    key = ("component",)
    required = True
    component = Column("key", "id of the component group")
    title_ = Column("text", "name")
    share_low = Column("number", "share of the parts' value, low", "share of 1", 0, 1, assumed=True)
    share_mid = Column("number", "share of the parts' value; the column sums to 1", "share of 1", 0, 1, assumed=True)
    share_high = Column("number", "share of the parts' value, high", "share of 1", 0, 1, assumed=True)
    industry = Column("key", "industry that would supply it", refers="industries.industry")
    minimum_scale = Column(
        "number",
        "minimum efficient scale of local making; empty: not known, and no scale effect",
        "car sets per year",
        0,
        required=False,
        assumed=True,
    )
    scale_elasticity_low = Column("number", "elasticity of unit cost to volume, low", "1", 0, 0.5, assumed=True)
    scale_elasticity_mid = Column(
        "number",
        "elasticity of unit cost to volume below the minimum efficient scale: 0.1 means that half the volume costs 7 % "
        "more; 0: no scale effect",
        "1",
        0,
        0.5,
        assumed=True,
    )
    scale_elasticity_high = Column("number", "elasticity of unit cost to volume, high", "1", 0, 0.5, assumed=True)
    source = _source()
    note = _note()


class Sourcing(Table):
    """Local share of a component group at a plant: now, and where the plan leads if it is kept."""

    file = "sourcing.csv"
    title = "Sourcing"
    key = ("plant", "component")
    plant = Column("key", "plant; * for every plant without a row of its own", refers="plants.plant", star=True)
    component = Column(
        "key",
        "component group; * for every group without a row of its own",
        refers="components.component",
        star=True,
    )
    now_low = Column("number", "local share now, low", "share of 1", 0, 1, assumed=True)
    now_mid = Column("number", "local share now", "share of 1", 0, 1, assumed=True)
    now_high = Column("number", "local share now, high", "share of 1", 0, 1, assumed=True)
    target_low = Column("number", "local share in the long run, low", "share of 1", 0, 1, assumed=True)
    target_mid = Column("number", "local share in the long run under what is decided", "share of 1", 0, 1, assumed=True)
    target_high = Column("number", "local share in the long run, high", "share of 1", 0, 1, assumed=True)
    source = _source()
    note = _note()


class Deals(Table):
    """Contracts with foreign partners: what was promised and what was delivered."""

    file = "deals.csv"
    title = "Deals"
    key = ("deal",)
    deal = Column("key", "id of the deal")
    plant = Column("key", "plant or project")
    vehicle_kind = Column("choice", "what was to be made", choices=VEHICLE_KINDS)
    partner = Column("text", "foreign partner")
    partner_country = Column("text", "country of the partner: ISO3, or as claimed")
    local_company = Column("text", "local partner", required=False)
    form = Column("text", "form of the deal", required=False)
    signed = Column("date", "date of the deal")
    planned_volume = Column("number", "promised volume", "units per year", 0, required=False)
    actual_volume = Column("number", "delivered volume as stated", "units", 0, required=False)
    actual_period = Column("text", "period of the delivered volume", required=False)
    best_year_volume = Column(
        "number", "best full year on record of the plant's output under the deal", "units per year", 0, required=False
    )
    local_content_target = Column("number", "promised local content", "percent", 0, 100, required=False)
    local_content_year = Column("year", "year of that promise", required=False)
    training = Column("text", "training promised or given", required=False)
    exports = Column("text", "export plans or results", required=False)
    state = Column("choice", "state today", choices=("active", "ended", "announced", "unclear"))
    ended = Column("year", "year the deal ended", required=False)
    outcome = Column("text", "outcome as claimed", required=False)
    known_on = Column("date", "first date on which the deal could be known")
    source = _source()
    source_date = Column("date", "date of the source", required=False)
    confidence = Column("choice", "as in the evidence", choices=CONFIDENCE)
    note = _note()


class Markets(Table):
    """Markets, one attribute a row. Where an attribute is missing, the world tables or the general assumption serve."""

    file = "markets.csv"
    title = "Markets"
    key = ("market", "attribute")
    required = True
    market = Column("key", "ISO3 code; * for every market without a row of its own")
    attribute = Column(
        "choice",
        "what the row gives",
        choices=(
            "new_sales",  # cars per year in the base period
            "new_sales_now",  # cars per year just before the futures start, where it is known apart from the base
            "used_imports",  # cars per year in the base period
            "used_imports_now",  # the same just before the futures start
            "stock",  # cars in use at the end of the year before the futures start
            "vat_rate",
            "margin_rate",  # dealer's margin on the price before VAT
            "electrified_ceiling",
            "electrified_midpoint",
            "electrified_speed",
            "new_used_elasticity",
            "real_exchange_rate_sd",
        ),
    )
    low = _low()
    mid = _mid()
    high = _high()
    distribution = _distribution()
    unit = Column("text", "unit of the row")
    source = _source()
    note = _note()


class Frictions(Table):
    """What stands between a plant and a buyer in another country: duties, excises, fees, freight, tests."""

    file = "frictions.csv"
    title = "Frictions"
    key = ("origin", "market", "product", "friction", "year_from")
    origin = Column("key", "ISO3 of the plant's country; * for every origin without a row of its own")
    market = Column("key", "ISO3 of the market; * for every market without a row of its own")
    product = Column("key", "product; * for all", refers="products.product", star=True)
    friction = Column(
        "choice",
        "what the row gives",
        choices=(
            "duty_rate",  # ad valorem, share of c.i.f.
            "duty_per_cc",  # USD per cc
            "excise",  # USD per car
            "fee",  # recycling and registration fees, USD per car
            "certification",  # USD per car
            "freight",  # USD per car
            "barrier",  # any other obstacle, as a share of the delivered price
        ),
    )
    year_from = Column("year", "first year it holds")
    year_to = Column("year", "last year it holds; empty: still", required=False)
    low = _low()
    mid = _mid()
    high = _high()
    distribution = _distribution()
    unit = Column("text", "unit of the row")
    source = _source()
    note = _note()


class Agreements(Table):
    """Trade agreements: who gives what to whom, and what a car must be to get it."""

    file = "agreements.csv"
    title = "Agreements"
    key = ("agreement", "origin", "market")
    agreement = Column("key", "id of the agreement")
    origin = Column("key", "ISO3 of the origin")
    market = Column("key", "ISO3 of the market")
    year_from = Column("year", "first year in force")
    year_to = Column("year", "last year in force; empty: still", required=False)
    covers_cars = Column("choice", "whether cars are covered", choices=("yes", "no", "unknown"))
    preferential_rate = Column("number", "duty under the agreement", "share of c.i.f.", 0, 2)
    rule_value_low = Column(
        "number", "least local value share asked, low", "share of 1", 0, 1, required=False, assumed=True
    )
    rule_value = Column("number", "least local value share asked", "share of 1", 0, 1, required=False, assumed=True)
    rule_value_high = Column(
        "number", "least local value share asked, high", "share of 1", 0, 1, required=False, assumed=True
    )
    rule_operations = Column("text", "operations asked, e.g. welding;painting", required=False)
    known_on = Column("date", "first date on which it could be known")
    source = _source()
    note = _note()


class Macro(Table):
    """Known yearly values of the economy that the world tables lack."""

    file = "macro.csv"
    title = "Macro"
    key = ("country", "variable", "year")
    country = Column("key", "ISO3 code")
    variable = Column(
        "choice",
        "what the row gives",
        choices=("exchange_rate", "gdp_usd", "wage_month", "employment", "population", "gdp_local"),
    )
    year = Column("year", "year")
    value = Column("number", "value", "as in unit")
    unit = Column("text", "unit of the row")
    basis = Column("text", "how the year's value comes about")
    source = _source()
    note = _note()


class Assumptions(Table):
    """Parameters of the stages that no other table holds. Names are those of the parameter register."""

    file = "assumptions.csv"
    title = "Assumptions"
    key = ("parameter", "key")
    required = True
    parameter = Column("key", "name in the parameter register")
    key_ = Column(
        "key",
        "plant, kind of vehicle (bus, truck, ...) or market; * for all without a row of their own; empty for one value",
        required=False,
    )
    low = _low()
    mid = _mid()
    high = _high()
    distribution = _distribution()
    unit = Column("text", "unit, as in the register")
    source = _source()
    note = _note()


class Correlations(Table):
    """Uncertain numbers that move together. Two cells: rank correlation. Two streams of yearly shocks (income,
    real_rate, demand_noise): correlation of the shocks."""

    file = "correlations.csv"
    title = "Correlations"
    key = ("first", "second")
    first = Column("key", "name of a cell, such as theta or kit_price.PLANT, or of a stream of yearly shocks")
    second = Column("key", "the name it moves with")
    rho = Column("number", "correlation", "", -1, 1)
    source = _source()
    note = _note()


class Flows(Table):
    """Base-year car flows between countries, estimated: passenger-car units, average of 2017-19."""

    file = "flows.csv"
    title = "Base-year flows"
    key = ("exporter", "importer")
    exporter = Column("key", "ISO3 of the maker; ROW for the rest of the world")
    importer = Column("key", "ISO3 of the buyer; ROW for the rest of the world")
    units = Column("number", "new passenger cars", "cars per year", 0)
    log_error = Column("number", "standard error of ln(units)", "ln", 0, 5)
    basis = Column("choice", "known from a statistic, or estimated", choices=("estimated", "known"))
    source = _source()
    note = _note()


class Industries(Table):
    """Industries of the input-output table."""

    file = "industries.csv"
    title = "Industries"
    key = ("industry",)
    required = True
    industry = Column("key", "id of the industry")
    title_ = Column("text", "name")
    isic = Column("text", "ISIC sections or divisions")
    gva_low = Column("number", "gross value added, low", "as in unit_money", assumed=True)
    gva_mid = Column("number", "gross value added", "as in unit_money", assumed=True)
    gva_high = Column("number", "gross value added, high", "as in unit_money", assumed=True)
    employment_low = Column("number", "employed persons, low", "persons", 0, assumed=True)
    employment_mid = Column("number", "employed persons", "persons", 0, assumed=True)
    employment_high = Column("number", "employed persons, high", "persons", 0, assumed=True)
    wage_month_low = Column("number", "mean monthly wage, low", "local currency per month", 0, assumed=True)
    wage_month_mid = Column("number", "mean monthly wage", "local currency per month", 0, assumed=True)
    wage_month_high = Column("number", "mean monthly wage, high", "local currency per month", 0, assumed=True)
    unit_money = Column("text", "unit of money")
    basis = Column("choice", "how the row comes about", choices=("sourced", "derived", "assumed"))
    source = _source()
    note = _note()


IO_ROWS = ("imports", "product_taxes", "compensation", "gross_surplus", "output")
"""Rows of an input-output table that are no industry."""
IO_COLUMNS = ("household_consumption", "other_final", "exports", "output")
"""Columns of an input-output table that are no industry."""


class InputOutput(Table):
    """Estimated input-output tables, one a donor: what each column buys from each row; basic prices, domestic flows."""

    file = "input_output.csv"
    title = "Input-output table"
    key = ("donor", "row", "column")
    required = True
    donor = Column("key", "ISO3 of the country whose coefficients were balanced to the margins")
    row = Column("key", "selling industry, or imports, product_taxes, compensation, gross_surplus, output")
    column = Column("key", "buying industry, or household_consumption, other_final, exports, output")
    value = Column("number", "flow", "as in unit")
    unit = Column("text", "unit of the flow")
    basis = Column("choice", "how the cell comes about", choices=("estimated", "published"))
    source = _source()
    note = _note()


class Occupations(Table):
    """Which occupations the jobs of an industry are in, if it is known; the shares of an industry sum to 1."""

    file = "occupations.csv"
    title = "Occupations"
    key = ("industry", "occupation")
    industry = Column("key", "industry of industries.csv; car_plants for the plants themselves")
    occupation = Column("key", "occupation, such as a major group of ISCO-08")
    share = Column("number", "share of the industry's jobs", "share of 1", 0, 1, assumed=True)
    source = _source()
    note = _note()


class Rules(Table):
    """Which claim is used where claims contradict each other, when the general rule is not wanted."""

    file = "rules.csv"
    title = "Choices between claims"
    key = ("subject", "attribute", "kind", "year")
    subject = Column("key", "subject of the claims")
    attribute = Column("text", "attribute of the claims")
    kind = Column("text", "vehicle kind or breakdown", required=False)
    year = Column("year", "year")
    claim = Column("key", "the claim that is used", refers="claims.claim", required=False)
    low = Column("number", "low end when no claim settles it", required=False)
    mid = Column("number", "value used when no claim settles it", required=False)
    high = Column("number", "high end when no claim settles it", required=False)
    reason = Column("text", "why")


STUDY_TABLES: dict[str, type[Table]] = {
    "claims": Claims,
    "rules": Rules,
    "plants": Plants,
    "plant_states": PlantStates,
    "shops": Shops,
    "models": Models,
    "products": Products,
    "offers": Offers,
    "components": Components,
    "sourcing": Sourcing,
    "deals": Deals,
    "markets": Markets,
    "frictions": Frictions,
    "agreements": Agreements,
    "macro": Macro,
    "assumptions": Assumptions,
    "correlations": Correlations,
    "flows": Flows,
    "industries": Industries,
    "input_output": InputOutput,
    "occupations": Occupations,
}
"""The tables of a study by name, in the order in which they are checked and documented."""


class WorldCountries(Table):
    """Countries: places and memberships."""

    file = "countries.csv"
    title = "World: countries"
    key = ("country",)
    country = Column("key", "ISO3 code")
    name = Column("text", "name")
    region = Column("text", "region")
    subregion = Column("text", "subregion", required=False)
    capital = Column("text", "capital", required=False)
    latitude = Column("number", "latitude of the capital", "degrees north", -90, 90)
    longitude = Column("number", "longitude of the capital", "degrees east", -180, 180)
    landlocked = Column("integer", "1 if landlocked", low=0, high=1)
    eu_since = Column("text", "member of the EU since", required=False)
    eaeu_since = Column("text", "member of the EAEU since", required=False)
    cis_fta_since = Column("text", "member of the CIS free-trade area of 2011 since", required=False)
    neighbours = Column("text", "countries with a common land border, separated by ;", required=False)
    area_km2 = Column("number", "area within the borders, inland waters in it", "km2", 0, required=False)
    known_on = Column("date", "first date on which the row could be known")
    source = _source()


class WorldIncome(Table):
    """Population and income by country and year."""

    file = "income.csv"
    title = "World: population and income"
    key = ("country", "year")
    country = Column("key", "ISO3 code")
    year = Column("year", "year")
    population = Column("number", "population", "persons", 0, required=False)
    gdp_per_head = Column("number", "GDP per head, constant 2015 prices", "USD of 2015", 0, required=False)
    gdp_per_head_ppp = Column(
        "number", "GDP per head, purchasing-power parity, constant prices", "international dollars", 0, required=False
    )
    urban_share = Column("number", "urban population", "share of 1", 0, 1, required=False)
    known_on = Column("date", "first date on which the row could be known")
    source = _source()


class WorldProduction(Table):
    """Vehicles made by country and year."""

    file = "production.csv"
    title = "World: production"
    key = ("country", "year")
    country = Column("key", "ISO3 code")
    year = Column("year", "year")
    passenger_cars = Column("number", "passenger cars", "cars per year", 0, required=False)
    commercial_vehicles = Column("number", "commercial vehicles", "vehicles per year", 0, required=False)
    total = Column("number", "all motor vehicles", "vehicles per year", 0, required=False)
    quality = Column("key", "quality mark, as in the documentation")
    known_on = Column("date", "first date on which the row could be known")
    source = _source()
    note = _note()


class WorldSales(Table):
    """New vehicles sold or registered by country and year."""

    file = "sales.csv"
    title = "World: new registrations"
    key = ("country", "year")
    country = Column("key", "ISO3 code")
    year = Column("year", "year")
    passenger_cars = Column("number", "passenger cars", "cars per year", 0, required=False)
    commercial_vehicles = Column("number", "commercial vehicles", "vehicles per year", 0, required=False)
    total = Column("number", "all motor vehicles", "vehicles per year", 0, required=False)
    known_on = Column("date", "first date on which the row could be known")
    source = _source()
    note = _note()


class WorldStock(Table):
    """Vehicles in use by country and year."""

    file = "stock.csv"
    title = "World: vehicles in use"
    key = ("country", "year", "measure")
    country = Column("key", "ISO3 code")
    year = Column("year", "year")
    measure = Column("key", "what is counted")
    stock = Column("number", "vehicles in use", "vehicles", 0, required=False)
    per_1000 = Column("number", "vehicles per 1,000 people", "per 1,000 people", 0, required=False)
    known_on = Column("date", "first date on which the row could be known")
    source = _source()
    note = _note()


class WorldFleetAges(Table):
    """Passenger cars in use by age class, end of year."""

    file = "fleet_ages.csv"
    title = "World: cars in use by age"
    key = ("country", "year", "age_class")
    country = Column("key", "ISO3 code")
    year = Column("year", "year")
    age_class = Column("choice", "age class in years", choices=("0-2", "2-5", "5-10", "10-20", "20+", "all"))
    cars = Column("number", "passenger cars", "cars", 0)
    known_on = Column("date", "first date on which the row could be known")
    source = _source()


class WorldCommercial(Table):
    """Commercial vehicles in use by kind, end of year."""

    file = "fleet_commercial.csv"
    title = "World: commercial vehicles in use"
    key = ("country", "year")
    country = Column("key", "ISO3 code")
    year = Column("year", "year")
    light_goods = Column("number", "light goods vehicles", "vehicles", 0, required=False)
    lorries = Column("number", "lorries", "vehicles", 0, required=False)
    road_tractors = Column("number", "road tractors", "vehicles", 0, required=False)
    buses = Column("number", "buses and coaches", "vehicles", 0, required=False)
    known_on = Column("date", "first date on which the row could be known")
    source = _source()


class WorldTariffs(Table):
    """Import duties on cars and kits, as far as known."""

    file = "tariffs.csv"
    title = "World: tariffs"
    key = ("importer", "product", "origin", "year_from", "source", "note")
    importer = Column("key", "ISO3 code, EU or EAEU")
    year_from = Column("year", "first year", required=False)
    year_to = Column("year", "last year", required=False)
    product = Column("text", "product as named by the source")
    origin = Column("text", "MFN or the preferred partner")
    duty_rate = Column("number", "ad valorem duty", "percent", 0, 1000, required=False)
    duty_specific = Column("text", "specific part", required=False)
    kind = Column("text", "kind of charge", required=False)
    confidence = Column("choice", "as in the evidence", choices=CONFIDENCE)
    known_on = Column("date", "first date on which the row could be known")
    source = _source()
    note = _note()


class WorldAgreements(Table):
    """Trade agreements that cover cars or may: between whom, and what a car must be. Rows in front beat later ones."""

    file = "agreements.csv"
    title = "World: agreements"
    key = ("agreement",)
    agreement = Column("key", "id of the agreement, or of one phase of it")
    parties = Column("text", "ISO3 codes separated by ;, or EU, EAEU, CIS_FTA for the members of a year")
    partners = Column("text", "the other side, as parties; empty: the parties among themselves", required=False)
    mutual = Column("choice", "no: only cars of the parties enter the partners", choices=("yes", "no"))
    year_from = Column("year", "first year in force for cars")
    year_to = Column("year", "last year in force; empty: still", required=False)
    covers_cars = Column("choice", "whether cars are covered", choices=("yes", "no", "unknown"))
    preferential_rate = Column("number", "duty under the agreement", "share of c.i.f.", 0, 2)
    rule_value_low = Column(
        "number", "least local value share asked, low", "share of 1", 0, 1, required=False, assumed=True
    )
    rule_value = Column("number", "least local value share asked", "share of 1", 0, 1, required=False, assumed=True)
    rule_value_high = Column(
        "number", "least local value share asked, high", "share of 1", 0, 1, required=False, assumed=True
    )
    rule_operations = Column("text", "operations asked, e.g. welding;painting", required=False)
    known_on = Column("date", "first date on which the row could be known")
    source = _source()
    note = _note()


WORLD_TABLES: dict[str, type[Table]] = {
    "countries": WorldCountries,
    "income": WorldIncome,
    "production": WorldProduction,
    "sales": WorldSales,
    "stock": WorldStock,
    "fleet_ages": WorldFleetAges,
    "fleet_commercial": WorldCommercial,
    "tariffs": WorldTariffs,
    "agreements": WorldAgreements,
}
"""The packaged world tables by name."""

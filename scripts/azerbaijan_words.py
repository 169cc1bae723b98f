"""Words of the Azerbaijan facts in the study's words: attributes, kinds, partners and notes.

Used by ``build_azerbaijan_evidence.py``. A word of the facts that is missing here stops that script, so no row is lost
in silence.
"""

import re

KINDS = {
    "all vehicles": "all_vehicles",
    "all cars": "all_vehicles",
    "cars, trailers and semi-trailers": "cars_and_trailers",
    "machinery, equipment, cars and trailers": "machinery_and_vehicles",
    "machinery, equipment, other vehicles, cars and trailers": "machinery_and_vehicles",
    "passenger car": "passenger_car",
    "special-purpose vehicle": "special_purpose",
    "tractor": "tractor",
    "truck": "truck",
    "bus": "bus",
    "bus (10 or more seats)": "bus",
    "combine harvester": "combine_harvester",
    "electric bus": "electric_bus",
    "electric car": "electric_car",
    "hybrid car": "hybrid_car",
    "hybrid car (not plug-in)": "hybrid_car_without_plug",
    "hybrid car (up to 3 years old, up to 2500 cc)": "hybrid_car_with_relief",
    "plug-in hybrid car": "plug_in_hybrid_car",
    "internal-combustion car": "combustion_car",
    "used cars re-exported by Georgia to all destinations": "used_car_reexport",
    "vehicles and spare parts": "vehicles_and_parts",
}
"""Vehicle kinds. The customs' ``all cars`` are cars, buses, trucks and special vehicles together."""

SHORT = {"passenger_car": "car", "cars_and_trailers": "cars_trailers", "machinery_and_vehicles": "machinery"}
"""Kinds as they stand in claim ids."""

MEASURES = {
    "produced": ("output", ""),
    "output value": ("output_value", "value"),
    "finished stock at period end": ("finished_stock", "stock"),
    "year-on-year change": ("output_change_percent", "change"),
    "ratio to same period of previous year": ("output_ratio", "ratio"),
    "share of country output": ("output_share", "share"),
    "produced cumulative": ("output_cumulative", "cum"),
    "output value cumulative": ("output_value_cumulative", "cumvalue"),
}
"""Measures of the output table: attribute, and its part of the claim id."""

PARTNERS = {
    "": "",
    "Georgia": "GEO",
    "China": "CHN",
    "Japan": "JPN",
    "South Korea": "KOR",
    "United States": "USA",
    "Germany": "DEU",
    "Russia": "RUS",
    "Uzbekistan": "UZB",
    "Moldova": "MDA",
    "Ukraine": "UKR",
    "Turkmenistan": "TKM",
    "Kazakhstan": "KAZ",
    "Kyrgyzstan": "KGZ",
    "Belarus": "BLR",
    "Tajikistan": "TJK",
    "Turkey": "TUR",
    "Iran": "IRN",
    "Hungary": "HUN",
    "Italy": "ITA",
    "South Africa": "ZAF",
    "Czech Republic": "CZE",
    "not stated": "not stated",
}

MARKET = {
    "EV imports ratio to 2021": "imports_ratio",
    "EV share of imported cars": "import_share",
    "age structure of passenger cars": "age_share_cars",
    "age structure of vehicles": "age_share_vehicles",
    "annual demand": "demand",
    "annual depreciation of cars offered": "depreciation",
    "automotive output forecast": "output_value_forecast",
    "average age of cars offered in Baku": "mean_age_offered",
    "average customs price": "customs_price",
    "average mileage of cars offered in Baku": "mean_mileage_offered",
    "average price in Baku car market": "price",
    "average value of car re-exported by Georgia": "reexport_price",
    "buses in Baku public transport": "buses_in_use",
    "car sales": "car_sales",
    "cars in use by brand": "cars_in_use_brand",
    "cars offered in Baku": "cars_offered",
    "cars per 100 families": "cars_per_100_families",
    "cars per 100 households": "cars_per_100_families",
    "cars produced less than 5 years ago": "young_vehicles",
    "comparison: passenger cars per 1000 people": "cars_per_1000_abroad",
    "farm machinery sales, subsidised": "farm_machinery_sales_value",
    "farm machinery sold with subsidy": "farm_machinery_sales",
    "fuel structure of passenger cars": "fuel_share_cars",
    "market share of sales": "sales_share",
    "new-car sales": "new_sales",
    "passenger cars by age": "cars_by_age",
    "passenger cars in use": "cars_in_use",
    "passenger cars per 1000 people": "cars_per_1000",
    "price example": "price_example",
    "private passenger cars in use": "private_cars_in_use",
    "share of Georgia used-car re-exports going to Azerbaijan": "reexport_share",
    "share of offers in Baku car market": "offer_share",
    "vehicle registrations": "new_registrations",
    "vehicles by age": "vehicles_by_age",
    "vehicles in use": "vehicles_in_use",
    "vehicles in use forecast": "vehicles_in_use_forecast",
    "vehicles in use, growth": "vehicles_in_use_growth",
    "vehicles in use, increase": "vehicles_in_use_increase",
    "vehicles per 1000 people": "vehicles_per_1000",
}

ECONOMY = {
    "GDP": "gdp",
    "GDP per capita": "gdp_per_head",
    "average monthly hours per worker": "hours_month",
    "average monthly nominal wage": "wage_month",
    "budget VAT on imports, planned": "budget_vat_imports",
    "economically active population": "labour_force",
    "employed population": "employment",
    "exchange rate": "exchange_rate",
    "goods exports": "goods_exports",
    "goods imports": "goods_imports",
    "hired employees": "hired_employees",
    "industrial output": "industrial_output",
    "industrial output index": "industrial_output_change",
    "input-output table": "input_output_table",
    "minimum monthly wage": "minimum_wage",
    "output of industrial zones": "zones_output",
    "population": "population",
    "road freight carried": "road_freight",
    "road passengers carried": "road_passengers",
    "share of GDP": "share_of_gdp",
    "share of employment": "share_of_employment",
    "share of hired employees": "share_of_hired",
    "share of industrial output": "share_of_industry",
    "share of industrial zones in non-oil industrial output": "zones_share_of_industry",
    "share of transport in GDP": "share_of_gdp",
    "value added": "value_added",
}

POLICY = {
    "government output target": {"units per year": "target_output", "AZN": "target_output_value"},
    "environmental standard": {"Euro class": "emission_class"},
    "VAT": {"percent": "vat_rate"},
    "customs duty": {"USD per cc": "duty_per_cc", "percent": "duty_rate", "percent of customs value": "duty_rate"},
    "industrial zones": {"companies": "park_residents"},
    "recycling fee": {"AZN per car": "recycling_fee"},
    "customs clearance fee": {"AZN": "clearance_fee"},
    "excise": {"AZN per cc": "excise_per_cc", "AZN": "excise_fixed"},
    "registration state duty": {"AZN per cc": "registration_duty_per_cc"},
    "industrial-park privilege": {"years": "park_holiday", "percent": "park_relief_materials", "parks": "parks"},
    "investment promotion certificate": {"percent of profit": "certificate_relief", "years": "certificate_years"},
    "trade agreement": {
        "percent": "preferential_duty",
        "agreement": "agreement",
        "product groups": "agreement_products",
        "membership": "membership",
        "countries": "agreement_count",
    },
    "state programme": {
        "USD (source); AZN in another source": "programme_gdp",
        "jobs": "programme_jobs",
        "AZN": "programme_money",
    },
    "scrappage scheme": {
        "percent of discount": "scrappage_cash_share",
        "years": "scrappage_validity",
        "scheme": "scrappage_scheme",
        "AZN": "scrappage_payment",
    },
    "import restriction": {"years": "import_age_limit"},
    "state subsidy": {
        "percent of customs value": "farm_subsidy_rate",
        "years": "farm_loan_term",
        "percent": "farm_subsidy_rate",
        "AZN": "farm_subsidy_paid",
    },
}
"""Attribute by policy category and unit."""

_PLANT = """
nameplate capacity = nameplate
nameplate capacity low = nameplate
nameplate capacity high = nameplate
nameplate capacity full = nameplate
nameplate capacity cars = nameplate / passenger_car
nameplate capacity buses = nameplate / bus
nameplate capacity initial = nameplate / first_stage
nameplate capacity later = nameplate / second_stage
nameplate capacity first stage = nameplate / first_stage
nameplate capacity first stage (buses) = nameplate / first_stage
nameplate capacity second stage (buses and trucks) = nameplate / second_stage
potential tractor capacity = nameplate / tractor
design capacity (Soviet project) = nameplate / design
capacity with three shifts = nameplate / three_shifts
passenger tyres = nameplate / passenger_tyres
truck tyres = nameplate / truck_tyres
planned capacity low = nameplate_planned
planned capacity high = nameplate_planned
capacity target end-2022 = nameplate_planned
expanded capacity planned = nameplate_planned
planned capacity in three years = nameplate_planned
years to reach 500 a year = nameplate_planned / years_to_reach
Turkish tractor plant initial capacity = nameplate @ kirikkale_belarus
Turkish tractor plant later capacity = nameplate_planned @ kirikkale_belarus
Turkish tractor plant cost = investment @ kirikkale_belarus
Turkish tractor plant spent so far = investment_spent @ kirikkale_belarus
Turkish tractor plant opened = opened @ kirikkale_belarus
Turkey sales target in three years low = target_output / export
Turkey sales target in three years high = target_output / export
partner funding for Turkey entry = investment / partner
investment = investment
investment first stage = investment / first_stage
investment second stage = investment / second_stage
later-stage investment (e-trucks, batteries) = investment / later_stage
investment portfolio = investment / portfolio
investment made = investment_spent
investment spent so far = investment_spent
total assets = assets
financing = financing
opened = opened
production start = opened / production
founded = opened / founded
established = opened / founded
planned opening = planned_opening
planned construction time = construction_time
construction start = groundbreaking
groundbreaking = groundbreaking
project stages = plan / stages
planned shops = plan / shops
facilities = facilities
status = state
employees = employees
employees at start = jobs_planned / first_stage
employees first stage = jobs_planned / first_stage
employees planned at start = jobs_planned / first_stage
employees planned = jobs_planned
employees planned low = jobs_planned
employees planned high = jobs_planned
jobs planned = jobs_planned
jobs = employees
jobs created = employees
new jobs from Haller = jobs_planned / haller
training = training
area = area
site area = area
factory footprint = area / factory
assembly area = area / assembly
production area = area / production
distance from Baku = distance
city latitude = latitude
city longitude = longitude
owner = owner
builder = builder
investor = owner
bidders considered = bidders
resident status = resident_since
residents = residents
operating residents = residents / operating
dealers = dealers
owner share Azermash = owner_share / azermash
owner share AzerMash = owner_share / azermash
owner share Iran Khodro = owner_share / iran_khodro
owner share Kartal AZ = owner_share / kartal
owner share Azerbaijani side = owner_share / azerbaijani
owner share Chinese side = owner_share / chinese
memorandum signed = agreement_date / memorandum
Tatra memorandum = agreement_date / tatra
MTZ memorandum and MAZ municipal-kit agreement = agreement_date / mtz_maz
MAZ and MTZ contract signed = agreement_date / mtz_maz
KamAZ agreement = agreement_date / kamaz
KamAZ licence and kit-supply agreement = agreement_date / kamaz
KamAZ assembly start = opened / kamaz
agreement = agreement_date
agreement signed = agreement_date
agreements signed = agreement_date
Haller contract term = contract_term / haller
licence = licence
assembly kind = assembly
local content = local_content
localisation = local_content
local-content target 2030 = local_content_target
local-content threshold for national status = local_content_target
origin of parts = kits_from
equipment origin = equipment_from
emission standard = emission_class
output 2023 = output / passenger_car
buses 2023 = output / bus
trucks 2023 = output / truck
output 2008 (cars and tractors) = output / cars_and_tractors
tractor output low = output / tractor
tractor output high = output / tractor
tractor assembly rate during lockdown low = output_per_day / tractor
tractor assembly rate during lockdown high = output_per_day / tractor
cars produced 2018 (company) = output / passenger_car
units produced 2018 (company) = output / passenger_car
trial output = output_cumulative
cumulative output = output_cumulative
cumulative output of Dena since March 2018 = output_cumulative / dena
cumulative tractors = output_cumulative / tractor
cumulative special tractors = output_cumulative / special_tractor
cumulative MAZ trucks = output_cumulative / truck
municipal vehicles produced (22 cubic metres) = output_cumulative / municipal
Oka cars assembled = output_cumulative / passenger_car
Lada/Oka kits assembled 2004-2006 = output_cumulative / passenger_car
Oka assembly suspended = closed / oka
first Lifan batch = batch / lifan
first batch = batch / military
first kits = batch / kits
first Belarus tractor = opened / tractor
first bus presented = opened / first_bus
first deliveries = planned_opening / deliveries
delivery end = contract_end / military
contract extension = contract / military
total contract = contract / military
tractor contract = contract / tractor
cumulative vehicles obtained = output_cumulative / military
MTZ extra machines by end-2017 = contract / mtz
MTZ kits to be sent = contract / mtz
planned output = target_output
planned output low = target_output
planned output high = target_output
planned output 2016 = target_output
planned output 2018 = target_output
planned output 2019 = target_output
planned output 2023 = target_output
planned output 2024 = target_output
planned output to end-2025 = target_output
planned monthly output = target_output / month
planned pickup output low = target_output / pickup
planned pickup output high = target_output / pickup
first-stage output = target_output / first_stage
first-stage output plan to end-2019 = target_output / first_stage
first-year plan = target_output / first_year
initial plan = target_output / initial
planned Lifan assembly = target_output / lifan
MAZ-Haller municipal vehicles first stage low = target_output / municipal
MAZ-Haller municipal vehicles first stage high = target_output / municipal
towns and districts to receive municipal vehicles = plan / municipal_districts
plan = plan
planned products = plan / products
models = models
models planned = models
number of models = models
tractor models = models / tractor
MAZ models = models / truck
Changan truck models = models / changan
cars sold 2018 = sales
cars sold January-February 2019 = sales
cars sold first quarter 2017 = sales
cumulative sales = sales_cumulative
sales H1 2025 = sales_value
tractors sold to Agrolizing = sales_cumulative / agrolizing
tractors sold to private buyers = sales_cumulative / private
share of 2018 output sold = sales_share
share of 2018 cars bought by government agencies = sales_share / government
share of 2018 cars bought by households = sales_share / households
share of 2019 cars bought by government agencies = sales_share / government
share of 2019 cars bought by households = sales_share / households
state purchase (Labour Ministry, Khazar LX) = state_purchase
planned state purchase 2025-2028 = state_purchase / planned
BakuBus single-source contract (liberated districts) = state_purchase / value
buses for Baku = state_purchase / baku
buses for Karabakh = state_purchase / karabakh
buses for Nakhchivan = state_purchase / nakhchivan
imported pilot buses = imports / electric_bus
export = exports_claim
cumulative exports = exports_value_cumulative
export rights = export_plan
export plan = export_plan
export plan to Ukraine 2019 = export_plan / UKR
export consignment to Russia planned = export_plan / RUS
export share planned before 2020 = export_share_planned
planned export share = export_share_planned
planned export markets = export_plan
export markets planned = export_plan
target export market = export_plan
domestic demand for commercial vehicles = demand / commercial
share of demand to be covered low = demand_share_planned
share of demand to be covered high = demand_share_planned
bus capacity = bus_seats
bus range = bus_range
bus price low = price / bus
bus price high = price / bus
truck price low = price / truck
truck price high = price / truck
pickup price low = price / pickup
pickup price high = price / pickup
starting car price = price / lowest
domestic price low = price / home
domestic price high = price / home
retail price low = price / retail
retail price high = price / retail
planned car price low = price_planned
planned car price high = price_planned
expected car price low = price_planned
expected car price high = price_planned
expected price cut low = price_cut_planned
expected price cut high = price_cut_planned
shifts (possible) = shifts
"""


def _plant_words(text: str) -> dict[str, tuple[str, str, str]]:
    """Attribute of the facts -> (attribute, kind, other subject)."""
    words = {}
    for line in text.strip().splitlines():
        old, new = line.split(" = ")
        new, _, subject = new.partition(" @ ")
        attribute, _, kind = new.partition(" / ")
        words[old] = (attribute, kind, subject)
    return words


PLANT = _plant_words(_PLANT)

_NOTES: tuple[tuple[str, str], ...] = (
    (r"year (?:inferred|taken) as (\d{4}) from the series \([^)]*\)", r"the page shows no year; \1 fits the series"),
    (r"year (?:inferred|taken) as (\d{4}) \([^)]*\)", r"the page shows no year; \1 fits the series"),
    (r"year (?:inferred|taken) as (\d{4})(?: from the series)?", r"the page shows no year; \1 fits the series"),
    (r"year labels inferred \(1995-2007\) from the series", "years of the table read from its order"),
    (r"year not printed; taken as (\d{4})[^;]*", r"the page shows no year; \1 fits the growth it gives"),
    (r"year inferred$", "year concluded from the context"),
    (r"derived: (\S+) minus stated (?:rise|increase) of (\S+)", r"arithmetic on the page: \1 - \2"),
    (r"derived: (\S+) minus stated (?:fall|decrease) of (\S+)", r"arithmetic on the page: \1 + \2"),
    (r"derived: (\S+) plus stated (?:fall|decrease|difference) of (\S+?)(;|$)", r"arithmetic on the page: \1 + \2\3"),
    (r"derived: (\S+) minus (\S+)", r"arithmetic on the page: \1 - \2"),
    (r"^(?:almost|nearly)$", "rounded up on the page"),
    (r"^(?:about|around|approximately)$", "rounded on the page"),
    (r"^(?:more than|over|exceeded|exceeds)$", "a lower bound on the page"),
    (r"^(?:initially )?up to$", "an upper bound on the page"),
    (r"^over 10 years: more than$", "a lower bound on the page"),
    (r"^(?:more than|over); (.*)", r"a lower bound; \1"),
    (r"^(?:about|approximately); (.*)", r"rounded; \1"),
    (r"^(?:about|approximately), (.*)", r"rounded; \1"),
    (r"^(.+?)[,:] (?:about|around)$", r"\1; rounded"),
    (r"^(.+?): more than$", r"\1; a lower bound"),
    (r"^(?:about|around), (.*)", r"rounded; \1"),
    (r"(?:other sources|another outlet gives|other outlets give|other source says|another source:) ", "elsewhere: "),
    (r"conflicts with the 3.7 percent fall reported for January-July", "January to July fell by 3.7 percent elsewhere"),
    (
        r"direction unclear: an earlier report gave a fall of 18.3 percent for 10 months",
        "rise or fall not clear: ten months fell by 18.3",
    ),
    (
        r"probably the broad machinery aggregate: 10-month figure for cars and trailers was 79.3 million",
        "most likely all machinery: cars and trailers made 79.3 million in ten months",
    ),
    (r"broad machinery\+vehicles aggregate", "machinery and vehicles together"),
    (
        r"sentence on cars is missing in the excerpt; 121 may refer to cars",
        "the words on cars were not seen; 121 fits them",
    ),
    (r"production halted from April 2020 \(pandemic\), resumed in July", "stop for the pandemic, April to July 2020"),
    (r"source says trucks a second time; read as tractors", "the page has trucks twice; taken for tractors"),
    (r"sentence ambiguous \(fell 16 percent or 451 units\)", "a fall of 16 percent, or to 451, can be read"),
    (
        r"source sentence reverses direction; read as year-earlier figure",
        "the page turns the flow round; taken for the year before",
    ),
    (
        r"unit count implausible \(total 2014 imports were about 63 thousand\); probably 16800",
        "cannot be: 63,000 came in all in 2014; most likely 16,800",
    ),
    (
        r"unit count out of line with other 2019 months \(2262 for 9 months; 3261 for year\)",
        "does not fit 2,262 in nine months and 3,261 in the year",
    ),
    (
        r"customs chairman; year inferred from mention of the Japanese earthquake",
        "customs chairman; the year follows from the earthquake in Japan he names",
    ),
    (r"planned delivery of ten Khazar SD, not confirmed", "a plan, ten Khazar SD; delivery not confirmed"),
    (r"the value may include electric cars; compare 2025 release \(2.3 times\)", "electric cars may be in the value"),
    (r"not printed in (?:the )?excerpt", "not shown"),
    (r"excerpt cut after", "the part seen ends after"),
    (r"(?:cut off )?in (?:the )?excerpt", "not whole in the part seen"),
    (r"World Bank series, mirrored", "World Bank, read from a mirror"),
    (r"concept for 2014-2017", "plan of 2013 for 2014 to 2017"),
    (
        r"half year; year not shown \(site order suggests 2024 against 2023\)",
        "half a year; 2024 against 2023 by site order",
    ),
    (r"encyclopaedia mirror", "copy of an encyclopaedia"),
    (r"commercial aggregator", "commercial data site"),
    (r"State Statistical Committee", "national statistics"),
    (r"in force; effective_from is the signing date", "in force; the start is the day of signing"),
    (r"government forecast \(2019 medium-term\)", "official medium-term forecast of 2019"),
    (
        r"source prints years 2019,2020,2020,2021,2022 for the five figures; sequence re-dated here as 2019-2023",
        "the page dates the five figures 2019, 2020, 2020, 2021, 2022; here 2019 to 2023",
    ),
    (r"kits come from Iran according to AzerMash; see trend 2945774", "AzerMash itself says that kits come from Iran"),
    (r"contradicted: country total", "the country's total"),
    (r"reference year-end", "year"),
)  # fmt: skip
"""Patterns, applied in this order."""


def reword(note: str) -> str:
    """The note of a fact in the study's own short words."""
    for pattern, replacement in _NOTES:
        note = re.sub(pattern, replacement, note)
    return note

"""What drives a figure: a first sensitivity from the futures at hand, without running more.

For each uncertain number the futures are sorted by it and cut into equal slices; the variance of the slice means over
the variance of all is the share of variance that the number explains on its own (the first-order index, estimated
from given data: Plischke, Borgonovo and Smith 2013, European Journal of Operational Research 226). The share that
pure chance would give, ``(slices - 1) / draws``, is taken off. With hundreds of numbers some look strong by chance,
so only those are named whose share (or whose plain trend) chance would give to one study in a hundred, counting all
numbers looked at (Bonferroni's bound on the chi-square of the slices). Events within a future (which plants run, how
large the home market is) are looked at in the same way: where hazards decide, they say more than any one input.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from karvan.base.axes import Array
from karvan.base.streams import BLOCK
from karvan.futures.ensemble import Futures
from karvan.futures.figures import Address, draws_of, parse
from karvan.futures.layout import Layout
from karvan.futures.names import country_name, offer_name
from karvan.study.cells import Cell
from karvan.study.load import Study
from karvan.study.register import parameters

SLICES = 10
CHANCE = 0.01
"""Chance that any number at all is named wrongly."""


@dataclass(frozen=True)
class Driver:
    """One uncertain number and what it does to a figure."""

    name: str
    title: str
    share: float
    """Share of the figure's variance that it explains on its own, 0 to 1."""
    low: float
    """Median of the figure in the lowest fifth of the number."""
    high: float
    """Median of the figure in the highest fifth."""
    sign: int


@dataclass(frozen=True)
class Drivers:
    """What drives a figure, the strongest first."""

    figure: str
    rows: tuple[Driver, ...]
    rest: float
    """Share of variance that no single number explains: chance within a future (openings, interruptions, noise) and
    numbers acting together."""


def drivers(text: str, runs: Mapping[str, Futures], *, most: int = 12) -> Drivers:
    """The uncertain numbers that explain most of a forecast figure's variance.

    The figure is ranked first, so that a long tail does not decide.
    """
    address, run, values, ranks = _ranked(text, runs)
    found = []
    uncertain = list(run.drawn)
    names = _plant_names(run.study, run.layout)
    for name in uncertain:
        uniform = uniforms(run, name)
        if not noticed(uniform, ranks, len(uncertain)):
            continue
        share, low, high = effect(uniform, ranks, values)
        found.append(Driver(name, title_of(name, names), share, low, high, int(np.sign(high - low))))
    if address.period.isdigit():
        found += list(_events(run, run.years.index(int(address.period)), ranks, values, names, address.quantity))
    found.sort(key=lambda row: (-row.share, row.name))
    total = min(sum(row.share for row in found), 1.0)
    return Drivers(text, tuple(found[:most]), 1.0 - total)


def _ranked(text: str, runs: Mapping[str, Futures]) -> tuple[Address, Futures, Array, Array]:
    """A figure's address and run, its draws, and their ranks, so that a long tail does not decide; (D,) both."""
    address = parse(text)
    values = draws_of(address, runs)
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable").astype(np.float64)
    return address, runs[address.scenario], values, ranks


def by_weight(cells: Sequence[Cell], text: str, runs: Mapping[str, Futures]) -> list[Cell]:
    """Cells in the order of what each explains of a forecast's variance on its own; those not told from chance last."""
    _, run, values, ranks = _ranked(text, runs)
    quantiles = {cell.name: uniforms(run, cell.name) for cell in cells if cell.name in run.drawn}
    shares = {
        name: effect(uniform, ranks, values)[0]
        for name, uniform in quantiles.items()
        if noticed(uniform, ranks, len(quantiles))
    }
    return sorted(cells, key=lambda cell: -shares.get(cell.name, 0.0))


def strongest(text: str, runs: Mapping[str, Futures], most: int) -> list[str]:
    """Names of the uncertain numbers that explain most on their own, whether or not they stand out from chance."""
    _, run, values, ranks = _ranked(text, runs)
    shares = {name: effect(uniforms(run, name), ranks, values)[0] for name in run.drawn}
    return sorted(shares, key=lambda name: (-shares[name], name))[:most]


@dataclass(frozen=True)
class Question:
    """An assumed number, and what it would be worth to measure it."""

    name: str
    title: str
    share: float
    """Share of the figure's variance that would go if the number were known (its first-order index, in ranks)."""
    width: float
    """Width of the 5-95 % range that would be left on average, over today's."""
    place: str
    """Where it stands: file and line."""
    note: str
    low: float
    high: float
    unit: str


@dataclass(frozen=True)
class BetterData:
    """What to go and find out, the most useful first."""

    figure: str
    rows: tuple[Question, ...]
    looked_at: int
    """Assumed numbers that were looked at."""


def better_data(text: str, runs: Mapping[str, Futures], *, most: int = 12) -> BetterData:
    """The assumed numbers whose measurement would narrow a figure most.

    If a number were known, the variance left would be ``(1 - S) V`` on average, with ``S`` its first-order index. The
    width left is the mean over slices of the number of the figure's 5-95 % range within the slice. Only numbers that
    nobody measured are looked at, and only those that stand out from chance are named.
    """
    _, run, values, ranks = _ranked(text, runs)
    names = _plant_names(run.study, run.layout)
    assumed = [name for name in run.drawn if _origin(run, name).assumed]
    found = []
    for name in assumed:
        uniform = uniforms(run, name)
        if noticed(uniform, ranks, len(assumed)):
            cell = _origin(run, name)
            share, _, _ = effect(uniform, ranks, values)
            width = _width_left(uniform, values)
            found.append(
                Question(
                    name, title_of(name, names), share, width, cell.place, cell.note, cell.low, cell.high, cell.unit
                )
            )
    found.sort(key=lambda row: (-row.share, row.name))
    return BetterData(text, tuple(found[:most]), len(assumed))


def _origin(run: Futures, name: str) -> Cell:
    """The cell as the study gives it; several cells that share one draw are known by the first of them."""
    family = [cell for key, cell in run.cells.items() if key.startswith(f"{name}.")]
    return next((cell for cell in family if cell.assumed), run.drawn[name]) if family else run.drawn[name]


def _width_left(uniform: Array, values: Array) -> float:
    """Mean 5-95 % width within slices over that of all; slices are few, so that each has a range to speak of."""
    low, high = np.quantile(values, (0.05, 0.95))
    groups = np.array_split(values[np.argsort(uniform, kind="stable")], max(min(SLICES, values.size // 100), 2))
    widths = [float(np.subtract(*np.quantile(group, (0.95, 0.05)))) for group in groups]
    return float(np.mean(widths)) / float(high - low) if high > low else 1.0


def _events(
    run: Futures, year: int, ranks: Array, values: Array, names: Mapping[str, str], quantity: str
) -> Iterator[Driver]:
    """What happens within a future and goes with the figure: which plants run, how large the home market is.

    These are no inputs but events of the same future; their shares overlap with those of the numbers behind them.
    """
    if float(ranks.var()) <= 0.0:
        return
    threshold = 15.0 / ranks.size  # a single comparison at one in ten thousand
    for p, plant in enumerate(run.own_plants):
        runs_ = run.plants["operating"][:, year, p] > 0.5
        few = min(int(runs_.sum()), int((~runs_).sum()))
        if few < max(10, ranks.size // 100):
            continue
        parts = [ranks[runs_], ranks[~runs_]]
        share = sum(part.size * (part.mean() - ranks.mean()) ** 2 for part in parts) / ranks.size / ranks.var()
        if share > threshold:
            low, high = float(np.median(values[~runs_])), float(np.median(values[runs_]))
            title = f"Whether it operates: {names.get(plant, plant.replace('_', ' '))}"
            yield Driver(f"operating.{plant}", title, float(share), low, high, int(np.sign(high - low)))
    size = run.figures["sales_new_home"][:, year]
    if quantity != "sales_new_home" and float(size.var()) > 0.0:
        share, low, high = effect(size, ranks, values)
        if share > threshold:
            yield Driver(
                "sales_new_home", "Size of the home market for new cars", share, low, high, int(np.sign(high - low))
            )


def uniforms(run: Futures, name: str) -> Array:
    """(D,), the quantiles at which an uncertain number was drawn."""
    blocks = [run.sampling.uniforms(run.seed, name, block) for block in range((run.draws + BLOCK - 1) // BLOCK)]
    return np.concatenate(blocks)[: run.draws]


def noticed(uniform: Array, ranks: Array, looked_at: int) -> bool:
    """Whether slices or trend stand out from chance, given how many numbers are looked at.

    The slices' share times draws is chi-square with ``slices - 1`` degrees of freedom if the number does nothing
    (quantile by Wilson and Hilferty 1931); the squared correlation times draws is chi-square with one.
    """
    from scipy.special import ndtri

    count = ranks.size
    total = float(ranks.var())
    if total <= 0.0 or count < 50:
        return False
    z = float(ndtri(1.0 - CHANCE / 2.0 / max(looked_at, 1)))
    slices = max(min(SLICES, count // 25), 2)
    freedom = slices - 1
    limit = freedom * (1 - 2 / (9 * freedom) + z * np.sqrt(2 / (9 * freedom))) ** 3 / count
    trend = float(np.corrcoef(uniform, ranks)[0, 1]) ** 2
    return bool(trend > z**2 / count or _between(uniform, ranks, slices) > limit)


def _between(uniform: Array, ranks: Array, slices: int) -> float:
    """Variance of the slice means over the variance of all."""
    groups = np.array_split(ranks[np.argsort(uniform, kind="stable")], slices)
    means = np.array([group.mean() for group in groups])
    sizes = np.array([group.size for group in groups], dtype=np.float64)
    return float((sizes * (means - ranks.mean()) ** 2).sum() / ranks.size / ranks.var())


def effect(uniform: Array, ranks: Array, values: Array) -> tuple[float, float, float]:
    """Share of the variance of ranks explained by slices of ``uniform``; medians of values in its end fifths."""
    count = ranks.size
    slices = max(min(SLICES, count // 25), 2)
    order = np.argsort(uniform, kind="stable")
    if float(ranks.var()) <= 0.0:
        return 0.0, float(np.median(values)), float(np.median(values))
    between = _between(uniform, ranks, slices)
    share = max((between - (slices - 1) / count) / (1 - (slices - 1) / count), 0.0)
    fifth = max(count // 5, 1)
    return share, float(np.median(values[order[:fifth]])), float(np.median(values[order[-fifth:]]))


WORDS = {
    "freight": "Freight",
    "duty_rate": "Duty",
    "duty_per_cc": "Duty per cc",
    "excise": "Excise",
    "fee": "Fees",
    "certification": "Certification",
    "barrier": "Other obstacles",
    "new_sales_now": "New cars sold today",
    "new_sales": "New cars sold in the base years",
    "used_imports_now": "Used cars imported today",
    "used_imports": "Used cars imported in the base years",
    "stock": "Cars in use",
    "vat_rate": "VAT",
    "margin_rate": "Dealers' margin",
    "electrified_ceiling": "Long-run share of hybrids and electric cars",
    "electrified_midpoint": "Year in which hybrids and electric cars reach half of it",
    "electrified_speed": "Speed at which hybrids and electric cars spread",
    "real_exchange_rate_sd": "Swings of the real exchange rate",
}


def _plant_names(study: Study, layout: Layout) -> dict[str, str]:
    """Plants by their names, those included that nobody has announced."""
    plants = study.table("plants")
    names = dict(zip(plants["plant"].to_list(), plants["name"].to_list(), strict=True))
    slots = [layout.plants[p] for p in layout.slots]
    return names | {slot: f"a plant nobody has announced, place {slot[-1]}" for slot in slots}


def in_words(study: Study, layout: Layout) -> Callable[[str], str]:
    """From the name of an uncertain number to words: plants, offers and countries by their names."""
    names = {plant: name.split(" (")[0] for plant, name in _plant_names(study, layout).items()}
    kinds = [", hybrid or electric" if layout.electrified[k] else "" for k in layout.offer_product]
    names |= {
        f"price.{offer}": offer_name(layout, offer) + kind for offer, kind in zip(layout.offers, kinds, strict=True)
    }
    codes = {*layout.markets, *layout.country, study.settings.country}
    countries = {code: country_name(code) for code in codes}

    def worded(name: str) -> str:
        return re.sub(r"\b[A-Z]{3}\b", lambda found: countries.get(found[0], found[0]), title_of(name, names))

    return worded


def title_of(name: str, plants: Mapping[str, str] | None = None) -> str:
    """A readable name of an uncertain number; plants by their names where these are given."""
    stem, _, key = name.partition(".")
    shown = (plants or {}).get(key, key)
    if stem in parameters():
        return f"{parameters()[stem].title}{f' ({shown})' if key else ''}"
    if stem == "frictions":
        kind, origin, market = key.split(".")[:3]
        ends = f"{'anywhere' if origin == '*' else origin} to {'anywhere' if market == '*' else market}"
        return f"{WORDS.get(kind, kind)}, {ends}"
    if stem == "markets":
        attribute, _, market = key.partition(".")
        return f"{WORDS.get(attribute, attribute)} ({market})"
    if stem == "shops":
        attribute, _, rest = key.partition(".")
        plant, _, shop = rest.partition(".")
        return f"{attribute.replace('_', ' ').capitalize()} of the {shop} shop ({(plants or {}).get(plant, plant)})"
    if stem == "offers":
        return f"Price ex works of {(plants or {}).get(key, key.removeprefix('price.').replace('_', ' '))}"
    if stem == "sourcing":
        when, _, rest = key.partition(".")
        plant, _, group = rest.partition(".")
        words = "today" if when == "now" else "in the long run"
        named = (plants or {}).get(plant, plant)
        if group:
            return f"Local share {words} ({named}, {group})"
        # The plant's own draw is no share: it says where in their ranges all its groups lie in a future.
        return f"Where in their ranges the local shares {words} lie, all parts alike ({named})"
    if name == "components.scale_elasticity.*":
        return "How much dearer small numbers of parts are (elasticities of scale of all component groups)"
    if stem == "components":
        attribute, _, group = key.partition(".")
        return f"{attribute.replace('_', ' ').capitalize()} of parts ({group})"
    if stem == "nameplate":
        return f"Capacity as announced ({shown})"
    return f"{stem.replace('_', ' ').capitalize()}: {key.replace('.', ' ').replace('_', ' ')}"

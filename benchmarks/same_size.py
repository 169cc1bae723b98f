"""One model of the year loop's size in three forms: a Vensim text (for PySD), a function of one future (for EMA
workbench), and the same equations on arrays of futures (as karvan computes).

It knows less than the loop - no hazards, no origin rules, one rationing pass in place of shadow prices - but has its
arrays: fleets by age and market, delivered prices and two-level CES shares by offer and market, plants with
limits and volumes that feed costs, industries with multipliers. Sizes and base-year shares are those of the built-in
study. All three forms must give the same output, which ``bench_ensembles.py`` checks in the same run.
"""

from dataclasses import dataclass

import numpy as np

from karvan.base.axes import Array
from karvan.base.streams import stream
from karvan.futures.block_market import market_inputs
from karvan.futures.blocks import demand_inputs
from karvan.futures.inputs import AGES, Draws, prepare
from karvan.study.load import load

YEARS = 15
INDUSTRIES = 22
PARAMETERS = {
    "growth": (0.005, 0.04),
    "speed": (0.05, 0.12),
    "share new": (0.2, 0.5),
    "kit factor": (0.8, 1.2),
    "duty factor": (0.5, 1.5),
    "theta": (3.0, 8.0),
    "eta": (2.0, 4.0),
    "reach": (0.4, 1.2),
}
"""Uncertain numbers and their ranges."""


@dataclass(frozen=True)
class Sizes:
    """Constants of the model, from the built-in study where it has them."""

    share: Array
    """(V, M), share of each offer in its nest."""
    nest_share: Array
    """(N, M), share of each nest in its market."""
    member: Array
    """(N, V), 1 where an offer belongs to a nest."""
    of_plant: Array
    """(P, V), 1 where an offer is made by a limited plant."""
    people: Array
    """(M,), thousand."""
    income: Array
    saturation: Array
    """(M,)."""
    fleet: Array
    """(A, M), thousand cars."""
    alive: Array
    """(A,), share that lives another year."""
    freight: Array
    """(V, M), thousand dollars."""
    duty: Array
    """(M,)."""
    gate: Array
    """(V,), thousand dollars without overhead."""
    overhead: Array
    """(P,), million dollars a year."""
    capacity: Array
    """(P,), thousand cars."""
    L: Array
    """(S, S), output an industry needs a unit of final demand."""
    jobs: Array
    """(S,), persons per million dollars."""

    @property
    def cells(self) -> int:
        """Numbers computed a year."""
        V, M = self.share.shape
        offers, nests, ages = 9 * V * M, 6 * len(self.member) * M, 3 * AGES * M
        return int(offers + nests + ages + 8 * M + 5 * len(self.of_plant) + 3 * len(self.L))


def sizes() -> Sizes:
    """Constants from the study of Azerbaijan; where it has no such number, made up with a fixed seed."""
    study = load("azerbaijan")
    prepared = prepare(study, "baseline", study.settings.start_year, study.settings.start_year + YEARS - 1)
    draws = Draws(1, 0, 2)
    demand = demand_inputs(prepared, draws)
    ces = market_inputs(prepared, draws, demand).ces
    layout = prepared.layout
    index = ces.brand * ces.products + ces.product
    nests = np.unique(index)
    V, M = ces.plant_share.shape
    rng = stream(1, "same size")
    of_plant = np.array([[float(layout.offer_plant[v] == p) for v in range(V)] for p in range(layout.own)])
    share = np.where(ces.plant_share > 0, ces.plant_share, 0.02 * (of_plant.sum(axis=0)[:, None] > 0))
    nest_share = np.maximum(ces.brand_share[nests], 1e-4)
    A = rng.random((INDUSTRIES, INDUSTRIES)) * 0.6 / INDUSTRIES
    return Sizes(
        share=share,
        nest_share=nest_share / nest_share.sum(axis=0),
        member=(nests[:, None] == index[None, :]).astype(float),
        of_plant=of_plant,
        people=np.asarray(prepared.population) / 1e3,
        income=np.asarray(prepared.income),
        saturation=np.asarray(demand.saturation[0]),
        fleet=np.asarray(demand.fleet0[0]).T[:AGES] / 1e3,
        alive=np.exp(-((np.arange(AGES) / 25.0) ** 3) * 0.12),
        freight=0.1 + 1.9 * rng.random((V, M)),
        duty=np.asarray(0.05 + 0.2 * rng.random(M)),
        gate=np.asarray(8.0 + 12.0 * rng.random(V)),
        overhead=1.0 + 4.0 * rng.random(layout.own),
        capacity=2.0 + 10.0 * rng.random(layout.own),
        L=np.asarray(np.linalg.inv(np.eye(INDUSTRIES) - A), dtype=np.float64),
        jobs=2.0 + 20.0 * rng.random(INDUSTRIES),
    )


def simulate(s: Sizes, draws: Array) -> tuple[Array, Array]:
    """Cars made by limited plants, thousand, and jobs; both (D, Y). draws: (D, 8), in the order of PARAMETERS."""
    growth, speed, new, kit, duty, theta, eta, reach = (draws[:, i, None] for i in range(draws.shape[1]))
    theta3, eta3 = theta[..., None], eta[..., None]
    price0 = (s.gate[:, None] + s.freight) * (1 + s.duty)
    fleet = np.broadcast_to(s.fleet, (len(draws), *s.fleet.shape))
    volume = np.broadcast_to(0.5 * s.capacity, (len(draws), len(s.capacity)))
    made, jobs = [], []
    for t in range(YEARS):
        goal = s.saturation * np.exp(-5.9 * np.exp(-0.12 * s.income * np.exp(growth * t)))
        owned = 1e3 * fleet.sum(axis=1) / s.people
        target = owned + speed * (goal - owned)
        living = fleet * s.alive[:, None]
        bought = np.maximum(target * s.people / 1e3 - living.sum(axis=1), 0.01 * s.people)
        per_car = (s.overhead / np.maximum(volume, 0.5)) @ s.of_plant
        works = s.gate * (1 + (kit - 1) * s.of_plant.sum(axis=0)) + per_car
        price = (works[:, :, None] + s.freight) * (1 + s.duty * duty[..., None])
        weight = s.share * (price / price0) ** -theta3
        inside = s.member @ weight
        brand = s.nest_share * inside ** (eta3 / theta3)
        factor = brand / inside / brand.sum(axis=1, keepdims=True)
        sales = weight * (s.member.T @ factor) * (new * bought)[:, None, :]
        asked = sales.sum(axis=2) @ s.of_plant.T
        ration = np.minimum(1.0, reach * s.capacity / np.maximum(asked, 1e-9))
        output = asked * ration
        volume = output
        final = (output * (s.gate @ s.of_plant.T) / s.of_plant.sum(axis=1)).sum(axis=1)
        needed = final[:, None] / len(s.L) @ np.ones((1, len(s.L))) @ s.L.T
        made.append(output.sum(axis=1))
        jobs.append((needed * s.jobs).sum(axis=1))
        entering = np.zeros((len(draws), AGES, 1)) + (np.arange(AGES) == 0)[:, None] * 1.0
        aged = np.concatenate([np.zeros_like(living[:, :1]), living[:, :-1]], axis=1)
        aged[:, -1] += living[:, -1]
        fleet = aged + entering * (new * bought)[:, None, :]
        fleet[:, 7] += (1 - new) * bought
    return np.stack(made, axis=1), np.stack(jobs, axis=1)


def sample(count: int, seed: int = 1) -> Array:
    """(D, 8), uniform draws of the parameters."""
    low, high = np.array(list(PARAMETERS.values())).T
    return np.asarray(low + (high - low) * stream(seed, "same size draws").random((count, len(low))))


def _table(values: Array) -> str:
    if values.ndim == 1:
        return ", ".join(f"{v:.17g}" for v in values)
    return "".join(", ".join(f"{v:.17g}" for v in row) + ";" for row in values)


def vensim(s: Sizes) -> str:
    """The model as a Vensim text; names as in :func:`simulate`."""
    V, M = s.share.shape
    counts = {
        "Offer": V,
        "Market": M,
        "Nest": len(s.member),
        "Plant": len(s.capacity),
        "Age": AGES,
        "Industry": len(s.L),
    }
    lines = ["{UTF-8}"]
    for name, count in counts.items():
        lines.append(f"{name}: {', '.join(f'{name}{i}' for i in range(count))} ~~|")
    lines.append("Buyer: " + ", ".join(f"Industry{i}" for i in range(len(s.L))) + " ~~|")
    lines.append("Before: " + ", ".join(f"Age{i}" for i in range(AGES)) + " ~~|")
    for name, (low, high) in PARAMETERS.items():
        lines.append(f"{name} = {(low + high) / 2:.17g} ~~|")
    shift = np.zeros((AGES, AGES))
    shift[np.arange(1, AGES), np.arange(AGES - 1)] = 1.0
    shift[-1, -1] = 1.0
    constants = {
        "offer share[Offer, Market]": s.share,
        "nest share[Nest, Market]": s.nest_share,
        "member[Nest, Offer]": s.member,
        "of plant[Plant, Offer]": s.of_plant,
        "people[Market]": s.people,
        "income[Market]": s.income,
        "saturation[Market]": s.saturation,
        "fleet begin[Age, Market]": s.fleet,
        "alive[Age]": s.alive,
        "freight[Offer, Market]": s.freight,
        "duty[Market]": s.duty,
        "gate[Offer]": s.gate,
        "overhead[Plant]": s.overhead,
        "capacity[Plant]": s.capacity,
        "L[Industry, Buyer]": s.L,
        "jobs each[Industry]": s.jobs,
        "shift[Age, Before]": shift,
        "age new[Age]": (np.arange(AGES) == 0).astype(float),
        "age used[Age]": (np.arange(AGES) == 7).astype(float),
    }
    lines += [f"{name} = {_table(values)} ~~|" for name, values in constants.items()]
    lines += [
        "goal[Market] = saturation[Market] * EXP(-5.9 * EXP(-0.12 * income[Market] * EXP(growth * Time))) ~~|",
        "owned[Market] = 1000 * SUM(fleet[Age!, Market]) / people[Market] ~~|",
        "target[Market] = owned[Market] + speed * (goal[Market] - owned[Market]) ~~|",
        "living[Age, Market] = fleet[Age, Market] * alive[Age] ~~|",
        "living before[Before, Market] = fleet[Before, Market] * alive[Before] ~~|",
        "bought[Market] = MAX(target[Market] * people[Market] / 1000 - SUM(living[Age!, Market]), "
        "0.01 * people[Market]) ~~|",
        "overhead each[Plant] = overhead[Plant] / MAX(volume[Plant], 0.5) ~~|",
        "per car[Offer] = SUM(overhead each[Plant!] * of plant[Plant!, Offer]) ~~|",
        "limited[Offer] = SUM(of plant[Plant!, Offer]) ~~|",
        "works[Offer] = gate[Offer] * (1 + (kit factor - 1) * limited[Offer]) + per car[Offer] ~~|",
        "price[Offer, Market] = (works[Offer] + freight[Offer, Market]) * (1 + duty[Market] * duty factor) ~~|",
        "price base[Offer, Market] = (gate[Offer] + freight[Offer, Market]) * (1 + duty[Market]) ~~|",
        "weight[Offer, Market] = offer share[Offer, Market] * "
        "(price[Offer, Market] / price base[Offer, Market]) ^ (-theta) ~~|",
        "inside[Nest, Market] = SUM(member[Nest, Offer!] * weight[Offer!, Market]) ~~|",
        "brand[Nest, Market] = nest share[Nest, Market] * inside[Nest, Market] ^ (eta / theta) ~~|",
        "all brands[Market] = SUM(brand[Nest!, Market]) ~~|",
        "factor[Nest, Market] = brand[Nest, Market] / inside[Nest, Market] / all brands[Market] ~~|",
        "factor of offer[Offer, Market] = SUM(member[Nest!, Offer] * factor[Nest!, Market]) ~~|",
        "sales[Offer, Market] = weight[Offer, Market] * factor of offer[Offer, Market] "
        "* share new * bought[Market] ~~|",
        "sold[Offer] = SUM(sales[Offer, Market!]) ~~|",
        "asked[Plant] = SUM(of plant[Plant, Offer!] * sold[Offer!]) ~~|",
        "output[Plant] = asked[Plant] * MIN(1, reach * capacity[Plant] / MAX(asked[Plant], 1e-9)) ~~|",
        "gate mean[Plant] = SUM(of plant[Plant, Offer!] * gate[Offer!]) / SUM(of plant[Plant, Offer!]) ~~|",
        "final = SUM(output[Plant!] * gate mean[Plant!]) ~~|",
        f"needed[Industry] = SUM(L[Industry, Buyer!]) * final / {len(s.L)} ~~|",
        "jobs = SUM(needed[Industry!] * jobs each[Industry!]) ~~|",
        "made = SUM(output[Plant!]) ~~|",
        "fleet[Age, Market] = INTEG(SUM(shift[Age, Before!] * living before[Before!, Market]) "
        "+ age new[Age] * share new * bought[Market] + age used[Age] * (1 - share new) * bought[Market] "
        "- fleet[Age, Market], fleet begin[Age, Market]) ~~|",
        "volume[Plant] = INTEG(output[Plant] - volume[Plant], 0.5 * capacity[Plant]) ~~|",
        "INITIAL TIME = 0 ~~|",
        f"FINAL TIME = {YEARS - 1} ~~|",
        "TIME STEP = 1 ~~|",
        "SAVEPER = TIME STEP ~~|",
    ]
    return "\n".join(lines) + "\n"

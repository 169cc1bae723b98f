"""How fast the market and hub stages are, and gegravity beside them where it is installed.

``python benchmarks/bench_market.py`` prints the best of three of each. Numbers are made here, from fixed seeds; with
``--eu trade_2000_44_countries.csv.gz`` (trade of 44 countries in 2000, and what the enlargement of the European Union
did to each pair) the exact hat is asked of these too.
"""

import argparse
import csv
import gzip
import importlib.util
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from karvan.base.axes import Array
from karvan.hub import check_locations, locate, plan_sites
from karvan.market import (
    DoubleCES,
    clear,
    complexity_index,
    delivered_cost,
    density,
    exact_hat,
    multilateral_resistance,
    revealed_advantage,
)


def best(call: Callable[[], object], times: int = 3, inner: int = 1) -> float:
    """Least seconds for one call; short calls are repeated within a measurement."""
    call()
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        for _ in range(inner):
            call()
        seconds.append((time.perf_counter() - start) / inner)
    return min(seconds)


def show(name: str, seconds: float, bar: str = "") -> None:
    """One line of the report."""
    shown = f"{seconds * 1e3:9.3f} ms" if seconds < 1 else f"{seconds:9.3f} s "
    print(f"{name:<66}{shown}  {bar}", flush=True)


def world_market() -> None:
    """257 brand-plants in 75 markets: one evaluation, and 10,000 draws."""
    generator = np.random.default_rng(0)
    brand = np.sort(generator.integers(0, 60, 257))
    ces = DoubleCES.calibrate(generator.gamma(0.5, 1000, (257, 75)), brand, np.zeros(257, dtype=int))
    cost = np.exp(generator.normal(0, 0.1, (4, 257, 75)))
    theta, eta = generator.uniform(4, 10, (2_500, 4)), generator.uniform(2, 5, (2_500, 4))
    show(
        "double CES, 257 x 75, one evaluation",
        best(lambda: ces.shares(cost[0], theta=7.7, eta=3.87), 3, 50),
        "bar 0.5 ms",
    )

    def draws(own: bool) -> float:
        total = 0.0
        for t, e in zip(theta, eta, strict=True):
            total += float(ces.shares(cost if own else cost[0], theta=t, eta=e)[..., 0, 0].sum())
        return total

    show("the same, 10,000 draws of theta and eta, batches of 4", best(lambda: draws(False)), "bar 3 s")
    show("the same, 10,000 draws of theta, eta and every cost", best(lambda: draws(True)), "bar 3 s")


def region_market() -> None:
    """What the year loop asks of a year: 500 draws of 30 offers in 12 markets."""
    generator = np.random.default_rng(0)
    V, M, K, D, P = 30, 12, 2, 500, 16
    brand, product, plant = generator.integers(0, 12, V), generator.integers(0, K, V), generator.integers(0, P, V)
    quantities = generator.gamma(1, 1000, (V, M))
    quantities[-4:] = 0
    entrant = np.zeros((V, M))
    entrant[-4:] = 0.05
    ces = DoubleCES.calibrate(quantities, brand, product, brands=12, products=K)
    cost = np.exp(generator.normal(0, 0.15, (D, V, M)))
    demand = generator.gamma(5, 4_000, (D, K, M))
    theta, eta = generator.uniform(4, 10, D), generator.uniform(2.5, 5, D)
    for limited in (4, 10):
        capacity = np.full((D, P), np.inf)
        capacity[:, :limited] = generator.gamma(2, 20_000, (D, limited))

        def year(capacity: Array = capacity) -> object:
            return clear(ces, cost, demand, capacity, plant, theta=theta, eta=eta, entrant_share=entrant)

        tight = (year().wanted > capacity).any(axis=1).mean()  # type: ignore[attr-defined]
        name = f"clear, 500 draws, 30 offers x 12 markets, {limited} of 16 plants limited ({tight:.0%} of draws tight)"
        show(name, best(year, 3, 3))
    works, freight = generator.uniform(8e3, 2e4, (D, V)), generator.uniform(2e2, 2e3, (V, M))
    show(
        "delivered_cost, 500 draws x 30 x 12",
        best(
            lambda: delivered_cost(
                works,
                freight=freight,
                duty_rate=0.15,
                duty_per_cc=0.4,
                engine_cc=np.full(V, 1600.0),
                vat_rate=0.18,
                margin_rate=0.1,
            ),
            3,
            3,
        ),
    )


def gravity_world(n: int) -> tuple[Array, Array, Array]:
    """Trade that gravity itself makes, so that both solvers start from the same equilibrium; log distance; border."""
    generator = np.random.default_rng(1)
    place = generator.random((n, 2))
    log_distance = np.log(np.hypot(*(place[:, None] - place).transpose(2, 0, 1)) * 5_000 + 200)
    border = 1 - np.eye(n)
    size = generator.lognormal(0, 1, n)
    phi = np.exp(-0.8 * log_distance - 2.0 * border)
    outward, inward = multilateral_resistance(size, size, phi)
    return np.outer(size, size) / size.sum() * phi / np.outer(outward, inward), log_distance, border


def enlargement(path: Path) -> None:
    """Exact hat on the enlargement of the European Union: seconds, and how well markets clear."""
    with gzip.open(path, "rt") as stream:
        rows = list(csv.DictReader(stream))
    names = sorted({row["exporter"] for row in rows})
    at = {name: i for i, name in enumerate(names)}
    flows, effect = (np.zeros((len(names), len(names))) for _ in range(2))
    for row in rows:
        pair = at[row["exporter"]], at[row["importer"]]
        flows[pair], effect[pair] = float(row["trade"]), float(row["eu_effect"])
    np.fill_diagonal(effect, 0.0)
    cost = np.exp(-effect / 4.0)
    seconds = best(lambda: exact_hat(flows, cost, 4.0), 3, 20)
    found = exact_hat(flows, cost, 4.0)
    sold = found.flows.sum(axis=1) / (found.wages * flows.sum(axis=1)) - 1.0
    show("exact hat, enlargement of the European Union, 44 countries", seconds, "bar 10 ms")
    print(f"  {found.iterations} steps; sales miss output by {np.abs(sold).max():.0e} of it at most")


def trade() -> None:
    """Exact hat, alone and beside gegravity on the same change."""
    flows, _, border = gravity_world(44)
    cost = np.exp(-0.3 * border / 4)
    show("exact hat, 44 countries", best(lambda: exact_hat(flows, cost, 4.0), 3, 20), "bar 10 ms")
    if importlib.util.find_spec("gegravity") is None:
        print("gegravity is not installed: pip install gegravity (in an environment of its own) to see it beside")
        return
    flows, log_distance, border = gravity_world(30)
    ours = best(lambda: exact_hat(flows, np.exp(-0.5 * border / 4), 4.0), 3, 20)
    theirs, prices = with_gegravity(flows, log_distance, border)
    show("exact hat, 30 countries", ours)
    show("gegravity, the same 30 countries, full general equilibrium", theirs, f"{theirs / ours:,.0f} times")
    mine = exact_hat(flows, np.exp(-0.5 * border / 4), 4.0)
    relative = mine.wages / mine.price_index[0]
    low, high = 100 * (prices - relative).min(), 100 * (prices - relative).max()
    print(f"  change of prices: ours {100 * (relative.min() - 1):.2f} to {100 * (relative.max() - 1):.2f} %", end="; ")
    print(f"theirs minus ours {low:.2f} to {high:.2f} percentage points (see docs/market.md)")


def with_gegravity(flows: Array, log_distance: Array, border: Array) -> tuple[float, Array]:
    """Seconds that gegravity takes for the same change, and its price changes."""
    import warnings

    import gegravity
    import pandas

    n = len(flows)
    names = [f"C{i:02d}" for i in range(n)]
    Y, E = flows.sum(axis=1), flows.sum(axis=0)
    rows = [
        (names[i], names[j], "2020", flows[i, j], Y[i], E[j], log_distance[i, j], border[i, j])
        for i in range(n)
        for j in range(n)
    ]
    columns = ["exporter", "importer", "year", "trade", "Y", "E", "log_distance", "border"]
    data = pandas.DataFrame(rows, columns=columns)

    def run(rescale: float) -> Any:
        coefficients = pandas.DataFrame(
            [("log_distance", -0.8, 0.0), ("border", -2.0, 0.0)], columns=["var", "coeff", "ste"]
        )
        base = gegravity.BaselineData(
            data,
            imp_var_name="importer",
            exp_var_name="exporter",
            year_var_name="year",
            trade_var_name="trade",
            expend_var_name="E",
            output_var_name="Y",
        )
        costs = gegravity.CostCoeffs(estimates=coefficients, identifier_col="var", coeff_col="coeff", stderr_col="ste")
        model = gegravity.OneSectorGE(
            base,
            year="2020",
            reference_importer="C00",
            sigma=5,
            cost_variables=["log_distance", "border"],
            cost_coeff_values=costs,
            quiet=True,
        )
        model.build_baseline(omr_rescale=rescale)
        changed = model.baseline_data.copy()
        changed["border"] = changed["border"] * 0.75  # -2.0 x 0.25 less: the same 0.5 as above
        model.define_experiment(changed)
        model.simulate()
        return model

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for rescale in (
            1.0,
            10.0,
            100.0,
            1e3,
            1e4,
            0.1,
            0.01,
        ):  # its root finder needs a good start: the first that works
            try:
                model = run(rescale)
                break
            except ValueError:
                continue
        else:
            raise SystemExit("gegravity found no baseline for any rescale factor tried")
        seconds = best(lambda: run(rescale))
    prices = model.country_results["factory gate price change (percent)"].reindex(names).to_numpy(dtype=float)
    return seconds, 1 + prices / 100


def location() -> None:
    """127 site sets in 10,000 draws; a plan over 15 years."""
    generator = np.random.default_rng(0)
    fixed, unit = generator.uniform(5e7, 2e8, (10_000, 7)), generator.uniform(8e3, 1.4e4, (10_000, 7, 12))
    demand = generator.gamma(2, 20_000, (10_000, 12))
    show(
        "location, 127 sets of sites x 10,000 draws, 12 markets", best(lambda: locate(fixed, unit, demand)), "bar 0.5 s"
    )
    choice = locate(fixed, unit, demand)
    start = time.perf_counter()
    apart = check_locations(choice, fixed, unit, demand, range(50))
    print(f"  HiGHS on 50 of them: {time.perf_counter() - start:.2f} s, largest relative difference {apart:.1e}")

    S, M, T = 30, 60, 15
    years = np.arange(T)
    place, market = generator.random((S, 2)), generator.random((M, 2))
    distance = np.hypot(*(place[:, None] - market).transpose(2, 0, 1))
    discount = 1.05**-years
    build = generator.uniform(1e8, 4e8, (S, 1)) * discount
    cost = (9_000 + generator.normal(0, 300, (S, 1)) + 4_000 * distance)[..., None] * discount
    amount = generator.gamma(2, 4_000, (M, 1)) * 1.03**years
    start = time.perf_counter()
    plan = plan_sites(build, cost, amount, run_cost=0.08 * build, capacity=np.full(S, 120_000.0), gap=0.01)
    show(
        f"plan, 30 sites x 60 markets x 15 years, gap {plan.gap:.2%}, {plan.opens.sum()} plants",
        time.perf_counter() - start,
        "bar 10 s to 1 %",
    )


def screens() -> None:
    """Complexity and density at the size of the world's trade."""
    generator = np.random.default_rng(0)
    exports = generator.lognormal(0, 3, (226, 785)) * (generator.random((226, 785)) < 0.4)
    M = revealed_advantage(exports) >= 1
    show("complexity index, 226 countries x 785 products", best(lambda: complexity_index(M)))
    show("density, the same", best(lambda: density(M)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How fast the market and hub stages are.")
    parser.add_argument("--eu", type=Path, help="trade_2000_44_countries.csv.gz, if it is at hand")
    given = parser.parse_args()
    world_market()
    region_market()
    if given.eu is not None:
        enlargement(given.eu)
    trade()
    location()
    screens()

"""Measure the economy stage: a synthetic world table beside pymrio, a national impact, and rank-2 members.

    python benchmarks/bench_economy.py [--size 9800] [--peer] [--repeat 3]

The synthetic table has 49 countries of 200 industries. Domestic inputs cost 30 to 50 percent of output, imported ones 7
to 23 percent, in few large and many small cells, drawn toward a handful of large suppliers (cells are powers of uniform
numbers times a log-normal size of the seller). Each case is timed ``--repeat`` times and the best is printed, with all
of them. ``--peer`` needs pymrio in the environment; it then times pymrio's own functions on the same arrays in the same
run, each in a process of its own so that its memory can be read. Without it the peer is left out.
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

from karvan.base.axes import Array
from karvan.economy import Closure, InputOutputTable, SectorVariation, SolverOptions

COUNTRY = 200


def synthetic(size: int, seed: int = 1) -> tuple[Array, Array]:
    """Flows and output of an inter-country table of ``size`` industries, made in place: one array of its size."""
    rng = np.random.Generator(np.random.Philox(seed))
    x = np.exp(rng.normal(0, 2, size))
    seller = np.exp(rng.normal(0, 1.5, size))
    Z = np.empty((size, size))
    for start in range(0, size, COUNTRY):
        part = rng.random((min(COUNTRY, size - start), size))
        part **= 8
        part *= seller[start : start + COUNTRY, None]
        Z[start : start + COUNTRY] = part
    for start in range(0, size, COUNTRY):
        here = slice(start, start + COUNTRY)
        own = Z[here, here].copy()
        own *= rng.uniform(0.3, 0.5, own.shape[1]) / own.sum(axis=0)
        Z[here, here] = 0.0
        total = Z[:, here].sum(axis=0)
        if total.all():
            Z[:, here] *= rng.uniform(0.075, 0.225, own.shape[1]) / total
        Z[here, here] = own
    Z *= x
    return Z, x


def best(work: Callable[[], object], repeat: int) -> tuple[float, list[float]]:
    """Best time and all times, s."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times), times


def memory() -> float:
    """Peak resident memory of this process, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def world(size: int, repeat: int) -> dict[str, object]:
    """One shock, Type I and Type II jobs by sector, on a table above the dense limit."""
    Z, x = synthetic(size)
    before = memory()
    rng = np.random.Generator(np.random.Philox(2))
    bought = np.zeros(size)
    bought[:COUNTRY] = rng.random(COUNTRY) * x[:COUNTRY]
    pay = 0.25 * x
    options = SolverOptions(block=COUNTRY)
    shock = np.zeros(size)
    shock[5] = 100.0
    jobs = rng.uniform(0.001, 0.05, size)
    f = x - Z.sum(axis=1)
    closure = Closure.household_column(list(0.5 * bought / bought.sum()))

    def table() -> InputOutputTable:
        return InputOutputTable(
            Z, f, output=x, sectors=[str(k) for k in range(size)], compensation=pay, employment=jobs * x,
            prices="basic", flows="domestic", options=options, copy=False,
        )  # fmt: skip

    made, _ = best(table, 1)
    t = table()
    answer = t.impact(list(shock), price_basis="basic", closure=closure)
    took, times = best(lambda: table().impact(list(shock), price_basis="basic", closure=closure), repeat)
    passes = t.solver.passes
    # What is left of each row of (I - A) x = f, relative to the output of that industry.
    one = answer.direct["output"] + answer.indirect["output"]
    two = answer.by_sector("output").values
    back = one - Z @ (one / x) - shock
    worst = float(np.abs(back / one).max())
    household = two - one
    scale = float(household[0] / t.solver.forward(closure.coefficients(t).domestic)[0])
    column = closure.coefficients(t).domestic * scale
    worst_induced = float(np.abs((household - Z @ (household / x) - column) / household).max())
    after = memory()
    return {
        "size": size, "seconds": took, "all": times, "table_seconds": made, "passes": passes,
        "residual_type_1": worst, "residual_induced": worst_induced, "table_mb": Z.nbytes / 2**20,
        "peak_mb": after, "peak_before_mb": before, "jobs_type_2": answer.total("employment"),
        "jobs_type_1": float(answer.direct["employment"].sum() + answer.indirect["employment"].sum()),
    }  # fmt: skip


def exactness(size: int) -> dict[str, object]:
    """Largest relative error of a sector against LU, on a table that can be factorised."""
    Z, x = synthetic(size)
    f = np.zeros(size)
    f[5] = 100.0
    v = np.random.Generator(np.random.Philox(2)).uniform(0.001, 0.05, size)
    krylov = InputOutputTable(
        Z, x - Z.sum(axis=1), output=x, sectors=[str(k) for k in range(size)], prices="basic", flows="domestic",
        options=SolverOptions(block=COUNTRY, dense_limit=0), copy=False,
    ).solver  # fmt: skip
    exact = np.linalg.solve(np.eye(size) - Z / x, f)
    adjoint = np.linalg.solve((np.eye(size) - Z / x).T, v)
    return {
        "size": size,
        "forward": float(np.abs(krylov.forward(f) / exact - 1).max()),
        "adjoint": float(np.abs(krylov.adjoint(v) / adjoint - 1).max()),
    }


def members(size: int, repeat: int, count: int = 1000) -> dict[str, object]:
    """Total jobs of ``count`` tables that differ in one industry's column and row."""
    Z, x = synthetic(size)
    t = InputOutputTable(
        Z, x - Z.sum(axis=1), output=x, sectors=[str(k) for k in range(size)], employment=0.01 * x, prices="basic",
        flows="domestic", options=SolverOptions(block=COUNTRY), copy=False,
    )  # fmt: skip
    rng = np.random.Generator(np.random.Philox(3))
    shock = np.zeros(size)
    shock[7] = 100.0
    base, _ = best(lambda: (t.effects("employment"), SectorVariation(t, "5", list(shock))), 1)
    variation = SectorVariation(t, "5", list(shock))
    changes = rng.uniform(-0.3, 0.3, (count, size)) * (Z[:, 5] / x[5])
    scale = rng.uniform(-0.3, 0.3, count)
    took, times = best(lambda: variation.totals("employment", changes, scale), repeat)
    return {"size": size, "members": count, "base_solves_seconds": base, "seconds": took, "all": times}


def national(repeat: int, size: int = 105) -> dict[str, object]:
    """A full Impact (Type I and II, six accounts, by sector) of a national table; factorisation included and not."""
    Z, x = synthetic(size)
    rng = np.random.Generator(np.random.Philox(4))
    f = x - Z.sum(axis=1)
    closure = Closure.household_column(list(np.full(size, 0.5 / size)))

    def table() -> InputOutputTable:
        return InputOutputTable(
            Z, f, output=x, sectors=[str(k) for k in range(size)], value_added=0.4 * x, compensation=0.25 * x,
            imports=0.1 * x, product_taxes=0.02 * x, employment=rng.uniform(0, 1, size) * x, prices="basic",
            flows="domestic",
        )  # fmt: skip

    made = [table() for _ in range(repeat)]
    tables = iter(made)
    first, times = best(lambda: next(tables).impact({"5": 100.0}, price_basis="basic", closure=closure).totals, repeat)
    again, _ = best(lambda: made[0].impact({"5": 100.0}, price_basis="basic", closure=closure).totals, repeat)
    return {"size": size, "seconds": first, "all": times, "seconds_again": again}


PEER = """
import json, resource, sys, time
sys.path.insert(0, {here!r}); sys.path.insert(0, {source!r})
from bench_economy import synthetic
import numpy as np, pandas as pd, pymrio
Z, x = synthetic({size})
labels = pd.MultiIndex.from_product([[f"c{{k}}" for k in range({size} // {country} or 1)],
    [f"i{{k}}" for k in range(min({size}, {country}))]], names=["region", "sector"])
Z = pd.DataFrame(Z, index=labels, columns=labels, copy=False)
x = pd.DataFrame({{"indout": x}}, index=labels)
jobs = pd.DataFrame(np.full((1, len(x)), 0.01), index=["jobs"], columns=labels)
start = time.perf_counter()
A = pymrio.calc_A(Z, x)
L = pymrio.calc_L(A)
M = pymrio.calc_M(jobs, L)
f = pd.DataFrame(0.0, index=labels, columns=["shock"]); f.iloc[5] = 100.0
out = pymrio.calc_x_from_L(L, f)
took = time.perf_counter() - start
print(json.dumps({{"seconds": took, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "version": pymrio.__version__, "output_total": float(out.to_numpy().sum())}}))
"""


def peer(size: int, python: str) -> dict[str, object]:
    """pymrio: coefficients, inverse, jobs multipliers and the output of one shock (Type I; it has no Type II)."""
    from pathlib import Path

    here = Path(__file__).resolve().parent
    code = PEER.format(here=str(here), source=str(here.parent / "src"), size=size, country=COUNTRY)
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1]}
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def main() -> None:
    """Run what was asked for and print it."""
    parser = argparse.ArgumentParser(description="Benchmarks of the economy stage.")
    parser.add_argument("--size", type=int, default=9800, help="industries of the synthetic world table")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--peer", nargs="?", const=sys.executable, help="time pymrio too, with this Python")
    parser.add_argument("--exact-size", type=int, default=2000, help="industries of the table solved by LU as well")
    parser.add_argument("--only", choices=("world", "exactness", "members", "national", "peer"))
    arguments = parser.parse_args()
    print(f"{platform.python_version()} numpy {np.__version__}, {platform.machine()}")
    jobs: dict[str, Callable[[], dict[str, object]]] = {
        "national": lambda: national(arguments.repeat),
        "exactness": lambda: exactness(arguments.exact_size),
        "world": lambda: world(arguments.size, arguments.repeat),
        "members": lambda: members(arguments.size, arguments.repeat),
    }
    if arguments.peer:
        jobs["peer"] = lambda: peer(arguments.size, arguments.peer)
    for name, work in jobs.items():
        if arguments.only in (None, name):
            print(name, json.dumps(work()), flush=True)


if __name__ == "__main__":
    main()

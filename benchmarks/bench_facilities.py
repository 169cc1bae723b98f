"""The ten-station line of the docs, and a four-shop plant, beside the simulators people use: ratios within one run.

    python benchmarks/bench_facilities.py [--rounds 3]
    python benchmarks/bench_facilities.py --surrogates

Ten stations, takt 60 s, MTBF 4 h, MTTR 10 min (exponential, failures while working), 10 places between, 3,760 hours a
year. karvan runs 30 years of it; the peers run what they can in a few seconds, and their time is scaled to 30 years by
the hours simulated. Engines take turns in every round, so that a busy machine slows them alike; medians are printed.
Peers that are not installed are left out, and said to be.
"""

import argparse
import importlib
import importlib.util
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from karvan.facilities import Line, Station, fit_surrogate, line_efficiency

YEAR = 3760.0
STATIONS, PLACES, TAKT, MTBF, MTTR = 10, 10, 60.0, 14_400.0, 600.0
TEN = Line([Station(TAKT, MTBF / 60.0, MTTR / 60.0)] * STATIONS, [PLACES] * (STATIONS - 1))
FOUR = Line([Station(57, 120, 8), Station(60, 300, 15), Station(58, 480, 5), Station(58, 480, 5)], [40, 120, 20])

Run = Callable[[], tuple[float, float]]
"""Runs once; hours simulated and cars made after the start."""


def karvan(line: Line, years: int, *, shares: bool) -> Run:
    """``years`` replications of one year."""

    def run() -> tuple[float, float]:
        result = line.simulate(YEAR, years, seed=1, warmup_hours=0.0, shares=shares)
        return YEAR * years, float(result.throughput_per_hour.sum()) * YEAR

    return run


def work_and_repair(chance: random.Random) -> float:
    """Time of one car at one station: takt and whatever breaks meanwhile. The fastest way to say it to the peers."""
    total, left = TAKT, TAKT
    gap = chance.expovariate(1.0 / MTBF)
    while gap < left:
        left -= gap
        total += chance.expovariate(1.0 / MTTR)
        gap = chance.expovariate(1.0 / MTBF)
    return total


def simpy_line(hours: float) -> Run:
    """SimPy: a process a station, a Store a buffer."""
    import simpy

    def run() -> tuple[float, float]:
        env, chance = simpy.Environment(), random.Random(1)
        stores = [simpy.Store(env, capacity=PLACES) for _ in range(STATIONS - 1)]
        made = [0]

        def station(i: int) -> Any:
            while True:
                if i > 0:
                    yield stores[i - 1].get()
                yield env.timeout(work_and_repair(chance))
                if i < STATIONS - 1:
                    yield stores[i].put(1)
                else:
                    made[0] += 1

        for i in range(STATIONS):
            env.process(station(i))
        env.run(until=hours * 3600.0)
        return hours, float(made[0])

    return run


def salabim_line(hours: float) -> Run:
    """salabim in its yield form: a component a station, a Store a buffer."""
    import salabim

    def run() -> tuple[float, float]:
        salabim.yieldless(False)
        env, chance = salabim.Environment(trace=False), random.Random(1)
        stores = [salabim.Store(f"b{i}", capacity=PLACES, env=env) for i in range(STATIONS - 1)]
        for store in stores:  # their statistics are switched off, to be fair on time
            store.capacity.monitor(False)
        made = [0]

        class StationOf(salabim.Component):  # type: ignore[misc]
            def process(self, i: int) -> Any:
                while True:
                    car = None
                    if i > 0:
                        car = yield self.from_store(stores[i - 1])
                    yield self.hold(work_and_repair(chance))
                    if i < STATIONS - 1:
                        yield self.to_store(stores[i], car if car is not None else salabim.Component(env=env))
                    else:
                        made[0] += 1

        for i in range(STATIONS):
            StationOf(i=i, env=env)
        env.run(till=hours * 3600.0)
        return hours, float(made[0])

    return run


def simantha_line(hours: float) -> Run:
    """simantha (NIST): its machines fail on the clock, in whole minutes; 0.8509 is right for that, not 0.8574."""
    import simantha

    def run() -> tuple[float, float]:
        random.seed(1)
        fail = 60.0 / MTBF
        source, sink = simantha.Source(), simantha.Sink()
        machines = [
            simantha.Machine(
                f"M{i}",
                cycle_time=1,
                degradation_matrix=[[1 - fail, fail], [0, 1]],
                cm_distribution={"geometric": 60.0 / MTTR},
            )
            for i in range(STATIONS)
        ]
        buffers = [simantha.Buffer(f"B{i}", capacity=PLACES) for i in range(STATIONS - 1)]
        source.define_routing(downstream=[machines[0]])
        for i, machine in enumerate(machines):
            before = [source] if i == 0 else [buffers[i - 1]]
            machine.define_routing(upstream=before, downstream=[sink] if i == STATIONS - 1 else [buffers[i]])
        for i, buffer in enumerate(buffers):
            buffer.define_routing(upstream=[machines[i]], downstream=[machines[i + 1]])
        sink.define_routing(upstream=[machines[-1]])
        system = simantha.System([source, *machines, *buffers, sink])
        system.simulate(simulation_time=int(hours * 60), verbose=False)
        return hours, float(sink.level)

    return run


def cimba_line(hours: float) -> Run:
    """cimba (C engine, Numba): a process a station, tokens for cars and places; one thread, compiled before timing."""
    fields = "".join(f"    cars{i}: cb.Container\n    room{i}: cb.Container\n" for i in range(STATIONS - 1))
    processes = ""
    for i in range(STATIONS):
        take = f"            self.cars{i - 1}.get(1)\n            self.room{i - 1}.put(1)\n" if i else ""
        give = (
            f"            self.room{i}.get(1)\n            self.cars{i}.put(1)\n"
            if i < STATIONS - 1
            else "            self.made += 1\n"
        )
        processes += f"""
    @cb.process
    def station{i}(self):
        while True:
{take}            total = {TAKT}
            left = {TAKT}
            gap = random.exponential({MTBF})
            while gap < left:
                left -= gap
                total += random.exponential({MTTR})
                gap = random.exponential({MTBF})
            cb.hold(total)
{give}"""
    starts = "".join(f"        self.room{i}.put({PLACES})\n" for i in range(STATIONS - 1))
    text = f"""import cimba as cb
from cimba import random


class TenStations(cb.Model):
{fields}    made: int = 0
    output: cb.Output[float]

    @cb.process
    def places(self):
{starts}{processes}
    @cb.on_end
    def measure(self):
        self.output = self.made
"""
    folder = Path(tempfile.mkdtemp())
    (folder / "ten_stations.py").write_text(text, encoding="utf-8")
    sys.path.insert(0, str(folder))
    module = importlib.import_module("ten_stations")
    import cimba

    def once(duration: float) -> float:
        model = module.TenStations()
        experiment = cimba.Experiment(model, replications=1, window=cimba.Window(duration=duration), seed=1)
        return float(experiment.run()[model].output.values.mean())

    once(3600.0)

    def run() -> tuple[float, float]:
        return hours, once(hours * 3600.0)

    return run


def surrogates(plants: int = 30, draws: int = 40) -> None:
    """How far the formula and the fitted stand-in are from the line, on plants of 3 to 6 shops drawn at random.

    Shops: takt 55 to 60 s, MTBF 100 to 500 min, MTTR 4 to 16 min, 10 to 120 places. The formula is held against 1,500
    hours x 64 replications at the centre; the stand-in, fitted to draws within 1/1.3 to 1.3, against the line at new
    draws in that range with a luck of their own (1,000 hours x 64 replications each).
    """
    chance = np.random.default_rng(5)
    formula, surface, spent = [], [], []
    for plant in range(plants):
        count = int(chance.integers(3, 7))
        takt, up, down = (chance.uniform(low, high, count) for low, high in ((55, 60), (100, 500), (4, 16)))
        buffers = chance.integers(10, 120, count - 1)
        line = Line([Station(*each) for each in zip(takt, up, down, strict=True)], buffers.tolist())
        truth = line.simulate(1500, 64, seed=2, shares=False).efficiency
        formula.append(float(line_efficiency(takt, up, down, buffers)) / truth - 1.0)
        if plant < 6:
            begin = time.perf_counter()
            fitted = fit_surrogate(line)
            spent.append(time.perf_counter() - begin)
            factors = 1.3 ** chance.uniform(-1, 1, (2, draws, count))
            wide = [np.repeat(each * factor, 64, axis=0) for each, factor in zip((up, down), factors, strict=True)]
            rates = line.simulate_draws(1000, mtbf_min=wide[0], mttr_min=wide[1], seed=3, same_luck=False)
            middle = rates.reshape(draws, 64).mean(axis=1)
            surface.extend(fitted.rate(takt, up * factors[0], down * factors[1]) / middle - 1.0)
    for name, errors in (("formula", np.array(formula)), ("fitted", np.array(surface))):
        rms, most = np.sqrt((errors**2).mean()), np.abs(errors).max()
        print(f"{name}: n {len(errors)}, mean {errors.mean():+.3%}, rms {rms:.3%}, largest {most:.3%}")
    print(f"fitting: {min(spent):.1f} to {max(spent):.1f} s")


def main() -> None:
    """Print versions, the table and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--surrogates", action="store_true", help="measure the fast stand-ins of the line instead")
    options = parser.parse_args()
    if options.surrogates:
        surrogates()
        return
    rounds = options.rounds
    engines: dict[str, Run] = {
        "karvan, ten stations": karvan(TEN, 30, shares=False),
        "karvan, ten stations, with time shares": karvan(TEN, 30, shares=True),
        "karvan, four shops": karvan(FOUR, 30, shares=False),
    }
    makers: dict[str, tuple[Callable[[float], Run], float]] = {
        "simpy": (simpy_line, YEAR / 10),
        "salabim": (salabim_line, YEAR / 40),
        "simantha": (simantha_line, YEAR / 20),
        "cimba": (cimba_line, YEAR),
    }
    names = ["numpy", *makers]
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            print(f"{name}: not installed, left out")
    print(f"Python {platform.python_version()}, " + ", ".join(f"{name} {number}" for name, number in found.items()))
    for name, (maker, hours) in makers.items():
        if name in found:
            try:
                engines[name] = maker(hours)
            except Exception as error:  # a peer that changed its interface must not stop the others
                print(f"{name}: could not be set up: {error!r}")
    times: dict[str, list[float]] = {name: [] for name in engines}
    rates: dict[str, float] = {}
    for _ in range(rounds):
        for name, run in list(engines.items()):
            begin = time.perf_counter()
            try:
                hours, cars = run()
            except Exception as error:
                print(f"{name}: failed: {error!r}")
                del engines[name]
                continue
            times[name].append((time.perf_counter() - begin) * 30 * YEAR / hours)
            rates[name] = cars / hours / 60.0
    base = statistics.median(times["karvan, ten stations"])
    print(f"{'engine':42s} {'30 years, s':>12s} {'x karvan':>10s} {'efficiency':>10s}")
    for name in engines:
        middle = statistics.median(times[name])
        ratio = "" if "four" in name else f"{middle / base:10.1f}"
        print(f"{name:42s} {middle:12.2f} {ratio:>10s} {rates[name]:10.4f}")


if __name__ == "__main__":
    main()

"""The arithmetic of takt and people: from hours of work in a car to stations, workers and people per thousand cars.

The classic textbook steps (Groover, *Automation, Production Systems and Computer-Integrated Manufacturing*, ch. 15),
kept as one-line functions so that a plan can be checked by hand.
"""

from math import ceil, inf

from karvan.base.errors import InputError


def takt_minutes(cars: float, hours: float, *, uptime: float = 1.0) -> float:
    """Minutes of working time for each car: ``60 hours uptime / cars``.

    >>> takt_minutes(10_000, 250 * 8)
    12.0
    """
    _positive(cars=cars, hours=hours)
    _share(uptime=uptime)
    return 60.0 * hours * uptime / cars


def workers(labour_hours: float, service_minutes: float, *, balancing: float = 1.0) -> int:
    """Workers on the line at once: ``labour content / (balancing efficiency x service time)``, rounded up.

    Parameters: hours of work in one car; minutes a worker has for it (takt less repositioning); share of that time
    the best division of work can fill.

    >>> workers(15.0, 0.99, balancing=0.93)
    978
    """
    _positive(labour_hours=labour_hours, service_minutes=service_minutes)
    _share(balancing=balancing)
    return ceil(60.0 * labour_hours / (balancing * service_minutes) - 1e-9)


def stations(workers_on_line: float, per_station: float) -> int:
    """Stations for so many workers, rounded up.

    >>> stations(978, 2.2)
    445
    """
    _positive(workers_on_line=workers_on_line, per_station=per_station)
    return ceil(workers_on_line / per_station - 1e-9)


def people_per_thousand(hours_per_car: float, hours_per_person: float = 1800.0) -> float:
    """People for a thousand cars a year: ``1000 x hours per car / hours a person works in a year`` (1,800 is
    ``assumed``).

    >>> round(people_per_thousand(20.0), 4)
    11.1111
    """
    _positive(hours_per_car=hours_per_car, hours_per_person=hours_per_person)
    return 1000.0 * hours_per_car / hours_per_person


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not 0.0 < value < inf:
            raise InputError(f"labour: {name} is {value:g}; expected more than 0, and finite")


def _share(**values: float) -> None:
    for name, value in values.items():
        if not 0.0 < value <= 1.0:
            raise InputError(f"labour: {name} is {value:g}; expected a share above 0 and at most 1")

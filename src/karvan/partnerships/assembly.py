"""The kinds of assembly, from screwing together a trimmed body to stamping it, and what each takes.

The figures are ranges over real plants, each with where it comes from; a study may replace every one. Announced
investments and jobs are announcements.
"""

from dataclasses import dataclass
from typing import Literal

from karvan.base.errors import InputError, UnknownName, nearest


@dataclass(frozen=True)
class Range:
    """A figure with its spread and where it comes from."""

    low: float
    mid: float
    high: float
    basis: Literal["seen", "derived", "assumed"]
    """``seen`` in the source, ``derived`` from seen figures, or ``assumed``: judgement that nobody measured."""
    source: str
    """Where it comes from, in a sentence."""

    def __post_init__(self) -> None:
        if not self.low <= self.mid <= self.high:
            raise InputError(f"range: found {self.low:g}, {self.mid:g}, {self.high:g}; expected low <= mid <= high")


@dataclass(frozen=True)
class AssemblyKind:
    """One way to assemble cars."""

    name: str
    """Short name, as a study's tables use it."""
    title: str
    """What it means."""
    shops: tuple[str, ...]
    """What is done in the plant."""
    volume_high: float
    """Cars a year up to which the kind is used; infinite for the last. Logistics rule of thumb (free-logistics.com)."""
    investment: Range
    """US dollars per car of yearly capacity."""
    people: Range
    """People employed per 1,000 cars of yearly capacity."""
    hours: Range
    """Hours of labour per car when the line runs well."""


SKD = AssemblyKind(
    name="skd",
    title="semi-knocked-down: painted, trimmed bodies are fitted with engine, axles and wheels",
    shops=("assembly",),
    volume_high=5_000.0,
    investment=Range(
        1_000.0,
        1_500.0,
        4_000.0,
        "seen",
        "Khazar, Neftchala: 15 m for 10,000 a year; Volkswagen Kigali: 20 m for 5,000; an equipment vendor: 20 to 50 m "
        "for up to 20,000",
    ),
    people=Range(
        20.0,
        30.0,
        200.0,
        "seen",
        "Khazar, Neftchala: 200 or 300 people for 10,000 a year; Volkswagen Kigali 200 per 1,000 with its car sharing",
    ),
    hours=Range(3.0, 6.0, 10.0, "assumed", "judgement; no source gives hours for this kind"),
)
"""Screwdriver assembly. Value added at home is a few per cent of the car: never count its gross output as local."""

CKD = AssemblyKind(
    name="ckd",
    title="completely knocked-down: pressed panels arrive; bodies are welded, painted and assembled",
    shops=("body", "paint", "assembly"),
    volume_high=15_000.0,
    investment=Range(
        1_200.0,
        3_333.0,
        4_429.0,
        "seen",
        "Proton Karachi 30 m for 25,000; Changan Karachi 100 m for 30,000; Kia Kostanay 310 m for 70,000",
    ),
    people=Range(21.4, 40.0, 80.0, "seen", "Kia Kostanay 21.4; Kia Batna 40; Proton Karachi 80"),
    hours=Range(25.0, 40.0, 60.0, "derived", "20 to 40 people per 1,000 cars at 1,800 hours, low automation"),
)
"""Welding, painting and assembly from a full kit. Real plants of the kind reach far above that volume."""

FULL = AssemblyKind(
    name="full",
    title="full production: panels are pressed, bodies welded and painted, parts called off one by one",
    shops=("press", "body", "paint", "assembly"),
    volume_high=float("inf"),
    investment=Range(
        2_353.0,
        3_333.0,
        4_000.0,
        "seen",
        "Renault Tangier second line 400 m EUR for 170,000; BYD Rayong 490 m for 150,000; Hyundai St Petersburg 500 m "
        "for 150,000; Kia Zilina 1,000 m EUR for 300,000; Kia Georgia 1,200 m for 300,000",
    ),
    people=Range(
        8.2,
        9.7,
        66.7,
        "seen",
        "Renault Tangier second line 8.2; Kia Georgia 8.3; Kia Zilina 9.7; BYD Rayong 66.7 with parts",
    ),
    hours=Range(
        15.2,
        24.1,
        26.0,
        "seen",
        "Harbour, assembly plants of North America: Oshawa 15.2 (2007), average 24.1 and Chrysler 26.0 (2003)",
    ),
)
"""A whole car plant without engines and gearboxes."""

ASSEMBLY_KINDS: tuple[AssemblyKind, ...] = (SKD, CKD, FULL)
"""All kinds, from the shallowest to the deepest."""


def assembly_kind(name: str) -> AssemblyKind:
    """The kind of that name; an unknown one is refused with the nearest known.

    >>> assembly_kind("ckd").shops
    ('body', 'paint', 'assembly')
    """
    for kind in ASSEMBLY_KINDS:
        if kind.name == name:
            return kind
    known = [kind.name for kind in ASSEMBLY_KINDS]
    hint = nearest(name, known)
    raise UnknownName(
        f"assembly kind {name!r} is not known; expected one of {', '.join(known)}" + (f"; {hint}" if hint else "")
    )


def kind_for_volume(volume: float) -> AssemblyKind:
    """The shallowest kind that is used at a volume.

    Parameters
    ----------
    volume : cars per year, 0 or more.

    >>> [kind_for_volume(q).name for q in (1_000, 12_000, 60_000)]
    ['skd', 'ckd', 'full']
    """
    if not volume >= 0.0:
        raise InputError(f"volume: found {volume:g}; expected cars per year, 0 or more")
    return next(kind for kind in ASSEMBLY_KINDS if volume < kind.volume_high)

"""The words of ``karvan check``: what an audit of a study tells."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from karvan.study.audit import Audit

SHOWN = 12
"""Assumed values listed before the rest is only counted."""


def lines(found: "Audit", *, everything: bool = False) -> list[str]:
    """An audit as lines of text."""
    out = [
        f"{found.study}: no faults",
        f"  {found.claims:,} claims, {found.statistics:,} independent figures, {found.sources:,} addresses"
        + (f", as known on {found.as_of}" if found.as_of else ""),
    ]
    out += ["", f"contradictions ({len(found.contradictions)})"]
    for item in found.contradictions:
        out.append(f"  {item.what}: {' | '.join(item.values)}")
        out.append(f"      used: {item.used}  ({item.reason})")
    out += ["", f"gaps ({len(found.gaps)})"]
    for gap in found.gaps:
        missing = ", ".join(gap.missing[:8]) + (f" and {len(gap.missing) - 8} more" if len(gap.missing) > 8 else "")
        out.append(f"  {gap.what}: {missing}" + (f"; {gap.consequence}" if gap.consequence else ""))
    out += ["", f"claims that went stale ({len(found.stale)})"]
    out += [
        f"  {item.subject}: {item.what}, due {item.due}, said on {item.known_on}  [{item.claim}]"
        for item in found.stale
    ]
    out += ["", f"assumed values ({len(found.assumed)})"]
    shown = found.assumed if everything else found.assumed[:SHOWN]
    out += [
        f"  {cell.name}: {cell.mid:g} ({cell.low:g} to {cell.high:g}) {cell.unit}  [{cell.place}]" for cell in shown
    ]
    if len(shown) < len(found.assumed):
        out.append(f"  ... and {len(found.assumed) - len(shown)} more (--all lists them, --json too)")
    if found.unused:
        out += ["", f"values that nothing reads ({len(found.unused)})"]
        out += [f"  {item.name}  [{item.place}]: {item.reason}" for item in found.unused]
    return out

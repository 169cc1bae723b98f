"""The chain behind a figure: formula, inputs, assumptions, sources."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from karvan.base.errors import UnknownName
from karvan.base.quantities import quantities
from karvan.futures.drivers import by_weight, in_words, title_of
from karvan.futures.ensemble import Futures
from karvan.futures.figures import Figure, figure, number, parse
from karvan.study.cells import Cell
from karvan.study.evidence import Claim
from karvan.study.load import Study


@dataclass(frozen=True)
class Explanation:
    """Everything behind one figure."""

    figure: Figure
    formula: str
    description: str
    method: str
    inputs: tuple[Figure, ...] = ()
    """Quantities the formula names, with their values in the same year and scenario."""
    cells: tuple[Cell, ...] = ()
    """Uncertain numbers it rests on; of a forecast those first that move it most on their own."""
    titles: tuple[str, ...] = ()
    """Each of them in words."""
    claims: tuple[Claim, ...] = ()
    """Claims used."""
    others: tuple[Claim, ...] = ()
    """Claims passed over."""
    rule: str = ""
    sources: tuple[str, ...] = field(default=())
    """Addresses, without repeats."""


def explain(text: str, study: Study, runs: Mapping[str, Futures]) -> Explanation:
    """The chain behind the figure at an address.

    Errors: :class:`UnknownName` where the address names something that is not there.
    """
    found = figure(text, study, runs)
    address = parse(text)
    if found.claim is not None:
        return Explanation(
            found,
            "a claim of the evidence",
            found.claim.note,
            "evidence",
            claims=(found.claim,),
            sources=(found.claim.source,),
        )
    if found.cell is not None:
        return Explanation(
            found,
            "an uncertain number of the study",
            found.cell.note,
            "docs/tables.md",
            cells=(found.cell,),
            titles=(title_of(found.cell.name),),
            sources=_sources([found.cell]),
        )
    quantity = quantities()[address.quantity]
    if found.record is not None:
        record = found.record
        return Explanation(
            found,
            "the value used for a period on record",
            quantity.description,
            "docs/evidence.md",
            claims=record.used,
            others=record.others,
            rule=record.rule,
            sources=tuple(dict.fromkeys(item.source for item in (*record.used, *record.others))),
        )
    inputs = []
    for name in quantity.inputs:
        for keys in (address.keys, ()):
            parts = [name, *keys, address.period]
            try:
                inputs.append(figure(f"{'.'.join(parts)}@{address.scenario}", study, runs))
                break
            except UnknownName:
                continue
    run = runs.get(address.scenario) or next(iter(runs.values()))
    cells = list(_cells(quantity.parameters, address.keys, run))
    if found.kind == "forecast":
        with suppress(UnknownName):  # what is worked out from medians has no draws
            cells = by_weight(cells, text, runs)
    worded = in_words(study, run.layout)
    return Explanation(
        found,
        f"{quantity.name} = {quantity.formula}",
        quantity.description,
        quantity.source,
        inputs=tuple(inputs),
        cells=tuple(cells),
        titles=tuple(worded(cell.name) for cell in cells),
        sources=_sources(cells),
    )


def _cells(names: tuple[str, ...], keys: tuple[str, ...], run: Futures) -> Iterator[Cell]:
    """The cells behind a quantity: those for its own keys where there are such, else all of a name."""
    for name in names:
        if name in run.cells:
            yield run.cells[name]
            continue
        family = [cell for key, cell in run.cells.items() if key == name or key.startswith(f"{name}.")]
        own = [cell for cell in family if any(f".{key}." in f"{cell.name}." for key in keys)]
        yield from own or family


def _sources(cells: list[Cell]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(cell.source for cell in cells if not cell.assumed))


def _unit(unit: str) -> str:
    """A unit beside a number: shares stand as per cent, and a pure number has none."""
    return "" if unit in ("share of 1", "1") else unit


def lines(explanation: Explanation, *, most: int = 12) -> list[str]:
    """The chain as lines of text."""
    found = explanation.figure
    out = [
        f"{found.title}  [{found.address}]",
        f"  {found.text()} {_unit(found.unit)}".rstrip(),
    ]
    if found.kind == "forecast":
        error = number(found.error, max(found.decimals, 1), found.unit)
        out.append(f"  median and 5-95 % of futures; Monte Carlo standard error of the median {error}")
    if explanation.description:
        out.append(f"  {explanation.description}")
    out.append(f"formula   {explanation.formula}")
    if explanation.rule:
        out.append(f"rule      {explanation.rule}")
    out.extend(f"  input   {item.address}: {item.text()} {_unit(item.unit)}".rstrip() for item in explanation.inputs)
    for cell, title in zip(explanation.cells[:most], explanation.titles, strict=False):
        mark = "assumed" if cell.assumed else cell.source
        spread = f"{cell.mid:g} ({cell.low:g} to {cell.high:g}) {'' if cell.unit == '1' else cell.unit}".rstrip()
        out.append(f"  rests on {cell.name}: {spread}  <- {mark}  [{cell.place}]")
        out.append(f"           {title}")
        if cell.note:
            out.append(f"           {cell.note}")
    if len(explanation.cells) > most:
        out.append(f"  ... and {len(explanation.cells) - most} more (use --json for all)")
    out.extend(line for member in explanation.claims for line in claim_lines("used", member))
    out.extend(line for member in explanation.others for line in claim_lines("passed over", member))
    out.append(f"method    {explanation.method}")
    if not explanation.claims:
        out.extend(f"source    {source}" for source in explanation.sources if source.startswith("http"))
    return out


def claim_lines(word: str, item: Claim) -> list[str]:
    """A claim as lines of text."""
    period = f"{item.period_start} to {item.period_end}" if item.period_start else ""
    out = [f"  {word:11} {item.claim}: {item.value} {item.unit} {period} ({item.confidence}, {item.basis})"]
    out.append(f"              {item.source}" + (f", {item.source_date}" if item.source_date else ""))
    return [*out, f"              {item.note}"] if item.note else out


def as_dict(explanation: Explanation) -> dict[str, object]:
    """The chain as plain data, for programs."""
    found = explanation.figure
    return {
        "address": found.address,
        "title": found.title,
        "kind": found.kind,
        "value": None if found.value != found.value else found.value,
        "low": None if found.low != found.low else found.low,
        "high": None if found.high != found.high else found.high,
        "unit": found.unit,
        "error": found.error,
        "formula": explanation.formula,
        "rule": explanation.rule,
        "description": explanation.description,
        "method": explanation.method,
        "inputs": [
            {"address": i.address, "value": i.value, "low": i.low, "high": i.high, "unit": i.unit}
            for i in explanation.inputs
        ],
        "assumptions": [vars(cell) for cell in explanation.cells],
        "claims": [vars(item) for item in explanation.claims],
        "passed_over": [vars(item) for item in explanation.others],
        "sources": list(explanation.sources),
    }

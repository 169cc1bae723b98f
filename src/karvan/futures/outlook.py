"""How many cars a country will own and buy: the demand stage for any country of the world tables, without a study.

Ownership follows the curve fitted to the country's own record, with the error that such curves showed when asked for
years that were held out; the fleet loses what dies and gains what is wanted; a part of what is bought is new. With a
study, its own numbers and its year loop answer instead.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from karvan.base.axes import Array
from karvan.base.errors import InputError, UnknownName, nearest
from karvan.demand.commercial import KINDS
from karvan.demand.segments import SEGMENTS
from karvan.futures.block_demand import commercial_kinds
from karvan.futures.ensemble import pieces_of, worker_of
from karvan.futures.frictions import market_cell
from karvan.futures.inputs import Prepared, steady
from karvan.futures.outlook_world import Fit, Outlook, from_world, kinds_of
from karvan.futures.series import series_of
from karvan.futures.vehicles import Commercial, commercial_of
from karvan.futures.yearloop import Sight, run_block
from karvan.study.load import Study, load, packaged
from karvan.study.world import known_by, world_table

__all__ = ["Fit", "Outlook", "outlook"]


def outlook(
    countries: Sequence[str], *, until: int = 2040, study: Study | None = None, draws: int = 500, seed: int = 1
) -> list[Outlook]:
    """Cars owned and bought, country by country.

    Parameters
    ----------
    countries : ISO3 codes of the world tables.
    until : last year; later than the last year of income on record.
    study : answers for its own markets; the world tables for the rest.

    Errors: :class:`UnknownName` for a country that the tables do not know; :class:`InputError` for one without income
    or cars on record, and for a year that is past.
    """
    known = world_table("countries")
    names = dict(zip(known["country"].to_list(), known["name"].to_list(), strict=True))
    unknown = [code for code in countries if code not in names]
    if unknown:
        raise UnknownName("\n".join(_unknown(code, names) for code in unknown))
    if draws < 1:
        raise InputError(f"draws is {draws}; expected 1 or more")
    own = [code for code in countries if study is not None and code in study.settings.markets]
    found = _from_study(study, own, names, until, draws, seed) if study is not None and own else {}
    out, faults = [], []
    for code in countries:
        try:
            row = found.get(code) or from_world(code, names[code], until, draws, seed)
        except InputError as fault:
            if str(fault) not in faults:
                faults.append(str(fault))
            continue
        more = _known_better(code) if row.fit is not None else ()
        out.append(replace(row, notes=(*row.notes, *more)))
    if faults:
        raise InputError("\n".join(faults))
    return out


def _unknown(code: str, names: Mapping[str, str]) -> str:
    by_name = {name.casefold(): known for known, name in names.items()}
    near = by_name.get(code.casefold())
    hint = f"did you mean '{near}'?" if near else nearest(code, names) or "use an ISO3 code"
    return f"the world tables know no country '{code}'; {hint}"


def _known_better(code: str) -> tuple[str, ...]:
    """What a built-in study of the country says of its sales today, where it says it."""
    for name, folder in packaged().items():
        settings = tomllib.loads((folder / "study.toml").read_text(encoding="utf-8"))
        if code not in (settings.get("country"), settings.get("home")):
            continue
        study = load(name)
        new, used = (market_cell(study, what, code) for what in ("new_sales_now", "used_imports_now"))
        if new is not None and used is not None:
            return (
                f"the built-in study {name} knows more: {new.low:,.0f} to {new.high:,.0f} new cars a year now, "
                f"{used.low:,.0f} to {used.high:,.0f} used ones; it answers with --study {name}",
            )
    return ()


def _from_study(
    study: Study, codes: Sequence[str], names: dict[str, str], until: int, draws: int, seed: int
) -> dict[str, Outlook]:
    worker = worker_of(study, "baseline", until=until, seed=seed)
    prepared = worker.prepare("baseline")
    blocks: list[list[Array]] = []
    weights: list[dict[str, Array]] = []
    figures: list[Mapping[str, Array]] = []

    abroad = {code: _commercial(study, code, prepared) for code in codes if code != study.settings.home}
    moved: list[dict[str, dict[str, Array]]] = []

    def look(sight: Sight) -> None:
        if not blocks[-1] and abroad:
            moved[-1] = {
                code: commercial_kinds(prepared, sight.draws, sight.demand, code, found, f"commercial_noise.{code}")
                for code, found in abroad.items()
            }
        electrified = sight.wanted[:, prepared.layout.electrified].sum(axis=1)
        each = [sight.stock, sight.wanted.sum(axis=1), sight.now.used, sight.population, electrified]
        blocks[-1].append(np.stack(each))
        weights[-1] = {code: _weights(prepared, sight, code) for code in codes}

    for piece in pieces_of("baseline", draws):
        blocks.append([])
        weights.append({})
        moved.append({})
        figures.append(run_block(prepared, seed, piece.number, piece.size, worker.task.sampling, look=look).figures)
    # (D, Y, M) each
    stock, new, used, people, electrified = np.concatenate([np.stack(block, axis=2) for block in blocks], axis=1)
    out = {}
    for code in codes:
        m = prepared.layout.markets.index(code)
        drive = np.divide(electrified[:, :, m], new[:, :, m], out=np.zeros(new.shape[:2]), where=new[:, :, m] > 0)
        kinds = kinds_of(new[:, :, m], np.concatenate([each[code] for each in weights]), drive)
        notes: tuple[str, ...] = ()
        if code == study.settings.home:
            kinds |= {kind: np.concatenate([each[f"sales_{kind}"] for each in figures]) for kind in KINDS}
        else:
            kinds |= {kind: np.concatenate([each[code][kind] for each in moved]) for kind in KINDS}
            notes = (abroad[code].note,) if abroad[code].note else ()
        out[code] = Outlook(
            country=code,
            name=names[code],
            years=prepared.layout.years,
            source=f"study {study.name}",
            owned=1000.0 * stock[:, :, m] / people[:, :, m],
            stock=stock[:, :, m],
            new=new[:, :, m],
            used=used[:, :, m],
            bought=new[:, :, m] + used[:, :, m],
            fit=None,
            kinds=kinds,
            notes=notes,
        )
    return out


def _weights(prepared: Prepared, sight: Sight, code: str) -> Array:
    """(D, S), weights of the segments in a market of the study."""
    return np.stack([steady(prepared, sight.draws, f"segment_{segment}", code) for segment in SEGMENTS], axis=-1)


def _commercial(study: Study, code: str, prepared: Prepared) -> Commercial:
    """What is known of the commercial vehicles of a market abroad, at the study's start."""
    table = known_by(world_table("income"), study.as_of)
    income, people = (series_of(table, code, column) for column in ("gdp_per_head_ppp", "population"))
    base = prepared.layout.years[0] - 1
    return commercial_of(code, income, people, base, as_of=study.as_of, given=lambda name: study.parameter(name, code))

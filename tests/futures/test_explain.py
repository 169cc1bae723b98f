"""Every quantity answers for itself: formula, inputs, assumptions, sources."""

import json

import numpy as np
import pytest

from karvan.base.axes import Array
from karvan.base.errors import UnknownName
from karvan.base.quantities import Quantity, quantities
from karvan.futures.drivers import by_weight
from karvan.futures.ensemble import BOUND, Futures, simulate
from karvan.futures.explain import Explanation, as_dict, explain, lines
from karvan.futures.figures import RECORDS
from karvan.futures.ministry import LOST, occupation_names
from karvan.hub.verdict import ALTERNATIVES
from karvan.study.cells import Cell
from karvan.study.load import Study

PLANT = "hajigabul_azermash_cp"
MARKET = "RUS"
RECORD_YEARS = {"imports_vehicles": "2019", "imports_hybrid": "2020", "output_truck": "2025", "target_output": "2020"}
"""Years on record of quantities that are never simulated."""


def price(run: Futures, offer: str) -> Array:
    """(D,), the delivered price of an offer in the market that is asked for."""
    found: Array = run.offers["delivered"][:, run.layout.offers.index(offer), run.layout.markets.index(MARKET)]
    return found


def keys_of(quantity: Quantity, run: Futures) -> list[str]:
    """Keys that an address of the quantity needs, one example of each."""
    if quantity.kind == "keyed":
        return [next(name for name in run.figures if name.startswith(f"{quantity.name}.")).split(".", 1)[1]]
    known = {
        "part": LOST[0],
        "occupation": next(iter(occupation_names(run.study)), ""),
        "plant": PLANT,
        "market": MARKET,
        "limit": BOUND[1],
        "rung": "rework",
        "offer": run.layout.offers[0],
        "industry": run.layout.industries[0],
        "condition": "export_share",
        "alternative": ALTERNATIVES[0],
        "donor": run.donors[0],
        "threshold": "output",
        "step": "freight",
        "rival": max(run.layout.offers, key=lambda name: np.median(price(run, name))),
        "lever": "reach",
        "forecaster": "combined",
        "component": run.layout.components[0],
    }
    claims = run.study.table("claims")
    rows = claims.filter((claims["subject"] == "country") & (claims["attribute"] == "output"))["claim"].to_list()
    given = iter(rows)
    return [next(given) if key == "claim" else known[key] for key in quantity.by]


def addresses(quantity: Quantity, run: Futures) -> list[str]:
    """With all keys; and with none or one of them, where keys are a choice."""
    year = {"record": RECORD_YEARS.get(quantity.name, "2030"), "past": "2010"}.get(quantity.kind, "2030")
    keys = keys_of(quantity, run)
    if quantity.kind in ("figures", "plants", "markets"):
        choices = [[key] for key in keys]
        if quantity.name in run.figures:
            choices.append([])
    else:
        choices = [keys]
    return [".".join([quantity.name, *chosen, year]) for chosen in choices]


def grounded(explanation: Explanation) -> bool:
    """Whether the chain ends in a source, a formula of given numbers, or the word ``assumed``."""
    claims = bool(explanation.claims) and all(item.source for item in explanation.claims)
    cells = bool(explanation.cells) and all(cell.assumed or cell.source for cell in explanation.cells)
    return claims or cells or bool(explanation.inputs) or bool(explanation.formula and explanation.method)


@pytest.mark.parametrize("name", list(quantities()))
class TestEveryQuantity:
    """The register is the list: a new quantity is tested without a word here."""

    def test_answers(self, name: str, azerbaijan: Study, runs: dict[str, Futures]) -> None:
        quantity = quantities()[name]
        if "occupation" in quantity.by and not occupation_names(azerbaijan):
            pytest.skip("the study has no table of occupations")
        for address in addresses(quantity, runs["baseline"]):
            found = explain(address, azerbaijan, runs)
            assert found.figure.address == address
            assert found.figure.title
            assert found.figure.value == found.figure.value, "no number"
            assert found.figure.low <= found.figure.value <= found.figure.high
            assert grounded(found), address
            text = lines(found)
            assert text[0].startswith(found.figure.title)
            assert any(line.startswith("formula") for line in text)
            assert any(line.startswith("method") for line in text)

    def test_inputs_and_parameters_of_the_register_exist(
        self, name: str, azerbaijan: Study, runs: dict[str, Futures]
    ) -> None:
        quantity = quantities()[name]
        assert set(quantity.inputs) <= set(quantities())
        for parameter in quantity.parameters:
            family = [key for run in runs.values() for key in run.cells if key.split(".")[0] == parameter.split(".")[0]]
            assert family, f"{name} rests on {parameter}, which no run asks for"


class TestChain:
    """What a chain shows."""

    def test_inputs_have_the_same_year_and_scenario(self, azerbaijan: Study, runs: dict[str, Futures]) -> None:
        found = explain("export_share.2030@hub", azerbaijan, runs)
        assert [item.address for item in found.inputs] == ["exports.2030@hub", "output.2030@hub"]

    def test_cells_of_the_plant_asked_for(self, azerbaijan: Study, runs: dict[str, Futures]) -> None:
        found = explain(f"price_ex_works.{PLANT}.2030", azerbaijan, runs)
        plants = {cell.name.split(".", 1)[1] for cell in found.cells if cell.name.startswith("kit_price.")}
        assert plants == {PLANT}
        country = explain("price_ex_works.2030", azerbaijan, runs)
        assert len({cell.name for cell in country.cells if cell.name.startswith("kit_price.")}) > 1

    def test_cells_in_words_the_weightiest_first(self, azerbaijan: Study) -> None:
        """Names, not ids; what a kit costs hangs most on its price, though the alphabet begins with its drift."""
        runs = {"baseline": simulate(azerbaijan, draws=500, until=2026, workers=1)}
        found = explain("kit_cost.2026", azerbaijan, runs)
        assert found.cells[0].name.startswith("kit_price.")
        assert found.titles[0].startswith("Price of a kit")
        assert len(found.titles) == len(found.cells) > 3
        assert not any("_" in title for title in found.titles)
        assert {c.name for c in found.cells} == {c.name for c in by_weight(found.cells[::-1], "kit_cost.2026", runs)}

    def test_every_cell_says_where_it_stands(self, runs: dict[str, Futures]) -> None:
        cells: list[Cell] = [cell for run in runs.values() for cell in run.cells.values()]
        assert all(cell.source for cell in cells)
        assert all(cell.place for cell in cells)
        assert all(cell.low <= cell.mid <= cell.high for cell in cells)

    def test_a_record_names_rule_and_claims(self, azerbaijan: Study) -> None:
        found = explain("output.2021", azerbaijan, {})
        assert found.figure.value == 2043
        assert "2,056 is implied elsewhere" in found.rule
        assert {claim.number for claim in found.claims} == {2043}
        assert {claim.number for claim in found.others} == {2056, 2430}
        text = "\n".join(lines(found))
        assert "used" in text
        assert "passed over" in text
        assert "http" in text

    @pytest.mark.parametrize("name", list(RECORDS))
    def test_records_of_every_kind(self, name: str, azerbaijan: Study) -> None:
        found = explain(f"{name}.{RECORD_YEARS.get(name, '2019')}", azerbaijan, {})
        assert found.claims
        assert all(source.startswith("http") for source in found.sources)

    def test_a_claim_and_an_assumption(self, azerbaijan: Study, runs: dict[str, Futures]) -> None:
        name = azerbaijan.table("claims")["claim"].to_list()[0]
        assert explain(f"claim.{name}", azerbaijan, {}).sources[0].startswith("http")
        found = explain("parameter.theta", azerbaijan, runs)
        assert found.cells[0].name == "theta"

    def test_long_lists_are_cut_in_text_and_whole_in_data(self, azerbaijan: Study, runs: dict[str, Futures]) -> None:
        found = explain("output.2030", azerbaijan, runs)
        shown = [line for line in lines(found, most=3) if line.startswith("  rests on")]
        assert len(shown) == 3
        assert f"  ... and {len(found.cells) - 3} more (use --json for all)" in lines(found, most=3)
        assert len(as_dict(found)["assumptions"]) == len(found.cells)  # type: ignore[arg-type]

    def test_data_are_json(self, azerbaijan: Study, runs: dict[str, Futures]) -> None:
        for address in ("output.2030", "output.2018", "parameter.theta"):
            data = json.loads(json.dumps(as_dict(explain(address, azerbaijan, runs)), allow_nan=False, default=str))
            assert data["address"] == address

    def test_unknown_names(self, azerbaijan: Study, runs: dict[str, Futures]) -> None:
        with pytest.raises(UnknownName, match="did you mean 'output'"):
            explain("ouput.2030", azerbaijan, runs)

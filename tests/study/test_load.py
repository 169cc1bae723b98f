"""A study is read whole or refused whole: every fault at once, each with its place, and nothing written."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from karvan.base.errors import InputError, KarvanError, StudyFaults, UnknownName
from karvan.study.load import Study, find, load, packaged
from karvan.study.schema import STUDY_TABLES
from karvan.study.tables import MAX_BYTES

Edit = Callable[..., int]


def faults(folder: Path) -> list[str]:
    """The faults of a study, as text."""
    with pytest.raises(StudyFaults) as caught:
        load(folder)
    return [str(fault) for fault in caught.value.faults]


def test_the_small_study_is_whole(tiny: Path) -> None:
    study = load(tiny)
    assert study.table("plants").height == 3
    assert list(study.scenarios)[:2] == ["baseline", "no_industry"]
    assert set(study.tables) == set(STUDY_TABLES)


class TestBroken:
    """Ways to break a study, each with the one line that a person needs to mend it."""

    def test_missing_column(self, tiny: Path) -> None:
        path = tiny / "products.csv"
        path.write_text(path.read_text(encoding="utf-8").replace("powertrain", "power_train", 1), encoding="utf-8")
        found = faults(tiny)
        assert len(found) == 2
        assert found[0].startswith(
            "products.csv:1: power_train: found an unknown column; expected the columns of Products"
        )
        assert found[1].startswith("products.csv:1: powertrain: found the columns product, title, segment, power_train")

    def test_text_in_a_number(self, tiny: Path, edit: Edit) -> None:
        line = edit("plants.csv", 0, nameplate="ten thousand")
        assert faults(tiny) == [
            f"plants.csv:{line}: nameplate: found 'ten thousand'; expected a number from 0 to 5e+07 (units per year)"
        ]

    def test_negative_capacity(self, tiny: Path, edit: Edit) -> None:
        line = edit("plants.csv", 1, nameplate="-5000")
        assert faults(tiny) == [
            f"plants.csv:{line}: nameplate: found '-5000'; expected a number from 0 to 5e+07 (units per year)"
        ]

    def test_unknown_plant(self, tiny: Path, edit: Edit) -> None:
        line = edit("offers.csv", 0, plant="neftchala_kazar")
        assert faults(tiny) == [
            f"offers.csv:{line}: plant: found 'neftchala_kazar'; expected a name from the column 'plant' of the table "
            "plants (did you mean 'neftchala_khazar'?)"
        ]

    def test_unknown_plant_in_an_assumption(self, tiny: Path, edit: Edit) -> None:
        line = edit("assumptions.csv", 0, key="neftchala")
        assert faults(tiny) == [
            f"assumptions.csv:{line}: key: found 'neftchala'; expected a name from the column 'plant' of the table "
            "plants (did you mean 'neftchala_khazar'?)"
        ]

    def test_unit_missing(self, tiny: Path, edit: Edit) -> None:
        line = edit("markets.csv", 0, unit="")
        assert faults(tiny) == [f"markets.csv:{line}: unit: found nothing; expected unit of the row; the cell is empty"]

    def test_unit_of_another_parameter(self, tiny: Path, edit: Edit) -> None:
        line = edit("assumptions.csv", 0, unit="percent")
        assert faults(tiny) == [f"assumptions.csv:{line}: unit: found 'percent'; expected 'share of 1'"]

    def test_closed_before_opened(self, tiny: Path, edit: Edit) -> None:
        line = edit("plants.csv", 0, opened="2018-03-29", closed="2017")
        assert faults(tiny) == [
            f"plants.csv:{line}: closed: found 2017, before opened 2018-03-29; expected not before opened"
        ]

    def test_duplicate_key(self, tiny: Path) -> None:
        path = tiny / "products.csv"
        text = path.read_text(encoding="utf-8")
        path.write_text(text + text.splitlines()[1] + "\n", encoding="utf-8")
        assert faults(tiny) == [
            "products.csv:4: product: found 'car_combustion' again (first in products.csv:2); expected each key once"
        ]

    def test_wrong_encoding(self, tiny: Path) -> None:
        path = tiny / "plants.csv"
        path.write_bytes(path.read_bytes().replace(b"Neftchala", "Neftçala".encode("cp1254"), 1))
        assert faults(tiny) == [
            "plants.csv:2: found byte 0xe7, which is not UTF-8; expected a file saved as UTF-8 "
            "(in a spreadsheet: save as CSV UTF-8)"
        ]

    def test_unknown_file(self, tiny: Path) -> None:
        (tiny / "plant.csv").write_text("a,b\n")
        assert faults(tiny) == [
            "plant.csv: found an unknown file; expected a table of the schema or a scenario "
            "(did you mean 'plants.csv' or 'plant_states.csv' or 'components.csv'?)"
        ]

    def test_file_over_64_mb_is_refused_by_its_size(self, tiny: Path) -> None:
        with (tiny / "macro.csv").open("r+b") as handle:
            handle.truncate(MAX_BYTES + 1024 * 1024)  # sparse: takes no room
        assert faults(tiny) == [
            "macro.csv: found 65 MB; expected at most 64 MB (split the file or leave out what is not needed)"
        ]

    def test_scenario_over_64_mb(self, tiny: Path) -> None:
        (tiny / "scenarios").mkdir()
        with (tiny / "scenarios" / "big.toml").open("wb") as handle:
            handle.truncate(MAX_BYTES + 1024 * 1024)
        assert faults(tiny) == ["scenarios/big.toml: found 65 MB; expected at most 64 MB"]

    def test_required_table_missing(self, tiny: Path) -> None:
        (tiny / "offers.csv").unlink()
        assert faults(tiny) == ["offers.csv: found no such file; expected the table Offers"]

    def test_a_folder_in_a_tables_place(self, tiny: Path) -> None:
        (tiny / "offers.csv").unlink()
        (tiny / "offers.csv").mkdir()
        assert faults(tiny) == ["offers.csv: found a folder; expected the table Offers"]

    def test_a_table_without_rows_would_make_a_report_of_zeros(self, tiny: Path) -> None:
        path = tiny / "offers.csv"
        path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
        assert faults(tiny) == ["offers.csv: found a header and no rows; expected at least one row of Offers"]

    @pytest.mark.parametrize(("mark", "word"), [(";", "semicolons"), ("\t", "tabs")])
    def test_separators_of_the_region_are_one_fault(self, tiny: Path, mark: str, word: str) -> None:
        path = tiny / "markets.csv"
        path.write_text(path.read_text(encoding="utf-8").replace(",", mark), encoding="utf-8")
        (fault,) = faults(tiny)
        assert fault.startswith(f"markets.csv:1: found cells separated by {word}; expected cells separated by commas")

    def test_a_title_above_the_header_is_one_fault(self, tiny: Path) -> None:
        path = tiny / "products.csv"
        text = path.read_text(encoding="utf-8")
        path.write_text("Our products" + "," * text.splitlines()[0].count(",") + "\n" + text, encoding="utf-8")
        (fault,) = [fault for fault in faults(tiny) if fault.startswith("products.csv")]
        assert fault.startswith("products.csv:1: found the cells Our products, , ")

    def test_a_code_that_no_country_has(self, tiny: Path, edit: Edit) -> None:
        line = edit("markets.csv", 0, market="RUZ")
        assert faults(tiny) == [
            f"markets.csv:{line}: market: found 'RUZ'; expected the ISO3 code of a country in the world tables "
            "(did you mean 'UZB' or 'RUS'?)"
        ]

    def test_unknown_claim(self, tiny: Path, edit: Edit) -> None:
        line = edit("products.csv", 0, source="claim:out-2019-12m-car-contry-1")
        (found,) = faults(tiny)
        assert found.startswith(
            f"products.csv:{line}: source: found 'claim:out-2019-12m-car-contry-1'; expected a claim of the evidence "
            "(did you mean 'out-2019-12m-car-country-1' or "
        )

    def test_unknown_parameter(self, tiny: Path, edit: Edit) -> None:
        line = edit("assumptions.csv", 0, parameter="nameplate_rech")
        found = faults(tiny)
        start = f"assumptions.csv:{line}: parameter: found 'nameplate_rech'; expected a name of the parameter register"
        assert len(found) == 1 and found[0].startswith(start) and "'nameplate_reach'" in found[0]

    def test_value_outside_the_register(self, tiny: Path, edit: Edit) -> None:
        line = edit("assumptions.csv", 0, high="7")
        assert faults(tiny) == [f"assumptions.csv:{line}: high: found 7; expected from 0 to 1.5 (share of 1)"]

    def test_shares_that_do_not_add_up(self, tiny: Path, edit: Edit) -> None:
        edit("components.csv", 0, share_mid="0.13", share_low="0.1")
        assert faults(tiny) == ["components.csv: share_mid: found a column that sums to 0.9600; expected a sum of 1"]

    def test_elasticity_of_scale_out_of_order(self, tiny: Path, edit: Edit) -> None:
        line = edit("components.csv", 0, scale_elasticity_low="0.2")
        expected = "expected scale_elasticity_low <= scale_elasticity_mid <= scale_elasticity_high"
        assert faults(tiny) == [f"components.csv:{line}: scale_elasticity_mid: found 0.2 / 0.09 / 0.15; {expected}"]

    def test_a_study_from_before_elasticities(self, tiny: Path) -> None:
        """One line for each column that is missing, and nothing about what refers to the table."""
        path = tiny / "components.csv"
        rows = pl.read_csv(path, infer_schema=False)
        names = [name for name in rows.columns if name.startswith("scale_elasticity")]
        rows.drop(names).write_csv(path)
        found = faults(tiny)
        assert len(found) == len(names) == 3
        assert all(f"expected a column '{name}'" in line for name, line in zip(sorted(names), found, strict=True))

    def test_unknown_industry_in_the_input_output_table(self, tiny: Path, edit: Edit) -> None:
        line = edit("input_output.csv", 0, column="agricultur")
        found = faults(tiny)
        assert len(found) == 1
        assert found[0].startswith(
            f"input_output.csv:{line}: column: found 'agricultur'; expected a name from the column"
        )

    def test_unknown_lever(self, tiny: Path) -> None:
        (tiny / "scenarios").mkdir()
        text = 'format = 1\nname = "x"\ntitle = "X"\n\n[[levers]]\nlever = "dutty_rate"\nmarket = "AZE"\n'
        (tiny / "scenarios" / "x.toml").write_text(text)
        assert faults(tiny) == [
            "scenarios/x.toml: levers[1].lever: found 'dutty_rate'; expected the name of a lever "
            "(did you mean 'duty_rate' or 'discount_rate' or 'vat_rate'?)"
        ]

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            (
                'currency = "AZN"',
                "currency = 944",
                "study.toml: currency: found 944; expected text in quotes",
            ),
            ("format = 1", "format = 2", "study.toml: format: found 2; expected 1"),
            (
                "base_year = 2025",
                "base_yaer = 2025",
                "study.toml: base_yaer: found an unknown name; expected a name that",
            ),
            ("base_year = 2025", "base_yaer = 2025", "study.toml: base_year: found nothing; expected a value"),
            (
                "horizon = 2040",
                "horizon = 2020",
                "study.toml: found horizon 2020 is before start_year 2026; expected values that fit together",
            ),
            ("format = 1", "format 1", "study.toml: found unreadable TOML"),
            (
                "as_of = 2026-03-20",
                'as_of = "20a"',
                "study.toml: as_of: found '20a'; expected a date: YYYY, YYYY-MM",
            ),
            ('country = "AZE"', 'country = "AZQ"', "study.toml: country: found 'AZQ'; expected the ISO3 code of a"),
            ('currency = "AZN"', 'currency = "azn"', "found 'azn'; expected a code of three capital letters"),
            ("markets = [", "markets = []\nmarkt = [", "markets: found []; expected a list with at least one name"),
        ],
    )
    def test_settings(self, tiny: Path, old: str, new: str, message: str) -> None:
        path = tiny / "study.toml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
        assert any(message in fault for fault in faults(tiny))


def test_all_faults_in_one_go_sorted_by_place(tiny: Path, edit: Edit) -> None:
    edit("plants.csv", 0, nameplate="-1", state="opened")
    edit("plants.csv", 2, country="")
    edit("markets.csv", 1, mid="many")
    edit("assumptions.csv", 0, unit="percent")
    (tiny / "notes.csv").write_text("a\n")
    found = faults(tiny)
    assert len(found) == 6
    assert [fault.split(":")[0] for fault in found] == [
        "assumptions.csv", "markets.csv", "notes.csv", "plants.csv", "plants.csv", "plants.csv",
    ]  # fmt: skip
    with pytest.raises(StudyFaults, match=r"6 faults\n"):
        load(tiny)


def test_a_broken_table_does_not_blame_its_neighbours(tiny: Path, edit: Edit) -> None:
    edit("plants.csv", 0, nameplate="-1")
    assert len(faults(tiny)) == 1  # the offers, shops and assumptions of that plant are not called unknown


def test_refusing_writes_nothing(tiny: Path, edit: Edit) -> None:
    edit("plants.csv", 0, nameplate="-1")

    def state() -> dict[str, str]:
        return {
            path.relative_to(tiny.parent).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(tiny.parent.rglob("*"))
            if path.is_file()
        }

    before = state()
    faults(tiny)
    assert state() == before


class TestFinding:
    """What is no study at all."""

    def test_a_folder_that_is_not_a_study(self, tmp_path: Path) -> None:
        with pytest.raises(StudyFaults) as caught:
            load(tmp_path)
        (fault,) = caught.value.faults
        assert str(fault) == (
            f"{tmp_path}: found a folder without study.toml; expected the folder of a study (karvan new makes one)"
        )

    def test_a_file_that_is_not_a_workbook(self, tmp_path: Path) -> None:
        path = tmp_path / "study.txt"
        path.write_text("hello")
        with pytest.raises(StudyFaults, match=r"found a file; expected the folder of a study, or a workbook \.xlsx"):
            load(path)

    def test_an_unknown_name(self) -> None:
        with pytest.raises(UnknownName, match=r"no study 'azerbaijann'.*did you mean 'azerbaijan'"):
            load("azerbaijann")

    def test_errors_are_of_one_family(self) -> None:
        assert issubclass(StudyFaults, KarvanError) and issubclass(UnknownName, KarvanError)

    def test_built_in(self) -> None:
        assert "azerbaijan" in packaged()
        assert find("azerbaijan") == packaged()["azerbaijan"]


class TestParameters:
    """A parameter is the study's own row for a key, else for all, else the register's default, marked as assumed."""

    def test_order(self, azerbaijan: Study) -> None:
        own = azerbaijan.parameter("kit_price", "neftchala_khazar")
        general = azerbaijan.parameter("kit_price", "unannounced_1")
        assert own.place.startswith("assumptions.csv:")
        assert general.place == "parameters.toml" and general.assumed
        assert own.mid != general.mid

    def test_star(self, azerbaijan: Study) -> None:
        assert azerbaijan.parameter("ramp_50", "neftchala_khazar").mid == azerbaijan.parameter("ramp_50", "x").mid == 6

    def test_unknown(self, azerbaijan: Study) -> None:
        with pytest.raises(UnknownName, match="no parameter 'thetta'; did you mean 'theta'"):
            azerbaijan.parameter("thetta")

    def test_unknown_scenario(self, azerbaijan: Study) -> None:
        with pytest.raises(UnknownName, match="has no scenario 'baselin'; did you mean 'baseline'"):
            azerbaijan.scenario("baselin")


DATES = ("2012-12-31", "2013-12-31", "2016-06-30", "2019-12-31", "2024-03-31")


@pytest.mark.parametrize("date", DATES)
def test_as_of_keeps_nothing_that_was_not_known(date: str) -> None:
    past, now = load("azerbaijan", as_of=date), load("azerbaijan")
    for name, frame in past.tables.items():
        if "known_on" not in frame.columns:
            continue
        for known in frame["known_on"].to_list():
            assert known <= date, name
            # a bare year or month counts only when it is over
            assert len(known) == 10 or known < date[: len(known)] or date[len(known) :] in ("-12-31", "-31")
        assert frame.height <= now.table(name).height
    claims = past.table("claims")
    assert claims.height < now.table("claims").height
    assert max(known for known in claims["known_on"].to_list()) <= date


def test_as_of_is_a_date(tiny: Path) -> None:
    assert load(tiny, as_of="2019").as_of == "2019-12-31"
    assert load(tiny, as_of="2020-02").as_of == "2020-02-29"
    with pytest.raises(InputError, match="as_of is 'soon'; expected a date such as 2019-12-31"):
        load(tiny, as_of="soon")


def test_as_of_grows_with_the_date() -> None:
    counts = [load("azerbaijan", as_of=date).table("claims").height for date in DATES]
    assert counts == sorted(counts) and counts[0] < counts[-1]


def test_as_of_the_newest_date_is_the_study(azerbaijan: Study) -> None:
    whole = load("azerbaijan", as_of="2100-01-01")
    assert all(whole.table(name).equals(frame) for name, frame in azerbaijan.tables.items())

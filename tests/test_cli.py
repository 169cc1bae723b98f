"""The command line, as a person or a program meets it: answers, refusals with the nearest names, no traceback."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import karvan.study
from karvan import __version__
from karvan.cli import main
from karvan.futures.runs import HEADLINES

COMMANDS = ("studies", "check", "report", "compare", "explain", "new", "export", "run")
SMALL = ("--draws", "20", "--until", "2027", "--workers", "1")
PACKAGED = Path(karvan.study.__file__).parent / "studies" / "azerbaijan"
Edit = Callable[..., int]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every command runs in an empty folder of its own."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


def command(*words: str | Path) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(main, [str(word) for word in words])


def answer(*words: str | Path) -> str:
    """What a command prints that goes well."""
    result = command(*words)
    assert result.exit_code == 0, result.output
    return result.stdout


def refusal(*words: str | Path) -> str:
    """What a command says that is refused: exit code 2, no traceback, nothing on standard output, nothing written."""
    before = sorted(Path().rglob("*"))
    result = command(*words)
    assert result.exit_code == 2, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    assert result.stdout == ""
    assert sorted(Path().rglob("*")) == before
    return result.stderr


def data(*words: str | Path) -> Any:
    """JSON as strict readers take it: no NaN, no Infinity."""

    def no_number(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(answer(*words, "--json"), parse_constant=no_number)


def subprocess_of(*words: str, code: str | None = None) -> subprocess.CompletedProcess[str]:
    """A real process, in which nothing is imported yet."""
    line = [sys.executable, *(["-c", code] if code else ["-m", "karvan.cli"]), *words]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)


class TestHelp:
    """Help is instant, names every command, and imports nothing heavy."""

    def test_lists_every_command(self) -> None:
        text = answer("--help")
        for name in COMMANDS:
            assert re.search(rf"^  {name}  ", text, re.MULTILINE), name
        assert "karvan report azerbaijan" in text

    @pytest.mark.parametrize("name", COMMANDS)
    def test_of_each_command(self, name: str) -> None:
        text = answer(name, "-h")
        assert text.startswith(f"Usage: main {name} ")
        assert len(text.splitlines()[2].strip()) > 20

    def test_no_sentence_is_cut(self) -> None:
        assert "..." not in answer("--help").split("Commands:")[1]

    def test_imports_nothing_heavy(self) -> None:
        heavy = ("numpy", "polars", "scipy", "pydantic", "altair", "rich", "xlsxwriter", "karvan.study.load")
        code = (
            "import sys\nfrom karvan.cli import main\n"
            "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
            f"print([name for name in {heavy!r} if name in sys.modules])"
        )
        done = subprocess_of(code=code)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == "[]"

    def test_version(self) -> None:
        assert answer("--version").strip() == f"karvan, version {__version__}"

    def test_as_a_process(self) -> None:
        done = subprocess_of("--help")
        assert done.returncode == 0
        assert done.stdout.startswith("Usage:")
        assert done.stderr == ""


class TestUnknownNames:
    """Commands, studies, scenarios, figures and countries that do not exist: the nearest, exit code 2."""

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (("reprot", "azerbaijan"), r"No such command 'reprot'\. Did you mean 'report'"),
            (("check", "azerbajan"), r"no study 'azerbajan': .*did you mean 'azerbaijan'\?"),
            (("report", "azerbajan"), r"no study 'azerbajan'"),
            (("run", "azerbaijan", "--scenario", "full_cycel"), r"no scenario 'full_cycel'; did you mean 'full_cycle'"),
            (("report", "azerbaijan", "--scenario", "hubb"), r"no scenario 'hubb'; did you mean 'hub'"),
            (
                ("compare", "azerbaijan", "--scenario", "basline", "--scenario", "hub"),
                r"no scenario 'basline'; did you mean 'baseline'",
            ),
            (("explain", "azerbaijan", "outptu.2030"), r"no quantity 'outptu'; did you mean 'output'"),
            (("explain", "azerbaijan", "output"), r"names no year"),
            (("explain", "azerbaijan", "output.2030@hubb"), r"no scenario 'hubb'; did you mean 'hub'"),
            (("explain", "azerbaijan", "claim.out-1918"), r"no claim 'out-1918'"),
            (("explain", "azerbaijan", "claim.zzz"), r"no claim 'zzz'; their ids stand in evidence/"),
            (("explain", "azerbaijan", "parameter.zzz", *SMALL[:4]), r"no parameter 'zzz'\n"),
            (("demand", "Atlantis"), r"know no country 'Atlantis'"),
            (("explain", "azerbaijan", "parameter.thetta", *SMALL[:4]), r"no parameter 'thetta'; did you mean 'theta'"),
            (("new", "KAX", "mine"), r"KAX.*did you mean .*KAZ"),
        ],
    )
    def test_each(self, words: tuple[str, ...], message: str) -> None:
        assert re.search(message, refusal(*words), re.DOTALL)

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (("run", "azerbaijan", "--draws", "0"), "x>=1"),
            (("run", "azerbaijan", "--draws", "many"), "not a valid integer"),
            (("run", "azerbaijan", "--until", "1999"), "until is 1999, before the first year 2026"),
            (("compare", "azerbaijan", "--scenario", "hub"), "compare needs two scenarios or more"),
            (("export", "azerbaijan", "-o", "study.csv"), r"must end in \.xlsx"),
            (("check", "azerbaijan", "--as-of", "yesterday"), "yesterday"),
            (("explain", "azerbaijan"), "Missing argument 'ADDRESS'"),
        ],
    )
    def test_numbers_and_options(self, words: tuple[str, ...], message: str) -> None:
        assert re.search(message, refusal(*words))

    def test_as_a_process(self) -> None:
        done = subprocess_of("check", "azerbajan")
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.startswith("karvan: no study 'azerbajan'")
        assert len(done.stderr.splitlines()) == 1

    def test_a_place_that_cannot_be_written(self, elsewhere: Path) -> None:
        (elsewhere / "file").write_text("mine")
        assert "file" in refusal("export", "azerbaijan", "-o", "file/study.xlsx")
        assert "file" in refusal("report", "azerbaijan", "-o", "file/report.html", "--scenario", "baseline", *SMALL)
        assert "file" in refusal("run", "azerbaijan", "-o", "file/run", *SMALL)
        assert "file" in refusal("new", "KAZ", "file/study")


@pytest.fixture
def small(tiny: Path) -> Path:
    """The small study with a whole input-output table, so that its futures can be simulated."""
    rows = [row for row in read_rows(PACKAGED / "input_output.csv") if row["donor"] == "TUR"]
    write_rows(tiny / "input_output.csv", rows)
    return tiny


class TestStudies:
    """The studies at hand: built in, and in this folder."""

    def test_built_in(self) -> None:
        assert re.search(r"^azerbaijan +Azerbaijan's car industry +\(built in\)$", answer("studies"), re.MULTILINE)

    def test_here(self, tiny: Path, elsewhere: Path) -> None:
        shutil.copytree(tiny, elsewhere / "mine")
        (elsewhere / "broken").mkdir()
        (elsewhere / "broken" / "study.toml").write_text("title = ")
        rows = {row["name"]: row for row in data("studies")}
        assert rows["mine"]["where"] == "here"
        assert "karvan check" in rows["broken"]["title"]


class TestCheck:
    """What a study holds, and what is missing in it."""

    def test_words(self) -> None:
        text = answer("check", "azerbaijan")
        assert text.startswith("azerbaijan: no faults")
        for word in ("contradictions", "gaps", "stale", "assumed values"):
            assert re.search(rf"^.*{word}.* \(\d+\)$", text, re.MULTILINE), word
        assert len(answer("check", "azerbaijan", "--all")) > len(text)

    def test_json(self) -> None:
        found = data("check", "azerbaijan")
        assert {"contradictions", "gaps", "stale", "assumed"} <= set(found)
        assert found["contradictions"]

    def test_as_of(self) -> None:
        early = data("check", "azerbaijan", "--as-of", "2019-12-31")
        assert early["claims"] < data("check", "azerbaijan")["claims"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A report, and what was said when it was made."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    return path, answer("report", "azerbaijan", "-o", path, "--scenario", "baseline", *SMALL)


class TestReport:
    """One HTML file that opens offline, and a summary in the terminal."""

    def test_file(self, made: tuple[Path, str]) -> None:
        text = made[0].read_text(encoding="utf-8")
        assert text.lower().startswith("<!doctype html>")
        assert "data-figure=" in text
        assert not re.search(r"""(?:src|href)=["']https?://[^"']+\.(?:js|css|png|woff2?)["']""", text)

    def test_summary(self, made: tuple[Path, str]) -> None:
        assert made[1].splitlines()[-1] == f"report: {made[0]}"
        assert re.search(r"\d,\d{3}", made[1])
        assert "hub" in made[1]

    def test_json_and_the_same_bytes(self, made: tuple[Path, str], tmp_path: Path) -> None:
        path = tmp_path / "again.html"
        told = data("report", "azerbaijan", "-o", path, "--scenario", "baseline", *SMALL)
        assert told["report"] == str(path)
        assert told["scenarios"] == ["baseline", "no_industry"]
        assert told["years"] == [2026, 2027]
        assert path.read_bytes() == made[0].read_bytes()


class TestRun:
    """A run folder, with its manifest."""

    def test_named_by_what_it_holds(self, small: Path, elsewhere: Path) -> None:
        text = answer("run", small, *SMALL)
        folder = Path(text.splitlines()[-1].removeprefix("run: "))
        assert folder.parent == Path("runs")
        assert (folder / "manifest.json").is_file()
        assert "baseline" in folder.name
        rows = text.splitlines()
        years = next(i for i, row in enumerate(rows) if row.split() == ["2026", "2027"])
        shown = {row.split()[0]: row.split()[1:] for row in rows[years + 1 : -2]}
        assert set(shown) == set(HEADLINES) and len(shown["npv"]) == 1  # a sum over the years has none of its own
        assert all(int(cell.replace(",", "")) >= 1 for cells in shown.values() for cell in cells)
        again = answer("run", small, *SMALL)  # the same run is there already
        assert Path(again.splitlines()[-1].removeprefix("run: ")) == folder
        assert len(list(Path("runs").iterdir())) == 1

    def test_json(self, small: Path) -> None:
        told = data("run", small, "--scenario", "no_industry", "-o", "mine", *SMALL)
        assert told["folder"] == "mine"
        assert (told["scenario"], told["draws"], told["years"]) == ("no_industry", 20, [2026, 2027])

    def test_another_run_in_its_place(self, small: Path) -> None:
        answer("run", small, "-o", "mine", *SMALL)
        assert "another run is kept there" in refusal("run", small, "-o", "mine", "--seed", "2", *SMALL)


class TestCompare:
    """Scenarios side by side, under the same draws."""

    def test_table(self, small: Path) -> None:
        text = answer("compare", small, "--scenario", "baseline", "--scenario", "no_industry", *SMALL)
        assert text.startswith("2027: median (5-95 %) of 20 futures")
        assert text.splitlines()[1].split() == ["baseline", "no_industry"]
        row = next(line for line in text.splitlines() if line.startswith("Cars made in the country"))
        assert row.endswith("0  cars per year")

    def test_json(self, small: Path) -> None:
        told = data("compare", small, "--scenario", "baseline", "--scenario", "no_industry", "--year", "2026", *SMALL)
        assert told["year"] == 2026
        assert told["figures"]["output"]["no_industry"]["value"] == 0
        assert told["figures"]["jobs_net"]["no_industry"]["value"] == 0
        assert "2026 to 2027" in refusal(
            "compare", small, "--scenario", "baseline", "--scenario", "no_industry", "--year", "2031", *SMALL
        )


class TestExplain:
    """The chain behind a figure."""

    def test_forecast(self) -> None:
        text = answer("explain", "azerbaijan", "output.2026", *SMALL[:4])
        assert text.startswith("Cars made in the country  [output.2026]")
        assert "Monte Carlo standard error of the median" in text
        assert "formula" in text
        assert "assumed" in text

    def test_record_needs_no_run(self) -> None:
        told = data("explain", "azerbaijan", "output.2019")
        assert (told["kind"], told["value"]) == ("record", 2360)
        assert told["sources"]

    def test_net(self) -> None:
        told = data("explain", "azerbaijan", "jobs_net.2026@full_cycle", *SMALL[:4])
        assert told["low"] <= told["value"] <= told["high"]

    def test_assumption_and_cell_of_a_run(self) -> None:
        assert data("explain", "azerbaijan", "parameter.theta")["assumptions"][0]["name"] == "theta"
        text = answer("explain", "azerbaijan", "parameter.theta")
        assert text.startswith("Elasticity between plants of one brand  [parameter.theta]")
        assert "(4 to 12) 1" not in text, "a pure number has no unit"
        told = data("explain", "azerbaijan", "parameter.markets.vat_rate.AZE", *SMALL[:4])
        assert told["value"] == 0.18

    def test_claim(self) -> None:
        told = data("explain", "azerbaijan", "claim.out-2025-06m-car-hajigabul_park-1")
        assert told["value"] == 1928
        assert told["claims"][0]["source"].startswith("http")


class TestWorkbook:
    """The same study as a workbook of values."""

    def test_export_check_report(self, small: Path) -> None:
        text = answer("export", small, "-o", "study.xlsx")
        assert "next: karvan check study.xlsx" in text
        of_folder, of_book = data("check", small), data("check", "study.xlsx")
        assert of_book["claims"] == of_folder["claims"]
        answer("report", small, "-o", "folder.html", *SMALL)
        answer("report", "study.xlsx", "-o", "book.html", *SMALL)
        made = [figures(Path(name)) for name in ("folder.html", "book.html")]
        assert made[0] == made[1]
        assert len(made[0]) > 50


def figures(path: Path) -> list[tuple[str, str]]:
    """Every addressed number of a report and its text."""
    found = re.findall(r'data-figure="([^"]+)"[^>]*>([^<]*)<', path.read_text(encoding="utf-8"))
    return [(address, text) for address, text in found if not address.startswith(("claim.", "parameter.", "table."))]


class TestNew:
    """A starter study for any country."""

    def test_report_works_without_a_plant(self) -> None:
        text = answer("new", "kaz", "mine")
        assert "next: karvan check mine" in text
        assert answer("check", "mine").splitlines()[0].endswith("no faults")
        shown = answer("report", "mine", "-o", "mine.html", *SMALL)
        assert Path("mine.html").stat().st_size > 100_000
        assert shown.splitlines()[-1] == "report: mine.html"

    def test_markets_of_ones_own_choice(self) -> None:
        answer("new", "GEO", "mine", "--markets", "AZE, KAZ,RUS,TUR")
        ladder = answer("cost", "mine", "--to", "KAZ,TUR", "--draws", "20")
        assert " to Kazakhstan (KAZ), " in ladder
        assert " to Türkiye (TUR), " in ladder

    def test_nothing_is_overwritten(self, elsewhere: Path) -> None:
        (elsewhere / "mine").mkdir()
        (elsewhere / "mine" / "notes.txt").write_text("mine")
        assert "mine" in refusal("new", "KAZ", "mine")


class TestBrokenStudies:
    """Each broken study: one line with file, row, column, found and expected; exit code 2; nothing written."""

    def line(self, study: Path | str) -> str:
        """The one fault that ``karvan report`` names."""
        lines = refusal("report", study, *SMALL).splitlines()
        assert lines[0] == f"karvan: {study}: 1 fault", lines
        assert len(lines) == 2, lines
        told = data_of_faults(study)
        assert len(told) == 1
        return lines[1].strip()

    def test_missing_column(self, tiny: Path) -> None:
        drop(tiny / "plants.csv", "nameplate")
        assert re.match(r"plants\.csv:1: nameplate: found .*; expected ", self.line(tiny))

    def test_text_in_a_number(self, tiny: Path, edit: Edit) -> None:
        line = edit("plants.csv", 0, nameplate="many")
        assert re.match(rf"plants\.csv:{line}: nameplate: found 'many'; expected .*number", self.line(tiny))

    def test_negative_capacity(self, tiny: Path, edit: Edit) -> None:
        line = edit("plants.csv", 0, nameplate="-5")
        assert re.match(rf"plants\.csv:{line}: nameplate: found '?-5'?; expected .*0", self.line(tiny))

    def test_unknown_plant(self, tiny: Path, edit: Edit) -> None:
        line = edit("offers.csv", 0, plant="hajigabul_azermash")
        said = self.line(tiny)
        assert re.match(rf"offers\.csv:{line}: plant: found 'hajigabul_azermash'; expected ", said)
        assert "did you mean 'hajigabul_azermash_cp'" in said

    def test_unit_missing(self, tiny: Path, edit: Edit) -> None:
        line = edit("frictions.csv", 0, unit="")
        assert re.match(rf"frictions\.csv:{line}: unit: found nothing; expected ", self.line(tiny))

    def test_closed_before_opened(self, tiny: Path, edit: Edit) -> None:
        line = edit("plants.csv", 0, opened="2018-03-29", closed="2017")
        assert re.match(
            rf"plants\.csv:{line}: closed: found 2017, before opened 2018-03-29; expected ", self.line(tiny)
        )

    def test_duplicate_key(self, tiny: Path) -> None:
        path = tiny / "products.csv"
        text = path.read_text(encoding="utf-8")
        path.write_text(text + text.splitlines()[-1] + "\n", encoding="utf-8")
        assert re.match(r"products\.csv:\d+: product: found .*; expected ", self.line(tiny))

    def test_wrong_encoding(self, tiny: Path) -> None:
        path = tiny / "models.csv"
        path.write_bytes(path.read_text(encoding="utf-8").encode("utf-16"))
        assert re.match(r"models\.csv.*: found .*; expected .*UTF-8", self.line(tiny))

    def test_unknown_file(self, tiny: Path) -> None:
        (tiny / "plant.csv").write_text("plant\n")
        assert re.match(r"plant\.csv: found an unknown file; expected .*did you mean 'plants\.csv'", self.line(tiny))

    def test_too_large(self, tiny: Path) -> None:
        with (tiny / "models.csv").open("r+b") as handle:
            handle.truncate(65 * 1024 * 1024)  # sparse: takes no room
        assert re.match(r"models\.csv: found 65 MB; expected at most 64 MB", self.line(tiny))

    def test_no_study(self, elsewhere: Path) -> None:
        (elsewhere / "folder").mkdir()
        said = self.line("folder")
        assert re.match(r"folder: found a folder without study\.toml; expected the folder of a study", said)
        assert "karvan new" in said

    def test_unknown_lever(self, tiny: Path) -> None:
        (tiny / "scenarios").mkdir()
        text = 'format = 1\nname = "mine"\ntitle = "Mine"\n[[levers]]\nlever = "tarif"\nmarket = "AZE"\n'
        (tiny / "scenarios" / "mine.toml").write_text(text)
        assert re.match(r"scenarios/mine\.toml: levers\[1\]\.lever: found 'tarif'; expected ", self.line(tiny))

    def test_all_faults_in_one_go(self, tiny: Path, edit: Edit) -> None:
        edit("plants.csv", 0, nameplate="many")
        edit("offers.csv", 0, product="spaceship")
        (tiny / "plant.csv").write_text("plant\n")
        lines = refusal("report", tiny, *SMALL).splitlines()
        assert lines[0].endswith(": 3 faults")
        assert [line.split(":")[0].strip() for line in lines[1:]] == ["offers.csv", "plant.csv", "plants.csv"]

    def test_as_a_process(self, tiny: Path, edit: Edit) -> None:
        edit("plants.csv", 0, nameplate="-5")
        done = subprocess_of("run", str(tiny), "-o", "out")
        assert done.returncode == 2
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        assert len(done.stderr.splitlines()) == 2
        assert not os.path.lexists("out")


def data_of_faults(study: Path | str) -> list[dict[str, Any]]:
    """The faults as a program reads them."""
    result = command("check", study, "--json")
    assert result.exit_code == 2
    found: list[dict[str, Any]] = json.loads(result.stdout)["faults"]
    return found


def drop(path: Path, column: str) -> None:
    """Take a column out of a table."""
    write_rows(path, [{name: cell for name, cell in row.items() if name != column} for row in read_rows(path)])


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def write_rows(path: Path, rows: list[dict[str, str]]) -> None:
    """Write rows with the header of the first."""
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)

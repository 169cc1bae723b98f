"""What many tests share: the built-in study, and a small copy of it to break."""

import csv
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

import karvan.study
from karvan.study.load import Study, load

# Examples are the same in every run, and a busy machine does not make them fail.
settings.register_profile("karvan", deadline=None, derandomize=True)
settings.load_profile("karvan")

PACKAGED = Path(karvan.study.__file__).parent / "studies" / "azerbaijan"
KEPT = {"neftchala_khazar", "hajigabul_azermash_cp", "rus_lada", "*", ""}
"""Plants of the small copy."""
Rows = list[dict[str, str]]


@pytest.fixture(scope="session")
def azerbaijan() -> Study:
    """The built-in study, read once."""
    return load("azerbaijan")


def read_rows(path: Path) -> Rows:
    """Rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def write_rows(path: Path, rows: Rows) -> None:
    """Write rows with the header of the first."""
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="session")
def tiny_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in study with three plants, little evidence and one donor: it loads in a tenth of the time."""
    folder = tmp_path_factory.mktemp("template") / "tiny"
    shutil.copytree(PACKAGED, folder)
    shutil.rmtree(folder / "scenarios", ignore_errors=True)
    named: set[str] = set()
    for path in sorted(folder.glob("*.csv")):
        rows = [row for row in read_rows(path) if row.get("plant", "") in KEPT]
        if path.name == "plants.csv":
            rows = [row | {"replaces": ""} for row in rows]
        if path.name == "assumptions.csv":
            rows = [row for row in rows if row["key"] in KEPT]
        if path.name in ("frictions.csv", "markets.csv", "flows.csv"):
            rows = [row for row in rows if (row.get("market") or row.get("importer")) in ("AZE", "RUS", "*")]
        if path.name == "input_output.csv":
            rows = [row for row in rows if row["donor"] == "TUR" and row["row"] in ("output", "compensation")]
        if path.name == "macro.csv":
            rows = rows[-3:]
        write_rows(path, rows)
        for row in rows:
            named.update(re.findall(r"claim:([\w.\-*+]+)", row.get("source", "")))
            named.add(row.get("claim", ""))
    for path in sorted((folder / "evidence").glob("*.csv")):
        rows = read_rows(path)
        kept = [
            row
            for row in rows
            if row["claim"] in named
            or (row["subject"], row["attribute"], row["kind"]) == ("country", "output", "passenger_car")
        ]
        if kept:
            write_rows(path, kept)
        else:
            path.unlink()
    return folder


@pytest.fixture
def tiny(tiny_template: Path, tmp_path: Path) -> Path:
    """A fresh small study in a folder of its own."""
    folder = tmp_path / "tiny"
    shutil.copytree(tiny_template, folder)
    return folder


@pytest.fixture
def edit(tiny: Path) -> Callable[..., int]:
    """Change cells of a row of the small study: ``edit("plants.csv", 0, nameplate="-5")`` gives the row's line."""

    def change(file: str, row: int, **cells: str) -> int:
        rows = read_rows(tiny / file)
        rows[row] = rows[row] | {name.rstrip("_"): text for name, text in cells.items()}
        write_rows(tiny / file, rows)
        return row + 2

    return change

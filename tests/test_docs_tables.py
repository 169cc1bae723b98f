"""The generated page of tables is the one that the program's own records give."""

import importlib.util
from pathlib import Path

import pytest

from karvan.base.quantities import quantities
from karvan.study.register import parameters
from karvan.study.scenario import LEVERS
from karvan.study.schema import STUDY_TABLES, WORLD_TABLES

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "scripts" / "build_docs.py"


@pytest.fixture(scope="module")
def page() -> str:
    """The page as the script makes it now."""
    spec = importlib.util.spec_from_file_location("build_docs", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = module.text()
    assert isinstance(made, str)
    return made


def test_the_page_is_up_to_date(page: str) -> None:
    kept = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    assert kept == page, "docs/tables.md is out of date: run python scripts/build_docs.py"


def test_it_names_everything(page: str) -> None:
    for name in (*parameters(), *LEVERS, *quantities()):
        assert f"| `{name}` |" in page, name
    for tables in (STUDY_TABLES, WORLD_TABLES):
        for name, spec in tables.items():
            assert f"### {spec.title} (`{name}`)" in page
            assert spec.file in page
            for column, item in spec.columns.items():
                assert f"| `{column}` | {item.meaning}".replace("\n", " ") in page, (name, column)


def test_rows_have_as_many_cells_as_their_header(page: str) -> None:
    width = 0
    for line in page.splitlines():
        if not line.startswith("|"):
            width = 0
            continue
        cells = line.replace("\\|", "").count("|")
        width = width or cells
        assert cells == width, line

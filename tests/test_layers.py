"""A layer imports only from layers below it; the stages know nothing of each other."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import karvan

ROOT = Path(karvan.__file__).parent
STAGES = {"facilities", "demand", "partnerships", "market", "economy", "hub"}
ALLOWED: dict[str, set[str]] = {
    "base": set(),
    **{stage: {"base"} for stage in STAGES},
    "study": {"base"},
    "futures": {"base", "study", *STAGES},
    "reporting": {"base", "study", "futures", *STAGES},
    "app": {"base", "study", "futures", "reporting", *STAGES},
    "api": {"base", "study", "futures", "reporting", *STAGES},
    "commands": {"api", "base", "study", "futures", "reporting", "app", *STAGES},
    "cli": {"api", "commands", "base", "study", "futures", "reporting", "app", *STAGES},
    "__main__": {"cli"},
    "_version": set(),
}
"""What a package (or a module at the top) may import from karvan besides itself."""
OUTSIDE = {
    "sys",
    "os",
    "time",
    "datetime",
    "socket",
    "urllib",
    "requests",
    "random",
    "pathlib",
    "io",
    "polars",
    "pandas",
}
"""What a stage never imports: it does no I/O and reads neither clock nor global random numbers."""
MODULES = sorted(ROOT.rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, int, bool]]:
    """Every module a file imports: name, line, and whether at the top of the file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = set(map(id, tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, node.lineno, id(node) in top
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            assert node.module is not None
            yield node.module, node.lineno, id(node) in top
            if node.module == "karvan":
                for name in node.names:
                    yield f"karvan.{name.name}", node.lineno, id(node) in top


def layer(path: Path) -> str:
    """The package or top module that a file belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_go_down(path: Path) -> None:
    own = layer(path)
    if own == "__init__":
        return  # the public face imports lazily: see below
    assert own in ALLOWED, f"{own} is no layer: say in this test what it may import"
    for name, line, _ in imports(path):
        parts = name.split(".")
        if parts[0] == "karvan" and len(parts) > 1:
            target = parts[1]
            if target in ("_version", own):
                continue
            assert target in ALLOWED[own], f"{path.relative_to(ROOT)}:{line}: {own} may not import {name}"


@pytest.mark.parametrize(
    "path", [path for path in MODULES if layer(path) in STAGES], ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_stages_are_pure(path: Path) -> None:
    for name, line, top in imports(path):
        first = name.split(".")[0]
        assert first not in OUTSIDE or not top, f"{path.relative_to(ROOT)}:{line}: a stage imports {name}"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("open", "print", "input"), (
                f"{path.relative_to(ROOT)}:{node.lineno}: I/O in a stage"
            )
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute) and node.value.attr == "random":
            allowed = {"Generator", "default_rng", "SeedSequence", "Philox", "BitGenerator"}
            assert node.attr in allowed, f"{path.relative_to(ROOT)}:{node.lineno}: global random numbers"


def test_the_public_face_imports_lazily() -> None:
    tree = ast.parse((ROOT / "__init__.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("karvan"):
            assert node.module == "karvan._version", f"karvan/__init__.py:{node.lineno} imports {node.module} at once"


def test_no_package_hides_a_public_function() -> None:
    packages = {path.name for path in ROOT.iterdir() if path.is_dir()}
    assert not packages & (set(karvan.__all__) - {"__version__"})


def test_every_package_is_a_layer() -> None:
    packages = {path.name for path in ROOT.iterdir() if (path / "__init__.py").is_file()}
    assert packages <= set(ALLOWED)

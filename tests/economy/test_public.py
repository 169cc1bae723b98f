"""The public list is complete, and no name on it goes without a test."""

import importlib
import inspect
import pkgutil
from pathlib import Path

import karvan.economy as economy

TESTS = "\n".join(path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.py")))
TESTS += "\n".join(
    path.read_text(encoding="utf-8") for path in Path(__file__).parents[1].glob("reference/test_input*.py")
)


def test_every_public_name_is_documented_and_tested() -> None:
    for name in economy.__all__:
        thing = getattr(economy, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert thing.__doc__, name
        if inspect.isfunction(thing):
            assert f"{name}(" in TESTS, f"no test calls {name}"


def test_everything_public_in_the_modules_is_on_the_list() -> None:
    inner = {"household_rest", "per_unit", "read_vector", "position", "refuse_unproductive", "spectral_radius"}
    inner |= {"read_frame", "impact", "linkages"}  # their modules have these names already
    for info in pkgutil.iter_modules(economy.__path__):
        module = importlib.import_module(f"karvan.economy.{info.name}")
        for name, thing in vars(module).items():
            own = inspect.isclass(thing) or inspect.isfunction(thing)
            if own and thing.__module__ == module.__name__ and not name.startswith("_") and name not in inner:
                assert name in economy.__all__, f"{info.name}.{name}"


def test_slow_packages_stay_away() -> None:
    """Importing the stage must not load what makes a command line slow."""
    import subprocess
    import sys

    code = "import sys, karvan.economy; print([m for m in ('scipy', 'pandas', 'polars') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"

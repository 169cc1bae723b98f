"""karvan: an open model of a national car industry.

The public face is small: :func:`load` a study, :func:`simulate` its futures, :func:`report` them, :func:`compare`
scenarios, :func:`explain` a figure. Everything is imported when first used, so that ``import karvan`` is instant.
"""

from typing import TYPE_CHECKING, Any

from karvan._version import __version__

if TYPE_CHECKING:
    from karvan.api import compare, explain, report
    from karvan.base.errors import KarvanError, StudyFaults
    from karvan.futures.ensemble import Futures, simulate
    from karvan.study.load import Study, load

_WHERE = {
    "load": "karvan.study.load",
    "Study": "karvan.study.load",
    "simulate": "karvan.futures.ensemble",
    "Futures": "karvan.futures.ensemble",
    "report": "karvan.api",
    "compare": "karvan.api",
    "explain": "karvan.api",
    "KarvanError": "karvan.base.errors",
    "StudyFaults": "karvan.base.errors",
}

__all__ = [
    "Futures",
    "KarvanError",
    "Study",
    "StudyFaults",
    "__version__",
    "compare",
    "explain",
    "load",
    "report",
    "simulate",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'karvan' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

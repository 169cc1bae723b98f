"""karvan: an open model of a national car industry."""

from karvan._version import __version__

__all__ = ["__version__"]

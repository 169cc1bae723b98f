"""Commands that deepen one stage or one question, a module each. Heavy imports stay inside the commands.

A module is named after its command and holds a click command ``command``. :data:`MODULES` is the order in the help.
"""

from importlib import import_module

import click

MODULES: tuple[str, ...] = (
    "run",
    "runs",
    "resume",
    "query",
    "drivers",
    "learn",
    "cost",
    "demand",
    "partners",
    "hub",
    "backcast",
    "nowcast",
    "economy",
    "plant",
)


def register(group: click.Group) -> None:
    """Add every command to the group."""
    for name in MODULES:
        group.add_command(import_module(f"karvan.commands.{name}").command, name)

"""Services as commands: their flags and their help are their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import typer

FORWARDED: Final = {"allow_extra_args": True, "ignore_unknown_options": True}
"""Context of a command whose arguments all go to a service; it needs `add_help_option=False` too."""


def forward(service: Callable[..., None], name: str, arguments: list[str]) -> None:
    """Run a service's own command line; whatever the service learns, the command knows."""
    command = typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    command.command()(service)
    command(arguments, prog_name=f"outcry {name}")

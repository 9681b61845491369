"""`outcry matching`: the service, with its own flags."""

from __future__ import annotations

import typer

from outcry.cli.forwarding import FORWARDED, forward
from services.matching.__main__ import main as service

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(add_help_option=False, context_settings=FORWARDED)
def matching(context: typer.Context) -> None:
    """Run a matching engine; a second one on the same Redis stands by."""
    forward(service, "matching", context.args)

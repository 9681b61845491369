"""`outcry gateway`: the service, with its own flags."""

from __future__ import annotations

import typer

from outcry.cli.forwarding import FORWARDED, forward
from services.gateway.__main__ import main as service

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(add_help_option=False, context_settings=FORWARDED)
def gateway(context: typer.Context) -> None:
    """Run a gateway; as many as users need, on one Redis."""
    forward(service, "gateway", context.args)

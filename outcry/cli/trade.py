"""`outcry trade`: the market on a terminal, with orders."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from openoutcry.wire.types import DEPTHS
from outcry.cli.loading import load_module
from outcry.cli.running import refuse, run_command

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def trade(
    token: Annotated[str, typer.Option(envvar="OUTCRY_TOKEN", help="From `outcry up` or `outcry token`.")],
    instrument: Annotated[str, typer.Argument(help="Symbol; without it, the first that is listed.")] = "",
    url: Annotated[str, typer.Option(envvar="OUTCRY_URL", help="A gateway.")] = "ws://127.0.0.1:8101/v1/stream",
    depth: Annotated[int, typer.Option(help="Levels a side: 5, 10, 20 or 50.")] = 50,
) -> None:
    """
    Trade on a terminal: ladder, orders, executions and positions, by keyboard; ? shows the keys.

    Needs a terminal of 60 columns and 15 lines or more. Ends with status 0 when it is left, 1 if the exchange sends the
    user away or does not answer, and 2 for flags that are wrong or where there is no terminal.
    """
    if depth not in DEPTHS[1:]:
        refuse(f"--depth must be one of {', '.join(map(str, DEPTHS[1:]))}, not {depth}")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        refuse("trade needs a terminal; `outcry watch` prints lines without one")
    run_command(load_module("outcry.terminal.aio.trading").trade(url, token, instrument, depth))

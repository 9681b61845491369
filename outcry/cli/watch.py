"""`outcry watch`: a live book on the terminal."""

from __future__ import annotations

import contextlib
import sys
from typing import Annotated

import typer

from openoutcry.wire.types import DEPTHS
from outcry.cli.loading import load_module
from outcry.cli.running import refuse, run_command
from outcry.terminal.aio.line_watch import watch_lines

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def watch(
    instrument: Annotated[str, typer.Argument(help="Symbol.")],
    token: Annotated[str, typer.Option(envvar="OUTCRY_TOKEN", help="From `outcry up` or `outcry token`.")],
    url: Annotated[str, typer.Option(envvar="OUTCRY_URL", help="A gateway.")] = "ws://127.0.0.1:8101/v1/stream",
    depth: Annotated[int, typer.Option(help="Levels a side: 5, 10, 20 or 50.")] = 10,
    account: Annotated[
        bool, typer.Option("--account", help="Show what you hold too, where accounts are kept.")
    ] = False,
) -> None:
    """
    Watch a live book, until Ctrl-C.

    On a terminal it is the screen of `outcry trade` without orders (? shows the keys); elsewhere it prints a line a
    second, and one a trade. Ends with status 1 if the exchange sends the user away or does not answer.
    """
    if depth not in DEPTHS[1:]:
        refuse(f"--depth must be one of {', '.join(map(str, DEPTHS[1:]))}, not {depth}")
    with contextlib.suppress(KeyboardInterrupt):
        if sys.stdin.isatty() and sys.stdout.isatty():
            shown = load_module("outcry.terminal.aio.trading").trade(
                url, token, instrument, depth, is_trading=False, shows_account=account
            )
        else:
            shown = watch_lines(url, token, instrument, depth, shows_account=account)
        run_command(shown)

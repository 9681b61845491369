"""`outcry` itself: its own flags, and the table of its commands. Each command is a module, imported when it is run."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from outcry.cli.loading import INTERRUPTED, load_module

COMMANDS: Final = {
    "demo": "Run the whole market with users on this machine, and prove their books.",
    "up": "Run the exchange without users, until Ctrl-C or SIGTERM.",
    "bots": "Trade on a running exchange, until Ctrl-C or SIGTERM.",
    "replay": "Feed recorded order flow into a running exchange.",
    "book": "Show a book as it was at a moment, from the ledger's record.",
    "account": "Show a user's money, lots and open orders as they were at a moment, from the ledger's record.",
    "rules": "Show what was set and what waited at a moment, from the ledger's record, as `outcry admin show` does for "
    "now.",
    "trade": "Trade on a terminal: ladder, orders, executions and positions, by keyboard; ? shows the keys.",
    "watch": "Watch a live book, until Ctrl-C.",
    "top": "Show what an exchange's processes do: roles, term, lag, rates, and who is connected and lags.",
    "conformance": "Check whether a server keeps the protocol: every sentence of docs/protocol.md that a client can "
    "prove.",
    "load": "Load a deployment with users who check what they are sent, and measure it.",
    "matching": "Run a matching engine; a second one on the same Redis stands by.",
    "gateway": "Run a gateway; as many as users need, on one Redis.",
    "admin": "Administer a running market: transfers, limits, halts, its file; what needs two is confirmed by another.",
    "market": "Plan a market's days: turn the calendars of its file into moments that the exchange follows.",
    "ledger": "Keep the record of a market, and prove it.",
    "receipt": "Prove a receipt of the ledger: offline, with the ledger's public key and nothing else.",
    "token": "Mint a token for a development user (outcry token USER …), or check one (outcry token check).",
}
"""The first line of each command's help, as its module `outcry.cli.<name>` has it; in the order of `outcry --help`."""


class LazyGroup(TyperGroup):
    """
    The commands by their names.

    Help and completion of names read the table; the module of a command is imported when that command is resolved: to
    be run, or for its own help, or to complete its flags. Not in `get_command`, which help asks about every command.
    """

    def __init__(self, **attributes: Any) -> None:
        stand_ins = {name: TyperCommand(name, help=text) for name, text in COMMANDS.items()}
        super().__init__(**attributes | {"commands": stand_ins})

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return name, command and what is left of the arguments; the command is None where only completion asks."""
        name, command, rest = super().resolve_command(ctx, args)
        if name is not None and command is not None:
            command = typer.main.get_command(load_module(f"outcry.cli.{name}").app)
            command.name = name
        return name, command, rest


app = typer.Typer(
    name="outcry",
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        print(f"outcry {importlib.metadata.version('openoutcry-exchange')}, Python {platform.python_version()}")
        raise typer.Exit


@app.callback()
def outcry(
    version: Annotated[
        bool,
        typer.Option("--version", help="Say which version this is, and end.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """A real-time exchange for a company's own people. Try `outcry demo` first."""


def main() -> None:
    """Run the command."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)

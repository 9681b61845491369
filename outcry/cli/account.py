"""`outcry account`: what a user had, and which orders stood, at a moment of the past."""

from __future__ import annotations

from typing import Annotated

import typer

from outcry.cli.parameters import AsJson
from outcry.cli.past_options import At, Database, Position, tell
from outcry.time_machine.told_account import told_account

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def account(
    user: Annotated[str, typer.Argument(help="Whose.")],
    database: Database,
    at: At = None,
    position: Position = None,
    as_json: AsJson = False,
) -> None:
    """Show a user's money, lots and open orders as they were at a moment, from the ledger's record."""
    tell(database, at, position, as_json, (), lambda market: told_account(market, user))

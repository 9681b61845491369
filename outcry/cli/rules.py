"""`outcry rules`: which limits, rules and proposals there were at a moment of the past."""

from __future__ import annotations

import typer

from outcry.cli.parameters import AsJson
from outcry.cli.past_options import At, Database, Position, tell
from outcry.time_machine.told_rules import told_rules

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def rules(database: Database, at: At = None, position: Position = None, as_json: AsJson = False) -> None:
    """Show what was set and what waited at a moment, from the ledger's record, as `outcry admin show` does for now."""
    tell(database, at, position, as_json, (), told_rules)

"""`outcry book`: what a book showed at a moment of the past."""

from __future__ import annotations

from typing import Annotated

import typer

from outcry.cli.parameters import AsJson
from outcry.cli.past_options import At, Database, Position, tell
from outcry.time_machine.told_book import DEPTH_MAX, told_book

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def book(
    instrument: Annotated[str, typer.Argument(help="Symbol.")],
    database: Database,
    at: At = None,
    position: Position = None,
    depth: Annotated[int, typer.Option(min=1, max=DEPTH_MAX, help="Levels of a side.")] = 10,
    as_json: AsJson = False,
) -> None:
    """
    Show a book as it was at a moment, from the ledger's record.

    The market is replayed from the nearest mark, and the book's digest compared with the one that was published.
    """
    tell(database, at, position, as_json, [instrument], lambda market: told_book(market, instrument, depth))

"""What `outcry book`, `account` and `rules` have in common: the moment that is meant, and how the answer is shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Protocol

import typer

from outcry.cli.running import FAILED, leave, refuse, reported_errors, say
from outcry.time_machine.aio.damage import damage_named
from outcry.time_machine.aio.ledger_record import LedgerRecord, reading_engine
from outcry.time_machine.aio.patient_collector import patient_collector
from outcry.time_machine.past_market import PastMarket, market_at, market_at_position
from outcry.time_machine.time_text import read_moment
from outcry.time_machine.unrecorded import NotRecorded

Database = Annotated[
    str, typer.Option(envvar="OUTCRY_LEDGER_DATABASE", help="The ledger's: sqlite:///PATH, or postgresql://….")
]
At = Annotated[
    str | None, typer.Option(help="A moment such as 2026-11-20T10:31:02.5Z: after the last command up to then.")
]
Position = Annotated[int | None, typer.Option(min=0, help="Or a position: right after its command.")]


class Told(Protocol):
    """An answer about the past."""

    def lines(self) -> list[str]:
        """Return it for people."""

    def fields(self) -> dict[str, Any]:
        """Return it for programs."""


def tell(
    database: str,
    at: str | None,
    position: int | None,
    as_json: bool,
    books: Iterable[str],
    make: Callable[[PastMarket], Told],
) -> None:
    """Answer from the market of a moment; a refusal is JSON too where that was asked for, with its code."""
    if (at is None) == (position is None):
        refuse("give --at or --position, one of them")
    with reported_errors():
        moment = read_moment(at) if at is not None else None
        if moment is not None and not moment.has_offset:
            say(f"--at: {at} has no offset, and is taken as UTC")
        try:
            engine = reading_engine(database)
            with damage_named(database), LedgerRecord(engine) as record, patient_collector():
                if moment is not None:
                    market = market_at(record, moment.time_us, books)
                else:
                    assert position is not None
                    market = market_at_position(record, position, books)
                told = make(market)
        except NotRecorded as refused:
            if not as_json:
                raise
            print(json.dumps({"code": refused.code, "text": str(refused)}))
            leave(FAILED)
    if as_json:
        print(json.dumps(told.fields()))
    else:
        print("\n".join(told.lines()))

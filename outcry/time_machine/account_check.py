"""Purses and holdings as the ledger has them now, held against the engine's at the place.

The ledger goes on meanwhile: a row that was written behind the place is left alone. Where the market keeps no accounts
there are positions alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from outcry.time_machine.difference import Difference, shown
from outcry.time_machine.record import Record
from services.matching.accounts.funded_account import FundedAccount
from services.matching.engine import Engine

NOTHING: Final = (0, 0)


def account_findings(record: Record, engine: Engine, history: int) -> Iterator[Difference]:
    """
    Yield what is different; O(accounts).

    Args:
        record: The ledger's.
        engine: At its place.
        history: Of the place.
    """
    purses: dict[tuple[str, str], tuple[int, int]] = {}
    holdings: dict[tuple[str, str], tuple[int, int]] = {}
    for user, account in engine.accounts.items():
        if isinstance(account, FundedAccount):
            purses |= {(user, name): (purse.amount, 0) for name, purse in account.purses.items()}
            holdings |= {(user, name): (held.lots, held.cost) for name, held in account.holdings.items()}
        else:
            holdings |= {(user, name): (lots, 0) for name, lots in account.positions.items()}
    told = {(row[0], row[1]): ((row[2], 0), row[-1]) for row in record.accounts("purse")}
    yield from _differences("purse", ("amount",), told, purses, engine.position, history)
    told = {(row[0], row[1]): ((row[2], row[3]), row[-1]) for row in record.accounts("holding")}
    yield from _differences("holding", ("lots", "cost"), told, holdings, engine.position, history)


def _differences(
    table: str,
    fields: tuple[str, ...],
    told: dict[tuple[str, str], tuple[tuple[int, int], int]],
    held: dict[tuple[str, str], tuple[int, int]],
    position: int,
    history: int,
) -> Iterator[Difference]:
    untold: Any = (NOTHING, 0)
    for key in sorted(told.keys() | held.keys()):
        recorded, written = told.get(key, untold)
        if written > position:
            continue
        for field, left, right in zip(fields, recorded, held.get(key, NOTHING), strict=False):
            if left != right:
                yield Difference(history, position, table, ", ".join(key), field, shown(left), shown(right))

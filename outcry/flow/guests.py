"""Whoever looks at a development market by hand, through the page or a program: money and lots of an employee's size.

The crowd has more than it can spend. A person is to see what an order reserves, and to be refused what is too much.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final
from zlib import crc32

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import BANK, ISSUER, TransferKind
from outcry.flow.funding import ACTOR
from shared.logs.market_commands import MakeTransfer

GUEST: Final = "developer"
"""The user of the token that `outcry up` and the demo print."""
GUEST_MONEY: Final = 250_000 * 1_000_000
"""Millionths of each currency."""
GUEST_LOTS: Final = 2_000
"""Of each instrument."""


def guest_funding(instruments: Sequence[Instrument], source: str, numbers: Iterator[int]) -> list[MakeTransfer]:
    """
    Return what gives GUEST money and lots; the same again changes nothing, and where there are no accounts neither.

    Args:
        instruments: What is traded.
        source: Of the commands.
        numbers: Theirs.
    """
    currencies = dict.fromkeys(instrument.currency for instrument in instruments)
    moved = [(TransferKind.DEPOSIT, currency, BANK, GUEST_MONEY) for currency in currencies]
    moved += [(TransferKind.GRANT, instrument.symbol, ISSUER, GUEST_LOTS) for instrument in instruments]
    return [
        MakeTransfer(
            source, next(numbers), ACTOR, f"guest:{crc32(asset.encode()):08x}", kind, asset, debit, GUEST, amount, 0,
            "", cancel_orders=False,
        )
        for kind, asset, debit, amount in moved
    ]  # fmt: skip

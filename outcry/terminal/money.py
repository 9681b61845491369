"""Money as people read it."""

from __future__ import annotations

from openoutcry.wire.account import MILLIONTHS
from openoutcry.wire.instrument import Instrument


def money(ticks: int, instrument: Instrument) -> str:
    """Write a price in the instrument's currency, with all decimals that its tick has."""
    return f"{instrument.amount(ticks):,}"


def amount(millionths: int) -> str:
    """Write an amount with two decimals at least, and no more than it needs."""
    whole, part = divmod(abs(millionths), MILLIONTHS)
    return f"{'-' if millionths < 0 else ''}{whole:,}.{f'{part:06}'.rstrip('0').ljust(2, '0')}"

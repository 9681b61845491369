"""What the user holds of one instrument and of its currency, as one line for people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from openoutcry.held_lots import HeldLots
from openoutcry.wire.instrument import Instrument
from outcry.terminal.money import amount

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOTHING: Final = HeldLots(0, 0, (), Decimal(0))


def account_line(
    instrument: Instrument, held: HeldLots | None, money: int, free: int, result: int, time_us: int
) -> str:
    """
    Return the line.

    Args:
        instrument: Which.
        held: What the user holds of it; None is nothing.
        money: Held in its currency, in millionths.
        free: What of it is not reserved.
        result: Realised in that currency.
        time_us: Now, µs since 1970 UTC: what cannot be sold before is named until then.
    """
    held = held or _NOTHING
    parts = [f"{held.lots:,} {instrument.symbol}"]
    average = held.average_cost(4)
    if average is not None:
        parts.append(f"average cost {average:,}")
    if held.reserved:
        parts.append(f"{held.reserved:,} offered")
    waiting = [part for part in held.restricted if part.until > time_us]
    if waiting:
        lots, last = sum(part.lots for part in waiting), _EPOCH + timedelta(microseconds=waiting[-1].until)
        parts.append(f"{lots:,} not to be sold before {last:%Y-%m-%d %H:%M} UTC at the latest")
    money_text = f"{amount(money)} {instrument.currency}, {amount(free)} free, result {amount(result)}"
    return f"{', '.join(parts)} | {money_text}"

"""The rules of an instrument's terms that concern its sessions and its bands."""

from __future__ import annotations

from typing import Final

from openoutcry.wire.types import Phase
from services.matching.schedule import CALENDAR
from services.matching.traded_instrument import TradedInstrument
from shared.logs.market_commands import SetTerms

BAND_BP_MAX: Final = 4_999
"""Twice of it, as after an extension, leaves a price above 0."""
BAND_TICKS_MAX: Final = 1_000
CALL_S_MAX: Final = 86_400
BATCH_MS_MIN: Final = 100
BATCH_MS_MAX: Final = 5_000
_RANGES: Final = {
    "band_bp": (0, BAND_BP_MAX),
    "static_bp": (0, BAND_BP_MAX),
    "band_ticks_min": (0, BAND_TICKS_MAX),
    "volatility_s": (0, CALL_S_MAX),
    "extension_s": (0, CALL_S_MAX),
    "random_end_s": (0, CALL_S_MAX),
    "reopening_s": (0, CALL_S_MAX),
}


def session_fault(command: SetTerms, market: TradedInstrument) -> str | None:  # noqa: PLR0911 - one a rule
    """Return what is wrong with the terms of a market's sessions, or None. O(1)."""
    for field, (least, most) in _RANGES.items():
        value = getattr(command, field)
        if not least <= value <= most:
            return f"{field}: is from {least} to {most:,}, not {value:,}"
    if command.batch_ms and not BATCH_MS_MIN <= command.batch_ms <= BATCH_MS_MAX:
        return f"batch_ms: is from {BATCH_MS_MIN} to {BATCH_MS_MAX:,}, or 0 for none, not {command.batch_ms:,}"
    if command.calendar and CALENDAR.fullmatch(command.calendar) is None:
        return f"calendar: is 1 to 32 letters, digits and . _ -, not {command.calendar!r}"
    if (command.band_bp or command.static_bp) and not command.volatility_s:
        return "volatility_s: bands need the length of the call that begins instead of a trade beyond them"
    if command.collar_bp and command.collar_bp < 2 * max(command.band_bp, command.static_bp):
        widest = max(command.band_bp, command.static_bp)
        return f"collar_bp: is at least twice the bands, {2 * widest:,} basis points, not {command.collar_bp:,}"
    has_calls = command.calendar or command.reopening_s or command.band_bp or command.static_bp
    if has_calls and not (command.reference or market.reference_price):
        return "reference: bands and calls need a price to begin with"
    if market.phase is Phase.BATCH and not command.batch_ms:
        return f"batch_ms: {market.symbol} is in its batch phase, and needs one"
    call = market.book.call
    if (market.is_call and market.phase is not Phase.BATCH) or (call is not None and call.only):
        return f"instrument: {market.symbol} is in a call; its terms change outside of one"
    return None

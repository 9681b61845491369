"""What a special order may ask: the rules of its form, and of the moment at which it comes.

Owns what its fields mean together, its price of protection and its last moment. Nothing changes here, and there is no
clock. Leaves to the engine what holds for all orders.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from openoutcry.wire.tick_table import NO_TABLE
from openoutcry.wire.types import Code, Side, TimeInForce
from services.matching.book.order import Order
from services.matching.book.special import Special
from services.matching.money_text import time_text
from services.matching.traded_instrument import Refusal, TradedInstrument
from shared.logs.commands import PlaceSpecial
from shared.order_form import form_fault

PROTECTION_BP: Final = 500
"""How far beyond its trigger a stop without a limit trades, in basis points, if it does not say."""
BASIS: Final = 10_000
DAYS_MAX: Final = 370
"""How far ahead an order's end may be."""
DAY_US: Final = 86_400_000_000
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_BID: Final = Side.BID
_DAY: Final = TimeInForce.DAY


def command_fault(command: PlaceSpecial, time_us: int) -> str | None:
    """Return which rule an order breaks whatever its instrument, naming the field, or None. O(1)."""
    fault = form_fault(command)
    if fault is not None or command.time_in_force is not TimeInForce.GTD:
        return fault
    if command.expires_on:
        return _date_fault(command.expires_on, time_us)
    if not time_us < command.expires_at <= time_us + DAYS_MAX * DAY_US:
        last = time_text(time_us + DAYS_MAX * DAY_US)
        return f"expires_at: must be later than now, and at most {DAYS_MAX} days ahead ({last})"
    return None


def special_of(command: PlaceSpecial, market: TradedInstrument, time_us: int) -> Special:
    """Return what is special about an order whose form is right; O(1)."""
    moment = command.expires_at
    if not market.calendar and not moment:
        moment = _end_of_day(command, time_us)
    return Special(command.trigger, moment, command.expires_on, command.minimum, command.clearance)


def protection_price(command: PlaceSpecial, market: TradedInstrument) -> int:
    """Return the limit of a stop that has none: its trigger, and what it may trade beyond it, in ticks."""
    bp, ticks = command.protection_bp or PROTECTION_BP, market.ticks or NO_TABLE
    if command.side is _BID:
        return ticks.round_down(min(command.trigger * (BASIS + bp) // BASIS, market.instrument.price_max))
    return ticks.round_up(max(-(-command.trigger * (BASIS - bp) // BASIS), 1))


def moment_refusal(order: Order, special: Special, market: TradedInstrument) -> Refusal | None:
    """Return why an order cannot come now, whatever its owner has, or None: it can. O(1)."""
    trigger = special.trigger
    if trigger:
        if trigger > market.instrument.price_max:
            rule = f"trigger: must be from 1 to {market.instrument.price_max} ticks, not {trigger}"
            return Refusal(Code.PRICE_OUT_OF_RANGE, rule)
        if market.ticks is not None and not market.ticks.is_on_tick(trigger):
            return Refusal(Code.OFF_TICK, f"trigger: {market.ticks.rule(trigger)}")
        last = market.reference_price
        if last and (trigger <= last if order.side is _BID else trigger >= last):
            where = "above" if order.side is _BID else "below"
            return Refusal(Code.WOULD_TRIGGER, f"trigger: must be {where} the last price, {last:,}, not {trigger:,}")
    return None


def _date_fault(text: str, time_us: int) -> str | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return f"expires_on: must be a date such as 2026-10-23, not {text!r}"
    if day.isoformat() != text:  # 20261023 is another way to write one, which would sort elsewhere
        return f"expires_on: must be a date such as 2026-10-23, not {text!r}"
    today = _EPOCH_DAY + time_us // DAY_US
    if not today - 1 <= day.toordinal() <= today + DAYS_MAX:  # somewhere it is still yesterday
        last = date.fromordinal(today + DAYS_MAX).isoformat()
        return f"expires_on: must be today or later, and at most {DAYS_MAX} days ahead ({last}), not {text}"
    return None


def _end_of_day(command: PlaceSpecial, time_us: int) -> int:
    """Return when an order ends with a day in an instrument without sessions: at midnight UTC behind it; else 0."""
    if command.expires_on:
        return (date.fromisoformat(command.expires_on).toordinal() + 1 - _EPOCH_DAY) * DAY_US
    return (time_us // DAY_US + 1) * DAY_US if command.time_in_force is _DAY else 0

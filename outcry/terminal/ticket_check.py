"""What an order would come to, and what is wrong with it, before it is sent.

Only what is known for certain is an error here. The exchange's answer counts, and its sentence is shown beside the
field that it names.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from openoutcry.wire.account import tick_value
from openoutcry.wire.errors import InvalidArgument
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Terms
from openoutcry.wire.tick_table import NO_TABLE, TickTable
from openoutcry.wire.types import OrderKind, Side, TimeInForce
from outcry.terminal.money import money

_LOTS: Final = re.compile(r"[0-9]{1,10}")
_NAMED: Final = re.compile(r"([a-z_]+): (.*)", re.DOTALL)


class Field(enum.StrEnum):
    """Fields of the ticket that a sentence may be about."""

    PRICE = "price"
    QUANTITY = "quantity"
    ORDER = "order"
    """All of it: instrument, side, kind and what else has no line of its own."""


_FIELD_OF_CODE: Final = {
    "off_tick": Field.PRICE,
    "price_out_of_range": Field.PRICE,
    "collar": Field.PRICE,
    "would_trade": Field.PRICE,
    "quantity_out_of_range": Field.QUANTITY,
    "order_value": Field.QUANTITY,
    "position_limit": Field.QUANTITY,
    "insufficient_cash": Field.QUANTITY,
    "insufficient_holdings": Field.QUANTITY,
}


@dataclass(frozen=True, slots=True)
class TicketDraft:
    """What stands in the ticket, as it was typed."""

    side: Side = Side.BID
    kind: OrderKind = OrderKind.LIMIT
    time_in_force: TimeInForce = TimeInForce.GTC
    price: str = ""
    quantity: str = ""


class TicketSetting(NamedTuple):
    """What an order is judged by."""

    instrument: Instrument
    terms: Terms | None
    last: int
    """Price of the last trade, ticks; 0: none."""
    best_bid: int
    best_ask: int
    free_money: int | None
    """What may be spent, in millionths; None if the exchange keeps no accounts."""
    free_lots: int | None
    """What may be sold; None as before."""


@dataclass(slots=True)
class Checked:
    """What was made of a draft."""

    price: int = 0
    """Ticks; 0 if it cannot be read, or the order has none."""
    quantity: int = 0
    errors: dict[Field, str] = field(default_factory=dict)
    value: int | None = None
    """Of all lots at the limit, or (market) at the other side's best price, in millionths; None if it is not known."""
    reserves_money: int = 0
    """What a bid would reserve while it rests, in millionths; 0 where nothing is reserved."""
    reserves_lots: int = 0
    """What an ask would."""


def check_ticket(draft: TicketDraft, setting: TicketSetting) -> Checked:
    """Read and judge a draft."""
    checked = Checked()
    checked.quantity = _read_lots(draft.quantity, setting.instrument, checked.errors)
    if draft.kind is OrderKind.LIMIT:
        checked.price = _read_price(draft.price, setting, checked.errors)
    worth = checked.price or (_other_side(draft, setting) if draft.kind is OrderKind.MARKET else 0)
    if worth and checked.quantity:
        checked.value = worth * checked.quantity * tick_value(setting.instrument)
    _reserve(draft, checked, setting)
    return checked


def refused_field(code: str, text: str) -> tuple[Field, str]:
    """Return which field a refusal is about, and its sentence; its text names the field in front, or its code does."""
    named = _NAMED.fullmatch(text)
    if named is not None and named[1] in (Field.PRICE, Field.QUANTITY):
        return Field(named[1]), named[2]
    return _FIELD_OF_CODE.get(code, Field.ORDER), text or code


def step_price(text: str, steps: int, setting: TicketSetting) -> str:
    """Return the price so many prices further (up above 0); from the best one of the market if none is written."""
    table = _table(setting.terms)
    try:
        ticks = setting.instrument.ticks(_bare(text))
    except InvalidArgument:
        return money(setting.best_bid or setting.best_ask or setting.last or 1, setting.instrument)
    for _ in range(abs(steps)):
        ticks = table.step_up(ticks) if steps > 0 else table.step_down(ticks)
    return money(min(max(ticks, 1), setting.instrument.price_max), setting.instrument)


def _bare(text: str) -> str:
    return text.strip().replace(",", "").replace(" ", "")


def _read_lots(text: str, instrument: Instrument, errors: dict[Field, str]) -> int:
    bare = _bare(text)
    if not bare:
        errors[Field.QUANTITY] = "how many lots?"
    elif not _LOTS.fullmatch(bare) or not int(bare):
        errors[Field.QUANTITY] = "is a whole number of lots, from 1"
    elif int(bare) > instrument.quantity_max:
        errors[Field.QUANTITY] = f"one order has at most {instrument.quantity_max:,} lots"
        return int(bare)
    else:
        return int(bare)
    return 0


def _read_price(text: str, setting: TicketSetting, errors: dict[Field, str]) -> int:
    bare, instrument = _bare(text), setting.instrument
    if not bare:
        errors[Field.PRICE] = "at which price?"
        return 0
    try:
        ticks = instrument.ticks(bare)
    except InvalidArgument as error:
        errors[Field.PRICE] = str(error).removeprefix("amount: ")
        return 0
    table = _table(setting.terms)
    if ticks < 1:
        errors[Field.PRICE] = "is above 0"
    elif ticks > instrument.price_max:
        errors[Field.PRICE] = f"is at most {money(instrument.price_max, instrument)}"
    elif not table.is_on_tick(ticks):
        near = [money(each, instrument) for each in (table.round_down(ticks), table.round_up(ticks)) if each]
        errors[Field.PRICE] = f"is none of its prices; the nearest are {' and '.join(near)}"
    elif fault := _collar_fault(ticks, setting):
        errors[Field.PRICE] = fault
    return max(ticks, 0)


def _collar_fault(price: int, setting: TicketSetting) -> str:
    terms = setting.terms
    reference = setting.last or (terms.reference if terms is not None else 0)
    if terms is None or not reference or not terms.collar_bp:
        return ""
    reach = reference * terms.collar_bp // 10_000
    if abs(price - reference) <= reach:
        return ""
    bound = reference + reach if price > reference else max(1, reference - reach)
    word = "at most" if price > reference else "at least"
    return f"is {word} {money(bound, setting.instrument)}: {terms.collar_bp / 100:g} % from the reference price"


def _reserve(draft: TicketDraft, checked: Checked, setting: TicketSetting) -> None:
    if setting.free_money is None or not checked.quantity:
        return
    worth = checked.value or 0
    if draft.side is Side.BID and draft.kind is OrderKind.LIMIT and worth > setting.free_money:
        checked.errors.setdefault(Field.QUANTITY, "needs more money than is free")
    if draft.kind is OrderKind.MARKET or draft.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
        return  # it trades at once or ends
    if draft.side is Side.BID:
        checked.reserves_money = worth
    else:
        checked.reserves_lots = checked.quantity  # more than is free may be allowed to who may sell short


def _other_side(draft: TicketDraft, setting: TicketSetting) -> int:
    return setting.best_ask if draft.side is Side.BID else setting.best_bid


def _table(terms: Terms | None) -> TickTable:
    return TickTable(terms.tick_table) if terms is not None and terms.tick_table else NO_TABLE

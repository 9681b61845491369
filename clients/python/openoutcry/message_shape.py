"""Whether a decoded message's fields are what the protocol says they are.

The codec checks that fields are there. Here their types and ranges are checked, so that later code need not check them.
Costs about a tenth of a microsecond a level.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from openoutcry.wire.errors import MalformedMessage
from openoutcry.wire.instrument import TICK_SIZE, Instrument
from openoutcry.wire.messages import (
    Account,
    Auction,
    Delta,
    Execution,
    Goodbye,
    Heartbeat,
    Message,
    OpenOrder,
    Reply,
    Snapshot,
    Status,
    Terms,
    Ticker,
    Trade,
    Transfer,
    Welcome,
)
from openoutcry.wire.types import LEVEL_QUANTITY_MAX, PRICE_MAX, NoSide, Side
from openoutcry.wire.value_text import value_text

HEARTBEAT_MS_MAX: Final = 60_000
"""Longest accepted time between heartbeats; three of them without any mean that the server is gone."""
NUMBER_MAX: Final = 2**53 - 1
"""The largest number of the protocol; JSON and msgpack have larger ones."""

_CASH: Final = re.compile(r"-?[0-9]{1,40}\.[0-9]{6}")
"""As large as sums get, and no larger: integers of more than 4,300 digits cannot be read."""
_AMOUNT: Final = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{6})?")
"""Lots, or money."""
_SIDES: Final = frozenset(Side)


def check_message(message: Message) -> Message:
    """
    Return the message if every field has the type and range of the protocol.

    Raises:
        MalformedMessage: Names message and field.
    """
    for name, value, is_right in zip(message._fields, message, _SHAPES[type(message)], strict=True):
        if not is_right(value):
            raise MalformedMessage(f"{type(message).__name__.lower()}: {name} cannot be {value_text(value)}")
    return message


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_text_or_none(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_number(value: Any) -> bool:
    return type(value) is int and 0 <= value <= NUMBER_MAX


def _is_signed(value: Any) -> bool:
    return type(value) is int and -NUMBER_MAX <= value <= NUMBER_MAX


def _is_positive(value: Any) -> bool:
    return type(value) is int and 0 < value <= NUMBER_MAX


def _is_heartbeat_ms(value: Any) -> bool:
    return type(value) is int and 0 < value <= HEARTBEAT_MS_MAX


def _is_tick_size(value: Any) -> bool:
    return isinstance(value, str) and TICK_SIZE.fullmatch(value) is not None and value.strip("0.") != ""


def _is_side(value: Any) -> bool:
    return isinstance(value, str) and value in _SIDES


def _is_aggressor(value: Any) -> bool:
    return isinstance(value, str) and (value in _SIDES or value == NoSide.NONE)


def _is_flag(value: Any) -> bool:
    return value is True or value is False


def _is_request_id(value: Any) -> bool:
    return value is None or isinstance(value, str) or type(value) is int


def _is_map(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(key, str) for key in value)


def _is_map_or_none(value: Any) -> bool:
    return value is None or _is_map(value)


def _is_counts(value: Any) -> bool:
    return _is_map(value) and all(_is_number(count) for count in value.values())


def _is_amounts(value: Any) -> bool:
    return _is_map(value) and all(type(amount) is int for amount in value.values())


def _is_cash(value: Any) -> bool:
    return _is_map(value) and all(isinstance(amount, str) and _CASH.fullmatch(amount) for amount in value.values())


def _is_cash_or_none(value: Any) -> bool:
    return value is None or _is_cash(value)


def _is_amount(value: Any) -> bool:
    return isinstance(value, str) and _AMOUNT.fullmatch(value) is not None


def _is_holdings_or_none(value: Any) -> bool:
    return value is None or (_is_map(value) and all(map(_is_holding, value.values())))


def _is_holding(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) >= 4
        and type(value[0]) is int
        and _is_number(value[1])
        and isinstance(value[2], list)
        and all(map(_is_restricted, value[2]))
        and isinstance(value[3], str)
        and _CASH.fullmatch(value[3]) is not None
    )


def _is_restricted(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) >= 3
        and _is_number(value[0])
        and _is_positive(value[1])
        and _is_text(value[2])
    )


def _is_tick_table(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(map(_is_tick_row, value))


def _is_tick_row(value: Any) -> bool:
    return isinstance(value, list) and len(value) >= 2 and all(map(_is_positive, value[:2]))


def _is_changes(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_change, value))


def _is_change(level: Any) -> bool:
    return (
        isinstance(level, list)
        and len(level) >= 2
        and type(level[0]) is type(level[1]) is int
        and 0 <= level[1] <= LEVEL_QUANTITY_MAX
        and 0 < level[0] <= PRICE_MAX
    )


def _is_levels(value: Any) -> bool:
    return isinstance(value, list) and all(_is_change(level) and level[1] > 0 for level in value)


def _is_orders(value: Any) -> bool:
    return isinstance(value, list) and all(_is_order(order) for order in value)


def _is_order(value: Any) -> bool:
    return isinstance(value, OpenOrder) and all(
        is_right(field) for field, is_right in zip(value, _ORDER_SHAPE, strict=True)
    )


_Check = Callable[[Any], bool]
_ORDER_SHAPE: Final[tuple[_Check, ...]] = (
    *(_is_number, _is_text, _is_text, _is_side, _is_text, _is_text),
    *(_is_number,) * 5,
    _is_text,
)
_SHAPES: Final[dict[type[Any], tuple[_Check, ...]]] = {
    Welcome: (_is_number, _is_text, _is_text, _is_number, _is_heartbeat_ms, _is_map),
    Reply: (_is_request_id, _is_flag, _is_text, _is_text, _is_map),
    Snapshot: (_is_text, *(_is_number,) * 4, _is_levels, _is_levels, _is_number),
    Delta: (_is_text, *(_is_number,) * 4, _is_changes, _is_changes, _is_number),
    Trade: (_is_text, *(_is_number,) * 5, _is_aggressor),
    Ticker: (_is_text, *(_is_number,) * 11),
    Status: (_is_text_or_none, _is_text, _is_text, _is_number, _is_text, _is_number),
    Heartbeat: (_is_number, _is_counts),
    Account: (
        _is_number,
        _is_orders,
        _is_amounts,
        _is_cash,
        _is_flag,
        _is_holdings_or_none,
        _is_cash_or_none,
        _is_cash_or_none,
    ),
    Execution: (
        _is_positive,
        _is_text,
        _is_number,
        _is_number,
        *(_is_text, _is_text, _is_side, _is_text, _is_text),
        *(_is_number,) * 6,
        *(_is_text, _is_text, _is_number, _is_number, _is_text, _is_number),
    ),
    Transfer: (_is_positive, _is_number, _is_text, _is_text, _is_text, _is_amount, _is_amount, _is_number),
    Terms: (_is_text, *(_is_number,) * 3, _is_tick_table, *(_is_number,) * 8, _is_text),
    Auction: (_is_text, *(_is_number,) * 2, _is_positive, _is_text, *(_is_number,) * 2, _is_signed, _is_number),
    Goodbye: (_is_number, _is_text, _is_number),
    Instrument: (*(_is_text,) * 4, _is_tick_size, *(_is_positive,) * 3, _is_map_or_none, _is_map_or_none),
}

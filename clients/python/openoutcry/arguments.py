"""Checks callers' arguments before anything is sent: integers of any kind, texts, True or False.

A price is a whole number of ticks. Other numbers are never rounded here: an order at 99.9 that became one at 99 would
be somebody's loss. The exchange checks ranges, because it knows the instrument. A value that no message can hold is
refused here, because it could not be sent on the next connection either.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from openoutcry.token_form import checked_token
from openoutcry.wire.errors import ConfigurationError, InvalidArgument
from openoutcry.wire.quoted_pair import PAIRS_MAX, QuotedPair
from openoutcry.wire.types import AMOUNT_MAX
from openoutcry.wire.value_text import value_text

NUMBER_MAX: Final = 2**53 - 1
"""The largest number of the protocol; negative ones go as far."""
TEXT_LETTERS_MAX: Final = 256
"""Of any name given here; the exchange's own limits are lower. A request that is far too long ends the connection."""
ACTION_LEVELS: Final = 3
"""Of maps and lists within an action."""
ALL: Final = "*"
"""Names all instruments, where all can be named."""

_UNITS: Final = {
    "price": " of ticks",
    "quantity": " of lots",
    "trigger": " of ticks",
    "minimum": " of lots",
    "protection_bp": " of basis points",
    "depth": " of levels",
    "interval_ms": " of milliseconds",
    "order_id": "",
    "expires_at": " of microseconds",
    "start": " of rows",
    "lots": "",
    "bid": " of ticks",
    "bid_quantity": " of lots",
    "ask": " of ticks",
    "ask_quantity": " of lots",
}
_TICKS: Final = "; Instrument.ticks turns an amount of money into ticks"
_ADVICE: Final = {"price": _TICKS, "trigger": _TICKS}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SWITCHES: Final = ("post_only", "on")


def checked_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return a request's fields as they are sent, without those that are None.

    Raises:
        InvalidArgument: Names the field, its rule and the value.
    """
    return {name: _checked(name, value) for name, value in fields.items() if value is not None}


def whole_number(name: str, value: object) -> int:
    """
    Return an `int` of anything that is an integer, such as numpy's; not of a bool, a float, a Decimal or a text.

    Raises:
        InvalidArgument: Names the field, its unit, and the way out; also for what is no number below 2**53.
    """
    if isinstance(value, bool):
        raise _refused(name, f"is a whole number{_UNITS[name]}", value)
    try:
        number = operator.index(value)  # type: ignore[arg-type]  # which is asked here
    except TypeError:
        raise _refused(name, f"is a whole number{_UNITS[name]}", value) from None
    if abs(number) > NUMBER_MAX:
        raise _refused(name, f"is a whole number{_UNITS[name]} below 2**53", number)
    return number


def levels_wanted(value: object) -> int:
    """
    Return a number of levels to give, 0 for all.

    Raises:
        InvalidArgument: If it is no whole number from 0; the best minus one levels would be all but the worst.
    """
    depth = whole_number("depth", value)
    if depth < 0:
        raise _refused("depth", "is a whole number of levels from 0", value)
    return depth


def text(name: str, value: object) -> str:
    """
    Return a text that a request can hold.

    Raises:
        InvalidArgument: If it is none, has more than `TEXT_LETTERS_MAX` letters, or half a letter (a lone surrogate).
    """
    if not isinstance(value, str):
        raise _refused(name, "is a text", value)
    if len(value) > TEXT_LETTERS_MAX:
        raise _refused(name, f"is a text of at most {TEXT_LETTERS_MAX} letters", value)
    if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise _refused(name, "is a text without lone surrogates, which UTF-8 does not have", value)
    return value


def one_instrument(value: object) -> str:
    """
    Return the symbol of one instrument.

    Raises:
        InvalidArgument: If it is no text that a request can hold, or the "*" that means all.
    """
    symbol = text("instrument", value)
    if symbol == ALL:
        raise _refused("instrument", "is the symbol of one instrument", value)
    return symbol


def seconds(name: str, value: object) -> float:
    """
    Return a time to wait.

    Raises:
        InvalidArgument: If it is no number, or not a number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise _refused(name, "is a number of seconds", value)
    return value


def actions_wanted(value: object) -> list[dict[str, Any]]:
    """
    Return actions to propose, as a request holds them; what each may hold, the exchange checks.

    Raises:
        InvalidArgument: If they are no sequence of maps, or hold what no message can.
    """
    rows = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else None
    if not rows or not all(isinstance(row, Mapping) for row in rows):
        raise _refused("actions", "is a sequence of maps, one or more", value)
    return [_plain(row) for row in rows]


def pairs_wanted(value: object) -> list[dict[str, Any]]:
    """
    Return pairs to quote, as a request holds them; what can stand, the exchange says.

    Raises:
        InvalidArgument: If they are no sequence of pairs, too many, or one holds what is no integer.
    """
    rows = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []
    if not 1 <= len(rows) <= PAIRS_MAX or not all(isinstance(row, tuple | list) for row in rows):
        raise _refused("pairs", f"is a sequence of QuotedPair, 1 to {PAIRS_MAX}", value)
    if not all(1 <= len(row) <= len(QuotedPair._fields) for row in rows):
        raise _refused("pairs", "each have an instrument, bid, bid_quantity, ask and ask_quantity", value)
    return [checked_fields(QuotedPair(*row)._asdict()) for row in rows]


def _plain(value: object, levels: int = ACTION_LEVELS) -> Any:
    """Return maps, lists, texts, whole numbers and switches, all the way down; everything else raises."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(text("actions", value))
    if isinstance(value, Mapping) and levels:
        return {text("actions", key): _plain(each, levels - 1) for key, each in value.items()}
    if isinstance(value, list | tuple) and levels:
        return [_plain(each, levels - 1) for each in value]
    try:
        number = operator.index(value)  # type: ignore[arg-type]  # which is asked here
    except TypeError:
        number = AMOUNT_MAX + 1
    if abs(number) > AMOUNT_MAX:
        raise _refused("actions", "hold maps, lists, texts, whole numbers below 2**63 and switches", value)
    return number


def moment(name: str, value: object) -> int:
    """
    Return a time in µs since 1970.

    Raises:
        InvalidArgument: If it is neither a whole number nor a datetime that knows its zone: of another one nobody could
            say when it is.
    """
    if not isinstance(value, datetime):
        return whole_number(name, value)
    if value.tzinfo is None:
        raise _refused(name, "is µs since 1970, or a datetime that knows its zone", value)
    return (value - _EPOCH) // timedelta(microseconds=1)


def day(name: str, value: object) -> str:
    """
    Return a day as YYYY-MM-DD.

    Raises:
        InvalidArgument: If it is neither a date nor a text; a datetime is none, since its day depends on the zone.
    """
    if isinstance(value, datetime):
        raise _refused(name, "is a date, or YYYY-MM-DD", value)
    return value.isoformat() if isinstance(value, date) else text(name, value)


def _checked(name: str, value: object) -> object:
    if name in _SPECIAL:
        return _SPECIAL[name](name, value)
    if name in _UNITS:
        return value if type(value) is int and -NUMBER_MAX <= value <= NUMBER_MAX else whole_number(name, value)
    if name not in _SWITCHES:
        return text(name, value)
    if not isinstance(value, bool):
        raise _refused(name, "is True or False", value)
    return value


def _actions(_: str, value: object) -> object:
    return actions_wanted(value)


def _pairs(_: str, value: object) -> object:
    return pairs_wanted(value)


def _token(_: str, value: object) -> object:
    """Check a token's form, which is longer than any name; no sentence repeats anything of it."""
    try:
        return checked_token(value)
    except ConfigurationError as error:
        raise InvalidArgument(str(error)) from None


_SPECIAL: Final[dict[str, Callable[[str, object], object]]] = {
    "actions": _actions,
    "pairs": _pairs,
    "expires_at": moment,
    "expires_on": day,
    "token": _token,
}
"""Fields that are no number, no text and no switch."""


def _refused(name: str, rule: str, value: object) -> InvalidArgument:
    given = f"{value_text(value)} ({type(value).__name__})"
    return InvalidArgument(f"{name}: {rule}, not {given}{_ADVICE.get(name, '')}")

"""One line of a LOBSTER message file: recorded order flow of a real exchange, a message a line.

Owns the format's rules; a line that breaks one is an error that names line, column and rule. Columns: time (seconds
after midnight, up to nanoseconds), type, order id, size (shares), price (dollars times 10,000), direction (1 buy, -1
sell: the side of the *resting* order). What follows the sixth column is a remark and ignored; empty lines may stand at
the end. Source: lobsterdata.com, "Data structure".
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, NoReturn

from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.types import Side

COLUMNS: Final = ("time", "type", "order id", "size", "price", "direction")
PRICE_UNITS_PER_DOLLAR: Final = 10_000
NANOSECONDS: Final = 1_000_000_000
ORDER_ID_MAX: Final = 10**18 - 1
"""Of 18 digits."""
_SIDES: Final = {"1": Side.BID, "-1": Side.ASK}


class LobsterType(enum.IntEnum):
    """What a message tells."""

    NEW_ORDER = 1
    PARTIAL_CANCEL = 2
    DELETION = 3
    VISIBLE_EXECUTION = 4
    HIDDEN_EXECUTION = 5
    CROSS_TRADE = 6
    HALT = 7


_TYPES: Final = {str(kind.value): kind for kind in LobsterType}


class LobsterMessage(NamedTuple):
    """One message."""

    time_ns: int
    """Nanoseconds after midnight."""
    kind: LobsterType
    order_id: int
    """The exchange's reference; 0 in halts and hidden executions, below 0 in cross trades."""
    size: int
    """Shares."""
    price: int
    """Dollars times 10,000; in halts a code."""
    side: Side
    """Of the resting order."""


def read_messages(lines: Iterable[str], name: str) -> Iterator[LobsterMessage]:
    """
    Yield the messages of a file, lazily.

    Args:
        lines: The file's lines.
        name: The file's name, for errors.

    Raises:
        ConfigurationError: At the first line that breaks a rule: names file, line, column and rule.
    """
    last_ns, empty_line = 0, 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            empty_line = empty_line or number
            continue
        if empty_line:
            raise ConfigurationError(f"{name} line {empty_line}: must not be empty, since more lines follow")
        message = parse_line(line, f"{name} line {number}")
        if message.time_ns < last_ns:
            _refuse(f"{name} line {number}", 0, "must not be before the line above", line.split(",", 1)[0])
        last_ns = message.time_ns
        yield message


def parse_line(line: str, where: str) -> LobsterMessage:
    """
    Read one line.

    Args:
        line: Six columns with commas between; further ones and a line break at its end are ignored.
        where: Names file and line in errors.

    Raises:
        ConfigurationError: If it breaks a rule.
    """
    columns = line.rstrip("\r\n").split(",", len(COLUMNS))
    if len(columns) < len(COLUMNS):
        raise ConfigurationError(
            f"{where}: must have {len(COLUMNS)} columns ({', '.join(COLUMNS)}), not {len(columns)}"
        )
    time, kind_text, order_id, size, price, direction, *_ = columns
    kind = _TYPES.get(kind_text)
    if kind is None:
        _refuse(where, 1, f"must be one of {', '.join(_TYPES)}", kind_text)
    side = _SIDES.get(direction)
    if side is None:
        _refuse(where, 5, "must be 1 or -1", direction)
    # A halt has no order: its size is 0 and its price a code, which may be -1. A cross trade's is below 0.
    least, least_price = (0, -1) if kind is LobsterType.HALT else (1, 1)
    least_id = -ORDER_ID_MAX if kind is LobsterType.CROSS_TRADE else 0
    return LobsterMessage(
        time_ns=_nanoseconds(time, where),
        kind=kind,
        order_id=_whole(order_id, where, 2, least_id),
        size=_whole(size, where, 3, least),
        price=_whole(price, where, 4, least_price),
        side=side,
    )


def _nanoseconds(text: str, where: str) -> int:
    seconds, _, fraction = text.partition(".")
    if not (seconds.isdecimal() and seconds.isascii() and len(seconds) <= 6) or not (
        fraction == "" or (fraction.isdecimal() and fraction.isascii())
    ):
        _refuse(where, 0, "must be seconds after midnight, such as 34200.004241176", text)
    return int(seconds) * NANOSECONDS + int(fraction[:9].ljust(9, "0"))


def _whole(text: str, where: str, column: int, least: int) -> int:
    digits = text.removeprefix("-")
    if not (digits.isdecimal() and digits.isascii() and len(digits) <= 18) or (value := int(text)) < least:
        _refuse(where, column, f"must be a whole number of at least {least}", text)
    return value


def _refuse(where: str, column: int, rule: str, found: str) -> NoReturn:
    shown = found if len(found) <= 40 else found[:39] + "…"
    raise ConfigurationError(f"{where}, column {column + 1} ({COLUMNS[column]}): {rule}, not {shown!r}")

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
DIGITS_MAX: Final = 20
"""Of a whole number: as many as 64 bits have."""
_SIDES: Final = {"1": Side.BID, "-1": Side.ASK}


class LobsterType(enum.IntEnum):
    """The content of a message."""

    NEW_ORDER = 1
    PARTIAL_CANCEL = 2
    DELETION = 3
    VISIBLE_EXECUTION = 4
    HIDDEN_EXECUTION = 5
    CROSS_TRADE = 6
    HALT = 7


NAMES_NO_ORDER: Final = frozenset({LobsterType.HIDDEN_EXECUTION, LobsterType.CROSS_TRADE, LobsterType.HALT})
_TYPES: Final = {str(kind.value): kind for kind in LobsterType}


class LobsterMessage(NamedTuple):
    """One message."""

    time_ns: int
    """Nanoseconds after midnight."""
    kind: LobsterType
    order_id: int
    """The exchange's reference; 0 or below in what names no order: halts, hidden executions, cross trades."""
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
        line: Six columns with commas between; further ones, blanks around them and a line break are ignored.
        where: Names file and line in errors.

    Raises:
        ConfigurationError: If it breaks a rule.
    """
    columns = [column.strip() for column in line.split(",", len(COLUMNS))]
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
    # What names no order is passed over: a cross trade's id is below 0, a halt's size is 0 and its price a code.
    least_id, least = (None, None) if kind in NAMES_NO_ORDER else (0, 1)
    return LobsterMessage(
        time_ns=_nanoseconds(time, where),
        kind=kind,
        order_id=_whole(order_id, where, 2, least_id),
        size=_whole(size, where, 3, least),
        price=_whole(price, where, 4, least),
        side=side,
    )


def _nanoseconds(text: str, where: str) -> int:
    seconds, _, fraction = text.partition(".")
    if not (seconds.isdecimal() and seconds.isascii() and len(seconds) <= 6) or not (
        fraction == "" or (fraction.isdecimal() and fraction.isascii())
    ):
        _refuse(where, 0, "must be seconds after midnight, such as 34200.004241176", text)
    return int(seconds) * NANOSECONDS + int(fraction[:9].ljust(9, "0"))


def _whole(text: str, where: str, column: int, least: int | None) -> int:
    """Read a whole number; None as the least lets it be any."""
    digits = text.removeprefix("-")
    if len(digits) > DIGITS_MAX:
        _refuse(where, column, f"must be a whole number of at most {DIGITS_MAX} digits", text)
    if not (digits.isdecimal() and digits.isascii()) or (least is not None and int(text) < least):
        _refuse(where, column, "must be a whole number" + ("" if least is None else f" of at least {least}"), text)
    return int(text)


def _refuse(where: str, column: int, rule: str, found: str) -> NoReturn:
    shown = found if len(found) <= 40 else found[:39] + "…"
    raise ConfigurationError(f"{where}, column {column + 1} ({COLUMNS[column]}): {rule}, not {shown!r}")

"""Messages and requests to bytes and back, in both encodings.

A server frame's payload is an array of messages; a client frame's payload is one request, a map. To read and
check requests is the gateway's part, and frame headers are the WebSocket library's.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias, get_args, get_type_hints

import msgpack

from openoutcry.wire.errors import ConfigurationError, MalformedMessage
from openoutcry.wire.messages import (
    MESSAGE_TYPES,
    NOTHING_SPECIAL,
    PLAIN_END,
    TYPE_CODES,
    TYPE_NAMES,
    Account,
    Execution,
    Message,
    OpenOrder,
    Reply,
    Status,
    Terms,
)
from openoutcry.wire.types import Code, Phase


class Encoding(enum.Enum):
    """The two encodings; the value is the WebSocket subprotocol that chooses it."""

    MSGPACK = "openoutcry.v1.msgpack"
    JSON = "openoutcry.v1.json"

    @classmethod
    def chosen(cls, choice: Encoding | str) -> Encoding:
        """
        Return the encoding that somebody means: itself, its word `msgpack` or `json`, or its subprotocol.

        Raises:
            ConfigurationError: Names the choices.
        """
        for encoding in cls:
            if choice in (encoding, encoding.name.lower(), encoding.value):
                return encoding
        words = ", ".join(repr(encoding.name.lower()) for encoding in cls)
        raise ConfigurationError(f"encoding: must be one of {words}, not {choice!r}")


ERROR_LETTERS_MAX: Final = 100
"""Of a decoder's own words, as they are repeated in an error."""
SUBPROTOCOLS: Final = tuple(encoding.value for encoding in Encoding)
"""In order of preference."""

LATER_FIELDS: Final[dict[type[Any], list[Any]]] = {
    Account: [None, None, None],
    Execution: list(PLAIN_END),
    OpenOrder: list(NOTHING_SPECIAL),
    Status: [Phase.NONE, 0],
    Terms: list(Terms._field_defaults.values()),
}
"""The last fields of a message that servers of before do not send, as what they are read then."""
_CLASS_BY_NAME: Final = {name: kind for kind, name in TYPE_NAMES.items()}
_PACKER: Final = msgpack.Packer()
"""Kept for its buffer: to make one for each message costs as much again as a small message does."""


def encode_messages(messages: Iterable[Message], encoding: Encoding) -> bytes:
    """Encode the payload of one server frame; JSON comes as UTF-8."""
    if encoding is Encoding.MSGPACK:
        packed: bytes = _PACKER.pack([(TYPE_CODES[type(message)], *message) for message in messages])
        return packed
    return json.dumps([_to_object(message) for message in messages], separators=(",", ":")).encode()


def decode_messages(payload: bytes | str, encoding: Encoding) -> list[Message]:
    """
    Decode the payload of one server frame.

    Unknown message types and trailing fields are left out, as the protocol's compatibility rule asks; trailing fields
    that a server of before does not send are as LATER_FIELDS says. Where a field is an enumeration, and in a reply's
    `code`, a word becomes its member; one that a later version may add stays text.

    Raises:
        MalformedMessage: If the payload is no array of messages, or a message lacks a field.
    """
    try:
        if encoding is Encoding.MSGPACK:
            return [_from_array(row) for row in _array(msgpack.unpackb(payload)) if _array(row)[0] in _ROWS]
        return [_from_object(found) for found in _array(json.loads(payload)) if found["type"] in _CLASS_BY_NAME]
    except (ValueError, TypeError, KeyError, IndexError, RecursionError, msgpack.UnpackException) as error:
        words = str(error)[:ERROR_LETTERS_MAX]  # not its repr, which may hold the whole frame
        raise MalformedMessage(f"no array of messages: {type(error).__name__}: {words}") from error


def encode_request(request: Mapping[str, Any], encoding: Encoding) -> bytes:
    """Encode the payload of one client frame; JSON comes as UTF-8."""
    if encoding is Encoding.MSGPACK:
        packed: bytes = msgpack.packb(request)
        return packed
    return json.dumps(request, separators=(",", ":")).encode()


def _array(value: Any) -> list[Any]:
    """Refuse what merely behaves like an array: an empty map or a string of bytes would pass for one."""
    if not isinstance(value, list):
        raise TypeError(f"an array is needed, not {type(value).__name__}")
    return value


def _from_array(row: list[Any]) -> Message:
    """Make a message of a row, which is changed: it belongs to nobody else."""
    make, end, words, orders_at, later = _ROWS[row[0]]
    if later and 0 < (missing := end - len(row)) <= len(later):
        row += later[-missing:]
    for at, members in words:
        row[at] = members.get(row[at], row[at])
    if orders_at:
        row[orders_at] = [_order(_array(order)) for order in _array(row[orders_at])]
    message: Message = make(row[1:end])
    return message


def _order(row: list[Any]) -> OpenOrder:
    make, end, words, later = _ORDER_ROW
    if 0 < (missing := end - len(row)) <= len(later):
        row += later[-missing:]
    for at, members in words:
        row[at] = members.get(row[at], row[at])
    return make(row[:end])


def _to_object(message: Message) -> dict[str, Any]:
    fields = {"type": TYPE_NAMES[type(message)], **message._asdict()}
    if isinstance(message, Account):
        fields["orders"] = [order._asdict() for order in message.orders]
    return fields


def _from_object(fields: dict[str, Any]) -> Message:
    kind = _CLASS_BY_NAME[fields["type"]]
    row = [TYPE_CODES[kind], *_fields_of(kind, fields)]
    if kind is Account:
        row[_ORDERS_AT] = [_fields_of(OpenOrder, order) for order in _array(fields["orders"])]
    return _from_array(row)


def _fields_of(kind: type[Any], found: dict[str, Any]) -> list[Any]:
    """Return an object's fields in order, also those that a server of before does not send."""
    defaults = LATER_FIELDS.get(kind, ())
    required = kind._fields[: len(kind._fields) - len(defaults)]
    row = [found[name] for name in required]
    return row + [found.get(*each) for each in zip(kind._fields[len(required) :], defaults, strict=True)]


_Words: TypeAlias = tuple[tuple[int, dict[str, enum.StrEnum]], ...]


def _words(kind: type[Any], first: int) -> _Words:
    """Return the places of enumerations in a row whose fields begin at `first`, and each one's members by word."""
    hints = get_type_hints(kind) | ({"code": Code} if kind is Reply else {})
    places: list[tuple[int, dict[str, enum.StrEnum]]] = []
    for at, name in enumerate(kind._fields, first):
        hint = hints[name]
        kinds: list[Any] = [one for one in (hint, *get_args(hint)) if isinstance(one, enum.EnumType)]
        members = {member.value: member for one in kinds for member in one}
        if members:
            places.append((at, members))
    return tuple(places)


_ORDERS_AT: Final = 1 + Account._fields.index("orders")
_ROWS: Final[dict[int, tuple[Callable[[list[Any]], Any], int, _Words, int, list[Any]]]] = {
    code: (
        kind._make,
        1 + len(kind._fields),
        _words(kind, 1),
        _ORDERS_AT if kind is Account else 0,
        LATER_FIELDS.get(kind, []),
    )
    for code, kind in MESSAGE_TYPES.items()
}
"""By type code: what makes the message, where its row ends, its enumerations, where its orders are (0: nowhere), and
what may be missing at its end."""
_ORDER_ROW: Final = (OpenOrder._make, len(OpenOrder._fields), _words(OpenOrder, 0), LATER_FIELDS[OpenOrder])

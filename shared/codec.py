"""Messages and requests to bytes and back, in both encodings.

A server frame's payload is an array of messages; a client frame's payload is one request, a map. Nothing here reads
requests (`shared.request_map`), checks them (`shared.requests`) or writes frame headers (`shared.websocket_frame`).
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgpack

from shared.errors import MalformedMessage
from shared.messages import MESSAGE_TYPES, TYPE_CODES, TYPE_NAMES, Account, Message, OpenOrder


class Encoding(enum.Enum):
    """The two encodings; the value is the WebSocket subprotocol that chooses it."""

    MSGPACK = "openoutcry.v1.msgpack"
    JSON = "openoutcry.v1.json"


SUBPROTOCOLS: Final = tuple(encoding.value for encoding in Encoding)
"""In order of preference."""

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

    Unknown message types and trailing fields are left out, as the protocol's compatibility rule asks. Enumerations
    stay plain strings, equal to the members they stand for.

    Raises:
        MalformedMessage: If the payload is no array of messages, or a message lacks a field.
    """
    try:
        if encoding is Encoding.MSGPACK:
            return [_from_array(row) for row in _array(msgpack.unpackb(payload)) if _array(row)[0] in MESSAGE_TYPES]
        return [_from_object(found) for found in _array(json.loads(payload)) if found["type"] in _CLASS_BY_NAME]
    except (ValueError, TypeError, KeyError, IndexError, RecursionError, msgpack.UnpackException) as error:
        raise MalformedMessage(f"no array of messages: {error!r}") from error


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
    kind = MESSAGE_TYPES[row[0]]
    message: Message = kind._make(row[1 : 1 + len(kind._fields)])
    if kind is Account:
        return _with_orders(message, [OpenOrder._make(order[:9]) for order in row[2]])
    return message


def _to_object(message: Message) -> dict[str, Any]:
    fields = {"type": TYPE_NAMES[type(message)], **message._asdict()}
    if isinstance(message, Account):
        fields["orders"] = [order._asdict() for order in message.orders]
    return fields


def _from_object(fields: dict[str, Any]) -> Message:
    kind = _CLASS_BY_NAME[fields["type"]]
    message: Message = kind(**{name: fields[name] for name in kind._fields})
    if kind is Account:
        orders = [OpenOrder(**{name: order[name] for name in OpenOrder._fields}) for order in fields["orders"]]
        return _with_orders(message, orders)
    return message


def _with_orders(message: Message, orders: list[OpenOrder]) -> Account:
    assert isinstance(message, Account)
    return message._replace(orders=orders)

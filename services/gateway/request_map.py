"""Bytes of a client frame to the map that a request is, in both encodings.

Owns what makes a map one: a key stands in it once, at every depth, and a text is a text. The libraries are more
generous: of two equal keys the last one wins, so that `"post_only":true,"post_only":false` was an order without it.
`services.gateway.requests` defines the keys and values of a request.
"""

from __future__ import annotations

import json
from typing import Any, Final

import msgpack

from openoutcry.wire.codec import Encoding
from openoutcry.wire.errors import MalformedMessage

REQUEST_ARRAY_MAX: Final = 512
"""Elements of an array in a request, above every limit of `requests`. Memory is taken for them as soon as they are
announced, on every level of nesting: without it 16 KiB of announcements take 60 ms and 130 MB."""
KEY_LETTERS_MAX: Final = 60
"""Of a key as it is shown in an error."""

_FIXMAP: Final = 0x80
"""First byte of a msgpack map of up to 15 keys, less their number."""
_unpackb: Final = msgpack.unpackb
_DEEP: Final = frozenset({dict, list, bytes})
"""Types of the values that the fast way leaves to the careful one."""


class FaultyMap(MalformedMessage):
    """
    A map with a key that stands in it twice, or with bytes where a text belongs.

    Args:
        text: One sentence that names the key.
        fields: The readable part, for the request's id; empty if the id is at fault.
    """

    def __init__(self, text: str, fields: dict[str, Any]) -> None:
        super().__init__(text)
        self.fields = fields


class _Fault(Exception):
    def __init__(self, key: str | bytes, rule: str) -> None:
        self.key = key if isinstance(key, str) else key.decode(errors="replace")
        shown = self.key if len(self.key) <= KEY_LETTERS_MAX else self.key[: KEY_LETTERS_MAX - 1] + "…"
        super().__init__(f"{shown}: {rule}")


def decode_map(payload: bytes, encoding: Encoding) -> dict[str, Any]:
    """
    Decode the payload of one client frame without looking at what it asks.

    Costs no more than the library's own decoding where no value holds a map or an array, as in every order.

    Raises:
        FaultyMap: If a key stands twice in a map, at any depth, or bytes stand where a text belongs.
        MalformedMessage: If the payload is no map.
    """
    try:
        found = _unpack(payload) if encoding is Encoding.MSGPACK else _JSON.decode(payload.decode())
    except _Fault as fault:
        raise FaultyMap(str(fault), {} if fault.key == "id" else _read_loosely(payload, encoding)) from fault
    except (ValueError, RecursionError, msgpack.UnpackException) as error:
        name = encoding.name.lower()
        raise MalformedMessage(f"the frame is no valid {name}: {error}") from error
    if not isinstance(found, dict):
        raise MalformedMessage('a frame must hold one request, a map such as {"op": "ping", "id": 1}')
    return found


def _unpack(payload: bytes) -> Any:
    try:
        found = _unpackb(payload, max_array_len=REQUEST_ARRAY_MAX, max_bin_len=0)
        if len(found) == payload[0] - _FIXMAP and b"" not in found and _DEEP.isdisjoint(map(type, found.values())):
            return found  # a flat map, and no key less than was announced
    except (ValueError, TypeError, AttributeError):
        pass  # bytes, no map, or nothing whole: the careful way says which
    return _unpackb(payload, max_array_len=REQUEST_ARRAY_MAX, object_pairs_hook=_texts_once)


def _texts_once(pairs: list[tuple[str | bytes, Any]]) -> dict[str | bytes, Any]:
    for key, value in pairs:
        if isinstance(key, bytes) or _holds_bytes(value):
            raise _Fault(key, "must be a text (msgpack str), not bytes (bin)")
    return _once(pairs)


def _holds_bytes(value: Any) -> bool:
    return isinstance(value, bytes) or (isinstance(value, list) and any(map(_holds_bytes, value)))


def _once(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[Any] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Fault(key, "stands twice; a key may stand once")
            seen.add(key)
    return found


def _read_loosely(payload: bytes, encoding: Encoding) -> dict[str, Any]:
    """Decode what `decode_map` has found a fault in, as the library would; nothing can be read of what ends badly."""
    try:
        if encoding is Encoding.MSGPACK:
            found = _unpackb(payload, max_array_len=REQUEST_ARRAY_MAX)
        else:
            found = json.loads(payload.decode())
    except (ValueError, RecursionError, msgpack.UnpackException):
        return {}
    return found if isinstance(found, dict) else {}


_JSON: Final = json.JSONDecoder(object_pairs_hook=_once)
"""Given texts, never bytes: of bytes it guesses the encoding, and takes UTF-16 where the protocol says UTF-8."""

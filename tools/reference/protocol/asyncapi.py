"""The AsyncAPI 3.0 description, from the gateway's point of view: it sends messages and receives requests.

In JSON, because that is what AsyncAPI's tools show; the msgpack form of each message has a schema of its own beside
this document. An AsyncAPI message is a whole frame here: a packet that holds at least one message of its type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from openoutcry.wire.close_codes import CloseCode, may_reconnect
from openoutcry.wire.codec import SUBPROTOCOLS
from openoutcry.wire.messages import TYPE_CODES, TYPE_NAMES
from services.gateway.requests import REQUEST_TYPES
from tools.reference.protocol import message_schema, request_schema
from tools.reference.protocol.draft_07 import as_draft_07
from tools.reference.protocol.field_docs import class_doc
from tools.reference.protocol.meanings import Schema

Examples: TypeAlias = Sequence[Mapping[str, Any]]
"""Wire vectors: maps with `name` and `value`."""

PATH: Final = "/v1/stream"
SCHEMAS: Final = "#/components/schemas/"
MESSAGES_OF_OPERATION: Final[dict[str, tuple[str, ...]]] = {
    "market data": ("snapshot", "delta", "trade", "ticker", "status", "instrument", "terms", "auction"),
    "private data": ("account", "execution", "transfer"),
    "connection": ("welcome", "reply", "heartbeat", "goodbye"),
}
"""What the gateway sends, by who causes it."""
_SENDS: Final = {
    "market data": ("sendMarketData", "The state of every channel that a client follows, then its changes, in order."),
    "private data": (
        "sendPrivateData",
        "To the connections of one user: the account, then everything that happens to it.",
    ),
    "connection": ("sendConnectionState", "Who is connected, what became of each request, and that both ends live."),
}
_DESCRIPTION: Final = """\
One WebSocket for market data and orders. A client holds a book that is provably the exchange's: one snapshot, then
merged deltas of absolute quantities, each naming the range of changes that it covers and the digest of the whole book
after it.

Every frame from the server is a packet: an array of messages, of any types. Every frame from the client is one request.
Receivers ignore message types, fields and array elements that they do not know.

This document shows the JSON encoding (subprotocol `openoutcry.v1.json`). In `openoutcry.v1.msgpack` requests are the
same maps, and a message is the array `[x-type, field, …]` with the fields in the order shown here: see
`schema/messages_msgpack.json`. The rules that clients follow are in `protocol.md`.
"""


def document(messages: Examples, requests: Examples) -> dict[str, Any]:
    """
    Return the description.

    Args:
        messages: Examples of messages; every type has at least one.
        requests: Examples of requests; every kind has at least one.
    """
    sent = {name: _message(kind, name, messages) for kind, name in TYPE_NAMES.items()}
    received = {f"{op}Request": _request(op, requests) for op in REQUEST_TYPES}
    return {
        "asyncapi": "3.0.0",
        "info": _info(),
        "defaultContentType": "application/json",
        "servers": _servers(),
        "channels": {"stream": _channel([*sent, *received])},
        "operations": {**_sends(), **_receives()},
        "components": {
            "messages": {**sent, **received},
            "schemas": _schemas(),
            "correlationIds": {
                "request": {"description": "A reply's `id` is its request's.", "location": "$message.payload#/id"}
            },
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "A JSON Web Token, with the user in `sub` and an `exp`. Browsers, which cannot set "
                    "the header, send the request `login` within 5 s instead.",
                }
            },
        },
    }


def _info() -> Schema:
    return {
        "title": "OpenOutcry",
        "version": "1.0.0",
        "description": _DESCRIPTION,
        "license": {"name": "MIT"},
    }


def _servers() -> Schema:
    security = [{"$ref": "#/components/securitySchemes/token"}]
    return {
        "local": {
            "host": "127.0.0.1:8101",
            "protocol": "ws",
            "description": "A gateway of `outcry demo` or `outcry up`.",
            "security": security,
        },
        "production": {
            "host": "{host}",
            "protocol": "wss",
            "description": "The load balancer before the gateways; it ends TLS.",
            "variables": {"host": {"description": "Where the exchange is.", "default": "exchange.example.com"}},
            "security": security,
        },
    }


def _channel(names: Sequence[str]) -> Schema:
    headers = {
        "type": "object",
        "required": ["Sec-WebSocket-Protocol"],
        "properties": {
            "Sec-WebSocket-Protocol": {
                "type": "string",
                "enum": list(SUBPROTOCOLS),
                "description": "Chooses the encoding, and is the protocol's major version.",
            },
            "Authorization": {"type": "string", "description": "`Bearer` and a token, or nothing, and then `login`."},
        },
    }
    return {
        "address": PATH,
        "title": "The stream",
        "description": "Everything, both ways. Extensions are not negotiated.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"ws": {"method": "GET", "headers": headers, "bindingVersion": "0.1.0"}},
        "x-close-codes": [
            {"code": code.value, "name": code.name.lower(), "mayReconnect": may_reconnect(code)} for code in CloseCode
        ],
    }


def _sends() -> Schema:
    operations: Schema = {}
    for group, names in MESSAGES_OF_OPERATION.items():
        operation, summary = _SENDS[group]
        operations[operation] = {
            "action": "send",
            "channel": {"$ref": "#/channels/stream"},
            "summary": summary,
            "messages": [{"$ref": f"#/channels/stream/messages/{name}"} for name in names],
        }
    return operations


def _receives() -> Schema:
    return {
        f"receive{_camel(op)}": {
            "action": "receive",
            "channel": {"$ref": "#/channels/stream"},
            "summary": class_doc(kind),
            "messages": [{"$ref": f"#/channels/stream/messages/{op}Request"}],
            "reply": {
                "channel": {"$ref": "#/channels/stream"},
                "messages": [{"$ref": "#/channels/stream/messages/reply"}],
            },
        }
        for op, kind in REQUEST_TYPES.items()
    }


def _message(kind: type[Any], name: str, examples: Examples) -> Schema:
    return {
        "name": name,
        "title": f"{name} (type {TYPE_CODES[kind]})",
        "summary": class_doc(kind),
        "payload": {"allOf": [{"$ref": f"{SCHEMAS}packet"}], "contains": {"$ref": f"{SCHEMAS}{name}"}},
        "examples": [
            {"name": example["name"], "payload": [example["value"]]}
            for example in examples
            if example["value"]["type"] == name
        ],
        "x-type": TYPE_CODES[kind],
    }


def _request(op: str, examples: Examples) -> Schema:
    return {
        "name": f"{op}Request",
        "title": op,
        "summary": class_doc(REQUEST_TYPES[op]),
        "correlationId": {"$ref": "#/components/correlationIds/request"},
        "payload": {"$ref": f"{SCHEMAS}{op}_request"},
        "examples": [
            {"name": example["name"], "payload": example["value"]}
            for example in examples
            if example["value"]["op"] == op
        ],
    }


def _schemas() -> dict[str, Schema]:
    frame = message_schema.json_schema()
    packet = {"description": frame["title"], "type": "array", "items": frame["items"]}
    definitions = {"packet": packet, **frame["$defs"], **request_schema.json_schema()["$defs"]}
    return {name: as_draft_07(schema, SCHEMAS) for name, schema in definitions.items()}


def _camel(op: str) -> str:
    return "".join(part.title() for part in op.split("_"))

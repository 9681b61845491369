"""The machine-readable description is current, is valid, and tells the same as the code that runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain, combinations
from typing import Any

import msgpack
import pytest
import yaml
from jsonschema import Draft7Validator, Draft202012Validator

from openoutcry.wire.codec import Encoding, encode_request
from openoutcry.wire.errors import InvalidRequest
from openoutcry.wire.messages import MESSAGE_TYPES, TYPE_NAMES, Delta, OpenOrder
from openoutcry.wire.types import EPOCH_MAX, PRICE_MAX, QUANTITY_MAX, TimeInForce
from services.gateway.requests import REQUEST_TYPES, Cancel, NewOrder, decode_request
from tools.reference.protocol.__main__ import ROOT, vectors
from tools.reference.protocol.field_docs import field_docs
from tools.reference.protocol.meanings import MEANINGS
from tools.reference.protocol.message_schema import json_schema, msgpack_schema
from tools.reference.protocol.rendering import rendered
from tools.reference.protocol.request_schema import json_schema as request_schema

MESSAGES = vectors("messages.json")
REQUESTS = vectors("requests.json")
ASYNCAPI = yaml.safe_load((ROOT / "protocol" / "asyncapi.yaml").read_text(encoding="utf-8"))
ASYNCAPI_SCHEMA = ROOT / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0-without-$id.json"

FILES = rendered(MESSAGES, REQUESTS)
JSON_SCHEMA, MSGPACK_SCHEMA, REQUEST_SCHEMA = json_schema(), msgpack_schema(), request_schema()
MESSAGE_VALIDATOR = Draft202012Validator(JSON_SCHEMA)
MSGPACK_VALIDATOR = Draft202012Validator(MSGPACK_SCHEMA)
REQUEST_VALIDATOR = Draft202012Validator(REQUEST_SCHEMA)


def named(vector: dict[str, Any]) -> str:
    return str(vector["name"])


def of_definition(schema: dict[str, Any], name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": schema["$defs"]})


# The files.


@pytest.mark.parametrize("name", list(FILES))
def test_files_are_current(name: str) -> None:
    """Stale? Run `python -m tools.reference.protocol`."""
    assert (ROOT / name).read_text(encoding="utf-8") == FILES[name]


def test_nothing_else_is_in_the_schema_folder() -> None:
    """A file of an earlier layout would be read as if it were current."""
    names = {f"protocol/schema/{path.name}" for path in (ROOT / "protocol" / "schema").iterdir()}
    assert names == set(FILES) - {"protocol/asyncapi.yaml", "docs/messages.md"}


@pytest.mark.parametrize("schema", [JSON_SCHEMA, MSGPACK_SCHEMA, REQUEST_SCHEMA], ids=lambda schema: schema["$id"])
def test_schemas_are_valid_json_schema(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)


# Messages.


@pytest.mark.parametrize("vector", MESSAGES, ids=named)
def test_every_example_message_is_valid_in_both_encodings(vector: dict[str, Any]) -> None:
    kind = vector["value"]["type"]
    of_definition(JSON_SCHEMA, kind).validate(vector["value"])
    MESSAGE_VALIDATOR.validate(json.loads(vector["json"]))
    [array] = packet = msgpack.unpackb(bytes.fromhex(vector["msgpack"]))
    of_definition(MSGPACK_SCHEMA, kind).validate(array)
    MSGPACK_VALIDATOR.validate(packet)


def test_every_message_type_is_described_with_all_its_fields() -> None:
    for number, kind in MESSAGE_TYPES.items():
        name = TYPE_NAMES[kind]
        assert list(JSON_SCHEMA["$defs"][name]["properties"]) == ["type", *kind._fields]
        items = MSGPACK_SCHEMA["$defs"][name]["prefixItems"]
        assert [item["title"] for item in items] == ["type", *kind._fields]
        assert items[0]["const"] == number


def test_newer_servers_stay_valid() -> None:
    """Unknown types, further fields and further elements are the compatibility promise, so the schema allows them."""
    delta = next(vector["value"] for vector in MESSAGES if vector["name"] == "delta")
    assert MESSAGE_VALIDATOR.is_valid([{**delta, "auction_price": 7}, {"type": "candle", "close": 3}])
    assert MSGPACK_VALIDATOR.is_valid([[4, *list(delta.values())[1:], "more"], [99, 1, 2]])


@pytest.mark.parametrize(
    "wrong",
    [
        {"digest": -1},
        {"digest": 2**32},
        {"seq": "14"},
        {"bids": [[9_998]]},
        {"bids": [[0, 1]]},
        {"asks": [[10_001, -1]]},
        {"depth": 7},
        {"instrument": "acme"},
    ],
    ids=str,
)
def test_wrong_messages_are_refused(wrong: dict[str, Any]) -> None:
    """A schema that lets everything pass would be valid too."""
    delta = next(vector["value"] for vector in MESSAGES if vector["name"] == "delta")
    assert not MESSAGE_VALIDATOR.is_valid([{**delta, **wrong}])
    assert not MESSAGE_VALIDATOR.is_valid([{key: value for key, value in delta.items() if key not in wrong}])


# Requests.


@pytest.mark.parametrize("vector", REQUESTS, ids=named)
def test_every_example_request_is_valid(vector: dict[str, Any]) -> None:
    of_definition(REQUEST_SCHEMA, f"{vector['value']['op']}_request").validate(vector["value"])
    REQUEST_VALIDATOR.validate(vector["value"])


SYMBOLS = ("ACME", "A", "acme", "A" * 25, "*", "")
FIELDS: dict[str, tuple[Any, ...]] = {
    "id": (0, 1, EPOCH_MAX, EPOCH_MAX + 1, -1, "mine", "x" * 65, None, True, 1.5),
    "token": ("t", "", "t" * 4097, 1),
    "channel": ("book", "top", "ticker", "trades", "account", "status", "tape", None),
    "instruments": (["ACME"], ["*"], ["ACME", "*"], [], ["acme"], "ACME", None),
    "depth": (0, 5, 7, True, None),
    "interval_ms": (0, 100, 101, "100"),
    "resume": ({}, {"ACME": [1, 2, 3]}, {"ACME": [1, 2]}, {"ACME": [1, 2, 2**32]}, {"acme": [1, 2, 3]}, None),
    "instrument": (*SYMBOLS, None),
    "client_order_id": ("mine-1", "a b", "a" * 37, "", None, 7),
    "exercise_id": ("e-7", "a b", "a" * 37, "", None, 7),
    "lots": (1, QUANTITY_MAX, QUANTITY_MAX + 1, 0, None),
    "quote_id": ("q-7", "a b", "a" * 33, "", None, 7),
    "pairs": (
        [{"instrument": "A", "bid": 1, "bid_quantity": 0}],
        [{"instrument": f"I{n}"} for n in range(16)],
        [{}],
        [],
        None,
    ),
    "proposal_id": ("limits-7", "a b", "a" * 37, "", None, 7),
    "actions": ([{"action": "halt"}], [{}] * 2, [], [1], {}, None),
    "start": (0, 7, -1, EPOCH_MAX + 1, "1", None),
    "order_id": (1, 0, EPOCH_MAX + 1, "1", None),
    "side": ("bid", "ask", "buy", None),
    "kind": ("limit", "market", "stop", None),
    "price": (1, PRICE_MAX, PRICE_MAX + 1, 0, 1.5, "1", None),
    "quantity": (1, QUANTITY_MAX, QUANTITY_MAX + 1, 0, None),
    "time_in_force": ("gtc", "ioc", "fok", "day", "gtd", "auction", "quote"),
    "trigger": (1, PRICE_MAX + 1, None),
    "protection_bp": (9_999, 10_000),
    "expires_at": (1, 0),
    "expires_on": ("2026-10-23", "23.10.2026"),
    "minimum": (1, "1"),
    "clearance": ("C 17",),
    "post_only": (True, False, 1, None),
    "on": (True, False, 0, "yes", None),
    "self_trade_prevention": ("cancel_newest", "cancel_both", "allow"),
    "postonly": (True,),
}


ABSENT = object()


def in_pairs(values: tuple[Any, ...]) -> tuple[Any, ...]:
    is_choice = all(type(value) is str and value.islower() for value in values[:3])
    return values if is_choice else (values[0], values[-1])


def variants(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """
    Requests that differ from this one in one field or two: a rule that binds two is met from both ends.

    In pairs a field is right, wrong or absent, and a choice is each of its words.
    """
    own = [*[name for name in REQUEST_TYPES[request["op"]].model_fields if name != "op"], "postonly"]
    alone = [(name, value) for name in own for value in (*FIELDS[name], ABSENT)]
    paired = [(name, value) for name in own for value in (*in_pairs(FIELDS[name]), ABSENT)]
    for (name, value), (other, second) in chain(zip(alone, alone, strict=True), combinations(paired, 2)):
        changed = {**request, name: value, other: second}
        yield {field: found for field, found in changed.items() if found is not ABSENT}


def is_accepted(request: dict[str, Any]) -> bool:
    try:
        decode_request(encode_request(request, Encoding.JSON), Encoding.JSON)
    except InvalidRequest:
        return False
    return True


@pytest.mark.parametrize("vector", REQUESTS, ids=named)
def test_schema_and_gateway_agree_on_every_request(vector: dict[str, Any]) -> None:
    """The rules that bind several fields are written in Python and again in JSON Schema: they must not differ."""
    validator = of_definition(REQUEST_SCHEMA, f"{vector['value']['op']}_request")
    verdicts = set()
    for request in variants(vector["value"]):
        minimum, quantity = request.get("minimum"), request.get("quantity")
        if type(minimum) is type(quantity) is int and minimum > quantity:
            continue  # JSON Schema compares no two numbers
        accepted = is_accepted(request)
        assert validator.is_valid(request) == accepted, request
        verdicts.add(accepted)
    assert verdicts == {True, False}


def test_unknown_requests_are_refused() -> None:
    for request in ({"op": "unknown", "id": 1}, {"id": 1}, {"op": "ping"}, {"op": None, "id": 1}):
        assert not REQUEST_VALIDATOR.is_valid(request)
        assert not is_accepted(request)


# AsyncAPI.


def test_asyncapi_says_what_the_specification_requires() -> None:
    assert ASYNCAPI["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(ASYNCAPI["info"])
    for server in ASYNCAPI["servers"].values():
        assert {"host", "protocol"} <= set(server)
    for operation in ASYNCAPI["operations"].values():
        assert operation["action"] in ("send", "receive")
        assert resolved(operation["channel"]["$ref"]) is ASYNCAPI["channels"]["stream"]


def test_every_reference_resolves() -> None:
    found = [value for key, value in nested(ASYNCAPI) if key == "$ref"]
    assert len(found) > 100
    for target in found:
        assert resolved(target) is not None


def test_every_message_is_sent_or_received_by_one_operation() -> None:
    """A new message type cannot be forgotten."""
    operations = ASYNCAPI["operations"].values()
    used = [message["$ref"].rpartition("/")[2] for operation in operations for message in operation["messages"]]
    assert sorted(used) == sorted(ASYNCAPI["channels"]["stream"]["messages"])
    assert set(used) == {*TYPE_NAMES.values(), *(f"{op}Request" for op in REQUEST_TYPES)}


@pytest.mark.parametrize("name", list(ASYNCAPI["components"]["messages"]))
def test_asyncapi_examples_are_valid_in_its_own_dialect(name: str) -> None:
    """AsyncAPI reads draft-07, where a tuple and a described reference are written differently."""
    message = ASYNCAPI["components"]["messages"][name]
    validator = Draft7Validator({**message["payload"], "components": ASYNCAPI["components"]})
    assert message["examples"]
    for example in message["examples"]:
        validator.validate(example["payload"])


def test_asyncapi_dialect_is_draft_07() -> None:
    """Keywords of 2020-12 would be skipped there without a word."""
    for schema in ASYNCAPI["components"]["schemas"].values():
        Draft7Validator.check_schema(schema)
    keys = {key for key, _ in nested(ASYNCAPI["components"]["schemas"])}
    assert not keys & {"prefixItems", "$defs"}
    assert not Draft7Validator(
        {"$ref": "#/components/schemas/snapshot_level", "components": ASYNCAPI["components"]}
    ).is_valid([1, 1])


@pytest.mark.skipif(not ASYNCAPI_SCHEMA.exists(), reason="the npm package @asyncapi/specs is not installed")
def test_asyncapi_is_valid_by_its_official_schema() -> None:
    Draft7Validator(json.loads(ASYNCAPI_SCHEMA.read_text(encoding="utf-8"))).validate(ASYNCAPI)


# Where the words come from.


def test_docstrings_under_fields_are_found() -> None:
    assert field_docs(Delta)["digest"] == "Of the whole book (or window) after this delta."
    assert field_docs(OpenOrder)["quantity"] == "Total, filled part included."
    assert field_docs(TimeInForce)["FOK"] == "Fill or kill: filled whole at once, or cancelled whole."
    assert "id" in field_docs(NewOrder)
    assert field_docs(Cancel) == {"id": "Echoed in the reply."}


def test_no_meaning_is_left_over() -> None:
    """A meaning that no field uses is the trace of a renamed one."""
    kinds = [*MESSAGE_TYPES.values(), OpenOrder]
    fields = {(kind.__name__, name) for kind in kinds for name in kind._fields}
    fields |= {(kind.__name__, name) for kind in REQUEST_TYPES.values() for name in kind.model_fields}
    used = {f"{owner}.{name}" if f"{owner}.{name}" in MEANINGS else name for owner, name in fields}
    assert used == set(MEANINGS)


def resolved(target: str) -> Any:
    found: Any = ASYNCAPI
    for part in target.removeprefix("#/").split("/"):
        found = found[part]
    return found


def nested(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield key, one
            yield from nested(one)
    elif isinstance(value, list):
        for one in value:
            yield from nested(one)

"""`docs/messages.md` is complete, and its examples are the wire's. That it is current is held with the other files."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from openoutcry.wire.close_codes import CloseCode, may_reconnect
from openoutcry.wire.codec import Encoding, decode_messages
from openoutcry.wire.messages import MESSAGE_TYPES, TYPE_NAMES, OpenOrder
from openoutcry.wire.types import Code
from services.gateway.request_map import decode_map
from services.gateway.requests import REQUEST_TYPES
from tools.reference.protocol.__main__ import ROOT, vectors
from tools.reference.protocol.markdown import LINE_MAX, grouped_hex, table, wrapped_json
from tools.reference.protocol.reference import PARTS

TEXT = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")
SECTIONS: dict[str, str] = dict(re.findall(r"^##+ (.+)\n((?:(?!##).*\n)*)", TEXT, re.MULTILINE))
EXAMPLE = re.compile(
    r"^\*\*(?P<name>.+)\*\*: (?P<json_bytes>\d+) bytes of JSON, (?P<msgpack_bytes>\d+) of msgpack\n\n"
    r"```json\n(?P<json>[^`]+)\n```\n\n```text\n(?P<hex>[^`]+)\n```$",
    re.MULTILINE,
)
EXAMPLES = {match["name"]: match for match in EXAMPLE.finditer(TEXT)}
MESSAGES = {vector["name"]: vector for vector in vectors("messages.json")}
REQUESTS = {vector["name"]: vector for vector in vectors("requests.json")}


def rows(section: str) -> list[dict[str, str]]:
    """The table of a section, by column."""
    lines = [line for line in SECTIONS[section].splitlines() if line.startswith("|")]
    columns, _, *found = [[cell.strip(" `") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [dict(zip(columns, cells, strict=True)) for cells in found]


# Fields.


@pytest.mark.parametrize("number", MESSAGE_TYPES)
def test_every_field_of_every_message_stands_at_its_place(number: int) -> None:
    """Who decodes msgpack counts on the position."""
    kind = MESSAGE_TYPES[number]
    name = TYPE_NAMES[kind]
    numbered = [(row["#"], row["field"]) for row in rows(name) if row["#"]]
    assert numbered == [(str(position), field) for position, field in enumerate(kind._fields, 1)]
    assert f"\nType {number}. " in SECTIONS[name]


@pytest.mark.parametrize("op", REQUEST_TYPES)
def test_every_field_of_every_request_stands_with_its_default(op: str) -> None:
    fields = REQUEST_TYPES[op].model_fields
    described = {row["field"]: row["default"] for row in rows(op)}
    assert set(described) == set(fields)
    for name, default in described.items():
        if fields[name].is_required():
            assert default == "required"
        else:
            assert json.loads(default) == fields[name].get_default(call_default_factory=True)


def test_open_orders_stand_as_they_are_packed() -> None:
    assert [(row["#"], row["field"]) for row in rows("open_order")] == [
        (str(position), field) for position, field in enumerate(OpenOrder._fields)
    ]


@pytest.mark.parametrize("section", [*TYPE_NAMES.values(), *PARTS, *REQUEST_TYPES])
def test_every_field_has_a_type_and_a_meaning(section: str) -> None:
    assert rows(section)
    for row in rows(section):
        assert row["type"], row
        assert row["meaning"], row
        assert "None" not in row["meaning"]  # that is Python's word; the wire's is null


def test_every_code_has_a_meaning() -> None:
    refusals = {row["code"].strip('"'): row["meaning"] for row in rows("Refusal codes")}
    assert list(refusals) == list(Code)
    closings = {row["code"]: row for row in rows("Close codes")}
    assert list(closings) == [str(code.value) for code in CloseCode]
    assert all([*refusals.values(), *(row["meaning"] for row in closings.values())])
    for code, row in closings.items():
        assert row["may reconnect"] == ("yes" if may_reconnect(int(code)) else "no")


def test_every_link_within_leads_to_one_heading() -> None:
    headings = [heading.lower().replace(" ", "-") for heading in re.findall(r"^##+ (.+)$", TEXT, re.MULTILINE)]
    assert len(headings) == len(set(headings))
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= set(headings)


# Examples.


def test_every_vector_is_an_example() -> None:
    assert list(EXAMPLES) == [*MESSAGES, *REQUESTS]
    for name, kind in {**MESSAGES, **REQUESTS}.items():
        section = kind["value"].get("type") or kind["value"]["op"]
        assert f"**{name}**" in SECTIONS[section]


@pytest.mark.parametrize("name", [*MESSAGES, *REQUESTS])
def test_examples_are_the_wire_byte_for_byte(name: str) -> None:
    example, text, packed = frames(name)
    vector: dict[str, Any] = {**MESSAGES, **REQUESTS}[name]
    assert (text, packed.hex()) == (vector["json"].encode(), vector["msgpack"])
    assert (len(text), len(packed)) == (int(example["json_bytes"]), int(example["msgpack_bytes"]))
    assert max(map(len, example[0].splitlines())) <= LINE_MAX


@pytest.mark.parametrize("name", MESSAGES)
def test_example_messages_decode_alike_from_both_encodings(name: str) -> None:
    _, text, packed = frames(name)
    [message] = decode_messages(text, Encoding.JSON)
    assert decode_messages(packed, Encoding.MSGPACK) == [message]
    assert TYPE_NAMES[type(message)] == MESSAGES[name]["value"]["type"]


@pytest.mark.parametrize("name", REQUESTS)
def test_example_requests_decode_alike_from_both_encodings(name: str) -> None:
    _, text, packed = frames(name)
    assert decode_map(text, Encoding.JSON) == decode_map(packed, Encoding.MSGPACK) == REQUESTS[name]["value"]


def frames(name: str) -> tuple[re.Match[str], bytes, bytes]:
    """An example, and the two frames that a reader would copy from it."""
    example = EXAMPLES[name]
    text = "".join(line.strip() for line in example["json"].splitlines())
    return example, text.encode(), bytes.fromhex(example["hex"])


# Markdown.


def test_json_is_broken_only_between_its_parts() -> None:
    """A break within a text would change it, and one within a level would part what is read together."""
    text = json.dumps([{"text": 'a,"b",[c], {d} ' * 12, "bids": [[9_998, 25]] * 40}], separators=(",", ":"))
    lines = wrapped_json(text).splitlines()
    assert "".join(line.strip() for line in lines) == text
    assert all(re.search(r"(\]|\"),$", line) for line in lines[:-1])
    assert all(line.startswith(('  "bids"', "  [9998,25]")) for line in lines[1:])


def test_hex_has_groups_of_four_bytes() -> None:
    assert grouped_hex(bytes(range(6))) == "00010203 0405"
    assert [len(line) for line in grouped_hex(bytes(40)).splitlines()] == [71, 17]


def test_bars_in_cells_do_not_end_them() -> None:
    assert table(["a", "b"], [["x|y", ""]]) == "| a | b |\n| --- | --- |\n| x\\|y |  |"

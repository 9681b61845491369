"""The row of docs/numbers.md that speaks of Python's msgpack, and what the gateway writes and takes."""

from __future__ import annotations

from pathlib import Path

import msgpack
import pytest

from openoutcry.wire.codec import Encoding, encode_messages
from openoutcry.wire.messages import Heartbeat
from services.gateway.requests import Ping, decode_request

TIME = 1_796_000_000_000_000
"""µs since 1970: above 2**32, below 2**53."""
UINT32, UINT64, FLOAT64 = 0xCE, 0xCF, 0xCB
DOCUMENT = Path(__file__).parents[4] / "docs" / "numbers.md"


def test_python_s_msgpack_does_what_the_table_says() -> None:
    assert "| msgpack (Python) | int | uint32 | uint64 | nothing |" in DOCUMENT.read_text()
    assert [msgpack.packb(number)[0] for number in (2**31, TIME)] == [UINT32, UINT64]
    assert type(msgpack.unpackb(msgpack.packb(TIME))) is int


def test_the_gateway_writes_a_time_as_an_integer() -> None:
    assert msgpack.packb(TIME) in encode_messages([Heartbeat(TIME, {})], Encoding.MSGPACK)
    assert b":1796000000000000," in encode_messages([Heartbeat(TIME, {})], Encoding.JSON)


@pytest.mark.parametrize(
    "header", [b"\x82", b"\xde\x00\x02", b"\xdf\x00\x00\x00\x02"], ids=["fixmap", "map16, as msgpackr", "map32"]
)
def test_a_request_with_a_time_as_float64_is_taken_whatever_its_map_is_announced_by(header: bytes) -> None:
    payload = header + msgpack.packb("op") + msgpack.packb("ping") + msgpack.packb("id") + msgpack.packb(float(TIME))
    ping = decode_request(payload, Encoding.MSGPACK)
    assert isinstance(ping, Ping)
    assert (ping.id, type(ping.id)) == (TIME, int)

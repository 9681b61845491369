"""Frames that no decent client sends: each is refused or ends its own connection, and nothing else happens."""

from __future__ import annotations

import json
from typing import Final

import msgpack
from websockets.frames import Opcode

from openoutcry.wire.codec import Encoding, encode_request
from openoutcry.wire.messages import Reply
from openoutcry.wire.types import Code
from outcry.conformance.aio.client import Client
from outcry.conformance.aio.registry import check
from outcry.conformance.aio.trial import Trial
from outcry.conformance.expectation import Failed, expect, expect_equal, expect_one_of, expect_refused, shown
from outcry.conformance.hostile_frames import CONTINUATION, header_only, raw_frame
from shared.websocket_frame import BINARY, CLOSE, PING, PONG, TEXT

REFUSED: Final = "Refusals"
CLOSED: Final = "Close codes"
UNDEFINED_DATA: Final = 0x3
UNDEFINED_CONTROL: Final = 0xB
PROTOCOL_ERROR: Final = 1002
INVALID_DATA: Final = 1007


@check(REFUSED)
async def what_is_no_msgpack_is_refused(trial: Trial) -> str:
    """A field is missing, unknown or of the wrong form; `text` names it."""
    wrong = {
        "nothing": b"",
        "the byte that msgpack never uses": b"\xc1",
        "half a map": b"\x82\xa2op",
        "two maps": msgpack.packb({"op": "ping", "id": 1}) * 2,
        "JSON": b'{"op":"ping","id":1}',
        "an array of four billion": b"\xdd\xff\xff\xff\xff",
        "a map of four billion": b"\xdf\xff\xff\xff\xff",
        "a text of four gigabytes": b"\xdb\xff\xff\xff\xff",
        "a text that is no UTF-8": b"\x81\xa2op\xa2\xff\xfe",
        "arrays ten thousand deep": b"\x91" * 10_000,
    }
    client = await trial.connect()
    await _refused(client, wrong)
    return f"{len(wrong)} frames"


@check(REFUSED)
async def what_is_no_json_is_refused(trial: Trial) -> str:
    """A field is missing, unknown or of the wrong form; `text` names it."""
    wrong = {
        "nothing": b"",
        "a word": b"hello",
        "half a map": b'{"op":"ping","id":',
        "two maps": b'{"op":"ping","id":1}{"op":"ping","id":2}',
        "single quotes": b"{'op':'ping','id':1}",
        "arrays ten thousand deep": b"[" * 10_000,
        "a number of ten thousand digits": b'{"op":"ping","id":' + b"9" * 10_000 + b"}",
        "UTF-16": '{"op":"ping","id":1}'.encode("utf-16-le"),
    }
    client = await trial.connect(encoding=Encoding.JSON)
    await _refused(client, wrong)
    return f"{len(wrong)} frames"


@check("Client requests")
async def requests_are_maps(trial: Trial) -> str:
    """A map in both encodings."""
    wrong: tuple[object, ...] = (None, 1, 1.5, "ping", True, [], [{"op": "ping", "id": 1}], {})
    for encoding in Encoding:
        client = await trial.connect(encoding=encoding)
        for value in wrong:
            payload = msgpack.packb(value) if encoding is Encoding.MSGPACK else json.dumps(value).encode()
            await client.send_payload(payload)
            reply = await client.hear(Reply)
            code = Code.UNKNOWN_OP if value == {} else Code.BAD_REQUEST
            _expect_refusal(reply, code, shown(value))
        await client.accepted("ping")
    client = await trial.connect()
    await client.send_payload(msgpack.packb({1: "ping", "id": 1}))
    _expect_refusal(await client.hear(Reply), Code.BAD_REQUEST, "a map with a number for a key")
    return f"{len(wrong) + 1} values"


@check("Refusals")
async def odd_values_break_nothing(trial: Trial) -> None:
    """A refusal does not end the connection."""
    client = await trial.connect(encoding=Encoding.JSON)
    odd = (
        b'{"op":"ping","id":"\\ud800"}',
        b'{"op":"ping","id":NaN}',
        b'{"op":"ping","id":1e400}',
        b'{"op":"ping","id":-0}',
        b'{"op":"ping","id":1,"id":2}',
        b'{"op":"\\u0000","id":3}',
        b'{"op":"subscribe","id":4,"channel":"book","instruments":["\\ud800"]}',
    )
    for number, payload in enumerate(odd):
        await client.send_payload(payload)
        await client.hear(Reply)
        await client.accepted("ping", id=f"after-{number}")


@check("Connection")
async def other_opcode_is_refused(trial: Trial) -> None:
    """`openoutcry.v1.msgpack` | binary | programs."""
    for encoding, opcode in ((Encoding.MSGPACK, TEXT), (Encoding.JSON, BINARY)):
        client = await trial.connect(encoding=encoding)
        await client.wire.send(raw_frame(b'{"op":"ping","id":1}', opcode))
        expect_refused(await client.hear(Reply), Code.BAD_REQUEST)
        await client.accepted("ping")


@check("Connection")
async def fragmented_requests_are_accepted(trial: Trial) -> None:
    """Every frame from the client is **one request**."""
    payload = b'{"op":"ping","id":"in pieces"}'
    client = await trial.connect(encoding=Encoding.JSON)
    await client.wire.send(raw_frame(payload[:5], TEXT, fin=False))
    await client.wire.send(raw_frame(b"between", PING))
    await client.wire.send(raw_frame(b"", CONTINUATION, fin=False))
    await client.wire.send(raw_frame(payload[5:9], CONTINUATION, fin=False))
    await client.wire.send(raw_frame(payload[9:], CONTINUATION))
    reply = await client.reply_to("in pieces")
    expect(reply.ok, f"a request in four fragments was refused: {reply.text}")
    await _hear_pong(client, b"between")


@check("Connection")
async def requests_may_share_a_packet_of_the_network(trial: Trial) -> None:
    """Every frame from the client is **one request**."""
    client = await trial.connect(encoding=Encoding.JSON)
    frames = b"".join(raw_frame(b'{"op":"ping","id":%d}' % number, TEXT) for number in range(20))
    for at in range(0, len(frames), 37):
        await client.wire.send(frames[at : at + 37])
    for number in range(20):
        expect((await client.reply_to(number)).ok, f"request {number} was refused")


@check("Connection")
async def pings_are_answered(trial: Trial) -> None:
    """`GET /v1/stream` with a WebSocket upgrade."""
    client = await trial.connect()
    for payload in (b"", b"x" * 125):
        await client.wire.send(raw_frame(payload, PING))
        await _hear_pong(client, payload)
    await client.wire.send(raw_frame(b"unasked", PONG))
    await client.accepted("ping")


@check(CLOSED)
async def broken_websocket_is_closed(trial: Trial) -> str:
    """1009 for a frame above 256 KiB (16 KiB before login), 1002 for a broken WebSocket."""
    ping = b'{"op":"ping","id":1}'
    broken = {
        "a frame without a mask": raw_frame(ping, TEXT, masked=False),
        "the first reserved bit": raw_frame(ping, TEXT, reserved=4),
        "the second reserved bit": raw_frame(ping, TEXT, reserved=2),
        "the third reserved bit": raw_frame(ping, TEXT, reserved=1),
        "an undefined data opcode": raw_frame(ping, UNDEFINED_DATA),
        "an undefined control opcode": raw_frame(b"", UNDEFINED_CONTROL),
        "a continuation of nothing": raw_frame(ping, CONTINUATION),
        "a new message within another": raw_frame(ping[:5], TEXT, fin=False) + raw_frame(ping[5:], TEXT),
        "a control frame in fragments": raw_frame(b"x", PING, fin=False),
        "a control frame of 126 bytes": raw_frame(b"x" * 126, PING),
        "a close frame of one byte": raw_frame(b"x", CLOSE),
        "a close frame with the code 999": raw_frame((999).to_bytes(2, "big"), CLOSE),
        "a length with its highest bit set": header_only(1 << 63, TEXT),
    }
    for what, data in broken.items():
        client = await trial.connect(encoding=Encoding.JSON)
        await client.wire.send(data)
        ending = await client.ended()
        codes = (1009, PROTOCOL_ERROR) if "length" in what else (PROTOCOL_ERROR,)
        expect_one_of(ending.code, codes, f"close code after {what}")
    return f"{len(broken)} ways"


@check(CLOSED)
async def text_that_is_no_utf8_is_closed(trial: Trial) -> None:
    """1007 for a text that is no UTF-8."""
    whole = raw_frame(b'{"op":"ping","id":"\xff\xfe"}', TEXT)
    pieces = raw_frame(b'{"op":"ping","id":"\xce', TEXT, fin=False) + raw_frame(b'"}', CONTINUATION)
    for encoding, data in ((Encoding.JSON, whole), (Encoding.JSON, pieces), (Encoding.MSGPACK, whole)):
        client = await trial.connect(encoding=encoding)
        await client.wire.send(data)
        expect_equal((await client.ended()).code, INVALID_DATA, "close code after a text that is no UTF-8")


@check("Connection")
async def refused_message_is_refused_whole(trial: Trial) -> None:
    """A message of the other opcode is refused once, with all its fragments."""
    client = await trial.connect()
    ping = encode_request({"op": "ping", "id": "tail"}, Encoding.MSGPACK)
    await client.wire.send(raw_frame(b"", TEXT, fin=False) + raw_frame(ping, CONTINUATION))
    expect_refused(await client.hear(Reply), Code.BAD_REQUEST)
    await client.accepted("ping", id="next")
    refused = [reply for reply in client.heard(Reply) if not reply.ok]
    expect_equal(len(refused), 1, "refusals of one message")
    expect(all(reply.id != "tail" for reply in client.heard(Reply)), "the tail of a refused message was answered")


@check(CLOSED)
async def close_within_a_message_is_answered(trial: Trial) -> None:
    """4003 | heartbeat missed (sent by clients) | reconnect."""
    client = await trial.connect()
    close = raw_frame((4003).to_bytes(2, "big"), CLOSE)
    await client.wire.send(raw_frame(b"\x81", BINARY, fin=False) + close)
    expect_equal((await client.ended()).code, 4003, "close code echoed")


@check(CLOSED)
async def close_is_answered(trial: Trial) -> None:
    """4003 | heartbeat missed (sent by clients) | reconnect."""
    client = await trial.connect()
    await client.wire.send(raw_frame((4003).to_bytes(2, "big") + b"no heartbeat", CLOSE))
    expect_equal((await client.ended()).code, 4003, "close code echoed")


@check("Three questions first")
async def half_a_frame_holds_up_nobody(trial: Trial) -> None:
    """It never delays another."""
    client, other = await trial.connect(), await trial.connect()
    await client.wire.send(header_only(1000, BINARY) + b"x" * 10)
    await other.accepted("ping")
    client.wire.abort()
    await other.accepted("ping")


async def _refused(client: Client, wrong: dict[str, bytes]) -> None:
    for what, payload in wrong.items():
        await client.send_payload(payload)
        reply = await client.hear(Reply)
        _expect_refusal(reply, Code.BAD_REQUEST, what)
        expect_equal(reply.id, None, f"id in the reply to {what}")
    await client.accepted("ping")


def _expect_refusal(reply: Reply, code: Code, what: str) -> None:
    try:
        expect_refused(reply, code)
    except Failed as failure:
        raise Failed(f"{what}: {failure}") from failure


async def _hear_pong(client: Client, payload: bytes) -> None:
    client.waits_for = f"the pong of {payload!r}"
    while all(frame.opcode is not Opcode.PONG or frame.data != payload for frame in client.wire.controls):
        expect(client.wire.ending is None, f"the connection ended before {client.waits_for} came")
        await client.listen()
    client.waits_for = ""

"""Section "Limits": what is just allowed, and what happens beyond it."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.codec import Encoding
from openoutcry.wire.messages import Reply, Welcome
from openoutcry.wire.types import Code
from outcry.conformance.aio.client import Client
from outcry.conformance.aio.registry import check
from outcry.conformance.aio.trial import Trial
from outcry.conformance.expectation import expect, expect_equal, expect_refused
from outcry.conformance.hostile_frames import CONTINUATION, raw_frame
from shared.websocket_frame import BINARY, PING, PONG, TEXT

SECTION: Final = "Limits"
REFUSALS_IN_A_ROW: Final = 200
CONTROLS_MAX: Final = 1_000
"""More than a connection may send, however long they take on their way."""
FRAGMENTS_MAX: Final = 64
MALFORMED: Final = b"{"
"""In both encodings: half a map, and a number."""
FRAME_BYTES_MAX: Final = 256 * 1024


@check(SECTION)
async def largest_request_is_answered(trial: Trial) -> None:
    """Request | 16 KiB | `request_bytes` | `too_large` (above 256 KiB: closed with 1009)."""
    client = await trial.connect(encoding=Encoding.JSON)
    limit = trial.venue.limits.get("request_bytes", 16 * 1024)
    await client.send_payload(b'{"op":"ping","id":1}'.ljust(limit))
    reply = await client.reply_to(1)
    expect(reply.ok, f"a request of {limit} bytes was refused: {reply.text}")
    await client.send_payload(b'{"op":"ping","id":2}'.ljust(limit + 1))
    expect_refused(await client.hear(Reply), Code.TOO_LARGE)


@check(SECTION)
async def large_request_is_refused(trial: Trial) -> None:
    """Request | 16 KiB | `request_bytes` | `too_large` (above 256 KiB: closed with 1009)."""
    for encoding in Encoding:
        client = await trial.connect(encoding=encoding)
        await client.send_request({"op": "ping", "id": 1, "padding": "x" * (200 * 1024)})
        expect_refused(await client.hear(Reply), Code.TOO_LARGE)
        await client.accepted("ping")


@check(SECTION)
async def frame_beyond_all_measure_ends_the_connection(trial: Trial) -> None:
    """Request | 16 KiB | `request_bytes` | `too_large` (above 256 KiB: closed with 1009)."""
    for encoding, opcode in ((Encoding.JSON, TEXT), (Encoding.MSGPACK, BINARY)):
        client = await trial.connect(encoding=encoding)
        await client.wire.send(raw_frame(bytes(FRAME_BYTES_MAX + 1), opcode))
        expect_equal((await client.ended()).code, 1009, "close code")


@check(SECTION, seconds=20)
async def requests_beyond_the_rate_are_refused(trial: Trial) -> str:
    """Requests a user | 20/s, 60 at once | `requests_per_second`, `requests_burst` | `rate_limited`."""
    limits = trial.venue.limits
    burst, rate = limits.get("requests_burst", 60), limits.get("requests_per_second", 20)
    client = await trial.connect()
    allowed, took = await _flood(client, "ping", {}, burst + 3 * rate)
    expect(allowed >= burst, f"{allowed} requests at once were allowed, wanted {burst}")
    most = burst + rate * took + 1
    expect(allowed <= most, f"{allowed} requests were allowed within {took:.2f} s, wanted at most {most:.0f}")
    await client.listen_for(2 / rate)
    await client.accepted("ping")
    return f"{allowed} at once"


@check(SECTION, users=2, seconds=20)
async def orders_beyond_the_rate_are_refused(trial: Trial) -> str:
    """Orders, cancels, replaces a user | 50/s, 200 at once | `orders_per_second`, `orders_burst` | `rate_limited`."""
    limits = trial.venue.limits
    burst, rate = limits.get("orders_burst", 200), limits.get("orders_per_second", 50)
    client, other = await trial.connect(0), await trial.connect(1)
    allowed, took = await _flood(client, "cancel", {"order_id": 2**53 - 1}, burst + 2 * rate)
    expect(allowed >= burst, f"{allowed} orders at once were allowed, wanted {burst}")
    most = burst + rate * took + 1
    expect(allowed <= most, f"{allowed} orders were allowed within {took:.2f} s, wanted at most {most:.0f}")
    await client.accepted("ping")
    expect_refused(await other.ask("cancel", order_id=2**53 - 1), Code.UNKNOWN_ORDER)
    return f"{allowed} at once; other requests and other users have rates of their own"


@check("Refusals", seconds=20)
async def flood_of_requests_ends_the_connection(trial: Trial) -> str:
    """And so do 200 requests in a row beyond the rate (4506)."""
    client = await trial.connect()
    limits = trial.venue.limits
    burst, rate = limits.get("requests_burst", 60), limits.get("requests_per_second", 20)
    # At once, and more than the refusals of four seconds: a server that is slow, or reads in turns, allows one in
    # between, and the row begins anew; then it is the number of refusals that ends it, with the same code.
    await client.send_requests({"op": "ping", "id": number} for number in range(burst + 4 * REFUSALS_IN_A_ROW + rate))
    goodbye, ending = await client.sent_away()
    expect_equal((goodbye.code, ending.code), (CloseCode.RATE, CloseCode.RATE), "codes of goodbye and close")
    refused = [reply for reply in client.heard(Reply) if reply.code == Code.RATE_LIMITED]
    expect(len(refused) >= REFUSALS_IN_A_ROW, f"sent away after {len(refused)} refusals")
    return f"after {len(refused)} refusals"


@check(SECTION)
async def control_frames_beyond_the_rate_end_the_connection(trial: Trial) -> None:
    """Control frames and fragments a connection | 50/s, 200 at once | | closed with 4506."""
    floods = {
        "pings": raw_frame(b"", PING) * CONTROLS_MAX,
        "pongs": raw_frame(b"", PONG) * CONTROLS_MAX,
    }
    for what, data in floods.items():
        client = await trial.connect()
        await client.wire.send(data)
        goodbye, ending = await client.sent_away()
        expect_equal((goodbye.code, ending.code), (CloseCode.RATE, CloseCode.RATE), f"codes after a flood of {what}")


@check(SECTION)
async def fragments_of_a_message_are_bounded(trial: Trial) -> None:
    """Fragments of a message | 64 | | closed with 4506."""
    fragment = raw_frame(b"", CONTINUATION, fin=False)
    client = await trial.connect(encoding=Encoding.JSON)
    request = b'{"op":"ping","id":"in pieces"}'
    whole = raw_frame(request, TEXT, fin=False) + fragment * (FRAGMENTS_MAX - 2)
    await client.wire.send(whole + raw_frame(b"", CONTINUATION))
    expect((await client.reply_to("in pieces")).ok, f"a request in {FRAGMENTS_MAX} fragments was refused")
    await client.wire.send(whole + fragment * 2)
    goodbye, ending = await client.sent_away()
    expect_equal((goodbye.code, ending.code), (CloseCode.RATE, CloseCode.RATE), "codes of goodbye and close")


@check("Close codes")
async def strangers_send_little(trial: Trial) -> None:
    """1009 for a frame above 256 KiB (16 KiB before login), 1002 for a broken WebSocket."""
    client = await trial.stranger(Encoding.JSON)
    await client.wire.send(raw_frame(bytes(16 * 1024 + 1), TEXT))
    expect_equal((await client.ended()).code, 1009, "close code")


@check(SECTION, seconds=20)
async def connections_of_a_user_are_bounded(trial: Trial) -> str:
    """Connections a user | 8 | `connections_per_user` | closed with 4504."""
    limit = trial.venue.limits.get("connections_per_user", 8)
    clients = [await trial.connect() for _ in range(limit)]
    beyond = await trial.admitted()
    goodbye, ending = await beyond.sent_away()
    wanted = CloseCode.TOO_MANY_CONNECTIONS
    expect_equal((goodbye.code, ending.code), (wanted, wanted), "codes of goodbye and close")
    expect(not beyond.heard(Welcome), "welcome came before the goodbye")
    for client in clients:
        await client.accepted("ping")
    await clients[0].wire.shut()
    async with asyncio.timeout(5):
        await trial.connect()
    return f"{limit} are allowed"


@check("Refusals", seconds=20)
async def malformed_requests_in_a_row_end_the_connection(trial: Trial) -> None:
    """Twenty malformed requests in a row do (4502)."""
    for encoding in Encoding:
        client = await trial.connect(encoding=encoding)
        for count in (19, 19):
            for _ in range(count):
                await client.send_payload(MALFORMED)
                expect_refused(await client.hear(Reply), Code.BAD_REQUEST)
            await client.accepted("ping")
        for _ in range(20):
            await client.send_payload(MALFORMED)
        goodbye, ending = await client.sent_away()
        wanted = CloseCode.BAD_REQUEST
        expect_equal((goodbye.code, ending.code), (wanted, wanted), "codes of goodbye and close")


async def _flood(client: Client, op: str, fields: dict[str, Any], count: int) -> tuple[int, float]:
    """Send requests without waiting, and return how many were not beyond the rate, and how long it took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(count):
        await client.send_request({"op": op, "id": f"{op}-{number}", **fields})
    replies = [await client.reply_to(f"{op}-{number}") for number in range(count)]
    took = loop.time() - began
    refused = [reply for reply in replies if reply.code == Code.RATE_LIMITED]
    expect(refused, f"{count} requests within {took:.2f} s were all allowed")
    expect_refused(refused[0], Code.RATE_LIMITED)
    return count - len(refused), took

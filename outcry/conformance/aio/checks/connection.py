"""Section "Connection": the handshake, who it is, and the plain HTTP beside the stream."""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import urlsplit

from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.codec import SUBPROTOCOLS, Encoding
from openoutcry.wire.messages import Reply, Welcome
from openoutcry.wire.types import Code
from outcry.conformance.aio.registry import check
from outcry.conformance.aio.trial import Trial
from outcry.conformance.expectation import expect, expect_equal, expect_ok, expect_one_of, expect_refused
from outcry.conformance.users import endless, forged, mint, subject, unsigned

SECTION: Final = "Connection"
LOGIN_S: Final = 5.0
LOGIN_GRACE_S: Final = 2.5
"""How much later than LOGIN_S a server may notice: it need not have a timer for every connection."""


@check(SECTION)
async def offering_neither_is_refused(trial: Trial) -> str:
    """A client that offers neither is refused with HTTP 400 and a text that names both."""
    for offered in ([], ["openoutcry.v0.msgpack", "chat"]):
        wire = await trial.handshake(offered)
        expect_equal(wire.status, 400, f"HTTP status of a handshake that offers {offered or 'nothing'}")
        assert wire.response is not None
        text = (wire.response.body or b"").decode("utf-8", "replace")
        for name in SUBPROTOCOLS:
            expect(name in text, f"the refusal does not name {name}: {text!r}")
    return "400"


@check(SECTION)
async def subprotocol_chooses_the_encoding(trial: Trial) -> None:
    """The subprotocol chooses the encoding, and is the protocol's major version."""
    for encoding in Encoding:
        client = await trial.admitted(encoding=encoding)
        expect_equal(client.wire.protocol.subprotocol, encoding.value, "the subprotocol that the server took")
        await client.hear(Welcome)


@check(SECTION)
async def offering_both_gets_one(trial: Trial) -> str:
    """The subprotocol chooses the encoding, and is the protocol's major version."""
    headers = {"Authorization": f"Bearer {trial.users[0].token}"}
    wire = await trial.handshake(["unknown.v9", *reversed(SUBPROTOCOLS)], headers)
    expect_equal(wire.status, 101, "HTTP status")
    expect_one_of(wire.protocol.subprotocol, list(SUBPROTOCOLS), "the subprotocol that the server took")
    return str(wire.protocol.subprotocol)


@check(SECTION)
async def compression_is_not_negotiated(trial: Trial) -> None:
    """Extensions are not negotiated."""
    wire = await trial.handshake(["openoutcry.v1.json"], offers_compression=True)
    expect_equal(wire.status, 101, "HTTP status of a handshake that offers permessage-deflate")
    expect_equal(len(wire.protocol.extensions), 0, "extensions that the server took")


@check(SECTION)
async def token_in_the_handshake_names_the_user(trial: Trial) -> None:
    """Once the user is known, `welcome` comes."""
    client = await trial.admitted()
    await client.hear(Welcome)
    first = client.log[0].message
    expect(isinstance(first, Welcome), f"the first message was {type(first).__name__.lower()}, not welcome")
    assert isinstance(first, Welcome)
    expect_equal(first.user, subject(trial.users[0].token), "the user in welcome")


@check(SECTION)
async def wrong_token_in_the_handshake_gets_401(trial: Trial) -> str:
    """A wrong one is answered with HTTP 401."""
    name, valid = trial.users[0]
    until = trial.unix_now() + 3600
    wrong = {
        "no token at all": "nonsense",
        "one without its signature": valid.rpartition(".")[0] + ".",
        "one signed with another key": forged(name, until),
        "one that nobody signed (algorithm none)": unsigned(name, until),
    }
    for what, token in wrong.items():
        wire = await trial.handshake(SUBPROTOCOLS, {"Authorization": f"Bearer {token}"})
        expect_equal(wire.status, 401, f"HTTP status of {what}")
    wire = await trial.handshake(SUBPROTOCOLS, {"Authorization": f"Basic {valid}"})
    expect_equal(wire.status, 401, "HTTP status of a token under another scheme than Bearer")
    return f"{len(wrong) + 1} wrong tokens"


@check(SECTION)
async def refused_handshake_names_the_close_code(trial: Trial) -> str:
    """Its body begins with the close code that `login` would get."""
    name, secret, now = trial.users[0].name, trial.secret(), trial.unix_now()
    wrong = {
        CloseCode.TOKEN_EXPIRED: mint(name, secret, now - 60),
        CloseCode.NOT_AUTHENTICATED: forged(name, now + 3600),
    }
    for code, token in wrong.items():
        wire = await trial.handshake(SUBPROTOCOLS, {"Authorization": f"Bearer {token}"})
        expect_equal(wire.status, 401, "HTTP status")
        assert wire.response is not None
        text = (wire.response.body or b"").decode("utf-8", "replace")
        expect(text.startswith(str(int(code))), f"the body does not begin with {int(code)}: {text!r}")
    return "4505 and 4500"


@check(SECTION)
async def token_needs_a_user_and_an_end(trial: Trial) -> str:
    """With the user in `sub` (1 to 64 letters, digits and `. _ @ + -`) and an `exp`."""
    secret, until = trial.secret(), trial.unix_now() + 3600
    wrong = {
        "an expired token": mint("ada", secret, trial.unix_now() - 60),
        "a token without exp": endless("ada", secret),
        "an empty user": mint("", secret, until),
        "a user of 65 letters": mint("a" * 65, secret, until),
        "a user with a space": mint("ada lovelace", secret, until),
        "a user with a line feed": mint("ada\n", secret, until),
    }
    for what, token in wrong.items():
        wire = await trial.handshake(SUBPROTOCOLS, {"Authorization": f"Bearer {token}"})
        expect_equal(wire.status, 401, f"HTTP status of {what}")
    for name in ("a" * 64, "Ada.L_0@x+y-z"):
        wire = await trial.handshake(SUBPROTOCOLS, {"Authorization": f"Bearer {mint(name, secret, until)}"})
        expect_equal(wire.status, 101, f"HTTP status of the user {name!r}")
    return f"{len(wrong)} wrong, 2 right"


@check(SECTION)
async def login_in_the_stream(trial: Trial) -> None:
    """Browsers, which cannot set that header, send `login` as their first request, within 5 s."""
    for encoding in Encoding:
        client = await trial.stranger(encoding)
        reply = await client.ask("login", token=trial.users[0].token)
        expect_ok(reply)
        welcome = await client.hear(Welcome)
        expect_equal(welcome.user, trial.users[0].name, "the user in welcome")
        first = client.log[0].message
        expect(isinstance(first, Reply), f"the first message was {type(first).__name__.lower()}, not the reply")


@check(SECTION, seconds=LOGIN_S + LOGIN_GRACE_S + 5)
async def login_must_come_in_time(trial: Trial) -> str:
    """Browsers, which cannot set that header, send `login` as their first request, within 5 s."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    client = await trial.stranger()
    goodbye, ending = await client.sent_away()
    took = loop.time() - began
    expect_equal(goodbye.code, CloseCode.NOT_AUTHENTICATED, "code of the goodbye")
    expect_equal(ending.code, CloseCode.NOT_AUTHENTICATED, "close code")
    limit = LOGIN_S + LOGIN_GRACE_S
    expect(LOGIN_S - 0.2 <= took <= limit, f"closed after {took:.1f} s, wanted {LOGIN_S:g} to {limit:g} s")
    return f"closed after {took:.1f} s"


@check(SECTION)
async def every_frame_is_a_packet(trial: Trial) -> str:
    """A frame's payload is an array of messages."""
    client = await trial.connect(encoding=Encoding.JSON)
    await client.accepted("subscribe", channel="book", instruments=["*"])
    await client.accepted("subscribe", channel="ticker", instruments=["*"])
    await client.accepted("ping")  # the client refuses any frame that is no packet
    return f"{client.log[-1].frame} frames, {len(client.log)} messages"


@check(SECTION)
async def plain_http_stands_beside_the_stream(trial: Trial) -> None:
    """Beside the stream, plain HTTP."""
    for path in ("/healthz", "/readyz", "/metrics"):
        status, body = await _get(trial.venue.urls[0], path)
        expect_equal(status, 200, f"HTTP status of {path}")
        expect(body, f"{path} has no body")


@check("Refusals")
async def failed_login_ends_the_connection(trial: Trial) -> None:
    """But for a refused first `login` (4500, 4501, 4505)."""
    client = await trial.stranger()
    reply = await client.ask("login", token=forged(trial.users[0].name, trial.unix_now() + 3600))
    expect_refused(reply, Code.NOT_AUTHENTICATED)
    goodbye, ending = await client.sent_away()
    expect_equal(goodbye.code, CloseCode.NOT_AUTHENTICATED, "code of the goodbye")
    expect_equal(ending.code, CloseCode.NOT_AUTHENTICATED, "close code")


@check("Refusals")
async def login_with_an_expired_token_ends_the_connection(trial: Trial) -> None:
    """But for a refused first `login` (4500, 4501, 4505)."""
    expired = mint(trial.users[0].name, trial.secret(), trial.unix_now() - 60)
    client = await trial.stranger()
    reply = await client.ask("login", token=expired)
    expect_refused(reply, Code.NOT_AUTHENTICATED)
    goodbye, ending = await client.sent_away()
    expect_equal(goodbye.code, CloseCode.TOKEN_EXPIRED, "code of the goodbye")
    expect_equal(ending.code, CloseCode.TOKEN_EXPIRED, "close code")


@check("Refusals")
async def requests_before_login_are_refused(trial: Trial) -> None:
    """Login is missing or its token wrong."""
    client = await trial.stranger()
    for op, fields in (("ping", {}), ("subscribe", {"channel": "book"}), ("cancel_all", {})):
        expect_refused(await client.ask(op, **fields), Code.NOT_AUTHENTICATED)
    expect_ok(await client.ask("login", token=trial.users[0].token))
    await client.hear(Welcome)


async def _get(url: str, path: str) -> tuple[int, bytes]:
    parts = urlsplit(url)
    tls = parts.scheme == "wss"
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or (443 if tls else 80), ssl=tls or None)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
    finally:
        writer.transport.abort()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), body

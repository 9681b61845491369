"""An identity provider's keys on a real socket: rotation, failures, and what users hear meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from websockets.exceptions import InvalidStatus

from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.messages import Goodbye, Reply, Welcome
from openoutcry.wire.request_limits import TOKEN_LETTERS_MAX
from services.gateway.aio.token_check import check_token
from shared.aio import key_source
from shared.aio.key_source import KeySource
from shared.key_ring import KeyRing, KeysAwaited
from shared.token_keys import JWKS_BYTES_MAX
from tests.integration.gateway_house import StoredExchange, gateway_on, until, user_of

KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = ECAlgorithm.to_jwk(KEY.public_key(), as_dict=True)


def key_set(*kids: str) -> bytes:
    return json.dumps({"keys": [PUBLIC | {"kid": kid} for kid in kids]}).encode()


def token(kid: str, seconds: float = 60, **claims: Any) -> str:
    body = {"sub": "ann", "exp": int(time.time() + seconds), **claims}
    return jwt.encode(body, KEY, algorithm="ES256", headers={"kid": kid})


class Provider:
    """An HTTP server that answers any request with what it is told to."""

    def __init__(self) -> None:
        self.body = key_set("old")
        self.head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
        self.requests = 0
        self.hangs = False
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.requests += 1
        if not self.hangs:
            writer.write(self.head + self.body)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
            if self.hangs:
                await reader.read()
        writer.close()


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/keys"
    yield made
    server.close()


@contextlib.asynccontextmanager
async def source_of(place: str) -> AsyncIterator[tuple[KeySource, KeyRing, list[bool]]]:
    ring, loads = KeyRing(None), list[bool]()
    source = KeySource(place, ring, loads.append)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(source.run())
        await until(lambda: bool(loads))
        yield source, ring, loads
        running.cancel()


def chunked(body: bytes) -> bytes:
    half = len(body) // 2
    parts = (body[:half], body[half:], b"")
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)


@pytest.mark.parametrize("form", ["until the end", "with a length", "in chunks", "HTTP/1.0"])
async def test_keys_come_however_the_answer_is_framed(provider: Provider, form: str) -> None:
    if form == "with a length":
        provider.head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(provider.body)
    elif form == "in chunks":
        provider.head, provider.body = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunked(provider.body)
    elif form == "HTTP/1.0":
        provider.head = b"HTTP/1.0 200 OK\r\n\r\n"
    async with source_of(provider.url) as (_, ring, _):
        assert ring.held().named("old", "ES256") is not None


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n",
        b"HTTP/1.1 500 No\r\n\r\n" + key_set("old"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (JWKS_BYTES_MAX + 70_000),
        b"HTTP/1.1 200 OK\r\n\r\n{}",
        b"nonsense\r\n\r\n",
        b"",
    ],
)
async def test_an_answer_that_is_none_keeps_the_last_good_keys(provider: Provider, answer: bytes) -> None:
    async with source_of(provider.url) as (source, ring, _):
        provider.head, provider.body = b"", answer
        assert not await source._load()
        assert ring.held().named("old", "ES256") is not None


async def test_a_provider_that_never_answers_is_given_up(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_source, "FETCH_S", 0.1)
    provider.hangs = True
    async with source_of(provider.url) as (_, ring, loads):
        assert loads == [False]
        with pytest.raises(KeysAwaited):
            ring.held()


@pytest.fixture
async def exchange(redis_url: str) -> AsyncIterator[StoredExchange]:
    stored = StoredExchange(redis_url, "ACME")
    await stored.publish(bids=[(100, 5)])
    await stored.store_snapshots()
    yield stored
    await stored.redis.aclose()


def rewinds(ring: KeyRing) -> Callable[[], None]:
    """Let the next load be due: as if 30 s had passed."""

    def rewind() -> None:
        ring._early_at = float("-inf")

    return rewind


@pytest.mark.usefixtures("exchange")
async def test_a_new_key_reaches_who_comes_with_it(redis_url: str, provider: Provider, tmp_path: Path) -> None:
    """By handshake 503, which clients take as a reason to wait; by login a moment's wait; made-up names 401."""
    settings = {"jwks": provider.url, "token_audience": "market", "token_issuer": "idp"}
    ours = {"aud": ["market"], "iss": "idp"}
    async with gateway_on(redis_url, tmp_path, **settings) as server:
        ring = server.gateway._authenticator.ring
        await until(lambda: server.gateway.has_keys)
        async with user_of(server, token=token("old", **ours)) as ann:
            assert (await ann.hear(Welcome)).user == "ann"
        provider.body = key_set("new")
        with pytest.raises(InvalidStatus) as refused:
            async with user_of(server, token=token("new", **ours)):
                raise AssertionError
        assert refused.value.response.status_code == 503
        assert refused.value.response.headers["Retry-After"] == "2"
        rewinds(ring)()
        await until(lambda: provider.requests == 2)
        async with user_of(server, token=token("new", **ours)) as ann:
            assert (await ann.hear(Welcome)).user == "ann"
        async with user_of(server, token="") as late:
            await late.ask(op="login", token=token("newest", **ours))
            provider.body = key_set("newest")
            rewinds(ring)()
            assert (await late.hear(Reply)).ok
            await late.hear(Welcome)
        padded = token("newest", **ours, x="a" * 5780)
        assert 7_900 < len(padded) <= TOKEN_LETTERS_MAX
        async with user_of(server, token=padded) as ann:  # as long as a token may be, in a header's line
            await ann.hear(Welcome)
        for wrong in (token("newest"), token("newest", **ours | {"iss": "x"}), token("newest", -60, **ours)):
            with pytest.raises(InvalidStatus) as refused:
                async with user_of(server, token=wrong):
                    raise AssertionError
            assert refused.value.response.status_code == 401
        assert refused.value.response.body.startswith(b"4505 ")
        assert provider.requests == 3


@pytest.mark.usefixtures("exchange")
async def test_without_any_keys_nobody_is_refused_for_good(redis_url: str, tmp_path: Path) -> None:
    async with gateway_on(redis_url, tmp_path, jwks=str(tmp_path / "later.json")) as server:
        with pytest.raises(InvalidStatus) as refused:
            async with user_of(server, token=token("old")):
                raise AssertionError
        assert refused.value.response.status_code == 503
        (tmp_path / "later.json").write_bytes(key_set("old"))
        rewinds(server.gateway._authenticator.ring)()
        server.gateway._authenticator.ring._due_at = 0.0
        await until(lambda: server.gateway.has_keys)
        async with user_of(server, token=token("old")) as ann:
            await ann.hear(Welcome)


@pytest.mark.usefixtures("exchange")
async def test_a_session_ends_at_exp_on_a_real_socket(redis_url: str, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_bytes(key_set("old"))
    async with gateway_on(redis_url, tmp_path, jwks=str(tmp_path / "keys.json")) as server:
        await until(lambda: server.gateway.has_keys)
        exp = int(time.time()) + 2
        async with user_of(server, token=token("old", exp=exp)) as ann:
            await ann.hear(Welcome)
            assert (await ann.hear(Goodbye)).code == CloseCode.TOKEN_EXPIRED
            assert 0 <= time.time() - exp < 0.5
            await ann.socket.wait_closed()
            assert ann.socket.close_code == CloseCode.TOKEN_EXPIRED


async def test_a_token_is_checked_with_a_providers_keys(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `outcry token check` says; a provider that does not answer is said so, and nothing else is left out."""
    monkeypatch.setattr(key_source, "FETCH_S", 0.5)
    given = {"jwks": provider.url, "token_audience": "market"}
    assert not (await check_token(token("old", aud="market"), time.time(), given)).problems
    assert "kid: " in (await check_token(token("new", aud="market"), time.time(), given)).problems[0]
    provider.hangs = True
    found = await check_token(token("old"), time.time(), given)
    assert found.problems == [
        "aud: must be market",
        "signature: not checked, there are no keys to check it with: no whole answer within 0.5 s",
    ]

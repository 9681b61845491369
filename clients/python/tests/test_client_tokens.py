"""Where the Python client's tokens come from, and what it does when none comes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from openoutcry import ConfigurationError, Disconnected, connect
from openoutcry.aio import link as link_module
from openoutcry.aio.token_source import TokenFailed, TokenSource
from openoutcry.testing import ScriptedMarket, ScriptedServer
from openoutcry.wire.close_codes import CloseCode
from test_client import Eager, until

MARK = "eyJ-a-marked-secret"


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer(ScriptedMarket()) as running:
        yield running


async def test_a_function_is_asked_for_each_connection(server: ScriptedServer) -> None:
    names = iter(["ada", "bob"])
    async with connect(server.url, lambda: next(names), random=Eager()) as market:
        assert market.user == "ada"
        server.drop_clients()
        await until(lambda: server.connections == 2 and market.user == "bob")


async def test_an_async_function_too(server: ScriptedServer) -> None:
    async def token() -> str:
        await asyncio.sleep(0)
        return "ada\n"

    async with connect(server.url, token) as market:
        assert market.user == "ada"


async def test_a_call_that_fails_is_one_failed_attempt(server: ScriptedServer) -> None:
    """Raised, cancelled, of another type, no token at all, or too slow: the next attempt asks again."""
    calls = 0

    async def token() -> str:
        nonlocal calls
        calls += 1
        match calls:
            case 1:
                raise KeyError(MARK)
            case 2:
                raise asyncio.CancelledError
            case 3:
                return 7  # type: ignore[return-value]
            case 4:
                return "two words"
            case _:
                return "ada"

    async with connect(server.url, token, random=Eager()) as market:
        assert market.user == "ada"
        assert market.link.attempts == 5
    assert calls == 5
    assert server.connections == 1


async def test_a_function_that_never_settles_is_given_up() -> None:
    async def never() -> str:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(TokenFailed, match=r"none within 0\.05 s"):
        await TokenSource(never, timeout_s=0.05).next()


async def test_who_waits_for_a_slow_function_hears_that_it_is_the_function(server: ScriptedServer) -> None:
    async def slow() -> str:
        await asyncio.sleep(60)
        raise AssertionError

    with pytest.raises(Disconnected, match=r"no gateway within 0\.1 s; the token function has given none yet"):
        async with connect(server.url, slow, timeout_s=0.1):
            raise AssertionError


async def test_slow_failures_back_off_as_fast_ones_do(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt that took longer than a steady connection lives was taken for one: the wait never grew."""
    monkeypatch.setattr(link_module, "STEADY_S", 0.0)
    bounds: list[float] = []

    class Watched(Eager):
        def uniform(self, a: float, b: float) -> float:
            bounds.append(b)
            return 0.0

    async def token() -> str:
        if len(bounds) < 4:
            raise TimeoutError
        return "ada"

    async with connect(server.url, token, random=Watched()):
        assert bounds == [bounds[0] * 2**turn for turn in range(4)]


async def test_what_a_function_raises_is_not_repeated(server: ScriptedServer) -> None:
    def token() -> str:
        raise RuntimeError(f"POST https://idp/token?secret={MARK}")

    with pytest.raises(Disconnected, match="the token function raised RuntimeError") as caught:
        async with connect(server.url, token, timeout_s=0.3, random=Eager()):
            raise AssertionError
    assert MARK not in str(caught.value)


async def test_a_refused_token_is_followed_by_one_other(server: ScriptedServer) -> None:
    server.http_status = 401
    server.http_text = "4505 token: expired; get a new one\n"
    calls = 0

    def token() -> str:
        nonlocal calls
        calls += 1
        return f"token-{calls}"

    with pytest.raises(Disconnected) as caught:
        async with connect(server.url, token, random=Eager()):
            raise AssertionError
    assert calls == 2
    assert caught.value.code == CloseCode.TOKEN_EXPIRED


async def test_a_session_that_ends_with_its_token_is_followed_by_one_with_a_new_one(server: ScriptedServer) -> None:
    async with connect(server.url, lambda: "ada", random=Eager()) as market:
        for connections in (2, 3):
            await server.goodbye(CloseCode.TOKEN_EXPIRED, "the token has ended", 0)
            await until(lambda: server.connections == connections and len(server.clients) == 1)  # noqa: B023
            await until(lambda: market.session.welcome.session == f"scripted-{connections}")  # noqa: B023


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("4505 token: expired; get a new one\n", 4505),
        ("4500 token: the signature is wrong\n", 4500),
        ("no\n", 4500),
    ],
)
async def test_an_expired_token_has_one_code_however_it_is_refused(
    server: ScriptedServer, text: str, code: int
) -> None:
    """By `login` it was 4505 and by handshake 4500."""
    server.http_status, server.http_text = 401, text
    with pytest.raises(Disconnected) as caught:
        async with connect(server.url, "ada"):
            raise AssertionError
    assert caught.value.code == code


@pytest.mark.parametrize("token", [f"{MARK}\n{MARK}", f"{MARK} {MARK}", f"Bearer {MARK}", "", None, f"{MARK}\x00"])
async def test_what_is_no_token_is_refused_at_once(server: ScriptedServer, token: str) -> None:
    """A line end cost ten seconds of silence, then an error that printed the whole token."""
    with pytest.raises(ConfigurationError, match="token: ") as refused:
        connect(server.url, token)
    assert MARK not in str(refused.value)
    assert not server.connections


async def test_a_tokens_line_end_is_left_out(server: ScriptedServer, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("ada\n")
    async with connect(server.url, (tmp_path / "token").read_text()) as market:
        assert market.user == "ada"


async def test_no_log_shows_a_token(server: ScriptedServer, caplog: pytest.LogCaptureFixture) -> None:
    """At DEBUG the WebSocket library logs every header of the handshake."""
    caplog.set_level(logging.DEBUG)
    async with connect(server.url, MARK):
        pass
    assert link_module._SILENT.level == logging.INFO
    shown = [record.getMessage() for record in caplog.records if not record.name.startswith("websockets.server")]
    assert not [line for line in shown if MARK in line]


@pytest.mark.parametrize("url", [f"ws://ada:{MARK}@127.0.0.1:1/v1/stream", f"http://ada:{MARK}@127.0.0.1:1/"])
async def test_a_url_with_a_password_is_refused_without_it(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        connect(url, "ada")
    assert MARK not in str(refused.value)

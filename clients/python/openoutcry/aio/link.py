"""The link to the exchange: one connection at a time, to any of its gateways, for as long as the owner wants it.

Owns sockets and waiting. The feed session decides everything that is sent. A connection that ends is followed by
another after a random part of a doubling bound, or when the server asked us to return. After a close code from 4500 on
the link gives up, because it would be refused again.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import ipaddress
import logging
import math
import re
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from os import PathLike, fspath
from random import Random
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidProxy, InvalidStatus, InvalidURI, WebSocketException
from websockets.http11 import USER_AGENT
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from openoutcry.aio.token_source import Token, TokenFailed, TokenSource
from openoutcry.errors import Disconnected
from openoutcry.events import CloseRequired, Connected, Event, GoodbyeReceived
from openoutcry.feed_session import FeedSession
from openoutcry.wire.backoff import Backoff
from openoutcry.wire.close_codes import CloseCode, close_reason, may_reconnect
from openoutcry.wire.codec import Encoding
from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.messages import Goodbye
from openoutcry.wire.redacted_url import redacted

OPEN_S: Final = 5.0
"""Time for TCP, TLS and handshake of one attempt."""
SEND_S: Final = 5.0
"""Time for a frame to leave; a server that reads nothing for so long is left."""
CLOSE_S: Final = 1.0
"""Time for the closing handshake."""
GRACE_S: Final = 0.1
"""Later than so long after a deadline it was us who slept: then so long is read what came meanwhile, once."""
STEADY_S: Final = 1.0
"""A connection that lived so long was a success: the next attempt's wait begins at the shortest bound."""
MESSAGE_BYTES_MAX: Final = 64 * 1024 * 1024
"""Longest frame accepted: a snapshot of every whole book."""
FRAMES_BUFFERED_MAX: Final = 64
"""Frames read ahead; beyond it TCP holds the server back, which then skips us and sends fresh state later."""
RETRIED_STATUSES: Final = (408, 425, 429)
"""HTTP answers below 500 after which another attempt makes sense; no other does, a redirection neither."""
RETURN_S_MAX: Final = 600.0
"""Longest slot that a goodbye can give us."""
HTTP_TEXT_BYTES_MAX: Final = 100
"""Of the text of a refused handshake, as it is repeated in an error."""
NO_CODE: Final = 1006
"""WebSocket's code for a connection that ended without a closing handshake."""


TOKEN_CODES: Final = (CloseCode.NOT_AUTHENTICATED, CloseCode.TOKEN_EXPIRED)
"""After these another token may be taken."""
_SPACE: Final = re.compile(r"[\x00-\x20\x7f]")
_CLOSE_CODE: Final = re.compile(r"(45\d\d)\b")
_SILENT: Final = logging.getLogger("openoutcry.websocket")
_SILENT.setLevel(logging.INFO)  # at DEBUG the library logs the handshake's headers, the token among them


class Ending(NamedTuple):
    """How a connection, or an attempt at one, ended."""

    code: int
    reason: str


class Link:
    """
    Keeps a feed session connected.

    Args:
        urls: `ws://` or `wss://` addresses of equal gateways; one is chosen at random each time.
        token: JWT for the handshake, or a function that gets one for each.
        session: Decides what is said.
        on_event: Called with each of the session's events, in order; must not raise.
        random: Source of jitter and choice.
        ca_file: PEM file of the authorities that `wss://` servers' certificates are believed from; None: the machine's.

    Raises:
        ConfigurationError: If there is no URL, or one that is none, or the token is none, or the file holds none.
    """

    def __init__(
        self,
        urls: Sequence[str],
        token: Token,
        session: FeedSession,
        on_event: Callable[[Event], None],
        random: Random,
        ca_file: str | PathLike[str] | None = None,
    ) -> None:
        try:
            given = list(urls)
        except TypeError:  # it is nothing to go through
            given = []
        self._urls = [_checked(url) for url in given]
        if not self._urls:
            raise ConfigurationError("connect needs at least one URL, such as ws://127.0.0.1:8101/v1/stream")
        self._tls = None if ca_file is None else _trusting(ca_file)
        self._tokens = TokenSource(token)
        self._refused_tokens = 0
        """In a row: another one changes something, two refused ones do not."""
        self._session = session
        self._on_event = on_event
        self._random = random
        self._socket: ClientConnection | None = None
        self._open_since = math.inf
        """When the present connection was opened, or the last attempt's, monotonic seconds; infinite if it was not."""
        self._url = ""
        self._goodbye: Goodbye | None = None
        """The present connection's, or the last one's."""
        self._returns_at = 0.0
        """When that goodbye's slot begins, monotonic seconds; 0 if it gave none."""
        self._late_for: float | None = None
        """The deadline that was last noticed too late, and …"""
        self._judged_at = 0.0
        """… until when what came meanwhile is read, monotonic seconds."""
        self.attempts = 0
        """Connections tried."""
        self.last_ending = Ending(NO_CODE, "no attempt yet")

    async def run(self) -> Disconnected:
        """Connect, listen, connect again; return why no further attempt makes sense."""
        backoff = Backoff(self._random)
        while True:
            ending = self.last_ending = self._told(await self._attempt())
            if not may_reconnect(ending.code) and not self._may_try_another_token(ending):
                return Disconnected(*ending)
            is_steady = time.monotonic() - self._open_since >= STEADY_S
            if is_steady:
                backoff.reset()
            await asyncio.sleep(self._wait_s(backoff, is_steady=is_steady))

    async def flush(self) -> None:
        """Send what the session has to say; without a connection the session has dropped it already."""
        frames = self._session.frames_to_send()
        socket = self._socket
        if not frames or socket is None:
            return
        try:
            async with asyncio.timeout(SEND_S):
                for frame in frames:
                    await socket.send(frame, text=self._session.encoding is Encoding.JSON)
        except TimeoutError:
            socket.transport.abort()
        except ConnectionClosed:
            return  # the reader notices too, and the session then says what was lost

    def deliver(self) -> CloseRequired | None:
        """Pass the session's events on; return the one that asks to close this connection."""
        required: CloseRequired | None = None
        for event in self._session.events():
            if isinstance(event, GoodbyeReceived):
                self._note_goodbye(event.goodbye)
            elif isinstance(event, CloseRequired):
                required = event
            elif isinstance(event, Connected):
                self._refused_tokens = 0
            self._on_event(event)
        return required

    # -- one connection ---------------------------------------------------------------------------------------------

    async def _attempt(self) -> Ending:
        self._url = self._choose_url()
        self.attempts += 1
        self._goodbye, self._returns_at = None, 0.0
        self._open_since = math.inf
        try:
            async with self._connecting(await self._next_token()) as socket:
                return await self._converse(socket)
        except TokenFailed as error:
            return Ending(NO_CODE, str(error))
        except InvalidStatus as error:
            return _refused_ending(error)
        except InvalidProxy as error:
            return Ending(NO_CODE, f"{self._url}: the environment names a proxy that is none: {error.msg}")
        except (OSError, WebSocketException, TimeoutError, ImportError) as error:  # ImportError: for a SOCKS proxy
            return Ending(NO_CODE, f"{self._url}: {str(error) or type(error).__name__}")

    async def _next_token(self) -> str:
        if self._tokens.is_renewable:
            self.last_ending = Ending(NO_CODE, "the token function has given none yet")
        return await self._tokens.next()

    def _connecting(self, token: str) -> connect:
        tls: dict[str, Any] = {}  # the library takes it for wss:// alone
        if self._tls is not None and self._url.startswith("wss://"):
            tls["ssl"] = self._tls
        return _Dial(
            self._url,
            subprotocols=[Subprotocol(self._session.encoding.value)],
            compression=None,
            additional_headers={"Authorization": f"Bearer {token}"},
            proxy=_proxy(self._url),
            open_timeout=OPEN_S,
            close_timeout=CLOSE_S,
            user_agent_header=_program(),
            ping_interval=None,  # heartbeats do this, and at the level that matters
            max_size=MESSAGE_BYTES_MAX,
            max_queue=FRAMES_BUFFERED_MAX,
            logger=_SILENT,
            **tls,
        )

    async def _converse(self, socket: ClientConnection) -> Ending:
        if socket.subprotocol != self._session.encoding.value:
            return Ending(CloseCode.VERSION, f"{self._url} does not speak {self._session.encoding.value}")
        self._open_since = time.monotonic()
        self._session.connected(self._open_since)
        self._socket = socket
        ending = Ending(1001, "left by its owner")
        try:
            ending = await self._listen(socket)
        finally:
            self._socket = None
            self._session.disconnected(*ending)
            self.deliver()
        return ending

    async def _listen(self, socket: ClientConnection) -> Ending:
        while True:
            try:
                frame = await self._next_frame(socket)
            except ConnectionClosed as closed:
                return _ending(closed)
            now = time.monotonic()
            if frame is None:
                self._session.on_deadline(now)
            else:
                self._session.receive(frame, now)
            required = self.deliver()
            if required is not None:
                sent_away = socket.protocol.close_rcvd  # by a server that then left its end of the cable open
                await socket.close(required.code, close_reason(required.reason))
                return Ending(sent_away.code, sent_away.reason) if sent_away else Ending(NO_CODE, required.reason)
            await self.flush()

    async def _next_frame(self, socket: ClientConnection) -> bytes | None:
        """Return the next frame, or None when the session's deadline has come and what came before it is read."""
        deadline = self._session.next_deadline()
        while True:
            until = self._judgement(deadline)
            frame = await _receive(socket, until)
            if frame is not None or until == self._judgement(deadline):
                return frame

    def _judgement(self, deadline: float | None) -> float | None:
        """
        Return until when to read before a deadline is acted on.

        Whoever comes late to it reads once what came meanwhile: it was not the server who was silent. Once, because a
        program all of whose turns are late would else never notice that the server is.
        """
        now = time.monotonic()
        if deadline is None or now - deadline <= GRACE_S:
            return deadline
        if deadline != self._late_for:
            self._late_for, self._judged_at = deadline, now + GRACE_S
        return self._judged_at

    # -- where and when ---------------------------------------------------------------------------------------------

    def _choose_url(self) -> str:
        """Any of the gateways, but not twice the same if there are others."""
        others = [url for url in self._urls if url != self._url]
        return self._random.choice(others or self._urls)

    def _may_try_another_token(self, ending: Ending) -> bool:
        if ending.code not in TOKEN_CODES or not self._tokens.is_renewable:
            return False
        self._refused_tokens += 1
        return self._refused_tokens <= 1

    def _wait_s(self, backoff: Backoff, *, is_steady: bool) -> float:
        """
        A goodbye's slot; without one, which is what 0 says too, full jitter keeps all from returning at once.

        Who is sent away again and again, as soon as it has come, backs off behind ever so near a slot too.
        """
        slot_s = max(0.0, self._returns_at - time.monotonic())
        return slot_s if self._returns_at and is_steady else max(slot_s, backoff.next_delay())

    def _note_goodbye(self, goodbye: Goodbye) -> None:
        self._goodbye = goodbye
        slot_ms = min(goodbye.reconnect_in_ms, RETURN_S_MAX * 1000)
        self._returns_at = time.monotonic() + slot_ms / 1000 if slot_ms else 0.0

    def _told(self, ending: Ending) -> Ending:
        """Prefer what a goodbye said: the close frame behind it may be lost."""
        return ending if self._goodbye is None else Ending(self._goodbye.code, self._goodbye.text)


class _Dial(connect):
    """Connects to the given address and follows no redirect: a gateway sends none; others must not get the token."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Take a redirection for what it is here, a refused handshake."""
        return exc


async def _receive(socket: ClientConnection, deadline: float | None) -> bytes | None:
    timeout_s = None if deadline is None else max(0.0, deadline - time.monotonic())
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            return await socket.recv(decode=False)
    return None


def _ending(closed: ConnectionClosed) -> Ending:
    if closed.rcvd is None:
        return Ending(NO_CODE, str(closed))
    return Ending(closed.rcvd.code, closed.rcvd.reason)


def _refused_ending(error: InvalidStatus) -> Ending:
    status = error.response.status_code
    text = bytes(error.response.body or b"")[:HTTP_TEXT_BYTES_MAX].decode(errors="replace").strip()
    reason = f"HTTP {status}: {text}"
    if status == 401:
        # Its body begins with the close code that a login would get.
        named = _CLOSE_CODE.match(text)
        return Ending(int(named[1]) if named else CloseCode.NOT_AUTHENTICATED, reason)
    if status == 403:
        return Ending(CloseCode.FORBIDDEN, reason)
    if status < 500 and status not in RETRIED_STATUSES:
        return Ending(CloseCode.BAD_REQUEST, reason)
    return Ending(NO_CODE, reason)


def _proxy(url: str) -> Literal[True] | None:
    """Use the environment's proxy, but not for this machine."""
    host = urlsplit(url).hostname or ""
    try:
        is_local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = host == "localhost"
    return None if is_local else True


def _checked(url: str) -> str:
    if not isinstance(url, str):
        raise ConfigurationError(f"a gateway's URL is a text such as ws://127.0.0.1:8101/v1/stream, not {type(url)}")
    if _SPACE.search(url):
        raise ConfigurationError(f"{redacted(url)!r}: a gateway's URL has no white space and no control characters")
    try:
        parsed = parse_uri(url)
        parsed.host.encode("idna")  # as it will be looked up
    except (InvalidURI, ValueError) as error:
        why = error.msg if isinstance(error, InvalidURI) else str(error)
        raise ConfigurationError(
            f"{redacted(url)} isn't a valid URI: {why}; a gateway's URL looks like ws://127.0.0.1:8101/v1/stream"
        ) from None
    if parsed.user_info is not None:
        raise ConfigurationError(f"{redacted(url)}: must hold no user and no password; the token says who you are")
    return url


def _program() -> str:
    """Return what we call ourselves in the handshake, for the gateway's operators."""
    try:
        return f"openoutcry/{importlib.metadata.version('openoutcry')} {USER_AGENT}"
    except importlib.metadata.PackageNotFoundError:  # run from a copy that was not installed
        return f"openoutcry {USER_AGENT}"


def _trusting(ca_file: str | PathLike[str]) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=fspath(ca_file))
    except ssl.SSLError:
        raise ConfigurationError(f"ca_file: {fspath(ca_file)} holds no certificate in PEM") from None
    except OSError as error:
        raise ConfigurationError(f"ca_file: {fspath(ca_file)}: {error.strerror}") from None
    except TypeError:
        raise ConfigurationError(f"ca_file must be a path, not {type(ca_file).__name__}") from None

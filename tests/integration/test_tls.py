"""TLS that the gateway ends itself: real sockets, certificates of the occasion, a proxy's header before it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple, Self

import pytest
import structlog
from structlog.testing import CapturingLoggerFactory

from openoutcry import connect
from openoutcry.errors import Disconnected
from openoutcry.wire.errors import ConfigurationError
from services.gateway.aio import server as server_module
from services.gateway.aio import tls_connection
from services.gateway.aio.certificate import Certificate, open_certificate
from services.gateway.aio.server import GatewayServer
from shared.identity import mint_token
from tests.certificates import Authority, encrypted
from tests.integration.gateway_house import SECRET, StoredExchange, gateway_on, until
from tests.integration.test_gateway_operations import TRUST_THIS_MACHINE, text_of
from tests.real_redis import free_port
from tests.tidy.sources import PROJECT

V1 = b"PROXY TCP4 192.0.2.7 127.0.0.1 1 2\r\n"
V2 = b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes([192, 0, 2, 7, 127, 0, 0, 1, 0, 1, 0, 2])
LOCAL = b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"


class Files(NamedTuple):
    """A gateway's certificate and key, and who signed it."""

    certificate: Path
    key: Path
    authority: Authority

    def sign(self, serial: int, **how: Any) -> None:
        self.authority.sign(self.certificate, self.key, serial, **how)

    @property
    def settings(self) -> dict[str, Path]:
        return {"tls_cert": self.certificate, "tls_key": self.key}

    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.authority.file)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    found = Files(tmp_path / "tls.crt", tmp_path / "tls.key", Authority(tmp_path))
    found.sign(1)
    return found


@pytest.fixture
async def exchange(redis_url: str) -> AsyncIterator[StoredExchange]:
    stored = StoredExchange(redis_url, "ACME")
    await stored.publish(bids=[(100, 5)])
    await stored.store_snapshots()
    yield stored
    await stored.redis.aclose()


@pytest.fixture
def log() -> Any:
    """Everything logged, as (method, event and fields)."""
    factory = CapturingLoggerFactory()
    structlog.configure(processors=[structlog.processors.LogfmtRenderer()], logger_factory=factory)
    yield factory.logger
    structlog.reset_defaults()


class Secure:
    """
    A TLS connection by hand: what goes over the socket may have anything before it, in the same write or in pieces.

    Args:
        port: Of the gateway.
        context: Of the client.
        before: Bytes before TLS.
        cut: Bytes of each piece of them; 0: they go with the ClientHello.
        name: That the certificate must have; None sends none.
        source: The client's address.
    """

    def __init__(
        self,
        port: int,
        context: ssl.SSLContext,
        before: bytes = b"",
        cut: int = 0,
        name: str | None = "localhost",
        source: str = "127.0.0.1",
    ) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self._before = before
        self._cut = cut
        self._port = port
        self._source = source

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(
            "127.0.0.1", self._port, local_addr=(self._source, 0)
        )
        while self._cut and self._before:
            piece, self._before = self._before[: self._cut], self._before[self._cut :]
            self._writer.write(piece)
            await asyncio.sleep(0.003)
        try:
            await self._turn(self.tls.do_handshake)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    async def get(self, path: str, headers: str = "", end: bytes = b"") -> str:
        """Ask; what comes up to the connection's end, or to these bytes."""
        self.tls.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode())
        found = b""
        with contextlib.suppress(ssl.SSLZeroReturnError, ConnectionError):
            while (piece := await self._turn(lambda: self.tls.read(65_536))) and not (end and end in found + piece):
                found += piece
            found += piece
        return found.decode(errors="replace")

    @property
    def serial(self) -> int:
        return int(str((self.tls.getpeercert() or {})["serialNumber"]), 16)

    async def _turn(self, step: Callable[[], Any]) -> Any:
        async with asyncio.timeout(8):
            while True:
                try:
                    done = step()
                except ssl.SSLWantReadError:
                    await self._send()
                    data = await self._reader.read(65_536)
                    if not data:
                        raise ConnectionResetError from None
                    self._incoming.write(data)
                else:
                    await self._send()
                    return done

    async def _send(self) -> None:
        data, self._before = self._before + self._outgoing.read(), b""
        self._writer.write(data)
        await self._writer.drain()


def upgrade() -> str:
    token = mint_token("ann", SECRET, time.time() + 60)
    return (
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: openoutcry.v1.json\r\n"
        f"Authorization: Bearer {token}\r\n"
    )


async def serial_of(server: GatewayServer, files: Files, name: str | None = "localhost") -> int:
    """Return the serial number of the certificate that a newcomer is shown."""
    context = files.trusting()
    context.check_hostname = name is not None
    async with Secure(server.port, context, name=name) as secure:
        return secure.serial


# Users.


@pytest.mark.parametrize("buffer", [server_module.SEND_BUFFER_BYTES, 4_608], ids=["as ever", "small buffers"])
@pytest.mark.parametrize("levels", [1, 1_500])
async def test_a_user_over_tls_verifies_every_book(
    redis_url: str,
    exchange: StoredExchange,
    files: Files,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    buffer: int,
    levels: int,
) -> None:
    """Frames of many records too, of which the kernel takes a part: the rest follows, sealed once and in order."""
    monkeypatch.setattr(server_module, "SEND_BUFFER_BYTES", buffer)
    await exchange.publish(bids=[(101 + level, 1 + level) for level in range(levels - 1)])
    async with gateway_on(redis_url, tmp_path, **files.settings) as server:
        url, token = f"wss://localhost:{server.port}/v1/stream", mint_token("ann", SECRET, time.time() + 60)
        async with connect(url, token, ca_file=files.authority.file) as market:
            book = await market.book("ACME")
            assert len(book.bids()) == levels
            for quantity in range(6, 24):
                await exchange.publish(bids=[(100 + level, quantity + level) for level in range(levels)])
            await until(lambda: dict(book.bids()) == {100 + level: 23 + level for level in range(levels)}, 40)
            await book.verified()


async def test_it_is_tls_1_3_alone_without_tickets_and_http_1_1(
    redis_url: str, exchange: StoredExchange, files: Files, tmp_path: Path
) -> None:
    """A ticket would be good at this replica only; browsers offer HTTP/2, which is not spoken here."""
    async with gateway_on(redis_url, tmp_path, **files.settings) as server:
        context = files.trusting()
        context.set_alpn_protocols(["h2", "http/1.1"])
        async with Secure(server.port, context) as secure:
            answer = await secure.get("/healthz")
            assert answer.startswith("HTTP/1.1 200 ")
            assert (secure.tls.version(), secure.tls.selected_alpn_protocol()) == ("TLSv1.3", "http/1.1")
            assert secure.tls.session is None or not secure.tls.session.has_ticket
        old = files.trusting()
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionError)):
            async with Secure(server.port, old):
                pass


async def test_who_speaks_no_tls_or_says_nothing_is_ended_and_counted(
    redis_url: str, exchange: StoredExchange, files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_connection, "HANDSHAKE_S", 0.3)
    async with gateway_on(redis_url, tmp_path, trusted_proxies=TRUST_THIS_MACHINE, **files.settings) as server:
        for said in (
            b"GET /healthz HTTP/1.1\r\n\r\n",
            b"",
            b"PROXY TCP4 192.",
            b"PROXY " + bytes(5_000),
            b"\x16\x03\x01",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(said)
            async with asyncio.timeout(4):
                with contextlib.suppress(ConnectionError):
                    await reader.read()
            writer.close()
        async with Secure(server.port, files.trusting()) as secure:
            assert "outcry_gateway_tls_failed_total 5.0" in await secure.get("/metrics")
        await until(lambda: not len(server.connection_ports.pending))


async def test_one_that_ends_in_the_middle_of_a_header_leaves_nothing(
    redis_url: str, exchange: StoredExchange, files: Files, tmp_path: Path
) -> None:
    async with gateway_on(redis_url, tmp_path, trusted_proxies=TRUST_THIS_MACHINE, **files.settings) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"PROXY TCP4 192.")
        writer.write_eof()
        await until(lambda: not len(server.connection_ports.pending), 2)
        writer.close()


# A proxy before TLS.


@pytest.mark.parametrize("header", [V1, V2], ids=["v1", "v2"])
@pytest.mark.parametrize("cut", [0, 9, 1], ids=["at once", "cut", "byte by byte"])
async def test_a_proxys_header_before_tls_names_the_client_whatever_the_client_says(
    redis_url: str, exchange: StoredExchange, files: Files, tmp_path: Path, log: Any, header: bytes, cut: int
) -> None:
    """The ClientHello comes in the same read, and the client's own X-Forwarded-For does not count."""
    async with (
        gateway_on(redis_url, tmp_path, trusted_proxies=TRUST_THIS_MACHINE, **files.settings) as server,
        Secure(server.port, files.trusting(), header, cut) as secure,
    ):
        head = await secure.get("/v1/stream", "X-Forwarded-For: 203.0.113.9\r\n" + upgrade(), b"\r\n\r\n")
        assert head.startswith("HTTP/1.1 101 ")
        await until(lambda: server.accept_statistics.opened == 1)
    assert "address=192.0.2.7" in text_of(log)
    assert "203.0.113.9" not in text_of(log)


@pytest.mark.parametrize("header", [b"", LOCAL], ids=["none", "a balancer's check"])
async def test_a_trusted_proxy_need_not_say_anything(
    redis_url: str, exchange: StoredExchange, files: Files, tmp_path: Path, header: bytes
) -> None:
    async with (
        gateway_on(redis_url, tmp_path, trusted_proxies=TRUST_THIS_MACHINE, **files.settings) as server,
        Secure(server.port, files.trusting(), header) as secure,
    ):
        assert (await secure.get("/readyz")).startswith("HTTP/1.1 200 ")


async def test_behind_haproxy_in_tcp_mode_users_have_their_own_addresses(
    redis_url: str, exchange: StoredExchange, files: Files, tmp_path: Path, log: Any
) -> None:
    """The shipped configuration: its checks find the gateway ready, and the header goes before the ClientHello."""
    haproxy = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    if haproxy is None:
        pytest.skip("no haproxy here: apt-get install haproxy")
    async with gateway_on(redis_url, tmp_path, trusted_proxies=TRUST_THIS_MACHINE, **files.settings) as server:
        door, health = free_port(), free_port()
        text = (PROJECT / "deploy/haproxy/haproxy.tcp.cfg").read_text(encoding="utf-8")
        for shipped, here in ((":8444", f"127.0.0.1:{door}"), (":18111", f":{server.port}"), (":8405", f":{health}")):
            assert shipped in text
            text = text.replace(shipped, here)
        (tmp_path / "haproxy.cfg").write_text(text, encoding="utf-8")
        argv = [haproxy, "-db", "-f", str(tmp_path / "haproxy.cfg")]
        environment = {**os.environ, "HOST_NETWORK": "1"}
        with subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL) as process:  # noqa: ASYNC220 - at once
            try:
                async with asyncio.timeout(10):
                    while not await asyncio.to_thread(_is_healthy, health):  # noqa: ASYNC110 - another process
                        await asyncio.sleep(0.05)
                async with Secure(door, files.trusting(), source="127.0.0.77") as secure:
                    head = await secure.get("/v1/stream", "X-Forwarded-For: 203.0.113.9\r\n" + upgrade(), b"\r\n\r\n")
                    assert head.startswith("HTTP/1.1 101 ")
                    await until(lambda: server.accept_statistics.opened == 1)
            finally:
                process.terminate()
    assert "address=127.0.0.77" in text_of(log)
    assert "203.0.113.9" not in text_of(log)


def _is_healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


async def test_a_strangers_header_is_no_tls(
    redis_url: str, exchange: StoredExchange, files: Files, tmp_path: Path, log: Any
) -> None:
    async with gateway_on(redis_url, tmp_path, **files.settings) as server:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            async with Secure(server.port, files.trusting(), V1):
                pass
        await until(lambda: not len(server.connection_ports.pending))
    assert "192.0.2.7" not in text_of(log)


async def test_in_plain_too_what_a_client_forwards_does_not_count_behind_a_proxys_header(
    redis_url: str, exchange: StoredExchange, tmp_path: Path, log: Any
) -> None:
    """A client of a trusted network could else be anybody: in TCP mode nobody takes its headers out."""
    header = b"PROXY TCP4 127.0.0.9 127.0.0.1 1 2\r\n"
    async with gateway_on(redis_url, tmp_path, trusted_proxies=TRUST_THIS_MACHINE) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        lines = f"Host: localhost\r\nX-Forwarded-For: 203.0.113.9\r\n{upgrade()}"
        writer.write(header + f"GET /v1/stream HTTP/1.1\r\n{lines}\r\n".encode())
        async with asyncio.timeout(5):
            assert (await reader.readline()).startswith(b"HTTP/1.1 101 ")
        writer.close()
        await until(lambda: server.accept_statistics.opened == 1)
    assert "address=127.0.0.9" in text_of(log)
    assert "203.0.113.9" not in text_of(log)


# Reloads.


async def test_a_reload_shows_newcomers_another_certificate_and_drops_nobody(
    redis_url: str, exchange: StoredExchange, files: Files, tmp_path: Path
) -> None:
    async with (
        gateway_on(redis_url, tmp_path, **files.settings) as server,
        Secure(server.port, files.trusting()) as stays,
    ):
        for serial, is_rsa in ((2, False), (3, True), (4, False)):
            files.sign(serial, is_rsa=is_rsa)
            server.reload_certificate()
            assert await serial_of(server, files) == serial
            assert await serial_of(server, files, name=None) == serial
        assert stays.serial == 1
        assert (await stays.get("/healthz")).startswith("HTTP/1.1 200 ")


def _mismatch(files: Files) -> None:
    key = files.key.read_bytes()
    files.sign(2)
    files.key.write_bytes(key)


BROKEN: dict[str, tuple[Callable[[Files], object], str, str]] = {
    "expired": (lambda files: files.sign(2, days=(-2, -1)), "tls.crt", "is valid from"),
    "not yet": (lambda files: files.sign(2, days=(1, 2)), "tls.crt", "and not now"),
    "another key": (_mismatch, "tls.key", "does not fit"),
    "another kind of key": (
        lambda files: files.authority.sign(files.certificate, files.key.with_name("elsewhere"), 2, is_rsa=True),
        "tls.key",
        "does not fit",
    ),
    "certificate gone": (lambda files: files.certificate.unlink(), "tls.crt", "No such file"),
    "key gone": (lambda files: files.key.unlink(), "tls.key", "No such file"),
    "certificate cut": (
        lambda files: files.certificate.write_bytes(files.certificate.read_bytes()[:300]),
        "tls.crt",
        "no certificate in PEM",
    ),
    "key empty": (lambda files: files.key.write_bytes(b""), "tls.key", "is no private key"),
    "key encrypted": (lambda files: files.key.write_bytes(encrypted(files.key)), "tls.key", "is encrypted"),
}


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_certificate_that_does_not_serve_is_refused_by_name_and_the_old_one_stays(
    redis_url: str, exchange: StoredExchange, files: Files, tmp_path: Path, log: Any, fault: str
) -> None:
    spoil, file, text = BROKEN[fault]
    async with gateway_on(redis_url, tmp_path, **files.settings) as server:
        spoil(files)
        server.reload_certificate()
        assert await serial_of(server, files) == 1
        async with Secure(server.port, files.trusting()) as secure:
            assert "outcry_gateway_certificate_reloads_failed_total 1.0" in await secure.get("/metrics")
        files.sign(7)
        server.reload_certificate()
        assert await serial_of(server, files) == 7
    [told] = [call for call in log.calls if "certificate refused" in str(call)]
    assert file in str(told)
    assert text in str(told)


@pytest.mark.parametrize("fault", BROKEN)
def test_a_gateway_does_not_start_with_such_a_certificate(files: Files, fault: str) -> None:
    spoil, file, text = BROKEN[fault]
    spoil(files)
    with pytest.raises(ConfigurationError, match=f"OUTCRY_TLS_.*{file}.*{text}|OUTCRY_TLS_.*{text}.*{file}"):
        open_certificate(files.certificate, files.key, structlog.get_logger())


def test_a_certificate_needs_a_key_and_a_key_a_certificate(files: Files) -> None:
    with pytest.raises(ConfigurationError, match=r"^OUTCRY_TLS_KEY: must be set too, since OUTCRY_TLS_CERT is$"):
        open_certificate(files.certificate, None, structlog.get_logger())
    with pytest.raises(ConfigurationError, match=r"^OUTCRY_TLS_CERT: must be set too, since OUTCRY_TLS_KEY is$"):
        open_certificate(None, files.key, structlog.get_logger())
    assert open_certificate(None, None, structlog.get_logger()) is None


async def test_files_that_change_are_noticed_without_a_signal(
    redis_url: str, exchange: StoredExchange, files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a secret that is mounted; a bad one is refused once, not at every look."""
    monkeypatch.setattr(server_module, "CERTIFICATE_CHECK_S", 0.02)
    async with gateway_on(redis_url, tmp_path, **files.settings) as server:
        certificate = server._certificate
        assert isinstance(certificate, Certificate)
        files.key.write_bytes(b"")
        await until(lambda: certificate.reloads_failed == 1)
        await asyncio.sleep(0.1)
        assert certificate.reloads_failed == 1
        files.sign(2)
        async with asyncio.timeout(8):
            while await serial_of(server, files) != 2:  # noqa: ASYNC110 - the files are looked at by time
                await asyncio.sleep(0.02)


def test_sighup_reloads_and_the_process_lives(redis_url: str, files: Files, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "secret").write_bytes(SECRET)
    argv = [sys.executable, "-m", "services.gateway", "--port", str(port), "--secret-file", str(tmp_path / "secret")]
    settings = {"OUTCRY_TLS_CERT": str(files.certificate), "OUTCRY_TLS_KEY": str(files.key)}
    with subprocess.Popen(argv, env={**os.environ, **settings, "OUTCRY_REDIS_URL": redis_url}) as process:
        try:
            assert _shown(port, files) == 1
            files.sign(2)
            process.send_signal(signal.SIGHUP)
            deadline = time.monotonic() + 8
            while _shown(port, files) != 2:
                assert time.monotonic() < deadline
            assert process.poll() is None
            process.terminate()
            assert process.wait(10) == 0
        finally:
            process.kill()


def _shown(port: int, files: Files) -> int:
    deadline = time.monotonic() + 8
    while True:
        try:
            with (
                socket.create_connection(("127.0.0.1", port), 5) as plain,
                files.trusting().wrap_socket(plain, server_hostname="localhost") as secure,
            ):
                return int(str((secure.getpeercert() or {})["serialNumber"]), 16)
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


# A client's own trust.


async def test_a_client_believes_the_authorities_that_it_is_told_and_no_others(
    redis_url: str, exchange: StoredExchange, files: Files, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    stranger = Authority(other)
    async with gateway_on(redis_url, tmp_path, **files.settings) as server:
        url, token = f"wss://localhost:{server.port}/v1/stream", mint_token("ann", SECRET, time.time() + 60)
        with pytest.raises(Disconnected, match="certificate verify failed"):
            async with connect(url, token, ca_file=stranger.file, timeout_s=1.5):
                pass
    for wrong, text in (
        (files.key, "holds no certificate"),
        (tmp_path / "none", "No such file"),
        (7, "must be a path"),
    ):
        with pytest.raises(ConfigurationError, match=f"^ca_file.*{text}"):
            connect(url, token, ca_file=wrong)  # type: ignore[arg-type]

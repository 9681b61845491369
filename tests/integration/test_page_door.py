"""The page at a gateway's port: its files, who pays for them, who reads slowly, and whose pages may open a stream."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from openoutcry.wire.errors import ConfigurationError
from services.gateway.aio import connection as connection_module
from services.gateway.aio import page_folder
from services.gateway.aio.answer_body import PART_BYTES
from services.gateway.aio.handshake_queue import PendingConnections
from services.gateway.aio.page_folder import read_page
from services.gateway.aio.server import SEND_BUFFER_BYTES, GatewayServer
from services.gateway.aio.settings import GatewaySettings
from services.gateway.client_address import TrustedProxies
from services.gateway.limits import GatewayLimits
from services.gateway.page_files import PageFiles, PageSettings
from shared.token_bucket import Rate
from tests.integration.test_door import Peer, request
from tests.property.test_hostile import serving

INDEX = b"<!doctype html><title>OpenOutcry</title>"
LARGE = bytes(range(256)) * 8_192
FILES = {
    "index.html": INDEX,
    "assets/main-Bk3s.js": b"'market';" * 9_000,
    "assets/inter-Dx4k.woff2": LARGE,
}


def with_page(limits: GatewayLimits | None = None) -> GatewayServer:
    server = serving(limits)
    server.connection_ports = replace(server.connection_ports, page=PageFiles(FILES, PageSettings("1.2")))
    return server


def ask(server: GatewayServer, path: str, *, method: str = "GET", address: str = "10.0.0.1", **headers: str) -> Peer:
    peer = Peer(server, address)
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    peer.send(f"{method} {path} HTTP/1.1\r\nHost: market:8101\r\n{lines}\r\n".encode())
    return peer


# Files.


async def test_a_browser_gets_the_page() -> None:
    server = with_page()
    index = ask(server, "/?code=abc&state=x")
    assert (index.status, index.body, index.tap.is_closed) == (200, INDEX, True)
    assert "connect-src 'self' ws://market:8101 wss://market:8101;" in index.head
    script = ask(server, "/assets/main-Bk3s.js", Accept_Encoding="gzip, br")
    assert gzip.decompress(script.body) == FILES["assets/main-Bk3s.js"]
    assert f"Content-Length: {len(script.body)}\r\n" in script.head + "\r\n"
    assert json.loads(ask(server, "/page.json").body)["version"] == "1.2"
    font = ask(server, "/assets/inter-Dx4k.woff2")
    assert (font.body, font.tap.is_closed) == (LARGE, True)


async def test_what_it_has_it_is_not_sent_again() -> None:
    server = with_page()
    [etag] = [line[6:] for line in ask(server, "/").head.split("\r\n") if line.startswith("ETag: ")]
    again = ask(server, "/", If_None_Match=etag)
    assert (again.status, again.body) == (304, b"")
    assert "Content-Length" not in again.head


@pytest.mark.parametrize("path", ["/", "/assets/inter-Dx4k.woff2", "/page.json"])
async def test_head_is_get_without_a_body(path: str) -> None:
    server = with_page()
    head, get = ask(server, path, method="HEAD"), ask(server, path)
    assert head.body == b""
    assert head.tap.is_closed
    assert [line for line in head.head.split("\r\n") if not line.startswith("Date")] == [
        line for line in get.head.split("\r\n") if not line.startswith("Date")
    ]


async def test_files_are_for_reading() -> None:
    peer = ask(with_page(), "/", method="POST")
    assert (peer.status, "Allow: GET, HEAD" in peer.head) == (405, True)


async def test_what_is_not_there_is_said() -> None:
    nothing = ask(with_page(), "/assets/main-old.js")
    assert (nothing.status, nothing.body) == (
        404, b"there are /, /page.json, /v1/stream, /connections, /healthz, /readyz and /metrics\n",
    )  # fmt: skip
    without = ask(serving(), "/")
    assert (without.status, without.body) == (404, b"this gateway has no page: make web builds it\n")


# Who pays.


async def test_a_page_is_not_charged_as_handshakes_are() -> None:
    server = with_page(GatewayLimits(attempts=Rate(0.001, 2)))
    for _ in range(20):
        assert ask(server, "/").status == 200
    stranger = Peer(server)
    stranger.send(request(token=None))
    assert stranger.status == 101


async def test_a_flood_of_one_address_is_its_own_and_of_many_the_gateways() -> None:
    server = with_page(GatewayLimits(page_requests=Rate(0.001, 3), pages=Rate(0.001, 5), accepts=Rate(0.001, 1)))
    peers = [ask(server, path, address="10.6.6.6") for path in ("/", "/nothing", "/page.json", "/", "/")]
    assert [peer.status for peer in peers] == [200, 404, 200, 429, 429]
    assert "Retry-After" in peers[-1].head
    others = [ask(server, "/", address=f"10.1.1.{n}").status for n in range(3)]
    assert others == [200, 200, 503]
    assert ask(server, "/healthz", address="10.6.6.6").status == 200, "balancers ask on"
    user = Peer(server, "10.6.6.6")
    user.send(request())
    assert user.status == 101, "and so do those who trade"


async def test_behind_a_trusted_proxy_it_is_the_clients_address_that_pays_for_pages() -> None:
    server = with_page(GatewayLimits(page_requests=Rate(0.001, 1)))
    trusted = TrustedProxies([ip_network("10.0.0.0/8")])
    server.connection_ports = replace(server.connection_ports, trusted_proxies=trusted)
    addresses = ("192.0.2.1", "192.0.2.1", "192.0.2.2")
    assert [ask(server, "/", X_Forwarded_For=address).status for address in addresses] == [200, 429, 200]


# Who reads slowly.


@asynccontextmanager
async def listening(server: GatewayServer) -> AsyncIterator[int]:
    """Have it take connections of real sockets, with as much room for what is unsent as in service."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    async with await asyncio.get_running_loop().create_server(server._accept, sock=listener):
        yield listener.getsockname()[1]


@asynccontextmanager
async def slow_reader(port: int) -> AsyncIterator[socket.socket]:
    """Ask for the largest file, and do not read."""
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        reader.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(reader, ("127.0.0.1", port))
        await loop.sock_sendall(reader, b"GET /assets/inter-Dx4k.woff2 HTTP/1.1\r\nHost: t\r\n\r\n")
        yield reader


async def read_all(reader: socket.socket) -> bytes:
    found = b""
    while part := await asyncio.get_running_loop().sock_recv(reader, 1 << 16):
        found += part
    return found


async def test_who_reads_slowly_holds_a_part_and_gets_the_whole() -> None:
    server = with_page()
    async with listening(server) as port, slow_reader(port) as reader:
        async with asyncio.timeout(10):
            while not len(server.connection_ports.bodies):  # noqa: ASYNC110 - the core knows no events
                await asyncio.sleep(0.01)
            [connection] = server.connection_ports.bodies._connections
            assert isinstance(connection, connection_module.ClientConnection)
            await asyncio.sleep(0.1)
            assert 0 < connection.get_write_buffer_size() <= PART_BYTES < len(LARGE) // 4
            assert (await read_all(reader)).endswith(b"\r\n\r\n" + LARGE)
            while len(server.connection_ports.bodies):  # noqa: ASYNC110 - likewise
                await asyncio.sleep(0.01)


async def test_who_does_not_read_is_ended_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "BODY_S", 0.1)
    server = with_page()
    async with listening(server) as port, slow_reader(port) as reader:
        began = time.monotonic()
        async with asyncio.timeout(10):
            await asyncio.sleep(0.5)
            assert len(await read_all(reader)) < len(LARGE)
        assert time.monotonic() - began < 10
        assert not len(server.connection_ports.bodies)


async def test_those_who_read_slowly_are_bounded_and_the_oldest_goes() -> None:
    server = with_page()
    server.connection_ports = replace(server.connection_ports, bodies=PendingConnections(2))
    async with listening(server) as port, slow_reader(port) as first, slow_reader(port) as second:
        async with asyncio.timeout(10):
            while len(server.connection_ports.bodies) < 2:  # noqa: ASYNC110 - the core knows no events
                await asyncio.sleep(0.01)
            async with slow_reader(port) as third:
                assert (await read_all(third)).endswith(LARGE)
            assert len(await read_all(first)) < len(LARGE)
            assert (await read_all(second)).endswith(LARGE)


# Whose pages may open a stream.


@pytest.mark.parametrize(
    ("origin", "more", "status"),
    [
        ("http://t", {}, 101),
        ("https://t:443", {}, 101),
        ("https://evil.example", {}, 403),
        ("null", {}, 403),
        ("https://desk.example.com", {}, 101),
        ("https://market.example.com", {"X_Forwarded_Host": "market.example.com"}, 101),
        ("https://market.example.com", {"X_Forwarded_Host": "other.example.com"}, 403),
    ],
)
async def test_a_page_opens_a_stream_where_it_is_from(origin: str, more: dict[str, str], status: int) -> None:
    server = with_page()
    ports = replace(server.connection_ports, page_origins=frozenset({"https://desk.example.com"}))
    server.connection_ports = replace(ports, trusted_proxies=TrustedProxies([ip_network("10.0.0.0/8")]))
    peer = Peer(server)
    peer.send(request(Origin=origin, **more))
    assert peer.status == status
    if status == 403:
        told = f"pages of {origin} may not open a stream here: OUTCRY_PAGE_ORIGINS names those that may\n"
        assert peer.body == told.encode()
        assert server.accept_statistics.refused[403] == 1


async def test_what_an_untrusted_proxy_says_of_the_host_does_not_count() -> None:
    peer = Peer(with_page())
    peer.send(request(Origin="https://evil.example", X_Forwarded_Host="evil.example"))
    assert peer.status == 403


async def test_refused_pages_are_their_addresses_to_pay_for() -> None:
    server = with_page(GatewayLimits(attempts=Rate(0.001, 2)))
    statuses = []
    for _ in range(4):
        peer = Peer(server)
        peer.send(request(Origin="https://evil.example"))
        statuses.append(peer.status)
    assert statuses == [403, 403, 429, 429]


# The folder.


def built(folder: Path) -> Path:
    for name, body in {
        "index.html": b"new",
        "assets/main-new.js": b"new",
        "assets/icon-same.svg": b"new",
        ".vite/manifest.json": b"{}",
        "previous/index.html": b"old",
        "previous/assets/main-old.js": b"old",
        "previous/assets/icon-same.svg": b"old",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(body)
    return folder


def test_the_last_releases_assets_are_served_beside_this_ones(tmp_path: Path) -> None:
    """While replicas are replaced an old page asks a new gateway."""
    page = read_page(GatewaySettings(page_folder=built(tmp_path), page_zone="Europe/Zurich", page_ledger_url="/"))

    def body(path: str) -> bytes | None:
        answer = page.answer(path, [], [], [])
        return None if answer is None else answer.body

    assert [body(f"/{name}") for name in ("", "assets/main-new.js", "assets/main-old.js", "assets/icon-same.svg")] == [
        b"new", b"new", b"old", b"new",
    ]  # fmt: skip
    for path in ("/previous/index.html", "/previous/assets/main-old.js", "/.vite/manifest.json"):
        assert body(path) is None
    assert json.loads(body("/page.json") or b"")["zone"] == "Europe/Zurich"


def test_a_folder_that_is_not_there_is_a_setting_that_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="OUTCRY_PAGE_FOLDER: there is no folder"):
        read_page(GatewaySettings(page_folder=tmp_path / "missing"))
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets/a.js").touch()
    with pytest.raises(ConfigurationError, match=r"cannot be served: a page has a file index\.html"):
        read_page(GatewaySettings(page_folder=tmp_path))


def test_where_nothing_was_built_there_is_no_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_folder, "INSTALLED", tmp_path / "page")
    monkeypatch.setattr(page_folder, "BUILT", tmp_path / "dist")
    assert read_page(GatewaySettings()).answer("/", [], [], []) is None
    built(tmp_path / "page")
    assert read_page(GatewaySettings()).answer("/", [], [], []) is not None

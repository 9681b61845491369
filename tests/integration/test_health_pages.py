"""The pages of a role without a stream keep to HTTP's edges as a gateway's do."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from websockets.server import ServerProtocol

from shared.aio.health_pages import CONNECTIONS_MAX, NUMBERS_S, HealthPages, Readiness, serve_pages


@pytest.mark.parametrize(
    ("request_text", "status", "has_body"),
    [
        ("GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n", 200, True),
        ("HEAD /healthz HTTP/1.1\r\nHost: t\r\n\r\n", 200, False),
        ("GET http://t/healthz HTTP/1.1\r\nHost: t\r\n\r\n", 200, True),
        ("GET /healthz HTTP/1.1\r\n\r\n", 400, True),
        ("GET /healthz HTTP/1.0\r\n\r\n", 200, True),
        ("GET /healthz HTTP/1.1\r\nHost: a b\r\n\r\n", 400, True),
        ("POST /healthz HTTP/1.1\r\nHost: t\r\n\r\n", 405, True),
        ("GET /healthz HTTP/2.0\r\nHost: t\r\n\r\n", 505, True),
        ("GET /healthz HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\n{}", 400, True),
        ("GET /healthz HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501, True),
        ("nonsense\r\n\r\n", 400, True),
    ],
)
async def test_the_edges_of_http(request_text: str, status: int, *, has_body: bool) -> None:
    pages = HealthPages(CollectorRegistry(), lambda: Readiness(200, "ready"))
    async with await serve_pages("127.0.0.1", 0, pages) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(request_text.encode())
        async with asyncio.timeout(5):
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
    assert (int(head.split(b" ")[1]), bool(body)) == (status, has_body)


def test_numbers_are_collected_at_most_ten_times_a_second() -> None:
    """They cost some 3 ms: whoever asks for them in a loop takes that from everybody's orders."""

    class Counted(Collector):
        times = 0

        def collect(self) -> list[Metric]:
            self.times += 1
            return []

    registry, counted = CollectorRegistry(), Counted()
    registry.register(counted)
    pages = HealthPages(registry, lambda: Readiness(200, "ready"))
    before = counted.times
    for _ in range(50):
        assert pages.answer("/metrics", ServerProtocol()) is not None
    assert counted.times == before + 1
    pages._collected_at -= NUMBERS_S
    assert pages.answer("/metrics", ServerProtocol()) is not None
    assert counted.times == before + 2


async def test_who_only_connects_takes_no_more_than_so_many_connections() -> None:
    pages = HealthPages(CollectorRegistry(), lambda: Readiness(200, "ready"))
    async with await serve_pages("127.0.0.1", 0, pages) as server, asyncio.timeout(5):
        where = server.sockets[0].getsockname()
        idle = [await asyncio.open_connection(*where) for _ in range(CONNECTIONS_MAX + 1)]
        reader, writer = await asyncio.open_connection(*where)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        for oldest, _ in idle[:2]:
            with contextlib.suppress(ConnectionResetError):
                assert not await oldest.read()
        assert not idle[-1][0].at_eof()
        for _, each in (*idle, (reader, writer)):
            each.transport.abort()


@pytest.mark.parametrize(
    ("notice", "body"), [("", b"alive\n"), ("four_eyes = false: …", "alive\nfour_eyes = false: …\n".encode())]
)
def test_what_operators_should_know_stands_behind_alive(notice: str, body: bytes) -> None:
    pages = HealthPages(CollectorRegistry(), lambda: Readiness(200, "ready"), lambda: notice)
    response = pages.answer("/healthz", ServerProtocol())
    assert response is not None
    assert (response.status_code, response.body) == (200, body)

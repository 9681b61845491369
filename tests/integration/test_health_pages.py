"""The pages of a role without a stream keep to HTTP's edges as a gateway's do."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from shared.aio.health_pages import HealthPages, Readiness, serve_pages


@pytest.mark.parametrize(
    ("request_text", "status", "has_body"),
    [
        ("GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n", 200, True),
        ("HEAD /healthz HTTP/1.1\r\nHost: t\r\n\r\n", 200, False),
        ("GET http://t/healthz HTTP/1.1\r\nHost: t\r\n\r\n", 200, True),
        ("GET /healthz HTTP/1.1\r\n\r\n", 400, True),
        ("GET /healthz HTTP/1.0\r\n\r\n", 200, True),
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

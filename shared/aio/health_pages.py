"""The three pages of every role: liveness, readiness, metrics.

A gateway answers them beside its stream; a role without a port of its own listens for them with `serve_pages`: on the
event loop, with no thread, since an engine may fork.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, NamedTuple, cast

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from shared.http_request import (
    answer_unreadable,
    host_fault,
    method_fault,
    target_path,
    unreadable,
    without_body,
)

REQUEST_S: Final = 5.0
"""Time for a peer to send its request and take the answer; then the connection is aborted."""
CONNECTIONS_MAX: Final = 64
"""Connections to the pages of a role without a stream; beyond it the oldest is aborted: an engine needs its files."""
REQUEST_BYTES_MAX: Final = 16 * 1024
"""A longer request is not read to its end."""
NUMBERS_S: Final = 0.1
"""For so long `/metrics` shows the same numbers: they cost milliseconds, which nobody's scrapes may take from users."""


class Readiness(NamedTuple):
    """Whether a role wants work, as a load balancer understands it."""

    status: int
    """200 ready; 404 draining: keep what it has, bring nothing new; 503 not ready."""
    text: str
    """The reason, or the role."""


class HealthPages:
    """
    Answers `/healthz`, `/readyz` and `/metrics`.

    Args:
        registry: What `/metrics` shows; the process's CPU, memory and open files are added.
        readiness: Tells whether it wants work.
        notice: What operators should know even while all is well, in a line; "" for nothing.
    """

    def __init__(
        self, registry: CollectorRegistry, readiness: Callable[[], Readiness], notice: Callable[[], str] = str
    ) -> None:
        self._registry = registry
        self._readiness = readiness
        self._notice = notice
        self._collected = ""
        self._collected_at = float("-inf")
        ProcessCollector(registry=registry)

    def answer(self, path: str, http: ServerProtocol) -> Response | None:
        """Answer a GET of one of the three; None for any other path."""
        match path:
            case "/healthz":
                notice = self._notice()
                return http.reject(200, f"alive\n{notice}\n" if notice else "alive\n")
            case "/readyz":
                status, text = self._readiness()
                return http.reject(status, f"{text}\n")
            case "/metrics":
                response = http.reject(200, self._numbers())
                del response.headers["Content-Type"]
                response.headers["Content-Type"] = "text/plain; version=0.0.4; charset=utf-8"
                return response
        return None

    def _numbers(self) -> str:
        now = time.monotonic()
        if now - self._collected_at >= NUMBERS_S:
            self._collected_at, self._collected = now, generate_latest(self._registry).decode()
        return self._collected


async def serve_pages(host: str, port: int, pages: HealthPages) -> asyncio.Server:
    """
    Listen for requests of the pages; close the server to end it.

    Raises:
        OSError: If the address cannot be listened on.
    """
    held: dict[asyncio.Transport, None] = {}
    return await asyncio.get_running_loop().create_server(lambda: _PageConnection(pages, held), host, port)


class _PageConnection(asyncio.Protocol):
    """
    One request, one answer.

    Args:
        pages: What may be asked for.
        held: All connections at present, the oldest first.
    """

    def __init__(self, pages: HealthPages, held: dict[asyncio.Transport, None]) -> None:
        self._pages = pages
        self._held = held
        self._http = ServerProtocol()
        self._head = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._deadline = asyncio.get_running_loop().call_later(REQUEST_S, self._transport.abort)
        self._held[self._transport] = None
        if len(self._held) > CONNECTIONS_MAX:
            oldest = next(iter(self._held))
            del self._held[oldest]
            oldest.abort()

    def data_received(self, data: bytes) -> None:
        if len(self._head) + len(data) > REQUEST_BYTES_MAX:
            self._transport.abort()
            return
        self._head += data
        self._http.receive_data(data)
        events = self._http.events_received()
        if not events and self._http.writes == [b""]:
            answer_unreadable(self._http, *unreadable(bytes(self._head)))
        for event in events:
            if isinstance(event, Request):
                self._http.send_response(self._answer(event))
        self._send()

    def eof_received(self) -> None:
        self._http.receive_eof()

    def connection_lost(self, _error: Exception | None) -> None:
        self._deadline.cancel()
        self._held.pop(self._transport, None)

    def _answer(self, request: Request) -> Response:
        if fault := host_fault(request):
            return self._http.reject(400, f"{fault}\n")
        path = target_path(request)
        found = method_fault(request, path, self._http) or self._pages.answer(path, self._http)
        response = found or self._http.reject(404, "there are /healthz, /readyz and /metrics\n")
        return without_body(response) if request.method == "HEAD" else response

    def _send(self) -> None:
        for data in self._http.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._transport.close()

"""Plain HTTP beside the stream: is this replica alive, does it want users, what are its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from websockets.http11 import Response
from websockets.server import ServerProtocol

from services.gateway.metrics import GatewayCollector

if TYPE_CHECKING:
    from services.gateway.aio.server import GatewayServer


class Health:
    """
    Answers `/healthz`, `/readyz` and `/metrics`.

    Args:
        server: The gateway's shell.
        registry: What `/metrics` shows, beside the gateway's counters and the process's CPU and memory.
    """

    def __init__(self, server: GatewayServer, registry: CollectorRegistry) -> None:
        self._server = server
        self._registry = registry
        ProcessCollector(registry=registry)
        self._registry.register(GatewayCollector(server.gateway, server.feed_reader.statistics))

    def answer(self, path: str, http: ServerProtocol) -> Response:
        """Answer a GET of any path but the stream's."""
        match path:
            case "/healthz":
                reason = self._server.feed_reader.failure
                return http.reject(500, f"{reason}\n") if reason else http.reject(200, "alive\n")
            case "/readyz":
                reason = self._unready()
                return http.reject(503, f"{reason}\n") if reason else http.reject(200, "ready\n")
            case "/metrics":
                response = http.reject(200, generate_latest(self._registry).decode())
                del response.headers["Content-Type"]
                response.headers["Content-Type"] = "text/plain; version=0.0.4; charset=utf-8"
                return response
        return http.reject(404, "there are /v1/stream, /healthz, /readyz and /metrics\n")

    def _unready(self) -> str:
        gateway = self._server.gateway
        if gateway.is_draining:
            return "shutting down"
        if not gateway.is_fed(self._server.now()):
            return self._server.feed_reader.failure or f"the feed is {gateway.feed_state}"
        if len(gateway.clients) >= gateway.limits.connections:
            return f"full: {len(gateway.clients)} connections"
        return ""

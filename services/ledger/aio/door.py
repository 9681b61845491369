"""The ledger's one port: the interface, and beside it `/metrics`, `/healthz` and `/readyz`, which need no login."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, Final, TypeAlias

import uvicorn
from prometheus_client import CollectorRegistry, generate_latest

from openoutcry.wire.errors import ConfigurationError
from shared.aio.health_pages import Readiness

Message: TypeAlias = MutableMapping[str, Any]
DRAIN_S: Final = 5
"""How long requests under way may take once the service ends."""
_TEXT: Final = b"text/plain; charset=utf-8"
_NUMBERS: Final = b"text/plain; version=0.0.4; charset=utf-8"


class OpsPages:
    """
    The interface with the pages of operators before it.

    Args:
        interface: Answers everything else.
        registry: What `/metrics` shows.
        readiness: Of the writer.
    """

    def __init__(self, interface: Any, registry: CollectorRegistry, readiness: Callable[[], Readiness]) -> None:
        self._interface = interface
        self._registry = registry
        self._readiness = readiness

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        """Answer one request."""
        page = self._page(scope["path"]) if scope["type"] == "http" and scope["method"] in ("GET", "HEAD") else None
        if page is None:
            await self._interface(scope, receive, send)
            return
        status, kind, body = page
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _page(self, path: str) -> tuple[int, bytes, bytes] | None:
        match path:
            case "/healthz":
                return 200, _TEXT, b"alive\n"
            case "/readyz":
                ready = self._readiness()
                return ready.status, _TEXT, f"{ready.text}\n".encode()
            case "/metrics":
                return 200, _NUMBERS, generate_latest(self._registry)
        return None


class _Server(uvicorn.Server):
    """Leaves signals to the service."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def make_server(app: Any, host: str, port: int) -> tuple[uvicorn.Server, socket.socket]:
    """
    Make a server and its socket, which listens already.

    Raises:
        ConfigurationError: If the address cannot be listened on.
    """
    config = uvicorn.Config(
        app, lifespan="off", access_log=False, log_config=None, timeout_graceful_shutdown=DRAIN_S, server_header=False,
        loop="none",
    )  # fmt: skip
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(f"OUTCRY_LEDGER_PORT: cannot listen on {host}:{port}: {error.strerror}") from error
    listener.listen(128)
    return _Server(config), listener

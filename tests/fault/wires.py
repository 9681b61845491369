"""The supervisor's side of `tests.fault.wire`: a wire between every two parts, which can be cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from outcry.stack.aio.free_ports import free_ports
from outcry.stack.aio.role import RoleProcess

READY_SECONDS_MAX: Final = 20.0


class Wires:
    """
    Links by name; a context manager that ends them.

    Args:
        names: Of all links: the services that reach Redis through one, and `client-N` before the Nth gateway.
        folder: For the log.
    """

    def __init__(self, names: Iterable[str], folder: Path) -> None:
        names = list(names)
        self._ports = dict(zip(names, free_ports(len(names)), strict=True))
        self._role = RoleProcess("wires", "tests.fault.wire", folder)

    async def open(self) -> None:
        """Listen."""
        await self._role.start(ports=self._ports)
        await self._role.hear("ready", READY_SECONDS_MAX)

    def route(self, service: str, redis_url: str) -> str:
        """Return where a service finds Redis: behind its wire."""
        self._role.tell("aim", link=service, port=urlsplit(redis_url).port)
        return f"redis://127.0.0.1:{self._ports[service]}/0"

    def before_gateways(self, ports: Sequence[int]) -> list[str]:
        """Return where users find the gateways: behind their wires."""
        urls = []
        for number, port in enumerate(ports, start=1):
            self._role.tell("aim", link=f"client-{number}", port=port)
            urls.append(f"ws://127.0.0.1:{self._ports[f'client-{number}']}/v1/stream")
        return urls

    def cut(self, link: str) -> None:
        """Let nothing through any more."""
        self._role.tell("cut", link=link)

    def delay(self, link: str, seconds: float) -> None:
        """Let everything take longer, in each direction."""
        self._role.tell("delay", link=link, seconds=seconds)

    def heal(self, link: str) -> None:
        """Let everything through at once, what was held back first."""
        self._role.tell("heal", link=link)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._role.child.stop()

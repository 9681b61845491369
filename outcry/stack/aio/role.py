"""The supervisor's side of a role's channel (`role_channel` is the role's side)."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from outcry.stack.aio.child import Child, RoleFailed, TooLate
from outcry.stack.aio.role_channel import LINE_BYTES_MAX

ANSWER_SECONDS_MAX: Final = 60.0
"""How long a role may take to answer, unless a question says otherwise."""


class RoleProcess:
    """
    A process of ours that answers questions, in order; a context manager that ends it.

    Args:
        name: Unique in the folder.
        module: Run as `python -m module`.
        folder: For its log.
    """

    def __init__(self, name: str, module: str, folder: Path) -> None:
        self.child: Final = Child(name, [sys.executable, "-m", module], folder, talks=True)
        self._lines = asyncio.StreamReader(limit=LINE_BYTES_MAX)

    async def start(self, **settings: object) -> None:
        """Tell it what to be; call once."""
        loop, output = asyncio.get_running_loop(), self.child.take_output()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(self._lines), output)
        self._send(settings)

    async def ask(self, op: str, answer: str, seconds: float = ANSWER_SECONDS_MAX, **fields: object) -> dict[str, Any]:
        """
        Ask, and return the answer.

        Raises:
            RoleFailed: If it says that it failed, ends, answers something else, or is late.
        """
        self.tell(op, **fields)
        return await self.hear(answer, seconds)

    def tell(self, op: str, **fields: object) -> None:
        """Ask for something without waiting for what it says."""
        self._send({"op": op, **fields})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.child.stop()

    def _send(self, message: dict[str, Any]) -> None:
        requests = self.child.requests
        try:
            # A role always reads, and nothing else is said while it answers: this does not block for long.
            requests.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
            requests.flush()
        except BrokenPipeError:
            return  # It is gone; whoever listens to it is told why.

    async def hear(self, expected: str, seconds: float) -> dict[str, Any]:
        """
        Wait for what it says next.

        Raises:
            RoleFailed: As `ask`.
        """
        try:
            async with asyncio.timeout(seconds):
                line = await self._lines.readline()
        except TimeoutError as error:
            raise TooLate.of(f"{self.child.name} sent no {expected}", seconds, [self.child]) from error
        if not line:
            await self._raise_ended()
        message: dict[str, Any] = json.loads(line)
        if message["event"] == "failed":
            raise RoleFailed(message["text"])
        if message["event"] != expected:
            raise RoleFailed(f"{self.child.name} told {message['event']!r} instead of {expected!r}")
        return message

    async def _raise_ended(self) -> None:
        give_up = asyncio.get_running_loop().time() + 5
        while asyncio.get_running_loop().time() < give_up:
            self.child.check_alive()
            await asyncio.sleep(0.02)
        raise RoleFailed(f"{self.child.name} closed its output; its last lines:\n{self.child.log_tail()}")

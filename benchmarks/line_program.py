"""A program led by lines: a command on its standard input, one line of JSON on its standard output answers it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from outcry.stack.aio.child import Child, RoleFailed, TooLate

LINE_BYTES_MAX: Final = 1 << 20
"""Longest answer; a longer one is an error."""
ANSWER_SECONDS_MAX: Final = 20.0
"""How long an answer may take, unless the command is known to take longer."""


class LineProgram:
    """
    A running program; a context manager that ends it.

    Args:
        name: Unique in the folder.
        argv: Program and arguments.
        folder: Private folder for its log.
    """

    def __init__(self, name: str, argv: Sequence[str], folder: Path) -> None:
        self.child: Final = Child(name, argv, folder, talks=True)
        self._answers: asyncio.StreamReader | None = None

    async def ask(self, command: str, seconds: float = ANSWER_SECONDS_MAX) -> dict[str, Any]:
        """
        Say a command and return its answer.

        Raises:
            RoleFailed: If the program ends or is late; with the end of its log.
        """
        self.tell(command)
        return await self.hear(command, seconds)

    def tell(self, command: str) -> None:
        """Say a command without waiting for its answer; `hear` it before the next."""
        self.child.check_alive()
        commands = self.child.requests
        commands.write(command.encode() + b"\n")
        commands.flush()

    async def hear(self, command: str, seconds: float = ANSWER_SECONDS_MAX) -> dict[str, Any]:
        """
        Return the answer to a command that was told.

        Raises:
            RoleFailed: As `ask`.
        """
        answers = self._answers or await self._open()
        try:
            async with asyncio.timeout(seconds):
                line = await answers.readline()
        except TimeoutError as error:
            raise TooLate.of(f"{self.child.name} did not answer {command!r}", seconds, [self.child]) from error
        if not line:
            self.stop()
            raise RoleFailed(f"{self.child.how_it_ended()}; its last lines:\n{self.child.log_tail()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def stop(self) -> None:
        """End it."""
        self.child.stop()

    async def _open(self) -> asyncio.StreamReader:
        answers = self._answers = asyncio.StreamReader(limit=LINE_BYTES_MAX)
        loop, output = asyncio.get_running_loop(), self.child.take_output()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(answers), output)
        return answers

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

"""The channel between a role and its supervisor: JSON lines on standard input and output.

The role's side. A closed standard input means that the supervisor is gone, and ends the role. Imports nothing of the
demo, so that a role's process stays small.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any, Final

LINE_BYTES_MAX: Final = 16 * 1024 * 1024
"""Longest line: the tokens of a role's users, or its final books."""


class RoleChannel:
    """
    Requests in, events out.

    Args:
        lines: Standard input.
    """

    def __init__(self, lines: asyncio.StreamReader) -> None:
        self._lines = lines

    @classmethod
    async def open(cls) -> RoleChannel:
        """Take over this process's standard input."""
        lines = asyncio.StreamReader(limit=LINE_BYTES_MAX)
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        return cls(lines)

    async def requests(self) -> AsyncIterator[dict[str, Any]]:
        """Yield requests, each a map with `op`, until the supervisor is gone."""
        while line := await self._lines.readline():
            yield json.loads(line)

    def tell(self, event: str, **fields: object) -> None:
        """Tell the supervisor something, at once."""
        sys.stdout.write(json.dumps({"event": event, **fields}, separators=(",", ":")) + "\n")
        sys.stdout.flush()

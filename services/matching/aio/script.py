"""Lua scripts: sent by their hash, and in full only to a server that does not know them yet."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from redis.exceptions import NoScriptError

Call: TypeAlias = Callable[..., Awaitable[Any]]
"""Sends one command, given as its words, and returns the reply: a line's `call`, or a client's `execute_command`."""


class Script:
    """
    One script.

    Args:
        source: Lua.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        # Redis names scripts by their SHA-1; no secret hangs on it.
        self._sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
        self._sent = False

    async def run(self, call: Call, keys: Sequence[str], arguments: Sequence[str | bytes | int]) -> Any:
        """Run it, once; the caller decides about repetition."""
        if self._sent:
            try:
                return await call("EVALSHA", self._sha, len(keys), *keys, *arguments)
            except NoScriptError:
                pass  # The server has restarted; nothing was run.
        reply = await call("EVAL", self._source, len(keys), *keys, *arguments)
        self._sent = True
        return reply

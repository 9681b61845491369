"""How far a writer is ahead of the engine: commands appended, and not yet named by the feed as applied.

Invariant: entries are in log order, and `commands` is their sum.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from openoutcry.wire.errors import MalformedMessage

BACKLOG_COMMANDS_MAX: Final = 4096
"""A writer waits at this many commands ahead of the engine: the log stays short, and users' orders wait behind few."""


class LogId(NamedTuple):
    """A command log entry's id, ordered as Redis orders it."""

    milliseconds: int
    counter: int

    @classmethod
    def parse(cls, text: str | bytes) -> LogId:
        """
        Read `<milliseconds>-<counter>`.

        Raises:
            MalformedMessage: If it is not two whole numbers.
        """
        try:
            milliseconds, counter = (text.decode() if isinstance(text, bytes) else text).split("-")
            return cls(int(milliseconds), int(counter))
        except ValueError as error:
            raise MalformedMessage(f"no log id: {text!r}") from error


class Backlog:
    """One writer's commands that the engine has not applied yet."""

    def __init__(self) -> None:
        self.commands = 0
        self._entries: deque[tuple[LogId, int]] = deque()
        self._applied = LogId(0, 0)

    @property
    def room(self) -> int:
        """How many commands may be appended now."""
        return max(0, BACKLOG_COMMANDS_MAX - self.commands)

    def appended(self, entry: LogId, commands: int) -> None:
        """
        Count an entry of so many commands, the newest of this writer.

        The feed may be faster than the answer to the append: an entry that was named as applied already is not counted.
        """
        if entry <= self._applied:
            return
        self._entries.append((entry, commands))
        self.commands += commands

    def applied(self, log_id: LogId) -> None:
        """Forget every entry up to this one, which a packet named; O(entries forgotten)."""
        self._applied = max(self._applied, log_id)
        entries = self._entries
        while entries and entries[0][0] <= log_id:
            self.commands -= entries.popleft()[1]

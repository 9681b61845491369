"""The definitions that a client knows, and whether they are all that the server lists.

Owns one rule: an answer to `instruments` is the complete listing, so an instrument that it does not name is delisted.
Other definitions are added, or replace the one before.
"""

from __future__ import annotations

from openoutcry.wire.instrument import Instrument


class ListingView:
    """All definitions by symbol, in order of first hearing."""

    def __init__(self) -> None:
        self.definitions: dict[str, Instrument] = {}
        self._due = 0
        self._named: set[str] = set()

    @property
    def is_whole(self) -> bool:
        """Whether no answer is under way."""
        return not self._due

    def expect(self, count: int) -> None:
        """Begin an answer of so many definitions."""
        self._due = count
        self._named.clear()
        self._forget_others()

    def hear(self, definition: Instrument) -> None:
        """Take a definition."""
        self.definitions[definition.symbol] = definition
        if self._due:
            self._named.add(definition.symbol)
            self._due -= 1
            self._forget_others()

    def forget(self, symbol: str) -> None:
        """Note that an instrument is listed no more."""
        self.definitions.pop(symbol, None)

    def lose(self) -> None:
        """Note that the rest of an answer will not come."""
        self._due = 0

    def _forget_others(self) -> None:
        if not self._due:
            for symbol in [symbol for symbol in self.definitions if symbol not in self._named]:
                del self.definitions[symbol]

"""A subscribe request that is carried out in parts, so that it delays nobody.

Owns the rest of one request, and for all instruments ("*") what has been sent already. A request by name joins each
channel with its part. A request for all joins last. Until then nothing of the channel is sent, and the changes since an
instrument's state was sent come with the join. A deep book's snapshot is waited for while it is made; the same goes for
a resync.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from openoutcry.wire.messages import Message
from openoutcry.wire.request_limits import EVERY_INSTRUMENT
from services.gateway.channel import ChannelKey
from services.gateway.deep_snapshots import DEEP_LEVELS
from services.gateway.fan_out import FanOut
from services.gateway.subscriber import Subscriber

INSTRUMENTS_A_PART: Final = 32
"""Instruments whose state is sent in one part."""
ROWS_A_PART: Final = DEEP_LEVELS
"""Levels and trades in one part, about 12 ms in JSON; the last instrument of a part may pass it. No deep book is among
those that take a single part."""


class InParts(Protocol):
    """A request that is carried out in parts."""

    @property
    def is_waiting(self) -> bool:
        """Whether the next part waits for a deep book's snapshot: others may come first."""

    def do_part(self) -> bool:
        """Do the next part; False if that was the last."""


class Resyncing:
    """
    A resync of a deep book.

    Args:
        service: The fan-out.
        subscriber: Who asked.
        instrument: The book's symbol.
    """

    __slots__ = ("_instrument", "_service", "_subscriber")

    def __init__(self, service: FanOut, subscriber: Subscriber, instrument: str) -> None:
        self._service = service
        self._subscriber = subscriber
        self._instrument = instrument

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for the snapshot, which it always does."""
        return True

    def do_part(self) -> bool:
        """Send the snapshot if it is ready, or the book is not followed any more; else True."""
        service, subscriber, instrument = self._service, self._subscriber, self._instrument
        if not service.follows_book(subscriber, instrument):
            return False
        if not service.is_ready_again(subscriber, instrument):
            return True
        service.resync(subscriber, instrument)
        return False


class Joining:
    """
    What is left of a subscribe.

    Args:
        service: The fan-out.
        subscriber: Who asked.
        keys: What to follow, in order.
        resume: Instrument to (epoch, seq, digest), where the subscriber stands.
    """

    __slots__ = ("_keys", "_resume", "_service", "_subscriber", "_symbols", "_told", "is_waiting")

    def __init__(
        self,
        service: FanOut,
        subscriber: Subscriber,
        keys: Sequence[ChannelKey],
        resume: dict[str, tuple[int, int, int]],
    ) -> None:
        self._service = service
        self._subscriber = subscriber
        self._keys = list(reversed(keys))
        self._resume = resume
        self._symbols: list[str] | None = None
        """Of the key for all that is under way, those whose state has yet to be sent; the next one last."""
        self._told: dict[str, Sequence[Message]] = {}
        self.is_waiting = False
        """Whether the next part waits for a deep book's snapshot."""

    def is_small(self) -> bool:
        """Tell whether one part is enough; O(instruments of a part)."""
        rows = count = 0
        for key in self._keys:
            for symbol in self._listed(key) if key.instrument == EVERY_INSTRUMENT else (key.instrument,):
                rows += self._service.rows(key, symbol)
                count += 1
                if count > INSTRUMENTS_A_PART or rows > ROWS_A_PART:
                    return [key.instrument for key in self._keys] == [symbol] and not self._waits_for(key)
        return True

    def do_all(self) -> None:
        """Do it in one part."""
        while self._keys:
            self._follow(self._keys.pop())

    def do_part(self) -> bool:
        """Do the next part; False if that was the last. What has been delisted meanwhile is passed over."""
        self.is_waiting = False
        if self._keys[-1].instrument == EVERY_INSTRUMENT:
            self._tell_more(self._keys[-1])
        else:
            self._follow_more()
        return bool(self._keys)

    def _follow_more(self) -> None:
        count = rows = 0
        while self._keys and count < INSTRUMENTS_A_PART and rows < ROWS_A_PART and not self._subscriber.is_gone:
            if self._keys[-1].instrument == EVERY_INSTRUMENT:
                return
            key = self._keys[-1]
            if self._waits_for(key):
                return
            self._keys.pop()
            if key.instrument in self._service.market.instruments:
                rows += self._service.rows(key, key.instrument)
                count += 1
                self._follow(key)

    def _tell_more(self, key: ChannelKey) -> None:
        listed = self._service.market.instruments
        if self._symbols is None:  # what it follows so far would be mixed with what is told
            self._service.unsubscribe(self._subscriber, key.kind, key.instrument)
            self._symbols = list(self._listed(key))[::-1]
        if not self._symbols:
            self._symbols = self._service.behind(self._subscriber, key, self._told)
        if not self._symbols or self._subscriber.is_lagging:
            self._keys.pop()
            self._service.join_told(self._subscriber, key, self._told)
            self._symbols, self._told = None, {}
            return
        part: list[str] = []
        rows = 0
        while self._symbols and len(part) < INSTRUMENTS_A_PART and rows < ROWS_A_PART:
            symbol = self._symbols[-1]
            if symbol in listed and not self._service.is_ready(self._subscriber, key, symbol):
                self.is_waiting = not part
                break
            self._symbols.pop()
            if symbol in listed:
                rows += self._service.rows(key, symbol)
                part.append(symbol)
        self._told |= self._service.tell(self._subscriber, key, part)

    def _listed(self, key: ChannelKey) -> Iterator[str]:
        """Yield what a key for all covers at present; O(instruments)."""
        return filter(key.has, self._service.market.instruments)

    def _waits_for(self, key: ChannelKey) -> bool:
        """Tell whether a key's deep book has yet to be made ready, which a resume may not need."""
        position = self._resume.get(key.instrument)
        is_there = (
            key.instrument not in self._service.market.instruments
            or (position is not None and self._service.leads_on(key, *position))
            or self._service.is_ready(self._subscriber, key, key.instrument)
        )
        self.is_waiting = not is_there
        return self.is_waiting

    def _follow(self, key: ChannelKey) -> None:
        position = self._resume.get(key.instrument)
        if position is None:
            self._service.subscribe(self._subscriber, key)
        else:
            self._service.resume(self._subscriber, key, *position)

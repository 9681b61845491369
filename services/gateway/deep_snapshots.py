"""Deep books' snapshots: made once for all who ask, a part a turn, and sent with the changes since.

A snapshot of a book of 300,000 levels takes 300 ms to encode, in which nobody else would be served. So it is made in
parts (`snapshot_making`), and whoever asks waits for it. It then shows the book as it stood a moment ago. A merged
delta behind it leads to the present, so one snapshot serves all who ask, for as long as that delta is bounded. Owns
which snapshots are made and kept. Leaves waiting to those who ask.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from openoutcry.wire.messages import Message
from services.gateway.history import BookHistory
from services.gateway.replica import InstrumentReplica
from services.gateway.snapshot_making import MadeSnapshot, SnapshotMaking

DEEP_LEVELS: Final = 10_000
"""A book of more levels, both sides together, is deep: a snapshot of so many takes some 10 ms."""
KEPT_BYTES_MAX: Final = 64 * 1024 * 1024
"""Of snapshots that are kept for who asks next; beyond it the oldest are forgotten, all but the newest."""


class _Made(NamedTuple):
    snapshot: MadeSnapshot
    history: BookHistory
    """Of which the book was."""
    size: int
    """Bytes, in all encodings."""


class _Making(NamedTuple):
    instrument: InstrumentReplica
    history: BookHistory
    """Of which the book is."""
    snapshot: SnapshotMaking


class DeepSnapshots:
    """All that are made or kept, at most one of each instrument."""

    def __init__(self) -> None:
        self._wanted: dict[InstrumentReplica, None] = {}  # first come, first made
        self._making: _Making | None = None
        self._made: dict[InstrumentReplica, _Made] = {}

    @property
    def has_more(self) -> bool:
        """Whether `do_part` has something to do."""
        return self._making is not None or bool(self._wanted)

    def is_deep(self, instrument: InstrumentReplica) -> bool:
        """Tell whether a book has too many levels to be sent at once; O(1)."""
        book = instrument.book
        return len(book.bids) + len(book.asks) > DEEP_LEVELS

    def is_ready(self, instrument: InstrumentReplica) -> bool:
        """Tell whether a book's state can be sent; if not a snapshot is being made. O(levels of the delta)."""
        return instrument.is_broken or not self.is_deep(instrument) or bool(self.state(instrument))

    def state(self, instrument: InstrumentReplica) -> Sequence[Message]:
        """
        Return a snapshot that has been made, and the merged delta that leads from it to the present, if there is one.

        Nothing if there is no snapshot from which one leads on: then one is made, so ask again. O(levels of the delta).
        """
        made = self._made.get(instrument)
        if made is not None and made.history is instrument.history:
            if made.snapshot.seq == instrument.book.seq:
                return (made.snapshot,)
            delta = instrument.delta_since(made.snapshot.seq)
            if delta is not None:
                return (made.snapshot, delta)
        if self._making is None or self._making.instrument is not instrument:
            self._wanted[instrument] = None
        return ()

    def do_part(self) -> InstrumentReplica | None:
        """
        Make the next part of what is wanted, of which there must be something.

        Returns:
            The instrument whose snapshot is complete by that; None if none is.
        """
        making = self._making
        if making is None:
            instrument = next(iter(self._wanted))
            del self._wanted[instrument]
            if instrument.is_broken:
                return None  # its levels are wrong: who still wants it asks again
            snapshot = SnapshotMaking(instrument.book, instrument.bid_orders, instrument.ask_orders)
            instrument.making = snapshot
            self._making = making = _Making(instrument, instrument.history, snapshot)
        if making.snapshot.do_part():
            return None
        self._making = None
        if making.instrument.making is making.snapshot:
            making.instrument.making = None
        self._keep(making)
        return making.instrument

    def _keep(self, making: _Making) -> None:
        snapshot = making.snapshot.made()
        self._made.pop(making.instrument, None)
        self._made[making.instrument] = _Made(snapshot, making.history, sum(map(len, snapshot.frames.values())))
        size = sum(made.size for made in self._made.values())
        for instrument in list(self._made)[:-1]:
            if size <= KEPT_BYTES_MAX:
                break
            size -= self._made.pop(instrument).size

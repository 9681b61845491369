"""The engine's output: one packet for each batch of commands.

Owns the collecting of a batch's events, and the packets' chain of positions. Leaves to others what a batch is, the
packet's id and when it is published. Bounded by the batch: a reader of the command log cuts batches by commands.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any, Final

from openoutcry.wire.messages import Auction, Status, Terms
from services.matching.engine import Engine
from services.matching.traded_instrument import TradedInstrument
from shared.logs.commands import Command
from shared.logs.events import BookChange, Event, Outcome
from shared.logs.packet import GROWN_VERSION, PLAIN_VERSION, SECTIONS, Packet, has_grown

_EVENTS: Final = tuple(section.kind for section in SECTIONS if section.kind is not BookChange)
"""What the engine answers to commands; books are asked for their changes, and calls for what they would come to, when
the packet is made."""
_LATER: Final = tuple((section.kind, section.since) for section in SECTIONS if section.since > PLAIN_VERSION)
"""In the order of their versions."""


class PacketBuilder:
    """
    Apply commands and gather what they cause.

    Args:
        engine: Its position is that of the last packet.
    """

    __slots__ = ("_prev", "_sections", "engine")

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        engine.has_told_special = False  # of packets before
        self._prev = engine.position
        self._sections: dict[type[Any], list[Any]] = {kind: [] for kind in _EVENTS}  # in the packet's order

    @property
    def commands(self) -> int:
        """Commands in the packet being built."""
        return len(self._sections[Outcome])

    def apply(self, command: Command, time_us: int) -> list[Event]:
        """Apply a command and keep its events for the packet; returns them too."""
        events = self.engine.apply(command, time_us)
        sections = self._sections
        for event in events:
            sections[type(event)].append(event)
        return events

    def take(self) -> Packet | None:
        """
        Return the packet of all commands since the last one, and begin anew; None if none was applied.

        A command that was skipped as a repetition makes no packet. O(events and levels touched).
        """
        if self.engine.position == self._prev:
            return None
        return self._take()

    def marker(self) -> Packet:
        """Return a new leader's first packet: it says that a term begins, and nothing else."""
        assert self.engine.position == self._prev, "a marker stands between two batches"
        return self._take()

    def _take(self) -> Packet:
        engine, sections = self.engine, self._sections
        prev, self._prev = self._prev, engine.position
        changed = engine.take_changed()
        changes = changes_of(changed)
        sections[Auction] = auctions_of(changed)
        version = PLAIN_VERSION
        for kind, since in _LATER:
            if sections[kind]:
                version = since
        if version < GROWN_VERSION and any(map(has_grown, chain(sections[Status], sections[Terms]))):
            version = GROWN_VERSION
        if engine.has_told_special:
            engine.has_told_special = False
            version = max(version, GROWN_VERSION)
        # The named tuple's own constructor would take a fifth of this method.
        packet = tuple.__new__(
            Packet,
            (
                version,
                engine.epoch,
                prev,
                engine.position,
                engine.log_id,
                engine.time,
                changes,
                *sections.values(),
            ),
        )
        for kind in _EVENTS:
            sections[kind] = []
        return packet


def take_changes(engine: Engine) -> list[BookChange]:
    """Return and forget what has changed in every book, in order of first touch; auctions count as told."""
    changed = engine.take_changed()
    auctions_of(changed)
    return changes_of(changed)


def changes_of(markets: Iterable[TradedInstrument]) -> list[BookChange]:
    """Return and forget what has changed in these books."""
    changes: list[BookChange] = []
    for market in markets:
        change = market.book.take_change()
        if change is not None:
            changes.append(change)
    return changes


def auctions_of(markets: Iterable[TradedInstrument]) -> list[Auction]:
    """Return what the calls among these would come to, where that is news, and count it as told."""
    auctions: list[Auction] = []
    for market in markets:
        if market.book.call is not None or market.told_auction is not None:
            auction = market.take_auction()
            if auction is not None:
                auctions.append(auction)
    return auctions

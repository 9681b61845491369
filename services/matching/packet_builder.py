"""What the engine tells the world: one packet for each batch of commands.

Owns the collecting of a batch's events, and the packets' chain of positions. Leaves to others what a batch is, the
packet's id and when it is published. Bounded by the batch: a reader of the command log cuts batches by commands.
"""

from __future__ import annotations

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Status, Trade
from services.matching.engine import Engine
from shared.logs.commands import Command
from shared.logs.events import BookChange, Event, Outcome, PrivateExecution, Watch
from shared.logs.packet import PACKET_VERSION, Packet


class PacketBuilder:
    """
    Apply commands and gather what they cause.

    Args:
        engine: Its position is that of the last packet.
    """

    __slots__ = ("_executions", "_listings", "_outcomes", "_prev", "_statuses", "_trades", "_watches", "engine")

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._prev = engine.position
        self._start()

    @property
    def commands(self) -> int:
        """Commands in the packet being built."""
        return len(self._outcomes)

    def apply(self, command: Command, time_us: int) -> list[Event]:
        """Apply a command and keep its events for the packet; returns them too."""
        events = self.engine.apply(command, time_us)
        for event in events:
            if type(event) is PrivateExecution:
                self._executions.append(event)
            elif type(event) is Outcome:
                self._outcomes.append(event)
            elif type(event) is Trade:
                self._trades.append(event)
            elif type(event) is Status:
                self._statuses.append(event)
            elif type(event) is Watch:
                self._watches.append(event)
            else:
                assert type(event) is Instrument, "there is no other event"
                self._listings.append(event)
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
        engine = self.engine
        packet = Packet(
            PACKET_VERSION,
            engine.epoch,
            self._prev,
            engine.position,
            engine.log_id,
            engine.time,
            take_changes(engine),
            self._trades,
            self._executions,
            self._outcomes,
            self._statuses,
            self._listings,
            self._watches,
        )
        self._prev = engine.position
        self._start()
        return packet

    def _start(self) -> None:
        self._trades: list[Trade] = []
        self._executions: list[PrivateExecution] = []
        self._outcomes: list[Outcome] = []
        self._statuses: list[Status] = []
        self._listings: list[Instrument] = []
        self._watches: list[Watch] = []


def take_changes(engine: Engine) -> list[BookChange]:
    """Return and forget what has changed in every book, in order of first touch."""
    changes = (market.book.take_change() for market in engine.take_changed())
    return [change for change in changes if change is not None]

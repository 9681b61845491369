"""Random markets as the ledger meets them: a command log, and the feed that an engine makes of it."""

from __future__ import annotations

from typing import NamedTuple

from services.ledger.command_block import StoredEntry
from services.matching import Engine
from services.matching.packet_builder import PacketBuilder
from shared.logs.commands import Command, encode_commands
from shared.logs.packet import encode_packet
from shared.logs.stream_keys import COMMANDS_FIELD, PACKET_FIELD, PUBLISHED_FIELD

EPOCH = 77
START_MS = 20_000 * 86_400_000
"""A day that is not the first of all days."""


class RecordedMarket(NamedTuple):
    """Both logs, as the store has them."""

    engine: Engine
    """After all of it."""
    entries: list[StoredEntry]
    """One command each."""
    feed: list[StoredEntry]


def recorded(log: list[Command], cuts: set[int], step_ms: int = 700, start_ms: int = START_MS) -> RecordedMarket:
    """Apply a log, and cut it into packets before the commands of these numbers."""
    engine = Engine()
    engine.begin_epoch(EPOCH)
    builder = PacketBuilder(engine)
    recording = Recording(builder)
    recording.take(marker=True)
    for n, command in enumerate(log):
        if n in cuts:
            recording.take()
        recording.apply(command, start_ms + n * step_ms)
    recording.take()
    return RecordedMarket(engine, recording.entries, recording.feed)


class Recording:
    """Both logs, while they grow."""

    def __init__(self, builder: PacketBuilder, term: int = 1) -> None:
        self.builder = builder
        self.term = term
        self.entries: list[StoredEntry] = []
        self.feed: list[StoredEntry] = []

    def apply(self, command: Command, ms: int) -> None:
        entry_id = f"{ms}-{len(self.entries)}"
        self.entries.append((entry_id.encode(), {COMMANDS_FIELD: encode_commands([command])}))
        self.builder.apply(command, ms * 1_000)
        self.builder.engine.log_id = entry_id

    def take(self, *, marker: bool = False) -> None:
        packet = self.builder.marker() if marker else self.builder.take()
        if packet is not None:
            fields = {PACKET_FIELD: encode_packet(packet), PUBLISHED_FIELD: b"5"}
            self.feed.append((f"{self.term}-{packet.position}".encode(), fields))

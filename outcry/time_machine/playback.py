"""A market that lives again: from a mark on, the recorded commands in their order.

Owns the walk along the record's line: which blocks, which of their entries, where one history leaves another, and that
no command is missing. Leaves to its users when to stop, and what to compare. Invariant: the engine's state follows from
the mark and the entries that were taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from openoutcry.wire.errors import MalformedMessage
from outcry.time_machine.difference import Difference, shown
from outcry.time_machine.record import BlockRow, MarkRow, Record, Stretch
from outcry.time_machine.time_text import moment_text
from outcry.time_machine.unrecorded import DamagedRecord, NotRecorded, OtherRelease
from services.ledger.command_block import ENCODING, StoredEntry, decode_entries, entry_place
from services.matching.command_log import LogEntry, decode_entry, entry_time_us
from services.matching.engine import Engine
from services.matching.recovery.checkpoint import Checkpoint, decode_checkpoint
from shared.logs.engine_version import ENGINE_VERSION
from shared.logs.stream_keys import StreamKeys
from shared.store_errors import CorruptEntry, LaterRelease

_COMMANDS: Final = StreamKeys().commands


class MissingCommands(NotRecorded):
    """Commands are missing: the replay comes to positions that the record does not hold."""

    def __init__(self, history: int, after: int, until: int) -> None:
        super().__init__("in_gap", f"the record has no commands of positions {after + 1:,} to {until:,}")
        self.history = history
        self.after = after
        self.until = until


def checkpoint_of(mark: MarkRow, data: bytes) -> Checkpoint:
    """
    Return what a mark holds.

    Raises:
        OtherRelease: If a later release made it.
        DamagedRecord: If it cannot be read, or is of another position.
    """
    check_release(mark)
    try:
        checkpoint = decode_checkpoint(data)
    except MalformedMessage as error:
        raise _damaged_mark(mark, "data", "what cannot be read", str(error)) from error
    position = checkpoint.engine.position
    if position != mark.position:
        raise _damaged_mark(mark, "position", shown(mark.position), f"{position:,} in its checkpoint")
    if checkpoint.engine.log_id != mark.log_id:
        raise _damaged_mark(mark, "log_id", mark.log_id, f"{checkpoint.engine.log_id} in its checkpoint")
    return checkpoint


def check_release(mark: MarkRow) -> None:
    """
    Do nothing if this release can judge a mark.

    Raises:
        OtherRelease: If a later release made it.
    """
    if mark.engine_version > ENGINE_VERSION:
        raise OtherRelease(
            f"the mark at position {mark.position:,} is of engine version {mark.engine_version}, this release knows "
            f"{ENGINE_VERSION}: use a release that knows {mark.engine_version}"
        )


def _damaged_mark(mark: MarkRow, field: str, recorded: str, found: str) -> DamagedRecord:
    return DamagedRecord(Difference(mark.history, mark.position, "mark", "", field, recorded, found))


class Playback:
    """
    One replay.

    Args:
        record: Where the commands come from.
        stretches: The record's line from the history of the mark on.
        mark: Where it begins.
        checkpoint: What the mark holds; its engine is changed.
    """

    def __init__(self, record: Record, stretches: Sequence[Stretch], mark: MarkRow, checkpoint: Checkpoint) -> None:
        self._record = record
        self._stretches = stretches
        self.stretch = stretches[0]
        """Where the engine stands; its history's epoch is the engine's."""
        self.engine: Engine = checkpoint.engine
        self.block: BlockRow | None = None
        """The block that is read; the entry taken last is one of its."""
        self.stored: list[StoredEntry] = []
        """All of its entries."""
        self.taken: list[StoredEntry] = []
        """Entries taken since whoever takes them last emptied this."""
        self._after = entry_place(mark.log_id.encode())
        self._is_behind_mark = False
        self.entries = self._entries()
        """
        What comes next, entry by entry; whoever takes one applies all of its commands before the next is taken. Raises
        MissingCommands, OtherRelease, or DamagedRecord if a block cannot be read.
        """

    def _entries(self) -> Iterator[LogEntry]:
        for stretch in self._stretches:
            if stretch is not self.stretch:
                self.stretch = stretch
                if stretch.epoch != self.engine.epoch:
                    self.engine.begin_epoch(stretch.epoch)
            yield from self._of(stretch)

    def _of(self, stretch: Stretch) -> Iterator[LogEntry]:
        engine = self.engine
        for block in self._record.blocks(stretch.history, engine.position):
            if block.first_position > engine.position + 1:
                raise MissingCommands(stretch.history, engine.position, block.first_position - 1)
            self.block, self.stored = block, stored_entries(block)
            for stored in self.stored:
                if stretch.until is not None and engine.position >= stretch.until:
                    return
                if not self._is_behind_mark:
                    if entry_place(stored[0]) <= self._after:
                        continue
                    self._is_behind_mark = True
                self.taken.append(stored)
                yield read_entry(block, stored)
            if engine.position < block.last_position and (stretch.until is None or engine.position < stretch.until):
                raise DamagedRecord(
                    block_finding(block, "last_position", shown(block.last_position), shown(engine.position))
                )
        if stretch.until is not None and engine.position < stretch.until:
            raise MissingCommands(stretch.history, engine.position, stretch.until)


def stored_entries(block: BlockRow) -> list[StoredEntry]:
    """
    Return a block's entries as they stood in the log.

    Raises:
        DamagedRecord: If the block's bytes are none, or in another encoding.
    """
    if block.encoding != ENCODING:
        raise DamagedRecord(block_finding(block, "encoding", block.encoding, ENCODING))
    try:
        return decode_entries(block.data)
    except MalformedMessage as error:
        raise DamagedRecord(block_finding(block, "data", "what cannot be read", str(error))) from error


def read_entry(block: BlockRow, stored: StoredEntry) -> LogEntry:
    """
    Return an entry as an engine reads it: one that no writer writes has no commands.

    Raises:
        OtherRelease: At the first command of a later release.
    """
    try:
        return decode_entry(_COMMANDS, *stored)
    except CorruptEntry as error:
        return LogEntry(error.entry_id, entry_time_us(error.entry_id), [])
    except LaterRelease as error:
        raise OtherRelease(f"block {block.number} (history {block.history}): {error}") from error


def block_finding(block: BlockRow, field: str, recorded: str, found: str) -> Difference:
    """Return what is wrong with a block."""
    return Difference(block.history, block.first_position, "block", f"number {block.number}", field, recorded, found)


def gap_text(after: int, until: int, times: tuple[int, int] | None = None) -> str:
    """Say which part of the market the record does not hold."""
    when = f", {moment_text(times[0])} to {moment_text(times[1])}" if times is not None else ""
    return f"the record has a gap: positions {after + 1:,} to {until:,}{when}; what happened there is not known"

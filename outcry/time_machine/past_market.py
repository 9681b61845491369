"""The market as it was at a moment: the nearest mark before it, the commands after that, and what was due by then.

*At T* means: after the last command whose log time is at most T, and after the timers that were due by T. *At a
position* means: right after the command that has it. Between two packets nothing was published, so a digest can be
compared at the last whole packet before; the answer says where that was.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from outcry.time_machine.difference import Difference
from outcry.time_machine.playback import MissingCommands, Playback, checkpoint_of, gap_text
from outcry.time_machine.record import MarkRow, PacketRow, Record, Stretch, line
from outcry.time_machine.time_text import moment_text
from outcry.time_machine.unrecorded import DamagedRecord, NotRecorded
from services.ledger.fork import WriterPlace
from services.matching.command_log import entry_time_us
from services.matching.engine import Engine
from shared.logs.commands import PassTime

_SOURCE: Final = "time-machine"
"""Writes into no log; the engine that takes its commands is thrown away."""


class Comparison(NamedTuple):
    """What a replayed book was compared with."""

    position: int
    """Of the packet that published it, at or before the moment."""
    seq: int
    digest: int


class PastMarket(NamedTuple):
    """A market at a moment."""

    engine: Engine
    """What is asked of it; nobody goes on with it."""
    history: int
    epoch: int
    position: int
    log_id: str
    time: int
    """Of the last command, µs; of what happened by itself after it, if something was due."""
    replayed: int
    """Commands since the mark."""
    mark_position: int
    compared: dict[str, Comparison]
    """By symbol: the books whose last published digest the replay has come to."""


def known_line(record: Record) -> tuple[WriterPlace, list[Stretch]]:
    """
    Return the place and the line to it.

    Raises:
        NotRecorded: If there is none.
    """
    place = record.place()
    if place is None:
        raise NotRecorded("no_ledger", "the ledger has written nothing yet")
    return place, line(record.histories(), place.history)


def market_at(record: Record, time_us: int, books: Iterable[str] = ()) -> PastMarket:
    """
    Return the market at a moment.

    Args:
        record: The ledger's.
        time_us: µs since 1970.
        books: Symbols whose digest is compared with the one that was published.

    Raises:
        NotRecorded: Before the first mark, beyond the place, or in a gap.
        OtherRelease: See `Playback`; or DamagedRecord, also if a digest differs.
    """
    place, stretches = known_line(record)
    if time_us > place.time:
        raise NotRecorded("not_yet", f"the ledger is at {moment_text(place.time)}, position {place.position:,}")
    mark = _mark_at(record, stretches, time_us)
    if mark is None:
        raise _before(record, stretches)
    return _Journey(record, stretches, mark, books, time_us=time_us).made()


def market_at_position(record: Record, position: int, books: Iterable[str] = ()) -> PastMarket:
    """Return the market right after the command at a position; see `market_at`."""
    place, stretches = known_line(record)
    if position > place.position:
        raise NotRecorded("not_yet", f"the ledger is at position {place.position:,}, {moment_text(place.time)}")
    for stretch in reversed(stretches):
        mark = record.mark_before(stretch.history, stretch.until, position=position)
        if mark is not None:
            return _Journey(record, stretches, mark, books, position=position).made()
    raise _before(record, stretches)


def _mark_at(record: Record, stretches: list[Stretch], time_us: int) -> MarkRow | None:
    for stretch in reversed(stretches):
        mark = record.mark_before(stretch.history, stretch.until, time=time_us)
        # The engine may have believed less of the log's time: such a mark holds commands of after the moment.
        while mark is not None and _entry_time_us(mark) > time_us:
            mark = record.mark_before(stretch.history, stretch.until, position=mark.position - 1)
        if mark is not None:
            return mark
    return None


def _entry_time_us(mark: MarkRow) -> int:
    try:
        return entry_time_us(mark.log_id)
    except ValueError:
        found = Difference(mark.history, mark.position, "mark", "", "log_id", mark.log_id, "the id of an entry")
        raise DamagedRecord(found) from None


def _before(record: Record, stretches: list[Stretch]) -> NotRecorded:
    for stretch in stretches:
        marks = record.marks(stretch.history, 0, stretch.until)
        if marks:
            first = marks[0]
            begins = f"position {first.position:,}" + (f", {moment_text(first.time)}" if first.time else "")
            return NotRecorded("before_ledger", f"the ledger begins at {begins}")
    return NotRecorded("before_ledger", "the ledger has no mark yet: the first one comes with the engine's checkpoint")


class _Journey:
    """One way from a mark to a moment."""

    def __init__(
        self,
        record: Record,
        stretches: list[Stretch],
        mark: MarkRow,
        books: Iterable[str],
        *,
        time_us: int | None = None,
        position: int | None = None,
    ) -> None:
        self._record = record
        self._mark = mark
        self._books = tuple(books)
        self._time_us = time_us
        self._position = position
        first = next(place for place, stretch in enumerate(stretches) if stretch.history == mark.history)
        self._stretches = stretches[first:]
        checkpoint = checkpoint_of(mark, record.mark_data(mark.history, mark.position))
        self._playback = Playback(record, self._stretches, mark, checkpoint)
        self.engine = self._playback.engine
        self._log_id = mark.log_id
        self._compared: dict[str, Comparison] = {}

    def made(self) -> PastMarket:
        check = self._last_packet()
        try:
            self._replay(check)
        except MissingCommands as missing:
            raise self._gap(missing) from missing
        return self._arrived()

    def _replay(self, check: tuple[Stretch, PacketRow] | None) -> None:
        engine = self.engine
        whole = check[1].position if check is not None else -1
        if engine.position == whole and check is not None:
            self._compare(*check)
        for entry in self._playback.entries:
            self._playback.taken.clear()  # nobody asks
            if self._time_us is not None and entry.time_us > self._time_us:
                return
            for command in entry.commands:
                if engine.position == self._position:
                    return
                engine.apply(command, entry.time_us)
            self._log_id = entry.entry_id
            if engine.position == whole and check is not None:
                self._compare(*check)
                check = None
            if engine.position == self._position:
                return

    def _arrived(self) -> PastMarket:
        engine, stretch = self.engine, self._playback.stretch
        position = engine.position
        if self._position is not None and position != self._position:
            raise DamagedRecord(
                Difference(stretch.history, self._position, "block", "", "", f"commands up to {position:,}", "more")
            )
        believed = min(self._time_us or 0, engine.time_limit)
        if engine.timers.next_due <= believed:
            # The engine does what is due before it applies a command: it is given one that does nothing else.
            engine.apply(PassTime(_SOURCE, 1, 0), believed)
        return PastMarket(
            engine,
            stretch.history,
            stretch.epoch,
            position,
            self._log_id,
            engine.time,
            position - self._mark.position,
            self._mark.position,
            self._compared,
        )

    def _last_packet(self) -> tuple[Stretch, PacketRow] | None:
        for stretch in reversed(self._stretches):
            after = max(stretch.after, self._mark.position)
            packet = self._record.packet_before(
                stretch.history, after, stretch.until, position=self._position, time=self._time_us
            )
            if packet is not None:
                return stretch, packet
        return None

    def _compare(self, stretch: Stretch, packet: PacketRow) -> None:
        """Compare the books asked for with what was published of them last."""
        for symbol in self._books:
            market = self.engine.instruments.get(symbol)
            after = max(stretch.after, self._mark.position)
            told = self._record.book_mark(stretch.history, symbol, after, packet.position)
            if market is None or told is None:
                continue
            position, seq, digest = told
            book = market.book
            if (book.seq, book.digest) != (seq, digest):
                found, wanted = f"seq {seq:,}, digest {digest}", f"seq {book.seq:,}, digest {book.digest}"
                raise DamagedRecord(Difference(stretch.history, position, "book_mark", symbol, "", found, wanted))
            self._compared[symbol] = Comparison(position, seq, digest)

    def _gap(self, missing: MissingCommands) -> NotRecorded:
        told = [
            (gap.from_position, gap.until_position)
            for gap in self._record.gaps()
            if gap.history == missing.history and gap.from_position <= missing.after < gap.until_position
        ]
        after, until = told[0] if told else (missing.after, missing.until)
        before = self._record.packet_before(missing.history, 0, None, position=after)
        marks = self._record.marks(missing.history, until, None)
        times = (before.time, marks[0].time) if before is not None and marks else None
        return NotRecorded("in_gap", gap_text(after, until, times))

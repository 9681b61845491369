"""The ledger as a service: follows both logs into the database, whatever happens to either side.

Owns what each failure means. The market never waits for it: it may be slow, late or dead. The database away or full:
again after 0.1 to 5 s, from the place that it has. The store away: likewise. Packets that nobody has any more: the gap
is written down, and the ledger goes on from the store's checkpoint. What it cannot read or write: it ends, and says
what.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Final

import structlog
from sqlalchemy import Connection, Engine, func, select

from openoutcry.wire.backoff import Backoff
from services.ledger import schema
from services.ledger.aio.database import database_file, masked, open_engine
from services.ledger.aio.ledger_writer import AWAY, LedgerWriter, try_lock
from services.ledger.aio.log_follower import LogBatch, LogFollower
from services.ledger.aio.metrics import LedgerMetrics
from services.ledger.aio.migration import check_tables, is_empty, migrate
from services.ledger.aio.ownership import check_owner
from services.ledger.aio.recorder import PacketsMissing, Recorder
from services.ledger.aio.settings import LedgerSettings
from services.ledger.aio.store_mark import MARK_COMMANDS, MARK_S, StoredMark, StoredMarks
from services.ledger.command_block import StoredEntry
from services.ledger.draft import COMMANDS_MAX, CommandsMissing
from services.ledger.fork import WriterPlace
from services.ledger.proof.block_chain import BlockChain
from shared.aio.cancellation import raise_if_cancelled
from shared.aio.first_error import first_error
from shared.aio.redis_connection import UNREACHABLE, Redis, RedisError
from shared.aio.redis_line import RedisLine
from shared.aio.store_failure import store_failure
from shared.logs.ledger_place import LedgerPlace, encode_ledger_place
from shared.logs.packet import FeedId
from shared.logs.refused_access import read_refused
from shared.logs.stream_keys import StreamKeys
from shared.store_errors import CorruptEntry

HEALING_S: Final = 5.0
"""How long a log that does not hold a packet's commands may take to be restored, before they count as missing."""
ACCESSES_IN_READ_MAX: Final = 1_000
"""Refused accesses that are written at once."""
GATHER_S: Final = 0.2
"""From the beginning of a transaction to that of the next, while there is less than a full one."""
LOOK_S: Final = 5.0
"""Between two looks at the lengths of the logs, and at whether a mark is due."""
LOCK_S: Final = 1.0
"""Between two attempts to become the only writer."""
_STORE_AWAY: Final = (*UNREACHABLE, RedisError)


class LedgerService:
    """
    One shard's ledger.

    Args:
        settings: Checked.
        reading: The reader's client of the store.
        asking: For everything else.
        chain: Makes the chain of blocks, as the database has it.
        metrics: Where it counts.
        random: Jitter.
    """

    def __init__(
        self,
        settings: LedgerSettings,
        reading: Redis,
        asking: Redis,
        chain: Callable[[Connection], BlockChain],
        metrics: LedgerMetrics,
        random: Random,
    ) -> None:
        self.unready = "starting"
        """Why it does not write at present; "": it does."""
        self.metrics = metrics
        self._settings = settings
        self._keys = StreamKeys(settings.shard)
        self._reading = RedisLine(reading)
        self._asking = RedisLine(asking)
        self._marks = StoredMarks(self._asking, self._keys)
        self._mark: StoredMark | None = None
        self._marked_position = -1
        self._marked_term = -1
        self._marked_at = 0.0
        self._looked_at = 0.0
        self._began_at = 0.0
        self._accesses_at = 0.0
        self._access_after = ""
        self._chain = chain
        self._engine: Engine = open_engine(settings.url(), writes=True)
        self._backoff = Backoff(random, first_s=0.1, max_s=5.0)
        self._missing_since: float | None = None
        self._place: WriterPlace | None = None  # the last one that is known
        self._stop = asyncio.Event()
        self._log = structlog.get_logger()

    def stop(self) -> None:
        """End in order: what is under way is finished."""
        self._stop.set()

    @property
    def is_stopping(self) -> bool:
        """Whether it has been asked to end."""
        return self._stop.is_set()

    async def run(self) -> None:
        """
        Write until it is stopped.

        Raises:
            PlaceTaken: Another ledger writes.
            RecordRefused: The database does not take a row.
            WrongTables: The tables are another's, or another release's.
            CorruptEntry: A packet cannot be read.
        """
        while not self._stop.is_set():
            raise_if_cancelled()
            connection: Connection | None = None
            try:
                await asyncio.to_thread(self._make_embedded)
                connection = await asyncio.to_thread(self._engine.connect)
                await asyncio.to_thread(check_tables, connection, masked(self._settings.ledger_database))
                await asyncio.to_thread(check_owner, connection, self._settings.ledger_product, self._settings.shard)
                if await self._lock(connection):
                    await self._write(connection)
            except AWAY as error:
                self.metrics.database_failures += 1
                self._tell(f"the database does not do its work: {_one_line(error)}")
                await self._look_from_afar()
                await self._wait()
            except _STORE_AWAY as error:
                self._tell(f"the store does not do its work: {store_failure(error)}")
                await self._wait()
            finally:
                if connection is not None:
                    with suppress(*AWAY):
                        await asyncio.to_thread(_hang_up, connection)

    async def wait_for_stop(self, seconds: float) -> None:
        """Return once it is to end, or so much later."""
        await self._stopped_within(seconds)

    # -- private ------------------------------------------------------------------------------------------------------

    def _make_embedded(self) -> None:
        """Make the tables of an SQLite file that is new, or was left empty by one who was killed while making them."""
        file = database_file(self._settings.url())
        if file is None:
            return
        try:
            if not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
            elif file.is_file() and not is_empty(self._engine):
                return
            migrate(self._settings.url())
        except OSError as error:  # such as a folder that may not be written: as if the database were away
            raise sqlite3.OperationalError(str(error)) from error

    async def _lock(self, connection: Connection) -> bool:
        while not await asyncio.to_thread(try_lock, connection, self._settings.shard):
            self._tell("standing by: another ledger writes")
            if await self._stopped_within(LOCK_S):
                return False
        return True

    async def _write(self, connection: Connection) -> None:
        """Write with one writer, which is made anew after packets or commands were missing."""
        while not self._stop.is_set():
            writer = await asyncio.to_thread(LedgerWriter, connection, self._settings.shard, self._chain)
            recorder = Recorder(writer)
            self._count(writer)
            await self._tell_store(writer)
            self.metrics.gaps = await asyncio.to_thread(_gaps, connection)
            follower = LogFollower(self._reading, self._keys, writer.place)
            self._ready()
            try:
                await self._follow(follower, recorder)
            except PacketsMissing as missing:
                await self._go_on(writer, str(missing))
            except CommandsMissing as missing:
                await self._miss_commands(writer, str(missing))

    async def _follow(self, follower: LogFollower, recorder: Recorder) -> None:
        """Read ahead by one batch while the one before is written."""
        queue: asyncio.Queue[LogBatch] = asyncio.Queue(1)
        try:
            async with asyncio.TaskGroup() as tasks:
                reading = tasks.create_task(self._read(follower, queue), name="both logs")
                await self._record(queue, recorder)
                reading.cancel()
        except BaseExceptionGroup as group:
            raise first_error(group) from group

    async def _read(self, follower: LogFollower, queue: asyncio.Queue[LogBatch]) -> None:
        try:
            while True:
                batch = await follower.read()
                if batch.feed and not self.metrics.waiting_since_us:
                    self.metrics.waiting_since_us = batch.feed[0].published_us
                if not batch.feed and await follower.is_behind():
                    self._tell("the feed ends before the ledger's place: its store lost its tail; waiting for it")
                await self._look(follower)
                await queue.put(batch)
        except (CorruptEntry, CommandsMissing, *_STORE_AWAY) as error:
            # Told in turn: what came before is written, and nobody hangs up on a transaction.
            await queue.put(LogBatch([], [], error=error))

    async def _record(self, queue: asyncio.Queue[LogBatch], recorder: Recorder) -> None:
        log: deque[StoredEntry] = deque()
        writer = recorder.writer
        while not self._stop.is_set():
            batch = await self._gather(queue)
            if batch.feed:
                log.extend(batch.log)
                self.metrics.waiting_since_us = batch.feed[0].published_us
                try:
                    with self.metrics.transaction_seconds.time():
                        await asyncio.to_thread(recorder.record, batch.feed, log)
                finally:
                    self._count(writer, recorder)
                self._ready()
                self._backoff.reset()
                self._missing_since = None
            if queue.empty():
                self.metrics.waiting_since_us = batch.feed[-1].published_us if batch.more else 0
            if batch.error is not None:
                raise batch.error
            await self._keep_mark(writer)
            await self._keep_accesses(writer)
            await self._tell_store(writer)

    async def _gather(self, queue: asyncio.Queue[LogBatch]) -> LogBatch:
        """Return what has come since the last transaction began, GATHER_S ago at least or a transaction full."""
        batch = await queue.get()
        until = self._began_at + GATHER_S
        commands = commands_of(batch)
        while (
            batch.feed and batch.error is None and commands < COMMANDS_MAX and (left_s := until - time.monotonic()) > 0
        ):
            try:
                more = await asyncio.wait_for(queue.get(), left_s)
            except TimeoutError:
                break
            commands += commands_of(more)
            batch = LogBatch(batch.feed + more.feed, batch.log + more.log, more.more, more.error)
        self._began_at = time.monotonic()
        return batch

    async def _tell_store(self, writer: LedgerWriter) -> None:
        """Have the store keep what is not written yet."""
        place = writer.place
        if place is not None:
            told = encode_ledger_place(LedgerPlace(FeedId.parse(place.feed_id), place.log_id))
            await self._asking.call("SET", self._keys.ledger, told)

    # What is missing.

    async def _miss_commands(self, writer: LedgerWriter, reason: str) -> None:
        """Wait for a log that is being restored; then go on behind what is lost."""
        now = time.monotonic()
        if self._missing_since is None:
            self._missing_since = now
        self._tell(f"commands are missing: {reason}")
        if now - self._missing_since > HEALING_S:
            await self._go_on(writer, reason)
        await self._stopped_within(0.2)

    async def _go_on(self, writer: LedgerWriter, reason: str) -> None:
        """Go on from the store's checkpoint, if it is ahead; wait for one that is."""
        standing = await self._marks.standing()
        place = writer.place
        position = place.position if place is not None else -1
        if standing is None or standing.mark.head.position <= position:
            at = standing.mark.head.position if standing is not None else "nowhere"
            self._tell(f"{reason}; waiting for a checkpoint behind position {position}, the newest is at {at}")
            await self._stopped_within(1.0)
            return
        why = f"the store did not hold them any more: {reason}" if place is not None else "the ledger began here"
        await asyncio.to_thread(writer.jump, standing, why)
        self._missing_since = None

    # Marks, and how full the store is.

    async def _look(self, follower: LogFollower) -> None:
        now = time.monotonic()
        if now - self._looked_at < LOOK_S:
            return
        self._looked_at = now
        packets, entries = await follower.lengths()
        self.metrics.hold_share = max(
            packets / max(1, self._settings.ledger_hold_packets), entries / max(1, self._settings.ledger_hold_entries)
        )

    async def _look_from_afar(self) -> None:
        """Find out how late the ledger is while it cannot write, and how full the store has become."""
        with suppress(*_STORE_AWAY, CorruptEntry):
            follower = LogFollower(self._reading, self._keys, self._place)
            await self._look(follower)
            if not self.metrics.waiting_since_us:
                self.metrics.waiting_since_us = await follower.next_published_us()

    async def _keep_mark(self, writer: LedgerWriter) -> None:
        """
        Keep a checkpoint of the store now and then, and behind each close and each change of the leader.

        The settings that a leader has are in no log, and its checkpoint alone tells them.
        """
        place, now = writer.place, time.monotonic()
        if place is None:
            return
        if self._mark is None:
            if not self._mark_is_due(place, writer, now):
                return
            self._marked_at = now
            found = await self._marks.newest()
            if found is None or not self._is_wanted(found, place, writer):
                return
            self._mark = found
        head = self._mark.head
        if head.epoch != place.epoch:
            self._mark = None
        elif place.position >= head.position:
            row = (place.history, head.position, *self._mark.row())
            is_new = await asyncio.to_thread(writer.write_mark, row)
            if is_new or self._marked_position < 0:
                self._marked_term = head.term
            self._marked_position, self._mark = head.position, None

    def _mark_is_due(self, place: WriterPlace, writer: LedgerWriter, now: float) -> bool:
        since_s, moved = now - self._marked_at, place.position - self._marked_position
        if since_s < LOOK_S:
            return False
        return bool(
            self._marked_position < 0
            or place.term != self._marked_term
            or writer.closed_position > self._marked_position
            or moved >= MARK_COMMANDS
            or (moved and since_s >= MARK_S)
        )

    def _is_wanted(self, found: StoredMark, place: WriterPlace, writer: LedgerWriter) -> bool:
        """Tell whether a checkpoint is what a mark waits for: of this leader, and not of before the last close."""
        if self._marked_position < 0:
            return True
        return found.head.term >= place.term and found.head.position >= writer.closed_position

    async def _keep_accesses(self, writer: LedgerWriter) -> None:
        """Write what gateways, and this interface, have refused; what cannot be read was written by nobody of ours."""
        now = time.monotonic()
        if now - self._accesses_at < LOOK_S:
            return
        self._accesses_at = now
        if not self._access_after:
            self._access_after = await asyncio.to_thread(writer.newest_access)
        found = await self._asking.read_stream(self._keys.audit, self._access_after, ACCESSES_IN_READ_MAX, None)
        rows: list[tuple[object, ...]] = []
        for entry_id, fields in found:
            with suppress(ValueError, KeyError):
                where, user, code, text, _ = read_refused(fields)
                name = entry_id.decode()
                rows.append((name, int(name.partition("-")[0]) * 1_000, where, user, code, text.replace("\0", "")))
        if rows:
            await asyncio.to_thread(writer.write_access, rows)
        if found:
            self._access_after = found[-1][0].decode()

    # How it stands.

    def _count(self, writer: LedgerWriter, recorder: Recorder | None = None) -> None:
        metrics = self.metrics
        place = self._place = writer.place
        metrics.position = place.position if place is not None else 0
        metrics.histories = len(writer.histories)
        if recorder is not None:
            packets, commands, events, blocks = recorder.take_counts()
            metrics.packets += packets
            metrics.commands += commands
            metrics.events += events
            metrics.blocks += blocks

    def _ready(self) -> None:
        if self.unready:
            self._log.info("writing", database=masked(self._settings.ledger_database), position=self.metrics.position)
        self.unready = ""

    def _tell(self, reason: str) -> None:
        """Tell it once for each reason, whatever the number of tries."""
        if reason != self.unready:
            self._log.warning("the ledger waits", reason=reason)
        self.unready = reason

    async def _wait(self) -> None:
        delay_s = self._backoff.next_delay()
        await self._stopped_within(delay_s)

    async def _stopped_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
        return self._stop.is_set()


def commands_of(batch: LogBatch) -> int:
    """Return how many commands a batch's packets answer."""
    return sum([entry.packet.position - entry.packet.prev for entry in batch.feed])


def _hang_up(connection: Connection) -> None:
    connection.invalidate()
    connection.close()


def _gaps(connection: Connection) -> int:
    with connection.begin():
        found = select(func.count()).select_from(schema.gap).where(schema.gap.c.filled.is_(False))
        return int(connection.execute(found).scalar() or 0)


def _one_line(error: BaseException) -> str:
    return " ".join(str(getattr(error, "orig", None) or error).split())

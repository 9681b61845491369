"""A leader's term: every packet into the feed, exactly once, whatever the store does meanwhile.

Owns what each answer of the store means, restoring a store that lost its tail, and what is stored beside the
packets. Leaves reading the command log to the service, which must look at `rewound` after each publication.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import assert_never

import structlog

from services.matching.aio.publisher import Answer, NextCheckpoint, StoreAnswer, WholeCheckpoint
from services.matching.aio.recovery.checkpoint_writer import CheckpointWriter
from services.matching.aio.recovery.forked_image import Encoded
from services.matching.aio.settings import MatchingSettings
from services.matching.aio.store import Store
from services.matching.aio.store_promises import warn_of_dropped_transactions
from services.matching.command_log import LOG_START
from services.matching.engine import Engine
from services.matching.packet_builder import PacketBuilder
from services.matching.recovery.checkpoint import Checkpoint, encode_checkpoint
from services.matching.recovery.checkpoint_pair import StagedCheckpoint
from services.matching.recovery.sent_packets import KeptPackets, SentPacket
from services.matching.recovery.snapshot_schedule import SnapshotSchedule
from services.matching.stored_values import StoredValue, StoredValues
from shared.aio.cancellation import raise_if_cancelled
from shared.aio.redis_connection import UNREACHABLE, RedisError
from shared.logs.packet import FeedId, Packet, encode_packet
from shared.logs.snapshots import encode_accounts, encode_book_state, encode_listing
from shared.store_errors import LeadershipLost


class _Publication:
    """What is to be published; restoring a store extends it."""

    __slots__ = ("checkpoint", "entries", "fresh", "prev_id", "uncovered", "values")

    def __init__(self, prev_id: FeedId, fresh: SentPacket | None) -> None:
        self.prev_id = prev_id
        self.fresh = fresh
        """The new entry, if there is one."""
        self.entries: Sequence[SentPacket] = () if fresh is None else (fresh,)
        """What is still to be appended, the new entry last."""
        self.values: dict[str, bytes] = {}
        self.checkpoint: WholeCheckpoint | NextCheckpoint | None = None
        self.uncovered = 0
        """Packets that are not in the snapshots once this is stored."""


class Leader:
    """
    One term.

    Args:
        engine: Stands at the position of `last_id`, or where history was lost beyond it.
        term: This term; above that of `last_id`.
        last_id: The feed's last id; of the last packet in `kept`, if there is any.
        kept: Packets up to there, to restore a store that has lost them.
        store: The ways into the store; its publisher knows the store's id.
        checkpoints: Makes them beside the market; somebody must `run` it.
        settings: The rhythm of snapshots and checkpoints, and the lease.
    """

    def __init__(
        self,
        engine: Engine,
        term: int,
        last_id: FeedId,
        kept: KeptPackets,
        store: Store,
        checkpoints: CheckpointWriter,
        settings: MatchingSettings,
    ) -> None:
        self.engine = engine
        self.term = term
        self.builder = PacketBuilder(engine)
        self.checkpoints = checkpoints
        self.stored_values = StoredValues()
        """Listing and snapshots as they were stored last."""
        self.rewound = False
        """The command log must be read again from `engine.log_id`; whoever reads it clears this."""
        self._last_id = last_id
        self._newest_log_id = engine.log_id  # of the newest checkpoint, as soon as this leader has stored one
        self._store = store
        self._keys = store.keys
        self._publisher = store.publisher
        self._lease_s = settings.lease_ms / 1000
        self._retry_limit = store.retry_limit
        self._metrics = store.metrics
        self._schedule = SnapshotSchedule(settings.snapshot_interval_s, settings.checkpoint_interval_s)
        self._kept = kept
        self._renewed_at = time.monotonic()
        self._log = structlog.get_logger().bind(term=term)

    @property
    def last_id(self) -> FeedId:
        """The last packet that is known to be in the feed."""
        return self._last_id

    @property
    def silent_s(self) -> float:
        """Seconds since the last publication that arrived was sent; it renewed the lease."""
        return time.monotonic() - self._renewed_at

    async def announce(self, *, begins_epoch: bool = False) -> bool:
        """
        Append this term's marker, and store everything; False if the feed is not as it was followed or recovered.

        A store that has lost its tail is restored by the way, as far as the packets kept reach. If it has lost more,
        all of it perhaps, a term that begins an epoch goes on behind what is left: its readers start from snapshots
        anyway.

        Args:
            begins_epoch: Whether it does.

        Raises:
            LeadershipLost: If the lease names another.
            RedisError: If Redis could not be reached, or refused.
        """
        publication = self._next(self.builder.marker())
        sent_at = time.monotonic()
        answer = await self._send(publication)
        if answer.kind is StoreAnswer.BEHIND:
            left = FeedId.parse(answer.detail)
            if self._kept.after(left):
                await self._heal(publication, left)
                answer = await self._send(publication)
            elif begins_epoch:
                await self._go_on_behind(publication, left)
                answer = await self._send(publication)
        match answer.kind:
            case StoreAnswer.APPENDED:
                self._appended(publication, sent_at)
                return True
            case StoreAnswer.NOT_LEADER:
                raise LeadershipLost(f"{answer.detail} leads")
            case StoreAnswer.REFUSED:
                raise RedisError(answer.detail)
        return False

    async def publish(self) -> Packet | None:
        """
        Publish what has been applied since the last packet, if anything, and return it once it is in the feed.

        Raises:
            LeadershipLost: If another leads, or the store lost more than can be restored.
            StoreUnavailable: If Redis was away or refused for too long.
        """
        packet = self.builder.take()
        if packet is not None:
            await self._complete(self._next(packet))
            self._metrics.batch(packet)
            self._begin_checkpoint()
        return packet

    async def finish(self) -> None:
        """Store everything as it stands; the last act of a term. Raises as `publish`."""
        publication = _Publication(self._last_id, None)
        self._schedule.everything()
        self._fill_in(publication)
        await self._complete(publication)

    def store_again(self, keys: Iterable[str]) -> None:
        """Store with the next packet what the store has lost: of all but listing and snapshots, the whole market."""
        for key in keys:
            symbol = key.removeprefix(self._keys.snapshot(""))
            if key == self._keys.listing:
                self._schedule.listing_lost()
            elif symbol in self.engine.instruments:
                self._schedule.snapshot_lost(symbol)
            else:
                self._schedule.everything()

    # From a packet to the feed.

    def _next(self, packet: Packet) -> _Publication:
        feed_id = FeedId(self.term, packet.position)
        entry = SentPacket(feed_id, self._last_id, encode_packet(packet), time.time_ns() // 1000)
        self._schedule.observe(packet, self._last_id)
        publication = _Publication(self._last_id, entry)
        self._fill_in(publication)
        return publication

    async def _complete(self, publication: _Publication) -> None:
        while True:
            raise_if_cancelled()
            sent_at = time.monotonic()
            try:
                if publication.fresh is not None:
                    await self._store.gate.secure(publication.fresh.feed_id.position, self._publisher.store_id)
                if await self._draw_consequences(publication, await self._send(publication)):
                    self._appended(publication, sent_at)
                    return
            except (*UNREACHABLE, RedisError) as error:
                # Done or not, the next answer tells.
                await self._retry_limit.wait(error)

    async def _send(self, publication: _Publication) -> Answer:
        with self._metrics.publish_seconds.time():
            answer = await self._publisher.publish(
                publication.prev_id,
                publication.entries,
                publication.values,
                publication.checkpoint,
                publication.uncovered,
            )
        self._metrics.publications[answer.kind.value] += 1
        return answer

    async def _draw_consequences(self, publication: _Publication, answer: Answer) -> bool:
        """Do what an answer demands; True if the publication is in the feed, False if it must be sent (again)."""
        match answer.kind:
            case StoreAnswer.APPENDED:
                return True
            case StoreAnswer.AHEAD:
                await self._recognise(publication, answer.detail)
            case StoreAnswer.BEHIND:
                await self._heal(publication, FeedId.parse(answer.detail))
            case StoreAnswer.CHANGED:
                await self._meet_store(publication, answer.detail)
            case StoreAnswer.UNSTAGED | StoreAnswer.CUT:
                self._store_everything(publication)
            case StoreAnswer.NOT_LEADER:
                raise LeadershipLost(f"{answer.detail} leads")
            case StoreAnswer.REFUSED:
                await self._retry_limit.wait(answer.detail)
            case _:
                assert_never(answer.kind)
        return False

    async def _recognise(self, publication: _Publication, last: str) -> None:
        """
        Find the feed's last entry among what was sent: a call whose answer was lost, or an interrupted restoring.

        Even if nothing is left to append, the publication is sent once more. The call that said "ahead" stored no
        snapshots and renewed no lease. And the values to store may be newer than the call that appended.
        """
        for index, entry in enumerate(publication.entries, 1):
            if str(entry.feed_id) == last and await self._publisher.holds(entry):
                publication.prev_id, publication.entries = entry.feed_id, publication.entries[index:]
                return
        raise LeadershipLost(f"the feed goes on without this leader: its last entry is {last}")

    def _appended(self, publication: _Publication, sent_at: float) -> None:
        self._retry_limit.answered()
        self._renewed_at = sent_at
        names = self._keys.cover, self._keys.accounts  # written again so often that there is nothing to look after
        self.stored_values.stored({key: value for key, value in publication.values.items() if key not in names})
        if isinstance(publication.checkpoint, NextCheckpoint):
            for key, _, size, checksum in publication.checkpoint.staged.snapshots:
                self.stored_values.stored_beside(key, StoredValue(size, checksum))
        if publication.fresh is not None:
            self._kept.add(publication.fresh)
            self._last_id = publication.fresh.feed_id

    # A store that is not as it was.

    async def _heal(self, publication: _Publication, feed_id: FeedId) -> None:
        """Give back to the store what it lost after `feed_id`, with a checkpoint, since commands may be lost too."""
        lost = self._kept.after(feed_id)
        if lost is None:
            raise LeadershipLost(f"the store lost all after {feed_id}, more than this leader has kept")
        log_id = await self._stored_log_id()
        self._log.warning("the store lost its tail; sending it again", last=str(feed_id), packets=len(lost))
        publication.prev_id = feed_id
        publication.entries = lost if publication.fresh is None else [*lost, publication.fresh]
        self._metrics.healed_packets.inc(len(lost))
        self._rewind(publication, log_id)

    async def _go_on_behind(self, publication: _Publication, left: FeedId) -> None:
        """Let go what the store lost and nobody kept: books and orders are all here, their past is not."""
        assert publication.fresh is not None
        log_id = await self._stored_log_id()
        self._log.error("the store lost more packets than are kept; a new epoch begins behind them", last=str(left))
        self._kept = KeptPackets()
        publication.prev_id = left
        publication.fresh = publication.fresh._replace(prev_id=left)
        publication.entries = (publication.fresh,)
        self._rewind(publication, log_id)

    async def _meet_store(self, publication: _Publication, store_id: str) -> None:
        """Go on with a store that restarted or failed over, unless another may have led in what it lost."""
        silent_s = self.silent_s
        if silent_s > self._lease_s:
            raise LeadershipLost(
                f"the store is another one after {silent_s:.1f} s; someone else may have led meanwhile"
            )
        await self._publisher.hang_up()  # some connections may have stayed at a former primary
        log_id = await self._stored_log_id()
        await warn_of_dropped_transactions(self._store.redis, self._keys, self._metrics)
        self._log.warning("the store restarted or failed over", store=store_id)
        self._publisher.store_id = store_id
        self._rewind(publication, log_id)

    async def _stored_log_id(self) -> str:
        """Where the store's own checkpoint stands. Asked before anything is changed, since asking may fail."""
        head = await self._store.checkpoints.head()
        return head.log_id if head is not None else LOG_START

    def _rewind(self, publication: _Publication, log_id: str) -> None:
        """Have the log read again from there, and publish a checkpoint that says so."""
        self.engine.log_id = log_id
        self.rewound = True
        self._store_everything(publication)

    # What is stored beside the packets.

    def _store_everything(self, publication: _Publication) -> None:
        self._schedule.everything()
        self._fill_in(publication)

    def _fill_in(self, publication: _Publication) -> None:
        engine, keys = self.engine, self._keys
        last_id = self._last_id if publication.fresh is None else publication.fresh.feed_id
        if self.checkpoints.has_failed:
            self._schedule.everything()
        staged = self.checkpoints.take_ready()
        due = self._schedule.take_due(
            last_id, engine.instruments, time.monotonic(), levels=self._levels, checkpoint_made=staged is not None
        )
        values = publication.values
        for symbol in due.instruments:
            values[keys.snapshot(symbol)] = self._encode_snapshot(symbol, last_id)
        if due.listing:
            values[keys.listing] = encode_listing([market.instrument for market in engine.instruments.values()])
        if due.everything:
            publication.checkpoint = self._whole_checkpoint(values)
        elif staged is not None:
            publication.checkpoint = self._next_checkpoint(staged)
        values[keys.cover] = str(due.cover).encode()
        publication.uncovered = due.uncovered

    def _levels(self, symbol: str) -> int:
        book = self.engine.instruments[symbol].book
        return len(book.bids.levels) + len(book.asks.levels)

    def _begin_checkpoint(self) -> None:
        """Begin the next checkpoint if it is time. The engine stands between two packets."""
        now = time.monotonic()
        if self.checkpoints.is_idle and self._schedule.checkpoint_is_due(now):
            deep, last_id = self._schedule.begin_checkpoint(now, self._levels), self._last_id
            names = [self._keys.snapshot(symbol) for symbol in deep]
            with self._metrics.checkpoint_pause_seconds.time():
                self.checkpoints.begin(lambda: self._encode(deep, last_id), self.engine.log_id, names)

    def _next_checkpoint(self, staged: StagedCheckpoint) -> NextCheckpoint:
        """Store one that was made beside the market; the one that was the newest is still to be recovered from."""
        first_needed, self._newest_log_id = self._newest_log_id, staged.log_id
        return NextCheckpoint(staged, first_needed)

    def _whole_checkpoint(self, values: dict[str, bytes]) -> WholeCheckpoint:
        """
        Store the market as it stands, now, and keep no older checkpoint.

        At the beginning of a term the rules and the epoch may be others than an older one says, and where the store
        lost something, the commands behind an older one may be gone: from it one would arrive at another market.
        """
        self.checkpoints.abandon()
        with self._metrics.checkpoint_pause_seconds.time():
            encoded = self._encode((), self._last_id)
        values[self._keys.accounts] = encoded.accounts
        self._newest_log_id = self.engine.log_id
        return WholeCheckpoint(encoded.checkpoint, self.engine.log_id)

    def _encode(self, symbols: Sequence[str], last_id: FeedId) -> Encoded:
        """Encode the market, and the snapshots of these books, as it stands after the packet `last_id`."""
        engine = self.engine
        checkpoint = Checkpoint(engine, self.term, self._publisher.store_id, self._keys.shard)
        accounts = {user: account.message() for user, account in engine.accounts.items()}
        snapshots = [self._encode_snapshot(symbol, last_id) for symbol in symbols]
        return Encoded(encode_checkpoint(checkpoint), encode_accounts(accounts), snapshots)

    def _encode_snapshot(self, symbol: str, last_id: FeedId) -> bytes:
        engine = self.engine
        return encode_book_state(engine.instruments[symbol].book_state(engine.epoch, str(last_id)))

"""Follows the feed: snapshots first, then every packet, and snapshots again when the place is lost.

One connection and one loop for all users. Owns this gateway's place in the feed; what packets mean is the replica's. If
the store lacks something, or holds it in a form that no engine writes, the reader waits: users get `resyncing`, and the
engine writes again what is missing. A corrupt packet is never skipped: the feed goes on with the snapshots that hold
the packet's content.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Final, TypeVar

import structlog

from openoutcry.wire.backoff import Backoff
from openoutcry.wire.errors import MalformedMessage
from openoutcry.wire.messages import Account
from services.gateway.aio.ports import FeedPorts
from services.gateway.loading import LEVELS_A_STEP, LoadedBook, ReplicaBroken, Steps, free, read_book
from services.gateway.metrics import FeedStatistics
from services.gateway.replica import Changes
from shared.aio.cancellation import raise_if_cancelled
from shared.aio.feed_stream import FeedStream
from shared.aio.redis_connection import UNREACHABLE, RedisError, StreamEntry
from shared.aio.redis_line import RedisLine
from shared.aio.store_failure import store_failure
from shared.logs.feed_entry import FeedEntry
from shared.logs.packet import FEED_START, FeedId
from shared.logs.snapshots import decode_listing, read_accounts
from shared.logs.stream_keys import StreamKeys
from shared.store_errors import CorruptEntry

T = TypeVar("T")

PACKETS_PER_READ_MAX: Final = 200
"""Packets taken in one turn; users are served between turns."""
POSITION_CHECK_S: Final = 3.0
"""How often our place is compared with the log's end: a log that went backwards sends nothing."""
SILENCE_S: Final = 3.0
"""A feed that is silent for so long, though the engine ticks every second, is looked for with a new connection."""
MISSHAPEN: Final = (TypeError, ValueError, LookupError, AttributeError)
"""What a packet raises when it is applied and a field of it is of another type than ours are."""
HEALING_S: Final = 2.0
"""How long a log that ends before our place may take to grow back, before we load the snapshots."""


class FeedReader:
    """
    The gateway's one reader.

    Args:
        line: For its own use; its reads block.
        keys: Of the shard.
        ports: What it reads for.
        random: Jitter of the backoff.
    """

    def __init__(self, line: RedisLine, keys: StreamKeys, ports: FeedPorts, random: Random) -> None:
        self.statistics = FeedStatistics()
        self.missing = ""
        """What the snapshots or the feed lack at present, so that there is no market to show; empty if nothing."""
        self.unreachable = ""
        """What is wrong with Redis at present; empty if nothing."""
        self._line = line
        self._feed = FeedStream(line, keys)
        self._keys = keys
        self._ports = ports
        self._backoff = Backoff(random, first_s=0.05, max_s=1.0)
        self._is_placed = False
        self._corrupt_id = FEED_START  # of the last packet that could not be read; snapshots from before do not help
        self._check_at = 0.0
        self._behind_since: float | None = None
        self._silent_since: float | None = None
        self._log = structlog.get_logger()

    @property
    def is_behind(self) -> bool:
        """Whether the feed ends before our place: its store went back, and may be restored."""
        return self._behind_since is not None

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            raise_if_cancelled()
            try:
                if not self._is_placed:
                    await self._load()
                await self._read()
                await self._check_place()
                self._found_redis()
                self.missing = ""
            except ReplicaBroken as broken:
                self.unreachable = ""  # it has answered, and what it lacks is another matter
                self._lose_place(str(broken))
                await asyncio.sleep(self._backoff.next_delay())
            except (*UNREACHABLE, RedisError) as error:
                raise_if_cancelled()  # the failure may be what is left of a cancellation
                self._miss_redis(store_failure(error))
                await asyncio.sleep(self._backoff.next_delay())

    def _found_redis(self) -> None:
        self._backoff.reset()
        if self.unreachable:
            self.unreachable = ""
            self._log.info("redis answers again")

    def _miss_redis(self, reason: str) -> None:
        """Tell it once for each reason, whatever the number of tries: one wrong password is one line."""
        self.statistics.reconnects += 1
        if reason != self.unreachable:
            self.unreachable = reason
            self._log.warning("redis does not do its work; trying again", error=reason)

    async def _load(self) -> None:
        """
        Take the snapshots: all in one atomic read, so that they, `cover` and the listing belong together.

        Raises:
            ReplicaBroken: If one is missing, of another type (MGET shows it as missing) or cannot be read. An empty
                book has a snapshot as every other; to take what is missing for one would be to make it up.
        """
        (listing_data,) = await self._line.get_values([self._keys.listing])
        listing = _decoded(self._keys.listing, decode_listing, listing_data)
        if not listing:
            # A market's first packet lists nothing: to serve that would be to refuse every subscription, for good.
            raise ReplicaBroken("the exchange has listed nothing yet")
        names = [self._keys.snapshot(definition.symbol) for definition in listing]
        keys = [self._keys.listing, self._keys.cover, self._keys.accounts, *names]
        same_listing, cover_data, accounts_data, *states_data = await self._line.get_values(keys)
        if same_listing != listing_data:
            raise ReplicaBroken("an instrument was listed meanwhile; its packet may lie before the cover")
        cover = _decoded(self._keys.cover, FeedId.parse, cover_data)
        accounts = await _in_turns(_accounts(self._keys.accounts, accounts_data))
        books = await _in_turns(_books(names, states_data, self._ports.time_us()))
        if self._corrupt_id != FEED_START:
            await self._look_behind_corrupt(cover)
        market = self._ports.market
        changes = await _in_turns(market.loading(cover, listing, books, accounts))
        self.statistics.resyncs += 1
        self._is_placed = True
        self._log.info("snapshots loaded", cover=str(cover), instruments=len(listing), books=len(books))
        self._ports.packets_read(changes)
        for replaced in market.take_replaced():
            await _in_turns(free(*replaced))

    async def _look_behind_corrupt(self, cover: FeedId) -> None:
        """See that the feed can be read on from there; else users would hear `open` and `resyncing` in turns."""
        corrupt = str(self._corrupt_id)
        entries = await self._feed.read(cover, 1, None)
        if cover < self._corrupt_id:
            is_held = bool(await self._line.call("XREVRANGE", self._keys.feed, corrupt, corrupt))
            if is_held or not entries:
                raise ReplicaBroken(
                    f"{self._keys.feed} entry {corrupt} is corrupt; the feed goes on behind snapshots of later"
                )
        if entries:  # none is no fault: the snapshots of a quiet market reach to the feed's end
            self._entry(entries[0])
        self._corrupt_id = FEED_START

    async def _read(self) -> None:
        market = self._ports.market
        entries = await self._feed.read(market.feed_id, PACKETS_PER_READ_MAX)
        if not entries:
            await self._look_for_another_store()
            return
        self._silent_since = None
        changes, began_at = Changes(), market.feed_id
        time_us = self._ports.time_us()
        try:
            for stored in entries:
                feed_id, packet, _, published_us = self._entry(stored)
                try:
                    market.apply(feed_id, packet, published_us, changes)
                except MISSHAPEN as error:  # fields of another type, which decoding does not look at
                    corrupt = CorruptEntry(self._feed.key, str(feed_id), f"no packet: {error!r}")
                    raise self._corrupt(corrupt) from error
                self.statistics.delay_s = (time_us - published_us) / 1e6
                self._ports.hops.read_delay.observe(self.statistics.delay_s)
                self.statistics.packets += 1
        finally:
            # Whatever a later packet breaks: trades, executions and outcomes of those before it are never read again.
            if market.feed_id != began_at:
                self._ports.packets_read(changes)

    async def _look_for_another_store(self) -> None:
        """Connect anew while nothing comes: a connection may outlive its server's being primary."""
        now = self._ports.now()
        if self._silent_since is None:
            self._silent_since = now
        elif now - self._silent_since > SILENCE_S:
            self._silent_since = now
            await self._line.hang_up()

    def _entry(self, stored: StreamEntry) -> FeedEntry:
        try:
            return self._feed.entry(stored)
        except CorruptEntry as corrupt:
            raise self._corrupt(corrupt) from corrupt

    def _corrupt(self, corrupt: CorruptEntry) -> ReplicaBroken:
        """Note a packet that cannot be read, and return what to raise."""
        corrupt_id = FeedId.parse(corrupt.entry_id)
        if corrupt_id != self._corrupt_id:
            self._corrupt_id = corrupt_id
            self.statistics.corrupt_entries += 1
            self._log.error("a packet cannot be read", error=corrupt.reason, key=corrupt.key, entry=corrupt.entry_id)
        return ReplicaBroken(str(corrupt))

    async def _check_place(self) -> None:
        now = self._ports.now()
        if now < self._check_at:
            return
        self._check_at = now + (POSITION_CHECK_S if self._behind_since is None else HEALING_S / 4)
        with self._ports.hops.redis_round_trip.time():
            last = await self._feed.end()
        if last >= self._ports.market.feed_id:
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = now
            self._log.warning("the feed ends before our place", last=str(last))
        elif now - self._behind_since > HEALING_S:
            self._behind_since = None
            raise ReplicaBroken(f"the feed went back to {last} and was not restored")

    def _lose_place(self, reason: str) -> None:
        """Tell it once for each reason, whatever the number of tries."""
        if self._is_placed or reason != self.missing:
            self._log.warning("there is no place in the feed to go on from; trying again", reason=reason)
            self._ports.place_lost(reason)
        self.missing = reason
        self._is_placed = False


async def _in_turns(steps: Steps[T]) -> T:
    """Drive what is done in steps, so many at a time that nobody else waits for long."""
    handled = 0
    while True:
        try:
            handled += next(steps)
        except StopIteration as end:
            found: T = end.value
            return found
        if handled >= LEVELS_A_STEP:
            handled = 0
            await asyncio.sleep(0)


def _accounts(key: str, data: bytes | None) -> Steps[dict[str, Account]]:
    accounts: dict[str, Account] = {}
    with _naming(key):
        for user, account in read_accounts(_present(key, data)):
            accounts[user] = account
            yield 1 + len(account.orders)
    return accounts


def _books(names: Sequence[str], data: Sequence[bytes | None], time_us: int) -> Steps[list[LoadedBook]]:
    books: list[LoadedBook] = []
    for key, snapshot in zip(names, data, strict=True):
        with _naming(key):
            books.append((yield from read_book(_present(key, snapshot), time_us)))
    return books


def _decoded(key: str, decode: Callable[[bytes], T], data: bytes | None) -> T:
    with _naming(key):
        return decode(_present(key, data))


def _present(key: str, data: bytes | None) -> bytes:
    if data is None:
        raise ReplicaBroken(f"{key} is missing, or no string; the exchange is to write it")
    return data


@contextmanager
def _naming(key: str) -> Iterator[None]:
    try:
        yield
    except MalformedMessage as error:
        raise ReplicaBroken(f"{key} cannot be read; the exchange is to write it again: {error}") from error

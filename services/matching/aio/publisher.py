"""Compare-and-append, from this side: one call of publish.lua, one answer.

Owns the script's arguments and answers. Leaves to the leader what an answer means for it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from redis.exceptions import ConnectionError as RedisConnectionError

from services.matching.aio.script import Script
from services.matching.kept_packets import FeedEntry
from shared.aio.redis_connection import Redis
from shared.packet import FEED_START, FeedId
from shared.stream_keys import PACKET_FIELD, PUBLISHED_FIELD, StreamKeys

_SCRIPT: Final = Script((Path(__file__).parent / "publish.lua").read_text())
UNKNOWN_STORE: Final = "unknown"
"""Names no store, so that the script answers with the real one's id."""


class Verdict(enum.Enum):
    """What the store said to a publication."""

    APPENDED = "appended"
    """Mine is the last; what was to be stored is stored."""
    BEHIND = "behind"
    """The feed ends before my predecessor: the store lost its tail. Nothing was done, like in all that follow."""
    AHEAD = "ahead"
    """Someone wrote after my predecessor; perhaps I did."""
    NOT_LEADER = "not_leader"
    """The lease names another."""
    CHANGED = "changed"
    """The store has restarted or failed over since I looked last."""
    REFUSED = "refused"
    """Redis refused to append, being full for instance."""


class Answer(NamedTuple):
    """A verdict and what it is about."""

    verdict: Verdict
    detail: str
    """The feed's last id; for NOT_LEADER the leader; for CHANGED the store's id; for REFUSED Redis' words."""


class Publisher:
    """
    One leader's way into the store.

    Args:
        redis: Without automatic retries: the outcome of a lost call is found out by the next one.
        keys: The shard's keys.
        leader: The name in the lease.
        lease_ms: What each publication extends the lease to.
        feed_packets_max: About how many packets the feed keeps.
        command_entries_max: The command log is trimmed once it is longer than this.
    """

    def __init__(
        self,
        redis: Redis,
        keys: StreamKeys,
        leader: str,
        *,
        lease_ms: int,
        feed_packets_max: int,
        command_entries_max: int,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._leader = leader
        self._lease_ms = lease_ms
        self._feed_packets_max = feed_packets_max
        self._command_entries_max = command_entries_max
        self.store_id = UNKNOWN_STORE
        """The replication id that the store must have; the leader sets it when it has drawn the consequences."""

    async def publish(
        self, prev_id: FeedId, entries: Sequence[FeedEntry], values: Mapping[str, bytes], first_needed: str = ""
    ) -> Answer:
        """
        Append entries after `prev_id` and store values, all or nothing.

        Args:
            prev_id: What the feed's last id must be.
            entries: In order; none at all only stores the values.
            values: Key to value.
            first_needed: The command log's first entry that recovery still needs once `values` are stored; a longer
                log is trimmed up to it. Empty: do not trim.

        Raises:
            RedisError: If Redis could not be reached or gave no answer; whether it was done is then unknown.
        """
        keys = (self._keys.lease, self._keys.feed, self._keys.commands, *values)
        arguments: list[str | bytes | int] = [
            self._leader,
            self._lease_ms,
            self.store_id,
            str(prev_id),
            self._feed_packets_max,
            self._command_entries_max,
            first_needed,
            len(entries),
        ]
        for entry in entries:
            arguments += (str(entry.feed_id), entry.packet, entry.published_us)
        arguments += values.values()
        verdict, detail = await _SCRIPT.run(self._redis, keys, arguments)
        answer = Answer(Verdict(verdict.decode()), detail.decode())
        if answer.verdict is Verdict.REFUSED and answer.detail.startswith("READONLY"):
            # A primary that has been made a replica: only a new connection finds the one that leads now.
            await self._redis.connection_pool.disconnect()
            raise RedisConnectionError(f"the store is no primary any more: {answer.detail}")
        return answer

    async def ask_store_id(self) -> Answer:
        """Find out the store's id as the script sees it (CHANGED), or that another leads (NOT_LEADER)."""
        answer = await self.publish(FEED_START, (), {})
        known = Answer(Verdict.CHANGED, self.store_id)
        return answer if answer.verdict in {Verdict.CHANGED, Verdict.NOT_LEADER} else known

    async def holds(self, entry: FeedEntry) -> bool:
        """Tell whether the feed has this very entry: same id, same bytes, same time of publishing."""
        feed_id = str(entry.feed_id)
        found = await self._redis.xrange(self._keys.feed, feed_id, feed_id)
        if not found:
            return False
        [(_, fields)] = found
        return fields == {PACKET_FIELD: entry.packet, PUBLISHED_FIELD: str(entry.published_us).encode()}

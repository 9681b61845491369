"""The caller of publish.lua: one call, one answer.

Owns the script's arguments and answers. Leaves to the leader what an answer means for it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from services.matching.aio.script import Script
from services.matching.recovery.checkpoint_pair import StagedCheckpoint
from services.matching.recovery.sent_packets import SentPacket
from shared.aio.redis_line import RedisLine, stream_entries
from shared.logs.packet import FEED_START, FeedId
from shared.logs.stream_keys import PACKET_FIELD, PUBLISHED_FIELD, StreamKeys

_SCRIPT: Final = Script((Path(__file__).parent / "publish.lua").read_text())
UNKNOWN_STORE: Final = "unknown"
"""Names no store, so that the script answers with the real one's id."""
TRIMMED_MAX: Final = 10_000
"""
Entries of a log that one publication trims, in whole nodes of Redis: some 0.2 ms of the store. An engine applies at
most `command_reader.ENTRIES_IN_READ_MAX` between two publications, so the log shrinks to its bound at any rate.
"""


class StoreAnswer(enum.Enum):
    """
    What the store said to a publication: the words of publish.lua, and the label of the metric that counts them.

    Each has one meaning; docs/architecture.md has the table.
    """

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
    CUT = "cut"
    """The feed's last entry was trimmed or deleted, and mine does not store everything: who reads snapshots now would
    find no way from them to it."""
    UNSTAGED = "unstaged"
    """The checkpoint that waited in the store is gone: an earlier call used it and its answer was lost, or it waited
    for too long."""


class Answer(NamedTuple):
    """The store's answer to one publication, and what it is about."""

    kind: StoreAnswer
    detail: str
    """The feed's last id; for NOT_LEADER the leader; for CHANGED the store's id; for REFUSED Redis' words."""


class WholeCheckpoint(NamedTuple):
    """A checkpoint that becomes both of those kept: no older one leads to where the market stands."""

    data: bytes
    first_needed: str
    """The command log's first entry that recovery still needs."""


class NextCheckpoint(NamedTuple):
    """
    A checkpoint that waits in the store and becomes the newest one, which becomes the previous one.

    The accounts and snapshots that wait beside it are stored too. What waits is renamed: O(1) in the store, whatever
    the size.
    """

    staged: StagedCheckpoint
    first_needed: str
    """The command log's first entry that recovery still needs, from the older of the two."""


class Publisher:
    """
    One leader's way into the store.

    Args:
        line: For nobody else; the outcome of a call whose answer was lost is found out by the next one.
        keys: The shard's keys.
        leader: The name in the lease.
        lease_ms: What each publication extends the lease to.
        feed_packets_max: About how many packets the feed keeps; those after `cover` stay, whatever their number.
        command_entries_max: Each publication trims the command log, by at most `TRIMMED_MAX` entries, if it is longer
            than this; what the older of the two checkpoints kept needs stays, whatever its number.
        ledger_hold_packets: What a ledger has yet to write stays in the feed while it is no longer than this.
        ledger_hold_entries: The same of the command log.
    """

    def __init__(
        self,
        line: RedisLine,
        keys: StreamKeys,
        leader: str,
        *,
        lease_ms: int,
        feed_packets_max: int,
        command_entries_max: int,
        ledger_hold_packets: int,
        ledger_hold_entries: int,
    ) -> None:
        self._line = line
        self._keys = keys
        self._leader = leader
        self._lease_ms = lease_ms
        self._feed_packets_max = feed_packets_max
        self._command_entries_max = command_entries_max
        self._ledger_hold = (ledger_hold_packets, ledger_hold_entries)
        self._first_needed = ""
        """The command log's first entry that recovery needs from the checkpoints that are known to be stored."""
        self.store_id = UNKNOWN_STORE
        """The replication id that the store must have; the leader sets it when it has drawn the consequences."""

    async def publish(
        self,
        prev_id: FeedId,
        entries: Sequence[SentPacket],
        values: Mapping[str, bytes],
        checkpoint: WholeCheckpoint | NextCheckpoint | None = None,
        uncovered: int = 0,
    ) -> Answer:
        """
        Append entries after `prev_id` and store values, all or nothing.

        Args:
            prev_id: What the feed's last id must be.
            entries: In order; none at all only stores the values.
            values: Key to value.
            checkpoint: Stored too, with the accounts if it is a `NextCheckpoint`; from then on the command log is
                trimmed behind what it needs.
            uncovered: Packets that the feed must keep, because they are not in the snapshots.

        Raises:
            RedisError: If Redis could not be reached or gave no answer; whether it was done is then unknown.
        """
        keys = [self._keys.lease, self._keys.feed, self._keys.commands, self._keys.ledger, *values]
        kind, first_needed, whole = "none", self._first_needed, list[bytes]()
        match checkpoint:
            case WholeCheckpoint(data, first_needed):
                kind, whole = "whole", [data]
                keys += (self._keys.checkpoint, self._keys.previous_checkpoint)
            case NextCheckpoint(staged, first_needed):
                kind = "next"
                keys += (self._keys.checkpoint, self._keys.previous_checkpoint, self._keys.accounts)
                keys += (staged.checkpoint, staged.accounts)
                for snapshot in staged.snapshots:
                    keys += (snapshot.key, snapshot.staged)
        arguments: list[str | bytes | int] = [
            self._leader,
            self._lease_ms,
            self.store_id,
            str(prev_id),
            max(self._feed_packets_max, uncovered),
            self._command_entries_max,
            first_needed,
            TRIMMED_MAX,
            *self._ledger_hold,
            kind,
            len(entries),
        ]
        for entry in entries:
            arguments += (str(entry.feed_id), entry.packet, entry.published_us)
        arguments += (*values.values(), *whole)
        said, detail = await _SCRIPT.run(self._line.call, keys, arguments)
        answer = Answer(StoreAnswer(said.decode()), detail.decode())
        if answer.kind is StoreAnswer.APPENDED:
            self._first_needed = first_needed
        if answer.kind is StoreAnswer.REFUSED and answer.detail.startswith("READONLY"):
            # A primary that has been made a replica: only a new connection finds the one that leads now.
            await self.hang_up()
            raise RedisConnectionError(f"the store is no primary any more: {answer.detail}")
        return answer

    async def hang_up(self) -> None:
        """End all connections of the client: the next ones find the primary of that moment, all of them the same."""
        await self._line.hang_up()

    async def ask_store_id(self) -> Answer:
        """Find out the store's id as the script sees it (CHANGED), or that another leads (NOT_LEADER)."""
        answer = await self.publish(FEED_START, (), {})
        known = Answer(StoreAnswer.CHANGED, self.store_id)
        return answer if answer.kind in {StoreAnswer.CHANGED, StoreAnswer.NOT_LEADER} else known

    async def last_used(self) -> FeedId:
        """
        Return the highest id that the feed ever had, deleted entries included: ids of new ones must be above it.

        The feed's start if there is none, or this user may not ask (XINFO).
        """
        try:
            facts = await self._line.call("XINFO", "STREAM", self._keys.feed)
        except ResponseError:
            return FEED_START
        return FeedId.parse(facts[b"last-generated-id"])

    async def holds(self, entry: SentPacket) -> bool:
        """Tell whether the feed has this very entry: same id, same bytes, same time of publishing."""
        feed_id = str(entry.feed_id)
        found = stream_entries(await self._line.call("XRANGE", self._keys.feed, feed_id, feed_id))
        if not found:
            return False
        [(_, fields)] = found
        return fields == {PACKET_FIELD: entry.packet, PUBLISHED_FIELD: str(entry.published_us).encode()}

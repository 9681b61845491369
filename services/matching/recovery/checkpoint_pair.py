"""The two checkpoints that the store keeps, and which of them to go by.

Owns the choice: the newest that is undamaged, of this version and of this shard. Any other is refused and named in the
log. The leader makes sure that the previous one leads to the same market as the newest: it replaces both whenever the
older one would not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from openoutcry.wire.errors import MalformedMessage
from services.matching.recovery.checkpoint import position_told
from shared.logs.stream_keys import StreamKeys
from shared.store_errors import CorruptEntry


class KeptCheckpoints(NamedTuple):
    """What the store holds under the two keys, read at one instant; None where there is nothing."""

    newest: bytes | None = None
    previous: bytes | None = None


class StagedSnapshot(NamedTuple):
    """A deep book's snapshot that waits in the store."""

    key: str
    """Where it belongs."""
    staged: str
    """Its key, until then."""
    size: int
    checksum: int
    """CRC-32 of its bytes."""


class StagedCheckpoint(NamedTuple):
    """One that waits in the store to become the newest, with accounts and deep books' snapshots of the same moment."""

    checkpoint: str
    """Its key, until then."""
    accounts: str
    log_id: str
    """The command log's last entry that it holds."""
    snapshots: Sequence[StagedSnapshot] = ()


class RefusedCheckpoint(NamedTuple):
    """One that is not to be gone by."""

    key: str
    reason: str
    position: int | None
    """What it says of itself, if that can be read at all; for people, not to be relied on."""


class _OfShard(Protocol):
    @property
    def shard(self) -> int: ...


T = TypeVar("T", bound=_OfShard)


class Choice(NamedTuple, Generic[T]):
    """The checkpoint to go by, and what was refused before it."""

    found: T | None
    refused: list[RefusedCheckpoint]

    def best(self) -> T | None:
        """
        Return the checkpoint to go by; None if none was ever stored.

        Raises:
            CorruptEntry: If there are some, and none is good.
        """
        if self.found is None and self.refused:
            first, *others = self.refused
            reason = "; and ".join([first.reason, *(f"{other.key}: {other.reason}" for other in others)])
            raise CorruptEntry(first.key, "", reason)
        return self.found


def choose(keys: StreamKeys, kept: KeptCheckpoints, read: Callable[[bytes], T]) -> Choice[T]:
    """
    Choose the newest good one.

    Args:
        keys: The shard's keys.
        kept: What is stored.
        read: Reads one, raising MalformedMessage: `decode_checkpoint` or `read_head`.
    """
    refused: list[RefusedCheckpoint] = []
    for key, data in ((keys.checkpoint, kept.newest), (keys.previous_checkpoint, kept.previous)):
        if data is None:
            continue
        try:
            return Choice(_of_this_shard(read(data), keys.shard), refused)
        except MalformedMessage as error:
            refused.append(RefusedCheckpoint(key, str(error), position_told(data)))
    return Choice(None, refused)


def _of_this_shard(checkpoint: T, shard: int) -> T:
    if checkpoint.shard != shard:
        raise MalformedMessage(f"it is of shard {checkpoint.shard!r}, and this is shard {shard}")
    return checkpoint

"""What a leader has stored for late joiners, so that it notices what the store has lost or holds otherwise.

Owns the record and the judgement. Leaves reading the store to `aio.store_check`, and writing again to the leader. A
value that has just been replaced may be read in its old form. So a value counts as lost only after it was found wrong
twice, with the same record. One look is bounded in keys and bytes, and goes on where the one before ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple
from zlib import crc32

LOOK_KEYS_MAX: Final = 64
LOOK_BYTES_MAX: Final = 256 * 1024
"""Values read at one look, about; one that is larger is looked at alone."""


class StoredValue(NamedTuple):
    """What is known of a value that was stored."""

    size: int
    checksum: int
    """CRC-32 of its bytes."""


class StoredValues:
    """The values that were stored last, by key."""

    def __init__(self) -> None:
        self._records: dict[str, StoredValue] = {}
        self._suspects: dict[str, StoredValue] = {}
        self._looked_at = 0  # keys, in order of first storing

    def stored(self, values: Mapping[str, bytes]) -> None:
        """Note what was stored; O(bytes), at the speed of memory."""
        for key, value in values.items():
            self._records[key] = StoredValue(len(value), crc32(value))

    def stored_beside(self, key: str, value: StoredValue) -> None:
        """Note what somebody else has brought to the store; O(1)."""
        self._records[key] = value

    def next_look(self) -> list[str]:
        """Return the keys to be looked at now: those under suspicion, and the next ones in turn."""
        keys, size = list(self._suspects), 0
        if self._looked_at >= len(self._records):
            self._looked_at = 0
        for key, record in islice(self._records.items(), self._looked_at, self._looked_at + LOOK_KEYS_MAX):
            size += record.size
            if size > LOOK_BYTES_MAX and size > record.size:
                break
            self._looked_at += 1
            if key not in self._suspects:
                keys.append(key)
        return keys

    def lost(self, keys: Sequence[str], found: Sequence[bytes | None]) -> list[str]:
        """
        Judge what was found under the keys of a look (None: nothing, or no string).

        Returns:
            The keys that were found wrong twice in a row.
        """
        suspects, self._suspects = self._suspects, {}
        lost: list[str] = []
        for key, value in zip(keys, found, strict=True):
            record = self._records[key]
            if value is not None and record == (len(value), crc32(value)):
                continue
            if suspects.get(key) == record:
                lost.append(key)
            else:
                self._suspects[key] = record
        return lost

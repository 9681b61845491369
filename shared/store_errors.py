"""Errors of the services about the store; all are `OpenOutcryError`s.

OpenOutcryError
├── CorruptEntry            a Redis Stream entry or key that is not what we write; names its id
├── LaterRelease            the command log goes on by the rules of a later release
├── StoreUnavailable        Redis did not answer in time
└── LeadershipLost          another engine leads, or the log goes on without us
"""

from __future__ import annotations

from openoutcry.wire.errors import OpenOutcryError


class CorruptEntry(OpenOutcryError):
    """
    A stored entry is not what we write; the reader stops, nothing is skipped.

    Args:
        key: The Redis key.
        entry_id: The stream entry's id, or "" for a plain key.
        reason: What is wrong with it.
    """

    def __init__(self, key: str, entry_id: str, reason: str) -> None:
        where = f"{key} entry {entry_id}" if entry_id else key
        super().__init__(f"{where} is corrupt: {reason}")
        self.key = key
        self.entry_id = entry_id
        self.reason = reason


class LaterRelease(OpenOutcryError):
    """The command log goes on by the rules of a later release: this one must stop, and nothing is wrong."""


class StoreUnavailable(OpenOutcryError):
    """Redis did not answer in time."""


class LeadershipLost(OpenOutcryError):
    """Another engine leads, or the log goes on without us: this one must stop."""

"""The sequence rule, alone: what to do with a change, given the number held.

Owns one decision; leaves to callers what to do about a gap. Source: docs/protocol.md, "The client's rule".
"""

from __future__ import annotations

import enum


class Verdict(enum.Enum):
    """What the caller must do with the delta just observed."""

    APPLY = enum.auto()
    DUPLICATE = enum.auto()
    """Known already: ignore it."""
    GAP = enum.auto()
    """Changes are missing: the book is stale, ask for a snapshot."""
    CORRUPT = enum.auto()
    """Applied, and the digest differs: the book is stale, ask for a snapshot."""


def classify(mine: int, prev_seq: int, seq: int) -> Verdict:
    """
    Compare the changes after `prev_seq` up to `seq` with the position `mine`.

    A range that straddles the position applies: level quantities are absolute, so what is known already is only
    said again. An empty range (prev_seq == seq) is a duplicate or a gap, never applied.
    """
    if seq <= mine:
        return Verdict.DUPLICATE
    if prev_seq > mine:
        return Verdict.GAP
    return Verdict.APPLY

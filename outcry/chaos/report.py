"""The figures of a run with faults, as its report holds them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from outcry.stack.report import RunReport


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChaosReport(RunReport):
    """
    What happened, and what came of it. Times of recovery count from the moment when a fault began.

    Its verdict is `failed` if a book is wrong, an order was lost or done twice, or the market did not recover.
    """

    seed: int
    """The same seed strikes the same parts in the same order."""
    users: int
    gateways: int
    engines: int
    seconds: float
    """From the first moment with everybody connected until the market was brought to rest."""
    faults: Sequence[Mapping[str, Any]]
    """In order: `at` (s), `kind`, `text`, `first_order_ms` and `books_ms` (null: it did not recover)."""
    recovery_ms: Mapping[str, Mapping[str, Any]]
    """By kind of fault `p50`, `max` and `count`: until orders went through again, and then every user had been sent
    something and had every book in sync, at or beyond where the engine was at that moment. Polled every 50 ms."""
    first_order_ms: Mapping[str, Mapping[str, Any]]
    """The same, until an order was acknowledged that a trader had sent after the fault began."""
    books_verified: int
    books_wrong: int
    """Books of users that are not the engine's at the same (epoch, seq)."""
    acknowledged: int
    """Orders that were acknowledged to traders."""
    special: Mapping[str, int]
    """Stops and orders for the day among those accepted, and what came of them, by name."""
    acknowledged_lost: int
    """Of these, missing in the final history, though nothing said so."""
    acknowledged_duplicated: int
    """Orders that are in the final history more than once."""
    announced_lost: int
    """Acknowledged orders that were lost with the store, and a new epoch said so."""
    contradicted: int
    """Orders refused and yet in, executions and accounts of traders that are not the history's."""
    unresolved: int
    """Orders whose outcome their traders never learned."""
    history_findings: int
    """What does not hold of the history in itself: order of packets, books, trades, digests."""
    epochs: int
    """1 unless history was or may have been lost."""
    disconnects: int
    """Connections of users that were lost."""
    resumes: int
    """Books led on after a reconnection by a delta."""
    digests_checked: int
    digests_wrong: int
    restarts: Mapping[str, int]
    """How often each part was started again."""
    redis: str
    appendfsync: str
    """When the store's append-only file is on disk."""
    versions: Mapping[str, str]

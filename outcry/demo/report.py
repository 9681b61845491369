"""The figures of a run, as `report.json` holds them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from outcry.load.report import Point
from outcry.stack.report import RunReport


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Report(RunReport):
    """What was measured, from the moment when all users were in sync until they had the engine's last word."""

    users: int
    gateways: int
    engines: int
    """One leads, the others stand by."""
    seconds: float
    """How long the market traded while it was measured."""
    updates_published: int
    """Book changes by the engine: the sum of all advances of `seq`."""
    updates_delivered: int
    """The same, summed over every user and book followed."""
    frames_delivered: int
    bytes_delivered: int
    trades: int
    auction_trades: int
    """Since the market opened, with a call."""
    commands: int
    special: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """What came of stops, orders that end by themselves, minimums and quotes since the market began, by name; empty
    without accounts (`outcry.flow.special_effect`)."""
    books_verified: int
    books_wrong: int
    accounts: int
    """Kept by the exchange, its own two among them; 0: it keeps none, and orders need nothing."""
    assets_conserved: int
    """Currencies and instruments whose sum over all accounts is 0 at the end; 0 if that of any one is not."""
    ledger_commands: int = 0
    """Written by the ledger, with all that came of them; 0: there is none."""
    ledger_blocks: int = 0
    """Into so many blocks, each sealed on the one before."""
    digests_checked: int
    """Deltas and snapshots compared with a whole book that a user holds."""
    digests_wrong: int
    gaps_seen: int
    gaps_recovered: int
    duplicates: int
    disconnects: int
    connect_failures: int
    refusals: int
    gateways_lost: Sequence[str]
    engines_lost: Sequence[str]
    story: Sequence[Mapping[str, Any]]
    """What was done on purpose, and what it did, in order (`outcry.demo.story.Chapter`)."""
    fairness: Mapping[str, Any]
    """Spread of the users' own mean delays (`outcry.load.fairness`); empty without deliveries."""
    series: Sequence[Point]
    """Second by second, the last hour of them."""
    prices: Sequence[tuple[float, float]]
    """Of one instrument, in its currency: second, and the middle of bid and ask."""
    priced: str
    """Which one."""
    latency_ms: Mapping[str, float]
    """Engine's publishing to client's receipt of every delta, one clock; resolution 10 µs or 0.4 %."""
    connections_per_gateway: Sequence[int]
    cpu_seconds: Mapping[str, float]
    """By role, while it was measured."""
    rss_mib: Mapping[str, float]
    """By role, at the end; processes of one role are summed."""
    rate_asked: float | None
    """Book changes a second; None for a replay."""
    rate_published: float
    """Book changes a second, as measured."""
    replay: Mapping[str, Any] | None
    """How the file fared: messages, and those skipped or refused by reason; None for bots."""
    market: str
    """`hot`, `spread` or `replay`."""
    redis: str
    versions: Mapping[str, str]

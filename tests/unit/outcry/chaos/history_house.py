"""Histories of a make-believe exchange, and what its traders were told."""

from __future__ import annotations

from typing import Any

from outcry.chaos.final_history import FinalHistory
from outcry.chaos.trader_record import Acknowledged, HeldAccount, SeenExecution, TraderRecord
from shared.logs.feed_entry import FeedEntry
from tests.unit.services.gateway.exchange import Exchange


def entry(exchange: Exchange, **changes: Any) -> FeedEntry:
    """The next packet, published at a microsecond of its position."""
    feed_id, packet, _ = exchange.packet(**changes)
    return FeedEntry(feed_id, packet, b"", packet.position)


def history(*entries: FeedEntry) -> FinalHistory:
    read = FinalHistory()
    for each in entries:
        read.add(each)
    return read


def ann(exchange: Exchange, *order_ids: int, told_us: int = 1000, **other: Any) -> TraderRecord:
    """A trader who was told of these orders, and holds them, each accepted as the exchange does."""
    executions = [
        SeenExecution(user_seq, "accepted", order_id, f"c{order_id}", 0, told_us)
        for user_seq, order_id in enumerate(order_ids, start=1)
    ]
    told = [Acknowledged(f"c{order_id}", order_id, told_us) for order_id in order_ids]
    account = HeldAccount(True, len(order_ids), sorted(order_ids), {}, {})
    return TraderRecord("ann", told, [], [], [], executions, account)._replace(**other)

"""Rows for the proofs' tests: as the feed would have made them, with every field its own value."""

from __future__ import annotations

from typing import Any

from services.ledger.proof.block_chain import BlockSpan
from services.ledger.proof.leaf import BlockRows


def execution_row(position: int, ordinal: int = 0, *, history: int = 1, **changes: Any) -> tuple[Any, ...]:
    """Return a row of `execution`."""
    row = {
        "history": history,
        "position": position,
        "ordinal": ordinal,
        "user": f"u-{position % 7}",
        "user_seq": position,
        "event": "filled",
        "time": 1_790_000_000_000_000 + position,
        "order_id": 1_000 + position // 3,
        "client_order_id": f"order-{position}",
        "instrument": "ACME",
        "side": "bid",
        "kind": "limit",
        "time_in_force": "gtc",
        "price": 10_100,
        "quantity": 50,
        "remaining": 20,
        "fill_price": 10_100,
        "fill_quantity": 30,
        "trade_id": 88_000 + position,
        "liquidity": "maker",
        "reason": "",
        "trigger": 0,
        "expires_at": 0,
        "expires_on": "",
        "held_until": 0,
    }
    return tuple((row | changes).values())


def transfer_row(position: int, ordinal: int = 0, history: int = 1) -> tuple[Any, ...]:
    """Return a row of `transfer`."""
    return (
        history, position, ordinal, 1_790_000_000_000_000 + position, f"grant-{position}", "grant", "ACME", "~issuer",
        "u-1", 500, 0, 12, 1_800_000_000_000_000, "anna", "bert", "für 2026 ✓",
    )  # fmt: skip


def refusal_row(position: int, ordinal: int = 0, history: int = 1) -> tuple[Any, ...]:
    """Return a row of `refusal`."""
    return (
        history, position, ordinal, 1_790_000_000_000_000 + position, "u-2", "place_order", "ACME", "blackout",
        "trading is closed to you", "Q4", '{"price":10100}',
    )  # fmt: skip


def block_rows(first: int, executions: int, transfers: int = 0, refusals: int = 0, history: int = 1) -> BlockRows:
    """Return a block's rows, its executions from a position on, one a position."""
    return BlockRows(
        [execution_row(first + number, history=history) for number in range(executions)],
        [transfer_row(first, number, history) for number in range(transfers)],
        [refusal_row(first, number, history) for number in range(refusals)],
    )


def span(first: int, last: int, history: int = 1) -> BlockSpan:
    """Return the span of a block of these positions."""
    return BlockSpan(history, 881_726, first, last, 1_790_000_000_000, 0, 1_790_000_000_500, 3, 1_790_000_000_500_000)

"""One trader's record: the replies and state of every order, for comparison with the history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Acknowledged(NamedTuple):
    """An order that was acknowledged to a trader as in the exchange's log."""

    client_order_id: str
    order_id: int
    """0 if only a repetition's refusal as a duplicate named it."""
    told_us: int
    """When it was acknowledged, µs since 1970."""


class SeenExecution(NamedTuple):
    """An execution that a trader was sent."""

    user_seq: int
    event: str
    order_id: int
    client_order_id: str
    trade_id: int
    told_us: int


class HeldAccount(NamedTuple):
    """A trader's account as he holds it while the market rests."""

    is_whole: bool
    user_seq: int
    order_ids: Sequence[int]
    """Of his open orders, ascending."""
    positions: Mapping[str, int]
    cash: Mapping[str, int]


class TraderRecord(NamedTuple):
    """Everything of one trader since the beginning."""

    user: str
    acknowledged: Sequence[Acknowledged]
    refused: Sequence[str]
    """Client order ids that the engine refused, at the first try: nothing came of them."""
    unresolved: Sequence[str]
    """Client order ids whose outcome is unknown to the trader."""
    contradictions: Sequence[str]
    """Answers that make no sense, in words."""
    executions: Sequence[SeenExecution]
    account: HeldAccount

    @classmethod
    def read(cls, row: Sequence[Any]) -> TraderRecord:
        """Return a record that has been through JSON."""
        user, acknowledged, refused, unresolved, contradictions, executions, account = row
        return cls(
            user,
            [Acknowledged._make(each) for each in acknowledged],
            refused,
            unresolved,
            contradictions,
            [SeenExecution._make(each) for each in executions],
            HeldAccount._make(account),
        )

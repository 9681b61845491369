"""Trades are contiguous, or their absence is announced."""

from __future__ import annotations

import pytest

from openoutcry.wire.messages import Status, Trade
from openoutcry.wire.types import MarketState, Side
from outcry.conformance.expectation import Failed
from outcry.conformance.trade_witness import TradeWitness


def trade(number: int, instrument: str = "ACME") -> Trade:
    return Trade(instrument, 1, number, 1, 100, 1, Side.BID)


def announced(text: str) -> Status:
    return Status("ACME", MarketState.RESYNCING, text, 0)


def hear(*messages: Trade | Status) -> TradeWitness:
    witness = TradeWitness()
    for message in messages:
        witness.hear(message)
    return witness


def test_it_begins_anywhere_and_counts_repetitions() -> None:
    """A new member gets the last 50 trades; who asks again gets them again."""
    witness = hear(trade(7), trade(8), trade(7), trade(8), trade(9), trade(1, "OTHER"))
    assert witness.last == {"ACME": 9, "OTHER": 1}
    assert witness.repeated == 2


def test_a_hole_fails() -> None:
    with pytest.raises(Failed, match="trade 9 of ACME came after 7"):
        hear(trade(7), trade(9))


def test_an_announced_hole_is_none() -> None:
    witness = hear(trade(7), announced("trades 8 to 11 are missing"), trade(12))
    assert witness.missing == 4


def test_an_announcement_with_a_hole_before_it_fails() -> None:
    with pytest.raises(Failed, match="came after 7"):
        hear(trade(7), announced("trades 9 to 11 are missing"))


def test_an_announcement_must_name_ids() -> None:
    with pytest.raises(Failed, match="no ids"):
        hear(announced("some trades are missing"))


def test_other_statuses_say_nothing_about_trades() -> None:
    hear(trade(7), Status("ACME", MarketState.HALTED, "news", 0), Status(None, MarketState.RESYNCING, "", 0), trade(8))

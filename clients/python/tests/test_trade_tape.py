"""Trades each once, and the missing ones by number."""

from __future__ import annotations

from openoutcry.trade_tape import Missing, TradeTape
from openoutcry.wire.messages import Trade
from openoutcry.wire.types import Side


def trade(number: int, time: int | None = None) -> Trade:
    return Trade("ACME", 1, number, number if time is None else time, 100, 1, Side.BID)


def test_the_first_trade_begins_the_tape_wherever_it_is() -> None:
    assert TradeTape().observe(trade(57)) == (True, None)


def test_the_next_is_new_and_the_same_is_not() -> None:
    tape = TradeTape()
    tape.observe(trade(5))
    assert tape.observe(trade(6)) == (True, None)
    assert tape.observe(trade(6)) == (False, None)
    assert tape.observe(trade(5)) == (False, None)


def test_a_jump_names_what_is_missing() -> None:
    tape = TradeTape()
    tape.observe(trade(5))
    assert tape.observe(trade(9)) == (True, Missing(6, 8))


def test_a_known_number_at_a_later_time_begins_the_tape_anew() -> None:
    tape = TradeTape()
    tape.observe(trade(50))
    assert tape.observe(trade(3, time=51)) == (True, None)
    assert tape.observe(trade(4, time=52)) == (True, None)

"""One instrument's rules and what a late joiner is told of it."""

from __future__ import annotations

from openoutcry.wire.types import Code, MarketState
from services.matching.book.order_book import Fill
from services.matching.traded_instrument import TradedInstrument
from shared.logs.snapshots import decode_book_state, encode_book_state
from tests.unit.services.matching.flow import ACME, ask, bid


def test_refuses_by_its_own_limits() -> None:
    """Every instrument has its own highest price and quantity; the text says them."""
    market = TradedInstrument(ACME)
    assert market.refusal(1, 1) is market.refusal(1_000, 100) is market.refusal(None, None) is None
    for price, quantity, code, limit in (
        (1_001, 1, Code.PRICE_OUT_OF_RANGE, "1000"),
        (1, 101, Code.QUANTITY_OUT_OF_RANGE, "100"),
    ):
        refusal = market.refusal(price, quantity)
        assert refusal is not None
        assert refusal.code is code
        assert limit in refusal.text


def test_a_closed_market_says_so() -> None:
    market = TradedInstrument(ACME)
    market.state, market.reason = MarketState.CLOSED, "holiday"
    refusal = market.not_open(ask(1, 101, 5))
    assert refusal is not None
    assert (refusal.code, refusal.text) == (Code.NOT_OPEN, "instrument: ACME is closed, because holiday")


def test_the_stored_state_is_whole_and_readable() -> None:
    """What the engine writes, gateways decode."""
    market = TradedInstrument(ACME)
    market.book.place(ask(1, 101, 5))
    for event in market.book.place(bid(2, 102, 3)):
        assert isinstance(event, Fill)
        market.statistics.record(event.price, event.quantity)
    market.book.place(bid(3, 99, 4))
    market.changed_at = 17
    state = decode_book_state(encode_book_state(market.book_state(9, "7-3")))
    assert (state.instrument, state.epoch, state.feed_id, state.seq, state.time) == ("ACME", 9, "7-3", 3, 17)
    assert (state.bids, state.asks) == ([[99, 4, 1]], [[101, 2, 1]])
    assert state.digest == market.book.digest
    assert (state.last, state.open, state.high, state.low, state.volume, state.trade_id) == (101, 101, 101, 101, 3, 1)
    assert state.state is MarketState.OPEN

"""What is said of connection, delays, states and auctions."""

from __future__ import annotations

import pytest

from openoutcry.events import StaleReason
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Auction, Status
from openoutcry.wire.types import MarketState, Phase
from outcry.terminal.delays import WINDOW_S, Delay, RecentDelays
from outcry.terminal.market_words import auction_words, state_words, time_left
from outcry.terminal.standing import LinkState, Tone, delay_words, standing

GOOD = LinkState(True, 1, "", MarketState.OPEN, None, 1_234, Delay(3_100, 12_000))
SECOND = 1_000_000


@pytest.mark.parametrize(
    ("heard", "tone", "line"),
    [
        (GOOD, Tone.GOOD, "✓ live, verified at seq 1,234"),
        (GOOD._replace(delay=None), Tone.GOOD, "✓ live, verified at seq 1,234"),
        (GOOD._replace(delay=Delay(2 * SECOND, 0)), Tone.WARN, "! lagging, verified at seq 1,234"),
        (GOOD._replace(delay=Delay(2 * SECOND, 0, False)), Tone.GOOD, "✓ live, verified at seq 1,234"),
        (GOOD._replace(stale=StaleReason.LOADING), Tone.WARN, "! joining: its first state has not come yet"),
        (GOOD._replace(stale=StaleReason.GAP), Tone.BAD, "✗ stale: a change is missing, a new state is on its way"),
        (GOOD._replace(feed=MarketState.STALE), Tone.BAD, "✗ stale: the gateway hears nothing from the exchange"),
        (GOOD._replace(feed=MarketState.RESYNCING), Tone.BAD, "✗ stale: the gateway is loading the market again"),
        (GOOD._replace(is_connected=False, ending="no route", attempts=3), Tone.BAD,
         "✗ reconnecting: attempt 3, no route"),
    ],
)  # fmt: skip
def test_a_connection_has_one_state_in_words(heard: LinkState, tone: Tone, line: str) -> None:
    stood = standing(heard)
    assert (stood.tone, stood.line()) == (tone, line)


@pytest.mark.parametrize("reason", StaleReason)
def test_nothing_stale_is_called_verified(reason: StaleReason) -> None:
    assert "verified" not in standing(GOOD._replace(stale=reason)).line()


def test_delays_are_of_the_last_minute() -> None:
    delays = RecentDelays()
    assert delays.summary(0) is None
    assert delay_words(None) == "delay unknown"
    for number in range(1, 101):
        delays.add(number / 10, number * 1_000)
    assert delays.summary(10) == Delay(100_000, 99_000)
    assert delay_words(delays.summary(10)) == "delay 100.0 ms, p99 99.0 ms"
    delays.add(30, -5)
    assert delays.summary(10 + WINDOW_S + 1) == Delay(0, 0, False), "clocks that differ"
    assert delays.summary(30 + WINDOW_S + 1) is None


def test_an_auction_says_price_surplus_and_time_left() -> None:
    auction = Auction("ACME", 1, 0, 1, Phase.OPENING, 10_100, 1_200, 300, 13 * SECOND)
    acme = Instrument("ACME")
    assert auction_words(auction, acme, SECOND) == "◆ opening auction: 1,200 at 101.00, 300 more bid, 12 s left"
    assert auction_words(auction._replace(price=0, surplus=-5, until=0), acme, 0) == (
        "◆ opening auction: no price yet, 5 more asked"
    )
    assert auction_words(auction, acme, 14 * SECOND).endswith("ends any moment")


def test_states_have_a_sign_and_a_word() -> None:
    assert state_words(None, 0) == ""
    assert state_words(Status("A", MarketState.OPEN, "", 0), 0) == "○ open"
    assert state_words(Status("A", MarketState.HALTED, "news", 0), 0) == "■ halted: news"
    calling = Status("A", MarketState.AUCTION, "", 0, Phase.CLOSING, 61 * SECOND)
    assert state_words(calling, SECOND) == "◆ auction, closing, 1 min 00 s left"
    assert time_left(2 * 3600 * SECOND, 0) == "2 h 00 min"

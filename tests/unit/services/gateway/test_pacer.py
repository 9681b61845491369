from __future__ import annotations

from services.gateway.channel import ChannelKey, open_channel
from services.gateway.pacer import Pacer
from services.gateway.replica import MarketReplica

CHANNEL = open_channel(ChannelKey("book", "ACME", 0, 0), MarketReplica())


def test_flushes_at_once_after_a_pause() -> None:
    """No timer adds latency at rest."""
    pacer = Pacer(0.01)
    pacer.mark(CHANNEL)
    assert pacer.take_due(5.0) == [CHANNEL]


def test_flushes_at_the_end_of_the_interval_in_a_storm() -> None:
    """Work is bounded whatever the market does."""
    pacer = Pacer(0.01)
    pacer.mark(CHANNEL)
    pacer.take_due(5.0)
    pacer.mark(CHANNEL)
    assert pacer.take_due(5.009) == []
    assert pacer.next_deadline() == 5.01
    assert pacer.take_due(5.01) == [CHANNEL]


def test_has_no_deadline_when_nothing_waits() -> None:
    pacer = Pacer(0.01)
    assert pacer.next_deadline() is None
    assert pacer.take_due(5.0) == []


def test_marking_twice_is_once() -> None:
    pacer = Pacer(0.01)
    pacer.mark(CHANNEL)
    pacer.mark(CHANNEL)
    assert pacer.take_all(5.0) == [CHANNEL]


def test_forgets_what_nobody_follows_any_more() -> None:
    pacer = Pacer(0.01)
    pacer.forget(CHANNEL)
    pacer.mark(CHANNEL)
    pacer.forget(CHANNEL)
    assert pacer.next_deadline() is None

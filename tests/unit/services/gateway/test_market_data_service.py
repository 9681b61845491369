"""The original interface: three methods, alone in one process."""

from __future__ import annotations

from openoutcry.wire.codec import Encoding
from openoutcry.wire.digest import book_digest
from openoutcry.wire.messages import Delta, Snapshot, Ticker
from services.gateway.channel import ChannelKey
from services.gateway.market_data_service import MarketDataService
from services.gateway.subscriber import LagLimits, Subscriber
from tests.unit.services.gateway.listener import Listener

LIMITS = LagLimits(soft_bytes=1000, hard_bytes=5000, lag_s=10.0)


def state(seq: int, bids: list[tuple[int, int, int]], epoch: int = 1) -> Snapshot:
    digest = book_digest([(level[0], level[1]) for level in bids], [])
    return Snapshot("ACME", epoch, seq, 0, 0, bids, [], digest)


async def test_the_original_interface_serves_users_alone() -> None:
    service = MarketDataService()
    await service.broadcast_order_book_update(state(1, [(100, 5, 1)]))
    ann, bob = Listener(), Listener()
    await service.subscribe_user("ann", ann)
    await service.subscribe_user("bob", bob)
    await service.broadcast_order_book_update(state(2, [(101, 1, 1), (100, 5, 1)]))
    service.unsubscribe_user("bob")
    await service.broadcast_order_book_update(state(3, [(101, 1, 1)]))
    assert ann.book().bids.levels() == [(101, 1)]
    assert [(delta.prev_seq, delta.seq) for delta in ann.heard(Delta)] == [(1, 2), (2, 3)]
    assert bob.book().bids.levels() == [(101, 1), (100, 5)]


async def test_a_book_alone_tells_of_no_trades() -> None:
    service = MarketDataService()
    await service.broadcast_order_book_update(state(1, [(100, 5, 1)]))
    listener = Listener()
    service.subscribe(Subscriber("ann", Encoding.MSGPACK, listener), ChannelKey("ticker", "ACME", 0, 0))
    (ticker,) = listener.heard(Ticker)
    assert (ticker.bid, ticker.last, ticker.open, ticker.high, ticker.low, ticker.volume) == (100, 0, 0, 0, 0, 0)


async def test_subscribing_again_replaces_the_connection() -> None:
    service = MarketDataService()
    first, second = Listener(), Listener()
    await service.broadcast_order_book_update(state(1, [(100, 5, 1)]))
    await service.subscribe_user("ann", first)
    await service.subscribe_user("ann", second)
    await service.broadcast_order_book_update(state(2, [(100, 6, 1)]))
    assert not first.heard(Delta)
    assert len(second.heard(Delta)) == 1


async def test_alone_a_user_who_does_not_read_is_skipped_then_made_whole() -> None:
    service = MarketDataService(lag_limits=LIMITS)
    ann = Listener()
    await service.broadcast_order_book_update(state(1, [(100, 5, 1)]))
    await service.subscribe_user("ann", ann)
    ann.unsent = 2000
    await service.broadcast_order_book_update(state(2, [(100, 6, 1)]))
    assert not ann.heard(Delta)
    ann.unsent = 0
    await service.broadcast_order_book_update(state(3, [(100, 7, 1)]))
    assert ann.book().bids.levels() == [(100, 7)]


async def test_alone_a_user_who_never_reads_is_dropped_and_forgotten() -> None:
    service = MarketDataService(lag_limits=LIMITS._replace(lag_s=0.0))
    ann = Listener()
    await service.broadcast_order_book_update(state(1, [(100, 5, 1)]))
    await service.subscribe_user("ann", ann)
    ann.unsent = 2000
    for seq in (2, 3):
        await service.broadcast_order_book_update(state(seq, [(100, seq, 1)]))
    assert ann.is_aborted
    ann.unsent = 0
    ann.forget()
    await service.broadcast_order_book_update(state(4, [(100, 4, 1)]))
    assert not ann.messages
    assert not service._by_user


def test_unsubscribing_an_unknown_user_is_ignored() -> None:
    MarketDataService().unsubscribe_user("nobody")

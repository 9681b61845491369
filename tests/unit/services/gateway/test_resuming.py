"""Who has lagged, and is told what it missed in parts: of a thousand windows nobody else may wait for all at once."""

from __future__ import annotations

from random import Random

import pytest

from openoutcry.wire.messages import Account, Delta, Execution, Heartbeat, Snapshot, Status, Trade
from openoutcry.wire.sequence import Verdict
from services.gateway import catch_up
from services.gateway.catch_up import CHANNELS_A_PART
from services.gateway.channel import ChannelKey
from services.gateway.market_data_service import MarketDataService
from services.gateway.subscriber import LagVerdict, Subscriber
from tests.unit.services.gateway.listener import Listener
from tests.unit.services.gateway.test_fan_out import LIMITS, Hall

MANY = [f"S{number:03}" for number in range(3 * CHANNELS_A_PART + 1)]


def lagging(hall: Hall, *keys: ChannelKey, account: bool = False) -> tuple[Listener, Subscriber]:
    listener, subscriber = hall.join(*keys)
    if account:
        hall.service.hear_account(subscriber)
    listener.unsent = LIMITS.soft_bytes + 1
    assert hall.service.review(subscriber, 1.0) is LagVerdict.LAGS
    listener.forget()
    return listener, subscriber


def windows(hall: Hall) -> list[ChannelKey]:
    for symbol in hall.exchange.books:
        hall.feed(bids=[(100, 5)], symbol=symbol)
    return [ChannelKey("book", symbol, 5, 0) for symbol in hall.exchange.books]


def test_a_drained_member_of_many_channels_is_told_a_part_a_turn() -> None:
    hall = Hall(*MANY)
    listener, subscriber = lagging(hall, *windows(hall))
    listener.unsent = 0
    hall.service.review(subscriber, 2.0)
    turns = [len(listener.heard(Snapshot))]
    while hall.service.has_more:
        hall.service.go_on(2.0)
        turns.append(len(listener.heard(Snapshot)) - sum(turns))
    assert turns == [CHANNELS_A_PART] * 3 + [1]
    assert {snapshot.instrument for snapshot in listener.heard(Snapshot)} == set(MANY)
    assert not subscriber.is_lagging
    assert not hall.service.lagging()


def test_deep_channels_are_parts_of_their_own() -> None:
    hall = Hall("ACME", "BETA")
    for symbol in ("ACME", "BETA"):
        hall.feed(bids=[(price, 1) for price in range(1, catch_up.WHOLE_ROWS_MAX + 1)], symbol=symbol)
    listener, subscriber = lagging(hall, *(ChannelKey("book", symbol, 0, 0) for symbol in ("ACME", "BETA")))
    listener.unsent = 0
    hall.service.review(subscriber, 2.0)
    assert len(listener.heard(Snapshot)) == 1
    hall.service.go_on(2.0)
    assert len(listener.heard(Snapshot)) == 2


def test_missed_trades_count_as_rows_and_are_no_reason_to_abort() -> None:
    """A thousand of each of 32 channels were one part of 130 ms and 3.7 MB: who had drained was aborted under them."""
    symbols = [f"S{number}" for number in range(4)]
    hall = Hall(*symbols)
    listener, subscriber = lagging(hall, *(ChannelKey("trades", symbol, 0, 0) for symbol in symbols))
    for symbol in symbols:
        hall.feed(trades=[hall.exchange.trade(100, 1, symbol) for _ in range(catch_up.WHOLE_ROWS_MAX // 2)])
    hall.flush()
    listener.unsent = 0
    sent = hall.service.statistics.bytes
    hall.service.review(subscriber, 2.0)
    assert len(listener.heard(Trade)) == catch_up.WHOLE_ROWS_MAX
    assert hall.service.has_more
    listener.unsent = hall.service.statistics.bytes - sent
    assert listener.unsent > LIMITS.hard_bytes
    assert hall.service.review(subscriber, 2.0) is LagVerdict.LAGS_AGAIN


@pytest.mark.parametrize("name", ["ACME", "*"])
def test_who_subscribes_to_trades_while_lagging_has_missed_none_before(name: str) -> None:
    """It was sent a thousand, and that the ones before are missing, as if it had followed them always."""
    hall = Hall("ACME", "BETA")
    hall.feed(trades=[hall.exchange.trade(100, 1) for _ in range(1200)])
    listener, subscriber = lagging(hall, ChannelKey("book", "ACME", 0, 0))
    hall.service.subscribe(subscriber, ChannelKey("trades", name, 0, 0))
    hall.feed(trades=[hall.exchange.trade(100, 1) for _ in range(100)])
    hall.feed(trades=[hall.exchange.trade(100, 1, "BETA")], symbol="BETA")
    listener.unsent = 0
    hall.service.review(subscriber, 2.0)
    hall.flush()
    heard = [trade.trade_id for trade in listener.heard(Trade) if trade.instrument == "ACME"]
    assert heard == list(range(1151, 1301))
    assert not listener.heard(Status)
    assert len(listener.heard(Trade)) - len(heard) == (name == "*")


def test_who_lags_within_a_subscribe_in_parts_has_missed_no_trades_before() -> None:
    hall = Hall("ACME", "BETA")
    for symbol in ("ACME", "BETA"):
        hall.feed(trades=[hall.exchange.trade(100, 1, symbol) for _ in range(60)], symbol=symbol)
    listener, subscriber = hall.join()
    key = ChannelKey("trades", "*", 0, 0)
    told = hall.service.tell(subscriber, key, ["ACME"])
    listener.unsent = LIMITS.soft_bytes + 1
    hall.service.review(subscriber, 1.0)
    for symbol in ("ACME", "BETA"):
        hall.feed(trades=[hall.exchange.trade(100, 1, symbol)], symbol=symbol)
    hall.service.join_told(subscriber, key, told)
    listener.unsent = 0
    hall.service.review(subscriber, 2.0)
    for symbol, first in (("ACME", 11), ("BETA", 12)):
        heard = [trade.trade_id for trade in listener.heard(Trade) if trade.instrument == symbol]
        assert heard == list(range(first, 62))
    assert not listener.heard(Status)


def test_between_two_parts_it_hears_changes_of_what_it_has_been_told_and_of_nothing_else() -> None:
    hall = Hall(*MANY)
    listener, subscriber = lagging(hall, *windows(hall), account=True)
    listener.unsent = 0
    hall.service.review(subscriber, 2.0)
    told = {snapshot.instrument for snapshot in listener.heard(Snapshot)}
    listener.forget()
    for symbol in MANY:
        hall.feed(bids=[(101, 5)], symbol=symbol, executions=[hall.exchange.accepted("ann", 1)])
    hall.flush()
    hall.service.heartbeat([subscriber], 5)
    assert {message.instrument for message in listener.messages if not isinstance(message, Heartbeat)} == told
    assert listener.heard(Heartbeat) == [Heartbeat(5, {})]
    assert not listener.heard(Execution)
    while hall.service.has_more:
        hall.service.go_on(2.0)
    assert isinstance(listener.messages[-1], Account)
    hall.service.heartbeat([subscriber], 6)
    assert set(listener.heard(Heartbeat)[-1].books) == set(MANY)
    for symbol in MANY:
        assert listener.book(symbol, 5).bids.levels() == [(101, 5), (100, 5)]
    assert set(listener.verdicts) == {Verdict.APPLY}


def test_a_part_waits_until_the_one_before_is_read() -> None:
    hall = Hall(*MANY)
    listener, subscriber = lagging(hall, *windows(hall))
    listener.unsent = 0
    hall.service.review(subscriber, 2.0)
    listener.forget()
    listener.unsent = LIMITS.soft_bytes // 2
    hall.service.go_on(3.0)
    assert not listener.messages
    assert not hall.service.has_more
    listener.unsent = 0
    hall.service.review(subscriber, 4.0)
    assert len(listener.heard(Snapshot)) == CHANNELS_A_PART


def test_a_write_between_two_parts_brings_no_part_before_its_turn() -> None:
    """A socket that takes not all at once is reviewed within the write: each of many cost a flush a part."""
    hall = Hall(*MANY)
    listener, subscriber = lagging(hall, *windows(hall))
    listener.unsent = 0
    hall.service.review(subscriber, 2.0)
    listener.forget()
    listener.review = lambda: hall.service.review(subscriber, 2.0)
    for symbol in MANY:
        hall.feed(bids=[(101, 5)], symbol=symbol)
    hall.flush()
    assert len(listener.heard(Delta)) == CHANNELS_A_PART
    assert not listener.heard(Snapshot)
    while hall.service.has_more:
        hall.service.go_on(2.0)
    assert len(listener.heard(Snapshot)) == len(MANY) - CHANNELS_A_PART


async def test_alone_a_drained_user_gets_a_part_an_update() -> None:
    """Nobody calls `go_on` there."""
    service = MarketDataService(lag_limits=LIMITS, pace_s=0.0, clock=lambda: 1.0)
    for symbol in MANY:
        await service.broadcast_order_book_update(Snapshot(symbol, 1, 1, 0, 0, [], [], 0))
    listener = Listener()
    subscriber = await service.subscribe_user("ann", listener)
    for symbol in MANY:
        service.subscribe(subscriber, ChannelKey("status", symbol, 0, 0))
    listener.unsent = LIMITS.soft_bytes + 1
    service.review(subscriber, 1.0)
    listener.unsent = 0
    listener.forget()
    for seq in range(2, 7):
        await service.broadcast_order_book_update(Snapshot("S000", 1, seq, 0, 0, [], [], 0))
    assert len(listener.heard(Status)) == len(MANY)
    assert not subscriber.is_lagging


def test_each_part_is_progress_and_none_for_too_long_is_the_end() -> None:
    hall = Hall(*MANY)
    listener, subscriber = lagging(hall, *windows(hall))
    listener.unsent = 0
    hall.service.review(subscriber, 10.0)
    listener.unsent = LIMITS.soft_bytes // 2
    assert hall.service.review(subscriber, 10.0 + LIMITS.lag_s) is LagVerdict.LAGS
    assert hall.service.review(subscriber, 10.1 + LIMITS.lag_s) is LagVerdict.TOO_SLOW
    assert not hall.service.has_more


def test_one_that_lags_again_between_two_parts_is_told_the_others_first() -> None:
    """Else the last channels of one that never reads more than a part would never come."""
    hall = Hall(*MANY)
    listener, subscriber = lagging(hall, *windows(hall))
    heard: list[str] = []
    for _ in range(4):
        listener.unsent = 0
        hall.service.review(subscriber, 2.0)
        heard += [snapshot.instrument for snapshot in listener.heard(Snapshot)]
        listener.forget()
        listener.unsent = LIMITS.soft_bytes + 1
        assert hall.service.review(subscriber, 3.0) is LagVerdict.LAGS_AGAIN
        for symbol in MANY:
            hall.feed(bids=[(99, 5)], symbol=symbol)
        hall.flush()
        assert not listener.messages
    assert set(heard) == set(MANY)


def test_one_that_goes_between_two_parts_is_told_no_more() -> None:
    hall = Hall(*MANY)
    listener, subscriber = lagging(hall, *windows(hall))
    listener.unsent = 0
    hall.service.review(subscriber, 2.0)
    hall.service.remove(subscriber)
    assert not hall.service.has_more


@pytest.mark.parametrize("seed", range(30))
def test_nothing_is_lost_or_wrong_however_it_lags(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of one channel, trades and books by name and of all, a lag or a new numbering at any place."""
    monkeypatch.setattr(catch_up, "CHANNELS_A_PART", 1)
    random = Random(seed)
    symbols = ("ACME", "BETA", "CORE")
    hall = Hall(*symbols)
    keys = [ChannelKey(kind, symbol, depth, 0) for kind, depth in (("book", 0), ("trades", 0)) for symbol in symbols]
    keys += [ChannelKey("book", "*", 5, 0), ChannelKey("status", "*", 0, 0)]
    random.shuffle(keys)
    listener, subscriber = hall.join(*keys)
    for _ in range(120):
        match random.randrange(6):
            case 0 | 1 | 2:
                symbol = random.choice(symbols)
                trades = [hall.exchange.trade(100, 1, symbol) for _ in range(random.randrange(3))]
                hall.feed(bids=[(random.randint(1, 9), random.randint(0, 3))], symbol=symbol, trades=trades)
                hall.flush()
            case 3:
                listener.unsent = LIMITS.soft_bytes + 1
                hall.service.review(subscriber, 1.0)
            case 4:
                listener.unsent = 0
                hall.service.review(subscriber, 1.0)
            case 5:
                if hall.service.has_more:
                    hall.service.go_on(1.0)
    listener.unsent = 0
    hall.service.review(subscriber, 1.0)
    while hall.service.has_more:
        hall.service.go_on(1.0)
    hall.flush()
    assert not subscriber.is_lagging
    assert not {Verdict.GAP, Verdict.CORRUPT} & set(listener.verdicts)
    for symbol in symbols:
        assert listener.book(symbol).digest == hall.exchange.books[symbol].digest
        heard = [trade.trade_id for trade in listener.heard(Trade) if trade.instrument == symbol]
        assert heard == list(range(1, hall.exchange.trade_ids[symbol] + 1))


@pytest.mark.parametrize("kind", ["trades", "book", "top", "ticker", "status"])
def test_a_channel_for_all_instruments_is_told_in_parts(kind: str) -> None:
    """1,000 trades each of a thousand instruments were one part: two seconds in which nobody was served."""
    hall = Hall(*MANY)
    for symbol in MANY:
        hall.feed(bids=[(price, 1) for price in range(1, 40)], symbol=symbol)
    listener, subscriber = lagging(hall, ChannelKey(kind, "*", 50 if kind == "top" else 0, 0), account=True)
    for symbol in MANY:
        trades = [hall.exchange.trade(100, n + 1, symbol) for n in range(100)]
        hall.feed(bids=[(50, 2)], trades=trades, symbol=symbol)
    hall.flush()
    listener.unsent = 0
    hall.service.review(subscriber, 2.0)
    largest, turns = len(listener.messages), 1
    while hall.service.has_more:
        before = len(listener.messages)
        if turns == 2:  # one that has been told, and one that has not
            for symbol in (MANY[0], MANY[-1]):
                hall.feed(bids=[(60, 3)], trades=[hall.exchange.trade(101, 1, symbol)], symbol=symbol)
            hall.flush()
        hall.service.go_on(2.0)
        largest, turns = max(largest, len(listener.messages) - before), turns + 1
    assert not subscriber.is_lagging
    assert isinstance(listener.messages[-1], Account)
    if kind == "trades":
        assert turns > len(MANY) * 100 / (catch_up.WHOLE_ROWS_MAX + 100)
        assert largest <= catch_up.WHOLE_ROWS_MAX + 100 + 3
        for symbol in MANY:
            heard = [trade.trade_id for trade in listener.heard(Trade) if trade.instrument == symbol]
            assert heard == list(range(1, 101 + (symbol in {MANY[0], MANY[-1]})))
    elif kind in {"book", "top"}:
        assert turns > len(MANY) / CHANNELS_A_PART
        assert largest <= CHANNELS_A_PART + 3
    hall.feed(bids=[(61, 3)], trades=[hall.exchange.trade(102, 1, MANY[1])], symbol=MANY[1])
    hall.flush()
    if kind == "book":
        assert set(listener.verdicts) == {Verdict.APPLY}
        for symbol in MANY:
            assert listener.book(symbol).digest == hall.exchange.books[symbol].digest
    assert not subscriber.half_told


def test_a_channel_for_all_that_is_left_or_lags_again_between_two_parts() -> None:
    """It goes on where it was, and nothing of it is kept when it is left."""
    hall = Hall(*MANY)
    for symbol in MANY:
        hall.feed(bids=[(price, 1) for price in range(1, 40)], symbol=symbol)
    listener, subscriber = lagging(hall, ChannelKey("book", "*", 0, 0))
    for symbol in MANY:
        hall.feed(bids=[(50, 2)], symbol=symbol)
    listener.unsent = 0
    hall.service.review(subscriber, 2.0)
    told = len(listener.heard(Delta))
    assert 0 < told < len(MANY)
    listener.unsent = LIMITS.soft_bytes + 1
    assert hall.service.review(subscriber, 2.0) is LagVerdict.LAGS_AGAIN
    listener.unsent = 0
    hall.service.review(subscriber, 3.0)
    while hall.service.has_more:
        hall.service.go_on(3.0)
    assert len(listener.heard(Delta)) == len(MANY)
    assert set(listener.verdicts) == {Verdict.APPLY}
    listener.unsent = LIMITS.soft_bytes + 1
    hall.service.review(subscriber, 4.0)
    for symbol in MANY:
        hall.feed(bids=[(51, 2)], symbol=symbol)
    listener.unsent = 0
    hall.service.review(subscriber, 5.0)
    assert subscriber.half_told
    hall.service.unsubscribe(subscriber, "book", "*")
    assert not subscriber.half_told

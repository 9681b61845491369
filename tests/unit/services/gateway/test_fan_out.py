from __future__ import annotations

import pytest

from openoutcry.wire.codec import Encoding
from openoutcry.wire.depth_book import DepthBook
from openoutcry.wire.digest import book_digest
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Account, Delta, Execution, Heartbeat, OpenOrder, Snapshot, Status, Ticker, Trade
from openoutcry.wire.sequence import Verdict
from openoutcry.wire.types import MarketState
from services.gateway.catch_up import WHOLE_ROWS_MAX
from services.gateway.channel import ChannelKey
from services.gateway.fan_out import FanOut
from services.gateway.loading import ReplicaBroken
from services.gateway.pacer import Pacer
from services.gateway.replica import Changes, MarketReplica
from services.gateway.subscriber import LagLimits, LagVerdict, Subscriber
from shared.logs.events import CancelOnDisconnectSet
from tests.unit.services.gateway.exchange import Exchange
from tests.unit.services.gateway.listener import Listener

BOOK = ChannelKey("book", "ACME", 0, 0)
LIMITS = LagLimits(soft_bytes=1000, hard_bytes=5000, lag_s=10.0)


class Hall:
    """A service that follows an exchange, and its listeners."""

    def __init__(self, *symbols: str, pace_s: float = 0.01) -> None:
        self.exchange = Exchange(*(symbols or ("ACME",)))
        self.service = FanOut(MarketReplica(), LIMITS, pace_s)
        self.now = 0.0
        self.service.publish(self.service.market.load(*self.exchange.snapshots()))

    def feed(self, **packet: object) -> None:
        changes = Changes()
        self.service.market.apply(*self.exchange.packet(**packet), changes)  # type: ignore[arg-type]
        self.service.publish(changes)

    def flush(self) -> None:
        self.now += 1.0
        self.service.flush_due(self.now)

    def join(
        self, *keys: ChannelKey, encoding: Encoding = Encoding.MSGPACK, user: str = "ann"
    ) -> tuple[Listener, Subscriber]:
        listener = Listener(encoding)
        subscriber = Subscriber(user, encoding, listener)
        for key in keys:
            self.service.subscribe(subscriber, key)
        return listener, subscriber


def test_a_new_member_gets_a_snapshot_then_deltas() -> None:
    hall = Hall()
    hall.feed(bids=[(100, 5)])
    listener, _ = hall.join(BOOK)
    assert [type(message) for message in listener.messages] == [Snapshot]
    hall.feed(bids=[(100, 7)])
    hall.flush()
    assert [type(message) for message in listener.messages] == [Snapshot, Delta]
    assert listener.book().bids.levels() == [(100, 7)]
    assert set(listener.verdicts) == {Verdict.APPLY}


def test_one_flush_merges_all_changes_into_one_delta() -> None:
    """Any number of changes costs one encode and one write a client."""
    hall = Hall()
    listener, _ = hall.join(BOOK)
    for quantity in range(1, 50):
        hall.feed(bids=[(100, quantity)], asks=[(200 + quantity % 3, quantity)])
    encoded = hall.service.statistics.encoded
    hall.flush()
    (delta,) = listener.heard(Delta)
    assert (delta.prev_seq, delta.seq) == (0, 49)
    assert len(delta.bids) == 1
    assert len(delta.asks) == 3
    assert hall.service.statistics.encoded == encoded + 1
    assert listener.book().digest == hall.exchange.books["ACME"].digest


def test_only_pacers_with_something_to_send_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most packets concern nobody here, and each used to ask every pacer three times."""
    asked: list[str] = []

    def counted(name: str) -> None:
        method = getattr(Pacer, name)
        monkeypatch.setattr(Pacer, name, lambda *of: asked.append(name) or method(*of))  # type: ignore[func-returns-value]

    counted("take_due")
    counted("next_deadline")
    hall = Hall()
    hall.feed(bids=[(100, 5)])
    assert (hall.service.flush_due(1.0), hall.service.next_deadline(), asked) == (False, None, [])
    hall.join(BOOK)
    hall.feed(bids=[(100, 6)])
    assert hall.service.next_deadline() == float("-inf")
    assert hall.service.flush_due(1.0)
    assert asked == ["next_deadline", "take_due"]


def test_each_interval_has_its_own_time() -> None:
    hall = Hall()
    slow, _ = hall.join(BOOK._replace(interval_ms=100))
    fast, _ = hall.join(BOOK, user="bob")
    for bid, now in ((100, 1.0), (101, 1.01)):
        hall.feed(bids=[(bid, 5)])
        assert hall.service.flush_due(now)
    assert (len(slow.heard(Delta)), len(fast.heard(Delta))) == (1, 2)
    assert hall.service.next_deadline() == 1.1
    assert not hall.service.flush_due(1.099)
    assert hall.service.flush_due(1.1)
    assert (len(slow.heard(Delta)), len(fast.heard(Delta))) == (2, 2)
    assert hall.service.next_deadline() is None
    hall.feed(bids=[(102, 5)])
    hall.service.flush_all(1.15)
    assert (len(slow.heard(Delta)), len(fast.heard(Delta))) == (3, 3)
    assert hall.service.next_deadline() is None


def test_a_thousand_members_share_one_frame() -> None:
    hall = Hall()
    for number in range(1000):
        hall.join(BOOK, user=f"u{number}")
    hall.feed(bids=[(100, 5)])
    encoded, frames = hall.service.statistics.encoded, hall.service.statistics.frames
    hall.flush()
    assert hall.service.statistics.encoded == encoded + 1
    assert hall.service.statistics.frames == frames + 1000


def test_a_flush_is_one_write_a_listener_whatever_it_follows() -> None:
    """The kernel's send is most of what a delivery costs."""
    hall = Hall("ACME", "BETA")
    listener, _ = hall.join(ChannelKey("book", "*", 0, 0), ChannelKey("ticker", "*", 0, 0), BOOK)
    hall.feed(bids=[(100, 5)])
    hall.feed(bids=[(100, 6)], symbol="BETA")
    listener.forget()
    hall.flush()
    assert listener.writes == 1
    assert listener.frames == 3


def test_both_encodings_say_the_same() -> None:
    hall = Hall()
    packed, _ = hall.join(BOOK, ChannelKey("ticker", "*", 0, 0))
    text, _ = hall.join(BOOK, ChannelKey("ticker", "*", 0, 0), encoding=Encoding.JSON)
    hall.feed(bids=[(100, 5)], trades=[hall.exchange.trade(100, 1)])
    hall.flush()
    assert packed.messages == text.messages


def test_joining_between_a_change_and_its_flush_loses_nothing() -> None:
    """Snapshot and subscription are one step; the delta that the snapshot holds already is a duplicate."""
    hall = Hall()
    hall.join(BOOK)
    hall.feed(bids=[(100, 5)])
    late, _ = hall.join(BOOK)
    hall.feed(bids=[(101, 5)])
    hall.flush()
    assert Verdict.GAP not in late.verdicts
    assert late.book().digest == hall.exchange.books["ACME"].digest


def test_a_window_removes_what_leaves_it_and_sets_what_enters() -> None:
    hall = Hall()
    hall.feed(bids=[(price, 1) for price in range(90, 100)])
    listener, _ = hall.join(ChannelKey("book", "ACME", 5, 0))
    hall.feed(bids=[(100, 9)])
    hall.flush()
    assert listener.book(depth=5).bids.levels() == [(100, 9), (99, 1), (98, 1), (97, 1), (96, 1)]
    hall.feed(bids=[(100, 0)])
    hall.flush()
    assert listener.book(depth=5).bids.levels() == [(99, 1), (98, 1), (97, 1), (96, 1), (95, 1)]
    assert set(listener.verdicts) == {Verdict.APPLY}


def test_a_window_says_nothing_of_changes_beyond_it() -> None:
    hall = Hall()
    hall.feed(bids=[(price, 1) for price in range(90, 100)])
    listener, _ = hall.join(ChannelKey("book", "ACME", 5, 0))
    hall.feed(bids=[(90, 2)])
    hall.flush()
    assert not listener.heard(Delta)
    hall.feed(bids=[(99, 2)])
    hall.flush()
    assert set(listener.verdicts) == {Verdict.APPLY}


def test_joining_a_window_between_two_flushes_stands_where_the_next_delta_begins() -> None:
    """A level that changes and changes back is in no window delta: a newcomer must not have seen it in between."""
    hall = Hall()
    hall.feed(bids=[(100, 5)])
    hall.join(ChannelKey("book", "ACME", 5, 0))
    hall.feed(bids=[(100, 6)])
    late, _ = hall.join(ChannelKey("book", "ACME", 5, 0))
    hall.feed(bids=[(100, 5), (99, 1)])
    hall.flush()
    assert late.book(depth=5).bids.levels() == [(100, 5), (99, 1)]
    assert set(late.verdicts) == {Verdict.APPLY}


def test_top_sends_whole_windows_only_when_they_change() -> None:
    hall = Hall()
    hall.feed(bids=[(100, 5), (99, 5)])
    listener, _ = hall.join(ChannelKey("top", "ACME", 1, 0))
    hall.feed(bids=[(99, 6)])
    hall.flush()
    assert len(listener.heard(Snapshot)) == 1
    hall.feed(bids=[(101, 1)])
    hall.flush()
    assert [list(map(list, s.bids)) for s in listener.heard(Snapshot)] == [[[100, 5, 2]], [[101, 1, 2]]]


def test_an_interval_merges_and_the_pace_does_not_wait_for_it() -> None:
    hall = Hall()
    fast, _ = hall.join(BOOK)
    slow, _ = hall.join(ChannelKey("book", "ACME", 0, 1000))
    hall.feed(bids=[(100, 1)])
    hall.service.flush_due(10.0)
    hall.feed(bids=[(100, 2)])
    hall.service.flush_due(10.5)
    hall.feed(bids=[(100, 3)])
    hall.service.flush_due(11.0)
    assert [delta.seq for delta in fast.heard(Delta)] == [1, 2, 3]
    assert [(delta.prev_seq, delta.seq) for delta in slow.heard(Delta)] == [(0, 1), (1, 3)]


def test_everything_is_one_frame_for_all_instruments_listed_later_included() -> None:
    hall = Hall("ACME", "BETA")
    listener, _ = hall.join(ChannelKey("book", "*", 0, 0))
    assert {snapshot.instrument for snapshot in listener.heard(Snapshot)} == {"ACME", "BETA"}
    hall.exchange.books["GAMMA"] = DepthBook("GAMMA")
    hall.feed(listings=[Instrument("GAMMA")])
    hall.feed(bids=[(9, 9)], symbol="GAMMA")
    listener.forget()
    hall.flush()
    assert listener.frames == 1
    assert listener.book("GAMMA").bids.levels() == [(9, 9)]


def test_resume_is_one_merged_delta() -> None:
    hall = Hall()
    hall.feed(bids=[(100, 5)])
    before = hall.exchange.books["ACME"].digest
    hall.feed(bids=[(100, 6)])
    hall.feed(bids=[(101, 1)])
    listener, _ = hall.join()
    listener.books["ACME", 0] = DepthBook("ACME")
    assert hall.service.resume(Subscriber("ann", Encoding.MSGPACK, listener), BOOK, 7, 1, before)
    assert [(delta.prev_seq, delta.seq) for delta in listener.heard(Delta)] == [(1, 3)]
    assert not listener.heard(Snapshot)


@pytest.mark.parametrize(("epoch", "seq", "digest_is_right"), [(8, 1, True), (7, 1, False), (7, 99, True)])
def test_resume_from_another_history_gets_a_snapshot(epoch: int, seq: int, digest_is_right: bool) -> None:
    """Content is compared: a wrong guess cannot be resumed onto."""
    hall = Hall()
    hall.feed(bids=[(100, 5)])
    digest = book_digest([(100, 5)], []) if digest_is_right else 1
    hall.feed(bids=[(100, 6)])
    listener = Listener()
    assert not hall.service.resume(Subscriber("ann", Encoding.MSGPACK, listener), BOOK, epoch, seq, digest)
    assert [type(message) for message in listener.messages] == [Snapshot]


def test_a_resumed_member_goes_on_with_the_others() -> None:
    hall = Hall()
    hall.join(BOOK)
    hall.feed(bids=[(100, 5)])
    listener, _ = hall.join(BOOK)
    book = listener.book()
    hall.feed(bids=[(100, 6)])
    assert hall.service.resume(Subscriber("ann", Encoding.MSGPACK, listener), BOOK, 7, book.seq, book.digest)
    hall.feed(bids=[(99, 1)])
    hall.flush()
    assert book.digest == hall.exchange.books["ACME"].digest
    assert Verdict.GAP not in listener.verdicts


def test_a_lagging_member_is_skipped_and_others_are_not() -> None:
    hall = Hall()
    slow, subscriber = hall.join(BOOK)
    other, _ = hall.join(BOOK)
    slow.unsent = 1001
    assert hall.service.review(subscriber, 1.0) is LagVerdict.LAGS
    slow.forget()
    hall.feed(bids=[(100, 5)])
    hall.flush()
    assert not slow.messages
    assert len(other.heard(Delta)) == 1
    assert hall.service.lagging() == [subscriber]


def test_a_drained_member_gets_one_fresh_snapshot_and_goes_on() -> None:
    hall = Hall()
    slow, subscriber = hall.join(BOOK)
    slow.unsent = 1001
    hall.service.review(subscriber, 1.0)
    for quantity in range(1, 9):
        hall.feed(bids=[(100, quantity)])
        hall.flush()
    slow.forget()
    slow.unsent = 0
    assert hall.service.review(subscriber, 2.0) is LagVerdict.DRAINED
    assert [type(message) for message in slow.messages] == [Snapshot]
    hall.feed(bids=[(99, 3)])
    hall.flush()
    assert slow.book().digest == hall.exchange.books["ACME"].digest


class Filling(Listener):
    """A transport whose buffer a large frame fills, as a socket's does."""

    service: FanOut
    subscriber: Subscriber

    def write(self, data: bytes) -> None:
        super().write(data)
        if len(data) > 10 * LIMITS.soft_bytes:
            self.unsent = len(data)
            self.service.review(self.subscriber, 1.0)


DEEP = [(price, 5) for price in range(1, WHOLE_ROWS_MAX + 2)]


def filled(hall: Hall, *keys: ChannelKey, encoding: Encoding = Encoding.MSGPACK) -> tuple[Filling, Subscriber]:
    listener = Filling(encoding)
    listener.service, listener.subscriber = hall.service, Subscriber("ann", encoding, listener)
    for key in keys:
        hall.service.subscribe(listener.subscriber, key)
    return listener, listener.subscriber


@pytest.mark.parametrize("encoding", list(Encoding))
@pytest.mark.parametrize("instrument", ["ACME", "*"])
def test_a_large_snapshot_is_not_sent_again_for_having_filled_the_buffer(instrument: str, encoding: Encoding) -> None:
    """Who followed a book of 100,000 levels got one snapshot after the other, and never a change or a heartbeat."""
    hall = Hall()
    hall.feed(bids=DEEP)
    listener, subscriber = filled(hall, ChannelKey("book", instrument, 0, 0), encoding=encoding)
    assert subscriber.is_lagging
    hall.feed(bids=[(7, 6)])
    hall.flush()
    listener.unsent = 0
    assert hall.service.review(subscriber, 2.0) is LagVerdict.DRAINED
    hall.feed(bids=[(8, 6)])
    hall.flush()
    assert [type(message) for message in listener.messages] == [Snapshot, Delta, Delta]
    assert listener.book().digest == hall.exchange.books["ACME"].digest
    assert set(listener.verdicts) == {Verdict.APPLY}


def test_a_large_book_that_the_member_does_not_hold_is_sent_whole() -> None:
    """After a new history, a resync or a new subscription while it lagged, no delta would lead on."""
    for deed in ("resync", "subscribe", "restart"):
        hall = Hall()
        hall.feed(bids=DEEP)
        listener, subscriber = filled(hall, BOOK)
        match deed:
            case "resync":
                hall.service.resync(subscriber, "ACME")
            case "subscribe":
                hall.service.subscribe(subscriber, BOOK)
            case "restart":
                hall.exchange = Exchange("ACME", epoch=8)
                hall.exchange.packet(bids=DEEP)
                hall.service.publish(hall.service.market.load(*hall.exchange.snapshots()))
        listener.forget()
        listener.unsent = 0
        hall.service.review(subscriber, 2.0)
        assert [type(message) for message in listener.messages] == [Snapshot], deed


def test_lagging_again_while_being_made_whole_keeps_where_each_large_book_stood() -> None:
    hall = Hall("ACME", "BETA")
    for symbol in ("ACME", "BETA"):
        hall.feed(bids=DEEP, symbol=symbol)
    listener, subscriber = filled(hall)
    for symbol in ("ACME", "BETA"):
        hall.service.subscribe(subscriber, ChannelKey("book", symbol, 0, 0))
        listener.unsent = 0
        hall.service.review(subscriber, 2.0)
    listener.unsent = 1001
    hall.service.review(subscriber, 3.0)
    for symbol in ("ACME", "BETA"):
        hall.feed(bids=[(price, 9) for price, _ in DEEP], symbol=symbol)
    hall.flush()
    listener.forget()
    listener.unsent = 0
    hall.service.review(subscriber, 4.0)
    while hall.service.has_more:
        hall.service.go_on(4.0)
    assert {delta.instrument for delta in listener.heard(Delta)} == {"ACME", "BETA"}
    assert not listener.heard(Snapshot)
    for symbol in ("ACME", "BETA"):
        assert listener.book(symbol).digest == hall.exchange.books[symbol].digest


def test_a_lagging_member_gets_the_trades_it_missed() -> None:
    hall = Hall()
    slow, subscriber = hall.join(ChannelKey("trades", "ACME", 0, 0))
    hall.feed(trades=[hall.exchange.trade(100, 1)])
    hall.flush()
    slow.unsent = 1001
    hall.service.review(subscriber, 1.0)
    hall.feed(trades=[hall.exchange.trade(101, 1), hall.exchange.trade(102, 1)])
    hall.flush()
    slow.unsent = 0
    hall.service.review(subscriber, 2.0)
    hall.feed(trades=[hall.exchange.trade(103, 1)])
    hall.flush()
    assert [trade.trade_id for trade in slow.heard(Trade)] == [1, 2, 3, 4]


def test_lagging_again_while_being_made_whole_loses_no_trade() -> None:
    """The state itself may fill the buffer again; what is missed still begins where it began."""
    hall = Hall()
    slow, subscriber = hall.join(BOOK, ChannelKey("trades", "ACME", 0, 0))
    slow.unsent = 1001
    hall.service.review(subscriber, 1.0)
    hall.feed(bids=[(100, 1)], trades=[hall.exchange.trade(100, 1), hall.exchange.trade(101, 1)])
    hall.flush()

    def fill_up(data: bytes) -> None:
        slow.write(data)
        slow.unsent = 1001
        hall.service.review(subscriber, 2.0)

    slow.unsent = 0
    subscriber.transport_write = fill_up
    hall.service.review(subscriber, 2.0)
    assert subscriber.is_lagging
    assert not slow.heard(Trade)
    slow.unsent = 0
    subscriber.transport_write = slow.write
    hall.service.review(subscriber, 3.0)
    assert [trade.trade_id for trade in slow.heard(Trade)] == [1, 2]


def test_trades_beyond_the_ring_are_announced_as_missing() -> None:
    """Never passed over in silence."""
    hall = Hall()
    slow, subscriber = hall.join(ChannelKey("trades", "ACME", 0, 0))
    slow.unsent = 1001
    hall.service.review(subscriber, 1.0)
    for _ in range(1005):
        hall.feed(trades=[hall.exchange.trade(100, 1)])
    hall.flush()
    slow.unsent = 0
    hall.service.review(subscriber, 2.0)
    assert slow.heard(Status) == [Status("ACME", MarketState.RESYNCING, "trades 1 to 5 are missing", 0)]
    assert [trade.trade_id for trade in slow.heard(Trade)] == list(range(6, 1006))


def test_lagging_too_long_is_aborted() -> None:
    hall = Hall()
    slow, subscriber = hall.join(BOOK)
    slow.unsent = 1001
    hall.service.review(subscriber, 1.0)
    assert hall.service.review(subscriber, 11.0) is LagVerdict.LAGS
    assert hall.service.review(subscriber, 11.1) is LagVerdict.TOO_SLOW
    assert slow.is_aborted
    assert hall.service.statistics.aborted_time == 1
    assert not hall.service.lagging()


def test_too_much_unsent_is_aborted_at_once() -> None:
    hall = Hall()
    slow, subscriber = hall.join(BOOK)
    slow.unsent = 5000 + subscriber.owed_bytes + 1
    assert hall.service.review(subscriber, 1.0) is LagVerdict.TOO_SLOW
    assert hall.service.statistics.aborted_bytes == 1


def test_who_is_aborted_is_aborted_once() -> None:
    """Its connection ends a turn of the loop later; what is written to it until then has it reviewed again."""
    hall = Hall()
    slow, subscriber = hall.join(BOOK)
    slow.unsent = 5000 + subscriber.owed_bytes + 1
    hall.service.review(subscriber, 1.0)
    slow.messages.clear()
    assert hall.service.review(subscriber, 1.0) is LagVerdict.TOO_SLOW
    slow.unsent = 0
    hall.service.review(subscriber, 2.0)
    assert hall.service.statistics.aborted_bytes == 1
    assert not slow.messages


def test_a_snapshot_that_was_asked_for_does_not_count_against_the_hard_limit() -> None:
    """A book of 50,000 levels is larger than the limit; who reads it is not slow."""
    hall = Hall()
    hall.feed(bids=[(price, 1_000_000) for price in range(1, 1000)])
    listener, subscriber = hall.join(BOOK)
    listener.unsent = subscriber.owed_bytes
    assert subscriber.owed_bytes > LIMITS.hard_bytes
    assert hall.service.review(subscriber, 1.0) is LagVerdict.LAGS


@pytest.mark.parametrize("kind", ["book", "top", "ticker", "trades", "status"])
@pytest.mark.parametrize("name", ["ACME", "*"])
@pytest.mark.parametrize("is_busy", [False, True])
def test_what_nobody_follows_any_more_is_not_flushed(kind: str, name: str, *, is_busy: bool) -> None:
    """It waited for its flush still, as its instrument was delisted: looking that up ended the gateway."""
    hall = Hall("ACME", "BETA")
    key = ChannelKey(kind, name, 0, 1000)
    _, subscriber = hall.join(key)
    hall.flush()
    halted = Status("ACME", MarketState.HALTED, "", 0)
    hall.feed(bids=[(100, 5)], trades=[hall.exchange.trade(100, 1)], statuses=[halted])
    if is_busy:
        hall.join(ChannelKey("book", "BETA", 0, 1000))
        hall.feed(bids=[(100, 5)], symbol="BETA")
    hall.service.unsubscribe(subscriber, kind, name)
    assert (hall.service.next_deadline() is not None) is is_busy
    hall.exchange = Exchange("BETA", epoch=8)
    hall.service.publish(hall.service.market.load(*hall.exchange.snapshots()))
    hall.service.next_deadline()
    hall.flush()
    assert hall.service.next_deadline() is None


def test_executions_reach_only_their_user() -> None:
    hall = Hall()
    ann, subscriber = hall.join(user="ann")
    bob, other = hall.join(user="bob")
    hall.service.hear_account(subscriber)
    hall.service.hear_account(other)
    hall.feed(executions=[hall.exchange.accepted("ann", 1)])
    assert [execution.order_id for execution in ann.heard(Execution)] == [1]
    assert not bob.heard(Execution)
    assert [account.user_seq for account in ann.heard(Account)] == [0]


def test_a_gateway_that_loads_the_snapshots_sends_accounts_anew() -> None:
    """Executions that the snapshots jumped over never come: without the account the user would not know of them."""
    hall = Hall()
    ann, subscriber = hall.join(user="ann")
    hall.service.hear_account(subscriber)
    lost = hall.exchange.accepted("ann", 1)
    hall.exchange.packet(executions=[lost])
    account = Account(1, [OpenOrder(*lost.execution[3:12])], {}, {})
    ann.forget()
    hall.service.publish(hall.service.market.load(*hall.exchange.snapshots({"ann": account})))
    assert ann.heard(Account) == [account._replace(orders=list(account.orders))]


def test_switching_cancel_on_disconnect_sends_the_account_anew() -> None:
    """To each of the user's connections, behind the executions before it; nobody else hears of it."""
    hall = Hall()
    ann, subscriber = hall.join(user="ann")
    bob, other = hall.join(user="bob")
    for each in (subscriber, other):
        hall.service.hear_account(each)
    for each in (ann, bob):
        each.forget()
    hall.feed(
        executions=[hall.exchange.accepted("ann", 1)],
        switches=[CancelOnDisconnectSet("ann", on=True), CancelOnDisconnectSet("cat", on=True)],
    )
    execution, account = ann.messages
    assert isinstance(execution, Execution)
    assert isinstance(account, Account)
    assert (account.user_seq, account.cancel_on_disconnect, len(account.orders)) == (1, True, 1)
    assert bob.messages == []


def test_a_drained_member_gets_its_account_anew() -> None:
    hall = Hall()
    ann, subscriber = hall.join(user="ann")
    hall.service.hear_account(subscriber)
    ann.unsent = 1001
    hall.service.review(subscriber, 1.0)
    hall.feed(executions=[hall.exchange.accepted("ann", 1)])
    assert not ann.heard(Execution)
    ann.unsent = 0
    hall.service.review(subscriber, 2.0)
    assert [account.user_seq for account in ann.heard(Account)] == [0, 1]


def test_a_heartbeat_names_what_was_sent_not_what_is_known() -> None:
    """A seq that has not been flushed to this connection would make its book look stale."""
    hall = Hall()
    listener, subscriber = hall.join(BOOK)
    hall.feed(bids=[(100, 1)])
    hall.flush()
    hall.feed(bids=[(100, 2)])
    hall.service.heartbeat([subscriber], 77)
    assert listener.heard(Heartbeat) == [Heartbeat(77, {"ACME": 1})]


def test_what_a_lagging_member_asks_for_comes_when_it_has_drained() -> None:
    hall = Hall()
    listener, subscriber = hall.join(ChannelKey("ticker", "*", 0, 0))
    listener.unsent = 1001
    hall.service.review(subscriber, 1.0)
    listener.forget()
    hall.service.subscribe(subscriber, BOOK)
    hall.service.resume(subscriber, BOOK, 7, 0, 0)
    hall.service.hear_account(subscriber)
    hall.service.resync(subscriber, "ACME")
    assert not listener.messages
    listener.unsent = 0
    hall.service.review(subscriber, 2.0)
    assert {type(message) for message in listener.messages} == {Ticker, Snapshot, Account}


def test_a_lagging_member_hears_that_the_connection_lives_and_of_no_book() -> None:
    """Without heartbeats it would give up, and one that named a seq it was not sent would be a lie."""
    hall = Hall()
    listener, subscriber = hall.join(BOOK)
    listener.unsent = 1001
    hall.service.review(subscriber, 1.0)
    hall.service.heartbeat([subscriber], 77)
    assert listener.heard(Heartbeat) == [Heartbeat(77, {})]


def test_a_new_epoch_sends_snapshots() -> None:
    hall = Hall()
    listener, _ = hall.join(BOOK, ChannelKey("ticker", "*", 0, 0))
    hall.feed(bids=[(100, 5)])
    hall.flush()
    hall.exchange = Exchange("ACME", epoch=8)
    hall.exchange.packet(bids=[(50, 1)])
    listener.forget()
    hall.service.publish(hall.service.market.load(*hall.exchange.snapshots()))
    hall.flush()
    assert {type(message) for message in listener.messages} == {Snapshot, Ticker}
    assert listener.book().epoch == 8
    assert listener.book().bids.levels() == [(50, 1)]


@pytest.mark.parametrize("kind", ["book", "top"])
def test_a_window_of_a_new_epoch_is_sent_whole(kind: str) -> None:
    """Even one of the same levels: a delta to it would be of a history that is no more, and so would who joins get."""
    hall = Hall()
    window = ChannelKey(kind, "ACME", 5, 0)
    hall.feed(bids=[(100, 5)])
    listener, _ = hall.join(window)
    hall.exchange = Exchange("ACME", epoch=8)
    hall.exchange.packet(bids=[(100, 5)])
    listener.forget()
    hall.service.publish(hall.service.market.load(*hall.exchange.snapshots()))
    late, _ = hall.join(window)
    hall.flush()
    assert [message.epoch for message in listener.messages if isinstance(message, Snapshot)] == [8]
    assert [message.epoch for message in late.messages if isinstance(message, Snapshot)][-1] == 8


def test_who_joins_after_a_new_epoch_gets_its_snapshot() -> None:
    """At the same seq, too: a snapshot that was made for those who joined before is of another history."""
    hall = Hall()
    hall.feed(bids=[(100, 5)])
    first, _ = hall.join(BOOK)
    hall.exchange = Exchange("ACME", epoch=8)
    hall.exchange.packet(bids=[(50, 1)])
    changes = hall.service.market.load(*hall.exchange.snapshots())
    before, _ = hall.join(BOOK)
    hall.service.publish(changes)
    hall.flush()
    for listener in (first, before):
        assert (listener.book().epoch, listener.book().bids.levels()) == (8, [(50, 1)])
    assert [message.epoch for message in before.messages if isinstance(message, Snapshot)] == [8, 8]


def test_what_is_owed_is_owed_once() -> None:
    """Who has read what it asked for is judged by the hard limit again, whatever it asked for before."""
    hall = Hall()
    hall.feed(bids=[(price, 1_000_000) for price in range(1, 1000)])
    listener, subscriber = hall.join(BOOK)
    owed = subscriber.owed_bytes
    assert owed > LIMITS.hard_bytes
    assert hall.service.review(subscriber, 1.0) is LagVerdict.KEEPS_UP
    assert subscriber.owed_bytes == 0
    listener.unsent = LIMITS.hard_bytes + 1
    assert hall.service.review(subscriber, 2.0) is LagVerdict.TOO_SLOW


def test_what_was_owed_before_a_lag_is_not_owed_after_it() -> None:
    """It has drained to a little: only the state that it is given now may stand beyond the limit."""
    hall = Hall()
    hall.feed(bids=[(price, 1_000_000) for price in range(1, 1000)])
    listener, subscriber = hall.join(BOOK)
    listener.unsent = LIMITS.soft_bytes + 1
    assert hall.service.review(subscriber, 1.0) is LagVerdict.LAGS
    before = subscriber.owed_bytes
    listener.unsent = 1
    assert hall.service.review(subscriber, 2.0) is LagVerdict.DRAINED
    assert subscriber.owed_bytes == before


def test_a_book_that_is_known_to_be_wrong_is_told_to_nobody() -> None:
    """Its levels would come with a digest of their own, and every client would believe them."""
    hall = Hall()
    listener, _ = hall.join(BOOK)
    hall.feed(bids=[(100, 5)])
    feed_id, packet, published = hall.exchange.packet(bids=[(100, 6)])
    false = packet._replace(changes=[packet.changes[0]._replace(bids=[(100, 7, 2)])])
    with pytest.raises(ReplicaBroken):
        hall.service.market.apply(feed_id, false, published, Changes())
    hall.flush()
    late, _ = hall.join(BOOK)
    assert not listener.heard(Delta)
    assert not late.messages
    hall.service.publish(hall.service.market.load(*hall.exchange.snapshots()))
    hall.flush()
    for user in (listener, late):
        assert user.book().bids.levels() == [(100, 6)]
        assert user.book().digest == hall.exchange.books["ACME"].digest


def test_an_unchanged_ticker_is_not_sent_again() -> None:
    hall = Hall()
    hall.feed(bids=[(100, 5), (99, 5)])
    listener, _ = hall.join(ChannelKey("ticker", "*", 0, 0))
    hall.feed(bids=[(99, 6)])
    hall.flush()
    assert len(listener.heard(Ticker)) == 1


def test_a_ticker_that_changes_back_before_a_flush_reaches_who_joined_in_between() -> None:
    hall = Hall()
    hall.feed(bids=[(100, 5)])
    first, _ = hall.join(ChannelKey("ticker", "*", 0, 0))
    hall.feed(bids=[(100, 6)])
    late, _ = hall.join(ChannelKey("ticker", "*", 0, 0))
    hall.feed(bids=[(100, 5)])
    hall.flush()
    assert first.heard(Ticker)[-1].bid_quantity == 5
    assert late.heard(Ticker)[-1].bid_quantity == 5


def test_leaving_ends_the_channel_with_its_last_member() -> None:
    hall = Hall()
    listener, subscriber = hall.join(BOOK)
    assert hall.service.unsubscribe(subscriber, "book", "ACME")
    assert not hall.service.unsubscribe(subscriber, "book", "ACME")
    listener.forget()
    hall.feed(bids=[(100, 5)])
    hall.flush()
    assert not listener.messages
    assert not hall.service._channels
    assert not hall.service._state_frames  # a channel that is gone would be held with its last frame


def test_an_operator_sees_how_many_channels_went_out() -> None:
    hall = Hall("ACME", "BETA")
    hall.join(BOOK, ChannelKey("ticker", "ACME", 0, 0), ChannelKey("book", "BETA", 0, 0))
    assert hall.service.statistics.flushes == 0
    hall.feed(bids=[(100, 5)])
    hall.flush()
    assert hall.service.statistics.flushes == 2

"""Large subscribes: carried out in parts, and as if they were not."""

from __future__ import annotations

import pytest

from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.messages import Delta, Heartbeat, Message, Reply, Snapshot, Status, Ticker, Trade
from openoutcry.wire.sequence import Verdict
from openoutcry.wire.types import Code
from services.gateway import joining
from services.gateway.channel import WindowChannel
from services.gateway.gateway import WAITING_MAX, ConnectedClient
from services.gateway.limits import GatewayLimits
from services.gateway.replica import InstrumentReplica
from services.gateway.subscriber import Subscriber
from shared.identity import Identity
from shared.token_bucket import Rate
from tests.unit.services.gateway.exchange import Exchange
from tests.unit.services.gateway.listener import Listener
from tests.unit.services.gateway.test_gateway import House, kinds, reply

SYMBOLS = [f"S{n:02}" for n in range(80)]
BY_NAME = {"channel": "book", "instruments": SYMBOLS}


def house() -> House:
    found = House(*SYMBOLS, limits=GatewayLimits(requests=Rate(1e6, 10**6)))
    for symbol in SYMBOLS:
        found.feed(bids=[(90, 1)], symbol=symbol)
    return found


def parts(at: House) -> int:
    """Do what is left; how many parts it took."""
    count = 0
    while at.gateway.has_more:
        at.gateway.go_on(at.now, at.time_us)
        count += 1
    return count


def snapshots(messages: list[Message]) -> list[str]:
    return [message.instrument for message in messages if isinstance(message, Snapshot)]


def same_books(at: House, listener: Listener) -> None:
    assert {symbol: book.digest for (symbol, _), book in listener.books.items()} == {
        symbol: book.digest for symbol, book in at.exchange.books.items()
    }
    assert Verdict.GAP not in listener.verdicts
    assert Verdict.CORRUPT not in listener.verdicts


def test_what_has_waited_behind_it_is_done_in_order_one_request_a_turn() -> None:
    """One user's 58 subscribes of 32 deep books behind a large one held everybody for 330 ms."""
    at = house()
    client, listener = at.enter()
    at.ask(client, listener, op="subscribe", **BY_NAME)
    for number in range(3):
        at.ask(client, listener, op="ping", id=number)
    listener.forget()
    while not listener.heard(Reply):
        at.gateway.go_on(at.now, at.time_us)
    at.ask(client, listener, op="ping", id=3)
    answered = [[0]]
    while at.gateway.has_more:
        at.gateway.go_on(at.now, at.time_us)
        answered.append([answer.id for answer in listener.heard(Reply)])
    assert answered[0] + answered[-1] == [0, 1, 2, 3]
    assert [len(each) for each in answered] == [1, 1, 2, 3]
    assert at.ask(client, listener, op="ping", id=4)


@pytest.mark.parametrize("request_", [BY_NAME, {"channel": "book"}])
def test_a_large_subscribe_takes_a_part_a_turn(request_: dict[str, object]) -> None:
    """256 books in one turn made everybody wait for 40 ms."""
    at = house()
    client, listener = at.enter()
    assert kinds(at.ask(client, listener, op="subscribe", **request_)) == [Reply]
    told: list[str] = []
    while at.gateway.has_more:
        listener.forget()
        at.gateway.go_on(at.now, at.time_us)
        assert len(listener.messages) <= joining.INSTRUMENTS_A_PART
        told += snapshots(listener.messages)
    assert told == SYMBOLS
    listener.forget()
    at.feed(bids=[(91, 2)], symbol=SYMBOLS[-1])
    assert kinds(listener.messages) == [Delta]
    same_books(at, listener)


@pytest.mark.parametrize("request_", [BY_NAME, {"channel": "book"}])
def test_what_changes_between_two_parts_is_told(request_: dict[str, object]) -> None:
    """Whether an instrument has been told already or not; and nothing is a gap."""
    at = house()
    client, listener = at.enter()
    other, beside = at.enter("bob")
    at.ask(other, beside, op="subscribe", channel="book")
    parts(at)
    at.ask(client, listener, op="subscribe", **request_)
    while at.gateway.has_more:
        at.gateway.go_on(at.now, at.time_us)
        for symbol in (SYMBOLS[0], SYMBOLS[40], SYMBOLS[79]):
            at.feed(bids=[(90 + at.exchange.position % 7, 3)], symbol=symbol)
    at.feed(bids=[(95, 1)], symbol=SYMBOLS[1])
    same_books(at, listener)
    same_books(at, beside)


def test_what_is_asked_next_waits_behind_it_in_order() -> None:
    """Nothing overtakes: an unsubscribe that came before its subscribe would leave what it was to end."""
    at = house()
    client, listener = at.enter()
    at.ask(client, listener, op="subscribe", **BY_NAME)
    assert at.ask(client, listener, op="ping", id=2) == []
    assert at.ask(client, listener, op="unsubscribe", id=3, **BY_NAME) == []
    assert at.ask(client, listener, op="subscribe", id=4, channel="ticker") == []
    assert at.ask(client, listener, op="ping", id=5) == []
    parts(at)
    replies = [message.id for message in listener.heard(Reply)]
    assert replies == [2, 3, 4, 5]
    assert kinds(listener.messages)[-1] is Reply
    assert len(listener.heard(Ticker)) == len(SYMBOLS)
    assert {kind for kind, _ in client.subscriber.channels} == {"ticker"}


def test_what_may_wait_is_bounded() -> None:
    """A connection that asks on and on costs a bounded memory."""
    at = house()
    client, listener = at.enter()
    at.ask(client, listener, op="subscribe", **BY_NAME)
    for _ in range(WAITING_MAX):
        assert at.ask(client, listener, op="ping") == []
    assert reply(at.ask(client, listener, op="ping")).code is Code.BUSY
    parts(at)
    assert len(listener.heard(Reply)) == WAITING_MAX + 1


def test_each_in_turn_and_small_ones_at_once() -> None:
    """Who asks for one book waits for nobody's 80."""
    at = house()
    (ann, hears), (bob, beside) = at.enter(), at.enter("bob")
    at.ask(ann, hears, op="subscribe", **BY_NAME)
    at.ask(bob, beside, op="subscribe", **BY_NAME)
    cat, third = at.enter("cat")
    assert kinds(at.ask(cat, third, op="subscribe", channel="book", instruments=["S01"])) == [Reply, Snapshot]
    assert parts(at) == 6
    same_books(at, hears)
    same_books(at, beside)


def _closed(at: House, client: ConnectedClient) -> None:
    at.gateway.end(client, CloseCode.BAD_REQUEST, "enough", at.now, at.time_us)


def _lost(at: House, client: ConnectedClient) -> None:
    at.gateway.lost(client)


def _expired(at: House, client: ConnectedClient) -> None:
    at.now += 2


@pytest.mark.parametrize("ends", [_closed, _lost, _expired])
@pytest.mark.parametrize("request_", [BY_NAME, {"channel": "book"}])
def test_who_ends_in_the_middle_is_told_no_more(ends, request_: dict[str, object]) -> None:
    """And what waited is not carried out: an order behind a close is none."""
    at = house()
    listener = Listener()
    ends_at = at.time_us / 1e6 + 1
    client = at.gateway.open("s1", listener.encoding, listener, Identity("ann", expires_at=ends_at), at.now, at.time_us)
    at.ask(client, listener, op="subscribe", **request_)
    at.ask(client, listener, op="cancel_all", id=2)
    at.gateway.go_on(at.now, at.time_us)
    ends(at, client)
    listener.forget()
    parts(at)
    assert listener.heard(Snapshot) == []
    assert not at.gateway.orders.has_queued
    assert not client.subscriber.channels
    assert not at.gateway.service._channels


@pytest.mark.parametrize("request_", [BY_NAME, {"channel": "book"}])
def test_a_new_epoch_in_the_middle_leaves_the_new_books(request_: dict[str, object]) -> None:
    """Instruments that it does not list are passed over, new ones are told of with all."""
    at = house()
    client, listener = at.enter()
    at.ask(client, listener, op="subscribe", **request_)
    at.gateway.go_on(at.now, at.time_us)
    renewed = Exchange(*SYMBOLS[:-1], "NEW", epoch=8)
    renewed.term = 2
    at.exchange = renewed
    at.gateway.heard(at.gateway.market.load(*renewed.snapshots()), at.now, at.time_us)
    at.gateway.service.flush_due(at.now)
    parts(at)
    for symbol in SYMBOLS[:-1]:
        at.feed(bids=[(80, 4)], symbol=symbol)
    assert len(listener.heard(Status)) == 1
    followed = [*SYMBOLS[:-1], *(["NEW"] if request_ is not BY_NAME else [])]
    assert sorted({symbol for symbol, _ in listener.books} - {SYMBOLS[-1]}) == sorted(followed)
    assert all(listener.book(symbol).digest == renewed.books[symbol].digest for symbol in followed)


@pytest.mark.parametrize("request_", [BY_NAME, {"channel": "book"}])
def test_who_begins_to_lag_in_the_middle_gets_the_rest_when_drained(request_: dict[str, object]) -> None:
    at = house()
    client, listener = at.enter()
    at.ask(client, listener, op="subscribe", **request_)
    at.gateway.go_on(at.now, at.time_us)
    listener.unsent = 100_000
    at.gateway.service.review(client.subscriber, at.now)
    listener.forget()
    parts(at)
    assert listener.messages == []
    at.feed(bids=[(91, 1)], symbol="S00")
    listener.unsent = 0
    at.gateway.service.review(client.subscriber, at.now)
    parts(at)
    same_books(at, listener)


def test_a_heartbeat_in_the_middle_vouches_only_for_what_was_told() -> None:
    at = house()
    client, listener = at.enter()
    at.ask(client, listener, op="subscribe", channel="book")
    at.gateway.go_on(at.now, at.time_us)
    at.gateway.service.heartbeat([client.subscriber], at.time_us)
    assert listener.heard(Heartbeat)[-1].books == {}


def test_trades_between_two_parts_are_told_once() -> None:
    at = house()
    client, listener = at.enter()
    at.feed(trades=[at.exchange.trade(90, 1, "S00")], symbol="S00")
    at.ask(client, listener, op="subscribe", channel="trades")
    at.gateway.go_on(at.now, at.time_us)
    at.feed(trades=[at.exchange.trade(90, 1, "S00"), at.exchange.trade(91, 1, "S79")], symbol="S00")
    parts(at)
    at.feed(trades=[at.exchange.trade(92, 1, "S00")], symbol="S00")
    told = [(trade.instrument, trade.trade_id) for trade in listener.heard(Trade)]
    assert told == [("S00", 1), ("S79", 1), ("S00", 2), ("S00", 3)]


def test_a_deep_book_ends_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """32 books of 10,000 levels would be 400 ms; one alone is as long as it is."""
    monkeypatch.setattr(joining, "ROWS_A_PART", 2)
    at = house()
    client, listener = at.enter()
    for symbol in SYMBOLS[:4]:
        at.feed(asks=[(100, 1), (101, 1)], symbol=symbol)
    at.ask(client, listener, op="subscribe", channel="book", instruments=SYMBOLS[:4])
    assert parts(at) == 4
    assert kinds(at.ask(client, listener, op="subscribe", channel="book", instruments=["S00"])) == [Reply, Snapshot]


@pytest.mark.parametrize("request_", [{"channel": "book", "depth": 5}, {"channel": "top", "depth": 5}])
def test_very_many_windows_are_not_made_at_once(request_: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    """The first who followed the windows of a thousand instruments made everybody wait for 55 ms, behind the parts."""
    at = house()
    made: list[str] = []
    window = WindowChannel._window

    def counted(channel: WindowChannel[Subscriber], instrument: InstrumentReplica) -> Snapshot:
        made.append(instrument.symbol)
        return window(channel, instrument)

    monkeypatch.setattr(WindowChannel, "_window", counted)
    client, listener = at.enter()
    other, beside = at.enter("bob")
    for each, hears in ((client, listener), (other, beside)):
        at.ask(each, hears, op="subscribe", **request_)
        while at.gateway.has_more:
            made.clear()
            at.gateway.go_on(at.now, at.time_us)
            assert len(made) <= joining.INSTRUMENTS_A_PART
    listener.forget()
    at.gateway.service.heartbeat([client.subscriber], at.time_us)
    assert len(listener.heard(Heartbeat)[0].books) == (len(SYMBOLS) if request_["channel"] == "book" else 0)
    for quantity in (2, 3):
        at.feed(bids=[(91, quantity)], symbol=SYMBOLS[-1])
    for hears in (listener, beside):
        windows = {symbol: book.digest for (symbol, _), book in hears.books.items()}
        assert windows == {symbol: book.window_digest(5) for symbol, book in at.exchange.books.items()}
        assert set(hears.verdicts) == {Verdict.APPLY}

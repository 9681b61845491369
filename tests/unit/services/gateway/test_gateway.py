from __future__ import annotations

from random import Random
from typing import Any

from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.codec import Encoding, encode_request
from openoutcry.wire.depth_book import DepthBook
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import (
    Account,
    Delta,
    Execution,
    Goodbye,
    Heartbeat,
    Message,
    Reply,
    Snapshot,
    Status,
    Ticker,
    Trade,
    Welcome,
)
from openoutcry.wire.types import Code, MarketState
from services.gateway.gateway import TURNS, ConnectedClient, Gateway
from services.gateway.limits import GatewayLimits
from services.gateway.replica import Changes
from shared.identity import NOBODY, Authenticator, Identity, mint_token
from shared.key_ring import KeyRing
from shared.logs.events import Outcome
from shared.token_bucket import Rate
from shared.token_keys import shared_key
from tests.unit.services.gateway.exchange import Exchange
from tests.unit.services.gateway.listener import Listener

SECRET = b"s" * 32


class House:
    """A gateway that follows an exchange; users come and ask."""

    def __init__(self, *symbols: str, limits: GatewayLimits | None = None) -> None:
        self.exchange = Exchange(*(symbols or ("ACME", "BETA")))
        self.gateway = Gateway(
            "gateway-1", Authenticator(KeyRing(shared_key(SECRET))), limits or GatewayLimits(), 0.0, Random(1)
        )
        self.now = 100.0
        self.time_us = 5_000_000
        loaded = self.gateway.market.load(*self.exchange.snapshots())
        self.gateway.heard(loaded, self.now, self.time_us)

    def feed(self, **packet: Any) -> None:
        changes = Changes()
        self.gateway.market.apply(*self.exchange.packet(**packet), changes)
        self.gateway.heard(changes, self.now, self.time_us)
        self.gateway.service.flush_due(self.now)

    def enter(self, user: str = "ann", encoding: Encoding = Encoding.MSGPACK) -> tuple[ConnectedClient, Listener]:
        listener, identity = Listener(encoding), Identity(user) if user else NOBODY
        return self.gateway.open("s1", encoding, listener, identity, self.now, self.time_us), listener

    def ask(self, client: ConnectedClient, listener: Listener, **request: Any) -> list[Message]:
        listener.forget()
        payload = encode_request({"id": 1, **request}, listener.encoding)
        self.gateway.receive(client, payload, self.now, self.time_us)
        return listener.messages


def kinds(messages: list[Message]) -> list[type]:
    return [type(message) for message in messages]


def reply(messages: list[Message]) -> Reply:
    assert isinstance(messages[0], Reply)
    return messages[0]


def test_welcome_comes_first_and_names_the_limits() -> None:
    _, listener = House().enter()
    (welcome,) = listener.messages
    assert isinstance(welcome, Welcome)
    assert (welcome.version, welcome.user, welcome.heartbeat_ms) == (1, "ann", 1000)
    assert welcome.limits["subscriptions"] == 256


def test_login_is_answered_then_welcomed() -> None:
    house = House()
    client, listener = house.enter(user="")
    assert listener.messages == []
    messages = house.ask(client, listener, op="login", token=mint_token("ann", SECRET, 1000))
    assert kinds(messages) == [Reply, Welcome]


def test_a_wrong_token_ends_the_connection() -> None:
    house = House()
    client, listener = house.enter(user="")
    messages = house.ask(client, listener, op="login", token="rubbish")
    assert kinds(messages) == [Reply, Goodbye]
    assert listener.closed is not None
    assert listener.closed[0] is CloseCode.NOT_AUTHENTICATED
    assert [told.code for told in house.gateway.refused.take()] == ["not_authenticated"]


def test_an_expired_token_has_its_own_code() -> None:
    house = House()
    client, listener = house.enter(user="")
    house.ask(client, listener, op="login", token=mint_token("ann", SECRET, 0))
    assert listener.closed is not None
    assert listener.closed[0] is CloseCode.TOKEN_EXPIRED


def test_subscribing_replies_then_sends_the_state_of_each() -> None:
    house = House()
    client, listener = house.enter()
    messages = house.ask(client, listener, op="subscribe", channel="book", instruments=["ACME", "BETA"])
    assert kinds(messages) == [Reply, Snapshot, Snapshot]
    messages = house.ask(client, listener, op="subscribe", channel="ticker")
    assert kinds(messages) == [Reply, Ticker, Ticker]
    messages = house.ask(client, listener, op="subscribe", channel="status")
    assert kinds(messages) == [Reply, Status, Status]
    messages = house.ask(client, listener, op="subscribe", channel="account")
    assert kinds(messages) == [Reply, Account]


def test_an_unknown_instrument_subscribes_to_nothing() -> None:
    """One bad symbol must not leave half of a request done."""
    house = House()
    client, listener = house.enter()
    messages = house.ask(client, listener, op="subscribe", channel="book", instruments=["ACME", "NOPE"])
    assert reply(messages).code == Code.UNKNOWN_INSTRUMENT
    assert "NOPE" in reply(messages).text
    assert not client.subscriber.channels


def test_a_book_has_one_depth_a_connection() -> None:
    house = House()
    client, listener = house.enter()
    house.ask(client, listener, op="subscribe", channel="book")
    messages = house.ask(client, listener, op="subscribe", channel="book", instruments=["ACME"], depth=5)
    assert reply(messages).code == Code.BAD_REQUEST
    assert "depth" in reply(messages).text


def test_a_window_is_followed_by_one_channel_only() -> None:
    """Both come as snapshots of a depth: a client could not tell a book's from a top's."""
    house = House()
    client, listener = house.enter()
    assert reply(house.ask(client, listener, op="subscribe", channel="top", depth=5)).ok
    messages = house.ask(client, listener, op="subscribe", channel="book", instruments=["ACME"], depth=5)
    assert reply(messages).text == "depth: top * is followed at depth 5; follow a window by one channel only"
    assert reply(house.ask(client, listener, op="subscribe", channel="book", instruments=["ACME"], depth=10)).ok
    assert reply(house.ask(client, listener, op="subscribe", channel="top", depth=50)).ok
    assert not reply(house.ask(client, listener, op="subscribe", channel="top", instruments=["ACME"], depth=10)).ok


def test_subscribing_again_at_another_depth_replaces() -> None:
    house = House()
    client, listener = house.enter()
    house.ask(client, listener, op="subscribe", channel="book", instruments=["ACME"])
    messages = house.ask(client, listener, op="subscribe", channel="book", instruments=["ACME"], depth=5)
    assert kinds(messages) == [Reply, Snapshot]
    listener.forget()
    house.feed(bids=[(100, 1)])
    assert [delta.depth for delta in listener.heard(Delta)] == [5]


def test_subscriptions_are_bounded() -> None:
    house = House(limits=GatewayLimits(subscriptions=1))
    client, listener = house.enter()
    messages = house.ask(client, listener, op="subscribe", channel="book", instruments=["ACME", "BETA"])
    assert reply(messages).code == Code.TOO_MANY_SUBSCRIPTIONS


def test_resume_for_an_instrument_not_asked_for_is_refused() -> None:
    house = House()
    client, listener = house.enter()
    messages = house.ask(
        client, listener, op="subscribe", channel="book", instruments=["ACME"], resume={"BETA": [7, 0, 0]}
    )
    assert "resume: BETA" in reply(messages).text


def test_resume_at_the_present_is_confirmed_by_an_empty_delta() -> None:
    """The client learns at once that its book is the exchange's, not at the next heartbeat."""
    house = House()
    house.feed(bids=[(100, 1)])
    book = house.exchange.books["ACME"]
    client, listener = house.enter()
    listener.books["ACME", 0] = DepthBook("ACME")
    messages = house.ask(
        client, listener, op="subscribe", channel="book", instruments=["ACME"], resume={"ACME": [7, 1, book.digest]}
    )
    (delta,) = listener.heard(Delta)
    assert kinds(messages) == [Reply, Delta]
    assert (delta.prev_seq, delta.seq, delta.bids, delta.asks, delta.digest) == (1, 1, [], [], book.digest)


def test_unsubscribe_ends_the_updates() -> None:
    house = House()
    client, listener = house.enter()
    house.ask(client, listener, op="subscribe", channel="book", instruments=["ACME"])
    assert reply(house.ask(client, listener, op="unsubscribe", channel="book", instruments=["ACME"])).ok
    listener.forget()
    house.feed(bids=[(100, 1)])
    assert not listener.messages
    messages = house.ask(client, listener, op="unsubscribe", channel="book", instruments=["ACME"])
    assert reply(messages).code == Code.NOT_SUBSCRIBED


def test_resync_replies_then_sends_a_snapshot() -> None:
    house = House()
    client, listener = house.enter()
    assert reply(house.ask(client, listener, op="resync", instrument="ACME")).code == Code.NOT_SUBSCRIBED
    house.ask(client, listener, op="subscribe", channel="book")
    assert kinds(house.ask(client, listener, op="resync", instrument="ACME")) == [Reply, Snapshot]


def test_instruments_and_ping_answer() -> None:
    house = House()
    client, listener = house.enter()
    messages = house.ask(client, listener, op="instruments")
    assert kinds(messages) == [Reply, Instrument, Instrument]
    assert reply(messages).data == {"count": 2}
    assert reply(house.ask(client, listener, op="ping")).data == {"server_time": 5_000_000}


def test_the_listing_is_encoded_once_until_it_is_another() -> None:
    """A thousand definitions are 9 ms in JSON, which anybody may ask for sixty times at once."""
    house = House("ACME", "BETA")
    client, listener = house.enter()
    for symbol in ("", "NEW"):
        if symbol:
            house.feed(listings=[Instrument(symbol)])
        house.ask(client, listener, op="instruments")
        encoded = house.gateway.service.statistics.encoded
        definitions = [
            found for found in house.ask(client, listener, op="instruments") if isinstance(found, Instrument)
        ]
        assert [each.symbol for each in definitions] == ["ACME", "BETA", *([symbol] if symbol else [])]
        assert house.gateway.service.statistics.encoded == encoded


def test_an_order_is_answered_when_the_feed_has_it() -> None:
    """Acknowledged = in the feed."""
    house = House()
    client, listener = house.enter()
    house.ask(client, listener, op="subscribe", channel="account")
    order = {"client_order_id": "c1", "instrument": "ACME", "side": "bid", "price": 100, "quantity": 5}
    assert house.ask(client, listener, op="order", **order) == []
    assert len(house.gateway.orders.take_batch()) == 1
    outcome = Outcome("gateway-1", 1, Code.OK, "", 9, 0)
    house.feed(outcomes=[outcome], executions=[house.exchange.accepted("ann", 9)])
    assert {type(message) for message in listener.messages} == {Reply, Execution}
    (answered,) = listener.heard(Reply)
    assert answered.data == {"order_id": 9}


def test_orders_are_busy_while_the_feed_is_stale() -> None:
    house = House()
    client, listener = house.enter()
    house.gateway.lost_feed("gone", house.time_us)
    messages = house.ask(client, listener, op="cancel_all")
    assert reply(messages).code == Code.BUSY


def test_silence_of_the_feed_is_told_to_everyone_and_so_is_its_end() -> None:
    house = House()
    _, listener = house.enter()
    listener.forget()
    house.now += 2.5
    house.gateway.check_feed(house.now, house.time_us)
    assert not listener.heard(Status)
    house.now += 0.1
    house.gateway.check_feed(house.now, house.time_us)
    house.feed()
    states = [status.state for status in listener.heard(Status)]
    assert states == [MarketState.STALE, MarketState.OPEN]


def test_who_comes_while_the_feed_is_stale_is_told() -> None:
    house = House()
    house.gateway.lost_feed("gone", house.time_us)
    _, listener = house.enter()
    assert kinds(listener.messages) == [Welcome, Status]


def test_the_sweep_sends_heartbeats() -> None:
    house = House()
    client, listener = house.enter()
    house.ask(client, listener, op="subscribe", channel="book", instruments=["ACME"])
    house.feed(bids=[(100, 1)])
    for turn in range(TURNS):
        house.gateway.sweep(turn, house.now, house.time_us)
    assert listener.heard(Heartbeat) == [Heartbeat(house.time_us, {"ACME": 1})]


def test_a_sweep_is_spread_evenly_over_its_turns() -> None:
    """Heartbeats to everybody at once would hold up the market for as long as a flush to everybody takes."""
    house = House()
    entered = [house.enter(f"u{number}") for number in range(3 * TURNS)]
    for client, _ in entered[:TURNS]:
        house.gateway.lost(client)
    for turn in range(TURNS):
        before = house.gateway.service.statistics.frames
        house.gateway.sweep(turn, house.now, house.time_us)
        assert house.gateway.service.statistics.frames - before == 2
    assert all(len(listener.heard(Heartbeat)) == 1 for _, listener in entered[TURNS:])


def test_a_user_has_so_many_connections_and_gets_them_back() -> None:
    house = House(limits=GatewayLimits(connections_per_user=1))
    first, _ = house.enter()
    second, listener = house.enter()
    assert listener.closed is not None
    assert listener.closed[0] is CloseCode.TOO_MANY_CONNECTIONS
    house.gateway.lost(second)
    house.gateway.lost(first)
    house.gateway.lost(first)
    _, listener = house.enter()
    assert kinds(listener.messages) == [Welcome]


def test_one_connection_too_many_is_closed_as_soon_as_its_login_names_the_user() -> None:
    house = House(limits=GatewayLimits(connections_per_user=1))
    house.enter("ann")
    client, listener = house.enter(user="")
    messages = house.ask(client, listener, op="login", token=mint_token("ann", SECRET, 1000))
    assert kinds(messages) == [Reply, Goodbye]
    assert listener.closed is not None
    assert listener.closed[0] is CloseCode.TOO_MANY_CONNECTIONS


def test_shares_are_kept_while_their_users_are_here_and_forgotten_later() -> None:
    """As many users as ever came would be memory without bound; a present one's rate must not begin anew."""
    house = House(limits=GatewayLimits(requests=Rate(0.001, 1)))
    client, listener = house.enter("ann")
    assert reply(house.ask(client, listener, op="ping")).ok
    for number in range(1_100):
        visitor, _ = house.enter(f"u{number}")
        house.gateway.lost(visitor)
    house.gateway.sweep(0, house.now, house.time_us)
    assert list(house.gateway._shares) == ["ann"]
    assert reply(house.ask(client, listener, op="ping")).code == Code.RATE_LIMITED


def test_a_full_replica_sends_clients_elsewhere() -> None:
    house = House(limits=GatewayLimits(connections=1))
    house.enter("ann")
    _, listener = house.enter("bob")
    assert listener.closed is not None
    assert listener.closed[0] is CloseCode.OVER_CAPACITY


def test_a_slot_is_never_0_which_says_that_there_is_none() -> None:
    """A client that was told 0 backs off as after a loss, or worse: comes at once."""

    class Lowest(Random):
        def randrange(self, start: int, stop: int | None = None, step: int = 1) -> int:
            return 0 if stop is None else start

    house = House()
    house.gateway._random = Lowest()
    _, listener = house.enter()
    house.gateway.drain(house.now, house.time_us)
    assert listener.heard(Goodbye)[0].reconnect_in_ms == 1


def test_draining_gives_each_client_its_own_time_to_return() -> None:
    """1,000 clients must not come back at the same instant."""
    house = House()
    listeners = [house.enter(f"u{number}")[1] for number in range(400)]
    house.gateway.drain(house.now, house.time_us)
    slots = [listener.heard(Goodbye)[0].reconnect_in_ms for listener in listeners]
    assert all(listener.closed is not None for listener in listeners)
    assert max(slots) <= 2000
    assert len(set(slots)) > 300
    _, late = house.enter("late")
    assert late.closed is not None
    assert late.closed[0] is CloseCode.SHUTTING_DOWN


def test_a_new_listing_is_told_to_everyone() -> None:
    house = House()
    _, listener = house.enter()
    house.feed(listings=[Instrument("GAMMA")])
    assert [listed.symbol for listed in listener.heard(Instrument)] == ["GAMMA"]


def test_a_frame_that_is_no_request_gets_a_reply_without_an_id() -> None:
    house = House()
    client, listener = house.enter()
    listener.forget()
    house.gateway.receive(client, b"\xc1rubbish", house.now, house.time_us)
    assert reply(listener.messages).id is None
    house.gateway.refuse_frame(client, "text frames are not understood", house.now, house.time_us)
    assert listener.heard(Reply)[1].text == "text frames are not understood"


def test_json_users_are_served_alike() -> None:
    house = House()
    client, listener = house.enter(encoding=Encoding.JSON)
    house.ask(client, listener, op="subscribe", channel="book", instruments=["ACME"])
    house.ask(client, listener, op="subscribe", channel="trades", instruments=["ACME"])
    house.feed(bids=[(100, 1)], trades=[house.exchange.trade(100, 1)])
    assert {type(message) for message in listener.messages} >= {Delta, Trade}
    assert listener.book().digest == house.exchange.books["ACME"].digest


def test_it_has_keys_once_they_are_loaded() -> None:
    ring = KeyRing(None)
    gateway = Gateway("gateway-1", Authenticator(ring), GatewayLimits(), 0.0, Random(1))
    assert not gateway.has_keys
    ring.replace(shared_key(SECRET), 0.0)
    assert gateway.has_keys

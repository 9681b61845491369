"""The client's rule, without a socket: what it believes, when it says stale, and what it asks for."""

from __future__ import annotations

from typing import Any

import pytest

from conversation import Conversation
from openoutcry.errors import Disconnected, RequestRefused
from openoutcry.events import (
    BookChanged,
    BookStale,
    CloseRequired,
    GoodbyeReceived,
    ReplyReceived,
    RequestLost,
    StaleReason,
    SubscriptionAccepted,
    SubscriptionRefused,
    TradesMissing,
)
from openoutcry.feed_session import ANSWER_S, PENDING_REQUESTS_MAX, PRESENT_S, RETRY_S, WELCOME_S, SessionState
from openoutcry.testing import Fault
from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.codec import Encoding
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Account, Execution, Goodbye, Reply, Status, Terms, Transfer, Welcome
from openoutcry.wire.types import (
    Code,
    ExecutionEvent,
    Liquidity,
    MarketState,
    OrderKind,
    Side,
    TimeInForce,
    TransferKind,
)


@pytest.fixture(params=Encoding, ids=lambda encoding: encoding.name.lower())
def talk(request: pytest.FixtureRequest) -> Conversation:
    return Conversation(request.param)


def stale(talk: Conversation) -> StaleReason | None:
    return talk.session.books["ACME"].stale_reason


# -- one book --------------------------------------------------------------------------------------------------------


def test_a_book_is_stale_until_its_snapshot_and_then_verified(talk: Conversation) -> None:
    talk.market.set(bids={100: 5})
    talk.open()
    view = talk.session.follow_book("ACME", 0, 0, talk.now)
    [request] = talk.said()
    assert request == {"op": "subscribe", "channel": "book", "instruments": ["ACME"], "depth": 0, "resume": {}, "id": 1}
    assert stale(talk) is StaleReason.LOADING
    talk.accept(request)
    talk.hear(talk.market.snapshot())
    assert stale(talk) is None
    assert view.book.bids.levels() == [(100, 5)]
    assert talk.events()[1:] == [SubscriptionAccepted("book", "ACME"), BookChanged("ACME", 1)]


def test_deltas_are_applied_and_told(talk: Conversation) -> None:
    talk.follow()
    talk.hear(talk.market.set(bids={100: 6, 99: 1}), talk.market.set(asks={101: 0}))
    assert talk.events() == [BookChanged("ACME", 2), BookChanged("ACME", 3)]
    assert talk.session.books["ACME"].book.digest == talk.market.book.digest
    assert talk.said() == []


def test_a_repeated_delta_is_nothing(talk: Conversation) -> None:
    talk.follow()
    delta = talk.market.set(bids={100: 6})
    talk.hear(delta, delta)
    assert talk.kinds() == ["BookChanged"]


def test_a_gap_is_stale_and_asks_once(talk: Conversation) -> None:
    """Every further delta is a gap too; one question is enough, and the book still shows what it held."""
    talk.follow()
    talk.market.set(bids={100: 0})
    talk.hear(talk.market.set(bids={99: 1}))
    talk.hear(talk.market.set(bids={98: 1}))
    assert talk.events() == [BookStale("ACME", StaleReason.GAP)]
    assert [(asked["op"], asked["instrument"]) for asked in talk.said()] == [("resync", "ACME")]
    assert talk.session.books["ACME"].book.bids.levels() == [(100, 5)]


def test_a_snapshot_ends_a_gap(talk: Conversation) -> None:
    talk.follow()
    talk.market.set(bids={100: 0})
    talk.hear(talk.market.set(bids={99: 1}))
    talk.accept(talk.said()[0])
    talk.hear(talk.market.snapshot())
    assert stale(talk) is None
    assert talk.session.books["ACME"].recoveries == 1
    assert talk.session.next_deadline() == talk.now + 3


@pytest.mark.parametrize("fault", [Fault.WRONG_DIGEST, Fault.WRONG_LEVEL])
def test_corruption_is_stale_and_asks(talk: Conversation, fault: Fault) -> None:
    talk.follow()
    talk.hear(*talk.market.change(bids={100: 6}, fault=fault))
    assert talk.events() == [BookStale("ACME", StaleReason.CORRUPT)]
    assert [asked["op"] for asked in talk.said()] == ["resync"]


def test_a_damaged_snapshot_is_stale_and_asks_again(talk: Conversation) -> None:
    talk.follow()
    talk.hear(talk.market.snapshot()._replace(digest=1))
    assert stale(talk) is StaleReason.CORRUPT
    assert [asked["op"] for asked in talk.said()] == ["resync"]


def test_a_heartbeat_ahead_is_stale_and_asks(talk: Conversation) -> None:
    """The last change before silence would otherwise be missed for as long as nothing follows it."""
    talk.follow()
    talk.beat(ACME=2)
    assert talk.events() == [BookStale("ACME", StaleReason.BEHIND)]
    assert [asked["op"] for asked in talk.said()] == ["resync"]


@pytest.mark.parametrize("seq", [0, 1])
def test_a_heartbeat_at_or_below_changes_nothing(talk: Conversation, seq: int) -> None:
    talk.follow()
    talk.beat(ACME=seq, OTHER=99)
    assert talk.events() == []


def test_a_snapshot_that_does_not_come_is_asked_for_again(talk: Conversation) -> None:
    talk.follow()
    talk.hear(talk.market.change(bids={100: 6}, fault=Fault.WRONG_DIGEST)[0])
    talk.said()
    talk.pass_time(ANSWER_S - 0.1)
    talk.beat(ACME=2)
    assert talk.said() == []
    talk.pass_time(0.2)
    assert [asked["op"] for asked in talk.said()] == ["resync"]


def test_a_delta_that_closes_the_gap_is_as_good_as_a_snapshot(talk: Conversation) -> None:
    """Its digest proves the whole book."""
    talk.follow()
    first, second = talk.market.set(bids={100: 6}), talk.market.set(bids={99: 1})
    talk.hear(second)
    talk.hear(first, second)
    assert stale(talk) is None


def test_messages_of_another_depth_are_not_for_this_book(talk: Conversation) -> None:
    """A channel of tops sends snapshots too."""
    talk.follow()
    talk.market.set(bids={99: 1})
    talk.hear(talk.market.snapshot(depth=1))
    assert talk.session.books["ACME"].book.seq == 1


def test_a_new_epoch_is_a_new_snapshot(talk: Conversation) -> None:
    talk.follow()
    talk.market.begin_new_epoch()
    talk.hear(talk.market.snapshot())
    book = talk.session.books["ACME"].book
    assert (book.epoch, book.seq, book.bids.levels()) == (talk.market.book.epoch, 0, [])
    assert stale(talk) is None


def test_a_book_no_longer_followed_is_unsubscribed_and_silent(talk: Conversation) -> None:
    talk.follow()
    talk.session.unfollow("book", "ACME")
    talk.hear(talk.market.set(bids={100: 6}))
    assert talk.events() == []
    assert [(asked["op"], asked["instruments"]) for asked in talk.said()] == [("unsubscribe", ["ACME"])]


# -- reconnection ----------------------------------------------------------------------------------------------------


def test_a_lost_connection_makes_everything_stale(talk: Conversation) -> None:
    talk.follow()
    talk.session.disconnected(1006, "gone")
    assert talk.events()[0] == BookStale("ACME", StaleReason.DISCONNECTED)
    assert talk.session.state is SessionState.OFFLINE
    assert talk.session.next_deadline() is None


def test_a_new_connection_resumes_from_epoch_seq_and_digest(talk: Conversation) -> None:
    talk.follow()
    held = talk.market.book
    position = [held.epoch, held.seq, held.digest]
    talk.reopen()
    [request] = talk.said()
    assert request["resume"] == {"ACME": position}
    missed = talk.market.set(bids={100: 0}), talk.market.set(bids={98: 4})
    talk.accept(request)
    talk.hear(talk.market.resume(*position))  # type: ignore[arg-type]
    assert stale(talk) is None
    assert talk.session.books["ACME"].book.seq == missed[-1].seq


def test_who_missed_nothing_is_confirmed_by_an_empty_delta(talk: Conversation) -> None:
    talk.follow()
    talk.reopen()
    talk.accept(talk.said()[0])
    book = talk.market.book
    assert stale(talk) is StaleReason.DISCONNECTED
    talk.hear(talk.market.resume(book.epoch, book.seq, book.digest))  # type: ignore[arg-type]
    assert stale(talk) is None


def test_who_missed_nothing_is_confirmed_by_a_heartbeat(talk: Conversation) -> None:
    talk.follow()
    talk.reopen()
    talk.accept(talk.said()[0])
    talk.beat(ACME=1)
    assert stale(talk) is None


def test_a_heartbeat_cannot_confirm_a_book_that_lacks_changes(talk: Conversation) -> None:
    talk.follow()
    talk.beat(ACME=2)
    talk.beat(ACME=1)
    assert stale(talk) is StaleReason.BEHIND


def test_a_wrong_book_is_not_resumed_but_loaded(talk: Conversation) -> None:
    talk.follow()
    talk.hear(*talk.market.change(bids={100: 6}, fault=Fault.WRONG_LEVEL))
    talk.said()
    talk.reopen()
    [request] = talk.said()
    assert request["resume"] == {}


def test_a_resumed_book_that_hears_nothing_asks_for_a_snapshot(talk: Conversation) -> None:
    talk.follow()
    talk.reopen()
    talk.accept(talk.said()[0])
    talk.pass_time(2)
    talk.beat()
    talk.pass_time(1.5)
    assert [asked["op"] for asked in talk.said()] == ["resync"]


def test_many_books_are_resumed_in_few_requests(talk: Conversation) -> None:
    """A thousand clients return at once after a gateway died, and may ask 60 things each."""
    talk.open()
    for number in range(250):
        talk.session.follow_book(f"I{number}", 0, 0, talk.now)
    talk.said()
    talk.reopen()
    asked = talk.said()
    assert sorted(len(request["instruments"]) for request in asked) == [50, 100, 100]


def test_books_of_other_depths_go_in_requests_of_their_own(talk: Conversation) -> None:
    talk.session.follow_book("A", 5, 0, talk.now)
    talk.session.follow_book("B", 5, 250, talk.now)
    talk.session.follow_book("C", 5, 0, talk.now)
    talk.open()
    asked = [(request["instruments"], request.get("interval_ms")) for request in talk.said()]
    assert asked == [(["A", "C"], None), (["B"], 250)]


# -- silence and misbehaviour ----------------------------------------------------------------------------------------


def test_silence_of_three_heartbeats_gives_the_connection_up(talk: Conversation) -> None:
    talk.follow()
    talk.pass_time(2.9)
    assert stale(talk) is None
    talk.pass_time(0.2)
    assert stale(talk) is StaleReason.DISCONNECTED
    assert talk.events()[-1] == CloseRequired(CloseCode.HEARTBEAT_MISSED, "nothing heard from the server")


def test_other_messages_are_no_heartbeats(talk: Conversation) -> None:
    """Only a heartbeat says that nothing is missing."""
    talk.follow()
    talk.pass_time(2.9)
    talk.hear(talk.market.set(bids={100: 6}))
    talk.pass_time(0.2)
    assert "CloseRequired" in talk.kinds()


def test_heartbeats_keep_the_connection(talk: Conversation) -> None:
    talk.follow()
    for _ in range(10):
        talk.pass_time(2.5)
        talk.beat(ACME=1)
    assert talk.events() == []


def test_no_welcome_in_time_gives_the_connection_up(talk: Conversation) -> None:
    talk.session.connected(talk.now)
    talk.pass_time(WELCOME_S)
    assert talk.kinds() == ["CloseRequired"]


@pytest.mark.parametrize("frame", [b"", b"\xc1", b"[", b"{}", b"\x80", b"[[]]"])
def test_a_frame_that_is_none_gives_the_connection_up(talk: Conversation, frame: bytes) -> None:
    talk.follow()
    talk.session.receive(frame, talk.now)
    *_, last = talk.events()
    assert isinstance(last, CloseRequired)
    assert last.code == CloseCode.HEARTBEAT_MISSED
    assert stale(talk) is StaleReason.DISCONNECTED


def test_a_message_before_welcome_gives_the_connection_up(talk: Conversation) -> None:
    talk.session.connected(talk.now)
    talk.hear(talk.market.snapshot())
    assert talk.kinds() == ["CloseRequired"]


def test_a_second_welcome_gives_the_connection_up(talk: Conversation) -> None:
    talk.follow()
    talk.hear(Welcome(1, "s1", "ada", 0, 1_000, {}))
    assert talk.kinds()[-1] == "CloseRequired"


def test_nothing_is_heard_once_the_close_is_asked_for(talk: Conversation) -> None:
    talk.follow()
    talk.session.receive(b"", talk.now)
    talk.events()
    talk.hear(talk.market.snapshot())
    assert talk.events() == []
    assert stale(talk) is StaleReason.DISCONNECTED


# -- the gateway's own feed ------------------------------------------------------------------------------------------


def test_a_gateway_without_feed_vouches_for_nothing(talk: Conversation) -> None:
    talk.follow()
    talk.hear(Status(None, MarketState.STALE, "no feed", 0))
    assert stale(talk) is StaleReason.FEED
    talk.beat(ACME=1)
    talk.hear(talk.market.snapshot())
    assert stale(talk) is StaleReason.FEED, "nothing it says now proves that there is nothing newer"


def test_a_feed_that_is_back_is_confirmed_by_the_next_heartbeat(talk: Conversation) -> None:
    talk.follow()
    talk.hear(Status(None, MarketState.STALE, "no feed", 0))
    talk.hear(Status(None, MarketState.OPEN, "", 0))
    assert stale(talk) is StaleReason.FEED
    talk.beat(ACME=1)
    assert stale(talk) is None
    assert talk.said() == []


def test_an_instrument_s_status_says_nothing_of_the_feed(talk: Conversation) -> None:
    talk.follow()
    talk.hear(Status("ACME", MarketState.RESYNCING, "trades 3 to 9 are missing", 0))
    assert stale(talk) is None
    assert talk.kinds() == ["StatusChanged"]


def test_missing_trades_leave_the_instrument_in_its_state(talk: Conversation) -> None:
    """They are announced by a status that says nothing of it: a halted instrument is halted still."""
    talk.follow()
    talk.hear(Status("ACME", MarketState.HALTED, "news", 0))
    talk.hear(Status("ACME", MarketState.RESYNCING, "trades 3 to 9 are missing", 0))
    assert talk.session.statuses["ACME"].state == MarketState.HALTED


# -- refusals --------------------------------------------------------------------------------------------------------


def test_a_refused_subscription_is_told_and_forgotten(talk: Conversation) -> None:
    talk.open()
    talk.session.follow_book("NOPE", 0, 0, talk.now)
    talk.events()
    talk.refuse(talk.said()[0], Code.UNKNOWN_INSTRUMENT)
    assert talk.events() == [SubscriptionRefused("book", "NOPE", "unknown_instrument", "no")]
    assert talk.session.books == {}
    talk.reopen()
    assert talk.said() == []


def test_a_refused_group_is_asked_one_by_one(talk: Conversation) -> None:
    """The refusal of one instrument must not cost the others."""
    talk.session.follow_book("ACME", 0, 0, talk.now)
    talk.session.follow_book("NOPE", 0, 0, talk.now)
    talk.open()
    talk.refuse(talk.said()[0], Code.UNKNOWN_INSTRUMENT)
    asked = talk.said()
    assert [request["instruments"] for request in asked] == [["ACME"], ["NOPE"]]
    talk.accept(asked[0])
    talk.refuse(asked[1], Code.UNKNOWN_INSTRUMENT)
    assert list(talk.session.books) == ["ACME"]


@pytest.mark.parametrize("code", [Code.RATE_LIMITED, Code.BUSY])
def test_a_subscription_refused_for_now_is_asked_again_later(talk: Conversation, code: Code) -> None:
    talk.open()
    talk.session.follow_book("ACME", 0, 0, talk.now)
    talk.refuse(talk.said()[0], code)
    talk.session.follow_book("OTHER", 0, 0, talk.now)
    assert talk.said() == [], "the server has asked us to slow down"
    talk.pass_time(RETRY_S)
    [request] = talk.said()
    assert request["instruments"] == ["ACME", "OTHER"]


def test_a_gateway_without_feed_may_not_know_an_instrument_yet(talk: Conversation) -> None:
    talk.open()
    talk.hear(Status(None, MarketState.RESYNCING, "loading", 0))
    talk.session.follow_book("ACME", 0, 0, talk.now)
    talk.refuse(talk.said()[0], Code.UNKNOWN_INSTRUMENT)
    talk.pass_time(RETRY_S)
    assert [request["op"] for request in talk.said()] == ["subscribe"]


def test_a_resync_of_what_the_server_has_forgotten_subscribes_again(talk: Conversation) -> None:
    talk.follow()
    talk.beat(ACME=2)
    talk.refuse(talk.said()[0], Code.NOT_SUBSCRIBED)
    [request] = talk.said()
    assert (request["op"], request["instruments"]) == ("subscribe", ["ACME"])


# -- trades, tickers, listing ----------------------------------------------------------------------------------------


def test_trades_come_once_and_missing_ones_are_named(talk: Conversation) -> None:
    talk.open()
    trades = [talk.market.trade(100, 1) for _ in range(6)]
    talk.events()
    talk.hear(trades[1], trades[1], trades[2], trades[5])
    assert talk.kinds() == ["TradeSeen", "TradeSeen", "TradesMissing", "TradeSeen"]


def test_trades_missed_while_away_are_named(talk: Conversation) -> None:
    talk.open()
    trades = [talk.market.trade(100, 1) for _ in range(4)]
    talk.hear(trades[0])
    talk.reopen()
    talk.events()
    talk.hear(trades[3])
    assert talk.events()[0] == TradesMissing("ACME", 2, 3)


def test_trades_of_a_history_that_began_anew_are_heard(talk: Conversation) -> None:
    """After a loss of history numbers may come again, at later times; they are not repetitions."""
    talk.open()
    trades = [talk.market.trade(100, 1) for _ in range(3)]
    talk.events()
    talk.hear(trades[2], trades[0]._replace(time=trades[2].time + 1))
    assert talk.kinds() == ["TradeSeen", "TradeSeen"]


def test_the_newest_ticker_and_definition_are_kept(talk: Conversation) -> None:
    talk.open()
    talk.market.set(bids={100: 5})
    talk.hear(talk.market.ticker(), Instrument("ACME"))
    assert talk.session.tickers["ACME"] == talk.market.ticker()
    assert talk.session.listing == {"ACME": Instrument("ACME")}


# -- the account -----------------------------------------------------------------------------------------------------

FILL = Execution(
    1, ExecutionEvent.FILLED, 0, 71, "m", "ACME", Side.BID, OrderKind.LIMIT, TimeInForce.GTC, 100, 5, 0, 100, 5, 1,
    Liquidity.TAKER, Code.OK,
)  # fmt: skip


def follow_account(talk: Conversation) -> None:
    talk.open()
    talk.session.follow_account(talk.now)
    definitions, subscription = talk.said()
    assert (definitions["op"], subscription["op"]) == ("instruments", "subscribe"), "fills need the definitions"
    assert "instruments" not in subscription
    talk.accept(definitions, count=1)
    talk.hear(Instrument("ACME"))
    talk.accept(subscription)
    talk.hear(Account(0, [], {}, {}))
    talk.events()


def test_the_account_follows_its_executions(talk: Conversation) -> None:
    follow_account(talk)
    talk.hear(FILL, FILL)
    assert talk.kinds() == ["ExecutionSeen"]
    assert talk.session.account.account.positions == {"ACME": 5}
    assert talk.session.account.account.cash == {"USD": -5_000_000}


def test_a_missed_execution_reloads_the_account(talk: Conversation) -> None:
    follow_account(talk)
    talk.hear(FILL._replace(user_seq=2))
    assert talk.session.account.stale_reason is StaleReason.GAP
    assert [asked["op"] for asked in talk.said()] == ["instruments", "subscribe"]
    talk.hear(Account(2, [], {"ACME": 5}, {}))
    assert talk.session.account.stale_reason is None


def test_a_fill_of_an_unknown_instrument_reloads_definitions_and_account(talk: Conversation) -> None:
    follow_account(talk)
    talk.hear(FILL._replace(instrument="NEW"))
    assert talk.session.account.stale_reason is StaleReason.GAP
    assert talk.session.account.account.user_seq == 0
    assert [asked["op"] for asked in talk.said()] == ["instruments", "subscribe"]


def test_a_new_connection_reloads_the_account(talk: Conversation) -> None:
    follow_account(talk)
    talk.reopen()
    assert talk.session.account.stale_reason is StaleReason.DISCONNECTED
    assert [asked["op"] for asked in talk.said()] == ["instruments", "subscribe"]


def test_a_feed_that_is_back_reloads_the_account(talk: Conversation) -> None:
    follow_account(talk)
    talk.hear(Status(None, MarketState.RESYNCING, "", 0), Status(None, MarketState.OPEN, "", 0))
    assert talk.session.account.stale_reason is StaleReason.FEED
    assert [asked["op"] for asked in talk.said()] == ["instruments", "subscribe"]


# -- requests --------------------------------------------------------------------------------------------------------


def test_a_reply_finds_its_request(talk: Conversation) -> None:
    talk.open()
    talk.events()
    request_id = talk.session.request("order", instrument="ACME", price=None, quantity=1)
    assert talk.said() == [{"op": "order", "instrument": "ACME", "quantity": 1, "id": request_id}]
    reply = Reply(request_id, True, "", "", {"order_id": 7})
    talk.hear(reply)
    assert talk.events() == [ReplyReceived(reply)]


@pytest.mark.parametrize("request_id", [999, "x", None])
def test_a_reply_to_nothing_changes_nothing(talk: Conversation, request_id: Any) -> None:
    talk.open()
    talk.events()
    talk.hear(Reply(request_id, False, "bad_request", "", {}))
    assert talk.events() == []


def test_requests_in_flight_are_told_lost(talk: Conversation) -> None:
    talk.open()
    first = talk.session.request("order", quantity=1)
    second = talk.session.request("cancel", order_id=1)
    talk.events()
    talk.session.disconnected(1006, "")
    assert talk.events()[:2] == [RequestLost(first, "order"), RequestLost(second, "cancel")]


def test_without_a_connection_nothing_is_sent(talk: Conversation) -> None:
    with pytest.raises(Disconnected, match="nothing was sent"):
        talk.session.request("order", quantity=1)
    talk.open()
    assert talk.said() == []


def test_what_the_lost_connection_did_not_send_is_not_said_on_the_next(talk: Conversation) -> None:
    """An order must not leave twice, or minutes late."""
    talk.open()
    talk.session.request("order", quantity=1)
    talk.reopen()
    assert talk.said() == []


def test_requests_without_reply_are_limited(talk: Conversation) -> None:
    talk.open()
    for _ in range(PENDING_REQUESTS_MAX):
        talk.session.request("ping")
    with pytest.raises(RequestRefused, match="nothing was sent"):
        talk.session.request("ping")


def test_goodbye_is_passed_on(talk: Conversation) -> None:
    talk.open()
    talk.events()
    goodbye = Goodbye(4000, "shutting down", 250)
    talk.hear(goodbye)
    assert talk.events() == [GoodbyeReceived(goodbye)]


# -- a new epoch ------------------------------------------------------------------------------------------------------


def gone(symbol: str) -> Status:
    return Status(symbol, MarketState.DELISTED, "it is listed no more", 5)


def test_what_is_delisted_is_followed_no_more_and_its_book_says_so(talk: Conversation) -> None:
    """Before, the book went on as verified, and after a reconnection its subscription was refused unexplained."""
    talk.follow()
    talk.hear(Instrument("ACME"), Instrument("OTHER"))
    for channel in ("ticker", "trades", "status"):
        talk.session.follow(channel, "ACME", talk.now)
    talk.said()
    view = talk.session.books["ACME"]
    talk.events()
    talk.hear(gone("ACME"))
    assert talk.kinds() == ["StatusChanged", "BookStale", *["SubscriptionRefused"] * 4]
    assert view.stale_reason is StaleReason.DELISTED
    assert not talk.session.books
    assert list(talk.session.listing) == ["OTHER"]
    talk.reopen()
    assert talk.said() == []


def test_the_delisting_of_what_is_not_followed_is_a_status_and_no_more(talk: Conversation) -> None:
    talk.follow()
    talk.hear(gone("OTHER"))
    assert talk.kinds() == ["StatusChanged"]
    assert talk.session.books["ACME"].stale_reason is None


def test_the_answer_to_instruments_is_the_whole_listing(talk: Conversation) -> None:
    """An instrument that went while there was no connection is not listed for ever."""
    talk.open()
    talk.hear(Instrument("GONE"), Instrument("ACME"))
    talk.session.request("instruments")
    talk.accept(talk.said()[-1], count=2)
    assert not talk.session.is_listing_whole
    talk.hear(Instrument("ACME", tick_size="0.50"))
    assert "GONE" in talk.session.listing
    talk.hear(Instrument("OTHER"))
    assert talk.session.is_listing_whole
    assert {symbol: found.tick_size for symbol, found in talk.session.listing.items()} == {
        "ACME": "0.50",
        "OTHER": "0.01",
    }


def test_half_an_answer_to_instruments_forgets_nothing(talk: Conversation) -> None:
    talk.open()
    talk.hear(Instrument("ACME"), Instrument("OTHER"))
    talk.session.request("instruments")
    talk.accept(talk.said()[-1], count=2)
    talk.hear(Instrument("ACME"))
    talk.reopen()
    talk.hear(Instrument("FRESH"))
    assert list(talk.session.listing) == ["ACME", "OTHER", "FRESH"]


# -- presence -------------------------------------------------------------------------------------------------------


def operations(talk: Conversation) -> list[str]:
    return [request["op"] for request in talk.said()]


def switch(talk: Conversation, *, on: bool) -> dict[str, Any]:
    """Ask for cancel-on-disconnect as an owner does, and return the request."""
    request_id = talk.session.request("cancel_on_disconnect", on=on)
    return {"op": "cancel_on_disconnect", "id": request_id}


def test_present_is_said_at_once_and_every_two_seconds_while_it_is_on(talk: Conversation) -> None:
    talk.open()
    talk.pass_time(2.5)
    assert operations(talk) == []
    talk.accept(switch(talk, on=True))
    assert operations(talk)[0:2] == ["cancel_on_disconnect", "present"]
    for _ in range(4):
        talk.beat()
        talk.said()
        talk.pass_time(PRESENT_S)
        assert operations(talk) == ["present"]


def test_present_is_said_on_every_connection(talk: Conversation) -> None:
    talk.open()
    switch(talk, on=True)
    talk.said()
    talk.reopen()
    assert operations(talk) == ["present"]


def test_a_heartbeat_is_enough_to_say_present(talk: Conversation) -> None:
    """Where timers are late, the server's own messages wake the program."""
    talk.open()
    switch(talk, on=True)
    talk.beat()
    talk.said()
    talk.now += PRESENT_S
    talk.beat()
    assert operations(talk) == ["present"]


def test_the_account_says_whether_it_is_on(talk: Conversation) -> None:
    talk.open()
    talk.hear(Account(0, [], {}, {}, True))
    assert operations(talk) == ["present"]
    off = switch(talk, on=False)
    talk.now += PRESENT_S
    talk.beat()
    assert operations(talk) == ["cancel_on_disconnect", "present"]  # until it is accepted
    talk.accept(off)
    talk.now += PRESENT_S
    talk.beat()
    assert operations(talk) == []


def test_a_gateway_that_does_not_know_present_is_asked_once_a_connection(talk: Conversation) -> None:
    talk.open()
    switch(talk, on=True)
    [_, present] = talk.said()
    talk.refuse(present, Code.UNKNOWN_OP)
    talk.now += PRESENT_S
    talk.beat()
    assert operations(talk) == []


def test_silence_is_told_by_the_clock(talk: Conversation) -> None:
    talk.follow()
    heard_at = talk.now
    assert not talk.session.is_silent(heard_at + 2.99)
    assert talk.session.is_silent(heard_at + 3.0)
    talk.now += 5
    talk.beat(ACME=1)
    assert not talk.session.is_silent(talk.now)


FUNDED = Account(
    3, [], {"ACME": 10}, {"USD": "100.000000"}, False, {"ACME": [10, 0, [[9, 4, "vesting"]], "50.000000"]},
    {"USD": "0.000000"}, {"USD": "0.000000"},
)  # fmt: skip
GRANT = Transfer(4, 1, "t1", TransferKind.GRANT, "ACME", "5", "15", 9)


def test_transfers_are_applied_among_executions(talk: Conversation) -> None:
    follow_account(talk)
    talk.hear(FUNDED, GRANT, FILL._replace(user_seq=5, time=2), GRANT)
    assert talk.kinds() == ["AccountLoaded", "TransferSeen", "ExecutionSeen"]
    account = talk.session.account.account.account()
    assert account.holdings == {"ACME": [20, 0, [[9, 9, "vesting"]], "55.000000"]}
    assert account.cash == {"USD": "95.000000"}


def test_a_transfer_to_another_balance_reloads_the_account(talk: Conversation) -> None:
    follow_account(talk)
    talk.hear(FUNDED)
    talk.said()
    talk.hear(GRANT._replace(balance="16"))
    assert talk.session.account.stale_reason is StaleReason.GAP
    assert [asked["op"] for asked in talk.said()] == ["instruments", "subscribe"]


def test_a_transfer_to_an_account_that_holds_nothing_reloads_it(talk: Conversation) -> None:
    """Accounts have begun, and the account that says so has not come."""
    follow_account(talk)
    talk.hear(GRANT._replace(user_seq=1))
    assert talk.session.account.stale_reason is StaleReason.GAP
    talk.hear(FUNDED)
    assert talk.session.account.stale_reason is None


def test_the_newest_terms_are_kept_and_asked_for_again_after_a_loss(talk: Conversation) -> None:
    talk.open()
    talk.hear(Terms("ACME", 5, 100, 0), Terms("ACME", 6, 100, 500))
    assert talk.kinds()[-2:] == ["TermsChanged", "TermsChanged"]
    assert talk.session.terms == {"ACME": Terms("ACME", 6, 100, 500, [])}
    talk.said()
    talk.reopen()
    [asked] = talk.said()
    assert asked["op"] == "instruments"
    talk.accept(asked, count=1)
    talk.hear(Instrument("ACME"))
    assert talk.session.terms == {}, "nobody has set any in this history"

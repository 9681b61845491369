"""A gateway that outlives its exchange's history: nothing of the old one is told any more, and what is lost is said."""

from __future__ import annotations

from typing import Any

import pytest

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Account, Heartbeat, Message, Snapshot, Status, Ticker, Trade
from openoutcry.wire.types import ExecutionEvent, MarketState
from services.gateway.channel import TapeMark
from services.gateway.gateway import ConnectedClient
from services.gateway.limits import GatewayLimits
from services.gateway.loading import ReplicaBroken
from services.gateway.replica import Changes, MarketReplica
from services.gateway.subscriber import LagLimits
from shared.logs.events import PrivateExecution
from tests.unit.services.gateway.exchange import Exchange
from tests.unit.services.gateway.listener import Listener
from tests.unit.services.gateway.test_gateway import House

LIMITS = GatewayLimits(lag=LagLimits(soft_bytes=1000, hard_bytes=500_000, lag_s=60.0))


class Ages(House):
    """A house whose exchange may be replaced by another history's."""

    def __init__(self, *symbols: str) -> None:
        super().__init__(*symbols, limits=LIMITS)

    def begin(self, *symbols: str, epoch: int = 8) -> Exchange:
        """Another exchange writes into the same store; what it has written is loaded by `load`."""
        self.exchange = Exchange(*symbols, epoch=epoch)
        return self.exchange

    def load(self, accounts: dict[str, Account] | None = None) -> None:
        changes = self.gateway.market.load(*self.exchange.snapshots(accounts))
        self.gateway.heard(changes, self.now, self.time_us)
        self.gateway.service.flush_due(self.now)

    def follow(self, *wishes: tuple[str, str], user: str = "ann") -> tuple[ConnectedClient, Listener]:
        client, listener = self.enter(user)
        for channel, instrument in wishes:
            self.ask(client, listener, op="subscribe", channel=channel, instruments=[instrument])
        listener.forget()
        return client, listener

    def unflushed(self, **packet: Any) -> Changes:
        """Apply a packet, and do not pass it on yet."""
        changes = Changes()
        self.gateway.market.apply(*self.exchange.packet(**packet), changes)
        return changes

    def trade_once(self) -> None:
        self.feed(trades=[self.exchange.trade(100, 1)])

    def lag(self, client: ConnectedClient, listener: Listener) -> None:
        listener.unsent = 2000
        self.gateway.service.review(client.subscriber, self.now)

    def drain(self, client: ConnectedClient, listener: Listener) -> None:
        listener.forget()
        listener.unsent = 0
        self.gateway.service.review(client.subscriber, self.now)
        self.gateway.service.flush_due(self.now)


def tape(messages: list[Message]) -> list[int | str]:
    """Trades by id, and announcements by their words, in order."""
    told: list[int | str] = []
    for message in messages:
        if isinstance(message, Trade):
            told.append(message.trade_id)
        elif isinstance(message, Status):
            told.append(message.reason)
    return told


# -- the listing ------------------------------------------------------------------------------------------------------


def test_what_a_new_epoch_does_not_list_is_gone_and_everybody_is_told() -> None:
    house = Ages("ACME", "GONE")
    house.feed(bids=[(100, 5)], symbol="GONE")
    _, listener = house.follow()
    house.begin("ACME", "FRESH")
    house.load()
    assert list(house.gateway.market.instruments) == list(house.gateway.market.listing) == ["ACME", "FRESH"]
    (gone,) = listener.heard(Status)
    assert (gone.instrument, gone.state) == ("GONE", MarketState.DELISTED)
    assert [definition.symbol for definition in listener.heard(Instrument)] == ["FRESH"]
    client, asker = house.enter("bob")
    (refusal,) = house.ask(client, asker, op="subscribe", channel="book", instruments=["GONE"])
    assert refusal.code == "unknown_instrument"  # type: ignore[union-attr]


@pytest.mark.parametrize("channel", ["book", "top", "ticker", "trades", "status"])
@pytest.mark.parametrize("has_news", [False, True])
def test_subscriptions_to_what_is_gone_end(channel: str, has_news: bool) -> None:
    house = Ages("ACME", "GONE")
    client, listener = house.follow((channel, "GONE"))
    slow, sleeper = house.follow((channel, "GONE"), user="slow")
    house.lag(slow, sleeper)
    if has_news:  # which wait for their flush as it ends
        house.gateway.service.publish(house.unflushed(bids=[(100, 5)], symbol="GONE"))
    house.begin("ACME")
    house.load()
    assert not client.subscriber.channels
    assert not slow.subscriber.channels
    house.drain(slow, sleeper)
    house.feed(bids=[(100, 5)])
    house.gateway.service.heartbeat([client.subscriber], 0)
    assert [type(message) for message in listener.messages] == [Status, Heartbeat]
    assert listener.heard(Heartbeat)[0].books == {}


@pytest.mark.parametrize("channel", ["book", "top", "ticker", "trades", "status"])
def test_who_follows_all_goes_on_without_what_is_gone(channel: str) -> None:
    house = Ages("ACME", "GONE")
    client, listener = house.follow((channel, "*"))
    house.feed(bids=[(100, 5)], symbol="GONE", trades=[house.exchange.trade(100, 1, "GONE")])
    house.gateway.service.publish(house.unflushed(bids=[(100, 6)], symbol="GONE"))
    listener.forget()
    house.begin("ACME")
    house.load()
    house.feed(bids=[(7, 1)])
    house.gateway.service.heartbeat([client.subscriber], 0)
    told = [m.instrument for m in listener.messages if isinstance(m, Snapshot | Ticker | Trade)]
    assert "GONE" not in told
    assert "GONE" not in listener.heard(Heartbeat)[0].books


def test_a_changed_definition_replaces_the_old_one() -> None:
    """Seen: a tick of 0.50 instead of 0.10 kept its old value, and cash said -10 where -50 was right."""
    house = Ages("ACME")
    _, listener = house.follow(("account", "*"), ("book", "*"))
    exchange = house.begin("ACME")
    exchange.listing = [Instrument("ACME", tick_size="0.50")]
    house.load()
    assert [definition.tick_size for definition in listener.heard(Instrument)] == ["0.50"]
    accepted = exchange.accepted("ann", 1)
    filled = accepted.execution._replace(
        user_seq=2, event=ExecutionEvent.FILLED, remaining=0, fill_price=100, fill_quantity=1, trade_id=1
    )
    house.feed(executions=[accepted, PrivateExecution("ann", filled)])
    assert house.gateway.market.account("ann").cash == {"USD": "-50.000000"}


def test_books_of_a_new_epoch_are_snapshots_even_at_the_same_seq() -> None:
    house = Ages("ACME")
    _, listener = house.follow(("book", "ACME"))
    house.feed(bids=[(100, 5)])
    exchange = house.begin("ACME")
    exchange.packet(bids=[(50, 1)])
    listener.forget()
    house.load()
    assert [snapshot.epoch for snapshot in listener.heard(Snapshot)] == [8]
    assert listener.book().bids.levels() == [(50, 1)]


# -- what is loaded is whole ------------------------------------------------------------------------------------------


def test_a_listed_instrument_without_a_snapshot_is_not_loaded() -> None:
    """Seen: clients were told seq 0 and an empty book, verified, until the book changed."""
    cover, listing, states, accounts, now = Exchange("ACME", "BETA").snapshots()
    with pytest.raises(ReplicaBroken, match="BETA is listed, and has no snapshot"):
        MarketReplica().load(cover, listing, states[:1], accounts, now)


def test_a_snapshot_under_anothers_key_is_not_loaded() -> None:
    cover, listing, states, accounts, now = Exchange("ACME", "BETA").snapshots()
    with pytest.raises(ReplicaBroken, match="a snapshot of BETA stands where another instrument's should"):
        MarketReplica().load(cover, listing, states[::-1], accounts, now)


def test_a_snapshot_that_stands_twice_is_not_loaded() -> None:
    cover, listing, states, accounts, now = Exchange("ACME", "BETA").snapshots()
    with pytest.raises(ReplicaBroken, match="a snapshot of ACME stands where another instrument's should"):
        MarketReplica().load(cover, listing, [states[0], states[0]], accounts, now)


def test_snapshots_of_two_epochs_are_not_loaded() -> None:
    cover, listing, states, accounts, now = Exchange("ACME", "BETA").snapshots()
    with pytest.raises(ReplicaBroken, match="BETA: its snapshot is of epoch 9, not 7"):
        MarketReplica().load(cover, listing, [states[0], states[1]._replace(epoch=9)], accounts, now)


def test_what_is_refused_changes_nothing() -> None:
    """Half of a load would leave books of which nobody is told."""
    house = Ages("ACME", "BETA")
    _, listener = house.follow(("book", "*"))
    exchange = house.begin("ACME", "BETA")
    exchange.packet(bids=[(50, 1)])
    cover, listing, states, accounts, now = exchange.snapshots()
    market = house.gateway.market
    with pytest.raises(ReplicaBroken, match="BETA: the stored snapshot"):
        market.load(cover, listing, [states[0], states[1]._replace(digest=1)], accounts, now)
    assert market.epoch == market.instruments["ACME"].book.epoch == 7
    house.load()
    assert {snapshot.instrument: snapshot.epoch for snapshot in listener.heard(Snapshot)} == {"ACME": 8, "BETA": 8}


# -- statuses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("epoch", [7, 8])
def test_a_state_that_a_load_jumped_over_is_told(epoch: int) -> None:
    house = Ages("ACME", "BETA")
    _, listener = house.follow(("status", "*"))
    if epoch == 8:
        house.begin("ACME", "BETA")
    house.exchange.market_states["ACME"] = (MarketState.HALTED, "news", 77)
    house.load()
    assert listener.heard(Status) == [Status("ACME", MarketState.HALTED, "news", 77)]


def test_a_halt_that_began_and_ended_unheard_is_told_as_it_stands() -> None:
    house = Ages("ACME")
    _, listener = house.follow(("status", "ACME"))
    house.exchange.market_states["ACME"] = (MarketState.OPEN, "", 99)
    house.load()
    assert listener.heard(Status) == [Status("ACME", MarketState.OPEN, "", 99)]


def test_a_load_that_changes_no_state_tells_none() -> None:
    house = Ages("ACME")
    _, listener = house.follow(("status", "ACME"))
    house.load()
    assert listener.messages == []


def test_a_status_after_a_restart_has_its_true_time() -> None:
    exchange = Exchange("ACME")
    exchange.market_states["ACME"] = (MarketState.HALTED, "news", 77)
    market = MarketReplica()
    market.load(*exchange.snapshots())
    assert market.instruments["ACME"].status() == Status("ACME", MarketState.HALTED, "news", 77)


# -- trades -----------------------------------------------------------------------------------------------------------


def history(house: Ages, trades: int) -> None:
    for _ in range(trades):
        house.trade_once()


def anew(house: Ages, *, shared: int, last: int) -> None:
    """Another epoch begins, which shares trades up to one, and has made some more by the time it is loaded."""
    exchange = house.begin("ACME")
    exchange.epoch_trade_ids["ACME"], exchange.trade_ids["ACME"] = shared, last
    house.load()


@pytest.mark.parametrize(
    ("shared", "last", "told"),
    [
        (4, 4, []),  # nothing was lost
        (0, 0, []),  # the market began anew, and nothing has been traded
        (0, 2, ["trades 1 to 2 are missing"]),
        (0, 9, ["trades 1 to 9 are missing"]),  # as many as before, and more: other trades
        (3, 3, []),  # the store went back; the fourth trade never was
        (3, 5, ["trades 4 to 5 are missing"]),
        (6, 6, ["trades 5 to 6 are missing"]),  # made before the epoch ended, and not heard
    ],
)
def test_followers_hear_which_trades_of_a_new_epoch_they_have_missed(shared: int, last: int, told: list[str]) -> None:
    house = Ages("ACME")
    _, listener = house.follow(("trades", "ACME"))
    history(house, 4)
    listener.forget()
    anew(house, shared=shared, last=last)
    house.trade_once()
    assert tape(listener.messages) == [*told, last + 1]


@pytest.mark.parametrize(
    ("shared", "last", "told"),
    [
        (4, 4, ["trades 3 to 4 are missing"]),
        (0, 0, ["trades 3 to 4 are missing"]),
        (0, 2, ["trades 3 to 4 are missing", "trades 1 to 2 are missing"]),
        (0, 9, ["trades 3 to 4 are missing", "trades 1 to 9 are missing"]),
        (3, 3, ["trades 4 to 4 are missing", "trades 3 to 3 are missing"]),
        (1, 5, ["trades 3 to 4 are missing", "trades 2 to 5 are missing"]),
        (6, 6, ["trades 3 to 6 are missing"]),
    ],
)
def test_a_user_who_lags_over_a_new_epoch_hears_which_trades_are_lost(shared: int, last: int, told: list[str]) -> None:
    """Seen: nothing was said, and the tape went on as if it were whole."""
    house = Ages("ACME")
    client, listener = house.follow(("trades", "ACME"))
    history(house, 2)
    house.lag(client, listener)
    history(house, 2)
    anew(house, shared=shared, last=last)
    house.trade_once()
    house.drain(client, listener)
    assert tape(listener.messages) == [*told, last + 1]
    listener.forget()
    house.trade_once()
    assert tape(listener.messages) == [last + 2]


def test_trades_that_wait_for_their_flush_still_go_out() -> None:
    house = Ages("ACME")
    _, listener = house.follow(("trades", "ACME"))
    house.gateway.service.publish(house.unflushed(trades=[house.exchange.trade(100, 1)]))
    listener.forget()
    anew(house, shared=0, last=3)
    assert tape(listener.messages) == [1, "trades 1 to 3 are missing"]


def test_a_user_who_lags_hears_of_no_loss_where_nothing_was_traded() -> None:
    house = Ages("ACME")
    client, listener = house.follow(("trades", "ACME"))
    house.lag(client, listener)
    anew(house, shared=0, last=0)
    house.drain(client, listener)
    assert tape(listener.messages) == []


def test_a_user_who_lags_hears_of_trades_that_waited_for_their_flush_as_the_epoch_ended() -> None:
    house = Ages("ACME")
    client, listener = house.follow(("trades", "ACME"))
    house.trade_once()
    house.lag(client, listener)
    house.gateway.service.publish(house.unflushed(trades=[house.exchange.trade(100, 1)]))
    anew(house, shared=0, last=0)
    house.drain(client, listener)
    assert tape(listener.messages) == ["trades 2 to 2 are missing"]


@pytest.mark.parametrize(
    ("shared", "last", "lost"),
    [(0, 0, ["2 to 3"]), (1, 1, ["2 to 3"]), (2, 2, ["3 to 3", "2 to 2"]), (1, 5, ["2 to 3", "2 to 5"])],
)
def test_a_user_who_lags_before_that_flush_hears_of_them_too(shared: int, last: int, lost: list[str]) -> None:
    """The others still get them; they were counted as sent to everybody."""
    house = Ages("ACME")
    client, listener = house.follow(("trades", "ACME"))
    _, other = house.follow(("trades", "ACME"), user="bob")
    house.trade_once()
    other.forget()
    house.gateway.service.publish(house.unflushed(trades=[house.exchange.trade(100, 1) for _ in range(2)]))
    house.begin("ACME", epoch=8)
    house.exchange.trade_ids["ACME"], house.exchange.epoch_trade_ids["ACME"] = last, shared
    changes = house.gateway.market.load(*house.exchange.snapshots({}))
    house.gateway.heard(changes, house.now, house.time_us)
    house.lag(client, listener)
    house.gateway.service.flush_due(house.now + 1)
    assert tape(other.messages)[:2] == [2, 3]
    house.drain(client, listener)
    assert tape(listener.messages) == [f"trades {ids} are missing" for ids in lost]


def test_a_user_who_follows_one_and_all_hears_of_each_loss_in_both() -> None:
    house = Ages("ACME")
    client, listener = house.follow(("trades", "ACME"), ("trades", "*"))
    house.trade_once()
    house.lag(client, listener)
    house.trade_once()
    anew(house, shared=0, last=1)
    house.drain(client, listener)
    assert tape(listener.messages) == ["trades 2 to 2 are missing", "trades 1 to 1 are missing"] * 2


@pytest.mark.parametrize("epochs", [((0, 5), (3, 7)), ((3, 7), (0, 5))])
def test_marks_over_two_epochs_name_all_that_is_lost(epochs: tuple[tuple[int, int], ...]) -> None:
    mark = TapeMark(4)
    for shared, sent in epochs:
        mark = mark.begun_anew(shared, sent)
    assert mark.told == 0
    assert mark.lost is not None
    assert mark.lost[0] <= 5
    assert mark.lost[1] == max(sent for _, sent in epochs)


def test_trades_jumped_over_by_a_book_that_was_known_to_be_wrong_are_announced() -> None:
    house = Ages("ACME")
    _, listener = house.follow(("trades", "ACME"))
    house.trade_once()
    listener.forget()
    house.gateway.market.instruments["ACME"].is_broken = True
    house.exchange.trade(100, 1)
    house.load()
    assert tape(listener.messages) == ["trades 2 to 2 are missing"]

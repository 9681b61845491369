from __future__ import annotations

import pytest

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Account, Status
from openoutcry.wire.types import ExecutionEvent, MarketState
from services.gateway.loading import ReplicaBroken
from services.gateway.replica import Changes, MarketReplica
from shared.logs.events import CancelOnDisconnectSet
from tests.unit.services.gateway.exchange import Exchange


def loaded(exchange: Exchange) -> MarketReplica:
    market = MarketReplica()
    market.load(*exchange.snapshots())
    return market


def test_follows_packets_from_the_snapshots_on() -> None:
    exchange = Exchange("ACME", "BETA")
    exchange.packet(bids=[(100, 5)])
    market = loaded(exchange)
    changes = Changes()
    market.apply(*exchange.packet(bids=[(100, 7)], asks=[(102, 3)]), changes)
    assert list(changes.books) == ["ACME"]
    assert market.instruments["ACME"].levels(0) == ([(100, 7, 2)], [(102, 3, 2)])
    assert market.instruments["ACME"].book.digest == exchange.books["ACME"].digest


def test_a_packet_that_is_known_changes_nothing() -> None:
    """The feed is read from `cover`, which may lie before the snapshots: applying again must be harmless."""
    exchange = Exchange("ACME")
    market = loaded(exchange)
    trade = exchange.trade(100, 1)
    packet = exchange.packet(bids=[(100, 5)], trades=[trade], executions=[exchange.accepted("ann", 1)])
    market.apply(*packet, Changes())
    again = Changes()
    market.apply(*packet, again)
    assert not again.books
    assert not again.trades
    assert not again.executions
    assert market.instruments["ACME"].statistics.volume == 1


def test_a_missing_packet_breaks_it() -> None:
    exchange = Exchange("ACME")
    market = loaded(exchange)
    exchange.packet(bids=[(100, 5)])
    with pytest.raises(ReplicaBroken, match="packets after position 0 up to 1 are missing"):
        market.apply(*exchange.packet(bids=[(101, 5)]), Changes())


def test_a_wrong_digest_breaks_it() -> None:
    """Every gateway proves its books against the engine's, at every change."""
    exchange = Exchange("ACME")
    market = loaded(exchange)
    feed_id, packet, published = exchange.packet(bids=[(100, 5)])
    wrong = packet.changes[0]._replace(digest=packet.changes[0].digest ^ 1)
    with pytest.raises(ReplicaBroken, match="digest at seq 1"):
        market.apply(feed_id, packet._replace(changes=[wrong]), published, Changes())


def test_another_epoch_breaks_it() -> None:
    exchange = Exchange("ACME")
    market = loaded(exchange)
    exchange.epoch += 1
    with pytest.raises(ReplicaBroken, match="epoch"):
        market.apply(*exchange.packet(), Changes())


def test_missing_executions_break_it() -> None:
    exchange = Exchange("ACME")
    market = loaded(exchange)
    exchange.accepted("ann", 1)
    with pytest.raises(ReplicaBroken, match="executions of ann after 0"):
        market.apply(*exchange.packet(executions=[exchange.accepted("ann", 2)]), Changes())


def test_loading_again_continues_the_history_where_it_can() -> None:
    """A gateway that lost its place leads its users on with a delta: they notice nothing."""
    exchange = Exchange("ACME")
    market = loaded(exchange)
    market.apply(*exchange.packet(bids=[(100, 5), (99, 1)]), Changes())
    exchange.packet(bids=[(100, 0), (98, 4)])
    changes = market.load(*exchange.snapshots())
    assert list(changes.books) == ["ACME"]
    assert not changes.restarted
    delta = market.instruments["ACME"].delta_since(1)
    assert delta is not None
    assert sorted(delta.bids) == [(98, 4), (100, 0)]
    assert delta.digest == exchange.books["ACME"].digest


def test_loading_another_epoch_restarts_the_books() -> None:
    exchange = Exchange("ACME")
    market = loaded(exchange)
    market.apply(*exchange.packet(bids=[(100, 5)]), Changes())
    other = Exchange("ACME", epoch=8)
    other.packet(bids=[(50, 1)])
    changes = market.load(*other.snapshots())
    assert list(changes.restarted) == ["ACME"]
    assert market.instruments["ACME"].delta_since(0) is None


def test_loading_a_lower_seq_restarts_the_book() -> None:
    """The store may come back as an earlier prefix of itself."""
    exchange = Exchange("ACME")
    exchange.packet(bids=[(100, 5)])
    earlier = exchange.snapshots()
    market = loaded(exchange)
    market.apply(*exchange.packet(bids=[(100, 6)]), Changes())
    assert list(market.load(*earlier).restarted) == ["ACME"]


def test_another_book_at_the_same_seq_restarts_it() -> None:
    """A store that went back, and was written on otherwise: members would never have been told."""
    exchange = Exchange("ACME")
    exchange.packet(bids=[(100, 5)])
    market = loaded(exchange)
    other = Exchange("ACME")
    other.packet(bids=[(101, 9)])
    changes = market.load(*other.snapshots())
    assert list(changes.restarted) == ["ACME"]
    assert market.instruments["ACME"].levels(0) == ([(101, 9, 2)], [])


def test_executions_of_what_is_not_listed_break_it() -> None:
    exchange = Exchange("ACME")
    market = loaded(exchange)
    private = exchange.accepted("ann", 1)
    fill = private.execution._replace(instrument="OTHER", event=ExecutionEvent.FILLED, fill_price=1, fill_quantity=1)
    with pytest.raises(ReplicaBroken, match="OTHER was never listed"):
        market.apply(*exchange.packet(executions=[private._replace(execution=fill)]), Changes())


def test_trades_lost_between_snapshots_are_named() -> None:
    exchange = Exchange("ACME")
    market = loaded(exchange)
    market.apply(*exchange.packet(bids=[(100, 5)], trades=[exchange.trade(100, 1)]), Changes())
    exchange.trade(101, 1)
    exchange.packet(bids=[(100, 4)])
    exchange.trade(101, 1)
    exchange.packet(bids=[(100, 3)])
    assert market.load(*exchange.snapshots()).missing_trades == [("ACME", 2, 3)]


def test_trades_kept_are_those_after_the_last_hole() -> None:
    """Who lags is told what it missed from them: with a hole among them it would be passed over in silence."""
    exchange = Exchange("ACME")
    market = loaded(exchange)
    market.apply(*exchange.packet(bids=[(100, 5)], trades=[exchange.trade(100, 1)]), Changes())
    exchange.packet(bids=[(100, 4)], trades=[exchange.trade(101, 1)])
    market.load(*exchange.snapshots())
    market.apply(*exchange.packet(bids=[(100, 3)], trades=[exchange.trade(102, 1)]), Changes())
    assert [trade.trade_id for trade in market.instruments["ACME"].trades] == [3]
    market.load(*exchange.snapshots())
    assert [trade.trade_id for trade in market.instruments["ACME"].trades] == [3]


def test_trades_of_another_epoch_are_not_kept() -> None:
    exchange = Exchange("ACME")
    market = loaded(exchange)
    market.apply(*exchange.packet(bids=[(100, 5)], trades=[exchange.trade(100, 1)]), Changes())
    another = Exchange("ACME", epoch=8)
    another.trade_ids["ACME"] = 1
    market.load(*another.snapshots())
    assert not market.instruments["ACME"].trades


def test_a_stored_snapshot_with_a_wrong_digest_breaks_it() -> None:
    exchange = Exchange("ACME")
    exchange.packet(bids=[(100, 5)])
    cover, listing, states, accounts, time_us = exchange.snapshots()
    with pytest.raises(ReplicaBroken, match="stored snapshot"):
        MarketReplica().load(cover, listing, [states[0]._replace(digest=1)], accounts, time_us)


def test_lists_instruments_and_their_states() -> None:
    exchange = Exchange("ACME")
    market = loaded(exchange)
    changes = Changes()
    status = Status("ACME", MarketState.HALTED, "news", 5)
    market.apply(*exchange.packet(listings=[Instrument("BETA")], statuses=[status]), changes)
    assert [listed.symbol for listed in changes.listings] == ["BETA"]
    assert market.instruments["ACME"].status() == status


def test_knows_whom_to_watch() -> None:
    """From snapshots and from packets alike: who is not known here is not called present, and would lose the orders."""
    exchange = Exchange("ACME")
    market = MarketReplica()
    market.load(*exchange.snapshots({"ann": Account(3, [], {}, {}, True), "bob": Account(1, [], {}, {})}))
    assert list(market.timed) == ["ann"]
    changes = Changes()
    switches = [CancelOnDisconnectSet("ann", on=False), CancelOnDisconnectSet("cat", on=True)]
    market.apply(*exchange.packet(switches=switches), changes)
    assert (list(market.timed), changes.switches) == (["cat"], switches)
    on = {user: market.account(user).cancel_on_disconnect for user in ("ann", "bob", "cat", "nobody")}
    assert on == {"ann": False, "bob": False, "cat": True, "nobody": False}


def test_keeps_accounts() -> None:
    exchange = Exchange("ACME")
    market = loaded(exchange)
    assert market.account("ann") == Account(0, [], {}, {})
    market.apply(*exchange.packet(executions=[exchange.accepted("ann", 1)]), Changes())
    assert [order.order_id for order in market.account("ann").orders] == [1]


def test_ticker_keeps_extremes_and_volume() -> None:
    exchange = Exchange("ACME")
    market = loaded(exchange)
    trades = [exchange.trade(price, 2) for price in (100, 103, 99, 101)]
    market.apply(*exchange.packet(bids=[(98, 5)], asks=[(104, 6)], trades=trades), Changes())
    ticker = market.instruments["ACME"].ticker()
    assert ticker[3:] == (98, 5, 104, 6, 101, 100, 103, 99, 8)


def test_a_load_names_the_tapes_whose_ids_began_anew() -> None:
    """Within one history, with nothing lost, ids go on: a tape is named for a new epoch, or where trades are gone."""
    exchange = Exchange("ACME")
    market = loaded(exchange)
    for _ in range(3):
        market.apply(*exchange.packet(trades=[exchange.trade(100, 1)]), Changes())
    assert market.load(*exchange.snapshots()).tapes == {}
    newer = Exchange("ACME", epoch=exchange.epoch + 1)
    newer.epoch_trade_ids["ACME"] = newer.trade_ids["ACME"] = 3
    assert market.load(*newer.snapshots()).tapes == {"ACME": 3}


def test_a_load_that_goes_back_in_one_epoch_names_the_tapes_that_lost_trades() -> None:
    """The ids come again, for other trades: who was told the lost ones must not take the new ones for them."""
    exchange = Exchange("ACME", "BETA")
    market = loaded(exchange)
    for symbol in ("ACME", "BETA"):
        market.apply(*exchange.packet(trades=[exchange.trade(100, 1, symbol)]), Changes())
    kept = exchange.snapshots()
    market.apply(*exchange.packet(trades=[exchange.trade(100, 1)]), Changes())
    assert market.load(*kept).tapes == {"ACME": 1}

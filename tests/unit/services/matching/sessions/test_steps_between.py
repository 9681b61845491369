"""What happens when two of a market's parts act at once: steps, ends of calls, sweeps, halts, and recovery."""

from __future__ import annotations

from openoutcry.wire.messages import Auction
from openoutcry.wire.types import Code, MarketState, OrderKind, Phase, SelfTradePrevention, Side, TimeInForce
from services.gateway.replica import Changes, MarketReplica
from services.matching.packet_builder import PacketBuilder, auctions_of
from services.matching.recovery.checkpoint import Checkpoint, decode_checkpoint, encode_checkpoint
from services.matching.sessions.phases import UNCROSSED_MAX
from shared.logs.commands import PlaceOrder, SetCancelOnDisconnect, SetMarketState, Tick
from shared.logs.packet import FeedId, decode_packet, encode_packet
from shared.logs.rule_commands import SetKill
from shared.logs.session_commands import SetSchedule
from shared.logs.snapshots import decode_book_state, encode_book_state
from tests.unit.services.matching.flow import code
from tests.unit.services.matching.sessions.exchange_day import (
    NEXT_DAY,
    STEPS,
    ExchangeDay,
    happened,
    statuses,
    trades,
)


def sliced() -> ExchangeDay:
    """A day whose opening call ends with four commands, of which one has been."""
    day = ExchangeDay(collar_bp=1000)
    day.grant("ann", 10_000)
    day.at(60)
    day.engine.config = day.engine.config._replace(open_orders_max=5_000)
    for _ in range(3 * UNCROSSED_MAX + 10):
        day.place("ann", Side.ASK, 100, 1)
    for _ in range(16):
        day.place("bob", Side.BID, 101, 100)
    day.at(120)
    assert list(day.engine.uncrossing) == ["ACME"]
    return day


def test_a_schedule_of_a_later_day_takes_no_step_of_today() -> None:
    day = ExchangeDay()
    day.at(130)
    later = day.planned(STEPS, NEXT_DAY, 86_400)
    assert code(day.does(SetSchedule, "root", "berlin", "2026.3", later)) is Code.OK
    assert statuses(day.at(600)) == [("auction", "closing")]
    assert statuses(day.at(660)) == [("closed", "closed")]


def test_a_planned_call_that_is_ended_by_force_goes_on_as_another_until_its_time() -> None:
    day = ExchangeDay()
    day.at(60)
    day.bids("ann", 101, 5)
    day.asks("bob", 100, 5)
    assert trades(day.ends(force=True)) == [(100, 5)]
    assert (day.acme.phase, day.acme.auction_id) == (Phase.OPENING, 2)
    assert statuses(day.does(SetMarketState, "ACME", MarketState.HALTED, "news")) == [("halted", "opening")]
    assert statuses(day.does(SetMarketState, "ACME", MarketState.OPEN, "")) == [("auction", "opening")]
    assert statuses(day.at(120)) == [("open", "continuous")]


def test_a_call_that_begins_is_told_though_the_state_stays() -> None:
    day = ExchangeDay()
    day.at(60)
    auctions_of(day.engine.take_changed())
    day.ends(force=True)
    told = auctions_of(day.engine.take_changed())
    assert [(type(each), each.auction_id) for each in told] == [(Auction, 2)]


def test_a_close_while_a_call_is_being_uncrossed_closes_behind_it() -> None:
    day = sliced()
    day.at(1_000)
    day.does(Tick)
    day.does(Tick)
    assert (day.acme.phase, day.acme.state) == (Phase.CLOSED, MarketState.CLOSED)
    assert not day.engine.phases.deferred
    assert day.acme.statistics.volume == 3 * UNCROSSED_MAX + 10
    day.engine.check_invariants()


def test_a_halt_and_a_close_while_a_call_is_being_uncrossed_end_in_a_closed_market() -> None:
    day = sliced()
    day.does(SetMarketState, "ACME", MarketState.HALTED, "news")
    day.at(1_000)
    day.does(Tick)
    day.does(Tick)
    assert (day.acme.phase, day.acme.state) == (Phase.CLOSED, MarketState.HALTED)
    day.engine.check_invariants()


def test_who_is_killed_while_a_call_is_being_uncrossed_trades_no_more() -> None:
    day = sliced()
    traded = len(trades(day.does(SetKill, "root", "user", "ann", True, "")))
    assert traded == UNCROSSED_MAX, "what goes on, goes on before the command"
    assert trades(day.does(Tick)) == []
    assert day.acme.phase is Phase.CONTINUOUS
    day.engine.check_invariants()


def test_an_interruption_in_which_self_trade_prevention_leaves_nothing_is_none() -> None:
    day = ExchangeDay(calendar="", band_bp=100, volatility_s=30)
    day.asks("ann", 104, 5)
    kept = day.bids("ann", 104, 5, self_trade_prevention=SelfTradePrevention.CANCEL_NEWEST)
    assert happened(kept, "ann")[-1] == ("cancelled", 0, "self_trade")
    assert day.acme.book.call is None
    assert trades(day.bids("bob", 104, 1)) == []
    assert day.acme.state is MarketState.AUCTION


def recovered(day: ExchangeDay) -> None:
    auctions_of(day.engine.take_changed())
    data = encode_checkpoint(Checkpoint(day.engine, 1, "store"))
    day.engine = decode_checkpoint(data).engine
    assert encode_checkpoint(Checkpoint(day.engine, 1, "store")) == data


def test_what_a_market_bid_of_a_call_has_reserved_outlives_the_engine() -> None:
    day = ExchangeDay(collar_bp=1000)
    day.at(60)
    before = day.cash("ann")
    day.bids("ann", 0, 10)
    day.bids("bob", 0, 3)
    assert day.cash("ann") == (before[0], 1100)
    recovered(day)
    assert day.cash("ann") == (before[0], 1100)
    day.asks("cat", 99, 4)
    day.at(120)
    assert day.cash("ann")[1] == 0
    day.engine.check_invariants()


def test_a_gateway_knows_what_a_market_bid_of_a_call_reserves() -> None:
    day = ExchangeDay(collar_bp=1000)
    day.at(60)
    replica, builder = loaded(day), PacketBuilder(day.engine)
    day.number += 1
    market, newest = OrderKind.MARKET, SelfTradePrevention.CANCEL_NEWEST
    fields = ("ann", "ACME", "m1", Side.BID, market, 0, 10, TimeInForce.AUCTION, False, newest)
    builder.apply(PlaceOrder("gateway", day.number, *fields), day.time)
    packet = builder.take()
    assert packet is not None
    replica.apply(FeedId(1, packet.position), decode_packet(encode_packet(packet)), 0, Changes())
    assert replica.account("ann").reserved == {"USD": "11.000000"}
    assert replica.account("ann") == loaded(day).account("ann") == day.engine.account("ann").message()


def loaded(day: ExchangeDay) -> MarketReplica:
    replica, engine = MarketReplica(), day.engine
    markets = list(engine.instruments.values())
    told = [encode_book_state(market.book_state(engine.epoch, f"1-{engine.position}")) for market in markets]
    states = [decode_book_state(each) for each in told]
    accounts = {user: account.message() for user, account in engine.accounts.items()}
    replica.load(FeedId(1, engine.position), [market.instrument for market in markets], states, accounts, 0)
    return replica


def test_orders_for_a_call_alone_end_in_the_same_order_behind_a_checkpoint() -> None:
    day = ExchangeDay()
    day.at(60)
    for user, price in (("ann", 108), ("bob", 104), ("cat", 106)):
        day.asks(user, price, 1, time_in_force=TimeInForce.AUCTION)
    other = decode_checkpoint(encode_checkpoint(Checkpoint(day.engine, 1, "store"))).engine
    day.number += 1
    command = Tick("gateway", day.number)
    at = day.begun + 120_000_000
    assert day.engine.apply(command, at) == other.apply(command, at)


def test_stops_end_in_the_same_order_behind_a_checkpoint() -> None:
    day = ExchangeDay(calendar="")
    for user in ("bob", "ann", "bob", "cat"):
        day.special(user, Side.BID, 120, 1, trigger=110, kind=OrderKind.LIMIT)
    other = decode_checkpoint(encode_checkpoint(Checkpoint(day.engine, 1, "store"))).engine
    names = [
        [order.order_id for order in each.open_orders_of(each.instruments["ACME"])] for each in (day.engine, other)
    ]
    assert names[0] == names[1] == sorted(names[0])


def test_who_stays_away_loses_orders_in_a_halt_and_in_a_call_whose_auction_changes_at_once() -> None:
    day = ExchangeDay()
    day.does(SetCancelOnDisconnect, "ann", True)
    day.at(60)
    day.bids("ann", 102, 5)
    day.asks("bob", 100, 5)
    auctions_of(day.engine.take_changed())
    for _ in range(12):
        ended = day.does(Tick)
    assert happened(ended, "ann") == [("cancelled", 0, "disconnected")]
    assert [(each.price, each.volume) for each in auctions_of(day.engine.take_changed())] == [(0, 0)]
    day.does(SetCancelOnDisconnect, "ann", True)
    day.bids("ann", 99, 5)
    day.does(SetMarketState, "ACME", MarketState.HALTED, "news")
    for _ in range(12):
        ended = day.does(Tick)
    assert happened(ended, "ann") == [("cancelled", 0, "disconnected")]
    day.engine.check_invariants()

"""Random days with calls: every uncrossing is judged by a naive one, and nothing trades where nothing may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from openoutcry.wire.depth_book import DepthBook
from openoutcry.wire.messages import Auction
from openoutcry.wire.sequence import Verdict
from openoutcry.wire.types import Code, OrderKind, SelfTradePrevention, Side, TimeInForce
from services.gateway.replica import Changes, MarketReplica
from services.matching import AuctionFill, Cancelled, Engine, Order, OrderBook
from services.matching.book.call import Call
from services.matching.packet_builder import PacketBuilder
from services.matching.recovery.checkpoint import Checkpoint, decode_checkpoint, encode_checkpoint
from shared.logs.commands import CancelOrder, Command, PlaceOrder, ReplaceOrder, Tick
from shared.logs.packet import FeedId, decode_packet, encode_packet
from shared.logs.session_commands import EndCall
from shared.logs.snapshots import decode_book_state, encode_book_state
from tests.property.naive_calls import NaiveCalls, Waiting, auction
from tests.property.weights import of_any_length, weighted
from tests.unit.services.matching.sessions.exchange_day import SECOND_US, STEPS, ExchangeDay

USERS = st.sampled_from(["ann", "bob", "cat"])
PRICES = st.integers(96, 104)
LOTS = st.integers(1, 9)
LIMITS = st.sampled_from([*[TimeInForce.GTC] * 4, TimeInForce.AUCTION, TimeInForce.IOC, TimeInForce.FOK])
_PLACE = st.tuples(USERS, st.sampled_from(Side), PRICES, LOTS, LIMITS, st.sampled_from(SelfTradePrevention))
_MARKET = st.tuples(
    USERS, st.sampled_from(Side), st.just(0), LOTS, st.just(TimeInForce.AUCTION), st.sampled_from(SelfTradePrevention)
)
ACTIONS = weighted(
    (9, _PLACE.map(lambda fields: ("place", fields))),
    (2, _MARKET.map(lambda fields: ("place", fields))),
    (1, st.integers(1, 40).map(lambda order_id: ("cancel", order_id))),
    (1, st.tuples(st.integers(1, 40), st.none() | PRICES, st.none() | LOTS).map(lambda fields: ("replace", fields))),
    (1, st.sampled_from([1, 5, 30, 60, 200]).map(lambda seconds: ("wait", seconds))),
    (1, st.booleans().map(lambda force: ("end", force))),
)
TERMS = st.fixed_dictionaries(
    {
        "collar_bp": st.sampled_from([1000, 2000]),
        "band_bp": st.sampled_from([0, 0, 150, 300]),
        "extension_s": st.sampled_from([0, 20]),
        "random_end_s": st.sampled_from([0, 10]),
        "volatility_s": st.just(30),
    }
)


class CallDay(ExchangeDay):
    """A day that is told as a log of commands, so that it can be cut into packets anywhere."""

    def __init__(self, **terms: Any) -> None:
        super().__init__(STEPS, **terms)
        self.naive = NaiveCalls(100)
        self.log: list[tuple[Command, int]] = []

    def acts(self, name: str, fields: Any) -> None:
        if name == "wait":
            self.time += fields * SECOND_US
            self.tells(Tick)
        elif name == "end":
            self.tells(EndCall, "root", "ACME", 0, fields)
        elif name == "place":
            user, side, price, lots, time_in_force, prevention = fields
            kind = OrderKind.LIMIT if price else OrderKind.MARKET
            name = f"c{self.number + 1}"
            self.tells(PlaceOrder, user, "ACME", name, side, kind, price, lots, time_in_force, False, prevention)
        else:
            order_id = fields if name == "cancel" else fields[0]
            owner = next((order.user for order in self.naive.orders.values() if order.order_id == order_id), "ann")
            if name == "cancel":
                self.tells(CancelOrder, owner, order_id, "")
            else:
                self.tells(ReplaceOrder, owner, order_id, "", *fields[1:])

    def tells(self, kind: Callable[..., Command], *fields: Any) -> None:
        self.number += 1
        command = kind("gateway", self.number, *fields)
        self.log.append((command, self.time))
        self.naive.note(self.engine.apply(command, self.time))


@given(TERMS, of_any_length(ACTIONS, 60))
@settings(max_examples=80, deadline=None)
def test_every_uncrossing_is_that_of_the_naive_market(terms: dict[str, Any], actions: list[Any]) -> None:
    """Price, pairs and their order; nothing trades in a call, and no own orders could meet in one."""
    day = CallDay(**terms)
    day.acts("wait", 60)
    for name, fields in actions:
        day.acts(name, fields)
        day.engine.check_invariants()
    day.acts("wait", 1_000)
    day.engine.check_invariants()
    held = {order.order_id: order.remaining for order in day.acme.book.orders.values()}
    assert held == {order.order_id: order.remaining for order in day.naive.orders.values()}


@given(TERMS, of_any_length(ACTIONS, 40), st.lists(st.booleans(), min_size=45, max_size=45), st.integers(0, 45))
@settings(max_examples=40, deadline=None)
def test_the_auctions_told_lead_to_the_same_however_packets_are_cut(
    terms: dict[str, Any], actions: list[Any], cuts: list[bool], stop: int
) -> None:
    """One packet a command, or many, or an engine that goes on from a checkpoint: at each end the same is known."""
    day = CallDay(**terms)
    before = encode_checkpoint(Checkpoint(day.engine, 1, "store"))
    day.acts("wait", 60)
    for name, fields in actions:
        day.acts(name, fields)
    single, merged = (PacketBuilder(decode_checkpoint(before).engine) for _ in range(2))
    told: dict[str, Auction] = {}
    known: dict[str, Auction] = {}
    for number, (command, time_us) in enumerate(day.log):
        single.apply(command, time_us)
        packet = single.take()
        assert packet is not None
        told |= {auction.instrument: auction for auction in packet.auctions}
        merged.apply(command, time_us)
        if cuts[number % len(cuts)] or number == len(day.log) - 1:
            packet = merged.take()
            assert packet is not None
            known |= {auction.instrument: auction for auction in packet.auctions}
            assert going_on(known) == going_on(told)
            if number == stop:
                merged = PacketBuilder(decode_checkpoint(encode_checkpoint(Checkpoint(merged.engine, 1, "s"))).engine)


@given(TERMS, of_any_length(ACTIONS, 40), st.integers(0, 40))
@settings(max_examples=40, deadline=None)
def test_a_gateway_knows_the_auction_whether_it_was_there_or_joined_late(
    terms: dict[str, Any], actions: list[Any], joined: int
) -> None:
    """From packets alone, or from a snapshot and the packets behind it; and both have the engine's book."""
    day = CallDay(**terms)
    before = encode_checkpoint(Checkpoint(day.engine, 1, "store"))
    day.acts("wait", 60)
    for name, fields in actions:
        day.acts(name, fields)
    builder = PacketBuilder(decode_checkpoint(before).engine)
    gateways = [loaded(builder.engine)]
    for number, (command, time_us) in enumerate(day.log):
        builder.apply(command, time_us)
        packet = builder.take()
        assert packet is not None
        read = decode_packet(encode_packet(packet))
        for gateway in gateways:
            gateway.apply(FeedId(1, read.position), read, 0, Changes())
        if number == joined:
            gateways.append(loaded(builder.engine))
        market = builder.engine.instruments["ACME"]
        wanted = market.auction()
        for gateway in gateways:
            replica = gateway.instruments["ACME"]
            assert (replica.book.seq, replica.book.digest) == (market.book.seq, market.book.digest)
            known = replica.auction if replica.auction is not None and replica.auction.kind else None
            assert (known and known[3:]) == (wanted and wanted[3:])


def loaded(engine: Engine) -> MarketReplica:
    """A gateway that joins now."""
    replica = MarketReplica()
    markets = engine.instruments.values()
    states = [
        decode_book_state(encode_book_state(market.book_state(engine.epoch, f"1-{engine.position}")))
        for market in markets
    ]
    accounts = {user: account.message() for user, account in engine.accounts.items()}
    replica.load(FeedId(1, engine.position), [market.instrument for market in markets], states, accounts, 0)
    return replica


def going_on(auctions: dict[str, Auction]) -> list[Any]:
    """What there is to know of those that have not ended; one that began and ended within a packet was not told."""
    return [auction[3:] for auction in auctions.values() if auction.kind]


class CallMachine(RuleBasedStateMachine):
    """A book in a call, against orders in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.book = OrderBook("ACME")
        self.book.begin_call()
        self.waiting: dict[int, Waiting] = {}
        self.users: dict[int, Order] = {}
        self.arrivals = self.last_id = 0
        self.replica = DepthBook("ACME")

    @property
    def call(self) -> Call:
        assert self.book.call is not None
        return self.book.call

    @rule(fields=_PLACE | _MARKET, names_own=st.booleans())
    def place(self, fields: Any, names_own: bool) -> None:
        user, side, price, lots, time_in_force, prevention = fields
        self.last_id += 1
        kind = OrderKind.LIMIT if price else OrderKind.MARKET
        order = Order(self.last_id, user, side, price, lots, kind, time_in_force, self_trade_prevention=prevention)
        own = {key: held for key, held in self.book.orders.items() if held.user == user}
        events = self.book.place(order, own if names_own else None)
        assert events == self.expected(order, arrives=True)

    @rule(order_id=st.integers(1, 40))
    def cancel(self, order_id: int) -> None:
        assert (self.book.cancel(order_id) is not None) == (self.waiting.pop(order_id, None) is not None)

    @rule(order_id=st.integers(1, 40), price=st.none() | PRICES, lots=st.none() | LOTS)
    def replace(self, order_id: int, price: int | None, lots: int | None) -> None:
        held = self.waiting.get(order_id)
        if held is None:
            assert self.book.replace(order_id, price, lots) == []
            return
        order = self.book.orders[order_id]
        price = None if not held.price else price
        filled = held.quantity - held.remaining
        new_price, new_lots = price or held.price, lots or held.quantity
        first, *events = self.book.replace(order_id, price, lots)
        if new_lots <= filled:
            del self.waiting[order_id]
            assert first == Cancelled(order, Code.REPLACED_BELOW_FILLED)
            return
        moves = new_price != held.price or new_lots > held.quantity
        held.price, held.quantity, held.remaining = new_price, new_lots, new_lots - filled
        if moves:
            del self.waiting[order_id]
            assert events == self.expected(order, arrives=True)
        else:
            assert events == []

    def expected(self, order: Order, *, arrives: bool) -> list[Any]:
        """What self-trade prevention makes of it; it waits then, or has ended."""
        assert arrives
        if order.kind is OrderKind.LIMIT and order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
            return [Cancelled(order, Code.NO_LIQUIDITY)]
        met = [
            held
            for held in self.waiting.values()
            if held.user == order.user
            and held.side is not order.side
            and (not held.price or not order.price or held.accepts(order.price))
        ]
        policy = order.self_trade_prevention
        if not met:
            policy = SelfTradePrevention.CANCEL_OLDEST
        sign = 1 if order.side is Side.BID else -1
        met.sort(key=lambda held: (held.price != 0, sign * held.price, held.order_id))
        gone = {
            SelfTradePrevention.CANCEL_NEWEST: [],
            SelfTradePrevention.CANCEL_OLDEST: met,
            SelfTradePrevention.CANCEL_BOTH: met[:1],
        }[policy]
        events = [Cancelled(self.users[held.order_id], Code.SELF_TRADE) for held in gone]
        for held in gone:
            del self.waiting[held.order_id]
        if policy is not SelfTradePrevention.CANCEL_OLDEST:
            return [*events, Cancelled(order, Code.SELF_TRADE)]
        self.arrivals += 1
        self.users[order.order_id] = order
        ends = order.kind is OrderKind.MARKET or order.time_in_force is TimeInForce.AUCTION
        self.waiting[order.order_id] = Waiting(
            order.order_id, order.user, order.side, order.price, order.quantity, order.remaining, ends, self.arrivals
        )
        return events

    @rule(reference=st.integers(90, 110), cut=st.integers(1, 5))
    def uncross(self, reference: int, cut: int) -> None:
        before = {side: self.lots(side) for side in Side}
        price, pairs = auction(list(self.waiting.values()), reference)
        found = self.book.indicative(reference)
        assert found is not None
        assert (found.price, found.volume) == (price, sum(lots for *_, lots in pairs))
        if price:
            at = {
                side: sum(w.remaining for w in self.waiting.values() if w.side is side and w.accepts(price))
                for side in Side
            }
            assert found.surplus == at[Side.BID] - at[Side.ASK]
            self.better_limits_are_filled_whole(price, found.volume, pairs)
        fills: list[AuctionFill] = []
        while price and len(more := self.book.uncross(price, cut)) == cut:
            fills += more
        fills += more if price else []
        assert [(fill.bid.order_id, fill.ask.order_id, fill.quantity) for fill in fills] == pairs
        assert [fill.bid.user == fill.ask.user for fill in fills] == [False] * len(fills)
        for fill in fills:
            for order, left in ((fill.bid, fill.bid_remaining), (fill.ask, fill.ask_remaining)):
                self.waiting[order.order_id].remaining = left
                if not left:
                    del self.waiting[order.order_id]
        for side in Side:
            assert before[side] - self.lots(side) == found.volume, "what one side gives the other takes"
        assert self.book.indicative(reference).price == 0, "nothing that could trade is left"  # type: ignore[union-attr]
        if not self.call.only:
            self.book.end_call()
            self.book.begin_call()

    def better_limits_are_filled_whole(self, price: int, volume: int, pairs: list[Any]) -> None:
        """Unless the market orders of that side alone are more than what trades."""
        for at, side in enumerate((Side.BID, Side.ASK)):
            mine = [held for held in self.waiting.values() if held.side is side]
            if sum(held.remaining for held in mine if not held.price) <= volume:
                better = [held for held in mine if held.price and held.price != price and held.accepts(price)]
                for held in better:
                    assert held.remaining == sum(pair[2] for pair in pairs if pair[at] == held.order_id)

    def lots(self, side: Side) -> int:
        return sum(order.remaining for order in self.book.orders.values() if order.side is side)

    @rule()
    def end_what_ends_with_it(self) -> None:
        for order_id in list(self.call.only):
            self.cancel(order_id)

    @invariant()
    def same_book(self) -> None:
        held = {order.order_id: (order.price, order.remaining) for order in self.book.orders.values()}
        assert held == {key: (waiting.price, waiting.remaining) for key, waiting in self.waiting.items()}
        self.book.check_invariants()
        change = self.book.take_change()
        if change is not None:
            taken = self.replica.advance(change.seq, 0, change.bids, change.asks, change.digest)
            assert taken is Verdict.APPLY


TestCall = CallMachine.TestCase
TestCall.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)

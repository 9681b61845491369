"""A call as the engine tells it: trades without an aggressor, and what it would come to, once a packet."""

from __future__ import annotations

from openoutcry.wire.messages import Auction, Trade
from openoutcry.wire.tick_table import TickTable
from openoutcry.wire.types import Code, ExecutionEvent, Liquidity, NoSide, OrderKind, Phase, Side, TimeInForce
from services.matching.book.auction_price import AuctionPrice
from services.matching.packet_builder import PacketBuilder
from services.matching.recovery.checkpoint import Checkpoint, decode_checkpoint, encode_checkpoint
from services.matching.sessions.phases import CallTimes
from services.matching.traded_instrument import TradedInstrument
from shared.logs.commands import CancelAll
from shared.logs.packet import Packet, decode_packet, encode_packet
from tests.unit.services.matching.flow import Desk, executions


class CallDesk(Desk):
    """A desk whose ACME is in an opening call."""

    def __init__(self) -> None:
        super().__init__()
        self.builder = PacketBuilder(self.engine)
        self.market = self.engine.instruments["ACME"]
        self.begin()

    def begin(self) -> None:
        self.market.phase, self.market.until = Phase.OPENING, 99
        self.market.auction_id += 1
        self.market.book.begin_call()
        self.engine.phases.calls["ACME"] = CallTimes()
        self.engine.tell_state(self.market)

    def end(self) -> None:
        self.market.phase, self.market.until = Phase.CONTINUOUS, 0
        self.market.book.end_call()
        del self.engine.phases.calls["ACME"]
        self.engine.tell_state(self.market)

    def auctions(self) -> list[Auction]:
        packet = self.builder.take() or self.builder.marker()
        assert decode_packet(encode_packet(packet)).auctions == packet.auctions
        return list(packet.auctions)


def test_what_a_call_would_come_to_is_told_once_a_packet() -> None:
    """However many commands are in it; and not at all if nothing has changed."""
    desk = CallDesk()
    assert desk.auctions() == [Auction("ACME", 0, desk.time, 1, Phase.OPENING, 0, 0, 0, 99)]
    desk.place("ann", Side.BID, 101, 5)
    desk.place("bob", Side.ASK, 99, 3)
    desk.place("eve", Side.ASK, 100, 3)
    assert desk.auctions() == [Auction("ACME", 3, desk.time, 1, Phase.OPENING, 100, 5, -1, 99)]
    desk.place("ann", Side.BID, 50, 5)
    assert desk.auctions() == [], "the book has changed, and the auction has not"
    desk.market.until = 120
    desk.engine.tell_state(desk.market)
    assert desk.auctions() == [Auction("ACME", 4, desk.time, 1, Phase.OPENING, 100, 5, -1, 120)]


def test_a_call_that_has_ended_is_told_once_more() -> None:
    """With no kind, so that nobody shows a price that is none any more."""
    desk = CallDesk()
    desk.place("ann", Side.BID, 101, 5)
    desk.auctions()
    desk.end()
    assert desk.auctions() == [Auction("ACME", 1, desk.time, 1, Phase.NONE, 0, 0, 0, 0)]
    desk.place("ann", Side.BID, 102, 5)
    assert desk.auctions() == []


def test_a_call_that_begins_and_ends_within_a_packet_is_not_told() -> None:
    """A packet is a function of where it begins and where it ends."""
    desk = CallDesk()
    desk.end()
    assert desk.auctions() == []


def test_the_fills_of_an_uncrossing_have_no_aggressor() -> None:
    """Both orders waited; the trade counts in tape and statistics as every other."""
    desk = CallDesk()
    desk.place("ann", Side.BID, 101, 5)
    desk.place("bob", Side.ASK, 99, 3)
    desk.engine.events = []
    found = desk.market.indicative()
    assert found is not None
    assert (found.price, found.volume) == (101, 3)
    desk.engine.tell(desk.market, [*desk.market.book.uncross(found.price)])
    [trade] = [event for event in desk.engine.events if isinstance(event, Trade)]
    assert trade == Trade("ACME", 3, 1, desk.time, 101, 3, NoSide.NONE)
    assert desk.market.statistics.row() == (101, 101, 101, 101, 3)
    for user, remaining in (("ann", 2), ("bob", 0)):
        [filled] = executions(desk.engine.events, user)
        assert (filled.event, filled.liquidity, filled.remaining) == (
            ExecutionEvent.FILLED,
            Liquidity.AUCTION,
            remaining,
        )
    assert desk.engine.account("bob").orders == {}
    desk.engine.check_invariants()


def test_the_reference_is_rounded_down_to_the_tick_table() -> None:
    """Market orders against each other trade at it, and that must be a price."""
    desk = CallDesk()
    desk.market.reference, desk.market.ticks = 87, TickTable([(1, 5)])
    for user, side in (("ann", Side.BID), ("bob", Side.ASK)):
        desk.place(user, side, 0, 5, kind=OrderKind.MARKET, time_in_force=TimeInForce.AUCTION)
    assert desk.market.indicative() == AuctionPrice(85, 5, 0)


def test_an_engine_from_a_checkpoint_goes_on_as_if_it_had_not_stopped() -> None:
    """It tells the next change, and nothing again: a standby's packets are the leader's, byte for byte."""
    desk = CallDesk()
    desk.place("ann", Side.BID, 101, 5)
    desk.place("bob", Side.ASK, 99, 3)
    desk.auctions()
    data = encode_checkpoint(Checkpoint(desk.engine, 1, "store"))
    again = decode_checkpoint(data).engine
    assert encode_checkpoint(Checkpoint(again, 1, "store")) == data
    again.check_invariants()
    packets: list[Packet | None] = []
    for engine in (desk.engine, again):
        builder = PacketBuilder(engine)
        builder.apply(CancelAll("gateway", desk.number + 1, "ann", None), desk.time)
        packets.append(builder.take())
    assert packets[0] == packets[1]
    assert packets[0] is not None
    assert [auction.price for auction in packets[0].auctions] == [0]


def test_a_late_joiner_finds_the_auction_in_the_snapshot() -> None:
    """As the last packet told it."""
    desk = CallDesk()
    desk.place("ann", Side.BID, 101, 5)
    desk.place("bob", Side.ASK, 99, 3)
    desk.auctions()
    state = desk.market.book_state(7, "1-3")
    assert (state.phase, state.until, state.auction) == (Phase.OPENING, 99, (1, 101, 3, 2))
    desk.engine.instruments["ACME"] = TradedInstrument(desk.market.instrument)
    assert desk.engine.instruments["ACME"].book_state(7, "1-3").auction == ()


def test_own_orders_give_way_in_a_call() -> None:
    """The engine gives the book all orders of the user."""
    desk = CallDesk()
    desk.place("ann", Side.BID, 101, 5)
    desk.place("ann", Side.ASK, 105, 5, client_order_id="own")
    events = desk.place("ann", Side.ASK, 100, 5)
    assert [(each.event, each.reason) for each in executions(events, "ann")] == [
        (ExecutionEvent.ACCEPTED, Code.OK),
        (ExecutionEvent.CANCELLED, Code.SELF_TRADE),
    ]
    desk.engine.check_invariants()

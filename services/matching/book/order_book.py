"""The order book of one instrument: price-time priority, in one process, with no clock and no I/O.

Usable alone::

    book = OrderBook("ACME")
    book.place(Order(1, "ann", Side.ASK, price=101, quantity=5))
    [fill] = book.place(Order(2, "bob", Side.BID, price=102, quantity=3))
    fill.price, fill.quantity  # 101, 3
    book.take_change()  # the change for readers of the book

Owns matching, time in force, self-trade prevention, the book's `seq`, its digest and its trade numbers. Leaves to
others who may trade, limits, and money. In a call (an auction) orders wait, and nothing matches until `uncross`; see
`services.matching.book.call`. Invariants: no bid is at or above an ask, but in a call; `orders` are the orders of the
levels, and in a call those without a limit; `seq` rises by 1 with every call of a method that changes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final

from openoutcry.wire.depth_book import is_crossed
from openoutcry.wire.digest import MASK, book_digest
from openoutcry.wire.messages import Snapshot
from openoutcry.wire.tick_table import NO_TABLE, TickTable
from openoutcry.wire.types import LEVEL_QUANTITY_MAX, PRICE_MAX, Code, OrderKind, SelfTradePrevention, Side, TimeInForce
from services.matching.book.auction_price import AuctionPrice
from services.matching.book.book_event import AuctionFill, BookEvent, BookRefusal, Cancelled, Fill, Replaced
from services.matching.book.book_side import NO_BID, BookSide
from services.matching.book.call import Call
from services.matching.book.order import Order
from services.matching.book.price_level import PriceLevel
from shared.logs.events import BookChange

# Looking a member up in its enumeration costs as much as appending an order to its level.
_BID = Side.BID
_MARKET = OrderKind.MARKET
_GTC = TimeInForce.GTC
_IOC = TimeInForce.IOC
_FOK = TimeInForce.FOK
_CANCEL_NEWEST = SelfTradePrevention.CANCEL_NEWEST
_CANCEL_OLDEST = SelfTradePrevention.CANCEL_OLDEST
_MAY_GO_ON: Final = Code.OK
_SELF_TRADE: Final = Code.SELF_TRADE
_TOO_MANY_MET: Final = Code.TOO_MANY_MET
# A named tuple's own constructor is one more Python call.
_new: Final = tuple.__new__

ORDERS_MET_MAX: Final = 500
"""Default limit of resting orders that one command meets, those that self-trade prevention removes among them; then
what remains of the arriving order ends. At some 20 µs each, packet included, nobody's order holds up the market for
longer than 10 ms or so."""
ALL_LEVELS: Final = 1 << 62
"""More levels than there are."""
INDICATIVE_LEVELS_MAX: Final = 4_096
"""Default of how many levels of a side an auction's indicative price is looked for in, some 2 ms. If more would trade
there is no indicative. The uncrossing itself has no such bound; of deep sides it adds up ranges, not levels."""


class OrderBook:
    """
    All resting orders of one instrument.

    Args:
        instrument: Symbol.
    """

    __slots__ = ("_taken_seq", "asks", "bids", "call", "instrument", "orders", "seq", "trade_id")

    def __init__(self, instrument: str) -> None:
        self.instrument = instrument
        self.bids = BookSide(Side.BID)
        self.asks = BookSide(Side.ASK)
        self.orders: dict[int, Order] = {}
        """Resting orders by id. Read only."""
        self.call: Call | None = None
        """What waits for the auction; None outside of a call."""
        self.seq = 0
        """Changes so far."""
        self.trade_id = 0
        """Of the last trade."""
        self._taken_seq = 0

    # Changing the book.

    def place(  # noqa: PLR0911, PLR0912 - written out, since every order comes here
        self,
        order: Order,
        own: dict[int, Order] | None = None,
        met_max: int = ORDERS_MET_MAX,
        bound: int = 0,
        band: int = 0,
    ) -> list[BookEvent]:
        """
        Match an arriving order, and let the rest of it wait if it may.

        Returns:
            What happened, in order: fills, and orders cancelled on the way or at the end. An empty list: nothing
            met it and all of it rests. After the call `order.order_id in book.orders` says whether it rests.

            Post-only is refused (WOULD_TRADE) if its price reaches the best opposite one, whoever's that is, and
            QUANTITY_OUT_OF_RANGE is what would take its level beyond LEVEL_QUANTITY_MAX.
            Fill-or-kill ends whole (NOT_FILLABLE) unless it can be filled whole by others' orders; see `_fillable`.
            Any other order that would meet more than `met_max` resting ones ends there (TOO_MANY_MET): it never rests
            crossed.

            In a call nothing is met, and the order waits: it may cross the book. If it could trade with orders of its
            own user at some price, its self-trade prevention decides: it ends (CANCEL_NEWEST), all of them do
            (CANCEL_OLDEST), or it and the first of them (CANCEL_BOTH), in order of priority. So no price can pair
            them. IOC and fill-or-kill end (NO_LIQUIDITY).

        Args:
            order: What arrives.
            own: Resting orders of the same user, all of this book's among them, by id; None has them looked for. Only
                fill-or-kill needs them, and every order in a call.
            met_max: How many resting orders it may meet, at least 1; those that self-trade prevention removes count.
            bound: The worst price of a market order, in ticks; 0: none.
            band: The worst price at which anything may trade now, in ticks; 0: none. An order that would trade beyond
                it begins a call (`self.call`), in which the rest of it waits, if it may wait; else it ends
                (VOLATILITY).

        Cost: O(log levels) and O(1) per order met, 3 to 6 µs each, `met_max` of them at most. For fill-or-kill see
        `_fillable`.
        """
        assert order.quantity > 0 and order.order_id not in self.orders, order  # noqa: PT018 - one test on a hot path
        order.instrument = self.instrument
        if self.call is not None:
            return self._wait(order, own, self.call)
        limit = order.price
        if order.kind is _MARKET:
            limit = bound or (PRICE_MAX if order.side is _BID else NO_BID + 1)
        wanted = limit
        if band and (limit > band if order.side is _BID else limit < band):
            limit = band
            if order.post_only and self._crosses(order.side, wanted):
                return [BookRefusal(order, Code.WOULD_TRADE)]
        if order.time_in_force is _FOK and not self._fillable(order, limit, own, met_max, order.remaining):
            return [Cancelled(order, Code.NOT_FILLABLE)]
        events: list[BookEvent] = []
        seq = self.seq
        # `_crosses`, written out: most orders do not, and a call costs a tenth of placing them.
        if self.asks.best_price <= limit if order.side is _BID else self.bids.best_price >= limit:
            if order.post_only:
                return [BookRefusal(order, Code.WOULD_TRADE)]
            ending = self._match(order, limit, events, met_max)
            if events:
                self.seq = seq + 1
            if ending is not _MAY_GO_ON:
                events.append(Cancelled(order, ending))
                return events
        if order.remaining:
            if limit != wanted and self._crosses(order.side, wanted):
                return self._stop_at_band(order, own, events)
            times = order.time_in_force
            if (times is _GTC or (times is not _IOC and times is not _FOK)) and order.kind is not _MARKET:
                # Where a level stands on its own side nothing was met, so nothing has happened yet.
                if not (self.bids if order.side is _BID else self.asks).append(order):
                    return [BookRefusal(order, Code.QUANTITY_OUT_OF_RANGE)]
                self.orders[order.order_id] = order
                self.seq = seq + 1
            else:
                events.append(Cancelled(order, Code.NO_LIQUIDITY))
        return events

    def cancel(self, order_id: int) -> Order | None:
        """Take a resting order out of the book; None if no such order rests. O(1), its level's last O(log levels)."""
        order = self.orders.pop(order_id, None)
        if order is not None:
            if self.call is None:
                (self.bids if order.side is _BID else self.asks).remove(order)
            else:
                self.call.remove(order)
            self.seq += 1
        return order

    def cancel_many(self, orders: Sequence[Order]) -> None:
        """Take orders that rest here out of the book, each as `cancel` does; a third less than one by one."""
        resting = self.orders
        for order in orders:
            del resting[order.order_id]
        self.seq += len(orders)
        if self.call is not None:
            for order in orders:
                self.call.remove(order)
            return
        self.bids.remove_many([order for order in orders if order.side is _BID])
        self.asks.remove_many([order for order in orders if order.side is not _BID])

    def replace(
        self,
        order_id: int,
        price: int | None = None,
        quantity: int | None = None,
        met_max: int = ORDERS_MET_MAX,
        own: dict[int, Order] | None = None,
        band: int = 0,
    ) -> list[BookEvent]:
        """
        Change a resting order, keeping its id.

        It keeps its place in the queue if the price stays and the quantity does not grow. Otherwise it leaves the
        book and arrives anew, last at its price, trading if it now crosses.

        Args:
            order_id: A resting order.
            price: New price in ticks; None leaves it.
            quantity: New *total* quantity, the filled part included; None leaves it. At or below what is filled,
                the order is cancelled (REPLACED_BELOW_FILLED).
            met_max: As `place`; what would meet more ends there.
            own: As `place`.
            band: As `place`.

        Returns:
            Nothing if no such order rests; else Replaced first and then as `place`, or Cancelled alone, or BookRefusal
            alone, and the order stays as it is: a post-only one whose new price would trade, or one that would take a
            level beyond LEVEL_QUANTITY_MAX.
        """
        order = self.orders.get(order_id)
        if order is None:
            return []
        new_price = order.price if price is None else price
        new_quantity = order.quantity if quantity is None else quantity
        remaining = new_quantity - (order.quantity - order.remaining)
        if remaining <= 0:
            self.cancel(order_id)
            return [Cancelled(order, Code.REPLACED_BELOW_FILLED)]
        if new_price == order.price and new_quantity <= order.quantity:
            return self._reduce(order, new_quantity, remaining)
        if order.post_only and self._crosses(order.side, new_price):
            return [BookRefusal(order, Code.WOULD_TRADE)]
        level = (self.bids if order.side is _BID else self.asks).levels.get(new_price)
        if level is not None:
            others = level.quantity - (order.remaining if new_price == order.price else 0)
            if others + remaining > LEVEL_QUANTITY_MAX:
                return [BookRefusal(order, Code.QUANTITY_OUT_OF_RANGE)]
        return self._arrive_anew(order, new_price, new_quantity, remaining, met_max, own, band)

    # A call.

    def begin_call(self) -> None:
        """Have orders wait from now on, crossed or not; does nothing in a call."""
        if self.call is None:
            self.call = Call(self.bids, self.asks, self.orders)

    def indicative(
        self,
        reference: int = 0,
        ticks: TickTable = NO_TABLE,
        price_max: int = PRICE_MAX,
        levels_max: int = INDICATIVE_LEVELS_MAX,
    ) -> AuctionPrice | None:
        """
        Return the price, volume and surplus of an uncrossing now; `NO_PRICE` if nothing would trade.

        Args:
            reference: In ticks, a price of `ticks`; 0: none.
            ticks: Which prices there are.
            price_max: The highest of them.
            levels_max: None is returned if more levels of a side would trade.

        Cost: O(1) if nothing crosses, else O(levels that would trade), 0.3 µs each; see `Call.price`.
        """
        assert self.call is not None, "there is an auction in a call only"
        return self.call.price(reference, ticks, price_max, levels_max)

    def uncross(self, price: int, fills_max: int = ORDERS_MET_MAX) -> list[AuctionFill]:
        """
        Trade at the auction's price: on each side orders without a limit first, then better limits, then time.

        The first of both sides trade as much as both have, and so on, so only one order a side is partly filled.

        Args:
            price: What `indicative` gave, or any other that may be.
            fills_max: Trades made at once. If there are as many, more may follow: call again, with no order between,
                until there are fewer. All fills together are the same, however they are cut.

        Returns:
            The fills, one trade each; `seq` rises by 1 if there are some. The orders that end with the call are left,
            see `call.only`, and so are all others.

        Cost: O(fills), 2 µs each, and 20 to 30 µs each with their share of the packet.
        """
        assert self.call is not None, "there is an auction in a call only"
        fills = self.call.fills(price, fills_max, self.trade_id)
        if fills:
            self.seq += 1
            self.trade_id = fills[-1].trade_id
        return fills

    def end_call(self) -> None:
        """Match what arrives from now on. What ends with the call must have ended, and no bid be at or above an ask."""
        if self.call is not None:
            assert not self.call.only and not self.call.is_crossed, self.instrument  # noqa: PT018 - as in `place`
            self.call = None

    # Reading it.

    def can_trade(
        self, order: Order, lots: int, own: dict[int, Order] | None, met_max: int, bound: int = 0, band: int = 0
    ) -> bool:
        """
        Tell whether an order would trade so many lots if it came now, exactly as `place` would go.

        The arguments are those of `place`, and at least one lot. Cost: see `_fillable`.
        """
        limit = order.price
        if order.kind is _MARKET:
            limit = bound or (PRICE_MAX if order.side is _BID else NO_BID + 1)
        if band:
            limit = min(limit, band) if order.side is _BID else max(limit, band)
        return self._fillable(order, limit, own, met_max, lots)

    def sweep_cost(self, order: Order, met_max: int, bound: int) -> int:
        """
        Return what a market bid would pay if it came now, in ticks times lots, exactly as `place` would go.

        Args:
            order: The bid; it has not arrived.
            met_max: As `place`.
            bound: As `place`.

        Cost: O(1) where the best level is enough, else O(orders met), 0.2 µs each, `met_max` at most.
        """
        cost, wanted = 0, order.remaining
        best = self.asks.levels.get(self.asks.best_price)
        behind = islice(self.asks.from_best(met_max), 1, None)  # ranks nothing before it is asked for
        for level in chain((best,) if best is not None else (), behind):
            held = level.first
            while held is not None and wanted and met_max > 0 and (not bound or level.price <= bound):
                met_max -= 1
                if held.user != order.user:
                    lots = min(wanted, held.remaining)
                    wanted -= lots
                    cost += lots * level.price
                elif order.self_trade_prevention is not _CANCEL_OLDEST:
                    return cost
                held = held.after
            if held is not None or not wanted:
                break
        return cost

    @property
    def digest(self) -> int:
        """The digest of the whole book as it stands; O(levels touched since `take_change`)."""
        return (self.bids.digest + self.asks.digest) & MASK

    def take_change(self) -> BookChange | None:
        """
        Return all changes since the last call, merged, and begin anew; None if there were none.

        Levels are [price, quantity, orders] in order of first touch, quantity 0 where a level is gone. How calls are
        cut does not matter: changes compose to the same book. O(levels touched).
        """
        if self.seq == self._taken_seq:
            return None
        prev_seq, self._taken_seq = self._taken_seq, self.seq
        bids, asks = self.bids, self.asks
        bid_levels = bids.take_changes() if bids.touched else []
        ask_levels = asks.take_changes() if asks.touched else []
        digest = (bids.told_digest + asks.told_digest) & MASK
        return _new(BookChange, (self.instrument, prev_seq, self.seq, bid_levels, ask_levels, digest))

    def snapshot(self, epoch: int, time: int) -> Snapshot:
        """
        Return the whole book as a protocol message; O(levels log levels).

        Args:
            epoch: The history that `seq` counts in.
            time: µs since 1970, of the newest change.
        """
        return Snapshot(self.instrument, epoch, self.seq, time, 0, self.bids.depth(), self.asks.depth(), self.digest)

    def restore(self, orders: Iterable[Order], seq: int, trade_id: int) -> None:
        """
        Fill an empty book with orders that rested in an earlier one, those of a price in order of priority.

        The book then stands as after `take_change`: whoever reads it knows its levels from a snapshot. If orders are
        among them that only a call has, or they are crossed, it is in one.
        """
        assert not self.orders and not self.seq, "only an empty book can be restored"  # noqa: PT018
        call = Call(self.bids, self.asks, self.orders)
        for order in orders:
            order.instrument = self.instrument
            call.add(order)
        if call.only or call.is_crossed:
            self.call = call
        self.seq, self.trade_id = seq, trade_id
        self.take_change()

    def by_priority(self) -> Iterator[Order]:
        """Yield all orders, for `restore`: those without a limit, then bids and asks, the best first; O(orders)."""
        if self.call is not None:
            yield from self.call.market_bids
            yield from self.call.market_asks
        for side in (self.bids, self.asks):
            for price in side.prices():
                yield from side.levels[price]

    def check_invariants(self) -> None:
        """Assert what must always hold; O(orders). For tests."""
        self.bids.check_invariants()
        self.asks.check_invariants()
        resting = list(self.by_priority())
        assert {order.order_id: order for order in resting} == self.orders
        assert len(resting) == len(self.orders)
        assert not any(order.time_in_force in (_IOC, _FOK) for order in resting if order.kind is not _MARKET)
        if self.call is not None:
            self.call.check_invariants()
        else:
            assert not is_crossed(self.bids.best_price, self.asks.best_price)
            assert not any(order.kind is _MARKET or order.time_in_force is TimeInForce.AUCTION for order in resting)
        assert self.digest == book_digest(_quantities(self.bids), _quantities(self.asks))

    # Private.

    def _wait(self, order: Order, own: dict[int, Order] | None, call: Call) -> list[BookEvent]:
        if own is None:
            own = {key: held for key, held in self.orders.items() if held.user == order.user}
        count = len(self.orders)
        # A stop of the user's is in no book.
        events = call.wait(order, [held for held in own.values() if held.order_id in self.orders])
        if order.order_id in self.orders or len(self.orders) != count:
            self.seq += 1
        return events

    def _stop_at_band(self, order: Order, own: dict[int, Order] | None, events: list[BookEvent]) -> list[BookEvent]:
        """Begin a call with what is left of an order that would trade beyond the band, or end that."""
        if order.kind is _MARKET or order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
            events.append(Cancelled(order, Code.VOLATILITY))
            return events
        self.begin_call()
        assert self.call is not None
        seq, has_traded = self.seq, bool(events)
        events += self._wait(order, own, self.call)
        if has_traded:
            self.seq = seq  # one call of `place` is one change
        if not self.call.is_crossed:
            self.call = None  # self-trade prevention left nothing to wait for
        return events

    def _crosses(self, side: Side, limit: int) -> bool:
        return self.asks.best_price <= limit if side is _BID else self.bids.best_price >= limit

    def _match(self, taker: Order, limit: int, events: list[BookEvent], met_max: int) -> Code:
        """Trade until the taker is done or nothing more crosses; return why it may not go on, if so."""
        buys = taker.side is _BID
        side = self.asks if buys else self.bids
        while taker.remaining and (side.best_price <= limit if buys else side.best_price >= limit):
            if len(events) >= met_max:  # each order met is an event
                return _TOO_MANY_MET
            maker = side.levels[side.best_price].first
            assert maker is not None
            if maker.user != taker.user:
                events.append(self._trade(taker, maker, side))
                continue
            policy = taker.self_trade_prevention
            if policy is not _CANCEL_NEWEST:
                side.remove(maker)
                del self.orders[maker.order_id]
                events.append(Cancelled(maker, Code.SELF_TRADE))
            if policy is not _CANCEL_OLDEST:
                return _SELF_TRADE
        return _MAY_GO_ON

    def _trade(self, taker: Order, maker: Order, side: BookSide) -> Fill:
        quantity = taker.remaining
        left = maker.remaining - quantity
        if left > 0:
            side.reduce(maker, left)
        else:
            quantity = maker.remaining
            side.remove(maker)
            del self.orders[maker.order_id]
            left = maker.remaining = 0
        taker.remaining -= quantity
        self.trade_id += 1
        return _new(Fill, (self.trade_id, maker.price, quantity, maker, left, taker, taker.remaining))

    def _fillable(self, order: Order, limit: int, own: dict[int, Order] | None, met_max: int, wanted: int) -> bool:
        """
        Return whether an arriving order would trade so many lots, exactly as `_match` would go.

        Fill-or-kill wants all of its lots, and other orders perhaps a minimum of them.

        Only others' orders count. Under CANCEL_OLDEST own orders are passed over (and cancelled if the order then
        trades); under the other policies the first own order met would end the arriving one, so it is not fillable
        beyond it. Own orders behind the last lot needed do not matter. All orders up to there are met, and must be
        `met_max` at most.

        Cost: O(1) if it does not cross. Else, if the best level does not decide, O(1) for each of the best `met_max`
        levels, more than which it cannot meet: see `BookSide.lots_of_best`. If they hold enough, O(own orders), and a
        walk over the orders met at the price that decides, 0.2 µs each. How deep the book is does not matter.
        """
        buys = order.side is _BID
        side = self.asks if buys else self.bids
        best = side.best_price
        if best > limit if buys else best < limit:
            return False
        passes_own = order.self_trade_prevention is _CANCEL_OLDEST
        level = side.levels[best]
        if level.quantity >= wanted:
            is_enough = _fills(level, order.user, wanted, met_max, passes_own)
            if is_enough or not passes_own:
                return is_enough
        if side.lots_of_best(met_max, limit) < wanted:
            return False
        own_lots = self._own_lots(order, own)
        for level in side.from_best(met_max):
            if met_max <= 0 or (level.price > limit if buys else level.price < limit):
                break
            others = level.quantity - own_lots.get(level.price, 0)
            if others >= wanted or (others != level.quantity and not passes_own):
                return _fills(level, order.user, wanted, met_max, passes_own)
            wanted -= others
            met_max -= level.orders
        return False

    def _own_lots(self, order: Order, own: dict[int, Order] | None) -> dict[int, int]:
        """Return by price the lots that an order's own user has on the other side."""
        if own is None:
            own = {key: held for key, held in self.orders.items() if held.user == order.user}
        lots: dict[int, int] = {}
        for held in own.values():
            if held.side is not order.side and held.order_id in self.orders:  # a stop of the user's is in no book
                lots[held.price] = lots.get(held.price, 0) + held.remaining
        return lots

    def _reduce(self, order: Order, quantity: int, remaining: int) -> list[BookEvent]:
        if quantity < order.quantity:
            if order.kind is _MARKET and self.call is not None:
                self.call.reduce(order, remaining)
            else:
                (self.bids if order.side is _BID else self.asks).reduce(order, remaining)
            order.quantity = quantity
            self.seq += 1
        return [Replaced(order, remaining)]

    def _arrive_anew(
        self,
        order: Order,
        price: int,
        quantity: int,
        remaining: int,
        met_max: int,
        own: dict[int, Order] | None,
        band: int,
    ) -> list[BookEvent]:
        seq = self.seq
        self.cancel(order.order_id)
        order.price, order.quantity, order.remaining = price, quantity, remaining
        events: list[BookEvent] = [Replaced(order, remaining), *self.place(order, own, met_max, 0, band)]
        self.seq = seq + 1  # one call, however many steps
        return events


def _fills(level: PriceLevel, user: str, wanted: int, met_max: int, passes_own: bool) -> bool:  # noqa: FBT001
    """Tell whether so many orders from the front of a queue on, up to a user's own or passing them, hold enough."""
    order = level.first
    while order is not None and met_max > 0:
        met_max -= 1
        if order.user != user:
            wanted -= order.remaining
            if wanted <= 0:
                return True
        elif not passes_own:
            return False
        order = order.after
    return False


def _quantities(side: BookSide) -> list[tuple[int, int]]:
    return [(price, level.quantity) for price, level in side.levels.items()]

"""A seeded crowd of traders: quotes around wandering prices, with some that trade.

Where a price begins, what follows it and in which quantities it is dealt in is `fair_value`'s part.

Owns what the bots do next; leaves to callers when. Nearly every command changes a book: new quotes, quotes that
move, quotes withdrawn, and one in twenty that takes. What rests is bounded: a book that is full is thinned. The flow
keeps a light shadow of its own orders, and `ended` tells it of those that are gone, so that outsiders who trade with
it leave nothing behind.

Bid makers, ask makers and takers are different users, so self-trade prevention never swallows a trade.
Deterministic: the same seed, calls and arguments give the same commands.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import OrderKind, SelfTradePrevention, Side, TimeInForce
from outcry.flow.fair_value import followed, following_price, opening_price, quantities
from outcry.flow.funding import CALL_S, blackout, funding
from outcry.flow.guests import guest_funding
from outcry.flow.live_orders import LiveOrder, LiveOrders
from outcry.flow.special_flow import QUOTERS, SPECIAL_USERS, BelievedBook, SpecialFlow
from shared.logs.commands import CancelAll, CancelOrder, Command, PlaceOrder, ReplaceOrder

LIVE_ORDERS: Final = 1_000
"""Orders that rest over all books, when nobody else trades."""
LIVE_ORDERS_PER_BOOK_MIN: Final = 40
MAKERS_PER_SIDE: Final = 20
TAKERS: Final = 20
USER_PREFIX: Final = "bot-"
TAKE_SHARE: Final = 0.05
"""Share of commands that take."""
MOVE_SHARE: Final = 0.35
"""Share of commands that move a quote."""
MID_STEP_SHARE: Final = 0.02
"""Share of commands that move the mid by a tick, whatever else they do; that of the share, if the book follows one."""
DISTANCE_MEAN: Final = 8.0
"""Mean distance of a quote from the mid, in ticks."""
DISTANCE_MAX: Final = 100
VALUES_KEPT_MAX: Final = 4096
"""Prices of a book that follows another, by the other's mid: more are forgotten, and reckoned again."""

_BID_MAKERS: Final = tuple(f"{USER_PREFIX}bid-{n:02}" for n in range(MAKERS_PER_SIDE))
_ASK_MAKERS: Final = tuple(f"{USER_PREFIX}ask-{n:02}" for n in range(MAKERS_PER_SIDE))
_TAKERS: Final = tuple(f"{USER_PREFIX}taker-{n:02}" for n in range(TAKERS))


class _Book:
    """What the crowd has in one book, and where it believes the price to be."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.symbol = instrument.symbol
        self.quantities = quantities(instrument)
        self.price_max = instrument.price_max
        self.mid_start = opening_price(instrument)
        self.mid = self.mid_start
        self.is_call = False
        self.followers: list[_Book] = []
        self.bids = LiveOrders()
        self.asks = LiveOrders()
        self._leader: _Book | None = None
        self._values: dict[int, int] = {}

    def follow(self, leader: _Book) -> None:
        """Be worth what the leader's price says, from now on."""
        self._leader = leader
        leader.followers.append(self)
        self.revalue(leader)

    def wander(self, random: Random) -> None:
        """Move the mid a tick, or the leader's, within a half and one and a half of where it began."""
        step = 1 if random.random() < 0.5 else -1
        moved = self._leader or self
        low, high = moved.mid_start - moved.mid_start // 2, moved.mid_start + moved.mid_start // 2
        moved.mid = min(max(moved.mid + step, low), high)
        for follower in moved.followers:
            follower.revalue(moved)

    def revalue(self, leader: _Book) -> None:
        """Take the price that the leader's says."""
        # A price wanders to and fro over few ticks, and the formula costs as much as a command.
        values = self._values
        if leader.mid not in values:
            if len(values) >= VALUES_KEPT_MAX:
                values.clear()
            values[leader.mid] = following_price(self.instrument, leader.instrument, leader.mid)
        self.mid = values[leader.mid]

    def within(self, price: int) -> int:
        """Return the nearest price that the instrument allows."""
        return min(max(price, 1), self.price_max)


class OrderFlow:
    """
    The crowd's next commands, without end.

    Args:
        instruments: What to trade; commands are spread over them evenly.
        source: Unique name of this writer; the commands are numbered 1, 2, 3, …
        seed: Of all randomness.
    """

    def __init__(self, instruments: Sequence[Instrument], source: str, seed: int) -> None:
        self.users: Final = (*_BID_MAKERS, *_ASK_MAKERS, *_TAKERS)
        self._source = source
        self._tag = source[-8:]
        self._random = Random(seed)  # noqa: S311 - a market, not a secret
        self._books = [_Book(instrument) for instrument in instruments]
        self._by_symbol = {book.symbol: book for book in self._books}
        for book in self._books:
            leader = self._by_symbol.get(followed(book.instrument) or "")
            if leader is not None and followed(leader.instrument) is None:
                book.follow(leader)
        self._orders_per_book = max(LIVE_ORDERS_PER_BOOK_MIN, LIVE_ORDERS // len(instruments))
        self._number = 0
        # Its own chance, so that the others do the same with and without it.
        self._special = SpecialFlow(source, self._next_number, Random(seed))  # noqa: S311 - as above

    def funding(self, now_us: int, call_s: float = CALL_S) -> list[Command]:
        """Return commands that give every user money and lots, in a market with accounts and a day from now (µs) on."""
        groups = {"bid-makers": _BID_MAKERS, "ask-makers": _ASK_MAKERS, "takers": _TAKERS}
        groups |= {"special": SPECIAL_USERS, "quoters": QUOTERS}
        instruments = [book.instrument for book in self._books]
        return funding(instruments, groups, self._source, iter(self._next_number, 0), now_us, call_s)

    def blackout(self, now_us: int) -> list[Command]:
        """Return the command that closes the first instrument to the insiders among the users, from now (µs) on."""
        return [blackout(self._books[0].symbol, self._source, self._next_number(), now_us)]

    def withdrawals(self) -> list[Command]:
        """Return commands that cancel whatever an earlier crowd of these users left behind."""
        users = (*self.users, *SPECIAL_USERS, *QUOTERS)
        return [CancelAll(self._source, self._next_number(), user, None) for user in users]

    def opening(self) -> list[Command]:
        """Return commands that fill every book from nothing."""
        return [self._quote(book) for book in self._books for _ in range(self._orders_per_book)]

    def guests(self) -> list[Command]:
        """Return commands that give whoever looks at the market by hand money and lots, where accounts are kept."""
        instruments = [book.instrument for book in self._books]
        return [*guest_funding(instruments, self._source, iter(self._next_number, 0))]

    def commands(self, count: int) -> list[Command]:
        """Return the next `count` commands, in order."""
        return [self._next() for _ in range(count)]

    def special(self, count: int, now_us: int) -> list[Command]:
        """Return the next `count` commands (or none, in calls alone) of those who ask more, now (µs since 1970)."""
        places = [BelievedBook(book.instrument, book.mid, book.quantities) for book in self._books if not book.is_call]
        return [self._special.command(places, now_us) for _ in range(count)] if places and count else []

    def ended(self, instrument: str, client_order_id: str) -> None:
        """Learn that an order has ended; unknown ones are nobody's concern."""
        book = self._by_symbol.get(instrument)
        if book is not None:
            book.bids.discard(client_order_id)
            book.asks.discard(client_order_id)

    def stated(self, instrument: str, *, is_call: bool) -> None:
        """Learn whether an instrument is in a call: who takes waits for its auction then."""
        book = self._by_symbol.get(instrument)
        if book is not None:
            book.is_call = is_call

    def live_orders(self, instrument: str) -> int:
        """Return how many orders are believed to rest in a book."""
        book = self._by_symbol[instrument]
        return len(book.bids) + len(book.asks)

    def _next(self) -> Command:
        random = self._random.random
        book = self._books[int(random() * len(self._books))]
        if random() < MID_STEP_SHARE:
            book.wander(self._random)
        choice = random()
        resting = len(book.bids) + len(book.asks)
        if min(len(book.bids), len(book.asks)) < self._orders_per_book // 4:
            return self._quote(book)
        if choice < TAKE_SHARE:
            return self._take(book)
        if choice < TAKE_SHARE + MOVE_SHARE:
            return self._move(book)
        return self._quote(book) if resting < self._orders_per_book else self._withdraw(book)

    def _quote(self, book: _Book) -> PlaceOrder:
        """Add to the thinner side."""
        number = self._next_number()
        side = Side.BID if len(book.bids) <= len(book.asks) else Side.ASK
        order = LiveOrder(f"{self._tag}-{number}", self._maker(side), self._price(book, side), self._quantity(book))
        self._side(book, side).add(order)
        return self._place(number, book, side, order, TimeInForce.GTC)

    def _take(self, book: _Book) -> PlaceOrder:
        """Trade with the best of one side; far enough through the mid to meet every quote."""
        number = self._next_number()
        side = Side.BID if self._random.random() < 0.5 else Side.ASK
        through = 2 * DISTANCE_MAX if side is Side.BID else -2 * DISTANCE_MAX
        taker = _TAKERS[int(self._random.random() * TAKERS)]
        order = LiveOrder(f"{self._tag}-{number}", taker, book.within(book.mid + through), self._quantity(book))
        return self._place(number, book, side, order, TimeInForce.AUCTION if book.is_call else TimeInForce.IOC)

    def _move(self, book: _Book) -> ReplaceOrder:
        """Bring a quote to another price."""
        side = Side.BID if self._random.random() < 0.5 else Side.ASK
        orders = self._side(book, side)
        order = orders.draw(self._random)
        price = self._price(book, side)
        if price == order.price:  # It would change nothing.
            price += 1 if price < book.price_max else -1
        orders.add(order._replace(price=price))
        return ReplaceOrder(self._source, self._next_number(), order.user, 0, order.client_order_id, price, None)

    def _withdraw(self, book: _Book) -> CancelOrder:
        """Cancel the further from the mid of two quotes, on the fuller side."""
        orders = book.bids if len(book.bids) > len(book.asks) else book.asks
        first, second = orders.draw(self._random), orders.draw(self._random)
        order = first if abs(first.price - book.mid) >= abs(second.price - book.mid) else second
        orders.discard(order.client_order_id)
        return CancelOrder(self._source, self._next_number(), order.user, 0, order.client_order_id)

    def _place(self, number: int, book: _Book, side: Side, order: LiveOrder, time_in_force: TimeInForce) -> PlaceOrder:
        return PlaceOrder(
            source=self._source,
            number=number,
            user=order.user,
            instrument=book.symbol,
            client_order_id=order.client_order_id,
            side=side,
            kind=OrderKind.LIMIT,
            price=order.price,
            quantity=order.quantity,
            time_in_force=time_in_force,
            post_only=False,
            self_trade_prevention=SelfTradePrevention.CANCEL_NEWEST,
        )

    def _price(self, book: _Book, side: Side) -> int:
        distance = 1 + min(int(self._random.expovariate(1 / DISTANCE_MEAN)), DISTANCE_MAX - 1)
        return book.within(book.mid - distance if side is Side.BID else book.mid + distance)

    def _quantity(self, book: _Book) -> int:
        return book.quantities[int(self._random.random() * len(book.quantities))]

    def _maker(self, side: Side) -> str:
        makers = _BID_MAKERS if side is Side.BID else _ASK_MAKERS
        return makers[int(self._random.random() * MAKERS_PER_SIDE)]

    def _side(self, book: _Book, side: Side) -> LiveOrders:
        return book.bids if side is Side.BID else book.asks

    def _next_number(self) -> int:
        self._number += 1
        return self._number

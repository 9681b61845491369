"""Recorded order flow turned into commands of this exchange.

Owns what each recorded message becomes, and the count of those that become nothing: what a file does not say is
counted by its reason, never guessed. A new order becomes a limit order that rests; a partial cancellation a replace
with the smaller total; a deletion a cancel; an execution of a visible order the marketable order that caused it.
Makers of each side and takers are different users, so self-trade prevention never interferes.
"""

from __future__ import annotations

import enum
from collections import Counter
from typing import Final, NamedTuple

from openoutcry.wire.account import MILLIONTHS, tick_value
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import OrderKind, SelfTradePrevention, Side, TimeInForce
from outcry.flow.lobster import PRICE_UNITS_PER_DOLLAR, LobsterMessage, LobsterType
from outcry.flow.replay_book import BookDistance, ReplayBook, distance, levels_of
from shared.logs.commands import CancelAll, CancelOrder, Command, PlaceOrder, ReplaceOrder

MAKERS_PER_SIDE: Final = 100
"""With 1,000 open orders a user, 100,000 orders a side may rest."""
TAKERS: Final = 50
USER_PREFIX: Final = "replay-"

_MAKERS: Final = {side: tuple(f"{USER_PREFIX}{side}-{n:02}" for n in range(MAKERS_PER_SIDE)) for side in Side}
_TAKERS: Final = tuple(f"{USER_PREFIX}taker-{n:02}" for n in range(TAKERS))


class Skip(enum.StrEnum):
    """Why a message became no command."""

    HIDDEN_EXECUTION = "execution of a hidden order"
    CROSS_TRADE = "cross trade"
    HALT = "trading halt"
    UNKNOWN_ORDER = "names an order that the file never entered"
    KNOWN_ORDER = "enters an order that is in the book already"
    MORE_THAN_LEFT = "cancels or executes more than the order has left"
    OFF_TICK = "price between two ticks of the instrument"
    OFF_LOT = "size between two lots of the instrument"
    OUT_OF_RANGE = "price or size above the instrument's limits"


_NO_ORDER: Final = {
    LobsterType.HIDDEN_EXECUTION: Skip.HIDDEN_EXECUTION,
    LobsterType.CROSS_TRADE: Skip.CROSS_TRADE,
    LobsterType.HALT: Skip.HALT,
}


class _Recorded(NamedTuple):
    """An order of the file that is in the book by the file's account."""

    user: str
    client_order_id: str
    side: Side
    price: int
    """Ticks."""
    total: int
    """Lots entered, less those cancelled."""
    left: int
    """Lots neither cancelled nor executed."""


class _Order(NamedTuple):
    user: str
    client_order_id: str
    side: Side
    price: int
    lots: int
    time_in_force: TimeInForce


class LobsterOrders:
    """
    The exchange's side of one file.

    Args:
        instrument: What to trade; its tick and lot size translate prices and sizes.
        source: Unique name of this writer.
        first_number: The first command's number; the next ones follow it without holes.
    """

    def __init__(self, instrument: Instrument, source: str, first_number: int = 1) -> None:
        self.skipped: Counter[Skip] = Counter()
        """Messages that became no command, by reason."""
        self._instrument = instrument
        self._source = source
        self._tag = source[-8:]
        self.book = ReplayBook(self._tag)
        """What the feed tells of these orders; whoever reads it keeps this."""
        self._number = first_number - 1
        self._orders: dict[int, _Recorded] = {}
        self._tick_millionths = tick_value(instrument) // instrument.lot_size

    @property
    def open_orders(self) -> int:
        """How many orders rest by the file's account."""
        return len(self._orders)

    def distance(self) -> BookDistance:
        """Return how far the exchange's book of these orders is from the file's own; O(orders)."""
        of_file = levels_of((order.side, order.price, order.left) for order in self._orders.values())
        return distance(of_file, self.book.levels())

    def withdrawals(self) -> list[Command]:
        """Return commands that cancel whatever an earlier replay left in this book."""
        users = (*_MAKERS[Side.BID], *_MAKERS[Side.ASK])
        return [CancelAll(self._source, self._next_number(), user, self._instrument.symbol) for user in users]

    def command(self, message: LobsterMessage) -> Command | None:
        """Return what a message becomes, or count why it becomes nothing; O(1)."""
        outcome = self._outcome(message)
        if isinstance(outcome, Skip):
            self.skipped[outcome] += 1
            return None
        return outcome

    def _outcome(self, message: LobsterMessage) -> Command | Skip:  # noqa: PLR0911 - one decision ladder
        if skip := _NO_ORDER.get(message.kind):
            return skip
        lots, odd = divmod(message.size, self._instrument.lot_size)
        if odd:
            return Skip.OFF_LOT
        if message.kind is LobsterType.NEW_ORDER:
            return self._enter(message, lots)
        recorded = self._orders.get(message.order_id)
        if recorded is None:
            return Skip.UNKNOWN_ORDER
        if lots > recorded.left:
            return Skip.MORE_THAN_LEFT
        match message.kind:
            case LobsterType.PARTIAL_CANCEL if lots < recorded.left:
                return self._reduce(message.order_id, recorded, lots)
            case LobsterType.VISIBLE_EXECUTION:
                return self._execute(message, recorded, lots)
            case _:
                return self._delete(message.order_id, recorded)

    def _enter(self, message: LobsterMessage, lots: int) -> Command | Skip:
        if message.order_id in self._orders:
            return Skip.KNOWN_ORDER
        price = self._ticks(message.price)
        if isinstance(price, Skip):
            return price
        if lots > self._instrument.quantity_max:
            return Skip.OUT_OF_RANGE
        number = self._next_number()
        user = _MAKERS[message.side][number % MAKERS_PER_SIDE]
        recorded = _Recorded(user, f"{self._tag}-{message.order_id}", message.side, price, lots, lots)
        self._orders[message.order_id] = recorded
        order = _Order(user, recorded.client_order_id, message.side, price, lots, TimeInForce.GTC)
        return self._place(number, order)

    def _reduce(self, order_id: int, recorded: _Recorded, lots: int) -> Command:
        smaller = recorded._replace(total=recorded.total - lots, left=recorded.left - lots)
        self._orders[order_id] = smaller
        return ReplaceOrder(
            self._source, self._next_number(), recorded.user, 0, recorded.client_order_id, None, smaller.total
        )

    def _delete(self, order_id: int, recorded: _Recorded) -> Command:
        del self._orders[order_id]
        return CancelOrder(self._source, self._next_number(), recorded.user, 0, recorded.client_order_id)

    def _execute(self, message: LobsterMessage, recorded: _Recorded, lots: int) -> Command | Skip:
        price = self._ticks(message.price)
        if isinstance(price, Skip):
            return price
        if lots == recorded.left:
            del self._orders[message.order_id]
        else:
            self._orders[message.order_id] = recorded._replace(left=recorded.left - lots)
        number = self._next_number()
        taker, name = _TAKERS[number % TAKERS], f"{self._tag}-x{number}"
        self.book.intend(name, message.order_id)
        return self._place(number, _Order(taker, name, message.side.opposite, price, lots, TimeInForce.IOC))

    def _ticks(self, price: int) -> int | Skip:
        ticks, off = divmod(price * (MILLIONTHS // PRICE_UNITS_PER_DOLLAR), self._tick_millionths)
        if off:
            return Skip.OFF_TICK
        return ticks if ticks <= self._instrument.price_max else Skip.OUT_OF_RANGE

    def _place(self, number: int, order: _Order) -> PlaceOrder:
        return PlaceOrder(
            source=self._source,
            number=number,
            user=order.user,
            instrument=self._instrument.symbol,
            client_order_id=order.client_order_id,
            side=order.side,
            kind=OrderKind.LIMIT,
            price=order.price,
            quantity=order.lots,
            time_in_force=order.time_in_force,
            post_only=False,
            self_trade_prevention=SelfTradePrevention.CANCEL_NEWEST,
        )

    def _next_number(self) -> int:
        self._number += 1
        return self._number

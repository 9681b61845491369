"""This project at three depths: the book, the book telling its changes, and the whole engine with its packets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from benchmarks.engine.contestant import Standing
from benchmarks.engine.flow import BID, CANCEL, IOC, KINDS, LIMIT, MARKET, REDUCE, Row
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import PRICE_MAX, QUANTITY_MAX, OrderKind, SelfTradePrevention, Side, TimeInForce
from services.matching import OrderBook
from services.matching.book.order import Order
from services.matching.engine import Engine
from services.matching.floor import EngineConfig
from services.matching.packet_builder import PacketBuilder
from shared.logs.commands import CancelOrder, Command, ListInstrument, PlaceOrder, ReplaceOrder
from shared.logs.packet import encode_packet

BATCH: Final = 128
"""Commands that a leader under load takes together: what has come while it was publishing."""
SYMBOL: Final = "ACME"
_SIDES: Final = (Side.BID, Side.ASK)
_LIMIT: Final = OrderKind.LIMIT
_MARKET: Final = OrderKind.MARKET
_IOC: Final = TimeInForce.IOC


class Book:
    """
    The order book.

    Args:
        told_every: Commands after which its changes and digest are taken; 0: never.
    """

    version = "this tree"
    kinds = KINDS

    def __init__(self, told_every: int = 0) -> None:
        self.book = OrderBook(SYMBOL)
        self._told_every = told_every

    def prepare(self, rows: Sequence[Row]) -> list[Any]:
        """Name sides and users; an order is made when it arrives, since it is the book's own record of it."""
        return [(kind, name, _SIDES[side], price, lots, str(user)) for kind, name, side, price, lots, user in rows]

    def play(self, commands: Sequence[Any]) -> None:
        """Apply, and take the changes of each batch."""
        if not self._told_every:
            self._play(commands)
        elif self._told_every == 1:
            self._play_telling(commands)
        else:
            for first in range(0, len(commands), self._told_every):
                self._play(commands[first : first + self._told_every])
                self.book.take_change()

    def apply(self, command: Any) -> None:
        """Apply one; changes are taken as well if they are after every command."""
        self._play((command,))
        if self._told_every == 1:
            self.book.take_change()

    def standing(self) -> Standing:
        """Return what is left."""
        lots = [sum(level.quantity for level in side.levels.values()) for side in (self.book.bids, self.book.asks)]
        return Standing(self.book.trade_id, len(self.book.orders), *lots)

    def _play(self, commands: Sequence[Any]) -> None:
        book = self.book
        place, cancel = book.place, book.cancel
        for kind, order_id, side, price, quantity, account in commands:
            if kind == LIMIT:
                place(Order(order_id, account, side, price, quantity))
            elif kind == CANCEL:
                cancel(order_id)
            else:
                self._rare(kind, order_id, side, price, quantity, account)

    def _play_telling(self, commands: Sequence[Any]) -> None:
        book = self.book
        place, cancel, take_change = book.place, book.cancel, book.take_change
        for kind, order_id, side, price, quantity, account in commands:
            if kind == LIMIT:
                place(Order(order_id, account, side, price, quantity))
            elif kind == CANCEL:
                cancel(order_id)
            else:
                self._rare(kind, order_id, side, price, quantity, account)
            take_change()

    def _rare(self, kind: str, order_id: int, side: Side, price: int, quantity: int, account: str) -> None:
        book = self.book
        if kind == MARKET:
            book.place(Order(order_id, account, side, 0, quantity, _MARKET))
        elif kind == IOC:
            book.place(Order(order_id, account, side, price, quantity, _LIMIT, _IOC))
        elif kind == REDUCE and (order := book.orders.get(order_id)) is not None:
            book.replace(order_id, quantity=order.quantity - quantity)


class Market:
    """
    The whole engine: accounts, executions, outcomes and refusals, told in packets as the feed holds them.

    Args:
        batch: Commands a packet.
    """

    version = "this tree"
    kinds = KINDS

    def __init__(self, batch: int) -> None:
        # Some flows have more resting orders a user than the default allows, and nobody else has such a limit.
        engine = Engine(EngineConfig(open_orders_max=10**9, orders_met_max=10**9))
        self.engine = engine
        self.packet_bytes = 0
        self._batch = batch
        self._builder = PacketBuilder(engine)
        listing = Instrument(SYMBOL, price_max=PRICE_MAX, quantity_max=QUANTITY_MAX)
        self._builder.apply(ListInstrument("operator", 1, listing), 1)
        self._tell()

    def prepare(self, rows: Sequence[Row]) -> list[Any]:
        """Make the commands that a gateway would have appended."""
        commands = _Commands()
        return [commands.command(number, row) for number, row in enumerate(rows, 1)]

    def play(self, commands: Sequence[Any]) -> None:
        """Apply, and make the packet of each batch."""
        apply = self._builder.apply
        for first in range(0, len(commands), self._batch):
            for number, command in enumerate(commands[first : first + self._batch], first):
                apply(command, number)
            self._tell()

    def apply(self, command: Any) -> None:
        """Apply one; its packet is made as well if each command has its own."""
        self._builder.apply(command, 1)
        if self._batch == 1:
            self._tell()

    def standing(self) -> Standing:
        """Return what is left."""
        book = self.engine.instruments[SYMBOL].book
        lots = [sum(level.quantity for level in side.levels.values()) for side in (book.bids, book.asks)]
        return Standing(book.trade_id, len(book.orders), *lots)

    def _tell(self) -> None:
        packet = self._builder.take()
        if packet is not None:
            self.packet_bytes += len(encode_packet(packet))


class _Commands:
    """Rows as commands of one gateway; a replacement names the new total, so totals are remembered."""

    def __init__(self) -> None:
        self._totals: dict[int, int] = {}

    def command(self, number: int, row: Row) -> Command:
        source, user, name = "gateway", f"user-{row.account}", str(row.order_id)
        if row.kind == CANCEL:
            return CancelOrder(source, number, user, 0, name)
        if row.kind == REDUCE:
            self._totals[row.order_id] -= row.quantity
            return ReplaceOrder(source, number, user, 0, name, None, self._totals[row.order_id])
        self._totals[row.order_id] = row.quantity
        return PlaceOrder(
            source,
            number,
            user,
            SYMBOL,
            name,
            Side.BID if row.side == BID else Side.ASK,
            _MARKET if row.kind == MARKET else _LIMIT,
            row.price,
            row.quantity,
            _IOC if row.kind == IOC else TimeInForce.GTC,
            post_only=False,
            self_trade_prevention=SelfTradePrevention.CANCEL_NEWEST,
        )

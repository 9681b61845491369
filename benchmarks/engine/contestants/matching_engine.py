"""matching-engine: one market's engine, without its log. Its answers are events; it tells no changes of its book."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any

from matching_engine.domain import CancelOrder, NewOrder, OrderType, SequencedCommand, Side, TimeInForce
from matching_engine.engine import MatchingEngine
from matching_engine.workload import order_flow

from benchmarks.engine.contestant import Standing
from benchmarks.engine.flow import ASK, BID, CANCEL, IOC, LIMIT, MARKET, Row

_SIDES = (Side.BUY, Side.SELL)


class Peer:
    """Commands are made before, with their sequence numbers, as in the package's own benchmark."""

    version = version("matching-engine")
    kinds = LIMIT + IOC + MARKET + CANCEL

    def __init__(self) -> None:
        self.engine = MatchingEngine()
        self.apply = self.engine.process

    def prepare(self, rows: Sequence[Row]) -> list[Any]:
        """Make sequenced commands."""
        return [SequencedCommand(number, number, _command(row)) for number, row in enumerate(rows, 1)]

    def play(self, commands: Sequence[Any]) -> None:
        """Process each."""
        process = self.engine.process
        for command in commands:
            process(command)

    def standing(self) -> Standing:
        """Return what is left."""
        book = self.engine.book
        lots = [sum(level.qty for level in side.levels.values()) for side in (book.bids, book.asks)]
        return Standing(self.engine.next_trade_id - 1, len(book.orders), *lots)


def own_flow(seed: int, commands: int) -> Iterator[Row]:
    """Yield the flow of the package's own generator."""
    for command in order_flow(seed, commands):
        if isinstance(command, CancelOrder):
            yield Row(CANCEL, command.order_id, 0, 0, 0, command.account)
        else:
            kind = MARKET if command.order_type is OrderType.MARKET else LIMIT
            side = BID if command.side is Side.BUY else ASK
            yield Row(kind, command.order_id, side, command.price, command.qty, command.account)


def _command(row: Row) -> NewOrder | CancelOrder:
    if row.kind == CANCEL:
        return CancelOrder(row.order_id, row.account)
    kind = OrderType.MARKET if row.kind == MARKET else OrderType.LIMIT
    time_in_force = TimeInForce.GTC if row.kind == LIMIT else TimeInForce.IOC
    return NewOrder(row.order_id, row.account, _SIDES[row.side], row.price, row.quantity, kind, time_in_force)

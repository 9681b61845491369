"""The exchange's side of a replay: which recorded orders rest there, and which an execution really filled.

A file names the order that an execution filled; the exchange fills the first in price-time priority. Where the two
differ, from then on so do the books: each such execution is counted, and at the end the two books are compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias

from openoutcry.wire.types import ExecutionEvent, Liquidity, Side
from shared.logs.events import PrivateExecution

EXAMPLES_MAX: Final = 3

Levels: TypeAlias = Mapping[tuple[Side, int], int]
"""Lots of the recorded orders by side and price in ticks."""


class OtherFill(NamedTuple):
    """An execution that filled another order than the file's."""

    of_file: int
    """The order that the file names."""
    filled: str
    """The file's order that was filled instead, by its number, or somebody else's by its client_order_id."""


class BookDistance(NamedTuple):
    """How far the replayed book is from the file's own; all 0 if they are equal."""

    levels: int
    """Price levels at which either has lots."""
    levels_apart: int
    """Of these, with another quantity."""
    lots: int
    """In the file's book."""
    lots_apart: int
    """Sum of the differences over all levels."""


class ReplayBook:
    """
    The feed's reports of one replay's orders.

    Args:
        tag: With which its client order ids begin (`LobsterOrders`).
    """

    def __init__(self, tag: str) -> None:
        self.executions = 0
        """Orders that caused an execution of the file, and have ended."""
        self.other_fills = 0
        """Of these, that filled another order than the file's, with all or some of their lots."""
        self.unfilled = 0
        """Of these, that found less than the file's lots at the price."""
        self.crossed: set[str] = set()
        """Orders that the file enters, which traded as they came: at the exchange the book stands otherwise."""
        self.examples: list[OtherFill] = []
        """The first few of `other_fills`."""
        self._prefix = f"{tag}-"
        self._takes = f"{tag}-x"
        self._resting: dict[str, tuple[Side, int, int]] = {}
        self._intended: dict[str, int] = {}
        self._others: dict[str, str] = {}

    def intend(self, taker: str, order_id: int) -> None:
        """Note which order of the file an execution is to fill, before its taker is sent; kept until that has ended."""
        self._intended[taker] = order_id

    def observe(self, executions: Iterable[PrivateExecution]) -> None:
        """Take the executions of one packet, in order; both sides of a trade are in one."""
        told = [private.execution for private in executions]
        makers = {each.trade_id: each.client_order_id for each in told if each.liquidity == Liquidity.MAKER}
        for each in told:
            if each.client_order_id.startswith(self._takes):
                if each.event == ExecutionEvent.FILLED:
                    self._filled(each.client_order_id, makers.get(each.trade_id, ""))
                if not each.remaining:
                    self._ended(each.client_order_id, is_whole=each.event == ExecutionEvent.FILLED)
            elif each.client_order_id.startswith(self._prefix):
                if each.liquidity == Liquidity.TAKER:
                    self.crossed.add(each.client_order_id)
                if each.remaining and each.event != ExecutionEvent.REJECTED:
                    self._resting[each.client_order_id] = each.side, each.price, each.remaining
                else:
                    self._resting.pop(each.client_order_id, None)

    def levels(self) -> dict[tuple[Side, int], int]:
        """Return the recorded orders that rest at the exchange, by level."""
        return levels_of(self._resting.values())

    def _filled(self, taker: str, maker: str) -> None:
        if maker != f"{self._prefix}{self._intended.get(taker)}":
            self._others.setdefault(taker, maker.removeprefix(self._prefix))

    def _ended(self, taker: str, *, is_whole: bool) -> None:
        of_file = self._intended.pop(taker, None)
        if of_file is None:
            return
        self.executions += 1
        self.unfilled += not is_whole
        other = self._others.pop(taker, None)
        if other is not None:
            self.other_fills += 1
            if len(self.examples) < EXAMPLES_MAX:
                self.examples.append(OtherFill(of_file, other))


def levels_of(orders: Iterable[tuple[Side, int, int]]) -> dict[tuple[Side, int], int]:
    """Sum (side, price, lots) by level."""
    levels: dict[tuple[Side, int], int] = {}
    for side, price, lots in orders:
        levels[side, price] = levels.get((side, price), 0) + lots
    return levels


def distance(of_file: Levels, replayed: Levels) -> BookDistance:
    """Compare the file's own book with the exchange's."""
    differences = [abs(of_file.get(level, 0) - replayed.get(level, 0)) for level in {*of_file, *replayed}]
    return BookDistance(
        len(differences), sum(each > 0 for each in differences), sum(of_file.values()), sum(differences)
    )

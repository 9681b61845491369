"""Mass quotes: both sides of many instruments by one command.

Owns what of a quote changes, and in which order. A quote's orders are orders of the account like all others: limit
orders of the time in force `quote`, and that is all that makes them a quote's. So of each user, instrument and side
there is at most one. A pair is taken whole or not at all: both sides are asked for at the engine's door before the old
ones leave the book, and only the difference between old and new is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, TypeAlias

from openoutcry.wire.quoted_pair import PAIRS_MAX, QuotedPair
from openoutcry.wire.types import (
    LEVEL_QUANTITY_MAX,
    Code,
    ExecutionEvent,
    OrderKind,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from services.matching.accounts.account import UserAccount
from services.matching.accounts.funded_account import FundedAccount
from services.matching.accounts.outlook import unknown_instrument
from services.matching.book.order import Order
from services.matching.floor import Floor
from services.matching.idempotency import WINDOW_S
from services.matching.traded_instrument import Refusal, TradedInstrument
from shared.logs.events import PairsRefused
from shared.logs.mass_quote import MassQuote

QUOTE_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,32}")
"""As a client_order_id, with room for what its orders' names add: `:`, the pair's number, and `b` or `a`."""

_QUOTE: Final = TimeInForce.QUOTE
_OK: Final = Refusal(Code.OK, "")
Admit: TypeAlias = Callable[[UserAccount, TradedInstrument, Order, int, int], Refusal | None]


class _Wanted(NamedTuple):
    """One side of a pair: what is to stand, and the order that stands."""

    side: Side
    price: int
    quantity: int
    """0: nothing."""
    held: Order | None

    @property
    def stays(self) -> bool:
        """Whether what stands is what is wanted."""
        held = self.held
        if held is None:
            return not self.quantity
        return (held.price, held.remaining) == (self.price, self.quantity)

    @property
    def shrinks(self) -> bool:
        """Whether what stands loses lots, and keeps its place."""
        held = self.held
        return held is not None and held.price == self.price and 0 < self.quantity < held.remaining

    @property
    def arrives(self) -> bool:
        """Whether a new order comes."""
        return self.quantity > 0 and not self.stays and not self.shrinks


class Quotes:
    """
    The quotes of one shard's market. It holds nothing: the orders are the floor's.

    Args:
        floor: Books and accounts, and the telling of what happens to orders.
        admit: The engine's door.
    """

    def __init__(self, floor: Floor, admit: Admit) -> None:
        self._floor = floor
        self._admit = admit
        self._met_left = 0

    def carry_out(self, command: MassQuote) -> Refusal:
        """
        Carry out a quote.

        Returns:
            Code and sentence: OK if any pair was taken, else why the quote, or its first pair, was refused. The pairs
            that were refused are told beside it, by `PairsRefused`.

        Cost: O(the user's orders), and of each side that changes two orders' work; all sides together meet at most
        `orders_met_max` resting orders.
        """
        floor = self._floor
        account = floor.account(command.user)
        refusal = self._refusal(account, command)
        if refusal is not None:
            return refusal
        held = {(order.instrument, order.side): order for order in open_quotes(account)}
        self._met_left = floor.orders_met_max
        refused: dict[int, Refusal] = {}
        for place, pair in enumerate(command.pairs):
            refusal = self._take(account, command.quote_id, place, pair, held)
            if refusal is not None:
                refused[place] = refusal
        if refused:
            texts = [(place, each.text) for place, each in refused.items()]
            floor.events.append(PairsRefused(command.source, command.number, texts))
        if len(refused) == len(command.pairs):
            return refused[0]
        if _offers(command):
            floor.client_order_ids.add(account, command.quote_id, 0)
        return _OK

    def end(self, account: UserAccount, reason: Code) -> int:
        """End a user's quotes and no other orders; returns how many orders. O(the user's orders)."""
        quoted = open_quotes(account)
        for order in quoted:
            self._floor.end(account, order, reason)
        return len(quoted)

    def close(self, market: TradedInstrument, _trading_day: str) -> None:
        """End all quotes of an instrument that closes; O(its orders)."""
        quoted = [order for order in market.book.by_priority() if order.time_in_force is _QUOTE]
        if quoted:
            self._floor.sweep(quoted, Code.EXPIRED)

    def _refusal(self, account: UserAccount, command: MassQuote) -> Refusal | None:  # noqa: PLR0911 - one a rule
        """Return why the whole quote is refused, or None."""
        name, pairs = command.quote_id, command.pairs
        if not QUOTE_ID.fullmatch(name):
            return Refusal(Code.BAD_REQUEST, "quote_id: is 1 to 32 letters, digits and . _ : -")
        if not 1 <= len(pairs) <= PAIRS_MAX:
            return Refusal(Code.BAD_REQUEST, f"pairs: a quote has 1 to {PAIRS_MAX}, not {len(pairs)}")
        symbols = [pair.instrument for pair in pairs]
        for place, symbol in enumerate(symbols):
            if symbol in symbols[:place]:
                return Refusal(Code.BAD_REQUEST, f"pairs.{place}.instrument: {symbol} stands twice")
        if account.first_order(name) is not None:
            return Refusal(Code.DUPLICATE_ORDER, f"quote_id: {name} has been used before")
        if not _offers(command):
            return None
        floor = self._floor
        if not floor.client_order_ids.has_room(account, floor.order_ids_max):
            ids = len(account.accepted_ids)
            rule = f"{ids} of your orders are remembered for {WINDOW_S} s, and there is no room for more"
            return Refusal(Code.RATE_LIMITED, f"quote_id: {rule}; send fewer")
        return self._hurried(account, symbols)

    def _hurried(self, account: UserAccount, symbols: Iterable[str]) -> Refusal | None:
        """Count the quote as one message, or return why there may be none now."""
        accounting = self._floor.accounting
        market = next(filter(None, map(self._floor.instruments.get, symbols)), None)
        if accounting is None or market is None:
            return None
        assert isinstance(account, FundedAccount)
        return accounting.hurried(account, market, self._floor.time)

    def _take(
        self,
        account: UserAccount,
        quote_id: str,
        place: int,
        pair: QuotedPair,
        held: dict[tuple[str, Side], Order],
    ) -> Refusal | None:
        """Take one pair, or return why it is refused; then the old one stays as it is."""
        market = self._floor.instruments.get(pair.instrument)
        if market is None:
            return unknown_instrument(pair.instrument)
        bad = _form_fault(pair)
        if bad is not None:
            return Refusal(Code.BAD_REQUEST, bad)
        sides = (
            _Wanted(Side.BID, pair.bid, pair.bid_quantity, held.get((pair.instrument, Side.BID))),
            _Wanted(Side.ASK, pair.ask, pair.ask_quantity, held.get((pair.instrument, Side.ASK))),
        )
        name = f"{quote_id}:{place}"
        refused = self._pair_refusal(account, market, name, sides)
        if refused is not None:
            return refused
        self._change(account, market, name, sides)
        return None

    def _pair_refusal(
        self, account: UserAccount, market: TradedInstrument, name: str, sides: tuple[_Wanted, ...]
    ) -> Refusal | None:
        """Ask at the door for both sides as they would stand, the old ones gone; nothing changes."""
        for wanted in sides:
            if wanted.stays or not wanted.quantity:
                continue
            if wanted.arrives and account.first_order(_name_of(name, wanted.side)) is not None:
                return Refusal(Code.DUPLICATE_ORDER, f"quote_id: {_name_of(name, wanted.side)} has been used before")
            order = _as_replaced(account, market, wanted)
            refusal = self._admit(account, market, order, wanted.price, wanted.quantity)
            refusal = refusal or _overflow(market, wanted)
            if refusal is not None:
                return Refusal(refusal.code, _of_side(wanted.side, refusal.text))
        more = sum(each.arrives and each.held is None for each in sides)
        less = sum(each.held is not None and not each.quantity for each in sides)
        return self._crowded(account, market, more - less) if more > less else None

    def _crowded(self, account: UserAccount, market: TradedInstrument, more: int) -> Refusal | None:
        floor = self._floor
        most = floor.open_orders_max
        if len(account.orders) + more > most:
            return Refusal(Code.TOO_MANY_OPEN_ORDERS, f"a user may have {most} open orders")
        if floor.accounting is None:
            return None
        assert isinstance(account, FundedAccount)
        return floor.accounting.crowded(account, market, more)

    def _change(self, account: UserAccount, market: TradedInstrument, name: str, sides: tuple[_Wanted, ...]) -> None:
        """Do what was asked for: what leaves goes first, so that no side meets the other of before."""
        for wanted in sides:
            if wanted.held is not None and not wanted.stays and not wanted.shrinks:
                self._floor.end(account, wanted.held, Code.BY_USER)
        for wanted in sides:
            if wanted.shrinks:
                self._shrink(account, market, wanted)
            elif wanted.arrives:
                self._arrive(account, market, wanted, _name_of(name, wanted.side))
        if self._floor.company.watches_fills:  # what one side traded may forbid the other
            self._floor.rule_desk.end_forbidden(account, market.symbol)

    def _shrink(self, account: UserAccount, market: TradedInstrument, wanted: _Wanted) -> None:
        order = wanted.held
        assert order is not None
        filled = order.quantity - order.remaining
        account.changing(order, market)
        happened = market.book.replace(order.order_id, order.price, filled + wanted.quantity)
        account.changed(order, market, rests=True)
        self._floor.tell(market, happened)
        self._floor.touch(market)

    def _arrive(self, account: UserAccount, market: TradedInstrument, wanted: _Wanted, name: str) -> None:
        floor, book = self._floor, market.book
        floor.last_order_id += 1
        order = _order(floor.last_order_id, account.user, wanted, name)
        happened = book.place(order, account.orders, self._met_left, 0, self._floor.worst_price(market, order.side))
        self._met_left -= min(self._met_left, len(happened))
        rests = order.order_id in book.orders
        account.opened(order, market, rests=rests)
        floor.execution(account, ExecutionEvent.ACCEPTED, order, wanted.quantity)
        floor.tell(market, happened)
        floor.touch(market)
        if rests:
            floor.presence.see(account.user)


def open_quotes(account: UserAccount) -> list[Order]:
    """Return a user's orders that are quotes, the oldest first; O(the user's orders)."""
    return [order for order in account.orders.values() if order.time_in_force is _QUOTE]


def _order(order_id: int, user: str, wanted: _Wanted, name: str) -> Order:
    oldest = SelfTradePrevention.CANCEL_OLDEST
    return Order(
        order_id,
        user,
        wanted.side,
        wanted.price,
        wanted.quantity,
        OrderKind.LIMIT,
        _QUOTE,
        self_trade_prevention=oldest,
        client_order_id=name,
    )


def _as_replaced(account: UserAccount, market: TradedInstrument, wanted: _Wanted) -> Order:
    """Return an order as if the one that stands were replaced by what is wanted; without one, as if by a first."""
    held = wanted.held
    order = _order(held.order_id if held is not None else 0, account.user, wanted, "")
    order.instrument = market.symbol
    if held is not None:
        order.price, order.quantity, order.remaining = held.price, held.remaining, held.remaining
        if isinstance(account, FundedAccount):
            order.holding, order.reserved = held.holding, held.reserved
    return order


def _overflow(market: TradedInstrument, wanted: _Wanted) -> Refusal | None:
    """Return why a level could not take the lots; the book itself would say so when the old order is gone."""
    book = market.book
    level = (book.bids if wanted.side is Side.BID else book.asks).levels.get(wanted.price)
    if level is None or wanted.shrinks:
        return None
    held = wanted.held
    others = level.quantity - (held.remaining if held is not None and held.price == wanted.price else 0)
    if others + wanted.quantity <= LEVEL_QUANTITY_MAX:
        return None
    rule = f"all orders at one price hold at most {LEVEL_QUANTITY_MAX} lots, those at {wanted.price} ticks would hold"
    return Refusal(Code.QUANTITY_OUT_OF_RANGE, f"quantity: {rule} more")


def _form_fault(pair: QuotedPair) -> str | None:
    """Return what is wrong with a pair by itself, or None."""
    for side, price, quantity in (("bid", pair.bid, pair.bid_quantity), ("ask", pair.ask, pair.ask_quantity)):
        if quantity and not price:
            return f"{side}: {quantity:,} lots need a price"
    if pair.bid_quantity and pair.ask_quantity and pair.bid >= pair.ask:
        return f"quote: the bid {pair.bid:,} is not below the ask {pair.ask:,}"
    return None


def _name_of(name: str, side: Side) -> str:
    return name + ("b" if side is Side.BID else "a")


def _of_side(side: Side, text: str) -> str:
    """Name the field of the pair where the door names that of an order."""
    if text.startswith("price:"):
        return side + text.removeprefix("price")
    return f"{side}_{text}" if text.startswith("quantity:") else text


def _offers(command: MassQuote) -> bool:
    return any(pair.bid_quantity or pair.ask_quantity for pair in command.pairs)

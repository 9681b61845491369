"""What accounts must be, computed the slow way from the commands and from what the engine told: an oracle.

It knows the rules of accounts and limits, and nothing of how the engine keeps them: free money is summed over the open
orders each time, limits are looked for in a list. It judges each answer to a command, and each fill.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

from openoutcry.wire.account import tick_value
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import PLAIN_EXECUTION, Execution
from openoutcry.wire.types import BANK, ISSUER, Code, ExecutionEvent, OrderKind, Side
from shared.logs.commands import Command, PlaceOrder, PlaceSpecial, ReplaceOrder
from shared.logs.events import (
    AccountsBegun,  # noqa: F401
    Event,
    Outcome,
    PrivateExecution,
    PrivateTransfer,
)
from shared.logs.market_commands import Limits, MakeTransfer, SetGroups, SetLimits, SetTerms

SYSTEM = (BANK, ISSUER)


class NaiveAccounts:
    """All accounts of a market, as lists."""

    def __init__(self, listing: dict[str, Instrument]) -> None:
        self.listing = listing
        self.balances: Counter[tuple[str, str]] = Counter()
        """(user, asset) to millionths or lots."""
        self.orders: dict[int, tuple[str, Execution]] = {}
        """Open orders as last told."""
        self.held_back: dict[tuple[str, str], list[tuple[int, int]]] = {}
        self.limits: list[tuple[str, str, str | None, Limits]] = []
        self.groups: dict[str, tuple[str, ...]] = {}
        self.terms: dict[str, tuple[int, int]] = {}
        self.last: dict[str, int] = {}

    def strictest(self, user: str, symbol: str, field: str) -> int | None:
        """The lowest of a user's limits of this name."""
        found = [
            getattr(limits, field)
            for of_user, of_group, of_symbol, limits in self.limits
            if (of_user == user or (not of_user and (not of_group or of_group in self.groups.get(user, ()))))
            and of_symbol in (None, symbol)
        ]
        if field == "collar_bp":
            found.append(self.terms.get(symbol, (0, 0))[1] or None)
        return min((limit for limit in found if limit is not None), default=None)

    def open(self, user: str, symbol: str, side: Side) -> list[Execution]:
        return [
            order
            for owner, order in self.orders.values()
            if (owner, order.instrument, order.side) == (user, symbol, side)
        ]

    def free_cash(self, user: str, currency: str) -> int:
        reserved = sum(
            order.remaining * order.price * tick_value(self.listing[order.instrument])
            for symbol, instrument in self.listing.items()
            if instrument.currency == currency
            for order in self.open(user, symbol, Side.BID)
        )
        return self.balances[user, currency] - reserved

    def free_lots(self, user: str, symbol: str, time_us: int) -> int:
        reserved = sum(order.remaining for order in self.open(user, symbol, Side.ASK))
        later = sum(lots for until, lots in self.held_back.get((user, symbol), []) if until > time_us)
        return self.balances[user, symbol] - reserved - later + (self.strictest(user, symbol, "may_short") or 0)

    def reference(self, symbol: str) -> int:
        return self.last.get(symbol) or self.terms.get(symbol, (0, 0))[0]

    def is_within_collar(self, user: str, symbol: str, price: int) -> bool:
        reference, bp = self.reference(symbol), self.strictest(user, symbol, "collar_bp")
        if not reference or bp is None:
            return True
        return Fraction(abs(price - reference), reference) <= Fraction(bp, 10_000)

    def expected(self, command: Command, time_us: int) -> Code | None:
        """Return the refusal of an order or replace by its account's limits and holdings alone, OK if none."""
        self.orders = {key: row for key, row in self.orders.items() if not _has_ended(row[1], time_us)}
        if isinstance(command, PlaceSpecial) and command.trigger and command.kind is OrderKind.MARKET:
            bp = command.protection_bp or 500
            price = command.trigger * (10_000 + bp) // 10_000
            if command.side is Side.ASK:
                price = max(-(-command.trigger * (10_000 - bp) // 10_000), 1)
            price = min(price, self.listing[command.instrument].price_max)
            return self._judged(command.user, command.instrument, command.side, price, command.quantity, time_us, None)
        if isinstance(command, PlaceOrder | PlaceSpecial):
            price = command.price if command.kind is OrderKind.LIMIT else None
            return self._judged(command.user, command.instrument, command.side, price, command.quantity, time_us, None)
        if isinstance(command, ReplaceOrder):
            order = self._named(command)
            if order is None:
                return None
            price = order.price if command.price is None else command.price
            quantity = order.quantity if command.quantity is None else command.quantity
            if price == order.price and quantity <= order.quantity:
                return Code.OK  # less of an order, or as much, needs nothing and breaks no limit
            return self._judged(command.user, order.instrument, order.side, price, quantity, time_us, order)
        return None

    def _named(self, command: ReplaceOrder) -> Execution | None:
        for owner, order in self.orders.values():
            if owner == command.user and (
                order.order_id == command.order_id
                or (not command.order_id and order.client_order_id == command.client_order_id)
            ):
                return order
        return None

    def _judged(  # noqa: PLR0911 - one a rule
        self, user: str, symbol: str, side: Side, price: int | None, quantity: int, time_us: int, old: Execution | None
    ) -> Code | None:
        filled = old.quantity - old.remaining if old is not None else 0
        wanted = quantity - filled
        if wanted <= 0:
            return Code.OK
        value = tick_value(self.listing[symbol])
        if quantity > (self.strictest(user, symbol, "order_quantity_max") or 10**30):
            return Code.QUANTITY_OUT_OF_RANGE
        worth = self._price_of_worth(symbol, side, price) * quantity * value
        if worth > (self.strictest(user, symbol, "order_value_max") or 10**30):
            return Code.ORDER_VALUE
        if price is None and side is Side.BID and self.strictest(user, symbol, "order_value_max") is not None:
            return None  # what it would pay, the book knows
        if price is not None and not self.is_within_collar(user, symbol, price):
            return Code.COLLAR
        most = self.strictest(user, symbol, "position_max")
        if side is Side.BID and most is not None:
            bid = sum(order.remaining for order in self.open(user, symbol, Side.BID)) - (old.remaining if old else 0)
            if self.balances[user, symbol] + bid + wanted > most:
                return Code.POSITION_LIMIT
        if side is Side.ASK:
            free = self.free_lots(user, symbol, time_us) + (old.remaining if old else 0)
            return Code.OK if wanted <= free else Code.INSUFFICIENT_HOLDINGS
        if price is None:
            return None  # what it would pay, the book knows
        free = self.free_cash(user, self.listing[symbol].currency) + (old.remaining * old.price * value if old else 0)
        return Code.OK if wanted * price * value <= free else Code.INSUFFICIENT_CASH

    def _price_of_worth(self, symbol: str, side: Side, price: int | None) -> int:
        """A bid at its limit, an ask at the reference if that is more, a market ask at the best bid too."""
        if side is Side.BID:
            return self.reference(symbol) if price is None else price
        bids = [
            order.price for _, order in self.orders.values() if (order.instrument, order.side) == (symbol, Side.BID)
        ]
        return max(self.reference(symbol), price or 0, *(bids if price is None else []))

    def note(self, command: Command, events: list[Event], time_us: int) -> None:
        """Take what a command did, as its events tell it, and judge it."""
        outcome = events[-1]
        assert isinstance(outcome, Outcome)
        if outcome.code is Code.OK:
            self._note_rules(command)
        for event in events:
            if isinstance(event, PrivateExecution):
                self._note_execution(event.user, event.execution)
            elif isinstance(event, PrivateTransfer):
                assert isinstance(command, MakeTransfer)
                amount = command.amount if event.transfer.amount[0] != "-" else -command.amount
                self.balances[event.user, command.asset] += amount
                if command.available_from and amount > 0:
                    parts = self.held_back.setdefault((event.user, command.asset), [])
                    parts.append((command.available_from, amount))
                elif amount < 0 and command.asset in self.listing:
                    self._take_latest(event.user, command.asset, -amount, time_us)
        for execution in [event.execution for event in events if isinstance(event, PrivateExecution)]:
            if execution.event is ExecutionEvent.FILLED:
                self.last[execution.instrument] = execution.fill_price
        self.check()

    def _take_latest(self, user: str, symbol: str, lots: int, time_us: int) -> None:
        parts = sorted(part for part in self.held_back.get((user, symbol), []))
        while lots and parts:
            until, held = parts.pop()
            if until > time_us and held > lots:
                parts.append((until, held - lots))
            lots -= min(lots, held) if until > time_us else 0
        self.held_back[user, symbol] = parts

    def _note_rules(self, command: Command) -> None:
        if isinstance(command, SetLimits):
            key = (command.user, command.group, command.instrument)
            self.limits = [row for row in self.limits if row[:3] != key]
            self.limits.append((*key, command.limits))
        elif isinstance(command, SetGroups):
            self.groups[command.user] = command.groups
        elif isinstance(command, SetTerms):
            self.terms[command.instrument] = (command.reference, command.collar_bp)

    def _note_execution(self, user: str, execution: Execution) -> None:
        if execution.event is ExecutionEvent.REJECTED:
            return
        if execution.event is ExecutionEvent.FILLED:
            sign = 1 if execution.side is Side.BID else -1
            instrument = self.listing[execution.instrument]
            lots = sign * execution.fill_quantity
            self.balances[user, execution.instrument] += lots
            self.balances[user, instrument.currency] -= lots * execution.fill_price * tick_value(instrument)
        if execution.remaining:
            self.orders[execution.order_id] = (user, execution)
        else:
            self.orders.pop(execution.order_id, None)

    def check(self) -> None:
        """Nobody owes anything, nothing came from nowhere."""
        sums: Counter[str] = Counter()
        for (user, asset), amount in self.balances.items():
            sums[asset] += amount
            if user not in SYSTEM and asset not in self.listing:
                assert amount >= 0, (user, asset, amount)
                assert self.free_cash(user, asset) >= 0, (user, asset)
        assert not any(sums.values()), sums


def _has_ended(order: Execution, time_us: int) -> bool:
    """Whether an order's time is over; of one that is not special the engine tells no end."""
    return len(order) > PLAIN_EXECUTION and 0 < order.expires_at <= time_us

"""A user's private state, replicated like a book: a snapshot, then executions numbered by `user_seq`.

The same rule serves gateways and clients: an execution at or below the number held is ignored, the next one is
applied, anything later is a gap.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Final

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Account, Execution, OpenOrder
from openoutcry.wire.sequence import Verdict, classify
from openoutcry.wire.types import ExecutionEvent, Side

MILLIONTHS: Final = 1_000_000
TICK_SIZES_MAX: Final = 1024
"""Tick sizes whose value is remembered; others are read again each time."""
_BID, _FILLED, _REJECTED = Side.BID, ExecutionEvent.FILLED, ExecutionEvent.REJECTED
_new: Final = tuple.__new__  # without the checks of a named tuple's own constructor, and its call of Python


def tick_value(instrument: Instrument) -> int:
    """What one lot is worth at one tick, in millionths of the instrument's currency."""
    return _tick_millionths(instrument.tick_size) * instrument.lot_size


@lru_cache(TICK_SIZES_MAX)
def _tick_millionths(tick_size: str) -> int:
    return int(Decimal(tick_size) * MILLIONTHS)


def amount_text(amount: int) -> str:
    """Write millionths as decimal text of six places, exact whatever their size."""
    whole, part = divmod(abs(amount), MILLIONTHS)
    return f"{'-' if amount < 0 else ''}{whole}.{part:06}"


def millionths(text: str) -> int:
    """Read what `amount_text` wrote."""
    return int(text.replace(".", ""))


def cash_texts(cash: Mapping[str, int]) -> dict[str, str]:
    """Write a purse of millionths by currency as the protocol has it."""
    return {currency: amount_text(amount) for currency, amount in cash.items()}


def settle(
    positions: dict[str, int],
    cash: dict[str, int],
    instrument: Instrument,
    value: int,
    side: Side,
    price: int,
    quantity: int,
) -> None:
    """
    Move the lots of one fill one way and the money the other: the rule of engine, gateways and clients. O(1).

    Args:
        positions: Symbol to net lots.
        cash: Currency to the net of all trades in millionths.
        instrument: What was traded.
        value: Its `tick_value`.
        side: BID bought, ASK sold; as the wire has it will do.
        price: Of the trade, in ticks.
        quantity: Lots, from 1.
    """
    lots = quantity if side == _BID else -quantity
    symbol, currency = instrument.symbol, instrument.currency
    positions[symbol] = positions.get(symbol, 0) + lots
    cash[currency] = cash.get(currency, 0) - lots * price * value


def cost_after(lots: int, cost: int, bought: int, unit: int) -> tuple[int, int, int]:
    """
    Return lots, total cost and realised result of a holding after one fill: the rule of engine, gateways and clients.

    The cost is that of all lots together, never an average: who sells q of n lots takes `cost * q // n` of it, so the
    last sale takes all of the rest. Of lots sold short it is what they brought, negative.

    Args:
        lots: Held before; negative is short.
        cost: Of all of them, in millionths.
        bought: Lots bought, or (negative) sold; not 0.
        unit: What one of them cost, in millionths; 0 for a transfer, whose result is no sale's and does not count.
    """
    if lots * bought >= 0:
        return lots + bought, cost + bought * unit, 0
    held, moved = abs(lots), abs(bought)
    closing = min(held, moved)
    sign = 1 if bought > 0 else -1
    taken = cost * closing // held
    opened = sign * (moved - closing)
    return lots + bought, cost - taken + opened * unit, -sign * closing * unit - taken


class AccountBook:
    """
    One user's open orders, positions and cash, and whether the orders are cancelled when the user stays away.

    Args:
        listing: Definitions by symbol, shared and growing; fills need an instrument's currency and tick value.
    """

    __slots__ = ("_listing", "cancel_on_disconnect", "cash", "orders", "positions", "user_seq")

    def __init__(self, listing: Mapping[str, Instrument]) -> None:
        self._listing = listing
        self.user_seq = 0
        self.orders: dict[int, OpenOrder] = {}
        self.positions: dict[str, int] = {}
        self.cash: dict[str, int] = {}
        """Currency to the net of all trades, in millionths; as large as it gets."""
        self.cancel_on_disconnect = False

    def load(self, account: Account) -> None:
        """Take a snapshot instead of all that is held."""
        self.user_seq = account.user_seq
        self.orders = {order.order_id: order for order in account.orders}
        self.positions = dict(account.positions)
        self.cash = {currency: millionths(amount) for currency, amount in account.cash.items()}
        self.cancel_on_disconnect = account.cancel_on_disconnect

    def apply(self, execution: Execution) -> Verdict:
        """Apply the next execution; O(1)."""
        user_seq, event = execution.user_seq, execution.event
        if user_seq != self.user_seq + 1:
            return classify(self.user_seq, user_seq - 1, user_seq)
        self.user_seq = user_seq
        if event == _FILLED:
            instrument = self._listing[execution.instrument]
            value = tick_value(instrument)
            price, quantity = execution.fill_price, execution.fill_quantity
            settle(self.positions, self.cash, instrument, value, execution.side, price, quantity)
        if event == _REJECTED:
            pass  # It never was an order; an order that stands may have the same client's id.
        elif execution.remaining == 0:
            self.orders.pop(execution.order_id, None)
        else:
            self.orders[execution.order_id] = _new(OpenOrder, execution[3:12] + execution[17:20])
        return Verdict.APPLY

    def account(self) -> Account:
        """Return the state as a message; O(open orders)."""
        orders, cash = list(self.orders.values()), cash_texts(self.cash)
        return Account(self.user_seq, orders, dict(self.positions), cash, self.cancel_on_disconnect)

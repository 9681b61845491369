"""An account that holds what it promises: purses, holdings, and what open orders reserve of both.

Owns the arithmetic of one account. Whether an order may stand is asked before, of `Accounting`. Money counts in
millionths and holdings in lots, integers only. Invariants, between two commands: what is reserved is the sum over the
open orders; a user's purse holds at least what is reserved, and so does a holding, unless its user may sell short.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from operator import itemgetter
from typing import Final

from openoutcry.wire.account import amount_text, cost_after
from openoutcry.wire.messages import Account
from openoutcry.wire.types import Liquidity, Side
from services.matching.accounts.account import UserAccount
from services.matching.accounts.gate import Gate
from services.matching.book.order import Order
from services.matching.traded_instrument import TradedInstrument

RESTRICTED_MAX: Final = 400
"""Parts of one holding that become free at different times: more than a year of trading days."""
NOT_COMPILED: Final = Gate((), (), 0, 1, version=-1)
"""Of a holding that has no gate yet, or whose user's groups have changed; no limits have such a version."""
_UNTIL: Final = itemgetter(0)
_BID: Final = Side.BID
_TAKER: Final = Liquidity.TAKER


class HoldingCount:
    """Holdings of all accounts together, so that they have a bound."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held = 0


class Purse:
    """A user's money in one currency, in millionths."""

    __slots__ = ("amount", "reserved", "result")

    def __init__(self, amount: int = 0, result: int = 0) -> None:
        self.amount = amount
        self.reserved = 0
        """What the open bids would cost at their limits."""
        self.result = result
        """Realised by all sales: what they brought less what the lots had cost."""


class Holding:
    """
    A user's lots of one instrument.

    Args:
        purse: The user's money in the instrument's currency.
        lots: Held; negative is short.
        cost: Of all of them, in millionths.
        restricted: What cannot be sold yet.
    """

    __slots__ = ("buying", "cost", "gate", "lots", "orders", "purse", "reserved", "restricted")

    def __init__(
        self, purse: Purse, lots: int = 0, cost: int = 0, restricted: list[tuple[int, str, int]] | None = None
    ) -> None:
        self.purse = purse
        self.gate = NOT_COMPILED
        """The user's limits here, compiled; shared by all users with the same ones. Void if the limits have another
        version."""
        self.lots = lots
        self.cost = cost
        """Of all lots together, in millionths, never an average; see `openoutcry.wire.account.cost_after`."""
        self.restricted = restricted or []
        """(until in µs, why, lots), ascending, at most RESTRICTED_MAX: what cannot be sold before. Those whose time is
        over are dropped when somebody asks."""
        self.reserved = 0
        """Lots of the open asks."""
        self.buying = 0
        """Lots of the open bids."""
        self.orders = 0
        """Open orders, and the one that is being carried out."""

    def held_back(self, time_us: int) -> int:
        """Return the lots that cannot be sold yet; O(parts)."""
        restricted = self.restricted
        while restricted and restricted[0][0] <= time_us:
            restricted.pop(0)
        return sum([lots for _, _, lots in restricted])

    def dates(self, time_us: int) -> int:
        """Return how many parts cannot be sold yet; O(log parts)."""
        return len(self.restricted) - bisect_right(self.restricted, time_us, key=_UNTIL)

    def waits_until(self, until_us: int) -> bool:
        """Tell whether a part becomes free just then; O(log parts)."""
        n = bisect_left(self.restricted, until_us, key=_UNTIL)
        return n < len(self.restricted) and self.restricted[n][0] == until_us

    def restrict(self, until_us: int, why: str, lots: int) -> None:
        """Hold so many lots back until then; O(parts)."""
        n = bisect_left(self.restricted, (until_us, why))
        if n < len(self.restricted) and self.restricted[n][:2] == (until_us, why):
            lots += self.restricted.pop(n)[2]
        self.restricted.insert(n, (until_us, why, lots))

    def release_latest(self, lots: int) -> None:
        """Take lots out of what is held back longest, as far as there are some; O(parts)."""
        while lots and self.restricted:
            until, why, held = self.restricted.pop()
            if held > lots:
                self.restricted.append((until, why, held - lots))
            lots -= min(lots, held)

    def is_empty(self) -> bool:
        """Tell whether nothing would be lost without it."""
        return not (self.lots or self.orders or self.cost or self.restricted)


class FundedAccount(UserAccount):
    """
    One user, or a system account, of a market that keeps accounts.

    Args:
        user: As `UserAccount`; `~bank` and `~issuer` may be below 0.
        count: Of the market's holdings.
    """

    __slots__ = ("_count", "groups", "holdings", "purses", "rate_left", "rate_time")

    def __init__(self, user: str, count: HoldingCount) -> None:
        super().__init__(user)
        self._count = count
        self.purses: dict[str, Purse] = {}
        """By currency."""
        self.holdings: dict[str, Holding] = {}
        """By symbol; none of them is empty, but for those of orders that are being carried out."""
        self.groups: tuple[str, ...] = ()
        """In order of name."""
        self.rate_left = 0
        """Millionths of messages that the user may still send at `rate_time`, µs."""
        self.rate_time = 0

    # An order's way.

    def opened(self, order: Order, market: TradedInstrument, rests: bool) -> None:  # noqa: FBT001 - as `UserAccount`
        """Reserve what a resting order may still need."""
        order.holding = holding = self.holdings.get(market.symbol) or self.holding(market)
        holding.orders += 1  # resting or not: an order of the same user that ends meanwhile must not drop the holding
        if rests:
            self.orders[order.order_id] = self.client_order_ids[order.client_order_id] = order
            # `_reserve`, written out, since every order that rests comes here.
            remaining = order.remaining
            if order.side is _BID:
                order.reserved = reserved = remaining * (order.price or order.bound) * market.tick_value
                holding.purse.reserved += reserved
                holding.buying += remaining
            else:
                order.reserved = remaining
                holding.reserved += remaining
        else:
            order.reserved = 0

    def filled(self, order: Order, market: TradedInstrument, price: int, quantity: int, liquidity: Liquidity) -> None:
        """Move lots and money; of an order that was no taker, out of what it had reserved at its limit."""
        unit = price * market.tick_value
        holding: Holding = order.holding
        purse = holding.purse
        lots = holding.lots
        if order.side is _BID:
            if liquidity is not _TAKER:
                released = quantity * (order.price or order.bound) * market.tick_value
                purse.reserved -= released
                order.reserved -= released
                holding.buying -= quantity
            purse.amount -= quantity * unit
            if lots >= 0:
                holding.lots = lots + quantity
                holding.cost += quantity * unit
                return
            quantity = -quantity
        else:
            if liquidity is not _TAKER:
                holding.reserved -= quantity
                order.reserved -= quantity
            purse.amount += quantity * unit
            if lots >= quantity:
                taken = holding.cost * quantity // lots
                holding.cost -= taken
                holding.lots = lots - quantity
                purse.result += quantity * unit - taken
                return
        holding.lots, holding.cost, result = cost_after(lots, holding.cost, -quantity, unit)
        purse.result += result

    def changing(self, order: Order, market: TradedInstrument) -> None:  # noqa: ARG002 - as `UserAccount`
        """Release what the order has reserved, before its price and quantity change."""
        _release(order)

    def changed(self, order: Order, market: TradedInstrument, *, rests: bool) -> None:
        """Reserve what the order needs as it stands now."""
        if rests:
            _reserve(order, market)

    def closed(self, order: Order, market: TradedInstrument) -> None:
        """Release what the order did not use."""
        holding: Holding = order.holding
        holding.orders -= 1
        if self.orders.pop(order.order_id, None) is not None:
            del self.client_order_ids[order.client_order_id]
            reserved = order.reserved
            if reserved:  # `_release`, written out
                order.reserved = 0
                if order.side is _BID:
                    holding.purse.reserved -= reserved
                    holding.buying -= order.remaining
                else:
                    holding.reserved -= reserved
        if not holding.lots and holding.is_empty():
            self._drop(market.symbol)

    # Transfers.

    def move_cash(self, currency: str, amount: int) -> int:
        """Add money, or (negative) take some that is free; returns what the purse holds then."""
        purse = self.purse(currency)
        purse.amount += amount
        return purse.amount

    def move_lots(self, market: TradedInstrument, lots: int, available_from: int, time_us: int) -> int:
        """Add lots that may be sold from then on (µs), or (negative) take some, those held back longest first."""
        holding = self.holding(market)
        holding.lots, holding.cost, _ = cost_after(holding.lots, holding.cost, lots, 0)
        holding.held_back(time_us)  # whose time is over gives way, so that those that wait have a bound
        if available_from and lots > 0:
            holding.restrict(available_from, "vesting", lots)
        elif lots < 0:
            holding.release_latest(-lots)
        if holding.is_empty():
            self._drop(market.symbol)
        return holding.lots

    # Looking.

    def purse(self, currency: str) -> Purse:
        """Return the purse, a new one on first sight."""
        purse = self.purses.get(currency)
        if purse is None:
            purse = self.purses[currency] = Purse()
        return purse

    def holding(self, market: TradedInstrument) -> Holding:
        """Return the holding, a new one where there is none."""
        holding = self.holdings.get(market.symbol)
        if holding is None:
            holding = self.holdings[market.symbol] = Holding(self.purse(market.currency))
            self._count.held += 1
        return holding

    def free_cash(self, currency: str) -> int:
        """Return the money that is not reserved, in millionths."""
        purse = self.purses.get(currency)
        return purse.amount - purse.reserved if purse is not None else 0

    def message(self) -> Account:
        """Return the private snapshot; O(orders and holdings)."""
        plain = super().message()
        purses, holdings = self.purses.items(), self.holdings.items()
        return plain._replace(
            positions={symbol: held.lots for symbol, held in holdings},
            cash={currency: amount_text(purse.amount) for currency, purse in purses},
            holdings={
                symbol: [held.lots, held.reserved, _parts(held.restricted), amount_text(held.cost)]
                for symbol, held in holdings
            },
            reserved={currency: amount_text(purse.reserved) for currency, purse in purses},
            result={currency: amount_text(purse.result) for currency, purse in purses},
        )

    def _drop(self, symbol: str) -> None:
        del self.holdings[symbol]
        self._count.held -= 1


def _reserve(order: Order, market: TradedInstrument) -> None:
    holding: Holding = order.holding
    remaining = order.remaining
    if order.side is _BID:
        order.reserved = remaining * (order.price or order.bound) * market.tick_value
        holding.purse.reserved += order.reserved
        holding.buying += remaining
    else:
        order.reserved = remaining
        holding.reserved += remaining


def _release(order: Order) -> None:
    holding: Holding = order.holding
    if order.side is _BID:
        holding.purse.reserved -= order.reserved
        holding.buying -= order.remaining
    else:
        holding.reserved -= order.reserved
    order.reserved = 0


def _parts(restricted: list[tuple[int, str, int]]) -> list[list[int | str]]:
    return [[until, lots, why] for until, why, lots in restricted] if restricted else []

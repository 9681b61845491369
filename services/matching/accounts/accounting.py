"""The accounts of a market as a whole: what an order needs, what it may be, and what a transfer needs.

Owns the checks that need an account's holdings or its limits. Every amount leaves one account and reaches another,
`~bank` and `~issuer` included, so for each asset the sum over all accounts is 0, always. Leaves to the engine the order
of checks, and the ending of orders.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from itertools import islice
from typing import Final

from openoutcry.wire.types import AMOUNT_MAX, Code, OrderKind, Side, TimeInForce
from services.matching.accounts.account import UserAccount
from services.matching.accounts.funded_account import RESTRICTED_MAX, FundedAccount, HoldingCount
from services.matching.accounts.gate import NO_LIMIT, Gate
from services.matching.accounts.limits import LimitTable
from services.matching.accounts.transfers import SYSTEM_ACCOUNTS, TransferIds, transfer_fault
from services.matching.book.order import Order
from services.matching.money_text import lots_text, money_text, time_text
from services.matching.price_range import BASIS, collar
from services.matching.traded_instrument import Refusal, TradedInstrument
from shared.logs.market_commands import MakeTransfer

HOLDINGS_MAX: Final = 500_000
"""Holdings of a shard; an order or transfer that needs another is refused."""
_QUOTE: Final = TimeInForce.QUOTE
_BID: Final = Side.BID
_MARKET: Final = OrderKind.MARKET
_AUCTION: Final = TimeInForce.AUCTION
_MILLION: Final = 1_000_000


class Accounting:
    """All that a market with accounts knows beside the accounts themselves."""

    def __init__(self) -> None:
        self.holdings = HoldingCount()
        self.limits = LimitTable()
        self.transfers = TransferIds()
        self._currencies: dict[str, None] = {}
        self._listed = 0

    def currencies(self, instruments: Mapping[str, TradedInstrument]) -> Mapping[str, None]:
        """Return the currencies of what is listed; a fraction of O(instruments), since what is listed stays."""
        for market in islice(instruments.values(), self._listed, None):
            self._currencies[market.instrument.currency] = None
        self._listed = len(instruments)
        return self._currencies

    def account(self, user: str) -> FundedAccount:
        """Return a new account of this market."""
        return FundedAccount(user, self.holdings)

    # What an order may be.

    def is_fine(  # noqa: C901, PLR0911, PLR0912 - written out, since every order comes here
        self, account: FundedAccount, market: TradedInstrument, order: Order, price: int, quantity: int, time_us: int
    ) -> bool:
        """
        Tell whether a new order passes all that `forbidden` and `unaffordable` ask, which then need not be asked.

        False where one of them has something to say, or only perhaps. True counts the message. For most orders, in a
        fifth of the time. A market bid counts as one at the collar's end, which is the most that it may pay.
        """
        holding = account.holdings.get(market.symbol)
        if holding is None:
            return False
        gate = holding.gate
        if gate.version != self.limits.version:
            gate = holding.gate = self.limits.gate(account, market)
        reference = market.statistics.last or market.reference_price
        if reference != gate.reference:
            gate.refer(reference)
        if order.kind is _MARKET:
            if order.time_in_force is _AUCTION:
                return False
            price = max(gate.high, 1) if order.side is _BID else market.book.bids.best_price
            if price > gate.high:
                return False
        elif not gate.low <= price <= gate.high:
            return False
        if quantity > gate.sure_quantity_max and (
            quantity > gate.fast_quantity_max
            or price * quantity > gate.notional_max
            # Whatever an ask's limit says, it brings what the market pays.
            or (order.side is not _BID and reference * quantity > gate.notional_max)
        ):
            return False
        if gate.counts_orders and (
            len(account.orders) >= gate.open_orders_max or holding.orders >= gate.instrument_orders_max
        ):
            return False
        if order.side is _BID:
            purse = holding.purse
            if (
                price * quantity * market.tick_value > purse.amount - purse.reserved
                or holding.lots + holding.buying + quantity > gate.position_max
            ):
                return False
        elif quantity > holding.lots - holding.reserved or holding.restricted:
            return False
        if gate.is_rated:  # as `_takes_message`, written out
            left = account.rate_left + (time_us - account.rate_time) * gate.messages_per_second
            if left < _MILLION:
                return False
            if left > gate.burst:  # noqa: PLR1730 - `min` would cost as much as a holding's look-up
                left = gate.burst
            account.rate_left = left - _MILLION
            account.rate_time = time_us
        return True

    def forbidden(
        self,
        account: FundedAccount,
        market: TradedInstrument,
        order: Order,
        price: int,
        quantity: int,
        met_max: int,
    ) -> Refusal | None:
        """
        Return why an account's limits forbid an order like this, or None; of its rate see `hurried`.

        Args:
            account: Whose order it is.
            market: Where it would stand.
            order: A new one, or one that rests and would be changed.
            price: The price it would have, in ticks; 0 for a market order.
            quantity: Its whole quantity, in lots, what has been filled included.
            met_max: How many resting orders the order may meet.

        Cost: O(1); where there is a limit of value, a market bid as `unaffordable`.
        """
        gate = self.limits.gate(account, market)
        if quantity > gate.order_quantity_max:
            rule = f"quantity: one order of yours has at most {gate.order_quantity_max:,} lots, not {quantity:,}"
            return Refusal(Code.QUANTITY_OUT_OF_RANGE, rule)
        reference = market.reference_price
        if gate.order_value_max != NO_LIMIT:
            if order.kind is _MARKET:
                worth_ticks = self._market_worth(account, market, order, quantity, met_max)
            else:
                worth_ticks = quantity * (price if order.side is _BID else max(price, reference))
            value = worth_ticks * market.tick_value
            if value > gate.order_value_max:
                currency = market.instrument.currency
                worth, most = money_text(value, currency), money_text(gate.order_value_max)
                return Refusal(Code.ORDER_VALUE, f"quantity: the order is worth {worth}, one of yours at most {most}")
        refusal = _collared(gate, price, reference) if price and reference else None
        return refusal or _crowded(gate, account, market, order, quantity)

    def hurried(self, account: FundedAccount, market: TradedInstrument, time_us: int) -> Refusal | None:
        """Count a message, or return why there may be none now; O(1)."""
        return _hurried(self.limits.gate(account, market), account, time_us)

    def crowded(self, account: FundedAccount, market: TradedInstrument, more: int) -> Refusal | None:
        """Return why an account may not have so many more open orders, or None; O(1)."""
        return _too_many(self.limits.gate(account, market), account, market, more)

    def _market_worth(
        self, account: FundedAccount, market: TradedInstrument, order: Order, quantity: int, met_max: int
    ) -> int:
        """Return what a market order is worth, in lots times ticks: at the reference, or as it would trade if more."""
        reference = market.reference_price
        if market.is_call:
            return max(reference, market.auction_bound(order.side)) * quantity
        if order.side is _BID:
            cost = market.book.sweep_cost(order, met_max, self.bound(account, market, _BID))
            return max(reference * quantity, cost)
        return max(reference, market.book.bids.best_price) * quantity

    def unaffordable(  # noqa: PLR0911 - one a rule
        self,
        account: FundedAccount,
        market: TradedInstrument,
        order: Order,
        price: int,
        quantity: int,
        time_us: int,
        met_max: int,
    ) -> Refusal | None:
        """
        Return why an account cannot pay or deliver what an order promises, or None: it can.

        The arguments are those of `forbidden`.

        Cost: O(1); for a market bid see `OrderBook.sweep_cost`; for an ask O(parts held back).
        """
        symbol = market.instrument.symbol
        wanted = quantity - (order.quantity - order.remaining)  # of a new order: all of it
        released = order.reserved if order.order_id in account.orders else 0
        holding = account.holdings.get(symbol)
        if holding is None and self.holdings.held >= HOLDINGS_MAX:
            rule = f"instrument: the exchange keeps {HOLDINGS_MAX:,} holdings, and there is no room for another"
            return Refusal(Code.TOO_MANY_HOLDINGS, rule)
        if order.side is _BID:
            if order.kind is _MARKET and market.is_call:
                if not market.auction_bound(_BID):
                    return Refusal(Code.BAD_REQUEST, "price: a market bid needs a collar to reserve cash")
                cost = wanted * market.auction_bound(_BID) * market.tick_value
            elif order.kind is _MARKET:
                cost = market.book.sweep_cost(order, met_max, self.bound(account, market, _BID)) * market.tick_value
            else:
                cost = wanted * price * market.tick_value
            currency = market.instrument.currency
            free = account.free_cash(currency) + released
            if cost <= free:
                return None
            needs = f"quantity: needs {money_text(cost, currency)}, {money_text(max(free, 0))} are free"
            purse = account.purses.get(currency)
            reserved = purse.reserved - released if purse is not None else 0
            return Refusal(Code.INSUFFICIENT_CASH, needs + _because(reserved and money_text(reserved)))
        lots, reserved = (holding.lots, holding.reserved - released) if holding is not None else (0, 0)
        held_back = holding.held_back(time_us) if holding is not None and holding.restricted else 0
        free = lots - reserved - held_back
        if wanted <= free or (released and wanted <= order.remaining):  # less of what rests is always free
            return None
        may_short = self.limits.gate(account, market).may_short
        if wanted <= free + may_short:
            return None
        needs = f"quantity: needs {lots_text(wanted)}, {max(free + may_short, 0):,} are free"
        until = holding.restricted[-1][0] if holding is not None and held_back else 0
        return Refusal(Code.INSUFFICIENT_HOLDINGS, needs + _because(reserved and f"{reserved:,}", held_back, until))

    def bound(self, account: FundedAccount, market: TradedInstrument, side: Side) -> int:
        """Return the worst price of a market order, in ticks; 0: none. It takes no price beyond the collar."""
        gate = self.limits.gate(account, market)
        gate.refer(market.reference_price)
        if side is _BID:
            return max(gate.high, 1) if gate.high != NO_LIMIT else 0
        return gate.low

    # Transfers.

    def transfer_refusal(
        self,
        command: MakeTransfer,
        accounts: Mapping[str, UserAccount],
        instruments: Mapping[str, TradedInstrument],
        currencies: Container[str],
        time_us: int,
    ) -> Refusal | None:
        """Return why a transfer's own fields forbid it, or None; balances are asked for next. O(1)."""
        bad = transfer_fault(command, instruments, currencies)
        if bad is not None:
            return Refusal(Code.BAD_REQUEST, bad)
        if not 1 <= command.amount <= AMOUNT_MAX:
            return Refusal(Code.AMOUNT_OUT_OF_RANGE, f"amount: must be from 1 to {AMOUNT_MAX}, not {command.amount}")
        asset, is_lots = command.asset, command.asset in instruments
        if command.debit in SYSTEM_ACCOUNTS:
            # What one of the exchange's own gave, the other cannot give once more.
            givers = (command.debit,) if command.credit in SYSTEM_ACCOUNTS else SYSTEM_ACCOUNTS
            balance = sum(_balance(accounts.get(user), asset, is_lots=is_lots) for user in givers)
            if balance - command.amount < -AMOUNT_MAX:
                rule = f"all accounts together may have {AMOUNT_MAX} of {asset}, and have {-balance}"
                return Refusal(Code.AMOUNT_OUT_OF_RANGE, f"amount: {rule}")
        if is_lots:
            return self._lots_refusal(command, accounts, time_us)
        return None

    def _lots_refusal(self, command: MakeTransfer, accounts: Mapping[str, UserAccount], time_us: int) -> Refusal | None:
        credit = accounts.get(command.credit)
        holding = credit.holdings.get(command.asset) if isinstance(credit, FundedAccount) else None
        if holding is None and self.holdings.held + 1 >= HOLDINGS_MAX:  # and one of `~issuer`
            rule = f"asset: the exchange keeps {HOLDINGS_MAX:,} holdings, and there is no room for another"
            return Refusal(Code.TOO_MANY_HOLDINGS, rule)
        if command.available_from and holding is not None:
            dates = holding.dates(time_us)
            if dates >= RESTRICTED_MAX and not holding.waits_until(command.available_from):
                rule = f"available_from: {command.credit} waits for {dates} dates, the limit is {RESTRICTED_MAX}"
                return Refusal(Code.BAD_REQUEST, rule)
        return None

    def missing(self, command: MakeTransfer, account: FundedAccount, *, is_lots: bool) -> Refusal | None:
        """Return why the debited account cannot give so much now, or None: it can. Lots held back may be given."""
        if account.user in SYSTEM_ACCOUNTS:
            return None
        if is_lots:
            holding = account.holdings.get(command.asset)
            lots, reserved = (holding.lots, holding.reserved) if holding is not None else (0, 0)
            if command.amount <= lots - reserved:
                return None
            text = f"amount: needs {lots_text(command.amount)}, {max(lots - reserved, 0):,} are free"
            return Refusal(Code.INSUFFICIENT_HOLDINGS, text + _because(reserved and f"{reserved:,}"))
        currency = command.asset
        money = account.free_cash(currency)
        if command.amount <= money:
            return None
        purse = account.purses.get(currency)
        kept = purse.reserved if purse is not None else 0
        text = f"amount: needs {money_text(command.amount, currency)}, {money_text(max(money, 0))} are free"
        return Refusal(Code.INSUFFICIENT_CASH, text + _because(kept and money_text(kept)))

    def free(self, asset: str, account: FundedAccount, *, is_lots: bool) -> int:
        """Return what an account could give of an asset now; O(1)."""
        if not is_lots:
            return account.free_cash(asset)
        holding = account.holdings.get(asset)
        return holding.lots - holding.reserved if holding is not None else 0

    def reserving(
        self, asset: str, account: FundedAccount, instruments: Mapping[str, TradedInstrument], *, is_lots: bool
    ) -> list[Order]:
        """Return an account's open orders that reserve something of an asset, the oldest first; O(its orders)."""
        if is_lots:
            return [order for order in account.orders.values() if order.side is not _BID and order.instrument == asset]
        orders = [order for order in account.orders.values() if order.side is _BID]
        return [order for order in orders if instruments[order.instrument].instrument.currency == asset]

    def freed(
        self, asset: str, account: FundedAccount, instruments: Mapping[str, TradedInstrument], *, is_lots: bool
    ) -> int:
        """Return what an account could give of an asset if it had no open orders; O(its orders)."""
        reserved = sum(order.reserved for order in self.reserving(asset, account, instruments, is_lots=is_lots))
        return self.free(asset, account, is_lots=is_lots) + reserved

    def check_invariants(self, accounts: Iterable[UserAccount], markets: Mapping[str, TradedInstrument]) -> None:
        """Assert what must always hold of all accounts together; O(accounts, holdings and orders). For tests."""
        sums: dict[str, int] = {}
        held = 0
        for account in accounts:
            assert isinstance(account, FundedAccount)
            held += len(account.holdings)
            _check_reserved(account, markets)
            for symbol, holding in account.holdings.items():
                sums[symbol] = sums.get(symbol, 0) + holding.lots
                # A permission to sell short that is withdrawn leaves what was sold.
                assert account.user in SYSTEM_ACCOUNTS or holding.lots >= 0 or self.limits.has_allowed_short
                assert holding.lots or not holding.cost
                assert not holding.is_empty()
            for currency, purse in account.purses.items():
                sums[currency] = sums.get(currency, 0) + purse.amount
                assert account.user in SYSTEM_ACCOUNTS or 0 <= purse.reserved <= purse.amount
        assert not any(sums.values()), sums
        assert held == self.holdings.held


def _collared(gate: Gate, price: int, reference: int) -> Refusal | None:
    bp = gate.collar_bp
    if bp == NO_LIMIT or reference * (BASIS - bp) <= price * BASIS <= reference * (BASIS + bp):
        return None
    low, high = collar(reference, bp)
    where, limit = ("above", f"at most {high:,}") if price > reference else ("below", f"at least {low:,}")
    percent = f"{bp / 100:g}"
    rule = f"price: {price:,} is more than {percent} % {where} the reference {reference:,} ({limit})"
    return Refusal(Code.COLLAR, rule)


def _crowded(
    gate: Gate, account: FundedAccount, market: TradedInstrument, order: Order, quantity: int
) -> Refusal | None:
    """Return why the position may not grow so far, or no more orders may be open."""
    symbol = market.instrument.symbol
    holding = account.holdings.get(symbol)
    rests = order.order_id in account.orders
    if order.side is _BID and gate.position_max != NO_LIMIT:
        held, bid = (holding.lots, holding.buying) if holding is not None else (0, 0)
        others = bid - (order.remaining if rests else 0)
        wanted = quantity - (order.quantity - order.remaining)
        if held + others + wanted > gate.position_max:
            rule = f"quantity: {held:,} lots held, {others:,} bid and these {wanted:,} are more than"
            return Refusal(Code.POSITION_LIMIT, f"{rule} {gate.position_max:,}, which your position may be")
    if rests or not order.may_rest or order.time_in_force is _QUOTE:  # a quote's pair is counted as a whole
        return None
    return _too_many(gate, account, market, 1)


def _too_many(gate: Gate, account: FundedAccount, market: TradedInstrument, more: int) -> Refusal | None:
    symbol = market.instrument.symbol
    holding = account.holdings.get(symbol)
    if len(account.orders) + more > gate.open_orders_max:
        return Refusal(Code.TOO_MANY_OPEN_ORDERS, f"you may have {gate.open_orders_max:,} open orders")
    if gate.instrument_orders_max < (holding.orders if holding is not None else 0) + more:
        rule = f"you may have {gate.instrument_orders_max:,} open orders of {symbol}"
        return Refusal(Code.TOO_MANY_OPEN_ORDERS, rule)
    return None


def _hurried(gate: Gate, account: FundedAccount, time_us: int) -> Refusal | None:
    """Count a message, or return why there may be none now."""
    rate = gate.messages_per_second
    if rate == NO_LIMIT or _takes_message(account, rate, time_us):
        return None
    return Refusal(Code.RATE_LIMITED, f"you may send {rate:,} orders and replaces a second; cancels are free")


def _takes_message(account: FundedAccount, rate: int, time_us: int) -> bool:
    """Take one message out of a bucket that holds a second's worth, if there is one; integers only."""
    left = account.rate_left + (time_us - account.rate_time) * rate
    if left < _MILLION:
        return False
    most = rate * _MILLION
    account.rate_left = (min(most, left)) - _MILLION
    account.rate_time = time_us
    return True


def _because(reserved: str | int, held_back: int = 0, until_us: int = 0) -> str:
    reasons = [f"{reserved} reserved by open orders"] if reserved else []
    if held_back:
        reasons.append(f"{held_back:,} cannot be sold before {time_text(until_us)} at the latest")
    return f" ({', '.join(reasons)})" if reasons else ""


def _balance(account: UserAccount | None, asset: str, *, is_lots: bool) -> int:
    if not isinstance(account, FundedAccount):
        return 0
    if is_lots:
        holding = account.holdings.get(asset)
        return holding.lots if holding is not None else 0
    purse = account.purses.get(asset)
    return purse.amount if purse is not None else 0


def _check_reserved(account: FundedAccount, markets: Mapping[str, TradedInstrument]) -> None:
    cash: dict[str, int] = {}
    lots: dict[str, list[int]] = {}
    for order in account.orders.values():
        market = markets[order.instrument]
        asks, bids, count = lots.get(order.instrument, [0, 0, 0])
        if order.side is _BID:
            needs = order.remaining * (order.price or order.bound) * market.tick_value
            currency = market.instrument.currency
            cash[currency] = cash.get(currency, 0) + needs
            bids += order.remaining
        else:
            needs = order.remaining
            asks += needs
        assert order.reserved == needs
        lots[order.instrument] = [asks, bids, count + 1]
    for symbol, holding in account.holdings.items():
        assert [holding.reserved, holding.buying, holding.orders] == lots.pop(symbol, [0, 0, 0])
    for currency, purse in account.purses.items():
        assert purse.reserved == cash.pop(currency, 0)
    assert not lots
    assert not cash

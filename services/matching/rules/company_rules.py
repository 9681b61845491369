"""All that a company's rules say about one order, one fill and one resting order.

Owns the order of these checks. Leaves the tables to their owners, the ending of orders to `RuleDesk`, and accounts to
`Accounting`. Invariant: what it says of a user changes only with a rule, a kill, a clearance, the user's groups, or the
user's own trades; so what is compiled of it into a `Gate` holds until one of the first four changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from openoutcry.wire.types import Code, Side
from services.matching.accounts.account import UserAccount
from services.matching.accounts.funded_account import FundedAccount, Holding
from services.matching.accounts.gate import Closing, Gate
from services.matching.book.order import Order
from services.matching.money_text import day_text
from services.matching.rules.clearances import Clearance, Clearances, clearance_of
from services.matching.rules.kills import USER_SCOPE, Kills
from services.matching.rules.last_trades import LastTrades, held_until
from services.matching.rules.rule_book import CLOSING, RuleBook, closed_refusal, code_of, discreet_refusal, rule_of
from services.matching.rules.sold_shares import SoldShares
from services.matching.traded_instrument import Refusal
from shared.logs.rule_commands import Rule, RuleKind

VESTING: Final = "vesting"
HOLDING_PERIOD: Final = "holding_period"
"""Why lots are held back, as holdings say it."""
_BID: Final = Side.BID
_ASK: Final = Side.ASK
_OF_FILLS: Final = (RuleKind.HOLDING_PERIOD, RuleKind.SHORT_SWING, RuleKind.SELL_SHARE)
_TAKES_SLOW_PATH: Final = tuple(kind for kind in RuleKind if kind is not RuleKind.HOLDING_PERIOD)
"""A holding period forbids no order by itself: it holds lots back, which the account knows."""
_NOT_SET: Final[list[Any]] = [[], [], [], [], []]


class CompanyRules:
    """
    One shard's rules.

    Args:
        rows: As `rows` gave them.
    """

    __slots__ = (
        "clearances",
        "crossed",
        "is_asked",
        "kills",
        "last_trades",
        "rule_book",
        "sold_shares",
        "watches_fills",
    )

    def __init__(self, rows: Sequence[Any] = _NOT_SET) -> None:
        rules, kills, clearances, last_trades, sold = rows
        self.rule_book = RuleBook((rule_of(rule), is_in_force) for rule, is_in_force in rules)
        self.kills = Kills((scope, name, since, reason) for scope, name, since, reason in kills)
        self.clearances = Clearances((_clearance(clearance), used) for clearance, used in clearances)
        self.last_trades = LastTrades((user, symbol, bought, sold_) for user, symbol, bought, sold_ in last_trades)
        self.sold_shares = SoldShares((rule_id, user, symbol, *numbers) for rule_id, user, symbol, *numbers in sold)
        self.watches_fills = False
        """Whether `note_fill` is to be told of fills; while False it need not be called."""
        self.is_asked = False
        """Whether `refusal` may have something to say; while False it need not be called."""
        self.crossed: dict[tuple[str, str], None] = {}
        """(user, symbol) of whose own trades may have made resting orders forbidden, since `take_crossed`."""
        self.changed()

    def rows(self) -> tuple[Any, ...]:
        """Return what the constructor takes: rules, kills, clearances, last trades, shares sold."""
        tables = (self.rule_book, self.kills, self.clearances, self.last_trades, self.sold_shares)
        return tuple(table.rows() for table in tables)

    def is_empty(self) -> bool:
        """Tell whether nothing would be lost without it."""
        return not any(self.rows())

    def changed(self) -> None:
        """Take note that something was set, has begun or has ended."""
        self.is_asked = len(self.rule_book) + len(self.kills) + len(self.clearances) > 0
        self.watches_fills = len(self.clearances) > 0 or self.rule_book.has_kind(*_OF_FILLS)

    # What `Gate` is compiled from.

    def names(self, user: str) -> bool:
        """Tell whether something concerns this user by name, and not by groups."""
        return self.kills.has(USER_SCOPE, user)

    def closing(self, user: str, groups: Sequence[str], symbol: str) -> Closing:
        """Return what a user of these groups is under in an instrument; O(rules and groups)."""
        kill = self.kills.find(user, groups, symbol)
        rules = self.rule_book.concerning(groups, symbol)
        is_closing = kill is not None or any(rule.kind in _TAKES_SLOW_PATH for rule in rules)
        return Closing(kill.refusal() if kill is not None else None, rules, is_closing)

    # One order.

    def stop(self, account: UserAccount, symbol: str, order: Order) -> Refusal | None:
        """Return why an order is forbidden where nothing else is asked: by a kill, or by what it names; O(groups)."""
        if order.special is not None and order.special.clearance and not isinstance(account, FundedAccount):
            return Refusal(Code.CLEARANCE_INVALID, f"clearance: you have none of the name {order.special.clearance}")
        if not self.is_asked:
            return None
        groups = account.groups if isinstance(account, FundedAccount) else ()
        kill = self.kills.find(account.user, groups, symbol)
        return kill.refusal() if kill is not None else None

    def refusal(
        self, account: FundedAccount, symbol: str, gate: Gate, order: Order, wanted: int, time_us: int
    ) -> Refusal | None:
        """
        Return why rules forbid an order like this, or None. Nothing changes.

        Args:
            account: Whose order it is.
            symbol: Of the instrument.
            gate: What the user is under there.
            order: A new one, or one that rests and would be changed.
            wanted: Lots that may still be filled.
            time_us: Of the command.

        Cost: O(rules); with a clearance O(the user's open orders); for an ask O(parts held back).
        """
        return (
            gate.kill
            or self._closed(account, symbol, gate.rules, order, time_us)
            or self._uncleared(account, symbol, order, wanted, time_us)
            or _bought_lately(account, symbol, gate, order, wanted, time_us)
            or self._counted(account, symbol, gate.rules, order, wanted, time_us)
        )

    def _closed(
        self, account: FundedAccount, symbol: str, rules: Sequence[Rule], order: Order, time_us: int
    ) -> Refusal | None:
        for rule in rules:
            if rule.kind in CLOSING:
                return closed_refusal(rules, rule, account.groups, symbol, time_us)
            if rule.kind is RuleKind.CLEARANCE and not clearance_of(order):
                if rule.discreet:
                    return discreet_refusal(rule, symbol)
                text = f"clearance: trades of {symbol} need one (rule {rule.rule_id})"
                return Refusal(Code.CLEARANCE_REQUIRED, text, rule.rule_id)
        return None

    def _uncleared(
        self, account: FundedAccount, symbol: str, order: Order, wanted: int, time_us: int
    ) -> Refusal | None:
        if not clearance_of(order):
            return None
        return self.clearances.refusal(account, symbol, order, wanted, time_us)

    def _counted(
        self, account: FundedAccount, symbol: str, rules: Sequence[Rule], order: Order, wanted: int, time_us: int
    ) -> Refusal | None:
        for rule in rules:
            refused = self._counted_by(rule, account, symbol, order, wanted, time_us)
            if refused is not None:
                return discreet_refusal(rule, symbol) if rule.discreet else refused._replace(rule_id=rule.rule_id)
        return None

    def _counted_by(
        self, rule: Rule, account: FundedAccount, symbol: str, order: Order, wanted: int, time_us: int
    ) -> Refusal | None:
        if rule.kind is RuleKind.SHORT_SWING:
            return self.last_trades.refusal(account.user, symbol, order.side, rule.parameters.days, time_us)
        if rule.kind is not RuleKind.SELL_SHARE or order.side is not _ASK:
            return None
        own = order.remaining if order.order_id in account.orders else 0
        if own and wanted <= own:
            return None  # less of what rests fits already
        holding = account.holdings.get(symbol)
        offered = holding.reserved - own if holding is not None else 0
        vested = _vested(holding, time_us)
        return self.sold_shares.refusal(rule, account.user, symbol, vested, offered, wanted)

    def admitted(self, account: FundedAccount, symbol: str, rules: Sequence[Rule], order: Order, time_us: int) -> None:
        """Take an order that nothing forbids: a first ask under a rule of kind sell_share is remembered. O(rules)."""
        if order.side is _ASK:
            for rule in rules:
                if rule.kind is RuleKind.SELL_SHARE:
                    vested = _vested(account.holdings.get(symbol), time_us)
                    self.sold_shares.begin(rule, account.user, symbol, vested)

    # One fill.

    def note_fill(
        self, account: FundedAccount, rules: Sequence[Rule], order: Order, quantity: int, time_us: int
    ) -> int:
        """
        Take one fill, after the account has; O(rules), and O(parts held back).

        Args:
            account: Whose order it was.
            rules: What the user is under there, as `closing` gave it.
            order: Which was filled.
            quantity: Lots of this fill.
            time_us: Of the command.

        Returns:
            Until when the lots that it bought are held back, µs; 0: they are not.
        """
        clearance = clearance_of(order)
        if clearance:
            self.clearances.use(clearance, quantity)
        symbol = order.instrument
        days = 0
        for rule in rules:
            if rule.kind is RuleKind.HOLDING_PERIOD:
                days = max(days, rule.parameters.days)
            elif rule.kind is RuleKind.SHORT_SWING:
                self.last_trades.note(account.user, symbol, order.side, time_us)
                self.crossed[account.user, symbol] = None
            elif rule.kind is RuleKind.SELL_SHARE and order.side is _ASK:
                self.sold_shares.sell(rule, account.user, symbol, quantity)
        holding: Holding = order.holding
        if days and order.side is _BID and holding.lots > 0:
            until_us = held_until(time_us, days)
            holding.restrict(until_us, HOLDING_PERIOD, min(quantity, holding.lots))
            return until_us
        return 0

    def take_crossed(self) -> list[tuple[str, str]]:
        """Return `crossed`, which begins anew; whoever takes it ends the orders."""
        crossed, self.crossed = list(self.crossed), {}
        return crossed

    # Resting orders.

    def forbidden(
        self, account: UserAccount, symbol: str, closing: Closing, orders: Iterable[Order], time_us: int
    ) -> list[tuple[Order, Code]]:
        """
        Return which of a user's resting orders of one instrument may stand no longer, and why, if not all of them.

        Args:
            account: The user's.
            symbol: Of the instrument.
            closing: What the user is under there.
            orders: All of the user's orders there, in order of id.
            time_us: Of the moment.

        Cost: O(rules) each; with clearances O(the user's open orders) each.
        """
        if not closing.is_closing or not isinstance(account, FundedAccount):
            return []
        found: list[tuple[Order, Code]] = []
        offered: dict[str, int] = {}
        for order in orders:
            reason = self._ending(account, symbol, closing.rules, order, offered, time_us)
            if reason is not Code.OK:
                found.append((order, reason))
        return found

    def _ending(
        self,
        account: FundedAccount,
        symbol: str,
        rules: Sequence[Rule],
        order: Order,
        offered: dict[str, int],
        time_us: int,
    ) -> Code:
        """Return why one order may stand no longer, OK if it may; `offered` sums what may stand under each rule."""
        for rule in rules:
            if rule.kind is RuleKind.CLEARANCE and not clearance_of(order):
                return code_of(rule)
            if rule.kind is RuleKind.SHORT_SWING:
                days = rule.parameters.days
                if self.last_trades.free_from(account.user, symbol, order.side, days) > time_us:
                    return code_of(rule)
            if rule.kind is RuleKind.SELL_SHARE and order.side is _ASK:
                vested = _vested(account.holdings.get(symbol), time_us)
                self.sold_shares.begin(rule, account.user, symbol, vested)  # what rests is offered
                _, unsold = self.sold_shares.left(rule, account.user, symbol, vested)
                offers = offered.get(rule.rule_id, 0) + order.remaining
                if offers > unsold:
                    return code_of(rule)
                offered[rule.rule_id] = offers
        return Code.OK


def whole_reason(closing: Closing) -> Code:
    """Return why none of a user's orders of an instrument may stand, OK if some may. O(1)."""
    if closing.kill is not None:
        return Code.KILLED
    first = closing.rules[0] if closing.rules else None  # they are in the order of checks
    return code_of(first) if first is not None and first.kind in CLOSING else Code.OK


def _bought_lately(
    account: FundedAccount, symbol: str, gate: Gate, order: Order, wanted: int, time_us: int
) -> Refusal | None:
    """Return why lots that were bought too lately cannot be sold, if that alone forbids it."""
    holding = account.holdings.get(symbol)
    if order.side is not _ASK or holding is None or not holding.restricted:
        return None
    own = order.remaining if order.order_id in account.orders else 0
    held = holding.held_back(time_us)
    bought = sum([lots for _, why, lots in holding.restricted if why == HOLDING_PERIOD])
    free = holding.lots - (holding.reserved - own) - held + gate.may_short
    if wanted <= own or not free < wanted <= free + bought:
        return None
    until, may = day_text(holding.restricted[0][0]), max(free, 0)
    text = f"quantity: {held:,} of your {holding.lots:,} lots are held until {until} at least, {may:,} may be sold"
    rule_id = next((rule.rule_id for rule in gate.rules if rule.kind is RuleKind.HOLDING_PERIOD), "")
    return Refusal(Code.HOLDING_PERIOD, text, rule_id)


def _vested(holding: Holding | None, time_us: int) -> int:
    if holding is None:
        return 0
    waits = [lots for until, why, lots in holding.restricted if why == VESTING and until > time_us]
    return max(holding.lots - sum(waits), 0)


def _clearance(row: Sequence[Any]) -> Clearance:
    clearance_id, user, symbol, side, lots, from_us, until_us = row
    return Clearance(clearance_id, user, symbol, Side(side), lots, from_us, until_us)

"""The matching engine: a deterministic function from commands to events.

Owns the state of a shard: markets, accounts, the numbering of orders and commands, and the rules about users. Leaves
to others where commands come from and where events go. There is no clock, no chance and no iteration over a set: the
same commands give the same events, byte for byte, however they were batched. A command that the rules refuse is an
event, never an exception. Invariant: the state is what applying the commands from the first one gives.
"""

from __future__ import annotations

from typing import Final, assert_never

from openoutcry.wire.types import Code, ExecutionEvent, MarketState, OrderKind, TimeInForce
from services.matching.accounts.account import UserAccount
from services.matching.accounts.accounting import Accounting
from services.matching.accounts.administration import Administration
from services.matching.accounts.decisions import Decisions
from services.matching.accounts.funded_account import FundedAccount
from services.matching.accounts.outlook import (
    NO_ACCOUNTS,
    Outlook,
    beginning_refusal,
    listing_refusal,
    state_refusal,
    unknown_instrument,
)
from services.matching.accounts.setting_rows import SettingRows
from services.matching.accounts.transfers import SYSTEM_ACCOUNTS
from services.matching.book.book_event import BookRefusal, Cancelled
from services.matching.book.order import Order
from services.matching.book.special import Special
from services.matching.floor import EngineConfig
from services.matching.idempotency import WINDOW_S, Sources
from services.matching.options.exercises import Exercises
from services.matching.order_refusals import in_words, late_refusal, not_found
from services.matching.quotes import Quotes, open_quotes
from services.matching.rules.company_rules import CompanyRules
from services.matching.rules.rule_outlook import RuleOutlook
from services.matching.special_orders.special_rules import command_fault, moment_refusal, protection_price, special_of
from services.matching.timed_floor import TimedFloor
from services.matching.traded_instrument import Refusal, TradedInstrument
from shared.logs.commands import (
    ActionCommand,
    CancelAll,
    CancelOrder,
    Command,
    Confirm,
    ListInstrument,
    PassTime,
    PlaceOrder,
    PlaceSpecial,
    Present,
    Propose,
    ReadMarket,
    ReplaceOrder,
    SetCancelOnDisconnect,
    SetMarketState,
    Tick,
)
from shared.logs.engine_version import BeginVersion
from shared.logs.events import AccountsBegun, CancelOnDisconnectSet, Event, Outcome
from shared.logs.market_commands import BeginAccounts, EndOrders, MakeTransfer, SetGroups, SetLimits, SetTerms
from shared.logs.mass_quote import MassQuote
from shared.logs.option_commands import Exercise, SetSettlementPrice
from shared.logs.rule_commands import SetClearance, SetKill, SetRule
from shared.logs.session_commands import EndCall, SetSchedule

SIGN_AGE_TICKS: Final = 1
"""How old the newest sign of life of a user who leaves may be: gateways give one a second. It is added to the grace,
so that nobody who returns within the grace finds the orders gone."""
CANCELS_PER_TICK_MAX: Final = 1_000
"""Once a tick has cancelled so many orders of users who are away, the other users' go with the next ticks: when a
whole office loses its line, the market of all others is not to stand still. With one user's more, at most 2,000 orders
with the default limits, some 15 ms with their packet."""

_CODE_OK: Final = Code.OK
_OK: Final = Refusal(_CODE_OK, "")
# Looking a member up in its enumeration costs a tenth of a trade.
_MARKET: Final = OrderKind.MARKET
_GTC: Final = TimeInForce.GTC
_QUOTE: Final = TimeInForce.QUOTE
_AUCTION: Final = TimeInForce.AUCTION
_OPEN: Final = MarketState.OPEN
_IOC: Final = TimeInForce.IOC
_FOK: Final = TimeInForce.FOK
_SPECIAL_TIMES: Final = (TimeInForce.DAY, TimeInForce.GTD)
_BY_USER: Final = Code.BY_USER
_DISCONNECTED: Final = Code.DISCONNECTED
_NOT_OPEN: Final = Code.NOT_OPEN
_ACCEPTED: Final = ExecutionEvent.ACCEPTED
_REJECTED: Final = ExecutionEvent.REJECTED
_REPLACED: Final = ExecutionEvent.REPLACED
# A named tuple's own constructor is one more Python call; without it a command costs a tenth less.
_new: Final = tuple.__new__


class Engine(TimedFloor):
    """
    One shard's market.

    What could put lots into a book passes `_admit` first, all of it. What is due by the log's time happens before the
    next command, at its own time: so nothing trades at or after its end, whether or not a tick came.

    Args:
        config: Rules; a recovered engine keeps those of its checkpoint until its leader changes them.
    """

    # See `Floor`.
    __slots__ = (
        "_administration", "decisions", "epoch", "exercises", "log_id", "quotes", "sources", "version",
    )  # fmt: skip

    def __init__(self, config: EngineConfig | None = None) -> None:
        super().__init__(config)
        self.epoch = 0
        """Names this history; whoever leads sets it."""
        self.log_id = "0-0"
        """The command log is applied up to this entry, completely; the reader of the log sets it."""
        self.version = 0
        """Of the rules that hold; see `shared.logs.engine_version`. 0: the log is older than versions."""
        self.sources = Sources()
        self.quotes = Quotes(self, self._admit)
        self.decisions = Decisions(self._outlook, self._setting_rows, self._administer, self.rule_desk)
        self.phases.on_close.append(self.waiting.expire_day_orders)
        self.phases.on_unplanned.append(self.waiting.expire_days)
        self.waiting.permit = self._permit
        self.phases.before_day.append(self.waiting.expire_before)
        self.waiting.on_crowd = self.phases.interrupt
        self.exercises = Exercises(self, self.vault)
        self.lives.on_end.append(self.phases.leave)
        self.phases.on_close += (self.quotes.close, self.lives.closed)
        self._administration: Administration | None = None

    def apply(self, command: Command, time_us: int) -> list[Event]:
        """
        Apply one command, once.

        Args:
            command: The next of the log.
            time_us: Its log entry's time, µs since 1970.

        Returns:
            Everything that happened, in order, the command's `Outcome` last. Nothing if the command was applied
            before. Changes of books are not among them: `take_changed` says which books have some. What happened by
            itself since the command before comes first; it is the market's answer to the time.

        Cost: O(log levels), and O(1) per order met, 10 to 20 µs with its share of the packet, `orders_met_max` of them
        at most: 10 ms with the default. Fill-or-kill see `OrderBook.place`; CancelAll O(the user's orders); Present
        O(users named); Tick O(1), and O(orders) of the users who have just been away for too long, at most
        CANCELS_PER_TICK_MAX and one user's, and O(ids) that it forgets, at most `idempotency.FORGOTTEN_PER_TICK_MAX`.
        `python -m benchmarks.worst_commands` measures each.
        """
        if not self.sources.advance(command.source, command.number):
            return []
        self.position += 1
        events: list[Event] = []
        self.events = events
        if time_us >= self.timers.wake_us:
            if self.wake(command, time_us):
                events.append(self._refuse(command))
                return events
        elif time_us > self.time:
            self.time = time_us
        if type(command) is PlaceOrder:
            outcome = self._place(command)
        elif type(command) is CancelOrder:
            outcome = self._cancel(command)
        elif type(command) is ReplaceOrder:
            outcome = self._replace(command)
        else:
            outcome = self._carry_out(command)
        if self.electing:
            self.waiting.trigger_elected()
        events.append(outcome)
        return events

    def _carry_out(self, command: Command) -> Outcome:  # noqa: C901, PLR0911, PLR0912 - one a kind
        match command:
            case PlaceSpecial():
                return self._place_special(command)
            case CancelAll():
                return self._cancel_all(command)
            case Tick():
                return self._tick(command)
            case BeginVersion():
                self.version = max(self.version, command.version)
                return _outcome(command)
            case PassTime():
                self.heed_clock(command)
                return _outcome(command)
            case ListInstrument():
                return self._list(command)
            case SetMarketState():
                return self._set_state(command)
            case SetCancelOnDisconnect():
                return self._set_cancel_on_disconnect(command)
            case Present():
                self.presence.note(command.users, self.accounts)
                return _outcome(command)
            case Exercise():
                return _outcome(command, self.exercises.carry_out(command))
            case MassQuote():
                return _outcome(command, self.quotes.carry_out(command))
            case BeginAccounts() | MakeTransfer() | SetLimits() | SetGroups() | SetTerms() | EndOrders():
                return self._administer(command)
            case SetRule() | SetKill() | SetClearance() | SetSchedule() | EndCall() | SetSettlementPrice():
                outcome = self._administer(command)
                return outcome._replace(cancelled=outcome.cancelled + self.rule_desk.settle())
            case Propose() | Confirm() | ReadMarket():
                refusal, cancelled = self.decisions.decide(command, self.time, self.events)
                return _outcome(command, refusal, cancelled=cancelled)
            case PlaceOrder() | CancelOrder() | ReplaceOrder():
                raise AssertionError(command)
            case _:
                assert_never(command)

    def begin_epoch(self, epoch: int) -> None:
        """Begin another history: more may have been published of the one before than is known here. O(instruments)."""
        self.epoch = epoch
        for market in self.instruments.values():
            market.epoch_trade_id = market.book.trade_id

    def keep_accounts(self, accounting: Accounting) -> None:
        """Keep accounts from now on; before the first account is made."""
        self.accounting = accounting
        accounting.limits.closings = self.company
        self._administration = Administration(
            accounting, self.accounts, self.instruments, self.account, self.end, self.phases.terms_set
        )

    def obey(self, company: CompanyRules) -> None:
        """Have other rules, before the next command."""
        self.company = company
        if self.accounting is not None:
            self.accounting.limits.closings = company
            self.accounting.limits.forget()

    def check_invariants(self) -> None:
        """Assert what must always hold; O(orders). For tests."""
        super().check_invariants()
        resting = {key: order for account in self.accounts.values() for key, order in account.orders.items()}
        self.waiting.check_invariants(resting)
        self.decisions.proposals.check_invariants()
        self.rule_desk.check_invariants()

    # One method a command.

    def _refuse(self, command: Command) -> Outcome:
        """Refuse what could trade, since not all has happened yet that is due."""
        if isinstance(command, PlaceOrder):
            return self._place(command, None, late_refusal(command.instrument))
        if isinstance(command, PlaceSpecial):
            plain = PlaceOrder._make(command[: len(PlaceOrder._fields)])
            return self._place(plain, None, late_refusal(command.instrument))
        if isinstance(command, ReplaceOrder):
            account, order = self._find(command)
            if account is None or order is None:
                return _outcome(command, not_found(command), command.order_id)
            return _outcome(command, late_refusal(order.instrument), order.order_id)
        symbol = command.pairs[0].instrument if isinstance(command, MassQuote) and command.pairs else ""
        return _outcome(command, late_refusal(getattr(command, "instrument", symbol)))

    def _place_special(self, command: PlaceSpecial) -> Outcome:
        """Make an order like others of one that asks more, and what is special about it."""
        order = PlaceOrder._make(command[: len(PlaceOrder._fields)])
        market = self.instruments.get(command.instrument)
        fault = command_fault(command, self.time)
        if fault is not None or market is None:
            return self._place(order, Special(), Refusal(Code.BAD_REQUEST, fault) if fault is not None else None)
        if command.trigger and command.kind is _MARKET and not command.price:
            order = order._replace(kind=OrderKind.LIMIT, price=protection_price(command, market))
        return self._place(order, special_of(command, market, self.time))

    def _place(  # noqa: PLR0912 - special orders go the same way
        self, command: PlaceOrder, special: Special | None = None, refused: Refusal | None = None
    ) -> Outcome:
        # Taken apart at once: naming the fields one by one takes twice as long.
        source, number, user, symbol, name, side, kind, price, quantity, time_in_force, post_only, prevention = command
        account = self.accounts.get(user) or self.account(user)
        # Before any other rule: no `rejected` may carry the name of an order that stands.
        if name in account.accepted_ids or name in account.client_order_ids:
            refusal = Refusal(Code.DUPLICATE_ORDER, f"client_order_id: {name} has been used before")
            return _outcome(command, refusal, account.first_order(name) or 0)
        order_id = self.last_order_id + 1
        order = Order(order_id, user, side, price, quantity, kind, time_in_force, post_only, prevention, name)
        if special is not None:
            order.special = special
        market = self.instruments.get(symbol)
        if market is None:
            return self._reject(command, account, order, unknown_instrument(symbol))
        refused = refused or self._admit(account, market, order, price, quantity)
        if refused is not None:
            return self._reject(command, account, order, refused)
        if special is not None and special.trigger:
            return self._park(command, account, market, order)
        book = market.book
        seq = book.seq
        bound = 0
        if kind is _MARKET and self.accounting is not None:
            assert isinstance(account, FundedAccount)
            bound = self.accounting.bound(account, market, side)
            if market.is_call:
                order.bound = market.auction_bound(side)
        band = self.worst_price(market, side) if market.has_band else 0
        if special is None or self._trades_minimum(account, market, order, bound, band):
            happened = book.place(order, account.orders, self.orders_met_max, bound, band)
        else:
            happened = [Cancelled(order, Code.NOT_FILLABLE)]
        if happened and type(happened[0]) is BookRefusal:
            return self._reject(command, account, order, in_words(happened[0], price, "post_only", "it"))
        self.last_order_id = order_id
        self.client_order_ids.add(account, name, order_id)
        rests = not happened or order_id in book.orders
        account.opened(order, market, rests)
        self.execution(account, _ACCEPTED, order, quantity)
        if happened:  # empty: nothing met it, and it rests whole
            self.tell(market, happened)
        if special is not None and self.is_open(order):
            self.waiting.take(order, market)
        if book.seq != seq:
            self.touch(market)
            if rests and account.cancel_on_disconnect:
                self.presence.see(user)  # back, and heard before a gateway could say so
        return _new(Outcome, (source, number, _CODE_OK, "", order_id, 0))

    def _trades_minimum(
        self, account: UserAccount, market: TradedInstrument, order: Order, bound: int, band: int
    ) -> bool:
        """Tell whether a special order may enter the book: it has no minimum, or would trade it. Its place is told."""
        order.instrument = market.symbol
        minimum = order.special.minimum if order.special is not None else 0
        met_max = self.orders_met_max
        return not minimum or market.book.can_trade(order, minimum, account.orders, met_max, bound, band)

    def _park(self, command: PlaceOrder, account: UserAccount, market: TradedInstrument, order: Order) -> Outcome:
        """Have a stop wait for its trigger: it is open, and in no book."""
        order.instrument = market.symbol
        self.last_order_id = order.order_id
        self.client_order_ids.add(account, order.client_order_id, order.order_id)
        account.opened(order, market, True)  # noqa: FBT003 - as above
        self.waiting.take(order, market)
        self.execution(account, _ACCEPTED, order, order.quantity)
        if account.cancel_on_disconnect:
            self.presence.see(account.user)
        return _outcome(command, order_id=order.order_id)

    def _cancel(self, command: CancelOrder) -> Outcome:
        account, order = self._find(command)
        if account is None or order is None:
            return _outcome(command, not_found(command), command.order_id)
        self.end(account, order, _BY_USER)
        return _new(Outcome, (command.source, command.number, _CODE_OK, "", order.order_id, 0))

    def _replace(self, command: ReplaceOrder) -> Outcome:
        account, order = self._find(command)
        if account is None or order is None:
            return _outcome(command, not_found(command), command.order_id)
        market = self.instruments[order.instrument]
        price = order.price if command.price is None else command.price
        quantity = order.quantity if command.quantity is None else command.quantity
        refusal = self._admit(account, market, order, price, quantity)
        if refusal is not None:
            return _outcome(command, refusal, order.order_id)
        if order.special is not None and order.special.trigger:
            account.changing(order, market)
            order.price, order.quantity, order.remaining = price, quantity, quantity
            account.changed(order, market, rests=True)
            self.execution(account, _REPLACED, order, quantity)
            return _outcome(command, order_id=order.order_id)
        seq = market.book.seq
        account.changing(order, market)
        band = self.worst_price(market, order.side)
        happened = market.book.replace(order.order_id, price, quantity, self.orders_met_max, account.orders, band)
        account.changed(order, market, rests=order.order_id in market.book.orders)
        if type(happened[0]) is BookRefusal:
            refusal = in_words(happened[0], price, "price", "the order is post-only, and it")
            return _outcome(command, refusal, order.order_id)
        self.tell(market, happened)
        if market.book.seq != seq:
            self.touch(market)
        return _new(Outcome, (command.source, command.number, _CODE_OK, "", order.order_id, 0))

    def _cancel_all(self, command: CancelAll) -> Outcome:
        if command.instrument is not None and command.instrument not in self.instruments:
            return _outcome(command, unknown_instrument(command.instrument))
        account = self.accounts.get(command.user)
        if account is None:
            return _outcome(command)
        return _outcome(command, cancelled=self.end_all(account, command.instrument, _BY_USER))

    def _tick(self, command: Tick) -> Outcome:
        self.heed_clock(command)
        presence, ticks_max = self.presence, self.config.cancel_grace_s + SIGN_AGE_TICKS
        presence.ticks += 1
        self.client_order_ids.tick(presence.ticks, self.time)
        cancelled = 0
        while cancelled < CANCELS_PER_TICK_MAX and (user := presence.take_absent(ticks_max)) is not None:
            account = self.accounts[user]
            if account.cancel_on_disconnect:
                cancelled += self.end_all(account, None, _DISCONNECTED)
            else:
                cancelled += self.quotes.end(account, _DISCONNECTED)
        return _outcome(command, cancelled=cancelled)

    def _list(self, command: ListInstrument) -> Outcome:
        currencies = None if self.accounting is None else self.accounting.currencies(self.instruments)
        refusal = listing_refusal(command, self.instruments, currencies, self.time)
        symbol = command.instrument.symbol
        if refusal is not None or symbol in self.instruments:
            return _outcome(command, refusal or _OK)
        market = self.instruments[symbol] = TradedInstrument(command.instrument)
        self.lives.listed(market)
        self.events.append(command.instrument)
        return _outcome(command)

    def _set_state(self, command: SetMarketState) -> Outcome:
        refusal = state_refusal(command, self.instruments)
        if refusal is not None:
            return _outcome(command, refusal)
        market = self.instruments[command.instrument]
        before = market.set_state
        market.set_state, market.set_reason = command.state, command.reason
        self.phases.state_set(market, before)
        return _outcome(command)

    def _set_cancel_on_disconnect(self, command: SetCancelOnDisconnect) -> Outcome:
        account = self.account(command.user)
        if command.on:
            self.presence.see(account.user)
        elif not open_quotes(account):
            self.presence.forget(account.user)
        if command.on is not account.cancel_on_disconnect:
            account.cancel_on_disconnect = command.on
            self.events.append(CancelOnDisconnectSet(account.user, command.on))
        return _outcome(command)

    # Administration.

    def _begin_accounts(self, command: BeginAccounts) -> Outcome:
        proposals, begun = self.decisions.proposals, self.accounting is not None
        refusal = beginning_refusal(
            command, self.instruments, self.accounts, begun=begun, four_eyes=proposals.four_eyes
        )
        if refusal is not None or begun:
            return _outcome(command, refusal or _OK)
        proposals.four_eyes = command.four_eyes
        self.keep_accounts(Accounting())
        for system in SYSTEM_ACCOUNTS:
            self.account(system)
        self.events.append(AccountsBegun(self.time))
        return _outcome(command)

    def _end_orders(self, command: EndOrders) -> Outcome:
        if command.instrument is not None and command.instrument not in self.instruments:
            return _outcome(command, unknown_instrument(command.instrument))
        account = self.accounts.get(command.user)
        if account is None:
            return _outcome(command)
        return _outcome(command, cancelled=self.end_all(account, command.instrument, Code.BY_EXCHANGE))

    def _administer(self, command: ActionCommand) -> Outcome:  # noqa: PLR0911 - one a kind
        match command:
            case BeginAccounts():
                return self._begin_accounts(command)
            case ListInstrument():
                return self._list(command)
            case SetMarketState():
                return self._set_state(command)
            case EndOrders():
                return self._end_orders(command)
            case SetRule() | SetKill() | SetClearance():
                refusal, cancelled = self.rule_desk.carry_out(command)
                return _outcome(command, refusal, cancelled=cancelled)
            case SetSchedule():
                return _outcome(command, self.phases.set_schedule(command))
            case SetSettlementPrice():
                return _outcome(command, self.lives.set_price(command))
            case EndCall():
                return _outcome(command, self.phases.end_call(command))
        if self._administration is None:
            return _outcome(command, NO_ACCOUNTS)
        refusal, cancelled = self._administration.carry_out(command, self.time, self.events)
        if isinstance(command, SetGroups) and not refusal.code:
            cancelled = self.rule_desk.end_forbidden(self.account(command.user))
        return _outcome(command, refusal, cancelled=cancelled)

    def _outlook(self) -> Outlook:
        four_eyes = self.decisions.proposals.four_eyes
        return Outlook(
            self.instruments,
            self.accounts,
            self.accounting,
            self.phases.plans,
            four_eyes=four_eyes,
            time_us=self.time,
            rules=RuleOutlook(self),
            is_late=self.is_late,
        )

    def _setting_rows(self) -> SettingRows:
        rules = [*self.rule_desk.sections(), self.phases.section()]
        return SettingRows(self.instruments, self.accounts, self.accounting, self.decisions.proposals, rules)

    # The door.

    def _admit(  # noqa: PLR0911 - one a rule
        self, account: UserAccount, market: TradedInstrument, order: Order, price: int, quantity: int
    ) -> Refusal | None:
        """
        Return why an order may not stand like this, or None: it may. Nothing has changed yet, and nothing does here.

        The one door: every command that could put lots into a book asks here first. A test holds that.

        Args:
            account: Whose order it is.
            market: Where it would stand.
            order: A new one, of an id beyond the last, or one that rests and would be changed.
            price: The price it would have, in ticks.
            quantity: Its whole quantity, in lots, what has been filled included.
        """
        special, is_limit = order.special, order.kind is not _MARKET
        if price and not is_limit:
            return Refusal(Code.BAD_REQUEST, "price: a market order has none")
        if order.order_id > self.last_order_id:
            times = order.time_in_force
            may_rest = is_limit and times is _GTC
            if special is not None or (not may_rest and times is not _IOC and times is not _FOK):
                refused = self._odd(market, order)
                if refused is not None:
                    return refused
                may_rest = order.may_rest
            if order.post_only and not may_rest:
                return Refusal(Code.BAD_REQUEST, "post_only: only a limit order that may wait can rest")
            if may_rest and len(account.orders) >= self.open_orders_max:
                rule = f"a user may have {self.open_orders_max} open orders"
                return Refusal(Code.TOO_MANY_OPEN_ORDERS, rule)
            held = len(account.accepted_ids)
            if held >= self.order_ids_max - self.client_order_ids.held:  # as `ClientOrderIds.has_room` has it
                rule = f"{held} of your orders are remembered for {WINDOW_S} s, and there is no room for more"
                return Refusal(Code.RATE_LIMITED, f"client_order_id: {rule}; send fewer")
        refused = market.not_open(order) if market.state is not _OPEN else None
        if refused is None and (
            not 1 <= quantity <= market.quantity_max
            or market.ticks is not None
            or (is_limit and not 1 <= price <= market.price_max)
        ):  # else it would say nothing
            refused = market.refusal(price if is_limit else None, quantity)
        accounting = self.accounting
        if accounting is None or refused is not None:
            if (self.company.is_asked or special is not None) and (refused is None or refused.code is _NOT_OPEN):
                refused = self.company.stop(account, market.symbol, order) or refused
            return refused
        # All accounts of a market that keeps them are funded; to assert it here would cost a tenth of the asking.
        if (
            order.order_id > self.last_order_id
            and (special is None or not special.clearance)
            and accounting.is_fine(account, market, order, price, quantity, self.time)  # type: ignore[arg-type]
        ):
            return None
        assert isinstance(account, FundedAccount)
        return self._afford(accounting, account, market, order, price, quantity)

    def _odd(self, market: TradedInstrument, order: Order) -> Refusal | None:
        """Return why a new order that is special, or of a rare time in force, may not come now, or None."""
        times, special = order.time_in_force, order.special
        if times is _QUOTE:
            return Refusal(Code.BAD_REQUEST, "time_in_force: quote is that of quotes alone")
        if times is _AUCTION and market.state is _OPEN:
            rule = f"{market.symbol} is in no call, and auction orders are for calls"
            return Refusal(Code.NOT_OPEN, f"time_in_force: {rule}")
        if special is not None:
            return moment_refusal(order, special, market) or self.waiting.refusal(order, market)
        if times in _SPECIAL_TIMES:
            return Refusal(Code.BAD_REQUEST, f"time_in_force: {times} orders are entered as special ones")
        return None

    def _afford(
        self,
        accounting: Accounting,
        account: FundedAccount,
        market: TradedInstrument,
        order: Order,
        price: int,
        quantity: int,
    ) -> Refusal | None:
        """Return why an account may not have an order like this, or None; see `_admit`."""
        if quantity <= order.quantity - order.remaining:
            return None  # replaced by no more than what is filled: it ends
        time_us, met_max, company = self.time, self.orders_met_max, self.company
        # Less of an order that stands is refused by no limit, and is no message: to leave is free.
        is_less = price == order.price and quantity <= order.quantity and order.order_id in account.orders
        refused = self._forbidden(accounting, account, market, order, price, quantity, is_limited=not is_less)
        if refused is None and not is_less and order.time_in_force is not _QUOTE:
            refused = accounting.hurried(account, market, time_us)
        if refused is None:
            refused = accounting.unaffordable(account, market, order, price, quantity, time_us, met_max)
        if refused is None and company.is_asked:
            company.admitted(account, market.symbol, accounting.limits.gate(account, market).rules, order, time_us)
        return refused

    def _forbidden(
        self,
        accounting: Accounting,
        account: FundedAccount,
        market: TradedInstrument,
        order: Order,
        price: int,
        quantity: int,
        *,
        is_limited: bool = True,
    ) -> Refusal | None:
        """Return why rules forbid an order like this, or, where it is limited, the account's limits; or None."""
        refused = None
        if self.company.is_asked or order.special is not None:
            gate, wanted = accounting.limits.gate(account, market), quantity - (order.quantity - order.remaining)
            asked = self.company.refusal(account, market.symbol, gate, order, wanted, self.time)
            refused = self.noted(account, market, asked)
        if refused is not None or not is_limited:
            return refused
        return accounting.forbidden(account, market, order, price, quantity, self.orders_met_max)

    def _permit(self, account: UserAccount, market: TradedInstrument, order: Order) -> Refusal | None:
        """Return why a stop may not be placed though it was elected, or None: what was allowed may not be any more."""
        accounting = self.accounting
        if accounting is None:
            return self.company.stop(account, market.symbol, order)
        assert isinstance(account, FundedAccount)
        return self._forbidden(accounting, account, market, order, order.price, order.quantity)

    def _find(self, command: CancelOrder | ReplaceOrder) -> tuple[UserAccount | None, Order | None]:
        account = self.accounts.get(command.user)
        if account is None:
            return None, None
        return account, account.find(command.order_id, command.client_order_id)

    def _reject(self, command: PlaceOrder, account: UserAccount, order: Order, refusal: Refusal) -> Outcome:
        order.order_id, order.instrument = 0, command.instrument  # it was in no book, and its number goes to the next
        self.execution(account, _REJECTED, order, 0, reason=refusal.code)
        return _outcome(command, refusal)


def _outcome(command: Command, refusal: Refusal = _OK, order_id: int = 0, cancelled: int = 0) -> Outcome:
    return _new(Outcome, (command.source, command.number, refusal.code, refusal.text, order_id, cancelled))

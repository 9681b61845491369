"""The trading floor: the state of one shard's market, and what becomes of the orders that stand in it.

Owns books, accounts, time and timers, and the telling of what happened: trades, executions, ends of orders. Leaves
to the engine commands and what they may do, and to its parts what happens by itself. Every order ends here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from openoutcry.wire.messages import NOTHING_SPECIAL, Execution, Status, Trade
from openoutcry.wire.types import Code, ExecutionEvent, Liquidity, NoSide, Side
from services.matching.accounts.account import UserAccount
from services.matching.accounts.accounting import Accounting
from services.matching.accounts.funded_account import FundedAccount
from services.matching.bands import band
from services.matching.book.book_event import AuctionFill, BookEvent, Cancelled, Fill, Replaced
from services.matching.book.expiries import Expiries
from services.matching.book.order import Order
from services.matching.book.order_book import ORDERS_MET_MAX
from services.matching.book.special import Special
from services.matching.chores import Chore, Chores
from services.matching.idempotency import ORDER_IDS_MAX, ClientOrderIds
from services.matching.presence import Presence
from services.matching.rules.company_rules import CompanyRules
from services.matching.rules.rule_desk import RuleDesk
from services.matching.timers import Timers
from services.matching.traded_instrument import Refusal, TradedInstrument
from shared.logs.events import Event, PrivateExecution, RuleRefusal

OPEN_ORDERS_MAX: Final = 1000
"""Default limit of resting orders a user; the next order that could rest is refused."""
CANCEL_GRACE_S: Final = 10
"""Default time that a user with cancel-on-disconnect may be away: enough to change replica, or outlive one."""
CLOCK_SKEW_MAX_S: Final = 5
"""Default of how far the log's clock may be ahead of the leader's before it is not believed."""
EXPIRY: Final = "expiry"
"""Kind of the timer of a moment at which orders end; its key is the moment."""
SWEPT_MAX: Final = 5_000
"""Orders that one command ends at most where a rule, a phase or the exchange ends many: 50 ms with their packet."""

# Looking a member up in its enumeration costs a tenth of a trade.
_CANCELLED: Final = ExecutionEvent.CANCELLED
_EXPIRED: Final = ExecutionEvent.EXPIRED
_OVER: Final = Code.EXPIRED
_FILLED: Final = ExecutionEvent.FILLED
_REPLACED: Final = ExecutionEvent.REPLACED
_MAKER: Final = Liquidity.MAKER
_TAKER: Final = Liquidity.TAKER
_AUCTION: Final = Liquidity.AUCTION
_NO_LIQUIDITY: Final = Liquidity.NONE
_NO_AGGRESSOR: Final = NoSide.NONE
_NO_REASON: Final = Code.OK
_NO_BAND: Final = (-1, 0, 0)
_NO_FILL: Final = (0, 0, 0)
"""Price, lots and number of the trade, of an execution that is none."""
# A named tuple's own constructor is one more Python call; without it a command costs a tenth less.
_new: Final = tuple.__new__


class EngineConfig(NamedTuple):
    """The market's rules that are not an instrument's. Part of the state: changed only between two packets."""

    open_orders_max: int = OPEN_ORDERS_MAX
    """Resting orders a user may have."""
    cancel_grace_s: int = CANCEL_GRACE_S
    """How long a user with cancel-on-disconnect may be away, in ticks, one a second; then the orders are cancelled."""
    order_ids_max: int = ORDER_IDS_MAX
    """Client order ids remembered, over all users, so that none is carried out twice; see `ClientOrderIds.has_room`."""
    orders_met_max: int = ORDERS_MET_MAX
    """Resting orders that one command meets; see `OrderBook.place`. A checkpoint from before has the default."""
    clock_skew_max_s: int = CLOCK_SKEW_MAX_S
    """How far the log's clock may be ahead of the leader's, which ticks tell; what is beyond does not count. 0: the
    leader's is not asked."""


def _ignore(market: TradedInstrument) -> None:
    """There are no sessions."""


class Sweep(NamedTuple):
    """Orders that are to end, more than one command may end."""

    orders: list[Order]
    """The last one ends first. Some may have ended otherwise."""
    reason: Code


class Floor:
    """
    One shard's market.

    An order touches its account in these ways: `opened`, `filled`, `changing` and `changed`, and `closed`. What the
    exchange or the user ends is ended by `end`.

    Args:
        config: Rules; a recovered engine keeps those of its checkpoint until its leader changes them.
    """

    # Beyond 30 attributes Python finds them by a dictionary of the object's own, and every command costs a tenth more.
    __slots__ = (
        "_bands",
        "_changed",
        "_config",
        "_swept",
        "accounting",
        "accounts",
        "call_changed",
        "chores",
        "client_order_ids",
        "company",
        "electing",
        "events",
        "expiries",
        "has_told_special",
        "instruments",
        "is_behind",
        "last_order_id",
        "on_resumed",
        "on_timer",
        "open_orders_max",
        "order_ids_max",
        "orders_met_max",
        "position",
        "presence",
        "rule_desk",
        "sweeping",
        "sweeps",
        "time",
        "timers",
        "uncrossing",
    )

    def __init__(self, config: EngineConfig | None = None) -> None:
        self.config = config or EngineConfig()
        self.position = 0
        """Distinct commands applied."""
        self.time = 0
        """Of the last command, µs since 1970, or of what happens by itself before it; never falls, even if the log's
        clock does."""
        self.last_order_id = 0
        self.client_order_ids = ClientOrderIds()
        self.instruments: dict[str, TradedInstrument] = {}
        """By symbol, in order of listing."""
        self.accounts: dict[str, UserAccount] = {}
        """By user, in order of first appearance. Where the market keeps accounts, system accounts come first."""
        self.accounting: Accounting | None = None
        """What orders need and may be; None: the market keeps no accounts, and every order is good for its promise."""
        self.presence = Presence()
        """Of the users with cancel-on-disconnect on, but for those whose orders have been cancelled already;
        and of those who have quoted."""
        self.timers = Timers()
        self.on_timer: dict[str, Callable[[str], None]] = {}
        """What happens when a timer of a kind is due, with its key; set by the parts that set such timers."""
        self.on_resumed: list[Callable[[TradedInstrument], None]] = []
        """What has waited for an instrument that was paused, and is not any more."""
        self.chores = Chores()
        """What is more than one command may do, and before whose end nothing may trade."""
        self.is_behind = False
        """Whether more moments are due than one command sees to."""
        self.company = CompanyRules()
        """What a company's rules say."""
        self.rule_desk = RuleDesk(self)
        """Where they are set, and orders ended that they forbid."""
        self.uncrossing: dict[str, None] = {}
        """Symbols of instruments whose call ends with more trades than one command may make. They are paused."""
        self.sweeps: deque[Sweep] = deque()
        """What `sweep` has not ended yet. The instruments concerned are paused."""
        self.sweeping: dict[str, int] = {}
        """By symbol of those: how many orders of it are in `sweeps`; 0 until the instrument goes on."""
        self.expiries = Expiries()
        """Orders that end by themselves; each moment has its timer of the kind EXPIRY."""
        self.electing: dict[str, TradedInstrument] = {}
        """By symbol, in the order of their first: instruments with stops that trades have elected, and that are not
        placed yet."""
        self.has_told_special = False
        """Whether an execution of a special order was told, or of one whose lots are held back; whoever makes
        packets clears it."""
        self.events: list[Event] = []
        """Of the command that is applied; whoever does something tells it here."""
        self._changed: dict[str, TradedInstrument] = {}
        self.call_changed: Callable[[TradedInstrument], None] = _ignore
        """What follows when a book has changed that is in a call, or has begun one by itself."""
        self._bands: dict[str, tuple[int, int, int]] = {}  # position of the command that asked last, low, high
        self._swept = (0, 0)  # position, and how many orders its command has swept

    @property
    def config(self) -> EngineConfig:
        """The rules that are not an instrument's."""
        return self._config

    @config.setter
    def config(self, config: EngineConfig) -> None:
        self._config = config
        # Every order asks for these, and a named tuple's field takes three times as long as an attribute.
        self.open_orders_max = config.open_orders_max
        self.order_ids_max = config.order_ids_max
        self.orders_met_max = config.orders_met_max

    def account(self, user: str) -> UserAccount:
        """Return a user's account, a new one on first sight."""
        account = self.accounts.get(user)
        if account is None:
            accounting = self.accounting
            account = self.accounts[user] = UserAccount(user) if accounting is None else accounting.account(user)
        return account

    def take_changed(self) -> list[TradedInstrument]:
        """Return the markets whose books were touched since the last call, in order of first touch."""
        changed = list(self._changed.values())
        self._changed.clear()
        return changed

    def check_invariants(self) -> None:
        """Assert what must always hold; O(orders). For tests."""
        resting: dict[int, Order] = {}
        for market in self.instruments.values():
            market.book.check_invariants()
            resting.update(market.book.orders)
            resting.update((order.order_id, order) for order in market.stops or ())
        assert len(resting) == sum(len(account.orders) for account in self.accounts.values())
        for account in self.accounts.values():
            assert list(account.orders) == sorted(account.orders)
            assert len(account.orders) <= self.open_orders_max
            assert all(resting[order_id] is order for order_id, order in account.orders.items())
        self.client_order_ids.check_invariants()
        assert self.client_order_ids.held == sum(len(account.accepted_ids) for account in self.accounts.values())
        timed = self.presence.rows()
        assert [tick for _, tick in timed] == sorted(tick for _, tick in timed if tick <= self.presence.ticks)
        assert all(user in self.accounts for user, _ in timed)
        if self.accounting is not None:
            self.accounting.check_invariants(self.accounts.values(), self.instruments)
            return
        for symbol in self.instruments:
            assert sum(account.positions.get(symbol, 0) for account in self.accounts.values()) == 0

    @property
    def is_late(self) -> bool:
        """Whether something has not happened yet that is due. Nothing is admitted and nothing trades meanwhile."""
        return self.is_behind or bool(self.chores.waiting)

    def undertake(self, kind: str, *about: Any) -> None:
        """Begin a chore; what this command may not do goes on with the next ones."""
        self.chores.begin(Chore(kind, about), self.position)
        if self.chores.waiting:
            self.timers.wake_at_once()

    # Telling what happened.

    def touch(self, market: TradedInstrument) -> None:
        """Note that a book has changed."""
        market.changed_at = self.time
        self._changed[market.symbol] = market
        if market.book.call is not None:
            self.call_changed(market)

    def noted(self, account: UserAccount, market: TradedInstrument, refusal: Refusal | None) -> Refusal | None:
        """Return why an order is refused, and tell the record which of the company's rules it was; O(1)."""
        if refusal is not None and refusal.rule_id:
            self.events.append(RuleRefusal(self.position, account.user, market.symbol, refusal.rule_id))
        return refusal

    def ask_auction(self, market: TradedInstrument) -> None:
        """Have the next packet tell what a market's call would come to, if that is news; O(1)."""
        self._changed[market.symbol] = market

    def worst_price(self, market: TradedInstrument, side: Side) -> int:
        """
        Return the worst price at which an order may trade now, in ticks; 0: any.

        The bands are around the prices as of the end of the last command, so one order cannot walk them along. O(1).
        """
        if not market.has_band:
            return 0
        position, low, high = self._bands.get(market.symbol, _NO_BAND)
        if position != self.position:
            low, high = band(market)
            self._bands[market.symbol] = self.position, low, high
        return high if side is Side.BID else low

    def tell(self, market: TradedInstrument, happened: Sequence[BookEvent]) -> None:
        """Tell what happened in a book, and have the accounts follow."""
        for event in happened:
            if type(event) is Fill:
                self._fill(market, event)
            elif type(event) is Cancelled:
                self.ended(self.accounts[event.order.user], market, event.order, event.reason)
            elif type(event) is Replaced:
                self.execution(self.accounts[event.order.user], _REPLACED, event.order, event.remaining)
            elif type(event) is AuctionFill:
                self._auction_fill(market, event)
        if self.company.crossed:
            self.rule_desk.end_crossed()

    def _fill(self, market: TradedInstrument, fill: Fill) -> None:
        # Taken apart once, as a command is: its fields are needed three times each.
        trade_id, price, quantity, maker, maker_remaining, taker, taker_remaining = fill
        if market.stops is not None:
            self.elect(market, price)
        market.statistics.record(price, quantity)
        trade = (taker.instrument, market.book.seq, trade_id, self.time, price, quantity, taker.side)
        self.events.append(_new(Trade, trade))
        part = (price, quantity, trade_id)
        watches = self.company.watches_fills
        for order, remaining, liquidity in ((taker, taker_remaining, _TAKER), (maker, maker_remaining, _MAKER)):
            account = self.accounts[order.user]
            account.filled(order, market, price, quantity, liquidity)
            held_until = self._watch(account, market, order, quantity) if watches else 0
            if not remaining:
                account.closed(order, market)
                if order.special is not None:
                    self._forget(order)
            self.execution(account, _FILLED, order, remaining, part, liquidity, _NO_REASON, held_until)

    def _auction_fill(self, market: TradedInstrument, fill: AuctionFill) -> None:
        trade_id, price, quantity, bid, bid_remaining, ask, ask_remaining = fill
        if market.stops is not None:
            self.elect(market, price)
        market.statistics.record(price, quantity)
        trade = (bid.instrument, market.book.seq, trade_id, self.time, price, quantity, _NO_AGGRESSOR)
        self.events.append(_new(Trade, trade))
        part = (price, quantity, trade_id)
        for order, remaining in ((bid, bid_remaining), (ask, ask_remaining)):
            account = self.accounts[order.user]
            account.filled(order, market, price, quantity, _AUCTION)
            held_until = self._watch(account, market, order, quantity) if self.company.watches_fills else 0
            if not remaining:
                account.closed(order, market)
                if order.special is not None:
                    self._forget(order)
            self.execution(account, _FILLED, order, remaining, part, _AUCTION, _NO_REASON, held_until)

    def _watch(self, account: UserAccount, market: TradedInstrument, order: Order, quantity: int) -> int:
        """Have the company's rules take note of a fill; returns until when what it bought is held back, or 0."""
        assert self.accounting is not None
        assert isinstance(account, FundedAccount)
        rules = self.accounting.limits.gate(account, market).rules
        return self.company.note_fill(account, rules, order, quantity, self.time)

    def elect(self, market: TradedInstrument, price: int) -> None:
        """Have a trade elect the stops that it triggers, before it is the last one; they are placed later."""
        if market.stops is not None and market.stops.elect(price, market.reference_price):
            self.electing[market.symbol] = market
            self.timers.wake_at_once()

    def _forget(self, order: Order) -> None:
        """Forget when a special order would have ended, since it has ended."""
        assert order.special is not None
        if self.expiries.remove(order):
            self.timers.forget(EXPIRY, str(order.special.expires_at))

    def end_all(self, account: UserAccount, instrument: str | None, reason: Code) -> int:
        """End a user's orders, of one instrument or (None) of all; returns how many."""
        ended = 0
        for order in list(account.orders.values()):
            if instrument is None or order.instrument == instrument:
                self.end(account, order, reason)
                ended += 1
        return ended

    def end(self, account: UserAccount, order: Order, reason: Code) -> None:
        """End an open order: the one way in which its user or the exchange does."""
        market = self.instruments[order.instrument]
        if order.special is not None and order.special.trigger and market.stops is not None:
            market.stops.remove(order)
        else:
            market.book.cancel(order.order_id)
            self.touch(market)
        self.ended(account, market, order, reason)

    def ended(self, account: UserAccount, market: TradedInstrument, order: Order, reason: Code) -> None:
        """Tell the end of an order that is in no book any more."""
        account.closed(order, market)
        if order.special is not None:
            self._forget(order)
        event = _EXPIRED if reason is _OVER else _CANCELLED
        self.execution(account, event, order, 0, _NO_FILL, _NO_LIQUIDITY, reason)

    def execution(
        self,
        account: UserAccount,
        event: ExecutionEvent,
        order: Order,
        remaining: int,
        fill: tuple[int, int, int] = _NO_FILL,
        liquidity: Liquidity = _NO_LIQUIDITY,
        reason: Code = _NO_REASON,
        held_until: int = 0,
    ) -> None:
        """Tell a user what happened to an order; `fill` is price, lots and number of a trade."""
        account.user_seq = user_seq = account.user_seq + 1
        price, quantity, trade_id = fill
        row: tuple[Any, ...] = (
            user_seq,
            event,
            self.time,
            order.order_id,
            order.client_order_id,
            order.instrument,
            order.side,
            order.kind,
            order.time_in_force,
            order.price or order.bound,
            order.quantity,
            remaining,
            price,
            quantity,
            trade_id,
            liquidity,
            reason,
        )
        if order.special is not None or held_until:
            row = self._more(row, order.special, held_until)
        self.events.append(_new(PrivateExecution, (account.user, _new(Execution, row))))

    def _more(self, row: tuple[Any, ...], special: Special | None, held_until: int) -> tuple[Any, ...]:
        self.has_told_special = True
        return row + (NOTHING_SPECIAL if special is None else special.told) + (held_until,)

    # Ending many orders.

    def open_orders_of(self, market: TradedInstrument) -> list[Order]:
        """Return all open orders of an instrument, in order of priority, stops last; O(orders)."""
        return [*market.book.by_priority(), *(market.stops or ())]

    def sweep(self, orders: Iterable[Order], reason: Code) -> int:
        """
        End open orders, SWEPT_MAX a command, the first ones first; each once.

        The rest end with the next commands, before these are applied. Until then the instruments of all that remain
        are paused, so that none of them trades.

        Returns:
            How many ended at once.
        """
        waiting = list(orders)
        waiting.reverse()
        self.sweeps.append(Sweep(waiting, reason))
        self.timers.wake_at_once()
        sweeping = self.sweeping
        for order in waiting:
            sweeping[order.instrument] = sweeping.get(order.instrument, 0) + 1
        ended = self._sweep_on()
        for symbol in dict.fromkeys([order.instrument for order in waiting]):
            self.pause(self.instruments[symbol])
        return ended

    def go_on_sweeping(self) -> None:
        """End what waits to be ended, SWEPT_MAX a command, and let the instruments go on that have nothing left."""
        self._sweep_on()
        if self.chores.waiting:
            return  # which may find more to end
        over = [symbol for symbol, left in self.sweeping.items() if not left]
        if not over:
            return
        for symbol in over:
            del self.sweeping[symbol]
        for market in [market for market in self.instruments.values() if market.symbol in over]:
            if market.symbol not in self.uncrossing:
                self.unpause(market)
                for go_on in self.on_resumed:
                    go_on(market)

    def is_open(self, order: Order) -> bool:
        """Tell whether an order has not ended; O(1)."""
        account = self.accounts.get(order.user)
        return account is not None and account.orders.get(order.order_id) is order

    def _sweep_on(self) -> int:
        position, swept = self._swept
        left = SWEPT_MAX - (swept if position == self.position else 0)
        ended = 0
        while self.sweeps and ended < left:
            orders, reason = self.sweeps[0]
            ended += self._end_last(orders, reason, left - ended)
            if not orders:
                self.sweeps.popleft()
        self._swept = (self.position, SWEPT_MAX - left + ended)
        return ended

    def _end_last(self, orders: list[Order], reason: Code, most: int) -> int:
        """End orders from the last one on, those of one instrument together; returns how many, `most` at most."""
        accounts, sweeping, run = self.accounts, self.sweeping, list[Order]()
        ended, symbol = 0, ""
        while orders and ended < most:
            order = orders.pop()
            if order.instrument != symbol:
                self._end_run(run, reason)
                run, symbol = [], order.instrument
            left = sweeping[symbol] = sweeping[symbol] - 1
            if not left and not self.instruments[symbol].is_paused:
                del sweeping[symbol]
            account = accounts.get(order.user)
            if account is not None and account.orders.get(order.order_id) is order:
                ended += 1
                if order.special is None or not order.special.trigger:
                    run.append(order)
                else:
                    self._end_run(run, reason)
                    run = []
                    self.end(account, order, reason)
        self._end_run(run, reason)
        return ended

    def _end_run(self, orders: list[Order], reason: Code) -> None:
        """End orders of one instrument, all of them in its book."""
        if not orders:
            return
        market = self.instruments[orders[0].instrument]
        market.book.cancel_many(orders)
        self.touch(market)
        for order in orders:
            self.ended(self.accounts[order.user], market, order, reason)

    def unpause(self, market: TradedInstrument) -> None:
        """Let an instrument go on."""
        if market.is_paused:
            market.is_paused = False
            self.tell_state(market)

    def pause(self, market: TradedInstrument) -> None:
        """Have nothing trade in an instrument until what is under way has been finished."""
        if not market.is_paused:
            market.is_paused = True
            self.tell_state(market)

    def tell_state(self, market: TradedInstrument) -> None:
        """Tell the state of an instrument, if it is another than was told; O(1)."""
        if market.find_state():
            market.state_time = self.time
            self._changed[market.symbol] = market  # a call that begins or ends is told as its book's changes are
            status = Status(market.symbol, market.state, market.reason, self.time, market.phase, market.until)
            self.events.append(status)

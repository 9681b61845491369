"""The gateway's copy of the market: every book, ticker and account, made from snapshots and packets.

Owns the truth that channels read from. Applying a packet again, or one that is partly known, changes nothing: books
go by seq, trades by trade id, executions and transfers by user_seq. Leaves fetching and waiting to the feed reader.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Final, TypeAlias

from openoutcry.wire.account import AccountBook
from openoutcry.wire.depth_book import DepthBook, DepthSide
from openoutcry.wire.funded_account_book import FundedAccountBook, account_book
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import (
    Account,
    Auction,
    Delta,
    Level,
    Message,
    OpenOrder,
    Snapshot,
    Status,
    Terms,
    Ticker,
    Trade,
)
from openoutcry.wire.sequence import Verdict, classify
from openoutcry.wire.types import MarketState, Phase, TimeInForce
from services.gateway.history import BookHistory
from services.gateway.loading import (
    LEVELS_A_STEP,
    LoadedBook,
    ReplicaBroken,
    Steps,
    difference,
    finish,
    loaded_book,
)
from services.gateway.snapshot_making import SnapshotMaking
from shared.entitlement import EVERYTHING, Entitlement, covers
from shared.logs.events import (
    AccountsBegun,
    AdministrativeAct,
    BookChange,
    CancelOnDisconnectSet,
    MarketShown,
    Outcome,
    PairsRefused,
    PrivateExecution,
    PrivateTransfer,
    RuleRefusal,
)
from shared.logs.packet import FEED_START, PLAIN_VERSION, SECTIONS, FeedId, Packet
from shared.logs.snapshots import BookState
from shared.trade_statistics import TradeStatistics

RECENT_TRADES_MAX: Final = 1000
"""Trades kept per instrument for users who lagged; older ones are announced as missing."""

_QUOTE: Final = TimeInForce.QUOTE
_NOT_PASSED_ON: Final = (BookChange, PrivateTransfer, RuleRefusal)
_PASSED_ON: Final = tuple(section.name for section in SECTIONS if section.kind not in _NOT_PASSED_ON)
"""Sections whose entries are passed on one by one. Of a book it matters only that it changed, transfers are passed on
among the executions, whose numbers they share, and which rule refused an order is for the record alone."""


Changed: TypeAlias = tuple[list[Level], list[Level]]
"""Levels of both sides that a snapshot sets: absolute quantities, 0 removes."""
Replaced: TypeAlias = tuple[DepthBook, dict[int, int], dict[int, int]]
"""A book that nobody holds any more, and the orders at its prices."""


class Changes:
    """
    What packets or snapshots changed, for the fan-out to pass on.

    Attributes:
        books: Symbols whose book moved on; in order of first change.
        restarted: Symbols whose history broke: subscribers need a snapshot, a delta will not do.
        trades: In order.
        executions: And transfers; of each user in the order of their numbers.
        outcomes: In order.
        statuses: In order.
        listings: In order; a definition that is another than before is among them too.
        delisted: Symbols that a new epoch, or a store that went back, lists no more; and of what has come to its end.
        switches: In order.
        acts: In order.
        shown: In order.
        pair_refusals: In order.
        terms: In order.
        auctions: In order.
        beginnings: At most one, if the market keeps accounts from then on; `executions` come before, or build on it.
        missing_trades: (symbol, first, last) trade ids that this replica will never have; in no order.
        tapes: Symbols whose trade ids may have begun anew, to the last id that both histories share; first of all.
        accounts_loaded: Accounts were replaced: what led there is not among the executions.
    """

    __slots__ = ("accounts_loaded", "books", "delisted", "missing_trades", "restarted", "tapes", *_PASSED_ON)

    trades: list[Trade]
    executions: list[PrivateExecution | PrivateTransfer]
    outcomes: list[Outcome]
    statuses: list[Status]
    listings: list[Instrument]
    switches: list[CancelOnDisconnectSet]
    acts: list[AdministrativeAct]
    shown: list[MarketShown]
    pair_refusals: list[PairsRefused]
    terms: list[Terms]
    beginnings: list[AccountsBegun]
    auctions: list[Auction]

    def __init__(self) -> None:
        for name in _PASSED_ON:
            setattr(self, name, [])
        self.books: dict[str, None] = {}
        self.restarted: dict[str, None] = {}
        self.delisted: list[str] = []
        self.missing_trades: list[tuple[str, int, int]] = []
        self.tapes: dict[str, int] = {}
        self.accounts_loaded = False


class InstrumentReplica:
    """One instrument: its book with order counts, its recent past, its trades and its state."""

    def __init__(self, definition: Instrument, epoch: int) -> None:
        self.definition = definition
        self.symbol = definition.symbol
        self.book = DepthBook(definition.symbol)
        self.book.epoch = epoch
        self.history = BookHistory(0, 0)
        self.trades: deque[Trade] = deque(maxlen=RECENT_TRADES_MAX)
        self.trade_id = 0
        self.statistics = TradeStatistics()
        self.state = MarketState.OPEN
        self.state_reason = ""
        self.state_time = 0
        self.terms = Terms(definition.symbol, 0, 0, 0)
        self.phase = Phase.NONE
        self.until = 0
        """With the time 0 if nobody has set any."""
        self.auction: Auction | None = None
        """Of its call, or of the last one, with no kind once it has ended; None: none is known."""
        self.is_broken = False
        """Its levels are known to be wrong: nothing of it may be sent before it is loaded again."""
        self.making: SnapshotMaking | None = None
        """A snapshot of the book that is being made, and must know what changes."""
        self.bid_orders: dict[int, int] = {}
        """Price to orders at it, of every level. Read only."""
        self.ask_orders: dict[int, int] = {}

    def apply(self, change: BookChange, time_us: int) -> bool:
        """
        Apply one change of the book; False if it was known already.

        Args:
            change: The next changes, or a range that reaches beyond what is held.
            time_us: When the engine published it.

        Raises:
            ReplicaBroken: If changes are missing before it, or the digest differs after it.
        """
        book = self.book
        verdict = classify(book.seq, change.prev_seq, change.seq)
        if verdict is Verdict.DUPLICATE:
            return False
        if verdict is Verdict.GAP:
            raise ReplicaBroken(f"{self.symbol}: changes {book.seq + 1} to {change.prev_seq} are missing")
        if self.making is not None:
            self.making.note(change)
        self.is_broken = True  # until all of it is applied: a field of another type may raise anywhere
        if book.advance(change.seq, time_us, change.bids, change.asks, change.digest) is not Verdict.APPLY:
            raise ReplicaBroken(f"{self.symbol}: digest at seq {change.seq} is {book.digest}, not {change.digest}")
        _count_orders(self.bid_orders, change.bids)
        _count_orders(self.ask_orders, change.asks)
        self.history.record(change.seq, change.bids, change.asks, change.digest)
        self.is_broken = False
        return True

    def print_trade(self, trade: Trade) -> bool:
        """Take a trade into the ticker; False if it was known already."""
        if trade.trade_id <= self.trade_id:
            return False
        self.statistics.record(trade.price, trade.quantity)
        self.trade_id = trade.trade_id
        self.trades.append(trade)
        return True

    def load(self, state: BookState, time_us: int) -> bool:
        """
        Take a snapshot; True if it continues the history held, so that a delta leads there.

        Raises:
            ReplicaBroken: If the snapshot's digest is not that of its levels; nothing was taken.
        """
        loaded = loaded_book(state, time_us)
        return self.take(loaded, finish(self.changed(loaded)))

    def changed(self, loaded: LoadedBook) -> Steps[Changed | None]:
        """Find what a snapshot changes, for `take`; None if it does not continue the history held to a later seq."""
        if not self._continues(loaded.state) or loaded.state.seq == self.book.seq:
            return None
        held, newer = self.book, loaded.book
        return (yield from difference(held.bids, newer.bids)), (yield from difference(held.asks, newer.asks))

    def _continues(self, state: BookState) -> bool:
        held = self.book
        is_later = state.seq > held.seq or (state.seq == held.seq and state.digest == held.digest)
        return not self.is_broken and state.epoch == held.epoch and is_later

    def take(self, loaded: LoadedBook, changed: Changed | None) -> bool:
        """
        Take a snapshot whose book has been verified; see `load`.

        Args:
            loaded: The snapshot.
            changed: What `changed` found for it; nothing may have happened since.
        """
        state, newer = loaded.state, loaded.book
        continues = self._continues(state)
        if changed is not None:
            self.history.record(state.seq, *changed, state.digest)
        elif not continues:
            self.history = BookHistory(state.seq, state.digest)
        if not continues or state.trade_id > self.trade_id:
            self.trades.clear()  # what is kept must be contiguous
        self.book = newer
        self.making = None  # it goes on with the book that was held, which changes no more
        self.is_broken = False
        self.bid_orders, self.ask_orders = loaded.bid_orders, loaded.ask_orders
        self.statistics = TradeStatistics(state.last, state.open, state.high, state.low, state.volume)
        self.trade_id = state.trade_id
        self.state, self.state_reason, self.state_time = state.state, state.reason, state.state_time
        self.terms = _terms(state)
        self.phase, self.until = Phase(state.phase), state.until
        self.auction = _auction(state, self.auction, continues=continues)
        return continues

    def levels(self, depth: int) -> tuple[list[Level], list[Level]]:
        """Return the best bids and asks as [price, quantity, orders], best first; O(depth)."""
        return _levels(self.book.bids, self.bid_orders, depth), _levels(self.book.asks, self.ask_orders, depth)

    def snapshot(self) -> Snapshot:
        """Return the whole book as it stands; O(levels)."""
        book = self.book
        bids, asks = self.levels(0)
        return Snapshot(self.symbol, book.epoch, book.seq, book.time, 0, bids, asks, book.digest)

    def delta_since(self, seq: int) -> Delta | None:
        """Merge all changes after `seq`, or return None if they are no longer known; O(levels named)."""
        changed = self.history.changed_since(seq)
        if changed is None:
            return None
        book = self.book
        bid_quantities, ask_quantities = book.bids.quantities, book.asks.quantities
        bids = [(price, bid_quantities.get(price, 0)) for price in changed[0]]
        asks = [(price, ask_quantities.get(price, 0)) for price in changed[1]]
        return Delta(self.symbol, seq, book.seq, book.time, 0, bids, asks, book.digest)

    def ticker(self) -> Ticker:
        """Return best prices and statistics; O(1)."""
        book = self.book
        bid, ask = book.bids.best(), book.asks.best()
        return Ticker(
            self.symbol,
            book.seq,
            book.time,
            bid,
            book.bids.quantities.get(bid, 0),
            ask,
            book.asks.quantities.get(ask, 0),
            *self.statistics.row(),
        )

    def status(self) -> Status:
        """Return the state as a message."""
        return Status(self.symbol, self.state, self.state_reason, self.state_time, self.phase, self.until)


class MarketReplica:
    """The market of one shard."""

    def __init__(self) -> None:
        self.epoch = 0
        self.feed_id = FEED_START
        """The last packet applied."""
        self.instruments: dict[str, InstrumentReplica] = {}
        self.listing: dict[str, Instrument] = {}
        self.accounts: dict[str, AccountBook] = {}
        self.timed: dict[str, None] = {}
        """Users whose absence ends orders: with cancel-on-disconnect on, and those who quote."""
        self.keeps_accounts = False
        """Whether orders need the money and the lots that they promise."""
        self._replaced: list[Replaced] = []

    def apply(self, feed_id: FeedId, packet: Packet, published_us: int, changes: Changes) -> None:
        """
        Apply one packet and note in `changes` what it changed.

        Raises:
            ReplicaBroken: If packets are missing before it, its epoch is another, or a digest differs after it.
        """
        if packet.prev > self.feed_id.position:
            raise ReplicaBroken(f"packets after position {self.feed_id.position} up to {packet.prev} are missing")
        if packet.epoch != self.epoch:
            raise ReplicaBroken(f"the feed is of epoch {packet.epoch}, this replica of {self.epoch}")
        for definition in packet.listings:
            self._list(definition, changes)
        for change in packet.changes:
            if self._instrument(change.instrument).apply(change, published_us):
                changes.books[change.instrument] = None
        for trade in packet.trades:
            if self._instrument(trade.instrument).print_trade(trade):
                changes.trades.append(trade)
                changes.books[trade.instrument] = None
        if packet.version == PLAIN_VERSION:
            self._execute(packet.executions, changes)
        else:
            self._execute_among_transfers(packet, changes)
        for status in packet.statuses:
            self._change_state(status, changes)
        for auction in packet.auctions:
            self._hear_auction(auction, changes)
        for switch in packet.switches:
            self._switch(switch)
            changes.switches.append(switch)
        changes.outcomes.extend(packet.outcomes)
        changes.acts.extend(packet.acts)
        changes.shown.extend(packet.shown)
        changes.pair_refusals.extend(packet.pair_refusals)
        self.feed_id = feed_id

    def load(
        self,
        cover: FeedId,
        listing: Iterable[Instrument],
        states: Sequence[BookState],
        accounts: Mapping[str, Account],
        time_us: int,
    ) -> Changes:
        """
        Take snapshots instead of all that is held; the feed goes on after `cover`.

        Args:
            cover: Every packet up to it is in the snapshots.
            listing: All definitions, in order.
            states: One of each, in the same order.
            accounts: Every user's.
            time_us: Unix time in microseconds.

        Raises:
            ReplicaBroken: If a snapshot is missing, of another epoch than the others, or its digest is not that of its
                levels; nothing was taken then.
        """
        definitions = list(listing)
        _check_states(definitions, states)
        return finish(self.loading(cover, definitions, [loaded_book(state, time_us) for state in states], accounts))

    def loading(
        self,
        cover: FeedId,
        definitions: Sequence[Instrument],
        books: Sequence[LoadedBook],
        accounts: Mapping[str, Account],
    ) -> Steps[Changes]:
        """
        Do the same in steps, from books that have been verified. All is taken with the last step.

        No packet may be applied meanwhile. The last step costs O(instruments), and what can no longer be sent as deltas
        is forgotten.

        Raises:
            ReplicaBroken: If a snapshot is missing, or of another epoch than the others; nothing was taken then.
        """
        _check_states(definitions, [loaded.state for loaded in books])
        listing = {definition.symbol: definition for definition in definitions}
        changed: list[Changed | None] = []
        for loaded in books:
            held = self.instruments.get(loaded.state.instrument)
            is_same = held is not None and held.definition == listing[loaded.state.instrument]
            changed.append((yield from held.changed(loaded)) if held is not None and is_same else None)
        held_accounts: dict[str, AccountBook] = {}
        timed: dict[str, None] = {}
        for user, account in accounts.items():
            held_accounts[user] = account_book(listing, account)
            if account.cancel_on_disconnect or has_quotes(account.orders):
                timed[user] = None
            yield 1 + len(account.orders)
        changes = Changes()
        epoch = books[0].state.epoch if books else self.epoch
        is_same_epoch, self.epoch = epoch == self.epoch, epoch
        told = self._replace_listing(listing, changes)
        for loaded, news in zip(books, changed, strict=True):
            told_id = told.get(loaded.state.instrument, 0)
            self._load_book(loaded, news, told_id, changes, is_same_epoch=is_same_epoch)
        self.accounts = held_accounts
        self.keeps_accounts = any(account.holdings is not None for account in accounts.values())
        self.timed = timed
        changes.accounts_loaded = True
        self.feed_id = cover
        return changes

    def take_replaced(self) -> list[Replaced]:
        """Return, once, the deep books that were replaced: to be freed in steps."""
        replaced, self._replaced = self._replaced, []
        return replaced

    def _replace_listing(self, listing: dict[str, Instrument], changes: Changes) -> dict[str, int]:
        """Hold these instruments and no others; returns the last trade ids of those held so far."""
        before = self.instruments
        self.listing = listing
        self.instruments = {}
        for symbol, definition in self.listing.items():
            held = before.get(symbol)
            if held is None or held.definition != definition:
                held = InstrumentReplica(definition, epoch=0)  # of no history: what is loaded does not continue it
                changes.listings.append(definition)
            self.instruments[symbol] = held
        changes.delisted = [symbol for symbol in before if symbol not in self.instruments]
        return {symbol: instrument.trade_id for symbol, instrument in before.items()}

    def _load_book(
        self, loaded: LoadedBook, changed: Changed | None, told_id: int, changes: Changes, *, is_same_epoch: bool
    ) -> None:
        state = loaded.state
        symbol = state.instrument
        instrument = self.instruments[symbol]
        status, terms, auction = instrument.status(), instrument.terms, instrument.auction
        if instrument.making is None and len(instrument.bid_orders) + len(instrument.ask_orders) > LEVELS_A_STEP:
            self._replaced.append((instrument.book, instrument.bid_orders, instrument.ask_orders))
        continues = instrument.take(loaded, changed)
        (changes.books if continues else changes.restarted)[symbol] = None
        if instrument.status() != status:
            changes.statuses.append(instrument.status())
        if instrument.terms != terms:
            changes.terms.append(instrument.terms)
        if instrument.auction is not None and instrument.auction != auction:
            changes.auctions.append(instrument.auction)
        # In a new epoch ids up to the last before it are of the history that was followed; later ones are other trades.
        shared_id = min(told_id, state.trade_id if is_same_epoch else state.epoch_trade_id)
        if not is_same_epoch or shared_id < told_id:
            changes.tapes[symbol] = shared_id
        if shared_id < state.trade_id:
            changes.missing_trades.append((symbol, shared_id + 1, state.trade_id))

    def account(self, user: str) -> Account:
        """Return a user's private state; empty for a user who never traded."""
        held = self.accounts.get(user)
        return (held or self._new_account()).account()

    def listing_messages(self, entitlement: Entitlement = EVERYTHING) -> list[Message]:
        """Return the definitions that one may see in order of listing, then the terms they have; O(instruments)."""
        terms = [instrument.terms for instrument in self.instruments.values() if instrument.terms.time]
        if not entitlement:
            return [*self.listing.values(), *terms]
        definitions = [each for each in self.listing.values() if covers(entitlement, each.symbol)]
        return [*definitions, *[each for each in terms if covers(entitlement, each.instrument)]]

    def _instrument(self, symbol: str) -> InstrumentReplica:
        try:
            return self.instruments[symbol]
        except KeyError:
            raise ReplicaBroken(f"{symbol} was never listed") from None

    def _list(self, definition: Instrument, changes: Changes) -> None:
        if definition.symbol not in self.instruments:
            self.listing[definition.symbol] = definition
            self.instruments[definition.symbol] = InstrumentReplica(definition, self.epoch)
            changes.listings.append(definition)

    def _execute(self, executions: Iterable[PrivateExecution], changes: Changes) -> None:
        accounts, applied = self.accounts, Verdict.APPLY
        for private in executions:
            user = private.user
            account = accounts.get(user) or self._account(user)
            try:
                verdict = account.apply(private.execution)
            except KeyError as error:
                raise ReplicaBroken(f"{private.execution.instrument} was never listed") from error
            if verdict is applied:
                changes.executions.append(private)
                if private.execution.time_in_force == _QUOTE:
                    self.timed[user] = None
            elif verdict is Verdict.GAP:
                raise ReplicaBroken(f"executions of {user} after {account.user_seq} are missing")

    def _execute_among_transfers(self, packet: Packet, changes: Changes) -> None:
        """Apply what concerns accounts and terms: executions and transfers in the order of each user's numbers."""
        for begun in packet.beginnings:
            self._begin_accounts(begun, changes)
        happened: list[PrivateExecution | PrivateTransfer] = [*packet.executions, *packet.transfers]
        for private in sorted(happened, key=_user_seq):
            if isinstance(private, PrivateExecution):
                self._execute((private,), changes)
            else:
                self._transfer(private, changes)
        for terms in packet.terms:
            self._change_terms(terms, changes)

    def _transfer(self, private: PrivateTransfer, changes: Changes) -> None:
        user, transfer = private
        account = self._account(user)
        if not isinstance(account, FundedAccountBook):
            raise ReplicaBroken(f"a transfer of {user} came, and the beginning of accounts did not")
        verdict = account.apply_transfer(transfer)
        if verdict is Verdict.APPLY:
            changes.executions.append(private)
        elif verdict is Verdict.GAP:
            why = "leads to another balance" if account.user_seq == transfer.user_seq else "is not the next of theirs"
            raise ReplicaBroken(f"transfer {transfer.user_seq} of {user} {why}")

    def _begin_accounts(self, begun: AccountsBegun, changes: Changes) -> None:
        if not self.keeps_accounts:  # else what was loaded is ahead of the packet
            self.keeps_accounts = True
            self.accounts = {}  # nobody was known to the market
            changes.beginnings.append(begun)

    def _change_terms(self, terms: Terms, changes: Changes) -> None:
        instrument = self._instrument(terms.instrument)
        if terms.time >= instrument.terms.time and terms != instrument.terms:
            instrument.terms = terms
            changes.terms.append(terms)

    def _hear_auction(self, auction: Auction, changes: Changes) -> None:
        instrument = self._instrument(auction.instrument)
        held = instrument.auction
        if held is None or (auction != held and (auction.seq, auction.time) >= (held.seq, held.time)):
            instrument.auction = auction
            changes.auctions.append(auction)

    def _switch(self, switch: CancelOnDisconnectSet) -> None:
        """
        Switch a user's cancel-on-disconnect.

        Accounts that were loaded may be ahead of the packet: then a later one restores what they say.
        """
        account = self._account(switch.user)
        account.cancel_on_disconnect = switch.on
        if switch.on:
            self.timed[switch.user] = None
        elif not has_quotes(account.orders.values()):
            self.timed.pop(switch.user, None)

    def _account(self, user: str) -> AccountBook:
        account = self.accounts.get(user)
        if account is None:
            account = self.accounts[user] = self._new_account()
        return account

    def _new_account(self) -> AccountBook:
        return FundedAccountBook(self.listing) if self.keeps_accounts else AccountBook(self.listing)

    def _change_state(self, status: Status, changes: Changes) -> None:
        assert status.instrument is not None
        instrument = self._instrument(status.instrument)
        instrument.state, instrument.state_reason = MarketState(status.state), status.reason
        instrument.state_time, instrument.phase, instrument.until = status.time, status.phase, status.until
        if instrument.state is MarketState.DELISTED:
            changes.delisted.append(instrument.symbol)
        changes.statuses.append(status)


def _terms(state: BookState) -> Terms:
    """Return the terms of a state as a packet would bring them."""
    more = state.terms and (tuple(map(tuple, state.terms[0])), *state.terms[1:])
    return Terms(state.instrument, state.terms_time, state.reference, state.collar_bp, *more)


def has_quotes(orders: Iterable[OpenOrder]) -> bool:
    """Tell whether some of a user's open orders are a quote's; O(orders)."""
    return any(order.time_in_force == _QUOTE for order in orders)


def _auction(state: BookState, held: Auction | None, *, continues: bool) -> Auction | None:
    """Return the auction of a state; None if it is in no call, and never was as far as is known."""
    time = max(state.time, state.state_time)
    if state.auction:
        auction_id, price, volume, surplus = state.auction
        phase = Phase(state.phase)
        return Auction(state.instrument, state.seq, time, auction_id, phase, price, volume, surplus, state.until)
    if held is None or (continues and held.kind is Phase.NONE):
        return held
    return Auction(state.instrument, state.seq, time, held.auction_id, Phase.NONE, 0, 0, 0, 0)


def _check_states(listing: Sequence[Instrument], states: Sequence[BookState]) -> None:
    for definition, state in zip_longest(listing, states):
        if state is None:
            raise ReplicaBroken(f"{definition.symbol} is listed, and has no snapshot")
        if definition is None or state.instrument != definition.symbol:
            raise ReplicaBroken(f"a snapshot of {state.instrument} stands where another instrument's should")
        if state.epoch != states[0].epoch:
            raise ReplicaBroken(f"{state.instrument}: its snapshot is of epoch {state.epoch}, not {states[0].epoch}")


def _user_seq(private: PrivateExecution | PrivateTransfer) -> int:
    return private[1].user_seq


def _count_orders(counts: dict[int, int], levels: Iterable[Level]) -> None:
    for price, quantity, orders in levels:
        if quantity:
            counts[price] = orders
        else:
            counts.pop(price, None)


def _levels(side: DepthSide, counts: Mapping[int, int], depth: int) -> list[Level]:
    quantities = side.quantities
    return [(price, quantities[price], counts[price]) for price in side.prices(depth)]

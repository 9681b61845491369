"""A make-believe exchange: packets and snapshots for a gateway's core, without an engine."""

from __future__ import annotations

from collections.abc import Iterable

from openoutcry.wire.depth_book import DepthBook
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Account, Auction, Execution, Status, Terms, Trade
from openoutcry.wire.types import Code, ExecutionEvent, Liquidity, MarketState, OrderKind, Side, TimeInForce
from shared.logs.events import (
    AccountsBegun,
    AdministrativeAct,
    BookChange,
    CancelOnDisconnectSet,
    MarketShown,
    Outcome,
    PrivateExecution,
    PrivateTransfer,
)
from shared.logs.packet import PACKET_VERSION, PLAIN_VERSION, FeedId, Packet
from shared.logs.snapshots import BookState


class Exchange:
    """Books that are changed by hand; every change makes a packet that follows the one before."""

    def __init__(self, *symbols: str, epoch: int = 7) -> None:
        self.epoch = epoch
        self.term = 1
        self.position = 0
        self.listing = [Instrument(symbol) for symbol in symbols]
        self.books = {symbol: DepthBook(symbol) for symbol in symbols}
        self.trade_ids = dict.fromkeys(symbols, 0)
        self.epoch_trade_ids = dict.fromkeys(symbols, 0)
        self.market_states = dict.fromkeys(symbols, (MarketState.OPEN, "", 0))
        """State, its reason and its time, as the snapshots have them."""
        self.user_seqs: dict[str, int] = {}

    def packet(
        self,
        *,
        bids: Iterable[tuple[int, int]] = (),
        asks: Iterable[tuple[int, int]] = (),
        symbol: str = "ACME",
        commands: int = 1,
        trades: Iterable[Trade] = (),
        executions: Iterable[PrivateExecution] = (),
        outcomes: Iterable[Outcome] = (),
        statuses: Iterable[Status] = (),
        listings: Iterable[Instrument] = (),
        switches: Iterable[CancelOnDisconnectSet] = (),
        transfers: Iterable[PrivateTransfer] = (),
        terms: Iterable[Terms] = (),
        beginnings: Iterable[AccountsBegun] = (),
        acts: Iterable[AdministrativeAct] = (),
        shown: Iterable[MarketShown] = (),
        auctions: Iterable[Auction] = (),
    ) -> tuple[FeedId, Packet, int]:
        """Set levels of one book and return the packet that says so, as (id, packet, published)."""
        changes = []
        bid_levels = [(price, quantity, 2) for price, quantity in bids]
        ask_levels = [(price, quantity, 2) for price, quantity in asks]
        prev = self.position
        self.position += commands
        if bid_levels or ask_levels:
            book = self.books[symbol]
            prev_seq = book.seq
            book.advance(prev_seq + commands, 0, bid_levels, ask_levels, 0)
            changes.append(BookChange(symbol, prev_seq, book.seq, bid_levels, ask_levels, book.digest))
        later = list(transfers), list(terms), list(beginnings), list(acts), list(shown)
        packet = Packet(
            PACKET_VERSION if any(later) or auctions else PLAIN_VERSION,
            self.epoch,
            prev,
            self.position,
            f"{self.position}-0",
            0,
            changes,
            list(trades),
            list(executions),
            list(outcomes),
            list(statuses),
            list(listings),
            list(switches),
            *later,
            auctions=list(auctions),
        )
        return FeedId(self.term, self.position), packet, 1_000_000 + self.position

    def trade(self, price: int, quantity: int, symbol: str = "ACME") -> Trade:
        self.trade_ids[symbol] += 1
        return Trade(symbol, self.books[symbol].seq, self.trade_ids[symbol], 5, price, quantity, Side.BID)

    def accepted(self, user: str, order_id: int, price: int = 100, quantity: int = 5) -> PrivateExecution:
        self.user_seqs[user] = self.user_seqs.get(user, 0) + 1
        execution = Execution(
            self.user_seqs[user],
            ExecutionEvent.ACCEPTED,
            5,
            order_id,
            f"c{order_id}",
            "ACME",
            Side.BID,
            OrderKind.LIMIT,
            TimeInForce.GTC,
            price,
            quantity,
            quantity,
            0,
            0,
            0,
            Liquidity.NONE,
            Code.OK,
        )
        return PrivateExecution(user, execution)

    def states(self) -> list[BookState]:
        """Every book's snapshot as the engine would store it."""
        return [
            BookState(
                symbol,
                self.epoch,
                str(FeedId(self.term, self.position)),
                book.seq,
                0,
                [(price, quantity, 2) for price, quantity in book.bids.levels()],
                [(price, quantity, 2) for price, quantity in book.asks.levels()],
                book.digest,
                0,
                0,
                0,
                0,
                0,
                self.trade_ids[symbol],
                *self.market_states[symbol],
                self.epoch_trade_ids[symbol],
            )
            for symbol, book in self.books.items()
        ]

    def snapshots(
        self, accounts: dict[str, Account] | None = None
    ) -> tuple[FeedId, list[Instrument], list[BookState], dict[str, Account], int]:
        """The arguments of `MarketReplica.load`."""
        return FeedId(self.term, self.position), self.listing, self.states(), accounts or {}, 1_000_000

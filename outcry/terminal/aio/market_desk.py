"""The market as the screen needs it: one instrument at a time, looked at when it is drawn."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from typing import Final

from openoutcry.aio.book import Book
from openoutcry.aio.live_account import LiveAccount
from openoutcry.aio.market import Market
from openoutcry.aio.tape import Tape
from openoutcry.errors import RequestRefused
from openoutcry.session_state import SessionState
from openoutcry.trade_tape import Missing
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import OpenOrder, Reply, Trade
from openoutcry.wire.types import Code, OrderKind, Side
from outcry.terminal.account_rows import ListRow, execution_row, order_rows, position_rows, trade_row
from outcry.terminal.delays import Delay, RecentDelays
from outcry.terminal.ladder_rows import ladder_rows
from outcry.terminal.picture import Picture
from outcry.terminal.queue_place import QueuePlaces
from outcry.terminal.standing import LinkState, standing
from outcry.terminal.ticket_check import Checked, TicketDraft, TicketSetting

TRADES_KEPT: Final = 200
"""Latest trades of an instrument; older ones are forgotten."""
EXECUTIONS_KEPT: Final = 1_000
"""Latest executions since the start; older ones are in the ledger."""
DELAY_EVERY_S: Final = 1.0
"""Between two summaries of delays."""


class MarketDesk:
    """
    One user's desk.

    Args:
        market: Connected.
        listing: All instruments.
        depth: Levels a side that are followed.
        account: The user's; None if it is not shown.
    """

    def __init__(self, market: Market, listing: Sequence[Instrument], depth: int, account: LiveAccount | None) -> None:
        self.symbols: Final = [each.symbol for each in listing]
        self._market = market
        self._listing = {each.symbol: each for each in listing}
        self._depth = depth
        self._account = account
        self._executions = account.executions() if account is not None else None
        self._done: deque[ListRow] = deque(maxlen=EXECUTIONS_KEPT)
        self._book: Book | None = None
        self._tape: Tape[Trade] | None = None
        self._trades: deque[Trade | Missing] = deque(maxlen=TRADES_KEPT)
        self._trades_of: dict[str, deque[Trade | Missing]] = {}
        """By instrument that was shown."""
        self._places = QueuePlaces()
        self._delays = RecentDelays()
        self._delay: Delay | None = None
        self._delay_at = 0.0
        self._seen = (0, 0, 0)
        """Epoch, recoveries and changes of the book at the last look."""
        self._numbers = 0

    @property
    def has_account(self) -> bool:
        """Whether the user's own things are shown."""
        return self._account is not None

    @property
    def symbol(self) -> str:
        """The instrument that is shown."""
        assert self._book is not None
        return self._book.instrument

    def check(self) -> None:
        """Raise `Disconnected` if the market has ended."""
        self._market.check()

    async def open(self, symbol: str) -> None:
        """
        Show an instrument.

        Raises:
            RequestRefused: If it is not listed, or the server refuses; what was shown stays.
            TimeoutError: If nothing came in time.
            Disconnected: If the market has ended.
        """
        if symbol not in self._listing:
            raise RequestRefused(Code.UNKNOWN_INSTRUMENT, f"instrument: {symbol} is not listed")
        if self._book is not None and self._book.instrument == symbol:
            return
        book = await self._market.book(symbol, depth=self._depth)
        tape = await self._market.trades(symbol)
        left, self._book, self._tape = self._book, book, tape
        # Kept, because a tape tells nothing twice.
        self._trades = self._trades_of.setdefault(symbol, deque(maxlen=TRADES_KEPT))
        self._places.forget()
        self._seen = (0, 0, 0)
        if left is not None:
            await self._market.leave_book(left.instrument)

    async def send(self, symbol: str, draft: TicketDraft, checked: Checked, client_order_id: str) -> Reply:
        """Enter the order of a checked ticket, whatever is shown by now; raises as `Market.order`."""
        return await self._market.order(
            symbol,
            side=draft.side,
            kind=draft.kind,
            time_in_force=draft.time_in_force,
            price=checked.price if draft.kind is OrderKind.LIMIT else None,
            quantity=checked.quantity,
            client_order_id=client_order_id,
        )

    async def cancel(self, order_id: int) -> Reply:
        """Cancel one order; raises as `Market.cancel`."""
        return await self._market.cancel(order_id=order_id)

    async def cancel_all(self) -> Reply:
        """Cancel all of the user's orders, of every instrument; raises as `Market.cancel_all`."""
        return await self._market.cancel_all()

    def look(self) -> Picture:
        """Return the present picture. O(levels, open orders, and what came since the last look)."""
        book = self._book
        assert book is not None
        now = time.monotonic()
        instrument = self._listing[book.instrument]
        bids, asks = book.bids(self._depth), book.asks(self._depth)
        mine = [order for order in self._orders() if order.instrument == book.instrument]
        stale = book.stale
        self._read(book, mine, bids, asks, now)
        rows = ladder_rows(bids, asks, mine, self._places.ahead)
        last = next((trade.price for trade in reversed(self._trades) if isinstance(trade, Trade)), 0)
        return Picture(
            instrument=instrument,
            standing=standing(self._heard(book)),
            delay=self._delay,
            is_stale=stale is not None,
            status=self._market.status(book.instrument),
            auction=book.auction,
            bids=rows[0],
            asks=rows[1],
            setting=self._setting(instrument, bids, asks, last),
            last=last,
            lists=self._lists(instrument),
            account_is_stale=self._account is not None and self._account.stale is not None,
        )

    # -- private ----------------------------------------------------------------------------------------------------

    def _orders(self) -> list[OpenOrder]:
        return list(self._account.orders.values()) if self._account is not None else []

    def _read(
        self, book: Book, mine: list[OpenOrder], bids: list[tuple[int, int]], asks: list[tuple[int, int]], now: float
    ) -> None:
        """Take what has come since the last look."""
        assert self._tape is not None
        new = self._tape.read()
        self._trades.extend(new)
        if self._executions is not None:
            for execution in self._executions.read():
                self._numbers += 1
                self._done.append(execution_row(self._numbers, execution, self._listing))
        seen = (book.epoch, book.recoveries, book.changes)
        # A snapshot's time is that of the last change, which in a quiet book is long ago: its age is no delay.
        if self._seen[0] and seen[:2] == self._seen[:2] and seen != self._seen:
            self._delays.add(now, book.received_us - book.time)
        self._seen = seen
        if now - self._delay_at >= DELAY_EVERY_S:
            self._delay_at, self._delay = now, self._delays.summary(now)
        if self._account is not None and self._account.stale is not None:
            self._places.forget()  # an order may have moved away and back meanwhile
        elif book.stale is None:
            levels = {Side.BID: dict(bids), Side.ASK: dict(asks)}
            trades = [trade for trade in new if isinstance(trade, Trade)]
            self._places.look(mine, trades, (book.epoch, book.seq, book.changes), levels, now)

    def _heard(self, book: Book) -> LinkState:
        session, link = self._market.session, self._market.link
        feed = self._market.status()
        return LinkState(
            is_connected=session.state is SessionState.OPEN,
            attempts=link.attempts,
            ending=link.last_ending.reason,
            feed=feed.state if feed is not None else None,
            stale=book.stale,
            seq=book.seq,
            delay=self._delay,
        )

    def _setting(
        self, instrument: Instrument, bids: list[tuple[int, int]], asks: list[tuple[int, int]], last: int
    ) -> TicketSetting:
        free_money = free_lots = None
        if self._account is not None and self._account.keeps_accounts and self._account.stale is None:
            free_money = self._account.free.get(instrument.currency, 0)
            held = self._account.holdings.get(instrument.symbol)
            free_lots = held.free(time.time_ns() // 1_000) if held is not None else 0
        return TicketSetting(
            instrument,
            self._market.terms(instrument.symbol),
            last,
            bids[0][0] if bids else 0,
            asks[0][0] if asks else 0,
            free_money,
            free_lots,
        )

    def _lists(self, instrument: Instrument) -> dict[str, Sequence[ListRow]]:
        lists: dict[str, Sequence[ListRow]] = {
            "trades": [trade_row(trade, instrument) for trade in reversed(self._trades)]
        }
        account = self._account
        if account is None:
            return lists
        kept = account.keeps_accounts
        free, results = account.free, account.results
        purses = {
            currency: (held, free.get(currency, held) if kept else None, results.get(currency, 0) if kept else None)
            for currency, held in account.cash.items()
        }
        lists["orders"] = order_rows(self._orders(), self._listing, self._places.ahead)
        lists["executions"] = list(reversed(self._done))
        lists["positions"] = position_rows(account.positions, account.holdings, purses)
        return lists


def neighbour(symbols: Sequence[str], symbol: str, step: int) -> str:
    """Return the symbol so many places further, around the end."""
    return symbols[(symbols.index(symbol) + step) % len(symbols)]

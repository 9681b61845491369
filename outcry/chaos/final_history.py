"""The market's final history, from the packets alone.

Derived without any of the services' code: packets in, and what must hold of them is checked at each one. Gaps, an
order accepted twice, a command applied twice, a trade without two sides, a crossed book or a digest that is not that
of its levels are findings. So is an asset of which a packet makes or loses something: whatever one account gets, others
give, `~bank` and `~issuer` included. Accounts come of executions and transfers, by the rule that clients use.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from openoutcry.wire.account import AccountBook, millionths, tick_value
from openoutcry.wire.depth_book import DepthBook, is_crossed
from openoutcry.wire.funded_account_book import FundedAccountBook
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Execution, Trade, Transfer
from openoutcry.wire.sequence import Verdict
from openoutcry.wire.types import ExecutionEvent, MarketState, Side
from outcry.conformance.plain_book import digest
from shared.logs.events import BookChange, Outcome, PrivateExecution, PrivateTransfer
from shared.logs.feed_entry import FeedEntry
from shared.logs.packet import FEED_START, FeedId, Packet

FINDINGS_MAX: Final = 20
"""Findings kept in words; `finding_count` counts on."""


def before(first: FeedEntry, known: Iterable[FeedEntry]) -> list[FeedEntry]:
    """
    Return the packets that led to one, oldest first; O(n log n) of those that are known.

    Args:
        first: Where the feed begins now.
        known: Every packet that ever was, those of a history that is over included: they lead nowhere.
    """
    chain: list[FeedEntry] = []
    position = first.packet.prev
    for entry in sorted((each for each in known if each.feed_id < first.feed_id), reverse=True, key=_place):
        if entry.packet.position == position:
            chain.append(entry)
            position = entry.packet.prev
    chain.reverse()
    return chain


def _place(entry: FeedEntry) -> FeedId:
    return entry.feed_id


class EpochBegin(NamedTuple):
    """Where an epoch began."""

    epoch: int
    published_us: int


class FinalHistory:
    """The state of the market after a row of packets; add them in order, from the first one."""

    def __init__(self) -> None:
        self.last_id = FEED_START
        self.epochs: list[EpochBegin] = []
        """In order; more than one says that history was or may have been lost."""
        self.findings: list[str] = []
        self.finding_count = 0
        self.accepted: dict[tuple[str, str], list[int]] = {}
        """By user and client order id: the order ids under which the order was accepted; should be one."""
        self.executions: dict[str, dict[int, Execution]] = {}
        """By user and user_seq."""
        self.transfers: dict[str, dict[int, Transfer]] = {}
        """By user, or system account, and user_seq; executions have the numbers between."""
        self.keeps_accounts = False
        self.accounts: dict[str, AccountBook] = {}
        self.books: dict[str, DepthBook] = {}
        self._states: dict[str, str] = {}  # of the instruments that have had another than open
        self._listing: dict[str, Instrument] = {}
        self._numbers: dict[str, int] = {}
        self._user_seqs: dict[str, int] = {}
        self._sums: dict[str, int] = {}
        """By asset: lots or millionths that came from nowhere."""
        self._trade_ids: dict[str, int] = {}

    def add(self, entry: FeedEntry) -> None:
        """Add the next packet; O(its content and the depth of the books that it changes)."""
        feed_id, packet, _, published_us = entry
        self._expect(feed_id > self.last_id, f"{feed_id} stands after {self.last_id}")
        self._expect(packet.position == feed_id.position, f"{feed_id} says position {packet.position}")
        self._expect(packet.prev == self.last_id.position, f"{feed_id} goes on after {packet.prev}: {self.last_id}")
        self.last_id = feed_id
        if not self.epochs or self.epochs[-1].epoch != packet.epoch:
            self.epochs.append(EpochBegin(packet.epoch, published_us))
        self._listing.update({instrument.symbol: instrument for instrument in packet.listings})
        for outcome in packet.outcomes:
            self._add_outcome(feed_id, outcome)
        self.keeps_accounts = self.keeps_accounts or bool(packet.beginnings)
        self._add_private(feed_id, packet)
        for trade in packet.trades:
            self._add_trade(feed_id, trade, packet.executions)
        for change in packet.changes:
            self._add_change(feed_id, change)
        self._states.update({str(status.instrument): status.state for status in packet.statuses})
        named = [change.instrument for change in packet.changes] + [str(each.instrument) for each in packet.statuses]
        for symbol in dict.fromkeys(named):
            self._expect_uncrossed(feed_id, symbol)

    def _add_outcome(self, feed_id: FeedId, outcome: Outcome) -> None:
        last = self._numbers.get(outcome.source, 0)
        self._expect(outcome.number > last, f"{feed_id}: {outcome.source} {outcome.number} is applied after {last}")
        self._numbers[outcome.source] = max(last, outcome.number)

    def _add_private(self, feed_id: FeedId, packet: Packet) -> None:
        """Add executions and transfers, of each user in the order of their numbers; O(n log n) if there are any."""
        rows: list[PrivateExecution | PrivateTransfer] = [*packet.executions, *packet.transfers]
        for private in sorted(rows, key=_user_seq) if packet.transfers else rows:
            user, last = private.user, self._user_seqs.get(private.user, 0)
            number = _user_seq(private)
            what = "execution" if isinstance(private, PrivateExecution) else "transfer"
            self._expect(number == last + 1, f"{feed_id}: {what} {number} of {user}")
            self._user_seqs[user] = max(last, number)
            if user not in self.accounts:
                kind = FundedAccountBook if self.keeps_accounts else AccountBook
                self.accounts[user] = kind(self._listing)
            if isinstance(private, PrivateExecution):
                self._add_execution(feed_id, private)
            else:
                self._add_transfer(feed_id, private)
        for asset in [asset for asset, amount in self._sums.items() if amount]:
            self._expect(False, f"{feed_id}: {self._sums.pop(asset)} of {asset} came from nowhere")  # noqa: FBT003

    def _add_transfer(self, feed_id: FeedId, private: PrivateTransfer) -> None:
        user, transfer = private
        self.transfers.setdefault(user, {})[transfer.user_seq] = transfer
        self._count(transfer.asset, millionths(transfer.amount))
        account = self.accounts[user]
        if not isinstance(account, FundedAccountBook):
            self._expect(False, f"{feed_id}: a transfer of {user} where no accounts are kept")  # noqa: FBT003
            return
        is_right = account.apply_transfer(transfer) is Verdict.APPLY
        self._expect(is_right, f"{feed_id}: transfer {transfer.user_seq} of {user} leads not to {transfer.balance}")

    def _count(self, asset: str, amount: int) -> None:
        self._sums[asset] = self._sums.get(asset, 0) + amount

    def _add_execution(self, feed_id: FeedId, private: PrivateExecution) -> None:
        user, execution = private
        self.executions.setdefault(user, {})[execution.user_seq] = execution
        self.accounts[user].apply(execution)
        if execution.event == ExecutionEvent.FILLED:
            instrument = self._listing[execution.instrument]
            lots = execution.fill_quantity if execution.side == Side.BID else -execution.fill_quantity
            self._count(instrument.symbol, lots)
            self._count(instrument.currency, -lots * execution.fill_price * tick_value(instrument))
        if execution.event == ExecutionEvent.ACCEPTED:
            orders = self.accepted.setdefault((user, execution.client_order_id), [])
            orders.append(execution.order_id)
            self._expect(len(orders) == 1, f"{feed_id}: {execution.client_order_id} of {user} is accepted again")

    def _add_trade(self, feed_id: FeedId, trade: Trade, executions: Iterable[PrivateExecution]) -> None:
        last = self._trade_ids.get(trade.instrument, 0)
        name = f"trade {trade.trade_id} of {trade.instrument}"
        self._expect(trade.trade_id == last + 1, f"{feed_id}: {name} after {last}")
        self._trade_ids[trade.instrument] = trade.trade_id
        sides = sorted(
            (fill.side, fill.fill_price, fill.fill_quantity)
            for _, fill in executions
            if (fill.instrument, fill.trade_id) == (trade.instrument, trade.trade_id)
        )
        wanted = [(Side.ASK, trade.price, trade.quantity), (Side.BID, trade.price, trade.quantity)]
        self._expect(sides == wanted, f"{feed_id}: {name} has the sides {sides}")

    def _add_change(self, feed_id: FeedId, change: BookChange) -> None:
        book = self.books.setdefault(change.instrument, DepthBook(change.instrument))
        self._expect(change.prev_seq == book.seq, f"{feed_id}: {change.instrument} goes on after {change.prev_seq}")
        book.advance(change.seq, 0, change.bids, change.asks, change.digest)
        found = digest(book.bids.quantities, book.asks.quantities)
        self._expect(found == change.digest, f"{feed_id}: {change.instrument} has digest {found:08x}")

    def _expect_uncrossed(self, feed_id: FeedId, symbol: str) -> None:
        """A book may be crossed in a call, and until the next one if trading ended before it was uncrossed."""
        book, is_open = self.books.get(symbol), self._states.get(symbol, MarketState.OPEN) == MarketState.OPEN
        if book is not None and is_open:
            bid, ask = book.bids.best(), book.asks.best()
            self._expect(not is_crossed(bid, ask), f"{feed_id}: {symbol} is crossed, {bid} to {ask}")

    def _expect(self, holds: bool, finding: str) -> None:  # noqa: FBT001 - reads as a sentence
        if holds:
            return
        self.finding_count += 1
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(finding)


def _user_seq(private: PrivateExecution | PrivateTransfer) -> int:
    return private[1].user_seq


class GrowingHistory:
    """Packets that have been added are not added again, unless the history is no longer the same up to there."""

    def __init__(self) -> None:
        self._history = FinalHistory()
        self._entries: list[FeedEntry] = []

    def read(self, entries: Sequence[FeedEntry]) -> FinalHistory:
        """Return the history of all entries, given from the first one on; O(those that are new)."""
        known = len(self._entries)
        if self._entries != list(entries[:known]):
            self._history, known = FinalHistory(), 0
        for entry in entries[known:]:
            self._history.add(entry)
        self._entries = list(entries)
        return self._history

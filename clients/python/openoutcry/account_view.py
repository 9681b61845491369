"""The user's account and whether it can be vouched for; the private counterpart of `book_view`."""

from __future__ import annotations

from collections.abc import Mapping

from openoutcry.book_view import Finding
from openoutcry.events import StaleReason
from openoutcry.wire.account import AccountBook
from openoutcry.wire.funded_account_book import FundedAccountBook, account_book
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Account, Execution, Transfer
from openoutcry.wire.sequence import Verdict
from openoutcry.wire.types import ExecutionEvent


class AccountView:
    """
    Open orders, positions and cash; where the exchange keeps accounts, holdings and what orders reserve.

    Args:
        listing: Definitions by symbol, growing; fills need the instrument's currency and tick value.
    """

    __slots__ = ("_listing", "account", "stale_reason")

    def __init__(self, listing: Mapping[str, Instrument]) -> None:
        self._listing = listing
        self.account = AccountBook(listing)
        self.stale_reason: StaleReason | None = StaleReason.LOADING
        """None while the account is in sync."""

    def on_account(self, account: Account) -> Finding:
        """Take a snapshot instead of all that is held."""
        self.account = account_book(self._listing, account)
        self.stale_reason = None
        return Finding.VERIFIED

    def on_execution(self, execution: Execution) -> Finding:
        """Apply the next execution; one of an instrument not yet known here is treated as a gap."""
        if self.stale_reason is not None:
            return Finding.NOTHING
        if execution.event == ExecutionEvent.FILLED and execution.instrument not in self._listing:
            return self._break()
        return self._found(self.account.apply(execution))

    def on_transfer(self, transfer: Transfer) -> Finding:
        """Apply the next transfer; one to an account that is not known to hold anything is treated as a gap."""
        if self.stale_reason is not None:
            return Finding.NOTHING
        if not isinstance(self.account, FundedAccountBook):
            return self._break()
        return self._found(self.account.apply_transfer(transfer))

    def lose(self, reason: StaleReason) -> bool:
        """Note that the connection or the gateway's feed is gone; True if that is news."""
        if self.stale_reason is not None:
            return False
        self.stale_reason = reason
        return True

    def _found(self, verdict: Verdict) -> Finding:
        match verdict:
            case Verdict.APPLY:
                return Finding.VERIFIED
            case Verdict.DUPLICATE:
                return Finding.NOTHING
            case _:
                return self._break()

    def _break(self) -> Finding:
        self.stale_reason = StaleReason.GAP
        return Finding.BROKEN

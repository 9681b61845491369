"""The user's account as its owner holds it: orders, holdings and cash, and what changes them.

An exchange may keep accounts: then orders need the money and the lots that they promise. `keeps_accounts` says so.
"""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakSet

from openoutcry.account_view import AccountView
from openoutcry.aio.pulse import Pulse
from openoutcry.aio.tape import Tape
from openoutcry.errors import RequestRefused
from openoutcry.events import StaleReason
from openoutcry.held_lots import HeldLots, held_lots
from openoutcry.trade_tape import Missing
from openoutcry.wire.funded_account_book import FundedAccountBook
from openoutcry.wire.messages import Execution, OpenOrder, Transfer


class LiveAccount:
    """
    The user's account.

    Args:
        view: Kept by the session.
        pulse: Beats when the view has changed.
        is_silent: Whether, by the clock, no heartbeat was received for too long.
    """

    def __init__(self, view: AccountView, pulse: Pulse, is_silent: Callable[[], bool]) -> None:
        self._view = view
        self._pulse = pulse
        self._is_silent = is_silent
        self._told: int | None = None
        """Number of the last execution or transfer that readers know of, seen or missing; None before the first
        snapshot."""
        self._tapes: WeakSet[Tape[Execution]] = WeakSet()
        self._transfer_tapes: WeakSet[Tape[Transfer]] = WeakSet()

    def __repr__(self) -> str:
        account, standing = self._view.account, self.stale or "verified"
        return f"<LiveAccount user_seq={account.user_seq} open orders={len(account.orders)} {standing}>"

    @property
    def orders(self) -> dict[int, OpenOrder]:
        """Open orders by order id, as they stand: a copy, so a loop may cancel while it iterates. O(open orders)."""
        return dict(self._view.account.orders)

    @property
    def positions(self) -> dict[str, int]:
        """Net lots by instrument, as they stand; negative is short. A copy."""
        return dict(self._view.account.positions)

    @property
    def cash(self) -> dict[str, int]:
        """
        Money by currency, in millionths, as it stands. A copy.

        Where the exchange keeps accounts, what is held, what open orders reserve included. Elsewhere the net of all
        trades; negative is paid.
        """
        return dict(self._view.account.cash)

    @property
    def keeps_accounts(self) -> bool:
        """Whether orders need the money and the lots that they promise."""
        return isinstance(self._view.account, FundedAccountBook)

    @property
    def holdings(self) -> dict[str, HeldLots]:
        """What is held and offered by instrument, as it stands; empty without accounts. O(holdings, open orders)."""
        book = self._view.account
        return held_lots(book) if isinstance(book, FundedAccountBook) else {}

    @property
    def reserved(self) -> dict[str, int]:
        """What the open bids may still cost by currency, in millionths; empty without accounts. O(open orders)."""
        book = self._view.account
        return book.reserved().cash if isinstance(book, FundedAccountBook) else {}

    @property
    def free(self) -> dict[str, int]:
        """Money that is not reserved by currency, in millionths; empty without accounts. O(open orders)."""
        held = self._view.account.cash
        return {currency: held.get(currency, 0) - reserved for currency, reserved in self.reserved.items()}

    @property
    def results(self) -> dict[str, int]:
        """Realised result of all sales by currency, in millionths; empty without accounts. A copy."""
        book = self._view.account
        return dict(book.results) if isinstance(book, FundedAccountBook) else {}

    @property
    def cancel_on_disconnect(self) -> bool:
        """Whether your orders are cancelled when you stay away; `Market.cancel_on_disconnect` sets it."""
        return self._view.account.cancel_on_disconnect

    @property
    def user_seq(self) -> int:
        """Number of the last execution or transfer that is in it."""
        return self._view.account.user_seq

    @property
    def stale(self) -> StaleReason | None:
        """Why the client cannot vouch for it at present, by the clock too (see `Book.stale`); None if it can."""
        if self._view.stale_reason is None and self._is_silent():
            return StaleReason.DISCONNECTED
        return self._view.stale_reason

    async def changed(self) -> None:
        """
        Wait for the next change of the account or of its standing.

        Raises:
            Disconnected: If the market ends first.
            RequestRefused: If the server refuses to go on with it.
        """
        await self._pulse.moved()

    def stop(self, refusal: RequestRefused) -> None:
        """Note that it is followed no more; called by the market."""
        self._pulse.stop(refusal)

    def executions(self) -> Tape[Execution]:
        """Return a tape of all executions from now on; what a lost connection has swallowed is named as missing."""
        tape: Tape[Execution] = Tape(self._pulse)
        self._tapes.add(tape)
        return tape

    def transfers(self) -> Tape[Transfer]:
        """
        Return a tape of all transfers from now on: lots and money that come or go without a trade.

        They share their numbers with the executions. A `Missing` names numbers of either that will not come.
        """
        tape: Tape[Transfer] = Tape(self._pulse)
        self._transfer_tapes.add(tape)
        return tape

    def seen(self, execution: Execution) -> None:
        """Pass an execution on; called by the market."""
        self._told = execution.user_seq
        for tape in self._tapes:
            tape.add(execution.user_seq, execution)
        self.moved()

    def transferred(self, transfer: Transfer) -> None:
        """Pass a transfer on; called by the market."""
        self._told = transfer.user_seq
        for tape in self._transfer_tapes:
            tape.add(transfer.user_seq, transfer)
        self.moved()

    def loaded(self, user_seq: int) -> None:
        """Note a fresh snapshot, and name the executions and transfers that it stands for; called by the market."""
        if self._told is not None and user_seq > self._told:
            missing = Missing(self._told + 1, user_seq)
            for tape in self._tapes:
                tape.add_missing(missing)
            for transfers in self._transfer_tapes:
                transfers.add_missing(missing)
        self._told = user_seq
        self.moved()

    def moved(self) -> None:
        """Note that the view has changed; called by the market."""
        self._pulse.beat()

"""The user's account as its owner holds it: orders, positions and cash, and the executions that change them."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakSet

from openoutcry.account_view import AccountView
from openoutcry.aio.pulse import Pulse
from openoutcry.aio.tape import Tape
from openoutcry.errors import RequestRefused
from openoutcry.events import StaleReason
from openoutcry.trade_tape import Missing
from openoutcry.wire.messages import Execution, OpenOrder


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
        """Number of the last execution that readers know of, seen or missing; None before the first snapshot."""
        self._tapes: WeakSet[Tape[Execution]] = WeakSet()

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
        """Net of all trades by currency, in millionths, as it stands; negative is paid. A copy."""
        return dict(self._view.account.cash)

    @property
    def cancel_on_disconnect(self) -> bool:
        """Whether your orders are cancelled when you stay away; `Market.cancel_on_disconnect` sets it."""
        return self._view.account.cancel_on_disconnect

    @property
    def user_seq(self) -> int:
        """Number of the last execution that is in it."""
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

    def seen(self, execution: Execution) -> None:
        """Pass an execution on; called by the market."""
        self._told = execution.user_seq
        for tape in self._tapes:
            tape.add(execution.user_seq, execution)
        self.moved()

    def loaded(self, user_seq: int) -> None:
        """Note a fresh snapshot, and name the executions that it stands for; called by the market."""
        if self._told is not None and user_seq > self._told:
            for tape in self._tapes:
                tape.add_missing(Missing(self._told + 1, user_seq))
        self._told = user_seq
        self.moved()

    def moved(self) -> None:
        """Note that the view has changed; called by the market."""
        self._pulse.beat()

"""One trader: orders whose names are unique, each repeated under its name until its outcome is known.

The trader uses the client library and the gateways, as anyone would, and remembers every reply.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

from openoutcry.aio.live_account import LiveAccount
from openoutcry.aio.market import Market
from openoutcry.errors import Disconnected, OrderRefused, OutcomeUnknown
from openoutcry.trade_tape import Missing
from openoutcry.wire.backoff import Backoff
from openoutcry.wire.types import Code, Side, TimeInForce
from outcry.chaos.trader_record import Acknowledged, HeldAccount, SeenExecution, TraderRecord

PRICE: Final = 1000
"""In the middle of every book, ticks."""
DISTANCE_MAX: Final = 5
"""Ticks from the middle, to either side: about half of the orders trade."""
QUANTITY_MAX: Final = 5
TAKE_SHARE: Final = 0.3
"""Share of orders that never rest."""
SPECIAL_SHARE: Final = 0.15
"""Share of orders that ask more: they wait for a price, end with the day, or want a minimum."""
OPEN_ORDERS_MAX: Final = 12
"""Beyond it the oldest is cancelled: books stay small."""
AGAIN: Final = (Code.BUSY, Code.RATE_LIMITED, Code.NOT_OPEN)
"""Refusals that say: nothing came of it, try again."""
OF_THE_MOMENT: Final = (Code.WOULD_TRIGGER,)
"""Refusals that another moment would not have brought: an order that was lost on its way may meet one when it is sent
again. That it does not stand follows, since ids that are known are asked for first; the final history is asked too."""
RECENT: Final = 256
"""Acknowledgements that are looked at for the first after a fault."""
REPEAT_MAX_S: Final = 1.0
"""Longest pause between two tries of one order."""


class ChaosTrader:
    """
    A user who trades.

    Args:
        market: Connected.
        account: His own, followed.
        instruments: Where to trade.
        random: Of what he does.
    """

    def __init__(self, market: Market, account: LiveAccount, instruments: Sequence[str], random: Random) -> None:
        self.user: Final = market.user
        self._market = market
        self._account = account
        self._instruments = instruments
        self._random = random
        self._number = 0
        self._acknowledged: list[Acknowledged] = []
        self._refused: list[str] = []
        self._unresolved: dict[str, int] = {}
        self._contradictions: list[str] = []
        self._executions: list[SeenExecution] = []
        self._sent_first: list[tuple[int, int]] = []
        """When acknowledged orders had first been sent, and when they were acknowledged, in order of the latter."""

    async def listen(self) -> None:
        """Keep every execution that is sent; never ends by itself."""
        async for execution in self._account.executions():
            if not isinstance(execution, Missing):
                row = (execution.user_seq, str(execution.event), execution.order_id, execution.client_order_id)
                self._executions.append(SeenExecution(*row, execution.trade_id, _now_us()))

    async def act(self) -> None:
        """Place an order, and return when its outcome is known; take back an old one where too many rest."""
        await self._place(self._order())
        if len(self._account.orders) > OPEN_ORDERS_MAX:
            await self._cancel(min(self._account.orders))

    @property
    def is_settled(self) -> bool:
        """Whether every outcome is known and the account can be trusted."""
        return not self._unresolved and self._account.stale is None

    @property
    def user_seq(self) -> int:
        """Number of the last execution in his account."""
        return self._account.user_seq

    def first_answer_us(self, since_us: int) -> int:
        """Return when the first order that was sent after a moment was acknowledged, µs since 1970; 0 if none was."""
        return next((told_us for sent_us, told_us in self._sent_first[-RECENT:] if sent_us >= since_us), 0)

    def record(self) -> TraderRecord:
        """Return everything so far."""
        account = HeldAccount(
            self._account.stale is None,
            self._account.user_seq,
            sorted(self._account.orders),
            dict(self._account.positions),
            dict(self._account.cash),
        )
        return TraderRecord(
            self.user,
            self._acknowledged,
            self._refused,
            list(self._unresolved),
            self._contradictions,
            self._executions,
            account,
        )

    def _order(self) -> dict[str, Any]:
        self._number += 1
        instrument = self._random.choice(self._instruments)
        side = self._random.choice((Side.BID, Side.ASK))
        offset = self._random.randint(-DISTANCE_MAX, DISTANCE_MAX)
        takes = self._random.random() < TAKE_SHARE
        order = {
            "instrument": instrument,
            "side": side,
            "quantity": self._random.randint(1, QUANTITY_MAX),
            "price": PRICE + offset,
            "time_in_force": TimeInForce.IOC if takes else TimeInForce.GTC,
            "client_order_id": f"{self.user}-{self._number}",
        }
        return {**order, **self._special(side)} if self._random.random() < SPECIAL_SHARE else order

    def _special(self, side: Side) -> dict[str, Any]:
        """Return what makes an order special. None ends soon: to be sent again for as long as a fault lasts is safe."""
        kind = self._random.choice(("stop", "day", "minimum"))
        if kind == "day":
            return {"time_in_force": TimeInForce.DAY}
        if kind == "minimum":
            return {"time_in_force": TimeInForce.IOC, "minimum": 1}
        near = self._random.randint(1, DISTANCE_MAX)
        trigger = PRICE + near if side is Side.BID else PRICE - near
        return {"time_in_force": TimeInForce.GTC, "trigger": trigger, "price": trigger}

    async def _place(self, order: Mapping[str, Any]) -> None:
        name = order["client_order_id"]
        first_us = _now_us()
        backoff = Backoff(self._random, max_s=REPEAT_MAX_S)
        self._unresolved[name] = first_us
        may_stand = False
        while True:
            try:
                reply = await self._market.order(**order)
            except OutcomeUnknown:
                may_stand = True
            except Disconnected:
                self._market.check()  # Sent away for good: that is an error.
            except OrderRefused as refused:
                if refused.code not in AGAIN:
                    del self._unresolved[name]
                    self._note_refused(name, refused, first_us, may_stand=may_stand)
                    return
            else:
                del self._unresolved[name]
                self._note_acknowledged(name, int(reply.data["order_id"]), first_us)
                return
            await asyncio.sleep(backoff.next_delay())

    def _note_acknowledged(self, name: str, order_id: int, first_us: int) -> None:
        told_us = _now_us()
        self._acknowledged.append(Acknowledged(name, order_id, told_us))
        self._sent_first.append((first_us, told_us))

    def _note_refused(self, name: str, refused: OrderRefused, first_us: int, *, may_stand: bool) -> None:
        if refused.code == Code.DUPLICATE_ORDER and may_stand:
            self._note_acknowledged(name, refused.order_id or 0, first_us)
        elif refused.code in OF_THE_MOMENT:
            self._refused.append(name)
        elif refused.code == Code.DUPLICATE_ORDER or may_stand:
            self._contradictions.append(f"{name} of {self.user} was answered by {refused}")
        else:
            self._refused.append(name)

    async def _cancel(self, order_id: int) -> None:
        try:
            await self._market.cancel(order_id=order_id)
        except (OutcomeUnknown, Disconnected, OrderRefused):
            self._market.check()  # Whether it rests, the account tells; a later turn tries again.


def _now_us() -> int:
    return time.time_ns() // 1000

"""A user who trades: follows the own account and names the own orders."""

from __future__ import annotations

import itertools
from typing import Any, Final

from openoutcry.wire.messages import Account, Execution, Reply
from openoutcry.wire.types import ExecutionEvent, Side
from outcry.conformance.aio.client import Client
from outcry.conformance.expectation import expect_equal, expect_ok


class CheckTrader:
    """
    A user with an account, on one connection.

    Args:
        client: Logged in.
        instrument: What is traded.
        run: Makes client order ids unique.
    """

    def __init__(self, client: Client, instrument: str, run: str) -> None:
        self.client: Final = client
        self.instrument: Final = instrument
        self._ids: Final = (f"{run}-{number}" for number in itertools.count(1))

    async def follow_account(self) -> Account:
        """Subscribe to the own account and return it as it stands."""
        await self.client.accepted("subscribe", channel="account")
        return await self.client.hear(Account)

    def new_id(self) -> str:
        """Return a client order id that nobody has used."""
        return next(self._ids)

    async def try_order(self, side: Side, quantity: int, price: int | None = None, **fields: Any) -> Reply:
        """Enter an order and return the reply, ok or not; `client_order_id` is made unless named."""
        request = {"client_order_id": self.new_id(), "instrument": self.instrument, "side": side, "quantity": quantity}
        if price is not None:
            request["price"] = price
        return await self.client.ask("order", **{**request, **fields})

    async def order(self, side: Side, quantity: int, price: int | None = None, **fields: Any) -> int:
        """Enter an order that must be accepted, and return its order id."""
        reply = await self.try_order(side, quantity, price, **fields)
        expect_ok(reply)
        order_id = reply.data.get("order_id")
        expect_equal(type(order_id), int, "type of order_id in the reply's data")
        assert isinstance(order_id, int)
        return order_id

    async def execution(self, event: ExecutionEvent, order_id: int) -> Execution:
        """Return the next execution of this event for one of the own orders."""
        return await self.client.hear(
            Execution,
            lambda execution: execution.event == event and execution.order_id == order_id,
            f"the execution {event} of order {order_id}",
        )

    async def rejection(self, client_order_id: str) -> Execution:
        """Return the execution that reports a refused order."""
        return await self.client.hear(
            Execution,
            lambda execution: (
                execution.event == ExecutionEvent.REJECTED and execution.client_order_id == client_order_id
            ),
            f"the rejection of {client_order_id}",
        )

    def executions(self, order_id: int) -> list[Execution]:
        """Return what was read so far about one order, in order."""
        return [execution for execution in self.client.heard(Execution) if execution.order_id == order_id]

    def trade_ids(self) -> list[int]:
        """Return the trades that the own orders were part of, as read so far."""
        return [each.trade_id for each in self.client.heard(Execution) if each.event == ExecutionEvent.FILLED]

    async def settle(self) -> None:
        """Read all that the server has said by now."""
        await self.client.accepted("ping")

    async def withdraw(self) -> None:
        """Cancel every own order."""
        await self.client.ask("cancel_all")

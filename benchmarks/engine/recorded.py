"""An hour of recorded order flow, if it lies beside the project, as the commands that the product makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.engine.flow import ASK, BID, CANCEL, IOC, LIMIT, REDUCE, Row
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import PRICE_MAX, QUANTITY_MAX, Side, TimeInForce
from outcry.flow.aio.lobster_file import LobsterFile
from outcry.flow.lobster_orders import LobsterOrders
from shared.logs.commands import CancelOrder, Command, PlaceOrder, ReplaceOrder

RECORDED: Final = Path(__file__).parents[3] / "shared" / "data" / "AAPL_2012-06-21_message_50.csv.gz"
"""No part of the project; where it is absent, this flow is skipped."""


def recorded(path: Path, commands: int) -> Iterator[Row]:
    """Yield the first commands of a LOBSTER message file, at most this many; `LobsterOrders` says what becomes what."""
    instrument = Instrument("AAPL", price_max=PRICE_MAX, quantity_max=QUANTITY_MAX)
    orders = LobsterOrders(instrument, "recorded")
    rows = _Rows()
    with LobsterFile(path) as file:
        for message in file:
            command = orders.command(message)
            if command is not None:
                yield rows.row(command)
                if command.number >= commands:
                    return


class _Rows:
    """Gives orders and users numbers."""

    def __init__(self) -> None:
        self._orders: dict[str, int] = {}
        self._totals: dict[str, int] = {}
        self._accounts: dict[str, int] = {}

    def row(self, command: Command) -> Row:
        match command:
            case PlaceOrder():
                name = command.client_order_id
                order_id = self._orders[name] = len(self._orders) + 1
                self._totals[name] = command.quantity
                account = self._accounts.setdefault(command.user, len(self._accounts) + 1)
                kind = LIMIT if command.time_in_force is TimeInForce.GTC else IOC
                side = BID if command.side is Side.BID else ASK
                return Row(kind, order_id, side, command.price, command.quantity, account)
            case CancelOrder():
                return Row(CANCEL, self._orders[command.client_order_id], 0, 0, 0, self._accounts[command.user])
            case ReplaceOrder():
                name = command.client_order_id
                assert command.quantity is not None, "a recorded replacement is a smaller total"
                fewer = self._totals[name] - command.quantity
                self._totals[name] = command.quantity
                return Row(REDUCE, self._orders[name], 0, 0, fewer, self._accounts[command.user])
            case _:
                raise AssertionError(f"no recorded message becomes {command}")

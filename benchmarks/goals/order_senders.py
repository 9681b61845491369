"""Users who only send orders, at a rate that nothing holds up: `c/orders.c`, led from here."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple, Self

from pydantic import TypeAdapter

from benchmarks.fan_out.build import program
from benchmarks.fan_out.users import LatencyUs
from benchmarks.line_program import LineProgram
from benchmarks.market_run import MarketRun, symbol, targets
from openoutcry.wire.codec import Encoding, encode_request
from outcry.stack.aio.child import RoleFailed
from shared.websocket_frame import BINARY, client_frame

SOURCES: Final = Path(__file__).parent / "c"
OPEN_SECONDS_MAX: Final = 60.0
ANSWER_SECONDS_MAX: Final = 20.0
"""Beyond the seconds of a run."""
NUMBER: Final = "#" * 10
"""Becomes an order's own number (see the program's head, like the next two)."""
DUE: Final = 0x7F7F7F7F
OWN: Final = 0x7E7E7E7E


class OrdersReport(NamedTuple):
    """What became of a run's orders."""

    sent: int
    accepted: int
    refused: int
    unanswered: int
    disconnects: int
    first_refusal: str
    seconds: float
    """From the first order's due time to the last reply."""
    latency_us: LatencyUs
    """From when an order was due to its reply."""
    cpu_user_s: float
    cpu_system_s: float

    def checked(self) -> Self:
        """
        Return self if every order was accepted.

        Raises:
            RoleFailed: Otherwise.
        """
        if self.accepted < self.sent:
            raise RoleFailed(f"not every order was accepted: {self}")
        return self


_REPORT: Final = TypeAdapter(OrdersReport)


class OrderSenders:
    """
    Connected users; a context manager that ends them.

    Args:
        run: The market.
        users: How many; a user may send 50 orders a second.
        gateways: To how many of the gateways, the first ones.
        orders: What to send, in turn.
    """

    def __init__(self, run: MarketRun, users: int, gateways: int, orders: list[dict[str, object]]) -> None:
        folder = run.stack.folder
        frames = [client_frame(encode_request(order, Encoding.MSGPACK), BINARY, bytes(4)) for order in orders]
        (folder / "orders").write_bytes(b"".join(frames))
        tokens = folder / "sender-tokens"
        tokens.touch(mode=0o600)
        tokens.write_text("".join(f"{run.stack.token(f'sender-{number:05}')}\n" for number in range(users)))
        options = {
            "connect": ",".join(targets(run.stack)[:gateways]),
            "subprotocol": Encoding.MSGPACK.value,
            "tokens": tokens,
            "users": users,
            "orders": folder / "orders",
        }
        argv = [str(program("orders", SOURCES)), *(word for item in options.items() for word in _option(*item))]
        self._program = LineProgram("orders", argv, folder)

    @property
    def pid(self) -> int:
        """Of the one process that all of them are."""
        return self._program.child.pid

    async def open(self) -> None:
        """Connect everyone."""
        await self._program.ask("open", OPEN_SECONDS_MAX)

    def start(self, rate: float, seconds: float) -> None:
        """Begin to send; `report` must follow."""
        self._program.tell(f"run {rate} {seconds}")

    async def report(self, seconds: float) -> OrdersReport:
        """Return what became of the run, when all is answered; it takes `seconds` as begun."""
        return _REPORT.validate_python(await self._program.hear("run", seconds + ANSWER_SECONDS_MAX))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._program.stop()


def crossing_orders(levels: int) -> list[dict[str, object]]:
    """Return orders that leave nothing behind: asks of one lot at as many levels, then bids that take them all."""
    asks = [_order("ask", price) for price in range(10_000, 10_000 + levels)]
    return [*asks, *(_order("bid", 10_000 + levels) for _ in asks)]


def dated_order() -> dict[str, object]:
    """Return an order that rests at a price of its own, with the moment when it was due as its quantity."""
    return _order("bid", OWN, DUE, instrument=0)


def _order(side: str, price: int, quantity: int = 1, instrument: int = 1) -> dict[str, object]:
    return {
        "op": "order",
        "id": NUMBER,
        "client_order_id": NUMBER,
        "instrument": symbol(instrument),
        "side": side,
        "price": price,
        "quantity": quantity,
    }


def _option(name: str, value: object) -> tuple[str, str]:
    return f"--{name}", str(value)

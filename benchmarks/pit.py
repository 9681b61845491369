"""An engine at which the most expensive commands are made: see `worst_commands`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import OrderKind, SelfTradePrevention, Side, TimeInForce
from services.matching.engine import Engine
from services.matching.floor import EngineConfig
from services.matching.packet_builder import PacketBuilder
from shared.logs.commands import Command, ListInstrument, PlaceOrder
from shared.logs.packet import encode_packet

SYMBOL: Final = "ACME"
MID: Final = 100_000
ORDERS_A_USER: Final = 1_000
DEEP: Final = 10_000
"""Levels of a deep book, one order each, and orders of a long queue."""
DEEPEST: Final = 300_000
"""Levels of a book as deep as a few hundred users make it who have all the orders that they may have."""
NEWEST: Final = SelfTradePrevention.CANCEL_NEWEST

Case: TypeAlias = Callable[["Pit"], Callable[[], object]]


class Pit:
    """
    An engine whose packets are made and encoded, and whose commands are numbered.

    Args:
        share: Of all sizes.
    """

    def __init__(self, share: float, **config: int) -> None:
        self.engine = Engine(EngineConfig(**config))
        self.builder = PacketBuilder(self.engine)
        self.share = share
        self.number = 0
        self.time_us = 1
        self.does(ListInstrument, Instrument(SYMBOL))

    def size(self, full: int) -> int:
        """Return the share of a full size, at least 2."""
        return max(2, int(full * self.share))

    def command(self, kind: Callable[..., Command], *fields: object) -> Command:
        """Make the next command."""
        self.number += 1
        return kind("gateway", self.number, *fields)

    def does(self, kind: Callable[..., Command], *fields: object) -> None:
        """Carry out the next command."""
        self.builder.apply(self.command(kind, *fields), self.time_us)

    def place(self, user: str, side: Side, price: int, quantity: int = 1, **rules: Any) -> Command:
        """Make the next command, a limit order."""
        given = {"time_in_force": TimeInForce.GTC, "prevention": NEWEST, "symbol": SYMBOL, **rules}
        self.number += 1
        return PlaceOrder(
            "gateway", self.number, user, given["symbol"], f"{self.number:024}", side, OrderKind.LIMIT, price, quantity,
            given["time_in_force"], post_only=False, self_trade_prevention=given["prevention"],
        )  # fmt: skip

    def rest(self, user: str, side: Side, price: int, quantity: int = 1, **rules: Any) -> None:
        """Carry out the next command, a limit order."""
        self.builder.apply(self.place(user, side, price, quantity, **rules), self.time_us)

    def asks(self, levels: int) -> None:
        """Rest one order a level, of as many users as it takes."""
        for n in range(levels):
            self.rest(f"maker-{n // ORDERS_A_USER}", Side.ASK, MID + n)

    def tell(self) -> None:
        """Make the packet of what has happened."""
        packet = self.builder.take()
        if packet is not None:
            encode_packet(packet)

    def step(self, command: Command) -> Callable[[], object]:
        """Return the carrying out of one command, its packet included; all before it is told."""
        self.tell()

        def carry_out() -> None:
            self.builder.apply(command, self.time_us)
            self.tell()

        return carry_out

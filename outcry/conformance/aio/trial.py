"""What a check works with: the venue, users of its own, and connections that are closed when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Final

from openoutcry.wire.codec import Encoding
from openoutcry.wire.messages import Welcome
from outcry.conformance.aio.client import Client
from outcry.conformance.aio.pit import Pit, was_disturbed
from outcry.conformance.aio.trader import CheckTrader
from outcry.conformance.aio.venue import Venue, log_in
from outcry.conformance.aio.wire import Wire, open_wire
from outcry.conformance.book_witness import BookWitness
from outcry.conformance.expectation import Failed, Skipped
from outcry.conformance.users import CheckUser

TIDY_S: Final = 5.0
"""Time for a check's connections and orders to go."""


class Trial:
    """
    One attempt at one check.

    Args:
        venue: The exchange.
        users: The check's own.
        name: Makes client order ids unique.
        pit: Finds free prices; only for checks that are contended.
    """

    def __init__(self, venue: Venue, users: Sequence[CheckUser], name: str, pit: Pit) -> None:
        self.venue: Final = venue
        self.users: Final = users
        self._name: Final = name
        self._pit: Final = pit
        self._wires: list[Wire] = []
        self._clients: list[Client] = []
        self._traders: list[CheckTrader] = []

    # -- connections ------------------------------------------------------------------------------------------------

    async def handshake(
        self,
        subprotocols: Sequence[str],
        headers: Mapping[str, str] | None = None,
        *,
        offers_compression: bool = False,
        gateway: int = 0,
    ) -> Wire:
        """Ask for an upgrade, and return the answer, granted or refused."""
        wire = await open_wire(
            self.venue.urls[gateway],
            subprotocols=subprotocols,
            headers=headers or {},
            offers_compression=offers_compression,
        )
        self._wires.append(wire)
        return wire

    async def stranger(self, encoding: Encoding = Encoding.MSGPACK) -> Client:
        """Connect without a token; `login` must follow."""
        wire = await self.handshake([encoding.value])
        if wire.status != 101:
            raise Failed(f"a handshake without a token was answered with HTTP {wire.status}, and no login is possible")
        return self._known(Client(wire, encoding, "a stranger"))

    async def admitted(
        self, user: int = 0, encoding: Encoding = Encoding.MSGPACK, gateway: int = 0, receive_bytes: int | None = None
    ) -> Client:
        """Connect as one of the check's users; `welcome` is still to be heard."""
        client = await log_in(self.venue.urls[gateway], self.users[user], encoding, receive_bytes)
        self._wires.append(client.wire)
        return self._known(client)

    async def connect(
        self, user: int = 0, encoding: Encoding = Encoding.MSGPACK, gateway: int = 0, receive_bytes: int | None = None
    ) -> Client:
        """Connect as one of the check's users, and hear `welcome`."""
        client = await self.admitted(user, encoding, gateway, receive_bytes)
        await client.hear(Welcome)
        return client

    # -- books ------------------------------------------------------------------------------------------------------

    async def follow(self, client: Client, instrument: str, depth: int = 0, interval_ms: int = 0) -> BookWitness:
        """Subscribe to a book and hear its snapshot; what came before is forgotten."""
        await client.accepted_afresh(
            "subscribe", channel="book", instruments=[instrument], depth=depth, interval_ms=interval_ms
        )
        witness = BookWitness(instrument, depth)
        await self.witness(client, witness)
        return witness

    async def witness(self, client: Client, witness: BookWitness, count: int = 1) -> None:
        """Hear some messages of a book, each checked."""
        for _ in range(count):
            witness.hear(await client.hear_book(witness.book.instrument))

    # -- trading ----------------------------------------------------------------------------------------------------

    async def trader(self, user: int = 0, encoding: Encoding = Encoding.MSGPACK, gateway: int = 0) -> CheckTrader:
        """Connect as one of the check's users, who follows the own account and trades."""
        client = await self.connect(user, encoding, gateway)
        trader = CheckTrader(client, self.venue.quiet.symbol, f"{self._name}-{len(self._traders)}")
        self._traders.append(trader)
        await trader.follow_account()
        return trader

    async def free_price(self) -> int:
        """Return a price inside the spread, with no order at it; see `Pit`."""
        return await self._pit.free_price()

    async def was_disturbed(self) -> bool:
        """Tell whether an outsider traded with the check's orders."""
        for trader in self._traders:
            if trader.client.wire.is_open:
                await trader.settle()
        return was_disturbed(self._traders)

    # -- the rest ---------------------------------------------------------------------------------------------------

    def secret(self) -> bytes:
        """
        Return the key of tokens.

        Raises:
            Skipped: If it was not given.
        """
        if self.venue.secret is None:
            raise Skipped("needs --secret-file")
        return self.venue.secret

    def unix_now(self) -> float:
        """Unix time in seconds."""
        return time.time()

    def waits_for(self) -> str:
        """Return what the check's connections wait for, for the reason of a deadline."""
        return "; ".join(f"{client.name} for {client.waits_for}" for client in self._clients if client.waits_for)

    async def tidy(self) -> None:
        """Cancel the check's orders and close its connections; what takes too long is aborted."""
        with contextlib.suppress(Failed, TimeoutError):
            async with asyncio.timeout(TIDY_S):
                for trader in self._traders:
                    if trader.client.wire.is_open:
                        await trader.withdraw()
                for wire in self._wires:
                    await wire.shut()
        for wire in self._wires:
            wire.abort()

    def _known(self, client: Client) -> Client:
        self._clients.append(client)
        return client

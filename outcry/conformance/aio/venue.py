"""The exchange under test, as it presents itself: where it is, what it lists, what it allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from openoutcry.wire.codec import Encoding
from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import Snapshot, Welcome
from outcry.conformance.aio.client import Client
from outcry.conformance.aio.wire import open_wire
from outcry.conformance.expectation import Failed, expect_equal
from outcry.conformance.spread import width
from outcry.conformance.users import CheckUser


class Venue(NamedTuple):
    """What all checks know."""

    urls: Sequence[str]
    secret: bytes | None
    """Key of tokens, None if it was not given."""
    run: str
    """Names this run in client order ids."""
    welcome: Welcome
    listing: Sequence[Instrument]
    quiet: Instrument
    """Where checks place their orders."""
    busy: Instrument
    """Where the kit keeps a book in motion; another one than `quiet` if there are two."""

    @property
    def limits(self) -> Mapping[str, int]:
        """As `welcome` names them."""
        return self.welcome.limits


async def log_in(url: str, user: CheckUser, encoding: Encoding, receive_bytes: int | None = None) -> Client:
    """
    Connect with the token in the handshake, and return when the server has taken it; `welcome` is still to be heard.

    Raises:
        Failed: If the server refuses.
    """
    headers = {"Authorization": f"Bearer {user.token}"}
    wire = await open_wire(url, subprotocols=[encoding.value], headers=headers, receive_bytes=receive_bytes)
    try:
        expect_equal(wire.status, 101, f"HTTP status of {user.name}'s handshake")
    except Failed:
        wire.abort()
        raise
    return Client(wire, encoding, user.name)


async def survey(urls: Sequence[str], secret: bytes | None, run: str, user: CheckUser, instrument: str | None) -> Venue:
    """
    Look at an exchange.

    Args:
        urls: Its gateways.
        secret: Key of tokens, None if unknown.
        run: Names this run.
        user: Who looks.
        instrument: Where orders are to be placed; None takes the one with the widest spread.

    Raises:
        Failed: If it does not answer as the document says.
        ConfigurationError: If it lists no such instrument.
    """
    client = await log_in(urls[0], user, Encoding.JSON)
    try:
        welcome = await client.hear(Welcome)
        reply = await client.accepted("instruments")
        listing = [await client.hear(Instrument) for _ in range(int(reply.data["count"]))]
        if not listing:
            raise ConfigurationError(f"{urls[0]} lists no instruments")
        by_symbol = {definition.symbol: definition for definition in listing}
        if instrument is not None and instrument not in by_symbol:
            raise ConfigurationError(f"{urls[0]} does not list {instrument}; it lists {', '.join(by_symbol)}")
        quiet = by_symbol[instrument or await _widest(client, list(by_symbol))]
        others = [definition for definition in listing if definition is not quiet] or [quiet]
        return Venue(urls, secret, run, welcome, listing, quiet, others[0])
    finally:
        await client.wire.shut()


async def _widest(client: Client, symbols: Sequence[str]) -> str:
    await client.accepted("subscribe", channel="top", instruments=["*"])
    tops = [await client.hear(Snapshot) for _ in symbols]
    return max(tops, key=width).instrument

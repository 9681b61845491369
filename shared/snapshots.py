"""What the engine keeps in Redis for whoever joins late: the listing, book snapshots, accounts.

A reader gets `cover` and all of these in one atomic read and goes on in the feed after `cover`. Every packet up to
there is in the snapshots; some may be ahead of it, which does no harm, since applying a change again changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgpack

from shared.errors import ConfigurationError, MalformedMessage
from shared.instrument import Instrument
from shared.messages import Account, Level, OpenOrder
from shared.types import MarketState

SNAPSHOT_VERSION: Final = 2


class BookState(NamedTuple):
    """The value of a snapshot key: one instrument, whole."""

    instrument: str
    epoch: int
    feed_id: str
    """The packet after which this was the state, `<term>-<position>`."""
    seq: int
    time: int
    """Time of the last command that changed it, µs."""
    bids: Sequence[Level]
    """[price, quantity, orders], best first."""
    asks: Sequence[Level]
    digest: int
    last: int
    """Price of the last trade in ticks; 0 if there was none, like the next four."""
    open: int
    high: int
    low: int
    volume: int
    """Lots traded since listing."""
    trade_id: int
    """Of the last trade."""
    state: MarketState
    reason: str


def encode_book_state(state: BookState) -> bytes:
    """Pack one snapshot."""
    return _pack(state)


def decode_book_state(data: bytes) -> BookState:
    """
    Unpack one snapshot.

    Raises:
        MalformedMessage: If the bytes are not a snapshot of this version.
    """
    fields = _unpack(data, "snapshot")
    try:
        fields[14] = MarketState(fields[14])
        return BookState._make(fields)
    except (ValueError, TypeError, IndexError) as error:
        raise MalformedMessage(f"no snapshot: {error}") from error


def encode_listing(instruments: Sequence[Instrument]) -> bytes:
    """Pack all definitions, in order of listing."""
    return _pack(instruments)


def decode_listing(data: bytes) -> list[Instrument]:
    """
    Unpack all definitions.

    Raises:
        MalformedMessage: If the bytes are not a listing of this version.
    """
    try:
        return [Instrument(*row).checked() for row in _unpack(data, "listing")]
    except (TypeError, ConfigurationError) as error:
        raise MalformedMessage(f"no listing: {error}") from error


def encode_accounts(accounts: Mapping[str, Account]) -> bytes:
    """Pack every user's account."""
    return _pack([(user, account) for user, account in accounts.items()])


def decode_accounts(data: bytes) -> dict[str, Account]:
    """
    Unpack every user's account.

    Raises:
        MalformedMessage: If the bytes are not accounts of this version.
    """
    try:
        return {
            user: Account(user_seq, [OpenOrder._make(order) for order in orders], positions, cash, on)
            for user, (user_seq, orders, positions, cash, on) in _unpack(data, "accounts")
        }
    except (ValueError, TypeError) as error:
        raise MalformedMessage(f"no accounts: {error}") from error


def _pack(content: Any) -> bytes:
    packed: bytes = msgpack.packb((SNAPSHOT_VERSION, content))
    return packed


def _unpack(data: bytes, what: str) -> list[Any]:
    try:
        version, content = msgpack.unpackb(data)
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise MalformedMessage(f"no {what}: {error}") from error
    if version != SNAPSHOT_VERSION or not isinstance(content, list):
        raise MalformedMessage(f"{what} of version {version!r}, this program reads {SNAPSHOT_VERSION}")
    return content

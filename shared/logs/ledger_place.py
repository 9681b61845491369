"""How far the ledger has written: the bytes that it leaves in the store, so that neither log is trimmed before."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from openoutcry.wire.errors import MalformedMessage
from shared.logs.packet import FeedId

_FORM: Final = re.compile(rb"(\d{1,20}-\d{1,20}) (\d{1,20}-\d{1,20})")


class LedgerPlace(NamedTuple):
    """A place in both logs; all before it, and it, is written."""

    feed_id: FeedId
    log_id: str
    """Of the last entry of the command log."""


def encode_ledger_place(place: LedgerPlace) -> bytes:
    """Return the value of `StreamKeys.ledger`; publish.lua reads it too."""
    return f"{place.feed_id} {place.log_id}".encode()


def decode_ledger_place(data: bytes) -> LedgerPlace:
    """
    Read it.

    Raises:
        MalformedMessage: If no ledger wrote it.
    """
    found = _FORM.fullmatch(data)
    if found is None:
        raise MalformedMessage(f"no place of a ledger: {data[:60]!r}")
    return LedgerPlace(FeedId.parse(found[1]), found[2].decode())

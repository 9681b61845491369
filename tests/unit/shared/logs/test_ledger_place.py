"""The ledger's place as it stands in the store."""

from __future__ import annotations

import pytest

from openoutcry.wire.errors import MalformedMessage
from shared.logs.ledger_place import LedgerPlace, decode_ledger_place, encode_ledger_place
from shared.logs.packet import FeedId

PLACE = LedgerPlace(FeedId(7, 250), "1700-3")


def test_it_is_read_as_it_was_written() -> None:
    assert encode_ledger_place(PLACE) == b"7-250 1700-3"
    assert decode_ledger_place(b"7-250 1700-3") == PLACE


@pytest.mark.parametrize("data", [b"", b"7-250", b"7-250 1700", b"7-250 1700-3 ", b"x-1 1-1", b"\xff"])
def test_other_bytes_are_no_place(data: bytes) -> None:
    with pytest.raises(MalformedMessage, match="no place of a ledger"):
        decode_ledger_place(data)

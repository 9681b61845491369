"""One entry of the feed."""

from __future__ import annotations

import pytest

from shared.logs.feed_entry import FeedEntry, decode_feed_entry
from shared.logs.packet import PACKET_VERSION, SECTIONS, FeedId, Packet, encode_packet
from shared.logs.stream_keys import PACKET_FIELD, PUBLISHED_FIELD
from shared.store_errors import CorruptEntry

PACKET = Packet(PACKET_VERSION, 7, 4, 5, "1-0", 9, *[[]] * len(SECTIONS))
DATA = encode_packet(PACKET)


def test_it_is_where_it_stands_what_it_says_and_when() -> None:
    """Its bytes are kept as they are: a standby compares them, and a healing leader sends them again."""
    fields = {PACKET_FIELD: DATA, PUBLISHED_FIELD: b"17"}
    assert decode_feed_entry("feed", b"3-5", fields) == FeedEntry(FeedId(3, 5), PACKET, DATA, 17)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {PACKET_FIELD: DATA},
        {PACKET_FIELD: DATA, PUBLISHED_FIELD: b"soon"},
        {PACKET_FIELD: b"\xc1", PUBLISHED_FIELD: b"1"},
    ],
    ids=["nothing", "no time", "no number", "no packet"],
)
def test_what_no_engine_writes_is_named(fields: dict[bytes, bytes]) -> None:
    """Every reader says which entry of which stream it was, whatever it then does about it."""
    with pytest.raises(CorruptEntry, match="feed entry 3-5 is corrupt"):
        decode_feed_entry("feed", b"3-5", fields)

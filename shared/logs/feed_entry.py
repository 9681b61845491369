"""One entry of the feed as its readers meet it: where it stands, its packet, its bytes, and when it was published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from openoutcry.wire.errors import MalformedMessage
from shared.logs.packet import FeedId, Packet, decode_packet
from shared.logs.stream_keys import PACKET_FIELD, PUBLISHED_FIELD
from shared.store_errors import CorruptEntry


class FeedEntry(NamedTuple):
    """A packet as it stands in the feed."""

    feed_id: FeedId
    packet: Packet
    data: bytes
    """The packet's bytes as they stand there."""
    published_us: int
    """The engine's wall clock right before it was first sent, µs since 1970."""


def decode_feed_entry(key: str, entry_id: bytes, fields: Mapping[bytes, bytes]) -> FeedEntry:
    """
    Read one entry.

    Args:
        key: The feed's.
        entry_id: As the store has it.
        fields: Likewise.

    Raises:
        CorruptEntry: If no engine of this release writes such an entry.
    """
    try:
        data = fields[PACKET_FIELD]
        return FeedEntry(FeedId.parse(entry_id), decode_packet(data), data, int(fields[PUBLISHED_FIELD]))
    except (MalformedMessage, KeyError, ValueError) as error:
        raise CorruptEntry(key, entry_id.decode(), str(error)) from error

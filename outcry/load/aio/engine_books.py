"""The engine's own books, as it keeps them in Redis for those who join late."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from openoutcry.wire.types import DEPTHS
from outcry.conformance.plain_book import digest
from outcry.load.verdict import EngineBook
from outcry.stack.aio.child import RoleFailed
from shared.aio.redis_connection import get_values, open_redis
from shared.logs.snapshots import decode_book_state
from shared.logs.stream_keys import StreamKeys

STILL_SECONDS_MAX: Final = 15.0
"""How long the snapshots may take to show the last change: a second in health."""
POLL_SECONDS: Final = 0.05


class EngineBooks:
    """
    The snapshots of some instruments.

    Args:
        redis_url: The shard's Redis.
        instruments: Whose.
    """

    def __init__(self, redis_url: str, instruments: Sequence[str]) -> None:
        self._redis = open_redis(redis_url, "verdict")
        self._instruments = instruments
        self._keys = [StreamKeys().snapshot(instrument) for instrument in instruments]

    async def read(self) -> dict[str, EngineBook]:
        """Return the books that have a snapshot, by instrument, all of one moment."""
        found = await get_values(self._redis, self._keys)
        return {
            instrument: engine_book(data)
            for instrument, data in zip(self._instruments, found, strict=True)
            if data is not None
        }

    async def read_when_still(self, seqs: Mapping[str, int]) -> dict[str, EngineBook]:
        """
        Return the books once they show what the feed has shown.

        Args:
            seqs: Instrument to the last seq in the feed.

        Raises:
            RoleFailed: If they do not within STILL_SECONDS_MAX.
        """
        give_up = asyncio.get_running_loop().time() + STILL_SECONDS_MAX
        while True:
            books = await self.read()
            behind = [name for name in self._instruments if name in seqs and _seq(books.get(name)) < seqs[name]]
            if not behind:
                return books
            if asyncio.get_running_loop().time() > give_up:
                raise RoleFailed(
                    f"the engine's snapshot of {behind[0]} stayed at seq {_seq(books.get(behind[0]))}, "
                    f"the feed is at {seqs[behind[0]]}, for {STILL_SECONDS_MAX:.0f} s"
                )
            await asyncio.sleep(POLL_SECONDS)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._redis.aclose()


def _seq(book: EngineBook | None) -> int:
    return book.seq if book is not None else 0


def engine_book(data: bytes) -> EngineBook:
    """
    Return the engine's word on one book, from its snapshot's bytes.

    The digests are computed from the levels here, and not by the code with which exchange and users compute theirs.

    Raises:
        MalformedMessage: The bytes are no snapshot.
    """
    state = decode_book_state(data)
    bids, asks = ([(level[0], level[1]) for level in side] for side in (state.bids, state.asks))
    windows = {depth: digest(dict(bids[:depth]), dict(asks[:depth])) for depth in DEPTHS if depth}
    return EngineBook(state.epoch, state.seq, digest(dict(bids), dict(asks)), windows)

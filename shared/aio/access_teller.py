"""Appends refused accesses to their stream, once a second, and never waits: what the store does not take is lost."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from shared.aio.redis_connection import UNREACHABLE, RedisError
from shared.aio.redis_line import RedisLine
from shared.logs.refused_access import ACCESS_ENTRIES_MAX, RefusedAccesses
from shared.logs.stream_keys import StreamKeys

PAUSE_S: Final = 1.0


async def tell_accesses(line: RedisLine, keys: StreamKeys, refused: RefusedAccesses) -> None:
    """Tell until cancelled."""
    while True:
        await asyncio.sleep(PAUSE_S)
        with suppress(*UNREACHABLE, RedisError):
            for entry in refused.take():
                await line.call("XADD", keys.audit, "MAXLEN", "~", ACCESS_ENTRIES_MAX, "*", *entry.fields())

"""What the ledger has when the market rests: asked of the ledger itself, and compared with the feed's end."""

from __future__ import annotations

import asyncio
import time
from typing import Final, NamedTuple

from outcry.load.aio.scraper import scrape
from outcry.stack.aio.stack import Stack
from shared.aio.feed_stream import FeedStream
from shared.aio.redis_connection import open_redis
from shared.aio.redis_line import RedisLine
from shared.logs.stream_keys import StreamKeys

RECORD_SECONDS_MAX: Final = 30.0
"""How long the ledger may take to write what the market did."""
LOOK_SECONDS: Final = 0.2


class RecordLook(NamedTuple):
    """How far the ledger is."""

    commands: int
    """Up to which all is written."""
    blocks: int
    """Sealed, each on the one before."""
    complaints: tuple[str, ...] = ()


async def look_at_record(stack: Stack) -> RecordLook | None:
    """Wait until the ledger has the feed's end, and tell what it has; None if there is no ledger."""
    if not stack.ledger_port:
        return None
    async with open_redis(stack.redis_url, "demo-record") as redis:
        end = (await FeedStream(RedisLine(redis), StreamKeys()).end()).position
    deadline = time.monotonic() + RECORD_SECONDS_MAX
    commands = blocks = 0
    gaps = 0.0
    while time.monotonic() < deadline:
        seen = (await scrape({"ledger": stack.metrics_urls["ledger"]}))["ledger"]
        if seen is not None:
            commands = int(seen.values.get("outcry_ledger_position", 0))
            blocks = int(seen.values.get("outcry_ledger_blocks_total", 0))
            gaps = seen.values.get("outcry_ledger_gaps", 0)
        if commands >= end:
            break
        await asyncio.sleep(LOOK_SECONDS)
    complaints = [f"the ledger is at {commands:,} of {end:,} commands"] if commands < end else []
    if gaps:
        complaints.append(f"the ledger lacks {gaps:.0f} stretches of the record")
    return RecordLook(commands, blocks, tuple(complaints))

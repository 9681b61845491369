"""All accounts of one moment, as the engine keeps them in Redis for those who join late."""

from __future__ import annotations

import asyncio
from typing import Final

from outcry.load.conservation import Conservation, conserved
from shared.aio.redis_connection import Redis, get_values, open_redis
from shared.logs.snapshots import decode_accounts, decode_listing
from shared.logs.stream_keys import StreamKeys

STORED_SECONDS_MAX: Final = 15.0
"""How long accounts that have begun may take to be stored: with the next checkpoint, 5 s in health."""
POLL_SECONDS: Final = 0.2


async def engine_conservation(redis_url: str, *, keeps_accounts: bool) -> Conservation:
    """
    Read the accounts that are stored, and add them up.

    Args:
        redis_url: The shard's Redis.
        keeps_accounts: Whether the market is to keep accounts. A run may end before those that have begun are stored,
            so they are waited for; what is found after STORED_SECONDS_MAX is returned all the same.
    """
    redis = open_redis(redis_url, "verdict")
    give_up = asyncio.get_running_loop().time() + STORED_SECONDS_MAX
    try:
        while True:
            found = await _read(redis)
            if found.keeps_accounts or not keeps_accounts or asyncio.get_running_loop().time() > give_up:
                return found
            await asyncio.sleep(POLL_SECONDS)
    finally:
        await redis.aclose()


async def _read(redis: Redis) -> Conservation:
    keys = StreamKeys()
    accounts, listing = await get_values(redis, [keys.accounts, keys.listing])
    definitions = {instrument.symbol: instrument for instrument in decode_listing(listing)} if listing else {}
    return conserved(decode_accounts(accounts) if accounts else {}, definitions)

"""All accounts of one moment, as the engine keeps them in Redis for those who join late."""

from __future__ import annotations

from outcry.load.conservation import Conservation, conserved
from outcry.stack.aio.child import RoleFailed
from shared.aio.redis_connection import get_values, open_redis
from shared.logs.snapshots import decode_accounts, decode_listing
from shared.logs.stream_keys import StreamKeys


async def engine_conservation(redis_url: str) -> Conservation:
    """
    Read the accounts that are stored, and add them up.

    Raises:
        RoleFailed: If none are stored.
    """
    keys = StreamKeys()
    redis = open_redis(redis_url, "verdict")
    try:
        accounts, listing = await get_values(redis, [keys.accounts, keys.listing])
    finally:
        await redis.aclose()
    if accounts is None or listing is None:
        raise RoleFailed("the engine has stored no accounts")
    definitions = {instrument.symbol: instrument for instrument in decode_listing(listing)}
    return conserved(decode_accounts(accounts), definitions)

"""Questions to the store before the market relies on it, which no later answer of the store would settle.

Owns three questions. Whether WAITAOF can be believed: with `appendfsync everysec` Valkey (8.1 and 9.1) says that a
write is on disk before it has synced it, while Redis (8.2) waits for the sync. Whether the user `default` may carry out
the leader's writes: at a start the append-only file is read as this user, and most versions silently leave out each
transaction that it may not do. And whether that has happened: packets go into the feed by transactions (publish.lua),
and behind them the leader writes down their id without one. A store that loses its tail, by a crash or a fail-over,
loses the last writes. A store that holds the id and not the packet has left out something before.
"""

from __future__ import annotations

import time
from typing import Final

import structlog
from redis.exceptions import ResponseError

from openoutcry.wire.errors import ConfigurationError, MalformedMessage
from services.matching.aio.metrics import MatchingMetrics
from shared.aio.redis_connection import Redis
from shared.logs.packet import FEED_START, FeedId
from shared.logs.stream_keys import StreamKeys

PROBE_WAIT_MS: Final = 3_000
"""How long one WAITAOF of the probe may take; below a connection's timeout, above the second of `everysec`."""
AT_ONCE_S: Final = 0.5
"""A second sync right behind another is a second away with `everysec`: what is sooner was no sync."""
_MACHINE: Final = "durability=machine"


async def check_machine_durability(redis: Redis, keys: StreamKeys) -> None:
    """
    Make sure that a WAITAOF which this store answers means what it says; at most about 2 s.

    Where CONFIG GET is not allowed, Redis is believed, and Valkey is not.

    Raises:
        ConfigurationError: If it does not; one sentence for the operator.
        RedisError: If Redis could not be reached.
    """
    policy = await _appendfsync(redis)
    if policy == "always":
        return
    if policy == "no":
        raise ConfigurationError(f"{_MACHINE} needs appendfsync always: with `no` the store never syncs its file")
    server = await redis.info("server")
    if server.get("server_name") == "valkey":
        found = f"it is {policy}" if policy else "CONFIG GET shows whether it is so: give the user +config|get"
        raise ConfigurationError(
            f"{_MACHINE} needs appendfsync always on Valkey {server.get('valkey_version', '')}, which else says that "
            f"commands are on disk before they are; {found}"
        )
    if policy is not None and await _answers_early(redis, keys):
        raise ConfigurationError(
            f"{_MACHINE} needs appendfsync always on Redis {server.get('redis_version', '')}: with {policy} it says "
            "that commands are on disk before they are"
        )


async def warn_of_replay(redis: Redis, keys: StreamKeys) -> None:
    """
    Warn if the store's next start would lose the feed: if its user `default` may not append to it.

    Says nothing where the question is not allowed (`+acl|dryrun`) or not known.

    Raises:
        RedisError: If Redis could not be reached.
    """
    try:
        answer = await redis.execute_command("ACL", "DRYRUN", "default", "XADD", keys.feed, "*", "p", "")  # type: ignore[no-untyped-call]
    except ResponseError:
        return
    if answer not in (b"OK", "OK"):
        structlog.get_logger().error(
            "the store would lose all packets and snapshots at its next start: its user `default`, as whom it reads "
            "its append-only file, may not write them; give `default` all rights, and set it off or give it a password",
            answer=answer.decode() if isinstance(answer, bytes) else str(answer),
        )


async def warn_of_dropped_transactions(redis: Redis, keys: StreamKeys, metrics: MatchingMetrics) -> None:
    """
    Tell, and count, if the feed ends before an id that was in it when what the store still holds was written.

    Raises:
        RedisError: If Redis could not be reached.
    """
    async with redis.pipeline(transaction=True) as together:
        together.get(keys.appended)
        together.xrevrange(keys.feed, count=1)
        try:
            appended, newest = await together.execute()
            known = FeedId.parse(appended or str(FEED_START))
        except (ResponseError, MalformedMessage):
            return  # not what the leader writes there: it says nothing, and the next tick mends it
    last = FeedId.parse(newest[0][0]) if newest else FEED_START
    if known <= last:
        return
    metrics.store_dropped.inc()
    structlog.get_logger().error(
        "the store lost packets that it held before what it still holds: it dropped transactions at a start (see its "
        "user `default`), or somebody trimmed or deleted the feed",
        feed=str(last),
        appended=str(known),
    )


async def _appendfsync(redis: Redis) -> str | None:
    """Return the setting; None if this user may not ask, or the server does not know the question."""
    try:
        found = await redis.config_get("appendfsync")
    except ResponseError:
        return None
    told = {_text(name): _text(value) for name, value in found.items()}
    return told.get("appendfsync")


async def _answers_early(redis: Redis, keys: StreamKeys) -> bool:
    """Write and wait twice: the second wait begins right behind a sync."""
    took_s = 0.0
    for _ in range(2):
        begun = time.monotonic()
        async with redis.pipeline(transaction=False) as together:
            together.set(keys.probe, b"", px=PROBE_WAIT_MS)
            together.execute_command("WAITAOF", 1, 0, PROBE_WAIT_MS)
            _, (synced, _) = await together.execute()
        took_s = time.monotonic() - begun
        if not synced:
            return False  # it does not say so: the engine will wait, and tell why
    return took_s < AT_ONCE_S


def _text(value: bytes | str | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or ""

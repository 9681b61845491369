"""What the store is asked before the market relies on it: what no later answer of its own would tell.

Owns two questions. Whether WAITAOF can be believed: with `appendfsync everysec` Valkey (8.1 and 9.1) says that a write
is on disk before it has synced it, Redis (8.2) waits for the sync. And whether the user `default` may carry out what
the leader writes: the append-only file is read as this user at a start, and most versions leave out, without an error
to anybody, each transaction that it may not do.
"""

from __future__ import annotations

import time
from typing import Final

import structlog
from redis.exceptions import ResponseError

from shared.aio.redis_connection import Redis
from shared.errors import ConfigurationError
from shared.stream_keys import StreamKeys

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
        found = f"it is {policy}" if policy else "whether it is so, CONFIG GET tells: give the user +config|get"
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

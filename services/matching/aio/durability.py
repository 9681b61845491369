"""How durable commands must be before their outcome is published.

A packet is a function of commands, so it is enough that the *commands* outlive a failure: the next engine makes the
packet again. Before a packet is published, the store is asked whether everything written so far, the packet's commands
among it, is durable:

* process: in the store's memory. Outlives every process of ours, and a restart as far as the append-only file goes.
* machine: on the store's disk (WAITAOF, Redis 7.2 and Valkey). With `appendfsync always` that costs no extra wait. A
  store whose answer cannot be believed is refused (`store_promises`).
* replica: in the memory of so many replicas (WAIT). Outlives the primary, if one of those is promoted.

The question is asked once a packet, whatever number of commands it holds, in one round trip. It is asked outside of
scripts and of MULTI. Inside, both commands would answer at once, and about an earlier write.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from redis.exceptions import ResponseError

from services.matching.aio.settings import Durability
from services.matching.aio.store_promises import check_machine_durability
from shared.aio.redis_connection import Redis, RedisError
from shared.logs.stream_keys import StreamKeys

ANSWER_MS: Final = 1000
"""How long the store may take to make it so, a try; below the connection's timeout."""


class NotDurable(RedisError):
    """The store has not done what was asked of it (yet); ask again."""


class DurabilityGate:
    """
    Lets a packet pass once its commands are durable.

    Args:
        redis: A client that is connected to the primary.
        keys: The shard's keys.
        durability: What is asked.
        replicas_min: Replicas that must have everything; for REPLICA.
    """

    def __init__(self, redis: Redis, keys: StreamKeys, durability: Durability, replicas_min: int) -> None:
        self._redis = redis
        self._key = keys.secured
        self._durability = durability
        self._replicas_min = replicas_min
        self._keys = keys
        self._believed = ""
        """The store whose WAITAOF is known to mean what it says."""

    async def secure(self, position: int, store_id: str) -> None:
        """
        Return when all that has been written so far is durable.

        Args:
            position: Written down for operators: the last position that is known to be.
            store_id: Of the store that will be published to. A former primary that still takes writes has no replicas
                any more; one that asked its successor instead would never know.

        Raises:
            NotDurable: If it is not so within `ANSWER_MS`, or another store was asked.
            ConfigurationError: If this store's WAITAOF cannot be believed.
            RedisError: If Redis could not be reached, or does not know the question.
        """
        match self._durability:
            case Durability.PROCESS:
                return
            case Durability.MACHINE:
                if self._believed != store_id:
                    await check_machine_durability(self._redis, self._keys)
                    self._believed = store_id
                [synced, _] = await self._ask(position, store_id, "WAITAOF", 1, 0, ANSWER_MS)
                if not synced:
                    raise NotDurable("durability=machine: the append-only file is not on disk; see appendfsync")
            case Durability.REPLICA:
                [replicas] = await self._ask(position, store_id, "WAIT", self._replicas_min, ANSWER_MS)
                if replicas < self._replicas_min:
                    raise NotDurable(
                        f"durability=replica: {replicas} of {self._replicas_min} replicas have the last commands"
                    )

    async def _ask(self, position: int, store_id: str, *question: str | int) -> Sequence[int]:
        # The question is about what this very connection has written: so it writes, behind all commands read.
        async with self._redis.pipeline(transaction=False) as together:
            together.set(self._key, position)
            together.execute_command(*question)
            together.info("replication")
            try:
                _, answer, asked = await together.execute()
            except ResponseError as error:
                if "unknown command" not in str(error):
                    raise
                raise NotDurable(
                    f"durability={self._durability.value} needs {question[0]}, which this Redis does not know; "
                    "with appendfsync always, durability=process promises the same"
                ) from error
        if asked["master_replid"] != store_id:
            await self._redis.connection_pool.disconnect()
            raise NotDurable(f"durability={self._durability.value}: another store answered than is published to")
        return [answer] if isinstance(answer, int) else [int(count) for count in answer]

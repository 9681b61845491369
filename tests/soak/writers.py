"""Twenty writers with one command an entry, as many gateways at rest would write: `python -m tests.soak.writers`.

Their commands are cancels of orders that do not exist: each is an entry and an outcome, and changes no book.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
from typing import Final

from shared.aio.redis_connection import open_redis
from shared.logs.commands import CancelOrder, encode_commands
from shared.logs.stream_keys import COMMANDS_FIELD, StreamKeys

WRITERS: Final = 20
TURN_S: Final = 0.02
BEHIND_S_MAX: Final = 1.0
"""A writer that is further behind its rate leaves out what it could not send."""


async def write(redis_url: str, name: str, rate: float) -> None:
    """Append `rate` entries a second until cancelled."""
    loop, number, key = asyncio.get_running_loop(), 0, StreamKeys().commands
    async with open_redis(redis_url, name) as redis:
        due = loop.time()
        while True:
            due = max(due + TURN_S, loop.time() - BEHIND_S_MAX)
            await asyncio.sleep(due - loop.time())
            pipeline = redis.pipeline(transaction=False)
            for _ in range(max(1, round(rate * TURN_S))):
                number += 1
                command = CancelOrder(name, number, "nobody", 0, f"{name}-{number}")
                pipeline.xadd(key, {COMMANDS_FIELD: encode_commands([command])})
            await pipeline.execute()


async def main(redis_url: str, rate: float) -> None:
    run = secrets.token_hex(3)
    async with asyncio.TaskGroup() as tasks:
        for writer in range(WRITERS):
            tasks.create_task(write(redis_url, f"soak-{run}-{writer}", rate / WRITERS))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--redis-url", required=True)
    parser.add_argument("--rate", type=float, required=True, help="entries a second, of all writers together")
    options = parser.parse_args()
    asyncio.run(main(options.redis_url, options.rate))

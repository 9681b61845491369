"""`outcry bots`: a crowd that trades on a running exchange until it is told to stop."""

from __future__ import annotations

import asyncio
import signal

from openoutcry.flow.aio.bots import Bots
from openoutcry.flow.first_error import first_error


async def run_bots(bots: Bots) -> None:
    """
    Trade until SIGTERM or SIGINT; returns when the engine has applied all of it.

    Args:
        bots: Not started.

    Raises:
        OpenOutcryError: As `Bots` and `Driver` do: when Redis or the engine does not answer for too long.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, bots.stopping.set)
    try:
        await bots.start()
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(bots.follow())
            await bots.prepare()
            await bots.run()
            following.cancel()
    except BaseExceptionGroup as group:
        raise first_error(group) from group
    finally:
        await bots.aclose()

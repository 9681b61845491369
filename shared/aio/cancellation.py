"""Cancellation that gets lost on the way, and how a loop notices it nevertheless.

asyncio delivers a cancellation once. redis-py sends commands inside `asyncio.wait_for`, which before Python 3.12 loses
a cancellation that arrives as the write completes. A loop would then run for ever, and its TaskGroup would wait for it
(seen once in some ten stops of a busy reader). The task itself remembers that it was asked to end.
"""

from __future__ import annotations

import asyncio


def raise_if_cancelled() -> None:
    """
    End this task if it has been asked to end; call it in every round of a loop that talks to Redis.

    Raises:
        asyncio.CancelledError: If a cancellation was requested and has not been carried out.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError

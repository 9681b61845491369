"""How late an event loop runs its timers: what any other callback waits, too."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

INTERVAL_S: Final = 0.25
"""Time between two looks."""


async def watch_loop_lag(observe: Callable[[float], None]) -> None:
    """Tell `observe` how late each of a steady row of timers ran, in seconds, until cancelled."""
    while True:
        due_at = time.monotonic() + INTERVAL_S
        await asyncio.sleep(INTERVAL_S)
        observe(max(0.0, time.monotonic() - due_at))

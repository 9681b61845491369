"""Reads all figures at one moment, and those of the machine."""

from __future__ import annotations

import os
import platform
import time
from typing import Any

import psutil

from outcry.load.aio.load_crew import LoadCrew
from outcry.load.aio.market import LoadedMarket
from outcry.load.look import Look
from outcry.stack.usage import MEBIBYTE, Usage


async def look(crew: LoadCrew, market: LoadedMarket) -> Look:
    """Ask the users' processes, and measure every process that is ours."""
    load = await crew.statistics()
    itself = psutil.Process()
    cpu = itself.cpu_times()
    supervisor = Usage(cpu.user + cpu.system, itself.memory_info().rss / MEBIBYTE)
    return Look(time.monotonic(), load, {**market.usage(), "load": crew.usage(), "supervisor": supervisor})


def machine() -> dict[str, Any]:
    """Describe this machine, which the users share with whatever else runs here."""
    memory_gib = round(psutil.virtual_memory().total / (1 << 30), 1)
    return {"system": platform.platform(), "cores": os.cpu_count(), "memory_gib": memory_gib}

"""The conformance kit against an exchange of its own: started for the occasion, with bots, and ended after."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from outcry.conformance.aio.runner import run_conformance
from outcry.conformance.options import ConformanceOptions
from outcry.conformance.report import ConformanceReport
from outcry.stack.aio.private_folder import private_folder
from outcry.stack.aio.role import RoleProcess
from outcry.stack.aio.stack import Stack
from outcry.stack.aio.stop_signal import StopSignal
from outcry.stack.options import StackOptions

GATEWAYS: Final = 2
INSTRUMENTS: Final = 65
"""Enough that one connection can have more subscriptions than it may."""
BOT_CHANGES_PER_SECOND: Final = 50.0
BOTS_SECONDS_MAX: Final = 60.0


async def check_own_stack(
    stop: StopSignal, say: Callable[[str], None], instrument: str | None = None, only: str = ""
) -> ConformanceReport:
    """
    Start two gateways on free ports and bots, run the kit against them, and end them.

    Args:
        stop: Ends the start.
        say: Where to say what is going on.
        instrument: Where to place orders; None takes the one with the widest spread.
        only: Pattern of the names of checks; "" is all of them.

    Raises:
        RoleFailed: If a part does not come up; with the end of its log.
        StoreUnavailable: If Redis cannot be started.
        Interrupted: If it was stopped before it was ready.
    """
    with private_folder() as folder, Stack(_stack_options(folder), folder, say) as stack:
        await stack.start(stop)
        with RoleProcess("bots", "outcry.flow", folder) as bots:
            await bots.start(role="bots", redis_url=stack.redis_url, rate=BOT_CHANGES_PER_SECOND, hot=False, seed=1)
            await bots.hear("ready", BOTS_SECONDS_MAX)
            bots.tell("start")
            say("checking: about half a minute")
            return await run_conformance(_options(stack, folder, instrument, only))


def _stack_options(folder: Path) -> StackOptions:
    instruments_file = folder / "instruments.json"
    symbols = [f"PROOF-{number}" for number in range(1, INSTRUMENTS + 1)]
    instruments_file.write_text(json.dumps([{"symbol": symbol} for symbol in symbols]), encoding="utf-8")
    return StackOptions(GATEWAYS, redis_url=None, port=None, instruments_file=instruments_file)


def _options(stack: Stack, folder: Path, instrument: str | None, only: str) -> ConformanceOptions:
    secret_file = folder / "token-secret"
    return ConformanceOptions(stack.gateway_urls, secret_file=secret_file, instrument=instrument, only=only)

"""`outcry up`: the exchange with bots and without users, until it is stopped.

A part that dies is started again, and reported. One that keeps dying ends the exchange, with its log.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from openoutcry.wire.redacted_url import redacted
from outcry.flow.guests import GUEST
from outcry.stack.aio.child import RoleFailed
from outcry.stack.aio.keeper import WATCH_SECONDS, Keeper
from outcry.stack.aio.open_files import allow_open_files
from outcry.stack.aio.private_folder import private_folder
from outcry.stack.aio.role import RoleProcess
from outcry.stack.aio.stack import Stack
from outcry.stack.aio.stop_signal import StopSignal
from outcry.stack.options import HOST, StackOptions, check_rate
from shared.aio.first_error import first_error

DEVELOPMENT_USERS: Final = 10_000
"""Tokens in the file: a user may hold only 8 connections."""
CONNECTIONS: Final = 15_000
"""Open files that a gateway should be allowed."""
BOTS_SECONDS_MAX: Final = 60.0
RESTARTS_MAX: Final = 5
"""Restarts of one part within a minute; one more death ends the stack."""


class UpOptions(NamedTuple):
    """A standing stack."""

    stack: StackOptions
    bots: float
    """Book changes a second; 0 is no bots."""
    hot: bool
    """All of them on one instrument."""
    seed: int
    accounts: bool = False
    """The market keeps accounts, and orders need what they promise."""

    def checked(self) -> UpOptions:
        """
        Return self if it can be run.

        Raises:
            ConfigurationError: Names the flag and the rule.
        """
        self.stack.checked()
        if self.bots:
            check_rate(self.bots, "--bots")
        return self


async def run_up(
    options: UpOptions, stop: StopSignal, say: Callable[[str], None], announce: Callable[[str], None]
) -> None:
    """
    Run the stack until `stop`; no process is left when this returns or raises.

    Args:
        options: Checked.
        stop: When to end.
        say: Where to say what is going on.
        announce: Gets one line of JSON when everything is ready: `gateways` (WebSocket URLs), `redis`, `instruments`,
            `token` of a development user and `tokens`, a file with those of DEVELOPMENT_USERS more, one a line, and
            `metrics`, URLs by the name of each engine and gateway; if the trading page is built, `page`, its URL with
            that user's token; and, if there is a ledger, `ledger`, its URL.

    Raises:
        ConfigurationError: If something about the machine or the options does not allow it.
        RoleFailed: If a part does not come up, or keeps dying; with the end of its log.
        StoreUnavailable: If Redis cannot be started or reached.
        Interrupted: If it was stopped before it was ready.
    """
    allow_open_files(CONNECTIONS)
    with private_folder() as folder, Stack(options.stack, folder, say) as stack:
        await stack.start(stop)
        say(stack.where_to_look(GUEST))
        keeper = Keeper(stack, say, RESTARTS_MAX)
        standing = _StandingStack(options, folder, stack, stop, keeper, announce)
        try:
            async with asyncio.TaskGroup() as tasks:
                keeping = tasks.create_task(keeper.run())
                await tasks.create_task(standing.keep_bots())
                keeping.cancel()
        except BaseExceptionGroup as group:
            raise first_error(group) from group


class _StandingStack:
    """A started stack that is kept up until `stop`."""

    def __init__(
        self,
        options: UpOptions,
        folder: Path,
        stack: Stack,
        stop: StopSignal,
        keeper: Keeper,
        announce: Callable[[str], None],
    ) -> None:
        self._options = options
        self._folder = folder
        self._stack = stack
        self._stop = stop
        self._keeper = keeper
        self._announce = announce

    async def keep_bots(self) -> None:
        """Announce the stack when the bots are ready, and replace bots that die."""
        is_announced = False
        while not self._stop.is_set:
            with RoleProcess("bots", "outcry.flow", self._folder) as bots:
                try:
                    # Those that replace others find accounts kept and themselves funded.
                    instruments = await self._start(bots, accounts=self._options.accounts and not is_announced)
                except RoleFailed:
                    if not is_announced:
                        raise
                else:
                    if not is_announced:
                        self._announce(json.dumps(self._ready(instruments)))
                        is_announced = True
                    while bots.child.exit_status() is None and not await self._stop.wait(WATCH_SECONDS):
                        pass
                if not self._stop.is_set:
                    self._keeper.tell_restart(bots.child)

    async def _start(self, bots: RoleProcess, *, accounts: bool) -> list[str]:
        options = self._options
        redis_url = self._stack.redis_url
        await bots.start(
            role="bots", redis_url=redis_url, rate=options.bots, hot=options.hot, seed=options.seed,
            accounts=accounts,
        )  # fmt: skip
        ready = await bots.hear("ready", BOTS_SECONDS_MAX)
        if options.bots:
            bots.tell("start")
        instruments: list[str] = ready["instruments"]
        return instruments

    def _ready(self, instruments: list[str]) -> dict[str, object]:
        return {
            **({"page": page} if (page := self._stack.page_url(GUEST)) else {}),
            "gateways": self._stack.gateway_urls,
            "redis": redacted(self._stack.redis_url),
            "instruments": instruments,
            "token": self._stack.token(GUEST),
            "tokens": str(_write_tokens(self._stack, self._folder)),
            "metrics": self._stack.metrics_urls,
            **({"ledger": f"http://{HOST}:{self._stack.ledger_port}/v1/"} if self._stack.ledger_port else {}),
        }


def _write_tokens(stack: Stack, folder: Path) -> Path:
    tokens = folder / "tokens"
    tokens.touch(mode=0o600)
    tokens.write_text("".join(f"{stack.token(f'user-{n:05}')}\n" for n in range(DEVELOPMENT_USERS)))
    return tokens

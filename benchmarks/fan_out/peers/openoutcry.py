"""This exchange, whole: Redis, the engine, gateways, and the demo's bots on one book; users check every digest.

An update is a book change. The gateway merges what comes within its pace into one frame, so a message may hold many.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from benchmarks.fan_out.contestant import HOST, Contestant, Running
from benchmarks.fan_out.users import CUsers, Report, UsersPlan, write_hello
from openoutcry.wire.codec import Encoding
from outcry.stack.aio.child import Child, RoleFailed
from outcry.stack.aio.local_redis import choose_program
from outcry.stack.aio.open_files import allow_open_files
from outcry.stack.aio.private_folder import private_folder
from outcry.stack.aio.role import RoleProcess
from outcry.stack.aio.stack import Stack
from outcry.stack.aio.stop_signal import StopSignal
from outcry.stack.options import StackOptions

READY_SECONDS_MAX: Final = 60.0
"""How long bots may take to fill the book."""
SEED: Final = 1
BOOK: Final = "ACME"
"""The first instrument of the default listing, on which hot bots trade."""


class OpenOutcry(Contestant):
    """
    The exchange.

    Args:
        gateways: How many hold the sockets.
        first_rate: Where the search for its highest rate begins.
    """

    def __init__(self, gateways: int, first_rate: float = 3_200) -> None:
        self.gateways: Final = gateways
        self.name = "openoutcry" if gateways == 1 else f"openoutcry-{gateways}"
        self.first_rate = first_rate
        self.is_typical = gateways == 1

    @property
    def title(self) -> str:
        """With the number of gateways."""
        return f"OpenOutcry, {self.gateways} gateway{'s' if self.gateways > 1 else ''}"

    def check(self) -> None:
        """Look for a Redis."""
        choose_program()

    @contextlib.asynccontextmanager
    async def open(self, users: int, stop: StopSignal) -> AsyncIterator[Running]:
        """Start it, without bots."""
        allow_open_files(users)
        with private_folder() as folder, Stack(StackOptions(self.gateways, None, None), folder, _say_nothing) as stack:
            await stack.start(stop)
            with CUsers(_plan(stack, users)) as crowd:
                running = _Market(stack, crowd)
                try:
                    yield running
                finally:
                    await running.end_bots()


class _Market(Running):
    """A running exchange; every publishing has bots of its own, at its rate."""

    def __init__(self, stack: Stack, users: CUsers) -> None:
        assert stack.redis is not None
        assert stack.engine is not None
        self.users = users
        self.servers = stack.gateways
        self._stack = stack
        self._market: Final = [stack.redis.child, stack.engine]
        self._bots: RoleProcess | None = None
        self._crowds = 0

    @property
    def helpers(self) -> list[Child]:  # type: ignore[override]
        """Redis, the engine and the bots."""
        return [*self._market, *([self._bots.child] if self._bots else [])]

    async def publish(self, rate: float, size: int) -> None:  # noqa: ARG002 - a change is as large as it is
        """Let bots fill the book, and trade."""
        self._crowds += 1
        self._bots = bots = RoleProcess(f"bots-{self._crowds}", "outcry.flow", self._stack.folder)
        await bots.start(role="bots", redis_url=self._stack.redis_url, rate=rate, hot=True, seed=SEED)
        await bots.hear("ready", READY_SECONDS_MAX)
        bots.tell("start")

    async def hush(self) -> bool:
        """End the bots."""
        if self._bots is not None:
            await self._bots.ask("stop", "stats", READY_SECONDS_MAX)
            await self.end_bots()
        return True

    async def end_bots(self) -> None:
        """End their process, whatever it does."""
        if self._bots is not None:
            bots, self._bots = self._bots.child, None
            await asyncio.to_thread(bots.stop)

    def deliveries(self, report: Report) -> int:
        """
        Count deltas: one of them has every change of a pace.

        Raises:
            RoleFailed: If a user's book was wrong or had a gap; no figure of a wrong market is worth anything.
        """
        wrong = {name: count for name, count in report.faults.items() if name in {"digests_wrong", "gaps", "malformed"}}
        if wrong:
            raise RoleFailed(f"the users saw {wrong}")
        return report.deltas


def _plan(stack: Stack, users: int) -> UsersPlan:
    tokens = stack.folder / "tokens"
    tokens.touch(mode=0o600)
    tokens.write_text("".join(f"{stack.token(f'user-{number:05}')}\n" for number in range(users)), encoding="utf-8")
    subscribe: dict[str, object] = {"op": "subscribe", "id": 1, "channel": "book", "instruments": [BOOK]}
    return UsersPlan(
        connect=tuple(f"{HOST}:{port}" for port in stack.ports),
        users=users,
        check="book",
        subprotocol=Encoding.MSGPACK.value,
        tokens=tokens,
        hello=write_hello(stack.folder / "hello", subscribe),
    )


def _say_nothing(_: str) -> None:
    """The stack's progress is no part of a benchmark's."""

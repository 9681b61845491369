"""Carries faults out: finds their targets, strikes, and undoes what can be undone."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from outcry.chaos.fault import Blow, ChaosFault, Part, Strike
from outcry.stack.aio.child import Child, TooLate
from outcry.stack.aio.keeper import Keeper
from outcry.stack.aio.leadership import Leadership
from outcry.stack.aio.stack import Stack

LEADER_SECONDS_MAX: Final = 15.0
"""How long one looks for a leader before a blow at him, or at who stands by."""
POLL_SECONDS: Final = 0.05


class Striker:
    """
    Strikes at the parts of a stack.

    Args:
        stack: Started.
        keeper: Running; starts again what is killed.
        leadership: Finds the leader.
    """

    def __init__(self, stack: Stack, keeper: Keeper, leadership: Leadership) -> None:
        self._stack = stack
        self._keeper = keeper
        self._leadership = leadership

    async def strike(self, fault: ChaosFault) -> tuple[int, list[tuple[Strike, Child]]]:
        """
        Let all strikes of a fault fall; returns when that was, µs since 1970, and whom they met.

        Raises:
            RoleFailed: If nobody leads.
        """
        victims = [(strike, await self._victim(strike)) for strike in fault.strikes]
        since_us = time.time_ns() // 1000
        for strike, child in victims:
            if strike.blow is Blow.KILL:
                self._keeper.hold(child, strike.seconds)
                child.kill()
            else:
                child.freeze()
        return since_us, victims

    async def undo(self, victims: list[tuple[Strike, Child]]) -> None:
        """Thaw what is frozen, each at its time."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for strike, child in victims:
                    tasks.create_task(self._undo(strike, child))
        finally:
            for _, child in victims:
                child.thaw()

    async def _undo(self, strike: Strike, child: Child) -> None:
        await asyncio.sleep(strike.seconds)
        if strike.blow is Blow.FREEZE:
            child.thaw()

    async def _victim(self, strike: Strike) -> Child:
        match strike.part:
            case Part.REDIS:
                assert self._stack.redis is not None
                return self._stack.redis.child
            case Part.GATEWAY:
                return self._stack.gateways[strike.place]
            case Part.LEADER:
                return await self.leader()
            case Part.STANDBY:
                leader = await self.leader()
                return next(engine for engine in self._stack.engines if engine is not leader)

    async def leader(self) -> Child:
        """
        Return the engine that leads, waiting for one.

        Raises:
            RoleFailed: If nobody does.
        """
        give_up = asyncio.get_running_loop().time() + LEADER_SECONDS_MAX
        while True:
            leader = await self._leadership.leader(self._stack.engines)
            if leader is not None and leader.exit_status() is None:
                return leader
            if asyncio.get_running_loop().time() > give_up:
                raise TooLate.of("no engine led", LEADER_SECONDS_MAX, self._stack.engines)
            await asyncio.sleep(POLL_SECONDS)

"""All users of one process: connected, kept connected, and asked at the end.

A user whose connection is lost goes to another gateway after a random part of a growing wait, so that a gateway's
users do not all return as one.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final
from urllib.parse import urlsplit

from openoutcry.load.aio.connection import UserConnection
from openoutcry.load.book_position import FinalBook
from openoutcry.load.counts import LoadCounts
from openoutcry.load.decoded_chunks import DecodedChunks
from openoutcry.load.follower import Follower
from openoutcry.load.latency import LatencyRecorder
from openoutcry.load.plan import UserPlan
from shared.backoff import Backoff
from shared.errors import MalformedMessage

OPENING_MAX: Final = 64
"""Handshakes under way at once in this process: well below the gateways' listen backlog."""
OPENING_SECONDS_MAX: Final = 10.0
SILENCE_SECONDS_MAX: Final = 3.0
"""A connection without a heartbeat for this long is given up."""
SWEEP_SECONDS: Final = 0.5
POLL_SECONDS: Final = 0.02
SETTLE_SECONDS_MAX: Final = 15.0
"""How long users may take to reach the engine's last state."""
ANSWER_SECONDS_MAX: Final = 15.0
"""How long the answers to the final question may take."""
ASKING_AT_ONCE: Final = 50
"""Users that ask for their final books together."""


class User:
    """One user and his present connection."""

    __slots__ = ("connection", "follower", "gateway", "token")

    def __init__(self, follower: Follower, token: str, gateway: int) -> None:
        self.follower = follower
        self.token = token
        self.gateway = gateway
        self.connection: UserConnection | None = None


class Fleet:
    """
    The users of this process.

    Args:
        plans: What each of them does.
        tokens: Theirs, in the same order.
        gateways: WebSocket URLs.
        seed: Of the waits.
    """

    def __init__(self, plans: Sequence[UserPlan], tokens: Sequence[str], gateways: Sequence[str], seed: int) -> None:
        self.counts: Final = LoadCounts()
        self.latency: Final = LatencyRecorder()
        self._addresses = [(url.hostname or "", url.port or 80) for url in map(urlsplit, gateways)]
        self._decoded = DecodedChunks()
        self._opening = asyncio.Semaphore(OPENING_MAX)
        self._random = Random(seed)  # noqa: S311 - jitter
        self._last_loss = ""
        self.users: Final = [
            User(self._follower(plan), token, plan.gateway) for plan, token in zip(plans, tokens, strict=True)
        ]

    async def run(self) -> None:
        """Keep every user connected; never ends by itself."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._sweep())
            for user in self.users:
                tasks.create_task(self._live(user))

    def statistics(self) -> dict[str, Any]:
        """Return what a supervisor wants to know, ready for JSON; the delays are those since the last call."""
        per_gateway = [0] * len(self._addresses)
        for user in self.users:
            if user.connection is not None:
                per_gateway[user.gateway] += 1
        refusals = {user.follower.last_refusal for user in self.users} - {""}
        return {
            "counts": self.counts.as_dict(),
            "connections": per_gateway,
            "whole": sum(user.connection is not None and user.follower.is_whole for user in self.users),
            "latency": self.latency.take(),
            "last_loss": self._last_loss,
            "last_refusal": min(refusals, default=""),
        }

    async def final_books(self, expected: Mapping[str, Sequence[int]]) -> list[FinalBook]:
        """
        Wait until every user has come as far as the engine, then let every user ask for every book.

        Returns what there is when the time is over: a user who never got there says where he stands, and one who got
        no answer is missing.

        Args:
            expected: Instrument to (epoch, seq) of the engine's last state.
        """
        await self._wait(SETTLE_SECONDS_MAX, lambda: all(_has_reached(user, expected) for user in self.users))
        for start in range(0, len(self.users), ASKING_AT_ONCE):
            asking = [user for user in self.users[start : start + ASKING_AT_ONCE] if user.connection is not None]
            for user in asking:
                user.follower.ask_final_books()
                if user.connection is not None:
                    user.connection.send_requests()
            await self._wait(
                ANSWER_SECONDS_MAX,
                functools.partial(_have_answered, asking),
            )
        return [book for user in self.users for book in user.follower.final_books]

    def _follower(self, plan: UserPlan) -> Follower:
        return Follower(
            plan.name,
            plan.instruments,
            self.counts,
            self.latency,
            verifies=plan.verifies,
            shows_trades=plan.number == 0,
        )

    async def _live(self, user: User) -> None:
        backoff = Backoff(self._random)
        while True:
            connection = await self._connect(user)
            if connection is None:
                self.counts.connect_failures += 1
            else:
                backoff.reset()
                user.connection = connection
                self._last_loss = await connection.closed
                user.connection = None
                self.counts.disconnects += 1
            user.gateway = self._other_gateway(user.gateway)
            await asyncio.sleep(backoff.next_delay())

    async def _connect(self, user: User) -> UserConnection | None:
        host, port = self._addresses[user.gateway]
        connection = UserConnection(user.follower, self.counts, self._decoded, f"{host}:{port}", user.token)
        try:
            async with self._opening, asyncio.timeout(OPENING_SECONDS_MAX):
                await asyncio.get_running_loop().create_connection(lambda: connection, host, port)
                await connection.opened
        except (OSError, TimeoutError, MalformedMessage) as error:
            self._last_loss = str(error) or type(error).__name__
            connection.abort(self._last_loss)
            return None
        return connection

    def _other_gateway(self, gateway: int) -> int:
        others = [index for index in range(len(self._addresses)) if index != gateway]
        return self._random.choice(others) if others else gateway

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            oldest = time.time_ns() // 1000 - int(SILENCE_SECONDS_MAX * 1_000_000)
            for user in self.users:
                if user.connection is not None and user.follower.heard_at_us < oldest:
                    user.connection.abort(f"no heartbeat for {SILENCE_SECONDS_MAX:.0f} s")

    async def _wait(self, seconds: float, condition: Callable[[], bool]) -> bool:
        give_up = asyncio.get_running_loop().time() + seconds
        while not condition():
            if asyncio.get_running_loop().time() > give_up:
                return False
            await asyncio.sleep(POLL_SECONDS)
        return True


def _have_answered(users: Sequence[User]) -> bool:
    return all(len(user.follower.final_books) == len(user.follower.books) for user in users)


def _has_reached(user: User, expected: Mapping[str, Sequence[int]]) -> bool:
    books = user.follower.books.values()
    return all([book.epoch, book.seq] == list(expected.get(book.instrument, (0, 0))) for book in books)

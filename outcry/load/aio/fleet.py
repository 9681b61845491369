"""All users of one process: connected, kept connected, and asked at the end.

A user whose connection is lost goes to another gateway after a random part of a growing wait, so that a gateway's
users do not all return as one. Users who do not read are counted apart.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any, Final

from openoutcry.wire.request_limits import EVERY_INSTRUMENT
from outcry.load.aio.order_clock import OrderClock
from outcry.load.aio.user import Address, LoadUser, Surroundings
from outcry.load.book_position import FinalBook
from outcry.load.counts import LoadCounts
from outcry.load.decoded_chunks import DecodedChunks
from outcry.load.delays import Delays
from outcry.load.fleet_settings import FleetSettings
from outcry.load.follower import Follower
from outcry.load.latency import LatencyRecorder
from outcry.load.mix import PlannedSubscription
from outcry.load.order_desk import OrderDesk, Quote
from outcry.load.plan import UserPlan

SILENCE_SECONDS_MAX: Final = 3.0
"""A connection without a heartbeat for this long is given up."""
SWEEP_SECONDS: Final = 0.5
CHURN_SECONDS: Final = 0.05
"""Between two looks at who is to leave."""
POLL_SECONDS: Final = 0.02
SETTLE_SECONDS_MAX: Final = 15.0
"""How long users may take to reach the engine's last state, and to take back their orders."""
ANSWER_SECONDS_MAX: Final = 15.0
"""How long the answers to the final question may take."""
ASKING_AT_ONCE: Final = 50
"""Users that ask for their final books together."""
QUOTE_INTERVAL_MS: Final = 1000
"""Of the tickers that one user follows for all who trade, if the mix has none."""


class Fleet:
    """
    The users of this process.

    Args:
        plans: What each of them does.
        tokens: Theirs, in the same order.
        gateways: WebSocket URLs.
        settings: How they come and go.
    """

    def __init__(
        self, plans: Sequence[UserPlan], tokens: Sequence[str], gateways: Sequence[str], settings: FleetSettings
    ) -> None:
        self._settings = settings
        self._gateways = len(gateways)
        self._latency = LatencyRecorder()
        self._quotes: dict[str, Quote] = {}
        self._random = Random(settings.seed)  # noqa: S311 - jitter, and a market
        addresses = [Address.of(url) for url in gateways]
        opening, decoded = asyncio.Semaphore(settings.opening_max), DecodedChunks()
        self._readers = Surroundings(addresses, opening, decoded, self._random, LoadCounts(), Delays())
        self._slow = Surroundings(addresses, opening, decoded, self._random, LoadCounts(), Delays())
        self._unheard = LatencyRecorder()
        """Of slow users: nobody asks how late they were."""
        self.users: Final = [self._user(plan, token) for plan, token in zip(plans, tokens, strict=True)]
        self._reading = [user for user in self.users if not user.plan.is_slow]
        self._churn = 0.0
        self._orders = OrderClock(self._traders(), self._readers.counts, settings.phase)

    async def run(self) -> None:
        """Keep every user connected; never ends by itself."""
        between = self._settings.ramp_seconds / max(len(self.users), 1)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._sweep())
            tasks.create_task(self._let_leave())
            tasks.create_task(self._orders.run())
            # By number, not as they were dealt: all gateways fill together.
            for place, user in enumerate(sorted(self.users, key=lambda user: user.plan.number)):
                tasks.create_task(user.live((place + self._settings.phase) * between))

    def set_churn(self, share: float) -> None:
        """Let this share of all users leave every second, and come back."""
        self._churn = share

    def set_orders(self, rate: float) -> None:
        """Let the users of this process send so many orders a second, together."""
        self._orders.set_rate(rate)

    def drop_all(self) -> None:
        """End every connection at once; all users return."""
        for user in self.users:
            user.leave()

    def send_home(self) -> None:
        """Let whom a loss has driven elsewhere go back to the gateway of his plan."""
        for user in self.users:
            user.go_home()

    def statistics(self) -> dict[str, Any]:
        """Return what a supervisor wants to know, ready for JSON; delays are those since the last call."""
        refusals = {user.follower.last_refusal for user in self.users} - {""}
        losses = {user.last_loss for user in self.users} - {""}
        return {
            "counts": self._readers.counts.as_dict(),
            "slow_counts": self._slow.counts.as_dict(),
            "connections": self._connections(),
            "slow_connections": sum(user.connection is not None for user in self.users if user.plan.is_slow),
            "whole": self._whole(),
            "whole_at_us": max((user.whole_at_us for user in self._reading), default=0),
            "latency": self._latency.take(),
            "below_zero": self._latency.below_zero,
            "delays": self._readers.delays.take(),
            "orders_waiting": self._orders.waiting,
            "last_loss": min(losses, default=""),
            "last_refusal": min(refusals, default=""),
        }

    def means(self) -> list[tuple[int, int, int]]:
        """Return every reading user's gateway, and sum and number of the deliveries since the last call."""
        return [(user.gateway, *user.follower.take_mean()) for user in self._reading]

    def seqs(self) -> dict[str, int]:
        """Return how far the furthest user has come in each book; O(users and their books)."""
        furthest: dict[str, int] = {}
        for user in self._reading:
            for instrument, book in user.follower.books.items():
                if book.seq > furthest.get(instrument, 0):
                    furthest[instrument] = book.seq
        return furthest

    def reached(self, expected: Mapping[str, Sequence[int]], since_us: int) -> int:
        """
        Count the users whose books are live; O(users and their books).

        Args:
            expected: Instrument to (epoch, seq): a live book is in sync and is there or beyond.
            since_us: A live user has been sent something since, µs since 1970.
        """
        return sum(user.follower.framed_at_us >= since_us and _has_passed(user, expected) for user in self._reading)

    async def settle(self) -> None:
        """End orders and churn, and take back what rests; returns when it is done, or takes too long."""
        self._churn = 0.0
        self._orders.set_rate(0.0)
        traders = [(user, user.follower.desk) for user in self._reading if user.follower.desk is not None]
        await _until(SETTLE_SECONDS_MAX, lambda: not any(desk.waits for _, desk in traders))
        for user, desk in traders:
            if desk.open_orders and user.connection is not None:
                user.follower.cancel_all()
                user.connection.send_requests()
        await _until(SETTLE_SECONDS_MAX, lambda: not any(desk.open_orders for _, desk in traders))

    async def final_books(self, expected: Mapping[str, Sequence[int]]) -> list[FinalBook]:
        """
        Wait until every user has come as far as the engine, then let every user ask for his books.

        Returns what there is when the time is over: a user who never got there says where he stands, and one who got
        no answer is missing.

        Args:
            expected: Instrument to (epoch, seq) of the engine's last state; books without one are not waited for.
        """
        await _until(SETTLE_SECONDS_MAX, lambda: all(_has_reached(user, expected) for user in self._reading))
        for start in range(0, len(self._reading), ASKING_AT_ONCE):
            await _ask(self._reading[start : start + ASKING_AT_ONCE])
        return [book for user in self._reading for book in user.follower.final_books]

    def _user(self, plan: UserPlan, token: str) -> LoadUser:
        shared = self._slow if plan.is_slow else self._readers
        follower = Follower(
            plan.name,
            plan.instruments,
            shared.counts,
            self._unheard if plan.is_slow else self._latency,
            verifies=plan.verifies,
            subscriptions=plan.subscriptions,
            depth=plan.depth,
            delays=shared.delays,
            quotes=self._quotes,
        )
        sources = self._settings.sources
        source = sources[plan.number % len(sources)] if sources else None
        return LoadUser(plan, follower, token, source, shared)

    def _traders(self) -> list[LoadUser]:
        """Give everybody who reads a desk, and make sure that somebody hears prices."""
        if not self._settings.trades_as:
            return []
        for user in self._reading:
            follower = user.follower
            if all(each.channel != "account" for each in follower.subscriptions):
                follower.subscriptions.append(PlannedSubscription("account", (EVERY_INSTRUMENT,)))
            name = f"{self._settings.trades_as}-{user.plan.number}"
            counts, delays = self._readers.counts, self._readers.delays
            follower.desk = OrderDesk(name, user.plan.instruments, self._quotes, counts, delays, self._random)
        if self._reading and not any(_hears_prices(user) for user in self._reading):
            tickers = PlannedSubscription("ticker", (EVERY_INSTRUMENT,), interval_ms=QUOTE_INTERVAL_MS)
            self._reading[0].follower.subscriptions.append(tickers)
        return self._reading

    def _whole(self) -> int:
        """Count the users who trust every book; quickly while none is stale, for then who has been whole still is."""
        counts = self._readers.counts
        if counts.gaps_seen == counts.gaps_recovered:
            return sum(user.connection is not None and user.connection.was_whole for user in self._reading)
        return sum(user.is_whole for user in self._reading)

    def _connections(self) -> list[int]:
        connections = [0] * self._gateways
        for user in self.users:
            if user.connection is not None:
                connections[user.gateway] += 1
        return connections

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            oldest_us = time.time_ns() // 1000 - int(SILENCE_SECONDS_MAX * 1_000_000)
            now = asyncio.get_running_loop().time()
            for user in self.users:
                user.check_heartbeat(oldest_us)
                user.give_up_silence(now)

    async def _let_leave(self) -> None:
        owed = 0.0
        while True:
            await asyncio.sleep(CHURN_SECONDS)
            owed += self._churn * len(self._reading) * CHURN_SECONDS
            while owed >= 1:
                owed -= 1
                self._random.choice(self._reading).leave()


async def _ask(users: Iterable[LoadUser]) -> None:
    """Let some users ask for their books, and wait for the answers."""
    asking = [user for user in users if user.connection is not None]
    for user in asking:
        user.follower.ask_final_books(user.plan.proven)
        if user.connection is not None:
            user.connection.send_requests()
    await _until(ANSWER_SECONDS_MAX, lambda: all(user.follower.has_answered for user in asking))


async def _until(seconds: float, condition: Callable[[], bool]) -> None:
    """Wait for something, at most so long."""
    give_up = asyncio.get_running_loop().time() + seconds
    while not condition():
        if asyncio.get_running_loop().time() > give_up:
            return
        await asyncio.sleep(POLL_SECONDS)


def _has_reached(user: LoadUser, expected: Mapping[str, Sequence[int]]) -> bool:
    """Whether a user is in sync, and is where the engine is; a window's seq may well stay behind."""
    books = [book for book in user.follower.books.values() if not book.depth and book.instrument in expected]
    return user.is_whole and all([book.epoch, book.seq] == list(expected[book.instrument]) for book in books)


def _has_passed(user: LoadUser, expected: Mapping[str, Sequence[int]]) -> bool:
    """Whether a user is in sync, and is where the engine was or further; a window is not asked."""
    if not user.is_whole:
        return False
    for book in user.follower.books.values():
        if book.depth or book.instrument not in expected:
            continue
        epoch, seq = expected[book.instrument]
        if book.epoch != epoch or book.seq < seq:
            return False
    return True


def _hears_prices(user: LoadUser) -> bool:
    return any(each.channel == "ticker" for each in user.follower.subscriptions)

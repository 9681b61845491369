"""An exchange with users, traders and a tape, on which faults are tried: open it, strike it, see it recover, judge it.

The users' and the traders' processes answer one question at a time, so a ground is used from one task.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from outcry.chaos.aio.history_tape import HistoryTape
from outcry.chaos.aio.striker import Striker
from outcry.chaos.fault import ChaosFault
from outcry.chaos.final_history import GrowingHistory
from outcry.chaos.judgement import Judgement, strange_endings
from outcry.chaos.order_verdict import judge_orders
from outcry.chaos.recoveries import RecoveryTimes
from outcry.chaos.trader_record import TraderRecord
from outcry.flow.aio.driver import read_listing
from outcry.load.aio.engine_verdict import engine_verdict
from outcry.load.aio.load_crew import LoadCrew
from outcry.load.crew_options import CrewOptions
from outcry.load.plan import UserPlan, plan_users
from outcry.stack.aio.child import TOO_MANY, Child, TooLate
from outcry.stack.aio.keeper import Keeper
from outcry.stack.aio.leadership import Leadership
from outcry.stack.aio.role import RoleProcess
from outcry.stack.aio.stack import Stack
from outcry.stack.aio.stop_signal import StopSignal
from shared.aio.first_error import first_error

CONNECT_SECONDS_MAX: Final = 60.0
RECOVERY_SECONDS_MAX: Final = 45.0
"""A market that takes longer to recover is called lost."""
POLL_SECONDS: Final = 0.05
"""The resolution of recovery times."""
READY_SECONDS_MAX: Final = 20.0
SPREAD_SECONDS_MAX: Final = 10.0
SPREAD_POLL_SECONDS: Final = 0.25
REST_SECONDS_MAX: Final = 90.0
RESTARTS_MAX: Final = 1000


class GroundOptions(NamedTuple):
    """The users and traders of a ground."""

    crew: CrewOptions
    """Users who follow books."""
    traders: int
    rate: float
    """Orders a second, of all traders."""
    seed: int


class ProvingGround:
    """
    A started stack under observation; made by `proving_ground`.

    Args:
        options: Its users and traders.
        stack: Started.
        stop: When to end early.
        say: Where to say what is going on.
    """

    def __init__(self, options: GroundOptions, stack: Stack, stop: StopSignal, say: Callable[[str], None]) -> None:
        self.stack: Final = stack
        self.crew: Final = LoadCrew()
        self.keeper: Final = Keeper(stack, say, RESTARTS_MAX)
        self.tape: Final = HistoryTape(stack.redis_url)
        self.options: Final = options
        self.traders: Final = RoleProcess("traders", "outcry.chaos", stack.folder)
        self.instruments: list[str] = []
        self._leadership = Leadership(stack.redis_url)
        self._striker = Striker(stack, self.keeper, self._leadership)
        self._stop = stop
        self._say = say
        self._plans: list[UserPlan] = []
        self._history = GrowingHistory()

    async def open(self, urls: Sequence[str]) -> None:
        """
        Let everybody connect, and trade.

        Args:
            urls: The gateways' addresses, as users are to know them.

        Raises:
            RoleFailed: If somebody cannot.
            Interrupted: If it was stopped meanwhile.
        """
        options, stack = self.options, self.stack
        self.instruments = [instrument.symbol for instrument in await read_listing(stack.redis_url)]
        self._plans = plan_users(options.crew.users, len(urls), self.instruments, options.crew.verify_percent)
        self._say(f"connecting {options.crew.users:,} users and {options.traders} traders to {len(urls)} gateways")
        tokens = [stack.token(f"trader-{number:02}") for number in range(options.traders)]
        await self.traders.start(tokens=tokens, gateways=list(urls), instruments=self.instruments, seed=options.seed)
        await self.crew.start(self._plans, stack.token, list(urls), stack.folder, options.crew.load_processes)
        self.crew.connect()
        await self.traders.hear("ready", CONNECT_SECONDS_MAX)
        try:
            await self._stop.until(self._is_open, CONNECT_SECONDS_MAX, "not all users held their books", self._children)
        except TooLate as error:
            raise TooLate(f"{error}\n{TOO_MANY}") from error
        self.trade()

    def trade(self) -> None:
        """Let the traders trade, at first or after a judgement."""
        self.traders.tell("rate", rate=self.options.rate)

    async def endure(self, fault: ChaosFault, watched: Callable[[int], None] = lambda _: None) -> RecoveryTimes:
        """
        Let a fault happen; returns when the market has recovered, and nothing is frozen any more.

        Args:
            fault: What happens.
            watched: Called with the number of users who have recovered, each time that one looks.
        """
        since_us, victims = await self._striker.strike(fault)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._striker.undo(victims))
            return await self.recovery(since_us, watched)

    async def leader(self) -> Child:
        """Return the engine that leads; raises `RoleFailed` if none does."""
        return await self._striker.leader()

    async def recovery(self, since_us: int, watched: Callable[[int], None] = lambda _: None) -> RecoveryTimes:
        """
        Wait until orders are acknowledged again, and then until every user's books are live and in sync.

        Args:
            since_us: When the fault began, µs since 1970.
            watched: As `endure`.
        """
        give_up = time.monotonic() + RECOVERY_SECONDS_MAX
        told_us = await self._first_answer(since_us, give_up)
        if not told_us:
            return RecoveryTimes(None, None)
        first_order_ms = (told_us - since_us) / 1000
        while self.tape.last_published_us < told_us and time.monotonic() < give_up:  # noqa: ASYNC110 - a tape has no bell
            await asyncio.sleep(POLL_SECONDS)
        epoch, target = self.tape.epoch, self.tape.position
        while time.monotonic() < give_up:
            self._check()
            if self.tape.epoch != epoch:  # History has begun anew meanwhile: nobody will stand there any more.
                epoch, target = self.tape.epoch, self.tape.position
            reached = await self.crew.reached(target, told_us)
            watched(reached)
            if reached == self.options.crew.users:
                return RecoveryTimes(first_order_ms, time.time_ns() / 1e6 - since_us / 1000)
            await asyncio.sleep(POLL_SECONDS)
        return RecoveryTimes(first_order_ms, None)

    async def get_ready(self) -> None:
        """
        Wait until every part runs and is ready, and let users go back to where they began.

        So the next fault meets a standby that stands by, and gateways that are all in use. Returns when it is so, or
        after READY_SECONDS_MAX and SPREAD_SECONDS_MAX: a part that never gets ready is for the verdict to find.
        """
        give_up = time.monotonic() + READY_SECONDS_MAX
        while not await self._is_ready() and time.monotonic() < give_up:  # noqa: ASYNC110 - processes
            await asyncio.sleep(POLL_SECONDS)
        give_up = time.monotonic() + SPREAD_SECONDS_MAX
        while time.monotonic() < give_up:
            self.crew.send_home()
            seen = await self.crew.statistics()
            if seen.whole == self.options.crew.users and max(seen.connections) - min(seen.connections) <= 1:
                return
            await asyncio.sleep(SPREAD_POLL_SECONDS)

    async def judge(self) -> Judgement:
        """
        Let the market rest, and compare books with the engine's, and the traders' replies with the history.

        Raises:
            RoleFailed: If the engine's snapshots stay behind, or a process fails.
            StoreUnavailable: If the history cannot be read.
        """
        await self.traders.ask("rest", "rested", REST_SECONDS_MAX)
        history = self._history.read(await self.tape.final())
        seqs = {instrument: book.seq for instrument, book in history.books.items()}
        books = await engine_verdict(self.stack.redis_url, seqs, self._plans, self.crew)
        records = [await self._record(number) for number in range(self.options.traders)]
        # Users may have been the cause of more: a history that is younger than the accounts is read once more.
        history = self._history.read(await self.tape.final())
        return Judgement(books, judge_orders(records, history), len(history.epochs))

    def strange_endings(self) -> list[str]:
        """Return in words which parts ended in a way that no fault explains."""
        return strange_endings(self.keeper.endings)

    async def aclose(self) -> None:
        """Close connections; processes are ended by `proving_ground`."""
        await self.tape.aclose()
        await self._leadership.aclose()

    @property
    def _children(self) -> list[Child]:
        return [self.traders.child, *self.crew.children]

    def _check(self) -> None:
        for child in self._children:
            child.check_alive()

    async def _is_open(self) -> bool:
        return (await self.crew.statistics()).whole == self.options.crew.users

    async def _is_ready(self) -> bool:
        alive = all(part.exit_status() is None for part in self.stack.parts)
        return alive and await self.stack.is_ready()

    async def _first_answer(self, since_us: int, give_up: float) -> int:
        while time.monotonic() < give_up:
            self._check()
            told_us: int = (await self.traders.ask("answered", "answered", since_us=since_us))["told_us"]
            if told_us:
                return told_us
            await asyncio.sleep(POLL_SECONDS)
        return 0

    async def _record(self, number: int) -> TraderRecord:
        return TraderRecord.read((await self.traders.ask("record", "record", number=number))["record"])


@asynccontextmanager
async def proving_ground(
    options: GroundOptions, stack: Stack, stop: StopSignal, say: Callable[[str], None]
) -> AsyncIterator[ProvingGround]:
    """Observe a started stack, and keep its parts up; users and traders are gone at the end."""
    ground = ProvingGround(options, stack, stop, say)
    try:
        with ground.traders, ground.crew:
            async with asyncio.TaskGroup() as tasks:
                beside = [tasks.create_task(ground.tape.run()), tasks.create_task(ground.keeper.run())]
                yield ground
                for task in beside:
                    task.cancel()
    except BaseExceptionGroup as group:
        raise first_error(group) from group
    finally:
        await ground.aclose()

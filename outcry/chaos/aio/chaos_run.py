"""`outcry demo --chaos`: parts are killed and frozen while the market trades, and then everything is compared."""

from __future__ import annotations

import importlib.metadata
import platform
import time
from collections import Counter
from typing import Final

from openoutcry.wire.errors import ConfigurationError
from outcry.chaos.aio.proving_ground import GroundOptions, ProvingGround, proving_ground
from outcry.chaos.fault import ChaosFault
from outcry.chaos.fault_schedule import FaultSchedule
from outcry.chaos.judgement import Judgement
from outcry.chaos.moment import ChaosMoment
from outcry.chaos.options import TRADERS, ChaosOptions
from outcry.chaos.recoveries import Happened, RecoveryTimes, by_kind
from outcry.chaos.report import ChaosReport
from outcry.load.look import LoadStatistics
from outcry.stack.aio.open_files import allow_open_files
from outcry.stack.aio.private_folder import private_folder
from outcry.stack.aio.stack import Stack
from outcry.stack.aio.stop_signal import StopSignal
from outcry.stack.screen import Screen

LOOK_SECONDS: Final = 1.0
NEWS_SHOWN: Final = 40


async def run_chaos(options: ChaosOptions, screen: Screen[ChaosMoment, ChaosReport], stop: StopSignal) -> ChaosReport:
    """
    Run it; no process is left when this returns or raises.

    Args:
        options: Checked.
        screen: Where it is shown.
        stop: The first signal ends the faults early, with a verdict.

    Raises:
        ConfigurationError: If something about the machine or the options does not allow it.
        RoleFailed: If a part does not come up, or nobody leads any more; with the end of its log.
        StoreUnavailable: If Redis cannot be started or reached.
        Interrupted: If it was stopped before everybody was connected.
    """
    allow_open_files(options.crew.users)
    with private_folder() as folder, Stack(options.stack, folder, screen.say) as stack:
        await stack.start(stop)
        if stack.redis is not None and stack.redis.program.kind == "fakeredis":
            raise ConfigurationError("--chaos needs a real Redis or Valkey server: fakeredis forgets when it is killed")
        who = GroundOptions(options.crew, TRADERS, options.rate, options.seed)
        async with proving_ground(who, stack, stop, screen.say) as ground:
            await ground.open(stack.gateway_urls)
            return await ChaosRun(options, ground, screen, stop).run()


class ChaosRun:
    """
    A run on an open ground.

    Args:
        options: Checked.
        ground: Open.
        screen: Where it is shown.
        stop: When to end early.
    """

    def __init__(
        self,
        options: ChaosOptions,
        ground: ProvingGround,
        screen: Screen[ChaosMoment, ChaosReport],
        stop: StopSignal,
    ) -> None:
        self._options = options
        self._ground = ground
        self._screen = screen
        self._stop = stop
        self._happened: list[Happened] = []
        self._began = time.monotonic()
        self._whole = options.crew.users

    async def run(self) -> ChaosReport:
        """Let faults happen until the time is over, then compare."""
        self._screen.say(f"faults begin; --seed {self._options.seed} chooses the same ones again")
        schedule = FaultSchedule(self._options.seed, self._options.parts, self._options.stack.gateways)
        for fault in schedule.faults():
            if await self._pause(fault.wait):
                break
            await self._let_happen(fault)
        seconds = self._elapsed
        self._screen.say("the market rests; every user asks for every book, every trader for his account")
        judgement = await self._ground.judge()
        return self._report(seconds, judgement, await self._ground.crew.statistics())

    @property
    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    async def _pause(self, seconds: float) -> bool:
        """Wait for the next fault; True if the run is over."""
        end = self._elapsed + seconds
        while self._elapsed < end:
            if await self._stop.wait(min(LOOK_SECONDS, max(0.0, end - self._elapsed))):
                return True
            self._whole = (await self._ground.crew.statistics()).whole
            self._show("trading")
        return self._elapsed >= self._options.seconds

    async def _let_happen(self, fault: ChaosFault) -> None:
        at = self._elapsed
        self._screen.say(f"{at:6.1f} s  {fault}")
        recovery = await self._ground.endure(fault, lambda whole: self._watch(fault.kind, whole))
        self._happened.append(Happened(at, fault.kind, str(fault), recovery))
        self._screen.say(f"{self._elapsed:6.1f} s  {_told(recovery)}")
        await self._ground.get_ready()

    def _watch(self, kind: str, whole: int) -> None:
        self._whole = whole
        self._show(kind)

    def _show(self, phase: str) -> None:
        self._screen.show(
            ChaosMoment(
                phase=phase,
                elapsed=self._elapsed,
                seconds=self._options.seconds,
                users=self._options.crew.users,
                whole=self._whole,
                epoch=self._ground.tape.epoch,
                faults=len(self._happened),
                news=[f"{each.at:6.1f} s  {each.text}" for each in self._happened[-NEWS_SHOWN:]],
            )
        )

    def _report(self, seconds: float, judgement: Judgement, seen: LoadStatistics) -> ChaosReport:
        books, orders, _ = judgement
        stack = self._ground.stack
        complaints = judgement.complaints(self._happened, self._ground.keeper.endings, seen.counts["digests_wrong"])
        return ChaosReport(
            verdict="ok" if judgement.is_good and not complaints else "failed",
            complaints=complaints,
            seed=self._options.seed,
            users=self._options.crew.users,
            gateways=len(stack.gateways),
            engines=len(stack.engines),
            seconds=round(seconds, 3),
            faults=[_row(each) for each in self._happened],
            recovery_ms=by_kind(self._happened, "books_ms"),
            first_order_ms=by_kind(self._happened, "first_order_ms"),
            books_verified=books.books_verified,
            books_wrong=books.books_wrong,
            acknowledged=orders.acknowledged,
            special=orders.special,
            acknowledged_lost=orders.lost,
            acknowledged_duplicated=orders.duplicated,
            announced_lost=orders.announced_lost,
            contradicted=orders.contradicted,
            unresolved=orders.unresolved,
            history_findings=orders.findings,
            epochs=judgement.epochs,
            disconnects=seen.counts["disconnects"],
            resumes=seen.counts["resumes"],
            digests_checked=seen.counts["digests_checked"],
            digests_wrong=seen.counts["digests_wrong"],
            restarts=dict(Counter(name for name, _ in self._ground.keeper.endings)),
            redis=stack.redis.program.kind if stack.redis else "external",
            appendfsync=self._options.stack.appendfsync if stack.redis else "unknown",
            versions={
                "openoutcry": importlib.metadata.version("openoutcry-exchange"),
                "python": platform.python_version(),
            },
        )


def _told(recovery: RecoveryTimes) -> str:
    if recovery.first_order_ms is None:
        return "NO ORDER HAS GONE THROUGH SINCE"
    orders = f"orders again after {recovery.first_order_ms / 1000:.2f} s"
    if recovery.books_ms is None:
        return f"{orders}, BUT NOT ALL BOOKS CAME BACK"
    return f"{orders}, all books live after {recovery.books_ms / 1000:.2f} s"


def _row(happened: Happened) -> dict[str, object]:
    return {
        "at": round(happened.at, 3),
        "kind": happened.kind,
        "text": happened.text,
        **{name: None if value is None else round(value, 1) for name, value in happened.recovery._asdict().items()},
    }

"""One run of the demo, from the first process to the verdict.

Start the exchange, let bots trade or recorded flow play, connect all users, measure, let the market come to rest, and
compare every user's books with the engine's. Nothing is assumed: rates and counts come from the feed and from the
users themselves.
"""

from __future__ import annotations

import importlib.metadata
import platform
import time
from collections import deque
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final, NamedTuple

import psutil

from openoutcry.wire.instrument import Instrument
from outcry.demo.aio.record_look import RecordLook, look_at_record
from outcry.demo.aio.storyteller import LOOK_SECONDS, Storyteller
from outcry.demo.moment import Moment
from outcry.demo.options import DemoOptions
from outcry.demo.report import Report
from outcry.demo.story import Cast
from outcry.flow.aio.lobster_file import LobsterFile
from outcry.flow.funding import CALL_S
from outcry.load.aio.engine_accounts import engine_conservation
from outcry.load.aio.engine_verdict import engine_verdict
from outcry.load.aio.load_crew import LoadCrew
from outcry.load.conservation import Conservation
from outcry.load.counts import complaints_about
from outcry.load.fairness import fairness
from outcry.load.latency import difference, latency_ms, new_histogram
from outcry.load.look import LoadStatistics
from outcry.load.look import Look as LoadLook
from outcry.load.plan import UserPlan, plan_users
from outcry.load.report import SERIES_POINTS_MAX, Point
from outcry.load.verdict import BookVerdict
from outcry.stack.aio.child import TOO_MANY, RoleFailed, TooLate
from outcry.stack.aio.open_files import allow_open_files
from outcry.stack.aio.private_folder import private_folder
from outcry.stack.aio.role import RoleProcess
from outcry.stack.aio.stack import Stack
from outcry.stack.aio.stop_signal import StopSignal
from outcry.stack.screen import Screen
from outcry.stack.usage import MEBIBYTE, Usage

DRIVER_SECONDS_MAX: Final = 60.0
"""How long bots may take to fill the books, and any driver to come to rest."""
CONNECT_SECONDS_MAX: Final = 60.0
"""How long all users may take to hold all their books."""
USERS_CONNECT_A_SECOND: Final = 200
"""At least, on two cores: the opening call lasts so much longer, that they see it end."""
MOMENT_SECONDS: Final = 1.0
"""Between two looks at everything."""


class _Look(NamedTuple):
    """Everything at one moment."""

    at: float
    """Monotonic seconds."""
    market: Mapping[str, Any]
    """`Driver.statistics`."""
    load: LoadStatistics
    usage: Mapping[str, Usage]


async def run_demo(options: DemoOptions, screen: Screen[Moment, Report], stop: StopSignal) -> Report:
    """
    Run a demo; no process is left when this returns or raises.

    Args:
        options: Checked.
        screen: Where to show it.
        stop: The first signal ends the measurement early, with a verdict.

    Raises:
        ConfigurationError: If something about the machine or the options does not allow it.
        RoleFailed: If a part fails; with the end of its log.
        StoreUnavailable: If Redis cannot be started or reached.
        Interrupted: If it was stopped before the measurement began.
    """
    allow_open_files(options.crew.users)
    if options.replay:
        with LobsterFile(options.replay.path):
            pass  # A wrong name is told before anything is started.
    with (
        private_folder() as folder,
        Stack(options.stack, folder, screen.say) as stack,
        LoadCrew() as crew,
    ):
        await stack.start(stop)
        screen.say(stack.where_to_look("developer"))
        with RoleProcess("replay" if options.replay else "bots", "outcry.flow", folder) as driver:
            demo = MarketDemo(options, screen, stop, stack, driver, crew)
            await demo.prepare()
            return await demo.run()


class MarketDemo:
    """
    A demo on a running exchange.

    Args:
        options: Checked.
        screen: Where it is shown.
        stop: When to end early.
        stack: Started.
        driver: Bots or replay, not started yet.
        crew: The users, not started yet.
    """

    def __init__(
        self,
        options: DemoOptions,
        screen: Screen[Moment, Report],
        stop: StopSignal,
        stack: Stack,
        driver: RoleProcess,
        crew: LoadCrew,
    ) -> None:
        self._options = options
        self._screen = screen
        self._stop = stop
        self._stack = stack
        self._driver = driver
        self._crew = crew
        self._plans: list[UserPlan] = []
        self._listing: dict[str, Instrument] = {}
        self._latency = new_histogram()
        self._between = new_histogram()  # since the last moment
        self._chapters = options.story.chapters(self._cast()) if not options.replay else []
        self._story: Storyteller | None = None
        self._has_opened = False
        self._series: deque[Point] = deque(maxlen=SERIES_POINTS_MAX)
        self._prices: deque[tuple[float, float]] = deque(maxlen=SERIES_POINTS_MAX)
        self._instruments: list[str] = []
        self._lost_gateways: list[str] = []
        self._lost_engines: list[str] = []

    @property
    def _keeps_accounts(self) -> bool:
        return self._options.accounts and not self._options.replay

    async def prepare(self) -> None:
        """Get the market going and all users connected."""
        self._instruments = instruments = await self._start_driver()
        self._plans = plan_users(
            self._options.crew.users,
            len(self._stack.gateways),
            instruments,
            self._options.crew.verify_percent,
            first_shows_trades=True,
        )
        self._screen.say(f"connecting {self._options.crew.users} users to {len(self._stack.gateways)} gateways")
        await self._crew.start(
            self._plans,
            self._stack.token,
            self._stack.gateway_urls,
            self._stack.folder,
            self._options.crew.load_processes,
        )
        self._crew.connect()
        try:
            await self._stop.until(
                self._everybody_is_whole, CONNECT_SECONDS_MAX, "not all users held their books",
                [*self._stack.essential, self._driver.child, *self._crew.children],
            )  # fmt: skip
        except RoleFailed as error:
            advice = f"\n{TOO_MANY}" if isinstance(error, TooLate) else ""
            raise RoleFailed(f"{error}\n{await self._troubles()}{advice}") from error

    async def run(self) -> Report:
        """Measure, let the market come to rest, compare."""
        before = await self._look()
        self._latency = new_histogram()
        await self._crew.means()
        if self._options.replay:
            self._driver.tell("start")
        if self._chapters:
            self._story = Storyteller(
                self._stack, self._driver, self._crew, self._statistics, self._instruments[0],
                self._options.crew.users, self._screen.say,
            )  # fmt: skip
        last = await self._measure(before)
        means = fairness(await self._crew.means(), self._stack.gateway_urls)
        market = await self._driver.ask("stop", "stats", DRIVER_SECONDS_MAX)
        if self._story is not None:
            self._story.close(market)
            self._story.restore()
        rested_at = time.monotonic()
        self._screen.say("the market rests; every user asks for every book")
        verdict = await engine_verdict(self._stack.redis_url, market["seqs"], self._plans, self._crew)
        conservation = await engine_conservation(self._stack.redis_url, keeps_accounts=self._keeps_accounts)
        record = await look_at_record(self._stack)
        after = await self._look()
        ended = after._replace(at=rested_at, market=market)
        return self._report(before, last, ended, verdict, conservation, record, means)

    async def _start_driver(self) -> list[str]:
        """Start bots or replay; return whose books to follow."""
        options = self._options
        if options.replay:
            path, instrument, speed = options.replay
            await self._driver.start(
                role="replay", redis_url=self._stack.redis_url, path=str(path), instrument=instrument, speed=speed
            )
            self._take_listing(await self._driver.hear("ready", DRIVER_SECONDS_MAX))
            return [instrument]
        self._screen.say("the bots fill the books")
        await self._driver.start(
            role="bots", redis_url=self._stack.redis_url, rate=options.rate, hot=options.hot, seed=options.seed,
            accounts=options.accounts, call_s=CALL_S + options.crew.users / USERS_CONNECT_A_SECOND,
        )  # fmt: skip
        ready = await self._driver.hear("ready", DRIVER_SECONDS_MAX)
        self._driver.tell("start")
        self._take_listing(ready)
        instruments: list[str] = ready["instruments"]
        return instruments[:1] if options.hot else instruments

    def _take_listing(self, ready: Mapping[str, Any]) -> None:
        self._listing = {row[0]: Instrument._make(row) for row in ready["listing"]}

    async def _everybody_is_whole(self) -> bool:
        return (await self._crew.statistics()).whole == self._options.crew.users

    async def _measure(self, before: _Look) -> _Look:
        """Watch until the time is over, the file is through or somebody wants an end; return the last look."""
        last = before
        while not self._is_over(before, last):
            if await self._stop.wait(self._until_next_look(before, last)):
                break
            await self._go_on(before)
            self._check_processes()
            if not self._is_moment(before, last):
                continue
            look = await self._look()
            moment = await self._moment(before, last, look)
            self._keep(before, last, look, moment)
            self._tell_opening(before, look)
            self._screen.show(moment)
            last = look
        return last

    async def _go_on(self, before: _Look) -> None:
        """Go on with the story: its next chapter begins when it is time, and the one before has ended."""
        story, elapsed = self._story, time.monotonic() - before.at
        if story is None:
            return
        await story.look()
        if not story.is_open and self._chapters and self._chapters[0][0] <= elapsed:
            _, deed = self._chapters.pop(0)
            await story.begin(deed, elapsed)

    def _tell_opening(self, before: _Look, look: _Look) -> None:
        """Say it once the opening auction is over."""
        trades = look.market["auction_trades"]
        if not self._has_opened and trades:
            self._has_opened = True
            at = look.at - before.at
            self._screen.say(f"{at:5.1f} s  the opening auction is over: {trades:,} trades, in each book at one price")

    def _keep(self, before: _Look, last: _Look, look: _Look, moment: Moment) -> None:
        now, then = [LoadLook(each.at, each.load, each.usage) for each in (look, last)]
        self._series.append(now.point(then, before.at))
        symbol = self._instruments[0]
        book = moment.market.get("books", {}).get(symbol)
        if book and book["bids"] and book["asks"]:
            ticks = Fraction(book["bids"][0][0] + book["asks"][0][0], 2)
            listed = self._listing.get(symbol, Instrument(symbol))
            self._prices.append((round(moment.elapsed, 3), round(float(ticks * Fraction(listed.tick_size)), 6)))

    def _is_over(self, before: _Look, last: _Look) -> bool:
        if self._story is not None and self._story.is_open:
            return False
        if self._options.replay:
            return bool(last.market["finished"])
        return 0 < self._options.seconds <= last.at - before.at

    def _until_next_look(self, before: _Look, last: _Look) -> float:
        now = time.monotonic()
        due = [last.at + MOMENT_SECONDS]
        if self._options.seconds and not self._options.replay:
            due.append(before.at + self._options.seconds)
        if self._story is not None and self._story.is_open:
            due.append(now + LOOK_SECONDS)
        elif self._chapters:
            due.append(before.at + self._chapters[0][0])
        return max(0.0, min(due) - now)

    def _is_moment(self, before: _Look, last: _Look) -> bool:
        now = time.monotonic()
        is_end = 0 < self._options.seconds <= now - before.at and not self._options.replay
        return is_end or now - last.at >= MOMENT_SECONDS

    def _check_processes(self) -> None:
        """Raise for a part without which nothing goes on; the death of a gateway or of one engine is only reported."""
        for child in (*self._stack.essential, *self._crew.children):
            child.check_alive()
        killed = self._story.killed if self._story is not None else ()
        for engine in self._stack.engines:
            if engine.name not in self._lost_engines and engine.exit_status() is not None:
                self._lost_engines.append(engine.name)
                if engine.name in killed:
                    continue
                self._screen.say(f"{engine.how_it_ended()}; another engine leads")
        for gateway in self._stack.gateways:
            if gateway.name not in self._lost_gateways and gateway.exit_status() is not None:
                self._lost_gateways.append(gateway.name)
                if gateway.name in killed:
                    continue
                self._screen.say(f"{gateway.how_it_ended()}; its users go to the others")
        if len(self._lost_gateways) == len(self._stack.gateways):
            self._stack.gateways[0].check_alive()

    async def _look(self) -> _Look:
        market = await self._driver.ask("stats", "stats")
        load = await self._statistics()
        load, self._between = load._replace(latency=self._between), new_histogram()
        return _Look(time.monotonic(), market, load, self._usage())

    async def _statistics(self) -> LoadStatistics:
        """Ask the users; what they have measured since they were asked last is kept for the moment and the report."""
        load = await self._crew.statistics()
        self._latency.add(load.latency)
        self._between.add(load.latency)
        return load

    def _cast(self) -> Cast:
        stack = self._options.stack
        return Cast(stack.gateways, stack.engines, self._options.accounts)

    def _usage(self) -> dict[str, Usage]:
        itself = psutil.Process()
        cpu = itself.cpu_times()
        return {
            **self._stack.usage(),
            self._driver.child.name: self._driver.child.usage(),
            "load": self._crew.usage(),
            "demo": Usage(cpu.user + cpu.system, itself.memory_info().rss / MEBIBYTE),
        }

    async def _moment(self, before: _Look, last: _Look, look: _Look) -> Moment:
        seconds = max(look.at - last.at, 1e-3)
        seen = difference(look.load.counts, last.load.counts)
        return Moment(
            phase="trading",
            elapsed=look.at - before.at,
            remaining=self._remaining(before, look),
            users=self._options.crew.users,
            whole=look.load.whole,
            connections=look.load.connections,
            published=(look.market["changes"] - last.market["changes"]) / seconds,
            delivered=seen["updates"] / seconds,
            frames=seen["frames"] / seconds,
            trades=(look.market["trades"] - last.market["trades"]) / seconds,
            latency_ms=latency_ms(look.load.latency),
            counts=difference(look.load.counts, before.load.counts),
            market=await self._crew.market_view(),
            listing=self._listing,
            lost_gateways=list(self._lost_gateways),
        )

    def _remaining(self, before: _Look, look: _Look) -> str:
        elapsed = look.at - before.at
        if self._options.replay:
            return f"{look.market['progress']:.0%} of {self._options.replay.path.name} in {elapsed:.0f} s"
        if self._options.seconds:
            return f"{elapsed:.0f} of {self._options.seconds:.0f} s"
        return f"{elapsed:.0f} s, until Ctrl-C"

    async def _troubles(self) -> str:
        statistics = await self._crew.statistics()
        reasons = "".join(f"\n  {reason}" for reason in statistics.troubles)
        return f"{statistics.whole} of {self._options.crew.users} users are in sync{reasons}"

    def _report(
        self,
        before: _Look,
        last: _Look,
        after: _Look,
        verdict: BookVerdict,
        conservation: Conservation,
        record: RecordLook | None,
        means: Mapping[str, Any],
    ) -> Report:
        seconds = after.at - before.at
        seen = difference(after.load.counts, before.load.counts)
        changes = after.market["changes"] - before.market["changes"]
        complaints = [*verdict.complaints, *complaints_about(seen), *conservation.complaints]
        complaints += record.complaints if record is not None else ()
        complaints += self._story.complaints() if self._story is not None else ()
        if self._keeps_accounts and not conservation.keeps_accounts:
            complaints.append("the market keeps no accounts: users were known to it before the demo began")
        is_good = verdict.is_good and not complaints
        return Report(
            verdict="ok" if is_good else "failed",
            complaints=complaints,
            users=self._options.crew.users,
            gateways=len(self._stack.gateways),
            engines=len(self._stack.engines),
            seconds=round(seconds, 3),
            updates_published=changes,
            updates_delivered=seen["updates"],
            frames_delivered=seen["frames"],
            bytes_delivered=seen["bytes"],
            trades=after.market["trades"] - before.market["trades"],
            auction_trades=after.market["auction_trades"],
            commands=after.market["commands"] - before.market["commands"],
            special=after.market.get("special", {}),
            books_verified=verdict.books_verified,
            books_wrong=verdict.books_wrong,
            accounts=conservation.accounts if conservation.keeps_accounts else 0,
            assets_conserved=conservation.assets if not conservation.complaints else 0,
            ledger_commands=record.commands if record is not None else 0,
            ledger_blocks=record.blocks if record is not None else 0,
            digests_checked=seen["digests_checked"],
            digests_wrong=seen["digests_wrong"],
            gaps_seen=seen["gaps_seen"],
            gaps_recovered=seen["gaps_recovered"],
            duplicates=seen["duplicates"],
            disconnects=seen["disconnects"],
            connect_failures=seen["connect_failures"],
            refusals=seen["refusals"],
            gateways_lost=list(self._lost_gateways),
            engines_lost=list(self._lost_engines),
            story=[chapter.row() for chapter in self._story.chapters] if self._story is not None else [],
            fairness=means,
            series=list(self._series),
            prices=list(self._prices),
            priced=self._instruments[0],
            latency_ms=latency_ms(self._latency),
            connections_per_gateway=last.load.connections,
            cpu_seconds={
                role: round(used.cpu_seconds - before.usage[role].cpu_seconds, 2) for role, used in after.usage.items()
            },
            rss_mib={role: round(used.rss_mib, 1) for role, used in after.usage.items()},
            rate_asked=None if self._options.replay else self._options.rate,
            rate_published=round(changes / seconds, 1) if seconds else 0.0,
            replay=_replay_figures(after.market) if self._options.replay else None,
            market="replay" if self._options.replay else "hot" if self._options.hot else "spread",
            redis=self._stack.redis.program.kind if self._stack.redis else "external",
            versions={
                "openoutcry": importlib.metadata.version("openoutcry-exchange"),
                "python": platform.python_version(),
            },
        )


def _replay_figures(market: Mapping[str, Any]) -> dict[str, Any]:
    return {name: market[name] for name in ("messages", "skipped", "refused")}

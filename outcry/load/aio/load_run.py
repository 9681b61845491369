"""One load run, from the first connection to the report.

Let all users connect, measure while the scenario's actions happen at their times, let the users cancel their orders,
and compare their books. Nothing is assumed: every figure was counted by users, read from /metrics, or measured of
processes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Final

from outcry.load.aio.foreign_market import ForeignMarket
from outcry.load.aio.load_crew import LoadCrew
from outcry.load.aio.market import LoadedMarket
from outcry.load.aio.own_market import OwnMarket, OwnMarketOptions
from outcry.load.aio.scraper import scrape
from outcry.load.aio.stopwatch import look, machine
from outcry.load.conclusion import Measured, conclude
from outcry.load.fairness import fairness
from outcry.load.findings import Findings
from outcry.load.fleet_settings import FleetSettings
from outcry.load.latency import difference
from outcry.load.look import Look
from outcry.load.moment import LoadMoment
from outcry.load.options import LoadOptions
from outcry.load.plan import UserPlan, plan_users
from outcry.load.report import SERIES_POINTS_MAX, LoadReport
from outcry.load.scenario import BURST_FACTOR, Deed
from outcry.load.timeline import Timeline
from outcry.load.verdict import BookVerdict
from outcry.stack.aio.child import TOO_MANY, RoleFailed
from outcry.stack.aio.open_files import allow_open_files
from outcry.stack.aio.private_folder import private_folder
from outcry.stack.aio.stop_signal import Interrupted, StopSignal
from outcry.stack.screen import Screen

CONNECT_SECONDS_MAX: Final = 60.0
"""How long all users may take to hold all their books, after the ramp."""
STEP_SECONDS: Final = 1.0
"""Between two looks at everything, in runs of up to an hour."""
OPENING_STEP_SECONDS: Final = 0.5
"""The same while users connect."""
RECOVERY_SECONDS_MAX: Final = 20.0
"""How long a run goes on after its time, for users who are not in sync again."""
NEWS_SHOWN: Final = 4


async def run_load(
    options: LoadOptions, own: OwnMarketOptions, screen: Screen[LoadMoment, LoadReport], stop: StopSignal
) -> LoadReport:
    """
    Run a load; no process of ours is left when this returns or raises.

    Args:
        options: Checked.
        own: Checked; what to start where the options name no deployment.
        screen: Where it is shown.
        stop: The first signal ends the measurement early, with a report.

    Raises:
        ConfigurationError: If something about the machine or the options does not allow it.
        RoleFailed: If users cannot connect, or a part fails; with what it said.
        StoreUnavailable: If the deployment does not answer, or Redis cannot be started.
        Interrupted: If it was stopped before the measurement began.
    """
    allow_open_files(options.crew.users)
    with private_folder() as folder:
        if options.deployment is not None:
            foreign = ForeignMarket(options.deployment, options.crew.users)
            await foreign.open()
            with LoadCrew() as crew:
                return await LoadRun(options, foreign, crew, folder, screen, stop).run()
        with OwnMarket(own, folder, screen.say) as market, LoadCrew() as crew:
            await market.open(stop)
            return await LoadRun(options, market, crew, folder, screen, stop).run()


class LoadRun:
    """
    A run against a market that is open.

    Args:
        options: Checked.
        market: Open.
        crew: No process started yet.
        folder: For logs.
        screen: Where it is shown.
        stop: The first signal ends the measurement early, with a report.
    """

    def __init__(
        self,
        options: LoadOptions,
        market: LoadedMarket,
        crew: LoadCrew,
        folder: Path,
        screen: Screen[LoadMoment, LoadReport],
        stop: StopSignal,
    ) -> None:
        self._options = options
        self._market = market
        self._crew = crew
        self._folder = folder
        self._screen = screen
        self._stop = stop
        self._timeline = Timeline(options.scenario, options.seconds)
        self._findings = Findings()
        self._plans: list[UserPlan] = []
        self._readers = 0
        self._lost: list[str] = []

    async def run(self) -> LoadReport:
        """
        Do all of it.

        Raises:
            ConfigurationError: If the mix does not fit the listing.
            RoleFailed: If users cannot connect, or a process fails; with what it said.
            Interrupted: If it was stopped before the measurement began.
        """
        await self._start()
        opening_seconds = await self._open()
        self._crew.freeze()
        urls = {**self._market.metrics, **self._options.metrics}
        first_scrape = await scrape(urls)
        began_at = datetime.now(UTC).isoformat(timespec="seconds")
        first_seqs = await self._crew.seqs()
        await self._crew.means()
        before = await look(self._crew, self._market)
        after = await self._measure(before)
        means = await self._crew.means()
        published = sum(difference(await self._crew.seqs(), first_seqs).values())
        last_scrape = await scrape(urls)
        last, verdict = await self._prove()
        return conclude(
            Measured(
                options=self._options,
                deployment=self._market.kind,
                proof=self._market.proof,
                urls=self._market.urls,
                instruments=self._market.instruments,
                market_settings=self._market.settings,
                slow_users=self._options.crew.users - self._readers,
                opening_seconds=opening_seconds,
                updates_published=published,
                before=before,
                after=after,
                fairness=fairness(means, self._market.urls),
                last=last,
                scrapes={name: (first_scrape[name], last_scrape[name]) for name in urls},
                verdict=verdict,
                happenings=self._timeline.happenings,
                gateways_lost=self._lost,
                began_at=began_at,
                machine=machine(),
            ),
            self._findings,
        )

    async def _start(self) -> None:
        options, market = self._options, self._market
        plans = plan_users(
            options.crew.users,
            len(market.urls),
            market.instruments,
            options.crew.verify_percent,
            options.mix,
            options.slow * 100,
        )
        self._plans = market.named(plans)
        self._readers = sum(not plan.is_slow for plan in plans)
        settings = FleetSettings(
            seed=options.seed,
            ramp_seconds=options.ramp,
            opening_max=options.opening,
            sources=options.sources,
            trades_as=f"load-{token_hex(3)}" if options.orders else "",
        )
        self._screen.say(f"starting {options.crew.load_processes} load processes for {options.crew.users:,} users")
        await self._crew.start(
            self._plans, market.token, market.urls, self._folder, options.crew.load_processes, settings
        )

    async def _open(self) -> float:
        """Let everybody connect; returns how long it took until all readers were in sync, and all others connected."""
        began, began_us = time.monotonic(), time.time_ns() // 1000
        limit = self._options.ramp + CONNECT_SECONDS_MAX
        self._screen.say(f"connecting {self._options.crew.users:,} users to {', '.join(self._market.urls)}")
        self._crew.connect()
        first = now = await look(self._crew, self._market)
        while not self._is_open(now):
            self._check_market()
            if time.monotonic() - began > limit:
                raise RoleFailed(f"not all users were in sync within {limit:.0f} s\n{self._troubles(now)}\n{TOO_MANY}")
            if await self._stop.wait(OPENING_STEP_SECONDS):
                raise Interrupted
            last, now = now, await look(self._crew, self._market)
            self._findings.add_opening(now.load)
            self._show("connecting", now, last, began, first)
        return (now.load.whole_at_us - began_us) / 1e6

    def _is_open(self, now: Look) -> bool:
        return now.load.whole == self._readers and sum(now.load.connections) == self._options.crew.users

    async def _measure(self, before: Look) -> Look:
        """Watch, and carry out the scenario's actions; returns the last look."""
        options = self._options
        self._crew.set_churn(options.churn)
        self._crew.set_orders(options.orders)
        step = max(STEP_SECONDS, options.seconds / SERIES_POINTS_MAX)
        last = before
        while not self._is_over(last, before):
            mark, due = before.at + self._timeline.next_s(), last.at + step
            if last.at < mark:
                due = min(due, mark)
            if await self._stop.wait(max(due - time.monotonic(), 0.0)):
                break
            self._check_market()
            last = await self._step(last, before)
            deed = self._timeline.due(last.at - before.at)
            if deed is not None:
                await self._carry_out(deed, before.at, last.load.counts)
        return last

    def _is_over(self, last: Look, before: Look) -> bool:
        """Whether the time is up, and the users that an action took out are back or have had their chance."""
        over = last.at - before.at - self._options.seconds
        return over >= 0 and (not self._timeline.is_waiting or over >= RECOVERY_SECONDS_MAX)

    async def _step(self, last: Look, before: Look) -> Look:
        now = await look(self._crew, self._market)
        self._timeline.observe(now.load.counts, now.load.whole_at_us, all_whole=now.load.whole == self._readers)
        self._findings.add(now.point(last, before.at), now.load)
        self._show("measuring", now, last, before.at, before)
        return now

    async def _carry_out(self, deed: Deed, began: float, counts: Mapping[str, int]) -> None:
        elapsed, time_us = time.monotonic() - began, time.time_ns() // 1000
        text = await self._do(deed)
        self._findings.begin_phase(elapsed, deed.value)
        self._timeline.done(deed, text, elapsed, time_us, counts)
        self._screen.say(f"at {elapsed:.1f} s: {text}")

    async def _do(self, deed: Deed) -> str:
        match deed:
            case Deed.BURST:
                return self._set_pace(BURST_FACTOR)
            case Deed.CALM:
                return self._set_pace(1.0)
            case Deed.LOSE_GATEWAY:
                return await self._market.lose_gateway()
            case Deed.DROP_ALL:
                self._crew.drop_all()
                return "all users dropped their connections"

    def _set_pace(self, factor: float) -> str:
        if self._market.set_pace(factor):
            return f"the market trades at {factor:g} times its rate"
        self._crew.set_orders(self._options.orders * factor)
        return f"users order at {factor:g} times their rate"

    def _check_market(self) -> None:
        """Raise for a part without which nothing goes on; a gateway's death is only reported: its users move on."""
        for child in self._crew.children:
            child.check_alive()
        for ending in self._market.lost_gateways():
            if ending not in self._lost:
                self._lost.append(ending)
                self._screen.say(f"{ending}; its users go to the others")

    async def _prove(self) -> tuple[Look, BookVerdict]:
        """Let the market rest if that is possible, and compare books."""
        self._screen.say("measured; users take back their orders, and ask for their books")
        await self._crew.settle()
        await self._market.rest()
        verdict = await self._market.judge(self._plans, self._crew)
        return await look(self._crew, self._market), verdict

    def _show(self, phase: str, now: Look, last: Look, began: float, before: Look) -> None:
        is_measuring = phase == "measuring"
        self._screen.show(
            LoadMoment(
                phase=phase,
                elapsed=now.at - began,
                seconds=self._options.seconds if is_measuring else max(self._options.ramp, now.at - began),
                users=self._readers,
                slow_users=self._options.crew.users - self._readers,
                point=now.point(last, began),
                counts=difference(now.load.counts, before.load.counts),
                orders_waiting=now.load.orders_waiting,
                news=[happening.text for happening in self._timeline.happenings][-NEWS_SHOWN:],
            )
        )

    def _troubles(self, now: Look) -> str:
        reasons = "".join(f"\n  {reason}" for reason in now.load.troubles)
        return f"{now.load.whole:,} of {self._readers:,} users are in sync{reasons}"
